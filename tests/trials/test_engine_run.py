import numpy as np
import pytest
import xarray as xr
from scipy import stats
from trials.engine_cases import UNTREATED, arm, treatment, trial

from anagen.errors import InputError
from anagen.population.covariates import Covariates
from anagen.population.posterior import Posterior
from anagen.population.virtual import Traits, traits_of
from anagen.trials import draw
from anagen.trials.chunk_dataset import SESSION
from anagen.trials.protocol import (
    Conduct,
    Eligibility,
    Endpoint,
    Guided,
    Protocol,
    Range,
    Rescue,
    Step,
    Stop,
    Treatment,
    Visit,
)
from anagen.trials.run_chunk import run_chunk

TREATED, NATURAL = arm("treated", treatment(5.0, 3)), arm("natural", UNTREATED)
BUSY = Conduct(raters=2, missed_visit=0.2, dropout_per_week=0.03, dropout_if_poor=3.0,
               session_window_days=3)  # fmt: skip


def of_arm(chunk: xr.Dataset, number: int) -> xr.Dataset:
    return chunk.isel(unit=np.flatnonzero(chunk.arm.values == number))


def assert_same(one: xr.Dataset, other: xr.Dataset) -> None:
    assert set(one.variables) == set(other.variables)
    for name, values in one.variables.items():
        np.testing.assert_array_equal(values.values, other[name].values, err_msg=str(name))


def adaptive(**more: object) -> Protocol:
    given = treatment(
        2.5, 3,
        steps=(Step(week=4, if_regrowth_below=0.25, strength_mg_per_mL=10.0),),
        stops=(Stop(week=8, if_regrowth_at_least=0.6),),
    )  # fmt: skip
    rescue = Rescue(week=8, if_regrowth_below=0.3, strength_mg_per_mL=5.0, interval_weeks=2,
                    sessions=2)  # fmt: skip
    return trial(arm("adaptive", given), arm("saved", treatment(2.5, 2),
                                             rescue=rescue), **more)  # fmt: skip


def test_a_trial_is_the_same_however_it_is_cut() -> None:
    protocol = trial(TREATED, NATURAL, adaptive().arms[0], people=30, conduct=BUSY)
    whole = run_chunk(protocol, 0, 0, 100)
    parts = [run_chunk(protocol, 0, 0, 37), run_chunk(protocol, 0, 37, 63)]
    assert_same(whole, xr.concat(parts, "unit", data_vars="minimal", coords="minimal",
                                 compat="override", join="outer"))  # fmt: skip
    assert len(np.unique(whole.unit)) == 100
    assert_same(whole, run_chunk(protocol, 0, 0, 100))


def test_what_comes_out_has_units_and_names_its_makers() -> None:
    chunk = run_chunk(trial(TREATED, NATURAL, people=4), seed=3)
    assert all({"units", "long_name"} <= set(one.attrs) for one in chunk.data_vars.values())
    assert chunk.attrs["arms"] == ["treated", "natural"]
    assert chunk.attrs["seed"] == "3"
    assert {"protocol_fingerprint", "posterior", "parameter_set"} <= set(chunk.attrs)
    assert chunk.sizes == {"unit": 8, "visit": 4, "session": 3, "rater": 1}


def test_treatment_helps_thins_and_is_counted() -> None:
    chunk = run_chunk(trial(TREATED, NATURAL, people=40))
    treated, natural = of_arm(chunk, 0), of_arm(chunk, 1)
    assert treated.regrowth[:, -1].mean() > natural.regrowth[:, -1].mean() + 0.2
    assert treated.atrophy[:, -1].mean() > 0.05
    assert abs(natural.atrophy).max() < 1e-5
    assert (natural.mg == 0).all()
    np.testing.assert_allclose(treated.mg, treated.injections * 0.1 * 5.0, rtol=1e-6)
    assert (treated.strength == 5.0).all()
    assert treated.session_day.values[0].tolist() == [0, 28, 56]
    assert (natural.session_status == SESSION["none"]).all()
    assert not chunk.failed.any()


