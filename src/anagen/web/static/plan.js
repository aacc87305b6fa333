// The plan follows what is typed: posts the form, swaps the results in, and lets sites be moved.
// Without this the same form is sent by its button.

const PAUSE = 150;
const AGAIN = 150;
const STEP_MM = 0.5;
const FAR_STEP_MM = 3;

/**
 * Give a problem or a help text its place beside a field.
 * @param {HTMLElement} results
 * @param {HTMLFormElement} form
 */
function placeWords(results, form) {
  const defaults = results.querySelector("[data-defaults]");
  const about = form.querySelector("[data-about-protocol]");
  if (defaults instanceof HTMLElement && about) about.textContent = defaults.dataset.summary ?? "";
  for (const one of results.querySelectorAll("[data-defaults] [data-name]")) {
    if (!(one instanceof HTMLElement)) continue;
    const input = form.querySelector(`#${CSS.escape(one.dataset.name ?? "")}`);
    if (!(input instanceof HTMLInputElement)) continue;
    input.placeholder = one.dataset.words ?? "";
    input.dataset.usual = one.dataset.value ?? "";
    const help = input.closest(".field")?.querySelector(".help");
    if (help) help.textContent = one.textContent;
  }
  for (const field of form.querySelectorAll(".plan-side .field")) {
    const input = field.querySelector("input, select");
    if (!input) continue;
    const problem = results.querySelector(`[data-problems] [data-name="${CSS.escape(input.id)}"]`);
    let words = field.querySelector(".problem");
    if (problem && !words) {
      words = document.createElement("p");
      words.className = "problem";
      words.id = `${input.id}-wrong`;
      field.append(words);
    }
    if (words) words.textContent = problem ? problem.textContent : "";
    field.classList.toggle("wrong", Boolean(problem));
    if (problem && words) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-errormessage", words.id);
    } else input.removeAttribute("aria-invalid");
  }
}

/**
 * Keep figures of the last forecast in sight, dimmed, until the new one is there.
 * @param {HTMLElement} before @param {ParentNode} after
 */
function keepOutlook(before, after) {
  if (!after.querySelector("[data-working]")) return;
  for (const fresh of after.querySelectorAll("[data-outlook]")) {
    const old = before.querySelector(`[data-outlook="${/** @type {HTMLElement} */ (fresh).dataset.outlook}"]`);
    const hasFigures = old && (old.querySelector("svg, strong"));
    if (!old || !hasFigures) continue;
    fresh.replaceChildren(...old.childNodes);
    fresh.classList.add("stale");
  }
}

/** @param {HTMLElement} results @param {ParentNode} parsed */
function swap(results, parsed) {
  const active = document.activeElement;
  const focused = (active instanceof HTMLElement || active instanceof SVGElement) && results.contains(active)
    ? active : null;
  const mark = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.dataset.site
    ? `.close-up [data-site="${focused.dataset.site}"][data-view="${focused.dataset.view}"]`
    : focused instanceof HTMLButtonElement && focused.name ? `button[name="${focused.name}"]` : "");
  const typed = new Map();
  for (const one of results.querySelectorAll("input:not([type=hidden]), textarea")) {
    if (one instanceof HTMLInputElement || one instanceof HTMLTextAreaElement) typed.set(one.id, one.value);
  }
  const open = [...results.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
  keepOutlook(results, parsed);
  results.replaceChildren(...parsed.childNodes);
  for (const [id, value] of typed) {
    const one = document.getElementById(id);
    if (one instanceof HTMLInputElement || one instanceof HTMLTextAreaElement) one.value = value;
  }
  for (const one of results.querySelectorAll("details > summary")) {
    if (open.includes(one.textContent) && one.parentElement instanceof HTMLDetailsElement) one.parentElement.open = true;
  }
  const again = mark ? results.querySelector(mark) : null;
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
}

/** @param {HTMLFormElement} form @param {HTMLElement} results */
function follow(form, results) {
  const said = form.querySelector("[data-said]");
  let timer = 0;
  let asked = 0;
  /** @type {AbortController | null} */
  let running = null;

  /** @param {HTMLElement | null} submitter @param {"1" | "wait"} how */
  async function ask(submitter, how) {
    const mine = ++asked;
    running?.abort();
    running = new AbortController();
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) body.append(name, String(value));
    if (submitter instanceof HTMLButtonElement && submitter.name) body.set(submitter.name, submitter.value);
    if (how === "1") results.setAttribute("aria-busy", "true");
    const started = performance.now();
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Fragment": how }, signal: running.signal })
      .catch(() => null);
    if (mine !== asked) return;
    if (!answer || answer.redirected || answer.status === 401) {
      if (answer) form.submit();
      else results.removeAttribute("aria-busy");
      return;
    }
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked || !answer.ok) { results.removeAttribute("aria-busy"); return; }
    swap(results, parsed.body);
    placeWords(results, form);
    results.dataset.milliseconds = String(Math.round(performance.now() - started));
    if (results.querySelector("[data-working]")) {
      timer = window.setTimeout(() => { void ask(null, "wait"); }, AGAIN);
      return;
    }
    results.removeAttribute("aria-busy");
    const verdict = results.querySelector("#verdict, [role=alert] li");
    if (said && verdict) said.textContent = verdict.textContent;
  }

  const soon = () => {
    window.clearTimeout(timer);
    asked += 1;
    timer = window.setTimeout(() => { void ask(null, "1"); }, PAUSE);
  };
  form.addEventListener("input", (event) => {
    if (event.target instanceof HTMLElement && event.target.id !== "note") soon();
  });
  form.addEventListener("submit", (event) => {
    const by = /** @type {HTMLElement | null} */ (event.submitter);
    if (by?.hasAttribute("formaction")) return;
    if (by instanceof HTMLButtonElement && by.name === "pick") return;
    event.preventDefault();
    window.clearTimeout(timer);
    void ask(by, "1");
  });
  form.addEventListener("keydown", (event) => step(event));
  moveSites(form, results, soon);
  if (results.querySelector("[data-working]")) timer = window.setTimeout(() => { void ask(null, "wait"); }, AGAIN);
}

