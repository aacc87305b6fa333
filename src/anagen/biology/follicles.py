"""The follicle-resolved course: every follicle a random process with the chances of the shares.

Fields of attack and skin are those of the typical course (single follicles do not act back on
them), so the expected number of follicles in every state equals the deterministic one exactly.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anagen.biology.engine import (
    STEP,
    Readout,
    State,
    Surface,
    Tissue,
    combine,
    effects,
    healthy_shadow,
    read,
    step_tissue,
)
from anagen.biology.follicle import (
    INDEX,
    STATES,
    Follicle,
    HairState,
    Hazards,
    cover_of,
    hazards,
    shadow,
)
from anagen.biology.immunity import inflammation
from anagen.biology.spread import laplacian
from anagen.errors import InputError, Problem

_SLOTS = 2
_NEXT = {
    "early_1": ("early_2", "arrested"),
    "early_2": ("terminal", "arrested"),
    "recovering_1": ("recovering_2", "arrested"),
    "recovering_2": ("recovering_3", "arrested"),
    "recovering_3": ("vellus", "arrested"),
    "vellus": ("intermediate", "arrested"),
    "intermediate": ("terminal", "arrested"),
    "terminal": ("dystrophic", "catagen"),
    "dystrophic": ("terminal", "arrested"),
    "catagen": ("telogen_1",),
    "telogen_1": ("telogen_2",),
    "telogen_2": ("telogen_3",),
    "telogen_3": ("telogen_4",),
    "telogen_4": ("early_1", "kenogen"),
    "kenogen": ("early_1",),
    "arrested": ("recovering_1",),
}
_DESTINATIONS = np.array(
    [[INDEX[to] for to in (*_NEXT[name], *(name,) * _SLOTS)[:_SLOTS]] for name in STATES], np.int8
)
_LOSSES = tuple(
    (INDEX[before], INDEX[after])
    for before, after in (
        ("telogen_4", "early_1"),
        ("telogen_4", "kenogen"),
        ("dystrophic", "arrested"),
        ("vellus", "arrested"),
        ("intermediate", "arrested"),
    )
)


class Population(NamedTuple):
    """Every follicle's state, shaft length [mm] and random key."""

    state: Int[Array, " follicle"]
    length: Float[Array, " follicle"]
    key: Array


class Followed(NamedTuple):
    """Every follicle and the place in the square of the cell it stands in."""

    people: Population
    home: Int[Array, " follicle"]


def follow(surface: Surface, state: State, count: int, seed: int) -> Followed:
    """Draw follicles over the whole scalp, in proportion to density, each in a state of its cell.

    Parameters
    ----------
    surface, state : where they stand and the shares they are drawn from.
    count : follicles, at least one a cell.
    seed : of the random numbers.

    Raises
    ------
    InputError
        When there are fewer follicles than cells.
    """
    cells = surface.index.shape[0]
    if count < cells:
        raise InputError(
            Problem("follicles", f"at least one a cell, that is {cells}", str(count),
                    "Follow more follicles, or use larger cells.")
        )  # fmt: skip
    density = np.asarray(surface.density, float)[np.asarray(surface.index)]
    steps = np.floor(np.cumsum(density) / density.sum() * count + 1e-6).astype(int)
    home = jnp.asarray(np.repeat(np.asarray(surface.index), np.diff(steps, prepend=0)))
    return Followed(_draw(state.hair, home, jax.random.key(seed)), home)


@eqx.filter_jit
def run_follicles(
    tissue: Tissue,
    surface: Surface,
    state: State,
    bulb: Float[Array, "group square"],
    dermal: Float[Array, "group square"],
    share: Float[Array, "save step group"],
    followed: Followed,
) -> tuple[Readout, Float[Array, " save"], State, Followed]:
    """Follow single follicles; arguments and results as `engine.run`, and the follicles."""
    people, home = followed
    size = surface.density.shape[0]
    number = jnp.maximum(jax.ops.segment_sum(jnp.ones(home.shape), home, size), 1.0)
    follicles = jnp.sum(surface.density[surface.index]) * surface.cell_area

    def moment(state: State, people: Population, released: Array) -> Readout:
        hair = _shares(people, home, number)
        now = State(state.immune, hair, state.skin)
        readout = read(tissue, surface, now, combine(released, bulb))
        cover = cover_of(
            _overlapping(surface, shadow(tissue.follicle, hair)),
            surface.density,
            healthy_shadow(tissue.follicle),
        )
        return readout._replace(cover=jnp.take(cover, surface.index))

    def day(
        carry: tuple[State, Population, Array], released: Array
    ) -> tuple[tuple[State, Population, Array], None]:
        state, people, lost = carry
        drug, skin_drug = effects(tissue, released, bulb, dermal)
        immune, skin = step_tissue(tissue, surface, state.immune, state.skin, drug, skin_drug)
        chance = hazards(tissue.follicle, inflammation(immune, drug), drug, STEP)
        people, fallen = _advance(tissue.follicle, people, chance, home)
        return (State(immune, state.hair, skin), people, lost + fallen), None

    def week(
        carry: tuple[State, Population], released: Array
    ) -> tuple[tuple[State, Population], tuple[Readout, Array]]:
        now = moment(*carry, released[0])
        (state, people, lost), _ = jax.lax.scan(day, (*carry, jnp.zeros(())), released)
        return (state, people), (now, lost / home.shape[0] * follicles / released.shape[0])

    (state, people), (moments, shed) = jax.lax.scan(week, (state, people), share)
    last = moment(state, people, share[-1, -1])
    moments = jax.tree.map(lambda rows, row: jnp.concatenate([rows, row[None]]), moments, last)
    return moments, shed, state, Followed(people, home)


