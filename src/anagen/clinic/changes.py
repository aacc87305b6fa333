"""What the clinic itself adds to, or refuses of, a document before it is kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from anagen.clinic.documents import PhotographKept, PlanKept, SessionKept
from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    from anagen.patient import Patient
    from anagen.treatment import Finding

JUDGED = frozenset(("plan", "session"))


def judged(document: BaseModel, patient: "Patient", profile: str | None) -> BaseModel:
    """Fill in what the rules of the clinic say of a plan or a session.

    A client's own findings are replaced: the record says what the rules said, not what somebody
    sent.

    Parameters
    ----------
    document : plan or session.
    patient : the record without it.
    profile : rules of the clinic.

    Raises
    ------
    InputError
        When a plan is accepted against a blocking rule without a reason, is somebody else's, or
        overrides a rule that nobody may override.
    """
    if isinstance(document, PlanKept):
        return _judged_plan(document, patient, profile)
    if isinstance(document, SessionKept):
        plan = document.session
        found = _findings(plan, plan.date, document.overrides, patient, profile)
        return document.model_copy(update={"findings": tuple(found)})
    return document


def _judged_plan(document: PlanKept, patient: "Patient", profile: str | None) -> PlanKept:
    plan = document.plan
    if plan.patient != patient.id:
        raise InputError(
            Problem("plan.patient", f"the number of this person, {patient.id!r}",
                    repr(plan.patient), "Keep the plan with the person it was made for.")
        )  # fmt: skip
    if not plan.sessions:
        return document.model_copy(update={"profile": profile})
    found = _findings(plan, plan.sessions[0].date, plan.overrides, patient, profile)
    standing = [one for one in found if one.severity == "block" and one.overridden_by is None]
    if document.state == "accepted" and standing:
        raise InputError(
            [
                Problem(f"plan.{one.place}", "a plan that no rule forbids, or a reason against it",
                        one.message.rstrip("."),
                        one.remedy if one.absolute else
                        f"{one.remedy} Or override '{one.rule}' with a reason.".strip())
                for one in standing
            ]
        )  # fmt: skip
    judged_plan = plan.model_copy(update={"findings": tuple(found)})
    return document.model_copy(update={"plan": judged_plan, "profile": profile})


def _findings(
    plan: Any, day: Any, overrides: Sequence[Any], patient: "Patient", profile: str | None
) -> list["Finding"]:
    from anagen.patient import facts
    from anagen.treatment.findings import apply_overrides
    from anagen.treatment.rules import check

    # What was given from that day on is the plan's own doing, not what it has to respect.
    before = patient.model_copy(
        update={
            "sessions": tuple(one for one in patient.sessions if one.date < day),
            "session_summaries": tuple(s for s in patient.session_summaries if s.date < day),
        }
    )
    return apply_overrides(check(plan, facts(before, day), profile), overrides)


def check_same_file(standing: PhotographKept, changed: PhotographKept) -> None:
    """Refuse a new version of a photograph that would point to another file.

    Raises
    ------
    InputError
        When anything about the file differs.
    """
    fields = ("sha256", "media_type", "width", "height")
    if any(getattr(standing, name) != getattr(changed, name) for name in fields):
        raise InputError(
            Problem("document.sha256", "the same file as before", "another one",
                    "Take this photograph back and add the other one.")
        )  # fmt: skip
