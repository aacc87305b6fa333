/**
 * Areas of a picture that can be cut, joined and cleaned: rings become a fine raster of cover
 * (0..1), which is changed and traced back. The raster knows parts of a pixel, so that rings come
 * back to a few hundredths of a millimetre.
 *
 * @typedef {import("./surface.js").Point} Point
 */

import { fixedCamera, insideHairline, lift, signedArea } from "./surface.js";

const PIXELS_PER_MM = 3;
const LINES_PER_PIXEL = 4;
const MARGIN_MM = 2;
const SLACK_MM = 0.06;
const LEAST_AREA_MM2 = 1;
const LEAST_HOLE_MM2 = 3;

/** Cover of one picture's part. */
export function makeRaster(rings) {
  const xs = rings.flat().map((p) => p[0]), ys = rings.flat().map((p) => p[1]);
  const left = min(xs) - MARGIN_MM, top = min(ys) - MARGIN_MM;
  const columns = Math.ceil((-min(xs.map((x) => -x)) + MARGIN_MM - left) * PIXELS_PER_MM) + 1;
  const rows = Math.ceil((-min(ys.map((y) => -y)) + MARGIN_MM - top) * PIXELS_PER_MM) + 1;
  const raster = { left, top, columns, rows, cover: new Float32Array(columns * rows) };
  for (const ring of rings) fill(raster, ring);
  return raster;
}

const min = (values) => values.reduce((a, b) => (b < a ? b : a), Infinity);

/** Add a ring (by winding, so that a stroke that crosses itself has no gaps). */
function fill(raster, ring) {
  const { left, top, columns, rows, cover } = raster;
  const corners = ring.map(([x, y]) => [(x - left) * PIXELS_PER_MM, (y - top) * PIXELS_PER_MM]);
  const line = new Float32Array(columns);
  for (let row = 0; row < rows; row += 1) {
    line.fill(0);
    for (let part = 0; part < LINES_PER_PIXEL; part += 1) {
      spans(corners, row + (part + 0.5) / LINES_PER_PIXEL, (from, to) => addSpan(line, from, to));
    }
    for (let column = 0; column < columns; column += 1) {
      const at = row * columns + column;
      cover[at] = Math.max(cover[at], Math.min(1, line[column] / LINES_PER_PIXEL));
    }
  }
}

function spans(corners, y, each) {
  const hits = [];
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i, i += 1) {
    const [ax, ay] = corners[j], [bx, by] = corners[i];
    if ((ay <= y) !== (by <= y)) hits.push([ax + ((y - ay) / (by - ay)) * (bx - ax), by > ay ? 1 : -1]);
  }
  hits.sort((a, b) => a[0] - b[0]);
  let winding = 0;
  for (let i = 0; i + 1 < hits.length; i += 1) {
    winding += hits[i][1];
    if (winding !== 0) each(hits[i][0], hits[i + 1][0]);
  }
}

function addSpan(line, from, to) {
  const first = Math.max(0, Math.floor(from)), last = Math.min(line.length - 1, Math.floor(to));
  for (let column = first; column <= last; column += 1) {
    line[column] += Math.max(0, Math.min(to, column + 1) - Math.max(from, column));
  }
}

/** Multiply the cover by a share (0..1) that depends on the picture point. */
export function keep(raster, shareAt) {
  const { left, top, columns, rows, cover } = raster;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = row * columns + column;
      if (cover[at] > 0) {
        cover[at] *= shareAt([left + (column + 0.5) / PIXELS_PER_MM, top + (row + 0.5) / PIXELS_PER_MM]);
      }
    }
  }
}

/** Share of a pixel inside a border that runs at a signed distance [mm] (positive inside). */
export const shareInside = (mm) => Math.max(0, Math.min(1, 0.5 + mm * PIXELS_PER_MM));

/** Rings of the cover; a hole is opened by a thin slit, because outlines have none. */
export function trace(raster) {
  for (let tries = 0; tries < 40; tries += 1) {
    const rings = contour(raster);
    const hole = rings.find((ring) => signedArea(ring) < -LEAST_HOLE_MM2);
    if (!hole) {
      return rings.filter((ring) => signedArea(ring) > LEAST_AREA_MM2)
        .map((ring) => simplify(ring, SLACK_MM)).filter((ring) => ring.length >= 3);
    }
    slit(raster, hole);
  }
  return [];
}

function slit(raster, hole) {
  const end = hole.reduce((best, point) => (point[0] > best[0] ? point : best));
  const row = Math.round((end[1] - raster.top) * PIXELS_PER_MM - 0.5);
  let column = Math.round((end[0] - raster.left) * PIXELS_PER_MM - 0.5);
  for (; column < raster.columns; column += 1) {
    const at = row * raster.columns + column;
    if (raster.cover[at] < 0.5 && raster.cover[at + raster.columns] < 0.5
      && column > (end[0] - raster.left) * PIXELS_PER_MM + 1) return;
    raster.cover[at] = 0;
    raster.cover[at + raster.columns] = 0;
  }
}

