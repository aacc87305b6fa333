/** What pen, finger, mouse and keys do with each tool. */

import {
  RefusedError, addPatch, covers, erase, extendPatch, freshName, mergePatches, movePatch, outlinesFrom,
  outlinesOf, patchAt, setRegrowth, splitPatch,
} from "./patches.js";
import { painted } from "./regrowth.js";
import { seen } from "./paint.js";
import { thin } from "./regions.js";
import { carry, insideHairline, lift, ringOf, storeRing } from "./surface.js";

export const TOOLS = ["draw", "erase", "move", "split", "merge", "regrowth", "hand"];
export const POINTED = ["draw", "split"];
export const BRUSHED = ["erase", "regrowth"];

const TAP_PIXELS = 6;
const CLOSE_PIXELS = 14;
const DOUBLE_TAP_MS = 350;
const HAND_SLACK_MM = 0.12;
const TURN_PER_PIXEL = 0.007;

/** @param {object} editor see editor.js */
export function makeTools(editor) {
  const { ui, stage, geometry } = editor;
  let from = null, lastTap = 0, stroke = null, turning = false, seenAt = null;
  const at = (point) => lift(geometry, stage.camera, point);
  const onScalp = (point) => { const p = at(point); return p && insideHairline(geometry, p) > -2; };
  const pixels = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) / stage.pixel;

  function clear() {
    ui.points = [];
    ui.pending = false;
    ui.shift = null;
    ui.brushDown = false;
    stroke = null;
    stage.redraw("live");
    editor.hint();
  }

  /** Do something to the drawing, or say why not. */
  function attempt(work) {
    try { return work(); } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      editor.say(editor.t(error.message, error.values), true);
      return null;
    }
  }

  function finishOutline(points) {
    attempt(() => {
      const drawing = editor.drawing;
      const outlines = outlinesFrom(geometry, stage.camera, thin(points, HAND_SLACK_MM), at);
      const known = drawing.patches.some((one) => one.id === ui.chosen);
      if (ui.mode === "add" && known) {
        editor.commit(extendPatch(geometry, drawing, ui.chosen, outlines), "said_new", { id: ui.chosen });
        return;
      }
      const id = ui.mode === "redraw" && ui.chosen ? ui.chosen
        : freshName(drawing, editor.previous, editor.known);
      editor.commit(addPatch(drawing, id, outlines, editor.previous), "said_new", { id });
      editor.choose(id, true);
    });
    clear();
  }

  function finishLine(points) {
    attempt(() => {
      const line = thin(points, HAND_SLACK_MM);
      const id = crossed(points);
      if (!id) throw new RefusedError("nothing_there");
      const other = freshName(editor.drawing, editor.previous, editor.known);
      editor.commit(splitPatch(geometry, editor.drawing, id, stage.camera, line, other),
        "said_split", { id, other });
      editor.choose(id, true);
    });
    clear();
  }

  /** The patch that a line crosses; the chosen one if it does. */
  function crossed(points) {
    const places = [];
    points.forEach((point, i) => {
      const next = points[i + 1] ?? point;
      for (let part = 0; part < 10; part += 1) {
        places.push(at([0, 1].map((k) => point[k] + (part / 10) * (next[k] - point[k]))));
      }
    });
    const counts = editor.drawing.patches.map((patch) => ({
      id: patch.id, count: places.filter((place) => place && covers(geometry, patch, place)).length,
    })).filter((one) => one.count > 0);
    return (counts.find((one) => one.id === ui.chosen)
      ?? counts.sort((a, b) => b.count - a.count)[0])?.id ?? null;
  }

  function finishBrush(points) {
    const places = spaced(points, ui.brush / 2).map(at).filter(Boolean);
    if (ui.tool === "erase") {
      const ids = editor.drawing.patches.map((one) => one.id);
      const next = erase(geometry, editor.drawing, places, ui.brush, ids);
      if (same(next, editor.drawing)) editor.say(editor.t("nothing_erased"));
      else editor.commit(next, "said_erased");
    } else {
      let next = editor.drawing, last = null;
      for (const patch of editor.drawing.patches) {
        const made = painted(geometry, patch, places, ui.brush, ui.kind);
        if (!made) continue;
        next = setRegrowth(next, patch.id, made.regrowth, made.paint);
        last = { id: patch.id, percent: made.regrowth.percent };
      }
      if (last) {
        editor.commit(next, "said_painted", last);
        editor.choose(last.id, true);
      } else editor.say(editor.t("nothing_erased"));
    }
    clear();
  }

  function join(point) {
    const place = at(point), id = place && patchAt(geometry, editor.drawing, place);
    if (!id) { editor.say(editor.t("nothing_erased")); return; }
    if (!ui.joining || !editor.drawing.patches.some((one) => one.id === ui.joining)) {
      ui.joining = id;
      editor.choose(id);
      editor.hint();
    } else if (ui.joining === id) editor.say(editor.t("same_patch"));
    else {
      attempt(() => {
        const names = editor.drawing.patches.map((one) => one.id);
        const next = mergePatches(geometry, editor.drawing, ui.joining, id);
        const left = next.patches.map((one) => one.id);
        const kept = left.find((name) => !names.includes(name))
          ?? (left.includes(ui.joining) ? ui.joining : id);
        editor.commit(next, "said_merged", { id: kept });
        editor.choose(kept, true);
      });
      ui.joining = null;
      editor.hint();
    }
  }

  function shiftTo(point) {
    const to = at(point), patch = editor.drawing.patches.find((one) => one.id === ui.chosen);
    if (!to || !patch || !stroke) return;
    stroke.to = to;
    ui.shift = outlinesOf(geometry, patch).flatMap((outline) =>
      storeRing(geometry, carry(geometry, ringOf(geometry, outline), stroke.from, to), outline.view)
        .flatMap((one) => seen(geometry, stage.camera, one)));
    stage.redraw("live");
  }

  function finishMove() {
    const move = stroke;
    if (move?.to) {
      attempt(() => editor.commit(
        movePatch(geometry, editor.drawing, ui.chosen, move.from, move.to), "said_moved", { id: ui.chosen }));
    }
    clear();
  }

  const finishPoints = () => {
    const { points } = ui;
    if (ui.tool === "draw" && points.length >= 3) finishOutline(points);
    else if (ui.tool === "split" && points.length >= 2) finishLine(points);
  };

  function addPoint(point) {
    const near = ui.tool === "draw" && ui.points.length >= 3 && pixels(point, ui.points[0]) < CLOSE_PIXELS;
    if (near) { finishPoints(); return; }
    ui.points = [...ui.points, point];
    ui.pending = true;
    stage.redraw("live");
    editor.hint();
  }

  function turnOrPan(event) {
    const now = [event.clientX, event.clientY];
    const dx = now[0] - seenAt[0], dy = now[1] - seenAt[1];
    seenAt = now;
    if (stage.camera.name === "turn") editor.turn(dx * TURN_PER_PIXEL, dy * TURN_PER_PIXEL);
    else stage.panBy(dx, dy);
  }

  return {
    clear, finishPoints, addPoint, join,
    finishBrush: () => finishBrush(ui.points),
    start(point, event) {
      ui.cursor = null;
      ui.byKeys = false;
      from = point;
      seenAt = [event.clientX, event.clientY];
      turning = ui.tool === "hand" || event.button === 1 || (stage.camera.name === "turn" && !onScalp(point));
      if (turning) return;
      if (ui.tool === "move") {
        const place = at(point), chosen = editor.drawing.patches.find((one) => one.id === ui.chosen);
        const id = place && (chosen && covers(geometry, chosen, place) ? chosen.id
          : patchAt(geometry, editor.drawing, place));
        if (id) { editor.choose(id); stroke = { from: place, to: null }; } else editor.say(editor.t("nothing_erased"));
      } else if (BRUSHED.includes(ui.tool)) {
        ui.points = [point, [point[0] + 1e-3, point[1]]];
        stage.redraw("live");
      } else if (!ui.pending) ui.points = [point];
    },
    move(points, event) {
      if (turning) { turnOrPan(event); return; }
      if (ui.tool === "move") { shiftTo(points[points.length - 1]); return; }
      if (ui.tool === "merge") return;
      if (ui.pending) return;
      ui.points.push(...points);
      if (BRUSHED.includes(ui.tool)) ui.cursor = points[points.length - 1];
      stage.redraw("live");
    },
    end(event) {
      const point = stage.pointAt(event.clientX, event.clientY);
      if (turning) { turning = false; return; }
      const tap = pixels(from, point) < TAP_PIXELS && (ui.pending || length(ui.points) / stage.pixel < 3 * TAP_PIXELS);
      if (ui.tool === "move") finishMove();
      else if (ui.tool === "merge") { ui.points = []; join(point); }
      else if (BRUSHED.includes(ui.tool)) { ui.cursor = null; finishBrush(ui.points); }
      else if (tap) {
        const double = event.timeStamp - lastTap < DOUBLE_TAP_MS && ui.pending;
        lastTap = event.timeStamp;
        if (!ui.pending) ui.points = [];
        if (double && ui.points.length >= (ui.tool === "draw" ? 3 : 2)) finishPoints();
        else addPoint(point);
      } else if (ui.pending) addPoint(point);
      else if (ui.tool === "draw") finishOutline(ui.points);
      else finishLine(ui.points);
    },
    cancel() { turning = false; if (!ui.pending) clear(); },
    hover(point) {
      if (!BRUSHED.includes(ui.tool) || ui.byKeys) return;
      ui.cursor = point;
      stage.redraw("live");
    },
  };
}

const same = (one, other) => one.patches.length === other.patches.length
  && one.patches.every((patch, i) => patch === other.patches[i]);

const length = (points) => points.reduce((sum, p, i) =>
  (i ? sum + Math.hypot(p[0] - points[i - 1][0], p[1] - points[i - 1][1]) : 0), 0);

/** Points of a line at least a gap apart, and close enough together to leave none out. */
function spaced(points, gap) {
  const step = Math.max(0.5, gap), found = [];
  points.forEach((point, i) => {
    const last = found[found.length - 1];
    if (!last) { found.push(point); return; }
    const far = Math.hypot(point[0] - last[0], point[1] - last[1]);
    if (far < step && i + 1 < points.length) return;
    const parts = Math.max(1, Math.round(far / step));
    for (let part = 1; part <= parts; part += 1) {
      found.push([0, 1].map((k) => last[k] + (part / parts) * (point[k] - last[k])));
    }
  });
  return found;
}
