import { FlatView } from "./flat_view.js";
import { GlView, LEVELS } from "./gl_view.js";

// Slower than this is felt as jerky, faster leaves room for more; frames averaged over.
const SLOW_MS = 36;
const FAST_MS = 15;
const FRAMES = 8;
const SETTLE_MS = 180;
const MOST_PIXEL_RATIO = 2;
const LEAST_CHANGE = 5e-4;

/** The canvas: draws on demand, coarser while something moves if the machine is slow. */
export class Stage {
  #canvas;
  #view;
  #hairs;
  #mesh;
  #scene;
  #wanted = false;
  #settling = 0;
  #level = 1;
  #best = 0;
  #pace = [];
  #last = 0;
  #observer;
  #onFrame;
  #onPlain;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{hairs: import("./unpack.js").Hairs, mesh: import("./head.js").Mesh}} loaded
   * @param {{scene: Object, onFrame: (frame: Object) => void, onPlain: (canvas: HTMLCanvasElement)
   *   => void}} options
   */
  constructor(canvas, { hairs, mesh }, { scene, onFrame, onPlain }) {
    this.#canvas = canvas;
    this.#hairs = hairs;
    this.#mesh = mesh;
    this.#scene = scene;
    this.#onFrame = onFrame;
    this.#onPlain = onPlain;
    this.#open();
    this.#observer = new ResizeObserver(() => this.draw());
    this.#observer.observe(this.#canvas);
  }

  get canvas() {
    return this.#canvas;
  }

  get machine() {
    return this.#view.machine;
  }

  #open() {
    try {
      this.#view = new GlView(this.#canvas, this.#hairs, this.#mesh);
      if (/swiftshader|llvmpipe|software|basic render/i.test(this.#view.machine)) {
        this.#level = 3;
        this.#best = 1;
      }
      this.#canvas.addEventListener("webglcontextlost", this.#lost);
    } catch {
      this.#plain();
    }
  }

  /** A canvas that began with WebGL cannot go on in 2D: a fresh one takes its place. */
  #plain() {
    const fresh = this.#canvas.cloneNode();
    this.#canvas.replaceWith(fresh);
    this.#observer?.unobserve(this.#canvas);
    this.#canvas = fresh;
    this.#observer?.observe(fresh);
    this.#view = new FlatView(fresh, this.#hairs, this.#mesh);
    this.#level = 2;
    this.#onPlain(fresh);
  }

  #lost = (event) => {
    event.preventDefault();
    if (!this.#observer) return;
    this.#plain();
    this.draw();
  };

  /** Change what is shown, and draw it. */
  show(change) {
    Object.assign(this.#scene, change);
    this.draw();
  }

  /** Draw at the next frame; in full once nothing has changed for a moment. */
  draw() {
    clearTimeout(this.#settling);
    if (this.#wanted) return;
    this.#wanted = true;
    requestAnimationFrame((now) => {
      this.#wanted = false;
      this.#learn(now);
      this.#paint(Math.max(this.#level, this.#best));
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => {
        if (this.#wanted) return;
        this.#last = 0;
        this.#paint(this.#best);
      }, SETTLE_MS);
    });
  }

  #learn(now) {
    const since = now - this.#last;
    if (this.#last && since < 1000) this.#pace.push(since);
    this.#last = now;
    if (this.#pace.length < FRAMES) return;
    const mean = this.#pace.reduce((sum, one) => sum + one, 0) / this.#pace.length;
    this.#pace = [];
    if (mean > SLOW_MS) this.#level = Math.min(LEVELS.length - 1, this.#level + 1);
    else if (mean < FAST_MS) this.#level = Math.max(this.#best, this.#level - 1);
  }

  #fit() {
    const box = this.#canvas.getBoundingClientRect();
    const ratio = Math.min(MOST_PIXEL_RATIO, globalThis.devicePixelRatio || 1);
    const width = 2 * Math.max(8, Math.round((box.width * ratio) / 2));
    const height = Math.max(8, Math.round(box.height * ratio));
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
  }

  #paint(level) {
    if (!this.#observer || !this.#canvas.isConnected) return;
    this.#fit();
    const begin = performance.now();
    const done = this.#drawn(level);
    const milliseconds = performance.now() - begin;
    this.#onFrame({ ...done, milliseconds, level, week: this.#scene.week });
  }

  #drawn(level) {
    const { width, height } = this.#canvas;
    const panels = [0, 1].map((arm) => (
      { arm, x: (arm * width) / 2, y: 0, width: width / 2, height }));
    return this.#view.draw(panels, { ...this.#scene, level, backdrop: this.#backdrop() });
  }

  #backdrop() {
    const text = getComputedStyle(this.#canvas).backgroundColor;
    const numbers = text.match(/[\d.]+/g)?.slice(0, 3).map(Number);
    return numbers?.length === 3 ? numbers.map((one) => one / 255) : [0.94, 0.93, 0.92];
  }

  /** Time of a frame in full, the drawing itself included [ms]; for measuring. */
  measure(level = 0) {
    const begin = performance.now();
    const done = this.#drawn(level);
    const processor = performance.now() - begin;
    this.#view.finish();
    return { ...done, processor, whole: performance.now() - begin };
  }

  /**
   * The picture in full, for print.
   * @param {number} width of both panels [pixel] @param {number} height @returns {HTMLCanvasElement}
   */
  still(width, height) {
    const copy = document.createElement("canvas");
    copy.width = width;
    copy.height = height;
    [this.#canvas.width, this.#canvas.height] = [width, height];
    this.#drawn(this.#best);
    copy.getContext("2d").drawImage(this.#canvas, 0, 0);
    this.#paint(this.#best);
    return copy;
  }

  /** Whether an eye differs from the one shown enough to be drawn. */
  static differs(a, b) {
    return ["yaw", "pitch", "zoom"].some((name) => Math.abs(a[name] - b[name]) > LEAST_CHANGE);
  }

  release() {
    clearTimeout(this.#settling);
    this.#observer.disconnect();
    this.#observer = null;
    this.#view.release();
  }
}
