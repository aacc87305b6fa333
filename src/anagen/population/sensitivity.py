"""Which traits decide, by Sobol's shares of the variance, and what calibration learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anagen.population.cohort import NATURAL, Regimen, follow_people, new_patches
from anagen.population.endpoints import regrowth
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.variability import bounded, calibrated_traits, load_traits

_EDGE = 1e-6
_AGE = 90.0  # day; a patch of three months
_DIAMETER = 30.0  # mm
_TREATED = Regimen(5.0, 4.0, 3)


@dataclass(frozen=True)
class Sensitivity:
    """Shares of the variance of one outcome between people.

    Parameters
    ----------
    outcome : in words.
    first, total : (trait,) first-order and total-order index by trait key [1].
    first_error, total_error : half widths of their 95 % intervals [1].
    """

    outcome: str
    first: Mapping[str, float]
    total: Mapping[str, float]
    first_error: Mapping[str, float]
    total_error: Mapping[str, float]


@dataclass(frozen=True)
class Learnt:
    """What calibration learnt of one number.

    Parameters
    ----------
    name : of the number.
    prior : (low, median, high) of the 90 % prior interval; posterior : likewise.
    contraction : 1 - posterior variance / prior variance, of the logarithm where the prior is of
        the logarithm; near zero the data do not identify the number.
    """

    name: str
    prior: tuple[float, float, float]
    posterior: tuple[float, float, float]
    contraction: float


def sobol(base: int = 256, seed: int = 0, posterior: Posterior | None = None) -> list[Sensitivity]:
    """Sobol indices of the traits for several outcomes of a typical patch of 3 cm.

    Traits vary as between people of the posterior's mean, taken as independent, which Sobol's
    indices need; correlations are left out.

    Parameters
    ----------
    base : number of base samples, a power of two; base (2 traits + 2) people are followed.
    seed : of the samples and of the intervals.
    posterior : the package's own when None.

    References
    ----------
    Saltelli A et al. 2010, Comput Phys Commun 181:259 (estimators, as SALib has them).
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sample
    from scipy.special import ndtri

    chosen = posterior or load_posterior()
    traits = load_traits()
    keys = [trait.key for trait in traits]
    problem = {"num_vars": len(keys), "names": keys, "bounds": [[0.0, 1.0]] * len(keys)}
    unit = sample.sample(problem, base, calc_second_order=False, seed=seed)
    scores = ndtri(np.clip(unit, _EDGE, 1.0 - _EDGE))
    median, spread = _middle(chosen)
    values = np.exp(median + spread * scores)
    people = new_patches(
        bounded({key: values[:, column] for column, key in enumerate(keys)}),
        np.full(len(values), _DIAMETER),
        np.full(len(values), _AGE),
    )
    found = []
    treated, natural = follow_people(people, _TREATED, 52), follow_people(people, NATURAL, 52)
    for name, numbers in _outcomes(treated, natural).items():
        filled = np.where(np.isfinite(numbers), numbers, np.nanmean(numbers))
        indices = analysis.analyze(problem, filled, calc_second_order=False, seed=seed)
        by_key = {
            part: dict(zip(keys, map(float, indices[part]), strict=True))
            for part in ("S1", "ST", "S1_conf", "ST_conf")
        }
        found.append(Sensitivity(name, *(by_key[k] for k in ("S1", "ST", "S1_conf", "ST_conf"))))
    return found


def _middle(posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Mean log median and spread of every trait (trait,)."""
    rest = load_traits()[len(calibrated_traits()) :]
    median = np.concatenate([posterior.draws["median"].mean(0), np.log([t.median for t in rest])])
    spread = np.concatenate(
        [np.exp(posterior.draws["log_spread"]).mean(0), [t.spread for t in rest]]
    )
    return median, spread


def _outcomes(treated: Outcome, natural: Outcome) -> dict[str, np.ndarray]:
    back, alone = regrowth(treated), regrowth(natural)
    return {
        "regrowth at week 12, three sessions of 5 mg/mL": back[:, 12],
        "regrowth at week 24, the same": back[:, 24],
        "regrowth at week 52, the same": back[:, 52],
        "regrowth at week 52, untreated": alone[:, 52],
        "greatest thinning, three sessions of 5 mg/mL": 1.0 - treated.thinnest.min(1),
    }


def learnt(posterior: Posterior | None = None) -> list[Learnt]:
    """Prior against posterior of every median and spread of the calibrated traits."""
    chosen = posterior or load_posterior()
    rows = []
    for column, trait in enumerate(calibrated_traits()):
        parts: Sequence[tuple[str, np.ndarray, float, float]] = (
            ("median", chosen.draws["median"][:, column], trait.median, trait.median_sd),
            ("spread", chosen.draws["log_spread"][:, column], trait.spread, trait.spread_sd),
        )
        for what, draws, centre, width in parts:
            rows.append(_learnt(f"{what} of {trait.key}", draws, centre, width))
    return rows


def _learnt(name: str, draws: np.ndarray, centre: float, width: float) -> Learnt:
    tail = 1.6449 * width  # 90 %
    prior = tuple(float(centre * np.exp(shift)) for shift in (-tail, 0.0, tail))
    after = tuple(float(value) for value in np.exp(np.quantile(draws, (0.05, 0.5, 0.95))))
    contraction = float(1.0 - draws.var() / width**2)
    return Learnt(name, prior, after, contraction)  # type: ignore[arg-type]
