"""Words that a reader may ask about: a short definition of each and where it is from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from anagen.errors import EvidenceError
from anagen.evidence.references import load_references
from anagen.evidence.rows import check_fields, read_table

OWN = "Anagen"
"""Source of a notion that is this software's own; a key of the references too."""

_FIELDS = frozenset({"name", "definition", "source"})


@dataclass(frozen=True)
class Term:
    """A word and what it means.

    Parameters
    ----------
    key : name in the file; name : as it is shown; definition : in one to three sentences.
    source : key of a reference, or ``Anagen`` for a notion of this software.
    """

    key: str
    name: str
    definition: str
    source: str


@lru_cache(maxsize=1)
def load_glossary() -> Mapping[str, Term]:
    """Read all terms, by key, in the order of the file.

    Raises
    ------
    EvidenceError
        When a term lacks a field or names a source that is not among the references.

    Examples
    --------
    >>> load_glossary()["salt"].source
    'SALTCalculator'
    """
    return parse_glossary(read_table("glossary.toml"))


def parse_glossary(table: Mapping[str, Any]) -> Mapping[str, Term]:
    """Check and take over terms; see `load_glossary`."""
    known = load_references()
    found: dict[str, Term] = {}
    for key, row in table.items():
        check_fields(f"glossary.toml [{key}]", row, _FIELDS)
        if row["source"] not in known:
            raise EvidenceError(
                f"glossary.toml [{key}]: expected a source among the references, "
                f"found {row['source']!r}. Add it to references.bib."
            )
        found[key] = Term(key, row["name"], row["definition"], row["source"])
    return MappingProxyType(found)
