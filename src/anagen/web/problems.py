"""How a failure reaches a client: problem details (RFC 9457), with every field concerned."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from anagen.errors import (
    AccessError,
    AnagenError,
    BusyError,
    ClinicError,
    InputError,
    NotFoundError,
    Problem,
    StaleError,
    StoreError,
    ThrottledError,
)
from anagen.patient.issues import issues_of

MEDIA_TYPE = "application/problem+json"

# What a person typed into such a field is never repeated.
_SECRET = re.compile(r"password|code|secret|token|^old$|^new$")
_MOST_FIELDS = 100


class FieldProblem(BaseModel):
    """One thing wrong with what was sent."""

    field: str = Field(description="where, such as seen.patches[0].regrowth_percent")
    expected: str
    found: str
    remedy: str


class ProblemDetails(BaseModel):
    """What went wrong, by RFC 9457."""

    type: str = Field(description="which kind of problem, as a URN")
    title: str
    status: int
    detail: str
    request: str = Field("", description="number of the request, as in the server's log")
    errors: list[FieldProblem] = Field(default_factory=list)


_TITLES = {
    400: "Not understood",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not a method of this address",
    409: "In conflict with what is there",
    412: "Changed by somebody else",
    413: "Too large",
    415: "Not a type that can be read",
    422: "Not acceptable as it is",
    428: "Version needed",
    429: "Too many attempts",
    500: "Fault of the server",
    503: "Not possible now",
    507: "No space left",
}


# The first that fits counts, so the narrower ones stand first.
_STATUS: tuple[tuple[type[ClinicError], int], ...] = (
    (NotFoundError, 404),
    (StaleError, 412),
    (ThrottledError, 429),
    (AccessError, 403),
    (ClinicError, 503),
)

# How the store and the photographs say that there is no room.
_NO_SPACE = ("disk is full", "a full disk")


class RefusedError(Exception):
    """An answer other than what was asked for.

    Parameters
    ----------
    status : of HTTP.
    detail : what is wrong and what to do.
    errors : by field.
    headers : to be sent along.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Problem] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}
        super().__init__(detail)


def answer(request: Request, refusal: RefusedError) -> JSONResponse:
    """Make the answer that tells of a refusal."""
    title = _TITLES.get(refusal.status, "Refused")
    details = ProblemDetails(
        type=f"urn:anagen:problem:{title.lower().replace(' ', '-')}",
        title=title,
        status=refusal.status,
        detail=refusal.detail,
        request=getattr(request.state, "number", ""),
        errors=[
            FieldProblem(field=p.place, expected=p.expected, found=p.found, remedy=p.remedy)
            for p in refusal.errors[:_MOST_FIELDS]
        ],
    )
    return JSONResponse(
        details.model_dump(), refusal.status, headers=refusal.headers, media_type=MEDIA_TYPE
    )


def refusal_of(error: Exception) -> RefusedError:
    """Turn what the rooms raise into an answer."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, InputError):
        return RefusedError(422, "What was sent cannot be used; see errors.", error.problems)
    if isinstance(error, ClinicError):
        return _of_clinic(error)
    if isinstance(error, HTTPException):
        code = error.status_code
        return RefusedError(code, _plain(code), headers=dict(error.headers or {}))
    return RefusedError(
        500, "This is a fault of Anagen; the log of the server says more. Nothing was changed."
    )


def _of_clinic(error: ClinicError) -> RefusedError:
    detail, headers = f"{error}.", {}
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    if isinstance(error, StaleError):
        headers["ETag"] = f'"{error.current}"'
    elif isinstance(error, ThrottledError | BusyError):
        headers["Retry-After"] = str(error.seconds)
    elif isinstance(error, AccessError) and not error.signed_in:
        status = 401
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, StoreError) and any(words in detail for words in _NO_SPACE):
        status = 507
    return RefusedError(status, detail, headers=headers)


def install(app: FastAPI) -> None:
    """Let the app answer every failure as problem details."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        refusal = refusal_of(error)
        if refusal.status == 405:
            refusal.headers["Allow"] = ", ".join(_methods(request))
        return answer(request, refusal)

    for kind in (RefusedError, AnagenError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def _methods(request: Request) -> list[str]:
    """Methods that an address knows, over all its routes."""
    known: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        match, _ = context.matches(request.scope)
        if match is not Match.NONE:
            known |= context.methods or set()
    return sorted(known)


def _plain(status: int) -> str:
    return {
        404: "There is no such address.",
        405: "This address does not know the method.",
        400: "The request was not understood.",
        413: "The body is larger than this address takes.",
    }.get(status, "The request was refused.")


def _of_validation(error: RequestValidationError) -> RefusedError:
    problems = []
    for detail in error.errors()[:_MOST_FIELDS]:
        source, *rest = detail["loc"]
        if detail["type"] == "json_invalid":
            return RefusedError(422, "The body is not JSON. Send one JSON document.")
        place = _words(rest) if source == "body" else f"{source}: {_words(rest)}"
        problems.append(_problem(detail, place or "body", rest, error.body))
    return RefusedError(422, "What was sent cannot be used; see errors.", problems)


def _problem(detail: Any, place: str, path: Sequence[Any], body: Any) -> Problem:
    if detail["type"] == "extra_forbidden":
        return Problem(place, "only fields that the schema knows", "one that it does not know",
                       "Leave it out, or put it into a note.")  # fmt: skip
    if detail["type"] == "missing":
        return Problem(place, f"'{path[-1]}'" if path else "a body of JSON", "nothing", "Add it.")
    if not path:
        # Never repeated, because it may hold a password.
        return Problem(place, "one JSON object, sent as application/json", "something else",
                       "Send what the interface describes.")  # fmt: skip
    issue = issues_of([{**detail, "loc": tuple(path)}], body, {})[0]
    secret = any(_SECRET.search(str(part)) for part in path)
    place = _words(issue.path) or place if detail["loc"][0] == "body" else place
    return Problem(place, issue.expected, "a hidden value" if secret else issue.found, issue.remedy)


def _words(path: Sequence[Any]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")
