"""Bringing the record back from a backup, into either database.

Everything is checked and laid out beside the record before anything of it is touched; what stood
there is moved aside, never deleted.
"""

import contextlib
import hashlib
import hmac
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import ValidationError
from sqlalchemy import Engine, inspect, text

from anagen.clinic.backup import (
    DATABASE,
    MANIFEST,
    PHOTOGRAPHS,
    Manifest,
    Member,
    file_engine,
    manifest_seal,
)
from anagen.clinic.copying import copy_tables
from anagen.clinic.keys import Keys, load_keys
from anagen.clinic.photographs import LIMITS
from anagen.clinic.places import Places
from anagen.clinic.store import close_store, current_revision, faults, make_engine, open_store
from anagen.clinic.tables import metadata
from anagen.clinic.verify import Verdict, verify
from anagen.errors import InputError, Problem, StoreError

_PIECE = 1 << 20
# Bytes of a manifest of about a million photographs.
_MOST_MANIFEST = 200_000_000
_LOCK_SECONDS = 2.0


@dataclass(frozen=True)
class Restored:
    """A record that was brought back.

    Parameters
    ----------
    made : when the backup was made (ISO 8601, UTC).
    verdict : what the check of the record found afterwards.
    aside : where what stood there before was moved to.
    """

    made: str
    verdict: Verdict
    aside: tuple[str, ...] = ()


def restore(file: Path, places: Places, *, force: bool = False) -> Restored:
    """Bring the record back from a backup, whole or not at all, and check it.

    Stop the server first. The key file must be in its place; no backup holds it.

    Parameters
    ----------
    file : made by `anagen.clinic.backup.backup`.
    places : where the record is to be, in SQLite or PostgreSQL.
    force : whether a record that stands there is moved aside.

    Raises
    ------
    InputError
        When the file is not a whole backup of this key's record; nothing was touched.
    StoreError
        When a record stands there, or a disk or database refuses.
    """
    keys = load_keys(places.key_file)
    engine = make_engine(places.database)
    try:
        with faults(), _opened(file) as archive:
            manifest = _read_manifest(file, archive, keys)
            if not force:
                _refuse_standing(places, engine)
            places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_space(places.folder, manifest)
            with tempfile.TemporaryDirectory(dir=places.folder, prefix=".restore-") as staging:
                _unpack(file, archive, manifest, Path(staging))
                aside = _put_in_place(Path(staging), places, engine)
    finally:
        engine.dispose()
    store = open_store(places, create=False)
    try:
        return Restored(manifest.made, verify(store, anchor=manifest.anchor), aside)
    finally:
        close_store(store)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:*") as archive:
            yield archive
    except FileNotFoundError:
        raise _refusal(file, "a file", "none", "Check the name.") from None
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _damaged(file, str(error)) from None
    except OSError as error:
        if error.errno is None:  # gzip's own word for damage
            raise _damaged(file, str(error)) from None
        raise


def _refusal(file: Path, expected: str, found: str, remedy: str) -> InputError:
    return InputError(Problem(f"backup {file}", expected, found, remedy))


def _damaged(file: Path, found: str) -> InputError:
    return _refusal(file, "a whole backup made by Anagen", found or "another file",
                    "Take another copy of it, or an earlier backup.")  # fmt: skip


def _read_manifest(file: Path, archive: tarfile.TarFile, keys: Keys) -> Manifest:
    first = archive.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > _MOST_MANIFEST:
        raise _damaged(file, "no manifest in it")
    opened = archive.extractfile(first)
    try:
        manifest = Manifest.model_validate_json(opened.read() if opened else b"")
    except ValidationError:
        raise _damaged(file, "a manifest of another form, maybe of a later release") from None
    if manifest.key != keys.fingerprint:
        raise _refusal(file, f"a record of the key {keys.fingerprint}",
                       f"one of the key {ascii(manifest.key)[1:41]}",
                       "Name the key file of that record with --key-file.")  # fmt: skip
    if not hmac.compare_digest(manifest.seal.encode(), manifest_seal(keys, manifest).encode()):
        raise _damaged(file, "a manifest that was changed")
    return manifest


def _refuse_standing(places: Places, engine: Engine) -> None:
    names = []
    if _has_database(engine):
        names.append("database")
    if places.photographs.is_dir() and any(places.photographs.rglob("*")):
        names.append("photographs")
    if names:
        raise StoreError(
            f"{places.folder}: expected no record there yet, found {' and '.join(names)}. "
            "Choose another place, or move the record there aside with --force"
        )


def _file_of(engine: Engine) -> Path | None:
    """File of an SQLite database."""
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return None
    return Path(engine.url.database)


