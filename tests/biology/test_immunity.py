import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.biology.immunity import (
    ImmuneState,
    Immunity,
    established,
    inflammation,
    privilege_at,
    step_immunity,
)
from anagen.evidence.parameters import ParameterSet, load_parameters


@pytest.fixture
def immunity(parameters: ParameterSet) -> Immunity:
    return Immunity.from_parameters(parameters)


def follow(
    immunity: Immunity, attack: float, days: int, drug: float = 0.0, privilege: float | None = None,
    tolerance: float = 0.0, dt: float = 1.0,
) -> list[ImmuneState]:  # fmt: skip
    start = jnp.asarray([attack], jnp.float32)
    kept = privilege_at(immunity, start) if privilege is None else jnp.asarray([privilege])
    states = [ImmuneState(start, kept, jnp.asarray([tolerance], jnp.float32))]
    for _ in range(round(days / dt)):
        states.append(step_immunity(immunity, states[-1], jnp.zeros(1), jnp.asarray([drug]), dt))
    return states


def test_the_established_patch_is_where_it_stays(immunity: Immunity) -> None:
    fresh = immunity.__class__(**{**vars(immunity), "tolerance_time": jnp.asarray(1e9)})
    assert float(follow(fresh, 1.0, 300)[-1].attack[0]) == pytest.approx(1.0, abs=1e-3)


def test_health_and_disease_are_both_stable(immunity: Immunity) -> None:
    assert float(follow(immunity, 0.05, 120, privilege=1.0)[-1].attack[0]) < 1e-3
    assert float(follow(immunity, 0.6, 120)[-1].attack[0]) > 0.9


def test_privilege_decides_whether_a_remnant_returns(immunity: Immunity) -> None:
    early, late = (follow(immunity, 0.02, 200, privilege=p) for p in (0.15, 0.9))
    assert max(float(state.attack[0]) for state in early) > 0.7
    assert max(float(state.attack[0]) for state in late) <= 0.02


def test_held_low_long_enough_it_heals_and_shorter_it_returns(immunity: Immunity) -> None:
    for days, well in ((10, False), (90, True)):
        held = follow(immunity, 1.0, days, drug=0.95)[-1]
        after = follow(immunity, float(held.attack[0]), 120, privilege=float(held.privilege[0]))
        assert (float(after[-1].attack[0]) < 0.05) is well


def test_tolerance_ends_an_attack_by_itself(immunity: Immunity) -> None:
    course = follow(immunity, 1.0, 700)
    assert float(course[100].attack[0]) > 0.95
    assert float(course[-1].attack[0]) < 0.1


def test_steps_converge_with_first_order(immunity: Immunity) -> None:
    exact = float(follow(immunity, 0.5, 20, drug=0.3, dt=0.01)[-1].attack[0])
    errors = [
        abs(float(follow(immunity, 0.5, 20, drug=0.3, dt=dt)[-1].attack[0]) - exact)
        for dt in (1.0, 0.5, 0.25)
    ]
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.35)
    assert errors[1] / errors[2] == pytest.approx(2.0, rel=0.35)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    attack=st.floats(0.0, 1.5), privilege=st.floats(0.0, 1.0), tolerance=st.floats(0.0, 3.0),
    less=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0), dt=st.floats(0.01, 1.5),
)  # fmt: skip
def test_drug_never_raises_the_attack_and_values_stay_in_range(
    attack: float, privilege: float, tolerance: float, less: float, more: float, dt: float
) -> None:
    immunity = Immunity.from_parameters(load_parameters())
    low, high = sorted((less, more))
    state = ImmuneState(*(jnp.asarray([v], jnp.float32) for v in (attack, privilege, tolerance)))
    weak, strong = (
        step_immunity(immunity, state, jnp.zeros(1), jnp.asarray([drug]), dt)
        for drug in (low, high)
    )
    assert float(strong.attack[0]) <= float(weak.attack[0]) + 1e-6
    for after in (weak, strong):
        assert 0.0 <= float(after.attack[0]) < 4.0
        assert 0.0 <= float(after.privilege[0]) <= 1.0
    assert (
        float(inflammation(strong, jnp.asarray([high]))[0])
        <= float(inflammation(weak, jnp.asarray([low]))[0]) + 1e-6
    )


def test_an_established_share_is_kept(immunity: Immunity) -> None:
    state = established(immunity, jnp.asarray([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(state.attack, [0.0, 0.5, 1.0])
    assert (np.diff(np.asarray(state.privilege)) < 0).all()