def test_a_step_and_a_gate_follow_the_reading() -> None:
    chunk = of_arm(run_chunk(adaptive(people=40)), 0)
    read = chunk.regrowth_reading.sel(visit=4.0).values
    late = chunk.regrowth_reading.sel(visit=8.0).values
    poor, gone = read < 0.25, late >= 0.6
    assert 5 < poor.sum() < 40
    assert gone.any()
    np.testing.assert_array_equal(chunk.strength[:, 0], 2.5)
    np.testing.assert_array_equal(chunk.strength[:, 1], np.where(poor, 10.0, 2.5))
    np.testing.assert_array_equal(np.isnan(chunk.strength[:, 2]), gone)
    np.testing.assert_array_equal(~np.isnan(chunk.stepped_week), poor)
    np.testing.assert_array_equal(~np.isnan(chunk.stopped_week), gone)


def test_a_rescue_is_given_to_those_who_fail() -> None:
    chunk = of_arm(run_chunk(adaptive(people=40)), 1)
    failed = chunk.regrowth_reading.sel(visit=8.0).values < 0.3
    assert 0 < failed.sum() < 40
    given = chunk.session_day.values[:, -2:]
    assert (given[failed] == [56, 70]).all()
    assert (given[~failed] == -1).all()
    np.testing.assert_array_equal(np.nansum(chunk.strength, axis=1), np.where(failed, 15.0, 5.0))
    np.testing.assert_array_equal(~np.isnan(chunk.rescued_week), failed)
    saved = chunk.isel(unit=np.flatnonzero(failed))
    assert saved.regrowth[:, -1].mean() > saved.regrowth[:, -2].mean()


def test_who_misses_a_visit_is_not_decided_on() -> None:
    chunk = of_arm(run_chunk(adaptive(people=60, conduct=Conduct(missed_visit=0.4))), 0)
    missed = ~chunk.attended.sel(visit=4.0).values
    assert 10 < missed.sum() < 50
    assert np.isnan(chunk.stepped_week.values[missed]).all()
    assert (chunk.session_status.values[missed, 1] == SESSION["missed"]).all()
    assert np.isnan(chunk.regrowth_reading.sel(visit=4.0).values[missed]).all()
    assert np.isfinite(chunk.regrowth.sel(visit=4.0).values).all()


def test_who_leaves_is_neither_treated_nor_read_any_more() -> None:
    chunk = of_arm(run_chunk(trial(TREATED, NATURAL, people=80, conduct=BUSY)), 0)
    left = 7 * chunk.dropout_week.values
    assert 10 < np.isfinite(left).sum() < 70
    assert not (chunk.attended.values & (chunk.visit_day.values >= left[:, None])).any()
    given = chunk.session_status.values == SESSION["given"]
    assert not (given & (chunk.session_day.values > left[:, None])).any()
    assert (given[:, 0]).all()
    np.testing.assert_array_equal(np.isnan(chunk.reading[:, :, 0]), ~chunk.attended)
    away = chunk.session_day.values[given] - (28 * np.arange(3) * np.ones((80, 1)))[given]
    assert set(away) <= set(range(-3, 4))
    assert len(set(away)) > 3


def test_leaving_when_it_goes_badly_is_seen_in_who_is_left() -> None:
    conduct = Conduct(dropout_per_week=0.03, dropout_if_poor=8.0)
    chunk = of_arm(run_chunk(trial(TREATED, NATURAL, people=150, conduct=conduct)), 0)
    stayed = np.isinf(chunk.dropout_week.values)
    regrown = chunk.regrowth.values[:, -1]
    assert regrown[stayed].mean() > regrown[~stayed].mean() + 0.1


def test_salt_counts_all_patches() -> None:
    salt = (Endpoint(key="salt", measure="salt", week=12, primary=True),)
    chunk = run_chunk(trial(TREATED, NATURAL, people=20, endpoints=salt,
                            eligibility=Eligibility(salt=Range(high=3.0))))  # fmt: skip
    np.testing.assert_allclose(chunk.salt[:, 0], 100.0 * chunk.extent, rtol=1e-4)
    treated, natural = (
        (one.salt[:, -1] / one.salt[:, 0]).mean() for one in (of_arm(chunk, 0), of_arm(chunk, 1))
    )
    assert treated < natural - 0.2
    assert abs(chunk.salt_reading - chunk.salt).max() < 12.0
    several = of_arm(chunk, 0).patches.values > 1
    assert several.any()


