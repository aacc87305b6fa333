"""The page of a person: the whole story on one screen, and the forecast that comes after it."""

from datetime import date
from importlib import import_module
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic.jobs import job as job_of
from anagen.clinic.people import documents_of, keep
from anagen.clinic.permissions import Actor, require
from anagen.clinic.search import Found
from anagen.clinic.settings import setting
from anagen.errors import InputError, Problem
from anagen.web.api.job_models import TASK_RESULT, ForecastResult
from anagen.web.api.job_routes import forecast_document
from anagen.web.api.shapes import Number
from anagen.web.console.charts import gauge
from anagen.web.console.forms import typed
from anagen.web.console.pages import PageRoute
from anagen.web.console.patient_course import CASES
from anagen.web.console.patient_forecast import foreseen, request_for
from anagen.web.console.patient_view import PatientView, make_view
from anagen.web.console.render import page, texts_for
from anagen.web.console.scalp_pictures import hatching
from anagen.web.guard import Allowed, CurrentActor

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_READ = [Depends(Allowed("record:read"))]
_COMPUTE = [Depends(Allowed("compute"))]
# As long as a reader without scripts may be kept waiting, and one turn of a script [s].
_WAIT_SECONDS = 20.0
_FRAGMENT = "X-Fragment"

Week = Annotated[float | None, Query(ge=-5200, le=520, description="of the moment shown")]
CaseShown = Literal["likely", "lucky", "unlucky"]


@router.get("/people/{number}", dependencies=_READ)
def show_person(
    request: Request, number: Number, actor: CurrentActor, week: Week = None,
    case: CaseShown = "likely",
) -> Response:  # fmt: skip
    """Show everything about a person that a visit of ten minutes needs."""
    return _page(request, actor, number, "patient.html", week=week, case=case)


@router.get("/people/{number}/forecast", dependencies=_READ)
def show_forecast(
    request: Request, number: Number, actor: CurrentActor, week: Week = None,
    case: CaseShown = "likely", wait: bool = False,
) -> Response:  # fmt: skip
    """Give the part of the page that the forecast changes; waits for a job under way if asked."""
    if wait and "compute" in actor.permissions:
        _wait(request, actor, number)
    if _FRAGMENT not in request.headers:
        return RedirectResponse(f"/people/{number}#course", 303)
    return _page(request, actor, number, "patient_course.html", week=week, case=case)


@router.post("/people/{number}/forecast", dependencies=_COMPUTE)
async def ask_forecast(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Ask for the forecast, unless it is there or under way; without scripts, wait for it."""
    fragment = _FRAGMENT in request.headers
    await run_in_threadpool(_ask, request, actor, number, wait=not fragment)
    if not fragment:
        return RedirectResponse(f"/people/{number}#course", 303)
    return await run_in_threadpool(_page, request, actor, number, "patient_course.html")


@router.post("/people/{number}/forecast/keep", dependencies=[Depends(Allowed("plan:write"))])
async def keep_forecast(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep the forecast shown in the record, with the versions that made it."""
    fields = await typed(request)
    await run_in_threadpool(_keep, request, actor, number, fields.get("job", ""))
    return RedirectResponse(f"/people/{number}#course", 303)


def view_of(
    request: Request, actor: Actor, number: str, *, week: float | None = None,
    case: Any = "likely",
) -> PatientView:  # fmt: skip
    """Put the page of a person together, as data."""
    store = request.app.state.store
    entries = documents_of(store, actor, number)
    profile = setting(store, "rules_profile").value
    return make_view(
        store, actor, number, entries, texts_for(request), today=date.today(), profile=profile,
        week=week, case=case,
    )  # fmt: skip


def _page(
    request: Request, actor: Actor, number: str, template: str, *, week: float | None = None,
    case: Any = "likely",
) -> Response:  # fmt: skip
    view = view_of(request, actor, number, week=week, case=case)
    state = request.app.state
    names = state.names.named(state.store, actor, {number})
    found = names.get(number, Found(number))
    return page(
        request, template, view=view, number=number, who=found, gauge=gauge, cases=CASES,
        hatching=hatching(), may_write="record:write" in actor.permissions,
        may_plan="plan:write" in actor.permissions, may_compute="compute" in actor.permissions,
    )  # fmt: skip


def _ask(request: Request, actor: Actor, number: str, *, wait: bool) -> None:
    from anagen.clinic.people import patient_from
    from anagen.web.console.patient_forecast import ahead

    require(actor, "record:read")
    store = request.app.state.store
    entries = documents_of(store, actor, number)
    documents = [(one.kind, one.document) for one in entries if one.text is not None]
    patient = patient_from(number, documents, date.today())
    chosen = ahead(entries, patient)
    found = foreseen(store, actor, number, entries, patient, chosen)
    key = found.job
    if found.state in ("none", "failed"):
        key = request.app.state.compute().submit(actor, request_for(number, chosen)).id
    if wait and key is not None:
        request.app.state.compute().wait(actor, key, _WAIT_SECONDS)


def _wait(request: Request, actor: Actor, number: str) -> None:
    """Wait for the forecast under way, if there is one."""
    from anagen.clinic.jobs import jobs

    for one in jobs(request.app.state.store, actor):
        if one.kind == "forecast" and one.person == number and one.active:
            request.app.state.compute().wait(actor, one.id, _WAIT_SECONDS)
            return


def _keep(request: Request, actor: Actor, number: str, key: str) -> None:
    store = request.app.state.store
    job = job_of(store, actor, key)
    made = TASK_RESULT.validate_json(job.result) if job.result else None
    if job.person != number or not isinstance(made, ForecastResult):
        raise InputError(
            Problem("job", "a finished forecast of this person", "another job",
                    "Load the page again.")
        )  # fmt: skip
    keep(store, actor, number, "forecast", forecast_document(made, ""))


# Modules that the first page of a person would otherwise wait for.
_FIRST_NEEDED = (
    "anagen.evidence.equivalents", "anagen.forecast.review", "anagen.report.ledger",
    "anagen.report.plan_picture",
)  # fmt: skip


def warm_up() -> None:
    """Load what the first page of a person needs, so that it comes as quickly as the others."""
    from anagen.web.console.scalp_pictures import head_of, view_picture

    for name in _FIRST_NEEDED:
        import_module(name)
    for view in ("top", "back", "left", "right"):
        view_picture(head_of(None), view, view, (), "", {})
