"""What the rules say about a plan: findings, and the overrides a doctor may set against them."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from anagen.errors import InputError, Problem

Severity = Literal["block", "warn", "inform"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

# A reason is a sentence for a colleague: two words of letters, not a filled-in box.
_REASON_CHARACTERS = 10
_PLACEHOLDER = re.compile(
    r"^(n/?a|none|no reason|override|ok|because|test|x+|\W*)\W*$", re.IGNORECASE
)


class Finding(BaseModel):
    """One rule that a plan or a person runs into.

    Parameters
    ----------
    rule : key of the rule in ``rules.toml``.
    severity : ``block``, ``warn`` or ``inform``.
    message : one sentence for a person.
    place : where, for example ``sessions[1].injections[3]``; the worst place when there are many.
    title : the rule in a few words.
    kind : limit, contraindication, interaction, age, pregnancy, gate, technique or record.
    measured : what was measured, in ``unit``; None for a rule about words.
    limit : number of the rule, in ``unit``.
    comparison : how measured stands to limit when the rule speaks, for example ``>``.
    unit : unit of measured and limit; ``1`` for counts.
    found : the words that matched, for a rule about words.
    jurisdiction : where the rule holds, for example ``UK``.
    source : key in ``references.bib``.
    locator : where in the source.
    stated : date or year of the rule.
    remedy : what to do.
    patch : id of the patch, when it is about one patch.
    places : all places, the worst first.
    absolute : whether no reason overrides it.
    overridden_by : the reason that overrides it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rule: str
    severity: Severity
    message: str
    place: str
    title: str = ""
    kind: str = "limit"
    measured: float | None = None
    limit: float | None = None
    comparison: str = ""
    unit: str = "1"
    found: str | None = None
    jurisdiction: str = ""
    source: str = "assumed"
    locator: str = ""
    stated: str = ""
    remedy: str = ""
    patch: str | None = None
    places: tuple[str, ...] = ()
    absolute: bool = False
    overridden_by: str | None = None


class Override(BaseModel):
    """A doctor's reason to go on against a rule.

    Parameters
    ----------
    rule : key of the rule.
    reason : why; a sentence, not a word.
    place : the one place it holds for, as in `Finding.place`; None for every place of the rule.
    author : who takes responsibility.
    on : date of the decision.

    Raises
    ------
    pydantic.ValidationError
        When the reason is empty or says nothing.

    Examples
    --------
    >>> Override(rule="spacing-label", reason="Two small satellites, half the volume each.").rule
    'spacing-label'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str = Field(min_length=1)
    reason: str
    place: str | None = None
    author: str | None = None
    on: date | None = None

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        words = re.findall(r"[^\W\d_]{2,}", reason)
        distinct = len({word.casefold() for word in words}) > 1
        if len(reason.strip()) < _REASON_CHARACTERS or not distinct or _PLACEHOLDER.match(reason):
            raise ValueError("a reason is a sentence that a colleague can judge")
        return reason.strip()


def severity_rank(severity: Severity) -> int:
    """Position of a severity, 0 for the gravest.

    Examples
    --------
    >>> severity_rank("block") < severity_rank("inform")
    True
    """
    return SEVERITIES.index(severity)


def blocked(findings: Sequence[Finding]) -> bool:
    """Whether a blocking finding stands that nobody has overridden.

    Examples
    --------
    >>> blocked([Finding(rule="a", severity="warn", message="m", place="person")])
    False
    """
    return any(f.severity == "block" and f.overridden_by is None for f in findings)


def by_rule(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Group findings by rule, in the order of their first appearance.

    Examples
    --------
    >>> list(by_rule([Finding(rule="a", severity="warn", message="m", place="person")]))
    ['a']
    """
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.rule, []).append(finding)
    return groups


def apply_overrides(findings: Sequence[Finding], overrides: Sequence[Override]) -> list[Finding]:
    """Mark the findings that a doctor's reason overrides.

    Parameters
    ----------
    findings : what `anagen.treatment.rules.check` returned.
    overrides : the reasons. One that matches no finding is ignored: the plan has changed for
        the better since it was written.

    Returns
    -------
    list of Finding
        The same findings in the same order, ``overridden_by`` filled in where a reason holds.

    Raises
    ------
    InputError
        When an override is set against a rule that is absolute, such as an allergy.

    Examples
    --------
    >>> finding = Finding(rule="a", severity="block", message="m", place="person")
    >>> reason = Override(rule="a", reason="Discussed with the endocrinologist.")
    >>> blocked(apply_overrides([finding], [reason]))
    False
    """
    problems = [
        Problem(
            f"overrides[{index}]",
            "a rule that a reason may override",
            f"{override.rule!r}, which is absolute",
            f"Remove the override. {finding.remedy}".strip(),
        )
        for index, override in enumerate(overrides)
        for finding in findings
        if finding.absolute and finding.rule == override.rule and _covers(override, finding)
    ]
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return [_overridden(finding, overrides) for finding in findings]


def _covers(override: Override, finding: Finding) -> bool:
    return override.place is None or override.place in (finding.place, _session_of(finding.place))


def _session_of(place: str) -> str:
    return place.partition(".")[0]


def _overridden(finding: Finding, overrides: Sequence[Override]) -> Finding:
    for override in overrides:
        if override.rule == finding.rule and _covers(override, finding):
            return finding.model_copy(update={"overridden_by": override.reason})
    return finding
