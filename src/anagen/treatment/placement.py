"""Placement: sites on patches at a chosen spacing along the skin, and how well they serve it."""

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anagen.scalp.distance import distance_matrix, geodesic_distance
from anagen.scalp.grid import Scalp
from anagen.scalp.surface import Array, onto_surface
from anagen.treatment.injections import SiteLayout
from anagen.treatment.lattice import (
    Start,
    first_apart,
    grow_lattice,
    tangent_along,
    turned,
    walk_from,
)
from anagen.treatment.sites import (
    Area,
    Site,
    blocked_cells,
    check_covers,
    on_free_scalp,
    positions,
    site_at,
)
from anagen.treatment.technique import technique
from anagen.treatment.tours import renumber

# Lattice points grown while looking for the best phase of the lattice: bounds the time.
_SEARCH_POINTS = 1200
# A site that newly serves less than this part of its lattice cell is not worth a prick.
_SITE_PRICE = 0.15
# Weight of skin that the sites of an earlier session covered, against 1 for skin they missed.
_COVERED_BEFORE = 0.3
# A patch this many times larger than the disc that fits into it is a band.
_BAND = 3.0
# Places at which the direction of a band is measured.
_ANCHORS = 100
# Rows of a band run side by side, so that only its bend across its width shortens the inner ones.
_BAND_STRETCHES = (1.0, 1.02, 1.04)
# Distance from a site to the holes of its lattice, as a share of the spacing.
_REACH = {"hexagonal": 1.0 / math.sqrt(3.0), "square": 1.0 / math.sqrt(2.0)}
_CELL_AREA = {"hexagonal": math.sqrt(3.0) / 2.0, "square": 1.0}


# Phases of the lattice (site, hole or edge at the middle of the patch) and turns (in steps of its
# symmetry) to try; each line holds the mirror image of everything in it.
_CENTRED = ((0, 0), (1 / 3, 1 / 3), (2 / 3, 2 / 3), (0.5, 0), (0, 0.5), (0.5, 0.5))
_BETWEEN = ((1 / 3, 0), (0, 1 / 3), (2 / 3, 0), (0, 2 / 3), (1 / 3, 2 / 3), (2 / 3, 1 / 3))
_PHASES = (
    (_CENTRED[:3], (0.0,)),
    (_CENTRED[3:], (0.0,)),
    (_CENTRED, (0.5,)),
    (_CENTRED, (0.25, 0.75)),
    (_BETWEEN, (0.0, 0.5, 0.25, 0.75)),
)


# Placements kept: as many patches as a clinic's day has, each with and without a session before.
_MOST_PLACED = 256
_PLACED: dict[bytes, Array] = {}
_LATELY = Lock()


@dataclass(frozen=True)
class Coverage:
    """How well sites serve a patch.

    Parameters
    ----------
    patch : its id.
    sites : how many of the sites treat it.
    covered_share : share of its area within the effect radius of any site.
    effect_radius_mm : that radius [mm].
    biggest_gap_mm : farthest that any place of the patch is from a site [mm].
    area_cm2 : of the patch [cm2].
    """

    patch: str
    sites: int
    covered_share: float
    effect_radius_mm: float
    biggest_gap_mm: float
    area_cm2: float


def place_sites(
    scalp: Scalp,
    patches: Mapping[str, ArrayLike],
    layout: SiteLayout | None = None,
    *,
    blocked: Collection[str] = (),
    previous: Sequence[Site] = (),
) -> tuple[Site, ...]:
    """Place sites on patches at a chosen spacing along the skin.

    Each patch gets the phase and direction of the lattice that serve it best; what the lattice
    leaves farther than one spacing from any site is filled. A patch too small for the lattice gets
    one site at its centre. Smaller patches come first, so that a large neighbour cannot crowd
    them out.

    Parameters
    ----------
    scalp : Scalp
    patches : cover (cell,) of each patch by id, as `anagen.scalp.patch_cells` gives it.
    layout : spacing, margin and pattern; 1 cm hexagonal when None.
    blocked : ids of patches that must not be injected; no site comes to lie on them.
    previous : sites of the session before; the new lattice prefers the skin between them.

    Returns
    -------
    tuple of Site
        Numbered in the order of the hand. Every pair is at least the spacing apart (to 1 %),
        across patches too; every site is on the scalp, within the margin of its patch, and on no
        blocked patch.

    Raises
    ------
    InputError
        When a cover does not fit the scalp, or a blocked id is unknown.

    Examples
    --------
    >>> from anagen.scalp import build_scalp
    >>> scalp = build_scalp(cell_mm=4.0)
    >>> crown = scalp.position[:, 2].argmax()
    >>> near = np.linalg.norm(scalp.position - scalp.position[crown], axis=1) < 15.0
    >>> 5 <= len(place_sites(scalp, {"A": near.astype(float)})) <= 9
    True
    """
    layout = layout or SiteLayout()
    covers = check_covers(scalp, patches, blocked)
    touched = blocked_cells(scalp, covers, blocked)
    earlier = positions(previous)
    taken = np.empty((0, 3))
    placed: list[Site] = []
    free = [name for name in covers if name not in set(blocked)]
    for name in sorted(free, key=lambda patch: (float(covers[patch].sum()), patch)):
        area = Area(scalp, covers[name], layout.margin_mm, touched)
        found = _place_on(area, layout, taken, earlier)
        placed += [site_at(0, position, name) for position in found]
        taken = np.concatenate([taken, found])
    return renumber(placed)