def _has_database(engine: Engine) -> bool:
    file = _file_of(engine)
    return file.exists() if file is not None else current_revision(engine) is not None


def _check_space(folder: Path, manifest: Manifest) -> None:
    needed = sum(member.bytes for member in manifest.members)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{folder}: expected room for {needed / 1e6:.0f} MB, found {free / 1e6:.0f} MB. "
            "Free some space or choose another place"
        )


def _unpack(file: Path, archive: tarfile.TarFile, manifest: Manifest, staging: Path) -> None:
    """Write every part where it is checked; only what the sealed manifest names, as it names it."""
    waiting = {member.name: member for member in manifest.members}
    for header in archive:
        if header.name == MANIFEST and header.offset == 0:
            continue
        member = waiting.pop(header.name, None)
        if member is None or not header.isreg() or header.size != member.bytes:
            raise _damaged(file, f"a part that does not belong there, {ascii(header.name)[:100]}")
        if member.name != DATABASE and member.bytes > LIMITS.bytes:
            raise _damaged(file, "a photograph larger than any that is kept")
        opened = archive.extractfile(header)
        if opened is None or not _written(opened, staging / member.name, member):
            raise _damaged(file, f"a part that was changed, {member.name}")
    if waiting:
        raise _damaged(file, f"{len(waiting)} parts missing")


def _written(source: IO[bytes], target: Path, member: Member) -> bool:
    """Write one part; whether it is what was backed up."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        while piece := source.read(_PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest() == member.sha256


def _put_in_place(staging: Path, places: Places, engine: Engine) -> tuple[str, ...]:
    """Move the old aside and the new in; on any failure everything is moved back."""
    from anagen.clinic.migrate import upgrade

    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S_%f")
    aside: list[str] = []
    with file_engine(staging / DATABASE) as copy:
        upgrade(copy)
    (staging / PHOTOGRAPHS).mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as undo:
        if places.photographs.exists():
            aside.append(_move_aside(places.photographs, stamp, undo))
        _move(staging / PHOTOGRAPHS, places.photographs, undo)
        file = _file_of(engine)
        if file is not None:
            aside += _replace_file(staging / DATABASE, file, stamp, undo)
        else:
            aside += _replace_tables(staging / DATABASE, engine, stamp)
        undo.pop_all()
    return tuple(aside)


def _move(source: Path, target: Path, undo: contextlib.ExitStack) -> None:
    os.rename(source, target)
    undo.callback(os.rename, target, source)


def _move_aside(path: Path, stamp: str, undo: contextlib.ExitStack) -> str:
    target = path.with_name(f"{path.name}.before-restore-{stamp}")
    _move(path, target, undo)
    return str(target)


def _replace_file(new: Path, file: Path, stamp: str, undo: contextlib.ExitStack) -> tuple[str, ...]:
    aside = []
    if file.exists():
        _refuse_in_use(file)
        for path in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
            if path.exists():
                aside.append(_move_aside(path, stamp, undo))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The database may be on another disk than the data folder.
    landing = file.with_name(f".{file.name}.{stamp}")
    undo.callback(landing.unlink, missing_ok=True)
    shutil.copyfile(new, landing)
    landing.chmod(0o600)
    with landing.open("rb") as opened:
        os.fsync(opened.fileno())
    _move(landing, file, undo)
    handle = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return tuple(aside)


def _refuse_in_use(file: Path) -> None:
    """Refuse while anybody has the old database open; else bring its log into the file."""
    try:
        with contextlib.closing(
            sqlite3.connect(file, isolation_level=None, timeout=_LOCK_SECONDS)
        ) as plain:
            plain.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreError(
                f"{file}: expected a database that nobody uses, found it open elsewhere. "
                "Stop the server and do it again"
            ) from error
    except sqlite3.DatabaseError:
        pass  # damaged, which is why it is being replaced


def _replace_tables(new: Path, engine: Engine, stamp: str) -> tuple[str, ...]:
    from anagen.clinic.migrate import upgrade_within

    aside = []
    with engine.begin() as connection, file_engine(new) as source_engine:
        ours = {*metadata.tables, "alembic_version"} & set(inspect(connection).get_table_names())
        if ours:
            schema = f"before_restore_{stamp}"
            connection.execute(text(f"CREATE SCHEMA {schema}"))
            for name in sorted(ours):
                connection.execute(text(f"ALTER TABLE {name} SET SCHEMA {schema}"))
            aside.append(f"schema {schema}")
        upgrade_within(connection)
        with source_engine.connect() as source:
            copy_tables(source, connection)
    return tuple(aside)
