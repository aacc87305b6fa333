"""What happens inside patches agrees with what is seen of them, and follows the treatment."""

import numpy as np
import pytest

from anagen.population.bank import Row
from anagen.population.cohort import NATURAL, Regimen, follow_people, new_patches
from anagen.population.conditions import Condition
from anagen.population.mechanism import Inside, follow_inside
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior
from anagen.population.settings import Setting
from anagen.population.weighed import Weighed, survey

WEEKS = 24
MONTHLY = Regimen(5.0, 4.0, 3)
HALF = np.array([0.05, 0.1, 0.1, 0.4])
PEOPLE = new_patches(
    {"immunity.half_effect": HALF}, np.array([30.0, 6.0, 42.0, 30.0]), np.full(4, 60.0)
)


@pytest.fixture(scope="module")
def treated() -> Inside:
    return follow_inside(PEOPLE, MONTHLY, WEEKS)


@pytest.fixture(scope="module")
def natural() -> Inside:
    return follow_inside(PEOPLE, NATURAL, WEEKS)


def test_attack_is_that_of_the_cohort(treated: Inside) -> None:
    seen = follow_people(PEOPLE, MONTHLY, WEEKS)
    np.testing.assert_allclose(treated.attack, seen.attack, atol=2e-4)


def test_shares_are_shares(treated: Inside, natural: Inside) -> None:
    for inside in (treated, natural):
        for name in ("privilege", "growing", "resting", "terminal", "drug", "pigment"):
            values = getattr(inside, name)
            assert np.isfinite(values).all()
            assert (values >= -1e-5).all()
            assert (values <= 1.0 + 1e-5).all()
        assert (inside.growing + inside.resting <= 1.0 + 1e-5).all()


def test_without_drug_there_is_none(natural: Inside) -> None:
    assert (natural.drug == 0.0).all()
    assert (natural.concentration == 0.0).all()
    np.testing.assert_allclose(natural.pigment, 1.0, atol=1e-6)
    assert np.isnan(natural.near).all()
    np.testing.assert_allclose(np.ptp(natural.calm_growth_days, axis=1), 0.0, atol=0.01)


def test_treatment_turns_the_patch_round(treated: Inside, natural: Inside) -> None:
    assert (treated.concentration[:, 1] > 0.1).all()
    assert (treated.inflammation[:, 2] < natural.inflammation[:, 2]).all()
    assert treated.privilege[0, WEEKS] > 0.8 > natural.privilege[0, WEEKS]
    assert treated.growth_days[0, WEEKS] > 5.0 * natural.growth_days[0, WEEKS]
    assert (treated.calm_growth_days[:, 1] < treated.calm_growth_days[:, 0]).all()
    assert treated.pigment[0].min() < 0.95


def test_gaps_lag_behind_and_small_patches_have_none(treated: Inside) -> None:
    assert (treated.gap[[0, 2], 8] < treated.near[[0, 2], 8]).all()
    assert np.isnan(treated.gap[1]).all()  # 6 mm across: nothing is 4 mm from its injection
    assert np.isfinite(treated.near[1]).all()


def test_the_less_sensitive_respond_less(treated: Inside) -> None:
    assert treated.attack[3, 12] > treated.attack[0, 12]


@pytest.fixture(scope="module")
def found(prior_posterior: Posterior) -> Weighed:
    def cover(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
        return np.asarray(outcome.cover[:, week])

    rows = [Row("cover", Setting("localized"), (Condition(NATURAL, 4, 1.0),), cover)]
    return survey(rows, prior_posterior, people=64, draws=5)


def test_weights_sum_to_one_and_means_agree(found: Weighed) -> None:
    weight = found.weight["localized"]
    assert weight.shape == (5, 64)
    np.testing.assert_allclose(weight.sum(1), 1.0, rtol=1e-5)
    values = found.values("cover")
    np.testing.assert_allclose(
        found.mean(values, "localized"), found.asked.of("cover"), rtol=1e-4, atol=1e-6
    )
    assert found.setting("cover") == "localized"


def test_people_without_a_value_are_left_out(found: Weighed) -> None:
    values = np.where(np.arange(64) % 2 == 0, 3.0, np.nan)
    np.testing.assert_allclose(found.mean(values, "localized"), 3.0)
    assert np.isnan(found.mean(np.full(64, np.nan), "localized")).all()


def test_quantiles_are_ordered_and_inside(found: Weighed) -> None:
    values = np.linspace(0.0, 1.0, 64)
    low, middle, high = (found.quantile(values, "localized", at) for at in (0.05, 0.5, 0.95))
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (found.quantile(values, "localized", 1.0) <= 1.0).all()
