"""Which limit binds first: how far a session or a course can grow before each limit is reached."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from anagen.errors import InputError, Problem
from anagen.treatment.facts import Facts
from anagen.treatment.findings import Severity, severity_rank
from anagen.treatment.profiles import load_profile
from anagen.treatment.rule_case import (
    Case,
    PlanLike,
    SessionLike,
    first_day,
    make_case,
    without_plan,
)

if TYPE_CHECKING:
    from anagen.evidence.rules import Profile, Rule

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Growth = Literal["sites", "sessions", "none"]

_ROUNDING = 1e-9


class SessionDesign(BaseModel):
    """One session in outline, before any site is placed, and how often it is repeated.

    Parameters
    ----------
    volume_mL, strength_mg_per_mL : at each site [mL, mg/mL].
    spacing_mm : distance between sites [mm].
    sites : how many.
    pattern : hexagonal or square.
    sessions, interval_days : how many sessions, how far apart [day].

    Examples
    --------
    >>> SessionDesign(volume_mL=0.1, strength_mg_per_mL=5, spacing_mm=10, sites=9).dose_mg
    0.5
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    volume_mL: Positive  # noqa: N815 - unit symbol
    strength_mg_per_mL: Positive  # noqa: N815 - unit symbol
    spacing_mm: Positive
    sites: Annotated[int, Field(ge=1)] = 1
    pattern: Literal["hexagonal", "square"] = "square"
    sessions: Annotated[int, Field(ge=1)] = 1
    interval_days: Positive | None = None

    @property
    def dose_mg(self) -> float:
        """Steroid at each site [mg]."""
        return self.volume_mL * self.strength_mg_per_mL


@dataclass(frozen=True)
class BindingLimit:
    """One limit, how much of it is used, and where a growing session or course reaches it.

    Parameters
    ----------
    rule, title, severity, measure : of the rule.
    limit, unit : the limit.
    used : what the design uses of it, in ``unit``.
    fraction : share of the limit used; above 1 it is passed.
    grows_with : ``sites``, ``sessions`` or ``none`` when scaling the session does not change it.
    sites, mL, mg, area_cm2 : per session when the limit is reached by adding equal sites [1, mL,
        mg, cm2]; None when adding sites does not reach it, or the spacing is not known.
    sessions : sessions like this one that stay within the limit; None when no number reaches it.
    jurisdiction, source, locator : of the limit.
    """

    rule: str
    title: str
    severity: Severity
    measure: str
    limit: float
    unit: str
    used: float
    fraction: float
    grows_with: Growth
    sites: int | None
    mL: float | None  # noqa: N815 - unit symbol
    mg: float | None
    area_cm2: float | None
    sessions: int | None
    jurisdiction: str
    source: str
    locator: str

    def __str__(self) -> str:
        """One line for a person."""
        unit = "" if self.unit == "1" else f" {self.unit}"
        text = f"{self.title}: {self.used:.3g} of {self.limit:g}{unit} ({self.fraction:.0%})"
        if self.sites is not None:
            text += f", reached at {self.sites} sites, {self.mL:.3g} mL, {self.mg:.3g} mg a session"
        if self.sessions is not None:
            text += f", {self.sessions} such sessions stay within it"
        return f"{text} [{self.jurisdiction}; {self.source}]"


@dataclass(frozen=True)
class _Course:
    """Sessions by date [mg], their heaviest in equal sites, and what was given before."""

    case: Case
    sessions: tuple[tuple[date, float], ...]
    sites: int
    volume: float
    dose: float
    strength: float
    spacing: float | None
    site_area: float | None
    interval: float | None

    @property
    def sessions_before(self) -> int:
        """Sessions of the course given before the first of these."""
        start = self.case.facts.treatment_start or date.min
        return sum(start <= day <= self.sessions[0][0] for day, _ in self.case.history)


