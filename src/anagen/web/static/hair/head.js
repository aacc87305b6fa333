/**
 * The mannequin under the hair: the ellipsoid of the scalp with face, neck and ears added below the
 * hairline. Shapes are in half breadths, lengths and heights of the head, conventions of drawing.
 * @typedef {Object} HeadShape
 * @property {number[]} semiAxes [mm]
 * @property {number} tilt [rad]
 * @property {number} edgeAngle [rad]
 * @property {number[][]} notches azimuth, width, depth [rad]
 *
 * @typedef {Object} Mesh
 * @property {Float32Array} points position and normal, six numbers a vertex [mm]
 * @property {Uint32Array} triangles
 */

const ROWS = 150;
const COLUMNS = 216;
const TAU = 2 * Math.PI;
const EAR = [
  [0.01, -0.05], [0.07, -0.005], [0.08, 0.075], [0.0, 0.15], [-0.13, 0.14], [-0.205, 0.045],
  [-0.19, -0.085], [-0.125, -0.2], [-0.08, -0.298], [0.0, -0.33], [0.04, -0.265], [0.03, -0.15],
];
const EAR_MIDDLE = [-0.06, -0.09];

/** @param {HeadShape} head @param {number[]} unit point on the unit sphere; angle and azimuth */
export function around(head, unit) {
  const sine = Math.sin(head.tilt);
  const cosine = Math.cos(head.tilt);
  const front = cosine * unit[1] + sine * unit[2];
  const axis = cosine * unit[2] - sine * unit[1];
  return [Math.atan2(Math.hypot(front, unit[0]), axis), Math.atan2(unit[0], front)];
}

/** Angle beyond the hairline [rad]; negative on the scalp. */
export function beyond(head, unit) {
  const [angle, azimuth] = around(head, unit);
  let edge = head.edgeAngle;
  for (const [centre, width, depth] of head.notches) {
    for (const side of [centre, -centre]) {
      const away = ((((azimuth - side + Math.PI) % TAU) + TAU) % TAU) - Math.PI;
      edge -= depth * Math.exp(-((away / width) ** 2));
    }
  }
  return angle - edge;
}

function blend(a, b, k) {
  const h = Math.max(k - Math.abs(a - b), 0) / k;
  return Math.min(a, b) - (h * h * k) / 4;
}

function ball(x, y, z, cx, cy, cz, rx, ry, rz) {
  const u = (x - cx) / rx;
  const v = (y - cy) / ry;
  const w = (z - cz) / rz;
  return (Math.sqrt(u * u + v * v + w * w) - 1) * Math.min(rx, ry, rz);
}

function rod(x, y, z, a, b, ra, rb) {
  const dy = b[1] - a[1];
  const dz = b[2] - a[2];
  const h = Math.min(1, Math.max(0, ((y - a[1]) * dy + (z - a[2]) * dz) / (dy * dy + dz * dz)));
  return Math.hypot(x, y - a[1] - h * dy, z - a[2] - h * dz) - (ra + h * (rb - ra));
}

/** Distance from the mannequin's skin, in half head sizes. */
function distance(sx, y, z) {
  const x = Math.abs(sx);
  let d = Math.sqrt(x * x + y * y + z * z) - 1;
  const neck = rod(x * 0.76, y, z, [0, -0.1, -0.3], [0, -0.26, -1.8], 0.5, 0.5);
  d = blend(d, neck, 0.22);
  if (y > 0) {
    let face = ball(x, y, z, 0, 0.34, -0.4, 0.67, 0.6, 0.56);
    face = blend(face, ball(x, y, z, 0, 0.64, -0.66, 0.3, 0.3, 0.21), 0.28);
    face = blend(face, ball(x, y, z, 0.42, 0.6, -0.24, 0.22, 0.24, 0.2), 0.25);
    face = blend(face, ball(x, y, z, 0, 0.74, 0.15, 0.42, 0.22, 0.1), 0.2);
    d = blend(d, face, 0.12);
    const socket = ball(x, y, z, 0.33, 1.02, -0.03, 0.17, 0.13, 0.1);
    d = -blend(-d, socket, 0.1);
    d = blend(d, ball(x, y, z, 0.33, 0.83, -0.035, 0.13, 0.105, 0.075), 0.04);
    d = blend(d, rod(x, y, z, [0, 0.93, 0.06], [0, 1.11, -0.22], 0.05, 0.065), 0.07);
    d = blend(d, ball(x, y, z, 0.08, 1.02, -0.245, 0.055, 0.07, 0.04), 0.05);
    d = blend(d, ball(x, y, z, 0, 0.965, -0.405, 0.18, 0.075, 0.033), 0.03);
    d = blend(d, ball(x, y, z, 0, 0.945, -0.475, 0.15, 0.075, 0.037), 0.03);
  }
  return d;
}

function radius(x, y, z) {
  let r = z < -0.45 ? 2.3 : y > 0.4 ? 1.4 : 1.12;
  for (let i = 0; i < 60; i++) {
    const d = distance(r * x, r * y, r * z);
    if (d < 5e-4) break;
    r -= 0.7 * d;
  }
  return r;
}

