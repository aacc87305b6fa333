"""Intervals of published figures: as printed, from counts, or from a standard error."""

from math import exp, log

from anagen.biology.systemic import wilson_interval
from anagen.population.conditions import ArmCase
from anagen.population.endpoints import SHARES
from anagen.population.relapse_targets import RelapseTarget

_Z = 1.96
_PERCENT = 100.0


def case_interval(case: ArmCase, unit: str) -> tuple[float, float]:
    """95 % interval of what an arm published.

    As printed where it was; of counts that of Wilson; else from the standard error, on the logit
    of a share and the logarithm of an odds ratio.

    Parameters
    ----------
    case : the arm.
    unit : ``%`` for a result in percent; anything else leaves the case's own unit.

    Returns
    -------
    tuple of float
        Low and high, both the figure itself where nothing says how sure it is.
    """
    arm, observed, error = case.arm, case.observed, case.standard_error
    if arm.ci_low is not None and arm.ci_high is not None:
        return arm.ci_low, arm.ci_high
    scale = _PERCENT if unit == "%" else 1.0
    if case.likelihood == "binomial" and case.total:
        low, high = wilson_interval(observed, case.total)
    elif error is None:
        low = high = observed
    elif case.likelihood == "log_odds_ratio":
        low, high = exp(observed - _Z * error), exp(observed + _Z * error)
    elif case.endpoint.kind in SHARES:
        centre = log(observed / (1.0 - observed))
        low, high = (1.0 / (1.0 + exp(-(centre + side * _Z * error))) for side in (-1.0, 1.0))
    else:
        low, high = observed - _Z * error, observed + _Z * error
    return scale * low, scale * high


def target_interval(target: RelapseTarget) -> tuple[float, float]:
    """95 % interval [%] of a published share of relapses, that of Wilson.

    Examples
    --------
    >>> from anagen.population.relapse_targets import load_relapse_targets
    >>> low, high = target_interval(load_relapse_targets()[0])
    >>> low < load_relapse_targets()[0].percent < high
    True
    """
    low, high = wilson_interval(target.percent / _PERCENT, target.people)
    return _PERCENT * low, _PERCENT * high
