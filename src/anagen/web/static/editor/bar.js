/** The tools above the drawing and the choice of a view. */

import { button, field, icon, make } from "./dom.js";
import { KINDS } from "./regrowth.js";
import { drawSmall } from "./stage.js";
import { drawHead, drawPatches } from "./paint.js";
import { TOOLS } from "./tools.js";
import { VIEWS } from "./surface.js";

const BRUSH = { min: 1, max: 20, step: 0.5 };

/** Row of tools. */
export function makeTools(editor) {
  const { t } = editor;
  const buttons = Object.fromEntries(TOOLS.map((tool) => [tool,
    button("", () => editor.setTool(tool), { class: "ae-tool", "data-tool": tool, "aria-pressed": "false" },
      icon(tool), make("span", {}, t(tool)))]));
  const element = make("div", { class: "ae-tools", role: "toolbar", "aria-label": t("tools") }, ...Object.values(buttons));
  return {
    element,
    update() {
      for (const [tool, one] of Object.entries(buttons)) one.setAttribute("aria-pressed", String(editor.ui.tool === tool));
      const turned = editor.ui.view === "turn";
      buttons.hand.replaceChildren(icon(turned ? "hand" : "pan"), make("span", {}, t(turned ? "hand_turn" : "hand")));
    },
  };
}

/** What goes with the tool: what an outline becomes, size of the brush, hair painted. */
export function makeOptions(editor) {
  const { t, ui } = editor;
  const radio = (group, name, label, work) => {
    const input = make("input", { type: "radio", name: `${editor.name}-${group}`, value: name, onchange: work });
    return { input, element: make("label", { class: "ae-choice" }, input, label) };
  };
  const words = Object.fromEntries(["new", "add", "redraw"].map((mode) => [mode, make("span")]));
  const modes = Object.fromEntries(["new", "add", "redraw"].map((mode) =>
    [mode, radio("mode", mode, words[mode], () => editor.setMode(mode))]));
  const kinds = KINDS.map((kind, i) =>
    radio("kind", kind, make("span", { class: `ae-kind ae-${kind}` }, t(kind)), () => editor.setKind(i)));
  const size = make("output", { class: "ae-number" });
  const range = make("input", { type: "range", ...BRUSH, oninput: () => editor.setBrush(Number(range.value)) });
  const set = (legend, items) => make("fieldset", { class: "ae-choices" },
    make("legend", { class: "ae-unseen" }, legend), ...items.map((one) => one.element));
  const modeSet = set(t("mode"), Object.values(modes)), kindSet = set(t("kind"), kinds);
  const brush = make("div", { class: "ae-brush" }, field(t("brush"), range), size);
  const hint = make("p", { class: "ae-hint" });
  return {
    element: make("div", { class: "ae-options" }, modeSet, kindSet, brush, hint),
    hint,
    update() {
      const drawn = editor.drawing.patches.some((one) => one.id === ui.chosen);
      modeSet.hidden = ui.tool !== "draw";
      kindSet.hidden = ui.tool !== "regrowth";
      brush.hidden = !["erase", "regrowth"].includes(ui.tool);
      // A single choice is none.
      modeSet.hidden ||= !drawn && !ui.chosen;
      for (const [mode, { input, element }] of Object.entries(modes)) {
        words[mode].textContent = t(`mode_${mode}`, { id: ui.chosen ?? "" });
        input.checked = ui.mode === mode;
        element.hidden = mode === "add" ? !drawn : mode === "redraw" ? !ui.chosen : false;
      }
      kinds.forEach(({ input }, i) => { input.checked = ui.kind === i; });
      range.value = String(ui.brush);
      size.textContent = t("brush_mm", { mm: 2 * ui.brush });
    },
  };
}

/** The five views as small pictures to choose from. */
export function makeViews(editor) {
  const { t } = editor;
  const tabs = [...VIEWS, "turn"].map((view) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const tab = button("", () => editor.setView(view),
      { class: "ae-view", "data-view": view, "aria-pressed": "false", "aria-label": t(view) },
      canvas, make("span", {}, t(`${view}_short`)));
    return { view, canvas, tab };
  });
  let frame = 0;
  const paint = () => {
    frame = 0;
    for (const { view, canvas } of tabs) {
      const camera = editor.camera(view);
      drawSmall(canvas, camera, (context, pixel) => {
        drawHead(context, editor.geometry, camera, editor.colours, pixel);
        drawPatches(context, editor.geometry, camera, editor.drawing, editor.ui.chosen, editor.colours, pixel * 0.6, false);
      });
    }
  };
  return {
    element: make("div", { class: "ae-views", role: "group", "aria-label": t("views") }, ...tabs.map((one) => one.tab)),
    update() {
      for (const { view, tab } of tabs) tab.setAttribute("aria-pressed", String(editor.ui.view === view));
      frame ||= requestAnimationFrame(paint);
    },
  };
}

/** In the corners of the drawing: undo and redo, help, zoom. */
export function makeCorners(editor) {
  const { t } = editor;
  const act = (name, work) => button("", work,
    { class: "ae-round", "aria-label": t(name), title: t(name), "data-act": name }, icon(name));
  const undo = act("undo", () => editor.undo()), redo = act("redo", () => editor.redo());
  const help = act("help", () => editor.toggleHelp());
  help.setAttribute("aria-expanded", "false");
  return {
    elements: [
      make("div", { class: "ae-corner ae-steps" }, undo, redo), make("div", { class: "ae-corner ae-ask" }, help),
      make("div", { class: "ae-corner ae-zoom" }, act("zoom_out", () => editor.stage.zoomBy(1 / 1.4)),
        act("zoom_in", () => editor.stage.zoomBy(1.4))),
      make("div", { class: "ae-corner ae-fit" }, act("fit", () => editor.stage.fit())),
    ],
    help,
    update() {
      undo.disabled = !editor.history.canUndo;
      redo.disabled = !editor.history.canRedo;
    },
  };
}

/** Keys, in a panel that opens over the drawing. */
export function makeHelp(editor) {
  const { t } = editor;
  const rows = [
    ["← ↑ → ↓", "key_arrows"], ["Enter", "key_enter"], ["C", "key_close"], ["Backspace", "key_back"], ["Esc", "key_escape"],
    ["D E M S J R H", "key_tools"], ["1 2 3 4 5", "key_views"], ["N", "key_next"], ["+ − 0", "key_zoom"],
    ["Ctrl Z Ctrl Y", "key_undo"], ["B V T", "key_kind"], ["[ ]", "key_brush"], ["Delete", "key_remove"], ["← ↑ → ↓", "key_move"],
  ];
  return make("div", { class: "ae-help", hidden: true, role: "region", "aria-label": t("help_title") },
    make("h3", {}, t("help_title")), make("p", {}, t("help_intro")),
    make("dl", {}, ...rows.flatMap(([keys, words]) => [
      make("dt", {}, ...keys.split(" ").map((key) => make("kbd", {}, key))), make("dd", {}, t(words))])));
}
