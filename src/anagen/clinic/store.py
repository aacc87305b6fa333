"""The store: opening it, reading what stands, writing new versions in one chain.

Reading goes through `reading`, writing through `writing`; a write is whole or not at all.
"""

import contextlib
import errno
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, insert, select, text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from anagen.clinic import chain
from anagen.clinic.keys import Keys, load_keys, make_keys, save_keys
from anagen.clinic.places import Places
from anagen.clinic.tables import REVISION, chains
from anagen.errors import StoreError

# How long a writer waits for another one before it gives up.
_BUSY_MS = 15_000
_POOL, _MORE = 16, 32

# End of a chain, held; made once, as every write runs it.
_END = (
    select(chains.c.seq, chains.c.digest)
    .where(chains.c.name == bindparam("chain"))
    .with_for_update()
)


@dataclass(frozen=True)
class Store:
    """An open store.

    Parameters
    ----------
    places : where it is.
    engine : of the database.
    keys : of the clinic.
    write_lock : one writer at a time within this process, so that none waits inside the database.
    """

    places: Places
    engine: Engine = field(repr=False)
    keys: Keys
    write_lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        return self.engine.dialect.name == "sqlite"


def open_store(places: Places, *, create: bool = True) -> Store:
    """Open the clinic's record; when there is none yet, found it.

    A database of an earlier release is brought up to this one.

    Parameters
    ----------
    places : where it is.
    create : whether to found a new one where there is none.

    Raises
    ------
    StoreError
        When the database cannot be reached or written, is of a later release, or belongs to
        another key.
    """
    engine = make_engine(places.database)
    try:
        with faults():
            if create:
                _make_folders(places)
            # SQLite makes an empty file of a name that is not there, so it is looked for first.
            revision = current_revision(engine) if create or _is_there(engine) else None
            if revision is None and not create:
                raise StoreError(
                    f"{shown_url(engine)}: expected the record of a clinic, found none. "
                    "Name another with --data or --database, or begin with: anagen serve"
                )
            _make_folders(places)
            keys = _keys(places, founded=revision is not None)
            if revision != REVISION:
                from anagen.clinic.migrate import upgrade

                upgrade(engine)
            _found(engine, keys)
    except BaseException:
        engine.dispose()
        raise
    return Store(places, engine, keys)


def close_store(store: Store) -> None:
    """Close all connections."""
    store.engine.dispose()


def make_engine(url: str) -> Engine:
    """Engine with what each database needs to keep what was acknowledged."""
    if url.startswith("sqlite"):
        engine = create_engine(
            url, pool_size=_POOL, max_overflow=_MORE,
            connect_args={"check_same_thread": False, "isolation_level": None},
        )  # fmt: skip
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_size=_POOL, max_overflow=_MORE, pool_pre_ping=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
                   f"busy_timeout={_BUSY_MS}", "trusted_schema=OFF", "cell_size_check=ON",
                   "fullfsync=ON", "cache_size=-32000", "secure_delete=ON"):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("anagen_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextlib.contextmanager
def reading(store: Store) -> Iterator[Connection]:
    """Give a connection that sees one consistent state of the database."""
    with faults(), store.engine.connect() as connection:
        if not store.is_sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")  # noqa: PLW2901
        with connection.begin():
            yield connection


@contextlib.contextmanager
def writing(store: Store) -> Iterator[Connection]:
    """Give a connection that may write; all is kept when the block ends, or nothing.

    Raises
    ------
    StoreError
        When the disk is full or read-only, or the database cannot be reached.
    """
    with faults(), store.write_lock, store.engine.connect() as plain:
        connection = plain.execution_options(anagen_write=True)
        with connection.begin():
            yield connection


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Turn what a database or a disk refuses into a `StoreError` that says what to do."""
    try:
        yield
    except OperationalError as error:
        raise StoreError(_explained(str(error.orig))) from error
    except DBAPIError as error:
        if error.connection_invalidated or type(error) is DatabaseError:
            raise StoreError(_explained(str(error.orig))) from error
        raise
    except OSError as error:
        words = error.strerror or str(error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StoreError(
            _explained("full") if full else f"the data folder cannot be used: {words}"
        ) from error


_EXPLAINED = (
    ("readonly", "the database is read-only, so nothing was changed. Mend its permissions"),
    ("read-only", "the database is read-only, so nothing was changed. Mend its permissions"),
    ("full", "the disk is full, so nothing was changed. Free some space and send it again"),
    (
        "No space left",
        "the disk is full, so nothing was changed. Free some space and send it again",
    ),
    ("malformed", "the database file is damaged. Bring the record back from a backup"),
    ("not a database", "the database file is damaged. Bring the record back from a backup"),
    ("disk I/O", "the disk refuses to write, so nothing was changed. Check it and send it again"),
    ("locked", "another program keeps the database busy, so nothing was changed. Send it again"),
    ("unable to open", "the database file cannot be opened. Check the data folder and permissions"),
)


def _explained(words: str) -> str:
    for sign, meaning in _EXPLAINED:
        if sign in words:
            return meaning
    return "the database cannot be reached or refuses. Check that it runs and the address is right"


def now() -> str:
    """Tell the time, UTC, as all tables keep it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def lock_chain(connection: Connection, name: str) -> tuple[int, str]:
    """End of a chain (number, seal), held until the transaction is over."""
    row = connection.execute(_END, {"chain": name}).one()
    return int(row.seq), str(row.digest)


def current_revision(engine: Engine) -> str | None:
    """Revision of the tables in a database; None when there are none."""
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def shown_url(engine: Engine) -> str:
    """Address of the database, without a password."""
    return engine.url.render_as_string(hide_password=True)


def _is_there(engine: Engine) -> bool:
    file = engine.url.database
    return engine.dialect.name != "sqlite" or (file is not None and Path(file).exists())


def _make_folders(places: Places) -> None:
    for folder in (places.folder, places.photographs, places.key_file.parent):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _keys(places: Places, *, founded: bool) -> Keys:
    if founded or places.key_file.exists():
        return load_keys(places.key_file)
    keys = make_keys()
    save_keys(keys, places.key_file)
    return keys


def _found(engine: Engine, keys: Keys) -> None:
    """Begin the chains, or prove that the key is theirs."""
    mark = key_mark(keys)
    with engine.connect() as plain:
        connection = plain.execution_options(anagen_write=True)
        rows = {row.name: row.digest for row in connection.execute(select(chains))}
        connection.rollback()
        if not rows:
            with connection.begin():
                for name, digest in (("key", mark), (chain.ENTRIES, chain.FIRST),
                                     (chain.ACCESSES, chain.FIRST)):  # fmt: skip
                    connection.execute(insert(chains).values(name=name, seq=0, digest=digest))
        elif rows.get("key") != mark:
            raise StoreError(
                "the key file belongs to another record. Name the right one with --key-file"
            )


def key_mark(keys: Keys) -> str:
    """Mark of a key that a record keeps, to tell whether a key is its own."""
    return chain.entry_seal(keys, keys.fingerprint, dict.fromkeys(chain.ENTRY_FIELDS))
