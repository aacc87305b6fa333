"""The same people without and with treatment, and the difference that is the drug's."""

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.population.benefit import Benefit, drug_benefit, estimate_of
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.posterior import Posterior
from anagen.population.settings import Setting

SMALL = {"people": 96, "draws": 6}


@pytest.fixture(scope="module")
def benefit(prior_posterior: Posterior) -> Benefit:
    return drug_benefit(thresholds=(0.5, 0.9), weeks=(12, 24), posterior=prior_posterior, **SMALL)


def test_every_share_has_its_place(benefit: Benefit) -> None:
    assert benefit.untreated.shape == benefit.treated.shape == (2, 2, 6)
    assert np.isfinite(benefit.treated).all()
    assert ((benefit.treated >= 0.0) & (benefit.treated <= 1.0)).all()


def test_the_parts_make_up_both_courses(benefit: Benefit) -> None:
    np.testing.assert_allclose(benefit.either_way + benefit.only_treated, benefit.treated)
    np.testing.assert_allclose(benefit.either_way + benefit.only_untreated, benefit.untreated)
    np.testing.assert_allclose(benefit.difference, benefit.only_treated - benefit.only_untreated)


def test_the_drug_adds_and_a_higher_threshold_is_harder(benefit: Benefit) -> None:
    assert (benefit.difference[:, 1] > 0.1).all()
    assert (benefit.treated[0] >= benefit.treated[1] - 1e-6).all()
    assert (benefit.untreated[:, 1] >= benefit.untreated[:, 0] - 0.05).all()


def test_an_estimate_has_its_interval(benefit: Benefit) -> None:
    found = benefit.estimate("difference", 0.5, 24)
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(np.median(benefit.difference[0, 1]))
    with pytest.raises(ValueError, match="not in"):
        benefit.estimate("difference", 0.4, 24)


def test_the_difference_is_of_the_same_people(prior_posterior: Posterior, benefit: Benefit) -> None:
    """Its interval is narrower than that of two unrelated groups."""
    paired = np.std(benefit.difference[0, 1])
    apart = np.hypot(np.std(benefit.treated[0, 1]), np.std(benefit.untreated[0, 1]))
    assert paired <= apart * 1.5
    again = drug_benefit(thresholds=(0.5, 0.9), weeks=(12, 24), posterior=prior_posterior, **SMALL)
    np.testing.assert_array_equal(again.difference, benefit.difference)


def test_older_patches_gain_less(prior_posterior: Posterior) -> None:
    fresh, old = (
        drug_benefit(Setting("localized", episode_days=days), weeks=(24,), thresholds=(0.75,),
                     posterior=prior_posterior, **SMALL)
        for days in ((30.0, 120.0), (1000.0, 3000.0))
    )  # fmt: skip
    assert np.median(old.untreated) < np.median(fresh.untreated)
    assert np.median(old.treated) < np.median(fresh.treated)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"thresholds": (75.0,)}, "thresholds"),
        ({"thresholds": (float("nan"),)}, "thresholds"),
        ({"thresholds": ()}, "thresholds"),
        ({"weeks": (0,)}, "weeks"),
        ({"weeks": (12.5,)}, "weeks"),
        ({"weeks": (9999,)}, "weeks"),
        ({"regimen": NATURAL}, "regimen"),
        ({"regimen": Regimen(5.0, 4.0, 0)}, "regimen"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, object], place: str) -> None:
    with pytest.raises(InputError) as error:
        drug_benefit(**changes)  # type: ignore[arg-type]
    assert [problem.place for problem in error.value.problems] == [place]


def test_all_problems_come_together() -> None:
    with pytest.raises(InputError) as error:
        drug_benefit(thresholds=(0.0, 2.0), weeks=(-1,), regimen=NATURAL)
    assert len(error.value.problems) == 4


def test_without_a_figure_there_is_none() -> None:
    assert np.isnan(estimate_of(np.full(3, np.nan)).value)
    assert estimate_of(np.array([1.0, np.nan, 1.0])).high == 1.0
