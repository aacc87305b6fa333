"""The skin over a depot: thinning and its recovery, and pigment.

Steroid shuts down dermal synthesis within a day or two and the machinery takes weeks to come back:

    ds/dt = (1 - Imax E - s) / tau,   tau short while falling, long while recovering

A fast pool (water, glycosaminoglycans; share f of thickness) and a slow pool (collagen) follow it:

    dh_f/dt = k_f (s - h_f),   dh_s/dt = k_s (s - h_s),   thickness = f h_f + (1 - f) h_s
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from anagen.evidence.parameters import ParameterSet


class Skin(eqx.Module):
    """Turnover of the dermis; see the module's equations.

    Parameters
    ----------
    half_effect : EC50 [ug/mL] tissue concentration for synthesis; max_inhibition : Imax [1].
    stop_time, restart_time : tau [day]; fast_share : f [1]; fast_rate, slow_rate : [1/day].
    """

    half_effect: Float[Array, ""]
    max_inhibition: Float[Array, ""]
    stop_time: Float[Array, ""]
    restart_time: Float[Array, ""]
    fast_share: Float[Array, ""]
    fast_rate: Float[Array, ""]
    slow_rate: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Skin":
        """Take the turnover from a parameter set."""

        def read(name: str, unit: str) -> Array:
            return jnp.asarray(parameters.value(f"skin.{name}", unit))

        return cls(
            half_effect=read("half_effect", "ug/mL"),
            max_inhibition=read("max_inhibition", "1"),
            stop_time=read("stop_time", "day"),
            restart_time=read("restart_time", "day"),
            fast_share=read("fast_share", "1"),
            fast_rate=read("fast_rate", "1/day"),
            slow_rate=read("slow_rate", "1/day"),
        )


class SkinState(NamedTuple):
    """Synthesis, fast and slow pool, relative to normal [1]."""

    synthesis: Float[Array, " cell"]
    fast: Float[Array, " cell"]
    slow: Float[Array, " cell"]


def step_skin(skin: Skin, state: SkinState, drug: Float[Array, " cell"], dt: float) -> SkinState:
    """Advance the skin by dt [day] under a share of the steroid's maximal effect, implicitly."""
    target = 1.0 - skin.max_inhibition * drug
    time = jnp.where(target < state.synthesis, skin.stop_time, skin.restart_time)
    synthesis = (state.synthesis * time + dt * target) / (time + dt)
    fast, slow = dt * skin.fast_rate, dt * skin.slow_rate
    return SkinState(
        synthesis,
        (state.fast + fast * synthesis) / (1.0 + fast),
        (state.slow + slow * synthesis) / (1.0 + slow),
    )


def thickness(skin: Skin, state: SkinState) -> Float[Array, " cell"]:
    """Thickness of the dermis relative to baseline [1]."""
    return skin.fast_share * state.fast + (1.0 - skin.fast_share) * state.slow
