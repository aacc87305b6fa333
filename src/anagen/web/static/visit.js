// The visit page: the editor over the form, and one row of fields for every patch that is drawn.

import { render } from "./editor/editor.js";
import { makeModel } from "./model.js";

const place = document.querySelector("[data-island=editor]");
const given = document.getElementById("model");
const rows = document.querySelector("[data-rows]");

/** Fields of a patch that has just been drawn, after the first row that is there. @param {string} id */
function addRow(id) {
  const numbers = [...document.querySelectorAll("[data-patch] input[type=hidden][name$='.id']")]
    .map((one) => Number(one.getAttribute("name")?.split(".")[2]));
  const at = Math.max(-1, ...numbers) + 1;
  const row = document.createElement("details");
  row.className = "patch-row";
  row.dataset.patch = id;
  const summary = document.createElement("summary");
  const name = document.createElement("strong");
  name.textContent = id;
  summary.append(name);
  const hidden = document.createElement("input");
  hidden.type = "hidden";
  hidden.name = `seen.patches.${at}.id`;
  hidden.value = id;
  row.append(summary, hidden);
  const first = document.querySelector("[data-patch] .fields");
  const fields = first?.cloneNode(true);
  if (fields instanceof HTMLElement) {
    for (const one of fields.querySelectorAll("input, select")) {
      const own = (one.getAttribute("name") ?? "").replace(/^seen\.patches\.\d+/, `seen.patches.${at}`);
      one.setAttribute("name", own);
      one.id = own.split(":")[0];
      if (one instanceof HTMLInputElement) one.value = "";
      if (one instanceof HTMLSelectElement) one.selectedIndex = 0;
    }
    for (const label of fields.querySelectorAll("label")) {
      label.htmlFor = label.htmlFor.replace(/^seen\.patches\.\d+/, `seen.patches.${at}`);
    }
    for (const words of fields.querySelectorAll(".problem")) words.remove();
    row.append(fields);
  }
  rows?.append(row);
}

/** Keep one row for each drawn patch; rows of patches no longer drawn are put away, not lost. @param {any[]} patches */
function match(patches) {
  const ids = new Set(patches.map((one) => one.id));
  for (const id of ids) {
    if (!document.querySelector(`[data-patch="${CSS.escape(id)}"]`)) addRow(id);
  }
  for (const row of document.querySelectorAll("[data-patch]")) {
    if (row instanceof HTMLElement) row.hidden = !ids.has(row.dataset.patch ?? "");
  }
}

if (place instanceof HTMLElement && given) {
  const values = JSON.parse(given.textContent ?? "{}");
  const model = makeModel({ ...values, csrf: place.dataset.csrf });
  model.on("change:visit_patches", () => match(model.get("visit_patches") ?? []));
  render({ model, el: place });
  // The editor has regrowth for itself; the same fields below would only contradict it.
  for (const one of document.querySelectorAll("[data-patch] input[name*='regrowth_percent'], [data-patch] input[name*='terminal_percent']")) {
    const around = one.closest(".field");
    if (around instanceof HTMLElement) around.hidden = true;
  }
  const plain = document.querySelector("[data-plain]");
  if (plain instanceof HTMLElement) plain.hidden = true;
}
