"""Checks of what counts and how it is read: endpoints, raters, people lost."""

from collections.abc import Iterator, Mapping

from anagen.evidence.scales import Scale, load_scales
from anagen.patient.positions import Path
from anagen.patient.vocabulary import nearest
from anagen.trials.lint_found import Lint, error, inform, share_problem, warn
from anagen.trials.protocol import BETTER, Endpoint, Protocol, end_week, last_session_week

_FEWEST_LEFT = 0.5  # share of people at the end below which a reader should be warned
_HUNDRED = 100.0


def endpoints(protocol: Protocol) -> Iterator[Lint]:
    """No endpoint or none that decides, impossible thresholds, scales of something else."""
    if not protocol.endpoints:
        yield error(
            ("endpoints",),
            "at least one endpoint",
            "none",
            "Add one, [[endpoints]], with measure, week and primary = true.",
        )
        return
    primary = [index for index, row in enumerate(protocol.endpoints) if row.primary]
    if not primary:
        yield error(
            ("endpoints",),
            "one primary endpoint",
            "none",
            "Write primary = true in the one by which the trial is judged.",
        )
    for index in primary[1:]:
        yield warn(
            ("endpoints", index, "primary"),
            "one primary endpoint",
            "another one",
            "Keep one, or correct the level for several tests.",
        )
    for index, endpoint in enumerate(protocol.endpoints):
        path: Path = ("endpoints", index)
        yield from _threshold(path, endpoint)
        yield from _scale(path, endpoint)
        if endpoint.direction != BETTER[endpoint.measure]:
            yield inform(
                (*path, "direction"),
                f"'{BETTER[endpoint.measure]}', as {endpoint.measure} is usually read",
                f"'{endpoint.direction}'",
                "Correct it, unless it is meant.",
            )


def _threshold(path: Path, endpoint: Endpoint) -> Iterator[Lint]:
    here, value = (*path, "threshold"), endpoint.threshold
    if endpoint.measure == "time_to_regrowth" and value is None:
        yield error(path, "a threshold of regrowth to wait for", "none", "Write threshold = 0.5.")
    elif endpoint.measure == "relapse" and value is not None:
        yield warn(
            here,
            "no threshold; a relapse is one by the model of relapse",
            f"{value:g}",
            "Leave it out.",
        )
    elif endpoint.measure == "salt":
        if value is not None and not 0.0 <= value <= _HUNDRED:
            yield error(here, "a SALT from 0 to 100 percent", f"{value:g}", "Write it in percent.")
    else:
        yield from share_problem(here, value, "a threshold")


def _scale(path: Path, endpoint: Endpoint) -> Iterator[Lint]:
    if endpoint.scale is None:
        return
    scales = load_scales()
    fitting: Mapping[str, Scale] = {
        "salt": scales.classes,
        "regrowth": scales.regrowth,
        "time_to_regrowth": scales.regrowth,
    }.get(endpoint.measure, {})
    here = (*path, "scale")
    scale = fitting.get(endpoint.scale)
    if not fitting:
        yield error(
            here,
            f"no scale, as none grades {endpoint.measure}",
            f"'{endpoint.scale}'",
            "Leave it out.",
        )
    elif scale is None:
        meant = nearest(endpoint.scale, fitting)
        yield error(
            here,
            f"a scale of {endpoint.measure}, one of {', '.join(fitting)}",
            f"'{endpoint.scale}'",
            f"Did you mean '{meant}'?" if meant else "Name one of them.",
        )
    elif endpoint.threshold is not None:
        ends = sorted({end for grade in scale.grades for end in (grade.lower, grade.upper)})
        if endpoint.threshold not in ends:
            listed = ", ".join(f"{end:g}" for end in ends)
            yield warn(
                (*path, "threshold"),
                f"where a grade of '{endpoint.scale}' ends, one of {listed}",
                f"{endpoint.threshold:g}, inside a grade",
                "Choose one, or leave the scale out.",
            )


