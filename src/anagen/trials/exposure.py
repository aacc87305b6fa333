"""What was given in a virtual trial, and what harm came of it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.trials.chunk_dataset import SESSION
from anagen.trials.conduct import WEEK
from anagen.trials.flow import units_of
from anagen.trials.protocol import Protocol

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_AMOUNTS = {"sessions": "", "injections": "", "mg": "mg"}


def exposure(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Sessions, injections and milligrams that units of each arm were given.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.

    Returns
    -------
    pandas.DataFrame
        One row for every ``arm`` and ``amount`` (``sessions``, ``injections``, ``mg``), of one
        unit over the whole trial: ``unit``, ``n``, ``mean``, ``sd``, ``median``, ``q1``, ``q3``,
        ``most``.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> from anagen.trials.run_chunk import run_chunk
    >>> protocol = load_protocol_file("five-against-ten")
    >>> table = exposure(protocol, run_chunk(protocol, count=6))
    >>> float(table[table.amount == "sessions"]["mean"].iloc[0])
    3.0
    """
    import pandas as pd

    arm = dataset["arm"].values
    amounts = {
        "sessions": (dataset["session_status"].values == SESSION["given"]).sum(axis=1),
        "injections": dataset["injections"].values,
        "mg": dataset["mg"].values,
    }
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(protocol.arms):
        own = arm == number
        rows += [{"arm": one.key, "amount": name, "unit": _AMOUNTS[name],
                  **_spread(values[own].astype(np.float64))}
                 for name, values in amounts.items()]  # fmt: skip
    return pd.DataFrame(rows)


def _spread(values: np.ndarray) -> dict[str, float]:
    if not len(values):
        names = ("mean", "sd", "median", "q1", "q3", "most")
        return {"n": 0, **dict.fromkeys(names, np.nan)}
    q1, median, q3 = (float(value) for value in np.percentile(values, (25, 50, 75)))
    spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return {"n": len(values), "mean": float(values.mean()), "sd": spread, "median": median,
            "q1": q1, "q3": q3, "most": float(values.max())}  # fmt: skip


def harms(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Thinning of the skin, atrophy that was seen, and relapse, by arm and visit.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.

    Returns
    -------
    pandas.DataFrame
        One row for every ``arm``, ``week`` and ``harm``: ``thinning`` (loss of dermal thickness in
        the thinnest tenth of the patch at the visit [%], true of the model), ``atrophy seen`` (at
        this or an earlier visit to which the person came [%]) and ``relapse`` by the visit, true of
        the model, of those who had responded [%]; ``n``, ``count`` (NaN for the thinning),
        ``percent``, ``low``, ``high`` (95 % interval: Wilson for shares, Student for the thinning,
        of all units followed, all replicates together) and ``most`` (of the thinning).
    """
    import pandas as pd

    units = units_of(dataset)
    followed = ~units.failed
    seen = np.maximum.accumulate(dataset["atrophy_seen"].values.astype(bool), axis=1)
    relapse_day = dataset["relapse_day"].values
    responded = ~np.isnan(relapse_day)
    rows: list[dict[str, Any]] = []
    for number, arm in enumerate(protocol.arms):
        own = followed & (units.arm == number)
        thinning = 100.0 * dataset["atrophy"].isel(unit=np.flatnonzero(own)).values
        at_risk = relapse_day[own & responded]
        for visit, planned in enumerate(protocol.visits):
            place = {"arm": arm.key, "week": planned.week}
            back = at_risk <= WEEK * planned.week
            rows += [
                {**place, "harm": "thinning", **_mean(thinning[:, visit])},
                {**place, "harm": "atrophy seen", **share(seen[own, visit])},
                {**place, "harm": "relapse", **share(back)},
            ]
    return pd.DataFrame(rows)


def share(flags: np.ndarray) -> dict[str, float]:
    """Share in percent, with its 95 % interval by Wilson's score.

    References
    ----------
    Wilson EB 1927, J Am Stat Assoc 22:209.

    Examples
    --------
    >>> found = share(np.array([True, False]))
    >>> found["percent"], round(found["low"], 1)
    (50.0, 9.5)
    """
    from anagen.biology.systemic import wilson_interval

    n, count = len(flags), int(flags.sum())
    if not n:
        return {"n": 0, "count": 0, **dict.fromkeys(("percent", "low", "high", "most"), np.nan)}
    low, high = wilson_interval(count / n, n)
    # Rounding must not leave the share outside its interval where nobody or everybody counts.
    low, high = (0.0 if count == 0 else low), (1.0 if count == n else high)
    return {"n": n, "count": count, "percent": 100.0 * count / n, "low": 100.0 * low,
            "high": 100.0 * high, "most": np.nan}  # fmt: skip


def _mean(values: np.ndarray) -> dict[str, float]:
    from scipy.stats import t

    n = len(values)
    mean = float(values.mean()) if n else np.nan
    wide = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return {"n": n, "count": np.nan, "percent": mean, "low": mean - wide, "high": mean + wide,
            "most": float(values.max()) if n else np.nan}  # fmt: skip
