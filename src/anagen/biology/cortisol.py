"""Cortisol: its daily rhythm, how steroid in plasma suppresses it, and the slow adrenal state.

Cortisol C [ng/mL] turns over within hours, its release follows the clock, steroid in plasma (Cp)
suppresses the release at once, and an adrenal gland that is not driven loses capacity in weeks:

    dC/dt = R(hour) (1 - S) A - ke C,   S = Smax Cp / (EC50 + Cp)
    dA/dt = (1 - S^n - A) / tau

R is a dual ramp: it rises in a straight line from its low late in the evening to its high early in
the morning and falls in a straight line for the rest of the day (a single cosine does not fit,
Chakraborty1999). Cp and A change little within a day, and 1/ke is about two hours, so

    C(day, hour) = C0(hour) (1 - S(day)) A(day)

with C0 the rhythm without drug, known in closed form (`baseline`). The exponent n keeps short or
weak suppression from shrinking the gland: three-weekly sessions up to 20 mg left ACTH tests
unchanged (Benha_HPA), while monthly intramuscular doses lowered them for up to three months
(Seo2017, Reddy2013).

References: Debono2009 and Chakraborty1999 (rhythm), Meibohm1999 and Dickson2018 (EC50),
Iranmanesh2017.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anagen.evidence.parameters import ParameterSet

_DAY = 24.0  # hours


class Cortisol(eqx.Module):
    """Turnover of cortisol and its suppression; see the module's equations.

    Parameters
    ----------
    half_effect : EC50 [ng/mL] total triamcinolone acetonide in plasma that halves the release.
    max_effect : Smax [1].
    turnover : ke [1/hour] elimination of cortisol.
    low_release, high_release : [ng/mL/hour] lowest and highest rate of release.
    low_hour, high_hour : [hour] time of day of those.
    adrenal_time : tau [day] with which the gland's capacity follows its drive.
    adrenal_exponent : n [1].
    morning_hour : [hour] time of day of a morning sample.
    """

    half_effect: Float[Array, ""]
    max_effect: Float[Array, ""]
    turnover: Float[Array, ""]
    low_release: Float[Array, ""]
    high_release: Float[Array, ""]
    low_hour: Float[Array, ""]
    high_hour: Float[Array, ""]
    adrenal_time: Float[Array, ""]
    adrenal_exponent: Float[Array, ""]
    morning_hour: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Cortisol":
        """Take turnover, rhythm and suppression from a parameter set."""

        def read(name: str, unit: str) -> Array:
            return jnp.asarray(parameters.value(f"cortisol.{name}", unit))

        return cls(
            half_effect=read("half_effect", "ng/mL"),
            max_effect=read("max_effect", "1"),
            turnover=read("turnover", "1/hour"),
            low_release=read("low_release", "ng/mL/hour"),
            high_release=read("high_release", "ng/mL/hour"),
            low_hour=read("low_hour", "hour"),
            high_hour=read("high_hour", "hour"),
            adrenal_time=read("adrenal_time", "day"),
            adrenal_exponent=read("adrenal_exponent", "1"),
            morning_hour=read("morning_hour", "hour"),
        )


class CortisolResponse(NamedTuple):
    """Cortisol day by day.

    Parameters
    ----------
    suppression : (day,) [1] share S of the release that the steroid in plasma holds back.
    capacity : (day,) [1] adrenal capacity A, what an ACTH test reads, mean of the day.
    mean, morning : (day,) [1] day's mean and morning cortisol, relative to own baseline.
    mean_level, morning_level : (day,) [ng/mL] the same, absolute for the typical adult.
    """

    suppression: Float[Array, " day"]
    capacity: Float[Array, " day"]
    mean: Float[Array, " day"]
    morning: Float[Array, " day"]
    mean_level: Float[Array, " day"]
    morning_level: Float[Array, " day"]


def suppression(cortisol: Cortisol, concentration: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Share of the release held back, S = Smax Cp / (EC50 + Cp), for Cp [ng/mL] in plasma.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> axis = Cortisol.from_parameters(load_parameters())
    >>> round(float(suppression(axis, axis.half_effect)), 6)
    0.5
    """
    return cortisol.max_effect * concentration / (cortisol.half_effect + concentration)


