"""What rules can measure about a plan: sites, sessions, intervals and totals.

Each function yields places with values or words; a rule in ``rules.toml`` names one of them. The
limits stand there, never here.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from anagen.treatment.facts import PatchFacts
from anagen.treatment.rule_case import Case, SessionCase
from anagen.treatment.rule_registry import Measured, Query, latest_regrowth, measure, mentions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anagen.scalp import Scalp

# ---- sites ------------------------------------------------------------------------------------


@measure("number", "mg", "session")
def mg_per_site(case: Case, _: Query) -> Iterator[Measured]:
    """Steroid at each site."""
    for session in case.sessions:
        for site in session.sites:
            yield Measured(site.place, site.dose_mg, patch=site.patch)


@measure("number", "mL", "session")
def mL_per_site(case: Case, _: Query) -> Iterator[Measured]:  # noqa: N802 - unit symbol
    """Volume at each site."""
    for session in case.sessions:
        for site in session.sites:
            yield Measured(site.place, site.volume_mL, patch=site.patch)


@measure("number", "mg/mL", "session")
def strength_on_scalp(case: Case, _: Query) -> Iterator[Measured]:
    """Strength at each site that is not on the face."""
    return _strengths(case, on_face=False)


@measure("number", "mg/mL", "session")
def strength_on_face(case: Case, _: Query) -> Iterator[Measured]:
    """Strength at each site on brow, beard or other face."""
    return _strengths(case, on_face=True)


def _strengths(case: Case, on_face: bool) -> Iterator[Measured]:
    for session in case.sessions:
        for site in session.sites:
            patch = case.facts.patch(site.patch)
            if on_face == (patch is not None and patch.site != "scalp"):
                yield Measured(site.place, site.strength_mg_per_mL, patch=site.patch)


@measure("presence", "1", "session")
def sites_on_brow_or_face(case: Case, _: Query) -> Iterator[Measured]:
    """Sites near the eye."""
    for place, patch in case.patches_treated():
        if patch.site in ("brow", "face"):
            yield Measured(place, found=patch.site, patch=patch.id)


@measure("number", "mg/mL", "session")
def stock_strength(case: Case, _: Query) -> Iterator[Measured]:
    """Strength of the stock that each site is drawn from."""
    from anagen.evidence.products import load_products

    products = load_products()
    for session in case.sessions:
        for site in session.sites:
            product = products.get(site.product)
            if product is not None:
                yield Measured(site.place, product.strength_mg_per_mL, patch=site.patch)


@measure("number", "mm", "session")
def spacing_mm(case: Case, _: Query) -> Iterator[Measured]:
    """Distance along the scalp from each site to its nearest neighbour in the session."""
    for session in case.sessions:
        if len(session.sites) > 1:
            nearest = _nearest(case, session)
            for site, distance in zip(session.sites, nearest, strict=True):
                yield Measured(site.place, float(distance), patch=site.patch)


def _nearest(case: Case, session: SessionCase) -> "NDArray[np.float64]":
    import numpy as np

    from anagen.scalp import build_scalp, distance_matrix

    scalp = case.scalp or build_scalp(case.facts.head_circumference_mm)
    given = None if case.positions is None else case.positions[session.index]
    if given is None:
        points = _located(scalp, session)
    else:
        points = np.asarray(given, float)[[site.index for site in session.sites]]
    distance = distance_matrix(scalp, points, points)
    np.fill_diagonal(distance, np.inf)
    nearest: NDArray[np.float64] = distance.min(axis=1)
    return nearest


def _located(scalp: "Scalp", session: SessionCase) -> "NDArray[np.float64]":
    import numpy as np

    from anagen.scalp import locate_points

    groups: dict[tuple[str, str], list[int]] = {}
    for row, site in enumerate(session.sites):
        groups.setdefault((site.location.view, site.location.unit), []).append(row)
    points = np.empty((len(session.sites), len("xyz")))
    for (view, unit), rows in groups.items():
        drawn = [(session.sites[row].location.x, session.sites[row].location.y) for row in rows]
        points[rows] = locate_points(scalp, view, drawn, unit, f"{session.place}.injections")
    return points


# ---- what is in the syringe --------------------------------------------------------------------


def _ingredients(case: Case) -> Iterator[tuple[str, str]]:
    """Products or diluents of the plan and what they contain; triamcinolone's while not known."""
    from anagen.evidence.products import load_products
    from anagen.evidence.rules import load_words

    known = load_products()
    used = {site.product for session in case.sessions for site in session.sites}
    used |= {session.diluent for session in case.sessions if session.diluent}
    if not used or not used <= set(known):
        drug = load_words()["triamcinolone"]
        used |= {key for key, product in known.items() if mentions(product.drug, drug)}
    for key in sorted(used & set(known)):
        product = known[key]
        drugs = (name for name in (product.drug, product.active) if name)
        for name in (*drugs, *product.excipients):
            yield product.name, name.replace("_", " ").casefold()


def _names(ingredient: str) -> Iterator[str]:
    """Every name under which a record may list an ingredient."""
    from anagen.evidence.rules import load_words

    words = load_words()
    yield ingredient
    parts = ingredient.split()
    while len(parts) > 1 and parts[-1] in words["salts"]:
        parts.pop()
        yield " ".join(parts)
    for name in words["same_ingredient"]:
        if mentions(ingredient, words[name]):
            yield from words[name]


@measure("words", gather="plan")
def ingredients(case: Case, _: Query) -> Iterator[Measured]:
    """Everything in the vials of the plan."""
    for product, name in _ingredients(case):
        yield Measured(f"products[{product}]", found=name)


