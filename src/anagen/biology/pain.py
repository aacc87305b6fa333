"""Pain of a session of injections, on the numeric rating scale 0-10.

A scale with an end is not additive, so causes multiply on an open scale x and the score is

    score = 10 (1 - exp(-x / 10))          (small x: score = x; never above 10)
    x_n = x1 (v / v0)^a (d / d0)^b (s / s0)^-c  depth  order(n)  comfort
    order(n) = 1 + g (1 - r^(n - 1))       a second injection hurts more than the first, and so on

with v [mL], d [mm] the outer diameter of the needle, s [s/mL] how slowly it is injected and n the
order of the hand. The session's score is that of its worst injection.

References: Palmon1998 (first injection, needle), AnnEmergMed1998 (speed), PainOrder1998 (order),
Carvalho2021 and Toscani_vibration (scalp, vibration), Wang2017_cryotip and Jongkajornpong2021
(cooling), DonovanLidocaine (lidocaine in the syringe does not help).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen.errors import InputError, Problem
from anagen.evidence.parameters import ParameterSet

Numbers = Sequence[float] | Sequence[int] | Sequence[float | int] | np.ndarray

_TOP = 10.0  # end of the numeric rating scale
_COMFORT = "pain.comfort_"
_BLOCK = (
    64  # sites are padded (with none injected) to a multiple, so that sessions share a compilation
)
_NORMAL_90 = 1.6449  # half-width of the central 90 % of a normal distribution, in SD


class Pain(eqx.Module):
    """How much an injection hurts; see the module's equations.

    Parameters
    ----------
    first : x1 [1] first injection of the reference volume with the reference needle into dermis.
    reference_volume : v0 [mL]; volume_exponent : a [1].
    reference_gauge : of the needle of outer diameter d0 reference_diameter [mm];
        diameter_exponent : b [1].
    gauge_ratio : [1] diameter of a needle relative to the next thicker gauge.
    reference_slowness : s0 [s/mL]; slowness_exponent : c [1]; slow : [s/mL] of a slow injection.
    reference_depth, depth_scale : [mm]; deep_share : [1] pain deep in subcutis relative to surface.
    order_gain : g [1]; order_keep : r [1].
    insertion_time : [s] needle in and out, per site.
    person_spread : SD of the logarithm of x between people.
    """

    first: Float[Array, ""]
    reference_volume: Float[Array, ""]
    volume_exponent: Float[Array, ""]
    reference_gauge: Float[Array, ""]
    reference_diameter: Float[Array, ""]
    diameter_exponent: Float[Array, ""]
    gauge_ratio: Float[Array, ""]
    reference_slowness: Float[Array, ""]
    slowness_exponent: Float[Array, ""]
    slow: Float[Array, ""]
    reference_depth: Float[Array, ""]
    depth_scale: Float[Array, ""]
    deep_share: Float[Array, ""]
    order_gain: Float[Array, ""]
    order_keep: Float[Array, ""]
    insertion_time: Float[Array, ""]
    person_spread: Float[Array, ""]

    @classmethod
    def from_parameters(cls, parameters: ParameterSet) -> "Pain":
        """Take the pain of injections from a parameter set."""
        units = {
            "reference_volume": "mL", "reference_diameter": "mm", "reference_slowness": "s/mL",
            "slow": "s/mL", "reference_depth": "mm", "depth_scale": "mm", "insertion_time": "s",
        }  # fmt: skip
        names = cls.__dataclass_fields__
        return cls(**{
            name: jnp.asarray(parameters.value(f"pain.{name}", units.get(name, "1")))
            for name in names
        })  # fmt: skip


@dataclass(frozen=True)
class SessionPain:
    """Pain of one session.

    Parameters
    ----------
    score : expected score of the worst injection, 0-10.
    low, high : range of nine people in ten, with the uncertainty of the comfort measures.
    seconds : [s] of needle and injection in all.
    """

    score: float
    low: float
    high: float
    seconds: float


def needle_diameter(pain: Pain, gauge: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Outer diameter [mm] of a needle: each gauge is a fixed ratio of the one before.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> pain = Pain.from_parameters(load_parameters())
    >>> round(float(needle_diameter(pain, jnp.asarray(30.0))), 2)
    0.31
    """
    return pain.reference_diameter * pain.gauge_ratio ** (gauge - pain.reference_gauge)


def injection_pain(
    pain: Pain,
    volume: Float[Array, " site"],
    gauge: Float[Array, " site"],
    depth: Float[Array, " site"],
    *,
    slowness: Float[Array, ""] | float | None = None,
    comfort: Float[Array, ""] | float = 1.0,
) -> Float[Array, " site"]:
    """Score 0-10 of each injection of a session, in the order of the hand.

    Parameters
    ----------
    pain : parameters.
    volume : (site,) [mL]; gauge : (site,); depth : (site,) [mm] of the needle tip.
    slowness : [s/mL]; the usual speed when None.
    comfort : [1] factor of all comfort measures together on the open scale.

    Returns
    -------
    (site,)
        Rises with volume, with thickness of the needle and with order; below 10.
    """
    order = jnp.arange(volume.shape[0])
    ordered = 1.0 + pain.order_gain * (1.0 - pain.order_keep**order)
    thick = needle_diameter(pain, gauge) / pain.reference_diameter
    pace = pain.reference_slowness if slowness is None else slowness
    slow = (pace / pain.reference_slowness) ** -pain.slowness_exponent

    def deep(millimetres: Array) -> Array:
        surface = 1.0 - pain.deep_share
        return pain.deep_share + surface * jnp.exp(-millimetres / pain.depth_scale)

    x = (
        pain.first
        * (volume / pain.reference_volume) ** pain.volume_exponent
        * thick**pain.diameter_exponent
        * slow
        * deep(depth) / deep(pain.reference_depth)
        * ordered
        * comfort
    )  # fmt: skip
    return score_of(x)


