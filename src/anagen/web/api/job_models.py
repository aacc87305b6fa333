"""What can be asked of a worker, and what it answers: one model per kind of job.

Figures over time are arrays by week. None stands where there is no figure.
"""

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from anagen.clinic.documents import DocumentId
from anagen.errors import Problem
from anagen.evidence.defaults import DEFAULT_PROTOCOL
from anagen.forecast.choices import Criterion
from anagen.forecast.choose import Pick, Trade
from anagen.forecast.flag_rows import Flag
from anagen.forecast.review import Review
from anagen.patient import Patient
from anagen.patient.quantities import Identifier, Text, Word, refusal
from anagen.treatment import Finding, Plan
from anagen.treatment.binding import BindingLimit
from anagen.treatment.protocols import ProtocolChange

Day = datetime.date

JobKind = Literal["plan", "check", "simulate", "forecast", "compare", "review", "hair", "document"]
JobStateName = Literal["queued", "running", "done", "failed", "cancelled"]

# Technical bounds of one request: five years, and as many plans as one chart can show.
MOST_WEEKS, MOST_PLANS, MOST_SESSIONS, MOST_ROWS = 260, 12, 60, 500

# As many strands of each arm as a laptop draws 30 times a second.
MOST_HAIRS = 20_000

Weeks = Annotated[int, Field(ge=1, le=MOST_WEEKS, description="how far ahead [week]")]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1, description="of the random numbers")]
OnDay = Annotated[Day | None, Field(description="last day of the record that counts; all if none")]
Profile = Annotated[Word | None, Field(description="whose rules hold; the default's if none")]
PlanName = Annotated[Identifier, Field(description="name of the plan in the answer")]
Plans = Annotated[
    dict[PlanName, Plan],
    Field(max_length=MOST_PLANS, description="plans by name, none called 'untreated'"),
]
Figure = float | None
Series = tuple[Figure, ...]


