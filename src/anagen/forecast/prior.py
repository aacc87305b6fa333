r"""What is unknown about one patient before any visit: the population of people like this one.

Unknown are the logarithms of the person's traits, shared by all patches, and how much harder or
easier than its owner each patch is:

.. math:: \ln \phi_{patch} = \ln \phi_{person} + \lambda u_{patch},\quad u \sim N(0, \sigma)

with the loadings of severity. The prior of the traits is the calibrated population at the patient's
covariates, averaged over the draws of its posterior; a covariate that is not recorded counts as in
the usual patient. A patch that is still bald shows that it has not yet won enough tolerance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anagen.evidence.rows import Quantity, parse_quantity, read_table
from anagen.population.posterior import Posterior
from anagen.population.variability import (
    calibrated_traits,
    correlation_root,
    least_tolerance_time,
    load_traits,
    usual,
)

Values = NDArray[np.float64]

DRAWS = 64  # of the calibrated population
_TINY = 1e-12


@lru_cache(maxsize=1)
def forecast_numbers() -> Mapping[str, Quantity]:
    """Numbers of the forecast that belong to no person."""
    rows = read_table("forecast/person.toml")["number"]
    return {key: parse_quantity(f"forecast {key}", row) for key, row in rows.items()}


@dataclass(frozen=True)
class Prior:
    """Prior of one patient's latent numbers.

    Parameters
    ----------
    centre : (draw, trait) mean of the log traits; spread : (draw, trait).
    root : (trait, trait) lower root of their correlations.
    patches : number of deviations of patches, one a patch that is told apart from the others.
    deviation : [1] standard deviation of a patch's severity.
    least : (patch,) [day] shortest time of tolerance of each patch, 0 where nothing is known.
    draws : (draw,) numbers of the posterior's draws.
    """

    centre: Values
    spread: Values
    root: Values
    patches: int
    deviation: float
    least: Values
    draws: tuple[int, ...]

    @property
    def traits(self) -> int:
        """Number of traits."""
        return int(self.centre.shape[1])

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.traits + self.patches


def make_prior(
    posterior: Posterior, shown: Values, known: NDArray[np.bool_], ages: Values
) -> Prior:
    """Prior of a patient.

    Parameters
    ----------
    posterior : of the population.
    shown : (effect,) whether each published effect applies, 0 or 1; known : (effect,) whether it is
        recorded.
    ages : (patch,) [day] of the patches that are bald, 0 for those that are not.
    """
    draws = posterior.points(DRAWS)
    d = {name: posterior.draws[name][list(draws)] for name in
         ("median", "log_spread", "effect", "log_gain")}  # fmt: skip
    present = np.where(known, shown, usual())
    severity = -np.exp(d["log_gain"]) * (d["effect"] @ (present - usual()))
    rest = load_traits()[len(calibrated_traits()) :]
    loading = np.array([trait.loading for trait in load_traits()])

    def whole(calibrated: Values, others: list[float]) -> Values:
        return np.concatenate(
            [calibrated, np.broadcast_to(others, (len(draws), len(others)))], axis=1
        )

    centre = whole(d["median"], [float(np.log(trait.median)) for trait in rest])
    spread = whole(np.exp(d["log_spread"]), [trait.spread for trait in rest])
    return Prior(
        centre + np.outer(severity, loading),
        spread,
        correlation_root(calibrated=False),
        len(ages),
        forecast_numbers()["patch_deviation"].value,
        least_tolerance_time(np.asarray(ages, float)),
        draws,
    )


def loadings() -> Values:
    """Take the loadings (trait,) of a patch's severity on the log traits."""
    return np.array([trait.loading for trait in load_traits()])


