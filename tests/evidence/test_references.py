"""References: the file parses, and everything the data files cite is in it."""

import doctest
import importlib
import tomllib
from importlib import resources

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.references import load_references, parse_references, reference_keys

DATA = resources.files("anagen.evidence") / "data"


def toml_files(folder=DATA):
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if item.is_dir():
            yield from toml_files(item)
        elif item.name.endswith(".toml"):
            yield item


def cited(table):
    """All values of ``source`` and ``sources`` at any depth."""
    if isinstance(table, dict):
        for key, value in table.items():
            if key == "source":
                yield value
            elif key == "sources":
                yield from value
            else:
                yield from cited(value)
    elif isinstance(table, list):
        for value in table:
            yield from cited(value)


def test_the_quick_reader_of_keys_agrees_with_the_parser():
    assert reference_keys() == frozenset(load_references())


def test_every_source_cited_by_a_data_file_exists():
    missing, count = [], 0
    for file in toml_files():
        for source in cited(tomllib.loads(file.read_text(encoding="utf-8"))):
            count += 1
            if source not in reference_keys():
                missing.append(f"{file.name}: {source}")
    assert not missing
    assert count > 50


def test_every_reference_says_who_what_and_where():
    for reference in load_references().values():
        assert reference.title
        assert reference.authors
        assert reference.url or reference.where
        assert not set("{}\\") & set(str(reference))


def test_no_reference_points_at_a_machine():
    for reference in load_references().values():
        assert reference.url == "" or reference.url.startswith(("https://", "http://"))
        assert (
            "/".join(("", "work", "")) not in f"{reference.note}{reference.where}{reference.title}"
        )


def test_a_citation_in_one_line():
    reference = load_references()["Muetzel1979"]
    assert str(reference).startswith("Mützel et al. (1979). Recovery")
    assert load_references()["Dobreva2015"].url.startswith("https://doi.org/10.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@misc{A, title = {x}, author = {Y}}", "url"),
        ("@misc{A, author = {Y}, url = {https://example.org}}", "title"),
        ("@misc{A, title = {x}, url = {https://example.org}}", "author"),
        ("@misc{A, title = {x}, author = {Y}, url = {u}}" * 2, "A"),
        ("@misc{A, title = {x", "references.bib"),
    ],
)
def test_a_broken_reference_is_refused(text, message):
    with pytest.raises(EvidenceError, match=message):
        parse_references(text)


@pytest.mark.parametrize(
    "name",
    [
        "units",
        "evidence.parameters",
        "evidence.products",
        "evidence.published",
        "evidence.references",
        "evidence.rows",
        "evidence.scales",
        "scalp.patch_scores",
        "scalp.severity",
    ],
)
def test_the_examples_of_the_docstrings_run(name):
    result = doctest.testmod(importlib.import_module(f"anagen.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
