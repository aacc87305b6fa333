"""Parameters of the model: versioned data, each value with unit, origin and source."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError, InputError, Problem
from anagen.evidence.rows import Origin, provenance_problems
from anagen.units import convert, is_unit

Distribution = Literal["fixed", "uniform", "loguniform", "normal", "lognormal", "beta"]

__all__ = [
    "LATEST",
    "Distribution",
    "Origin",
    "Parameter",
    "ParameterSet",
    "load_parameters",
    "parameter_versions",
    "parse_parameters",
]

LATEST = "2026.11"

_REQUIRED = frozenset({"symbol", "name", "value", "unit", "origin", "source", "locator"})
_FIELDS = _REQUIRED | {"low", "high", "distribution", "note"}


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

    Parameters
    ----------
    version : name of the set; says which values were replaced, if any.
    parameters : by key.

    Examples
    --------
    >>> text = '''[depot.radius]
    ... symbol = "a"
    ... name = "radius of the depot"
    ... value = 2
    ... unit = "mm"
    ... origin = "assumed"
    ... source = "assumed"
    ... locator = "example"'''
    >>> parse_parameters(text, "example").value("depot.radius", "um")
    2000.0
    """

    version: str
    parameters: Mapping[str, Parameter] = field(hash=False)

    def __getitem__(self, key: str) -> Parameter:
        """Return the parameter of that key.

        Raises
        ------
        EvidenceError
            When there is none; the message names the nearest keys.
        """
        try:
            return self.parameters[key]
        except KeyError:
            near = get_close_matches(key, self.parameters, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            message = f"parameter set {self.version} has no parameter {key!r}{hint}"
            raise EvidenceError(message) from None

    def value(self, key: str, unit: str) -> float:
        """Typical value of a parameter in the unit the caller works in."""
        return self[key].to(unit)

    def replace(self, **values: float) -> "ParameterSet":
        """Return a copy with other typical values, in each parameter's own unit.

        Dots of a key are written as two underscores: ``replace(depot__radius=1.5)``. A range is
        widened where the new value lies outside it, and the version names every change.

        Raises
        ------
        EvidenceError
            When there is no such parameter.
        InputError
            When a value is not a finite number.
        """
        changed = dict(self.parameters)
        names = {name: name.replace("__", ".") for name in values}
        problems = [
            Problem(names[name], "a finite number", repr(value), "Correct the value.")
            for name, value in values.items()
            if not math.isfinite(value)
        ]
        if problems:
            raise InputError(problems)
        for name, value in values.items():
            old, new = self[names[name]], float(value)
            low, high = min(old.low, new), max(old.high, new)
            changed[old.key] = replace(old, value=new, low=low, high=high)
        suffix = ",".join(f"{names[name]}={value:.12g}" for name, value in values.items())
        return ParameterSet(f"{self.version}+{suffix}" if suffix else self.version, changed)


def parameter_versions() -> tuple[str, ...]:
    """Return all versions of the parameter set that the package carries, oldest first."""
    folder = resources.files("anagen.evidence") / "data" / "parameters"
    names = (file.name for file in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@lru_cache(maxsize=8)
def load_parameters(version: str = LATEST) -> ParameterSet:
    """Load a version of the parameter set that the package carries.

    Raises
    ------
    EvidenceError
        When the version does not exist, or a value lacks its unit, origin or source.
    """
    if version not in parameter_versions():
        raise EvidenceError(f"there is no parameter set {version!r}; the latest is {LATEST!r}")
    file = resources.files("anagen.evidence") / "data" / "parameters" / f"{version}.toml"
    return parse_parameters(file.read_text(encoding="utf-8"), version)


def parse_parameters(text: str, version: str) -> ParameterSet:
    """Parse the text of a parameter file; see `load_parameters`.

    Raises
    ------
    EvidenceError
        When the text is not TOML or a row breaks a rule; all broken rows are named.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EvidenceError(f"parameter set {version}: {error}") from error
    parameters: dict[str, Parameter] = {}
    problems: list[str] = []
    for module, rows in tables.items():
        if not isinstance(rows, Mapping):
            problems.append(f"{module}: expected a table of parameters, found {rows!r}")
            continue
        for name, row in rows.items():
            key = f"{module}.{name}"
            wrong = _row_problems(row)
            if wrong:
                problems.append(f"parameter {key}: {'; '.join(wrong)}")
            else:
                parameters[key] = _parse_row(key, row)
    if problems:
        raise EvidenceError("\n".join(problems))
    return ParameterSet(version, parameters)


def _row_problems(row: object) -> list[str]:
    """Return what is wrong with a row, in words; nothing when it can be used."""
    if not isinstance(row, Mapping):
        return [f"expected a table, found {row!r}"]
    missing = sorted(name for name in _REQUIRED if row.get(name) in (None, ""))
    unknown = sorted(set(row) - _FIELDS)
    if missing or unknown:
        return [f"lacks {missing}, unknown {unknown}"]
    numbers = [row["value"], row.get("low", row["value"]), row.get("high", row["value"])]
    if any(isinstance(item, bool) or not isinstance(item, int | float) for item in numbers):
        return [f"value and range should be numbers, found {numbers}"]
    value, low, high = (float(item) for item in numbers)
    distribution = row.get("distribution", "fixed" if low == high else "uniform")
    checks = (
        (not is_unit(row["unit"]), f"unknown unit {row['unit']!r}"),
        (not all(map(math.isfinite, (value, low, high))), "value or range is not finite"),
        (not low <= value <= high, f"value {value} outside {low}..{high}"),
        (distribution not in get_args(Distribution), f"distribution {distribution!r}"),
        (distribution in ("lognormal", "loguniform") and low <= 0.0, "a logarithm needs low > 0"),
        (distribution == "beta" and not 0.0 <= low <= high <= 1.0, "beta lies between 0 and 1"),
    )
    return provenance_problems(row) + [text for wrong, text in checks if wrong]


def _parse_row(key: str, row: Mapping[str, Any]) -> Parameter:
    value = float(row["value"])
    low, high = float(row.get("low", value)), float(row.get("high", value))
    return Parameter(
        key=key,
        symbol=row["symbol"],
        name=row["name"],
        value=value,
        unit=row["unit"],
        low=low,
        high=high,
        distribution=row.get("distribution", "fixed" if low == high else "uniform"),
        origin=row["origin"],
        source=row["source"],
        locator=row["locator"],
        note=row.get("note", ""),
    )
