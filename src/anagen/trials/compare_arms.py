"""Comparisons of the arms of a trial, of all its replicates at once.

======  =========================================  =============================================
kind    different people                           the same people (within)
======  =========================================  =============================================
share   N - 1 chi-square; Newcombe's interval;     McNemar's exact test with mid-p; Newcombe's
        odds ratio                                 paired interval; conditional odds ratio
mean    Welch's t test                             paired t test of people's differences
time    log-rank; shares by the week by            the same with variances by sums over people
        Kaplan-Meier; Peto's hazard ratio          (Lee, Wei and Amato)
======  =========================================  =============================================

Formulas and their sources stand in `anagen.trials.shares`, `means` and `waiting`. People with
several patches or quadrants of one arm count by their mean, shares then as means. Strata of the
randomisation do not enter a test. Several tests are not corrected for being several.
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.trials.endpoint_values import EndpointValues, Kind
from anagen.trials.means import paired_means, student, two_means
from anagen.trials.shares import Estimates, paired_shares, two_shares, wilson
from anagen.trials.waiting import Waiting, shares_by_end, sort_times, two_times

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Limits = tuple[Array, Array, Array]  # estimate, low, high; (trial, arm) or (trial,)

METHODS = {
    ("responder", False): "chi-square (N - 1), two-sided; intervals by Wilson and Newcombe",
    ("responder", True): "McNemar's exact test with mid-p; intervals by Wilson and Newcombe",
    ("mean", False): "Welch's t test, two-sided; intervals by Student's t",
    ("mean", True): "paired t test, two-sided; intervals by Student's t",
    ("time", False): "log-rank test, two-sided; Kaplan-Meier shares, log-log intervals",
    ("time", True): "log-rank test, variances by sums over people; Kaplan-Meier shares",
}
"""What is done with which kind of endpoint, by whether people are their own control."""

RATIOS = {("responder", False): "odds ratio", ("responder", True): "odds ratio within people",
          ("time", False): "hazard ratio", ("time", True): "hazard ratio"}  # fmt: skip
"""What the ratio of a comparison is; means have none."""

_CENTRAL = (0.025, 0.975)  # of estimates of replicates


@dataclass(frozen=True, eq=False)
class _Counted:
    """Units that count, with trials and people numbered from 0."""

    value: Array
    event: NDArray[np.bool_]
    trial: Index
    arm: Index
    person: Index
    trials: Index
    arms: int

    def cells(self, weights: Array | None = None) -> Array:
        """Sum over units (trial, arm), of weights or of ones."""
        size = len(self.trials) * self.arms
        found = np.bincount(self.trial * self.arms + self.arm, weights, minlength=size)
        return found.reshape(len(self.trials), self.arms).astype(np.float64)


def compare_arms(
    values: EndpointValues,
    reference: str | None = None,
    alpha: float = 0.05,
    paired: bool | None = None,
) -> "pd.DataFrame":
    """Compare every arm with the reference, in every replicate.

    Parameters
    ----------
    values : of `anagen.trials.endpoint_values.endpoint_values`.
    reference : key of an arm; the untreated or saline one when None, else the first.
    alpha : level of the tests and of 1 - alpha intervals.
    paired : compare within people; as the design has it when None.

    Returns
    -------
    pandas.DataFrame
        One row for every ``replicate`` and ``arm``: ``reference``, ``n`` and ``n_reference``
        counted (pairs, within people), ``estimate``, ``low``, ``high`` of the arm and of the
        reference (``_reference``), ``difference`` (arm less reference) with ``difference_low``,
        ``difference_high``, ``ratio``, ``ratio_low``, ``ratio_high``, and ``p``, two-sided. What
        cannot be told is NaN. Attributes: ``method``, ``ratio``, ``kind``, ``unit_words``,
        ``better``, ``alpha``, ``endpoint``, ``paired``.

    Raises
    ------
    InputError
        When there is no such arm, or alpha is no level.

    Examples
    --------
    >>> from anagen.trials.endpoint_values import endpoint_values
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> from anagen.trials.run_chunk import run_chunk
    >>> protocol = load_protocol_file("five-against-ten")
    >>> found = endpoint_values(protocol, run_chunk(protocol, count=8), protocol.endpoints[0])
    >>> compare_arms(found)[["arm", "reference"]].values.tolist()
    [['ta10', 'ta5']]
    """
    import pandas as pd

    within = values.paired if paired is None else paired
    base = _checked(values, reference, alpha)
    counted = _counted(values)
    waiting = _sorted(counted) if values.kind == "time" else None
    tables = []
    for arm, key in enumerate(values.arms):
        if arm != base:
            columns = (
                _within(counted, values.kind, waiting, (arm, base), alpha)
                if within
                else _between(counted, values.kind, waiting, (arm, base), alpha)
            )
            tables.append(pd.DataFrame({"replicate": counted.trials, "arm": key,
                                        "reference": values.arms[base], **columns}))  # fmt: skip
    found = pd.concat(tables, ignore_index=True) if tables else _no_rows()
    found = found.sort_values("replicate", kind="stable", ignore_index=True)
    found.attrs.update(_about(values, alpha, within))
    return found


def arm_table(values: EndpointValues, alpha: float = 0.05) -> "pd.DataFrame":
    """Tell the estimate of every arm in every replicate.

    Parameters
    ----------
    values : of `anagen.trials.endpoint_values.endpoint_values`.
    alpha : of 1 - alpha intervals, which take units of one person for independent.

    Returns
    -------
    pandas.DataFrame
        One row for every ``replicate`` and ``arm``: units that were ``randomised``, ``failed``
        (not followed by the model), ``seen`` at the visit, ``n`` counted; ``estimate`` (share,
        mean, or share with the event by the week), ``low``, ``high``, and of a time ``median``,
        the week by which half have the event, NaN when it is later.
    """
    import pandas as pd

    _checked(values, None, alpha)
    counted = _counted(values)
    waiting = _sorted(counted) if values.kind == "time" else None
    estimate, low, high = _estimates(counted, values.kind, waiting, alpha)
    arms, trials = len(values.arms), len(counted.trials)
    placed = values.arm >= 0
    trial = np.searchsorted(counted.trials, values.replicate)

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        own = which & placed
        return np.bincount(trial[own] * arms + values.arm[own], minlength=trials * arms)

    found = pd.DataFrame({
        "replicate": np.repeat(counted.trials, arms), "arm": np.tile(values.arms, trials),
        "randomised": count(placed), "failed": count(values.failed), "seen": count(values.seen),
        "n": counted.cells().ravel().astype(np.int64),
        "estimate": estimate.ravel(), "low": low.ravel(), "high": high.ravel(),
    })  # fmt: skip
    if waiting is not None:
        found["median"] = _medians(waiting).ravel()
    found.attrs.update(_about(values, alpha, False))
    return found


def across_replicates(comparison: "pd.DataFrame") -> "pd.DataFrame":
    """Tell what many trials of one design find.

    Parameters
    ----------
    comparison : of `compare_arms`.

    Returns
    -------
    pandas.DataFrame
        One row for every ``arm``: ``reference``, ``replicates``, of which ``tested`` (the test says
        something), mean ``difference`` with its 95 % Monte Carlo interval ``difference_low``,
        ``difference_high``, the central 95 % of the replicates' differences ``least``, ``most``,
        and ``power``, the share of all replicates significant at ``alpha``, with its Monte Carlo
        interval ``power_low``, ``power_high`` by Wilson; ``power_better`` is the share that is
        significant in favour of the arm.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"arm": "a", "reference": "b", "difference": [0.1, 0.3], "p": [0.2, 0.01]}
    >>> float(across_replicates(pd.DataFrame(rows)).power.iloc[0])
    0.5
    """
    import pandas as pd

    alpha = float(comparison.attrs.get("alpha", 0.05))
    sign = -1.0 if comparison.attrs.get("better") == "lower" else 1.0
    rows = []
    for arm, own in comparison.groupby("arm", sort=False):
        difference = own["difference"].to_numpy(float)
        known = difference[~np.isnan(difference)]
        significant = own["p"].to_numpy(float) <= alpha
        centre = np.array([known.mean() if len(known) else np.nan])
        variance = np.array([known.var(ddof=1) if len(known) > 1 else np.nan])
        low, high, _ = student(centre, variance, np.array([float(len(known))]))
        least, most = np.quantile(known, _CENTRAL) if len(known) else (np.nan, np.nan)
        power_low, power_high = wilson(significant.sum(), len(own))
        rows.append({
            "arm": arm, "reference": own["reference"].iloc[0], "replicates": len(own),
            "tested": int(own["p"].notna().sum()), "difference": centre[0],
            "difference_low": low[0], "difference_high": high[0],
            "least": float(least), "most": float(most), "power": float(significant.mean()),
            "power_low": float(power_low), "power_high": float(power_high),
            "power_better": float((significant & (sign * difference > 0)).mean()),
        })  # fmt: skip
    found = pd.DataFrame(rows)
    found.attrs.update(comparison.attrs)
    return found


def _between(
    counted: _Counted, kind: Kind, waiting: Waiting | None, pair: tuple[int, int], alpha: float
) -> dict[str, Array]:
    """Columns of a comparison of different people."""
    arm, base = pair
    count = counted.cells()
    estimates = _estimates(counted, kind, waiting, alpha)
    if waiting is not None:
        found = two_times(waiting, arm, base, alpha)
    elif kind == "responder":
        hits = counted.cells(counted.value)
        found = two_shares(hits[:, arm], count[:, arm], hits[:, base], count[:, base], alpha)
    else:
        mean, variance = _moments(counted, count)
        found = two_means((mean[:, arm], variance[:, arm], count[:, arm]),
                          (mean[:, base], variance[:, base], count[:, base]), alpha)  # fmt: skip
    own, other = (tuple(one[:, which] for one in estimates) for which in pair)
    return _columns(count[:, arm], count[:, base], own, other, found)


def _within(
    counted: _Counted, kind: Kind, waiting: Waiting | None, pair: tuple[int, int], alpha: float
) -> dict[str, Array]:
    """Columns of a comparison within people."""
    arm, base = pair
    if waiting is not None:
        found = two_times(waiting, arm, base, alpha, cluster=counted.person)
        count = counted.cells()
        shares = shares_by_end(waiting, alpha)
        own, other = (tuple(one[:, which] for one in shares) for which in pair)
        return _columns(count[:, arm], count[:, base], own, other, found)
    people = int(counted.person.max(initial=-1)) + 1
    trial = np.zeros(people, np.int64)
    trial[counted.person] = counted.trial
    means, single = [], True
    for which in pair:
        own = counted.arm == which
        many = np.bincount(counted.person[own], minlength=people)
        total = np.bincount(counted.person[own], counted.value[own], minlength=people)
        means.append(np.where(many > 0, total / np.maximum(many, 1), np.nan))
        single = single and int(many.max(initial=0)) <= 1
    both = ~np.isnan(means[0]) & ~np.isnan(means[1])
    pairs = _Pairs(means[0][both], means[1][both], trial[both], len(counted.trials))
    if kind == "responder" and single:
        return _paired_responders(pairs, alpha)
    count, mean, variance = pairs.moments(pairs.first - pairs.second)
    sides = []
    for values in (pairs.first, pairs.second):
        _, centre, spread = pairs.moments(values)
        sides.append((centre, *student(centre, spread, count, alpha)[:2]))
    return _columns(count, count, sides[0], sides[1], paired_means(mean, variance, count, alpha))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Values of people (person,) in two arms, and their trial."""

    first: Array
    second: Array
    trial: Index
    trials: int

    def count(self, which: NDArray[np.bool_]) -> Array:
        """Count pairs (trial,)."""
        return np.bincount(self.trial[which], minlength=self.trials).astype(np.float64)

    def moments(self, values: Array) -> Limits:
        """Count, mean and variance (trial,) of values of people."""
        count = self.count(np.ones(len(values), bool))
        many = np.where(count > 0, count, np.nan)
        mean = np.bincount(self.trial, values, minlength=self.trials) / many
        square = (values - mean[self.trial]) ** 2
        least = np.where(count > 1, count - 1.0, np.nan)
        return count, mean, np.bincount(self.trial, square, minlength=self.trials) / least


