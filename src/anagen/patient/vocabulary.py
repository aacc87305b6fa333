"""Words of the record: known terms that a slip of spelling may have missed, and steroid doses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

Kind = Literal["conditions", "medicines", "allergies"]

# Similarity in spelling from which a word is taken for a slip of a known one.
_ALIKE = 0.8


@dataclass(frozen=True)
class Vocabulary:
    """Known words by kind.

    Parameters
    ----------
    words : known words by kind, in lower case.
    """

    words: dict[str, frozenset[str]]


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """Load the words that the package carries.

    Raises
    ------
    EvidenceError
        When the table has no source.
    """
    from anagen.evidence.rows import parse_provenance, read_table

    words = read_table("vocabulary.toml")["words"]
    parse_provenance("vocabulary.words", words)
    return Vocabulary(
        {
            kind: frozenset(map(str.lower, (*words[kind], *_rule_words(kind))))
            for kind in get_args(Kind)
        }
    )


def _rule_words(kind: str) -> Iterator[str]:
    """Words that the rules look for among the conditions, medicines or allergies."""
    from anagen.evidence.rules import load_rules

    for rule in load_rules().values():
        looked_up = [(rule.measure, rule.terms), *((c.measure, c.terms) for c in rule.when)]
        for measure, terms in looked_up:
            if kind in measure:
                yield from terms


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
    from anagen.evidence.equivalents import triamcinolone_equivalents

    factor = triamcinolone_equivalents().get(drug.strip().casefold())
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
