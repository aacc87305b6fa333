"""Where one patient may be injected, and the sites of many plans, each lattice placed once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from anagen.errors import InputError, Problem
from anagen.patient import (
    Patient,
    latest_patches,
    patch_shapes,
    patient_scalp,
    regrowth_history,
    start_date,
)
from anagen.treatment.injections import SiteLayout
from anagen.treatment.planning import site_location
from anagen.treatment.protocols import Protocol
from anagen.treatment.sites import Site

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anagen.patient import PatchSeen
    from anagen.scalp import PatchShape, Scalp, ViewPoint

    Cover = NDArray[np.float32]
    Positions = NDArray[np.float64]
    Shapes = tuple[tuple[str, PatchShape], ...]

_ROUNDING = 1e-9
_NO_CAP = 10**6


@dataclass(frozen=True)
class Skin:
    """Scalp and outlines of one patient, hashable.

    Parameters
    ----------
    scalp : the person's.
    shapes : ids and outlines of all patches.
    closed : ids of those that must not be injected.
    """

    scalp: "Scalp"
    shapes: "Shapes"
    closed: tuple[str, ...]

    @property
    def open(self) -> tuple[str, ...]:
        """Ids of the patches that may be injected."""
        return tuple(name for name, _ in self.shapes if name not in self.closed)


@dataclass(frozen=True)
class Ground:
    """What is known about the patches of one patient on a day.

    Parameters
    ----------
    on : the day.
    skin : scalp and outlines.
    seen : each patch as last seen.
    bald_cm2 : outline less what has regrown, by patch [cm2].
    """

    on: date
    skin: Skin
    seen: "Mapping[str, PatchSeen]"
    bald_cm2: Mapping[str, float]


def find_ground(patient: Patient, on: date | None) -> Ground:
    """Find the patches that can be injected, as of a day; None for the latest visit.

    Raises
    ------
    InputError
        When there is no such day, or no patch is drawn by then.
    """
    from anagen.scalp import area_cm2
    from anagen.units import convert

    day = start_date(patient) if on is None else on
    if not isinstance(day, date):
        raise InputError(
            Problem("on" if on is not None else "visits", "a date, or at least one visit",
                    repr(on), "Give a date, or record a visit with the patches seen.")
        )  # fmt: skip
    shapes = patch_shapes(patient, day)
    if not shapes:
        raise InputError(
            Problem("visits", f"a patch with an outline, seen by {day}", "none",
                    "Draw the outline of a patch in one of the four views.")
        )  # fmt: skip
    seen = latest_patches(patient, day)
    closed = tuple(name for name in shapes if seen[name].blocked)
    skin = Skin(patient_scalp(patient), tuple(shapes.items()), closed)
    bald = {}
    for name, cover in _covers(skin).items():
        regrown = [row.percent for row in regrowth_history(patient, name, day)]
        share = convert(regrown[-1], "%", "1") if regrown else 0.0
        bald[name] = area_cm2(skin.scalp, cover) * (1.0 - share)
    return Ground(day, skin, seen, bald)


def place_sessions(
    skin: Skin, protocol: Protocol, patches: tuple[str, ...]
) -> tuple[tuple[Site, ...], ...]:
    """Sites of every session of a protocol on some of the patches.

    On all open patches they lie where `anagen.treatment.make_plan` puts them; on fewer, those
    that lie on the others are left out.
    """
    if not patches:
        return ()
    cap, sessions = site_cap(protocol), list[tuple[Site, ...]]()
    for index in range(protocol.sessions):
        turn = index % 2
        wanted = _wanted(skin, protocol.layout, patches, turn)
        if len(wanted) > cap:
            before = sessions[-1] if sessions else ()
            wanted = _kept(skin, protocol.layout, patches, turn, cap, before)
        sessions.append(wanted)
    return tuple(sessions)


def site_cap(protocol: Protocol) -> int:
    """Most sites in a session that the protocol's volume leaves room for."""
    if protocol.session_volume_mL is None:
        return _NO_CAP
    return max(math.floor(protocol.session_volume_mL / protocol.volume_mL + _ROUNDING), 0)


def sites_wanted(skin: Skin, protocol: Protocol, patches: tuple[str, ...]) -> int:
    """Sites of the first session if volume were no limit."""
    return len(_wanted(skin, protocol.layout, patches, 0)) if patches else 0


@lru_cache(maxsize=8192)
def site_drawn(skin: Skin, position: tuple[float, float, float]) -> "ViewPoint":
    """Where a site at a position [mm] is drawn, as a plan keeps it."""
    return site_location(skin.scalp, Site(1, position))


@lru_cache(maxsize=1024)
def drawn_positions(skin: Skin, sites: tuple[Site, ...]) -> "Positions":
    """Positions (site, 3) [mm] of sites as a plan keeps them, rounded in their view."""
    import numpy as np

    from anagen.scalp import locate_points

    points = [site_drawn(skin, site.position) for site in sites]
    positions = np.empty((len(points), 3))
    for view in {point.view for point in points}:
        rows = [row for row, point in enumerate(points) if point.view == view]
        drawn = [(points[row].x, points[row].y) for row in rows]
        positions[rows] = locate_points(skin.scalp, view, drawn, "mm")
    return positions


@lru_cache(maxsize=32)
def _covers(skin: Skin) -> "Mapping[str, Cover]":
    from anagen.scalp import patch_cells

    return {name: patch_cells(skin.scalp, shape, f"patch {name}") for name, shape in skin.shapes}


@lru_cache(maxsize=64)
def _lattice(skin: Skin, layout: SiteLayout, turn: int) -> tuple[Site, ...]:
    """Sites of odd (0) or even (1) sessions on every open patch."""
    from anagen.treatment import place_sites

    previous = _lattice(skin, layout, 0) if turn else ()
    return place_sites(skin.scalp, _covers(skin), layout, blocked=skin.closed, previous=previous)


@lru_cache(maxsize=256)
def _wanted(
    skin: Skin, layout: SiteLayout, patches: tuple[str, ...], turn: int
) -> tuple[Site, ...]:
    from anagen.treatment import renumber

    sites = _lattice(skin, layout, turn)
    if patches == skin.open:
        return sites
    return renumber([site for site in sites if site.patch in patches])


@lru_cache(maxsize=1024)
def _kept(
    skin: Skin,
    layout: SiteLayout,
    patches: tuple[str, ...],
    turn: int,
    cap: int,
    before: tuple[Site, ...],
) -> tuple[Site, ...]:
    from anagen.treatment import prioritise

    covers = {name: cover for name, cover in _covers(skin).items() if name in patches}
    return prioritise(skin.scalp, _wanted(skin, layout, patches, turn), covers, cap, before)
