import { within } from "./camera.js";

const TURN_PER_PIXEL = 0.008;
const TURN_BY_KEY = Math.PI / 18;
const ZOOM_BY_KEY = 1.2;
const ZOOM_PER_PIXEL = 0.0015;
const KEYS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

/**
 * Turn and come nearer by mouse, pen, touch and keyboard.
 * @param {HTMLElement} place
 * @param {{eye: () => import("./camera.js").Eye, move: (eye: import("./camera.js").Eye) => void,
 *   home: () => void}} actions
 */
export function gestures(place, { eye, move, home }) {
  const fingers = new Map();
  const apart = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  const down = (event) => {
    if (event.button > 0) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    place.setPointerCapture?.(event.pointerId);
    place.focus({ preventScroll: true });
  };
  const slide = (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const far = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const now = eye();
    if (far) {
      move(within({ ...now, zoom: (now.zoom * apart()) / far }));
      return;
    }
    if (fingers.size > 1) return;
    const by = TURN_PER_PIXEL / Math.sqrt(now.zoom);
    move(within({
      ...now,
      yaw: now.yaw - by * (event.clientX - before.x),
      pitch: now.pitch + by * (event.clientY - before.y),
    }));
  };
  const up = (event) => fingers.delete(event.pointerId);
  const wheel = (event) => {
    if (document.activeElement !== place) return;
    event.preventDefault();
    const now = eye();
    move(within({ ...now, zoom: now.zoom * Math.exp(-ZOOM_PER_PIXEL * event.deltaY) }));
  };
  const key = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = eye();
    if (event.key in KEYS) {
      const [x, y] = KEYS[event.key];
      move(within({ ...now, yaw: now.yaw + x * TURN_BY_KEY, pitch: now.pitch + y * TURN_BY_KEY }));
    } else if (event.key === "+" || event.key === "=") {
      move(within({ ...now, zoom: now.zoom * ZOOM_BY_KEY }));
    } else if (event.key === "-") move(within({ ...now, zoom: now.zoom / ZOOM_BY_KEY }));
    else if (event.key === "0" || event.key === "Home") home();
    else return;
    event.preventDefault();
  };
  place.addEventListener("pointerdown", down);
  place.addEventListener("pointermove", slide);
  for (const name of ["pointerup", "pointercancel"]) place.addEventListener(name, up);
  place.addEventListener("wheel", wheel, { passive: false });
  place.addEventListener("keydown", key);
}
