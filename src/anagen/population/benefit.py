"""What the drug adds: the same people followed without and with treatment.

Of every 100 people like these some regrow anyway, some only with treatment, and the difference is
the drug's. With p0 and p1 a person's chance to be read as regrown without and with treatment,

    either way = min(p0, p1),   only with = max(p1 - p0, 0),   only without = max(p0 - p1, 0)

averaged over people: a reader's error is the same in both courses, so that it makes no difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from anagen.errors import InputError, Problem
from anagen.population.bank import Row
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.conditions import Condition
from anagen.population.endpoints import endpoint_of, person_values
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.predict import DRAWS, PEOPLE
from anagen.population.settings import Setting
from anagen.population.weighed import Weighed, survey

Report = Callable[[str], None]

THRESHOLDS = (0.5, 0.75, 0.9)
WEEKS = (12, 24, 52)

_TAILS = (50.0, 2.5, 97.5)
_MOST_WEEKS = 520


@dataclass(frozen=True)
class Estimate:
    """A figure of the population: median over the posterior and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Benefit:
    """Shares of people regrown without and with treatment, the same people in both.

    Parameters
    ----------
    setting : kind of people; regimen : the treatment.
    thresholds : of regrowth [1]; weeks : after the start.
    untreated, treated : (threshold, week, draw) [1] share regrown.
    either_way, only_treated, only_untreated : (threshold, week, draw) [1]; see the module.
    """

    setting: Setting
    regimen: Regimen
    thresholds: tuple[float, ...]
    weeks: tuple[int, ...]
    untreated: np.ndarray
    treated: np.ndarray
    either_way: np.ndarray
    only_treated: np.ndarray
    only_untreated: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """Share (threshold, week, draw) [1] that treatment adds, the same people in both."""
        return np.asarray(self.treated - self.untreated)

    def estimate(self, name: str, threshold: float, week: int) -> Estimate:
        """One share [1] with its interval, by the name of a field or ``difference``."""
        place = (self.thresholds.index(threshold), self.weeks.index(week))
        return estimate_of(getattr(self, name)[place])


def estimate_of(draws: np.ndarray) -> Estimate:
    """Median and 95 % interval of draws (draw,), those without a figure left out."""
    found = draws[np.isfinite(draws)]
    if not len(found):
        return Estimate(float("nan"), float("nan"), float("nan"))
    return Estimate(*(float(value) for value in np.percentile(found, _TAILS)))


def drug_benefit(
    setting: Setting | None = None,
    regimen: Regimen | None = None,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    weeks: Sequence[int] = WEEKS,
    posterior: Posterior | None = None,
    people: int = PEOPLE,
    draws: int = DRAWS,
    seed: int = 0,
    report: Report | None = None,
) -> Benefit:
    """Follow the same people without and with treatment.

    Parameters
    ----------
    setting : kind of people; those of the usual trial when None.
    regimen : the treatment; three monthly sessions of 5 mg/mL when None.
    thresholds : of regrowth [1], above 0 up to 1; weeks : of the readings, 1 to 520.
    posterior, people, draws, seed, report : as in `anagen.population.predict.ask`.

    Returns
    -------
    Benefit
        Of 100 people like these so many regrow without, so many more with treatment.

    Raises
    ------
    InputError
        When a threshold or a week cannot be meant, or the regimen gives no drug.

    Examples
    --------
    >>> found = drug_benefit(weeks=(12,), thresholds=(0.75,), people=64, draws=4)
    >>> found.estimate("difference", 0.75, 12).value > 0.0
    True
    """
    chosen = setting or Setting("localized")
    treatment = regimen or Regimen(5.0, 4.0, 3)
    _check(thresholds, weeks, treatment)
    posterior = posterior or load_posterior()
    rows = benefit_rows(chosen, treatment, thresholds, weeks)
    found = survey(rows, posterior, people=people, draws=draws, seed=seed, report=report)
    return benefit_of(found, chosen, treatment, thresholds, weeks)


def benefit_rows(
    setting: Setting, regimen: Regimen, thresholds: Sequence[float], weeks: Sequence[int]
) -> list[Row]:
    """List the rows that `benefit_of` reads."""
    return [
        Row(benefit_key(one, threshold, week), setting, (Condition(one, week, 1.0),),
            partial(regrown, level=threshold))
        for one in (NATURAL, regimen)
        for threshold in thresholds
        for week in weeks
    ]  # fmt: skip


def benefit_key(regimen: Regimen, threshold: float, week: int) -> str:
    """Key of the row of one regimen, threshold and week."""
    given = "untreated"
    if regimen.strength > 0.0:
        given = f"{regimen.strength:g} mg/mL x{regimen.sessions} every {regimen.interval:g} weeks"
    return f"{given}: {threshold:g} regrown at week {week}"


def benefit_of(
    found: Weighed,
    setting: Setting,
    regimen: Regimen,
    thresholds: Sequence[float],
    weeks: Sequence[int],
) -> Benefit:
    """Put the rows of `benefit_rows` together, person by person."""
    parts: list[np.ndarray] = []
    for threshold in thresholds:
        for week in weeks:
            keys = [benefit_key(one, threshold, week) for one in (NATURAL, regimen)]
            without, treated = (found.values(key) for key in keys)
            place = found.setting(keys[0])
            more = treated - without
            persons = (without, treated, np.minimum(without, treated), np.maximum(more, 0.0),
                       np.maximum(-more, 0.0))  # fmt: skip
            parts.append(np.stack([found.mean(values, place) for values in persons]))
    table = np.stack(parts).reshape(len(thresholds), len(weeks), 5, -1)
    return Benefit(setting, regimen, tuple(thresholds), tuple(weeks),
                   *(table[:, :, part] for part in range(5)))  # fmt: skip


def regrown(outcome: Outcome, regimen: Regimen, week: int, *, level: float) -> np.ndarray:
    """Chance (person,) to be read as regrown by a share of the missing cover."""
    return person_values(endpoint_of("regrowth_at_least", level), outcome, week, regimen)


def _check(thresholds: Sequence[float], weeks: Sequence[int], regimen: Regimen) -> None:
    problems = [
        Problem("thresholds", "shares above 0, up to 1", f"{value!r}", "Write 0.75 for 75 %.")
        for value in thresholds
        if not 0.0 < value <= 1.0
    ]
    problems += [
        Problem("weeks", f"whole weeks from 1 to {_MOST_WEEKS}", f"{week!r}", "Correct it.")
        for week in weeks
        if not 1 <= week <= _MOST_WEEKS or week != int(week)
    ]
    for name, values in (("thresholds", thresholds), ("weeks", weeks)):
        if not len(values):
            problems.append(Problem(name, "at least one", "none", "Name one."))
    if not regimen.days:
        problems.append(Problem("regimen", "a treatment with drug and sessions", repr(regimen),
                                "The natural course is always followed too."))  # fmt: skip
    if problems:
        raise InputError(problems)
