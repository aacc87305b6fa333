"""What ``anagen document`` does, without a word of how it is shown."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    from anagen.patient import Patient
    from anagen.treatment import Plan


@dataclass(frozen=True)
class Wish:
    """What is to be printed, and how.

    Parameters
    ----------
    kind, paper, language, as_ : as in `anagen.report.documents.make_document`.
    session : number in the plan; on : day of the document; None for the next and the last.
    clinic, name : printed as they are.
    seed : of the random numbers of a forecast.
    """

    kind: str
    paper: str
    language: str
    as_: str
    session: int | None
    on: date | None
    clinic: str
    name: str
    seed: int


def suffix_of(output: Path) -> str:
    """``.html`` for a file of that name, else ``.pdf``."""
    return ".html" if output.suffix.lower() == ".html" else ".pdf"


def check_options(kind: str, paper: str, language: str) -> None:
    """Refuse options that nobody knows, before anything is computed."""
    from anagen.report.documents import DOCUMENTS, PAPERS, languages

    rows = (("KIND", kind, DOCUMENTS), ("--paper", paper, tuple(PAPERS)),
            ("--language", language, languages()))  # fmt: skip
    problems = [
        Problem(place, " or ".join(known), repr(value), "Choose one of them.")
        for place, value, known in rows
        if value not in known
    ]
    if problems:
        raise InputError(problems)


def make(patient: "Patient", plan: "Plan | None", wish: Wish) -> bytes:
    """Make the document, and first the forecast or the review that it needs."""
    from anagen.report.documents import make_document

    chosen = plan
    more: dict[str, Any] = {}
    if wish.kind == "leaflet":
        chosen, more["forecast"] = _forecast(patient, plan, wish)
    if wish.kind == "review":
        from anagen._commands import forecast as room

        plans = {} if plan is None else {"plan": plan}
        more["review"], _ = room.review(patient, plans, profile=None, on=wish.on, seed=wish.seed)
    return make_document(
        wish.kind, patient=patient, plan=chosen, session=wish.session, visit_date=wish.on,
        clinic_name=wish.clinic, display_name=wish.name, paper=wish.paper, language=wish.language,
        as_=wish.as_, **more,
    )  # fmt: skip


def _forecast(patient: "Patient", plan: "Plan | None", wish: Wish) -> tuple["Plan", Any]:
    from anagen._commands import forecast as room
    from anagen.patient.plans import plans_or_default

    plans = plans_or_default(patient, {} if plan is None else {"plan": plan}, wish.on)
    made = room.make_forecast(patient, plans, room.ForecastRequest(52, wish.on, wish.seed))
    return next(iter(plans.values())), made
