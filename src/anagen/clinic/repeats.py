"""Writes sent twice: told from the record itself, so that nothing beside it can be lost.

A new document that comes with an idempotency key gets its id from that key; when the same write
comes again, its document is there already. A change names the version it is based on; when the next
version is the same change by the same account, it was sent twice.
"""

import hmac
import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from anagen.clinic.entries import Entry, document_text, versions
from anagen.clinic.people import Kept
from anagen.clinic.permissions import Actor
from anagen.clinic.store import Store, reading
from anagen.errors import InputError, NotFoundError, Problem, StaleError

_DIGITS = 24


def key_of(store: Store, actor: Actor, key: str, what: str) -> str:
    """Id of the document that a write with this idempotency key makes.

    Parameters
    ----------
    store : open store.
    actor : who writes; the keys of one account are not those of another.
    key : as the client drew it.
    what : the address written to.
    """
    sealed = "\n".join((actor.account, what, key)).encode()
    return hmac.digest(store.keys.derived("idempotency"), sealed, "sha256").hex()[:_DIGITS]


def created_once(
    store: Store, actor: Actor, kind: str, key: str, document: BaseModel, write: Callable[[], Kept]
) -> Kept:
    """Create a document, or give the one that the same write created before.

    Raises
    ------
    InputError
        When the idempotency key was used for another document.
    """
    try:
        return write()
    except StaleError:
        first = _version(store, kind, key, 1)
        if first is None or first.author != actor.account:
            raise
        if _as_sent(first.text) != _as_sent(document_text(document)):
            raise InputError(
                Problem("header: Idempotency-Key", "a key of its own for each write",
                        "one used before for something else", "Draw a new key.")
            ) from None  # fmt: skip
        return Kept(first)


def changed_once(
    store: Store,
    actor: Actor,
    kind: str,
    key: str,
    document: BaseModel,
    expected: int,
    reason: str,
    write: Callable[[], Kept],
) -> Kept:
    """Change a document, or give the version that the same change made before."""
    try:
        return write()
    except StaleError:
        made = _version(store, kind, key, expected + 1)
        same = (
            made is not None
            and made.author == actor.account
            and made.reason == reason.strip()
            and _as_sent(made.text) == _as_sent(document_text(document))
        )
        if made is None or not same:
            raise
        return Kept(made)


def _as_sent(text: str | None) -> Any:
    """Give a document without what the clinic adds when it keeps it."""
    if text is None:
        return None
    data = json.loads(text)
    for part in (data, data.get("plan")):
        if isinstance(part, dict):
            part.pop("findings", None)
            part.pop("profile", None)
    return data


def _version(store: Store, kind: str, key: str, number: int) -> Entry | None:
    try:
        with reading(store) as connection:
            every = versions(store, connection, kind, key)
    except NotFoundError:
        return None
    return next((entry for entry in every if entry.version == number), None)
