r"""Statistics of times to an event, for many trials at once: Kaplan-Meier, log-rank, hazard ratio.

lifelines does one trial at a time, with the same results (the tests hold both side by side); power
needs thousands. Times are taken as discrete, which visits make them: with :math:`d_u` events among
:math:`Y_u` at risk at time u, :math:`S(t) = \prod_{u \le t} (1 - d_u / Y_u)`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anagen.trials.shares import Estimates, wilson

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Waiting:
    """Times of some units, sorted into trials and groups.

    Parameters
    ----------
    trial, group : (unit,) numbers from 0; place : (unit,) which of ``times``; event : (unit,).
    times : (time,) all times that occur, in order.
    events, at_risk : (trial, group, time) counts.
    """

    trial: Index
    group: Index
    place: Index
    event: Flags
    times: Array
    events: Array
    at_risk: Array


def sort_times(
    time: Array, event: Flags, trial: Index, group: Index, trials: int, groups: int
) -> Waiting:
    """Sort times (unit,) into trials and groups; none may be NaN.

    Examples
    --------
    >>> zero, event = np.zeros(3, int), np.array([True, True, False])
    >>> found = sort_times(np.array([4.0, 8.0, 8.0]), event, zero, zero, 1, 1)
    >>> found.at_risk[0, 0], found.events[0, 0]
    (array([3., 2.]), array([1., 1.]))
    """
    times, place = np.unique(time, return_inverse=True)
    shape = (trials, groups, len(times))
    cell = np.ravel_multi_index((trial, group, place), shape) if len(time) else place
    size = trials * groups * len(times)
    leaving = np.bincount(cell, minlength=size).reshape(shape)
    events = np.bincount(cell[event], minlength=size).reshape(shape).astype(np.float64)
    at_risk = np.cumsum(leaving[:, :, ::-1], axis=2)[:, :, ::-1].astype(np.float64)
    return Waiting(trial, group, place, event, times, events, at_risk)


def shares_by_end(waiting: Waiting, alpha: float = 0.05) -> tuple[Array, Array, Array]:
    """Share with the event by the last time, and its interval, (trial, group) each.

    Kaplan-Meier with Greenwood's variance and an interval on the complementary log-log scale.
    Where none has the event, Wilson's interval of those at risk at the last time; where nobody is
    left without it, of those who have it.

    References
    ----------
    Kaplan EL, Meier P 1958, J Am Stat Assoc 53:457-481. Kalbfleisch JD, Prentice RL 2002, The
    Statistical Analysis of Failure Time Data, 2nd ed.
    """
    from scipy.special import ndtri

    left, greenwood = _left(waiting.events, waiting.at_risk)
    counted = waiting.at_risk[:, :, :1].sum(axis=2) > 0
    left = np.where(counted, left, np.nan)
    inner = (left > 0) & (left < 1)
    safe = np.where(inner, left, 0.5)
    wide = -ndtri(alpha / 2.0) * np.sqrt(np.where(inner, greenwood, 0.0)) / np.abs(np.log(safe))
    low, high = (1.0 - safe ** np.exp(sign * wide) for sign in (-1.0, 1.0))
    none = left == 1
    known = np.where(none, _last_at_risk(waiting), waiting.events.sum(axis=2))
    fewest, most = wilson(np.where(none, 0.0, known), np.where(counted, known, 0.0), alpha)
    return 1.0 - left, np.where(inner, low, fewest), np.where(inner, high, most)


def two_times(
    waiting: Waiting, group: int, reference: int, alpha: float = 0.05, cluster: Index | None = None
) -> Estimates:
    r"""Compare the times of two groups.

    The difference is that of the shares by the end, with an interval that adds the squares of the
    distances to the limits of both shares; the test is log-rank,
    :math:`U = \sum_u (d_{1u} - Y_{1u} d_u / Y_u)` over the root of its hypergeometric variance V;
    the ratio is Peto's hazard ratio, :math:`\exp(U / V)`, which comes out too near 1 where it is
    far from it. Where units belong to the same people, the variances of U and of the difference are
    those of the sums of every person's influence.

    Parameters
    ----------
    group, reference : which two; cluster : (unit,) of which person each unit is, unique over all
        trials; None when all are different people.

    References
    ----------
    Mantel N 1966, Cancer Chemother Rep 50:163-170. Zou GY, Donner A 2008, Stat Med 27:1693-1702
    (adding squares). Yusuf S et al 1985, Prog Cardiovasc Dis 27:335-371 (Peto). Reid N 1981, Ann
    Stat 9:78-92, and Lee EW, Wei LJ, Amato DA 1992, in: Survival Analysis: State of the Art,
    237-247 (influence, sums over people).
    """
    from scipy.special import ndtr, ndtri

    chosen = np.array([group, reference])
    events, at_risk = waiting.events[:, chosen], waiting.at_risk[:, chosen]
    share, low, high = (one[:, chosen] for one in shares_by_end(waiting, alpha))
    both = np.all((at_risk > 0).any(axis=2), axis=1)
    difference = np.where(both, share[:, 0] - share[:, 1], np.nan)
    score, information = _log_rank(events, at_risk)
    z, spread = -ndtri(alpha / 2.0), information
    if cluster is None:
        below = np.hypot(share[:, 0] - low[:, 0], high[:, 1] - share[:, 1])
        above = np.hypot(high[:, 0] - share[:, 0], share[:, 1] - low[:, 1])
    else:
        spread, change = _by_person(waiting, chosen, cluster)
        below = above = z * np.sqrt(np.where(both & (change > 0), change, np.nan))
    known = both & (spread > 0) & (information > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(known, 2.0 * ndtr(-np.abs(score) / np.sqrt(spread)), np.nan)
        logarithm = np.where(known, score / information, np.nan)
        wide = np.where(known, z * np.sqrt(spread) / information, np.nan)
    # Without any event in either group there is nothing that differs.
    p = np.where(both & (events.sum(axis=(1, 2)) == 0), 1.0, p)
    ratio, least, most = (np.exp(logarithm + move) for move in (0.0, -wide, wide))
    return Estimates(difference, difference - below, difference + above, p, ratio, least, most)


def _left(events: Array, at_risk: Array) -> tuple[Array, Array]:
    """Share without the event by the end, and Greenwood's sum."""
    hazard = _over(events, at_risk)
    return np.prod(1.0 - hazard, axis=2), _over(hazard, at_risk - events).sum(axis=2)


