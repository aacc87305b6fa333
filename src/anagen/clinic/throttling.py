"""Slowing down those who guess: each failure beyond the fourth doubles the time to wait.

An attempt is counted before it is tried and taken back when it was right, so that many at the
same time do not slip through. Only keyed digests of names and addresses are kept.
"""

import ipaddress
import math
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from anagen.clinic.credentials import digest_of, later
from anagen.clinic.store import Store, now, writing
from anagen.clinic.tables import throttles
from anagen.errors import ThrottledError

# Four mistakes are human; the fifth costs a second, the next two, and so on to a quarter hour.
_FREE, _LONGEST_S = 4, 900
# After a day without a failure all is forgotten.
_FORGOTTEN_S = 86_400
# A network owns at least so many bits of an IPv6 address, so that all addresses in it are one.
_IPV6_NETWORK_BITS = 64


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


def begin_attempt(store: Store, keys: Sequence[str]) -> None:
    """Count an attempt as a failure until it proves to be right.

    Raises
    ------
    ThrottledError
        When it must wait; then it is not counted.
    """
    with writing(store) as connection:
        rows = _locked(connection, keys)
        at = now()
        seconds = max((_seconds_between(at, until) for _, until in rows.values()), default=0.0)
        if seconds > 0:
            raise _throttled(math.ceil(seconds))
        for key in sorted(keys):
            failures, until = rows.get(key, (0, at))
            forgotten = later(until, _FORGOTTEN_S) < at
            _count(store, connection, key, 0 if forgotten else failures, at)


def take_back(connection: Connection, keys: Sequence[str], failures: int = 1) -> None:
    """Take failures back, inside a transaction: they were none."""
    at = now()
    for key, (counted, until) in _locked(connection, keys).items():
        left = max(0, counted - failures)
        if left == 0:
            connection.execute(delete(throttles).where(throttles.c.key == key))
            continue
        sooner = min(until, later(at, wait_s(left)))
        connection.execute(
            update(throttles).where(throttles.c.key == key).values(failures=left, until=sooner)
        )


def forgive(connection: Connection, own: str, *shared: str) -> None:
    """Forget the failures of an account after it proved itself, inside a transaction.

    Parameters
    ----------
    connection : of the transaction.
    own : key of the account; all its failures go.
    shared : keys of addresses; they lose only the failures of this account, so that an account
        of one's own does not help to guess at another.
    """
    failures = _locked(connection, [own]).get(own, (1, ""))[0]
    connection.execute(delete(throttles).where(throttles.c.key == own))
    take_back(connection, shared, failures)
    oldest = later(now(), -_FORGOTTEN_S)
    old = select(throttles.c.key).where(throttles.c.until < oldest)
    unheld = old.with_for_update(skip_locked=True)
    connection.execute(delete(throttles).where(throttles.c.key.in_(unheld)))


def _locked(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    query = select(throttles).where(throttles.c.key.in_(keys))
    rows = connection.execute(query.order_by(throttles.c.key).with_for_update())
    return {row.key: (int(row.failures), str(row.until)) for row in rows}


def _count(store: Store, connection: Connection, key: str, before: int, at: str) -> None:
    values = {"failures": before + 1, "until": later(at, wait_s(before + 1))}
    dialect = sqlite if store.is_sqlite else postgresql
    insert = dialect.insert(throttles).values(key=key, **values)
    # Another process may have counted the very first failure meanwhile.
    mine = {**values, "failures": throttles.c.failures + 1} if before == 0 else values
    connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=mine))


def _seconds_between(at: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(at)).total_seconds()


def _throttled(seconds: int) -> ThrottledError:
    return ThrottledError(
        f"too many attempts that failed. Wait {seconds} seconds and try again", seconds
    )
