"""Many people at once: patches of like size together, in chunks that fit the cache, all cores."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen._runtime import prepare_jax
from anagen.biology.cortisol import respond
from anagen.biology.depot import saturated_release
from anagen.biology.plasma import concentration, systemic_amounts
from anagen.errors import InputError, Problem
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.population.cohort_checks import (
    MAX_SESSIONS,
    people_problems,
    regimen_problems,
    site_problems,
    trait_problems,
)
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

_CHUNKS = (256, 32)  # people followed at once; the smaller one for the rest of a group
_SIZES_PER_OCTAVE = 4  # of diameters for which patches are laid out
_SMALLEST, _LARGEST = 5.0, 300.0  # mm
_NEVER = 10**6  # day of a session that is not held


@dataclass(frozen=True)
class Regimen:
    """Sessions at a fixed interval, all alike.

    Parameters
    ----------
    strength : [mg/mL]; 0 for the natural course.
    interval : [week] between sessions.
    sessions : how many.
    volume : [mL] a site; spacing : [mm] between sites; depth : [mm]; product : its key.

    Examples
    --------
    >>> Regimen(5.0, 4.0, 3).days
    (0, 28, 56)
    """

    strength: float
    interval: float = 4.0
    sessions: int = 3
    volume: float = 0.1
    spacing: float = 10.0
    depth: float = 3.0
    product: str = "ta10"

    @property
    def days(self) -> tuple[int, ...]:
        """Days of the sessions; none without drug."""
        if self.strength == 0.0:
            return ()
        return tuple(round(WEEK * self.interval * number) for number in range(self.sessions))


NATURAL = Regimen(0.0, 4.0, 0)


@dataclass(frozen=True)
class PatchPeople:
    """One patch of each of many people.

    Parameters
    ----------
    traits : parameters by key (person,), for example ``immunity.half_effect``, in the units of the
        model's modules; all others are typical.
    diameter : (person,) [mm]; age : (person,) [day] of the patch.
    regrown, terminal, thickness : (person,) at the start [1].
    """

    traits: Mapping[str, np.ndarray]
    diameter: np.ndarray
    age: np.ndarray
    regrown: np.ndarray
    terminal: np.ndarray
    thickness: np.ndarray

    def __len__(self) -> int:
        """Return how many people there are."""
        return len(self.diameter)


def new_patches(
    traits: Mapping[str, np.ndarray], diameter: np.ndarray, age: np.ndarray
) -> PatchPeople:
    """People with a bald patch and normal skin."""
    zero = np.zeros(len(diameter))
    return PatchPeople(traits, diameter, age, zero, zero, zero + 1.0)


def nearest_size(diameter: np.ndarray) -> np.ndarray:
    """Round diameters [mm] to those for which patches are laid out, 19 % apart."""
    bounded = np.clip(diameter, _SMALLEST, _LARGEST)
    steps = np.round(np.log2(bounded / _SMALLEST) * _SIZES_PER_OCTAVE)
    return np.asarray(np.round(_SMALLEST * 2.0 ** (steps / _SIZES_PER_OCTAVE), 1))


def follow_people(
    people: PatchPeople,
    regimen: Regimen,
    weeks: int = 52,
    parameters: ParameterSet | None = None,
) -> Outcome:
    """Follow many people through one regimen.

    Parameters
    ----------
    people : who.
    regimen : what is done.
    weeks : how long, 1 to 520.
    parameters : for what is not a trait.

    Returns
    -------
    Outcome
        NumPy arrays (person, week + 1), single precision. A person whose numbers fail has NaN in
        every field; `failed` finds them.

    Raises
    ------
    InputError
        When a number cannot be meant; all problems together.
    """
    outcome: Outcome | None = None
    for members, part in follow_chunks(people, regimen, weeks, parameters):
        if outcome is None:
            outcome = Outcome(
                *(np.empty((len(people), weeks + 1), np.float32) for _ in Outcome._fields)
            )
        for field, values in zip(outcome, part, strict=True):
            field[members] = values
    assert outcome is not None
    return outcome


def follow_chunks(
    people: PatchPeople,
    regimen: Regimen,
    weeks: int = 52,
    parameters: ParameterSet | None = None,
) -> Iterator[tuple[np.ndarray, Outcome]]:
    """Follow many people, chunk by chunk, so that memory is bounded; see `follow_people`.

    Yields
    ------
    (member,), Outcome
        Which people, and their outcomes (member, week + 1).
    """
    _raise(people_problems(people) + regimen_problems(regimen, weeks))
    prepare_jax()
    parameters = parameters or load_parameters()
    body = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), typical_body(parameters))
    product = product_of(regimen.product)
    days = jnp.asarray((*regimen.days, *(_NEVER,) * (MAX_SESSIONS - len(regimen.days))))
    dose = Product(*(jnp.float32(number) for number in product))
    numbers = tuple(jnp.float32(v) for v in (regimen.strength, regimen.volume, regimen.depth))

    def task(members: np.ndarray, size: int, classes: Classes) -> tuple[np.ndarray, Outcome]:
        index = np.resize(members, size)
        traits = {key: jnp.asarray(v[index], jnp.float32) for key, v in people.traits.items()}
        start = Start(
            *(jnp.asarray(v[index], jnp.float32)
              for v in (people.regrown, people.terminal, people.thickness, people.age))
        )  # fmt: skip
        result = _many(body, traits, classes, start, dose, numbers, days, weeks)
        return members, _flagged(Outcome(*(np.asarray(v)[: len(members)] for v in result)))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: list[Any] = []
        for members, size, classes in _groups(people, regimen):
            waiting.append(pool.submit(task, members, size, classes))
            if len(waiting) > 4 * (os.cpu_count() or 1):
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def failed(outcome: Outcome) -> np.ndarray:
    """Which people (person,) the model could not follow."""
    return np.asarray(np.isnan(outcome.cover).any(1))


def _flagged(outcome: Outcome) -> Outcome:
    """Make every field of a person NaN when any of them is not finite."""
    bad = ~np.all([np.isfinite(field).all(1) for field in outcome], axis=0)
    if not bad.any():
        return outcome
    return Outcome(*(np.where(bad[:, None], np.nan, field) for field in outcome))


def _groups(people: PatchPeople, regimen: Regimen) -> Iterator[tuple[np.ndarray, int, Classes]]:
    """Members, size of the chunk and classes; people with patches of like size together."""
    size = nearest_size(people.diameter)
    spacing = regimen.spacing if regimen.days else float("inf")
    big, small = _CHUNKS
    for diameter in np.unique(size):
        classes = classes_of(build_layout(float(diameter), spacing))
        members = np.flatnonzero(size == diameter)
        whole = len(members) // big * big
        for first in range(0, whole, big):
            yield members[first : first + big], big, classes
        for first in range(whole, len(members), small):
            yield members[first : first + small], small, classes


@eqx.filter_jit
def _many(
    body: Body,
    traits: dict[str, Array],
    classes: Classes,
    start: Start,
    product: Product,
    numbers: tuple[Array, Array, Array],
    days: Array,
    weeks: int,
) -> Outcome:
    def one(traits: dict[str, Array], start: Start) -> Outcome:
        person = with_traits(body, traits)
        return person_outcome(person, classes, start, product, numbers, days, weeks)

    return jax.vmap(one)(traits, start)


def person_outcome(
    body: Body,
    classes: Classes,
    start: Start,
    product: Product,
    numbers: tuple[Array, Array, Array],
    days: Array,
    weeks: int,
) -> Outcome:
    """Outcome of one person: strength [mg/mL], volume [mL], depth [mm]; days (session,).

    NaN throughout for a person whom steps of a day cannot follow (`followable`).
    """
    strength, volume, depth = numbers
    profile = release_profile(body, product, strength, volume, weeks * WEEK)
    share = summed(profile, days)
    full = concentrations(body, classes, product, volume, depth)
    outcome = follow(body, classes, starting(body, classes, start), share, full)[0]
    fine = followable(body)
    return Outcome(*(jnp.where(fine, field, jnp.nan) for field in outcome))


def summed(profile: Float[Array, " day"], days: Array) -> Float[Array, " day"]:
    """Add the release of sessions on these days (session,), each with the same profile."""
    since = jnp.arange(profile.shape[0])[None] - days[:, None]
    reached = (since >= 0) & (since < profile.shape[0])
    return jnp.sum(jnp.where(reached, profile[jnp.maximum(since, 0)], 0.0), axis=0)


class Blood(eqx.Module):
    """Steroid and cortisol in blood; (person, day) each.

    Parameters
    ----------
    concentration : [ng/mL] in plasma; morning : morning cortisol relative to baseline [1];
    suppression : share of its release held back [1]; capacity : of the adrenal gland [1].
    """

    concentration: Any
    morning: Any
    suppression: Any
    capacity: Any


def follow_blood(
    traits: Mapping[str, np.ndarray],
    sites: np.ndarray,
    regimen: Regimen,
    weeks: int = 52,
    parameters: ParameterSet | None = None,
) -> Blood:
    """Follow steroid and cortisol in blood of many people.

    Parameters
    ----------
    traits : by key (person,), ``weight`` [kg] among them when known.
    sites : (person,) injections a session.
    regimen, weeks, parameters : as in `follow_people`.

    Returns
    -------
    Blood
        NumPy arrays (person, day).

    Raises
    ------
    InputError
        When a number cannot be meant; all problems together.
    """
    problems = trait_problems(traits, len(sites)) + regimen_problems(regimen, weeks)
    problems += site_problems(sites)
    _raise(problems)
    prepare_jax()
    parameters = parameters or load_parameters()
    body = typical_body(parameters)
    product = product_of(regimen.product)
    days = jnp.asarray((*regimen.days, *(_NEVER,) * (MAX_SESSIONS - len(regimen.days))))
    numbers = tuple(jnp.asarray(v) for v in (regimen.strength, regimen.volume))
    dose = Product(*(jnp.asarray(number) for number in product))
    given = {key: jnp.asarray(value) for key, value in traits.items()}
    result = _blood(body, given, jnp.asarray(sites, float), dose, numbers, days, weeks)
    blood: Blood = jax.tree.map(np.asarray, result)
    return blood


@eqx.filter_jit
def _blood(
    body: Body,
    traits: dict[str, Array],
    sites: Array,
    product: Product,
    numbers: tuple[Array, ...],
    days: Array,
    weeks: int,
) -> Blood:
    def one(traits: dict[str, Array], count: Array) -> Blood:
        person = with_traits(body, traits)
        strength, volume = numbers
        profile = release_profile(person, product, strength, volume, weeks * WEEK)
        full = saturated_release(person.depot, person.dermis, jnp.reshape(volume, (1,)),
                                 jnp.reshape(product.solubility, (1,)))[0]  # fmt: skip
        release = count * full * summed(profile, days)
        where = systemic_amounts(person.plasma, release[:, None], person.dermis.clearance)
        level = concentration(person.plasma, where.mean_plasma[:, 0], person.weight)
        answer = respond(person.cortisol, level)
        return Blood(level, answer.morning, answer.suppression, answer.capacity)

    return jax.vmap(one)(traits, sites)


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise InputError(problems)
