"""Charts of the console as SVG text: one family, coloured by the style sheet, described in words.

Nothing here knows a language or a unit: words come with the data.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Literal

from markupsafe import Markup, escape

Role = Literal["treated", "untreated", "past"]
Day = date

# Sizes in pixels of the view box; text is drawn at the size of the page's small text.
_LEFT, _RIGHT, _TOP, _BOTTOM = 42.0, 12.0, 24.0, 26.0
_TEXT_WIDTH = 6.6
_MONTH_GAP = 34.0
_NUMBERS = count(1)


@dataclass(frozen=True)
class Band:
    """An interval over time.

    Parameters
    ----------
    level : its probability [%]; low, high : by day of the fan.
    """

    level: int
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Fan:
    """What a forecast says of one curve under one plan.

    Parameters
    ----------
    name : in words.
    role : treated, untreated or past.
    days : of its values; median : by day; bands : widest first.
    """

    name: str
    role: Role
    days: tuple[Day, ...]
    median: tuple[float, ...]
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True)
class Point:
    """A reading, with its error where it is known."""

    day: Day
    value: float
    low: float | None = None
    high: float | None = None
    words: str = ""


@dataclass(frozen=True)
class Mark:
    """Something that happened, or will, on a day.

    Parameters
    ----------
    kind : given, planned, or gate; words : what it is.
    """

    day: Day
    kind: Literal["given", "planned", "gate"]
    words: str


@dataclass(frozen=True)
class Chart:
    """A chart over time.

    Parameters
    ----------
    title, description : in words.
    unit : of the axis.
    points, fans, marks : what it shows.
    steps : (day, value) of a quantity that grows in steps.
    today : the day that parts past and future, with its word.
    ceiling : least upper end of the axis.
    most : end of the axis that is never passed.
    """

    title: str
    description: str
    unit: str
    points: tuple[Point, ...] = ()
    fans: tuple[Fan, ...] = ()
    marks: tuple[Mark, ...] = ()
    steps: tuple[tuple[Day, float], ...] = ()
    today: Day | None = None
    today_word: str = ""
    ceiling: float = 0.0
    most: float = math.inf
    month: Callable[[Day], str] = field(default=lambda day: f"{day:%b %y}", compare=False)


@dataclass(frozen=True)
class _Scale:
    """From days and values to pixels."""

    first: Day
    last: Day
    top: float
    width: float
    height: float

    def x(self, day: Day) -> float:
        span = max((self.last - self.first).days, 1)
        inside = self.width - _LEFT - _RIGHT
        return _LEFT + inside * (day - self.first).days / span

    def y(self, value: float) -> float:
        inside = self.height - _TOP - _BOTTOM
        return _TOP + inside * (1.0 - min(max(value, 0.0), self.top) / self.top)


def time_chart(chart: Chart, width: int = 360, height: int = 220) -> Markup:
    """Draw a chart over time.

    Parameters
    ----------
    chart : what it shows.
    width, height : of the view box [pixel]; text keeps its size only when drawn about so wide.

    Returns
    -------
    Markup
        SVG with a title and a description; empty when there is nothing to show.

    Examples
    --------
    >>> point = Point(date(2026, 1, 5), 12.0)
    >>> "<title" in time_chart(Chart("SALT", "One reading.", "%", points=(point,)))
    True
    """
    days = sorted(_days(chart))
    if not days:
        return Markup("")
    first, last = days[0], max(days[-1], days[0] + timedelta(days=28))
    pad = timedelta(days=max(2, round((last - first).days * 0.03)))
    top = min(_axis_end(max([chart.ceiling, 1e-6, *_values(chart)])), chart.most)
    scale = _Scale(first - pad, last + pad / 2, top, float(width), float(height))
    key = f"chart-{next(_NUMBERS)}"
    parts = [
        _frame(scale, chart),
        *(_bands(scale, fan) for fan in chart.fans),
        *(_mark(scale, mark) for mark in chart.marks),
        *(_median(scale, fan) for fan in chart.fans),
        _steps(scale, chart.steps),
        *(_point(scale, point) for point in chart.points),
    ]
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{escape(chart.title)}</title>'
        f'<desc id="{key}-d">{escape(chart.description)}</desc>{"".join(parts)}</svg>'
    )


Level = Literal["calm", "near", "unusual", "passed"]


def gauge(title: str, share: float, words: str, *, level: Level = "calm") -> Markup:
    """Draw how much of a limit is used.

    Parameters
    ----------
    title : of the limit; share : of it that is used [1].
    words : the same as a sentence; level : colour, which the words say too.

    Examples
    --------
    >>> "gauge-calm" in gauge("Volume", 0.5, "half of it")
    True
    """
    end = 1.25
    full = 240.0
    used = full * min(max(share, 0.0), end) / end
    limit = full / end
    key = f"gauge-{next(_NUMBERS)}"
    return Markup(
        f'<svg class="gauge gauge-{level}" viewBox="0 0 {full:g} 14" role="img" '
        f'preserveAspectRatio="none" aria-labelledby="{key}"><title id="{key}">'
        f"{escape(title)}: {escape(words)}</title>"
        f'<rect class="gauge-all" x="0" y="3" width="{full:g}" height="8" rx="4"/>'
        f'<rect class="gauge-used" x="0" y="3" width="{used:.1f}" height="8" rx="4"/>'
        f'<line class="gauge-limit" x1="{limit:.1f}" x2="{limit:.1f}" y1="0" y2="14"/></svg>'
    )


def _days(chart: Chart) -> Iterable[Day]:
    yield from (point.day for point in chart.points)
    yield from (mark.day for mark in chart.marks)
    yield from (day for day, _ in chart.steps)
    for fan in chart.fans:
        yield from fan.days
    if chart.today is not None and (chart.points or chart.steps or chart.fans):
        yield chart.today


def _values(chart: Chart) -> Iterable[float]:
    yield from (value for point in chart.points for value in (point.value, point.high or 0.0))
    yield from (value for _, value in chart.steps)
    for fan in chart.fans:
        yield from fan.median
        for band in fan.bands:
            yield from band.high


def _step(value: float) -> float:
    """Distance between ticks: 1, 2, 2.5 or 5 at a power of ten, for three to five of them."""
    rough = value / 4.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(one * power for one in (1.0, 2.0, 2.5, 5.0, 10.0) if rough <= one * power * 1.001)


def _axis_end(value: float) -> float:
    step = _step(value)
    return step * math.ceil(value / step - 1e-9)


def _frame(scale: _Scale, chart: Chart) -> str:
    parts = [f'<text class="axis" x="4" y="14">{escape(chart.unit)}</text>']
    step = _step(scale.top)
    for at in range(int(scale.top / step + 1e-6) + 1):
        value = step * at
        y = scale.y(value)
        if at:
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{scale.width - _RIGHT:g}" y1="{y:.1f}" '
                f'y2="{y:.1f}"/>'
            )
        parts.append(
            f'<text class="tick" text-anchor="end" x="{_LEFT - 6}" y="{y + 4:.1f}">{value:g}</text>'
        )
    base = scale.y(0.0)
    parts.append(
        f'<line class="axis-line" x1="{_LEFT}" x2="{scale.width - _RIGHT:g}" y1="{base:.1f}" '
        f'y2="{base:.1f}"/>'
    )
    parts += list(_months(scale, chart.month))
    if chart.today is not None and scale.first < chart.today <= scale.last:
        parts.append(_today(scale, chart.today, chart.today_word))
    return "".join(parts)


def _today(scale: _Scale, day: Day, word: str) -> str:
    x = scale.x(day)
    wide = _TEXT_WIDTH * len(word)
    anchor, at = ("end", x - 4) if x + wide + 4 > scale.width - _RIGHT else ("start", x + 4)
    return (
        f'<line class="today" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 12}" '
        f'y2="{scale.height - _BOTTOM:g}"/>'
        f'<text class="axis" text-anchor="{anchor}" x="{at:.1f}" y="14">'
        f"{escape(word)}</text>"
    )


def _months(scale: _Scale, words: Callable[[Day], str]) -> Iterable[str]:
    """Ticks at the beginning of months, as many as fit."""
    firsts = []
    year, month = scale.first.year, scale.first.month
    while True:
        month += 1
        if month == 13:
            year, month = year + 1, 1
        day = date(year, month, 1)
        if day > scale.last:
            break
        firsts.append(day)
    room = max(int((scale.width - _LEFT - _RIGHT) / (_MONTH_GAP * 1.7)), 1)
    every = next((n for n in (1, 2, 3, 6, 12) if len(firsts) / n <= room), 12)
    y = scale.height - _BOTTOM
    for day in firsts:
        if (day.month - 1) % every:
            continue
        x = scale.x(day)
        yield f'<line class="axis-line" x1="{x:.1f}" x2="{x:.1f}" y1="{y:g}" y2="{y + 4:g}"/>'
        if _LEFT + 8 < x < scale.width - 22:
            yield (
                f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{y + 17:g}">'
                f"{escape(words(day))}</text>"
            )


def _bands(scale: _Scale, fan: Fan) -> str:
    parts = []
    for band in sorted(fan.bands, key=lambda one: -one.level):
        upper = [(day, value) for day, value in zip(fan.days, band.high, strict=True)]
        lower = [(day, value) for day, value in zip(fan.days, band.low, strict=True)]
        parts.append(
            f'<path class="band {fan.role} band-{band.level}" '
            f'd="{_line(scale, [*upper, *reversed(lower)])}Z"/>'
        )
    return "".join(parts)


def _median(scale: _Scale, fan: Fan) -> str:
    line = _line(scale, list(zip(fan.days, fan.median, strict=True)))
    return f'<path class="median {fan.role}" d="{line}"/>'


def _line(scale: _Scale, places: Sequence[tuple[Day, float]]) -> str:
    return "M" + "L".join(f"{scale.x(day):.1f} {scale.y(value):.1f}" for day, value in places)


def _steps(scale: _Scale, steps: Sequence[tuple[Day, float]]) -> str:
    if not steps:
        return ""
    places: list[tuple[Day, float]] = [(scale.first, 0.0)]
    for day, value in sorted(steps):
        places += [(day, places[-1][1]), (day, value)]
    end = max(scale.last - timedelta(days=1), places[-1][0])
    places.append((end, places[-1][1]))
    area = [*places, (end, 0.0), (scale.first, 0.0)]
    return (
        f'<path class="step-area" d="{_line(scale, area)}Z"/>'
        f'<path class="step" d="{_line(scale, places)}"/>'
    )


def _point(scale: _Scale, point: Point) -> str:
    x, y = scale.x(point.day), scale.y(point.value)
    error = ""
    if point.low is not None and point.high is not None:
        low, high = scale.y(point.low), scale.y(point.high)
        error = f'<line class="error" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
    words = f"<title>{escape(point.words)}</title>" if point.words else ""
    return f'<g>{words}{error}<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="4"/></g>'


def _mark(scale: _Scale, mark: Mark) -> str:
    x, base = scale.x(mark.day), scale.height - _BOTTOM
    words = f"<title>{escape(mark.words)}</title>"
    if mark.kind == "gate":
        return (
            f'<g>{words}<line class="gate" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP:g}" '
            f'y2="{base:g}"/></g>'
        )
    return f'<path class="session {mark.kind}" d="M{x:.1f} {base - 1:g}l-4.5 -8h9z">{words}</path>'
