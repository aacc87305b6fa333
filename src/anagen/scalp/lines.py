"""Lines on the scalp's surface for drawing it from any side: hairline, borders between regions."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anagen.scalp.grid import REGIONS, Scalp
from anagen.scalp.pictures import _crossings
from anagen.scalp.surface import (
    Array,
    Head,
    beyond_hairline,
    chart_to_sphere,
    hairline,
    sphere_to_surface,
    surface_to_chart,
)

# Cells over which the steps of the grid are smoothed away in a border.
_SMOOTH_CELLS = 2.0
# How far [mm] a line may be moved by leaving out points.
_SLACK_MM = 0.15


def hairline_ring(head: Head, points: int = 360) -> Array:
    """Hairline as a closed ring of positions, the scalp to its left as seen from outside.

    Parameters
    ----------
    head : Head
    points : int

    Returns
    -------
    (point, 3) [mm]

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> hairline_ring(build_scalp().head, 90).shape
    (90, 3)
    """
    # Azimuths grow clockwise as seen from above, so they are taken backward.
    turn = np.linspace(2.0 * np.pi, 0.0, points, endpoint=False)
    return sphere_to_surface(head, hairline(head, turn)[0], turn)


@lru_cache(maxsize=8)
def region_borders(scalp: Scalp) -> tuple[Array, ...]:
    """Parting lines between the SALT regions, each border once.

    Parameters
    ----------
    scalp : Scalp

    Returns
    -------
    tuple of (point, 3) [mm]
        Open lines on the surface, inside the hairline.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> len(region_borders(build_scalp(cell_mm=4.0))) >= 3
    True
    """
    shares = {region: _smoothed(scalp, index) for index, region in enumerate(REGIONS)}
    sides = np.maximum(shares["left"], shares["right"])
    lines = [*_lines(scalp, shares["left"] - 0.5), *_lines(scalp, shares["right"] - 0.5)]
    parted = shares["back"] - shares["top"]
    lines += [
        line
        for whole in _lines(scalp, parted)
        for line in _where(whole, _at(scalp, sides, whole) < 0.5)
    ]
    return tuple(lines)


def _smoothed(scalp: Scalp, region: int) -> Array:
    """Share (row, column) of a region around each place of the chart."""
    from scipy.ndimage import gaussian_filter

    member, there = np.zeros(scalp.chart_shape), np.zeros(scalp.chart_shape)
    member[scalp.row, scalp.column] = scalp.region == region
    there[scalp.row, scalp.column] = 1.0
    weight = gaussian_filter(there, _SMOOTH_CELLS, mode="constant")
    share: Array = gaussian_filter(member, _SMOOTH_CELLS, mode="constant") / np.maximum(
        weight, 1e-6
    )
    return share


def _lines(scalp: Scalp, field: Array) -> Iterator[Array]:
    """Lines (point, 3) [mm] inside the hairline where a field of the chart passes zero."""
    import shapely

    segments = _crossings(field)
    if len(segments) == 0:
        return
    merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(segments)))
    for part in shapely.get_parts(merged):
        fine = part.simplify(_SLACK_MM / scalp.cell_mm)
        grid = shapely.get_coordinates(shapely.segmentize(fine, 4.0 / scalp.cell_mm))
        position = _lift(scalp, grid)
        yield from _where(position, beyond_hairline(scalp.head, position) <= 0.0)


def _lift(scalp: Scalp, grid: Array) -> Array:
    """Positions (point, 3) [mm] of columns and rows (point, 2) of the chart."""
    first = surface_to_chart(scalp.head, scalp.position[:1])[0]
    corner = first - scalp.cell_mm * np.array([scalp.column[0], scalp.row[0]])
    return sphere_to_surface(
        scalp.head, *chart_to_sphere(scalp.head, corner + scalp.cell_mm * grid)
    )


def _at(scalp: Scalp, field: Array, position: Array) -> Array:
    """Values (point,) of a field of the chart at positions (point, 3) [mm]."""
    chart = surface_to_chart(scalp.head, position)
    first = surface_to_chart(scalp.head, scalp.position[:1])[0]
    cell = np.round((chart - first) / scalp.cell_mm).astype(int)
    row = np.clip(cell[:, 1] + scalp.row[0], 0, scalp.chart_shape[0] - 1)
    column = np.clip(cell[:, 0] + scalp.column[0], 0, scalp.chart_shape[1] - 1)
    values: Array = field[row, column]
    return values


def _where(line: Array, kept: NDArray[np.bool_]) -> Iterator[Array]:
    """Split a line into its runs of kept points."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(int), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= 3:
            yield line[start:end]
