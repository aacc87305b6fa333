/**
 * The stage: three canvases on one another (head, patches, what is being drawn), zoom and pan.
 * A layer is drawn again only when it changed, at most once a frame.
 */

const LAYERS = ["head", "patches", "live"];
const MOST_ZOOM = 12;
const MOST_DENSITY = 2;

/**
 * @param {HTMLElement} host
 * @param {(layer: string, context: CanvasRenderingContext2D, pixel: number) => void} draw
 */
export function makeStage(host, draw) {
  const canvases = LAYERS.map(() => host.appendChild(document.createElement("canvas")));
  canvases.forEach((canvas) => canvas.setAttribute("aria-hidden", "true"));
  const contexts = canvases.map((canvas) => canvas.getContext("2d"));
  const stale = new Set();
  let camera = null, zoom = 1, pan = [0, 0], size = [1, 1], density = 1, frame = 0;

  const scale = () => fitted(camera, size) * zoom;
  const corner = () => cornerOf(camera, size, scale()).map((v, i) => v + pan[i]);

  function paintAll() {
    frame = 0;
    if (!camera) return;
    const [left, top] = corner(), k = scale() * density;
    LAYERS.forEach((layer, i) => {
      if (!stale.has(layer)) return;
      const context = contexts[i];
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvases[i].width, canvases[i].height);
      context.setTransform(k, 0, 0, k, left * density, top * density);
      draw(layer, context, 1 / scale());
    });
    stale.clear();
  }

  const stage = {
    get camera() { return camera; },
    get zoom() { return zoom; },
    /** Size of a screen pixel in mm. */
    get pixel() { return 1 / scale(); },
    /** Picture point [mm] of the stage's lower left corner. */
    get corner() {
      const [left, top] = corner();
      return [-left / scale(), (size[1] - top) / scale()];
    },
    redraw(...layers) {
      (layers.length ? layers : LAYERS).forEach((layer) => stale.add(layer));
      frame ||= requestAnimationFrame(paintAll);
    },
    look(next, keepPlace = false) {
      camera = next;
      if (!keepPlace) { zoom = 1; pan = [0, 0]; }
      stage.redraw();
    },
    /** Picture point [mm] under a place of the window. */
    pointAt(clientX, clientY) {
      const box = host.getBoundingClientRect(), [left, top] = corner();
      return [(clientX - box.left - left) / scale(), (clientY - box.top - top) / scale()];
    },
    /** Place of the window over a picture point. */
    placeOf([x, y]) {
      const box = host.getBoundingClientRect(), [left, top] = corner();
      return [box.left + left + x * scale(), box.top + top + y * scale()];
    },
    zoomBy(factor, clientX = null, clientY = null) {
      const box = host.getBoundingClientRect();
      const at = [clientX ?? box.left + box.width / 2, clientY ?? box.top + box.height / 2];
      const before = stage.pointAt(...at);
      zoom = Math.max(1, Math.min(MOST_ZOOM, zoom * factor));
      const after = stage.placeOf(before);
      stage.panBy(at[0] - after[0], at[1] - after[1]);
    },
    panBy(dx, dy) {
      const most = [0, 1].map((i) => Math.max(0, (zoom - 1) * size[i] * 0.6));
      pan = [pan[0] + dx, pan[1] + dy].map((v, i) => Math.max(-most[i], Math.min(most[i], v)));
      stage.redraw();
    },
    fit() { zoom = 1; pan = [0, 0]; stage.redraw(); },
    /** Bring a picture point into sight. */
    show(point) {
      const box = host.getBoundingClientRect(), [x, y] = stage.placeOf(point);
      const out = (v, low, high) => (v < low ? low - v : v > high ? high - v : 0);
      const dx = out(x, box.left + 30, box.right - 30), dy = out(y, box.top + 30, box.bottom - 30);
      if (dx || dy) stage.panBy(dx, dy);
    },
    end() { observer.disconnect(); cancelAnimationFrame(frame); },
  };

  const observer = new ResizeObserver(() => {
    const box = host.getBoundingClientRect();
    if (!box.width || !box.height) return;
    size = [box.width, box.height];
    density = Math.min(MOST_DENSITY, window.devicePixelRatio || 1);
    for (const canvas of canvases) {
      canvas.width = Math.round(size[0] * density);
      canvas.height = Math.round(size[1] * density);
    }
    stage.redraw();
    if (camera) cancelAnimationFrame(frame), paintAll();
  });
  observer.observe(host);
  return stage;
}

/** Pixels per mm at which all of a camera's sight fits. */
function fitted({ sight }, size) {
  return Math.min(size[0] / (sight[2] - sight[0]), size[1] / (sight[3] - sight[1]));
}

/** Where the picture's corner lies when the sight is in the middle. */
function cornerOf({ sight }, size, scale) {
  return [0, 1].map((i) => size[i] / 2 - ((sight[i] + sight[i + 2]) / 2) * scale);
}

/** A small picture of a whole view on a canvas of its own. */
export function drawSmall(canvas, camera, draw) {
  const box = canvas.getBoundingClientRect();
  if (!box.width) return;
  const density = Math.min(MOST_DENSITY, window.devicePixelRatio || 1);
  const [width, height] = [box.width * density, box.height * density].map(Math.round);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const k = fitted(camera, [width, height]);
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.setTransform(k, 0, 0, k, ...cornerOf(camera, [width, height], k));
  draw(context, density / k);
}

/**
 * Pen, finger and mouse on the stage: one pointer draws, two pan and zoom, the wheel zooms.
 * @param {{start: Function, move: Function, end: Function, cancel: Function, hover: Function}} to
 */
export function listen(host, stage, to) {
  const down = new Map();
  let drawing = null, pinch = null;
  const place = (event) => [event.clientX, event.clientY];

  host.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    host.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    if (down.size === 2) {
      if (drawing !== null) { drawing = null; to.cancel(); }
      pinch = grip(down);
    } else if (down.size === 1) {
      drawing = event.pointerId;
      to.start(stage.pointAt(...place(event)), event);
    }
  });
  host.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) {
      to.hover(stage.pointAt(...place(event)), event);
      return;
    }
    down.set(event.pointerId, place(event));
    if (pinch && down.size >= 2) {
      const now = grip(down);
      stage.panBy(now.x - pinch.x, now.y - pinch.y);
      stage.zoomBy(now.span / pinch.span, now.x, now.y);
      pinch = now;
    } else if (event.pointerId === drawing) {
      // All points between two frames, so that a quick stroke stays round.
      const all = event.getCoalescedEvents?.() ?? [];
      to.move((all.length ? all : [event]).map((one) => stage.pointAt(...place(one))), event);
    }
  });
  const up = (event, finish) => {
    down.delete(event.pointerId);
    if (down.size < 2) pinch = null;
    if (event.pointerId === drawing) { drawing = null; finish(event); }
  };
  host.addEventListener("pointerup", (event) => up(event, to.end));
  host.addEventListener("pointercancel", (event) => up(event, to.cancel));
  host.addEventListener("pointerleave", () => to.hover(null));
  host.addEventListener("wheel", (event) => {
    event.preventDefault();
    stage.zoomBy(Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
  }, { passive: false });
}

function grip(down) {
  const [a, b] = [...down.values()];
  return {
    x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2,
    span: Math.max(20, Math.hypot(a[0] - b[0], a[1] - b[1])),
  };
}
