"""What a worker of a cluster does: one chunk of people, computed and, if it can be, kept.

Whatever goes wrong comes back as an answer, so that the run decides what is tried again.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from anagen._version import __version__
from anagen.evidence.parameters import load_parameters
from anagen.population.posterior import LATEST_POSTERIOR, load_posterior
from anagen.trials import run_chunk as engine
from anagen.trials import store
from anagen.trials.run_plan import Chunk, RunPlan

if TYPE_CHECKING:
    import xarray as xr

_LONGEST = 300  # letters of a reason; more is not read


@dataclass(frozen=True)
class Task:
    """A chunk to be computed.

    Parameters
    ----------
    plan : of the run; chunk : which part of it.
    path : of the store.
    sight : a file in the store; a worker that does not see it has another disk.
    """

    plan: RunPlan
    chunk: Chunk
    path: Path
    sight: Path


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a chunk.

    Parameters
    ----------
    dataset : results that the worker could not keep; None when they are in the store.
    unwritten : why the worker could not keep them although it sees the store.
    error : why there are no results.
    differs : what the worker has instead of what the plan names.
    worker : its address.
    computing, writing : how long it took [s].
    """

    dataset: "xr.Dataset | None" = None
    unwritten: str = ""
    error: str = ""
    differs: str = ""
    worker: str = ""
    computing: float = 0.0
    writing: float = 0.0


def tools_here() -> dict[str, str]:
    """Versions of what computes in this process, by the words of a message.

    Examples
    --------
    >>> sorted(tools_here())
    ['Anagen', 'calibration', 'device', 'parameter set']
    """
    import jax

    return {
        "Anagen": __version__,
        "parameter set": load_parameters().version,
        "calibration": LATEST_POSTERIOR,
        # The last bits of a number differ between kinds of processors.
        "device": jax.default_backend(),
    }


def tools_of(plan: RunPlan) -> dict[str, str]:
    """Versions that a plan wants, as `tools_here`."""
    return {
        "Anagen": plan.anagen_version,
        "parameter set": plan.parameter_set,
        "calibration": plan.posterior,
        "device": "cpu",
    }


def in_words(tools: dict[str, str]) -> str:
    """Versions in one line.

    Examples
    --------
    >>> in_words({"Anagen": "1.0", "device": "cpu"})
    'Anagen 1.0, device cpu'
    """
    return ", ".join(f"{name} {value}" for name, value in tools.items())


def pattern(plan: RunPlan) -> "xr.Dataset":
    """Compute a dataset of the first person of a run, after whose arrays a store is laid out."""
    return engine.run_chunk(plan.protocol, 0, 0, 1, plan.seed, threads=1)


def compute(task: Task) -> Answer:
    """Compute a chunk and write it into the store where the worker sees it."""
    return replace(_compute(task), worker=_address())


def _compute(task: Task) -> Answer:
    here = tools_here()
    if here != tools_of(task.plan):
        return Answer(differs=in_words(here))
    plan, chunk, begin = task.plan, task.chunk, time.perf_counter()
    try:
        posterior = load_posterior(plan.posterior)
        found = engine.run_chunk(plan.protocol, 0, chunk.first, chunk.count, plan.seed,
                                 posterior, threads=1)  # fmt: skip
    except Exception as error:  # of the numbers, or memory: it is for the run to decide
        return Answer(error=reason(error))
    computed = time.perf_counter()
    if not sees_store(task):
        return Answer(found, computing=computed - begin)
    try:
        store.write_chunk(plan, task.path, chunk, found)
    except OSError as error:
        return Answer(found, unwritten=reason(error), computing=computed - begin)
    except Exception as error:
        return Answer(error=reason(error))
    return Answer(computing=computed - begin, writing=time.perf_counter() - computed)


def sees_store(task: Task) -> bool:
    """Whether this worker has the disk on which the store is."""
    return task.sight.exists()


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)


def reason(error: BaseException) -> str:
    """Say what went wrong, in one line.

    Examples
    --------
    >>> reason(FloatingPointError("overflow"))
    'FloatingPointError: overflow'
    """
    words = getattr(error, "strerror", None) or str(error)
    return f"{type(error).__name__}: {' '.join(str(words).split())}"[:_LONGEST].removesuffix(": ")
