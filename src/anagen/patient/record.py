"""The patient record as plain, frozen data: who is treated and what happened so far."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from anagen.patient.quantities import (
    Centimetres,
    Cortisol,
    Diastolic,
    Glucose,
    HeadMillimetres,
    Identifier,
    Kilograms,
    Percent,
    SessionDose,
    Systolic,
    Text,
    TotalDose,
    Word,
    Years,
)
from anagen.scalp.shapes import PatchShape
from anagen.treatment.injections import Comfort, Session, StrengthMgPerMl

Sex = Literal["female", "male", "other"]
Ancestry = Literal["african", "european", "asian", "other", "unknown"]
Site = Literal["scalp", "brow", "beard", "face"]
Activity = Literal["active", "stable", "regrowing", "resolved"]
Severity = Literal["mild", "moderate", "severe"]
Rater = Literal["clinician", "patient", "photo"]
Route = Literal[
    "oral",
    "inhaled",
    "nasal",
    "topical",
    "intramuscular",
    "intravenous",
    "joint",
    "epidural",
    "eye",
    "intralesional",
    "rectal",
    "other",
]

Flag = Annotated[bool, Field(strict=True)]
Grade = Annotated[int, Field(ge=0, le=4, strict=True)]
SignScore = Annotated[int, Field(ge=0, le=3, strict=True)]
Words = Annotated[tuple[Word, ...], Field(max_length=200)]


class Row(BaseModel):
    """Frozen data that refuses fields it does not know; almost everything may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class History(Row):
    """What went before this episode, and what predicts its course. Missing means not asked."""

    recurrent: Flag | None = Field(None, description="an earlier episode had grown back")
    earlier_episodes: Annotated[int, Field(ge=0, le=200, strict=True)] | None = Field(
        None, description="number of earlier episodes"
    )
    age_at_first_onset_years: Years | None = Field(
        None, description="age when alopecia areata first appeared [year]"
    )
    family_history: Flag | None = Field(None, description="alopecia areata in a close relative")
    nail_changes: Flag | None = Field(None, description="pits, ridges or rough nails")
    atopy: Flag | None = Field(None, description="atopic eczema, asthma or hay fever")
    autoimmune: Words | None = Field(
        None, description="other autoimmune disease, such as thyroiditis or vitiligo; [] for none"
    )
    ophiasis: Flag | None = Field(None, description="band-like loss along the hairline")


class Trichoscopy(Row):
    """Signs seen with the dermatoscope, each 0 (none) to 3 (many)."""

    tapering_hairs: SignScore | None = Field(None, description="exclamation-mark hairs, 0-3")
    black_dots: SignScore | None = Field(None, description="hairs broken at the surface, 0-3")
    broken_hairs: SignScore | None = Field(None, description="broken hairs, 0-3")
    yellow_dots: SignScore | None = Field(None, description="filled follicle openings, 0-3")
    short_vellus_hairs: SignScore | None = Field(None, description="short fine regrowth, 0-3")


class Reading(Row):
    """Another reading of one patch at the same visit: by a second rater, of a photo, at home."""

    rater: Word | None = Field(None, description="initials or role of who read it")
    by: Rater = Field("clinician", description="a clinician, the patient, or from a photograph")
    regrowth_percent: Percent | None = Field(
        None, description="share of the patch covered again, vellus and terminal [%]"
    )
    regrowth_grade: Word | None = Field(None, description="label of the grade on regrowth_scale")
    regrowth_scale: Word | None = Field(None, description="key of a published scale")
    terminal_percent: Percent | None = Field(
        None, description="terminal hairs among those regrown, the rest vellus [%]"
    )


