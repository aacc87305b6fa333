"""Picture of the study of the forecast: ranks of the truth, intervals and errors by visits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.report.study_aims import share_interval, visit_words, visits_of
from anagen.report.style import INK, MUTED, RULE, SECOND, TREATED, UNTREATED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS, _PLACES = 8, 64
_CHANCE = 0.99
_AIM = (85.0, 95.0)
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.17, 0.62, 0.90, 0.06


def study_figure(study: Mapping[str, Any]) -> "Figure":
    """Draw ranks by quantity and visits at the left; coverage, width and errors at the right.

    Parameters
    ----------
    study : as `anagen.forecast.studies` writes it.
    """
    figure = new_figure(11.0, 8.2)
    _ranks(figure, study)
    visits = list(visits_of(study))
    panels = [figure.add_axes((0.71, bottom, 0.27, 0.205)) for bottom in (0.695, 0.385, 0.075)]
    _coverage(panels[0], study, visits)
    _width(panels[1], study, visits)
    _errors(panels[2], study, visits)
    for panel in panels:
        panel.set_xticks(range(len(visits)), [str(one) for one in visits])
        panel.set_xlim(-0.4, len(visits) - 0.6)
        tidy(panel)
    panels[-1].set_xlabel("visits seen", color=INK, fontsize=9)
    return figure


def _ranks(figure: "Figure", study: Mapping[str, Any]) -> None:
    by_visits = {visits: _counts(study, visits) for visits in visits_of(study)}
    names = list(next(iter(by_visits.values())))
    highest = max(max(row) for each in by_visits.values() for row in each.values())
    width, height = (_RIGHT - _LEFT) / len(by_visits), (_TOP - _BOTTOM) / len(names)
    figure.text(0.02, 0.965, "Rank of the truth among 63 people of the forecast", color=INK,
                fontsize=10)  # fmt: skip
    figure.text(0.02, 0.94, "grey: 99 % of bins, were every rank as likely; brown: bins outside",
                color=MUTED, fontsize=8.5)  # fmt: skip
    for column, (visits, each) in enumerate(by_visits.items()):
        left = _LEFT + column * width
        figure.text(left + 0.45 * width, _TOP + 0.008, visit_words(visits), ha="center",
                    color=INK, fontsize=9)  # fmt: skip
        for row, name in enumerate(names):
            bottom = _TOP - (row + 1) * height
            axes = figure.add_axes((left, bottom + 0.1 * height, 0.9 * width, 0.8 * height))
            _histogram(axes, each[name], 1.15 * highest)
            if column == 0:
                figure.text(_LEFT - 0.012, bottom + 0.5 * height, _two_lines(name), ha="right",
                            va="center", color=INK, fontsize=8.5)  # fmt: skip


def _two_lines(name: str) -> str:
    module, _, rest = name.partition(".")
    return f"{module}\n{rest.replace('_', ' ')}" if rest else name


def _counts(study: Mapping[str, Any], visits: int) -> dict[str, Sequence[int]]:
    """How many truths fall into each bin of ranks, of the cover and of every trait."""
    mine = [stage for stage in study["stages"] if stage["visits"] == visits]
    ranks = {"cover": [stage["rank_cover"][0] for stage in mine]}
    ranks |= {name: [stage["ranks"][name] for stage in mine] for name in mine[0]["ranks"]}
    return {
        name: np.bincount(np.array(values) * _BINS // _PLACES, minlength=_BINS).tolist()
        for name, values in ranks.items()
    }


def _histogram(axes: "Axes", counts: Sequence[int], top: float) -> None:
    from scipy.stats import binom

    low, high = binom.interval(_CHANCE, sum(counts), 1.0 / _BINS)
    axes.axhspan(low, high, color=RULE, alpha=0.75, linewidth=0)
    colours = [TREATED if low <= one <= high else UNTREATED for one in counts]
    axes.bar(np.arange(_BINS), counts, width=0.78, color=colours)
    axes.axhline(sum(counts) / _BINS, color=MUTED, linewidth=0.7, linestyle=":")
    axes.set_ylim(0.0, max(top, 1.12 * high))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.spines["bottom"].set_linewidth(0.7)


def _title(axes: "Axes", words: str) -> None:
    axes.set_title(words, color=INK, fontsize=10, loc="left")


def _coverage(axes: "Axes", study: Mapping[str, Any], visits: Sequence[int]) -> None:
    found = np.array([share_interval(study, one) for one in visits]) * 100.0
    axes.axhspan(*_AIM, color=RULE, alpha=0.75, linewidth=0)
    axes.axhline(90.0, color=MUTED, linewidth=0.9, linestyle="--")
    for place, (share, low, high) in enumerate(found):
        axes.plot([place, place], [low, high], color=TREATED, linewidth=2.2,
                  solid_capstyle="butt")  # fmt: skip
        axes.plot([place], [share], "o", color=TREATED, markersize=5)
    axes.set_ylim(min(78.0, float(found[:, 1].min()) - 2.0), 100.0)
    _title(axes, "Truths in the 90 % interval [%], aim grey")


def _width(axes: "Axes", study: Mapping[str, Any], visits: Sequence[int]) -> None:
    rows = visits_of(study)
    widths = [rows[one]["width"] for one in visits]
    axes.bar(range(len(visits)), widths, width=0.5, color=TREATED)
    for place, width in enumerate(widths):
        axes.text(place, width, f"{width:.2f}", ha="center", va="bottom", color=INK, fontsize=8.5)
    axes.set_ylim(0.0, 1.18 * max(widths))
    _title(axes, "Mean width of that interval, cover [1]")


def _errors(axes: "Axes", study: Mapping[str, Any], visits: Sequence[int]) -> None:
    rows = visits_of(study)
    lines = {
        "population mean": ("population_mean", MUTED, "s"),
        "last reading": ("carried", UNTREATED, "^"),
        "median of the forecast": ("error", TREATED, "o"),
        "whole forecast (CRPS)": ("crps", SECOND, "D"),
    }
    top = 0.0
    for words, (name, colour, mark) in lines.items():
        values = [rows[one][name] for one in visits]
        top = max(top, *values)
        axes.plot(range(len(visits)), values, mark, linestyle="-", color=colour, markersize=4.5,
                  linewidth=1.4, label=words)  # fmt: skip
    axes.set_ylim(0.0, 1.45 * top)
    axes.legend(fontsize=7.5, frameon=False, ncols=2, loc="upper right", labelcolor=INK,
                columnspacing=1.0, handlelength=1.6)  # fmt: skip
    _title(axes, "Error of cover at week 24 [1]")
