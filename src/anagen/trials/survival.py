"""Time to regrowth and to relapse in a virtual trial, by lifelines."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from anagen.errors import InputError, Problem
from anagen.population.condition_data import load_condition_data
from anagen.trials.conduct import WEEK
from anagen.trials.endpoint_values import EndpointValues, endpoint_values
from anagen.trials.extras import extra
from anagen.trials.protocol import Endpoint, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

What = Literal["regrowth", "relapse"]


def times_to(
    protocol: Protocol,
    dataset: "xr.Dataset",
    what: What,
    threshold: float | None = None,
    *,
    truth: bool = False,
) -> EndpointValues:
    """Weeks to the first visit at which something is seen, of every unit.

    ``regrowth`` is waited for from randomisation, by what raters read. ``relapse`` is waited for
    from the last session (or from the first visit at which the response stands, if later), by those
    who had responded; it is seen at the first attended visit after it has come. Either may have
    come at any time since the visit before. Who was not seen with it is censored when last seen;
    who leaves is thus censored, also when that has to do with the course.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.
    what : ``regrowth`` or ``relapse``.
    threshold : share of regrowth that is waited for [1]; that of a response when None. A relapse
        has none.
    truth : what is true instead of what is read: of regrowth at all visits, of relapse the day.

    Returns
    -------
    EndpointValues
        Of kind ``time``; NaN for who is not at risk.

    Raises
    ------
    InputError
        When a relapse is given a threshold, or there is something else to wait for.
    """
    last = protocol.visits[-1].week
    if what == "regrowth":
        share = load_condition_data().value("response") if threshold is None else threshold
        endpoint = Endpoint(key="time-to-regrowth", measure="time_to_regrowth", threshold=share,
                            week=last)  # fmt: skip
        return endpoint_values(protocol, dataset, endpoint, truth=truth)
    if what != "relapse" or threshold is not None:
        found = f"{what!r}" if what != "relapse" else f"a threshold of {threshold:g}"
        raise InputError(Problem("what to wait for", "'regrowth' with a threshold, or 'relapse'",
                                 found, "Leave it out, or name the other."))  # fmt: skip
    endpoint = Endpoint(key="time-to-relapse", measure="relapse", week=last)
    base = endpoint_values(protocol, dataset, endpoint, truth=truth)
    weeks, event = _relapse_weeks(dataset, truth)
    weeks = np.where(np.isnan(base.value), np.nan, weeks)
    return replace(base, kind="time", value=weeks, event=event & ~np.isnan(weeks))


def kaplan_meier(values: EndpointValues, alpha: float = 0.05) -> "pd.DataFrame":
    """Share with the event by every time at which one came, by arm, all replicates together.

    Parameters
    ----------
    values : of kind ``time``; alpha : share of intervals that miss the truth.

    Returns
    -------
    pandas.DataFrame
        ``arm``, ``week``, ``share`` with the event by then, ``low``, ``high`` (complementary
        log-log, as lifelines has it) and ``at_risk`` just before; from week 0 on. An arm without
        anybody has no rows. ``attrs["method"]`` names what was done.

    Raises
    ------
    InputError
        When values are not times, or lifelines is not installed.
    """
    import pandas as pd

    if values.kind != "time":
        raise InputError(Problem(f"endpoint '{values.endpoint.key}'", "times to an event",
                                 f"values of kind '{values.kind}'",
                                 "Take the time to regrowth or relapse."))  # fmt: skip
    lifelines = extra("lifelines")
    tables = []
    for number, arm in enumerate(values.arms):
        own = (values.arm == number) & ~np.isnan(values.value)
        if own.any():
            tables.append(_curve(lifelines, arm, values.value[own], values.event[own], alpha))
    columns = ["arm", "week", "share", "low", "high", "at_risk"]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    table.attrs["method"] = "Kaplan-Meier, complementary log-log interval (lifelines)"
    return table


def _curve(
    lifelines: Any, arm: str, weeks: np.ndarray, event: np.ndarray, alpha: float
) -> "pd.DataFrame":
    import pandas as pd

    # As counts, so that a million people take no longer than a thousand.
    pairs, weights = np.unique(np.stack([weeks, event.astype(float)]), axis=1, return_counts=True)
    fitter = lifelines.KaplanMeierFitter(alpha=alpha)
    fitter.fit(pairs[0], pairs[1], weights=weights, label="left")
    table = fitter.event_table
    limits = 1.0 - fitter.confidence_interval_
    return pd.DataFrame({
        "arm": arm,
        "week": table.index.to_numpy(float),
        "share": 1.0 - fitter.survival_function_["left"].to_numpy(),
        "low": limits["left_upper_" + f"{1 - alpha:g}"].to_numpy(),
        "high": limits["left_lower_" + f"{1 - alpha:g}"].to_numpy(),
        "at_risk": table["at_risk"].to_numpy(np.int64),
    })  # fmt: skip


def _relapse_weeks(dataset: "xr.Dataset", truth: bool) -> tuple[np.ndarray, np.ndarray]:
    """Weeks (unit,) from last session and response to the relapse or the last visit, and which."""
    day = dataset["visit_day"].values.astype(np.float64)
    came = dataset["attended"].values.astype(bool)
    responded = dataset["regrowth"].values >= load_condition_data().value("response")
    relapsed = dataset["relapse"].values.astype(bool)
    session = dataset["session_day"].values.astype(np.float64).max(axis=1, initial=0.0)
    first = np.where(responded.any(1), _at(day, np.argmax(responded, axis=1)), 0.0)
    if truth:
        relapse = dataset["relapse_day"].values.astype(np.float64)
        event = np.isfinite(relapse) & (relapse <= day[:, -1])
        end = np.where(event, relapse, day[:, -1])
    else:
        found = relapsed & came
        event = found.any(1)
        last = day.shape[1] - 1 - np.argmax(came[:, ::-1], axis=1)
        end = _at(day, np.where(event, np.argmax(found, axis=1), last))
    # A response may come and go between two visits; the relapse then comes at once.
    begin = np.minimum(np.maximum(session, first), end)
    return (end - begin) / WEEK, np.asarray(event, bool)


def _at(table: np.ndarray, place: np.ndarray) -> np.ndarray:
    return np.asarray(np.take_along_axis(table, place[:, None], axis=1)[:, 0])
