"""The four views: orthographic pictures of the one surface, and the way back onto it."""

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from anagen.errors import InputError, Problem
from anagen.evidence.parameters import load_parameters
from anagen.scalp.grid import Scalp
from anagen.scalp.surface import Array, Head, beyond_hairline, hairline, sphere_to_surface

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

View = Literal["top", "back", "left", "right"]
LengthUnit = Literal["mm", "fraction"]
VIEWS: tuple[View, ...] = get_args(View)

# Picture's right, picture's down, toward the viewer; in the head frame.
_AXES: dict[str, Array] = {
    "top": np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]),
    "back": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]]),
    "left": np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]]),
    "right": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]),
}

# Picture coordinates beyond this are nowhere near a head and would only overflow.
_FAR_MM = 1e6


class ViewPoint(BaseModel):
    """A point in the picture of one view.

    Parameters
    ----------
    view : {"top", "back", "left", "right"}
    x : float [mm or fraction of the frame's width]
        From the frame's left edge to the right.
    y : float [mm or fraction of the frame's height]
        From the frame's top edge down.
    unit : {"mm", "fraction"}

    Examples
    --------
    >>> ViewPoint(view="top", x=0.5, y=0.5, unit="fraction").view
    'top'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: View
    x: float
    y: float
    unit: LengthUnit = "mm"


def check_view(view: str, place: str = "view") -> None:
    """Refuse the name of a view that does not exist.

    Raises
    ------
    InputError
        When the name is none of `VIEWS`.
    """
    if view not in VIEWS:
        raise InputError(
            Problem(place, f"one of {', '.join(VIEWS)}", repr(view), "Name one of the four views.")
        )


def frame(scalp: Scalp, view: str) -> tuple[float, float]:
    """Width and height [mm] of a view: the bounding box of the scalp's picture.

    Depends on the head only, not on the grid.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> [round(side) for side in frame(build_scalp(), "top")]
    [159, 188]
    """
    _, size = _bounds(scalp.head, view)
    return float(size[0]), float(size[1])


def camera(scalp: Scalp, view: str) -> tuple[Array, Array]:
    """Axes and origin of a view: a picture point is ``position @ axes[:2].T - origin``.

    Parameters
    ----------
    scalp : Scalp
    view : {"top", "back", "left", "right"}

    Returns
    -------
    axes : (3, 3)
        Picture's right, picture's down and toward the viewer, in the head frame.
    origin : (2,) [mm]
        The frame's top-left corner.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> [round(float(side)) for side in camera(build_scalp(), "top")[1]]
    [-79, -89]
    """
    check_view(view)
    return _AXES[view].copy(), _bounds(scalp.head, view)[0].copy()


def project(scalp: Scalp, position: Array, view: str) -> Array:
    """Picture coordinates of positions, from the frame's top-left corner, y down.

    Parameters
    ----------
    scalp : Scalp
    position : (..., 3) [mm]
    view : {"top", "back", "left", "right"}

    Returns
    -------
    (..., 2) [mm]

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp = build_scalp()
    >>> project(scalp, scalp.position, "left").shape
    (19400, 2)
    """
    origin, _ = _bounds(scalp.head, view)
    picture: Array = np.asarray(position, float) @ _AXES[view][:2].T - origin
    return picture


def facing(scalp: Scalp, position: Array, view: str) -> Array:
    """Cosine between the surface's normal at positions (..., 3) [mm] and the line of sight."""
    check_view(view)
    gradient = np.asarray(position, float) / np.square(scalp.head.semi_axes)
    cosine: Array = (gradient @ _AXES[view][2]) / np.linalg.norm(gradient, axis=-1)
    return cosine


def visible_cells(scalp: Scalp, view: str) -> NDArray[np.bool_]:
    """Cells (cell,) whose centre lies on the near side of a view."""
    check_view(view)
    visible: NDArray[np.bool_] = scalp.normal @ _AXES[view][2] > 0.0
    return visible


def best_view(scalp: Scalp, position: Array) -> View:
    """View that looks most squarely at a position (3,) [mm]."""
    return max(VIEWS, key=lambda view: float(facing(scalp, position, view)))


