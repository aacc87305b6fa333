"""The review of a course: held against the gates; the decision kept as a note."""

import hmac
from datetime import date
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic import jobs as room
from anagen.clinic.documents import Note
from anagen.clinic.entries import head
from anagen.clinic.people import Kept, keep
from anagen.clinic.permissions import Actor
from anagen.clinic.repeats import created_once, key_of
from anagen.clinic.settings import setting
from anagen.clinic.store import reading
from anagen.errors import AnagenError, InputError, NotFoundError, Problem
from anagen.forecast.decide import Action
from anagen.web.api.job_models import ReviewRequested, ReviewResult
from anagen.web.api.shapes import Number
from anagen.web.console.forms import document_from, typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.render import page, texts_for
from anagen.web.console.review_view import view_of
from anagen.web.console.waiting import Waited, is_fragment, same_job, seen_job, waited
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# How a gate is spoken of, as on the page.
_REACHED = {"missed": "not reached", "open": "still ahead", "no data": "nothing read"}

ACTIONS: tuple[str, ...] = get_args(Action)
_READ = [Depends(Allowed("record:read"))]
_WRITE = [Depends(Allowed("record:write"))]
_SHORTEST, _LONGEST = 3, 2000

JobQuery = Annotated[str | None, Query(pattern=r"^[0-9a-z]{8,40}$")]


@router.get("/people/{number}/review", dependencies=_READ)
def show_review(
    request: Request, number: Number, actor: CurrentActor, job: JobQuery = None,
    wait: bool = False, kept: bool = False, sheet: bool = False,
) -> Response:  # fmt: skip
    """Show the course held against the gates; computed when it was not yet today."""
    name = _name(request, actor, number)
    if "compute" not in actor.permissions:
        return page(request, "review.html", number=number, name=name, waited=None, sheet=False,
                    kept=False, fields={}, errors={}, **_shown(request, None))  # fmt: skip
    found = _of(request, actor, number, job, long=wait or is_fragment(request))
    template = "review_result.html" if is_fragment(request) else (
        "review_sheet.html" if sheet and found.result else "review.html"
    )  # fmt: skip
    return page(
        request, template, number=number, name=name, waited=found, kept=kept, fields={}, errors={},
        sheet=sheet, **_shown(request, found),
    )  # fmt: skip


@router.post("/people/{number}/review", dependencies=_WRITE)
async def keep_decision(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep what was decided as a note."""
    fields = await typed(request)
    try:
        await run_in_threadpool(_keep, request, actor, number, fields)
    except (AnagenError, InputError) as error:
        status = refusal_of(error).status
        if isinstance(error, NotFoundError):
            raise
        found = await run_in_threadpool(_of, request, actor, number, None, long=False)
        name = await run_in_threadpool(_name, request, actor, number)
        return page(
            request, "review.html", status, number=number, name=name, waited=found, kept=False,
            sheet=False, fields=fields, errors=problems_by_field(error), **_shown(request, found),
        )  # fmt: skip
    return RedirectResponse(f"/people/{number}/review?job={fields['job']}&kept=true", 303)


def _of(
    request: Request, actor: Actor, number: str, job: str | None, *, long: bool
) -> Waited:  # fmt: skip
    """Give the review of a person: that of a job, else the one that holds today."""
    if job is not None:
        found = waited(request, actor, job, long=long)
        if found.job.person != number or found.job.kind != "review":
            raise NotFoundError(f"job {job}: it is no review of this person")
        return found
    profile = setting(request.app.state.store, "rules_profile").value
    # The review is of today, also when the last visit was long ago.
    asked = ReviewRequested(person=number, profile=profile)
    made = same_job(request, actor, asked)
    return waited(request, actor, made.id, long=long)


def _shown(request: Request, found: Waited | None) -> dict[str, Any]:
    made = found.result if found is not None else None
    result = made if isinstance(made, ReviewResult) else None
    return {
        "result": result,
        "view": view_of(result, texts_for(request).text) if result is not None else None,
        "actions": ACTIONS,
        "today": date.today(),
        "address": "" if found is None else f"?job={found.job.id}",
    }


def _name(request: Request, actor: Actor, number: str) -> str:
    """Name of the person, or the number."""
    state = request.app.state
    with reading(state.store) as connection:
        head(state.store, connection, "person", number)
    found = state.names.named(state.store, actor, {number})
    return found[number].name or number if number in found else number


def _keep(request: Request, actor: Actor, number: str, fields: dict[str, str]) -> Kept:
    """Write the note; the same decision sent twice is one note."""
    store = request.app.state.store
    decision, reason = fields.get("decision", ""), fields.get("reason", "").strip()
    problems = []
    if decision not in ACTIONS:
        problems.append(Problem("decision", "one of the five steps", repr(decision[:40]),
                                "Choose one."))  # fmt: skip
    if not _SHORTEST <= len(reason) <= _LONGEST:
        problems.append(
            Problem("reason", f"{_SHORTEST} to {_LONGEST} characters",
                    f"{len(reason)}" if reason else "nothing", "Write why, for a colleague.")
        )  # fmt: skip
    result = seen_job(_job(request, actor, number, fields.get("job", ""))).result
    if not isinstance(result, ReviewResult):
        problems.append(Problem("decision", "a review that is finished", "one that is not",
                                "Wait for it, then decide."))  # fmt: skip
    if problems:
        raise InputError(problems)
    text = _words(request, result, decision, reason)
    note = document_from(Note, {"on": date.today().isoformat(), "text": text})
    drawn = hmac.digest(fields["job"].encode(), text.encode(), "sha256").hex()
    key = key_of(store, actor, drawn, f"{number}/review")

    def write() -> Kept:
        return keep(store, actor, number, "note", note, key=key)

    return created_once(store, actor, "note", key, note, write)


def _job(request: Request, actor: Actor, number: str, key: str) -> room.Job:
    found = room.job(request.app.state.store, actor, key[:40])
    if found.person != number:
        raise NotFoundError("the review that was decided on is not there any more. Open it again")
    return found


def _words(request: Request, result: Any, decision: str, reason: str) -> str:
    """Decision in words, with what it was based on."""
    review, say = result.review, texts_for(request)
    gates = "; ".join(
        f"{say.text(gate.title)}: {say.text(_REACHED.get(gate.reached, gate.reached))}"
        + ("" if gate.measured is None else f" ({say.number(gate.measured, 0, '%')})")
        for gate in review.gates
    )
    lines = [
        say.text("Review of the course on %(day)s, rules of %(profile)s.", day=review.on,
                 profile=review.profile),
        gates,
        say.text("Suggested: %(action)s.", action=say.text(review.suggestion.action)),
        say.text("Decided: %(action)s.", action=say.text(decision)),
        say.text("Reason: %(reason)s", reason=reason),
    ]  # fmt: skip
    return "\n".join(line for line in lines if line)
