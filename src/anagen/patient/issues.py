"""What is wrong or odd in a record: issues with a path, and pydantic's errors as issues."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anagen.errors import InputError, Problem
from anagen.patient.positions import Path, nearest_line, words
from anagen.patient.quantities import shorten
from anagen.patient.vocabulary import nearest

IssueSeverity = Literal["error", "warning"]


@dataclass(frozen=True)
class Issue:
    """One thing wrong (error) or odd but possible (warning) in a record.

    Parameters
    ----------
    severity : an error refuses the record, a warning is kept with it.
    path : where in the record, for example ``("visits", 0, "date")``.
    expected, found, remedy : as in `anagen.errors.Problem`.
    """

    severity: IssueSeverity
    path: Path
    expected: str
    found: str
    remedy: str

    def problem(self, file: str = "", lines: Mapping[Path, int] | None = None) -> Problem:
        """Return the issue as a problem, with file and line where they are known.

        Examples
        --------
        >>> odd = Issue("error", ("visits", 0), "a date", "none", "Add it.")
        >>> odd.problem("patient.json", {("visits",): 7}).place
        'patient.json:7: visits[0]'
        """
        line = f":{nearest_line(lines, self.path)}" if lines else ""
        place = ": ".join(part for part in (f"{file}{line}", words(self.path)) if part)
        return Problem(place or "record", self.expected, self.found, self.remedy)


def error(path: Path, expected: str, found: str, remedy: str) -> Issue:
    """Make an issue that refuses the record."""
    return Issue("error", path, expected, found, remedy)


def warning(path: Path, expected: str, found: str, remedy: str) -> Issue:
    """Make an issue that is kept beside the record."""
    return Issue("warning", path, expected, found, remedy)


_EXPECTED = {
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of ordinary size",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text in quotation marks",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "letters, digits, space, '.', '-' and '_' only, 64 at most",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a table of fields",
    "model_attributes_type": "a table of fields",
    "date_type": "a date such as 2025-03-31",
    "date_parsing": "a date such as 2025-03-31",
    "date_from_datetime_parsing": "a date such as 2025-03-31",
    "date_from_datetime_inexact": "a date such as 2025-03-31, without a time",
}
_REMEDY = {
    "finite_number": "Write the number, or leave the field out when it is not known.",
    "float_type": "Write the number without quotation marks.",
    "int_type": "Write the whole number without quotation marks.",
    "int_from_float": "Write it without decimals.",
    "bool_type": "Write true or false without quotation marks.",
    "date_from_datetime_inexact": "Leave out the time.",
}
# A longer list of choices helps nobody.
_LISTED = 12

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "too_long": ("at most this many items:", "max_length"),
    "too_short": ("at least this many items:", "min_length"),
    "string_too_long": ("at most this many characters:", "max_length"),
}


def issues_of(details: Sequence[Any], data: object, schema: Mapping[str, Any]) -> list[Issue]:
    """Turn pydantic's error details into issues.

    Parameters
    ----------
    details : what ``ValidationError.errors()`` returns.
    data : the document, to tell paths from pydantic's own labels.
    schema : JSON Schema of the document, to suggest names of fields.
    """
    return [_issue(detail, data, schema) for detail in details]


def issues_of_input_error(raised: InputError, path: Path) -> list[Issue]:
    """Turn problems that another room found at a path of the record into issues."""
    return [error(path, p.expected, p.found, p.remedy) for p in raised.problems]


def _issue(detail: Mapping[str, Any], data: object, schema: Mapping[str, Any]) -> Issue:
    kind, context = detail["type"], detail.get("ctx", {})
    path = _clean(detail["loc"], data)
    if "remedy" in context:
        return error(path, context["expected"], context["found"], context["remedy"])
    if kind == "missing":
        return error(path, f"a field '{path[-1]}'", "nothing", "Add it.")
    if kind == "extra_forbidden":
        return _unknown_field(path, sorted(known_fields(schema, path[:-1])))
    found = shorten(detail["input"])
    if kind in _BOUNDS:
        label, key = _BOUNDS[kind]
        remedy = "Check the decimal point and the unit, or shorten what is too long."
        if kind in ("too_long", "too_short", "string_too_long"):
            remedy = "Correct the length."
        return error(path, f"{label} {context[key]}", found, remedy)
    if kind == "literal_error":
        return _unknown_word(path, str(context["expected"]), detail["input"])
    message = str(detail["msg"])
    expected = _EXPECTED.get(kind, message[:1].lower() + message[1:])
    return error(path, expected, found, _REMEDY.get(kind, f"Write {expected}."))


def _unknown_field(path: Path, known: list[str]) -> Issue:
    meant = nearest(str(path[-1]), known, 0.6)
    hint = f"Did you mean '{meant}'?" if meant else "Remove it, or put it into 'note'."
    expected = f"one of the fields {', '.join(known)}" if known else "no fields here"
    if len(known) > _LISTED:
        expected = "a field that the schema knows"
    return error(path, expected, shorten(path[-1]), hint)


def _unknown_word(path: Path, allowed: str, found: object) -> Issue:
    choices = [word.strip("'") for word in allowed.replace(" or ", ", ").split(", ")]
    meant = nearest(found, choices, 0.6) if isinstance(found, str) else None
    hint = f"Did you mean '{meant}'?" if meant else "Write one of these words."
    return error(path, f"one of {allowed}", shorten(found), hint)


def _clean(location: Sequence[int | str], data: object) -> Path:
    """Drop the labels that pydantic puts into a location but that are not in the document."""
    path: list[int | str] = []
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if _holds(data, part):
            data = data[part]  # type: ignore[index]
        elif not (last and isinstance(data, Mapping) and isinstance(part, str)):
            continue
        path.append(part)
    return tuple(path)


def _holds(data: object, part: int | str) -> bool:
    if isinstance(part, str):
        return isinstance(data, Mapping) and part in data
    return isinstance(data, list) and part < len(data)


def known_fields(schema: Mapping[str, Any], path: Path) -> set[str]:
    """Names of the fields that a JSON Schema knows at a path."""
    return {name for node in _nodes(schema, schema, path) for name in node.get("properties", {})}


def _nodes(root: Mapping[str, Any], node: Any, path: Path) -> Iterator[Mapping[str, Any]]:
    if not isinstance(node, Mapping):
        return
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        yield from _nodes(root, root["$defs"][name], path)
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _nodes(root, branch, path)
    if not path:
        yield node
    elif isinstance(path[0], int):
        yield from _nodes(root, node.get("items"), path[1:])
    else:
        yield from _nodes(root, node.get("properties", {}).get(path[0]), path[1:])
