"""Checks of what is injected: products, numbers that can be meant, limits of the rules."""

import math
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from anagen.errors import InputError
from anagen.evidence.equivalents import triamcinolone_per_mg
from anagen.evidence.products import load_products
from anagen.patient.positions import Path
from anagen.patient.vocabulary import nearest
from anagen.treatment.validation import plausible
from anagen.trials.lint_found import Finder, Lint, error, inform, share_problem, warn
from anagen.trials.protocol import (
    MOST_HORIZON,
    NO_INJECTION,
    Arm,
    Guided,
    Protocol,
    Treatment,
    is_untreated,
    last_session_week,
)

if TYPE_CHECKING:
    from anagen.evidence.rules import Profile
    from anagen.treatment.binding import BindingLimit, SessionDesign

_WEEK = 7.0  # days
_LEAST_GUIDED = 2  # sessions; the forecast chooses from the second on
_ROUNDING = 1e-9
# [mg/mL]; stands for saline, since a session in outline has to have a strength.
_VANISHING = 1e-9
_OF_ANY_FLUID = {"mL_per_site", "mL_per_session", "sites_per_session"}
# Rules only compare days; which day the first session falls on does not matter.
_SOME_DAY = date(2001, 1, 1)
_SEVERITIES: dict[str, Finder] = {"block": error, "warn": warn, "inform": inform}
_FIELDS = {
    "mL_per_site": "volume_mL",
    "spacing_mm": "spacing_mm",
    "interval_days": "interval_weeks",
    "sessions_in_course": "sessions",
}


def products(protocol: Protocol) -> Iterator[Lint]:
    """Unknown products, strengths that no vial gives, arms without injection that inject."""
    known = load_products()
    steroids = [key for key, product in known.items() if "steroid" in product.roles]
    for index, arm in enumerate(protocol.arms):
        treatment, path = arm.treatment, ("arms", index, "treatment")
        product = known.get(treatment.product)
        if is_untreated(treatment):
            yield from _nothing_given(arm, index)
        elif product is None or not {"steroid", "control"} & set(product.roles):
            choices = [*steroids, "saline", NO_INJECTION]
            meant = nearest(treatment.product, choices)
            yield error(
                (*path, "product"),
                f"one of {', '.join(choices)}",
                f"'{treatment.product}'",
                f"Did you mean '{meant}'?" if meant else "Name one of them.",
            )
        elif "steroid" in product.roles:
            yield from _too_strong(arm, index, product.strength_mg_per_mL)
        elif _worst(arm)[1] > 0.0:
            yield error(
                (*path, "product"),
                f"a steroid, one of {', '.join(steroids)}",
                f"'{treatment.product}' of {_worst(arm)[1]:g} mg/mL",
                "Name the product, or write strength_mg_per_mL = 0.",
            )


def _too_strong(arm: Arm, index: int, vial: float) -> Iterator[Lint]:
    """Strengths beyond that of the vial [mg/mL]."""
    for at, strength in _strengths(arm):
        if strength > vial:
            yield error(
                ("arms", index, *at),
                f"at most {vial:g} mg/mL, as in the vial of {arm.treatment.product}",
                f"{strength:g} mg/mL",
                "Name a stronger product, or lower the strength.",
            )


def _nothing_given(arm: Arm, index: int) -> Iterator[Lint]:
    names = ("strength_mg_per_mL", "sessions", "steps", "stops", "guided")
    given: list[Path] = [("treatment", name) for name in names if getattr(arm.treatment, name)]
    given += [("rescue",)] if arm.rescue else []
    if given:
        yield error(
            ("arms", index, *given[0]),
            f"nothing to inject, as the product is '{NO_INJECTION}'",
            ", ".join(str(path[-1]) for path in given),
            "Write 0 or leave it out, or name a product; strength 0 of a product is saline.",
        )


