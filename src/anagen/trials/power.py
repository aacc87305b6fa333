r"""How likely a trial of some size finds what it looks for, and how many people that takes.

Trials are drawn from a pool of simulated people (`anagen.trials.pool`), and each is given exactly
the test of `anagen.trials.compare_arms`. Two errors remain, and intervals hold both: that of the
draws, by Wilson, and that of the pool. Power of a two-sided test is close to
:math:`\Phi(b \sqrt{n} - z_{1-\alpha/2})`, where b is the effect in units of its spread for one
person; a pool of N people knows b with a standard error of :math:`1 / \sqrt{N}`, and so the probit
of the power with :math:`\sqrt{n / N}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.trials.compare_arms import compare_arms
from anagen.trials.pool import Pool, draw_trials, people_of, size_limit
from anagen.trials.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

DRAWS = 2000
"""Trials drawn for a size: power of 80 % to within 1.8 points."""

_FEWEST_DRAWS, _MOST_VALUES, _TOGETHER = 200, 8_000_000, 400_000  # time; memory of one draw
_SMALLEST = 2  # people in an arm; with fewer nothing varies
_AROUND = (0.7, 0.85, 1.0, 1.15, 1.3)  # sizes that are looked at beside the one that is sought
_Z = 1.959964  # of 95 % intervals, the only ones here
_MOST_POWER = 0.999
_MOST_DRAWS = 1_000_000


@dataclass(frozen=True)
class SampleSize:
    """How many people a trial needs.

    Parameters
    ----------
    arm, reference : what is compared; target : power that is wanted [1].
    size : people in an arm of ratio 1, within people in all; None when no size up to ``limit``
        reaches the target. low, high : 95 % interval; high is infinite when it is not known.
    people : in all arms together, None as ``size`` is.
    limit : largest size that the pool can tell something of.
    power : at ``size``, or else at ``limit`` [1].
    """

    arm: str
    reference: str
    target: float
    size: int | None
    low: float
    high: float
    people: int | None
    limit: int
    power: float


@dataclass(frozen=True)
class PowerRequest:
    """How power is looked for.

    Parameters
    ----------
    against : key of the reference arm; the usual one when None.
    alpha : level of the two-sided test.
    draws : trials drawn for a size; fewer where they are large.
    seed : of the draws.
    """

    against: str | None = None
    alpha: float = 0.05
    draws: int = DRAWS
    seed: int = 0


def power_curve(
    pool: Pool, sizes: Sequence[int], request: PowerRequest | None = None
) -> "pd.DataFrame":
    """Power of trials of some sizes.

    Parameters
    ----------
    pool : of simulated people, see `anagen.trials.pool`.
    sizes : people in an arm of ratio 1, within people in all.
    request : test and number of draws.

    Returns
    -------
    pandas.DataFrame
        One row for every ``size`` and ``arm``: ``people`` in all, ``reference``, ``draws``,
        ``power`` [1], its Monte Carlo interval ``low``, ``high`` by Wilson, and with the error of
        the pool ``low_all``, ``high_all``; ``power_better``, the share significant in favour of
        the arm. A trial whose test says nothing counts as not significant.

    Raises
    ------
    InputError
        When a size is none or exceeds the pool, or the request cannot be meant.
    """
    import pandas as pd

    chosen = request or PowerRequest()
    limit = size_limit(pool)
    _check(pool, chosen, sizes)
    rows = []
    for size in dict.fromkeys(sizes):
        for arm, found in _looked(pool, size, chosen, chosen.draws).items():
            low, high = (float(one) for one in wilson(found.significant, found.draws))
            low_all, high_all = _with_pool(low, high, size / limit)
            rows.append({
                "size": size, "people": sum(people_of(pool, size)), "arm": arm,
                "reference": found.reference, "draws": found.draws,
                "power": found.significant / found.draws, "low": low, "high": high,
                "low_all": low_all, "high_all": high_all,
                "power_better": found.better / found.draws,
            })  # fmt: skip
    table = pd.DataFrame(rows)
    table.attrs.update(alpha=chosen.alpha, endpoint=pool.values.endpoint.key, limit=limit)
    return table


def sample_size(
    pool: Pool, targets: Sequence[float] = (0.8, 0.9), request: PowerRequest | None = None
) -> tuple[SampleSize, ...]:
    """Find how many people reach some power, for every arm.

    Sizes are doubled until the power is there; around the place five sizes are drawn, and a line
    through the probits of their power over the root of the size gives the size and its error.

    Parameters
    ----------
    pool : of simulated people; targets : power that is wanted [1].
    request : test and number of draws.

    Returns
    -------
    tuple of SampleSize
        Of every arm but the reference, and every target.

    Raises
    ------
    InputError
        When a target is no power between the level and 99.9 %, or the request cannot be meant.
    """
    chosen = request or PowerRequest()
    _check(pool, chosen, (), targets)
    search = _Search(pool, chosen)
    ladder = search.ladder(max(targets))
    return tuple(search.find(arm, target, ladder) for arm in ladder[0][1] for target in targets)


@dataclass(frozen=True)
class _Found:
    """What draws of one size have found for one arm."""

    reference: str
    draws: int
    significant: int
    better: int


@dataclass
class _Search:
    """Sizes that have been looked at, so that none is drawn twice."""

    pool: Pool
    request: PowerRequest
    known: dict[int, dict[str, _Found]] = field(default_factory=dict)

    def at(self, size: int) -> dict[str, _Found]:
        """Look at a size with all draws."""
        if size not in self.known:
            self.known[size] = _looked(self.pool, size, self.request, self.request.draws)
        return self.known[size]

    def ladder(self, target: float) -> list[tuple[int, dict[str, _Found]]]:
        """Look at doubled sizes with few draws, until every arm has the power or the pool ends."""
        limit, size, steps = size_limit(self.pool), _SMALLEST, []
        while True:
            found = _looked(self.pool, min(size, limit), self.request, _FEWEST_DRAWS)
            steps.append((min(size, limit), found))
            certain = all(
                float(wilson(one.significant, one.draws)[0]) > target for one in found.values()
            )
            if certain or size >= limit:
                return steps
            size *= 2

    def find(
        self, arm: str, target: float, ladder: list[tuple[int, dict[str, _Found]]]
    ) -> SampleSize:
        """Find the size that gives an arm a power."""
        limit = size_limit(self.pool)
        sizes = np.array([size for size, _ in ladder])
        power = np.array([found[arm].significant / found[arm].draws for _, found in ladder])
        reference = ladder[0][1][arm].reference
        above = np.flatnonzero(power >= target)
        if len(above):
            guess, shares = _crossing(sizes, power, int(above[0]), target), np.array(_AROUND)
            near = np.unique(np.clip(np.ceil(guess * shares), _SMALLEST, limit).astype(int))
            looked = [self.at(int(size))[arm] for size in near]
            size, error = _solve(near, looked, target)
            if size <= limit:
                return self._told(arm, reference, target, (size, error))
        last = float(power[-1])
        return SampleSize(arm, reference, target, None, float(limit), np.inf, None, limit, last)

    def _told(
        self, arm: str, reference: str, target: float, found: tuple[float, float]
    ) -> SampleSize:
        """Round a size up, and give it an interval with the error of the pool."""
        from scipy.special import ndtri

        exact, error = found
        limit = size_limit(self.pool)
        size = max(int(np.ceil(exact - 1e-9)), _SMALLEST)
        # The effect per person, as 1 / root of the size, is what the errors are symmetric in.
        effect = 1.0 / np.sqrt(exact)
        reach = float(ndtri(target) - ndtri(self.request.alpha / 2.0))
        wide = _Z * float(np.hypot(error / exact, 1.0 / (np.sqrt(limit) * reach)))
        low = max(float(np.floor((effect + wide) ** -2)), _SMALLEST)
        high = float(np.ceil((effect - wide) ** -2)) if effect > wide else np.inf
        here = self.at(size)[arm]
        return SampleSize(arm, reference, target, size, low, high,
                          sum(people_of(self.pool, size)), limit,
                          here.significant / here.draws)  # fmt: skip


def _crossing(sizes: Array, power: Array, place: int, target: float) -> float:
    """Size where the power passes the target, on a line in probit over the root of the size."""
    from scipy.special import ndtri

    if place == 0:
        return float(sizes[0])
    edge = 0.5 / _FEWEST_DRAWS
    low, high = ndtri(np.clip(power[[place - 1, place]], edge, 1.0 - edge))
    before, after = np.sqrt(sizes[[place - 1, place]])
    part = (float(ndtri(target)) - low) / (high - low) if high > low else 1.0
    return float((before + min(max(part, 0.0), 1.0) * (after - before)) ** 2)


def _solve(sizes: Array, looked: Sequence[_Found], target: float) -> tuple[float, float]:
    """Size that reaches the target, and the standard error of its root, by weighted least squares.

    Infinite when power does not rise with the size.
    """
    from scipy.special import ndtri

    draws = np.array([one.draws for one in looked], float)
    power = (np.array([one.significant for one in looked]) + 0.5) / (draws + 1.0)
    score, root = ndtri(power), np.sqrt(sizes)
    density = np.exp(-(score**2) / 2.0) / np.sqrt(2.0 * np.pi)
    weight = draws * density**2 / (power * (1.0 - power))
    if len(sizes) < 2:
        return (float(sizes[0]), 0.0) if score[0] >= ndtri(target) else (np.inf, 0.0)
    total, centre = weight.sum(), float(weight @ root / weight.sum())
    spread = float(weight @ (root - centre) ** 2)
    slope = float(weight @ ((root - centre) * score)) / spread
    if slope <= 0.0:
        return np.inf, 0.0
    middle = float(weight @ score) / total
    step = (float(ndtri(target)) - middle) / slope
    error = np.sqrt(1.0 / total + step**2 / spread) / slope
    return max(centre + step, 1.0) ** 2, float(error)


def _looked(pool: Pool, size: int, request: PowerRequest, draws: int) -> dict[str, _Found]:
    """Draw trials of a size and test each, some at a time."""
    units = sum(
        people * own.shape[1]
        for people, own in zip(people_of(pool, size), pool.members, strict=True)
    )
    draws = min(draws, max(_FEWEST_DRAWS, _MOST_VALUES // max(units, 1)))
    step = max(_TOGETHER // max(units, 1), 1)
    random = np.random.default_rng([request.seed, size, draws])
    totals: dict[str, _Found] = {}
    for first in range(0, draws, step):
        count = min(step, draws - first)
        values = draw_trials(pool, size, count, random)
        table = compare_arms(values, request.against, request.alpha)
        sign = -1.0 if values.better == "lower" else 1.0
        for arm, own in table.groupby("arm", sort=False):
            significant = own["p"].to_numpy() <= request.alpha
            better = significant & (sign * own["difference"].to_numpy() > 0)
            old = totals.get(str(arm), _Found(own["reference"].iloc[0], 0, 0, 0))
            totals[str(arm)] = _Found(old.reference, old.draws + count,
                                      old.significant + int(significant.sum()),
                                      old.better + int(better.sum()))  # fmt: skip
    return totals


def _with_pool(low: float, high: float, part: float) -> tuple[float, float]:
    """Widen an interval of a power by the error of a pool that is 1 / part times as large."""
    from scipy.special import ndtr, ndtri

    edge = 1e-12
    ends = ndtri(np.clip([low, high], edge, 1.0 - edge))
    centre, half = ends.mean(), (ends[1] - ends[0]) / 2.0
    wide = np.hypot(half, _Z * np.sqrt(part))
    return float(ndtr(centre - wide)), float(ndtr(centre + wide))


def check_request(request: PowerRequest, targets: Sequence[float] = ()) -> list[Problem]:
    """Everything that cannot be meant in a request, whatever the pool."""
    problems = []
    if not 0.0 < request.alpha < 1.0:
        problems.append(Problem("alpha", "a level between 0 and 1", f"{request.alpha:g}",
                                "Write for example 0.05."))  # fmt: skip
    if wrong := [one for one in targets if not request.alpha < one <= _MOST_POWER]:
        problems.append(Problem("power", f"above {request.alpha:g} and up to {_MOST_POWER:g}",
                                ", ".join(f"{one:g}" for one in wrong[:5]),
                                "Write for example 0.8."))  # fmt: skip
    if not _FEWEST_DRAWS <= request.draws <= _MOST_DRAWS:
        problems.append(Problem("draws", f"from {_FEWEST_DRAWS} to {_MOST_DRAWS}",
                                f"{request.draws}", f"Write for example {DRAWS}."))  # fmt: skip
    return problems


def _check(
    pool: Pool, request: PowerRequest, sizes: Sequence[int], targets: Sequence[float] = ()
) -> None:
    problems, limit = check_request(request, targets), size_limit(pool)
    if limit < _SMALLEST:
        problems.append(Problem("pool", f"at least {_SMALLEST} people in every arm", f"{limit}",
                                "Take results of more people."))  # fmt: skip
    elif wrong := [size for size in sizes if not _SMALLEST <= size <= limit]:
        problems.append(Problem("size", f"from {_SMALLEST} to {limit}, the people of the pool",
                                ", ".join(map(str, wrong[:5])), "Take a larger pool."))  # fmt: skip
    arms = pool.values.arms
    if request.against is not None and request.against not in arms:
        problems.append(Problem("reference arm", f"one of {', '.join(arms)}",
                                repr(request.against)[:80], "Name one of them."))  # fmt: skip
    if len(arms) < 2:
        problems.append(Problem("arms", "two or more", f"{len(arms)}", "Power compares arms."))
    if problems:
        raise InputError(problems)
