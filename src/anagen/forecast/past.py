"""The past of one patient's patches, followed for many possible people."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from anagen._runtime import prepare_jax
from anagen.biology.engine import State
from anagen.biology.plasma import inhibited
from anagen.evidence.parameters import ParameterSet
from anagen.forecast.blood import follow_blood
from anagen.forecast.case import WEEK, Case, PatchCase, day_of
from anagen.forecast.course import (
    Ground,
    Rows,
    Seen,
    begin_many,
    follow_many,
    ground_of,
    pad_rows,
)
from anagen.forecast.doses import rows_of, sets_of
from anagen.forecast.observations import Observation
from anagen.forecast.prior import Values, loadings
from anagen.population.condition_data import load_condition_data
from anagen.population.person import Body, Start, typical_body
from anagen.population.variability import bounded, load_traits

CHUNK = 256  # people followed at once
_LENGTHS = (13, 26, 52, 104, 208, 520)  # weeks for which there is room


@dataclass(frozen=True)
class Past:
    """Patches of many possible people up to the origin.

    Parameters
    ----------
    seen : by patch, (person, week + 1) since the patch's own start.
    state : by patch, (person, ...) at the origin.
    predicted : (observation) of (person,) values of the model by name.
    """

    seen: Mapping[str, Seen]
    state: Mapping[str, State]
    predicted: tuple[Mapping[str, Values], ...]


def traits_of(case: Case, x: Values, patch: int | None = None) -> dict[str, Values]:
    """Traits (person,) of a patch, or of its owner, from unknowns (person, unknown)."""
    log = x[:, : len(load_traits())]
    if patch is not None:
        own = x[:, len(load_traits()) + case.same[patch]]
        log = log + np.outer(own, loadings())
    traits = {trait.key: np.exp(log[:, k]) for k, trait in enumerate(load_traits())}
    return bounded(traits)


@lru_cache(maxsize=8)
def _typical(parameters: ParameterSet) -> Body:
    typical: Body = jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float32), typical_body(parameters)
    )
    return typical


def body_of(case: Case) -> Body:
    """Parameters of the typical person with this patient's weight, growth and clearance."""
    from dataclasses import replace

    body = _typical(case.parameters)
    person = case.person
    if person.weight_kg is not None:
        body = replace(body, weight=jnp.float32(person.weight_kg))
    if person.growth_mm_per_day is not None:
        follicle = replace(body.tissue.follicle, growth=jnp.float32(person.growth_mm_per_day))
        body = replace(body, tissue=replace(body.tissue, follicle=follicle))
    density = float(case.scalp.density_per_cm2.mean()) / 100.0
    body = replace(body, density=jnp.float32(density))
    if person.strong_inhibitor:
        factor = case.parameters.value("plasma.strong_inhibitor_factor", "1")
        body = replace(body, plasma=inhibited(body.plasma, factor))
    return body


def follow_past(case: Case, x: Values, chance: Values) -> Past:
    """Follow every patch from when it was first drawn to the origin.

    Parameters
    ----------
    case : the patient.
    x : (person, unknown), a whole number of `CHUNK` people.
    chance : (person, patch) standard normal error of the first reading of regrowth.
    """
    prepare_jax()
    body = body_of(case)
    seen: dict[str, Seen] = {}
    state: dict[str, State] = {}
    first: dict[object, str] = {}
    for number, patch in enumerate(case.patches):
        twin = first.setdefault((case.same[number], patch.start, patch.area), patch.id)
        if twin != patch.id:
            seen[patch.id], state[patch.id] = seen[twin], state[twin]
            continue
        sets = sets_of(patch.reference, patch.doses)
        start = begin(patch, len(x), chance[:, number])
        rows = pad_rows(rows_of(patch.doses, sets, _start_day(case, patch), 1 - patch.start))
        ground = ground_of(patch.diameter, sets)
        traits = traits_of(case, x, number)
        seen[patch.id], state[patch.id] = run_chunks(body, traits, ground, rows, patch.weeks, start)
    predicted: tuple[Mapping[str, Values], ...] = tuple(
        predictions(case, one, seen) for one in case.observations
    )
    if any(one.kind == "cortisol" for one in case.observations):
        predicted = _with_cortisol(case, body, x, predicted)
    return Past(seen, state, predicted)


