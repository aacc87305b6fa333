"""Charts of a forecast: what was seen, what the model says of it, and the fan of what comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anagen.report.content import day_words
from anagen.report.curves import MAX_PATCHES
from anagen.report.forecast_figures import (
    UNTREATED_PLAN,
    last_week,
    origin,
    patch_names,
    plan_names,
    range_words,
    spread,
    thresholds,
    weeks_shown,
)
from anagen.report.plan_picture import Drawing
from anagen.report.strands import Array
from anagen.report.style import INK, MUTED, PAPER, TREATED, UNTREATED, new_figure, tidy

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from anagen.treatment import Plan

_SIZE = (4.1, 2.55)
_BOX = (0.145, 0.185, 0.83, 0.745)
_LOW_BOX = (0.145, 0.185, 0.83, 0.67)
_DAYS_PER_WEEK = 7.0
_BANDS = ((0.025, 0.975, 0.16), (0.1, 0.9, 0.22), (0.25, 0.75, 0.34))
_DASHES = {0.5: (0, (1.2, 1.4)), 0.75: "-", 0.95: (0, (4.5, 2.2))}
_MOST_PLANS = 3


@dataclass(frozen=True)
class Fan:
    """What a fan chart shows.

    Parameters
    ----------
    variable : given by quantiles over weeks.
    title, unit : in words, for heading and axis.
    scale : factor from the variable's unit to the axis.
    ceiling : end of the axis; None to fit.
    """

    variable: str
    title: str
    unit: str
    scale: float = 1.0
    ceiling: float | None = None


COVER = Fan("patch_cover", "visible cover", "% of normal", 100.0, 104.0)
SALT = Fan("salt", "SALT score", "% of scalp")
REGROWTH = Fan("scalp_regrowth", "bald area covered again", "%", 100.0, 104.0)
CORTISOL = Fan("cortisol_morning", "morning cortisol", "% of own baseline", 100.0)


def fan_charts(data: "xr.Dataset", plans: Mapping[str, "Plan"]) -> dict[str, list[Drawing]]:
    """Fan charts by heading: each patch, then the whole scalp; every plan beside no treatment.

    Parameters
    ----------
    data : dataset of a forecast.
    plans : the plans of it, for the marks of their sessions.

    Returns
    -------
    dict of list of Drawing
        Of the largest patches when there are many, and of the first plans.
    """
    groups = {
        f"Patch {patch}": _beside(COVER, data, plans, patch=patch, key=f"cover-{number}")
        for number, patch in enumerate(patches_charted(data), start=1)
    }
    groups["Whole scalp: SALT"] = _beside(SALT, data, plans, patch=None, key="salt")
    groups["Whole scalp: bald area covered again"] = _beside(
        REGROWTH, data, plans, patch=None, key="regrowth"
    )
    return {heading: drawings for heading, drawings in groups.items() if drawings}


def patches_charted(data: "xr.Dataset", most: int = MAX_PATCHES) -> list[str]:
    """Patches that get a chart, in the order of the forecast; the largest when there are many."""
    names = patch_names(data)
    area = [spread(data, "patch_area", plan=UNTREATED_PLAN, week=0, patch=name) for name in names]
    size = [0.0 if found is None else found.middle for found in area]
    kept = set(np.argsort(-np.array(size), kind="stable")[:most].tolist())
    return [name for index, name in enumerate(names) if index in kept]


def shown_plans(data: "xr.Dataset") -> list[str]:
    """Plans that get charts: the first few, then no treatment."""
    return [*plan_names(data)[:_MOST_PLANS], UNTREATED_PLAN]


def cortisol_charts(data: "xr.Dataset", plans: Mapping[str, "Plan"]) -> list[Drawing]:
    """Fan charts of morning cortisol, one for each plan that injects."""
    names = [name for name in shown_plans(data) if name != UNTREATED_PLAN]
    return [_fan_chart(CORTISOL, data, name, plans.get(name), patch=None, key=f"cortisol-{number}")
            for number, name in enumerate(names, start=1)]  # fmt: skip


def _beside(
    fan: Fan, data: "xr.Dataset", plans: Mapping[str, "Plan"], *, patch: str | None, key: str
) -> list[Drawing]:
    if fan.variable not in data:
        return []
    drawings = [
        _fan_chart(fan, data, name, plans.get(name), patch=patch, key=f"{key}-{number}")
        for number, name in enumerate(shown_plans(data), start=1)
    ]
    if fan.ceiling is None:
        top = max(drawing.figure.axes[0].get_ylim()[1] for drawing in drawings)
        for drawing in drawings:
            drawing.figure.axes[0].set_ylim(0.0, top)
    return drawings


def _fan_chart(
    fan: Fan,
    data: "xr.Dataset",
    plan: str,
    sessions: "Plan | None",
    *,
    patch: str | None,
    key: str,
) -> Drawing:
    figure, axes = _axes(fan.unit, data)
    place = {"plan": plan} if patch is None else {"plan": plan, "patch": patch}
    along = data[fan.variable].sel(place)
    weeks = np.asarray(data["week"].values, dtype=float)
    colour = UNTREATED if plan == UNTREATED_PLAN else TREATED
    for low, high, shade in _BANDS:
        foot, top = (fan.scale * _quantile(along, q) for q in (low, high))
        axes.fill_between(weeks, foot, top, color=colour, alpha=shade, linewidth=0.0, zorder=2)
    axes.plot(weeks, fan.scale * _quantile(along, 0.5), color=colour, linewidth=1.9, zorder=4,
              linestyle="-" if colour == TREATED else (0, (4.5, 2.2)))  # fmt: skip
    if patch is not None:
        _past(axes, data, patch, fan.scale)
    ceiling = axes.get_ylim()[1] if fan.ceiling is None else fan.ceiling
    axes.set_ylim(0.0, max(ceiling, 1e-6))
    if sessions is not None:
        _session_marks(axes, data, sessions)
    title = f"{'No more injections' if plan == UNTREATED_PLAN else plan}"
    return Drawing(f"fan-{key}", title, _describe(fan, data, plan, patch), figure)


def _axes(unit: str, data: "xr.Dataset") -> "tuple[Figure, Axes]":
    figure = new_figure(*_SIZE)
    axes = figure.add_axes(_BOX)
    tidy(axes)
    last = last_week(data)
    first = min(0.0, *_visit_weeks(data)) if len(_visit_weeks(data)) else 0.0
    axes.set_xlim(first - (0.02 * (last - first) if first else 0.0), max(last, 1))
    step = next((step for step in (4, 8, 12, 26, 52, 104) if (last - first) / step <= 8), 208)
    axes.set_xticks([week for week in range(-104, last + 1, step) if week >= first])
    axes.set_xlabel(f"weeks from {day_words(origin(data))}", labelpad=2)
    axes.set_ylabel(unit, labelpad=3)
    if first < 0.0:
        axes.axvline(0.0, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
    return figure, axes


def _quantile(along: "xr.DataArray", quantile: float) -> Array:
    return np.asarray(along.sel(quantile=quantile, method="nearest").values, dtype=float)


def _visit_weeks(data: "xr.Dataset") -> Array:
    if "visit_day" not in data.coords and "visit_day" not in data:
        return np.zeros(0)
    return np.asarray(data["visit_day"].values, dtype=float) / _DAYS_PER_WEEK


def _past(axes: "Axes", data: "xr.Dataset", patch: str, scale: float) -> None:
    """Lay past visits into a chart: bars for what the model says, points for what was seen."""
    weeks = _visit_weeks(data)
    if not len(weeks):
        return
    if "seen_cover" in data:
        seen = data["seen_cover"].sel(patch=patch)
        for low, high, width, shade in ((0.025, 0.975, 1.4, 0.8), (0.25, 0.75, 4.5, 0.5)):
            axes.vlines(weeks, scale * _quantile(seen, low), scale * _quantile(seen, high),
                        color=MUTED, linewidth=width, alpha=shade, zorder=5)  # fmt: skip
    if "observed_cover" in data:
        values = scale * np.asarray(data["observed_cover"].sel(patch=patch).values, dtype=float)
        axes.plot(weeks, values, linestyle="none", marker="o", markersize=5.4, color=INK,
                  markeredgecolor=PAPER, markeredgewidth=0.9, zorder=6, clip_on=False)  # fmt: skip


def _session_marks(axes: "Axes", data: "xr.Dataset", plan: "Plan") -> None:
    start = origin(data)
    weeks = [(session.date - start).days / _DAYS_PER_WEEK for session in plan.sessions]
    inside = [week for week in weeks if 0.0 <= week <= last_week(data)]
    axes.plot(inside, np.zeros(len(inside)), marker=(3, 0, 0), linestyle="none", markersize=8,
              color=MUTED, markeredgecolor=PAPER, markeredgewidth=0.6, clip_on=False, zorder=8,
              transform=axes.get_xaxis_transform())  # fmt: skip


def _describe(fan: Fan, data: "xr.Dataset", plan: str, patch: str | None) -> str:
    """Put the fan in words: median and 95 % interval at the weeks usually looked at."""
    where = "" if patch is None else f"patch {patch}, "
    parts = []
    for week in weeks_shown(data):
        found = spread(data, fan.variable, plan=plan, week=week, patch=patch)
        if found is not None:
            percent = fan.scale == 100.0
            parts.append(f"week {week} {range_words(found, percent=percent)}")
    return f"{fan.title}, {where}{plan}: " + ("; ".join(parts) or "no figure") + "."


def chance_charts(data: "xr.Dataset") -> list[Drawing]:
    """Chance of each degree of regrowth by week, over the whole scalp, plan by plan."""
    if "scalp_chance" not in data:
        return []
    return [_chance_chart(data, "scalp_chance", name, None, f"chance-{number}")
            for number, name in enumerate(shown_plans(data), start=1)]  # fmt: skip


def relapse_charts(data: "xr.Dataset") -> list[Drawing]:
    """Chance of losing hair again after the last session, plan by plan."""
    names = [name for name in shown_plans(data) if name != UNTREATED_PLAN]
    if "relapse_chance" not in data:
        return []
    return [_chance_chart(data, "relapse_chance", name, None, f"relapse-{number}")
            for number, name in enumerate(names, start=1)]  # fmt: skip


def _chance_chart(
    data: "xr.Dataset", variable: str, plan: str, patch: str | None, key: str
) -> Drawing:
    figure, axes = _axes("chance, %", data.drop_vars("visit_day", errors="ignore"))
    colour = UNTREATED if plan == UNTREATED_PLAN else TREATED
    weeks = np.asarray(data["week"].values, dtype=float)
    words = []
    for threshold in _thresholds(data, variable):
        lines = []
        for name in (variable, f"{variable}_low", f"{variable}_high"):
            along = data[name].sel(plan=plan)
            if threshold is not None:
                along = along.sel(threshold=threshold, method="nearest")
            lines.append(100.0 * np.asarray(along.values, dtype=float))
        axes.fill_between(weeks, lines[1], lines[2], color=colour, alpha=0.13, linewidth=0.0)
        label = "" if threshold is None else f"at least {100.0 * threshold:.0f} %"
        axes.plot(weeks, lines[0], color=colour, linewidth=1.8, label=label,
                  linestyle=_DASHES.get(threshold or 0.75, "-"))  # fmt: skip
        words.append(f"{label} {lines[0][-1]:.0f} % ({lines[1][-1]:.0f}–{lines[2][-1]:.0f})")
    axes.set_ylim(0.0, 100.0)
    if len(words) > 1:
        axes.set_position(_LOW_BOX)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(words), frameon=False,
                    fontsize=8, handlelength=2.3, columnspacing=1.0, borderaxespad=0.1,
                    labelcolor=INK)  # fmt: skip
    title = "No more injections" if plan == UNTREATED_PLAN else plan
    about = f"{variable.replace('_', ' ')}, {plan}, at the end: {'; '.join(words)}."
    return Drawing(key, title, about, figure)


def _thresholds(data: "xr.Dataset", variable: str) -> Sequence[float | None]:
    if "threshold" not in data[variable].dims:
        return [None]
    return [float(value) for value in thresholds(data)]
