"""The compiled loop: attack, hair and skin of every cell, day by day.

Fields are single precision and live on the chart's square, so that the spread of the attack is a
stencil; read-outs are taken once a week and packed to the cells of the scalp.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anagen.biology.dermis import effect
from anagen.biology.follicle import (
    GROWING,
    INDEX,
    Follicle,
    HairState,
    cover_of,
    hazards,
    healthy_length,
    healthy_shares,
    shadow,
    step_hair,
    visible_share,
)
from anagen.biology.immunity import ImmuneState, Immunity, inflammation, step_immunity
from anagen.biology.skin import Skin, SkinState, step_skin, thickness
from anagen.biology.spread import SurfaceLaplacian, laplacian
from anagen.scalp import Scalp

STEP = 1.0  # day
STEPS_PER_SAVE = 7
_UNROLL = 3  # days a turn of the loop: fewer copies of the state, for little more to compile
_STABLE = 0.9  # sum of stencil weights times D dt; explicit diffusion diverges above one
_TINY = 1e-9

Field = Any  # a JAX array within the loop, a NumPy array outside it


class Tissue(eqx.Module):
    """Everything that rules the local response."""

    immunity: Immunity
    follicle: Follicle
    skin: Skin


class Surface(eqx.Module):
    """What the loop needs of the scalp.

    Parameters
    ----------
    stencil : of the surface Laplacian.
    index : (cell,) where each cell stands in the square.
    density : (square,) [1/mm2] follicles; one outside the scalp, where nothing is read.
    weights : (zone, square) each zone's weights, which sum to one; the patches, then the scalp.
    cell_area : [mm2].
    substeps : diffusion steps a day that keep it stable.
    """

    stencil: SurfaceLaplacian
    index: Int[Array, " cell"]
    density: Float[Array, " square"]
    weights: Float[Array, "zone square"]
    cell_area: float
    substeps: int = eqx.field(static=True)


class State(NamedTuple):
    """Immune, hair and skin state, each over the square."""

    immune: ImmuneState
    hair: HairState
    skin: SkinState


class Readout(NamedTuple):
    """What is kept of a moment; (cell,) unless said."""

    cover: Field
    hair_share: Field
    terminal_share: Field
    calibre: Field
    shaft_length: Field
    attack: Field
    privilege: Field
    tolerance: Field
    inflammation: Field
    concentration: Field
    thickness: Field
    synthesis: Field
    states: Field  # (zone, state)


def square_index(scalp: Scalp) -> np.ndarray:
    """Where each cell stands in the flattened square (cell,)."""
    return np.asarray(scalp.row.astype(np.int32) * scalp.chart_shape[1] + scalp.column)


def on_square(scalp: Scalp, values: np.ndarray, outside: float = 0.0) -> np.ndarray:
    """Put values (..., cell) on the flattened square (..., square), single precision."""
    size = scalp.chart_shape[0] * scalp.chart_shape[1]
    square = np.full((*values.shape[:-1], size), outside, np.float32)
    square[..., square_index(scalp)] = values
    return square


def surface_of(scalp: Scalp, weights: np.ndarray, mobility: float) -> Surface:
    """Prepare a scalp for the loop; weights (zone, cell) are normalised here."""
    stencil = SurfaceLaplacian.on(scalp)
    totals = np.maximum(weights.sum(1, keepdims=True), _TINY)
    return Surface(
        stencil,
        jnp.asarray(square_index(scalp)),
        jnp.asarray(on_square(scalp, scalp.density_per_cm2 / 100.0, 1.0)),
        jnp.asarray(on_square(scalp, weights / totals)),
        float(scalp.cell_area_mm2),
        max(1, int(np.ceil(mobility * STEP * stencil.stiffness / _STABLE))),
    )


def step_tissue(
    tissue: Tissue,
    surface: Surface,
    immune: ImmuneState,
    skin: SkinState,
    drug: Array,
    skin_drug: Array,
) -> tuple[ImmuneState, SkinState]:
    """Advance attack and skin of all cells by one day."""
    rate = STEP * tissue.immunity.mobility / surface.substeps

    def diffuse(_: Any, attack: Array) -> Array:
        return attack + rate * laplacian(surface.stencil, attack)

    # A loop, since the compiler computes substeps written out again for each of their neighbours.
    attack = jax.lax.fori_loop(0, surface.substeps, diffuse, immune.attack)
    spread = (attack - immune.attack) / STEP
    immune = step_immunity(tissue.immunity, immune, spread, drug, STEP)
    return immune, step_skin(tissue.skin, skin, skin_drug, STEP)


def effects(tissue: Tissue, released: Array, bulb: Array, dermal: Array) -> tuple[Array, Array]:
    """Share of the maximal effect on attack and skin at the day's release."""
    return (
        effect(combine(released, bulb), tissue.immunity.half_effect),
        effect(combine(released, dermal), tissue.skin.half_effect),
    )


def combine(released: Float[Array, " group"], maps: Float[Array, "group square"]) -> Array:
    """Concentration (square,) of all groups; a written-out sum fuses where a product does not."""
    total = released[0] * maps[0]
    for group in range(1, maps.shape[0]):
        total = total + released[group] * maps[group]
    return total


