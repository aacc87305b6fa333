"""The page of a plan: what is typed becomes a plan, checked and forecast at once; then kept."""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic import jobs as room
from anagen.clinic.documents import PlanKept
from anagen.clinic.entries import Entry, head
from anagen.clinic.people import Kept, documents_of, keep, patient_of
from anagen.clinic.permissions import Actor
from anagen.clinic.repeats import changed_once, created_once, key_of
from anagen.clinic.settings import setting
from anagen.clinic.store import reading
from anagen.errors import AnagenError, InputError, NotFoundError, Problem
from anagen.patient import Patient
from anagen.treatment.injections import Plan
from anagen.treatment.protocols import load_protocols
from anagen.web.api.job_models import (
    CheckRequested,
    CheckResult,
    CompareRequested,
    CompareResult,
    ForecastRequested,
    ForecastResult,
    PlanResult,
)
from anagen.web.api.shapes import Number
from anagen.web.console.forms import typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.plan_forms import (
    CHANGES,
    MOST_PINS,
    Typed,
    by_field,
    check_moves,
    defaults_of,
    fields_of,
    first_fields,
    moved_sites,
    overrides_of,
    read_typed,
    with_moves,
)
from anagen.web.console.plan_view import (
    PLAN,
    Pinned,
    charts_of,
    first_limits,
    judged,
    outlook_of,
    reasoned,
    sheet_of,
    trade_of,
    weeks_table,
)
from anagen.web.console.render import page, texts_for
from anagen.web.console.waiting import LONGEST_SECONDS, Waited, is_fragment, same_job, seen_job
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import RefusedError, refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_READ = [Depends(Allowed("record:read"))]
_COMPUTE = [Depends(Allowed("compute"))]
_DECIDE = [Depends(Allowed("plan:write"))]


class Patience(NamedTuple):
    """How long a page is held back for the plan, and then for the rest [s]."""

    plan: float
    rest: float


# A page that was just opened, a change (the plan is shown at once), the scripts that ask again for
# the rest, and a form sent without scripts.
_FIRST, _QUICK = Patience(1.5, 0.3), Patience(4.0, 0.05)
_AGAIN, _WHOLE = Patience(8.0, 8.0), Patience(LONGEST_SECONDS, LONGEST_SECONDS)
_MOST_LISTED = 4
# Fields that stay when a plan of the comparison takes the place of the one typed.
_CARRIED = ("csrf", "compared", "write_key", "note", "document", "version")

PlanKey = Annotated[str | None, Query(alias="plan", pattern=r"^[0-9a-z]{8,40}$")]
Pins = Annotated[str, Query(pattern=r"^[0-9a-z,]{0,170}$")]


@dataclass
class Made:
    """What was made of what was typed, so far.

    Parameters
    ----------
    fields, errors : of the form; typed : read.
    asked : job of the plan; plan : as moved by hand; limits, ruled, is_blocked : what holds of it.
    forecast : job of it; working : whether something is still to come.
    """

    fields: dict[str, str]
    errors: dict[str, Any] = field(default_factory=dict)
    typed: Typed | None = None
    asked: Waited | None = None
    plan: Plan | None = None
    original: Plan | None = None
    limits: tuple[Any, ...] = ()
    findings: tuple[Any, ...] = ()
    ruled: tuple[Any, ...] = ()
    is_blocked: bool = False
    forecast: Waited | None = None
    compare: Waited | None = None
    working: bool = False


@router.get("/people/{number}/plan", dependencies=_READ)
def show_plan(
    request: Request, number: Number, actor: CurrentActor, plan: PlanKey = None,
    pins: Pins = "", kept: bool = False,
) -> Response:  # fmt: skip
    """Show the form with a plan of the clinic's usual protocol, or one that was kept."""
    store = request.app.state.store
    patient = patient_of(store, number)
    entry = None
    if plan is not None:
        with reading(store) as connection:
            entry = head(store, connection, "plan", plan, number)
    fields = _opened(patient, entry) | {"pins": pins}
    made = Made(fields)
    if "compute" in actor.permissions:
        like = entry.document.plan if entry else None
        made = _made(request, actor, patient, fields, _FIRST, like=like)
    return _answer(request, actor, number, patient, made, 200, entry=entry, kept=kept)


