/** Shaders; strands are lit after Kajiya and Kay (1989), as in the printed pictures. */

const COMMON = `#version 300 es
precision highp float;
uniform mat4 uView;
uniform vec3 uSemi, uLight, uEye, uSkin, uHair, uShine, uBackdrop;
uniform vec2 uSize, uCorner, uTilt;
uniform float uRim, uShare;
uniform sampler2D uFrom, uTo;

float form(vec3 normal) { return clamp(0.46 + 0.62 * dot(normal, uLight), 0.10, 1.0); }

float cover(vec3 position) {
  vec3 unit = position / uSemi;
  float front = uTilt.x * unit.y + uTilt.y * unit.z;
  float axis = uTilt.x * unit.z - uTilt.y * unit.y;
  float reach = 0.5 * atan(length(vec2(front, unit.x)), axis) / uRim;
  vec2 aside = vec2(unit.x, front) / max(length(vec2(unit.x, front)), 1e-5);
  vec2 at = 0.5 + min(reach, 0.499) * aside;
  return mix(texture(uFrom, at).r, texture(uTo, at).r, uShare);
}

vec3 backdrop(vec2 pixel) {
  vec2 away = (pixel - uCorner) / uSize - vec2(0.5, 0.55);
  return uBackdrop * (1.05 - 0.30 * dot(away, away));
}
`;

export const STRAND_VERTEX = `${COMMON}
in vec3 aPlace;
in vec3 aRoot, aMiddle, aTip;
in vec2 aTrait;
in uvec4 aFrom, aTo;
uniform float uScale, uCut, uCalibre, uThick, uChildren, uLeast;
out vec4 vColour;
out float vSeed;

float hash(float n) { return fract(sin(n * 78.233 + 12.98) * 43758.5453); }

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  vColour = vec4(0.0);
  vSeed = 0.0;
  float a = float(aFrom.x), b = float(aTo.x);
  bool before = a > 128.0, after = b > 128.0;
  if (!before && !after) return;
  vec3 normal = normalize(aRoot / (uSemi * uSemi));
  if (dot(normal, uEye - aRoot) < -170.0) return;
  float grown = 1.0, kept = 1.0, blend = uShare;
  if (before != after) {
    float crossing = (a - 128.0) / (a - b);
    if (after) {
      grown = clamp((uShare - crossing) / max(1.0 - crossing, 1e-3), 0.0, 1.0);
      kept = sqrt(grown);
      blend = 1.0;
    } else {
      float way = min(1.0, uShare / max(crossing, 1e-3));
      kept = 1.0 - way * way * way * way;
      blend = 0.0;
    }
    if (kept <= 0.0) return;
  }
  vec2 shape = vec2(float(aFrom.y & 127u), float(aTo.y & 127u)) / 127.0;
  vec2 kind = vec2(float(aFrom.y >> 7u), float(aTo.y >> 7u));
  float terminal = mix(kind.x, kind.y, blend);
  float calibre = mix(float(aFrom.z), float(aTo.z), blend) * uCalibre;
  float size = grown * mix(min(shape.x, mix(0.64, 1.0, kind.x)),
                           min(shape.y, mix(0.64, 1.0, kind.y)), blend);
  float width = calibre * 1e-3 * 1.25 * uThick * mix(0.5, 1.0, terminal) * kept;

  float child = aPlace.z, along = aPlace.x;
  float seed = aTrait.y * 511.0 + aTrait.x * 97.0 + child * 17.0;
  vec3 lie = normalize(aTip);
  vec3 side = normalize(cross(normal, lie));
  vec3 bend = 2.0 * aMiddle - 0.5 * aTip;
  vec3 tip = aTip;
  vec3 root = aRoot;
  if (child > 0.0) {
    float turn = 6.283 * hash(seed), far = 0.35 + 1.05 * hash(seed + 3.0);
    root += far * (cos(turn) * side + sin(turn) * normalize(cross(side, normal)));
    root *= length(aRoot / uSemi) / length(root / uSemi);
    float stray = (hash(seed + 7.0) - 0.5);
    tip += 3.2 * stray * side + 0.9 * (hash(seed + 9.0) - 0.4) * normal;
    bend += 0.9 * stray * side;
    size *= 0.86 + 0.22 * hash(seed + 5.0);
  }
  float s = along * size;
  vec3 point = root + 2.0 * s * (1.0 - s) * bend + s * s * tip;
  vec3 tangent = normalize(2.0 * (1.0 - 2.0 * s) * bend + 2.0 * s * tip);
  vec4 here = uView * vec4(point, 1.0);
  vec4 next = uView * vec4(point + tangent, 1.0);
  vec2 flow = (next.xy / next.w - here.xy / here.w) * uSize;
  flow = normalize(flow + vec2(1e-6, 0.0));
  float pixels = width * uScale / here.w * (1.0 - 0.55 * along * along);
  float drawn = max(pixels, uLeast);
  here.xy += aPlace.y * 0.5 * drawn * vec2(-flow.y, flow.x) / uSize * 2.0 * here.w;
  gl_Position = here;
  vSeed = hash(seed + 11.0);

  vec3 toward = normalize(uEye - point);
  vec3 halfway = normalize(uLight + toward);
  float light = dot(tangent, uLight), gloss = dot(tangent, halfway);
  float shade = form(normalize(point / (uSemi * uSemi)));
  float deep = cover(root);
  float rise = mix(1.0, mix(0.42, 1.0, smoothstep(0.0, 0.55, along)), deep * terminal);
  float diffuse = shade * (0.42 + 0.58 * sqrt(max(0.0, 1.0 - light * light))) * rise;
  float bright = shade * shade * pow(max(0.0, 1.0 - gloss * gloss), 20.0) * rise;
  float own = 0.62 + 0.76 * hash(seed + 1.0);
  vec3 colour = 1.70 * uHair * own * diffuse + 0.55 * uShine * bright * (0.5 + own * 0.5);
  vec3 pale = mix(uSkin * (0.42 + 0.66 * shade), colour, 0.36);
  colour = mix(pale, colour, mix(0.25, 1.0, terminal));
  float solid = min(1.0, pixels / drawn) * mix(0.75, 1.0, terminal) * kept;
  solid = mix(solid, sqrt(solid), terminal);
  vColour = vec4(colour, solid);
}`;