class PatchSeen(Row):
    """One patch as seen at one visit; the id stays the same over all visits."""

    id: Identifier = Field(description="lasting name of the patch, the same at every visit")
    site: Site = Field("scalp", description="part of the head; only the scalp has a drawn shape")
    shape: PatchShape | None = Field(
        None, description="outlines or masks in the four views; missing keeps the last one drawn"
    )
    first_seen: date | None = Field(None, description="when the patch was first noticed")
    activity: Activity | None = Field(None, description="judgement of the examiner")
    regrowth_percent: Percent | None = Field(
        None, description="share of the patch covered again, vellus and terminal [%]"
    )
    regrowth_grade: Word | None = Field(
        None, description="label of the grade on regrowth_scale, such as '3', 'II' or 'A4'"
    )
    regrowth_scale: Word | None = Field(
        None, description="key of a published scale, such as 'rgs' or 'olsen'"
    )
    terminal_percent: Percent | None = Field(
        None, description="terminal hairs among those regrown, the rest vellus [%]"
    )
    pull_test_hairs: Annotated[int, Field(ge=0, le=100, strict=True)] | None = Field(
        None, description="hairs with root from one pull of 50-60 at the border of the patch"
    )
    trichoscopy: Trichoscopy | None = Field(None, description="dermatoscope signs, 0-3 each")
    atrophy_grade: Grade | None = Field(None, description="0 none to 4 severe")
    telangiectasia_grade: Grade | None = Field(None, description="0 none to 4 severe")
    colour_change_grade: Grade | None = Field(None, description="0 none to 4 severe, either way")
    infection: Word | None = Field(None, description="infection of its skin, such as impetigo")
    blocked: Word | None = Field(None, description="why nobody may inject it now")
    readings: Annotated[tuple[Reading, ...], Field(max_length=50)] = Field(
        (), description="further readings of this patch by other raters or by the patient"
    )
    note: Text = ""


class LossByView(Row):
    """Share of hair lost in each region of the SALT score [%]."""

    top: Percent | None = Field(None, description="loss on the top [%]")
    back: Percent | None = Field(None, description="loss on the back [%]")
    left: Percent | None = Field(None, description="loss on the left side [%]")
    right: Percent | None = Field(None, description="loss on the right side [%]")


class Visit(Row):
    """What was seen on one day; everything but the date may be missing."""

    date: date
    patches: Annotated[tuple[PatchSeen, ...], Field(max_length=200)] = Field(
        (), description="patches looked at; one not mentioned was not looked at"
    )
    salt_percent: Percent | None = Field(None, description="SALT score as written down [%]")
    loss_percent: LossByView | None = Field(None, description="loss per SALT region [%]")
    aa_scale: Severity | None = Field(None, description="Alopecia Areata Scale")
    pull_test_hairs: Annotated[int, Field(ge=0, le=100, strict=True)] | None = Field(
        None, description="most hairs with root from one pull of 50-60 anywhere"
    )
    pain_last_session: Annotated[int, Field(ge=0, le=10, strict=True)] | None = Field(
        None, description="pain of the last session as remembered, 0-10"
    )
    weight_kg: Kilograms | None = Field(None, description="body weight on the day [kg]")
    systolic_pressure_mmHg: Systolic | None = Field(  # noqa: N815 - unit symbol
        None, description="blood pressure, upper value [mmHg]"
    )
    diastolic_pressure_mmHg: Diastolic | None = Field(  # noqa: N815 - unit symbol
        None, description="blood pressure, lower value [mmHg]"
    )
    fasting_glucose_mmol_per_L: Glucose | None = Field(  # noqa: N815 - unit symbol
        None, description="fasting blood glucose [mmol/L]"
    )
    morning_cortisol_nmol_per_L: Cortisol | None = Field(  # noqa: N815 - unit symbol
        None, description="serum cortisol at 8 in the morning [nmol/L]"
    )
    dermatology_life_quality: Annotated[int, Field(ge=0, le=30, strict=True)] | None = Field(
        None, description="DLQI, 0-30"
    )
    signs: Words = Field((), description="seen or felt now, such as 'moon face'")
    adverse_events: Words = Field((), description="since the visit before")
    note: Text = ""


class PatchDose(Row):
    """What one patch received in a session of which only sums are known."""

    patch: Identifier | None = Field(None, description="id of the patch, if known")
    sites: Annotated[int, Field(ge=1, le=500, strict=True)] = Field(
        description="number of sites injected"
    )
    dose_mg: SessionDose = Field(description="steroid in total over these sites [mg]")


