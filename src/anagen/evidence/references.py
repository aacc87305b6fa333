"""References: every source a number may cite, from one BibTeX file."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from anagen.errors import EvidenceError


@dataclass(frozen=True)
class Reference:
    """One source: key, who, when, what and where to find it."""

    key: str
    authors: str
    year: str
    title: str
    where: str
    url: str
    note: str

    def __str__(self) -> str:
        """Citation in one line."""
        head = " ".join(part for part in (self.authors, f"({self.year})" if self.year else "") if part)
        return ". ".join(part for part in (head, self.title, self.where) if part)


def _text() -> str:
    file = resources.files("anagen.evidence") / "data" / "references.bib"
    return file.read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def reference_keys() -> frozenset[str]:
    """Keys of all references, read without the BibTeX parser because loaders need it at start."""
    return frozenset(re.findall(r"^@\w+\{([^,\s]+),", _text(), flags=re.MULTILINE))


@lru_cache(maxsize=1)
def load_references() -> dict[str, Reference]:
    """Load all references by key.

    Raises
    ------
    EvidenceError
        When the file cannot be parsed.
    """
    from pybtex.database import parse_string
    from pybtex.exceptions import PybtexError

    try:
        library = parse_string(_text(), "bibtex")
    except PybtexError as error:
        raise EvidenceError(f"references.bib: {error}") from error
    return {key: _reference(key, entry) for key, entry in library.entries.items()}


def _reference(key: str, entry: object) -> Reference:
    fields = entry.fields  # type: ignore[attr-defined]
    people = [" ".join(person.last_names) for person in entry.persons.get("author", [])]  # type: ignore[attr-defined]
    authors = fields.get("organization", "") if not people else people[0] + (
        " et al." if len(people) > 1 else ""
    )
    doi = fields.get("doi", "")
    return Reference(
        key=key,
        authors=authors,
        year=fields.get("year", ""),
        title=fields.get("title", "").replace("{", "").replace("}", ""),
        where=fields.get("journal", "") or fields.get("howpublished", ""),
        url=fields.get("url", "") or (f"https://doi.org/{doi}" if doi else ""),
        note=fields.get("note", ""),
    )