def endpoint_times(protocol: Protocol) -> Iterator[Lint]:
    """Endpoints that nobody reads, before the treatment has ended or after the trial has."""
    weeks = [visit.week for visit in protocol.visits]
    end = end_week(protocol)
    for index, endpoint in enumerate(protocol.endpoints):
        here: Path = ("endpoints", index, "week")
        if endpoint.week <= 0.0:
            yield error(here, "a week after randomisation", f"{endpoint.week:g}", "Correct it.")
            continue
        if weeks and endpoint.week not in weeks:
            listed = ", ".join(f"{week:g}" for week in weeks[:12])
            yield error(
                here,
                f"the week of a visit, one of {listed}",
                f"{endpoint.week:g}",
                f"Add a visit in week {endpoint.week:g}, or move the endpoint.",
            )
        if endpoint.week > end and protocol.arms:
            yield error(
                here,
                f"a week up to {end:g}, when follow-up ends",
                f"{endpoint.week:g}",
                f"Write follow_up_weeks = {protocol.follow_up_weeks + endpoint.week - end:g}, "
                "or move the endpoint.",
            )
        yield from _before_last_session(protocol, here, endpoint)
    latest = max((endpoint.week for endpoint in protocol.endpoints), default=None)
    if weeks and latest is not None and latest < weeks[-1]:
        yield error(
            ("visits", len(weeks) - 1, "week"),
            f"an endpoint at the last visit, week {weeks[-1]:g}",
            f"the last endpoint in week {latest:g}",
            "Add an endpoint there, or remove the visits that nothing is read from.",
        )


def _before_last_session(protocol: Protocol, path: Path, endpoint: Endpoint) -> Iterator[Lint]:
    late = [arm for arm in protocol.arms if last_session_week(arm) > endpoint.week]
    if not late:
        return
    last = max(last_session_week(arm) for arm in late)
    names = ", ".join(arm.key for arm in late)
    kind = error if endpoint.primary else inform
    yield kind(
        path,
        f"a week from {last:g} on, when the last session is given",
        f"{endpoint.week:g}, before the last session of {names}",
        "Move the endpoint, or give fewer sessions."
        if endpoint.primary
        else "Move it, unless an early reading is meant.",
    )


def conduct(protocol: Protocol) -> Iterator[Lint]:
    """Chances that are none, too few raters, a trial that nobody finishes."""
    held = protocol.conduct
    if held.raters < 1:
        yield error(
            ("conduct", "raters"), "at least one rater", f"{held.raters}", "Write 1 or more."
        )
    for name, what in (
        ("rater_error", "a standard deviation as a share"),
        ("missed_visit", "a chance"),
        ("dropout_per_week", "a chance"),
    ):
        yield from share_problem(("conduct", name), getattr(held, name), what)
    if held.missed_visit == 1.0:
        yield error(
            ("conduct", "missed_visit"),
            "a chance below 1",
            "1: nobody is ever seen",
            "Write the chance that one visit is missed.",
        )
    if held.dropout_if_poor <= 0.0:
        yield error(
            ("conduct", "dropout_if_poor"),
            "a factor above 0",
            f"{held.dropout_if_poor:g}",
            "Write 1 when response does not matter, 2 for twice the odds.",
        )
    if held.session_window_days < 0.0:
        yield error(
            ("conduct", "session_window_days"),
            "0 days or more",
            f"{held.session_window_days:g}",
            "Correct it.",
        )
    left = (
        (1.0 - held.dropout_per_week) ** max(end_week(protocol), 0.0)
        if 0.0 <= held.dropout_per_week <= 1.0
        else 1.0
    )
    if left < _FEWEST_LEFT:
        yield warn(
            ("conduct", "dropout_per_week"),
            "half of the people or more at the end",
            f"about {100 * left:.0f} % after {end_week(protocol):g} weeks",
            "Is the chance that of a week, not of the whole trial?",
        )