def _overlapping(surface: Surface, shade: Float[Array, " square"]) -> Array:
    """Shadow (square,) averaged over neighbouring cells, which keeps its sum.

    Hairs lie over their neighbours' skin. Without this a cell's few follicles would leave gaps that
    no scalp shows, and the mean cover would be below that of the shares.
    """
    return shade + 0.8 / surface.stencil.stiffness * laplacian(surface.stencil, shade)


def _draw(hair: HairState, home: Array, key: Array) -> Population:
    """Draw every follicle's state from the shares of its cell."""
    first, second = jax.random.split(key)
    table = jnp.log(jnp.maximum(jnp.stack(hair.shares, axis=1), 1e-12))
    state = jax.random.categorical(first, table[home], axis=1).astype(jnp.int8)
    lengths = jnp.zeros(home.shape)
    for name, total in zip(("vellus", "intermediate", "terminal"), hair.lengths, strict=True):
        mean = total / jnp.maximum(hair.shares[INDEX[name]], 1e-9)
        lengths = jnp.where(state == INDEX[name], mean[home], lengths)
    return Population(state, lengths, second)


def _chances(chance: Hazards) -> tuple[tuple[Array, ...], ...]:
    """Chance of each exit of each state, in the order of `_NEXT`."""
    h = chance
    grow = (h.recovering, h.arrest)
    young = (h.mature, h.attacked)
    rest = (h.telogen,)
    return (
        (h.early, h.arrest), (h.early, h.arrest), grow, grow, grow, young, young,
        (h.attacked, h.regress), (h.rescue, h.breaks), (h.rest,), rest, rest, rest,
        (h.leave * (1.0 - h.latency), h.leave * h.latency), (h.renew,), (h.release,),
    )  # fmt: skip


def _advance(
    follicle: Follicle, people: Population, chance: Hazards, home: Array
) -> tuple[Population, Array]:
    """One day of every follicle; returns the number of hairs lost."""
    key, draw = jax.random.split(people.key)
    uniform = jax.random.uniform(draw, home.shape)
    cells = chance.arrest.shape
    exits = _chances(chance)
    state, new = people.state, people.state
    reached = jnp.zeros(home.shape)
    destinations = jnp.asarray(_DESTINATIONS)
    for slot in range(_SLOTS):
        table = jnp.stack(
            [jnp.broadcast_to(row[slot] if slot < len(row) else 0.0, cells) for row in exits]
        )
        before, reached = reached, reached + table[state, home]
        hit = (uniform >= before) & (uniform < reached)
        new = jnp.where(hit, destinations[state, slot], new)
    wear = 1.0 - STEP * follicle.growth / follicle.shade_length
    growing = (state >= INDEX["vellus"]) & (state <= INDEX["terminal"])
    grown = jnp.where(growing, people.length * wear + STEP * follicle.growth, 0.0)
    rescued = (state == INDEX["dystrophic"]) & (new == INDEX["terminal"])
    length = jnp.where(rescued, follicle.shade_length, grown)
    losses = [jnp.sum((state == a) & (new == b)) for a, b in _LOSSES]
    still = (new >= INDEX["vellus"]) & (new <= INDEX["terminal"])
    return Population(new, jnp.where(still, length, 0.0), key), jnp.stack(losses).sum().astype(
        jnp.float32
    )


def _shares(people: Population, home: Array, number: Array) -> HairState:
    """Shares and lengths of each cell's follicles."""
    size = number.shape[0]

    def mean(values: Array) -> Array:
        return jax.ops.segment_sum(values.astype(jnp.float32), home, size) / number

    shares = tuple(mean(people.state == which) for which in range(len(STATES)))
    lengths = tuple(
        mean(jnp.where(people.state == INDEX[name], people.length, 0.0))
        for name in ("vellus", "intermediate", "terminal")
    )
    return HairState(shares, lengths)
