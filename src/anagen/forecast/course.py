"""The course of one patch of many people under whatever was and will be injected.

The same biology as the fast person's (`anagen.population.person`), from any state, under sessions
that differ in day, dose, product and place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen.biology.depot import Depot, Sites, amount_left, depot_radius, saturated_release
from anagen.biology.dermis import Dermis, effect, kernel_in_skin
from anagen.biology.engine import STEP, State, healthy_shadow
from anagen.biology.follicle import INDEX, Follicle, visible_share
from anagen.biology.skin import thickness
from anagen.population.person import (
    THINNEST,
    WEEK,
    Body,
    Classes,
    Outcome,
    Start,
    classes_of,
    followable,
    read,
    starting,
    step_classes,
    with_traits,
)
from anagen.population.site_sets import POINTS, Places, layout_of_sets

ROWS = 64  # injected parts of one patch, padded, so that all patients share a compilation
KINDS = 6  # of injections of one patch
SETS = 6  # lattices of one patch
LASTING = 546  # days, after which nothing of a depot counts
_NEVER = 10**6  # day
_HALVINGS = 18
_TINY = 1e-9


class Kinds(NamedTuple):
    """Kinds of injections, one for each form of the drug; (kind,) each.

    Parameters
    ----------
    dose : [ug] a site; volume : [mL] a site; solubility : [ug/mL], ``inf`` for what is dissolved.
    crystal_radius : [mm]; crystal_density : [ug/mm3].
    strength : [ug/mL] free in a fresh depot, times potency relative to triamcinolone acetonide.
    """

    dose: Any
    volume: Any
    solubility: Any
    crystal_radius: Any
    crystal_density: Any
    strength: Any


class Rows(NamedTuple):
    """What is injected into one patch, a row a session and kind; (row,) each but for the kinds.

    Parameters
    ----------
    kinds : of injections.
    start : [day] since the course begins, whole; kind : number of the kind; set : of the lattice.
    """

    kinds: Kinds
    start: Any
    kind: Any
    set: Any


class Lattices(NamedTuple):
    """Where the sets of injections lie.

    Parameters
    ----------
    lateral : (set, class, point, near) [mm].
    volume : (set,) [mL] a site; depth : (set,) [mm].
    """

    lateral: Any
    volume: Any
    depth: Any


class SiteSet(NamedTuple):
    """Injections of a session on one patch: places, volume [mL] and depth [mm] of each."""

    places: Places
    volume: float
    depth: float


class Seen(NamedTuple):
    """What can be seen of a patch, once a week; (week,) each, as `Outcome`, and more.

    Parameters
    ----------
    outcome : cover, share and kind of hair, bald area, thickness, attack.
    calibre : mean of visible hairs [um].
    privilege, tolerance : means within the outline [1].
    """

    outcome: Outcome
    calibre: Any
    privilege: Any
    tolerance: Any


@dataclass(frozen=True)
class Ground:
    """A patch as the loop needs it: classes and lattices."""

    classes: Classes
    lattices: Lattices


@lru_cache(maxsize=64)
def ground_of(diameter: float, sets: tuple[SiteSet, ...]) -> Ground:
    """Lay out a patch for the sets of injections that it gets.

    Parameters
    ----------
    diameter : [mm]; sets : at most `SETS`; the first decides the classes of skin.
    """
    layout, lateral = layout_of_sets(diameter, tuple(one.places for one in sets))
    spare = SETS - len(sets)
    padded = np.pad(lateral, ((0, spare), *((0, 0),) * 3), constant_values=_NEVER)
    volume = np.array([*(one.volume for one in sets), *(0.1,) * spare])
    depth = np.array([*(one.depth for one in sets), *(1.0,) * spare])
    lattices = Lattices(*(jnp.asarray(x, jnp.float32) for x in (padded, volume, depth)))
    return Ground(classes_of(layout), lattices)


def pad_rows(rows: Rows) -> Rows:
    """Pad rows to `ROWS` and kinds to `KINDS` with injections that never come."""
    nothing = Kinds(0.0, 0.1, 100.0, 1e-3, 1e3, 0.0)
    kinds = Kinds(*map(_padded, rows.kinds, nothing, (KINDS,) * len(nothing)))
    whole = (_padded(*each, ROWS, jnp.int32) for each in zip(rows[1:], (_NEVER, 0, 0), strict=True))
    return Rows(kinds, *whole)


def _padded(column: Any, fill: float, length: int, dtype: Any = jnp.float32) -> Array:
    values = np.asarray(column, float)
    return jnp.asarray(np.concatenate([values, np.full(length - len(values), fill)]), dtype)


def released(depot: Depot, dermis: Dermis, kinds: Kinds) -> Float[Array, "day kind"]:
    """Amount [ug/day] that one site of each kind releases on every day after its injection."""
    sites = Sites(kinds.dose, kinds.volume, kinds.solubility, kinds.crystal_radius,
                  kinds.crystal_density, 0.0 * kinds.dose)  # fmt: skip
    left = amount_left(depot, dermis, sites, jnp.arange(LASTING + 1.0) * STEP)
    return -jnp.diff(left, axis=0) / STEP


def release_of(
    depot: Depot,
    dermis: Dermis,
    rows: Rows,
    factor: Float[Array, " row"],
    places: tuple[Array, int],
    days: int,
) -> Float[Array, "place day"]:
    """Sum what the sites of all rows release on each day of the course, by place.

    Loops end with the last real kind and row, so that the room for more costs nothing.

    Parameters
    ----------
    depot, dermis, rows : person and injections.
    factor : (row,) by which each row counts.
    places : (row,) where each row counts, and how many such places there are.
    days : of the course.
    """
    place, count = places
    real = rows.start < _NEVER
    # A row's release is a window of its kind's, with nothing before and nothing after.
    nothing = jnp.zeros(()) * dermis.clearance
    room = jnp.broadcast_to(nothing, (KINDS, 2 * days + LASTING))

    def profile(kind: Array, kept: Array) -> Array:
        one = jax.tree.map(lambda column: jax.lax.dynamic_slice(column, (kind,), (1,)), rows.kinds)
        mine = released(depot, dermis, one)[:, 0]
        return jax.lax.dynamic_update_slice(kept, mine[None], (kind, days))

    kinds = jnp.max(jnp.where(real, rows.kind + 1, 0))
    profiles = jax.lax.fori_loop(0, kinds, profile, room)

    def add(row: Array, total: Array) -> Array:
        window = (rows.kind[row], days - rows.start[row])
        part = factor[row] * jax.lax.dynamic_slice(profiles, window, (1, days))
        where = (place[row], 0)
        before = jax.lax.dynamic_slice(total, where, (1, days))
        return jax.lax.dynamic_update_slice(total, before + part, where)

    total: Array = jax.lax.fori_loop(
        0, jnp.sum(real), add, jnp.broadcast_to(nothing, (count, days))
    )
    return total


def free_strength(depot: Depot, dermis: Dermis, rows: Rows, days: int) -> Float[Array, "day set"]:
    """Free concentration [ug/mL TA equivalents] in the depots of each set, day by day.

    That of a saturated depot while it lasts, falling with the release of what is left.
    """
    kinds = rows.kinds
    solution = jnp.isinf(kinds.solubility)
    free = jnp.where(solution, kinds.dose / kinds.volume, kinds.solubility)
    full = saturated_release(depot, dermis, kinds.volume, free)
    factor = (kinds.strength / jnp.maximum(full, _TINY))[rows.kind]
    free_by_set: Array = release_of(depot, dermis, rows, factor, (rows.set, SETS), days).T
    return free_by_set


def kernels(
    body: Body, lattices: Lattices
) -> tuple[Float[Array, "set class point"], Float[Array, "set class point"]]:
    """Concentration at bulb and mid-dermis relative to that free in the depots [1]."""
    radius = depot_radius(body.depot, lattices.volume)

    def plane(target: Array) -> Array:
        def one(lateral: Array, depth: Array, a: Array) -> Array:
            return kernel_in_skin(body.dermis, lateral, target, depth, a).sum(-1)

        total: Array = body.dermis.partition * jax.vmap(one)(
            lattices.lateral, lattices.depth, radius
        )
        return total

    return plane(body.dermis.bulb_depth), plane(body.dermis.dermis_depth)


def follow_patch(
    body: Body,
    classes: Classes,
    lattices: Lattices,
    rows: Rows,
    state: State,
    weeks: Array,
    longest: int,
) -> tuple[Seen, State]:
    """Follow a patch of one person for some weeks.

    Parameters
    ----------
    body, classes, lattices, rows, state : person, patch, injections, and how it starts.
    weeks : () how many, at most ``longest``; `Seen` holds the start, and NaN beyond them.
    longest : room for so many weeks.
    """
    tissue = body.tissue
    decay = jnp.exp(classes.rate * tissue.immunity.mobility * STEP)
    normal = healthy_shadow(tissue.follicle)
    free = free_strength(body.depot, body.dermis, rows, longest * WEEK)
    bulb, dermal = kernels(body, lattices)

    def day(now: Array, state: State) -> State:
        attack = effect(jnp.tensordot(free[now], bulb, 1), tissue.immunity.half_effect).mean(-1)
        skin = effect(jnp.tensordot(free[now], dermal, 1), tissue.skin.half_effect).ravel()
        return step_classes(tissue, classes, decay, state, (attack, skin))

    def look(state: State) -> Seen:
        mean = jax.tree.map(lambda leaf: leaf.reshape(-1, POINTS).mean(1), state.skin)
        outcome = read(body, classes, state._replace(skin=mean), normal, jnp.arange(len(mean.fast)))
        thick = thickness(tissue.skin, state.skin)
        outcome = outcome._replace(thinnest=_thinnest(jnp.repeat(classes.share, POINTS), thick))
        inner = classes.share
        return Seen(outcome, _calibre(tissue.follicle, classes, state),
                    inner @ state.immune.privilege, inner @ state.immune.tolerance)  # fmt: skip

    def week(number: Array, carry: tuple[State, Seen]) -> tuple[State, Seen]:
        state, kept = carry
        state = jax.lax.fori_loop(number * WEEK, (number + 1) * WEEK, day, state)
        seen = look(state)
        return state, jax.tree.map(lambda rows, row: rows.at[number + 1].set(row), kept, seen)

    state = jax.tree.map(lambda leaf: leaf + 0.0 * free[0, 0], state)
    first = look(state)
    kept = jax.tree.map(lambda row: jnp.full(longest + 1, jnp.nan, row.dtype).at[0].set(row), first)
    last, seen = jax.lax.fori_loop(0, weeks, week, (state, kept))
    fine = followable(body)
    return jax.tree.map(lambda field: jnp.where(fine, field, jnp.nan), seen), last


def _thinnest(share: Float[Array, " place"], thick: Float[Array, " place"]) -> Float[Array, ""]:
    """Mean thickness of the thinnest tenth of the patch.

    Its thickest skin is found by bisection, which is quicker than sorting.
    """
    share = share / jnp.sum(share)
    inside = share > 0.0

    def halve(_: Any, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = 0.5 * (low + high)
        enough = jnp.sum(jnp.where(thick <= middle, share, 0.0)) >= THINNEST
        return jnp.where(enough, low, middle), jnp.where(enough, middle, high)

    first = (jnp.min(jnp.where(inside, thick, jnp.inf)), jnp.max(jnp.where(inside, thick, 0.0)))
    _, cut = jax.lax.fori_loop(0, _HALVINGS, halve, first)
    under = thick < cut
    taken = jnp.sum(jnp.where(under, share, 0.0))
    mean: Array = jnp.sum(jnp.where(under, share * thick, 0.0)) + (THINNEST - taken) * cut
    return mean / THINNEST


def _calibre(follicle: Follicle, classes: Classes, state: State) -> Float[Array, ""]:
    shares = state.hair.shares
    fine = classes.share @ shares[INDEX["vellus"]]
    middle = classes.share @ shares[INDEX["intermediate"]]
    visible = classes.share @ visible_share(state.hair)
    coarse = visible - fine - middle
    total = (follicle.calibre_vellus * fine + follicle.calibre_intermediate * middle
             + follicle.calibre_terminal * coarse)  # fmt: skip
    return 1e3 * total / jnp.maximum(visible, _TINY)


@eqx.filter_jit
def begin_many(body: Body, traits: Mapping[str, Array], classes: Classes, start: Start) -> State:
    """States (person, ...) of a patch as it was first seen; traits and start (person,) each.

    The skin is followed at every point of a class, so that its thinnest tenth is found however many
    lattices were injected.
    """

    def one(traits: dict[str, Array], start: Start) -> State:
        state = starting(with_traits(body, traits), classes, start)
        return state._replace(skin=jax.tree.map(lambda leaf: jnp.repeat(leaf, POINTS), state.skin))

    return jax.vmap(one)(dict(traits), start)


@eqx.filter_jit
def follow_many(
    body: Body,
    traits: Mapping[str, Array],
    ground: tuple[Classes, Lattices],
    rows: Rows,
    state: State,
    weeks: Array,
    longest: int,
) -> tuple[Seen, State]:
    """Follow a patch of many people; traits (person,), state (person, ...); see `follow_patch`."""

    def one(traits: dict[str, Array], state: State) -> tuple[Seen, State]:
        person = with_traits(body, traits)
        return follow_patch(person, *ground, rows, state, weeks, longest)

    return jax.vmap(one)(dict(traits), state)