def coverage(
    scalp: Scalp,
    sites: Sequence[Site],
    patches: Mapping[str, ArrayLike],
    effect_radius_mm: float | None = None,
) -> tuple[Coverage, ...]:
    """Report how well sites serve each patch.

    Parameters
    ----------
    scalp : Scalp
    sites : all sites; one serves every patch in its reach.
    patches : cover (cell,) of each patch by id.
    effect_radius_mm : reach of one site [mm]; from ``technique.toml`` when None.

    Returns
    -------
    tuple of Coverage
        One per patch, in the order given.
    """
    radius = technique("placement.effect_radius") if effect_radius_mm is None else effect_radius_mm
    points = positions(sites)
    reports = []
    for name, cover in check_covers(scalp, patches).items():
        cells = np.flatnonzero(cover > 0)
        weight = cover[cells]
        gaps = _gaps(scalp, scalp.position[cells], points)
        inside = gaps[weight >= min(0.5, float(weight.max()))]
        reports.append(
            Coverage(
                patch=name,
                sites=sum(site.patch == name for site in sites),
                covered_share=float(np.average(gaps <= radius, weights=weight)),
                effect_radius_mm=float(radius),
                biggest_gap_mm=float(inside.max()),
                area_cm2=float(weight.sum()) * scalp.cell_area_mm2 / 100.0,
            )
        )
    return tuple(reports)


def prioritise(
    scalp: Scalp,
    sites: Sequence[Site],
    patches: Mapping[str, ArrayLike],
    limit: int,
    previous: Sequence[Site] = (),
) -> tuple[Site, ...]:
    """Keep the sites that reach most untreated skin when not all can be injected.

    Greedy: the next site is the one whose surroundings hold most patch area that no site chosen
    reaches yet; skin reached in the session before counts less. So patches share the sites by
    area, and what one session leaves out the next one takes.

    Parameters
    ----------
    scalp : Scalp
    sites : all sites that one would like to inject.
    patches : cover (cell,) of each patch by id.
    limit : how many may be injected.
    previous : sites injected in the session before.

    Returns
    -------
    tuple of Site
        At most ``limit``, renumbered in the order of the hand.
    """
    if limit >= len(sites):
        return tuple(sites)
    covers = check_covers(scalp, patches)
    cover = np.max(list(covers.values()), axis=0)
    cells = np.flatnonzero(cover > 0)
    weight = cover[cells].astype(float)
    radius = technique("placement.effect_radius")
    if previous:
        weight[_gaps(scalp, scalp.position[cells], positions(previous)) <= radius] *= (
            _COVERED_BEFORE
        )
    points = positions(sites)
    reaches = np.linalg.norm(scalp.position[cells][None] - points[:, None], axis=-1) <= radius
    chosen: list[int] = []
    while len(chosen) < limit:
        gain = reaches @ weight
        gain[chosen] = -1.0
        best = int(np.argmax(gain))
        chosen.append(best)
        # Skin reached twice is not worth nothing: it keeps the order sensible once all is reached.
        weight[reaches[best]] *= 0.1
    return renumber([sites[index] for index in sorted(chosen)])


def _place_on(area: Area, layout: SiteLayout, taken: Array, earlier: Array) -> Array:
    """Sites (site, 3) on one patch; those found lately are kept.

    A plan is changed far more often in its drug and its days than in its patches and spacing.
    """
    key = _key(area, layout, taken, earlier)
    with _LATELY:
        found = _PLACED.get(key)
    if found is None:
        found = _best_on(area, layout, taken, earlier)
        found.flags.writeable = False
        with _LATELY:
            _PLACED[key] = found
            while len(_PLACED) > _MOST_PLACED:
                _PLACED.pop(next(iter(_PLACED)))
    return found


