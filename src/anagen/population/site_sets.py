"""Sets of injections on one round patch: sessions need not inject the same places.

Classes of skin are laid out by the first set; how far each class lies from the injections of every
set is measured at a few of its points.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from anagen.population.layout import (
    CLASSES,
    NEAREST,
    Layout,
    Mesh,
    assemble,
    lattice_sites,
    mesh_of,
    near_sites,
)

Places = tuple[tuple[float, float], ...]
"""Injections of one session on a patch: (x, y) [mm] from its middle."""

POINTS = 4  # of a class at which the drug is taken
_FAR = 1e3  # mm
_COARSER = 2.0  # fine cells than where the fast person is laid out, which is not in a hurry


def usual_places(diameter: float, spacing: float) -> Places:
    """Injections on a hexagonal lattice of a spacing [mm] on a round patch of a diameter [mm].

    Examples
    --------
    >>> len(usual_places(30.0, 10.0))
    7
    """
    found = lattice_sites(diameter / 2.0, spacing)
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in found)


@lru_cache(maxsize=64)
def layout_of_sets(diameter: float, sets: tuple[Places, ...]) -> tuple[Layout, np.ndarray]:
    """Lay out a round patch that several sets of injections serve.

    Parameters
    ----------
    diameter : of the patch [mm].
    sets : the first one decides the classes.

    Returns
    -------
    Layout
        By the first set.
    (set, class, point, near) [mm]
        Distances to the nearest injections of every set, at the same points of each class.
    """
    radius = diameter / 2.0
    places = [np.array(one).reshape(-1, 2) for one in sets]
    mesh = mesh_of(radius, places[0], _COARSER)
    layout = assemble(mesh, radius, float("inf"), len(places[0]))
    chosen = mesh.place[_points(mesh, places)]
    lateral = np.full((len(sets), CLASSES, POINTS, NEAREST), _FAR)
    for number, sites in enumerate(places):
        near = near_sites(chosen.reshape(-1, 2), sites)
        lateral[number, : len(chosen)] = near.reshape(len(chosen), POINTS, NEAREST)
    return layout, lateral


def _points(mesh: Mesh, places: Sequence[np.ndarray]) -> np.ndarray:
    """Cells (class, point) that stand for a class: halves by the first and by the second set."""
    _, member = np.unique(mesh.labels(), return_inverse=True)
    second = mesh.border if len(places) < 2 else near_sites(mesh.place, places[1])[:, 0]
    order = np.lexsort((mesh.near[:, 0], member))
    count = np.bincount(member)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    chosen = np.empty((len(count), POINTS), int)
    for number, (start, cells) in enumerate(zip(first, count, strict=True)):
        inside = order[start : start + cells]
        halves = np.array_split(inside, 2) if cells > 1 else [inside, inside]
        for half, part in enumerate(halves):
            ranked = part[np.argsort(second[part], kind="stable")]
            for quarter, share in enumerate((0.25, 0.75)):
                chosen[number, 2 * half + quarter] = ranked[int(share * len(ranked))]
    return chosen
