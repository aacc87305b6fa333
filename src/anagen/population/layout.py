"""A round patch as classes of skin: how far from the nearest injection, how far from the border.

Cells of a patch that lie equally far from the nearest injection and from the border see the same
drug and have the same neighbours, so that they share one state. The attack spreads between classes
as between the cells of a finite-volume grid: over the length of their common border, divided by the
distance of their middles. Classes go on outside the patch, where attack spreads or drug reaches.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_FINE = 0.25  # mm, grid on which areas and borders of classes are measured; coarser when large
_FINE_CELLS = 480  # across, above which the grid is coarser
_BAND = 0.5  # mm, half width of the band around a level line whose area measures its length
_SPARE_SHARE = 5e-4  # of the patch; a smaller class joins its neighbour nearer to the site
_OUTER_SPARE_SHARE = 0.05  # classes outside up to this size join first when there are too many
_COARSER = 1.5  # factor by which these sizes grow until there are few enough
_SITE_PRICE = 0.3  # of a prick against gaps; gives as many injections as placing them on the head
NEAREST = 3  # injections near a class whose drug adds up there
QUANTILES = 2  # points of a class at which the drug is taken
CLASSES = 40  # of every layout, unused ones without area, so that all compile alike
_RINGS = 16  # more than any band has
_FAR = 1e3  # mm; no injection within reach

_SITE_RINGS = (1.5, 2.5, 3.25, 4.0, 4.75, 6.5, 9.0, 12.0, 16.0)
_INSIDE = (1.5, 4.0, 8.0)
# The front of the attack is about 2 mm wide; coarser classes slow it.
_OUTSIDE = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.5, 21.0, 24.0, 28.0, 33.0)
_RINGED = -4.5  # mm from the border, to which the patch's surroundings have rings as well
_UNTREATED_OUTSIDE = tuple(float(mm) for mm in range(2, 47, 2))
_OUTSIDE_RINGS = (2.5, 3.5, 4.75, 6.5)


@dataclass(frozen=True)
class Layout:
    """Classes of one patch and its surroundings; the same for every person with such a patch.

    Parameters
    ----------
    diameter : of the patch [mm]; spacing : of the injections [mm], infinite for none.
    sites : number of injections.
    area : (class,) [mm2]; inside : (class,) share of its area within the patch's outline, 0 or 1.
    rate : (class,) eigenvalues [1/mm2] of the spread between classes, none positive.
    forward, back : (class, class) change to and from its eigenvectors.
    lateral : (class, point, near) [mm] distance along the skin from points of a class to the
        nearest injections; far away where there is none.
    """

    diameter: float
    spacing: float
    sites: int
    area: np.ndarray
    inside: np.ndarray
    rate: np.ndarray
    forward: np.ndarray
    back: np.ndarray
    lateral: np.ndarray


@lru_cache(maxsize=512)
def build_layout(diameter: float, spacing: float = 10.0) -> Layout:
    """Lay out a round patch with injections on a hexagonal lattice.

    Parameters
    ----------
    diameter : of the patch [mm].
    spacing : of the injections [mm]; ``inf`` for none.

    Returns
    -------
    Layout

    Examples
    --------
    >>> layout = build_layout(30.0)
    >>> layout.sites, round(float(layout.area @ layout.inside) / 100.0, 1)
    (7, 7.1)
    """
    radius = diameter / 2.0
    sites = lattice_sites(radius, spacing)
    return layout_of(radius, sites, spacing)


def layout_of(radius: float, sites: np.ndarray, spacing: float) -> Layout:
    """Classes of a round patch with injections at given places (site, 2) [mm] from its middle."""
    return assemble(mesh_of(radius, sites), radius, spacing, len(sites))


def mesh_of(radius: float, sites: np.ndarray, coarser: float = 1.0) -> "Mesh":
    """Fine cells of a round patch and its surroundings, in classes by sites (site, 2) [mm].

    Parameters
    ----------
    radius : of the patch [mm]; sites : from its middle.
    coarser : how many times wider than usual the fine cells are.
    """
    outside = _OUTSIDE if len(sites) else _UNTREATED_OUTSIDE
    levels = np.sort(np.concatenate([[0.0], _INSIDE, -np.array(outside[:-1])]))
    reach = radius + outside[-1]
    fine = max(_FINE * coarser, 2.0 * reach / _FINE_CELLS)
    axis = np.arange(-reach + fine / 2.0, reach, fine)
    place = np.column_stack([part.ravel() for part in np.meshgrid(axis, axis)])
    place = place[np.hypot(*place.T) < reach]
    return _mesh(fine, levels, place, radius - np.hypot(*place.T), near_sites(place, sites))


def lattice_sites(radius: float, spacing: float) -> np.ndarray:
    """Places of the injections, phase of the lattice chosen to serve the patch best."""
    if not np.isfinite(spacing):
        return np.empty((0, 2))
    count = int(2.0 * radius / spacing) + 3
    row, column = np.meshgrid(np.arange(-count, count + 1), np.arange(-count, count + 1))
    lattice = np.column_stack(
        [((column + 0.5 * (row % 2)) * spacing).ravel(),
         (row * spacing * np.sqrt(3.0) / 2.0).ravel()]
    )  # fmt: skip
    axis = np.linspace(-radius, radius, 61)
    patch = np.column_stack([part.ravel() for part in np.meshgrid(axis, axis)])
    patch = patch[np.hypot(*patch.T) <= radius]
    best, lowest = np.zeros((1, 2)), np.inf
    third = spacing / np.sqrt(3.0)
    for phase in ((0.0, 0.0), (0.0, third), (spacing / 2.0, 0.0)):
        moved = lattice + np.array(phase)
        chosen = moved[np.hypot(*moved.T) <= radius]
        if not len(chosen):
            continue
        price = _SITE_PRICE * spacing**2 / (2.0 * radius)
        badness = np.mean(near_sites(patch, chosen)[:, 0] ** 2) + price * len(chosen)
        if badness < lowest:
            best, lowest = chosen, badness
    return best


def near_sites(points: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """Distances (point, near) [mm] to the nearest injections."""
    from scipy.spatial import cKDTree

    if not len(sites):
        return np.full((len(points), NEAREST), _FAR)
    distance, _ = cKDTree(sites).query(points, k=NEAREST)
    return np.minimum(distance, _FAR)


@dataclass(frozen=True)
class Mesh:
    """Fine cells in the order of bands and, within each, of the distance to an injection.

    Parameters
    ----------
    fine : pitch [mm]; levels : of the distance into the patch [mm] between bands.
    place : (cell, 2) [mm] from the middle.
    border : (cell,) [mm] distance into the patch; near : (cell, near) [mm] to injections.
    first : (band + 1,) index of each band's first cell.
    edges : of the rings [mm], an array a band.
    """

    fine: float
    levels: np.ndarray
    place: np.ndarray
    border: np.ndarray
    near: np.ndarray
    first: np.ndarray
    edges: list[np.ndarray]

    def band(self, number: int) -> slice:
        """Cells of a band."""
        return slice(int(self.first[number]), int(self.first[number + 1]))

    def sites(self, number: int) -> np.ndarray:
        """Distances of a band's cells to the nearest injection, ascending."""
        return np.asarray(self.near[self.band(number), 0])

    def labels(self) -> np.ndarray:
        """Band and ring of every cell in one number."""
        return np.concatenate(
            [number * _RINGS + np.searchsorted(edges, self.sites(number))
             for number, edges in enumerate(self.edges)]
        )  # fmt: skip


