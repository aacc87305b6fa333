// A session under way: one tap a site, running totals, and nothing lost when the connection is.
// Without this the same form is filled in by its radio buttons.

const PREFIX = "anagen treat ";
const RETRY = 5000;
const KEPT_DAYS = 3;
const DAY = 86_400_000;

/** @typedef {{key: string, at: number, fields: [string, string][]}} Saved */

/** Where what is tapped is kept on this device. @param {string} name */
function drawer(name) {
  return {
    /** @returns {Saved | null} */
    read() {
      try { return JSON.parse(window.localStorage.getItem(name) ?? "null"); } catch { return null; }
    },
    /** @param {Saved} saved */
    write(saved) {
      // A full or forbidden storage must not stop the session.
      try { window.localStorage.setItem(name, JSON.stringify(saved)); } catch { /* goes on without */ }
    },
    clear() { try { window.localStorage.removeItem(name); } catch { /* nothing was kept */ } },
  };
}

/** Drop what is old, or was kept by the server. @param {string} done beginning of the name */
function tidy(done) {
  try {
    for (const name of Object.keys(window.localStorage).filter((one) => one.startsWith(PREFIX))) {
      const saved = drawer(name).read();
      if (!saved || Date.now() - saved.at > KEPT_DAYS * DAY || (done && name.startsWith(PREFIX + done))) {
        window.localStorage.removeItem(name);
      }
    }
  } catch { /* there is no storage */ }
}

