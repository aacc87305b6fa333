"""The nouns of treatment: an injection, a session and a plan, as frozen data."""

import math
from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from anagen.scalp.views import ViewPoint
from anagen.treatment.findings import Finding, Override
from anagen.treatment.technique import bounds
from anagen.treatment.validation import bounded, refuse

Comfort = Literal[
    "topical_anaesthetic",
    "cooling",
    "vibration",
    "slow_injection",
    "lying_flat",
    "distraction",
    "local_anaesthetic",
]
Status = Literal["planned", "given", "skipped"]
Pattern = Literal["hexagonal", "square"]

_EARLIEST, _LATEST = date(1950, 1, 1), date(2150, 1, 1)


def _check(key: str) -> AfterValidator:
    def check(value: float) -> float:
        return bounded(value, key)

    return AfterValidator(check)


def _describe(key: str) -> Callable[[dict[str, Any]], None]:
    def describe(schema: dict[str, Any]) -> None:
        row = bounds(key)
        schema["minimum"], schema["maximum"] = row.low, row.high
        schema["description"] = row.name if row.unit == "1" else f"{row.name} [{row.unit}]"

    return describe


def _real(key: str) -> Any:
    return Field(allow_inf_nan=False, strict=True, json_schema_extra=_describe(key))


def _plausible_date(value: date) -> date:
    if _EARLIEST <= value <= _LATEST:
        return value
    raise refuse(f"a date between {_EARLIEST} and {_LATEST}", value.isoformat(), "Check the year.")


