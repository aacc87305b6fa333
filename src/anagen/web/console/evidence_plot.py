"""Published percentages beside what the model predicts for such a study, as SVG."""

from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from anagen.web.console.evidence_tables import Compared

# Picture in its own units; the page scales it.
_WIDTH, _ROW, _TOP, _BOTTOM = 760.0, 26.0, 8.0, 30.0
_LEFT, _RIGHT = 410.0, 26.0
_LONGEST = 60  # characters of a label
_TICKS = (0, 25, 50, 75, 100)


def compared_plot(rows: Sequence[Compared], say: Callable[..., str]) -> Markup:
    """Draw one line a figure: the model's median and interval, the published one as a point.

    Parameters
    ----------
    rows : from top to bottom; say : words in the reader's language.
    """
    if not rows:
        return Markup("")
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts = [
        f'<line class="grid" x1="{_x(tick):.1f}" x2="{_x(tick):.1f}" y1="{_TOP}" '
        f'y2="{height - _BOTTOM}"/><text class="tick middle" x="{_x(tick):.1f}" '
        f'y="{height - 10}">{tick}{" %" if tick == _TICKS[-1] else ""}</text>'
        for tick in _TICKS
    ]
    for place, row in enumerate(rows):
        parts.append(_line(row, _TOP + _ROW * (place + 0.5)))
    title = escape(say("Published figures beside the model's, in per cent"))
    return Markup(
        f'<svg class="chart forest" viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="{title}">{"".join(parts)}</svg>'
    )  # fmt: skip


def _line(row: Compared, y: float) -> str:
    words = row.statement if len(row.statement) <= _LONGEST else f"{row.statement[: _LONGEST - 1]}…"
    low, middle, high = (_x(one) for one in (row.model_low, row.model, row.model_high))
    parts = [
        f'<g><title>{escape(row.statement)}</title>'
        f'<text class="label end" x="{_LEFT - 18}" y="{y + 4:.1f}">{escape(words)}</text>'
        f'<line class="model" x1="{low:.1f}" x2="{high:.1f}" y1="{y - 3:.1f}" y2="{y - 3:.1f}"/>'
        f'<line class="middle" x1="{middle:.1f}" x2="{middle:.1f}" y1="{y - 9:.1f}" '
        f'y2="{y + 3:.1f}"/>'
    ]  # fmt: skip
    if row.low is not None and row.high is not None:
        parts.append(f'<line class="published" x1="{_x(row.low):.1f}" x2="{_x(row.high):.1f}" '
                     f'y1="{y + 6:.1f}" y2="{y + 6:.1f}"/>')  # fmt: skip
    kind = "filled" if row.calibrated else "open"
    parts.append(f'<circle class="published {kind}" cx="{_x(row.published):.1f}" '
                 f'cy="{y + 6:.1f}" r="4"/></g>')  # fmt: skip
    return "".join(parts)


def _x(percent: float) -> float:
    inside = min(max(percent, 0.0), 100.0)
    return _LEFT + inside / 100.0 * (_WIDTH - _LEFT - _RIGHT)
