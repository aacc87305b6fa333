"""Curves of a course with the forecast's fan, each with the numbers behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from anagen.patient import Patient
from anagen.patient.facts import salt_of
from anagen.patient.timeline import visits_until
from anagen.web.api.job_models import Fan as FanData
from anagen.web.api.job_models import ForecastResult, PlanForecast
from anagen.web.console.charts import Band, Chart, Fan, Mark, Point, Role, time_chart
from anagen.web.console.patient_forecast import UNTREATED
from anagen.web.console.texts import Texts

WEEKS_LISTED = (4, 8, 12, 24, 36, 52)
_TWO_SIDED_95 = 1.959963984540054


@dataclass(frozen=True)
class Seen:
    """One patch at one visit.

    Parameters
    ----------
    day : of the visit; written : regrowth as noted [%].
    cover : share of its first outline that is covered [1]; within : of the outline drawn last.
    """

    day: date
    written: float | None
    cover: float
    within: float


@dataclass(frozen=True)
class ChartShown:
    """A chart in two widths, and the numbers behind it.

    Parameters
    ----------
    title : in words; narrow, wide : the drawing.
    seen : rows (day, value, note); ahead : rows (week, day, range under the plan, without).
    """

    title: str
    narrow: Markup
    wide: Markup
    seen: tuple[tuple[date, str, str], ...] = ()
    ahead: tuple[tuple[int, date, str, str], ...] = ()


def salt_chart(
    patient: Patient, result: ForecastResult | None, marks: Sequence[Mark], texts: Texts,
    today: date,
) -> ChartShown | None:  # fmt: skip
    """Draw SALT as read and as forecast; None when there is neither."""
    half, least = _errors()[1]
    points, rows = [], []
    for visit in visits_until(patient):
        salt = salt_of(visit)
        if salt is None:
            continue
        low, high = reader_interval(salt / 100.0, half, least)
        words = f"{texts.day(visit.date)}: {texts.number(salt)}"
        points.append(Point(visit.date, salt, 100 * low, 100 * high, words))
        span = f"{texts.number(100 * low)}\N{EN DASH}{texts.number(100 * high)}"
        rows.append((visit.date, texts.number(salt), span))
    fans, ahead = _fans(result, lambda plan: plan.salt_percent, 1.0, texts)
    if not points and not fans:
        return None
    title = texts.text("SALT: scalp hair lost")
    words = _description(texts, title, rows, ahead, "%")
    chart = Chart(title, words, "%", tuple(points), tuple(fans), tuple(marks), today=today,
                  today_word=texts.text("today"), ceiling=4.0, most=100.0,
                  month=month_words(texts))  # fmt: skip
    return ChartShown(title, time_chart(chart, 360, 250), time_chart(chart, 680, 270),
                      tuple(rows), tuple(ahead))  # fmt: skip


def patch_chart(
    name: str, seen: Sequence[Seen], result: ForecastResult | None, marks: Sequence[Mark],
    texts: Texts, today: date,
) -> ChartShown:  # fmt: skip
    """Draw how much of a patch is regrown, as read and as forecast."""
    half, least = _errors()[0]
    points, rows = [], []
    for row in seen:
        low, high = reader_interval(row.cover, half, least)
        words = f"{texts.day(row.day)}: {texts.percent(row.cover)}"
        points.append(Point(row.day, 100 * row.cover, 100 * low, 100 * high, words))
        written = "" if row.written is None else texts.percent(row.written / 100)
        rows.append((row.day, texts.percent(row.cover), written))

    def of_patch(plan: PlanForecast) -> FanData | None:
        return next((one.cover for one in plan.patches if one.patch == name), None)

    fans, ahead = _fans(result, of_patch, 100.0, texts)
    title = texts.text("%(patch)s: regrown", patch=name)
    words = _description(texts, title, rows, ahead, "%")
    chart = Chart(title, words, "%", tuple(points), tuple(fans), tuple(marks), today=today,
                  today_word=texts.text("today"), ceiling=100.0, most=100.0,
                  month=month_words(texts))  # fmt: skip
    drawn = time_chart(chart, 360, 200)
    return ChartShown(title, drawn, drawn, tuple(rows), tuple(ahead))


def _description(
    texts: Texts, title: str, rows: Sequence[Any], ahead: Sequence[Any], unit: str
) -> str:
    words = title + "."
    if rows:
        words += " " + texts.text(
            "Seen %(count)s times, last %(value)s on %(day)s.", count=len(rows),
            value=rows[-1][1], day=texts.day(rows[-1][0]),
        )  # fmt: skip
    later = next((row for row in ahead if row[0] == 24), None)
    if later:
        words += " " + texts.text(
            "Forecast for week 24: %(plan)s with the plan, %(without)s without.",
            plan=later[2], without=later[3],
        )  # fmt: skip
    return words


def month_words(texts: Texts) -> Callable[[date], str]:
    """Give what writes the months of an axis."""
    from babel.dates import format_date

    def words(day: date) -> str:
        pattern = "MMM ''yy" if day.month == 1 else "MMM"
        return str(format_date(day, pattern, locale=texts.language))

    return words


def _fans(
    result: ForecastResult | None, curve: Any, factor: float, texts: Texts
) -> tuple[list[Fan], list[tuple[int, date, str, str]]]:
    if result is None:
        return [], []
    days = tuple(result.origin + timedelta(weeks=week) for week in result.weeks)
    plan, without = treated_plan(result), untreated_plan(result)
    made: list[tuple[Role, str, FanData | None]] = [
        ("untreated", texts.text("no more injections"), curve(without) if without else None),
        ("treated", texts.text("with the plan"), curve(plan) if plan else None),
    ]
    fans = [_fan(name, role, days, data, factor) for role, name, data in made
            if data is not None and None not in data.median]  # fmt: skip
    rows = []
    for week in WEEKS_LISTED:
        if week in result.weeks:
            at = result.weeks.index(week)
            words = [_range(data, at, factor, texts) for _, _, data in made]
            rows.append((week, days[at], words[1], words[0]))
    return fans, rows


def _fan(name: str, role: Role, days: tuple[date, ...], data: FanData, factor: float) -> Fan:
    def of(values: Sequence[float | None]) -> tuple[float, ...]:
        return tuple(factor * (value or 0.0) for value in values)

    levels = (95, 80, 50) if role == "treated" else (80,)
    bands = tuple(
        Band(level, of(getattr(data, f"low_{level}")), of(getattr(data, f"high_{level}")))
        for level in levels
    )
    return Fan(name, role, days, of(data.median), bands)


def _range(data: FanData | None, at: int, factor: float, texts: Texts) -> str:
    if data is None:
        return "\N{EN DASH}"
    middle, low, high = data.median[at], data.low_80[at], data.high_80[at]
    if middle is None or low is None or high is None:
        return "\N{EN DASH}"
    words = [texts.number(factor * one, 0 if factor * one >= 10 else 1)
             for one in (middle, low, high)]  # fmt: skip
    return f"{words[0]} ({words[1]}\N{EN DASH}{words[2]})"


def expectations(result: ForecastResult, texts: Texts) -> tuple[tuple[str, str, str], ...]:
    """Rows (what, with the plan, without) that answer what a person asks."""
    plan, without = treated_plan(result), untreated_plan(result)
    if plan is None or without is None:
        return ()
    rows = []
    for level in ("50", "75"):
        for week in (12, 24):
            if level in plan.chance and week in result.weeks:
                at = result.weeks.index(week)
                words = texts.text("Chance that at least %(level)s %% is back by week %(week)s",
                                   level=level, week=week)  # fmt: skip
                rows.append((words, _chance(plan.chance[level], at, texts),
                             _chance(without.chance[level], at, texts)))  # fmt: skip
    last = len(result.weeks) - 1
    for one in plan.patches:
        other = next((p for p in without.patches if p.patch == one.patch), one)
        words = texts.text("Risk of a dent, %(patch)s, by week %(week)s", patch=one.patch,
                           week=result.weeks[last])  # fmt: skip
        rows.append((words, _chance(one.atrophy, last, texts), _chance(other.atrophy, last, texts)))
    planned = plan.planned
    rows.append((
        texts.text("Injected from now on"),
        texts.text("%(sessions)s sessions, %(mg)s", sessions=texts.number(planned.sessions, 0),
                   mg=texts.number(planned.mg, 1, "mg")),
        texts.text("nothing"),
    ))  # fmt: skip
    return tuple(rows)


def _chance(curve: Any, at: int, texts: Texts) -> str:
    value, low, high = curve.value[at], curve.low[at], curve.high[at]
    if value is None:
        return "\N{EN DASH}"
    if low is None or high is None:
        return texts.percent(value)
    span = f"{texts.number(100 * low, 0)}\N{EN DASH}{texts.number(100 * high, 0)}"
    return f"{texts.percent(value)} ({span})"


def reader_interval(share: float, half: float, least: float) -> tuple[float, float]:
    """95 % interval of a share [1] as read, by the error that `anagen.forecast.readings` uses."""
    spread = _TWO_SIDED_95 * max(least, 2.0 * half * (share * (1.0 - share)) ** 0.5)
    return max(share - spread, 0.0), min(share + spread, 1.0)


@lru_cache(maxsize=1)
def _errors() -> tuple[tuple[float, float], tuple[float, float]]:
    """Half-way and least error of regrowth and of SALT as read [1]."""
    from anagen.forecast.observation_data import observation_number
    from anagen.population.condition_data import load_condition_data

    data = load_condition_data()
    return (
        (data.value("reader"), data.value("reader_least")),
        (observation_number("salt_reader"), observation_number("salt_least")),
    )


def treated_plan(result: ForecastResult) -> PlanForecast | None:
    """Forecast under the plan, not the one without further treatment."""
    return next((plan for plan in result.plans if plan.name != UNTREATED), None)


def untreated_plan(result: ForecastResult) -> PlanForecast | None:
    """Forecast without further treatment."""
    return next((plan for plan in result.plans if plan.name == UNTREATED), None)