def view_point(
    scalp: Scalp, position: Array, view: View | None = None, unit: LengthUnit = "mm"
) -> ViewPoint:
    """Where a position appears; in the view that looks most squarely at it unless one is named.

    Parameters
    ----------
    scalp : Scalp
    position : (3,) [mm]
    view : {"top", "back", "left", "right"}, optional
    unit : {"mm", "fraction"}

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp = build_scalp()
    >>> point = view_point(scalp, scalp.position[0])
    >>> bool(np.allclose(locate(scalp, point), scalp.position[0]))
    True
    """
    view = view or best_view(scalp, position)
    picture = project(scalp, np.asarray(position, float), view)
    if unit == "fraction":
        picture = picture / _bounds(scalp.head, view)[1]
    return ViewPoint(view=view, x=float(picture[0]), y=float(picture[1]), unit=unit)


def to_mm(scalp: Scalp, view: str, points: Array, unit: str) -> Array:
    """Picture coordinates (..., 2) in mm from mm or fractions of the frame.

    Raises
    ------
    InputError
        When the unit is neither.
    """
    if unit not in get_args(LengthUnit):
        raise InputError(
            Problem("unit", "'mm' or 'fraction'", repr(unit), "Write one of the two units.")
        )
    array: Array = np.clip(np.asarray(points, float), -_FAR_MM, _FAR_MM)
    return array * _bounds(scalp.head, view)[1] if unit == "fraction" else array


def lift(scalp: Scalp, view: str, points: Array) -> tuple[Array, Array]:
    """Points of the head's near side behind picture points, and how far off the scalp they lie.

    Parameters
    ----------
    scalp : Scalp
    view : {"top", "back", "left", "right"}
    points : (point, 2) [mm]

    Returns
    -------
    position : (point, 3) [mm]
        On the ellipsoid; for a point off the head's picture, the nearest part of its rim.
    off : (point,) [mm]
        Distance beyond the hairline or the head's rim; not positive on the scalp.
    """
    origin, _ = _bounds(scalp.head, view)
    right, down, toward = _AXES[view]
    semi = np.array(scalp.head.semi_axes)
    flat = np.asarray(points, float) + origin
    sides = np.array([semi @ np.abs(right), semi @ np.abs(down)])
    radius = np.linalg.norm(flat / sides, axis=-1)
    outside = np.linalg.norm(flat, axis=-1) * (1.0 - 1.0 / np.maximum(radius, 1.0))
    flat = flat / np.maximum(radius, 1.0)[..., None]
    height = (semi @ np.abs(toward)) * np.sqrt(np.maximum(1.0 - np.minimum(radius, 1.0) ** 2, 0.0))
    position = flat @ np.stack([right, down]) + height[..., None] * toward
    beyond = beyond_hairline(scalp.head, position)
    return position, np.where(outside > 0.0, np.maximum(outside, beyond), beyond)


def locate(scalp: Scalp, point: ViewPoint, place: str = "point") -> Array:
    """Position on the surface's near side of a point in a view.

    Parameters
    ----------
    scalp : Scalp
    point : ViewPoint
    place : str
        Where the point stands, for the message.

    Returns
    -------
    (3,) [mm]

    Raises
    ------
    InputError
        When the point is not a number or lies off the scalp by more than a hand's accuracy;
        closer ones are taken to the nearest place on the scalp's edge.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> locate(build_scalp(), ViewPoint(view="top", x=0.5, y=0.5, unit="fraction")).shape
    (3,)
    """
    position: Array = locate_points(scalp, point.view, [(point.x, point.y)], point.unit, place)[0]
    return position


