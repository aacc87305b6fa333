"""The bank: simulated people, each followed through every regimen, for any population to weigh.

What a population responds is an average over its people. The people of the bank are drawn once from
a wide *proposal*; a population is then tried out by weighing them with

    w_i = p(phi_i | population, covariates_i) / proposal(phi_i)

so that no trial of a population needs a new simulation, and the average has an exact gradient.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp

from anagen.errors import InputError, Problem
from anagen.population.cohort import (
    PatchPeople,
    Regimen,
    failed,
    follow_people,
    new_patches,
)
from anagen.population.conditions import (
    ArmCase,
    Condition,
    regimen_for,
    regimens_serving,
)
from anagen.population.covariates import Covariates, draw_covariates
from anagen.population.endpoints import person_values
from anagen.population.patch_sizes import draw_patches
from anagen.population.person import Outcome
from anagen.population.settings import Setting
from anagen.population.variability import (
    Population,
    bounded,
    calibrated_traits,
    draw_traits,
    least_tolerance_time,
    load_traits,
    log_density,
    present,
    severity,
)

Report = Callable[[str], None]
Read = Callable[[Outcome, Regimen, int], np.ndarray]

_TOO_MANY_FAILED = 0.01
_LENGTHS = (13, 26, 52, 104)  # weeks of courses; every other length would be compiled anew


@dataclass(frozen=True)
class Row:
    """Something asked of every person of a setting: a value under conditions that are averaged.

    Parameters
    ----------
    key : name of the row.
    setting : kind of people.
    conditions : ways in which it may have been, with weights.
    read : value (person,) from (outcome, regimen, week); NaN where there is none.
    """

    key: str
    setting: Setting
    conditions: tuple[Condition, ...]
    read: Read


@dataclass(frozen=True)
class People:
    """People of one setting and where they come from.

    Parameters
    ----------
    patches : with their traits.
    shown : (person, effect) effects that apply; least : (person,) [day] of tolerance.
    log_traits : (person, trait) calibrated traits.
    log_proposal : (person,) logarithm of the density they were drawn from.
    """

    patches: PatchPeople
    shown: np.ndarray
    least: np.ndarray
    log_traits: np.ndarray
    log_proposal: np.ndarray


@dataclass(frozen=True)
class Group:
    """What the people of one setting did.

    Parameters
    ----------
    people : who.
    keys : (row,) names of the rows.
    values : (row, person) averaged over conditions, 0 where there is none.
    defined : (row, person) share of the conditions under which there is a value [1].
    """

    people: People
    keys: tuple[str, ...]
    values: np.ndarray
    defined: np.ndarray


def case_row(case: ArmCase, key: str, *, against: bool = False, shift: float = 0.0) -> Row:
    """Row of a published arm, or of the arm that it is held against; its threshold moved [1]."""

    def read(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
        return person_values(case.endpoint, outcome, week, regimen, shift)

    conditions = case.against if against else case.conditions
    return Row(key, Setting(case.setting), conditions, read)


def proposals(points: Sequence[Population], widen: float) -> Population:
    """Proposal from points of the population: their traits, spread wider; leaves (point, ...)."""
    wide = [point._replace(spread=point.spread * widen) for point in points]
    return Population(*(jnp.stack(leaf) for leaf in zip(*wide, strict=True)))


def draw_people(n: int, seed: int, setting: Setting, proposal: Population) -> People:
    """Draw people of a setting from a proposal, the same number from each of its points.

    Parameters
    ----------
    n : how many; seed : of everything.
    setting : kind of people.
    proposal : points, (point, ...) leaves.
    """
    covariates = draw_covariates(n, seed, setting)
    diameter, age = main_patch(covariates, seed)
    shown, least = present(covariates), least_tolerance_time(age)
    points = proposal.median.shape[0]
    chosen = np.arange(n) % points
    every = [Population(*(leaf[k] for leaf in proposal)) for k in range(points)]
    severities = np.stack([np.asarray(severity(point, jnp.asarray(shown))) for point in every])
    own = Population(*(leaf[chosen] for leaf in proposal))
    traits = draw_traits(own, severities[chosen, np.arange(n)], least, normal_scores(n, seed))
    log_traits = np.log(np.stack([traits[trait.key] for trait in calibrated_traits()], axis=1))
    each = jnp.stack(
        [log_density(point, jnp.asarray(log_traits), jnp.asarray(hard), jnp.asarray(least))
         for point, hard in zip(every, severities, strict=True)]
    )  # fmt: skip
    log_proposal = np.asarray(logsumexp(each, axis=0)) - np.log(points)
    patches = new_patches(bounded(traits), diameter, age)
    return People(patches, shown, least, log_traits, log_proposal)


def main_patch(covariates: Covariates, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Diameter [mm] and age [day] of everybody's largest patch."""
    patches = draw_patches(covariates, seed)
    first = np.searchsorted(patches.person, np.arange(len(covariates)))
    return patches.diameter_mm[first], patches.age_days[first]


