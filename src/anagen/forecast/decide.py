"""What a review suggests: one decision table, and at least one alternative beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from anagen.forecast.gates import Chance, GateReview
from anagen.forecast.next_plans import GO_ON, STEP_UP
from anagen.forecast.review_rows import load_review_rows
from anagen.treatment.findings import Finding
from anagen.units import convert

Action = Literal["go on", "step up", "watch", "stop", "refer"]
Ground = Literal[
    "danger",
    "no patch to treat",
    "extent",
    "complete",
    "not begun",
    "no data",
    "no response",
    "partial response",
    "on course",
]

UNTREATED = "untreated"


@dataclass(frozen=True)
class Suggestion:
    """One thing to do, with its reasons.

    Parameters
    ----------
    action : go on, step up, watch, stop or refer.
    ground : what decided; ``stop`` because all has regrown is not ``stop`` for want of response.
    why : sentences, each with its rule or number and its source.
    rules : keys of the rules cited.
    forecast : chances it rests on, with intervals; or why there are none.

    Examples
    --------
    >>> Suggestion("go on", "on course", ("Response at 12 weeks: 60 %.",), ("response-12-weeks",),
    ...            "No forecast was asked for.").action
    'go on'
    """

    action: Action
    ground: Ground
    why: tuple[str, ...]
    rules: tuple[str, ...]
    forecast: str


@dataclass(frozen=True)
class PatchAdvice:
    """What to do with one patch.

    Parameters
    ----------
    patch : id; percent, date : latest regrowth [%] and its day; None when never read.
    action : go on, watch (leave it out, or spare it) or stop (it has regrown).
    treat : whether it may be injected.
    why : sentences; rules : keys of the rules cited.
    """

    patch: str
    percent: float | None
    date: date | None
    action: Action
    treat: bool
    why: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """Everything that a decision looks at.

    Parameters
    ----------
    week : since the first session of the present course [week]; None before it.
    gates : reviewed; findings : of the person, without a plan; patches : advice on each.
    latest : latest regrowth since the first session, weighted by area [%]; None when not read.
    chances : of the target at the next look, by plan; empty without a forecast.
    goal_chances : the same of the goal; target, goal : regrowth [%].
    stronger : next strength within the limits [mg/mL]; None when there is none or skin forbids it.
    words : the forecast in words, or why there is none.
    """

    week: float | None
    gates: tuple[GateReview, ...]
    findings: tuple[Finding, ...]
    patches: tuple[PatchAdvice, ...]
    latest: float | None
    chances: Mapping[str, Chance]
    goal_chances: Mapping[str, Chance]
    target: float
    goal: float
    stronger: float | None
    words: str

    def gate(self, key: str) -> GateReview:
        """Gate of that key."""
        return next(gate for gate in self.gates if gate.key == key)

    def speaking(self, decision: Literal["danger", "refer"]) -> tuple[Finding, ...]:
        """Return the findings whose rules lead to a decision."""
        keys = load_review_rows().decisions[decision]
        return tuple(finding for finding in self.findings if finding.rule in keys)


_Options = tuple[Suggestion, ...]
_WEEK_12, _WEEK_24, _GOAL = "week-12", "week-24", "goal-24"
_SEVERE: tuple[tuple[Action, Ground | None], ...] = (
    ("stop", "complete"),
    ("go on", None),
    ("watch", None),
    ("step up", None),
    ("stop", None),
    ("refer", None),
)


def escalation(suggestion: Suggestion) -> int:
    """Rank by how drastic: stop as all has regrown 0, go on, watch, step up, stop else, refer.

    Examples
    --------
    >>> escalation(Suggestion("stop", "complete", (), (), ""))
    0
    """
    return next(rank for rank, (action, ground) in enumerate(_SEVERE)
                if action == suggestion.action and ground in (None, suggestion.ground))  # fmt: skip


def decide(case: Case) -> _Options:
    """Choose what to do; the first is the suggestion, the others are its alternatives.

    The first row that holds decides (numbers are rows of ``review.toml`` and of the rules):

    ===  ==========================================  ===========================================
    1    sign of danger (eyes, Cushing, allergy)     stop; or refer
    2    every patch injured, infected or blocked    watch; or stop
    3    a rule that names systemic treatment        refer; or what rows 5-9 say
    4    every patch to be treated has regrown       stop, watch for relapse; or watch
    5    no session yet                              watch; or go on (begin)
    6    gate due, number asked for, nothing read    watch, read first; go on if the latest reading
                                                     meets the number; or stop
    7    week 24: below the number                   refer; or stop, or step up if worth it
    8    week 24: above it, goal missed              as the forecast of the goal says: step up if
                                                     clearly better, go on if worth it, else stop;
                                                     without a forecast go on
    9    week 12: below the number                   as the forecast of the target says: step up if
                                                     clearly better, go on if worth it, else refer;
                                                     without a forecast step up if allowed, else
                                                     refer
    10   else                                        go on; or step up if clearly better, or watch
    ===  ==========================================  ===========================================

    *Clearly better*: the chance under the stronger plan is higher by `numbers.better` and is worth
    it; *worth it*: a chance of at least `numbers.worth`. A better regrowth moves a case down in
    rows 7-10 or out of them, never to a more drastic action (`escalation`).
    """
    return next(options for rung in _TABLE if (options := rung(case)))


def _course(case: Case) -> _Options:
    return next(options for rung in _COURSE if (options := rung(case)))


# ---- rows 1-4: whatever the response ------------------------------------------------------------


def _danger(case: Case) -> _Options:
    found = case.speaking("danger")
    if not found:
        return ()
    why, rules = tuple(map(_said, found)), tuple(finding.rule for finding in found)
    return (_suggest(case, "stop", "danger", why, rules),
            _suggest(case, "refer", "danger", why, rules))  # fmt: skip


def _closed(case: Case) -> _Options:
    if not case.patches or any(one.treat or one.action == "stop" for one in case.patches):
        return ()
    why = tuple(text for one in case.patches for text in one.why)
    rules = tuple(rule for one in case.patches for rule in one.rules)
    return (
        _suggest(case, "watch", "no patch to treat",
                 (*why, "No patch may be injected now: see whether the skin recovers."), rules),
        _suggest(case, "stop", "no patch to treat", (*why, "Or end the course."), rules),
    )  # fmt: skip


def _extent(case: Case) -> _Options:
    found = case.speaking("refer")
    if not found:
        return ()
    rules = tuple(dict.fromkeys(finding.rule for finding in found))
    refer = _suggest(case, "refer", "extent", tuple(map(_said, found)), rules)
    return (refer, *(one for one in _course(case) if one.action != "refer"))


def _complete(case: Case) -> _Options:
    rest = [one for one in case.patches if one.treat or one.action == "stop"]
    if not rest or any(one.action != "stop" for one in rest):
        return ()
    why = tuple(text for one in rest for text in one.why)
    rules = load_review_rows().decisions["complete"]
    return (
        _suggest(case, "stop", "complete",
                 (*why, f"All has regrown: stop, and watch for relapse ({_cite(rules[-1])})."),
                 rules),
        _suggest(case, "watch", "complete", (*why, "Or look once more before the course ends."),
                 rules),
    )  # fmt: skip


# ---- rows 5-6: nothing to judge -----------------------------------------------------------------


def _not_begun(case: Case) -> _Options:
    if case.week is not None:
        return ()
    rules = case.gate(_WEEK_24).rules
    first = "No session of a present course is recorded: there is no response to judge."
    return (
        _suggest(case, "watch", "not begun",
                 (first, f"Many patches regrow untreated; the course would be judged by "
                         f"{_cite(rules[0])}."), rules),
        _suggest(case, "go on", "not begun", (first, "Or begin, and review at weeks 12 and 24."),
                 rules),
    )  # fmt: skip


def _no_data(case: Case) -> _Options:
    due = [gate for gate in case.gates if gate.reached != "open" and gate.key != _GOAL]
    gate = max(due, key=lambda one: one.week, default=None)
    if gate is None or gate.reached != "no data" or gate.at_least is None:
        return ()
    if case.latest is not None and case.latest >= gate.at_least:
        seen = f"The latest reading, before the gate, was {case.latest:.0f} %: read it again."
        return (_suggest(case, "go on", "no data", (str(gate), seen), gate.rules),
                _suggest(case, "watch", "no data", (str(gate), "Or read it before the next one."),
                         gate.rules))  # fmt: skip
    return (
        _suggest(case, "watch", "no data",
                 (str(gate), "Read the regrowth of every patch before the next session."),
                 gate.rules),
        _suggest(case, "stop", "no data", (str(gate), "Or end the course if it cannot be read."),
                 gate.rules),
    )  # fmt: skip


# ---- rows 7-10: the response --------------------------------------------------------------------


def _late(case: Case) -> _Options:
    gate, goal = case.gate(_WEEK_24), case.gate(_GOAL)
    if gate.reached == "missed":
        return _no_response(case, gate)
    if gate.reached != "passed" or goal.reached != "missed":
        return ()
    rules, why = (*gate.rules, *goal.rules), (str(gate), str(goal))
    stop = _suggest(case, "stop", "partial response",
                    (*why, "Stop, and review the choice of treatment (the protocol's gate, "
                           f"{goal.source})."), rules)  # fmt: skip
    refer = _suggest(case, "refer", "partial response", (*why, "Or refer for another."), rules)
    return _by_forecast(case, case.goal_chances, "partial response", why, rules, (stop, refer))


def _no_response(case: Case, gate: GateReview) -> _Options:
    why, rules = (str(gate),), gate.rules
    ends = f"Further injections are unlikely to help ({_cite(rules[0])})."
    refer = _suggest(case, "refer", "no response", (*why, ends), rules)
    stop = _suggest(case, "stop", "no response", (*why, "Stop the injections, and watch."), rules)
    if case.stronger is None or not _worth(case.chances.get(STEP_UP)):
        return (refer, stop)
    step = _step(case, "no response", (*why, *_gain(case, case.chances)), rules)
    return (refer, stop, step)


def _early(case: Case) -> _Options:
    gate = case.gate(_WEEK_12)
    if gate.reached != "missed" or case.gate(_WEEK_24).reached != "open":
        return ()
    why, rules = (str(gate),), gate.rules
    change = f"Add or change treatment ({_cite(rules[0])})."
    refer = _suggest(case, "refer", "no response", (*why, change), rules)
    stop = _suggest(case, "stop", "no response", (*why, "Or stop, and watch."), rules)
    if _going_on(case.chances):
        return _by_forecast(case, case.chances, "no response", why, rules, (refer, stop))
    if case.stronger is None:
        return (refer, stop)
    return (_step(case, "no response", why, rules), refer)


def _by_forecast(
    case: Case,
    chances: Mapping[str, Chance],
    ground: Ground,
    why: tuple[str, ...],
    rules: tuple[str, ...],
    last: _Options,
) -> _Options:
    """Step up if clearly better, go on if worth it, else the last resorts; go on unforeseen."""
    now = _going_on(chances)
    gain = _gain(case, chances)
    step = _step(case, ground, (*why, *gain), rules)
    least = load_review_rows().number("worth", "%")
    if now is None:
        on = _suggest(case, "go on", ground, (*why, "Judged by what was seen alone."), rules)
        return (on, last[0])
    if _clearly_better(case, chances):
        on = _suggest(case, "go on", ground, (*why, f"Or as now: {now}."), rules)
        return (step, on, last[0])
    if _worth(now):
        text = f"Going on has a chance worth it: {now}; {least:.0f} % is asked for (assumed)."
        return (_suggest(case, "go on", ground, (*why, text), rules), last[0])
    text = f"Going on has little chance: {now}; {least:.0f} % is asked for (assumed)."
    on = _suggest(case, "go on", ground, (*why, text), rules)
    first = _suggest(case, last[0].action, ground, (*last[0].why, text), rules)
    return (first, last[1], on)


def _on_course(case: Case) -> _Options:
    judged = [gate for gate in case.gates if gate.reached in ("passed", "missed")]
    ahead = [gate for gate in case.gates if gate.reached == "open"]
    rules = tuple(dict.fromkeys(rule for gate in (*judged, *ahead) for rule in gate.rules))
    why = tuple(map(str, (*judged, *ahead[:1])))
    go_on = _suggest(case, "go on", "on course", why, rules)
    idle = case.chances.get(UNTREATED)
    waiting = "Or watch without injections" + (f": {idle}." if idle else ".")
    watch = _suggest(case, "watch", "on course", (*why[-1:], waiting), rules)
    if _clearly_better(case, case.chances):
        gain = _gain(case, case.chances)
        return (go_on, _step(case, "on course", (*why[-1:], *gain), rules), watch)
    return (go_on, watch)


def _suggest(
    case: Case, action: Action, ground: Ground, why: tuple[str, ...], rules: tuple[str, ...]
) -> Suggestion:
    if action in ("go on", "step up"):
        out = [one for one in case.patches if not one.treat]
        why = (*why, *(f"Leave out {one.patch}. {' '.join(one.why)}" for one in out))
        rules = (*rules, *(rule for one in out for rule in one.rules))
    return Suggestion(action, ground, why, tuple(dict.fromkeys(rules)), case.words)


def _step(case: Case, ground: Ground, why: tuple[str, ...], rules: tuple[str, ...]) -> Suggestion:
    source = load_review_rows().step_source
    strength = "" if case.stronger is None else f" to {case.stronger:g} mg/mL"
    text = f"Step up{strength} while the skin is sound, and review in 12 weeks ({source})."
    return _suggest(case, "step up", ground, (*why, text), rules)


def _going_on(chances: Mapping[str, Chance]) -> Chance | None:
    """Chance of going on as now; under that name, or the first plan that is not another one's."""
    others = (name for name in chances if name not in (UNTREATED, STEP_UP, "stop"))
    return chances.get(GO_ON) or chances.get(next(others, ""))


