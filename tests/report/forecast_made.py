"""A forecast made up from a few formulae, with every variable of the real one."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
THRESHOLDS = (0.5, 0.75, 0.95)
SCORES = np.array([-1.96, -1.28, -0.674, 0.0, 0.674, 1.28, 1.96])
WEEK, PAIR, PATCH = ("plan", "week"), ("plan", "patch", "week"), ("plan", "patch")
UNTREATED, MIDDLE_UNTREATED, MIDDLE_TREATED = "untreated", 48.0, 14.0


def logistic(value: Any) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-value)))


def fan(middle: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """Quantiles last, around a share whose logit spreads by a width."""
    logit = np.log(middle / (1.0 - middle))
    return logistic(logit[..., None] + np.asarray(width)[..., None] * SCORES)


def make_flag(severity: str = "warn", **fields: str) -> SimpleNamespace:
    words = {
        "key": "few-data",
        "message": "Only one visit has a reading of regrowth: the forecast leans on other people.",
        "reason": "1 reading of regrowth; 2 are asked for.",
        "source": "assumed",
    }
    return SimpleNamespace(severity=severity, **{**words, **fields})


def make_dataset(  # noqa: PLR0915 - one line a variable
    plans: Sequence[str] = ("scalp-standard-5",),
    patches: Sequence[str] = ("A", "B"),
    weeks: int = 52,
    visits: Sequence[float] = (-42.0, 0.0),
) -> xr.Dataset:
    """Dataset of a forecast: treated people regrow by week 12 or so, a few untreated in a year."""
    names = (UNTREATED, *plans)
    week = np.arange(weeks + 1.0)
    middle = np.array([MIDDLE_UNTREATED, *(MIDDLE_TREATED - 2.0 * i for i in range(len(plans)))])
    later = np.linspace(0.0, 3.0, len(patches)) if len(patches) > 1 else np.zeros(len(patches))
    time = week[None, None, :] - later[None, :, None]
    cover = 0.12 + 0.8 * logistic(0.25 * (time - middle[:, None, None]))
    scalp = cover.mean(axis=1)
    width = 0.15 + 1.2 * week / (week + 12.0)
    data: dict[str, Any] = {}

    def put(name: str, dims: tuple[str, ...], values: Any, units: str = "1") -> None:
        data[name] = (dims, values, {"units": units, "long_name": name.replace("_", " ")})

    def put_chance(name: str, dims: tuple[str, ...], values: np.ndarray) -> None:
        inside = np.clip(values, 1e-4, 1 - 1e-4)
        logit = np.log(inside / (1 - inside))
        put(name, dims, inside)
        put(f"{name}_low", dims, logistic(logit - 0.6))
        put(f"{name}_high", dims, logistic(logit + 0.6))

    fans = fan(cover, width)
    put("patch_cover", (*PAIR, "quantile"), fans)
    put("patch_density", (*PAIR, "quantile"), 220.0 * fans, "1/cm2")
    put("patch_calibre", (*PAIR, "quantile"), 25.0 + 45.0 * fans, "um")
    put("patch_terminal_share", (*PAIR, "quantile"), fans**1.2)
    put("patch_area", (*PAIR, "quantile"), 7.0 * (1.0 - fans)[..., ::-1], "cm2")
    put("patch_mean_cover", PAIR, cover)
    drug = np.array([0.0, *(1.0 + 0.4 * i for i in range(len(plans)))])
    skin = drug[:, None, None] * np.exp(-((time - 10.0) ** 2) / 120.0) * 0.22
    put("patch_thinning", (*PAIR, "quantile"), fan(np.clip(skin, 0.002, 0.9), 0.4))
    at = np.array(THRESHOLDS)
    logit = np.log(cover / (1 - cover))[..., None]
    reach = logistic((logit - np.log(at / (1 - at))) / np.maximum(width, 0.2)[:, None])
    put_chance("patch_chance", (*PAIR, "threshold"), reach)
    put_chance("scalp_chance", (*WEEK, "threshold"), reach.mean(axis=1))
    put("scalp_regrowth", (*WEEK, "quantile"), fan(scalp, width))
    put("salt", (*WEEK, "quantile"), 4.5 * (1.0 - fan(scalp, width))[..., ::-1], "%")
    onset = np.array([20.0, *(5.0 for _ in plans)])[:, None, None] + later[None, :, None]
    first = onset + onset * np.array([-0.6, -0.4, -0.2, 0.0, 0.3, 0.7, 1.4])
    put("first_hair_week", (*PATCH, "quantile"), np.where(first > weeks, np.nan, first), "week")
    put("first_hair_chance", PAIR, logistic((time - onset) / 3.0))
    put_chance("relapse_chance", WEEK, 0.35 * (1 - np.exp(-week / 40.0)) * np.ones((len(names), 1)))
    harm = 1.0 - np.exp(-0.09 * drug[:, None, None] * logistic((time - 8.0) / 3.0))
    put_chance("atrophy_chance", PAIR, harm)
    put_chance("telangiectasia_chance", PAIR, 0.3 * harm)
    put_chance("colour_chance", PAIR, 0.5 * harm)
    dip = 1.0 - 0.25 * np.minimum(drug, 1.0)[:, None] * np.exp(-(week % 4) / 1.5) * (week < 12)
    put("cortisol_morning", (*WEEK, "quantile"), fan(np.clip(dip, 0.01, 0.995), 0.3))
    put("cortisol_suppression", (*WEEK, "quantile"), fan(np.clip(1.0 - dip, 0.005, 0.99), 0.3))
    sessions = np.minimum(week // 4 + 1, 3)
    put("cumulative_mg", WEEK, 7.5 + 4.0 * drug[:, None] * sessions, "mg")
    for name, each, unit in (("mg", 12.0, "mg"), ("mL", 2.4, "mL"), ("sites", 24.0, "1"),
                             ("sessions", 3.0, "1")):  # fmt: skip
        put(f"planned_{name}", ("plan",), each * np.minimum(drug, 1.0), unit)
    pain = np.where(drug[:, None] > 0, np.clip(3.6 + 1.3 * SCORES, 0.0, 10.0), np.nan)
    put("pain", ("plan", "quantile"), pain)
    _put_people(put_chance, reach.mean(axis=1))
    seen = np.linspace(0.05, 0.14, len(visits))[None, :] * np.ones((len(patches), 1))
    put("seen_cover", ("patch", "visit", "quantile"), fan(np.clip(seen, 0.03, 0.9), 0.5))
    observed = np.full((len(patches), len(visits)), np.nan)
    observed[:, : len(visits)] = np.clip(seen + 0.04, 0.0, 1.0)
    put("observed_cover", ("patch", "visit"), observed)
    coordinates = {
        "plan": np.array(names, dtype=object), "patch": np.array(patches, dtype=object),
        "week": np.arange(weeks + 1), "quantile": list(QUANTILES), "threshold": list(THRESHOLDS),
        "visit_day": (("visit",), np.array(visits)),
    }  # fmt: skip
    about = {
        "origin": "2026-01-05", "patient": "T-001", "model_version": "0.0.test",
        "posterior_version": "2026.11", "effective": 812.0, "check_p": 0.41, "weeks": weeks,
    }  # fmt: skip
    return xr.Dataset(data, coordinates, about)


def _put_people(put_chance: Any, regrown: np.ndarray) -> None:
    """Shares of people regrown without and with each plan, by the chance of each."""
    dims = (*WEEK, "threshold")
    idle = np.broadcast_to(regrown[:1], regrown.shape)
    put_chance("regrown_untreated", dims[1:], idle[0])
    put_chance("regrown_either", dims, np.minimum(idle, regrown))
    put_chance("regrown_only_treated", dims, np.maximum(regrown - idle, 0.0))
    put_chance("regrown_only_untreated", dims, np.maximum(idle - regrown, 0.0))


def make_forecast(
    flags: Sequence[Any] = (), data: xr.Dataset | None = None, **options: Any
) -> SimpleNamespace:
    """Forecast with flags; all its numbers are withheld when one of them says stop."""
    made = make_dataset(**options) if data is None else data
    if any(flag.severity == "stop" for flag in flags):
        kept = ("planned_", "observed_")
        made = made.map(
            lambda v: v if str(v.name).startswith(kept) else xr.full_like(v, np.nan),
            keep_attrs=True,
        )
    return SimpleNamespace(dataset=made, flags=tuple(flags), diagnostics=SimpleNamespace())


def make_pictures(course: xr.Dataset, untreated: xr.Dataset) -> Mapping[str, xr.Dataset]:
    """Three courses to be pictured, from two."""
    return {"likely": course.interp(time=course["time"] * 0.6).assign_coords(time=course["time"]),
            "lucky": course, "unlucky": untreated}  # fmt: skip
