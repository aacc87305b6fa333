"""Findings and overrides."""

from datetime import date

import pytest
from pydantic import ValidationError

from anagen.errors import InputError
from anagen.treatment.facts import Facts
from anagen.treatment.findings import Finding, Override, apply_overrides, blocked
from anagen.treatment.rules import check


def finding(rule: str = "atrophy-at-site", place: str = "sessions[0]", **change: object) -> Finding:
    fields = {"rule": rule, "severity": "block", "message": "m", "place": place} | change
    return Finding.model_validate(fields)


REASON = "Dent has filled since; seen with the senior today."


def test_block_stands_until_a_reason_overrides_it() -> None:
    found = [finding(), finding("mL-per-site", severity="warn")]
    assert blocked(found)
    overridden = apply_overrides(found, [Override(rule="atrophy-at-site", reason=REASON)])
    assert not blocked(overridden)
    assert overridden[0].overridden_by == REASON
    assert overridden[1] == found[1]
    assert found[0].overridden_by is None


def test_override_of_one_place_leaves_the_others() -> None:
    found = [finding(place="sessions[0].injections[2]"), finding(place="sessions[1].injections[2]")]
    one = apply_overrides(
        found, [Override(rule="atrophy-at-site", place="sessions[1].injections[2]", reason=REASON)]
    )
    assert [f.overridden_by for f in one] == [None, REASON]
    assert blocked(one)
    session = apply_overrides(
        found, [Override(rule="atrophy-at-site", place="sessions[0]", reason=REASON)]
    )
    assert [f.overridden_by for f in session] == [REASON, None]


def test_absolute_rule_cannot_be_overridden() -> None:
    person = Facts(on=date(2026, 3, 2), allergies=("triamcinolone",))
    found = check([], person)
    reason = Override(rule="allergy", reason="The patient insists on it today.")
    with pytest.raises(InputError, match="absolute") as caught:
        apply_overrides(found, [reason, reason])
    assert [problem.place for problem in caught.value.problems] == ["overrides[0]", "overrides[1]"]
    assert blocked(found)


def test_override_without_finding_is_ignored() -> None:
    assert apply_overrides([], [Override(rule="allergy", reason=REASON)]) == []


@pytest.mark.parametrize(
    "reason",
    ["", " ", "ok", "n/a", "override", "because", "test test test", "1234567890", "..." * 9],
)
def test_reason_must_say_something(reason: str) -> None:
    with pytest.raises(ValidationError, match="a sentence"):
        Override(rule="atrophy-at-site", reason=reason)


@pytest.mark.parametrize(
    "reason", ["Großer Befund, mit Oberärztin besprochen.", "症状 軽度 患者 と 相談 済み"]
)
def test_reason_may_be_in_any_language(reason: str) -> None:
    assert Override(rule="a", reason=reason).reason == reason


def test_finding_survives_json_and_is_frozen() -> None:
    found = check([], Facts(on=date(2026, 3, 2), skin_type=5))
    assert [Finding.model_validate_json(f.model_dump_json()) for f in found] == found
    with pytest.raises(ValidationError):
        found[0].severity = "inform"
    with pytest.raises(ValidationError):
        finding(measured=float("nan"))
