"""Published endpoints, read from the simulated course of patches."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.population.cohort import Regimen
from anagen.population.condition_data import load_condition_data
from anagen.population.person import Outcome

Values = NDArray[np.float64]

SHARES = (
    "regrowth_at_least",
    "regrowth_between",
    "complete",
    "no_response",
    "visible_regrowth",
    "odds_ratio",
)
"""Endpoints of which a person's value is the probability to count as a success."""

MEANS = (
    "terminal_fraction",
    "mean_regrowth",
    "mean_salt_reduction",
    "onset_week",
    "sessions_to_complete",
)
"""Endpoints of which a person's value is a number to be averaged."""

# Numbers that stand in for a threshold that is not stated; a gain is never stated.
_THRESHOLDS = {
    "regrowth_at_least": "response",
    "odds_ratio": "response",
    "complete": "complete",
    "sessions_to_complete": "complete",
    "no_response": "no_response",
}
_GAINS = {"onset_week": "onset", "visible_regrowth": "visible"}

_LEAST_MISSING = 1e-6  # cover; with less nothing is bald


@dataclass(frozen=True)
class Endpoint:
    """What a study counted or measured, in the model's terms.

    Parameters
    ----------
    kind : one of `SHARES` or `MEANS`.
    least : threshold [1] of regrowth; of gained visible hair for ``visible_regrowth`` and of gained
        cover for ``onset_week``; ``no_response`` is below it.
    most : upper end [1] of ``regrowth_between``, excluded; else None.
    reach : how far the threshold may lie from where it is meant [1], half range.

    Examples
    --------
    >>> endpoint_of("regrowth_at_least", 0.75).least
    0.75
    """

    kind: str
    least: float = 0.0
    most: float | None = None
    reach: float = 0.0


def endpoint_of(kind: str, least: float | None = None, most: float | None = None) -> Endpoint:
    """Endpoint of a kind, its threshold as published or else as the words usually mean.

    A patch that a reader calls complete lacks a little of its cover, so that no threshold of
    regrowth lies above that of ``complete``.

    Parameters
    ----------
    kind : one of `SHARES` or `MEANS`.
    least, most : thresholds as published [1]; None where not stated.

    Raises
    ------
    InputError
        When the kind is unknown or a threshold is none.

    Examples
    --------
    >>> endpoint_of("complete").least, endpoint_of("regrowth_between", 0.5, 0.99).most
    (0.85, 0.85)
    """
    _check(kind, least, most)
    data = load_condition_data()
    complete = data.value("complete")
    if kind == "regrowth_between":
        low, high = least or 0.0, most or 1.0
        return Endpoint(
            kind, min(low, complete), min(high, complete), data.value("threshold_reach")
        )
    if least is not None and kind in _THRESHOLDS:
        return Endpoint(kind, min(least, complete), None, data.value("threshold_reach"))
    if kind not in _THRESHOLDS and kind not in _GAINS:
        return Endpoint(kind)
    usual = data.quantity({**_THRESHOLDS, **_GAINS}[kind])
    return Endpoint(kind, usual.value, None, (usual.high - usual.low) / 2.0)


def regrowth(outcome: Outcome) -> Values:
    r"""Share of the missing cover that has come back.

    .. math:: r_t = (c_t - c_0) / (1 - c_0)

    Parameters
    ----------
    outcome : (person, week + 1) each.

    Returns
    -------
    (person, week + 1)
        0 to 1; NaN where the outcome has none.

    Examples
    --------
    >>> cover = np.array([[0.2, 0.1, 0.6]])
    >>> regrowth(Outcome(cover, *[cover] * 6))
    array([[0. , 0. , 0.5]])
    """
    cover = np.asarray(outcome.cover, np.float64)
    return _regrown(cover, cover[:, :1])


def person_values(
    endpoint: Endpoint, outcome: Outcome, week: int, regimen: Regimen, shift: float = 0.0
) -> Values:
    r"""Value of an endpoint for every person.

    Of a threshold :math:`h` it is the probability that a reader, whose error has the deviation
    :math:`\sigma(r)`, finds it passed:

    .. math:: P = \Phi((r - h) / \sigma(r)),\quad
        \sigma(r) = \max(\sigma_0, 2 \sigma_{1/2} \sqrt{r (1 - r)})

    Parameters
    ----------
    endpoint : what is read; see `endpoint_of`.
    outcome : (person, week + 1) each.
    week : of the reading after the start.
    regimen : that was given, for ``sessions_to_complete``.
    shift : of the threshold [1], as one study may set it.

    Returns
    -------
    (person,)
        Probability [1], share [1], week or sessions. NaN where there is none: no onset by then, not
        complete by then, or a person that the model could not follow.

    Raises
    ------
    InputError
        When the outcome does not reach the week.

    Examples
    --------
    >>> cover = np.array([[0.0, 0.5, 1.0]])
    >>> outcome = Outcome(cover, *[cover] * 6)
    >>> person_values(endpoint_of("complete"), outcome, 2, Regimen(5.0)).round(2)
    array([1.])
    """
    weeks = np.shape(outcome.cover)[1] - 1
    if not 0 < week <= weeks:
        raise InputError(Problem("week", f"1 to {weeks}", repr(week), "Simulate longer."))
    if endpoint.kind in ("onset_week", "sessions_to_complete"):
        return _waiting(endpoint, outcome, week, regimen, shift)
    start, now = (
        Outcome(*(np.asarray(field[:, at], np.float64) for field in outcome)) for at in (0, week)
    )
    if endpoint.kind in MEANS:
        return _mean_value(endpoint.kind, start, now)
    least = endpoint.least + shift
    if endpoint.kind == "visible_regrowth":
        return _passed(_gained_hair(start, now), least)
    regrown = _regrown(now.cover, start.cover)
    passed = _passed(regrown, least)
    if endpoint.most is not None:
        return np.maximum(passed - _passed(regrown, endpoint.most + shift), 0.0)
    return 1.0 - passed if endpoint.kind == "no_response" else passed