def test_arms_may_inject_in_different_ways() -> None:
    wide = arm("wide", treatment(5.0, 3, spacing_mm=20.0))
    protocol = trial(TREATED, wide, NATURAL, people=12)
    chunk = run_chunk(protocol)
    assert of_arm(chunk, 0).injections.mean() > 2 * of_arm(chunk, 1).injections.mean() > 0
    assert (np.diff(chunk.unit) > 0).all()
    alone = run_chunk(protocol, 0, 20, 5)
    assert_same(alone, chunk.isel(unit=slice(20, 25)))


def test_a_person_whom_the_model_cannot_follow_is_flagged_and_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    protocol = trial(TREATED, NATURAL, people=6, conduct=BUSY)
    fine = run_chunk(protocol)

    def broken(posterior: Posterior) -> Traits:
        usual = traits_of(posterior)

        def traits(covariates: Covariates, seed: int, first: int) -> dict[str, np.ndarray]:
            found = dict(usual(covariates, seed, first))
            odd = np.isclose(covariates.extent, float(fine.extent[3]), rtol=1e-6)
            return {**found, "depot.radius": np.where(odd, -1.0, found["depot.radius"])}

        return traits

    monkeypatch.setattr(draw, "traits_of", broken)
    chunk = run_chunk(protocol)
    assert np.flatnonzero(chunk.failed).tolist() == [3]
    assert np.isnan(chunk.reading[3]).all()
    assert not chunk.atrophy_seen[3].any()
    assert_same(chunk.drop_sel(unit=chunk.unit[3]), fine.drop_sel(unit=fine.unit[3]))


def test_what_is_not_built_is_said() -> None:
    guided = Guided(strengths_mg_per_mL=(2.5, 5.0), target=0.75, horizon_weeks=12)
    given = Treatment(strength_mg_per_mL=5.0, interval_weeks=4, sessions=3, guided=guided)
    with pytest.raises(InputError, match="Not built yet") as caught:
        run_chunk(trial(arm("guided", given), NATURAL, unit="quadrant"))
    assert {problem.place for problem in caught.value.problems} == {
        "arms.guided.treatment.guided", "unit"}  # fmt: skip
    drug = Rescue(
        week=4, if_regrowth_below=0.5, strength_mg_per_mL=5.0, interval_weeks=4, sessions=1
    )
    salt_water = arm("water", treatment(0.0, product="saline"), rescue=drug)
    with pytest.raises(InputError, match="without the drug"):
        run_chunk(trial(salt_water, NATURAL))
    with pytest.raises(InputError, match="in a chunk"):
        run_chunk(trial(TREATED, NATURAL), count=1_000_000)


def rejections(protocol: Protocol, replicates: int) -> np.ndarray:
    size = protocol.people * len(protocol.arms)
    chunk = run_chunk(protocol, 0, 0, replicates * size)
    read = chunk.regrowth_reading.values[:, -1].reshape(replicates, size)
    first = chunk.arm.values.reshape(replicates, size) == 0
    return np.array([
        stats.ttest_ind(one[own], one[~own], nan_policy="omit").pvalue
        for one, own in zip(read, first, strict=True)
    ])  # fmt: skip


def short(*arms: object, people: int) -> Protocol:
    return trial(*arms, people=people, weeks=8, visits=(Visit(week=0), Visit(week=8)))


def test_without_a_difference_one_test_in_twenty_rejects() -> None:
    one, other = arm("one", treatment(5.0, 2)), arm("other", treatment(5.0, 2))
    found = rejections(short(one, other, people=10), 200)
    assert stats.binomtest(int((found < 0.05).sum()), 200, 0.05).pvalue > 0.02
    assert stats.kstest(found, "uniform").pvalue > 0.02


def test_a_strong_effect_is_found() -> None:
    found = rejections(short(TREATED, NATURAL, people=25), 10)
    assert (found < 0.05).sum() >= 9


def test_a_visit_out_of_the_week_is_read_between_weeks() -> None:
    visits = (Visit(week=0), Visit(week=7.5), Visit(week=12, window_days=6))
    chunk = run_chunk(trial(TREATED, NATURAL, people=10, visits=visits))
    assert (chunk.visit_day[:, 1] == 52).all()
    assert len(set(chunk.visit_day.values[:, 2])) > 3
    regrown = of_arm(chunk, 0).regrowth.values
    assert (regrown[:, 1] < regrown[:, 2]).mean() > 0.8
