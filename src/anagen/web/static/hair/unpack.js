/**
 * The binary of `anagen.report.hair_view.encode`, unpacked for drawing.
 * @typedef {Object} Hairs
 * @property {number} count hairs of each arm
 * @property {string[]} courses
 * @property {string[]} arms
 * @property {number[]} weeks
 * @property {number} hairsEach follicles for which one hair stands
 * @property {number} poolPerCm2
 * @property {number} cutMm
 * @property {{skin: number[], hair: number[], shine: number[]}} tones
 * @property {import("./head.js").HeadShape} head
 * @property {Float32Array} strands twelve numbers a hair: root, middle and tip [mm], rank, trait, 0
 * @property {Uint8Array} states four bytes a hair (margin, shape, calibre, 0), by course, arm, week
 * @property {number} calibreUm micrometres of one step of calibre
 */

const MAGIC = "ANHAIR1\n";
const TYPES = { i2: Int16Array, i1: Int8Array, u1: Uint8Array };
export const STRAND_NUMBERS = 12;
export const STATE_BYTES = 4;

/** @param {string} text @returns {Uint8Array} */
function fromBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** @param {string | ArrayBuffer | ArrayBufferView} data base64 or bytes, gzip'd or not */
export async function opened(data) {
  let bytes;
  if (typeof data === "string") bytes = fromBase64(data);
  else if (data instanceof ArrayBuffer) bytes = new Uint8Array(data);
  else bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }
  return bytes.slice().buffer;
}

/** @param {ArrayBuffer} buffer @returns {Hairs} */
export function unpacked(buffer) {
  const head = new TextDecoder().decode(new Uint8Array(buffer, 0, Math.min(8, buffer.byteLength)));
  if (head !== MAGIC) throw new Error("not a hair view");
  const size = new DataView(buffer).getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, size)));
  const begin = 12 + size;
  const part = (name) => {
    const one = header.arrays[name];
    const length = one.shape.reduce((product, n) => product * n, 1);
    return new TYPES[one.type](buffer, begin + one.offset, length);
  };
  const scale = (name) => header.arrays[name].scale;
  const count = header.hairs;
  const strands = new Float32Array(count * STRAND_NUMBERS);
  ["root", "middle", "tip"].forEach((name, place) => {
    const from = part(name);
    const by = scale(name);
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < 3; k++) {
        strands[i * STRAND_NUMBERS + place * 3 + k] = from[i * 3 + k] * by;
      }
    }
  });
  const rank = part("rank");
  const trait = part("trait");
  for (let i = 0; i < count; i++) {
    strands[i * STRAND_NUMBERS + 9] = rank[i] / 255;
    strands[i * STRAND_NUMBERS + 10] = trait[i] / 255;
  }
  const planes = [part("margin"), part("shape"), part("calibre")];
  const states = new Uint8Array(planes[0].length * STATE_BYTES);
  planes.forEach((plane, k) => {
    for (let i = 0; i < plane.length; i++) states[i * STATE_BYTES + k] = plane[i];
  });
  return {
    count,
    courses: header.courses,
    arms: header.arms,
    weeks: header.weeks,
    hairsEach: header.hairs_each,
    poolPerCm2: header.pool_per_cm2,
    cutMm: header.cut_mm,
    tones: header.tones,
    head: {
      semiAxes: header.head.semi_axes_mm,
      tilt: header.head.tilt,
      edgeAngle: header.head.edge_angle,
      notches: header.head.notches,
    },
    strands,
    states,
    calibreUm: scale("calibre"),
  };
}

/**
 * Number of a plane of states.
 * @param {Hairs} hairs @param {number} course @param {number} arm @param {number} week index
 */
export function plane(hairs, course, arm, week) {
  return (course * hairs.arms.length + arm) * hairs.weeks.length + week;
}

/**
 * Weeks on either side of a moment, and how far it is between them.
 * @param {Hairs} hairs @param {number} week @returns {{from: number, to: number, share: number}}
 */
export function between(hairs, week) {
  const weeks = hairs.weeks;
  let from = 0;
  while (from < weeks.length - 2 && week >= weeks[from + 1]) from++;
  const span = weeks[from + 1] - weeks[from];
  return { from, to: from + 1, share: Math.min(1, Math.max(0, (week - weeks[from]) / span)) };
}

/**
 * How much of a hair is there between two weeks: it comes when density passes its rank, and grows;
 * it is shed when density falls below its rank. The shader does the same.
 * @param {number} a margin of the earlier week, b of the later; above 128 is there
 * @param {number} share of the time between
 * @returns {{grown: number, kept: number, first: number}} share of its length and of its width;
 *   first is how much of the earlier state it shows
 */
export function presence(a, b, share) {
  const before = a > 128;
  const after = b > 128;
  if (before && after) return { grown: 1, kept: 1, first: 1 - share };
  if (!before && !after) return { grown: 0, kept: 0, first: 1 };
  const crossing = (a - 128) / (a - b);
  if (after) {
    const grown = share <= crossing ? 0 : (share - crossing) / (1 - crossing || 1);
    return { grown, kept: Math.sqrt(grown), first: 0 };
  }
  const way = crossing > 0 ? Math.min(1, share / crossing) : 1;
  return { grown: 1, kept: 1 - way ** 4, first: 1 };
}
