"""Pages that wait for a job: asked for once, waited for a little, looked at again.

Scripts ask for the fragment until it is there; without them the page loads itself again and then
waits for the job as long as a reader may be kept.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from anagen.clinic import jobs as room
from anagen.clinic.permissions import Actor
from anagen.web.api.job_models import TASK_RESULT, JobProblem
from anagen.web.workers import filled

# How long the first page is held back, and how long one that was asked for to wait [s].
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 20.0
# How many of one's own last jobs are looked through for one that answers the same question.
_LOOKED_THROUGH = 20


@dataclass(frozen=True)
class Waited:
    """A job as a page shows it.

    Parameters
    ----------
    job : the job, with request and result.
    result : what came of it, None while or when there is nothing.
    problem : why nothing came of it; None else.
    """

    job: room.Job
    result: Any
    problem: JobProblem | None

    @property
    def active(self) -> bool:
        """Whether it is still to come or under way."""
        return self.job.active


def same_job(request: Request, actor: Actor, asked: Any) -> room.Job:
    """Give one's own job of today that asks just this, or queue it.

    Parameters
    ----------
    request : of the page; actor : who asks.
    asked : a request about a person of the record.

    Raises
    ------
    BusyError, InputError, NotFoundError, AccessError
        As `anagen.web.workers.Workers.submit`.
    """
    store = request.app.state.store
    whole = filled(store, actor, asked).model_dump_json(exclude_none=True)
    today = date.today().isoformat()
    for seen in room.jobs(store, actor, limit=_LOOKED_THROUGH):
        fits = seen.kind == asked.kind and seen.person == asked.person
        if fits and seen.created[:10] == today and (seen.active or seen.state == "done"):
            found = room.job(store, actor, seen.id)
            if found.request == whole:
                return found
    made: room.Job = request.app.state.compute().submit(actor, asked)
    return made


def waited(request: Request, actor: Actor, key: str, *, long: bool) -> Waited:
    """Give a job of one's own once it is over, or as it is after a while.

    Parameters
    ----------
    request : of the page; actor : who asks; key : id of the job.
    long : whether the reader expects to wait.

    Raises
    ------
    NotFoundError
        When there is none of that id, or it is somebody else's.
    """
    seconds = LONGEST_SECONDS if long else FIRST_SECONDS
    job = room.job(request.app.state.store, actor, key)
    if job.active:
        job = request.app.state.compute().wait(actor, key, seconds)
    return seen_job(job)


def seen_job(job: room.Job) -> Waited:
    """Read result and problem of a job."""
    result: BaseModel | None = TASK_RESULT.validate_json(job.result) if job.result else None
    problem = JobProblem.model_validate_json(job.problem) if job.problem else None
    return Waited(job, result, problem)


def is_fragment(request: Request) -> bool:
    """Whether a script asks for the fragment alone."""
    return "X-Fragment" in request.headers
