"""What the clinic keeps: one model per kind of document, made of the nouns of the other rooms.

A document never holds a name or a birth date but `Identity`, which is encrypted.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from anagen.patient.quantities import (
    Centimetres,
    HeadMillimetres,
    Identifier,
    Kilograms,
    Text,
    Word,
    Years,
    refusal,
)
from anagen.patient.record import (
    Ancestry,
    Flag,
    History,
    OtherSteroid,
    SessionSummary,
    Sex,
    Visit,
)
from anagen.scalp.views import View
from anagen.treatment.findings import Finding, Override
from anagen.treatment.injections import Plan, Session

Day = datetime.date

_EARLIEST, _LATEST = Day(1880, 1, 1), Day(2150, 1, 1)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
DocumentId = Annotated[str, Field(pattern=r"^[0-9a-z]{8,40}$")]


def _plausible(day: Day) -> Day:
    if _EARLIEST <= day <= _LATEST:
        return day
    raise refusal(f"a date between {_EARLIEST} and {_LATEST}", str(day), "Check the year.")


Date = Annotated[Day, AfterValidator(_plausible)]


class Document(BaseModel):
    """Frozen data that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _in_order(start: Day | None, end: Day | None, names: str) -> None:
    if start is not None and end is not None and end < start:
        raise refusal(f"{names} in order of date", f"{start} and {end}", "Exchange or mend them.")


class Condition(Document):
    """A disease, as the rules and the letters need it."""

    name: Word = Field(description="disease in words")
    since: Date | None = Field(None, description="first day known")
    resolved: Date | None = Field(None, description="day on which it was over")

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> "Condition":
        _in_order(self.since, self.resolved, "since and resolved")
        return self


class Medicine(Document):
    """A medicine taken."""

    name: Word = Field(description="name of the medicine, its active substance if known")
    dose: Word | None = Field(None, description="dose in words")
    start: Date | None = Field(None, description="first day taken")
    end: Date | None = Field(None, description="last day taken")

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> "Medicine":
        _in_order(self.start, self.end, "start and end")
        return self


class Allergy(Document):
    """Something the person does not bear."""

    substance: Word = Field(description="substance in words")
    reaction: Word | None = Field(None, description="what happened")
    severity: Literal["mild", "moderate", "severe"] | None = None


class Person(Document):
    """Who is treated, under a pseudonymous number.

    A missing list means "not asked", an empty one "asked, and none".
    """

    age_years: Years | None = Field(
        None, description="age on the day of the first visit, where no birth date is kept [year]"
    )
    sex: Sex | None = None
    weight_kg: Kilograms | None = Field(None, description="body weight [kg]")
    height_cm: Centimetres | None = Field(None, description="body height [cm]")
    head_circumference_mm: HeadMillimetres | None = Field(
        None, description="tape over brow and occiput [mm]"
    )
    ancestry: Ancestry = Field("unknown", description="sets the density of follicles")
    skin_type: Annotated[int, Field(ge=1, le=6, strict=True)] | None = Field(
        None, description="Fitzpatrick type, 1-6"
    )
    pregnant: Flag | None = None
    breast_feeding: Flag | None = None
    post_menopausal: Flag | None = None
    smoker: Flag | None = None
    onset: Date | None = Field(None, description="when this episode of hair loss began")
    history: History = Field(default_factory=History, description="what went before")
    conditions: Annotated[tuple[Condition, ...], Field(max_length=200)] | None = None
    medicines: Annotated[tuple[Medicine, ...], Field(max_length=200)] | None = None
    allergies: Annotated[tuple[Allergy, ...], Field(max_length=200)] | None = None
    bone_density_on: Date | None = Field(None, description="day of the last bone density scan")
    note: Text = ""


class Identity(Document):
    """Name and birth date: optional, and encrypted at rest."""

    name: Word | None = Field(None, description="name, as the clinic writes it")
    born: Date | None = Field(None, description="date of birth")