def draw(prior: Prior, uniforms: Values) -> tuple[Values, Values]:
    """Draw people and the logarithm of the density they are drawn from.

    Tolerance is drawn from what the patches' ages leave.

    Parameters
    ----------
    uniforms : (person, unknown) between 0 and 1.

    Returns
    -------
    (person, unknown), (person,)
    """
    from scipy.special import ndtr, ndtri

    normals = ndtri(np.clip(uniforms, _TINY, 1.0 - 1e-12))
    n = len(normals)
    number = np.arange(n) % len(prior.draws)
    centre, spread = prior.centre[number], prior.spread[number]
    patch = prior.deviation * normals[:, prior.traits :]
    place = _tolerance()
    low = (_log_least(prior, patch) - centre[:, place]) / spread[:, place]
    tail = np.maximum(ndtr(-low), _TINY)
    score = normals[:, : prior.traits] @ prior.root.T
    cut = -ndtri(np.clip(ndtr(-score[:, place]) * tail, _TINY, 1.0 - 1e-12))
    along = (prior.root @ prior.root.T)[place]
    score = score + np.outer(cut - score[:, place], along)
    x = np.concatenate([centre + spread * score, patch], axis=1)
    return x, log_proposal(prior, x)


def log_prior(prior: Prior, x: Values) -> tuple[Values, Values]:
    """Logarithm of the prior density of people, and of each draw's share in it.

    Parameters
    ----------
    x : (person, unknown).

    Returns
    -------
    (person,)
        But for the powers of 2 pi of a normal density and the share of people whose patches lasted;
        minus infinity where a patch would have healed before it was seen.
    (person, draw)
        Logarithm of the density under each draw of the population.
    """
    each = _log_traits(prior, x)
    patch = x[:, prior.traits :]
    own = _log_patches(prior, patch)
    possible = x[:, _tolerance()] >= _log_least(prior, patch) - 1e-9
    total = np.logaddexp.reduce(each, axis=1) - np.log(len(prior.draws)) + own
    return np.where(possible, total, -np.inf), each


def log_proposal(prior: Prior, x: Values) -> Values:
    """Logarithm of the density (person,) that `draw` draws from, in the units of `log_prior`."""
    from scipy.special import log_ndtr

    each = _log_traits(prior, x)
    patch = x[:, prior.traits :]
    own = _log_patches(prior, patch)
    place = _tolerance()
    least = _log_least(prior, patch)[:, None]
    tail = log_ndtr((prior.centre[None, :, place] - least) / prior.spread[None, :, place])
    total = np.logaddexp.reduce(each - np.maximum(tail, np.log(_TINY)), axis=1)
    inside = x[:, place] >= least[:, 0] - 1e-9
    return np.where(inside, total - np.log(len(prior.draws)) + own, -np.inf)


def _log_traits(prior: Prior, x: Values) -> Values:
    """Log density (person, draw) of the traits, up to a constant."""
    # One product for all draws, which is much quicker than one for each.
    each = np.linalg.inv(prior.root).T / prior.spread[:, :, None]
    middle = np.einsum("dt,dts->ds", prior.centre, each)
    z = x[:, : prior.traits] @ np.moveaxis(each, 0, 1).reshape(prior.traits, -1)
    z = z.reshape(len(x), *middle.shape) - middle
    scale = np.log(prior.spread).sum(1) + np.log(np.diag(prior.root)).sum()
    return np.asarray(-0.5 * np.einsum("ndt,ndt->nd", z, z) - scale)


def _log_patches(prior: Prior, patch: Values) -> Values:
    """Log density (person,) of the deviations of the patches, but for powers of 2 pi."""
    square = np.sum((patch / prior.deviation) ** 2, axis=1)
    return np.asarray(-0.5 * square - patch.shape[1] * np.log(prior.deviation))


def _log_least(prior: Prior, patch: Values) -> Values:
    """Logarithm (person,) of the shortest time of tolerance that all patches allow."""
    if not prior.patches:
        return np.full(len(patch), np.log(_TINY))
    loading = loadings()[_tolerance()]
    low = np.log(np.maximum(prior.least, _TINY)) - loading * patch
    return np.asarray(low.max(1))


@lru_cache(maxsize=1)
def _tolerance() -> int:
    return [trait.key for trait in load_traits()].index("immunity.tolerance_time")
