"""What the calibrated population predicts for a published arm, and for any question like it.

People are drawn around the posterior and weighed for each of its draws, so that the doubt about the
population is in every answer. The predictive interval of an arm adds what another study would
differ by, what an unclear definition may mean, and the chance of a study of that size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from anagen.population.bank import (
    Group,
    People,
    Row,
    draw_people,
    fill_group,
    proposals,
)
from anagen.population.conditions import ArmCase
from anagen.population.fit_data import (
    FitData,
    case_key,
    case_rows,
    on_logit,
    setting_name,
)
from anagen.population.model import SLOPE, answers, case_mean, scale_of
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.variability import Population

Report = Callable[[str], None]

PEOPLE = 2048
DRAWS = 200
LEVELS = (50, 90, 95)
_POINTS = 12
_WIDEN = 1.15
_REPEATS = 20  # studies simulated for each draw
_FEW = 100.0  # effective people below which an answer is called rough
_EDGE = 1e-4


@dataclass(frozen=True)
class Prediction:
    """What the model predicts for a published arm.

    Parameters
    ----------
    case : the arm in terms of the model.
    unit : ``%``, ``week``, ``session`` or ``1`` (an odds ratio), of all numbers here.
    published : the figure; predicted : median of what a study of that size would find.
    low, high : predictive interval by level, 50, 90 and 95 %.
    expected_low, expected_high : 95 % interval of the mean of all patients like these, without
        the differences between studies and the chance of a small one.
    effective : fewest people behind any draw's answer.
    """

    case: ArmCase
    unit: str
    published: float
    predicted: float
    low: dict[int, float]
    high: dict[int, float]
    expected_low: float
    expected_high: float
    effective: float

    def inside(self, level: int) -> bool:
        """Whether the published figure lies inside the predictive interval of a level [%]."""
        return self.low[level] <= self.published <= self.high[level]

    @property
    def rough(self) -> bool:
        """Whether few people stand behind the answer."""
        return self.effective < _FEW


@dataclass(frozen=True)
class Asked:
    """Answers of the population to rows.

    Parameters
    ----------
    keys : (row,) names.
    means : (draw, row) mean of each row.
    effective : (draw, row) effective people behind it.
    draws : (draw,) numbers of the posterior's draws.
    data : people and their answers.
    """

    keys: tuple[str, ...]
    means: np.ndarray
    effective: np.ndarray
    draws: tuple[int, ...]
    data: FitData

    def of(self, key: str) -> np.ndarray:
        """Means (draw,) of one row."""
        return np.asarray(self.means[:, self.keys.index(key)])


def ask(
    rows: Sequence[Row],
    posterior: Posterior | None = None,
    *,
    people: int = PEOPLE,
    draws: int = DRAWS,
    seed: int = 0,
    report: Report | None = None,
    cases: Sequence[ArmCase] = (),
) -> Asked:
    """Ask the population: the mean of every row, for many draws of the posterior.

    Parameters
    ----------
    rows : of any settings.
    posterior : the package's own when None.
    people : of each setting; draws : of the posterior; seed : of the people.
    report : told what is being simulated.
    cases : published arms that rows belong to.
    """
    posterior = posterior or load_posterior()
    _, groups = follow_rows(rows, posterior, people=people, seed=seed, report=report)
    return weigh(FitData.of(cases, groups), posterior, draws)


def follow_rows(
    rows: Sequence[Row],
    posterior: Posterior,
    *,
    people: int,
    seed: int,
    report: Report | None,
) -> tuple[dict[str, People], dict[str, Group]]:
    """Draw people around the posterior and follow them as rows ask; both by setting."""
    points = [single(posterior.population(draw)) for draw in posterior.points(_POINTS)]
    proposal = proposals(points, _WIDEN)
    by_setting: dict[str, list[Row]] = {}
    for row in rows:
        by_setting.setdefault(setting_name(row.setting), []).append(row)
    who = {
        name: draw_people(people, seed, mine[0].setting, proposal)
        for name, mine in by_setting.items()
    }
    groups = {name: fill_group(mine, who[name], report=report) for name, mine in by_setting.items()}
    return who, groups


def weigh(data: FitData, posterior: Posterior, draws: int = DRAWS) -> Asked:
    """Mean of every row for many draws of a posterior, from people that were followed already."""
    keys = tuple(data.row)
    chosen = posterior.points(draws)

    @jax.jit
    def each(population: Population) -> tuple[Any, Any]:
        found = answers(population, data)
        heavy = {name: 1.0 / jnp.sum(w * w) for name, w in found.weight.items()}
        return (jnp.stack([found.means[key] for key in keys]),
                jnp.stack([heavy[data.row[key][0]] for key in keys]))  # fmt: skip

    rows_of = [each(single(posterior.population(draw))) for draw in chosen]
    means, effective = (np.stack([np.asarray(part[k]) for part in rows_of]) for k in (0, 1))
    return Asked(keys, means, effective, chosen, data)


def single(point: Population) -> Population:
    """Give a point in single precision."""
    return Population(*(jnp.asarray(leaf, jnp.float32) for leaf in point))


def predict_cases(
    cases: Sequence[ArmCase],
    posterior: Posterior | None = None,
    *,
    people: int = PEOPLE,
    draws: int = DRAWS,
    seed: int = 0,
    report: Report | None = None,
) -> tuple[Prediction, ...]:
    """Predict published arms; see `ask` for the parameters.

    Examples
    --------
    >>> predict_cases([])
    ()
    """
    if not cases:
        return ()
    posterior = posterior or load_posterior()
    asked = ask(case_rows(cases), posterior, people=people, draws=draws, seed=seed, report=report,
                cases=cases)  # fmt: skip
    return tuple(predict_case(number, asked, posterior, seed) for number in range(len(cases)))


def predict_case(number: int, asked: Asked, posterior: Posterior, seed: int = 0) -> Prediction:
    """Predict one of the cases that were asked, by its number."""
    random = np.random.default_rng([seed, number])
    case = asked.data.cases[number]
    error = case.standard_error or 0.0
    chosen = np.array(asked.draws)
    meaning = posterior.draws["meaning"][chosen].T
    found = {key: asked.means[:, column] for column, key in enumerate(asked.keys)}
    expected = np.asarray(case_mean(case, number, found, meaning), float)
    shape = (len(chosen), _REPEATS)
    study = posterior.draws["tau"][chosen][:, None] * random.normal(size=shape)
    vague = posterior.draws["definition_sd"][chosen][:, None] * random.normal(size=shape)
    shift = study + case.unclear * vague
    if case.likelihood == "log_odds_ratio":
        other = np.asarray(case_mean(case, number, found, meaning, against=True), float)
        centre = _logit(expected) - _logit(other)
        values = np.exp(centre[:, None] + error * random.normal(size=shape))
        expected, published, unit = np.exp(centre), float(np.exp(case.observed)), "1"
    elif on_logit(case) or case.likelihood == "binomial":
        share = _expit(_logit(expected)[:, None] + shift)
        values = 100.0 * _drawn(case, share, random)
        expected, published, unit = 100.0 * expected, 100.0 * case.observed, "%"
    else:
        spread = SLOPE * scale_of(case) * shift + error * random.normal(size=shape)
        values, published, unit = expected[:, None] + spread, case.observed, _unit(case)
        if unit == "%":
            values, expected, published = 100.0 * values, 100.0 * expected, 100.0 * published
    tails = {level: (50.0 - level / 2.0, 50.0 + level / 2.0) for level in LEVELS}
    low = {level: float(np.percentile(values, ends[0])) for level, ends in tails.items()}
    high = {level: float(np.percentile(values, ends[1])) for level, ends in tails.items()}
    column = asked.keys.index(case_key(number))
    return Prediction(
        case, unit, published, float(np.median(values)), low, high,
        *(float(np.percentile(expected, end)) for end in tails[95]),
        effective=float(asked.effective[:, column].min()),
    )  # fmt: skip


def _drawn(case: ArmCase, share: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Share that a study of that size finds."""
    if case.likelihood == "binomial":
        assert case.total is not None
        return random.binomial(case.total, share) / case.total
    error = case.standard_error or 0.0
    return _expit(_logit(share) + error * random.normal(size=share.shape))


def _unit(case: ArmCase) -> str:
    return {"onset_week": "week", "sessions_to_complete": "session"}.get(case.endpoint.kind, "%")


def _logit(share: np.ndarray) -> np.ndarray:
    inside = np.clip(share, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(inside / (1.0 - inside)))


def _expit(value: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-value)))
