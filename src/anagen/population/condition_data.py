"""What words of published arms mean, and what is taken where a paper does not say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from anagen.errors import EvidenceError
from anagen.evidence.published import Arm
from anagen.evidence.rows import (
    Provenance,
    Quantity,
    check_fields,
    number,
    parse_provenance,
    parse_quantity,
    read_table,
)
from anagen.units import is_unit

FILE = "population/conditions.toml"

_UNITS = {
    "most_weeks": "week", "most_strength": "mg/mL", "volume": "mL", "spacing": "mm",
    "interval": "week", "deviation_onset_week": "week",
}  # fmt: skip
_SOURCED = frozenset({"origin", "source", "locator"})
_READING = frozenset({"strength_at", "strength_weights"})
_TABLES = frozenset(
    {"number", "weights", "words", "provenance_of_rules", "unclear_endpoint", "unclear",
     "unclear_steroid", "unclear_threshold", "meaning", "setting", "setting_default", "reading",
     "inferred_total", "duplicate", "overlap"}
)  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """Values that something may have, and how much each counts.

    Parameters
    ----------
    at : (value,) in ``unit``; weights : (value,) of sum 1.
    provenance : origin, source, locator and note.
    """

    at: tuple[float, ...]
    weights: tuple[float, ...]
    unit: str
    provenance: Provenance


@dataclass(frozen=True)
class Rule:
    """What follows from a word in a text.

    Parameters
    ----------
    pattern : that must be found; unless : that must not.
    field : column of the arm in which it is looked for.
    amount : how unclear it makes an outcome, or the threshold it means [1].
    name : of the kind of people it means.
    reason : in words.
    """

    pattern: re.Pattern[str]
    field: str
    reason: str
    amount: float = 0.0
    name: str = ""
    unless: re.Pattern[str] | None = None

    def holds(self, arm: Arm) -> bool:
        """Whether the arm's text has the pattern, and not the exception."""
        text = getattr(arm, self.field)
        if self.unless is not None and self.unless.search(text):
            return False
        return self.pattern.search(text) is not None


@dataclass(frozen=True)
class StudyRow:
    """Something that is known of rows of one study.

    Parameters
    ----------
    wanted : column and its text for the rows that are meant.
    reason : in words.
    total : people or patches in the arm; weights : of strengths; None where not the matter.
    """

    wanted: Mapping[str, str]
    reason: str
    total: int | None = None
    weights: Weights | None = None

    def holds(self, arm: Arm, drug: str) -> bool:
        """Whether it speaks of this arm, which was given a drug of this key."""
        own = {"drug": drug, "time_weeks": _plain(arm.time_weeks)}
        return all(own.get(key, getattr(arm, key)) == text for key, text in self.wanted.items())


@dataclass(frozen=True)
class ConditionData:
    """Every number and rule of ``conditions.toml``.

    Parameters
    ----------
    quantities, weights : by name.
    counts, intervals : words for numbers of sessions and for weeks between them.
    unclear_endpoint : how unclear each kind of endpoint is, by name [1].
    unclear, meanings, settings : rules on texts.
    default_setting : the kind of people when no rule holds.
    unclear_steroid, unclear_threshold : how unclear an arm is whose steroid or threshold is not
        named [1].
    readings, totals, duplicates, overlaps : what is known of single studies.
    """

    quantities: Mapping[str, Quantity]
    weights: Mapping[str, Weights]
    counts: Mapping[str, int]
    intervals: Mapping[str, float]
    unclear_endpoint: Mapping[str, float]
    unclear: tuple[Rule, ...]
    meanings: tuple[Rule, ...]
    settings: tuple[Rule, ...]
    default_setting: str
    unclear_steroid: float
    unclear_threshold: float
    readings: tuple[StudyRow, ...]
    totals: tuple[StudyRow, ...]
    duplicates: tuple[StudyRow, ...]
    overlaps: tuple[StudyRow, ...]

    def value(self, name: str) -> float:
        """Return a number in the unit of its row.

        Raises
        ------
        EvidenceError
            When there is none of that name.
        """
        return self.quantity(name).value

    def quantity(self, name: str) -> Quantity:
        """Return a number with its range; see `value`."""
        if name not in self.quantities:
            raise EvidenceError(f"{FILE}: no number {name!r}")
        return self.quantities[name]


@lru_cache(maxsize=1)
def load_condition_data() -> ConditionData:
    """Load the numbers and rules by which published arms are read.

    Raises
    ------
    EvidenceError
        When a row lacks a unit or a source, or a rule is no pattern.

    Examples
    --------
    >>> load_condition_data().value("complete")
    0.85
    """
    return parse_condition_data(read_table(FILE))


