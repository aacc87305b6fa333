/** The patches as a table, the chosen one's regrowth, the score, a circle by numbers. */

import { button, field, make } from "./dom.js";
import { VIEWS } from "./surface.js";

const REGIONS = ["top", "back", "left", "right"];

/** @param {object} editor see editor.js */
export function makePanel(editor) {
  const { t } = editor;
  const number = (value, digits) => (value === null || value === undefined ? t("unknown")
    : new Intl.NumberFormat(document.documentElement.lang || undefined,
      { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value));
  const score = makeScore(editor, number);
  const rows = make("tbody");
  const heads = ["patch", "area", "width", "share", "hair_back"].map((key, i) =>
    make("th", { scope: "col", class: i ? "ae-number" : "" }, t(key)));
  const table = make("table", { class: "ae-table" },
    make("caption", { class: "ae-unseen" }, t("patches")), make("thead", {}, make("tr", {}, ...heads)), rows);
  const ghosts = make("div", { class: "ae-ghosts" });
  const detail = makeDetail(editor);
  const element = make("div", { class: "ae-panel" }, score.element, table, ghosts, detail.element, makeCircle(editor));

  function row(patch) {
    const found = editor.measured?.patches[patch.id];
    const wrong = editor.measured?.problems[patch.id];
    const chosen = patch.id === editor.ui.chosen;
    const cell = (text) => make("td", { class: "ae-number" }, text);
    const pick = button(patch.id, () => editor.choose(patch.id, false, true),
      { class: "ae-pick", "aria-pressed": String(chosen), "data-patch": patch.id });
    return [make("tr", { class: chosen ? "ae-chosen" : "" }, make("th", { scope: "row" }, pick),
      cell(found ? `${number(found.area_cm2, 1)} ${t("cm2")}` : t("unknown")),
      cell(found ? `${number(found.diameter_mm, 0)} ${t("mm")}` : t("unknown")),
      cell(found ? `${number(found.share_percent, 1)} %` : t("unknown")),
      cell(patch.regrowth.percent !== null ? `${number(patch.regrowth.percent, 0)} %`
        : patch.regrowth.grade ?? t("unknown"))),
    ...(wrong ?? []).map((one) => make("tr", { class: "ae-wrong" },
      make("td", { colspan: "5" }, `${one.found}. ${one.remedy}`)))];
  }

  function ghostRow(one) {
    const gone = editor.drawing.gone.includes(one.id), was = one.state === "gone";
    const act = (key, work) => button(t(key), work, { class: "ae-small", "data-ghost": `${key}:${one.id}` });
    const deeds = was ? [act("returned", () => editor.redraw(one.id))]
      : gone ? [act("not_gone", () => editor.ungone(one.id))]
        : [act("same", () => editor.carryOver([one.id])), act("redraw", () => editor.redraw(one.id)), act("gone", () => editor.gone(one.id))];
    const name = make("span", { class: "ae-ghost" }, one.id, gone || was ? make("em", {}, t(was ? "was_gone" : "is_gone")) : null);
    return make("li", { class: editor.ui.chosen === one.id ? "ae-chosen" : "" }, name, make("span", { class: "ae-deeds" }, ...deeds));
  }

  return {
    element,
    update() {
      const { drawing, previous } = editor;
      // The focus stays on the patch that was chosen by it.
      const held = element.contains(document.activeElement) ? document.activeElement.dataset.patch : null;
      rows.replaceChildren(...(drawing.patches.length ? drawing.patches.flatMap(row)
        : [make("tr", {}, make("td", { colspan: "5", class: "ae-empty" }, t("none_yet")))]));
      if (held) rows.querySelector(`[data-patch="${CSS.escape(held)}"]`)?.focus();
      const open = previous.filter((one) => !drawing.patches.some((patch) => patch.origins.includes(one.id) || patch.id === one.id));
      const ready = open.filter((one) => one.state !== "gone" && one.shape && !drawing.gone.includes(one.id)).map((one) => one.id);
      ghosts.hidden = open.length === 0;
      ghosts.replaceChildren(make("h3", {}, t("last_visit")), make("ul", {}, ...open.map(ghostRow)),
        ready.length > 1 ? button(t("same_all"), () => editor.carryOver(ready), { class: "ae-small", "data-ghost": "all" }) : "");
      score.update();
      detail.update();
    },
  };
}

function makeScore(editor, number) {
  const { t } = editor;
  const figure = make("strong"), total = make("strong"), share = make("span"), state = make("p", { class: "ae-state" });
  const bars = Object.fromEntries(REGIONS.map((region) => [region, { bar: make("i"), text: make("span", { class: "ae-number" }) }]));
  const notes = make("ul", { class: "ae-notes" });
  const element = make("div", { class: "ae-score" },
    make("div", { class: "ae-figures" },
      make("div", {}, make("span", { class: "ae-label" }, t("salt")), figure),
      make("div", {}, make("span", { class: "ae-label" }, t("total")), total, share)),
    make("dl", { class: "ae-regions", "aria-label": t("region_loss") }, ...REGIONS.flatMap((region) => [
      make("dt", {}, t(`${region}_short`)),
      make("dd", {}, make("span", { class: "ae-bar" }, bars[region].bar), bars[region].text)])),
    notes, state);
  return {
    element,
    update() {
      const { measured, measuring } = editor;
      const empty = editor.drawing.patches.length === 0;
      figure.textContent = empty ? number(0, 1) : number(measured?.salt_percent, 1);
      total.textContent = `${empty ? number(0, 1) : number(measured?.area_cm2, 1)} ${t("cm2")}`;
      share.textContent = measured ? t("of_scalp", { percent: number((100 * measured.area_cm2) / measured.scalp_cm2, 1) }) : "";
      for (const region of REGIONS) {
        const loss = measured?.loss_percent[region] ?? 0;
        bars[region].bar.style.width = `${Math.min(100, loss)}%`;
        bars[region].text.textContent = `${number(loss, 0)} %`;
      }
      notes.replaceChildren(...(measured?.overlaps ?? []).filter((one) => one.area_cm2 >= 0.05)
        .map((one) => make("li", {}, t("overlap", { ...one, area: number(one.area_cm2, 1) }))));
      const lost = measuring.state === "offline";
      element.dataset.state = measuring.state;
      const at = measuring.at?.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      state.textContent = lost && !measured ? t("offline_never") : t(measuring.state, { at });
    },
  };
}

function makeDetail(editor) {
  const { t } = editor;
  const scales = editor.scales;
  const patch = () => editor.drawing.patches.find((one) => one.id === editor.ui.chosen);
  // A scale chosen before its grade is not in the drawing yet.
  let picked = { id: null, scale: "" };
  const clamp = (input) => (input.value === "" ? null : Math.max(0, Math.min(100, Number(input.value))));
  const entry = (key, name) => make("input", { type: "number", min: 0, max: 100, step: "any", inputmode: "decimal", "data-regrowth": key,
    onchange: () => editor.grow(patch().id, { [name]: clamp(name === "percent" ? percent : terminal), ...(name === "percent" ? { grade: null, scale: null } : {}) }) });
  const percent = entry("regrowth_percent", "percent"), terminal = entry("terminal_percent", "terminal");
  const option = (value, words) => make("option", { value }, words);
  const scale = make("select", { "data-regrowth": "scale", onchange: () => { picked = { id: patch().id, scale: scale.value }; showGrades(); if (!scale.value) setGrade(); } },
    option("", t("no_scale")), ...scales.map((one) => option(one.key, one.name)));
  const grade = make("select", { "data-regrowth": "grade", onchange: () => setGrade() });
  const title = make("h3"), note = make("p", { class: "ae-hint" });
  const remove = button(t("remove"), () => editor.removeChosen(), { class: "ae-small", "data-act": "remove" });
  const unpaint = button(t("clear_paint"), () => editor.grow(patch().id, { percent: null, terminal: null }), { class: "ae-small", "data-act": "unpaint" });
  const element = make("div", { class: "ae-detail" }, make("div", { class: "ae-title" }, title, remove),
    make("div", { class: "ae-fields" }, field(t("regrowth_percent"), percent), field(t("terminal_percent"), terminal),
      ...(scales.length ? [field(t("scale"), scale), field(t("grade"), grade)] : [])), make("div", { class: "ae-title" }, note, unpaint));

  function showGrades() {
    const found = scales.find((one) => one.key === scale.value);
    grade.replaceChildren(option("", t("no_grade")), ...(found?.grades ?? []).map((one) => option(one.label, `${one.label}: ${one.meaning}`)));
    grade.disabled = !found;
  }
  function setGrade() {
    const graded = scale.value && grade.value;
    editor.grow(patch().id, graded ? { percent: null, scale: scale.value, grade: grade.value } : { scale: null, grade: null });
  }
  return {
    element,
    update() {
      const one = patch();
      element.hidden = !one;
      if (!one) return;
      title.textContent = t("selected", { id: one.id });
      const { regrowth } = one;
      if (document.activeElement !== percent) percent.value = regrowth.percent ?? "";
      if (document.activeElement !== terminal) terminal.value = regrowth.terminal ?? "";
      if (document.activeElement !== scale && document.activeElement !== grade) {
        scale.value = regrowth.scale ?? (picked.id === one.id ? picked.scale : "");
        showGrades();
        grade.value = regrowth.grade ?? "";
      }
      note.textContent = one.paint ? t("painted") : "";
      unpaint.hidden = !one.paint;
    },
  };
}

function makeCircle(editor) {
  const { t } = editor;
  const entry = (name) => make("input", { type: "number", step: "any", min: 0, inputmode: "decimal", "data-circle": name });
  const view = make("select", { "data-circle": "view" }, ...VIEWS.map((one) => make("option", { value: one }, t(one))));
  const x = entry("x"), y = entry("y"), diameter = entry("diameter");
  const add = () => {
    if (editor.addCircle(view.value, ...[x, y, diameter].map((input) => (input.value === "" ? NaN : Number(input.value))))) {
      for (const input of [x, y, diameter]) input.value = "";
    }
  };
  const element = make("details", { class: "ae-circle" }, make("summary", {}, t("as_circle")),
    make("div", { class: "ae-fields" }, field(t("view"), view), field(t("centre_x"), x), field(t("centre_y"), y),
      field(t("diameter"), diameter)), button(t("add"), add, { class: "ae-small", "data-circle": "add" }));
  element.addEventListener("keydown", (event) => {
    // Enter here adds the circle; it never sends the form around the editor.
    if (event.key === "Enter" && event.target instanceof HTMLInputElement) { event.preventDefault(); add(); }
  });
  return element;
}
