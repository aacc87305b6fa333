"""Drugs as papers write them: what an arm was given, as one canonical name."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from anagen.errors import EvidenceError
from anagen.evidence.rows import parse_provenance, read_table

DrugKind = Literal[
    "steroid_depot", "natural", "other_treatment", "comparison", "steroid_unspecified"
]
_ROW_KINDS: tuple[DrugKind, ...] = (
    "steroid_depot",
    "steroid_unspecified",
    "natural",
    "other_treatment",
)
_WORD = re.compile(r"[^\W\d_]+|\d+")

Words = tuple[str, ...]


@dataclass(frozen=True)
class DrugName:
    """What an arm was given.

    Parameters
    ----------
    key : canonical key, such as ``triamcinolone_acetonide``; made of several for a combination.
    name : in words.
    kind : ``steroid_depot``, a steroid injected into the skin; ``natural``, no drug (saline,
        placebo, nothing), so the natural course; ``steroid_unspecified``, an injected steroid
        that is not named; ``comparison``, two treatments against each other;
        ``other_treatment``, anything else, also a steroid by another route or in combination.
    product : key in ``products.toml`` of a preparation that stands for it; empty when none does.

    Examples
    --------
    >>> drug_of("Kenalog-10").key, drug_of("0.9% saline").kind
    ('triamcinolone_acetonide', 'natural')
    """

    key: str
    name: str
    kind: DrugKind
    product: str = ""


@dataclass(frozen=True)
class DrugVocabulary:
    """Names of drugs and the words that say how they were given.

    Parameters
    ----------
    spellings : canonical drug by the words of each of its spellings.
    routes : route (``injected``, ``topical``, ``systemic``) by the words that say it.
    versus : words that set two treatments against each other.
    beside : keys of no drug that say nothing when a treatment stands beside them: diluents.
    """

    spellings: Mapping[Words, DrugName]
    routes: Mapping[Words, str]
    versus: frozenset[Words]
    beside: frozenset[str]


def drug_of(text: str) -> DrugName | None:
    """Recognise what an arm was given, whatever the case, the dose text or the punctuation.

    A steroid with a diluent (saline, lidocaine) is the steroid; with another treatment it is a
    combination, and by mouth or on the skin another treatment, both of kind ``other_treatment``.

    Parameters
    ----------
    text : as printed, such as ``IL TA 5 mg/mL``.

    Returns
    -------
    DrugName or None
        None when no known name stands in the text.

    Examples
    --------
    >>> drug_of("ILTA 5 mg/mL in normal saline").name
    'triamcinolone acetonide'
    >>> drug_of("PRP vs triamcinolone acetonide").kind, drug_of("triamcinolone + PRP").kind
    ('comparison', 'other_treatment')
    >>> drug_of("moonlight") is None
    True
    """
    vocabulary = load_drug_names()
    words = _words(text)
    found = list(dict.fromkeys(_find(words, vocabulary.spellings)))
    routes = set(_find(words, vocabulary.routes))
    if found and any(_find(words, dict.fromkeys(vocabulary.versus, True))):
        return _joined(found, " vs ", "comparison")
    active = [drug for drug in found if drug.kind != "natural"]
    idle = [drug for drug in found if drug.kind == "natural"]
    if active and any(drug.key not in vocabulary.beside for drug in idle):
        # A treatment named beside "placebo" or "untreated": which of the two was given is open.
        return _joined([*active, *idle], " vs ", "comparison")
    if not active:
        topical = DrugName("topical", "topical treatment", "other_treatment")
        return idle[0] if idle else topical if "topical" in routes else None
    return _given(active, routes)


def drug_suggestions(text: str, count: int = 3) -> list[str]:
    """Return names of drugs that are spelled much like a text, nearest first.

    Examples
    --------
    >>> drug_suggestions("triamcinalone acetonyde")[0]
    'triamcinolone acetonide'
    """
    from difflib import get_close_matches

    spellings = load_drug_names().spellings
    by_text = {" ".join(words): drug.name for words, drug in spellings.items()}
    words = [word for word in _words(text[:120]) if len(word) > 3]
    near = get_close_matches(" ".join(words), by_text, n=count, cutoff=0.7)
    for word in words:
        near += get_close_matches(word, by_text, n=1, cutoff=0.75)
    return list(dict.fromkeys(by_text[spelling] for spelling in near))[:count]


@lru_cache(maxsize=1)
def load_drug_names() -> DrugVocabulary:
    """Load the names that the package knows, those of its own drugs and products among them.

    Raises
    ------
    EvidenceError
        When a spelling stands twice, a row is empty, or a product is unknown.

    Examples
    --------
    >>> load_drug_names().spellings["kenalog",].name
    'triamcinolone acetonide'
    """
    return parse_drug_names(read_table("drug_names.toml"))


def parse_drug_names(tables: Mapping[str, Any]) -> DrugVocabulary:
    """Parse the tables of ``drug_names.toml``; see `load_drug_names`."""
    from anagen.evidence.products import load_products

    parse_provenance("drug_names.toml", tables["provenance"])
    products = load_products()
    unknown = set(tables["product"].values()) - set(products)
    keys = {key for kind in _ROW_KINDS for key in tables[kind]}
    problems = [f"unknown product {key!r}" for key in sorted(unknown)]
    strangers = (set(tables["product"]) | set(tables["beside"]["names"])) - keys
    problems += [f"unknown drug {key!r}" for key in sorted(strangers)]
    spellings: dict[Words, DrugName] = {}
    for kind in _ROW_KINDS:
        for key, names in tables[kind].items():
            if not names or not all(_words(name) for name in names):
                problems.append(f"{kind}.{key}: expected spellings, found {names!r}")
                continue
            drug = DrugName(key, names[0], kind, tables["product"].get(key, ""))
            for words in dict.fromkeys(_words(name) for name in names):
                if words in spellings:
                    problems.append(f"{kind}.{key}: {' '.join(words)!r} stands twice")
                spellings[words] = drug
    if problems:
        raise EvidenceError(f"drug_names.toml: {'; '.join(problems)}")
    routes = {_words(word): route for route, rows in tables["routes"].items() for word in rows}
    versus = frozenset(map(_words, tables["comparison"]["words"]))
    beside = frozenset(tables["beside"]["names"])
    every = {**_product_spellings(spellings), **spellings}
    return DrugVocabulary(every, routes, versus, beside)


def _product_spellings(spellings: Mapping[Words, DrugName]) -> dict[Words, DrugName]:
    """Keys and names of the products that stand for a drug, as spellings of it."""
    from anagen.evidence.products import load_products

    by_product = {drug.product: drug for drug in spellings.values() if drug.product}
    by_name = {drug.name: drug for drug in spellings.values()}
    found: dict[Words, DrugName] = {}
    for key, product in load_products().items():
        drug = by_product.get(key) or by_name.get(product.drug)
        if drug is not None:
            found |= {_words(key): drug, _words(product.name): drug}
    return found


def _given(active: Sequence[DrugName], routes: set[str]) -> DrugName:
    """Say what the treatments named in one text are together."""
    named = [drug for drug in active if drug.kind != "steroid_unspecified"] or active
    if len(named) > 1:
        return _joined(named, " + ", "other_treatment")
    (drug,) = named
    if drug.kind == "other_treatment":
        return drug
    for route in ("systemic", "topical"):
        if route in routes and (route == "systemic" or "injected" not in routes):
            return DrugName(f"{route}_{drug.key}", f"{route} {drug.name}", "other_treatment")
    return drug


def _joined(drugs: Sequence[DrugName], sign: str, kind: DrugKind) -> DrugName:
    key = sign.strip().replace("+", "with").join(f"_{drug.key}_" for drug in drugs)
    return DrugName(key.strip("_"), sign.join(drug.name for drug in drugs), kind)


def _find(words: Words, table: Mapping[Words, Any]) -> Iterator[Any]:
    """Values of the longest entries of a table that stand in the words, from left to right."""
    longest = max(map(len, table), default=0)
    start = 0
    while start < len(words):
        for size in range(min(longest, len(words) - start), 0, -1):
            if words[start : start + size] in table:
                yield table[words[start : start + size]]
                start += size
                break
        else:
            start += 1


@lru_cache(maxsize=4096)
def _words(text: str) -> Words:
    """Words and numbers of a text, without case, accents or punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(_WORD.findall(letters))
