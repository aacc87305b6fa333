"""The route class of the API: refuses unknown query fields, and writes the access log.

Every request about a person, and every one that changes something, is in the log before its answer
leaves.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from anagen.clinic.accesses import Access
from anagen.errors import Problem, StoreError
from anagen.web.guard import address_of, admit, guard_of
from anagen.web.problems import RefusedError, answer, refusal_of

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
# A change that was kept must not be called undone because its access could not be noted.
_KEPT_UNTOLD = (
    "What was sent was kept, but the access log could not be written, so its answer was held back. "
    "Free some space on the disk or mend the database, then read it again."
)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class RecordedRoute(APIRoute):
    """A route whose uses are written down."""

    # Whether a POST changes something; one that only computes need not be written down.
    changes = True

    def get_route_handler(self) -> Handler:
        """Wrap the handler of the route."""
        guard = guard_of(self)
        if guard is None:
            raise TypeError(f"{self.path}: expected a guard among its dependencies, found none")
        handle = super().get_route_handler()
        known = frozenset(field.alias for field in self.dependant.query_params)
        path = self.path_format

        async def recorded(request: Request) -> Response:
            request.state.route = path
            try:
                await self.prepare(request)
                # Before the body is read: nobody unknown makes the server parse or keep anything.
                await admit(request, guard)
                _refuse_unknown(request, known)
                response = await handle(request)
            except Exception as error:
                refusal = refusal_of(error)
                if refusal.status == 500:
                    request.app.state.log.exception("fault", route=path, number=_number(request))
                response = self.refuse(request, refusal)
            if not self.changes and not _persons(request):
                return response
            return await _record(request, path, response)

        return recorded

    async def prepare(self, request: Request) -> None:
        """Do what must come before it is known who asks; nothing for the API."""

    def refuse(self, request: Request, refusal: RefusedError) -> Response:
        """Answer a refusal."""
        return answer(request, refusal)


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        expected = f"only {', '.join(sorted(known))}" if known else "no fields"
        raise RefusedError(
            422, "What was sent cannot be used; see errors.",
            [Problem("query", expected, f"{len(unknown)} other", "Leave the others out.")],
        )  # fmt: skip


async def _record(request: Request, path: str, response: Response) -> Response:
    """Write the access down; without that the answer does not leave."""
    persons = _persons(request)
    if not persons and request.method in _SAFE:
        return response
    actor = getattr(request.state, "actor", None)
    if actor is None and not persons:
        return response
    action = f"{request.method} {path}"[:160]
    lines = [
        Access(
            account=actor.account if actor else None,
            token=actor.token if actor else None,
            action=action,
            person=person,
            outcome=response.status_code,
            request=_number(request),
            address=address_of(request),
        )
        for person in (*sorted(persons), *(() if persons else (None,)))
    ]
    try:
        log = request.app.state.accesses
        await asyncio.gather(*(asyncio.wrap_future(log.submit(line)) for line in lines))
    except StoreError as error:
        refusal = refusal_of(error)
        if request.method not in _SAFE and response.status_code < 400:
            refusal = RefusedError(refusal.status, _KEPT_UNTOLD)
        return answer(request, refusal)
    return response


def _persons(request: Request) -> set[str]:
    """Numbers of the people whom a request is about."""
    persons = set(getattr(request.state, "persons", ()))
    number = request.path_params.get("number")
    if isinstance(number, str):
        persons.add(number[:64])
    return persons


def _number(request: Request) -> str:
    return str(getattr(request.state, "number", ""))
