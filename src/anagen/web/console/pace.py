"""How often those who explore without an account may ask for a computation."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from anagen.errors import BusyError, ThrottledError

# So many of one address in ten minutes, and of all together: a class at work, not a machine.
MOST_OWN, MOST_ALL, WINDOW_SECONDS = 12, 60, 600.0
# Jobs that may wait before explorers are asked to come back, so that the clinic's own come first.
MOST_WAITING = 4
_RETRY_SECONDS = 20
_ALL = ""


class Pace:
    """Counts what each address asked for, in memory.

    Parameters
    ----------
    clock : seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, address: str, waiting: int) -> None:
        """Count a question, or refuse it.

        Parameters
        ----------
        address : where it comes from; waiting : jobs that wait for a worker.

        Raises
        ------
        ThrottledError
            When the address, or all together, asked too often.
        BusyError
            When too many jobs wait.
        """
        if waiting >= MOST_WAITING:
            raise BusyError(
                f"expected fewer than {MOST_WAITING} computations that wait, found {waiting}. "
                "Try again in a moment", _RETRY_SECONDS,
            )  # fmt: skip
        now = self._clock()
        with self._lock:
            self._forget(now)
            for key, most in ((address, MOST_OWN), (_ALL, MOST_ALL)):
                times = self._asked.get(key, ())
                if len(times) >= most:
                    seconds = int(times[0] + WINDOW_SECONDS - now) + 1
                    raise ThrottledError(
                        f"too many questions without an account. Wait {seconds} seconds, or sign "
                        "in", seconds,
                    )  # fmt: skip
            for key in (address, _ALL):
                self._asked.setdefault(key, deque()).append(now)

    def _forget(self, now: float) -> None:
        for key in list(self._asked):
            times = self._asked[key]
            while times and times[0] <= now - WINDOW_SECONDS:
                times.popleft()
            if not times:
                del self._asked[key]
