"""Backups: the whole record in one file, made while it is in use.

A tar file, compressed: ``manifest.json`` first (what there is, with the hash of each part, sealed
with the key of the record), then ``database.sqlite3``, whatever the database, then the photographs.
The key is not in it: without the key file a backup can be neither read in full nor forged.
"""

import contextlib
import hashlib
import hmac
import io
import os
import secrets
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine, func, select

from anagen._version import __version__
from anagen.clinic import chain, photographs
from anagen.clinic.copying import LEFT_OUT, copy_tables
from anagen.clinic.erase import named_photographs
from anagen.clinic.keys import Keys
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.store import Store, faults, make_engine, now, reading
from anagen.clinic.tables import REVISION, accesses, chains, entries, heads
from anagen.errors import InputError, Problem, StoreError

FORMAT = 1
MANIFEST, DATABASE, PHOTOGRAPHS = "manifest.json", "database.sqlite3", "photographs"
# The least compression: photographs do not shrink, and more would cost time for little.
_LEVEL = 1

_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


_NAME = r"^(database\.sqlite3|photographs/[0-9a-f]{2}/[0-9a-f]{64})$"


class Member(BaseModel):
    """One part of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=_NAME)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: _Hash


class Manifest(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    anagen: str
    revision: str
    made: str
    key: str = Field(description="fingerprint of the key")
    anchor: str = Field(description="end of the chain, for 'anagen verify --anchor'")
    entries: int
    people: int
    accesses: int
    members: tuple[Member, ...]
    missing: tuple[_Hash, ...] = Field((), description="photographs that were missing or damaged")
    seal: str = ""


@dataclass(frozen=True)
class BackupMade:
    """A backup that was written.

    Parameters
    ----------
    file : where.
    bytes : its size.
    entries, people, photographs : how many it holds.
    anchor : end of the chain, for later checks.
    missing : hashes of photographs that the record names and that were missing or damaged.
    """

    file: Path
    bytes: int
    entries: int
    people: int
    photographs: int
    anchor: str
    missing: tuple[str, ...] = ()


def backup(store: Store, file: Path) -> BackupMade:
    """Write the whole record to one file, as it is at one moment; never over another file.

    Left out: who is signed in, failed attempts, and answers kept for repeated requests.

    Parameters
    ----------
    store : open store; it may be in use.
    file : to be written, for its owner alone; it appears whole or not at all.

    Raises
    ------
    InputError
        When the file cannot stand there.
    StoreError
        When the record cannot be read or the disk is full.
    """
    _check_target(file)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with faults(), tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as scratch:
            database = Path(scratch) / DATABASE
            if store.is_sqlite:
                _copy_sqlite(store, database)
            else:
                _copy_other(store, database)
            manifest = _manifest(store, database)
            _write(store, manifest, database, temporary)
            os.link(temporary, file)  # unlike a renaming it never replaces a file
            _settle(file.parent)
    except FileExistsError:
        raise InputError(_taken(file)) from None
    finally:
        temporary.unlink(missing_ok=True)
    return BackupMade(
        file, file.stat().st_size, manifest.entries, manifest.people, len(manifest.members) - 1,
        manifest.anchor, manifest.missing,
    )  # fmt: skip


def _check_target(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise InputError(_taken(file))
    if not file.parent.is_dir():
        raise InputError(
            Problem(f"backup {file}", f"an existing folder {file.parent}", "none",
                    "Make it first, or choose another.")
        )  # fmt: skip


def _taken(file: Path) -> Problem:
    return Problem(f"backup {file}", "a new file", "one that stands there", "Choose another name.")


def _copy_sqlite(store: Store, target: Path) -> None:
    """Copy with SQLite's own backup, page by page in one state, then take out what is left out."""
    _make_private(target)
    with (
        contextlib.closing(store.engine.raw_connection()) as raw,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        source = raw.driver_connection
        assert isinstance(source, sqlite3.Connection)
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute("PRAGMA secure_delete=ON")
        copy.execute("PRAGMA foreign_keys=OFF")
        for table in LEFT_OUT:
            copy.execute(f"DELETE FROM {table.name}")


def _copy_other(store: Store, target: Path) -> None:
    from anagen.clinic.migrate import upgrade

    _make_private(target)
    with file_engine(target) as engine:
        upgrade(engine)
        with reading(store) as source, engine.begin() as copy:
            copy_tables(source, copy)


@contextlib.contextmanager
def file_engine(file: Path) -> Iterator[Engine]:
    """Open an SQLite file that nobody else uses, and leave it as a single file."""
    engine = make_engine(f"sqlite:///{file}")
    try:
        yield engine
    finally:
        engine.dispose()
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as plain:
            plain.execute("PRAGMA journal_mode=DELETE")


def _manifest(store: Store, database: Path) -> Manifest:
    """Tell what the copy holds, and which photographs go with it."""
    with file_engine(database) as engine, engine.connect() as copy:
        counts = [
            int(copy.execute(query).scalar_one())
            for query in (
                select(func.count()).select_from(entries),
                select(func.count()).select_from(heads).where(heads.c.kind == "person"),
                select(func.count()).select_from(accesses),
            )
        ]
        end = copy.execute(select(chains).where(chains.c.name == chain.ENTRIES)).one()
        named = sorted(set(named_photographs(copy)))
    members = [_member(DATABASE, database)]
    missing = []
    for sha256 in named:
        try:
            size = len(photographs.content(PhotographStore(store.places.photographs), sha256))
        except StoreError:
            missing.append(sha256)
        else:
            name = f"{PHOTOGRAPHS}/{sha256[:2]}/{sha256}"
            members.append(Member(name=name, bytes=size, sha256=sha256))
    manifest = Manifest(
        format=FORMAT, anagen=__version__, revision=REVISION, made=now(),
        key=store.keys.fingerprint, anchor=f"{end.seq}:{end.digest}", entries=counts[0],
        people=counts[1], accesses=counts[2], members=tuple(members), missing=tuple(missing),
    )  # fmt: skip
    return manifest.model_copy(update={"seal": manifest_seal(store.keys, manifest)})


def manifest_seal(keys: Keys, manifest: Manifest) -> str:
    """Seal of a manifest, and so of the hashes of all parts."""
    text = manifest.model_copy(update={"seal": ""}).model_dump_json()
    return hmac.digest(keys.derived("backup"), text.encode(), "sha256").hex()


def _member(name: str, file: Path) -> Member:
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return Member(name=name, bytes=file.stat().st_size, sha256=sha256)


def _write(store: Store, manifest: Manifest, database: Path, target: Path) -> None:
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as archive:
            _add(archive, MANIFEST, manifest.model_dump_json(indent=1).encode())
            with database.open("rb") as opened:
                archive.addfile(_header(DATABASE, database.stat().st_size), opened)
            for member in manifest.members[1:]:
                files = PhotographStore(store.places.photographs)
                _add(archive, member.name, photographs.content(files, member.sha256))
        file.flush()
        os.fsync(file.fileno())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_header(name, len(content)), io.BytesIO(content))


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


def _make_private(file: Path) -> None:
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _settle(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
