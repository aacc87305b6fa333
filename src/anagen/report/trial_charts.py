"""Figures of a virtual trial, drawn so that they are read on a phone and in print alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anagen.report.plan_picture import Drawing
from anagen.report.style import (
    INK,
    MUTED,
    PATCH,
    RULE,
    SECOND,
    TREATED,
    UNTREATED,
    new_figure,
    tidy,
)
from anagen.trials.protocol import Protocol, is_saline, is_untreated

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Dashes = str | tuple[float, tuple[float, ...]]

_COLOURS = (TREATED, SECOND, PATCH, INK, MUTED)
_DASHES: tuple[Dashes, ...] = (
    "-", (0.0, (5.0, 1.6)), (0.0, (1.3, 1.2)), (0.0, (6.0, 1.5, 1.3, 1.5)), (0.0, (3.0, 1.0)),
)  # fmt: skip
_SHAPES = {
    "o": "M14 6a5 5 0 1 0 10 0a5 5 0 1 0 -10 0", "s": "M14.5 1.5h9v9h-9z",
    "^": "M19 .5L24.5 11h-11z", "D": "M19 0l6 6l-6 6l-6 -6z", "v": "M19 11.5L24.5 1h-11z",
    "X": "M14 3l2 -2l3 3l3 -3l2 2l-3 3l3 3l-2 2l-3 -3l-3 3l-2 -2l3 -3z",
}  # fmt: skip
_MARKERS = ("o", "s", "^", "D", "v")
_SIZE = (4.3, 2.75)  # inches: two fit side by side, one on a phone
_BOX = (0.135, 0.165, 0.845, 0.79)
_WIDE = 4.7
_ROW = 0.46  # inches of a row of a forest: its words above, its bar below
_FEW = 12  # bars from which a histogram is read


@dataclass(frozen=True)
class ArmStyle:
    """How an arm is drawn everywhere on a page.

    Parameters
    ----------
    key, name : of the arm; colour : of its lines; dashes, marker : so that colour is not needed.
    """

    key: str
    name: str
    colour: str
    dashes: Dashes
    marker: str = "X"

    @property
    def shape(self) -> str:
        """The marker as a path within 38 by 12, for the legend."""
        return _SHAPES[self.marker]

    @property
    def dash_array(self) -> str:
        """The dashes for an SVG line of the legend; empty for a full line."""
        if isinstance(self.dashes, str):
            return ""
        return " ".join(f"{2.0 * part:g}" for part in self.dashes[1])


def arm_styles(protocol: Protocol) -> dict[str, ArmStyle]:
    """Styles by key of the arm; the arm without drug has a colour of its own."""
    styles, used = {}, 0
    for arm in protocol.arms:
        if is_saline(arm.treatment) or is_untreated(arm.treatment):
            styles[arm.key] = ArmStyle(arm.key, arm.name, UNTREATED, (0.0, (3.2, 1.6)))
            continue
        colour = _COLOURS[used % len(_COLOURS)]
        styles[arm.key] = ArmStyle(arm.key, arm.name, colour, _DASHES[used % len(_DASHES)],
                                   _MARKERS[used % len(_MARKERS)])  # fmt: skip
        used += 1
    return styles


def curves(
    table: "pd.DataFrame",
    styles: Mapping[str, ArmStyle],
    columns: tuple[str, str, str, str],
    labels: tuple[str, str],
    *,
    key: str,
    title: str,
    steps: bool = False,
    ceiling: float = 100.0,
) -> Drawing:
    """Draw one line an arm with its interval.

    Parameters
    ----------
    table : with ``arm`` and the columns named.
    columns : of the axis, the value, and the ends of its interval; empty for no interval.
    labels : of both axes.
    key, title : of the drawing; steps : whether values stay until the next change; ceiling : top of
        the axis at least reached by nothing.
    """
    across, value, low, high = columns
    figure, axes = _axes()
    sentences = []
    for arm, style in styles.items():
        own = table[table["arm"] == arm]
        if own.empty:
            continue
        x, y = own[across].to_numpy(float), own[value].to_numpy(float)
        kind = "steps-post" if steps else "default"
        axes.plot(x, y, color=style.colour, linestyle=style.dashes, linewidth=1.9,
                  drawstyle=kind, zorder=4)  # fmt: skip
        if low:
            axes.fill_between(x, own[low].to_numpy(float), own[high].to_numpy(float),
                              color=style.colour, alpha=0.13, linewidth=0,
                              step="post" if steps else None, zorder=2)  # fmt: skip
        if np.isfinite(y).any():
            sentences.append(f"{style.name}: {y[np.isfinite(y)][-1]:.3g} at {x[-1]:g}.")
    axes.set_xlim(left=0.0)
    axes.set_ylim(0.0, ceiling)
    axes.set_xlabel(labels[0], labelpad=2)
    axes.set_ylabel(labels[1], labelpad=3)
    return Drawing(key, title, " ".join([f"{title}.", *sentences]), figure)


def _axes(size: tuple[float, float] = _SIZE) -> "tuple[Figure, Axes]":
    figure = new_figure(*size)
    axes = figure.add_axes(_BOX)
    tidy(axes)
    return figure, axes


@dataclass(frozen=True)
class Bar:
    """A row of a forest.

    Parameters
    ----------
    label : in words; figures : the numbers as printed; value, low, high : of the bar.
    colour : of the bar; second : another point with interval below it, or None.
    """

    label: str
    figures: str
    value: float
    low: float
    high: float
    colour: str = TREATED
    second: tuple[float, float, float] | None = None


def forest(
    bars: Sequence[Bar],
    axis: str,
    *,
    key: str,
    title: str,
    zero: float | None = 0.0,
    sides: tuple[str, str] | None = None,
) -> Drawing:
    """Draw estimates with their intervals, each below its own words.

    Parameters
    ----------
    bars : top first; axis : label of the axis; zero : of no difference, None for no such line.
    sides : what lies left and right of it, in words.
    """
    height = _ROW * len(bars) + (0.85 if sides else 0.6)
    figure = new_figure(_WIDE, height)
    bottom = 0.72 if sides else 0.47
    axes = figure.add_axes((0.03, bottom / height, 0.94, (height - bottom - 0.08) / height))
    axes.set_facecolor("none")
    for place, bar in enumerate(bars):
        row = len(bars) - 1 - place
        _bar(axes, bar, row)
        axes.annotate(bar.label, (0.0, row + 0.3), xycoords=("axes fraction", "data"),
                      fontsize=9.2, color=INK, va="center")  # fmt: skip
        axes.annotate(bar.figures, (1.0, row + 0.3), xycoords=("axes fraction", "data"),
                      fontsize=9.2, color=INK, va="center", ha="right")  # fmt: skip
    axes.set_ylim(-0.55, len(bars) - 0.45)
    axes.set_yticks([])
    _limits(axes, bars, zero)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(axis="x", labelsize=9, length=3, colors=MUTED, labelcolor=INK)
    axes.set_xlabel(axis, labelpad=2, color=INK, fontsize=9.2)
    if zero is not None:  # between the words, not through them
        for row in range(len(bars)):
            axes.plot((zero, zero), (row - 0.4, row + 0.12), color=MUTED, linewidth=0.9,
                      linestyle=":", zorder=1)  # fmt: skip
    if sides and zero is not None:
        figure.text(0.03, 0.09 / height, f"← {sides[0]}", fontsize=8.8, color=MUTED)
        figure.text(0.97, 0.09 / height, f"{sides[1]} →", fontsize=8.8, color=MUTED, ha="right")
    words = " ".join(f"{bar.label}: {bar.figures}." for bar in bars)
    return Drawing(key, title, f"{title}, {axis}. {words}", figure)


def _bar(axes: "Axes", bar: Bar, row: int) -> None:
    middle = row - 0.12
    axes.plot((bar.low, bar.high), (middle, middle), color=bar.colour, linewidth=1.8,
              solid_capstyle="butt", zorder=3)  # fmt: skip
    axes.plot([bar.value], [middle], marker="s", markersize=6.2, color=bar.colour, zorder=4)
    if bar.second is not None:
        value, low, high = bar.second
        axes.plot((low, high), (middle - 0.2,) * 2, color=UNTREATED, linewidth=1.3, zorder=3)
        axes.plot([value], [middle - 0.2], marker="o", markersize=5.2, color=UNTREATED, zorder=4)


def _limits(axes: "Axes", bars: Sequence[Bar], zero: float | None) -> None:
    ends = [end for bar in bars for end in (bar.low, bar.high, bar.value, *(bar.second or ()))]
    inside = [end for end in ends if np.isfinite(end)] + ([] if zero is None else [zero])
    low, high = min(inside, default=0.0), max(inside, default=1.0)
    room = 0.06 * max(high - low, 1e-6)
    axes.set_xlim(low - room, high + room)


def dose_chart(
    table: "pd.DataFrame",
    styles: Mapping[str, ArmStyle],
    columns: tuple[str, str, str],
    label: str,
    *,
    key: str,
    title: str,
) -> Drawing:
    """Draw an outcome of every arm against the milligrams that it was given, with intervals."""
    value, low, high = columns
    figure, axes = _axes()
    table = table.sort_values("mg")
    axes.plot(table["mg"], table[value], color=RULE, linewidth=1.2, zorder=2)
    sentences = []
    for row in table.to_dict("records"):
        style = styles[row["arm"]]
        axes.errorbar(row["mg"], row[value], yerr=[[max(row[value] - row[low], 0.0)],
                      [max(row[high] - row[value], 0.0)]], fmt=style.marker,
                      color=style.colour, markersize=7.0, linewidth=1.7, zorder=4)  # fmt: skip
        sentences.append(f"{style.name}: {row[value]:.3g} at {row['mg']:.3g} mg.")
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(left=0.0 if table["mg"].min() > 0.0 else -0.04 * max(table["mg"].max(), 1.0))
    axes.set_xlabel("mg of steroid, mean", labelpad=2)
    axes.set_ylabel(label, labelpad=3)
    return Drawing(key, title, " ".join([f"{title}.", *sentences]), figure)


def histogram(values: np.ndarray, label: str, *, key: str, title: str, colour: str) -> Drawing:
    """Draw how the estimates of many replicates are spread, with their mean and 95 %."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _axes()
    values = values[np.isfinite(values)]
    bins = int(np.clip(np.sqrt(len(values)), _FEW, 40))
    axes.hist(values, bins=bins, color=colour, alpha=0.55, zorder=3)
    low, high = np.percentile(values, (2.5, 97.5))
    axes.axvline(0.0, color=MUTED, linewidth=0.9, linestyle=":", zorder=4)
    axes.axvline(values.mean(), color=INK, linewidth=1.4, zorder=5)
    for end in (low, high):
        axes.axvline(end, color=INK, linewidth=1.0, linestyle="--", zorder=5)
    axes.set_xlabel(label, labelpad=2)
    axes.set_ylabel("trials", labelpad=3)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    words = (f"{title}. {len(values)} replicates, mean {values.mean():.3g}, 95 % of them between "
             f"{low:.3g} and {high:.3g}.")  # fmt: skip
    return Drawing(key, title, words, figure)
