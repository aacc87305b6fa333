"""Printed documents of a clinic: syringe sheet, letter, consent form, leaflet, review sheet."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, get_args

from anagen.errors import InputError, Problem
from anagen.report.documents import blocks as parts
from anagen.report.documents.request import (
    Request,
    chosen_session,
    day_of,
    plain_forecast,
    plain_review,
)
from anagen.report.documents.typesetting import PAPERS, set_html, set_pdf
from anagen.report.documents.wording import clean, languages, load_wording

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.predict import Forecast
    from anagen.forecast.review import Review
    from anagen.patient import Patient
    from anagen.treatment import Plan, Session

Kind = Literal["injections", "letter", "consent", "leaflet", "review"]
Format = Literal["pdf", "html"]

DOCUMENTS: tuple[Kind, ...] = get_args(Kind)
"""Names of the documents that can be made."""

FORMATS: tuple[Format, ...] = get_args(Format)

_TEXT_SIZE = {"injections": 9.6, "letter": 9.9, "consent": 10.0, "leaflet": 10.7, "review": 9.8}
_BUILDERS = {
    "injections": "injection_sheet",
    "letter": "visit_letter",
    "consent": "consent_form",
    "leaflet": "patient_leaflet",
    "review": "review_sheet",
}

__all__ = ["DOCUMENTS", "FORMATS", "PAPERS", "document_data", "languages", "make_document"]


def make_document(
    kind: str,
    *,
    patient: "Patient",
    plan: "Plan | None" = None,
    session: "Session | int | None" = None,
    visit_date: date | None = None,
    forecast: "xr.Dataset | Forecast | Mapping[str, Any] | None" = None,
    review: "Review | Mapping[str, Any] | None" = None,
    clinic_name: str = "",
    display_name: str = "",
    paper: str = "A4",
    language: str = "en",
    as_: str = "pdf",
) -> bytes:
    """Make one document of a clinic; the same input gives the same bytes.

    Parameters
    ----------
    kind : one of `DOCUMENTS`. ``injections`` needs a session (or a plan that has one ahead),
        ``letter`` a visit in the record, ``leaflet`` a forecast and ``review`` a review;
        ``consent`` needs nothing but speaks of the plan when there is one.
    patient : the record, by pseudonym.
    plan : the sessions planned.
    session : what an injection sheet is for, itself or its number in the plan; else the next one.
    visit_date : day of the document; else that of the review, the session or the last visit.
    forecast : of this person, first plan first; its dataset, or its plain data.
    review : of this person, or its plain data.
    clinic_name, display_name : printed as they are. No name is printed unless it is given.
    paper : ``A4`` or ``Letter``.
    language : code of a catalogue, see `languages`.
    as_ : ``pdf`` or ``html``.

    Returns
    -------
    bytes
        A PDF, or one HTML file that carries everything it shows.

    Raises
    ------
    InputError
        When something that the document needs is missing, belongs to somebody else, or an option
        is not known; all such problems together.

    Examples
    --------
    >>> from anagen.patient import Patient
    >>> page = make_document("consent", patient=Patient(id="P1"), as_="html",
    ...                      visit_date=date(2026, 3, 2))
    >>> b"Consent to steroid injections" in page
    True
    """
    if as_ not in FORMATS:
        raise InputError(Problem("as_", " or ".join(FORMATS), repr(as_), "Choose one of them."))
    data = document_data(
        kind, patient=patient, plan=plan, session=session, visit_date=visit_date,
        forecast=forecast, review=review, clinic_name=clinic_name, display_name=display_name,
        paper=paper, language=language,
    )  # fmt: skip
    return set_pdf(data) if as_ == "pdf" else set_html(data)


def document_data(
    kind: str,
    *,
    patient: "Patient",
    plan: "Plan | None" = None,
    session: "Session | int | None" = None,
    visit_date: date | None = None,
    forecast: Any = None,
    review: Any = None,
    clinic_name: str = "",
    display_name: str = "",
    paper: str = "A4",
    language: str = "en",
) -> dict[str, Any]:
    """Everything that a document says, as plain data; parameters as in `make_document`."""
    from anagen._version import __version__

    _check(kind, paper, patient, plan, forecast=forecast, review=review)
    wording = load_wording(language)
    found = plain_review(review) if kind == "review" else None
    near = chosen_session(plan, session, visit_date) if kind == "injections" else None
    on = visit_date or day_of(patient, near, found)
    request = Request(
        patient=patient, plan=plan, session=near, on=on, forecast=plain_forecast(forecast),
        review=found, clinic_name=clinic_name, display_name=display_name, wording=wording,
    )  # fmt: skip
    body = _builder(kind)(request)
    cited = request.cited.entries(wording)
    if cited:
        body.append(parts.sources(wording.say("sources.title"), cited))
    return {
        "title": wording.say(f"titles.{kind}"),
        "clinic": clean(clinic_name) or wording.say("frame.no_clinic"),
        "footer": wording.say("frame.made", version=__version__, day=wording.day(on)),
        "who": " · ".join(filter(None, (clean(display_name), clean(patient.id)))),
        "page_of": wording.say("frame.page", page="#1", pages="#2"),
        "sign_place": wording.say("sign.place"),
        "language": language,
        "paper": PAPERS[paper][0],
        "paper_name": paper,
        "day": (on.year, on.month, on.day),
        "size": _TEXT_SIZE[kind],
        "kind": kind,
        "blocks": body,
    }


def _builder(kind: str) -> Callable[[Request], list[parts.Block]]:
    from importlib import import_module

    build: Callable[[Request], list[parts.Block]] = import_module(
        f"{__name__}.{_BUILDERS[kind]}"
    ).build
    return build


def _check(
    kind: str,
    paper: str,
    patient: "Patient",
    plan: "Plan | None",
    *,
    forecast: Any,
    review: Any,
) -> None:
    problems = []
    for name, value, known in (("kind", kind, DOCUMENTS), ("paper", paper, tuple(PAPERS))):
        if value not in known:
            problems.append(Problem(name, " or ".join(known), repr(value), "Choose one of them."))
    owners = {
        "plan": None if plan is None else plan.patient,
        "forecast": _owner(forecast),
        "review": _owner(review),
    }
    problems += [
        Problem(name, f"that of patient {patient.id!r}", f"that of {owner!r}",
                "Give the one made for this patient.")
        for name, owner in owners.items() if owner and owner != patient.id
    ]  # fmt: skip
    if problems:
        raise InputError(problems)


def _owner(made: Any) -> str:
    """Pseudonym of the person that a forecast or a review was made for; empty when it is silent."""
    if isinstance(made, Mapping) and not hasattr(made, "attrs"):
        return str(made.get("patient", ""))
    data = getattr(made, "dataset", made)
    attributes = getattr(data, "attrs", None)
    if attributes is not None:
        return str(attributes.get("patient", ""))
    return str(getattr(made, "patient", "") or "")
