"""What the what-if shows: figures at a few weeks, charts beside each other, and plain words."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from anagen.treatment import Finding, Plan
from anagen.web.api.job_models import ChanceCurve, ForecastResult, PatchForecast, PlanForecast
from anagen.web.console.explore_forms import PLAN
from anagen.web.console.fan_drawings import Chart, Line, ceiling_of, drawn
from anagen.web.console.review_view import chance_line, fan_line

Say = Callable[..., str]

_UNTREATED = "untreated"
_LOOKS = (12, 24, 52)  # weeks
_MOST = "75"
# Rules about what a made-up person never recorded say nothing here.
_ABOUT_TREATMENT = ("limit", "technique", "gate", "age")


@dataclass(frozen=True)
class Look:
    """Figures at one week, shares [1].

    Parameters
    ----------
    week : after the first session.
    with_, without, more : of people with three quarters regrown: with the treatment, without, and
        those who have it only because of it.
    regrown, low, high : regrowth with the treatment, median and 80 % interval.
    atrophy : chance of visible atrophy.
    """

    week: int
    with_: float | None
    without: float | None
    more: float | None
    regrown: float | None
    low: float | None
    high: float | None
    atrophy: float | None


@dataclass(frozen=True)
class ExploreView:
    """Everything that the panel shows.

    Parameters
    ----------
    looks : figures by week; regrowth, atrophy : charts.
    sentences : the same in plain words.
    sites, mL, mg : of the first session; total_mg : of all.
    findings : what the rules say of the treatment.
    """

    looks: tuple[Look, ...]
    regrowth: Markup
    atrophy: Markup
    sentences: tuple[str, ...]
    sites: int
    mL: float  # noqa: N815 - unit symbol
    mg: float
    total_mg: float
    findings: tuple[Finding, ...]


def view_of(result: ForecastResult, plan: Plan, say: Say) -> ExploreView | None:
    """Make the view of a forecast; None when it is withheld.

    Parameters
    ----------
    result : answer of the job; plan : that was forecast; say : words in the reader's language.
    """
    by_name = {one.name: one for one in result.plans}
    treated, untreated = by_name.get(PLAN), by_name.get(_UNTREATED)
    if treated is None or untreated is None or not treated.patches:
        return None
    worst = max(treated.patches, key=lambda one: one.atrophy.value[-1] or 0.0)
    looks = tuple(_look(result, treated, untreated, worst, week) for week in _LOOKS
                  if week in result.weeks)  # fmt: skip
    first = plan.sessions[0].injections
    return ExploreView(
        looks=looks,
        regrowth=_regrowth(result, treated, untreated, say),
        atrophy=_atrophy(result, worst, say),
        sentences=_sentences(looks, say),
        sites=len(first),
        mL=sum(site.volume_mL for site in first),
        mg=sum(site.volume_mL * site.strength_mg_per_mL for site in first),
        total_mg=treated.planned.mg,
        findings=tuple(one for one in plan.findings
                       if one.severity != "inform" and one.kind in _ABOUT_TREATMENT),
    )  # fmt: skip


def _look(
    result: ForecastResult, treated: PlanForecast, untreated: PlanForecast, worst: PatchForecast,
    week: int,
) -> Look:  # fmt: skip
    at = result.weeks.index(week)
    people = treated.people.get(_MOST)
    return Look(
        week=week,
        with_=_value(treated.chance.get(_MOST), at),
        without=_value(untreated.chance.get(_MOST), at),
        more=None if people is None else _value(people.only_treated, at),
        regrown=treated.regrowth.median[at],
        low=treated.regrowth.low_80[at],
        high=treated.regrowth.high_80[at],
        atrophy=worst.atrophy.value[at],
    )


def _value(curve: ChanceCurve | None, at: int) -> float | None:
    return None if curve is None else curve.value[at]


def _regrowth(
    result: ForecastResult, treated: PlanForecast, untreated: PlanForecast, say: Say
) -> Markup:
    lines = (
        fan_line(_UNTREATED, "untreated", untreated.regrowth),
        fan_line(PLAN, "treated", treated.regrowth),
    )
    title = say("Regrowth with and without treatment, medians and 80 % intervals")
    words = say("weeks from the first session")
    return drawn(Chart(title, result.weeks, lines, week_words=words))


def _atrophy(result: ForecastResult, worst: PatchForecast, say: Say) -> Markup:
    lines: tuple[Line, ...] = (chance_line(PLAN, "untreated", worst.atrophy),)
    return drawn(Chart(say("Chance of visible atrophy with the treatment, 95 % interval"),
                       result.weeks, lines, ceiling=ceiling_of(lines),
                       week_words=say("weeks from the first session")))  # fmt: skip


def _sentences(looks: tuple[Look, ...], say: Say) -> tuple[str, ...]:
    found = []
    look = next((one for one in looks if one.week == _LOOKS[1]), None)
    if look is not None and look.with_ is not None and look.without is not None:
        found.append(say(
            "Of 100 people like this, about %(with)s have three quarters of their hair back after "
            "%(week)s weeks with these injections, and about %(without)s without.",
            **{"with": _of_100(look.with_), "without": _of_100(look.without)}, week=look.week,
        ))  # fmt: skip
    last = looks[-1] if looks else None
    if last is not None and last.atrophy is not None:
        found.append(say(
            "About %(many)s of 100 show visible thinning of the skin (atrophy) somewhere in the "
            "patch within %(week)s weeks.",
            many=_of_100(last.atrophy), week=last.week,
        ))  # fmt: skip
    found.append(say("One person may do much better or worse than the middle line; the shaded "
                     "range holds 8 of 10 people."))  # fmt: skip
    return tuple(found)


def _of_100(share: float) -> int:
    return round(100 * share)
