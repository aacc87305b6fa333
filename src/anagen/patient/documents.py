"""Documents: the text of a JSON or TOML file, parsed, with what a parser would pass over."""

import json
import math
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from anagen.errors import InputError, Problem
from anagen.patient.issues import Issue, error
from anagen.patient.positions import Path, json_lines, json_places, toml_lines
from anagen.patient.quantities import shorten

LARGEST_BYTES = 20_000_000
MOST_VALUES = 300_000


@dataclass(frozen=True)
class Document:
    """A parsed file.

    Parameters
    ----------
    name : of the file, as given.
    data : what stands in it.
    issues : what is wrong with it whatever it describes: fields given twice, NaN, broken text.
    text : the file.
    """

    name: str
    data: Any
    issues: tuple[Issue, ...]
    text: str

    @property
    def lines(self) -> dict[Path, int]:
        """Line of every value by path."""
        return _kind_of(self.name).lines(self.text)


def read_document(name: str) -> Document:
    """Read a JSON or TOML file.

    Parameters
    ----------
    name : path of a file that ends in ``.json`` or ``.toml``.

    Raises
    ------
    InputError
        When the file is missing, too large, empty, not text or not what its name says.
    """
    text = _read_text(FilePath(name), name)
    kind = _kind_of(name)
    data = kind.parse(text, name)
    unusable = find_unusable(data)
    twice = _twice(text) if kind is _KINDS[".json"] and not is_hopeless(unusable) else ()
    return Document(name, data, (*twice, *unusable), text)


# A text with half a character cannot be validated, shown or saved.
TOO_LONG = "Is it a patient file? Draw outlines with fewer points."
NOT_TEXT = "Write the text again; half of a character is missing."


def _read_text(path: FilePath, name: str) -> str:
    content = _read_bytes(path, name)
    if not content.strip():
        problem = Problem(name, "a patient record", "an empty file", "Start from an example.")
        raise InputError(problem)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as raised:
        line = content.count(b"\n", 0, raised.start) + 1
        found = f"the byte 0x{content[raised.start]:02x}"
        problem = Problem(f"{name}:{line}", "text in UTF-8", found, "Save the file again as UTF-8.")
        raise InputError(problem) from None


def _read_bytes(path: FilePath, name: str) -> bytes:
    try:
        size = path.stat().st_size
        if path.is_file() and size <= LARGEST_BYTES:
            return path.read_bytes()
    except FileNotFoundError:
        raise InputError(Problem(name, "a file", "nothing", "Check the path.")) from None
    except (OSError, ValueError) as raised:
        remedy = "Check the path and the permissions."
        problem = Problem(shorten(name), "a file that can be read", reason(raised), remedy)
        raise InputError(problem) from None
    if path.is_dir():
        raise InputError(Problem(name, "a file", "a folder", "Name the file in it."))
    if not path.is_file():
        raise InputError(Problem(name, "a file", "a device", "Name a file."))
    limit, found = f"at most {LARGEST_BYTES // 1_000_000} MB", f"{size / 1e6:.0f} MB"
    remedy = "Is it a patient file? Draw masks with fewer pixels."
    raise InputError(Problem(name, limit, found, remedy))


def reason(raised: Exception) -> str:
    """Say why the operating system refused, in words."""
    text = getattr(raised, "strerror", None) or str(raised) or type(raised).__name__
    return str(text).lower()


def _parse_json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as raised:
        ended = not text[raised.pos :].strip()
        found = (
            "the end of the file: it is cut off"
            if ended
            else shorten(text[raised.pos :].split("\n", maxsplit=1)[0], 40)
        )
        message = raised.msg[0].lower() + raised.msg[1:]
        remedy = (
            "Restore the missing end." if ended else "Look for a missing quote, comma or bracket."
        )
        raise InputError(
            Problem(
                f"{name}:{raised.lineno}: column {raised.colno}",
                f"valid JSON ({message})",
                found,
                remedy,
            )
        ) from None
    except RecursionError:
        raise InputError(_too_deep(name)) from None
    except ValueError:
        found = "a number of thousands of digits"
        problem = Problem(name, "numbers of ordinary size", found, "Correct the number.")
        raise InputError(problem) from None


def _parse_toml(text: str, name: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as raised:
        message, _, where = str(raised).partition(" (at ")
        digits = [
            int(part)
            for part in where.replace(",", " ").replace(")", " ").split()
            if part.isdigit()
        ]
        line = digits[0] if digits else text.count("\n") + 1
        found = (
            "the end of the file"
            if "end of document" in where
            else shorten(text.split("\n")[line - 1].strip(), 40)
        )
        raise InputError(
            Problem(f"{name}:{line}", "valid TOML", found or "an empty line", f"{message}.")
        ) from None
    except RecursionError:
        raise InputError(_too_deep(name)) from None
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as raised:
        problem = Problem(name, "valid TOML", reason(raised), "Correct the value.")
        raise InputError(problem) from None


def _too_deep(name: str) -> Problem:
    return Problem(
        name,
        "a few levels of brackets",
        "hundreds of them",
        "Is it a patient file? Start from one of the examples.",
    )


@dataclass(frozen=True)
class _Kind:
    parse: Callable[[str, str], Any]
    lines: Callable[[str], dict[Path, int]]


_KINDS = {".json": _Kind(_parse_json, json_lines), ".toml": _Kind(_parse_toml, toml_lines)}


def _kind_of(name: str) -> _Kind:
    suffix = FilePath(name).suffix
    kind = _KINDS.get(suffix.lower())
    if kind is None:
        found = f"'{suffix or name}'"
        problem = Problem(name, "a file that ends in .json or .toml", found, "Rename the file.")
        raise InputError(problem)
    return kind


def _twice(text: str) -> Iterator[Issue]:
    """Issues of keys that stand twice in one table of a JSON text."""
    seen: set[Path] = set()
    doubled: set[Path] = set()
    for path, _ in json_places(text):
        inside = any(path[:depth] in doubled for depth in range(1, len(path)))
        if path in seen and not inside:
            doubled.add(path)
            yield error(path, "each field once", f"'{path[-1]}' twice", "Remove one of the two.")
        seen.add(path)


def find_unusable(data: Any) -> list[Issue]:
    """Find numbers that are none, broken text, and documents too long to be a record."""
    count = _count(data)
    if count > MOST_VALUES:
        found = f"{count}"
        return [error((), f"a record of at most {MOST_VALUES} values", found, TOO_LONG)]
    return list(_unusable(data, ()))


def is_hopeless(issues: Iterable[Issue]) -> bool:
    """Whether a document is not worth validating, or cannot be."""
    return any(issue.remedy in (NOT_TEXT, TOO_LONG) for issue in issues)


def _count(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, inner))


def _unusable(value: Any, path: Path) -> Iterator[Issue]:
    """Issues of numbers that are none and of texts that cannot be written again."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _unusable(key, (*path, key))
            yield from _unusable(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unusable(inner, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield error(
            path,
            "a finite number",
            str(value),
            "Write the number, or leave the field out when it is not known.",
        )
    elif isinstance(value, str) and any("\ud800" <= mark <= "\udfff" for mark in value):
        yield error(path, "text in Unicode", ascii(value)[:60], NOT_TEXT)
