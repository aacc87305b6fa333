"""Brings the catalogues up to the texts: ``python -m anagen.web.console.catalogues``.

New texts come in untranslated, texts that are gone leave; what is translated stays. The same texts
give the same bytes: there is no date in a catalogue.
"""

import ast
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen.web.console.data_words import data_words
from anagen.web.console.island_texts import MODULES, words_of
from anagen.web.console.texts import LANGUAGES

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

_WEB = Path(__file__).resolve().parents[1]
_METHODS = [("templates/**.html", "jinja2")]
_MARKS: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2)}
# What takes words in code: `say` is `Texts.text` handed on to what draws and composes.
_TAKERS = ("text", "say")
_PLURALS = {"de": "nplurals=2; plural=(n != 1);"}
_HEADER = """\
# Texts of Anagen's web console: {language}.
# Brought up to the templates by: python -m anagen.web.console.catalogues
#
msgid ""
msgstr ""
"Project-Id-Version: Anagen\\n"
"Language: {code}\\n"
"Plural-Forms: {plurals}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def extracted() -> "Catalog":
    """Catalogue of all texts: of templates, pages, islands, and what comes from data."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    catalogue = Catalog(project="Anagen", charset="utf-8", fuzzy=False)
    for file, line, message, _comments, _context in extract_from_dir(_WEB, _METHODS, {}, _MARKS):
        if message:
            catalogue.add(message, locations=[(file, line)])
    for path in sorted((_WEB / "console").rglob("*.py")):
        for line, words in code_words(path.read_text(encoding="utf-8")):
            catalogue.add(words, locations=[(f"console/{path.name}", line)])
    for module in MODULES:
        for words in words_of(module).values():
            if words:
                catalogue.add(words, locations=[(module, 1)])
    for words in data_words():
        catalogue.add(words, locations=[("data", 1)])
    return catalogue


def code_words(source: str) -> list[tuple[int, str]]:
    """Lines and words that Python code gives to be translated, also inside f-strings.

    Examples
    --------
    >>> code_words("title = say('now' if today else 'then')")
    [(1, 'now'), (1, 'then')]
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = node.args[0]
        either = (given.body, given.orelse) if isinstance(given, ast.IfExp) else (given,)
        found += [
            (node.lineno, one.value) for one in either
            if name in _TAKERS and isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]  # fmt: skip
    return found


def read_catalogue(language: str) -> "Catalog":
    """Catalogue of a language as it is."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    path = _path(language)
    if not path.exists():
        return Catalog(language, project="Anagen", charset="utf-8", fuzzy=False)
    return read_po(BytesIO(path.read_bytes()), locale=language)


def untranslated(language: str) -> list[str]:
    """Texts that a language has no words for; of a plural all forms are wanted."""
    known = read_catalogue(language)
    return [
        str(message.id) for message in extracted()
        if message.id and not _is_translated(known.get(message.id))
    ]  # fmt: skip


def _is_translated(message: "Message | None") -> bool:
    if message is None or not message.string:
        return False
    return isinstance(message.string, str) or all(message.string)


def brought_up(language: str) -> bytes:
    """One catalogue brought up to the texts, as the file would be."""
    from babel.messages.pofile import write_po

    catalogue = read_catalogue(language)
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, width=100, sort_output=True, no_location=True, omit_header=True)
    header = _HEADER.format(language=LANGUAGES[language], code=language, plurals=_PLURALS[language])
    return header.encode() + written.getvalue()


def bring_up(language: str) -> None:
    """Bring one catalogue up to the texts."""
    _path(language).write_bytes(brought_up(language))


def _path(language: str) -> Path:
    return _WEB / "texts" / f"{language}.po"


if __name__ == "__main__":
    for code in LANGUAGES:
        if code != "en":
            bring_up(code)
            print(f"{code}: {len(untranslated(code))} texts to translate")
