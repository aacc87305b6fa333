"""The order of the hand: a short path through all sites, patch by patch."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from anagen.scalp.surface import Array
from anagen.treatment.sites import Site, positions, with_numbers


def renumber(sites: Iterable[Site]) -> tuple[Site, ...]:
    """Return the sites numbered in a short path for the hand, patch by patch.

    Parameters
    ----------
    sites : in any order.

    Returns
    -------
    tuple of Site
        Sorted and numbered from 1. The path of each patch starts where the hand left the one
        before, and is a nearest-neighbour tour improved by 2-opt until no exchange shortens it.

    Examples
    --------
    >>> row = [Site(0, (x, 0.0, 90.0)) for x in (20.0, 0.0, 10.0)]
    >>> [site.position[0] for site in renumber(row)]
    [0.0, 10.0, 20.0]
    """
    groups: dict[str, list[Site]] = {}
    for site in sorted(sites, key=lambda site: (site.patch or "", site.position)):
        groups.setdefault(site.patch or "", []).append(site)
    ordered: list[Site] = []
    hand: Array | None = None
    while groups:
        key = min(groups, key=lambda name: (_reach_of(groups[name], hand), name))
        group = groups.pop(key)
        points = positions(group)
        ordered += [group[index] for index in _tour(points, hand)]
        hand = np.array(ordered[-1].position)
    return with_numbers(ordered)


def _reach_of(group: Sequence[Site], hand: Array | None) -> float:
    points = positions(group)
    if hand is None:
        # The hand begins at the front, at the left.
        return float(np.min(points[:, 0] - points[:, 1]))
    return float(np.min(np.linalg.norm(points - hand, axis=1)))


def _tour(points: Array, hand: Array | None) -> list[int]:
    """Order of points (point, 3) that the hand follows, the shorter of two constructions."""
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
    if hand is None:
        first = int(np.argmin(points[:, 0] - points[:, 1]))
    else:
        first = int(np.argmin(np.linalg.norm(points - hand, axis=1)))
    orders = [_two_opt(order, gaps) for order in (_nearest(first, gaps), _swept(first, gaps))]
    lengths = [round(float(gaps[order[:-1], order[1:]].sum()), 6) for order in orders]
    return [int(index) for index in orders[int(np.argmin(lengths))]]


def _nearest(first: int, gaps: Array) -> NDArray[np.intp]:
    order, left = [first], set(range(len(gaps))) - {first}
    while left:
        here = order[-1]
        order.append(min(left, key=lambda index: (gaps[here, index], index)))
        left.remove(order[-1])
    return np.array(order, np.intp)


def _swept(first: int, gaps: Array) -> NDArray[np.intp]:
    """Order along the length of the patch, also of a curved one.

    The second eigenvector of the neighbour graph's Laplacian runs from one end to the other.
    """
    if len(gaps) < 3:
        return _nearest(first, gaps)
    scale = np.median(np.sort(gaps, axis=1)[:, 1])
    link = np.exp(-((gaps / (1.2 * scale)) ** 2))
    laplacian = np.diag(link.sum(axis=1)) - link
    along = np.linalg.eigh(laplacian)[1][:, 1]
    order = np.argsort(along, kind="stable")
    if np.argmax(order == first) > len(order) // 2:
        order = order[::-1]
    return np.concatenate([[first], order[order != first]])


def _two_opt(order: NDArray[np.intp], gaps: Array) -> NDArray[np.intp]:
    """Reverse stretches of an open path with fixed start while that shortens it."""
    count = len(order)
    for _ in range(50 * count):
        here, after = order[:-1], order[1:]
        # Reversing order[i+1 .. j] replaces the edges (i, i+1) and (j, j+1); the last has no j+1.
        new = gaps[here[:, None], order[None, :]].copy()
        new[:, :-1] += gaps[after[:, None], after[None, :]]
        old = np.repeat(gaps[here, after][:, None], count, axis=1)
        old[:, :-1] += gaps[here, after][None, :]
        saving = np.where(
            np.arange(count)[None, :] > np.arange(count - 1)[:, None] + 1, old - new, 0
        )
        if saving.size == 0 or saving.max() <= 1e-9:
            break
        i, j = np.unravel_index(int(np.argmax(saving)), saving.shape)
        order = np.concatenate([order[: i + 1], order[i + 1 : j + 1][::-1], order[j + 1 :]])
    return order
