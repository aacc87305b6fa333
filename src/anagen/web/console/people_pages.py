"""Today, the list of people, and taking somebody new into the record."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from anagen.clinic.documents import Identity, Person
from anagen.clinic.entries import page as page_of
from anagen.clinic.people import enrol
from anagen.clinic.search import Found
from anagen.clinic.store import reading
from anagen.clinic.tables import heads
from anagen.clinic.today import day_list
from anagen.errors import AnagenError, InputError, Problem
from anagen.web.api.shapes import read_cursor, write_cursor
from anagen.web.console.forms import document_from, tree, typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.render import page
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_READ = [Depends(Allowed("record:read"))]
_WRITE = [Depends(Allowed("record:write"))]
_PAGE = 50


@router.get("/", dependencies=_READ)
def today(request: Request, actor: CurrentActor, on: date | None = None) -> Response:
    """Show who comes, who is overdue, who reached a gate, whose harm is open."""
    store = request.app.state.store
    day = on or date.today()
    found = day_list(store, actor, day)
    rows: tuple[tuple[Any, ...], ...] = (found.coming, found.overdue, found.gates, found.events)
    numbers = {one.number for part in rows for one in part}
    request.state.persons = tuple(numbers)
    return page(request, "today.html", day=day, found=found, names=_names(request, actor, numbers))


@router.get("/people", dependencies=_READ)
def people(
    request: Request, actor: CurrentActor,
    text: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:  # fmt: skip
    """List people, or those that a search finds; as a fragment while one types."""
    store = request.app.state.store
    following = None
    if text.strip():
        found = request.app.state.names.search(store, actor, text, _PAGE)
    else:
        after = read_cursor(cursor)
        with reading(store) as connection:
            part = page_of(
                store, connection, "person", limit=_PAGE,
                after=None if after is None else (after[0], after[1]),
            )  # fmt: skip
        names = _names(request, actor, {entry.id for entry in part.items})
        found = tuple(names[entry.id] for entry in part.items)
        following = write_cursor(part.next)
    request.state.persons = tuple(one.number for one in found)
    return page(
        request, "people_rows.html" if "X-Fragment" in request.headers else "people.html",
        text=text, found=found, following=following, last=_last_days(request, found),
    )  # fmt: skip


@router.get("/people/new", dependencies=_WRITE)
def new_person(request: Request) -> Response:
    """Show the form for somebody new."""
    return page(request, "person_form.html", fields={}, errors={}, number=None)


@router.post("/people/new", dependencies=_WRITE)
async def add_person(request: Request, actor: CurrentActor) -> Response:
    """Take somebody new into the record."""
    fields = await typed(request)
    try:
        data = tree(fields)
        person, identity = _documents(data)
        kept = await run_in_threadpool(
            enrol, request.app.state.store, actor, person,
            identity if identity != Identity() else None, number=data.get("number"),
        )  # fmt: skip
    except (AnagenError, InputError) as error:
        return page(
            request, "person_form.html", refusal_of(error).status, fields=fields, number=None,
            errors=problems_by_field(error),
        )  # fmt: skip
    number = kept[0].entry.id
    request.state.persons = (number,)
    return RedirectResponse(f"/people/{number}", 303)


def _documents(data: dict[str, Any]) -> tuple[Person, Identity]:
    """Read both documents of the form, and say what is wrong in either."""
    problems: list[Problem] = []
    person, identity = Person(), Identity()
    try:
        person = document_from(Person, _rows(data.get("person", {})), "person")
    except InputError as error:
        problems.extend(error.problems)
    try:
        identity = document_from(Identity, data.get("identity", {}), "identity")
    except InputError as error:
        problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return person, identity


def _rows(person: dict[str, Any]) -> dict[str, Any]:
    """Make rows of the words typed for diseases, medicines, allergies; of "none", no row."""
    for name, field in (("conditions", "name"), ("medicines", "name"), ("allergies", "substance")):
        words = person.get(name)
        if isinstance(words, list):
            none = [word.casefold() for word in words] in (["none"], ["keine"], ["-"])
            person[name] = [] if none else [{field: word} for word in words]
    return person


def _names(request: Request, actor: Any, numbers: set[str]) -> dict[str, Found]:
    """Names of people by number, from the index in memory."""
    state = request.app.state
    found: dict[str, Found] = state.names.named(state.store, actor, numbers)
    return found


def _last_days(request: Request, found: tuple[Found, ...]) -> dict[str, str]:
    """Day of the last visit by number."""
    numbers = [one.number for one in found]
    query = (
        select(heads.c.person, func.max(heads.c.day))
        .where(heads.c.kind == "visit", heads.c.person.in_(numbers), heads.c.retracted.is_(False))
        .group_by(heads.c.person)
    )
    with reading(request.app.state.store) as connection:
        return {str(row[0]): str(row[1]) for row in connection.execute(query)}