def score_of(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Score 0-10 from the open scale: 10 (1 - exp(-x / 10))."""
    return -_TOP * jnp.expm1(-x / _TOP)


def comfort_measures(parameters: ParameterSet) -> tuple[str, ...]:
    """Comfort measures that the model knows, by the names used in sessions.

    ``local_anaesthetic`` is lidocaine in the syringe, ``buffered_anaesthetic`` the same buffered.
    """
    return tuple(sorted(key.removeprefix(_COMFORT) for key in parameters.parameters
                        if key.startswith(_COMFORT)))  # fmt: skip


def comfort_factor(parameters: ParameterSet, comfort: Sequence[str]) -> tuple[float, float, float]:
    """Factor of comfort measures on the open scale: expected, low and high.

    The strongest measure counts in full and each further one to the power
    ``pain.combination_share``, because no trial combined them. Slow injection acts through its
    speed and is not counted here.

    Raises
    ------
    InputError
        When a measure is not known.
    """
    known = comfort_measures(parameters)
    chosen = sorted(set(comfort))
    unknown = [name for name in chosen if name not in known and name != "slow_injection"]
    if unknown:
        raise InputError([
            Problem("session.comfort", f"one of {', '.join((*known, 'slow_injection'))}",
                    repr(name), "Use one of these names, or leave it out.")
            for name in unknown
        ])  # fmt: skip
    rows = [parameters[_COMFORT + name] for name in chosen if name in known]
    share = parameters.value("pain.combination_share", "1")

    def together(factors: list[float]) -> float:
        helping = sorted(factor for factor in factors if factor < 1.0)
        harming = [factor for factor in factors if factor >= 1.0]
        weights = [1.0] + [share] * (len(helping) - 1)
        return float(np.prod([f**w for f, w in zip(helping, weights, strict=False)])
                     * np.prod(harming))  # fmt: skip

    return (
        together([row.value for row in rows]),
        together([row.low for row in rows]),
        together([row.high for row in rows]),
    )


def session_pain(
    parameters: ParameterSet,
    volume: Numbers,
    gauge: Numbers,
    depth: Numbers,
    comfort: Sequence[str] = (),
) -> SessionPain:
    """Pain of one session, from its injections in the order of the hand.

    Parameters
    ----------
    parameters : of pain.
    volume : (site,) [mL] injected at each site.
    gauge : (site,) of the needle.
    depth : (site,) [mm] of the needle tip.
    comfort : names of the measures taken, see `comfort_measures`; ``slow_injection`` too.

    Returns
    -------
    SessionPain
        All zero for a session without injections.

    Raises
    ------
    InputError
        When lengths differ, a number is not finite or out of reach, or a measure is not known.

    Examples
    --------
    >>> from anagen.evidence.parameters import load_parameters
    >>> result = session_pain(load_parameters(), [0.1] * 8, [30] * 8, [3.0] * 8, ["vibration"])
    >>> 0 < result.low < result.score < result.high < 10
    True
    """
    columns = _columns(volume, gauge, depth)
    expected, least, most = comfort_factor(parameters, comfort)
    if columns.shape[1] == 0:
        return SessionPain(0.0, 0.0, 0.0, 0.0)
    pain = Pain.from_parameters(parameters)
    pace = pain.slow if "slow_injection" in comfort else pain.reference_slowness
    spread = float(np.exp(_NORMAL_90 * float(pain.person_spread)))

    factors = jnp.asarray([expected, least / spread, most * spread])
    padded = np.zeros((3, -(-columns.shape[1] // _BLOCK) * _BLOCK))
    padded[:, : columns.shape[1]] = columns
    score, low, high = map(float, _worst(pain, jnp.asarray(padded), pace, factors))
    seconds = columns.shape[1] * float(pain.insertion_time) + columns[0].sum() * float(pace)
    return SessionPain(score, low, high, float(seconds))


@eqx.filter_jit
def _worst(
    pain: Pain,
    columns: Float[Array, "3 site"],
    pace: Float[Array, ""],
    factors: Float[Array, " factor"],
) -> Float[Array, " factor"]:
    """Score of the worst injection at each comfort factor."""
    volume, gauge, depth = columns

    def worst(factor: Array) -> Array:
        return jnp.max(injection_pain(pain, volume, gauge, depth, slowness=pace, comfort=factor))

    return jnp.stack([worst(factor) for factor in factors])


def _columns(*given: Numbers) -> np.ndarray:
    """Volume, gauge and depth as (3, site), or everything that is wrong with them."""
    from anagen.treatment.technique import bounds

    limits = [bounds(f"injection.{name}") for name in ("volume", "needle", "depth")]
    columns = [np.asarray(values, float).reshape(-1) for values in given]
    problems = []
    for limit, column in zip(limits, columns, strict=True):
        wrong = ~(np.isfinite(column) & (column >= limit.low) & (column <= limit.high))
        if wrong.any():
            unit = "" if limit.unit == "1" else f" {limit.unit}"
            expected = f"{limit.low:g} to {limit.high:g}{unit} at every site"
            problems.append(Problem(limit.name, expected,
                                    ", ".join(f"{value:g}" for value in column[wrong][:3]),
                                    "Correct the number; mind the decimal point."))  # fmt: skip
    if len({len(column) for column in columns}) > 1:
        problems.append(Problem("injections", "a volume, a gauge and a depth for every site",
                                " and ".join(str(len(column)) for column in columns),
                                "Give as many of each."))  # fmt: skip
    if problems:
        raise InputError(problems)
    return np.stack(columns)
