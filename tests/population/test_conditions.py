"""From published arms to what must be simulated."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import EvidenceError, InputError
from anagen.evidence.published import ENDPOINTS, Arm, load_arms, span
from anagen.evidence.rows import read_table
from anagen.population.cohort import MAX_SESSIONS, NATURAL, Regimen
from anagen.population.condition_data import (
    load_condition_data,
    parse_condition_data,
)
from anagen.population.conditions import (
    ArmCase,
    Condition,
    NotComparable,
    case_of,
    cases_of,
    regimen_for,
    regimens_of,
    weeks_of,
)
from anagen.population.settings import setting_names

NOTHING = dict.fromkeys(Arm.__annotations__)
WORDS = ("study_id", "first_author", "design", "arm", "drug", "population", "endpoint",
         "outcome_definition", "url", "quote_status", "note", "reference")  # fmt: skip
PLAIN = Arm(**{**NOTHING, **dict.fromkeys(WORDS, "")})  # type: ignore[arg-type]
SPANS = ("concentration_mg_per_mL", "volume_per_site_mL", "site_spacing_cm", "n_sessions",
         "threshold")  # fmt: skip


def arm(**given: Any) -> Arm:
    """Build an arm of 5 mg/mL, three monthly sessions, 20 of 40 with half regrowth at 12 weeks."""
    usual: dict[str, Any] = {
        "study_id": "New", "drug": "triamcinolone acetonide", "concentration_mg_per_mL": "5",
        "interval_weeks": 4.0, "n_sessions": "3", "time_weeks": 12.0, "n_total": 40,
        "endpoint": "regrowth_at_least", "threshold": "0.5", "percent": 50.0,
        "outcome_definition": "at least 50 % of hair back",
    }  # fmt: skip
    fields = {**usual, **given}
    for name in SPANS:
        if isinstance(fields.get(name), str):
            fields[name] = span(fields[name])
    return replace(PLAIN, **fields)


def case(**given: Any) -> ArmCase:
    """Read an arm that must be comparable."""
    read = case_of(arm(**given))
    assert isinstance(read, ArmCase), read
    return read


def reason(**given: Any) -> str:
    """Say why an arm cannot be compared."""
    read = case_of(arm(**given))
    assert isinstance(read, NotComparable), read
    return read.reason


def strengths(**given: Any) -> dict[float, float]:
    """Strengths and their weights."""
    found: dict[float, float] = {}
    for one in case(**given).conditions:
        found[one.regimen.strength] = found.get(one.regimen.strength, 0.0) + one.weight
    return found


def plans(**given: Any) -> set[tuple[float, int, int]]:
    """Interval, sessions and week of every condition."""
    return {
        (one.regimen.interval, one.regimen.sessions, one.week) for one in case(**given).conditions
    }


def published(study: str, **wanted: Any) -> ArmCase:
    """Read a row of the catalogue."""
    row = next(
        row
        for row in load_arms()
        if row.study_id == study and all(getattr(row, key) == it for key, it in wanted.items())
    )
    read = case_of(row)
    assert isinstance(read, ArmCase), read
    return read


# --- stated conditions are kept -------------------------------------------------------------------


def test_what_is_stated_is_simulated_exactly() -> None:
    read = case(volume_per_site_mL="0.05", site_spacing_cm="0.5")
    assert read.conditions == (Condition(Regimen(5.0, 4.0, 3, 0.05, 5.0), 12, 1.0),)
    assert (read.likelihood, read.count, read.total, read.observed) == ("binomial", 20, 40, 0.5)
    assert read.calibrate
    assert read.setting == "localized"
    assert read.unclear == 0.0
    assert read.against == ()
    assert read.total_known


def test_sessions_after_the_reading_are_not_counted() -> None:
    assert plans(n_sessions="6", time_weeks=8.0) == {(4.0, 2, 8)}
    assert plans(n_sessions="6", time_weeks=9.0) == {(4.0, 3, 9)}
    assert plans(n_sessions="6", time_weeks=1.0) == {(4.0, 1, 1)}


def test_the_interval_of_a_single_session_means_nothing() -> None:
    assert plans(n_sessions="1", interval_weeks=None) == {(4.0, 1, 12)}
    assert plans(n_sessions="1", interval_weeks=6.0) == {(4.0, 1, 12)}


def test_never_more_sessions_than_can_be_followed() -> None:
    read = case(n_sessions="52", interval_weeks=1.0, time_weeks=52.0)
    assert read.conditions[0].regimen.sessions == MAX_SESSIONS
    assert any("first 14 of 52" in note for note in read.notes)


# --- strengths ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5-10", [5.0, 7.5, 10.0]),
        ("5 to 10", [5.0, 7.5, 10.0]),
        ("2.5-3.33", [2.5, 3.33]),
        ("5 and 10", [5.0, 10.0]),
        ("5 or 10", [5.0, 10.0]),
        ("2.5, 5 and 10", [2.5, 5.0, 10.0]),
        ("2.5/3.33", [2.5, 3.33]),
        ("<5", [2.5]),
        ("≥5", [5.0, 10.0]),
        (">5", [10.0]),
        ("max 5", [2.5, 5.0]),
        ("<2", [2.0]),
        ("40", [40.0]),
        ("0.5", [0.5]),
        ("mixed", [2.5, 5.0, 10.0]),
        ("40 diluted 1:4", [2.5, 5.0, 10.0]),
    ],
)
def test_strengths_in_words(text: str, expected: list[float]) -> None:
    assert sorted(strengths(concentration_mg_per_mL=text)) == expected


def test_a_missing_strength_has_the_weights_of_the_clinic() -> None:
    weights = load_condition_data().weights["strength_ta10"]
    found = strengths(concentration_mg_per_mL=None)
    assert found == pytest.approx(dict(zip(weights.at, weights.weights, strict=True)))
    below = strengths(concentration_mg_per_mL="max 5")
    assert below[5.0] / below[2.5] == pytest.approx(found[5.0] / found[2.5])


def test_the_strength_may_stand_in_the_name() -> None:
    assert strengths(concentration_mg_per_mL=None, arm="TA 2.5 mg/mL") == {2.5: 1.0}
    assert strengths(concentration_mg_per_mL=None, drug="Kenalog 10 mg/ml") == {10.0: 1.0}
    assert len(strengths(concentration_mg_per_mL=None, arm="TA 3 sessions")) == 3


def test_dose_volume_and_spacing_complete_each_other() -> None:
    by_dose = case(concentration_mg_per_mL=None, dose_per_cm2_mg=0.5, volume_per_site_mL="0.1",
                   site_spacing_cm="1").conditions[0].regimen  # fmt: skip
    assert by_dose.strength == pytest.approx(5.0)
    spaced = case(dose_per_cm2_mg=2.0, volume_per_site_mL="0.1").conditions[0].regimen
    assert spaced.spacing == pytest.approx(5.0)
    filled = case(dose_per_cm2_mg=0.25, site_spacing_cm="1").conditions[0].regimen
    assert filled.volume == pytest.approx(0.05)


def test_an_absurd_volume_is_not_simulated_and_said_so() -> None:
    read = case(volume_per_site_mL="5", site_spacing_cm="9")
    assert read.conditions[0].regimen == Regimen(5.0, 4.0, 3)
    assert sum("not simulated" in note for note in read.notes) == 2


# --- sessions and times in words ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sessions", "interval", "time", "expected"),
    [
        ("max 6", 4.0, 24.0, {(4.0, 6, 24)}),
        ("max 6", 4.0, 12.0, {(4.0, 3, 12)}),
        ("every 3 wk to 12 wk", 3.0, 24.0, {(3.0, 4, 24)}),
        ("every 3 wk to 12 wk", None, 24.0, {(3.0, 4, 24)}),
        ("to 24 wk max", 4.0, 24.0, {(4.0, 6, 24)}),
        ("1-3", 4.0, 12.0, {(4.0, 1, 12), (4.0, 2, 12), (4.0, 3, 12)}),
        ("3 monthly sessions", None, 12.0, {(4.0, 3, 12)}),
        ("monthly for 6 months", None, 24.0, {(4.0, 6, 24)}),
        ("every month until regrowth", None, 16.0, {(4.0, 4, 16)}),
        ("single injection", None, 12.0, {(4.0, 1, 12)}),
        ("up to 3 sessions", 4.0, 24.0, {(4.0, 3, 24)}),
        ("fortnightly, three sessions", None, 12.0, {(2.0, 3, 12)}),
        ("every 21 days, 4 sessions", None, 24.0, {(3.0, 4, 24)}),
        (None, 4.0, 12.0, {(4.0, 3, 12)}),
        (None, 4.0, 24.0, {(4.0, 6, 24), (4.0, 3, 24)}),
    ],
)
def test_sessions_in_words(
    sessions: str | None, interval: float | None, time: float, expected: set[Any]
) -> None:
    assert plans(n_sessions=sessions, interval_weeks=interval, time_weeks=time) == expected


def test_a_missing_interval_is_integrated_over() -> None:
    assert {one[0] for one in plans(interval_weeks=None)} == {3.0, 4.0, 6.0}


def test_a_missing_time_is_integrated_over() -> None:
    weights = load_condition_data()
    found = {one.week: one.weight for one in case(time_weeks=None, n_sessions="5").conditions}
    assert set(found) == {12, 20, 24}
    assert found[20] == pytest.approx(weights.value("after_last_session"))
    assert plans(time_weeks=None, n_sessions=None) >= {(4.0, 3, 12), (4.0, 6, 24), (4.0, 3, 24)}


@settings(deadline=None, derandomize=True, max_examples=120)
@given(
    strength=st.sampled_from([None, "5", "<5", "5-10", "10 vs 5", "0", "2.5 and 10", "words"]),
    interval=st.sampled_from([None, 0.0, 1.0, 3.0, 4.5, 12.0]),
    sessions=st.sampled_from([None, "0", "1", "3", "40", "1-6", "max 6", "to 24 wk max", "many"]),
    time=st.sampled_from([None, 0.2, 4.0, 12.0, 51.6, 104.0]),
    endpoint=st.sampled_from(ENDPOINTS),
    drug=st.sampled_from(["triamcinolone", "saline", "ILCS", "triamcinolone hexacetonide"]),
)
def test_any_arm_is_read_or_refused_with_a_reason(
    strength: Any, interval: Any, sessions: Any, time: Any, endpoint: str, drug: str
) -> None:
    read = case_of(
        arm(concentration_mg_per_mL=strength, interval_weeks=interval, n_sessions=sessions,
            time_weeks=time, endpoint=endpoint, drug=drug, mean=3.0)
    )  # fmt: skip
    if isinstance(read, NotComparable):
        assert read.reason
        return
    for side in (read.conditions, read.against):
        assert not side or math.isclose(sum(one.weight for one in side), 1.0)
        for one in side:
            assert 1 <= one.week <= 104
            assert 0.0 <= one.regimen.strength <= 40.0
            assert len(one.regimen.days) <= MAX_SESSIONS
            assert all(day < 7 * one.week for day in one.regimen.days)
    regimens = regimens_of([read])
    for one in (*read.conditions, *read.against):
        served = regimen_for(one, regimens)
        assert tuple(day for day in served.days if day < 7 * one.week) == one.regimen.days
    assert math.isfinite(read.observed)
    assert 0.0 <= read.unclear <= 1.0


# --- drugs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("drug", ["normal saline", "no treatment", "placebo", "untreated half"])
def test_no_drug_is_the_natural_course(drug: str) -> None:
    read = case(drug=drug, concentration_mg_per_mL=None)
    assert read.conditions == (Condition(NATURAL, 12, 1.0),)


def test_strength_zero_is_the_natural_course() -> None:
    assert case(concentration_mg_per_mL="0").conditions == (Condition(NATURAL, 12, 1.0),)


def test_an_unnamed_steroid_is_triamcinolone_and_less_clear() -> None:
    read = case(drug="intralesional corticosteroid", concentration_mg_per_mL=None)
    assert {one.regimen.product for one in read.conditions} == {"ta10"}
    assert read.unclear == pytest.approx(load_condition_data().unclear_steroid)
    assert read.calibrate


@pytest.mark.parametrize(
    ("drug", "product"),
    [("triamcinolone hexacetonide", "th20"), ("hydrocortisone acetate", "hca25")],
)
def test_other_depot_steroids_are_simulated_but_do_not_calibrate(drug: str, product: str) -> None:
    read = case(drug=drug)
    assert read.conditions[0].regimen.product == product
    assert not read.calibrate
    assert any("another steroid" in note for note in read.notes)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"drug": "PRP"}, "another treatment"),
        ({"drug": "superficial cryotherapy"}, "another treatment"),
        ({"drug": "intramuscular triamcinolone"}, "another treatment"),
        ({"drug": "triamcinolone acetonide via microneedling"}, "another treatment"),
        ({"drug": "PRP vs triamcinolone acetonide"}, "comparison"),
        ({"arm": "TA + PRP"}, "combines"),
        ({"drug": "betamethasone sodium phosphate"}, "no depot"),
        ({"drug": "dexamethasone"}, "no product"),
        ({"drug": "moonlight"}, "unknown drug 'moonlight'"),
        ({"drug": ""}, "no drug"),
        ({"concentration_mg_per_mL": "50"}, "above the 40 mg/mL"),
        ({"drug": "betamethasone dipropionate", "concentration_mg_per_mL": "10"}, "above the 5"),
        ({"time_weeks": 0.0}, "before anything"),
        ({"time_weeks": 260.0}, "104 weeks"),
        ({"interval_weeks": 0.01}, "0.01 weeks apart"),
        ({"percent": None}, "no published figure"),
        ({"endpoint": "mean_regrowth", "percent": None}, "no published figure"),
        ({"endpoint": "mean_regrowth", "mean": 250.0}, "250 %"),
        ({"endpoint": "onset_week", "mean": 0.0}, "a mean of 0"),
        ({"endpoint": ""}, "no endpoint is named: at least 50 %"),
        ({"endpoint": "tuft_diameter_cm", "mean": 0.5}, "not simulated"),
        ({"endpoint": "happiness"}, "'happiness' is not simulated"),
        ({"endpoint": "regrowth_between"}, "limits"),
        ({"threshold": "0"}, "everybody"),
        ({"endpoint": "odds_ratio", "mean": -1.0}, "odds ratio of -1"),
        ({"endpoint": "odds_ratio", "mean": 2.0}, "not told apart"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_says_why(given: dict[str, Any], why: str) -> None:
    assert why in reason(**given)


# --- figures --------------------------------------------------------------------------------------


def test_counts_come_before_percentages() -> None:
    read = case(n_success=7, n_total=20, percent=35.0)
    assert (read.count, read.total, read.total_known) == (7, 20, True)


def test_patches_are_counted_where_patches_are_meant() -> None:
    given = {"n_total": None, "n_patients": 30, "n_patches": 50}
    assert case(**given).total == 30
    assert case(**given, outcome_definition="patches with half their hair").total == 50


def test_a_percentage_without_a_number_of_people_says_what_was_assumed() -> None:
    read = case(n_total=None)
    assert (read.total, read.total_known) == (round(load_condition_data().value("total")), False)
    assert any("assumed" in note for note in read.notes)


def test_a_pooled_proportion_has_its_error_on_the_logit() -> None:
    read = case(n_total=None, percent=74.82, ci_low=64.99, ci_high=83.5)
    assert (read.likelihood, read.count) == ("normal", None)
    assert read.standard_error == pytest.approx(0.256, abs=0.001)
    bare = case(n_total=None, design="random-effects meta-analysis")
    assert bare.standard_error == load_condition_data().value("pooled_error")


@pytest.mark.parametrize("percent", [0.0, 100.0])
def test_nobody_and_everybody_are_finite(percent: float) -> None:
    read = case(n_total=None, percent=percent, ci_low=0.0, ci_high=100.0, design="meta-analysis")
    assert 0.0 < read.observed < 1.0
    assert read.standard_error is not None


def test_means_are_shares_and_their_error_that_of_a_mean() -> None:
    read = case(endpoint="mean_regrowth", mean=63.0, sd=20.0, n_total=25, threshold=None)
    assert read.observed == pytest.approx(0.63)
    assert read.standard_error == pytest.approx(0.04)
    share = case(endpoint="mean_salt_reduction", mean=0.63, sd=0.2, n_total=25)
    assert share.observed == pytest.approx(0.63)
    assert share.standard_error == pytest.approx(0.04)
    assert any("as a share" in note for note in share.notes)
    worse = case(endpoint="mean_salt_reduction", mean=-54.6)
    assert worse.observed == pytest.approx(-0.546)
    interval = case(endpoint="mean_regrowth", mean=60.0, ci_low=50.0, ci_high=70.0)
    assert interval.standard_error == pytest.approx(0.1 / 1.96, rel=1e-3)


def test_a_mean_without_deviation_says_what_was_assumed() -> None:
    read = case(endpoint="onset_week", mean=4.0, n_total=100)
    expected = load_condition_data().value("deviation_onset_week") / 10.0
    assert read.standard_error == pytest.approx(expected)
    assert any("no deviation stated" in note for note in read.notes)


def test_the_odds_ratio_of_two_strengths_has_two_sides() -> None:
    read = published("Su2022_MA", endpoint="odds_ratio")
    assert {one.regimen.strength for one in read.conditions} == {10.0}
    assert {one.regimen.strength for one in read.against} == {5.0}
    assert read.observed == pytest.approx(math.log(1.64))
    assert read.standard_error == pytest.approx(math.log(2.58 / 1.05) / 3.92, rel=1e-4)


def test_the_odds_ratio_of_drug_and_saline_has_the_natural_course_against_it() -> None:
    read = case(endpoint="odds_ratio", mean=3.0, drug="triamcinolone acetonide vs saline")
    assert read.conditions[0].regimen == Regimen(5.0, 4.0, 3)
    assert read.against[0].regimen == NATURAL
    named = case(endpoint="odds_ratio", mean=3.0, arm="10 vs 2.5 mg/mL")
    assert named.against[0].regimen.strength == 2.5


# --- clearness, people, use -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "clear"),
    [
        ("study-defined response", False),
        ("significant improvement", False),
        ("regrowth scale (RGS) = 4", False),
        (">70% improvement", True),
        ("at least half of hair back", True),
        ("regrowth", False),
    ],
)
def test_vague_outcomes_are_unclear(definition: str, clear: bool) -> None:
    assert (case(outcome_definition=definition).unclear == 0.0) == clear


def test_a_missing_threshold_is_assumed_and_unclear() -> None:
    read = case(threshold=None)
    assert read.endpoint.least == load_condition_data().value("response")
    assert read.unclear > 0.0
    step = case(threshold=None, outcome_definition="regrowth scale = 4")
    assert step.endpoint.least == 0.75


@pytest.mark.parametrize(
    ("population", "setting"),
    [
        ("localized AA", "localized"),
        ("localized patchy AA; <50% scalp is the stated indication", "localized"),
        ("AA, age 11-56; mean scalp area 23.21 +/- 10.70 %", "localized"),
        ("patchy AA; mixed extents/durations", "localized"),
        ("scalp AA, excluding severe disease", "localized"),
        ("extensive AA, >50% and <99% scalp", "extensive"),
        ("moderate-severe AA: 64% S2 (26-50%), 30% S3 (51-75%)", "extensive"),
        ("mean SALT 45", "extensive"),
        ("SALT <50", "localized"),
        ("AT and AU", "extensive"),
        ("patches at least 1 cm", "localized"),
        ("chronic recurring AA of >=2 years", "chronic"),
        ("recalcitrant AA patches", "chronic"),
        ("disease of less than 6 months", "localized"),
        ("localized AA; mean duration 2.4 y", "chronic"),
        ("children with patchy AA", "children"),
        ("children and adults", "localized"),
        ("", "localized"),
    ],
)
def test_people_are_told_from_the_words_of_the_population(population: str, setting: str) -> None:
    assert case(population=population).setting == setting
    assert setting in setting_names()


@pytest.mark.parametrize(("status", "used"), [("memory", False), ("design_only", False),
                                              ("verified", True), ("", True)])  # fmt: skip
def test_recalled_rows_do_not_calibrate(status: str, used: bool) -> None:
    assert case(quote_status=status).calibrate == used


# --- the catalogue --------------------------------------------------------------------------------


def test_every_row_of_the_catalogue_is_read_once() -> None:
    cases, others = cases_of(load_arms())
    assert len(cases) == 37
    assert len(cases) + len(others) == len(load_arms())
    assert all(one.reason for one in others)
    for one in cases:
        assert math.isclose(sum(way.weight for way in one.conditions), 1.0)


def test_every_rule_on_a_study_finds_its_row() -> None:
    data, (cases, _) = load_condition_data(), cases_of(load_arms())
    rows = [*data.readings, *data.totals, *data.duplicates, *data.overlaps]
    drugs = {"betamethasone dipropionate": "betamethasone_dipropionate"}
    for row in rows:
        key = {one.arm: drugs.get(one.arm.drug, "triamcinolone_acetonide") for one in cases}
        assert any(row.holds(one.arm, key[one.arm]) for one in cases), row.wanted


def test_pooled_and_repeated_rows_do_not_calibrate_twice() -> None:
    pooled = published("Muhaidat2020", arm="both arms pooled", endpoint="complete")
    assert not pooled.calibrate
    assert published("Muhaidat2020", arm="both arms pooled", endpoint="regrowth_at_least").calibrate
    assert [published(f"Kubeyinje1994{one}").calibrate for one in "ab"] == [False, True]
    for study in ("Yee2020_MA", "Su2022_MA"):
        read = published(study)
        assert read.calibrate
        assert any("pools studies" in note for note in read.notes)


def test_what_is_known_of_single_studies_is_used() -> None:
    assert published("Muhaidat2020", arm="5 mg/mL").count == 20
    assert published("Muhaidat2020", arm="10 mg/mL").count == 21
    assert published("Ustuner2017", drug="betamethasone dipropionate").conditions[
        0
    ].regimen == Regimen(1.25, 4.0, 6, product="bd5")
    assert published("Trink2013").setting == "chronic"


# --- what must be simulated -----------------------------------------------------------------------


def test_one_long_course_serves_earlier_readings() -> None:
    cases, _ = cases_of([arm(n_sessions="6", time_weeks=24.0), arm(), arm(time_weeks=4.0)])
    assert regimens_of(cases) == (Regimen(5.0, 4.0, 6),)
    assert regimens_of([cases[1]]) == (Regimen(5.0, 4.0, 3),)
    assert weeks_of(cases) == 24


def test_a_course_that_ended_is_not_served_by_a_longer_one() -> None:
    cases, _ = cases_of([arm(n_sessions="6", time_weeks=24.0), arm(time_weeks=24.0)])
    assert regimens_of(cases) == (Regimen(5.0, 4.0, 3), Regimen(5.0, 4.0, 6))
    with pytest.raises(InputError, match="Simulate it too"):
        regimen_for(cases[1].conditions[0], [Regimen(5.0, 4.0, 6)])


def test_the_catalogue_needs_few_regimens_and_they_serve_all() -> None:
    cases, _ = cases_of(load_arms())
    regimens = regimens_of(cases)
    assert len(regimens) <= 45
    assert len(set(regimens)) == len(regimens)
    for one in cases:
        for way in (*one.conditions, *one.against):
            served = regimen_for(way, regimens)
            assert tuple(day for day in served.days if day < 7 * way.week) == way.regimen.days


# --- the data -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("weights", "interval", "weights"), [0.5, 0.5, 0.5], "sum 1"),
        (("weights", "interval", "at"), [3.0], "sum 1"),
        (("weights", "interval", "source"), "Nobody1900", "Nobody1900"),
        (("number", "complete", "unit"), "mL", "write it in 1"),
        (("unclear_steroid", "amount"), 1.5, "0 to 1"),
        (("unclear", 0, "pattern"), "(", "pattern"),
        (("inferred_total", 0, "total"), "many", "total"),
    ],
)
def test_a_broken_row_is_refused(path: tuple[Any, ...], value: Any, why: str) -> None:
    tables = read_table("population/conditions.toml")
    place: Any = tables
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(EvidenceError, match=why):
        parse_condition_data(tables)


def test_a_number_that_is_not_there_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="no number"):
        load_condition_data().value("happiness")
