"""Steroid and cortisol in blood of many possible people, from all injections of all patches."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen.biology.cortisol import respond
from anagen.biology.plasma import concentration, systemic_amounts
from anagen.forecast.course import ROWS, Kinds, Rows, pad_rows, release_of
from anagen.forecast.doses import PatchDose, acting, check_room, kind_number, kinds_of
from anagen.population.cohort import Blood
from anagen.population.person import Body, with_traits

_LENGTHS = (91, 182, 364, 728, 1456, 3640)  # days for which there is room


def follow_blood(
    body: Body,
    traits: Mapping[str, np.ndarray],
    doses: Mapping[str, Sequence[PatchDose]],
    origin: date,
    first: int,
    last: int,
) -> Blood:
    """Follow steroid and cortisol in blood.

    Parameters
    ----------
    body, traits : people, (person,) by key.
    doses : of every patch.
    origin : day 0; first, last : [day] since then, the first before the last.

    Returns
    -------
    Blood
        NumPy arrays (person, day), day after day from ``first`` to ``last``.
    """
    needed = max(last - first, 1)
    rows, count = merged_rows(doses, origin + timedelta(days=first), needed)
    days = next(length for length in _LENGTHS if length >= needed)
    own = {key: jnp.asarray(value, jnp.float32) for key, value in traits.items()}
    found = _blood(body, own, pad_rows(rows), jnp.asarray(_padded(count)), days)
    blood: Blood = jax.tree.map(lambda leaf: np.asarray(leaf)[:, :needed], found)
    return blood


def merged_rows(
    doses: Mapping[str, Sequence[PatchDose]], start: date, days: int
) -> tuple[Rows, np.ndarray]:
    """Rows of the whole head with their numbers of sites; like injections of a day are one row."""
    count: dict[tuple[int, tuple[float, ...]], float] = {}
    for each in doses.values():
        for dose in acting(each, start, days):
            for kind in (kind for part in dose.parts for kind in kinds_of(*part)):
                key = ((dose.day - start).days, kind)
                count[key] = count.get(key, 0.0) + dose.count
    kept = sorted(count)
    check_room(len(kept))
    kinds: dict[tuple[float, ...], int] = {}
    table = np.array([(day, kind_number(kinds, kind), 0) for day, kind in kept], int).reshape(-1, 3)
    columns = np.array(list(kinds), float).reshape(-1, len(Kinds._fields))
    return Rows(Kinds(*columns.T), *table.T), np.array([count[key] for key in kept], float)


def _padded(count: np.ndarray) -> np.ndarray:
    return np.concatenate([count, np.zeros(ROWS - len(count))]).astype(np.float32)


@eqx.filter_jit
def _blood(
    body: Body,
    traits: dict[str, Array],
    rows: Rows,
    count: Float[Array, " row"],
    days: int,
) -> Blood:
    def one(traits: dict[str, Array]) -> Blood:
        person = with_traits(body, traits)
        whole = (jnp.zeros_like(rows.set), 1)
        release = release_of(person.depot, person.dermis, rows, count, whole, days)
        where = systemic_amounts(person.plasma, release.T, person.dermis.clearance)
        level = concentration(person.plasma, where.mean_plasma[:, 0], person.weight)
        answer = respond(person.cortisol, level)
        return Blood(level, answer.morning, answer.suppression, answer.capacity)

    return jax.vmap(one)(traits)