def _key(area: Area, layout: SiteLayout, taken: Array, earlier: Array) -> bytes:
    digest = blake2b(digest_size=16)
    scalp = area.scalp
    for words in (scalp.head, scalp.cell_mm, area.margin_mm, layout, len(taken)):
        digest.update(repr(words).encode())
    for numbers in (area.cover, area.blocked, taken, earlier):
        digest.update(np.ascontiguousarray(numbers).tobytes())
    return digest.digest()


def _best_on(area: Area, layout: SiteLayout, taken: Array, earlier: Array) -> Array:
    """Sites (site, 3) on one patch, of all phases and directions of the lattice tried."""
    scalp = area.scalp
    centres = scalp.position[area.cells]
    depth = area.depth(centres)
    weight = area.cover[area.cells].astype(float)
    if len(earlier):
        served = _gaps(scalp, centres, earlier) <= _REACH[layout.pattern] * layout.spacing_mm
        weight = np.where(served, _COVERED_BEFORE * weight, weight)
    middle = _middle(area, centres, depth)
    best, best_score = np.empty((0, 3)), -math.inf
    for start in _starts(area, centres, middle, layout):
        found = _grow(area, start, layout, taken)
        score = _score(scalp, centres, weight, found, layout)
        if score > best_score + 1e-9:
            best, best_score = found, score
    best = _fill(area, best, layout, taken)
    if not len(best) and on_free_scalp(scalp, middle[None], area.blocked)[0]:
        best = middle[None][_keeps_distance(area, middle[None], taken, layout)]
    return best


def _middle(area: Area, centres: Array, depth: Array) -> Array:
    """Middle (3,) [mm] of a patch; of a bent one, the cell deepest inside."""
    mean = onto_surface(area.scalp.head, centres.mean(axis=0))
    if float(area.depth(mean[None])[0]) >= 0.7 * float(depth.max()):
        return mean
    from_mean = np.linalg.norm(centres - mean, axis=1)
    deepest: Array = centres[np.argmax(depth - 0.05 * from_mean)]
    return deepest


def _starts(area: Area, centres: Array, seed: Array, layout: SiteLayout) -> Iterator[Start]:
    """Phases and directions of the lattice to try, the centred one first."""
    scalp, spacing = area.scalp, layout.spacing_mm
    axis = _flow(area, centres)
    along = tangent_along(scalp, seed, _long_axis(centres) if axis is None else axis(seed[None])[0])
    turn = math.pi / 3.0 if layout.pattern == "hexagonal" else math.pi / 2.0
    if layout.offset is not None:
        axes = turned(scalp, seed, along, np.array([0.0, turn]))
        yield Start(_shifted(area, seed, axes, layout.offset, spacing), along, axis=axis)
        return
    stretches = _stretches(scalp, centres, seed) if axis is None else _BAND_STRETCHES
    size = len(centres) * scalp.cell_area_mm2
    points = (
        size / (_CELL_AREA[layout.pattern] * spacing**2) + 2.0 * math.sqrt(size) / spacing + 6.0
    )
    budget = _SEARCH_POINTS / (points * len(stretches))
    tried = 0
    for phases, parts in _PHASES:
        if tried and tried + len(phases) * len(parts) > budget:
            return
        for phase, part, stretch in itertools.product(phases, parts, stretches):
            axes = turned(scalp, seed, along, np.array([part * turn, (part + 1.0) * turn]))
            shifted = _shifted(area, seed, axes, phase, spacing)
            yield Start(shifted, tangent_along(scalp, shifted, axes[0]), stretch, axis)
        tried += len(phases) * len(parts)


def _stretches(scalp: Scalp, centres: Array, seed: Array) -> tuple[float, ...]:
    """Factors on the spacing to try: a circle on a curved head is shorter than on a plane."""
    reach = float(np.max(geodesic_distance(scalp, centres, seed)))
    bend = min(reach / min(scalp.head.semi_axes), 1.5)
    tight = math.sin(bend) / bend if bend > 0 else 1.0
    if tight > 0.999:
        return (1.0,)
    return (1.0, 1.0 / tight) if tight > 0.99 else (1.0, 1.0 / math.sqrt(tight), 1.0 / tight)


def _long_axis(centres: Array) -> Array:
    """Direction in which a patch extends most; across the head for a round one."""
    spread = np.cov((centres - centres.mean(axis=0)).T) if len(centres) > 2 else np.eye(3)
    values, vectors = np.linalg.eigh(spread)
    if values[2] < 1.2 * values[1]:
        return np.array([1.0, 0.0, 0.0])
    return np.asarray(vectors[:, 2], float)


