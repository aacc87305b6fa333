"""The bare head behind the hair: a plain mannequin, so that a picture is read at a glance.

All shapes are in units of the head's half breadth, length and height, with the origin at the
ellipsoid's centre; they are conventions of drawing, like the face on a SALT chart.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anagen.report.raster import SUPERSAMPLE, Camera, Ground, Pixels
from anagen.report.strands import Array, Ellipsoid

View = Literal["top", "back", "left", "right"]
Points = tuple[tuple[float, float], ...]
VIEWS: tuple[View, ...] = ("top", "back", "left", "right")

BACKDROP = (0.945, 0.937, 0.925)

_AXES: dict[View, tuple[tuple[int, int, int], ...]] = {
    "top": ((1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "back": ((1, 0, 0), (0, 0, -1), (0, -1, 0)),
    "left": ((0, -1, 0), (0, 0, -1), (-1, 0, 0)),
    "right": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
}

_PROFILE = (
    (0.72, 0.66), (0.90, 0.42), (0.965, 0.23), (0.955, 0.13), (1.02, -0.02), (1.09, -0.17),
    (1.12, -0.245), (1.065, -0.295), (0.985, -0.305), (1.00, -0.375), (1.01, -0.415),
    (0.965, -0.455), (0.99, -0.50), (0.98, -0.55), (0.94, -0.595), (0.96, -0.675), (0.94, -0.755),
    (0.84, -0.81), (0.62, -0.775), (0.42, -0.765), (0.31, -0.87), (0.27, -1.06), (0.28, -1.40),
    (-0.66, -1.40), (-0.62, -1.10), (-0.62, -0.90), (-0.66, -0.70), (-0.76, -0.45), (-0.5, 0.1),
    (0.3, 0.6),
)  # fmt: skip
"""Face and neck from the side, forward and up."""

_NECK = (
    (-0.30, 0.2), (-0.66, -0.40), (-0.70, -0.62), (-0.68, -0.80), (-0.66, -0.98), (-0.72, -1.12),
    (-1.10, -1.27), (-1.60, -1.42), (-1.70, -1.8), (1.70, -1.8), (1.60, -1.42), (1.10, -1.27),
    (0.72, -1.12), (0.66, -0.98), (0.68, -0.80), (0.70, -0.62), (0.66, -0.40), (0.30, 0.2),
)  # fmt: skip
"""Neck and shoulders from behind, right and up."""

_EAR_SIDE = (
    (0.01, -0.05), (0.07, -0.005), (0.08, 0.075), (0.0, 0.15), (-0.13, 0.14), (-0.205, 0.045),
    (-0.19, -0.085), (-0.125, -0.20), (-0.08, -0.298), (0.0, -0.33), (0.04, -0.265), (0.03, -0.15),
)  # fmt: skip
_EAR_BACK = (
    (0.88, 0.08), (1.02, 0.14), (1.12, 0.11), (1.145, 0.0), (1.10, -0.15), (1.03, -0.28),
    (0.95, -0.33), (0.87, -0.27),
)  # fmt: skip
_EAR_TOP = ((0.93, 0.10), (1.06, 0.02), (1.135, -0.10), (1.11, -0.17), (1.0, -0.13), (0.93, -0.08))
_NOSE_TOP = ((-0.13, 0.92), (-0.09, 1.04), (0.0, 1.095), (0.09, 1.04), (0.13, 0.92))

_FACE_LINES = (
    ((0.975, -0.455), (0.90, -0.447), (0.83, -0.462)),
    ((0.90, 0.055), (0.84, 0.035), (0.77, 0.058)),
    ((1.05, -0.262), (1.0, -0.232), (0.975, -0.268)),
)
_BROW_LINES = (((0.955, 0.20), (0.89, 0.228), (0.80, 0.21), (0.73, 0.175)),)
_EAR_LINES = (
    ((0.04, 0.055), (-0.03, 0.105), (-0.12, 0.085), (-0.155, 0.0), (-0.14, -0.09), (-0.09, -0.175)),
    ((0.01, -0.045), (-0.04, -0.005), (-0.09, -0.055), (-0.07, -0.135), (-0.02, -0.16)),
)


@dataclass(frozen=True)
class Part:
    """A rounded shape of the mannequin: outline (point, 2) in units, bulge and depth [mm]."""

    outline: Points
    bulge_mm: float
    depth_mm: float = 0.0


def head_camera(view: View, ellipsoid: Ellipsoid, pixels: int, share: float) -> Camera:
    """Camera that frames the head in one of the four views.

    Parameters
    ----------
    view : which of them.
    ellipsoid : the head.
    pixels : width and height of the finished picture.
    share : share of the hairs drawn.
    """
    right, down, toward = (np.array(axis, dtype=float) for axis in _AXES[view])
    half_x = float(np.abs(right) @ ellipsoid.semi_axes)
    half_y = float(np.abs(down) @ ellipsoid.semi_axes)
    if view == "top":
        left, top, size = -1.135 * half_y, -1.13 * half_y, 2.27 * half_y
    else:
        top, size = -1.09 * half_y, 2.03 * half_y
        nose = {"left": -1.0, "right": 1.0}.get(view, 0.0)
        left = nose * 0.07 * half_x - size / 2
    return Camera(right, down, toward, left, top, size, size, pixels / size, share)


def close_camera(
    ellipsoid: Ellipsoid, centre: Array, span_mm: float, pixels: int, share: float = 1.0
) -> Camera:
    """Camera that looks straight down on a point of the scalp.

    Parameters
    ----------
    ellipsoid : the head.
    centre : (3,) the point [mm].
    span_mm : width and height of what it sees [mm].
    pixels : width and height of the finished picture.
    share : share of the hairs drawn.
    """
    toward = ellipsoid.normal(centre[None])[0]
    up = np.array([0.0, 1.0, 0.0]) if toward[2] > 0.75 else np.array([0.0, 0.0, 1.0])
    right = np.cross(up, toward)
    right /= np.linalg.norm(right)
    down = -np.cross(toward, right)
    left, top = centre @ right - span_mm / 2, centre @ down - span_mm / 2
    return Camera(
        right, down, toward, float(left), float(top), span_mm, span_mm, pixels / span_mm, share
    )


def bare_head(view: View, camera: Camera, ellipsoid: Ellipsoid, skin: Array) -> Ground:
    """Draw the mannequin without hair.

    Parameters
    ----------
    view : which of the four views.
    camera : its camera.
    ellipsoid : the head.
    skin : (3,) red, green and blue in 0..1.
    """
    from scipy.ndimage import gaussian_filter

    shape = tuple(SUPERSAMPLE * n for n in camera.shape)
    place = _Place(view, camera, ellipsoid)
    depth = _cranium_depth(camera, ellipsoid, shape)
    for part in _body(view):
        added = _part_depth(part, place, shape)
        if view in ("left", "right"):
            depth[_under_jaw(place, shape) & np.isnan(added)] = np.nan
        depth = np.fmax(depth, added)
    picture = _lit(_smooth(depth, 6.0 * camera.scale), camera, skin)
    solid = np.isfinite(depth)
    if view in ("left", "right"):
        picture = _stroke(picture, _FACE_LINES, 0.55, 1.3, place)
        picture = _stroke(picture, _BROW_LINES, 0.22, 3.2, place)
    over = np.zeros(shape, dtype=np.float32)
    for part in _ears(view):
        ear = _part_depth(part, place, shape)
        here = gaussian_filter(np.isfinite(ear).astype(np.float32), 0.22 * camera.scale)
        shaded = _lit(_smooth(ear, 1.2 * camera.scale), camera, skin)
        if view in ("left", "right"):
            shaded = _stroke(shaded, _EAR_LINES, 0.5, 1.2, place)
            over = here
        picture = here[..., None] * shaded + (1.0 - here[..., None]) * picture
        solid |= np.isfinite(ear)
    cover = gaussian_filter(solid.astype(np.float32), 0.8) * _fade(view, shape)[:, None]
    wide = cover[..., None]
    ground = wide * picture + (1.0 - wide) * np.array(BACKDROP)
    return Ground(ground.astype(np.float32), cover.astype(np.float32), over)


def silhouette(view: View, ellipsoid: Ellipsoid) -> tuple[list[Array], list[Array]]:
    """Outlines of the mannequin for a line drawing.

    Parameters
    ----------
    view : which of the four views.
    ellipsoid : the head.

    Returns
    -------
    shapes, lines : closed outlines, the farthest first, and open lines, each (point, 2) in mm to
        the right and down of the head's centre.
    """
    place = _Place(view, head_camera(view, ellipsoid, 1, 1.0), ellipsoid)

    def drawn(points: Points, closed: bool = True) -> Array:
        samples = np.array(_outline(points, place, closed))
        return np.asarray((samples - place.origin) / place.camera.scale)

    turn = np.linspace(0.0, 2.0 * np.pi, 121)[:-1]
    half = np.abs(np.stack((place.camera.right, place.camera.down)) @ ellipsoid.semi_axes)
    cranium = np.stack((np.cos(turn), np.sin(turn)), axis=1) * half
    body = [drawn(part.outline) for part in _body(view)]
    ears = [drawn(part.outline) for part in _ears(view)]
    if view in ("left", "right"):
        lines = [drawn(line, False) for line in (*_FACE_LINES, *_BROW_LINES, *_EAR_LINES)]
        return [cranium, *body, *ears], lines
    return [*ears, *body, cranium], []


@dataclass(frozen=True)
class _Place:
    """Where the units of a view lie in its picture."""

    view: View
    camera: Camera
    ellipsoid: Ellipsoid

    @property
    def scale(self) -> Array:
        """Samples per unit to the right and down."""
        flip = -1.0 if self.view == "left" else 1.0
        across = flip * float(np.abs(self.camera.right) @ self.ellipsoid.semi_axes)
        upward = -float(np.abs(self.camera.down) @ self.ellipsoid.semi_axes)
        return np.array([across, upward]) * self.camera.scale

    @property
    def origin(self) -> Array:
        """Samples of the head's centre."""
        return -np.array([self.camera.left_mm, self.camera.top_mm]) * self.camera.scale


