"""Endpoint values and results made by hand, for tests of the statistics of trials."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from trials.engine_cases import UNTREATED, arm, treatment, trial

from anagen.trials.endpoint_values import EndpointValues
from anagen.trials.protocol import Endpoint, Protocol

REGROWTH = Endpoint(key="half", measure="regrowth", threshold=0.5, week=8, primary=True)


def two_arms(**more: Any) -> Protocol:
    """Untreated comes second, so that the reference is not simply the first arm."""
    return trial(arm("ta5", treatment(5.0)), arm("none", UNTREATED), weeks=8, **more)


def values_of(
    value: Sequence[float] | np.ndarray,
    group: Sequence[int] | np.ndarray,
    kind: Any = "responder",
    **more: Any,
) -> EndpointValues:
    """Values of units of two or more arms; each unit is another person unless said otherwise."""
    number = np.asarray(value, float)
    count, which = len(number), np.asarray(group, np.int64)
    given: dict[str, Any] = {
        "event": np.zeros(count, bool), "seen": ~np.isnan(number),
        "failed": np.zeros(count, bool), "replicate": np.zeros(count, np.int64),
        "person": np.arange(count), "arms": ("control", "treated"), "reference": 0,
        "paired": False, "unit_words": "share of people", "better": "higher",
    }  # fmt: skip
    return EndpointValues(REGROWTH, kind, number, arm=which, **{**given, **more})


def results(people: int, weeks: Sequence[float] = (0, 4, 8), **variables: Any) -> xr.Dataset:
    """Results of people in arms 0, 1, 0, 1, ...: all come, nothing grows, unless said otherwise."""
    shape = (people, len(weeks))
    day = np.broadcast_to((7 * np.asarray(weeks)).astype(np.int16), shape)
    visits: dict[str, Any] = {
        "attended": np.ones(shape, bool), "visit_day": day, "atrophy_seen": np.zeros(shape, bool),
        "relapse": np.zeros(shape, bool), "regrowth": np.zeros(shape, np.float32),
        "atrophy": np.zeros(shape, np.float32), "hair_share": np.zeros(shape, np.float32),
    }  # fmt: skip
    units: dict[str, Any] = {
        "arm": np.arange(people, dtype=np.int8) % 2, "replicate": np.zeros(people, np.int32),
        "person": np.arange(people, dtype=np.int32), "failed": np.zeros(people, bool),
        "relapse_day": np.full(people, np.nan, np.float32),
    }  # fmt: skip
    visits.update({key: np.asarray(value) for key, value in variables.items()
                   if np.ndim(value) == 2 and key != "sessions"})  # fmt: skip
    units.update({key: np.asarray(value) for key, value in variables.items()
                  if np.ndim(value) == 1})  # fmt: skip
    reading = variables.get("reading", np.repeat(visits["regrowth"][:, :, None], 2, axis=2))
    reading = np.where(visits["attended"][:, :, None], reading, np.nan).astype(np.float32)
    return xr.Dataset({
        **{name: (("unit", "visit"), value) for name, value in visits.items()},
        **{name: (("unit",), value) for name, value in units.items()},
        "reading": (("unit", "visit", "rater"), reading),
        "regrowth_reading": (("unit", "visit"), reading.mean(2)),
        "session_day": (("unit", "session"),
                        np.asarray(variables.get("sessions", np.zeros((people, 1))))),
    })  # fmt: skip
