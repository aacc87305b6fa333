"""The studies of whether the forecast knows how much it knows."""

import numpy as np
import pytest

from anagen.forecast.studies import (
    MISFITS,
    RANKED,
    VISITS,
    Stage,
    calibration,
    crps,
    misfit,
    summary_of,
    uniform_p,
)
from anagen.forecast.virtual import FOLLOW_UPS, LAST, SESSIONS, START, future_of, virtual_patient


@pytest.fixture(scope="module")
def told():
    """Stages of one virtual patient with one patch."""
    return calibration([10])


def test_crps_is_its_definition(random):
    for _ in range(5):
        values, truth = random.uniform(size=40), float(random.uniform())
        pairs = np.abs(values[:, None] - values[None]).mean()
        expected = np.abs(values - truth).mean() - 0.5 * pairs
        assert crps(values, truth) == pytest.approx(expected, abs=1e-10)
        # The same as the area between the two distribution functions, squared.
        grid = np.linspace(-0.5, 1.5, 20_001)
        below = (values[:, None] <= grid).mean(0)
        area = np.sum((below - (grid >= truth)) ** 2) * (grid[1] - grid[0])
        assert crps(values, truth) == pytest.approx(area, abs=1e-3)


def test_crps_of_points():
    assert crps(np.array([0.4]), 0.6) == pytest.approx(0.2)
    assert crps(np.full(9, 0.3), 0.3) == 0.0


def test_uniform_ranks_are_believed_and_others_not(random):
    p = [uniform_p(random.integers(0, 64, size=400)) for _ in range(200)]
    assert 0.0 <= np.mean(np.array(p) < 0.05) < 0.12
    assert uniform_p([0] * 40) < 1e-6
    assert uniform_p(list(range(16, 48)) * 4) < 1e-6
    assert uniform_p([0, 63] * 40) < 1e-6


def test_a_calibration_has_a_stage_for_every_number_of_visits(told):
    assert [stage.visits for stage in told] == [*VISITS]
    patches = len(told[0].truth)
    for stage in told:
        assert isinstance(stage, Stage)
        assert stage.seed == 10
        assert set(stage.ranks) == set(RANKED)
        assert all(0 <= rank <= 63 for rank in (*stage.ranks.values(), *stage.rank_cover))
        for row in (stage.rank_cover, stage.low, stage.middle, stage.high, stage.crps,
                    stage.carried):  # fmt: skip
            assert len(row) == patches
        assert stage.truth == told[0].truth
        assert np.all(np.diff([stage.low, stage.middle, stage.high], axis=0) >= 0.0)
        assert min(stage.crps) >= 0.0
        assert stage.effective > 1.0
        assert 0.0 < stage.p <= 1.0
    assert (told[0].carried, told[0].p) == ([0.0] * patches, 1.0)
    assert told[-1].carried != told[0].carried


def test_more_visits_are_surer(told):
    wide = [stage.high[0] - stage.low[0] for stage in told]
    assert wide[-1] < 0.7 * wide[0]


def test_the_summary_of_a_calibration(told):
    found = summary_of(told * 8)
    assert found["patients"] == 1
    assert set(found["visits"]) == {*VISITS}
    for visits, row in found["visits"].items():
        mine = next(stage for stage in told if stage.visits == visits)
        assert row["patches"] == 8 * len(mine.truth)
        assert 0.0 <= row["inside"] <= 1.0
        assert row["crps"] == pytest.approx(np.mean(mine.crps))
        assert row["error"] == pytest.approx(abs(mine.middle[0] - mine.truth[0]))
        # The mean of one patient is their own truth.
        assert row["population_mean"] == pytest.approx(0.0, abs=1e-9)
        assert row["flagged"] in (0.0, 1.0)
        assert set(row["ranks_p"]) == set(RANKED)


def test_a_second_disease_is_flagged():
    said = []
    found = misfit("second disease", [5, 6], say=said.append)
    assert len(found) == 2
    assert all(flagged and p < 0.05 for p, flagged in found)
    assert said == []


def test_one_patch_cannot_fail_among_several():
    assert misfit("depot not absorbed in one patch of several", [10]) == []


@pytest.mark.parametrize("name", MISFITS)
def test_a_misfit_changes_what_happens_or_what_is_read(name, virtual):
    truth = virtual.truth
    changed = MISFITS[name](truth)
    assert changed != truth
    assert changed.case is truth.case
    assert set(changed.doses) == set(truth.doses) == set(changed.traits)


# ---- virtual patients ----------------------------------------------------------------------------


def test_a_virtual_patient_is_settled_by_the_seed(virtual):
    again = virtual_patient(1)
    assert again.patient == virtual.patient
    assert again.observations == virtual.observations
    np.testing.assert_array_equal(again.truth.x, virtual.truth.x)
    assert again.cover(LAST) == virtual.cover(LAST)
    assert virtual_patient(10).patient.id != virtual.patient.id


def test_a_virtual_record_is_treated_monthly_and_looked_at(virtual):
    days = [one.date for one in virtual.patient.sessions]
    assert [(day - START).days for day in days] == [28 * k for k in range(SESSIONS)]
    weeks = [(one.date - START).days // 7 for one in virtual.patient.visits]
    assert weeks == [0, *FOLLOW_UPS, LAST]
    for name, seen in virtual.truth.seen.items():
        assert seen.outcome.cover.shape == (1, LAST + 1)
        assert seen.outcome.cover[0, 0] < 0.1
        assert virtual.cover(LAST)[name] == seen.outcome.cover[0, LAST]


@pytest.mark.parametrize("visits", range(5))
def test_the_case_after_some_visits_holds_what_was_read_by_then(virtual, visits):
    case = virtual.seen_by(visits)
    week = (0, *FOLLOW_UPS)[visits]
    assert (case.origin - START).days == 7 * week
    assert {(one.day - START).days // 7 for one in case.observations} <= set(FOLLOW_UPS[:visits])
    assert (len(case.observations) > 0) == (visits > 0)
    _, plan, left = future_of(virtual, visits)
    assert left == LAST - week
    assert plan is virtual.plan


def test_what_is_read_is_near_the_truth(virtual):
    """Regrowth is read with the errors of a reader, tens of per cent at most."""
    gaps = []
    for one in virtual.seen_by(4).observations:
        if one.kind == "cover":
            week = (one.day - START).days // 7
            true = virtual.truth.seen[one.patch].outcome.cover[0, week]
            gaps.append(np.clip(0.5 * (max(one.low, 0.0) + min(one.high, 1.0)), 0, 1) - true)
    assert len(gaps) == len(FOLLOW_UPS) * len(virtual.truth.seen)
    assert np.abs(gaps).max() < 0.35
    assert abs(np.mean(gaps)) < 0.15
