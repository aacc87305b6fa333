"""Small forms about a person: each one kind of document, kept as a new version with a reason."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from anagen.clinic.documents import KINDS, PERSON_KINDS, Identity, Person
from anagen.clinic.entries import Entry, head, new_id, of_person, person_exists, versions
from anagen.clinic.people import keep, retract
from anagen.clinic.permissions import Actor, may_write, require
from anagen.clinic.pictures import PictureNote, add_photograph
from anagen.clinic.store import reading
from anagen.clinic.tables import entries as entry_table
from anagen.errors import AnagenError, InputError, NotFoundError, Problem, StaleError
from anagen.patient.issues import issues_of
from anagen.web.api.shapes import Number
from anagen.web.console.forms import document_from, tree, typed, uploaded
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.people_pages import _rows as rows_of_words
from anagen.web.console.render import page
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_READ = [Depends(Allowed("record:read"))]
_WRITE = [Depends(Allowed("record:write"))]
_HISTORY_ROWS = 200

Key = Annotated[str, Path(pattern=r"^[0-9a-z]{8,40}$")]
KindQuery = Annotated[str | None, Query(max_length=40)]
IdQuery = Annotated[str | None, Query(max_length=64)]
SeqQuery = Annotated[int | None, Query(ge=1, description="entries before this one")]


@dataclass(frozen=True)
class Form:
    """A page with what stands of one kind, and the form that adds to it.

    Parameters
    ----------
    part : last part of its address; kind : of document; template : that shows it.
    """

    part: str
    kind: str
    template: str


FORMS = (
    Form("consents", "consent", "patient_consents.html"),
    Form("events", "adverse_event", "patient_events.html"),
    Form("steroids", "other_steroid", "patient_steroids.html"),
    Form("notes", "note", "patient_notes.html"),
    Form("appointments", "appointment", "patient_appointments.html"),
)


def _add_form(form: Form) -> None:
    """Add the page of a kind of which a person has many: list, add, change."""

    def show(request: Request, number: Number, edit: IdQuery = None) -> Response:
        fields: Mapping[str, str] = {}
        if edit is not None:
            with reading(request.app.state.store) as connection:
                entry = head(request.app.state.store, connection, form.kind, edit, number)
            fields = {"id": entry.id, "version": str(entry.version), **fields_of(entry.document)}
        return _form_page(request, form.template, form.kind, number, fields, {})

    async def save(request: Request, number: Number, actor: CurrentActor) -> Response:
        fields = await typed(request)
        try:
            await run_in_threadpool(_save, request, actor, number, form.kind, fields)
        except (AnagenError, InputError) as error:
            return await run_in_threadpool(
                _refused, request, error, form.template, form.kind, number, fields
            )
        return RedirectResponse(f"/people/{number}/{form.part}?saved=true", 303)

    def show_saved(
        request: Request, number: Number, edit: IdQuery = None, saved: bool = False
    ) -> Response:
        request.state.saved = saved
        return show(request, number, edit)

    address = f"/people/{{number}}/{form.part}"
    router.add_api_route(address, show_saved, methods=["GET"], dependencies=_READ)
    router.add_api_route(address, save, methods=["POST"], dependencies=_WRITE)


for _form in FORMS:
    _add_form(_form)


@router.get("/people/{number}/background", dependencies=_WRITE)
def show_background(request: Request, number: Number) -> Response:
    """Show the background of a person, to be changed."""
    entry = _head(request, "person", number)
    fields = {"version": str(entry.version), **person_fields(entry.document)}
    return page(request, "person_form.html", number=number, fields=fields, errors={})


@router.post("/people/{number}/background", dependencies=_WRITE)
async def save_background(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep a new version of the background; what the form does not show stays as it is."""
    fields = await typed(request)
    try:
        await run_in_threadpool(_save_person, request, actor, number, fields)
    except (AnagenError, InputError) as error:
        shown = _stale(request, error, "person", number, fields)
        return page(
            request, "person_form.html", refusal_of(error).status, number=number, fields=shown,
            errors=problems_by_field(error),
        )  # fmt: skip
    return RedirectResponse(f"/people/{number}", 303)


