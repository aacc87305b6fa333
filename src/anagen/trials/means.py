"""Statistics of means, for many trials at once, from counts, means and variances.

Every argument is an array over trials. Where a group has fewer than two values, or nothing varies,
a test says nothing, and interval and p-value are NaN.
"""

import numpy as np
from numpy.typing import NDArray

from anagen.trials.shares import Estimates

Array = NDArray[np.float64]


def student(
    mean: Array, variance: Array, count: Array, alpha: float = 0.05
) -> tuple[Array, Array, Array]:
    """Interval of a mean, and the p-value that it is zero, by Student's t.

    Parameters
    ----------
    mean, variance, count : (trial,) of the values; the variance with ``count - 1``.

    Returns
    -------
    (trial,) low, high, p

    Examples
    --------
    >>> low, high, p = student(np.array([1.0]), np.array([4.0]), np.array([16.0]))
    >>> low.round(3), high.round(3), p.round(3)
    (array([-0.066]), array([2.066]), array([0.064]))
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(variance > 0, np.sqrt(variance / count), np.nan)
    return _by_t(mean, error, count - 1.0, alpha)


def two_means(
    first: tuple[Array, Array, Array], second: tuple[Array, Array, Array], alpha: float = 0.05
) -> Estimates:
    """Compare means of two groups of different people by Welch's t test.

    Parameters
    ----------
    first, second : mean, variance and count (trial,) of each; the second is the reference.

    References
    ----------
    Welch BL 1947, Biometrika 34:28-35; degrees of freedom by Satterthwaite FE 1946, Biometrics
    Bull 2:110-114.

    Examples
    --------
    >>> group = (np.array([2.0]), np.array([1.0]), np.array([10.0]))
    >>> other = (np.array([1.0]), np.array([1.0]), np.array([10.0]))
    >>> two_means(group, other).p.round(4)
    array([0.0382])
    """
    (mean, variance, count), (mean_0, variance_0, count_0) = first, second
    difference = mean - mean_0
    enough = (count > 1) & (count_0 > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = variance / count, variance_0 / count_0
        error = np.where(enough & (one + other > 0), np.sqrt(one + other), np.nan)
        degrees = (one + other) ** 2 / (one**2 / (count - 1.0) + other**2 / (count_0 - 1.0))
    return _estimates(difference, *_by_t(difference, error, degrees, alpha))


def paired_means(mean: Array, variance: Array, count: Array, alpha: float = 0.05) -> Estimates:
    """Judge the mean of the differences within people, by the paired t test.

    Parameters
    ----------
    mean, variance, count : (trial,) of the differences, the reference subtracted.
    """
    return _estimates(mean, *student(mean, variance, count, alpha))


def _estimates(value: Array, low: Array, high: Array, p: Array) -> Estimates:
    none = np.full(np.shape(value), np.nan)
    return Estimates(value, low, high, p, none, none, none)


def _by_t(value: Array, error: Array, degrees: Array, alpha: float) -> tuple[Array, Array, Array]:
    from scipy.special import stdtr, stdtrit

    known = np.isfinite(error) & (degrees > 0)
    usable = np.where(known, degrees, 1.0)
    wide = np.where(known, -stdtrit(usable, alpha / 2.0) * error, np.nan)
    score = np.where(known, np.abs(value) / np.where(known, error, 1.0), 0.0)
    p = np.where(known, 2.0 * stdtr(usable, -score), np.nan)
    return value - wide, value + wide, p