def which_limit_binds_first(
    design: SessionDesign | PlanLike | SessionLike | Sequence[SessionLike],
    facts: Facts,
    profile: "Profile | str | None" = None,
    *,
    at_least: Severity = "inform",
) -> list[BindingLimit]:
    """Order the limits of a profile by how soon a session or course reaches them.

    The session grows by equal sites at the same volume and strength; with ``n`` sites it uses
    ``n / n_limit`` of a limit. Of a plan the heaviest session is taken, and its own dates.

    Parameters
    ----------
    design : a session in outline, or a plan.
    facts : the person; earlier steroid counts toward totals.
    profile : a profile or its name; None for ``anagen-default``.
    at_least : leave out limits of lesser severity.

    Returns
    -------
    list of BindingLimit
        The one that binds first stands first: limits already passed, then by the number of sites
        at which they are reached, then those that more sites do not change, by share used.

    Raises
    ------
    InputError
        When a plan has no injections, or its doses cannot be counted.

    Examples
    --------
    >>> design = SessionDesign(volume_mL=0.1, strength_mg_per_mL=5, spacing_mm=10)
    >>> first = which_limit_binds_first(design, Facts(on=date(2026, 1, 15)))[0]
    >>> first.rule, first.sites
    ('mL-per-session', 15)
    """
    chosen = load_profile(profile) if profile is None or isinstance(profile, str) else profile
    if isinstance(design, SessionDesign):
        course = _of_design(design, facts)
    else:
        course = _of_plan(design, facts)
    limits = [
        _limit(rule, course)
        for rule in chosen.rules
        if not rule.when and severity_rank(rule.severity) <= severity_rank(at_least)
    ]
    return sorted((limit for limit in limits if limit is not None), key=_sooner)


def _sooner(limit: BindingLimit) -> tuple[bool, bool, float, int]:
    passed = limit.fraction > 1 + _ROUNDING
    reached = math.inf if limit.sites is None else limit.sites
    rank = -limit.fraction if passed or limit.sites is None else reached
    return (not passed, limit.sites is None and not passed, rank, severity_rank(limit.severity))


def _of_design(design: SessionDesign, facts: Facts) -> _Course:
    step = timedelta(days=design.interval_days or 0)
    days = (facts.on + index * step for index in range(design.sessions))
    return _Course(
        case=make_case((), facts),
        sessions=tuple((day, design.sites * design.dose_mg) for day in days),
        sites=design.sites,
        volume=design.volume_mL,
        dose=design.dose_mg,
        strength=design.strength_mg_per_mL,
        spacing=design.spacing_mm,
        site_area=_site_area(design.spacing_mm, design.pattern),
        interval=design.interval_days,
    )


def _of_plan(plan: PlanLike | SessionLike | Sequence[SessionLike], facts: Facts) -> _Course:
    case = make_case(plan, facts)
    sessions = [session for session in case.sessions if session.sites]
    if not sessions:
        raise InputError(
            Problem("sessions", "at least one injection", "none", "Plan a session first.")
        )
    heaviest = max(sessions, key=lambda session: (session.triamcinolone_mg, session.volume_mL))
    layout: Any = getattr(getattr(plan, "created_from", None), "layout", None)
    spacing = None if layout is None else layout.spacing_mm
    history = [day for day, _ in case.history if day <= sessions[0].on]
    days = [*history[-1:], *(session.on for session in sessions)]
    gaps = [float((after - before).days) for before, after in pairwise(days)]
    return _Course(
        case=without_plan(case),
        sessions=tuple((session.on, session.triamcinolone_mg) for session in sessions),
        sites=len(heaviest.sites),
        volume=heaviest.volume_mL / len(heaviest.sites),
        dose=heaviest.triamcinolone_mg / len(heaviest.sites),
        strength=max(site.strength_mg_per_mL for site in heaviest.sites),
        spacing=spacing,
        site_area=None if spacing is None else _site_area(spacing, layout.pattern),
        interval=min(gaps, default=None),
    )


