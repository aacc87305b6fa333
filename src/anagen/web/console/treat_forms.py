"""What is tapped and typed during a session becomes the session as it was given."""

from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

from anagen.clinic.documents import SessionKept
from anagen.errors import InputError, Problem
from anagen.treatment.injections import Comfort, Injection, Session
from anagen.web.console.forms import document_from

# Reasons offered for a site that is left out; any other can be written.
REASONS = (
    "hair has come back", "skin looks thin or sunken", "crust, wound or infection",
    "the person asked to stop", "too painful",
)  # fmt: skip
COMFORT: tuple[str, ...] = get_args(Comfort)
_LONGEST = 200


def as_typed(session: Session) -> dict[str, str]:
    """Fields of the page before the first tap, as the plan has them."""
    fields = {f"comfort.{at}": name for at, name in enumerate(session.comfort)}
    gauges = sorted({site.needle_gauge for site in session.injections})
    return fields | {"needle": ", ".join(f"{gauge} G" for gauge in gauges), "note": session.note}


def read_session(
    planned: Session, fields: Mapping[str, str], plan: str, today: date
) -> SessionKept:
    """Read the session as it was given.

    Parameters
    ----------
    planned : what was to be given; fields : as tapped and typed.
    plan : key of the plan; today : the day.

    Raises
    ------
    InputError
        Every problem, each with the name of its field.
    """
    problems: list[Problem] = []
    day = _day(fields, "date", problems)
    if day is not None and day > today:
        problems.append(Problem("date", "today or a day before", day.isoformat(),
                                "Keep a session on the day it was given."))  # fmt: skip
    lot = _words(fields, "lot")
    expiry = _day(fields, "expiry", problems) if fields.get("expiry") else None
    sites = tuple(_given(site, fields, lot, expiry, problems) for site in planned.injections)
    if lot is None and any(site.status == "given" for site in sites):
        problems.append(Problem("lot", "the lot printed on the vial", "nothing", "Write it down."))
    used_late = expiry is not None and day is not None and expiry < day
    if used_late and fields.get("expired_ok") != "yes":
        problems.append(
            Problem("expiry", f"stock that lasts beyond {day}", f"{expiry}",
                    "Take another vial. If it was used all the same, say so below.")
        )  # fmt: skip
    signed = _words(fields, "signed_by")
    if signed is None:
        problems.append(Problem("signed_by", "who signs", "nothing", "Write name or initials."))
    if problems:
        raise InputError(problems)
    comfort = [name for name in COMFORT if name in _chosen(fields)]
    session: dict[str, Any] = {
        "date": day.isoformat() if day else None,
        "injections": [site.model_dump(mode="json") for site in sites],
        "diluent": planned.diluent, "comfort": comfort,
        "note": fields.get("note", "").strip()[:2000],
    }  # fmt: skip
    pain = fields.get("pain", "")
    return document_from(SessionKept, {
        "session": session, "stage": "given", "plan": plan, "needle": _words(fields, "needle"),
        "signed_by": signed, "pain": int(pain) if pain in map(str, range(11)) else None,
    })  # fmt: skip


def _chosen(fields: Mapping[str, str]) -> set[str]:
    return {value for name, value in fields.items() if name.startswith("comfort.")}


def _words(fields: Mapping[str, str], name: str) -> str | None:
    return fields.get(name, "").strip()[:_LONGEST] or None


def _day(fields: Mapping[str, str], name: str, problems: list[Problem]) -> date | None:
    try:
        return date.fromisoformat(fields.get(name, "").strip())
    except ValueError:
        problems.append(Problem(name, "a day", repr(fields.get(name, "")[:40]), "Choose a day."))
        return None


def _given(
    site: Injection, fields: Mapping[str, str], lot: str | None, expiry: date | None,
    problems: list[Problem],
) -> Injection:  # fmt: skip
    """Give one site as it was given or skipped; where neither is known, note a problem."""
    name = f"site.{site.number}"
    status = fields.get(f"{name}.status", "")
    if status == "given":
        return site.model_copy(
            update={"status": "given", "lot": lot, "expiry": expiry,
                    "reflux": fields.get(f"{name}.reflux") == "yes"}
        )  # fmt: skip
    reason = _words(fields, f"{name}.other") or _words(fields, f"{name}.reason")
    if status == "skipped" and reason:
        return site.model_copy(update={"status": "skipped", "skipped_reason": reason})
    problems.append(
        Problem(name, "why it was skipped", "nothing", "Choose a reason or write one.")
        if status == "skipped"
        else Problem(name, "given or skipped", "neither", "Tap one of the two.")
    )
    return site
