"""Reviews: every decision reached by a small case, numbers from data, never one answer alone."""

from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from anagen.errors import EvidenceError, InputError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table
from anagen.evidence.rules import load_profiles, load_rules
from anagen.forecast.flags import check_flags
from anagen.forecast.gates import Readings, gate_chances
from anagen.forecast.next_plans import left_out, next_strength
from anagen.forecast.review import escalation, review, review_plans
from anagen.forecast.review_rows import load_review_rows, parse_review
from anagen.patient import PatchDose, PatchSeen, Patient, SessionSummary, Visit, facts
from anagen.scalp import PatchShape, ViewPoint, circle_outline
from anagen.treatment import Injection, Session, check

made_forecast = run_path(str(Path(__file__).parent / "made.py"))["made_forecast"]

FIRST = date(2026, 1, 5)
SMALL = PatchShape(outlines=(circle_outline("top", 60, 110, 30),))
LARGE = PatchShape(outlines=(circle_outline("right", 90, 60, 42),))
BETTER = {"go on": (0.3, 0.2, 0.1), "step up": (0.6, 0.5, 0.2)}
ALIKE = {"go on": (0.5, 0.4, 0.1), "step up": (0.55, 0.45, 0.2)}
HOPELESS = {"go on": (0.05, 0.02, 0.0), "step up": (0.1, 0.05, 0.0)}


def day(weeks):
    return FIRST + timedelta(weeks=weeks)


def seen(percent=None, name="a", shape=SMALL, **fields):
    return PatchSeen(id=name, shape=shape, regrowth_percent=percent, **fields)


def visit(weeks, *patches, **fields):
    return Visit(date=day(weeks), patches=patches, **fields)


def session(weeks, strength=5.0):
    sites = tuple(
        Injection(number=n + 1, location=ViewPoint(view="top", x=55 + 10 * n, y=110), patch="a",
                  product="ta10", volume_mL=0.1, strength_mg_per_mL=strength, depth_mm=3.0,
                  needle_gauge=30, status="given")
        for n in range(2)
    )  # fmt: skip
    return Session(date=day(weeks), injections=sites)


def patient(*visits, strength=5.0, sessions=(0, 4, 8), **fields):
    """Adult treated from week 0, with a first look on that day."""
    given = tuple(session(weeks, strength) for weeks in sessions)
    known = {"id": "P1", "age_years": 34, "weight_kg": 70, "allergies": (), "conditions": (),
             "medicines": (), "pregnant": False}  # fmt: skip
    return Patient(**{**known, "visits": (visit(0, seen(0)), *visits), "sessions": given, **fields})


def at_week(weeks, percent, **fields):
    return patient(visit(weeks, seen(percent, **fields)))


def made(chances=None, at=12, **options):
    options = {"origin": day(at).isoformat(), **options}
    return made_forecast(chances, **options) if chances else made_forecast(**options)


def actions(found):
    return [found.suggestion.action, *(other.action for other in found.alternatives)]


CASES = [
    ("go on", "on course", at_week(6, 10), None),
    ("go on", "on course", at_week(12, 40), None),
    ("go on", "on course", at_week(12, 40), made(BETTER)),
    ("go on", "on course", at_week(24, 80), None),
    ("step up", "no response", at_week(12, 10), None),
    ("step up", "no response", at_week(12, 10), made(BETTER)),
    ("go on", "no response", at_week(12, 10), made(ALIKE)),
    ("refer", "no response", at_week(12, 10), made(HOPELESS)),
    ("refer", "no response", patient(visit(12, seen(10)), strength=10.0), None),
    ("refer", "no response", at_week(24, 10), None),
    ("refer", "no response", at_week(24, 10), made(BETTER, 24)),
    ("go on", "partial response", at_week(24, 50), None),
    ("step up", "partial response", at_week(24, 50), made(BETTER, 24)),
    ("go on", "partial response", at_week(24, 50), made(ALIKE, 24)),
    ("stop", "partial response", at_week(24, 50), made(HOPELESS, 24)),
    ("stop", "complete", at_week(16, 97), None),
    ("watch", "no data", patient(visit(13, seen(None))), None),
    ("go on", "no data", patient(visit(8, seen(60)), visit(13, seen(None))), None),
    ("watch", "not begun", patient(sessions=()), None),
    ("watch", "no patch to treat", at_week(12, 40, atrophy_grade=2), None),
    ("watch", "no patch to treat", at_week(12, 40, blocked="open wound"), None),
    ("refer", "extent", patient(visit(12, seen(40), salt_percent=55)), None),
    ("refer", "extent", patient(visit(12, seen(40), salt_percent=22)), None),
    ("stop", "danger", patient(visit(12, seen(40), signs=("blurred vision",))), None),
    ("stop", "danger", patient(visit(12, seen(40), signs=("moon face",))), None),
]  # fmt: skip


