"""Does calibration find what made the data? Figures of a known population, fitted blind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from anagen.population.fit_data import (
    FitData,
    harm_targets,
    natural_targets,
    on_logit,
)
from anagen.population.model import (
    SLOPE,
    Figures,
    answers,
    atrophy_share,
    case_mean,
    logit,
    model,
    scale_of,
)
from anagen.population.variability import Population

RECOVERED = ("median", "log_spread", "tau", "definition_sd", "meaning", "atrophy_half",
             "log_atrophy_width", "log_any_odds")  # fmt: skip
"""Sites whose truth is compared with its interval; severity is scaled by no data and left out."""


@dataclass(frozen=True)
class Replicate:
    """One simulated set of figures and what calibration made of it.

    Parameters
    ----------
    truth : by site, the value that made the figures.
    low, high : by site, the 90 % interval.
    """

    truth: Mapping[str, np.ndarray]
    low: Mapping[str, np.ndarray]
    high: Mapping[str, np.ndarray]

    def inside(self) -> np.ndarray:
        """Tell of every number of `RECOVERED`, in order, whether its interval holds the truth."""
        each = [
            np.ravel((self.low[name] <= self.truth[name]) & (self.truth[name] <= self.high[name]))
            for name in RECOVERED
        ]
        return np.concatenate(each)


def recover(
    data: FitData, seeds: Iterator[int], *, warmup: int = 300, draws: int = 300
) -> Iterator[Replicate]:
    """Simulate figures from the prior, fit them, and compare; one replicate for each seed.

    Parameters
    ----------
    data : people and arms; the published figures are not used.
    seeds : of the replicates.
    warmup, draws : of the one chain of each.
    """
    from numpyro.infer import MCMC, NUTS, init_to_median

    def fitted(figures: Figures) -> None:
        model(data, figures, tied=False)

    kernel = NUTS(fitted, init_strategy=init_to_median(num_samples=5), max_tree_depth=5)
    # Figures as arguments, so that all replicates share one compilation.
    sampler = MCMC(kernel, num_warmup=warmup, num_samples=draws, progress_bar=False,
                   jit_model_args=True)  # fmt: skip
    for seed in seeds:
        truth = draw_truth(seed, data)
        figures = Figures(*map(jnp.asarray, simulate_figures(data, truth, seed)))
        sampler.run(jax.random.key(seed), figures)
        found = {name: np.asarray(value) for name, value in sampler.get_samples().items()}
        ends = {name: np.quantile(found[name], (0.05, 0.95), axis=0) for name in RECOVERED}
        yield Replicate(
            truth,
            {name: both[0] for name, both in ends.items()},
            {name: both[1] for name, both in ends.items()},
        )


def draw_truth(seed: int, data: FitData) -> dict[str, np.ndarray]:
    """Draw every site of the model from its prior."""
    from numpyro.handlers import seed as seeded
    from numpyro.handlers import trace

    quiet = partial(model, data, tied=False)
    sites = trace(seeded(quiet, seed)).get_trace()
    return {
        name: np.asarray(site["value"])
        for name, site in sites.items()
        if site["type"] == "sample" and not site.get("is_observed")
    }


def simulate_figures(data: FitData, truth: Mapping[str, Any], seed: int) -> Figures:
    """Figures that studies of the published sizes would find in a known population."""
    random = np.random.default_rng(seed)
    population = Population(
        jnp.asarray(truth["median"]),
        jnp.exp(truth["log_spread"]),
        jnp.asarray(truth["effect"]),
        jnp.exp(truth["log_gain"]),
    )
    found = answers(population, data)
    blur = np.zeros(len(data.cases))
    blur[data.vague] = truth["blur"]
    arms = []
    for number, case in enumerate(data.cases):
        mean = case_mean(case, number, found.means, truth["meaning"])
        shift = truth["tau"] * truth["study"][data.study[number]]
        shift += truth["definition_sd"] * blur[number] * case.unclear
        error = case.standard_error or 0.0
        if case.likelihood == "log_odds_ratio":
            other = case_mean(case, number, found.means, truth["meaning"], against=True)
            arms.append(random.normal(float(logit(mean) - logit(other)), error))
        elif case.likelihood == "binomial":
            arms.append(random.binomial(case.total or 1, _share(float(logit(mean)) + shift)))
        elif on_logit(case):
            arms.append(random.normal(float(logit(mean)) + shift, error))
        else:
            arms.append(random.normal(float(mean) + SLOPE * scale_of(case) * shift, error))
    natural = []
    for target in natural_targets():
        shift = truth["definition_sd"] * target.unclear * truth["natural_blur"]
        share = _share(float(logit(found.means[target.key])) + shift)
        natural.append(random.binomial(int(target.people), share))
    harms = []
    for harm in harm_targets():
        share = atrophy_share(data, found, harm.strengths, truth["atrophy_half"],
                              np.exp(truth["log_atrophy_width"]))  # fmt: skip
        extra = truth["log_any_odds"] if harm.effect == "any" else 0.0
        harms.append(random.normal(float(logit(share)) + extra, harm.logit_sd))
    return Figures(*(np.asarray(part, float) for part in (arms, natural, harms)))


def _share(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-log_odds)))
