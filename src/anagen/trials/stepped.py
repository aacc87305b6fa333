"""Many people whose treatment is decided on the way: each with an own strength at every session.

People are followed in steps between the weeks at which something may be decided. Their state waits
in between; what is decided changes only sessions that are still to come. Biology, layouts and
arithmetic are those of `anagen.population.cohort`; people always go through in chunks of one size,
so that a person's numbers are the same bit by bit whoever else is followed.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anagen._runtime import prepare_jax
from anagen.biology.engine import State
from anagen.errors import InputError, Problem
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.population.cohort import PatchPeople, Regimen, nearest_size
from anagen.population.cohort_checks import people_problems, regimen_problems
from anagen.population.layout import build_layout
from anagen.population.person import (
    WEEK,
    Body,
    Classes,
    Outcome,
    Product,
    Start,
    classes_of,
    concentrations,
    follow,
    followable,
    product_of,
    release_profile,
    starting,
    typical_body,
    with_traits,
)
from anagen.trials.quadrants import (
    QUADRANTS,
    Quartered,
    concentrations_of,
    follow_quartered,
    quartered,
)

CHUNK = 32
"""People who go through together; as quick as more, and little is lost on the rest of a group."""

NOT_GIVEN = -1
"""Choice of a session that is not held."""

Geometry = Classes | Quartered


@dataclass(frozen=True)
class Technique:
    """How is injected, whatever the strength.

    Parameters
    ----------
    product : its key; volume : [mL] a site; spacing : [mm] between sites; depth : [mm].
    """

    product: str = "ta10"
    volume: float = 0.1
    spacing: float = 10.0
    depth: float = 3.0


@dataclass(frozen=True, eq=False)
class Plan:
    """What each unit is to be given: a person's patch, or one of its quadrants.

    Parameters
    ----------
    days : (person, part, session) [day] of each session, in any order.
    choice : (person, part, session) index into the strengths; `NOT_GIVEN` for none.

    A whole patch has one part, a quartered one four.
    """

    days: Int[np.ndarray, "person part session"]
    choice: Int[np.ndarray, "person part session"]

    def some(self, members: np.ndarray) -> "Plan":
        """Plan of some of the people."""
        return Plan(self.days[members], self.choice[members])


Decide = Callable[[int, Outcome, Plan], Plan]
"""New plan from (week, outcome up to that week (person, part, week + 1), plan)."""


def follow_stepped(
    people: PatchPeople,
    strengths: Sequence[float],
    plan: Plan,
    weeks: int,
    *,
    technique: Technique | None = None,
    injected: np.ndarray | None = None,
    decisions: Sequence[int] = (),
    decide: Decide | None = None,
    parameters: ParameterSet | None = None,
    threads: int | None = None,
) -> Outcome:
    """Follow many people through treatment that may be changed on the way.

    Parameters
    ----------
    people : who.
    strengths : (strength,) [mg/mL] among which the plan chooses.
    plan : what each is to be given.
    weeks : how long.
    technique : the usual one when None.
    injected : (person,) bool, whose patch is laid out with injections, even if all are of
        saline or come late; those with a session of a positive strength when None.
    decisions : weeks after the start at which `decide` is asked, before a session of that day.
    decide : changes the plan; of what it returns only sessions from that day on count.
    parameters : for what is not a trait.
    threads : that compute at once; one a core when None.

    Returns
    -------
    Outcome
        NumPy arrays (person, part, week + 1), single precision. A person whose numbers fail has
        NaN in every field.

    Raises
    ------
    InputError
        When a number cannot be meant; all problems together.

    Examples
    --------
    >>> from anagen.population.cohort import new_patches
    >>> one = new_patches({}, np.array([30.0]), np.array([60.0]))
    >>> plan = Plan(np.array([[[0, 28]]]), np.array([[[0, 1]]]))
    >>> follow_stepped(one, (5.0, 10.0), plan, 8).cover.shape
    (1, 1, 9)
    """
    technique = technique or Technique()
    _raise(_problems(people, strengths, plan, weeks, technique))
    prepare_jax()
    treated = _treated(plan, strengths) if injected is None else np.asarray(injected, bool)
    group = _Group(people, plan, tuple(strengths), weeks, technique, treated,
                   parameters or load_parameters())  # fmt: skip
    asked = sorted({week for week in decisions if 0 < week < weeks})
    return group.follow(asked, decide, threads or os.cpu_count() or 1)


def sites_of(diameter: np.ndarray, technique: Technique, parts: int = 1) -> np.ndarray:
    """Injections (patch,) of one session in a patch, or in one of its quadrants."""
    size, inverse = np.unique(nearest_size(diameter), return_inverse=True)
    if parts == 1:
        counts = [build_layout(float(mm), technique.spacing).sites for mm in size]
    else:
        counts = [quartered(float(mm), technique.spacing).sites for mm in size]
    return np.asarray(counts, float)[inverse]


@dataclass
class _Chunk:
    """Some people with patches of one size, and how they are now."""

    members: np.ndarray
    index: np.ndarray
    geometry: Geometry
    traits: dict[str, np.ndarray]
    state: State
    fine: np.ndarray


class _Group:
    """People who are followed with one technique."""

    def __init__(
        self,
        people: PatchPeople,
        plan: Plan,
        strengths: tuple[float, ...],
        weeks: int,
        technique: Technique,
        injected: np.ndarray,
        parameters: ParameterSet,
    ) -> None:
        single = partial(jnp.asarray, dtype=jnp.float32)
        self.people, self.plan, self.weeks = people, plan, weeks
        self.technique, self.injected = technique, injected
        self.body = jax.tree.map(single, typical_body(parameters))
        self.product = Product(*(single(number) for number in product_of(technique.product)))
        self.numbers = (single(strengths), single(technique.volume), single(technique.depth))

    def follow(self, decisions: list[int], decide: Decide | None, threads: int) -> Outcome:
        parts = self.plan.days.shape[1]
        shape = (len(self.people), parts, self.weeks + 1)
        outcome = Outcome(*(np.empty(shape, np.float32) for _ in Outcome._fields))
        with ThreadPoolExecutor(threads) as pool:
            chunks = list(pool.map(self._begin, self._members()))
            week = 0
            for stop in (*decisions, self.weeks):
                run = partial(self._advance, outcome=outcome, first=week, last=stop)
                list(pool.map(run, chunks))
                if decide is not None and stop < self.weeks:
                    known = Outcome(*(field[..., : stop + 1] for field in outcome))
                    self.plan = merged(self.plan, decide(stop, known, self.plan), stop)
                week = stop
        _flag(outcome, chunks)
        return outcome

    def _members(self) -> list[tuple[np.ndarray, Geometry]]:
        """People with patches of like size together, laid out with injections or without."""
        size, found = nearest_size(self.people.diameter), []
        for diameter in np.unique(size):
            for injected in (False, True):
                own = np.flatnonzero((size == diameter) & (self.injected == injected))
                if not len(own):
                    continue
                geometry = self._geometry(float(diameter), injected)
                found += [(own[first : first + CHUNK], geometry)
                          for first in range(0, len(own), CHUNK)]  # fmt: skip
        return found

    def _geometry(self, diameter: float, injected: bool) -> Geometry:
        if self.plan.days.shape[1] == QUADRANTS:
            return quartered(diameter, self.technique.spacing).classes
        return classes_of(build_layout(diameter, self.technique.spacing if injected else np.inf))

    def _begin(self, group: tuple[np.ndarray, Geometry]) -> _Chunk:
        members, geometry = group
        index = np.resize(members, CHUNK)
        people = self.people
        traits = {key: np.asarray(v[index], np.float32) for key, v in people.traits.items()}
        first = (people.regrown, people.terminal, people.thickness, people.age)
        start = Start(*(jnp.asarray(values[index], jnp.float32) for values in first))
        state, fine = _start(self.body, traits, geometry, start)
        return _Chunk(members, index, geometry, traits, state, np.asarray(fine)[: len(members)])

    def _advance(self, chunk: _Chunk, outcome: Outcome, first: int, last: int) -> None:
        days = np.asarray(self.plan.days[chunk.index], np.int32)
        choice = np.asarray(self.plan.choice[chunk.index], np.int32)
        rows, chunk.state = _step(
            self.body, chunk.traits, chunk.geometry, chunk.state, self.product, self.numbers,
            (days, choice), (np.int32(first), np.int32(last)), weeks=self.weeks,
        )  # fmt: skip
        for field, values in zip(outcome, rows, strict=True):
            known = np.asarray(values)[: len(chunk.members), :, first : last + 1]
            field[chunk.members, :, first : last + 1] = known


def merged(plan: Plan, new: Plan, week: int) -> Plan:
    """Take from a new plan only what is still to come in a week; what was given stays.

    A session of the past stays where it is and none is moved into the past.
    """
    today = week * WEEK
    past = ((plan.days < today) & (plan.choice >= 0)) | (new.days < today)
    return Plan(np.where(past, plan.days, new.days), np.where(past, plan.choice, new.choice))


@jax.jit
def _start(
    body: Body, traits: dict[str, Array], geometry: Geometry, start: Start
) -> tuple[State, Array]:
    """States of people at the start, and whom steps of a day can follow."""
    classes = geometry.whole if isinstance(geometry, Quartered) else geometry

    def one(traits: dict[str, Array], start: Start) -> tuple[State, Array]:
        person = with_traits(body, traits)
        return starting(person, classes, start), followable(person)

    return jax.vmap(one)(traits, start)


@partial(jax.jit, static_argnames="weeks")
def _step(
    body: Body,
    traits: dict[str, Array],
    geometry: Geometry,
    state: State,
    product: Product,
    numbers: tuple[Array, Array, Array],
    given: tuple[Array, Array],
    between: tuple[Array, Array],
    *,
    weeks: int,
) -> tuple[Outcome, State]:
    """Follow people between two weeks of a course of so many; other weeks of the outcome are 0."""
    strengths, volume, depth = numbers
    first, last = between

    def one(
        traits: dict[str, Array], state: State, days: Array, choice: Array
    ) -> tuple[Outcome, State]:
        person = with_traits(body, traits)

        def profile(strength: Array) -> Array:
            return release_profile(person, product, strength, volume, weeks * WEEK)

        released = partial(_released, jax.vmap(profile)(strengths), jnp.arange(weeks * WEEK))
        share = jax.vmap(released)(days, choice)
        full: Any
        if isinstance(geometry, Quartered):
            full = concentrations_of(person, geometry, product, volume, depth)
        else:
            full = concentrations(person, geometry, product, volume, depth)

        def week(number: Array, carried: tuple[Outcome, State]) -> tuple[Outcome, State]:
            outcome, state = carried
            own = jax.lax.dynamic_slice_in_dim(share, number * WEEK, WEEK, axis=1)
            if isinstance(geometry, Quartered):
                rows, after = follow_quartered(person, geometry, state, own, full)
            else:
                single, after = follow(person, geometry, state, own[0], full)
                rows = jax.tree.map(lambda row: row[None], single)
            # Both ends are written: the first end of a course is its start.
            written = jax.tree.map(
                lambda all_, row: jax.lax.dynamic_update_slice_in_dim(all_, row, number, axis=1),
                outcome, rows,
            )  # fmt: skip
            return written, after

        parts = share.shape[0]
        empty = Outcome(*(jnp.zeros((parts, weeks + 1), share.dtype) for _ in Outcome._fields))
        followed: tuple[Outcome, State] = jax.lax.fori_loop(first, last, week, (empty, state))
        return followed

    return jax.vmap(one)(traits, state, *given)


def _released(
    profile: Float[Array, "strength day"],
    day: Int[Array, " day"],
    days: Int[Array, " session"],
    choice: Int[Array, " session"],
) -> Float[Array, " day"]:
    """Sum the release of all sessions on some days, each with its own strength."""
    since = day[None] - days[:, None]
    reached = (since >= 0) & (since < profile.shape[1]) & (choice >= 0)[:, None]
    each = profile[jnp.maximum(choice, 0)[:, None], jnp.clip(since, 0, profile.shape[1] - 1)]
    return jnp.sum(jnp.where(reached, each, 0.0), axis=0)


def _flag(outcome: Outcome, chunks: Sequence[_Chunk]) -> None:
    """Make every field of a person NaN when any of them failed."""
    bad = ~np.all([np.isfinite(field).all((1, 2)) for field in outcome], axis=0)
    for chunk in chunks:
        bad[chunk.members] |= ~chunk.fine
    for field in outcome:
        field[bad] = np.nan


def _treated(plan: Plan, strengths: Sequence[float]) -> np.ndarray:
    """Whom (person,) the plan gives a drug."""
    positive = np.append(np.asarray(strengths) > 0.0, False)
    return np.asarray(positive[plan.choice].any((1, 2)))


def _problems(
    people: PatchPeople, strengths: Sequence[float], plan: Plan, weeks: int, technique: Technique
) -> list[Problem]:
    problems = list(people_problems(people))
    for strength in strengths:
        regimen = Regimen(strength, 1.0, 1, technique.volume, technique.spacing, technique.depth,
                          technique.product)  # fmt: skip
        problems += [one for one in regimen_problems(regimen, weeks) if one not in problems]
    if not len(strengths):
        problems.append(Problem("strengths", "at least one", "none", "Name one, 0 for saline."))
    shape, wanted = np.shape(plan.days), (len(people), "1 or 4", "sessions")
    if (len(shape) != 3 or shape[0] != len(people) or shape[1] not in (1, QUADRANTS)
            or np.shape(plan.choice) != shape):  # fmt: skip
        problems.append(Problem("plan", f"days and choices of shape {wanted}",
                                f"{shape} and {np.shape(plan.choice)}",
                                "Give one of each for every session."))  # fmt: skip
    elif (
        shape[2]
        and not (
            (plan.choice >= NOT_GIVEN) & (plan.choice < len(strengths)) & (plan.days >= 0)
        ).all()
    ):
        problems.append(Problem("plan", f"choices from -1 to {len(strengths) - 1} and days from 0",
                                "others", "Number the strengths from 0; -1 is none."))  # fmt: skip
    return problems


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise InputError(problems)
