/**
 * The hair view: the scalp hair by hair, treated beside untreated, over the weeks.
 *
 * The model has: data (base64 of a gzip'd `hair_view` binary), labels (words by course), texts
 * (words by key), language, week and course (both are set when the reader changes them).
 */
import { VIEWS, facing, within } from "./camera.js";
import { courseChoice, made, timeLine, viewButtons } from "./controls.js";
import { numbersTable, thinnest } from "./figures.js";
import { gestures } from "./gestures.js";
import { loaded } from "./load.js";
import { Stage } from "./stage.js";
import { still } from "./still.js";
import { wording } from "./texts.js";

const PLAY_MS_PER_WEEK = 420;
const MOST_WEEKS_A_FRAME = 0.5; // where drawing is slow, slow motion rather than a jump to the end
const STEP_MS = 1200;
const TURN_MS = 420;
const NEAR = 2.3;

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * Show the hair view in an element.
 * @param {{model: any, el: HTMLElement}} place
 * @returns {() => void} takes it away again
 */
export function render({ model, el }) {
  let view = null;
  let ended = false;
  let turn = 0;
  const say = wording(model.get("texts"));
  const begin = async () => {
    const mine = ++turn;
    view?.release();
    view = null;
    el.replaceChildren(made("p", { class: "hair-loading", role: "status" }, say("loading")));
    try {
      const found = await loaded(model.get("data"));
      if (!ended && mine === turn) view = new HairView(model, el, found, say);
    } catch {
      if (mine === turn) el.replaceChildren(made("p", { class: "stop", role: "alert" }, say("broken")));
    }
  };
  const again = () => void begin();
  const week = () => view?.seek(Number(model.get("week")), false);
  const course = () => view?.choose(model.get("course"), false);
  const handlers = { "change:data": again, "change:week": week, "change:course": course };
  for (const [name, act] of Object.entries(handlers)) model.on(name, act);
  again();
  return () => {
    ended = true;
    for (const [name, act] of Object.entries(handlers)) model.off?.(name, act);
    view?.release();
    el.replaceChildren();
  };
}

class HairView {
  #model;
  #el;
  #hairs;
  #say;
  #stage;
  #parts;
  #scene;
  #home;
  #playing = 0;
  #turning = 0;

