"""The scalp as cells of equal area: positions, chart, SALT regions, follicle density."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.evidence.parameters import Parameter, load_parameters
from anagen.scalp.surface import (
    Array,
    Head,
    beyond_hairline,
    chart_tangents,
    chart_to_sphere,
    make_head,
    sphere_to_surface,
    surface_normal,
)

Region = Literal["top", "back", "left", "right"]
Ancestry = Literal["african", "european", "asian"]
REGIONS: tuple[Region, ...] = get_args(Region)
ANCESTRIES: tuple[Ancestry, ...] = get_args(Ancestry)

# The shares of the regions are whole cells only when the cells are a multiple of this.
_CELLS_PER_STEP = 50


@dataclass(frozen=True, eq=False)
class Scalp:
    """The scalp of one head on a grid of cells of equal area; arrays are read-only.

    Parameters
    ----------
    circumference_mm : float [mm]
        Head circumference.
    cell_mm : float [mm]
        Pitch of the chart's lattice; a cell covers its square.
    position : (cell, 3) [mm]
        Centres, in the head frame (x right, y front, z up).
    normal : (cell, 3)
        Outward unit normals.
    tangent : (cell, 2, 3)
        Derivatives of position by the chart's x (columns) and y (rows).
    cell_area_mm2 : float [mm2]
        The same for every cell.
    region : (cell,) int8
        Index into `REGIONS`.
    row, column : (cell,) int
        Where a cell stands in the chart: rows run to the back, columns to the patient's right.
    chart_shape : (rows, columns)
        The square of the chart, with an empty border of one cell.
    metric_inverse : (3, rows, columns)
        g^xx, g^xy, g^yy with x along columns and y along rows; det = 1; identity off the scalp.
    density_per_cm2 : (cell,) [1/cm2]
        Terminal follicles.
    head : Head
        The ellipsoid and its hairline.
    """

    circumference_mm: float
    cell_mm: float
    position: Array
    normal: Array
    tangent: Array
    cell_area_mm2: float
    region: NDArray[np.int8]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    chart_shape: tuple[int, int]
    metric_inverse: Array
    density_per_cm2: Array
    head: Head


def build_scalp(
    circumference_mm: float | None = None, cell_mm: float = 2.0, ancestry: str | None = None
) -> Scalp:
    """Scalp of a head of a given circumference.

    The chart's lattice cells nearest to the crown of the cap are taken, as many as give the cap's
    area to the nearest 50 cells; left and right are mirror images.

    Parameters
    ----------
    circumference_mm : float [mm], optional
        Head circumference; the mean adult's when None.
    cell_mm : float [mm]
        Pitch of the grid.
    ancestry : {"african", "european", "asian"}, optional
        Sets the follicle density; the mean over people when None.

    Returns
    -------
    Scalp
        The same object for the same arguments.

    Raises
    ------
    InputError
        When a size is outside what is possible, or the ancestry is unknown.

    References
    ----------
    Loussouarn2005, Barman1965 (density); Olsen2004 (regions); BehrmanScalpArea (area).

    Examples
    --------
    >>> scalp = build_scalp()
    >>> len(scalp.position)
    19400
    """
    parameters = load_parameters()
    size = parameters["scalp.head_circumference"]
    if circumference_mm is None:
        circumference_mm = size.value
    key = None if ancestry is None else str(ancestry).strip().lower()
    problems = [
        *_size_problems("head circumference", circumference_mm, size, "a tape measure's reading"),
        *_size_problems("cell size", cell_mm, parameters["scalp.cell_size"], "about 2 mm"),
    ]
    if key is not None and key not in ANCESTRIES:
        problems.append(
            Problem("ancestry", f"one of {', '.join(ANCESTRIES)}, or nothing", repr(ancestry),
                    "Choose the nearest, or leave it out to use the mean.")
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    return _build(float(circumference_mm), float(cell_mm), key)


def follicle_count(scalp: Scalp) -> float:
    """Terminal follicles on the whole scalp.

    Examples
    --------
    >>> round(follicle_count(build_scalp()), -3)
    173000.0
    """
    return float(np.sum(scalp.density_per_cm2) * scalp.cell_area_mm2 / 100.0)


def region_cells(scalp: Scalp, region: str) -> NDArray[np.bool_]:
    """Which cells belong to a SALT region.

    Raises
    ------
    InputError
        When there is no such region.
    """
    if region not in REGIONS:
        raise InputError(
            Problem("region", f"one of {', '.join(REGIONS)}", repr(region), "Name a SALT region.")
        )
    cells: NDArray[np.bool_] = scalp.region == REGIONS.index(region)
    return cells


def _size_problems(place: str, value: float, allowed: Parameter, hint: str) -> list[Problem]:
    try:
        if allowed.low <= float(value) <= allowed.high:
            return []
    except (TypeError, ValueError):
        pass
    return [
        Problem(place, f"{allowed.low:g} to {allowed.high:g} {allowed.unit}", repr(value),
                f"Give it in {allowed.unit}: {hint}.")
    ]  # fmt: skip


@lru_cache(maxsize=8)
def _build(circumference_mm: float, cell_mm: float, ancestry: str | None) -> Scalp:
    head = make_head(circumference_mm)
    right = _right_half(head, cell_mm)
    chart, angle, azimuth = (np.concatenate([part, mirror]) for part, mirror in right)
    order = np.lexsort((chart[:, 0], chart[:, 1]))
    chart, angle, azimuth = chart[order], angle[order], azimuth[order]
    position = sphere_to_surface(head, angle, azimuth)
    tangent = chart_tangents(head, angle, azimuth)
    column = np.round(chart[:, 0] / cell_mm - 0.5).astype(np.int32)
    row = np.round(chart[:, 1] / cell_mm - 0.5).astype(np.int32)
    column, row = column - column.min() + 1, row - row.min() + 1
    shape = (int(row.max()) + 2, int(column.max()) + 2)
    region = _regions(head, position)
    scalp = Scalp(
        circumference_mm=circumference_mm,
        cell_mm=cell_mm,
        position=position,
        normal=surface_normal(head, position),
        tangent=tangent,
        cell_area_mm2=cell_mm**2,
        region=region,
        row=row,
        column=column,
        chart_shape=shape,
        metric_inverse=_metric_inverse(tangent, row, column, shape),
        density_per_cm2=_density(region, ancestry),
        head=head,
    )
    for value in vars(scalp).values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    return scalp


def _right_half(head: Head, cell_mm: float) -> list[tuple[Array, Array]]:
    """Chart coordinates, angle and azimuth of the right cells, each with its mirror image."""
    count = _CELLS_PER_STEP * round(head.area_mm2 / cell_mm**2 / _CELLS_PER_STEP)
    # The cap's image is nearly a disc, its furthest point less than a quarter beyond the mean.
    reach = np.ceil(1.25 * np.sqrt(head.area_mm2 / np.pi) / cell_mm)
    along = (np.arange(-reach, reach) + 0.5) * cell_mm
    x, y = np.meshgrid(along[along > 0], along)
    chart = np.stack([x.ravel(), y.ravel()], axis=-1)
    chart = chart[np.sum(chart**2, axis=-1) < (1.25**2) * head.area_mm2 / np.pi]
    angle, azimuth = chart_to_sphere(head, chart)
    distance = beyond_hairline(head, sphere_to_surface(head, angle, azimuth))
    chosen = np.argsort(distance, kind="stable")[: count // 2]
    chart, angle, azimuth = chart[chosen], angle[chosen], azimuth[chosen]
    return [(chart, chart * [-1.0, 1.0]), (angle, angle), (azimuth, -azimuth)]


def _metric_inverse(
    tangent: Array, row: NDArray[np.int32], column: NDArray[np.int32], shape: tuple[int, int]
) -> Array:
    metric = np.linalg.inv(tangent @ np.swapaxes(tangent, -1, -2))
    inverse = np.zeros((3, *shape))
    inverse[0], inverse[2] = 1.0, 1.0
    inverse[:, row, column] = metric[:, 0, 0], metric[:, 0, 1], metric[:, 1, 1]
    return inverse


def _regions(head: Head, position: Array) -> NDArray[np.int8]:
    """SALT regions by ranking: the sides first, then the back; the top is the rest."""
    parameters = load_parameters()
    side, back = (parameters.value(f"scalp.share_{name}", "1") for name in ("side", "back"))
    total = len(position)
    sphere = position / np.array(head.semi_axes)
    region = np.full(total, REGIONS.index("top"), np.int8)
    lateral = _side_score(sphere)
    for name, half in (("left", sphere[:, 0] < 0), ("right", sphere[:, 0] > 0)):
        members = np.flatnonzero(half)
        ranked = members[np.argsort(-lateral[members], kind="stable")]
        region[ranked[: round(side * total)]] = REGIONS.index(name)
    for half in (sphere[:, 0] < 0, sphere[:, 0] > 0):
        members = np.flatnonzero(half & (region == REGIONS.index("top")))
        ranked = members[np.argsort(-_back_score(sphere[members]), kind="stable")]
        region[ranked[: round(back * total / 2)]] = REGIONS.index("back")
    return region


def _side_score(sphere: Array) -> Array:
    """How much a place belongs to the side: below the parietal ridge and before the occiput."""
    ridge, rear, offset = (
        load_parameters().value(f"scalp.region_{name}", "1")
        for name in ("ridge_slope", "rear_slope", "rear_offset")
    )
    across, ahead, up = np.abs(sphere[:, 0]), sphere[:, 1], sphere[:, 2]
    rounding = 12.0  # The lesser of two scores, rounded where the two borders meet.
    below_ridge, before_occiput = across - ridge * up, ahead + rear * across + offset
    score: Array = -np.logaddexp(-rounding * below_ridge, -rounding * before_occiput)
    return score


def _back_score(sphere: Array) -> Array:
    """How much a place belongs to the back: behind and below the crown."""
    slope, rise = (
        load_parameters().value(f"scalp.region_back_{name}", "1") for name in ("slope", "rise")
    )
    score: Array = rise * sphere[:, 0] ** 2 - sphere[:, 1] - slope * sphere[:, 2]
    return score


def _density(region: NDArray[np.int8], ancestry: str | None) -> Array:
    """Terminal follicles per cm2 of each cell: regions differ, their mean is the ancestry's."""
    parameters = load_parameters()
    mean = parameters.value(f"scalp.density_{ancestry or 'mean'}", "1/cm^2")
    side = parameters.value("scalp.density_ratio_side", "1")
    ratio = np.array([1.0, parameters.value("scalp.density_ratio_back", "1"), side, side])[region]
    density: Array = mean * ratio / np.mean(ratio)
    return density
