"""Kinds of people: named settings and the limits that a protocol of a trial may state."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

from anagen.errors import InputError, Problem
from anagen.population.covariate_data import CovariateData, load_covariates
from anagen.scalp import ANCESTRIES

Bounds = tuple[float, float]

MOST_PEOPLE = 100_000_000
_MOST_SEED = 2**63 - 1
_MOST_DAYS = 120 * 365.25


@dataclass(frozen=True)
class Setting:
    """Which kind of people to draw.

    Parameters
    ----------
    name : a named setting: clinic, localized, chronic, extensive, children, photographs or
        presentation; see ``evidence/data/population/covariates.toml``.
    age_years : (least, greatest) age [year] in place of the setting's own limits.
    episode_days : (shortest, longest) present episode [day] in place of the setting's own.
    extent : (least, greatest) bald share of the scalp [1] in place of the setting's own.
    patches : (fewest, most) patches.
    patch_count : whose shares of one and two patches hold, photographs or presentation;
        None leaves it to the setting.
    ancestry : shares of `anagen.scalp.ANCESTRIES`, for example ``(("asian", 1.0),)``; None is the
        assumed mix.
    onset_extent : correlation of age at onset with extent, on which studies disagree; None is
        halfway between them.

    Examples
    --------
    >>> Setting("localized", patches=(1, 3)).name
    'localized'
    """

    name: str = "clinic"
    age_years: Bounds | None = None
    episode_days: Bounds | None = None
    extent: Bounds | None = None
    patches: tuple[int, int] | None = None
    patch_count: str | None = None
    ancestry: tuple[tuple[str, float], ...] | None = None
    onset_extent: float | None = None


CLINIC = Setting()


@dataclass(frozen=True)
class Limits:
    """Limits on whom a setting takes, each (least, greatest).

    Parameters
    ----------
    age : [year]; episode : [day]; extent : [1]; patches : number.
    """

    age: Bounds
    episode: Bounds
    extent: Bounds
    patches: Bounds


def setting_names() -> tuple[str, ...]:
    """Names of all settings.

    Examples
    --------
    >>> "clinic" in setting_names()
    True
    """
    return tuple(load_covariates().settings)


def setting_limits(setting: Setting) -> Limits:
    """Limits of a checked setting: its own, unless the caller states others.

    Examples
    --------
    >>> setting_limits(Setting("extensive")).extent
    (0.26, 0.75)
    """
    data, key = load_covariates(), setting.name
    age = (data.value("onset.least", "year"), data.value("age.greatest", "year"))
    episode = (data.value("episode.least", "day"), _MOST_DAYS)
    most = data.value("count.most", "1")
    return Limits(
        age=setting.age_years or _own(data, key, "age", "year", age),
        episode=setting.episode_days or _own(data, key, "episode", "day", episode),
        extent=setting.extent or _own(data, key, "extent", "1", (0.0, 1.0)),
        patches=setting.patches or (1.0, most),
    )


def ancestry_shares(setting: Setting) -> tuple[float, ...]:
    """Shares of the ancestries in the order of `anagen.scalp.ANCESTRIES`, of sum 1.

    Examples
    --------
    >>> ancestry_shares(Setting(ancestry=(("asian", 1.0),)))
    (0.0, 0.0, 1.0)
    """
    data = load_covariates()
    shares: dict[str, float]
    if setting.ancestry is None:
        shares = {name: data.value(f"ancestry.{name}", "1") for name in ANCESTRIES}
    else:
        shares = dict(setting.ancestry)
    total = sum(shares.values())
    return tuple(shares.get(name, 0.0) / total for name in ANCESTRIES)


def check_draw(n: object, seed: object, setting: object, first: object = 0) -> None:
    """Refuse a draw of people that cannot be meant.

    Raises
    ------
    InputError
        Every problem: too few or too many people, a seed that is no whole number, a setting that
        is unknown, limits that are no numbers, reversed or beyond what is possible.
    """
    problems = [
        *_whole("n", n, 1, MOST_PEOPLE, "Ask for as many people as you need."),
        *_whole("seed", seed, 0, _MOST_SEED, "Give a whole number, 0 or more."),
        *_whole("first", first, 0, _MOST_SEED, "Give the index of the first person, 0 or more."),
    ]
    if isinstance(setting, Setting):
        problems += setting_problems(setting)
    else:
        problems.append(Problem("setting", "a Setting", repr(setting)[:60],
                                "Write Setting('clinic') or another name."))  # fmt: skip
    if problems:
        raise InputError(problems)


def setting_problems(setting: Setting) -> list[Problem]:
    """List everything wrong with a setting; empty when it is sound.

    Examples
    --------
    >>> setting_problems(Setting("clinics"))[0].found
    "'clinics'"
    """
    data, problems = load_covariates(), []
    if setting.name not in data.settings:
        problems.append(Problem("setting.name", f"one of {', '.join(data.settings)}",
                                repr(setting.name)[:60], "Name one of the settings."))  # fmt: skip
    counts = sorted({row.count for row in data.settings.values()})
    if setting.patch_count is not None and setting.patch_count not in counts:
        problems.append(Problem("setting.patch_count", f"one of {', '.join(counts)}",
                                repr(setting.patch_count)[:60],
                                "Name one, or leave it out."))  # fmt: skip
    most = data.value("count.most", "1")
    oldest = data.value("age.greatest", "year")
    problems += _bounds("age_years", setting.age_years, (0.0, 120.0), "in years",
                        reach=(data.value("onset.least", "year"), oldest))  # fmt: skip
    problems += _bounds("episode_days", setting.episode_days, (0.0, _MOST_DAYS), "in days",
                        reach=(data.value("episode.least", "day"), _MOST_DAYS))  # fmt: skip
    problems += _bounds("extent", setting.extent, (0.0, 1.0), "as a share, 0.25 for 25 %",
                        reach=(data.curve("extent.quantiles").values[0], 1.0))  # fmt: skip
    problems += _bounds("patches", setting.patches, (1.0, most), "as a number", reach=(1.0, most))
    return problems + _ancestry_problems(setting.ancestry) + _correlation_problems(setting)


def _own(data: CovariateData, key: str, name: str, unit: str, default: Bounds) -> Bounds:
    low, high = (data.bound(key, f"{name}_{side}", unit) for side in ("low", "high"))
    return (default[0] if low is None else low, default[1] if high is None else high)


def _whole(place: str, value: object, least: int, most: int, remedy: str) -> list[Problem]:
    right = isinstance(value, Integral) and not isinstance(value, bool)
    if right and least <= int(value) <= most:  # type: ignore[call-overload]
        return []
    return [Problem(place, f"a whole number from {least:,} to {most:,}".replace(",", " "),
                    repr(value)[:60], remedy)]  # fmt: skip


def _bounds(name: str, given: object, within: Bounds, unit: str, reach: Bounds) -> list[Problem]:
    if given is None:
        return []
    place = f"setting.{name}"
    pair = tuple(given) if isinstance(given, tuple | list) else ()
    numbers = [
        value for value in pair if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    expected = f"(least, greatest) {unit}, from {within[0]:g} to {within[1]:g}"
    if len(pair) != 2 or len(numbers) != 2 or not all(math.isfinite(value) for value in numbers):
        return [Problem(place, expected, repr(given)[:60], "Give two numbers.")]
    low, high = float(numbers[0]), float(numbers[1])
    if not within[0] <= low <= high <= within[1]:
        return [Problem(place, expected, f"({low:g}, {high:g})",
                        "Give the smaller one first, in this unit.")]  # fmt: skip
    if high < reach[0] or low > reach[1]:
        return [Problem(place, f"limits that reach {reach[0]:g} to {reach[1]:g}, {unit}",
                        f"({low:g}, {high:g})", "Nobody is like this; widen it.")]  # fmt: skip
    return []


def _ancestry_problems(mix: object) -> list[Problem]:
    if mix is None:
        return []
    place, expected = "setting.ancestry", f"shares, 0 or more, of {', '.join(ANCESTRIES)}"
    remedy = "Write for example (('european', 0.7), ('asian', 0.3))."
    try:
        shares: Mapping[object, object] = dict(mix)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return [Problem(place, expected, repr(mix)[:60], remedy)]
    numbers = [
        float(value)
        for name, value in shares.items()
        if name in ANCESTRIES and isinstance(value, int | float) and not isinstance(value, bool)
        and math.isfinite(value) and value >= 0.0
    ]  # fmt: skip
    if len(numbers) != len(shares) or not 0.0 < sum(numbers) < math.inf:
        return [Problem(place, expected, repr(mix)[:60], remedy)]
    return []


def _correlation_problems(setting: Setting) -> list[Problem]:
    given = setting.onset_extent
    if given is None:
        return []
    known = load_covariates().quantities["correlation.onset_extent"]
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if number and known.low <= given <= known.high:
        return []
    return [Problem("setting.onset_extent", f"a correlation from {known.low:g} to {known.high:g}",
                    repr(given)[:60], "Stay between the studies.")]  # fmt: skip
