"""A backup brings the whole record back, into either database; anything else is refused."""

import gzip
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import insert, select

from anagen.clinic import photographs
from anagen.clinic.backup import LEFT_OUT, BackupMade, backup
from anagen.clinic.copying import content_hash
from anagen.clinic.documents import Note
from anagen.clinic.entries import of_person
from anagen.clinic.keys import make_keys, save_keys
from anagen.clinic.people import documents_of, keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.places import KEY_FILE, Places, find_places
from anagen.clinic.restore import restore
from anagen.clinic.store import Store, close_store, open_store, reading, writing
from anagen.clinic.tables import throttles
from anagen.clinic.verify import verify
from anagen.errors import InputError, StoreError

NewPlaces = Callable[..., Places]


@pytest.fixture
def new_places(tmp_path: Path, new_database: Callable[[], str]) -> NewPlaces:
    """Places without a record, but with the key."""

    def make(key_file: Path, database: str = "sqlite") -> Places:
        folder = tmp_path / f"new-{database}"
        folder.mkdir()
        shutil.copy(key_file, folder / KEY_FILE)
        url = new_database() if database == "postgresql" else None
        return find_places(folder, url, environment={})

    return make


def tree(folder: Path) -> list[tuple[str, bytes]]:
    return [(str(p), p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()]


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_brings_everything_back(
    filled: Store, released: ModuleType, tmp_path: Path, new_places: NewPlaces, target: str
) -> None:
    with writing(filled) as connection:
        connection.execute(insert(throttles).values(key="k" * 64, failures=3, until="2025"))
    made = backup(filled, tmp_path / "record.backup")
    before = content_hash(filled)
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert (made.people, made.photographs, made.missing) == (2, 2, ())
    assert verify(filled, anchor=made.anchor).problems == ()
    places = new_places(filled.places.key_file, target)
    done = restore(made.file, places)
    assert done.verdict.problems == ()
    assert (done.verdict.end, done.aside) == (made.anchor, ())
    store = open_store(places, create=False)
    assert content_hash(store) == before
    old, new = (documents_of(one, CONSOLE, released.NUMBER) for one in (filled, store))
    assert new == old
    names = [photographs.every(PhotographStore(one.places.photographs)) for one in (filled, store)]
    assert list(names[0]) == list(names[1])
    with reading(store) as connection:
        for table in LEFT_OUT:
            assert connection.execute(select(table)).all() == []
    keep(store, CONSOLE, released.NUMBER, "note", Note(on=released.DAY, text="goes on"))
    assert verify(store, anchor=made.anchor).problems == ()
    assert content_hash(store) != before
    close_store(store)
    assert not list(tmp_path.glob(".*"))
    assert not list(places.folder.glob(".*"))


def test_a_backup_made_in_use_is_one_state(
    filled: Store, released: ModuleType, tmp_path: Path, new_places: NewPlaces
) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            keep(filled, CONSOLE, released.NUMBER, "note", Note(on=released.DAY, text="busy"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [backup(filled, tmp_path / f"{n}.backup") for n in range(3)]
    finally:
        stop.set()
        writer.join()
    assert len({one.anchor for one in made}) > 1, "the writer wrote meanwhile"
    for number, one in enumerate(made):
        places = find_places(tmp_path / f"back{number}", environment={})
        places.folder.mkdir()
        shutil.copy(filled.places.key_file, places.key_file)
        assert restore(one.file, places).verdict.problems == ()
        assert verify(filled, anchor=one.anchor).problems == ()


def test_the_key_and_names_are_not_in_it(filled: Store, tmp_path: Path) -> None:
    made = backup(filled, tmp_path / "record.backup")
    content = gzip.decompress(made.file.read_bytes())
    assert b"Ada Example" not in content
    assert filled.keys.secret not in content
    assert filled.places.key_file.read_bytes().split()[1] not in content


def test_a_backup_never_replaces_a_file_and_leaves_nothing_half(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out" / "record.backup"
    with pytest.raises(InputError, match="existing folder"):
        backup(filled, target)
    target.parent.mkdir()
    target.write_text("precious")
    with pytest.raises(InputError, match="a new file"):
        backup(filled, target)
    assert target.read_text() == "precious"
    target.unlink()

    def full(*_given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(StoreError, match="disk is full"):
        backup(filled, target)
    assert list(target.parent.iterdir()) == []


def test_a_damaged_photograph_does_not_keep_the_rest_from_being_saved(
    filled: Store, tmp_path: Path, new_places: NewPlaces
) -> None:
    first, _ = photographs.every(PhotographStore(filled.places.photographs))
    (filled.places.photographs / first[:2] / first).write_bytes(b"damaged")
    made = backup(filled, tmp_path / "record.backup")
    assert (made.missing, made.photographs) == ((first,), 1)
    done = restore(made.file, new_places(filled.places.key_file))
    assert [problem.place for problem in done.verdict.problems] == [f"photograph {first}"]


def test_a_record_that_stands_is_refused_and_with_force_moved_aside(
    filled: Store, released: ModuleType, tmp_path: Path
) -> None:
    made = backup(filled, tmp_path / "record.backup")
    keep(filled, CONSOLE, released.NUMBER, "note", Note(on=released.DAY, text="later"))
    close_store(filled)
    before = tree(filled.places.folder)
    with pytest.raises(StoreError, match="--force"):
        restore(made.file, filled.places)
    assert tree(filled.places.folder) == before
    done = restore(made.file, filled.places, force=True)
    assert done.verdict.problems == ()
    assert done.verdict.end == made.anchor
    assert len(done.aside) == 2
    if filled.is_sqlite:
        file = next(path for path in done.aside if "sqlite3" in path)
        old_places = find_places(tmp_path / "old", f"sqlite:///{file}", filled.places.key_file, {})
        old = open_store(old_places, create=False)
        with reading(old) as connection:
            texts = [e.text for e in of_person(old, connection, released.NUMBER, ["note"])]
        assert any("later" in (one or "") for one in texts)
        close_store(old)


def test_a_database_in_use_is_not_replaced(
    filled_sqlite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anagen.clinic.restore._LOCK_SECONDS", 0.1)
    made = backup(filled_sqlite, tmp_path / "record.backup")
    before = dict(tree(filled_sqlite.places.photographs))
    with reading(filled_sqlite), pytest.raises(StoreError, match="Stop the server"):
        restore(made.file, filled_sqlite.places, force=True)
    assert dict(tree(filled_sqlite.places.photographs)) == before
    assert verify(filled_sqlite).problems == ()


def test_a_failure_puts_the_old_record_back(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup(filled, tmp_path / "record.backup")
    before = content_hash(filled)
    close_store(filled)

    def fail(*_given: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("shutil.copyfile", fail)
        full.setattr("anagen.clinic.restore.copy_tables", fail)
        with pytest.raises(StoreError):
            restore(made.file, filled.places, force=True)
    store = open_store(filled.places, create=False)
    assert content_hash(store) == before
    assert verify(store).problems == ()
    close_store(store)
    assert not [p.name for p in filled.places.folder.iterdir() if "restore" in p.name]


def test_another_key_is_refused(filled: Store, tmp_path: Path) -> None:
    made = backup(filled, tmp_path / "record.backup")
    places = find_places(tmp_path / "other", environment={})
    with pytest.raises(StoreError, match="key file"):
        restore(made.file, places)
    places.folder.mkdir()
    save_keys(make_keys(), places.key_file)
    with pytest.raises(InputError, match="of the key"):
        restore(made.file, places)
    assert [path.name for path in places.folder.iterdir()] == [KEY_FILE]


@pytest.fixture
def made(filled_sqlite: Store, tmp_path: Path) -> BackupMade:
    return backup(filled_sqlite, tmp_path / "record.backup")


def parts(file: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(file) as archive:
        return [(one, archive.extractfile(one).read()) for one in archive]  # type: ignore[union-attr]


def rewrite(file: Path, content: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        for header, data in content:
            archive.addfile(header, io.BytesIO(data))


def extra(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"x", link: str = "") -> Any:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, link
    header.size = len(data) if kind == tarfile.REGTYPE else 0
    return header, data


HASH = "ab" + "0" * 62
CHANGES: dict[str, Callable[[list], list]] = {
    "a path that climbs": lambda p: [*p, extra("../outside")],
    "an absolute path": lambda p: [*p, extra("/tmp/outside")],
    "a key": lambda p: [*p, extra("clinic.key")],
    "a photograph besides": lambda p: [*p, extra(f"photographs/ab/{HASH}")],
    "a symbolic link": lambda p: [*p, extra("photographs/ab", tarfile.SYMTYPE, link="/etc")],
    "a link in place of the database": lambda p: [
        p[0], extra("database.sqlite3", tarfile.SYMTYPE, link="/etc/passwd"), *p[2:]],
    "a device": lambda p: [*p, extra("null", tarfile.CHRTYPE)],
    "a part twice": lambda p: [*p, p[1]],
    "a part missing": lambda p: p[:-1],
    "no manifest": lambda p: p[1:],
    "the manifest last": lambda p: [*p[1:], p[0]],
    "nothing": lambda p: [],
    "a database cut short": lambda p: [p[0], extra("database.sqlite3", data=p[1][1][:-9]), *p[2:]],
    "a database changed": lambda p: [p[0], (p[1][0], p[1][1][:-1] + b"?"), *p[2:]],
    "a database blown up": lambda p: [
        p[0], extra("database.sqlite3", data=p[1][1] + bytes(5_000_000)), *p[2:]],
    "a photograph changed": lambda p: [*p[:-1], (p[-1][0], p[-1][1][:-1] + b"?")],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_an_archive_that_was_tampered_with_is_refused(
    made: BackupMade, new_places: NewPlaces, filled_sqlite: Store, tmp_path: Path, change: str
) -> None:
    rewrite(made.file, CHANGES[change](parts(made.file)))
    places = new_places(filled_sqlite.places.key_file)
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with pytest.raises(InputError, match="whole backup"):
        restore(made.file, places)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_a_manifest_that_was_tampered_with_is_refused(
    made: BackupMade, new_places: NewPlaces, filled_sqlite: Store
) -> None:
    whole = parts(made.file)
    places = new_places(filled_sqlite.places.key_file)
    for change in ({"entries": 3}, {"anchor": f"1:{'0' * 64}"}, {"format": 2}, {"more": 1}):
        manifest = {**json.loads(whole[0][1]), **change}
        rewrite(made.file, [extra("manifest.json", data=json.dumps(manifest).encode()), *whole[1:]])
        with pytest.raises(InputError, match="manifest"):
            restore(made.file, places)


def test_what_is_no_backup_is_refused(
    made: BackupMade, new_places: NewPlaces, filled_sqlite: Store, tmp_path: Path
) -> None:
    places = new_places(filled_sqlite.places.key_file)
    whole = made.file.read_bytes()
    for content in (b"", b"hello" * 1000, whole[: len(whole) // 2], whole[:600], whole[:20]):
        made.file.write_bytes(content)
        with pytest.raises(InputError):
            restore(made.file, places)
    with pytest.raises(InputError, match="Check the name"):
        restore(tmp_path / "none", places)
    assert [path.name for path in places.folder.iterdir()] == [KEY_FILE]
