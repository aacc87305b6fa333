"""Figures of a forecast, each with its interval, for the page and for the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

UNTREATED_PLAN = "untreated"
WEEKS = (4, 8, 12, 24, 52, 78, 104)
LEAST_SHOWN = 0.5
"""Weeks at which figures are given, as far as the forecast reaches."""

_CATEGORIES = ("either", "only_treated", "only_untreated")
_LEVELS = {50: (0.25, 0.75), 80: (0.1, 0.9), 95: (0.025, 0.975)}
_ROUND = 1e-6
_DECIMALS = 2


@dataclass(frozen=True)
class Range:
    """A figure with the interval in which it lies.

    Parameters
    ----------
    middle : median, or the chance itself.
    low, high : ends of the interval.
    """

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class People:
    """What becomes of 100 people like this one.

    Parameters
    ----------
    week : after the start; threshold : of regrowth that counts [1].
    either : regrow with or without treatment; only_treated : only with it; only_untreated : only
        without it; neither : not by that week. Whole people, 100 in all.
    shares : the same as shares [1] with interval, by name; ``untreated`` too.
    """

    week: int
    threshold: float
    either: int
    only_treated: int
    only_untreated: int
    neither: int
    shares: Mapping[str, Range]


def plan_names(data: "xr.Dataset") -> list[str]:
    """Names of the plans, without the untreated course that stands first."""
    return [str(name) for name in data["plan"].values if str(name) != UNTREATED_PLAN]


def patch_names(data: "xr.Dataset") -> list[str]:
    """Ids of the patches."""
    return [str(name) for name in data["patch"].values]


def last_week(data: "xr.Dataset") -> int:
    """Week at which the forecast ends."""
    return int(data["week"].values[-1])


def weeks_shown(data: "xr.Dataset", weeks: Sequence[int] = WEEKS) -> list[int]:
    """Those of some weeks that the forecast reaches, and its last."""
    last = last_week(data)
    return [*(week for week in weeks if week < last), last]


def origin(data: "xr.Dataset") -> date:
    """Day of week 0."""
    return date.fromisoformat(str(data.attrs["origin"])[:10])


def withheld(flags: Sequence[Any]) -> bool:
    """Whether a flag forbids showing any number."""
    return any(flag.severity == "stop" for flag in flags)


def spread(
    data: "xr.Dataset",
    variable: str,
    *,
    plan: str,
    week: int | None = None,
    patch: str | None = None,
    level: int = 95,
) -> Range | None:
    """Median and interval of a variable that is given by quantiles.

    Parameters
    ----------
    data : dataset of a forecast.
    variable : its name.
    plan, week, patch : where; None for a dimension that the variable lacks.
    level : of the interval [%]: 50, 80 or 95.

    Returns
    -------
    Range or None
        None when the dataset has no figure there.
    """
    if variable not in data:
        return None
    place = {"plan": plan, "patch": patch, "week": week}
    along = data[variable].sel({key: value for key, value in place.items() if value is not None})
    low, high = _LEVELS[level]
    values = [float(along.sel(quantile=q, method="nearest")) for q in (0.5, low, high)]
    return Range(*values) if np.isfinite(values).all() else None


def chance(
    data: "xr.Dataset",
    variable: str,
    *,
    plan: str,
    week: int,
    patch: str | None = None,
    threshold: float | None = None,
) -> Range | None:
    """Give a probability [1] with its 95 % interval; None when the dataset has none there."""
    if variable not in data:
        return None
    place: dict[str, Any] = {"plan": plan, "patch": patch, "week": week}
    dims = data[variable].dims
    place = {key: value for key, value in place.items() if value is not None and key in dims}
    found = []
    for name in (variable, f"{variable}_low", f"{variable}_high"):
        along = data[name].sel(place)
        if threshold is not None:
            along = along.sel(threshold=threshold, method="nearest")
        found.append(float(along))
    return Range(*found) if np.isfinite(found).all() else None


def thresholds(data: "xr.Dataset") -> list[float]:
    """Thresholds of regrowth that are shown; lower ones serve the gates of a review."""
    return [float(value) for value in data["threshold"].values if value >= LEAST_SHOWN]


def people(data: "xr.Dataset", plan: str, week: int, threshold: float) -> People | None:
    """Count what becomes of 100 people like this one by a week; None without a figure.

    Parameters
    ----------
    data : dataset of a forecast.
    plan : the plan that is held against no treatment.
    week, threshold : when, and which share of the bald area [1] must be covered again.
    """
    names = (*_CATEGORIES, "untreated")
    shares = {
        name: chance(data, f"regrown_{name}", plan=plan, week=week, threshold=threshold)
        for name in names
    }
    known = {name: share for name, share in shares.items() if share is not None}
    if len(known) < len(names):
        return None
    parts = [known[name].middle for name in _CATEGORIES]
    counts = whole_people([*parts, max(0.0, 1.0 - sum(parts))])
    either, added, lost, neither = counts
    return People(week, threshold, either, added, lost, neither, known)


def whole_people(shares: Sequence[float]) -> list[int]:
    """Round shares to whole people of 100, the largest remainders first.

    Examples
    --------
    >>> whole_people([0.333, 0.333, 0.334])
    [33, 33, 34]
    """
    total = sum(shares) or 1.0
    exact = [100.0 * share / total for share in shares]
    counts = [int(part + _ROUND) for part in exact]
    order = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for index in order[: 100 - sum(counts)]:
        counts[index] += 1
    return counts


def week_of(data: "xr.Dataset", wanted: int) -> int:
    """Week that is wanted, or the last one when the forecast ends earlier."""
    return min(wanted, last_week(data))


def lowest(data: "xr.Dataset", variable: str, plan: str) -> tuple[int, Range] | None:
    """Week at which the median of a variable over weeks is lowest, and the figure there."""
    return _extreme(data, variable, plan, None, largest=False)


def greatest_chance(
    data: "xr.Dataset", variable: str, plan: str, patch: str | None = None
) -> tuple[int, Range] | None:
    """Week by which a probability is highest, and the figure there."""
    return _extreme(data, variable, plan, patch, largest=True)


def _extreme(
    data: "xr.Dataset", variable: str, plan: str, patch: str | None, *, largest: bool
) -> tuple[int, Range] | None:
    if variable not in data:
        return None
    along = data[variable].sel(plan=plan)
    if patch is not None:
        along = along.sel(patch=patch)
    by_quantile = "quantile" in along.dims
    if by_quantile:
        along = along.sel(quantile=0.5, method="nearest")
    values = np.asarray(along.values, dtype=float)
    if not np.isfinite(values).any():
        return None
    index = int(np.nanargmax(values) if largest else np.nanargmin(values))
    week = int(data["week"].values[index])
    figure = spread if by_quantile else chance
    found = figure(data, variable, plan=plan, week=week, patch=patch)
    return None if found is None else (week, found)


def percent_words(share: float) -> str:
    """Share [1] as a percentage that claims no more than it may.

    Examples
    --------
    >>> percent_words(0.004), percent_words(0.472), percent_words(0.998)
    ('under 1 %', '47 %', 'over 99 %')
    """
    percent = 100.0 * share
    if 0.0 < percent < 1.0:
        return "under 1 %"
    if 99.0 < percent < 100.0:
        return "over 99 %"
    return f"{percent:.0f} %"


def range_words(figure: Range, *, percent: bool = True, digits: int = 2) -> str:
    """Figure with its interval, such as ``47 % (31–64)``.

    Parameters
    ----------
    figure : what to say; a share [1] when ``percent``.
    digits : significant digits of figures that are no percentages.

    Examples
    --------
    >>> range_words(Range(0.47, 0.31, 0.642)), range_words(Range(3.2, 1.0, 7.25), percent=False)
    ('47 % (31–64)', '3.2 (1–7.2)')
    """
    if percent:
        top = max(100 * figure.high, float(figure.high > 0.0))
        words = f"{percent_words(figure.middle)} ({100 * figure.low:.0f}–{top:.0f})"
        return words.replace("-", "−")
    middle, low, high = (plain(value, digits) for value in (figure.middle, figure.low, figure.high))
    return f"{middle} ({low}–{high})"


def plain(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, at most two decimals and no exponent.

    Examples
    --------
    >>> plain(0.00071), plain(0.126), plain(1234.5), plain(-2.0)
    ('0', '0.13', '1230', '−2')
    """
    rounded = round(value, _DECIMALS) + 0.0
    text = f"{rounded:.{digits}g}"
    return (f"{float(text):.0f}" if "e+" in text else text).replace("-", "−")