StrengthMgPerMl = Annotated[float, _check("injection.strength"), _real("injection.strength")]
VolumeMl = Annotated[float, _check("injection.volume"), _real("injection.volume")]
DepthMm = Annotated[float, _check("injection.depth"), _real("injection.depth")]
SpacingMm = Annotated[float, _check("placement.spacing"), _real("placement.spacing")]
MarginMm = Annotated[float, _check("placement.margin"), _real("placement.margin")]
NeedleGauge = Annotated[
    int,
    _check("injection.needle"),
    Field(strict=True, json_schema_extra=_describe("injection.needle")),
]
SessionDate = Annotated[date, AfterValidator(_plausible_date)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Noun(BaseModel):
    """Frozen data that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SiteLayout(Noun):
    """How sites lie on a patch.

    Parameters
    ----------
    spacing_mm : distance between neighbours along the skin; no two sites are closer.
    margin_mm : how far outside the border of a patch sites may lie; negative keeps them inside.
    pattern : hexagonal (densest) or square (as drawn on the skin with a ruler).
    offset : phase of the lattice in units of the spacing along its two axes; None chooses the
        phase that covers each patch best.

    Examples
    --------
    >>> SiteLayout(spacing_mm=10.0).pattern
    'hexagonal'
    """

    spacing_mm: SpacingMm = 10.0
    margin_mm: MarginMm = 0.0
    pattern: Pattern = "hexagonal"
    offset: tuple[float, float] | None = None


class Injection(Noun):
    """One injection at one site, planned or given.

    Parameters
    ----------
    number : its place in the order of the hand, from 1.
    location : where on the scalp, drawn in the view that sees it best.
    patch : persistent id of the patch treated, if any.
    product : key of the product in ``products.toml``.
    strength_mg_per_mL : strength injected, after dilution.
    volume_mL : volume injected.
    depth_mm : depth of the needle tip below the skin surface.
    needle_gauge : gauge of the needle.
    status : planned, given or skipped; a skipped one says why.
    reflux : whether fluid ran back out.
    lot, expiry : of the vial, when given.

    Examples
    --------
    >>> from anagen.scalp.views import ViewPoint
    >>> point = ViewPoint(view="top", x=0.5, y=0.5, unit="fraction")
    >>> Injection(number=1, location=point, product="ta10", strength_mg_per_mL=5.0,
    ...           volume_mL=0.1, depth_mm=3.0, needle_gauge=30).dose_mg
    0.5
    """

    number: int = Field(ge=1, strict=True)
    location: ViewPoint
    patch: Name | None = None
    product: Name
    strength_mg_per_mL: StrengthMgPerMl  # noqa: N815 - unit symbol
    volume_mL: VolumeMl  # noqa: N815 - unit symbol
    depth_mm: DepthMm
    needle_gauge: NeedleGauge
    status: Status = "planned"
    skipped_reason: Name | None = None
    reflux: bool = False
    lot: Name | None = None
    expiry: date | None = None

    @property
    def dose_mg(self) -> float:
        """Steroid in this injection [mg]: strength times volume; nothing when skipped."""
        return 0.0 if self.status == "skipped" else self.strength_mg_per_mL * self.volume_mL

    @field_validator("location")
    @classmethod
    def _is_somewhere(cls, location: ViewPoint) -> ViewPoint:
        if math.isfinite(location.x) and math.isfinite(location.y):
            return location
        raise refuse("finite x and y", f"({location.x}, {location.y})", "Draw the point again.")

    @model_validator(mode="after")
    def _skipped_says_why(self) -> "Injection":
        if self.status == "skipped" and self.skipped_reason is None:
            raise refuse(
                "a skipped_reason for a skipped injection", "none", "Say why it was skipped."
            )
        if self.status != "skipped" and self.skipped_reason is not None:
            raise refuse(
                "status 'skipped' beside a skipped_reason", repr(self.status),
                "Set the status to skipped, or remove the reason.",
            )  # fmt: skip
        return self


class Session(Noun):
    """The injections of one day.

    Parameters
    ----------
    date : the day.
    injections : in the order of the hand, numbers unique.
    diluent : key of the diluent in ``products.toml``.
    comfort : what is done against pain.
    operator : who injects; a role or initials, no more.
    note : anything to remember.

    Examples
    --------
    >>> Session(date=date(2026, 3, 2)).total_mg
    0.0
    """

    date: SessionDate
    injections: tuple[Injection, ...] = ()
    diluent: Name = "saline"
    comfort: tuple[Comfort, ...] = ()
    operator: Name | None = None
    note: str = ""

    @property
    def total_mg(self) -> float:
        """Steroid of all injections not skipped [mg]."""
        return math.fsum(injection.dose_mg for injection in self.injections)

    @property
    def total_mL(self) -> float:  # noqa: N802 - unit symbol
        """Volume of all injections not skipped [mL]."""
        return math.fsum(site.volume_mL for site in self.injections if site.status != "skipped")

    @property
    def sites(self) -> int:
        """Number of injections not skipped."""
        return sum(site.status != "skipped" for site in self.injections)

    @property
    def strengths(self) -> tuple[float, ...]:
        """Strengths used [mg/mL], weakest first, each once."""
        return tuple(sorted({site.strength_mg_per_mL for site in self.injections}))

    @model_validator(mode="after")
    def _numbers_unique(self) -> "Session":
        highest = bounds("session.sites").high
        if len(self.injections) > highest:
            raise refuse(
                f"at most {highest:g} injections in a session", str(len(self.injections)),
                "Widen the spacing or split the session.",
            )  # fmt: skip
        _unique((site.number for site in self.injections), "injections", "Renumber the injections.")
        return self


class Gate(Noun):
    """A time at which the treatment is judged, and what follows when it falls short.

    Parameters
    ----------
    week : weeks after the first session.
    measure : what is judged, for example ``regrowth_percent`` or ``salt``.
    at_least, at_most : the bound that counts as success.
    otherwise : what to do when it is missed.
    source : key in ``references.bib``.
    """

    week: float = Field(gt=0, le=260, allow_inf_nan=False)
    measure: Name
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)
    otherwise: Name
    source: Name


class CreatedFrom(Noun):
    """What a plan was made from, so that it can be made again.

    Parameters
    ----------
    anagen : version of the software.
    circumference_mm, cell_mm : the scalp.
    layout : the layout of the sites.
    alternate : whether sites move between sessions.
    """

    anagen: Name
    circumference_mm: float = Field(gt=0, allow_inf_nan=False)
    cell_mm: float = Field(gt=0, allow_inf_nan=False)
    layout: SiteLayout
    alternate: bool


class Plan(Noun):
    """Sessions at intervals for one patient.

    Parameters
    ----------
    schema_version : of this format.
    protocol : name of the protocol followed, or ``custom``.
    patient : pseudonymous id.
    sessions : in order of date.
    created_from : what it was made from, if Anagen made it.
    limits : what bound the plan and what was done about it, in words.
    notes : what the reader must know, such as a strength that waits for the response.
    gates : when to judge.
    findings : what the rules say.
    overrides : which findings were overruled, by whom and why.

    Examples
    --------
    >>> Plan(protocol="custom", patient="P001").total_mg
    0.0
    """

    schema_version: Literal[1] = 1
    protocol: Name
    patient: Name
    sessions: tuple[Session, ...] = ()
    created_from: CreatedFrom | None = None
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    findings: tuple[Finding, ...] = ()
    overrides: tuple[Override, ...] = ()

    @property
    def total_mg(self) -> float:
        """Steroid of all sessions [mg]."""
        return math.fsum(session.total_mg for session in self.sessions)

    @property
    def total_mL(self) -> float:  # noqa: N802 - unit symbol
        """Volume of all sessions [mL]."""
        return math.fsum(session.total_mL for session in self.sessions)

    @property
    def days(self) -> tuple[int, ...]:
        """Days of the sessions after the first one."""
        return tuple((session.date - self.sessions[0].date).days for session in self.sessions)

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Plan":
        longest = int(bounds("plan.interval").high)
        highest = int(bounds("plan.sessions").high)
        if len(self.sessions) > highest:
            raise refuse(
                f"at most {highest} sessions", str(len(self.sessions)), "Plan a shorter course."
            )
        for index, (before, after) in enumerate(
            zip(self.sessions, self.sessions[1:], strict=False), start=1
        ):
            gap = (after.date - before.date).days
            if gap < 1:
                raise refuse(
                    f"a date after that of sessions[{index - 1}] ({before.date})",
                    str(after.date),
                    "Put the sessions in order of date, one a day at most.",
                    f"sessions[{index}].date",
                )
            if gap > longest:
                raise refuse(
                    f"at most {longest} days between sessions",
                    f"{gap} days before {after.date}",
                    "Check the year, or begin a new plan.",
                    f"sessions[{index}].date",
                )
        return self


def _unique(numbers: Iterable[int], where: str, remedy: str) -> None:
    seen: set[int] = set()
    for index, number in enumerate(numbers):
        if number in seen:
            raise refuse("each number once", f"{number} again", remedy, f"{where}[{index}].number")
        seen.add(number)
