"""Sites on the scalp: where the needle goes, numbered for the hand, and where they may lie."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anagen.errors import InputError, Problem
from anagen.scalp.distance import geodesic_distance, nearest_cells, on_scalp
from anagen.scalp.grid import Scalp
from anagen.scalp.surface import Array, beyond_hairline, onto_surface
from anagen.scalp.views import ViewPoint, locate
from anagen.treatment.injections import SiteLayout
from anagen.treatment.technique import technique

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Cover = NDArray[np.floating]

# A position given by hand may stand off the surface by a little, not by more [mm].
_OFF_SURFACE_MM = 1.0
# Points in a view are written to a hundredth of a millimetre [mm].
_ROUNDED_MM = 0.05


@dataclass(frozen=True)
class Site:
    """One place for the needle.

    Parameters
    ----------
    number : in the order of the hand, from 1.
    position : (x, y, z) in the head frame [mm].
    patch : id of the patch it treats; None for a site set freely.
    """

    number: int
    position: tuple[float, float, float]
    patch: str | None = None


@dataclass(frozen=True, eq=False)
class Area:
    """Where sites may lie for one patch.

    Parameters
    ----------
    scalp : Scalp
    cover : (cell,) share of each cell inside the patch.
    margin_mm : float [mm]
        How far outside the border sites may lie.
    blocked : (cell,) bool
        Cells touched by a patch that must not be injected.
    """

    scalp: Scalp
    cover: Cover
    margin_mm: float
    blocked: NDArray[np.bool_]

    @cached_property
    def cells(self) -> NDArray[np.intp]:
        """Indices of the cells inside the patch; of a patch under one cell, its largest share."""
        inside = np.flatnonzero(self.cover >= 0.5)
        return inside if inside.size else np.flatnonzero(self.cover >= self.cover.max())[:1]

    @cached_property
    def _trees(self) -> "tuple[cKDTree, cKDTree, NDArray[np.intp]]":
        from scipy.spatial import cKDTree

        outside = np.setdiff1d(np.arange(len(self.cover)), self.cells)
        position = self.scalp.position
        return cKDTree(position[self.cells]), cKDTree(position[outside]), outside

    def depth(self, points: Array) -> Array:
        """Distance [mm] of points (point, 3) inside the border; negative outside."""
        inner, outer, outside = self._trees
        to_inner, nearest_inner = inner.query(points)
        if not outside.size:
            return np.maximum(-np.asarray(beyond_hairline(self.scalp.head, points)), 0.0)
        to_outer, nearest_outer = outer.query(points)
        pitch = self.scalp.cell_mm
        share_inner = np.clip(self.cover[self.cells[nearest_inner]], 0.5, 1.0)
        share_outer = np.clip(self.cover[outside[nearest_outer]], 0.0, 0.5)
        inside_depth = to_outer - pitch * (0.5 - share_outer)
        outside_depth = pitch * (share_inner - 0.5) - to_inner
        depth: Array = np.where(to_inner <= to_outer, inside_depth, outside_depth)
        return depth

    def allows(self, points: Array) -> NDArray[np.bool_]:
        """Whether sites may lie at points (point, 3): in reach of the patch, on free scalp."""
        near = self.depth(points) >= -self.margin_mm
        return near & on_free_scalp(self.scalp, points, self.blocked)


def on_free_scalp(scalp: Scalp, points: Array, blocked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether points (point, 3) [mm] on the head bear hair and touch no blocked cell."""
    free: NDArray[np.bool_] = on_scalp(scalp, points) & ~blocked[nearest_cells(scalp, points)]
    return free


