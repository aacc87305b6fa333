"""Documents to be printed: chosen on one page, set by a job, opened in a tab of their own."""

from datetime import date
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic import jobs as room
from anagen.clinic.people import documents_of, patient_from
from anagen.clinic.permissions import Actor
from anagen.clinic.settings import setting
from anagen.errors import BusyError, InputError, NotFoundError, Problem
from anagen.web.api.job_models import DocumentRequested, DocumentResult
from anagen.web.api.shapes import Key, Number
from anagen.web.console.forms import document_from, typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.print_view import print_view
from anagen.web.console.render import page, texts_for
from anagen.web.console.texts import LANGUAGES
from anagen.web.console.waiting import is_fragment, same_job, waited
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.printing import document_answer
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DOCUMENTS: tuple[str, ...] = get_args(DocumentRequested.model_fields["document"].annotation)
FORMATS: tuple[str, ...] = get_args(DocumentRequested.model_fields["format"].annotation)
_READ = [Depends(Allowed("record:read"))]
# It reads the record and computes; those who treat may do both.
_TREAT = [Depends(Allowed("record:write"))]

PlanQuery = Annotated[str | None, Query(pattern=r"^[0-9a-z]{8,40}$")]
SessionQuery = Annotated[int | None, Query(ge=1, le=60)]


@router.get("/people/{number}/documents", dependencies=_READ)
def show_documents(
    request: Request, number: Number, actor: CurrentActor, plan: PlanQuery = None,
    session: SessionQuery = None,
) -> Response:  # fmt: skip
    """Show what can be printed for a person; a session may be chosen by the address."""
    fields = {"named": "yes"}
    if plan is not None and session is not None:
        fields["session"] = f"{plan}.{session}"
    return _page(request, actor, number, fields, {}, 200)


@router.post("/people/{number}/documents", dependencies=_TREAT)
async def make_document(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Ask for a document, unless it was made today from the same record."""
    fields = await typed(request)
    return await run_in_threadpool(_made, request, actor, number, fields)


@router.get("/people/{number}/documents/{key}", dependencies=_TREAT)
def wait_for_document(
    request: Request, number: Number, key: Key, actor: CurrentActor, wait: bool = False
) -> Response:
    """Show how far a document is, why there is none, or lead on to it."""
    found = waited(request, actor, key, long=wait or is_fragment(request))
    _require_of(found.job, number)
    made = found.result if isinstance(found.result, DocumentResult) else None
    if made is not None and not is_fragment(request):
        return RedirectResponse(f"/people/{number}/documents/{key}/file", 303)
    template = "document_job.html" if is_fragment(request) else "document_wait.html"
    return page(request, template, number=number, waited=found, made=made,
                address=f"/people/{number}/documents/{key}")  # fmt: skip


@router.get("/people/{number}/documents/{key}/file", dependencies=_TREAT)
def open_document(request: Request, number: Number, key: Key, actor: CurrentActor) -> Response:
    """Give a document as a file."""
    job = room.job(request.app.state.store, actor, key)
    _require_of(job, number)
    return document_answer(actor, job)


def asked_of(number: str, fields: dict[str, str], profile: str) -> DocumentRequested:
    """Read which document was chosen on the page.

    Parameters
    ----------
    number : of the person.
    fields : of the form as typed; ``make`` holds document and format.
    profile : of the rules, for a review.

    Raises
    ------
    InputError
        When something of it cannot be used.

    Examples
    --------
    >>> asked_of("A-1", {"make": "letter.pdf", "visit": "2026-03-02"}, "anagen-default").on
    datetime.date(2026, 3, 2)
    """
    document, _, form = fields.get("make", "").partition(".")
    if document not in DOCUMENTS or form not in FORMATS:
        raise InputError(
            Problem("make", "one of the documents of this page", repr(fields.get("make", "")[:40]),
                    "Choose one of them.")
        )  # fmt: skip
    data: dict[str, Any] = {"person": number, "document": document, "format": form,
                            "named": fields.get("named") == "yes"}  # fmt: skip
    data |= {name: fields[name] for name in ("paper", "language") if fields.get(name)}
    if document == "injections":
        data["plan_id"], _, session = fields.get("session", "").partition(".")
        data["session"] = int(session) if session.isdecimal() and len(session) < 4 else session
    elif document == "letter":
        data["on"] = fields.get("visit")
    elif document == "review":
        data |= {"on": fields.get("as_of"), "profile": profile}
    else:
        data["plan_id"] = fields.get(f"{document}_plan")
    return document_from(
        DocumentRequested, {name: value for name, value in data.items() if value not in ("", None)}
    )


def _made(request: Request, actor: Actor, number: str, fields: dict[str, str]) -> Response:
    profile = setting(request.app.state.store, "rules_profile").value
    try:
        job = same_job(request, actor, asked_of(number, fields, profile))
    except (InputError, BusyError) as error:
        return _page(request, actor, number, fields, _by_field(error), refusal_of(error).status)
    return RedirectResponse(f"/people/{number}/documents/{job.id}", 303)


def _page(
    request: Request, actor: Actor, number: str, fields: dict[str, str], errors: dict[str, Any],
    status: int,
) -> Response:  # fmt: skip
    state = request.app.state
    entries = documents_of(state.store, actor, number)
    documents = [(one.kind, one.document) for one in entries if one.text is not None]
    view = print_view(entries, patient_from(number, documents, date.today()))
    names = state.names.named(state.store, actor, {number})
    name = names[number].name if number in names else None
    chosen = {
        "paper": setting(state.store, "paper").value, "language": texts_for(request).language,
        "session": view.next_session, **fields,
    }  # fmt: skip
    return page(
        request, "documents.html", status, number=number, name=name or number, view=view,
        fields=chosen, errors=errors, tongues=LANGUAGES,
        may_print="record:write" in actor.permissions,
        may_plan="plan:write" in actor.permissions,
    )  # fmt: skip


def _by_field(error: Exception) -> dict[str, Any]:
    """Put what is wrong beside the fields of this page."""
    here = {"plan_id": "session", "on": "visit"}
    return {here.get(place, place): problem for place, problem in problems_by_field(error).items()}


def _require_of(job: room.Job, number: str) -> None:
    if job.person != number or job.kind != "document":
        raise NotFoundError(f"job {job.id}: it is no document of this person")
