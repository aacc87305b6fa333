"""Statements about the treatment, each with what tests it and when it counts as shown.

The table says beforehand what would show a statement and what would contradict it; the figures of
the model are computed elsewhere (`anagen.population.claims`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import check_fields, number, read_table

CriterionKind = Literal["published_inside", "inside_published", "above", "below"]
Argument = float | int | str | bool

_REQUIRED = frozenset({"group", "statement", "simulation", "measure", "unit", "published",
                       "criterion", "sources", "locator"})  # fmt: skip
_OPTIONAL = frozenset({"arguments", "conflict", "note", "popular"})
_PUBLISHED = frozenset({"value", "low", "high", "people", "unclear"})
_LIMITED = ("above", "below")
_OWN_FIGURE = ("arm", "relapse_target")  # simulations that find the published figure themselves


@dataclass(frozen=True)
class Published:
    """What has been published on a statement.

    Parameters
    ----------
    text : in words, with counts as printed; ``qualitative`` where there is no figure.
    value, low, high : figure and its interval or range in the claim's unit; None where none.
    people : on whom it rests, for the chance of a study of that size; None where not known.
    unclear : how unclear its definition is, 0 to 1.
    """

    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    people: int | None = None
    unclear: float = 0.0


@dataclass(frozen=True)
class Criterion:
    """When a statement counts as shown, said before looking.

    Parameters
    ----------
    kind : ``published_inside``, the published figure lies in the model's 95 % interval for such a
        study; ``inside_published``, the model's figure lies in the published range; ``above`` or
        ``below`` a limit with a probability.
    limit : of ``above`` and ``below``, in the claim's unit; None otherwise.
    probability : that the figure is on the right side, from which the statement is shown; with
        less than one minus it, it is contradicted.
    why : where the limit comes from.
    """

    kind: CriterionKind
    limit: float | None = None
    probability: float = 0.95
    why: str = ""


@dataclass(frozen=True)
class Claim:
    """A statement about the treatment and how it is tested.

    Parameters
    ----------
    key, group, statement : name, subject, and the statement in plain words.
    simulation : key of the simulation; arguments : what it is run with.
    measure, unit : what its figure is.
    published : figure of the literature; criterion : for the verdict.
    sources : keys in ``references.bib``, the main one first; locator : where, or the arithmetic.
    popular : whether it is a popular claim that need not be true.
    conflict : where studies disagree; note : what a reader must know.
    """

    key: str
    group: str
    statement: str
    simulation: str
    measure: str
    unit: str
    published: Published
    criterion: Criterion
    sources: tuple[str, ...]
    locator: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    popular: bool = False
    conflict: str = ""
    note: str = ""


@lru_cache(maxsize=1)
def load_claims() -> tuple[Claim, ...]:
    """Load the statements that the package carries, in the order of its table.

    Raises
    ------
    EvidenceError
        When a row lacks a field, has a source that is not in ``references.bib``, or a criterion
        that cannot be decided; all broken rows are named.

    Examples
    --------
    >>> "atrophy_10" in {claim.key for claim in load_claims()}
    True
    """
    return parse_claims(read_table("claims.toml"))


def parse_claims(table: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Read statements from a table of TOML; see `load_claims`."""
    rows = table.get("claim")
    if not isinstance(rows, Mapping) or not rows:
        raise EvidenceError("claims.toml: expected tables [claim.<key>]")
    claims, problems = [], []
    for key, row in rows.items():
        try:
            claims.append(_parse_claim(key, row))
        except EvidenceError as error:
            problems.append(str(error))
    if problems:
        raise EvidenceError("\n".join(problems))
    return tuple(claims)


def _parse_claim(key: str, row: object) -> Claim:
    place = f"claim {key}"
    fields = check_fields(place, row, _REQUIRED, _OPTIONAL)
    claim = Claim(
        key=key,
        published=_parse_published(place, fields["published"]),
        criterion=_parse_criterion(place, fields["criterion"]),
        sources=tuple(fields["sources"]),
        arguments=dict(fields.get("arguments", {})),
        popular=bool(fields.get("popular", False)),
        conflict=fields.get("conflict", ""),
        note=fields.get("note", ""),
        **{name: fields[name] for name in ("group", "statement", "simulation", "measure", "unit",
                                           "locator")},
    )  # fmt: skip
    problems = _problems(claim)
    if problems:
        raise EvidenceError(f"{place}: {'; '.join(problems)}")
    return claim


def _parse_published(place: str, row: object) -> Published:
    fields = check_fields(f"{place} published", row, frozenset({"text"}), _PUBLISHED)
    numbers = {name: number(place, name, fields[name]) for name in _PUBLISHED if name in fields}
    people = numbers.pop("people", None)
    return Published(fields["text"], people=None if people is None else int(people), **numbers)


def _parse_criterion(place: str, row: object) -> Criterion:
    fields = check_fields(f"{place} criterion", row, frozenset({"kind"}),
                          frozenset({"limit", "probability", "why"}))  # fmt: skip
    if fields["kind"] not in get_args(CriterionKind):
        raise EvidenceError(f"{place}: criterion {fields['kind']!r} is none of "
                            f"{', '.join(get_args(CriterionKind))}")  # fmt: skip
    limit = fields.get("limit")
    return Criterion(
        fields["kind"],
        None if limit is None else number(place, "limit", limit),
        number(place, "probability", fields.get("probability", 0.95)),
        fields.get("why", ""),
    )


def _problems(claim: Claim) -> list[str]:
    problems = [
        f"source {source!r} not in references.bib"
        for source in claim.sources
        if source not in reference_keys()
    ]
    published, criterion = claim.published, claim.criterion
    if not claim.sources:
        problems.append("no source")
    limited = criterion.kind in _LIMITED
    if limited != (criterion.limit is not None):
        problems.append("a criterion above or below needs a limit, another has none")
    if limited and not criterion.why:
        problems.append("a limit needs a reason")
    if not 0.5 < criterion.probability < 1.0:
        problems.append(f"probability {criterion.probability} outside 0.5..1")
    if criterion.kind == "inside_published" and (published.low is None or published.high is None):
        problems.append("a criterion inside the published range needs low and high")
    stated = published.value is not None or claim.simulation in _OWN_FIGURE
    if criterion.kind == "published_inside" and not stated:
        problems.append("a criterion on the published figure needs its value")
    ends = [end for end in (published.low, published.value, published.high) if end is not None]
    if ends != sorted(ends):
        problems.append("low, value and high are not in order")
    if not 0.0 <= published.unclear <= 1.0:
        problems.append(f"unclear {published.unclear} outside 0..1")
    return problems