class Consent(Document):
    """What the person agreed to, refused or took back."""

    about: Literal["treatment", "photographs", "research", "teaching", "record"]
    state: Literal["given", "refused", "withdrawn"]
    on: Date
    by: Literal["person", "guardian"] = "person"
    form: Word | None = Field(None, description="name and version of the form signed")
    note: Text = ""


class PatchChange(Document):
    """What became of patches between visits, so that each keeps its identity."""

    kind: Literal["new", "split", "merged", "gone", "returned"]
    before: Annotated[tuple[Identifier, ...], Field(max_length=50)] = ()
    after: Annotated[tuple[Identifier, ...], Field(max_length=50)] = ()
    note: Text = ""

    @model_validator(mode="after")
    def _counts_fit(self) -> "PatchChange":
        least = {"new": (0, 1), "split": (1, 2), "merged": (2, 1), "gone": (1, 0),
                 "returned": (0, 1)}[self.kind]  # fmt: skip
        most = {"new": (0, 1), "split": (1, 50), "merged": (50, 1), "gone": (1, 0),
                "returned": (0, 1)}[self.kind]  # fmt: skip
        found = (len(self.before), len(self.after))
        if not all(low <= n <= high for low, n, high in zip(least, found, most, strict=True)):
            raise refusal(
                f"for '{self.kind}' {_span(least[0], most[0])} patches before and "
                f"{_span(least[1], most[1])} after",
                f"{found[0]} before and {found[1]} after", "Name the patches concerned.",
            )  # fmt: skip
        return self


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


class VisitKept(Document):
    """One visit: what was seen, and what became of the patches."""

    seen: Visit
    patch_changes: Annotated[tuple[PatchChange, ...], Field(max_length=200)] = ()


class PlanKept(Document):
    """A plan as it was made, with what the rules said and why somebody went on against them."""

    plan: Plan
    state: Literal["draft", "accepted", "replaced", "stopped"] = "draft"
    profile: Word | None = Field(None, description="rules it was checked by")
    note: Text = ""


