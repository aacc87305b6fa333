"""What the arms of a protocol do, as tables, and how they decide on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.evidence.products import load_products
from anagen.population.endpoints import regrowth
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior, load_posterior
from anagen.trials.conduct import (
    STAYS,
    WEEK,
    Held,
    at_days,
    attends,
    leaving,
    readings,
    shifted,
)
from anagen.trials.draw import NO_ARM, Drawn, counts_salt
from anagen.trials.guided_arms import (
    decision_weeks,
    guide,
    guided_problems,
    is_guided,
    nothing_chosen,
)
from anagen.trials.protocol import (
    Arm,
    Protocol,
    Rescue,
    Step,
    Stop,
    Visit,
    end_week,
    is_untreated,
    session_weeks,
)
from anagen.trials.stepped import NOT_GIVEN, Plan, Technique, merged

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.int64]

NEVER = 10**6
"""Day of a session that is not planned."""


@dataclass(frozen=True, eq=False)
class Rules:
    """Arms as tables.

    Parameters
    ----------
    strengths : (strength,) [mg/mL] of all arms.
    days : (arm, session) [day] planned, `NEVER` for none; choice : (arm, session) strength.
    rescue_first : first session that is kept for a rescue.
    weeks : how long people are followed.
    decisions : weeks at which an arm decides; checks : weeks at which leavers are looked for.
    """

    strengths: tuple[float, ...]
    days: Index
    choice: Index
    rescue_first: int
    weeks: int
    decisions: tuple[int, ...]
    checks: tuple[int, ...]


def rules_of(protocol: Protocol) -> Rules:
    """Put the arms of a protocol into tables.

    Raises
    ------
    InputError
        When the engine cannot run it; everything that hinders it together.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> rules_of(load_protocol_file("five-against-ten")).strengths
    (5.0, 10.0)
    """
    _check(protocol)
    weeks = whole_weeks(protocol)
    strengths = tuple(sorted({mg for arm in protocol.arms for mg in _strengths(arm)})) or (0.0,)
    usual = [_planned(session_weeks(arm.treatment), weeks) for arm in protocol.arms]
    rescue = [_planned(_rescue_weeks(arm.rescue), weeks) for arm in protocol.arms]
    first = max(len(row) for row in usual)
    width = max(first + max(len(row) for row in rescue), 1)
    days = np.full((len(protocol.arms), width), NEVER)
    choice = np.full(days.shape, NOT_GIVEN)
    for number, arm in enumerate(protocol.arms):
        days[number, : len(usual[number])] = usual[number]
        if usual[number]:
            choice[number, : len(usual[number])] = strengths.index(arm.treatment.strength_mg_per_mL)
        days[number, first : first + len(rescue[number])] = rescue[number]
    decisions = {int(rule.week) for arm in protocol.arms for rule in rules_of_arm(arm)}
    for arm in protocol.arms:
        if is_guided(arm):
            decisions |= {week for week in decision_weeks(arm.treatment) if week < weeks}
    window = protocol.conduct.session_window_days
    checks = {int((day - window) // WEEK) for day in days[days < NEVER]}
    leavers = checks if protocol.conduct.dropout_per_week > 0.0 else set()
    asked = {week for week in decisions | leavers if 0 < week < weeks}
    return Rules(strengths, days, choice, first, weeks, tuple(sorted(decisions)),
                 tuple(sorted(asked)))  # fmt: skip


def whole_weeks(protocol: Protocol) -> int:
    """Weeks over which people are followed: until the end, the last visit's window included."""
    visits = [visit.week + visit.window_days / WEEK for visit in protocol.visits]
    ends = [endpoint.week for endpoint in protocol.endpoints]
    return max(int(np.ceil(max([end_week(protocol), *visits, *ends]) - 1e-9)), 1)


def rules_of_arm(arm: Arm) -> list[Stop | Step | Rescue]:
    """Give the rules of an arm in the order in which they are asked at a visit."""
    rules: list[Stop | Step | Rescue] = [*arm.treatment.stops, *arm.treatment.steps]
    return [*rules, arm.rescue] if arm.rescue is not None else rules


def gives_drug(arm: Arm) -> bool:
    """Whether anybody in an arm may be given more than saline."""
    return any(mg > 0.0 for mg in _strengths(arm))


def techniques_of(protocol: Protocol) -> list[Technique]:
    """List how the arms that give a drug inject it, each way once."""
    return list(dict.fromkeys(technique_of(arm) for arm in protocol.arms if gives_drug(arm)))


def technique_of(arm: Arm) -> Technique:
    """How an arm injects."""
    t = arm.treatment
    return Technique(t.product, t.volume_mL, t.spacing_mm, t.depth_mm)


