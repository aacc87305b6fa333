"""What plans are put beside each other and how criteria count: data with a source each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError, InputError
from anagen.evidence.rows import Provenance, check_fields, number, parse_provenance, read_table

Criterion = Literal["regrowth", "atrophy", "mg", "pain", "visits"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
PatchChoice = Literal["all", "active", "worst"]

_FILE = "forecast/choices.toml"
_PROVENANCE = frozenset({"origin", "source", "locator"})
_UNITS = {
    "strength": "mg/mL",
    "volume": "mL",
    "spacing": "mm",
    "interval": "week",
    "sessions": "1",
    "wait": "week",
}


@dataclass(frozen=True)
class Grid:
    """Which plans to make; every combination is one.

    Parameters
    ----------
    protocol : key of the protocol that is varied; what is not named here is as in it.
    strengths_mg_per_mL, volumes_mL, spacings_mm : at each site [mg/mL, mL, mm].
    intervals_weeks, sessions : how far apart [week], how many.
    waits_weeks : how long to wait before the same plan [week].
    patches : which patches: all, active (not regrowing or resolved) or worst.
    steps : key of the protocol whose strengths a step up or down follows.
    sources : references by what they support: strength, volume ... wait, stop, step, base.

    Examples
    --------
    >>> load_grid().strengths_mg_per_mL
    (2.5, 5.0, 10.0)
    """

    protocol: str
    strengths_mg_per_mL: tuple[float, ...]  # noqa: N815 - unit symbol
    volumes_mL: tuple[float, ...]  # noqa: N815 - unit symbol
    spacings_mm: tuple[float, ...]
    intervals_weeks: tuple[float, ...]
    sessions: tuple[int, ...]
    waits_weeks: tuple[float, ...]
    patches: tuple[PatchChoice, ...]
    steps: str
    sources: Mapping[str, str]


@dataclass(frozen=True)
class Weight:
    """How much one criterion counts by default, and who says so."""

    value: float
    provenance: Provenance


def load_grid() -> Grid:
    """Load the grid of plans that the package carries.

    Raises
    ------
    EvidenceError
        When a row lacks a value, unit or source.
    """
    return _load()[0]


def load_weights() -> Mapping[Criterion, Weight]:
    """Load the weights used when nobody states a preference, by criterion; their sum is 1.

    Examples
    --------
    >>> sum(weight.value for weight in load_weights().values())
    1.0
    """
    return _load()[1]


@lru_cache(maxsize=1)
def _load() -> tuple[Grid, Mapping[Criterion, Weight]]:
    return parse_choices(read_table(_FILE))


def parse_choices(tables: Mapping[str, Any]) -> tuple[Grid, Mapping[Criterion, Weight]]:
    """Parse the tables of a choices file; see `load_grid` and `load_weights`.

    Raises
    ------
    EvidenceError
        When a row lacks a value, unit or source, or a name is unknown.
    """
    names = frozenset({"base", "grid", "patches", "stop", "step", "weights"})
    check_fields(_FILE, tables, names)
    rows = check_fields(f"{_FILE}: grid", tables["grid"], frozenset(_UNITS))
    values = {name: _values(f"{_FILE}: grid.{name}", rows[name], _UNITS[name]) for name in _UNITS}
    sources = {name: str(rows[name]["source"]) for name in _UNITS}
    for name, field in (
        ("base", "protocol"),
        ("step", "protocol"),
        ("stop", ""),
        ("patches", "values"),
    ):
        extra = frozenset({field} if field else ())
        row = check_fields(f"{_FILE}: {name}", tables[name], _PROVENANCE | extra)
        sources[name] = parse_provenance(f"{_FILE}: {name}", row).source
    patches = tuple(tables["patches"]["values"])
    if not patches or not set(patches) <= set(get_args(PatchChoice)):
        raise EvidenceError(f"{_FILE}: patches: {patches} not all of {get_args(PatchChoice)}")
    grid = Grid(
        protocol=tables["base"]["protocol"],
        strengths_mg_per_mL=values["strength"],
        volumes_mL=values["volume"],
        spacings_mm=values["spacing"],
        intervals_weeks=values["interval"],
        sessions=tuple(round(value) for value in values["sessions"]),
        waits_weeks=values["wait"],
        patches=patches,
        steps=tables["step"]["protocol"],
        sources=sources,
    )
    return grid, _weights(tables["weights"])


def _values(place: str, row: object, unit: str) -> tuple[float, ...]:
    from anagen.units import convert, is_unit

    fields = check_fields(place, row, _PROVENANCE | {"values", "unit"})
    parse_provenance(place, fields)
    if not is_unit(fields["unit"]) or not isinstance(fields["values"], list):
        raise EvidenceError(f"{place}: expected a list of values with a unit")
    given = [number(place, "values", value) for value in fields["values"]]
    if not given or min(given) <= 0 or sorted(set(given)) != given:
        raise EvidenceError(f"{place}: values above 0, each once, rising; found {given}")
    try:
        return tuple(round(convert(value, fields["unit"], unit), 9) for value in given)
    except InputError as error:
        raise EvidenceError(f"{place}: {error}") from error


def _weights(table: object) -> Mapping[Criterion, Weight]:
    rows = check_fields(f"{_FILE}: weights", table, frozenset(CRITERIA))
    weights: dict[Criterion, Weight] = {}
    for name in CRITERIA:
        place = f"{_FILE}: weights.{name}"
        row = check_fields(place, rows[name], _PROVENANCE | {"value", "unit"})
        weights[name] = Weight(number(place, "value", row["value"]), parse_provenance(place, row))
    total = sum(weight.value for weight in weights.values())
    if min(weight.value for weight in weights.values()) < 0 or abs(total - 1.0) > 1e-9:
        raise EvidenceError(f"{_FILE}: weights of 0 or more with sum 1; their sum is {total:g}")
    return weights
