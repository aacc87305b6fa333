"""What a record says about the state of a patient: every reading, each with its own error.

Missing is missing: only what somebody wrote down is a reading. Two raters at one visit are two
readings. What the forecast does not model is left out: brows, beard and face, patches never drawn,
what was there before the first drawing, and cortisol under steroids by other routes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from math import inf, log
from typing import TYPE_CHECKING

from anagen.evidence.scales import load_scales
from anagen.forecast.observation_data import (
    cover_as_read,
    grade_edges,
    missing_edges,
    observation_number,
    share_edges,
)
from anagen.forecast.readings import (
    Kind,
    Observation,
    baseline_error,
    below,
    day_error,
    log_likelihood,
    rater_scale,
    replicate,
)
from anagen.patient import PatchSeen, Patient, Reading, Trichoscopy, Visit, patient_scalp
from anagen.patient.facts import salt_of
from anagen.patient.timeline import regrowth_percent, visits_until
from anagen.scalp import PatchShape, area_cm2, patch_cells

if TYPE_CHECKING:
    from anagen.scalp import Scalp

__all__ = [
    "Observation",
    "below",
    "log_likelihood",
    "observe",
    "pain_seen",
    "replicate",
]

Bins = tuple[tuple[float, ...], int]

_ACTIVE = ("tapering_hairs", "black_dots", "broken_hairs")
_HARMS: dict[Kind, str] = {
    "atrophy": "atrophy_grade",
    "telangiectasia": "telangiectasia_grade",
    "colour": "colour_change_grade",
}
_LABELS: dict[Kind, str] = {
    "cover": "regrowth",
    "missing": "bald area, drawn anew",
    "terminal": "terminal hair",
    "salt": "SALT",
    "trichoscopy": "signs of activity",
    "pull": "pull test",
    "atrophy": "atrophy",
    "telangiectasia": "telangiectasia",
    "colour": "colour change",
    "cortisol": "morning cortisol",
}
_CORTISOL_BINS = 45  # on either side of the reading


def observe(patient: Patient, until: date | None = None) -> tuple[Observation, ...]:
    """Every reading of a record that the forecast is held against, in order of day.

    Parameters
    ----------
    patient : a record without errors.
    until : last day that counts; everything when None.

    Returns
    -------
    tuple of Observation
        Those of a patch from the day on which it was first drawn, that day included.

    Examples
    --------
    >>> from anagen.scalp import circle_outline
    >>> shape = PatchShape(outlines=(circle_outline("top", 90.0, 90.0, 30.0),))
    >>> first = Visit(date=date(2026, 3, 2), patches=(PatchSeen(id="A", shape=shape),))
    >>> again = PatchSeen(id="A", regrowth_percent=50.0)
    >>> patient = Patient(id="P1", visits=(first, Visit(date=date(2026, 4, 6), patches=(again,))))
    >>> [(one.kind, one.value, round(one.low, 3), round(one.high, 3)) for one in observe(patient)]
    [('cover', '50', 0.475, 0.525)]
    """
    found: list[Observation] = []
    drawn: dict[str, _Drawn] = {}
    named: set[str] = set()
    for visit in visits_until(patient, until):
        seen_here = [seen for seen in visit.patches if seen.site == "scalp"]
        named.update(seen.id for seen in seen_here)
        for seen in seen_here:
            if seen.id not in drawn and seen.shape is not None:
                drawn[seen.id] = _Drawn(visit.date, seen.shape, seen.shape)
            if seen.id in drawn:
                found += _patch(patient, visit, seen, drawn[seen.id])
        if drawn:
            found += _whole(visit, drawn, complete=named <= set(drawn))
    if drawn:
        found += _cortisol(patient, until, min(one.day for one in drawn.values()))
    for name, one in drawn.items():
        found += _harms(name, one)
    return tuple(sorted(found, key=lambda one: one.day))


def pain_seen(patient: Patient, until: date | None = None) -> list[tuple[date, int]]:
    """Pain of sessions as remembered at the visit after, 0 to 10, with the day of the session.

    Parameters
    ----------
    patient : the record; until : last visit that counts; all of them when None.

    Returns
    -------
    list of (date, int)
        In order of day; a score without a session that it may mean is left out.

    Examples
    --------
    >>> pain_seen(Patient(id="P1"))
    []
    """
    days = sorted({*_session_days(patient)})
    found = []
    for visit in visits_until(patient, until):
        if visit.pain_last_session is None:
            continue
        before = [day for day in days if day < visit.date] or [d for d in days if d == visit.date]
        if before:
            found.append((before[-1], visit.pain_last_session))
    return found


def _session_days(patient: Patient) -> list[date]:
    days = [session.date for session in patient.sessions]
    return days + [summary.date for summary in patient.session_summaries]


# ---- patches -------------------------------------------------------------------------------------


@dataclass
class _Drawn:
    """A patch on the way through the visits.

    Parameters
    ----------
    day : first drawn; first, last : outlines; grades : of each harm, with their days.
    """

    day: date
    first: PatchShape
    last: PatchShape
    grades: dict[Kind, list[tuple[date, int]]] = field(default_factory=dict)


def _patch(patient: Patient, visit: Visit, seen: PatchSeen, drawn: _Drawn) -> Iterator[Observation]:
    """Read one patch at one visit."""
    anew = seen.shape is not None and seen.shape != drawn.last
    drawn.last = seen.shape or drawn.last
    outline = 1.0
    if drawn.last != drawn.first:
        scalp = patient_scalp(patient)
        outline = _area(scalp, drawn.last) / max(_area(scalp, drawn.first), 1e-9)
    day, name = visit.date, seen.id
    own = Reading(**{key: getattr(seen, key) for key in _READ})
    for number, reading in enumerate((own, *seen.readings)):
        bins = _regrowth(reading)
        if bins is None and number == 0:
            bins = _implied(seen, anew=anew)
        if bins is not None and (bins[0] or outline != 1.0):
            yield _regrown(day, name, reading, bins, outline)
        if reading.terminal_percent is not None and day > drawn.day and regrowth_percent(own) != 0:
            share, step = reading.terminal_percent / 100.0, observation_number("terminal_step")
            written = f"{reading.terminal_percent:g}"
            yield _made("terminal", day, name, share_edges(share, step), written, "%", reading)
    yield from _signs(day, name, seen)
    for kind, grade in _HARMS.items():
        if getattr(seen, grade) is not None:
            drawn.grades.setdefault(kind, []).append((day, getattr(seen, grade)))


_READ = ("regrowth_percent", "regrowth_grade", "regrowth_scale", "terminal_percent")


def _regrowth(reading: Reading) -> Bins | None:
    """Bins of regrowth as a reader writes it."""
    if reading.regrowth_percent is not None:
        return share_edges(reading.regrowth_percent / 100.0, observation_number("percent_step"))
    if regrowth_percent(reading) is None:
        return None
    assert reading.regrowth_scale is not None
    assert reading.regrowth_grade is not None
    return grade_edges(load_scales().regrowth[reading.regrowth_scale], reading.regrowth_grade)


def _implied(seen: PatchSeen, *, anew: bool) -> Bins | None:
    """Read regrowth from what stands for it: the word resolved, or an outline drawn anew."""
    if seen.activity == "resolved":
        return (observation_number("resolved_least"),), 1
    if not anew:
        return None
    inner, place = share_edges(0.0, observation_number("percent_step"))
    # An outline of a patch that grows back holds some hair: it tells the most that is missing.
    return ((), 0) if seen.activity == "regrowing" else (inner, place)


def _regrown(day: date, patch: str, reading: Reading, bins: Bins, outline: float) -> Observation:
    """Hold regrowth against the cover, or what is left of an outline against the bald area."""
    written = reading.regrowth_grade or ""
    unit = reading.regrowth_scale or ""
    if reading.regrowth_percent is not None:
        written, unit = f"{reading.regrowth_percent:g}", "%"
    if outline == 1.0:
        edges, place = bins
        inner = tuple(cover_as_read(edge) for edge in edges)
        return _made("cover", day, patch, (inner, place), written or "resolved", unit, reading)
    edges, place = missing_edges(bins, outline)
    if not bins[0]:
        edges, place = edges[:1], 0
    one = f"{written or 0} {unit or '%'} of {outline:.2g}"
    return _made("missing", day, patch, (edges, place), one, "first area", reading, outline)


def _signs(day: date, patch: str, seen: PatchSeen) -> Iterator[Observation]:
    signs = seen.trichoscopy or Trichoscopy()
    grades = [getattr(signs, name) for name in _ACTIVE if getattr(signs, name) is not None]
    if grades:
        cuts = tuple(observation_number(f"sign_{name}") for name in ("few", "several", "many"))
        yield _made("trichoscopy", day, patch, (cuts, max(grades)), f"{max(grades)}", "0-3")
    if seen.pull_test_hairs is not None:
        yield _pull(day, patch, seen.pull_test_hairs)


def _pull(day: date, patch: str, hairs: int) -> Observation:
    cuts = tuple(observation_number(f"pull_{name}") for name in ("some", "much"))
    normal = load_scales().pull["more_than_two"].limit
    place = int(hairs > normal) + int(hairs >= observation_number("pull_many"))
    return _made("pull", day, patch, (cuts, place), f"{hairs}", "hairs")


def _harms(patch: str, drawn: _Drawn) -> Iterator[Observation]:
    """Read harm once: first day it shows, or else the last day it does not.

    Skin that shows it shows it again, so that later readings of the same tell nothing more; what
    was there when the patch was first drawn is no harm of what is modelled.
    """
    for kind, rows in drawn.grades.items():
        if any(grade and day <= drawn.day for day, grade in rows):
            continue
        later = [row for row in rows if row[0] > drawn.day]
        if later:
            day, grade = next((row for row in later if row[1]), later[-1])
            yield _made(kind, day, patch, ((0.5,), int(grade > 0)), f"{grade}", "0-4")


def _made(
    kind: Kind,
    day: date,
    patch: str | None,
    bins: Bins,
    value: str,
    unit: str,
    reading: Reading | None = None,
    outline: float = 1.0,
) -> Observation:
    inner, place = bins
    edges = (-inf, *inner, inf)
    rater = reading.by if reading is not None else "clinician"
    return Observation(
        kind=kind,
        day=day,
        patch=patch,
        low=edges[place],
        high=edges[place + 1],
        edges=edges,
        rater=rater,
        scale=rater_scale(rater),
        value=value,
        unit=unit,
        label=_LABELS[kind],
        outline=outline,
    )


@lru_cache(maxsize=256)
def _area(scalp: "Scalp", shape: PatchShape) -> float:
    return area_cm2(scalp, patch_cells(scalp, shape, ""))


# ---- the whole person ----------------------------------------------------------------------------


def _whole(visit: Visit, drawn: dict[str, _Drawn], *, complete: bool) -> Iterator[Observation]:
    """SALT when all that was lost is drawn, and a pull test that can mean one patch only."""
    salt = salt_of(visit)
    if salt is not None and complete:
        bins = share_edges(salt / 100.0, observation_number("salt_step"))
        yield _made("salt", visit.date, None, bins, f"{salt:g}", "%")
    own = any(seen.pull_test_hairs is not None for seen in visit.patches)
    if visit.pull_test_hairs is not None and len(drawn) == 1 and complete and not own:
        yield _pull(visit.date, next(iter(drawn)), visit.pull_test_hairs)


def _cortisol(patient: Patient, until: date | None, first: date) -> Iterator[Observation]:
    """Cortisol relative to the own baseline when one was measured before any steroid.

    Else it is held against the typical one, with what people differ by.
    """
    rows = [
        (visit.date, visit.morning_cortisol_nmol_per_L)
        for visit in visits_until(patient, until)
        if visit.morning_cortisol_nmol_per_L and not _other_steroid(patient, visit.date)
    ]
    if not rows:
        return
    given = [*_session_days(patient), *(row.start for row in patient.other_steroids)]
    before = [row for row in rows if all(row[0] <= day for day in given)]
    own = before[0][1] if before else _typical_cortisol()
    error = 2.0**0.5 * day_error() if before else baseline_error()
    step = observation_number("cortisol_step")
    for day, value in rows:
        if day < first or (before and day == before[0][0]):
            continue
        at = log(value / own)
        inner = tuple(at + (k + 0.5) * step for k in range(-_CORTISOL_BINS, _CORTISOL_BINS))
        made = _made("cortisol", day, None, (inner, _CORTISOL_BINS), f"{value:g}", "nmol/L")
        yield _rescaled(made, error / baseline_error())


def _rescaled(one: Observation, factor: float) -> Observation:
    from dataclasses import replace

    return replace(one, scale=one.scale * factor)


def _other_steroid(patient: Patient, day: date) -> bool:
    """Whether a steroid by another route may still act."""
    wait = timedelta(days=observation_number("other_steroid_days"))
    return any(
        row.start <= day <= (row.end or row.start) + wait
        for row in patient.other_steroids
        if row.route != "intralesional"
    )


@lru_cache(maxsize=1)
def _typical_cortisol() -> float:
    """Morning cortisol [nmol/L] of the typical adult without drug."""
    from anagen.biology.cortisol import Cortisol, baseline
    from anagen.evidence.parameters import load_parameters

    axis = Cortisol.from_parameters(load_parameters())
    level = float(baseline(axis, axis.morning_hour))  # ng/mL
    return 1e3 * level / observation_number("cortisol_mass")
