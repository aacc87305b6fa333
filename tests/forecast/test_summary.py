"""Names, units and sense of every number of a forecast."""

from types import SimpleNamespace

import numpy as np
import pytest

from anagen.forecast.outlook import UNTREATED, look_ahead
from anagen.forecast.summary import QUANTILES, THRESHOLDS, chance_of, summarise, variables_of
from anagen.patient.timeline import cumulative_steroid_mg

FANS = ("patch_cover", "patch_density", "patch_calibre", "patch_terminal_share", "patch_area",
        "patch_thinning", "salt", "scalp_regrowth", "cortisol_morning",
        "cortisol_suppression")  # fmt: skip
CHANCES = ("patch_chance", "scalp_chance", "relapse_chance", "atrophy_chance",
           "telangiectasia_chance", "colour_chance", "regrown_untreated", "regrown_either",
           "regrown_only_treated", "regrown_only_untreated")  # fmt: skip
NEVER_NEGATIVE = ("patch_cover", "patch_density", "patch_calibre", "patch_area", "salt",
                  "scalp_regrowth", "cortisol_suppression", "cumulative_mg")  # fmt: skip
SHAPES = {
    "patch_cover": ("plan", "patch", "week", "quantile"),
    "patch_chance": ("plan", "patch", "week", "threshold"),
    "patch_mean_cover": ("plan", "patch", "week"),
    "salt": ("plan", "week", "quantile"),
    "scalp_regrowth": ("plan", "week", "quantile"),
    "scalp_chance": ("plan", "week", "threshold"),
    "first_hair_week": ("plan", "patch", "quantile"),
    "first_hair_chance": ("plan", "patch", "week"),
    "relapse_chance": ("plan", "week"),
    "atrophy_chance": ("plan", "patch", "week"),
    "cortisol_morning": ("plan", "week", "quantile"),
    "cumulative_mg": ("plan", "week"),
    "planned_mg": ("plan",),
    "pain": ("plan", "quantile"),
    "regrown_either": ("plan", "week", "threshold"),
    "seen_cover": ("patch", "visit", "quantile"),
    "observed_cover": ("patch", "visit"),
}


@pytest.fixture(scope="module")
def dataset(told):
    return told.dataset


def test_every_variable_has_a_name_and_a_unit(dataset):
    for name, one in dataset.data_vars.items():
        assert one.attrs["units"], name
        assert one.attrs["long_name"], name
    assert variables_of(dataset)["salt"].endswith("[%]")
    assert set(variables_of(dataset)) == set(dataset.data_vars)


@pytest.mark.parametrize(("name", "dims"), SHAPES.items())
def test_dimensions(dataset, name, dims):
    assert dataset[name].dims == dims


def test_coordinates(dataset, told):
    assert dataset.plan.values.tolist() == [UNTREATED, "go on", "once"]
    assert dataset.patch.values.tolist() == ["vertex", "right parietal"]
    assert tuple(dataset["quantile"].values) == QUANTILES
    assert tuple(dataset.threshold.values) == THRESHOLDS
    np.testing.assert_array_equal(dataset.week, np.arange(told.outlook.weeks + 1))
    # The visit is the origin, and has a reading.
    assert dataset.visit_day.values.tolist() == [0]


@pytest.mark.parametrize("name", FANS)
def test_quantiles_are_in_order(dataset, name):
    values = dataset[name].values
    assert np.all(np.isfinite(values))
    assert np.all(np.diff(values, axis=-1) >= -1e-6)


@pytest.mark.parametrize("name", NEVER_NEGATIVE)
def test_amounts_are_not_negative(dataset, name):
    assert np.all(dataset[name].values >= -1e-6)


@pytest.mark.parametrize("name", CHANCES)
def test_chances_lie_in_their_intervals(dataset, name):
    middle, low, high = (dataset[f"{name}{end}"].values for end in ("", "_low", "_high"))
    known = np.isfinite(middle)
    assert known.any()
    for part in (middle, low, high):
        np.testing.assert_array_equal(np.isfinite(part), known)
        assert np.all((part[known] >= 0.0) & (part[known] <= 1.0))
    assert np.all(low[known] <= middle[known])
    assert np.all(middle[known] <= high[known])
    # Some hundred people never make it sure.
    assert np.all((high - low)[known] > 0.0)


@pytest.mark.parametrize("name", ["patch_chance", "scalp_chance", "regrown_untreated"])
def test_more_hair_is_less_likely(dataset, name):
    assert np.all(np.diff(dataset[name].values, axis=-1) <= 1e-9)


@pytest.mark.parametrize(
    "name", ["first_hair_chance", "atrophy_chance", "telangiectasia_chance", "colour_chance"]
)
def test_what_has_happened_stays_so(dataset, name):
    values = dataset[name].transpose(..., "week").values
    assert np.all(np.diff(values, axis=-1) >= -1e-6)


def test_of_those_who_regrow_untreated_every_plan_says_what_becomes(dataset):
    both = dataset.regrown_either + dataset.regrown_only_untreated
    for name in dataset.plan.values:
        np.testing.assert_allclose(both.sel(plan=name), dataset.regrown_untreated, atol=1e-9)
    treated = dataset.regrown_either + dataset.regrown_only_treated
    np.testing.assert_allclose(treated, dataset.scalp_chance, atol=1e-9)
    alone = dataset.sel(plan=UNTREATED)
    assert np.all(alone.regrown_only_treated.values == 0.0)
    assert np.all(alone.regrown_only_untreated.values == 0.0)


