import { projection, axes } from "./camera.js";
import { Cover, MAP, RIM } from "./cover.js";
import * as shaders from "./shaders.js";
import { STATE_BYTES, STRAND_NUMBERS, between, plane } from "./unpack.js";

/** Steps along a strand, strands that stand for one hair, share of the hairs: best first. */
export const LEVELS = [
  { steps: 7, children: 4, share: 1 },
  { steps: 6, children: 2, share: 1 },
  { steps: 4, children: 1, share: 1 },
  { steps: 3, children: 1, share: 0.45 },
  { steps: 2, children: 1, share: 0.2 },
];

const STRAND_ATTRIBUTES = ["aPlace", "aRoot", "aMiddle", "aTip", "aTrait", "aFrom", "aTo"];
const FADE = -1.2;
// How much the tone under the hair hides the skin, from afar and near, where strands do it.
const FAR_MASS = 0.9;
const NEAR_MASS = 0.74;
// Thinnest ribbon [pixel]: from afar many thin ones add up, near a thin one must not break up.
const FAR_LEAST = 0.55;
const NEAR_LEAST = 1;
const NEAR_ZOOM = 3.5;

function nearing(far, near, { zoom }) {
  return far + (near - far) * Math.min(1, Math.max(0, (zoom - 1) / (NEAR_ZOOM - 1)));
}

function program(gl, vertex, fragment, attributes) {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  attributes.forEach((name, place) => gl.bindAttribLocation(made, place, name));
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getProgramInfoLog(made) ?? "shader");
  }
  const places = new Map();
  const at = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(made, name));
    return places.get(name);
  };
  return { made, at };
}

function filled(gl, target, data) {
  const buffer = gl.createBuffer();
  gl.bindBuffer(target, buffer);
  gl.bufferData(target, data, gl.STATIC_DRAW);
  return buffer;
}

/** Ribbons of one hair and its companions: along 0..1, across -1 or 1, number of the companion. */
function ribbons(steps, children) {
  const places = [];
  const triangles = [];
  for (let child = 0; child < children; child++) {
    const first = places.length / 3;
    for (let k = 0; k <= steps; k++) {
      for (const across of [-1, 1]) places.push(k / steps, across, child);
    }
    for (let k = 0; k < steps; k++) {
      const a = first + 2 * k;
      triangles.push(a, a + 1, a + 2, a + 2, a + 1, a + 3);
    }
  }
  return { places: new Float32Array(places), triangles: new Uint16Array(triangles) };
}