def techniques(protocol: Protocol) -> Iterator[Lint]:
    """Find arms that inject otherwise than the first, where one person gets them all."""
    injected = [
        (index, arm.treatment)
        for index, arm in enumerate(protocol.arms)
        if not is_untreated(arm.treatment)
    ]
    if protocol.design != "within" or not injected:
        return
    first = injected[0][1]
    for index, treatment in injected[1:]:
        for name in ("product", "volume_mL", "spacing_mm", "depth_mm"):
            wanted, given = getattr(first, name), getattr(treatment, name)
            if wanted != given:
                remedy = "Make the arms alike, or compare them in parallel."
                if given == "saline":
                    remedy = f'Write product = "{wanted}" with strength 0; that is saline.'
                yield error(
                    ("arms", index, "treatment", name),
                    f"{_word(wanted)} as in arms[{injected[0][0]}], as one needle treats a person",
                    _word(given),
                    remedy,
                )


def _word(value: float | str) -> str:
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"


def numbers(protocol: Protocol) -> Iterator[Lint]:
    """Volumes, depths, intervals ... that cannot be meant."""
    for index, arm in enumerate(protocol.arms):
        treatment = arm.treatment
        if is_untreated(treatment):
            continue
        path: Path = ("arms", index, "treatment")
        for at, strength in _strengths(arm):
            yield from _plausible(("arms", index, *at), strength, "injection.strength")
        for name, row in (
            ("volume_mL", "injection.volume"),
            ("depth_mm", "injection.depth"),
            ("spacing_mm", "placement.spacing"),
            ("sessions", "plan.sessions"),
        ):
            yield from _plausible((*path, name), getattr(treatment, name), row)
        if treatment.sessions > 1:
            yield from _interval((*path, "interval_weeks"), treatment.interval_weeks)
        choices = treatment.guided.interval_weeks if treatment.guided else ()
        for number, weeks in enumerate(choices):
            yield from _interval((*path, "guided", "interval_weeks", number), weeks)
        if arm.rescue is not None:
            rescued: Path = ("arms", index, "rescue")
            yield from _plausible((*rescued, "sessions"), arm.rescue.sessions, "plan.sessions")
            yield from _interval((*rescued, "interval_weeks"), arm.rescue.interval_weeks)


def guided(protocol: Protocol) -> Iterator[Lint]:
    """Find a guided dose without choices or readings, or with rules of its own beside it."""
    for index, arm in enumerate(protocol.arms):
        own, path = arm.treatment.guided, ("arms", index, "treatment", "guided")
        if own is None:
            continue
        if protocol.unit != "patient":
            yield error(
                path,
                "people who are treated as a whole beside a guided dose",
                f"unit '{protocol.unit}'",
                "Compare people in parallel; guided patches or quadrants are not built.",
            )
        if not own.strengths_mg_per_mL:
            yield error(
                (*path, "strengths_mg_per_mL"),
                "at least one strength to choose from",
                "none",
                "Write for example [2.5, 5.0, 10.0].",
            )
        if arm.treatment.steps:
            yield error(
                ("arms", index, "treatment", "steps"),
                "no steps beside a guided dose",
                f"{len(arm.treatment.steps)}",
                "Remove the steps or 'guided'.",
            )
        yield from share_problem((*path, "target"), own.target, "a share of regrowth")
        yield from share_problem((*path, "enough_chance"), own.enough_chance, "a chance")
        yield from _guided_times(protocol, index, arm.treatment, own)


