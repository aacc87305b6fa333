"""Slowing down those who guess: each failure beyond the fourth doubles the time to wait.

An attempt is counted before it is tried and taken back when it was right, so that many at the
same time do not slip through. Only keyed digests of names and addresses are kept.
"""

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from anagen.clinic.credentials import digest_of, later
from anagen.clinic.store import Store, now, writing
from anagen.clinic.tables import throttles
from anagen.errors import ThrottledError

# Four mistakes are human; the fifth costs a second, the next two, and so on to a quarter hour.
_FREE, _LONGEST_S = 4, 900
# After a day without a failure those of an account are forgotten; those of an address after an
# hour, because a whole clinic may have one address.
_FORGOTTEN_S, _ADDRESS_FORGOTTEN_S = 86_400, 3600
# A network owns at least so many bits of an IPv6 address, so that all addresses in it are one.
_IPV6_NETWORK_BITS = 64


@dataclass(frozen=True)
class Attempt:
    """An attempt that was counted as a failure.

    Parameters
    ----------
    own : key of the account.
    shared : key of the address; None when there is none.
    before, until : time until which each key waited before this attempt, and since.
    """

    own: str
    shared: str | None
    before: Mapping[str, str]
    until: Mapping[str, str]


def account_key(store: Store, name: str) -> str:
    """Key under which failures of an account are counted, whether there is one or not."""
    return digest_of(store.keys, "throttle", f"account:{name}")


def address_key(store: Store, address: str) -> str:
    """Key under which failures from an address are counted; an IPv6 network counts as one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        place = address.split("%", maxsplit=1)[0]
    else:
        bits = _IPV6_NETWORK_BITS if found.version == 6 else found.max_prefixlen
        place = str(ipaddress.ip_network(f"{found}/{bits}", strict=False))
    return digest_of(store.keys, "throttle", f"address:{place}")


def wait_s(failures: int) -> int:
    """How long to wait after so many failures [s].

    Examples
    --------
    >>> [wait_s(failures) for failures in (4, 5, 6, 10, 1000)]
    [0, 1, 2, 32, 900]
    """
    beyond = failures - _FREE - 1
    return 0 if beyond < 0 else min(_LONGEST_S, 2 ** min(beyond, 10))


def begin_attempt(store: Store, own: str, shared: str | None = None) -> Attempt:
    """Count an attempt as a failure until it proves to be right.

    Parameters
    ----------
    store : open store.
    own, shared : keys of the account and, where there is one, of the address.

    Raises
    ------
    ThrottledError
        When it must wait; then it is not counted.
    """
    keys = [own] if shared is None else sorted((own, shared))
    before, until = {}, {}
    with writing(store) as connection:
        rows = _locked(connection, keys)
        at = now()
        seconds = max((_seconds_between(at, row[1]) for row in rows.values()), default=0.0)
        if seconds > 0:
            raise _throttled(math.ceil(seconds))
        for key in keys:
            failures, before[key] = rows.get(key, (0, at))
            remembered_s = _FORGOTTEN_S if key == own else _ADDRESS_FORGOTTEN_S
            if later(before[key], remembered_s) < at:
                failures = 0
            until[key] = later(at, wait_s(failures + 1))
            values = {"failures": failures + 1, "until": until[key]}
            _keep(store, connection, key, values, new=key not in rows)
    return Attempt(own, shared, before, until)


def take_back(connection: Connection, attempt: Attempt) -> None:
    """Take an attempt back, inside a transaction: it was no failure."""
    for key, row in _locked(connection, list(attempt.until)).items():
        _lower(connection, attempt, key, row, 1)


def forgive(connection: Connection, attempt: Attempt) -> None:
    """Forget the failures of an account that has proved itself, inside a transaction.

    Its address loses only as many, so that an account of one's own does not help to guess at
    another.
    """
    rows = _locked(connection, list(attempt.until))
    failures = rows.get(attempt.own, (1, ""))[0]
    for key, row in rows.items():
        _lower(connection, attempt, key, row, failures)
    old = select(throttles.c.key).where(throttles.c.until < later(now(), -_FORGOTTEN_S))
    unheld = old.with_for_update(skip_locked=True)
    connection.execute(delete(throttles).where(throttles.c.key.in_(unheld)))


def _locked(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    query = select(throttles).where(throttles.c.key.in_(keys))
    rows = connection.execute(query.order_by(throttles.c.key).with_for_update())
    return {row.key: (int(row.failures), str(row.until)) for row in rows}


def _lower(
    connection: Connection, attempt: Attempt, key: str, row: tuple[int, str], by: int
) -> None:
    mine = throttles.c.key == key
    left = row[0] - by
    if left <= 0:
        connection.execute(delete(throttles).where(mine))
        return
    # The wait of a failure that came after this attempt stays.
    until = attempt.before[key] if row[1] == attempt.until[key] else row[1]
    connection.execute(update(throttles).where(mine).values(failures=left, until=until))


def _keep(
    store: Store, connection: Connection, key: str, values: dict[str, Any], *, new: bool
) -> None:
    dialect = sqlite if store.is_sqlite else postgresql
    insert = dialect.insert(throttles).values(key=key, **values)
    # Another process may have counted the very first failure meanwhile.
    mine = {**values, "failures": throttles.c.failures + 1} if new else values
    connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=mine))


def _seconds_between(at: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(at)).total_seconds()


def _throttled(seconds: int) -> ThrottledError:
    unit = "second" if seconds == 1 else "seconds"
    return ThrottledError(
        f"too many attempts that failed. Wait {seconds} {unit} and try again", seconds
    )
