"""Formal review of a course: gates seen and foreseen, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from anagen.errors import InputError, Problem
from anagen.forecast.decide import Case, PatchAdvice, Suggestion, decide, escalation
from anagen.forecast.flags import is_withheld
from anagen.forecast.gates import (
    Chance,
    ForecastLike,
    GateReview,
    PatchRegrowth,
    Readings,
    gate_chances,
    review_gates,
)
from anagen.forecast.next_plans import STOP, next_strength, review_day, review_plans
from anagen.forecast.review_rows import load_review_rows
from anagen.patient.facts import course_start, facts
from anagen.patient.record import Patient
from anagen.patient.timeline import latest_patches
from anagen.treatment.findings import Finding
from anagen.treatment.profiles import load_profile
from anagen.treatment.rules import check

__all__ = [
    "Chance",
    "GateReview",
    "PatchAdvice",
    "PatchRegrowth",
    "Review",
    "Suggestion",
    "escalation",
    "review",
    "review_plans",
]


@dataclass(frozen=True)
class Review:
    """A review of one patient on one day.

    Parameters
    ----------
    patient : id; on : the day; profile : key of the profile whose numbers hold.
    first_session, week : start of the present course, and weeks since; None before it.
    gates : weeks 12 and 24, and the goal; empty before the first session.
    patches : what to do with each patch.
    suggestion : what to do; alternatives : what else, at least one.
    findings : what the rules say about the person now.
    note : how the forecast was used, or why not.
    """

    patient: str
    on: date
    profile: str
    first_session: date | None
    week: float | None
    gates: tuple[GateReview, ...]
    patches: tuple[PatchAdvice, ...]
    suggestion: Suggestion
    alternatives: tuple[Suggestion, ...]
    findings: tuple[Finding, ...]
    note: str


def review(
    patient: Patient,
    *,
    on: date | None = None,
    profile: str | None = None,
    forecast: ForecastLike | None = None,
) -> Review:
    """Review the course of a patient at the gates of a profile.

    Parameters
    ----------
    patient : the record; what lies after the day is not looked at.
    on : day of the review; the latest entry of the record when None.
    profile : whose gates and limits hold; None for the default one.
    forecast : of the plans of `review_plans`, for the chances; without one, or when it is
        withheld, what was seen decides alone, and the review says so.

    Returns
    -------
    Review
        The table of decisions stands in `anagen.forecast.decide.decide`.

    Raises
    ------
    InputError
        When nothing is recorded by that day, the profile is unknown, or the forecast is of
        somebody else.

    Examples
    --------
    >>> from anagen.patient import Patient, Visit
    >>> found = review(Patient(id="P1", visits=(Visit(date=date(2026, 1, 5)),)))
    >>> found.suggestion.action, [other.action for other in found.alternatives]
    ('watch', ['go on'])
    """
    chosen = load_profile(profile)
    day = review_day(patient, on)
    used, note = _usable(patient, forecast)
    first = course_start(patient, day)
    readings = Readings(patient, day)
    begin = day if first is None else first
    gates = review_gates(readings, begin, chosen, used)
    findings = tuple(check([], facts(patient, day), chosen))
    patches = _advise(patient, day, findings, readings, first)
    look = _next_look(gates, day)
    target = load_review_rows().number("target", "%")
    goal = gates[-1].at_least or target
    chances, goals = (_by_plan(gate_chances(used, look, one)) for one in (target, goal))
    latest = readings.latest(first) if first is not None else ()
    spared = any(one.action == "watch" and one.treat for one in patches)
    case = Case(
        week=None if first is None else (day - first) / timedelta(weeks=1),
        gates=gates,
        findings=findings,
        patches=patches,
        latest=readings.whole(latest),
        chances=chances,
        goal_chances=goals,
        target=target,
        goal=goal,
        stronger=None if spared else next_strength(patient, day, profile),
        words=note if used is None else _words(chances, goals, look, (target, goal)),
    )
    suggestion, *alternatives = decide(case)
    return Review(
        patient=patient.id,
        on=day,
        profile=chosen.key,
        first_session=first,
        week=case.week,
        gates=gates if first is not None else (),
        patches=patches,
        suggestion=suggestion,
        alternatives=tuple(alternatives),
        findings=findings,
        note=note,
    )


def _usable(patient: Patient, forecast: ForecastLike | None) -> tuple[ForecastLike | None, str]:
    """Forecast that may be used, and a note on it."""
    if forecast is None:
        return None, "No forecast was given: what was seen decides alone."
    whose = str(forecast.dataset.attrs.get("patient", patient.id))
    if whose != patient.id:
        raise InputError(
            Problem("forecast", f"the forecast of {patient.id}", whose,
                    "Make the forecast of this patient.")
        )  # fmt: skip
    if is_withheld(forecast.flags):
        reasons = " ".join(flag.reason for flag in forecast.flags if flag.severity == "stop")
        return None, f"The forecast is withheld and was not used: {reasons}"
    return forecast, "The forecast was used beside what was seen."


def _advise(
    patient: Patient,
    day: date,
    findings: Sequence[Finding],
    readings: Readings,
    first: date | None,
) -> tuple[PatchAdvice, ...]:
    seen = {row.patch: row for row in readings.latest(first or date.min)}
    return tuple(
        _advise_patch(name, seen.get(name), [one for one in findings if one.patch == name])
        for name in latest_patches(patient, day)
    )


def _advise_patch(
    name: str, seen: PatchRegrowth | None, findings: Sequence[Finding]
) -> PatchAdvice:
    from anagen.evidence.rules import load_rules

    decisions = load_review_rows().decisions
    percent, day = (None, None) if seen is None else (seen.percent, seen.date)
    closed = [one for one in findings if one.rule in decisions["leave_out"]]
    spared = [one for one in findings if one.rule in decisions["spare"]]
    if closed or (spared and not _is_full(percent)):
        found = closed or spared
        why = tuple(f"{one.message} {one.remedy} (rule {one.rule}, {one.source})" for one in found)
        rules = tuple(dict.fromkeys(one.rule for one in found))
        return PatchAdvice(name, percent, day, "watch", not closed, why, rules)
    if percent is not None and _is_full(percent):
        rule = load_rules()[decisions["complete"][0]]
        why = (f"Patch {name} has regrown to {percent:.0f} %; from {rule.number:.0f} % on it "
               f"counts as full (rule {rule.key}, {rule.source}).",)  # fmt: skip
        return PatchAdvice(name, percent, day, "stop", False, why, (rule.key,))
    return PatchAdvice(name, percent, day, "go on", True)


def _is_full(percent: float | None) -> bool:
    from anagen.evidence.rules import load_rules

    number = load_rules()[load_review_rows().decisions["complete"][0]].number
    return percent is not None and number is not None and percent >= number


def _next_look(gates: Sequence[GateReview], day: date) -> date:
    """Day of the next gate; after the last one, as far ahead as the gates are apart."""
    ahead = [gate.due for gate in gates if gate.reached == "open"]
    rest = timedelta(days=load_review_rows().number("ahead", "day"))
    return min(ahead, default=day + rest)


def _by_plan(chances: Sequence[Chance]) -> dict[str, Chance]:
    return {chance.plan: chance for chance in chances}


def _words(
    chances: Mapping[str, Chance],
    goals: Mapping[str, Chance],
    look: date,
    asked: tuple[float, float],
) -> str:
    """Chances in a sentence or two, each with its interval."""
    if not chances:
        return f"The forecast does not reach {look}: it was not used."
    parts = []
    for percent, some in zip(asked, (chances, goals), strict=True):
        shown = "; ".join(str(chance) for name, chance in some.items() if name != STOP)
        if shown:
            parts.append(f"Chance of at least {percent:.0f} % regrowth by {look}: {shown}.")
    return " ".join(dict.fromkeys(parts))
