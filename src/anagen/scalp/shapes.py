"""Shapes of a patch as drawn: outlines and masks in the views, and what can be wrong with them."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from anagen.errors import InputError, Problem
from anagen.scalp.grid import Scalp
from anagen.scalp.surface import Array
from anagen.scalp.views import LengthUnit, View, lift, point_problems, to_mm

# Smaller pictures are slips of the hand: a fraction of one hair.
_LEAST_PICTURE_MM2 = 1e-3


class Outline(BaseModel):
    """Border of a bald area drawn in one view; closed by itself.

    Parameters
    ----------
    view : {"top", "back", "left", "right"}
    points : (point, 2) [mm or fraction of the frame]
        At least three corners, from the frame's top-left corner, x right, y down.
    unit : {"mm", "fraction"}

    Examples
    --------
    >>> Outline(view="top", points=((60, 60), (90, 60), (75, 90))).unit
    'mm'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: View
    points: tuple[tuple[float, float], ...]
    unit: LengthUnit = "mm"


class Mask(BaseModel):
    """Bald area as a raster that spans the whole frame of one view.

    Parameters
    ----------
    view : {"top", "back", "left", "right"}
    rows : (row,) of equally long texts
        From top to bottom; "1" bald, "0" not. What falls beside the scalp is ignored.

    Examples
    --------
    >>> Mask(view="back", rows=("0000", "0110", "0000")).rows[1]
    '0110'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: View
    rows: tuple[str, ...]


class PatchShape(BaseModel):
    """Shape of one patch: the union of its outlines and masks, in any views.

    Examples
    --------
    >>> outline = Outline(view="top", points=((60, 60), (90, 60), (75, 90)))
    >>> len(PatchShape(outlines=(outline,)).outlines)
    1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outlines: tuple[Outline, ...] = ()
    masks: tuple[Mask, ...] = ()


def circle_outline(view: View, x: float, y: float, diameter_mm: float, n: int = 32) -> Outline:
    """Circle in the picture, as a polygon of the circle's area.

    Parameters
    ----------
    view : {"top", "back", "left", "right"}
    x, y : float [mm]
        Centre, from the frame's top-left corner.
    diameter_mm : float [mm]
    n : int
        Number of corners.

    Raises
    ------
    InputError
        When the diameter is not a positive number or there are fewer than 3 corners.

    Examples
    --------
    >>> len(circle_outline("top", 80, 90, 30).points)
    32
    """
    if not (np.isfinite(diameter_mm) and diameter_mm > 0.0 and n >= 3):
        raise InputError(
            Problem("circle", "a positive diameter in mm and at least 3 corners",
                    f"diameter {diameter_mm!r}, {n!r} corners", "Give the diameter in mm.")
        )  # fmt: skip
    turn = 2.0 * np.pi * np.arange(n) / n
    radius = 0.5 * diameter_mm * np.sqrt(2.0 * np.pi / n / np.sin(2.0 * np.pi / n))
    points = zip(x + radius * np.cos(turn), y + radius * np.sin(turn), strict=True)
    return Outline(view=view, points=tuple((float(a), float(b)) for a, b in points))


def shape_problems(scalp: Scalp, shape: PatchShape, place: str = "patch") -> list[Problem]:
    """Everything wrong with a drawn shape; empty when it is sound.

    Parameters
    ----------
    scalp : Scalp
    shape : PatchShape
    place : str
        Where the shape stands; outlines and masks are named below it.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> shape = PatchShape(outlines=(Outline(view="top", points=((60, 60), (90, 60))),))
    >>> shape_problems(build_scalp(), shape)[0].found
    '2 different points'
    """
    if not shape.outlines and not shape.masks:
        return [Problem(place, "at least one outline or mask", "none", "Draw the patch.")]
    problems: list[Problem] = []
    for index, outline in enumerate(shape.outlines):
        problems += _outline_problems(scalp, outline, f"{place}.outlines[{index}]")
    for index, mask in enumerate(shape.masks):
        problems += _mask_problems(scalp, mask, f"{place}.masks[{index}]")
    return problems


