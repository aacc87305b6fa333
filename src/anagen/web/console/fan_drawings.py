"""Small charts as SVG: a median with its intervals by week, in the colours of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

# Picture in its own units; the page scales it.
_WIDTH, _HEIGHT = 440.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 12.0, 14.0, 36.0
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)

Values = Sequence[float | None]


@dataclass(frozen=True)
class Band:
    """An interval by week, in the unit of the axis."""

    low: Values
    high: Values


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Parameters
    ----------
    name : in words; kind : ``treated``, ``untreated`` or ``second``, which gives the colour.
    middle : by week, in the unit of the axis; bands : widest first.
    """

    name: str
    kind: str
    middle: Values
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A week to be pointed out, such as a gate, and a reading at it where there is one."""

    week: float
    name: str
    value: float | None = None


@dataclass(frozen=True)
class Chart:
    """What a chart shows.

    Parameters
    ----------
    title : in words, also for readers of screens; weeks : along the axis.
    lines : the last one stands on top; ceiling : end of the axis upwards [%].
    marks : weeks pointed out; week_words : name of the axis of weeks.
    """

    title: str
    weeks: Sequence[int]
    lines: tuple[Line, ...]
    ceiling: float = 100.0
    marks: tuple[Mark, ...] = ()
    week_words: str = "weeks"


def ceiling_of(lines: Sequence[Line]) -> float:
    """Give a round end of the axis [%] above everything drawn.

    Examples
    --------
    >>> ceiling_of([Line("a", "treated", (0.0, 12.0))])
    20.0
    """
    most = max((value for line in lines
                for part in (line.middle, *(band.high for band in line.bands))
                for value in part if value is not None), default=0.0)  # fmt: skip
    return next((end for end in (5.0, 10.0, 20.0, 40.0, 60.0) if most <= end), 100.0)


def drawn(chart: Chart) -> Markup:
    """Draw a chart.

    Examples
    --------
    >>> line = Line("treated", "treated", (0.0, 50.0), (Band((0.0, 20.0), (0.0, 80.0)),))
    >>> "polyline" in drawn(Chart("Regrowth", (0, 1), (line,)))
    True
    """
    parts = [*_axes(chart), *_marks(chart)]
    for line in chart.lines:
        parts += [_area(chart, line, band) for band in line.bands]
    for line in chart.lines:
        parts += [
            f'<polyline class="line {escape(line.kind)}" points="{points}"/>'
            for points in _runs(chart, line.middle)
        ]
    parts += [
        f'<circle class="seen" cx="{_x(chart, mark.week):.1f}" cy="{_y(chart, mark.value):.1f}" '
        'r="4.5"/>'
        for mark in chart.marks
        if mark.value is not None
    ]
    return Markup(
        '<svg class="fan" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{title}">'
        "{parts}</svg>"
    ).format(width=_WIDTH, height=_HEIGHT, title=chart.title, parts=Markup("".join(parts)))


def _axes(chart: Chart) -> list[str]:
    parts = []
    for share in _QUARTERS:
        value = share * chart.ceiling
        y = _y(chart, value)
        unit = " %" if share == _QUARTERS[-1] else ""
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick end" x="{_LEFT - 7}" y="{y + 4:.1f}">{value:g}{unit}</text>'
        )
    last = int(chart.weeks[-1]) if chart.weeks else 0
    step = next((size for size in (4, 8, 13, 26, 52) if last <= 7 * size), 52)
    for week in range(0, last + 1, step):
        x = _x(chart, week)
        parts.append(f'<text class="tick middle" x="{x:.1f}" y="{_HEIGHT - 18}">{week}</text>')
    parts.append(f'<text class="tick middle" x="{(_LEFT + _WIDTH - _RIGHT) / 2:.1f}" '
                 f'y="{_HEIGHT - 3}">{escape(chart.week_words)}</text>')  # fmt: skip
    return parts


def _marks(chart: Chart) -> list[str]:
    return [
        f'<line class="mark" x1="{_x(chart, mark.week):.1f}" x2="{_x(chart, mark.week):.1f}" '
        f'y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/><text class="tick middle" '
        f'x="{_x(chart, mark.week):.1f}" y="{_TOP - 3}">{escape(mark.name)}</text>'
        for mark in chart.marks
        if mark.value is None
    ]


def _area(chart: Chart, line: Line, band: Band) -> str:
    rows = [(week, low, high)
            for week, low, high in zip(chart.weeks, band.low, band.high, strict=True)
            if low is not None and high is not None]  # fmt: skip
    there = [f"{_x(chart, week):.1f},{_y(chart, high):.1f}" for week, _, high in rows]
    back = [f"{_x(chart, week):.1f},{_y(chart, low):.1f}" for week, low, _ in reversed(rows)]
    return f'<polygon class="band {escape(line.kind)}" points="{" ".join([*there, *back])}"/>'


def _runs(chart: Chart, values: Values) -> list[str]:
    """Points of a line, cut where there is no figure."""
    runs: list[list[str]] = [[]]
    for week, value in zip(chart.weeks, values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{_x(chart, week):.1f},{_y(chart, value):.1f}")
    return [" ".join(run) for run in runs if run]


def _x(chart: Chart, week: float) -> float:
    first, last = (chart.weeks[0], chart.weeks[-1]) if chart.weeks else (0, 1)
    return _LEFT + (week - first) / max(last - first, 1) * (_WIDTH - _LEFT - _RIGHT)


def _y(chart: Chart, value: float) -> float:
    share = min(max(value / chart.ceiling, 0.0), 1.0)
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)
