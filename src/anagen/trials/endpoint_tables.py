"""Endpoints of a trial as tables: by arm, between arms, across replicates, and over time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.evidence.scales import load_scales
from anagen.trials.compare_arms import across_replicates, arm_table, compare_arms
from anagen.trials.endpoint_values import EndpointValues, endpoint_values
from anagen.trials.flow import primary_endpoint
from anagen.trials.protocol import Endpoint, Protocol
from anagen.trials.responders import thresholds
from anagen.trials.survival import kaplan_meier, times_to

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_PERCENT = 100.0
_SHARES = ("regrowth", "hair_share", "terminal_share", "atrophy")

Columns = dict[str, Any]


@dataclass(frozen=True, eq=False)
class EndpointTables:
    """Tables of all endpoints; see `endpoint_tables`.

    Parameters
    ----------
    endpoints, comparisons, across_replicates, estimates : tables.
    """

    endpoints: "pd.DataFrame"
    comparisons: "pd.DataFrame"
    across_replicates: "pd.DataFrame"
    estimates: "pd.DataFrame"


def endpoint_tables(
    protocol: Protocol, dataset: "xr.Dataset", against: str | None = None
) -> EndpointTables:
    """Estimate and compare every endpoint of a trial, as its readers saw it.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.
    against : key of the arm that others are compared with; the usual one when None.

    Returns
    -------
    EndpointTables
        ``endpoints``, all replicates together: ``endpoint``, ``words``, ``primary``, ``week``,
        ``arm``, ``n``, ``estimate``, ``low``, ``high``, ``unit``. ``comparisons``, all together:
        ``arm``, ``against``, ``difference`` with ``low``, ``high``, ``unit``, ``p``, ``ratio``
        with interval and ``ratio_of``, ``better`` direction and ``method``. ``across_replicates``:
        ``mean`` of the differences of single trials with its Monte Carlo interval ``mean_low``,
        ``mean_high``, the ends ``low``, ``high`` of their central 95 %, and ``power`` at 5 % [%]
        with its Monte Carlo interval. ``estimates``: ``replicate``, ``difference``,
        ``low``, ``high``, ``p`` of the primary endpoint.
    """
    import pandas as pd

    primary = primary_endpoint(protocol)
    tables: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("endpoints", "comparisons", "across_replicates", "estimates")
    }
    for endpoint in protocol.endpoints:
        values = endpoint_values(protocol, dataset, endpoint)
        named = {"endpoint": endpoint.key, "words": endpoint_words(endpoint),
                 "primary": endpoint.key == primary.key, "week": endpoint.week}  # fmt: skip
        whole = _together(values)
        tables["endpoints"].append(_by_arm(whole, named))
        if len(protocol.arms) < 2:
            continue
        tables["comparisons"].append(_between(compare_arms(whole, against), whole, named))
        if len(np.unique(values.replicate)) > 1:
            each = compare_arms(values, against)
            tables["across_replicates"].append(_across(each, values, named))
            if named["primary"]:
                tables["estimates"].append(_estimates(each, values, named))
    return EndpointTables(**{
        name: pd.concat(found, ignore_index=True) if found else pd.DataFrame()
        for name, found in tables.items()
    })  # fmt: skip


def endpoint_words(endpoint: Endpoint) -> str:
    """Say what an endpoint is.

    Examples
    --------
    >>> endpoint_words(Endpoint(key="half", measure="regrowth", threshold=0.5, week=12))
    'Regrowth of at least 50 % at week 12'
    """
    week = f"week {endpoint.week:g}"
    if endpoint.measure == "atrophy" and endpoint.threshold is None:
        return f"Atrophy seen by {week}"
    if endpoint.measure == "relapse":
        return f"Relapse seen by {week}, of those who had responded"
    names = {
        "regrowth": "Regrowth", "hair_share": "Follicles with a visible hair",
        "terminal_share": "Terminal share of visible hairs", "salt": "SALT",
        "atrophy": "Loss of dermal thickness", "time_to_regrowth": "Regrowth",
    }  # fmt: skip
    name = names[endpoint.measure]
    if endpoint.threshold is None:
        if endpoint.scale:
            scales = load_scales()
            fitting = scales.classes if endpoint.measure == "salt" else scales.regrowth
            name = f"{name}, grade on {fitting[endpoint.scale].name}"
        return f"{name} at {week}, mean"
    scale = 1.0 if endpoint.measure == "salt" else _PERCENT
    if endpoint.measure == "time_to_regrowth":
        return f"{name} of at least {scale * endpoint.threshold:g} % by {week}, Kaplan-Meier"
    side = "at least" if endpoint.direction == "higher" else "at most"
    return f"{name} of {side} {scale * endpoint.threshold:g} % at {week}"


def _unit(values: EndpointValues) -> tuple[float, str, str]:
    """Factor to what is printed, its unit, and that of a difference."""
    endpoint = values.endpoint
    if values.kind != "mean" or (endpoint.measure in _SHARES and not endpoint.scale):
        return _PERCENT, "%", "percentage points"
    if endpoint.measure == "salt" and not endpoint.scale:
        return 1.0, "%", "percentage points"
    return 1.0, "", ""


def _together(values: EndpointValues) -> EndpointValues:
    """Take all replicates as one trial, whose people stay different ones."""
    width = int(values.person.max(initial=0)) + 1
    return replace(values, person=values.replicate * width + values.person,
                   replicate=np.zeros_like(values.replicate))  # fmt: skip


def _by_arm(values: EndpointValues, named: Columns) -> "pd.DataFrame":
    scale, unit, _ = _unit(values)
    table = arm_table(values)
    rows = table[["arm", "n"]].copy()
    for column in ("estimate", "low", "high"):
        rows[column] = scale * table[column].to_numpy(float)
    return _named(rows, named | {"unit": unit})


def _between(table: "pd.DataFrame", values: EndpointValues, named: Columns) -> "pd.DataFrame":
    scale, _, unit = _unit(values)
    rows = _differences(table, scale)
    for column in ("ratio", "ratio_low", "ratio_high"):
        rows[column] = table[column].to_numpy(float)
    return _named(rows, named | {"unit": unit, "ratio_of": table.attrs["ratio"],
                                 "better": values.better,
                                 "method": table.attrs["method"]})  # fmt: skip


def _differences(table: "pd.DataFrame", scale: float) -> "pd.DataFrame":
    rows = table[["arm"]].copy()
    rows["against"] = table["reference"]
    for name, column in (("difference", "difference"), ("low", "difference_low"),
                         ("high", "difference_high")):  # fmt: skip
        rows[name] = scale * table[column].to_numpy(float)
    rows["p"] = table["p"]
    return rows


def _estimates(table: "pd.DataFrame", values: EndpointValues, named: Columns) -> "pd.DataFrame":
    scale, _, unit = _unit(values)
    rows = _differences(table, scale)
    rows.insert(0, "replicate", table["replicate"].to_numpy())
    return _named(rows, {"endpoint": named["endpoint"], "unit": unit})


def _across(table: "pd.DataFrame", values: EndpointValues, named: Columns) -> "pd.DataFrame":
    scale, _, unit = _unit(values)
    found = across_replicates(table)
    rows = found[["arm"]].copy()
    rows["against"] = found["reference"]
    rows["replicates"] = found["replicates"]
    for name, column in (("mean", "difference"), ("mean_low", "difference_low"),
                         ("mean_high", "difference_high"), ("low", "least"),
                         ("high", "most")):  # fmt: skip
        rows[name] = scale * found[column].to_numpy(float)
    for name in ("power", "power_low", "power_high"):
        rows[name] = _PERCENT * found[name].to_numpy(float)
    return _named(rows, named | {"unit": unit})


def _named(rows: "pd.DataFrame", columns: Columns) -> "pd.DataFrame":
    rows = rows.reset_index(drop=True)
    for place, (name, value) in enumerate(columns.items()):
        rows.insert(place, name, value)
    return rows


def survival_table(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Time to regrowth, as it was read at visits, and to relapse, as it is true, by Kaplan-Meier.

    Returns
    -------
    pandas.DataFrame
        ``event`` (``regrowth`` or ``relapse``), ``threshold`` [%] of the regrowth, ``axis`` (what
        weeks count from), ``arm``, ``week``, ``percent`` with the event by then, ``low``,
        ``high``, ``at_risk`` just before.
    """
    import pandas as pd

    tables = []
    for event, threshold, values in _waits(protocol, dataset):
        if np.isnan(values.value).all():
            continue
        table = kaplan_meier(values)
        axis = "randomisation" if event == "regrowth" else "the last session"
        rows = table[["arm", "week"]].copy()
        for name, column in (("percent", "share"), ("low", "low"), ("high", "high")):
            rows[name] = _PERCENT * table[column].to_numpy(float)
        rows["at_risk"] = table["at_risk"]
        tables.append(_named(rows, {"event": event, "threshold": _PERCENT * threshold,
                                    "axis": f"weeks from {axis}"}))  # fmt: skip
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _waits(
    protocol: Protocol, dataset: "xr.Dataset"
) -> Iterator[tuple[str, float, EndpointValues]]:
    """Regrowth as the protocol waits for it, or of every response that it counts; relapse."""
    waited = {one.threshold for one in protocol.endpoints
              if one.measure == "time_to_regrowth" and one.threshold is not None}  # fmt: skip
    for threshold in sorted(waited) or thresholds(protocol)[:1]:
        yield "regrowth", threshold, times_to(protocol, dataset, "regrowth", threshold)
    yield "relapse", 0.0, times_to(protocol, dataset, "relapse", truth=True)
