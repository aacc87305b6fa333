"""The attack on the follicle and its immune privilege: bistable, spreading, resolving, relapsing.

Three local quantities between 0 and about 1: the autoreactive attack T (1 = an established patch),
the immune privilege P of the follicle (1 = intact) and the local tolerance R that ends an attack by
itself:

    dT/dt = D lap T + T [ a (1-P) (1-E) / (1 + R^4) - d (1 + q E) - c T ] + s (1-P)
    dP/dt = (P*(T) - P) / tau,  P* = 1 / (1 + (T/theta)^2),  tau fast in falling, slow in rising
    dR/dt = T / tau_R - R / tau_forget

E is the steroid's effect: it stops activation and shortens survival (`science`: less cytokine and
proliferation, and lymphocyte death). c is set so that T = 1 is the established patch without drug.
Bistability follows from P: where privilege is intact a small T dies out; where it has collapsed T
comes back unless it is held down until P has been rebuilt.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from anagen.evidence.parameters import ParameterSet

# An attack below this is none; far tails would become denormal numbers, which are slow.
_NONE = 1e-12


class Immunity(eqx.Module):
    """Rates of the attack; see the module's equations.

    Parameters
    ----------
    activation : a [1/day]; loss : d [1/day]; survival_effect : q [1]; residue : s [1/day].
    collapse_threshold : theta [1].
    collapse_time, rebuild_time, tolerance_time, forget_time : [day].
    mobility : D [mm2/day]; half_effect : EC50 [ug/mL] tissue concentration, TA equivalents.
    """

    activation: Float[Array, ""]
    loss: Float[Array, ""]
    survival_effect: Float[Array, ""]
    residue: Float[Array, ""]
    collapse_threshold: Float[Array, ""]
    collapse_time: Float[Array, ""]
    rebuild_time: Float[Array, ""]
    tolerance_time: Float[Array, ""]
    forget_time: Float[Array, ""]
    mobility: Float[Array, ""]
    half_effect: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Immunity":
        """Take the rates from a parameter set; tolerance_time is the typical one of a new patch."""

        def read(name: str, unit: str) -> Array:
            return jnp.asarray(parameters.value(f"immunity.{name}", unit))

        return cls(
            activation=read("activation", "1/day"),
            loss=read("loss", "1/day"),
            survival_effect=read("survival_effect", "1"),
            residue=read("residue", "1/day"),
            collapse_threshold=read("collapse_threshold", "1"),
            collapse_time=read("collapse_time", "day"),
            rebuild_time=read("rebuild_time", "day"),
            tolerance_time=read("tolerance_time", "day"),
            forget_time=read("forget_time", "day"),
            mobility=read("mobility", "mm^2/day"),
            half_effect=read("half_effect", "ug/mL"),
        )


class ImmuneState(NamedTuple):
    """Attack T, privilege P and tolerance R, one value a cell [1]."""

    attack: Float[Array, " cell"]
    privilege: Float[Array, " cell"]
    tolerance: Float[Array, " cell"]


def crowding(immunity: Immunity) -> Float[Array, ""]:
    """Crowding c [1/day] that makes T = 1 the established patch."""
    intact = privilege_at(immunity, jnp.ones(()))
    gain = (immunity.activation + immunity.residue) * (1.0 - intact)
    return gain - immunity.loss


def privilege_at(immunity: Immunity, attack: Float[Array, "..."]) -> Float[Array, "..."]:
    """Privilege P* to which a lasting attack leads."""
    ratio = attack / immunity.collapse_threshold
    return 1.0 / (1.0 + ratio * ratio)


def established(immunity: Immunity, share: Float[Array, " cell"]) -> ImmuneState:
    """State of cells of which a share [0..1] belongs to an established patch."""
    return ImmuneState(share, privilege_at(immunity, share), jnp.zeros_like(share))


def tolerance_at(immunity: Immunity, age: Float[Array, "..."]) -> Float[Array, "..."]:
    """Tolerance of a patch that has been under full attack for an age [day], at most one.

    dR/dt = 1 / tau_R - R / tau_forget from nothing; at one an attack ends, so a patch that is still
    there has no more.
    """
    grown = -jnp.expm1(-age / immunity.forget_time) * immunity.forget_time
    return jnp.minimum(grown / immunity.tolerance_time, 1.0)


def step_immunity(
    immunity: Immunity,
    state: ImmuneState,
    spread: Float[Array, " cell"],
    drug: Float[Array, " cell"],
    dt: float,
) -> ImmuneState:
    """Advance the local immune state.

    The attack steps explicitly, which at a day is within 0.2 % of the converged field and stays
    positive while losses are below one a step; privilege and tolerance step implicitly.

    Parameters
    ----------
    state : attack, privilege, tolerance.
    spread : (cell,) [1/day] surface Laplacian of the attack times its mobility.
    drug : (cell,) share of the steroid's maximal effect.
    dt : [day].
    """
    attack, privilege, tolerance = state
    collapsed = 1.0 - privilege
    square = tolerance * tolerance
    gain = immunity.activation * collapsed * (1.0 - drug) / (1.0 + square * square)
    loss = immunity.loss * (1.0 + immunity.survival_effect * drug) + crowding(immunity) * attack
    source = immunity.residue * collapsed + spread
    stepped = attack + dt * (attack * (gain - loss) + source)
    new_attack = jnp.where(stepped > _NONE, stepped, 0.0)
    target = privilege_at(immunity, new_attack)
    time = jnp.where(target < privilege, immunity.collapse_time, immunity.rebuild_time)
    new_privilege = (privilege * time + dt * target) / (time + dt)
    new_tolerance = (tolerance + dt * new_attack / immunity.tolerance_time) / (
        1.0 + dt / immunity.forget_time
    )
    return ImmuneState(new_attack, new_privilege, new_tolerance)


def inflammation(state: ImmuneState, drug: Float[Array, " cell"]) -> Float[Array, " cell"]:
    """Inflammation around the bulb [1]: the attack's cytokine output, damped at once by steroid."""
    return state.attack * (1.0 - state.privilege) * (1.0 - drug)