@lru_cache(maxsize=1)
def reviewed():
    return [review(who, forecast=forecast) for *_, who, forecast in CASES]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_every_row_of_the_table_is_reached(number):
    action, ground, *_ = CASES[number]
    found = reviewed()[number]
    assert (found.suggestion.action, found.suggestion.ground) == (action, ground)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_there_is_always_another_choice_and_every_choice_cites(number):
    found = reviewed()[number]
    assert found.alternatives
    assert len(set(actions(found))) == len(actions(found))
    for one in (found.suggestion, *found.alternatives):
        text = " ".join(one.why)
        assert one.rules
        assert set(one.rules) <= set(load_rules())
        assert any(rule in text for rule in one.rules) or "due on" in text or "begin" in text
        assert any(key in text for key in reference_keys()) or "begin" in text
        assert one.forecast


def test_every_action_is_among_the_cases():
    assert {found.suggestion.action for found in reviewed()} == {
        "go on", "step up", "watch", "stop", "refer"}  # fmt: skip


def test_the_forecast_is_quoted_with_its_intervals():
    found = review(at_week(12, 10), forecast=made(BETTER))
    assert found.suggestion.action == "step up"
    for words in ("step up 60 % (55 to 65 %)", "go on 30 % (25 to 35 %)", "untreated 10 %",
                  "2026-06-22"):  # fmt: skip
        assert words in found.suggestion.forecast
    assert any("+30 points" in why for why in found.suggestion.why)


def test_without_a_forecast_the_review_says_so():
    found = review(at_week(12, 10))
    assert "No forecast" in found.note
    assert found.suggestion.forecast == found.note
    assert all(gate.forecast == () for gate in found.gates)


def test_a_withheld_forecast_is_not_used():
    flags = check_flags(0.0, "regrowth of a", 900.0)
    bare, withheld = review(at_week(12, 10)), review(at_week(12, 10), forecast=made(flags=flags))
    assert actions(withheld) == actions(bare)
    assert "withheld" in withheld.note
    assert "regrowth of a" in withheld.suggestion.forecast
    assert all(gate.forecast == () for gate in withheld.gates)


def test_a_forecast_without_plans_leaves_the_decision_to_what_was_seen():
    only_untreated = made({"untreated": (0.1, 0.05, 0.02)})
    assert actions(review(at_week(12, 10), forecast=only_untreated)) == actions(
        review(at_week(12, 10)))  # fmt: skip


def test_a_forecast_that_ends_before_the_next_look_is_not_used():
    found = review(at_week(12, 10), forecast=made(BETTER, 12, weeks=4))
    assert "does not reach 2026-06-22" in found.suggestion.forecast


def test_the_forecast_of_somebody_else_is_refused():
    with pytest.raises(InputError, match="P2"):
        review(at_week(12, 10), forecast=made(patient="P2"))


@pytest.mark.parametrize("forecast", [None, made(BETTER, 0), made(ALIKE, 0), made(HOPELESS, 0)])
@pytest.mark.parametrize("weeks", [6, 11.5, 12, 18, 24, 30])
@pytest.mark.parametrize("profile", [None, "japan", "bad"])
def test_a_better_regrowth_never_makes_the_suggestion_more_drastic(forecast, weeks, profile):
    ranks = [
        escalation(review(at_week(weeks, percent), profile=profile, forecast=forecast).suggestion)
        for percent in (0, 24, 25, 49, 50, 74, 75, 94, 95, 100)
    ]
    assert ranks == sorted(ranks, reverse=True)


def test_gates_take_number_week_and_source_from_the_rules():
    rules = load_rules()
    found = review(at_week(12, 24))
    first, second, goal = found.gates
    assert (first.at_least, first.week) == (rules["response-12-weeks"].number, 12.0)
    assert first.due == day(12)
    assert first.reached == "missed"
    assert rules["response-12-weeks"].source in first.source
    assert (second.at_least, second.week) == (rules["response-24-weeks"].number, 24.0)
    assert second.reached == goal.reached == "open"
    assert goal.at_least == 75.0
    assert "SaudiConsensus2023" in goal.source
    assert review(at_week(12, 25)).gates[0].reached == "passed"


def test_profiles_decide_what_is_judged_at_week_12():
    judged = {name: review(at_week(12, 10), profile=name).gates[0].at_least
              for name in load_profiles()}  # fmt: skip
    assert {name for name, number in judged.items() if number is not None} == {
        "anagen-default", "japan"}  # fmt: skip
    british = review(at_week(12, 10), profile="bad")
    assert british.suggestion.action == "go on"
    assert "review-3-months" in british.gates[0].rules
    assert british.gates[0].reached == "passed"
    late = {name: review(at_week(24, 10), profile=name).suggestion.action for name in judged}
    assert set(late.values()) == {"refer"}


