"""Signing in with name and password, and knowing later who it was.

Wrong name, wrong password and disabled account look the same and cost the same time.
"""

import contextlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from anagen.clinic import chain
from anagen.clinic.accounts import (
    account_row,
    actor_from,
    find_row,
    has_second_factor,
    is_own,
    note_change,
    require_own_or_manager,
    revoke_all,
)
from anagen.clinic.credentials import digest_of, encoded, later, new_secret, one_line
from anagen.clinic.entries import new_id
from anagen.clinic.passwords import hash_password, needs_rehash, verify_password
from anagen.clinic.permissions import Actor
from anagen.clinic.second_factor import use_code
from anagen.clinic.store import Store, lock_chain, now, reading, writing
from anagen.clinic.tables import accounts as accounts_table
from anagen.clinic.tables import sign_ins as table
from anagen.clinic.throttling import (
    account_key,
    address_key,
    begin_attempt,
    forgive,
    take_back,
)
from anagen.errors import AccessError, NotFoundError, SecondFactorError, StoreError

# A workplace left alone closes after half an hour, and each working day begins with a sign-in.
IDLE_S, ABSOLUTE_S = 30 * 60, 12 * 3600
# Reading writes down that somebody is there at most so often.
_SEEN_EVERY_S = 60
_LONGEST_ADDRESS, _LONGEST_AGENT, _LONGEST_NAME = 64, 200, 64
_PURPOSE = "sign-in"
_REFUSED = "name or password is wrong, or the account is disabled. Type both again"
_ENDED = "expected somebody who is signed in, found nobody. Sign in"


@dataclass(frozen=True)
class SignedIn:
    """A new sign-in.

    Parameters
    ----------
    secret : for the cookie; kept nowhere.
    id : by which it is shown and revoked.
    expires : when it ends at the latest (ISO 8601, UTC).
    actor : who it is.
    """

    secret: str = field(repr=False)
    id: str
    expires: str
    actor: Actor


@dataclass(frozen=True)
class SignInSeen:
    """A sign-in that holds, as it is shown.

    Parameters
    ----------
    id : by which it is revoked.
    account : whose.
    created, seen, expires : when it began, was last used, and ends at the latest.
    address, agent : from where and with what.
    current : whether it is the one that asks.
    """

    id: str
    account: str
    created: str
    seen: str
    expires: str
    address: str
    agent: str
    current: bool


def sign_in(
    store: Store,
    name: str,
    password: str,
    code: str | None = None,
    *,
    address: str,
    agent: str,
) -> SignedIn:
    """Sign somebody in.

    Parameters
    ----------
    store : open store.
    name, password : as typed.
    code : of the second factor, where the account has one.
    address : where the request came from.
    agent : program that asks.

    Raises
    ------
    ThrottledError
        After too many failures; nothing was tried.
    SecondFactorError
        When name and password are right, and the code is missing or wrong.
    AccessError
        When name or password is wrong or the account is disabled.
    """
    who = name[: 2 * _LONGEST_NAME].strip().lower()
    attempt = begin_attempt(store, account_key(store, who), address_key(store, address))
    with reading(store) as connection:
        row = find_row(connection, who)
    right = verify_password(None if row is None else row.password, password)
    if row is None or not right or row.disabled:
        raise AccessError(_REFUSED, signed_in=False)
    if has_second_factor(row.totp) and not code:
        with writing(store) as connection:
            take_back(connection, attempt)
        raise SecondFactorError("expected the code of the second factor, found none", missing=True)
    renewed = hash_password(password) if needs_rehash(row.password) else None
    with writing(store) as connection:
        forgive(connection, attempt)
        _require_unchanged(store, connection, row, code)
        if renewed is not None:
            mine = accounts_table.c.name == row.name
            connection.execute(update(accounts_table).where(mine).values(password=renewed))
        return _begin(store, connection, row, address, agent)


def actor_of_sign_in(store: Store, secret: str) -> Actor:
    """Tell who a secret belongs to.

    Raises
    ------
    AccessError
        When it belongs to nobody, has expired or was revoked, or the account is disabled.
    """
    digest = digest_of(store.keys, _PURPOSE, secret)
    query = (
        select(table, accounts_table.c.roles)
        .join(accounts_table, accounts_table.c.name == table.c.account)
        .where(table.c.digest == digest, *_holds(now()), accounts_table.c.disabled.is_(False))
    )
    with reading(store) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise AccessError(_ENDED, signed_in=False)
    _note_seen(store, row)
    return actor_from(row.account, row, sign_in=row.id, address=row.address)


def csrf_token(store: Store, secret: str) -> str:
    """Give the word that a form of this sign-in must carry; other sites cannot know it."""
    return digest_of(store.keys, "csrf", secret)


