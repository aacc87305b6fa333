"""What is asked in the what-if, as the models take it: a person who does not exist, a treatment."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field

from anagen.evidence.defaults import DEFAULT_PROTOCOL
from anagen.patient import History, PatchSeen, Patient, Visit
from anagen.scalp import PatchShape, View, circle_outline
from anagen.treatment import Plan, load_protocol
from anagen.treatment.protocols import ProtocolChange
from anagen.web.api.job_models import ForecastRequested, PlanRequested
from anagen.web.console.forms import document_from, tree

# The drawn head has room for one round patch in each view, and for patches up to this size.
MOST_PATCHES, LARGEST_MM = 4, 80.0
# Closer sites or more sessions would be tens of thousands of injections.
CLOSEST_MM, MOST_SESSIONS = 3.0, 13
WEEKS = 52
PLAN = "treated"
_NOBODY = "nobody"
_LONGEST_QUERY = 2000
_MM_PER_CM = 10.0
# Middle of the scalp in each view, in millimetres from the corner of its frame.
_PLACES: tuple[tuple[View, float, float], ...] = (
    ("top", 90.0, 90.0), ("back", 90.0, 80.0), ("left", 100.0, 75.0), ("right", 100.0, 75.0),
)  # fmt: skip


class Asked(BaseModel):
    """A what-if, field by field.

    Parameters
    ----------
    diameter_cm, patches, weeks : of each round patch [cm], how many, since when [week].
    age_years, sex, recurrent : of the person; whether an earlier episode had grown back.
    salt_before, salt_weeks_before : SALT at an earlier look [%], and how long ago that was [week].
    strength, volume, spacing_mm, interval_weeks, sessions : of the treatment [mg/mL, mL, mm, week].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    diameter_cm: Annotated[float, Field(ge=0.5, le=LARGEST_MM / _MM_PER_CM)]
    patches: Annotated[int, Field(ge=1, le=MOST_PATCHES)]
    weeks: Annotated[float, Field(ge=0, le=1040)]
    age_years: Annotated[float, Field(ge=1, le=110)]
    sex: Literal["female", "male", "other"] = "female"
    recurrent: bool | None = None
    salt_before: Annotated[float, Field(ge=0, le=100)] | None = None
    salt_weeks_before: Annotated[float, Field(ge=1, le=520)] | None = None
    strength: Annotated[float, Field(gt=0, le=100)]
    volume: Annotated[float, Field(gt=0, le=10)]
    spacing_mm: Annotated[float, Field(ge=CLOSEST_MM, le=100)]
    interval_weeks: Annotated[float, Field(gt=0, le=WEEKS)]
    sessions: Annotated[int, Field(ge=1, le=MOST_SESSIONS)]


def defaults() -> dict[str, str]:
    """Fields as the form shows them first: a common patch, and the numbers of the default protocol.

    Examples
    --------
    >>> defaults()["strength:number"]
    '5'
    """
    protocol = load_protocol(DEFAULT_PROTOCOL)
    numbers = {
        "diameter_cm": 3.0, "patches": 1, "weeks": 12, "age_years": 30,
        "strength": protocol.strengths_mg_per_mL[0], "volume": protocol.volume_mL,
        "spacing_mm": protocol.layout.spacing_mm,
        "interval_weeks": protocol.interval_days / 7, "sessions": protocol.sessions,
    }  # fmt: skip
    shown = {f"{name}:number": f"{value:g}" for name, value in numbers.items()}
    return {**shown, "sex": "female", "recurrent:flag": "", "salt_before:number": "",
            "salt_weeks_before:number": ""}  # fmt: skip


def read_asked(fields: Mapping[str, str]) -> Asked:
    """Read a form.

    Raises
    ------
    InputError
        With everything that is wrong, by field.
    """
    known = defaults()
    return document_from(Asked, tree({name: fields.get(name, "") for name in known}))


def as_query(fields: Mapping[str, str]) -> str:
    """Fields of a form for the address of its answer, so that they come back with it."""
    return urlencode({name: fields.get(name, "")[:40] for name in defaults()})


def from_query(text: str) -> dict[str, str]:
    """Fields of a form from the address of its answer; the first ones where there are none.

    Examples
    --------
    >>> from_query("patches%3Anumber=2")["patches:number"]
    '2'
    """
    known = defaults()
    given = dict(parse_qsl(text[:_LONGEST_QUERY], keep_blank_values=True))
    return {name: given.get(name, first) for name, first in known.items()}


def patient_of(asked: Asked, today: date) -> Patient:
    """Make the person who does not exist, with round patches first looked at today."""
    begun = today - timedelta(weeks=asked.weeks)
    seen = tuple(
        PatchSeen(
            id=view, first_seen=begun, regrowth_percent=0.0,
            shape=PatchShape(outlines=(
                circle_outline(view, x, y, _MM_PER_CM * asked.diameter_cm),)),
        )
        for view, x, y in _PLACES[: asked.patches]
    )  # fmt: skip
    visits = [Visit(date=today, patches=seen)]
    if asked.salt_before is not None:
        ago = timedelta(weeks=asked.salt_weeks_before or asked.weeks or 1.0)
        visits.insert(0, Visit(date=today - ago, salt_percent=asked.salt_before))
    return Patient(
        id=_NOBODY, age_years=asked.age_years, sex=asked.sex, onset=begun,
        history=History(recurrent=asked.recurrent), visits=tuple(visits),
    )  # fmt: skip


def plan_asked(asked: Asked, patient: Patient, today: date, profile: str) -> PlanRequested:
    """Ask for the plan: the default protocol with the numbers of the form."""
    return PlanRequested(
        patient=patient, start=today, profile=profile,
        changes=ProtocolChange(
            strength_mg_per_mL=asked.strength, volume_mL=asked.volume,
            spacing_mm=asked.spacing_mm, interval_days=round(7 * asked.interval_weeks),
            sessions=asked.sessions,
        ),
    )  # fmt: skip


def forecast_asked(patient: Patient, plan: Plan) -> ForecastRequested:
    """Ask for the forecast with and without the plan."""
    return ForecastRequested(patient=patient, plans={PLAN: plan}, weeks=WEEKS)
