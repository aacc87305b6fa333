"""From sessions, given or planned, to what each patch receives, in the terms of the fast course."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anagen.biology.depot import site_of
from anagen.biology.exposure import given
from anagen.errors import InputError, Problem
from anagen.evidence.products import load_drugs, load_product
from anagen.forecast.course import KINDS, LASTING, ROWS, SETS, Kinds, Rows, SiteSet
from anagen.population.site_sets import Places
from anagen.scalp import Scalp, centroid, locate, nearest_cell, nearest_cells, patch_distance
from anagen.treatment import Injection, Session

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAME = 0.3  # of the distance between sites, within which two sessions inject the same places
_NEAR = 10.0  # mm from a patch, within which a site that names none belongs to it
_DEPTH = 3.0  # mm of depth that matter like other places
_STEEP = 0.9  # cosine of a direction with which no axis is built
_BEYOND = 1.3  # radii from the middle, beyond which no site is taken to lie
_TINY = 1e-9


@dataclass(frozen=True)
class PatchDose:
    """What one patch receives in one session.

    Parameters
    ----------
    day : of the session; count : number of sites; sites : where, on a round patch of like area.
    parts : (product, strength [mg/mL], volume [mL], share of the sites).
    """

    day: date
    count: int
    sites: SiteSet
    parts: tuple[tuple[str, float, float, float], ...]


def patch_doses(
    sessions: Sequence[Session],
    scalp: Scalp,
    covers: Mapping[str, np.ndarray],
    frames: "Mapping[str, Frame] | None" = None,
) -> dict[str, tuple[PatchDose, ...]]:
    """Doses of every patch, in order of date.

    Parameters
    ----------
    sessions : given and planned, in order of date; what was skipped counts nothing.
    scalp : the patient's.
    covers : (cell,) share of each cell in each patch; sites that name no patch go to the nearest.
    frames : of the patches, when they are at hand; see `frames_of`.
    """
    found: dict[str, list[PatchDose]] = {name: [] for name in covers}
    frames = frames or frames_of(scalp, covers)
    for session in sessions:
        for name, items in _by_patch(session, scalp, covers).items():
            found[name].append(_dose(session.date, items, frames[name].flat(scalp, items)))
    return {name: tuple(doses) for name, doses in found.items()}


def frames_of(scalp: Scalp, covers: Mapping[str, np.ndarray]) -> "dict[str, Frame]":
    """Frames of patches from their covers (cell,)."""
    return {name: Frame.of(scalp, cover) for name, cover in covers.items()}


@dataclass(frozen=True)
class Frame:
    """How places on a patch become places on a round patch of the same area.

    A place keeps its direction from the middle and how far it lies on the way to the border.

    Parameters
    ----------
    middle : (3,) [mm]; axes : (2, 3) tangents there.
    inside : (cell,) [mm] distance to the border, negative outside; radius : [mm].
    known : places found already, by the locations of the sites.
    """

    middle: np.ndarray
    axes: np.ndarray
    inside: np.ndarray
    radius: float
    known: dict[object, Places] = field(default_factory=dict)

    @classmethod
    def of(cls, scalp: Scalp, cover: np.ndarray) -> "Frame":
        """Take the frame of a patch from its cover (cell,)."""
        middle = centroid(scalp, cover)
        normal = scalp.normal[nearest_cell(scalp, middle)]
        across = np.cross(normal, [0.0, 1.0, 0.0] if abs(normal[1]) < _STEEP else [1.0, 0.0, 0.0])
        across = across / np.linalg.norm(across)
        area = float(cover.sum()) * scalp.cell_area_mm2
        inside = patch_distance(scalp, 1.0 - cover) - patch_distance(scalp, cover)
        radius = float(np.sqrt(area / np.pi))
        inside = np.where(np.isfinite(inside), inside, radius)
        return cls(middle, np.stack([across, np.cross(normal, across)]), inside, radius)

    def flat(self, scalp: Scalp, items: Sequence[Injection]) -> Places:
        """Places of injections on the round patch, in half millimetres."""
        spots = [item.location for item in items]
        key = tuple((spot.view, spot.x, spot.y, spot.unit) for spot in spots)
        if key not in self.known:
            self.known[key] = self._flat(scalp, _places(scalp, items))
        return self.known[key]

    def _flat(self, scalp: Scalp, sites: np.ndarray) -> Places:
        way = sites - self.middle
        distance = np.linalg.norm(way, axis=1)
        direction = way @ self.axes.T
        direction = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), _TINY)
        border = self.inside[nearest_cells(scalp, sites)]
        share = distance / np.maximum(distance + border, _TINY)
        flat = np.round(2.0 * self.radius * np.minimum(share, _BEYOND)[:, None] * direction) / 2.0
        return tuple(sorted((float(x), float(y)) for x, y in flat + 0.0))


def _by_patch(
    session: Session, scalp: Scalp, covers: Mapping[str, np.ndarray]
) -> dict[str, list[Injection]]:
    found: dict[str, list[Injection]] = {}
    for item in given(session):
        name = item.patch if item.patch in covers else _nearest(item, scalp, covers)
        if name is not None:
            found.setdefault(name, []).append(item)
    return found


def _places(scalp: Scalp, items: Sequence[Injection]) -> np.ndarray:
    """Positions (site, 3) [mm] of injections."""
    from anagen.scalp import locate_points

    found = np.empty((len(items), 3))
    kinds = [(item.location.view, item.location.unit) for item in items]
    for kind in set(kinds):
        mine = [number for number, each in enumerate(kinds) if each == kind]
        flat = np.array([[items[k].location.x, items[k].location.y] for k in mine])
        found[mine] = locate_points(scalp, kind[0], flat, kind[1])
    return found


def _nearest(item: Injection, scalp: Scalp, covers: Mapping[str, np.ndarray]) -> str | None:
    place = locate(scalp, item.location)
    distance = np.linalg.norm(scalp.position - place, axis=1)
    near = {name: float(distance[cover > 0].min()) for name, cover in covers.items() if cover.any()}
    name = min(near, key=lambda each: near[each], default=None)
    return name if name is not None and near[name] <= _NEAR else None


def _dose(day: date, items: Sequence[Injection], places: Places) -> PatchDose:
    kinds: dict[tuple[str, float, float], int] = {}
    for item in items:
        key = (item.product, item.strength_mg_per_mL, item.volume_mL)
        kinds[key] = kinds.get(key, 0) + 1
    volume = float(np.median([item.volume_mL for item in items]))
    depth = float(np.median([item.depth_mm for item in items]))
    parts = tuple((*key, number / len(items)) for key, number in sorted(kinds.items()))
    return PatchDose(day, len(items), SiteSet(places, volume, depth), parts)


def sets_of(reference: SiteSet, doses: Sequence[PatchDose]) -> tuple[SiteSet, ...]:
    """List different sets of injections, the reference first; beyond `SETS` the rare give way."""
    kept: list[SiteSet] = [reference]
    uses: dict[SiteSet, int] = {}
    for dose in doses:
        like = next((one for one in (*kept, *uses) if _unlike(one, dose.sites) <= _SAME), None)
        if like is None or like in uses:
            uses[like or dose.sites] = uses.get(like or dose.sites, 0) + 1
    return (reference, *sorted(uses, key=lambda one: -uses[one])[: SETS - 1])


def rows_of(doses: Sequence[PatchDose], sets: Sequence[SiteSet], start: date, days: int) -> Rows:
    """Rows of a patch's doses, in days from a start; see `Rows`.

    Where a session mixed strengths, each site is taken to hold its share of each.

    Parameters
    ----------
    doses : of one patch; sets : lattices, from `sets_of`.
    start : day 0; days : how long the course is followed. What is injected later, or so long before
        that nothing of it is left, is no row.

    Raises
    ------
    InputError
        When there are more sessions in that time than there is room for.
    """
    kinds: dict[tuple[float, ...], int] = {}
    rows: list[tuple[int, int, int]] = []
    for dose in acting(doses, start, days):
        number = min(range(len(sets)), key=lambda each: _unlike(sets[each], dose.sites))
        day = (dose.day - start).days
        for part in dose.parts:
            for kind in kinds_of(*part):
                rows.append((day, kind_number(kinds, kind), number))
    check_room(len(rows))
    table: NDArray[np.int64] = np.array(rows, int).reshape(-1, 3)
    columns: NDArray[np.float64] = np.array(list(kinds), float).reshape(-1, len(Kinds._fields))
    return Rows(Kinds(*columns.T), *table.T)


def acting(doses: Sequence[PatchDose], start: date, days: int) -> list[PatchDose]:
    """Doses of which something is in the skin during some days from a start."""
    return [dose for dose in doses if -LASTING < (dose.day - start).days < days]


def check_room(rows: int) -> None:
    """Refuse more injections at different times than a course has room for."""
    if rows > ROWS:
        raise InputError(
            Problem("sessions", f"at most {ROWS} sessions in the time followed", f"{rows}",
                    "Shorten the horizon, or leave out sessions that cannot be meant.")
        )  # fmt: skip


def kind_number(kinds: dict[tuple[float, ...], int], kind: tuple[float, ...]) -> int:
    """Give a kind a number; beyond `KINDS` it is taken for the nearest in dose."""
    if kind in kinds or len(kinds) < KINDS:
        return kinds.setdefault(kind, len(kinds))
    return kinds[min(kinds, key=lambda one: abs(one[0] - kind[0]))]


@lru_cache(maxsize=4096)
def _unlike(one: SiteSet, other: SiteSet) -> float:
    """How far apart two sets of injections lie, relative to the distance between their sites."""
    if one == other:
        return 0.0
    first, second = (np.array(each.places).reshape(-1, 2) for each in (one, other))
    if not len(first) or not len(second):
        return float("inf")
    gaps = np.linalg.norm(first[:, None] - second[None], axis=-1)
    own = np.linalg.norm(first[:, None] - first[None], axis=-1)
    pitch = float(np.median(np.where(own > 0, own, np.inf).min(1))) if len(first) > 1 else _NEAR
    moved = 0.5 * (np.median(gaps.min(0)) + np.median(gaps.min(1))) / max(pitch, 1.0)
    count = abs(np.log(len(first) / len(second)))
    deeper = abs(one.depth - other.depth) / _DEPTH + abs(np.log(one.volume / other.volume))
    return float(moved + count + deeper)


@lru_cache(maxsize=1024)
def kinds_of(
    product: str, strength: float, volume: float, share: float = 1.0
) -> tuple[tuple[float, ...], ...]:
    """Dissolved and crystalline part of an injection as rows of `Kinds`; none without a steroid.

    Parameters
    ----------
    product : its key; strength : [mg/mL]; volume : [mL]; share : of the sites [1].
    """
    item = load_product(product)
    if not item.drug or strength <= 0.0:
        return ()
    reference = load_drugs()["triamcinolone_acetonide"].quantities["relative_affinity"].value
    potency = item.relative_affinity / reference
    rows = []
    for dissolved, part in ((True, item.soluble_share), (False, 1.0 - item.soluble_share)):
        if part > 0.0:
            *site, _ = site_of(item, strength * part * share, volume, 0.0, dissolved)
            free = 1e3 * strength * part if dissolved else item.solubility_ug_per_mL
            rows.append((*site, free * potency))
    return tuple(rows)