def check_csrf(store: Store, secret: str, token: str) -> None:
    """Refuse a form without the right word.

    Raises
    ------
    AccessError
        When it is another one.
    """
    if not hmac.compare_digest(encoded(csrf_token(store, secret)), encoded(token[:128])):
        raise AccessError("expected a form of this page, found another. Load the page again")


def sign_out(store: Store, secret: str) -> None:
    """End a sign-in; one that has ended already stays so."""
    digest = digest_of(store.keys, _PURPOSE, secret)
    with writing(store) as connection:
        connection.execute(update(table).where(table.c.digest == digest).values(revoked=True))


def sign_ins(store: Store, actor: Actor, name: str) -> tuple[SignInSeen, ...]:
    """Sign-ins of an account that hold, the last one first.

    Raises
    ------
    AccessError
        When it is neither the actor's own account nor one that the actor keeps.
    """
    require_own_or_manager(actor, name)
    query = select(table).where(table.c.account == name, *_holds(now()))
    with reading(store) as connection:
        account_row(connection, name)
        rows = connection.execute(query.order_by(table.c.created.desc(), table.c.id)).all()
    return tuple(
        SignInSeen(row.id, row.account, row.created, row.seen, row.expires, row.address, row.agent,
                   row.id == actor.sign_in)
        for row in rows
    )  # fmt: skip


def revoke_sign_in(store: Store, actor: Actor, key: str) -> None:
    """End a sign-in, one's own or, with the permission ``accounts:manage``, any.

    Raises
    ------
    NotFoundError
        When there is none that the actor may end.
    """
    shown = one_line(key, 64)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        row = connection.execute(select(table).where(table.c.id == shown)).one_or_none()
        if row is None or not _may_end(actor, row.account):
            raise NotFoundError(f"sign-in {shown!r}: there is none of this id")
        connection.execute(update(table).where(table.c.id == shown).values(revoked=True))
        if not is_own(actor, row.account) and not row.revoked:
            note_change(store, connection, actor, row.account, "one sign-in ended")


def revoke_sign_ins(store: Store, actor: Actor, name: str) -> int:
    """End all sign-ins of an account but the one that asks; gives how many ended.

    Raises
    ------
    AccessError, NotFoundError
        When the actor may not, or there is no such account.
    """
    require_own_or_manager(actor, name)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        account_row(connection, name)
        ended = revoke_all(connection, name, but=actor.sign_in)
        if ended:
            note_change(store, connection, actor, name, "all sign-ins ended")
    return ended


def _require_unchanged(
    store: Store, connection: Connection, row: Row[Any], code: str | None
) -> None:
    """Refuse when the account was changed while the password was hashed, or the code is wrong."""
    current = find_row(connection, row.name, lock=True)
    if current is None or current.disabled or current.password != row.password:
        raise AccessError(_REFUSED, signed_in=False)
    if has_second_factor(current.totp) and not use_code(store, connection, current, code or ""):
        raise SecondFactorError(
            "expected the six digits that the app shows now, found others or some that were used. "
            "Type the next ones", missing=False,
        )  # fmt: skip


def _begin(
    store: Store, connection: Connection, row: Row[Any], address: str, agent: str
) -> SignedIn:
    at = now()
    secret, key = new_secret(), new_id()
    place = one_line(address, _LONGEST_ADDRESS)
    mine = table.c.account == row.name
    connection.execute(delete(table).where(mine, table.c.expires < at))
    connection.execute(
        insert(table).values(
            digest=digest_of(store.keys, _PURPOSE, secret), id=key, account=row.name, created=at,
            seen=at, expires=later(at, ABSOLUTE_S), revoked=False, address=place,
            agent=one_line(agent, _LONGEST_AGENT),
        )
    )  # fmt: skip
    actor = actor_from(row.name, row, sign_in=key, address=place)
    return SignedIn(secret, key, later(at, ABSOLUTE_S), actor)


def _holds(at: str) -> Sequence[Any]:
    return (
        table.c.revoked.is_(False),
        table.c.expires > at,
        table.c.seen > later(at, -IDLE_S),
    )


def _note_seen(store: Store, row: Row[Any]) -> None:
    at = now()
    due = later(at, -_SEEN_EVERY_S)
    if row.seen >= due:
        return
    # On a full disk reading goes on; only the time of the last use is then not noted.
    with contextlib.suppress(StoreError), writing(store) as connection:
        mine = (table.c.digest == row.digest) & (table.c.seen < due)
        connection.execute(update(table).where(mine).values(seen=at))


def _may_end(actor: Actor, name: str) -> bool:
    return is_own(actor, name) or "accounts:manage" in actor.permissions
