"""Statistics of shares, for many trials at once: intervals, differences, odds ratios, tests.

Every argument is an array over trials (or what broadcasts with it); an undefined result is NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_EMPTY = 0.5  # added to every cell of a table with an empty one (Haldane 1956, Anscombe 1956)


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates of several trials with intervals and the p-values of a test.

    Parameters
    ----------
    value, low, high : (trial,) estimate and interval; p : (trial,) two-sided.
    ratio, ratio_low, ratio_high : (trial,) the same comparison as a ratio; NaN where none is meant.
    """

    value: Array
    low: Array
    high: Array
    p: Array
    ratio: Array
    ratio_low: Array
    ratio_high: Array


def wilson(count: ArrayLike, total: ArrayLike, alpha: float = 0.05) -> tuple[Array, Array]:
    r"""Score interval of a share.

    .. math:: \frac{x + z^2/2 \mp z \sqrt{x (n - x) / n + z^2 / 4}}{n + z^2}

    Parameters
    ----------
    count, total : (trial,) successes of how many; alpha : share of intervals that miss the truth.

    References
    ----------
    Wilson EB 1927, J Am Stat Assoc 22:209-212.

    Examples
    --------
    >>> low, high = wilson(81, 263)
    >>> float(low.round(4)), float(high.round(4))
    (0.2553, 0.3662)
    """
    x, n = np.asarray(count, np.float64), np.asarray(total, np.float64)
    z = _quantile(alpha)
    many = np.where(n > 0, n, np.nan)
    half = z * np.sqrt(x * (many - x) / many + z * z / 4.0)
    low, high = ((x + z * z / 2.0 + sign * half) / (many + z * z) for sign in (-1.0, 1.0))
    # At the ends the limit is exactly 0 or 1, which rounding misses by a hair.
    return np.where(x <= 0, 0.0 * many, low), np.where(x >= n, 1.0 + 0.0 * many, high)


def two_shares(
    count: ArrayLike, total: ArrayLike, count_0: ArrayLike, total_0: ArrayLike, alpha: float = 0.05
) -> Estimates:
    """Compare shares of two groups of different people.

    The interval of the difference is Newcombe's hybrid score interval (his method 10), the test is
    Pearson's chi-square with N - 1 in place of N, without correction of continuity, and the ratio
    the odds ratio with Woolf's interval (0.5 is added to every cell where one is empty).

    Parameters
    ----------
    count, total : (trial,) successes of how many; count_0, total_0 : those of the reference.

    Returns
    -------
    Estimates
        Difference less the reference. p is 1 where all or none succeed in both groups.

    References
    ----------
    Newcombe RG 1998, Stat Med 17:873-890. Campbell I 2007, Stat Med 26:3661-3675. Woolf B 1955,
    Ann Hum Genet 19:251-253.

    Examples
    --------
    >>> found = two_shares(56, 70, 48, 80)
    >>> float(found.value.round(4)), float(found.low.round(4)), float(found.high.round(4))
    (0.2, 0.0524, 0.3339)
    """
    x, n, y, m = (np.asarray(one, np.float64) for one in (count, total, count_0, total_0))
    (low_x, high_x), (low_y, high_y) = wilson(x, n, alpha), wilson(y, m, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = x / n, y / m
        low = p - q - np.hypot(p - low_x, high_y - q)
        high = p - q + np.hypot(high_x - p, q - low_y)
    ratio = _odds_ratio(np.stack([x, n - x, y, m - y]), alpha)
    return Estimates(p - q, low, high, _chi_square(x, n, y, m), *ratio)


def paired_shares(
    both: ArrayLike, first: ArrayLike, second: ArrayLike, neither: ArrayLike, alpha: float = 0.05
) -> Estimates:
    """Compare shares of two treatments that the same people had.

    The interval of the difference is Newcombe's square-and-add interval with a correction of
    continuity in the correlation (his method 10), the test McNemar's exact one with mid-p, and the
    ratio the conditional odds ratio, its interval by Wilson's of the discordant share.

    Parameters
    ----------
    both, first, second, neither : (trial,) pairs in which both, only the first, only the second
        or neither succeeded; the second is the reference.

    References
    ----------
    Newcombe RG 1998, Stat Med 17:2635-2650. Fagerland MW, Lydersen S, Laake P 2013, BMC Med Res
    Methodol 13:91, and 2014, Stat Med 33:2850-2875.

    Examples
    --------
    >>> found = paired_shares(1, 1, 7, 12)
    >>> float(found.value.round(3)), float(found.low.round(3)), float(found.high.round(3))
    (-0.286, -0.507, -0.026)
    """
    cells = np.broadcast_arrays(*(np.asarray(one, np.float64)
                                  for one in (both, first, second, neither)))  # fmt: skip
    a, b, c, d = cells
    n = a + b + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = (a + b) / n, (a + c) / n
        low, high = _square_and_add(a, b, c, d, alpha)
        odds = b / c
        least, most = (share / (1.0 - share) for share in wilson(b, b + c, alpha))
    ratio = tuple(np.where(b + c > 0, one, np.nan) for one in (odds, least, most))
    return Estimates(p - q, low, high, _mid_p(b, c, n), *ratio)


def _square_and_add(a: Array, b: Array, c: Array, d: Array, alpha: float) -> tuple[Array, Array]:
    n = a + b + c + d
    p, q = (a + b) / n, (a + c) / n
    (low_p, high_p), (low_q, high_q) = wilson(a + b, n, alpha), wilson(a + c, n, alpha)
    cross = a * d - b * c
    cross = np.where(cross > 0, np.maximum(cross - n / 2.0, 0.0), cross)
    spread = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    phi = np.where(spread > 0, cross / np.where(spread > 0, spread, 1.0), 0.0)

    def away(one: Array, other: Array) -> Array:
        return np.sqrt(np.maximum(one**2 - 2.0 * phi * one * other + other**2, 0.0))

    return p - q - away(p - low_p, high_q - q), p - q + away(high_p - p, q - low_q)


def _chi_square(x: Array, n: Array, y: Array, m: Array) -> Array:
    from scipy.special import chdtrc

    total, failures = n + m, (n - x) + (m - y)
    spread = n * m * (x + y) * failures
    cross = x * (m - y) - y * (n - x)
    statistic = (total - 1.0) * cross**2 / np.where(spread > 0, spread, 1.0)
    p = np.where(spread > 0, chdtrc(1.0, statistic), 1.0)
    return np.where((n > 0) & (m > 0), p, np.nan)


def _mid_p(b: Array, c: Array, n: Array) -> Array:
    from scipy.stats import binom

    fewer, changed = np.minimum(b, c), b + c
    below, here = binom.cdf(fewer - 1.0, changed, 0.5), binom.pmf(fewer, changed, 0.5)
    p = np.where(b == c, 1.0, np.minimum(2.0 * below + here, 1.0))
    return np.where(n > 0, p, np.nan)


def _odds_ratio(cells: Array, alpha: float) -> tuple[Array, Array, Array]:
    cells = np.where((cells == 0).any(axis=0), cells + _EMPTY, cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
        wide = _quantile(alpha) * np.sqrt((1.0 / cells).sum(axis=0))
    known = (cells[0] + cells[1] > 2 * _EMPTY) & (cells[2] + cells[3] > 2 * _EMPTY)
    low, value, high = (np.where(known, np.exp(logarithm + move), np.nan)
                        for move in (-wide, 0.0, wide))  # fmt: skip
    return value, low, high


def _quantile(alpha: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(alpha / 2.0))
