"""Lines of the access log for reading, the newest first."""

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
