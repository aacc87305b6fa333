"""Who is decided on, with what knowledge, and what follows; the forecast is stood in for."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from trials.engine_cases import UNTREATED, arm, treatment, trial

from anagen.errors import InputError
from anagen.population.covariates import Covariates
from anagen.population.posterior import Posterior
from anagen.population.virtual import Traits, traits_of
from anagen.trials import arm_rules, draw, guided_arms
from anagen.trials.chunk_dataset import SESSION
from anagen.trials.guided import Choice, Known
from anagen.trials.guided_arms import decision_weeks
from anagen.trials.protocol import Conduct, Guided, Rescue, Step, Stop, Visit
from anagen.trials.run_chunk import run_chunk

FIXED = arm("fixed", treatment(5.0, 4))
BUSY = Conduct(raters=2, missed_visit=0.2, dropout_per_week=0.03, dropout_if_poor=3.0,
               session_window_days=3)  # fmt: skip
WINDOWS = tuple(Visit(week=week, window_days=5 if week else 0) for week in (0, 4, 6, 8, 12))
GUIDED = Guided(strengths_mg_per_mL=(2.5, 5.0, 10.0), target=0.75, horizon_weeks=12)


def guided(own: Guided = GUIDED, sessions: int = 4, **more: Any) -> Any:
    return arm("guided", treatment(5.0, sessions, guided=own), **more)


def of_arm(chunk: xr.Dataset, number: int) -> xr.Dataset:
    return chunk.isel(unit=np.flatnonzero(chunk.arm.values == number))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Known]:
    """Stand in for the forecast: more than a third regrown gets 2.5 mg/mL, less gets 10."""
    found: list[Known] = []

    def choose(known: Known, *_: object) -> Choice:
        found.append(known)
        last = [share for day, share in known.readings if day == known.readings[-1][0]]
        return Choice(2.5 if np.mean(last) > 1 / 3 else 10.0, 4.0, 0.7)

    monkeypatch.setattr(guided_arms, "choose", choose)
    return found


def by_unit(asked: list[Known]) -> dict[tuple[int, int], Known]:
    return {(one.seed[-1], one.week): one for one in asked}


def test_a_choice_is_given_in_its_own_session_and_told(asked: list[Known]) -> None:
    chunk = run_chunk(trial(guided(), FIXED, people=12))
    own, fixed = of_arm(chunk, 0), of_arm(chunk, 1)
    np.testing.assert_array_equal(own.strength[:, 0], 5.0)
    for session, week in enumerate((4.0, 8.0, 12.0), start=1):
        wanted = np.where(own.regrowth_reading.sel(visit=week) > 1 / 3, 2.5, 10.0)
        np.testing.assert_array_equal(own.strength[:, session], wanted)
        np.testing.assert_array_equal(own.chosen_week[:, session], week)
    assert set(own.strength.values[:, 1]) == {2.5, 10.0}
    np.testing.assert_allclose(own.chosen_chance[:, 1:], 0.7, rtol=1e-6)
    assert np.isnan(own.chosen_chance[:, 0]).all()
    assert np.isnan(fixed.chosen_week).all()
    assert (fixed.strength == 5.0).all()
    assert len(asked) == 36
    assert "chosen_week" not in run_chunk(trial(FIXED, arm("none", UNTREATED), people=3))


def test_the_forecast_knows_what_was_read_and_given_and_nothing_more(asked: list[Known]) -> None:
    protocol = trial(guided(), FIXED, people=40, conduct=BUSY, visits=WINDOWS, follow_up_weeks=4)
    chunk = of_arm(run_chunk(protocol), 0)
    known = by_unit(asked)
    assert len(known) == len(asked) == int(np.isfinite(chunk.chosen_week).sum())
    for (name, week), one in known.items():
        unit = chunk.sel(unit=name)
        day, read = unit.visit_day.values, unit.reading.values
        seen = unit.attended.values & (day <= 7 * week) & (day > 0)
        wanted = [(when, share) for when, row in zip(day[seen], read[seen], strict=True)
                  for share in row]  # fmt: skip
        np.testing.assert_allclose(one.readings, wanted, atol=1e-6)
        held = (unit.session_day.values >= 0) & (unit.session_day.values < 7 * week)
        given = zip(unit.session_day.values[held], unit.strength.values[held], strict=True)
        assert one.given == tuple((int(when), float(mg)) for when, mg in given)
        assert one.sessions == 4 - week // 4
        assert one.diameter == pytest.approx(float(unit.diameter), rel=1e-6)
        assert one.age == pytest.approx(float(unit.patch_age), rel=1e-6)
    between = [one for one in asked if {day for day, _ in one.readings} - {28, 56, 84}]
    assert between  # readings of visits that are no session count too


def test_choices_hang_on_readings_and_not_on_the_truth(
    asked: list[Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(held: object, unit: np.ndarray, day: int, share: np.ndarray, kind: int = 0) -> Any:
        return np.repeat(((unit // 16 + day) % 10 / 10.0)[:, None], 2, axis=1)

    def others(posterior: Posterior) -> Traits:
        usual = traits_of(posterior)

        def traits(covariates: Covariates, seed: int, first: int) -> dict[str, np.ndarray]:
            found = usual(covariates, seed, first)
            return {key: values[::-1].copy() for key, values in found.items()}

        return traits

    protocol = trial(guided(), FIXED, people=20, conduct=Conduct(raters=2))
    monkeypatch.setattr(arm_rules, "readings", alike)
    one = run_chunk(protocol)
    first = list(asked)
    asked.clear()
    monkeypatch.setattr(draw, "traits_of", others)
    other = run_chunk(protocol)
    assert float(abs(one.regrowth[:, -1] - other.regrowth[:, -1]).max()) > 0.2
    assert [(a.seed, a.week, a.given, a.readings, a.age) for a in first] == [
        (b.seed, b.week, b.given, b.readings, b.age) for b in asked]  # fmt: skip
    np.testing.assert_array_equal(one.strength, other.strength)


def test_who_does_not_come_is_not_decided_on(asked: list[Known]) -> None:
    conduct = Conduct(missed_visit=0.4)
    chunk = of_arm(run_chunk(trial(guided(), FIXED, people=40, conduct=conduct)), 0)
    missed = chunk.session_status.values == SESSION["missed"]
    assert missed.any()
    assert np.isnan(chunk.chosen_week.values[missed]).all()
    assert np.isnan(chunk.strength.values[missed]).all()
    again = missed[:, 1] & (chunk.session_status.values[:, 2] == SESSION["given"])
    assert (chunk.chosen_week.values[again, 2] == 8.0).all()
    early = run_chunk(trial(guided(), FIXED, people=10, visits=(Visit(week=0), Visit(week=8),
                                                               Visit(week=12))))  # fmt: skip
    own = of_arm(early, 0)
    assert np.isnan(own.chosen_week[:, 1]).all()
    assert (own.strength[:, 1] == 5.0).all()
    assert (own.chosen_week[:, 2] == 8.0).all()


def test_gates_rescue_and_leaving_come_before_the_forecast(asked: list[Known]) -> None:
    gate = treatment(5.0, 4, guided=GUIDED, stops=(Stop(week=8, if_regrowth_below=0.25),))
    rescue = Rescue(week=4, if_regrowth_below=0.1, strength_mg_per_mL=20.0, interval_weeks=4,
                    sessions=2)  # fmt: skip
    protocol = trial(arm("gate", gate), guided(rescue=rescue), people=40, conduct=BUSY,
                     follow_up_weeks=8)  # fmt: skip
    chunk = run_chunk(protocol)
    for number, name in enumerate(("stopped_week", "rescued_week")):
        own = of_arm(chunk, number)
        ended = np.isfinite(own[name].values)
        assert ended.any()
        late = own.chosen_week.values >= own[name].values[:, None]
        assert not late[ended].any()
    gone = chunk.chosen_week.values >= chunk.dropout_week.values[:, None]
    assert np.isfinite(chunk.dropout_week.values).any()
    assert not gone.any()


def test_a_chosen_interval_moves_all_later_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(known: Known, *_: object) -> Choice:
        return Choice(5.0, 2.0 if known.readings[-1][1] > 0.2 else 6.0, 0.6)

    monkeypatch.setattr(guided_arms, "choose", choose)
    own = GUIDED.model_copy(update={"interval_weeks": (2.0, 6.0)})
    weeks = tuple(Visit(week=week) for week in range(0, 19, 2))
    protocol = trial(guided(own), FIXED, people=30, visits=weeks, follow_up_weeks=6)
    chunk = of_arm(run_chunk(protocol), 0)
    assert set(chunk.chosen_interval.values[:, 1]) == {2.0, 6.0}
    day, chosen = chunk.session_day.values, chunk.chosen_interval.values
    assert (day[:, :2] == [0, 28]).all()
    np.testing.assert_array_equal(np.diff(day, axis=1)[:, 1:3], 7 * chosen[:, 1:3])
    np.testing.assert_array_equal(chunk.chosen_week.values[:, 1:], day[:, 1:] / 7)
    assert np.isnan(chosen[:, 3]).all()
    late = run_chunk(protocol.model_copy(update={"conduct": BUSY}), count=60)
    days = np.where(of_arm(late, 0).session_day.values < 0, np.nan,
                    of_arm(late, 0).session_day.values)  # fmt: skip
    assert np.nanmin(np.diff(days, axis=1)) >= 14 - 3


def test_weeks_of_decisions_are_all_that_may_be_reached() -> None:
    own = GUIDED.model_copy(update={"interval_weeks": (2.0, 3.0)})
    given = treatment(5.0, 3, guided=own)
    assert decision_weeks(given) == {4, 6, 7, 8}
    assert decision_weeks(treatment(5.0, 1, guided=GUIDED)) == set()


def test_what_contradicts_itself_is_refused_all_at_once() -> None:
    step = Step(week=4, if_regrowth_below=0.25, strength_mg_per_mL=10.0)
    wrong = Guided(strengths_mg_per_mL=(), interval_weeks=(2.5,), target=0.75, horizon_weeks=12)
    early = GUIDED.model_copy(update={"horizon_from": "start", "horizon_weeks": 12.0})
    protocol = trial(arm("one", treatment(5.0, 3, guided=wrong, steps=(step,))), guided(early))
    with pytest.raises(InputError) as caught:
        run_chunk(protocol)
    assert {problem.place for problem in caught.value.problems} == {
        "arms.one.treatment.guided.strengths_mg_per_mL", "arms.one.treatment.steps",
        "arms.one.treatment.guided.interval_weeks", "arms.guided.treatment.guided.horizon_weeks",
    }  # fmt: skip


def test_who_cannot_be_read_is_not_decided_on(
    asked: list[Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(held: object, unit: np.ndarray, day: int, share: np.ndarray, kind: int = 0) -> Any:
        return np.where(unit == unit[0], np.nan, share)[:, None]

    monkeypatch.setattr(arm_rules, "readings", lost)
    chunk = run_chunk(trial(guided(), guided(), people=2))
    assert np.isnan(chunk.chosen_week[0]).all()
    np.testing.assert_array_equal(chunk.strength[0], 5.0)
    assert np.isfinite(chunk.chosen_week[1:, 1]).all()
