"""Numbers and sentences of a trial report, each number with as many digits as mean something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

_LEAST_P = 0.001
_WHOLE_MONEY = 100.0
_FINE_P = 0.095


@dataclass(frozen=True)
class Shown:
    """A table as a page shows it.

    Parameters
    ----------
    caption : what it holds; heads : of its columns; rows : cells in words, the first names the row.
    groups : heading of the rows from a row on, by its number; none where rows stand alone.
    words : how many columns from the left hold words, not numbers; note : below it.
    folded : whether a page shows it only when asked.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    groups: Mapping[int, str] = field(default_factory=dict)
    words: int = 1
    note: str = ""
    folded: bool = False


def grouped(
    caption: str,
    heads: tuple[str, ...],
    parts: Mapping[str, Sequence[tuple[str, ...]]],
    **more: Any,
) -> Shown:
    """Make a table of rows in groups, each below its heading.

    Examples
    --------
    >>> grouped("Visits", ("Week",), {"Arm A": [("4",), ("8",)], "Arm B": [("4",)]}).groups
    {0: 'Arm A', 2: 'Arm B'}
    """
    rows: list[tuple[str, ...]] = []
    groups = {}
    for name, own in parts.items():
        groups[len(rows)] = name
        rows += own
    return Shown(caption, heads, tuple(rows), groups, **more)


def figure(value: Any, decimals: int = 1) -> str:
    """Write a number; a dash where there is none.

    Examples
    --------
    >>> figure(43.478), figure(-0.04), figure(float("nan")), figure(1234.5, 0)
    ('43.5', '0.0', '–', '1,234')
    """
    if value is None or not isfinite(float(value)):
        return "–"
    text = f"{float(value):,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def count(value: Any) -> str:
    """Write a number of people; a mean over replicates with one decimal.

    Examples
    --------
    >>> count(1200), count(7.25), count(8.0)
    ('1,200', '7.2', '8')
    """
    if not isfinite(float(value)):
        return "–"
    return figure(value, 0 if abs(float(value) - round(float(value))) < 1e-9 else 1)


def interval(value: Any, low: Any, high: Any, decimals: int = 1) -> str:
    """Write an estimate with its interval.

    Examples
    --------
    >>> interval(43.5, 30.2, 57.8), interval(None, None, None)
    ('43.5 (30.2 to 57.8)', '–')
    """
    if value is not None and float(value) == inf and low is not None and isfinite(float(low)):
        return f"∞ (from {figure(low, decimals)})"
    if value is None or not isfinite(float(value)):
        return "–"
    if low is None or not isfinite(float(low)):
        return figure(value, decimals)
    return f"{figure(value, decimals)} ({figure(low, decimals)} to {figure(high, decimals)})"


def chance_words(p: Any) -> str:
    """Write a p-value.

    Examples
    --------
    >>> chance_words(0.00001), chance_words(0.0312), chance_words(0.34)
    ('< 0.001', '0.031', '0.34')
    """
    if p is None or not isfinite(float(p)):
        return "–"
    if p < _LEAST_P:
        return "< 0.001"
    return f"{p:.3f}" if p < _FINE_P else f"{p:.2f}"


def decimals_of(unit: str) -> int:
    """Digits behind the point for a unit: one for percent and weeks, two for grades."""
    return 1 if unit in ("%", "weeks", "sessions", "mg", "percentage points") else 2


def money(value: Any, beside: float | None = None) -> str:
    """Write an amount of money, whole from a hundred on; or as exact as another one beside it.

    Examples
    --------
    >>> money(441.3), money(38.83), money(94.81, 441.3)
    ('441', '38.83', '95')
    """
    size = value if beside is None else beside
    return figure(value, 0 if size is not None and abs(size) >= _WHOLE_MONEY else 2)


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["one", "two", "three"])
    'one, two and three'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
