import numpy as np

from anagen.population.condition_data import load_condition_data
from anagen.trials.conduct import Held, attends, leaving, readings, shifted
from anagen.trials.protocol import Conduct

MANY = np.arange(20_000)


def held(**conduct: float) -> Held:
    return Held(Conduct(**conduct), seed=5)


def test_visits_are_missed_at_the_stated_rate_but_never_the_first() -> None:
    trial = held(missed_visit=0.2)
    assert attends(trial, MANY, 0).all()
    missed = [~attends(trial, MANY, day) for day in (28, 56)]
    assert all(abs(one.mean() - 0.2) < 0.01 for one in missed)
    assert abs((missed[0] & missed[1]).mean() - 0.04) < 0.01


def test_who_comes_does_not_hang_on_who_else_is_asked() -> None:
    trial = held(missed_visit=0.5)
    few = np.array([17, 4, 900])
    np.testing.assert_array_equal(attends(trial, few, 28), attends(trial, MANY, 28)[few])


def test_days_lie_evenly_in_their_window() -> None:
    days = shifted(held(), MANY, 28, 3.0)
    assert set(days) == set(range(25, 32))
    assert abs(days.mean() - 28.0) < 0.1
    assert shifted(held(), MANY, 28, 3.0, earliest=28).min() == 28
    assert (shifted(held(), MANY, 0, 3.0) == 0).all()


def test_people_leave_at_the_stated_rate() -> None:
    left = leaving(held(dropout_per_week=0.05), MANY, np.ones((len(MANY), 11)), 1)
    assert abs(np.isfinite(left).mean() - (1.0 - 0.95**10)) < 0.01
    assert set(left[np.isfinite(left)]) <= set(range(1, 11))
    assert np.isinf(leaving(held(), MANY, np.zeros((len(MANY), 11)), 1)).all()


def test_those_who_do_badly_leave_more_often() -> None:
    trial = held(dropout_per_week=0.05, dropout_if_poor=4.0)
    good, poor = (leaving(trial, MANY, np.full((len(MANY), 2), level), 1) for level in (0.6, 0.1))
    odds = [np.isfinite(one).mean() / np.isinf(one).mean() for one in (good, poor)]
    assert abs(odds[1] / odds[0] - 4.0) < 0.3
    assert np.isfinite(poor[np.isfinite(good)]).all()


def test_leaving_is_the_same_looked_at_week_by_week() -> None:
    trial = held(dropout_per_week=0.05, dropout_if_poor=4.0)
    regrown = np.linspace(0.0, 0.8, 11) * np.ones((500, 1))
    whole = leaving(trial, np.arange(500), regrown, 1)
    parts = [leaving(trial, np.arange(500), regrown[:, : stop + 1], first)
             for first, stop in ((1, 4), (5, 10))]  # fmt: skip
    np.testing.assert_array_equal(whole, np.minimum(*parts))


def test_raters_err_as_published_readers_do() -> None:
    share = np.full(len(MANY), 0.5)
    read = readings(held(raters=2), MANY, 84, share)
    assert read.shape == (len(MANY), 2)
    wanted = load_condition_data().value("reader")
    np.testing.assert_allclose(read.std(0), wanted, rtol=0.03)
    np.testing.assert_allclose(read.mean(1).std(), wanted / np.sqrt(2.0), rtol=0.03)
    assert abs(np.corrcoef(read.T)[0, 1]) < 0.03


def test_another_error_may_be_stated_and_none_at_all() -> None:
    share = np.full(len(MANY), 0.5)
    np.testing.assert_allclose(
        readings(held(rater_error=0.2), MANY, 84, share).std(), 0.2, rtol=0.05
    )
    np.testing.assert_array_equal(readings(held(rater_error=0.0), MANY, 84, share)[:, 0], share)


def test_readings_are_shares_and_nothing_has_regrown_at_the_start() -> None:
    read = readings(held(), MANY, 84, np.linspace(0.0, 1.0, len(MANY)))
    assert read.min() >= 0.0
    assert read.max() <= 1.0
    assert (readings(held(), MANY, 0, np.zeros(len(MANY))) == 0.0).all()
    assert np.isnan(readings(held(), MANY[:1], 84, np.array([np.nan]))).all()
