"""Rows behind a review: its gates, which rules lead to which decision, and our thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError
from anagen.evidence.rows import (
    Quantity,
    check_fields,
    parse_provenance,
    parse_quantity,
    read_table,
)

Judged = Literal["whole", "best"]
Decision = Literal["danger", "refer", "leave_out", "spare", "complete"]

_FILE = "forecast/review.toml"
_PROVENANCE = frozenset({"origin", "source", "locator"})
_NUMBERS = frozenset({"early", "ahead", "target", "better", "worth"})


@dataclass(frozen=True)
class GateRow:
    """One gate: what it is called and where its number stands.

    Parameters
    ----------
    key, title : its name.
    rule : key of the rule that gives number and week; "" when a protocol gives them.
    protocol : key of the protocol whose latest gate it is; "" when a rule gives them.
    also : rules cited too, where the profile has them.
    judged : by the patches weighted by area, or by the best one.
    source : reference of the gate itself.
    """

    key: str
    title: str
    rule: str
    protocol: str
    also: tuple[str, ...]
    judged: Judged
    source: str


@dataclass(frozen=True)
class ReviewRows:
    """Everything that a review reads from data.

    Parameters
    ----------
    gates : in the order of their weeks.
    decisions : keys of rules by the decision they lead to.
    steps : protocol whose strengths are the steps; base : protocol that a plan starts from.
    limits : rules that a step must not break.
    step_source : reference of stepping up.
    numbers : our thresholds by name.
    """

    gates: tuple[GateRow, ...]
    decisions: Mapping[Decision, tuple[str, ...]]
    steps: str
    base: str
    limits: tuple[str, ...]
    step_source: str
    numbers: Mapping[str, Quantity]

    def number(self, name: str, unit: str) -> float:
        """One of our thresholds in a unit."""
        return self.numbers[name].to(unit)


@lru_cache(maxsize=1)
def load_review_rows() -> ReviewRows:
    """Load what a review needs to know.

    Raises
    ------
    EvidenceError
        When a row lacks a field or a source, or names an unknown rule or protocol.

    Examples
    --------
    >>> load_review_rows().number("early", "day")
    7.0
    """
    return parse_review(read_table(_FILE))


def parse_review(tables: Mapping[str, Any]) -> ReviewRows:
    """Parse the tables of a file of reviews; see `load_review_rows`."""
    check_fields(_FILE, tables, frozenset({"gates", "decisions", "steps", "numbers"}))
    decisions = check_fields(f"{_FILE}: decisions", tables["decisions"],
                             frozenset(get_args(Decision)))  # fmt: skip
    steps = check_fields(f"{_FILE}: steps", tables["steps"],
                         _PROVENANCE | {"protocol", "base", "limits"})  # fmt: skip
    numbers = check_fields(f"{_FILE}: numbers", tables["numbers"], _NUMBERS)
    return ReviewRows(
        gates=tuple(_gate(key, row) for key, row in tables["gates"].items()),
        decisions={name: _rules(f"decisions.{name}", decisions[name])
                   for name in get_args(Decision)},
        steps=steps["protocol"],
        base=steps["base"],
        limits=_rules("steps.limits", steps["limits"]),
        step_source=parse_provenance(f"{_FILE}: steps", _provenance(steps)).source,
        numbers={name: parse_quantity(f"{_FILE}: numbers.{name}", row)
                 for name, row in numbers.items()},
    )  # fmt: skip


def _provenance(row: Mapping[str, Any]) -> dict[str, Any]:
    """Only the fields of a row that say where it comes from."""
    return {name: row[name] for name in _PROVENANCE}


def _gate(key: str, row: Mapping[str, Any]) -> GateRow:
    place = f"{_FILE}: gates.{key}"
    check_fields(place, row, _PROVENANCE | {"title", "also", "judged"},
                 frozenset({"rule", "protocol"}))  # fmt: skip
    if ("rule" in row) == ("protocol" in row) or row["judged"] not in get_args(Judged):
        raise EvidenceError(f"{place}: expected a rule or a protocol, judged whole or best")
    _known(place, (*row["also"], *((row["rule"],) if "rule" in row else ())))
    return GateRow(key, row["title"], row.get("rule", ""), row.get("protocol", ""),
                   tuple(row["also"]), row["judged"],
                   parse_provenance(place, _provenance(row)).source)  # fmt: skip


def _rules(name: str, row: object) -> tuple[str, ...]:
    place = f"{_FILE}: {name}"
    fields = check_fields(place, row, _PROVENANCE | {"rules"})
    parse_provenance(place, _provenance(fields))
    return _known(place, tuple(fields["rules"]))


def _known(place: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    from anagen.evidence.rules import load_rules

    unknown = [key for key in keys if key not in load_rules()]
    if unknown:
        raise EvidenceError(f"{place}: no rule {', '.join(unknown)}")
    return keys
