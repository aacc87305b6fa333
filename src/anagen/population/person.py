"""The fast person: one patch by classes of skin, with the same biology as the whole scalp.

The functions here follow one person; `jax.vmap` follows many, and everything is differentiable in
the person's parameters.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anagen.biology.cortisol import Cortisol
from anagen.biology.depot import Depot, Sites, amount_left, depot_radius, saturated_release
from anagen.biology.dermis import Dermis, effect, kernel_in_skin
from anagen.biology.engine import STEP, State, Tissue, healthy_shadow
from anagen.biology.follicle import (
    INDEX,
    Follicle,
    cover_of,
    hazards,
    shadow,
    step_hair,
    visible_share,
)
from anagen.biology.immunity import (
    Immunity,
    crowding,
    inflammation,
    privilege_at,
    step_immunity,
    tolerance_at,
)
from anagen.biology.plasma import Plasma
from anagen.biology.skin import Skin, step_skin, thickness
from anagen.biology.start import state_of
from anagen.evidence.parameters import ParameterSet
from anagen.evidence.products import load_drugs, load_product
from anagen.population.layout import Layout

WEEK = 7
_TINY = 1e-9
THINNEST = 0.1  # share of a patch whose thinning is read as its thinnest tenth


class Body(eqx.Module):
    """All parameters of one person; (person,) leaves for many.

    Parameters
    ----------
    tissue : attack, hair and skin.
    depot, dermis : drug in the skin.
    plasma, cortisol : drug and cortisol in blood.
    weight : [kg].
    density : [1/mm2] follicles of healthy scalp.
    """

    tissue: Tissue
    depot: Depot
    dermis: Dermis
    plasma: Plasma
    cortisol: Cortisol
    weight: Float[Array, ""]
    density: Float[Array, ""]


class Classes(NamedTuple):
    """A `Layout` as arrays of the loop.

    Parameters
    ----------
    share : (class,) of the patch's area; area : (class,) [mm2].
    rate : (class,) [1/mm2]; forward, back : (class, class); see `Layout`.
    lateral : (class, point, near) [mm].
    sites : number of injections.
    """

    share: Float[Array, " class"]
    area: Float[Array, " class"]
    rate: Float[Array, " class"]
    forward: Float[Array, "class class"]
    back: Float[Array, "class class"]
    lateral: Float[Array, "class point near"]
    sites: Float[Array, ""]


class Product(NamedTuple):
    """What is injected, as numbers: free saturation [ug/mL], potency and crystals."""

    solubility: Any
    potency: Any
    crystal_radius: Any
    crystal_density: Any
    active_fraction: Any


class Start(NamedTuple):
    """How the patch is when the course begins.

    Parameters
    ----------
    regrown, terminal : share of its hair that is back, and of that which is terminal [1].
    thickness : of the dermis [1].
    age : [day] since it appeared.
    """

    regrown: Float[Array, ""]
    terminal: Float[Array, ""]
    thickness: Float[Array, ""]
    age: Float[Array, ""]


class Outcome(NamedTuple):
    """What is read of the patch once a week, the start included; (week,) each.

    Parameters
    ----------
    cover : mean visible cover within the starting outline, relative to normal [1].
    hair_share : share of its follicles with a visible hair [1].
    terminal_share : of its visible hairs [1].
    bald_area : [mm2] of missing cover, spread beyond the outline included.
    thickness : mean of the dermis relative to normal [1]; thinnest : of its thinnest tenth.
    attack : mean attack within the outline [1].
    """

    cover: Any
    hair_share: Any
    terminal_share: Any
    bald_area: Any
    thickness: Any
    thinnest: Any
    attack: Any


def typical_body(parameters: ParameterSet) -> Body:
    """Take the typical adult from a parameter set."""
    return Body(
        Tissue(
            Immunity.from_parameters(parameters),
            Follicle.from_parameters(parameters),
            Skin.from_parameters(parameters),
        ),
        Depot.from_parameters(parameters),
        Dermis.from_parameters(parameters),
        Plasma.from_parameters(parameters),
        Cortisol.from_parameters(parameters),
        jnp.asarray(parameters.value("plasma.reference_weight", "kg")),
        jnp.asarray(parameters.value("scalp.density_mean", "1/mm^2")),
    )


def classes_of(layout: Layout) -> Classes:
    """Turn a layout into the arrays of the loop."""
    inside = layout.inside * layout.area
    single = (inside / inside.sum(), layout.area, layout.rate, layout.forward, layout.back,
              layout.lateral, np.asarray(layout.sites))  # fmt: skip
    return Classes(*(jnp.asarray(part, jnp.float32) for part in single))


def product_of(key: str) -> Product:
    """Numbers of a product that forms a depot."""
    product = load_product(key)
    reference = load_drugs()["triamcinolone_acetonide"].quantities["relative_affinity"].value
    return Product(
        product.solubility_ug_per_mL,
        product.relative_affinity / reference,
        0.5e-3 * product.crystal_diameter_um,
        1e3 * product.crystal_density_g_per_cm3,
        product.active_fraction,
    )


def release_profile(
    body: Body,
    product: Product,
    strength: Float[Array, ""] | float,
    volume: Float[Array, ""] | float,
    days: int,
    substeps: int = 1,
) -> Float[Array, " step"]:
    """Mean release of one site in each step after its injection, relative to full release [1].

    Parameters
    ----------
    strength : [mg/mL]; volume : [mL]; days : how many days; substeps : steps a day.
    """
    dose = 1e3 * strength * volume * product.active_fraction
    one = jnp.ones(1)
    sites = Sites(one * dose, one * volume, one * product.solubility, one * product.crystal_radius,
                  one * product.crystal_density, 0.0 * one)  # fmt: skip
    times = jnp.arange(days * substeps + 1.0) / substeps
    left = amount_left(body.depot, body.dermis, sites, times)[:, 0]
    full = saturated_release(body.depot, body.dermis, sites.volume, sites.solubility)[0]
    return -jnp.diff(left) / full * substeps


def concentrations(
    body: Body,
    classes: Classes,
    product: Product,
    volume: Float[Array, ""] | float,
    depth: Float[Array, ""] | float,
) -> tuple[Float[Array, "class point"], Float[Array, "class point"]]:
    """Tissue concentration [ug/mL] at full release at the bulb and in mid-dermis.

    Parameters
    ----------
    volume : [mL] a site; depth : [mm] of the injections.
    """
    radius = depot_radius(body.depot, jnp.reshape(jnp.asarray(volume), (1,)))[0]
    scale = product.solubility * product.potency * body.dermis.partition

    def plane(target: Array) -> Array:
        each = kernel_in_skin(body.dermis, classes.lateral, target, jnp.asarray(depth), radius)
        total: Array = scale * each.sum(-1)
        return total

    return plane(body.dermis.bulb_depth), plane(body.dermis.dermis_depth)


def starting(body: Body, classes: Classes, start: Start) -> State:
    """State of all classes: the patch as it was seen, healthy skin around it."""
    tissue = body.tissue
    inside = (classes.share > 0).astype(classes.share.dtype)
    attack = inside * (1.0 - start.regrown)
    tolerance = inside * tolerance_at(tissue.immunity, start.age)
    fine = inside * start.regrown * (1.0 - start.terminal)
    fast = tissue.skin.fast_share
    thin = 1.0 - inside * (1.0 - start.thickness)
    return state_of(
        tissue,
        (attack, privilege_at(tissue.immunity, attack), tolerance),
        (attack, fine, inside * start.regrown * start.terminal),
        (thin - fast) / (1.0 - fast),
    )


def follow(
    body: Body,
    classes: Classes,
    state: State,
    share: Float[Array, " step"],
    full: tuple[Float[Array, "class point"], Float[Array, "class point"]],
    substeps: int = 1,
) -> tuple[Outcome, State]:
    """Follow one patch over whole weeks.

    Parameters
    ----------
    body, classes, state : the person, the patch, and how it starts.
    share : (7 weeks substeps,) [1] release in each step relative to full release.
    full : from `concentrations`.
    substeps : steps a day; more than one only to see what the step of a day costs in accuracy.

    Returns
    -------
    Outcome
        (week + 1,) each, the start included.
    State
        The last state.
    """
    tissue = body.tissue
    step = STEP / substeps
    decay = jnp.exp(classes.rate * tissue.immunity.mobility * step)
    normal = healthy_shadow(tissue.follicle)
    # Skin nearer to a depot is thinner at all times, so the order is found once.
    order = jnp.argsort(-full[1].mean(-1))

    def advance(state: State, released: Array) -> tuple[State, None]:
        drug = effect(released * full[0], tissue.immunity.half_effect).mean(-1)
        skin_drug = effect(released * full[1], tissue.skin.half_effect).mean(-1)
        return step_classes(tissue, classes, decay, state, (drug, skin_drug), step), None

    def week(state: State, released: Array) -> tuple[State, Outcome]:
        after, _ = jax.lax.scan(advance, state, released)
        return after, read(body, classes, after, normal, order)

    state = jax.tree.map(lambda leaf: leaf + 0.0 * share[0], state)
    last, rows = jax.lax.scan(week, state, share.reshape(-1, WEEK * substeps))
    first = read(body, classes, state, normal, order)
    outcome = jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), first, rows)
    return outcome, last


def step_classes(
    tissue: Tissue,
    classes: Classes,
    decay: Float[Array, " class"],
    state: State,
    drug: tuple[Float[Array, " class"], Float[Array, " place"]],
    step: float = STEP,
) -> State:
    """Advance all classes by one step.

    Parameters
    ----------
    tissue, classes, state : the person, the patch, and how it is.
    decay : (class,) what is left of each mode of the spread after the step.
    drug : (class,) share of the maximal effect on the attack, and (place,) on the skin, of as many
        places as the state of the skin has.
    step : [day].
    """
    spread = classes.back @ (decay * (classes.forward @ state.immune.attack))
    spread = (spread - state.immune.attack) / step
    immune = step_immunity(tissue.immunity, state.immune, spread, drug[0], step)
    skin = step_skin(tissue.skin, state.skin, drug[1], step)
    chance = hazards(tissue.follicle, inflammation(immune, drug[0]), drug[0], step)
    hair, _ = step_hair(tissue.follicle, state.hair, chance, step)
    return State(immune, hair, skin)


def followable(body: Body) -> Bool[Array, ""]:
    """Whether steps of a day can follow this person: rates that mean something, none too quick.

    Durations are positive, an established patch is possible (crowding c > 0) and the attack neither
    overshoots it nor changes sign within a step, and no state of a follicle is left by more than
    all that are in it.
    """
    immunity, follicle, skin = body.tissue.immunity, body.tissue.follicle, body.tissue.skin
    positive = (
        immunity.collapse_time, immunity.rebuild_time, immunity.tolerance_time,
        immunity.forget_time, immunity.half_effect, immunity.collapse_threshold,
        follicle.early_time, follicle.recovering_time, follicle.maturing_time,
        follicle.anagen_time, follicle.catagen_time, follicle.telogen_time, follicle.kenogen_time,
        follicle.dystrophic_time, follicle.half_attack, follicle.growth, follicle.shade_length,
        skin.half_effect, skin.stop_time, skin.restart_time, body.depot.radius,
        body.dermis.diffusivity, body.dermis.clearance, body.dermis.partition, body.density,
    )  # fmt: skip
    not_negative = (
        immunity.activation, immunity.loss, immunity.survival_effect, immunity.residue,
        immunity.mobility, follicle.attack_rate, follicle.release_rate, follicle.catagen_gain,
        skin.fast_rate, skin.slow_rate,
    )  # fmt: skip
    one = jnp.ones(())
    harmed, calm = (hazards(follicle, inflamed, one, STEP) for inflamed in (one, 0.0 * one))
    left = [
        chance
        for h in (harmed, calm)
        for chance in (h.early + h.arrest, h.recovering + h.arrest, h.attacked + h.mature, h.leave,
                       h.attacked + h.regress, h.rest, h.telogen, h.renew, h.breaks + h.rescue,
                       h.release, STEP * follicle.growth / follicle.shade_length)
    ]  # fmt: skip
    crowded = STEP * crowding(immunity)
    killed = STEP * immunity.loss * (1.0 + immunity.survival_effect)
    return (
        jnp.all(jnp.stack(jnp.broadcast_arrays(*positive)) > 0.0)
        & jnp.all(jnp.stack(jnp.broadcast_arrays(*not_negative)) >= 0.0)
        & jnp.all(jnp.stack(jnp.broadcast_arrays(*left)) <= 1.0)
        & (crowded > 0.0)
        & (crowded < 1.0)
        & (killed < 1.0)
    )


def read(
    body: Body,
    classes: Classes,
    state: State,
    normal: Float[Array, ""],
    order: Int[Array, " class"],
) -> Outcome:
    """Read the outcome of a moment; normal shadow and order of thinness as in `follow`."""
    follicle = body.tissue.follicle
    cover = cover_of(shadow(follicle, state.hair), body.density, normal)
    visible = visible_share(state.hair)
    young = state.hair.shares[INDEX["vellus"]] + state.hair.shares[INDEX["intermediate"]]
    thick = thickness(body.tissue.skin, state.skin)
    hair_share = classes.share @ visible
    return Outcome(
        cover=classes.share @ cover,
        hair_share=hair_share,
        terminal_share=1.0 - (classes.share @ young) / jnp.maximum(hair_share, _TINY),
        bald_area=classes.area @ jnp.maximum(1.0 - cover, 0.0),
        thickness=classes.share @ thick,
        thinnest=_thinnest(classes.share, thick, order),
        attack=classes.share @ state.immune.attack,
    )


def _thinnest(
    share: Float[Array, " class"], thick: Float[Array, " class"], order: Int[Array, " class"]
) -> Float[Array, ""]:
    """Mean thickness of the thinnest tenth of the patch, the classes in order of thinness."""
    before = jnp.cumsum(share[order]) - share[order]
    taken = jnp.clip(THINNEST - before, 0.0, share[order])
    return (taken @ thick[order]) / THINNEST


def with_traits(body: Body, traits: dict[str, Any]) -> Body:
    """Replace parameters by name, module and field, for example ``immunity.half_effect``."""
    for key, value in traits.items():
        module, _, name = key.partition(".")
        if not name:
            body = replace(body, **{module: value})
        elif module in ("immunity", "follicle", "skin"):
            part = replace(getattr(body.tissue, module), **{name: value})
            body = replace(body, tissue=replace(body.tissue, **{module: part}))
        else:
            body = replace(body, **{module: replace(getattr(body, module), **{name: value})})
    return body
