"""People of an answer with their weights: figures of the same people under two treatments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anagen.population.bank import People, Row, arrays, weights
from anagen.population.conditions import ArmCase
from anagen.population.fit_data import FitData
from anagen.population.posterior import Posterior
from anagen.population.predict import DRAWS, PEOPLE, Asked, follow_rows, single, weigh

Report = Callable[[str], None]


@dataclass(frozen=True)
class Weighed:
    """People, their values, and their weights in every draw of the population.

    Parameters
    ----------
    asked : rows and their means.
    people : by setting, who they are.
    weight : by setting, (draw, person); rows sum to one.
    """

    asked: Asked
    people: Mapping[str, People]
    weight: Mapping[str, np.ndarray]

    def values(self, key: str) -> np.ndarray:
        """Values (person,) of a row; NaN where a person has none."""
        name, number = self.asked.data.row[key]
        data = self.asked.data
        defined = np.asarray(data.defined[name][number], float)
        there = defined > 0.0
        total = np.asarray(data.values[name][number], float)
        return np.where(there, total / np.where(there, defined, 1.0), np.nan)

    def setting(self, key: str) -> str:
        """Name of the setting of a row."""
        return self.asked.data.row[key][0]

    def mean(self, values: np.ndarray, setting: str) -> np.ndarray:
        """Mean (draw,) of values of people: (person,), or (draw, person) when they depend on it.

        People without a value (NaN) are left out; NaN where nobody has one.
        """
        weight = self.weight[setting]
        there = np.isfinite(values)
        top = (weight * np.where(there, values, 0.0)).sum(1)
        bottom = (weight * there).sum(1)
        return np.where(bottom > 0.0, top / np.where(bottom > 0.0, bottom, 1.0), np.nan)

    def quantile(self, values: np.ndarray, setting: str, level: float) -> np.ndarray:
        """Weighted quantile (draw,) of values (person,) at a level from 0 to 1."""
        there = np.flatnonzero(np.isfinite(values))
        order = there[np.argsort(values[there])]
        reached = np.cumsum(self.weight[setting][:, order], axis=1)
        index = (reached < level * reached[:, -1:]).sum(1)
        return np.asarray(values[order[np.minimum(index, len(order) - 1)]])


def survey(
    rows: Sequence[Row],
    posterior: Posterior,
    *,
    people: int = PEOPLE,
    draws: int = DRAWS,
    seed: int = 0,
    report: Report | None = None,
    cases: Sequence[ArmCase] = (),
) -> Weighed:
    """Ask the population as `anagen.population.predict.ask` does, and keep people and weights.

    Parameters
    ----------
    rows, posterior, people, draws, seed, report, cases : as there.
    """
    who, groups = follow_rows(rows, posterior, people=people, seed=seed, report=report)
    asked = weigh(FitData.of(cases, groups), posterior, draws)
    return Weighed(asked, who, {name: weights_of(who[name], posterior, asked.draws)
                                for name in who})  # fmt: skip


def weights_of(people: People, posterior: Posterior, draws: Sequence[int]) -> np.ndarray:
    """Weights (draw, person) of people in some draws of a posterior; each row sums to one."""
    import jax

    each, their = jax.jit(weights), arrays(people)
    return np.stack(
        [np.asarray(each(single(posterior.population(draw)), their), float) for draw in draws]
    )
