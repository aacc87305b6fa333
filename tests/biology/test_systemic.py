"""Risks to the whole body: bands follow exposure, probabilities appear only where published."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.biology.cortisol import Cortisol, CortisolResponse, respond
from anagen.biology.plasma import (
    Plasma,
    concentration,
    first_order_release,
    inhibited,
    systemic_amounts,
)
from anagen.biology.systemic import (
    RISKS,
    SystemicExposure,
    SystemicRisk,
    prednisolone_equivalent,
    systemic_exposure,
    systemic_risks,
    wilson_interval,
    worst_mean,
)
from anagen.errors import InputError
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.evidence.references import reference_keys

DAYS = 400
ORDER = {"none expected": 0, "possible": 1, "likely": 2}


@eqx.filter_jit
def followed(
    fate: Plasma, axis: Cortisol, doses: jax.Array, factor: jax.Array, weight: jax.Array
) -> tuple[jax.Array, CortisolResponse]:
    release = first_order_release(
        doses, jnp.full(12, 9.0), jnp.arange(DAYS + 1.0), jnp.arange(12) * 28.0
    )
    person = inhibited(fate, factor)
    amount = systemic_amounts(person, release, 21.6).mean_plasma.sum(1)
    level = concentration(person, amount, weight)
    return level, respond(axis, level)


def exposed(
    parameters: ParameterSet, milligrams: float, count: int = 6, factor: float = 1.0,
    weight: float = 70.0,
) -> SystemicExposure:  # fmt: skip
    """Exposure to monthly sessions that release with a half-life of 9 days."""
    doses = jnp.asarray(1e3 * milligrams * (np.arange(12) < count), float)
    axis = Cortisol.from_parameters(parameters)
    fate = Plasma.from_parameters(parameters)
    level, response = followed(fate, axis, doses, jnp.asarray(factor), jnp.asarray(weight))
    dose = milligrams * np.clip(1 + np.arange(DAYS) // 28, 0, count)
    return systemic_exposure(parameters, np.asarray(level), dose.astype(float), response)


def by_name(
    parameters: ParameterSet, exposure: SystemicExposure, **other: object
) -> dict[str, SystemicRisk]:
    risks = systemic_risks(parameters, exposure, **other)
    assert tuple(risk.name for risk in risks) == RISKS
    return {risk.name: risk for risk in risks}


def test_usual_doses_expect_no_systemic_harm(parameters: ParameterSet) -> None:
    risks = by_name(parameters, exposed(parameters, 5.0), treated_days=140.0)
    assert {risk.band for risk in risks.values()} == {"none expected"}
    assert all(risk.probability is None and risk.interval is None for risk in risks.values())
    assert all("o published rate" in risk.reason for risk in risks.values())


def test_limit_doses_are_uncertain_not_harmless(parameters: ParameterSet) -> None:
    risks = by_name(parameters, exposed(parameters, 20.0))
    assert risks["weight"].band == "possible"
    assert risks["sleep"].band == "possible"
    assert risks["weight"].low < risks["weight"].threshold < risks["weight"].high
    assert risks["bone"].band == "none expected"


def test_large_monthly_doses_are_flagged(parameters: ParameterSet) -> None:
    exposure = exposed(parameters, 60.0, count=12)
    risks = by_name(parameters, exposure)
    assert risks["adrenal"].band == "likely"
    assert risks["bone"].band == "likely"
    assert risks["bone"].value == 720.0
    assert exposure.days_suppressed > 200
    assert exposure.lowest_cortisol < 0.4


def held(parameters: ParameterSet, level: float) -> SystemicExposure:
    response = respond(Cortisol.from_parameters(parameters), jnp.full(DAYS, level))
    return systemic_exposure(parameters, np.full(DAYS, level), np.full(DAYS, 10.0), response)


@pytest.mark.parametrize(
    ("milligrams", "weight", "sleep"), [(6.0, 0.224, 0.372), (9.0, 0.213, 0.443)]
)
def test_rates_appear_at_the_doses_they_were_counted_at(
    parameters: ParameterSet, milligrams: float, weight: float, sleep: float
) -> None:
    one = float(prednisolone_equivalent(parameters, jnp.asarray([1.0]))[0])
    risks = by_name(parameters, held(parameters, milligrams / one))
    assert risks["weight"].value == pytest.approx(milligrams, rel=1e-4)
    assert risks["weight"].band == "likely"
    assert risks["weight"].probability == weight
    assert risks["sleep"].probability == sleep
    assert risks["glucose"].probability is None
    low, high = risks["weight"].interval or (0.0, 0.0)
    assert low < weight < high
    assert "rheumatoid" in risks["weight"].reason


def test_a_month_is_not_half_a_year(parameters: ParameterSet) -> None:
    level = np.zeros(DAYS)
    level[:28] = 10.0
    response = respond(Cortisol.from_parameters(parameters), jnp.asarray(level))
    exposure = systemic_exposure(parameters, level, np.full(DAYS, 10.0), response)
    risk = by_name(parameters, exposure)["weight"]
    assert risk.value > 5.0
    assert risk.band == "possible"
    assert risk.probability is None


def test_bone_needs_dose_or_duration(parameters: ParameterSet) -> None:
    small = exposed(parameters, 5.0, count=3)
    assert by_name(parameters, small)["bone"].band == "none expected"
    long = by_name(parameters, small, treated_days=700.0)["bone"]
    assert long.band == "possible"
    assert long.probability == 0.5
    assert long.interval == pytest.approx((0.29, 0.71), abs=0.01)
    assert "no control group" in long.reason
    notice = by_name(parameters, exposed(parameters, 30.0, count=12))["bone"]
    assert (notice.value, notice.band, notice.probability) == (360.0, "possible", None)


def test_an_inhibitor_raises_exposure_and_bands(parameters: ParameterSet) -> None:
    factor = parameters.value("plasma.strong_inhibitor_factor", "1")
    usual, raised = exposed(parameters, 20.0), exposed(parameters, 20.0, factor=factor)
    assert raised.worst_month[1] > 2 * usual.worst_month[1]
    assert raised.lowest_capacity < usual.lowest_capacity
    risks = by_name(parameters, raised, strong_inhibitor=True)
    assert risks["adrenal"].band == "likely"
    assert "ritonavir" in risks["cushing"].reason
    quiet = by_name(parameters, exposed(parameters, 2.5, count=1), strong_inhibitor=True)
    assert quiet["adrenal"].band == "possible"
    assert quiet["cushing"].band == "possible"


def test_a_small_body_is_exposed_more(parameters: ParameterSet) -> None:
    child, adult = exposed(parameters, 10.0, weight=20.0), exposed(parameters, 10.0)
    assert child.worst_month[1] == pytest.approx(3.5 * adult.worst_month[1], rel=1e-3)
    assert child.lowest_cortisol < adult.lowest_cortisol


@settings(max_examples=10)
@given(st.floats(0.5, 40.0), st.floats(1.0, 3.0), st.integers(1, 12))
def test_bands_never_fall_with_dose(milligrams: float, factor: float, count: int) -> None:
    parameters = load_parameters()
    less = by_name(parameters, exposed(parameters, milligrams, count))
    more = by_name(parameters, exposed(parameters, milligrams * factor, count))
    for name in RISKS:
        assert ORDER[less[name].band] <= ORDER[more[name].band]
        assert less[name].low <= less[name].value <= less[name].high


def test_every_risk_cites_a_known_source(parameters: ParameterSet) -> None:
    for risk in by_name(parameters, exposed(parameters, 20.0)).values():
        assert risk.source in reference_keys()
        assert risk.reason.endswith(".")


def test_worst_mean_is_that_of_the_worst_window() -> None:
    daily = np.zeros(100)
    daily[40:50] = 2.0
    assert worst_mean(daily, 10) == pytest.approx(2.0)
    assert worst_mean(daily, 20) == pytest.approx(1.0)
    assert worst_mean(daily, 200) == pytest.approx(0.1)
    assert worst_mean(daily, 100) == pytest.approx(0.2)


@given(st.integers(1, 500), st.floats(0.0, 1.0))
def test_wilson_interval_holds_the_rate(total: int, share: float) -> None:
    rate = round(share * total) / total
    low, high = wilson_interval(rate, total)
    assert 0.0 <= low <= rate + 1e-12
    assert rate - 1e-12 <= high <= 1.0
    # 0 of 14: the exact upper limit by Wilson is z^2 / (n + z^2).
    assert wilson_interval(0.0, 14)[1] == pytest.approx(0.2153, abs=1e-3)


@pytest.mark.parametrize("bad", [np.full(5, np.nan), np.full(5, -1.0), np.zeros(4), np.zeros(0)])
def test_series_that_cannot_be_meant_are_refused(parameters: ParameterSet, bad: np.ndarray) -> None:
    response = respond(Cortisol.from_parameters(parameters), jnp.zeros(5))
    with pytest.raises(InputError, match="concentration"):
        systemic_exposure(parameters, bad, np.zeros(5), response)
    with pytest.raises(InputError) as caught:
        systemic_exposure(parameters, bad, np.full(5, np.inf), response)
    assert len(caught.value.problems) == 2
