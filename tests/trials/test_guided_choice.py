"""What the forecast chooses for one person, and a guided arm from end to end."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from trials.engine_cases import arm, treatment, trial

from anagen.evidence.products import load_products
from anagen.population.posterior import load_posterior
from anagen.population.site_sets import usual_places
from anagen.population.variability import usual
from anagen.trials.guided import Choice, Known, case_of, choose, options, preferred
from anagen.trials.protocol import Conduct, Guided, Treatment
from anagen.trials.run_chunk import run_chunk
from anagen.trials.stepped import Technique, sites_of

OWN = Guided(strengths_mg_per_mL=(2.5, 10.0), target=0.6, horizon_weeks=12, horizon_from="start")
GIVEN = Treatment(strength_mg_per_mL=5.0, interval_weeks=4, sessions=3, guided=OWN)
QUICK, SLOW, NOTHING = (0.25, 0.6), (0.05, 0.25), (0.0, 0.0)


def known(shares: tuple[float, ...], number: int = 1, age: float = 90.0) -> Known:
    """Person read four-weekly by two raters."""
    week = 4 * len(shares)
    readings = tuple((28 * (k + 1), share) for k, share in enumerate(shares) for _ in range(2))
    return Known((7, 39, number), np.round(usual()), 28.0, age, week,
                 tuple((day, 5.0) for day in range(0, 7 * week, 28)), readings,
                 3 - len(shares))  # fmt: skip


def chosen(one: Known, given: Treatment = GIVEN, error: float = 0.08) -> Choice:
    return choose(one, given, Technique(), error, load_posterior())


def with_own(**changes: object) -> Treatment:
    return GIVEN.model_copy(update={"guided": OWN.model_copy(update=changes)})


def test_the_least_that_is_enough_else_the_best() -> None:
    assert preferred([0.2, 0.5, 0.9], 0.5) == (1, 0.5)
    assert preferred([0.2, 0.5, 0.9], 0.8) == (2, 0.9)
    assert preferred([0.2, 0.4, 0.3], 0.8) == (1, 0.4)
    assert preferred([0.0, 0.0], 0.5) == (0, 0.0)
    assert preferred([0.1, float("nan")], 0.5) == (0, 0.1)
    asked = []
    assert preferred((asked.append(each) or each for each in (0.1, 0.7, 0.9)), 0.5)[0] == 1
    assert asked == [0.1, 0.7]  # no forecast more than is needed


def test_options_stand_in_the_order_in_which_they_are_preferred() -> None:
    given = with_own(strengths_mg_per_mL=(10.0, 2.5, 10.0), interval_weeks=(2.0, 6.0))
    assert options(given) == [(2.5, 6.0), (2.5, 2.0), (10.0, 6.0), (10.0, 2.0)]
    assert options(GIVEN) == [(2.5, 4.0), (10.0, 4.0)]


def test_who_grows_back_quickly_gets_less_than_who_does_not() -> None:
    quick, slow = chosen(known(QUICK)), chosen(known(SLOW))
    assert quick.strength == 2.5
    assert slow.strength == 10.0
    assert quick.chance > 0.5 > slow.chance
    # Where nothing helps in time, more is not better.
    assert chosen(known(NOTHING)) == Choice(2.5, 4.0, 0.0)


def test_the_same_knowledge_gives_the_same_choice() -> None:
    one = chosen(known(QUICK))
    chosen(known(SLOW, number=2))
    assert chosen(known(QUICK)) == one
    assert abs(chosen(known(QUICK, number=5)).chance - one.chance) < 0.1


def test_a_higher_target_leaves_less_chance() -> None:
    low, high = (chosen(known((0.15,)), with_own(target=target, strengths_mg_per_mL=(5.0,)))
                 for target in (0.3, 0.9))  # fmt: skip
    assert low.chance > high.chance + 0.2
    sure = chosen(known((0.15,)), with_own(target=0.3, enough_chance=0.999))
    usually = chosen(known((0.15,)), with_own(target=0.3, enough_chance=0.05))
    assert (usually.strength, sure.strength) == (2.5, 10.0)


def test_an_interval_is_chosen_with_the_strength() -> None:
    easy = with_own(target=0.05, interval_weeks=(2.0, 4.0))
    assert chosen(known((0.3,)), easy).interval == 4.0
    hard = with_own(target=1.0, interval_weeks=(2.0, 4.0), enough_chance=1.0)
    assert chosen(known((0.3,)), hard).strength in (2.5, 10.0)


@pytest.mark.parametrize("error", [0.0, 0.08, 0.3])
def test_readings_count_by_the_error_of_the_protocol(error: float) -> None:
    case = case_of(known((0.0, 1.0)), Technique(), error)
    assert [one.scale for one in case.observations] == [max(error, 0.02) / 0.08] * 4
    assert [(one.low, one.high) for one in case.observations[::2]] == [
        (-np.inf, pytest.approx(0.025)), (pytest.approx(0.975), np.inf)]  # fmt: skip
    # Raters of a trial read the cover itself; what they read lies in its own bin.
    half = case_of(known((0.83,)), Technique(), error).observations[0]
    assert half.low < 0.83 < half.high < 0.9
    assert 0.0 <= chosen(known((0.0, 1.0)), error=error).chance <= 1.0


def test_the_forecast_is_told_of_the_sites_that_the_trial_injects() -> None:
    for diameter in (15.0, 28.0, 49.0):
        one = replace(known(QUICK), diameter=diameter)
        patch = case_of(one, Technique(), 0.08).patches[0]
        assert len(patch.reference.places) == sites_of(np.array([diameter]), Technique())[0]
        assert patch.reference.places == usual_places(patch.diameter, 10.0)
        assert [dose.parts for dose in patch.doses] == [(("ta10", 5.0, 0.1, 1.0),)] * 2
        assert (patch.start, patch.age, patch.regrown_known) == (-56, 90.0, False)
    assert load_products()["ta10"].drug


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return run_chunk(PROTOCOL, 0, 0, 18)


CONDUCT = Conduct(raters=2, missed_visit=0.1, dropout_per_week=0.01, session_window_days=3)
PROTOCOL = trial(arm("guided", GIVEN), arm("fixed", treatment(5.0, 3)), people=9, weeks=12,
                 conduct=CONDUCT, follow_up_weeks=4)  # fmt: skip


def test_a_guided_arm_is_the_same_however_it_is_cut(whole: xr.Dataset) -> None:
    parts = xr.concat([run_chunk(PROTOCOL, 0, 0, 7), run_chunk(PROTOCOL, 0, 7, 11, threads=1)],
                      "unit", data_vars="minimal", coords="minimal", compat="override",
                      join="outer")  # fmt: skip
    for name, values in whole.variables.items():
        np.testing.assert_array_equal(values.values, parts[name].values, err_msg=str(name))
    assert np.isfinite(whole.chosen_week.values).sum() > 8


def test_quick_responders_of_an_arm_get_no_more_than_slow_ones(whole: xr.Dataset) -> None:
    own = whole.isel(unit=np.flatnonzero(whole.arm.values == 0))
    at = own.chosen_week.values == 8.0
    last = own.isel(unit=np.flatnonzero(at.any(1)))
    read = last.regrowth_reading.sel(visit=8.0).values
    strength, chance = last.strength.values[:, 2], last.chosen_chance.values[:, 2]
    quick = read >= np.median(read)
    assert strength[quick].mean() < strength[~quick].mean()
    assert chance[quick].mean() > chance[~quick].mean()
    assert set(strength) <= {2.5, 10.0}
