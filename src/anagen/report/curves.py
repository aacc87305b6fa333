"""Curves of a course: what happens in each patch and in the body, treated and untreated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anagen.report.plan_picture import Drawing
from anagen.report.strands import Array
from anagen.report.style import (
    INK,
    MUTED,
    PAPER,
    SECOND,
    TREATED,
    UNTREATED,
    new_figure,
    tidy,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

MAX_PATCHES = 4

_SIZE = (4.1, 2.55)
_BOX = (0.145, 0.18, 0.83, 0.67)
_DAYS_PER_WEEK = 7.0
_UG_PER_MG = 1000.0


@dataclass(frozen=True)
class Line:
    """One variable in a chart.

    Parameters
    ----------
    variable : its name in the course.
    label : in words, for the legend.
    second : whether it has the second colour, for two quantities in one chart.
    """

    variable: str
    label: str
    second: bool = False


@dataclass(frozen=True)
class Chart:
    """What a chart shows.

    Parameters
    ----------
    key : name for ids and files.
    title : the quantity, in words.
    unit : of the axis.
    lines : variables; those that the course lacks are left out.
    scale : factor from the course's unit to the axis.
    both_arms : whether the untreated course is drawn too.
    floor, ceiling : ends of the axis; None to fit.
    """

    key: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    scale: float = 1.0
    both_arms: bool = True
    floor: float | None = 0.0
    ceiling: float | None = None


PATCH_CHARTS = (
    Chart("cover", "visible cover", "% of normal", (Line("patch_cover", "cover"),), 100.0,
          ceiling=105.0),
    Chart("regrowth", "regrowth of missing cover", "%", (Line("patch_regrowth", "regrowth"),),
          100.0, floor=None),
    Chart("area", "bald area", "cm²", (Line("patch_area", "bald area"),)),
    Chart("density", "visible hairs", "per cm²", (Line("patch_hair_density", "hairs"),)),
    Chart("calibre", "mean hair calibre", "µm", (Line("patch_calibre", "calibre"),)),
    Chart("attack", "attack and inflammation", "relative",
          (Line("patch_attack", "attack"), Line("patch_inflammation", "inflammation", True))),
    Chart("privilege", "immune privilege", "relative", (Line("patch_privilege", "privilege"),),
          ceiling=1.05),
    Chart("tissue", "drug at the follicle", "µg/mL",
          (Line("patch_tissue_concentration", "tissue"),), both_arms=False),
    Chart("dermis", "thickness of the dermis", "% of before",
          (Line("patch_dermal_thickness", "dermis"),), 100.0, floor=None, ceiling=102.0),
)  # fmt: skip

BODY_CHARTS = (
    Chart("salt", "SALT score", "% of scalp",
          (Line("salt", "SALT"), Line("salt_partial", "vellus counted in part", True))),
    Chart("shed", "hairs shed", "per day", (Line("shed_hairs", "shed"),)),
    Chart("dose", "steroid injected so far", "mg", (Line("cumulative_dose", "dose"),),
          both_arms=False),
    Chart("depot", "drug left in all depots", "mg", (Line("depot", "depot"),), 1.0 / _UG_PER_MG,
          both_arms=False),
    Chart("plasma", "drug in blood plasma", "ng/mL", (Line("plasma_concentration", "plasma"),),
          both_arms=False),
    Chart("cortisol", "cortisol", "% of own baseline",
          (Line("cortisol_morning", "morning"), Line("cortisol_mean", "day's mean", True)), 100.0,
          both_arms=False, ceiling=108.0),
    Chart("adrenal", "adrenal capacity", "% of own baseline",
          (Line("adrenal_capacity", "capacity"),), 100.0, both_arms=False, ceiling=108.0),
)  # fmt: skip


def session_weeks(course: "xr.Dataset") -> Array:
    """Weeks of the sessions from the start, those within the course."""
    if "session_day" not in course.coords and "session_day" not in course:
        return np.zeros(0)
    weeks = np.asarray(course["session_day"].values, dtype=float) / _DAYS_PER_WEEK
    last = float(np.asarray(course["time"].values, dtype=float)[-1]) / _DAYS_PER_WEEK
    inside: Array = weeks[(weeks >= 0.0) & (weeks <= last)]
    return inside


def patches_charted(course: "xr.Dataset", limit: int = MAX_PATCHES) -> list[str]:
    """Patches with charts of their own, in the order of the course; the largest when too many."""
    names = [str(name) for name in course["patch"].values] if "patch" in course.coords else []
    if len(names) <= limit or "patch_area" not in course:
        return names[:limit]
    area = np.asarray(course["patch_area"].values, dtype=float)[0]
    kept = set(np.argsort(-area, kind="stable")[:limit].tolist())
    return [name for index, name in enumerate(names) if index in kept]


def chart_groups(course: "xr.Dataset", untreated: "xr.Dataset") -> dict[str, list[Drawing]]:
    """Draw all charts by heading: each patch, then the whole scalp and body.

    What the course does not have is left out.
    """
    weeks = session_weeks(course)
    groups = {
        f"Patch {name}": [
            drawing
            for chart in PATCH_CHARTS
            for drawing in _drawn(chart, course, untreated, name, weeks)
        ]
        for name in patches_charted(course)
    }
    groups["Whole scalp and body"] = [
        drawing
        for chart in BODY_CHARTS
        for drawing in _drawn(chart, course, untreated, None, weeks)
    ]
    return {heading: drawings for heading, drawings in groups.items() if drawings}


def _drawn(
    chart: Chart, course: "xr.Dataset", untreated: "xr.Dataset", patch: str | None, weeks: Array
) -> list[Drawing]:
    lines = [line for line in chart.lines if line.variable in course]
    if not lines:
        return []
    figure = new_figure(*_SIZE)
    axes = figure.add_axes(_BOX)
    tidy(axes)
    for line in lines:
        _plot(axes, chart, line, course, patch, treated=True)
        if chart.both_arms and line.variable in untreated:
            _plot(axes, chart, line, untreated, patch, treated=False)
    _finish(axes, chart, weeks, course)
    if len(lines) > 1 or chart.both_arms:
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, frameon=False,
                    fontsize=8, handlelength=2.3, columnspacing=1.2, labelspacing=0.25,
                    borderaxespad=0.1, labelcolor=INK)  # fmt: skip
    where = f"Patch {patch}, " if patch is not None else ""
    place = "" if patch is None else f"-{patches_charted(course).index(patch) + 1}"
    description = _describe(
        where + chart.title, chart, lines, course=course, untreated=untreated, patch=patch
    )
    return [Drawing(f"curve-{chart.key}{place}", chart.title, description, figure)]


def series(course: "xr.Dataset", variable: str, patch: str | None) -> tuple[Array, Array]:
    """Weeks and values of a variable, of one patch or summed over sessions."""
    data = course[variable]
    if patch is not None and "patch" in data.dims:
        data = data.isel(patch=[str(name) for name in course["patch"].values].index(patch))
    if "session" in data.dims:
        data = data.sum("session")
    along = "day" if "day" in data.dims else "time"
    days = np.asarray(course[along].values, dtype=float)
    values = np.asarray(data.values, dtype=float)
    inside = days >= 0.0
    return days[inside] / _DAYS_PER_WEEK, values[inside]


def _plot(
    axes: "Axes",
    chart: Chart,
    line: Line,
    course: "xr.Dataset",
    patch: str | None,
    *,
    treated: bool,
) -> None:
    weeks, values = series(course, line.variable, patch)
    colour = TREATED if treated else UNTREATED
    if line.second:
        colour = SECOND if treated else UNTREATED
    dashes = "-" if treated else (0, (4.5, 2.2))
    if line.second:
        dashes = (0, (1.2, 1.4)) if treated else (0, (1.2, 2.2))
    arm = ("treated" if treated else "untreated") if chart.both_arms else ""
    many = len(chart.lines) > 1
    label = ", ".join(part for part in (line.label if many else "", arm) if part)
    axes.plot(weeks, chart.scale * values, color=colour, linestyle=dashes, label=label,
              linewidth=1.9, solid_capstyle="round", zorder=4 if treated else 3)  # fmt: skip


def _finish(axes: "Axes", chart: Chart, weeks: Array, course: "xr.Dataset") -> None:
    last = float(np.asarray(course["time"].values, dtype=float)[-1]) / _DAYS_PER_WEEK
    axes.set_xlim(0.0, max(last, 1.0))
    axes.set_xticks(_week_ticks(last))
    low, high = axes.get_ylim()
    low = chart.floor if chart.floor is not None else low
    high = chart.ceiling if chart.ceiling is not None else high + 0.04 * (high - low)
    axes.set_ylim(low, max(high, low + 1e-6))
    axes.set_xlabel("weeks from the start", labelpad=2)
    axes.set_ylabel(chart.unit, labelpad=3)
    if len(weeks):
        axes.plot(weeks, np.full(len(weeks), 0.0), marker=(3, 0, 0), linestyle="none",
                  markersize=8, color=MUTED, markeredgecolor=PAPER, markeredgewidth=0.6,
                  transform=axes.get_xaxis_transform(), clip_on=False, zorder=8)  # fmt: skip


def _week_ticks(last: float) -> list[int]:
    step = next((step for step in (4, 8, 12, 26, 52, 104) if last / step <= 8), 208)
    return list(range(0, int(last) + 1, step))


def _describe(
    title: str,
    chart: Chart,
    lines: Sequence[Line],
    *,
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    patch: str | None,
) -> str:
    """Put the chart in words: first, last, lowest and highest of each line."""
    sentences = [f"{title}, {chart.unit}."]
    arms: Mapping[str, xr.Dataset] = (
        {"treated": course, "untreated": untreated} if chart.both_arms else {"treated": course}
    )
    for line in lines:
        for arm, data in arms.items():
            if line.variable in data:
                values = chart.scale * series(data, line.variable, patch)[1]
                values = values[np.isfinite(values)]
                if len(values):
                    sentences.append(
                        f"{line.label} {arm}: {values[0]:.3g} at the start, {values[-1]:.3g} at "
                        f"the end, lowest {values.min():.3g}, highest {values.max():.3g}."
                    )
    return " ".join(sentences)
