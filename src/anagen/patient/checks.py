"""Checks across the fields of a record: each a small function that yields issues."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import get_args

from pydantic import BaseModel

from anagen.patient.date_checks import (
    in_order_of_date,
    not_before_birth,
    not_in_the_future,
    onset_fits,
    session_given_once,
    sessions_apart,
)
from anagen.patient.issues import Issue, error, warning
from anagen.patient.positions import Path
from anagen.patient.quantities import Bounded, plausible, slip
from anagen.patient.record import PatchSeen, Patient, Reading, Visit
from anagen.patient.timeline import YEAR, age_on, regrowth_percent
from anagen.patient.vocabulary import Kind, misspelt, nearest, triamcinolone_mg

Check = Callable[[Patient, date], Iterator[Issue]]


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


def courses_end_after_start(patient: Patient, today: date) -> Iterator[Issue]:
    """Courses of other steroids end after they began."""
    for index, steroid in enumerate(patient.other_steroids):
        path: Path = ("other_steroids", index)
        if steroid.end is not None and steroid.end < steroid.start:
            yield error(
                (*path, "end"),
                f"a day after the start, {steroid.start}",
                str(steroid.end),
                "Exchange the two, or correct the year.",
            )
        if steroid.total_mg is None:
            yield warning(
                path, "total_mg", "nothing", "Add the total: without it the dose counts nothing."
            )
        elif triamcinolone_mg(steroid.drug, steroid.total_mg) is None:
            yield warning(
                (*path, "drug"),
                "a steroid whose strength is known",
                steroid.drug,
                "Check the spelling: an unknown steroid counts nothing.",
            )


def age_fits(patient: Patient, today: date) -> Iterator[Issue]:
    """Age, birth and onset agree."""
    limits, slack = plausible("age"), plausible("age_difference").possible[1]
    first = min((visit.date for visit in patient.visits), default=today)
    if patient.born is not None:
        age = (first - patient.born) / YEAR
        if age > limits.possible[1]:
            yield error(
                ("born",),
                f"an age of {limits.words}",
                f"{age:.0f} years on {first}",
                "Correct the year of birth.",
            )
        if patient.age_years is not None and abs(age - patient.age_years) > slack:
            yield error(
                ("age_years",),
                f"about {age:.1f}, the age on {first} by 'born'",
                f"{patient.age_years:g}",
                "Correct one, or leave 'age_years' out.",
            )
    age_now, onset_age = age_on(patient, today), patient.history.age_at_first_onset_years
    if age_now is not None and onset_age is not None and onset_age > age_now + slack:
        yield error(
            ("history", "age_at_first_onset_years"),
            f"at most the age now, {age_now:.0f}",
            f"{onset_age:g}",
            "Correct one of the two ages.",
        )


def patches_fit(patient: Patient, today: date) -> Iterator[Issue]:
    """Patch ids are unique at a visit; days first seen are not after the visit and agree."""
    first_seen: dict[str, date] = {}
    for index, visit in enumerate(patient.visits):
        counts = Counter(seen.id for seen in visit.patches)
        for number, seen in enumerate(visit.patches):
            path: Path = ("visits", index, "patches", number)
            if counts[seen.id] > 1 and [s.id for s in visit.patches].index(seen.id) < number:
                yield error(
                    (*path, "id"),
                    "each patch once at a visit",
                    f"'{seen.id}' again",
                    "Give the other patch its own id, or join their outlines.",
                )
            yield from _first_seen(path, visit, seen, first_seen)
            yield from _grade_fits(path, seen)
            yield from _readings_fit(path, seen)
            if seen.shape is not None and seen.site != "scalp":
                yield error(
                    (*path, "shape"),
                    f"no drawing for the {seen.site}",
                    "a shape",
                    "The views show the scalp only: remove the shape, or the site.",
                )


def _first_seen(
    path: Path, visit: Visit, seen: PatchSeen, known: dict[str, date]
) -> Iterator[Issue]:
    if seen.first_seen is None:
        return
    place: Path = (*path, "first_seen")
    if seen.first_seen > visit.date:
        yield error(
            place,
            f"a day up to the visit, {visit.date}",
            str(seen.first_seen),
            "Correct one of the two days.",
        )
    before = known.setdefault(seen.id, seen.first_seen)
    if before != seen.first_seen:
        yield warning(
            place,
            f"{before}, as at an earlier visit",
            str(seen.first_seen),
            "Keep one day; the later visit counts.",
        )
    if seen.first_seen == visit.date and (regrowth_percent(seen) or 0) > 0:
        yield warning(
            place,
            "a patch to be there before it grows back",
            "regrowth on the day it was first seen",
            "Check first_seen.",
        )


def _grade_fits(path: Path, seen: PatchSeen | Reading) -> Iterator[Issue]:
    from anagen.evidence.scales import load_scales

    if seen.regrowth_grade is None and seen.regrowth_scale is None:
        return
    scales = load_scales().regrowth
    if seen.regrowth_grade is None or seen.regrowth_scale is None:
        yield error(
            path,
            "regrowth_grade together with regrowth_scale",
            "one of the two",
            f"Add the other one; scales are {', '.join(scales)}.",
        )
    elif seen.regrowth_scale not in scales:
        meant = nearest(seen.regrowth_scale, scales, 0.6)
        yield error(
            (*path, "regrowth_scale"),
            f"one of {', '.join(scales)}",
            seen.regrowth_scale,
            f"Did you mean '{meant}'?" if meant else "Write one of these keys.",
        )
    elif regrowth_percent(seen) is None:
        labels = ", ".join(grade.label for grade in scales[seen.regrowth_scale].grades)
        yield error(
            (*path, "regrowth_grade"),
            f"one of {labels}",
            seen.regrowth_grade,
            "Write one of these labels.",
        )


def _readings_fit(path: Path, seen: PatchSeen) -> Iterator[Issue]:
    """Further readings are readings, and raters do not see two different patches."""
    read = [(path, regrowth_percent(seen))]
    for number, reading in enumerate(seen.readings):
        place: Path = (*path, "readings", number)
        yield from _grade_fits(place, reading)
        read.append((place, regrowth_percent(reading)))
        said = (reading.regrowth_percent, reading.regrowth_grade, reading.terminal_percent)
        if said == (None, None, None):
            wanted = "regrowth_percent, regrowth_grade or terminal_percent"
            yield warning(place, wanted, "none of them", "Add what was read, or remove the row.")
    known = [(place, value) for place, value in read if value is not None]
    if len(known) < 2:
        return
    least, most = min(value for _, value in known), max(value for _, value in known)
    limit = plausible("reading_difference").usual[1]
    if most - least > limit:
        yield warning(
            next(place for place, value in reversed(known) if value in (least, most)),
            f"readings of '{seen.id}' within {limit:g} points of each other",
            f"{least:g} to {most:g} %",
            "Check the patch and the percentages. All are kept, each with its own error.",
        )


def person_fits(patient: Patient, today: date) -> Iterator[Issue]:
    """Body and sex are those of one possible person."""
    if patient.weight_kg is not None and patient.height_cm is not None:
        limits = plausible("body_mass_index")
        index = patient.weight_kg / (patient.height_cm / 100.0) ** 2
        low, high = limits.usual
        if not low <= index <= high:
            mark = error if not limits.possible[0] <= index <= limits.possible[1] else warning
            yield mark(
                ("weight_kg",),
                f"a body mass index of {low:g} to {high:g} kg/m2",
                f"{index:.1f} from {patient.weight_kg:g} kg and {patient.height_cm:g} cm",
                "Check weight and height: units, decimal points, exchanged.",
            )
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
                yield warning(
                    (kind, index),
                    f"'{meant}' or another known word",
                    f"'{word}'",
                    f"Did you mean '{meant}'? A word spelt otherwise escapes the rules.",
                )


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
            for entry in map(plausible, _marks(field.annotation, field.metadata)):
                low, high = entry.usual
                if not low <= value <= high:
                    yield warning(
                        (*path, name),
                        f"{entry.name} of {low:g} to {high:g} {entry.unit}",
                        f"{value:g}",
                        slip(entry, value) + " It is kept.",
                    )


def _marks(annotation: object, metadata: list[object]) -> list[str]:
    inner = [mark for part in get_args(annotation) for mark in getattr(part, "__metadata__", ())]
    return [mark.quantity for mark in (*metadata, *inner) if isinstance(mark, Bounded)]


def loss_agrees(patient: Patient, today: date) -> Iterator[Issue]:
    """Scores written down agree with the losses of their regions."""
    from anagen.evidence.scales import load_scales

    weights, limits = load_scales().salt_weights, plausible("loss_difference")
    for index, visit in enumerate(patient.visits):
        losses = {} if visit.loss_percent is None else visit.loss_percent.model_dump()
        if visit.salt_percent is None or not losses or None in losses.values():
            continue
        computed = sum(weight * losses[view] for view, weight in weights.items())
        if abs(computed - visit.salt_percent) > limits.usual[1]:
            yield warning(
                ("visits", index, "salt_percent"),
                f"about {computed:.0f}, from loss_percent",
                f"{visit.salt_percent:g}",
                "Correct one of the two; salt_percent is used.",
            )


CHECKS: tuple[Check, ...] = (
    not_in_the_future,
    not_before_birth,
    in_order_of_date,
    session_given_once,
    sessions_apart,
    courses_end_after_start,
    age_fits,
    onset_fits,
    patches_fit,
    person_fits,
    words_are_known,
    usual_values,
    loss_agrees,
)
