"""References: every source a number may cite, from one BibTeX file."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from anagen.errors import EvidenceError


@dataclass(frozen=True)
class Reference:
    """One source: key, who, when, what and where to find it.

    Parameters
    ----------
    key : as cited by the data files.
    authors : first author with "et al.", or the organisation.
    year : empty when unknown.
    title : printed title, or a description when the note says so.
    where : journal or medium.
    url : address; the DOI's when there is no other.
    note : how it was read, and anything a reader must know.
    """

    key: str
    authors: str
    year: str
    title: str
    where: str
    url: str
    note: str

    def __str__(self) -> str:
        """Citation in one line."""
        year = f"({self.year})" if self.year else ""
        head = " ".join(part for part in (self.authors, year) if part)
        return ". ".join(part for part in (head, self.title, self.where) if part)


def _text() -> str:
    file = resources.files("anagen.evidence") / "data" / "references.bib"
    return file.read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def reference_keys() -> frozenset[str]:
    """Keys of all references, read without the BibTeX parser because loaders need it at start.

    Examples
    --------
    >>> "Su2022" in reference_keys()
    True
    """
    return frozenset(re.findall(r"^@\w+\{([^,\s]+),", _text(), flags=re.MULTILINE))


@lru_cache(maxsize=1)
def load_references() -> dict[str, Reference]:
    """Load all references by key, in the order of the file.

    Raises
    ------
    EvidenceError
        When the file cannot be parsed, a key stands twice, or an entry does not say who wrote it,
        what it is, or where to find it.

    Examples
    --------
    >>> load_references()["Su2022"].year
    '2022'
    """
    return parse_references(_text())


def parse_references(text: str) -> dict[str, Reference]:
    """Parse the text of a BibTeX file; see `load_references`."""
    from pybtex.database import parse_string
    from pybtex.exceptions import PybtexError

    try:
        library = parse_string(text, "bibtex")
    except PybtexError as error:
        raise EvidenceError(f"references.bib: {error}") from error
    references = {key: _reference(key, entry) for key, entry in library.entries.items()}
    problems = [
        f"{reference.key} lacks {what}"
        for reference in references.values()
        for what, value in (
            ("title", reference.title),
            ("author or organization", reference.authors),
            ("url, doi or howpublished", reference.url or reference.where),
        )
        if not value
    ]
    if problems:
        raise EvidenceError(f"references.bib: {'; '.join(problems)}")
    return references


def _reference(key: str, entry: Any) -> Reference:
    fields = {name.lower(): _plain(value) for name, value in entry.fields.items()}
    people = [_plain(" ".join(person.last_names)) for person in entry.persons.get("author", [])]
    authors = fields.get("organization", "")
    if people:
        authors = people[0] + (" et al." if len(people) > 1 else "")
    doi = entry.fields.get("doi", "")
    address = entry.fields.get("url", "")
    return Reference(
        key=key,
        authors=authors,
        year=fields.get("year", ""),
        title=fields.get("title", ""),
        where=fields.get("journal", "") or fields.get("howpublished", ""),
        url=address or (f"https://doi.org/{doi}" if doi else ""),
        note=fields.get("note", ""),
    )


def _plain(latex: str) -> str:
    """Text without LaTeX: accents resolved, braces dropped."""
    if not any(mark in latex for mark in "\\{}~"):
        return latex
    from pybtex.richtext import Text

    return str(Text.from_latex(latex)).replace("\N{NO-BREAK SPACE}", " ")
