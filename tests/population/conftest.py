"""What tests of the population share."""

import numpy as np
import pytest

from anagen.population.fit_data import LOSS_WEEKS, WORDS, fit_priors
from anagen.population.posterior import Posterior
from anagen.population.relapse import prior_median
from anagen.population.variability import calibrated_traits, effects, severity_numbers

DRAWS = 24


@pytest.fixture(scope="session")
def prior_posterior() -> Posterior:
    """Draws close to the medians of the priors, so that tests do not hang on a calibration."""
    random = np.random.default_rng(20261123)
    traits, priors, relapse = calibrated_traits(), fit_priors(), prior_median()

    def around(centre: object, spread: float = 0.05) -> np.ndarray:
        middle = np.asarray(centre, float)
        return middle + spread * random.normal(size=(DRAWS, *middle.shape))

    draws = {
        "median": around(np.log([trait.median for trait in traits])),
        "log_spread": around(np.log([trait.spread for trait in traits])),
        "effect": around([effect.mean for effect in effects()]),
        "log_gain": around(np.log(severity_numbers()["gain"].value)),
        "tau": np.abs(around(priors["heterogeneity"].value)),
        "definition_sd": np.abs(around(priors["definition"].value)),
        "meaning": around(np.zeros(len(WORDS))),
        "atrophy_half": around(priors["atrophy_half"].value, 0.01),
        "log_atrophy_width": around(np.log(priors["atrophy_width"].value)),
        "log_any_odds": around(np.log(priors["any_odds"].value)),
        **{f"relapse_{name}": np.repeat(np.asarray(leaf, float)[None], DRAWS, 0)
           for name, leaf in relapse._asdict().items()},
    }  # fmt: skip
    about = {"version": "prior", "seed": 0, "command": "test", "arms": [],
             "early_loss": [0.01 * number for number in range(len(LOSS_WEEKS))]}  # fmt: skip
    return Posterior(draws, about)