def _under_jaw(place: _Place, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where the ellipsoid would stand out below the jaw."""
    x, y = _grid(place.camera, shape)
    unit_x = (x - place.camera.left_mm) * place.camera.scale - place.origin[0]
    unit_y = (y - place.camera.top_mm) * place.camera.scale - place.origin[1]
    below = unit_y / place.scale[1] < -0.45
    return np.asarray((unit_x / place.scale[0] > -0.4) & below)


def _smooth(depth: Array, radius: float) -> Array:
    """Blur a depth inside its outline, so that the rim stays sharp."""
    from scipy.ndimage import gaussian_filter

    solid = np.isfinite(depth).astype(float)
    filled = np.where(solid > 0, depth, 0.0)
    weight = gaussian_filter(solid, radius, truncate=2.5)
    soft = gaussian_filter(filled, radius, truncate=2.5) / np.maximum(weight, 1e-3)
    rim = gaussian_filter(solid, 0.35 * radius)
    return soft - 9.0 * (1.0 - np.clip(2.0 * rim - 1.0, 0.0, 1.0)) ** 2


def bare_skin(camera: Camera, ellipsoid: Ellipsoid, skin: Array) -> Ground:
    """Draw skin alone, for a close-up.

    Parameters
    ----------
    camera : of the close-up.
    ellipsoid : the head.
    skin : (3,) red, green and blue in 0..1.
    """
    from scipy.ndimage import gaussian_filter

    shape = tuple(SUPERSAMPLE * n for n in camera.shape)
    depth = _cranium_depth(camera, ellipsoid, shape)
    depth = np.where(np.isfinite(depth), depth, np.nanmin(depth))
    picture = _lit(depth, camera, skin)
    grain = np.random.default_rng(7).normal(0.0, 1.0, shape)
    fine = gaussian_filter(grain, 1.2) * 0.012 + gaussian_filter(grain, 9.0) * 0.10
    skin_only = np.clip(picture * (1.0 + fine[..., None]), 0, 1).astype(np.float32)
    return Ground(skin_only, np.ones(shape, np.float32), np.zeros(shape, np.float32))


def _grid(camera: Camera, shape: tuple[int, ...]) -> tuple[Array, Array]:
    x = camera.left_mm + (np.arange(shape[1]) + 0.5) / camera.scale
    y = camera.top_mm + (np.arange(shape[0]) + 0.5) / camera.scale
    return np.meshgrid(x, y)


def _cranium_depth(camera: Camera, ellipsoid: Ellipsoid, shape: tuple[int, ...]) -> Array:
    """Depth towards the eye of the ellipsoid's near side; NaN beside it."""
    x, y = _grid(camera, shape)
    inverse = 1.0 / ellipsoid.semi_axes**2
    base = x[..., None] * camera.right + y[..., None] * camera.down
    a = float(camera.toward**2 @ inverse)
    b = base @ (camera.toward * inverse)
    c = base**2 @ inverse - 1.0
    square = b**2 - a * c
    root = np.sqrt(np.maximum(square, 0.0))
    return np.where(square > 0, (root - b) / a, np.nan)


def _body(view: View) -> tuple[Part, ...]:
    if view == "top":
        return (Part(_NOSE_TOP, 10.0, -20.0),)
    if view == "back":
        return (Part(_NECK, 46.0, -12.0),)
    return (Part(_PROFILE, 58.0),)


def _ears(view: View) -> tuple[Part, ...]:
    if view in ("left", "right"):
        return (Part(_EAR_SIDE, 9.0, 70.0),)
    ear, depth = (_EAR_TOP, -12.0) if view == "top" else (_EAR_BACK, -4.0)
    return (Part(ear, 8.0, depth), Part(tuple((-x, y) for x, y in ear), 8.0, depth))


def _outline(points: Points, place: _Place, closed: bool) -> list[tuple[float, float]]:
    """Smooth outline in samples."""
    from scipy.interpolate import CubicSpline

    corner = np.array([*points, points[0]] if closed else points, dtype=float)
    at = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(corner, axis=0).T) ** 0.5)))
    curve = CubicSpline(at, corner, bc_type="periodic" if closed else "natural")
    samples = curve(np.linspace(0.0, at[-1], 24 * len(points))) * place.scale + place.origin
    return [(float(x), float(y)) for x, y in samples]


