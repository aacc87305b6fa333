"""How people differ: densities, draws and severity agree with each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anagen.errors import EvidenceError, InputError
from anagen.evidence.parameters import load_parameters
from anagen.population import variability
from anagen.population.covariates import draw_covariates
from anagen.population.settings import Setting
from anagen.population.variability import (
    bounded,
    calibrated_traits,
    correlation_root,
    draw_traits,
    effects,
    least_tolerance_time,
    load_traits,
    log_density,
    present,
    prior_population,
    severity,
    usual,
)

PEOPLE = 20_000


def _scores(seed: int, n: int = PEOPLE) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, len(load_traits())))


def _log(traits: dict[str, np.ndarray]) -> np.ndarray:
    return np.log(np.stack([traits[trait.key] for trait in calibrated_traits()], 1))


def test_traits_are_parameters_of_the_model_with_its_units() -> None:
    parameters = load_parameters()
    for trait in load_traits():
        assert parameters.value(trait.key, trait.unit) > 0.0
        assert trait.low < trait.median < trait.high
    assert [trait.calibrated for trait in load_traits()] == sorted(
        (trait.calibrated for trait in load_traits()), reverse=True
    )


def test_draws_have_the_stated_medians_spreads_and_correlations() -> None:
    point = prior_population()
    none = np.zeros(PEOPLE)
    drawn = np.log(np.stack(list(draw_traits(point, none, none, _scores(1)).values()), 1))
    expected = [np.log(trait.median) for trait in load_traits()]
    assert np.allclose(np.median(drawn, 0), expected, atol=0.05)
    assert np.allclose(drawn.std(0), [trait.spread for trait in load_traits()], rtol=0.03)
    root = correlation_root(calibrated=False)
    assert np.allclose(np.corrcoef(drawn.T), root @ root.T, atol=0.03)


def test_density_is_that_of_the_draws() -> None:
    """The mean of p / q over draws of q is one, with truncation and severity."""
    one = prior_population()
    other = one._replace(median=one.median + 0.1, spread=one.spread * 0.8)
    random = np.random.default_rng(2)
    severities = random.normal(0.0, 0.5, PEOPLE)
    least = least_tolerance_time(random.uniform(0.0, 300.0, PEOPLE))
    logs = _log(draw_traits(one, severities, least, _scores(3)))
    given = [jnp.asarray(values) for values in (logs, severities, least)]
    ratio = np.exp(np.asarray(log_density(other, *given) - log_density(one, *given)))
    assert np.isfinite(ratio).all()
    assert abs(ratio.mean() - 1.0) < 4.0 * ratio.std() / np.sqrt(PEOPLE)


def test_people_with_old_patches_have_little_natural_resolution() -> None:
    point, none = prior_population(), np.zeros(PEOPLE)
    least = least_tolerance_time(np.full(PEOPLE, 365.0))
    times = draw_traits(point, none, least, _scores(4))["immunity.tolerance_time"]
    assert times.min() >= least[0] * (1.0 - 1e-9)
    young = draw_traits(point, none, none, _scores(4))["immunity.tolerance_time"]
    assert np.median(times) > 2.0 * np.median(young)


def test_density_of_what_cannot_be_is_zero() -> None:
    point = prior_population()
    logs = jnp.asarray(point.median)[None]
    least = jnp.asarray([1e4])
    assert log_density(point, logs, jnp.zeros(1), least)[0] == -jnp.inf


def test_density_has_a_gradient() -> None:
    point = prior_population()
    logs = jnp.asarray(point.median)[None] + 0.2

    def value(spread: jax.Array) -> jax.Array:
        return log_density(point._replace(spread=spread), logs, jnp.zeros(1), jnp.ones(1)).sum()

    with jax.enable_x64(True):
        spread = jnp.asarray(point.spread, float)
        slope = jax.grad(value)(spread)
        step = 1e-5 * jnp.eye(len(spread))
        numeric = [(value(spread + row) - value(spread - row)) / 2e-5 for row in step]
    assert np.allclose(slope, numeric, rtol=1e-3, atol=1e-3)


def test_severity_is_nothing_for_the_usual_patient_and_rises_with_bad_signs() -> None:
    point = prior_population()
    assert abs(float(severity(point, jnp.asarray(usual())[None])[0])) < 1e-5
    for column, effect in enumerate(effects()):
        shown = jnp.asarray(usual())[None].at[0, column].set(1.0)
        if effect.mean < 0.0 and usual()[column] < 1.0:
            assert severity(point, shown)[0] > 0.0


def test_every_effect_of_a_person_is_found() -> None:
    covariates = draw_covariates(4000, 5, Setting("clinic"))
    shown = present(covariates)
    names = [effect.covariate for effect in effects()]
    assert shown.shape == (4000, len(names))
    assert (shown[:, names.index("nail_change")] == covariates.nail_change).all()
    old, older = (names.index(f"duration_over_{n}_months") for n in (6, 24))
    assert (shown[:, older] <= shown[:, old]).all()


def test_traits_are_kept_within_their_limits() -> None:
    wild = {trait.key: np.array([1e-12, trait.median, 1e12]) for trait in load_traits()}
    for trait in load_traits():
        assert bounded(wild)[trait.key].tolist() == [trait.low, trait.median, trait.high]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spread": 0.0}, "positive spread"),
        ({"low": 5.0}, "low < median"),
        ({"median_sd": 0.0}, "priors"),
        ({"unit": "kg"}, "kg"),
        ({"source": "nobody"}, "nobody"),
    ],
)
def test_broken_traits_are_refused(change: dict[str, object], words: str) -> None:
    row = {
        "unit": "mm", "median": 2.0, "median_sd": 0.1, "spread": 0.2, "spread_sd": 0.3,
        "low": 1.0, "high": 4.0, "loading": 0.0, "calibrated": True, "origin": "assumed",
        "source": "assumed", "locator": "example",
    }  # fmt: skip
    with pytest.raises((EvidenceError, InputError), match=words):
        variability._parse_trait("depot.radius", {**row, **change})
