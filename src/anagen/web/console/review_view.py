"""What a review shows, made of the answer of its job: options, charts, readings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from anagen.forecast.gates import GateReview
from anagen.web.api.job_models import (
    ChanceCurve,
    Fan,
    ForecastResult,
    PlanForecast,
    ReviewResult,
)
from anagen.web.console.fan_drawings import Band, Chart, Line, Mark, ceiling_of, drawn

Say = Callable[..., str]

# Plans without further sessions are one and the same way on; the first that is there is shown.
_WITHOUT = ("stop", "untreated")
_KINDS = ("treated", "second", "untreated")
# Thresholds of regrowth shown as success [%], as the answer names them.
_HALF, _MOST = "50", "75"
# Readings shown beside the model, the last ones of each patch.
_READINGS = 6


@dataclass(frozen=True)
class Figure:
    """A probability [1] with its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Option:
    """One way to go on.

    Parameters
    ----------
    name : of the plan; kind : colour of its line.
    half, most : chance of half and of three quarters regrown at the last week.
    atrophy : chance of visible atrophy by then in the patch where it is highest; patch : its id.
    sessions, mg : what is still planned.
    """

    name: str
    kind: str
    half: Figure
    most: Figure
    atrophy: Figure
    patch: str
    sessions: float
    mg: float


@dataclass(frozen=True)
class Reading:
    """Regrowth read at a visit beside what the model says of it, shares [1]."""

    patch: str
    on: date
    observed: float
    model: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ReviewView:
    """Everything that the page of a review shows beside the review itself.

    Parameters
    ----------
    options : ways to go on; weeks : how far ahead they are looked at.
    charts : regrowth and atrophy by week; readings : observed beside the model.
    step : whether the suggestion is urgent enough to stand out.
    """

    options: tuple[Option, ...]
    weeks: int
    charts: tuple[Markup, ...]
    readings: tuple[Reading, ...]


def view_of(result: ReviewResult, say: Say) -> ReviewView:
    """Make the view of a review.

    Parameters
    ----------
    result : answer of the job; say : words in the reader's language.
    """
    made = result.forecast
    if made is None or made.withheld:
        return ReviewView((), 0, (), ())
    plans = _shown(made)
    return ReviewView(
        options=tuple(_option(plan, kind) for plan, kind in plans),
        weeks=made.weeks[-1],
        charts=_charts(made, plans, result.review.gates, say),
        readings=_readings(made),
    )


def _shown(made: ForecastResult) -> tuple[tuple[PlanForecast, str], ...]:
    without = next((name for name in _WITHOUT if any(p.name == name for p in made.plans)), "")
    kept = [plan for plan in made.plans if plan.name == without or plan.name not in _WITHOUT]
    treated = iter(_KINDS)
    return tuple(
        (plan, "untreated" if plan.name == without else next(treated, "second")) for plan in kept
    )


def _option(plan: PlanForecast, kind: str) -> Option:
    worst = max(plan.patches, key=lambda one: _last(one.atrophy).value or 0.0, default=None)
    return Option(
        name=plan.name,
        kind=kind,
        half=_last(plan.chance.get(_HALF)),
        most=_last(plan.chance.get(_MOST)),
        atrophy=Figure(None, None, None) if worst is None else _last(worst.atrophy),
        patch="" if worst is None else worst.patch,
        sessions=plan.planned.sessions,
        mg=plan.planned.mg,
    )


def _last(curve: ChanceCurve | None) -> Figure:
    if curve is None or not curve.value:
        return Figure(None, None, None)
    return Figure(curve.value[-1], curve.low[-1], curve.high[-1])


def _charts(
    made: ForecastResult,
    plans: tuple[tuple[PlanForecast, str], ...],
    gates: tuple[GateReview, ...],
    say: Say,
) -> tuple[Markup, ...]:
    ahead = [((gate.due - made.origin) / timedelta(weeks=1), gate.title) for gate in gates]
    marks = tuple(
        Mark(week, say("gate")) for week, _ in ahead if 0 < week <= made.weeks[-1]
    )[:2]  # fmt: skip
    regrowth = tuple(fan_line(plan.name, kind, plan.regrowth) for plan, kind in plans)
    harm = tuple(
        chance_line(plan.name, kind, max(
            (one.atrophy for one in plan.patches),
            key=lambda curve: curve.value[-1] or 0.0,
        ))
        for plan, kind in plans if plan.patches
    )  # fmt: skip
    words = say("weeks from now")
    return (
        drawn(Chart(say("Regrowth of what was bald, 80 % intervals"), made.weeks, regrowth,
                    marks=marks, week_words=words)),
        drawn(Chart(say("Chance of visible atrophy, 95 % intervals"), made.weeks, harm,
                    ceiling_of(harm),
                    week_words=words)),
    )  # fmt: skip


def fan_line(name: str, kind: str, fan: Fan) -> Line:
    """Line of a fan of shares [1], with its 80 % interval, for an axis in per cent."""
    return Line(name, kind, percents(fan.median),
                (Band(percents(fan.low_80), percents(fan.high_80)),))  # fmt: skip


def chance_line(name: str, kind: str, curve: ChanceCurve) -> Line:
    """Line of a probability [1], with its 95 % interval, for an axis in per cent."""
    return Line(name, kind, percents(curve.value),
                (Band(percents(curve.low), percents(curve.high)),))  # fmt: skip


def percents(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
    """Shares [1] as per cent."""
    return tuple(None if value is None else 100.0 * value for value in values)


def _readings(made: ForecastResult) -> tuple[Reading, ...]:
    found = []
    for past in made.past:
        rows = [
            Reading(past.patch, made.origin + timedelta(days=day), seen, model, low, high)
            for day, seen, model, low, high in zip(
                past.days, past.observed, past.median, past.low_95, past.high_95, strict=True
            )
            if seen is not None
        ]
        found += rows[-_READINGS:]
    return tuple(found)
