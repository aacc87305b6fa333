"""The record of a person: enrolled, kept, taken back, and read as the models' patient."""

from datetime import date, timedelta
from types import ModuleType

import pytest

from anagen.clinic.documents import Condition, Identity, Note, Person, VisitKept
from anagen.clinic.people import documents_of, enrol, keep, new_number, patient_of, retract
from anagen.clinic.permissions import CONSOLE, Actor, permissions_of
from anagen.clinic.store import Store
from anagen.clinic.verify import verify
from anagen.errors import AccessError, InputError, NotFoundError, StaleError
from anagen.patient.record import Visit

DAY = date(2025, 3, 1)


def actor(role: str) -> Actor:
    return Actor(role, permissions_of((role,)))  # type: ignore[arg-type]


def test_numbers_are_drawn_and_never_given_twice(store: Store) -> None:
    assert len({new_number() for _ in range(200)}) == 200
    (kept,) = enrol(store, CONSOLE, Person(weight_kg=70))
    number = kept.entry.id
    with pytest.raises(StaleError):
        enrol(store, CONSOLE, Person(), number=number)
    assert patient_of(store, number).weight_kg == 70
    assert len(documents_of(store, CONSOLE, number)) == 1


def test_enrolling_is_whole_or_not_at_all(store: Store) -> None:
    tomorrow = date.today() + timedelta(days=10)
    with pytest.raises(InputError):
        enrol(store, CONSOLE, Person(), Identity(name="Ada", born=tomorrow), number="P-1")
    with pytest.raises(NotFoundError):
        patient_of(store, "P-1")
    assert verify(store).entries == 0


def test_the_patient_of_the_models_is_what_stands(filled: Store, released: ModuleType) -> None:
    patient = patient_of(filled, released.NUMBER)
    assert (patient.id, patient.born) == (released.NUMBER, date(1980, 5, 4))
    assert [visit.date for visit in patient.visits] == [DAY]
    assert patient.sessions == (), "planned, not given"
    visit = next(e for e in documents_of(filled, CONSOLE, released.NUMBER) if e.kind == "visit")
    retract(filled, CONSOLE, released.NUMBER, "visit", visit.id, expected=1, reason="wrong")
    assert patient_of(filled, released.NUMBER).visits == ()
    with pytest.raises(StaleError):
        retract(filled, CONSOLE, released.NUMBER, "visit", visit.id, expected=1, reason="wrong")
    with pytest.raises(InputError, match="erase"):
        retract(filled, CONSOLE, released.NUMBER, "person", released.NUMBER, expected=1, reason="x")
    assert verify(filled).problems == ()


def test_conditions_are_those_of_the_day(store: Store) -> None:
    over = Condition(name="eczema", since=date(2020, 1, 1), resolved=date(2021, 1, 1))
    enrol(store, CONSOLE, Person(conditions=(over, Condition(name="asthma"))), number="P-1")
    assert patient_of(store, "P-1", date(2020, 6, 1)).conditions == ("eczema", "asthma")
    assert patient_of(store, "P-1", date(2022, 6, 1)).conditions == ("asthma",)


def test_who_may_not_is_refused_and_nothing_is_written(store: Store) -> None:
    enrol(store, actor("assistant"), Person(), number="P-1")
    for role in ("reader", "researcher", "administrator"):
        with pytest.raises(AccessError):
            enrol(store, actor(role), Person())
        with pytest.raises(AccessError):
            keep(store, actor(role), "P-1", "note", Note(on=DAY, text="x"))
    with pytest.raises(AccessError):
        documents_of(store, actor("administrator"), "P-1")
    assert len(documents_of(store, actor("reader"), "P-1")) == 1


def test_impossible_documents_are_refused_with_their_place(store: Store) -> None:
    enrol(store, CONSOLE, Person(), number="P-1")
    later = date.today() + timedelta(days=400)
    with pytest.raises(InputError) as raised:
        keep(store, CONSOLE, "P-1", "visit", VisitKept(seen=Visit(date=later)))
    assert raised.value.problems[0].place.startswith("seen")
    with pytest.raises(NotFoundError):
        keep(store, CONSOLE, "P-2", "note", Note(on=DAY, text="x"))
    assert [entry.kind for entry in documents_of(store, CONSOLE, "P-1")] == ["person"]


def test_a_document_cannot_be_moved_to_another_person(store: Store) -> None:
    for number in ("P-1", "P-2"):
        enrol(store, CONSOLE, Person(), number=number)
    kept = keep(store, CONSOLE, "P-1", "note", Note(on=DAY, text="mine"))
    with pytest.raises(NotFoundError):
        keep(store, CONSOLE, "P-2", "note", Note(on=DAY, text="x"), key=kept.entry.id,
             expected=1, reason="x")  # fmt: skip
    with pytest.raises(NotFoundError):
        retract(store, CONSOLE, "P-2", "note", kept.entry.id, expected=1, reason="x")
