"""Rules of treatment and the profiles that select them: data, each number with its source."""

import math
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, get_args

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys

if TYPE_CHECKING:
    from anagen.evidence.rows import Origin

Kind = Literal[
    "limit", "technique", "contraindication", "interaction", "age", "pregnancy", "gate", "record"
]
Severity = Literal["block", "warn", "inform"]
Comparison = Literal[">", ">=", "<", "<=", "mentions", "present"]

NUMERIC: tuple[Comparison, ...] = (">", ">=", "<", "<=")
DEFAULT_PROFILE = "anagen-default"

_FIELDS_OF_A_MESSAGE = {"measured", "limit", "unit", "found", "patch"}


@dataclass(frozen=True)
class Condition:
    """Something else that must hold before a rule speaks.

    Parameters
    ----------
    measure : what is measured, a key of the registry of measures.
    comparison : how measured must stand to number.
    number, unit : the number; None with ``mentions`` and ``present``.
    terms : words that must be mentioned.
    after_weeks : only what was seen this long after the first session [week].
    window_days : only what was given in so many days [day].
    origin, source, locator : where the number comes from.
    """

    measure: str
    comparison: Comparison
    number: float | None = None
    unit: str = "1"
    terms: tuple[str, ...] = ()
    after_weeks: float | None = None
    window_days: float | None = None
    origin: "Origin" = "assumed"
    source: str = "assumed"
    locator: str = ""


@dataclass(frozen=True)
class Alternative:
    """Another number that somebody gives for the same rule, with its own source."""

    number: float
    jurisdiction: str
    origin: "Origin"
    source: str
    locator: str
    stated: str


