"""The patient file: JSON or TOML, read with every problem named, written whole or not at all."""

import json
import math
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from anagen.errors import InputError, Problem
from anagen.patient.checks import check_record
from anagen.patient.drawings import check_drawings
from anagen.patient.issues import Issue, error, issues_of
from anagen.patient.positions import Path, json_lines, json_places, toml_lines
from anagen.patient.quantities import shorten
from anagen.patient.record import Patient
from anagen.patient.session_checks import check_sessions

LARGEST_BYTES = 20_000_000

# More problems than anybody reads are counted, not listed.
_MOST_PROBLEMS = 500


@dataclass(frozen=True)
class PatientFile:
    """A patient file that could be read.

    Parameters
    ----------
    patient : the record.
    warnings : what is odd but possible, each with file, line and path.
    """

    patient: Patient
    warnings: tuple[Problem, ...] = ()


def load_patient(path: str | os.PathLike[str], *, today: date | None = None) -> Patient:
    """Read a patient file and refuse it with all its problems when anything in it is impossible.

    Parameters
    ----------
    path : a ``.json`` or ``.toml`` file.
    today : the day that is not yet the future; the computer's when None.

    Raises
    ------
    InputError
        Every problem, with file, line and path, what was expected, what came, what to do.

    Examples
    --------
    >>> load_patient("nobody.json")
    Traceback (most recent call last):
        ...
    anagen.errors.InputError: nobody.json: expected a file, found nothing. Check the path.
    """
    return read_patient(path, today=today).patient


def read_patient(path: str | os.PathLike[str], *, today: date | None = None) -> PatientFile:
    """Read a patient file like `load_patient`, and return its warnings beside the record."""
    name = os.fspath(path)
    text = _read_text(FilePath(name), name)
    kind = _KINDS.get(FilePath(name).suffix.lower())
    if kind is None:
        raise InputError(Problem(name, "a file that ends in .json or .toml",
                                 f"'{FilePath(name).suffix or name}'", "Rename the file."))  # fmt: skip
    data = kind.parse(text, name)
    lines: dict[Path, int] | None = None
    patient, issues = check_document(data, text=text, is_json=kind is _KINDS[".json"], today=today)
    if issues:
        lines = kind.lines(text)
    problems = [issue.problem(name, lines) for issue in issues if issue.severity == "error"]
    if problems or patient is None:
        raise InputError(_at_most(problems, name))
    return PatientFile(patient, tuple(issue.problem(name, lines) for issue in issues))


def check_document(
    data: Any, *, text: str = "", is_json: bool = True, today: date | None = None
) -> tuple[Patient | None, list[Issue]]:
    """Turn a parsed document into a record, with all issues found; no record when it cannot be.

    Parameters
    ----------
    data : what the parser of the file returned.
    text : the file, to find keys given twice, which the parser swallows.
    is_json : whether the text is JSON.
    today : as in `load_patient`.
    """
    if not isinstance(data, dict):
        return None, [error((), "a table of fields, { ... }", shorten(data),
                            "Start from one of the examples.")]  # fmt: skip
    issues = [*(_twice(text) if is_json else ()), *_unusable(data, ())]
    if any(issue.remedy == _NOT_TEXT for issue in issues):
        return None, issues
    try:
        patient = Patient.model_validate_json(json.dumps(data, default=_iso), strict=True)
    except ValidationError as raised:
        seen = {issue.path for issue in issues}
        details = issues_of(raised.errors(include_url=False), data, patient_schema())
        return None, [*issues, *(issue for issue in details if issue.path not in seen)]
    if issues:
        return None, issues
    return patient, check_patient(patient, today)


def check_patient(patient: Patient, today: date | None = None) -> list[Issue]:
    """Find everything wrong (error) or odd (warning) in a record, errors first.

    Parameters
    ----------
    patient : the record.
    today : the day that is not yet the future; the computer's when None.

    Examples
    --------
    >>> check_patient(Patient(id="P1"))
    []
    """
    now = today or date.today()
    issues = [
        *check_record(patient, now),
        *check_sessions(patient, now),
        *check_drawings(patient),
    ]
    return sorted(issues, key=lambda issue: issue.severity)


def save_patient(patient: Patient, path: str | os.PathLike[str]) -> None:
    """Write a record as JSON: in full, or leaving what was there untouched.

    Parameters
    ----------
    patient : the record.
    path : a ``.json`` file; an existing one is replaced.

    Raises
    ------
    InputError
        When the file cannot be written there.
    """
    name = os.fspath(path)
    if FilePath(name).suffix.lower() != ".json":
        raise InputError(Problem(name, "a file that ends in .json", f"'{FilePath(name).suffix}'",
                                 "Records are written as JSON only."))  # fmt: skip
    write_whole(FilePath(name), patient_json(patient))


def patient_json(patient: Patient) -> str:
    """Text of a record: fields in the order of the schema, without those not recorded."""
    return _dump(patient.model_dump(mode="json", exclude_none=True))


@lru_cache(maxsize=1)
def patient_schema() -> dict[str, Any]:
    """JSON Schema of the patient file.

    Returns
    -------
    dict
        Draft 2020-12, with a description for every field that needs one.

    Examples
    --------
    >>> patient_schema()["title"]
    'Anagen patient record'
    """
    schema = Patient.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Anagen patient record",
        "description": "One person: who is treated, what was seen and given so far. A missing "
        "field means 'not recorded', an empty list 'asked, and none'.",
    }


