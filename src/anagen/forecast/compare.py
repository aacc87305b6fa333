"""Many plans side by side: enough of each future to choose between them."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

import jax
import numpy as np

from anagen.forecast.candidates import Candidate, candidate_plans
from anagen.forecast.case import WEEK, Case, make_case
from anagen.forecast.choose import Comparison, compare
from anagen.forecast.course import Seen, ground_of, pad_rows
from anagen.forecast.doses import PatchDose, rows_of, sets_of
from anagen.forecast.outlook import (
    Arm,
    People,
    choose_people,
    future_doses,
    missing_area,
    sessions_to_come,
)
from anagen.forecast.pain import pain_quantiles
from anagen.forecast.past import body_of, run_chunks, traits_of
from anagen.forecast.relapses import relapse_chances
from anagen.forecast.skin import visible, visible_odds
from anagen.forecast.summary import chance_of
from anagen.forecast.update import Learnt, update
from anagen.population.posterior import Posterior

if TYPE_CHECKING:
    import pandas as pd

    from anagen.patient import Patient

PEOPLE = 64
WEEKS = 24
_RANGE = (0.1, 0.9)  # quantiles of the 80 % interval
_COMPLETE = 0.75

Progress = Callable[[int, int], None]


def compare_plans(
    patient: "Patient",
    *,
    weeks: int = WEEKS,
    profile: str | None = None,
    preference: Mapping[str, float] | None = None,
    on: date | None = None,
    candidates: Sequence[Candidate] | None = None,
    posterior: Posterior | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the plans that the rules allow for a patient.

    Parameters
    ----------
    patient : the record.
    weeks : at which regrowth is compared, from the origin.
    profile : of the rules; the default when None.
    preference : weights of the criteria; see `anagen.forecast.choose.compare`.
    on : last day of the record that counts.
    candidates : plans to compare; the usual ones when None.
    posterior : of the population; seed : of the random numbers.
    progress : called with (plans done, plans in all).

    Raises
    ------
    InputError
        As `forecast`, and when every plan is blocked by a rule.
    """
    learnt = update(make_case(patient, on), posterior=posterior, seed=seed)
    chosen = candidates or candidate_plans(patient, on=on, profile=profile)
    table = futures(learnt, chosen, weeks=weeks, seed=seed, progress=progress)
    return compare(table, chosen, preference=preference)


def futures(
    learnt: Learnt,
    candidates: Sequence[Candidate],
    *,
    weeks: int = WEEKS,
    people: int = PEOPLE,
    seed: int = 0,
    progress: Progress | None = None,
) -> "pd.DataFrame":
    """Foretell what each candidate does by a week.

    Parameters
    ----------
    learnt : what the visits taught; candidates : plans with unique names.
    weeks : from the origin; people : followed under every plan, the same ones.
    seed : of the choice of people; progress : called with (done, in all).

    Returns
    -------
    DataFrame
        A row a candidate: expected whole-scalp ``regrowth`` with its 80 % interval, ``chance_75``,
        chance of visible ``atrophy`` in the worst patch with its 95 % interval, ``mg``, ``pain``
        (median of the worst session, 0-10), ``pain_sessions``, ``visits`` and ``relapse``.
    """
    import pandas as pd

    chosen = choose_people(learnt, people, seed)
    case = learnt.case
    sessions = [sessions_to_come(case, candidate.plan) for candidate in candidates]
    doses = [future_doses(case, each) for each in sessions]
    courses = _courses(chosen, doses, weeks)
    rows = {}
    for number, (candidate, each) in enumerate(zip(candidates, sessions, strict=True)):
        seen = {patch.id: courses[_key(case, index, doses[number])]
                for index, patch in enumerate(case.patches)}  # fmt: skip
        rows[candidate.name] = _row(chosen, Arm(each, seen, None), weeks)
        if progress:
            progress(number + 1, len(candidates))
    return pd.DataFrame.from_dict(rows, orient="index")


def _key(case: Case, index: int, coming: Mapping[str, tuple[PatchDose, ...]]) -> object:
    patch = case.patches[index]
    return case.same[index], (*patch.doses, *coming[patch.id])


def _courses(
    people: People, doses: Sequence[Mapping[str, tuple[PatchDose, ...]]], weeks: int
) -> dict[object, Seen]:
    """Every different future of a patch, once."""
    case = people.learnt.case
    body = body_of(case)
    jobs: dict[object, tuple[int, tuple[PatchDose, ...]]] = {}
    for coming in doses:
        for index, patch in enumerate(case.patches):
            every = (*patch.doses, *coming[patch.id])
            jobs.setdefault(_key(case, index, coming), (index, every))
    starts = {
        patch.id: jax.tree.map(lambda leaf: leaf[people.number], people.learnt.past.state[patch.id])
        for patch in case.patches
    }
    traits = [traits_of(case, people.x, index) for index in range(len(case.patches))]

    def task(job: tuple[int, tuple[PatchDose, ...]]) -> Seen:
        index, every = job
        patch = case.patches[index]
        sets = sets_of(patch.reference, every)
        rows = pad_rows(rows_of(every, sets, case.origin, weeks * WEEK))
        ground = ground_of(patch.diameter, sets)
        seen, _ = run_chunks(body, traits[index], ground, rows, weeks, starts[patch.id])
        return seen

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(jobs, pool.map(task, jobs.values()), strict=True))


def _row(people: People, arm: Arm, weeks: int) -> dict[str, float]:
    case = people.learnt.case
    area, _ = missing_area(case, arm.seen)
    first = sum(patch.area for patch in case.patches)
    regrown = np.maximum(1.0 - area / first, 0.0)
    low, high = np.quantile(regrown[:, -1], _RANGE)
    skin = _worst_atrophy(people, arm)
    relapse, _, _ = chance_of(people, relapse_chances(people, arm, regrown))
    pain = pain_quantiles(case, arm.sessions, (0.5,))[0]
    return {
        "regrowth": float(regrown[:, -1].mean()),
        "regrowth_low": float(low),
        "regrowth_high": float(high),
        "chance_75": float(np.mean(regrown[:, -1] >= _COMPLETE)),
        "atrophy": skin[0],
        "atrophy_low": skin[1],
        "atrophy_high": skin[2],
        "mg": float(sum(one.total_mg for one in arm.sessions)),
        "pain": float(pain) if arm.sessions else 0.0,
        "pain_sessions": float(len(arm.sessions)),
        "visits": float(len(arm.sessions)),
        "relapse": float(relapse[-1]),
    }


def _worst_atrophy(people: People, arm: Arm) -> tuple[float, float, float]:
    """Chance of visible atrophy in the patch where it is likeliest."""
    draws = people.learnt.posterior.draws
    half = draws["atrophy_half"][people.draw]
    width = np.exp(draws["log_atrophy_width"][people.draw])
    found = []
    for patch in people.learnt.case.patches:
        past = people.learnt.past.seen[patch.id].outcome.thinnest[people.number].min(1)
        worst = 1.0 - np.minimum(past, arm.seen[patch.id].outcome.thinnest.min(1))
        found.append(chance_of(people, visible(visible_odds(worst, half, width))))
    best = max(found, key=lambda part: float(part[0]))
    return float(best[0]), float(best[1]), float(best[2])
