"""What-if without a patient, for teaching: a person who does not exist, and a treatment."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic import jobs as room
from anagen.clinic.permissions import Actor
from anagen.clinic.settings import setting
from anagen.errors import AnagenError, InputError, NotFoundError
from anagen.forecast.flag_rows import Flag
from anagen.web.api.job_models import TASK_REQUEST, ForecastRequested, ForecastResult, PlanResult
from anagen.web.console.explore_forms import (
    LARGEST_MM,
    MOST_PATCHES,
    PLAN,
    as_query,
    defaults,
    forecast_asked,
    from_query,
    patient_of,
    plan_asked,
    read_asked,
)
from anagen.web.console.explore_view import ExploreView, view_of
from anagen.web.console.forms import typed
from anagen.web.console.pace import Pace
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.render import page, texts_for
from anagen.web.console.waiting import Waited, is_fragment, seen_job, waited
from anagen.web.guard import EXPLORER, Explorer, address_of
from anagen.web.problems import RefusedError, refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_OPEN = [Depends(Explorer())]
# How long placing the sites takes at most when the workers are free [s].
_QUICK_SECONDS = 4.0
# Where a problem of the plan belongs in the form.
_PLACES = {
    "strength_mg_per_mL": "strength", "volume_mL": "volume", "interval_days": "interval_weeks",
}  # fmt: skip

JobQuery = Annotated[str | None, Query(pattern=r"^[0-9a-z]{8,40}$")]


@router.get("/explore", dependencies=_OPEN)
def show_explore(
    request: Request, job: JobQuery = None, placing: JobQuery = None, wait: bool = False,
    asked: Annotated[str, Query(max_length=2000)] = "",
) -> Response:  # fmt: skip
    """Show the form, and what came of it."""
    fields, actor = from_query(asked), request.state.explorer
    long = wait or is_fragment(request)
    found = None
    if placing is not None:
        found = _mine(request, placing, "plan", long=long)
        if not found.active:
            try:
                return _led("job", _forecast(request, actor, found), fields)
            except (AnagenError, InputError, RefusedError) as error:
                return page(
                    request, "explore.html", refusal_of(error).status,
                    **_shown(request, fields, None, _placed(problems_by_field(error))),
                )  # fmt: skip
    elif job is not None:
        found = _mine(request, job, "forecast", long=long)
    template = "explore_result.html" if is_fragment(request) and found else "explore.html"
    return page(request, template, **_shown(request, fields, found, {}))


@router.post("/explore", dependencies=_OPEN)
async def ask(request: Request) -> Response:
    """Ask for a forecast, and go on to where it is shown."""
    fields = {**defaults(), **await typed(request)}
    try:
        return await run_in_threadpool(_begin, request, request.state.explorer, fields)
    except (AnagenError, InputError, RefusedError) as error:
        return page(
            request, "explore.html", refusal_of(error).status,
            **_shown(request, fields, None, _placed(problems_by_field(error))),
        )  # fmt: skip


def _begin(request: Request, actor: Actor, fields: dict[str, str]) -> Response:
    """Place the sites in a worker; when that is quick, queue the forecast at once."""
    asked = read_asked(fields)
    workers = request.app.state.compute()
    if actor == EXPLORER:
        _pace(request).admit(address_of(request), workers.load().queued)
    today = date.today()
    profile = setting(request.app.state.store, "rules_profile").value
    patient = patient_of(asked, today)
    first = workers.submit(actor, plan_asked(asked, patient, today, profile))
    placed = seen_job(workers.wait(actor, first.id, _QUICK_SECONDS))
    if placed.active:
        return _led("placing", placed.job, fields)
    return _led("job", _forecast(request, actor, placed), fields)


def _forecast(request: Request, actor: Actor, placed: Waited) -> room.Job:
    """Queue the forecast with and without the sites that were placed."""
    if placed.problem is not None:
        if placed.problem.problems:
            raise InputError(placed.problem.problems)
        raise RefusedError(503, placed.problem.detail)
    asked = TASK_REQUEST.validate_json(placed.job.request)
    if not isinstance(placed.result, PlanResult) or asked.patient is None:
        raise RefusedError(503, "The placing of the sites was cancelled.")
    query = forecast_asked(asked.patient, placed.result.plan)
    made: room.Job = request.app.state.compute().submit(actor, query)
    return made


def _led(name: str, job: room.Job, fields: dict[str, str]) -> Response:
    return RedirectResponse("/explore" + _address(name, job, fields), 303)


def _address(name: str, job: room.Job, fields: dict[str, str]) -> str:
    return "?" + urlencode({name: job.id, "asked": as_query(fields)})


def _mine(request: Request, key: str, kind: str, *, long: bool) -> Waited:
    found = waited(request, request.state.explorer, key, long=long)
    if found.job.kind != kind or found.job.person is not None:
        raise NotFoundError(f"job {key}: it is no what-if")
    return found


def _pace(request: Request) -> Pace:
    state = request.app.state
    if not hasattr(state, "pace"):
        state.pace = Pace()
    pace: Pace = state.pace
    return pace


def _placed(errors: Any) -> dict[str, Any]:
    """Put the problems of a plan beside the fields that they come from."""
    found = {}
    for place, problem in errors.items():
        name = str(place).rpartition(".")[2]
        found[_PLACES.get(name, name)] = problem
    return found


def _shown(
    request: Request, fields: dict[str, str], found: Waited | None, errors: dict[str, Any]
) -> dict[str, Any]:
    view, flags = None, list[Flag]()
    if found is not None and isinstance(found.result, ForecastResult):
        view, flags = _view(request, found), list(found.result.flags)
    address = ""
    if found is not None:
        address = _address("placing" if found.job.kind == "plan" else "job", found.job, fields)
    return {
        "fields": fields, "errors": errors, "waited": found, "view": view, "address": address,
        # A first visit has no reading of regrowth and no weight; nobody needs to be told.
        "flags": [one for one in flags if one.severity != "inform" and one.key != "no-reading"],
        "most_patches": MOST_PATCHES, "largest_cm": LARGEST_MM / 10,
    }  # fmt: skip


def _view(request: Request, found: Waited) -> ExploreView | None:
    asked = TASK_REQUEST.validate_json(found.job.request)
    if not isinstance(asked, ForecastRequested) or PLAN not in asked.plans:
        return None
    return view_of(found.result, asked.plans[PLAN], texts_for(request).text)
