"""API tokens: shown once, for some of what their account may do, for a limited time."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from anagen.clinic import chain
from anagen.clinic.accounts import (
    account_row,
    actor_from,
    is_own,
    note_change,
    require_own_or_manager,
    roles_of,
)
from anagen.clinic.credentials import digest_of, later, new_secret, one_line
from anagen.clinic.entries import new_id
from anagen.clinic.permissions import PERMISSIONS, Actor, Permission, permissions_of
from anagen.clinic.store import Store, lock_chain, now, reading, writing
from anagen.clinic.tables import accounts as accounts_table
from anagen.clinic.tables import tokens as table
from anagen.errors import AccessError, InputError, NotFoundError, Problem, StoreError

# Tells people and scanners of leaked secrets what it is.
PREFIX = "anagen_"
LONGEST_DAYS = 366
_LONGEST_LABEL = 200
_DAY_S = 86_400
_SEEN_EVERY_S = 60
_PURPOSE = "token"

# Made once: every request with a token runs it.
_HOLDING = (
    select(table, accounts_table.c.roles)
    .join(accounts_table, accounts_table.c.name == table.c.account)
    .where(
        table.c.digest == bindparam("given"),
        table.c.revoked.is_(False),
        table.c.expires > bindparam("at"),
        accounts_table.c.disabled.is_(False),
    )
)


@dataclass(frozen=True)
class TokenSeen:
    """A token as it is shown; never its secret.

    Parameters
    ----------
    id : by which it is revoked.
    account : for which it acts.
    label : what it is for.
    scopes : what it may do at most.
    created, expires : when it was made and ends (ISO 8601, UTC).
    seen : when it was last used; None when never.
    revoked : whether it was ended.
    """

    id: str
    account: str
    label: str
    scopes: tuple[Permission, ...]
    created: str
    expires: str
    seen: str | None
    revoked: bool


@dataclass(frozen=True)
class MadeToken:
    """A new token.

    Parameters
    ----------
    secret : to be shown once; kept nowhere.
    token : what is kept.
    """

    secret: str = field(repr=False)
    token: TokenSeen


def make_token(
    store: Store,
    actor: Actor,
    label: str,
    scopes: Sequence[str],
    days: int,
    *,
    account: str | None = None,
) -> MadeToken:
    """Make a token.

    Parameters
    ----------
    store : open store.
    actor : signed in; a token makes no tokens.
    label : what it is for.
    scopes : permissions, each among those of the account.
    days : how long it holds, 1 to 366.
    account : for which it acts; the actor's own when None, another with ``accounts:manage``.

    Raises
    ------
    AccessError
        When the actor may not.
    NotFoundError
        When there is no such account.
    InputError
        With everything that is wrong.
    """
    name = actor.account if account is None else account
    if actor.token is not None:
        raise AccessError("expected a sign-in to make a token, found an API token. Sign in")
    require_own_or_manager(actor, name)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        row = account_row(connection, name)
        problems = [
            *_label_problems(label), *_scope_problems(row, scopes), *_day_problems(days),
        ]  # fmt: skip
        if row.disabled:
            problems.append(Problem("account", "an account that is not disabled", repr(name),
                                    "Enable it first."))  # fmt: skip
        if problems:
            raise InputError(problems)
        at, secret = now(), new_secret(PREFIX)
        made = TokenSeen(
            new_id(), name, label.strip(), _in_order(scopes), at, later(at, days * _DAY_S), None,
            False,
        )  # fmt: skip
        connection.execute(
            insert(table).values(
                digest=digest_of(store.keys, _PURPOSE, secret), id=made.id, account=name,
                label=made.label, scopes=" ".join(made.scopes), created=at, expires=made.expires,
                revoked=False,
            )
        )  # fmt: skip
        what = f"token {made.id} made for {', '.join(made.scopes)}"
        note_change(store, connection, actor, name, what)
    return MadeToken(secret, made)


def actor_of_token(store: Store, secret: str) -> Actor:
    """Tell for whom a token acts: with its scopes, as far as the account still has them.

    Raises
    ------
    AccessError
        When it is none, has expired or was revoked, or the account is disabled.
    """
    at = now()
    given = {"given": digest_of(store.keys, _PURPOSE, secret), "at": at}
    with reading(store) as connection:
        row = connection.execute(_HOLDING, given).one_or_none()
    if row is None:
        raise AccessError(
            "expected an API token that holds, found none. Make a new one", signed_in=False
        )
    _note_seen(store, row, at)
    actor = actor_from(row.account, row, token=row.id)
    scoped = actor.permissions & frozenset(row.scopes.split())
    return Actor(row.account, frozenset(scoped), actor.roles, token=row.id)


def tokens(store: Store, actor: Actor, account: str | None = None) -> tuple[TokenSeen, ...]:
    """Tokens of an account, also those that have ended, the last one first.

    Parameters
    ----------
    store : open store.
    actor : the account itself, or one with the permission ``accounts:manage``.
    account : whose; the actor's own when None.

    Raises
    ------
    AccessError, NotFoundError
        When the actor may not, or there is no such account.
    """
    name = actor.account if account is None else account
    require_own_or_manager(actor, name)
    query = select(table).where(table.c.account == name)
    with reading(store) as connection:
        account_row(connection, name)
        rows = connection.execute(query.order_by(table.c.created.desc(), table.c.id)).all()
    return tuple(_seen(row) for row in rows)


def revoke_token(store: Store, actor: Actor, key: str) -> None:
    """End a token, one's own or, with the permission ``accounts:manage``, any.

    Raises
    ------
    NotFoundError
        When there is none of this id that the actor may end.
    """
    shown = one_line(key, 64)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        row = connection.execute(select(table).where(table.c.id == shown)).one_or_none()
        if row is None or not (
            is_own(actor, row.account) or "accounts:manage" in actor.permissions
        ):
            raise NotFoundError(f"token {shown!r}: there is none of this id")
        if row.revoked:
            return
        connection.execute(update(table).where(table.c.id == shown).values(revoked=True))
        note_change(store, connection, actor, row.account, f"token {row.id} revoked")


def _note_seen(store: Store, row: Row[Any], at: str) -> None:
    due = later(at, -_SEEN_EVERY_S)
    if row.seen is not None and row.seen >= due:
        return
    # On a full disk reading goes on; only the time of the last use is then not noted.
    with contextlib.suppress(StoreError), writing(store) as connection:
        stale = table.c.seen.is_(None) | (table.c.seen < due)
        mine = (table.c.digest == row.digest) & stale
        connection.execute(update(table).where(mine).values(seen=at))


def _seen(row: Row[Any]) -> TokenSeen:
    return TokenSeen(
        row.id, row.account, row.label, _in_order(row.scopes.split()), row.created, row.expires,
        row.seen, bool(row.revoked),
    )  # fmt: skip


def _in_order(scopes: Sequence[str]) -> tuple[Permission, ...]:
    return tuple(permission for permission in PERMISSIONS if permission in scopes)


def _label_problems(label: str) -> list[Problem]:
    bare = label.strip()
    if bare.isprintable() and 0 < len(bare) <= _LONGEST_LABEL:
        return []
    return [Problem("label", f"1 to {_LONGEST_LABEL} printable characters", ascii(label[:80]),
                    "Write what the token is for.")]  # fmt: skip


def _scope_problems(row: Row[Any], scopes: Sequence[str]) -> list[Problem]:
    allowed = permissions_of(roles_of(row))
    expected = f"at least one of {', '.join(sorted(allowed))}"
    if not scopes:
        return [Problem("scopes", expected, "none", "Choose what the token may do.")]
    wrong = [scope for scope in scopes if scope not in allowed]
    if wrong:
        return [Problem("scopes", expected, ascii(wrong[0][:80]),
                        "A token may do no more than its account.")]  # fmt: skip
    return []


def _day_problems(days: int) -> list[Problem]:
    if 1 <= days <= LONGEST_DAYS:
        return []
    return [Problem("days", f"1 to {LONGEST_DAYS} days", str(days)[:20], "Choose another time.")]
