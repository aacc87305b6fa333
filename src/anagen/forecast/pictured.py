"""Three courses of the whole scalp to look at: a likely, a lucky and an unlucky one.

Each is one possible person who fits what was seen, followed on the whole scalp from where the fast
course left them. Patches of a picture share the person's biology, the mean of the patches' own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import jax
import numpy as np

from anagen.biology.course import simulate
from anagen.biology.start import PatchStart
from anagen.evidence.parameters import ParameterSet
from anagen.forecast.case import Case, PatchCase
from anagen.forecast.course import ground_of
from anagen.forecast.doses import sets_of
from anagen.forecast.outlook import UNTREATED, Arm, Outlook, People, missing_area
from anagen.forecast.past import traits_of
from anagen.forecast.prior import Values
from anagen.population.variability import load_traits
from anagen.units import convert

if TYPE_CHECKING:
    import xarray as xr

COURSES: Mapping[str, float] = {"likely": 0.5, "lucky": 0.9, "unlucky": 0.1}
"""Share of possible people who do worse than the pictured one, by name."""

WEEKS = 24


def courses(
    outlook: Outlook, plan: str | None = None, *, weeks: int = WEEKS
) -> dict[str, "xr.Dataset"]:
    """Simulate the whole scalp of a likely, a lucky and an unlucky course.

    Parameters
    ----------
    outlook : people who fit, and their future.
    plan : name of a plan; without further treatment when None.
    weeks : how long.

    Returns
    -------
    dict
        Course by name, as `anagen.simulate` gives it; its attribute ``quantile`` is the share of
        possible people who do worse by their mean regrowth over the time pictured.
    """
    return {
        name: _labelled(outlook, person, plan, weeks, name)
        for name, person in _pictured(outlook, plan, weeks).items()
    }


def paired_courses(
    outlook: Outlook, plan: str, *, weeks: int = WEEKS
) -> dict[str, tuple["xr.Dataset", "xr.Dataset"]]:
    """Simulate the same three people with a plan and without further treatment.

    Parameters
    ----------
    outlook : people who fit, and their future.
    plan : name of a plan, by which the people are likely, lucky and unlucky.
    weeks : how long.

    Returns
    -------
    dict
        Treated and untreated course by name; otherwise as `courses`.
    """
    return {
        name: (
            _labelled(outlook, person, plan, weeks, name),
            _labelled(outlook, person, None, weeks, name),
        )
        for name, person in _pictured(outlook, plan, weeks).items()
    }


def _pictured(outlook: Outlook, plan: str | None, weeks: int) -> dict[str, int]:
    """Find the number of the person pictured, by name of the course."""
    arm = outlook.arms[plan or UNTREATED]
    area, _ = missing_area(outlook.people.learnt.case, arm.seen)
    order = np.argsort(-area[:, : weeks + 1].mean(1), kind="stable")
    return {name: int(order[round(share * (len(order) - 1))]) for name, share in COURSES.items()}


def _labelled(
    outlook: Outlook, person: int, plan: str | None, weeks: int, name: str
) -> "xr.Dataset":
    people = outlook.people
    found = _course(people, person, outlook.arms[plan or UNTREATED], weeks)
    found.attrs |= {"quantile": COURSES[name], "patient": people.learnt.case.patient.id,
                    "protocol": plan or "none", "notes": ""}  # fmt: skip
    return found


def _course(people: People, person: int, arm: Arm, weeks: int) -> "xr.Dataset":
    case = people.learnt.case
    number = int(people.number[person])
    parameters = _parameters(case, people.learnt.x[number][None])
    starts = {
        patch.id: _start(people, patch, case.covers[patch.id], number) for patch in case.patches
    }
    # Natural resolution is the person's own, whatever the age of the episode.
    who = replace(case.person, episode_days=None)
    sessions = sorted((*case.given, *arm.sessions), key=lambda one: one.date)
    return simulate(case.scalp, starts, sessions, start=case.origin, weeks=weeks, person=who,
                    parameters=parameters)  # fmt: skip


def _parameters(case: Case, x: Values) -> ParameterSet:
    """Parameters of one person, those that patches differ in as the mean of the patches'."""
    area = np.array([patch.area for patch in case.patches])
    each = [traits_of(case, x, patch) for patch in range(len(case.patches))]
    values = {}
    for trait in load_traits():
        logs = np.array([np.log(one[trait.key][0]) for one in each])
        mean = float(np.exp(np.average(logs, weights=area)))
        unit = case.parameters[trait.key].unit
        values[trait.key.replace(".", "__")] = convert(mean, trait.unit, unit)
    return case.parameters.replace(**values)


def _start(people: People, patch: PatchCase, cover: np.ndarray, number: int) -> PatchStart:
    """Start a patch of the whole scalp from the means of the fast course at the origin."""
    seen, state = people.learnt.past.seen[patch.id], people.learnt.past.state[patch.id]
    classes = ground_of(patch.diameter, sets_of(patch.reference, patch.doses)).classes
    inside = np.asarray(classes.share)

    def now(values: Values, high: float = 1.0) -> float:
        return float(np.clip(values[number, -1], 0.0, high))

    return PatchStart(
        cover,
        regrown=now(seen.outcome.cover),
        thickness=now(seen.outcome.thickness),
        attack=now(seen.outcome.attack),
        privilege=now(seen.privilege),
        tolerance=now(seen.tolerance, high=np.inf),
        hair=jax.tree.map(lambda leaf: float(inside @ leaf[number]), state.hair),
    )
