/**
 * The drawing as frozen data, and what can be done to it; every function gives a new drawing.
 *
 * @typedef {import("./surface.js").Outline} Outline
 * @typedef {{id: string, outlines: Outline[], masks: object[], origins: string[],
 *   paint: ?Object<string, number>, regrowth: Regrowth, kept: object}} Patch
 * @typedef {{percent: ?number, terminal: ?number, grade: ?string, scale: ?string}} Regrowth
 * @typedef {{patches: Patch[], gone: string[]}} Drawing
 */

import { cleaned, lineDistance, makeRaster, shareInside, trace } from "./regions.js";
import {
  carry, distance, facing, fixedCamera, inRing, project, ringOf, signedArea, storeRing,
} from "./surface.js";

const FAR_MM = 600;
const CIRCLE_CORNERS = 48;
const NO_REGROWTH = { percent: null, terminal: null, grade: null, scale: null };

/** Why something cannot be done; the message is the key of a text. */
export class RefusedError extends Error {
  constructor(key, values = {}) {
    super(key);
    this.values = values;
  }
}

/** Drawing of patches as the record has them. @returns {Drawing} */
export function readDrawing(geometry, seen, changes, previous) {
  const before = new Set(previous.filter((one) => one.state !== "gone").map((one) => one.id));
  const origins = (id) => {
    const found = changes.filter((c) => c.after.includes(id) && ["split", "merged"].includes(c.kind))
      .flatMap((c) => c.before);
    return found.length ? found : before.has(id) ? [id] : [];
  };
  return {
    patches: seen.map((one) => {
      const { id, shape, regrowth_percent: percent, terminal_percent: terminal,
        regrowth_grade: grade, regrowth_scale: scale, ...kept } = one;
      return {
        id, kept, paint: null, origins: origins(id),
        outlines: (shape?.outlines ?? []).map((outline) => inMillimetres(geometry, outline)),
        masks: shape?.masks ?? [],
        regrowth: { percent: percent ?? null, terminal: terminal ?? null,
          grade: grade ?? null, scale: scale ?? null },
      };
    }),
    gone: changes.filter((change) => change.kind === "gone").flatMap((change) => change.before),
  };
}

function inMillimetres(geometry, outline) {
  if (outline.unit !== "fraction") return { ...outline, unit: "mm" };
  const { width, height } = geometry.views[outline.view];
  return { view: outline.view, unit: "mm", points: outline.points.map(([x, y]) => [x * width, y * height]) };
}

/** Patches as the record keeps them. */
export function visitPatches(drawing) {
  return drawing.patches.map(({ id, outlines, masks, regrowth, kept }) => drop({
    ...kept, id,
    shape: outlines.length + masks.length
      ? { outlines: outlines.map(({ view, points }) => ({
        view, unit: "mm", points: points.map((point) => point.map((v) => Math.round(v * 100) / 100)),
      })), masks } : null,
    regrowth_percent: regrowth.percent, terminal_percent: regrowth.terminal,
    regrowth_grade: regrowth.grade, regrowth_scale: regrowth.scale,
  }));
}

/** What of a drawing the editor makes: equal texts mean equal drawings. */
export function essence(drawing, previous) {
  const patches = visitPatches({ ...drawing, patches: drawing.patches.map((one) => ({ ...one, kept: {} })) });
  return JSON.stringify([patches, patchChanges(drawing, previous)]);
}

const drop = (fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));

/** What became of the patches since the visit before. */
export function patchChanges(drawing, previous) {
  const gone = new Set(previous.filter((one) => one.state === "gone").map((one) => one.id));
  const changes = [];
  for (const patch of drawing.patches) {
    if (patch.origins.length === 0) {
      changes.push({ kind: gone.has(patch.id) ? "returned" : "new", before: [], after: [patch.id] });
    } else if (patch.origins.length > 1) {
      changes.push({ kind: "merged", before: patch.origins, after: [patch.id] });
    }
  }
  for (const { id } of previous) {
    const pieces = drawing.patches.filter((one) => one.origins.length === 1 && one.origins[0] === id);
    if (pieces.length > 1) {
      changes.push({ kind: "split", before: [id], after: pieces.map((one) => one.id) });
    }
  }
  for (const id of drawing.gone) changes.push({ kind: "gone", before: [id], after: [] });
  return changes;
}

/** Name that no patch has had. */
export function freshName(drawing, previous, known = []) {
  const used = new Set([...known, ...previous.map((one) => one.id),
    ...drawing.patches.flatMap((one) => [one.id, ...one.origins])]);
  let number = 1;
  while (used.has(`P${number}`)) number += 1;
  return `P${number}`;
}

const maskOutlines = new WeakMap();