function smooth(low, high, value) {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/** Normals of a grid of points (row, column), columns closed or not. */
function withNormals(points, rows, columns, closed, flip) {
  const found = new Float32Array(rows * columns * 6);
  const at = (r, c) => {
    const column = closed ? (c + columns) % columns : Math.min(columns - 1, Math.max(0, c));
    return 3 * (Math.min(rows - 1, Math.max(0, r)) * columns + column);
  };
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const [n, s, w, e] = [at(r - 1, c), at(r + 1, c), at(r, c - 1), at(r, c + 1)];
      const u = [0, 1, 2].map((k) => points[s + k] - points[n + k]);
      const v = [0, 1, 2].map((k) => points[e + k] - points[w + k]);
      let normal = [
        u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0],
      ];
      let length = Math.hypot(...normal);
      const here = at(r, c);
      if (length < 1e-9) {
        normal = [0, 0, points[here + 2]];
        length = Math.abs(points[here + 2]) || 1;
      } else if (flip) length = -length;
      for (let k = 0; k < 3; k++) {
        found[2 * here + k] = points[here + k];
        found[2 * here + 3 + k] = normal[k] / length;
      }
    }
  }
  return found;
}

function grid(rows, columns, closed, first) {
  const triangles = [];
  const last = closed ? columns : columns - 1;
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c < last; c++) {
      const d = (c + 1) % columns;
      const [a, b] = [first + r * columns + c, first + r * columns + d];
      const [e, f] = [a + columns, b + columns];
      triangles.push(a, e, b, b, e, f);
    }
  }
  return triangles;
}

function skull(head) {
  const points = new Float32Array(ROWS * COLUMNS * 3);
  for (let r = 0; r < ROWS; r++) {
    const polar = (Math.PI * r) / (ROWS - 1);
    for (let c = 0; c < COLUMNS; c++) {
      const turn = (TAU * c) / COLUMNS;
      const unit = [
        Math.sin(polar) * Math.cos(turn), Math.sin(polar) * Math.sin(turn), Math.cos(polar),
      ];
      const free = smooth(0.0, 0.16, beyond(head, unit));
      const length = free > 0 ? 1 + free * (radius(...unit) - 1) : 1;
      for (let k = 0; k < 3; k++) {
        points[3 * (r * COLUMNS + c) + k] = length * unit[k] * head.semiAxes[k];
      }
    }
  }
  return withNormals(points, ROWS, COLUMNS, true, false);
}

/** Closed, rounded outline of the ear: place at a turn 0..1. */
function outline(turn) {
  const n = EAR.length;
  const at = turn * n;
  const i = Math.floor(at);
  const t = at - i;
  const p = [-1, 0, 1, 2].map((k) => EAR[(((i + k) % n) + n) % n]);
  return [0, 1].map((k) => {
    const [a, b, c, d] = p.map((one) => one[k]);
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  });
}

function ear(head, side, outer) {
  const rows = 14;
  const columns = 48;
  const points = new Float32Array(rows * columns * 3);
  for (let r = 0; r < rows; r++) {
    const out = r / (rows - 1);
    for (let c = 0; c < columns; c++) {
      const edge = outline(c / columns);
      const y = EAR_MIDDLE[0] + out * (edge[0] - EAR_MIDDLE[0]);
      const z = EAR_MIDDLE[1] + out * (edge[1] - EAR_MIDDLE[1]);
      const flare = (0.02 + 0.62 * Math.max(0, 0.06 - y)) * (1 - 0.75 * smooth(0.05, -0.34, z));
      const rim = 0.035 * Math.exp(-(((out - 0.84) / 0.16) ** 2)) - 0.045 * smooth(0.55, 0.1, out);
      const round = 0.03 * smooth(0.86, 1.0, out);
      const x = 0.975 + flare + (outer ? rim - round : -0.05 + 0.0335 * smooth(0.7, 1.0, out));
      const place = [side * x, y, z];
      for (let k = 0; k < 3; k++) {
        points[3 * (r * columns + c) + k] = place[k] * head.semiAxes[k];
      }
    }
  }
  return { points: withNormals(points, rows, columns, true, side > 0 !== outer), rows, columns };
}

/** @param {HeadShape} head @returns {Mesh} */
export function mannequin(head) {
  const parts = [{ points: skull(head), rows: ROWS, columns: COLUMNS }];
  for (const side of [1, -1]) for (const outer of [true, false]) parts.push(ear(head, side, outer));
  const total = parts.reduce((sum, part) => sum + part.points.length, 0);
  const points = new Float32Array(total);
  const triangles = [];
  let offset = 0;
  for (const part of parts) {
    points.set(part.points, offset);
    for (const one of grid(part.rows, part.columns, true, offset / 6)) triangles.push(one);
    offset += part.points.length;
  }
  return { points, triangles: Uint32Array.from(triangles) };
}

export const SKULL_GRID = { rows: ROWS, columns: COLUMNS };
