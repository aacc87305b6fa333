"""One worker process and what it does now; replaced whenever it must be stopped.

Each slot has a pool of its own, so that stopping one task never touches another.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from typing import Any

from pebble import ProcessPool

from anagen.web import worker_process
from anagen.web.worker_process import DONE, PLACES, STOP, TASK, TOTAL, Outcome

# How long a task may take to notice that it is no longer wanted, before it is killed.
_STOP_SECONDS = 1.0

# Progress of a task is told at most this often.
_TELL_SECONDS = 0.25


@dataclass
class Task:
    """What a slot does now.

    Parameters
    ----------
    number : of the task within this server.
    job : id of the job; None when the worker warms up.
    kind, person, account : of the job.
    future : of its outcome.
    deadline : when its time is over; stop_by : when it is killed, once it is unwanted.
    told : progress told last; tell_after : when it may be told again.
    """

    number: int
    job: str | None
    kind: str
    person: str | None
    account: str
    future: Any
    deadline: float
    stop_by: float | None = None
    told: tuple[int, int] = (0, 0)
    tell_after: float = 0.0


class Slot:
    """One worker process.

    Parameters
    ----------
    most_memory : at which the process ends itself [byte].
    wake : called, from another thread, when a task is over.
    """

    def __init__(self, most_memory: int, wake: Callable[[], None]) -> None:
        self._most_memory = most_memory
        self._wake = wake
        self._stopping: list[threading.Thread] = []
        self.task: Task | None = None
        self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._shared: MutableSequence[int] = context.RawArray("q", PLACES)
        self._pool = ProcessPool(
            max_workers=1,
            initializer=worker_process.begin,
            initargs=(self._shared, self._most_memory),
            context=context,
        )
        self.tasks = 0
        self.people: set[str] = set()
        self.cold = True
        self.stale = False

    def warm_up(self, number: int, seconds: float) -> None:
        """Let the idle worker compile the commonest forecast."""
        self.cold = False
        future = self._schedule(worker_process.warm, ())
        self._take(Task(number, None, "warm-up", None, "", future, time.monotonic() + seconds))

    def begin(self, number: int, job: Any, seconds: float) -> None:
        """Compute a job.

        Parameters
        ----------
        number : of the task; job : `anagen.clinic.jobs.Job`, with its request.
        seconds : how long it may take.
        """
        self._shared[STOP] = 0
        future = self._schedule(worker_process.work, (number, job.kind, job.request))
        self.tasks += 1
        if job.kind in ("forecast", "review", "hair", "document"):
            self.cold = False
        if job.person is not None:
            self.people.add(job.person)
        self._take(Task(number, job.id, job.kind, job.person, job.account, future,
                        time.monotonic() + seconds))  # fmt: skip

    def _schedule(self, function: Callable[..., Outcome], words: tuple[Any, ...]) -> Any:
        try:
            return self._pool.schedule(function, args=words)
        except RuntimeError:  # the process ended while it was idle
            self.renew()
            return self._pool.schedule(function, args=words)

    def _take(self, task: Task) -> None:
        self.task = task
        task.future.add_done_callback(lambda _future: self._wake())

    def progress(self) -> tuple[int, int] | None:
        """Tell steps done and in all, if they are other than those told last, a while ago."""
        task = self.task
        if task is None or self._shared[TASK] != task.number or time.monotonic() < task.tell_after:
            return None
        now = (int(self._shared[DONE]), int(self._shared[TOTAL]))
        if now == task.told:
            return None
        task.told, task.tell_after = now, time.monotonic() + _TELL_SECONDS
        return now

    def ask_to_stop(self) -> None:
        """Tell the task that it is no longer wanted; soon after it is killed."""
        task = self.task
        if task is not None and task.stop_by is None:
            task.stop_by = time.monotonic() + _STOP_SECONDS
            self._shared[STOP] = task.number

    def renew(self) -> None:
        """Kill the process and begin with a new one."""
        self.stop()
        self._open()

    def stop(self) -> None:
        """Kill the process, without waiting for it."""
        self.task = None
        thread = threading.Thread(target=_stop, args=(self._pool,), daemon=True)
        thread.start()
        self._stopping = [one for one in self._stopping if one.is_alive()] + [thread]

    def join(self, until: float) -> None:
        """Wait until the processes stopped are gone, not longer than to a monotonic time."""
        for thread in self._stopping:
            thread.join(max(0.0, until - time.monotonic()))


def _stop(pool: Any) -> None:
    pool.stop()
    pool.join()
