import { around } from "./head.js";
import { STATE_BYTES, STRAND_NUMBERS, plane } from "./unpack.js";

/** Side of the map, and the angle from the cap's axis at its rim [rad]. */
export const MAP = 208;
export const RIM = 2.3;

const VELLUS = 0.08;
const ALONG = [0.02, 0.25, 0.6];

/**
 * How thickly the skin is covered by hair, on a map around the cap's axis: a shadow and a tone under
 * the strands, made of nothing but the strands.
 * @param {import("./unpack.js").Hairs} hairs
 */
export class Cover {
  #hairs;
  #place;
  #weight;
  #kept = new Map();

  constructor(hairs) {
    this.#hairs = hairs;
    const { count, strands } = hairs;
    this.#place = new Uint16Array(count * ALONG.length);
    this.#weight = new Float32Array(count);
    const mean = Math.cbrt(hairs.head.semiAxes.reduce((a, b) => a * b, 1));
    const texel = (2 * RIM * mean) / MAP;
    const each = (hairs.poolPerCm2 / 100 / hairs.hairsEach) * texel * texel;
    for (let i = 0; i < count; i++) {
      const at = i * STRAND_NUMBERS;
      ALONG.forEach((s, k) => {
        const point = [0, 1, 2].map((axis) => {
          const tip = strands[at + 6 + axis];
          const bend = 2 * strands[at + 3 + axis] - 0.5 * tip;
          return (strands[at + axis] + 2 * s * (1 - s) * bend + s * s * tip) /
            hairs.head.semiAxes[axis];
        });
        const [angle, azimuth] = around(hairs.head, point);
        const reach = Math.min(0.499, (0.5 * angle) / RIM);
        const x = Math.floor((0.5 + reach * Math.sin(azimuth)) * MAP);
        const y = Math.floor((0.5 + reach * Math.cos(azimuth)) * MAP);
        this.#place[i * ALONG.length + k] = y * MAP + x;
        if (k === 0) {
          // The map draws circles out as it goes from its middle.
          const wide = Math.max(0.01, angle);
          this.#weight[i] = wide / Math.sin(Math.min(wide, 2.2)) / each / ALONG.length;
        }
      });
      if (this.#weight[i] > 5 / each) this.#weight[i] = 5 / each;
    }
  }

  /** How thickly a point of the skin [mm] is covered, 0..1. */
  at(map, point) {
    const { head } = this.#hairs;
    const [angle, azimuth] = around(head, [0, 1, 2].map((k) => point[k] / head.semiAxes[k]));
    const reach = Math.min(0.499, (0.5 * angle) / RIM);
    const x = Math.floor((0.5 + reach * Math.sin(azimuth)) * MAP);
    const y = Math.floor((0.5 + reach * Math.cos(azimuth)) * MAP);
    return map[y * MAP + x] / 255;
  }

  /** Map (row, column) of 8 bits for a course, an arm and the index of a week. */
  map(course, arm, week) {
    const number = plane(this.#hairs, course, arm, week);
    let found = this.#kept.get(number);
    if (!found) {
      found = this.#made(number);
      this.#kept.set(number, found);
    }
    return found;
  }

  #made(number) {
    const { count, states } = this.#hairs;
    let map = new Float32Array(MAP * MAP);
    for (let i = 0; i < count; i++) {
      const at = (number * count + i) * STATE_BYTES;
      if (states[at] <= 128) continue;
      const shape = states[at + 1];
      const size = this.#weight[i] * ((shape & 127) / 127) * (shape >= 128 ? 1 : VELLUS);
      for (let k = 0; k < ALONG.length; k++) map[this.#place[i * ALONG.length + k]] += size;
    }
    for (const side of [1, MAP, 1, MAP]) map = softened(map, side);
    const found = new Uint8Array(MAP * MAP);
    for (let i = 0; i < found.length; i++) found[i] = 255 * (1 - Math.exp(-2.4 * map[i]));
    return found;
  }
}

function softened(map, side) {
  const soft = new Float32Array(map.length);
  for (let i = 2 * side; i < map.length - 2 * side; i++) {
    soft[i] =
      0.48 * map[i] + 0.2 * (map[i - side] + map[i + side]) +
      0.06 * (map[i - 2 * side] + map[i + 2 * side]);
  }
  return soft;
}