def _paired_responders(pairs: _Pairs, alpha: float) -> dict[str, Array]:
    one, other = pairs.first > 0, pairs.second > 0
    both, first, second = (pairs.count(which) for which in
                           (one & other, one & ~other, ~one & other))  # fmt: skip
    count = pairs.count(np.ones(len(one), bool))
    found = paired_shares(both, first, second, count - both - first - second, alpha)
    many = np.where(count > 0, count, np.nan)
    sides = [(hits / many, *wilson(hits, count, alpha)) for hits in (both + first, both + second)]
    return _columns(count, count, sides[0], sides[1], found)


def _columns(
    count: Array, count_0: Array, own: tuple[Array, ...], other: tuple[Array, ...], found: Estimates
) -> dict[str, Array]:
    limits = ("estimate", "low", "high")
    named = {"difference": "value", "difference_low": "low", "difference_high": "high",
             "ratio": "ratio", "ratio_low": "ratio_low", "ratio_high": "ratio_high",
             "p": "p"}  # fmt: skip
    assert len(named) == len(fields(Estimates))
    return {
        "n": count.astype(np.int64),
        "n_reference": count_0.astype(np.int64),
        **dict(zip(limits, own, strict=True)),
        **{f"{name}_reference": one for name, one in zip(limits, other, strict=True)},
        **{name: getattr(found, field) for name, field in named.items()},
    }


