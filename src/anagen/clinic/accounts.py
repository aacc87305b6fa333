"""Accounts: who may sign in, with which roles. Every change is also written to the chain."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from anagen.clinic import chain, documents
from anagen.clinic.entries import put
from anagen.clinic.passwords import hash_password, password_problems, verify_password
from anagen.clinic.permissions import CONSOLE, ROLES, Actor, Role, permissions_of, require
from anagen.clinic.store import Store, lock_chain, now, reading, writing
from anagen.clinic.tables import accounts as table
from anagen.clinic.tables import sign_ins, tokens
from anagen.clinic.throttling import account_key, begin_attempt, forgive
from anagen.errors import AccessError, InputError, NotFoundError, Problem

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,63}")
_LONGEST_DISPLAY_NAME = 200
# Stands before a second factor that is not yet confirmed.
PENDING = "pending:"


@dataclass(frozen=True)
class AccountSeen:
    """An account as it is shown; never a secret.

    Parameters
    ----------
    name : with which one signs in.
    display_name : name of the person.
    roles : in the order of `anagen.clinic.permissions.ROLES`.
    disabled : whether it is closed.
    created : when (ISO 8601, UTC).
    has_second_factor : whether a code is asked for at sign-in.
    """

    name: str
    display_name: str
    roles: tuple[Role, ...]
    disabled: bool
    created: str
    has_second_factor: bool


def make_account(
    store: Store,
    actor: Actor,
    name: str,
    display_name: str,
    roles: Sequence[str],
    password: str,
) -> AccountSeen:
    """Make an account.

    Parameters
    ----------
    store : open store.
    actor : with the permission ``accounts:manage``.
    name : 2 to 64 characters: lower case letters, digits, ``.``, ``_`` and ``-``.
    display_name : name of the person.
    roles : at least one.
    password : see `anagen.clinic.passwords.check_password`.

    Raises
    ------
    AccessError
        When the actor may not.
    InputError
        With everything that is wrong, or when there is such an account.
    """
    require(actor, "accounts:manage")
    hashed = checked_and_hashed(name, display_name, roles, password)
    with writing(store) as connection:
        return add_account(store, connection, actor, name, display_name, roles, hashed)


def accounts(store: Store, actor: Actor) -> tuple[AccountSeen, ...]:
    """All accounts by name.

    Raises
    ------
    AccessError
        When the actor may not.
    """
    require(actor, "accounts:manage")
    with reading(store) as connection:
        rows = connection.execute(select(table).order_by(table.c.name)).all()
    return tuple(_seen(row) for row in rows)


def account(store: Store, name: str) -> AccountSeen:
    """One account.

    Raises
    ------
    NotFoundError
        When there is none of this name.
    """
    with reading(store) as connection:
        return _seen(account_row(connection, name))


def change_account(
    store: Store,
    actor: Actor,
    name: str,
    *,
    display_name: str | None = None,
    roles: Sequence[str] | None = None,
    disabled: bool | None = None,
) -> AccountSeen:
    """Change an account; what is None stays. Disabling ends its sign-ins and tokens for good.

    Raises
    ------
    AccessError
        When the actor may not.
    NotFoundError
        When there is none of this name.
    InputError
        When something is wrong, or the clinic would be left without an administrator.
    """
    require(actor, "accounts:manage")
    problems = [] if display_name is None else _display_name_problems(display_name)
    problems += [] if roles is None else _role_problems(roles)
    if problems:
        raise InputError(problems)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        before = _seen(account_row(connection, name))
        after = AccountSeen(
            name,
            before.display_name if display_name is None else display_name.strip(),
            before.roles if roles is None else in_order(roles),
            before.disabled if disabled is None else disabled,
            before.created,
            before.has_second_factor,
        )
        if after == before:
            return before
        _require_administrator(connection, before, after)
        _set(connection, name, display_name=after.display_name, roles=" ".join(after.roles),
             disabled=after.disabled)  # fmt: skip
        if after.disabled and not before.disabled:
            revoke_all(connection, name, with_tokens=True)
        note(store, connection, actor, after, _difference(before, after))
    return after


def set_password(
    store: Store, actor: Actor, name: str, new: str, *, old: str | None = None
) -> None:
    """Set a password and end every other sign-in of the account; tokens stay.

    Parameters
    ----------
    store : open store.
    actor : the account itself, or one with the permission ``accounts:manage``.
    name : of the account.
    new : see `anagen.clinic.passwords.check_password`.
    old : needed for one's own.

    Raises
    ------
    AccessError
        When the actor may not, or the old password is wrong.
    ThrottledError
        After too many wrong ones.
    NotFoundError
        When there is none of this name.
    InputError
        When the new password is not accepted.
    """
    own = is_own(actor, name)
    if not own:
        require(actor, "accounts:manage")
    elif actor.token is not None:
        raise AccessError("expected a sign-in to change the own password, found an API token")
    with reading(store) as connection:
        kept = account_row(connection, name).password
    if own:
        prove_password(store, name, kept, old)
    problems = password_problems(name, new)
    if own and old == new:
        problems.append(Problem("password", "another password", "the old one", "Choose a new one."))
    if problems:
        raise InputError(problems)
    hashed = hash_password(new)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        row = account_row(connection, name)
        if own and row.password != kept:
            raise AccessError("the password was changed in the meantime. Sign in again")
        _set(connection, name, password=hashed)
        revoke_all(connection, name, but=actor.sign_in if own else None)
        note(store, connection, actor, _seen(row), "password set" if own else "password reset")


def prove_password(store: Store, name: str, kept: str, typed: str | None) -> None:
    """Refuse a wrong password of somebody who is signed in, and slow down who guesses.

    Raises
    ------
    AccessError
        When it is wrong.
    ThrottledError
        After too many wrong ones.
    """
    if typed is None:
        raise InputError(Problem("old", "the password that holds now", "nothing", "Type it."))
    attempt = begin_attempt(store, account_key(store, name))
    if not verify_password(kept, typed):
        raise AccessError("expected the password that holds now, found another one. Type it again")
    with writing(store) as connection:
        forgive(connection, attempt)


def is_own(actor: Actor, name: str) -> bool:
    """Whether an account is the actor's own; the command line has none."""
    return actor != CONSOLE and actor.account == name