def predicted(endpoint: Endpoint, values: Values, weights: Values) -> float:
    """Share or mean of an arm: the weighted mean of those who have a value.

    Parameters
    ----------
    endpoint : what is read; of ``odds_ratio`` it is the share of one side, see `log_odds_ratio`.
    values : of any shape, NaN where a person has none; see `person_values`.
    weights : of the same shape, or one that fits it.

    Returns
    -------
    float
        NaN when nobody has a value.

    Examples
    --------
    >>> predicted(endpoint_of("onset_week"), np.array([4.0, np.nan, 8.0]), np.ones(3))
    6.0
    """
    _check(endpoint.kind, None, None)
    defined = ~np.isnan(values)
    heavy = np.where(defined, weights, 0.0)
    total = float(heavy.sum())
    if not total > 0.0:
        return math.nan
    return float((heavy * np.where(defined, values, 0.0)).sum() / total)


def predicted_jax(values: Any, defined: Any, weights: Any) -> Any:
    """Weighted mean of those who have a value, differentiable in values and weights.

    Parameters
    ----------
    values, defined, weights : JAX arrays of one shape; what is not defined may hold anything.

    Returns
    -------
    Array
        A number; 0 when nobody has a value.
    """
    import jax.numpy as jnp

    heavy = jnp.where(defined, weights, 0.0)
    total = jnp.sum(heavy * jnp.where(defined, values, 0.0))
    whole = jnp.sum(heavy)
    return jnp.where(whole > 0.0, total / jnp.where(whole > 0.0, whole, 1.0), 0.0)


def log_odds_ratio(first: float, second: float, least: float = 1e-4) -> float:
    r"""Logarithm of the odds ratio of two shares.

    .. math:: \ln \frac{p_1 (1 - p_2)}{(1 - p_1) p_2}

    Parameters
    ----------
    first, second : shares [1]; least : nearest they come to 0 and 1.

    Examples
    --------
    >>> log_odds_ratio(0.5, 0.5)
    0.0
    """
    one, two = (min(max(share, least), 1.0 - least) for share in (first, second))
    return math.log(one / (1.0 - one)) - math.log(two / (1.0 - two))


def _mean_value(kind: str, start: Outcome, now: Outcome) -> Values:
    """Read the number (person,) that is averaged, from the first and the last reading."""
    if kind == "mean_salt_reduction":
        left = now.bald_area / np.maximum(start.bald_area, _LEAST_MISSING)
        return np.asarray(np.maximum(1.0 - left, load_condition_data().value("salt_floor")))
    if kind == "terminal_fraction":
        return np.asarray(_gained_hair(start, now) * now.terminal_share)
    return _regrown(now.cover, start.cover)


def _gained_hair(start: Outcome, now: Outcome) -> Values:
    return np.asarray(np.maximum(now.hair_share - start.hair_share, 0.0))


def _regrown(now: Values, start: Values) -> Values:
    return np.clip((now - start) / np.maximum(1.0 - start, _LEAST_MISSING), 0.0, 1.0)


def _passed(share: Values, threshold: float) -> Values:
    """Probability that a reader finds a share above a threshold."""
    from scipy.special import ndtr

    data = load_condition_data()
    limit = max(threshold, data.value("threshold_least"))
    inner = np.clip(share, 0.0, 1.0)
    error = np.maximum(
        data.value("reader_least"), 2.0 * data.value("reader") * np.sqrt(inner * (1.0 - inner))
    )
    return np.asarray(ndtr((share - limit) / error))


def _waiting(
    endpoint: Endpoint, outcome: Outcome, week: int, regimen: Regimen, shift: float
) -> Values:
    """Weeks until cover begins to come back, or sessions until the patch is complete."""
    cover = np.asarray(outcome.cover[:, : week + 1], np.float64)
    start = cover[:, :1]
    begins = endpoint.kind == "onset_week"
    course = cover - start if begins else _regrown(cover, start)
    least = load_condition_data().value("threshold_least")
    reached = _first_week(course, max(endpoint.least + shift, least))
    if begins:
        return reached
    given = np.ceil(np.round(reached / regimen.interval, 6))
    return np.clip(given, 1.0, max(regimen.sessions, 1))


def _first_week(course: Values, threshold: float) -> Values:
    """Time (person,) at which a course (person, week) first reaches a threshold; NaN if never."""
    above = course >= threshold
    after = np.argmax(above, axis=1)
    person = np.arange(len(course))
    before = np.maximum(after - 1, 0)
    low, high = course[person, before], course[person, after]
    step = np.where(high > low, high - low, 1.0)
    part = np.clip((threshold - low) / step, 0.0, 1.0)
    return np.where(above.any(1), before + np.where(after > 0, part, 0.0), np.nan)


def _check(kind: str, least: float | None, most: float | None) -> None:
    problems = []
    if kind not in (*SHARES, *MEANS):
        problems.append(Problem("endpoint", f"one of {', '.join((*SHARES, *MEANS))}",
                                repr(kind)[:60], "Name one of them."))  # fmt: skip
    for name, value in (("least", least), ("most", most)):
        if value is not None and not 0.0 < value <= 1.0:
            problems.append(
                Problem(f"threshold ({name})", "a share 0..1", repr(value), "Correct it.")
            )
    if least is not None and most is not None and least >= most:
        problems.append(
            Problem("threshold", "least below most", f"{least:g} and {most:g}", "Exchange them.")
        )
    if problems:
        raise InputError(problems)