def release_rate(cortisol: Cortisol, hour: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Rate of release without drug [ng/mL/hour] at an hour of the day, a dual ramp."""
    rising, falling = _ramps(cortisol)
    since = jnp.mod(hour - cortisol.low_hour, _DAY)
    up = cortisol.low_release + (cortisol.high_release - cortisol.low_release) * since / rising
    down = (
        cortisol.high_release
        + (cortisol.low_release - cortisol.high_release) * (since - rising) / falling
    )
    return jnp.where(since < rising, up, down)


def _ramps(cortisol: Cortisol) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Lengths of the rising and of the falling ramp [hour]."""
    rising = jnp.mod(cortisol.high_hour - cortisol.low_hour, _DAY)
    return rising, _DAY - rising


def baseline(cortisol: Cortisol, hour: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Cortisol without drug [ng/mL] at an hour of the day: the periodic solution, in closed form.

    On a ramp R = r0 + s t the solution is R(t)/ke - s/ke^2 + c exp(-ke t); the two constants c
    follow from continuity over the two corners of the day.

    Parameters
    ----------
    cortisol : turnover and rhythm.
    hour : time of day [hour], any number.
    """
    ke = cortisol.turnover
    rising, falling = _ramps(cortisol)
    climb = (cortisol.high_release - cortisol.low_release) / rising
    drop = (cortisol.low_release - cortisol.high_release) / falling

    def up(time: Array) -> Array:
        return (cortisol.low_release + climb * time) / ke - climb / ke**2

    def down(time: Array) -> Array:
        return (cortisol.high_release + drop * time) / ke - drop / ke**2

    zero = jnp.zeros_like(ke)
    decay_up, decay_down = jnp.exp(-ke * rising), jnp.exp(-ke * falling)
    at_low = (down(falling) + (up(rising) - up(zero) * decay_up - down(zero)) * decay_down) / (
        1.0 - decay_up * decay_down
    )
    at_high = up(rising) + (at_low - up(zero)) * decay_up
    since = jnp.mod(hour - cortisol.low_hour, _DAY)
    late = jnp.maximum(since - rising, 0.0)
    return jnp.where(
        since < rising,
        up(since) + (at_low - up(zero)) * jnp.exp(-ke * since),
        down(late) + (at_high - down(zero)) * jnp.exp(-ke * late),
    )


def daily_profile(cortisol: Cortisol) -> Float[Array, "24"]:
    """Cortisol without drug [ng/mL] at the 24 full hours from midnight.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> profile = daily_profile(Cortisol.from_parameters(load_parameters()))
    >>> int(profile.argmin()), int(profile.argmax())
    (0, 9)
    """
    return baseline(cortisol, jnp.arange(24.0))


def baseline_mean(cortisol: Cortisol) -> Float[Array, ""]:
    """Mean cortisol over a day without drug [ng/mL]: mean release over ke."""
    return 0.5 * (cortisol.low_release + cortisol.high_release) / cortisol.turnover


def adrenal_capacity(
    cortisol: Cortisol,
    held_back: Float[Array, " day"],
    initial: Float[Array, ""] | float = 1.0,
    step: Float[Array, ""] | float = 1.0,
) -> Float[Array, " day"]:
    """Capacity of the adrenal gland relative to normal, mean of each day.

    dA/dt = (1 - S^n - A) / tau, stepped exactly with S constant within a day.

    Parameters
    ----------
    cortisol : adrenal_time and adrenal_exponent are used.
    held_back : (day,) suppression S [1].
    initial : capacity at the start [1].
    step : length of a day's step [day].

    Returns
    -------
    (day,) [1]
        1 is normal; what an ACTH test would read relative to the person's own.
    """
    # As arrays, so that another number does not mean another compilation.
    start, length = (jnp.asarray(value, held_back.dtype) for value in (initial, step))
    return _capacity(cortisol, held_back, start, length)


@eqx.filter_jit
def _capacity(
    cortisol: Cortisol,
    held_back: Float[Array, " day"],
    initial: Float[Array, ""],
    step: Float[Array, ""],
) -> Float[Array, " day"]:
    """Scan the exact step of `adrenal_capacity`."""
    ratio = step / cortisol.adrenal_time
    keep = jnp.exp(-ratio)
    mean_keep = -jnp.expm1(-ratio) / ratio
    # A power of zero has no finite gradient for exponents below one, hence the tiny floor.
    target = 1.0 - jnp.maximum(held_back, 1e-12) ** cortisol.adrenal_exponent

    def advance(capacity: Array, goal: Array) -> tuple[Array, Array]:
        gap = capacity - goal
        return goal + gap * keep, goal + gap * mean_keep

    _, mean = jax.lax.scan(advance, initial.astype(target.dtype), target)
    return mean


def respond(
    cortisol: Cortisol,
    concentration: Float[Array, " day"],
    initial_capacity: Float[Array, ""] | float = 1.0,
    step: Float[Array, ""] | float = 1.0,
) -> CortisolResponse:
    """Cortisol of every day from the day's mean steroid in plasma.

    C(day, hour) = C0(hour) (1 - S(day)) A(day): the same share of the baseline at every hour,
    because plasma changes little within a day. Against the hour-by-hour equation this holds to
    3 % of the mean baseline, the day of an injection aside.

    Parameters
    ----------
    cortisol : turnover, rhythm and suppression.
    concentration : (day,) [ng/mL] total triamcinolone acetonide in plasma, mean of each day.
    initial_capacity : adrenal capacity at the start [1].
    step : length of a day's step [day].

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> axis = Cortisol.from_parameters(load_parameters())
    >>> float(respond(axis, jnp.zeros(3)).morning[-1])
    1.0
    """
    held_back = suppression(cortisol, concentration)
    capacity = adrenal_capacity(cortisol, held_back, initial_capacity, step)
    left = (1.0 - held_back) * capacity
    return CortisolResponse(
        suppression=held_back,
        capacity=capacity,
        mean=left,
        morning=left,
        mean_level=left * baseline_mean(cortisol),
        morning_level=left * baseline(cortisol, cortisol.morning_hour),
    )
