"""Proving that the record is what was written: every seal, every text, every photograph.

Whoever changes a row behind the back of Anagen cannot make a seal that fits without the key file.
A database that was put back to an earlier state is whole in itself; only an *anchor*, the end of
the chain as an earlier check or backup told it, gives that away.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    type_coerce,
)

from anagen.clinic import chain, photographs
from anagen.clinic.documents import KINDS, Account
from anagen.clinic.entries import opened_text
from anagen.clinic.erase import erasures, mend, named_photographs
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.store import Store, key_mark, reading
from anagen.clinic.tables import accesses, accounts, chains, entries, heads
from anagen.errors import InputError, Problem, StoreError

# Rows in memory at a time, and problems told before it is enough.
_ROWS, _MOST = 1000, 1000
# A photograph is kept a moment before the record names it [s].
_SETTLED = 3600.0
_REMEDY = "Find out who changed the database, and bring the record back from a backup."


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Parameters
    ----------
    entries, people, photographs, accesses : how many were checked.
    end : end of the chain, ``SEQ:SEAL``; keep it elsewhere, as the anchor of later checks.
    problems : everything that is not as it was written; empty when the record is sound.
    """

    entries: int
    people: int
    photographs: int
    accesses: int
    end: str
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


@dataclass
class _Found:
    """Problems so far; after many of them the others are only counted."""

    problems: list[Problem] = field(default_factory=list)
    more: int = 0

    def add(self, place: str, expected: str, found: str, remedy: str = _REMEDY) -> None:
        if len(self.problems) < _MOST:
            self.problems.append(Problem(place, expected, found, remedy))
        else:
            self.more += 1

    def all(self) -> tuple[Problem, ...]:
        if not self.more:
            return tuple(self.problems)
        last = Problem("record", "no problems", f"{self.more} more than these", _REMEDY)
        return (*self.problems, last)


def verify(store: Store, *, anchor: str | None = None) -> Verdict:
    """Check the whole record against its seals; finishes erasures that were cut short.

    Parameters
    ----------
    store : open store; it may be in use.
    anchor : end of the chain at an earlier time, as a `Verdict` or a backup told it.

    Raises
    ------
    InputError
        When the anchor is not one.
    StoreError
        When the record cannot be read.
    """
    at = _read_anchor(anchor)
    found = _Found()
    with reading(store) as connection, _any_text(store, connection):
        _check_database(store, connection, found)
        ends = _ends(store, connection, found)
        counted, end = _check_entries(store, connection, at, found)
        _check_end(chain.ENTRIES, ends, end, found)
        _check_heads(connection, found)
        _check_versions(connection, found)
        lines, last = _check_accesses(store, connection, found)
        _check_end(chain.ACCESSES, ends, last, found)
        _check_accounts(store, connection, found)
        people = select(func.count()).select_from(heads).where(heads.c.kind == "person")
        persons = int(connection.execute(people).scalar_one())
        named = _named(connection, found)
    if not found.problems:
        mend(store)
    _check_photographs(store, named, found)
    return Verdict(counted, persons, len(named), lines, f"{end[0]}:{end[1]}", found.all())


def _read_anchor(anchor: str | None) -> tuple[int, str] | None:
    if anchor is None:
        return None
    number, _, seal = anchor.strip().partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and len(seal) == 64):
        raise InputError(
            Problem("anchor", "the end of a chain, NUMBER:SEAL, as an earlier check told it",
                    ascii(anchor)[:80], "Copy it whole.")
        )  # fmt: skip
    return int(number), seal


@contextmanager
def _any_text(store: Store, connection: Connection) -> Iterator[None]:
    """Read even text that is not Unicode, so that it is found and does not end the check."""
    raw: Any = connection.connection.dbapi_connection
    if not store.is_sqlite:
        yield
        return
    raw.text_factory = lambda data: data.decode(errors="surrogateescape")
    try:
        yield
    finally:
        raw.text_factory = str


def _check_database(store: Store, connection: Connection, found: _Found) -> None:
    """Ask SQLite whether its file and indices are whole; PostgreSQL has checksums of its own."""
    if store.is_sqlite:
        for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
            if line != "ok":
                found.add("database file", "a file as SQLite wrote it", str(line))


def _ends(store: Store, connection: Connection, found: _Found) -> dict[str, tuple[Any, Any]]:
    ends = {row.name: (row.seq, row.digest) for row in connection.execute(select(chains))}
    expected = {"key", chain.ENTRIES, chain.ACCESSES}
    if set(ends) != expected:
        found.add("chains", ", ".join(sorted(expected)), ", ".join(sorted(map(ascii, ends))))
    if ends.get("key") != (0, key_mark(store.keys)):
        found.add("chains: key", "the mark of this key", "another one")
    return ends


