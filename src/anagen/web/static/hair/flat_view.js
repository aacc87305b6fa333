import { axes, projection } from "./camera.js";
import { Cover } from "./cover.js";
import { SKULL_GRID } from "./head.js";
import { STATE_BYTES, STRAND_NUMBERS, between, plane, presence } from "./unpack.js";

/** Share of the hairs drawn, best first; as many as the levels of the other view. */
const SHARES = [1, 0.6, 0.35, 0.2, 0.1];
const SHADES = 10;
const EVERY = 3;
const MASS = 0.85;

const css = (colour) => `rgb(${colour.map((c) => Math.round(255 * Math.min(1, c))).join(" ")})`;

/** Draws without WebGL: the same hairs as strokes, the head in plain facets. */
export class FlatView {
  #context;
  #hairs;
  #mesh;
  #cover;

  constructor(canvas, hairs, mesh) {
    this.#context = canvas.getContext("2d");
    if (!this.#context) throw new Error("no canvas");
    this.#hairs = hairs;
    this.#mesh = mesh;
    this.#cover = new Cover(hairs);
  }

  get machine() {
    return "canvas";
  }

  finish() {}

  release() {}

  /** The same as `GlView.draw`. */
  draw(panels, scene) {
    const context = this.#context;
    const full = context.canvas.height;
    const done = { triangles: 0, calls: 0 };
    for (const panel of panels) {
      context.save();
      context.beginPath();
      context.rect(panel.x, full - panel.y - panel.height, panel.width, panel.height);
      context.clip();
      context.translate(panel.x, full - panel.y - panel.height);
      context.fillStyle = css(scene.backdrop);
      context.fillRect(0, 0, panel.width, panel.height);
      const shot = projection(scene.eye, panel.width, panel.height);
      this.#skin(panel, scene, shot, done);
      this.#strands(panel, scene, shot, done);
      context.restore();
    }
    return done;
  }

  #seen(shot, panel) {
    const m = shot.matrix;
    return (x, y, z) => {
      const w = m[3] * x + m[7] * y + m[11] * z + m[15];
      const right = (m[0] * x + m[4] * y + m[8] * z + m[12]) / w;
      const up = (m[1] * x + m[5] * y + m[9] * z + m[13]) / w;
      return [(0.5 + 0.5 * right) * panel.width, (0.5 - 0.5 * up) * panel.height, w];
    };
  }

  #skin(panel, scene, shot, done) {
    const context = this.#context;
    const { tones, head } = this.#hairs;
    const { light, toward } = axes(scene.eye);
    const { points } = this.#mesh;
    const seen = this.#seen(shot, panel);
    const facets = [];
    const moment = between(this.#hairs, scene.week);
    const [from, to] = [moment.from, moment.to].map((week) =>
      this.#cover.map(scene.course, panel.arm, week));
    const covered = (point) => this.#cover.at(from, point) * (1 - moment.share) +
      this.#cover.at(to, point) * moment.share;
    const { rows, columns } = SKULL_GRID;
    for (let r = 0; r + EVERY < rows + EVERY - 1; r += EVERY) {
      for (let c = 0; c < columns; c += EVERY) {
        const below = Math.min(rows - 1, r + EVERY);
        const corners = [[r, c], [r, c + EVERY], [below, c + EVERY], [below, c]].map(
          ([row, column]) => 6 * (row * columns + (column % columns)));
        const at = corners[0];
        const normal = [points[at + 3], points[at + 4], points[at + 5]];
        const face = normal[0] * toward[0] + normal[1] * toward[1] + normal[2] * toward[2];
        const depth = points[at + 2] / head.semiAxes[2];
        if (face < -0.05 || depth < -1.6) continue;
        const lit = normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2];
        const wrap = Math.max(0, (lit + 0.35) / 1.35);
        const solid = Math.min(1, Math.max(0, (depth + 1.62) / 0.42));
        const dense = Math.min(1, Math.max(0, (covered(points.subarray(at, at + 3)) - 0.35) / 0.5));
        const tone = tones.skin.map((one, k) => {
          const skin = one * (0.38 + 0.66 * wrap);
          const under = skin + MASS * dense * (tones.hair[k] * (0.35 + 0.5 * wrap) - skin);
          return scene.backdrop[k] + solid * (under - scene.backdrop[k]);
        });
        const outline = corners.map((i) => seen(points[i], points[i + 1], points[i + 2]));
        facets.push({ outline, tone, far: outline[0][2] });
      }
    }
    facets.sort((a, b) => b.far - a.far);
    for (const { outline, tone } of facets) {
      context.fillStyle = context.strokeStyle = css(tone);
      context.beginPath();
      for (const [x, y] of outline) context.lineTo(x, y);
      context.closePath();
      context.fill();
      context.stroke();
    }
    done.triangles += 2 * facets.length;
  }

