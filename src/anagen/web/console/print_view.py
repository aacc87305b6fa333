"""What the page of documents offers: sessions, visits and plans a document can be made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from anagen.clinic.entries import Entry
from anagen.patient import Patient
from anagen.web.printing import goes_on, next_session, standing_plan


@dataclass(frozen=True)
class SessionChoice:
    """A session that a syringe sheet can be made for.

    Parameters
    ----------
    value : of the form: id of the plan and number of the session.
    day : planned; number, of, sites : of the session in the plan.
    given : whether it was given already.
    """

    value: str
    day: date
    number: int
    of: int
    sites: int
    given: bool


@dataclass(frozen=True)
class PlanChoice:
    """A plan that a document can speak of.

    Parameters
    ----------
    value : id of the plan.
    day : of its first session; sessions : how many.
    state : accepted or draft.
    """

    value: str
    day: date | None
    sessions: int
    state: str


@dataclass(frozen=True)
class PrintView:
    """What can be chosen.

    Parameters
    ----------
    sessions : of the plan that stands accepted; next_session : value of the one that is next.
    visits : days, latest first.
    plans : the one that stands accepted first, then drafts, latest first.
    ahead : those of them with a session to come.
    accepted : whether a plan stands accepted.
    """

    sessions: tuple[SessionChoice, ...]
    next_session: str
    visits: tuple[date, ...]
    plans: tuple[PlanChoice, ...]
    ahead: tuple[PlanChoice, ...]
    accepted: bool


def print_view(entries: Sequence[Entry], patient: Patient) -> PrintView:
    """Gather what stands about a person; `patient` is made of the same entries."""
    accepted = standing_plan(entries)
    drafts = [one for one in entries if one.kind == "plan" and one.text is not None
              and one.document.state == "draft"]  # fmt: skip
    drafts.sort(key=lambda one: one.seq, reverse=True)
    standing = ([accepted] if accepted else []) + drafts
    number = next_session(accepted, entries) if accepted else None
    days = {visit.date for visit in patient.visits}
    return PrintView(
        sessions=_sessions(accepted, number),
        next_session=f"{accepted.id}.{number}" if accepted and number else "",
        visits=tuple(sorted(days, reverse=True)),
        plans=tuple(_plan(one) for one in standing),
        ahead=tuple(_plan(one) for one in standing if goes_on(one.document.plan, patient)),
        accepted=accepted is not None,
    )


def _sessions(entry: Entry | None, following: int | None) -> tuple[SessionChoice, ...]:
    """Give the sessions that hold something to inject."""
    if entry is None:
        return ()
    planned = entry.document.plan.sessions
    return tuple(
        SessionChoice(f"{entry.id}.{number}", one.date, number, len(planned), one.sites,
                      given=following is None or number < following)
        for number, one in enumerate(planned, 1) if one.sites
    )  # fmt: skip


def _plan(entry: Entry) -> PlanChoice:
    kept: Any = entry.document
    days = [session.date for session in kept.plan.sessions]
    return PlanChoice(entry.id, days[0] if days else None, len(days), kept.state)
