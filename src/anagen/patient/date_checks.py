"""Checks of the days in a record: their order, each once, none to come, none before birth."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from pydantic import BaseModel

from anagen.patient.issues import Issue, error, warning
from anagen.patient.positions import Path
from anagen.patient.quantities import plausible
from anagen.patient.record import Patient, Visit
from anagen.patient.timeline import regrowth_percent

# A clock that runs ahead of another time zone is not the future.
_CLOCK = timedelta(days=1)


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
            yield error(
                path,
                f"a day up to today, {today}",
                str(day),
                "Correct the year; a record holds only what has happened.",
            )


def not_before_birth(patient: Patient, today: date) -> Iterator[Issue]:
    """Nothing happened before birth."""
    if patient.born is None:
        return
    for path, day in days_of(patient):
        if day < patient.born:
            yield error(
                path,
                f"a day after birth on {patient.born}",
                str(day),
                "Correct the day, or 'born'.",
            )


def in_order_of_date(patient: Patient, today: date) -> Iterator[Issue]:
    """Visits, sessions and summaries stand in order of date, one visit a day."""
    for name in ("visits", "sessions", "session_summaries"):
        rows = getattr(patient, name)
        for index, (before, after) in enumerate(pairwise(rows), start=1):
            path: Path = (name, index, "date")
            if after.date < before.date:
                yield error(
                    path,
                    f"a day not before that of {name}[{index - 1}], {before.date}",
                    str(after.date),
                    "Correct the year, or sort the list by date.",
                )
            elif after.date == before.date and name == "visits":
                yield error(
                    path,
                    "one visit a day",
                    f"{after.date} again",
                    "Join the two visits, or correct the date.",
                )


def session_given_once(patient: Patient, today: date) -> Iterator[Issue]:
    """No session is written down twice."""
    for name in ("sessions", "session_summaries"):
        rows = getattr(patient, name)
        for index, row in enumerate(rows):
            earlier = [other for other in range(index) if rows[other].date == row.date]
            if any(_same(rows[other], row) for other in earlier):
                yield error(
                    (name, index),
                    "each session once",
                    f"the session of {row.date} again",
                    "Remove one of the two.",
                )
            elif earlier:
                yield warning(
                    (name, index),
                    "one session a day",
                    f"two on {row.date}",
                    "Remove one if it is the same session; both count now.",
                )
    full = {session.date for session in patient.sessions}
    for index, summary in enumerate(patient.session_summaries):
        if summary.date in full:
            yield error(
                ("session_summaries", index),
                "a session given site by site or in sums",
                f"the session of {summary.date} in both forms",
                "Remove the summary, or its dose counts twice.",
            )


def sessions_apart(patient: Patient, today: date) -> Iterator[Issue]:
    """Sessions so near to each other that one may be the other under a wrong date."""
    limits = plausible("follow_up_gap")
    days = sorted(
        (row.date, name, index)
        for name in ("sessions", "session_summaries")
        for index, row in enumerate(getattr(patient, name))
    )
    for (before, _, _), (after, name, index) in pairwise(days):
        if 0 < (after - before).days < limits.usual[0]:
            yield warning(
                (name, index, "date"),
                f"{limits.usual[0]:g} days or more since the session of {before}",
                str(after),
                "Remove one if it is the same session under two dates; both count now.",
            )


def _same(a: BaseModel, b: BaseModel) -> bool:
    ignored = {"note", "operator"}
    return a.model_dump(exclude=ignored) == b.model_dump(exclude=ignored)


def onset_fits(patient: Patient, today: date) -> Iterator[Issue]:
    """Bald patches are not seen, treated or regrown before the episode began."""
    if patient.onset is None:
        return
    recurrent = patient.history.recurrent or bool(patient.history.earlier_episodes)
    mark = warning if recurrent else error
    remedy = (
        "It counts as part of an earlier episode; correct the day if it is not."
        if recurrent
        else "Correct one of the days, or set history.recurrent for an earlier episode."
    )
    wanted = f"a day from the onset on, {patient.onset}"
    for index, visit in enumerate(patient.visits):
        yield from _first_seen_fits(patient.onset, index, visit)
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


def _first_seen_fits(onset: date, index: int, visit: Visit) -> Iterator[Issue]:
    """Patches seen after the onset were not noticed before it."""
    for number, seen in enumerate(visit.patches):
        if seen.first_seen is not None and seen.first_seen < onset <= visit.date:
            yield warning(
                ("visits", index, "patches", number, "first_seen"),
                f"a day from the onset on, {onset}",
                str(seen.first_seen),
                "Correct one of the days. Both are kept.",
            )