/** Outlines of a patch, its masks traced. @returns {Outline[]} */
export function outlinesOf(geometry, patch) {
  if (patch.masks.length === 0) return patch.outlines;
  if (!maskOutlines.has(patch)) {
    const traced = patch.masks.flatMap(({ view, rows }) => {
      const { width, height } = geometry.views[view];
      const x = width / rows[0].length, y = height / rows.length;
      const rings = rows.flatMap((row, j) => [...row.matchAll(/1+/g)].map((run) => [
        [run.index * x, j * y], [(run.index + run[0].length) * x, j * y],
        [(run.index + run[0].length) * x, (j + 1.02) * y], [run.index * x, (j + 1.02) * y]]));
      return rings.length ? trace(makeRaster(rings)).map((points) => ({ view, points, unit: "mm" })) : [];
    });
    maskOutlines.set(patch, [...patch.outlines, ...traced]);
  }
  return maskOutlines.get(patch);
}

const put = (drawing, patch) => ({
  ...drawing,
  patches: drawing.patches.some((one) => one.id === patch.id)
    ? drawing.patches.map((one) => (one.id === patch.id ? patch : one))
    : [...drawing.patches, patch],
  gone: drawing.gone.filter((id) => !patch.origins.includes(id)),
});
const find = (drawing, id) => drawing.patches.find((one) => one.id === id);
const shaped = (patch, outlines) => ({ ...patch, outlines, masks: [] });

/** A patch with new outlines: a new one, or one of the visit before seen again. */
export function addPatch(drawing, id, outlines, previous) {
  if (outlines.length === 0) throw new RefusedError("too_small");
  const before = previous.find((one) => one.id === id);
  const known = before && before.state !== "gone";
  const drawn = find(drawing, id) ?? {
    id, kept: known && before.kept ? before.kept : {}, paint: null, origins: known ? [id] : [], masks: [],
    regrowth: NO_REGROWTH,
  };
  return put(drawing, { ...shaped(drawn, outlines), paint: null });
}

/** More outlines for a patch; those of one view that overlap become one. */
export function extendPatch(geometry, drawing, id, outlines) {
  if (outlines.length === 0) throw new RefusedError("too_small");
  const patch = find(drawing, id);
  return put(drawing, shaped(patch, joined(geometry, [...outlinesOf(geometry, patch), ...outlines])));
}

function joined(geometry, outlines) {
  const views = [...new Set(outlines.map((one) => one.view))];
  return views.flatMap((view) => {
    const same = outlines.filter((one) => one.view === view);
    return same.length === 1 ? same : cleaned(geometry, view, same.map((one) => one.points));
  });
}

/** Outlines of a stroke drawn in a camera, clean and on the scalp. */
export function outlinesFrom(geometry, camera, points, liftTo) {
  const wanted = camera.name === "turn" ? null : camera.name;
  if (wanted) return cleaned(geometry, wanted, [points]);
  const ring = (signedArea(points) > 0 ? [...points].reverse() : points).map(liftTo).filter(Boolean);
  if (ring.length < 3) return [];
  return storeRing(geometry, ring).flatMap((one) => cleaned(geometry, one.view, [one.points]));
}

/** Circle in a view, as a polygon of the circle's area. */
export function circle(x, y, diameter) {
  const turn = (2 * Math.PI) / CIRCLE_CORNERS;
  const radius = (diameter / 2) * Math.sqrt(turn / Math.sin(turn));
  return Array.from({ length: CIRCLE_CORNERS }, (_, i) =>
    [x + radius * Math.cos(i * turn), y + radius * Math.sin(i * turn)]);
}

/** Rub out what lies within a radius [mm] of places on the surface, of some patches. */
export function erase(geometry, drawing, places, radius, ids) {
  const share = (position) =>
    shareInside(places.reduce((least, p) => Math.min(least, distance(p, position)), Infinity) - radius);
  let next = drawing;
  for (const patch of drawing.patches.filter((one) => ids.includes(one.id))) {
    const outlines = outlinesOf(geometry, patch);
    const near = outlines.map((outline) => {
      const camera = fixedCamera(geometry, outline.view);
      return places.some((p) => facing(geometry, camera, p) > -0.1 && reaches(outline, project(camera, p), radius));
    });
    if (!near.includes(true)) continue;
    const left = outlines.flatMap((outline, i) =>
      (near[i] ? cleaned(geometry, outline.view, [outline.points], share) : [outline]));
    next = left.length ? put(next, shaped(patch, left)) : remove(next, patch.id);
  }
  return named(next);
}

function reaches(outline, point, radius) {
  const { points } = outline;
  return inRing(points, point)
    || points.some((p, i) => lineDistance(point, p, points[(i + 1) % points.length]) <= radius + 1);
}

/** Take a patch out of this visit. */
export function remove(drawing, id) {
  return named({ ...drawing, patches: drawing.patches.filter((one) => one.id !== id) });
}

/** A patch of the visit before that is no more. */
export function markGone(drawing, id) {
  const without = { ...drawing, patches: drawing.patches.filter((one) => one.id !== id) };
  return { ...without, gone: [...new Set([...drawing.gone, id])] };
}

/** Take that back. */
export function unmarkGone(drawing, id) {
  return { ...drawing, gone: drawing.gone.filter((one) => one !== id) };
}

