/**
 * The head as one ellipsoid: cameras, from a picture onto the surface and back, what is in sight.
 * All lengths are in mm in the head's frame (x to the patient's right, y to the front, z up).
 *
 * @typedef {[number, number, number]} Position
 * @typedef {[number, number]} Point
 * @typedef {{name: string, axes: number[][], origin: Point, width: number, height: number,
 *   sight: [number, number, number, number]}} Camera sight: left, top, right, bottom of what to show
 * @typedef {{view: string, points: Point[], unit: "mm"}} Outline
 */

export const VIEWS = ["top", "back", "left", "right"];
/** A ring whose every corner is at least this square to a view is stored there whole. */
const SQUARE_ENOUGH = 0.02;
const LEAST_PIECE_MM2 = 1;
/** How much of face, ears and neck around the scalp is shown, and the margin around it. */
const FACE_MM = 34, NECK_MM = 12, MARGIN_MM = 7;
const sights = new WeakMap();

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const unit = (a) => { const n = Math.hypot(...a); return a.map((v) => v / n); };
const cross = (a, b) =>
  [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/** Camera of one of the four views. @returns {Camera} */
export function fixedCamera(geometry, view) {
  const known = sights.get(geometry.views[view]);
  if (known) return known;
  const { axes, origin, width, height, shapes } = geometry.views[view];
  const [xs, ys] = [0, 1].map((axis) => shapes.flat().map((point) => point[axis]));
  const most = (values, start) => values.reduce((a, b) => Math.max(a, b), start);
  const sight = [
    -Math.min(FACE_MM, most(xs.map((x) => -x), 0)) - MARGIN_MM,
    -Math.min(FACE_MM, most(ys.map((y) => -y), 0)) - MARGIN_MM,
    width + Math.min(FACE_MM, most(xs, width) - width) + MARGIN_MM,
    height + Math.min(NECK_MM, most(ys, height) - height) + MARGIN_MM,
  ];
  const camera = { name: view, axes, origin, width, height, sight };
  sights.set(geometry.views[view], camera);
  return camera;
}

/** Camera turned freely: yaw around the vertical, then pitch [rad]. @returns {Camera} */
export function turnedCamera(geometry, yaw, pitch) {
  const toward = [Math.sin(yaw) * Math.cos(pitch), Math.cos(yaw) * Math.cos(pitch), Math.sin(pitch)];
  const right = [-Math.cos(yaw), Math.sin(yaw), 0];
  const down = cross(toward, right).map((v) => -v);
  const semi = geometry.head.semi_axes;
  const half = [right, down].map((axis) => Math.hypot(...axis.map((v, i) => v * semi[i])));
  return {
    name: "turn", axes: [right, down, toward], origin: [-half[0], -half[1]],
    width: 2 * half[0], height: 2 * half[1],
    // The same from every side, so that the head keeps its size while it turns.
    sight: [half[0] - semi[2] - MARGIN_MM, half[1] - semi[2] - MARGIN_MM,
      half[0] + semi[2] + MARGIN_MM, half[1] + semi[2] + MARGIN_MM],
  };
}

/** Picture point of a position. @returns {Point} */
export function project(camera, position) {
  const [right, down] = camera.axes;
  return [dot(right, position) - camera.origin[0], dot(down, position) - camera.origin[1]];
}

/** Cosine between the surface's normal and the line of sight. */
export function facing(geometry, camera, position) {
  const semi = geometry.head.semi_axes;
  const normal = position.map((v, i) => v / semi[i] ** 2);
  return dot(normal, camera.axes[2]) / Math.hypot(...normal);
}

/** Position on the near side behind a picture point; null beside the head. @returns {?Position} */
export function lift(geometry, camera, point) {
  const semi = geometry.head.semi_axes;
  const [right, down, toward] = camera.axes;
  const x = point[0] + camera.origin[0], y = point[1] + camera.origin[1];
  let a = 0, b = 0, c = -1;
  const base = [0, 0, 0];
  for (let i = 0; i < 3; i += 1) {
    base[i] = x * right[i] + y * down[i];
    const weight = 1 / semi[i] ** 2;
    a += toward[i] ** 2 * weight;
    b += base[i] * toward[i] * weight;
    c += base[i] ** 2 * weight;
  }
  const square = b * b - a * c;
  if (square < 0) return null;
  const depth = (Math.sqrt(square) - b) / a;
  return [base[0] + depth * toward[0], base[1] + depth * toward[1], base[2] + depth * toward[2]];
}

/** About how far [mm] a position lies inside the hairline; negative outside. */
export function insideHairline(geometry, position) {
  const { semi_axes: semi, tilt, edge_angle: edge, notches } = geometry.head;
  const u = position.map((v, i) => v / semi[i]);
  const sine = Math.sin(tilt), cosine = Math.cos(tilt);
  const front = cosine * u[1] + sine * u[2], up = -sine * u[1] + cosine * u[2];
  const angle = Math.atan2(Math.hypot(front, u[0]), up), azimuth = Math.atan2(u[0], front);
  let limit = edge;
  for (const [centre, width, depth] of notches) {
    for (const side of [centre, -centre]) {
      const away = Math.atan2(Math.sin(azimuth - side), Math.cos(azimuth - side));
      limit -= depth * Math.exp(-((away / width) ** 2));
    }
  }
  return (limit - angle) * semi[1];
}

/** Shoelace area; negative when the ring runs counter-clockwise on a screen. */
export function signedArea(points) {
  let twice = 0;
  for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
    twice += points[j][0] * points[i][1] - points[i][0] * points[j][1];
  }
  return twice / 2;
}

