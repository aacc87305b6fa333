"""Patches on the grid: the share of each cell that is inside, and what can be measured on it.

A *cover* is the share (0..1) of each cell that a patch takes, an array of shape (cell,).
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anagen.errors import InputError, Problem
from anagen.scalp.distance import (
    cell_tree,
    distance_matrix,
    geodesic_distance,
    nearest_cell,
)
from anagen.scalp.grid import Scalp
from anagen.scalp.shapes import (
    Mask,
    Outline,
    PatchShape,
    mask_raster,
    outline_corners,
    shape_problems,
)
from anagen.scalp.surface import Array, onto_surface
from anagen.scalp.views import ViewPoint, facing, frame, locate, project, visible_cells

Cover = NDArray[np.float32]

# Samples along each side of a cell: the area of a patch moves in steps of 1/25 of a cell.
_SIDE = 5
# Cells stretch to about twice their pitch at the hairline; half a diagonal stays below this.
_CELL_REACH = 1.3


def patch_cells(scalp: Scalp, shape: PatchShape, place: str = "patch") -> Cover:
    """Share of each cell inside a drawn patch.

    Parameters
    ----------
    scalp : Scalp
    shape : PatchShape
        Union of outlines and masks in any views; each lands on the near side of its view.
    place : str
        Where the shape stands, for messages.

    Returns
    -------
    (cell,) float32
        0 outside, 1 inside, between at the border.

    Raises
    ------
    InputError
        Every problem of every outline and mask: too few points, not a number, off the scalp, no
        area, crossing itself, a ragged or empty mask.

    Examples
    --------
    >>> from anagen.scalp import build_scalp, circle_outline
    >>> scalp = build_scalp()
    >>> cover = patch_cells(scalp, PatchShape(outlines=(circle_outline("top", 80, 90, 30),)))
    >>> 7.0 < area_cm2(scalp, cover) < 7.6
    True
    """
    problems = shape_problems(scalp, shape, place)
    if problems:
        raise InputError(problems)
    inside = np.zeros((len(scalp.position), _SIDE**2), dtype=bool)
    for outline in shape.outlines:
        _add_outline(scalp, outline, inside)
    for mask in shape.masks:
        _add_mask(scalp, mask, inside)
    cover: Cover = inside.mean(axis=1, dtype=np.float32)
    if not cover.any():
        raise InputError(
            Problem(place, "a patch that covers a part of the scalp", "one that covers none",
                    "Draw it larger, or on the scalp.")
        )  # fmt: skip
    return cover


def disc(scalp: Scalp, centre: ViewPoint | Array, diameter_mm: float, place: str = "disc") -> Cover:
    """Share of each cell inside a geodesic disc, cut off at the hairline.

    Parameters
    ----------
    scalp : Scalp
    centre : ViewPoint or (3,) [mm]
    diameter_mm : float [mm]
    place : str
        Where the disc stands, for messages.

    Raises
    ------
    InputError
        When the diameter is not a positive length on a head, or the centre is off the scalp.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp = build_scalp()
    >>> cover = disc(scalp, ViewPoint(view="back", x=80, y=80), 30)
    >>> round(area_cm2(scalp, cover), 1)
    7.1
    """
    if not 0.0 < diameter_mm <= scalp.circumference_mm:
        raise InputError(
            Problem(f"{place}.diameter_mm", f"more than 0 and at most {scalp.circumference_mm:g}",
                    repr(diameter_mm), "Give the diameter in mm.")
        )  # fmt: skip
    middle = locate(scalp, centre, place) if isinstance(centre, ViewPoint) else centre
    nearest_cell(scalp, middle)
    reach = 0.5 * diameter_mm + _CELL_REACH * scalp.cell_mm
    cells = np.array(cell_tree(scalp).query_ball_point(middle, reach), dtype=int)
    cover = np.zeros(len(scalp.position), dtype=np.float32)
    distance = geodesic_distance(scalp, cell_samples(scalp, cells), middle)
    cover[cells] = (distance <= 0.5 * diameter_mm).mean(axis=1)
    return cover


def area_cm2(scalp: Scalp, cover: ArrayLike) -> float:
    """Area [cm2] of a cover (cell,) on the curved surface.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp = build_scalp()
    >>> round(area_cm2(scalp, np.ones(len(scalp.position))))
    776
    """
    return float(np.sum(_checked(scalp, cover), dtype=float) * scalp.cell_area_mm2 / 100.0)


def diameter_mm(scalp: Scalp, cover: ArrayLike) -> float:
    """Largest distance [mm] along the surface between two places of a cover; 0 when empty.

    Never less than the diameter of a disc of the same area, which is the least possible.
    """
    share = _checked(scalp, cover)
    border = scalp.position[_border(scalp, _members(share))]
    if len(border) == 0:
        return 0.0
    block = max(1, 4_000_000 // len(border))
    parts = (border[start : start + block] for start in range(0, len(border), block))
    # The outermost centres lie an eighth of a cell inside the edge at either end, on average.
    widest = max(float(distance_matrix(scalp, part, border).max()) for part in parts)
    least = 2.0 * np.sqrt(share.sum(dtype=float) * scalp.cell_area_mm2 / np.pi)
    return max(widest + 0.25 * scalp.cell_mm, float(least))


def centroid(scalp: Scalp, cover: ArrayLike) -> Array:
    """Middle (3,) [mm] of a cover, pulled onto the surface.

    Raises
    ------
    InputError
        When the cover is empty.
    """
    share = _checked(scalp, cover)
    if not share.any():
        raise InputError(Problem("cover", "a patch that covers something", "an empty one",
                                 "Draw the patch."))  # fmt: skip
    return onto_surface(scalp.head, share.astype(float) @ scalp.position / share.sum(dtype=float))


def patch_distance(scalp: Scalp, cover: ArrayLike) -> Array:
    """Distance (cell,) [mm] along the surface from each cell to a cover's edge; 0 inside.

    Infinite everywhere when the cover is empty.
    """
    from scipy.spatial import cKDTree

    inside = _members(_checked(scalp, cover))
    distance = np.zeros(len(scalp.position))
    outside = np.flatnonzero(~inside)
    border = scalp.position[_border(scalp, inside)]
    if len(border) == 0:
        return np.full(len(scalp.position), np.inf)
    nearest = border[cKDTree(border).query(scalp.position[outside])[1]]
    arc = geodesic_distance(scalp, scalp.position[outside], nearest)
    distance[outside] = np.maximum(arc - 0.5 * scalp.cell_mm, 1e-6)
    return distance


def margin_cells(scalp: Scalp, cover: ArrayLike, mm: float) -> NDArray[np.bool_]:
    """Cells (cell,) outside a cover, within a distance [mm] of its edge.

    Raises
    ------
    InputError
        When the width is negative or not a number.
    """
    if not (np.isfinite(mm) and mm >= 0.0):
        raise InputError(Problem("margin", "a width in mm, 0 or more", repr(mm), "Give one in mm."))
    distance = patch_distance(scalp, cover)
    margin: NDArray[np.bool_] = (distance > 0.0) & (distance <= mm)
    return margin


def overlaps(scalp: Scalp, covers: Mapping[str, ArrayLike]) -> dict[tuple[str, str], float]:
    """Area [cm2] that pairs of patches certainly share; pairs that share none are left out.

    In a cell that two patches cover by shares p and q they share at least p + q - 1, so patches
    that only touch do not count.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp = build_scalp()
    >>> a = disc(scalp, ViewPoint(view="top", x=80, y=80), 30)
    >>> b = disc(scalp, ViewPoint(view="top", x=95, y=80), 30)
    >>> list(overlaps(scalp, {"a": a, "b": b}))
    [('a', 'b')]
    """
    shares = {name: _checked(scalp, cover, name) for name, cover in covers.items()}
    found = {}
    for first, second in combinations(shares, 2):
        both = np.maximum(shares[first] + shares[second] - 1.0, 0.0)
        area = float(both.sum(dtype=float) * scalp.cell_area_mm2 / 100.0)
        if area > 0.0:
            found[first, second] = area
    return found


def cell_samples(scalp: Scalp, cells: NDArray[np.intp]) -> Array:
    """Positions (cell, sample, 3) [mm] spread evenly over cells."""
    along = ((np.arange(_SIDE) + 0.5) / _SIDE - 0.5) * scalp.cell_mm
    offset = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    return onto_surface(scalp.head, scalp.position[cells, None] + offset @ scalp.tangent[cells])


def _add_outline(scalp: Scalp, outline: Outline, inside: NDArray[np.bool_]) -> None:
    import shapely

    polygon = shapely.Polygon(outline_corners(scalp, outline))
    picture = project(scalp, scalp.position, outline.view)
    low, high = np.array(polygon.bounds).reshape(2, 2)
    reach = _CELL_REACH * scalp.cell_mm
    near = np.all((picture > low - reach) & (picture < high + reach), axis=1)
    cells = np.flatnonzero(near & _near_side(scalp, outline.view))
    samples = cell_samples(scalp, cells)
    points = project(scalp, samples, outline.view)
    shapely.prepare(polygon)
    hit = shapely.contains_xy(polygon, points[..., 0], points[..., 1])
    inside[cells] |= hit & (facing(scalp, samples, outline.view) > 0.0)


def _add_mask(scalp: Scalp, mask: Mask, inside: NDArray[np.bool_]) -> None:
    raster = mask_raster(mask)
    cells = np.flatnonzero(_near_side(scalp, mask.view))
    samples = cell_samples(scalp, cells)
    share = project(scalp, samples, mask.view) / np.array(frame(scalp, mask.view))
    column, row = (
        np.clip((share[..., axis] * raster.shape[1 - axis]).astype(int), 0,
                raster.shape[1 - axis] - 1) for axis in (0, 1)
    )  # fmt: skip
    inside[cells] |= raster[row, column] & (facing(scalp, samples, mask.view) > 0.0)


def _near_side(scalp: Scalp, view: str) -> NDArray[np.bool_]:
    """Cells of which a part may be on the near side."""
    near: NDArray[np.bool_] = visible_cells(scalp, view) | (
        facing(scalp, scalp.position, view) > -0.05 * scalp.cell_mm
    )
    return near


def _checked(scalp: Scalp, cover: ArrayLike, place: str = "cover") -> Cover:
    share = np.asarray(cover, dtype=np.float32)
    if share.shape != (len(scalp.position),):
        found = f"an array of shape {share.shape}"
    elif not np.isfinite(share).all() or share.min() < 0.0 or share.max() > 1.0 + 1e-6:
        found = "values outside it or not a number"
    else:
        return share
    raise InputError(
        Problem(place, f"{len(scalp.position)} shares from 0 to 1, one a cell", found,
                "Make it with patch_cells() on the same scalp.")
    )  # fmt: skip


def _members(share: Cover) -> NDArray[np.bool_]:
    """Cells that belong to a patch: at least half inside, or the fullest of a tiny patch."""
    members = share >= 0.5
    return members if members.any() or not share.any() else share == share.max()


def _border(scalp: Scalp, inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find the inside cells with an outside neighbour in the chart."""
    chart = np.zeros(scalp.chart_shape, dtype=bool)
    chart[scalp.row, scalp.column] = inside
    inner = chart.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(chart, step, axis)
    return np.flatnonzero(inside & ~inner[scalp.row, scalp.column])
