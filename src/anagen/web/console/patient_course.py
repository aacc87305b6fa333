"""The course of a person as pictures: what was seen, what the forecast says, moment by moment."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from anagen.patient import Patient
from anagen.patient.facts import salt_of
from anagen.patient.timeline import patch_shapes, regrowth_percent, visits_until
from anagen.scalp.shapes import PatchShape
from anagen.web.api.job_models import ForecastResult, PatchForecast
from anagen.web.console.charts import Mark
from anagen.web.console.course_charts import (
    ChartShown,
    Seen,
    expectations,
    patch_chart,
    salt_chart,
    treated_plan,
)
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
        salt=salt_chart(patient, result, marks, texts, today),
        patches=tuple(
            patch_chart(name, rows, result, marks, texts, today) for name, rows in seen.items()
        ),
        not_drawn=tuple(sorted(_all_names(patient) - set(seen))),
        expect=() if result is None else expectations(result, texts),
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
