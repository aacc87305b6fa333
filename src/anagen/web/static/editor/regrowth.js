/**
 * Hair painted back: small cells of a patch, each bare, vellus or terminal.
 * A cell is named by its place in the view's lattice, so that paint stays where it is when the
 * outline changes.
 */

import { distance, facing, fixedCamera, inRing, lift, project } from "./surface.js";
import { outlinesOf } from "./patches.js";

export const KINDS = ["bare", "vellus", "terminal"];
const CELL_MM = 2;
/** A cell seen edge-on counts as at most so many. */
const MOST_WEIGHT = 8;

const cellsOf = new WeakMap();

/** Cells of a patch: name, position and area relative to a cell seen squarely. */
export function patchCells(geometry, patch) {
  const known = cellsOf.get(patch.outlines);
  if (known) return known;
  const outlines = outlinesOf(geometry, patch);
  const cells = [];
  outlines.forEach((outline, index) => {
    const camera = fixedCamera(geometry, outline.view);
    const bounds = [0, 1].map((axis) => {
      const values = outline.points.map((p) => p[axis]);
      return [Math.floor(Math.min(...values) / CELL_MM), Math.ceil(Math.max(...values) / CELL_MM)];
    });
    for (let i = bounds[0][0]; i <= bounds[0][1]; i += 1) {
      for (let j = bounds[1][0]; j <= bounds[1][1]; j += 1) {
        const point = [(i + 0.5) * CELL_MM, (j + 0.5) * CELL_MM];
        if (!inRing(outline.points, point)) continue;
        const position = lift(geometry, camera, point);
        if (!position || counted(geometry, outlines.slice(0, index), position)) continue;
        const weight = Math.min(MOST_WEIGHT, 1 / Math.max(0.01, facing(geometry, camera, position)));
        cells.push({ name: `${outline.view}:${i}:${j}`, position, weight });
      }
    }
  });
  cellsOf.set(patch.outlines, cells);
  return cells;
}

const counted = (geometry, earlier, position) => earlier.some((outline) => {
  const camera = fixedCamera(geometry, outline.view);
  return facing(geometry, camera, position) > 0 && inRing(outline.points, project(camera, position));
});

/** Paint the cells within a radius [mm] of places; gives the paint and what it amounts to. */
export function painted(geometry, patch, places, radius, kind) {
  const cells = patchCells(geometry, patch);
  const paint = { ...patch.paint };
  let touched = false;
  for (const cell of cells) {
    if (places.some((place) => distance(place, cell.position) <= radius)) {
      paint[cell.name] = kind;
      touched = true;
    }
  }
  return touched ? { paint, regrowth: amount(cells, paint) } : null;
}

/** Share covered again, and of that terminal [%]. */
export function amount(cells, paint) {
  const sums = [0, 0, 0];
  for (const cell of cells) sums[paint[cell.name] ?? 0] += cell.weight;
  const back = sums[1] + sums[2], all = back + sums[0];
  return {
    percent: all ? Math.round((1000 * back) / all) / 10 : 0,
    terminal: back ? Math.round((1000 * sums[2]) / back) / 10 : null,
    grade: null, scale: null,
  };
}
