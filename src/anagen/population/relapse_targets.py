"""What is published on relapse after regrowth, in a form a likelihood reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError, InputError
from anagen.evidence.published import CourseResult, load_course, reference_of
from anagen.evidence.rows import (
    Provenance,
    Quantity,
    check_fields,
    number,
    parse_quantity,
    read_table,
)

What = Literal["cumulative", "share", "relapse_free"]
Use = Literal["fit", "shown"]
Window = Literal["exact", "individual", "unknown"]
Family = Literal["lognormal", "normal"]

COVARIATES = (
    "duration_over_6_months",
    "duration_over_24_months",
    "extent_s2_or_more",
    "nail_change",
    "recurrent",
    "childhood_onset",
    "family_history",
)

_REQUIRED = frozenset({"study_id", "quantity", "use", "window", "time"})
_OPTIONAL = frozenset({"row", "first_time", "percent", "people", "shares", "note"})
_PRIOR = frozenset(
    {"name", "distribution", "value", "sd", "unit", "origin", "source", "locator", "note"}
)


@dataclass(frozen=True)
class RelapsePrior:
    """Prior of one number of the relapse model.

    Parameters
    ----------
    key, name : short and in words.
    distribution : ``lognormal`` (value is the median, sd that of the logarithm) or ``normal``.
    value, sd : in ``unit``; the sd of a lognormal is a pure number.
    unit : of the value.
    provenance : origin, source, arithmetic and conflicts.
    """

    key: str
    name: str
    distribution: Family
    value: float
    sd: float
    unit: str
    provenance: Provenance


@dataclass(frozen=True)
class RelapseTarget:
    """One published figure on relapse.

    Parameters
    ----------
    key : name of the target.
    study_id, reference : the study, and its key in ``references.bib``.
    population : who was followed, in words.
    what : ``cumulative`` (relapsed by ``time``), ``share`` (of those relapsed by ``time``, how
        many by ``first_time``) or ``relapse_free`` (not relapsed by ``time``).
    use : ``fit`` (in the likelihood) or ``shown`` (only held against the prediction).
    window : ``exact``; ``individual``, people were followed for different times between low and
        high; ``unknown``, one time for all, not stated, between low and high.
    first_days : (2,) [day] low and high of the earlier time; zeros unless ``what`` is ``share``.
    days : (2,) [day] low and high of the time since remission.
    percent : [%] published figure.
    people : [1] its denominator.
    shares : (covariate,) share of the people with each of `COVARIATES`.
    note : anything a reader must know.
    """

    key: str
    study_id: str
    reference: str
    population: str
    what: What
    use: Use
    window: Window
    first_days: tuple[float, float]
    days: tuple[float, float]
    percent: float
    people: float
    shares: tuple[float, ...]
    note: str

    @property
    def events(self) -> float:
        """People who had the event; not whole where only a percentage was printed."""
        return self.percent / 100.0 * self.people


@dataclass(frozen=True)
class LeftOut:
    """A published row that speaks of relapse and is no target, with the reason."""

    study_id: str
    measure: str
    reason: str


@lru_cache(maxsize=1)
def load_relapse_targets() -> tuple[RelapseTarget, ...]:
    """Load the published figures on relapse, those to fit first.

    Raises
    ------
    EvidenceError
        When a target has no row in ``course.csv``, no denominator, or breaks another rule; all
        broken targets are named.

    Examples
    --------
    >>> target = load_relapse_targets()[0]
    >>> target.study_id, target.events, target.people, target.days
    ('Albalat2019', 10.0, 40.0, (182.0, 182.0))
    """
    return parse_targets(read_table("population/relapse.toml"), load_course())


@lru_cache(maxsize=1)
def load_relapse_priors() -> dict[str, RelapsePrior]:
    """Load the priors of the relapse model by key.

    Examples
    --------
    >>> load_relapse_priors()["h0"].unit
    '1/day'
    """
    return parse_priors(read_table("population/relapse.toml"))


@lru_cache(maxsize=1)
def load_left_out() -> tuple[LeftOut, ...]:
    """Load the published rows on relapse that are no target, each with the reason.

    Examples
    --------
    >>> any("platelet-rich" in row.reason for row in load_left_out())
    True
    """
    rows = read_table("population/relapse.toml").get("left_out", [])
    required = frozenset({"study_id", "measure", "reason"})
    optional = frozenset({"time", "population"})
    fields = [check_fields("relapse left_out", row, required, optional) for row in rows]
    return tuple(LeftOut(row["study_id"], row["measure"], row["reason"]) for row in fields)


def parse_targets(
    table: Mapping[str, Any], course: tuple[CourseResult, ...]
) -> tuple[RelapseTarget, ...]:
    """Read targets from a table of TOML and the rows of ``course.csv``."""
    defaults = _shares("relapse shares", table.get("shares", {}))
    missing = sorted(set(COVARIATES) - set(defaults))
    if missing:
        raise EvidenceError(f"relapse shares: lacks {missing}")
    targets, problems = [], []
    for key, row in table.get("target", {}).items():
        try:
            targets.append(_parse_target(key, row, defaults, course))
        except EvidenceError as error:
            problems.append(str(error))
    if problems or not targets:
        raise EvidenceError("\n".join(problems) or "relapse.toml: no targets")
    return tuple(sorted(targets, key=lambda target: target.use != "fit"))


def parse_priors(table: Mapping[str, Any]) -> dict[str, RelapsePrior]:
    """Read priors from a table of TOML; see `load_relapse_priors`."""
    rows = table.get("prior", {})
    wanted = {"h0", "kappa", "study_precision", *COVARIATES}
    if set(rows) != wanted:
        odd = sorted(wanted.symmetric_difference(rows))
        raise EvidenceError(f"relapse prior: missing or unknown {odd}")
    return {key: _parse_prior(key, row) for key, row in rows.items()}


def _parse_prior(key: str, row: object) -> RelapsePrior:
    place = f"relapse prior {key}"
    fields = check_fields(place, row, _PRIOR - {"note"}, frozenset({"note"}))
    plain = {name: fields[name] for name in fields if name in _PRIOR - {"name", "distribution"}}
    sd = number(place, "sd", plain.pop("sd"))
    quantity = parse_quantity(place, plain)
    family = fields["distribution"]
    if family not in get_args(Family):
        raise EvidenceError(f"{place}: distribution {family!r}")
    unit = "1/day" if key == "h0" else "1"
    if quantity.unit != unit:
        raise EvidenceError(f"{place}: unit {quantity.unit!r} should be {unit!r}")
    if sd <= 0.0 or (family == "lognormal" and quantity.value <= 0.0):
        raise EvidenceError(f"{place}: value {quantity.value}, sd {sd}: should be positive")
    return RelapsePrior(
        key, fields["name"], family, quantity.value, sd, quantity.unit, quantity.provenance
    )


def _parse_target(
    key: str, row: object, defaults: Mapping[str, float], course: tuple[CourseResult, ...]
) -> RelapseTarget:
    place = f"relapse target {key}"
    fields = check_fields(place, row, _REQUIRED, _OPTIONAL)
    for field, kind in (("quantity", What), ("use", Use), ("window", Window)):
        if fields[field] not in get_args(kind):
            raise EvidenceError(f"{place}: {field} {fields[field]!r} is none of {get_args(kind)}")
    found = _course_row(place, fields, course)
    percent = _amount(place, "percent", "%", fields, found.percent if found else None)
    people = _amount(place, "people", "1", fields, found.n_total if found else None)
    if "percent" not in fields and found and found.n_events is not None and found.n_total:
        percent = 100.0 * found.n_events / found.n_total  # the printed percentage is rounded
    shares = {**defaults, **_shares(f"{place} shares", fields.get("shares", {}))}
    first = _days(place, fields["first_time"]) if "first_time" in fields else (0.0, 0.0)
    target = RelapseTarget(
        key=key,
        study_id=fields["study_id"],
        reference=found.reference if found else reference_of(fields["study_id"]),
        population=found.population if found else fields["study_id"],
        what=fields["quantity"],
        use=fields["use"],
        window=fields["window"],
        first_days=first,
        days=_days(place, fields["time"]),
        percent=percent,
        people=people,
        shares=tuple(shares[name] for name in COVARIATES),
        note=fields.get("note", ""),
    )
    problems = list(_problems(target, shares))
    if problems:
        raise EvidenceError(f"{place}: {'; '.join(problems)}")
    return target


def _course_row(
    place: str, fields: Mapping[str, Any], course: tuple[CourseResult, ...]
) -> CourseResult | None:
    """Return the one row of ``course.csv`` a target names; None where it states its own numbers."""
    wanted = fields.get("row")
    if wanted is None:
        return None
    check_fields(f"{place} row", wanted, frozenset(), frozenset({"population", "measure", "time"}))
    found = [
        row
        for row in course
        if row.study_id == fields["study_id"]
        and row.measure == wanted.get("measure", row.measure)
        and row.time == wanted.get("time", row.time)
        and row.population.startswith(wanted.get("population", ""))
    ]
    if len(found) != 1:
        raise EvidenceError(f"{place}: {len(found)} rows of course.csv match {dict(wanted)}")
    return found[0]


def _amount(
    place: str, field: str, unit: str, fields: Mapping[str, Any], printed: float | None
) -> float:
    """Return a number of the target itself, or else the one printed in ``course.csv``."""
    if field in fields:
        return _convert(place, parse_quantity(f"{place} {field}", fields[field]), unit)[0]
    if printed is None:
        raise EvidenceError(f"{place}: {field} stands neither here nor in course.csv")
    return float(printed)


def _days(place: str, row: object) -> tuple[float, float]:
    quantity = parse_quantity(f"{place} time", row)
    low, high = _convert(place, quantity, "day")[1:]
    return low, high


def _convert(place: str, quantity: Quantity, unit: str) -> tuple[float, float, float]:
    """Value, low and high in another unit."""
    from anagen.units import convert

    try:
        value, low, high = (
            convert(number, quantity.unit, unit)
            for number in (quantity.value, quantity.low, quantity.high)
        )
    except InputError as error:
        raise EvidenceError(f"{place}: {quantity.unit!r} does not convert to {unit!r}") from error
    return value, low, high


def _shares(place: str, rows: Mapping[str, Any]) -> dict[str, float]:
    unknown = sorted(set(rows) - set(COVARIATES))
    if unknown:
        raise EvidenceError(f"{place}: unknown {unknown}")
    shares = {}
    for name, row in rows.items():
        quantity = parse_quantity(f"{place} {name}", row)
        if quantity.unit != "1" or not 0.0 <= quantity.value <= 1.0:
            raise EvidenceError(f"{place} {name}: {quantity.value} {quantity.unit} is no share")
        shares[name] = quantity.value
    return shares


def _problems(target: RelapseTarget, shares: Mapping[str, float]) -> Iterator[str]:
    if not 0.0 <= target.percent <= 100.0:
        yield f"percent {target.percent} is not between 0 and 100"
    if target.people <= 0.0:
        yield f"people {target.people} should be positive"
    if target.days[0] <= 0.0:
        yield f"time {target.days} should be positive"
    if (target.window == "exact") != (target.days[0] == target.days[1]):
        yield f"window {target.window!r} with a time of {target.days} days"
    if (target.what == "share") != (target.first_days[1] > 0.0):
        yield "a share needs a first_time, and nothing else has one"
    if target.first_days[1] > target.days[0]:
        yield f"first_time {target.first_days} after time {target.days}"
    if shares["duration_over_24_months"] > shares["duration_over_6_months"]:
        yield "more people over 24 months than over 6"
