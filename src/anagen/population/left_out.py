"""Leave one study out: what a calibration without a study would have predicted for it.

Draws of the full posterior are weighed with one over the likelihood of the study's own figures, its
random effects integrated out, and with that likelihood's few largest weights truncated at
sqrt(S) times their mean. The effective number of draws says how far the weights can be trusted.

References
----------
Gelfand AE, Dey DK, Chang H 1992 (importance sampling of the case-deleted posterior);
Ionides EL 2008, J Comput Graph Stat 17:295 (truncation).
"""

from typing import Any

import numpy as np

from anagen.population.conditions import ArmCase
from anagen.population.fit_data import FitData, on_logit
from anagen.population.model import SLOPE, case_mean, published, scale_of
from anagen.population.posterior import Posterior
from anagen.population.predict import LEVELS, Asked, predict_case, weigh

_EFFECTS = 400  # random effects over which a study's likelihood is averaged
_EDGE = 1e-4


def leave_out(data: FitData, posterior: Posterior, seed: int) -> list[dict[str, Any]]:
    """Predict the arms of every study as if the study had not been there.

    Parameters
    ----------
    data : people followed, and the arms.
    posterior : calibrated to all of them.
    seed : of the random effects and of the predictions.

    Returns
    -------
    list of dict
        ``case`` (what tells the row from all others), ``unit``, ``published``, ``predicted``, the
        ends of the predictive intervals, and ``effective`` draws behind them.
    """
    asked = weigh(data, posterior, len(posterior))
    rows = []
    for number in range(len(data.studies)):
        weight = deleted_weights(log_likelihood(number, data, asked, posterior, seed))
        chosen = _resampled(weight, seed)
        alone = Asked(asked.keys, asked.means[chosen], asked.effective[chosen],
                      tuple(np.array(asked.draws)[chosen]), data)  # fmt: skip
        for place in np.flatnonzero(data.study == number):
            found = predict_case(int(place), alone, posterior, seed)
            rows.append(
                {"case": case_name(found.case), "unit": found.unit, "published": found.published,
                 "predicted": found.predicted, "effective": float(1.0 / np.sum(weight**2)),
                 **{f"low_{level}": found.low[level] for level in LEVELS},
                 **{f"high_{level}": found.high[level] for level in LEVELS}}
            )  # fmt: skip
    return rows


def case_name(case: ArmCase) -> list[str]:
    """List what tells a published row from all others."""
    arm = case.arm
    return [arm.study_id, arm.arm, arm.endpoint, str(arm.time_weeks), arm.outcome_definition]


def deleted_weights(log_likelihood: np.ndarray) -> np.ndarray:
    """Weights (draw,) that take a study out of the posterior, truncated, summing to one."""
    raw = np.exp(log_likelihood.min() - log_likelihood)
    kept = np.minimum(raw, raw.mean() * np.sqrt(len(raw)))
    return np.asarray(kept / kept.sum())


def log_likelihood(
    study: int, data: FitData, asked: Asked, posterior: Posterior, seed: int
) -> np.ndarray:
    """Log likelihood (draw,) of a study's figures, its random effects integrated out."""
    random = np.random.default_rng([seed, study])
    draws = np.array(asked.draws)
    tau = posterior.draws["tau"][draws][:, None]
    definition = posterior.draws["definition_sd"][draws][:, None]
    meaning = posterior.draws["meaning"][draws].T
    effect = random.normal(size=(1, _EFFECTS))
    figures = published(data).arms
    means = {key: asked.means[:, column] for column, key in enumerate(asked.keys)}
    total = np.zeros((len(draws), _EFFECTS))
    for number in np.flatnonzero(data.study == study):
        case = data.cases[number]
        mean = np.asarray(case_mean(case, int(number), means, meaning))[:, None]
        shift = tau * effect + definition * case.unclear * random.normal(size=(1, _EFFECTS))
        if case.likelihood == "log_odds_ratio":
            other = np.asarray(case_mean(case, int(number), means, meaning, against=True))[:, None]
            total += _normal(figures[number], _logit(mean) - _logit(other), case)
        elif case.likelihood == "binomial":
            total += _binomial(figures[number], case.total or 1, _logit(mean) + shift)
        elif on_logit(case):
            total += _normal(figures[number], _logit(mean) + shift, case)
        else:
            total += _normal(figures[number], mean + SLOPE * scale_of(case) * shift, case)
    top = total.max(1, keepdims=True)
    return np.asarray((top + np.log(np.exp(total - top).mean(1, keepdims=True)))[:, 0])


def _normal(figure: float, centre: np.ndarray, case: ArmCase) -> np.ndarray:
    error = case.standard_error or 1.0
    return np.asarray(-0.5 * ((figure - centre) / error) ** 2)


def _binomial(count: float, total: int, log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(count * log_odds - total * np.logaddexp(0.0, log_odds))


def _logit(share: np.ndarray) -> np.ndarray:
    inside = np.clip(share, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(inside / (1.0 - inside)))


def _resampled(weight: np.ndarray, seed: int) -> np.ndarray:
    """Numbers of draws (draw,) by systematic resampling."""
    random = np.random.default_rng(seed)
    place = (np.arange(len(weight)) + random.uniform()) / len(weight)
    return np.minimum(np.searchsorted(np.cumsum(weight), place), len(weight) - 1)
