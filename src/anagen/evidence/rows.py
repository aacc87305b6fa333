"""Rows of the data files: what every row must say before anyone may use it."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.units import convert, is_unit

Origin = Literal["measured", "literature", "derived", "fitted", "assumed"]

_ORIGIN_FIELDS = frozenset({"origin", "source", "locator", "note"})
_QUANTITY_FIELDS = _ORIGIN_FIELDS | {"value", "unit", "low", "high"}


@dataclass(frozen=True)
class Provenance:
    """Where a definition or a number comes from.

    Parameters
    ----------
    origin : measured, literature, derived, fitted or assumed.
    source : key in ``references.bib``.
    locator : where in the source, or the arithmetic that derives it.
    note : anything a reader must know.
    """

    origin: Origin
    source: str
    locator: str
    note: str = ""


@dataclass(frozen=True)
class Quantity:
    """One number with its unit, range and provenance.

    Parameters
    ----------
    value : typical value in ``unit``.
    unit : unit of value, low and high; ``1`` for a pure number.
    low, high : range of plausible values; equal to value where none is known.
    provenance : origin, source, locator and note.

    Examples
    --------
    >>> strength = Quantity(10.0, "mg/mL", 10.0, 10.0, Provenance("assumed", "assumed", "example"))
    >>> strength.to("ug/uL")
    10.0
    """

    value: float
    unit: str
    low: float
    high: float
    provenance: Provenance

    def to(self, unit: str) -> float:
        """Typical value in another unit."""
        return convert(self.value, self.unit, unit)


def read_table(name: str) -> dict[str, Any]:
    """Read a TOML file that the package carries in ``evidence/data``.

    Parameters
    ----------
    name : file name, for example ``scales.toml``.

    Raises
    ------
    EvidenceError
        When the file does not exist or is not TOML.
    """
    file = resources.files("anagen.evidence") / "data" / name
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EvidenceError(f"{name}: {error}") from error


def check_fields(
    place: str, row: object, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> Mapping[str, Any]:
    """Return a row as a mapping, once it has all required fields and no unknown one.

    Raises
    ------
    EvidenceError
        When the row is no table, lacks a field, leaves it empty, or has an unknown one.
    """
    if not isinstance(row, Mapping):
        raise EvidenceError(f"{place}: expected a table, found {row!r}")
    missing = sorted(field for field in required if row.get(field) in (None, ""))
    unknown = sorted(set(row) - required - optional)
    if missing or unknown:
        raise EvidenceError(f"{place}: lacks {missing}, unknown {unknown}")
    return row


def provenance_problems(row: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the origin and the source of a row, in words."""
    problems = []
    if row["origin"] not in get_args(Origin):
        problems.append(f"origin {row['origin']!r} is none of {', '.join(get_args(Origin))}")
    if row["source"] not in reference_keys():
        problems.append(f"source {row['source']!r} not in references.bib")
    if (row["origin"] == "literature") and row["source"] == "assumed":
        problems.append("origin is literature but the source is an assumption")
    return problems


def parse_provenance(place: str, row: Mapping[str, Any]) -> Provenance:
    """Read origin, source, locator and note from a row that may hold other fields too.

    Raises
    ------
    EvidenceError
        When one is missing, or the source is not in ``references.bib``.
    """
    own = {field: row[field] for field in _ORIGIN_FIELDS if field in row}
    check_fields(place, own, frozenset({"origin", "source", "locator"}), frozenset({"note"}))
    problems = provenance_problems(row)
    if problems:
        raise EvidenceError(f"{place}: {'; '.join(problems)}")
    return Provenance(row["origin"], row["source"], row["locator"], row.get("note", ""))


def number(place: str, field: str, value: object) -> float:
    """Return a finite number of a row.

    Raises
    ------
    EvidenceError
        When the value is no number, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EvidenceError(f"{place}: {field} should be a finite number, found {value!r}")
    return float(value)


def parse_quantity(place: str, row: object) -> Quantity:
    """Read a number with unit, range and provenance.

    Raises
    ------
    EvidenceError
        When unit, origin, source or locator is missing or unknown, or the value lies outside
        its own range.
    """
    optional = frozenset({"low", "high", "note"})
    fields = check_fields(place, row, _QUANTITY_FIELDS - optional, optional)
    provenance = parse_provenance(place, fields)
    value = number(place, "value", fields["value"])
    low = number(place, "low", fields.get("low", value))
    high = number(place, "high", fields.get("high", value))
    if not is_unit(fields["unit"]):
        raise EvidenceError(f"{place}: unknown unit {fields['unit']!r}")
    if not low <= value <= high:
        raise EvidenceError(f"{place}: value {value} outside {low}..{high}")
    return Quantity(value, fields["unit"], low, high, provenance)
