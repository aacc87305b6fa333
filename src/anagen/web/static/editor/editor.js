/**
 * The scalp editor: patches drawn on four views and a head turned freely.
 *
 * `render({model, el})`, as anywidget has it. The model gives: visit_patches (as PatchSeen),
 * patch_changes, previous (patches of the visit before, with `state: "gone"` where they were gone),
 * known_ids (every name ever used), texts, scales, draft_key, draft_version, geometry or geometry_url,
 * measure_url, csrf, circumference_mm, ancestry. It gets back: visit_patches, patch_changes, measured.
 * `el.dataset.field` names a text area of the form that mirrors {patches, patch_changes}.
 */

import { makeCorners, makeHelp, makeOptions, makeTools as makeToolRow, makeViews } from "./bar.js";
import { make } from "./dom.js";
import { makeDraft, makeHistory, makeMeasure } from "./keeping.js";
import { listenToKeys } from "./keys.js";
import { coloursOf, drawGhosts, drawGuides, drawHead, drawLive, drawPatches } from "./paint.js";
import { makePanel } from "./panel.js";
import {
  addPatch, circle, essence, freshName, markGone, outlinesOf, patchChanges, readDrawing, remove, setRegrowth,
  unmarkGone, visitPatches,
} from "./patches.js";
import { cleaned } from "./regions.js";
import { listen, makeStage } from "./stage.js";
import { facing, fixedCamera, lift, project, turnedCamera } from "./surface.js";
import { makeTools } from "./tools.js";
import { speaker } from "./words.js";

const START = { yaw: 0.6, pitch: 0.85 };
const MOST_PITCH = 1.5;
const BRUSH_MM = [1, 20];
/** The small pictures follow a turned head once it rests. */
const SETTLED_MS = 120;
let count = 0;

/** Draw the editor into an element; gives a function that takes it away. */
export async function render({ model, el }) {
  const t = speaker(model.get("texts"));
  el.classList.add("anagen-editor");
  const stop = new AbortController();
  let end = () => {};
  const begin = async () => {
    el.replaceChildren(make("p", { class: "ae-empty" }, t("loading")));
    try {
      const geometry = model.get("geometry") ?? (await loaded(model.get("geometry_url")));
      if (!stop.signal.aborted) end = start({ model, el, geometry, t, stop });
    } catch (error) {
      if (!(error instanceof TypeError || error.name === "LoadError")) throw error;
      el.replaceChildren(make("p", { class: "ae-empty", role: "alert" }, t("failed")),
        make("button", { type: "button", class: "ae-small", onclick: begin }, t("again")));
    }
  };
  await begin();
  return () => { stop.abort(); end(); };
}

async function loaded(url) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw Object.assign(new Error(String(response.status)), { name: "LoadError" });
  return response.json();
}

