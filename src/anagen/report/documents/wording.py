"""The words of a printed document in one language, and how that language writes numbers."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any

from anagen.errors import InputError, Problem

BOLD, RAISED = "\ue000", "\ue001"
"""Private characters that switch bold and raised type on and off inside a text."""

NARROW = "\u00a0"
"""Space that does not break, between a number and its unit."""

_DECIMALS = 3
_SOURCE_MARK = "§"


@dataclass(frozen=True)
class Wording:
    """One catalogue of texts.

    Parameters
    ----------
    language : its code, such as ``de``.
    table : texts by dotted key.
    """

    language: str
    table: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """Give the text of a key with its values filled in; ``**`` in the catalogue means bold."""
        text = self.table[key].replace("**", BOLD)
        return text.format(**{name: str(value) for name, value in values.items()})

    def known(self, key: str, otherwise: str) -> str:
        """Give the text of a key, or other words where this catalogue has none."""
        return self.table.get(key, otherwise).replace("**", BOLD)

    def section(self, prefix: str) -> list[str]:
        """Keys of a section, in the order of the file."""
        return [key for key in self.table if key.startswith(f"{prefix}.")]

    def number(self, value: float, decimals: int = _DECIMALS) -> str:
        """Write a number with at most so many decimals and the decimal sign of the language.

        Examples
        --------
        >>> load_wording("de").number(0.125), load_wording("en").number(2.50)
        ('0,125', '2.5')
        """
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        text = "0" if text in {"-0", ""} else text
        return text.replace("-", "−").replace(".", self.table["format.decimal"])

    def amount(self, value: float, unit: str, decimals: int = _DECIMALS) -> str:
        """Write a number with its unit on one line; no unit for the unit ``1``."""
        text = self.number(value, decimals)
        return text if unit == "1" else f"{text}{NARROW}{self.known(f'units.{unit}', unit)}"

    def percent(self, share: float) -> str:
        """Write a share [1] as a percentage that claims no more than it may."""
        value = 100.0 * share
        if 0.0 < value < 1.0:
            return self.say("format.under", value=f"1{NARROW}%")
        if 99.0 < value < 100.0:
            return self.say("format.over", value=f"99{NARROW}%")
        return f"{self.number(value, 0)}{NARROW}%"

    def day(self, day: date | str) -> str:
        """Write a date so that no reader mistakes it."""
        found = date.fromisoformat(day[:10]) if isinstance(day, str) else day
        months = self.table["format.months"].split()
        return self.say("format.date", day=found.day, month=months[found.month - 1],
                        year=found.year).replace(" ", NARROW)  # fmt: skip

    def join(self, parts: Iterable[str]) -> str:
        """Join words with commas and a last and."""
        words = [part for part in parts if part]
        if len(words) < 2:
            return "".join(words)
        return ", ".join(words[:-1]) + f" {self.table['format.and']} {words[-1]}"

    def numbers(self, numbers: Sequence[int]) -> str:
        """Write whole numbers, runs shortened."""
        from anagen.report.plan_picture import number_words

        return number_words(numbers).replace(" and ", f" {self.table['format.and']} ")


def languages() -> tuple[str, ...]:
    """Codes of the languages there is a catalogue for.

    Examples
    --------
    >>> languages()
    ('de', 'en')
    """
    folder = resources.files(__package__) / "texts"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()
                        if f.name.endswith(".toml")))  # fmt: skip


@lru_cache(maxsize=16)
def load_wording(language: str) -> Wording:
    """Load the catalogue of a language.

    Raises
    ------
    InputError
        When there is none.
    """
    if language not in languages():
        raise InputError(
            Problem("language", " or ".join(languages()), repr(language),
                    "Choose one of them, or add a catalogue.")
        )  # fmt: skip
    file = resources.files(__package__) / "texts" / f"{language}.toml"
    return Wording(language, dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", " ".join(str(value).split())


def bold(text: str) -> str:
    """Text in bold type."""
    return f"{BOLD}{text}{BOLD}"


def clean(text: str) -> str:
    """Text that somebody typed, without the characters that switch type on and off."""
    return text.replace(BOLD, "").replace(RAISED, "")


class Cited:
    """Sources of a document, numbered in the order in which they are first cited.

    Examples
    --------
    >>> cited = Cited()
    >>> cited("Su2022").strip(RAISED), cited("Rajan2020", "Su2022").strip(RAISED)
    ('[1]', '[1,2]')
    """

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}

    def __call__(self, *sources: str) -> str:
        """Cite some sources by raised numbers; § for what rests on an assumption of ours."""
        keys = [key for source in sources for key in source.replace(",", " ").split()]
        numbers = sorted({self._number(key) for key in keys if key != "assumed"})
        marks = [str(number) for number in numbers]
        if "assumed" in keys:
            self._keys.setdefault("assumed", 0)
            marks.append(_SOURCE_MARK)
        return f"{RAISED}[{','.join(marks)}]{RAISED}" if marks else ""

    def _number(self, key: str) -> int:
        known = sum(number > 0 for number in self._keys.values())
        return self._keys.setdefault(key, known + 1)

    def entries(self, wording: Wording) -> list[str]:
        """Every source in full, with its number."""
        from anagen.evidence.references import load_references

        known = load_references()
        lines = [f"[{number}] {known.get(key, key)}."
                 for key, number in self._keys.items() if number]  # fmt: skip
        if "assumed" in self._keys:
            lines.append(f"[{_SOURCE_MARK}] {wording.say('sources.assumed')}")
        return lines