def _part_depth(part: Part, place: _Place, shape: tuple[int, ...]) -> Array:
    """Depth of an inflated outline; NaN outside."""
    from PIL import Image, ImageDraw
    from scipy.ndimage import distance_transform_edt

    canvas = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(canvas).polygon(_outline(part.outline, place, closed=True), fill=1)
    below = int(part.bulge_mm * place.camera.scale)
    inside = np.pad(np.asarray(canvas), ((0, below), (0, 0)), mode="edge")
    distance = distance_transform_edt(inside)[: shape[0]] / place.camera.scale
    round_off = np.clip(1.0 - distance / part.bulge_mm, 0.0, 1.0)
    height = part.bulge_mm * np.sqrt(1.0 - round_off**2)
    return np.where(inside[: shape[0]], part.depth_mm + height, np.nan)


def _lit(depth: Array, camera: Camera, skin: Array) -> Pixels:
    slope_y, slope_x = np.gradient(depth, 1.0 / camera.scale)
    normal = np.stack((-slope_x, -slope_y, np.ones_like(depth)), axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.array([camera.light() @ axis for axis in (camera.right, camera.down, camera.toward)])
    diffuse = np.clip(normal @ light, 0.0, 1.0)
    half = light + np.array([0.0, 0.0, 1.0])
    gloss = np.clip(normal @ (half / np.linalg.norm(half)), 0.0, 1.0) ** 26
    warm = np.array([0.62, 0.53, 0.50])
    shade = warm + (1.08 - warm) * diffuse[..., None]
    return np.asarray(np.clip(skin * shade + 0.07 * gloss[..., None], 0, 1), dtype=np.float32)


def _stroke(
    picture: Pixels, lines: tuple[Points, ...], ink: float, width_mm: float, place: _Place
) -> Pixels:
    from PIL import Image, ImageDraw
    from scipy.ndimage import gaussian_filter

    canvas = Image.new("L", (picture.shape[1], picture.shape[0]))
    draw = ImageDraw.Draw(canvas)
    thick = max(1, round(width_mm * place.camera.scale))
    for line in lines:
        draw.line(_outline(line, place, closed=False), fill=255, width=thick, joint="curve")
    soft = gaussian_filter(np.asarray(canvas, dtype=np.float32) / 255.0, 0.45 * place.camera.scale)
    return np.asarray(picture * (1.0 - (1.0 - ink) * 0.75 * soft[..., None]), dtype=np.float32)


def _fade(view: View, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """How solid each row is: the bust fades out at the foot of the picture."""
    if view == "top":
        return np.ones(shape[0])
    return np.clip((1.0 - np.linspace(0.0, 1.0, shape[0])) / 0.14, 0.0, 1.0) ** 0.8