class Course:
    """Units of one technique on their way through the trial.

    Parameters
    ----------
    protocol, rules, held : of the trial; drawn : its people; names : (unit,) number of each unit.
    posterior : population from which forecasts begin, the package's own when None.
    threads : that forecast at once.
    """

    def __init__(
        self,
        protocol: Protocol,
        rules: Rules,
        held: Held,
        drawn: Drawn,
        names: Index,
        posterior: Posterior | None = None,
        threads: int = 1,
    ) -> None:
        self.protocol, self.rules, self.held = protocol, rules, held
        self.drawn, self.names = drawn, names
        self.place = drawn.people.place[drawn.person]
        count = len(drawn.arm)
        self.left = np.full(len(drawn.people.place), STAYS)
        self.checked = 0
        self.stopped, self.stepped, self.rescued = (np.full(count, np.nan) for _ in range(3))
        self.missed = np.zeros((count, rules.days.shape[1]), bool)
        self.posterior, self.threads = posterior or load_posterior(), threads
        self.planned = rules.days[np.maximum(drawn.arm, 0)]
        self.chosen = nothing_chosen(*self.planned.shape)
        self.plan = self._first_plan()

    def row_plan(self) -> Plan:
        """Plan of the patches: (row, part, session)."""
        return self.plan.some(self.drawn.row_units)

    def decide(self, week: int, outcome: Outcome, plan: Plan) -> Plan:
        """Let people leave and arms decide; what `follow_stepped` asks."""
        regrown = self.regrown(outcome)
        self.leave(week, regrown)
        gone = WEEK * self.left[self.drawn.person]
        choice = np.where(self.plan.days >= np.minimum(gone, NEVER)[:, None], NOT_GIVEN,
                          self.plan.choice)  # fmt: skip
        new = Plan(self.plan.days.copy(), choice)
        if week in self.rules.decisions:
            for number, arm in enumerate(self.protocol.arms):
                for rule in rules_of_arm(arm):
                    if int(rule.week) == week:
                        self._ask(number, rule, regrown[:, week], new)
                if is_guided(arm):
                    guide(self, number, technique_of(arm), week, regrown, new)
        self.plan = merged(self.plan, new, week)
        return self.row_plan()

    def regrown(self, outcome: Outcome) -> Array:
        """Share (unit, week) of each unit's missing cover that has come back."""
        cover = np.asarray(outcome.cover)[self.drawn.row, self.drawn.part]
        return np.asarray(regrowth(Outcome(*[cover] * len(Outcome._fields))))

    def leave(self, week: int, regrown: Array) -> None:
        """Find who leaves by a week; nobody before the last session that they were given."""
        people = len(self.left)
        units = np.maximum(np.bincount(self.drawn.person, minlength=people), 1)
        own = np.stack([
            np.bincount(self.drawn.person, column, minlength=people) / units
            for column in regrown[:, : week + 1].T
        ], axis=1)  # fmt: skip
        left = leaving(self.held, self.drawn.people.place, own, self.checked + 1)
        given = np.where((self.plan.choice >= 0) & (self.plan.days < WEEK * week),
                         self.plan.days, 0).max(1)  # fmt: skip
        last = np.zeros(people)
        np.maximum.at(last, self.drawn.person, np.ceil(given / WEEK))
        self.left = np.minimum(self.left, np.maximum(left, last))
        self.checked = week

    def read(self, day: int, regrown: Array) -> Array:
        """Mean of the raters (unit,) for those who come on a planned day; NaN for the others."""
        comes = attends(self.held, self.place, day) & (WEEK * self.left[self.drawn.person] > day)
        mean = readings(self.held, self.names, day, regrown).mean(1)
        return np.where(comes, mean, np.nan)

    def visit(self, visit: Visit, regrown: Array) -> tuple[Index, Flags, Array]:
        """When units were seen at a visit and what was read.

        Parameters
        ----------
        visit : of the protocol.
        regrown : (unit, week + 1) [1] up to that visit at least.

        Returns
        -------
        (unit,) [day], (unit,), (unit, rater)
            Day, whether the person came, and readings [1], NaN for who did not.
        """
        day = round(WEEK * visit.week)
        # Who is to be decided on is seen on the day itself.
        window = 0.0 if day in {WEEK * week for week in self.rules.decisions} else visit.window_days
        held_on = np.clip(shifted(self.held, self.place, day, window), 0, WEEK * self.rules.weeks)
        gone = WEEK * self.left[self.drawn.person]
        attended = attends(self.held, self.place, day) & (held_on < gone)
        share = at_days(regrown, held_on[:, None])[:, 0]
        values = readings(self.held, self.names, day, share)
        return held_on, attended, np.where(attended[:, None], values, np.nan)

    def move(self, plan: Plan, unit: int, session: int, day: int, strength: int) -> None:
        """Plan a session of a unit for another day [day], if they come on it; changes the plan."""
        place, window = self.place[[unit]], self.protocol.conduct.session_window_days
        inside = day < WEEK * self.rules.weeks
        comes = inside and bool(attends(self.held, place, day)[0])
        self.planned[unit, session] = day if inside else NEVER
        self.missed[unit, session] = inside and not comes
        plan.days[unit, session] = (
            shifted(self.held, place, day, window, day)[0] if inside else NEVER
        )
        plan.choice[unit, session] = strength if comes else NOT_GIVEN

    def _first_plan(self) -> Plan:
        arms = np.maximum(self.drawn.arm, 0)
        days, choice = self.rules.days[arms], self.rules.choice[arms]
        choice[self.drawn.arm == NO_ARM] = NOT_GIVEN
        for arm in range(len(self.rules.days)):
            for slot, day in enumerate(self.rules.days[arm]):
                own = self.drawn.arm == arm
                if day >= NEVER or not own.any():
                    continue
                due = [week for week in self.rules.decisions if week * WEEK <= day]
                days[own, slot] = shifted(
                    self.held, self.place[own], int(day), self.protocol.conduct.session_window_days,
                    WEEK * max(due, default=0),
                )  # fmt: skip
                self.missed[own, slot] = ~attends(self.held, self.place[own], int(day))
        choice[self.missed] = NOT_GIVEN
        return Plan(days, choice)

    def _ask(self, number: int, rule: Stop | Step | Rescue, regrown: Array, plan: Plan) -> None:
        """Apply one rule of an arm to its units; who is not read is left as they are."""
        read = self.read(round(rule.week * WEEK), regrown)
        level = rule.if_regrowth_below
        meets = read < level if level is not None else np.zeros(len(read), bool)
        if isinstance(rule, Stop) and rule.if_regrowth_at_least is not None:
            meets = read >= rule.if_regrowth_at_least
        meets &= self.drawn.arm == number
        slots = np.arange(plan.choice.shape[1])
        open_ = meets[:, None] & (plan.days >= round(rule.week * WEEK))
        usual = open_ & (slots < self.rules.rescue_first)
        if isinstance(rule, Stop):
            plan.choice[usual] = NOT_GIVEN
            self.stopped[meets & np.isnan(self.stopped)] = rule.week
        elif isinstance(rule, Step):
            strength = self.rules.strengths.index(rule.strength_mg_per_mL)
            plan.choice[usual & (plan.choice >= 0)] = strength
            self.stepped[meets] = rule.week
        else:
            plan.choice[usual] = NOT_GIVEN
            strength = self.rules.strengths.index(rule.strength_mg_per_mL)
            own = open_ & (slots >= self.rules.rescue_first) & (plan.days < NEVER)
            plan.choice[own & ~self.missed] = strength
            self.rescued[meets] = rule.week


