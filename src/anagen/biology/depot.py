"""The depot: crystals at one injection site and how fast the steroid leaves them.

A suspension forms a small ball of crystals in saturated interstitial fluid. Capillaries inside the
ball and diffusion through its surface carry dissolved steroid away at the constant rate J; crystals
replace it as fast as they can dissolve, X(M). In quasi-steady state the release is

    dM/dt = -J X / (J + X),    X = (3/2) M0^(2/3) M^(1/3) / T,    T = rho r0^2 / (2 D_water Cs)

(T is the lifetime of one crystal of radius r0 in a sink, by Noyes and Whitney), whose exact
solution, with x = (M / M0)^(1/3), is

    t = (M0 / J) (1 - x^3) + T (1 - x^2)

so the duration grows with the dose and the concentration of the suspension buys time, not height.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anagen.biology.dermis import Dermis
from anagen.evidence.parameters import ParameterSet
from anagen.evidence.products import Product

_BISECTIONS = 24


class Depot(eqx.Module):
    """Geometry and fluid of a depot; one number each, the same for every site.

    Parameters
    ----------
    radius : [mm] radius of the ball of crystals left by the reference volume.
    reference_volume : [mL] injected volume that leaves this radius.
    water_diffusivity : [mm2/day] of the dissolved steroid in interstitial water.
    """

    radius: Float[Array, ""]
    reference_volume: Float[Array, ""]
    water_diffusivity: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Depot":
        """Take the depot's parameters from a parameter set."""
        return cls(
            radius=jnp.asarray(parameters.value("depot.radius", "mm")),
            reference_volume=jnp.asarray(parameters.value("depot.reference_volume", "mL")),
            water_diffusivity=jnp.asarray(parameters.value("depot.water_diffusivity", "mm^2/day")),
        )


class Sites(NamedTuple):
    """What was injected, one entry a site (or a group of equal sites).

    Parameters
    ----------
    dose : (site,) [ug] steroid injected, as the active drug.
    volume : (site,) [mL] injected volume.
    solubility : (site,) [ug/mL] of the product's crystals at 37 C; ``inf`` for a solution.
    crystal_radius : (site,) [mm].
    crystal_density : (site,) [ug/mm3].
    start : (site,) [day] time of injection.
    """

    dose: Float[Array, " site"]
    volume: Float[Array, " site"]
    solubility: Float[Array, " site"]
    crystal_radius: Float[Array, " site"]
    crystal_density: Float[Array, " site"]
    start: Float[Array, " site"]


def site_of(
    product: Product, strength: float, volume: float, start: float, dissolved: bool | None = None
) -> tuple[float, ...]:
    """Values of one `Sites` entry for an injection of a product.

    Parameters
    ----------
    product : what is injected.
    strength : [mg/mL]; volume : [mL]; start : [day].
    dissolved : whether this part of it is in solution; as the product's form when None.
    """
    solution = product.soluble if dissolved is None else dissolved
    micrograms = 1000.0 * strength * volume * product.active_fraction if product.drug else 0.0
    return (
        micrograms,
        volume,
        float("inf") if solution else product.solubility_ug_per_mL,
        0.5e-3 * product.crystal_diameter_um,
        1e3 * product.crystal_density_g_per_cm3,
        start,
    )


def depot_radius(depot: Depot, volume: Float[Array, " site"]) -> Float[Array, " site"]:
    """Radius [mm] of the ball that an injected volume [mL] leaves; it grows with the cube root."""
    return depot.radius * jnp.cbrt(volume / depot.reference_volume)


def saturated_release(
    depot: Depot, dermis: Dermis, volume: Float[Array, " site"], solubility: Float[Array, " site"]
) -> Float[Array, " site"]:
    """Release rate J [ug/day] of a saturated ball: cleared inside it and diffusing out of it.

    J = K Cs [k V + A sqrt(D k) (1 + L/a)] with a the radius, V and A the ball's volume and surface.

    Examples
    --------
    A ball of 2 mm holding triamcinolone acetonide loses about 24 ug a day.
    """
    a = depot_radius(depot, volume)
    return solubility * 1e-3 * dermis.partition * clearance_volume(dermis, a)