@router.get("/people/{number}/identity", dependencies=_WRITE)
def show_identity(request: Request, number: Number) -> Response:
    """Show name and date of birth, to be changed."""
    _head(request, "person", number)
    try:
        entry = _head(request, "identity", number)
        fields = {"version": str(entry.version), **fields_of(entry.document)}
    except NotFoundError:
        fields = {"version": "0"}
    return page(request, "patient_identity.html", number=number, fields=fields, errors={})


@router.post("/people/{number}/identity", dependencies=_WRITE)
async def save_identity(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep name and date of birth."""
    fields = await typed(request)
    try:
        document = document_from(Identity, tree(_without(fields)))
        await run_in_threadpool(
            keep, request.app.state.store, actor, number, "identity", document,
            expected=_version(fields), reason=fields.get("reason", ""),
        )  # fmt: skip
    except (AnagenError, InputError) as error:
        shown = _stale(request, error, "identity", number, fields)
        return page(
            request, "patient_identity.html", refusal_of(error).status, number=number,
            fields=shown, errors=problems_by_field(error),
        )  # fmt: skip
    return RedirectResponse(f"/people/{number}", 303)


@router.get("/people/{number}/photographs", dependencies=_READ)
def show_photographs(request: Request, number: Number, saved: bool = False) -> Response:
    """Show all photographs, and the form that adds one."""
    request.state.saved = saved
    return _form_page(request, "patient_photographs.html", "photograph", number, {}, {})


@router.post("/people/{number}/photographs", dependencies=_WRITE)
async def add_picture(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep a photograph that was sent."""
    fields = await typed(request)
    try:
        raw = await uploaded(request, "file")
        await run_in_threadpool(_add_picture, request, actor, number, fields, raw)
    except (AnagenError, InputError) as error:
        return await run_in_threadpool(
            _refused, request, error, "patient_photographs.html", "photograph", number, fields
        )
    finally:
        await request.close()  # the file that was sent
    return RedirectResponse(f"/people/{number}/photographs?saved=true", 303)


@router.get("/people/{number}/history", dependencies=_READ)
def show_history(
    request: Request, number: Number, kind: KindQuery = None,
    id: IdQuery = None,  # noqa: A002 - name in the address
    before: SeqQuery = None,
) -> Response:  # fmt: skip
    """Show every version of everything about a person, or of one document, newest first."""
    store = request.app.state.store
    if kind is not None and kind not in PERSON_KINDS:
        raise NotFoundError(f"kind {kind[:40]!r}: the record has no such documents")
    table = entry_table
    columns = [column for column in table.c if column.name not in ("body", "body_digest", "digest")]
    query = select(*columns).where(table.c.person == number).order_by(table.c.seq.desc())
    query = query if kind is None else query.where(table.c.kind == kind)
    query = query if id is None else query.where(table.c.id == id)
    query = query if before is None else query.where(table.c.seq < before)
    with reading(store) as connection:
        _require_person(connection, number)
        rows = connection.execute(query.limit(_HISTORY_ROWS + 1)).all()
        shown: tuple[Entry, ...] = ()
        standing = 0
        if kind is not None and id is not None:
            shown = versions(store, connection, kind, id, number)
            standing = shown[-1].version
    texts = {
        one.version: json.dumps(json.loads(one.text), ensure_ascii=False, indent=1)
        for one in shown if one.text is not None
    }  # fmt: skip
    return page(
        request, "patient_history.html", number=number, rows=rows[:_HISTORY_ROWS], kinds=KINDS,
        kind=kind, key=id, documents=texts, standing=standing, errors={}, reason="",
        retracted=bool(shown and shown[-1].retracted),
        following=rows[_HISTORY_ROWS - 1].seq if len(rows) > _HISTORY_ROWS else None,
    )  # fmt: skip


@router.post("/people/{number}/history/{kind}/{key}/retract", dependencies=_WRITE)
async def take_back(
    request: Request, number: Number, kind: str, key: Key, actor: CurrentActor
) -> Response:
    """Take a document back as entered in error; its versions stay to be read."""
    fields = await typed(request)
    if kind not in PERSON_KINDS:
        raise NotFoundError(f"kind {kind[:40]!r}: the record has no such documents")
    reason = fields.get("reason", "").strip()
    if not reason:
        raise InputError(
            Problem("reason", "why it is taken back, in words", "nothing", "Say why, then again.")
        )
    await run_in_threadpool(
        lambda: retract(request.app.state.store, actor, number, kind, key,
                        expected=_version(fields), reason=reason)
    )  # fmt: skip
    return RedirectResponse(f"/people/{number}/history?kind={kind}&id={key}", 303)


def fields_of(document: BaseModel) -> dict[str, str]:
    """Give a small document as the fields of a form: numbers under ``name:number``."""
    found: dict[str, str] = {}
    for name, value in document.model_dump(mode="json", exclude_none=True).items():
        if isinstance(value, bool):
            found[f"{name}:flag"] = "yes" if value else "no"
        elif isinstance(value, int | float):
            found[f"{name}:number"] = f"{value:g}"
        elif isinstance(value, str):
            found[name] = value
    return found


def person_fields(person: Person) -> dict[str, str]:
    """Give the background as the fields of its form; words of lists with commas between them."""
    found = {f"person.{name}": value for name, value in fields_of(person).items()}
    if person.ancestry == "unknown":
        found.pop("person.ancestry", None)
    found |= {f"person.history.{name}": value for name, value in fields_of(person.history).items()}
    for name, field in _WORDS.items():
        rows = getattr(person, name)
        if rows is not None:
            found[f"person.{name}:words"] = ", ".join(getattr(one, field) for one in rows) or "none"
    return found


_WORDS = {"conditions": "name", "medicines": "name", "allergies": "substance"}


def _save_person(request: Request, actor: Actor, number: str, fields: Mapping[str, str]) -> None:
    """Change what the form shows of the background, and nothing else."""
    standing: Person = _head(request, "person", number).document
    typed_in = rows_of_words(tree(fields).get("person", {}))
    data = standing.model_dump(mode="json", exclude_none=True)
    shown = {name.partition(":")[0].split(".", 1)[1] for name in fields
             if name.startswith("person.")}  # fmt: skip
    for name in shown:
        root, _, inner = name.partition(".")
        if inner:
            data.setdefault(root, {}).pop(inner, None)
        else:
            data.pop(name, None)
    _keep_details(standing, typed_in)
    history = {**data.get("history", {}), **typed_in.pop("history", {})}
    try:
        document = document_from(Person, {**data, **typed_in, "history": history})
    except InputError as error:
        raise InputError([replace(p, place=f"person.{p.place}") for p in error.problems]) from None
    try:
        keep(
            request.app.state.store, actor, number, "person", document,
            expected=_version(fields), reason=fields.get("reason", ""),
        )  # fmt: skip
    except InputError as error:
        raise InputError(
            [p if p.place == "reason" else replace(p, place=f"person.{p.place}")
             for p in error.problems]
        ) from None  # fmt: skip


def _keep_details(standing: Person, typed_in: dict[str, Any]) -> None:
    """Keep dose, days and the like of diseases, medicines and allergies that are still named."""
    for name, field in _WORDS.items():
        known = {getattr(one, field).casefold(): one for one in getattr(standing, name) or ()}
        rows = typed_in.get(name)
        if isinstance(rows, list):
            typed_in[name] = [
                known[row[field].casefold()].model_dump(mode="json", exclude_none=True)
                if isinstance(row, dict) and str(row.get(field, "")).casefold() in known else row
                for row in rows
            ]  # fmt: skip


def _save(
    request: Request, actor: Actor, number: str, kind: str, fields: Mapping[str, str]
) -> None:
    """Keep a document as typed; a changed one keeps the fields that its form does not show."""
    store = request.app.state.store
    data = tree(_without(fields))
    key = fields.get("id", "").strip()
    model: Any = KINDS[kind].model
    if not key:
        keep(store, actor, number, kind, document_from(model, data), key=new_id())
        return
    require(actor, may_write(kind))
    with reading(store) as connection:
        standing = head(store, connection, kind, key, number).document
    before = standing.model_dump(mode="json", exclude_none=True)
    shown = {name.partition(":")[0] for name in _without(fields)}
    before = {name: value for name, value in before.items() if name not in shown}
    document = document_from(model, {**before, **data})
    keep(store, actor, number, kind, document, key=key, expected=_version(fields),
         reason=fields.get("reason", ""))  # fmt: skip


def _add_picture(
    request: Request, actor: Actor, number: str, fields: Mapping[str, str], raw: bytes | None
) -> None:
    problems = []
    if not raw:
        problems.append(
            Problem("file", "a photograph (JPEG, PNG or WebP)", "none", "Choose a file.")
        )
    about = {name: value for name, value in tree(_without(fields)).items() if name != "file"}
    try:
        note = _PictureFields.model_validate_json(json.dumps(about))
    except ValidationError as error:
        issues = issues_of(error.errors(include_url=False), about,
                           _PictureFields.model_json_schema())  # fmt: skip
        problems += [issue.problem() for issue in issues]
        raise InputError(problems) from None
    if problems or raw is None:
        raise InputError(problems)
    about_it = PictureNote(note.taken_on, note.view, note.patch, None, note.note)
    add_photograph(request.app.state.store, actor, number, raw, about_it, key=new_id())


class _PictureFields(BaseModel, extra="forbid", frozen=True):
    """What is said about a photograph in its form."""

    taken_on: datetime.date
    view: str = "other"
    patch: str | None = None
    note: str = ""


def _form_page(
    request: Request, template: str, kind: str, number: str, fields: Mapping[str, str],
    errors: Mapping[str, Any], status: int = 200,
) -> Response:  # fmt: skip
    store = request.app.state.store
    with reading(store) as connection:
        _require_person(connection, number)
        found = of_person(store, connection, number, [kind, "visit"])
    actor = request.state.actor
    patches = dict.fromkeys(
        patch.id for one in found if one.kind == "visit" for patch in one.document.seen.patches
    )
    return page(
        request, template, status, number=number, kind=kind, fields=fields, errors=errors,
        entries=tuple(one for one in reversed(found) if one.kind == kind),
        patches=[(name, name) for name in patches],
        today=datetime.date.today().isoformat(), saved=getattr(request.state, "saved", False),
        may_write=may_write(kind) in actor.permissions,
    )  # fmt: skip


def _refused(
    request: Request, error: Exception, template: str, kind: str, number: str,
    fields: Mapping[str, str],
) -> Response:  # fmt: skip
    shown = dict(fields)
    key = shown.get("id", "")
    if isinstance(error, StaleError) and key:
        shown = dict(_stale(request, error, kind, key, shown, number))
    return _form_page(request, template, kind, number, shown, problems_by_field(error),
                      refusal_of(error).status)  # fmt: skip


def _stale(
    request: Request, error: Exception, kind: str, key: str, fields: Mapping[str, str],
    number: str | None = None,
) -> Mapping[str, str]:  # fmt: skip
    """After somebody else's change, base the next try on the version that stands now."""
    if not isinstance(error, StaleError):
        return fields
    entry = _head(request, kind, key, number)
    return {**fields, "version": str(entry.version)}


def _head(request: Request, kind: str, key: str, number: str | None = None) -> Entry:
    store = request.app.state.store
    with reading(store) as connection:
        return head(store, connection, kind, key, number or key)


def _require_person(connection: Any, number: str) -> None:
    if not person_exists(connection, number):
        raise NotFoundError(f"person {number}: the record holds nobody of this number")


def _version(fields: Mapping[str, str]) -> int:
    """Version that the form was filled in on.

    Raises
    ------
    InputError
        When the form does not say.
    """
    text = fields.get("version", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InputError(
            Problem("version", "the version that the page was made from", "something else",
                    "Load the page again.")
        )  # fmt: skip
    return int(text)


def _without(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "id"}
