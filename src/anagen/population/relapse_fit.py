"""Fit of the relapse model by itself, and how its predictions stand against what is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from anagen.population.relapse import (
    Relapse,
    load_relapse_targets,
    log_likelihood,
    relapse_prior,
    target_shares,
    target_weights,
)
from anagen.population.relapse_targets import RelapseTarget

_SITES = ("h0", "kappa", "log_hazard_ratios", "study_precision")
_LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)


@dataclass(frozen=True)
class RelapsePrediction:
    """A published figure and what the model predicts for a study of that size.

    Parameters
    ----------
    target : the published figure.
    quantiles : (5,) [%] predictive 2.5, 25, 50, 75 and 97.5 %.
    """

    target: RelapseTarget
    quantiles: tuple[float, ...]

    @property
    def inside_50(self) -> bool:
        """Whether the published figure lies in the 50 % predictive interval."""
        return self.quantiles[1] <= self.target.percent <= self.quantiles[3]

    @property
    def inside_95(self) -> bool:
        """Whether the published figure lies in the 95 % predictive interval."""
        return self.quantiles[0] <= self.target.percent <= self.quantiles[4]


@dataclass(frozen=True)
class RelapseFit:
    """Posterior draws of the relapse model.

    Parameters
    ----------
    draws : (chain, draw, ...) of each site, see `Relapse`.
    r_hat, effective : split R-hat and effective sample size by site, worst element of a vector.
    divergences : transitions that diverged.
    predictions : every target, fitted or shown.
    """

    draws: Mapping[str, np.ndarray]
    r_hat: Mapping[str, float]
    effective: Mapping[str, float]
    divergences: int
    predictions: tuple[RelapsePrediction, ...]

    @property
    def relapse(self) -> Relapse:
        """All draws of all chains in one leading axis."""
        flat = {name: self.draws[name].reshape(-1, *self.draws[name].shape[2:]) for name in _SITES}
        return Relapse(**{name: jax.numpy.asarray(flat[name]) for name in _SITES})


def fit_relapse(
    seed: int,
    draws: int = 1000,
    *,
    targets: Sequence[RelapseTarget] | None = None,
    early_loss: ArrayLike = 0.0,
    chains: int = 4,
) -> RelapseFit:
    """Fit the relapse model to the published figures by NUTS, chains one after the other.

    Parameters
    ----------
    seed : of the sampler and of the predictions; the same seed gives the same draws.
    draws : of each chain after as many of warm-up.
    targets : figures; those of the package by default. Only ``use = "fit"`` is fitted.
    early_loss : [1] see `anagen.population.relapse.target_shares`; of the fitted targets.
    chains : number of chains.

    Returns
    -------
    RelapseFit

    Examples
    --------
    >>> fit = fit_relapse(0, draws=5, chains=1)
    >>> fit.draws["h0"].shape
    (1, 5)
    """
    import numpyro
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
    from numpyro.infer import MCMC, NUTS

    every = load_relapse_targets() if targets is None else tuple(targets)
    fitted = tuple(target for target in every if target.use == "fit")

    def model() -> None:
        relapse = relapse_prior()
        numpyro.factor("relapse", log_likelihood(relapse, fitted, early_loss).sum())

    kernel = NUTS(model, target_accept_prob=0.9)
    sampler = MCMC(
        kernel,
        num_warmup=draws,
        num_samples=draws,
        num_chains=chains,
        chain_method="sequential",
        progress_bar=False,
    )
    sampler.run(jax.random.key(seed), extra_fields=("diverging",))
    found: dict[str, Any] = sampler.get_samples(group_by_chain=True)
    samples = {name: np.asarray(found[f"relapse_{name}"]) for name in _SITES}
    fit = RelapseFit(
        draws=samples,
        r_hat={name: float(np.max(split_gelman_rubin(samples[name]))) for name in _SITES},
        effective={name: float(np.min(effective_sample_size(samples[name]))) for name in _SITES},
        divergences=int(np.sum(sampler.get_extra_fields()["diverging"])),
        predictions=(),
    )
    outlook = predict_targets(fit.relapse, every, seed=seed)
    return RelapseFit(fit.draws, fit.r_hat, fit.effective, fit.divergences, outlook)


def predict_targets(
    relapse: Relapse,
    targets: Sequence[RelapseTarget],
    early_loss: ArrayLike = 0.0,
    *,
    seed: int = 0,
) -> tuple[RelapsePrediction, ...]:
    """Predict what a study of each target's size would report.

    Parameters
    ----------
    relapse : draws of the hazard, one leading axis.
    targets : published figures.
    early_loss : [1] see `anagen.population.relapse.target_shares`.
    seed : of the studies drawn.

    Returns
    -------
    tuple of RelapsePrediction
        In the order of the targets; scatter between studies and sampling of people included.

    Examples
    --------
    >>> from anagen.population.relapse import prior_median
    >>> draws = jax.tree.map(lambda leaf: leaf[None], prior_median())
    >>> len(predict_targets(draws, load_relapse_targets()[:2]))
    2
    """
    random = np.random.default_rng(seed)
    shares = np.asarray(_shares_of_draws(relapse, tuple(targets), early_loss), dtype=float)
    precision = np.asarray(relapse.study_precision, dtype=float)
    node = random.choice(len(target_weights()), size=len(precision), p=target_weights())
    predictions = []
    for row, target in enumerate(targets):
        share = shares[np.arange(len(precision)), row, node]
        own = random.beta(share * precision, (1.0 - share) * precision)
        size = max(1, round(target.people))
        percent = 100.0 * random.binomial(size, own) / size
        quantiles = tuple(float(value) for value in np.quantile(percent, _LEVELS))
        predictions.append(RelapsePrediction(target, quantiles))
    return tuple(predictions)


def _shares_of_draws(
    relapse: Relapse, targets: tuple[RelapseTarget, ...], early_loss: ArrayLike
) -> Float[Array, "draw target node"]:
    return jax.vmap(lambda one: target_shares(one, targets, early_loss))(relapse)
