"""Lines of the access log for reading, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select

from anagen.clinic.accesses import AccessSeen
from anagen.clinic.credentials import one_line
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import accesses as table


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


@dataclass(frozen=True)
class AccessGroup:
    """Lines of one request.

    Parameters
    ----------
    first : the newest of them; persons : numbers of all of them, each once.
    """

    first: AccessSeen
    persons: tuple[str, ...]


def by_request(lines: Sequence[AccessSeen]) -> tuple[AccessGroup, ...]:
    """Put the lines of one request together, which follow each other."""
    groups = (list(part) for _, part in groupby(lines, key=lambda line: line.request or line.seq))
    return tuple(
        AccessGroup(part[0], tuple(dict.fromkeys(one.person for one in part if one.person)))
        for part in groups
    )


# What a browser calls itself, and what people call it; the first that is found counts.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
             ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
            ("Mac OS X", "Mac"), ("Linux", "Linux"))  # fmt: skip
_LONGEST_AGENT = 60


def browser_words(agent: str) -> str:
    """Name the browser and the system of a sign-in, or what it called itself.

    Examples
    --------
    >>> browser_words("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox, Linux'
    """
    found = [
        next((name for mark, name in marks if mark in agent), "")
        for marks in (_BROWSERS, _SYSTEMS)
    ]  # fmt: skip
    return ", ".join(name for name in found if name) or agent[:_LONGEST_AGENT]