/** Marching squares: rings with the inside on the right on a screen, so outer ones have area > 0. */
function contour({ left, top, columns, rows, cover }) {
  const value = (column, row) => cover[row * columns + column] - 0.5 || 1e-9;
  const next = new Map();
  const point = new Map();
  const key = (column, row, across) => 2 * (row * columns + column) + (across ? 0 : 1);
  const edge = (column, row, across) => {
    const name = key(column, row, across);
    if (!point.has(name)) {
      const a = value(column, row), b = across ? value(column + 1, row) : value(column, row + 1);
      const part = a / (a - b);
      point.set(name, [
        left + (column + 0.5 + (across ? part : 0)) / PIXELS_PER_MM,
        top + (row + 0.5 + (across ? 0 : part)) / PIXELS_PER_MM,
      ]);
    }
    return name;
  };
  for (let row = 0; row + 1 < rows; row += 1) {
    for (let column = 0; column + 1 < columns; column += 1) {
      const a = value(column, row) > 0, b = value(column + 1, row) > 0;
      const c = value(column + 1, row + 1) > 0, d = value(column, row + 1) > 0;
      if (a === b && b === c && c === d) continue;
      // Sides in clockwise order with the corner before and after each.
      const sides = [
        [a, b, () => edge(column, row, true)], [b, c, () => edge(column + 1, row, false)],
        [c, d, () => edge(column, row + 1, true)], [d, a, () => edge(column, row, false)],
      ].filter(([before, after]) => before !== after);
      const ins = sides.filter(([before]) => !before), outs = sides.filter(([before]) => before);
      ins.forEach(([, , enter]) => {
        const at = sides.findIndex((side) => side[2] === enter);
        const leave = outs.length === 1 ? outs[0] : sides[(at + 1) % sides.length];
        next.set(leave[2](), enter());
      });
    }
  }
  return chains(next, point);
}

function chains(next, point) {
  const rings = [];
  while (next.size) {
    const start = next.keys().next().value;
    const ring = [];
    let at = start;
    while (next.has(at)) {
      ring.push(point.get(at));
      const following = next.get(at);
      next.delete(at);
      at = following;
    }
    if (ring.length >= 3) rings.push(signedArea(ring) === 0 ? ring : ring);
  }
  const largest = rings.reduce((best, ring) =>
    (Math.abs(signedArea(ring)) > Math.abs(signedArea(best)) ? ring : best), rings[0] ?? []);
  // The largest ring is an outer one: it tells which way round outer rings run.
  return signedArea(largest) >= 0 ? rings : rings.map((ring) => ring.reverse());
}

/** Leave out points that lie within a slack [mm] of the line (Douglas and Peucker). */
export function simplify(points, slack) {
  if (points.length < 4) return points;
  let far = 0;
  points.forEach((p, i) => { if (gap(points[0], p) > gap(points[0], points[far])) far = i; });
  const halves = [points.slice(0, far + 1), [...points.slice(far), points[0]]];
  return halves.flatMap((half) => thin(half, slack).slice(0, -1));
}

/** The same for an open line. */
export function thin(line, slack) {
  if (line.length < 3) return line;
  let worst = 0, at = 0;
  const end = line[line.length - 1];
  for (let i = 1; i + 1 < line.length; i += 1) {
    const off = lineDistance(line[i], line[0], end);
    if (off > worst) [worst, at] = [off, i];
  }
  if (worst <= slack) return [line[0], end];
  return [...thin(line.slice(0, at + 1), slack).slice(0, -1), ...thin(line.slice(at), slack)];
}

const gap = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** Distance of a point from a stretch of line. */
export function lineDistance(p, a, b) {
  const dx = b[0] - a[0], dy = b[1] - a[1], square = dx * dx + dy * dy;
  const part = square ? Math.max(0, Math.min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square)) : 0;
  return Math.hypot(p[0] - a[0] - part * dx, p[1] - a[1] - part * dy);
}

/** Whether a closed ring crosses itself. */
export function crossesItself(ring) {
  const side = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  const n = ring.length;
  for (let i = 0; i < n; i += 1) {
    const a = ring[i], b = ring[(i + 1) % n];
    for (let j = i + 2; j < n; j += 1) {
      if (i === 0 && j === n - 1) continue;
      const c = ring[j], d = ring[(j + 1) % n];
      if (side(a, b, c) * side(a, b, d) <= 0 && side(c, d, a) * side(c, d, b) <= 0) return true;
    }
  }
  return false;
}

/** Outlines of one view, each clean and on the scalp: cut at the hairline, overlaps joined. */
export function cleaned(geometry, view, rings, share = null) {
  const camera = fixedCamera(geometry, view);
  const onScalp = (point) => {
    const position = lift(geometry, camera, point);
    return position ? shareInside(insideHairline(geometry, position)) : 0;
  };
  const off = rings.some((ring) => ring.some((point) => onScalp(point) < 0.5));
  const messy = rings.length > 1 || rings.some(crossesItself);
  if (!off && !messy && !share) return rings.map((points) => ({ view, points, unit: "mm" }));
  const raster = makeRaster(rings);
  if (off) keep(raster, onScalp);
  if (share) keep(raster, (point) => {
    const position = lift(geometry, camera, point);
    return position ? share(position) : 1;
  });
  return trace(raster).map((points) => ({ view, points, unit: "mm" }));
}
