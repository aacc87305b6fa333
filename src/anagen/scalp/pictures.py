"""From cells back to pictures: which cell each pixel shows, and outlines of a cover."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anagen.errors import InputError, Problem
from anagen.scalp.distance import cell_tree
from anagen.scalp.grid import Scalp
from anagen.scalp.shapes import Outline
from anagen.scalp.surface import Array, surface_to_chart
from anagen.scalp.views import View, frame, lift


@lru_cache(maxsize=16)
def picture_cells(scalp: Scalp, view: View, pixel_mm: float = 1.0) -> NDArray[np.intp]:
    """Cell that each pixel of a view shows, -1 beside the scalp.

    Parameters
    ----------
    scalp : Scalp
    view : {"top", "back", "left", "right"}
    pixel_mm : float [mm]
        Size of a pixel; the picture spans the frame, from its top-left corner.

    Returns
    -------
    (row, column) int
        Index with it, ``np.where(cells < 0, background, values[cells])``, to draw values per cell.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> picture_cells(build_scalp(), "top").shape
    (188, 159)
    """
    position, off = _pixels(scalp, view, pixel_mm)
    cells = np.full(off.shape, -1, dtype=np.intp)
    seen = off <= 0.0
    cells[seen] = cell_tree(scalp).query(position[seen])[1]
    cells.setflags(write=False)
    return cells


def cover_outlines(
    scalp: Scalp, cover: ArrayLike, view: View, level: float = 0.5, pixel_mm: float = 1.0
) -> tuple[Outline, ...]:
    """Outlines of a cover as a view shows it, for drawing.

    Parameters
    ----------
    scalp : Scalp
    cover : (cell,)
        Shares of cells, or any other values.
    view : {"top", "back", "left", "right"}
    level : float
        The outline runs where the interpolated values pass this level.
    pixel_mm : float [mm]
        Fineness.

    Returns
    -------
    tuple of Outline [mm]
        Rings without repeated ends; a hole is a ring of its own (draw with the even-odd rule).
        Empty when the view shows nothing of the cover.
    """
    import shapely

    picture = np.pad(_interpolate(scalp, np.asarray(cover, float), view, pixel_mm), 1)
    segments = _crossings(picture - level)
    if len(segments) == 0:
        return ()
    corners = (segments - 0.5) * pixel_mm
    lines = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(corners)))
    size = frame(scalp, view)
    rings = [
        np.clip(shapely.get_coordinates(line.simplify(0.1 * pixel_mm))[:-1], 0.0, size)
        for line in shapely.get_parts(lines)
    ]
    return tuple(
        Outline(view=view, points=tuple((float(x), float(y)) for x, y in ring))
        for ring in rings
        if len(ring) >= 3
    )


@lru_cache(maxsize=16)
def _pixels(scalp: Scalp, view: View, pixel_mm: float) -> tuple[Array, Array]:
    """Position (row, column, 3) [mm] that each pixel shows and how far off the scalp it is."""
    if not 0.05 <= pixel_mm <= 50.0:
        raise InputError(
            Problem("pixel_mm", "0.05 to 50 mm", repr(pixel_mm), "About 1 mm shows every cell.")
        )
    width, height = frame(scalp, view)
    x = (np.arange(int(np.ceil(width / pixel_mm))) + 0.5) * pixel_mm
    y = (np.arange(int(np.ceil(height / pixel_mm))) + 0.5) * pixel_mm
    points = np.stack(np.meshgrid(x, y), axis=-1)
    position, off = lift(scalp, view, points.reshape(-1, 2))
    return position.reshape(*points.shape[:2], 3), off.reshape(points.shape[:2])


@lru_cache(maxsize=16)
def _pixel_weights(
    scalp: Scalp, view: View, pixel_mm: float
) -> tuple[NDArray[np.bool_], NDArray[np.intp], Array]:
    """Pixels on the scalp; the four cells around each (-1 for none) and their weights."""
    position, off = _pixels(scalp, view, pixel_mm)
    seen = off <= 0.0
    chart = surface_to_chart(scalp.head, position[seen]) / scalp.cell_mm
    first = surface_to_chart(scalp.head, scalp.position[:1])[0] / scalp.cell_mm
    column = chart[:, 0] - first[0] + scalp.column[0]
    row = chart[:, 1] - first[1] + scalp.row[0]
    index = np.full(scalp.chart_shape, -1, dtype=np.intp)
    index[scalp.row, scalp.column] = np.arange(len(scalp.position))
    left = np.clip(np.floor(column).astype(int), 0, scalp.chart_shape[1] - 2)
    upper = np.clip(np.floor(row).astype(int), 0, scalp.chart_shape[0] - 2)
    right_part, lower_part = column - left, row - upper
    corners, weights = [], []
    for down in (0, 1):
        for across in (0, 1):
            corners.append(index[upper + down, left + across])
            weights.append(np.abs(1.0 - down - lower_part) * np.abs(1.0 - across - right_part))
    cells, weight = np.stack(corners), np.clip(np.stack(weights), 0.0, None)
    weight = np.where(cells >= 0, weight, 0.0)
    return seen, cells, weight / np.maximum(weight.sum(axis=0), 1e-9)


def _interpolate(scalp: Scalp, values: Array, view: View, pixel_mm: float) -> Array:
    """Picture (row, column) of values per cell, interpolated between cells, 0 beside the scalp."""
    seen, cells, weight = _pixel_weights(scalp, view, pixel_mm)
    picture = np.zeros(seen.shape)
    picture[seen] = np.sum(np.append(values, 0.0)[cells] * weight, axis=0)
    return picture


def _crossings(field: Array) -> Array:
    """Line segments (segment, 2, 2) of x, y in pixels where a field passes zero.

    Marching squares: every square of four neighbouring values has an even number of sides with a
    change of sign; they are joined pairwise. Ends of neighbouring squares agree exactly.
    """
    field = np.where(field == 0.0, 1e-12, field)
    high = field > 0.0
    rows, columns = np.indices((field.shape[0] - 1, field.shape[1] - 1))
    # Sides in the order top, right, bottom, left; each from its lesser corner, so that both squares
    # beside it compute the same end.
    edges = (((0, 0), (0, 1)), ((0, 1), (1, 1)), ((1, 0), (1, 1)), ((0, 0), (1, 0)))
    sides = []
    for (y0, x0), (y1, x1) in edges:
        a, b = field[rows + y0, columns + x0], field[rows + y1, columns + x1]
        changes = (a > 0.0) != (b > 0.0)
        part = np.where(changes, a / np.where(changes, a - b, 1.0), 0.0)
        point = np.stack([columns + x0 + part * (x1 - x0), rows + y0 + part * (y1 - y0)], axis=-1)
        sides.append((changes, point))
    segments = []
    changed = np.stack([changes for changes, _ in sides])
    saddle = changed.all(axis=0)
    for i in range(4):
        for j in range(i + 1, 4):
            plain = changed[i] & changed[j] & ~saddle
            segments.append(np.stack([sides[i][1][plain], sides[j][1][plain]], axis=1))
    for pairs, chosen in (
        (((0, 1), (2, 3)), saddle & high[:-1, :-1]),
        (((0, 3), (1, 2)), saddle & ~high[:-1, :-1]),
    ):
        for i, j in pairs:
            segments.append(np.stack([sides[i][1][chosen], sides[j][1][chosen]], axis=1))
    return np.concatenate(segments)
