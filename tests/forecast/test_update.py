"""From the population to one patient: what visits teach, and how surely."""

import jax
import numpy as np
import pytest

from anagen.forecast.case import make_case
from anagen.forecast.outlook import choose_people
from anagen.forecast.prior import log_prior
from anagen.forecast.update import ENOUGH, ROUNDS, resample, update
from anagen.forecast.virtual import FOLLOW_UPS, LAST


@pytest.fixture(scope="module")
def unread(bare):
    return update(make_case(bare))


def width(learnt):
    """Spread of the traits together: volume of the ellipsoid of people who fit, per trait."""
    x = learnt.x[:, : learnt.prior.traits]
    centred = x - learnt.weight @ x
    spread = np.sqrt(np.diag((centred * learnt.weight[:, None]).T @ centred))
    prior = np.sqrt(np.mean(learnt.prior.spread**2, axis=0) + learnt.prior.centre.var(0))
    return float(np.mean(np.log(spread / prior)))


def test_without_readings_the_answer_is_the_population(unread):
    prior = unread.prior
    assert unread.log_each.shape == (len(unread.x), 0)
    np.testing.assert_array_equal(unread.weight, unread.base)
    assert unread.rounds == 1
    mean = unread.weight @ unread.x[:, : prior.traits]
    spread = np.sqrt(np.mean(prior.spread**2, axis=0) + prior.centre.var(0))
    error = spread / np.sqrt(unread.effective)
    assert np.all(np.abs(mean - prior.centre.mean(0)) < 4.0 * error)
    assert unread.weight @ unread.x[:, -1] == pytest.approx(0.0, abs=0.1 * prior.deviation)
    assert unread.evidence == pytest.approx(0.0, abs=0.05)


def test_weights_and_shares_are_shares(stages):
    for learnt in stages.values():
        assert learnt.weight.sum() == pytest.approx(1.0)
        assert learnt.base.sum() == pytest.approx(1.0)
        assert learnt.weight.min() >= 0.0
        np.testing.assert_allclose(learnt.share.sum(1), 1.0)
        assert learnt.share.shape == (len(learnt.x), len(learnt.prior.draws))


def test_adaptation_ends(stages):
    for visits, learnt in stages.items():
        assert np.isfinite(learnt.evidence)
        assert 1 <= learnt.rounds <= ROUNDS
        assert learnt.effective == pytest.approx(1.0 / np.sum(learnt.weight**2))
        assert learnt.effective >= ENOUGH or learnt.rounds == ROUNDS
        assert len(learnt.case.observations) == learnt.log_each.shape[1]
        assert (learnt.rounds > 1) == (visits > 0)


def test_readings_make_the_forecast_surer(stages):
    """Visits narrow what is known of the traits, and of the cover that was just read."""
    first, some, most = (width(stages[visits]) for visits in (0, 2, 4))
    assert some < first - 0.02
    assert most < some
    patch = stages[4].case.patches[0].id
    for visits, limit in ((2, 0.5), (4, 0.3)):
        people = choose_people(stages[visits])
        past = stages[visits].past.seen[patch].outcome.cover[people.number]
        wide = np.ptp(np.quantile(past[:, -1], (0.1, 0.9)))
        assert wide < limit


def test_what_fits_is_near_the_truth(virtual, stages):
    """The model's past covers what really happened, readers' errors allowed for."""
    learnt = stages[4]
    people = choose_people(learnt)
    for name, seen in virtual.truth.seen.items():
        cover = learnt.past.seen[name].outcome.cover[people.number]
        weeks = np.array(FOLLOW_UPS)
        low, high = np.quantile(cover[:, weeks], (0.005, 0.995), axis=0)
        true = seen.outcome.cover[0, weeks]
        assert np.all((low - 0.05 <= true) & (true <= high + 0.05))
    assert set(virtual.truth.seen) == {patch.id for patch in learnt.case.patches}
    assert virtual.truth.seen["patch 1"].outcome.cover.shape[1] == LAST + 1


def test_the_same_seed_gives_the_same_people(case, learnt):
    again = update(case)
    np.testing.assert_array_equal(again.x, learnt.x)
    np.testing.assert_array_equal(again.weight, learnt.weight)
    assert again.evidence == learnt.evidence
    other = update(case, seed=1)
    assert not np.array_equal(other.x, learnt.x)
    # Another seed is another sample of the same answer.
    assert other.evidence == pytest.approx(learnt.evidence, abs=0.5)


def test_adaptation_agrees_with_plain_importance_sampling(case):
    """Both estimate the same: the mean cover at the last visit, within Monte Carlo error."""
    plain, adapted = (update(case, seed=4, rounds=rounds) for rounds in (1, ROUNDS))
    assert adapted.effective >= plain.effective
    for patch in case.patches:
        ends = []
        for one in (plain, adapted):
            # People whom steps of a day cannot follow weigh nothing.
            cover = np.nan_to_num(one.past.seen[patch.id].outcome.cover[:, -1])
            mean = one.weight @ cover
            ends.append((mean, one.weight @ (cover - mean) ** 2 / one.effective))
        (first, wide), (second, narrow) = ends
        assert abs(first - second) < 4.0 * np.sqrt(wide + narrow)


def test_the_density_of_the_mixture_integrates_the_prior(stages):
    """People of all rounds, weighed without readings, stand for the prior again."""
    for learnt in (stages[2], stages[4]):
        target, _ = log_prior(learnt.prior, learnt.x)
        assert np.all(np.isfinite(target[learnt.weight > 0]))
        spread = np.sqrt(np.mean(learnt.prior.spread**2, axis=0))
        mean = learnt.base @ learnt.x[:, : learnt.prior.traits]
        first = stages[0].base @ stages[0].x[:, : learnt.prior.traits]
        few = np.sqrt(np.sum(learnt.base**2))
        assert np.all(np.abs(mean - first) < 5.0 * spread * (few + 1.0 / np.sqrt(400)))


def test_a_better_reading_raises_the_cover(patient):
    """Of readings of one patch the better one gives the better patch."""
    means = []
    first, last = patient.visits
    for percent in (20.0, 40.0, 60.0):
        seen = tuple(
            one.model_copy(update={"regrowth_percent": percent, "shape": None})
            if one.id == "vertex" else one
            for one in last.patches
        )  # fmt: skip
        visits = (first, last.model_copy(update={"patches": seen}))
        learnt = update(make_case(patient.model_copy(update={"visits": visits})))
        # People who cannot be followed have no cover, and no weight.
        cover = np.nan_to_num(learnt.past.seen["vertex"].outcome.cover[:, -1])
        means.append(float(learnt.weight @ cover))
    assert means == sorted(means)
    assert means[-1] - means[0] > 0.1


def test_people_are_taken_as_often_as_they_weigh(learnt):
    number = resample(learnt, 4096, 0)
    counts = np.bincount(number, minlength=len(learnt.weight))
    assert np.all(np.abs(counts - 4096 * learnt.weight) <= 1.0 + 1e-6)
    assert not np.any(counts[learnt.weight == 0.0])


def test_people_are_followed_whole(learnt):
    for leaf in jax.tree.leaves((learnt.past.seen, learnt.past.state)):
        assert leaf.shape[0] == len(learnt.x)
        assert np.all(np.isfinite(leaf[learnt.weight > 1e-6]))
