"""Pain of a session: bounded, monotone, and the published comparisons come out."""

from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.biology.pain import (
    Pain,
    SessionPain,
    comfort_factor,
    comfort_measures,
    injection_pain,
    needle_diameter,
    score_of,
    session_pain,
)
from anagen.errors import InputError
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.treatment.injections import Comfort


def session(
    count: int = 8, volume: float = 0.1, gauge: float = 30, depth: float = 3.0,
    comfort: tuple[str, ...] = (),
) -> SessionPain:  # fmt: skip
    parameters = load_parameters()
    return session_pain(parameters, [volume] * count, [gauge] * count, [depth] * count, comfort)


def single(parameters: ParameterSet, **other: float) -> float:
    """Score of a first intradermal injection of 0.25 mL through 30 gauge."""
    pain = Pain.from_parameters(parameters)
    site = {"volume": 0.25, "gauge": 30.0, "depth": 1.25} | other
    columns = (jnp.asarray([site.pop(name)]) for name in ("volume", "gauge", "depth"))
    return float(injection_pain(pain, *columns, **site)[0])


def test_needle_trial_comes_out(parameters: ParameterSet) -> None:
    # Palmon1998: 2.5 cm with 30 gauge, 3.2 with 25; buffered 1.3 and 1.9.
    assert single(parameters) == pytest.approx(2.5, abs=0.1)
    assert single(parameters, gauge=25.0) == pytest.approx(3.2, abs=0.1)
    buffered = comfort_factor(parameters, ["buffered_anaesthetic"])[0]
    assert single(parameters, comfort=buffered) == pytest.approx(1.3, abs=0.15)
    assert single(parameters, gauge=25.0, comfort=buffered) == pytest.approx(1.9, abs=0.2)


def test_speed_trial_comes_out_on_the_open_scale(parameters: ParameterSet) -> None:
    # AnnEmergMed1998: 3.11 cm at 5 s/mL against 1.49 at 30.
    def open_scale(score: float) -> float:
        return -10 * float(np.log1p(-score / 10))

    fast, slow = (open_scale(single(parameters, slowness=pace)) for pace in (5.0, 30.0))
    assert fast / slow == pytest.approx(open_scale(3.11) / open_scale(1.49), rel=0.01)


def test_second_injection_hurts_as_much_more_as_measured(parameters: ParameterSet) -> None:
    # PainOrder1998: 13.5 to 23.5 of 100 mm.
    pain = Pain.from_parameters(parameters)
    rows = (jnp.full(12, value) for value in (0.1, 30.0, 1.25))
    scores = np.asarray(injection_pain(pain, *rows))
    assert scores[1] / scores[0] == pytest.approx(23.5 / 13.5, abs=0.12)
    rises = np.diff(scores)
    assert (rises > 0).all()
    assert (np.diff(rises) < 0).all()


def test_scalp_trials_lie_in_the_range() -> None:
    # Carvalho2021 7.4 to 2.1 with vibration, Toscani_vibration 5.34 to 4.16, many injections.
    without, helped = session(40), session(40, comfort=("vibration",))
    for score in (7.4, 5.34):
        assert without.low < score < without.high
    for score in (2.1, 4.16):
        assert helped.low < score < helped.high
    assert 5.34 < without.score < 7.4
    assert 2.1 < helped.score < 4.16


def test_lidocaine_in_the_syringe_and_lying_flat_do_not_help() -> None:
    plain = session()
    for measure in ("local_anaesthetic", "lying_flat"):
        assert session(comfort=(measure,)).score == pytest.approx(plain.score)
    assert session(comfort=("local_anaesthetic",)).high > plain.high


def test_every_measure_that_a_session_may_name_is_known(parameters: ParameterSet) -> None:
    known = {*comfort_measures(parameters), "slow_injection"}
    assert set(get_args(Comfort)) <= known
    for name in known:
        assert session(comfort=(name,)).score <= session().score + 1e-5


def test_measures_together_help_more_but_less_than_independently(parameters: ParameterSet) -> None:
    vibration = comfort_factor(parameters, ["vibration"])[0]
    cooling = comfort_factor(parameters, ["cooling"])[0]
    both = comfort_factor(parameters, ["cooling", "vibration", "cooling"])[0]
    assert vibration * cooling < both < min(vibration, cooling)
    assert comfort_factor(parameters, []) == (1.0, 1.0, 1.0)


