"""The future of one patient's patches under plans, for people who fit what was seen."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from anagen.errors import InputError, Problem
from anagen.forecast.blood import follow_blood
from anagen.forecast.case import WEEK, Case
from anagen.forecast.course import Seen, ground_of, pad_rows
from anagen.forecast.doses import PatchDose, patch_doses, rows_of, sets_of
from anagen.forecast.past import body_of, run_chunks, traits_of
from anagen.forecast.prior import Values
from anagen.forecast.update import Learnt, draw_numbers, resample
from anagen.population.cohort import Blood
from anagen.treatment import Plan, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

PEOPLE = 256
UNTREATED = "untreated"
MOST_WEEKS = 260
_MOST_PLANS = 40


@dataclass(frozen=True)
class People:
    """People who fit, each as often as their weight says.

    Parameters
    ----------
    learnt : where they come from; number : (person,) which of those people.
    draw : (person,) draw of the population each belongs to.
    """

    learnt: Learnt
    number: np.ndarray
    draw: np.ndarray

    @property
    def x(self) -> Values:
        """Unknowns (person, unknown)."""
        return np.asarray(self.learnt.x[self.number])


@dataclass(frozen=True)
class Arm:
    """What happens under one plan.

    Parameters
    ----------
    sessions : to come, of those that the record does not hold as given.
    seen : by patch, (person, week + 1) from the origin on.
    blood : (person, day) from the origin on; None when it was not asked for.
    courses : the same as ``seen``, by what tells a patch and its doses apart from others.
    """

    sessions: "tuple[Session, ...]"
    seen: Mapping[str, Seen]
    blood: Blood | None
    courses: Mapping[object, Seen] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Outlook:
    """People who fit, and their future under every plan.

    Parameters
    ----------
    people : who; weeks : how far; plans : by name; arms : by name, ``untreated`` among them.
    """

    people: People
    weeks: int
    plans: Mapping[str, Plan]
    arms: Mapping[str, Arm]


def choose_people(learnt: Learnt, count: int = PEOPLE, seed: int = 0) -> People:
    """Take people in proportion to their weights."""
    number = resample(learnt, count, seed)
    draws = draw_numbers(learnt.prior, learnt.x[number], np.random.default_rng([seed, 5]))
    return People(learnt, number, draws)


def look_ahead(
    learnt: Learnt,
    plans: Mapping[str, Plan],
    weeks: int = 52,
    *,
    seed: int = 0,
    people: int = PEOPLE,
    blood: bool = True,
) -> Outlook:
    """Follow people who fit under every plan and without further treatment.

    Parameters
    ----------
    learnt : what the visits tell.
    plans : by name, none called ``untreated``.
    weeks : from the origin.
    seed : of the choice of people; people : how many.
    blood : whether to follow steroid and cortisol in blood too.

    Raises
    ------
    InputError
        When the horizon or a name cannot be meant.
    """
    _check(plans, weeks)
    chosen = choose_people(learnt, people, seed)
    begun = Outlook(chosen, weeks, {}, {UNTREATED: _follow(chosen, None, weeks, blood)})
    for name, plan in plans.items():
        begun = with_plan(begun, name, plan)
    return begun


def with_plan(outlook: Outlook, name: str, plan: Plan) -> Outlook:
    """Add a plan, or change one, and keep everything else.

    Raises
    ------
    InputError
        When the name cannot be meant.
    """
    _check({name: plan}, outlook.weeks)
    blood = outlook.arms[UNTREATED].blood is not None
    known = {key: seen for arm in outlook.arms.values() for key, seen in arm.courses.items()}
    arm = _follow(outlook.people, plan, outlook.weeks, blood, known)
    return replace(
        outlook,
        plans={**outlook.plans, name: plan},
        arms={**outlook.arms, name: arm},
    )


def _check(plans: Mapping[str, Plan], weeks: int) -> None:
    problems = []
    if not isinstance(weeks, int) or isinstance(weeks, bool) or not 1 <= weeks <= MOST_WEEKS:
        problems.append(Problem("weeks", f"a whole number from 1 to {MOST_WEEKS}", repr(weeks),
                                "Ask for a shorter time."))  # fmt: skip
    if UNTREATED in plans:
        problems.append(Problem("plans", f"a name other than '{UNTREATED}'", UNTREATED,
                                "Untreated is always forecast; rename the plan."))  # fmt: skip
    if len(plans) > _MOST_PLANS:
        problems.append(Problem("plans", f"at most {_MOST_PLANS} plans", str(len(plans)),
                                "Use compare_plans, which keeps less of each."))  # fmt: skip
    if problems:
        raise InputError(problems)


def sessions_to_come(case: Case, plan: Plan | None) -> "tuple[Session, ...]":
    """Sessions of a plan that are neither given already nor before the origin."""
    if plan is None:
        return ()
    given = {one.date for one in case.given}
    return tuple(one for one in plan.sessions if one.date >= case.origin and one.date not in given)


def future_doses(case: Case, sessions: "Sequence[Session]") -> dict[str, tuple[PatchDose, ...]]:
    """Doses to come of every patch, on the lattices that follow on those given."""
    both = patch_doses((*case.given, *sessions), case.scalp, case.covers, case.frames)
    return {
        patch.id: both[patch.id][len(patch.doses) :] if sessions else () for patch in case.patches
    }


def _follow(
    people: People,
    plan: Plan | None,
    weeks: int,
    blood: bool,
    known: Mapping[object, Seen] | None = None,
) -> Arm:
    """Follow a plan; a patch that another plan treats alike has its ``known`` course."""
    case = people.learnt.case
    sessions = sessions_to_come(case, plan)
    coming = future_doses(case, sessions)
    doses = {patch.id: (*patch.doses, *coming[patch.id]) for patch in case.patches}
    body = body_of(case)
    # Patches that nothing tells apart share a course where the plan treats them alike.
    keys = {
        patch.id: (case.same[number], doses[patch.id]) for number, patch in enumerate(case.patches)
    }
    courses: dict[object, Seen] = {key: seen for key, seen in (known or {}).items()
                                   if key in keys.values()}  # fmt: skip
    jobs: dict[object, int] = {}
    for number, key in enumerate(keys.values()):
        if key not in courses:
            jobs.setdefault(key, number)

    def one(number: int) -> Seen:
        patch = case.patches[number]
        sets = sets_of(patch.reference, doses[patch.id])
        rows = pad_rows(rows_of(doses[patch.id], sets, case.origin, weeks * WEEK))
        state = people.learnt.past.state[patch.id]
        start = jax.tree.map(lambda leaf: leaf[people.number], state)
        ground = ground_of(patch.diameter, sets)
        seen, _ = run_chunks(body, traits_of(case, people.x, number), ground, rows, weeks, start)
        return seen

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        level = pool.submit(_blood, people, doses, weeks) if blood else None
        courses |= zip(jobs, pool.map(one, jobs.values()), strict=True)
        seen = {name: courses[key] for name, key in keys.items()}
        return Arm(sessions, seen, level.result() if level else None, courses)


def _blood(people: People, doses: Mapping[str, tuple[PatchDose, ...]], weeks: int) -> Blood:
    """Follow blood from the first patch on, and keep what lies ahead."""
    case = people.learnt.case
    first = min(0, *(patch.start for patch in case.patches))
    level = follow_blood(body_of(case), traits_of(case, people.x), doses, case.origin, first,
                         weeks * WEEK + 1)  # fmt: skip
    ahead: Blood = jax.tree.map(lambda leaf: leaf[:, -first:], level)
    return ahead


def last_day(case: Case, arm: Arm) -> int:
    """Day of the last session, given or to come; the origin when there was none."""
    days = [one.date for one in arm.sessions]
    days += [dose.day for patch in case.patches for dose in patch.doses]
    return max(((day - case.origin) // timedelta(days=1) for day in days), default=0)


def missing_area(case: Case, seen: Mapping[str, Seen]) -> tuple[Values, Values]:
    """Bald area (person, week) [mm2] of all patches, and of each (patch, person, week)."""
    each: list[Any] = []
    for patch in case.patches:
        bald = np.asarray(seen[patch.id].outcome.bald_area, float)
        each.append(bald * patch.area / patch.laid_out)
    stacked = np.stack(each)
    return stacked.sum(0), stacked
