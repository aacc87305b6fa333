r"""Strength and interval chosen for one person by the individual forecast.

At a session after the first, everything that raters have read of a person so far goes through the
forecast of `anagen.forecast`: the same prior (the population at the person's covariates), the same
readings with their error, the same update. Every choice of the protocol is then followed for the
people who fit, as though it held for all sessions that are left. With :math:`r_h` the regrowth at
the horizon and :math:`r^*` the target,

.. math:: p_k = P(r_h \ge r^* \mid \text{readings, choice } k)

*The rule*: of the choices with enough chance (:math:`p_k \ge` the protocol's ``enough_chance``,
usually 1/2: reached likelier than not) the least strength is given, and of that strength the
longest interval. When no choice has enough, the one with the greatest :math:`p_k` is given; equal
ones go to the least strength and then the longest interval. All choices are followed for the same
possible people, so that a difference between them is no matter of luck.

The forecast knows what a clinic knows: covariates, patch, sessions given, readings. It knows the
truth of nobody. Its population is the one that the people of the trial are drawn from, so a guided
arm shows what the forecast is worth when the model holds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.population.cohort import nearest_size
from anagen.population.condition_data import load_condition_data
from anagen.population.endpoints import regrowth
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior
from anagen.population.site_sets import usual_places
from anagen.trials.protocol import Treatment
from anagen.trials.stepped import Technique

if TYPE_CHECKING:
    from anagen.forecast.case import Case
    from anagen.forecast.course import SiteSet
    from anagen.forecast.doses import PatchDose
    from anagen.forecast.observations import Observation
    from anagen.forecast.outlook import People

Array = NDArray[np.float64]

PEOPLE = 256
"""Possible people for whom every choice is followed, as many as a forecast for a clinic takes."""

ROUNDS = 4
"""Rounds of the forecast at most: of 49 decisions none was another one with ten, at three times
the time; the chance differed by 0.0002 in the mean."""

_WEEK = 7
# The forecast reckons in dates; which day a course begins on does not matter.
_BEGIN = date(2001, 1, 1)
_PATCH = "studied"


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of one person on the day of a decision.

    Parameters
    ----------
    seed : of the forecast's random numbers, the person's own.
    shown : (effect,) covariates of the published effects, as `population.variability.present`.
    diameter : [mm] of the studied patch; age : [day] of it at the start.
    week : of the decision, since the start.
    given : (day, strength [mg/mL]) of the sessions so far; readings : (day, share [1]) of every
        rater.
    sessions : left, the one that is decided on included.
    """

    seed: tuple[int, ...]
    shown: Array
    diameter: float
    age: float
    week: int
    given: tuple[tuple[int, float], ...]
    readings: tuple[tuple[int, float], ...]
    sessions: int


@dataclass(frozen=True)
class Choice:
    """What the forecast chose.

    Parameters
    ----------
    strength : [mg/mL]; interval : [week] to the next session.
    chance : to reach the target with it [1].
    """

    strength: float
    interval: float
    chance: float


def options(treatment: Treatment) -> list[tuple[float, float]]:
    """List strengths [mg/mL] with intervals [week], in the order in which they are preferred.

    Examples
    --------
    >>> from anagen.trials.protocol import Guided
    >>> own = Guided(strengths_mg_per_mL=(5, 2.5), interval_weeks=(4, 6), target=0.75,
    ...              horizon_weeks=12)
    >>> options(Treatment(strength_mg_per_mL=5, interval_weeks=4, sessions=3, guided=own))
    [(2.5, 6.0), (2.5, 4.0), (5.0, 6.0), (5.0, 4.0)]
    """
    own = treatment.guided
    assert own is not None
    intervals = sorted({*(own.interval_weeks or (treatment.interval_weeks,))}, reverse=True)
    return [(mg, weeks) for mg in sorted({*own.strengths_mg_per_mL}) for weeks in intervals]


def preferred(chances: Iterable[float], enough: float) -> tuple[int, float]:
    """Take a choice by the chances (choice,) to reach the target, in the order of `options`.

    Chances are asked for one after the other, and no more of them than are needed.

    Returns
    -------
    (number, chance)
        Of the first choice with enough chance, else of the best.

    Examples
    --------
    >>> preferred([0.2, 0.6, 0.9], 0.5), preferred([0.1, 0.3, 0.3], 0.5)
    ((1, 0.6), (1, 0.3))
    """
    best, most = 0, -1.0
    for number, chance in enumerate(chances):
        if chance >= enough:
            return number, chance
        if chance > most:
            best, most = number, chance
    return best, most


def choose(
    known: Known,
    treatment: Treatment,
    technique: Technique,
    rater_error: float,
    posterior: Posterior,
) -> Choice:
    """Choose for one person.

    Parameters
    ----------
    known : of the person; at least one reading.
    treatment : of the arm, with `Guided`; technique : how it injects.
    rater_error : standard deviation of one reading at half regrowth [1].
    posterior : of the population that the forecast begins from.

    Returns
    -------
    Choice
        The same for the same numbers, whoever else is decided on.
    """
    from anagen.forecast.outlook import choose_people
    from anagen.forecast.update import update

    own = treatment.guided
    assert own is not None
    seed = int(np.random.SeedSequence(known.seed).generate_state(1, np.uint64)[0])
    case = case_of(known, technique, rater_error)
    learnt = update(case, posterior=posterior, seed=seed, rounds=ROUNDS)
    people = choose_people(learnt, PEOPLE, seed)
    wanted = options(treatment)
    if known.sessions <= 1:  # the interval changes nothing any more
        wanted = [(mg, wanted[0][1]) for mg in dict.fromkeys(mg for mg, _ in wanted)]
    weeks = own.horizon_weeks - (known.week if own.horizon_from == "start" else 0.0)
    chances = (
        _chance(people, _to_come(case, known, technique, *one), weeks, own.target) for one in wanted
    )
    number, chance = preferred(chances, own.enough_chance)
    return Choice(*wanted[number], chance)


