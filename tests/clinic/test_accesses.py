"""The access log: what was answered is in it, durable and in one chain, or it was not answered."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from anagen.clinic import accesses as room
from anagen.clinic import chain
from anagen.clinic.accesses import Access, AccessLog, accesses
from anagen.clinic.permissions import CONSOLE, Actor, permissions_of
from anagen.clinic.store import Store, close_store, open_store, reading
from anagen.clinic.tables import accesses as table
from anagen.clinic.tables import chains
from anagen.errors import AccessError, InputError, StoreError

LINE = Access("anna", None, "GET /people/{number}", "P001", 200, "r1", "192.0.2.1")


@pytest.fixture
def log(store: Store) -> Iterator[AccessLog]:
    made = AccessLog(store)
    yield made
    made.close()


def assert_sound(store: Store, lines: int) -> None:
    """The chain has no gap and each seal fits the one before."""
    with reading(store) as connection:
        rows = connection.execute(select(table).order_by(table.c.seq)).mappings().all()
        end = connection.execute(select(chains).where(chains.c.name == chain.ACCESSES)).one()
    digest = chain.FIRST
    assert [row["seq"] for row in rows] == list(range(1, lines + 1))
    for row in rows:
        digest = chain.access_seal(store.keys, digest, row)
        assert row["digest"] == digest
    assert (end.seq, end.digest) == (lines, digest)


def test_a_line_is_there_when_record_returns(store: Store, log: AccessLog) -> None:
    log.record(LINE)
    (seen,) = accesses(store, CONSOLE)
    assert (seen.seq, seen.account, seen.person, seen.outcome) == (1, "anna", "P001", 200)
    assert seen.action == LINE.action
    assert seen.at.endswith("+00:00")
    assert_sound(store, 1)


def test_many_at_once_make_one_sound_chain(store: Store, log: AccessLog) -> None:
    def write(number: int) -> None:
        log.record(replace(LINE, request=f"r{number}", person=f"P{number % 7}"))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(200)))
    assert_sound(store, 200)
    found = accesses(store, CONSOLE, limit=1000)
    assert {one.request for one in found} == {f"r{number}" for number in range(200)}
    assert [one.at for one in found] == sorted(one.at for one in found)


def test_two_processes_write_into_one_chain(store: Store, log: AccessLog) -> None:
    second = open_store(store.places, create=False)
    other = AccessLog(second)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: (log, other)[n % 2].record(LINE), range(40)))
    other.close()
    close_store(second)
    assert_sound(store, 40)


def test_those_who_wait_are_written_together(
    store: Store, log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    real = room._write

    def counted(one: Store, rows: Any) -> None:
        batches.append(len(rows))
        real(one, rows)

    monkeypatch.setattr(room, "_write", counted)
    with store.write_lock:
        futures = [log.submit(LINE) for _ in range(30)]
        assert not any(one.done() for one in futures)
    for one in futures:
        one.result(timeout=20)
    assert sum(batches) == 30
    assert len(batches) <= 2
    assert_sound(store, 30)


@pytest.mark.parametrize("failure", [StoreError("the disk is full"), ValueError("odd")])
def test_a_failing_disk_reaches_all_who_wait_and_no_line_is_kept(
    store: Store, log: AccessLog, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(_: Store) -> Any:
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(room, "writing", fail)
        start = threading.Barrier(20)

        def write(_: int) -> Exception | None:
            start.wait()
            try:
                log.record(LINE)
            except StoreError as error:
                return error
            return None

        with ThreadPoolExecutor(20) as pool:
            errors = list(pool.map(write, range(20)))
    assert all(isinstance(one, StoreError) for one in errors)
    assert len({id(one) for one in errors}) == 20
    assert_sound(store, 0)
    log.record(LINE)
    assert_sound(store, 1)


def test_closing_writes_what_waits_and_refuses_more(store: Store, log: AccessLog) -> None:
    with store.write_lock:
        futures = [log.submit(LINE) for _ in range(600)]
        closer = threading.Thread(target=log.close)
        closer.start()
    closer.join(timeout=30)
    assert all(one.done() and one.exception() is None for one in futures)
    assert_sound(store, 600)
    with pytest.raises(StoreError, match="closed"):
        log.record(LINE)
    log.close()


def test_whatever_a_request_brings_is_kept_as_one_line(store: Store, log: AccessLog) -> None:
    log.record(Access(None, None, "GET /\r\n\0" + "x" * 999, "P\0\ud800" * 99, 404, "r" * 99,
                      "::1%" + "z" * 99))  # fmt: skip
    (seen,) = accesses(store, CONSOLE)
    assert seen.account is None
    assert seen.action.startswith("GET /???xx")
    assert len(seen.action) == 160
    assert accesses(store, CONSOLE, person="P\0\ud800" * 99) == (seen,)
    assert_sound(store, 1)


def test_the_log_is_read_in_parts_by_person_and_account(store: Store, log: AccessLog) -> None:
    for number in range(6):
        person, account = f"P{number % 2}", ("anna", "ben", None)[number % 3]
        log.record(replace(LINE, person=person, account=account))
    assert [one.seq for one in accesses(store, CONSOLE, limit=4)] == [1, 2, 3, 4]
    assert [one.seq for one in accesses(store, CONSOLE, after=4, limit=4)] == [5, 6]
    assert [one.seq for one in accesses(store, CONSOLE, person="P1")] == [2, 4, 6]
    assert [one.seq for one in accesses(store, CONSOLE, account="ben")] == [2, 5]
    assert accesses(store, CONSOLE, after=10**30) == ()
    for limit in (0, 1001):
        with pytest.raises(InputError):
            accesses(store, CONSOLE, limit=limit)


def test_only_who_may_audit_reads_it(store: Store, log: AccessLog) -> None:
    log.record(LINE)
    with pytest.raises(AccessError, match="audit:read"):
        accesses(store, Actor("ben", permissions_of(("clinician",))))
    assert accesses(store, Actor("eve", permissions_of(("administrator",))))