class SessionKept(Document):
    """A session: planned, under way, given or cancelled; its sites say what each received."""

    session: Session
    stage: Literal["planned", "under_way", "given", "cancelled"]
    plan: DocumentId | None = Field(None, description="plan it belongs to")
    needle: Word | None = Field(None, description="needle or device, in words")
    signed_by: Word | None = Field(None, description="who signs for it; a given session needs one")
    pain: Annotated[int, Field(ge=0, le=10, strict=True)] | None = Field(
        None, description="pain right after it, 0-10"
    )
    findings: Annotated[tuple[Finding, ...], Field(max_length=500)] = ()
    overrides: Annotated[tuple[Override, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _given_says_what(self) -> "SessionKept":
        if self.stage != "given":
            return self
        if self.signed_by is None:
            raise refusal("signed_by for a session given", "nothing", "Say who signs for it.")
        planned = [site.number for site in self.session.injections if site.status == "planned"]
        if planned:
            raise refusal(
                "every site given or skipped", f"{len(planned)} still planned",
                "Mark each site as given, or as skipped with the reason.",
            )  # fmt: skip
        return self


class AdverseEvent(Document):
    """A harm, with its grade and its course."""

    event: Word = Field(description="what happened, such as 'atrophy' or 'headache'")
    grade: Annotated[int, Field(ge=1, le=5, strict=True)] = Field(
        description="severity by CTCAE: 1 mild, 2 moderate, 3 severe, 4 life-threatening, 5 death"
    )
    start: Date
    end: Date | None = None
    course: Literal["ongoing", "resolved", "resolved_with_sequelae", "fatal", "unknown"] = "ongoing"
    patch: Identifier | None = Field(None, description="id of the patch, when it is local")
    session: DocumentId | None = Field(None, description="session after which it came")
    related: Literal["unrelated", "unlikely", "possible", "probable", "certain"] | None = None
    action: Text = Field("", description="what was done about it")
    note: Text = ""

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> "AdverseEvent":
        _in_order(self.start, self.end, "start and end")
        return self


class PhotographKept(Document):
    """A photograph; the file lies beside the database under its hash and never changes."""

    sha256: Sha256
    media_type: Literal["image/jpeg", "image/png", "image/webp"]
    width: Annotated[int, Field(ge=1, le=100_000)] = Field(description="[pixel]")
    height: Annotated[int, Field(ge=1, le=100_000)] = Field(description="[pixel]")
    taken_on: Date
    view: View | Literal["close_up", "other"] = "other"
    patch: Identifier | None = None
    visit: DocumentId | None = None
    note: Text = ""


class Note(Document):
    """Free text."""

    on: Date
    text: Text
    visit: DocumentId | None = None


class Appointment(Document):
    """When somebody comes, and for what."""

    on: Date
    at: datetime.time | None = Field(None, description="time of the day, local")
    purpose: Literal["visit", "session", "review", "other"] = "visit"
    state: Literal["booked", "came", "missed", "cancelled"] = "booked"
    note: Text = ""


class ForecastKept(Document):
    """A forecast as it was shown, with the versions that made it."""

    origin: Date = Field(description="latest day on which anything was seen or given")
    weeks: Annotated[int, Field(ge=1, le=520)]
    model_version: Word
    parameter_version: Word
    posterior_version: Word
    seed: int = 0
    shown: dict[str, Any] = Field(description="the figures shown, by plan")
    plans: Annotated[tuple[DocumentId, ...], Field(max_length=20)] = ()
    note: Text = ""


class Account(Document):
    """What the chain keeps of a change to an account; never a secret."""

    roles: tuple[str, ...]
    disabled: bool
    change: str


class Setting(Document):
    """A setting of the clinic, such as the profile of rules."""

    value: Annotated[str, Field(max_length=400)]


class Erasure(Document):
    """What stands in place of an erased record."""

    basis: Text = Field(description="legal basis or request")
    texts: int = Field(description="number of texts erased")
    photographs: int = Field(description="number of photographs erased")
    files: tuple[Sha256, ...] = Field(
        (), description="keyed marks of the files to be gone; they tell nothing without a file"
    )


@dataclass(frozen=True)
class Kind:
    """One kind of document.

    Parameters
    ----------
    name : as in the table and the chain.
    path : its name in addresses, in the plural.
    model : what a document of it must be.
    day : the day it is about, from the document; None when it has none.
    one_per_person : whether its id is that of the person.
    sealed : whether its text is encrypted.
    """

    name: str
    path: str
    model: type[Document] | type[BaseModel]
    day: Callable[[Any], Day | None] = lambda document: None
    one_per_person: bool = False
    sealed: bool = False


_OF_A_PERSON = (
    Kind("person", "person", Person, one_per_person=True),
    Kind("identity", "identity", Identity, one_per_person=True, sealed=True),
    Kind("consent", "consents", Consent, lambda one: one.on),
    Kind("visit", "visits", VisitKept, lambda one: one.seen.date),
    Kind("plan", "plans", PlanKept, lambda one: _first_day(one.plan)),
    Kind("session", "sessions", SessionKept, lambda one: one.session.date),
    Kind("session_summary", "session-summaries", SessionSummary, lambda one: one.date),
    Kind("other_steroid", "other-steroids", OtherSteroid, lambda one: one.start),
    Kind("adverse_event", "adverse-events", AdverseEvent, lambda one: one.start),
    Kind("photograph", "photographs", PhotographKept, lambda one: one.taken_on),
    Kind("note", "notes", Note, lambda one: one.on),
    Kind("appointment", "appointments", Appointment, lambda one: one.on),
    Kind("forecast", "forecasts", ForecastKept, lambda one: one.origin),
)
_OF_THE_CLINIC = (
    Kind("account", "accounts", Account),
    Kind("setting", "settings", Setting),
    Kind("erasure", "erasures", Erasure),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (*_OF_A_PERSON, *_OF_THE_CLINIC)}
PERSON_KINDS: tuple[str, ...] = tuple(kind.name for kind in _OF_A_PERSON)


def _first_day(plan: Plan) -> Day | None:
    return plan.sessions[0].date if plan.sessions else None
