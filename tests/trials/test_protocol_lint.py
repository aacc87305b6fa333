"""The lint of protocols: every contradiction with its line and remedy, all of them at once."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from anagen.errors import InputError
from anagen.trials.lint import Lint, check_protocol
from anagen.trials.protocol_file import parse_protocol, read_protocol_file

PARALLEL = read_protocol_file("five-against-ten").text
STEPPED = read_protocol_file("step-up-against-fixed").text
QUADRANTS = read_protocol_file("quadrant-strengths").text
PATCHES = read_protocol_file("injected-against-saline").text
GUIDED = read_protocol_file("forecast-guided-against-guideline").text

HEAD = """key = "mine"
title = "Mine"
question = "Which?"
source = "assumed"
assumed = ["people", "visits", "follow_up_weeks"]
design = "parallel"
unit = "patient"
people = 10
follow_up_weeks = 4
visits = [{ week = 0 }, { week = 12 }]
"""


def lint(text: str, profile: str | None = None) -> tuple[Lint, ...]:
    file = parse_protocol(text, "mine.toml")
    return check_protocol(file.protocol, profile, name=file.name, lines=file.lines)


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Put something else in place of the first occurrence of each text."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


class Case(NamedTuple):
    """What is changed in a sound protocol; how grave the finding is, at which path and row."""

    text: str
    old: str
    new: str
    severity: str
    path: str
    row: str


CASES: dict[str, Case] = {
    "ratio 0": Case(
        PARALLEL,
        "ratio = 0.848 ", "ratio = 0 ",
        "error", "arms[1].ratio", "ratio = 0",
    ),
    "keys twice": Case(
        PARALLEL,
        'key = "ta10"', 'key = "ta5"',
        "error", "arms[1].key", 'key = "ta5"',
    ),
    "endpoint twice": Case(
        PARALLEL,
        'key = "satisfactory"', 'key = "complete"',
        "error", "endpoints[1].key", 'key = "complete"',
    ),
    "same arms": Case(
        PARALLEL,
        "strength_mg_per_mL = 10.0", "strength_mg_per_mL = 5.0",
        "warn", "arms[1].treatment", "[arms.treatment]",
    ),
    "nobody": Case(
        PARALLEL,
        "people = 46 ", "people = 0 ",
        "error", "people", "people = 0",
    ),
    "unit of design": Case(
        PARALLEL,
        'unit = "patient"', 'unit = "quadrant"',
        "error", "unit", "unit =",
    ),
    "too few patches": Case(
        PATCHES,
        "patches = { low = 2 }", "patches = { low = 1 }",
        "error", "eligibility.patches", "patches = { low = 1 }",
    ),
    "patches open": Case(
        PATCHES,
        "patches = { low = 2 }", "",
        "error", "eligibility.patches", "[eligibility]",
    ),
    "small quadrants": Case(
        QUADRANTS,
        "low = 30", "low = 5",
        "warn", "eligibility.patch_diameter_mm", "patch_diameter_mm",
    ),
    "unequal within": Case(
        QUADRANTS,
        'key = "ta5"', 'ratio = 2\nkey = "ta5"',
        "error", "arms", "[[arms]]",
    ),
    "setting": Case(
        PARALLEL,
        '"localized"', '"localised"',
        "error", "eligibility.setting", "setting =",
    ),
    "reversed range": Case(
        PARALLEL,
        "setting =", "age = { low = 60, high = 20 }\nsetting =",
        "error", "eligibility.age", "age = {",
    ),
    "nobody so young": Case(
        PARALLEL,
        "setting =", "age = { high = 12 }\nsetting =",
        "error", "eligibility.age", "age = {",
    ),
    "covariate": Case(
        PARALLEL,
        "follow_up_weeks = 4 ", 'stratify = ["recurent"]\nfollow_up_weeks = 4 ',
        "error", "stratify[0]", "stratify",
    ),
    "assumed name": Case(
        PARALLEL,
        'assumed = ["people"', 'assumed = ["peple"',
        "warn", "assumed[0]", "assumed = [",
    ),
    "windows overlap": Case(
        PARALLEL,
        "{ week = 8, window_days = 7 }", "{ week = 8, window_days = 21 }",
        "error", "visits[2].window_days", "week = 8",
    ),
    "visits out of order": Case(
        PARALLEL,
        "{ week = 8,", "{ week = 3,",
        "error", "visits[2].week", "week = 3",
    ),
    "no visit at first": Case(
        PARALLEL,
        "  { week = 0 },\n", "",
        "warn", "visits", "visits = [",
    ),
    "visit too late": Case(
        PARALLEL,
        "{ week = 12,", "{ week = 14,",
        "error", "visits[3].week", "week = 14",
    ),
    "sessions overlap": Case(
        STEPPED,
        "session_window_days = 5", "session_window_days = 14",
        "error", "conduct.session_window_days", "session_window_days",
    ),
    "step too late": Case(
        STEPPED,
        "{ week = 16, if", "{ week = 24, if",
        "error", "arms[0].treatment.steps[1].week", "{ week = 24, if",
    ),
    "step without visit": Case(
        STEPPED,
        "{ week = 8, if", "{ week = 9, if",
        "error", "arms[0].treatment.steps[0].week", "{ week = 9, if",
    ),
    "step share": Case(
        STEPPED,
        "if_regrowth_below = 0.25", "if_regrowth_below = 25",
        "error", "arms[0].treatment.steps[0].if_regrowth_below", "below = 25",
    ),
    "step of nothing": Case(
        STEPPED,
        "0.25, strength_mg_per_mL = 5.0", "0.25, strength_mg_per_mL = 2.5",
        "warn", "arms[0].treatment.steps[0].strength_mg_per_mL", "= 2.5 }",
    ),
    "step in half a week": Case(
        STEPPED,
        "{ week = 8, if", "{ week = 8.5, if",
        "error", "arms[0].treatment.steps[0].week", "{ week = 8.5, if",
    ),
    "two needles": Case(
        QUADRANTS,
        'strength_mg_per_mL = 5.0\n', 'strength_mg_per_mL = 5.0\ndepth_mm = 2\n',
        "error", "arms[1].treatment.depth_mm", "depth_mm = 2",
    ),
    "two products": Case(
        QUADRANTS,
        'product = "ta10"\nstrength_mg_per_mL = 0.0',
        'product = "saline"\nstrength_mg_per_mL = 0.0',
        "error", "arms[3].treatment.product", 'product = "saline"',
    ),
    "stop both ways": Case(
        GUIDED,
        "if_regrowth_below = 0.25 }", "if_regrowth_below = 0.25, if_regrowth_at_least = 0.9 }",
        "error", "arms[0].treatment.stops[0]", "stops = [",
    ),
    "stop too late": Case(
        GUIDED,
        "{ week = 12, if", "{ week = 24, if",
        "error", "arms[0].treatment.stops[0].week", "{ week = 24, if",
    ),
    "guided and steps": Case(
        GUIDED,
        "[arms.treatment.guided]",
        "[[arms.treatment.steps]]\n"
        "week = 8\n"
        "if_regrowth_below = 0.2\n"
        "strength_mg_per_mL = 10\n"
        "\n"
        "[arms.treatment.guided]",
        "error", "arms[1].treatment.steps", "[[arms.treatment.steps]]",
    ),
    "guided by nothing": Case(
        GUIDED,
        "[2.5, 5.0, 10.0]", "[]",
        "error", "arms[1].treatment.guided.strengths_mg_per_mL", "= []",
    ),
    "guided target": Case(
        GUIDED,
        "target = 0.75", "target = 75",
        "error", "arms[1].treatment.guided.target", "target = 75",
    ),
    "guided by a chance that is none": Case(
        GUIDED,
        "enough_chance = 0.8", "enough_chance = 80",
        "error", "arms[1].treatment.guided.enough_chance", "enough_chance = 80",
    ),
    "guided to a horizon before the last decision": Case(
        GUIDED,
        "horizon_weeks = 24", "horizon_weeks = 20",
        "error", "arms[1].treatment.guided.horizon_weeks", "horizon_weeks = 20",
    ),
    "guided to no horizon": Case(
        GUIDED,
        'horizon_weeks = 24\nhorizon_from = "start"', "horizon_weeks = 0",
        "error", "arms[1].treatment.guided.horizon_weeks", "horizon_weeks = 0",
    ),
    "guided between weeks": Case(
        GUIDED,
        "[2.5, 5.0, 10.0]", "[2.5, 5.0, 10.0]\ninterval_weeks = [2.5]",
        "error", "arms[1].treatment.guided.interval_weeks[0]", "interval_weeks = [2.5]",
    ),
    "no primary": Case(
        PARALLEL,
        "primary = true", "primary = false",
        "error", "endpoints", "[[endpoints]]",
    ),
    "endpoint between visits": Case(
        PARALLEL,
        "threshold = 0.85\nweek = 12", "threshold = 0.85\nweek = 10",
        "error", "endpoints[0].week", "week = 10",
    ),
    "endpoint before last session": Case(
        PARALLEL,
        "threshold = 0.85\nweek = 12", "threshold = 0.85\nweek = 4",
        "error", "endpoints[0].week", "week = 4",
    ),
    "early secondary": Case(
        PARALLEL,
        "threshold = 0.75\nweek = 12", "threshold = 0.75\nweek = 4",
        "inform", "endpoints[1].week", "week = 4",
    ),
    "follow-up ends first": Case(
        PARALLEL,
        "follow_up_weeks = 4 ", "follow_up_weeks = 2 ",
        "error", "endpoints[0].week", "week = 12",
    ),
    "threshold in percent": Case(
        PARALLEL,
        "threshold = 0.85", "threshold = 85",
        "error", "endpoints[0].threshold", "threshold = 85",
    ),
    "threshold below 0": Case(
        PARALLEL,
        "threshold = 0.85", "threshold = -0.1",
        "error", "endpoints[0].threshold", "threshold = -0.1",
    ),
    "scale": Case(
        QUADRANTS,
        'scale = "hrs"', 'scale = "hrz"',
        "error", "endpoints[0].scale", "scale =",
    ),
    "scale of another": Case(
        QUADRANTS,
        'scale = "hrs"', 'scale = "s_class"',
        "error", "endpoints[0].scale", "scale =",
    ),
    "inside a grade": Case(
        PATCHES,
        "threshold = 0.75", "threshold = 0.6",
        "warn", "endpoints[1].threshold", "threshold = 0.6",
    ),
    "waiting for nothing": Case(
        PATCHES,
        "threshold = 0.75\nweek", "week",
        "error", "endpoints[1]", "[[endpoints]]",
    ),
    "no rater": Case(
        PARALLEL,
        "raters = 1", "raters = 0",
        "error", "conduct.raters", "raters = 0",
    ),
    "drop-out above 1": Case(
        PARALLEL,
        "dropout_per_week = 0.0", "dropout_per_week = 1.5",
        "error", "conduct.dropout_per_week", "dropout_per_week = 1.5",
    ),
    "drop-out of the trial": Case(
        PARALLEL,
        "dropout_per_week = 0.0", "dropout_per_week = 0.2",
        "warn", "conduct.dropout_per_week", "dropout_per_week = 0.2",
    ),
    "nobody comes": Case(
        PARALLEL,
        "missed_visit = 0.0", "missed_visit = 1",
        "error", "conduct.missed_visit", "missed_visit = 1",
    ),
    "product": Case(
        PARALLEL,
        'product = "ta10"', 'product = "ta11"',
        "error", "arms[0].treatment.product", 'product = "ta11"',
    ),
    "saline with a strength": Case(
        PARALLEL,
        'product = "ta10"', 'product = "saline"',
        "error", "arms[0].treatment.product", 'product = "saline"',
    ),
    "nothing with a strength": Case(
        PARALLEL,
        'product = "ta10"', 'product = "none"',
        "error", "arms[0].treatment.strength_mg_per_mL", "strength_mg_per_mL = 5.0",
    ),
    "stronger than the vial": Case(
        PARALLEL,
        "strength_mg_per_mL = 10.0", "strength_mg_per_mL = 12.0",
        "error", "arms[1].treatment.strength_mg_per_mL", "= 12.0",
    ),
    "decimal slip": Case(
        PARALLEL,
        "sessions = 3", "sessions = 3\nvolume_mL = 10",
        "error", "arms[0].treatment.volume_mL", "volume_mL = 10",
    ),
    "dose a site": Case(
        PARALLEL,
        "10.0\ninterval_weeks = 4\nsessions = 3",
        "10.0\ninterval_weeks = 4\nsessions = 3\nvolume_mL = 0.6",
        "error", "arms[1].treatment.strength_mg_per_mL", "= 10.0",
    ),
    "volume a site": Case(
        PARALLEL,
        "sessions = 3", "sessions = 3\nvolume_mL = 0.2",
        "warn", "arms[0].treatment.volume_mL", "volume_mL = 0.2",
    ),
    "too often": Case(
        PARALLEL,
        "interval_weeks = 4", "interval_weeks = 1",
        "error", "arms[0].treatment.interval_weeks", "interval_weeks = 1",
    ),
    "a session of the smallest patch": Case(
        STEPPED,
        "low = 15, high = 50", "low = 80, high = 90",
        "error", "arms[2].treatment", "[arms.treatment]",
    ),
    "a session of the largest patch": Case(
        STEPPED,
        "low = 15, high = 50", "low = 15, high = 80",
        "warn", "arms[2].treatment", "[arms.treatment]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_contradiction_is_found_where_it_stands(case: str) -> None:
    text, old, other, severity, path, row = CASES[case]
    edited = changed(text, (old, other))
    before = {(found.severity, found.place.split(": ")[-1], found.expected) for found in lint(text)}
    new = [
        found
        for found in lint(edited)
        if (found.severity, found.place.split(": ")[-1], found.expected) not in before
        and found.severity == severity
        and found.place.split(": ")[-1] == path
    ]
    assert new, [(found.severity, found.place, found.message) for found in lint(edited)]
    for found in new:
        assert found.line is not None
        assert row in edited.split("\n")[found.line - 1]
        assert found.place == f"mine.toml:{found.line}: {path}"
        assert found.remedy.endswith((".", "?", "]"))
        assert found.expected in found.message


@pytest.mark.parametrize("text", [PARALLEL, STEPPED, QUADRANTS, PATCHES, GUIDED])
def test_a_sound_protocol_has_no_error(text: str) -> None:
    assert [found for found in lint(text) if found.severity == "error"] == []


def test_a_guided_dose_can_be_run_and_needs_readings_of_whole_people() -> None:
    odd = {found.severity for found in lint(GUIDED) if "guided" in found.place}
    assert odd == {"inform"}  # 10 mg/mL is more than a rule advises
    start = GUIDED.index("visits = [")
    text = (
        GUIDED[:start]
        + "visits = [{ week = 0 }, { week = 24 }, { week = 40 }]\n"
        + (GUIDED[GUIDED.index("]\n", start) + 2 :])
    )
    places = {found.path for found in lint(text) if found.severity == "error"}
    assert ("arms", 1, "treatment", "guided") in places
    whole = changed(GUIDED, ('"parallel"', '"within"'), ('"patient"', '"patch"'))
    (found,) = [one for one in lint(whole) if one.path == ("arms", 1, "treatment", "guided")]
    assert (found.severity, found.found) == ("error", "unit 'patch'")


def test_an_empty_trial_is_told_everything_it_lacks() -> None:
    places = {found.place for found in lint(HEAD) if found.severity == "error"}
    assert places == {"mine.toml:1: arms", "mine.toml:1: endpoints"}
    bare = HEAD.replace("visits = [{ week = 0 }, { week = 12 }]\n", "")
    found = {found.found for found in lint(bare) if found.severity == "error"}
    assert found == {"no arm", "none"}
    assert len([f for f in lint(bare) if f.severity == "error"]) == 3


def test_one_arm_is_no_comparison() -> None:
    second = PARALLEL.index("[[arms]]", PARALLEL.index("[[arms]]") + 1)
    alone = PARALLEL[:second] + PARALLEL[PARALLEL.index("[[endpoints]]") :]
    (found,) = [found for found in lint(alone) if found.severity == "error"]
    assert found.found == "one arm only"


def test_five_arms_do_not_fit_four_quadrants() -> None:
    start = QUADRANTS.index("[[arms]]")
    arm = QUADRANTS[start : QUADRANTS.index("[[arms]]", start + 1)]
    fifth = arm.replace('"ta10"\nname', '"fifth"\nname').replace("10.0", "7.5")
    found = lint(changed(QUADRANTS, ("[[endpoints]]", f"{fifth}\n[[endpoints]]")))
    assert any("four arms" in one.expected for one in found if one.severity == "error")


def test_all_contradictions_come_at_once_gravest_first() -> None:
    found = lint(
        changed(
            PARALLEL,
            ("ratio = 0.848 ", "ratio = 0 "),
            ("threshold = 0.85", "threshold = 85"),
            ("dropout_per_week = 0.0", "dropout_per_week = 2"),
            ('product = "ta10"', 'product = "ta11"'),
        )
    )
    severities = [one.severity for one in found]
    order = ["error", "warn", "inform"]
    assert severities == sorted(severities, key=order.index)
    places = " ".join(one.place for one in found if one.severity == "error")
    assert all(name in places for name in ("ratio", "threshold", "dropout_per_week", "product"))
    lines = [one.line for one in found if one.severity == "error"]
    assert lines == sorted(lines)


def test_an_endpoint_is_wanted_at_the_last_visit() -> None:
    later = changed(
        PARALLEL,
        ("  { week = 12, window_days = 7 },\n", "  { week = 12 },\n  { week = 20 },\n"),
        ("follow_up_weeks = 4 ", "follow_up_weeks = 12 "),
    )
    (found,) = [found for found in lint(later) if found.severity == "error"]
    assert "visits[4].week" in found.place
    relapse = later + '\n[[endpoints]]\nkey = "relapse"\nmeasure = "relapse"\nweek = 20\n'
    assert [one for one in lint(relapse) if one.severity == "error"] == []


RESCUE = """
[arms.rescue]
week = {week}
if_regrowth_below = 0.25
strength_mg_per_mL = 10
interval_weeks = 4
sessions = {sessions}
assumed = ["week", "if_regrowth_below", "strength_mg_per_mL", "interval_weeks", "sessions"]

