/**
 * Where the eye is: turned around the head by yaw and raised by pitch [rad], closer by zoom.
 * @typedef {{yaw: number, pitch: number, zoom: number}} Eye
 */

export const VIEWS = {
  top: { yaw: 0, pitch: Math.PI / 2, zoom: 1 },
  back: { yaw: 0, pitch: 0.12, zoom: 0.86 },
  left: { yaw: -Math.PI / 2, pitch: 0.12, zoom: 0.86 },
  right: { yaw: Math.PI / 2, pitch: 0.12, zoom: 0.86 },
};
export const LEAST_ZOOM = 0.8;
export const MOST_ZOOM = 7;

const LEAST_PITCH = -0.3;
const FIELD = 0.36;
const DISTANCE_MM = 720;
// The neck needs room below the head.
const SINK_MM = -12;
const LIGHT = [-0.34, 0.5, 0.8];

/** @param {Eye} eye @returns {Eye} */
export function within(eye) {
  const pitch = Math.min(Math.PI / 2, Math.max(LEAST_PITCH, eye.pitch));
  const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, eye.zoom));
  return { yaw: eye.yaw, pitch, zoom };
}

/** Unit vectors of the picture, and the light. @param {Eye} eye */
export function axes(eye) {
  const [cy, sy] = [Math.cos(eye.yaw), Math.sin(eye.yaw)];
  const [cp, sp] = [Math.cos(eye.pitch), Math.sin(eye.pitch)];
  const toward = [sy * cp, -cy * cp, sp];
  const right = [cy, sy, 0];
  const up = [-sy * sp, cy * sp, cp];
  const light = [0, 1, 2].map((k) => LIGHT[0] * right[k] + LIGHT[1] * up[k] + LIGHT[2] * toward[k]);
  const length = Math.hypot(...light);
  return { right, up, toward, light: light.map((one) => one / length) };
}

/**
 * Projection (column-major 4 by 4) of the head onto a picture, and millimetres to pixels.
 * @param {Eye} eye @param {number} width @param {number} height of the picture [pixel]
 */
export function projection(eye, width, height) {
  const { right, up, toward } = axes(eye);
  const centre = [0, 0, (SINK_MM * Math.cos(eye.pitch)) / eye.zoom ** 2];
  const tall = 1 / Math.tan(FIELD / 2) * eye.zoom * Math.min(1, width / height / 0.78);
  const wide = (tall * height) / width;
  const [near, far] = [DISTANCE_MM - 260, DISTANCE_MM + 300];
  const [a, b] = [-(far + near) / (far - near), (-2 * far * near) / (far - near)];
  const dot = (one) => one[0] * centre[0] + one[1] * centre[1] + one[2] * centre[2];
  const matrix = new Float32Array(16);
  for (let k = 0; k < 3; k++) {
    matrix[4 * k] = wide * right[k];
    matrix[4 * k + 1] = tall * up[k];
    matrix[4 * k + 2] = a * toward[k];
    matrix[4 * k + 3] = -toward[k];
  }
  const depth = -dot(toward) - 0;
  matrix[12] = -wide * dot(right);
  matrix[13] = -tall * dot(up);
  matrix[14] = a * (depth - DISTANCE_MM) + b;
  matrix[15] = DISTANCE_MM - depth;
  const eyeAt = toward.map((one, k) => centre[k] + DISTANCE_MM * one);
  return { matrix, eyeAt, scale: (tall * height) / 2, focus: DISTANCE_MM };
}

/** Eye that has a point of the head in its middle. @param {number[]} point @param {number} zoom */
export function facing(point, zoom) {
  const level = Math.hypot(point[0], point[1]);
  const yaw = level < 12 ? 0 : Math.atan2(point[0], -point[1]);
  const sink = (SINK_MM * level) / Math.hypot(...point) / zoom ** 2;
  return within({ yaw, pitch: Math.atan2(point[2] - sink, level), zoom });
}
