"""What is made of the record: the day, search, steroid ledger, patches over time, research."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import TypeAdapter

from anagen.clinic.deidentify import agrees, deidentified
from anagen.clinic.entries import of_person, page
from anagen.clinic.keys import decrypt, encrypt
from anagen.clinic.ledger import Ledger, ledger
from anagen.clinic.patches import PatchLine, patch_history
from anagen.clinic.people import documents_of
from anagen.clinic.search import Found
from anagen.clinic.settings import setting
from anagen.clinic.store import Store, reading
from anagen.clinic.today import DayList, day_list
from anagen.errors import InputError, Problem, StoreError
from anagen.patient import Patient
from anagen.web.api.shapes import Cursor, Limit, Listed, Number, json_answer, refusals
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.routes import RecordedRoute

router = APIRouter(route_class=RecordedRoute, tags=["overview"])

_READ = [Depends(Allowed("record:read"))]
_RESEARCH_PAGE = 20

OnDay = Annotated[date | None, Query(description="the day; today when missing")]

_DAY: TypeAdapter[Any] = TypeAdapter(DayList)
_FOUND: TypeAdapter[Any] = TypeAdapter(tuple[Found, ...])
_LEDGER: TypeAdapter[Any] = TypeAdapter(Ledger)
_PATCHES: TypeAdapter[Any] = TypeAdapter(tuple[PatchLine, ...])


@router.get("/today", operation_id="read_today", dependencies=_READ, response_model=DayList,
            responses=refusals())  # fmt: skip
def read_today(request: Request, actor: CurrentActor, on: OnDay = None) -> Response:
    """Tell who comes, who is overdue, who reached a gate, whose harm is open."""
    found = day_list(request.app.state.store, actor, on or date.today())
    lists: Sequence[Sequence[Any]] = (found.coming, found.overdue, found.gates, found.events)
    request.state.persons = tuple({one.number for rows in lists for one in rows})
    return json_answer(_DAY.dump_python(found, mode="json"))


@router.get("/search", operation_id="search_people", dependencies=_READ,
            response_model=tuple[Found, ...], responses=refusals())  # fmt: skip
def search_people(
    request: Request, actor: CurrentActor,
    text: Annotated[str, Query(max_length=200, description="of a number, or parts of a name")],
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response:  # fmt: skip
    """Find people by number or name, as it is typed."""
    state = request.app.state
    found = state.names.search(state.store, actor, text, limit)
    request.state.persons = tuple(one.number for one in found)
    return json_answer(_FOUND.dump_python(found, mode="json"))


@router.get("/people/{number}/ledger", operation_id="read_ledger", dependencies=_READ,
            response_model=Ledger, responses=refusals(404))  # fmt: skip
def read_ledger(
    request: Request, number: Number, actor: CurrentActor, on: OnDay = None,
    days: Annotated[
        int | None, Query(ge=1, le=36_525, description="how far back; all of it when missing")
    ] = None,
) -> Response:  # fmt: skip
    """Tell how much steroid was given, by product, route and patch, and what the rules say."""
    store = request.app.state.store
    profile = setting(store, "rules_profile").value
    found = ledger(store, actor, number, on=on or date.today(), days=days, profile=profile)
    return json_answer(_LEDGER.dump_python(found, mode="json"))


@router.get("/people/{number}/patches", operation_id="read_patches", dependencies=_READ,
            response_model=tuple[PatchLine, ...], responses=refusals(404))  # fmt: skip
def read_patches(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Tell what became of every patch: new, split, merged, gone, returned."""
    visits = documents_of(request.app.state.store, actor, number, ("visit",))
    return json_answer(_PATCHES.dump_python(patch_history(visits), mode="json"))


@router.get("/research/people", operation_id="list_research",
            dependencies=[Depends(Allowed("research:read"))], response_model=Listed[Patient],
            responses=refusals())  # fmt: skip
def list_research(request: Request, cursor: Cursor = None, limit: Limit = 20) -> Response:
    """List de-identified patients who agreed to research: dates shifted, no text, no number."""
    store = request.app.state.store
    after = _read_sealed(store, cursor)
    with reading(store) as connection:
        part = page(
            store, connection, "person", after=None if after is None else ("", after),
            limit=min(limit, _RESEARCH_PAGE),
        )  # fmt: skip
        willing = [
            entry.id for entry in part.items
            if agrees(of_person(store, connection, entry.id, ("consent",)))
        ]  # fmt: skip
    items = [
        deidentified(store, number).model_dump(mode="json", exclude_none=True) for number in willing
    ]
    sealed = encrypt(store.keys, "cursor", "research", part.next[1]) if part.next else None
    return json_answer({"items": items, "next": sealed})


def _read_sealed(store: Store, cursor: str | None) -> str | None:
    """Read a cursor that does not give the number away."""
    if cursor is None:
        return None
    try:
        return decrypt(store.keys, "cursor", "research", cursor)
    except StoreError:
        raise InputError(
            Problem("query: cursor", "the 'next' of an earlier page", "something else",
                    "Begin without a cursor.")
        ) from None  # fmt: skip
