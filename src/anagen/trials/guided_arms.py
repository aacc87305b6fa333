"""Guided arms on their way: who is due for a decision, what is known of them, what follows.

A person is decided on in the week in which their next session is due, on that day, like everybody
on whom a rule decides; its session already has what was chosen. Who does not come is not decided
on and keeps strength and interval, and so does who was never read after the start.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.errors import Problem
from anagen.population.variability import present
from anagen.trials.conduct import WEEK
from anagen.trials.guided import Choice, Known, choose, options
from anagen.trials.protocol import MOST_HORIZON, Arm, Protocol, Treatment, is_untreated
from anagen.trials.stepped import Plan, Technique

if TYPE_CHECKING:
    from anagen.trials.arm_rules import Course

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_FORECAST = 39  # purpose of random numbers


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the forecast chose; (unit, session) each, NaN where it did not choose.

    Parameters
    ----------
    week : of the decision; interval : [week] to the next session, if there is one.
    chance : to reach the target with what was chosen [1].
    """

    week: Array
    interval: Array
    chance: Array


def is_guided(arm: Arm) -> bool:
    """Whether the forecast doses an arm."""
    return arm.treatment.guided is not None and not is_untreated(arm.treatment)


def any_guided(protocol: Protocol) -> bool:
    """Whether the forecast doses any arm of a trial."""
    return any(is_guided(arm) for arm in protocol.arms)


def nothing_chosen(units: int, sessions: int) -> Chosen:
    """Before any decision."""
    return Chosen(*(np.full((units, sessions), np.nan) for _ in range(3)))


def decision_weeks(treatment: Treatment) -> set[int]:
    """Weeks in which somebody of a guided arm may have a session after the first.

    Examples
    --------
    >>> from anagen.trials.protocol import Guided
    >>> own = Guided(strengths_mg_per_mL=(5,), interval_weeks=(2, 4), target=0.75, horizon_weeks=12)
    >>> sorted(decision_weeks(Treatment(strength_mg_per_mL=5, interval_weeks=4, sessions=3,
    ...                                 guided=own)))
    [4, 6, 8]
    """
    # Who has not been decided on goes on at the interval of the treatment.
    gaps = {round(treatment.interval_weeks), *(round(weeks) for _, weeks in options(treatment))}
    reached = {round(treatment.interval_weeks)} if treatment.sessions > 1 else set()
    found = set(reached)
    for _ in range(treatment.sessions - 2):
        reached = {week + gap for week in reached for gap in gaps}
        found |= reached
    return found


def guided_problems(protocol: Protocol) -> list[Problem]:
    """Find what keeps the engine from running the guided arms of a trial."""
    problems = []
    for arm in protocol.arms:
        own, place = arm.treatment.guided, f"arms.{arm.key}.treatment.guided"
        if own is None or is_untreated(arm.treatment):
            continue
        if protocol.unit != "patient":
            problems.append(Problem(place, "a person who is treated as a whole",
                                    f"a guided dose of a {protocol.unit}",
                                    "Not built yet; compare people in parallel."))  # fmt: skip
        if not own.strengths_mg_per_mL:
            problems.append(Problem(f"{place}.strengths_mg_per_mL", "at least one strength",
                                    "none", "Write for example [2.5, 5.0, 10.0]."))  # fmt: skip
        if arm.treatment.steps:
            problems.append(Problem(f"arms.{arm.key}.treatment.steps",
                                    "no steps beside a guided dose", f"{len(arm.treatment.steps)}",
                                    "Remove the steps or 'guided'."))  # fmt: skip
        odd = [weeks for weeks in (arm.treatment.interval_weeks, *own.interval_weeks)
               if weeks <= 0.0 or not float(weeks).is_integer()]  # fmt: skip
        if odd:
            problems.append(Problem(f"{place}.interval_weeks", "whole weeks, above 0",
                                    ", ".join(f"{weeks:g}" for weeks in odd),
                                    "Round them; decisions fall in whole weeks."))  # fmt: skip
        least = max(decision_weeks(arm.treatment), default=0) if own.horizon_from == "start" else 0
        if not odd and not least < own.horizon_weeks <= MOST_HORIZON:
            problems.append(Problem(f"{place}.horizon_weeks",
                                    f"a time after week {least}, up to {MOST_HORIZON} weeks",
                                    f"{own.horizon_weeks:g}", "Write a later one."))  # fmt: skip
    return problems


