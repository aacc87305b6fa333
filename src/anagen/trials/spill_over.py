"""What drug spills from one quadrant into the next does to a trial within a patch.

The same people with the same luck are followed a second time, every quadrant as though its whole
patch had its arm. The difference is the bias that neighbours bring into the comparison.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from anagen._version import __version__
from anagen.population.posterior import Posterior, load_posterior
from anagen.trials.flow import primary_endpoint, visit_number
from anagen.trials.protocol import Protocol, is_saline, is_untreated
from anagen.trials.run_chunk import run_chunk

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

PEOPLE = 200
"""People followed twice: enough to see a bias of a point, and done in seconds."""

_MEASURES = {"regrowth": "Regrowth, true (%)", "atrophy": "Loss of dermal thickness (%)"}


def spill_over(
    protocol: Protocol,
    dataset: "xr.Dataset",
    people: int = PEOPLE,
    posterior: Posterior | None = None,
) -> "pd.DataFrame":
    """Compare quadrants as they were held with the same ones alone.

    Parameters
    ----------
    protocol : of the trial, with quadrants as units; dataset : of its people.
    people : how many of the first replicate are followed again; posterior : that of the results.

    Returns
    -------
    pandas.DataFrame
        For every ``arm`` and ``measure`` at the primary visit, and for every difference of an arm
        ``against`` the saline or untreated one: ``n`` quadrants, the mean ``together`` and
        ``alone``, and their ``bias`` (together less alone) with its 95 % interval ``low``,
        ``high`` by Student over pairs. Empty for other units, and where the results were made by
        another version, with the reason in the attribute ``words``.
    """
    import pandas as pd

    words = _why_not(protocol, dataset, posterior)
    rows: list[dict[str, Any]] = []
    if not words:
        alone = run_chunk(protocol, 0, 0, min(people, protocol.people),
                          int(dataset.attrs["seed"]), posterior, isolated=True)  # fmt: skip
        _, here, there = np.intersect1d(dataset["unit"].values, alone["unit"].values,
                                        assume_unique=True, return_indices=True)  # fmt: skip
        rows = _rows(protocol, dataset.isel(unit=here), alone.isel(unit=there))
    columns = ["arm", "against", "measure", "n", "together", "alone", "bias", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs["words"] = words
    return table


def _why_not(protocol: Protocol, dataset: "xr.Dataset", posterior: Posterior | None) -> str:
    if protocol.unit != "quadrant":
        return "Units are not quadrants of one patch."
    version = str((posterior or load_posterior()).about["version"])
    made = (dataset.attrs.get("anagen_version"), dataset.attrs.get("posterior"))
    if made != (__version__, version):
        return "The results were made by another version, so that they cannot be followed again."
    return ""


def _rows(protocol: Protocol, together: "xr.Dataset", alone: "xr.Dataset") -> list[dict[str, Any]]:
    visit = visit_number(protocol, primary_endpoint(protocol).week)
    followed = ~(together["failed"].values | alone["failed"].values)
    person, arm = together["person"].values, together["arm"].values
    without = [number for number, one in enumerate(protocol.arms)
               if is_saline(one.treatment) or is_untreated(one.treatment)]  # fmt: skip
    reference = without[0] if without else None
    rows: list[dict[str, Any]] = []
    for name, words in _MEASURES.items():
        values = np.stack([100.0 * data[name].isel(visit=visit).values.astype(np.float64)
                           for data in (together, alone)], axis=1)  # fmt: skip
        means = [_of_person(person, values, followed & (arm == number))
                 for number in range(len(protocol.arms))]  # fmt: skip
        for number, one in enumerate(protocol.arms):
            rows.append({"arm": one.key, "against": "", "measure": words, **_paired(means[number])})
        for number, one in enumerate(protocol.arms):
            if reference is not None and number != reference:
                rows.append({"arm": one.key, "against": protocol.arms[reference].key,
                             "measure": words,
                             **_paired(means[number] - means[reference])})  # fmt: skip
    return rows


def _of_person(person: np.ndarray, values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Mean (person, 2) of a person's quadrants of one arm; NaN for who has none."""
    people = int(person.max(initial=0)) + 1
    count = np.bincount(person[own], minlength=people)
    sums = np.stack([np.bincount(person[own], column, minlength=people)
                     for column in values[own].T], axis=1)  # fmt: skip
    return np.asarray(np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], np.nan))


def _paired(means: np.ndarray) -> dict[str, float]:
    from scipy.stats import t

    means = means[~np.isnan(means).any(axis=1)]
    n, change = len(means), means[:, 0] - means[:, 1]
    if n == 0:
        return {"n": 0, **dict.fromkeys(("together", "alone", "bias", "low", "high"), np.nan)}
    wide = float(t.ppf(0.975, n - 1) * change.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    bias = float(change.mean())
    return {"n": n, "together": float(means[:, 0].mean()), "alone": float(means[:, 1].mean()),
            "bias": bias, "low": bias - wide, "high": bias + wide}  # fmt: skip
