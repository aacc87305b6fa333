"""Checks of the calendar: visits and their windows, courses, gates, rescue, follow-up."""

from collections.abc import Iterator
from itertools import pairwise

from anagen.patient.positions import Path
from anagen.trials.lint_found import Lint, error, inform, share_problem, warn
from anagen.trials.protocol import (
    Protocol,
    Treatment,
    Visit,
    end_week,
    is_untreated,
    last_session_week,
    strongest,
)

_WEEK = 7.0  # days


def visits(protocol: Protocol) -> Iterator[Lint]:
    """No visit, none at the start, visits out of order, windows that overlap."""
    if not protocol.visits:
        yield error(
            ("visits",),
            "at least one visit",
            "none",
            "Add them: visits = [{ week = 0 }, { week = 12, window_days = 7 }]",
        )
        return
    for index, visit in enumerate(protocol.visits):
        if visit.week < 0.0:
            yield error(
                ("visits", index, "week"),
                "a week from randomisation on, 0 or later",
                f"{visit.week:g}",
                "Correct it.",
            )
        if visit.window_days < 0.0:
            yield error(
                ("visits", index, "window_days"),
                "0 days or more",
                f"{visit.window_days:g}",
                "Write how many days earlier or later.",
            )
    if all(visit.week != 0.0 for visit in protocol.visits):
        yield warn(
            ("visits",),
            "a visit at week 0, with which later ones are compared",
            f"the first in week {protocol.visits[0].week:g}",
            "Add { week = 0 }.",
        )
    for index, (before, after) in enumerate(pairwise(protocol.visits), start=1):
        yield from _neighbours(index, before, after)


def _neighbours(index: int, before: Visit, after: Visit) -> Iterator[Lint]:
    if after.week <= before.week:
        yield error(
            ("visits", index, "week"),
            f"a later week than {before.week:g}, the one before",
            f"{after.week:g}",
            "Put the visits in order, each week once.",
        )
        return
    free = (after.week - before.week) * _WEEK
    taken = max(before.window_days, 0.0) + max(after.window_days, 0.0)
    if taken >= free:
        yield error(
            ("visits", index, "window_days"),
            f"windows of together less than the {free:g} days between weeks "
            f"{before.week:g} and {after.week:g}",
            f"{taken:g} days, so that they overlap",
            "Narrow the windows, or move the visits apart.",
        )


def courses(protocol: Protocol) -> Iterator[Lint]:
    """Sessions that may overlap, and courses longer than was ever simulated."""
    from anagen.population.condition_data import load_condition_data

    window = protocol.conduct.session_window_days
    for index, arm in enumerate(protocol.arms):
        free = arm.treatment.interval_weeks * _WEEK
        several = arm.treatment.sessions > 1 and not is_untreated(arm.treatment)
        if several and 0.0 < free <= 2.0 * window:
            yield error(
                ("conduct", "session_window_days"),
                f"less than half of the {free:g} days between sessions of arms[{index}]",
                f"{window:g} days, so that two sessions may fall together",
                "Narrow the window.",
            )
    longest = load_condition_data().value("most_weeks")
    if end_week(protocol) > longest:
        yield warn(
            ("follow_up_weeks",),
            f"a trial of at most {longest:g} weeks, the longest course "
            "that the model was held against",
            f"{end_week(protocol):g} weeks",
            "Shorten the courses or the follow-up, or read the end with care.",
        )


def steps_and_stops(protocol: Protocol) -> Iterator[Lint]:
    """Rules that decide without a reading, after the last session, or not at all."""
    for index, arm in enumerate(protocol.arms):
        path: Path = ("arms", index, "treatment")
        treatment, last = arm.treatment, last_session_week(arm)
        for at, step in enumerate(treatment.steps):
            here = (*path, "steps", at)
            yield from _decision(protocol, (*here, "week"), step.week, last, "step")
            yield from share_problem(
                (*here, "if_regrowth_below"), step.if_regrowth_below, "a share of regrowth"
            )
        for at, stop in enumerate(treatment.stops):
            here = (*path, "stops", at)
            yield from _decision(protocol, (*here, "week"), stop.week, last, "stop")
            given = [
                name
                for name in ("if_regrowth_below", "if_regrowth_at_least")
                if getattr(stop, name) is not None
            ]
            if len(given) != 1:
                yield error(
                    here,
                    "one of if_regrowth_below and if_regrowth_at_least",
                    "both" if given else "neither",
                    "Write one; add another stop for two.",
                )
            for name in given:
                yield from share_problem((*here, name), getattr(stop, name), "a share of regrowth")
        yield from _order_of_steps(path, treatment)


