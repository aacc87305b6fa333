"""Checks of who is taken and how: arms, keys, units, people, strata and sources."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from pydantic import BaseModel

from anagen.patient.positions import Path
from anagen.patient.quantities import plausible
from anagen.patient.vocabulary import nearest
from anagen.trials.lint_found import Lint, error, inform, warn
from anagen.trials.protocol import Protocol, Range, Table

_UNITS = {"parallel": ("patient",), "within": ("patch", "quadrant")}
_QUADRANTS = 4
_LEAST_ARMS, _LEAST_PEOPLE = 2, 2
_PERCENT = (0.0, 100.0)
# Of the file itself, not of the trial: they need no source.
_TECHNICAL = {"schema_version", "seed", "ratio"}


def arms(protocol: Protocol) -> Iterator[Lint]:
    """Too few arms, an arm to which nobody is allocated, twins."""
    count = len(protocol.arms)
    if count < _LEAST_ARMS:
        found = "one arm only" if count else "no arm"
        yield error(
            ("arms",),
            "at least two arms to compare",
            found,
            "Add an arm, [[arms]], such as saline (strength_mg_per_mL = 0).",
        )
    for index, arm in enumerate(protocol.arms):
        if arm.ratio <= 0.0:
            yield error(
                ("arms", index, "ratio"),
                "a ratio above 0",
                f"{arm.ratio:g}",
                "Write 1 for an arm like the others, or remove the arm.",
            )
    if protocol.design == "within" and len({arm.ratio for arm in protocol.arms}) > 1:
        ratios = ", ".join(f"{arm.ratio:g}" for arm in protocol.arms)
        yield error(
            ("arms",),
            "equal ratios, as every person gets all arms",
            ratios,
            "Leave the ratios out.",
        )
    for (first, one), (second, other) in combinations(enumerate(protocol.arms), 2):
        if _given(one.treatment) == _given(other.treatment) and one.rescue == other.rescue:
            yield warn(
                ("arms", second, "treatment"),
                f"a treatment unlike that of arms[{first}]",
                "the same",
                "Change it, unless the trial is to show no difference.",
            )


def keys(protocol: Protocol) -> Iterator[Lint]:
    """Arms or endpoints of the same key."""
    named = {
        "arms": [arm.key for arm in protocol.arms],
        "endpoints": [endpoint.key for endpoint in protocol.endpoints],
    }
    for name, given in named.items():
        for index, key in enumerate(given):
            if key in given[:index]:
                yield error(
                    (name, index, "key"),
                    "a key of its own",
                    f"'{key}' again",
                    "Give each its own key; results are named by it.",
                )


def units(protocol: Protocol) -> Iterator[Lint]:
    """Find a unit that the design cannot randomise, or too few of them in a person."""
    fitting = _UNITS[protocol.design]
    if protocol.unit not in fitting:
        other = "within" if protocol.design == "parallel" else "parallel"
        yield error(
            ("unit",),
            f"{' or '.join(fitting)} in a {protocol.design} design",
            protocol.unit,
            f'Correct the unit, or write design = "{other}".',
        )
        return
    count = len(protocol.arms)
    if protocol.unit == "quadrant" and count > _QUADRANTS:
        yield error(
            ("arms",),
            "at most four arms, one for each quadrant",
            f"{count}",
            'Remove arms, or write unit = "patch".',
        )
    if protocol.unit == "patch" and count:
        fewest = protocol.eligibility.patches.low if protocol.eligibility.patches else None
        if fewest is None or fewest < count:
            found = "no limit" if fewest is None else f"{fewest:g}"
            yield error(
                ("eligibility", "patches"),
                f"at least {count} patches, one for each arm",
                found,
                f"Write patches = {{ low = {count} }}.",
            )
    smallest = protocol.eligibility.patch_diameter_mm
    widest = max((arm.treatment.spacing_mm for arm in protocol.arms), default=0.0)
    if protocol.unit == "quadrant" and count and (smallest is None or (smallest.low or 0) < widest):
        found = f"{smallest.low:g} mm" if smallest and smallest.low is not None else "no limit"
        yield warn(
            ("eligibility", "patch_diameter_mm"),
            f"patches of {widest:g} mm or more, the spacing, so that a quadrant holds a site",
            found,
            f"Write patch_diameter_mm = {{ low = {2 * widest:g} }} or more.",
        )


def people(protocol: Protocol) -> Iterator[Lint]:
    """Too few people, in all or in an arm."""
    if protocol.people < _LEAST_PEOPLE:
        yield error(
            ("people",),
            f"at least {_LEAST_PEOPLE} people",
            f"{protocol.people}",
            "Write how many there are: in an arm of ratio 1, or within people in all.",
        )
    elif protocol.design == "parallel":
        for index, arm in enumerate(protocol.arms):
            size = round(protocol.people * arm.ratio)
            if arm.ratio > 0.0 and size < _LEAST_PEOPLE:
                yield error(
                    ("arms", index, "ratio"),
                    f"at least {_LEAST_PEOPLE} people in the arm",
                    f"{size}",
                    "Raise the ratio, or people.",
                )


def eligibility(protocol: Protocol) -> Iterator[Lint]:
    """Find an unknown setting, reversed or impossible limits, limits that nobody meets."""
    from anagen.population.covariate_data import load_covariates
    from anagen.population.settings import setting_names

    taken = protocol.eligibility
    names = setting_names()
    known = taken.setting in names
    if not known:
        meant = nearest(taken.setting, names)
        yield error(
            ("eligibility", "setting"),
            f"one of {', '.join(names)}",
            f"'{taken.setting}'",
            f"Did you mean '{meant}'?" if meant else "Name one of them.",
        )
    most = load_covariates().value("count.most", "1")
    bounds = {
        "age": (taken.age, plausible("age").possible, "years"),
        "duration_weeks": (taken.duration_weeks, (0.0, None), "weeks"),
        "patch_diameter_mm": (taken.patch_diameter_mm, (0.0, None), "mm"),
        "patches": (taken.patches, (1.0, most), "patches"),
        "salt": (taken.salt, _PERCENT, "percent"),
    }
    wrong = [
        lint
        for name, (limits, within, unit) in bounds.items()
        for lint in _range(("eligibility", name), limits, within, unit)
    ]
    yield from wrong
    if known and not wrong:
        yield from _nobody(protocol)


def stratification(protocol: Protocol) -> Iterator[Lint]:
    """Unknown covariates, covariates named twice."""
    from anagen.population.covariates import COVARIATES

    for index, name in enumerate(protocol.stratify):
        if name not in COVARIATES:
            meant = nearest(name, COVARIATES)
            yield error(
                ("stratify", index),
                f"one of {', '.join(COVARIATES)}",
                f"'{name}'",
                f"Did you mean '{meant}'?" if meant else "Name one of them.",
            )
        elif name in protocol.stratify[:index]:
            yield error(
                ("stratify", index),
                "each covariate once",
                f"'{name}' again",
                "Remove one of the two.",
            )
    if protocol.stratify and protocol.design == "within":
        yield inform(
            ("stratify",),
            "no strata where every person gets all arms",
            ", ".join(protocol.stratify),
            "Leave them out; they change nothing.",
        )


def sources(protocol: Protocol) -> Iterator[Lint]:
    """Numbers of which nobody says where they come from, and names that are no field."""
    for path, table in tables(protocol):
        for index, name in enumerate(table.assumed):
            if name not in type(table).model_fields:
                meant = nearest(name, type(table).model_fields)
                yield warn(
                    (*path, "assumed", index),
                    "the name of a field of this table",
                    f"'{name}'",
                    f"Did you mean '{meant}'?"
                    if meant
                    else "Name the field, and write the reason into 'note'.",
                )
    for path in unsourced(protocol):
        yield inform(
            path,
            "a source, or the name of the field in 'assumed'",
            "neither",
            "Write source = \"...\" in its table, or add it to 'assumed'.",
        )


def tables(value: Any, path: Path = ()) -> Iterator[tuple[Path, Table]]:
    """Every table of a protocol that says where its numbers come from, with its path."""
    if isinstance(value, Table):
        yield path, value
    for name, inner in _inside(value):
        yield from tables(inner, (*path, name))


def unsourced(protocol: Protocol) -> tuple[Path, ...]:
    """Paths of the numbers written in a protocol that have neither source nor 'assumed'.

    Examples
    --------
    >>> from anagen.trials.protocol_file import read_protocol_file
    >>> unsourced(read_protocol_file("five-against-ten").protocol)
    ()
    """
    return tuple(_unsourced(protocol, (), covered=False))


def _unsourced(value: Any, path: Path, *, covered: bool) -> Iterator[Path]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        if not covered:
            yield path
        return
    if isinstance(value, Table) and path:
        covered = bool(value.source.strip())
    assumed = value.assumed if isinstance(value, Table) else ()
    for name, inner in _inside(value):
        if name in _TECHNICAL:
            continue
        own = covered or name in assumed or (not path and not isinstance(inner, Table))
        yield from _unsourced(inner, (*path, name), covered=own)


def _inside(value: Any) -> Iterable[tuple[int | str, Any]]:
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in sorted(value.model_fields_set)]
    return enumerate(value) if isinstance(value, tuple) else ()


def _given(treatment: Any) -> dict[str, Any]:
    """Return what is done, without where its numbers come from."""
    return dict(treatment.model_dump(exclude={"source", "assumed", "note"}))


def _range(
    path: Path, limits: Range | None, within: tuple[float, float | None], unit: str
) -> Iterator[Lint]:
    if limits is None:
        return
    least, most = within
    for side, value in (("low", limits.low), ("high", limits.high)):
        if value is not None and (value < least or (most is not None and value > most)):
            upper = "" if most is None else f" to {most:g}"
            yield error(
                (*path, side),
                f"{least:g}{upper} {unit}" if upper else f"{least:g} {unit} or more",
                f"{value:g}",
                "Correct it.",
            )
    if limits.low is not None and limits.high is not None and limits.low > limits.high:
        yield error(
            path,
            "the lower limit first",
            f"{limits.low:g} to {limits.high:g}",
            "Exchange 'low' and 'high'.",
        )


def _nobody(protocol: Protocol) -> Iterator[Lint]:
    """Limits that nobody of the setting meets."""
    from anagen.population.settings import Setting, setting_limits

    taken = protocol.eligibility
    own = setting_limits(Setting(taken.setting))
    for name, limits, (low, high), scale, unit in (
        ("age", taken.age, own.age, 1.0, "years"),
        ("duration_weeks", taken.duration_weeks, own.episode, 1.0 / 7.0, "weeks"),
        ("patches", taken.patches, own.patches, 1.0, "patches"),
        ("salt", taken.salt, own.extent, 100.0, "percent"),
    ):
        if limits is None:
            continue
        least, most = low * scale, high * scale
        below = limits.high is not None and limits.high < least
        above = limits.low is not None and limits.low > most
        if below or above:
            yield error(
                ("eligibility", name),
                f"limits that reach {least:.4g} to {most:.4g} {unit}, "
                f"as the setting '{taken.setting}' has",
                "limits outside them",
                "Widen them, or name another setting.",
            )
