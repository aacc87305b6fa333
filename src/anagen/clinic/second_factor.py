"""The second factor: six digits from an app (TOTP, RFC 6238), each accepted once."""

import hmac
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, update

from anagen.clinic import chain
from anagen.clinic.accounts import (
    PENDING,
    account_row,
    has_second_factor,
    is_own,
    note_change,
    require_own_or_manager,
)
from anagen.clinic.credentials import encoded
from anagen.clinic.keys import decrypt, encrypt
from anagen.clinic.permissions import Actor
from anagen.clinic.store import Store, lock_chain, now, reading, writing
from anagen.clinic.tables import accounts as table
from anagen.clinic.throttling import account_key, begin_attempt, forgive
from anagen.errors import AccessError, InputError, Problem

_ISSUER = "Anagen"
# Seconds a code lasts, in all apps, and how many codes before and after the current one a clock
# that is wrong may show.
_STEP_S, _WINDOW = 30, 1


def begin_second_factor(store: Store, actor: Actor, name: str) -> str:
    """Draw a secret for the app and give its address (``otpauth://``), to be shown once.

    Nothing is asked for at sign-in until `confirm_second_factor` proves that the app has it.

    Raises
    ------
    AccessError
        When it is not the actor's own account.
    InputError
        When a second factor is kept already.
    """
    import pyotp

    _require_own(actor, name)
    secret = pyotp.random_base32()
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        row = account_row(connection, name)
        if has_second_factor(row.totp):
            raise InputError(
                Problem("second factor", "none yet", "one", "Remove it before making another.")
            )
        sealed = PENDING + encrypt(store.keys, "totp", f"pending/{name}", secret)
        _set(connection, name, totp=sealed, totp_last=None)
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER)


def confirm_second_factor(store: Store, actor: Actor, name: str, code: str) -> None:
    """Ask for codes at sign-in from now on, once the app has shown a right one.

    Raises
    ------
    AccessError
        When it is not the actor's own account.
    InputError
        When the code is wrong, or no secret was drawn.
    """
    _require_own(actor, name)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        row = account_row(connection, name)
        if row.totp is None or has_second_factor(row.totp):
            raise InputError(
                Problem("second factor", "a new secret", "none", "Begin with a new secret.")
            )
        secret = decrypt(store.keys, "totp", f"pending/{name}", row.totp.removeprefix(PENDING))
        step = _step_of(secret, code, None)
        if step is None:
            raise InputError(
                Problem("code", "the six digits that the app shows now", "others",
                        "Check the clock of the phone and type the next ones.")
            )  # fmt: skip
        sealed = encrypt(store.keys, "totp", f"active/{name}", secret)
        _set(connection, name, totp=sealed, totp_last=step)
        note_change(store, connection, actor, name, "second factor confirmed")


def remove_second_factor(store: Store, actor: Actor, name: str, *, code: str | None = None) -> None:
    """Ask for no more codes.

    Parameters
    ----------
    store : open store.
    actor : the account itself, or one with the permission ``accounts:manage``.
    name : of the account.
    code : needed to remove one's own that is confirmed.

    Raises
    ------
    AccessError
        When the actor may not, or the code is wrong.
    ThrottledError
        After too many wrong ones.
    """
    require_own_or_manager(actor, name)
    with reading(store) as connection:
        row = account_row(connection, name)
    if row.totp is None:
        return
    prove = is_own(actor, name) and has_second_factor(row.totp)
    attempt = begin_attempt(store, account_key(store, name)) if prove else None
    with writing(store) as connection:
        if attempt is not None:
            forgive(connection, attempt)
        lock_chain(connection, chain.ENTRIES)
        row = account_row(connection, name)
        if prove and not use_code(store, connection, row, code or ""):
            raise AccessError(
                "expected the six digits that the app shows now, found others. Type the next "
                "ones, or ask an administrator"
            )
        _set(connection, name, totp=None, totp_last=None)
        note_change(store, connection, actor, name, "second factor removed")


def use_code(store: Store, connection: Connection, row: Row[Any], code: str) -> bool:
    """Whether a code is right and was never used; from now on it is, inside a transaction."""
    if not has_second_factor(row.totp):
        return False
    secret = decrypt(store.keys, "totp", f"active/{row.name}", row.totp)
    step = _step_of(secret, code, row.totp_last)
    if step is None:
        return False
    unused = table.c.totp_last.is_(None) | (table.c.totp_last < step)
    used = update(table).where(table.c.name == row.name, unused).values(totp_last=step)
    return connection.execute(used).rowcount == 1


def _step_of(secret: str, code: str, last: int | None) -> int | None:
    """Step of time to which a code belongs, after the last one used; None when it is wrong."""
    import pyotp

    typed = encoded("".join(code[:32].split()))
    made = pyotp.TOTP(secret, interval=_STEP_S)
    current = int(datetime.fromisoformat(now()).timestamp()) // _STEP_S
    found = None
    for step in range(current - _WINDOW, current + _WINDOW + 1):
        right = hmac.compare_digest(made.generate_otp(step).encode(), typed)
        if right and (last is None or step > last):
            found = step
    return found


def _require_own(actor: Actor, name: str) -> None:
    if not is_own(actor, name) or actor.token is not None:
        raise AccessError("expected the account itself, signed in, to set up its second factor")


def _set(connection: Connection, name: str, **values: Any) -> None:
    connection.execute(update(table).where(table.c.name == name).values(changed=now(), **values))
