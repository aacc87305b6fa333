"""The first start: one account, made by whoever can read what the server prints."""

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from sqlalchemy import Connection, select

from anagen._files import write_whole
from anagen.clinic import chain
from anagen.clinic.accounts import AccountSeen, add_account, checked_and_hashed
from anagen.clinic.credentials import digest_of
from anagen.clinic.permissions import Actor, Role
from anagen.clinic.store import Store, lock_chain, reading, writing
from anagen.clinic.tables import accounts as table
from anagen.clinic.throttling import account_key, begin_attempt, forgive
from anagen.errors import AccessError, InputError, StoreError

FIRST_ROLES: tuple[Role, ...] = ("administrator", "clinician")

# Crockford's alphabet, without letters that look like digits: 20 of them are 100 bits.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")
_GROUPS, _GROUP = 5, 4
_FILE = "setup-code"
_PURPOSE = "setup code"
_REFUSED = "expected the setup code that the server showed when it started, found another"
_DONE = "the clinic has an account already. Sign in"


def needs_setup(store: Store) -> bool:
    """Whether there is no account yet."""
    with reading(store) as connection:
        return not _has_account(connection)


def setup_code(store: Store) -> str:
    """Draw a new code for `first_account`; every earlier one is void.

    Only a keyed digest is kept, in the data folder, readable by its owner alone.

    Raises
    ------
    AccessError
        When there is an account already.
    StoreError
        When the data folder cannot be written.
    """
    if not needs_setup(store):
        raise AccessError(_DONE)
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP))
    path = _path(store)
    try:
        # Made empty first, because a file that is there keeps its mode when it is written.
        path.touch(mode=0o600)
        os.chmod(path, 0o600)
        write_whole(path, digest_of(store.keys, _PURPOSE, letters))
    except (OSError, InputError) as error:
        raise StoreError(f"the data folder cannot be written: {error}") from error
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def first_account(
    store: Store, code: str, name: str, display_name: str, password: str
) -> AccountSeen:
    """Make the first account, administrator and clinician; works once.

    Parameters
    ----------
    store : open store.
    code : of `setup_code`; case, spaces and dashes do not matter.
    name, display_name, password : see `anagen.clinic.accounts.make_account`.

    Raises
    ------
    AccessError
        When the code is wrong, or there is an account already.
    ThrottledError
        After too many wrong codes.
    InputError
        With everything that is wrong; the code still holds.
    """
    if not needs_setup(store):
        raise AccessError(_DONE, signed_in=False)
    attempt = begin_attempt(store, account_key(store, "first account!"))
    if not _is_right(store, code):
        raise AccessError(_REFUSED, signed_in=False)
    with writing(store) as connection:
        forgive(connection, attempt)
    hashed = checked_and_hashed(name, display_name, FIRST_ROLES, password)
    with writing(store) as connection:
        lock_chain(connection, chain.ENTRIES)
        if _has_account(connection):
            raise AccessError(_DONE, signed_in=False)
        itself = Actor(name, frozenset(), FIRST_ROLES)
        made = add_account(store, connection, itself, name, display_name, FIRST_ROLES, hashed)
    with contextlib.suppress(OSError):
        _path(store).unlink(missing_ok=True)
    return made


def _is_right(store: Store, code: str) -> bool:
    try:
        kept = _path(store).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False
    plain = "".join(code[:80].replace("-", " ").split()).upper().translate(_READ_AS)
    return hmac.compare_digest(kept.encode(), digest_of(store.keys, _PURPOSE, plain).encode())


def _has_account(connection: Connection) -> bool:
    return connection.execute(select(table.c.name).limit(1)).first() is not None


def _path(store: Store) -> Path:
    return store.places.folder / _FILE