/** @param {HTMLFormElement} form */
function treat(form) {
  const kept = drawer(`${PREFIX}${form.dataset.treat} ${form.dataset.session}`);
  const rows = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[data-row]")]);
  const bar = /** @type {HTMLElement} */ (form.querySelector("[data-bar]"));
  const connection = /** @type {HTMLElement} */ (form.querySelector("[data-connection]"));
  const key = /** @type {HTMLInputElement} */ (form.elements.namedItem("key"));
  const locale = document.documentElement.lang;
  /** @type {string[]} */
  const order = [];
  let retry = 0;
  let sending = false;

  const status = (row) => {
    const found = row.querySelector("input[name$='.status']:checked");
    return found instanceof HTMLInputElement ? found.value : "";
  };
  const isDone = (row) => status(row) === "given"
    || (status(row) === "skipped" && Boolean(row.querySelector("input[name$='.reason']:checked") || row.querySelector("input[name$='.other']")?.value.trim()));
  const next = () => rows.find((row) => !isDone(row));

  function save() {
    const fields = /** @type {[string, string][]} */ ([...new FormData(form)]
      .filter(([name]) => !["csrf", "key"].includes(name)).map(([name, value]) => [name, String(value)]));
    kept.write({ key: key.value, at: Date.now(), fields });
  }

  function show() {
    let mg = 0, ml = 0, done = 0;
    const coming = next();
    for (const row of rows) {
      const now = status(row);
      if (isDone(row)) done += 1;
      if (now === "given") { mg += Number(row.dataset.mg); ml += Number(row.dataset.ml); }
      row.classList.toggle("next", row === coming);
      row.classList.toggle("done", isDone(row));
      for (const site of form.querySelectorAll(`.close-up [data-site="${row.dataset.row}"]`)) {
        site.classList.toggle("given", now === "given");
        site.classList.toggle("skipped", now === "skipped");
        site.classList.toggle("next", row === coming);
      }
    }
    const write = (name, words) => { const one = form.querySelector(`[data-${name}]`); if (one) one.textContent = words; };
    const digits = { maximumFractionDigits: 2 };
    const shown = bar.querySelectorAll("[data-mg], [data-ml], [data-count]");
    for (const one of shown) {
      if (one.hasAttribute("data-mg")) one.textContent = mg.toLocaleString(locale, digits);
      if (one.hasAttribute("data-ml")) one.textContent = ml.toLocaleString(locale, digits);
      if (one.hasAttribute("data-count")) one.textContent = String(done);
    }
    write("next", coming ? `${form.dataset.wordsNext}: ${form.dataset.wordsSite} ${coming.dataset.row} · ${coming.dataset.patch}` : form.dataset.wordsAll ?? "");
    for (const name of ["give", "skip"]) {
      const button = bar.querySelector(`[data-${name}]`);
      if (button instanceof HTMLButtonElement) button.disabled = !coming;
    }
    const undo = bar.querySelector("[data-undo]");
    if (undo instanceof HTMLButtonElement) undo.disabled = !order.length;
  }

  /** @param {HTMLElement} row @param {"given" | "skipped"} value */
  function mark(row, value) {
    const input = row.querySelector(`input[name$='.status'][value='${value}']`);
    if (input instanceof HTMLInputElement) input.checked = true;
    changed(row);
  }
  /** @param {HTMLElement | null} row */
  function changed(row) {
    if (row?.dataset.row) {
      const at = order.indexOf(row.dataset.row);
      if (at >= 0) order.splice(at, 1);
      order.push(row.dataset.row);
    }
    save();
    show();
  }
  function giveNext() {
    const row = next();
    if (!row) return;
    mark(row, "given");
    const following = next();
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    following?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  }
  function skipNext() {
    const row = next();
    if (!row) return;
    mark(row, "skipped");
    row.scrollIntoView({ block: "center" });
    const first = row.querySelector("input[name$='.reason']");
    if (first instanceof HTMLElement) first.focus({ preventScroll: true });
  }
  function undo() {
    const number = order.pop();
    const row = rows.find((one) => one.dataset.row === number);
    if (!row) return;
    for (const input of row.querySelectorAll("input")) {
      if (input.type === "text") input.value = ""; else input.checked = false;
    }
    save();
    show();
    row.scrollIntoView({ block: "center" });
  }

  /** @param {Saved} saved */
  function restore(saved) {
    const found = new Map(saved.fields);
    for (const one of form.elements) {
      if (one instanceof HTMLInputElement && one.type !== "hidden") {
        if (one.type === "radio" || one.type === "checkbox") one.checked = found.get(one.name) === one.value;
        else if (found.has(one.name)) one.value = found.get(one.name) ?? "";
      } else if (one instanceof HTMLTextAreaElement && found.has(one.name)) one.value = found.get(one.name) ?? "";
    }
    key.value = saved.key;
    show();
  }
  function offer() {
    const saved = kept.read();
    const place = form.querySelector("[data-offer]");
    if (!saved || !(place instanceof HTMLElement) || saved.key === key.value) return;
    const words = document.createElement("p");
    words.textContent = form.dataset.wordsOffer ?? "";
    const resume = Object.assign(document.createElement("button"), { type: "button", className: "main", textContent: form.dataset.wordsResume });
    const drop = Object.assign(document.createElement("button"), { type: "button", textContent: form.dataset.wordsDrop });
    resume.addEventListener("click", () => { restore(saved); place.hidden = true; });
    drop.addEventListener("click", () => { kept.clear(); place.hidden = true; });
    place.replaceChildren(words, resume, drop);
    place.hidden = false;
  }

  function wait() {
    connection.textContent = form.dataset.wordsWaiting ?? "";
    connection.hidden = false;
    window.clearTimeout(retry);
    retry = window.setTimeout(() => { void send(); }, RETRY);
  }
  async function send() {
    if (sending) return;
    sending = true;
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) body.append(name, String(value));
    const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
    sending = false;
    if (!answer || answer.status >= 502) { wait(); return; }
    const path = answer.redirected ? new URL(answer.url).pathname : "";
    if (path === "/sign-in" || answer.status === 401) {
      connection.replaceChildren(form.dataset.wordsSignIn ?? "", " ");
      const link = Object.assign(document.createElement("a"), { href: `/sign-in?then=${encodeURIComponent(window.location.pathname + window.location.search)}`, textContent: "→" });
      connection.append(link);
      connection.hidden = false;
      return;
    }
    if (answer.redirected) { window.location.assign(answer.url); return; }
    // What is wrong is shown by the page that the server answers with.
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = parsed.querySelector("main");
    const main = document.querySelector("main");
    if (!fresh || !main) { wait(); return; }
    main.replaceChildren(...fresh.childNodes);
    begin();
    const first = main.querySelector("[data-focus]");
    if (first instanceof HTMLElement) first.focus();
  }

  form.addEventListener("change", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-row]") : null;
    changed(row instanceof HTMLElement ? row : null);
  });
  form.addEventListener("input", save);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
    connection.textContent = form.dataset.wordsSending ?? "";
    connection.hidden = false;
    void send();
  });
  bar.querySelector("[data-give]")?.addEventListener("click", giveNext);
  bar.querySelector("[data-skip]")?.addEventListener("click", skipNext);
  bar.querySelector("[data-undo]")?.addEventListener("click", undo);
  window.addEventListener("online", () => { if (retry) void send(); });
  for (const site of form.querySelectorAll(".close-up [data-site]")) {
    site.addEventListener("click", () => {
      const row = rows.find((one) => one.dataset.row === /** @type {SVGElement} */ (site).dataset.site);
      row?.scrollIntoView({ block: "center" });
    });
  }
  form.classList.add("scripted");
  bar.hidden = false;
  offer();
  show();
}

function begin() {
  const done = document.querySelector("[data-kept]");
  tidy(done instanceof HTMLElement ? done.dataset.kept ?? "" : "");
  const form = document.querySelector("[data-treat]");
  if (form instanceof HTMLFormElement) treat(form);
}
begin();