def check_covers(
    scalp: Scalp, patches: Mapping[str, ArrayLike], blocked: Iterable[str] = ()
) -> dict[str, Cover]:
    """Return the covers of patches as arrays, once each fits the scalp.

    Raises
    ------
    InputError
        When a cover has another length than the scalp, shares outside 0..1, or no cell at all; or
        a blocked patch is not among the patches.
    """
    problems, covers = [], {}
    for name, cover in patches.items():
        place = f"patch {name}"
        try:
            array = np.asarray(cover, float)
        except (TypeError, ValueError):
            array = np.full(1, np.nan)
        if array.shape != (len(scalp.position),):
            problems.append(
                Problem(place, f"one share for each of {len(scalp.position)} cells",
                        f"shape {array.shape}", "Make the cover from this scalp.")
            )  # fmt: skip
        elif not (np.all(array >= 0) and np.all(array <= 1.001)):
            problems.append(
                Problem(place, "shares between 0 and 1", "others or NaN", "Correct the cover.")
            )
        elif not array.max() > 0:
            problems.append(
                Problem(place, "a patch on the scalp", "no cell covered",
                        "Draw the outline inside the hairline.")
            )  # fmt: skip
        covers[name] = array
    problems += [
        Problem("blocked", f"ids among {', '.join(map(repr, patches)) or 'no patches'}",
                repr(name), "Correct the id.")
        for name in blocked if name not in patches
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return covers


def blocked_cells(
    scalp: Scalp, covers: Mapping[str, Cover], blocked: Iterable[str]
) -> NDArray[np.bool_]:
    """Cells (cell,) that any blocked patch touches."""
    touched = np.zeros(len(scalp.position), bool)
    for name in blocked:
        touched |= covers[name] > 0
    return touched


def positions(sites: Sequence[Site]) -> Array:
    """Positions (site, 3) [mm] of sites."""
    return np.array([site.position for site in sites], float).reshape(-1, 3)


def site_at(number: int, position: Array, patch: str | None) -> Site:
    """Site at a position (3,) [mm], rounded to a micrometre."""
    x, y, z = (round(float(value), 3) for value in position)
    return Site(number, (x, y, z), patch)


def check_sites(
    scalp: Scalp,
    sites: Sequence[Site],
    layout: SiteLayout,
    patches: Mapping[str, ArrayLike] | None = None,
    blocked: Iterable[str] = (),
) -> list[Problem]:
    """Everything that is wrong with where sites lie.

    Parameters
    ----------
    scalp : Scalp
    sites : the sites.
    layout : spacing and margin that must hold.
    patches : cover (cell,) of each patch by id; sites of a patch must lie within its margin.
    blocked : ids of patches that must not be injected.

    Returns
    -------
    list of Problem
        Empty when every pair keeps the spacing (to 1 %), every site is on the scalp, in its patch,
        and on no blocked patch, and no number stands twice.
    """
    covers = check_covers(scalp, patches or {}, blocked)
    touched = blocked_cells(scalp, covers, blocked)
    problems = _number_problems(sites)
    for site in sites:
        problems += _place_problems(scalp, site, layout, covers, touched)
    return problems + _spacing_problems(scalp, sites, layout)


def _number_problems(sites: Sequence[Site]) -> list[Problem]:
    numbers = [site.number for site in sites]
    return [
        Problem(f"site {number}", "each number once", f"{numbers.count(number)} sites",
                "Renumber the sites.")
        for number in sorted({n for n in numbers if numbers.count(n) > 1})
    ]  # fmt: skip


def _place_problems(
    scalp: Scalp,
    site: Site,
    layout: SiteLayout,
    covers: Mapping[str, Cover],
    touched: NDArray[np.bool_],
) -> list[Problem]:
    place, point = f"site {site.number}", np.array([site.position], float)
    if not np.all(np.isfinite(point)) or not np.any(point):
        return [Problem(place, "a finite position", str(site.position), "Correct it.")]
    surface = onto_surface(scalp.head, point)
    gap = float(np.linalg.norm(surface - point))
    beyond = float(beyond_hairline(scalp.head, surface)[0])
    problems = []
    if gap > _OFF_SURFACE_MM:
        problems.append(
            Problem(place, "a position on the scalp", f"{gap:.1f} mm off the skin", "Move it.")
        )
    if beyond > _ROUNDED_MM:
        problems.append(
            Problem(place, "a position on the scalp", f"{beyond:.1f} mm beyond the hairline",
                    "Move it back into the scalp.")
        )  # fmt: skip
    elif touched[nearest_cells(scalp, surface)[0]]:
        problems.append(
            Problem(place, "a patch that may be injected", "a blocked patch",
                    "Move it off the blocked patch, or remove it.")
        )  # fmt: skip
    if site.patch is not None and covers:
        if site.patch not in covers:
            problems.append(
                Problem(place, f"a patch among {', '.join(covers)}", repr(site.patch),
                        "Correct the id.")
            )  # fmt: skip
        else:
            area = Area(scalp, covers[site.patch], layout.margin_mm, touched)
            problems += _margin_problems(area, site, surface)
    return problems


def _margin_problems(area: Area, site: Site, surface: Array) -> list[Problem]:
    depth = float(area.depth(surface)[0])
    shortfall = -area.margin_mm - depth
    # The centre of a patch is always allowed, and a border is known to half a cell.
    deepest = float(np.max(area.depth(area.scalp.position[area.cells])))
    if shortfall <= 0.5 * area.scalp.cell_mm or depth >= deepest - area.scalp.cell_mm:
        return []
    return [
        Problem(f"site {site.number}",
                f"a position within {area.margin_mm:g} mm of patch {site.patch!r}",
                f"{max(-depth, 0.0):.1f} mm outside it", "Move it, or assign it to another patch.")
    ]  # fmt: skip


def _spacing_problems(scalp: Scalp, sites: Sequence[Site], layout: SiteLayout) -> list[Problem]:
    from scipy.spatial import cKDTree

    points = positions(sites)
    least = layout.spacing_mm * (1.0 - technique("placement.tolerance"))
    if len(points) < 2 or not np.all(np.isfinite(points)):
        return []
    pairs = cKDTree(points).query_pairs(least, output_type="ndarray")
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    gaps = geodesic_distance(scalp, points[pairs[:, 0]], points[pairs[:, 1]])
    return [
        Problem(f"site {sites[second].number}",
                f"at least {layout.spacing_mm:g} mm from every other site",
                f"{gap:.1f} mm from site {sites[first].number}",
                "Move it away, remove one of the two, or narrow the spacing.")
        for (first, second), gap in zip(pairs, gaps, strict=True) if gap < least
    ]  # fmt: skip


def add_site(
    scalp: Scalp,
    sites: Sequence[Site],
    where: ViewPoint | ArrayLike,
    layout: SiteLayout,
    *,
    patch: str | None = None,
    patches: Mapping[str, ArrayLike] | None = None,
    blocked: Iterable[str] = (),
) -> tuple[Site, ...]:
    """Return the sites with one more, if it keeps all guarantees.

    Parameters
    ----------
    scalp : Scalp
    sites : the sites so far.
    where : point drawn in a view, or position (3,) [mm].
    layout : spacing and margin that must hold.
    patch : id of the patch it treats.
    patches, blocked : as in `check_sites`.

    Returns
    -------
    tuple of Site
        The new one last, with the next number.

    Raises
    ------
    InputError
        Naming the site too near, the blocked patch, or the hairline crossed.
    """
    number = max((site.number for site in sites), default=0) + 1
    new = site_at(number, _position(scalp, where), patch)
    return _checked(scalp, (*sites, new), number, layout, patches=patches, blocked=blocked)


def move_site(
    scalp: Scalp,
    sites: Sequence[Site],
    number: int,
    where: ViewPoint | ArrayLike,
    layout: SiteLayout,
    *,
    patches: Mapping[str, ArrayLike] | None = None,
    blocked: Iterable[str] = (),
) -> tuple[Site, ...]:
    """Return the sites with one moved, if it keeps all guarantees; see `add_site`.

    Raises
    ------
    InputError
        When there is no such site, or its new place breaks a guarantee.
    """
    _known(sites, number)
    position = _position(scalp, where)
    moved = tuple(
        site_at(number, position, site.patch) if site.number == number else site for site in sites
    )
    return _checked(scalp, moved, number, layout, patches=patches, blocked=blocked)


def remove_site(sites: Sequence[Site], number: int) -> tuple[Site, ...]:
    """Return the sites without one; the others keep their numbers.

    Raises
    ------
    InputError
        When there is no such site.

    Examples
    --------
    >>> remove_site([Site(1, (0.0, 0.0, 90.0)), Site(2, (20.0, 0.0, 88.0))], 1)[0].number
    2
    """
    _known(sites, number)
    return tuple(site for site in sites if site.number != number)


def with_numbers(sites: Sequence[Site]) -> tuple[Site, ...]:
    """Return the sites numbered from 1 in the order they stand.

    Examples
    --------
    >>> with_numbers([Site(7, (0.0, 0.0, 90.0))])[0].number
    1
    """
    return tuple(replace(site, number=number) for number, site in enumerate(sites, start=1))


def _position(scalp: Scalp, where: ViewPoint | ArrayLike) -> Array:
    if isinstance(where, ViewPoint):
        return np.asarray(locate(scalp, where), float)
    try:
        point = np.asarray(where, float)
    except (TypeError, ValueError):
        point = np.full(1, np.nan)
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise InputError(
            Problem("position", "a view point or three finite numbers in mm", repr(where),
                    "Give x, y and z in the head frame.")
        )  # fmt: skip
    return point


def _known(sites: Sequence[Site], number: int) -> None:
    if number not in {site.number for site in sites}:
        numbers = ", ".join(str(site.number) for site in sites) or "no site at all"
        raise InputError(
            Problem(f"site {number}", f"one of {numbers}", "no such site", "Correct the number.")
        )


def _checked(
    scalp: Scalp,
    sites: tuple[Site, ...],
    number: int,
    layout: SiteLayout,
    *,
    patches: Mapping[str, ArrayLike] | None,
    blocked: Iterable[str],
) -> tuple[Site, ...]:
    name = f"site {number}"
    problems = [
        problem
        for problem in check_sites(scalp, sites, layout, patches, tuple(blocked))
        if problem.place == name or problem.found.endswith(f"from {name}")
    ]
    if problems:
        raise InputError(problems)
    return sites