def healthy_shadow(follicle: Follicle) -> Array:
    """Shadow [mm2] of one follicle of normal scalp."""
    shares = tuple(jnp.reshape(value, (1,)) for value in healthy_shares(follicle))
    zero = jnp.zeros((1,))
    full = jnp.reshape(healthy_length(follicle, STEP), (1,))
    return shadow(follicle, HairState(shares, (zero, zero, full)))[0]


def read(
    tissue: Tissue, surface: Surface, state: State, concentration: Float[Array, " square"]
) -> Readout:
    """Take the read-outs of a moment over the square and pack them to the cells."""
    immune, hair, skin = state
    follicle = tissue.follicle
    drug = effect(concentration, tissue.immunity.half_effect)
    shares = hair.shares
    visible = visible_share(hair)
    fine = shares[INDEX["vellus"]]
    middle = shares[INDEX["intermediate"]]
    coarse = visible - fine - middle
    some = jnp.maximum(visible, _TINY)
    growing = sum((shares[INDEX[name]] for name in GROWING), jnp.zeros_like(visible))
    readout = Readout(
        cover=cover_of(shadow(follicle, hair), surface.density, healthy_shadow(follicle)),
        hair_share=visible,
        terminal_share=coarse / some,
        calibre=(follicle.calibre_vellus * fine + follicle.calibre_intermediate * middle
                 + follicle.calibre_terminal * coarse) / some * 1e3,
        shaft_length=sum(hair.lengths, jnp.zeros_like(visible)) / jnp.maximum(growing, _TINY),
        attack=immune.attack,
        privilege=immune.privilege,
        tolerance=immune.tolerance,
        inflammation=inflammation(immune, drug),
        concentration=concentration,
        thickness=thickness(tissue.skin, skin),
        synthesis=skin.synthesis,
        states=surface.weights @ jnp.stack(shares).T,
    )  # fmt: skip
    return pack(surface, readout)


def pack(surface: Surface, readout: Readout) -> Readout:
    """Pack the fields of a readout from the square to the cells."""
    states = readout.states
    # Without the barrier every field's ingredients are gathered, not the field.
    barrier = cast(Callable[[Readout], Readout], jax.lax.optimization_barrier)
    fields = barrier(readout._replace(states=surface.density))
    packed = jax.tree.map(
        lambda field: field.at[surface.index].get(mode="promise_in_bounds"), fields
    )
    return cast(Readout, packed)._replace(states=states)


def shed_per_day(surface: Surface, lost: Float[Array, " square"]) -> Array:
    """Hairs lost over the whole scalp, from the share lost of each cell's follicles."""
    return jnp.sum(jnp.take(lost * surface.density, surface.index)) * surface.cell_area


@eqx.filter_jit
def run(
    tissue: Tissue,
    surface: Surface,
    state: State,
    bulb: Float[Array, "group square"],
    dermal: Float[Array, "group square"],
    share: Float[Array, "save step group"],
) -> tuple[Readout, Float[Array, " save"], State]:
    """Run the loop.

    Parameters
    ----------
    tissue, surface, state : parameters, scalp and starting state.
    bulb, dermal : (group, square) [ug/mL] concentrations at full release.
    share : (save, step, group) release relative to full, by week and day.

    Returns
    -------
    Readout
        Stacked over saves + 1 moments, the start included.
    (save,)
        Hairs lost a day, mean of each week.
    State
        The last state.
    """

    def day(state: State, released: Array) -> tuple[State, Array]:
        drug, skin_drug = effects(tissue, released, bulb, dermal)
        immune, skin = step_tissue(tissue, surface, state.immune, state.skin, drug, skin_drug)
        chance = hazards(tissue.follicle, inflammation(immune, drug), drug, STEP)
        hair, lost = step_hair(tissue.follicle, state.hair, chance, STEP)
        return State(immune, hair, skin), lost

    def week(
        carry: tuple[State, Readout], now: tuple[Array, Array]
    ) -> tuple[tuple[State, Readout], Array]:
        (state, kept), (number, released) = carry, now
        kept = keep(kept, number, read(tissue, surface, state, combine(released[0], bulb)))

        def accumulate(carry: tuple[State, Array], row: Array) -> tuple[tuple[State, Array], None]:
            state, lost = day(carry[0], row)
            return (state, carry[1] + lost), None

        (state, lost), _ = jax.lax.scan(
            accumulate, (state, jnp.zeros_like(state.skin.fast)), released, unroll=_UNROLL
        )
        return (state, kept), shed_per_day(surface, lost) / released.shape[0]

    weeks = share.shape[0]
    row = jax.eval_shape(lambda: read(tissue, surface, state, bulb[0]))
    empty = jax.tree.map(lambda field: jnp.zeros((weeks + 1, *field.shape), field.dtype), row)
    (state, moments), shed = jax.lax.scan(week, (state, empty), (jnp.arange(weeks), share))
    last = read(tissue, surface, state, combine(share[-1, -1], bulb))
    return keep(moments, weeks, last), shed, state


def keep(kept: Readout, number: Array | int, readout: Readout) -> Readout:
    """Write a moment into its row; in place, where stacking would copy all moments once more."""
    rows = jax.tree.map(lambda rows, row: rows.at[number].set(row), kept, readout)
    return cast(Readout, rows)
