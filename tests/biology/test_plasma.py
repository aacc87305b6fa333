"""The chain from depot to blood: exact, conservative, and in the range of published profiles."""

from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from anagen.biology.plasma import (
    Plasma,
    Systemic,
    concentration,
    first_order_release,
    inhibited,
    quasi_steady_concentration,
    systemic_amounts,
)
from anagen.evidence.parameters import ParameterSet, load_parameters

TISSUE_RATE = 21.6


@pytest.fixture
def fate(parameters: ParameterSet, double: None) -> Plasma:
    return Plasma.from_parameters(parameters)


def changed(fate: Plasma, **values: float) -> Plasma:
    for name, value in values.items():
        fate = eqx.tree_at(lambda it, name=name: getattr(it, name), fate, jnp.asarray(value))
    return fate


def solved(fate: Plasma, release: np.ndarray, tissue_rate: float) -> np.ndarray:
    """Tissue, plasma, eliminated at every edge, step by step with a general solver."""
    q, share = float(fate.elimination_rate), float(fate.bioavailability)

    def slope(_: float, y: np.ndarray, rate: float) -> list[float]:
        out = tissue_rate * y[0]
        return [rate - out, share * out - q * y[1], (1 - share) * out + q * y[1]]

    rows = [np.zeros(3)]
    for rate in release:
        answer = solve_ivp(slope, (0, 1), rows[-1], args=(rate,), method="LSODA",
                           rtol=1e-10, atol=1e-10)  # fmt: skip
        rows.append(answer.y[:, -1])
    return np.array(rows)


@pytest.mark.parametrize("tissue_rate", [21.6, 3.2, 6.979591836734694, 6.98, 0.05])
def test_steps_equal_a_general_solver(fate: Plasma, tissue_rate: float) -> None:
    fate = changed(fate, bioavailability=0.7)
    release = np.array([500.0, 120.0, 0.0, 900.0, 30.0, 0.0])
    result = systemic_amounts(fate, jnp.asarray(release[:, None]), tissue_rate)
    expected = solved(fate, release, tissue_rate)
    for column, values in enumerate((result.tissue, result.plasma, result.eliminated)):
        np.testing.assert_allclose(values[:, 0], expected[:, column], rtol=1e-6, atol=1e-6)


def test_mean_over_a_step_is_the_mean_of_fine_steps(fate: Plasma) -> None:
    release = jnp.asarray([[800.0], [0.0], [250.0]])
    coarse = systemic_amounts(fate, release, TISSUE_RATE)
    fine = systemic_amounts(fate, jnp.repeat(release, 1000, axis=0), TISSUE_RATE, 1e-3)
    middle = 0.5 * (fine.plasma[1:] + fine.plasma[:-1]).reshape(3, 1000).mean(1)
    np.testing.assert_allclose(coarse.mean_plasma[:, 0], middle, rtol=1e-5)
    np.testing.assert_allclose(coarse.plasma, fine.plasma[::1000], rtol=1e-9, atol=1e-9)


amounts = st.lists(st.floats(0.0, 5000.0), min_size=1, max_size=12)


@given(amounts, st.floats(0.05, 60.0), st.floats(0.42, 1.0), st.floats(0.05, 1.0))
def test_nothing_is_lost_and_nothing_is_negative(
    release: list[float], tissue_rate: float, share: float, factor: float
) -> None:
    with jax.enable_x64(True):
        fate = inhibited(Plasma.from_parameters(load_parameters()), factor)
        fate = changed(fate, bioavailability=share)
        padded = np.zeros((12, 2))
        padded[: len(release)] = np.array(release)[:, None] * [1.0, 0.5]
        result = systemic_amounts(fate, jnp.asarray(padded), tissue_rate)
        released = np.vstack([np.zeros(2), np.cumsum(padded, axis=0)])
        total = np.asarray(result.tissue + result.plasma + result.eliminated)
        np.testing.assert_allclose(total, released, rtol=1e-9, atol=1e-9)
        for values in result:
            assert np.isfinite(values).all()
            assert np.min(values) >= 0.0
        assert (np.diff(result.eliminated, axis=0) >= 0.0).all()


def test_single_precision_agrees_with_double(parameters: ParameterSet) -> None:
    def run() -> Systemic:
        release = jnp.asarray(np.linspace(1000.0, 0.0, 200)[:, None])
        return systemic_amounts(Plasma.from_parameters(parameters), release, TISSUE_RATE)

    single = run()
    total = np.asarray(single.tissue + single.plasma + single.eliminated)[-1, 0]
    assert total == pytest.approx(1e5, rel=1e-5)
    assert min(float(values.min()) for values in single) >= 0.0
    with jax.enable_x64(True):
        exact = run()
    assert single.plasma.dtype == jnp.float32
    assert exact.plasma.dtype == jnp.float64
    for low, high in zip(single, exact, strict=True):
        np.testing.assert_allclose(low, high, rtol=2e-5, atol=1e-2)


def test_a_steady_release_settles_at_release_over_clearance(fate: Plasma) -> None:
    fate = changed(fate, bioavailability=0.6)
    result = systemic_amounts(fate, jnp.full((10, 1), 960.0), TISSUE_RATE)
    reached = concentration(fate, result.mean_plasma[-1, 0], 70.0)
    expected = quasi_steady_concentration(fate, jnp.asarray(960.0), 70.0)
    np.testing.assert_allclose(reached, expected, rtol=1e-9)
    np.testing.assert_allclose(expected, 0.6 * 960.0 / (0.57 * 24 * 70), rtol=1e-12)


