// The page of a person: time slider over the pictured scalp, and the forecast that comes later.

/**
 * @typedef {"likely" | "lucky" | "unlucky"} Case
 * @typedef {Record<Case, [number, number, string]>} Look  opacity of the patch, of the hatching, label
 * @typedef {{week: number, kind: string, drawing: string, caption: Record<Case, string>,
 *            patches: Record<string, Look>}} Frame
 */

/** @param {Element} root @param {string} selector @returns {SVGElement[]} */
const drawn = (root, selector) => /** @type {SVGElement[]} */ ([...root.querySelectorAll(selector)]);

/** Show one moment. @param {Element} root @param {Frame} frame @param {Case} which */
function show(root, frame, which) {
  for (const group of drawn(root, "[data-drawing]")) {
    if (group.dataset.drawing === frame.drawing) group.removeAttribute("display");
    else group.setAttribute("display", "none");
  }
  for (const part of drawn(root, "[data-patch]")) {
    const look = frame.patches[part.dataset.patch ?? ""]?.[which];
    if (!look) continue;
    if (part.classList.contains("spread")) part.setAttribute("opacity", String(look[1]));
    else part.setAttribute("fill-opacity", String(look[0]));
  }
  for (const label of drawn(root, "[data-label]")) {
    label.textContent = frame.patches[label.dataset.label ?? ""]?.[which]?.[2] ?? "";
  }
  const words = root.querySelector("[data-words]");
  if (words) words.textContent = frame.caption[which];
  const kind = root.querySelector("[data-kind]");
  if (kind instanceof HTMLElement) {
    const ahead = frame.kind === "forecast";
    kind.textContent = (ahead ? kind.dataset.forecastWord : kind.dataset.seen) ?? "";
    kind.classList.toggle("ahead", ahead);
  }
}

/** Make the slider of a course work. @param {Element} root */
function slide(root) {
  const text = root.querySelector("[data-frames]")?.textContent;
  const input = root.querySelector("[data-slider]");
  const box = root.querySelector("[data-slide]");
  if (!text || !(input instanceof HTMLInputElement) || !(box instanceof HTMLElement)) return;
  /** @type {Frame[]} */
  const frames = JSON.parse(text);
  const choices = /** @type {HTMLAnchorElement[]} */ ([...root.querySelectorAll("[data-case]")]);
  let which = /** @type {Case} */ (choices.find((one) => one.hasAttribute("aria-current"))?.dataset.case ?? "likely");
  const update = () => {
    const frame = frames[Number(input.value)];
    show(root, frame, which);
    input.setAttribute("aria-valuetext", root.querySelector("[data-caption]")?.textContent ?? "");
  };
  input.addEventListener("input", update);
  for (const button of root.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => {
      const step = Number(/** @type {HTMLElement} */ (button).dataset.step);
      input.value = String(Math.min(Math.max(Number(input.value) + step, 0), frames.length - 1));
      update();
    });
  }
  for (const choice of choices) {
    choice.addEventListener("click", (event) => {
      event.preventDefault();
      which = /** @type {Case} */ (choice.dataset.case);
      for (const one of choices) one.toggleAttribute("aria-current", one === choice);
      choice.setAttribute("aria-current", "true");
      // A case differs only ahead: from what was seen, go to the end.
      if (frames[Number(input.value)].kind === "seen") input.value = String(frames.length - 1);
      update();
    });
  }
  box.hidden = false;
  const links = root.querySelector("[data-moments]");
  if (links instanceof HTMLElement) links.hidden = true;
}

/** Put a new course in place of the old one. @param {Element} old @param {string} text */
function swap(old, text) {
  const made = new DOMParser().parseFromString(text, "text/html").querySelector("[data-course]");
  if (!made) return null;
  // What was seen stays at the same places of the slider, so that nobody loses theirs.
  const place = /** @type {HTMLInputElement | null} */ (old.querySelector("[data-slider]"))?.value;
  const focused = old.contains(document.activeElement) ? document.activeElement?.id : "";
  old.replaceWith(made);
  slide(made);
  const input = made.querySelector("[data-slider]");
  if (input instanceof HTMLInputElement && place !== undefined) {
    input.value = place;
    input.dispatchEvent(new Event("input"));
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  return made;
}

/** Ask for the forecast, and show it when it is done. @param {Element} course */
async function forecast(course) {
  if (!(course instanceof HTMLElement)) return;
  const address = course.dataset.forecast ?? "";
  /** @type {Element | null} */
  let shown = course;
  const csrf = /** @type {HTMLInputElement | null} */ (course.querySelector('[data-panel] input[name="csrf"]'))?.value;
  if (course.dataset.state === "none") {
    if (!csrf) return;
    const answer = await fetch(address, {
      method: "POST", headers: { "X-Fragment": "1", "X-CSRF-Token": csrf },
    }).catch(() => null);
    if (!answer?.ok) return;
    shown = swap(course, await answer.text());
  }
  while (shown instanceof HTMLElement && shown.dataset.state === "active") {
    const answer = await fetch(`${address}?wait=true`, { headers: { "X-Fragment": "1" } }).catch(() => null);
    if (!answer?.ok) return;
    const words = await answer.text();
    if (!document.contains(shown)) return;
    // While it goes on only the panel changes, so that nobody loses the place of the slider.
    const parsed = new DOMParser().parseFromString(words, "text/html").querySelector("[data-course]");
    if (parsed instanceof HTMLElement && parsed.dataset.state === "active") {
      const panel = parsed.querySelector("[data-panel]");
      if (panel) shown.querySelector("[data-panel]")?.replaceWith(panel);
    } else {
      shown = swap(shown, words);
    }
  }
}

const course = document.querySelector("[data-course]");
if (course instanceof HTMLElement) {
  slide(course);
  if (course.hasAttribute("data-ask") || course.dataset.state === "active") void forecast(course);
}