  constructor(model, el, found, say) {
    this.#model = model;
    this.#el = el;
    this.#hairs = found.hairs;
    this.#say = say;
    const asked = found.hairs.courses.indexOf(model.get("course"));
    const normal = thinnest(found.hairs);
    this.#home = facing(normal, 1);
    this.#scene = { course: Math.max(0, asked), week: this.#inside(model.get("week")),
      eye: this.#home };
    this.#build();
    this.#stage = new Stage(this.#parts.canvas, found, {
      scene: this.#scene,
      onFrame: (frame) => this.#told(frame),
      onPlain: (canvas) => this.#plain(canvas),
    });
    if (!this.#parts.plain) this.#listen(this.#parts.canvas);
    addEventListener("beforeprint", this.#print);
    this.#words();
    this.#stage.draw();
  }

  #build() {
    const say = this.#say;
    const id = `hair-${Math.random().toString(36).slice(2)}`;
    const canvas = made("canvas", {
      class: "hair-canvas", tabindex: 0, role: "application", "aria-describedby": `${id}-help`,
      "aria-roledescription": "3D",
    });
    const time = timeLine(this.#hairs, say, {
      seek: (week) => {
        this.#pause();
        this.seek(week, true);
      },
      toggle: () => (this.#playing ? this.#pause() : this.#play()),
    });
    const label = made("p", { class: "hair-label", "aria-live": "polite" });
    const note = made("p", { class: "hair-note" });
    const table = made("div", { class: "hair-table" });
    const print = made("img", { class: "hair-print", alt: "" });
    this.#parts = { canvas, time, label, note, table, print, plain: false };
    const caption = (arm) => made("span", { class: `hair-arm hair-${arm}` }, say(arm));
    this.#el.replaceChildren(made("section", { class: "hair", "aria-label": say("title") },
      courseChoice(this.#hairs.courses, this.#scene.course, say, (n) => this.choose(n, true), id),
      label,
      made("div", { class: "hair-picture" },
        made("div", { class: "hair-arms" }, caption("treated"), caption("untreated")),
        canvas, print),
      time.row,
      made("div", { class: "hair-tools" },
        viewButtons(say, (key) => this.#turn(key), (by) => this.#nearer(by)),
        made("button", { type: "button", class: "hair-save", onclick: () => this.#save() },
          say("save"))),
      made("p", { class: "hair-help", id: `${id}-help` }, say("help")),
      note,
      made("details", { class: "hair-numbers" }, made("summary", {}, say("numbers")), table)));
  }

  #listen(canvas) {
    gestures(canvas, {
      eye: () => this.#scene.eye,
      move: (eye) => {
        cancelAnimationFrame(this.#turning);
        this.#stage.show({ eye });
      },
      home: () => this.#turn("thinnest", 1),
    });
  }

  #plain(canvas) {
    this.#parts.canvas = canvas;
    this.#parts.plain = true;
    this.#listen(canvas);
    this.#parts.note.before(made("p", { class: "hair-note" }, this.#say("plain")));
  }

  #inside(week) {
    const weeks = this.#hairs.weeks;
    const asked = Number.isFinite(Number(week)) ? Number(week) : weeks[0];
    return Math.min(weeks[weeks.length - 1], Math.max(weeks[0], asked));
  }

  /** Go to a week. @param {number} week @param {boolean} tell whether the model is to know */
  seek(week, tell) {
    const at = this.#inside(week);
    if (tell) this.#tell("week", Math.round(at * 10) / 10);
    if (Math.abs(at - this.#scene.week) < 1e-6) return;
    this.#stage.show({ week: at });
    this.#words();
  }

  /** Choose a course by name or number. */
  choose(course, tell) {
    const number = typeof course === "number" ? course : this.#hairs.courses.indexOf(course);
    if (number < 0 || number === this.#scene.course) return;
    this.#stage.show({ course: number });
    if (tell) this.#tell("course", this.#hairs.courses[number]);
    for (const input of this.#el.querySelectorAll(".hair-courses input")) {
      input.checked = input.value === this.#hairs.courses[number];
    }
    this.#words();
  }

  #tell(name, value) {
    if (this.#model.get(name) === value) return;
    this.#model.set(name, value);
    this.#model.save_changes?.();
  }

  #words() {
    const { time, label, note, table, canvas } = this.#parts;
    const say = this.#say;
    const course = this.#hairs.courses[this.#scene.course];
    const week = Math.round(this.#scene.week);
    time.show(this.#scene.week, Boolean(this.#playing));
    canvas.setAttribute("aria-label", say("picture", { week, course: say(course) }));
    const words = this.#model.get("labels")?.[course] ?? say(course);
    if (label.textContent === words && table.firstChild) return;
    label.textContent = words;
    const weeks = this.#hairs.weeks.join(", ");
    note.textContent = say("honest", {
      each: Math.max(1, Math.round(this.#hairs.hairsEach)), cut: Math.round(this.#hairs.cutMm), weeks,
    });
    table.replaceChildren(numbersTable(this.#hairs, this.#scene.course, say,
      this.#model.get("language")));
  }

  #play() {
    const weeks = this.#hairs.weeks;
    const last = weeks[weeks.length - 1];
    if (this.#scene.week >= last) this.seek(weeks[0], false);
    if (calm()) {
      this.#playing = setTimeout(this.#step, STEP_MS);
      this.#words();
      return;
    }
    let before = performance.now();
    const frame = (now) => {
      const passed = Math.max(0, now - before) / PLAY_MS_PER_WEEK;
      const week = this.#scene.week + Math.min(passed, MOST_WEEKS_A_FRAME);
      before = now;
      if (week >= last) this.#pause();
      else this.#playing = requestAnimationFrame(frame);
      this.seek(week, week >= last);
    };
    this.#playing = requestAnimationFrame(frame);
    this.#words();
  }

  /** Without motion: from one simulated week to the next. */
  #step = () => {
    const next = this.#hairs.weeks.find((week) => week > this.#scene.week + 1e-6);
    if (next === undefined) {
      this.#pause();
      return;
    }
    this.#playing = setTimeout(this.#step, STEP_MS);
    this.seek(next, true);
  };

  #pause() {
    if (!this.#playing) return;
    cancelAnimationFrame(this.#playing);
    clearTimeout(this.#playing);
    this.#playing = 0;
    this.#tell("week", Math.round(this.#scene.week * 10) / 10);
    this.#words();
  }

  #turn(key, zoom = NEAR) {
    const to = key === "thinnest" ? { ...this.#home, zoom } : VIEWS[key];
    cancelAnimationFrame(this.#turning);
    const from = this.#scene.eye;
    const around = 2 * Math.PI;
    const yaw = from.yaw + ((((to.yaw - from.yaw + Math.PI) % around) + around) % around) - Math.PI;
    if (calm()) {
      this.#stage.show({ eye: to });
      return;
    }
    const start = performance.now();
    const frame = (now) => {
      const t = Math.min(1, Math.max(0, (now - start) / TURN_MS));
      const s = t * t * (3 - 2 * t);
      const mid = (a, b) => a + s * (b - a);
      const eye = { yaw: mid(from.yaw, yaw), pitch: mid(from.pitch, to.pitch),
        zoom: from.zoom * (to.zoom / from.zoom) ** s };
      if (Stage.differs(eye, this.#scene.eye)) this.#stage.show({ eye });
      if (t < 1) this.#turning = requestAnimationFrame(frame);
    };
    this.#turning = requestAnimationFrame(frame);
  }

  #nearer(by) {
    cancelAnimationFrame(this.#turning);
    const { eye } = this.#scene;
    this.#stage.show({ eye: within({ ...eye, zoom: eye.zoom * by }) });
  }

  #sheet() {
    const say = this.#say;
    return still(this.#stage, {
      left: say("treated"),
      right: say("untreated"),
      week: say("week", { week: Math.round(this.#scene.week) }),
      notes: [this.#parts.label.textContent, this.#parts.note.textContent],
    });
  }

  #save() {
    const name = `hair-${this.#hairs.courses[this.#scene.course]}-week-` +
      `${Math.round(this.#scene.week)}.png`;
    this.#sheet().toBlob((blob) => {
      if (!blob) return;
      const address = URL.createObjectURL(blob);
      const link = made("a", { href: address, download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }, "image/png");
  }

  #print = () => {
    this.#parts.print.src = this.#sheet().toDataURL("image/png");
    this.#parts.print.alt = this.#parts.canvas.getAttribute("aria-label") ?? "";
  };

  #told(frame) {
    const detail = { ...frame, machine: this.#stage?.machine,
      measure: (level) => this.#stage.measure(level) };
    this.#el.dispatchEvent(new CustomEvent("hair-frame", { detail }));
  }

  release() {
    this.#pause();
    cancelAnimationFrame(this.#turning);
    removeEventListener("beforeprint", this.#print);
    this.#stage.release();
  }
}
