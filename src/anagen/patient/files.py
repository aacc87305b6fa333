"""The patient file: JSON or TOML, read with every problem named, written whole or not at all."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from anagen._files import write_whole
from anagen.errors import InputError, Problem
from anagen.patient.checks import check_record
from anagen.patient.documents import find_unusable, is_hopeless, read_document
from anagen.patient.drawings import check_drawings
from anagen.patient.issues import Issue, error, issues_of
from anagen.patient.positions import nearest_line
from anagen.patient.quantities import shorten
from anagen.patient.record import Patient
from anagen.patient.session_checks import check_sessions

# More problems than anybody reads are not listed.
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
    document = read_document(os.fspath(path))
    patient, issues = check_document(document.data, document.issues, today=today)
    if not issues and patient is not None:
        return PatientFile(patient)
    lines = document.lines
    issues.sort(key=lambda issue: nearest_line(lines, issue.path))
    errors = [issue for issue in issues if issue.severity == "error"]
    found = [issue.problem(document.name, lines) for issue in errors or issues]
    if errors or patient is None:
        raise InputError(_at_most(found, document.name))
    return PatientFile(patient, tuple(found))


def check_document(
    data: Any, known: Sequence[Issue] | None = None, *, today: date | None = None
) -> tuple[Patient | None, list[Issue]]:
    """Turn a parsed document into a record, with all issues found; no record when it cannot be.

    Parameters
    ----------
    data : what the parser of a file or a request returned.
    known : issues that its reader has found already.
    today : as in `load_patient`.
    """
    if not isinstance(data, dict):
        remedy = "Start from one of the examples."
        return None, [error((), "a table of fields, { ... }", shorten(data), remedy)]
    issues = find_unusable(data) if known is None else list(known)
    if is_hopeless(issues):
        return None, issues
    try:
        patient = Patient.model_validate_json(json.dumps(data, default=_iso), strict=True)
    except ValidationError as raised:
        seen = {issue.path for issue in issues}
        rows = raised.errors(include_url=False)[: _MOST_PROBLEMS + 1]
        details = issues_of(rows, data, patient_schema())
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
        raise InputError(
            Problem(
                name,
                "a file that ends in .json",
                f"'{FilePath(name).suffix}'",
                "Records are written as JSON only.",
            )
        )
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


def _iso(value: Any) -> str:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)


def _dump(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _at_most(problems: list[Problem], name: str) -> list[Problem]:
    if len(problems) <= _MOST_PROBLEMS:
        return problems
    wanted = "a record without problems"
    more = Problem(name, wanted, "more problems than are listed", "Correct these first.")
    return [*problems[:_MOST_PROBLEMS], more]
