"""Does the model believe what was seen? The check of visits by those before them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from anagen.forecast.case import make_case
from anagen.forecast.check import _joined, check
from anagen.forecast.flag_rows import limit_of
from anagen.forecast.studies import MISFITS
from anagen.forecast.update import update
from anagen.forecast.virtual import FOLLOW_UPS, START, virtual_patient

# The first virtual patients with one patch, which are quick to follow.
SEEDS = (5, 6, 7, 9, 10)


@pytest.fixture(scope="module")
def fine():
    """Checks of patients whom the model describes."""
    return [check(update(virtual_patient(seed).seen_by(4), seed=seed), seed) for seed in SEEDS]


def test_the_model_believes_its_own_patients(fine):
    p = np.array([one.p for one in fine])
    assert np.all((p > 0.0) & (p <= 1.0))
    assert np.sum(p < 0.05) <= 2
    each = [visit.p for one in fine for visit in one.visits]
    assert len(each) == len(SEEDS) * len(FOLLOW_UPS)
    assert kstest(each, "uniform").pvalue > 0.01


def test_every_visit_is_held_against_those_before(fine, stages):
    for one in fine:
        assert [(visit.day - START).days // 7 for visit in one.visits] == [*FOLLOW_UPS]
        assert one.worst.p == min(visit.p for visit in one.visits)
    found = check(stages[4], 1)
    assert sum(visit.readings for visit in found.visits) == len(stages[4].case.observations)
    assert all(visit.worst in stages[4].case.observations for visit in found.visits)
    assert {visit.worst.day for visit in found.visits} == {visit.day for visit in found.visits}


def test_a_new_trigger_is_not_believed():
    virtual = virtual_patient(7, change=MISFITS["relapse trigger"])
    found = check(update(virtual.seen_by(4), seed=7), 7)
    assert found.p < 0.05
    # It struck in week 9: what was seen before is believed, what comes next is not.
    assert (found.worst.day - START).days // 7 >= 12
    assert found.visits[0].p > 0.01


def test_a_reading_gone_wrong_is_found(case):
    wrong = next(k for k, one in enumerate(case.observations)
                 if one.kind == "cortisol" or (one.kind, one.patch) == ("salt", None))  # fmt: skip
    one = case.observations[wrong]
    assert check(update(case)).p > 0.05
    far = replace(one, low=one.edges[-2], high=one.edges[-1])
    observations = (*case.observations[:wrong], far, *case.observations[wrong + 1 :])
    found = check(update(replace(case, observations=observations)))
    assert found.p < 0.05
    assert found.worst.worst == far


def test_without_readings_nothing_contradicts(stages):
    found = check(stages[0])
    assert (found.p, found.visits, found.worst) == (1.0, (), None)


def test_the_seed_decides(stages):
    assert check(stages[2], 3) == check(stages[2], 3)


def test_p_values_are_joined():
    assert _joined([]) == 1.0
    assert _joined([1.0, 1.0]) == 1.0
    # One visit: twice the smaller of the same number.
    assert _joined([0.01]) == pytest.approx(0.02)
    many = [0.04, 0.05, 0.04, 0.05]
    fisher = chi2.sf(-2.0 * np.log(many).sum(), 8)
    assert _joined(many) == pytest.approx(2.0 * fisher)
    assert _joined([1e-5, 0.9, 0.8, 0.9]) == pytest.approx(2.0 * (1.0 - (1.0 - 1e-5) ** 4))
    assert _joined([1e-5, 0.9]) < _joined([1e-3, 0.9]) < _joined([0.2, 0.9])


def test_the_joined_p_value_is_no_smaller_than_chance(random):
    found = np.array([_joined(list(random.uniform(size=4))) for _ in range(4000)])
    for level in (0.01, 0.05, 0.2):
        assert np.mean(found <= level) < level + 3.0 * np.sqrt(level / 4000)


def test_a_depot_that_is_never_absorbed_is_flagged():
    normal = virtual_patient(1001)
    silent = virtual_patient(1001, change=MISFITS["no depot ever absorbed"])
    factors = [check(update(one.seen_by(4)), 0).unabsorbed for one in (normal, silent)]
    assert factors[0] < 1.0
    assert factors[1] > limit_of("unabsorbed")


def test_without_sessions_nothing_can_fail_to_be_absorbed(patient):
    bare = patient.model_copy(update={"sessions": ()})
    assert check(update(make_case(bare))).unabsorbed == 1.0
