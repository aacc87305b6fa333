"""Parameters of the model: versioned data, each value with unit, origin and source."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.units import convert, is_unit

Origin = Literal["measured", "literature", "derived", "fitted", "assumed"]
Distribution = Literal["fixed", "uniform", "loguniform", "normal", "lognormal", "beta"]

LATEST = "2026.11"

_FIELDS = {"symbol", "name", "value", "unit", "low", "high", "distribution", "origin", "source",
           "locator", "note"}  # fmt: skip
_REQUIRED = {"symbol", "name", "value", "unit", "origin", "source", "locator"}


@dataclass(frozen=True)
class Parameter:
    """One number of the model.

    Parameters
    ----------
    key : module and name, for example ``depot.radius``.
    symbol : the symbol used in equations.
    name : what it is, in words.
    value : typical value in ``unit``.
    unit : unit of value, low and high; ``1`` for a pure number.
    low, high : range of plausible values; equal to value when fixed.
    distribution : how it varies between low and high in a population.
    origin : measured, literature, derived, fitted or assumed.
    source : key in ``references.bib``.
    locator : where in the source, or the arithmetic that derives it.
    note : anything a reader must know.
    """

    key: str
    symbol: str
    name: str
    value: float
    unit: str
    low: float
    high: float
    distribution: Distribution
    origin: Origin
    source: str
    locator: str
    note: str = ""

    def to(self, unit: str) -> float:
        """Typical value in another unit."""
        return convert(self.value, self.unit, unit)


@dataclass(frozen=True)
class ParameterSet:
    """A version of all parameters.

    ``parameters.value("depot.radius", "mm")`` reads one number in the unit the caller works in.
    """

    version: str
    parameters: Mapping[str, Parameter]

    def __getitem__(self, key: str) -> Parameter:
        """Return the parameter of that key."""
        try:
            return self.parameters[key]
        except KeyError:
            raise EvidenceError(f"parameter set {self.version} has no parameter {key!r}") from None

    def value(self, key: str, unit: str) -> float:
        """Typical value of a parameter in the unit the caller works in."""
        return self[key].to(unit)

    def replace(self, **values: float) -> "ParameterSet":
        """Return a copy with other typical values, in each parameter's own unit.

        Dots of a key are written as two underscores: ``replace(depot__radius=1.5)``.
        """
        changed = dict(self.parameters)
        for name, value in values.items():
            old = self[name.replace("__", ".")]
            changed[old.key] = Parameter(**{**vars(old), "value": float(value)})
        suffix = ",".join(f"{name.replace('__', '.')}={value:g}" for name, value in values.items())
        return ParameterSet(f"{self.version}+{suffix}", changed)


@lru_cache(maxsize=8)
def load_parameters(version: str = LATEST) -> ParameterSet:
    """Load a version of the parameter set that the package carries.

    Raises
    ------
    EvidenceError
        When the version does not exist, or a value lacks its unit, origin or source.
    """
    file = resources.files("anagen.evidence") / "data" / "parameters" / f"{version}.toml"
    if not file.is_file():
        raise EvidenceError(f"there is no parameter set {version!r}; the latest is {LATEST!r}")
    return parse_parameters(file.read_text(encoding="utf-8"), version)


def parse_parameters(text: str, version: str) -> ParameterSet:
    """Parse the text of a parameter file; see `load_parameters`."""
    tables = tomllib.loads(text)
    parameters = {}
    for module, rows in tables.items():
        for name, row in rows.items():
            parameter = _parse_row(f"{module}.{name}", row)
            parameters[parameter.key] = parameter
    return ParameterSet(version, parameters)


def _parse_row(key: str, row: Mapping[str, Any]) -> Parameter:
    missing = {field for field in _REQUIRED if row.get(field) in (None, "")}
    unknown = set(row) - _FIELDS
    if missing or unknown:
        raise EvidenceError(f"parameter {key}: lacks {sorted(missing)}, unknown {sorted(unknown)}")
    value = float(row["value"])
    low, high = float(row.get("low", value)), float(row.get("high", value))
    distribution = row.get("distribution", "fixed" if low == high else "uniform")
    problems = [
        text
        for wrong, text in (
            (not is_unit(row["unit"]), f"unknown unit {row['unit']!r}"),
            (not all(map(math.isfinite, (value, low, high))), "value or range is not finite"),
            (not low <= value <= high, f"value {value} outside {low}..{high}"),
            (row["origin"] not in get_args(Origin), f"origin {row['origin']!r}"),
            (distribution not in get_args(Distribution), f"distribution {distribution!r}"),
            (row["source"] not in reference_keys(), f"source {row['source']!r} not in references"),
        )
        if wrong
    ]
    if problems:
        raise EvidenceError(f"parameter {key}: {'; '.join(problems)}")
    return Parameter(
        key, row["symbol"], row["name"], value, row["unit"], low, high, distribution,
        row["origin"], row["source"], row["locator"], row.get("note", ""),
    )  # fmt: skip
