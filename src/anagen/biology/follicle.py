"""The follicle: hair cycle, attack on it, arrest, and return to growth.

Every follicle is a random process with these states and daily hazards; the deterministic course
follows the shares of follicles in each state, which is the exact mean of that process. A duration
with several stages is Erlang distributed, so that shedding after a shock is a wave, not a smear.

normal:    early 1-2 -> terminal -> catagen -> telogen 1-4 -> (shed) -> early | kenogen -> early
attacked:  terminal -> dystrophic -> (breaks) -> arrested;  vellus, intermediate -> (falls) ->
           arrested;  early, recovering -> arrested
recovery:  arrested -> recovering 1-3 (not yet visible) -> vellus -> intermediate -> terminal
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from anagen.evidence.parameters import ParameterSet

STATES = (
    "early_1", "early_2", "recovering_1", "recovering_2", "recovering_3", "vellus", "intermediate",
    "terminal", "dystrophic", "catagen", "telogen_1", "telogen_2", "telogen_3", "telogen_4",
    "kenogen", "arrested",
)  # fmt: skip
INDEX = {name: number for number, name in enumerate(STATES)}
VISIBLE = ("vellus", "intermediate", "terminal", "dystrophic", "catagen", "telogen_1", "telogen_2",
           "telogen_3", "telogen_4")  # fmt: skip
GROWING = ("vellus", "intermediate", "terminal")


class Follicle(eqx.Module):
    """Durations, hazards and shaft sizes of a follicle; see `STATES`.

    Parameters
    ----------
    early_time, recovering_time, maturing_time, anagen_time, catagen_time, telogen_time,
    kenogen_time, dystrophic_time : [day] mean durations.
    kenogen_share : [1] of cycles with an empty latency phase.
    attack_rate : [1/day] hazard of dystrophy under full attack.
    half_attack : [1] damaging inflammation at which half that hazard acts.
    catagen_gain : [1] by how much a full attack multiplies the hazard of catagen.
    release_rate : [1/day] return to growth of an arrested follicle without attack.
    telogen_hold : [1] share of re-entry into growth that a full attack blocks.
    growth : [mm/day] of the shaft; shade_length : [mm] beyond which length adds no cover.
    calibre_* : [mm] of vellus, intermediate and terminal shafts.
    """

    early_time: Float[Array, ""]
    recovering_time: Float[Array, ""]
    maturing_time: Float[Array, ""]
    anagen_time: Float[Array, ""]
    catagen_time: Float[Array, ""]
    telogen_time: Float[Array, ""]
    kenogen_time: Float[Array, ""]
    kenogen_share: Float[Array, ""]
    dystrophic_time: Float[Array, ""]
    attack_rate: Float[Array, ""]
    half_attack: Float[Array, ""]
    catagen_gain: Float[Array, ""]
    release_rate: Float[Array, ""]
    telogen_hold: Float[Array, ""]
    direct_catagen_effect: Float[Array, ""]
    growth: Float[Array, ""]
    shade_length: Float[Array, ""]
    calibre_vellus: Float[Array, ""]
    calibre_intermediate: Float[Array, ""]
    calibre_terminal: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Follicle":
        """Take durations, hazards and sizes from a parameter set."""

        def read(name: str, unit: str) -> Array:
            return jnp.asarray(parameters.value(f"follicle.{name}", unit))

        days = ("early_time", "recovering_time", "maturing_time", "anagen_time", "catagen_time",
                "telogen_time", "kenogen_time", "dystrophic_time")  # fmt: skip
        shares = ("kenogen_share", "half_attack", "catagen_gain", "telogen_hold",
                  "direct_catagen_effect")  # fmt: skip
        rates = ("attack_rate", "release_rate")
        lengths = ("shade_length", "calibre_vellus", "calibre_intermediate", "calibre_terminal")
        return cls(
            **{name: read(name, "day") for name in days},
            **{name: read(name, "1") for name in shares},
            **{name: read(name, "1/day") for name in rates},
            **{name: read(name, "mm") for name in lengths},
            growth=read("growth", "mm/day"),
        )


class Hazards(NamedTuple):
    """Chance of each transition within one step, one value a cell or a scalar [1]."""

    early: Array  # early_i -> next stage
    recovering: Array  # recovering_i -> next stage
    arrest: Array  # early, recovering -> arrested
    mature: Array  # vellus -> intermediate -> terminal
    attacked: Array  # terminal -> dystrophic; vellus, intermediate -> arrested (hair falls)
    regress: Array  # terminal -> catagen
    rest: Array  # catagen -> telogen_1
    telogen: Array  # telogen_i -> next stage
    leave: Array  # telogen_4 -> shed
    latency: Array  # share of the shed that goes to kenogen
    renew: Array  # kenogen -> early_1
    breaks: Array  # dystrophic -> arrested (hair breaks)
    rescue: Array  # dystrophic -> terminal
    release: Array  # arrested -> recovering_1


def damage(follicle: Follicle, inflamed: Float[Array, "..."]) -> Float[Array, "..."]:
    """Share of the full hazard at an inflammation i [1], h = i^2 / (i50^2 + i^2)."""
    square = inflamed * inflamed
    return square / (follicle.half_attack * follicle.half_attack + square)


def hazards(
    follicle: Follicle, inflamed: Float[Array, "..."], drug: Float[Array, "..."], dt: float
) -> Hazards:
    """Chances of all transitions within a step of dt [day] at an inflammation and a drug effect."""
    harm = damage(follicle, inflamed)
    calm = 1.0 - harm
    catagen = (1.0 + follicle.catagen_gain * harm + follicle.direct_catagen_effect * drug) / (
        follicle.anagen_time
    )
    return Hazards(
        early=dt * 2.0 / follicle.early_time,
        recovering=dt * 3.0 / follicle.recovering_time,
        arrest=dt * follicle.attack_rate * harm,
        mature=dt * 2.0 / follicle.maturing_time * calm,
        attacked=dt * follicle.attack_rate * harm,
        regress=dt * catagen,
        rest=dt / follicle.catagen_time,
        telogen=dt * 4.0 / follicle.telogen_time,
        leave=dt * 4.0 / follicle.telogen_time * (1.0 - follicle.telogen_hold * harm),
        latency=follicle.kenogen_share,
        renew=dt / follicle.kenogen_time * (1.0 - follicle.telogen_hold * harm),
        breaks=dt / follicle.dystrophic_time * harm,
        rescue=dt / follicle.dystrophic_time * calm,
        release=dt * follicle.release_rate * calm * calm,
    )


class HairState(NamedTuple):
    """Shares of follicles by state, and shaft length of the growing ones.

    Parameters
    ----------
    shares : one (cell,) array a state, in the order of `STATES`; they sum to one.
    lengths : [mm] mean of length times share in vellus, intermediate and terminal, one array each.
    """

    shares: tuple[Float[Array, " cell"], ...]
    lengths: tuple[Float[Array, " cell"], ...]


def step_hair(
    follicle: Follicle, state: HairState, chance: Hazards, dt: float
) -> tuple[HairState, Float[Array, " cell"]]:
    """Advance the shares by one step; every flow leaves one state and enters another.

    Returns
    -------
    HairState
        The new shares and lengths.
    (cell,)
        Share of follicles that lost a visible hair in the step.
    """
    e1, e2, r1, r2, r3, v, i, t, d, c, t1, t2, t3, t4, k, x = state.shares
    h = chance
    shed, broken, rescued = h.leave * t4, h.breaks * d, h.rescue * d
    leave = h.attacked + h.regress
    young_lost = h.attacked * (v + i)
    # Differences of flows, not products with (1 - chance): single precision then keeps the sum.
    new = (
        e1 - (h.early + h.arrest) * e1 + (1.0 - h.latency) * shed + h.renew * k,
        e2 - (h.early + h.arrest) * e2 + h.early * e1,
        r1 - (h.recovering + h.arrest) * r1 + h.release * x,
        r2 - (h.recovering + h.arrest) * r2 + h.recovering * r1,
        r3 - (h.recovering + h.arrest) * r3 + h.recovering * r2,
        v - (h.attacked + h.mature) * v + h.recovering * r3,
        i - (h.attacked + h.mature) * i + h.mature * v,
        t - leave * t + h.mature * i + h.early * e2 + rescued,
        d - broken - rescued + h.attacked * t,
        c - h.rest * c + h.regress * t,
        t1 - h.telogen * t1 + h.rest * c,
        t2 - h.telogen * (t2 - t1),
        t3 - h.telogen * (t3 - t2),
        t4 - shed + h.telogen * t3,
        k - h.renew * k + h.latency * shed,
        x - h.release * x + h.arrest * (e1 + e2 + r1 + r2 + r3) + broken + young_lost,
    )
    wear, gain = 1.0 - dt * follicle.growth / follicle.shade_length, dt * follicle.growth
    lv, li, lt = (
        length * wear + gain * share for length, share in zip(state.lengths, (v, i, t), strict=True)
    )
    lengths = (
        lv - (h.attacked + h.mature) * lv,
        li - (h.attacked + h.mature) * li + h.mature * lv,
        lt - leave * lt + h.mature * li + follicle.shade_length * rescued,
    )
    return HairState(new, lengths), shed + broken + young_lost


def healthy_shares(follicle: Follicle) -> tuple[Float[Array, ""], ...]:
    """Steady shares of states on a healthy scalp: time in each state over the whole cycle."""
    latency = follicle.kenogen_share * follicle.kenogen_time
    cycle = (follicle.early_time + follicle.anagen_time + follicle.catagen_time
             + follicle.telogen_time + latency)  # fmt: skip
    early, stage = follicle.early_time / 2.0 / cycle, follicle.telogen_time / 4.0 / cycle
    zero = jnp.zeros_like(cycle)
    return (early, early, zero, zero, zero, zero, zero, follicle.anagen_time / cycle, zero,
            follicle.catagen_time / cycle, stage, stage, stage, stage, latency / cycle,
            zero)  # fmt: skip


def healthy_length(follicle: Follicle, dt: float) -> Float[Array, ""]:
    """Steady length times share [mm] of terminal hair on a healthy scalp, stepped by dt [day]."""
    wear = 1.0 - dt * follicle.growth / follicle.shade_length
    keep = 1.0 - dt / follicle.anagen_time
    terminal = healthy_shares(follicle)[INDEX["terminal"]]
    return keep * dt * follicle.growth * terminal / (1.0 - keep * wear)


def visible_share(state: HairState) -> Float[Array, " cell"]:
    """Share of follicles that bear a visible hair."""
    return sum((state.shares[INDEX[name]] for name in VISIBLE), jnp.zeros_like(state.shares[0]))


def shadow(follicle: Follicle, state: HairState) -> Float[Array, " cell"]:
    """Mean area [mm2] of skin that one follicle's hair can hide: calibre times length in use."""
    lv, li, lt = state.lengths
    old = sum((state.shares[INDEX[name]] for name in VISIBLE[3:]), jnp.zeros_like(lv))
    return (
        follicle.calibre_vellus * lv
        + follicle.calibre_intermediate * li
        + follicle.calibre_terminal * (lt + follicle.shade_length * old)
    )


def cover_of(
    shadow_per_follicle: Float[Array, "..."],
    density: Float[Array, "..."],
    healthy_shadow: Float[Array, ""],
) -> Float[Array, "..."]:
    """Visible cover relative to the same skin with normal hair [1].

    Hairs fall independently over the skin, so the share hidden is 1 - exp(-n s), with n hairs a mm2
    and s the area that each hides; the same law as light through a canopy.

    Parameters
    ----------
    shadow_per_follicle : [mm2] from `shadow`.
    density : [1/mm2] follicles.
    healthy_shadow : [mm2] the same for normal hair.
    """
    hidden = -jnp.expm1(-density * shadow_per_follicle)
    return hidden / -jnp.expm1(-density * healthy_shadow)
