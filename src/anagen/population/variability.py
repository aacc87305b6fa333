"""How people differ: traits, severity and what a point of the population says about them.

A *trait* is a parameter of the model that differs between people. Its logarithm is normal,

    log phi = median + loading * severity + spread * (L z),   z standard normal,

L the root of the correlations. *Severity* sums the published effects of a person's covariates,
-gain * sum(effect * (present - usual)), so that the medians belong to the usual patient of a trial.
Patches that have lasted show that their owner has little natural resolution: of the times that
tolerance takes, only those stay that leave a patch of that age bald.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from anagen.errors import EvidenceError
from anagen.evidence.parameters import load_parameters
from anagen.evidence.rows import (
    Provenance,
    Quantity,
    check_fields,
    number,
    parse_provenance,
    parse_quantity,
    read_table,
)
from anagen.population.covariates import Covariates, draw_covariates
from anagen.population.effects import Effect, load_effects
from anagen.population.settings import Setting
from anagen.units import convert

_TOLERANCE = "immunity.tolerance_time"
_LEAST_LEFT = 1e-6
_PROVENANCE = frozenset({"origin", "source", "locator"})
_REQUIRED = _PROVENANCE | {"unit", "median", "spread", "low", "high", "loading"}
_OPTIONAL = frozenset({"median_sd", "spread_sd", "calibrated", "note"})

_CHILD, _LATE = 18.0, 60.0  # years of age at onset


@dataclass(frozen=True)
class Trait:
    """A parameter that differs between people.

    Parameters
    ----------
    key : of the parameter, for example ``depot.radius``.
    unit : of the median, the one in which the model computes.
    median : of the population; median_sd : [1] prior standard deviation of its logarithm.
    spread : [1] standard deviation of the logarithm between people; spread_sd : [1] likewise.
    low, high : limits in ``unit``; see `bounded`.
    loading : [1] shift of the logarithm for one unit of severity.
    calibrated : whether published arms inform it.
    provenance : origin, source and arithmetic.
    """

    key: str
    unit: str
    median: float
    median_sd: float
    spread: float
    spread_sd: float
    low: float
    high: float
    loading: float
    calibrated: bool
    provenance: Provenance


class Population(NamedTuple):
    """A point of the population: what calibration estimates. Calibrated traits in order.

    Parameters
    ----------
    median : (trait,) logarithm of the median.
    spread : (trait,) standard deviation of the logarithm between people.
    effect : (effect,) log odds ratio of response of each covariate.
    gain : severity for one unit of log odds.
    """

    median: Float[Array, " trait"]
    spread: Float[Array, " trait"]
    effect: Float[Array, " effect"]
    gain: Float[Array, ""]


@lru_cache(maxsize=1)
def load_traits() -> tuple[Trait, ...]:
    """Load the traits, calibrated ones first.

    Raises
    ------
    EvidenceError
        When a row lacks unit, origin or source, or has an impossible number.

    Examples
    --------
    >>> load_traits()[0].key
    'depot.radius'
    """
    rows = read_table("population/traits.toml")["trait"]
    traits = [_parse_trait(key, row) for key, row in rows.items()]
    return tuple(sorted(traits, key=lambda trait: not trait.calibrated))


def _parse_trait(key: str, row: object) -> Trait:
    place = f"trait {key}"
    fields = check_fields(place, row, _REQUIRED, _OPTIONAL)
    parameter = load_parameters()[key]
    numbers = {
        name: number(place, name, fields.get(name, 0.0))
        for name in ("median", "median_sd", "spread", "spread_sd", "low", "high", "loading")
    }
    convert(numbers["median"], fields["unit"], parameter.unit)
    if not 0.0 < numbers["low"] < numbers["median"] < numbers["high"] or numbers["spread"] <= 0.0:
        raise EvidenceError(f"{place}: 0 < low < median < high and a positive spread are needed")
    calibrated = bool(fields.get("calibrated", False))
    if calibrated != (numbers["median_sd"] > 0.0 and numbers["spread_sd"] > 0.0):
        raise EvidenceError(f"{place}: a calibrated trait has priors, another has none")
    return Trait(key, fields["unit"], **numbers, calibrated=calibrated,
                 provenance=parse_provenance(place, fields))  # fmt: skip


@lru_cache(maxsize=1)
def calibrated_traits() -> tuple[Trait, ...]:
    """Traits that published arms inform."""
    return tuple(trait for trait in load_traits() if trait.calibrated)


@lru_cache(maxsize=2)
def correlation_root(calibrated: bool = True) -> np.ndarray:
    """Lower root (trait, trait) of the correlations, of the calibrated or of all traits."""
    keys = [trait.key for trait in (calibrated_traits() if calibrated else load_traits())]
    matrix = np.eye(len(keys))
    for row in read_table("population/traits.toml")["correlation"]:
        fields = check_fields("correlation", row, _PROVENANCE | {"traits", "value"})
        parse_provenance("correlation", fields)
        one, other = (keys.index(key) for key in fields["traits"])
        matrix[one, other] = matrix[other, one] = fields["value"]
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        raise EvidenceError("the correlations of the traits contradict each other") from None


@lru_cache(maxsize=1)
def severity_numbers() -> Mapping[str, Quantity]:
    """Numbers of severity: ``gain`` and ``tolerance_limit``."""
    rows = read_table("population/traits.toml")["severity"]
    return {
        key: parse_quantity(
            f"severity {key}", {name: v for name, v in row.items() if name != "spread"}
        )
        for key, row in rows.items()
    }


def gain_spread() -> float:
    """Prior standard deviation [1] of the logarithm of the gain."""
    row = read_table("population/traits.toml")["severity"]["gain"]
    return number("severity gain", "spread", row["spread"])


@lru_cache(maxsize=1)
def effects() -> tuple[Effect, ...]:
    """List published effects that the covariates of a virtual person can show."""
    return tuple(effect for effect in load_effects() if effect.covariate in _PRESENT)


_PRESENT: Mapping[str, Any] = {
    "duration_over_6_months": lambda c: c.episode_days > convert(6.0, "month", "day"),
    "duration_over_24_months": lambda c: c.episode_days > convert(24.0, "month", "day"),
    "extent_s2_or_more": lambda c: c.extent >= 0.25,
    "extent_s4b_or_more": lambda c: c.extent >= 0.95,
    "several_patches": lambda c: c.patches >= 3,
    "nail_change": lambda c: c.nail_change,
    "family_history": lambda c: c.family_history,
    "recurrent": lambda c: c.recurrent,
    "childhood_onset": lambda c: c.onset_age_years < _CHILD,
    "late_onset": lambda c: c.onset_age_years >= _LATE,
}


def present(covariates: Covariates) -> Float[np.ndarray, "person effect"]:
    """Which effects apply to each person (person, effect), 0 or 1."""
    columns = [np.asarray(_PRESENT[effect.covariate](covariates), float) for effect in effects()]
    return np.stack(columns, axis=1)


@lru_cache(maxsize=1)
def usual() -> Float[np.ndarray, " effect"]:
    """Share of the usual patients of a trial to whom each effect applies."""
    return np.asarray(present(draw_covariates(20_000, 0, Setting("localized"))).mean(0))


def severity(
    population: Population, shown: Float[Array, "person effect"]
) -> Float[Array, " person"]:
    """Severity of people to whom these effects apply; 0 for the usual patient of a trial."""
    return -population.gain * ((shown - usual()) @ population.effect)


def least_tolerance_time(age: Float[np.ndarray, " person"]) -> Float[np.ndarray, " person"]:
    """Shortest time of tolerance [day] that leaves a patch of this age [day] bald."""
    limit = severity_numbers()["tolerance_limit"].value
    forget = load_parameters().value("immunity.forget_time", "day")
    return np.asarray(forget / limit * -np.expm1(-np.asarray(age) / forget))


def log_density(
    population: Population,
    log_traits: Float[Array, "person trait"],
    severities: Float[Array, " person"],
    least: Float[Array, " person"],
) -> Float[Array, " person"]:
    """Logarithm of the density of calibrated log traits in a population, patches' ages given.

    Parameters
    ----------
    population : the point.
    log_traits : (person, trait) in the order of `calibrated_traits`.
    severities : (person,), from `severity`.
    least : (person,) [day] from `least_tolerance_time`.
    """
    root = correlation_root()
    inverse = jnp.asarray(np.linalg.inv(root), log_traits.dtype)
    loading = jnp.asarray([trait.loading for trait in calibrated_traits()], log_traits.dtype)
    centre = population.median + severities[:, None] * loading
    scaled = (log_traits - centre) / population.spread
    z = scaled @ inverse.T
    density = -0.5 * jnp.sum(z * z, axis=1) - jnp.sum(jnp.log(population.spread))
    density -= np.sum(np.log(np.diag(root))) + 0.5 * np.log(2 * np.pi) * len(root)
    place = _tolerance_index()
    low = jnp.log(jnp.maximum(least, _LEAST_LEFT))
    left = norm.cdf(-(low - centre[:, place]) / population.spread[place])
    allowed = log_traits[:, place] >= low
    return jnp.where(allowed, density - jnp.log(jnp.maximum(left, _LEAST_LEFT)), -jnp.inf)


@lru_cache(maxsize=1)
def _tolerance_index() -> int:
    return [trait.key for trait in calibrated_traits()].index(_TOLERANCE)


def draw_traits(
    population: Population,
    severities: Float[np.ndarray, " person"],
    least: Float[np.ndarray, " person"],
    normals: Float[np.ndarray, "person trait"],
) -> dict[str, np.ndarray]:
    """All traits of people (person,) by key.

    Parameters
    ----------
    population : one point, or (person, ...) leaves for a point each.
    severities : (person,); least : (person,) [day] shortest time of tolerance.
    normals : (person, trait) standard normal, one column a trait of `load_traits`.
    """
    from scipy.stats import norm as normal

    traits = load_traits()
    many = len(calibrated_traits())
    shape = (len(severities), many)
    rest = traits[many:]
    median = np.concatenate(
        [np.broadcast_to(np.asarray(population.median), shape),
         np.broadcast_to(np.log([trait.median for trait in rest]), (shape[0], len(rest)))], axis=1
    )  # fmt: skip
    spread = np.concatenate(
        [np.broadcast_to(np.asarray(population.spread), shape),
         np.broadcast_to([trait.spread for trait in rest], (shape[0], len(rest)))], axis=1
    )  # fmt: skip
    centre = median + np.outer(severities, [trait.loading for trait in traits])
    z = _truncated(normals, centre, spread, least, normal)
    values = np.exp(centre + spread * z)
    return {trait.key: values[:, column] for column, trait in enumerate(traits)}


def _truncated(
    normals: np.ndarray, centre: np.ndarray, spread: np.ndarray, least: np.ndarray, normal: Any
) -> np.ndarray:
    """Correlated scores whose tolerance lies above its least; the rest follow it."""
    root = correlation_root(calibrated=False)
    place = _tolerance_index()
    score = normals @ root.T
    low = (np.log(np.maximum(least, _LEAST_LEFT)) - centre[:, place]) / spread[:, place]
    tail = np.maximum(normal.sf(low), _LEAST_LEFT)
    cut = normal.isf(normal.sf(score[:, place]) * tail)
    # What is correlated with it moves along by its regression on it.
    along = (root @ root.T)[place]
    return np.asarray(score + np.outer(cut - score[:, place], along))


def bounded(traits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Take whoever was drawn beyond a trait's limits as one at the limit."""
    limits = {trait.key: (trait.low, trait.high) for trait in load_traits()}
    return {key: np.clip(values, *limits[key]) for key, values in traits.items()}


def prior_population() -> Population:
    """Medians of the priors."""
    traits, gain = calibrated_traits(), severity_numbers()["gain"].value
    return Population(
        jnp.log(jnp.asarray([trait.median for trait in traits])),
        jnp.asarray([trait.spread for trait in traits]),
        jnp.asarray([effect.mean for effect in effects()]),
        jnp.asarray(gain),
    )