def run_chunks(
    body: Body,
    traits: Mapping[str, Values],
    ground: Ground,
    rows: Rows,
    weeks: int,
    start: Start | State,
) -> tuple[Seen, State]:
    """Follow a patch of many people in chunks, on all cores; arrays (person, ...)."""
    longest = next(length for length in _LENGTHS if length >= weeks)
    count = len(next(iter(traits.values())))
    both = (ground.classes, ground.lattices)

    def task(first: int) -> tuple[Seen, State]:
        part = slice(first, first + CHUNK)
        own = {key: jnp.asarray(v[part], jnp.float32) for key, v in traits.items()}
        begin = jax.tree.map(lambda leaf: jnp.asarray(leaf[part], jnp.float32), start)
        state = begin_many(body, own, ground.classes, begin) if isinstance(begin, Start) else begin
        found = follow_many(body, own, both, rows, state, jnp.asarray(weeks), longest)
        both_kinds: tuple[Seen, State] = jax.tree.map(np.asarray, found)
        return both_kinds

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(task, range(0, count, CHUNK)))

    def whole(*leaves: Any) -> Any:
        return np.concatenate(leaves)

    seen, state = jax.tree.map(whole, *parts)
    return jax.tree.map(lambda field: field[:, : weeks + 1], seen), state


def _start_day(case: Case, patch: PatchCase) -> Any:
    from datetime import timedelta

    return case.origin + timedelta(days=patch.start)


def begin(patch: PatchCase, count: int, chance: Values) -> Start:
    """Start a patch as it was first seen; a reading of regrowth has its reader's error.

    Parameters
    ----------
    patch : which; count : of people; chance : (person,) standard normal error.
    """
    regrown = np.full(count, patch.regrown)
    if patch.regrown_known:
        data = load_condition_data()
        share = patch.regrown
        error = max(data.value("reader_least"),
                    2.0 * data.value("reader") * np.sqrt(share * (1.0 - share)))  # fmt: skip
        regrown = np.clip(regrown + error * chance, 0.0, 1.0)
    full = np.ones(count)
    columns: Any = (regrown, patch.terminal * full, full, patch.age * full)
    return Start(*columns)


def predictions(case: Case, one: Observation, seen: Mapping[str, Seen]) -> dict[str, Values]:
    """Predict (person,) what one reading was of, by name."""
    day = day_of(case, one.day)
    if one.patch is None:
        parts = [
            patch.area * missing(patch, seen[patch.id], day)
            for patch in case.patches
            if patch.start <= day
        ]
        share = sum(parts) / case.scalp_area + case.undrawn
        return {"salt": 100.0 * np.minimum(share, 1.0)}
    patch = next(each for each in case.patches if each.id == one.patch)
    look = seen[patch.id]
    outcome = look.outcome
    thinnest = at(patch, np.minimum.accumulate(outcome.thinnest, axis=1), day)
    return {
        "cover": at(patch, outcome.cover, day),
        "missing": missing(patch, look, day),
        "terminal_share": at(patch, outcome.terminal_share, day),
        "attack": at(patch, outcome.attack, day),
        "thinning": 1.0 - thinnest,
    }


def missing(patch: PatchCase, seen: Seen, day: int) -> Values:
    """Bald area (person,) of a patch relative to its first outline, its spread included."""
    return at(patch, seen.outcome.bald_area, day) / patch.laid_out


def at(patch: PatchCase, values: NDArray[Any], day: int) -> Values:
    """Values (person,) on a day since the origin, between the weeks (person, week)."""
    place = np.clip((day - patch.start) / WEEK, 0.0, values.shape[1] - 1)
    low = int(np.floor(place))
    high = min(low + 1, values.shape[1] - 1)
    part = place - low
    return np.asarray((1.0 - part) * values[:, low] + part * values[:, high], float)


def _with_cortisol(
    case: Case, body: Body, x: Values, predicted: Sequence[Mapping[str, Values]]
) -> tuple[Mapping[str, Values], ...]:
    first = min(patch.start for patch in case.patches)
    doses = {patch.id: patch.doses for patch in case.patches}
    blood = follow_blood(body, traits_of(case, x), doses, case.origin, first, 0)
    found = []
    for one, row in zip(case.observations, predicted, strict=True):
        if one.kind != "cortisol":
            found.append(row)
            continue
        place = min(max(day_of(case, one.day) - first - 1, 0), blood.morning.shape[1] - 1)
        found.append({**row, "cortisol": blood.morning[:, place]})
    return tuple(found)
