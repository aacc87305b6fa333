"""Documents about a person: for every kind the same routes, made from the table of kinds."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from anagen.clinic.documents import KINDS, PERSON_KINDS, Kind
from anagen.clinic.entries import head, new_id, page, person_exists, versions
from anagen.clinic.people import Kept, keep, retract
from anagen.clinic.permissions import may_write
from anagen.clinic.repeats import changed_once, created_once, key_of
from anagen.clinic.store import reading
from anagen.errors import NotFoundError
from anagen.web.api.shapes import (
    Change,
    Cursor,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Key,
    Limit,
    Listed,
    Number,
    Reason,
    Versioned,
    checked_key,
    entry_answer,
    expected_version,
    json_answer,
    kept_answer,
    read_cursor,
    refusals,
    versioned,
    write_cursor,
)
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.routes import RecordedRoute

# Made by the server, so they are not sent as documents.
MADE_HERE = frozenset(("photograph", "forecast"))

Day = Annotated[date | None, Query()]
Retracted = Annotated[bool, Query(description="whether what was taken back is listed too")]


def make_router() -> APIRouter:
    """Make the routes of all kinds."""
    router = APIRouter(route_class=RecordedRoute, tags=["documents"])
    for name in PERSON_KINDS:
        kind = KINDS[name]
        if kind.one_per_person:
            _add_single(router, kind)
        else:
            _add_many(router, kind)
    return router


def _address(kind: Kind) -> str:
    if kind.name == "person":
        return "/people/{number}"
    suffix = "" if kind.one_per_person else "/{key}"
    return f"/people/{{number}}/{kind.path}{suffix}"


def _typed(function: Callable[..., Any], **annotations: Any) -> Callable[..., Any]:
    """Give a function the types of one kind, from which FastAPI makes validation and schema."""
    function.__annotations__.update(annotations)
    return function


def _add_single(router: APIRouter, kind: Kind) -> None:
    """Add the routes of a kind of which a person has one."""

    def read(request: Request, number: Number, if_none_match: IfNoneMatch = None) -> Response:
        store = request.app.state.store
        with reading(store) as connection:
            _find_person(connection, number)
            return entry_answer(head(store, connection, kind.name, number, number), if_none_match)

    def write(
        request: Request, number: Number, body: Any, actor: CurrentActor,
        if_match: IfMatch = None, if_none_match: IfNoneMatch = None,
    ) -> Response:  # fmt: skip
        expected = 0 if if_none_match == "*" else expected_version(if_match)
        return _changed(request, actor, kind, number, number, body, expected)

    _add_read(router, kind, read)
    _add_change(router, kind, write)
    _add_versions(router, kind)


def _add_many(router: APIRouter, kind: Kind) -> None:
    """Add the routes of a kind of which a person has many."""

    def read(
        request: Request, number: Number, key: Key, if_none_match: IfNoneMatch = None
    ) -> Response:
        store = request.app.state.store
        with reading(store) as connection:
            return entry_answer(head(store, connection, kind.name, key, number), if_none_match)

    def write(
        request: Request, number: Number, key: Key, body: Any, actor: CurrentActor,
        if_match: IfMatch = None,
    ) -> Response:  # fmt: skip
        return _changed(request, actor, kind, number, key, body, expected_version(if_match))

    def take_back(
        request: Request, number: Number, key: Key, body: Reason, actor: CurrentActor,
        if_match: IfMatch = None,
    ) -> Response:  # fmt: skip
        entry = retract(
            request.app.state.store, actor, number, kind.name, key,
            expected=expected_version(if_match), reason=body.reason,
        )  # fmt: skip
        return kept_answer(Kept(entry), 200)

    _add_list(router, kind)
    if kind.name not in MADE_HERE:
        _add_create(router, kind)
    _add_read(router, kind, read)
    if kind.name != "forecast":
        _add_change(router, kind, write)
    router.add_api_route(
        f"{_address(kind)}/retract", take_back, methods=["POST"],
        operation_id=f"retract_{kind.name}", summary=f"Take back one of {kind.path}",
        dependencies=_may_write(kind), response_model=_model(kind),
        responses=refusals(404, 412, 428),
    )  # fmt: skip
    _add_versions(router, kind)


def _changed(
    request: Request, actor: Any, kind: Kind, number: str, key: str, body: Any, expected: int
) -> Response:
    store = request.app.state.store
    document: BaseModel = body.document

    def write() -> Kept:
        return keep(
            store, actor, number, kind.name, document, key=key, expected=expected,
            reason=body.reason,
        )  # fmt: skip

    kept = changed_once(store, actor, kind.name, key, document, expected, body.reason, write)
    return kept_answer(kept, 200)


def _add_list(router: APIRouter, kind: Kind) -> None:
    def list_all(
        request: Request, number: Number, cursor: Cursor = None, limit: Limit = 50,
        first_day: Day = None, last_day: Day = None, retracted: Retracted = False,
    ) -> Response:  # fmt: skip
        store = request.app.state.store
        after = read_cursor(cursor)
        with reading(store) as connection:
            _find_person(connection, number)
            part = page(
                store, connection, kind.name, person=number,
                after=None if after is None else (after[0], after[1]), limit=limit,
                first_day=first_day.isoformat() if first_day else None,
                last_day=last_day.isoformat() if last_day else None, retracted=retracted,
            )  # fmt: skip
        items = [versioned(entry) for entry in part.items]
        return json_answer({"items": items, "next": write_cursor(part.next)})

    router.add_api_route(
        f"/people/{{number}}/{kind.path}", list_all, methods=["GET"],
        operation_id=f"list_{kind.name}", summary=f"List {kind.path}, by day",
        dependencies=[Depends(Allowed("record:read"))],
        response_model=Listed[_model(kind)], responses=refusals(404),
    )  # fmt: skip


def _add_create(router: APIRouter, kind: Kind) -> None:
    def create(
        request: Request, number: Number, body: Any, actor: CurrentActor,
        idempotency: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        store = request.app.state.store
        drawn = checked_key(idempotency)
        key = key_of(store, actor, drawn, f"{number}/{kind.path}") if drawn else new_id()

        def write() -> Kept:
            return keep(store, actor, number, kind.name, body, key=key)

        kept = created_once(store, actor, kind.name, key, body, write) if drawn else write()
        return kept_answer(kept, 201, f"/api/v1/people/{number}/{kind.path}/{key}")

    links = {
        name: {
            "operationId": f"{verb}_{kind.name}",
            "parameters": {"number": "$request.path.number", "key": "$response.body#/id"},
        }
        for name, verb in (("read", "read"), ("change", "change"), ("retract", "retract"),
                           ("versions", "versions_of"))
    }  # fmt: skip
    router.add_api_route(
        f"/people/{{number}}/{kind.path}", _typed(create, body=kind.model), methods=["POST"],
        status_code=201, operation_id=f"create_{kind.name}", summary=f"Add to {kind.path}",
        dependencies=_may_write(kind), response_model=_model(kind),
        responses={**refusals(404, 412), 201: {"description": "Kept", "links": links}},
    )  # fmt: skip


def _add_read(router: APIRouter, kind: Kind, function: Callable[..., Any]) -> None:
    router.add_api_route(
        _address(kind), function, methods=["GET"], operation_id=f"read_{kind.name}",
        summary=f"Read the {kind.name.replace('_', ' ')} that stands",
        dependencies=[Depends(Allowed("record:read"))], response_model=_model(kind),
        responses={**refusals(404), 304: {"description": "Still the same version"}},
    )  # fmt: skip


def _add_change(router: APIRouter, kind: Kind, function: Callable[..., Any]) -> None:
    router.add_api_route(
        _address(kind), _typed(function, body=Change[kind.model]), methods=["PUT"],  # type: ignore[name-defined]
        operation_id=f"change_{kind.name}",
        summary=f"Write a new version of the {kind.name.replace('_', ' ')}",
        dependencies=_may_write(kind), response_model=_model(kind),
        responses=refusals(400, 404, 412, 428),
    )  # fmt: skip


def _add_versions(router: APIRouter, kind: Kind) -> None:
    single = kind.one_per_person

    def of_one(request: Request, number: Number) -> Response:
        return _versions(request, kind, number, number)

    def of_many(request: Request, number: Number, key: Key) -> Response:
        return _versions(request, kind, number, key)

    router.add_api_route(
        f"{_address(kind)}/versions", of_one if single else of_many, methods=["GET"],
        operation_id=f"versions_of_{kind.name}", summary="Read all versions, the first one first",
        dependencies=[Depends(Allowed("record:read"))], response_model=list[_model(kind)],
        responses=refusals(404),
    )  # fmt: skip


def _versions(request: Request, kind: Kind, number: str, key: str) -> Response:
    store = request.app.state.store
    with reading(store) as connection:
        found = versions(store, connection, kind.name, key, number)
    return json_answer([versioned(entry) for entry in found])


def _may_write(kind: Kind) -> list[Any]:
    return [Depends(Allowed(may_write(kind.name)))]


def _model(kind: Kind) -> Any:
    return Versioned[kind.model]  # type: ignore[name-defined]


def _find_person(connection: Any, number: str) -> None:
    if not person_exists(connection, number):
        raise NotFoundError(f"person {number}: the record holds nobody of this number")
