// The visit page: the editor over the form, and one row of fields for every patch that is drawn.

import { render } from "./editor/editor.js";
import { makeModel } from "./model.js";
import { keepDraft } from "./visit_draft.js";

const place = document.querySelector("[data-island=editor]");
const given = document.getElementById("model");
const rows = document.querySelector("[data-rows]");

/** Fields of a patch that has just been drawn, after the blank row of the page. @param {string} id */
function addRow(id) {
  const numbers = [...document.querySelectorAll(".patch-row[data-patch] input[type=hidden][name$='.id']")]
    .map((one) => Number(one.getAttribute("name")?.split(".")[2]));
  const at = Math.max(-1, ...numbers) + 1;
  const blank = document.querySelector("template[data-blank]");
  const row = blank instanceof HTMLTemplateElement ? blank.content.firstElementChild?.cloneNode(true) : null;
  if (!(row instanceof HTMLElement)) return;
  const named = (/** @type {string} */ words) => words.replace(/^seen\.patches\.blank/, `seen.patches.${at}`);
  row.dataset.patch = id;
  for (const one of row.querySelectorAll("input, select")) {
    one.setAttribute("name", named(one.getAttribute("name") ?? ""));
    if (one.id) one.id = named(one.id);
    if (one instanceof HTMLInputElement && one.type === "hidden") one.value = id;
  }
  for (const label of row.querySelectorAll("label")) label.htmlFor = named(label.htmlFor);
  const name = row.querySelector("summary strong");
  if (name) name.textContent = id;
  rows?.append(row);
}

/** Keep one row for each drawn patch; rows of patches no longer drawn are put away, not lost. @param {any[]} patches */
function match(patches) {
  const ids = new Set(patches.map((one) => one.id));
  for (const id of ids) {
    if (!document.querySelector(`.patch-row[data-patch="${CSS.escape(id)}"]`)) addRow(id);
  }
  for (const row of document.querySelectorAll(".patch-row[data-patch]")) {
    if (row instanceof HTMLElement) row.hidden = !ids.has(row.dataset.patch ?? "");
  }
}

if (place instanceof HTMLElement && given) {
  const values = JSON.parse(given.textContent ?? "{}");
  const model = makeModel({ ...values, csrf: place.dataset.csrf });
  model.on("change:visit_patches", () => match(model.get("visit_patches") ?? []));
  render({ model, el: place });
  // The editor has regrowth for itself; the same fields below would only contradict it.
  const blank = document.querySelector("template[data-blank]");
  const drawn = ".patch-row input[name*='regrowth_percent'], .patch-row input[name*='terminal_percent']";
  for (const part of [document, ...(blank instanceof HTMLTemplateElement ? [blank.content] : [])]) {
    for (const one of part.querySelectorAll(drawn)) {
      const around = one.closest(".field");
      if (around instanceof HTMLElement) around.hidden = true;
    }
  }
  const plain = document.querySelector("[data-plain]");
  if (plain instanceof HTMLElement) plain.hidden = true;
  const form = document.getElementById("visit");
  if (form instanceof HTMLFormElement) keepDraft(form, values.draft_key);
}
