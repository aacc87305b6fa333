import { render } from "/static/editor/editor.js";

const values = JSON.parse(document.getElementById("model").textContent);
const heard = {};
const model = {
  get: (name) => values[name],
  set(name, value) { values[name] = value; (heard[name] ?? []).forEach((tell) => tell()); },
  save_changes() {},
  on(event, tell) { (heard[event.replace("change:", "")] ??= []).push(tell); },
};
render({ model, el: document.getElementById("editor") }).then(() => {
  document.documentElement.dataset.ready = "true";
});
