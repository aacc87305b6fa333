"""What the day asks for: who comes, who did not come, what is to be judged, which harm is open."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from anagen.clinic.documents import (
    AdverseEvent,
    Appointment,
    Person,
    PlanKept,
    SessionKept,
    VisitKept,
)
from anagen.clinic.entries import put
from anagen.clinic.people import retract
from anagen.clinic.permissions import CONSOLE, Actor
from anagen.clinic.store import Store, writing
from anagen.clinic.today import day_list
from anagen.errors import AccessError
from anagen.patient import Visit
from anagen.treatment.injections import Gate, Plan, Session

ON = date(2025, 6, 30)


def ago(days: int) -> date:
    return ON - timedelta(days=days)


def write(store: Store, person: str, *documents: tuple[str, Any], key: str = "") -> list[str]:
    """Write what is to stand about a person, without the checks of the record."""
    names = []
    with writing(store) as connection:
        if not key:
            put(store, connection, "person", person, Person(), person=person, author="t")
        for at, (kind, document) in enumerate(documents):
            names.append(f"{person.lower()}{kind[0]}{key}{at}".ljust(8, "0"))
            put(store, connection, kind, names[-1], document, person=person, author="t")
    return names


def visit(days: int) -> tuple[str, VisitKept]:
    return "visit", VisitKept(seen=Visit(date=ago(days)))


def session(days: int, stage: Any, plan: str | None = None) -> tuple[str, SessionKept]:
    signed = "KB" if stage == "given" else None
    note = 'says "stage":"planned" and "stage":"given"'
    kept = SessionKept(
        session=Session(date=ago(days), note=note), stage=stage, signed_by=signed, plan=plan
    )
    return "session", kept


def booked(days: int, state: Any = "booked", at: time | None = None) -> tuple[str, Appointment]:
    return "appointment", Appointment(on=ago(days), state=state, at=at)


def plan(days: int, state: Any = "accepted") -> tuple[str, PlanKept]:
    gates = tuple(
        Gate(week=week, measure="regrowth_percent", at_least=25.0, otherwise="review", source="x")
        for week in (12, 24)
    )
    sessions = (Session(date=ago(days)), Session(date=ago(days - 28)))
    return "plan", PlanKept(
        plan=Plan(protocol="p", patient="P", sessions=sessions, gates=gates), state=state
    )


def test_who_comes_today_in_order_of_time(store: Store) -> None:
    write(store, "P1", booked(0, at=time(14, 0)))
    write(store, "P2", booked(0, at=time(9, 30)), booked(1))
    write(store, "P3", booked(0, "cancelled"), booked(-1))
    coming = day_list(store, CONSOLE, ON).coming
    assert [one.number for one in coming] == ["P2", "P1"]
    assert coming[0].document.at == time(9, 30)


def test_who_was_expected_and_not_seen_since_is_overdue(store: Store) -> None:
    write(store, "MISSED", booked(15), visit(40))
    write(store, "NEVER", session(20, "planned"), booked(16))
    write(store, "RECENT", booked(14))
    write(store, "SEEN", booked(30), visit(29))
    write(store, "TREATED", session(30, "planned"), session(28, "given"))
    write(store, "UNTREATED", session(30, "planned"), session(28, "cancelled"))
    write(store, "REBOOKED", booked(30), booked(-5))
    write(store, "CAME", booked(30, "came"), booked(30, "cancelled"))
    found = day_list(store, CONSOLE, ON).overdue
    assert [(one.number, one.what, (ON - one.due).days) for one in found] == [
        ("UNTREATED", "session", 30), ("NEVER", "session", 20), ("MISSED", "appointment", 15),
    ]  # fmt: skip
    assert found[-1].last_seen == ago(40)
    assert found[0].last_seen is None


def test_a_gate_reached_stays_until_a_visit_follows(store: Store) -> None:
    write(store, "TWELVE", plan(84), session(84, "given"), visit(85))
    write(store, "BEFORE", plan(83), session(83, "given"))
    write(store, "JUDGED", plan(90), session(90, "given"), visit(2))
    write(store, "BOTH", plan(170), session(170, "given"))
    write(store, "DRAFT", plan(100, "draft"), session(100, "given"))
    write(store, "PLANNED", plan(100), session(100, "planned"))
    write(store, "OLDER", plan(80), session(300, "given"), session(80, "given"))
    (early,) = write(store, "EARLY", plan(80))
    write(store, "EARLY", session(90, "given", early), key="x")
    found = day_list(store, CONSOLE, ON).gates
    assert [(one.number, one.gate.week) for one in found] == [
        ("BOTH", 12), ("EARLY", 12), ("BOTH", 24), ("TWELVE", 12),
    ]  # fmt: skip
    assert found[-1].start == ago(84)
    assert found[-1].on == ON


def test_open_harms_from_moderate_on_the_gravest_first(store: Store) -> None:
    def harm(grade: int, **more: Any) -> tuple[str, AdverseEvent]:
        return "adverse_event", AdverseEvent(event="x", grade=grade, start=ago(9), **more)

    write(store, "P1", harm(1), harm(2), harm(3, course="resolved", end=ago(1)))
    write(store, "P2", harm(3))
    assert [(e.number, e.document.grade) for e in day_list(store, CONSOLE, ON).events] == [
        ("P2", 3), ("P1", 2),
    ]  # fmt: skip


def test_what_was_taken_back_is_not_listed(store: Store) -> None:
    (name,) = write(store, "P1", booked(0))
    retract(store, CONSOLE, "P1", "appointment", name, expected=1, reason="entered in error")
    assert day_list(store, CONSOLE, ON).coming == ()


def test_few_queries_however_many_people(store: Store) -> None:
    def queries() -> int:
        seen: list[str] = []

        def count(_c: Any, _k: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(store.engine, "before_cursor_execute", count)
        day_list(store, CONSOLE, ON)
        event.remove(store.engine, "before_cursor_execute", count)
        return sum(statement.lstrip().startswith("SELECT") for statement in seen)

    write(store, "P0", plan(90), session(90, "given"), booked(20), booked(0))
    one = queries()
    for at in range(1, 12):
        write(store, f"P{at}", plan(90), session(90, "given"), booked(20), booked(0))
    assert queries() == one <= 8
    assert len(day_list(store, CONSOLE, ON).coming) == 12


def test_who_may_not_read_is_refused(store: Store) -> None:
    with pytest.raises(AccessError):
        day_list(store, Actor("x", frozenset()), ON)
