"""Chance of relapse after the last session: what the model loses again, and new triggers."""

import jax.numpy as jnp
import numpy as np

from anagen.forecast.case import WEEK, Case
from anagen.forecast.outlook import Arm, People, last_day
from anagen.forecast.prior import Values
from anagen.population.relapse import COVARIATES, Relapse, relapse_free

_HALF = 0.5  # of what had regrown; its loss counts as relapse, as in the studies


def relapse_chances(people: People, arm: Arm, regrown: Values) -> Values:
    """Chance (person, week) of relapse by then; NaN of people who have not responded.

    Counted from the last session: half of the best regrowth since then lost again in the model, or
    a new trigger, whose hazard belongs to the person's draw of the population.

    Parameters
    ----------
    people : who fit; arm : what is done.
    regrown : (person, week) share of the first bald area that is covered.
    """
    case = people.learnt.case
    weeks = regrown.shape[1]
    stop = last_day(case, arm)
    past = _past_regrown(people)
    best = np.maximum.accumulate(np.maximum(regrown, past[:, None]), axis=1)
    after = WEEK * np.arange(weeks) >= stop
    lost = np.maximum.accumulate((regrown < _HALF * best) & after, axis=1)
    # Who has not met a new trigger by the origin has not met it.
    days = np.maximum(WEEK * np.arange(weeks), max(stop, 0)) - stop
    free = np.asarray(relapse_free(_relapse(people), jnp.asarray(days)[None], _who(case)))
    free = free / free[:, :1]
    responded = np.maximum.accumulate(best >= _HALF, axis=1)
    chance = np.where(after, 1.0 - np.where(lost, 0.0, free), 0.0)
    return np.where(responded, chance, np.nan)


def _relapse(people: People) -> Relapse:
    """Hazard (person, 1) of each person's draw of the population."""
    draws, number = people.learnt.posterior.draws, people.draw
    return Relapse(
        jnp.asarray(draws["relapse_h0"][number])[:, None],
        jnp.asarray(draws["relapse_kappa"][number])[:, None],
        jnp.asarray(draws["relapse_log_hazard_ratios"][number])[:, None, :],
        jnp.asarray(draws["relapse_study_precision"][number])[:, None],
    )


def _who(case: Case) -> Values:
    return np.array([case.effect(name) for name in COVARIATES])


def _past_regrown(people: People) -> Values:
    """Best share (person,) of the first bald area that was ever covered up to the origin."""
    case = people.learnt.case
    weeks = max(patch.weeks for patch in case.patches)
    bald = np.zeros((len(people.number), weeks + 1))
    for patch in case.patches:
        area = people.learnt.past.seen[patch.id].outcome.bald_area[people.number]
        before = np.repeat(area[:, :1], weeks - patch.weeks, axis=1)
        bald += np.concatenate([before, area], axis=1) * patch.area / patch.laid_out
    total = sum(patch.area for patch in case.patches)
    return np.asarray(np.maximum(1.0 - bald.min(1) / total, 0.0))