@measure()
def allergies_to_ingredients(case: Case, _: Query) -> Iterator[Measured]:
    """Allergies that name something in the vials of the plan."""
    names = {name for _, part in _ingredients(case) for name in _names(part)}
    for index, entry in enumerate(case.facts.allergies or ()):
        if mentions(entry, tuple(sorted(names))):
            yield Measured(f"patient.allergies[{index}]", found=entry)


# ---- patches that are injected ----------------------------------------------------------------


def _of_patches(
    case: Case, value: Callable[[PatchFacts], float | str | None]
) -> Iterator[Measured]:
    for place, patch in case.patches_treated():
        seen = value(patch)
        if isinstance(seen, str):
            yield Measured(place, found=seen, patch=patch.id)
        elif seen is not None:
            yield Measured(place, float(seen), patch=patch.id)


@measure("presence", "1", "patch")
def infection_at_site(case: Case, _: Query) -> Iterator[Measured]:
    """Injected patches with an infection."""
    return _of_patches(case, lambda patch: patch.infection)


@measure("presence", "1", "patch")
def blocked_patch(case: Case, _: Query) -> Iterator[Measured]:
    """Injected patches that the record closes to injection."""
    return _of_patches(case, lambda patch: patch.blocked)


@measure("number", "1", "patch")
def atrophy_at_site(case: Case, _: Query) -> Iterator[Measured]:
    """Grade of atrophy of injected patches."""
    return _of_patches(case, lambda patch: patch.atrophy_grade)


@measure("number", "1", "patch")
def telangiectasia_at_site(case: Case, _: Query) -> Iterator[Measured]:
    """Grade of telangiectasia of injected patches."""
    return _of_patches(case, lambda patch: patch.telangiectasia_grade)


@measure("number", "%", "patch")
def regrowth_of_injected_patch(case: Case, query: Query) -> Iterator[Measured]:
    """Latest regrowth of injected patches."""
    return _of_patches(case, lambda patch: latest_regrowth(patch, query))


@measure("number", "mg", "patch")
def mg_per_patch(case: Case, _: Query) -> Iterator[Measured]:
    """Steroid in each patch in each session."""
    for session in case.sessions:
        patches = dict.fromkeys(site.patch for site in session.sites if site.patch is not None)
        for patch in patches:
            dose = sum(site.dose_mg for site in session.sites if site.patch == patch)
            yield Measured(session.place, dose, patch=patch)


# ---- sessions and the course ------------------------------------------------------------------


@measure("number", "mg", "session")
def mg_per_session(case: Case, _: Query) -> Iterator[Measured]:
    """Steroid in each session, as triamcinolone."""
    return (Measured(session.place, session.triamcinolone_mg) for session in case.sessions)


@measure("number", "mL", "session")
def mL_per_session(case: Case, _: Query) -> Iterator[Measured]:  # noqa: N802 - unit symbol
    """Volume in each session."""
    return (Measured(session.place, session.volume_mL) for session in case.sessions)


@measure("number", "1", "session")
def sites_per_session(case: Case, _: Query) -> Iterator[Measured]:
    """Count the sites of each session."""
    return (Measured(session.place, float(len(session.sites))) for session in case.sessions)


@measure("number", "1", "plan")
def sessions_in_course(case: Case, _: Query) -> Iterator[Measured]:
    """How many sessions of the course each session makes, itself included."""
    start = case.facts.treatment_start or date.min
    days = [day for day, _ in case.history if day >= start]
    for count, session in enumerate(case.sessions, start=1):
        yield Measured(session.place, float(count + sum(day <= session.on for day in days)))


@measure("number", "day", "session")
def interval_days(case: Case, _: Query) -> Iterator[Measured]:
    """Days between neighbouring sessions, of which one at least is of the plan."""
    earlier = [(day, None) for day, _ in case.history]
    planned = [(session.on, session) for session in case.sessions]
    days: list[tuple[date, SessionCase | None]] = sorted(
        [*earlier, *planned], key=lambda entry: entry[0]
    )
    for (before, first), (after, second) in pairwise(days):
        session = second or first
        if session is not None:
            yield Measured(session.place, float((after - before).days))


@measure("number", "mg", "plan")
def cumulative_mg(case: Case, query: Query) -> Iterator[Measured]:
    """Steroid by all routes up to each session, in all or in a window of days."""
    if not case.sessions:
        total = case.cumulative_mg(case.facts.on, query.window_days)
        yield Measured("patient.sessions", total)
    for session in case.sessions:
        yield Measured(session.place, case.cumulative_mg(session.on, query.window_days))


@measure("number", "week", "plan")
def weeks_to_end_without_review(case: Case, _: Query) -> Iterator[Measured]:
    """Weeks from the last review, or else the start, to each session."""
    if case.sessions:
        known = case.facts.last_review or case.facts.treatment_start
        start = known or case.sessions[0].on
        for session in case.sessions:
            yield Measured(session.place, (session.on - start) / timedelta(weeks=1))


# ---- other steroids ---------------------------------------------------------------------------


def _other_steroids(case: Case, query: Query, unknown: bool) -> Iterator[Measured]:
    window = timedelta.max if query.window_days is None else timedelta(days=query.window_days)
    for index, dose in enumerate(case.facts.other_steroids):
        recent = case.facts.on - (dose.until or dose.date) < window
        if recent and (not unknown or dose.triamcinolone_mg is None):
            found = f"{dose.drug}, {dose.route}"
            yield Measured(f"patient.other_steroids[{index}]", found=found)


@measure()
def other_steroids(case: Case, query: Query) -> Iterator[Measured]:
    """Steroids by other routes in a window of days."""
    return _other_steroids(case, query, unknown=False)


@measure()
def other_steroids_unknown(case: Case, query: Query) -> Iterator[Measured]:
    """Steroids by other routes whose amount is not known."""
    return _other_steroids(case, query, unknown=True)
