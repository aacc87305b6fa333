"""Checks across the fields of a record: each a small function that yields issues."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import get_args

from pydantic import BaseModel

from anagen.patient.issues import Issue, error, warning
from anagen.patient.positions import Path
from anagen.patient.quantities import Bounded, plausible, slip
from anagen.patient.record import PatchSeen, Patient, Visit
from anagen.patient.timeline import YEAR, age_on, regrowth_percent
from anagen.patient.vocabulary import Kind, misspelt, nearest, triamcinolone_mg

Check = Callable[[Patient, date], Iterator[Issue]]

# A clock that runs ahead of another time zone is not the future.
_CLOCK = timedelta(days=1)


def check_record(patient: Patient, today: date | None = None) -> list[Issue]:
    """Find everything wrong or odd in a record but for its drawings.

    Parameters
    ----------
    patient : the record.
    today : the day that is not yet the future; the computer's when None.

    Returns
    -------
    list of Issue
        Errors (impossible) and warnings (possible but odd), errors first.

    Examples
    --------
    >>> early = Patient(id="P1", born=date(2030, 1, 1))
    >>> check_record(early, today=date(2026, 1, 1))[0].remedy
    'Correct the year; a record holds only what has happened.'
    """
    now = today or date.today()
    issues = [issue for check in CHECKS for issue in check(patient, now)]
    return sorted(issues, key=lambda issue: issue.severity)


def days_of(patient: Patient) -> Iterator[tuple[Path, date]]:
    """Yield every day in a record that must have been, with its path."""
    for name in ("born", "onset", "bone_density_on"):
        if getattr(patient, name) is not None:
            yield (name,), getattr(patient, name)
    for index, visit in enumerate(patient.visits):
        yield ("visits", index, "date"), visit.date
        for number, seen in enumerate(visit.patches):
            if seen.first_seen is not None:
                yield ("visits", index, "patches", number, "first_seen"), seen.first_seen
    for name in ("sessions", "session_summaries"):
        for index, row in enumerate(getattr(patient, name)):
            yield (name, index, "date"), row.date
    for index, steroid in enumerate(patient.other_steroids):
        yield ("other_steroids", index, "start"), steroid.start


def not_in_the_future(patient: Patient, today: date) -> Iterator[Issue]:
    """Nothing recorded has yet to happen."""
    for path, day in days_of(patient):
        if day > today + _CLOCK:
            yield error(path, f"a day up to today, {today}", str(day),
                        "Correct the year; a record holds only what has happened.")  # fmt: skip


def not_before_birth(patient: Patient, today: date) -> Iterator[Issue]:
    """Nothing happened before birth."""
    if patient.born is None:
        return
    for path, day in days_of(patient):
        if day < patient.born:
            yield error(path, f"a day after birth on {patient.born}", str(day),
                        "Correct the day, or 'born'.")  # fmt: skip


def in_order_of_date(patient: Patient, today: date) -> Iterator[Issue]:
    """Visits, sessions and summaries stand in order of date, one visit a day."""
    for name in ("visits", "sessions", "session_summaries"):
        rows = getattr(patient, name)
        for index, (before, after) in enumerate(zip(rows, rows[1:], strict=False), start=1):
            path: Path = (name, index, "date")
            if after.date < before.date:
                yield error(path, f"a day not before that of {name}[{index - 1}], {before.date}",
                            str(after.date), "Correct the year, or sort the list by date.")  # fmt: skip
            elif after.date == before.date and name == "visits":
                yield error(path, "one visit a day", f"{after.date} again",
                            "Join the two visits, or correct the date.")  # fmt: skip


def session_given_once(patient: Patient, today: date) -> Iterator[Issue]:
    """No session is written down twice."""
    for name in ("sessions", "session_summaries"):
        rows = getattr(patient, name)
        for index, row in enumerate(rows):
            earlier = [other for other in range(index) if rows[other].date == row.date]
            if any(_same(rows[other], row) for other in earlier):
                yield error((name, index), "each session once",
                            f"the session of {row.date} again", "Remove one of the two.")  # fmt: skip
            elif earlier:
                yield warning((name, index), "one session a day", f"two on {row.date}",
                              "Remove one if it is the same session; both count now.")  # fmt: skip
    full = {session.date for session in patient.sessions}
    for index, summary in enumerate(patient.session_summaries):
        if summary.date in full:
            yield error(("session_summaries", index), "a session given site by site or in sums",
                        f"the session of {summary.date} in both forms",
                        "Remove the summary, or its dose counts twice.")  # fmt: skip


def _same(a: BaseModel, b: BaseModel) -> bool:
    ignored = {"note", "operator"}
    return a.model_dump(exclude=ignored) == b.model_dump(exclude=ignored)


def courses_end_after_start(patient: Patient, today: date) -> Iterator[Issue]:
    """A course of another steroid ends after it began."""
    for index, steroid in enumerate(patient.other_steroids):
        path: Path = ("other_steroids", index)
        if steroid.end is not None and steroid.end < steroid.start:
            yield error((*path, "end"), f"a day after the start, {steroid.start}",
                        str(steroid.end), "Exchange the two, or correct the year.")  # fmt: skip
        if steroid.total_mg is None:
            yield warning(path, "total_mg", "nothing",
                          "Add the total: without it the dose counts nothing.")  # fmt: skip
        elif triamcinolone_mg(steroid.drug, steroid.total_mg) is None:
            yield warning((*path, "drug"), "a steroid whose strength is known", steroid.drug,
                          "Check the spelling: an unknown steroid counts nothing.")  # fmt: skip


def age_fits(patient: Patient, today: date) -> Iterator[Issue]:
    """Age, birth and onset agree."""
    limits = plausible("age")
    first = min((visit.date for visit in patient.visits), default=today)
    if patient.born is not None:
        age = (first - patient.born) / YEAR
        if age > limits.possible[1]:
            yield error(("born",), f"an age of {limits.words}", f"{age:.0f} years on {first}",
                        "Correct the year of birth.")  # fmt: skip
        if patient.age_years is not None and abs(age - patient.age_years) > 1.0:
            yield error(("age_years",), f"about {age:.1f}, the age on {first} by 'born'",
                        f"{patient.age_years:g}", "Correct one, or leave 'age_years' out.")  # fmt: skip
    age_now, onset_age = age_on(patient, today), patient.history.age_at_first_onset_years
    if age_now is not None and onset_age is not None and onset_age > age_now + 1.0:
        yield error(("history", "age_at_first_onset_years"), f"at most the age now, {age_now:.0f}",
                    f"{onset_age:g}", "Correct one of the two ages.")  # fmt: skip


def onset_fits(patient: Patient, today: date) -> Iterator[Issue]:
    """Bald patches are not seen, treated or regrown before the episode began."""
    if patient.onset is None:
        return
    recurrent = patient.history.recurrent or bool(patient.history.earlier_episodes)
    mark = warning if recurrent else error
    remedy = ("It counts as part of an earlier episode; correct the day if it is not." if recurrent
              else "Correct one of the days, or set history.recurrent for an earlier episode.")  # fmt: skip
    wanted = f"a day from the onset on, {patient.onset}"
    for index, visit in enumerate(patient.visits):
        if visit.date >= patient.onset:
            continue
        if visit.patches:
            regrown = any((regrowth_percent(seen) or 0) > 0 for seen in visit.patches)
            found = f"{visit.date} with patches" + (" and regrowth" if regrown else "")
            yield mark(("visits", index, "date"), wanted, found, remedy)
        else:
            yield warning(("visits", index, "date"), wanted, str(visit.date), "Check the days.")
    for name in ("sessions", "session_summaries"):
        for index, row in enumerate(getattr(patient, name)):
            if row.date < patient.onset:
                yield mark((name, index, "date"), wanted, str(row.date), remedy)


def patches_fit(patient: Patient, today: date) -> Iterator[Issue]:
    """Patch ids are unique at a visit; days first seen are not after the visit and agree."""
    first_seen: dict[str, date] = {}
    for index, visit in enumerate(patient.visits):
        counts = Counter(seen.id for seen in visit.patches)
        for number, seen in enumerate(visit.patches):
            path: Path = ("visits", index, "patches", number)
            if counts[seen.id] > 1 and [s.id for s in visit.patches].index(seen.id) < number:
                yield error((*path, "id"), "each patch once at a visit", f"'{seen.id}' again",
                            "Give the other patch its own id, or join their outlines.")  # fmt: skip
            yield from _first_seen(path, visit, seen, first_seen)
            yield from _grade_fits(path, seen)
            if seen.shape is not None and seen.site != "scalp":
                yield error((*path, "shape"), f"no drawing for the {seen.site}", "a shape",
                            "The views show the scalp only: remove the shape, or the site.")  # fmt: skip


def _first_seen(
    path: Path, visit: Visit, seen: PatchSeen, known: dict[str, date]
) -> Iterator[Issue]:
    if seen.first_seen is None:
        return
    place: Path = (*path, "first_seen")
    if seen.first_seen > visit.date:
        yield error(place, f"a day up to the visit, {visit.date}", str(seen.first_seen),
                    "Correct one of the two days.")  # fmt: skip
    before = known.setdefault(seen.id, seen.first_seen)
    if before != seen.first_seen:
        yield warning(place, f"{before}, as at an earlier visit", str(seen.first_seen),
                      "Keep one day; the later visit counts.")  # fmt: skip
    if seen.first_seen == visit.date and (regrowth_percent(seen) or 0) > 0:
        yield warning(place, "a patch to be there before it grows back",
                      "regrowth on the day it was first seen", "Check first_seen.")  # fmt: skip


def _grade_fits(path: Path, seen: PatchSeen) -> Iterator[Issue]:
    from anagen.evidence.scales import load_scales

    if seen.regrowth_grade is None and seen.regrowth_scale is None:
        return
    scales = load_scales().regrowth
    if seen.regrowth_grade is None or seen.regrowth_scale is None:
        yield error(path, "regrowth_grade together with regrowth_scale", "one of the two",
                    f"Add the other one; scales are {', '.join(scales)}.")  # fmt: skip
    elif seen.regrowth_scale not in scales:
        meant = nearest(seen.regrowth_scale, scales, 0.6)
        yield error((*path, "regrowth_scale"), f"one of {', '.join(scales)}", seen.regrowth_scale,
                    f"Did you mean '{meant}'?" if meant else "Write one of these keys.")  # fmt: skip
    elif regrowth_percent(seen) is None:
        labels = ", ".join(grade.label for grade in scales[seen.regrowth_scale].grades)
        yield error((*path, "regrowth_grade"), f"one of {labels}", seen.regrowth_grade,
                    "Write one of these labels.")  # fmt: skip


def person_fits(patient: Patient, today: date) -> Iterator[Issue]:
    """Body and sex are those of one possible person."""
    if patient.weight_kg is not None and patient.height_cm is not None:
        limits = plausible("body_mass_index")
        index = patient.weight_kg / (patient.height_cm / 100.0) ** 2
        low, high = limits.usual
        if not low <= index <= high:
            mark = error if not limits.possible[0] <= index <= limits.possible[1] else warning
            yield mark(("weight_kg",), f"a body mass index of {low:g} to {high:g} kg/m2",
                       f"{index:.1f} from {patient.weight_kg:g} kg and {patient.height_cm:g} cm",
                       "Check weight and height: units, decimal points, exchanged.")  # fmt: skip
    for name in ("pregnant", "breast_feeding", "post_menopausal"):
        if patient.sex == "male" and getattr(patient, name):
            yield warning((name,), "not for sex 'male'", "true", "Check both fields.")
    if patient.pregnant and patient.post_menopausal:
        yield warning(("pregnant",), "not after the menopause", "both", "Check both fields.")


def words_are_known(patient: Patient, today: date) -> Iterator[Issue]:
    """Words that look like slips of spelling are pointed out: rules would pass them over."""
    for kind in get_args(Kind):
        for index, word in enumerate(getattr(patient, kind) or ()):
            meant = misspelt(kind, word)
            if meant:
                yield warning((kind, index), f"'{meant}' or another known word", f"'{word}'",
                              f"Did you mean '{meant}'? A word spelt otherwise escapes the rules.")  # fmt: skip


def usual_values(patient: Patient, today: date) -> Iterator[Issue]:
    """Values that are possible but rare are pointed out."""
    yield from _unusual(patient, ())


def _unusual(row: BaseModel, path: Path) -> Iterator[Issue]:
    for name, field in type(row).model_fields.items():
        value = getattr(row, name)
        if isinstance(value, BaseModel):
            yield from _unusual(value, (*path, name))
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _unusual(item, (*path, name, index))
        elif isinstance(value, float):
            bounds = [part for part in _marks(field.annotation, field.metadata)]
            for entry in map(plausible, bounds):
                low, high = entry.usual
                if not low <= value <= high:
                    yield warning((*path, name), f"{entry.name} of {low:g} to {high:g} {entry.unit}",
                                  f"{value:g}", slip(entry, value) + " It is kept.")  # fmt: skip


def _marks(annotation: object, metadata: list[object]) -> list[str]:
    inner = [mark for part in get_args(annotation) for mark in getattr(part, "__metadata__", ())]
    return [mark.quantity for mark in (*metadata, *inner) if isinstance(mark, Bounded)]


def loss_agrees(patient: Patient, today: date) -> Iterator[Issue]:
    """A SALT score written down agrees with the losses of its regions."""
    from anagen.evidence.scales import load_scales

    weights, limits = load_scales().salt_weights, plausible("loss_difference")
    for index, visit in enumerate(patient.visits):
        losses = {} if visit.loss_percent is None else visit.loss_percent.model_dump()
        if visit.salt_percent is None or not losses or None in losses.values():
            continue
        computed = sum(weight * losses[view] for view, weight in weights.items())
        if abs(computed - visit.salt_percent) > limits.usual[1]:
            yield warning(("visits", index, "salt_percent"),
                          f"about {computed:.0f}, from loss_percent", f"{visit.salt_percent:g}",
                          "Correct one of the two; salt_percent is used.")  # fmt: skip


CHECKS: tuple[Check, ...] = (
    not_in_the_future,
    not_before_birth,
    in_order_of_date,
    session_given_once,
    courses_end_after_start,
    age_fits,
    onset_fits,
    patches_fit,
    person_fits,
    words_are_known,
    usual_values,
    loss_agrees,
)
