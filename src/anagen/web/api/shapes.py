"""What the routes share: parameters of addresses and headers, versions, pages, their headers."""

import base64
import json
import re
from dataclasses import replace
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote

from fastapi import Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from anagen.clinic.entries import Entry
from anagen.clinic.people import Kept
from anagen.errors import InputError, Problem
from anagen.web.problems import MEDIA_TYPE, FieldProblem, ProblemDetails, RefusedError

Number = Annotated[
    str,
    Path(description="pseudonymous number of the person", min_length=1, max_length=64,
         pattern=r"^[^\W_](?:[\w .\-]{0,62}[\w])?$"),
]  # fmt: skip
Key = Annotated[str, Path(description="id of the document", pattern=r"^[0-9a-z]{8,40}$")]
Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]
Cursor = Annotated[
    str | None, Query(max_length=400, description="where to go on, as 'next' of the page before")
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="version that the change is based on, as its ETag",
           max_length=64),
]  # fmt: skip
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=64)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=128,
        description="drawn by the client; the same write sent twice with it is done once",
    ),
]  # fmt: skip

T = TypeVar("T")
_ETAG = re.compile(r'^(?:W/)?"(\d{1,9})"$')
_PRINTABLE = re.compile(r"^[\x21-\x7e]{8,128}$")


class Body(BaseModel):
    """What a client sends: fields it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Versioned(BaseModel, Generic[T]):
    """One version of one document."""

    kind: str
    id: str
    version: int = Field(description="from 1; also the ETag")
    person: str | None = Field(None, description="number of the person")
    at: str = Field(description="when it was written (ISO 8601, UTC)")
    author: str
    reason: str = ""
    retracted: bool = False
    document: T | None = Field(None, description="the document; nothing after an erasure")
    warnings: list[FieldProblem] = Field(default_factory=list)


class Listed(BaseModel, Generic[T]):
    """Part of a list."""

    items: list[T]
    next: str | None = Field(None, description="cursor of the next part; nothing at the end")


class Change(Body, Generic[T]):
    """A new version of a document, and why."""

    document: T
    reason: Annotated[str, Field(min_length=3, max_length=1000, description="why it is changed")]


class Reason(Body):
    """Why something is taken back."""

    reason: Annotated[str, Field(min_length=3, max_length=1000)]


def versioned(entry: Entry, warnings: tuple[Problem, ...] = ()) -> dict[str, Any]:
    """Version as the API gives it."""
    return {
        "kind": entry.kind, "id": entry.id, "version": entry.version, "person": entry.person,
        "at": entry.at, "author": entry.author, "reason": entry.reason,
        "retracted": entry.retracted,
        "document": None if entry.text is None else json.loads(entry.text),
        "warnings": [
            {"field": p.place, "expected": p.expected, "found": p.found, "remedy": p.remedy}
            for p in warnings
        ],
    }  # fmt: skip


def versioned_text(entry: Entry) -> str:
    """Version as the API gives it, as JSON: the document as it is kept, not read and written anew.

    A page about a person with many visits is a third quicker for it.
    """
    around = versioned(replace(entry, text=None))
    parts = (f'"{name}":{_compact(value)}' for name, value in around.items() if name != "document")
    return f'{{{",".join(parts)},"document":{entry.text or "null"}}}'


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with data that are known to fit the declared model."""
    return Response(_compact(data), status, headers=headers, media_type="application/json")


def kept_answer(kept: Kept, status: int, address: str | None = None) -> Response:
    """Answer to a write: the version written, its ETag, and where it is."""
    headers = {"ETag": etag(kept.entry)}
    if address:
        headers["Location"] = quote(address)
    return json_answer(versioned(kept.entry, kept.warnings), status, headers)


def entry_answer(entry: Entry, if_none_match: str | None = None) -> Response:
    """Answer to a read: the version that stands, or that it is still the same."""
    if if_none_match == etag(entry):
        return Response(status_code=304, headers={"ETag": etag(entry)})
    return json_answer(versioned(entry), 200, {"ETag": etag(entry)})


def etag(entry: Entry) -> str:
    """Entity tag of a version."""
    return f'"{entry.version}"'


def expected_version(if_match: str | None) -> int:
    """Version that a change is based on.

    Raises
    ------
    RefusedError
        428 when the header is missing, 400 when it is no version.
    """
    if if_match is None:
        raise RefusedError(
            428, "Expected the header If-Match with the ETag of the version that was read, found "
            "none. Read the document, then send its ETag along.",
        )  # fmt: skip
    found = _ETAG.match(if_match.strip())
    if found is None:
        raise RefusedError(
            400, 'Expected If-Match with one version such as "3", found something else.'
        )
    return int(found[1])


def checked_key(key: str | None) -> str | None:
    """Idempotency key, if it is one.

    Raises
    ------
    InputError
        When it is too short or has other than printable characters.
    """
    if key is not None and not _PRINTABLE.match(key):
        raise InputError(
            Problem("header: Idempotency-Key", "8 to 128 printable ASCII characters",
                    "something else", "Draw one, for example a UUID.")
        )  # fmt: skip
    return key


def write_cursor(position: tuple[str, ...] | None) -> str | None:
    """Make the cursor of the next part."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, parts: int = 2) -> tuple[str, ...] | None:
    """Read a cursor.

    Raises
    ------
    InputError
        When it is none that this list has given.

    Examples
    --------
    >>> read_cursor(write_cursor(("2025-01-01", "ab")))
    ('2025-01-01', 'ab')
    """
    if cursor is None:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"==="))
    except ValueError:
        position = None
    if (
        isinstance(position, list)
        and len(position) == parts
        and all(isinstance(part, str) and len(part) <= 100 and "\0" not in part
                for part in position)
    ):  # fmt: skip
        return tuple(position)
    raise InputError(
        Problem("query: cursor", "the 'next' of an earlier page", "something else",
                "Begin without a cursor.")
    )  # fmt: skip


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers other than the one hoped for, as the OpenAPI document declares them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": "Problem details", "content": content}
        for status in sorted({400, 401, 403, 413, 422, 429, 500, 503, 507, *statuses})
    }


# So that the schema of problems is in the document though only referred to.
PROBLEMS = ProblemDetails
