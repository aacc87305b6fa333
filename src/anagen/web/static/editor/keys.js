/** Everything by keyboard, while the drawing has the focus. */

import { BRUSHED, POINTED } from "./tools.js";
import { VIEWS, insideHairline, lift, project } from "./surface.js";
import { covers, movePatch, patchAt, RefusedError } from "./patches.js";

const STEP_MM = 1;
const LARGE_STEPS = 8;
const TURN_STEP = (5 * Math.PI) / 180;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TOOL_KEYS = { d: "draw", e: "erase", m: "move", s: "split", j: "merge", r: "regrowth", h: "hand" };

/** @param {object} editor see editor.js */
export function listenToKeys(host, editor, tools) {
  const { ui, stage, geometry } = editor;

  function arrow([dx, dy], large) {
    const step = STEP_MM * (large ? LARGE_STEPS : 1);
    if (ui.tool === "hand") {
      if (stage.camera.name === "turn") editor.turn(dx * TURN_STEP * (large ? 3 : 1), dy * TURN_STEP * (large ? 3 : 1));
      else stage.panBy(-dx * 12 * step, -dy * 12 * step);
      return;
    }
    if (ui.tool === "move") { nudge(dx * step, dy * step); return; }
    const { width, height } = stage.camera;
    const [x, y] = ui.cursor ?? [width / 2, height / 2];
    ui.byKeys = true;
    ui.cursor = [Math.max(0, Math.min(width, x + dx * step)), Math.max(0, Math.min(height, y + dy * step))];
    if (ui.brushDown) ui.points.push(ui.cursor);
    stage.show(ui.cursor);
    stage.redraw("live");
    tell();
  }

  function tell() {
    const place = lift(geometry, stage.camera, ui.cursor);
    const on = place && insideHairline(geometry, place) > 0;
    const id = place && patchAt(geometry, editor.drawing, place);
    const patch = !on ? editor.t("said_beside") : id ? editor.t("said_in", { id }) : "";
    editor.say(editor.t("said_at", {
      view: editor.t(stage.camera.name), x: Math.round(ui.cursor[0]), y: Math.round(ui.cursor[1]), patch,
    }));
  }

  function nudge(dx, dy) {
    const patch = editor.drawing.patches.find((one) => one.id === ui.chosen);
    const outline = patch?.outlines[0];
    if (!outline) { editor.say(editor.t("no_patch"), true); return; }
    const middle = [0, 1].map((k) => outline.points.reduce((sum, p) => sum + p[k] / outline.points.length, 0));
    const from = lift(geometry, editor.camera(outline.view), middle);
    const here = from && project(stage.camera, from);
    const to = here && lift(geometry, stage.camera, [here[0] + dx, here[1] + dy]);
    const same = to && covers(geometry, patch, from);
    if (!to) return;
    try {
      editor.commit(movePatch(geometry, editor.drawing, ui.chosen, from, to), same ? "said_moved" : null, { id: ui.chosen });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      editor.say(editor.t(error.message, error.values), true);
    }
  }

  function enter() {
    if (!ui.cursor) { arrow([0, 0], false); return; }
    ui.byKeys = true;
    if (POINTED.includes(ui.tool)) tools.addPoint(ui.cursor);
    else if (ui.tool === "merge") tools.join(ui.cursor);
    else if (BRUSHED.includes(ui.tool)) {
      if (ui.brushDown) { tools.finishBrush(); return; }
      ui.brushDown = true;
      ui.points = [ui.cursor, [ui.cursor[0] + 1e-3, ui.cursor[1]]];
      stage.redraw("live");
      editor.say(editor.t("said_down"));
    }
  }

  const plain = {
    Enter: enter, " ": enter, c: () => tools.finishPoints(), Escape: () => { tools.clear(); ui.joining = null; editor.hint(); editor.say(editor.t("said_cancelled")); },
    Backspace: () => { ui.points = ui.points.slice(0, -1); ui.pending = ui.points.length > 0; stage.redraw("live"); editor.hint(); },
    Delete: () => editor.removeChosen(), n: () => editor.next(1), N: () => editor.next(-1),
    "+": () => stage.zoomBy(1.4), "=": () => stage.zoomBy(1.4), "-": () => stage.zoomBy(1 / 1.4), 0: () => stage.fit(),
    b: () => editor.setKind(0), v: () => editor.setKind(1), t: () => editor.setKind(2),
    "[": () => editor.setBrush(ui.brush - 1), "]": () => editor.setBrush(ui.brush + 1), "?": () => editor.toggleHelp(),
    u: () => editor.undo(),
  };
  [...VIEWS, "turn"].forEach((view, i) => { plain[i + 1] = () => editor.setView(view); });
  for (const [key, tool] of Object.entries(TOOL_KEYS)) plain[key] = () => editor.setTool(tool);

  host.addEventListener("keydown", (event) => {
    const { key } = event;
    const command = event.ctrlKey || event.metaKey;
    let work = null;
    if (command && key.toLowerCase() === "z") work = () => (event.shiftKey ? editor.redo() : editor.undo());
    else if (command && key.toLowerCase() === "y") work = () => editor.redo();
    else if (!command && !event.altKey && ARROWS[key]) work = () => arrow(ARROWS[key], event.shiftKey);
    else if (!command && !event.altKey) work = plain[key] ?? null;
    // Escape without anything under way goes on to the page (to close a dialog around the editor).
    if (!work || (key === "Escape" && !ui.points.length && !ui.joining)) return;
    event.preventDefault();
    work();
  });
}
