"""Published endpoints read from simulated courses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.endpoints import (
    MEANS,
    SHARES,
    Endpoint,
    endpoint_of,
    log_odds_ratio,
    person_values,
    predicted,
    predicted_jax,
    regrowth,
)
from anagen.population.person import Outcome

MONTHLY = Regimen(5.0, 4.0, 3)


def course(*cover: list[float], **other: list[list[float]]) -> Outcome:
    """Build an outcome of people (person, week + 1); other fields follow cover unless given."""
    array = np.array(cover, np.float32)
    zero = np.zeros_like(array)
    fields = {"cover": array, "hair_share": array, "terminal_share": zero + 0.5,
              "bald_area": 1.0 - array, "thickness": zero + 1, "thinnest": zero + 1,
              "attack": zero}  # fmt: skip
    return Outcome(**{**fields, **{key: np.array(rows) for key, rows in other.items()}})


def test_regrowth_is_the_share_of_what_was_missing() -> None:
    outcome = course([0.2, 0.6, 1.0], [0.2, 0.1, 1.2], [1.0, 1.0, 1.0])
    expected = [[0.0, 0.5, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(regrowth(outcome), expected, atol=1e-6)


def test_a_reader_errs_most_at_half_regrowth_and_hardly_at_the_ends() -> None:
    outcome = course(*([0.0, end] for end in (0.0, 0.5, 0.58, 1.0)))
    values = person_values(endpoint_of("regrowth_at_least", 0.5), outcome, 1, MONTHLY)
    assert values[0] < 1e-6
    assert values[3] > 1.0 - 1e-6
    assert values[1] == pytest.approx(0.5, abs=1e-6)
    assert values[2] == pytest.approx(0.843, abs=0.005)


def test_no_response_and_response_at_one_threshold_are_all_people() -> None:
    outcome = course(*([0.0, end] for end in np.linspace(0.0, 1.0, 21)))
    fails = person_values(endpoint_of("no_response", 0.25), outcome, 1, MONTHLY)
    responds = person_values(endpoint_of("regrowth_at_least", 0.25), outcome, 1, MONTHLY)
    np.testing.assert_allclose(fails + responds, 1.0)


def test_between_is_one_threshold_less_the_other() -> None:
    outcome = course(*([0.0, end] for end in np.linspace(0.0, 1.0, 21)))
    half, most, both = (
        person_values(endpoint, outcome, 1, MONTHLY)
        for endpoint in (
            endpoint_of("regrowth_at_least", 0.5),
            endpoint_of("complete"),
            endpoint_of("regrowth_between", 0.5, 0.99),
        )
    )
    np.testing.assert_allclose(both, half - most, atol=1e-12)


def test_a_reader_calls_a_nearly_full_patch_complete() -> None:
    assert endpoint_of("regrowth_at_least", 1.0).least == endpoint_of("complete").least == 0.85
    assert endpoint_of("complete", 1.0).least == 0.85
    assert endpoint_of("complete", 0.75).least == 0.75


def test_a_study_may_set_its_threshold_elsewhere() -> None:
    outcome = course([0.0, 0.6])
    endpoint = endpoint_of("regrowth_at_least", 0.5)
    low, high = (person_values(endpoint, outcome, 1, MONTHLY, shift) for shift in (-0.1, 0.2))
    assert low[0] > 0.95
    assert high[0] < 0.2


def test_nothing_regrown_is_never_visible_however_low_the_threshold() -> None:
    values = person_values(Endpoint("visible_regrowth", 0.05), course([0.0, 0.0]), 1, MONTHLY, -1.0)
    assert values[0] < 0.5


def test_visible_regrowth_reads_hair_and_not_cover() -> None:
    outcome = course([0.0, 0.0], [0.0, 0.0], hair_share=[[0.0, 0.3], [0.0, 0.0]])
    values = person_values(endpoint_of("visible_regrowth"), outcome, 1, MONTHLY)
    assert values[0] > 0.99
    assert values[1] < 0.05


def test_salt_reduction_may_be_negative_but_not_without_end() -> None:
    outcome = course(*[[0.0, 0.0]] * 3, bald_area=[[100.0, 25.0], [100.0, 140.0], [100.0, 900.0]])
    values = person_values(endpoint_of("mean_salt_reduction"), outcome, 1, MONTHLY)
    np.testing.assert_allclose(values, [0.75, -0.4, -1.5])


def test_terminal_fraction_counts_terminal_hairs_of_all_follicles() -> None:
    outcome = course([0.0, 0.8], terminal_share=[[0.0, 0.25]])
    values = person_values(endpoint_of("terminal_fraction"), outcome, 1, MONTHLY)
    np.testing.assert_allclose(values, [0.2], rtol=1e-6)


def test_onset_lies_between_the_weeks_and_only_of_those_who_respond() -> None:
    outcome = course([0.1, 0.1, 0.15, 0.25, 0.9], [0.0] * 5, [0.0, 0.0, 0.0, 0.0, 0.9])
    values = person_values(endpoint_of("onset_week"), outcome, 3, MONTHLY)
    np.testing.assert_allclose(values, [2.5, np.nan, np.nan], rtol=1e-5)
    assert predicted(endpoint_of("onset_week"), values, np.ones(3)) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("week", "sessions"), [(1, 1), (4, 1), (5, 2), (8, 2), (12, 3), (15, 3), (None, np.nan)]
)
def test_sessions_to_complete_are_those_given_before(week: int | None, sessions: float) -> None:
    cover = [0.0 if week is None or at < week else 1.0 for at in range(17)]
    endpoint = Endpoint("sessions_to_complete", 1.0)
    values = person_values(endpoint, course(cover), 16, MONTHLY)
    np.testing.assert_equal(values, [sessions])


def test_a_person_whom_the_model_could_not_follow_has_no_value() -> None:
    outcome = course([np.nan] * 3, [0.0, 0.5, 1.0], hair_share=[[np.nan] * 3, [0.0, 0.5, 1.0]])
    for kind in (*SHARES, *MEANS):
        endpoint = Endpoint(kind, 0.5)
        values = person_values(endpoint, outcome, 2, MONTHLY)
        assert np.isnan(values[0]), kind
        assert np.isfinite(values[1]), kind
        assert predicted(endpoint, values, np.ones(2)) == pytest.approx(values[1])


def test_natural_course_counts_no_session_below_one() -> None:
    values = person_values(endpoint_of("sessions_to_complete"), course([0.0, 0.0, 1.0]), 2, NATURAL)
    np.testing.assert_array_equal(values, [1.0])


def test_prediction_weighs_people_and_leaves_out_the_undefined() -> None:
    endpoint = endpoint_of("onset_week")
    values = np.array([[2.0, np.nan], [4.0, 8.0]])
    weights = np.array([[1.0, 5.0], [1.0, 2.0]])
    assert predicted(endpoint, values, weights) == pytest.approx((2.0 + 4.0 + 16.0) / 4.0)
    assert np.isnan(predicted(endpoint, np.array([np.nan]), np.ones(1)))


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 5)), min_size=1))
def test_the_differentiable_twin_agrees(rows: list[tuple[float, bool, float]]) -> None:
    value, defined, weight = (np.array(column) for column in zip(*rows, strict=True))
    numpy = predicted(
        endpoint_of("complete"), np.where(defined, value, np.nan), weight.astype(float)
    )
    twin = float(predicted_jax(value, defined, weight))
    assert twin == pytest.approx(numpy if defined.any() else 0.0, rel=1e-4, abs=1e-6)


def test_the_twin_has_a_finite_gradient_even_when_nobody_has_a_value() -> None:
    import jax
    import jax.numpy as jnp

    values, weights = jnp.array([2.0, 4.0]), jnp.array([1.0, 3.0])
    some = jax.grad(predicted_jax, 2)(values, jnp.array([True, True]), weights)
    np.testing.assert_allclose(some, [-1.5 / 4.0, 0.5 / 4.0], rtol=1e-5)
    none = jax.grad(predicted_jax, 2)(values, jnp.array([False, False]), weights)
    np.testing.assert_array_equal(none, [0.0, 0.0])


def test_odds_ratio_of_shares() -> None:
    assert log_odds_ratio(0.8, 0.5) == pytest.approx(np.log(4.0))
    assert log_odds_ratio(0.5, 0.8) == pytest.approx(-np.log(4.0))
    assert np.isfinite(log_odds_ratio(1.0, 0.0))


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("cure", None, None), ("complete", 75.0, None), ("complete", float("nan"), None),
     ("regrowth_between", 0.9, 0.5), ("regrowth_at_least", -0.5, None)],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused(kind: str, least: float | None, most: float | None) -> None:
    with pytest.raises(InputError):
        endpoint_of(kind, least, most)


@pytest.mark.parametrize("week", [0, -1, 3])
def test_a_week_that_was_not_simulated_is_refused(week: int) -> None:
    with pytest.raises(InputError, match="1 to 2"):
        person_values(endpoint_of("complete"), course([0.0, 0.1, 0.2]), week, MONTHLY)
