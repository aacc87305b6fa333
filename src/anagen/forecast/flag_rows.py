"""A flag, and the rows it is made from: words, and the number from which it is raised."""

import math
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError
from anagen.evidence.rows import check_fields, parse_provenance, parse_quantity, read_table
from anagen.units import convert

Severity = Literal["stop", "warn", "inform"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

_FILE = "forecast/flags.toml"
_TEXTS = frozenset({"severity", "message", "reason"})
_PROVENANCE = frozenset({"origin", "source", "locator"})
_BLANKS = {"measured", "limit", "found"}


@dataclass(frozen=True)
class Flag:
    """One reason to trust a forecast less, or not at all.

    Parameters
    ----------
    key : kind of flag, a row of ``evidence/data/forecast/flags.toml``.
    severity : stop (no number is shown), warn or inform.
    message : what it means and what to do.
    reason : what was found, beside the number from which the flag is raised.
    source : key in ``references.bib`` of that number or statement.

    Examples
    --------
    >>> Flag("child", "warn", "Borrowed from adults.", "Age 12.", "NCT01246284").severity
    'warn'
    """

    key: str
    severity: Severity
    message: str
    reason: str
    source: str


@dataclass(frozen=True)
class FlagRow:
    """One kind of flag.

    Parameters
    ----------
    key : its name.
    severity : stop, warn or inform.
    message : what it means and what to do; for a doctor.
    reason : template with ``{measured} {limit} {found}``.
    limit : number from which it is raised, in ``unit``; None when none decides.
    unit : of the limit.
    terms : words of the rule it follows.
    source, locator : where the number or the statement comes from.

    Examples
    --------
    >>> load_flag_rows()["child"].limit
    18.0
    """

    key: str
    severity: Severity
    message: str
    reason: str
    source: str
    locator: str
    limit: float | None = None
    unit: str = "1"
    terms: tuple[str, ...] = ()


def load_flag_rows() -> Mapping[str, FlagRow]:
    """Load every kind of flag that the package carries, by key.

    Raises
    ------
    EvidenceError
        When a row lacks its words, its source or a unit, or asks for an unknown blank.
    """
    return _load()[0]


def load_flag_words(name: str) -> tuple[str, ...]:
    """Load one list of words that the flags look for, such as ``systemic``.

    Examples
    --------
    >>> "baricitinib" in load_flag_words("systemic")
    True
    """
    return _load()[1][name]


@lru_cache(maxsize=1)
def _load() -> tuple[Mapping[str, FlagRow], Mapping[str, tuple[str, ...]]]:
    return parse_flags(read_table(_FILE))


def parse_flags(
    tables: Mapping[str, Any],
) -> tuple[Mapping[str, FlagRow], Mapping[str, tuple[str, ...]]]:
    """Parse the tables of a file of flags; see `load_flag_rows`."""
    rows = {key: _row(key, row) for key, row in tables.items() if key != "words"}
    words = {name: tuple(terms) for name, terms in tables.get("words", {}).items()}
    return rows, words


def _row(key: str, row: Mapping[str, Any]) -> FlagRow:
    place = f"{_FILE}: {key}"
    texts = {name: row.get(name) for name in _TEXTS}
    check_fields(place, texts, _TEXTS)
    if texts["severity"] not in SEVERITIES:
        raise EvidenceError(f"{place}: severity {texts['severity']!r} is none of {SEVERITIES}")
    blanks = {name for _, name, _, _ in string.Formatter().parse(row["reason"]) if name is not None}
    if not blanks <= _BLANKS:
        raise EvidenceError(f"{place}: reason asks for {sorted(blanks - _BLANKS)}")
    rest = {name: value for name, value in row.items() if name not in _TEXTS}
    return FlagRow(key, row["severity"], row["message"], row["reason"], **_number(place, rest))


def _number(place: str, rest: Mapping[str, Any]) -> dict[str, Any]:
    """Limit, unit, words and source: of its own, or of the rule that it names."""
    if "rule" in rest:
        from anagen.evidence.rules import load_rules

        name = check_fields(place, rest, frozenset({"rule"}))["rule"]
        rule = load_rules().get(name)
        if rule is None:
            raise EvidenceError(f"{place}: no rule {name!r}")
        return {"source": rule.source, "locator": rule.locator, "limit": rule.number,
                "unit": rule.unit, "terms": rule.terms}  # fmt: skip
    if "value" in rest:
        quantity = parse_quantity(place, rest)
        origin = quantity.provenance
        return {"source": origin.source, "locator": origin.locator, "limit": quantity.value,
                "unit": quantity.unit}  # fmt: skip
    provenance = parse_provenance(place, check_fields(place, rest, _PROVENANCE))
    return {"source": provenance.source, "locator": provenance.locator}


def raise_flag(key: str, measured: float | None = None, found: str = "") -> Flag:
    """Make the flag of a row with what was measured and found.

    Examples
    --------
    >>> raise_flag("child", 12.0).reason
    'Age 12; trials took adults over 18.'
    """
    row = load_flag_rows()[key]
    shown = math.nan if measured is None else measured
    reason = row.reason.format(measured=shown, limit=row.limit, found=found)
    return Flag(key, row.severity, row.message, reason[:1].upper() + reason[1:], row.source)


def limit_of(key: str, unit: str = "1") -> float:
    """Return the number of a row in a unit; NaN, which no comparison meets, without one."""
    row = load_flag_rows()[key]
    return math.nan if row.limit is None else convert(row.limit, row.unit, unit)
