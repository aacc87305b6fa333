"""Words of the record: known terms that a slip of spelling may have missed, and steroid doses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from anagen.errors import EvidenceError

Kind = Literal["conditions", "medicines", "allergies"]

# Similarity in spelling from which a word is taken for a slip of a known one.
_ALIKE = 0.8


@dataclass(frozen=True)
class Vocabulary:
    """Known words by kind, and steroids by name.

    Parameters
    ----------
    words : known words by kind, in lower case.
    triamcinolone_per_mg : [mg/mg] by drug name in lower case: triamcinolone with the effect of
        1 mg of the drug.
    """

    words: dict[str, frozenset[str]]
    triamcinolone_per_mg: dict[str, float]


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """Load the words that the package carries.

    Raises
    ------
    EvidenceError
        When a table has no source or a dose is not positive.
    """
    from anagen.evidence.rows import parse_provenance, read_table

    tables = read_table("vocabulary.toml")
    words, equivalents = dict(tables["words"]), dict(tables["equivalents"])
    for place, table in (("words", words), ("equivalents", equivalents)):
        parse_provenance(f"vocabulary.{place}", table)
    known = {
        kind: frozenset(map(str.lower, (*words[kind], *_rule_words(kind))))
        for kind in get_args(Kind)
    }
    return Vocabulary(known, _parse_equivalents(equivalents))


def _rule_words(kind: str) -> Iterator[str]:
    """Words that the rules look for among the conditions, medicines or allergies."""
    from anagen.evidence.rules import load_rules

    for rule in load_rules().values():
        looked_up = [(rule.measure, rule.terms), *((c.measure, c.terms) for c in rule.when)]
        for measure, terms in looked_up:
            if kind in measure:
                yield from terms


def _parse_equivalents(tables: dict[str, Any]) -> dict[str, float]:
    from anagen.evidence.rows import number

    rows = {key: row for key, row in tables.items() if isinstance(row, dict)}
    doses = {key: number(f"equivalents.{key}", "dose", row["dose"]) for key, row in rows.items()}
    if min(doses.values()) <= 0:
        raise EvidenceError("vocabulary.equivalents: every dose should be positive")
    reference = doses["triamcinolone"]
    return {
        name.lower(): reference / doses[key] for key, row in rows.items() for name in row["names"]
    }


def triamcinolone_mg(drug: str, dose_mg: float | None) -> float | None:
    """Dose of triamcinolone with the effect of a dose of another steroid.

    Parameters
    ----------
    drug : name of the steroid, in any case.
    dose_mg : its dose [mg]; None when not known.

    Returns
    -------
    float or None
        [mg]; None when the drug or its dose is not known.

    Examples
    --------
    >>> triamcinolone_mg("Prednisolone", 50.0)
    40.0
    """
    factor = load_vocabulary().triamcinolone_per_mg.get(drug.strip().lower())
    return None if factor is None or dose_mg is None else dose_mg * factor


def misspelt(kind: Kind, word: str) -> str | None:
    """Known word that an unknown one is probably a slip of; None when it is known or unlike any.

    Examples
    --------
    >>> misspelt("medicines", "ritonivir"), misspelt("medicines", "ritonavir 100 mg")
    ('ritonavir', None)
    """
    known, text = load_vocabulary().words[kind], word.strip().lower()
    if any(term in text for term in known):
        return None
    return next((hit for part in (text, *text.split()) if (hit := nearest(part, known))), None)


def nearest(word: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Return the most similar of the known words, if any is similar in spelling."""
    from difflib import get_close_matches

    by_lower = {term.lower(): term for term in known}
    hits = get_close_matches(word.strip().lower(), by_lower, n=1, cutoff=alike)
    return by_lower[hits[0]] if hits else None