def _guided_times(
    protocol: Protocol, index: int, treatment: Treatment, own: Guided
) -> Iterator[Lint]:
    """Find decisions without a reading, between weeks or too close, and horizons that are none."""
    path: Path = ("arms", index, "treatment")
    last = last_session_week(protocol.arms[index])
    if treatment.sessions < _LEAST_GUIDED or all(not 0 < v.week <= last for v in protocol.visits):
        yield error(
            (*path, "guided"),
            "a second session, and a visit after the start at which the forecast gets a reading",
            f"{treatment.sessions} sessions, no visit from week 0 to {last:g}",
            "Add a session, or a visit in the week of one.",
        )
    intervals = [((*path, "interval_weeks"), treatment.interval_weeks)]
    intervals += [((*path, "guided", "interval_weeks", number), weeks)
                  for number, weeks in enumerate(own.interval_weeks)]  # fmt: skip
    window = protocol.conduct.session_window_days
    for at, weeks in intervals:
        if not weeks.is_integer():
            yield error(at, "whole weeks beside a guided dose", f"{weeks:g} weeks", "Round it.")
        elif "guided" in at and 0.0 < weeks * _WEEK <= 2.0 * window:
            yield error(
                at,
                f"more than twice the window of {window:g} days between sessions",
                f"{weeks:g} weeks",
                "Narrow conduct.session_window_days, or drop this interval.",
            )
    least = last if own.horizon_from == "start" else 0.0
    if not least < own.horizon_weeks <= MOST_HORIZON:
        yield error(
            (*path, "guided", "horizon_weeks"),
            f"a time after the last decision, in week {last:g}, up to {MOST_HORIZON} weeks"
            if least
            else f"a time after the decision, above 0 weeks and up to {MOST_HORIZON}",
            f"{own.horizon_weeks:g}",
            "Write for example 24.",
        )


def limits(protocol: Protocol, profile: "Profile | str | None" = None) -> Iterator[Lint]:
    """Doses, volumes, intervals ... beyond the limits of a profile of rules.

    What a session adds up to is judged for the studied patch alone: at the smallest patch that is
    taken as the rule says; where only the largest patch passes a limit that blocks, as a warning.
    """
    from anagen.treatment.profiles import load_profile

    chosen = load_profile(profile) if profile is None or isinstance(profile, str) else profile
    if list(numbers(protocol)):
        return  # what cannot be meant is not held against limits too
    known = load_products()
    injected = [
        (index, arm) for index, arm in enumerate(protocol.arms) if arm.treatment.product in known
    ]
    for index, arm in injected:
        for limit in _passed([_design(arm)], chosen):
            if limit.grows_with != "sites":
                kind = _SEVERITIES[limit.severity]
                yield _over(limit, chosen, _place(limit, index, arm), kind)
    groups = [injected] if protocol.design == "within" else [[each] for each in injected]
    for group in groups:
        if group:
            yield from _sessions(protocol, group, chosen)


def _sessions(
    protocol: Protocol, group: list[tuple[int, Arm]], profile: "Profile"
) -> Iterator[Lint]:
    """Limits on what one session of a person adds up to."""
    diameters = protocol.eligibility.patch_diameter_mm
    share = 0.25 if protocol.unit == "quadrant" else 1.0
    path: Path = ("arms", group[0][0], "treatment") if len(group) == 1 else ("arms",)
    told = set()
    for diameter, cap in (
        (diameters.low if diameters else None, False),
        (diameters.high if diameters else None, True),
    ):
        if diameter is None and cap:
            continue
        designs = [_design(arm, _sites(arm, diameter or 0.0, share)) for _, arm in group]
        for limit in _passed(designs, profile):
            if limit.grows_with == "sites" and limit.rule not in told:
                told.add(limit.rule)
                kind = _SEVERITIES[limit.severity]
                capped = warn if cap and kind is error else kind
                largest = f" in a patch of {diameter:g} mm" if diameter else ""
                yield _over(limit, profile, path, capped, largest)


def _passed(designs: "list[SessionDesign]", profile: "Profile") -> "list[BindingLimit]":
    from anagen.treatment.binding import which_limit_binds_first
    from anagen.treatment.facts import Facts

    found = which_limit_binds_first(_together(designs), Facts(on=_SOME_DAY), profile)
    rules = {rule.key: rule for rule in profile.rules}
    drug = any(design.strength_mg_per_mL > _VANISHING for design in designs)
    return [
        limit
        for limit in found
        if limit.fraction > 1.0 + rules[limit.rule].tolerance + _ROUNDING
        and (drug or limit.measure in _OF_ANY_FLUID)
    ]


