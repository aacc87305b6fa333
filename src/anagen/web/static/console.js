// Small helps on every page; without them everything still works.

/** @param {HTMLInputElement} input @param {HTMLElement} list */
function findWhileTyping(input, list) {
  let asked = 0;
  let timer = 0;
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); };
  const rows = () => /** @type {HTMLAnchorElement[]} */ ([...list.querySelectorAll("a.row")]);
  const ask = async () => {
    const text = input.value.trim();
    const mine = ++asked;
    if (!text) { close(); return; }
    const answer = await fetch(`/people?text=${encodeURIComponent(text)}`, { headers: { "X-Fragment": "1" } })
      .catch(() => null);
    if (mine !== asked || !answer || !answer.ok) return;
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    list.replaceChildren(...parsed.body.childNodes);
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = window.setTimeout(ask, 120); });
  input.form?.addEventListener("keydown", (event) => {
    const all = rows();
    const at = all.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
    if (event.key === "ArrowDown" && all.length) { event.preventDefault(); all[Math.min(at + 1, all.length - 1)].focus(); }
    if (event.key === "ArrowUp" && all.length) { event.preventDefault(); (at > 0 ? all[at - 1] : input).focus(); }
    if (event.key === "Escape") { close(); input.focus(); }
  });
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Node) || !input.form?.contains(event.target)) close();
  });
}

const input = document.querySelector("[data-find]");
const list = document.querySelector("[data-found]");
if (input instanceof HTMLInputElement && list instanceof HTMLElement) {
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  findWhileTyping(input, list);
}

// A problem is named by the label of its field.
for (const link of document.querySelectorAll("[role=alert] li > a[href^='#']")) {
  const place = decodeURIComponent(link.getAttribute("href")?.slice(1) ?? "");
  const label = document.querySelector(`label[for="${CSS.escape(place)}"]`);
  const row = label?.closest("[data-patch]")?.getAttribute("data-patch");
  if (label?.firstChild?.textContent) link.textContent = (row ? `${row}, ` : "") + label.firstChild.textContent.trim();
}

// A page that comes back with problems says so first.
const first = document.querySelector("[data-focus]");
if (first instanceof HTMLElement) first.focus();

// The menu of preferences closes with Escape and by a click elsewhere.
const menu = document.querySelector("details.menu");
if (menu instanceof HTMLDetailsElement) {
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") menu.open = false; });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
}