def _check_end(
    name: str, ends: dict[str, tuple[Any, Any]], end: tuple[int, Any], found: _Found
) -> None:
    if ends.get(name) != end:
        kept = ends.get(name, ("nothing", ""))
        found.add(f"chain of {name}", f"an end at number {kept[0]}, as was written last",
                  f"an end at number {end[0]} or another seal")  # fmt: skip


def _check_entries(
    store: Store, connection: Connection, anchor: tuple[int, str] | None, found: _Found
) -> tuple[int, tuple[int, Any]]:
    """Walk the chain; give how many entries there are, and its end."""
    gone = erasures(connection)
    columns = [column for column in entries.c if column.name != "retracted"]
    retracted = _as_kept(store, entries.c.retracted)
    query = select(*columns, retracted).order_by(entries.c.seq)
    counted, last, before = 0, 0, chain.FIRST
    stands = anchor is None or anchor == (0, chain.FIRST)
    for row in connection.execute(query.execution_options(yield_per=_ROWS)).mappings():
        counted += 1
        place = f"entry {row['seq']}"
        if _follows(place, row["seq"], last, found):
            values = {**row, "retracted": _truth(row["retracted"])}
            if _sealed(chain.entry_seal, store, before, values) != row["digest"]:
                found.add(place, "an entry that fits its seal", "one changed or moved")
            else:
                _check_text(store, row, gone, place, found)
        last, before = row["seq"], row["digest"]
        stands = stands or anchor == (last, before)
    if not stands and anchor is not None:
        found.add(
            f"entry {anchor[0]}", "the seal of the anchor",
            "another seal" if anchor[0] <= last else f"a chain that ends at {last}",
            "The record was put back to an earlier state or replaced; ask who did it.",
        )  # fmt: skip
    return counted, (last, before)


def _as_kept(store: Store, column: Any) -> Any:
    """Read a truth value as SQLite keeps it, before 2 and 1 become the same."""
    return type_coerce(column, Integer).label(column.name) if store.is_sqlite else column


