"""Bald patches of virtual people: their areas, places and ages.

The areas of a person's round patches sum to the extent; they are unequal, from a Dirichlet
distribution. Patches are laid on the mean adult's head largest first, each in a region drawn by
published shares, and keep a gap from one another. When no room is found, the smallest patch is
merged into the largest and the person is laid out anew.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.population.covariate_data import load_covariates
from anagen.population.covariates import COVARIATES, Covariates, scalp_area_cm2
from anagen.population.settings import CLINIC, check_draw
from anagen.population.streams import stream_key, uniforms
from anagen.scalp import (
    REGIONS,
    VIEWS,
    build_scalp,
    distance_matrix,
    edge_distance,
    facing,
    frame,
    geodesic_distance,
    project,
)
from anagen.scalp.surface import onto_surface

if TYPE_CHECKING:
    from anagen.scalp import Scalp

Array = NDArray[np.float64]

_SIZES, _PLACES = 2, 3  # purposes of random numbers
_PIECE = 65_536  # people at a time
_CELL_MM = 6.0  # grid of possible middles; a patch is then moved within its cell
_LAYOUTS = 2  # fresh layouts of a person's patches before two of them are merged
_TRIES = 12  # places tried for one patch in one layout
_DECIMALS = 9  # of fractions of a frame; a longer draw may round the last digits differently
_NEAR_EDGE = 0.7  # a disc wider than this share of its region may be cut off at the hairline
_WIDE_CELLS = 150  # wider discs see the curvature change; the table is within 1 % for them
_LEVELS = 48  # areas at which the radius of a cut disc is tabulated


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches of virtual people, one entry a patch; a person's stand together, largest first.

    Parameters
    ----------
    person : (patch,) int64, index of the person among those given, 0 for the first.
    diameter_mm : (patch,) [mm] along the skin; `anagen.scalp.disc` of it has the patch's area.
    region : (patch,) int8, index into `anagen.scalp.REGIONS` of the region of the middle.
    view : (patch,) int8, index into `anagen.scalp.VIEWS`.
    x, y : (patch,) [1] middle as fractions of the frame of that view, on the mean adult's head.
    age_days : (patch,) [day] since it appeared, at most the present episode.
    merged : (person,) int8, patches that found no room of their own and were merged.
    """

    person: NDArray[np.int64]
    diameter_mm: Array
    region: NDArray[np.int8]
    view: NDArray[np.int8]
    x: Array
    y: Array
    age_days: Array
    merged: NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.person)