class SessionSummary(Row):
    """A session given earlier of which only sums are known, as old notes have it."""

    date: date
    product: Word = Field(description="key of the product")
    strength_mg_per_mL: StrengthMgPerMl | None = Field(  # noqa: N815 - unit symbol
        None, description="strength injected, after dilution [mg/mL]"
    )
    patches: Annotated[tuple[PatchDose, ...], Field(min_length=1, max_length=200)] = Field(
        description="dose per patch"
    )
    comfort: tuple[Comfort, ...] = Field((), description="what was done against pain")
    operator: Word | None = Field(None, description="role or initials")
    note: Text = ""

    @property
    def total_mg(self) -> float:
        """Steroid of the whole session [mg]."""
        return sum(patch.dose_mg for patch in self.patches)

    @property
    def total_mL(self) -> float | None:  # noqa: N802 - unit symbol
        """Volume of the whole session [mL]; None when the strength is not known."""
        return self.total_mg / self.strength_mg_per_mL if self.strength_mg_per_mL else None

    @property
    def sites(self) -> int:
        """Number of sites injected."""
        return sum(patch.sites for patch in self.patches)


class OtherSteroid(Row):
    """A steroid by another route, or injections elsewhere or earlier, lumped together."""

    drug: Word = Field(description="name of the steroid, such as prednisolone")
    route: Route
    total_mg: TotalDose | None = Field(None, description="total from start to end [mg of drug]")
    start: date = Field(description="day given, or first day of the course")
    end: date | None = Field(None, description="last day; missing for a single dose")
    note: Text = ""


class Patient(Row):
    """One person: who is treated, and what was seen and given so far.

    A missing field means "not recorded"; an empty list means "asked, and none".

    Parameters
    ----------
    id : pseudonym, never a name.
    born, age_years : either, or neither; the age is that on the day of the first visit.
    visits, sessions, session_summaries : each in order of date.

    Examples
    --------
    >>> Patient(id="P001", weight_kg="70 kg").weight_kg
    70.0
    """

    schema_version: Literal[1] = 1
    id: Identifier = Field(description="pseudonym, never a name")
    born: date | None = Field(None, description="date of birth")
    age_years: Years | None = Field(None, description="age on the day of the first visit [year]")
    sex: Sex | None = None
    weight_kg: Kilograms | None = Field(None, description="body weight [kg]")
    height_cm: Centimetres | None = Field(None, description="body height [cm]")
    head_circumference_mm: HeadMillimetres | None = Field(
        None, description="tape over brow and occiput [mm]; text such as '56 cm' is read too"
    )
    ancestry: Ancestry = Field("unknown", description="sets the density of follicles")
    skin_type: Annotated[int, Field(ge=1, le=6, strict=True)] | None = Field(
        None, description="Fitzpatrick type, 1-6"
    )
    pregnant: Flag | None = None
    breast_feeding: Flag | None = None
    post_menopausal: Flag | None = None
    smoker: Flag | None = None
    onset: date | None = Field(None, description="when this episode of hair loss began")
    history: History = Field(default_factory=History, description="what went before")
    conditions: Words | None = Field(None, description="diseases in words; [] for none")
    medicines: Words | None = Field(None, description="medicines in words; [] for none")
    allergies: Words | None = Field(None, description="allergies in words; [] for none")
    bone_density_on: date | None = Field(None, description="day of the last bone density scan")
    visits: Annotated[tuple[Visit, ...], Field(max_length=1000)] = Field(
        (), description="what was seen, in order of date"
    )
    sessions: Annotated[tuple[Session, ...], Field(max_length=1000)] = Field(
        (), description="sessions given, site by site, in order of date"
    )
    session_summaries: Annotated[tuple[SessionSummary, ...], Field(max_length=1000)] = Field(
        (), description="sessions given of which only sums are known, in order of date"
    )
    other_steroids: Annotated[tuple[OtherSteroid, ...], Field(max_length=1000)] = Field(
        (), description="steroids by other routes, or injected elsewhere"
    )
    note: Text = ""
