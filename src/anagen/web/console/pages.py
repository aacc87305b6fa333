"""Routes that answer with pages: refusals are pages too, and a lapsed sign-in comes back here."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from anagen.web.console.render import page
from anagen.web.guard import cookie_of
from anagen.web.problems import RefusedError, refusal_of
from anagen.web.routes import RecordedRoute

_ROW = re.compile(r"\[(\d+)\]")
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class PageRoute(RecordedRoute):
    """A route that answers with a page."""

    async def prepare(self, request: Request) -> None:
        """Take the token against forgery out of a form, where a header cannot be sent."""
        if cookie_of(request) is None:
            return
        if request.method == "POST" and request.headers.get("content-type", "").startswith(
            _FORM_TYPES
        ):
            form = await request.form()
            request.state.csrf = str(form.get("csrf", ""))

    def refuse(self, request: Request, refusal: RefusedError) -> Response:
        """Answer a refusal with a page, or lead to the sign-in and back."""
        if refusal.status == 401:
            return RedirectResponse(f"/sign-in?then={quote(_here(request), safe='')}", 303)
        return page(request, "error.html", refusal.status, refusal=refusal)


def _here(request: Request) -> str:
    """Address to come back to; a form that was sent comes back to its page."""
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return request.url.path + query


def safe_address(text: str | None) -> str:
    """Give an address on this server, to go on to after the sign-in; never another server's.

    Examples
    --------
    >>> safe_address("/people/P1?x=1"), safe_address("//evil.example"), safe_address("https://x")
    ('/people/P1?x=1', '/', '/')
    """
    plain = (text or "").replace("\\", "/")
    bad = not plain.startswith("/") or plain.startswith("//") or any(ord(c) < 32 for c in plain)
    return "/" if bad else plain


def problems_by_field(error: Exception) -> Mapping[str, Any]:
    """Give what is wrong by field, to be shown beside it; the rest under an empty name."""
    refusal = refusal_of(error)
    found: dict[str, Any] = {}
    for problem in refusal.errors:
        # Rows of a list are named as the fields of a form are.
        found.setdefault(_ROW.sub(r".\1", problem.place), problem)
    if not found:
        found[""] = refusal.detail
    return found
