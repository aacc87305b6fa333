"""How a trial is held: who comes, who leaves, and what raters read.

Every random number belongs to a person (or a unit), a purpose and a day, so that a person's visits
are the same in whatever chunk. Visit and session of one day are missed together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anagen.population.condition_data import load_condition_data
from anagen.population.streams import stream_key, uniforms
from anagen.trials.protocol import Conduct

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.int64]

WEEK = 7
POOR = 0.25
"""Regrowth below which a person may be likelier to leave; the protocol's `dropout_if_poor`."""

STAYS = np.inf
"""Week in which somebody leaves who never does."""

_ATTENDANCE, _DROPOUT, _READING, _TIMING = 33, 34, 35, 36  # purposes of random numbers
_KINDS = 2  # of readings of one visit: the patch, and SALT


@dataclass(frozen=True)
class Held:
    """A trial as it is held: rules and random numbers.

    Parameters
    ----------
    conduct : of the protocol; seed : of the trial.
    """

    conduct: Conduct
    seed: int

    def _uniform(self, purpose: int, who: Index, when: int, count: int) -> Array:
        return uniforms(stream_key(self.seed, purpose), who, when, count)


def attends(held: Held, place: Index, day: int) -> Flags:
    """Who (person,) comes on a planned day, unless they have left; all do on the first.

    Examples
    --------
    >>> held = Held(Conduct(missed_visit=0.5), seed=1)
    >>> bool(attends(held, np.arange(100), 0).all())
    True
    >>> bool(30 < attends(held, np.arange(100), 28).sum() < 70)
    True
    """
    if day <= 0 or held.conduct.missed_visit <= 0.0:
        return np.ones(len(place), bool)
    random = held._uniform(_ATTENDANCE, place, day, 1)[:, 0]
    return np.asarray(random >= held.conduct.missed_visit)


def shifted(held: Held, place: Index, day: int, window: float, earliest: int = 0) -> Index:
    """Day (person,) on which what was planned for a day is held, evenly within its window.

    Parameters
    ----------
    place : of the people; day : as planned; window : days earlier or later.
    earliest : day before which it is not held.
    """
    most = int(window)
    if day <= 0 or most <= 0:
        return np.full(len(place), day, np.int64)
    random = held._uniform(_TIMING, place, day, 1)[:, 0]
    moved = day - most + (random * (2 * most + 1)).astype(np.int64)
    return np.maximum(moved, earliest)


def at_days(weekly: np.ndarray, day: Index) -> Array:
    """Read a course (unit, week) on days (unit, visit), in between by a straight line."""
    before = np.minimum(day // WEEK, weekly.shape[1] - 1)
    after = np.minimum(before + 1, weekly.shape[1] - 1)
    part = day / WEEK - before
    low, high = (
        np.take_along_axis(np.asarray(weekly, np.float64), index, axis=1)
        for index in (before, after)
    )
    return np.asarray(low + part * (high - low))


def leaving(held: Held, place: Index, regrown: Array, first: int) -> Array:
    r"""Week (person,) in which somebody leaves, `STAYS` for who does not by the end of a course.

    The chance of a week has odds p / (1 - p), multiplied by `dropout_if_poor` while regrowth at its
    beginning is poor.

    Parameters
    ----------
    regrown : (person, week) [1] from the start on; NaN counts as not poor.
    first : first week that is looked at, at least 1.

    Examples
    --------
    >>> held = Held(Conduct(dropout_per_week=0.1), seed=1)
    >>> left = leaving(held, np.arange(1000), np.ones((1000, 13)), 1)
    >>> bool(0.65 < np.isfinite(left).mean() < 0.78)
    True
    """
    chance, last = held.conduct.dropout_per_week, regrown.shape[1] - 1
    left = np.full(len(place), STAYS)
    if chance <= 0.0 or first > last:
        return left
    random = held._uniform(_DROPOUT, place, 0, last)[:, first - 1 :]
    odds = chance / max(1.0 - chance, np.finfo(float).tiny)
    poor = regrown[:, first - 1 : last] < POOR
    own = np.where(poor, odds * held.conduct.dropout_if_poor, odds)
    gone = random < own / (1.0 + own)
    return np.where(gone.any(1), first + np.argmax(gone, axis=1), left)


def readings(held: Held, unit: Index, day: int, share: Array, kind: int = 0) -> Array:
    r"""Read a share on a planned day, as raters do.

    .. math:: \sigma(r) = \max(\sigma_0, 2 \sigma_{1/2} \sqrt{r (1 - r)})

    Parameters
    ----------
    unit : (unit,) number of each unit in all the trial; day : as planned.
    share : (unit,) [1] as it is; kind : 0 for regrowth of the patch, 1 for the bald share.

    Returns
    -------
    (unit, rater)
        Shares between 0 and 1. At the start nothing has regrown, and everybody reads that.
    """
    from scipy.special import ndtri

    raters = max(held.conduct.raters, 1)
    inner = np.clip(share, 0.0, 1.0)[:, None]
    if day <= 0 and kind == 0:
        return np.repeat(inner, raters, axis=1)
    random = held._uniform(_READING, unit, max(day, 0), _KINDS * raters)
    own = ndtri(random[:, kind * raters : (kind + 1) * raters])
    least = load_condition_data().value("reader_least")
    error = np.maximum(least, 2.0 * held.conduct.rater_error * np.sqrt(inner * (1.0 - inner)))
    if held.conduct.rater_error <= 0.0:
        error = 0.0 * error
    return np.asarray(np.clip(inner + error * own, 0.0, 1.0))