def _together(designs: "list[SessionDesign]") -> "SessionDesign":
    """One session of the same sites, volume and steroid as several at once."""
    from anagen.treatment.binding import SessionDesign

    if len(designs) == 1:
        return designs[0]
    sites = sum(design.sites for design in designs)
    volume = math.fsum(design.sites * design.volume_mL for design in designs)
    steroid = math.fsum(design.sites * design.dose_mg for design in designs)
    return SessionDesign(
        volume_mL=volume / sites,
        strength_mg_per_mL=steroid / volume,
        spacing_mm=min(design.spacing_mm for design in designs),
        sites=sites,
        sessions=max(design.sessions for design in designs),
        interval_days=min((d.interval_days for d in designs if d.interval_days), default=None),
    )


def _design(arm: Arm, sites: int = 1) -> "SessionDesign":
    from anagen.treatment.binding import SessionDesign

    treatment, rescue = arm.treatment, arm.rescue
    intervals = [treatment.interval_weeks] if treatment.sessions > 1 else []
    intervals += treatment.guided.interval_weeks if treatment.guided else ()
    intervals += [rescue.interval_weeks] if rescue else []
    return SessionDesign(
        volume_mL=treatment.volume_mL,
        strength_mg_per_mL=max(_equivalent(arm), _VANISHING),
        spacing_mm=treatment.spacing_mm,
        sites=sites,
        sessions=treatment.sessions + (rescue.sessions if rescue else 0),
        interval_days=_WEEK * min(intervals) if intervals else None,
    )


def _equivalent(arm: Arm) -> float:
    """Greatest strength [mg/mL] as triamcinolone; 0 for what is no steroid or not known."""
    product = arm.treatment.product
    if product not in load_products():
        return 0.0
    return _worst(arm)[1] * triamcinolone_per_mg(product)


def _sites(arm: Arm, diameter: float, share: float) -> int:
    area = math.pi / 4.0 * diameter * diameter * share
    return max(1, round(area / arm.treatment.spacing_mm**2))


def _place(limit: "BindingLimit", index: int, arm: Arm) -> Path:
    name = _FIELDS.get(limit.measure)
    if name is None:
        return ("arms", index, *_worst(arm)[0])
    return ("arms", index, "treatment", name)


def _over(
    limit: "BindingLimit", profile: "Profile", path: Path, kind: Finder, where: str = ""
) -> Lint:
    rule = profile.rule(limit.rule)
    least = rule is not None and rule.comparison.startswith("<")
    unit = {"1": "", "day": " days"}.get(limit.unit, f" {limit.unit}")
    expected = (
        f"at {'least' if least else 'most'} {limit.limit:g}{unit} "
        f"({limit.rule}: {limit.source}, {limit.jurisdiction})"
    )
    remedy = "Change it, or keep it as the question of the trial."
    if kind is error:
        remedy = "Change it, or judge it by another profile of rules."
    return kind(path, expected, f"{limit.used:.4g}{unit}{where}", remedy)


def _strengths(arm: Arm) -> list[tuple[Path, float]]:
    """Every strength that the arm may give [mg/mL], with its path inside the arm."""
    treatment, inside = arm.treatment, "treatment"
    own: list[tuple[Path, float]] = [((inside, "strength_mg_per_mL"), treatment.strength_mg_per_mL)]
    own += [
        ((inside, "steps", at, "strength_mg_per_mL"), step.strength_mg_per_mL)
        for at, step in enumerate(treatment.steps)
    ]
    choices = treatment.guided.strengths_mg_per_mL if treatment.guided else ()
    own += [
        ((inside, "guided", "strengths_mg_per_mL", at), choice) for at, choice in enumerate(choices)
    ]
    if arm.rescue is not None:
        own.append((("rescue", "strength_mg_per_mL"), arm.rescue.strength_mg_per_mL))
    return own


def _worst(arm: Arm) -> tuple[Path, float]:
    return max(_strengths(arm), key=lambda row: row[1])


def _interval(path: Path, weeks: float) -> Iterator[Lint]:
    for lint in _plausible(path, weeks * _WEEK, "plan.interval"):
        yield error(path, lint.expected, f"{weeks:g} weeks", "Write it in weeks.")


def _plausible(path: Path, value: float, row: str) -> Iterator[Lint]:
    try:
        plausible(value, row, "")
    except InputError as raised:
        problem = raised.problems[0]
        yield error(path, problem.expected, problem.found, problem.remedy)