def test_steroid_in_all_is_history_and_plan(dataset, patient, case, plan):
    before = cumulative_steroid_mg(patient, case.origin)
    assert before > 0.0
    total = dataset.cumulative_mg
    np.testing.assert_allclose(total.isel(week=-1), before + dataset.planned_mg)
    assert np.all(np.diff(total.transpose("plan", "week").values, axis=1) >= 0.0)
    assert np.all(total.sel(plan=UNTREATED).values == before)
    assert dataset.planned_mg.sel(plan="go on") == pytest.approx(plan.total_mg)
    assert dataset.planned_mL.sel(plan="go on") == pytest.approx(plan.total_mL)
    assert dataset.planned_sites.sel(plan="go on") == sum(one.sites for one in plan.sessions)
    assert dataset.planned_sessions.values.tolist() == [0.0, 3.0, 1.0]


def test_pain_is_of_sessions_only(dataset):
    assert np.all(np.isnan(dataset.pain.sel(plan=UNTREATED)))
    assert np.all(np.diff(dataset.pain.sel(plan="go on")) > 0.0)


def test_drug_shows_where_it_is_given(dataset):
    week = dataset.isel(week=12)
    cover = week.patch_mean_cover
    assert np.all(cover.sel(plan="go on") > cover.sel(plan=UNTREATED))
    assert np.all(week.atrophy_chance.sel(plan="go on") > week.atrophy_chance.sel(plan="once"))
    assert np.all(week.atrophy_chance.sel(plan="once") > week.atrophy_chance.sel(plan=UNTREATED))
    first = dataset.isel(week=1).cortisol_morning.sel(quantile=0.5)
    assert first.sel(plan="go on") < first.sel(plan=UNTREATED)


def test_the_past_is_what_was_read(dataset, case):
    read = dataset.observed_cover
    # 35 % of the first outline was read on the vertex, drawn anew a little smaller.
    assert read.sel(patch="vertex").values == pytest.approx(0.35, abs=0.05)
    assert np.isfinite(read.values).all()
    fit = dataset.seen_cover.isel(visit=0)
    np.testing.assert_allclose(fit, dataset.patch_cover.sel(plan=UNTREATED, week=0), atol=1e-6)
    assert fit.sel(patch="vertex", quantile=0.025) < 0.35 < fit.sel(patch="vertex", quantile=0.975)


def test_without_blood_there_is_no_cortisol(learnt):
    found = summarise(look_ahead(learnt, {}, 4, blood=False))
    assert np.all(np.isnan(found.cortisol_morning))
    assert np.all(np.isfinite(found.patch_cover))


# ---- chances of people whom it concerns ----------------------------------------------------------

HAPPENED = np.repeat([0.0, 1.0], 50)


def people(share, effective=100.0, tau=0.0):
    """People who stand for draws of the population by shares (person, draw)."""
    share = np.asarray(share, float)
    posterior = SimpleNamespace(draws={"tau": np.full(share.shape[1], tau)})
    learnt = SimpleNamespace(share=share, effective=effective, posterior=posterior)
    return SimpleNamespace(number=np.arange(len(share)), learnt=learnt)


@pytest.mark.parametrize("count", [10, 30, 50])
def test_a_chance_counts_people(count):
    """Of draws that agree only the Monte Carlo error is left: near that of a binomial share."""
    middle, low, high = chance_of(people(np.full((100, 2), 0.5)), np.arange(100) < count)
    assert middle == pytest.approx(count / 100)
    error = np.sqrt(middle * (1.0 - middle) / 100.0)
    assert high - low == pytest.approx(2.0 * 1.96 * error, rel=0.1)
    assert low < middle < high


def test_fewer_effective_people_are_less_sure():
    agree = np.full((100, 2), 0.5)
    ends = [chance_of(people(agree, effective), HAPPENED)[1:] for effective in (10.0, 50.0, 100.0)]
    width = [high - low for low, high in ends]
    assert width == sorted(width, reverse=True)


def test_draws_that_disagree_widen_the_interval():
    apart = people(np.repeat(np.eye(2), 50, axis=0))
    middle, low, high = chance_of(apart, HAPPENED)
    assert middle == pytest.approx(0.5)
    assert low < 0.05
    assert high > 0.95


def test_clinics_differ_in_responses():
    agree = np.full((100, 2), 0.5)
    plain, wide = (chance_of(people(agree, tau=0.8), HAPPENED, response=one)
                   for one in (False, True))  # fmt: skip
    assert plain[0] == wide[0]
    assert wide[1] < plain[1] < plain[2] < wide[2]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_nobody_shows_is_not_impossible(value):
    middle, low, high = chance_of(people(np.full((100, 2), 0.5)), np.full(100, value))
    assert middle == value
    assert 0.0 <= low <= middle <= high <= 1.0
    assert 0.01 < high - low < 0.1


def test_those_whom_it_does_not_concern_do_not_count():
    some = people(np.full((4, 2), 0.5))
    happened = np.array([[1.0, np.nan], [0.0, np.nan], [np.nan, np.nan], [np.nan, np.nan]])
    middle, low, high = chance_of(some, happened)
    assert middle[0] == pytest.approx(0.5)
    assert np.isnan([middle[1], low[1], high[1]]).all()
