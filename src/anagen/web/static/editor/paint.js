/** Drawing of the head and of patches on a canvas whose units are mm of the picture. */

import {
  clipRing, facing, insideHairline, lift, project, ringOf, signedArea,
} from "./surface.js";
import { outlinesOf } from "./patches.js";
import { patchCells } from "./regrowth.js";

const NAMES = ["paper", "page", "ink", "muted", "rule", "treated", "untreated", "patch", "skin", "scalp", "soft", "second"];

/** Colours as the page has them now. */
export function coloursOf(element) {
  const style = getComputedStyle(element);
  const found = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim() || "#888"]));
  return { ...found, dark: lightness(found.paper) < lightness(found.ink) };
}

/** Rough lightness of a colour written as #rrggbb. */
function lightness(colour) {
  const value = parseInt(colour.replace("#", "").padEnd(6, "0").slice(0, 6), 16) || 0;
  return (value >> 16) + ((value >> 8) & 255) + (value & 255);
}

function path(context, points, closed = true) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  if (closed) context.closePath();
}

/** The head without anything drawn on it. `pixel` is the size of a screen pixel in mm. */
export function drawHead(context, geometry, camera, colours, pixel) {
  context.lineJoin = context.lineCap = "round";
  if (camera.name === "turn") drawTurned(context, geometry, camera, colours, pixel);
  else drawMannequin(context, geometry, camera, colours, pixel);
  drawBorders(context, geometry, camera, colours, pixel);
}

function drawMannequin(context, geometry, camera, colours, pixel) {
  const { shapes, lines } = geometry.views[camera.name];
  context.fillStyle = colours.skin;
  context.strokeStyle = colours.muted;
  context.lineWidth = 2 * pixel;
  for (const shape of shapes) { path(context, shape); context.stroke(); }
  for (const shape of shapes) { path(context, shape); context.fill(); }
  for (const ring of clipRing(geometry, camera, geometry.hairline, onTop(geometry, camera))) drawScalp(context, geometry, camera, ring, colours, pixel);
  const side = camera.name === "left" || camera.name === "right";
  context.strokeStyle = colours.muted;
  context.lineWidth = 1.1 * pixel;
  if (side) {
    path(context, shapes[shapes.length - 1]);
    context.fillStyle = colours.skin;
    context.fill();
    context.stroke();
  }
  for (const line of lines) { path(context, line, false); context.stroke(); }
}

function drawTurned(context, geometry, camera, colours, pixel) {
  const semi = geometry.head.semi_axes;
  const marks = geometry.marks.map(({ name, ring }) => {
    const middle = ring.reduce((sum, p) => sum.map((v, i) => v + p[i] / ring.length), [0, 0, 0]);
    const square = camera.axes[2].reduce((sum, v, i) => sum + (v * middle[i]) / semi[i], 0);
    const flat = ring.map((p) => project(camera, p));
    return { name, near: square > 0, points: name === "nose" ? hull(flat) : flat };
  });
  const mark = ({ name, points }) => {
    if (name === "nose") softPath(context, points);
    else path(context, points);
    context.fillStyle = colours.skin;
    context.strokeStyle = colours.muted;
    context.lineWidth = 1.2 * pixel;
    context.lineJoin = "round";
    context.fill();
    context.stroke();
  };
  marks.filter((one) => !one.near).forEach(mark);
  const rim = clipRing(geometry, camera, farRing(geometry, camera), true)[0];
  path(context, rim);
  context.fillStyle = colours.skin;
  context.fill();
  context.strokeStyle = colours.muted;
  context.lineWidth = 1.2 * pixel;
  context.stroke();
  for (const ring of clipRing(geometry, camera, geometry.hairline, onTop(geometry, camera))) {
    drawScalp(context, geometry, camera, ring, colours, pixel);
  }
  marks.filter((one) => one.near).forEach(mark);
}

/** Closed path with rounded corners: through the middles of the sides. */
function softPath(context, points) {
  const middle = (i) => {
    const [a, b] = [points[i % points.length], points[(i + 1) % points.length]];
    return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  };
  context.beginPath();
  context.moveTo(...middle(0));
  for (let i = 1; i <= points.length; i += 1) {
    context.quadraticCurveTo(...points[i % points.length], ...middle(i));
  }
  context.closePath();
}

/** Convex hull: the outline of something that bulges. */
function hull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (list) => list.reduce((chain, p) => {
    const turns = () => {
      const [a, b] = chain.slice(-2);
      return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) <= 0;
    };
    while (chain.length >= 2 && turns()) chain.pop();
    return [...chain, p];
  }, []);
  return [...half(sorted).slice(0, -1), ...half(sorted.reverse()).slice(0, -1)];
}

