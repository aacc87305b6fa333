"""Run a virtual trial over processes or a cluster: resumable, and exact about what is missing.

The store decides what is done; workers, schedulers and this process may come and go. A chunk is
given to a worker, tried once more when it fails, and told of when it fails again.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from anagen.errors import InputError, Problem, SimulationError
from anagen.trials import store
from anagen.trials.chunk_task import Answer, Task, compute, pattern, reason
from anagen.trials.cluster import (
    LOCAL,
    Link,
    calm_logs,
    check_workers,
    close_link,
    differing,
    open_link,
    threads_of,
)
from anagen.trials.run_plan import Chunk, RunPlan, chunks_of, describe_chunk

_TRIES = 2  # of a chunk that fails
_TICK = 0.5  # s between looks at the cluster while nothing is finished
_LOOK = 2.0  # s between counts of the workers
_RECONNECT = 60.0  # s in which a lost scheduler may come back
_ALONE = 60.0  # s without any worker before a run stops
_PATTERN = 600.0  # s for the first person: a worker lays out and compiles everything


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Parameters
    ----------
    people : whose results are kept; total : of the run; before : kept when it began.
    seconds : since the first worker was ready.
    workers : at hand.
    note : what just happened; empty for nothing.
    """

    people: int
    total: int
    before: int
    seconds: float
    workers: int
    note: str = ""


Progress = Callable[[RunProgress], None]


@dataclass(frozen=True)
class Failure:
    """A chunk without results, and why."""

    chunk: Chunk
    reason: str


