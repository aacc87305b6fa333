"""Brings the catalogues up to the templates: ``python -m anagen.web.console.catalogues``.

New texts come in untranslated, texts that are gone leave; what is translated stays.
"""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from anagen.web.console.island_texts import MODULES, words_of
from anagen.web.console.texts import LANGUAGES

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

_WEB = Path(__file__).resolve().parents[1]
_METHODS = [("templates/**.html", "jinja2"), ("console/**.py", "python")]
# Words that templates get from elsewhere, such as the purpose of an appointment.
_MARKS = ("N_", "_", "gettext", "text")


def extracted() -> "Catalog":
    """Catalogue of all texts that stand in templates and pages."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    catalogue = Catalog(project="Anagen", charset="utf-8", fuzzy=False)
    keywords = dict.fromkeys(_MARKS)
    found = extract_from_dir(_WEB, _METHODS, {}, keywords)
    for file, line, message, _comments, _context in found:
        catalogue.add(message, locations=[(file, line)])
    for module in MODULES:
        for words in words_of(module).values():
            if words:
                catalogue.add(words, locations=[(module, 1)])
    return catalogue


def read_catalogue(language: str) -> "Catalog":
    """Catalogue of a language as it is."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    path = _path(language)
    if not path.exists():
        return Catalog(language, project="Anagen", charset="utf-8", fuzzy=False)
    return read_po(BytesIO(path.read_bytes()), locale=language)


def untranslated(language: str) -> list[str]:
    """Texts of the templates that a language has no words for."""
    known = read_catalogue(language)
    return [
        str(message.id) for message in extracted()
        if message.id and not (known.get(message.id) and known[message.id].string)
    ]  # fmt: skip


def bring_up(language: str) -> None:
    """Bring one catalogue up to the templates."""
    from babel.messages.pofile import write_po

    catalogue = read_catalogue(language)
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, width=100, sort_output=True, no_location=True, omit_header=False)
    _path(language).write_bytes(written.getvalue())


def _path(language: str) -> Path:
    return _WEB / "texts" / f"{language}.po"


if __name__ == "__main__":
    for code in LANGUAGES:
        if code != "en":
            bring_up(code)
            print(f"{code}: {len(untranslated(code))} texts to translate")