/** A tiny ring right behind the head: out of sight, so that the whole rim comes back. */
function farRing(geometry, camera) {
  const away = camera.axes[2].map((v, i) => -v * geometry.head.semi_axes[i]);
  return [0, 1, 2].map((i) => away.map((v, k) => v + (i === k ? 1e-3 : 0)));
}

/** Whether the place right in front is scalp. */
function onTop(geometry, camera) {
  const middle = lift(geometry, camera, [camera.width / 2, camera.height / 2]);
  return insideHairline(geometry, middle) > 0;
}

function drawScalp(context, geometry, camera, ring, colours, pixel) {
  path(context, ring);
  context.fillStyle = colours.scalp;
  context.fill();
  context.save();
  context.clip();
  // Light from above left gives the surface its curve.
  const cx = camera.width * 0.36, cy = camera.height * 0.3, reach = Math.max(camera.width, camera.height);
  const light = context.createRadialGradient(cx, cy, 0, cx, cy, reach * 0.85);
  light.addColorStop(0, `rgba(255,255,255,${colours.dark ? 0.1 : 0.26})`);
  light.addColorStop(0.5, `rgba(255,255,255,${colours.dark ? 0.02 : 0.04})`);
  light.addColorStop(1, "rgba(0,0,0,0.16)");
  context.fillStyle = light;
  context.fillRect(-20, -20, camera.width + 40, camera.height + 40);
  context.restore();
  path(context, ring);
  context.strokeStyle = colours.muted;
  context.lineWidth = 0.9 * pixel;
  context.stroke();
}

function drawBorders(context, geometry, camera, colours, pixel) {
  context.save();
  context.strokeStyle = colours.muted;
  context.globalAlpha = 0.75;
  context.lineWidth = 1 * pixel;
  context.setLineDash([1 * pixel, 4 * pixel]);
  for (const line of geometry.borders) {
    let open = false;
    context.beginPath();
    for (const position of line) {
      const near = facing(geometry, camera, position) > 0.03;
      const [x, y] = project(camera, position);
      if (near) { if (open) context.lineTo(x, y); else context.moveTo(x, y); }
      open = near;
    }
    context.stroke();
  }
  context.restore();
}

