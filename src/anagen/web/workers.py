"""The workers: jobs are queued in the record, computed in processes, and their answers kept."""

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pebble import ProcessExpired

from anagen.clinic import jobs
from anagen.clinic.erase import erasures
from anagen.clinic.jobs import Job
from anagen.clinic.people import patient_of
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, reading
from anagen.errors import InputError, Problem, StoreError
from anagen.web.api.job_models import DocumentRequested, JobProblem, TaskRequest
from anagen.web.printing import filled_document
from anagen.web.worker_process import OUT_OF_MEMORY, Outcome
from anagen.web.worker_slot import Slot, Task

# How often the workers are looked after while they compute, and while they do not.
_TICK = 0.25
_IDLE = 1.0
_TIDY_SECONDS = 300.0
_WARM_SECONDS = 300.0
_CLOSE_SECONDS = 1.5
_CORES_FOR_TWO = 4
_QUICK = frozenset(("plan", "check"))
_GIGABYTE = 1_000_000_000

_SECONDS = MappingProxyType(
    {"plan": 60.0, "check": 60.0, "simulate": 300.0, "forecast": 300.0, "compare": 600.0,
     "review": 300.0, "hair": 300.0, "document": 300.0}
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """How much the workers take on.

    Parameters
    ----------
    seconds : a job may take, by kind.
    most_own, most_all : jobs queued or running of one account, and of all.
    tasks : after which a worker is replaced.
    memory : above which a worker is replaced when its task is over; at twice that it is ended
        [byte].
    """

    seconds: Mapping[str, float] = field(default_factory=lambda: _SECONDS)
    most_own: int = jobs.MOST_OWN
    most_all: int = jobs.MOST_ALL
    tasks: int = 200
    memory: int = 3 * _GIGABYTE


@dataclass(frozen=True)
class Load:
    """What the workers have to do: processes, jobs that wait, jobs that run."""

    workers: int
    queued: int
    running: int


def filled(store: Store, actor: Actor, asked: TaskRequest) -> TaskRequest:
    """Put the patient of the record into a request about a person; a document needs more of it.

    Raises
    ------
    InputError
        When both are there.
    NotFoundError
        When there is no such person.
    AccessError
        When the actor may not read the record.
    """
    if isinstance(asked, DocumentRequested):
        asked = filled_document(store, actor, asked)
    if asked.person is None:
        return asked
    if asked.patient is not None:
        raise InputError(
            Problem("patient", "a person or a patient", "both", "Leave one of the two out.")
        )
    require(actor, "record:read")
    patient = patient_of(store, asked.person, getattr(asked, "on", None))
    return asked.model_copy(update={"patient": patient})


class Workers:
    """The worker processes of one server.

    Parameters
    ----------
    store : open store, where jobs are kept.
    count : processes; None for one, or two where there are four cores.
    limits : how much they take on.
    warm : whether idle workers compile the commonest forecast in advance.
    log : of the server (structlog); None for none.
    """

    def __init__(
        self,
        store: Store,
        *,
        count: int | None = None,
        limits: Limits | None = None,
        warm: bool = True,
        log: Any = None,
    ) -> None:
        self._store = store
        self._limits = limits or Limits()
        self._warm = warm
        self._log = log
        self._changed = threading.Condition()
        self._poked = False
        self._closing = False
        self._ends = 0
        self._numbers = itertools.count(1)
        self._unsaved: list[Callable[[], object]] = []
        self._next_tidy = 0.0
        jobs.recover(store)
        self._waiting: list[Job] = list(jobs.queued(store))
        self._slots = [
            Slot(2 * self._limits.memory, self._poke) for _ in range(count or _usual_count())
        ]
        self._thread = threading.Thread(target=self._run, name="anagen workers", daemon=True)
        self._thread.start()

    def submit(self, actor: Actor, asked: TaskRequest) -> Job:
        """Queue a job; the patient is filled in from the record when a person is named.

        Raises
        ------
        BusyError
            When too many are queued.
        InputError, NotFoundError, AccessError
            As `filled` and `anagen.clinic.jobs.add_job`.
        """
        whole = filled(self._store, actor, asked)
        job = jobs.add_job(
            self._store, actor, asked.kind, asked.person, whole.model_dump_json(exclude_none=True),
            most_own=self._limits.most_own, most_all=self._limits.most_all,
        )  # fmt: skip
        with self._changed:
            self._waiting.append(job)
        self._poke()
        return job

    def cancel(self, actor: Actor, key: str) -> Job:
        """Cancel one's own job; a running one is stopped, and the next begins.

        Raises
        ------
        NotFoundError
            When there is none of that id, or it is somebody else's.
        """
        job = jobs.cancel(self._store, actor, key)
        with self._changed:
            self._waiting = [one for one in self._waiting if one.id != key]
            for slot in self._slots:
                if slot.task is not None and slot.task.job == key:
                    slot.ask_to_stop()
            self._ends += 1
        self._poke()
        return job

    def wait(self, actor: Actor, key: str, seconds: float) -> Job:
        """Give one's own job once it is over, or as it is after some seconds.

        Raises
        ------
        NotFoundError
            When there is none of that id, or it is somebody else's.
        """
        until = time.monotonic() + seconds
        while True:
            with self._changed:
                seen = self._ends
            job = jobs.job(self._store, actor, key)
            left = until - time.monotonic()
            if not job.active or left <= 0 or self._closing:
                return job
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._ends != seen, min(left, _IDLE))

    def forget_erased(self) -> None:
        """Drop what workers keep in memory about people erased since, by another process.

        The rows of the jobs are removed with the record (`anagen.clinic.erase`).
        """
        with reading(self._store) as connection:
            gone = erasures(connection).keys()
        with self._changed:
            self._waiting = [one for one in self._waiting if one.person not in gone]
            for slot in self._slots:
                if slot.task is not None and slot.task.person in gone:
                    slot.ask_to_stop()
                slot.stale = slot.stale or not gone.isdisjoint(slot.people)
        self._poke()

    def load(self) -> Load:
        """Tell how much there is to do."""
        with self._changed:
            running = sum(slot.task is not None and slot.task.job is not None
                          for slot in self._slots)  # fmt: skip
            return Load(len(self._slots), len(self._waiting), running)

    def close(self) -> None:
        """End all workers within two seconds; what ran is queued again for the next start."""
        until = time.monotonic() + _CLOSE_SECONDS
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._poked = True
            self._ends += 1
            self._changed.notify_all()
        self._thread.join(_CLOSE_SECONDS / 2)
        running = [slot.task.job for slot in self._slots
                   if slot.task is not None and slot.task.job is not None]  # fmt: skip
        for slot in self._slots:
            slot.stop()
        for key in running:
            self._save(lambda key=key: jobs.give_back(self._store, key))
        for slot in self._slots:
            slot.join(until)

    def _poke(self) -> None:
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                busy = any(slot.task is not None for slot in self._slots)
                self._changed.wait_for(lambda: self._poked, _TICK if busy else _IDLE)
                self._poked = False
                if self._closing:
                    return
            try:
                self._tick()
            except StoreError as error:
                self._note("the record of jobs cannot be used", reason=str(error))
                time.sleep(_TICK)
            except Exception as error:
                self._note("fault of the workers", type=type(error).__name__)
                time.sleep(_TICK)

    def _tick(self) -> None:
        unsaved, self._unsaved = self._unsaved, []
        for write in unsaved:
            self._save(write)
        for slot in self._slots:
            self._look_after(slot)
        while self._begin_one():
            pass
        for slot in self._slots:
            if self._warm and slot.task is None and slot.cold:
                slot.warm_up(next(self._numbers), _WARM_SECONDS)
        if time.monotonic() > self._next_tidy:
            self._next_tidy = time.monotonic() + _TIDY_SECONDS
            jobs.tidy(self._store)
            self.forget_erased()

    def _look_after(self, slot: Slot) -> None:
        task = slot.task
        if task is None:
            if slot.stale:
                slot.renew()
            return
        if task.future.done():
            slot.task = None
            self._over(slot, task)
        elif task.stop_by is not None:
            if time.monotonic() > task.stop_by:
                slot.renew()
        elif time.monotonic() > task.deadline:
            self._renew_after(slot, task)
            self._fail(task, "time", "The computation took longer than it may. Ask for less, "
                       "for example fewer weeks or plans.")  # fmt: skip
        elif task.job is not None and (told := slot.progress()):
            wanted = jobs.progress(self._store, task.job, *told)
            if not wanted:
                slot.ask_to_stop()

    def _over(self, slot: Slot, task: Task) -> None:
        """Keep what came of a task, and replace the worker when it is time to."""
        try:
            outcome = task.future.result(timeout=0)
        except ProcessExpired as error:
            self._renew_after(slot, task)
            self._crashed(task, error.exitcode)
            return
        except Exception as error:
            self._renew_after(slot, task)
            self._note("a worker could not be used", type=type(error).__name__)
            self._crashed(task, None)
            return
        if (
            slot.stale
            or slot.tasks >= self._limits.tasks
            or outcome.memory > self._limits.memory
        ):  # fmt: skip
            slot.renew()
        if task.job is not None:
            self._keep(task, task.job, outcome)
        elif outcome.state == "fault":
            self._note("warming up failed", where=outcome.where)

    def _renew_after(self, slot: Slot, task: Task) -> None:
        """Replace a worker; one that died while warming up is not warmed up again."""
        slot.renew()
        slot.cold = task.job is not None

    def _keep(self, task: Task, key: str, outcome: Outcome) -> None:
        if outcome.state == "done":
            self._save(lambda: jobs.finish(self._store, key, outcome.text))
        elif outcome.state == "input":
            self._save(lambda: jobs.fail(self._store, key, outcome.text))
        elif outcome.state == "fault":
            self._note("a job failed", job=key, kind=task.kind, where=outcome.where)
            self._fail(task, "fault", "This is a fault of Anagen; the log of the server says more "
                       f"under {key}.")  # fmt: skip

    def _crashed(self, task: Task, code: int | None) -> None:
        """Try a job again whose process ended, unless it needs too much memory."""
        if task.job is None or task.stop_by is not None:
            return
        key = task.job
        self._note("a worker ended", job=key, kind=task.kind, code=code)
        if code == OUT_OF_MEMORY:
            self._fail(task, "memory", "The computation needs more memory than it may. "
                       "Ask for less, for example fewer weeks or plans.")  # fmt: skip
            return

        def again() -> None:
            if jobs.retry(self._store, key):
                with self._changed:
                    self._waiting = list(jobs.queued(self._store))
                self._poke()

        self._save(again)

    def _fail(self, task: Task, cause: Any, detail: str) -> None:
        if task.job is not None:
            key = task.job
            text = json.dumps(JobProblem(cause=cause, detail=detail).model_dump(mode="json"))
            self._save(lambda: jobs.fail(self._store, key, text))

    def _save(self, write: Callable[[], object]) -> None:
        """Write the end of a job; when the record refuses, again at the next tick."""
        try:
            write()
        except StoreError as error:
            self._unsaved.append(write)
            self._note("the end of a job could not be kept yet", reason=str(error))
        with self._changed:
            self._ends += 1
            self._changed.notify_all()

    def _begin_one(self) -> bool:
        """Begin the job whose turn it is, if a worker is idle; tell whether there was one."""
        with self._changed:
            idle = [slot for slot in self._slots if slot.task is None]
            if self._closing or not idle or not self._waiting:
                return False
            chosen = self._next()
            slot = next((one for one in idle if chosen.person in one.people), idle[0])
        job = jobs.start(self._store, chosen.id)
        with self._changed:
            self._waiting = [one for one in self._waiting if one.id != chosen.id]
            if job is not None:
                seconds = self._limits.seconds[job.kind]
                slot.begin(next(self._numbers), job, seconds)
        return True

    def _next(self) -> Job:
        """Choose quick jobs first, then those of accounts with fewest running, then the oldest."""
        running = [slot.task.account for slot in self._slots if slot.task is not None]

        def turn(one: Job) -> tuple[bool, int, str]:
            return one.kind not in _QUICK, running.count(one.account), one.created

        return min(self._waiting, key=turn)

    def _note(self, event: str, **more: Any) -> None:
        if self._log is not None:
            self._log.error(event, **more)


def _usual_count() -> int:
    return 2 if (os.cpu_count() or 1) >= _CORES_FOR_TWO else 1
