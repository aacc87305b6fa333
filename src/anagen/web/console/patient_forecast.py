"""The forecast of a record as it stands: kept, finished as a job, under way, or to ask for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import ValidationError

from anagen.clinic import jobs
from anagen.clinic.documents import PlanKept
from anagen.clinic.entries import Entry
from anagen.clinic.people import PATIENT_KINDS
from anagen.clinic.permissions import Actor
from anagen.clinic.store import Store
from anagen.errors import NotFoundError
from anagen.patient import Patient
from anagen.treatment.injections import Plan
from anagen.web.api.job_models import (
    TASK_RESULT,
    ForecastRequested,
    ForecastResult,
    JobProblem,
)

WEEKS = 52
UNTREATED = "untreated"
_JOBS_LOOKED_AT = 50

State = Literal["none", "active", "done", "failed"]


@dataclass(frozen=True)
class Foreseen:
    """What is known of the forecast of a record.

    Parameters
    ----------
    state : none asked for, active, done or failed.
    result : when it is done.
    job : id of the job, when it came from one; document : id, when it was kept.
    at : when it was made (ISO 8601, UTC).
    done, total : how far a job is.
    problem : why it failed.
    """

    state: State = "none"
    result: ForecastResult | None = None
    job: str | None = None
    document: str | None = None
    at: str = ""
    done: int = 0
    total: int = 0
    problem: JobProblem | None = None


@dataclass(frozen=True)
class Ahead:
    """The plan that a forecast is made for.

    Parameters
    ----------
    plans : to send, by name; empty for the default protocol's.
    plan : the accepted plan, if one stands, with its document id.
    over : whether an accepted plan has no session left.
    """

    plans: dict[str, Plan]
    plan: PlanKept | None = None
    document: str | None = None
    over: bool = False


def ahead(entries: Sequence[Entry], patient: Patient) -> Ahead:
    """Choose the accepted plan with sessions to come; else the default protocol's."""
    accepted = [
        (entry.day or "", entry.seq, entry.id, entry.document)
        for entry in entries
        if entry.kind == "plan" and entry.text is not None
        and '"state":"accepted"' in entry.text
    ]  # fmt: skip
    if not accepted:
        return Ahead({})
    _, _, key, kept = max(accepted, key=lambda one: one[:2])
    last = last_day(patient)
    left = [s for s in kept.plan.sessions if last is None or s.date > last]
    if not left or kept.plan.patient != patient.id or kept.plan.protocol == UNTREATED:
        return Ahead({}, kept, key, over=True)
    return Ahead({kept.plan.protocol: kept.plan}, kept, key)


def last_day(patient: Patient) -> date | None:
    """Latest day on which anything was seen or given."""
    days = [visit.date for visit in patient.visits]
    days += [session.date for session in patient.sessions]
    days += [summary.date for summary in patient.session_summaries]
    return max(days, default=None)


def foreseen(
    store: Store, actor: Actor, number: str, entries: Sequence[Entry], patient: Patient,
    chosen: Ahead,
) -> Foreseen:  # fmt: skip
    """Find the forecast of the record as it stands.

    Parameters
    ----------
    store : open store; actor : who asks; number : of the person.
    entries : what stands about the person; patient : made of it; chosen : plan to look for.
    """
    kept = _kept(entries)
    if kept is not None:
        return kept
    if "compute" not in actor.permissions:
        return Foreseen()
    wanted = [one for one in jobs.jobs(store, actor, limit=_JOBS_LOOKED_AT)
              if one.kind == "forecast" and one.person == number
              and one.state != "cancelled"]  # fmt: skip
    now = patient.model_dump(mode="json")
    for one in wanted:
        try:
            job = jobs.job(store, actor, one.id)
        except NotFoundError:  # removed a moment ago
            continue
        if _is_of(job, now, chosen):
            return _shown(job)
    return Foreseen()


def request_for(number: str, chosen: Ahead) -> ForecastRequested:
    """Give the request that asks for the forecast shown on the page of a person."""
    return ForecastRequested(person=number, plans=chosen.plans, weeks=WEEKS)


def _kept(entries: Sequence[Entry]) -> Foreseen | None:
    """Newest forecast kept, unless something was written since that it does not know."""
    kept = [entry for entry in entries if entry.kind == "forecast" and entry.text is not None]
    if not kept:
        return None
    last = max(kept, key=lambda entry: entry.seq)
    if any(e.seq > last.seq for e in entries if e.kind in (*PATIENT_KINDS, "plan")):
        return None
    try:
        result = ForecastResult.model_validate(last.document.shown)
    except ValidationError:  # kept by another version of Anagen, or by another program
        return None
    return Foreseen("done", result, document=last.id, at=last.at)


def _is_of(job: jobs.Job, now: dict[str, Any], chosen: Ahead) -> bool:
    """Whether a job forecasts this very record under the plan chosen."""
    asked = json.loads(job.request)
    if asked.get("weeks", WEEKS) != WEEKS or asked.get("on") or "patient" not in asked:
        return False
    request = ForecastRequested.model_validate(asked)
    patient = request.patient
    return (
        patient is not None
        and request.plans == chosen.plans
        and patient.model_dump(mode="json") == now
    )


def _shown(job: jobs.Job) -> Foreseen:
    if job.state == "done" and job.result is not None:
        result = TASK_RESULT.validate_json(job.result)
        if isinstance(result, ForecastResult):
            return Foreseen("done", result, job.id, at=job.finished or job.created)
    if job.active:
        return Foreseen("active", job=job.id, at=job.created, done=job.done, total=job.total)
    problem = None if job.problem is None else JobProblem.model_validate_json(job.problem)
    return Foreseen("failed", job=job.id, at=job.created, problem=problem)
