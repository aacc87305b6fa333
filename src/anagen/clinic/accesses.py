"""The access log: who looked at or changed what, in a sealed chain, durable before the answer.

Lines that wait at the same time are written together, so that many readers cost one write.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from anagen.clinic import chain
from anagen.clinic.credentials import one_line
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, lock_chain, now, reading, writing
from anagen.clinic.tables import accesses as table
from anagen.clinic.tables import chains
from anagen.errors import InputError, Problem, StoreError

if TYPE_CHECKING:
    from sqlalchemy import Select

# Lines of one transaction: enough for all who wait, few enough to be quick.
_BATCH = 500
_MOST = 1000
# Largest number that a database counts to.
_LAST = 2**63 - 1

# Moves the end of the chain; made once, as every request about a person runs it.
_MOVE = (
    update(chains)
    .where(chains.c.name == chain.ACCESSES)
    .values(seq=bindparam("end"), digest=bindparam("seal"))
)


@dataclass(frozen=True)
class Access:
    """One line for the log.

    Parameters
    ----------
    account : name of who asked; None when nobody was signed in.
    token : id of the API token, when there was one.
    action : what was asked for, such as ``GET /api/v1/people/{number}``.
    person : number of the person it was about.
    outcome : status of the answer (HTTP); 0 for the command line.
    request : id of the request, as in the other logs.
    address : where it came from.
    """

    account: str | None
    token: str | None
    action: str
    person: str | None
    outcome: int
    request: str
    address: str


@dataclass(frozen=True)
class AccessSeen:
    """One line of the log, with its place in the chain and its time (ISO 8601, UTC).

    Parameters
    ----------
    seq, at : place in the chain, and when.
    account, token, action, person, outcome, request, address : see `Access`.
    """

    seq: int
    at: str
    account: str | None
    token: str | None
    action: str
    person: str | None
    outcome: int
    request: str
    address: str


class AccessLog:
    """Writes the access log with one thread of its own; close it to drain it.

    Parameters
    ----------
    store : open store; close it only afterwards.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._waiting: list[tuple[dict[str, Any], Future[None]]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name="access-log", daemon=True)
        self._thread.start()

    def record(self, access: Access) -> None:
        """Write one line; returns once it is durable.

        Raises
        ------
        StoreError
            When it could not be kept; then what was asked for must not be answered.
        """
        self.submit(access).result()

    def submit(self, access: Access) -> "Future[None]":
        """Have one line written; the future is done, or holds a `StoreError`, when it is settled.

        Raises
        ------
        StoreError
            When the log is closed.
        """
        row = _row(access)
        settled: Future[None] = Future()
        # Nobody may withdraw a line that is about to be written.
        settled.set_running_or_notify_cancel()
        with self._changed:
            if self._closed:
                raise StoreError("the access log is closed, so nothing was answered. Start again")
            row["at"] = now()
            self._waiting.append((row, settled))
            self._changed.notify()
        return settled

    def close(self) -> None:
        """Write what waits and end the thread; may be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            if not batch:
                return
            failure = self._failure_of([row for row, _ in batch])
            for _, settled in batch:
                if failure is None:
                    settled.set_result(None)
                else:
                    settled.set_exception(_for_one(failure))

    def _failure_of(self, rows: list[dict[str, Any]]) -> Exception | None:
        try:
            _write(self._store, rows)
        except Exception as error:  # whatever it is, those who wait must hear of it
            return error
        return None


def accesses(
    store: Store,
    actor: Actor,
    *,
    person: str | None = None,
    account: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[AccessSeen, ...]:
    """Part of the log in the order in which it was written.

    Parameters
    ----------
    store : open store.
    actor : with the permission ``audit:read``.
    person, account : only lines about this person, of this account.
    after : number of the last line already seen.
    limit : how many at most, 1 to 1000.

    Raises
    ------
    AccessError
        When the actor may not.
    InputError
        When the limit is out of bounds.
    """
    require(actor, "audit:read")
    if not 1 <= limit <= _MOST:
        raise InputError(
            Problem("limit", f"1 to {_MOST} lines", str(limit), "Ask for the rest with 'after'.")
        )
    query = select(table).where(table.c.seq > min(after, _LAST)).order_by(table.c.seq).limit(limit)
    return _seen(store, query, person, account)


def latest_accesses(
    store: Store,
    actor: Actor,
    *,
    person: str | None = None,
    account: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[AccessSeen, ...]:
    """Part of the log, the newest line first.

    Parameters
    ----------
    store : open store.
    actor : with the permission ``audit:read``; anybody for the lines of the own account.
    person, account : only lines about this person, of this account.
    before : number of the oldest line already seen.
    limit : how many at most.

    Raises
    ------
    AccessError
        When the actor may not.
    """
    if account != actor.account or person is not None:
        require(actor, "audit:read")
    query = select(table).order_by(table.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.seq < before)
    return _seen(store, query, person, account)


def _seen(
    store: Store, query: "Select[Any]", person: str | None, account: str | None
) -> tuple[AccessSeen, ...]:
    if person is not None:
        query = query.where(table.c.person == one_line(person, 64))
    if account is not None:
        query = query.where(table.c.account == one_line(account, 64))
    with reading(store) as connection:
        rows = connection.execute(query).all()
    return tuple(
        AccessSeen(row.seq, row.at, row.account, row.token, row.action, row.person, row.outcome,
                   row.request, row.address)
        for row in rows
    )  # fmt: skip


def _row(access: Access) -> dict[str, Any]:
    """Columns that every database keeps, whatever a request brought."""
    row: dict[str, Any] = {"outcome": int(access.outcome)}
    for name in ("account", "token", "action", "person", "request", "address"):
        value = getattr(access, name)
        most = getattr(table.c[name].type, "length", 0)
        row[name] = None if value is None else one_line(value, most)
    return row


def _write(store: Store, rows: Sequence[dict[str, Any]]) -> None:
    with writing(store) as connection:
        seq, digest = lock_chain(connection, chain.ACCESSES)
        sealed = []
        for row in rows:
            seq += 1
            numbered = {**row, "seq": seq}
            digest = chain.access_seal(store.keys, digest, numbered)
            sealed.append({**numbered, "digest": digest})
        connection.execute(insert(table), sealed)
        connection.execute(_MOVE, {"end": seq, "seal": digest})


def _for_one(failure: Exception) -> StoreError:
    """Error of one waiter: each needs its own, because raising an error changes it."""
    words = str(failure) if isinstance(failure, StoreError) else (
        f"the access log cannot be written ({type(failure).__name__}), so nothing was answered"
    )  # fmt: skip
    made = StoreError(words)
    made.__cause__ = failure
    return made
