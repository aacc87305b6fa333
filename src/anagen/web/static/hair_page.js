// The page of the hair view: waits for the hairs, then shows them.

import { render } from "./hair/index.js";
import { makeModel } from "./model.js";

const FIRST_WAIT = 800;
const LONGEST_WAIT = 3000;

const place = document.querySelector("[data-island=hair]");
const refused = document.querySelector("[data-refused]");
const given = document.getElementById("model");

/** @param {any} found */
function show(found) {
  if (!(place instanceof HTMLElement)) return;
  if (found.refused) {
    place.hidden = true;
    if (refused instanceof HTMLElement) { refused.textContent = found.refused; refused.hidden = false; }
    return;
  }
  render({ model: makeModel(found), el: place });
}

/** @param {number} wait milliseconds */
async function ask(wait) {
  if (!(place instanceof HTMLElement)) return;
  const answer = await fetch(place.dataset.address ?? "", { headers: { "X-Fragment": "1" } }).catch(() => null);
  if (answer?.redirected) { window.location.assign(answer.url); return; }
  const found = answer?.ok ? await answer.json() : { working: true };
  if (!found.working) { show(found); return; }
  window.setTimeout(() => ask(Math.min(1.5 * wait, LONGEST_WAIT)), wait);
}

if (given) show(JSON.parse(given.textContent ?? "{}"));
else ask(FIRST_WAIT);
