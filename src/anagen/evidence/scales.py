"""Clinical scales: grades and their bounds, limits and weights, as data with sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

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

DECIMALS = 9
"""Values are compared with bounds after rounding to so many decimals: 99.99999999999 is 100."""

_PROVENANCE = frozenset({"origin", "source", "locator"})


@dataclass(frozen=True)
class Grade:
    """One grade of a scale: an interval of the quantity graded.

    Parameters
    ----------
    label : what is written in a record, for example ``S2``.
    lower, upper : bounds in the unit of the scale.
    lower_closed, upper_closed : whether the bound itself belongs to the grade.
    meaning : the grade in words.
    """

    label: str
    lower: float
    upper: float
    lower_closed: bool
    upper_closed: bool
    meaning: str

    def holds(self, value: float) -> bool:
        """Whether a value, in the unit of the scale, has this grade."""
        rounded = round(value, DECIMALS)
        above = rounded >= self.lower if self.lower_closed else rounded > self.lower
        below = rounded <= self.upper if self.upper_closed else rounded < self.upper
        return above and below


@dataclass(frozen=True)
class Scale:
    """An ordered scale whose grades cover the range of a quantity without gap or overlap.

    Parameters
    ----------
    key : name used in records, for example ``rgs``.
    name : the scale in words.
    quantity : what is graded, for example ``SALT`` or ``share of the patch regrown``.
    unit : unit of the bounds; ``1`` for a share between 0 and 1.
    grades : from least to most.
    provenance : origin, source, locator and note.
    """

    key: str
    name: str
    quantity: str
    unit: str
    grades: tuple[Grade, ...]
    provenance: Provenance

    @property
    def lower(self) -> float:
        """Least value the scale grades."""
        return self.grades[0].lower

    @property
    def upper(self) -> float:
        """Largest value the scale grades."""
        return self.grades[-1].upper


@dataclass(frozen=True)
class PullCriterion:
    """What makes a hair pull test abnormal.

    Parameters
    ----------
    key : name of the criterion.
    name : the criterion in words.
    hairs_low, hairs_high : how many hairs the criterion is defined for.
    limit : abnormal above this, as ``measure`` says.
    measure : ``count`` of hairs pulled out, or ``share`` of the hairs grasped.
    provenance : origin, source, locator and note.
    """

    key: str
    name: str
    hairs_low: float
    hairs_high: float
    limit: float
    measure: str
    provenance: Provenance


@dataclass(frozen=True)
class Sign:
    """A trichoscopy sign: whether it speaks of activity or of recovery, and how much it weighs."""

    key: str
    name: str
    part: str
    weight: float
    provenance: Provenance


@dataclass(frozen=True)
class Scales:
    """All clinical scales of the project.

    Parameters
    ----------
    salt_weights : share of the scalp of each region; they sum to 1.
    classes : scales of severity by SALT (percent): ``s_class``, ``aa_iga``, ``aa_scale``.
    regrowth : scales of regrowth of a patch by share regrown (0 to 1), by key.
    pull : criteria of the hair pull test, by key.
    signs : trichoscopy signs, by key.
    limits : single numbers, by key.
    """

    salt_weights: Mapping[str, float]
    salt_provenance: Provenance
    classes: Mapping[str, Scale]
    regrowth: Mapping[str, Scale]
    pull: Mapping[str, PullCriterion]
    signs: Mapping[str, Sign]
    limits: Mapping[str, Quantity]


@lru_cache(maxsize=1)
def load_scales() -> Scales:
    """Load the clinical scales that the package carries.

    Raises
    ------
    EvidenceError
        When a scale lacks a source, leaves a gap between its grades or lets them overlap.

    Examples
    --------
    >>> load_scales().salt_weights["top"]
    0.4
    """
    return parse_scales(read_table("scales.toml"))


def parse_scales(tables: Mapping[str, Any]) -> Scales:
    """Parse the tables of ``scales.toml``; see `load_scales`."""
    wanted = frozenset({"salt", "classes", "regrowth", "pull", "trichoscopy", "limits"})
    check_fields("scales.toml", tables, wanted)
    salt = check_fields("salt", tables["salt"], _PROVENANCE | {"weights"}, frozenset({"note"}))
    weights = {region: number("salt", region, weight) for region, weight in salt["weights"].items()}
    if round(sum(weights.values()), DECIMALS) != 1.0 or min(weights.values()) <= 0.0:
        raise EvidenceError(f"salt: weights should be positive and sum to 1, found {weights}")
    return Scales(
        salt_weights=weights,
        salt_provenance=parse_provenance("salt", salt),
        classes={key: _parse_scale(key, row) for key, row in tables["classes"].items()},
        regrowth={key: _parse_scale(key, row) for key, row in tables["regrowth"].items()},
        pull={key: _parse_pull(key, row) for key, row in tables["pull"].items()},
        signs={key: _parse_sign(key, row) for key, row in tables["trichoscopy"].items()},
        limits={key: parse_quantity(f"limits.{key}", row) for key, row in tables["limits"].items()},
    )


def _parse_scale(key: str, row: object) -> Scale:
    place = f"scale {key}"
    required = _PROVENANCE | {"name", "quantity", "unit", "grades"}
    fields = check_fields(place, row, required, frozenset({"note"}))
    grades = tuple(_parse_grade(f"{place}.grades", grade) for grade in fields["grades"])
    for before, after in pairwise(grades):
        touch = before.upper == after.lower and before.upper_closed != after.lower_closed
        if not touch:
            raise EvidenceError(f"{place}: {before.label} and {after.label} overlap or leave a gap")
    if len({grade.label for grade in grades}) != len(grades):
        raise EvidenceError(f"{place}: two grades share a label")
    if not (grades[0].lower_closed and grades[-1].upper_closed):
        raise EvidenceError(f"{place}: the ends of the range have no grade")
    return Scale(
        key,
        fields["name"],
        fields["quantity"],
        fields["unit"],
        grades,
        parse_provenance(place, fields),
    )


def _parse_grade(place: str, row: object) -> Grade:
    """Read a grade; its interval is written as in mathematics, for example ``(0, 25]``."""
    fields = check_fields(place, row, frozenset({"label", "interval", "meaning"}))
    text = str(fields["interval"]).strip()
    place = f"{place}.{fields['label']}"
    try:
        lower, upper = (float(part) for part in text[1:-1].split(","))
    except ValueError:
        raise EvidenceError(f"{place}: expected an interval '[0, 25)', found {text!r}") from None
    lower_closed, upper_closed = text[0] == "[", text[-1] == "]"
    brackets = text[0] in "[(" and text[-1] in "])"
    empty = upper < lower or (upper == lower and not (lower_closed and upper_closed))
    if not brackets or empty:
        raise EvidenceError(f"{place}: expected an interval '[0, 25)', found {text!r}")
    return Grade(fields["label"], lower, upper, lower_closed, upper_closed, fields["meaning"])


def _parse_pull(key: str, row: object) -> PullCriterion:
    place = f"pull.{key}"
    required = _PROVENANCE | {"name", "hairs_low", "hairs_high", "limit", "measure"}
    fields = check_fields(place, row, required, frozenset({"note"}))
    if fields["measure"] not in ("count", "share"):
        raise EvidenceError(f"{place}: measure should be count or share")
    return PullCriterion(
        key,
        fields["name"],
        number(place, "hairs_low", fields["hairs_low"]),
        number(place, "hairs_high", fields["hairs_high"]),
        number(place, "limit", fields["limit"]),
        fields["measure"],
        parse_provenance(place, fields),
    )


def _parse_sign(key: str, row: object) -> Sign:
    place = f"trichoscopy.{key}"
    required = _PROVENANCE | {"name", "part", "weight"}
    fields = check_fields(place, row, required, frozenset({"note"}))
    if fields["part"] not in ("activity", "recovery"):
        raise EvidenceError(f"{place}: part should be activity or recovery")
    weight = number(place, "weight", fields["weight"])
    if weight <= 0.0:
        raise EvidenceError(f"{place}: weight should be positive, found {weight}")
    return Sign(key, fields["name"], fields["part"], weight, parse_provenance(place, fields))
