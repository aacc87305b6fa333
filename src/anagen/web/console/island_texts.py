"""Words of the islands: English in their own module, in other languages from the catalogue."""

import json
import re
from functools import cache
from importlib import resources

from anagen.web.console.texts import Texts

# Modules that hold the words of an island, as `key: "words"`.
MODULES = ("editor/words.js", "hair/texts.js")

_STRING = r'"(?:[^"\\\n]|\\.)*"'
# Long words stand in several strings with plus signs between them.
_WORD = re.compile(rf"\b(\w+):\s*({_STRING}(?:\s*\+\s*{_STRING})*)")


@cache
def words_of(module: str) -> dict[str, str]:
    """English words of an island by key."""
    place = resources.files("anagen.web").joinpath("static", *module.split("/"))
    text = place.read_text(encoding="utf-8") if place.is_file() else ""
    return {
        key: "".join(json.loads(part) for part in re.findall(_STRING, words))
        for key, words in _WORD.findall(text)
    }


def island_texts(texts: Texts, module: str) -> dict[str, str]:
    """Words of an island in a language; nothing where its own English will do.

    Examples
    --------
    >>> from anagen.web.console.texts import texts_of
    >>> island_texts(texts_of("en"), "editor/words.js")
    {}
    """
    if texts.language == "en":
        return {}
    return {key: texts.text(words) if words else "" for key, words in words_of(module).items()}
