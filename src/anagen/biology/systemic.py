"""Risks to the whole body, tied to exposure, with a probability only where one was published.

Systemic harm has hardly been counted after intralesional treatment: most of what is known comes
from tablets, intramuscular doses and case reports. So every read-out gives the exposure it hangs
on, with its range, and a band:

- *none expected*: even the high estimate of the worst month stays below the threshold;
- *likely*: the expected exposure, held for as long as in the study, is above it;
- *possible*: between the two.

Exposure is compared as prednisolone a day, D = r Cp CL W / 1000, with r mg of prednisolone for one
of triamcinolone acetonide, Cp [ng/mL] in plasma, CL [L/day/kg] and W [kg] of the typical adult.

References: Huscher2009 (dose bands of tablets), Samrao2013 (bone), Reddy2013 and Iranmanesh2017
(adrenal axis), Fredman2013 and RitonavirTriamcinolone2013 (Cushing's syndrome).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen.biology.cortisol import CortisolResponse
from anagen.biology.plasma import Plasma
from anagen.errors import InputError, Problem
from anagen.evidence.parameters import ParameterSet

if TYPE_CHECKING:
    import xarray as xr

Band = Literal["none expected", "possible", "likely"]
RiskName = Literal["weight", "sleep", "mood", "glucose", "bone", "adrenal", "cushing"]
RISKS: tuple[RiskName, ...] = ("weight", "sleep", "mood", "glucose", "bone", "adrenal", "cushing")

_COUNTED: tuple[RiskName, ...] = ("weight", "sleep", "mood", "cushing")
_TITLES: dict[RiskName, str] = {
    "weight": "weight gain, appetite",
    "sleep": "disturbed sleep",
    "mood": "low mood, listlessness",
    "glucose": "raised blood glucose",
    "bone": "loss of bone",
    "adrenal": "adrenal suppression",
    "cushing": "Cushingoid appearance",
}


@dataclass(frozen=True)
class SystemicRisk:
    """One risk to the whole body.

    Parameters
    ----------
    name : one of ``RISKS``; title : the same in words.
    metric : what ``value`` measures.
    value, low, high : exposure the risk hangs on, expected and range, in ``unit``.
    threshold : [unit] from which the risk counts.
    band : none expected, possible or likely.
    probability, interval : published rate at this exposure and its 95 % interval; None without one.
    reason : where the probability comes from, or why there is none.
    source : key in ``references.bib``.
    """

    name: RiskName
    title: str
    metric: str
    value: float
    low: float
    high: float
    unit: str
    threshold: float
    band: Band
    probability: float | None
    interval: tuple[float, float] | None
    reason: str
    source: str


@dataclass(frozen=True)
class SystemicExposure:
    """What the body as a whole is exposed to.

    Parameters
    ----------
    cumulative_dose : [mg] injected, all sessions.
    worst_month : (low, expected, high) [mg/day] prednisolone equivalent, mean of the worst 28 days.
    worst_half_year : the same over as long as the study of tablets asked for.
    lowest_cortisol : [1] lowest daily mean relative to own baseline.
    days_suppressed : days with more suppression than ``systemic.notable_suppression``.
    lowest_capacity : [1] lowest adrenal capacity.
    """

    cumulative_dose: float
    worst_month: tuple[float, float, float]
    worst_half_year: tuple[float, float, float]
    lowest_cortisol: float
    days_suppressed: int
    lowest_capacity: float


def prednisolone_equivalent(
    parameters: ParameterSet, concentration: Float[Array, " day"]
) -> Float[Array, " day"]:
    """Prednisolone a day [mg/day] with about the same systemic glucocorticoid effect.

    D = r Cp CL W / 1000. Using the concentration, not the dose, lets a small body or an inhibited
    clearance count.

    Parameters
    ----------
    parameters : ``systemic.equivalence`` and `Plasma`.
    concentration : (day,) [ng/mL] triamcinolone acetonide in plasma.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> round(float(prednisolone_equivalent(load_parameters(), jnp.asarray([1.0]))[0]), 1)
    1.2
    """
    fate = Plasma.from_parameters(parameters)
    ratio = parameters.value("systemic.equivalence", "1")
    return ratio * concentration * fate.clearance * fate.reference_weight / 1000.0


def systemic_exposure(
    parameters: ParameterSet,
    concentration: np.ndarray,
    cumulative_dose: np.ndarray,
    response: CortisolResponse,
) -> SystemicExposure:
    """Sum up what the body was exposed to over a course.

    Parameters
    ----------
    parameters : equivalence, windows and thresholds.
    concentration : (day,) [ng/mL] triamcinolone acetonide in plasma, daily means.
    cumulative_dose : (day,) [mg] injected up to each day.
    response : of cortisol, same days.

    Raises
    ------
    InputError
        When a series is empty, not finite or negative, or lengths differ.
    """
    _check(concentration, cumulative_dose, response)
    daily = np.asarray(prednisolone_equivalent(parameters, jnp.asarray(concentration)))
    ratio = parameters["systemic.equivalence"]

    def worst(key: str) -> tuple[float, float, float]:
        mean = worst_mean(daily, round(parameters.value(key, "day")))
        return mean * (ratio.low / ratio.value), mean, mean * (ratio.high / ratio.value)

    mean_cortisol = np.asarray(response.mean)
    notable = parameters.value("systemic.notable_suppression", "1")
    return SystemicExposure(
        cumulative_dose=float(np.max(cumulative_dose)),
        worst_month=worst("systemic.short_window"),
        worst_half_year=worst("systemic.group_duration"),
        lowest_cortisol=float(mean_cortisol.min()),
        days_suppressed=int((mean_cortisol < 1.0 - notable).sum()),
        lowest_capacity=float(np.min(np.asarray(response.capacity))),
    )


def systemic_risks(
    parameters: ParameterSet,
    exposure: SystemicExposure,
    *,
    treated_days: float | int = 0.0,
    strong_inhibitor: bool = False,
) -> tuple[SystemicRisk, ...]:
    """Risks to the whole body at an exposure, in the order of ``RISKS``.

    Parameters
    ----------
    parameters : thresholds and published rates.
    exposure : from `systemic_exposure`.
    treated_days : [day] from the first to the last session.
    strong_inhibitor : whether a strong CYP3A4 inhibitor is taken.
    """
    by_name = {name: _counted(name, parameters, exposure) for name in _COUNTED}
    by_name["cushing"] = _cushing(by_name["cushing"], strong_inhibitor)
    by_name["glucose"] = _glucose(parameters, exposure)
    by_name["bone"] = _bone(parameters, exposure, float(treated_days))
    by_name["adrenal"] = _adrenal(parameters, exposure, strong_inhibitor)
    return tuple(by_name[name] for name in RISKS)


def course_risks(course: "xr.Dataset", parameters: ParameterSet) -> tuple[SystemicRisk, ...]:
    """Risks to the whole body over a simulated course.

    Parameters
    ----------
    course : from `simulate`; its days before the start count too.
    parameters : thresholds and published rates.
    """
    response = CortisolResponse(
        suppression=jnp.asarray(course["cortisol_suppression"].values),
        capacity=jnp.asarray(course["adrenal_capacity"].values),
        mean=jnp.asarray(course["cortisol_mean"].values),
        morning=jnp.asarray(course["cortisol_morning"].values),
        mean_level=jnp.asarray(course["cortisol_mean"].values),
        morning_level=jnp.asarray(course["cortisol_morning_level"].values),
    )
    exposure = systemic_exposure(
        parameters,
        course["plasma_concentration"].values,
        course["cumulative_dose"].values,
        response,
    )
    days = course["session_day"].values
    return systemic_risks(
        parameters,
        exposure,
        treated_days=float(np.ptp(days)) if len(days) else 0.0,
        strong_inhibitor=bool(course.attrs.get("strong_inhibitor", 0)),
    )


def worst_mean(daily: np.ndarray, window: int) -> float:
    """Highest mean of any ``window`` consecutive days; days outside the series count as zero."""
    padded = np.concatenate([[0.0], np.cumsum(daily, dtype=float)])
    if len(daily) <= window:
        return float(padded[-1] / window)
    return float((padded[window:] - padded[:-window]).max() / window)


def wilson_interval(rate: float, total: float | int) -> tuple[float, float]:
    """95 % interval of a proportion by Wilson's score.

    Parameters
    ----------
    rate : observed share [1].
    total : people it was observed in.

    Examples
    --------
    >>> low, high = wilson_interval(9 / 18, 18)
    >>> round(low, 2), round(high, 2)
    (0.29, 0.71)
    """
    z = NormalDist().inv_cdf(0.975)
    centre = rate + z * z / (2 * total)
    spread = z * ((rate * (1 - rate) + z * z / (4 * total)) / total) ** 0.5
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def _band(exposure: SystemicExposure, threshold: float) -> Band:
    if exposure.worst_month[2] < threshold:
        return "none expected"
    return "likely" if exposure.worst_half_year[1] >= threshold else "possible"


def _counted(name: RiskName, parameters: ParameterSet, exposure: SystemicExposure) -> SystemicRisk:
    """Risk whose rate was counted in people on tablets, by dose band."""
    threshold = parameters.value(f"systemic.{name}_threshold", "mg/day")
    held = exposure.worst_half_year[1]
    group = None
    if held >= parameters.value("systemic.group_middle_dose", "mg/day"):
        high_dose = parameters.value("systemic.group_high_dose", "mg/day")
        group = "high" if held > high_dose else "middle"
    probability = interval = None
    unexposed = parameters.value(f"systemic.{name}_rate_none", "1")
    if group is None:
        reason = (
            "No published rate: nobody has counted this after intralesional treatment, and the "
            "exposure stays below what tablets were counted at for six months."
        )
    else:
        probability = parameters.value(f"systemic.{name}_rate_{group}", "1")
        interval = wilson_interval(
            probability, parameters.value(f"systemic.group_{group}_size", "1")
        )
        reason = (
            "Rate in people with rheumatoid arthritis on tablets of this dose for over six months; "
            f"{unexposed:.0%} reported it without any. Not counted after intralesional treatment."
        )
    low, value, high = exposure.worst_month
    return SystemicRisk(
        name, _TITLES[name], "prednisolone equivalent, worst four weeks", value, low, high,
        "mg/day", threshold, _band(exposure, threshold), probability, interval, reason,
        parameters[f"systemic.{name}_rate_none"].source,
    )  # fmt: skip


def _cushing(risk: SystemicRisk, strong_inhibitor: bool) -> SystemicRisk:
    """Add what case reports say; a strong inhibitor makes it possible at any dose."""
    reports = (
        " After intralesional triamcinolone only case reports exist, mostly of children and of "
        "keloid doses."
    )
    band = risk.band
    if strong_inhibitor:
        reports += " With ritonavir or cobicistat it followed single injections; avoid the two."
        band = "possible" if band == "none expected" else band
    return SystemicRisk(**{**vars(risk), "band": band, "reason": risk.reason + reports})


def _glucose(parameters: ParameterSet, exposure: SystemicExposure) -> SystemicRisk:
    threshold = parameters.value("systemic.glucose_threshold", "mg/day")
    low, value, high = exposure.worst_month
    return SystemicRisk(
        "glucose", _TITLES["glucose"], "prednisolone equivalent, worst four weeks",
        value, low, high, "mg/day", threshold, _band(exposure, threshold), None, None,
        "No published rate: glucose was not followed in trials of intralesional treatment. People "
        "with diabetes should measure more often for four weeks.",
        parameters["systemic.glucose_threshold"].source,
    )  # fmt: skip


def _bone(
    parameters: ParameterSet, exposure: SystemicExposure, treated_days: float
) -> SystemicRisk:
    threshold = parameters.value("systemic.bone_threshold", "mg")
    notice = parameters.value("systemic.bone_notice", "mg")
    dose = exposure.cumulative_dose
    long = treated_days >= parameters.value("systemic.bone_duration", "day")
    band: Band = "none expected"
    if dose > threshold:
        band = "likely"
    elif dose >= notice or long:
        band = "possible"
    probability = interval = None
    reason = "No published rate below twenty months of treatment."
    if long:
        probability = parameters.value("systemic.bone_rate", "1")
        interval = wilson_interval(probability, parameters.value("systemic.bone_size", "1"))
        reason = (
            "Share of people with an abnormal bone scan after at least twenty months of sessions; "
            "there was no control group and many had other risk factors."
        )
    return SystemicRisk(
        "bone", _TITLES["bone"], "cumulative dose", dose, dose, dose, "mg", threshold, band,
        probability, interval, reason, parameters["systemic.bone_rate"].source,
    )  # fmt: skip


def _adrenal(
    parameters: ParameterSet, exposure: SystemicExposure, strong_inhibitor: bool
) -> SystemicRisk:
    possible = parameters.value("systemic.capacity_possible", "1")
    likely = parameters.value("systemic.capacity_likely", "1")
    capacity = exposure.lowest_capacity
    notable = parameters.value("systemic.notable_suppression", "1")
    band: Band = "none expected"
    if capacity < likely:
        band = "likely"
    elif capacity < possible or strong_inhibitor:
        band = "possible"
    size = parameters.value("systemic.adrenal_size", "1")
    bound = wilson_interval(parameters.value("systemic.adrenal_rate", "1"), size)[1]
    reason = (
        f"No published rate for intralesional treatment. Cortisol is lowered by more than "
        f"{notable:.0%} on {exposure.days_suppressed} days. After one or two intramuscular doses "
        f"none of {size:.0f} people had adrenal insufficiency, which excludes only rates above "
        f"{bound:.0%}."
    )
    return SystemicRisk(
        "adrenal", _TITLES["adrenal"], "lowest adrenal capacity", capacity, capacity, capacity, "1",
        possible, band, None, None, reason, parameters["systemic.adrenal_rate"].source,
    )  # fmt: skip


def _check(
    concentration: np.ndarray, cumulative_dose: np.ndarray, response: CortisolResponse
) -> None:
    series = {
        "concentration": np.asarray(concentration),
        "cumulative_dose": np.asarray(cumulative_dose),
        "response.mean": np.asarray(response.mean),
        "response.capacity": np.asarray(response.capacity),
    }
    days = series["response.mean"].shape
    problems = [
        Problem(place, f"finite, not negative, shape {days}, at least one day",
                f"shape {values.shape}" if values.shape != days or not values.size
                else f"{values.min()} to {values.max()}",
                "Take the series from one course.")
        for place, values in series.items()
        if values.shape != days or not values.size or not np.isfinite(values).all()
        or (values < 0).any()
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
