"""Random secrets, what is kept of them, and the times until which they hold."""

import hmac
import secrets
from datetime import datetime, timedelta

from anagen.clinic.keys import Keys

# 256 bits: nobody guesses it, so that a fast digest is enough to keep.
_SECRET_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """Draw a secret of 256 bits that fits a cookie or a header."""
    return prefix + secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(keys: Keys, purpose: str, secret: str) -> str:
    """Give what is kept of a secret: keyed, so that the database alone proves nothing.

    Examples
    --------
    >>> keys = Keys(bytes(32))
    >>> digest_of(keys, "sign-in", "a") == digest_of(keys, "token", "a")
    False
    """
    return hmac.digest(keys.derived(purpose), encoded(secret), "sha256").hex()


def encoded(text: str) -> bytes:
    """Bytes of any text, even of one that no encoding allows, so that it can be refused."""
    return text.encode("utf-8", "surrogatepass")


def later(at: str, seconds: float) -> str:
    """Time so many seconds after another one, both as the tables keep them.

    Examples
    --------
    >>> later("2026-01-31T23:59:59.000000+00:00", 2)
    '2026-02-01T00:00:01.000000+00:00'
    """
    moment = datetime.fromisoformat(at) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="microseconds")


def one_line(text: str, most: int) -> str:
    """Text from outside as one printable line of bounded length that every database keeps.

    Examples
    --------
    >>> one_line("curl/8" + chr(0) + chr(10) + "x", 8)
    'curl/8??'
    """
    return "".join(mark if mark.isprintable() else "?" for mark in text[:most])