def normal_scores(n: int, seed: int) -> np.ndarray:
    """Scrambled Sobol points as standard normal scores (person, trait)."""
    from scipy.stats import norm, qmc

    sampler = qmc.Sobol(len(load_traits()), scramble=True, rng=np.random.default_rng(seed))
    power = int(np.ceil(np.log2(max(n, 2))))
    uniform = sampler.random_base2(power)[:n]
    tiny = np.finfo(np.float32).eps
    return np.asarray(norm.ppf(np.clip(uniform, tiny, 1.0 - tiny)))


def fill_group(
    rows: Sequence[Row],
    people: People,
    *,
    cache: Path | None = None,
    report: Report | None = None,
) -> Group:
    """Follow people through every regimen that rows of their setting ask for.

    Parameters
    ----------
    rows : of one setting.
    people : of that setting.
    cache : folder in which each regimen's answers are kept, so that an interrupted run resumes.
    report : told what is being done.

    Raises
    ------
    InputError
        When more than 1 % of the people cannot be followed.
    """
    keys = tuple(row.key for row in rows)
    values = np.zeros((len(rows), len(people.patches)), np.float32)
    defined = np.zeros_like(values)
    needed = _needed(rows)
    for number, (regimen, weeks) in enumerate(needed.items(), start=1):
        if report:
            report(
                f"{regimen.strength:g} mg/mL x{regimen.sessions} every {regimen.interval:g} weeks "
                f"({number} of {len(needed)})"
            )
        make = partial(_answers, rows, people, regimen, weeks, tuple(needed))
        part = _kept(cache, regimen, rows, make)
        values += part[0]
        defined += part[1]
    return Group(people, keys, values, defined)


def _needed(rows: Sequence[Row]) -> dict[Regimen, int]:
    """Regimens to follow and for how many weeks."""
    conditions = [condition for row in rows for condition in row.conditions]
    regimens = regimens_serving(conditions)
    weeks = dict.fromkeys(regimens, 1)
    for condition in conditions:
        serves = regimen_for(condition, regimens)
        enough = next((length for length in _LENGTHS if length >= condition.week), condition.week)
        weeks[serves] = max(weeks[serves], enough)
    return weeks


def _answers(
    rows: Sequence[Row],
    people: People,
    regimen: Regimen,
    weeks: int,
    regimens: Sequence[Regimen],
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted values and definedness (row, person) of the conditions that a regimen serves."""
    outcome = follow_people(people.patches, regimen, weeks)
    _check_failed(failed(outcome), regimen)
    values = np.zeros((len(rows), len(people.patches)), np.float32)
    defined = np.zeros_like(values)
    for number, row in enumerate(rows):
        for condition in row.conditions:
            if regimen_for(condition, regimens) == regimen:
                found = row.read(outcome, condition.regimen, condition.week)
                there = np.isfinite(found)
                values[number] += condition.weight * np.where(there, found, 0.0)
                defined[number] += condition.weight * there
    return values, defined


def _check_failed(bad: np.ndarray, regimen: Regimen) -> None:
    if bad.mean() > _TOO_MANY_FAILED:
        raise InputError(
            Problem("population", f"at most {_TOO_MANY_FAILED:.0%} that cannot be followed",
                    f"{int(bad.sum())} of {len(bad)} under {regimen}",
                    "Look at the traits of those people; the population is too wide.")
        )  # fmt: skip


def _kept(
    cache: Path | None,
    regimen: Regimen,
    rows: Sequence[Row],
    make: Callable[[], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Answers from the cache, or made and put there."""
    if cache is None:
        return make()
    import hashlib

    asked = "\n".join([repr(regimen), *(f"{row.key}{row.conditions}" for row in rows)])
    name = hashlib.sha256(asked.encode()).hexdigest()[:20]
    path = cache / f"{name}.npz"
    if path.exists():
        with np.load(path) as stored:
            return stored["values"], stored["defined"]
    values, defined = make()
    cache.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(temporary, values=values, defined=defined)
    temporary.replace(path)
    return values, defined


def weights(population: Population, people: Mapping[str, Any]) -> Any:
    """Weights (person,) of a group's people in a population, summing to one.

    Parameters
    ----------
    population : the point.
    people : arrays ``shown``, ``least``, ``log_traits``, ``log_proposal`` of `People`.
    """
    density = log_density(
        population,
        people["log_traits"],
        severity(population, people["shown"]),
        people["least"],
    )
    ratio = density - people["log_proposal"]
    return jnp.exp(ratio - logsumexp(ratio))


def arrays(people: People) -> dict[str, Any]:
    """Arrays of people for `weights`, single precision."""
    names = ("shown", "least", "log_traits", "log_proposal")
    return {name: jnp.asarray(getattr(people, name), jnp.float32) for name in names}


def effective(weight: Any) -> Any:
    """Effective number of people behind weights, 1 / sum w^2."""
    return 1.0 / jnp.sum(weight * weight)
