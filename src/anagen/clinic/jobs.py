"""Jobs: long work that was asked for, how far it is, and what came of it.

Nothing is computed here. What a job was asked and what it answers is about a person, so it is
encrypted, seen only by the account that asked, and goes with the person or after a week.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from anagen.clinic.entries import new_id, person_exists
from anagen.clinic.keys import decrypt, encrypt
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, now, reading, writing
from anagen.clinic.tables import jobs as table
from anagen.errors import BusyError, InputError, NotFoundError, Problem

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
ACTIVE: tuple[JobState, ...] = ("queued", "running")

# A job whose worker or server died is begun once more, and then given up.
MOST_ATTEMPTS = 2

# Enough for what a person looks at, small enough that one account cannot fill the queue.
MOST_OWN, MOST_ALL = 20, 100
KEPT_DAYS = 7
MOST_LISTED = 200
_RETRY_SECONDS = 10
_TEXT_BYTES = 16_000_000

_CRASHED = (
    '{"cause": "crash", "detail": "The computation ended twice without an answer. '
    'Ask for less, for example fewer weeks or plans; the log of the server says more."}'
)


@dataclass(frozen=True)
class Job:
    """Work that was asked for.

    Parameters
    ----------
    id, kind : which, and of what kind.
    person : number of the person it is about, if any; account : who asked.
    state : queued, running, done, failed or cancelled.
    created, started, finished : times, UTC.
    done, total : how far it is; total 0 while nobody knows.
    attempts : how often it was begun.
    request, result, problem : JSON texts; in lists the request is empty and the result None.
    """

    id: str
    kind: str
    person: str | None
    account: str
    state: JobState
    created: str
    started: str | None
    finished: str | None
    done: int
    total: int
    attempts: int
    request: str
    result: str | None
    problem: str | None

    @property
    def active(self) -> bool:
        """Whether it is still to come or under way."""
        return self.state in ACTIVE


def add_job(
    store: Store,
    actor: Actor,
    kind: str,
    person: str | None,
    request_text: str,
    *,
    most_own: int = MOST_OWN,
    most_all: int = MOST_ALL,
) -> Job:
    """Queue a job.

    Parameters
    ----------
    store : open store; actor : who asks.
    kind : of job; person : number of the person it is about, if any.
    request_text : JSON of what is asked.
    most_own, most_all : jobs queued or running of one account, and of all.

    Raises
    ------
    AccessError
        When the actor may not compute.
    BusyError
        When too many are queued.
    InputError
        When the request is too long to keep.
    NotFoundError
        When there is no such person, for example erased a moment ago.
    """
    require(actor, "compute")
    if len(request_text.encode()) > _TEXT_BYTES:
        raise InputError(
            Problem("request", f"at most {_TEXT_BYTES // 1_000_000} MB", "more",
                    "Leave out what the computation does not need.")
        )  # fmt: skip
    job = Job(new_id(), kind, person, actor.account, "queued", now(), None, None, 0, 0, 0,
              request_text, None, None)  # fmt: skip
    row = {**vars(job), "request": _sealed(store, job.id, "request", request_text)}
    with writing(store) as connection:
        if person is not None and not person_exists(connection, person):
            raise NotFoundError(f"person {person}: the record holds nobody of that number")
        own = _count(connection, table.c.account == actor.account)
        if own >= most_own:
            raise BusyError(
                f"expected at most {most_own} unfinished jobs of one account, found {own}. "
                "Wait for one, or cancel one", _RETRY_SECONDS,
            )  # fmt: skip
        every = _count(connection)
        if every >= most_all:
            raise BusyError(
                f"expected at most {most_all} unfinished jobs, found {every}. Wait a little",
                _RETRY_SECONDS,
            )
        connection.execute(insert(table).values(**row))
    return job


def job(store: Store, actor: Actor, key: str) -> Job:
    """Give one's own job, with request and result.

    Raises
    ------
    NotFoundError
        When there is none of that id, or it is somebody else's.
    """
    require(actor, "compute")
    with reading(store) as connection:
        row = connection.execute(select(table).where(_own(actor, key))).one_or_none()
    if row is None:
        raise NotFoundError(f"job {key}: there is none of yours by that id")
    return _whole(store, row)


def jobs(
    store: Store, actor: Actor, *, after: str | None = None, limit: int = 50
) -> tuple[Job, ...]:
    """List one's own jobs, the newest first, without requests and results.

    Parameters
    ----------
    store : open store; actor : who asks.
    after : id of the last job of the page before; None for the first page.
    limit : how many at most, up to 200.
    """
    require(actor, "compute")
    left_out = ("request", "result")
    columns = [column for column in table.c if column.name not in left_out]
    wanted = [table.c.account == actor.account]
    with reading(store) as connection:
        if after is not None:
            last = connection.execute(
                select(table.c.created, table.c.id).where(_own(actor, after))
            ).one_or_none()
            if last is None:
                return ()
            wanted.append(
                or_(table.c.created < last.created,
                    and_(table.c.created == last.created, table.c.id < last.id))
            )  # fmt: skip
        rows = connection.execute(
            select(*columns)
            .where(*wanted)
            .order_by(table.c.created.desc(), table.c.id.desc())
            .limit(max(1, min(limit, MOST_LISTED)))
        ).all()
    return tuple(
        Job(**{**row._asdict(), "request": "", "result": None,
               "problem": _opened(store, row.id, "problem", row.problem)})
        for row in rows
    )  # fmt: skip


def queued(store: Store) -> tuple[Job, ...]:
    """Give the jobs that wait, the oldest first, without requests."""
    columns = [column for column in table.c if column.name not in ("request", "result", "problem")]
    with reading(store) as connection:
        rows = connection.execute(
            select(*columns)
            .where(table.c.state == "queued")
            .order_by(table.c.created, table.c.id)
        ).all()  # fmt: skip
    return tuple(
        Job(**{**row._asdict(), "request": "", "result": None, "problem": None}) for row in rows
    )


def start(store: Store, key: str) -> Job | None:
    """Mark a queued job as running; None when it waits no longer."""
    with writing(store) as connection:
        found = connection.execute(
            update(table)
            .where(table.c.id == key, table.c.state == "queued")
            .values(state="running", started=now(), attempts=table.c.attempts + 1, done=0, total=0)
        )
        if found.rowcount == 0:
            return None
        row = connection.execute(select(table).where(table.c.id == key)).one()
    return _whole(store, row)


def progress(store: Store, key: str, done: int, total: int) -> bool:
    """Note how far a running job is; tell whether it still runs."""
    return _leave(store, key, ("running",), done=done, total=total)


def finish(store: Store, key: str, result_text: str) -> bool:
    """Keep the answer of a running job; tell whether it was still wanted."""
    result = _sealed(store, key, "result", result_text)
    return _leave(store, key, ("running",), state="done", finished=now(), result=result)


def fail(store: Store, key: str, problem_text: str) -> bool:
    """Note why a job came to nothing; tell whether it was still wanted."""
    problem = _sealed(store, key, "problem", problem_text)
    return _leave(store, key, ACTIVE, state="failed", finished=now(), problem=problem)


def retry(store: Store, key: str) -> bool:
    """Queue a job again whose worker ended; give it up when that was the last attempt.

    Returns
    -------
    bool
        Whether it is queued again.
    """
    with writing(store) as connection:
        return _again(store, connection, [key]) == (key,)


def give_back(store: Store, key: str) -> bool:
    """Queue a running job again as if it had not begun, because the server ends in order."""
    return _leave(store, key, ("running",), state="queued", started=None, done=0, total=0,
                  attempts=table.c.attempts - 1)  # fmt: skip


def cancel(store: Store, actor: Actor, key: str) -> Job:
    """Cancel one's own job; one that is over stays as it is.

    Raises
    ------
    NotFoundError
        When there is none of that id, or it is somebody else's.
    """
    job(store, actor, key)
    _leave(store, key, ACTIVE, state="cancelled", finished=now())
    return job(store, actor, key)


def recover(store: Store) -> tuple[str, ...]:
    """Queue what ran when the server ended, and give up what did so twice.

    Only for a server that begins: what another one computes now would be computed again.

    Returns
    -------
    tuple of str
        Ids of all jobs that wait, the oldest first.
    """
    with writing(store) as connection:
        keys = connection.execute(select(table.c.id).where(table.c.state == "running")).scalars()
        _again(store, connection, list(keys))
    return tuple(one.id for one in queued(store))


def tidy(store: Store, *, days: float = KEPT_DAYS) -> int:
    """Remove jobs that are over since so many days; tell how many.

    Parameters
    ----------
    store : open store; days : how long answers are kept.
    """
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
    with writing(store) as connection:
        found = connection.execute(
            delete(table).where(table.c.state.not_in(ACTIVE), table.c.finished < before)
        )
    return int(found.rowcount)


def _again(store: Store, connection: Connection, keys: Iterable[str]) -> tuple[str, ...]:
    """Queue running jobs again that have an attempt left, and fail the others."""
    kept = []
    for key in keys:
        mine = and_(table.c.id == key, table.c.state == "running")
        found = connection.execute(
            update(table).where(mine, table.c.attempts < MOST_ATTEMPTS)
            .values(state="queued", started=None, done=0, total=0)
        )  # fmt: skip
        if found.rowcount:
            kept.append(key)
            continue
        problem = _sealed(store, key, "problem", _CRASHED)
        connection.execute(
            update(table).where(mine).values(state="failed", finished=now(), problem=problem)
        )
    return tuple(kept)


def _leave(store: Store, key: str, states: tuple[JobState, ...], **values: Any) -> bool:
    """Change a job that is in one of some states; tell whether it was."""
    with writing(store) as connection:
        found = connection.execute(
            update(table).where(table.c.id == key, table.c.state.in_(states)).values(**values)
        )
    return bool(found.rowcount)


def _count(connection: Connection, *wanted: Any) -> int:
    return int(
        connection.execute(
            select(func.count()).select_from(table).where(table.c.state.in_(ACTIVE), *wanted)
        ).scalar_one()
    )


def _own(actor: Actor, key: str) -> Any:
    return and_(table.c.id == key, table.c.account == actor.account)


def _whole(store: Store, row: Row[Any]) -> Job:
    texts = {
        name: _opened(store, row.id, name, getattr(row, name))
        for name in ("request", "result", "problem")
    }
    return Job(**{**row._asdict(), **texts})


def _sealed(store: Store, key: str, part: str, text: str) -> str:
    return encrypt(store.keys, "job", f"job/{key}/{part}", text)


def _opened(store: Store, key: str, part: str, sealed: str | None) -> str | None:
    return None if sealed is None else decrypt(store.keys, "job", f"job/{key}/{part}", sealed)
