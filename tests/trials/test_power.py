"""Power and sample size against closed formulas, with the errors that are told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from trials.analysis_cases import results, two_arms, values_of

from anagen.errors import InputError
from anagen.trials.compare_arms import compare_arms
from anagen.trials.pool import (
    Pool,
    draw_trials,
    people_of,
    pool_of,
    simulate_pool,
    size_limit,
    usual_people,
)
from anagen.trials.power import PowerRequest, power_curve, sample_size
from anagen.trials.protocol_file import load_protocol_file

QUICK = PowerRequest(draws=1000)


def shares(first: float, second: float, people: int = 40_000, seed: int | None = None) -> Pool:
    """A pool of responders: an exact share of each arm, or with a seed a sample of it."""
    if seed is None:
        value = [np.arange(people) < share * people for share in (first, second)]
    else:
        random = np.random.default_rng(seed)
        value = [random.random(people) < share for share in (first, second)]
    values = values_of(np.concatenate(value), np.repeat([0, 1], people))
    rows = np.arange(2 * people)[:, None]
    return Pool(values, (rows[:people], rows[people:]), (1.0, 1.0))


def normal_pairs(effect: float, correlation: float, people: int = 20_000) -> Pool:
    random = np.random.default_rng(7)
    deviates = random.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], people)
    deviates += np.array([0.0, effect]) - deviates.mean(axis=0)
    values = values_of(deviates.ravel(), np.tile([0, 1], people), "mean",
                       person=np.repeat(np.arange(people), 2), paired=True)  # fmt: skip
    return Pool(values, (np.arange(2 * people).reshape(-1, 2),), (1.0,))


def formula(first: float, second: float, power: float) -> float:
    """People in each arm, two shares, pooled variance under no effect."""
    middle = (first + second) / 2.0
    null = stats.norm.ppf(0.975) * np.sqrt(2.0 * middle * (1.0 - middle))
    other = stats.norm.ppf(power) * np.sqrt(first * (1.0 - first) + second * (1.0 - second))
    return ((null + other) / (first - second)) ** 2


def test_the_size_for_two_shares_is_that_of_the_formula() -> None:
    for found in sample_size(shares(0.4, 0.6), (0.8, 0.9), QUICK):
        wanted = formula(0.4, 0.6, found.target)
        assert found.size == pytest.approx(wanted, rel=0.06)
        assert found.low < wanted < found.high
        assert found.low < found.size < found.high
        assert found.people == 2 * found.size
        assert found.power == pytest.approx(found.target, abs=0.04)


def test_the_power_of_pairs_is_that_of_student() -> None:
    effect, correlation, sizes = 0.5, 0.6, [10, 20, 30]
    table = power_curve(normal_pairs(effect, correlation), sizes, PowerRequest(draws=4000))
    for size, power, low, high in zip(sizes, table.power, table.low_all, table.high_all,
                                      strict=True):  # fmt: skip
        shift = effect / np.sqrt(2.0 - 2.0 * correlation) * np.sqrt(size)
        limit = stats.t.ppf(0.975, size - 1)
        wanted = stats.nct.sf(limit, size - 1, shift) + stats.nct.cdf(-limit, size - 1, shift)
        assert power == pytest.approx(wanted, abs=0.025)
        assert low < wanted < high
    assert table.people.to_list() == sizes


def test_people_drawn_within_keep_both_of_their_arms() -> None:
    drawn = draw_trials(normal_pairs(0.0, 0.9), 12, 5, np.random.default_rng(1))
    assert len(drawn.value) == 5 * 12 * 2
    assert (compare_arms(drawn).n == 12).all()
    first, second = drawn.value[drawn.arm == 0], drawn.value[drawn.arm == 1]
    assert np.corrcoef(first, second)[0, 1] > 0.8


def test_without_effect_no_size_is_found_and_power_is_the_level() -> None:
    pool = shares(0.5, 0.5, 2000)
    table = power_curve(pool, [50, 400], PowerRequest(draws=4000))
    assert table.power.to_list() == pytest.approx([0.05, 0.05], abs=0.013)
    (found,) = sample_size(pool, (0.8,), QUICK)
    assert (found.size, found.people, found.limit) == (None, None, 2000)
    assert found.low == 2000
    assert found.high == np.inf
    assert found.power < 0.2


def test_the_interval_of_a_size_holds_the_error_of_a_small_pool() -> None:
    wanted = formula(0.4, 0.6, 0.8)
    request = PowerRequest(draws=300)
    found = [sample_size(shares(0.4, 0.6, 1500, seed), (0.8,), request)[0] for seed in range(40)]
    held = sum(one.low <= wanted <= one.high for one in found)
    assert held >= stats.binom.ppf(0.001, 40, 0.95)
    draws_alone = [abs((one.size or 0) / wanted - 1.0) for one in found]
    assert np.mean(draws_alone) > 0.08  # so that it is the pool which the interval must hold


def test_arms_of_another_ratio_are_drawn_in_it() -> None:
    pool = replace(shares(0.3, 0.7), ratios=(1.0, 0.5))
    assert people_of(pool, 11) == (11, 6)
    assert size_limit(pool) == 40_000
    drawn = draw_trials(pool, 20, 3, np.random.default_rng(0))
    table = compare_arms(drawn)
    assert (table.n_reference == 20).all()
    assert (table.n == 10).all()


def test_the_same_seed_draws_the_same_whatever_else_is_asked() -> None:
    pool = shares(0.4, 0.6, 500)
    one = power_curve(pool, [30, 60], PowerRequest(draws=400, seed=3))
    other = power_curve(pool, [60], PowerRequest(draws=400, seed=3))
    assert one.power.iloc[1] == other.power.iloc[0]
    assert one.power.iloc[1] != power_curve(pool, [60], PowerRequest(draws=400)).power.iloc[0]


def test_harms_that_are_rarer_count_in_favour() -> None:
    pool = shares(0.6, 0.3, 2000)
    lower = replace(pool, values=replace(pool.values, better="lower"))
    assert power_curve(lower, [100], QUICK).power_better.iloc[0] > 0.9
    assert power_curve(pool, [100], QUICK).power_better.iloc[0] == 0.0


@pytest.mark.parametrize(
    ("request_", "sizes", "words"),
    [
        (PowerRequest(), [1], "from 2 to 100"),
        (PowerRequest(), [101], "Take a larger pool"),
        (PowerRequest(alpha=0.0), [10], "a level between 0 and 1"),
        (PowerRequest(draws=3), [10], "from 200 to"),
        (PowerRequest(against="placebo"), [10], "one of control, treated"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    request_: PowerRequest, sizes: list[int], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        power_curve(shares(0.5, 0.6, 100), sizes, request_)


def test_a_power_below_the_level_or_of_one_is_refused() -> None:
    for target in (0.05, 1.0, float("nan")):
        with pytest.raises(InputError, match=r"up to 0\.999"):
            sample_size(shares(0.5, 0.6, 100), (target,))


def test_results_of_too_few_people_make_no_pool() -> None:
    protocol = two_arms()
    endpoint = protocol.endpoints[0]
    nobody = results(4)
    nobody["arm"][:] = 0
    with pytest.raises(InputError, match="nobody in none"):
        pool_of(protocol, nobody, endpoint)
    single = pool_of(protocol, results(2), endpoint)
    with pytest.raises(InputError, match="at least 2 people"):
        power_curve(single, [2])
    with pytest.raises(InputError, match="from 2 to"):
        simulate_pool(protocol, endpoint, 1)


def test_a_pool_is_the_people_of_the_protocol_whatever_the_chunks() -> None:
    protocol = load_protocol_file("five-against-ten")
    told: list[tuple[int, int]] = []
    pool = simulate_pool(protocol, protocol.endpoints[0], 40, seed=5,
                         progress=lambda done, total: told.append((done, total)))  # fmt: skip
    assert size_limit(pool) >= 39
    assert [len(own) for own in pool.members] == list(people_of(pool, 40))
    assert told[-1][0] == told[-1][1] == sum(people_of(pool, 40))
    again = simulate_pool(protocol, protocol.endpoints[0], 40, seed=5)
    assert np.array_equal(pool.values.value, again.values.value, equal_nan=True)
    assert usual_people(load_protocol_file("forecast-guided-against-guideline")) < 1000
