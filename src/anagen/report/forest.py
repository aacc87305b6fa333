"""Forest plot: every comparable published arm against what the model predicts for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anagen.report.style import INK, MUTED, RULE, TREATED, UNTREATED, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from anagen.evidence.published import Span
    from anagen.population.predict import Prediction

_TITLES = {
    "regrowth_at_least": "Regrowth at least the threshold (%)",
    "regrowth_between": "Regrowth between two thresholds (%)",
    "complete": "Complete regrowth (%)",
    "no_response": "No response (%)",
    "visible_regrowth": "New hair seen (%)",
    "terminal_fraction": "Terminal hair back (%)",
    "mean_regrowth": "Mean regrowth (%)",
    "mean_salt_reduction": "Mean reduction of SALT (%)",
    "onset_week": "Response begins (week)",
    "sessions_to_complete": "Sessions to complete regrowth",
    "odds_ratio": "Odds ratio of response",
}
_WIDTH, _ROW, _GROUP, _HEAD = 10.0, 0.23, 0.6, 0.8  # inches
_LEFT, _RIGHT = 0.45, 0.975  # of the width
_LONGEST = 64  # characters of a label


@dataclass(frozen=True)
class Row:
    """One arm of the plot.

    Parameters
    ----------
    label : study, arm, week and size in words.
    published : figure, with its 95 % interval; predicted : median, 50 and 95 % intervals.
    calibrated : whether the model was calibrated with such rows.
    """

    label: str
    published: tuple[float, float, float]
    predicted: float
    middle: tuple[float, float]
    whole: tuple[float, float]
    calibrated: bool


def forest_rows(predictions: Sequence["Prediction"]) -> dict[str, list[Row]]:
    """Rows by endpoint, in the order of the titles, highest published figure first."""
    groups: dict[str, list[Row]] = {kind: [] for kind in _TITLES}
    for one in predictions:
        groups[one.case.endpoint.kind].append(
            Row(_label(one), _interval(one), one.predicted,
                (one.low[50], one.high[50]), (one.low[95], one.high[95]), one.case.calibrate)
        )  # fmt: skip
    ordered = {
        kind: sorted(rows, key=lambda row: (-row.published[0], row.label))
        for kind, rows in groups.items()
    }
    return {kind: rows for kind, rows in ordered.items() if rows}


def _interval(prediction: "Prediction") -> tuple[float, float, float]:
    from anagen.population.published_intervals import case_interval

    return prediction.published, *case_interval(prediction.case, prediction.unit)


def _label(prediction: "Prediction") -> str:
    case, arm = prediction.case, prediction.case.arm
    parts = [f"{arm.study_id.replace('_', ' ')}, {arm.arm}"]
    if arm.threshold is not None:
        parts.append(_threshold(arm.threshold))
    if arm.time_weeks is not None:
        parts.append(f"wk {arm.time_weeks:g}")
    if case.total is not None:
        parts.append(f"n {'' if case.total_known else '~'}{case.total}")
    label = "; ".join(parts)
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def _threshold(span: "Span") -> str:
    if span.low is None or span.high is None:
        return span.text
    low, high = (f"{100.0 * end:g}" for end in (span.low, span.high))
    return f"≥ {low} %" if low == high else f"{low}-{high} %"


def forest_plot(predictions: Sequence["Prediction"]) -> "Figure":
    """Draw the plot: one panel an endpoint, published in front of predicted.

    Parameters
    ----------
    predictions : of `anagen.population.predict.predict_cases`.

    Returns
    -------
    Figure
        A blue bar is the model's 50 % interval, the thin line its 95 %; the point is what was
        published, filled where the model was calibrated with the row.
    """
    groups = forest_rows(predictions)
    count = sum(len(rows) for rows in groups.values())
    height = _HEAD + _ROW * count + _GROUP * len(groups) - 0.2
    figure = new_figure(_WIDTH, height)
    top = height - _HEAD
    for kind, rows in groups.items():
        tall = _ROW * len(rows)
        box = (_LEFT, (top - tall) / height, _RIGHT - _LEFT, tall / height)
        axes = figure.add_axes(box)
        _panel(axes, kind, rows)
        figure.text(0.012, (top + 0.08) / height, _TITLES[kind], fontsize=10, color=INK,
                    weight="bold", va="bottom")  # fmt: skip
        top -= tall + _GROUP
    _legend(figure, height)
    return figure


def _panel(axes: "Axes", kind: str, rows: Sequence[Row]) -> None:
    ratio = kind == "odds_ratio"
    axes.set_facecolor("none")
    for place, row in enumerate(reversed(rows)):
        axes.plot(row.whole, (place, place), color=TREATED, linewidth=1.1, solid_capstyle="butt")
        axes.plot(row.middle, (place, place), color=TREATED, linewidth=6.0, alpha=0.35,
                  solid_capstyle="butt")  # fmt: skip
        axes.plot([row.predicted], [place], marker="|", color=TREATED, markersize=8,
                  markeredgewidth=1.6)  # fmt: skip
        centre, low, high = row.published
        axes.plot((low, high), (place - 0.24, place - 0.24), color=UNTREATED, linewidth=1.0)
        axes.plot([centre], [place - 0.24], marker="o", markersize=4.2, color=UNTREATED,
                  markerfacecolor=UNTREATED if row.calibrated else "white")  # fmt: skip
    axes.set_yticks(range(len(rows)), [row.label for row in reversed(rows)])
    axes.set_ylim(-0.62, len(rows) - 0.38)
    if ratio:
        axes.set_xscale("log")
        axes.set_xticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
        axes.minorticks_off()
        axes.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=":")
    elif "%" in _TITLES[kind]:
        axes.set_xlim(-2, 102)
        axes.set_xticks(range(0, 101, 20))
    else:
        axes.set_xlim(left=0.0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.grid(True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0, labelsize=8.4, labelcolor=INK)
    axes.tick_params(axis="x", length=2.5, labelsize=8.4, colors=MUTED, labelcolor=INK, pad=2)


def _legend(figure: "Figure", height: float) -> None:
    from matplotlib.lines import Line2D

    def point(face: str, label: str) -> Line2D:
        return Line2D([], [], color=UNTREATED, marker="o", markersize=4.2, linewidth=1.0,
                      markerfacecolor=face, label=label)  # fmt: skip

    entries = [
        Line2D([], [], color=TREATED, linewidth=6.0, alpha=0.35, label="model, 50 % of studies"),
        Line2D([], [], color=TREATED, linewidth=1.1, marker="|", markersize=8,
               markeredgewidth=1.6, label="model, median and 95 %"),
        point(UNTREATED, "published, calibrated to"),
        point("white", "published, not calibrated to"),
    ]  # fmt: skip
    figure.legend(handles=entries, loc="upper left", ncols=4, fontsize=8.6, frameon=False,
                  bbox_to_anchor=(0.005, 1.0 - 0.08 / height), handlelength=1.8,
                  columnspacing=1.6)  # fmt: skip
