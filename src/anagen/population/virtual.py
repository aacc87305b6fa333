"""Virtual people with the traits of the calibrated population."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from anagen.population.covariates import Covariates
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.streams import stream_key, uniforms
from anagen.population.variability import (
    Population,
    bounded,
    draw_traits,
    least_tolerance_time,
    load_traits,
    present,
    usual,
)

_PURPOSE = 4  # of the random numbers; others of the room use 1 to 3

Traits = Callable[[Covariates, int, int], Mapping[str, NDArray[np.float64]]]


def traits_of(posterior: Posterior | None = None) -> Traits:
    """Make a function that draws the traits of people from a calibrated population.

    Every person belongs to a draw of the posterior of their own, so that people together show both
    how they differ and what calibration leaves open.

    Parameters
    ----------
    posterior : the package's own when None.

    Returns
    -------
    callable
        From (covariates, seed, first) to traits (person,) by key, in the units of `trait_units`;
        the same for a person however people are chunked.
    """
    chosen = posterior or load_posterior()

    def draw(covariates: Covariates, seed: int, first: int) -> Mapping[str, NDArray[np.float64]]:
        from scipy.special import ndtri

        person = np.arange(first, first + len(covariates), dtype=np.uint64)
        traits = load_traits()
        random = uniforms(stream_key(seed, _PURPOSE), person, 0, len(traits) + 1)
        number = (random[:, -1] * len(chosen)).astype(int)
        own = Population(
            chosen.draws["median"][number],
            np.exp(chosen.draws["log_spread"][number]),
            chosen.draws["effect"][number],
            np.exp(chosen.draws["log_gain"][number]),
        )
        shown = present(covariates)
        severities = -np.asarray(own.gain) * ((shown - usual()) * own.effect).sum(1)
        least = least_tolerance_time(covariates.episode_days)
        tiny = np.finfo(float).eps
        normals = ndtri(np.clip(random[:, :-1], tiny, 1.0 - tiny))
        return bounded(draw_traits(own, severities, least, normals))

    return draw


def trait_units() -> dict[str, str]:
    """Give the unit of every trait, by key."""
    return {trait.key: trait.unit for trait in load_traits()}
