"""What the day asks for: who comes, who did not, what is to be judged, which harm is open."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Row, Select, cast, func, literal, select

from anagen.clinic.documents import AdverseEvent, Appointment
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import entries, heads
from anagen.treatment.injections import Gate

# Days after which somebody who was expected and did not come is pointed out.
OVERDUE_DAYS = 14
# CTCAE: from moderate on, a harm limits what a person does and calls for a visit.
_MODERATE = 2


@dataclass(frozen=True)
class Coming:
    """An appointment of the day.

    Parameters
    ----------
    number : of the person.
    appointment : id of the document.
    document : the appointment.
    """

    number: str
    appointment: str
    document: Appointment


@dataclass(frozen=True)
class Overdue:
    """Somebody expected who has not been seen since.

    Parameters
    ----------
    number : of the person.
    due : day on which the person was expected.
    what : appointment or session.
    last_seen : last visit or session given; None when there was none.
    """

    number: str
    due: date
    what: str
    last_seen: date | None


@dataclass(frozen=True)
class GateReached:
    """A time at which a course is to be judged, without a visit since.

    Parameters
    ----------
    number : of the person.
    plan : id of the accepted plan.
    start : first session given by that plan.
    on : day of the gate.
    gate : what is judged, and what follows when it falls short.
    """

    number: str
    plan: str
    start: date
    on: date
    gate: Gate


@dataclass(frozen=True)
class OpenEvent:
    """A harm, moderate or worse, that goes on.

    Parameters
    ----------
    number : of the person.
    event : id of the document.
    document : the harm.
    """

    number: str
    event: str
    document: AdverseEvent


@dataclass(frozen=True)
class DayList:
    """What the day asks for.

    Parameters
    ----------
    on : the day.
    coming : appointments of the day not cancelled, in order of time.
    overdue : the longest first.
    gates : the longest reached first.
    events : the gravest first.
    """

    on: date
    coming: tuple[Coming, ...]
    overdue: tuple[Overdue, ...]
    gates: tuple[GateReached, ...]
    events: tuple[OpenEvent, ...]


def day_list(store: Store, actor: Actor, on: date) -> DayList:
    """List what a day asks for.

    Overdue is who had an appointment still booked, or a session planned, more than 14 days ago,
    was neither seen nor treated since, and has no appointment to come. A gate counts from the
    first session given by the accepted plan and stays until a visit follows it.

    Parameters
    ----------
    store : open store.
    actor : who asks.
    on : the day.

    Raises
    ------
    AccessError
        When this one may not read the record.
    """
    require(actor, "record:read")
    with reading(store) as connection:
        seen = _last_day(connection, _heads("visit", on))
        appointments = list(_appointments(connection, on))
        expected = [
            *((one.document.on, one.number, "appointment") for one in appointments
              if one.document.state == "booked"),
            *_planned(connection, on),
        ]  # fmt: skip
        given = _given(connection, on, {number for _, number, _ in expected})
        plans, starts = _plans(store, connection), _starts(connection)
        events = _events(connection)
    today = (one for one in appointments if one.document.on == on)
    return DayList(
        on,
        tuple(sorted((one for one in today if one.document.state != "cancelled"), key=_hour)),
        _overdue(expected, seen, given, on),
        _gates(plans, starts, seen, on),
        events,
    )


def _heads(kind: str, until: date | None = None, where: Any = None) -> Select[Any]:
    """Select what stands of one kind, up to a day."""
    query = select(heads.c.id, heads.c.person, heads.c.day, entries.c.body)
    query = query.join_from(heads, entries, heads.c.seq == entries.c.seq)
    query = query.where(heads.c.kind == kind, heads.c.retracted.is_(False))
    query = query.where(entries.c.body.is_not(None), heads.c.person.is_not(None))
    if until is not None:
        query = query.where(heads.c.day <= until.isoformat())
    return query if where is None else query.where(where)


def _says(name: str, value: str, text: ColumnElement[Any] = entries.c.body) -> ColumnElement[bool]:
    """Whether the text of a document has a field of this value.

    Within a string every quotation mark is escaped, so that no note can look like one.
    """
    return text.contains(f'"{name}":"{value}"', autoescape=True)


def _last_day(connection: Connection, query: Select[Any]) -> dict[str, date]:
    """Last day of each person."""
    rows = query.with_only_columns(heads.c.person, func.max(heads.c.day).label("day"))
    return {
        row.person: date.fromisoformat(row.day)
        for row in connection.execute(rows.group_by(heads.c.person))
    }


def _appointments(connection: Connection, on: date) -> Iterator[Coming]:
    wanted = _says("state", "booked") | (heads.c.day == on.isoformat())
    for row in connection.execute(_heads("appointment", None, wanted)):
        yield Coming(row.person, row.id, Appointment.model_validate_json(row.body))


def _given(connection: Connection, on: date, people: set[str]) -> dict[str, date]:
    """Last session given to each of some people."""
    if not people:
        return {}
    query = _heads("session", on, _says("stage", "given"))
    return _last_day(connection, query.where(heads.c.person.in_(sorted(people))))


def _planned(connection: Connection, on: date) -> Iterator[tuple[date, str, str]]:
    """Day and person of sessions planned for days long enough gone by."""
    query = _heads("session", on - timedelta(days=OVERDUE_DAYS + 1), _says("stage", "planned"))
    for row in connection.execute(query.with_only_columns(heads.c.person, heads.c.day)):
        yield date.fromisoformat(row.day), row.person, "session"


def _hour(coming: Coming) -> tuple[str, str]:
    at = coming.document.at
    return ("" if at is None else at.isoformat()), coming.number


def _overdue(
    expected: Iterable[tuple[date, str, str]],
    seen: Mapping[str, date],
    given: Mapping[str, date],
    on: date,
) -> tuple[Overdue, ...]:
    rows = sorted(expected)
    to_come = {number for due, number, _ in rows if due >= on}
    found: dict[str, Overdue] = {}
    for due, number, what in rows:
        days = [day for day in (seen.get(number), given.get(number)) if day is not None]
        last = max(days, default=None)
        late = (on - due).days > OVERDUE_DAYS and (last is None or last < due)
        if late and number not in to_come:
            found.setdefault(number, Overdue(number, due, what, last))
    return tuple(sorted(found.values(), key=lambda one: (one.due, one.number)))


def _plans(store: Store, connection: Connection) -> list[Row[Any]]:
    """Read accepted plans with their gates alone, without the sites."""
    body = entries.c.body
    if store.is_sqlite:
        gates: ColumnElement[Any] = func.json_extract(body, "$.plan.gates")
    else:
        gates = cast(body, JSON)[("plan", "gates")]
    query = _heads("plan", None, _says("state", "accepted"))
    columns = query.with_only_columns(
        heads.c.id, heads.c.person, heads.c.day, gates.label("gates")
    )  # fmt: skip
    return list(connection.execute(columns))


def _starts(connection: Connection) -> dict[str, date]:
    """Day of the first session given by each accepted plan, by its id.

    A session belongs to the plan that it names, or to one that begins no later than it.
    """
    plan, text = heads.alias("plan"), entries.alias("plan_text")
    names_it = entries.c.body.like(literal('%"plan":"') + plan.c.id + '"%')
    query = (
        select(plan.c.id, func.min(heads.c.day).label("day"))
        .select_from(plan)
        .join(text, plan.c.seq == text.c.seq)
        .join(heads, heads.c.person == plan.c.person)
        .join(entries, heads.c.seq == entries.c.seq)
        .where(plan.c.kind == "plan", plan.c.retracted.is_(False))
        .where(_says("state", "accepted", text.c.body))
        .where(heads.c.kind == "session", heads.c.retracted.is_(False))
        .where((heads.c.day >= plan.c.day) | names_it)
        .where(_says("stage", "given"))
        .group_by(plan.c.id)
    )
    return {row.id: date.fromisoformat(row.day) for row in connection.execute(query)}


def _gates(
    plans: Iterable[Row[Any]], starts: Mapping[str, date], seen: Mapping[str, date], on: date
) -> tuple[GateReached, ...]:
    found = []
    for row in plans:
        start, last = starts.get(row.id), seen.get(row.person)
        if start is None:
            continue
        rows = json.loads(row.gates) if isinstance(row.gates, str) else row.gates
        for gate in map(Gate.model_validate, rows or ()):
            day = start + timedelta(weeks=gate.week)
            if day <= on and (last is None or last < day):
                found.append(GateReached(row.person, row.id, start, day, gate))
    return tuple(sorted(found, key=lambda one: (one.on, one.number, one.gate.measure)))


def _events(connection: Connection) -> tuple[OpenEvent, ...]:
    rows = connection.execute(_heads("adverse_event", None, _says("course", "ongoing")))
    found = [OpenEvent(r.person, r.id, AdverseEvent.model_validate_json(r.body)) for r in rows]
    grave = [one for one in found if one.document.grade >= _MODERATE]
    return tuple(sorted(grave, key=lambda e: (-e.document.grade, e.document.start, e.number)))
