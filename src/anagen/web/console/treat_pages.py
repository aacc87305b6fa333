"""The page of a session under way: a tap for every site, totals, pain, and a signature."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic.documents import PlanKept
from anagen.clinic.entries import Entry, head
from anagen.clinic.people import Kept, documents_of, keep, patient_of
from anagen.clinic.permissions import Actor
from anagen.clinic.repeats import created_once, key_of
from anagen.clinic.store import reading
from anagen.errors import AnagenError, InputError, NotFoundError, Problem
from anagen.treatment.injections import Session
from anagen.web.api.shapes import Number
from anagen.web.console.forms import typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.plan_pictures import session_pictures
from anagen.web.console.plan_view import sheet_of
from anagen.web.console.render import page, texts_for
from anagen.web.console.treat_forms import COMFORT, REASONS, as_typed, read_session
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.printing import next_session
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_READ = [Depends(Allowed("record:read"))]
_WRITE = [Depends(Allowed("record:write"))]

Key = Annotated[str | None, Query(pattern=r"^[0-9a-z]{8,40}$")]
Which = Annotated[int | None, Query(ge=1, le=60)]


@dataclass(frozen=True)
class Treating:
    """The session that is given.

    Parameters
    ----------
    entry : the plan; index : of the session in it, from 0; None when all were given.
    given : sessions of this plan that the record holds, oldest first.
    """

    entry: Entry
    index: int | None
    given: tuple[Entry, ...]

    @property
    def plan(self) -> PlanKept:
        """The plan as it was kept."""
        document: PlanKept = self.entry.document
        return document

    @property
    def session(self) -> Session | None:
        """What is planned for this session."""
        return None if self.index is None else self.plan.plan.sessions[self.index]


@router.get("/people/{number}/treat", dependencies=_READ)
def show_session(
    request: Request, number: Number, actor: CurrentActor, plan: Key = None,
    session: Which = None, done: Key = None,
) -> Response:  # fmt: skip
    """Show the next session of the plan, or that which was kept just now."""
    found = _treating(request, actor, number, plan, session)
    kept = None
    if done is not None:
        with reading(request.app.state.store) as connection:
            kept = head(request.app.state.store, connection, "session", done, number)
    fields = {"date": date.today().isoformat(), "key": secrets.token_hex(16)}
    if found is not None and found.session is not None:
        fields |= as_typed(found.session)
    return _answer(request, actor, number, found, fields, {}, 200, kept=kept)


@router.post("/people/{number}/treat", dependencies=_WRITE)
async def keep_session(request: Request, number: Number, actor: CurrentActor) -> Response:
    """Keep the session as it was given; sent twice, it is kept once."""
    fields = await typed(request)
    return await run_in_threadpool(_kept, request, actor, number, fields)


def _treating(
    request: Request, actor: Actor, number: str, plan: str | None, session: int | None
) -> Treating | None:
    """Find the plan and the session of it that is next; None when there is no accepted plan."""
    store = request.app.state.store
    entries = documents_of(store, actor, number, ("plan", "session"))
    plans = [one for one in entries if one.kind == "plan"]
    if plan is not None:
        plans = [one for one in plans if one.id == plan]
        if not plans:
            raise NotFoundError(f"plan {plan}: this person has no plan of this number")
    else:
        plans = sorted((one for one in plans if one.document.state == "accepted"),
                       key=lambda one: one.seq)  # fmt: skip
    if not plans:
        return None
    chosen = plans[-1]
    given = tuple(sorted(
        (one for one in entries if one.kind == "session" and one.document.plan == chosen.id
         and one.document.stage == "given"), key=lambda one: one.day or "",
    ))  # fmt: skip
    count = len(chosen.document.plan.sessions)
    following = next_session(chosen, entries) if session is None else session
    return Treating(chosen, following - 1 if following and following <= count else None, given)


def _answer(
    request: Request, actor: Actor, number: str, found: Treating | None, fields: dict[str, str],
    errors: dict[str, Any], status: int, *, kept: Entry | None = None,
) -> Response:  # fmt: skip
    from anagen.evidence.products import load_product

    store, session = request.app.state.store, found.session if found else None
    names = request.app.state.names.named(store, actor, {number})
    pictures, sheet = None, None
    if found is not None and session is not None and kept is None:
        pictures = session_pictures(patient_of(store, number), session, texts_for(request))
        sheet = sheet_of(found.plan.plan, found.index or 0)
    products = {} if session is None else {
        site.product: load_product(site.product) for site in session.injections
    }  # fmt: skip
    return page(
        request, "treat.html", status, number=number,
        name=(names[number].name or number) if number in names else number,
        treating=found, session=session, fields=fields, errors=errors, kept=kept,
        pictures=pictures, sheet=sheet, products=products, reasons=REASONS, comfort=COMFORT,
        chosen={value for one, value in fields.items() if one.startswith("comfort.")},
        today=date.today(),
    )  # fmt: skip


def _kept(request: Request, actor: Actor, number: str, fields: dict[str, str]) -> Response:
    which = fields.get("session", "")
    found = _treating(
        request, actor, number, fields.get("plan", "")[:40] or None,
        int(which) if which.isdecimal() and len(which) < 4 and int(which) > 0 else None,
    )  # fmt: skip
    try:
        done = _write(request, actor, number, found, fields)
    except (AnagenError, InputError) as error:
        if isinstance(error, NotFoundError):
            raise
        return _answer(request, actor, number, found, fields, _by_field(error),
                       refusal_of(error).status)  # fmt: skip
    plan = done.entry.document.plan
    return RedirectResponse(f"/people/{number}/treat?plan={plan}&done={done.entry.id}", 303)


def _write(
    request: Request, actor: Actor, number: str, found: Treating | None, fields: dict[str, str]
) -> Kept:
    if found is None or found.session is None:
        raise InputError(
            Problem("plan", "a session that was not given yet", "none", "Make a new plan first.")
        )
    if found.plan.state != "accepted":
        raise InputError(
            Problem("plan", "an accepted plan", f"one that is {found.plan.state}",
                    "Let a clinician accept it first.")
        )  # fmt: skip
    store = request.app.state.store
    document = read_session(found.session, fields, found.entry.id, date.today())
    # One page keeps one session, however often it is sent and whatever is changed in between.
    page_key = hmac.digest(b"treat", fields.get("key", "").encode(), "sha256").hex()
    key = key_of(store, actor, page_key, f"{number}/treat/{found.entry.id}")
    return created_once(
        store, actor, "session", key, document,
        lambda: keep(store, actor, number, "session", document, key=key),
    )  # fmt: skip


def _by_field(error: Exception) -> dict[str, Any]:
    """Put what the rooms found beside the fields of this page."""
    found: dict[str, Any] = {}
    for place, problem in problems_by_field(error).items():
        name = {"session.date": "date", "header: Idempotency-Key": "sent"}.get(place, place)
        found[name] = problem
    return found
