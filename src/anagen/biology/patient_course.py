"""From a record and a plan to a course."""

from datetime import date
from typing import TYPE_CHECKING

from anagen.biology.course import Follicles, Progress, simulate
from anagen.biology.start import PatchStart, Person
from anagen.errors import InputError, Problem
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.evidence.rules import load_words
from anagen.patient import (
    Patient,
    age_on,
    given_sessions,
    latest_patches,
    patch_age_days,
    patch_shapes,
    patient_scalp,
    start_date,
)
from anagen.patient.timeline import regrowth_percent
from anagen.scalp import ANCESTRIES, Scalp, patch_cells
from anagen.treatment import Plan, Session
from anagen.treatment.rule_registry import mentions

if TYPE_CHECKING:
    import xarray as xr

CELL_MM = 2.0


def simulate_patient(
    patient: Patient,
    plan: Plan | None = None,
    *,
    weeks: int = 52,
    parameters: ParameterSet | None = None,
    treated: bool = True,
    follicles: Follicles | None = None,
    cell_mm: float = CELL_MM,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Simulate one patient from the latest visit on.

    Parameters
    ----------
    patient : the record; its patches as last seen are the start, its sessions given still act.
    plan : sessions to come; none when None.
    weeks : how long, from the latest visit.
    parameters : the latest parameter set when None.
    treated : False leaves the sessions of the plan out.
    follicles : follow single follicles instead of shares.
    cell_mm : size of the cells of the scalp's grid.
    progress : called with (weeks done, weeks in all).

    Returns
    -------
    xarray.Dataset
        The course; see ``docs/architecture.md``. Earlier sessions known as sums only (no sites) are
        spread evenly over their patch; the attribute ``notes`` says so.

    Raises
    ------
    InputError
        When the record has no day to start from, or no patch was ever drawn.
    """
    parameters = parameters or load_parameters()
    start = starting_day(patient, plan)
    scalp = patient_scalp(patient, cell_mm)
    sessions = [item for item in given_sessions(patient, scalp) if treated or item.date <= start]
    if plan is not None and treated:
        sessions += [item for item in plan.sessions if not _is_given(item, patient)]
    course = simulate(
        scalp,
        patch_starts(patient, scalp, start),
        sorted(sessions, key=lambda item: item.date),
        start=start,
        weeks=weeks,
        person=person_of(patient, start, parameters),
        parameters=parameters,
        follicles=follicles,
        progress=progress,
    )
    notes = []
    if patient.session_summaries:
        notes.append(
            f"{len(patient.session_summaries)} earlier sessions are known as sums only: "
            "their sites are taken as spread evenly over the patch"
        )
    course.attrs["patient"] = patient.id
    course.attrs["protocol"] = plan.protocol if plan is not None and treated else "none"
    course.attrs["notes"] = "; ".join(notes)
    return course


def starting_day(patient: Patient, plan: Plan | None) -> date:
    """Day 0 of a course: the latest visit, else the latest session, else the plan's first."""
    start = start_date(patient)
    if start is None and plan is not None and plan.sessions:
        start = plan.sessions[0].date
    if start is None:
        raise InputError(
            Problem("visits", "at least one visit", "none", "Record a visit with the patches seen.")
        )
    return start


def patch_starts(patient: Patient, scalp: Scalp, start: date) -> dict[str, PatchStart]:
    """Every patch as last seen up to a day, as the start of a course."""
    seen = latest_patches(patient, start)
    starts = {}
    for name, shape in patch_shapes(patient, start).items():
        patch = seen[name]
        starts[name] = PatchStart(
            share=patch_cells(scalp, shape, f"patch {name}"),
            regrown=(regrowth_percent(patch) or 0.0) / 100.0,
            terminal=(patch.terminal_percent or 0.0) / 100.0,
            age=patch_age_days(patient, name, start) or 0.0,
        )
    if not starts:
        raise InputError(
            Problem("visits", "at least one patch with an outline", "none",
                    "Draw the outline of a patch in one of the four views.")
        )  # fmt: skip
    return starts


def person_of(patient: Patient, on: date, parameters: ParameterSet) -> Person:
    """Covariates of a patient that change the model."""
    weights = [visit.weight_kg for visit in patient.visits if visit.weight_kg and visit.date <= on]
    growth = None
    if patient.ancestry in ANCESTRIES:
        growth = parameters.value(f"follicle.growth_{patient.ancestry}", "mm/day")
    return Person(
        weight_kg=weights[-1] if weights else patient.weight_kg,
        age_years=age_on(patient, on),
        episode_days=float((on - patient.onset).days) if patient.onset else None,
        growth_mm_per_day=growth,
        strong_inhibitor=any(
            mentions(medicine, load_words()["cyp3a4_strongest"])
            for medicine in patient.medicines or ()
        ),
    )


def _is_given(session: Session, patient: Patient) -> bool:
    return any(given.date == session.date for given in patient.sessions)