/** Which side is which, and how long some millimetres are. */
export function drawGuides(context, camera, [left, right], unit, corner, colours, pixel) {
  context.save();
  context.fillStyle = context.strokeStyle = colours.muted;
  context.font = `${12 * pixel}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  if (camera.name === "top" || camera.name === "back") {
    const y = camera.height * 0.24, gap = 9 * pixel;
    // The head is narrower here than at the ears.
    const inset = camera.width * 0.06;
    context.textAlign = "right";
    context.fillText(left, inset - gap, y);
    context.textAlign = "left";
    context.fillText(right, camera.width - inset + gap, y);
  }
  const length = pixel > 0.35 ? 20 : pixel > 0.12 ? 10 : 5;
  const x = corner[0] + 66 * pixel, y = corner[1] - 20 * pixel;
  context.lineWidth = 1.5 * pixel;
  context.beginPath();
  context.moveTo(x, y - 4 * pixel);
  context.lineTo(x, y);
  context.lineTo(x + length, y);
  context.lineTo(x + length, y - 4 * pixel);
  context.stroke();
  context.textAlign = "left";
  // A halo, where the bar lies over the face.
  context.lineJoin = "round";
  context.lineWidth = 3 * pixel;
  context.strokeStyle = colours.page;
  context.strokeText(`${length} ${unit}`, x, y - 13 * pixel);
  context.fillText(`${length} ${unit}`, x, y - 13 * pixel);
  context.restore();
}

/** Polygons of an outline as a camera sees it. */
export function seen(geometry, camera, outline) {
  if (outline.view === camera.name) return [outline.points];
  return clipRing(geometry, camera, ringOf(geometry, outline));
}

/** Outlines of the visit before. */
export function drawGhosts(context, geometry, camera, ghosts, colours, pixel) {
  context.save();
  context.setLineDash([5 * pixel, 4 * pixel]);
  context.lineWidth = 1.6 * pixel;
  context.strokeStyle = colours.second;
  for (const ghost of ghosts) {
    for (const outline of outlinesOf(geometry, ghost)) {
      for (const polygon of seen(geometry, camera, outline)) { path(context, polygon); context.stroke(); }
    }
  }
  context.restore();
}

/** Patches with their paint and names. */
export function drawPatches(context, geometry, camera, drawing, chosen, colours, pixel, names = true) {
  const polygonsOf = (patch) =>
    outlinesOf(geometry, patch).flatMap((outline) => seen(geometry, camera, outline));
  for (const patch of drawing.patches) {
    const polygons = polygonsOf(patch);
    if (polygons.length === 0) continue;
    const strong = patch.id === chosen;
    context.save();
    context.lineJoin = "round";
    // The strokes first, then the areas: where outlines of one patch overlap no line shows inside.
    context.strokeStyle = colours.patch;
    context.lineWidth = (strong ? 5.4 : 3.2) * pixel;
    for (const polygon of polygons) { path(context, polygon); context.stroke(); }
    for (const polygon of polygons) {
      path(context, polygon);
      context.fillStyle = colours.paper;
      context.fill();
    }
    context.globalAlpha = strong ? 0.24 : 0.13;
    context.fillStyle = colours.patch;
    context.beginPath();
    for (const polygon of polygons) {
      // All the same way round, so that overlaps fill by winding.
      const ring = signedArea(polygon) > 0 ? polygon : [...polygon].reverse();
      ring.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
    }
    context.fill();
    context.restore();
    if (patch.paint) drawHair(context, geometry, camera, patch, colours, pixel);
  }
  if (names) drawing.patches.forEach((patch) => drawName(context, patch, polygonsOf(patch), colours, pixel, patch.id === chosen));
}

/** Vellus as dots, terminal hair as strokes: told apart without colour. */
function drawHair(context, geometry, camera, patch, colours, pixel) {
  context.save();
  context.fillStyle = context.strokeStyle = colours.ink;
  context.lineCap = "round";
  context.lineWidth = Math.max(0.45, 1.2 * pixel);
  for (const { name, position } of patchCells(geometry, patch)) {
    const kind = patch.paint[name];
    if (!kind || facing(geometry, camera, position) <= 0.05) continue;
    const [x, y] = project(camera, position);
    context.beginPath();
    if (kind === 1) {
      context.globalAlpha = 0.55;
      context.arc(x, y, 0.35, 0, 2 * Math.PI);
      context.fill();
    } else {
      context.globalAlpha = 0.9;
      context.moveTo(x - 0.35, y + 0.75);
      context.lineTo(x + 0.35, y - 0.75);
      context.stroke();
    }
  }
  context.restore();
}

function drawName(context, patch, polygons, colours, pixel, strong) {
  if (polygons.length === 0) return;
  const spread = (ring) => (Math.max(...ring.map((p) => p[0])) - Math.min(...ring.map((p) => p[0])));
  const widest = polygons.reduce((best, one) => (spread(one) > spread(best) ? one : best));
  const xs = widest.map((p) => p[0]), ys = widest.map((p) => p[1]);
  const x = (Math.min(...xs) + Math.max(...xs)) / 2, y = (Math.min(...ys) + Math.max(...ys)) / 2;
  context.save();
  context.font = `${strong ? 700 : 600} ${13 * pixel}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 4 * pixel;
  context.strokeStyle = colours.paper;
  context.strokeText(patch.id, x, y);
  context.fillStyle = colours.ink;
  context.fillText(patch.id, x, y);
  context.restore();
}

/** What is being drawn right now: the stroke, points set so far, brush and cursor. */
export function drawLive(context, live, colours, pixel) {
  const { points, tool, cursor, brush, shift, pending } = live;
  context.lineJoin = context.lineCap = "round";
  const wide = tool === "erase" || tool === "regrowth";
  if (points.length) {
    path(context, points, false);
    context.save();
    context.strokeStyle = tool === "erase" ? colours.paper : tool === "regrowth" ? colours.treated : colours.patch;
    context.globalAlpha = wide ? 0.6 : 1;
    context.lineWidth = wide ? 2 * brush : 2.4 * pixel;
    if (tool === "split") context.setLineDash([6 * pixel, 5 * pixel]);
    context.stroke();
    context.restore();
  }
  if (pending) {
    context.fillStyle = colours.paper;
    context.strokeStyle = colours.patch;
    context.lineWidth = 2 * pixel;
    for (const [x, y] of points) {
      context.beginPath();
      context.arc(x, y, 4 * pixel, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }
  if (shift) {
    context.save();
    context.strokeStyle = colours.treated;
    context.setLineDash([4 * pixel, 4 * pixel]);
    context.lineWidth = 2 * pixel;
    for (const polygon of shift) { path(context, polygon); context.stroke(); }
    context.restore();
  }
  if (cursor) drawCursor(context, cursor, wide ? brush : 0, colours, pixel);
}

function drawCursor(context, [x, y], radius, colours, pixel) {
  for (const [colour, width] of [[colours.paper, 4], [colours.treated, 1.8]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * pixel;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * 4 * pixel, y + dy * 4 * pixel);
      context.lineTo(x + dx * 12 * pixel, y + dy * 12 * pixel);
    }
    context.stroke();
    if (radius) { context.beginPath(); context.arc(x, y, radius, 0, 2 * Math.PI); context.stroke(); }
  }
}

