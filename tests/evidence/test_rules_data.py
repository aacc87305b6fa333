"""Rules and profiles as data: complete, cited, and refused when they are not."""

import dataclasses

import pytest

from anagen.errors import EvidenceError, InputError
from anagen.evidence.references import reference_keys
from anagen.evidence.rules import (
    DEFAULT_PROFILE,
    load_profiles,
    load_rules,
    parse_profiles,
    parse_rules,
)

RULES, PROFILES = load_rules(), load_profiles()

MINIMUM = {
    "allergy", "infection-at-site", "neonate", "mg-per-site", "mg-per-session", "atrophy-at-site",
    "interval-absolute", "interval-usual", "spacing-label", "spacing-never", "mL-per-site",
    "mL-per-session", "strength-on-face", "cumulative-lifetime", "cumulative-lifetime-early",
    "cumulative-12-months", "ritonavir-cobicistat", "cyp3a4-inhibitor", "age-under-18",
    "pregnancy", "breast-feeding", "escalate-salt-20", "extent-half", "response-12-weeks",
    "response-24-weeks", "kenalog-40-stock", "anticoagulant", "keloid", "live-vaccine", "glaucoma",
}  # fmt: skip

GOOD = """
[words]
drugs = ["alpha", "beta"]
[one]
title = "T"
kind = "limit"
measure = "mg_per_site"
comparison = ">"
number = 5
unit = "mg"
severity = "warn"
jurisdiction = "J"
origin = "assumed"
source = "assumed"
locator = "L"
stated = "2026"
message = "{measured} of {limit} {unit}"
remedy = "R"
"""


def test_every_rule_and_number_is_cited() -> None:
    for rule in RULES.values():
        for row in (rule, *rule.when, *rule.alternatives):
            assert row.source in reference_keys(), rule.key
            assert row.locator, rule.key
            assert (row.origin == "assumed") or row.source != "assumed", rule.key


def test_minimum_set_is_there_and_in_the_default_profile() -> None:
    assert set(RULES) >= MINIMUM
    chosen = {rule.key for rule in PROFILES[DEFAULT_PROFILE].rules}
    assert chosen >= MINIMUM


def test_every_rule_belongs_to_a_profile_and_every_profile_keeps_the_absolute_ones() -> None:
    assert {rule.key for profile in PROFILES.values() for rule in profile.rules} == set(RULES)
    absolute = {key for key, rule in RULES.items() if rule.absolute}
    assert absolute == {"allergy", "reaction", "neonate", "infection-at-site", "stop-visual"}
    for profile in PROFILES.values():
        assert {rule.key for rule in profile.rules} >= absolute
        assert set(profile.sources) <= reference_keys()


def test_profiles_carry_the_numbers_of_their_country() -> None:
    def number(profile: str, rule: str) -> float | None:
        found = PROFILES[profile].rule(rule)
        return None if found is None else found.number

    assert number("us-label", "mg-per-session") is None
    assert number("uk-smpc", "mg-per-session") == 30
    assert number("us-experts", "mg-per-session") == 40
    assert number("australia", "interval-usual") == 42
    assert number("canada-paediatric", "strength-on-scalp") == 5
    changed = PROFILES["us-experts"].rule("mg-per-session")
    assert changed is not None
    assert changed.source == "UpToDateTriamcinolone"
    assert changed.jurisdiction == "US, some experts"


def test_alternative_numbers_come_with_their_source_and_no_others_exist() -> None:
    rule = RULES["mg-per-session"]
    assert [rule.with_number(n).number for n in (15, 20, 30, 40)] == [15, 20, 30, 40]
    with pytest.raises(EvidenceError, match="nobody is cited"):
        rule.with_number(50)


def test_profile_loader_refuses_unknown_rules_and_numbers_together() -> None:
    from anagen.treatment.profiles import load_profile

    with pytest.raises(InputError) as caught:
        load_profile("uk-smpc", {"mg-per-session": 99, "no-such-rule": 1})
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "mg"', 'unit = "florins"', "unknown unit"),
        ('source = "assumed"', 'source = "Nobody1900"', "not in references"),
        ('locator = "L"', 'locator = ""', "empty"),
        ('remedy = "R"', "", "remedy"),
        ('severity = "warn"', 'severity = "shout"', "severity"),
        ('severity = "warn"', 'severity = "warn"\nabsolute = true', "absolute"),
        ('kind = "limit"', 'kind = "mood"', "kind"),
        ('comparison = ">"', 'comparison = "mentions"', "number"),
        ('comparison = ">"', 'comparison = "~"', "comparison"),
        ("number = 5\n", "", "number None"),
        ("number = 5", "number = nan", "number nan"),
        ("{limit}", "{ceiling}", "message asks"),
        ('remedy = "R"', 'remedy = "R"\ncolour = "red"', "colour"),
        ("number = 5", 'number = 5\nterms = ["@nothing"]', "list of words"),
        ("number = 5", 'number = 5\nterms = ["Upper"]', "lower case"),
        ("number = 5", "number = 5\ntolerance = 1.5", "tolerance"),
        ('origin = "assumed"', 'origin = "hearsay"', "origin"),
    ],
)
def test_broken_rule_is_refused(old: str, new: str, message: str) -> None:
    assert parse_rules(GOOD)[0]["one"].number == 5.0
    with pytest.raises(EvidenceError, match=message):
        parse_rules(GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('rules = ["two"]', "unknown rules"),
        ('sources = ["Nobody1900"]', "not all in references"),
        ("sources = []", "no sources"),
        ('title = ""', "empty title"),
        ("changes.one.number = 7", "nobody is cited"),
        ("changes.one.title = 'x'", "cannot change"),
        ("changes.two.number = 7", "changes rules it has not"),
    ],
)
def test_broken_profile_is_refused(text: str, message: str) -> None:
    rules = parse_rules(GOOD)[0]
    lines = {
        "title": 'title = "T"', "jurisdiction": 'jurisdiction = "J"',
        "sources": 'sources = ["assumed"]', "rules": 'rules = ["one"]',
    }  # fmt: skip
    sound = "[p]\n" + "\n".join(lines.values())
    assert parse_profiles(sound, rules)["p"].rules[0].key == "one"
    lines[text.partition(" ")[0]] = text
    with pytest.raises(EvidenceError, match=message):
        parse_profiles("[p]\n" + "\n".join(lines.values()), rules)


def test_absolute_rule_cannot_be_weakened_by_a_profile() -> None:
    rule = dataclasses.replace(parse_rules(GOOD)[0]["one"], severity="block", absolute=True)
    text = """
    [p]
    title = "T"
    jurisdiction = "J"
    sources = ["assumed"]
    rules = ["one"]
    changes.one.severity = "inform"
    """
    with pytest.raises(EvidenceError, match="cannot change"):
        parse_profiles(text, {"one": rule})


def test_steroid_equivalents() -> None:
    from anagen.evidence.equivalents import triamcinolone_equivalents, triamcinolone_per_mg

    assert triamcinolone_equivalents()["dexamethasone"] == pytest.approx(4 / 0.75)
    assert triamcinolone_per_mg("ta10") == 1.0
    assert triamcinolone_per_mg("saline") == 0.0
    assert triamcinolone_per_mg("a brand of 1961") == 1.0
    assert 0 < triamcinolone_per_mg("th5") < 1
