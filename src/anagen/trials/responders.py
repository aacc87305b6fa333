"""Who has regrown how much by when, by arm: responder curves and the whole distribution."""

from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.population.condition_data import load_condition_data
from anagen.trials.exposure import share
from anagen.trials.flow import primary_endpoint, units_of, visit_number
from anagen.trials.protocol import Protocol

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_REGROWTH = ("regrowth", "time_to_regrowth")
_STEPS = 41  # points of a distribution from 0 to 100 %: finer than a reader reads


def thresholds(protocol: Protocol) -> list[float]:
    """Shares of regrowth [1] that a trial counts as response, lowest first.

    Those of its endpoints; where it has none, what studies mean by a response.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> thresholds(load_protocol_file("five-against-ten"))
    [0.75, 0.85]
    """
    scaled = {one.threshold for one in protocol.endpoints
              if one.measure in _REGROWTH and one.threshold is not None}  # fmt: skip
    return sorted(scaled) or [load_condition_data().value("response")]


def responders(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Share of units that had regrown at least a threshold, at every visit.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.

    Returns
    -------
    pandas.DataFrame
        One row for every ``arm``, ``threshold`` [%] and ``week``: ``n``, ``seen``, ``count``, and
        in percent ``percent`` with its 95 % interval by Wilson (who was not seen counts as no
        responder), ``percent_seen`` (of those seen) and ``percent_true`` (of all, by what is true
        in the model). Readings are the mean of the raters.
    """
    import pandas as pd

    units = units_of(dataset)
    reading, truth = dataset["regrowth_reading"].values, dataset["regrowth"].values
    rows: list[dict[str, Any]] = []
    for number, arm in enumerate(protocol.arms):
        own = np.flatnonzero((units.arm == number) & ~units.failed)
        for threshold in thresholds(protocol):
            for visit, planned in enumerate(protocol.visits):
                read = reading[own, visit]
                back = np.nan_to_num(read) >= threshold
                seen = int((~np.isnan(read)).sum())
                found = share(back)
                del found["most"]
                rows.append({
                    "arm": arm.key, "threshold": 100.0 * threshold, "week": planned.week,
                    **found, "seen": seen,
                    "percent_seen": 100.0 * found["count"] / seen if seen else np.nan,
                    "percent_true": 100.0 * float((truth[own, visit] >= threshold).mean())
                    if len(own) else np.nan,
                })  # fmt: skip
    return pd.DataFrame(rows)


def distribution(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Share of units seen at the primary visit that had regrown at least so much.

    Returns
    -------
    pandas.DataFrame
        ``arm``, ``week``, ``regrowth`` [%] from 0 to 100, ``seen``, ``percent`` of those seen with
        at least that regrowth.
    """
    import pandas as pd

    units = units_of(dataset)
    visit = visit_number(protocol, primary_endpoint(protocol).week)
    reading = dataset["regrowth_reading"].isel(visit=visit).values
    levels = np.linspace(0.0, 1.0, _STEPS)
    tables = []
    for number, arm in enumerate(protocol.arms):
        own = reading[(units.arm == number) & ~units.failed]
        own = np.sort(own[~np.isnan(own)])
        # Single precision lies a hair beside a level; a reading of 0.75 has reached 75 %.
        least = np.searchsorted(own, levels - 1e-6)
        percent = 100.0 * (len(own) - least) / len(own) if len(own) else np.full(_STEPS, np.nan)
        tables.append(pd.DataFrame({"arm": arm.key, "week": protocol.visits[visit].week,
                                    "regrowth": 100.0 * levels, "seen": len(own),
                                    "percent": percent}))  # fmt: skip
    return pd.concat(tables, ignore_index=True)
