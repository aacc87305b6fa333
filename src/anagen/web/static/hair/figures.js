import { made } from "./controls.js";
import { STATE_BYTES, STRAND_NUMBERS, plane } from "./unpack.js";

// Reach of a patch, of the radius of the head; and looks at most.
const REACH = 0.22;
const LOOKS = 150;

/** Hairs that are there in some week of some course: what this head can carry. */
function possible(hairs) {
  const found = new Uint8Array(hairs.count);
  const planes = hairs.states.length / STATE_BYTES / hairs.count;
  for (let number = 0; number < planes; number++) {
    for (let i = 0; i < hairs.count; i++) {
      if (hairs.states[(number * hairs.count + i) * STATE_BYTES] > 128) found[i] = 1;
    }
  }
  return found;
}

/**
 * Share of the head's hair that is missing, and share of fine hair in what is there.
 * @param {import("./unpack.js").Hairs} hairs
 */
export function counted(hairs, course, arm, week, may = possible(hairs)) {
  const begin = plane(hairs, course, arm, week) * hairs.count;
  let [all, there, fine] = [0, 0, 0];
  for (let i = 0; i < hairs.count; i++) {
    all += may[i];
    const at = (begin + i) * STATE_BYTES;
    if (hairs.states[at] <= 128) continue;
    there++;
    if (hairs.states[at + 1] < 128) fine++;
  }
  return { missing: all ? 1 - there / all : 0, fine: there ? fine / there : 0 };
}

/** Point [mm] of the thinnest place at the first week: where terminal hair is missing most. */
export function thinnest(hairs) {
  const may = possible(hairs);
  const bald = [];
  for (let i = 0; i < hairs.count; i++) {
    const at = (plane(hairs, 0, 0, 0) * hairs.count + i) * STATE_BYTES;
    if (!may[i] || (hairs.states[at] > 128 && hairs.states[at + 1] >= 128)) continue;
    const unit = [0, 1, 2].map((k) => hairs.strands[i * STRAND_NUMBERS + k] / hairs.head.semiAxes[k]);
    bald.push(unit);
  }
  let [best, most] = [[0, 0, 1], -1];
  const near = (middle) => bald.filter((one) =>
    Math.hypot(one[0] - middle[0], one[1] - middle[1], one[2] - middle[2]) < REACH);
  const mean = (some) => [0, 1, 2].map((k) => some.reduce((sum, one) => sum + one[k], 0) / some.length);
  for (let i = 0; i < bald.length; i += Math.ceil(bald.length / LOOKS)) {
    const some = near(bald[i]);
    if (some.length <= most) continue;
    most = some.length;
    best = mean(some);
  }
  if (most > 0) best = mean(near(best));
  return best.map((one, k) => one * hairs.head.semiAxes[k]);
}

/** Table of a course: the same as the picture, in numbers. */
export function numbersTable(hairs, course, say, language) {
  const may = possible(hairs);
  const number = new Intl.NumberFormat(language || undefined, {
    style: "decimal", minimumFractionDigits: 1, maximumFractionDigits: 1,
  });
  const arms = [0, 1];
  const cells = (week) => ["missing", "fine"].flatMap((key) => arms.map((arm) =>
    made("td", {}, number.format(100 * counted(hairs, course, arm, week, may)[key]))));
  return made("table", {},
    made("thead", {},
      made("tr", {}, made("td"), ...["missing", "fine"].map((key) =>
        made("th", { colspan: 2, scope: "colgroup" }, say(key)))),
      made("tr", {}, made("td"), ...["missing", "fine"].flatMap(() => ["treated", "untreated"].map(
        (arm) => made("th", { scope: "col" }, say(arm)))))),
    made("tbody", {}, ...hairs.weeks.map((week, at) =>
      made("tr", {}, made("th", { scope: "row" }, say("week", { week })), ...cells(at)))));
}
