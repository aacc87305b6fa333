"""What a document is asked for: checked once, then read by the page that is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from anagen.errors import InputError, Problem
from anagen.report.documents.wording import Cited, Wording, clean

if TYPE_CHECKING:
    from anagen.patient import Patient
    from anagen.treatment import Plan, Session


@dataclass(frozen=True)
class Request:
    """Everything that one document may speak of.

    Parameters
    ----------
    patient : the record. plan : the sessions planned; session : the one the document is about.
    on : the day of the document. forecast, review : plain data, as `anagen.report.forecast_data`.
    clinic_name, display_name : printed as they are; empty leaves them out.
    wording : the language. cited : gathers the sources.
    """

    patient: "Patient"
    plan: "Plan | None"
    session: "Session | None"
    on: date
    forecast: Mapping[str, Any] | None
    review: Mapping[str, Any] | None
    clinic_name: str
    display_name: str
    wording: Wording
    cited: Cited = field(default_factory=Cited)

    @property
    def identity(self) -> list[tuple[str, str]]:
        """Who the document is about: pseudonym, name when it was given, date of birth or age."""
        from anagen.patient import age_on

        words = self.wording
        pairs = [(words.say("frame.patient"), clean(self.patient.id))]
        if self.display_name:
            pairs.insert(0, (words.say("frame.name"), clean(self.display_name)))
        if self.patient.born is not None:
            pairs.append((words.say("frame.born"), words.day(self.patient.born)))
        elif (age := age_on(self.patient, self.on)) is not None:
            pairs.append((words.say("frame.age"), words.say("frame.years", count=int(age))))
        return pairs


def chosen_session(
    plan: "Plan | None", session: "Session | int | None", on: date | None
) -> "Session | None":
    """Choose the session: the one given, that of a number, or the next on or after a day.

    Raises
    ------
    InputError
        When the plan has no session of that number.
    """
    if session is not None and not isinstance(session, int):
        return session
    sessions = plan.sessions if plan is not None else ()
    if session is not None:
        if not 1 <= session <= len(sessions):
            raise InputError(
                Problem("session", f"a number from 1 to {len(sessions)}", str(session),
                        "Choose a session of the plan.")
            )  # fmt: skip
        return sessions[session - 1]
    ahead = [one for one in sessions if on is None or one.date >= on]
    return ahead[0] if ahead else None


def plain_forecast(forecast: Any) -> dict[str, Any] | None:
    """Give a forecast, its dataset or its plain data as plain data."""
    from types import SimpleNamespace

    from anagen.report.forecast_data import forecast_data

    if forecast is None or isinstance(forecast, dict):
        return forecast
    made = forecast
    if not hasattr(forecast, "dataset"):
        made = SimpleNamespace(dataset=forecast, flags=())
    return forecast_data(made)


def plain_review(review: Any) -> dict[str, Any] | None:
    """Give a review or its plain data as plain data."""
    from anagen.report.forecast_data import review_data

    if review is None or isinstance(review, dict):
        return review
    return review_data(review, None)


def day_of(patient: "Patient", session: "Session | None", review: Mapping[str, Any] | None) -> date:
    """Day of a document that was given none: that of the review, the session or the last visit."""
    from anagen.patient import latest_visit

    if review is not None:
        return date.fromisoformat(str(review["on"])[:10])
    if session is not None:
        return session.date
    visit = latest_visit(patient)
    if visit is not None:
        return visit.date
    raise InputError(
        Problem("visit_date", "a date, a session or a visit in the record", "none of them",
                "Give the day of the document.")
    )  # fmt: skip


def needed(name: str, what: str, remedy: str) -> InputError:
    """Error for a piece without which a document cannot be made."""
    return InputError(Problem(name, what, "nothing", remedy))