def _flow(area: Area, centres: Array) -> Callable[[Array], Array] | None:
    """Direction in which a band runs at each place; None for a patch that is no band."""
    from scipy.spatial import cKDTree

    width = float(area.depth(centres).max())
    if len(centres) * area.scalp.cell_area_mm2 < _BAND * math.pi * width**2:
        return None
    anchors = centres[:: max(len(centres) // _ANCHORS, 1)]
    near = cKDTree(centres).query_ball_point(anchors, 2.5 * width)
    run = np.array([_long_axis(centres[members]) for members in near])
    sway = run[:, :, None] * run[:, None, :]
    tree = cKDTree(anchors)

    def axis(points: Array) -> Array:
        # Directions without a sign are averaged as tensors.
        nearest = tree.query(points, k=min(6, len(anchors)))[1].reshape(len(points), -1)
        mean: Array = np.linalg.eigh(sway[nearest].mean(axis=1))[1][:, :, -1]
        return mean

    return axis


def _shifted(
    area: Area, seed: Array, axes: Array, phase: tuple[float, float], spacing: float
) -> Array:
    """Seed moved by a phase in units of the spacing along the two axes of the lattice."""
    if phase == (0.0, 0.0):
        return seed
    move = phase[0] * axes[0] + phase[1] * axes[1]
    length = float(np.linalg.norm(move))
    if length < 1e-9:
        return seed
    shifted: Array = walk_from(area.scalp, seed, (move / length)[None], length * spacing)[0]
    return shifted


def _grow(area: Area, start: Start, layout: SiteLayout, taken: Array) -> Array:
    """Lattice points that may be sites, each far enough from those before it."""
    # Half a step outside is enough to find the way around a notch in the border.
    reach = area.margin_mm + 0.5 * layout.spacing_mm
    points = grow_lattice(
        area.scalp,
        start,
        spacing_mm=layout.spacing_mm,
        pattern=layout.pattern,
        reachable=lambda ends: area.depth(ends) >= -reach,
        limit=2000,
    )
    points = points[area.allows(points)]
    points = points[_keeps_distance(area, points, taken, layout)]
    apart = distance_matrix(area.scalp, points, points) >= _least(layout)
    return points[first_apart(apart)]


def _least(layout: SiteLayout) -> float:
    # Half the tolerance, so that rounding of positions cannot use up the rest.
    return layout.spacing_mm * (1.0 - 0.5 * technique("placement.tolerance"))


def _keeps_distance(
    area: Area, points: Array, others: Array, layout: SiteLayout
) -> NDArray[np.bool_]:
    far: NDArray[np.bool_] = _gaps(area.scalp, points, others) >= _least(layout)
    return far


def _gaps(scalp: Scalp, points: Array, others: Array) -> Array:
    """Distance along the surface [mm] from each point to the nearest of the others."""
    if not len(others):
        return np.full(len(points), np.inf)
    from scipy.spatial import cKDTree

    nearest = cKDTree(others).query(points)[1]
    return geodesic_distance(scalp, points, others[nearest])


def _score(scalp: Scalp, centres: Array, weight: Array, found: Array, layout: SiteLayout) -> float:
    """Share of the patch in reach, less the price of the sites and of distance."""
    if not len(found):
        return -1.0
    gaps = _gaps(scalp, centres, found) / layout.spacing_mm
    served = np.average(gaps <= _REACH[layout.pattern], weights=weight)
    distance = np.average(np.minimum(gaps, 2.0) ** 2, weights=weight)
    footprint = _CELL_AREA[layout.pattern] * layout.spacing_mm**2
    share = footprint / (len(centres) * scalp.cell_area_mm2)
    return float(served - 0.25 * distance - _SITE_PRICE * min(share, 0.2) * len(found))


def _fill(area: Area, found: Array, layout: SiteLayout, taken: Array) -> Array:
    """Add sites where the patch is farther than one spacing from any, closest packing first."""
    candidates = area.scalp.position[area.cells]
    candidates = candidates[area.allows(candidates)]
    depth = area.depth(candidates)
    sites = [*found]
    gaps = _gaps(area.scalp, candidates, np.concatenate([found.reshape(-1, 3), taken]))
    while len(candidates):
        free = gaps >= layout.spacing_mm
        candidates, depth, gaps = candidates[free], depth[free], gaps[free]
        if not len(candidates):
            break
        deep = np.minimum(depth, 0.5 * layout.spacing_mm)
        best = int(np.argmin(np.minimum(gaps, 3.0 * layout.spacing_mm) - 0.7 * deep))
        sites.append(candidates[best])
        gaps = np.minimum(gaps, _gaps(area.scalp, candidates, candidates[best][None]))
    return np.array(sites).reshape(-1, 3)
