"""Cells of a file of published arms: numbers as papers print them, or what is wrong with them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from anagen.errors import EvidenceError, Problem
from anagen.evidence.published import Span, span
from anagen.evidence.rows import number as finite
from anagen.evidence.rows import parse_provenance, read_table

Range = tuple[float, float | None]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NEGATIVE = re.compile(r"-\s*[\d.]")
_WORDS = re.compile(r"\d|\S\s+\S")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)", re.ASCII)
_ABOUT = re.compile(r"^(?:~|≈|about|around|approximately|approx\.?|circa|ca\.|c\.)\s*", re.I)
_NOT_STATED = frozenset(
    ("-", "--", "–", "—", "?", ".", "na", "n/a", "n.a.", "nr", "n.r.", "nd", "null", "unknown",
     "unclear", "not known", "not stated", "not reported", "not given", "missing",
     "mixed", "varied", "various", "variable", "multiple", "several")
)  # fmt: skip
_UNITS = {
    "mg/mL": ("mg per mL", "mg mL-1", "mg/cc", "mg/mL"),
    "weeks": ("weeks", "week", "wks", "wk", "w"),
}


@dataclass(frozen=True)
class Cells:
    """The cells of one row, and what has been found about them.

    Parameters
    ----------
    place : file and row.
    texts : stripped text by column, of the columns that the file has.
    decimal_comma : whether 2,5 is two and a half, as where semicolons or tabs separate.
    problems : what cannot be true; grows.
    notes : how a cell was read where that is a choice; grows.
    """

    place: str
    texts: Mapping[str, str]
    decimal_comma: bool
    problems: list[Problem]
    notes: list[str]

    def refuse(self, column: str, expected: str, found: str, remedy: str) -> None:
        """Add a problem with one column."""
        self.problems.append(Problem(f"{self.place}, column {column}", expected, found, remedy))


@lru_cache(maxsize=32)
def limits(name: str) -> Range:
    """Lowest and highest value that is no slip of the pen, from ``arm_bounds.toml``.

    Raises
    ------
    EvidenceError
        When there is no such row, or it lacks a source.

    Examples
    --------
    >>> limits("interval_weeks")
    (0.0, 104.0)
    """
    table = read_table("arm_bounds.toml")
    if name not in table:
        raise EvidenceError(f"arm_bounds.toml: no {name!r}")
    parse_provenance(f"arm_bounds.{name}", table[name])
    low, high = (finite(name, end, table[name][end]) for end in ("lowest", "highest"))
    return low, high


def number(cells: Cells, column: str, allowed: Range | None = None) -> float | None:
    """Read one number; None when it is not stated or wrong.

    Parameters
    ----------
    cells : of the row.
    column : where it stands; a percent sign after it is passed over.
    allowed : lowest and highest value that can be true; None where any can.
    """
    text = _stated(cells, column)
    return None if text is None else _one(cells, column, text.rstrip("% "), allowed)


def count(cells: Cells, column: str, allowed: Range) -> int | None:
    """Read a whole number; see `number`."""
    value = number(cells, column, allowed)
    if value is not None and not value.is_integer():
        cells.refuse(column, "a whole number", f"{value:g}", "People and patches are counted.")
        return None
    return None if value is None else int(value)


def amount(cells: Cells, column: str, unit: str) -> float | None:
    """Read a number that may be printed as a range, whose middle is taken and noted.

    Parameters
    ----------
    cells : of the row.
    column : where it stands; also names its limits.
    unit : that may follow it.
    """
    text = _stated(cells, column)
    if text is None:
        return None
    text = _without_unit(text, unit)
    ends = _ends(span(text))
    if len(ends) < 2 or _is_one(text):
        return _one(cells, column, text, limits(column), f"a number of {unit}")
    if not _allowed(cells, column, max(ends), limits(column)):
        return None
    middle = sum(ends) / 2.0
    cells.notes.append(f"{column} printed as {text}, read as {middle:g}")
    return middle


def printed(cells: Cells, column: str, allowed: Range, unit: str = "") -> Span | None:
    """Read a number as a paper prints it: exact, a range, a limit, or words beside it.

    Parameters
    ----------
    cells : of the row.
    column : where it stands.
    allowed : lowest and highest value that can be true.
    unit : that may follow it.
    """
    text = _stated(cells, column)
    if text is None:
        return None
    bare = _without_unit(text, unit)
    if _is_one(bare) or _NEGATIVE.match(bare) or not _WORDS.search(bare):
        value = _one(cells, column, bare, allowed)
        return None if value is None else Span(text, value, value)
    read = span(bare)
    if any(not _allowed(cells, column, end, allowed) for end in _ends(read)):
        return None
    return replace(read, text=text)


def share(cells: Cells, column: str) -> Span | None:
    """Read a share, 0 to 1, or a range of shares; a percentage is refused with its share."""
    text = _stated(cells, column)
    if text is None:
        return None
    bare = re.sub(r"^[>≥=]+\s*", "", text)
    plain = bare.rstrip("% ")
    if _DECIMAL_COMMA.search(plain):
        _one(cells, column, plain, None, "a share 0..1")
        return None
    read = _exact(plain) if _NUMBER.fullmatch(plain) else span(plain)
    ends = _ends(read)
    remedy = "Write for example 0.5, or 0.5-0.99."
    if ends and max(ends) <= 100.0 and (max(ends) > 1.0 or plain != bare):
        right = "-".join(f"{end / 100.0:g}" for end in dict.fromkeys(ends))
        remedy = f"{bare} looks like a percentage: write {right}."
    elif ends and min(ends) >= 0.0 and max(ends) <= 1.0:
        return replace(read, text=text)
    cells.refuse(column, "a share 0..1", _quoted(text), remedy)
    return None


def _stated(cells: Cells, column: str) -> str | None:
    """Text of a cell with plain signs; None where it says that nothing is known."""
    text = cells.texts.get(column, "").replace("\N{MINUS SIGN}", "-")
    text = _ABOUT.sub("", text.removeprefix("+"))
    if cells.decimal_comma:
        text = _DECIMAL_COMMA.sub(".", text)
    return None if not text or text.casefold() in _NOT_STATED else text


def _one(
    cells: Cells, column: str, text: str, allowed: Range | None, expected: str = "a number"
) -> float | None:
    """Read a text that should be one finite number."""
    if not _NUMBER.fullmatch(text):
        if text.lstrip("+-").casefold() in ("nan", "inf", "infinity"):
            expected = "a finite number"
        remedy = "Write it in digits, or leave the cell empty when it is not known."
        if _DECIMAL_COMMA.search(text):
            remedy = "Write 2.5 for two and a half, 2-5 for a range, and 1200 without a comma."
        cells.refuse(column, expected, _quoted(text), remedy)
        return None
    value = float(text)
    if not math.isfinite(value):
        cells.refuse(column, "a finite number", _quoted(text), "Check the exponent.")
        return None
    return value if allowed is None or _allowed(cells, column, value, allowed) else None


def _allowed(cells: Cells, column: str, value: float, allowed: Range) -> bool:
    low, high = allowed
    if value >= low and (high is None or value <= high):
        return True
    expected = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
    remedy = "Check the sign." if value < 0.0 <= low else "Check the decimal point and the unit."
    cells.refuse(column, expected, f"{value:g}", remedy)
    return False


def _without_unit(text: str, unit: str) -> str:
    """Text without the unit that follows its number, however it is abbreviated."""
    for spelling in _UNITS.get(unit, (unit,) if unit else ()):
        if text.lower().endswith(spelling.lower()):
            return text[: -len(spelling)].rstrip(" .")
    return text


def _is_one(text: str) -> bool:
    """Whether a text is one number, or would be with another decimal sign."""
    return bool(_NUMBER.fullmatch(_DECIMAL_COMMA.sub(".", text)))


def _exact(text: str) -> Span:
    value = float(text)
    return Span(text, value, value)


def _ends(read: Span) -> list[float]:
    return [end for end in (read.low, read.high) if end is not None]


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
