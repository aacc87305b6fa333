"""Hair as light: strands and skin painted into a picture, pixel by pixel.

The shading of a hair follows Kajiya and Kay (1989): light falls off with the angle between hair and
light, and shines where the half-way vector stands square on the hair.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anagen.report.strands import CUT_MM, STEPS, Array, Ellipsoid, Follicles, Strands, lay

Pixels = NDArray[np.float32]

SUPERSAMPLE = 2

_LIGHT = (-0.34, -0.50, 0.80)
"""Towards the light, in the picture's right, down and towards the eye."""

_FACING = -0.05
_AMBIENT = 0.42
_SHINE, _GLOSS = 0.5, 16.0
_ROOT_SHADE = 0.62
_WIDTH_GAIN = 1.25
_VELLUS_WIDTH, _VELLUS_PALE, _VELLUS_CUT_MM = 0.5, 0.42, 7.0
_SHADOW_MM, _SHADOW, _MASS = 1.1, 0.25, 0.80


@dataclass(frozen=True)
class Camera:
    """Orthographic camera.

    Parameters
    ----------
    right, down, toward : (3,) unit vectors of the picture's axes and towards the eye.
    left_mm, top_mm : coordinates along right and down of the picture's top-left corner [mm].
    width_mm, height_mm : what the picture spans [mm].
    pixels_per_mm : resolution of the finished picture [1/mm].
    share : share of the hairs that is drawn, each the thicker for it.
    """

    right: Array
    down: Array
    toward: Array
    left_mm: float
    top_mm: float
    width_mm: float
    height_mm: float
    pixels_per_mm: float
    share: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the finished picture."""
        return (
            round(self.height_mm * self.pixels_per_mm),
            round(self.width_mm * self.pixels_per_mm),
        )

    @property
    def scale(self) -> float:
        """Samples per mm while painting."""
        return self.pixels_per_mm * SUPERSAMPLE

    def see(self, position: "Array | Pixels") -> Array:
        """Place (point, 2) in samples, x to the right and y down, of positions (point, 3) [mm]."""
        x = (position @ self.right - self.left_mm) * self.scale
        y = (position @ self.down - self.top_mm) * self.scale
        return np.stack((x, y), axis=-1)

    def light(self) -> Array:
        """Return the unit vector (3,) towards the light."""
        vector = _LIGHT[0] * self.right + _LIGHT[1] * self.down + _LIGHT[2] * self.toward
        return np.asarray(vector / np.linalg.norm(vector))


@dataclass(frozen=True)
class Tones:
    """Colours of a person, as red, green and blue in 0..1."""

    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    shine: tuple[float, float, float]


@dataclass(frozen=True)
class State:
    """What each hair shows at one time.

    Parameters
    ----------
    there : (hair,) whether it is there.
    terminal : (hair,) whether it is terminal, not vellus.
    length_mm : (hair,) visible length, cut [mm].
    calibre_um : (hair,) thickness [um].
    """

    there: NDArray[np.bool_]
    terminal: NDArray[np.bool_]
    length_mm: Array
    calibre_um: Array


@dataclass(frozen=True)
class Sheet:
    """Hairs of one camera, ready to be painted at any time.

    Parameters
    ----------
    strands : the hairs in sight.
    pixel : (sample, hair) flat index of the sample's pixel; the last pixel is waste.
    sideways : (hair,) offset of the pixel beside, for hairs wider than one.
    light, shine : (sample, hair) diffuse and specular light.
    """

    camera: Camera
    strands: Strands
    pixel: NDArray[np.int32]
    sideways: NDArray[np.int32]
    light: Pixels
    shine: Pixels


def prepare(camera: Camera, grown: Follicles, ellipsoid: Ellipsoid) -> Sheet:
    """Lay out and light every hair that a camera can see.

    Parameters
    ----------
    camera : where the eye is.
    grown : the hairs of the head.
    ellipsoid : the head.
    """
    strands = lay(grown, _in_sight(camera, grown, ellipsoid), ellipsoid)
    count = max(STEPS, int(CUT_MM * camera.scale))
    points, tangent = _resample(strands.points, count)
    light, shine = _shade(camera, ellipsoid, points, tangent)
    place = np.floor(camera.see(points)).astype(np.int32)
    rows, columns = (SUPERSAMPLE * n for n in camera.shape)
    inside = np.all((place >= 0) & (place < (columns - 1, rows - 1)), axis=-1)
    pixel = np.where(inside, place[..., 1] * columns + place[..., 0], rows * columns - 1)
    along = camera.see(strands.points[-1]) - camera.see(strands.points[0])
    steep = np.abs(along[:, 1]) > np.abs(along[:, 0])
    sideways = np.where(steep, 1, columns).astype(np.int32)
    return Sheet(camera, strands, pixel.astype(np.int32), sideways, light, shine)


def _in_sight(camera: Camera, grown: Follicles, ellipsoid: Ellipsoid) -> NDArray[np.int64]:
    near = camera.see(grown.root)
    reach = CUT_MM * camera.scale
    rows, columns = (SUPERSAMPLE * n for n in camera.shape)
    inside = np.all((near > -reach) & (near < (columns + reach, rows + reach)), axis=1)
    facing = ellipsoid.normal(grown.root) @ camera.toward > _FACING
    drawn = (grown.trait * 13.37) % 1.0 < camera.share
    return np.flatnonzero(inside & facing & drawn)


def _resample(points: Array, count: int) -> tuple[Pixels, Pixels]:
    at = np.linspace(0.0, STEPS - 1 - 1e-6, count)
    low = at.astype(int)
    share = (at - low)[:, None, None].astype(np.float32)
    fine = points.astype(np.float32)
    step = fine[1:] - fine[:-1]
    return fine[low] + share * step[low], step[low]


def _shade(
    camera: Camera, ellipsoid: Ellipsoid, points: Pixels, tangent: Pixels
) -> tuple[Pixels, Pixels]:
    light, toward = camera.light(), camera.toward
    half = (light + toward) / np.linalg.norm(light + toward)
    length = np.linalg.norm(tangent, axis=-1)
    on_light = (tangent @ light.astype(np.float32)) / length
    on_half = (tangent @ half.astype(np.float32)) / length
    normal = points / ellipsoid.semi_axes.astype(np.float32) ** 2
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    form = np.clip(0.46 + 0.62 * (normal @ light.astype(np.float32)), 0.10, 1.0)
    diffuse = form * (_AMBIENT + (1.0 - _AMBIENT) * np.sqrt(np.clip(1.0 - on_light**2, 0, 1)))
    shine = form**2 * np.clip(1.0 - on_half**2, 0, 1) ** _GLOSS
    up = np.linspace(_ROOT_SHADE, 1.0, len(points), dtype=np.float32)[:, None]
    return (diffuse * up).astype(np.float32), (shine * up).astype(np.float32)


@dataclass(frozen=True)
class Ground:
    """What lies under and over the hair, in samples.

    Parameters
    ----------
    picture : (row, column, 3) skin and backdrop, colours in 0..1.
    skin : (row, column) how much of each sample is skin, 0..1.
    over : (row, column) how much of the ground covers the hair (the near ear), 0..1.
    """

    picture: Pixels
    skin: Pixels
    over: Pixels


def paint(sheet: Sheet, state: State, ground: Ground, tones: Tones) -> NDArray[np.uint8]:
    """Picture (row, column, 3) of the hairs as they are at one time.

    Parameters
    ----------
    sheet : the prepared hairs.
    state : what each of them shows, in the order of the sheet's hairs.
    ground : what lies under and over the hair.
    tones : colours of the person.
    """
    rows, columns = ground.skin.shape
    width = state.calibre_um / 1000.0 * sheet.camera.scale * _WIDTH_GAIN
    width = width / np.sqrt(sheet.camera.share)
    vellus = ~state.terminal
    width = np.where(vellus, _VELLUS_WIDTH * width, width)
    last = np.minimum(state.length_mm, np.where(vellus, _VELLUS_CUT_MM, CUT_MM))
    samples = np.ceil(last / CUT_MM * len(sheet.pixel)).astype(int)
    top = np.full(rows * columns, -1, dtype=np.int32)
    for kind in (vellus, state.terminal):
        _draw(top, sheet, np.flatnonzero(state.there & kind), samples, width)
    top[-1] = -1
    shaded = _cast_shadow(ground, (top >= 0).reshape(rows, columns), sheet.camera.scale, tones)
    picture = _colour(top, sheet, state, width=width, under=shaded.reshape(-1, 3), tones=tones)
    over = ground.over.reshape(-1, 1)
    picture = over * ground.picture.reshape(-1, 3) + (1.0 - over) * picture
    return reduce(picture.reshape(rows, columns, 3))


def _draw(
    top: NDArray[np.int32],
    sheet: Sheet,
    hairs: NDArray[np.int64],
    samples: NDArray[np.int64],
    width: Array,
) -> None:
    """Write the number of each sample on its pixel; later samples lie over earlier ones."""
    total = sheet.pixel.shape[1]
    step = np.arange(len(sheet.pixel))[:, None]
    for beside in range(3):
        wide = hairs[width[hairs] > (0.0, 1.45, 2.4)[beside]]
        shown = step < samples[wide]
        number = (step * total + wide).astype(np.int32)[shown]
        offset = (0, 1, -1)[beside] * sheet.sideways[wide]
        top[np.clip(sheet.pixel[:, wide] + offset, 0, len(top) - 1)[shown]] = number


def _cast_shadow(ground: Ground, covered: NDArray[np.bool_], scale: float, tones: Tones) -> Pixels:
    """Darken the ground under hair: a light shadow on skin, a dark mass where hair is dense."""
    from scipy.ndimage import gaussian_filter

    soft = gaussian_filter(covered.astype(np.float32), _SHADOW_MM * scale)
    dark = np.float32(1.0) - np.float32(_SHADOW) * (soft * ground.skin)[..., None]
    mass = (np.clip(soft, 0.0, 1.0) ** 2)[..., None]
    deep = np.float32(_MASS) * np.asarray(tones.hair, np.float32)
    skin = ground.picture * dark
    return np.asarray(skin + mass * (deep - skin), dtype=np.float32)


def _colour(
    top: NDArray[np.int32],
    sheet: Sheet,
    state: State,
    *,
    width: Array,
    under: Pixels,
    tones: Tones,
) -> Pixels:
    seen = np.flatnonzero(top >= 0)
    hair = top[seen] % sheet.pixel.shape[1]
    light = sheet.light.reshape(-1)[top[seen]][:, None]
    shine = sheet.shine.reshape(-1)[top[seen]][:, None]
    own = (0.66 + 0.68 * (sheet.strands.index * 0.618 % 1.0)).astype(np.float32)[hair, None]
    pale = np.where(state.terminal, 0.0, _VELLUS_PALE).astype(np.float32)[hair, None]
    cover = np.clip(width, 0.25, 1.0).astype(np.float32)[hair, None]
    below = under[seen]
    lit = np.float32(1.5) * np.asarray(tones.hair, np.float32) * (own * light)
    lit += np.float32(_SHINE) * np.asarray(tones.shine, np.float32) * shine
    lit += pale * (np.float32(0.8) * below - lit)
    picture = under.copy()
    picture[seen] = below + cover * (lit - below)
    return picture


def reduce(picture: Pixels) -> NDArray[np.uint8]:
    """Average samples (row, column, 3) in 0..1 into finished pixels of 8 bits."""
    rows, columns = picture.shape[0] // SUPERSAMPLE, picture.shape[1] // SUPERSAMPLE
    blocks = picture.reshape(rows, SUPERSAMPLE, columns, SUPERSAMPLE, 3).mean(axis=(1, 3))
    return np.asarray(np.clip(blocks * 255.0 + 0.5, 0, 255), dtype=np.uint8)