def _chance(people: "People", doses: "Sequence[PatchDose]", weeks: float, target: float) -> float:
    """Chance [1] to reach a target some weeks later with these doses, given and to come."""
    start = people.learnt.past.seen[_PATCH].outcome.cover[people.number, 0]
    both = np.stack([start, _cover(people, doses, weeks)], axis=1)
    back = regrowth(Outcome(*[both] * len(Outcome._fields)))[:, 1]
    return float(np.mean(back >= target))


def case_of(known: Known, technique: Technique, rater_error: float) -> "Case":
    """Put what is known of a person in the terms of the forecast, day 0 the day of the decision."""
    from anagen.biology.start import Person
    from anagen.evidence.parameters import load_parameters
    from anagen.forecast.case import Case, PatchCase
    from anagen.patient import Patient
    from anagen.scalp import build_scalp

    # Patches of a trial are laid out in rounded sizes, with the sites of these.
    diameter = float(nearest_size(np.array([known.diameter]))[0])
    sites = _sites(diameter, technique)
    patch = PatchCase(
        _PATCH, math.pi / 4.0 * diameter**2, diameter, -_WEEK * known.week, known.age, 0.0, 0.0,
        False, sites, tuple(_dose(day, mg, sites, technique) for day, mg in known.given),
    )  # fmt: skip
    read = tuple(_observation(day, share, rater_error) for day, share in known.readings)
    return Case(
        patient=Patient(id=_PATCH), origin=_BEGIN + timedelta(weeks=known.week),
        scalp=build_scalp(), covers={}, frames={}, patches=(patch,), same=(0,), shown=known.shown,
        known=np.ones(len(known.shown), bool), until=None, given=(), observations=read, undrawn=0.0,
        person=Person(), parameters=load_parameters(),
    )  # fmt: skip


def _sites(diameter: float, technique: Technique) -> "SiteSet":
    from anagen.forecast.course import SiteSet

    places = usual_places(diameter, technique.spacing)
    return SiteSet(places, technique.volume, technique.depth)


def _dose(day: int, mg: float, sites: "SiteSet", technique: Technique) -> "PatchDose":
    from anagen.forecast.doses import PatchDose

    parts = ((technique.product, mg, technique.volume, 1.0),)
    return PatchDose(_BEGIN + timedelta(days=day), len(sites.places), sites, parts)


def _to_come(
    case: "Case", known: Known, technique: Technique, mg: float, weeks: float
) -> "tuple[PatchDose, ...]":
    patch = case.patches[0]
    days = (round(_WEEK * (known.week + number * weeks)) for number in range(known.sessions))
    return (*patch.doses, *(_dose(day, mg, patch.reference, technique) for day in days))


def _observation(day: int, share: float, rater_error: float) -> "Observation":
    """Read a share as a rater of a trial does: the cover itself, with the error of the protocol."""
    from anagen.forecast.observation_data import observation_number, share_edges
    from anagen.forecast.observations import Observation

    data = load_condition_data()
    inner, place = share_edges(share, observation_number("percent_step"))
    edges = (-math.inf, *inner, math.inf)
    # Nobody is believed beyond the least error of a reader.
    scale = max(rater_error, data.value("reader_least")) / data.value("reader")
    return Observation(
        kind="cover", day=_BEGIN + timedelta(days=day), patch=_PATCH, low=edges[place],
        high=edges[place + 1], edges=edges, rater="clinician", scale=scale,
        value=f"{100.0 * share:.0f}", unit="%", label="regrowth",
    )  # fmt: skip


def _cover(people: "People", doses: "Sequence[PatchDose]", weeks: float) -> Array:
    """Cover (person,) of people who fit, some weeks after the decision."""
    import jax

    from anagen.forecast.course import ground_of, pad_rows
    from anagen.forecast.doses import rows_of, sets_of
    from anagen.forecast.past import body_of, run_chunks, traits_of

    case, whole = people.learnt.case, math.ceil(weeks)
    patch = case.patches[0]
    sets = sets_of(patch.reference, doses)
    rows = pad_rows(rows_of(doses, sets, case.origin, whole * _WEEK))
    start = jax.tree.map(lambda leaf: leaf[people.number], people.learnt.past.state[_PATCH])
    seen, _ = run_chunks(body_of(case), traits_of(case, people.x, 0),
                         ground_of(patch.diameter, sets), rows, whole, start)  # fmt: skip
    cover = np.asarray(seen.outcome.cover, float)
    before, part = math.floor(weeks), weeks - math.floor(weeks)
    return np.asarray((1.0 - part) * cover[:, before] + part * cover[:, min(before + 1, whole)])
