"""The rules engine: what labels, guidelines and experts say about a plan for a person.

Every rule is a row of ``rules.toml`` with its number, jurisdiction and source; a profile selects
rows. A row names a measure (`anagen.treatment.rule_registry.MEASURES`); here its hits become
findings.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from anagen.treatment import rule_checks, rule_person
from anagen.treatment.facts import Facts
from anagen.treatment.findings import Finding, severity_rank
from anagen.treatment.profiles import load_profile
from anagen.treatment.rule_case import Case, PlanLike, SessionLike, make_case
from anagen.treatment.rule_registry import MEASURES, Measured, mentions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anagen.evidence.rules import Condition, Profile, Rule
    from anagen.scalp import Scalp

__all__ = ["check", "holds", "order"]

# Modules that register their measures when they are imported.
_REGISTERED = (rule_checks, rule_person)
# Sums of doses round in the sixteenth digit; no dose is known to the ninth.
_ROUNDING = 1e-9
# Significant digits of a number in a message: from the fewest to the most.
_DIGITS = (3, 10)


def check(
    plan: PlanLike | SessionLike | Sequence[SessionLike],
    facts: Facts,
    profile: "Profile | str | None" = None,
    *,
    positions: "Sequence[NDArray[np.float64] | None] | None" = None,
    scalp: "Scalp | None" = None,
) -> list[Finding]:
    """Check a plan for a person against the rules of a profile.

    Parameters
    ----------
    plan : a plan, one session, or several; an empty list checks the person alone. Skipped
        injections do not count; sessions with given injections are not counted again as history.
    facts : the person on the day of the check.
    profile : a profile or its name; None for ``anagen-default``.
    positions : per session (injection, 3) [mm], when the caller has them; else the sites are
        located on the scalp.
    scalp : the person's scalp; None builds it from the circumference of the head.

    Returns
    -------
    list of Finding
        Gravest first, then in the order of the rules; each with what was measured, the limit,
        unit, jurisdiction, source, place and remedy.

    Raises
    ------
    InputError
        When the profile is unknown, a dose cannot be counted or a site lies off the scalp.

    Examples
    --------
    >>> from datetime import date
    >>> facts = Facts(on=date(2026, 1, 15), age_years=34, allergies=("benzyl alcohol",))
    >>> check([], facts, "us-label")[0].rule
    'allergy'
    """
    case = make_case(plan, facts, positions, scalp)
    chosen = load_profile(profile) if profile is None or isinstance(profile, str) else profile
    return order(finding for rule in chosen.rules for finding in _findings(rule, case))


def order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings, gravest first; equal ones keep their order."""
    return sorted(findings, key=lambda finding: severity_rank(finding.severity))


def holds(rule: "Rule | Condition", measured: Measured) -> bool:
    """Whether a rule or condition speaks about one measured value or text.

    A value within rounding of the number counts as equal to it; within the rule's tolerance it
    counts as allowed.
    """
    if rule.comparison == "present":
        return True
    if rule.comparison == "mentions":
        return measured.found is not None and mentions(measured.found, rule.terms)
    if rule.number is None or measured.value is None:
        return False
    value, number = measured.value, rule.number
    slack = abs(number) * getattr(rule, "tolerance", 0)
    equal = math.isclose(value, number, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    return {
        ">": value > number + slack and not equal,
        ">=": value >= number or equal,
        "<": value < number - slack and not equal,
        "<=": value <= number or equal,
    }[rule.comparison]


def _findings(rule: "Rule", case: Case) -> list[Finding]:
    hits = _hits(rule, case)
    if not hits or not all(_hits(condition, case) for condition in rule.when):
        return []
    groups: dict[str, list[Measured]] = {}
    for hit in hits:
        groups.setdefault(_group(MEASURES[rule.measure].gather, hit), []).append(hit)
    return [_finding(rule, group) for group in groups.values()]


def _hits(rule: "Rule | Condition", case: Case) -> list[Measured]:
    measure = MEASURES[rule.measure]
    return [measured for measured in measure.function(case, rule) if holds(rule, measured)]


def _group(gather: str, hit: Measured) -> str:
    session = hit.place.partition(".injections")[0]
    return {
        "plan": "",
        "session": session,
        "patch": f"{session} {hit.patch}",
        "place": hit.place,
    }[gather]


def _finding(rule: "Rule", hits: Sequence[Measured]) -> Finding:
    worst = _worst(rule, hits)
    first = hits[0] if MEASURES[rule.measure].gather == "plan" else worst
    places = dict.fromkeys([first.place, *(hit.place for hit in hits)])
    patches = {hit.patch for hit in hits}
    message = rule.message.format(
        measured=_figure(worst.value, rule.number),
        limit=_figure(rule.number, None),
        unit=rule.unit,
        found=worst.found,
        patch=worst.patch,
    )
    return Finding(
        rule=rule.key,
        severity=rule.severity,
        kind=rule.kind,
        title=rule.title,
        message=message,
        measured=worst.value,
        limit=rule.number,
        comparison=rule.comparison if rule.number is not None else "",
        unit=rule.unit,
        found=worst.found,
        jurisdiction=rule.jurisdiction,
        source=rule.source,
        locator=rule.locator,
        stated=rule.stated,
        remedy=rule.remedy,
        place=first.place,
        places=tuple(places),
        patch=worst.patch if len(patches) == 1 else None,
        absolute=rule.absolute,
    )


def _worst(rule: "Rule", hits: Sequence[Measured]) -> Measured:
    if rule.number is None:
        return hits[0]
    extreme = max if rule.comparison in (">", ">=") else min
    return extreme(hits, key=lambda hit: hit.value or 0.0)


def _figure(value: float | None, limit: float | None) -> str:
    """Write a number as short as it can be and still differ from the limit."""
    if value is None:
        return "unknown"
    texts = [f"{value:.{digits}g}" for digits in range(*_DIGITS)]
    if limit is None or value == limit:
        return texts[0]
    return next((text for text in texts if float(text) != limit), texts[-1])