class Shape(BaseModel):
    """Frozen data that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Asked(Shape):
    """What every request says: about whom."""

    person: Identifier | None = Field(None, description="number of a person of the record")
    patient: Patient | None = Field(None, description="a patient in full, instead of a person")

    @model_validator(mode="after")
    def _about_somebody(self) -> "Asked":
        if self.person is None and self.patient is None:
            raise refusal("a person or a patient", "neither", "Send one of the two.")
        return self


class PlanRequested(Asked):
    """Make a plan by a protocol."""

    kind: Literal["plan"] = "plan"
    protocol: Word = Field(DEFAULT_PROTOCOL, description="key of the protocol")
    start: Day | None = Field(None, description="day of the first session")
    sessions: Annotated[int, Field(ge=1, le=MOST_SESSIONS)] | None = None
    changes: ProtocolChange | None = Field(None, description="other numbers of the protocol")
    leave_out: Annotated[tuple[Identifier, ...], Field(max_length=200)] = Field(
        (), description="patches not to be treated"
    )
    profile: Profile = None


class CheckRequested(Asked):
    """Hold a patient, with or without a plan, against the rules."""

    kind: Literal["check"] = "check"
    plan: Plan | None = None
    profile: Profile = None
    on: Day | None = Field(None, description="as of this day; else the plan's first, else today")


class SimulateRequested(Asked):
    """Follow one typical course."""

    kind: Literal["simulate"] = "simulate"
    plan: Plan | None = None
    weeks: Weeks = 52
    treated: bool = Field(True, description="whether what is planned is given")
    follicles: bool = Field(False, description="whether every follicle is followed by itself")
    seed: Seed = 0


class ForecastRequested(Asked):
    """Forecast with intervals, under plans and without further treatment."""

    kind: Literal["forecast"] = "forecast"
    plans: Plans = Field(default_factory=dict)
    weeks: Weeks = 52
    on: OnDay = None
    seed: Seed = 0


class CompareRequested(Asked):
    """Compare many plans that the rules allow."""

    kind: Literal["compare"] = "compare"
    weeks: Weeks = 24
    profile: Profile = None
    preference: dict[Criterion, Annotated[float, Field(ge=0, le=1e6)]] | None = Field(
        None, description="weight of each criterion; a balance if none"
    )
    on: OnDay = None
    seed: Seed = 0
    rows: Annotated[int, Field(ge=0, le=MOST_ROWS, description="how many plans to list")] = 50


class ReviewRequested(Asked):
    """Review the course at the gates of a profile."""

    kind: Literal["review"] = "review"
    plans: Plans = Field(default_factory=dict)
    profile: Profile = None
    on: OnDay = None
    seed: Seed = 0


class HairRequested(Asked):
    """Picture the scalp hair by hair over 24 weeks, with a plan and without."""

    kind: Literal["hair"] = "hair"
    plan: Plan | None = Field(None, description="the default protocol's if none")
    weeks: Weeks = Field(52, description="of the forecast behind it [week]")
    on: OnDay = None
    seed: Seed = 0
    hairs: Annotated[int, Field(ge=1000, le=MOST_HAIRS, description="drawn at most")] = MOST_HAIRS


class DocumentRequested(Asked):
    """Set a document to be printed; what is left out comes from the record and the settings."""

    kind: Literal["document"] = "document"
    document: Literal["injections", "letter", "consent", "leaflet", "review"]
    format: Literal["pdf", "html"] = "pdf"
    paper: Literal["A4", "Letter"] | None = Field(None, description="that of the clinic if none")
    language: Literal["en", "de"] = "en"
    on: Day | None = Field(
        None,
        description="day of the document; of a letter that of the visit, of a leaflet or a review "
        "the last day of the record that counts",
    )
    plan: Plan | None = Field(None, description="a plan in full")
    plan_id: DocumentId | None = Field(
        None, description="plan of the record; that which stands accepted if none"
    )
    session: Annotated[int, Field(ge=1, le=MOST_SESSIONS)] | None = Field(
        None, description="of a syringe sheet: number in the plan; the next to be given if none"
    )
    profile: Profile = None
    named: bool = Field(True, description="whether name and birth date are printed")
    seed: Seed = 0
    display_name: Text = Field("", description="as printed; that of the record for a person")
    clinic_name: Text = Field("", description="as printed; that of the clinic if empty")


TaskRequest = Annotated[
    PlanRequested
    | CheckRequested
    | SimulateRequested
    | ForecastRequested
    | CompareRequested
    | ReviewRequested
    | HairRequested
    | DocumentRequested,
    Field(discriminator="kind"),
]
TASK_REQUEST: TypeAdapter[TaskRequest] = TypeAdapter(TaskRequest)


class PlanResult(Shape):
    """A plan, and what the rules say."""

    kind: Literal["plan"] = "plan"
    plan: Plan
    blocked: bool
    limits: tuple[BindingLimit, ...]
    warnings: tuple[Problem, ...]


class CheckResult(Shape):
    """What the rules say, gravest first."""

    kind: Literal["check"] = "check"
    blocked: bool
    findings: tuple[Finding, ...]
    limits: tuple[BindingLimit, ...]
    warnings: tuple[Problem, ...]


class PatchSeries(Shape):
    """One patch by week of a simulated course."""

    patch: str
    cover: Series = Field(description="visible cover relative to normal [1]")
    regrowth: Series = Field(description="share of its loss that is covered again [1]")
    area_cm2: Series = Field(description="bald area [cm2]")
    thinning: Series = Field(description="thinning of the dermis [1]")


class SimulateResult(Shape):
    """A simulated course."""

    kind: Literal["simulate"] = "simulate"
    patient: str
    protocol: str
    start_date: str
    model_version: str
    parameter_set: str
    mode: str
    notes: str
    weeks: tuple[float, ...]
    salt_percent: Series
    cumulative_mg: Series
    morning_cortisol: Series = Field(description="relative to own baseline [1]")
    patches: tuple[PatchSeries, ...]
    injected_mg: float
    lowest_morning_cortisol: float
    thinnest_dermis: float
    highest_pain: float | None


class Fan(Shape):
    """Quantiles by week: the median, and intervals of 50, 80 and 95 %."""

    median: Series
    low_50: Series
    high_50: Series
    low_80: Series
    high_80: Series
    low_95: Series
    high_95: Series


class ChanceCurve(Shape):
    """A probability [1] by week, with its 95 % interval."""

    value: Series
    low: Series
    high: Series


class Interval(Shape):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class People(Shape):
    """What becomes of people like this one, by week: regrown to a threshold."""

    untreated: ChanceCurve
    either: ChanceCurve
    only_treated: ChanceCurve
    only_untreated: ChanceCurve


class PatchForecast(Shape):
    """One patch under one plan."""

    patch: str
    cover: Fan
    area_cm2: Fan
    thinning: Fan
    chance: dict[str, ChanceCurve] = Field(description="of regrowth, by threshold [%]")
    first_hair: Series = Field(description="chance of a visible gain by then [1]")
    atrophy: ChanceCurve
    telangiectasia: ChanceCurve
    colour: ChanceCurve


class Planned(Shape):
    """What a plan still holds."""

    sessions: float
    sites: float
    mL: float  # noqa: N815 - unit symbol
    mg: float


class PlanForecast(Shape):
    """What happens under one plan."""

    name: str
    salt_percent: Fan
    regrowth: Fan = Field(description="share of the first bald area that is covered [1]")
    chance: dict[str, ChanceCurve] = Field(description="of regrowth, by threshold [%]")
    people: dict[str, People] = Field(description="by threshold [%]")
    relapse: ChanceCurve
    cortisol_morning: Fan = Field(description="relative to own baseline [1]")
    cortisol_suppression: Fan
    cumulative_mg: Series
    pain: Interval | None = Field(description="worst of a session, 0-10")
    planned: Planned
    patches: tuple[PatchForecast, ...]


class PastReading(Shape):
    """Readings of one patch at past visits, beside what the model says."""

    patch: str
    days: tuple[int, ...] = Field(description="since the origin [day]")
    observed: Series
    median: Series
    low_95: Series
    high_95: Series


class ForecastResult(Shape):
    """A forecast; without numbers when it is withheld."""

    kind: Literal["forecast"] = "forecast"
    patient: str
    origin: Day
    weeks: tuple[int, ...]
    seed: int
    model_version: str
    parameter_version: str
    posterior_version: str
    readings: int
    effective: float | None
    check_p: float | None
    withheld: bool
    flags: tuple[Flag, ...]
    plans: tuple[PlanForecast, ...]
    past: tuple[PastReading, ...]
    made: dict[str, Plan] = Field(description="plans that were made because none were sent")


class PlanRow(Shape):
    """One plan of a comparison."""

    name: str
    kind: str
    blocked: bool
    reason: str | None
    pareto: bool
    dominated_by: str | None
    rank: float | None
    utility: float | None
    balance: float | None
    regrowth: float | None
    regrowth_low: float | None
    regrowth_high: float | None
    chance_75: float | None
    atrophy: float | None
    atrophy_low: float | None
    atrophy_high: float | None
    mg: float | None
    pain: float | None
    pain_sessions: float | None
    visits: float | None
    relapse: float | None


class CompareResult(Shape):
    """Plans side by side, best first."""

    kind: Literal["compare"] = "compare"
    compared: int = Field(description="number of plans, listed or not")
    weights: dict[str, float]
    picks: tuple[Pick, ...]
    trade: tuple[Trade, ...]
    ties: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[PlanRow, ...]
    plans: dict[str, Plan] = Field(description="the plans picked, in full")


class ReviewResult(Shape):
    """What to do next, and why."""

    kind: Literal["review"] = "review"
    review: Review
    flags: tuple[Flag, ...]
    forecast: ForecastResult | None = Field(
        None, description="what was forecast for each way to go on; none where nothing could be"
    )


class HairResult(Shape):
    """A scalp hair by hair; without it when the forecast is withheld."""

    kind: Literal["hair"] = "hair"
    patient: str
    origin: Day
    plan: Plan = Field(description="the plan pictured")
    withheld: bool
    flags: tuple[Flag, ...]
    courses: tuple[str, ...]
    weeks: tuple[int, ...]
    labels: dict[str, str] = Field(description="what each course is, in words")
    data: str = Field(description="base64 of the gzip'd binary of anagen.report.hair_view")


class DocumentResult(Shape):
    """A document to be printed; its bytes are fetched by ``GET /jobs/{id}/document``."""

    kind: Literal["document"] = "document"
    document: str
    content_type: Literal["application/pdf", "text/html; charset=utf-8"]
    file_name: str = Field(description="with the number of the person, never the name")
    size: int = Field(description="of the file [byte]")
    data: str = Field("", description="base64 of the file where it is kept; empty in answers")


TaskResult = Annotated[
    PlanResult
    | CheckResult
    | SimulateResult
    | ForecastResult
    | CompareResult
    | ReviewResult
    | HairResult
    | DocumentResult,
    Field(discriminator="kind"),
]
TASK_RESULT: TypeAdapter[TaskResult] = TypeAdapter(TaskResult)


class JobProblem(Shape):
    """Why a job came to nothing."""

    cause: Literal["input", "time", "memory", "crash", "fault"]
    detail: str
    problems: tuple[Problem, ...] = ()


class JobShown(Shape):
    """A job as the API shows it."""

    id: str
    kind: JobKind
    person: str | None
    state: JobStateName
    created: str
    started: str | None
    finished: str | None
    done: int
    total: int
    result: TaskResult | None = None
    problem: JobProblem | None = None


def shown(job: Any) -> JobShown:
    """Give a job (`anagen.clinic.jobs.Job`) as the API shows it."""
    parts = {name: getattr(job, name) for name in JobShown.model_fields
             if name not in ("result", "problem")}  # fmt: skip
    result = None if job.result is None else TASK_RESULT.validate_json(job.result)
    if isinstance(result, DocumentResult):
        result = result.model_copy(update={"data": ""})
    return JobShown(
        **parts,
        result=result,
        problem=None if job.problem is None else JobProblem.model_validate_json(job.problem),
    )
