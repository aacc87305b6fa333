"""Steroid in the blood: from the depots through the tissue around them into plasma and out.

What a session's depots release passes the surrounding tissue, then plasma, then is gone:

    dT/dt = R - k T            T [ug] dissolved in tissue, k [1/day] uptake by capillaries
    dP/dt = F k T - q P        P [ug] in plasma and what it is in balance with, q = CL / V
    dE/dt = (1 - F) k T + q P  E [ug] eliminated, in the tissue itself or from plasma

R is constant within each time step, so the step is exact. Depots last weeks and plasma hours, so
the concentration nearly follows the release: C = F R / CL (`quasi_steady_concentration`).

References: Argenti1999 (clearance, volume), SubTenonTA (bioavailability), KastingDermisModel (k),
RitonavirTriamcinolone2013 (CYP3A4 inhibitors).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anagen.evidence.parameters import ParameterSet


class Plasma(eqx.Module):
    """Fate of triamcinolone acetonide in the body.

    Parameters
    ----------
    clearance : CL [L/day/kg] total clearance from plasma, per body weight.
    volume : V [L/kg] volume of distribution, per body weight.
    bioavailability : F [1] share of what leaves the tissue that reaches plasma.
    reference_weight : [kg] body weight of an adult whose own is not known.
    """

    clearance: Float[Array, ""]
    volume: Float[Array, ""]
    bioavailability: Float[Array, ""]
    reference_weight: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Plasma":
        """Take the fate in the body from a parameter set."""
        return cls(
            clearance=jnp.asarray(parameters.value("plasma.clearance", "L/day/kg")),
            volume=jnp.asarray(parameters.value("plasma.volume", "L/kg")),
            bioavailability=jnp.asarray(parameters.value("plasma.bioavailability", "1")),
            reference_weight=jnp.asarray(parameters.value("plasma.reference_weight", "kg")),
        )

    @property
    def elimination_rate(self) -> Float[Array, ""]:
        """Rate q = CL / V [1/day] at which plasma is cleared."""
        return self.clearance / self.volume


class Systemic(NamedTuple):
    """Where the released steroid is; amounts at step edges, starting with nothing released.

    Parameters
    ----------
    tissue : (step + 1, session) [ug] dissolved in the tissue around the depots.
    plasma : (step + 1, session) [ug] in plasma and what is in balance with it.
    eliminated : (step + 1, session) [ug] gone for good.
    mean_plasma : (step, session) [ug] mean of ``plasma`` over each step.
    """

    tissue: Float[Array, "edge session"]
    plasma: Float[Array, "edge session"]
    eliminated: Float[Array, "edge session"]
    mean_plasma: Float[Array, "step session"]


def inhibited(plasma: Plasma, factor: Float[Array, ""] | float) -> Plasma:
    """Fate in a person whose clearance is a share of the usual one.

    Parameters
    ----------
    plasma : the usual fate.
    factor : [1] share of the clearance left, 1 for nobody's medicine; strong CYP3A4 inhibitors
        (ritonavir, cobicistat) leave ``plasma.strong_inhibitor_factor``.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> usual = Plasma.from_parameters(load_parameters())
    >>> round(float(inhibited(usual, 0.5).clearance / usual.clearance), 6)
    0.5
    """
    slower: Plasma = eqx.tree_at(lambda it: it.clearance, plasma, plasma.clearance * factor)
    return slower


def systemic_amounts(
    plasma: Plasma,
    release: Float[Array, "step session"],
    tissue_rate: Float[Array, ""] | float,
    step: Float[Array, ""] | float = 1.0,
) -> Systemic:
    """Follow what the depots release through tissue and plasma, exactly.

    Within a step of length h, with outflow O = T0 + R h - T1 from the tissue,

        T1 = T0 e^(-kh) + R (1 - e^(-kh)) / k
        P1 = P0 e^(-qh) + F [k T0 w + R (g - w)]
        E1 = E0 + (1 - F) O + q int P
        int P = P0 g + F [k T0 v + R ((h - g) / q - v)]

    where g = (1 - e^(-qh)) / q, w = (e^(-qh) - e^(-kh)) / (k - q) and
    v = [(1 - e^(-kh)) / k - w] / q; no term is negative.

    Parameters
    ----------
    plasma : fate in the body.
    release : (step, session) [ug/day] release of each session's depots, constant in each step.
    tissue_rate : k [1/day] uptake by capillaries (`Dermis.clearance`).
    step : h [day] length of every step.

    Returns
    -------
    Systemic
        Released = tissue + plasma + eliminated at every edge, to rounding.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> fate = Plasma.from_parameters(load_parameters())
    >>> result = systemic_amounts(fate, jnp.full((5, 1), 24.0), 21.6)
    >>> end = result.tissue[-1] + result.plasma[-1] + result.eliminated[-1]
    >>> round(float(end[0]), 3)
    120.0
    """
    # As arrays, so that another number does not mean another compilation.
    rate, length = (jnp.asarray(value, release.dtype) for value in (tissue_rate, step))
    return _follow(plasma, release, rate, length)


@eqx.filter_jit
def _follow(
    plasma: Plasma,
    release: Float[Array, "step session"],
    tissue_rate: Float[Array, ""],
    step: Float[Array, ""],
) -> Systemic:
    """Scan the exact step of `systemic_amounts`."""
    k, q, share = tissue_rate, plasma.elimination_rate, plasma.bioavailability
    stay, keep = jnp.exp(-k * step), jnp.exp(-q * step)
    filled, reached = -jnp.expm1(-k * step) / k, -jnp.expm1(-q * step) / q
    # Written from the slower of the two rates, so that nothing overflows.
    slower, faster = jnp.where(k < q, k, q), jnp.where(k < q, q, k)
    passing = jnp.exp(-slower * step) * step * _mean_exponential((slower - faster) * step)
    # Rounding must not make an amount negative, hence the floors.
    settling = jnp.maximum(reached - passing, 0.0)
    passed = jnp.maximum(filled - passing, 0.0) / q
    settled = jnp.maximum((step - reached) / q - passed, 0.0)

    def advance(
        carry: tuple[Array, Array, Array], rate: Array
    ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array, Array]]:
        tissue, blood, gone = carry
        outflow = tissue * -jnp.expm1(-k * step) + rate * (step - filled)
        area = blood * reached + share * (k * tissue * passed + rate * settled)
        after = (
            tissue * stay + rate * filled,
            blood * keep + share * (k * tissue * passing + rate * settling),
            gone + (1.0 - share) * outflow + q * area,
        )
        return after, (*after, area / step)

    nothing = jnp.zeros_like(release[0])
    _, (tissue, blood, gone, mean) = jax.lax.scan(advance, (nothing,) * 3, release)

    def from_nothing(values: Array) -> Array:
        return jnp.concatenate([nothing[None], values])

    return Systemic(from_nothing(tissue), from_nothing(blood), from_nothing(gone), mean)


def _mean_exponential(x: Float[Array, ""]) -> Float[Array, ""]:
    """(e^x - 1) / x, which is smooth through x = 0."""
    small = jnp.abs(x) < 1e-3
    safe = jnp.where(small, 1.0, x)
    return jnp.where(small, 1.0 + x / 2.0 + x * x / 6.0, jnp.expm1(safe) / safe)


def concentration(
    plasma: Plasma, amount: Float[Array, "*n"], weight: Float[Array, ""] | float | None = None
) -> Float[Array, "*n"]:
    """Concentration in plasma [ng/mL] of an amount [ug] in the volume of distribution.

    C = P / (V weight); 1 ug/L is 1 ng/mL.

    Parameters
    ----------
    plasma : fate in the body.
    amount : P [ug], for example `Systemic.mean_plasma` summed over sessions.
    weight : body weight [kg]; an adult's typical weight when None.
    """
    return amount / (plasma.volume * (plasma.reference_weight if weight is None else weight))


def quasi_steady_concentration(
    plasma: Plasma, release: Float[Array, "*n"], weight: Float[Array, ""] | float | None = None
) -> Float[Array, "*n"]:
    """Concentration in plasma [ng/mL] that a constant release settles at: C = F R / (CL weight).

    Parameters
    ----------
    plasma : fate in the body.
    release : R [ug/day] of all depots together.
    weight : body weight [kg]; an adult's typical weight when None.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> fate = Plasma.from_parameters(load_parameters())
    >>> round(float(quasi_steady_concentration(fate, jnp.asarray(40 * 24.0), 70.0)), 1)
    1.0
    """
    kilograms = plasma.reference_weight if weight is None else weight
    return plasma.bioavailability * release / (plasma.clearance * kilograms)


def first_order_release(
    dose: Float[Array, " session"],
    half_life: Float[Array, " session"],
    edges: Float[Array, " edge"],
    start: Float[Array, " session"],
) -> Float[Array, "step session"]:
    """Mean release [ug/day] in each step of depots that empty at a constant fractional rate.

    For depots elsewhere (joint, muscle), whose plasma half-lives are published: what is left is
    dose 2^(-t / half-life).

    Parameters
    ----------
    dose : (session,) [ug].
    half_life : (session,) [day] of the depot, 5-22 days for triamcinolone acetonide suspensions.
    edges : (step + 1,) [day].
    start : (session,) [day] of injection.
    """
    elapsed = jnp.maximum(edges[:, None] - start[None, :], 0.0)
    rate = jnp.log(2.0) / half_life
    left = dose * jnp.exp(-rate * elapsed[:-1])
    return left * -jnp.expm1(-rate * jnp.diff(elapsed, axis=0)) / jnp.diff(edges)[:, None]