  #strands(panel, scene, shot, done) {
    const context = this.#context;
    const { count, strands, states, tones, head, hairsEach, calibreUm } = this.#hairs;
    const moment = between(this.#hairs, scene.week);
    const share = SHARES[scene.level];
    const drawn = Math.max(1, Math.round(count * share));
    const { light, toward } = axes(scene.eye);
    const seen = this.#seen(shot, panel);
    const begin = (week) => plane(this.#hairs, scene.course, panel.arm, week) * count * STATE_BYTES;
    const [from, to] = [begin(moment.from), begin(moment.to)];
    const vellus = new Path2D();
    const paths = Array.from({ length: SHADES }, () => new Path2D());
    let width = 0;
    let terminals = 0;
    for (let i = 0; i < drawn; i++) {
      const [a, b] = [from + i * STATE_BYTES, to + i * STATE_BYTES];
      const there = presence(states[a], states[b], moment.share);
      if (there.kept <= 0.3) continue;
      const at = i * STRAND_NUMBERS;
      const root = [0, 1, 2].map((k) => strands[at + k]);
      const normal = root.map((one, k) => one / head.semiAxes[k] ** 2);
      const size = Math.hypot(...normal);
      const dot = (v) => (normal[0] * v[0] + normal[1] * v[1] + normal[2] * v[2]) / size;
      if (dot(toward) < -0.02) continue;
      const late = 1 - there.first;
      const shown = (k) => states[a + k] * there.first + states[b + k] * late;
      const terminal = states[(late > 0.5 ? b : a) + 1] >= 128;
      const long = (states[a + 1] & 127) * there.first + (states[b + 1] & 127) * late;
      const s = (there.grown * Math.min(long, terminal ? 127 : 81)) / 127;
      const point = (u) => [0, 1, 2].map((k) => {
        const tip = strands[at + 6 + k];
        return root[k] + 2 * u * (1 - u) * (2 * strands[at + 3 + k] - 0.5 * tip) + u * u * tip;
      });
      const form = Math.min(1, Math.max(0.1, 0.46 + 0.62 * dot(light)));
      const shade = Math.floor((form * 0.72 + 0.28 * strands[at + 10]) * (SHADES - 0.01));
      const path = terminal ? paths[Math.min(SHADES - 1, shade)] : vellus;
      for (const [k, u] of [0, 0.5, 1].entries()) {
        const [x, y] = seen(...point(u * s));
        if (k) path.lineTo(x, y);
        else path.moveTo(x, y);
      }
      if (terminal) {
        width += shown(2);
        terminals++;
      }
    }
    const pixels = ((width / Math.max(1, terminals)) * calibreUm * 1.25e-3 * shot.scale) /
      shot.focus * Math.sqrt(hairsEach / share);
    context.lineCap = "round";
    context.lineWidth = Math.max(0.5, 0.4 * pixels);
    context.strokeStyle = css(tones.skin.map((one, k) => 0.55 * one + 0.3 * tones.hair[k]));
    context.globalAlpha = 0.45;
    context.stroke(vellus);
    context.globalAlpha = 1;
    context.lineWidth = Math.max(0.8, pixels);
    paths.forEach((path, k) => {
      const tone = 0.45 + (1.3 * k) / SHADES;
      context.strokeStyle = css(tones.hair.map((one, c) =>
        one * tone + 0.1 * tones.shine[c] * (k / SHADES) ** 2));
      context.stroke(path);
    });
    done.calls += SHADES + 1;
  }
}
