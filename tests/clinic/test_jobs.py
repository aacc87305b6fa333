"""Jobs in the record: their states, whose they are, what is kept of them and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from anagen.clinic import jobs
from anagen.clinic.documents import Person
from anagen.clinic.erase import erase
from anagen.clinic.people import enrol
from anagen.clinic.permissions import CONSOLE, Actor
from anagen.clinic.store import Store, close_store, open_store, reading, writing
from anagen.clinic.tables import jobs as table
from anagen.errors import AccessError, BusyError, InputError, NotFoundError

ADA = Actor("ada", frozenset(("compute",)))
BEN = Actor("ben", frozenset(("compute",)))
REQUEST = '{"kind": "forecast", "person": "K7Q-4FNB"}'


def add(store: Store, actor: Actor = ADA, person: str | None = None, **more: int) -> str:
    return jobs.add_job(store, actor, "forecast", person, REQUEST, **more).id


def test_a_job_runs_its_course(store: Store) -> None:
    key = add(store)
    waiting = jobs.job(store, ADA, key)
    assert (waiting.state, waiting.request, waiting.account) == ("queued", REQUEST, "ada")
    assert waiting.active
    begun = jobs.start(store, key)
    assert begun is not None
    assert (begun.state, begun.attempts, begun.request) == ("running", 1, REQUEST)
    assert jobs.progress(store, key, 2, 5)
    assert (jobs.job(store, ADA, key).done, jobs.job(store, ADA, key).total) == (2, 5)
    assert jobs.finish(store, key, '{"answer": 42}')
    over = jobs.job(store, ADA, key)
    assert (over.state, over.result, over.problem) == ("done", '{"answer": 42}', None)
    assert over.created <= str(over.started) <= str(over.finished)
    assert not over.active


def test_a_job_begins_once(store: Store) -> None:
    key = add(store)
    assert jobs.start(store, key) is not None
    assert jobs.start(store, key) is None


def test_what_was_cancelled_stays_so(store: Store) -> None:
    key = add(store)
    jobs.start(store, key)
    assert jobs.cancel(store, ADA, key).state == "cancelled"
    assert not jobs.progress(store, key, 1, 2)
    assert not jobs.finish(store, key, "{}")
    assert not jobs.fail(store, key, "{}")
    assert not jobs.retry(store, key)
    assert jobs.cancel(store, ADA, key).state == "cancelled"
    assert jobs.job(store, ADA, key).result is None


def test_cancelling_what_is_done_keeps_its_answer(store: Store) -> None:
    key = add(store)
    jobs.start(store, key)
    jobs.finish(store, key, "{}")
    assert jobs.cancel(store, ADA, key).state == "done"


def test_nobody_sees_or_cancels_the_job_of_another(store: Store) -> None:
    key = add(store)
    for act in (jobs.job, jobs.cancel):
        with pytest.raises(NotFoundError):
            act(store, BEN, key)
    assert jobs.jobs(store, BEN) == ()
    assert jobs.job(store, ADA, key).state == "queued"


def test_without_permission_nothing_is_computed(store: Store) -> None:
    reader = Actor("rita", frozenset(("record:read",)))
    with pytest.raises(AccessError):
        add(store, reader)


def test_the_list_has_pages_and_the_newest_first(store: Store) -> None:
    keys = [add(store) for _ in range(5)]
    first = jobs.jobs(store, ADA, limit=2)
    second = jobs.jobs(store, ADA, after=first[-1].id, limit=2)
    third = jobs.jobs(store, ADA, after=second[-1].id, limit=2)
    assert [one.id for one in (*first, *second, *third)] == keys[::-1]
    assert first[0].request == ""
    assert jobs.jobs(store, ADA, after="unknown") == ()


def test_too_many_jobs_are_refused_by_account_and_in_all(store: Store) -> None:
    add(store, most_own=1)
    with pytest.raises(BusyError, match="one account") as own:
        add(store, most_own=1)
    assert own.value.seconds > 0
    with pytest.raises(BusyError, match="at most 1 unfinished jobs, found 1"):
        add(store, BEN, most_all=1)
    add(store, BEN, most_own=1, most_all=2)


def test_a_finished_job_makes_room(store: Store) -> None:
    jobs.cancel(store, ADA, add(store, most_own=1))
    add(store, most_own=1)


def test_a_request_too_long_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="MB"):
        jobs.add_job(store, ADA, "plan", None, "x" * 17_000_000)


def test_what_ran_when_the_server_ended_is_begun_once_more(store: Store) -> None:
    key, other = add(store), add(store)
    jobs.start(store, key)
    assert jobs.recover(store) == (key, other)
    assert jobs.job(store, ADA, key).state == "queued"
    jobs.start(store, key)
    assert jobs.recover(store) == (other,)
    over = jobs.job(store, ADA, key)
    assert over.state == "failed"
    assert "twice" in str(over.problem)


def test_an_orderly_end_costs_no_attempt(store: Store) -> None:
    key = add(store)
    for _ in range(3):
        assert jobs.start(store, key) is not None
        assert jobs.give_back(store, key)
    assert jobs.job(store, ADA, key).attempts == 0


def test_results_survive_a_restart(store: Store) -> None:
    key = add(store)
    jobs.start(store, key)
    jobs.finish(store, key, '{"answer": 42}')
    again = open_store(store.places, create=False)
    try:
        assert jobs.recover(again) == ()
        assert jobs.job(again, ADA, key).result == '{"answer": 42}'
    finally:
        close_store(again)


def test_texts_are_encrypted_at_rest(store: Store) -> None:
    key = add(store)
    jobs.start(store, key)
    jobs.finish(store, key, '{"secret": "bald"}')
    with reading(store) as connection:
        row = connection.execute(select(table).where(table.c.id == key)).one()
    assert "forecast" not in row.request
    assert "bald" not in row.result


def test_old_jobs_are_removed_and_unfinished_ones_are_not(store: Store) -> None:
    old, young, waiting = add(store), add(store), add(store)
    jobs.cancel(store, ADA, old)
    jobs.cancel(store, ADA, young)
    past = (datetime.now(UTC) - timedelta(days=8)).isoformat(timespec="microseconds")
    with writing(store) as connection:
        connection.execute(update(table).where(table.c.id == old).values(finished=past))
        connection.execute(update(table).where(table.c.id == waiting).values(created=past))
    assert jobs.tidy(store) == 1
    assert {one.id for one in jobs.jobs(store, ADA)} == {young, waiting}


def test_jobs_go_with_the_person(store: Store) -> None:
    for number in ("K7Q-4FNB", "P2"):
        enrol(store, CONSOLE, Person(), number=number)
    mine, other, nobody = add(store, person="K7Q-4FNB"), add(store, person="P2"), add(store)
    jobs.start(store, mine)
    erase(store, CONSOLE, "K7Q-4FNB", "asked for by the person")
    assert {one.id for one in jobs.jobs(store, ADA)} == {other, nobody}
    assert not jobs.finish(store, mine, "{}")
    with pytest.raises(NotFoundError):
        add(store, person="K7Q-4FNB")


def test_the_console_has_jobs_of_its_own(store: Store) -> None:
    add(store)
    key = add(store, CONSOLE)
    assert [one.id for one in jobs.jobs(store, CONSOLE)] == [key]