def _site_area(spacing: float, pattern: str) -> float:
    """Area of one site's cell in the lattice [cm2]."""
    from anagen.units import convert

    side = convert(spacing, "mm", "cm")
    return side * side * (math.sin(math.pi / 3) if pattern == "hexagonal" else 1.0)


def _limit(rule: "Rule", course: _Course) -> BindingLimit | None:
    if rule.number is None:
        return None
    per_site = {
        "mg_per_session": course.dose,
        "mL_per_session": course.volume,
        "sites_per_session": 1.0,
    }
    fixed = {
        "mg_per_site": course.dose,
        "mL_per_site": course.volume,
        "strength_on_scalp": course.strength,
        "interval_days": course.interval,
        "spacing_mm": course.spacing,
    }
    if rule.measure in per_site:
        amount = per_site[rule.measure]
        used = amount * course.sites
        return _binding(rule, course, used, "sites", scale=_ratio(rule.number, used))
    if rule.measure == "sessions_in_course":
        before = course.sessions_before
        used = float(before + len(course.sessions))
        sessions = max(math.floor(rule.number) - before, 0)
        return _binding(rule, course, used, "sessions", sessions=sessions)
    if rule.measure == "cumulative_mg":
        used, scale = _cumulative(rule, course)
        sessions_within = _sessions_within(rule, course)
        return _binding(rule, course, used, "sites", scale=scale, sessions=sessions_within)
    value = fixed.get(rule.measure)
    return None if value is None else _binding(rule, course, value, "none")


def _binding(
    rule: "Rule",
    course: _Course,
    used: float,
    grows_with: Growth,
    *,
    scale: float | None = None,
    sessions: int | None = None,
) -> BindingLimit:
    limit = float(rule.number or 0)
    sites = None
    if scale is not None and math.isfinite(scale):
        sites = max(math.floor(scale * course.sites * (1 + _ROUNDING)), 0)
    area = None if sites is None or course.site_area is None else sites * course.site_area
    return BindingLimit(
        rule=rule.key,
        title=rule.title,
        severity=rule.severity,
        measure=rule.measure,
        limit=limit,
        unit=rule.unit,
        used=used,
        fraction=_ratio(limit, used) if rule.comparison.startswith("<") else _ratio(used, limit),
        grows_with=grows_with,
        sites=sites,
        mL=None if sites is None else sites * course.volume,
        mg=None if sites is None else sites * course.dose,
        area_cm2=area,
        sessions=sessions,
        jurisdiction=rule.jurisdiction,
        source=rule.source,
        locator=rule.locator,
    )


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return math.inf if part > 0 else 0.0


def _cumulative(rule: "Rule", course: _Course) -> tuple[float, float]:
    """Most that any session brings the total to [mg], and the scale at which it is the limit."""
    limit, used, scale = float(rule.number or 0), 0.0, math.inf
    for day, _ in course.sessions:
        background = course.case.background_mg(day, rule.window_days)
        first = first_day(day, rule.window_days)
        planned = math.fsum(dose for when, dose in course.sessions if first <= when <= day)
        used = max(used, background + planned)
        scale = min(scale, _ratio(max(limit - background, 0.0), planned))
    return used, scale


def _sessions_within(rule: "Rule", course: _Course) -> int | None:
    """Sessions like the heaviest, at the same interval, before one of them passes the limit."""
    limit, day = float(rule.number or 0), course.sessions[0][0]
    dose = course.sites * course.dose
    if rule.window_days is None:
        room = limit - course.case.background_mg(day, None)
        return max(math.floor(_ratio(room, dose) * (1 + _ROUNDING)), 0) if dose > 0 else None
    if not course.interval:
        return None
    most = math.ceil(rule.window_days / course.interval)
    for count in range(1, 1 + most + most):
        when = day + (count - 1) * timedelta(days=course.interval)
        background = course.case.background_mg(when, rule.window_days)
        if background + min(count, most) * dose > limit * (1 + _ROUNDING):
            return count - 1
    return None