/** A number goes up and down by its step, from the protocol's where nothing was typed. @param {KeyboardEvent} event */
function step(event) {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !input.dataset.step) return;
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  event.preventDefault();
  const by = Number(input.dataset.step);
  const now = Number((input.value || input.dataset.usual || "0").replace(",", "."));
  if (!Number.isFinite(now)) return;
  const next = Math.max(now + (event.key === "ArrowUp" ? by : -by), by);
  input.value = String(Number(next.toFixed(3)));
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Sites are dragged, or moved by the arrow keys; each move is noted in a hidden field.
 * @param {HTMLFormElement} form @param {HTMLElement} results @param {() => void} changed
 */
function moveSites(form, results, changed) {
  /** @type {{site: SVGGElement, dx: number, dy: number} | null} */
  let held = null;
  /** @param {SVGGElement} site @param {PointerEvent} event */
  const place = (site, event) => {
    const svg = /** @type {SVGSVGElement} */ (site.ownerSVGElement);
    const matrix = svg.getScreenCTM();
    return matrix ? new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse()) : null;
  };
  /** @param {SVGGElement} site */
  const where = (site) => {
    const matrix = site.transform.baseVal.consolidate()?.matrix;
    return { x: matrix?.e ?? 0, y: matrix?.f ?? 0 };
  };
  /** @param {SVGGElement} site @param {number} x @param {number} y */
  const put = (site, x, y) => {
    const box = /** @type {SVGSVGElement} */ (site.ownerSVGElement).viewBox.baseVal;
    const inside = (value, low, size) => Math.min(Math.max(value, low + 1), low + size - 1);
    site.setAttribute("transform",
      `translate(${inside(x, box.x, box.width).toFixed(2)} ${inside(y, box.y, box.height).toFixed(2)})`);
  };
  /** @param {SVGGElement} site */
  const note = (site) => {
    const input = results.querySelector("[data-moves]");
    if (!(input instanceof HTMLInputElement)) return;
    const number = Number(site.dataset.site);
    const at = where(site);
    const rows = (input.value ? JSON.parse(input.value) : []).filter((row) => row.number !== number);
    rows.push({ number, view: site.dataset.view, x: Number(at.x.toFixed(2)), y: Number(at.y.toFixed(2)) });
    input.value = JSON.stringify(rows);
    changed();
  };
  const siteOf = (target) => target instanceof Element
    ? /** @type {SVGGElement | null} */ (target.closest(".site[data-movable]")) : null;
  results.addEventListener("pointerdown", (event) => {
    const site = siteOf(event.target);
    const at = site && event.isPrimary ? place(site, event) : null;
    if (!site || !at) return;
    const own = where(site);
    held = { site, dx: own.x - at.x, dy: own.y - at.y };
    site.setPointerCapture(event.pointerId);
    site.classList.add("held");
    event.preventDefault();
    site.focus({ preventScroll: true });
  });
  results.addEventListener("pointermove", (event) => {
    const at = held && place(held.site, event);
    if (held && at) put(held.site, at.x + held.dx, at.y + held.dy);
  });
  const drop = (event) => {
    if (!held) return;
    held.site.classList.remove("held");
    if (event.type === "pointerup") note(held.site);
    held = null;
  };
  results.addEventListener("pointerup", drop);
  results.addEventListener("pointercancel", drop);
  // One site of each patch is a stop of the Tab key; from there n and Shift+n go through the others.
  const rove = () => {
    for (const svg of results.querySelectorAll(".close-up")) {
      const sites = [...svg.querySelectorAll("[data-movable]")];
      const stop = sites.find((one) => one === document.activeElement) ?? sites[0];
      for (const one of sites) one.setAttribute("tabindex", one === stop ? "0" : "-1");
    }
  };
  rove();
  new MutationObserver(rove).observe(results, { childList: true });
  results.addEventListener("focusin", (event) => { if (siteOf(event.target)) rove(); });
  results.addEventListener("keydown", (event) => {
    const site = siteOf(event.target);
    if (site && event.key.toLowerCase() === "n") {
      const sites = /** @type {SVGGElement[]} */ ([...results.querySelectorAll(".site[data-movable]")]);
      const next = sites[(sites.indexOf(site) + (event.shiftKey ? -1 : 1) + sites.length) % sites.length];
      event.preventDefault();
      next.focus();
      return;
    }
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!site || !by) return;
    event.preventDefault();
    const at = where(site);
    const far = event.shiftKey ? FAR_STEP_MM : STEP_MM;
    put(site, at.x + by[0] * far, at.y + by[1] * far);
    note(site);
  });
  form.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-put-back]") : null;
    const input = results.querySelector("[data-moves]");
    if (!button || !(input instanceof HTMLInputElement)) return;
    event.preventDefault();
    input.value = "";
    changed();
  });
}

const form = document.querySelector("[data-plan]");
const results = document.querySelector("[data-results]");
if (form instanceof HTMLFormElement && results instanceof HTMLElement) {
  form.classList.add("scripted");
  follow(form, results);
}
