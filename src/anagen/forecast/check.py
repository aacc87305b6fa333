"""Does the model believe what was seen? A check of every visit by what came before it.

Of each visit the posterior of all earlier ones predicts what would be read. The logarithm of the
probability of the actual readings is held against that of readings drawn from the same prediction;
their rank is uniform when patient and model agree (prequential predictive check, Dawid 1984). The
p values of all visits are joined by their smallest and by Fisher's sum, twice the lower of which is
the p value of the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from anagen.forecast.absorbed import unabsorbed_factor
from anagen.forecast.flag_rows import limit_of
from anagen.forecast.observations import Observation, log_likelihood, replicate
from anagen.forecast.prior import Values
from anagen.forecast.update import Learnt, skin_of

_PEOPLE = 600  # possible people behind each prediction
_REPLICATES = 500


@dataclass(frozen=True)
class VisitCheck:
    """How likely one visit is after those before it.

    Parameters
    ----------
    day : of the visit; readings : how many.
    p : share of visits like it that would be as improbable or more; worst : the least likely
        reading.
    """

    day: date
    readings: int
    p: float
    worst: Observation


@dataclass(frozen=True)
class Check:
    """The check of a record.

    Parameters
    ----------
    p : of the whole record, 1 without readings; visits : one by one.
    unabsorbed : Bayes factor of injections not absorbed; see `unabsorbed_factor`.
    """

    p: float
    visits: tuple[VisitCheck, ...]
    unabsorbed: float = 1.0

    @property
    def flagged(self) -> bool:
        """Whether the record is flagged: improbable, or as if injections were not absorbed."""
        return self.p < limit_of("check-doubt") or self.unabsorbed >= limit_of("unabsorbed")

    @property
    def worst(self) -> VisitCheck | None:
        """The least likely visit."""
        return min(self.visits, key=lambda visit: visit.p, default=None)


def check(learnt: Learnt, seed: int = 0) -> Check:
    """Hold every visit against what the earlier ones predict; see the module."""
    observations = learnt.case.observations
    random = np.random.default_rng([seed, 7])
    skin = skin_of(learnt.prior, learnt.posterior, learnt.x, random)
    log_weight = np.log(np.maximum(learnt.base, 1e-300))
    visits = []
    for day in sorted({one.day for one in observations}):
        numbers = [k for k, one in enumerate(observations) if one.day == day]
        visits.append(_visit(learnt, numbers, log_weight, skin, random))
        log_weight = log_weight + learnt.log_each[:, numbers].sum(1)
    p = _joined([visit.p for visit in visits])
    return Check(p, tuple(visits), unabsorbed_factor(learnt, seed))


def _visit(
    learnt: Learnt,
    numbers: Sequence[int],
    log_weight: Values,
    skin: Mapping[str, Values],
    random: np.random.Generator,
) -> VisitCheck:
    """Check one visit with the weights of everything before it."""
    weight = np.exp(log_weight - log_weight.max())
    weight = weight / weight.sum()
    people = random.choice(len(weight), size=_PEOPLE, p=weight)
    truths = people[:_REPLICATES]
    seen, drawn, single = 0.0, np.zeros((_REPLICATES, 1)), []
    found = np.zeros(_PEOPLE)
    for number in numbers:
        one = learnt.case.observations[number]
        row = {**learnt.past.predicted[number], **skin}
        mine = {name: np.asarray(values)[people] for name, values in row.items()}
        low, high = replicate(one, {name: v[:_REPLICATES] for name, v in mine.items()}, random)
        drawn = drawn + log_likelihood(one, mine, low[:, None], high[:, None])
        each = learnt.log_each[people, number]
        found = found + each
        single.append(_log_mean(each))
    seen = _log_mean(found)
    scores = np.array([_log_mean(row) for row in drawn])
    below, same = np.sum(scores < seen - 1e-9), np.sum(np.abs(scores - seen) <= 1e-9)
    p = (below + random.uniform() * (same + 1.0)) / (len(truths) + 1.0)
    worst = learnt.case.observations[numbers[int(np.argmin(single))]]
    return VisitCheck(worst.day, len(numbers), float(min(p, 1.0)), worst)


def _joined(values: Sequence[float]) -> float:
    """One p value from those of the visits."""
    from scipy.stats import chi2

    if not values:
        return 1.0
    count = len(values)
    least = 1.0 - (1.0 - min(values)) ** count
    fisher = float(chi2.sf(-2.0 * np.log(np.maximum(values, 1e-12)).sum(), 2 * count))
    return float(min(1.0, 2.0 * min(least, fisher)))


def _log_mean(values: Values) -> float:
    top = values.max()
    return float(top + np.log(np.mean(np.exp(values - top))))
