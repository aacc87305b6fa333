"""The protocol file: readable TOML, read with every problem named by file and line.

A protocol is named by the path of a file, or by the key of one that the package carries.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from importlib import resources
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from anagen.errors import InputError, Problem
from anagen.patient.documents import find_unusable, is_hopeless
from anagen.patient.issues import Issue, issues_of
from anagen.patient.positions import Path, nearest_line, toml_lines
from anagen.patient.quantities import shorten
from anagen.patient.vocabulary import nearest
from anagen.trials.lint import Lint, check_protocol, problems_of
from anagen.trials.protocol import Protocol, protocol_schema

if TYPE_CHECKING:
    from anagen.evidence.rules import Profile

LARGEST_BYTES = 200_000
"""A protocol is a page or two; a larger file is something else."""

_MOST_PROBLEMS = 200  # more than anybody reads
_START = "Start from a shipped protocol: anagen trial show five-against-ten"


@dataclass(frozen=True)
class ProtocolFile:
    """A protocol with the text that it was read from.

    Parameters
    ----------
    name : of the file as given, or ``KEY.toml`` of a shipped one.
    text : of the file.
    protocol : what it says.
    lines : line of every value by its path, from 1.
    shipped : whether the package carries it.
    """

    name: str
    text: str
    protocol: Protocol
    lines: Mapping[Path, int]
    shipped: bool = False


def shipped() -> tuple[str, ...]:
    """Keys of the protocols that the package carries, in the order of the alphabet.

    Examples
    --------
    >>> "five-against-ten" in shipped()
    True
    """
    return tuple(_shipped_texts())


def load_protocol_file(
    path_or_key: str | os.PathLike[str], profile: "Profile | str | None" = None
) -> Protocol:
    """Read a protocol and refuse it when it contradicts itself or passes a limit that blocks.

    Parameters
    ----------
    path_or_key : a ``.toml`` file, or the key of a shipped protocol.
    profile : rules of treatment that hold, or their name; None for the default.

    Raises
    ------
    InputError
        Every problem, with file, line and path, what was expected, what came, what to do.

    Examples
    --------
    >>> load_protocol_file("five-against-ten").design
    'parallel'
    """
    file, lints = check_protocol_file(path_or_key, profile)
    problems = problems_of(lints)
    if problems:
        raise InputError(problems)
    return file.protocol


def check_protocol_file(
    path_or_key: str | os.PathLike[str], profile: "Profile | str | None" = None
) -> tuple[ProtocolFile, tuple[Lint, ...]]:
    """Read a protocol and everything the lint says of it; see `load_protocol_file`.

    Raises
    ------
    InputError
        When it is no protocol at all, so that nothing more can be said of it.
    """
    file = read_protocol_file(path_or_key)
    return file, check_protocol(file.protocol, profile, name=file.name, lines=file.lines)


def read_protocol_file(path_or_key: str | os.PathLike[str]) -> ProtocolFile:
    """Read a protocol without judging it.

    Parameters
    ----------
    path_or_key : as in `load_protocol_file`.

    Raises
    ------
    InputError
        When there is none, it is no TOML, or fields are missing, unknown or of the wrong kind.
    """
    name = os.fspath(path_or_key)
    texts = _shipped_texts()
    if name in texts:
        return parse_protocol(texts[name], f"{name}.toml", shipped=True)
    path = FilePath(name)
    if path.suffix.lower() != ".toml" and not _is_there(path):
        raise InputError(_unknown(name, tuple(texts)))
    return parse_protocol(_read_text(path, shorten_name(name)), shorten_name(name))


def parse_protocol(
    text: str, name: str = "protocol.toml", *, shipped: bool = False
) -> ProtocolFile:
    """Parse the text of a protocol file.

    Parameters
    ----------
    text : TOML.
    name : of the file, for messages.
    shipped : whether the package carries it.

    Raises
    ------
    InputError
        As `read_protocol_file`.

    Examples
    --------
    >>> parse_protocol("people = many")
    Traceback (most recent call last):
        ...
    anagen.errors.InputError: protocol.toml:1: expected valid TOML, found "people = many". ...
    """
    try:
        data = _parse_toml(text, name)
        lines = toml_lines(text)
        protocol, issues = _protocol_of(data)
    except RecursionError:
        raise InputError(
            Problem(name, "a few levels of brackets", "hundreds of them", _START)
        ) from None
    if protocol is None:
        issues.sort(key=lambda issue: nearest_line(lines, issue.path))
        raise InputError([issue.problem(name, lines) for issue in issues[:_MOST_PROBLEMS]])
    return ProtocolFile(name, text, protocol, lines, shipped)


def shorten_name(name: str) -> str:
    """Name of a file in printable characters, not longer than a line."""
    return name if name.isprintable() and len(name) <= 200 else ascii(name)[1:-1][:200]


def _protocol_of(data: dict[str, Any]) -> tuple[Protocol | None, list[Issue]]:
    issues = find_unusable(data)
    if is_hopeless(issues):
        return None, issues
    try:
        protocol = Protocol.model_validate_json(json.dumps(data, default=_iso), strict=True)
    except ValidationError as raised:
        seen = {issue.path for issue in issues}
        rows = raised.errors(include_url=False)[: _MOST_PROBLEMS + 1]
        found = issues_of(rows, data, protocol_schema())
        return None, [*issues, *(issue for issue in found if issue.path not in seen)]
    return (None if issues else protocol), issues


def _parse_toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as raised:
        message, _, where = str(raised).partition(" (at ")
        digits = [word for word in where.replace(",", " ").split() if word.isdigit()]
        line = int(digits[0]) if digits else text.count("\n") + 1
        row = text.split("\n")[line - 1].strip()
        found = "the end of the file" if not digits else shorten(row, 40)
        raise InputError(Problem(f"{name}:{line}", "valid TOML", found, f"{message}.")) from None
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as raised:
        # What the parser of some versions of Python lets through, such as a month 13.
        found = shorten(str(raised) or type(raised).__name__)
        raise InputError(Problem(name, "valid TOML", found, "Correct the value.")) from None


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


def _is_there(path: FilePath) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no system could have, such as one with NUL
        return False


def _read_text(path: FilePath, name: str) -> str:
    try:
        if path.is_dir():
            raise InputError(Problem(name, "a file", "a folder", "Name the file in it."))
        if path.exists() and not path.is_file():
            raise InputError(Problem(name, "a file", "a device", "Name a file."))
        if path.stat().st_size > LARGEST_BYTES:
            limit, found = (
                f"at most {LARGEST_BYTES // 1000} kB",
                f"{path.stat().st_size // 1000} kB",
            )
            raise InputError(Problem(name, limit, found, f"Is it a protocol? {_START}"))
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(Problem(name, "a file", "nothing", "Check the path.")) from None
    except (OSError, ValueError) as raised:
        why = str(getattr(raised, "strerror", None) or raised).lower()
        remedy = "Check the path and the permissions."
        raise InputError(Problem(name, "a file that can be read", why, remedy)) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as raised:
        line = content.count(b"\n", 0, raised.start) + 1
        found = f"the byte 0x{content[raised.start]:02x}"
        remedy = "Save the file again as UTF-8."
        raise InputError(Problem(f"{name}:{line}", "text in UTF-8", found, remedy)) from None


def _unknown(name: str, keys: tuple[str, ...]) -> Problem:
    meant = nearest(name, keys)
    remedy = f"Did you mean '{meant}'?" if meant else "Name one, or give the path of a .toml file."
    expected = f"a file, or one of the protocols {', '.join(keys)}"
    return Problem("protocol", expected, shorten(name), remedy)


@lru_cache(maxsize=1)
def _shipped_texts() -> Mapping[str, str]:
    folder = resources.files("anagen.trials") / "protocols"
    files = sorted((file for file in folder.iterdir()), key=lambda file: file.name)
    return {
        file.name.removesuffix(".toml"): file.read_text(encoding="utf-8")
        for file in files
        if file.name.endswith(".toml")
    }
