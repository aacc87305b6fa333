"""Versions: written once, never in place, in the order of one chain."""

import threading
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anagen.clinic.documents import Appointment, Identity, Note
from anagen.clinic.entries import Entry, document_text, head, of_person, page, put, versions
from anagen.clinic.store import Store, reading, writing
from anagen.clinic.verify import verify
from anagen.errors import InputError, NotFoundError, StaleError

DAY = date(2025, 3, 1)


def write(store: Store, key: str, words: str, **given: object) -> Entry:
    options: dict = {"person": "P-1", "author": "ada", "expected": 0, **given}
    day = options.pop("on", DAY)
    with writing(store) as connection:
        return put(store, connection, "note", key, Note(on=day, text=words), **options)


def test_a_change_is_a_new_version_and_the_old_one_stays(store: Store) -> None:
    first = write(store, "note0001", "one")
    second = write(store, "note0001", "two", expected=1, reason=" mistyped ")
    assert (first.version, second.version, second.seq) == (1, 2, 2)
    with reading(store) as connection:
        assert head(store, connection, "note", "note0001", "P-1") == second
        assert versions(store, connection, "note", "note0001") == (first, second)
    assert (first.document.text, second.reason) == ("one", "mistyped")


def test_a_stale_change_is_refused_and_says_what_stands(store: Store) -> None:
    write(store, "note0001", "one")
    write(store, "note0001", "two", expected=1, reason="why")
    for expected in (0, 1, 3):
        with pytest.raises(StaleError) as raised:
            write(store, "note0001", "three", expected=expected, reason="why")
        assert raised.value.current == 2
    with pytest.raises(InputError, match="reason"):
        write(store, "note0001", "three", expected=2)
    with pytest.raises(NotFoundError):
        write(store, "note0002", "new", expected=1, reason="why")
    with reading(store) as connection:
        assert len(versions(store, connection, "note", "note0001")) == 2
    assert verify(store).problems == ()


def test_a_document_of_another_person_cannot_be_reached(store: Store) -> None:
    write(store, "note0001", "one")
    with reading(store) as connection:
        for ask in (head, versions):
            with pytest.raises(NotFoundError):
                ask(store, connection, "note", "note0001", "P-2")
            with pytest.raises(NotFoundError):
                ask(store, connection, "visit", "note0001", "P-1")
        assert of_person(store, connection, "P-2") == ()
    with pytest.raises(NotFoundError):
        write(store, "note0001", "mine now", person="P-2", expected=1, reason="why")
    with pytest.raises(NotFoundError):
        write(store, "note0001", "mine now", person=None, expected=1, reason="why")


def test_what_was_taken_back_is_left_out_of_lists(store: Store) -> None:
    write(store, "note0001", "one")
    write(store, "note0001", "one", expected=1, reason="wrong person", retracted=True)
    with reading(store) as connection:
        assert of_person(store, connection, "P-1") == ()
        assert page(store, connection, "note").items == ()
        (kept,) = of_person(store, connection, "P-1", retracted=True)
        assert kept.retracted
        assert kept.version == 2


def test_pages_give_everything_once_in_order(store: Store) -> None:
    days = [DAY + timedelta(days=n % 4) for n in range(23)]
    for number, day in enumerate(days):
        write(store, f"note{number:04}", str(number), on=day, person=f"P-{number % 3}")
    write(store, "note9999", "other", person="P-9")
    seen: list[tuple[str | None, str]] = []
    after = None
    with reading(store) as connection:
        while True:
            part = page(store, connection, "note", after=after, limit=5)
            assert len(part.items) <= 5
            seen += [(one.day, one.id) for one in part.items]
            after = part.next
            if after is None:
                break
        assert seen == sorted(seen)
        assert len(set(seen)) == len(seen) == 24
        part = page(store, connection, "note", person="P-1", first_day="2025-03-02",
                    last_day="2025-03-03")  # fmt: skip
        assert {one.day for one in part.items} == {"2025-03-02", "2025-03-03"}
        assert {one.person for one in part.items} == {"P-1"}
        assert part.next is None


def test_of_twenty_who_write_at_once_exactly_one_wins_each_version(store: Store) -> None:
    write(store, "note0001", "zero")
    barrier, won, lost = threading.Barrier(20), [], []

    def change(number: int) -> None:
        for expected in (1, 2, 3):
            barrier.wait(timeout=60)
            try:
                made = write(store, "note0001", f"{number}", expected=expected, reason="race")
                won.append(made.version)
            except StaleError as error:
                lost.append(error.current)
            barrier.wait(timeout=60)

    writers = [threading.Thread(target=change, args=(number,)) for number in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(won) == [2, 3, 4]
    assert len(lost) == 57
    assert verify(store).problems == ()


def test_of_those_who_create_the_same_one_wins(store: Store) -> None:
    barrier, made = threading.Barrier(8), []

    def create(number: int) -> None:
        barrier.wait(timeout=60)
        try:
            made.append(write(store, "note0001", str(number)).version)
        except StaleError:
            made.append(0)

    writers = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(made) == [0] * 7 + [1]


def test_identities_are_encrypted_each_for_its_place(store: Store) -> None:
    identity = Identity(name="Ada Example", born=date(1980, 5, 4))
    with writing(store) as connection:
        for number in ("P-1", "P-2"):
            put(store, connection, "identity", number, identity, person=number, author="ada")
    with store.engine.connect() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM entries").scalars().all()
    assert not any("Ada" in body or "1980" in body for body in bodies)
    assert bodies[0] != bodies[1]
    with reading(store) as connection:
        assert head(store, connection, "identity", "P-2", "P-2").document == identity


@given(st.text(max_size=60).filter(lambda words: words.isprintable()))
def test_a_text_comes_back_as_it_was(words: str) -> None:
    note = Note(on=DAY, text=words)
    assert Note.model_validate_json(document_text(note)) == note
    appointment = Appointment(on=DAY)
    assert Appointment.model_validate_json(document_text(appointment)) == appointment