def guide(
    course: "Course",
    number: int,
    technique: Technique,
    week: int,
    regrown: Array,
    plan: Plan,
) -> None:
    """Let the forecast choose for everybody of an arm whose session is due in a week.

    Parameters
    ----------
    course : units on their way; number : of the arm; technique : how it injects.
    week : now; regrown : (unit, week + 1) of the truth, from which raters read.
    plan : (unit, session) what is planned; changed in place.
    """
    treatment = course.protocol.arms[number].treatment
    due = _due(course, number, week, plan)
    if not due:
        return
    known = _known(course, due, week, regrown, treatment.sessions)
    asked = [(unit, slot, one) for (unit, slot), one in zip(due, known, strict=True)
             if one.readings]  # fmt: skip

    def ask(one: Known) -> Choice:
        return choose(one, treatment, technique, course.protocol.conduct.rater_error,
                      course.posterior)  # fmt: skip

    with ThreadPoolExecutor(course.threads) as pool:
        choices = list(pool.map(ask, [one for _, _, one in asked]))
    for (unit, slot, _), choice in zip(asked, choices, strict=True):
        _apply(course, unit, slot, choice, plan, week, treatment.sessions)


def _due(course: "Course", number: int, week: int, plan: Plan) -> list[tuple[int, int]]:
    """Units and sessions of an arm that are held in a week if nothing keeps them from it."""
    slots = np.arange(plan.choice.shape[1])
    now = (course.planned == WEEK * week) & (plan.choice >= 0)
    now &= (slots > 0) & (slots < course.rules.rescue_first)
    now &= (course.drawn.arm == number)[:, None]
    return [(int(unit), int(slot)) for unit, slot in zip(*np.nonzero(now), strict=True)]


def _known(
    course: "Course",
    due: Sequence[tuple[int, int]],
    week: int,
    regrown: Array,
    sessions: int,
) -> list[Known]:
    """Collect what is known of units on a day; nothing of it is the truth."""
    drawn, strengths = course.drawn, course.rules.strengths
    shown = present(drawn.people.covariates)
    today, read = WEEK * week, _readings(course, week, regrown)
    found = []
    for unit, slot in due:
        days, choice = course.plan.days[unit], course.plan.choice[unit]
        given = sorted((int(day), strengths[kind]) for day, kind in zip(days, choice, strict=True)
                       if kind >= 0 and day < today)  # fmt: skip
        own = tuple((int(day[unit]), float(share)) for day, values in read
                    for share in values[unit] if np.isfinite(share))  # fmt: skip
        found.append(Known(
            seed=(course.held.seed, _FORECAST, int(course.names[unit])),
            shown=shown[drawn.person[unit]],
            diameter=float(drawn.diameter[drawn.row[unit]]),
            age=float(drawn.age[drawn.row[unit]]),
            week=week, given=tuple(given), readings=own, sessions=sessions - slot,
        ))  # fmt: skip
    return found


def _readings(course: "Course", week: int, regrown: Array) -> list[tuple[Index, Array]]:
    """Visits after the start until a week: day (unit,) and reading (unit, rater), NaN for none."""
    found = []
    for visit in course.protocol.visits:
        if not 0 < round(WEEK * visit.week) <= WEEK * week + visit.window_days:
            continue
        day, came, values = course.visit(visit, regrown)
        seen = came & (day > 0) & (day <= WEEK * week)
        found.append((day, np.where(seen[:, None], values, np.nan)))
    return found


def _apply(
    course: "Course",
    unit: int,
    slot: int,
    choice: Choice,
    plan: Plan,
    week: int,
    sessions: int,
) -> None:
    """Give what was chosen in a session, and plan all later ones by it."""
    strength = course.rules.strengths.index(choice.strength)
    if strength != plan.choice[unit, slot]:
        course.stepped[unit] = week
    plan.choice[unit, slot] = strength
    chosen = course.chosen
    chosen.week[unit, slot], chosen.chance[unit, slot] = week, choice.chance
    if slot < sessions - 1:
        chosen.interval[unit, slot] = choice.interval
    for later in range(slot + 1, min(sessions, course.rules.rescue_first)):
        day = WEEK * (week + (later - slot) * round(choice.interval))
        course.move(plan, unit, later, day, strength)