/** Only piece left of a patch of the visit before: it bears that patch's name. */
function named(drawing) {
  return {
    ...drawing,
    patches: drawing.patches.map((patch) => {
      const [origin] = patch.origins;
      const alone = patch.origins.length === 1 && patch.id !== origin
        && drawing.patches.filter((one) => one.origins.includes(origin)).length === 1;
      return alone ? { ...patch, id: origin } : patch;
    }),
  };
}

/** Move a patch so that one place of it comes to lie on another. */
export function movePatch(geometry, drawing, id, from, to) {
  const patch = find(drawing, id);
  const outlines = outlinesOf(geometry, patch).flatMap((outline) =>
    storeRing(geometry, carry(geometry, ringOf(geometry, outline), from, to), outline.view)
      .flatMap((one) => cleaned(geometry, one.view, [one.points])));
  if (outlines.length === 0) throw new RefusedError("off_scalp");
  return put(drawing, shaped(patch, outlines));
}

/** Part patches along a line drawn in a camera; the larger piece keeps the name. */
export function splitPatch(geometry, drawing, id, camera, line, newName) {
  const patch = find(drawing, id);
  const long = extended(line);
  const beside = besideOf(long);
  const offset = (point) => {
    let least = Infinity;
    for (let i = 0; i + 1 < long.length; i += 1) least = Math.min(least, lineDistance(point, long[i], long[i + 1]));
    return inRing(beside, point) ? least : -least;
  };
  const half = (sign) => outlinesOf(geometry, patch).flatMap((outline) =>
    cleaned(geometry, outline.view, [outline.points],
      (position) => shareInside(sign * offset(project(camera, position)))));
  const pieces = [half(1), half(-1)];
  if (pieces.some((piece) => piece.length === 0)) throw new RefusedError("not_across", { id });
  const size = (piece) => piece.reduce((sum, one) => sum + Math.abs(signedArea(one.points)), 0);
  pieces.sort((a, b) => size(b) - size(a));
  if (patch.origins.length > 1) throw new RefusedError("split_merged", { id });
  const piece = (name, outlines) => ({ ...patch, id: name, outlines, masks: [], paint: null });
  return put(put(drawing, piece(id, pieces[0])), piece(newName, pieces[1]));
}

function extended(line) {
  const beyond = (a, b) => {
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
    return [b[0] + ((b[0] - a[0]) / length) * FAR_MM, b[1] + ((b[1] - a[1]) / length) * FAR_MM];
  };
  const [first, last] = [line[0], line[line.length - 1]];
  const near = (end, from) => line.find((p) => Math.hypot(p[0] - end[0], p[1] - end[1]) > 3) ?? from;
  const nearLast = [...line].reverse().find((p) => Math.hypot(p[0] - last[0], p[1] - last[1]) > 3) ?? first;
  return [beyond(near(first, last), first), ...line, beyond(nearLast, last)];
}

function besideOf(long) {
  const [a, b] = [long[0], long[long.length - 1]];
  const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
  const aside = [(-(b[1] - a[1]) / length) * 2 * FAR_MM, ((b[0] - a[0]) / length) * 2 * FAR_MM];
  return [...long, [b[0] + aside[0], b[1] + aside[1]], [a[0] + aside[0], a[1] + aside[1]]];
}

/** Join two patches; a name of the visit before wins, else that of the larger. */
export function mergePatches(geometry, drawing, first, second) {
  const pair = [first, second].map((id) => find(drawing, id));
  const origins = [...new Set(pair.flatMap((one) => one.origins))];
  const others = drawing.patches.filter((one) => !pair.includes(one));
  const torn = origins.find((origin) => others.some((one) => one.origins.includes(origin)));
  if (origins.length > 1 && torn) throw new RefusedError("torn", { first, second, origin: torn });
  const size = (one) => outlinesOf(geometry, one).reduce((sum, o) => sum + Math.abs(signedArea(o.points)), 0);
  const [larger, smaller] = [...pair].sort((a, b) =>
    (b.origins.includes(b.id) - a.origins.includes(a.id)) || size(b) - size(a));
  const outlines = joined(geometry, [...outlinesOf(geometry, larger), ...outlinesOf(geometry, smaller)]);
  return named(put(remove(drawing, smaller.id), { ...shaped(larger, outlines), origins, paint: null }));
}

/** Write down how much hair is back. */
export function setRegrowth(drawing, id, regrowth, paint = null) {
  const patch = find(drawing, id);
  return put(drawing, { ...patch, paint, regrowth: { ...patch.regrowth, ...regrowth } });
}

/** Patch at a place of the surface, the one drawn last first. */
export function patchAt(geometry, drawing, position) {
  return [...drawing.patches].reverse().find((patch) => covers(geometry, patch, position))?.id ?? null;
}

/** Whether a patch covers a place. */
export function covers(geometry, patch, position) {
  return outlinesOf(geometry, patch).some((outline) => {
    const camera = fixedCamera(geometry, outline.view);
    return facing(geometry, camera, position) > 0 && inRing(outline.points, project(camera, position));
  });
}
