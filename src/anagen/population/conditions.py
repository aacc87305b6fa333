"""From a published arm to what must be simulated, and what it must be compared with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from anagen.errors import InputError, Problem
from anagen.evidence.published import Arm
from anagen.population.arm_figures import (
    Likelihood,
    endpoint_of_arm,
    figure_of,
    reason_not_to_calibrate,
    setting_of,
    unclearness,
)
from anagen.population.arm_regimens import (
    CannotSimulate,
    Condition,
    conditions_of,
    drugs_of_arm,
)
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.condition_data import load_condition_data
from anagen.population.endpoints import Endpoint
from anagen.population.person import WEEK

__all__ = [
    "ArmCase",
    "Condition",
    "NotComparable",
    "case_of",
    "cases_of",
    "regimen_for",
    "regimens_of",
    "regimens_serving",
    "weeks_of",
]


@dataclass(frozen=True)
class ArmCase:
    """A published arm in terms of the model.

    Parameters
    ----------
    arm : as published.
    conditions : ways in which it may have been treated and read; weights sum to 1.
    against : of the comparator of an odds ratio; empty otherwise.
    setting : kind of people; see `anagen.population.settings.setting_names`.
    endpoint : what was counted or measured.
    likelihood : ``binomial``, ``normal`` (a mean, or a share whose standard error is on the logit)
        or ``log_odds_ratio``.
    observed : share, mean in its unit, or logarithm of the odds ratio.
    standard_error : of ``observed``, on the logit for a share; None for counts.
    count, total : successes and people of a binomial; the total also of a mean.
    total_known : whether the total is published, and not inferred or assumed.
    unclear : how uncertain the definition of the outcome is, 0 to 1.
    calibrate : whether the row is fit to calibrate the model with.
    notes : every assumption, in words.
    """

    arm: Arm
    conditions: tuple[Condition, ...]
    against: tuple[Condition, ...]
    setting: str
    endpoint: Endpoint
    likelihood: Likelihood
    observed: float
    standard_error: float | None
    count: int | None
    total: int | None
    total_known: bool
    unclear: float
    calibrate: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class NotComparable:
    """A published row with which the model cannot be compared.

    Parameters
    ----------
    arm : as published; reason : in words.
    """

    arm: Arm
    reason: str


def case_of(arm: Arm) -> ArmCase | NotComparable:
    """Read one published arm; what it does not state is integrated over, and noted.

    Parameters
    ----------
    arm : as published.

    Returns
    -------
    ArmCase or NotComparable

    Examples
    --------
    >>> from anagen.evidence.published import load_arms
    >>> case = case_of(next(arm for arm in load_arms() if arm.study_id == "Arora2022"))
    >>> case.observed, case.conditions[0].week, case.conditions[0].regimen.sessions
    (0.6975, 9, 3)
    """
    notes: list[str] = []
    try:
        endpoint = endpoint_of_arm(arm, notes)
        drugs = drugs_of_arm(arm)
        figure = figure_of(arm, drugs[0], endpoint, notes)
        conditions = conditions_of(arm, drugs[0], 0, notes)
        against = _against(arm, conditions, notes)
        setting = setting_of(arm, notes)
        unclear = unclearness(arm, drugs[0], notes)
    except CannotSimulate as reason:
        return NotComparable(arm, str(reason))
    hindrance = reason_not_to_calibrate(arm, drugs[0])
    rows = load_condition_data().overlaps
    notes += [row.reason for row in rows if row.holds(arm, drugs[0].key)]
    notes += [hindrance] if hindrance else []
    return ArmCase(
        arm=arm,
        conditions=conditions,
        against=against,
        setting=setting,
        endpoint=endpoint,
        likelihood=figure.likelihood,
        observed=figure.observed,
        standard_error=figure.standard_error,
        count=figure.count,
        total=figure.total,
        total_known=figure.total_known,
        unclear=unclear,
        calibrate=not hindrance,
        notes=tuple(dict.fromkeys(notes)),
    )


def cases_of(arms: Iterable[Arm]) -> tuple[list[ArmCase], list[NotComparable]]:
    """Read published arms; every one is in one of the two lists.

    Parameters
    ----------
    arms : as published.

    Examples
    --------
    >>> from anagen.evidence.published import load_arms
    >>> cases, others = cases_of(load_arms())
    >>> len(cases) + len(others) == len(load_arms())
    True
    """
    cases: list[ArmCase] = []
    others: list[NotComparable] = []
    for arm in arms:
        read = case_of(arm)
        if isinstance(read, ArmCase):
            cases.append(read)
        else:
            others.append(read)
    return cases, others


def regimens_of(cases: Iterable[ArmCase]) -> tuple[Regimen, ...]:
    """Regimens that must be simulated, as few as serve all conditions; see `regimen_for`.

    Sessions after the reading change nothing, so that one course with many sessions serves all
    readings before a shorter one would have ended.

    Parameters
    ----------
    cases : of which conditions and comparators are taken.

    Examples
    --------
    >>> from anagen.evidence.published import load_arms
    >>> len(regimens_of(cases_of(load_arms())[0])) < 60
    True
    """
    return regimens_serving(_conditions(cases))


def regimens_serving(conditions: Iterable[Condition]) -> tuple[Regimen, ...]:
    """Regimens that must be simulated for these conditions; see `regimens_of`."""
    exact: set[Regimen] = set()
    longest: dict[Regimen, int] = {}
    for condition in conditions:
        regimen = condition.regimen
        if regimen.strength == 0.0:
            exact.add(NATURAL)
        elif _still_running(condition):
            family = _family(regimen)
            longest[family] = max(longest.get(family, 0), regimen.sessions)
        else:
            exact.add(regimen)
    for family, sessions in longest.items():
        if not any(_family(one) == family and one.sessions >= sessions for one in exact):
            exact.add(replace(family, sessions=sessions))
    return tuple(sorted(exact, key=_order))


def regimen_for(condition: Condition, regimens: Sequence[Regimen]) -> Regimen:
    """Find the simulated regimen whose course is that of a condition up to its reading.

    Parameters
    ----------
    condition : of a case.
    regimens : that were simulated; see `regimens_of`.

    Raises
    ------
    InputError
        When none of them serves.

    Examples
    --------
    >>> regimen_for(Condition(Regimen(5.0, 4.0, 3), 12, 1.0), [Regimen(5.0, 4.0, 6)]).sessions
    6
    """
    wanted = condition.regimen
    if wanted in regimens:
        return wanted
    for regimen in regimens:
        if wanted.strength == regimen.strength == 0.0:
            return regimen
        more = regimen.sessions >= wanted.sessions
        alike = _family(regimen) == _family(wanted)
        if more and alike and _days_before(regimen, condition.week) == wanted.days:
            return regimen
    raise InputError(
        Problem("regimens", f"one like {wanted}", f"{len(regimens)} others", "Simulate it too.")
    )


def weeks_of(cases: Iterable[ArmCase]) -> int:
    """Longest course [week] that must be simulated; 0 without cases.

    Parameters
    ----------
    cases : of which conditions and comparators are taken.

    Examples
    --------
    >>> weeks_of([])
    0
    """
    return max((condition.week for condition in _conditions(cases)), default=0)


def _against(
    arm: Arm, conditions: tuple[Condition, ...], notes: list[str]
) -> tuple[Condition, ...]:
    """Conditions of the comparator of an odds ratio."""
    if arm.endpoint != "odds_ratio":
        return ()
    against = conditions_of(arm, drugs_of_arm(arm)[-1], 1, notes)
    if {one.regimen for one in against} == {one.regimen for one in conditions}:
        raise CannotSimulate("an odds ratio whose two sides are not told apart")
    return against


def _conditions(cases: Iterable[ArmCase]) -> Iterable[Condition]:
    return (condition for case in cases for condition in (*case.conditions, *case.against))


def _family(regimen: Regimen) -> Regimen:
    return replace(regimen, sessions=0)


def _still_running(condition: Condition) -> bool:
    """Whether the next session would be held after the reading."""
    regimen = condition.regimen
    return round(WEEK * regimen.interval * regimen.sessions) >= WEEK * condition.week


def _days_before(regimen: Regimen, week: int) -> tuple[int, ...]:
    return tuple(day for day in regimen.days if day < WEEK * week)


def _order(regimen: Regimen) -> tuple[object, ...]:
    return (regimen.product, regimen.strength, regimen.interval, regimen.sessions,
            regimen.volume, regimen.spacing)  # fmt: skip
