"""Erasing a person as the law may ask: the texts go, the chain and what was done stay.

Backups keep what they hold until the clinic clears them, and so do the blocks of a disk.
"""

import contextlib
import hmac
import json
import time
from collections.abc import Iterator

from sqlalchemy import Connection, delete, func, select, text, update

from anagen.clinic import photographs
from anagen.clinic.documents import Erasure
from anagen.clinic.entries import Entry, new_id, person_exists, put
from anagen.clinic.permissions import Actor, require
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.store import Store, faults, reading, writing
from anagen.clinic.tables import entries, heads, jobs
from anagen.errors import InputError, NotFoundError, Problem

_ERASURE = "erasure"
# How often, and how far apart [s], the log of the database is asked to give up old pages.
_TRIES, _PAUSE = 20, 0.1


def erase(store: Store, actor: Actor, number: str, basis: str) -> Entry:
    """Erase a person: all texts and photographs, for good; the number is never used again.

    An entry of kind ``erasure`` stays, with the columns that say when something was written and
    by whom. A photograph that another person's record names stays too. When the machine stops
    between the record and the files, `mend` finishes it; the next erasure or check calls it.

    Parameters
    ----------
    store : open store.
    actor : who does it, with ``record:write`` and ``accounts:manage``.
    number : of the person.
    basis : legal basis or request, in words.

    Returns
    -------
    Entry
        The erasure as it stands in the chain.

    Raises
    ------
    AccessError, InputError, NotFoundError, StoreError
        When nothing was erased; each says why.
    """
    require(actor, "record:write")
    require(actor, "accounts:manage")
    if not basis.strip():
        raise InputError(
            Problem("basis", "the legal basis or request, in words", "nothing", "Say why.")
        )
    with writing(store) as connection:
        entry = _erase_texts(store, connection, actor, number, basis.strip())
    with faults():
        _clear_traces(store)
    mend(store)
    return entry


def erased(connection: Connection, number: str) -> Entry | None:
    """Give the erasure of a person, or None when nobody of this number was erased."""
    query = select(entries).where(entries.c.person == number, entries.c.kind == _ERASURE)
    row = connection.execute(query).first()
    if row is None:
        return None
    return Entry(
        row.kind, row.id, row.version, row.person, row.seq, row.at, row.author, row.reason,
        bool(row.retracted), row.day, row.body,
    )  # fmt: skip


def erasures(connection: Connection) -> dict[str, int]:
    """Place in the chain of every erasure, by number of the person."""
    query = select(entries.c.person, entries.c.seq).where(entries.c.kind == _ERASURE)
    return {row.person: int(row.seq) for row in connection.execute(query)}


def orphans(store: Store, connection: Connection) -> tuple[str, ...]:
    """Hashes of photographs that were to be erased and are still there."""
    bodies = connection.execute(
        select(entries.c.body).where(entries.c.kind == _ERASURE, entries.c.body.is_not(None))
    ).scalars()
    marks = {mark for body in bodies for mark in json.loads(body).get("files", ())}
    if not marks:
        return ()
    there = [one for one in photographs.every(_files(store)) if _mark(store, one) in marks]
    named = set(named_photographs(connection)) if there else set()
    return tuple(one for one in there if one not in named)


def mend(store: Store) -> int:
    """Finish erasures that were cut short; tell how many photographs were left to delete.

    Raises
    ------
    StoreError
        When a file cannot be deleted.
    """
    with reading(store) as connection:
        left = orphans(store, connection)
    for sha256 in left:
        photographs.delete(_files(store), sha256)
    return len(left)


def named_photographs(connection: Connection, *, but: str | None = None) -> Iterator[str]:
    """Hash of every photograph that any version names; a person's own ones left out with `but`."""
    query = select(entries.c.body, entries.c.person).where(
        entries.c.kind == "photograph", entries.c.body.is_not(None)
    )
    for row in connection.execute(query.execution_options(yield_per=1000)):
        if but is None or row.person != but:
            yield str(json.loads(row.body)["sha256"])


def _erase_texts(
    store: Store, connection: Connection, actor: Actor, number: str, basis: str
) -> Entry:
    if not person_exists(connection, number):
        done = erased(connection, number)
        found = f"was erased on {done.at[:10]}" if done else "the record holds nobody of it"
        raise NotFoundError(f"person {number}: expected a number in use, found that it {found}")
    mine = entries.c.person == number
    query = select(entries.c.body).where(mine, entries.c.kind == "photograph")
    bodies = connection.execute(query.where(entries.c.body.is_not(None))).scalars()
    own = {str(json.loads(body)["sha256"]) for body in bodies}
    gone = sorted(own - set(named_photographs(connection, but=number))) if own else []
    texts = select(func.count()).select_from(entries).where(mine, entries.c.body.is_not(None))
    count = int(connection.execute(texts).scalar_one())
    for table in (heads, jobs):
        connection.execute(delete(table).where(table.c.person == number))
    connection.execute(update(entries).where(mine).values(body=None))
    document = Erasure(
        basis=basis, texts=count, photographs=len(gone),
        files=tuple(_mark(store, one) for one in gone),
    )  # fmt: skip
    return put(
        store, connection, _ERASURE, new_id(), document, person=number, author=actor.account,
        reason=basis,
    )  # fmt: skip


def _mark(store: Store, sha256: str) -> str:
    """Tell whether a file is meant, without giving away the hash of one that is gone."""
    return hmac.digest(store.keys.derived("erased photograph"), sha256.encode(), "sha256").hex()


def _files(store: Store) -> PhotographStore:
    return PhotographStore(store.places.photographs)


def _clear_traces(store: Store) -> None:
    """Overwrite what the database keeps of erased texts outside its tables, as far as it can.

    SQLite zeroes freed pages itself (``secure_delete``); its log keeps older ones until it is
    begun anew, for which no reader may be at work. PostgreSQL keeps old rows until a vacuum.
    """
    if not store.is_sqlite:
        with store.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM entries, heads, jobs"))
        return
    with contextlib.closing(store.engine.raw_connection()) as raw:
        for _ in range(_TRIES):
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy:
                return
            time.sleep(_PAUSE)
