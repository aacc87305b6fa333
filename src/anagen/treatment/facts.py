"""What the rules need to know about a person: plain data, everything optional but the date."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Day = date
Site = Literal["scalp", "brow", "beard", "face"]
Percent = Annotated[float, Field(ge=0, le=100)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Grade = Annotated[float, Field(ge=0, le=4)]

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Regrowth(BaseModel):
    """Regrowth of one patch as seen at one visit.

    Parameters
    ----------
    weeks : weeks since the first session on this course [week].
    percent : share of the patch covered again, terminal and vellus [%].
    """

    model_config = _FROZEN

    weeks: NonNegative
    percent: Percent


class PatchFacts(BaseModel):
    """What the rules need to know about one patch.

    Parameters
    ----------
    id : the patch's lasting name.
    site : scalp, brow, beard or other face.
    infection : what infection is seen on its skin now; None for none.
    atrophy_grade, telangiectasia_grade, pigment_grade : 0 none to 4 severe; None not looked for.
    blocked : why nobody may inject it; None when it may be injected.
    regrowth : what was seen, any order.
    """

    model_config = _FROZEN

    id: str = Field(min_length=1)
    site: Site = "scalp"
    infection: str | None = None
    atrophy_grade: Grade | None = None
    telangiectasia_grade: Grade | None = None
    pigment_grade: Grade | None = None
    blocked: str | None = None
    regrowth: tuple[Regrowth, ...] = ()


class SessionGiven(BaseModel):
    """One session given earlier.

    Parameters
    ----------
    date : when.
    dose_mg : steroid in total, as mg of triamcinolone acetonide [mg].
    volume_mL : volume in total [mL].
    patch_mg, patch_mL : the same by patch id.
    """

    model_config = _FROZEN

    date: date
    dose_mg: NonNegative
    volume_mL: NonNegative = 0.0  # noqa: N815 - unit symbol
    patch_mg: dict[str, NonNegative] = Field(default_factory=dict)
    patch_mL: dict[str, NonNegative] = Field(default_factory=dict)  # noqa: N815 - unit symbol


class OtherSteroidDose(BaseModel):
    """Steroid by another route.

    Parameters
    ----------
    drug : its name.
    route : oral, inhaled, joint, intramuscular, topical, nasal ...
    date : when given, or when it began.
    until : last day of a course; None for a single dose.
    triamcinolone_mg : total as mg of triamcinolone acetonide [mg]; None when not known.
    """

    model_config = _FROZEN

    drug: str
    route: str
    date: date
    until: Day | None = None
    triamcinolone_mg: NonNegative | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until is not None and self.until < self.date:
            raise ValueError("'until' is before 'date'")
        return self


class Facts(BaseModel):
    """Everything the rules need to know about a person on one day; None means not recorded.

    Parameters
    ----------
    on : the day the rules are asked.
    age_years, weight_kg, height_cm, head_circumference_mm : age and body [year, kg, cm, mm].
    sex : female, male or other.
    skin_type : Fitzpatrick type, 1 to 6.
    is_neonate : younger than 28 days.
    pregnant, breast_feeding, post_menopausal, smoker : yes, no or not recorded.
    allergies, conditions, medicines : one entry each in words; an empty tuple means "none".
    signs : what is seen or felt now, such as "moon face" or "blurred vision".
    patches : one entry per patch.
    sessions_given : earlier sessions, any order.
    other_steroids : steroids by other routes, any order.
    treatment_start : first session of the present course; None before it.
    last_review : last visit with a judgement on regrowth.
    salt_start, salt_now : SALT at the start of the course and now, 0 to 100 [%].
    aa_scale : level on the Alopecia Areata Scale.
    pull_test_positive : whether the hair pull test is positive now.
    morning_cortisol_on : day of the last morning cortisol.
    bone_density_on : day of the last bone density scan.

    Examples
    --------
    >>> Facts(on=date(2026, 1, 15), age_years=34, allergies=()).patch("P1") is None
    True
    """

    model_config = _FROZEN

    on: date
    age_years: NonNegative | None = None
    weight_kg: Positive | None = None
    height_cm: Positive | None = None
    head_circumference_mm: Positive | None = None
    sex: Literal["female", "male", "other"] | None = None
    skin_type: Annotated[int, Field(ge=1, le=6)] | None = None
    is_neonate: bool | None = None
    pregnant: bool | None = None
    breast_feeding: bool | None = None
    post_menopausal: bool | None = None
    smoker: bool | None = None
    allergies: tuple[str, ...] | None = None
    conditions: tuple[str, ...] | None = None
    medicines: tuple[str, ...] | None = None
    signs: tuple[str, ...] = ()
    patches: tuple[PatchFacts, ...] = ()
    sessions_given: tuple[SessionGiven, ...] = ()
    other_steroids: tuple[OtherSteroidDose, ...] = ()
    treatment_start: date | None = None
    last_review: date | None = None
    salt_start: Percent | None = None
    salt_now: Percent | None = None
    aa_scale: Literal["mild", "moderate", "severe"] | None = None
    pull_test_positive: bool | None = None
    morning_cortisol_on: date | None = None
    bone_density_on: date | None = None

    def patch(self, patch_id: str | None) -> PatchFacts | None:
        """Return what is known about one patch, None when nothing is."""
        return next((patch for patch in self.patches if patch.id == patch_id), None)

    @property
    def weeks_since_start(self) -> float | None:
        """Weeks from the first session of the course to the day of these facts [week]."""
        if self.treatment_start is None:
            return None
        return (self.on - self.treatment_start) / timedelta(weeks=1)


def other_steroid_mg(doses: Sequence[OtherSteroidDose], first: date, last: date) -> float:
    """Triamcinolone equivalents of other steroids between two days, both included.

    A course counts in proportion to its days that fall between the two.

    Parameters
    ----------
    doses : the other steroids; a dose of unknown size counts nothing.
    first, last : the two days.

    Returns
    -------
    float
        Sum [mg].

    Examples
    --------
    >>> knee = OtherSteroidDose(
    ...     drug="triamcinolone", route="joint", date=date(2026, 1, 5), triamcinolone_mg=40
    ... )
    >>> other_steroid_mg([knee], date(2026, 1, 1), date(2026, 1, 31))
    40.0
    """
    total = 0.0
    for dose in doses:
        if dose.triamcinolone_mg is None:
            continue
        end = dose.until or dose.date
        inside = (min(end, last) - max(dose.date, first)).days + 1
        total += dose.triamcinolone_mg * max(inside, 0) / ((end - dose.date).days + 1)
    return total
