"""A plan for one patient, and what the rules say of the two; the same for every way in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from anagen.errors import InputError, Problem
from anagen.evidence.defaults import DEFAULT_PROTOCOL
from anagen.patient.drawings import patient_scalp
from anagen.patient.facts import facts
from anagen.patient.record import Patient
from anagen.patient.timeline import latest_patches, patch_shapes, start_date
from anagen.scalp import patch_cells
from anagen.treatment import Finding, Plan, load_protocol, make_plan
from anagen.treatment.binding import BindingLimit, which_limit_binds_first
from anagen.treatment.findings import apply_overrides, blocked
from anagen.treatment.protocols import ProtocolChange
from anagen.treatment.rules import check


@dataclass(frozen=True)
class PlanRequest:
    """What the user asks of a plan; None leaves the choice to protocol and record.

    Parameters
    ----------
    protocol : key of the protocol.
    start : day of the first session.
    sessions : how many.
    changes : other numbers of the protocol to change.
    leave_out : patches not to be treated.
    """

    protocol: str = DEFAULT_PROTOCOL
    start: date | None = None
    sessions: int | None = None
    changes: ProtocolChange | None = None
    leave_out: tuple[str, ...] = ()


def plan_patient(patient: Patient, request: PlanRequest) -> Plan:
    """Make a plan for one patient and judge it by the rules.

    It starts on the day asked for, else at the latest visit, or one interval of the protocol after
    the latest session when that is later.
    """
    protocol = load_protocol(request.protocol)
    start = request.start or _first_day(patient, protocol.interval_days)
    scalp = patient_scalp(patient)
    shapes = patch_shapes(patient, start)
    if not shapes:
        raise InputError(
            Problem("visits", f"a patch with an outline, seen by {start}", "none",
                    "Draw the outline of a patch in one of the four views.")
        )  # fmt: skip
    changes = {} if request.changes is None else request.changes.model_dump(exclude_none=True)
    if request.sessions is not None:
        changes["sessions"] = request.sessions
    plan = make_plan(
        scalp,
        {name: patch_cells(scalp, shape, f"patch {name}") for name, shape in shapes.items()},
        protocol,
        start,
        patient_id=patient.id,
        blocked=[
            name
            for name, seen in latest_patches(patient, start).items()
            if seen.blocked or name in request.leave_out
        ],
        **changes,
    )
    verdict = judge(patient, plan, None, None)
    return plan.model_copy(update={"findings": verdict.findings})


def _first_day(patient: Patient, interval_days: float) -> date:
    start = start_date(patient)
    if start is None:
        raise InputError(
            Problem("visits", "at least one visit", "none",
                    "Record a visit with the patches seen, or choose the first day.")
        )  # fmt: skip
    given = [session.date for session in patient.sessions]
    given += [summary.date for summary in patient.session_summaries]
    return max([start, *(day + timedelta(days=round(interval_days)) for day in given)])


@dataclass(frozen=True)
class Verdict:
    """What the rules of a profile say.

    Parameters
    ----------
    findings : gravest first.
    blocked : whether a blocking rule stands that nobody has overridden.
    limits : of the plan, the one that binds first stands first; empty without a plan.
    """

    findings: tuple[Finding, ...]
    blocked: bool
    limits: tuple[BindingLimit, ...] = ()


def judge(patient: Patient, plan: Plan | None, profile: str | None, on: date | None) -> Verdict:
    """Hold a patient and a plan against the rules of a profile, as of a day.

    The day is that asked for, else the first planned session, else today.
    """
    planned = plan if plan is not None and plan.sessions else None
    known = facts(patient, on or (planned.sessions[0].date if planned else date.today()))
    found = check(planned or [], known, profile)
    found = apply_overrides(found, plan.overrides if plan else ())
    limits = which_limit_binds_first(planned, known, profile) if planned else []
    return Verdict(tuple(found), blocked(found), tuple(limits))


def verdict_data(verdict: Verdict, warnings: Sequence[Problem]) -> dict[str, Any]:
    """Return a verdict as plain data."""
    return {
        "blocked": verdict.blocked,
        "findings": [finding.model_dump(mode="json") for finding in verdict.findings],
        "limits": [vars(limit) for limit in verdict.limits],
        "warnings": [vars(warning) for warning in warnings],
    }


def plans_or_default(
    patient: Patient, plans: Mapping[str, Plan], on: date | None
) -> dict[str, Plan]:
    """Return the plans given, else the plan of the default protocol under its name."""
    if plans:
        return dict(plans)
    until = patient if on is None else known_by(patient, on)
    if not until.visits:
        when = "" if on is None else f" by {on}"
        raise InputError(
            Problem("visits", f"at least one visit{when}", "none",
                    "Record a visit with the patches seen, or choose a later day.")
        )  # fmt: skip
    plan = plan_patient(until, PlanRequest())
    return {plan.protocol: plan}


def known_by(patient: Patient, on: date) -> Patient:
    """Give the record without what came after a day."""
    return patient.model_copy(
        update={
            "visits": tuple(visit for visit in patient.visits if visit.date <= on),
            "sessions": tuple(session for session in patient.sessions if session.date <= on),
            "session_summaries": tuple(s for s in patient.session_summaries if s.date <= on),
        }
    )
