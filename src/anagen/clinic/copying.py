"""Copying the tables of the record from one database to another, in one consistent state."""

import hashlib
import json
from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, Table, insert, select

from anagen.clinic.store import Store, reading
from anagen.clinic.tables import metadata, sign_ins, throttles

# Rows in memory at a time.
_ROWS = 2000
# What lasts minutes or hours: nobody is signed in after a record was brought back.
LEFT_OUT = (sign_ins, throttles)


def kept_tables() -> tuple[Table, ...]:
    """Tables that a backup holds, those that others refer to first."""
    return tuple(table for table in metadata.sorted_tables if table not in LEFT_OUT)


def copy_tables(source: Connection, target: Connection) -> dict[str, int]:
    """Copy all rows of the kept tables into empty ones; give how many, by table.

    Parameters
    ----------
    source, target : connections, each in a transaction, with the tables of this release.
    """
    counts = {}
    for table in kept_tables():
        rows = iter(source.execute(select(table).execution_options(yield_per=_ROWS)).mappings())
        counts[table.name] = 0
        while part := [dict(row) for row in islice(rows, _ROWS)]:
            target.execute(insert(table), part)
            counts[table.name] += len(part)
    return counts


def content_hash(store: Store) -> str:
    """Hash of all rows that a backup holds; the same in every database, whatever their order.

    Parameters
    ----------
    store : open store.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    whole = hashlib.sha256()
    with reading(store) as connection:
        for table in kept_tables():
            # A sum does not depend on the order, in which databases differ for text.
            total = sum(_hashes(connection, table)) % 2**256
            whole.update(f"{table.name}:{total:064x};".encode())
    return whole.hexdigest()


def _hashes(connection: Connection, table: Table) -> Iterator[int]:
    for row in connection.execute(select(table).execution_options(yield_per=_ROWS)):
        line = json.dumps(list(row), ensure_ascii=True, separators=(",", ":"))
        yield int.from_bytes(hashlib.sha256(line.encode()).digest(), "big")