def _planned(weeks: Sequence[float], last: int) -> list[int]:
    return [round(WEEK * week) for week in weeks if week < last]


def _rescue_weeks(rescue: Rescue | None) -> tuple[float, ...]:
    if rescue is None:
        return ()
    return tuple(rescue.week + number * rescue.interval_weeks for number in range(rescue.sessions))


def _strengths(arm: Arm) -> list[float]:
    if is_untreated(arm.treatment):
        return []
    rescue = [arm.rescue.strength_mg_per_mL] if arm.rescue else []
    steps = [step.strength_mg_per_mL for step in arm.treatment.steps]
    own = arm.treatment.guided
    guided = own.strengths_mg_per_mL if own is not None else ()
    return [arm.treatment.strength_mg_per_mL, *steps, *guided, *rescue]


def _check(protocol: Protocol) -> None:
    """Refuse what the engine cannot run; what contradicts itself is the lint's to find."""
    problems = guided_problems(protocol)
    problems += [
        Problem(f"arms.{arm.key}.rescue", "a rescue of an arm that injects",
                "no injection at all", "Take saline of strength 0, or no rescue.")
        for arm in protocol.arms if arm.rescue is not None and is_untreated(arm.treatment)
    ]  # fmt: skip
    drugs = {key for key, product in load_products().items() if product.drug}
    problems += [
        Problem(f"arms.{arm.key}.treatment.product", "a product that contains a steroid",
                f"{arm.treatment.product}, without the drug that a session or rescue gives",
                "Name the product that is diluted; strength 0 is saline.")
        for arm in protocol.arms if gives_drug(arm) and arm.treatment.product not in drugs
    ]  # fmt: skip
    if not protocol.arms:
        problems.append(Problem("arms", "at least one arm", "none", "Add an arm."))
    if protocol.design == "parallel" and protocol.unit != "patient":
        problems.append(Problem("unit", "patient in a parallel trial", protocol.unit,
                                "Write design 'within' to compare within people."))  # fmt: skip
    if protocol.design == "within" and protocol.unit == "patient":
        problems.append(Problem("unit", "patch or quadrant within people", "patient",
                                "Write design 'parallel', or another unit."))  # fmt: skip
    techniques = techniques_of(protocol)
    if protocol.design == "within" and len(techniques) > 1:
        problems.append(Problem("arms", "one product, volume, spacing and depth within people",
                                f"{len(techniques)} of them",
                                "Compare them in parallel, or make them alike."))  # fmt: skip
    if protocol.design == "within" and counts_salt(protocol):
        problems.append(Problem("endpoints", "what is read of a patch", "SALT of the person",
                                "Compare SALT in parallel arms."))  # fmt: skip
    entries = sum(max(round(arm.ratio), 1) for arm in protocol.arms)
    if protocol.unit == "quadrant" and entries > 4:
        problems.append(Problem("arms", "at most four on the quadrants of a patch", str(entries),
                                "Leave some out."))  # fmt: skip
    if problems:
        raise InputError(problems)
