"""Reading and writing versions: the only place where ``entries`` and ``heads`` are written."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from anagen.clinic import chain
from anagen.clinic.documents import KINDS, Kind
from anagen.clinic.keys import decrypt, encrypt
from anagen.clinic.store import Store, lock_chain, now
from anagen.clinic.tables import chains, entries, heads
from anagen.errors import InputError, NotFoundError, Problem, StaleError

_ID_BYTES = 8
_SEALED = "sealed"


@dataclass(frozen=True)
class Entry:
    """One version of one document.

    Parameters
    ----------
    kind, id, version : which.
    person : number of the person it belongs to; None for what belongs to the clinic.
    seq : its place in the chain.
    at, author, reason : when it was written (ISO 8601, UTC), by whom and why.
    retracted : whether it was taken back as entered in error.
    day : the day it is about (ISO 8601).
    text : the document as JSON; None after an erasure.
    """

    kind: str
    id: str
    version: int
    person: str | None
    seq: int
    at: str
    author: str
    reason: str
    retracted: bool
    day: str | None
    text: str | None

    @property
    def document(self) -> Any:
        """The document as its model."""
        if self.text is None:
            raise NotFoundError(f"{self.kind} {self.id}: was erased")
        return KINDS[self.kind].model.model_validate_json(self.text)


@dataclass(frozen=True)
class Page:
    """A part of a list.

    Parameters
    ----------
    items : in the order of the list.
    next : where the next part begins; None at the end.
    """

    items: tuple[Entry, ...]
    next: tuple[str, str] | None = None


def new_id() -> str:
    """Draw an id that nobody guesses: 16 hexadecimal digits."""
    return secrets.token_hex(_ID_BYTES)


def document_text(document: BaseModel) -> str:
    """Text of a document as it is kept: fields in the order of the model, without those missing."""
    data = document.model_dump(mode="json", exclude_none=True)
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def put(
    store: Store,
    connection: Connection,
    kind: str,
    key: str,
    document: BaseModel,
    *,
    person: str | None,
    author: str,
    reason: str = "",
    expected: int | None = 0,
    retracted: bool = False,
) -> Entry:
    """Write a new version, inside a transaction of `anagen.clinic.store.writing`.

    Parameters
    ----------
    store, connection : open store, and the transaction.
    kind, key : which document.
    document : what it is now, of the model of its kind.
    person : number of its person; None for what belongs to the clinic.
    author : name of the account that answers for it.
    reason : why; needed from the second version on.
    expected : version that the change is based on, 0 for a new one; None for whichever stands.
    retracted : whether it is taken back.

    Raises
    ------
    StaleError
        When another version stands than expected.
    InputError
        When a change has no reason.
    NotFoundError
        When a version is expected of something that is not there, or belongs to somebody else.
    """
    seq, before = lock_chain(connection, chain.ENTRIES)
    standing = _standing(connection, kind, key)
    version = _next_version(standing, kind, key, person, expected)
    if version > 1 and not reason.strip():
        raise InputError(
            Problem("reason", "why it is changed, in words", "nothing", "Say why it is changed.")
        )
    definition = KINDS[kind]
    text = document_text(document)
    day = definition.day(document)
    kept = _keep(store, definition, key, text)
    row: dict[str, Any] = {
        "seq": seq + 1, "kind": kind, "id": key, "version": version, "person": person,
        "at": now(), "author": author, "reason": reason.strip(), "retracted": retracted,
        "day": day.isoformat() if day else None, "body_digest": chain.text_seal(store.keys, kept),
    }  # fmt: skip
    digest = chain.entry_seal(store.keys, before, row)
    connection.execute(insert(entries).values(**row, body=kept, digest=digest))
    _move_head(connection, row, new=standing is None)
    connection.execute(
        update(chains).where(chains.c.name == chain.ENTRIES).values(seq=seq + 1, digest=digest)
    )
    return Entry(
        kind, key, version, person, seq + 1, row["at"], author, row["reason"], retracted,
        row["day"], text,
    )  # fmt: skip


def head(
    store: Store,
    connection: Connection,
    kind: str,
    key: str,
    person: str | None = None,
) -> Entry:
    """Version that stands of a document.

    Raises
    ------
    NotFoundError
        When there is none, or it belongs to another person.
    """
    row = connection.execute(_query_of_head(), {"which": kind, "key": key}).one_or_none()
    if row is None or (person is not None and row.person != person):
        raise NotFoundError(f"{kind} {key}: the record holds no such thing")
    return _entry(store, row)


def versions(
    store: Store,
    connection: Connection,
    kind: str,
    key: str,
    person: str | None = None,
) -> tuple[Entry, ...]:
    """Every version of a document, the first one first.

    Raises
    ------
    NotFoundError
        When there is none, or it belongs to another person.
    """
    query = select(entries).where(entries.c.kind == kind, entries.c.id == key)
    rows = connection.execute(query.order_by(entries.c.version)).all()
    if not rows or (person is not None and rows[0].person != person):
        raise NotFoundError(f"{kind} {key}: the record holds no such thing")
    return tuple(_entry(store, row) for row in rows)


def of_person(
    store: Store,
    connection: Connection,
    person: str,
    kinds: Sequence[str] | None = None,
    *,
    retracted: bool = False,
) -> tuple[Entry, ...]:
    """Read what stands of one person, by kind and day.

    Parameters
    ----------
    store, connection : open store, and the transaction.
    person : number.
    kinds : which kinds; all of them when None.
    retracted : whether what was taken back is given too.
    """
    query = _query_of_person(None if kinds is None else tuple(kinds), retracted=retracted)
    rows = connection.execute(query, {"wanted": person}).all()
    return tuple(_entry(store, row) for row in rows)


def page(
    store: Store,
    connection: Connection,
    kind: str,
    *,
    person: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 50,
    first_day: str | None = None,
    last_day: str | None = None,
    retracted: bool = False,
) -> Page:
    """Part of the list of one kind, by day and id.

    Parameters
    ----------
    store, connection : open store, and the transaction.
    kind : which.
    person : of one person only.
    after : day and id of the last one already seen.
    limit : how many at most.
    first_day, last_day : bounds of the day (ISO 8601), both included.
    retracted : whether what was taken back is given too.
    """
    day = func.coalesce(heads.c.day, "")
    query = _heads().where(heads.c.kind == kind)
    if person is not None:
        query = query.where(heads.c.person == person)
    if first_day is not None:
        query = query.where(heads.c.day >= first_day)
    if last_day is not None:
        query = query.where(heads.c.day <= last_day)
    if not retracted:
        query = query.where(heads.c.retracted.is_(False))
    if after is not None:
        query = query.where((day > after[0]) | ((day == after[0]) & (heads.c.id > after[1])))
    rows = connection.execute(query.order_by(day, heads.c.id).limit(limit + 1)).all()
    items = tuple(_entry(store, row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(items, (items[-1].day or "", items[-1].id) if more else None)


def person_exists(connection: Connection, person: str) -> bool:
    """Whether a person of this number stands in the record."""
    return connection.execute(_query_of_number(), {"wanted": person}).first() is not None


def opened_text(store: Store, kind: str, key: str, kept: str | None) -> str | None:
    """Text of a document from what is kept of it: decrypted where it is sealed."""
    if kept is None or not KINDS[kind].sealed:
        return kept
    return decrypt(store.keys, kind, f"{kind}/{key}", json.loads(kept)[_SEALED])


def _keep(store: Store, kind: Kind, key: str, text: str) -> str:
    if not kind.sealed:
        return text
    return json.dumps({_SEALED: encrypt(store.keys, kind.name, f"{kind.name}/{key}", text)})


# The statements of every request are made once: making one costs as much as running it.
@lru_cache(maxsize=64)
def _query_of_person(kinds: tuple[str, ...] | None, *, retracted: bool) -> Select[Any]:
    query = _heads().where(heads.c.person == bindparam("wanted"))
    if kinds is not None:
        query = query.where(heads.c.kind.in_(kinds))
    if not retracted:
        query = query.where(heads.c.retracted.is_(False))
    return query.order_by(heads.c.kind, heads.c.day, heads.c.id)


@lru_cache(maxsize=1)
def _query_of_head() -> Select[Any]:
    return _heads().where(heads.c.kind == bindparam("which"), heads.c.id == bindparam("key"))


@lru_cache(maxsize=1)
def _query_of_number() -> Select[Any]:
    return select(heads.c.id).where(heads.c.kind == "person", heads.c.id == bindparam("wanted"))


def _heads() -> Select[Any]:
    return select(entries).join_from(heads, entries, heads.c.seq == entries.c.seq)


def _entry(store: Store, row: Row[Any]) -> Entry:
    return Entry(
        row.kind, row.id, row.version, row.person, row.seq, row.at, row.author, row.reason,
        bool(row.retracted), row.day, opened_text(store, row.kind, row.id, row.body),
    )  # fmt: skip


def _standing(connection: Connection, kind: str, key: str) -> Row[Any] | None:
    query = select(heads).where(heads.c.kind == kind, heads.c.id == key)
    return connection.execute(query).one_or_none()


def _next_version(
    standing: Row[Any] | None,
    kind: str,
    key: str,
    person: str | None,
    expected: int | None,
) -> int:
    found = 0 if standing is None else int(standing.version)
    if standing is not None and standing.person != person:
        raise NotFoundError(f"{kind} {key}: the record of {person} holds no such thing")
    if standing is None and expected:
        raise NotFoundError(f"{kind} {key}: the record holds no such thing")
    if expected is not None and expected != found:
        raise StaleError(
            f"{kind} {key}: expected version {expected or 'none'} to stand, found version {found}. "
            "Read it again and repeat the change",
            found,
        )
    return found + 1


def _move_head(connection: Connection, row: Mapping[str, Any], *, new: bool) -> None:
    values = {name: row[name] for name in ("version", "seq", "person", "day", "retracted")}
    if new:
        try:
            connection.execute(insert(heads).values(kind=row["kind"], id=row["id"], **values))
        except IntegrityError as error:
            raise StaleError(f"{row['kind']} {row['id']}: exists already", 1) from error
        return
    where = (heads.c.kind == row["kind"]) & (heads.c.id == row["id"])
    connection.execute(update(heads).where(where).values(**values))
