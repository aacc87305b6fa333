"""Who went where: every count adds up, and every reason is told."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from trials.report_cases import busy_results, quadrant_results

from anagen.trials.chunk_dataset import SESSION
from anagen.trials.flow import ALL, REASONS, fates_at, flow, retention, units_of
from anagen.trials.protocol import Protocol

CASES = {"parallel": busy_results, "quadrants": quadrant_results}


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> tuple[Protocol, xr.Dataset]:
    return CASES[request.param]()


def number(table: pd.DataFrame, arm: str, step: str, of: str) -> int:
    rows = table[(table["arm"] == arm) & (table["step"] == step) & (table["of"] == of)]
    assert len(rows) == 1, (arm, step, of)
    return int(rows["count"].iloc[0])


def test_the_screened_are_those_taken_and_those_not(case: tuple[Protocol, xr.Dataset]) -> None:
    table = flow(*case)
    screened, refused, taken = (
        number(table, ALL, step, "people") for step in ("screened", "not eligible", "randomised")
    )
    assert screened == refused + taken
    assert taken == len(np.unique(units_of(case[1]).person))
    assert refused >= 0


def test_everybody_randomised_has_one_fate(case: tuple[Protocol, xr.Dataset]) -> None:
    protocol, dataset = case
    table = flow(protocol, dataset)
    of = "people" if protocol.design == "parallel" else "units"
    for arm in protocol.arms:
        parts = ("failed", "left", "missed visit", "seen")
        assert number(table, arm.key, "randomised", of) == sum(
            number(table, arm.key, step, of) for step in parts
        )
    units = units_of(dataset)
    fates = np.stack([list(fates_at(dataset, units, visit).values())
                      for visit in range(dataset.sizes["visit"])])  # fmt: skip
    assert (fates.sum(axis=1) == (units.arm >= 0)).all()


def test_the_arms_are_the_whole(case: tuple[Protocol, xr.Dataset]) -> None:
    protocol, dataset = case
    table = flow(protocol, dataset)
    of = "people" if protocol.design == "parallel" else "units"
    parts = [number(table, arm.key, "randomised", of) for arm in protocol.arms]
    assert sum(parts) == number(table, ALL, "randomised", of)
    if protocol.unit == "quadrant":
        without = number(table, ALL, "no arm", "units")
        assert sum(parts) + without == dataset.sizes["unit"]
        assert without == number(table, ALL, "randomised", "people")  # one quadrant of four
        for arm in protocol.arms:
            assert number(table, arm.key, "randomised", "people") == 24


def test_planned_sessions_are_given_missed_or_not_for_a_reason(
    case: tuple[Protocol, xr.Dataset],
) -> None:
    protocol, dataset = case
    table = flow(protocol, dataset)
    for arm in protocol.arms:
        steps = ["sessions given", "sessions missed",
                 *(f"sessions not given: {key}" for key in REASONS)]  # fmt: skip
        planned = number(table, arm.key, "sessions planned", "sessions")
        assert planned == sum(number(table, arm.key, step, "sessions") for step in steps)


def test_sessions_and_their_reasons_are_those_of_the_dataset() -> None:
    protocol, dataset = busy_results()
    table = flow(protocol, dataset)
    status, arm = dataset["session_status"].values, dataset["arm"].values
    given = int((status[arm == 0] == SESSION["given"]).sum())
    assert number(table, "adaptive", "sessions given", "sessions") == given
    stopped = int((~np.isnan(dataset["stopped_week"].values[arm == 0])).sum())
    assert number(table, "adaptive", "gated", "people") == stopped > 0
    assert number(table, "adaptive", "sessions not given: gate", "sessions") > 0
    assert number(table, "saved", "sessions not given: rescue", "sessions") > 0
    assert number(table, "saved", "sessions not given: left", "sessions") > 0
    # A rescue that nobody needed was not planned: who needs none has three sessions at most.
    kept = number(table, "saved", "rescued", "people")
    planned = number(table, "saved", "sessions planned", "sessions")
    assert planned <= 3 * 80 + 2 * kept
    assert number(table, "adaptive", "sessions not given: other", "sessions") == 0
    assert number(table, "natural", "sessions planned", "sessions") == 0
    assert number(table, "natural", "first session", "people") == 0
    assert number(table, "adaptive", "first session", "people") == 80


def test_many_trials_are_told_as_the_mean_of_one() -> None:
    protocol, dataset = busy_results()
    table = flow(protocol, dataset)
    assert table.attrs["replicates"] == 2
    whole = table[(table["arm"] == ALL) & (table["step"] == "randomised")].iloc[0]
    assert (whole["count"], whole["per_trial"]) == (240, 120.0)


def test_those_who_leave_do_not_come_back(case: tuple[Protocol, xr.Dataset]) -> None:
    protocol, dataset = case
    table = retention(protocol, dataset)
    assert (table[["failed", "left", "missed", "seen"]].sum(axis=1) == table["randomised"]).all()
    for _, own in table.groupby("arm"):
        assert own["left"].is_monotonic_increasing
        assert own["left"].iloc[0] == 0
    assert table["left"].max() > 0
    assert list(dict.fromkeys(table["arm"])) == [arm.key for arm in protocol.arms]


def test_who_the_model_cannot_follow_is_counted_apart() -> None:
    protocol, dataset = busy_results()
    broken = dataset.copy()
    failed = np.zeros(dataset.sizes["unit"], bool)
    failed[dataset["arm"].values == 0] = np.arange((dataset["arm"].values == 0).sum()) < 7
    broken["failed"] = (("unit",), failed)
    table = flow(protocol, broken)
    assert number(table, "adaptive", "failed", "people") == 7
    assert number(table, "adaptive", "analysed", "people") == 73
    parts = ("failed", "left", "missed visit", "seen")
    assert sum(number(table, "adaptive", step, "people") for step in parts) == 80
