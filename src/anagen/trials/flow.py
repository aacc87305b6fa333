"""Who went where in a virtual trial: flow as CONSORT draws it, and who was seen at each visit.

Counts are of all replicates together; ``per_trial`` is their mean over replicates. In designs
within people both people and units (patches or quadrants) are counted. Units that the model could
not follow are counted apart, whatever else became of them.

References
----------
Schulz KF, Altman DG, Moher D 2010, CONSORT 2010 statement, BMJ 340:c332.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.trials.arm_rules import NEVER, rules_of
from anagen.trials.chunk_dataset import SESSION
from anagen.trials.conduct import WEEK
from anagen.trials.draw import NO_ARM
from anagen.trials.protocol import Endpoint, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Flags = NDArray[np.bool_]
Index = NDArray[np.int64]

ALL = "all"
"""Name of the whole trial where an arm is named."""

REASONS = {"left": "person had left", "gate": "gate had closed",
           "rescue": "rescue instead", "other": "not called for"}  # fmt: skip
"""Why a planned session was not given, besides a missed appointment."""

Row = tuple[str, str, str, str, float]  # arm, step, label, what is counted, count


@dataclass(frozen=True, eq=False)
class Units:
    """Where the units of some results belong.

    Parameters
    ----------
    arm : (unit,) number of the arm, -1 for none; failed : (unit,) not followed by the model.
    person : (unit,) number of the person in all replicates together, the people in order.
    replicates : how many trials the units are of.
    """

    arm: Index
    failed: Flags
    person: Index
    replicates: int


def units_of(dataset: "xr.Dataset") -> Units:
    """Read where units belong; see `Units`."""
    replicate = dataset["replicate"].values.astype(np.int64)
    number = dataset["person"].values.astype(np.int64)
    width = int(number.max(initial=0)) + 1
    return Units(dataset["arm"].values.astype(np.int64), dataset["failed"].values.astype(bool),
                 replicate * width + number, max(len(np.unique(replicate)), 1))  # fmt: skip


def primary_endpoint(protocol: Protocol) -> Endpoint:
    """Endpoint by which a trial is judged: the one that says so, else the first.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> primary_endpoint(load_protocol_file("five-against-ten")).key
    'complete'
    """
    return next((one for one in protocol.endpoints if one.primary), protocol.endpoints[0])


def visit_number(protocol: Protocol, week: float) -> int:
    """Place of the visit of a week, or of the last one before it."""
    return max(sum(visit.week <= week for visit in protocol.visits) - 1, 0)


def flow(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Count who was screened, randomised, treated, seen and analysed.

    Parameters
    ----------
    protocol : of the trial.
    dataset : of `anagen.trials.run_chunk.run_chunk`, or of stored results.

    Returns
    -------
    pandas.DataFrame
        One row for every ``arm`` (``all`` for the whole trial) and ``step``, with ``label`` in
        words, ``of`` (``people``, ``units`` or ``sessions``), ``count`` and ``per_trial``.
        Screened are those not eligible and those randomised; those randomised to an arm are those
        not followed, those who had left, who missed the primary visit, and who were seen then;
        sessions planned are those given, missed and not given for each reason.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> from anagen.trials.run_chunk import run_chunk
    >>> protocol = load_protocol_file("five-against-ten")
    >>> table = flow(protocol, run_chunk(protocol, count=6))
    >>> int(table[(table.arm == "all") & (table.step == "randomised")]["count"].iloc[0])
    6
    """
    import pandas as pd

    units = units_of(dataset)
    rows = [*_whole(protocol, dataset, units), *_arms(protocol, dataset, units)]
    table = pd.DataFrame(rows, columns=["arm", "step", "label", "of", "count"])
    table["count"] = table["count"].astype(np.int64)
    table["per_trial"] = table["count"] / units.replicates
    table.attrs["replicates"] = units.replicates
    return table


def _whole(protocol: Protocol, dataset: "xr.Dataset", units: Units) -> Iterator[Row]:
    _, first = np.unique(units.person, return_index=True)
    people, screened = len(first), int(dataset["screened"].values[first].astype(np.int64).sum())
    yield ALL, "screened", "Screened", "people", screened
    yield ALL, "not eligible", "Not eligible", "people", screened - people
    yield ALL, "randomised", "Randomised", "people", people
    if protocol.design == "within":
        placed = int((units.arm != NO_ARM).sum())
        yield ALL, "randomised", f"{unit_words(protocol)} randomised", "units", placed
        if placed < len(units.arm):
            yield ALL, "no arm", f"{unit_words(protocol)} without an arm", "units", (
                len(units.arm) - placed)  # fmt: skip


def unit_words(protocol: Protocol, many: bool = True) -> str:
    """Say what was randomised: people, patches or quadrants."""
    one, more = {"patient": ("Person", "People"), "patch": ("Patch", "Patches"),
                 "quadrant": ("Quadrant", "Quadrants")}[protocol.unit]  # fmt: skip
    return more if many else one


