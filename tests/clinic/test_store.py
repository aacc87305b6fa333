"""Opening the record, and what happens when disk, database or key are not as they should be."""

import resource
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text

from anagen.clinic import store as room
from anagen.clinic.documents import Note, Setting
from anagen.clinic.entries import put
from anagen.clinic.keys import make_keys, save_keys
from anagen.clinic.places import Places, find_places
from anagen.clinic.store import Store, close_store, open_store, reading, writing
from anagen.clinic.tables import entries
from anagen.clinic.verify import verify
from anagen.errors import StoreError


def set_value(store: Store, value: str) -> None:
    with writing(store) as connection:
        put(store, connection, "setting", "profile", Setting(value=value), person=None,
            author="ada", reason="changed", expected=None)  # fmt: skip


def count(store: Store) -> int:
    with reading(store) as connection:
        return len(connection.execute(select(entries.c.seq)).all())


def test_a_record_is_founded_and_opened_again(empty_places: Places) -> None:
    with pytest.raises(StoreError, match="found none"):
        open_store(empty_places, create=False)
    assert not empty_places.folder.exists()
    store = open_store(empty_places)
    set_value(store, "us-label")
    close_store(store)
    assert empty_places.key_file.stat().st_mode & 0o777 == 0o600
    assert empty_places.folder.stat().st_mode & 0o777 == 0o700
    again = open_store(empty_places, create=False)
    assert again.keys == store.keys
    assert count(again) == 1
    close_store(again)


def test_a_write_is_whole_or_not_at_all(store: Store) -> None:
    def fail() -> None:
        with writing(store) as connection:
            for key in ("one", "two"):
                put(store, connection, "setting", key, Setting(value="x"), person=None, author="a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(store) == 0
    set_value(store, "us-label")
    assert verify(store).problems == ()


def test_a_reader_sees_one_state(store: Store) -> None:
    set_value(store, "first")
    with reading(store) as connection:
        query = select(entries.c.seq)
        before = connection.execute(query).all()
        writer = threading.Thread(target=set_value, args=(store, "second"))
        writer.start()
        writer.join()
        assert connection.execute(query).all() == before
    assert count(store) == 2


def test_another_key_is_refused(places: Places) -> None:
    places.key_file.unlink()
    with pytest.raises(StoreError, match="expected the key"):
        open_store(places)
    assert not places.key_file.exists(), "no new key for an old record"
    save_keys(make_keys(), places.key_file)
    with pytest.raises(StoreError, match="another record"):
        open_store(places)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_key_file_that_others_may_read_is_refused(sqlite_places: Places, mode: int) -> None:
    sqlite_places.key_file.chmod(mode)
    with pytest.raises(StoreError, match="chmod 600"):
        open_store(sqlite_places)


@pytest.mark.parametrize("content", ["", "anagen-clinic-key-1\nAAAA\n", "other\n", "é\n"])
def test_a_damaged_key_file_is_refused(sqlite_places: Places, content: str) -> None:
    sqlite_places.key_file.write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match="key file"):
        open_store(sqlite_places)


def test_a_full_disk_changes_nothing(sqlite_store: Store) -> None:
    set_value(sqlite_store, "before")
    with sqlite_store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def fill() -> None:
        with writing(sqlite_store) as connection:
            for number in range(200):
                note = Note(on="2025-03-01", text="long " * 400)
                key = f"note{number:08}"
                put(sqlite_store, connection, "note", key, note, person="P", author="ada")

    with pytest.raises(StoreError, match="disk is full"):
        fill()
    assert count(sqlite_store) == 1
    sqlite_store.engine.dispose()
    set_value(sqlite_store, "after")
    assert verify(sqlite_store).problems == ()


LIMITED = """
import resource, sys
from anagen.clinic.documents import Note
from anagen.clinic.entries import put
from anagen.clinic.places import find_places
from anagen.clinic.store import open_store, writing
from anagen.errors import StoreError
store = open_store(find_places(sys.argv[1], environment={}), create=False)
kept = 0
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    for number in range(200):
        with writing(store) as connection:
            put(store, connection, "note", f"note{number:08}",
                Note(on="2025-03-01", text="long " * 400), person="P", author="a")
        kept += 1
except StoreError as error:
    print(kept, error)
"""


def test_a_limit_of_the_system_loses_nothing_acknowledged(sqlite_places: Places) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(sqlite_places.folder)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    kept, _, words = done.stdout.partition(" ")
    assert "nothing was changed" in words
    assert 0 < int(kept) < 200
    store = open_store(sqlite_places, create=False)
    assert count(store) == int(kept)
    close_store(store)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400_000


READ_ONLY = """
import os, sys
import sqlalchemy
from anagen.clinic.documents import Setting
from anagen.clinic.entries import put
from anagen.clinic.keys import Keys
from anagen.clinic.places import find_places
from anagen.clinic.store import Store, make_engine, writing
from anagen.errors import StoreError
places = find_places(sys.argv[1], environment={})
sqlalchemy.create_engine("sqlite://").connect().close()  # imports what is imported late
store = Store(places, make_engine(places.database), Keys(bytes(32)))
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    with writing(store) as connection:
        put(store, connection, "setting", "x", Setting(value="x"), person=None, author="a")
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_database_is_told_in_words(
    sqlite_places: Places, tmp_path: Path, what: str
) -> None:
    # Root may write anything, so somebody else tries; the folders above must let them through.
    close_store(open_store(sqlite_places))
    opened = [tmp_path, tmp_path.parent, tmp_path.parent.parent, sqlite_places.folder]
    before = [folder.stat().st_mode for folder in opened]
    file = sqlite_places.folder / "clinic.sqlite3"
    file.chmod(0o444 if what == "file" else 0o666)
    for folder, mode in zip(opened, before, strict=True):
        folder.chmod(mode | 0o055)
    sqlite_places.folder.chmod(0o777 if what == "file" else 0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(sqlite_places.folder)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        file.chmod(0o600)
        for folder, mode in zip(opened, before, strict=True):
            folder.chmod(mode)
    assert done.returncode == 0, done.stderr
    assert "permissions" in done.stdout
    store = open_store(sqlite_places, create=False)
    assert count(store) == 0
    close_store(store)


def test_a_locked_database_is_told_in_words(
    sqlite_places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_BUSY_MS", 50)
    store = open_store(sqlite_places)
    other = sqlite3.connect(sqlite_places.folder / "clinic.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="busy"):
            set_value(store, "x")
        assert count(store) == 0, "readers go on"
    finally:
        other.execute("ROLLBACK")
        other.close()
    set_value(store, "x")
    close_store(store)


def test_a_server_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    places = find_places(tmp_path, "postgresql://nobody:secret@127.0.0.1:1/none", environment={})
    with pytest.raises(StoreError, match="cannot be reached") as raised:
        open_store(places)
    assert "secret" not in str(raised.value)


def test_two_processes_write_one_chain(store: Store) -> None:
    other = open_store(store.places, create=False)
    writers = [
        threading.Thread(target=lambda one=one: [set_value(one, str(n)) for n in range(10)])
        for one in (store, other)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    close_store(other)
    assert count(store) == 20
    assert verify(store).problems == ()


def test_what_is_acknowledged_is_on_disk(sqlite_store: Store) -> None:
    with sqlite_store.engine.connect() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert settings == {
        "journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1,
    }  # fmt: skip
