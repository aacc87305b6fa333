import { render } from "/static/hair/index.js";

const page = document.documentElement;
const values = JSON.parse(document.getElementById("model").textContent);
const heard = {};
const model = {
  get: (name) => values[name],
  set(name, value) {
    values[name] = value;
    page.dataset[name] = String(value);
    (heard[name] ?? []).forEach((tell) => tell());
  },
  save_changes() {},
  on(event, tell) { (heard[event.replace("change:", "")] ??= []).push(tell); },
};
const el = document.getElementById("hair");
let frames = 0;
el.addEventListener("hair-frame", ({ detail }) => {
  page.dataset.frames = String(++frames);
  page.dataset.level = String(detail.level);
  page.dataset.calls = String(detail.calls);
  page.dataset.triangles = String(detail.triangles);
  page.dataset.machine = String(detail.machine);
});
document.addEventListener("set-model", ({ detail }) => model.set(detail.name, detail.value));
render({ model, el });