def _estimates(counted: _Counted, kind: Kind, waiting: Waiting | None, alpha: float) -> Limits:
    """Estimate of every arm, (trial, arm), with its interval."""
    if waiting is not None:
        return shares_by_end(waiting, alpha)
    count = counted.cells()
    if kind == "responder":
        hits = counted.cells(counted.value)
        return (hits / np.where(count > 0, count, np.nan), *wilson(hits, count, alpha))
    mean, variance = _moments(counted, count)
    return (mean, *student(mean, variance, count, alpha)[:2])


def _moments(counted: _Counted, count: Array) -> tuple[Array, Array]:
    """Mean and variance (trial, arm); NaN where there are too few."""
    mean = counted.cells(counted.value) / np.where(count > 0, count, np.nan)
    square = counted.cells((counted.value - mean[counted.trial, counted.arm]) ** 2)
    return mean, square / np.where(count > 1, count - 1.0, np.nan)


def _medians(waiting: Waiting) -> Array:
    """Week (trial, arm) by which half have the event; NaN when it is later."""
    at_risk = np.maximum(waiting.at_risk, 1.0)
    left = np.cumprod(1.0 - waiting.events / at_risk, axis=2)
    half = left <= 0.5
    if not half.size:
        return np.full(half.shape[:2], np.nan)
    return np.where(half.any(axis=2), waiting.times[np.argmax(half, axis=2)], np.nan)


