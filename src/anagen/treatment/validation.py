"""The border of the room: plausible numbers, and pydantic's errors as `Problem`s."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from anagen.errors import InputError, Problem
from anagen.treatment.technique import bounds

_EXPECTED = {
    "missing": "this field",
    "extra_forbidden": "a field the schema knows",
    "finite_number": "a finite number",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "tuple_type": "a list",
    "list_type": "a list",
    "json_invalid": "a JSON document",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "date_parsing": "a date such as 2026-03-31",
    "date_from_datetime_parsing": "a date such as 2026-03-31",
    "date_from_datetime_inexact": "a date such as 2026-03-31",
    "date_type": "a date such as 2026-03-31",
}
_REMEDY = {
    "missing": "Add it.",
    "extra_forbidden": "Remove it, or correct its spelling.",
    "finite_number": "Write the number, or leave the field out.",
}


def bounded(value: float, key: str) -> float:
    """Return a number if somebody could mean it.

    Parameters
    ----------
    value : the number, in the unit of the row.
    key : row of ``technique.toml`` with its bounds, for example ``injection.volume``.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    PydanticCustomError
        With what was expected and the remedy, when it lies outside the bounds or is not finite.

    Examples
    --------
    >>> bounded(0.1, "injection.volume")
    0.1
    """
    row = bounds(key)
    if math.isfinite(value) and row.low <= value <= row.high:
        return value
    unit = "" if row.unit == "1" else f" {row.unit}"
    raise PydanticCustomError(
        "implausible",
        "expected {expected}, found {found}. {remedy}",
        {
            "expected": f"{row.name} between {row.low:g} and {row.high:g}{unit}",
            "found": f"{value:g}{unit}",
            "remedy": _slip(value, row.low, row.high, row.value, unit),
        },
    )


def _slip(value: float, low: float, high: float, usual: float, unit: str) -> str:
    shifted = [value * factor for factor in (0.1, 10.0, 0.01, 100.0)]
    meant = [v for v in shifted if math.isfinite(v) and v > 0 and low <= v <= high]
    if not meant or usual <= 0:
        return "Correct the number."
    nearest = min(meant, key=lambda v: abs(math.log(v / usual)))
    return f"Check the decimal point: was {nearest:g}{unit} meant?"


def plausible(value: float, key: str, place: str) -> float:
    """Return a number if somebody could mean it, else raise `InputError` with its place.

    See `bounded`; this is for arguments of functions rather than fields of models.

    Raises
    ------
    InputError
        When it is not a finite number within the bounds.

    Examples
    --------
    >>> plausible(10, "placement.spacing", "spacing_mm")
    10.0
    """
    try:
        return bounded(float(value), key)
    except PydanticCustomError as error:
        context = error.context or {}
        raise InputError(
            Problem(place, context["expected"], context["found"], context["remedy"])
        ) from None
    except (TypeError, ValueError):
        raise InputError(Problem(place, "a number", _show(value), "Write the number.")) from None


def refuse(expected: str, found: str, remedy: str, at: str = "") -> PydanticCustomError:
    """Make the error of a model's validator, in the words of a `Problem`.

    Parameters
    ----------
    expected, found, remedy : as in `Problem`.
    at : path inside the model, for a validator of the whole model.
    """
    return PydanticCustomError(
        "refused",
        "expected {expected}, found {found}. {remedy}",
        {"expected": expected, "found": found, "remedy": remedy, "at": at},
    )


def problems_of(error: ValidationError, place: str = "") -> tuple[Problem, ...]:
    """Every problem that pydantic found, each with its place.

    Parameters
    ----------
    error : what pydantic raised.
    place : what was read, for example ``plan.json``; the path inside follows after a colon.

    Returns
    -------
    tuple of Problem
    """
    return tuple(_problem(detail, place) for detail in error.errors())


def _problem(detail: Mapping[str, Any], place: str) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    inside = ".".join(part for part in (path(detail["loc"]), context.get("at", "")) if part)
    where = ": ".join(part for part in (place, inside) if part) or "input"
    if "remedy" in context and "expected" in context:
        return Problem(where, context["expected"], context["found"], context["remedy"])
    expected = _EXPECTED.get(kind)
    if kind == "literal_error":
        expected = f"one of {context['expected']}"
    if expected is None:
        message = str(detail["msg"])
        expected = message[0].lower() + message[1:]
    found = "nothing" if kind == "missing" else _show(detail["input"])
    return Problem(where, expected, found, _REMEDY.get(kind, "Correct it."))


def path(location: tuple[int | str, ...]) -> str:
    """Path inside a document as people write it.

    Examples
    --------
    >>> path(("sessions", 1, "injections", 0, "volume_mL"))
    'sessions[1].injections[0].volume_mL'
    """
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text.encode("utf-8", "backslashreplace").decode()


def _show(value: object, limit: int = 80) -> str:
    text = ascii(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


@contextmanager
def input_errors(place: str = "") -> Iterator[None]:
    """Turn pydantic's errors inside the block into `InputError`.

    Examples
    --------
    >>> from anagen.treatment.injections import Session
    >>> try:
    ...     with input_errors("session"):
    ...         Session(date="2026-02-30")
    ... except InputError as error:
    ...     print(error.problems[0].expected)
    a date such as 2026-03-31
    """
    try:
        yield
    except ValidationError as error:
        raise InputError(problems_of(error, place)) from None
