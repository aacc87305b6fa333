"""Virtual patients with a known truth: their record is made by the same model, or by another one.

They show whether the forecast knows how much it knows (`anagen.forecast.studies`), and fill a
demonstration clinic.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from anagen.forecast.case import WEEK, Case, bald_ages, day_of, make_case
from anagen.forecast.course import Seen, ground_of, pad_rows
from anagen.forecast.doses import PatchDose, rows_of, sets_of
from anagen.forecast.observations import Observation, replicate
from anagen.forecast.past import begin, body_of, predictions, run_chunks, traits_of
from anagen.forecast.prior import Prior, Values, draw, log_prior, make_prior
from anagen.forecast.update import skin_of
from anagen.forecast.written import write_record
from anagen.patient import PatchSeen, Patient, Trichoscopy, Visit, patient_scalp
from anagen.patient.record import History
from anagen.population.covariates import Covariates, draw_covariates
from anagen.population.patch_sizes import draw_patches
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.settings import Setting
from anagen.scalp import PatchShape, circle_outline, patch_cells
from anagen.treatment import Plan, load_protocol, make_plan

FOLLOW_UPS = (4, 8, 12, 16)  # weeks after the first visit
LAST = 24  # week of the truth
SESSIONS = 3
START = date(2025, 1, 6)

_SPOTS = ((50.0, 60.0), (105.0, 120.0), (55.0, 160.0))  # mm in the view from above
_WIDEST = 44.0  # mm, so that patches on these spots stay apart
_CANDIDATES = 64
_HISTORY = 120.0 * 365.25

Change = Callable[["Truth"], "Truth"]


@dataclass(frozen=True)
class Truth:
    """What really happens to a virtual patient.

    Parameters
    ----------
    case : patches, sessions and templates of all readings; x : (1, unknown).
    traits : by patch, (1,) each, from a week on: of ``(week, traits)`` the last that has begun.
    doses : by patch, what really reaches the skin.
    states : by patch, changes of the state at the beginning of a week.
    seen : by patch, (1, week + 1); empty until followed.
    readings : changes of what the model predicts of a reading before it is read.
    """

    case: Case
    x: Values
    traits: Mapping[str, tuple[tuple[int, dict[str, Values]], ...]]
    doses: Mapping[str, tuple[PatchDose, ...]]
    states: Mapping[str, Mapping[int, Callable[[Any], Any]]]
    seen: Mapping[str, Seen]
    readings: Callable[[Observation, int, Mapping[str, Values]], Mapping[str, Values]] | None = None


@dataclass(frozen=True)
class Virtual:
    """A virtual patient.

    Parameters
    ----------
    patient : the record, as written at the visits; plan : all sessions.
    form : the same record with the same number in place of every reading.
    truth : what really happens; prior : that the truth was drawn from.
    observations : what is read at all follow-up visits; harm is read anew after each of them.
    """

    patient: Patient
    form: Patient
    plan: Plan
    truth: Truth
    prior: Prior
    observations: tuple[Observation, ...]

    def seen_by(self, visits: int) -> Case:
        """Case as it is after some follow-up visits: none when 0, the one of the truth when 5."""
        week = (0, *FOLLOW_UPS, LAST)[visits]
        case = make_case(self.form, START + timedelta(weeks=week))
        read = {(one.kind, one.day, one.patch): one for one in self.observations}
        known = tuple(read[one.kind, one.day, one.patch] for one in case.observations)
        return replace(case, observations=known)

    def cover(self, week: int) -> dict[str, float]:
        """Tell the true cover of every patch at a week."""
        return {name: float(seen.outcome.cover[0, week]) for name, seen in self.truth.seen.items()}


def virtual_patient(
    seed: int,
    *,
    posterior: Posterior | None = None,
    change: Change | None = None,
    strength: float = 5.0,
) -> Virtual:
    """Make one virtual patient, treated monthly and looked at every four weeks.

    Parameters
    ----------
    seed : of everything about them.
    posterior : population; the package's own when None.
    change : of the truth, for a patient whom the model does not describe.
    strength : of the injections [mg/mL].
    """
    chosen = posterior or load_posterior()
    random = np.random.default_rng([seed, 11])
    form, plan = _record(seed, strength)
    case = make_case(form)
    prior = make_prior(chosen, case.shown, case.known, bald_ages(case))
    x = _draw_truth(prior, random)
    truth = _as_planned(case, x)
    truth = _followed(change(truth) if change else truth)
    skin = skin_of(prior, chosen, x, random)
    # A harm is read once, on the last day it is looked for, which each stage has for itself.
    weeks = (*FOLLOW_UPS, LAST)
    stages = [make_case(form, START + timedelta(weeks=week)) for week in weeks]
    templates = {(one.kind, one.day, one.patch): one
                 for each in stages for one in each.observations}  # fmt: skip
    read = tuple(_read(truth, one, skin, random) for one in templates.values())
    return Virtual(write_record(form, read), form, plan, truth, prior, read)


def _draw_truth(prior: Prior, random: np.random.Generator) -> Values:
    """One person (1, unknown) of the prior."""
    x, log_q = draw(prior, random.uniform(size=(_CANDIDATES, prior.size)))
    target, _ = log_prior(prior, x)
    weight = np.exp(target - log_q - np.max(target - log_q))
    return np.asarray(x[random.choice(_CANDIDATES, p=weight / weight.sum())][None])


def _as_planned(case: Case, x: Values) -> Truth:
    traits = {
        patch.id: ((0, traits_of(case, x, number)),) for number, patch in enumerate(case.patches)
    }
    doses = {patch.id: patch.doses for patch in case.patches}
    return Truth(case, x, traits, doses, {}, {})


def _followed(truth: Truth) -> Truth:
    """Follow every patch of the truth from the first visit to the last."""
    case = truth.case
    body, seen = body_of(case), {}
    for patch in case.patches:
        doses = truth.doses[patch.id]
        sets = sets_of(patch.reference, patch.doses)
        ground = ground_of(patch.diameter, sets)
        changes = truth.states.get(patch.id, {})
        breaks = sorted({0, *changes, *(week for week, _ in truth.traits[patch.id]), patch.weeks})
        state: Any = begin(patch, 1, np.zeros(1))
        parts: list[Seen] = []
        for first, last in pairwise(breaks):
            own = [traits for week, traits in truth.traits[patch.id] if week <= first][-1]
            if first in changes:
                state = changes[first](state)
            day = case.origin + timedelta(days=patch.start + WEEK * first)
            rows = pad_rows(rows_of(doses, sets, day, WEEK * (last - first)))
            part, state = run_chunks(body, own, ground, rows, last - first, state)
            parts.append(part if not parts else jax.tree.map(lambda leaf: leaf[:, 1:], part))
        seen[patch.id] = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1), *parts)
    return replace(truth, seen=seen)


def _read(
    truth: Truth, one: Observation, skin: Mapping[str, Values], random: np.random.Generator
) -> Observation:
    """Read the truth as the template was read."""
    row = {**predictions(truth.case, one, truth.seen), **skin}
    if truth.readings is not None:
        week = (one.day - START).days // WEEK
        row = dict(truth.readings(one, week, row))
    low, high = replicate(one, row, random)
    return replace(one, low=float(low[0]), high=float(high[0]))


def _record(seed: int, strength: float) -> tuple[Patient, Plan]:
    """Record with placeholders for what will be read, and the plan of all sessions."""
    covariates = draw_covariates(1, seed, Setting("localized"))
    drawn = draw_patches(covariates, seed)
    count = min(len(drawn.diameter_mm), len(_SPOTS))
    diameters = np.clip(drawn.diameter_mm[:count], 12.0, _WIDEST)
    ages = np.minimum(drawn.age_days[:count], _HISTORY)
    shapes = {
        f"patch {number + 1}": PatchShape(
            outlines=(circle_outline("top", *_SPOTS[number], float(diameters[number])),)
        )
        for number in range(count)
    }
    begun = {name: START - timedelta(days=int(age))
             for name, age in zip(shapes, ages, strict=True)}  # fmt: skip
    bare = _person(covariates, seed, min(begun.values()))
    scalp = patient_scalp(bare)
    covers = {name: patch_cells(scalp, shape) for name, shape in shapes.items()}
    plan = make_plan(scalp, covers, load_protocol("scalp-standard-5"), START, patient_id=bare.id,
                     sessions=SESSIONS, interval_days=28, strength_mg_per_mL=strength)  # fmt: skip
    given = tuple(
        one.model_copy(update={"injections": tuple(
            item.model_copy(update={"status": "given"}) for item in one.injections)})
        for one in plan.sessions
    )  # fmt: skip
    visits = [_first_visit(shapes, begun)]
    visits += [_later_visit(tuple(shapes), week) for week in (*FOLLOW_UPS, LAST)]
    return bare.model_copy(update={"visits": tuple(visits), "sessions": given}), plan


def _person(covariates: Covariates, seed: int, onset: date) -> Patient:
    age = float(covariates.age_years[0])
    return Patient(
        id=f"V{seed:05d}",
        age_years=round(age, 1),
        weight_kg=round(float(covariates.weight_kg[0]), 1),
        onset=onset,
        history=History(
            recurrent=bool(covariates.recurrent[0]),
            age_at_first_onset_years=round(min(float(covariates.onset_age_years[0]), age), 1),
            family_history=bool(covariates.family_history[0]),
            nail_changes=bool(covariates.nail_change[0]),
        ),
    )


def _first_visit(shapes: Mapping[str, PatchShape], begun: Mapping[str, date]) -> Visit:
    seen = tuple(
        PatchSeen(id=name, shape=shape, first_seen=begun[name], regrowth_percent=0.0)
        for name, shape in shapes.items()
    )
    return Visit(date=START, patches=seen)


def _later_visit(names: Sequence[str], week: int) -> Visit:
    signs = Trichoscopy(tapering_hairs=1, black_dots=1, broken_hairs=1)
    seen = tuple(
        PatchSeen(id=name, regrowth_percent=50.0, terminal_percent=50.0, trichoscopy=signs,
                  atrophy_grade=0)
        for name in names
    )  # fmt: skip
    return Visit(date=START + timedelta(weeks=week), patches=seen, salt_percent=1.0)


def future_of(virtual: Virtual, visits: int) -> tuple[Case, Plan, int]:
    """Case after some visits, the plan of all sessions, and weeks from its origin to the truth."""
    case = virtual.seen_by(visits)
    last = START + timedelta(weeks=LAST)
    return case, virtual.plan, -day_of(case, last) // -WEEK
