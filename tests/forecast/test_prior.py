"""The population of people like this one: its density, its draws and its covariates."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import qmc

from anagen.forecast.prior import (
    draw,
    forecast_numbers,
    loadings,
    log_prior,
    log_proposal,
    make_prior,
)
from anagen.population.variability import effects, load_traits, usual

TOLERANCE = [trait.key for trait in load_traits()].index("immunity.tolerance_time")
YOUNG, OLD = np.array([0.0]), np.array([2000.0])


def prior_of(posterior, ages, known=False, **told):
    """Prior at some covariates, the others as unknown or absent."""
    names = [one.covariate for one in effects()]
    shown = np.array([told.get(name, 0.0) for name in names])
    given = np.array([known or name in told for name in names])
    return make_prior(posterior, shown, given, np.asarray(ages, float))


def points(count, size, seed=0):
    random = np.random.default_rng(seed)
    return random.permutation(qmc.Sobol(size, scramble=True, rng=random).random(count))


def wide(prior, count, random):
    """Points of a normal density wider than a prior, and its log density there."""
    x, _ = draw(prior, points(2048, prior.size))
    middle, root = x.mean(0), np.linalg.cholesky(1.3 * np.cov(x.T))
    z = random.normal(size=(count, prior.size))
    log_q = -0.5 * np.sum(z * z, axis=1) - np.log(np.diag(root)).sum()
    return middle + z @ root.T, log_q


def ratio(log_p, log_q):
    """Mean of the quotient of two densities with its standard error."""
    values = np.exp(log_p - log_q)
    return values.mean(), values.std() / np.sqrt(len(values))


def test_the_prior_of_a_young_patch_integrates_to_one(posterior, random):
    prior = prior_of(posterior, YOUNG)
    x, log_q = wide(prior, 40_000, random)
    mean, error = ratio(log_prior(prior, x)[0], log_q)
    assert error < 0.05
    assert abs(mean - 1.0) < 4.0 * error


@pytest.mark.parametrize("ages", [OLD, np.array([900.0, 200.0])])
def test_what_is_drawn_from_integrates_to_one(posterior, random, ages):
    prior = prior_of(posterior, ages)
    x, log_q = wide(prior, 40_000, random)
    mean, error = ratio(log_proposal(prior, x), log_q)
    assert error < 0.06
    assert abs(mean - 1.0) < 4.0 * error


def test_draws_of_a_young_patch_need_no_weights(posterior):
    prior = prior_of(posterior, YOUNG)
    x, log_q = draw(prior, points(512, prior.size))
    np.testing.assert_allclose(log_prior(prior, x)[0], log_q, atol=1e-6)
    error = prior.spread.mean(0) / np.sqrt(512)
    spread = np.sqrt(np.mean(prior.spread**2, axis=0) + prior.centre.var(0))
    assert np.all(np.abs(x[:, : prior.traits].mean(0) - prior.centre.mean(0)) < 4.0 * error)
    np.testing.assert_allclose(x[:, : prior.traits].std(0), spread, rtol=0.12)
    assert x[:, -1].std() == pytest.approx(forecast_numbers()["patch_deviation"].value, rel=0.1)


def test_drawn_traits_have_the_correlations_of_the_population(posterior):
    prior = prior_of(posterior, YOUNG)
    x, _ = draw(prior, points(4096, prior.size))
    number = np.arange(len(x)) % len(prior.draws)
    scores = (x[:, : prior.traits] - prior.centre[number]) / prior.spread[number]
    np.testing.assert_allclose(np.corrcoef(scores.T), prior.root @ prior.root.T, atol=0.07)


def test_an_old_bald_patch_cuts_tolerance_off(posterior):
    old = prior_of(posterior, OLD)
    x, log_q = draw(old, points(2048, old.size))
    least = np.log(old.least[0]) - loadings()[TOLERANCE] * x[:, -1]
    assert np.all(x[:, TOLERANCE] >= least - 1e-6)
    weight = np.exp(log_prior(old, x)[0] - log_q)
    # The weights undo that each draw of the population was filled up to the same number of people:
    # their mean is the share of people whose patches would have lasted.
    young = prior_of(posterior, YOUNG)
    free, _ = draw(young, points(8192, young.size, seed=1))
    lasted = free[:, TOLERANCE] >= np.log(old.least[0]) - loadings()[TOLERANCE] * free[:, -1]
    assert 0.01 < lasted.mean() < 0.9
    assert weight.mean() == pytest.approx(lasted.mean(), rel=0.1)
    spread = old.spread.mean(0)
    expected = free[lasted, : old.traits].mean(0)
    found = (weight @ x[:, : old.traits]) / weight.sum()
    few = np.sqrt(lasted.sum())
    assert np.all(np.abs(found - expected) < 5.0 * spread * (1.0 / few + 1.0 / np.sqrt(2048)))


def test_what_cannot_have_lasted_is_impossible(posterior):
    old = prior_of(posterior, OLD)
    x, _ = draw(old, points(64, old.size))
    x[:, TOLERANCE] = np.log(old.least[0]) - loadings()[TOLERANCE] * x[:, -1] - 0.01
    assert np.all(np.isneginf(log_prior(old, x)[0]))
    assert np.all(np.isneginf(log_proposal(old, x)))


def test_tolerance_of_one_draw_is_a_truncated_normal(posterior):
    old = prior_of(posterior, OLD)
    one = replace(old, centre=old.centre[:1], spread=old.spread[:1], draws=old.draws[:1],
                  deviation=1e-6)  # fmt: skip
    x, _ = draw(one, points(1024, one.size))
    score = (x[:, TOLERANCE] - one.centre[0, TOLERANCE]) / one.spread[0, TOLERANCE]
    low = (np.log(one.least[0]) - one.centre[0, TOLERANCE]) / one.spread[0, TOLERANCE]
    level = (ndtr(np.sort(score)) - ndtr(low)) / ndtr(-low)
    np.testing.assert_allclose(level, (np.arange(1024) + 0.5) / 1024, atol=0.05)


@pytest.mark.parametrize("name", ["duration_over_6_months", "nail_change"])
def test_a_sign_of_a_worse_course_makes_people_harder(posterior, name):
    """Loadings turn severity into traits: with the sign, the mean moves along them."""
    without, present = (prior_of(posterior, YOUNG, **{name: value}) for value in (0.0, 1.0))
    moved = (present.centre - without.centre) @ loadings() / (loadings() @ loadings())
    assert np.median(moved) > 0.0
    along = np.outer(moved, loadings())
    np.testing.assert_allclose(present.centre - without.centre, along, atol=1e-9)


def test_what_is_unknown_is_between_present_and_absent(posterior):
    place = [one.covariate for one in effects()].index("nail_change")
    share = usual()[place]
    without, present = (prior_of(posterior, YOUNG, nail_change=value) for value in (0.0, 1.0))
    unknown = prior_of(posterior, YOUNG)
    mixed = share * present.centre + (1.0 - share) * without.centre
    np.testing.assert_allclose(unknown.centre, mixed, atol=1e-9)