def locate_points(
    scalp: Scalp, view: str, points: object, unit: str = "mm", place: str = "points"
) -> Array:
    """Positions on the surface's near side of many points in one view.

    Parameters
    ----------
    scalp : Scalp
    view : {"top", "back", "left", "right"}
    points : (point, 2) [mm or fraction]
    unit : {"mm", "fraction"}
    place : str
        Where the points stand, for the message.

    Returns
    -------
    (point, 3) [mm]

    Raises
    ------
    InputError
        As `locate`; says how many points are wrong.
    """
    check_view(view, place)
    try:
        array = np.asarray(points, float).reshape(-1, 2)
    except (TypeError, ValueError):
        raise InputError(
            Problem(place, "pairs of numbers x, y", repr(points)[:60], "Give two numbers a point.")
        ) from None
    problems = point_problems(scalp, view, array, unit, place)
    if problems:
        raise InputError(problems)
    millimetres = to_mm(scalp, view, array, unit)
    position, off = lift(scalp, view, millimetres)
    beside = off > 0.0
    if beside.any():
        tree, edge = _picture_edge(scalp.head, view)
        position[beside] = edge[tree.query(millimetres[beside])[1]]
    return position


def point_problems(scalp: Scalp, view: str, points: Array, unit: str, place: str) -> list[Problem]:
    """List what is wrong with picture points (point, 2): not numbers, or off the scalp."""
    bad = ~np.isfinite(points).all(axis=-1)
    if bad.any():
        return [
            Problem(place, "finite numbers", f"{bad.sum()} of {len(points)} points not a number",
                    "Give every point as two numbers.")
        ]  # fmt: skip
    millimetres = to_mm(scalp, view, points, unit)
    off = lift(scalp, view, millimetres)[1] > 0.0
    if off.any():
        beside = _picture_edge(scalp.head, view)[0].query(millimetres[off])[0]
        off[off] = beside > load_parameters().value("scalp.drawing_tolerance", "mm")
    if not off.any():
        return []
    first = int(np.argmax(off))
    x, y = points[first]
    width, height = (1.0, 1.0) if unit == "fraction" else frame(scalp, view)
    size = f"{width:.4g} by {height:.4g}" + (" mm" if unit == "mm" else " (fractions)")
    count = f"{off.sum()} of {len(points)} points off it, the first" if len(points) > 1 else "one"
    return [
        Problem(
            place,
            f"points on the scalp as seen in the view {view!r}, whose frame is {size}",
            f"{count} at ({x:.4g}, {y:.4g})",
            "Move it onto the scalp, or draw it in another view; x runs right, y down.",
        )
    ]


@lru_cache(maxsize=256)
def _bounds(head: Head, view: str) -> tuple[Array, Array]:
    """Top-left corner in the picture's axes and size [mm] of a view's frame."""
    check_view(view)
    right, down, _ = _AXES[view]
    low = np.array([-_reach(head, -right), -_reach(head, -down)])
    high = np.array([_reach(head, right), _reach(head, down)])
    return low, high - low


@lru_cache(maxsize=64)
def _picture_edge(head: Head, view: str) -> tuple["cKDTree", Array]:
    """Border of the scalp's picture, finely sampled: search tree in mm, and places (edge, 3)."""
    from scipy.spatial import cKDTree

    right, down, toward = _AXES[view]
    turn = np.linspace(0.0, 2.0 * np.pi, 4096, endpoint=False)
    border = sphere_to_surface(head, hairline(head, turn)[0] - 1e-9, turn)
    around = np.outer(np.cos(turn), right) + np.outer(np.sin(turn), down)
    rim = around * np.array(head.semi_axes)
    edge = np.concatenate([border[border @ toward >= 0.0], rim[beyond_hairline(head, rim) <= 0.0]])
    return cKDTree(edge @ np.stack([right, down]).T - _bounds(head, view)[0]), edge


def _reach(head: Head, direction: Array) -> float:
    """How far the cap extends along a direction, from the centre [mm]."""
    semi = np.array(head.semi_axes)
    foremost = semi**2 * direction / np.linalg.norm(semi * direction)
    if beyond_hairline(head, foremost) <= 0.0:
        return float(foremost @ direction)
    azimuth = np.linspace(0.0, 2.0 * np.pi, 8192, endpoint=False)
    border = sphere_to_surface(head, hairline(head, azimuth)[0], azimuth)
    return float(np.max(border @ direction))
