"""How far the answer of a trial hangs on what calibration could not settle.

Every person of a trial comes from a draw of the calibrated population of their own, so that a trial
shows what is to be expected over all that is thinkable. Here arms are compared in each of several
thinkable populations by itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.errors import InputError, Problem
from anagen.population.posterior import Posterior, load_posterior
from anagen.trials.compare_arms import compare_arms
from anagen.trials.endpoint_values import (
    EndpointValues,
    endpoint_values,
    usual_reference,
)
from anagen.trials.protocol import Endpoint, Protocol
from anagen.trials.run_chunk import run_chunk
from anagen.trials.run_plan import with_people

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    Run = tuple[Protocol, xr.Dataset]

_NORMAL = 1.959964  # 97.5 % quantile of the normal distribution
_ARRAYS = ("value", "event", "seen", "failed", "arm", "replicate", "person")


def over_draws(
    protocol: Protocol,
    endpoints: Sequence[Endpoint],
    draws: int = 10,
    people: int = 1000,
    *,
    against: str | None = None,
    seed: int | None = None,
    posterior: Posterior | None = None,
) -> "pd.DataFrame":
    """Compare the arms of a trial in each of several populations that calibration leaves possible.

    In a parallel design everybody is followed in every arm, with the same luck in each, as only
    simulated people can be; differences are then between the same people, and chance is small.

    Parameters
    ----------
    protocol : of the trial.
    endpoints : that are read, each a share or a mean.
    draws : how many populations, spread evenly over the posterior, each with people of its own.
    people : in each of them.
    against : key of the arm with which the others are compared; the usual one when None.
    seed : the protocol's own when None.
    posterior : the package's own when None.

    Returns
    -------
    pandas.DataFrame
        The rows of `anagen.trials.compare_arms.compare_arms` with ``endpoint``, its key, and
        ``draw``, the number of the population.

    Raises
    ------
    InputError
        When fewer than two populations are asked for, an endpoint is a time, or the engine
        refuses the protocol.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> trial = load_protocol_file("five-against-ten")
    >>> over_draws(trial, trial.endpoints[:1], draws=2, people=5)["draw"].tolist()
    [0, 999]
    """
    import pandas as pd

    problems = [Problem(f"endpoint '{one.key}'", "a share or a mean", "a time", "Name another.")
                for one in endpoints if one.measure == "time_to_regrowth"]  # fmt: skip
    if draws < 2:
        problems.append(Problem("draws", "two populations or more", str(draws), "Ask for more."))
    if problems:
        raise InputError(problems)
    whole = posterior or load_posterior()
    first = protocol.seed if seed is None else seed
    tables = []
    for place, number in enumerate(whole.points(draws)):
        one = Posterior({name: values[number : number + 1] for name, values in whole.draws.items()},
                        whole.about)  # fmt: skip
        runs = _runs(with_people(protocol, people), first + place, one)
        for endpoint in endpoints:
            table = compare_arms(_joined(protocol, runs, endpoint), against, paired=True)
            tables.append(table.assign(endpoint=endpoint.key, draw=int(number)))
    return pd.concat(tables, ignore_index=True)


def beyond_chance(table: "pd.DataFrame") -> "pd.DataFrame":
    """Tell how much differences vary between populations, chance taken off.

    Parameters
    ----------
    table : of `over_draws`.

    Returns
    -------
    pandas.DataFrame
        One row for every ``endpoint`` and ``arm``: ``reference``, mean ``difference``; ``between``,
        the standard deviation between populations beyond what chance makes (moments, as
        DerSimonian and Laird 1986 with equal weights); ``low``, ``high`` of 95 % of populations;
        ``populations``.

    Examples
    --------
    >>> import pandas as pd
    >>> same = {"endpoint": "e", "arm": "a", "reference": "b", "difference": [0.1, 0.1],
    ...         "difference_low": 0.0, "difference_high": 0.2}
    >>> float(beyond_chance(pd.DataFrame(same)).between.iloc[0])
    0.0
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for (endpoint, arm), own in table.groupby(["endpoint", "arm"], sort=False):
        difference = own["difference"].to_numpy(float)
        error = (own["difference_high"] - own["difference_low"]).to_numpy(float) / (2.0 * _NORMAL)
        between = max(float(difference.var(ddof=1) - np.mean(error**2)), 0.0)
        mean = float(difference.mean())
        half = _NORMAL * np.sqrt(between + difference.var(ddof=1) / len(difference))
        rows.append({"endpoint": endpoint, "arm": arm, "reference": own["reference"].iloc[0],
                     "difference": mean, "between": float(np.sqrt(between)), "low": mean - half,
                     "high": mean + half, "populations": len(difference)})  # fmt: skip
    return pd.DataFrame(rows)


def _runs(protocol: Protocol, seed: int, posterior: Posterior) -> "list[Run]":
    """Follow everybody in every arm: one run for each, or one in which everybody has all arms."""
    if protocol.design == "within":
        return [(protocol, run_chunk(protocol, seed=seed, posterior=posterior))]
    alone = [
        protocol.model_copy(update={"arms": (arm.model_copy(update={"ratio": 1.0}),)})
        for arm in protocol.arms
    ]
    return [(one, run_chunk(one, seed=seed, posterior=posterior)) for one in alone]


def _joined(protocol: Protocol, runs: "Sequence[Run]", endpoint: Endpoint) -> EndpointValues:
    """Values of everybody in every arm."""
    parts = [endpoint_values(one, dataset, endpoint) for one, dataset in runs]
    if protocol.design == "within":
        return parts[0]
    parts = [replace(part, arm=np.where(part.arm == 0, number, part.arm))
             for number, part in enumerate(parts)]  # fmt: skip
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
    }
    keys = tuple(arm.key for arm in protocol.arms)
    return replace(parts[0], **joined, arms=keys, reference=usual_reference(protocol))
