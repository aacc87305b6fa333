"""The workers: jobs run in processes of their own, can be stopped, and survive what ends them."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anagen.clinic import jobs
from anagen.clinic.documents import Person, VisitKept
from anagen.clinic.erase import erase
from anagen.clinic.jobs import Job
from anagen.clinic.people import enrol, keep
from anagen.clinic.permissions import ALLOWED, CONSOLE, Actor
from anagen.clinic.places import find_places
from anagen.clinic.store import Store, close_store, open_store
from anagen.errors import AccessError, BusyError, InputError, NotFoundError
from anagen.patient import load_patient
from anagen.patient.plans import PlanRequest, plan_patient
from anagen.web.api.job_models import (
    CheckRequested,
    JobProblem,
    PlanRequested,
    PlanResult,
    SimulateRequested,
    shown,
)
from anagen.web.workers import Limits, Load, Workers

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "patient.json"
PATIENT = load_patient(EXAMPLE)
ADA = Actor("ada", ALLOWED["clinician"])
BEN = Actor("ben", ALLOWED["clinician"])
PLAN = PlanRequested(patient=PATIENT, sessions=2)
CHECK = CheckRequested(patient=PATIENT)
# Every follicle by itself over five years: nobody waits for its end.
LONG = SimulateRequested(patient=PATIENT, weeks=260, follicles=True)
# Begins to tell progress soon.
STEADY = SimulateRequested(patient=PATIENT, weeks=260)
PATIENCE = 120.0


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    store = open_store(find_places(folder, environment={}))
    try:
        yield store
    finally:
        close_store(store)


@contextmanager
def working(store: Store, **options: Any) -> Iterator[Workers]:
    workers = Workers(store, count=1, warm=False, **options)
    try:
        yield workers
    finally:
        workers.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("workers") / "clinic") as one:
        yield one


@pytest.fixture(scope="module")
def workers(store: Store) -> Iterator[Workers]:
    with working(store) as one:
        yield one


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "clinic") as one:
        yield one


def until(look: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What is looked for, as soon as it is there."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found


def running(store: Store, key: str) -> Job:
    """A job, once it has told progress."""

    def look() -> Job | None:
        found = jobs.job(store, ADA, key)
        assert found.state in ("queued", "running"), found
        return found if found.done > 0 else None

    found: Job = until(look)
    return found


def processes() -> list[Any]:
    return [one for one in multiprocessing.active_children() if one.is_alive()]


def kill() -> None:
    """Kill the worker, as the kernel does when memory is short."""
    (process,) = until(lambda: len(processes()) == 1 and processes())
    os.kill(process.pid, signal.SIGKILL)
    process.join(5)


def problem_of(job: Job) -> JobProblem:
    assert job.state == "failed", job
    return JobProblem.model_validate_json(str(job.problem))


def test_a_plan_is_the_one_of_the_library(workers: Workers) -> None:
    job = workers.wait(ADA, workers.submit(ADA, PLAN).id, PATIENCE)
    answer = shown(job)
    assert (answer.state, answer.problem) == ("done", None)
    assert isinstance(answer.result, PlanResult)
    assert answer.result.plan == plan_patient(PATIENT, PlanRequest(sessions=2))


def test_a_running_job_is_cancelled_and_the_next_one_runs(store: Store, workers: Workers) -> None:
    long, waiting = workers.submit(ADA, STEADY), workers.submit(ADA, LONG)
    assert running(store, long.id).total > 1
    late = workers.submit(BEN, CHECK)
    assert workers.load() == Load(workers=1, queued=2, running=1)
    begun = time.monotonic()
    assert workers.wait(ADA, long.id, 0.2).active
    assert time.monotonic() - begun < 2
    assert workers.cancel(ADA, waiting.id).state == "cancelled"
    assert workers.cancel(ADA, long.id).state == "cancelled"
    assert workers.wait(BEN, late.id, PATIENCE).state == "done"
    assert jobs.job(store, ADA, long.id).state == "cancelled"
    assert jobs.job(store, ADA, waiting.id).started is None


def test_nobody_cancels_or_awaits_the_job_of_another(workers: Workers) -> None:
    key = workers.submit(ADA, PLAN).id
    with pytest.raises(NotFoundError):
        workers.cancel(BEN, key)
    with pytest.raises(NotFoundError):
        workers.wait(BEN, key, 1)
    assert workers.wait(ADA, key, PATIENCE).state == "done"


def test_what_cannot_be_meant_comes_back_with_its_problems(workers: Workers) -> None:
    asked = PlanRequested(patient=PATIENT, protocol="no-such")
    found = problem_of(workers.wait(ADA, workers.submit(ADA, asked).id, PATIENCE))
    assert found.cause == "input"
    assert "no-such" in found.problems[0].found


def test_a_person_is_filled_in_from_the_record(store: Store, workers: Workers) -> None:
    enrol(store, ADA, Person(weight_kg=70), number="K7Q-4FNB")
    for visit in PATIENT.visits:
        keep(store, ADA, "K7Q-4FNB", "visit", VisitKept(seen=visit))
    job = workers.submit(ADA, PlanRequested(person="K7Q-4FNB", sessions=1))
    assert job.person == "K7Q-4FNB"
    answer = shown(workers.wait(ADA, job.id, PATIENCE))
    assert isinstance(answer.result, PlanResult)
    assert answer.result.plan.patient == "K7Q-4FNB"


def test_a_worker_that_saw_somebody_erased_is_replaced(store: Store, workers: Workers) -> None:
    enrol(store, CONSOLE, Person(weight_kg=70), number="D002")
    for visit in PATIENT.visits:
        keep(store, CONSOLE, "D002", "visit", VisitKept(seen=visit))
    workers.wait(ADA, workers.submit(ADA, PlanRequested(person="D002", sessions=1)).id, PATIENCE)
    (slot,) = workers._slots
    workers.forget_erased()
    assert "D002" in slot.people
    assert not slot.stale
    erase(store, CONSOLE, "D002", "request of the person")
    workers.forget_erased()
    again = workers.submit(ADA, PlanRequested(patient=PATIENT, sessions=1))
    assert workers.wait(ADA, again.id, PATIENCE).state == "done"
    assert "D002" not in slot.people


def test_the_record_is_closed_to_who_may_not_read_it(store: Store, workers: Workers) -> None:
    asked = PlanRequested(person="K7Q-4FNB")
    with pytest.raises(AccessError):
        workers.submit(Actor("rita", ALLOWED["researcher"]), asked)
    with pytest.raises(NotFoundError):
        workers.submit(ADA, PlanRequested(person="nobody"))
    with pytest.raises(InputError):
        workers.submit(ADA, PlanRequested(person="K7Q-4FNB", patient=PATIENT))


def test_a_worker_killed_while_idle_costs_nothing(workers: Workers) -> None:
    workers.wait(ADA, workers.submit(ADA, CHECK).id, PATIENCE)
    kill()
    assert workers.wait(ADA, workers.submit(ADA, CHECK).id, PATIENCE).state == "done"


def test_a_killed_worker_is_replaced_and_its_job_tried_once_more(
    store: Store, workers: Workers
) -> None:
    key = workers.submit(ADA, LONG).id
    until(lambda: jobs.job(store, ADA, key).attempts == 1)

    def given_up() -> bool:
        for process in processes():
            os.kill(process.pid, signal.SIGKILL)
        return jobs.job(store, ADA, key).state == "failed"

    until(given_up)
    assert jobs.job(store, ADA, key).attempts == 2
    found = problem_of(workers.wait(ADA, key, PATIENCE))
    assert found.cause == "crash"
    assert "twice" in found.detail
    assert workers.wait(ADA, workers.submit(ADA, CHECK).id, PATIENCE).state == "done"


def test_too_many_jobs_are_refused_with_the_seconds_to_wait(small: Store) -> None:
    with working(small, limits=Limits(most_own=2, most_all=3)) as workers:
        for _ in range(2):
            workers.submit(ADA, LONG)
        with pytest.raises(BusyError) as busy:
            workers.submit(ADA, PLAN)
        assert busy.value.seconds > 0
        workers.submit(BEN, LONG)
        with pytest.raises(BusyError):
            workers.submit(BEN, LONG)


def test_a_job_that_takes_too_long_is_ended(small: Store) -> None:
    seconds = {"simulate": 0.3, "check": PATIENCE}
    with working(small, limits=Limits(seconds=seconds)) as workers:
        found = problem_of(workers.wait(ADA, workers.submit(ADA, LONG).id, PATIENCE))
        assert found.cause == "time"
        check = workers.submit(ADA, CHECK)
        assert workers.wait(ADA, check.id, PATIENCE).state == "done"


def test_a_job_that_needs_too_much_memory_is_ended(small: Store) -> None:
    with working(small, limits=Limits(memory=100_000_000)) as workers:
        found = problem_of(workers.wait(ADA, workers.submit(ADA, LONG).id, PATIENCE))
    assert found.cause == "memory"


def test_a_worker_is_replaced_after_some_tasks(small: Store) -> None:
    with working(small, limits=Limits(tasks=1)) as workers:
        pids = set()
        for _ in range(2):
            key = workers.submit(ADA, CHECK).id
            pids |= {one.pid for one in until(processes)}
            assert workers.wait(ADA, key, PATIENCE).state == "done"
    assert len(pids) > 1


def test_closing_is_quick_and_what_ran_begins_again_with_the_next_server(small: Store) -> None:
    workers = Workers(small, count=1, warm=False)
    done = workers.submit(ADA, CHECK).id
    assert workers.wait(ADA, done, PATIENCE).state == "done"
    key = workers.submit(ADA, LONG).id
    until(lambda: jobs.job(small, ADA, key).state == "running")
    begun = time.monotonic()
    workers.close()
    assert time.monotonic() - begun < 2
    workers.close()
    assert (job := jobs.job(small, ADA, key)).state == "queued"
    assert job.attempts == 0
    with working(small) as again:
        until(lambda: jobs.job(small, ADA, key).state == "running")
        assert json.loads(str(jobs.job(small, ADA, done).result))["kind"] == "check"
        again.cancel(ADA, key)


def test_no_process_outlives_its_workers(small: Store) -> None:
    before = {one.pid for one in processes()}
    with working(small) as workers:
        workers.submit(ADA, CHECK)
        until(lambda: {one.pid for one in processes()} - before)
    until(lambda: not {one.pid for one in processes()} - before, 5)
