import jax.numpy as jnp
import numpy as np
import pytest

from anagen.biology.skin import Skin, SkinState, step_skin, thickness
from anagen.evidence.parameters import ParameterSet


@pytest.fixture
def skin(parameters: ParameterSet) -> Skin:
    return Skin.from_parameters(parameters)


def follow(skin: Skin, schedule: np.ndarray, dt: float = 1.0) -> np.ndarray:
    state = SkinState(jnp.ones(1), jnp.ones(1), jnp.ones(1))
    values = [1.0]
    for drug in schedule:
        state = step_skin(skin, state, jnp.asarray([float(drug)]), dt)
        values.append(float(thickness(skin, state)[0]))
    return np.array(values)


def test_without_drug_nothing_changes(skin: Skin) -> None:
    np.testing.assert_allclose(follow(skin, np.zeros(50)), 1.0)


def test_full_inhibition_follows_the_closed_form(skin: Skin, double: None) -> None:
    """With synthesis at once at 1 - Imax both pools decay exponentially towards it."""
    dt, days = 0.02, 42.0
    prompt = Skin(**{**vars(skin), "stop_time": jnp.asarray(1e-6)})
    found = follow(prompt, np.ones(round(days / dt)), dt)[-1]
    floor, f = 1.0 - float(skin.max_inhibition), float(skin.fast_share)
    fast = floor + (1.0 - floor) * np.exp(-float(skin.fast_rate) * days)
    slow = floor + (1.0 - floor) * np.exp(-float(skin.slow_rate) * days)
    assert found == pytest.approx(f * fast + (1.0 - f) * slow, abs=2e-3)


def test_a_week_of_potent_steroid_thins_by_about_fifteen_percent(skin: Skin) -> None:
    """Clobetasol: 15 % within a week (Lubach 1995)."""
    assert 1.0 - follow(skin, np.ones(7))[-1] == pytest.approx(0.15, abs=0.04)


def test_thinning_rises_with_effect_and_duration(skin: Skin) -> None:
    days = [1.0 - follow(skin, np.r_[np.ones(n), np.zeros(90)]).min() for n in (7, 14, 28, 56)]
    levels = [1.0 - follow(skin, np.full(28, e)).min() for e in (0.2, 0.5, 0.9)]
    assert days == sorted(days)
    assert levels == sorted(levels)


def test_synthesis_recovers_by_half_in_two_to_four_weeks(skin: Skin) -> None:
    """Half of control 14 days after three days of betamethasone valerate; nothing at 7 days."""
    state = SkinState(jnp.ones(1), jnp.ones(1), jnp.ones(1))
    for day in range(17):
        state = step_skin(skin, state, jnp.asarray([1.0 if day < 3 else 0.0]), 1.0)
    assert 0.3 <= float(state.synthesis[0]) <= 0.6