def parse_condition_data(tables: Mapping[str, Any]) -> ConditionData:
    """Parse the tables of ``conditions.toml``; see `load_condition_data`."""
    check_fields(FILE, tables, _TABLES)
    parse_provenance(f"{FILE}: rules", tables["provenance_of_rules"])
    return ConditionData(
        quantities=MappingProxyType(
            {key: _quantity(key, row) for key, row in tables["number"].items()}
        ),
        weights=MappingProxyType(
            {key: _weights(f"weights.{key}", row) for key, row in tables["weights"].items()}
        ),
        counts=dict(tables["words"]["counts"]),
        intervals={key: float(value) for key, value in tables["words"]["intervals"].items()},
        unclear_endpoint={
            key: _share("unclear_endpoint", value)
            for key, value in tables["unclear_endpoint"].items()
        },
        unclear=_rules(tables, "unclear", "amount"),
        meanings=_rules(tables, "meaning", "threshold"),
        settings=_rules(tables, "setting", "name"),
        default_setting=tables["setting_default"]["name"],
        unclear_steroid=_share("unclear_steroid", tables["unclear_steroid"]["amount"]),
        unclear_threshold=_share("unclear_threshold", tables["unclear_threshold"]["amount"]),
        readings=tuple(_study("reading", row) for row in tables["reading"]),
        totals=tuple(_study("inferred_total", row) for row in tables["inferred_total"]),
        duplicates=tuple(_study("duplicate", row) for row in tables["duplicate"]),
        overlaps=tuple(_study("overlap", row) for row in tables["overlap"]),
    )


def _quantity(key: str, row: object) -> Quantity:
    """Read a number, which must stand in the unit in which it is used."""
    place, unit = f"{FILE}: number.{key}", _UNITS.get(key, "1")
    quantity = parse_quantity(place, row)
    if quantity.unit != unit:
        raise EvidenceError(f"{place}: write it in {unit}, found {quantity.unit}")
    return quantity


def _weights(place: str, row: Mapping[str, Any]) -> Weights:
    place = f"{FILE}: {place}"
    fields = check_fields(
        place, row, frozenset({"at", "weights", "unit"}) | _SOURCED, frozenset({"note"})
    )
    at = tuple(number(place, "at", value) for value in fields["at"])
    weights = tuple(number(place, "weights", value) for value in fields["weights"])
    if len(at) != len(weights) or not at or min(weights) <= 0.0 or abs(sum(weights) - 1.0) > 1e-9:
        raise EvidenceError(f"{place}: expected as many positive weights of sum 1 as values")
    if not is_unit(fields["unit"]):
        raise EvidenceError(f"{place}: unknown unit {fields['unit']!r}")
    return Weights(at, weights, fields["unit"], parse_provenance(place, fields))


def _rules(tables: Mapping[str, Any], table: str, result: str) -> tuple[Rule, ...]:
    fields = {"unclear": "outcome_definition", "meaning": "outcome_definition",
              "setting": "population"}  # fmt: skip
    rules = []
    for index, row in enumerate(tables[table]):
        place = f"{FILE}: {table} {index + 1}"
        checked = check_fields(
            place, row, frozenset({"pattern", "reason", result}), frozenset({"field", "except"})
        )
        rules.append(
            Rule(
                _pattern(place, checked["pattern"]),
                checked.get("field", fields[table]),
                checked["reason"],
                0.0 if result == "name" else _share(place, checked[result]),
                checked["name"] if result == "name" else "",
                _pattern(place, checked["except"]) if "except" in checked else None,
            )
        )
    return tuple(rules)


def _study(table: str, row: Mapping[str, Any]) -> StudyRow:
    place = f"{FILE}: {table} of {row.get('study_id')}"
    known = frozenset({"arm", "drug", "endpoint", "time_weeks", "total", "reason", "note"})
    check_fields(place, row, frozenset({"study_id"}), known | _SOURCED | _READING)
    wanted = {
        key: _plain(row[key]) if key == "time_weeks" else row[key]
        for key in ("study_id", "arm", "drug", "endpoint", "time_weeks")
        if key in row
    }
    if "reason" in row:
        return StudyRow(wanted, row["reason"])
    provenance = parse_provenance(place, {key: row[key] for key in _SOURCED if key in row})
    if "total" in row:
        total = number(place, "total", row["total"])
        return StudyRow(wanted, provenance.locator, int(total))
    given = {"at": row.get("strength_at"), "weights": row.get("strength_weights"), "unit": "mg/mL"}
    sourced = {key: row[key] for key in _SOURCED}
    return StudyRow(wanted, provenance.locator, None, _weights(place, {**given, **sourced}))


def _pattern(place: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise EvidenceError(f"{place}: {text!r} is no pattern ({error})") from error


def _share(place: str, value: object) -> float:
    share = number(place, "amount", value)
    if not 0.0 <= share <= 1.0:
        raise EvidenceError(f"{place}: expected 0 to 1, found {share:g}")
    return share


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