function start({ model, el, geometry, t, stop }) {
  const previous = (model.get("previous") ?? []).map((one) => ({ ...one, kept: one.first_seen ? { first_seen: one.first_seen } : {} }));
  const first = readDrawing(geometry, model.get("visit_patches") ?? [], model.get("patch_changes") ?? [], previous);
  const ghosts = readDrawing(geometry, previous, [], []).patches;
  const history = makeHistory(first);
  const ui = {
    tool: "draw", view: "top", chosen: null, mode: "new", brush: 3, kind: 2, joining: null,
    points: [], pending: false, cursor: null, byKeys: false, brushDown: false, shift: null, ...START,
  };
  let stage = null, colours = coloursOf(el), parts = [], help = null, hintLine = null, measuring = { answer: null, state: "none", at: null }, settled = 0;
  const status = make("p", { class: "ae-status", role: "status" });
  const mirror = mirrorOf(el);
  const draft = makeDraft(model.get("draft_key"), model.get("draft_version"), (key) => editor.say(t(key), true));
  const measure = makeMeasure({
    url: model.get("measure_url"), csrf: () => model.get("csrf"), body: () => question(editor, model),
    told(now) {
      measuring = now;
      if (now.state === "measured") { model.set("measured", now.answer); model.save_changes(); }
      parts.forEach((part) => part.update());
    },
  });

  const editor = {
    t, ui, geometry, history, previous, name: `ae${(count += 1)}`,
    known: model.get("known_ids") ?? [], scales: model.get("scales") ?? [],
    get drawing() { return history.now; },
    get colours() { return colours; },
    get stage() { return stage; },
    get measured() { return measuring.answer; },
    get measuring() { return measuring; },
    camera: (view) => (view === "turn" ? turnedCamera(geometry, ui.yaw, ui.pitch) : fixedCamera(geometry, view)),
    say(words, wrong = false) { status.textContent = words; status.dataset.wrong = String(wrong); },
    hint() {
      const turned = ui.view === "turn";
      const key = ui.points.length && ui.pending ? (ui.tool === "split" ? "hint_line" : "hint_points")
        : ui.tool === "hand" && turned ? "hint_turn" : ui.tool === "merge" && ui.joining ? "hint_merge_with" : `hint_${ui.tool}`;
      hintLine.textContent = t(key, { n: ui.points.length, id: ui.joining });
    },
    commit(next, said = null, values = {}) {
      history.push(next);
      if (said) editor.say(t(said, values));
      changed();
    },
    undo() { if (history.canUndo) { history.undo(); tools.clear(); editor.say(t("said_undo")); changed(); } },
    redo() { if (history.canRedo) { history.redo(); tools.clear(); editor.say(t("said_redo")); changed(); } },
    choose(id, quiet = false, look = false) {
      ui.chosen = id;
      const patch = history.now.patches.find((one) => one.id === id);
      if (!patch && ui.mode !== "redraw") ui.mode = "new";
      if (patch && ui.mode === "redraw" && !quiet) ui.mode = "new";
      if (look && patch) lookAt(patch);
      if (!quiet) editor.say(t("said_selected", { id }));
      refresh();
    },
    next(step) {
      const ids = history.now.patches.map((one) => one.id);
      if (ids.length) editor.choose(ids[(ids.indexOf(ui.chosen) + step + ids.length + (ui.chosen ? 0 : step < 0 ? 1 : 0)) % ids.length], false, true);
    },
    setTool(tool) {
      tools.clear();
      Object.assign(ui, { tool, joining: null });
      editor.hint();
      editor.say(t("said_tool", { tool: t(tool), hint: "" }));
      refresh();
    },
    setView(view) {
      tools.clear();
      Object.assign(ui, { view, cursor: null });
      stage.look(editor.camera(view));
      editor.hint();
      editor.say(t("said_view", { view: t(view) }));
      refresh();
    },
    setMode(mode) { ui.mode = mode; refresh(); },
    setKind(kind) { ui.kind = kind; refresh(); },
    setBrush(mm) { ui.brush = Math.max(BRUSH_MM[0], Math.min(BRUSH_MM[1], mm)); refresh(); },
    turn(dx, dy) {
      ui.yaw += dx;
      ui.pitch = Math.max(-MOST_PITCH, Math.min(MOST_PITCH, ui.pitch + dy));
      stage.look(editor.camera("turn"), true);
      clearTimeout(settled);
      settled = setTimeout(() => views.update(), SETTLED_MS);
    },
    grow(id, regrowth) { editor.commit(setRegrowth(history.now, id, regrowth)); },
    gone(id) { editor.commit(markGone(history.now, id), "said_gone", { id }); },
    ungone(id) { editor.commit(unmarkGone(history.now, id)); },
    redraw(id) { Object.assign(ui, { chosen: id, mode: "redraw" }); editor.setTool("draw"); host.focus(); },
    carryOver(ids) {
      const next = ids.reduce((drawing, id) =>
        addPatch(drawing, id, outlinesOf(geometry, ghosts.find((one) => one.id === id)), previous), history.now);
      editor.commit(next, "said_new", { id: ids.join(", ") });
    },
    removeChosen() {
      const { chosen } = ui;
      if (!history.now.patches.some((one) => one.id === chosen)) { editor.say(t("no_patch"), true); return; }
      editor.commit(remove(history.now, chosen), "said_removed", { id: chosen });
      editor.choose(null, true);
    },
    addCircle(view, x, y, diameter) {
      if (![x, y, diameter].every(Number.isFinite) || diameter <= 0) { editor.say(t("circle_numbers"), true); return false; }
      const outlines = cleaned(geometry, view, [circle(x, y, diameter)]);
      if (!outlines.length) { editor.say(t("off_scalp"), true); return false; }
      const id = ui.mode === "redraw" && ui.chosen ? ui.chosen : freshName(history.now, previous, editor.known);
      editor.commit(addPatch(history.now, id, outlines, previous), "said_new", { id });
      if (ui.view !== view) editor.setView(view);
      editor.choose(id, true);
      return true;
    },
    toggleHelp() {
      help.hidden = !help.hidden;
      corners.help.setAttribute("aria-expanded", String(!help.hidden));
    },
  };

  const host = make("div", {
    class: "ae-stage", tabindex: "0", role: "application", "aria-label": t("canvas"), "aria-describedby": `${editor.name}-hint`,
  });
  stage = makeStage(host, drawLayer);
  const tools = makeTools(editor);
  const row = makeToolRow(editor), options = makeOptions(editor), views = makeViews(editor), panel = makePanel(editor), corners = makeCorners(editor);
  help = makeHelp(editor);
  hintLine = options.hint;
  hintLine.id = `${editor.name}-hint`;
  parts = [row, options, views, panel, corners];
  const banner = make("div", { class: "ae-banner", hidden: true });
  el.replaceChildren(banner, make("div", { class: "ae-board" },
    make("div", { class: "ae-left" }, row.element, options.element,
      make("div", { class: "ae-frame" }, host, ...corners.elements, help), status, views.element),
    panel.element), ...(mirror ? [mirror] : []));
  listen(host, stage, tools);
  listenToKeys(host, editor, tools);
  listenAround();

  function drawLayer(layer, context, pixel) {
    const { camera } = stage;
    if (layer === "head") {
      drawHead(context, geometry, camera, colours, pixel);
      drawGuides(context, camera, [t("left_short"), t("right_short")], t("mm"), stage.corner, colours, pixel);
    }
    else if (layer === "patches") {
      drawPatches(context, geometry, camera, history.now, ui.chosen, colours, pixel);
      const open = ghosts.filter((one) => one.id && previous.find((old) => old.id === one.id).state !== "gone");
      drawGhosts(context, geometry, camera, open, colours, pixel);
    } else drawLive(context, ui, colours, pixel);
  }

  function refresh() {
    parts.forEach((part) => part.update());
    stage.redraw("patches", "live");
  }

  /** After every change: mirrored, kept as a draft, measured, told. */
  function changed() {
    if (!history.now.patches.some((one) => one.id === ui.chosen) && ui.mode !== "redraw") ui.chosen = null;
    if (ui.mode === "add" && !ui.chosen) ui.mode = "new";
    if (ui.mode === "redraw" && history.now.patches.some((one) => one.id === ui.chosen)) ui.mode = "new";
    publish();
    draft.write(history.now);
    measure.now();
    refresh();
  }

  function publish() {
    const patches = visitPatches(history.now), changes = patchChanges(history.now, previous);
    if (mirror) mirror.value = JSON.stringify({ patches, patch_changes: changes });
    model.set("visit_patches", patches);
    model.set("patch_changes", changes);
    model.save_changes();
  }

  /** Turn to the view that shows a patch best, when this one does not show it. */
  function lookAt(patch) {
    const outline = patch.outlines[0];
    if (!outline) return;
    const middle = [0, 1].map((k) => outline.points.reduce((sum, p) => sum + p[k] / outline.points.length, 0));
    const place = lift(geometry, fixedCamera(geometry, outline.view), middle);
    if (!place) return;
    if (facing(geometry, stage.camera, place) < 0.25) editor.setView(outline.view);
    stage.show(project(stage.camera, place));
  }

  /** Whether a drawing is what the record has by now, here or as the visit before. */
  function kept({ drawing, sent }) {
    const same = (one, other) => essence(one, []) === essence(other, []);
    if (essence(drawing, previous) === essence(first, previous)) return true;
    const last = { gone: [], patches: ghosts.map((one) => ({ ...one, origins: [] })) };
    const alone = { gone: [], patches: drawing.patches.map((one) => ({ ...one, origins: [] })) };
    return Boolean(sent) && same(last, alone);
  }

  function offerDraft() {
    const found = draft.read();
    if (!found) return;
    if (kept(found)) { draft.clear(); return; }
    const at = new Date(found.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const done = (work) => () => { work(); banner.hidden = true; host.focus(); };
    const other = found.version !== (model.get("draft_version") ?? null);
    banner.replaceChildren(make("p", {}, t("draft_found", { at }), other ? ` ${t("draft_older")}` : ""),
      make("button", { type: "button", class: "ae-main", onclick: done(() => { history.push(found.drawing); changed(); }) }, t("restore")),
      make("button", { type: "button", class: "ae-small", onclick: done(() => draft.clear()) }, t("discard")));
    banner.hidden = false;
  }

  function listenAround() {
    const { signal } = stop;
    const recolour = () => { colours = coloursOf(el); stage.redraw(); parts.forEach((part) => part.update()); };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour, { signal });
    const themes = new MutationObserver(recolour);
    themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
    signal.addEventListener("abort", () => themes.disconnect());
    el.closest("form")?.addEventListener("submit", () => {
      if (draft.read()) draft.write(history.now, true);
    }, { signal });
    el.addEventListener("keydown", (event) => {
      // Enter in a field takes its value; it never sends the form around the editor.
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) { event.preventDefault(); event.target.blur(); event.target.focus(); }
    }, { signal });
  }

  stage.look(editor.camera("top"));
  editor.hint();
  publish();
  if (first.patches.length) measure.now();
  refresh();
  offerDraft();
  model.on?.("change:csrf", () => measure.now());
  return () => { clearTimeout(settled); stage.end(); measure.end(); el.replaceChildren(); };
}

/** What the server is asked to measure. */
function question(editor, model) {
  const drawn = editor.drawing.patches.filter((one) => one.outlines.length + one.masks.length);
  const scaleOf = (one) => editor.scales.find((scale) => scale.key === one.regrowth.scale);
  const share = (one) => {
    const grade = scaleOf(one)?.grades.find((level) => level.label === one.regrowth.grade);
    return one.regrowth.percent ?? (grade ? 50 * (grade.lower + grade.upper) : null);
  };
  return {
    circumference_mm: model.get("circumference_mm") ?? null,
    ancestry: model.get("ancestry") ?? "unknown",
    patches: Object.fromEntries(drawn.map((one) => [one.id, { outlines: one.outlines, masks: one.masks }])),
    regrowth: Object.fromEntries(drawn.map((one) => [one.id, share(one)])),
  };
}

/** Text area of the form around the editor that carries its value; made when there is none. */
function mirrorOf(el) {
  const name = el.dataset.field;
  if (!name) return null;
  const found = el.closest("form")?.querySelector(`textarea[name="${CSS.escape(name)}"]`);
  const mirror = found ?? make("textarea", { name });
  mirror.hidden = true;
  return mirror;
}

export default { render };
