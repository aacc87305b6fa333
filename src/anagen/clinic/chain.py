"""The chain over all changes: each entry is sealed together with the seal of the one before.

seal(n) = HMAC-SHA256(key, seal(n - 1), every column of entry n)

The text of an entry goes in by its own seal, so that a lawful erasure can take the text away
without breaking the chain. Without the key file nobody can make a seal that fits.
"""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from anagen.clinic.keys import Keys

FIRST = "0" * 64
ENTRIES, ACCESSES = "entries", "accesses"

# Columns in the order in which they are sealed.
ENTRY_FIELDS = (
    "seq", "kind", "id", "version", "person", "at", "author", "reason", "retracted", "day",
    "body_digest",
)  # fmt: skip
ACCESS_FIELDS = (
    "seq", "at", "account", "token", "action", "person", "outcome", "request", "address",
)  # fmt: skip


def text_seal(keys: Keys, text: str) -> str:
    """Seal of the text of an entry; keyed, so that a guess at an erased text cannot be tried."""
    return hmac.digest(keys.derived("text"), text.encode(), "sha256").hex()


def entry_seal(keys: Keys, before: str, row: Mapping[str, Any]) -> str:
    """Seal of one entry after the one before.

    Examples
    --------
    >>> from anagen.clinic.keys import Keys
    >>> row = dict.fromkeys(ENTRY_FIELDS, "x")
    >>> entry_seal(Keys(bytes(32)), FIRST, row) == entry_seal(Keys(bytes(32)), FIRST, row)
    True
    """
    return _seal(keys, ENTRIES, before, [row[name] for name in ENTRY_FIELDS])


def access_seal(keys: Keys, before: str, row: Mapping[str, Any]) -> str:
    """Seal of one line of the access log after the line before."""
    return _seal(keys, ACCESSES, before, [row[name] for name in ACCESS_FIELDS])


def _seal(keys: Keys, chain: str, before: str, values: list[Any]) -> str:
    sealed = json.dumps([before, *values], ensure_ascii=True, separators=(",", ":"))
    return hmac.digest(keys.derived(f"chain {chain}"), sealed.encode(), "sha256").hex()