def draw_patches(covariates: Covariates, seed: int, first: int = 0) -> Patches:
    """Draw the patches of people.

    Parameters
    ----------
    covariates : of the people; ``patches`` and ``extent`` say how many and how large together.
    seed : as given to `draw_covariates`.
    first : index of the first person; person ``first + i`` gets the same patches in every draw.

    Returns
    -------
    Patches

    Raises
    ------
    InputError
        When seed or index cannot be meant, or extents or numbers of patches are impossible.

    Examples
    --------
    >>> from anagen.population.covariates import draw_covariates
    >>> people = draw_covariates(20, seed=1)
    >>> patches = draw_patches(people, seed=1)
    >>> bool((np.bincount(patches.person) + patches.merged == people.patches).all())
    True
    """
    check_draw(len(covariates), seed, CLINIC, first)
    _check(covariates)
    parts = []
    for start in range(0, len(covariates), _PIECE):
        piece = slice(start, min(start + _PIECE, len(covariates)))
        part = Covariates(**{name: getattr(covariates, name)[piece] for name in COVARIATES})
        person = np.arange(first + piece.start, first + piece.stop)
        parts.append(_draw(part, person, seed, start))
    return Patches(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def reference_scalp(cell_mm: float = 2.0) -> "Scalp":
    """Head on which patches lie: the mean adult's.

    Examples
    --------
    >>> len(reference_scalp().position)
    19400
    """
    return build_scalp(cell_mm=cell_mm)


def _check(covariates: Covariates) -> None:
    most = load_covariates().value("count.most", "1")
    extent, count = covariates.extent, covariates.patches
    bad = ~((extent > 0.0) & (extent <= 1.0)) | (count < 1) | (count > most)
    if bad.any():
        worst = int(np.argmax(bad))
        raise InputError(
            Problem("covariates", f"extents above 0 and up to 1, from 1 to {most:g} patches",
                    f"{bad.sum()} others, the first {extent[worst]:g} with {count[worst]} patches",
                    "Draw covariates with draw_covariates.")
        )  # fmt: skip


def _draw(
    covariates: Covariates, person: NDArray[np.int64], seed: int, start: int
) -> tuple[NDArray, ...]:
    area, order = _areas(covariates, person, stream_key(seed, _SIZES))
    position, radius, region = _lay(area, person, stream_key(seed, _PLACES))
    present = area > 0.0
    age = _ages(covariates, person, order, stream_key(seed, _SIZES))
    who = np.broadcast_to(np.arange(start, start + len(person))[:, None], area.shape)
    view, x, y = _points(position[present])
    merged = covariates.patches - present.sum(axis=1)
    return (
        who[present].astype(np.int64), 2.0 * radius[present], region[present], view, x, y,
        age[present], merged.astype(np.int8),
    )  # fmt: skip


def _most() -> int:
    return int(load_covariates().value("count.most", "1"))


def _areas(
    covariates: Covariates, person: NDArray[np.int64], key: tuple[int, int]
) -> tuple[Array, NDArray[np.intp]]:
    """Areas (person, place) [mm2] of each person's patches, largest first, 0 where there is none.

    Each patch takes the least area and a share of the rest: gamma variates of a whole shape.
    """
    data, most = load_covariates(), _most()
    evenness = int(data.value("patch.evenness", "1"))
    random = uniforms(key, person, 0, most * evenness)
    weight = -np.log(random.reshape(len(person), most, evenness)).sum(axis=-1)
    present = np.arange(most) < covariates.patches[:, None]
    weight = np.where(present, weight, 0.0)
    least = np.pi / 4.0 * data.value("patch.least_diameter", "mm") ** 2
    whole = covariates.extent * scalp_area_cm2() * 100.0
    rest = np.maximum(whole - least * covariates.patches, 0.0)[:, None]
    floor = np.minimum(least, whole / covariates.patches)[:, None]
    area = np.where(present, floor + rest * weight / weight.sum(axis=1, keepdims=True), 0.0)
    order = np.argsort(-area, axis=1, kind="stable")
    return np.take_along_axis(area, order, axis=1), order


def _ages(
    covariates: Covariates, person: NDArray[np.int64], order: NDArray[np.intp], key: tuple[int, int]
) -> Array:
    """Ages (person, place) [day]: the largest patch began the episode, the others evenly since."""
    data = load_covariates()
    used = -(-_most() * int(data.value("patch.evenness", "1")) // 4)
    random = uniforms(key, person, 0, _most(), start=used)
    episode = covariates.episode_days[:, None]
    least = np.minimum(data.value("patch.least_age", "day"), episode)
    age = least + random * (episode - least)
    age[:, 0] = covariates.episode_days
    return age


def _lay(
    area: Array, person: NDArray[np.int64], key: tuple[int, int]
) -> tuple[Array, Array, NDArray[np.int8]]:
    """Place patches; ``area`` is changed where patches are merged.

    Returns
    -------
    position : (person, place, 3) [mm]
    radius : (person, place) [mm]
    region : (person, place) int8
    """
    position = np.zeros((*area.shape, 3))
    radius, region = np.zeros(area.shape), np.zeros(area.shape, dtype=np.int8)
    pending, layout = np.arange(len(area)), 0
    while len(pending):
        laid = _layout(area[pending], person[pending], key, layout)
        done = laid[3]
        kept = pending[done]
        position[kept], radius[kept], region[kept] = (part[done] for part in laid[:3])
        pending, layout = pending[~done], layout + 1
        if layout % _LAYOUTS == 0 and len(pending):
            _merge(area, pending)
    return position, radius, region


def _merge(area: Array, people: NDArray[np.intp]) -> None:
    """Add the smallest patch of people to their largest."""
    last = np.count_nonzero(area[people], axis=1) - 1
    area[people, 0] += area[people, last]
    area[people, last] = 0.0


def _layout(
    area: Array, person: NDArray[np.int64], key: tuple[int, int], layout: int
) -> tuple[Array, Array, NDArray[np.int8], NDArray[np.bool_]]:
    """One attempt to place every patch of people, and for whom it succeeded."""
    gap = load_covariates().value("patch.gap", "mm")
    position = np.zeros((*area.shape, 3))
    radius, region = np.zeros(area.shape), np.zeros(area.shape, dtype=np.int8)
    done = np.ones(len(area), dtype=bool)
    for place in range(area.shape[1]):
        open_ = np.flatnonzero(done & (area[:, place] > 0.0))
        for attempt in range(layout * _TRIES, (layout + 1) * _TRIES):
            if len(open_) == 0:
                break
            random = uniforms(key, person[open_], attempt, 4, start=place)
            middle, half, where = _propose(area[open_, place], random)
            free = np.ones(len(open_), dtype=bool)
            for other in range(place):
                apart = geodesic_distance(_scalp(), middle, position[open_, other])
                free &= apart >= half + radius[open_, other] + gap
            taken = open_[free]
            position[taken, place], radius[taken, place] = middle[free], half[free]
            region[taken, place] = where[free]
            open_ = open_[~free]
        done[open_] = False
    return position, radius, region, done


def _propose(area: Array, random: Array) -> tuple[Array, Array, NDArray[np.int8]]:
    """Middle, radius and region of discs of given areas [mm2] from four random numbers each."""
    scalp, grid = _scalp(), _grid()
    region = np.searchsorted(grid.region_shares[:-1], random[:, 0], side="right")
    inner = np.minimum(np.sqrt(area / np.pi) + _CELL_MM, _NEAR_EDGE * grid.widest[region])
    cell = np.empty(len(area), dtype=np.intp)
    for index, cells in enumerate(grid.cells):
        own = region == index
        room = np.searchsorted(-grid.edge[cells], -inner[own], side="right")
        cell[own] = cells[(random[own, 1] * np.maximum(room, 1)).astype(np.intp)]
    middle = scalp.position[cell].copy()
    radius = _round_radius(scalp, middle, area)
    cut = (radius + _CELL_MM > grid.edge[cell]) | (area > _WIDE_CELLS * scalp.cell_area_mm2)
    radius[cut] = _cut_radius(grid, cell[cut], area[cut])
    # A cut or wide disc stays where its radius was measured; any other moves within its cell.
    offset = (random[~cut, 2:] - 0.5) * _CELL_MM
    moved = middle[~cut] + np.einsum("ij,ijk->ik", offset, scalp.tangent[cell[~cut]])
    middle[~cut] = onto_surface(scalp.head, moved)
    return middle, radius, region.astype(np.int8)


def _round_radius(scalp: "Scalp", middle: Array, area: Array) -> Array:
    """Radius [mm] of discs of given areas where the surface is curved as at their middle.

    ``area = 2 pi / K (1 - cos(r sqrt(K)))`` with the Gaussian curvature ``K`` of the ellipsoid.
    """
    semi = np.array(scalp.head.semi_axes)
    curvature = 1.0 / (np.prod(semi) * np.sum(middle**2 / semi**4, axis=1)) ** 2
    cosine = np.maximum(1.0 - area * curvature / (2.0 * np.pi), -1.0)
    radius: Array = np.arccos(cosine) / np.sqrt(curvature)
    return radius


def _cut_radius(grid: "_Grid", cell: NDArray[np.intp], area: Array) -> Array:
    """Radius [mm] around cells of discs of given areas, measured on the grid as cut off."""
    level = np.clip(np.searchsorted(grid.level, area, side="right") - 1, 0, len(grid.level) - 2)
    low, high = grid.level[level], grid.level[level + 1]
    part = np.clip((area - low) / (high - low), 0.0, 1.0)
    radius: Array = (1.0 - part) * grid.radius[cell, level] + part * grid.radius[cell, level + 1]
    return radius


def _points(position: Array) -> tuple[NDArray[np.int8], Array, Array]:
    """View that looks most squarely at positions (point, 3), and fractions of its frame."""
    scalp = _scalp()
    view = np.argmax([facing(scalp, position, name) for name in VIEWS], axis=0).astype(np.int8)
    point = np.empty((len(position), 2))
    for index, name in enumerate(VIEWS):
        own = view == index
        point[own] = project(scalp, position[own], name) / np.array(frame(scalp, name))
    point = np.round(point, _DECIMALS)
    return view, point[:, 0], point[:, 1]


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where middles can lie.

    Parameters
    ----------
    region_shares : (region,) cumulated.
    cells : of each region, those farthest from the hairline first.
    edge : (cell,) [mm] distance from the hairline.
    widest : (region,) [mm] the greatest of these.
    level : (level,) [mm2] areas; radius : (cell, level) [mm] of the disc that has this area.
    """

    region_shares: Array
    cells: tuple[NDArray[np.intp], ...]
    edge: Array
    widest: Array
    level: Array
    radius: Array


def _scalp() -> "Scalp":
    return reference_scalp(_CELL_MM)


@lru_cache(maxsize=1)
def _grid() -> _Grid:
    data, scalp = load_covariates(), _scalp()
    shares = np.array([data.value(f"place.{region}", "1") for region in REGIONS])
    edge = edge_distance(scalp, scalp.position)
    cells = tuple(
        own[np.argsort(-edge[own], kind="stable")]
        for own in (np.flatnonzero(scalp.region == index) for index in range(len(REGIONS)))
    )
    count = len(scalp.position)
    rank = np.unique(np.round(np.linspace(0.0, 1.0, _LEVELS) ** 2 * (count - 1)).astype(int))
    ordered = np.sort(distance_matrix(scalp, scalp.position, scalp.position), axis=1)
    return _Grid(
        region_shares=np.cumsum(shares / shares.sum()),
        cells=cells,
        edge=edge,
        widest=np.array([edge[own[0]] for own in cells]),
        level=(rank + 0.5) * scalp.cell_area_mm2,
        radius=ordered[:, rank],
    )