def clearance_volume(dermis: Dermis, a: Float[Array, " site"]) -> Float[Array, " site"]:
    """Tissue volume [mm3/day] cleared by a saturated ball of radius a [mm]."""
    inside = dermis.clearance * 4.0 / 3.0 * jnp.pi * a**3
    conductance = jnp.sqrt(dermis.diffusivity * dermis.clearance)
    surface = 4.0 * jnp.pi * a**2 * conductance * (1.0 + dermis.length / a)
    return inside + surface


def amount_left(
    depot: Depot, dermis: Dermis, sites: Sites, times: Float[Array, " time"]
) -> Float[Array, "time site"]:
    """Solid steroid left [ug] at each site at each time [day].

    Returns
    -------
    (time, site) [ug]
        Zero before the injection; the dose at the injection; then falling to exactly zero.
    """
    elapsed = jnp.maximum(times[:, None] - sites.start[None, :], 0.0)
    solution = jnp.isinf(sites.solubility)
    solubility = jnp.where(solution, 1.0, sites.solubility)
    rate = saturated_release(depot, dermis, sites.volume, solubility)
    saturated_time = sites.dose / rate
    crystal_time = (
        sites.crystal_density * sites.crystal_radius**2
        / (2.0 * depot.water_diffusivity * solubility * 1e-3)
    )  # fmt: skip
    x = _cube_root_share_left(elapsed, saturated_time, crystal_time)
    a = depot_radius(depot, sites.volume)
    washout = clearance_volume(dermis, a) / (4.0 / 3.0 * jnp.pi * a**3)
    share = jnp.where(solution, jnp.exp(-washout * elapsed), x**3)
    started = times[:, None] >= sites.start[None, :]
    return jnp.where(started, share * sites.dose, 0.0)


def _cube_root_share_left(
    elapsed: Float[Array, "time site"],
    saturated_time: Float[Array, " site"],
    crystal_time: Float[Array, " site"],
) -> Float[Array, "time site"]:
    """Solve t = a (1 - x^3) + b (1 - x^2) for x in [0, 1]: bisection, then one Newton step.

    The bisection carries no gradient; the Newton step gives the exact one.
    """
    target = jnp.minimum(elapsed, saturated_time + crystal_time)

    def time_of(x: Float[Array, "time site"]) -> Float[Array, "time site"]:
        return saturated_time * (1.0 - x**3) + crystal_time * (1.0 - x**2)

    def halve(_: Any, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = 0.5 * (low + high)
        late = time_of(middle) > target
        return jnp.where(late, middle, low), jnp.where(late, high, middle)

    bounds = (jnp.zeros_like(target), jnp.ones_like(target))
    low, high = jax.lax.stop_gradient(jax.lax.fori_loop(0, _BISECTIONS, halve, bounds))
    x = 0.5 * (low + high)
    slope = 3.0 * saturated_time * x**2 + 2.0 * crystal_time * x
    safe = jnp.where(slope > 0, slope, 1.0)
    return jnp.clip(x + jnp.where(slope > 0, (time_of(x) - target) / safe, 0.0), 0.0, 1.0)


def release_rate(
    depot: Depot, dermis: Dermis, sites: Sites, edges: Float[Array, " edge"]
) -> Float[Array, "step site"]:
    """Mean release rate [ug/day] between consecutive times [day]; conserves mass by construction.

    A site is injected at its start, so what is there at an edge counts the dose of every site that
    started by then.
    """
    left = amount_left(depot, dermis, sites, edges)
    injected = jnp.where(edges[:, None] >= sites.start[None, :], sites.dose, 0.0)
    released = injected - left
    return jnp.diff(released, axis=0) / jnp.diff(edges)[:, None]