@dataclass(frozen=True)
class Rule:
    """One rule.

    Parameters
    ----------
    key, title, kind : what it is called and what sort it is.
    measure, comparison, number, unit, terms, after_weeks, window_days : as in `Condition`; the
        rule speaks when ``measured comparison number`` holds.
    severity : block, warn or inform.
    jurisdiction : where it holds.
    origin, source, locator, stated : who says so, where and when.
    message : template with ``{measured} {limit} {unit} {found} {patch}``.
    remedy : what to do.
    absolute : whether no reason overrides it.
    tolerance : share of the number that the measurement cannot tell apart.
    when : further conditions, all of which must hold.
    alternatives : other numbers for the same rule.
    """

    key: str
    title: str
    kind: Kind
    measure: str
    comparison: Comparison
    severity: Severity
    jurisdiction: str
    origin: "Origin"
    source: str
    locator: str
    stated: str
    message: str
    remedy: str
    number: float | None = None
    unit: str = "1"
    terms: tuple[str, ...] = ()
    after_weeks: float | None = None
    window_days: float | None = None
    absolute: bool = False
    tolerance: float = 0.0
    when: tuple[Condition, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    def with_number(self, number: float) -> "Rule":
        """Return the rule with one of its alternative numbers and that number's source.

        Raises
        ------
        EvidenceError
            When nobody is cited for that number.
        """
        if number == self.number:
            return self
        for other in self.alternatives:
            if other.number == number:
                return replace(self, **vars(other))
        known = [self.number, *(other.number for other in self.alternatives)]
        raise EvidenceError(f"rule {self.key}: nobody is cited for {number:g}; known: {known}")


@dataclass(frozen=True)
class Profile:
    """A choice of rules and numbers.

    Parameters
    ----------
    key, title : what it is called.
    jurisdiction : where it holds.
    sources : keys of the references it rests on.
    note : what a reader must know.
    rules : the rules, with this profile's numbers and severities, in the order of the file.
    """

    key: str
    title: str
    jurisdiction: str
    sources: tuple[str, ...]
    note: str
    rules: tuple[Rule, ...]

    def rule(self, key: str) -> Rule | None:
        """Return the rule of that key, None when the profile does not have it."""
        return next((rule for rule in self.rules if rule.key == key), None)


def load_rules() -> Mapping[str, Rule]:
    """Load every rule the package carries, by key.

    Raises
    ------
    EvidenceError
        When a rule lacks a field, a unit or a source, or its message asks for unknown fields.

    Examples
    --------
    >>> load_rules()["mg-per-session"].number
    30.0
    """
    return _rules()[0]


def load_words() -> Mapping[str, tuple[str, ...]]:
    """Load the lists of words that rules refer to, by name; ``negations`` is one.

    Examples
    --------
    >>> "no known" in load_words()["negations"]
    True
    """
    return _rules()[1]


@lru_cache(maxsize=1)
def _rules() -> tuple[Mapping[str, Rule], Mapping[str, tuple[str, ...]]]:
    return parse_rules(_read("rules.toml"))


def parse_rules(text: str) -> tuple[Mapping[str, Rule], Mapping[str, tuple[str, ...]]]:
    """Parse the text of a rules file; see `load_rules`."""
    tables = tomllib.loads(text)
    words = tables.pop("words", {})
    rules = {key: _parse_rule(key, row, words) for key, row in tables.items()}
    return rules, {name: tuple(terms) for name, terms in words.items()}


@lru_cache(maxsize=1)
def load_profiles() -> Mapping[str, Profile]:
    """Load every profile the package carries, by key.

    Raises
    ------
    EvidenceError
        When a profile names an unknown rule or source, or a number nobody is cited for.

    Examples
    --------
    >>> load_profiles()["us-label"].rule("mg-per-session") is None
    True
    """
    return parse_profiles(_read("profiles.toml"), load_rules())


def parse_profiles(text: str, rules: Mapping[str, Rule]) -> Mapping[str, Profile]:
    """Parse the text of a profiles file; see `load_profiles`."""
    tables = tomllib.loads(text)
    groups = tables.pop("groups", {})
    return {key: _parse_profile(key, row, groups, rules) for key, row in tables.items()}


def _read(name: str) -> str:
    file = resources.files("anagen.evidence") / "data" / name
    return file.read_text(encoding="utf-8")


def _parse_rule(key: str, row: Mapping[str, Any], words: Mapping[str, list[str]]) -> Rule:
    place = f"rule {key}"
    when = tuple(
        _construct(Condition, {**part, "terms": _terms(part, words, place)}, place)
        for part in row.get("when", ())
    )
    others = tuple(_construct(Alternative, part, place) for part in row.get("alternatives", ()))
    rule: Rule = _construct(
        Rule,
        {**row, "key": key, "when": when, "alternatives": others,
         "terms": _terms(row, words, place)},
        place,
    )  # fmt: skip
    problems = [*_evidence_problems(rule), *_measure_problems(rule), *_text_problems(rule)]
    for part in (*when, *others):
        problems += _evidence_problems(part)
    for condition in when:
        problems += _measure_problems(condition)
    if problems:
        raise EvidenceError(f"{place}: {'; '.join(problems)}")
    return rule


def _terms(row: Mapping[str, Any], words: Mapping[str, list[str]], place: str) -> tuple[str, ...]:
    """Words of a row; ``@name`` stands for a list of words at the top of the file."""
    terms: list[str] = []
    for term in row.get("terms", ()):
        if not term.startswith("@"):
            terms.append(term)
        elif term[1:] in words:
            terms.extend(words[term[1:]])
        else:
            raise EvidenceError(f"{place}: no list of words {term!r}")
    return tuple(terms)


def _construct(kind: type[Any], row: Mapping[str, Any], place: str) -> Any:
    fields = {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in row.items()
    }
    try:
        return kind(**fields)
    except TypeError as error:
        raise EvidenceError(f"{place}: {error}") from None


def _evidence_problems(row: Rule | Condition | Alternative) -> list[str]:
    from anagen.evidence.rows import Origin

    empty = [
        name
        for name in ("origin", "source", "locator", "jurisdiction", "stated")
        if hasattr(row, name) and not getattr(row, name)
    ]
    number = row.number
    checks = (
        (bool(empty), f"empty {empty}"),
        (row.source not in reference_keys(), f"source {row.source!r} not in references"),
        (row.origin not in get_args(Origin), f"origin {row.origin!r}"),
        (number is not None and not math.isfinite(number), f"number {number}"),
    )
    return [text for wrong, text in checks if wrong]


def _measure_problems(row: Rule | Condition) -> list[str]:
    from anagen.units import is_unit

    numeric = row.comparison in NUMERIC
    checks = (
        (row.comparison not in get_args(Comparison), f"comparison {row.comparison!r}"),
        (numeric != (row.number is not None), f"{row.comparison!r} with number {row.number}"),
        ((row.comparison == "mentions") != bool(row.terms), "'mentions' and terms go together"),
        (not is_unit(row.unit), f"unknown unit {row.unit!r}"),
        (any(term != term.casefold() for term in row.terms), "terms are written in lower case"),
    )
    return [text for wrong, text in checks if wrong]


def _text_problems(rule: Rule) -> list[str]:
    asked = {name for _, name, _, _ in string.Formatter().parse(rule.message) if name is not None}
    checks = (
        (not (rule.title and rule.message and rule.remedy), "empty title, message or remedy"),
        (not asked <= _FIELDS_OF_A_MESSAGE, f"message asks for {sorted(asked)}"),
        (rule.kind not in get_args(Kind), f"kind {rule.kind!r}"),
        (rule.severity not in get_args(Severity), f"severity {rule.severity!r}"),
        (rule.absolute and rule.severity != "block", "absolute, but it does not block"),
        (not 0 <= rule.tolerance < 1, f"tolerance {rule.tolerance}"),
    )
    return [text for wrong, text in checks if wrong]


def _parse_profile(
    key: str,
    row: Mapping[str, Any],
    groups: Mapping[str, list[str]],
    rules: Mapping[str, Rule],
) -> Profile:
    chosen = {name for group in row.get("groups", ()) for name in groups.get(group, (group,))}
    chosen |= set(row.get("rules", ()))
    chosen -= set(row.get("without", ()))
    changes: Mapping[str, Mapping[str, Any]] = row.get("changes", {})
    sources = tuple(row.get("sources", ()))
    checks = (
        (not (row.get("title") and row.get("jurisdiction")), "empty title or jurisdiction"),
        (not sources, "no sources"),
        (not set(sources) <= reference_keys(), f"sources {sources} not all in references"),
        (not chosen <= set(rules), f"unknown rules {sorted(chosen - set(rules))}"),
        (not set(changes) <= chosen, f"changes rules it has not: {sorted(set(changes) - chosen)}"),
    )
    problems = [text for wrong, text in checks if wrong]
    if problems:
        raise EvidenceError(f"profile {key}: {'; '.join(problems)}")
    return Profile(
        key=key,
        title=row["title"],
        jurisdiction=row["jurisdiction"],
        sources=sources,
        note=row.get("note", ""),
        rules=tuple(
            _changed(rule, changes.get(name, {}), f"profile {key}")
            for name, rule in rules.items()
            if name in chosen
        ),
    )


def _changed(rule: Rule, change: Mapping[str, Any], place: str) -> Rule:
    unknown = set(change) - {"number", "severity"}
    severity = change.get("severity", rule.severity)
    if unknown or severity not in get_args(Severity) or (rule.absolute and severity != "block"):
        raise EvidenceError(f"{place}: cannot change {rule.key} by {dict(change)}")
    changed = rule.with_number(float(change["number"])) if "number" in change else rule
    return replace(changed, severity=severity)