def _last_at_risk(waiting: Waiting) -> Array:
    """How many (trial, group) were at risk when the last of them was seen."""
    some = np.where(waiting.at_risk > 0, waiting.at_risk, np.inf)
    fewest = some.min(axis=2, initial=np.inf)
    return np.where(np.isfinite(fewest), fewest, 0.0)


def _log_rank(events: Array, at_risk: Array) -> tuple[Array, Array]:
    """Score (trial,) and its hypergeometric variance."""
    d, y = events.sum(axis=1), at_risk.sum(axis=1)
    part = _over(at_risk[:, 0], y)
    score = (events[:, 0] - part * d).sum(axis=1)
    variance = part * (1.0 - part) * d * _over(y - d, np.maximum(y - 1.0, 0.0))
    return score, variance.sum(axis=1)


def _by_person(waiting: Waiting, chosen: Index, cluster: Index) -> tuple[Array, Array]:
    """Variance (trial,) of the log-rank score and of the difference, by sums over people."""
    events, at_risk = waiting.events[:, chosen], waiting.at_risk[:, chosen]
    pooled = _over(events.sum(axis=1), at_risk.sum(axis=1))
    part = _over(at_risk[:, 0], at_risk.sum(axis=1))
    weight = np.stack([1.0 - part, -part], axis=1)
    hazard = _over(events, at_risk)
    stay = _over(np.ones_like(hazard), at_risk - events)
    left = _left(events, at_risk)[0][:, :, None] * np.array([1.0, -1.0])[:, None]
    tables = (
        (weight, np.cumsum(weight * pooled[:, None], axis=2)),
        (left * stay, np.cumsum(left * stay * hazard, axis=2)),
    )
    own = np.isin(waiting.group, chosen)
    at = (waiting.trial[own], (waiting.group[own] != chosen[0]).astype(np.int64),
          waiting.place[own])  # fmt: skip
    people, person = np.unique(cluster[own], return_inverse=True)
    trial = np.zeros(len(people), np.int64)
    trial[person] = waiting.trial[own]
    trials = len(events)
    count = np.bincount(trial, minlength=trials).astype(np.float64)
    small = _over(count, np.maximum(count - 1.0, 0.0))
    squares = []
    for gain, loss in tables:
        influence = gain[at] * waiting.event[own] - loss[at]
        sums = np.bincount(person, influence, minlength=len(people))
        squares.append(small * np.bincount(trial, sums**2, minlength=trials))
    return squares[0], squares[1]


def _over(one: Array, other: Array) -> Array:
    """Quotient; 0 where nobody is left."""
    return np.where(other > 0, one / np.where(other > 0, other, 1.0), 0.0)
