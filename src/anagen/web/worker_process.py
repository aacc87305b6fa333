"""What runs inside a worker process: one task after another, watched from within.

Progress goes through shared memory: a process that is killed leaves no half-written message.
"""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import Any, Literal

# Places in the shared array: number of the task, steps done, steps in all, task to be stopped.
TASK, DONE, TOTAL, STOP = range(4)
PLACES = 4

# Exit code of a process that needed more memory than it may.
OUT_OF_MEMORY = 75
_LOOK_SECONDS = 1.0
_MOST_FRAMES = 12


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Parameters
    ----------
    state : done, input (the request cannot be used), stopped or fault.
    text : JSON of the result, or of the problems.
    where : of a fault its type and the places in the code, never its words.
    memory : what the process holds now [byte].
    """

    state: Literal["done", "input", "stopped", "fault"]
    text: str = ""
    where: str = ""
    memory: int = 0


class _Stopped(BaseException):
    """The task is no longer wanted."""


_shared: MutableSequence[int] = []


def begin(shared: MutableSequence[int], most_memory: int) -> None:
    """Set a worker process up; called once when it starts.

    Parameters
    ----------
    shared : array of `PLACES` whole numbers that the server reads.
    most_memory : at which the process ends itself [byte].
    """
    global _shared  # noqa: PLW0603 - one per process, handed over at its start
    _shared = shared
    # Killed at once when told so: compiled code would hold a handler back for seconds.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(most_memory,), daemon=True).start()


def _watch(most_memory: int) -> None:
    """End the process when the server is gone, or when it holds too much."""
    from multiprocessing import parent_process

    parent = parent_process()
    while True:
        if parent is not None:
            parent.join(_LOOK_SECONDS)
            if not parent.is_alive():
                os._exit(0)
        if memory_held() > most_memory:
            os._exit(OUT_OF_MEMORY)


def memory_held() -> int:
    """Memory that this process holds [byte]; the most it ever held where that is all one knows."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def warm() -> Outcome:
    """Load everything and compile the commonest forecast."""
    from anagen._runtime import prepare_jax
    from anagen.web import tasks

    try:
        prepare_jax()
        tasks.warm_up()
    except Exception as error:
        return Outcome("fault", where=_where(error), memory=memory_held())
    return Outcome("done", memory=memory_held())


def work(number: int, kind: str, request_text: str) -> Outcome:
    """Compute one task.

    Parameters
    ----------
    number : of the task, under which progress is told.
    kind : of job; request_text : JSON of the request.
    """
    from pydantic import ValidationError

    from anagen._runtime import prepare_jax
    from anagen.errors import InputError
    from anagen.web import tasks

    _shared[DONE], _shared[TOTAL] = 0, 0
    _shared[TASK] = number

    def progress(done: int, total: int) -> None:
        _shared[DONE], _shared[TOTAL] = done, total
        if _shared[STOP] == number:
            raise _Stopped

    try:
        prepare_jax()
        result = tasks.run_task(kind, json.loads(request_text), progress)
        text = json.dumps(result, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except InputError as error:
        return _told(error.problems)
    except ValidationError as error:
        return _told(_problems(error))
    except _Stopped:
        return Outcome("stopped", memory=memory_held())
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return Outcome("fault", where=_where(error), memory=memory_held())
    return Outcome("done", text, memory=memory_held())


def _told(problems: Any) -> Outcome:
    data = {
        "cause": "input",
        "detail": "What was asked cannot be computed; see problems.",
        "problems": [vars(problem) for problem in problems],
    }
    return Outcome("input", json.dumps(data, ensure_ascii=False), memory=memory_held())


def _problems(error: Any) -> list[Any]:
    from anagen.errors import Problem
    from anagen.patient.issues import issues_of

    rows = error.errors(include_url=False)[:_MOST_FRAMES]
    return [issue.problem() for issue in issues_of(rows, {}, {})] or [
        Problem("request", "what the schema describes", "something else", "Compare the schema.")
    ]


def _where(error: BaseException) -> str:
    """Type of a fault and where it arose; its words could hold what a record says."""
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    places = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"
                        for frame in reversed(frames))  # fmt: skip
    return f"{type(error).__name__} at {places}"
