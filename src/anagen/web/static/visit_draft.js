// What was typed into a visit, kept on this device until the server has it, and offered again after a
// closed tab, a lost line or an ended sign-in. The drawing has a draft of its own.

const PREFIX = "anagen:fields:";
const KEPT_DAYS = 3;
const DAY = 86_400_000;
const OWN = ["csrf", "once", "version", "drawing"];

/** @typedef {{once: string, at: number, fields: [string, string][]}} Saved */

/** Token of the form that the server kept last, from the cookie that its answer set. */
function keptByServer() {
  return /(?:^|; )anagen_kept=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}

/** @param {string} name @returns {Saved | null} */
function read(name) {
  try {
    const saved = JSON.parse(window.localStorage.getItem(name) ?? "null");
    return Array.isArray(saved?.fields) && Date.now() - saved.at < KEPT_DAYS * DAY ? saved : null;
  } catch { return null; }
}

/** @param {string} name */
function drop(name) {
  try { window.localStorage.removeItem(name); } catch { /* nothing was kept */ }
}

/** A field by its name; those of a patch by the patch, as their numbers may change. @param {Element} one */
function nameOf(one) {
  const patch = one.closest("[data-patch]")?.getAttribute("data-patch");
  const name = one.getAttribute("name") ?? "";
  return patch ? name.replace(/^seen\.patches\.\d+/, `patch ${patch}`) : name;
}

/** @param {HTMLFormElement} form @returns {HTMLInputElement[]} */
function fieldsOf(form) {
  const all = /** @type {HTMLInputElement[]} */ ([...form.elements]);
  return all.filter((one) => one.name && one.type !== "hidden" && !OWN.includes(one.name) && !one.closest("[data-island]"));
}

/**
 * Keep what is typed, and offer what was.
 * @param {HTMLFormElement} form @param {string} key of the visit
 */
export function keepDraft(form, key) {
  const name = PREFIX + key;
  const once = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("once"))?.value ?? "";
  const place = form.querySelector("[data-offer]");
  const values = () => fieldsOf(form).map((one) => /** @type {[string, string]} */ ([nameOf(one), one.value]));
  const begun = JSON.stringify(values());
  const saved = read(name);
  if (!saved || saved.once === keptByServer() || JSON.stringify(saved.fields) === begun) drop(name);
  else if (place instanceof HTMLElement) offer(saved, place);

  form.addEventListener("input", (event) => {
    if (event.target instanceof Element && !event.target.closest("[data-island]")) write();
  });

  function write() {
    // A full or forbidden storage must not stop the visit.
    try {
      window.localStorage.setItem(name, JSON.stringify({ once, at: Date.now(), fields: values() }));
    } catch { /* goes on without */ }
  }

  /** @param {Saved} saved @param {HTMLElement} place */
  function offer(saved, place) {
    const words = document.createElement("p");
    words.textContent = place.dataset.words ?? "";
    const button = (/** @type {string | undefined} */ text, /** @type {() => void} */ work) => {
      const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
      made.addEventListener("click", () => { work(); place.hidden = true; });
      return made;
    };
    const resume = button(place.dataset.resume, () => restore(saved));
    resume.className = "main";
    place.replaceChildren(words, resume, button(place.dataset.drop, () => drop(name)));
    place.hidden = false;
  }

  /** @param {Saved} saved */
  function restore(saved) {
    const found = new Map(saved.fields);
    for (const one of fieldsOf(form)) one.value = found.get(nameOf(one)) ?? one.value;
    write();
  }
}