def _mesh(
    fine: float, levels: np.ndarray, place: np.ndarray, border: np.ndarray, near: np.ndarray
) -> Mesh:
    """Sort cells into bands and choose rings, as fine as the number of classes allows."""
    band = np.searchsorted(levels, border)
    order = np.lexsort((near[:, 0], band))
    first = np.searchsorted(band[order], np.arange(len(levels) + 2))
    mesh = Mesh(fine, levels, place[order], border[order], near[order], first, [])
    outer = inner = _SPARE_SHARE
    mesh.edges[:] = _rings(mesh, inner, outer)
    while sum(len(edges) + 1 for edges in mesh.edges) > CLASSES:
        outer *= _COARSER
        inner *= _COARSER if outer > _OUTER_SPARE_SHARE else 1.0
        mesh.edges[:] = _rings(mesh, inner, outer)
    return mesh


def _rings(mesh: Mesh, inner: float, outer: float) -> list[np.ndarray]:
    """Edges of each band's rings; none smaller than a share of the patch, in it and around it."""
    patch = float(np.sum(mesh.border > 0))
    rings = []
    for number, low in enumerate((-np.inf, *mesh.levels)):
        wanted = _SITE_RINGS if low >= 0.0 else _OUTSIDE_RINGS if low >= _RINGED else ()
        fewest = (inner if low >= 0.0 else outer) * patch
        rings.append(_merge(np.array(wanted), mesh.sites(number), fewest))
    return rings