/** Whether a point lies in a ring (even-odd). */
export function inRing(points, [x, y]) {
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
    const [ax, ay] = points[i], [bx, by] = points[j];
    if ((ay > y) !== (by > y) && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

const lifted = new WeakMap();

/** Ring of positions of an outline, its inside to the left as seen from outside the head. */
export function ringOf(geometry, outline) {
  const known = lifted.get(outline);
  if (known && known.geometry === geometry) return known.ring;
  const camera = fixedCamera(geometry, outline.view);
  const points = signedArea(outline.points) > 0 ? [...outline.points].reverse() : outline.points;
  const ring = points.map((point) => lift(geometry, camera, toRim(geometry, camera, point)))
    .filter(Boolean);
  lifted.set(outline, { geometry, ring });
  return ring;
}

/** Nearest point of the head's picture, for a point up to a hand's slip beside it. */
export function toRim(geometry, camera, point) {
  const semi = geometry.head.semi_axes;
  const centre = [-camera.origin[0], -camera.origin[1]];
  const half = [0, 1].map((k) => Math.hypot(...camera.axes[k].map((v, i) => v * semi[i])));
  // The silhouette of a tilted view leans; lifting in smaller and smaller steps finds it anyway.
  const reach = Math.hypot((point[0] - centre[0]) / half[0], (point[1] - centre[1]) / half[1]);
  for (let shrink = Math.min(1, 0.9999 / reach); shrink > 0.5; shrink -= 0.005) {
    const tried = [0, 1].map((k) => centre[k] + (point[k] - centre[k]) * shrink);
    if (lift(geometry, camera, tried)) return tried;
  }
  return centre;
}

/**
 * Parts of a closed ring on the surface that a camera sees, as polygons of the picture.
 * @param {Position[]} ring inside to the left as seen from outside
 * @param {boolean} holdsAll what a ring wholly out of sight means: that its inside fills the view
 * @returns {Point[][]}
 */
export function clipRing(geometry, camera, ring, holdsAll = false) {
  const semi = geometry.head.semi_axes;
  const sight = unit(camera.axes[2].map((v, i) => v / semi[i]));
  const balls = ring.map((position) => position.map((v, i) => v / semi[i]));
  const heights = balls.map((ball) => dot(ball, sight));
  const show = (ball) => project(camera, ball.map((v, i) => v * semi[i]));
  if (heights.every((height) => height >= 0)) return [balls.map(show)];
  const first = unit(cross(Math.abs(sight[2]) > 0.9 ? [0, 1, 0] : [0, 0, 1], sight));
  const second = cross(sight, first);
  const rim = (turn) =>
    first.map((v, i) => v * Math.cos(turn) + second[i] * Math.sin(turn));
  if (heights.every((height) => height < 0)) {
    const whole = Array.from({ length: 120 }, (_, i) => show(rim((i * Math.PI) / 60)));
    return holdsAll ? [whole] : [];
  }
  const chains = visibleChains(balls, heights, (ball) => Math.atan2(dot(ball, second), dot(ball, first)));
  return joinChains(chains, rim).map((polygon) => polygon.map(show));
}

function visibleChains(balls, heights, turnOf) {
  const count = balls.length;
  const crossing = (i, j) => {
    const part = heights[i] / (heights[i] - heights[j]);
    return unit(balls[i].map((v, k) => v + part * (balls[j][k] - v)));
  };
  const chains = [];
  const begin = heights.findIndex((height, i) => height < 0 && heights[(i + 1) % count] >= 0);
  let chain = null;
  for (let step = 0; step < count; step += 1) {
    const i = (begin + step) % count, j = (i + 1) % count;
    if (heights[i] < 0 && heights[j] >= 0) {
      const entry = crossing(i, j);
      chain = { points: [entry, balls[j]], entry: turnOf(entry), exit: 0 };
    } else if (heights[i] >= 0 && heights[j] < 0) {
      const exit = crossing(i, j);
      chain.points.push(exit);
      chain.exit = turnOf(exit);
      chains.push(chain);
    } else if (heights[j] >= 0) chain.points.push(balls[j]);
  }
  return chains;
}

/** Join chains along the rim: from where one leaves, counter-clockwise to where the next enters. */
function joinChains(chains, rim) {
  const full = 2 * Math.PI;
  const ahead = (from, to) => (((to - from) % full) + full) % full;
  const left = new Set(chains);
  const polygons = [];
  while (left.size) {
    const start = left.values().next().value;
    const polygon = [];
    let chain = start;
    do {
      left.delete(chain);
      polygon.push(...chain.points);
      const from = chain.exit;
      const next = chains.reduce((best, one) =>
        ahead(from, one.entry) < ahead(from, best.entry) ? one : best);
      const span = ahead(from, next.entry);
      for (let turn = 0.05; turn < span; turn += 0.05) polygon.push(rim(from + turn));
      chain = next;
    } while (chain !== start && left.has(chain));
    polygons.push(polygon);
  }
  return polygons;
}

/** Outlines, in the views that show it best, of a ring on the surface. @returns {Outline[]} */
export function storeRing(geometry, ring, wanted = null) {
  const ranked = VIEWS.map((view) => {
    const camera = fixedCamera(geometry, view);
    const least = Math.min(...ring.map((position) => facing(geometry, camera, position)));
    return { view, camera, least };
  });
  const whole = ranked.find((one) => one.view === wanted && one.least > SQUARE_ENOUGH)
    ?? ranked.filter((one) => one.least > SQUARE_ENOUGH).sort((a, b) => b.least - a.least)[0];
  if (whole) {
    return [{ view: whole.view, points: ring.map((p) => project(whole.camera, p)), unit: "mm" }];
  }
  // No view shows all of it: each view keeps what it sees, the outlines overlap.
  return ranked.flatMap(({ view, camera }) =>
    clipRing(geometry, camera, ring)
      .filter((points) => Math.abs(signedArea(points)) > LEAST_PIECE_MM2)
      .map((points) => ({ view, points, unit: "mm" })));
}

/** Turn positions around the head's centre so that one place comes to lie on another. */
export function carry(geometry, positions, from, to) {
  const semi = geometry.head.semi_axes;
  const ball = (p) => unit(p.map((v, i) => v / semi[i]));
  const a = ball(from), b = ball(to);
  const axis = cross(a, b), sine = Math.hypot(...axis), cosine = dot(a, b);
  if (sine < 1e-9) return positions;
  const k = axis.map((v) => v / sine);
  return positions.map((position) => {
    const u = ball(position), kxu = cross(k, u), along = dot(k, u);
    return u.map((v, i) => semi[i] * (v * cosine + kxu[i] * sine + k[i] * along * (1 - cosine)));
  });
}

/** Chord length [mm]. */
export function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
