"""Processes of this machine, or a Dask cluster that runs already, made ready for a run."""

import asyncio
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

from anagen.errors import InputError, Problem
from anagen.trials.chunk_task import in_words, reason, tools_of
from anagen.trials.extras import extra
from anagen.trials.run_plan import RunPlan

LOCAL = "local"
"""Name of the cluster of this machine: one process a core."""

_ANSWER = 4.0  # s in which a scheduler must answer; with what is loaded before, under 10
_WORKERS = 10.0  # s in which the first worker must be there
_CHECKED = 60.0  # s in which a worker must have loaded Anagen
_CLOSED = 5.0  # s in which a connection should close
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # Ctrl-C is for the run
_MOST_SHOWN = 5  # workers of a hundred that differ

# Dask's own settings let a process give memory back at every turn, and watch what it computes,
# which costs a fifth of the time of two workers side by side.
_SETTINGS = {
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1,
    },
    "distributed.worker.profile.enabled": False,
}  # fmt: skip

# Evaluated on the worker, so that one without Anagen says so instead of failing to unpack a call.
_ASK = "__import__('anagen.trials.chunk_task', fromlist=['tools_here']).tools_here()"


@dataclass(frozen=True, eq=False)
class Link:
    """A cluster at hand.

    Parameters
    ----------
    client : `distributed.Client`.
    address : of the scheduler; `LOCAL` for the one of this process.
    processes : `distributed.LocalCluster`; None for a cluster that others started.
    """

    client: Any
    address: str
    processes: Any = None


def open_link(address: str = LOCAL, workers: int | None = None) -> Link:
    """Start processes on this machine, or reach a scheduler that runs.

    Parameters
    ----------
    address : ``local``, or that of a scheduler, such as ``tcp://node1:8786``.
    workers : processes on this machine; one a core when None.

    Raises
    ------
    InputError
        When no scheduler answers in a few seconds, or Dask is not installed.
    """
    distributed = extra("distributed")
    if address != LOCAL:
        return Link(_reach(distributed, address), address)
    extra("cryptography")  # for the certificates of `security`
    count = workers or extra("dask.system").CPU_COUNT
    with extra("dask").config.set(_SETTINGS):
        processes = distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, host="127.0.0.1",
            security=True,  # else whoever has an account here could give the workers code to run
            dashboard_address=None, silence_logs=logging.CRITICAL, env={"JAX_PLATFORMS": "cpu"},
            preload=[_DEAF],
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # else one that may be taken
        )  # fmt: skip
    try:
        client = distributed.Client(processes, set_as_default=False)
    except BaseException:
        processes.close(timeout=_CLOSED)
        raise
    return Link(client, LOCAL, processes)


def close_link(link: Link) -> None:
    """Leave a cluster; processes that were started here end."""
    with suppress(Exception):  # what is lost already cannot be closed
        link.client.close(timeout=_CLOSED)
    if link.processes is not None:
        with suppress(Exception):
            link.processes.close(timeout=_CLOSED)


def threads_of(link: Link) -> dict[str, int]:
    """Threads of every worker by its address.

    Raises
    ------
    OSError
        When the scheduler does not answer.
    """
    try:
        found = link.client.sync(link.client.scheduler.ncores, callback_timeout=_ANSWER)
    except Exception as error:  # lost connections have many names in Dask
        raise OSError(f"the scheduler {link.address} does not answer: {error}") from error
    return {str(worker): int(threads) for worker, threads in found.items()}


def check_workers(link: Link, plan: RunPlan) -> None:
    """Refuse a cluster in which a worker would compute something else.

    Raises
    ------
    InputError
        When there is no worker, or some lack Anagen or have another version of it, of the
        parameters or of the calibration.
    """
    place = f"--cluster {link.address}"
    try:
        link.client.wait_for_workers(1, timeout=_WORKERS)
        found: Mapping[str, object] = link.client.sync(
            link.client._run, eval, _ASK, on_error="return", callback_timeout=_CHECKED
        )
    except TimeoutError:
        raise InputError(
            Problem(place, "a cluster with workers that answer", "none within a minute",
                    "Start some: dask worker ADDRESS --nthreads 1")
        ) from None  # fmt: skip
    except Exception as error:
        raise InputError(_unreachable(link.address, error)) from error
    problems = []
    for worker, tools in sorted(found.items()):
        if tools != tools_of(plan):
            problems.append(differing(worker, plan, tools))
    if problems:
        raise InputError(problems[:_MOST_SHOWN])


def differing(worker: str, plan: RunPlan, tools: object) -> Problem:
    """Problem of a worker with other tools than the plan wants."""
    found = reason(tools) if isinstance(tools, BaseException) else tools
    words = in_words(found) if isinstance(found, dict) else str(found)
    return Problem(f"worker {worker}", in_words(tools_of(plan)), words,
                   "Install the same Anagen there, with JAX_PLATFORMS=cpu, or stop that worker; "
                   "what is done is kept.")  # fmt: skip


@contextmanager
def calm_logs() -> Iterator[None]:
    """Keep Dask from telling what the run tells itself, such as a lost connection."""
    names = ("distributed.client", "distributed.core", "distributed.comm", "distributed.batched",
             "distributed.nanny", "distributed.scheduler", "distributed.worker")  # fmt: skip
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _reach(distributed: Any, address: str) -> Any:
    # A port that is open and never says a word would keep Dask waiting without end.
    answers: Queue[Exception | str] = Queue()
    asking = threading.Thread(target=_ask, args=(distributed, address, answers), daemon=True)
    asking.start()
    try:
        kind = answers.get(timeout=1.5 * _ANSWER)
        if isinstance(kind, Exception):
            raise kind
        if kind != "Scheduler":
            raise OSError(f"a {kind.lower()} of Dask, not its scheduler")
        return distributed.Client(address, timeout=_ANSWER, set_as_default=False)
    except Empty:
        silent = OSError("something that takes the connection and says nothing")
        raise InputError(_unreachable(address, silent)) from None
    except Exception as error:
        raise InputError(_unreachable(address, error)) from error


def _ask(distributed: Any, address: str, answers: "Queue[Exception | str]") -> None:
    """Ask whoever is at an address what it is; ends with an answer, or never."""

    async def identity() -> str:
        secured = distributed.Security().get_connection_args("client")
        async with distributed.rpc(address, timeout=_ANSWER, connection_args=secured) as remote:
            found = await asyncio.wait_for(remote.identity(), _ANSWER)
            return str(found["type"])

    try:
        answers.put(asyncio.run(identity()))
    except Exception as error:
        answers.put(error)


def _unreachable(address: str, error: Exception) -> Problem:
    words = " ".join(str(error).split())[:120] or "no answer"
    if isinstance(error, MemoryError):  # what is no length of a message was taken for one
        words = "something that is no Dask scheduler"
    return Problem(f"--cluster {address}", f"a Dask scheduler that answers in {_ANSWER:g} s", words,
                   "Check the address (tcp://HOST:8786, not that of the dashboard), that "
                   "'dask scheduler' runs there and that no firewall is between; "
                   "without --cluster the cores of this machine are used.")  # fmt: skip