[[arms]]
key = "ta10"
"""


@pytest.mark.parametrize(
    ("week", "sessions", "wrong"), [(8, 2, None), (8, 6, "sessions"), (9, 1, "week")]
)
def test_rescue_follows_a_reading_and_ends_with_the_trial(
    week: int, sessions: int, wrong: str | None
) -> None:
    rescue = RESCUE.format(week=week, sessions=sessions)
    text = changed(PARALLEL, ('\n[[arms]]\nkey = "ta10"\n', rescue))
    places = [found.place for found in lint(text) if found.severity == "error"]
    assert [place.split("rescue.")[-1] for place in places] == ([wrong] if wrong else [])


def test_an_untreated_arm_is_sound() -> None:
    none = changed(
        PARALLEL,
        ('product = "ta10"\nstrength_mg_per_mL = 5.0\ninterval_weeks = 4\nsessions = 3',
         'product = "none"\nstrength_mg_per_mL = 0\ninterval_weeks = 0\nsessions = 0'),
    )  # fmt: skip
    assert [found for found in lint(none) if found.severity == "error"] == []


def test_another_profile_has_other_limits() -> None:
    text = changed(
        PARALLEL,
        (
            "10.0\ninterval_weeks = 4\nsessions = 3",
            "10.0\ninterval_weeks = 4\nsessions = 3\nvolume_mL = 0.6",
        ),
    )
    errors: Callable[[str], list[Lint]] = lambda profile: [  # noqa: E731
        found for found in lint(text, profile) if found.severity == "error"
    ]
    assert errors("anagen-default")
    assert not errors("us-label")  # gives no number for the most at a site
    with pytest.raises(InputError, match="us-label"):
        lint(text, "us-lable")


def test_quadrants_share_one_session() -> None:
    """Four quadrants of a patch get together what one arm would get in the whole patch."""
    wide = changed(QUADRANTS, ("low = 30", "low = 120"))
    volumes = [found for found in lint(wide) if "mL-per-session:" in found.expected]
    assert len(volumes) == 1
    assert volumes[0].place.endswith(": arms")
    sites = 113  # of 1 cm2 in a disc of 12 cm
    assert float(volumes[0].found.split(" ")[0]) == pytest.approx(sites * 0.1, rel=0.03)


def test_a_lint_without_a_file_names_the_path() -> None:
    protocol = parse_protocol(HEAD).protocol
    found = check_protocol(protocol)
    assert {"arms", "endpoints"} <= {one.place for one in found}
    assert all(one.line is None for one in found)
