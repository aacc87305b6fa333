"""Setting a document in a worker: first the forecast or the review that it needs."""

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from html import unescape
from typing import TYPE_CHECKING, Any

from anagen.errors import InputError, Problem
from anagen.web.api.job_models import DocumentRequested, DocumentResult

if TYPE_CHECKING:
    from anagen.forecast.predict import Forecast
    from anagen.patient import Patient
    from anagen.treatment import Plan

    ForecastOf = Callable[[Patient, Mapping[str, Plan]], Forecast]

_TAG = re.compile(r'<([a-zA-Z][^<>]*?) style="([^"]*)"([^<>]*)>')
_CLASS = re.compile(r' class="([^"]*)"')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9]+")


def set_document(
    asked: DocumentRequested,
    patient: "Patient",
    forecast_of: "ForecastOf",
    progress: Callable[[int, int], None],
) -> DocumentResult:
    """Set a document.

    Parameters
    ----------
    asked : which, and how.
    patient : in full.
    forecast_of : forecasts a patient under plans, and tells progress up to the last step.
    progress : called with (steps done, steps in all).

    Raises
    ------
    InputError
        When something is missing that the document needs.
    """
    from anagen.report.documents import document_data
    from anagen.report.documents.typesetting import set_html, set_pdf

    plan, more, steps = _made_first(asked, patient, forecast_of)
    data = document_data(
        asked.document, patient=patient if asked.named else _without_birth(patient, asked.on),
        plan=plan, session=asked.session, visit_date=asked.on, clinic_name=asked.clinic_name,
        display_name=asked.display_name if asked.named else "", paper=asked.paper or "A4",
        language=asked.language, **more,
    )  # fmt: skip
    if asked.format == "pdf":
        content, content_type = set_pdf(data), "application/pdf"
    else:
        content, content_type = styled(set_html(data)), "text/html; charset=utf-8"
    progress(steps, steps)
    name = file_name(patient.id, str(data["title"]), date(*data["day"]), asked.format)
    return DocumentResult.model_validate(
        {"document": asked.document, "content_type": content_type, "size": len(content),
         "file_name": name, "data": base64.b64encode(content).decode("ascii")}
    )  # fmt: skip


def _made_first(
    asked: DocumentRequested, patient: "Patient", forecast_of: "ForecastOf"
) -> tuple["Plan | None", dict[str, Any], int]:
    """Make what the document needs; gives the plan, what was made, and the steps in all."""
    if asked.document == "leaflet":
        from anagen.patient.plans import plans_or_default

        given = {} if asked.plan is None else {"plan": asked.plan}
        plans = plans_or_default(patient, given, asked.on)
        made = forecast_of(patient, plans)
        return next(iter(plans.values())), {"forecast": made}, 4
    if asked.document == "review":
        from anagen.forecast.review_patient import review_patient

        given = {} if asked.plan is None else {"plan": asked.plan}
        if not patient.visits:
            raise InputError(
                Problem("patient.visits", "at least one visit", "none", "Record a visit first.")
            )
        found, _ = review_patient(
            patient, given, profile=asked.profile, on=asked.on, forecast=forecast_of
        )
        return asked.plan, {"review": found}, 4
    return asked.plan, {}, 1


def _without_birth(patient: "Patient", on: date | None) -> "Patient":
    """Give the patient with an age in place of the birth date."""
    from anagen.patient import age_on

    if patient.born is None:
        return patient
    age = age_on(patient, on or date.today())
    return patient.model_copy(update={"born": None, "age_years": age})


def file_name(number: str, title: str, day: date, suffix: str) -> str:
    """Name of a file, in letters that every system takes.

    Examples
    --------
    >>> file_name("K7Q-4FNB", "Aufklärung und Einwilligung", date(2026, 3, 2), "pdf")
    'K7Q-4FNB-aufklarung-und-einwilligung-2026-03-02.pdf'
    """
    return f"{_plain(number) or 'person'}-{_plain(title).lower()}-{day}.{suffix}"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return _NOT_PLAIN.sub("-", letters).strip("-")


def styled(content: bytes) -> bytes:
    r"""Move style attributes, which a strict policy forbids, into the style sheet of a page.

    Examples
    --------
    >>> styled(b'<style>p {}</style><p class="a" style="color:red">x</p>').decode()
    '<style>p {}\n.st1.st1.st1 { color:red }</style><p class="a st1">x</p>'
    """
    names: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        before, style, after = found.groups()
        name = names.setdefault(unescape(style), f"st{len(names) + 1}")
        tag = f"<{before}{after}>"
        if _CLASS.search(tag):
            return _CLASS.sub(rf' class="\1 {name}"', tag, count=1)
        # A tag that closes itself ends in a slash.
        return f'<{before} class="{name}"{after}>'

    text = _TAG.sub(named, content.decode("utf-8"))
    # Thrice the name: as strong as an attribute against the rules of the page.
    rules = "".join(f"\n.{name}.{name}.{name} {{ {style} }}" for style, name in names.items())
    return text.replace("</style>", f"{rules}</style>", 1).encode("utf-8")