def require_own_or_manager(actor: Actor, name: str) -> None:
    """Refuse whoever is neither the account nor one who keeps the accounts."""
    if not is_own(actor, name):
        require(actor, "accounts:manage")


def checked_and_hashed(name: str, display_name: str, roles: Sequence[str], password: str) -> str:
    """Check everything about a new account and give the hash of its password.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    problems = [
        *_name_problems(name),
        *_display_name_problems(display_name),
        *_role_problems(roles),
        *password_problems(name, password),
    ]
    if problems:
        raise InputError(problems)
    return hash_password(password)


def add_account(
    store: Store,
    connection: Connection,
    actor: Actor,
    name: str,
    display_name: str,
    roles: Sequence[str],
    hashed: str,
) -> AccountSeen:
    """Write a checked new account, inside a transaction."""
    lock_chain(connection, chain.ENTRIES)
    made = AccountSeen(name, display_name.strip(), in_order(roles), False, now(), False)
    row = {
        "name": name, "display_name": made.display_name, "roles": " ".join(made.roles),
        "password": hashed, "disabled": False, "created": made.created, "changed": made.created,
    }  # fmt: skip
    try:
        connection.execute(insert(table).values(**row))
    except IntegrityError:
        raise InputError(
            Problem("name", "a name that no account has", repr(name), "Choose another name.")
        ) from None
    note(store, connection, actor, made, "made")
    return made


def account_row(connection: Connection, name: str) -> Row[Any]:
    """Row of one account.

    Raises
    ------
    NotFoundError
        When there is none of this name.
    """
    row = find_row(connection, name)
    if row is None:
        raise NotFoundError(f"account {name[:64]!r}: there is none of this name")
    return row


def find_row(connection: Connection, name: str, *, lock: bool = False) -> Row[Any] | None:
    """Row of one account, held until the transaction is over when asked for; None without one."""
    if not _NAME.fullmatch(name):
        return None
    query = select(table).where(table.c.name == name)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def note(store: Store, connection: Connection, actor: Actor, seen: AccountSeen, what: str) -> None:
    """Write to the chain what was changed of an account."""
    document = documents.Account(roles=seen.roles, disabled=seen.disabled, change=what)
    put(
        store, connection, "account", seen.name, document, person=None, author=actor.account,
        reason=what, expected=None,
    )  # fmt: skip


def note_change(store: Store, connection: Connection, actor: Actor, name: str, what: str) -> None:
    """Write to the chain a change that leaves roles as they are."""
    note(store, connection, actor, _seen(account_row(connection, name)), what)


def revoke_all(
    connection: Connection, name: str, *, but: str | None = None, with_tokens: bool = False
) -> int:
    """End the sign-ins of an account, but one, and its tokens when told; gives how many ended."""
    where = (sign_ins.c.account == name) & sign_ins.c.revoked.is_(False)
    if but is not None:
        where &= sign_ins.c.id != but
    ended = connection.execute(update(sign_ins).where(where).values(revoked=True)).rowcount
    if with_tokens:
        mine = (tokens.c.account == name) & tokens.c.revoked.is_(False)
        ended += connection.execute(update(tokens).where(mine).values(revoked=True)).rowcount
    return int(ended)


def in_order(roles: Sequence[str]) -> tuple[Role, ...]:
    """Roles, each once, in the order in which they are always shown."""
    return tuple(role for role in ROLES if role in roles)


def roles_of(row: Row[Any]) -> tuple[Role, ...]:
    """Roles of a row of the table."""
    return in_order(row.roles.split())


def actor_from(name: str, row: Row[Any], **more: Any) -> Actor:
    """Who acts, from a row with the column ``roles``; ``more`` are other fields of `Actor`."""
    roles = roles_of(row)
    return Actor(name, permissions_of(roles), roles, **more)


def has_second_factor(totp: str | None) -> bool:
    """Whether a confirmed second factor is kept."""
    return totp is not None and not totp.startswith(PENDING)


def _seen(row: Row[Any]) -> AccountSeen:
    return AccountSeen(
        row.name, row.display_name, roles_of(row), bool(row.disabled), row.created,
        has_second_factor(row.totp),
    )  # fmt: skip


def _set(connection: Connection, name: str, **values: Any) -> None:
    connection.execute(update(table).where(table.c.name == name).values(changed=now(), **values))


def _require_administrator(connection: Connection, before: AccountSeen, after: AccountSeen) -> None:
    was, stays = ("administrator" in seen.roles and not seen.disabled for seen in (before, after))
    if not was or stays:
        return
    query = select(table).where(table.c.name != after.name, table.c.disabled.is_(False))
    if not any("administrator" in roles_of(row) for row in connection.execute(query)):
        raise InputError(
            Problem("account", "at least one administrator who is not disabled",
                    f"{after.name!r} as the last one",
                    "Make another account an administrator first.")
        )  # fmt: skip


def _difference(before: AccountSeen, after: AccountSeen) -> str:
    parts = []
    if before.display_name != after.display_name:
        parts.append("display name changed")
    if before.roles != after.roles:
        parts.append("roles changed")
    if before.disabled != after.disabled:
        parts.append("disabled" if after.disabled else "enabled")
    return ", ".join(parts)


def _name_problems(name: str) -> list[Problem]:
    if name == CONSOLE.account:
        return [Problem("name", "a name that is free", repr(name), "The command line has it.")]
    if _NAME.fullmatch(name):
        return []
    return [Problem("name", "2 to 64 lower case letters, digits, '.', '_' or '-', a letter first",
                    ascii(name[:80]), "Write for example anna.berg")]  # fmt: skip


def _display_name_problems(display_name: str) -> list[Problem]:
    if display_name.strip().isprintable() and 0 < len(display_name.strip()) <= (
        _LONGEST_DISPLAY_NAME
    ):
        return []
    return [Problem("display_name", f"1 to {_LONGEST_DISPLAY_NAME} printable characters",
                    ascii(display_name[:80]), "Write the name of the person.")]  # fmt: skip


def _role_problems(roles: Sequence[str]) -> list[Problem]:
    expected = f"at least one of {', '.join(ROLES)}"
    if not roles:
        return [Problem("roles", expected, "none", "Choose one.")]
    wrong = [role for role in roles if role not in ROLES]
    if wrong:
        return [Problem("roles", expected, ascii(wrong[0][:80]), "Choose from these.")]
    return []
