"""Relapse: closed forms, draws, gradients, mixtures of people, likelihood and recovery."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from anagen.population.relapse import (
    COVARIATES,
    Relapse,
    draw_times,
    hazard,
    linear_predictor,
    load_relapse_targets,
    log_likelihood,
    prior_median,
    relapse_free,
    relapse_prior,
    target_days,
    target_shares,
    target_weights,
)
from anagen.population.relapse_fit import fit_relapse, predict_targets

TARGETS = load_relapse_targets()
FITTED = tuple(target for target in TARGETS if target.use == "fit")
PLAIN = (0.0,) * len(COVARIATES)


def relapse(h0=0.002, kappa=1.0, effects=PLAIN, precision=30.0):
    return Relapse(
        jnp.asarray(h0), jnp.asarray(kappa), jnp.asarray(effects), jnp.asarray(precision)
    )


def target(**changes):
    base = next(item for item in TARGETS if item.key == "Albalat2019")
    return dataclasses.replace(base, **{"shares": PLAIN, **changes})


# ------------------------------------------------------------------------------------ the hazard


@pytest.mark.parametrize("days", [0.0, 1e-6, 10.0, 1000.0])
def test_people_who_are_alike_relapse_exponentially(days):
    free = relapse_free(relapse(kappa=1e6), days)
    assert free == pytest.approx(math.exp(-0.002 * days), rel=1e-4)


@pytest.mark.parametrize("kappa", [0.1, 0.7, 3.0])
def test_survival_is_the_mean_over_gamma_frailties(kappa):
    def people(z):
        return stats.gamma.pdf(z, kappa, scale=1 / kappa) * math.exp(-z * 0.002 * 400)

    mean = quad(people, 0, 1)[0] + quad(people, 1, 200, limit=200)[0]
    assert relapse_free(relapse(kappa=kappa), 400.0) == pytest.approx(mean, rel=1e-4)


@given(
    h0=st.floats(1e-8, 0.1),
    kappa=st.floats(0.05, 50.0),
    days=st.floats(0.0, 1e4),
    step=st.floats(1.0, 1e3),
)
def test_survival_and_hazard_fall(h0, kappa, days, step):
    model = relapse(h0, kappa)
    free, later = relapse_free(model, days), relapse_free(model, days + step)
    assert 0.0 <= later <= free <= 1.0
    assert 0.0 < hazard(model, days + step) <= hazard(model, days) <= h0 * (1 + 1e-6)


def test_nobody_has_relapsed_at_remission_and_gradients_are_finite_there():
    assert relapse_free(relapse(), 0.0) == 1.0
    assert hazard(relapse(), 0.0) == pytest.approx(0.002)
    for h0 in (1e-30, 1e-8, 0.1):
        slopes = jax.grad(lambda model: relapse_free(model, 0.0))(relapse(h0))
        assert all(bool(jnp.isfinite(slope).all()) for slope in slopes)


def test_hazard_is_the_slope_of_the_logarithm():
    with jax.enable_x64(True):
        model = relapse(0.003, 0.4)
        slope = jax.grad(lambda days: -jnp.log(relapse_free(model, days)))(250.0)
        assert hazard(model, 250.0) == pytest.approx(float(slope), rel=1e-9)


def test_a_covariate_multiplies_the_hazard_at_remission():
    effects = np.linspace(-0.3, 0.9, len(COVARIATES))
    people = np.eye(len(COVARIATES))
    model = relapse(effects=effects)
    assert linear_predictor(model, people) == pytest.approx(effects, rel=1e-5)
    ratio = hazard(model, 0.0, people) / hazard(model, 0.0)
    assert np.asarray(ratio) == pytest.approx(np.exp(effects), rel=1e-5)
    assert relapse_free(model, np.array([[10.0], [99.0]]), people).shape == (2, len(COVARIATES))


def test_the_ratio_of_hazards_shrinks_with_time():
    model = relapse(kappa=0.5, effects=(1.0, *PLAIN[1:]))
    person = np.eye(len(COVARIATES))[0]
    ratios = hazard(model, np.array([0.0, 365.0, 3650.0]), person)
    ratios = np.asarray(ratios / hazard(model, np.array([0.0, 365.0, 3650.0])))
    assert np.all(np.diff(ratios) < 0)
    assert ratios[-1] > 1.0


# ------------------------------------------------------------------------------------ draws


def test_draws_follow_the_survival_function():
    uniforms = (np.arange(20_000) + 0.5) / 20_000
    model = relapse(0.002, 0.5, (0.7, *PLAIN[1:]))
    ratio = linear_predictor(model, np.eye(len(COVARIATES))[0])
    times = np.asarray(draw_times(model, ratio, uniforms))
    for days in (30.0, 365.0, 3650.0):
        free = relapse_free(model, days, np.eye(len(COVARIATES))[0])
        assert np.mean(times > days) == pytest.approx(float(free), abs=2e-4)


@given(u=st.floats(1e-4, 1.0), h0=st.floats(1e-6, 0.1), kappa=st.floats(0.3, 20.0))
def test_inversion_goes_there_and_back(u, h0, kappa):
    model = relapse(h0, kappa)
    assert relapse_free(model, draw_times(model, 0.0, u)) == pytest.approx(u, rel=2e-3)


def test_extreme_draws_are_times_not_errors():
    times = draw_times(relapse(1e-6, 0.05), 0.0, np.array([1.0, 1e-7]))
    assert times[0] == 0.0
    assert times[1] == np.inf


# ------------------------------------------------------------------------------------ targets


def test_a_target_of_plain_people_is_the_closed_form():
    model = relapse(0.003, 0.5)
    shares = target_shares(model, [target()])
    assert np.asarray(shares) == pytest.approx(1 - float(relapse_free(model, 182.0)), rel=1e-5)


def test_a_mixture_is_the_weighted_mean_of_its_people():
    effects = (0.8, 0.6, 0.5, 0.3, 0.4, -0.2, 0.1)
    mixed = target(shares=(0.6, 0.25, 0.3, 0.0, 1.0, 0.0, 0.0))
    model = relapse(0.002, 0.4, effects)
    expected = 0.0
    for over_6, over_24, chance in ((0, 0, 0.4), (1, 0, 0.35), (1, 1, 0.25)):
        for extent, part in ((0, 0.7), (1, 0.3)):
            person = np.array([over_6, over_24, extent, 0, 1, 0, 0], dtype=float)
            expected += chance * part * (1 - float(relapse_free(model, 182.0, person)))
    assert np.asarray(target_shares(model, [mixed]))[0, 0] == pytest.approx(expected, rel=1e-5)


def test_early_loss_comes_first():
    model = relapse()
    late = 1 - float(relapse_free(model, 182.0))
    for early in (0.2, np.array([0.2]), np.full((2, 1, 8), 0.2)):
        share = np.asarray(target_shares(model, [target()], early))[0, 0]
        assert share == pytest.approx(1 - 0.8 * (1 - late), rel=1e-5)
    kept = target_shares(model, [target(what="relapse_free")], 0.2)[0, 0]
    assert kept == pytest.approx(0.8 * (1 - late), rel=1e-5)


def test_a_share_of_relapses_compares_two_times():
    model = relapse(0.002, 0.3)
    early = np.zeros((2, 1, 8))
    early[1] = 0.1
    half = target(what="share", first_days=(100.0, 100.0))
    gone = 1 - np.asarray(relapse_free(model, np.array([100.0, 182.0])))
    assert target_shares(model, [half])[0, 0] == pytest.approx(gone[0] / gone[1], rel=1e-4)
    later = 1 - 0.9 * (1 - gone[1])
    assert target_shares(model, [half], early)[0, 0] == pytest.approx(gone[0] / later, rel=1e-4)


def test_followed_for_different_times_is_averaged_within_and_unknown_between():
    model = relapse(0.004, 0.2)
    window = {"days": (100.0, 2000.0)}
    within = np.asarray(target_shares(model, [target(window="individual", **window)]))[0]
    between = np.asarray(target_shares(model, [target(window="unknown", **window)]))[0]
    mean = quad(lambda t: 1 - float(relapse_free(model, t)), 100, 2000)[0] / 1900
    assert within == pytest.approx(np.full(8, mean), rel=1e-4)
    assert np.all(np.diff(between) > 0)
    expected = quad(
        lambda x: 1 - float(relapse_free(model, math.exp(x))), math.log(100), math.log(2000)
    )[0] / math.log(20)
    assert float(between @ target_weights()) == pytest.approx(expected, rel=1e-4)


def test_times_lie_within_the_window_of_every_target():
    days = target_days(TARGETS)
    for row, item in enumerate(TARGETS):
        assert np.all(days[1, row] >= item.days[0] * (1 - 1e-12))
        assert np.all(days[1, row] <= item.days[1] * (1 + 1e-12))
        assert np.all(days[0, row] == item.first_days[0])


# ------------------------------------------------------------------------------------ likelihood


def test_likelihood_is_the_beta_binomial():
    with jax.enable_x64(True):
        model = relapse(0.003, 0.5, precision=25.0)
        share = 1 - float(relapse_free(model, 182.0))
        expected = stats.betabinom.logpmf(10, 40, 25 * share, 25 * (1 - share))
        found = log_likelihood(model, [target(percent=25.0, people=40.0)])
        assert float(found[0]) == pytest.approx(expected, rel=1e-6)


def test_likelihood_over_an_unknown_time_is_a_mean_of_likelihoods():
    with jax.enable_x64(True):
        model = relapse(0.003, 0.5)
        item = target(window="unknown", days=(50.0, 900.0))
        days = target_days([item])[1, 0]
        each = [float(log_likelihood(model, [target(days=(day, day))])[0]) for day in days.tolist()]
        expected = math.log(float(np.exp(each) @ target_weights()))
        assert float(log_likelihood(model, [item])[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("early", [0.0, 0.12])
def test_gradients_agree_with_finite_differences(early):
    with jax.enable_x64(True):
        model = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), prior_median())

        @jax.jit
        def total(one):
            return log_likelihood(one, FITTED, early).sum()

        slopes = jax.grad(total)(model)
        for name, value in model._asdict().items():
            for place in np.ndindex(value.shape):
                step = 1e-5 * max(1e-3, abs(float(value[place])))
                high = total(model._replace(**{name: value.at[place].add(step)}))
                low = total(model._replace(**{name: value.at[place].add(-step)}))
                slope = float(getattr(slopes, name)[place])
                assert slope == pytest.approx(float(high - low) / (2 * step), rel=1e-3, abs=1e-6)


@given(h0=st.floats(1e-9, 1.0), kappa=st.floats(0.02, 100.0), early=st.floats(0.0, 1.0))
def test_the_likelihood_is_always_a_number(h0, kappa, early):
    value, slopes = VALUE_AND_SLOPES(relapse(h0, kappa), early)
    assert bool(jnp.isfinite(value))
    assert all(bool(jnp.isfinite(slope).all()) for slope in slopes)


VALUE_AND_SLOPES = jax.jit(
    jax.value_and_grad(lambda model, early: log_likelihood(model, TARGETS, early).sum())
)


def test_single_precision_is_enough():
    single = np.asarray(log_likelihood(prior_median(), FITTED))
    with jax.enable_x64(True):
        double = np.asarray(log_likelihood(prior_median(), FITTED))
    assert single == pytest.approx(double, abs=2e-3)


# ------------------------------------------------------------------------------------ fitting


def test_the_prior_samples_every_field_within_its_range():
    from numpyro.handlers import seed, trace

    sites = trace(seed(relapse_prior, 3)).get_trace()
    assert {f"relapse_{name}" for name in Relapse._fields} == set(sites)
    drawn = seed(relapse_prior, 3)()
    assert drawn.h0 > 0
    assert drawn.kappa > 0
    assert drawn.log_hazard_ratios.shape == (len(COVARIATES),)


def test_a_known_hazard_is_recovered_from_studies_of_it():
    truth = relapse(0.002, 0.5, precision=1e4)
    times = (60.0, 182.0, 365.0, 1000.0, 3000.0)
    studies = [
        target(
            key=str(day),
            days=(day, day),
            people=2000.0,
            percent=100.0 * (1 - float(relapse_free(truth, day))),
        )
        for day in times
    ]
    fit = fit_relapse(5, draws=120, targets=studies, chains=1)
    for name in ("h0", "kappa"):
        low, high = np.quantile(getattr(fit.relapse, name), [0.01, 0.99])
        assert low < float(getattr(truth, name)) < high
        assert high / low < 6.0  # far narrower than the prior, whose factor is over 60
    assert all(prediction.inside_95 for prediction in fit.predictions)
    assert fit.divergences == 0


def test_predictions_widen_with_smaller_studies_and_repeat_with_the_seed():
    draws = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], 4000, axis=0), relapse(precision=50.0))
    small, large = target(people=10.0, percent=100.0), target(people=1000.0)
    first, second = predict_targets(draws, [small, large], seed=2)
    assert predict_targets(draws, [small, large], seed=2) == (first, second)
    assert first.quantiles[4] - first.quantiles[0] > second.quantiles[4] - second.quantiles[0]
    share = 1 - float(relapse_free(relapse(), 182.0))
    own = stats.betabinom(1000, 50 * share, 50 * (1 - share))
    assert second.quantiles[4] == pytest.approx(own.ppf(0.975) / 10, abs=1.0)
    assert second.inside_95
    assert second.inside_50
    assert not first.inside_95
