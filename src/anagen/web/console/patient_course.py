"""The course of a person as pictures: what was seen, what the forecast says, moment by moment."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup

from anagen.patient import Patient
from anagen.patient.facts import salt_of
from anagen.patient.timeline import patch_shapes, regrowth_percent, visits_until
from anagen.scalp.shapes import PatchShape
from anagen.web.api.job_models import Fan as FanData
from anagen.web.api.job_models import ForecastResult, PatchForecast, PlanForecast
from anagen.web.console.charts import Band, Chart, Fan, Mark, Point, Role, time_chart
from anagen.web.console.patient_forecast import UNTREATED
from anagen.web.console.scalp_pictures import (
    Drawn,
    Look,
    area_ratio,
    hatch,
    head_of,
    scaled,
    strength,
    to_mean_head,
    view_picture,
)
from anagen.web.console.texts import Texts

if TYPE_CHECKING:
    from anagen.scalp import Scalp

Case = Literal["likely", "lucky", "unlucky"]
CASES: tuple[Case, ...] = ("likely", "lucky", "unlucky")
# Quantile of hair that stands for each: the forecast's 80 % interval.
_QUANTILE: Mapping[Case, str] = {"likely": "median", "lucky": "high_80", "unlucky": "low_80"}

# Weeks of the slider: near ones closer together.
_WEEKS_AHEAD = (*range(2, 25, 2), 28, 32, 36, 40, 44, 48, 52)
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
class Moment:
    """One place of the slider.

    Parameters
    ----------
    week : since the last entry of the record; day : of it.
    kind : seen or forecast.
    drawing : key of the outlines shown.
    looks : of each patch, by case.
    caption : words by case.
    """

    week: float
    day: date
    kind: Literal["seen", "forecast"]
    drawing: str
    looks: Mapping[str, Mapping[Case, Look]]
    caption: Mapping[Case, str]


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


@dataclass(frozen=True)
class Course:
    """The course of a person, ready to be shown.

    Parameters
    ----------
    views : pictures by view; moments : places of the slider; at : index of the one shown.
    case : likely, lucky or unlucky; frames : JSON for the slider.
    salt, patches : charts; not_drawn : patches without an outline.
    """

    views: Mapping[str, Markup]
    moments: tuple[Moment, ...]
    at: int
    case: Case
    frames: str
    salt: ChartShown | None
    patches: tuple[ChartShown, ...]
    not_drawn: tuple[str, ...]
    expect: tuple[tuple[str, str, str], ...] = ()

    @property
    def shown(self) -> Moment | None:
        """The moment shown."""
        return self.moments[self.at] if self.moments else None

    @property
    def now(self) -> int:
        """Index of the last moment that was seen."""
        return max((i for i, one in enumerate(self.moments) if one.kind == "seen"), default=0)


def make_course(
    patient: Patient, result: ForecastResult | None, marks: Sequence[Mark], texts: Texts,
    *, week: float | None = None, case: Case = "likely", today: date,
) -> Course:  # fmt: skip
    """Put the course together.

    Parameters
    ----------
    patient : the record; result : forecast of it, if there is one with numbers.
    marks : sessions and gates; texts : in the reader's language.
    week : of the moment to show; the last that was seen when None.
    case : which of the three; today : parts what was from what comes.
    """
    if result is not None and result.withheld:
        result = None
    scalp = _scalp_if_needed(patient)
    seen = {name: seen_of(patient, name, scalp) for name in _drawn_names(patient)}
    drawings, moments = _past(patient, seen, texts)
    if result is not None:
        moments += _future(patient, result, seen, drawings, texts)
    at = _index(moments, week)
    views = {}
    if moments:
        # All are drawn on the mean head, whose mannequin is ready; lengths are scaled to it.
        head = head_of(None)
        factor = to_mean_head(patient.head_circumference_mm)
        drawings = [scaled(one, factor) for one in drawings]
        looks = {name: by_case[case] for name, by_case in moments[at].looks.items()}
        titles = _view_titles(texts)
        views = {
            view: view_picture(head, view, titles[view], drawings, moments[at].drawing, looks,
                               scalp)
            for view in ("top", "back", "left", "right")
        }  # fmt: skip
    return Course(
        views=views,
        moments=tuple(moments),
        at=at,
        case=case,
        frames=_frames(moments, texts),
        salt=_salt_chart(patient, result, marks, texts, today),
        patches=tuple(
            _patch_chart(name, rows, result, marks, texts, today) for name, rows in seen.items()
        ),
        not_drawn=tuple(sorted(_all_names(patient) - set(seen))),
        expect=() if result is None else _expectations(result, texts),
    )


def seen_of(patient: Patient, name: str, scalp: "Scalp | None") -> list[Seen]:
    """Follow one patch over the visits: how much of its first outline is covered again."""
    first: PatchShape | None = None
    last: PatchShape | None = None
    rows = []
    for visit in visits_until(patient):
        for row in visit.patches:
            if row.id != name:
                continue
            redrawn = row.shape is not None and row.shape != last
            last = row.shape or last
            first = first or last
            written = regrowth_percent(row)
            if first is None or last is None or (written is None and not redrawn):
                continue
            within = 0.0 if written is None else written / 100.0
            ratio = 1.0 if last == first or scalp is None else area_ratio(scalp, first, last)
            cover = min(max(1.0 - (1.0 - within) * ratio, 0.0), 1.0)
            rows.append(Seen(visit.date, written, cover, within))
    return rows


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


def _scalp_if_needed(patient: Patient) -> "Scalp | None":
    """Grid of the scalp, only where a patch was drawn anew or as a mask: it takes a while."""
    drawn: dict[str, PatchShape] = {}
    for visit in patient.visits:
        for row in visit.patches:
            if row.shape is None:
                continue
            if row.shape.masks or drawn.setdefault(row.id, row.shape) != row.shape:
                from anagen.patient.drawings import patient_scalp

                return patient_scalp(patient)
    return None


def _drawn_names(patient: Patient) -> list[str]:
    return list(patch_shapes(patient))


def _all_names(patient: Patient) -> set[str]:
    return {row.id for visit in patient.visits for row in visit.patches}


def _view_titles(texts: Texts) -> dict[str, str]:
    return {
        "top": texts.text("Top, nose up"), "back": texts.text("Back"),
        "left": texts.text("Left side"), "right": texts.text("Right side"),
    }  # fmt: skip


def _past(
    patient: Patient, seen: Mapping[str, Sequence[Seen]], texts: Texts
) -> tuple[list[Drawn], list[Moment]]:
    visits = visits_until(patient)
    last = max((v.date for v in visits), default=None)
    drawings: list[Drawn] = []
    moments: list[Moment] = []
    for visit in visits:
        shapes = patch_shapes(patient, visit.date)
        sites = tuple(
            one.location for session in patient.sessions if session.date == visit.date
            for one in session.injections if one.status != "skipped"
        )  # fmt: skip
        known = next((d for d in drawings if d.shapes == shapes and d.sites == sites), None)
        if known is None:
            known = Drawn(f"d{len(drawings)}", shapes, sites)
            drawings.append(known)
        looks = {}
        for name in shapes:
            rows = [row for row in seen.get(name, ()) if row.day <= visit.date]
            row = rows[-1] if rows else None
            look = Look(None) if row is None else Look(1.0 - row.within, 0.0,
                                                       texts.percent(row.cover))  # fmt: skip
            looks[name] = dict.fromkeys(CASES, look)
        salt = salt_of(visit)
        words = texts.text("on %(day)s", day=texts.day(visit.date))
        if salt is not None:
            words += f" · SALT {texts.number(salt)}"
        weeks = (visit.date - last).days / 7 if last else 0.0
        moments.append(Moment(round(weeks, 1), visit.date, "seen", known.key, looks,
                              dict.fromkeys(CASES, words)))  # fmt: skip
    return drawings, moments


def _future(
    patient: Patient, result: ForecastResult, seen: Mapping[str, Sequence[Seen]],
    drawings: list[Drawn], texts: Texts,
) -> list[Moment]:  # fmt: skip
    plan = treated_plan(result)
    if plan is None or not drawings:
        return []
    bare = next((d for d in drawings if not d.sites and d.shapes == drawings[-1].shapes), None)
    if bare is None:
        bare = Drawn("ahead", drawings[-1].shapes)
        drawings.append(bare)
    moments = []
    for week in _WEEKS_AHEAD:
        if week not in result.weeks:
            continue
        at = result.weeks.index(week)
        day = result.origin + timedelta(weeks=week)
        looks = {
            one.patch: {case: _ahead_look(one, at, case, seen.get(one.patch, ()), texts)
                        for case in CASES}
            for one in plan.patches
        }  # fmt: skip
        captions = {}
        for case in CASES:
            # A lucky course has much hair, so a low SALT.
            name = {"likely": "median", "lucky": "low_80", "unlucky": "high_80"}[case]
            salt = getattr(plan.salt_percent, name)[at]
            captions[case] = texts.text(
                "for week %(week)s, %(day)s · SALT %(salt)s", week=week,
                day=texts.day(day), salt=texts.number(salt),
            )  # fmt: skip
        moments.append(Moment(float(week), day, "forecast", bare.key, looks, captions))
    return moments


def _ahead_look(
    patch: PatchForecast, at: int, case: Case, seen: Sequence[Seen], texts: Texts
) -> Look:
    cover = getattr(patch.cover, _QUANTILE[case])[at]
    low, high = patch.cover.low_80[at], patch.cover.high_80[at]
    if cover is None or low is None or high is None:
        return Look(None)
    within = 1.0
    if seen and seen[-1].within < 1.0 and seen[-1].cover < 1.0:
        within = (1.0 - seen[-1].within) / (1.0 - seen[-1].cover)
    label = texts.percent(cover)
    if case == "likely" and high - low >= 0.01:
        span = f"{texts.number(100 * low, 0)}\N{EN DASH}{texts.number(100 * high, 0)}"
        label = f"{label} ({span})"
    spread = high - low if case == "likely" else 0.0
    return Look(min((1.0 - cover) * within, 1.0), spread, label)


def treated_plan(result: ForecastResult) -> PlanForecast | None:
    """Forecast under the plan, not the one without further treatment."""
    return next((plan for plan in result.plans if plan.name != UNTREATED), None)


def _untreated(result: ForecastResult) -> PlanForecast | None:
    return next((plan for plan in result.plans if plan.name == UNTREATED), None)


def _index(moments: Sequence[Moment], week: float | None) -> int:
    if not moments:
        return 0
    if week is None:
        return max((i for i, one in enumerate(moments) if one.kind == "seen"), default=0)
    return min(range(len(moments)), key=lambda i: abs(moments[i].week - week))


def _frames(moments: Sequence[Moment], texts: Texts) -> str:
    rows = [
        {
            "week": one.week,
            "kind": one.kind,
            "drawing": one.drawing,
            "caption": dict(one.caption),
            "patches": {
                name: {case: [round(strength(1.0 if look.bald is None else look.bald), 3),
                              round(hatch(look.spread), 3),
                              look.label]
                       for case, look in by_case.items()}
                for name, by_case in one.looks.items()
            },
        }
        for one in moments
    ]  # fmt: skip
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _salt_chart(
    patient: Patient, result: ForecastResult | None, marks: Sequence[Mark], texts: Texts,
    today: date,
) -> ChartShown | None:  # fmt: skip
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


def _patch_chart(
    name: str, seen: Sequence[Seen], result: ForecastResult | None, marks: Sequence[Mark],
    texts: Texts, today: date,
) -> ChartShown:  # fmt: skip
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
    plan, without = treated_plan(result), _untreated(result)
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


def _expectations(result: ForecastResult, texts: Texts) -> tuple[tuple[str, str, str], ...]:
    """Rows (what, with the plan, without) that answer what a person asks."""
    plan, without = treated_plan(result), _untreated(result)
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
