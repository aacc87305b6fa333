"""Comparisons of arms: published examples, other libraries, designs within people, empty arms."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from trials.analysis_cases import values_of

from anagen.errors import InputError
from anagen.trials.compare_arms import across_replicates, arm_table, compare_arms
from anagen.trials.endpoint_values import EndpointValues
from anagen.trials.shares import paired_shares, two_shares, wilson

NAN = np.nan
LIMITS = ["difference", "difference_low", "difference_high"]


def share_trial(hits: int, total: int, hits_0: int, total_0: int) -> EndpointValues:
    value = np.r_[np.arange(total_0) < hits_0, np.arange(total) < hits]
    return values_of(value, np.r_[np.zeros(total_0, int), np.ones(total, int)])


def pairs(first: np.ndarray, second: np.ndarray, kind: str, **more: Any) -> EndpointValues:
    """People who had control (second) and treated (first)."""
    count = len(first)
    return values_of(np.r_[second, first], np.repeat([0, 1], count), kind,
                     person=np.tile(np.arange(count), 2), paired=True, **more)  # fmt: skip


# Newcombe RG 1998, Stat Med 17:873-890, table II, method 10.
@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_differences_of_shares_are_newcombes(
    cells: tuple[int, int, int, int], low: float, high: float
) -> None:
    row = compare_arms(share_trial(*cells)).iloc[0]
    assert row[LIMITS].to_list() == pytest.approx(
        [cells[0] / cells[1] - cells[2] / cells[3], low, high], abs=5e-5
    )
    assert (row.n, row.n_reference) == (cells[1], cells[3])


def test_shares_within_people_are_those_of_the_published_example() -> None:
    # Fagerland MW, Lydersen S, Laake P 2014, Stat Med 33:2850: 21 children before and after stem
    # cell transplantation; mid-p 0.039, Newcombe -0.507 to -0.026, odds ratio 0.023 to 0.890.
    first = np.r_[np.ones(2), np.zeros(19)]
    second = np.r_[1.0, 0.0, np.ones(7), np.zeros(12)]
    row = compare_arms(pairs(first, second, "responder")).iloc[0]
    assert row[LIMITS].to_list() == pytest.approx([-6 / 21, -0.507, -0.026], abs=5e-4)
    assert row.p == pytest.approx(0.0391, abs=5e-5)
    assert [row.ratio, row.ratio_low, row.ratio_high] == pytest.approx([1 / 7, 0.023, 0.890],
                                                                     abs=5e-4)  # fmt: skip
    assert (row.n, row.n_reference) == (21, 21)


def test_wilson_and_chi_square_agree_with_scipy() -> None:
    for count, total in ((0, 7), (3, 11), (50, 50), (1, 400)):
        known = stats.binomtest(count, total).proportion_ci(method="wilson")
        assert [float(end) for end in wilson(count, total)] == pytest.approx(
            [known.low, known.high]
        )
    table = np.array([[12, 18], [4, 21]])
    pearson = stats.chi2_contingency(table, correction=False)
    total = table.sum()
    wanted = stats.chi2.sf(pearson.statistic * (total - 1) / total, 1)
    found = two_shares(12, 30, 4, 25)
    assert float(found.p) == pytest.approx(wanted)
    sample = stats.contingency.odds_ratio(table, kind="sample")
    limits = sample.confidence_interval(0.95)
    assert [float(found.ratio), float(found.ratio_low), float(found.ratio_high)] == pytest.approx(
        [sample.statistic, limits.low, limits.high]
    )


def test_means_agree_with_scipy_paired_and_not() -> None:
    random = np.random.default_rng(1)
    first, second = random.normal(0.4, 1.0, 20), random.normal(0.0, 2.0, 20)
    known = stats.ttest_ind(first, second, equal_var=False)
    row = compare_arms(replace(pairs(first, second, "mean"), paired=False)).iloc[0]
    assert [row.p, *row[LIMITS]] == pytest.approx(
        [known.pvalue, first.mean() - second.mean(), *known.confidence_interval()]
    )
    known = stats.ttest_rel(first, second)
    row = compare_arms(pairs(first, second, "mean")).iloc[0]
    assert [row.p, *row[LIMITS][1:]] == pytest.approx([known.pvalue, *known.confidence_interval()])


def test_times_agree_with_scipy_and_lifelines() -> None:
    from lifelines import KaplanMeierFitter

    random = np.random.default_rng(2)
    arm = np.repeat([0, 1], 40)
    time = np.ceil(random.exponential(np.where(arm, 3.0, 5.0)))
    end = np.minimum(np.ceil(random.exponential(12.0, 80)), 9.0)
    event, shown = time <= end, np.minimum(time, end)
    found = values_of(shown, arm, "time", event=event)
    known = stats.logrank(*(
        stats.CensoredData(shown[own & event], right=shown[own & ~event])
        for own in (arm == 1, arm == 0)
    ))  # fmt: skip
    row = compare_arms(found).iloc[0]
    assert row.p == pytest.approx(known.pvalue)
    assert row.ratio > 1.0  # events come sooner
    table = arm_table(found)
    for number in (0, 1):
        own = arm == number
        fitter = KaplanMeierFitter().fit(shown[own], event[own])
        at_end = fitter.confidence_interval_.iloc[-1].to_numpy()
        wanted = [1.0 - fitter.survival_function_.iloc[-1, 0], 1.0 - at_end[1], 1.0 - at_end[0]]
        assert table.iloc[number][["estimate", "low", "high"]].to_list() == pytest.approx(wanted)
        assert table["median"][number] == fitter.median_survival_time_
    assert row.difference == pytest.approx(table.estimate[1] - table.estimate[0])


def test_two_units_of_each_person_tell_no_more_than_one() -> None:
    """Twice the same patches must not narrow anything when compared by person."""
    random = np.random.default_rng(3)
    person = np.tile(np.arange(50), 2)
    time = np.ceil(random.exponential(4.0, 100) + np.repeat([0.0, 1.5], 50))
    once = values_of(np.minimum(time, 8), np.repeat([0, 1], 50), "time", event=time <= 8,
                     person=person, paired=True)  # fmt: skip
    twice = replace(
        once,
        **{
            name: np.tile(getattr(once, name), 2)
            for name in ("value", "event", "seen", "failed", "arm", "replicate", "person")
        },
    )
    one, two = compare_arms(once).iloc[0], compare_arms(twice).iloc[0]
    columns = ["difference", "difference_low", "difference_high"]
    assert two[columns].to_list() == pytest.approx(one[columns].to_list())
    assert two.p == pytest.approx(one.p, rel=0.1)  # the same but for ties within a person
    naive = compare_arms(twice, paired=False).iloc[0]
    assert naive.p < 0.5 * one.p
    for kind in ("responder", "mean"):
        value = (time > 4) if kind == "responder" else time
        half = replace(once, kind=kind, value=value.astype(float))
        many = replace(twice, kind=kind, value=np.tile(value, 2).astype(float))
        assert compare_arms(many).n.iloc[0] == 50
        assert compare_arms(many).difference.iloc[0] == pytest.approx(
            compare_arms(half).difference.iloc[0])  # fmt: skip


def many_trials(kind: str, paired: bool = False) -> EndpointValues:
    random = np.random.default_rng(4)
    arm, replicate = np.tile(np.repeat([0, 1, 2], 15), 6), np.repeat(np.arange(6), 45)
    value = random.normal(arm * 0.3, 1.0)
    value = {"responder": (value > 0).astype(float), "mean": value,
             "time": np.ceil(np.abs(4 * value))}[kind]  # fmt: skip
    value[random.random(len(value)) < 0.1] = NAN
    person = np.tile(np.arange(15), 18) if paired else np.tile(np.arange(45), 6)
    event = random.random(len(value)) < 0.8
    return values_of(value, arm, kind, event=event, person=person, replicate=replicate,
                     arms=("a", "b", "c"), reference=1, paired=paired)  # fmt: skip


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("kind", ["responder", "mean", "time"])
def test_a_replicate_is_told_the_same_alone_or_among_others(kind: str, paired: bool) -> None:
    together = many_trials(kind, paired)
    table = compare_arms(together)
    assert [*table.arm.unique()] == ["a", "c"]
    assert set(table.reference) == {"b"}
    for number in range(6):
        own = together.replicate == number
        alone = replace(together, **{name: getattr(together, name)[own] for name in
                                     ("value", "event", "seen", "failed", "arm", "replicate",
                                      "person")})  # fmt: skip
        wanted = table[table.replicate == number].reset_index(drop=True)
        pd.testing.assert_frame_equal(compare_arms(alone), wanted)


@pytest.mark.parametrize("kind", ["responder", "mean", "time"])
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(
    ("value", "arm"),
    [
        ([1.0, 0.0, 1.0], [0, 0, 0]),  # nobody in the other arm
        ([NAN, NAN, NAN, NAN], [0, 0, 1, 1]),  # nobody seen
        ([1.0, 1.0, 1.0, 1.0], [0, 0, 1, 1]),  # nothing varies
        ([0.0, 1.0], [0, 1]),  # one person in each
        ([1.0], [1]),  # a single person
        ([], []),  # nobody at all
    ],
)
def test_arms_without_people_or_variance_give_nan_and_counts(
    kind: str, paired: bool, value: list[float], arm: list[int]
) -> None:
    found = values_of(value, arm, kind, paired=paired)
    if kind == "time":
        found = replace(found, event=~np.isnan(found.value))
    table, arms = compare_arms(found), arm_table(found)
    assert len(table) == (1 if value else 0)
    assert len(arms) == (2 if value else 0)
    counted = np.bincount(np.array(arm, int)[~np.isnan(value)], minlength=2)
    if value:
        assert arms.n.to_list() == counted.tolist()
        assert arms.estimate.isna().to_list() == [count == 0 for count in counted]
    if value and not paired:
        assert table.difference.isna().iloc[0] == (0 in counted)
        if 0 in counted or (kind == "mean" and min(counted) < 2):
            assert np.isnan(table.p.iloc[0])
    if value:
        across = across_replicates(table)
        assert across.power.iloc[0] == 0.0
        assert across.tested.iloc[0] == table.p.notna().sum()


def test_equal_shares_are_no_evidence_rather_than_unknown() -> None:
    assert float(two_shares(0, 10, 0, 20).p) == 1.0
    assert float(paired_shares(5, 0, 0, 5).p) == 1.0
    assert np.isnan(float(two_shares(0, 0, 1, 2).p))


def test_replicates_together_tell_power_in_the_better_direction() -> None:
    rows = pd.DataFrame({
        "replicate": range(4), "arm": "treated", "reference": "control",
        "difference": [-0.2, -0.4, 0.3, np.nan], "p": [0.01, 0.2, 0.03, np.nan],
    })  # fmt: skip
    rows.attrs.update(alpha=0.05, better="lower")
    found = across_replicates(rows).iloc[0]
    assert (found.replicates, found.tested) == (4, 3)
    assert (found.power, found.power_better) == (0.5, 0.25)
    assert found.power_low < 0.5 < found.power_high
    assert found.difference == pytest.approx(-0.1)
    assert found.least < found.difference < found.most


def test_another_reference_turns_the_difference_round() -> None:
    found = share_trial(9, 10, 3, 10)
    one, other = compare_arms(found).iloc[0], compare_arms(found, reference="treated").iloc[0]
    assert (other.arm, other.reference) == ("control", "treated")
    assert other.difference == pytest.approx(-one.difference)
    assert other.p == pytest.approx(one.p)
    assert other.ratio == pytest.approx(1.0 / one.ratio)
    with pytest.raises(InputError, match="one of control, treated"):
        compare_arms(found, reference="placebo")
    with pytest.raises(InputError, match="a level between 0 and 1"):
        compare_arms(found, alpha=5)


def test_a_stricter_level_widens_every_interval() -> None:
    for kind in ("responder", "mean", "time"):
        found = many_trials(kind)
        usual, strict = compare_arms(found), compare_arms(found, alpha=0.01)
        for low, high in (("low", "high"), ("difference_low", "difference_high")):
            assert not (strict[low] > usual[low]).any(), kind
            assert not (strict[high] < usual[high]).any(), kind
            assert usual[[low, high]].notna().all(axis=None), kind
        assert strict.attrs["method"] == usual.attrs["method"]