def test_extent_is_judged_by_the_profile():
    who = patient(visit(12, seen(40), salt_percent=30))
    found = {name: review(who, profile=name).suggestion.action for name in ("japan", "bad")}
    assert found == {"japan": "refer", "bad": "go on"}


@pytest.mark.parametrize(("early", "reached"), [(6, "missed"), (8, "open")])
def test_a_reading_shortly_before_a_gate_counts(early, reached):
    weeks = 12 - early / 7
    assert review(at_week(weeks, 10)).gates[0].reached == reached


def test_each_gate_takes_the_latest_reading_of_its_own_time():
    who = patient(visit(12, seen(10)), visit(16, seen(40)), visit(24, seen(90)))
    gates = review(who).gates
    assert [gate.whole for gate in gates] == [40.0, 90.0, 90.0]
    assert [gate.reached for gate in gates] == ["passed", "passed", "passed"]
    assert gates[0].date == day(16)
    before = review(who, on=day(13))
    assert (before.gates[0].whole, before.week) == (10.0, 13.0)


def test_the_whole_is_weighted_by_area():
    looks = (visit(12, seen(0), seen(60, "b", LARGE)),)
    found = review(patient(*looks)).gates[0]
    areas = Readings(patient(*looks), day(12)).areas
    expected = 60 * areas["b"] / (areas["a"] + areas["b"])
    assert found.whole == pytest.approx(expected)
    assert expected > 35
    even = patient(visit(12, seen(0), seen(60, "b", None)))
    assert review(even).gates[0].whole == pytest.approx(30.0)


def test_gates_ahead_carry_the_chance_of_passing():
    found = review(at_week(6, 10), forecast=made({"go on": (0.4, 0.3, 0.1)}, 6, regrown=0.3))
    goal = found.gates[2].forecast
    found_goal = {one.plan: (one.low, one.chance, one.high) for one in goal}
    assert found_goal["untreated"] == pytest.approx((0.0, 0.05, 0.1))
    assert found_goal["go on"] == pytest.approx((0.25, 0.3, 0.35))
    quarter = next(one for one in found.gates[0].forecast if one.plan == "go on")
    assert (quarter.low, quarter.high) == pytest.approx((0.5, 0.75))
    assert quarter.low < quarter.chance < quarter.high
    assert quarter.least < quarter.regrown < quarter.most
    assert all(gate.forecast for gate in found.gates)
    past = review(at_week(24, 50), forecast=made(ALIKE, 24)).gates
    assert all(gate.forecast == () for gate in past)


@pytest.mark.parametrize(("percent", "bounds"), [(1, (0.975, 1.0)), (99, (0.0, 0.025))])
def test_beyond_the_quantiles_a_chance_keeps_to_what_they_leave_open(percent, bounds):
    found = gate_chances(made(), day(20), percent)[0]
    assert (found.low, found.high) == pytest.approx(bounds)
    assert bounds[0] <= found.chance <= bounds[1]


def test_chances_fall_with_what_is_asked_for():
    chances = [gate_chances(made(), day(20), percent)[0].chance for percent in range(1, 49, 3)]
    assert chances == sorted(chances, reverse=True)


def test_thresholds_come_from_the_data(monkeypatch):
    rows = load_review_rows()
    assert review(at_week(12, 10), forecast=made(BETTER)).suggestion.action == "step up"
    much = replace(rows.numbers["better"], value=40.0, low=40.0, high=40.0)
    changed = replace(rows, numbers={**rows.numbers, "better": much})
    monkeypatch.setattr("anagen.forecast.decide.load_review_rows", lambda: changed)
    assert review(at_week(12, 10), forecast=made(BETTER)).suggestion.action == "go on"


def test_patches_are_left_out_for_harm_and_when_regrown():
    who = patient(visit(12, seen(40), seen(20, "b", LARGE, atrophy_grade=1),
                        seen(98, "c"), seen(30, "d", telangiectasia_grade=1)))  # fmt: skip
    found = review(who)
    advice = {one.patch: (one.action, one.treat) for one in found.patches}
    assert advice == {"a": ("go on", True), "b": ("watch", False), "c": ("stop", False),
                      "d": ("watch", True)}  # fmt: skip
    assert found.suggestion.action == "go on"
    text = " ".join(found.suggestion.why)
    assert "Leave out b" in text
    assert "atrophy-at-site" in found.suggestion.rules
    assert set(left_out(who, day(12))) == {"b", "c"}


