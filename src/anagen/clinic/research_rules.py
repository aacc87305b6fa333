"""What may leave the clinic of each field: dates move, words become known terms, texts stay."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal

from anagen.treatment.rule_registry import mentions

# Ages above it are those of few people, who could be known by them [year].
OLDEST_YEARS = 89
OTHER = "other"

# Harms as the record's words name them; what is none of them is counted as other.
HARMS = (
    "acne", "adrenal insufficiency", "atrophy", "bleeding", "bruising", "cushing", "depigmentation",
    "dizziness", "dyspigmentation", "fainting", "folliculitis", "haematoma", "headache",
    "hyperpigmentation", "hypertrichosis", "hypopigmentation", "impetigo", "infection", "itch",
    "menstrual", "nausea", "pain", "swelling", "telangiectasia", "ulcer", "vasovagal",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Disguise:
    """How one person is made unrecognisable; never shown.

    Parameters
    ----------
    id : research id.
    shift : by which all dates move.
    patches : new name of each patch.
    sessions : number of each session given, by its id in the record.
    """

    id: str
    shift: timedelta
    patches: Mapping[str, str] = field(default_factory=dict)
    sessions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """What may stay of a field.

    Parameters
    ----------
    shown : gives what stays of a value that is there.
    meaning : of what stays, added to that of the field.
    type : of what stays, where it is another one.
    allowed : of what stays, in words.
    """

    shown: Callable[[Any, Disguise], Any]
    meaning: str = ""
    type: Literal["", "integer"] = ""
    allowed: str = ""


def whole_years(age: float) -> float:
    """Age in whole years, 89 for 89 and more [year].

    Examples
    --------
    >>> whole_years(34.7), whole_years(96.0)
    (34.0, 89.0)
    """
    return float(min(math.floor(age), OLDEST_YEARS))


def known_words(kind: str, words: Iterable[str]) -> tuple[str, ...]:
    """Terms that typed words mention, each once in order of the alphabet; other for all else.

    Parameters
    ----------
    kind : conditions, medicines, allergies, harms or drugs.
    words : as somebody typed them.

    Examples
    --------
    >>> known_words("medicines", ("Prednisolone, from Dr Smith", "my aunt's tea"))
    ('other', 'prednisolone')
    """
    return tuple(sorted({term for word in words for term in _terms_in(kind, word)}))


def _terms_in(kind: str, word: str) -> tuple[str, ...]:
    if not mentions(word, ("",)):
        return ()  # a denial, such as "no known allergies", names nothing that is there
    found = [term for term in known_terms(kind) if mentions(word, (term,))]
    # The longest says it all: "severe depression" needs no "depression" beside it.
    longest = [t for t in found if not any(t != longer and t in longer for longer in found)]
    return tuple(longest) or (OTHER,)


@lru_cache(maxsize=16)
def known_terms(kind: str) -> tuple[str, ...]:
    """Terms that may leave the clinic, in order of the alphabet; see `known_words`."""
    from anagen.evidence.equivalents import triamcinolone_equivalents
    from anagen.evidence.products import load_products
    from anagen.evidence.rules import load_rules
    from anagen.evidence.scales import load_scales
    from anagen.patient.vocabulary import load_vocabulary

    words = load_vocabulary().words
    scales = load_scales().regrowth
    signs = (rule.terms for rule in load_rules().values() if "signs" in rule.measure)
    terms: set[str] = {
        "products": lambda: set(load_products()),
        "scales": lambda: set(scales),
        "grades": lambda: {grade.label for scale in scales.values() for grade in scale.grades},
        "drugs": lambda: {*triamcinolone_equivalents(), *words["medicines"]},
        "harms": lambda: {*HARMS, *(term for terms in signs for term in terms)},
        "conditions": lambda: set(words["conditions"]),
        "medicines": lambda: set(words["medicines"]),
        "allergies": lambda: set(words["allergies"]),
    }[kind]()
    return tuple(sorted(term.strip() for term in terms))


def _terms(kind: str) -> Rule:
    def shown(value: Any, _: Disguise) -> Any:
        if isinstance(value, str):
            return "; ".join(_terms_in(kind, value)) or OTHER
        return known_words(kind, value)

    return Rule(shown, f"terms that Anagen knows; '{OTHER}' for all else")


def _one_of(kind: str) -> Rule:
    def shown(value: str, _: Disguise) -> str:
        return value if value in known_terms(kind) else OTHER

    return Rule(shown, f"a key that Anagen knows; '{OTHER}' for all else")


def _drawn(rows: tuple[str, ...], _: Disguise) -> tuple[str, ...]:
    """Rows of a drawn mask, if they hold nothing but the drawing."""
    return rows if all(set(row) <= {"0", "1"} for row in rows) else ()


_AGE = Rule(
    lambda age, disguise: whole_years(age),
    f"in whole years, {OLDEST_YEARS} for all above",
    "integer",
    f"0 to {OLDEST_YEARS}",
)
_PATCH = Rule(
    lambda name, disguise: disguise.patches.get(name, OTHER),
    "numbered as the patches of the person first appear",
)
_REASON = Rule(lambda reason, disguise: OTHER, f"'{OTHER}' when there is a reason")

# What becomes of a field, by model and name. Dates, numbers and choices need no rule.
RULES: Mapping[tuple[str, str], Rule] = {
    ("Patient", "id"): Rule(lambda number, disguise: disguise.id, "the same in every export"),
    ("Patient", "age_years"): _AGE,
    ("Patient", "conditions"): _terms("conditions"),
    ("Patient", "medicines"): _terms("medicines"),
    ("Patient", "allergies"): _terms("allergies"),
    ("History", "age_at_first_onset_years"): _AGE,
    ("History", "autoimmune"): _terms("conditions"),
    ("Visit", "signs"): _terms("harms"),
    ("Visit", "adverse_events"): _terms("harms"),
    ("PatchSeen", "id"): _PATCH,
    ("PatchSeen", "regrowth_grade"): _one_of("grades"),
    ("PatchSeen", "regrowth_scale"): _one_of("scales"),
    ("PatchSeen", "infection"): _terms("harms"),
    ("PatchSeen", "blocked"): _REASON,
    ("Reading", "regrowth_grade"): _one_of("grades"),
    ("Reading", "regrowth_scale"): _one_of("scales"),
    ("Mask", "rows"): Rule(_drawn),
    ("Session", "diluent"): _one_of("products"),
    ("Injection", "patch"): _PATCH,
    ("Injection", "product"): _one_of("products"),
    ("Injection", "skipped_reason"): _REASON,
    ("SessionSummary", "product"): _one_of("products"),
    ("PatchDose", "patch"): _PATCH,
    ("OtherSteroid", "drug"): _terms("drugs"),
    ("AdverseEvent", "event"): _terms("harms"),
    ("AdverseEvent", "patch"): _PATCH,
    ("AdverseEvent", "session"): Rule(
        lambda key, disguise: disguise.sessions.get(key), "its number", "integer"
    ),
}

# Fields that never leave; any other text without a rule does not either, but a test asks for it.
NEVER: frozenset[tuple[str, str]] = frozenset(
    (
        ("Patient", "born"), ("Patient", "schema_version"), ("Patient", "note"),
        ("Visit", "note"), ("PatchSeen", "note"), ("Reading", "rater"),
        ("Session", "operator"), ("Session", "note"),
        ("Injection", "lot"), ("Injection", "expiry"),
        ("SessionSummary", "operator"), ("SessionSummary", "note"), ("OtherSteroid", "note"),
        ("SessionKept", "stage"), ("SessionKept", "plan"), ("SessionKept", "needle"),
        ("SessionKept", "signed_by"), ("SessionKept", "findings"), ("SessionKept", "overrides"),
        ("AdverseEvent", "action"), ("AdverseEvent", "note"),
    )
)  # fmt: skip