def _merge(edges: np.ndarray, values: np.ndarray, fewest: float) -> np.ndarray:
    """Drop edges so that every ring holds at least so many of the ascending values."""
    kept: list[float] = []
    below = 0
    for edge, reached in zip(edges, np.searchsorted(values, edges, side="right"), strict=True):
        if reached - below >= fewest and len(values) - reached >= fewest:
            kept.append(float(edge))
            below = int(reached)
    return np.array(kept)


def assemble(mesh: Mesh, radius: float, spacing: float, sites: int) -> Layout:
    """Put areas, borders and distances of the classes of a mesh together."""
    names, member = np.unique(mesh.labels(), return_inverse=True)
    area = np.bincount(member) * mesh.fine**2
    rate, forward, back = _modes(_conductance(mesh, names, member), area)
    spare = CLASSES - len(names)
    inside = (names // _RINGS > np.searchsorted(mesh.levels, 0.0)).astype(float)
    padding = ((0, spare), (0, spare))
    forward, back = np.pad(forward, padding), np.pad(back, padding)
    lateral = np.pad(_points(member, mesh.near), ((0, spare), (0, 0), (0, 0)),
                     constant_values=_FAR)  # fmt: skip
    return Layout(
        2.0 * radius, spacing, sites, np.pad(area, (0, spare)), np.pad(inside, (0, spare)),
        np.pad(rate, (0, spare)), forward, back, lateral,
    )  # fmt: skip


def _conductance(mesh: Mesh, names: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Length of the border over the distance of the middles of every two classes (class, class)."""
    cells = np.bincount(member)
    site, border = mesh.near[:, 0], mesh.border
    mean_site, mean_border = np.bincount(member, site) / cells, np.bincount(member, border) / cells
    number = {int(name): index for index, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))

    def join(one: int, other: int, close: int, distance: float) -> None:
        length = close * mesh.fine**2 / (2.0 * _BAND)
        matrix[one, other] += length / max(distance, mesh.fine)
        matrix[other, one] = matrix[one, other]

    for band, edges in enumerate(mesh.edges):
        bounds = np.concatenate([[-np.inf], edges, [np.inf]])
        for ring, edge in enumerate(edges):
            one, other = number[band * _RINGS + ring], number[band * _RINGS + ring + 1]
            reach = (max(edge - _BAND, bounds[ring]), min(edge + _BAND, bounds[ring + 2]))
            low, high = np.searchsorted(mesh.sites(band), reach)
            join(one, other, int(high - low), mean_site[other] - mean_site[one])
    for band, level in enumerate(mesh.levels):
        both = slice(mesh.band(band).start, mesh.band(band + 1).stop)
        close = site[both][np.abs(border[both] - level) < _BAND]
        pairs = [
            side * _RINGS + np.searchsorted(mesh.edges[side], close) for side in (band, band + 1)
        ]
        found, counts = np.unique(np.column_stack(pairs), axis=0, return_counts=True)
        for (low, high), count in zip(found.tolist(), counts.tolist(), strict=True):
            if low in number and high in number:
                one, other = number[low], number[high]
                join(one, other, count, mean_border[other] - mean_border[one])
    return matrix


def _modes(conductance: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues and both changes of basis of dT/dt = (G - diag(G 1)) T / area."""
    root = np.sqrt(area)
    flow = conductance - np.diag(conductance.sum(1))
    rate, vectors = np.linalg.eigh(flow / np.outer(root, root))
    return np.minimum(rate, 0.0), vectors.T * root, vectors / root[:, None]


def _points(member: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Distances (class, point, near) at equal shares of each class by distance to the injection."""
    order = np.lexsort((near[:, 0], member))
    count = np.bincount(member)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    share = (np.arange(QUANTILES) + 0.5) / QUANTILES
    index = start[:, None] + (share[None] * count[:, None]).astype(int)
    return np.asarray(near[order[index]])
