"""People: enrolling, listing, and everything about one of them on one page."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from anagen.clinic.documents import KINDS, PERSON_KINDS, Identity, Person
from anagen.clinic.entries import page
from anagen.clinic.people import Kept, documents_of, enrol, patient_of
from anagen.clinic.repeats import created_once, key_of
from anagen.clinic.store import reading
from anagen.errors import StaleError
from anagen.patient.files import patient_json
from anagen.patient.quantities import Identifier
from anagen.patient.record import Patient
from anagen.web.api.shapes import (
    Body,
    Cursor,
    IdempotencyKey,
    Limit,
    Listed,
    Number,
    Versioned,
    checked_key,
    json_answer,
    kept_answer,
    read_cursor,
    refusals,
    versioned,
    versioned_text,
    write_cursor,
)
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import RefusedError
from anagen.web.routes import RecordedRoute

router = APIRouter(route_class=RecordedRoute, tags=["people"])

_READ = [Depends(Allowed("record:read"))]
_WRITE = [Depends(Allowed("record:write"))]


class Enrolment(Body):
    """A new person."""

    number: Identifier | None = Field(None, description="pseudonymous number; drawn when missing")
    person: Person = Field(default_factory=Person)
    identity: Identity | None = Field(None, description="name and birth date, kept encrypted")


@router.post(
    "/people",
    status_code=201,
    dependencies=_WRITE,
    response_model=Versioned[Person],
    responses=refusals(409),
)
def enrol_person(
    request: Request, body: Enrolment, actor: CurrentActor, key: IdempotencyKey = None
) -> Response:
    """Take a new person into the record."""
    store = request.app.state.store
    drawn = checked_key(key)
    number = body.number or (key_of(store, actor, drawn, "people")[:12].upper() if drawn else None)

    def write() -> Kept:
        return enrol(store, actor, body.person, body.identity, number=number)[0]

    try:
        kept = (
            created_once(store, actor, "person", number, body.person, write)
            if drawn and number
            else write()
        )
    except StaleError as error:
        raise RefusedError(409, f"{error}.") from error
    request.state.persons = (kept.entry.id,)
    return kept_answer(kept, 201, f"/api/v1/people/{kept.entry.id}")


@router.get(
    "/people",
    dependencies=_READ,
    response_model=Listed[Versioned[Person]],
    responses=refusals(),
)
def list_people(request: Request, cursor: Cursor = None, limit: Limit = 50) -> Response:
    """List everybody, by number."""
    store = request.app.state.store
    after = read_cursor(cursor)
    with reading(store) as connection:
        part = page(
            store, connection, "person", after=None if after is None else (after[0], after[1]),
            limit=limit,
        )  # fmt: skip
    request.state.persons = tuple(entry.id for entry in part.items)
    items = [versioned(entry) for entry in part.items]
    return json_answer({"items": items, "next": write_cursor(part.next)})


@router.get(
    "/people/{number}/record",
    dependencies=_READ,
    response_model=dict[str, list[Versioned[dict[str, Any]]]],
    responses=refusals(404),
)
def read_record(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Everything that stands about a person, by kind: what a page about them needs."""
    entries = documents_of(request.app.state.store, actor, number)
    data: dict[str, list[str]] = {KINDS[name].path: [] for name in PERSON_KINDS}
    for entry in entries:
        data[KINDS[entry.kind].path].append(versioned_text(entry))
    rows = (f'"{path}":[{",".join(texts)}]' for path, texts in data.items())
    return Response(f"{{{','.join(rows)}}}", media_type="application/json")


@router.get(
    "/people/{number}/patient",
    dependencies=_READ,
    response_model=Patient,
    responses=refusals(404),
)
def read_patient(
    request: Request,
    number: Number,
    on: Annotated[date | None, Query(description="the day; today when missing")] = None,
) -> Response:
    """Give the patient that the models read, as in a patient file."""
    patient = patient_of(request.app.state.store, number, on)
    return Response(patient_json(patient), media_type="application/json")