def _decision(
    protocol: Protocol, path: Path, week: float, last: float, what: str
) -> Iterator[Lint]:
    if week <= 0.0:
        yield error(
            path,
            f"a {what} after the first session",
            f"week {week:g}",
            "Name the week of a later visit.",
        )
    elif not week.is_integer():
        yield error(path, f"a {what} in a whole week", f"week {week:g}", "Round it.")
    elif all(visit.week != week for visit in protocol.visits):
        yield error(
            path,
            f"the week of a visit, {_weeks(protocol)}",
            f"week {week:g}",
            f"Add a visit in week {week:g}; a {what} is decided by a reading.",
        )
    if week > last:
        yield error(
            path,
            f"a {what} up to week {last:g}, that of the last session",
            f"week {week:g}",
            "Move it forward, add sessions, or remove it: it changes nothing.",
        )


def _order_of_steps(path: Path, treatment: Treatment) -> Iterator[Lint]:
    for at, (before, after) in enumerate(pairwise(treatment.steps), start=1):
        if after.week <= before.week:
            yield error(
                (*path, "steps", at, "week"),
                f"a later week than {before.week:g}",
                f"{after.week:g}",
                "Put the steps in order, each week once.",
            )
    given = treatment.strength_mg_per_mL
    for at, step in enumerate(treatment.steps):
        if step.strength_mg_per_mL == given:
            yield warn(
                (*path, "steps", at, "strength_mg_per_mL"),
                "another strength than before",
                f"{step.strength_mg_per_mL:g} mg/mL again",
                "Change or remove it.",
            )
        elif step.strength_mg_per_mL < given:
            yield inform(
                (*path, "steps", at, "strength_mg_per_mL"),
                f"more than the {given:g} mg/mL before, as regrowth is poor",
                f"{step.strength_mg_per_mL:g} mg/mL",
                "Correct it, unless it is meant.",
            )
        given = step.strength_mg_per_mL


def rescues(protocol: Protocol) -> Iterator[Lint]:
    """Rescue that is decided without a reading, or goes on after the trial."""
    end = end_week(protocol)
    for index, arm in enumerate(protocol.arms):
        rescue, path = arm.rescue, ("arms", index, "rescue")
        if rescue is None:
            continue
        yield from share_problem(
            (*path, "if_regrowth_below"), rescue.if_regrowth_below, "a share of regrowth"
        )
        at_visit = any(visit.week == rescue.week for visit in protocol.visits)
        if not at_visit or rescue.week <= 0.0 or not rescue.week.is_integer():
            yield error(
                (*path, "week"),
                f"the whole week of a visit after 0, {_weeks(protocol)}",
                f"week {rescue.week:g}",
                "Add the visit; rescue follows a reading.",
            )
        last = rescue.week + max(rescue.sessions - 1, 0) * max(rescue.interval_weeks, 0.0)
        if last > end:
            yield error(
                (*path, "sessions"),
                f"rescue that ends by week {end:g}, as the trial does",
                f"its last session in week {last:g}",
                "Shorten the rescue, or follow people longer.",
            )
        if rescue.strength_mg_per_mL <= strongest(arm.treatment):
            yield inform(
                (*path, "strength_mg_per_mL"),
                "more than the arm has had already",
                f"{rescue.strength_mg_per_mL:g} mg/mL",
                "Raise it, unless it is meant.",
            )


def follow_up(protocol: Protocol) -> Iterator[Lint]:
    """Find a follow-up that is none, and visits after it."""
    if protocol.follow_up_weeks < 0.0:
        yield error(
            ("follow_up_weeks",),
            "0 weeks or more",
            f"{protocol.follow_up_weeks:g}",
            "Write how long people are seen after the last session.",
        )
        return
    end = end_week(protocol)
    for index, visit in enumerate(protocol.visits):
        if visit.week > end and protocol.arms:
            yield error(
                ("visits", index, "week"),
                f"visits up to week {end:g}, {protocol.follow_up_weeks:g} "
                "weeks after the last session",
                f"week {visit.week:g}",
                f"Write follow_up_weeks = {protocol.follow_up_weeks + visit.week - end:g}, "
                "or remove the visit.",
            )


def _weeks(protocol: Protocol) -> str:
    listed = ", ".join(f"{visit.week:g}" for visit in protocol.visits[:12])
    return f"one of {listed}" if listed else "of which there is none"
