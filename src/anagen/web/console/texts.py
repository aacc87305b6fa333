"""Texts in the reader's language, and numbers and dates as they are written there.

English stands in the templates; ``web/texts/<language>.po`` holds the translations, one catalogue a
language. ``python -m anagen.web.console.catalogues`` brings the catalogues up to the templates.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Any

LANGUAGES = {"en": "English", "de": "Deutsch"}


@dataclass(frozen=True)
class Texts:
    """Words, numbers and dates of one language.

    Parameters
    ----------
    language : its code.
    translations : gettext catalogue.
    """

    language: str
    translations: Any

    def text(self, words: str, **values: Any) -> str:
        """Words in the language, with values put in.

        Examples
        --------
        >>> texts_of("en").text("%(count)s people", count=3)
        '3 people'
        """
        # Under no words a catalogue keeps its own header.
        found = str(self.translations.gettext(words)) if words else ""
        return found % values if values else found

    def day(self, value: datetime.date | str | None, style: str = "medium") -> str:
        """Write a day as it is written there."""
        from babel.dates import format_date

        if not value:
            return "–"
        day = datetime.date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return str(format_date(day, style, locale=self.language))

    def hour(self, value: datetime.time | None) -> str:
        """Write a time of the day as it is written there."""
        from babel.dates import format_time

        return "" if value is None else str(format_time(value, "short", locale=self.language))

    def moment(self, value: str) -> str:
        """Write a time of the record (ISO 8601, UTC) as local time."""
        from babel.dates import format_datetime

        moment = datetime.datetime.fromisoformat(value).astimezone()
        return str(format_datetime(moment, "short", locale=self.language))

    def number(self, value: float | None, digits: int = 1, unit: str = "") -> str:
        r"""Write a number with at most some digits after the point, and its unit.

        Examples
        --------
        >>> texts_of("de").number(1234.56, 1, "mg")
        '1.234,6\xa0mg'
        """
        from babel.numbers import format_decimal

        if value is None:
            return "–"
        pattern = "#,##0." + "#" * digits if digits else "#,##0"
        words = str(format_decimal(value, format=pattern, locale=self.language))
        return f"{words}\N{NO-BREAK SPACE}{unit}" if unit else words

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Write a share [1] as per cent."""
        from babel.numbers import format_percent

        pattern = "#,##0" + ("." + "#" * digits if digits else "") + "\N{NO-BREAK SPACE}%"
        return "–" if share is None else str(
            format_percent(share, format=pattern, locale=self.language)
        )  # fmt: skip


@cache
def texts_of(language: str) -> Texts:
    """Texts of a language; English where there is no catalogue."""
    from gettext import NullTranslations

    if language == "en" or language not in LANGUAGES:
        return Texts("en" if language not in LANGUAGES else language, NullTranslations())
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    raw = resources.files("anagen.web").joinpath("texts", f"{language}.po").read_bytes()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(raw), locale=language))
    compiled.seek(0)
    return Texts(language, Translations(compiled))


def language_for(chosen: str | None, accepted: str) -> str:
    """Language of a reader: the one chosen, else the first of the browser's that there is.

    Examples
    --------
    >>> language_for(None, "fr-CH, de;q=0.8, en;q=0.5"), language_for("en", "de")
    ('de', 'en')
    """
    if chosen in LANGUAGES:
        return str(chosen)
    ranked = sorted(_wishes(accepted), key=lambda wish: -wish[1])
    return next((name for name, _ in ranked if name in LANGUAGES), "en")


def _wishes(accepted: str) -> Iterable[tuple[str, float]]:
    for part in accepted.split(",")[:20]:
        name, _, weight = part.strip().partition(";q=")
        try:
            yield name.partition("-")[0].lower(), float(weight or 1)
        except ValueError:
            continue
