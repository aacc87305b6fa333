"""People as their own control: what that gains, and what drug in the next quadrant costs."""

from dataclasses import replace

import numpy as np
import pytest
from trials.engine_cases import arm, treatment, trial

from anagen.trials.compare_arms import compare_arms
from anagen.trials.endpoint_values import EndpointValues, endpoint_values
from anagen.trials.pool import Pool, pool_of
from anagen.trials.power import PowerRequest, power_curve, sample_size
from anagen.trials.protocol import Conduct, Eligibility, Endpoint, Protocol, Range
from anagen.trials.protocol_file import load_protocol_file
from anagen.trials.run_chunk import run_chunk
from anagen.trials.run_plan import with_people
from anagen.trials.spill_over import spill_over

PEOPLE = 2400
MEAN = Endpoint(key="mean", measure="regrowth", week=12, primary=True)


def two_patches() -> Protocol:
    taken = Eligibility(patches=Range(low=2), patch_diameter_mm=Range(low=26, high=30))
    return trial(arm("low", treatment(2.5, 3)), arm("mid", treatment(4.0, 3)), people=PEOPLE,
                 design="within", unit="patch", eligibility=taken, endpoints=(MEAN,),
                 conduct=Conduct(), follow_up_weeks=4)  # fmt: skip


@pytest.fixture(scope="module")
def pool() -> Pool:
    design = two_patches()
    return pool_of(design, run_chunk(design), MEAN)


def apart(pool: Pool) -> Pool:
    """The same people, of whom each has only one of the arms."""
    values, (members,) = pool.values, pool.members
    group = np.arange(len(members)) % 2
    chosen = [members[group == number] for number in (0, 1)]
    own = tuple(rows[values.arm[rows] == number][:, None]
                for number, rows in enumerate(chosen))  # fmt: skip
    return Pool(replace(values, paired=False), own, (1.0, 1.0))


def both(pool: Pool) -> np.ndarray:
    """Values (person, arm)."""
    rows = pool.members[0]
    order = np.argsort(pool.values.arm[rows], axis=1)
    return np.take_along_axis(pool.values.value[rows], order, axis=1)


def test_the_variance_within_people_is_that_of_theory(pool: Pool) -> None:
    value = both(pool)
    correlation = np.corrcoef(value.T)[0, 1]
    assert 0.3 < correlation < 0.99
    first, second = value.var(axis=0, ddof=1)
    theory = first + second - 2.0 * correlation * np.sqrt(first * second)
    people = 20
    trials = PEOPLE // people
    replicate = np.arange(PEOPLE) // people
    kept = replace(pool.values, replicate=replicate[pool.values.person])
    table = compare_arms(kept)
    assert len(table) == trials
    observed = people * table.difference.var(ddof=1)
    assert observed == pytest.approx(theory, rel=3.3 * np.sqrt(2.0 / trials))
    parallel = compare_arms(kept, paired=False)
    width = (parallel.difference_high - parallel.difference_low).mean()
    gain = (width / (table.difference_high - table.difference_low).mean()) ** 2
    # Equal spreads would give 1 / (1 - correlation).
    assert gain == pytest.approx((first + second) / theory, rel=0.15)


def test_as_their_own_control_far_fewer_people_are_needed(pool: Pool) -> None:
    request = PowerRequest(draws=600)
    within = sample_size(pool, (0.8,), request)[0]
    parallel = sample_size(apart(pool), (0.8,), request)[0]
    assert within.people is not None
    assert parallel.people is not None
    value = both(pool)
    spread = value.var(axis=0, ddof=1).sum()
    # Parallel arms take twice the people, and their variance does not cancel.
    theory = 2.0 * spread / (value[:, 1] - value[:, 0]).var(ddof=1)
    assert theory > 3.0
    assert parallel.people / within.people == pytest.approx(theory, rel=0.35)
    same = power_curve(apart(pool), [max(within.people // 2, 2)], request).power.iloc[0]
    assert same < 0.8 * within.power


def swapped(values: EndpointValues, seed: int) -> EndpointValues:
    """Arms of some people exchanged, so that nothing differs between arms."""
    change = np.random.default_rng(seed).random(PEOPLE) < 0.5
    return replace(values, arm=np.where(change[values.person], 1 - values.arm, values.arm))


def test_paired_tests_of_simulated_people_keep_their_level(pool: Pool) -> None:
    number = np.arange(PEOPLE) // 20
    values = replace(pool.values, replicate=number[pool.values.person])
    found = np.concatenate([compare_arms(swapped(values, seed)).p.to_numpy() for seed in range(20)])
    assert len(found) == PEOPLE
    assert 0.035 < (found <= 0.05).mean() < 0.065


def test_drug_of_the_neighbours_flatters_saline_and_shrinks_the_difference() -> None:
    protocol = with_people(load_protocol_file("quadrant-strengths"), 80)
    table = spill_over(protocol, run_chunk(protocol))
    grown = table[table.measure.str.contains("egrowth")]
    alone = grown[grown.against == ""].set_index("arm")
    assert set(alone.index) == {one.key for one in protocol.arms}
    assert (alone.n == 80).all()
    assert alone.bias.to_list() == pytest.approx((alone.together - alone.alone).to_list())
    assert alone.low["saline"] > 0.0  # its own interval leaves zero out
    difference = grown[grown.against == "saline"].set_index("arm")
    assert set(difference.index) == {"ta10", "ta5", "ta2-5"}
    assert difference.high["ta10"] < 0.0
    assert (difference.low <= difference.bias).all()
    assert (difference.bias <= difference.high).all()
    assert difference.bias["ta10"] == pytest.approx(alone.bias["ta10"] - alone.bias["saline"])


def test_only_quadrants_have_neighbours_that_spill() -> None:
    protocol = load_protocol_file("five-against-ten")
    assert len(spill_over(protocol, run_chunk(protocol, count=4))) == 0


def test_saline_in_every_quadrant_shows_no_bias() -> None:
    saline = treatment(0.0, 2)
    protocol = trial(arm("one", saline), arm("two", saline), people=8, design="within",
                     unit="quadrant", conduct=Conduct())  # fmt: skip
    data = run_chunk(protocol)
    values = endpoint_values(protocol, data, protocol.endpoints[0])
    assert compare_arms(values).n.iloc[0] == 8  # two quadrants of an arm count once
    table = spill_over(protocol, data)
    assert (table.bias.abs() < 1e-6).all()
