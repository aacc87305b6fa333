"""What the model rests on, as the pages show it: read once from the package, filtered by words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from anagen.evidence.claim_results import ClaimFound, load_claim_results
from anagen.evidence.claims import Claim, load_claims
from anagen.evidence.parameters import LATEST
from anagen.evidence.references import Reference, load_references
from anagen.evidence.rows import read_table

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_POWER = re.compile(r"\^(-?\d)")


@dataclass(frozen=True)
class ParameterRow:
    """One number of the model as the table shows it; see `anagen.evidence.parameters.Parameter`."""

    key: str
    module: str
    symbol: str
    name: str
    value: str
    unit: str
    spread: str
    origin: str
    source: str
    locator: str
    note: str


@dataclass(frozen=True)
class ClaimRow:
    """A statement with its criterion and what came of it."""

    claim: Claim
    found: ClaimFound | None
    criterion: str
    unit: str


@dataclass(frozen=True)
class Compared:
    """A published figure beside the model's, both in per cent, for table and plot.

    Parameters
    ----------
    statement, group, source : of the claim; note : what a reader must know.
    published, low, high : as published; None where no interval was.
    model, model_low, model_high : median and 95 % interval for such a study.
    inside : whether the published figure lies in that interval.
    calibrated : whether the model was calibrated to it, so that it is no independent test.
    """

    statement: str
    group: str
    source: str
    note: str
    published: float
    low: float | None
    high: float | None
    model: float
    model_low: float
    model_high: float
    inside: bool
    calibrated: bool


@lru_cache(maxsize=1)
def parameter_rows() -> tuple[ParameterRow, ...]:
    """Give all numbers of the model, in the order of their file."""
    tables = read_table(f"parameters/{LATEST}.toml")
    return tuple(
        _parameter(f"{module}.{name}", module, row)
        for module, rows in tables.items()
        for name, row in rows.items()
    )


def _parameter(key: str, module: str, row: Mapping[str, Any]) -> ParameterRow:
    low, high = row.get("low", row["value"]), row.get("high", row["value"])
    return ParameterRow(
        key=key, module=module, symbol=row["symbol"], name=row["name"],
        value=number_words(row["value"]), unit=unit_words(row["unit"]),
        spread="" if low == high else f"{number_words(low)} – {number_words(high)}",
        origin=row["origin"], source=row["source"], locator=row["locator"],
        note=row.get("note", ""),
    )  # fmt: skip


def number_words(value: float) -> str:
    """Write a number with four figures, without letters for powers of ten.

    Examples
    --------
    >>> number_words(0.1), number_words(6.6e-7)
    ('0.1', '6.6·10⁻⁷')
    """
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    if not exponent:
        return mantissa
    raised = str(int(exponent)).translate(_RAISED)
    return f"10{raised}" if mantissa == "1" else f"{mantissa}·10{raised}"


def unit_words(unit: str) -> str:
    """Write a unit with raised powers; nothing for a pure number.

    Examples
    --------
    >>> unit_words("cm^2/s"), unit_words("1")
    ('cm²/s', '')
    """
    shown = "" if unit == "1" else unit
    return _POWER.sub(lambda found: found[1].translate(_RAISED), shown)


@lru_cache(maxsize=1)
def claim_rows() -> tuple[ClaimRow, ...]:
    """Give all statements, in the order of their file."""
    found = load_claim_results()
    units = {"%": "%", "1": "", "point": ""}
    return tuple(
        ClaimRow(claim, found.get(claim.key), _criterion(claim), units.get(claim.unit, claim.unit))
        for claim in load_claims()
    )


def _criterion(claim: Claim) -> str:
    one = claim.criterion
    if one.kind == "published_inside":
        return "the published figure lies in the model's 95 % interval for such a study"
    if one.kind == "inside_published":
        return "the model's figure lies in the published range"
    unit = {"%": " %", "1": ""}.get(claim.unit, f" {claim.unit}")
    return f"{one.kind} {one.limit:g}{unit} with a probability of {one.probability:.0%}: {one.why}"


@lru_cache(maxsize=1)
def compared_rows() -> tuple[Compared, ...]:
    """Give the published percentages that the model was held against, by subject."""
    rows = []
    for row in claim_rows():
        found, claim = row.found, row.claim
        if found is None or claim.unit != "%" or found.published_value is None:
            continue
        if claim.criterion.kind != "published_inside":
            continue
        rows.append(Compared(
            claim.statement, claim.group, claim.sources[0], found.note, found.published_value,
            found.published_low, found.published_high, found.value, found.low, found.high,
            found.low <= found.published_value <= found.high, "calibrated to it" in found.note,
        ))  # fmt: skip
    return tuple(rows)


def references() -> Mapping[str, Reference]:
    """Give all references by key."""
    return MappingProxyType(load_references())


@lru_cache(maxsize=1)
def cited_by() -> Mapping[str, int]:
    """How often each reference is cited by parameters and statements."""
    keys = [row.source for row in parameter_rows()]
    keys += [key for row in claim_rows() for key in row.claim.sources]
    return MappingProxyType({key: keys.count(key) for key in set(keys)})


def modules() -> tuple[str, ...]:
    """Modules of the model, in the order of their file."""
    return tuple(dict.fromkeys(row.module for row in parameter_rows()))


def groups() -> tuple[str, ...]:
    """Subjects of the statements, in the order of their file."""
    return tuple(dict.fromkeys(row.claim.group for row in claim_rows()))


def holds(text: str, words: Iterable[str]) -> bool:
    """Whether every word of a search stands in what is shown.

    Examples
    --------
    >>> holds("depot RADIUS", ["depot.radius", "radius of the depot"])
    True
    """
    shown = " ".join(words).casefold()
    return all(part in shown for part in text.casefold().split())