@router.post("/people/{number}/plan/preview", dependencies=_COMPUTE)
async def preview(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Make, check and forecast the plan that was typed; nothing is kept."""
    fields = await typed(request)
    return await run_in_threadpool(_preview, request, actor, number, fields)


@router.post("/people/{number}/plan/keep", dependencies=_DECIDE)
async def keep_plan(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep the plan as a draft, or accept it."""
    fields = await typed(request)
    return await run_in_threadpool(_kept, request, actor, number, fields)


def _opened(patient: Patient, entry: Entry | None) -> dict[str, str]:
    if entry is None or entry.text is None:
        return first_fields(patient, date.today())
    plan: Plan = entry.document.plan
    fields = fields_of(plan, tuple(_patches(patient)))
    fields["note"] = entry.document.note
    if entry.document.state == "draft":
        fields |= {"document": entry.id, "version": str(entry.version)}
    return fields


def _preview(request: Request, actor: Actor, number: str, fields: dict[str, str]) -> Response:
    store = request.app.state.store
    patient = patient_of(store, number)
    fields = _acted(request, actor, number, first_fields(patient, date.today()) | fields)
    patience = _WHOLE
    if is_fragment(request):
        patience = _AGAIN if request.headers["X-Fragment"] == "wait" else _QUICK
    made = _made(request, actor, patient, fields, patience)
    status = 422 if made.errors and not is_fragment(request) else 200
    return _answer(request, actor, number, patient, made, status)


def _acted(request: Request, actor: Actor, number: str, fields: dict[str, str]) -> dict[str, str]:
    """Do what a button of the page asks: pin, unpin, compare many, take a pick."""
    pins = [key for key in fields.get("pins", "").split(",") if key]
    if "unpin" in fields:
        pins = [key for key in pins if key != fields.pop("unpin")]
    if "pin" in fields:
        pins = list(dict.fromkeys([*pins, fields.pop("pin")]))[-MOST_PINS:]
    if "compare" in fields:
        fields.pop("compare")
        profile = setting(request.app.state.store, "rules_profile").value
        fields["compared"] = same_job(
            request, actor, CompareRequested(person=number, profile=profile)
        ).id
    if "pick" in fields:
        name = fields.pop("pick")
        found = seen_job(_own_job(request, actor, number, fields.get("compared", ""), "compare"))
        if isinstance(found.result, CompareResult) and name in found.result.plans:
            kept = {key: fields[key] for key in _CARRIED if key in fields}
            fields = fields_of(found.result.plans[name]) | kept
    return fields | {"pins": ",".join(pins)}


def _made(
    request: Request, actor: Actor, patient: Patient, fields: dict[str, str], patience: Patience, *,
    like: Plan | None = None,
) -> Made:  # fmt: skip
    """Make, check and forecast, as long as the reader waits."""
    made, number = Made(fields), patient.id
    profile = setting(request.app.state.store, "rules_profile").value
    try:
        made.typed = read_typed(number, fields, profile)
        _place_sites(request, actor, patient, made, like, patience.plan)
        if made.plan is not None:
            made.forecast = _forecast(request, actor, number, made, patience.rest)
    except InputError as error:
        made.errors |= by_field(problems_by_field(error))
    if made.typed is not None and made.typed.compared:
        with_key = _own_job(request, actor, number, made.typed.compared, "compare")
        made.compare = _waited(request, actor, with_key, patience.rest)
    made.working = any(one is not None and one.active
                       for one in (made.asked, made.forecast, made.compare))  # fmt: skip
    return made


def _place_sites(
    request: Request, actor: Actor, patient: Patient, made: Made, like: Plan | None, seconds: float
) -> None:
    """Let a worker place the sites; move those moved by hand, and check the plan again."""
    read = made.typed
    assert read is not None
    made.asked = _waited(request, actor, same_job(request, actor, read.asked), seconds)
    _raise_problem(made.asked)
    result = made.asked.result
    if not isinstance(result, PlanResult):
        return
    made.original = result.plan
    moves = dict(read.moves) if like is None else moved_sites(result.plan, like)
    if like is not None and moves:
        made.fields["moves"] = json.dumps(
            [{"number": one, "view": at.view, "x": at.x, "y": at.y} for one, at in moves.items()]
        )
    check_moves(patient, moves)
    plan = with_moves(result.plan, moves)
    found, made.limits = result.plan.findings, result.limits
    if moves:
        asked = CheckRequested(person=patient.id, plan=plan, profile=read.asked.profile)
        checked = _waited(request, actor, same_job(request, actor, asked), seconds)
        _raise_problem(checked)
        if not isinstance(checked.result, CheckResult):
            return
        found, made.limits = checked.result.findings, checked.result.limits
    made.plan, made.findings = plan, found
    # The rules speak even where a reason cannot be taken.
    made.ruled, made.is_blocked = judged(found, ())
    reasons = {rule: words for rule, words in read.reasons.items() if rule in reasoned(made.ruled)}
    made.ruled, made.is_blocked = judged(found, overrides_of(reasons, actor.account, date.today()))


def _forecast(
    request: Request, actor: Actor, number: str, made: Made, seconds: float
) -> Waited | None:  # fmt: skip
    if made.plan is None or not made.plan.sessions:
        return None
    asked = ForecastRequested(person=number, plans={PLAN: made.plan})
    job = same_job(request, actor, asked)
    before = made.fields.get("forecast", "")
    if before and before != job.id:
        _drop(request, actor, before)
    made.fields["forecast"] = job.id
    return _waited(request, actor, job, seconds)


def _drop(request: Request, actor: Actor, key: str) -> None:
    """Take a forecast that nobody waits for any more out of the queue."""
    try:
        seen = room.job(request.app.state.store, actor, key[:40])
    except NotFoundError:
        return
    # One under way is left alone: its worker would have to begin anew.
    if seen.state == "queued" and seen.kind == "forecast":
        request.app.state.compute().cancel(actor, seen.id)


def _waited(request: Request, actor: Actor, job: room.Job, seconds: float) -> Waited:
    if job.active:
        job = request.app.state.compute().wait(actor, job.id, seconds)
    return seen_job(job)


def _raise_problem(found: Waited) -> None:
    if found.problem is None:
        return
    if found.problem.problems:
        raise InputError(found.problem.problems)
    raise InputError(
        Problem("results", "a plan", found.problem.detail, "Try again, or ask for less.")
    )


def _own_job(request: Request, actor: Actor, number: str, key: str, kind: str) -> room.Job:
    found = room.job(request.app.state.store, actor, key[:40])
    if found.person != number or found.kind != kind:
        raise NotFoundError(f"job {key[:40]}: it is not about this person")
    return found


def _pinned(request: Request, actor: Actor, number: str, keys: tuple[str, ...]) -> list[Pinned]:
    pinned = []
    for key in keys[:MOST_PINS]:
        try:
            job = _own_job(request, actor, number, key, "forecast")
        except NotFoundError:
            continue
        asked = ForecastRequested.model_validate_json(job.request)
        if PLAN in asked.plans:
            result = seen_job(job).result
            known = result if isinstance(result, ForecastResult) else None
            pinned.append(Pinned(key, asked.plans[PLAN], outlook_of(known)))
    return pinned


def _patches(patient: Patient) -> Mapping[str, Any]:
    from anagen.patient.timeline import latest_patches

    return latest_patches(patient, date.today())


def _answer(
    request: Request, actor: Actor, number: str, patient: Patient, made: Made, status: int, *,
    entry: Entry | None = None, kept: bool = False,
) -> Response:  # fmt: skip
    from anagen.web.console.plan_pictures import pictures_of

    texts = texts_for(request)
    state = request.app.state
    key = made.fields.get("protocol", "")
    result = made.forecast.result if made.forecast else None
    known = result if isinstance(result, ForecastResult) else None
    shown = min(made.typed.shown if made.typed else 0,
                max(len(made.plan.sessions) - 1, 0) if made.plan else 0)  # fmt: skip
    compared = made.compare.result if made.compare else None
    names = state.names.named(state.store, actor, {number})
    whole = not is_fragment(request)
    return page(
        request, "plan.html" if whole else "plan_results.html", status,
        number=number, name=(names[number].name or number) if number in names else number,
        fields=made.fields, errors=made.errors, protocols=load_protocols(),
        defaults=defaults_of(key), units=CHANGES, patches=_patches(patient), made=made,
        left_out={value for one, value in made.fields.items() if one.startswith("leave_out.")},
        plan=made.plan, shown=shown, result=known, outlook=outlook_of(known),
        charts=charts_of(known, texts.text), weeks=weeks_table(known),
        limits=first_limits(made.limits), reasoned=reasoned(made.ruled),
        sheet=sheet_of(made.plan, shown) if made.plan else None,
        pictures=pictures_of(patient, made.plan, shown, texts) if made.plan else None,
        pinned=_pinned(request, actor, number, made.typed.pins if made.typed else ()),
        compared=compared if isinstance(compared, CompareResult) else None,
        trade=trade_of(compared, texts.text) if isinstance(compared, CompareResult) else None,
        entry=entry, kept=kept, write_key=made.fields.get("write_key") or secrets.token_hex(16),
        standing=_standing(request, actor, number) if whole else (), most_pins=MOST_PINS,
    )  # fmt: skip


def _standing(request: Request, actor: Actor, number: str) -> tuple[Entry, ...]:
    """Drafts and accepted plans, newest first."""
    found = documents_of(request.app.state.store, actor, number, ("plan",))
    live = [one for one in found if one.document.state in ("draft", "accepted")]
    return tuple(sorted(live, key=lambda one: one.seq, reverse=True)[:_MOST_LISTED])


def _kept(request: Request, actor: Actor, number: str, fields: dict[str, str]) -> Response:
    """Keep, or show the page again with what is wrong."""
    patient = patient_of(request.app.state.store, number)
    fields = first_fields(patient, date.today()) | fields
    made = _made(request, actor, patient, fields, Patience(LONGEST_SECONDS, 0.0))
    state: Literal["draft", "accepted"] = (
        "accepted" if fields.get("state") == "accepted" else "draft"
    )
    try:
        if made.errors or made.typed is None or made.plan is None:
            if not made.errors:
                raise RefusedError(503, "The workers are busy. Wait for the plan, then keep it.")
            return _answer(request, actor, number, patient, made, 422)
        if state == "accepted":
            _refuse_forbidden(made)
        done = _write(request, actor, number, made, state)
    except (AnagenError, RefusedError) as error:
        if isinstance(error, NotFoundError):
            raise
        made.errors |= by_field(problems_by_field(error))
        return _answer(request, actor, number, patient, made, refusal_of(error).status)
    return RedirectResponse(f"/people/{number}/plan?plan={done.entry.id}&kept=true", 303)


def _refuse_forbidden(made: Made) -> None:
    """Refuse to accept a plan that a rule forbids; the problem stands where a reason would."""
    problems = [
        Problem(
            "results" if one.finding.absolute else f"override.{one.finding.rule}",
            "a plan that no rule forbids" if one.finding.absolute
            else "a plan that no rule forbids, or a reason against it",
            one.finding.message.rstrip("."), one.finding.remedy,
        )
        for one in made.ruled if one.stands
    ]  # fmt: skip
    if problems:
        raise InputError(problems)


def _write(
    request: Request, actor: Actor, number: str, made: Made, state: Literal["draft", "accepted"]
) -> Kept:
    store = request.app.state.store
    assert made.plan is not None
    assert made.typed is not None
    reasons = {rule: words for rule, words in made.typed.reasons.items()
               if rule in reasoned(made.ruled)}  # fmt: skip
    overrides = overrides_of(reasons, actor.account, date.today())
    plan = made.plan.model_copy(update={"overrides": overrides})
    document = PlanKept(plan=plan, state=state, note=made.fields.get("note", "").strip())
    key, version = made.fields.get("document", ""), made.fields.get("version", "")
    if key and version.isdecimal():
        expected = int(version)
        words = "Accepted." if state == "accepted" else "Changed while it was a draft."
        return changed_once(
            store, actor, "plan", key, document, expected, words,
            lambda: keep(store, actor, number, "plan", document, key=key, expected=expected,
                         reason=words),
        )  # fmt: skip
    text = document.model_dump_json()
    sent = hmac.digest(made.fields.get("write_key", "").encode(), text.encode(), "sha256").hex()
    drawn = key_of(store, actor, sent, f"{number}/plan")
    return created_once(
        store, actor, "plan", drawn, document,
        lambda: keep(store, actor, number, "plan", document, key=drawn),
    )  # fmt: skip
