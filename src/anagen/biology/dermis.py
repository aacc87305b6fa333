"""The dermis and upper subcutis: diffusion with capillary clearance around every depot.

    dC/dt = div(D grad C) - k C + source

reaches steady state within hours while a depot lasts for weeks, so the concentration is a sum of
kernels times release rates. Around a saturated ball of radius a the steady solution is

    C(r) = K Cs                       inside the ball,
    C(r) = K Cs (a/r) exp(-(r-a)/L)   outside,   L = sqrt(D/k)

and the skin surface, which lets nearly nothing out, is a mirror (method of images).
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from anagen.evidence.parameters import ParameterSet


class Dermis(eqx.Module):
    """Transport of the steroid in tissue.

    Parameters
    ----------
    diffusivity : D [mm2/day] effective diffusivity.
    clearance : k [1/day] uptake by capillaries.
    partition : K [1] tissue over free concentration.
    bulb_depth : [mm] below the skin surface, where the attack and its suppression happen.
    dermis_depth : [mm] of the middle of the dermis, where thinning happens.
    """

    diffusivity: Float[Array, ""]
    clearance: Float[Array, ""]
    partition: Float[Array, ""]
    bulb_depth: Float[Array, ""]
    dermis_depth: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Dermis":
        """Take the transport parameters from a parameter set."""
        return cls(
            diffusivity=jnp.asarray(parameters.value("dermis.diffusivity", "mm^2/day")),
            clearance=jnp.asarray(parameters.value("dermis.clearance", "1/day")),
            partition=jnp.asarray(parameters.value("dermis.partition", "1")),
            bulb_depth=jnp.asarray(parameters.value("dermis.bulb_depth", "mm")),
            dermis_depth=jnp.asarray(parameters.value("dermis.dermis_depth", "mm")),
        )

    @property
    def length(self) -> Float[Array, ""]:
        """Diffusion length L = sqrt(D/k) [mm]."""
        return jnp.sqrt(self.diffusivity / self.clearance)


def kernel(
    dermis: Dermis, distance: Float[Array, "..."], radius: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Steady tissue concentration at a distance [mm] from a ball, relative to that inside it.

    Parameters
    ----------
    dermis : transport parameters.
    distance : [mm] from the centre of the ball.
    radius : [mm] of the ball.
    """
    r = jnp.maximum(distance, radius)
    return radius / r * jnp.exp(-(r - radius) / dermis.length)


def kernel_in_skin(
    dermis: Dermis,
    lateral: Float[Array, "..."],
    depth: Float[Array, "..."],
    injected_depth: Float[Array, "..."],
    radius: Float[Array, "..."],
) -> Float[Array, "..."]:
    """Kernel at a depth below the skin surface, with the surface as a mirror.

    Parameters
    ----------
    lateral : [mm] distance along the skin.
    depth : [mm] where the concentration is wanted.
    injected_depth : [mm] of the centre of the ball.
    """
    direct = jnp.sqrt(lateral**2 + (depth - injected_depth) ** 2)
    mirrored = jnp.sqrt(lateral**2 + (depth + injected_depth) ** 2)
    return kernel(dermis, direct, radius) + kernel(dermis, mirrored, radius)


def effect(
    concentration: Float[Array, "..."], half_effect: Float[Array, ""] | float
) -> Float[Array, "..."]:
    """Share of the maximal effect, C / (EC50 + C), of a concentration C [ug/mL]."""
    return concentration / (half_effect + concentration)
