"""One patient as the forecast sees them: patches with their clocks, doses and readings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.biology.patient_course import person_of
from anagen.biology.start import Person
from anagen.errors import InputError, Problem
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.forecast.course import SiteSet
from anagen.forecast.doses import Frame, PatchDose, frames_of, patch_doses
from anagen.forecast.observations import Observation, observe
from anagen.patient import (
    Patient,
    age_on,
    given_sessions,
    patch_age_days,
    patient_scalp,
)
from anagen.patient.facts import salt_of
from anagen.patient.timeline import regrowth_percent, visits_until
from anagen.population.covariates import Covariates
from anagen.population.site_sets import usual_places
from anagen.population.variability import effects, present, usual
from anagen.scalp import PatchShape, Scalp, area_cm2, patch_cells
from anagen.treatment.technique import technique

if TYPE_CHECKING:
    from anagen.patient import PatchSeen
    from anagen.treatment import Session

WEEK = 7
_DIAMETERS = (5.0, 300.0)  # mm that are laid out; the smaller and larger are taken for these
_BALD = 0.5  # regrown share below which a patch tells that it has not healed yet
_NEEDS = {
    "duration_over_6_months": "episode_days",
    "duration_over_24_months": "episode_days",
    "extent_s2_or_more": "extent",
    "extent_s4b_or_more": "extent",
    "several_patches": "patches",
    "nail_change": "nail_change",
    "family_history": "family_history",
    "recurrent": "recurrent",
    "childhood_onset": "onset_age_years",
    "late_onset": "onset_age_years",
}


@dataclass(frozen=True)
class PatchCase:
    """One patch: how it began, and what it received.

    Parameters
    ----------
    id : its name; area : [mm2] of its first outline.
    diameter : [mm] of the round patch laid out for it.
    start : [day] when its course begins, at most 0, whole weeks before the origin.
    age : [day] at the start.
    regrown, terminal : share [1] as first read; regrown_known : whether it was read.
    reference : injections by which its classes are laid out.
    doses : given so far.
    """

    id: str
    area: float
    diameter: float
    start: int
    age: float
    regrown: float
    terminal: float
    regrown_known: bool
    reference: SiteSet
    doses: tuple[PatchDose, ...]

    @property
    def laid_out(self) -> float:
        """Area [mm2] of the round patch laid out for it."""
        return float(np.pi / 4.0 * self.diameter**2)

    @property
    def weeks(self) -> int:
        """Weeks of its course that are past."""
        return -self.start // WEEK


@dataclass(frozen=True)
class Case:
    """One patient.

    Parameters
    ----------
    patient : the record; origin : day 0, the latest informative day.
    scalp : its grid; covers : (cell,) by patch, first outlines; patches : in the same order.
    frames : how places on a patch become places on the round one.
    same : (patch,) number of the deviation of each patch; those that nothing tells apart share it.
    shown, known : (effect,) covariates of the published effects.
    until : last day of the record that counts; None for all of it.
    given : sessions so far, site by site.
    observations : all readings but those that set the start of a patch.
    undrawn : [1] share of the scalp that is bald beyond the drawn patches; kept as it is.
    person : weight, inhibitor and growth.
    """

    patient: Patient
    origin: date
    scalp: Scalp
    covers: Mapping[str, np.ndarray]
    frames: Mapping[str, Frame]
    patches: tuple[PatchCase, ...]
    same: tuple[int, ...]
    shown: NDArray[np.float64]
    known: NDArray[np.bool_]
    until: date | None
    given: "tuple[Session, ...]"
    observations: tuple[Observation, ...]
    undrawn: float
    person: Person
    parameters: ParameterSet

    @property
    def scalp_area(self) -> float:
        """Area [mm2] of the scalp."""
        return float(len(self.scalp.position) * self.scalp.cell_area_mm2)

    def effect(self, name: str) -> float:
        """Share [0-1] to which a covariate applies: known, or that of the usual patient."""
        number = [each.covariate for each in effects()].index(name)
        return float(self.shown[number] if self.known[number] else usual()[number])


def make_case(
    patient: Patient, on: date | None = None, parameters: ParameterSet | None = None
) -> Case:
    """Put a record in the terms of the forecast.

    Parameters
    ----------
    patient : a record without errors.
    on : last day that counts; everything when None.
    parameters : for what is not a trait.

    Raises
    ------
    InputError
        When no patch of the scalp was ever drawn by that day.
    """
    parameters = parameters or load_parameters()
    scalp = patient_scalp(patient)
    first = _first_outlines(patient, on)
    if not first:
        until = f" by {on}" if on else ""
        raise InputError(
            Problem("visits", f"a patch of the scalp with an outline{until}", "none",
                    "Draw the outline of a patch in one of the four views.")
        )  # fmt: skip
    observations = observe(patient, on)
    sessions = [one for one in given_sessions(patient, scalp) if on is None or one.date <= on]
    covers = {name: patch_cells(scalp, _shape(seen), f"patch {name}")
              for name, (_, seen) in first.items()}  # fmt: skip
    frames = frames_of(scalp, covers)
    doses = patch_doses(sessions, scalp, covers, frames)
    days = [day for day, _ in first.values()] + [one.day for one in observations]
    origin = max([*days, *(dose.day for each in doses.values() for dose in each)])
    patches = tuple(
        _patch(patient, scalp, covers[name], name, day, seen, doses[name], origin)
        for name, (day, seen) in first.items()
    )
    begun = {name: day for name, (day, _) in first.items()}
    # What was seen on the day of the first outline is where the course starts, not a test of it.
    first_day = min(begun.values())
    used = tuple(one for one in observations if one.day > begun.get(one.patch or "", first_day))
    shown, known = covariates_of(patient, first_day, patches, scalp)
    person = person_of(patient, origin, parameters)
    same, undrawn = _alike(patches, used), _undrawn(patient, patches, scalp, on)
    return Case(patient, origin, scalp, covers, frames, patches, same, shown, known, on,
                tuple(sessions), used, undrawn, person, parameters)  # fmt: skip


def _first_outlines(patient: Patient, on: date | None) -> dict[str, "tuple[date, PatchSeen]"]:
    """First visit at which each patch of the scalp was drawn."""
    found: dict[str, tuple[date, PatchSeen]] = {}
    for visit in visits_until(patient, on):
        for seen in visit.patches:
            if seen.shape is not None and seen.site == "scalp":
                found.setdefault(seen.id, (visit.date, seen))
    return found


def _shape(seen: "PatchSeen") -> PatchShape:
    assert seen.shape is not None
    return seen.shape


def _patch(
    patient: Patient,
    scalp: Scalp,
    cover: np.ndarray,
    name: str,
    day: date,
    seen: "PatchSeen",
    doses: tuple[PatchDose, ...],
    origin: date,
) -> PatchCase:
    area = 100.0 * area_cm2(scalp, cover)
    start = -WEEK * int(np.ceil((origin - day).days / WEEK))
    read = regrowth_percent(seen)
    diameter = float(np.clip(round(2.0 * np.sqrt(area / np.pi)), *_DIAMETERS))
    usual = SiteSet(usual_places(diameter, technique("placement.spacing")),
                    technique("injection.volume"), technique("injection.depth"))  # fmt: skip
    reference = next((dose.sites for dose in doses), usual)
    age = patch_age_days(patient, name, day) or _episode(patient, day) or 0.0
    return PatchCase(
        name, area, diameter, start, age,
        (read or 0.0) / 100.0, (seen.terminal_percent or 0.0) / 100.0, bool(read),
        reference, doses,
    )  # fmt: skip


def _undrawn(
    patient: Patient, patches: Sequence[PatchCase], scalp: Scalp, on: date | None
) -> float:
    """Share [1] of the scalp that the scores count and no patch shows: the least of any visit.

    The loss is kept as it is, so a later score that leaves less room for it is the better witness.
    """
    whole = float(len(scalp.position) * scalp.cell_area_mm2)
    regrown: dict[str, float] = {}
    left: list[float] = []
    for visit in visits_until(patient, on):
        for seen in visit.patches:
            read = regrowth_percent(seen)
            regrown[seen.id] = regrown.get(seen.id, 0.0) if read is None else read / 100.0
        salt = salt_of(visit)
        if salt is not None:
            drawn = sum(one.area * (1.0 - regrown[one.id]) for one in patches if one.id in regrown)
            left.append(max(salt / 100.0 - drawn / whole, 0.0))
    return min(left, default=0.0)


def _episode(patient: Patient, day: date) -> float | None:
    return float((day - patient.onset).days) if patient.onset and patient.onset <= day else None


def _alike(patches: Sequence[PatchCase], observations: Sequence[Observation]) -> tuple[int, ...]:
    """Give patches that nothing tells apart the same number."""
    numbers: dict[object, int] = {}
    found = []
    for patch in patches:
        seen = tuple(
            (one.kind, one.day, one.low, one.high, one.rater, one.scale)
            for one in observations
            if one.patch == patch.id
        )
        what = (round(patch.area, 3), patch.start, patch.age, patch.regrown, patch.terminal,
                patch.reference, patch.doses, seen)  # fmt: skip
        found.append(numbers.setdefault(what, len(numbers)))
    return tuple(found)


def covariates_of(
    patient: Patient, day: date, patches: Sequence[PatchCase], scalp: Scalp
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Which published effects apply (effect,), and which of them the record tells.

    Parameters
    ----------
    patient : the record; day : of the first outline; patches : as drawn; scalp : the patient's.
    """
    history = patient.history
    recurrent = history.recurrent
    if recurrent is None and history.earlier_episodes is not None:
        recurrent = history.earlier_episodes > 0
    begun = history.age_at_first_onset_years
    if begun is None and patient.onset is not None and recurrent is False:
        begun = age_on(patient, patient.onset)
    ages = [patch_age_days(patient, patch.id, day) or 0.0 for patch in patches]
    episode = _episode(patient, day) or (max(ages) or None)
    early = [patch for patch in patches if patch.start == min(each.start for each in patches)]
    whole = float(len(scalp.position) * scalp.cell_area_mm2)
    salts = [salt for visit in visits_until(patient, day) if (salt := salt_of(visit)) is not None]
    extent = salts[0] / 100.0 if salts else sum(patch.area for patch in early) / whole
    told = {
        "episode_days": episode, "extent": extent, "patches": float(len(early)),
        "nail_change": history.nail_changes, "family_history": history.family_history,
        "recurrent": recurrent, "onset_age_years": begun,
    }  # fmt: skip
    one = {name: np.array([0.0 if value is None else value]) for name, value in told.items()}
    zero = np.zeros(1)
    row = Covariates(
        age_years=zero, sex=zero.astype(np.int8), weight_kg=zero, ancestry=zero.astype(np.int8),
        onset_age_years=one["onset_age_years"], episode_days=one["episode_days"],
        recurrent=one["recurrent"].astype(bool), nail_change=one["nail_change"].astype(bool),
        family_history=one["family_history"].astype(bool), atopy=zero.astype(bool),
        patches=one["patches"].astype(np.int8), extent=one["extent"],
    )  # fmt: skip
    known = np.array([told[_NEEDS[effect.covariate]] is not None for effect in effects()])
    return present(row)[0], known


def bald_ages(case: Case) -> NDArray[np.float64]:
    """Age [day] at which each deviation's patch was bald when first seen, 0 where it was not."""
    ages = np.zeros(max(case.same) + 1)
    for patch, number in zip(case.patches, case.same, strict=True):
        if patch.regrown < _BALD:
            ages[number] = max(ages[number], patch.age)
    return ages


def day_of(case: Case, day: date) -> int:
    """Days from the origin."""
    return (day - case.origin) // timedelta(days=1)