def _arms(protocol: Protocol, dataset: "xr.Dataset", units: Units) -> Iterator[Row]:
    endpoint = primary_endpoint(protocol)
    visit = visit_number(protocol, endpoint.week)
    fates = fates_at(dataset, units, visit)
    status = dataset["session_status"].values
    reason = session_reasons(protocol, dataset)
    week = protocol.visits[visit].week
    analysed = fates["seen"] if _needs_seeing(endpoint) else ~units.failed
    counted = [
        ("randomised", "Randomised", units.arm >= 0),
        ("first session", "Got the first session", status[:, 0] == SESSION["given"]),
        ("failed", "Not followed by the model", fates["failed"]),
        ("left", f"Had left by week {week:g}", fates["left"]),
        ("missed visit", f"Missed the visit at week {week:g}", fates["missed"]),
        ("seen", f"Seen at week {week:g}", fates["seen"]),
        ("analysed", "Analysed, primary endpoint", analysed),
        ("rescued", "Given a rescue", ~np.isnan(dataset["rescued_week"].values)),
        ("gated", "Stopped by a gate", ~np.isnan(dataset["stopped_week"].values)),
        ("stepped", "Changed in strength", ~np.isnan(dataset["stepped_week"].values)),
    ]
    for number, arm in enumerate(protocol.arms):
        own = units.arm == number
        for step, label, who in counted:
            chosen = own & who
            if protocol.design == "within":
                yield arm.key, step, label, "units", int(chosen.sum())
            people = len(np.unique(units.person[chosen]))
            yield arm.key, step, label, "people", people
        yield from _sessions(arm.key, status[own], reason[own])


def _needs_seeing(endpoint: Endpoint) -> bool:
    """Whether an endpoint is known only of those who were seen: a mean of readings is."""
    return endpoint.threshold is None and endpoint.measure not in ("atrophy", "relapse")


def _sessions(arm: str, status: NDArray[np.int8], reason: NDArray[np.int8]) -> Iterator[Row]:
    given, missed = status == SESSION["given"], status == SESSION["missed"]
    planned = given | missed | (reason > 0)
    counts = {"sessions planned": ("Sessions planned", planned),
              "sessions given": ("Sessions given", given),
              "sessions missed": ("Sessions missed", missed)}  # fmt: skip
    for step, (label, which) in counts.items():
        yield arm, step, label, "sessions", int(which.sum())
    for number, (key, words) in enumerate(REASONS.items(), start=1):
        label = f"Not given: {words}"
        yield arm, f"sessions not given: {key}", label, "sessions", int((reason == number).sum())


def fates_at(dataset: "xr.Dataset", units: Units, visit: int) -> dict[str, Flags]:
    """Tell what had become of units (unit,) by a visit; exactly one is true of each with an arm.

    Parameters
    ----------
    dataset : results; units : of `units_of`; visit : its number.

    Returns
    -------
    dict
        ``failed``, ``left``, ``missed`` (had not left, but did not come) and ``seen``.
    """
    placed = units.arm >= 0
    came = dataset["attended"].isel(visit=visit).values.astype(bool)
    day = dataset["visit_day"].isel(visit=visit).values
    gone = day >= WEEK * dataset["dropout_week"].values.astype(np.float64)
    followed = placed & ~units.failed
    return {
        "failed": placed & units.failed,
        "left": followed & gone & ~came,
        "missed": followed & ~gone & ~came,
        "seen": followed & came,
    }


def retention(protocol: Protocol, dataset: "xr.Dataset") -> "pd.DataFrame":
    """Count at every visit who was seen, had missed it, or had left.

    Returns
    -------
    pandas.DataFrame
        ``arm``, ``week``, then units of all replicates together: ``randomised``, ``failed``,
        ``left``, ``missed``, ``seen``; the last four add up to the first.
    """
    import pandas as pd

    units, rows = units_of(dataset), []
    for visit, planned in enumerate(protocol.visits):
        fates = fates_at(dataset, units, visit)
        for number, arm in enumerate(protocol.arms):
            own = units.arm == number
            counts = {name: int((own & who).sum()) for name, who in fates.items()}
            rows.append({"arm": arm.key, "week": planned.week, "randomised": int(own.sum()),
                         **counts})  # fmt: skip
    return pd.DataFrame(rows).sort_values(
        "arm", key=lambda keys: keys.map({arm.key: i for i, arm in enumerate(protocol.arms)}),
        kind="stable", ignore_index=True)  # fmt: skip


def session_reasons(protocol: Protocol, dataset: "xr.Dataset") -> NDArray[np.int8]:
    """Why planned sessions (unit, session) were not given: number in `REASONS` from 1, or 0.

    What came first counts. A session of a rescue that was not needed was not planned.
    """
    rules = rules_of(protocol)
    arm = np.maximum(dataset["arm"].values, 0)
    status = dataset["session_status"].values
    slots = np.arange(status.shape[1])
    day = rules.days[:, : status.shape[1]].astype(np.float32)
    day[day >= NEVER] = np.inf
    due = day[arm]
    rescued = dataset["rescued_week"].values
    events = np.stack([
        dataset["dropout_week"].values, dataset["stopped_week"].values, rescued,
    ])  # fmt: skip
    events = WEEK * np.where(np.isnan(events), np.inf, events).astype(np.float32)
    # Somebody may leave between the planned day and the end of its window.
    slack = np.array([protocol.conduct.session_window_days, 0.0, 0.0], np.float32)
    first = np.full(status.shape, np.inf, np.float32)
    reason = np.zeros(status.shape, np.int8)
    lost = status == SESSION["not given"]
    lost &= (slots < rules.rescue_first) | ~np.isnan(rescued)[:, None]
    reason[lost] = len(REASONS)
    for number, (when, late) in enumerate(zip(events, slack, strict=True), start=1):
        sooner = lost & (when[:, None] <= due + late) & (when[:, None] < first)
        if number == list(REASONS).index("rescue") + 1:
            sooner &= slots < rules.rescue_first
        reason[sooner] = number
        first = np.where(sooner, when[:, None], first)
    return reason