/** Draws with WebGL 2: buffers are filled once, a frame costs a few calls whatever the hairs. */
export class GlView {
  #gl;
  #hairs;
  #cover;
  #parts;
  #textures = new Map();

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./unpack.js").Hairs} hairs
   * @param {import("./head.js").Mesh} mesh
   */
  constructor(canvas, hairs, mesh) {
    const gl = canvas.getContext("webgl2", {
      alpha: false, antialias: true, preserveDrawingBuffer: true, powerPreference: "high-performance",
    });
    if (!gl) throw new Error("no WebGL 2");
    this.#gl = gl;
    this.#hairs = hairs;
    this.#cover = new Cover(hairs);
    const strand = program(gl, shaders.STRAND_VERTEX, shaders.STRAND_FRAGMENT, STRAND_ATTRIBUTES);
    const skin = program(gl, shaders.SKIN_VERTEX, shaders.SKIN_FRAGMENT, ["aPoint", "aNormal"]);
    const back = program(gl, shaders.BACKDROP_VERTEX, shaders.BACKDROP_FRAGMENT, ["aPoint"]);
    this.#parts = {
      strand, skin, back,
      strands: filled(gl, gl.ARRAY_BUFFER, hairs.strands),
      states: filled(gl, gl.ARRAY_BUFFER, hairs.states),
      levels: LEVELS.map((level) => {
        const { places, triangles } = ribbons(level.steps, level.children);
        return {
          ...level,
          places: filled(gl, gl.ARRAY_BUFFER, places),
          triangles: filled(gl, gl.ELEMENT_ARRAY_BUFFER, triangles),
          numbers: triangles.length,
        };
      }),
      points: filled(gl, gl.ARRAY_BUFFER, mesh.points),
      triangles: filled(gl, gl.ELEMENT_ARRAY_BUFFER, mesh.triangles),
      numbers: mesh.triangles.length,
      quad: filled(gl, gl.ARRAY_BUFFER, new Float32Array([-1, -1, 0, 3, -1, 0, -1, 3, 0])),
    };
    gl.enable(gl.SCISSOR_TEST);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
  }

  /** What draws, in the words of the machine. */
  get machine() {
    const gl = this.#gl;
    const info = gl.getExtension("WEBGL_debug_renderer_info");
    return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  }

  /** Wait until what was drawn is there; for measuring. */
  finish() {
    const gl = this.#gl;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  release() {
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /**
   * Draw panels side by side.
   * @param {{arm: number, x: number, y: number, width: number, height: number}[]} panels [pixel]
   * @param {{course: number, week: number, eye: import("./camera.js").Eye, level: number,
   *   backdrop: number[]}} scene
   * @returns {{triangles: number, calls: number}}
   */
  draw(panels, scene) {
    const gl = this.#gl;
    const done = { triangles: 0, calls: 0 };
    for (const panel of panels) {
      gl.viewport(panel.x, panel.y, panel.width, panel.height);
      gl.scissor(panel.x, panel.y, panel.width, panel.height);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      const look = this.#look(panel, scene);
      this.#plain(look, done);
      this.#strands(look, done);
    }
    return done;
  }

  #look(panel, scene) {
    const moment = between(this.#hairs, scene.week);
    const shot = projection(scene.eye, panel.width, panel.height);
    const map = (week) => this.#map(scene.course, panel.arm, week);
    return { panel, scene, moment, shot, from: map(moment.from), to: map(moment.to),
      light: axes(scene.eye).light };
  }

  #use({ made, at }, look) {
    const gl = this.#gl;
    const { head, tones } = this.#hairs;
    gl.useProgram(made);
    gl.uniformMatrix4fv(at("uView"), false, look.shot.matrix);
    gl.uniform3fv(at("uSemi"), head.semiAxes);
    gl.uniform3fv(at("uLight"), look.light);
    gl.uniform3fv(at("uEye"), look.shot.eyeAt);
    gl.uniform3fv(at("uSkin"), tones.skin);
    gl.uniform3fv(at("uHair"), tones.hair);
    gl.uniform3fv(at("uShine"), tones.shine);
    gl.uniform3fv(at("uBackdrop"), look.scene.backdrop);
    gl.uniform2f(at("uSize"), look.panel.width, look.panel.height);
    gl.uniform2f(at("uCorner"), look.panel.x, look.panel.y);
    gl.uniform2f(at("uTilt"), Math.cos(head.tilt), Math.sin(head.tilt));
    gl.uniform1f(at("uRim"), RIM);
    gl.uniform1f(at("uShare"), look.moment.share);
    [look.from, look.to].forEach((texture, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(at(unit ? "uTo" : "uFrom"), unit);
    });
  }

  #map(course, arm, week) {
    const gl = this.#gl;
    const number = plane(this.#hairs, course, arm, week);
    if (!this.#textures.has(number)) {
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, MAP, MAP, 0, gl.RED, gl.UNSIGNED_BYTE,
        this.#cover.map(course, arm, week));
      for (const [name, value] of [
        [gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
        [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
      ]) gl.texParameteri(gl.TEXTURE_2D, name, value);
      this.#textures.set(number, texture);
    }
    return this.#textures.get(number);
  }

  #free() {
    const gl = this.#gl;
    for (let place = 0; place < STRAND_ATTRIBUTES.length; place++) {
      gl.disableVertexAttribArray(place);
      gl.vertexAttribDivisor(place, 0);
    }
  }

  #numbers(place, size, stride, offset, divisor = 0) {
    const gl = this.#gl;
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, stride, offset);
    gl.vertexAttribDivisor(place, divisor);
  }

  #plain(look, done) {
    const gl = this.#gl;
    const parts = this.#parts;
    this.#free();
    this.#use(parts.back, look);
    gl.bindBuffer(gl.ARRAY_BUFFER, parts.quad);
    this.#numbers(0, 3, 0, 0);
    gl.depthMask(false);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.depthMask(true);
    this.#use(parts.skin, look);
    gl.uniform1f(parts.skin.at("uFade"), FADE);
    gl.uniform1f(parts.skin.at("uMass"), nearing(FAR_MASS, NEAR_MASS, look.scene.eye));
    gl.bindBuffer(gl.ARRAY_BUFFER, parts.points);
    this.#numbers(0, 3, 24, 0);
    this.#numbers(1, 3, 24, 12);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, parts.triangles);
    gl.enable(gl.POLYGON_OFFSET_FILL);
    gl.polygonOffset(1, 2);
    gl.drawElements(gl.TRIANGLES, parts.numbers, gl.UNSIGNED_INT, 0);
    gl.disable(gl.POLYGON_OFFSET_FILL);
    done.triangles += 1 + parts.numbers / 3;
    done.calls += 2;
  }

  #strands(look, done) {
    const gl = this.#gl;
    const { strand, strands, states, levels } = this.#parts;
    const { count, cutMm, calibreUm, hairsEach } = this.#hairs;
    const level = levels[look.scene.level];
    const drawn = Math.max(1, Math.round(count * level.share));
    this.#free();
    this.#use(strand, look);
    const each = hairsEach / level.share / level.children;
    gl.uniform1f(strand.at("uScale"), look.shot.scale);
    gl.uniform1f(strand.at("uCut"), cutMm);
    gl.uniform1f(strand.at("uCalibre"), calibreUm);
    gl.uniform1f(strand.at("uThick"), Math.sqrt(Math.max(1, each)));
    gl.uniform1f(strand.at("uChildren"), level.children);
    gl.uniform1f(strand.at("uLeast"), nearing(FAR_LEAST, NEAR_LEAST, look.scene.eye));
    gl.bindBuffer(gl.ARRAY_BUFFER, level.places);
    this.#numbers(0, 3, 12, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, strands);
    const stride = 4 * STRAND_NUMBERS;
    [1, 2, 3].forEach((place) => this.#numbers(place, 3, stride, 12 * (place - 1), 1));
    this.#numbers(4, 2, stride, 36, 1);
    gl.bindBuffer(gl.ARRAY_BUFFER, states);
    const { course } = look.scene;
    [look.moment.from, look.moment.to].forEach((week, k) => {
      const begin = plane(this.#hairs, course, look.panel.arm, week) * count * STATE_BYTES;
      gl.enableVertexAttribArray(5 + k);
      gl.vertexAttribIPointer(5 + k, 4, gl.UNSIGNED_BYTE, STATE_BYTES, begin);
      gl.vertexAttribDivisor(5 + k, 1);
    });
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, level.triangles);
    gl.enable(gl.SAMPLE_ALPHA_TO_COVERAGE);
    gl.drawElementsInstanced(gl.TRIANGLES, level.numbers, gl.UNSIGNED_SHORT, 0, drawn);
    gl.disable(gl.SAMPLE_ALPHA_TO_COVERAGE);
    done.triangles += (level.numbers / 3) * drawn;
    done.calls += 1;
  }
}
