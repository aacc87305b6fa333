"""What is known of the covariates of people with alopecia areata: numbers with their sources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anagen.errors import EvidenceError
from anagen.evidence.rows import (
    Provenance,
    Quantity,
    check_fields,
    number,
    parse_provenance,
    parse_quantity,
    read_table,
)
from anagen.units import convert, is_unit

FILE = "population/covariates.toml"

_CURVE_FIELDS = frozenset({"at", "at_unit", "values", "unit", "origin", "source", "locator"})
_SETTING_FIELDS = frozenset({"name", "count", "origin", "source", "locator"})


@dataclass(frozen=True)
class Curve:
    """A number that depends on another one, as points between which it runs.

    Parameters
    ----------
    at : (point,) rising.
    at_unit : unit of ``at``.
    values : (point,) in ``unit``, all positive.
    unit : unit of the values.
    provenance : origin, source, locator and note.
    """

    at: tuple[float, ...]
    at_unit: str
    values: tuple[float, ...]
    unit: str
    provenance: Provenance

    def __call__(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at places ``at``, in straight lines of the logarithm; flat beyond the ends."""
        return np.exp(np.interp(at, self.at, np.log(self.values)))


@dataclass(frozen=True)
class SettingRow:
    """A named kind of people.

    Parameters
    ----------
    key : name used by callers, for example ``clinic``.
    name : the kind of people in words.
    count : which published shares of one and two patches hold.
    provenance : origin, source, locator and note.
    """

    key: str
    name: str
    count: str
    provenance: Provenance


@dataclass(frozen=True)
class CovariateData:
    """Every number of the covariates, by its dotted name.

    Parameters
    ----------
    quantities : by name, for example ``sex.female``.
    curves : by name, for example ``weight.female``.
    settings : kinds of people, by key.
    """

    quantities: Mapping[str, Quantity]
    curves: Mapping[str, Curve]
    settings: Mapping[str, SettingRow]

    def value(self, name: str, unit: str, setting: str = "") -> float:
        """Return a number in a unit, as a setting changes it.

        Raises
        ------
        EvidenceError
            When there is none of that name.
        """
        found = self.quantities.get(f"setting.{setting}.change.{name}") or self.quantities.get(name)
        if found is None:
            raise EvidenceError(f"{FILE}: no number {name!r}")
        return found.to(unit)

    def curve(self, name: str, setting: str = "") -> Curve:
        """Return a curve, as a setting changes it.

        Raises
        ------
        EvidenceError
            When there is none of that name.
        """
        found = self.curves.get(f"setting.{setting}.change.{name}") or self.curves.get(name)
        if found is None:
            raise EvidenceError(f"{FILE}: no curve {name!r}")
        return found

    def bound(self, setting: str, name: str, unit: str) -> float | None:
        """Limit that a setting puts on whom it takes, or None."""
        found = self.quantities.get(f"setting.{setting}.bound.{name}")
        return None if found is None else found.to(unit)


@lru_cache(maxsize=1)
def load_covariates() -> CovariateData:
    """Load every number of the covariates.

    Returns
    -------
    CovariateData

    Raises
    ------
    EvidenceError
        When a number lacks unit, origin, source or locator, or a setting changes what is not there.

    Examples
    --------
    >>> round(load_covariates().value("episode.long_limit", "year"), 2)
    2.0
    """
    return parse_covariates(read_table(FILE))


def parse_covariates(table: Mapping[str, Any]) -> CovariateData:
    """Read numbers, curves and settings from a table of any depth.

    Raises
    ------
    EvidenceError
        As `load_covariates`.
    """
    quantities: dict[str, Quantity] = {}
    curves: dict[str, Curve] = {}
    settings: dict[str, SettingRow] = {}
    for name, row in _rows("", table):
        place = f"{FILE}: {name}"
        if "values" in row:
            curves[name] = _parse_curve(place, row)
        elif "value" in row:
            quantities[name] = parse_quantity(place, row)
        else:
            settings[name.removeprefix("setting.")] = _parse_setting(name, row)
    for name in [*quantities, *curves]:
        changed = name.partition(".change.")[2]
        if changed and changed not in quantities and changed not in curves:
            raise EvidenceError(f"{FILE}: {name} changes {changed!r}, which is not there")
    for key, setting in settings.items():
        if f"count.{setting.count}.one" not in quantities:
            raise EvidenceError(f"{FILE}: setting.{key}: no shares count.{setting.count}")
    return CovariateData(
        MappingProxyType(quantities), MappingProxyType(curves), MappingProxyType(settings)
    )


def _rows(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row below a table with its dotted name; a row is what states an origin itself."""
    below = {key: row for key, row in table.items() if isinstance(row, Mapping)}
    own = {key: row for key, row in table.items() if key not in below}
    if own:
        yield prefix, own
    for key, row in below.items():
        yield from _rows(f"{prefix}.{key}" if prefix else key, row)


def _parse_curve(place: str, row: object) -> Curve:
    fields = check_fields(place, row, _CURVE_FIELDS, frozenset({"note"}))
    provenance = parse_provenance(place, fields)
    at = tuple(number(place, "at", value) for value in fields["at"])
    values = tuple(number(place, "values", value) for value in fields["values"])
    if not (is_unit(fields["unit"]) and is_unit(fields["at_unit"])):
        raise EvidenceError(f"{place}: unknown unit {fields['unit']!r} or {fields['at_unit']!r}")
    if len(at) != len(values) or len(at) < 2 or np.any(np.diff(at) <= 0.0) or min(values) <= 0.0:
        raise EvidenceError(f"{place}: needs rising places and as many positive values")
    return Curve(at, fields["at_unit"], values, fields["unit"], provenance)


def _parse_setting(name: str, row: object) -> SettingRow:
    place = f"{FILE}: {name}"
    fields = check_fields(place, row, _SETTING_FIELDS, frozenset({"note"}))
    if not name.startswith("setting."):
        raise EvidenceError(f"{place}: neither a number nor a curve nor a setting")
    key = name.removeprefix("setting.")
    return SettingRow(key, fields["name"], fields["count"], parse_provenance(place, fields))


def days(value: float, unit: str = "year") -> float:
    """Return a time in days.

    Examples
    --------
    >>> days(1.0)
    365.25
    """
    return convert(value, unit, "day")
