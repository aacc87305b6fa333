"""A forecast as the answer of the API: arrays by week, enough to draw every chart of it."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anagen.web.api.job_models import (
    ChanceCurve,
    Fan,
    ForecastResult,
    Interval,
    PastReading,
    PatchForecast,
    People,
    PlanForecast,
    Planned,
    Series,
)

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.predict import Forecast
    from anagen.treatment import Plan

_FAN = {
    "median": 0.5, "low_50": 0.25, "high_50": 0.75, "low_80": 0.1, "high_80": 0.9,
    "low_95": 0.025, "high_95": 0.975,
}  # fmt: skip
_PEOPLE = ("untreated", "either", "only_treated", "only_untreated")


def forecast_result(made: "Forecast", seed: int, plans: Mapping[str, "Plan"]) -> ForecastResult:
    """Give a forecast as an answer.

    Parameters
    ----------
    made : the forecast; seed : of its random numbers.
    plans : those that were made because none were sent.
    """
    from anagen.evidence.parameters import load_parameters
    from anagen.report import forecast_figures as figures

    data = made.dataset
    names = [] if made.withheld else [*figures.plan_names(data), figures.UNTREATED_PLAN]
    return ForecastResult(
        patient=str(data.attrs["patient"]),
        origin=figures.origin(data),
        weeks=tuple(int(week) for week in data["week"].values),
        seed=seed,
        model_version=str(data.attrs["model_version"]),
        parameter_version=load_parameters().version,
        posterior_version=str(data.attrs["posterior_version"]),
        readings=int(data.attrs["readings"]),
        effective=_figure(data.attrs["effective"]),
        check_p=_figure(data.attrs["check_p"]),
        withheld=made.withheld,
        flags=made.flags,
        plans=tuple(_plan(data.sel(plan=name), name) for name in names),
        past=() if made.withheld else tuple(_past(data, name) for name in data["patch"].values),
        made=dict(plans),
    )


def _plan(data: "xr.Dataset", name: str) -> PlanForecast:
    return PlanForecast(
        name=name,
        salt_percent=_fan(data["salt"]),
        regrowth=_fan(data["scalp_regrowth"]),
        chance=_by_threshold(data, "scalp_chance"),
        people={
            key: People(**{one: _curve(data, f"regrown_{one}", at) for one in _PEOPLE})
            for key, at in _thresholds(data).items()
        },
        relapse=_curve(data, "relapse_chance"),
        cortisol_morning=_fan(data["cortisol_morning"]),
        cortisol_suppression=_fan(data["cortisol_suppression"]),
        cumulative_mg=series(data["cumulative_mg"].values),
        pain=_interval(data["pain"]),
        planned=Planned(**{one: float(data[f"planned_{one}"])
                           for one in ("sessions", "sites", "mL", "mg")}),
        patches=tuple(_patch(data.sel(patch=patch), str(patch)) for patch in data["patch"].values),
    )  # fmt: skip


def _patch(data: "xr.Dataset", name: str) -> PatchForecast:
    return PatchForecast(
        patch=name,
        cover=_fan(data["patch_cover"]),
        area_cm2=_fan(data["patch_area"]),
        thinning=_fan(data["patch_thinning"]),
        chance=_by_threshold(data, "patch_chance"),
        first_hair=series(data["first_hair_chance"].values),
        atrophy=_curve(data, "atrophy_chance"),
        telangiectasia=_curve(data, "telangiectasia_chance"),
        colour=_curve(data, "colour_chance"),
    )


def _past(data: "xr.Dataset", name: Any) -> PastReading:
    one = data.sel(patch=name)
    fit = one["seen_cover"]
    middle, low, high = (series(fit.sel(quantile=q).values) for q in (0.5, 0.025, 0.975))
    return PastReading(
        patch=str(name),
        days=tuple(int(day) for day in data["visit_day"].values),
        observed=series(one["observed_cover"].values),
        median=middle,
        low_95=low,
        high_95=high,
    )


def _thresholds(data: "xr.Dataset") -> dict[str, float]:
    return {f"{100 * float(at):g}": float(at) for at in data["threshold"].values}


def _by_threshold(data: "xr.Dataset", name: str) -> dict[str, ChanceCurve]:
    return {key: _curve(data, name, at) for key, at in _thresholds(data).items()}


def _curve(data: "xr.Dataset", name: str, threshold: float | None = None) -> ChanceCurve:
    parts = (data[one] for one in (name, f"{name}_low", f"{name}_high"))
    value, low, high = (
        series((part if threshold is None else part.sel(threshold=threshold)).values)
        for part in parts
    )
    return ChanceCurve(value=value, low=low, high=high)


def _fan(values: "xr.DataArray") -> Fan:
    return Fan(**{name: series(values.sel(quantile=at).values) for name, at in _FAN.items()})


def _interval(values: "xr.DataArray") -> Interval | None:
    middle, low, high = (_figure(one) for one in values.sel(quantile=[0.5, 0.025, 0.975]).values)
    if middle is None or low is None or high is None:
        return None
    return Interval(value=middle, low=low, high=high)


def series(values: Any) -> Series:
    """Give numbers with four significant digits; None for what is no number."""
    return tuple(_figure(value) for value in values.tolist())


def _figure(value: Any) -> float | None:
    number = float(value)
    return float(f"{number:.4g}") if math.isfinite(number) else None
