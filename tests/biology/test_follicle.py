import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.biology.engine import STEP
from anagen.biology.follicle import (
    INDEX,
    STATES,
    Follicle,
    HairState,
    cover_of,
    hazards,
    healthy_length,
    healthy_shares,
    step_hair,
    visible_share,
)
from anagen.evidence.parameters import ParameterSet, load_parameters

FOLLICLES = 100_000


@pytest.fixture
def follicle(parameters: ParameterSet) -> Follicle:
    return Follicle.from_parameters(parameters)


def healthy(follicle: Follicle) -> HairState:
    shares = tuple(jnp.reshape(value, (1,)) for value in healthy_shares(follicle))
    zero = jnp.zeros(1)
    return HairState(shares, (zero, zero, jnp.reshape(healthy_length(follicle, STEP), (1,))))


def follow(
    follicle: Follicle, state: HairState, days: int, inflamed: float = 0.0, drug: float = 0.0
) -> tuple[HairState, np.ndarray]:
    """State after some days and hairs shed each day per 100,000 follicles."""
    chance = hazards(follicle, jnp.asarray([inflamed]), jnp.asarray([drug]), STEP)
    advance = jax.jit(lambda s: step_hair(follicle, s, chance, STEP))
    shed = []
    for _ in range(days):
        state, lost = advance(state)
        shed.append(float(lost[0]) * FOLLICLES)
    return state, np.array(shed)


def share(state: HairState, *names: str) -> float:
    return sum(float(state.shares[INDEX[name]][0]) for name in names)


TELOGEN = tuple(name for name in STATES if name.startswith("telogen"))


def test_a_normal_scalp_sheds_and_rests_as_published_and_is_steady(follicle: Follicle) -> None:
    start = healthy(follicle)
    end, shed = follow(follicle, start, 1500)
    assert (shed >= 50.0).all()
    assert (shed <= 150.0).all()
    assert 0.05 <= share(start, *TELOGEN) <= 0.20
    for name in STATES:
        assert share(end, name) == pytest.approx(share(start, name), abs=2e-5)
    assert float(end.lengths[2][0]) == pytest.approx(float(start.lengths[2][0]), rel=1e-3)


def test_sudden_arrest_sheds_two_to_four_months_later(follicle: Follicle) -> None:
    state = healthy(follicle)
    moved = 0.3 * state.shares[INDEX["terminal"]]
    shares = list(state.shares)
    shares[INDEX["terminal"]] = shares[INDEX["terminal"]] - moved
    shares[INDEX["catagen"]] = shares[INDEX["catagen"]] + moved
    _, shed = follow(follicle, HairState(tuple(shares), state.lengths), 365)
    assert 60 <= int(shed.argmax()) <= 122
    assert shed.max() > 2.5 * shed[-1]
    assert shed[:14].max() < 1.1 * shed[-1]
    assert shed.max() <= 400.0


def test_dystrophic_hair_falls_within_weeks(follicle: Follicle) -> None:
    _, shed = follow(follicle, healthy(follicle), 120, inflamed=0.9)
    assert int(shed.argmax()) <= 28
    assert shed[:42].sum() > 0.6 * FOLLICLES


def test_an_attacked_scalp_goes_bald_and_stays_so(follicle: Follicle) -> None:
    state, _ = follow(follicle, healthy(follicle), 200, inflamed=0.88)
    assert float(visible_share(state)[0]) < 0.05
    assert share(state, "arrested") > 0.85


def test_released_follicles_grow_and_ripen_in_order(follicle: Follicle) -> None:
    bald, _ = follow(follicle, healthy(follicle), 200, inflamed=0.88)
    tops = {}
    for name in ("vellus", "intermediate"):
        values = [share(bald, name)]
        state = bald
        for _ in range(20):
            state, _ = follow(follicle, state, 7)
            values.append(share(state, name))
        tops[name] = int(np.argmax(values))
    assert 3 <= tops["vellus"] < tops["intermediate"] <= 14
    late, _ = follow(follicle, bald, 365)
    assert share(late, "terminal") > 0.75


def mean_stay(follicle: Follicle, name: str, inflamed: float, drug: float) -> float:
    """Mean days in a state from its exits."""
    h = hazards(follicle, jnp.asarray([inflamed]), jnp.asarray([drug]), STEP)
    leaving = {
        "terminal": h.attacked + h.regress,
        "telogen_4": h.leave,
        "kenogen": h.renew,
    }[name]
    return float(STEP / leaving[0])


def test_calming_inflammation_prolongs_growth_and_shortens_rest_by_dose(follicle: Follicle) -> None:
    """Dose acts through the inflammation that it leaves; milder means longer growth."""
    levels = (0.4, 0.2, 0.1, 0.0)
    growth = [mean_stay(follicle, "terminal", level, 0.0) for level in levels]
    rest = [mean_stay(follicle, "telogen_4", level, 0.0) for level in levels]
    assert growth == sorted(growth)
    assert rest == sorted(rest, reverse=True)
    assert growth[-1] == pytest.approx(float(follicle.anagen_time), rel=1e-5)


def test_the_drug_itself_slightly_shortens_growth(follicle: Follicle) -> None:
    """Contrary to a popular claim: in mice dexamethasone brings catagen forward."""
    without, with_drug = (mean_stay(follicle, "terminal", 0.0, drug) for drug in (0.0, 1.0))
    assert 0.5 * without < with_drug <= without


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    weights=st.lists(st.floats(0.0, 1.0), min_size=len(STATES), max_size=len(STATES)),
    inflamed=st.floats(0.0, 1.5), drug=st.floats(0.0, 1.0),
)  # fmt: skip
def test_every_flow_leaves_one_state_and_enters_another(
    weights: list[float], inflamed: float, drug: float
) -> None:
    follicle = Follicle.from_parameters(load_parameters())
    total = sum(weights) or 1.0
    shares = tuple(jnp.asarray([w / total], jnp.float32) for w in weights)
    before = float(sum(s[0] for s in shares))
    state = HairState(shares, (jnp.zeros(1),) * 3)
    chance = hazards(follicle, jnp.asarray([inflamed]), jnp.asarray([drug]), STEP)
    after, lost = step_hair(follicle, state, chance, STEP)
    assert float(sum(s[0] for s in after.shares)) == pytest.approx(before, abs=1e-6)
    assert min(float(s[0]) for s in after.shares) >= -1e-7
    assert 0.0 <= float(lost[0]) <= 1.0


def test_cover_of_normal_hair_is_one_and_grows_with_hair(double: None) -> None:
    shadow = jnp.linspace(0.0, 1.0, 20)
    cover = np.asarray(cover_of(shadow, jnp.full(20, 2.2), jnp.asarray(1.0)))
    assert cover[0] == 0.0
    assert cover[-1] == pytest.approx(1.0)
    assert (np.diff(cover) > 0).all()