def test_a_sign_of_too_much_steroid_forbids_stepping_up():
    found = review(at_week(12, 10, telangiectasia_grade=1), forecast=made(BETTER))
    assert "step up" not in actions(found)


# ---- the plans of a review ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def plans():
    return review_plans(at_week(12, 10))


def test_plans_go_on_as_before_one_step_stronger_and_not_at_all(plans):
    go_on, step_up, stop = plans["go on"], plans["step up"], plans["stop"]
    assert list(plans) == ["go on", "step up", "stop"]
    assert {site.strength_mg_per_mL for one in go_on.sessions for site in one.injections} == {5.0}
    assert {site.strength_mg_per_mL for one in step_up.sessions for site in one.injections} == {
        10.0
    }
    assert go_on.sessions[0].date == day(12)
    assert set(go_on.days) == {0, 28, 56}
    assert step_up.total_mg == pytest.approx(2 * go_on.total_mg)
    assert stop.sessions == ()
    assert {plan.patient for plan in plans.values()} == {"P1"}
    assert go_on.created_from.layout.spacing_mm == 11.0  # 10 mm in the view


@pytest.mark.parametrize(
    ("strength", "profile", "expected"),
    [(2.5, None, 5.0), (3.3, None, 5.0), (5.0, None, 10.0), (10.0, None, None), (20.0, None, None),
     (5.0, "canada-paediatric", None), (2.5, "canada-paediatric", 5.0), (5.0, "japan", 10.0)],
)  # fmt: skip
def test_steps_stay_within_the_limits_of_the_profile(strength, profile, expected):
    assert next_strength(patient(strength=strength), day(12), profile) == expected


def test_a_stepped_plan_breaks_no_limit(plans):
    who = at_week(12, 10)
    found = {finding.rule for finding in check(plans["step up"], facts(who, day(12)))}
    assert not found & set(load_review_rows().limits)


def test_a_step_that_breaks_a_limit_is_not_offered():
    wide = PatchShape(outlines=(circle_outline("top", 75, 95, 100),))
    dose = PatchDose(patch="a", sites=30, dose_mg=15.0)
    given = SessionSummary(date=FIRST, product="ta10", strength_mg_per_mL=5.0, patches=(dose,))
    who = patient(visit(4, seen(10, shape=wide)), sessions=(), session_summaries=(given,))
    assert "step up" in review_plans(who)
    assert "step up" not in review_plans(who, profile="canada-paediatric")


def test_nothing_to_inject_leaves_only_stopping():
    assert list(review_plans(at_week(12, 98))) == ["stop"]
    assert list(review_plans(patient(visits=(visit(0, seen(0, shape=None)),)))) == ["stop"]


def test_closed_patches_get_no_injection():
    who = patient(visit(12, seen(10), seen(10, "b", LARGE, blocked="wound")))
    sites = [site for one in review_plans(who)["go on"].sessions for site in one.injections]
    assert {site.patch for site in sites} == {"a"}


def test_plans_before_the_first_session_are_those_of_the_protocol():
    found = review_plans(patient(sessions=()))
    assert list(found) == ["go on", "stop"]
    assert len(found["go on"].sessions) == 6


# ---- bad input ----------------------------------------------------------------------------------


def test_an_empty_record_is_refused():
    for ask in (review, review_plans):
        with pytest.raises(InputError, match="a visit or a session"):
            ask(Patient(id="P1"))
    with pytest.raises(InputError, match="by 2020-01-01"):
        review(at_week(12, 10), on=date(2020, 1, 1))


def test_an_unknown_profile_is_refused():
    with pytest.raises(InputError, match="profile"):
        review(at_week(12, 10), profile="atlantis")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("decisions", "danger", "rules"), ["no-such-rule"], "no-such-rule"),
        (("gates", "week-12", "judged"), "twice", "judged"),
        (("gates", "week-12", "rule"), "no-such-rule", "no-such-rule"),
        (("numbers", "better", "source"), "Nobody1900", "Nobody1900"),
        (("numbers", "worth", "unit"), "moons", "moons"),
    ],
)
def test_broken_rows_are_refused(path, value, words):
    tables = deepcopy(read_table("forecast/review.toml"))
    row = tables
    for name in path[:-1]:
        row = row[name]
    row[path[-1]] = value
    with pytest.raises(EvidenceError, match=words):
        parse_review(tables)


def test_a_made_forecast_reads_like_a_real_one():
    found = made(flags=(SimpleNamespace(severity="stop"),))
    assert bool(found.dataset["scalp_chance"].isnull().all())
    assert made().dataset["patch_cover"].dims == ("plan", "patch", "week", "quantile")
