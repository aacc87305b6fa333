"""The plans that a review puts side by side: go on as now, one step stronger, no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from anagen.errors import InputError
from anagen.forecast.review_rows import load_review_rows
from anagen.patient.drawings import patient_scalp
from anagen.patient.facts import facts
from anagen.patient.record import Patient, SessionSummary
from anagen.patient.timeline import latest_patches, patch_shapes, regrowth_history
from anagen.treatment.injections import Plan, Session
from anagen.treatment.planning import change_session, make_plan, session_sites
from anagen.treatment.profiles import load_profile
from anagen.treatment.protocols import Protocol, change_protocol, load_protocol
from anagen.treatment.rules import check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anagen.scalp.grid import Scalp

GO_ON, STEP_UP, STOP = "go on", "step up", "stop"

_ROUND_MM = 0.5
_SAME = 1.001  # a strength so much higher counts as higher


@dataclass(frozen=True)
class _Course:
    """What was given so far, as of a day.

    Parameters
    ----------
    sessions : in order of date, those known as sums too.
    full : those known site by site.
    """

    sessions: tuple[Session | SessionSummary, ...]
    full: tuple[Session, ...]


def review_plans(
    patient: Patient, on: date | None = None, profile: str | None = None
) -> dict[str, Plan]:
    """Make the plans whose forecast a review needs.

    Strength, volume, depth and product are those of the last session, the spacing that of its
    sites, the interval the last one; what is not known is the protocol's. As many sessions as the
    protocol still has are planned, its fewest at the least. Patches that must be left out, or
    have regrown, get none.

    Parameters
    ----------
    patient : the record.
    on : day of the review; the latest entry of the record when None.
    profile : whose limits hold.

    Returns
    -------
    dict
        ``go on``, ``step up`` (only where a next strength exists within the limits of the
        profile) and ``stop``, a plan without sessions. Only ``stop`` when no patch is drawn or
        none may be injected.

    Raises
    ------
    InputError
        When the profile is unknown or nothing is recorded by that day.
    """
    day = review_day(patient, on)
    chosen = load_profile(profile)
    stop = Plan(protocol="custom", patient=patient.id)
    shapes = patch_shapes(patient, day)
    closed = [name for name in shapes if name in left_out(patient, day)]
    if len(closed) == len(shapes):
        return {STOP: stop}
    scalp = patient_scalp(patient)
    course = _course(patient, day)
    protocol = _as_given(scalp, course, load_protocol(load_review_rows().base))
    plans = {GO_ON: _plan(patient, scalp, protocol, course, day, closed)}
    stronger = next_strength(patient, day, profile)
    if stronger is not None:
        plan = plans[GO_ON]
        for index in range(len(plan.sessions)):
            plan = change_session(plan, index, strength_mg_per_mL=stronger)
        limits = set(load_review_rows().limits)
        found = check(plan, facts(patient, day), chosen, scalp=scalp)
        if not any(finding.rule in limits for finding in found):
            plans[STEP_UP] = plan
    return {**plans, STOP: stop}


def review_day(patient: Patient, on: date | None) -> date:
    """Day of a review: the one asked for, else the latest visit or session.

    Raises
    ------
    InputError
        When nothing is recorded, or not by that day.
    """
    from anagen.errors import Problem

    every = [row.date for row in patient.visits]
    every += [session.date for session in patient.sessions]
    every += [summary.date for summary in patient.session_summaries]
    days = [day for day in every if on is None or day <= on]
    if not days:
        by = "" if on is None else f" by {on}"
        raise InputError(
            Problem("visits", f"a visit or a session{by}", "none",
                    "Record a visit with the patches seen, or give a later day.")
        )  # fmt: skip
    return max(days) if on is None else on


def next_strength(patient: Patient, on: date, profile: str | None = None) -> float | None:
    """Next strength above that of the last session [mg/mL] within the profile's limit.

    None without a session of known strength, or when there is no stronger step.

    Examples
    --------
    >>> next_strength(Patient(id="P1"), date(2026, 3, 2)) is None
    True
    """
    last = last_strength(patient, on)
    if last is None:
        return None
    rules = [load_profile(profile).rule(key) for key in load_review_rows().limits]
    caps = [rule.number for rule in rules
            if rule is not None and rule.unit == "mg/mL" and rule.number is not None]  # fmt: skip
    steps = load_protocol(load_review_rows().steps).strengths_mg_per_mL
    above = [step for step in steps if step > last * _SAME and step <= min(caps, default=step)]
    return min(above, default=None)


def last_strength(patient: Patient, on: date) -> float | None:
    """Highest strength of the last session [mg/mL]; None when there is none or it is unknown."""
    sessions = _course(patient, on).sessions
    if not sessions:
        return None
    last = sessions[-1]
    if isinstance(last, SessionSummary):
        return last.strength_mg_per_mL
    return max((site.strength_mg_per_mL for site in last.injections if site.status != "skipped"),
               default=None)  # fmt: skip


def left_out(patient: Patient, on: date) -> dict[str, str]:
    """Patches that get no injection, with the rule that says so.

    Atrophy, infection, a block written down (the rules of ``decisions.leave_out``), or regrowth
    from the number of the first rule of ``decisions.complete`` on.
    """
    from anagen.evidence.rules import load_rules

    rows = load_review_rows()
    found = {finding.patch: finding.rule for finding in check([], facts(patient, on))
             if finding.rule in rows.decisions["leave_out"] and finding.patch}  # fmt: skip
    full = load_rules()[rows.decisions["complete"][0]]
    for name in latest_patches(patient, on):
        read = regrowth_history(patient, name, on)
        if read and full.number is not None and read[-1].percent >= full.number:
            found.setdefault(name, full.key)
    return {str(name): rule for name, rule in found.items()}


def _course(patient: Patient, on: date) -> _Course:
    full = tuple(row for row in patient.sessions if row.date <= on)
    sums = tuple(row for row in patient.session_summaries if row.date <= on)
    return _Course(tuple(sorted((*full, *sums), key=lambda row: row.date)), full)


def _as_given(scalp: "Scalp", course: _Course, base: Protocol) -> Protocol:
    """Protocol with the numbers of the last session, where they are known."""
    if not course.sessions:
        return base
    last = course.sessions[-1]
    changes = _of_summary(last) if isinstance(last, SessionSummary) else _of_session(scalp, last)
    if len(course.sessions) > 1:
        changes["interval_days"] = (last.date - course.sessions[-2].date).days
    still = base.sessions - len(course.sessions)
    fewest = next(int(row.low) for row in base.cited if row.field == "sessions")
    changes["sessions"] = max(still, fewest)
    known = {name: value for name, value in changes.items() if value is not None}
    try:
        return change_protocol(base, **known)
    except InputError:  # a number that no plan may have, such as sites 2 mm apart
        return change_protocol(base, **_usable(base, known))


def _usable(base: Protocol, changes: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in changes.items():
        try:
            change_protocol(base, **{name: value})
        except InputError:
            continue
        kept[name] = value
    return kept


def _of_summary(session: SessionSummary) -> dict[str, Any]:
    volume = session.total_mL
    return {
        "product": _known_product(session.product),
        "strength_mg_per_mL": session.strength_mg_per_mL,
        "volume_mL": None if volume is None else volume / session.sites,
    }


def _of_session(scalp: "Scalp", session: Session) -> dict[str, Any]:
    sites = [site for site in session.injections if site.status != "skipped"]
    if not sites:
        return {}
    strongest = max(sites, key=lambda site: site.strength_mg_per_mL)
    return {
        "product": _known_product(strongest.product),
        "strength_mg_per_mL": strongest.strength_mg_per_mL,
        "volume_mL": strongest.volume_mL,
        "depth_mm": strongest.depth_mm,
        "spacing_mm": _spacing(scalp, session),
    }


def _known_product(product: str) -> str | None:
    from anagen.evidence.products import load_products

    known = load_products().get(product)
    return product if known is not None and "steroid" in known.roles else None


def _spacing(scalp: "Scalp", session: Session) -> float | None:
    """Median distance of a site from its nearest neighbour in the same patch [mm], rounded.

    Half millimetres: places are written down no better, and the lattice lies on a curved surface.
    """
    import numpy as np

    try:
        sites = session_sites(scalp, session)
    except InputError:
        return None
    nearest: list[float] = []
    for patch in dict.fromkeys(site.patch for site in sites):
        places = np.array([site.position for site in sites if site.patch == patch])
        nearest += _nearest(places)
    return round(float(np.median(nearest)) / _ROUND_MM) * _ROUND_MM if nearest else None


def _nearest(places: "NDArray[np.float64]") -> list[float]:
    import numpy as np
    from scipy.spatial import cKDTree

    if len(places) < 2:
        return []
    distance = np.asarray(cKDTree(places).query(places, k=2)[0])
    return [float(value) for value in distance[:, 1]]


def _plan(
    patient: Patient,
    scalp: "Scalp",
    protocol: Protocol,
    course: _Course,
    on: date,
    closed: Sequence[str],
) -> Plan:
    from anagen.scalp import patch_cells

    shapes = patch_shapes(patient, on)
    covers = {name: patch_cells(scalp, shape, f"patch {name}") for name, shape in shapes.items()}
    start = on
    if course.sessions:
        start = max(on, course.sessions[-1].date + timedelta(days=protocol.interval_days))
    return make_plan(scalp, covers, protocol, start, patient_id=patient.id, blocked=closed)
