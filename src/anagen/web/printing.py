"""Documents to be printed: what a request leaves out, and the file that a job set as an answer.

A document is kept as the result of its job: encrypted, seen by the account that asked, gone with
the person or after a week. In memory it is only while it is sent.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from fastapi import Response

from anagen.clinic.entries import Entry
from anagen.clinic.jobs import Job
from anagen.clinic.people import documents_of, patient_of
from anagen.clinic.permissions import Actor, require
from anagen.clinic.settings import setting
from anagen.clinic.store import Store
from anagen.errors import InputError, NotFoundError, Problem
from anagen.patient import Patient
from anagen.treatment.injections import Plan
from anagen.web.api.job_models import TASK_RESULT, DocumentRequested, DocumentResult

# What the viewers of browsers need: their own styles, and in Safari the file itself as an object.
_PDF_POLICY = (
    "script-src 'none'; connect-src 'none'; object-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def filled_document(store: Store, actor: Actor, asked: DocumentRequested) -> DocumentRequested:
    """Put into a request what it leaves out: paper, clinic, name, plan and session.

    Parameters
    ----------
    store : open store.
    actor : who asks.
    asked : about a person of the record, or with a patient in full; that one gets no more than
        paper and name of the clinic.

    Raises
    ------
    AccessError
        When the actor may not read the record.
    InputError
        When the plan cannot be used for this document.
    NotFoundError
        When there is no such person, or the person has no such plan.
    """
    more: dict[str, Any] = {
        "paper": asked.paper or setting(store, "paper").value,
        "clinic_name": asked.clinic_name or setting(store, "clinic_name").value,
    }
    if asked.person is None:
        return asked.model_copy(update=more)
    entries = documents_of(store, actor, asked.person)
    more["display_name"] = (asked.display_name or _name(entries)) if asked.named else ""
    if asked.document == "consent" and asked.on is None:
        more["on"] = date.today()
    if asked.plan is None and asked.document != "review":
        more |= _plan_of(store, asked, entries)
    return asked.model_copy(update=more)


def standing_plan(entries: Sequence[Entry]) -> Entry | None:
    """Give the plan that stands accepted; None when there is none."""
    accepted = [one for one in entries if one.kind == "plan" and one.text is not None
                and one.document.state == "accepted"]  # fmt: skip
    return max(accepted, key=lambda one: one.seq, default=None)


def next_session(plan: Entry, entries: Sequence[Entry]) -> int | None:
    """Give the number of the session of a plan that is next; None when all were given.

    A session that names no plan, as one from another record, counts from the plan's first day on.
    """
    planned = plan.document.plan.sessions
    if not planned:
        return None
    kept = [one.document for one in entries if one.kind == "session" and one.text is not None]
    given = sum(
        one.stage == "given"
        and (one.plan == plan.id or (one.plan is None and one.session.date >= planned[0].date))
        for one in kept
    )
    return given + 1 if given < len(planned) else None


def goes_on(plan: Plan, patient: Patient) -> bool:
    """Tell whether a plan has a session after everything that was seen and given."""
    days = [visit.date for visit in patient.visits]
    days += [session.date for session in patient.sessions]
    days += [summary.date for summary in patient.session_summaries]
    last = max(days, default=date.min)
    return any(session.date > last for session in plan.sessions)


def document_answer(actor: Actor, job: Job) -> Response:
    """Answer with the file that a job set.

    Raises
    ------
    AccessError
        When it is about a person of the record, and the actor may not read that any more.
    NotFoundError
        When the job set none.
    """
    if job.person is not None:
        require(actor, "record:read")
    made = TASK_RESULT.validate_json(job.result) if job.result else None
    if not isinstance(made, DocumentResult):
        raise NotFoundError(f"job {job.id}: it has set no document, or not yet")
    content = base64.b64decode(made.data)
    policy = _PDF_POLICY if made.content_type == "application/pdf" else page_policy(content)
    return Response(
        content,
        media_type=made.content_type,
        headers={
            "Content-Disposition": f'inline; filename="{made.file_name}"',
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
        },
    )


def page_policy(content: bytes) -> str:
    """Policy for a document as a page: no script, no request, and only the styles it came with.

    Examples
    --------
    >>> page_policy(b"<p>no style</p>").split("; ")[:2]
    ["default-src 'none'", "style-src 'none'"]
    """
    styles = dict.fromkeys(_STYLE.findall(content.decode("utf-8")))
    digests = (hashlib.sha256(one.encode("utf-8")).digest() for one in styles)
    hashes = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return (
        f"default-src 'none'; style-src {hashes or repr('none')}; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; sandbox"
    )


def _name(entries: Sequence[Entry]) -> str:
    kept = [one.document.name for one in entries if one.kind == "identity" and one.text is not None]
    return (kept[-1] or "") if kept else ""


def _plan_of(store: Store, asked: DocumentRequested, entries: Sequence[Entry]) -> dict[str, Any]:
    """Choose plan and session of the record."""
    chosen = standing_plan(entries)
    if asked.plan_id is not None:
        found = [one for one in entries if one.kind == "plan" and one.id == asked.plan_id
                 and one.text is not None]  # fmt: skip
        if not found:
            raise NotFoundError(f"plan {asked.plan_id}: this person has no plan of this number")
        chosen = found[0]
    if asked.document == "injections":
        return _session_of(asked, chosen, entries)
    if chosen is None:
        return {}
    plan: Plan = chosen.document.plan
    person = str(asked.person)
    # A leaflet is about what is to come.
    if asked.document == "leaflet" and not goes_on(plan, patient_of(store, person)):
        if asked.plan_id is None:
            return {}
        raise InputError(
            Problem("plan_id", "a plan with a session to come", "one that is over",
                    "Choose another plan, or make a new one.")
        )  # fmt: skip
    return {"plan": plan}


def _session_of(
    asked: DocumentRequested, chosen: Entry | None, entries: Sequence[Entry]
) -> dict[str, Any]:
    """Give plan and session of a syringe sheet: nobody injects what was not accepted."""
    if chosen is None or chosen.document.state != "accepted":
        state = "none" if chosen is None else f"one that is {chosen.document.state}"
        raise InputError(
            Problem("plan_id", "an accepted plan", state, "Let a clinician accept a plan first.")
        )
    number = asked.session or next_session(chosen, entries)
    if number is None:
        raise InputError(
            Problem("session", "a session that was not given yet", "none",
                    "Make a new plan, or choose a session.")
        )  # fmt: skip
    count = len(chosen.document.plan.sessions)
    if number > count:
        raise InputError(
            Problem("session", f"a number from 1 to {count}", str(number),
                    "Choose a session of the plan.")
        )  # fmt: skip
    return {"plan": chosen.document.plan, "session": number}
