"""Forms: what was typed becomes a document, or comes back with what is wrong beside each field.

A field is named by its path, such as ``seen.salt_percent`` or ``seen.patches.0.regrowth_percent``;
an empty field was not filled in.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from anagen.errors import InputError, Problem
from anagen.patient.issues import issues_of

T = TypeVar("T", bound=BaseModel)

_OWN = frozenset(("csrf", "reason", "version", "then"))
_MOST_ITEMS = 1000
# Deeper than any document, and shallow enough to be walked by recursion.
_DEEPEST = 20


async def typed(request: Request) -> dict[str, str]:
    """Fields of a form as they were typed, without files."""
    form = await request.form()
    # Browsers send the end of a line as two characters, of which the record keeps one.
    return {name: value.replace("\r\n", "\n")
            for name, value in form.multi_items() if isinstance(value, str)}  # fmt: skip


async def uploaded(request: Request, name: str) -> bytes | None:
    """File of a form; None when none was chosen."""
    value = (await request.form()).get(name)
    if not isinstance(value, UploadFile) or not value.filename:
        return None
    return await value.read()


def tree(fields: Mapping[str, str]) -> dict[str, Any]:
    """Nest fields by their paths; lists by numbers, JSON where a name ends in ``:json``.

    Examples
    --------
    >>> tree({"seen.date": "2026-01-02", "seen.patches.0.id": "a", "seen.note": ""})
    {'seen': {'date': '2026-01-02', 'patches': [{'id': 'a'}]}}
    """
    root: dict[str, Any] = {}
    for path, value in fields.items():
        name, _, kind = path.partition(":")
        if name in _OWN or not value.strip():
            continue
        parts = name.split(".")
        if len(parts) > _DEEPEST:
            raise InputError(
                Problem(name[:80], "fields of this page", "others", "Load the page again.")
            )
        _put(root, parts, _read(value, kind, name))
    nested: dict[str, Any] = _listed(root)
    return nested


def document_from(model: type[T], data: Mapping[str, Any], root: str = "") -> T:
    """Make a document of what was typed.

    Parameters
    ----------
    model : of the document.
    data : as `tree` nests it.
    root : where the document stands in the form, for the names of its fields.

    Raises
    ------
    InputError
        Every problem, each with the path of its field.
    """
    try:
        return model.model_validate_json(json.dumps(_loosened(data)))
    except ValidationError as error:
        issues = issues_of(error.errors(include_url=False), dict(data), model.model_json_schema())
        problems = [issue.problem() for issue in issues]
        if root:
            problems = [replace(one, place=f"{root}.{one.place}") for one in problems]
        raise InputError(problems) from None


def _read(value: str, kind: str, name: str) -> Any:
    if kind == "json":
        try:
            return json.loads(value)
        except ValueError:
            raise InputError(
                Problem(name, "what the page made", "something else", "Load the page again.")
            ) from None
    if kind == "words":
        return [part.strip() for part in value.replace("\n", ",").split(",") if part.strip()]
    if kind == "number":
        return _number(value)
    if kind == "flag":
        return {"yes": True, "no": False}.get(value)
    return value.strip()


def _number(text: str) -> Any:
    """Read a number with decimal point or comma; anything else stays as it was typed."""
    plain = text.strip().replace("\N{NO-BREAK SPACE}", "").replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    return int(value) if value == int(value) and "." not in plain else value


def _put(root: dict[str, Any], parts: list[str], value: Any) -> None:
    node = root
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise InputError(
                Problem(".".join(parts), "fields of this page", "others", "Load the page again.")
            )
    node[parts[-1]] = value


def _listed(node: Any) -> Any:
    """Turn tables whose keys are all numbers into lists."""
    if not isinstance(node, dict):
        return node
    inside = {key: _listed(value) for key, value in node.items()}
    if (
        inside
        and len(inside) <= _MOST_ITEMS
        and all(key.isascii() and key.isdigit() for key in inside)
    ):
        return [inside[key] for key in sorted(inside, key=int)]
    return inside


def _loosened(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
