"""Whatever is changed behind the back of the record is found; what was written is not."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from anagen.clinic import photographs
from anagen.clinic import verify as room
from anagen.clinic.documents import Note
from anagen.clinic.erase import erase
from anagen.clinic.people import keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import accesses, accounts, chains, entries, heads
from anagen.clinic.verify import verify
from anagen.errors import InputError, StoreError

SEALED = {
    "entries": (entries, entries.c.seq), "heads": (heads, heads.c.id),
    "chains": (chains, chains.c.name), "accesses": (accesses, accesses.c.seq),
}  # fmt: skip
COLUMNS = [(name, column.name) for name, (table, _) in SEALED.items() for column in table.columns]


@contextmanager
def tampering(store: Store) -> Iterator[Connection]:
    """A connection of somebody who changes rows by hand, without any check."""
    off, on = (
        ("PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys=ON")
        if store.is_sqlite
        else ("SET session_replication_role=replica", "SET session_replication_role=origin")
    )
    raw = store.engine.raw_connection()
    raw.cursor().execute(off)
    raw.commit()
    raw.close()
    with store.engine.connect() as connection, connection.begin():
        if not store.is_sqlite:
            connection.execute(text(off))
        yield connection
    raw = store.engine.raw_connection()
    raw.cursor().execute(on)
    raw.commit()
    raw.close()


def another(column: Any, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1000
    if value is None:
        return "x" if column.type.length is None or column.type.length > 10 else "2020-01-01"
    return ("0" if value[:1] != "0" else "1") + value[1:]


def problems_after(store: Store, statement: Any) -> tuple[Any, ...]:
    with tampering(store) as connection:
        done = connection.execute(statement)
        assert done.rowcount in (1, -1)  # not told for inserted rows
    return verify(store).problems


def test_a_record_as_it_was_written_is_sound(filled: Store) -> None:
    verdict = verify(filled)
    assert verdict.problems == ()
    assert verdict.sound
    assert (verdict.people, verdict.photographs, verdict.accesses) == (2, 2, 3)
    with reading(filled) as connection:
        assert verdict.entries == len(connection.execute(select(entries.c.seq)).all())


def test_an_empty_record_is_sound(store: Store) -> None:
    assert verify(store).problems == ()


def test_every_column_changed_is_found(filled: Store) -> None:
    missed = []
    for name, column in COLUMNS:
        table, key = SEALED[name]
        with reading(filled) as connection:
            rows = connection.execute(select(table).order_by(key)).all()
        row = rows[len(rows) // 2]
        where = [one == getattr(row, one.name) for one in table.primary_key]
        old = getattr(row, column)
        new = another(table.c[column], old)
        changed = {one.name: getattr(row, one.name) for one in table.primary_key} | {column: new}
        if not problems_after(filled, update(table).where(*where).values({column: new})):
            missed.append(f"{name}.{column}")
        back = [table.c[one.name] == changed[one.name] for one in table.primary_key]
        with tampering(filled) as connection:
            connection.execute(update(table).where(*back).values({column: old}))
    assert missed == []
    assert verify(filled).problems == ()


def test_every_row_taken_away_is_found(filled: Store) -> None:
    for name, (table, key) in SEALED.items():
        with reading(filled) as connection:
            rows = connection.execute(select(table).order_by(key)).all()
        for row in (rows[0], rows[len(rows) // 2], rows[-1]):
            where = [one == getattr(row, one.name) for one in table.primary_key]
            assert problems_after(filled, delete(table).where(*where)), (name, row[0])
            with tampering(filled) as connection:
                connection.execute(insert(table).values(**row._asdict()))
    assert verify(filled).problems == ()


def test_rows_added_or_swapped_are_found(filled: Store) -> None:
    with reading(filled) as connection:
        rows = [row._asdict() for row in connection.execute(select(entries).order_by("seq"))]
        head = connection.execute(select(heads)).first()
    last = rows[-1]
    forged = {**last, "seq": last["seq"] + 1, "id": "forged", "version": 1}
    for table, row, where in (
        (entries, forged, entries.c.id == "forged"),
        (heads, {**head._asdict(), "id": "forged"}, heads.c.id == "forged"),
        (chains, {"name": "other", "seq": 0, "digest": "0" * 64}, chains.c.name == "other"),
    ):
        assert problems_after(filled, insert(table).values(**row)), table.name
        with tampering(filled) as connection:
            connection.execute(delete(table).where(where))
    with tampering(filled) as connection:
        for seq, target in ((3, -1), (4, 3), (-1, 4)):
            connection.execute(update(entries).where(entries.c.seq == seq).values(seq=target))
    places = {problem.place for problem in verify(filled).problems}
    assert {"entry 3", "entry 4"} <= places


def test_a_swapped_text_and_roles_given_by_hand_are_found(filled: Store) -> None:
    with reading(filled) as connection:
        bodies = connection.execute(
            select(entries.c.seq, entries.c.body)
            .where(entries.c.kind == "identity")
            .order_by("seq")
        ).all()
    with tampering(filled) as connection:
        for (seq, _), (_, body) in zip(bodies, reversed(bodies), strict=True):
            connection.execute(update(entries).where(entries.c.seq == seq).values(body=body))
        connection.execute(update(accounts).values(roles="administrator clinician researcher"))
    places = [problem.place for problem in verify(filled).problems]
    assert places == [f"entry {seq}" for seq, _ in bodies] + ["account 'ada'"]


def test_one_bad_row_is_told_as_one_problem(filled: Store) -> None:
    problems = problems_after(
        filled, update(entries).where(entries.c.seq == 5).values(author="somebody")
    )
    assert [problem.place for problem in problems] == ["entry 5"]


def test_bytes_that_are_no_text_are_found(filled_sqlite: Store, released: ModuleType) -> None:
    sqlite_store = filled_sqlite
    with tampering(sqlite_store) as connection:
        for column in ("body", "reason", "digest"):
            connection.exec_driver_sql(
                f"UPDATE entries SET {column} = CAST(x'ff00fe' AS TEXT) WHERE seq = 6"
            )
        connection.exec_driver_sql("UPDATE entries SET author = x'6164' WHERE seq = 8")
        connection.exec_driver_sql("UPDATE entries SET retracted = 2 WHERE seq = 10")
    places = {problem.place for problem in verify(sqlite_store).problems}
    assert {"entry 6", "entry 8", "entry 10"} <= places


def test_texts_missing_without_an_erasure_are_found(filled: Store) -> None:
    problems = problems_after(filled, update(entries).where(entries.c.seq == 5).values(body=None))
    assert any("nobody erased" in problem.found for problem in problems)


def test_an_erased_text_put_back_is_found(filled: Store, released: ModuleType) -> None:
    with reading(filled) as connection:
        old = connection.execute(
            select(entries).where(entries.c.person == released.ERASED, entries.c.kind == "note")
        ).one()
    erase(filled, CONSOLE, released.ERASED, "request")
    assert verify(filled).problems == ()
    problems = problems_after(
        filled, update(entries).where(entries.c.seq == old.seq).values(body=old.body)
    )
    assert any(problem.place == f"entry {old.seq}" for problem in problems)


def test_an_anchor_gives_a_record_away_that_was_put_back(
    filled: Store, released: ModuleType
) -> None:
    early = verify(filled).end
    with reading(filled) as connection:
        end = connection.execute(select(chains).where(chains.c.name == "entries")).one()
    kept = keep(filled, CONSOLE, released.NUMBER, "note", Note(on=released.DAY, text="later"))
    late = verify(filled, anchor=early).end
    assert verify(filled, anchor=early).problems == ()
    assert verify(filled, anchor=f"0:{'0' * 64}").problems == ()
    with tampering(filled) as connection:
        connection.execute(delete(heads).where(heads.c.id == kept.entry.id))
        connection.execute(delete(entries).where(entries.c.seq == kept.entry.seq))
        back = update(chains).where(chains.c.name == "entries")
        connection.execute(back.values(seq=end.seq, digest=end.digest))
    assert verify(filled).problems == ()
    assert [p.place for p in verify(filled, anchor=late).problems] == [f"entry {kept.entry.seq}"]
    assert verify(filled, anchor=f"3:{'0' * 64}").problems


@pytest.mark.parametrize("anchor", ["", "12", "x:" + "0" * 64, "1:00", "-1:" + "0" * 64])
def test_an_anchor_that_is_none_is_refused(sqlite_store: Store, anchor: str) -> None:
    with pytest.raises(InputError, match="NUMBER:SEAL"):
        verify(sqlite_store, anchor=anchor)


def test_photographs_missing_changed_and_besides_are_found(filled: Store) -> None:
    files = PhotographStore(filled.places.photographs)
    first, second = photographs.every(files)
    (files.folder / first[:2] / first).unlink()
    (files.folder / second[:2] / second).write_bytes(b"other")
    strange = files.folder / "00" / ("0" * 64)
    strange.parent.mkdir(exist_ok=True)
    strange.write_bytes(b"strange")
    found = {problem.place for problem in verify(filled).problems}
    assert found == {f"photograph {first}", f"photograph {second}"}, "being kept at this moment?"
    day_ago = time.time() - 86_400
    os.utime(strange, (day_ago, day_ago))
    assert f"photograph {'0' * 64}" in {problem.place for problem in verify(filled).problems}


def test_a_document_unknown_to_this_release_is_told(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {name: kind for name, kind in room.KINDS.items() if name != "note"}
    monkeypatch.setattr(room, "KINDS", kinds)
    problems = verify(filled).problems
    assert len(problems) == 2
    assert all("this release knows" in problem.expected for problem in problems)


def test_many_problems_are_counted(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST", 3)
    with tampering(filled) as connection:
        connection.execute(update(entries).values(author="somebody"))
    problems = verify(filled).problems
    assert len(problems) == 4
    assert "more than these" in problems[-1].found


def test_an_index_that_lost_rows_is_told(filled_sqlite: Store, released: ModuleType) -> None:
    sqlite_store = filled_sqlite
    with tampering(sqlite_store) as connection:
        connection.exec_driver_sql("CREATE TABLE spare (a, b, c, d, e)")
        connection.exec_driver_sql("CREATE INDEX spare_index ON spare (a, b, c, d, e)")
        connection.exec_driver_sql("PRAGMA writable_schema=ON")
        connection.exec_driver_sql(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master "
            "WHERE name = 'spare_index') WHERE name = 'ix_heads_person'"
        )
        connection.exec_driver_sql("DELETE FROM sqlite_master WHERE name = 'spare_index'")
        connection.exec_driver_sql("PRAGMA writable_schema=OFF")
    sqlite_store.engine.dispose()
    assert any(p.place == "database file" for p in verify(sqlite_store).problems)


def test_a_file_that_is_no_database_is_told_in_words(sqlite_store: Store) -> None:
    sqlite_store.engine.dispose()
    file = sqlite_store.places.folder / "clinic.sqlite3"
    file.write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="damaged"):
        verify(sqlite_store)
