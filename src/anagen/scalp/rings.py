"""Outlines of patches as seen from every side: exact on the ellipsoid, without a grid of cells."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anagen.scalp.shapes import Outline
from anagen.scalp.surface import Array, Head, beyond_hairline, onto_surface
from anagen.scalp.views import _AXES, VIEWS, ViewPoint, _bounds, check_view

# Steps [mm] along a drawn line: finer than a hand, coarse enough to be quick.
_STEP_MM = 3.0
_RIM_POINTS = 360
# A ring smaller than this [mm2] in the picture is seen edge on, or not at all.
_LEAST_MM2 = 1.0


@lru_cache(maxsize=2048)
def outline_ring(head: Head, outline: Outline, view: str) -> Array:
    """Ring of a drawn outline as it appears in a view.

    Parameters
    ----------
    head : Head
    outline : Outline
        As drawn, in the same view or another one.
    view : {"top", "back", "left", "right"}

    Returns
    -------
    (point, 2) [mm]
        From the frame's top-left corner, clockwise on the screen; empty when it is out of sight.

    Examples
    --------
    >>> from anagen.scalp import build_scalp, circle_outline
    >>> head = build_scalp().head
    >>> crown = circle_outline("top", 80.0, 120.0, 30.0)
    >>> len(outline_ring(head, crown, "top")) > 30, len(outline_ring(head, crown, "back")) > 30
    (True, True)
    """
    check_view(view)
    size = _bounds(head, outline.view)[1]
    points = np.asarray(outline.points, float)
    flat = _dense(points * size if outline.unit == "fraction" else points)
    if view != outline.view:
        toward = _AXES[view][2]
        space = _near(_lifted(head, outline.view, flat), toward)
        if len(space) < 3:
            return np.empty((0, 2))
        pulled = onto_surface(head, space)
        flat = pulled @ _AXES[view][:2].T - _bounds(head, view)[0]
    area = _signed_area(flat)
    if abs(area) < _LEAST_MM2:
        return np.empty((0, 2))
    ring = flat if area > 0 else flat[::-1]
    ring.setflags(write=False)
    return ring


@lru_cache(maxsize=64)
def scalp_ring(head: Head, view: str) -> Array:
    """Ring of the scalp in sight of a view: hairline in front of the rim, rim inside the hairline.

    Parameters
    ----------
    head : Head
    view : {"top", "back", "left", "right"}

    Returns
    -------
    (point, 2) [mm]
        From the frame's top-left corner.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp_ring(build_scalp().head, "left").shape[1]
    2
    """
    from anagen.scalp.lines import hairline_ring

    check_view(view)
    right, down, toward = _AXES[view]
    border = hairline_ring(head, _RIM_POINTS)
    turn = np.linspace(0.0, 2.0 * np.pi, _RIM_POINTS, endpoint=False)
    around = np.outer(np.cos(turn), right) + np.outer(np.sin(turn), down)
    rim = around * np.array(head.semi_axes)
    runs = [*_runs(border, border @ toward >= 0.0), *_runs(rim, beyond_hairline(head, rim) <= 0.0)]
    ring = _chained([run @ np.stack([right, down]).T for run in runs]) - _bounds(head, view)[0]
    ring.setflags(write=False)
    return np.asarray(ring)


def view_corner(head: Head, view: str) -> Array:
    """Top-left corner (2,) [mm] of a view's frame, right and down of the head's centre."""
    check_view(view)
    corner: Array = _bounds(head, view)[0].copy()
    return corner


def seen_points(
    head: Head, points: Sequence[ViewPoint], view: str, least_facing: float = 0.0
) -> Array:
    """Where points marked in any view appear in one view; those turned away are left out.

    Parameters
    ----------
    head : Head
    points : sequence of ViewPoint
    view : {"top", "back", "left", "right"}
    least_facing : float [1]
        Least cosine between the surface's normal and the line of sight.

    Returns
    -------
    (point, 2) [mm]
    """
    check_view(view)
    axes, semi = _AXES[view], np.array(head.semi_axes)
    found = [np.empty((0, 2))]
    for source in VIEWS:
        size = _bounds(head, source)[1]
        own = [np.array((one.x, one.y)) * (size if one.unit == "fraction" else 1.0)
               for one in points if one.view == source]  # fmt: skip
        if own:
            space = _lifted(head, source, np.array(own))
            normal = space / semi**2
            facing = normal @ axes[2] / np.linalg.norm(normal, axis=-1)
            found.append((space @ axes[:2].T - _bounds(head, view)[0])[facing > least_facing])
    return np.concatenate(found)


def seen_lines(head: Head, lines: Iterable[Array], view: str) -> list[Array]:
    """Parts of lines (point, 3) [mm] on the surface in sight of a view, each (point, 2) [mm]."""
    check_view(view)
    axes = _AXES[view]
    return [
        part @ axes[:2].T - _bounds(head, view)[0]
        for line in lines
        for part in _open_runs(line, line @ axes[2] >= 0.0)
    ]


def _lifted(head: Head, view: str, points: Array) -> Array:
    """Places (point, 3) [mm] on the near side; for points beside the head, on its rim."""
    right, down, toward = _AXES[view]
    semi = np.array(head.semi_axes)
    flat = points + _bounds(head, view)[0]
    radius = np.linalg.norm(flat / [semi @ np.abs(right), semi @ np.abs(down)], axis=-1)
    flat = flat / np.maximum(radius, 1.0)[:, None]
    height = (semi @ np.abs(toward)) * np.sqrt(1.0 - np.minimum(radius, 1.0) ** 2)
    lifted: Array = flat @ np.stack([right, down]) + height[:, None] * toward
    return lifted


def _dense(points: Array) -> Array:
    """Give a closed ring (point, 2) with points at most a step apart."""
    following = np.roll(points, -1, axis=0)
    parts = []
    for start, end in zip(points, following, strict=True):
        steps = max(1, int(np.ceil(np.linalg.norm(end - start) / _STEP_MM)))
        share = np.arange(steps)[:, None] / steps
        parts.append(start + share * (end - start))
    return np.concatenate(parts)


def _near(ring: Array, toward: Array) -> Array:
    """Part of a closed ring (point, 3) on the near side, closed along the rim."""
    height = ring @ toward
    if np.all(height >= 0.0):
        return ring
    if np.all(height < 0.0):
        return np.empty((0, 3))
    # From a point in sight on, so that the way out comes before the way back along the rim.
    first = int(np.flatnonzero(height >= 0.0)[0])
    ring, height = np.roll(ring, -first, axis=0), np.roll(height, -first)
    kept: list[Array] = []
    for index in range(len(ring)):
        here, there = ring[index], ring[(index + 1) % len(ring)]
        low, high = height[index], height[(index + 1) % len(ring)]
        if low >= 0.0:
            kept.append(here)
        if (low >= 0.0) != (high >= 0.0):
            crossing = here + (there - here) * (low / (low - high))
            if low < 0.0:
                kept += _between(kept[-1], crossing)
            kept.append(crossing)
    return np.array(kept)


def _between(start: Array, end: Array) -> list[Array]:
    steps = int(np.linalg.norm(end - start) / _STEP_MM)
    return [start + (end - start) * (step / (steps + 1)) for step in range(1, steps + 1)]


def _runs(ring: Array, kept: NDArray[np.bool_]) -> list[Array]:
    """Stretches of a closed ring (point, 3) that are kept."""
    if np.all(kept):
        return [np.concatenate([ring, ring[:1]])]
    if not np.any(kept):
        return []
    start = int(np.flatnonzero(~kept)[0])
    return _open_runs(np.roll(ring, -start, axis=0), np.roll(kept, -start))


def _open_runs(line: Array, kept: NDArray[np.bool_]) -> list[Array]:
    """Stretches of an open line (point, 3) that are kept."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(int), [0]])))
    return [line[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def _chained(runs: list[Array]) -> Array:
    """One ring of open stretches, each joined to the nearest end of another."""
    rest = sorted(runs, key=len)
    ring = rest.pop()
    while rest:
        gaps = [
            (float(np.linalg.norm(run[side] - ring[-1])), at, side)
            for at, run in enumerate(rest)
            for side in (0, -1)
        ]
        _, at, side = min(gaps)
        run = rest.pop(at)
        ring = np.concatenate([ring, run if side == 0 else run[::-1]])
    return ring


def _signed_area(points: Array) -> float:
    x, y = points.T
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
