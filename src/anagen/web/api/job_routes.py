"""Long work as jobs: asked for, waited for, looked at, cancelled; and a forecast kept as shown."""

import datetime
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import Field

from anagen.clinic import jobs as room
from anagen.clinic.documents import ForecastKept
from anagen.clinic.entries import new_id
from anagen.clinic.people import keep
from anagen.clinic.repeats import created_once, key_of
from anagen.clinic.settings import setting
from anagen.errors import InputError, Problem
from anagen.patient.quantities import Text
from anagen.web.api.job_models import (
    TASK_RESULT,
    ForecastResult,
    JobShown,
    TaskRequest,
    shown,
)
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
    write_cursor,
)
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.printing import document_answer
from anagen.web.routes import RecordedRoute

router = APIRouter(route_class=RecordedRoute, tags=["jobs"])

_COMPUTE = [Depends(Allowed("compute"))]
_WAIT = re.compile(r"\bwait=(\d{1,3})\b")
_LONGEST_WAIT_SECONDS = 30

JobId = Annotated[str, Path(pattern=r"^[0-9a-z]{8,40}$", description="id of the job")]
Prefer = Annotated[
    str | None,
    Header(max_length=100, description="'wait=N' waits up to N seconds for the answer (RFC 7240)"),
]


class KeepForecast(Body):
    """A forecast that was shown, to be kept."""

    job: Annotated[str, Field(pattern=r"^[0-9a-z]{8,40}$", description="job that made it")]
    note: Text = ""


@router.post(
    "/jobs", operation_id="create_job", dependencies=_COMPUTE, status_code=202,
    response_model=JobShown,
    responses={**refusals(404), 200: {"model": JobShown, "description": "Finished already"}},
)  # fmt: skip
def create_job(
    request: Request, body: TaskRequest, actor: CurrentActor, prefer: Prefer = None
) -> Response:
    """Ask for a plan, a check, a simulation, a forecast, a comparison, a review or a document."""
    state = request.app.state
    request.state.persons = (body.person,) if body.person else ()
    asked = body
    if getattr(body, "profile", "") is None:
        profile = setting(state.store, "rules_profile").value
        asked = body.model_copy(update={"profile": profile})
    workers = state.compute()
    job = workers.submit(actor, asked)
    wait = _WAIT.search(prefer or "")
    if wait:
        job = workers.wait(actor, job.id, min(int(wait[1]), _LONGEST_WAIT_SECONDS))
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    if job.active:
        headers["Retry-After"] = "1"
    return json_answer(_data(job), 202 if job.active else 200, headers)


@router.get("/jobs", operation_id="list_jobs", dependencies=_COMPUTE,
            response_model=Listed[JobShown], responses=refusals())  # fmt: skip
def list_jobs(
    request: Request, actor: CurrentActor, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """List one's own jobs, the newest first, without their results."""
    position = read_cursor(cursor, 1)
    found = room.jobs(
        request.app.state.store, actor, after=position[0] if position else None, limit=limit + 1
    )
    part = found[:limit]
    more = (part[-1].id,) if len(found) > limit else None
    return json_answer({"items": [_data(job) for job in part], "next": write_cursor(more)})


@router.get("/jobs/{id}", operation_id="read_job", dependencies=_COMPUTE, response_model=JobShown,
            responses=refusals(404))  # fmt: skip
def read_job(
    request: Request, id: JobId, actor: CurrentActor,  # noqa: A002 - name in the address
    wait: Annotated[int, Query(ge=0, le=_LONGEST_WAIT_SECONDS, description="[s]")] = 0,
) -> Response:  # fmt: skip
    """Tell how far a job of one's own is, and what came of it."""
    state = request.app.state
    job = room.job(state.store, actor, id)
    if wait and job.active:
        job = state.compute().wait(actor, id, wait)
    request.state.persons = (job.person,) if job.person else ()
    return json_answer(_data(job), 200, {"Retry-After": "1"} if job.active else None)


@router.get(
    "/jobs/{id}/document", operation_id="read_job_document", dependencies=_COMPUTE,
    response_class=Response,
    responses={**refusals(404), 200: {
        "description": "The document that a job set",
        "content": {"application/pdf": {}, "text/html": {}},
    }},
)  # fmt: skip
def read_job_document(request: Request, id: JobId, actor: CurrentActor) -> Response:  # noqa: A002 - name in the address
    """Give the document that a job of one's own set, as a file."""
    job = room.job(request.app.state.store, actor, id)
    request.state.persons = (job.person,) if job.person else ()
    return document_answer(actor, job)


@router.post("/jobs/{id}/cancel", operation_id="cancel_job", dependencies=_COMPUTE,
             response_model=JobShown, responses=refusals(404))  # fmt: skip
def cancel_job(request: Request, id: JobId, actor: CurrentActor) -> Response:  # noqa: A002 - name in the address
    """Cancel a job of one's own; one that has ended stays as it is."""
    return json_answer(_data(request.app.state.compute().cancel(actor, id)))


@router.post(
    "/people/{number}/forecasts", operation_id="create_forecast", status_code=201,
    dependencies=[Depends(Allowed("plan:write"))], response_model=Versioned[ForecastKept],
    responses=refusals(404),
)  # fmt: skip
def keep_forecast(
    request: Request, number: Number, body: KeepForecast, actor: CurrentActor,
    idempotency: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """Keep a forecast as it was shown, with the versions that made it."""
    store = request.app.state.store
    job = room.job(store, actor, body.job)
    made = TASK_RESULT.validate_json(job.result) if job.result else None
    if job.person != number or not isinstance(made, ForecastResult):
        raise InputError(
            Problem("job", "a finished forecast of this person", f"job {body.job}",
                    "Forecast this person first, then keep that forecast.")
        )  # fmt: skip
    document = forecast_document(made, body.note)
    drawn = checked_key(idempotency)
    key = key_of(store, actor, drawn, f"{number}/forecasts") if drawn else new_id()

    def write() -> Any:
        return keep(store, actor, number, "forecast", document, key=key)

    kept = created_once(store, actor, "forecast", key, document, write) if drawn else write()
    return kept_answer(kept, 201, f"/api/v1/people/{number}/forecasts/{key}")


def forecast_document(made: ForecastResult, note: str) -> ForecastKept:
    """Document that keeps a forecast as it was shown."""
    return ForecastKept(
        origin=datetime.date.fromisoformat(str(made.origin)),
        weeks=max(made.weeks, default=1) or 1,
        model_version=made.model_version,
        parameter_version=made.parameter_version,
        posterior_version=made.posterior_version,
        seed=made.seed,
        shown=made.model_dump(mode="json"),
        note=note,
    )


def _data(job: room.Job) -> dict[str, Any]:
    return shown(job).model_dump(mode="json")