def outline_corners(scalp: Scalp, outline: Outline) -> Array:
    """Corners (point, 2) [mm] of an outline without repeated points."""
    corners = to_mm(scalp, outline.view, np.array(outline.points, float).reshape(-1, 2),
                    outline.unit)  # fmt: skip
    fresh = np.any(corners != np.roll(corners, 1, axis=0), axis=-1)
    distinct: Array = corners[fresh]
    return distinct


def mask_raster(mask: Mask) -> np.ndarray:
    """Raster (row, column) of bool of a sound mask."""
    return np.array([[character == "1" for character in row] for row in mask.rows], dtype=bool)


def _outline_problems(scalp: Scalp, outline: Outline, place: str) -> list[Problem]:
    import shapely

    points = np.array(outline.points, float).reshape(-1, 2)
    if not np.isfinite(points).all():
        return point_problems(scalp, outline.view, points, outline.unit, place)
    corners = outline_corners(scalp, outline)
    count = len(np.unique(corners, axis=0))
    if count < 3:
        return [Problem(place, "at least 3 different points", f"{count} different points",
                        "Draw the whole border of the patch.")]  # fmt: skip
    problems = point_problems(scalp, outline.view, points, outline.unit, place)
    polygon = shapely.Polygon(corners)
    if shapely.convex_hull(polygon).area < _LEAST_PICTURE_MM2:
        problems.append(Problem(place, "an outline that encloses an area", "all points on a line",
                                "Draw the whole border of the patch."))  # fmt: skip
    elif not polygon.is_valid:
        problems.append(_crossing(scalp, polygon, outline, place))
    return problems


def _crossing(scalp: Scalp, polygon: object, outline: Outline, place: str) -> Problem:
    import shapely

    reason = str(shapely.is_valid_reason(polygon))
    _, _, where = reason.partition("[")
    try:
        crossing = np.array([float(number) for number in where.rstrip("]").split()])
        if outline.unit == "fraction":
            crossing = crossing / to_mm(scalp, outline.view, np.ones(2), "fraction")
        found = f"it crosses itself at ({crossing[0]:.4g}, {crossing[1]:.4g})"
    except (ValueError, IndexError):
        found = "it crosses itself"
    return Problem(place, "an outline that does not cross or touch itself", found,
                   "Redraw it, or split it into two outlines of the same patch.")  # fmt: skip


def _mask_problems(scalp: Scalp, mask: Mask, place: str) -> list[Problem]:
    widths = sorted({len(row) for row in mask.rows})
    strange = sorted({character for row in mask.rows for character in row} - {"0", "1"})
    problems = []
    if not mask.rows or widths[0] == 0:
        return [Problem(place, "rows of '0' and '1'", "an empty mask", "Fill it, or remove it.")]
    if len(widths) > 1:
        problems.append(Problem(place, "rows of equal length",
                                f"lengths from {widths[0]} to {widths[-1]}",
                                "Pad the short rows with '0'."))  # fmt: skip
    if strange:
        problems.append(Problem(place, "only '0' and '1'", f"the characters {strange[:5]}",
                                "Write '1' for bald and '0' for not."))  # fmt: skip
    if not problems:
        problems += _empty_mask_problem(scalp, mask, place)
    return problems


def _empty_mask_problem(scalp: Scalp, mask: Mask, place: str) -> list[Problem]:
    raster = mask_raster(mask)
    # A raster coarser than the scalp's edge may touch it anywhere in a pixel: look at 5 x 5 points.
    inner = (np.arange(5) + 0.5) / 5
    row, column = np.nonzero(raster)
    y = (row[:, None] + inner) / raster.shape[0]
    x = (column[:, None] + inner) / raster.shape[1]
    points = np.stack(np.broadcast_arrays(x[:, None, :], y[:, :, None]), axis=-1).reshape(-1, 2)
    _, off = lift(scalp, mask.view, to_mm(scalp, mask.view, points, "fraction"))
    if np.any(off <= 0.0):
        return []
    found = "no '1' at all" if not raster.any() else "every '1' beside the scalp"
    return [Problem(place, "at least one '1' on the scalp", found,
                    "Mark the bald area; the mask spans the frame of the view.")]  # fmt: skip