def test_clearance_by_inhibitor_and_weight_set_the_level(
    fate: Plasma, parameters: ParameterSet
) -> None:
    release = jnp.asarray(1000.0)
    usual = quasi_steady_concentration(fate, release)
    factor = parameters.value("plasma.strong_inhibitor_factor", "1")
    raised = quasi_steady_concentration(inhibited(fate, factor), release)
    np.testing.assert_allclose(raised / usual, 1 / factor, rtol=1e-12)
    child = quasi_steady_concentration(fate, release, 20.0)
    np.testing.assert_allclose(child / usual, float(fate.reference_weight) / 20.0, rtol=1e-12)
    half_life = 24 * np.log(2) / float(fate.elimination_rate)
    assert half_life == pytest.approx(2.4, abs=0.05)


def test_no_session_and_no_drug_give_nothing(fate: Plasma) -> None:
    empty = systemic_amounts(fate, jnp.zeros((5, 0)), TISSUE_RATE)
    assert empty.tissue.shape == (6, 0)
    assert not np.any(systemic_amounts(fate, jnp.zeros((5, 2)), TISSUE_RATE).eliminated)


def test_batches_and_gradients(fate: Plasma) -> None:
    release = jnp.asarray([[300.0], [200.0], [0.0]])

    def last(rate: jax.Array) -> jax.Array:
        result = systemic_amounts(fate, release, rate)
        return jnp.sum(concentration(fate, result.mean_plasma))

    rates = jnp.asarray([0.5, float(fate.elimination_rate), 21.6])
    values, slopes = jax.vmap(jax.value_and_grad(last))(rates)
    step = 1e-5
    numeric = (jax.vmap(last)(rates + step) - jax.vmap(last)(rates - step)) / (2 * step)
    np.testing.assert_allclose(slopes, numeric, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(values, [last(rate) for rate in rates], rtol=1e-12)


def test_first_order_release_empties_the_depot(double: None) -> None:
    edges = jnp.arange(0.0, 400.0)
    rates = first_order_release(
        jnp.asarray([20e3, 5e3]), jnp.asarray([9.0, 5.0]), edges, jnp.asarray([0.0, 10.0])
    )
    np.testing.assert_allclose(rates.sum(0), [20e3, 5e3], rtol=1e-9)
    assert not np.any(rates[:10, 1])
    np.testing.assert_allclose(rates[9, 0] / rates[0, 0], 0.5, rtol=1e-12)


# Published profiles. Kraus2018: knee, 40 mg, geometric means 9.63 (4 h), 4.99 (24 h), 0.149 ng/mL
# (6 weeks). Dickson2018: facet joints, median peak 3.6 ng/mL within 24 h, half-life 213 h; the
# dose is not in the abstract, 40 mg is taken.

HOUR = 1 / 24
EDGES = np.arange(0, 42 * 24 + 1) * HOUR


def profile(
    fate: Plasma, half_life: float, clearance: float, prompt: float = 0.0, prompt_life: float = 0.25
) -> np.ndarray:
    """Plasma [ng/mL] at every hour after 40 mg, a share of it released promptly."""
    release = first_order_release(
        40e3 * jnp.asarray([1 - prompt, prompt]), jnp.asarray([half_life, prompt_life]),
        jnp.asarray(EDGES), jnp.zeros(2),
    )  # fmt: skip
    person = changed(fate, clearance=clearance * 24)
    result = systemic_amounts(person, release, TISSUE_RATE, HOUR)
    return np.asarray(concentration(person, result.plasma.sum(1), 70.0))


def envelope(fate: Plasma, parameters: ParameterSet, prompts: tuple[float, ...]) -> np.ndarray:
    clearance = parameters["plasma.clearance"]
    levels = np.linspace(clearance.low, clearance.high, 5)
    lives = (5.0, 8.1, 9.0)  # day: Schweitzer2000, derived from Kraus2018, Dickson2018
    return np.stack([profile(fate, *row) for row in product(lives, levels, prompts)])


def test_knee_profile_from_a_day_on_lies_in_the_range(
    fate: Plasma, parameters: ParameterSet
) -> None:
    curves = envelope(fate, parameters, (0.0,))
    for hour, published in ((24, 4.99), (42 * 24, 0.149)):
        assert curves[:, hour].min() < published < curves[:, hour].max()
    # One person, not the envelope alone: low normal clearance and the published half-life.
    one = profile(fate, 8.1, 0.33)
    assert one[24] == pytest.approx(4.99, rel=0.2)
    assert one[-1] == pytest.approx(0.149, rel=0.2)


def test_early_knee_peak_needs_a_prompt_share(fate: Plasma, parameters: ParameterSet) -> None:
    # A depot alone misses the first hours: the published 4 h level is out of its range, and in
    # with a tenth of the dose (dissolved drug, the finest crystals) released within hours.
    assert envelope(fate, parameters, (0.0,))[:, 4].max() < 0.5 * 9.63
    one = profile(fate, 9.0, 0.45, prompt=0.1)
    for hour, published in ((4, 9.63), (24, 4.99), (42 * 24, 0.149)):
        assert one[hour] == pytest.approx(published, rel=0.3)


def test_facet_profile_lies_in_the_range(fate: Plasma, parameters: ParameterSet) -> None:
    clearance = parameters["plasma.clearance"]
    lives = 213 / 24
    curves = [
        profile(fate, lives, value) for value in np.linspace(clearance.low, clearance.high, 5)
    ]
    peaks = [curve.max() for curve in curves]
    assert min(peaks) < 3.6 < max(peaks)
    assert all(EDGES[curve.argmax()] <= 26 * HOUR for curve in curves)
    late = np.log(curves[2][10 * 24] / curves[2][40 * 24]) / 30
    assert 24 * np.log(2) / late == pytest.approx(213, rel=0.01)