@dataclass(frozen=True)
class RunOutcome:
    """What a run has come to.

    Parameters
    ----------
    plan : of the run; path : of the store.
    before, now : chunks that were kept when it began, and since.
    people_now : who were computed and kept since it began.
    missing : chunks without results, each with the reason.
    repaired : chunks whose files had been damaged and that were computed again.
    failed_units : units that the model could not follow; flagged ``failed`` in the results.
    seconds : the whole run took, start of workers included.
    computing, writing : of all workers together [s].
    notes : what happened on the way, such as a scheduler that was lost.
    """

    plan: RunPlan
    path: Path
    before: int
    now: int
    people_now: int
    missing: tuple[Failure, ...]
    repaired: int
    failed_units: int
    seconds: float
    computing: float
    writing: float
    notes: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every chunk is there."""
        return not self.missing

    @property
    def report(self) -> tuple[str, ...]:
        """What is missing and why, a line for each chunk."""
        return tuple(f"{describe_chunk(self.plan, one.chunk)}: {one.reason}"
                     for one in self.missing)  # fmt: skip


def run_trial(
    plan: RunPlan,
    path: Path | str,
    cluster: str = LOCAL,
    progress: Progress | None = None,
    *,
    workers: int | None = None,
) -> RunOutcome:
    """Compute what a store lacks of a run.

    Parameters
    ----------
    plan : of the run.
    path : of the Zarr store; results of the same plan that are there are kept and not computed.
    cluster : ``local`` for processes of this machine, or the address of a Dask scheduler.
    progress : told how far it is.
    workers : processes on this machine; one a core when None.

    Returns
    -------
    RunOutcome
        Also when something is missing; it says what and why.

    Raises
    ------
    InputError
        When the store holds something else or cannot be written, no scheduler answers, or a
        worker has another version.
    SimulationError
        When not even one person can be computed.
    KeyboardInterrupt
        When interrupted; the same call goes on where it stopped.
    """
    begin, place = time.monotonic(), Path(path).absolute()
    exists = store.find_store(plan, place)
    kept = store.look(plan, place) if exists else store.Kept(frozenset(), frozenset())
    lacking = [chunk for chunk in chunks_of(plan) if chunk.number not in kept.done]
    run = None
    if lacking:
        few = min(workers, len(lacking)) if workers else None
        with calm_logs(), _linked(cluster, few, len(lacking)) as links:
            check_workers(links[-1], plan)
            if exists:
                store.forget(place, lacking)
            else:
                store.create_store(plan, place, _pattern(links[-1], plan))
            run = _Run(plan, place, links, lacking, progress or _silent)
            with _sight(run.sight):
                run.drive()
    return _outcome(plan, place, kept, run, time.monotonic() - begin)


class _Run:
    """Chunks on their way; changed by nothing but its own methods, in one thread."""

    def __init__(
        self, plan: RunPlan, path: Path, links: list[Link], lacking: list[Chunk], progress: Progress
    ) -> None:
        self.plan, self.path, self.links, self.progress = plan, path, links, progress
        # Not seen by readers of Zarr, and gone when the run ends.
        self.sight = path / store.DIGESTS / f".sight-{secrets.token_hex(8)}"
        self.waiting, self.running = deque(lacking), dict[Any, Chunk]()
        self.finished: Queue[Any] = Queue()
        self.tries: dict[int, list[str]] = {}
        self.avoid: dict[int, str] = {}
        self.bound: dict[Any, set[str]] = {}
        self.why: dict[int, str] = {}
        self.notes: list[str] = []
        self.people = self.before = plan.people - sum(chunk.count for chunk in lacking)
        self.computing = self.writing = 0.0
        self.stopped = ""
        self.begin = self.looked = self.seen = time.monotonic()
        self.threads = threads_of(links[-1])

    def drive(self) -> None:
        """Go on until every chunk is kept or given up, or nothing can go on."""
        self.tell()
        while (self.waiting or self.running) and not self.stopped:
            try:
                self.submit()
                with suppress(Empty):
                    self.take(self.finished.get(timeout=_TICK))
                if time.monotonic() - self.looked > _LOOK:
                    self.look()
            except OSError as error:
                self.reconnect(error)
        for future in self.running:
            with suppress(Exception):
                future.cancel()

    def submit(self) -> None:
        """Give every worker one chunk to compute and one to go on with."""
        room = max(sum(self.threads.values()) + len(self.threads), 1)
        client = self.links[-1].client
        while self.waiting and len(self.running) < room:
            chunk = self.waiting.popleft()
            others = [name for name in self.threads if name != self.avoid.get(chunk.number)]
            chosen = others if chunk.number in self.avoid and others else None
            try:
                future = client.submit(
                    compute, Task(self.plan, chunk, self.path, self.sight), pure=False,
                    workers=chosen,
                )  # fmt: skip
            except Exception as error:
                self.waiting.appendleft(chunk)
                raise OSError(reason(error)) from error
            self.running[future] = chunk
            if chosen:
                self.bound[future] = set(chosen)
            future.add_done_callback(self.finished.put)

    def take(self, future: Any) -> None:
        """See what became of a chunk."""
        chunk = self.running.pop(future, None)
        self.bound.pop(future, None)
        if chunk is None:  # of a connection that was lost
            return
        if future.status == "finished":
            try:
                answer: Answer = future.result(timeout=_RECONNECT)
            except Exception:  # its worker is gone, and the answer with it
                return self.again(chunk)
            return self.answered(chunk, answer, future)
        if future.status != "error":
            return self.again(chunk)
        error = future.exception(timeout=_RECONNECT)
        name = type(error).__name__
        if isinstance(error, ModuleNotFoundError) and "anagen" in str(error.name):
            raise InputError(differing("that has joined", self.plan, error))
        if name == "KilledWorker":
            self.give_up(chunk, "every worker that computed it ended at once; was it short of "
                                "memory?")  # fmt: skip
        else:
            self.tried(chunk, reason(error), "")

    def answered(self, chunk: Chunk, answer: Answer, future: Any) -> None:
        """Keep what a worker could not keep itself, or note why there is nothing."""
        self.computing += answer.computing
        self.writing += answer.writing
        if answer.differs:
            raise InputError(differing("that has joined", self.plan, answer.differs))
        if answer.error:
            return self.tried(chunk, answer.error, answer.worker)
        if answer.dataset is not None:
            if answer.unwritten:
                self.note(f"a worker could not write ({answer.unwritten}); written from here")
            begin = time.monotonic()
            try:
                store.write_chunk(self.plan, self.path, chunk, answer.dataset)
            except OSError as error:
                self.stopped = f"the results cannot be written: {reason(error)}"
                return self.give_up(chunk, self.stopped)
            except ValueError as error:
                return self.tried(chunk, reason(error), answer.worker)
            self.writing += time.monotonic() - begin
        self.people += chunk.count
        self.tell()

    def again(self, chunk: Chunk) -> None:
        """Put a chunk back whose answer was lost, unless its results are there."""
        if store.digest_of(self.path, chunk) is None:
            self.waiting.appendleft(chunk)
        else:
            self.people += chunk.count
            self.tell()

    def tried(self, chunk: Chunk, why: str, worker: str) -> None:
        """Try a chunk that failed once more, elsewhere if there is another worker."""
        reasons = self.tries.setdefault(chunk.number, [])
        reasons.append(why)
        if len(reasons) < _TRIES:
            self.avoid[chunk.number] = worker
            self.waiting.append(chunk)
            self.note(f"chunk {chunk.number} failed ({why}); it is tried again")
        else:
            self.give_up(chunk, ", then ".join(dict.fromkeys(reasons)))

    def give_up(self, chunk: Chunk, why: str) -> None:
        """Go on without a chunk."""
        self.why[chunk.number] = why
        self.note(f"chunk {chunk.number} is missing: {why}")

    def look(self) -> None:
        """Count the workers; a cluster without any is waited for, but not for ever."""
        self.looked = time.monotonic()
        link = self.links[-1]
        if link.client.status != "running":
            raise OSError(f"the connection to the scheduler {link.address} is lost")
        self.threads = threads_of(link)
        if self.threads:
            self.seen = self.looked
        elif self.looked - self.seen > _ALONE:
            self.stopped = f"the cluster has had no worker for {_ALONE:.0f} s"
        for future in [one for one, chosen in self.bound.items() if not chosen & set(self.threads)]:
            self.avoid.pop(self.running[future].number, None)  # whom it was given to are gone
            future.cancel()
        self.tell()

    def reconnect(self, error: OSError) -> None:
        """Wait for a scheduler that is gone, and give what is lacking to the new one."""
        self.note(f"{reason(error)}; trying again for {_RECONNECT:.0f} s")
        lost = self.links[-1]
        close_link(lost)
        chunks = sorted(self.running.values(), key=lambda chunk: -chunk.number)
        self.running.clear()
        self.bound.clear()
        for chunk in chunks:
            self.again(chunk)
        until = time.monotonic() + _RECONNECT
        while lost.processes is None and time.monotonic() < until:
            try:
                self.links.append(open_link(lost.address))
            except InputError:
                time.sleep(_TICK)
                continue
            self.threads, self.seen = {}, time.monotonic()
            return self.note("the scheduler is back")
        self.stopped = f"the scheduler {lost.address} was lost and has not come back"

    def note(self, words: str) -> None:
        """Keep and tell what happened."""
        self.notes.append(words)
        self.tell(words)

    def tell(self, words: str = "") -> None:
        """Tell how far it is."""
        self.progress(RunProgress(self.people, self.plan.people, self.before,
                                  time.monotonic() - self.begin, len(self.threads),
                                  words))  # fmt: skip


@contextmanager
def _linked(cluster: str, workers: int | None, most: int) -> Iterator[list[Link]]:
    """Cluster at hand, last in a list to which new connections to it are added."""
    if cluster == LOCAL and workers is None:
        from dask.system import CPU_COUNT

        workers = min(CPU_COUNT, most)
    links = [open_link(cluster, workers)]
    try:
        yield links
    finally:
        close_link(links[-1])


@contextmanager
def _sight(path: Path) -> Iterator[None]:
    """Put a file into the store by which a worker sees that it has the same disk."""
    for old in path.parent.glob(".sight-*"):  # of a run that was killed
        old.unlink(missing_ok=True)
    try:
        path.touch()
    except OSError as error:
        place = f"output {path.parent.parent}"
        raise InputError(
            Problem(place, "a store that can be written", reason(error),
                    "Free some space or mend its permissions.")
        ) from error  # fmt: skip
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _pattern(link: Link, plan: RunPlan) -> Any:
    """Let a worker compute the first person, which also shows that the engine can."""
    try:
        return link.client.submit(pattern, plan, pure=False).result(timeout=_PATTERN)
    except InputError:
        raise
    except Exception as error:
        raise SimulationError(
            f"the first person cannot be computed on {link.address}: {reason(error)}"
        ) from error


def _outcome(
    plan: RunPlan, path: Path, kept: store.Kept, run: _Run | None, seconds: float
) -> RunOutcome:
    """Hold the run against what the store has, which alone counts."""
    done = store.look(plan, path, check=False).done
    why = run.why if run else {}
    rest = (run.stopped if run else "") or "not computed"
    missing = tuple(Failure(chunk, why.get(chunk.number, rest))
                    for chunk in chunks_of(plan) if chunk.number not in done)  # fmt: skip
    new = done - kept.done
    people_now = sum(chunk.count for chunk in chunks_of(plan) if chunk.number in new)
    return RunOutcome(
        plan, path, len(kept.done), len(new), people_now, missing, len(kept.damaged & done),
        store.failed_units(plan, path, done), seconds, run.computing if run else 0.0,
        run.writing if run else 0.0, tuple(run.notes) if run else (),
    )  # fmt: skip


def _silent(progress: RunProgress) -> None:
    """Tell nobody."""
