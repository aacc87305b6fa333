"""Words that a reader may ask about."""

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.glossary import load_glossary, parse_glossary
from anagen.evidence.references import load_references

GOOD = {"name": "SALT", "definition": "Share of the scalp without hair.", "source": "Olsen2004"}


def test_each_word_is_explained_shortly_with_a_source():
    for term in load_glossary().values():
        assert term.source in load_references(), term.key
        assert 40 <= len(term.definition) <= 300, term.key
        assert term.definition.endswith("."), term.key


@pytest.mark.parametrize(
    ("change", "words"),
    [({"source": "Nobody1900"}, "expected a source"), ({"definition": ""}, "definition"),
     ({"unit": "%"}, "unit")],
)  # fmt: skip
def test_a_word_without_source_or_definition_is_refused(change, words):
    with pytest.raises(EvidenceError, match=words):
        parse_glossary({"salt": GOOD | change})
