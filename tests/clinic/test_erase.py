"""An erased person is gone from the record, and the chain still holds."""

from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import select

from anagen.clinic import erase as room
from anagen.clinic import photographs
from anagen.clinic.documents import Person
from anagen.clinic.entries import of_person, versions
from anagen.clinic.erase import erase, erased, mend, orphans
from anagen.clinic.people import documents_of, enrol, keep, patient_of
from anagen.clinic.permissions import CONSOLE, Actor, permissions_of
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.store import Store, close_store, reading
from anagen.clinic.tables import entries, heads, jobs
from anagen.clinic.verify import verify
from anagen.errors import AccessError, InputError, NotFoundError, StaleError, StoreError


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_an_erased_person_is_found_no_more(filled: Store, released: ModuleType) -> None:
    other = documents_of(filled, CONSOLE, released.NUMBER)
    entry = erase(filled, CONSOLE, released.ERASED, "request of the person")
    assert (entry.kind, entry.person, entry.reason) == (
        "erasure", released.ERASED, "request of the person",
    )  # fmt: skip
    with pytest.raises(NotFoundError):
        documents_of(filled, CONSOLE, released.ERASED)
    with pytest.raises(NotFoundError):
        patient_of(filled, released.ERASED)
    with reading(filled) as connection:
        left = connection.execute(
            select(entries).where(entries.c.person == released.ERASED, entries.c.body.is_not(None))
        ).all()
        assert [row.kind for row in left] == ["erasure"]
        standing = of_person(filled, connection, released.ERASED, retracted=True)
        assert [one.kind for one in standing] == ["erasure"]
        assert connection.execute(select(jobs.c.person)).scalars().all() == [released.NUMBER]
        old = versions(filled, connection, "person", released.ERASED)
        assert old[0].text is None
        assert erased(connection, released.ERASED) == entry
        assert erased(connection, released.NUMBER) is None
    assert documents_of(filled, CONSOLE, released.NUMBER) == other
    assert verify(filled).problems == ()


def test_the_photographs_go_but_not_those_of_another(filled: Store, released: ModuleType) -> None:
    files = PhotographStore(filled.places.photographs)
    own, shared = released.picture(30), released.picture(90)
    keep(filled, CONSOLE, released.ERASED, "photograph", dict(released.examples("x"))["photograph"])
    entry = erase(filled, CONSOLE, released.ERASED, "request")
    assert entry.document.photographs == 1
    assert list(photographs.every(files)) == [shared.sha256]
    assert own.sha256 not in (entry.text or "")
    assert verify(filled).problems == ()


def test_no_byte_of_an_erased_text_stays_in_the_file(
    filled_sqlite: Store, released: ModuleType
) -> None:
    sqlite_store = filled_sqlite
    folder = sqlite_store.places.folder
    assert released.GONE_NOTE.encode() in all_bytes(folder)
    erase(sqlite_store, CONSOLE, released.ERASED, "request")
    assert released.GONE_NOTE.encode() not in all_bytes(folder)
    close_store(sqlite_store)
    assert released.GONE_NOTE.encode() not in all_bytes(folder)
    assert b"Ada Example" not in all_bytes(folder)


def test_a_number_is_never_used_again(filled: Store, released: ModuleType) -> None:
    erase(filled, CONSOLE, released.ERASED, "request")
    with pytest.raises(InputError, match="erased"):
        enrol(filled, CONSOLE, Person(), number=released.ERASED)
    with pytest.raises(StaleError):
        enrol(filled, CONSOLE, Person(), number=released.NUMBER)


def test_what_a_stop_of_the_machine_left_is_deleted_later(
    filled: Store, released: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as stopped:

        def stop(store: Store) -> int:
            raise KeyboardInterrupt

        stopped.setattr(room, "mend", stop)
        with pytest.raises(KeyboardInterrupt):
            erase(filled, CONSOLE, released.ERASED, "request")
    own = released.picture(30).sha256
    files = PhotographStore(filled.places.photographs)
    assert own in photographs.every(files)
    with reading(filled) as connection:
        assert orphans(filled, connection) == (own,)
    assert verify(filled).problems == ()
    assert own not in photographs.every(files)
    assert mend(filled) == 0


def test_a_failure_leaves_everything(
    filled: Store, released: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = documents_of(filled, CONSOLE, released.ERASED)

    def refuse(*_given: object, **_named: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(room, "put", refuse)
    with pytest.raises(StoreError):
        erase(filled, CONSOLE, released.ERASED, "request")
    assert documents_of(filled, CONSOLE, released.ERASED) == before
    assert verify(filled).problems == ()


def test_erasing_needs_a_basis_a_person_and_permission(filled: Store, released: ModuleType) -> None:
    with pytest.raises(InputError, match="basis"):
        erase(filled, CONSOLE, released.ERASED, "  ")
    with pytest.raises(NotFoundError, match="nobody"):
        erase(filled, CONSOLE, "NOBODY", "request")
    for role in ("administrator", "clinician"):
        with pytest.raises(AccessError):
            erase(filled, Actor("one", permissions_of((role,))), released.ERASED, "request")
    erase(filled, CONSOLE, released.ERASED, "request")
    with pytest.raises(NotFoundError, match="was erased on"):
        erase(filled, CONSOLE, released.ERASED, "request")
    with reading(filled) as connection:
        numbers = connection.execute(select(heads.c.id).where(heads.c.kind == "person")).scalars()
        assert numbers.all() == [released.NUMBER]