export const STRAND_FRAGMENT = `${COMMON}
in vec4 vColour;
in float vSeed;
out vec4 colour;
void main() {
  float grain = fract(52.98 * fract(dot(gl_FragCoord.xy, vec2(0.0671, 0.00584)) + vSeed));
  float solid = vColour.a;
  if (solid < 0.04) discard;
  colour = vec4(vColour.rgb, clamp(solid + 0.3 * (grain - 0.5), 0.0, 1.0));
}`;

export const SKIN_VERTEX = `${COMMON}
in vec3 aPoint, aNormal;
out vec3 vPoint, vNormal;
void main() {
  vPoint = aPoint;
  vNormal = aNormal;
  gl_Position = uView * vec4(aPoint, 1.0);
}`;

export const SKIN_FRAGMENT = `${COMMON}
in vec3 vPoint, vNormal;
uniform float uFade, uMass;
out vec4 colour;

float hash3(vec3 p) {
  p = fract(p * vec3(0.1031, 0.1030, 0.0973));
  p += dot(p, p.yzx + 33.33);
  return fract((p.x + p.y) * p.z);
}
float noise(vec3 p) {
  vec3 i = floor(p), f = fract(p);
  f = f * f * (3.0 - 2.0 * f);
  vec4 low = vec4(hash3(i), hash3(i + vec3(1, 0, 0)), hash3(i + vec3(0, 1, 0)),
                  hash3(i + vec3(1, 1, 0)));
  vec4 high = vec4(hash3(i + vec3(0, 0, 1)), hash3(i + vec3(1, 0, 1)), hash3(i + vec3(0, 1, 1)),
                   hash3(i + vec3(1, 1, 1)));
  vec4 both = mix(low, high, f.z);
  vec2 pair = mix(both.xz, both.yw, f.x);
  return mix(pair.x, pair.y, f.y);
}

void main() {
  vec3 normal = normalize(vNormal);
  vec3 toward = normalize(uEye - vPoint);
  vec3 p = vPoint + 400.0;
  float blotch = noise(p * 0.07) * 0.6 + noise(p * 0.19) * 0.4 - 0.5;
  float pores = noise(p * 1.9) - 0.5;
  vec3 skin = uSkin * (1.0 + 0.07 * blotch + 0.035 * pores);
  skin *= 1.0 + blotch * vec3(0.05, -0.03, -0.03);
  float lit = dot(normal, uLight);
  float wrap = clamp((lit + 0.35) / 1.35, 0.0, 1.0);
  vec3 shade = mix(vec3(0.40, 0.31, 0.29), vec3(1.07, 1.04, 1.02), smoothstep(0.0, 0.95, wrap));
  shade += vec3(0.06, 0.015, 0.0) * smoothstep(0.0, 0.35, wrap) * smoothstep(0.75, 0.3, wrap);
  vec3 halfway = normalize(uLight + toward);
  float gloss = pow(max(0.0, dot(normal, halfway)), 18.0) * (0.85 + 0.5 * pores);
  float rim = pow(1.0 - max(0.0, dot(normal, toward)), 4.0);
  vec3 found = skin * shade + 0.075 * gloss + 0.05 * rim * uSkin;
  float mass = cover(vPoint) * (1.0 - smoothstep(1.03, 1.10, length(vPoint / uSemi)));
  float f = form(normal);
  vec3 deep = uHair * (0.30 + 0.40 * f) + 0.03 * uShine * f * f;
  found *= 1.0 - 0.20 * smoothstep(0.0, 0.5, mass);
  found = mix(found, deep, uMass * smoothstep(0.38, 0.88, mass));
  float solid = smoothstep(uFade - 0.42, uFade, vPoint.z / uSemi.z);
  colour = vec4(mix(backdrop(gl_FragCoord.xy), clamp(found, 0.0, 1.0), solid), 1.0);
}`;

export const BACKDROP_VERTEX = `${COMMON}
in vec3 aPoint;
void main() { gl_Position = vec4(aPoint.xy, 0.9999, 1.0); }`;

export const BACKDROP_FRAGMENT = `${COMMON}
out vec4 colour;
void main() { colour = vec4(backdrop(gl_FragCoord.xy), 1.0); }`;
