"""What every patch or person of a virtual trial contributes to an endpoint.

A number is what the study would have: the mean of its raters, on the scale that the endpoint names,
of those who came. What no reader reads (``hair_share``, ``terminal_share``, thickness of the skin)
is what is true at visits that were attended. What followed a rescue or a stop counts as it came.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.evidence.scales import Scale, load_scales
from anagen.trials.protocol import (
    Direction,
    Endpoint,
    Measure,
    Protocol,
    is_saline,
    is_untreated,
)

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

Kind = Literal["responder", "mean", "time"]
Missing = Literal["failure", "observed"]

HARMS: tuple[Measure, ...] = ("atrophy", "relapse")
"""Measures of which, without a threshold, it counts whether they have come."""

_READ = {"regrowth": "regrowth_reading", "salt": "salt_reading"}
_UNITS = {"patient": "people", "patch": "patches", "quadrant": "quadrants"}
_NUMBERS = {
    "regrowth": "share of the patch regrown",
    "hair_share": "share of follicles with a visible hair",
    "terminal_share": "share of visible hairs that are terminal",
    "atrophy": "share of dermal thickness lost",
    "salt": "SALT, percent",
}
_BETWEEN = 0.5  # half a unit of the last decimal: rounds as `Grade.holds` does


@dataclass(frozen=True, eq=False)
class EndpointValues:
    """An endpoint of every unit of a trial, in the order of its dataset.

    Parameters
    ----------
    endpoint : what counts.
    kind : ``responder``, ``mean`` or ``time``.
    value : (unit,) 1 or 0 of a responder; the number that is averaged; weeks to the event or until
        last seen. NaN for who does not count: not followed by the model, without an arm, not seen
        (where that is no failure), not at risk.
    event : (unit,) whether the event came, of a ``time``; all False otherwise.
    seen : (unit,) whether the unit was seen at the visit of the endpoint.
    failed : (unit,) whether the model could not follow the unit.
    arm : (unit,) number of the arm, -1 for none; replicate, person : (unit,) of whom.
    arms : keys of the arms; reference : number of the one to compare with.
    paired : whether every person has all arms.
    unit_words : what an estimate is, such as ``share of people``.
    better : which direction of an estimate (the share, the mean, the share with the event) is the
        better one.
    """

    endpoint: Endpoint
    kind: Kind
    value: Array
    event: Flags
    seen: Flags
    failed: Flags
    arm: Index
    replicate: Index
    person: Index
    arms: tuple[str, ...]
    reference: int
    paired: bool
    unit_words: str
    better: Direction


def endpoint_values(
    protocol: Protocol,
    dataset: "xr.Dataset",
    endpoint: Endpoint,
    *,
    missing: Missing = "failure",
    truth: bool = False,
) -> EndpointValues:
    """Value of an endpoint for every unit.

    A measure with a threshold, and ``atrophy`` and ``relapse`` without, make responders; others are
    averaged over those seen. On a scale every rater gives a grade, counted from 0, and the mean of
    the raters' grades is averaged; with a threshold the scale only names its bound. ``atrophy``
    without a threshold is whether it has been seen by the visit; ``relapse`` whether one has been
    seen by the visit, of those who had responded at some time (by what is true).

    ``time_to_regrowth`` is the week of the first attended visit whose reading reaches the threshold
    (planned weeks): the threshold was passed at some time since the visit before. Who does not
    reach it is censored when last seen.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.
    endpoint : of the protocol, or another whose week is that of a visit.
    missing : ``failure`` counts responders that were not seen as none (intention to treat), which
        for atrophy and relapse means that none was seen; ``observed`` leaves them out.
    truth : take what is true in the model, of all who could be followed, instead of readings.
        Atrophy that is seen exists only where somebody looked, and stays a finding of visits.

    Raises
    ------
    InputError
        When no visit is held in that week, or the results lack what the endpoint needs.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> from anagen.trials.run_chunk import run_chunk
    >>> protocol = load_protocol_file("five-against-ten")
    >>> found = endpoint_values(protocol, run_chunk(protocol, count=4), protocol.endpoints[0])
    >>> found.kind, found.unit_words, len(found.value)
    ('responder', 'share of people', 4)
    """
    visit = _visit(protocol, endpoint)
    scale = _scale(endpoint)
    _check_variables(dataset, endpoint, scale, truth)
    arm = dataset["arm"].values.astype(np.int64)
    failed = dataset["failed"].values.astype(bool)
    attended = dataset["attended"].isel(visit=slice(0, visit + 1)).values.astype(bool)
    seen = attended[:, visit] & ~failed
    event = np.zeros(len(arm), bool)
    kind, value = _kind(endpoint), np.empty(0)
    if kind == "time":
        value, event = _waiting(dataset, endpoint, protocol, attended, truth)
    elif kind == "mean":
        value = _number(dataset, endpoint, scale, visit, truth)
    else:
        value = _responder(dataset, endpoint, visit, attended, missing, truth)
    value = np.where(failed | (arm < 0), np.nan, value)
    return EndpointValues(
        endpoint=endpoint,
        kind=kind,
        value=value,
        event=event & ~np.isnan(value),
        seen=seen,
        failed=failed,
        arm=arm,
        replicate=dataset["replicate"].values.astype(np.int64),
        person=dataset["person"].values.astype(np.int64),
        arms=tuple(one.key for one in protocol.arms),
        reference=usual_reference(protocol),
        paired=protocol.design == "within",
        unit_words=_words(protocol, endpoint, kind, scale),
        better=_better(endpoint, kind),
    )


def usual_reference(protocol: Protocol) -> int:
    """Find the arm that others are compared with: untreated, else saline, else the first.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> protocol = load_protocol_file("quadrant-strengths")
    >>> protocol.arms[usual_reference(protocol)].key
    'saline'
    """
    for is_control in (is_untreated, is_saline):
        for number, arm in enumerate(protocol.arms):
            if is_control(arm.treatment):
                return number
    return 0


def variables_of(protocol: Protocol, endpoint: Endpoint) -> tuple[str, ...]:
    """Names of the variables of a dataset that an endpoint reads, to load no others.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> protocol = load_protocol_file("five-against-ten")
    >>> variables_of(protocol, protocol.endpoints[0])[-1]
    'regrowth_reading'
    """
    base = ("arm", "replicate", "person", "failed", "attended")
    if endpoint.measure == "time_to_regrowth":
        return (*base, "regrowth", "regrowth_reading")
    if endpoint.measure == "relapse":
        return (*base, "relapse", "relapse_day")
    if endpoint.measure == "atrophy":
        return (*base, "atrophy", "atrophy_seen")
    if endpoint.measure == "regrowth" and endpoint.scale:
        return (*base, "regrowth", "reading")
    read = (_READ[endpoint.measure],) if endpoint.measure in _READ else ()
    return (*base, endpoint.measure, *read)


def grades(scale: Scale, values: np.ndarray) -> Array:
    """Grade of every value, counted from 0 as the least of the scale; NaN stays NaN.

    Examples
    --------
    >>> grades(load_scales().regrowth["hrs"], np.array([0.0, 0.1, 0.25, 1.0, np.nan]))
    array([ 0.,  1.,  2.,  4., nan])
    """
    from anagen.evidence.scales import DECIMALS

    # Values lie on a grid of 1e-DECIMALS; a bound that is left out lies half a step further.
    half = _BETWEEN * 10.0**-DECIMALS
    begins = [grade.lower if grade.lower_closed else grade.lower + half
              for grade in scale.grades[1:]]  # fmt: skip
    rounded = np.round(np.asarray(values, np.float64), DECIMALS)
    found = np.searchsorted(np.asarray(begins) - half / 2.0, rounded, side="right").astype(float)
    return np.where(np.isnan(rounded), np.nan, found)


def _kind(endpoint: Endpoint) -> Kind:
    if endpoint.measure == "time_to_regrowth":
        return "time"
    if endpoint.threshold is not None or endpoint.measure in HARMS:
        return "responder"
    return "mean"


def _better(endpoint: Endpoint, kind: Kind) -> Direction:
    if kind == "time":  # what is shorter is a greater share by the week
        return "higher" if endpoint.direction == "lower" else "lower"
    succeeds = kind == "responder" and not _is_harm(endpoint)
    return "higher" if succeeds else endpoint.direction


def _is_harm(endpoint: Endpoint) -> bool:
    """Whether it counts if something has come, not on which side of a threshold a number lies."""
    return endpoint.measure == "relapse" or (
        endpoint.measure == "atrophy" and endpoint.threshold is None
    )


def _words(protocol: Protocol, endpoint: Endpoint, kind: Kind, scale: Scale | None) -> str:
    who = _UNITS[protocol.unit]
    if kind == "time":
        return f"share of {who} regrown by week {endpoint.week:g}"
    if endpoint.measure == "relapse":
        return f"share with a relapse, of {who} that had responded"
    if _is_harm(endpoint):
        return f"share of {who} with atrophy seen"
    if kind == "responder":
        return f"share of {who}"
    return f"grade of {scale.name}, counted from 0" if scale else _NUMBERS[endpoint.measure]


def _responder(
    dataset: "xr.Dataset",
    endpoint: Endpoint,
    visit: int,
    attended: Flags,
    missing: Missing,
    truth: bool,
) -> Array:
    """1 or 0 (unit,) of each; NaN for who does not count."""
    came = attended[:, visit]
    if _is_harm(endpoint):
        name = "relapse" if endpoint.measure == "relapse" else "atrophy_seen"
        until = dataset[name].isel(visit=slice(0, visit + 1)).values.astype(bool)
        found = until[:, visit] if truth and name == "relapse" else (until & attended).any(1)
        if not truth and missing == "observed":
            found = np.where(came | found, found, np.nan)
        if name == "relapse":
            responded = ~np.isnan(dataset["relapse_day"].values)
            found = np.where(responded, found, np.nan)
        return np.asarray(found, np.float64)
    assert endpoint.threshold is not None
    name = endpoint.measure if truth else _READ.get(endpoint.measure, endpoint.measure)
    number = dataset[name].isel(visit=visit).values
    known = np.ones(len(came), bool) if truth else came
    passed = known & _passes(number, endpoint.threshold, endpoint.direction)
    if missing == "observed":
        return np.where(known, passed, np.nan)
    return np.asarray(passed, np.float64)


def _passes(number: np.ndarray, threshold: float, direction: Direction) -> Flags:
    # In the precision of the number, so that 0.85 as it was read has reached 0.85.
    limit = number.dtype.type(threshold)
    return np.asarray(number >= limit if direction == "higher" else number <= limit)


def _number(
    dataset: "xr.Dataset", endpoint: Endpoint, scale: Scale | None, visit: int, truth: bool
) -> Array:
    """Read the number (unit,) that is averaged; NaN for who was not seen."""
    measure = endpoint.measure
    if scale is not None and measure == "regrowth" and not truth:
        return np.asarray(grades(scale, dataset["reading"].isel(visit=visit).values).mean(1))
    name = measure if truth else _READ.get(measure, measure)
    number = dataset[name].isel(visit=visit).values.astype(np.float64)
    if not truth:
        came = dataset["attended"].isel(visit=visit).values.astype(bool)
        number = np.where(came, number, np.nan)
    return grades(scale, number) if scale is not None else number


def _waiting(
    dataset: "xr.Dataset", endpoint: Endpoint, protocol: Protocol, attended: Flags, truth: bool
) -> tuple[Array, Flags]:
    """Weeks (unit,) to the first visit that shows the threshold, or the last; whether it came."""
    assert endpoint.threshold is not None
    until = slice(0, attended.shape[1])
    name = "regrowth" if truth else "regrowth_reading"
    known = np.ones_like(attended) if truth else attended
    number = dataset[name].isel(visit=until).values
    reached = known & _passes(number, endpoint.threshold, "higher")
    weeks = np.array([visit.week for visit in protocol.visits[until]])
    last = known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    event = np.asarray(reached.any(1), bool)
    return np.where(event, weeks[np.argmax(reached, axis=1)], weeks[last]), event


def _visit(protocol: Protocol, endpoint: Endpoint) -> int:
    weeks = [visit.week for visit in protocol.visits]
    problems = []
    if endpoint.week not in weeks:
        listed = ", ".join(f"{week:g}" for week in weeks)
        problems.append(Problem(f"endpoint '{endpoint.key}': week",
                                f"the week of a visit, one of {listed}", f"{endpoint.week:g}",
                                "Name one of them."))  # fmt: skip
    if endpoint.measure == "time_to_regrowth" and endpoint.threshold is None:
        problems.append(Problem(f"endpoint '{endpoint.key}'", "a threshold to wait for", "none",
                                "Write threshold = 0.5."))  # fmt: skip
    if problems:
        raise InputError(problems)
    return weeks.index(endpoint.week)


def _scale(endpoint: Endpoint) -> Scale | None:
    if endpoint.scale is None or endpoint.threshold is not None:
        return None
    scales = load_scales()
    fitting = scales.classes if endpoint.measure == "salt" else scales.regrowth
    if endpoint.scale not in fitting:
        raise InputError(
            Problem(f"endpoint '{endpoint.key}': scale",
                    f"a scale of {endpoint.measure}, one of {', '.join(fitting)}",
                    repr(endpoint.scale), "Name one of them.")
        )  # fmt: skip
    return fitting[endpoint.scale]


def _check_variables(
    dataset: "xr.Dataset", endpoint: Endpoint, scale: Scale | None, truth: bool
) -> None:
    name = endpoint.measure if truth else _READ.get(endpoint.measure, endpoint.measure)
    if name not in dataset and endpoint.measure != "time_to_regrowth":
        raise InputError(
            Problem(f"endpoint '{endpoint.key}'", f"results with '{name}'",
                    "results without it", "Run the trial again with this endpoint in its protocol.")
        )  # fmt: skip