def _worth(chance: Chance | None) -> bool:
    return chance is not None and chance.chance >= load_review_rows().number("worth", "1")


def _clearly_better(case: Case, chances: Mapping[str, Chance]) -> bool:
    now, up = _going_on(chances), chances.get(STEP_UP)
    if now is None or up is None or case.stronger is None:
        return False
    return _worth(up) and up.chance - now.chance >= load_review_rows().number("better", "1")


def _gain(case: Case, chances: Mapping[str, Chance]) -> tuple[str, ...]:
    """Say what stepping up would change; nothing when that is not forecast."""
    now, up = _going_on(chances), chances.get(STEP_UP)
    if now is None or up is None:
        return ()
    points = convert(up.chance - now.chance, "1", "%")
    least = load_review_rows().number("better", "%")
    return (f"Chances: {up}; {now}: {points:+.0f} points, {least:.0f} count as better (assumed).",)


def _said(finding: Finding) -> str:
    return f"{finding.message} {finding.remedy} (rule {finding.rule}, {finding.source})"


def _cite(rule: str) -> str:
    from anagen.evidence.rules import load_rules

    return f"rule {rule}, {load_rules()[rule].source}"


_Rung = Callable[[Case], _Options]
_COURSE: tuple[_Rung, ...] = (_not_begun, _no_data, _late, _early, _on_course)
_TABLE: tuple[_Rung, ...] = (_danger, _closed, _extent, _complete, _course)
