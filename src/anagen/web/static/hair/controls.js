/**
 * Make an element.
 * @param {string} name @param {Record<string, unknown>} attributes @param {...(Node | string)} inside
 */
export function made(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...inside);
  return element;
}

/** Choice of a course. */
export function courseChoice(courses, chosen, say, choose, name) {
  const options = courses.map((course, number) =>
    made("label", { class: "hair-choice" },
      made("input", {
        type: "radio", name, value: course, checked: number === chosen,
        onchange: () => choose(number),
      }),
      made("span", {}, say(course))));
  return made("fieldset", { class: "hair-courses" }, made("legend", {}, say("course")), ...options);
}

/** Buttons of the views; each is the alternative to a drag. */
export function viewButtons(say, turn, nearer) {
  const one = (key, act, text) =>
    made("button", { type: "button", "data-view": key, onclick: act, "aria-label": say(key) },
      text ?? say(key));
  return made("div", { class: "hair-views", role: "group", "aria-label": say("view") },
    ...["thinnest", "top", "back", "left", "right"].map((key) => one(key, () => turn(key))),
    one("farther", () => nearer(1 / 1.3), "−"), one("nearer", () => nearer(1.3), "+"));
}

/** Play button and slider of time. */
export function timeLine(hairs, say, { seek, toggle }) {
  const last = hairs.weeks[hairs.weeks.length - 1];
  const first = hairs.weeks[0];
  const play = made("button", { type: "button", class: "hair-play", onclick: toggle }, say("play"));
  const slider = made("input", {
    type: "range", min: first, max: last, step: 0.1, "aria-label": say("time"),
    oninput: () => seek(Number(slider.value)),
    onkeydown: (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 4, PageDown: -4 };
      if (!(event.key in by)) return;
      event.preventDefault();
      seek(Math.round(Number(slider.value)) + by[event.key]);
    },
  });
  const ticks = made("div", { class: "hair-ticks", "aria-hidden": true },
    ...hairs.weeks.map((week) => {
      const tick = made("span", {}, String(week));
      tick.style.left = `${(100 * (week - first)) / (last - first)}%`;
      return tick;
    }));
  const output = made("output", { class: "hair-week" });
  const show = (week, playing) => {
    slider.value = String(week);
    const text = say("week", { week: Math.round(week) });
    slider.setAttribute("aria-valuetext", text);
    if (output.textContent !== text) output.textContent = text;
    play.textContent = say(playing ? "pause" : "play");
    play.dataset.playing = String(playing);
  };
  const row = made("div", { class: "hair-time" }, play,
    made("div", { class: "hair-line" }, slider, ticks), output);
  return { row, show, slider };
}
