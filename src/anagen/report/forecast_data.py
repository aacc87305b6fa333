"""Forecast, comparison and review as plain data, for machines."""

import math
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from anagen.report import forecast_figures as figures

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.choose import Comparison
    from anagen.forecast.predict import Forecast
    from anagen.forecast.review import Review
    from anagen.report.forecast_figures import Range


def forecast_data(made: "Forecast") -> dict[str, Any]:
    """Give a forecast as plain data: figures at the weeks usually looked at, with intervals."""
    data = made.dataset
    names = [*figures.plan_names(data), figures.UNTREATED_PLAN]
    stopped = figures.withheld(made.flags)
    return {
        "patient": data.attrs.get("patient", ""),
        "origin": data.attrs.get("origin", ""),
        "weeks": figures.last_week(data),
        "model_version": data.attrs.get("model_version", ""),
        "posterior_version": data.attrs.get("posterior_version", ""),
        "effective": _number(data.attrs.get("effective")),
        "check_p": _number(data.attrs.get("check_p")),
        "withheld": stopped,
        "flags": [flag_data(flag) for flag in made.flags],
        "plans": {} if stopped else {name: _plan_data(data, name) for name in names},
    }


def flag_data(flag: Any) -> dict[str, str]:
    """Give a flag as plain data."""
    return {key: str(getattr(flag, key))
            for key in ("key", "severity", "message", "reason", "source")}  # fmt: skip


def _plan_data(data: "xr.Dataset", plan: str) -> dict[str, Any]:
    last = figures.last_week(data)
    harms = ("atrophy_chance", "telangiectasia_chance", "colour_chance")
    cortisol = figures.lowest(data, "cortisol_morning", plan)
    return {
        "weeks": [_week_data(data, plan, week) for week in (0, *figures.weeks_shown(data))],
        "harms": {
            patch: {
                name: _range(figures.chance(data, name, plan=plan, week=last, patch=patch))
                for name in harms
            }
            for patch in figures.patch_names(data)
        },
        "relapse": _range(figures.chance(data, "relapse_chance", plan=plan, week=last)),
        "pain": _range(figures.spread(data, "pain", plan=plan)),
        "lowest_morning_cortisol": _range(cortisol[1] if cortisol else None),
        "planned": {
            name: _number(data[f"planned_{name}"].sel(plan=plan))
            for name in ("sessions", "sites", "mL", "mg") if f"planned_{name}" in data
        },
    }  # fmt: skip


def _week_data(data: "xr.Dataset", plan: str, week: int) -> dict[str, Any]:
    place: dict[str, Any] = {"plan": plan, "week": week}

    def reach(name: str, **more: Any) -> dict[str, Any]:
        return {f"{100 * float(at):g}": _range(
                    figures.chance(data, name, **place, **more, threshold=float(at)))
                for at in data["threshold"].values}  # fmt: skip

    people = {
        name: reach(f"regrown_{name}")
        for name in ("untreated", "either", "only_treated", "only_untreated")
    }
    return {
        "week": week,
        "salt_percent": _range(figures.spread(data, "salt", **place)),
        "regrowth": _range(figures.spread(data, "scalp_regrowth", **place)),
        "chance": reach("scalp_chance"),
        "regrown": people,
        "patches": {
            patch: {
                "cover": _range(figures.spread(data, "patch_cover", **place, patch=patch)),
                "area_cm2": _range(figures.spread(data, "patch_area", **place, patch=patch)),
                "chance": reach("patch_chance", patch=patch),
            }
            for patch in figures.patch_names(data)
        },
    }


def comparison_data(found: "Comparison") -> dict[str, Any]:
    """Give a comparison as plain data, all plans best first."""
    rows = [{"name": str(name), **{str(key): plain(value) for key, value in row.items()}}
            for name, row in found.table.iterrows()]  # fmt: skip
    return {
        "weights": {str(name): float(weight) for name, weight in found.weights.items()},
        "picks": [dict(vars(pick)) for pick in found.picks],
        "trade": [dict(vars(step)) for step in found.trade],
        "ties": list(found.ties),
        "notes": list(found.notes),
        "plans": rows,
    }


def review_data(found: "Review", made: "Forecast | None") -> dict[str, Any]:
    """Give a review as plain data."""
    from dataclasses import asdict

    flags = [] if made is None else [flag_data(flag) for flag in made.flags]
    return {**_jsonable(asdict(found)), "flags": flags}


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.isoformat() if isinstance(value, date) else plain(value)


def plain(value: Any) -> Any:
    """Return a value that JSON holds: Python's own types, None for what is no number."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _range(found: "Range | None") -> dict[str, float] | None:
    if found is None:
        return None
    return {"value": _rounded(found.middle), "low": _rounded(found.low),
            "high": _rounded(found.high)}  # fmt: skip


def _number(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return _rounded(number) if math.isfinite(number) else None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
