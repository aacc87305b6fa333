"""Published arms against the model: coverage, width, order, and arms never seen before."""

from functools import lru_cache

import numpy as np

from anagen.evidence.arm_files import parse_arms_file
from anagen.evidence.published import load_arms
from anagen.population.compare import Compared, compare_arms, left_out_inside, summary, table
from anagen.population.predict import LEVELS

COLUMNS = ("study_id,arm,drug,concentration_mg_per_mL,interval_weeks,n_sessions,n_patients,"
           "time_weeks,endpoint,threshold,n_total,percent,mean")  # fmt: skip


@lru_cache(maxsize=1)
def _own() -> tuple[Compared, ...]:
    return compare_arms(load_arms(), people=768, draws=120)


@lru_cache(maxsize=1)
def _unseen() -> tuple[Compared, ...]:
    rows = (
        "A,strong,triamcinolone acetonide,10,4,3,60,12,regrowth_at_least,0.5,60,70,",
        "A,weak,triamcinolone acetonide,2.5,4,3,60,12,regrowth_at_least,0.5,60,40,",
        "A,higher bar,triamcinolone acetonide,10,4,3,60,12,regrowth_at_least,0.75,60,50,",
        "A,large,triamcinolone acetonide,10,4,3,2000,12,regrowth_at_least,0.5,2000,70,",
        "A,saline,saline,,,,60,12,regrowth_at_least,0.5,60,10,",
        "A,vague,triamcinolone acetonide,,,,,,regrowth_at_least,0.5,,60,",
        "A,odd,triamcinolone acetonide,10,4,3,60,12,happiness,,60,60,",
        "A,plasma,PRP,,4,3,60,12,regrowth_at_least,0.5,60,60,",
        "A,onset,triamcinolone acetonide,10,4,3,60,12,onset_week,,60,,4.2",
    )
    arms = parse_arms_file("\n".join((COLUMNS, *rows)), "unseen.csv")
    return compare_arms(arms, people=512, draws=80)


def _of(arm: str) -> Compared:
    return next(entry for entry in _unseen() if entry.arm.arm == arm)


def test_nine_in_ten_published_figures_lie_in_the_95_percent_interval() -> None:
    shares = summary(_own())["calibrated"]
    assert shares["n"] > 25
    assert shares["inside_95"] >= 0.90
    assert shares["inside_50"] >= 0.40


def test_left_out_predictions_stand_beside_those_in_sample() -> None:
    calibrated = [entry for entry in _own() if entry.calibrated]
    assert all(left_out_inside(entry, 95) is not None for entry in calibrated)
    assert summary(_own())["left_out"]["n"] == len(calibrated)


def test_intervals_of_large_arms_say_something() -> None:
    """The aim is 60 points; published studies differ by more than that, see docs/population.md."""
    wide = [
        (entry.arm.study_id, entry.arm.arm, entry.prediction.high[95] - entry.prediction.low[95])
        for entry in _own()
        if entry.prediction
        and entry.prediction.unit == "%"
        and (entry.arm.n_total or entry.arm.n_patients or 0) >= 40
        and entry.prediction.high[95] - entry.prediction.low[95] > 80.0
    ]
    assert not wide


def test_every_arm_has_one_entry_in_its_order() -> None:
    assert [entry.arm for entry in _own()] == list(load_arms())
    rows = table(_own())
    assert len(rows) == len(load_arms())
    for row in rows:
        assert row["comparable"] == (not row["reason"])
        if row["comparable"]:
            ends = [row[f"low_{level}"] for level in LEVELS]
            assert ends == sorted(ends, reverse=True)
            assert row["low_95"] <= row["predicted"] <= row["high_95"]


def test_unknown_endpoints_and_other_treatments_are_listed_with_the_reason() -> None:
    assert "happiness" in _of("odd").reason
    assert _of("plasma").prediction is None
    assert "platelet" in _of("plasma").reason
    assert len(_unseen()) == 9


def test_predictions_are_in_the_order_that_reason_demands() -> None:
    middle = {name: _of(name).prediction.predicted for name in
              ("strong", "weak", "higher bar", "saline")}  # fmt: skip
    assert middle["strong"] > middle["weak"] > middle["saline"]
    assert middle["strong"] > middle["higher bar"]


def test_a_larger_study_has_a_narrower_interval() -> None:
    wide, narrow = (_of(name).prediction for name in ("strong", "large"))
    assert narrow.high[95] - narrow.low[95] < wide.high[95] - wide.low[95]
    assert narrow.expected_low >= narrow.low[95]


def test_missing_conditions_are_integrated_over_and_said_so() -> None:
    vague = _of("vague").prediction
    assert len(vague.case.conditions) > 5
    assert vague.case.notes


def test_means_have_their_own_unit() -> None:
    onset = _of("onset").prediction
    assert onset.unit == "week"
    assert 2.0 < onset.predicted < 8.0
    assert not np.isnan(onset.high[95])


def test_the_same_seed_gives_the_same_figures() -> None:
    arms = [entry.arm for entry in _unseen()[:1]]
    first, second = (
        compare_arms(arms, people=128, draws=20, seed=4)[0].prediction for _ in range(2)
    )
    assert first.low == second.low
    assert first.predicted == second.predicted


def test_an_arm_of_another_study_counts_as_unseen() -> None:
    entry = _of("strong")
    assert not entry.calibrated
    assert left_out_inside(entry, 95) is None
    assert summary(_unseen())["unseen"]["n"] == 7


def test_nothing_to_compare_is_no_error() -> None:
    assert compare_arms(()) == ()
    assert summary(())["comparable"] == 0