def test_seconds_are_those_of_needles_and_volume(parameters: ParameterSet) -> None:
    insertion = parameters.value("pain.insertion_time", "s")
    pace = parameters.value("pain.reference_slowness", "s/mL")
    assert session(10).seconds == pytest.approx(10 * (insertion + 0.1 * pace))
    assert session(10, comfort=("slow_injection",)).seconds > session(10).seconds
    assert session(10, comfort=("slow_injection",)).score < session(10).score


def test_no_injection_no_pain() -> None:
    assert session(0) == SessionPain(0.0, 0.0, 0.0, 0.0)


sites = st.integers(1, 130)
volumes = st.floats(0.005, 1.0)
gauges = st.integers(18, 34)
depths = st.floats(0.2, 13.0)
measures = st.lists(st.sampled_from(sorted(get_args(Comfort))), max_size=4).map(tuple)


@settings(max_examples=20)
@given(sites, volumes, gauges, depths, measures)
def test_scores_stay_on_the_scale(
    count: int, volume: float, gauge: int, depth: float, comfort: tuple[str, ...]
) -> None:
    result = session(count, volume, gauge, depth, comfort)
    assert 0.0 < result.low < result.score < result.high <= 10.0
    assert result.seconds > 0


@settings(max_examples=15)
@given(sites, volumes, gauges, st.floats(1.0, 5.0))
def test_more_sites_volume_or_thickness_never_hurt_less(
    count: int, volume: float, gauge: int, factor: float
) -> None:
    least = session(count, volume, gauge)
    assert session(count + int(10 * factor), volume, gauge).score >= least.score - 1e-5
    assert session(count, min(volume * factor, 1.0), gauge).score >= least.score - 1e-5
    assert session(count, volume, max(gauge - int(factor), 18)).score >= least.score - 1e-5
    assert session(count, volume, gauge, 6.0).score <= least.score


def test_needles_have_their_standard_diameters(parameters: ParameterSet) -> None:
    pain = Pain.from_parameters(parameters)
    known = {18: 1.27, 25: 0.515, 27: 0.413, 30: 0.311, 33: 0.21}
    found = needle_diameter(pain, jnp.asarray(list(known), float))
    np.testing.assert_allclose(found, list(known.values()), rtol=0.10)


def test_score_is_differentiable_in_both_precisions(parameters: ParameterSet) -> None:
    def total(volume: jax.Array) -> jax.Array:
        pain = Pain.from_parameters(parameters)
        return injection_pain(pain, volume, jnp.full(3, 30.0), jnp.full(3, 3.0)).sum()

    single_slope = jax.grad(total)(jnp.full(3, 0.1))
    with jax.enable_x64(True):
        slope = jax.grad(total)(jnp.full(3, 0.1))
        step = 1e-6
        numeric = (total(jnp.full(3, 0.1 + step)) - total(jnp.full(3, 0.1 - step))) / (2 * step)
        batch = jax.vmap(total)(jnp.full((2, 3), 0.1))
    np.testing.assert_allclose(np.asarray(slope).sum(), numeric, rtol=1e-6)
    np.testing.assert_allclose(single_slope, slope, rtol=1e-4)
    assert batch.shape == (2,)
    np.testing.assert_allclose(score_of(jnp.asarray([0.0, 1e6])), [0.0, 10.0])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (([10.0], [30], [3.0]), "volume"),
        (([float("nan")], [30], [3.0]), "nan"),
        (([-0.1], [30], [3.0]), "-0.1"),
        (([0.1], [3], [3.0]), "gauge"),
        (([0.1], [30], [300.0]), "depth"),
        (([0.1, 0.1], [30], [3.0]), "2 and 1"),
        (([float("inf")], [99], [-1.0]), "decimal"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(
    parameters: ParameterSet, columns: tuple[list[float], ...], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        session_pain(parameters, *columns)
    assert words in str(caught.value)


def test_all_problems_are_named(parameters: ParameterSet) -> None:
    with pytest.raises(InputError) as caught:
        session_pain(parameters, [10.0], [99], [-1.0])
    assert len(caught.value.problems) == 3
    with pytest.raises(InputError) as caught:
        session_pain(parameters, [0.1], [30], [3.0], ["hypnosis", "prayer", "cooling"])
    assert len(caught.value.problems) == 2
    assert "vibration" in str(caught.value)
