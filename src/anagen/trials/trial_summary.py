"""Everything that a trial report holds, as tables: of one trial or of many replicates of it.

Tables of all replicates together tell what is so in the simulated population; their intervals
narrow with the number of people simulated. What one trial of the planned size would find is told
by ``across_replicates``: the spread of the estimates of the replicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.errors import InputError, Problem
from anagen.patient.quantities import shorten
from anagen.trials.baseline import baseline
from anagen.trials.endpoint_tables import endpoint_tables, survival_table
from anagen.trials.exposure import exposure, harms
from anagen.trials.flow import flow, primary_endpoint, retention, units_of, visit_number
from anagen.trials.prices import Prices, cost
from anagen.trials.protocol import Protocol
from anagen.trials.published import beside_published
from anagen.trials.responders import distribution, responders
from anagen.trials.run_plan import Chunk
from anagen.trials.spill_over import spill_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, eq=False)
class TrialSummary:
    """What a trial report holds.

    Parameters
    ----------
    protocol : of the trial.
    about : versions, seed, fingerprint, people, units and replicates behind the tables.
    missing_people : people whose results are missing, not counted anywhere.
    flow, retention, baseline, exposure, harms, responders, distribution, endpoints, comparisons,
    across_replicates, estimates, survival, dose_response, published, spill_over, cost : tables
        (`pandas.DataFrame`); empty where a trial has nothing of the kind.
    """

    protocol: Protocol
    about: "Mapping[str, Any]"
    missing_people: int
    flow: "pd.DataFrame"
    retention: "pd.DataFrame"
    baseline: "pd.DataFrame"
    exposure: "pd.DataFrame"
    harms: "pd.DataFrame"
    responders: "pd.DataFrame"
    distribution: "pd.DataFrame"
    endpoints: "pd.DataFrame"
    comparisons: "pd.DataFrame"
    across_replicates: "pd.DataFrame"
    estimates: "pd.DataFrame"
    survival: "pd.DataFrame"
    dose_response: "pd.DataFrame"
    published: "pd.DataFrame"
    spill_over: "pd.DataFrame"
    cost: "pd.DataFrame"

    @property
    def tables(self) -> "dict[str, pd.DataFrame]":
        """All tables by name, in the order of a report."""
        return {name: getattr(self, name) for name in TABLES}

    def to_xarray(self) -> "xr.Dataset":
        """All tables as one dataset: columns as ``table__column`` along a dimension of each table.

        Attributes are those of ``about``, with ``missing_people``.
        """
        import xarray as xr

        variables = {}
        for name, table in self.tables.items():
            for column in table.columns:
                values = _plain(table[column])
                variables[f"{name}__{column}"] = ((f"{name}_row",), values)
        about = {key: value for key, value in self.about.items() if value is not None}
        return xr.Dataset(variables, attrs={**about, "missing_people": self.missing_people})


TABLES = (
    "flow", "retention", "baseline", "endpoints", "comparisons", "across_replicates", "estimates",
    "responders", "distribution", "survival", "exposure", "harms", "dose_response", "cost",
    "published", "spill_over",
)  # fmt: skip
"""Names of the tables of a summary, in the order of a report."""


def _plain(column: "pd.Series[Any]") -> np.ndarray:
    """Values that every format of labelled arrays can hold; words where kinds are mixed."""
    if column.dtype.kind in "biuf":
        return np.asarray(column)
    known = [value for value in column if value is not None]
    if known and all(isinstance(value, int | float) for value in known):
        return np.array([np.nan if value is None else float(value) for value in column])
    return np.array(["" if value is None else str(value) for value in column], dtype=object)


def summarise_trial(
    protocol: Protocol,
    dataset: "xr.Dataset",
    prices: Prices | None = None,
    against: str | None = None,
    missing: Sequence[Chunk] = (),
) -> TrialSummary:
    """Put together all tables of a trial.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.
    prices : for the cost of the arms; left out when None.
    against : key of the arm that the others are compared with; the untreated or saline arm when
        None, else the first.
    missing : chunks of people without results, as stored results name them.

    Raises
    ------
    InputError
        When there are no results at all, or no such arm.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> from anagen.trials.run_chunk import run_chunk
    >>> protocol = load_protocol_file("five-against-ten")
    >>> found = summarise_trial(protocol, run_chunk(protocol, count=8))
    >>> found.dose_response["arm"].tolist()
    ['ta5', 'ta10']
    """
    import pandas as pd

    _check(protocol, dataset, against)
    units = units_of(dataset)
    given, harmed = exposure(protocol, dataset), harms(protocol, dataset)
    judged = endpoint_tables(protocol, dataset, against)
    return TrialSummary(
        protocol=protocol,
        about=_about(dataset, units.replicates, len(np.unique(units.person)), len(units.arm)),
        missing_people=sum(chunk.count for chunk in missing),
        flow=flow(protocol, dataset),
        retention=retention(protocol, dataset),
        baseline=baseline(protocol, dataset),
        exposure=given,
        harms=harmed,
        responders=responders(protocol, dataset),
        distribution=distribution(protocol, dataset),
        endpoints=judged.endpoints,
        comparisons=judged.comparisons,
        across_replicates=judged.across_replicates,
        estimates=judged.estimates,
        survival=survival_table(protocol, dataset),
        dose_response=dose_response(protocol, given, judged.endpoints, harmed),
        published=beside_published(protocol, dataset),
        spill_over=spill_over(protocol, dataset),
        cost=pd.DataFrame() if prices is None else cost(protocol, dataset, prices),
    )


def _check(protocol: Protocol, dataset: "xr.Dataset", against: str | None) -> None:
    keys = [arm.key for arm in protocol.arms]
    if dataset.sizes.get("unit", 0) == 0:
        raise InputError(
            Problem("results", "people with results", "none at all",
                    "Run the trial first, or again with the same store: anagen trial run")
        )  # fmt: skip
    if against is not None and against not in keys:
        raise InputError(
            Problem("against", f"one of the arms {', '.join(keys)}", shorten(against),
                    "Name one of them.")
        )  # fmt: skip


def _about(dataset: "xr.Dataset", replicates: int, people: int, units: int) -> "Mapping[str, Any]":
    names = ("anagen_version", "parameter_set", "posterior", "protocol", "protocol_fingerprint",
             "seed", "people_per_replicate")  # fmt: skip
    made = {name: dataset.attrs.get(name, "") for name in names}
    return MappingProxyType({**made, "people_per_replicate": int(made["people_per_replicate"]),
                             "people": people, "units": units,
                             "replicates": replicates})  # fmt: skip


def dose_response(
    protocol: Protocol,
    given: "pd.DataFrame",
    endpoints: "pd.DataFrame",
    harmed: "pd.DataFrame",
) -> "pd.DataFrame":
    """Put the primary endpoint of every arm beside its atrophy, in the order of its milligrams.

    Parameters
    ----------
    protocol : of the trial.
    given : of `anagen.trials.exposure.exposure`; harmed : of `anagen.trials.exposure.harms`.
    endpoints : of the summary.

    Returns
    -------
    pandas.DataFrame
        One row an arm: ``mg``, ``sessions`` (means of a unit), ``effect`` with interval, its
        ``unit`` and ``effect_words``; ``atrophy_seen`` and ``thinning`` [%] with intervals by the
        ``week`` of the visit at which the primary endpoint is read.
    """
    import pandas as pd

    week = protocol.visits[visit_number(protocol, primary_endpoint(protocol).week)].week
    rows = []
    for arm in protocol.arms:
        row: dict[str, Any] = {"arm": arm.key, "week": week}
        for amount in ("mg", "sessions"):
            own = given[(given["arm"] == arm.key) & (given["amount"] == amount)]
            row[amount] = float(own["mean"].iloc[0])
        effect = endpoints[(endpoints["arm"] == arm.key) & endpoints["primary"]]
        for name, column in (("effect", "estimate"), ("effect_low", "low"), ("effect_high", "high"),
                             ("unit", "unit"), ("effect_words", "words")):  # fmt: skip
            row[name] = effect[column].iloc[0]
        for harm in ("atrophy seen", "thinning"):
            own = harmed[(harmed["arm"] == arm.key) & (harmed["harm"] == harm)
                         & (harmed["week"] == week)].iloc[0]  # fmt: skip
            name = harm.replace(" ", "_")
            row |= {name: own["percent"], f"{name}_low": own["low"], f"{name}_high": own["high"]}
        rows.append(row)
    return pd.DataFrame(rows).sort_values("mg", kind="stable", ignore_index=True)