def patient_schema_json() -> str:
    """Text of the published schema, ``docs/schema/patient.schema.json``."""
    return _dump(patient_schema())


def write_whole(path: FilePath, text: str) -> None:
    """Write a text file in full, or leave what was there untouched.

    Raises
    ------
    InputError
        When the file cannot be written there.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError) as raised:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise InputError(Problem(shorten(str(path)), "a place where a file can be written",
                                 _reason(raised), "Choose another folder or file."))  # fmt: skip


_NOT_TEXT = "Write the text again; half of a character is missing."


def _read_text(path: FilePath, name: str) -> str:
    try:
        if path.is_dir():
            raise InputError(Problem(name, "a file", "a folder", "Name the file in it."))
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(Problem(name, f"at most {LARGEST_BYTES // 1_000_000} MB",
                                     f"{path.stat().st_size / 1e6:.0f} MB",
                                     "Is it a patient file? Draw masks with fewer pixels."))  # fmt: skip
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(Problem(name, "a file", "nothing", "Check the path.")) from None
    except (OSError, ValueError) as raised:
        raise InputError(Problem(shorten(name), "a file that can be read", _reason(raised),
                                 "Check the path and the permissions."))  # fmt: skip
    if not content.strip():
        raise InputError(Problem(name, "a patient record", "an empty file",
                                 "Start from one of the examples."))  # fmt: skip
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as raised:
        line = content.count(b"\n", 0, raised.start) + 1
        byte = content[raised.start]
        raise InputError(Problem(f"{name}:{line}", "text in UTF-8", f"the byte 0x{byte:02x}",
                                 "Save the file again as UTF-8.")) from None  # fmt: skip


def _reason(raised: Exception) -> str:
    text = getattr(raised, "strerror", None) or str(raised) or type(raised).__name__
    return str(text).lower()


def _parse_json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as raised:
        ended = not text[raised.pos :].strip()
        found = "the end of the file: it is cut off" if ended else shorten(
            text[raised.pos :].split("\n")[0], 40
        )  # fmt: skip
        message = raised.msg[0].lower() + raised.msg[1:]
        remedy = (
            "Restore the missing end." if ended else "Look for a missing quote, comma or bracket."
        )
        raise InputError(Problem(f"{name}:{raised.lineno}: column {raised.colno}",
                                 f"valid JSON ({message})", found, remedy)) from None  # fmt: skip
    except RecursionError:
        raise InputError(_too_deep(name)) from None
    except ValueError:
        raise InputError(Problem(name, "numbers of ordinary size", "a number of thousands of digits",
                                 "Correct the number."))  # fmt: skip


def _parse_toml(text: str, name: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as raised:
        message, _, where = str(raised).partition(" (at ")
        digits = [int(part) for part in where.replace(",", " ").replace(")", " ").split()
                  if part.isdigit()]  # fmt: skip
        line = digits[0] if digits else text.count("\n") + 1
        found = "the end of the file" if "end of document" in where else shorten(
            text.split("\n")[line - 1].strip(), 40
        )  # fmt: skip
        raise InputError(Problem(f"{name}:{line}", "valid TOML", found or "an empty line",
                                 f"{message}.")) from None  # fmt: skip
    except RecursionError:
        raise InputError(_too_deep(name)) from None
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as raised:
        raise InputError(Problem(name, "valid TOML", _reason(raised), "Correct the value."))


def _too_deep(name: str) -> Problem:
    return Problem(name, "a few levels of brackets", "hundreds of them",
                   "Is it a patient file? Start from one of the examples.")  # fmt: skip


@dataclass(frozen=True)
class _Kind:
    parse: Callable[[str, str], Any]
    lines: Callable[[str], dict[Path, int]]


_KINDS = {".json": _Kind(_parse_json, json_lines), ".toml": _Kind(_parse_toml, toml_lines)}


def _twice(text: str) -> Iterator[Issue]:
    """Issues of keys that stand twice in one table of a JSON text."""
    seen: set[Path] = set()
    doubled: set[Path] = set()
    for path, _ in json_places(text) if text else ():
        inside = any(path[:depth] in doubled for depth in range(1, len(path)))
        if path in seen and not inside:
            doubled.add(path)
            yield error(path, "each field once", f"'{path[-1]}' twice", "Remove one of the two.")
        seen.add(path)


def _unusable(value: Any, path: Path) -> Iterator[Issue]:
    """Issues of numbers that are none and of texts that cannot be written again."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _unusable(key, (*path, shorten(key)))
            yield from _unusable(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unusable(inner, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield error(path, "a finite number", str(value),
                    "Write the number, or leave the field out when it is not known.")  # fmt: skip
    elif isinstance(value, str) and any("\ud800" <= mark <= "\udfff" for mark in value):
        yield error(path, "text in Unicode", ascii(value)[:60], _NOT_TEXT)


def _iso(value: Any) -> str:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)


def _dump(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _at_most(problems: list[Problem], name: str) -> list[Problem]:
    if len(problems) <= _MOST_PROBLEMS:
        return problems
    rest = len(problems) - _MOST_PROBLEMS
    more = Problem(name, "a record without problems", f"{rest} more problems",
                   "Correct these first.")  # fmt: skip
    return [*problems[:_MOST_PROBLEMS], more]
