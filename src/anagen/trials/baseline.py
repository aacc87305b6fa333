"""What the people of a virtual trial were like at the start, by arm."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.scalp import ANCESTRIES
from anagen.trials.conduct import WEEK
from anagen.trials.flow import ALL, Units, units_of
from anagen.trials.protocol import Protocol

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

MEAN, MEDIAN, COUNT = "mean (SD)", "median [IQR]", "n (%)"

_NUMBERS = {
    "age": ("Age", "years", MEAN, 1.0),
    "weight": ("Weight", "kg", MEAN, 1.0),
    "episode": ("Duration of the episode", "weeks", MEDIAN, 1.0 / WEEK),
    "extent": ("Bald share of the scalp", "%", MEDIAN, 100.0),
    "patches": ("Patches", "", MEDIAN, 1.0),
}
_OF_UNITS = {
    "diameter": ("Diameter of the patch studied", "mm", MEAN, 1.0),
    "patch_age": ("Age of the patch studied", "weeks", MEDIAN, 1.0 / WEEK),
}
_FLAGS = {
    "male": "Male",
    "recurrent": "Earlier episode",
    "nail_change": "Nail changes",
    "atopy": "Atopy",
    "family_history": "Alopecia areata in the family",
}


def baseline(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Describe people and patches at randomisation, all replicates together.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.

    Returns
    -------
    pandas.DataFrame
        One row for every ``characteristic`` (its ``level`` for a category) and ``arm``: ``unit``,
        ``statistic`` (which of the numbers is meant for a table), ``n``, ``mean``, ``sd``,
        ``median``, ``q1``, ``q3``, ``count``, ``percent``. Where every person gets all arms,
        people are described once (arm ``all``), patches by arm too.
    """
    import pandas as pd

    units = units_of(dataset)
    groups = dict(_groups(protocol, units))
    rows: list[dict[str, Any]] = []
    for described, (words, level, unit, statistic) in _variables(dataset, groups, units):
        rows += [{"characteristic": words, "level": level, "unit": unit, "statistic": statistic,
                  "arm": arm, **numbers} for arm, numbers in described]  # fmt: skip
    table = pd.DataFrame(rows)
    table.attrs["replicates"] = units.replicates
    return table


Group = tuple[np.ndarray, bool]  # units, and whether people are described by them
Described = Iterator[tuple[str, dict[str, Any]]]


def _groups(protocol: Protocol, units: Units) -> Iterator[tuple[str, Group]]:
    """Units of every arm and of all people, each person once where people are meant."""
    _, first = np.unique(units.person, return_index=True)
    for number, arm in enumerate(protocol.arms):
        yield arm.key, (np.flatnonzero(units.arm == number), protocol.design == "parallel")
    yield ALL, (np.sort(first), True)


def _variables(
    dataset: "xr.Dataset", groups: dict[str, Group], units: Units
) -> Iterator[tuple[Described, tuple[str, str, str, str]]]:
    people = {arm: index for arm, (index, whole) in groups.items() if whole}
    every = {arm: index for arm, (index, _) in groups.items()}
    every[ALL] = np.flatnonzero(units.arm >= 0)
    yield from _of_numbers(dataset, people, _NUMBERS)
    for name, label in _FLAGS.items():
        values = dataset[name].values.astype(bool)
        yield _counts(values, people), (label, "", "", COUNT)
    ancestry = dataset["ancestry"].values
    for number, level in enumerate(ANCESTRIES):
        if (ancestry == number).any():
            yield _counts(ancestry == number, people), ("Ancestry", str(level), "", COUNT)
    yield from _of_numbers(dataset, every, _OF_UNITS)


def _of_numbers(
    dataset: "xr.Dataset",
    groups: dict[str, np.ndarray],
    names: dict[str, tuple[str, str, str, float]],
) -> Iterator[tuple[Described, tuple[str, str, str, str]]]:
    for name, (label, unit, statistic, scale) in names.items():
        values = scale * dataset[name].values.astype(np.float64)
        yield _numbers(values, groups), (label, "", unit, statistic)


def _numbers(values: np.ndarray, groups: dict[str, np.ndarray]) -> Described:
    for arm, index in groups.items():
        own = values[index]
        found = dict.fromkeys(("mean", "sd", "median", "q1", "q3"), np.nan)
        if len(own):
            q1, median, q3 = np.percentile(own, (25, 50, 75))
            spread = float(own.std(ddof=1)) if len(own) > 1 else np.nan
            found = {"mean": float(own.mean()), "sd": spread, "median": float(median),
                     "q1": float(q1), "q3": float(q3)}  # fmt: skip
        yield arm, {"n": len(own), **found}


def _counts(flags: np.ndarray, groups: dict[str, np.ndarray]) -> Described:
    for arm, index in groups.items():
        count = int(flags[index].sum())
        percent = 100.0 * count / len(index) if len(index) else np.nan
        yield arm, {"n": len(index), "count": count, "percent": percent}
