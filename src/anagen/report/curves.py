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
_BOX = (0.155, 0.185, 0.815, 0.70)
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


@dataclass(frozen=True)
class Topic:
    """Charts that belong together.

    Parameters
    ----------
    key, title, text : heading and one sentence on how to read them.
    per_patch : a chart for every patch.
    whole : charts of the whole scalp or body.
    """

    key: str
    title: str
    text: str
    per_patch: tuple[Chart, ...]
    whole: tuple[Chart, ...]


TOPICS = (
    Topic(
        "hair", "Hair",
        "Visible cover is what an observer sees; fine vellus hair comes before thick terminal hair, "
        "so density rises before calibre and cover.",
        (
            Chart("cover", "visible cover", "% of normal", (Line("patch_cover", "cover"),), 100.0,
                  ceiling=105.0),
            Chart("regrowth", "regrowth of what was missing", "%",
                  (Line("patch_regrowth", "regrowth"),), 100.0, floor=None),
            Chart("density", "visible hairs", "per cm²", (Line("patch_hair_density", "hairs"),)),
            Chart("calibre", "mean hair calibre", "µm", (Line("patch_calibre", "calibre"),)),
            Chart("area", "bald area", "cm²", (Line("patch_area", "bald area"),)),
        ),
        (
            Chart("salt", "SALT score", "% of scalp",
                  (Line("salt", "SALT"), Line("salt_partial", "vellus counted in part", True))),
            Chart("shed", "hairs shed, whole scalp", "per day", (Line("shed_hairs", "shed"),)),
        ),
    ),
    Topic(
        "immunity", "Inflammation",
        "The attack on the follicle falls while the drug is there; whether it stays down decides "
        "whether the hair stays.",
        (
            Chart("attack", "attack and inflammation", "relative",
                  (Line("patch_attack", "attack"),
                   Line("patch_inflammation", "inflammation", True))),
            Chart("privilege", "immune privilege of the follicle", "relative",
                  (Line("patch_privilege", "privilege"),), ceiling=1.05),
        ),
        (),
    ),
    Topic(
        "drug", "Drug",
        "The depot under the skin releases slowly; tissue at the follicle sees far more drug than "
        "blood does.",
        (
            Chart("tissue", "drug at the follicle", "µg/mL",
                  (Line("patch_tissue_concentration", "tissue"),), both_arms=False),
        ),
        (
            Chart("depot", "drug left in all depots", "mg", (Line("depot", "depot"),),
                  1.0 / _UG_PER_MG, both_arms=False),
            Chart("plasma", "drug in blood plasma", "ng/mL",
                  (Line("plasma_concentration", "plasma"),), both_arms=False),
            Chart("dose", "steroid injected so far", "mg", (Line("cumulative_dose", "dose"),),
                  both_arms=False),
        ),
    ),
    Topic(
        "body", "Skin and body",
        "Skin thins under the depot and recovers over months; the body's own cortisol dips after "
        "each session.",
        (
            Chart("dermis", "thickness of the dermis", "% of before",
                  (Line("patch_dermal_thickness", "mean of the patch"),), 100.0, floor=None,
                  ceiling=102.0),
        ),
        (
            Chart("cortisol", "cortisol", "% of own baseline",
                  (Line("cortisol_morning", "morning"), Line("cortisol_mean", "day's mean", True)),
                  100.0, both_arms=False, ceiling=108.0),
            Chart("adrenal", "adrenal capacity", "% of own baseline",
                  (Line("adrenal_capacity", "capacity"),), 100.0, both_arms=False, floor=None,
                  ceiling=102.0),
        ),
    ),
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


def topic_drawings(topic: Topic, course: "xr.Dataset", untreated: "xr.Dataset") -> list[Drawing]:
    """Draw the charts of a topic, leaving out what the course does not have."""
    drawings = []
    weeks = session_weeks(course)
    for chart in topic.whole:
        drawings += _drawn(chart, course, untreated, None, weeks)
    for chart in topic.per_patch:
        for name in patches_charted(course):
            drawings += _drawn(chart, course, untreated, name, weeks)
    return drawings


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
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, frameon=False,
                    fontsize=7.6, handlelength=1.7, columnspacing=1.0, borderaxespad=0.1,
                    labelcolor=INK)  # fmt: skip
    where = f"Patch {patch}: " if patch is not None else ""
    title = f"{where}{chart.title}"
    place = "" if patch is None else f"-{patches_charted(course).index(patch) + 1}"
    description = _describe(title, chart, lines, course, untreated, patch)
    return [Drawing(f"curve-{chart.key}{place}", title, description, figure)]


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
                  markersize=6.5, color=MUTED, markeredgecolor=PAPER, markeredgewidth=0.6,
                  transform=axes.get_xaxis_transform(), clip_on=False, zorder=8)  # fmt: skip


def _week_ticks(last: float) -> list[int]:
    step = next((step for step in (4, 8, 12, 26, 52, 104) if last / step <= 8), 208)
    return list(range(0, int(last) + 1, step))


def _describe(
    title: str,
    chart: Chart,
    lines: Sequence[Line],
    course: "xr.Dataset",
    untreated: "xr.Dataset",
    patch: str | None,
) -> str:
    """The chart in words: first, last, lowest and highest of each line."""
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
