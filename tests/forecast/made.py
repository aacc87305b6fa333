"""Small forecasts made by hand, with the variables and dimensions of the real ones.

Other tests take it with ``run_path(str(Path(__file__).parent / "made.py"))["made_forecast"]``.
"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
THRESHOLDS = (0.5, 0.75, 0.95)
UNTREATED = "untreated"
SPREAD = np.array([-0.2, -0.12, -0.06, 0.0, 0.06, 0.12, 0.2])
CHANCES = {UNTREATED: (0.1, 0.05, 0.02), "go on": (0.4, 0.3, 0.1)}


def made_forecast(
    chances: Mapping[str, Sequence[float]] = CHANCES,
    *,
    origin: str = "2026-03-30",
    patient: str = "P1",
    patches: Sequence[str] = ("a",),
    weeks: int = 52,
    regrown: float = 0.5,
    flags: Sequence[Any] = (),
) -> SimpleNamespace:
    """Forecast whose chances do not change from week to week.

    Parameters
    ----------
    chances : by plan, of at least 50, 75 and 95 % regrowth; untreated is put first.
    regrown : median regrowth of the whole, the same for every plan.
    flags : raised; with one that says stop all numbers are NaN.
    """
    plans = tuple(dict.fromkeys((UNTREATED, *chances)))
    reach = np.array([chances.get(name, CHANCES[UNTREATED]) for name in plans], dtype=float)
    week = np.arange(weeks + 1)
    wide = (len(plans), len(week))
    deep = (len(plans), len(patches), len(week))
    fan = np.clip(regrown + SPREAD, 0.0, 1.0)
    values: dict[str, Any] = {}

    def put(name: str, dims: tuple[str, ...], numbers: Any, units: str = "1") -> None:
        values[name] = (dims, np.array(numbers, dtype=float), {"units": units, "long_name": name})

    def put_chance(name: str, dims: tuple[str, ...], numbers: Any) -> None:
        put(name, dims, numbers)
        put(f"{name}_low", dims, np.clip(np.asarray(numbers) - 0.05, 0.0, 1.0))
        put(f"{name}_high", dims, np.clip(np.asarray(numbers) + 0.05, 0.0, 1.0))

    put_chance("scalp_chance", ("plan", "week", "threshold"),
               np.broadcast_to(reach[:, None, :], (*wide, len(THRESHOLDS))))  # fmt: skip
    put_chance("patch_chance", ("plan", "patch", "week", "threshold"),
               np.broadcast_to(reach[:, None, None, :], (*deep, len(THRESHOLDS))))  # fmt: skip
    put("scalp_regrowth", ("plan", "week", "quantile"), np.broadcast_to(fan, (*wide, len(fan))))
    put("patch_cover", ("plan", "patch", "week", "quantile"),
        np.broadcast_to(fan, (*deep, len(fan))))  # fmt: skip
    put("salt", ("plan", "week", "quantile"), np.broadcast_to(5.0 * (1.0 - fan), (*wide, len(fan))),
        "%")  # fmt: skip
    put_chance("atrophy_chance", ("plan", "patch", "week"), np.full(deep, 0.1))
    data = xr.Dataset(
        values,
        {"plan": np.array(plans, dtype=object), "patch": np.array(patches, dtype=object),
         "week": week, "quantile": list(QUANTILES), "threshold": list(THRESHOLDS)},
        {"origin": origin, "patient": patient, "weeks": weeks, "check_p": 0.4, "effective": 900.0},
    )  # fmt: skip
    if any(flag.severity == "stop" for flag in flags):
        data = data.map(lambda one: xr.full_like(one, np.nan), keep_attrs=True)
    return SimpleNamespace(dataset=data, flags=tuple(flags), diagnostics=SimpleNamespace())