def _truth(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


def _follows(place: str, seq: Any, last: Any, found: _Found) -> bool:
    if seq == last + 1:
        return True
    found.add(place, f"number {last + 1} of the chain next", f"number {seq}")
    return False


def _sealed(seal: Any, store: Store, before: Any, values: dict[str, Any]) -> str | None:
    """Seal of a row; None for values that nobody writes, such as bytes in a column of text."""
    try:
        return str(seal(store.keys, before, values))
    except (TypeError, ValueError):
        return None


def _check_text(store: Store, row: Any, gone: dict[str, int], place: str, found: _Found) -> None:
    """Check the text of an entry whose own seal is right."""
    body, erased_at = row["body"], gone.get(row["person"] or "", 0)
    to_be_erased = row["seq"] < erased_at
    if body is None:
        if not to_be_erased:
            found.add(place, "a text", "none, though nobody erased the person")
        return
    try:
        fits = chain.text_seal(store.keys, body) == row["body_digest"]
    except (AttributeError, UnicodeError):
        fits = False
    if not fits:
        found.add(place, "the text that was written", "another one")
    elif to_be_erased:
        found.add(place, "no text, since the person was erased", "the text",
                  "Somebody put it back; bring the record back from a newer backup.")  # fmt: skip
    else:
        _check_document(store, row, place, found)


def _check_document(store: Store, row: Any, place: str, found: _Found) -> None:
    kind = KINDS.get(row["kind"])
    if kind is None:
        found.add(place, "a kind of document that this release knows", ascii(row["kind"]),
                  "Check it with the release that wrote it.")  # fmt: skip
        return
    try:
        text = opened_text(store, row["kind"], row["id"], row["body"])
        kind.model.model_validate_json(text or "")
    except StoreError as error:
        found.add(place, "a text that this key opens", str(error))
    except ValueError as error:
        found.add(place, f"a {row['kind']} as this release knows it", _first_line(error),
                  "Check it with the release that wrote it.")  # fmt: skip


def _first_line(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return "something else"
    first = errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]


def _check_heads(connection: Connection, found: _Found) -> None:
    """Check that the heads are the last versions of what was not erased, and nothing else."""
    same = and_(*(heads.c[name].is_not_distinct_from(entries.c[name])
                  for name in ("kind", "id", "version", "person", "day", "retracted")))  # fmt: skip
    newer = entries.alias()
    later = exists().where(newer.c.kind == heads.c.kind, newer.c.id == heads.c.id,
                           newer.c.version > heads.c.version)  # fmt: skip
    wrong = (
        select(heads.c.kind, heads.c.id)
        .join_from(heads, entries, heads.c.seq == entries.c.seq, isouter=True)
        .where(or_(entries.c.seq.is_(None), ~same, later, entries.c.body.is_(None)))
    )
    for row in _rows(connection, wrong):
        found.add(f"head {row.kind} {row.id!a}", "the last version of a document", "another one")
    later = exists().where(newer.c.kind == entries.c.kind, newer.c.id == entries.c.id,
                           newer.c.version > entries.c.version)  # fmt: skip
    head = exists().where(heads.c.kind == entries.c.kind, heads.c.id == entries.c.id)
    lost = select(entries.c.kind, entries.c.id, entries.c.seq)
    for row in _rows(connection, lost.where(entries.c.body.is_not(None), ~later, ~head)):
        found.add(f"head {row.kind} {row.id!a}", "a head for its last version", "none")


def _check_versions(connection: Connection, found: _Found) -> None:
    count, most = func.count(), func.max(entries.c.version)
    owners = func.count(func.distinct(func.coalesce(entries.c.person, "")))
    query = (
        select(entries.c.kind, entries.c.id)
        .group_by(entries.c.kind, entries.c.id)
        .having(or_(count != most, func.min(entries.c.version) != 1, owners != 1))
    )
    for row in _rows(connection, query):
        found.add(f"{row.kind} {row.id!a}", "versions 1, 2, 3 ... of one person",
                  "versions missing, or of several")  # fmt: skip


def _check_accesses(
    store: Store, connection: Connection, found: _Found
) -> tuple[int, tuple[int, Any]]:
    counted, last, before = 0, 0, chain.FIRST
    query = select(accesses).order_by(accesses.c.seq)
    for row in connection.execute(query.execution_options(yield_per=_ROWS)).mappings():
        counted += 1
        place = f"access {row['seq']}"
        fits = _follows(place, row["seq"], last, found)
        if fits and _sealed(chain.access_seal, store, before, dict(row)) != row["digest"]:
            found.add(place, "a line that fits its seal", "one changed or moved")
        last, before = row["seq"], row["digest"]
    return counted, (last, before)


def _check_accounts(store: Store, connection: Connection, found: _Found) -> None:
    """Check that what accounts may do is what the chain says was given to them."""
    query = select(entries.c.id, entries.c.body).join_from(
        heads, entries, heads.c.seq == entries.c.seq
    )
    sealed: dict[str, tuple[str, Any]] = {}
    for row in _rows(connection, query.where(heads.c.kind == "account")):
        try:
            document = Account.model_validate_json(row.body)
        except (ValueError, TypeError):
            continue  # told of with its entry
        sealed[row.id] = (" ".join(document.roles), document.disabled)
    disabled = _as_kept(store, accounts.c.disabled)
    kept = {
        row.name: (row.roles, _truth(row.disabled))
        for row in connection.execute(select(accounts.c.name, accounts.c.roles, disabled))
    }
    for name in sorted({*sealed, *kept}, key=str):
        if sealed.get(name) != kept.get(name):
            found.add(f"account {name!a}", "roles and state as the chain says", "others")


def _named(connection: Connection, found: _Found) -> set[str]:
    try:
        return set(named_photographs(connection))
    except (ValueError, KeyError, TypeError):
        found.add("photographs", "texts that name them", "some that cannot be read")
        return set()


def _check_photographs(store: Store, named: set[str], found: _Found) -> None:
    """Check that each photograph is there, unchanged, and that none is there besides."""
    files = PhotographStore(store.places.photographs)
    for sha256 in sorted(named):
        try:
            photographs.content(files, sha256)
        except (InputError, StoreError) as error:
            found.add(f"photograph {sha256}", "the file that was kept", str(error),
                      "Bring it back from a backup.")  # fmt: skip
    for sha256 in photographs.every(files):
        if sha256 not in named and _is_settled(store, sha256):
            found.add(f"photograph {sha256}", "one that the record names", "one that it does not",
                      "Somebody put it there, or an upload broke off; delete it.")  # fmt: skip


def _is_settled(store: Store, sha256: str) -> bool:
    try:
        changed = (store.places.photographs / sha256[:2] / sha256).stat().st_mtime
    except FileNotFoundError:
        return False
    return time.time() - changed > _SETTLED


def _rows(connection: Connection, query: Select[Any]) -> Any:
    return connection.execute(query.execution_options(yield_per=_ROWS))