def _counted(values: EndpointValues) -> _Counted:
    trials, trial = _numbered(values.replicate)
    own = ~np.isnan(values.value) & (values.arm >= 0) & ~values.failed
    width = int(values.person.max(initial=0)) + 1
    _, person = _numbered(trial[own] * width + values.person[own])
    return _Counted(values.value[own], values.event[own], trial[own], values.arm[own],
                    person, trials, len(values.arms))  # fmt: skip


def _numbered(keys: Index) -> tuple[Index, Index]:
    """Different keys in order, and the number of each (unit,) among them."""
    span = int(keys.max(initial=0)) + 1
    if span > 4 * len(keys) + 1024:
        different, number = np.unique(keys, return_inverse=True)
        return different, number
    there = np.zeros(span, bool)  # without sorting, as thousands of drawn trials are numbered
    there[keys] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[keys]


def _sorted(counted: _Counted) -> Waiting:
    return sort_times(counted.value, counted.event, counted.trial, counted.arm,
                      len(counted.trials), counted.arms)  # fmt: skip


def _about(values: EndpointValues, alpha: float, within: bool) -> dict[str, object]:
    return {
        "method": METHODS[values.kind, within],
        "ratio": RATIOS.get((values.kind, within), ""),
        "kind": values.kind,
        "unit_words": values.unit_words,
        "better": values.better,
        "alpha": alpha,
        "endpoint": values.endpoint.key,
        "paired": within,
    }


def _no_rows() -> "pd.DataFrame":
    import pandas as pd

    numbers = ("n", "n_reference", "estimate", "low", "high", "estimate_reference",
               "low_reference", "high_reference", "difference", "difference_low",
               "difference_high", "ratio", "ratio_low", "ratio_high", "p")  # fmt: skip
    return pd.DataFrame({"replicate": np.empty(0, np.int64), "arm": "", "reference": "",
                         **{name: np.empty(0) for name in numbers}})  # fmt: skip


def _checked(values: EndpointValues, reference: str | None, alpha: float) -> int:
    """Return the number of the reference arm."""
    problems = []
    if not 0.0 < alpha < 1.0:
        problems.append(Problem("alpha", "a level between 0 and 1", f"{alpha!r}"[:40],
                                "Write for example 0.05."))  # fmt: skip
    if reference is not None and reference not in values.arms:
        problems.append(Problem("reference arm", f"one of {', '.join(values.arms)}",
                                repr(reference)[:80], "Name one of them."))  # fmt: skip
    if problems:
        raise InputError(problems)
    return values.reference if reference is None else values.arms.index(reference)
