"""Covariates of virtual people against the published series, and their reproducibility."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from anagen.errors import InputError
from anagen.population.covariate_data import load_covariates
from anagen.population.covariates import (
    COVARIATES,
    FEMALE,
    Covariates,
    count_shares,
    draw_covariates,
    select,
)
from anagen.population.settings import Setting, setting_limits, setting_names

N = 40_000


@lru_cache(maxsize=16)
def people(name: str = "clinic", onset_extent: float | None = None) -> Covariates:
    return draw_covariates(N, seed=11, setting=Setting(name, onset_extent=onset_extent))


def published(name: str) -> float:
    quantity = load_covariates().quantities[f"published.{name}"]
    return quantity.value


def near(share: float, expected: float, n: int = N, slack: float = 0.0) -> bool:
    """Whether a share lies within 4 standard errors, and a stated slack, of the expected one."""
    return abs(share - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / n) + slack


def test_extent_follows_the_photographs() -> None:
    extent = people("photographs").extent
    for probability, quantile in ((0.25, 0.012), (0.5, 0.062), (0.75, 0.21), (0.9, 0.58)):
        assert near(float((extent <= quantile).mean()), probability)


@pytest.mark.parametrize(
    ("name", "shares"), [("photographs", (0.59, 0.21, 0.20)), ("presentation", (0.8, 0.125, 0.075))]
)
def test_number_of_patches_follows_the_setting(name: str, shares: tuple[float, ...]) -> None:
    count = people(name).patches
    for found, expected in zip((count == 1, count == 2, count >= 3), shares, strict=True):
        assert near(float(found.mean()), expected, slack=0.005)  # tiny areas hold one patch only


def test_clinic_stays_near_the_photographs() -> None:
    clinic = people()
    assert clinic.extent.max() <= 0.9
    assert float(np.median(clinic.extent)) == pytest.approx(0.062, abs=0.01)
    assert near(float((clinic.patches == 1).mean()), 0.59, slack=0.02)


def test_the_other_published_count_can_be_asked_for() -> None:
    setting = Setting("clinic", patch_count="presentation")
    assert count_shares(setting)[0] == pytest.approx(0.8)
    assert near(float((draw_covariates(N, 2, setting).patches == 1).mean()), 0.8, slack=0.02)


def test_ages_agree_with_the_series() -> None:
    everyone = people("photographs")
    assert near(float((everyone.onset_age_years < 40.0).mean()), 0.855, slack=0.01)
    assert float(np.median(everyone.age_years)) == pytest.approx(published("age_median"), abs=1.0)
    assert float(everyone.age_years.mean()) == pytest.approx(published("age_mean"), abs=2.0)
    assert near(float((everyone.age_years < 40).mean()), published("share_below_40"), slack=0.06)
    young = float((everyone.onset_age_years < 16.0).mean())
    assert near(young, published("share_onset_below_16"), slack=0.03)


def test_sex_nails_and_histories_have_their_published_shares() -> None:
    everyone, data = people("photographs"), load_covariates()
    assert near(float((everyone.sex == FEMALE).mean()), 0.534)
    young = everyone.sex[everyone.onset_age_years < 16.0]
    assert near(float((young == FEMALE).mean()), 0.417, len(young))
    for name, flags in (
        ("nail", everyone.nail_change),
        ("recurrent", everyone.recurrent),
        ("family", everyone.family_history),
        ("atopy", everyone.atopy),
    ):
        assert near(float(flags.mean()), data.value(f"{name}.share", "1"), slack=0.003), name


def test_the_present_episode_has_its_classes() -> None:
    months = people("photographs").episode_days / 30.4375
    assert near(float((months < 6.0).mean()), 0.717, slack=0.003)
    assert near(float((months > 24.0).mean()), 0.07, slack=0.003)
    assert months.min() * 30.4375 >= 14.0
    assert 2.0 < np.median(months) < 4.0 < months.mean()


def test_both_sides_of_the_conflict_on_early_onset_can_be_had() -> None:
    """Tan 2002: 36.5 against 5.5 % extensive; Lee 2017: the same age in mild and severe disease."""
    early_share, late_share = published("extensive_early_onset"), published("extensive_late_onset")
    overall = 0.855 * early_share + 0.145 * late_share
    gaps = []
    for correlation in (-0.57, None, 0.0):
        group = people("photographs", correlation)
        extensive = group.extent > np.quantile(group.extent, 1.0 - overall)
        early = group.onset_age_years < 40.0
        found = float(extensive[early].mean()), float(extensive[~early].mean())
        gaps.append(found[0] - found[1])
        if correlation == -0.57:
            assert found[0] == pytest.approx(early_share, abs=0.02)
            assert found[1] == pytest.approx(late_share, abs=0.02)
    assert gaps[0] > gaps[1] > gaps[2]
    assert abs(gaps[2]) < 0.03


def test_other_correlations_have_their_sign() -> None:
    everyone = people("photographs")
    wide = everyone.extent > np.median(everyone.extent)
    long = everyone.episode_days > np.median(everyone.episode_days)
    young = everyone.onset_age_years < np.median(everyone.onset_age_years)
    assert everyone.nail_change[wide].mean() > 1.4 * everyone.nail_change[~wide].mean()
    assert everyone.recurrent[long].mean() > everyone.recurrent[~long].mean() + 0.03
    assert everyone.atopy[young].mean() > everyone.atopy[~young].mean() + 0.03
    assert everyone.patches[wide].mean() > everyone.patches[~wide].mean() + 0.1
    assert stats.spearmanr(everyone.episode_days, everyone.extent).statistic > 0.1
    atopy = everyone.extent[everyone.atopy].mean() / everyone.extent[~everyone.atopy].mean()
    assert atopy == pytest.approx(1.0, abs=0.15)  # Tan 2002: none with extent


def test_age_is_made_of_onset_gap_and_episode() -> None:
    everyone = people()
    since = everyone.onset_age_years + everyone.episode_days / 365.25
    assert np.allclose(everyone.age_years[~everyone.recurrent], since[~everyone.recurrent])
    assert (everyone.age_years[everyone.recurrent] > since[everyone.recurrent]).all()


def test_children_weigh_less_and_men_more() -> None:
    everyone = people("photographs")
    male = everyone.sex != FEMALE
    adult = (everyone.age_years > 25.0) & (everyone.age_years < 60.0)
    school = (everyone.age_years > 7.0) & (everyone.age_years < 9.0)
    assert 22.0 < np.median(everyone.weight_kg[school]) < 30.0
    assert np.median(everyone.weight_kg[adult & male]) > np.median(
        everyone.weight_kg[adult & ~male]
    )
    assert everyone.weight_kg.min() > 5.0
    assert everyone.weight_kg.max() < 200.0


@pytest.mark.parametrize("name", setting_names())
def test_everyone_meets_the_limits_of_the_setting(name: str) -> None:
    group, limits = draw_covariates(3000, 1, Setting(name)), setting_limits(Setting(name))
    for values, (low, high) in (
        (group.age_years, limits.age),
        (group.episode_days, limits.episode),
        (group.extent, limits.extent),
        (group.patches, limits.patches),
    ):
        assert low <= values.min() <= values.max() <= high
    for column in COVARIATES:
        assert np.isfinite(np.asarray(getattr(group, column), float)).all()


def test_settings_differ_as_their_names_say() -> None:
    assert people("localized").extent.max() <= 0.25
    assert people("localized").age_years.min() >= 18.0
    assert people("chronic").episode_days.min() >= 730.0
    assert people("children").age_years.max() <= 18.0
    assert not people("presentation").recurrent.any()
    assert 0.004 < np.median(people("presentation").extent) < 0.009  # a patch of 2-3 cm
    extensive = people("extensive").extent
    s2 = float((extensive <= 0.5).mean())
    assert s2 == pytest.approx(published("share_s2_of_extensive"), abs=0.12)  # 25 people a group


def test_ancestry_follows_the_mix() -> None:
    mix = (("asian", 0.75), ("african", 0.25))
    group = draw_covariates(N, 1, Setting(ancestry=mix))
    shares = np.bincount(group.ancestry, minlength=3) / N
    assert near(float(shares[0]), 0.25)
    assert shares[1] == 0.0
    assert near(float(shares[2]), 0.75)


def test_limits_of_a_protocol_hold_exactly_and_keep_correlations() -> None:
    setting = Setting("clinic", age_years=(18, 60), episode_days=(90, 730), extent=(0.02, 0.5),
                      patches=(2, 4))  # fmt: skip
    group = draw_covariates(5000, 4, setting)
    assert 18.0 <= group.age_years.min() <= group.age_years.max() <= 60.0
    assert 90.0 <= group.episode_days.min() <= group.episode_days.max() <= 730.0
    assert set(np.unique(group.patches)) == {2, 3, 4}
    wide = group.extent > np.median(group.extent)
    assert group.nail_change[wide].mean() > group.nail_change[~wide].mean()


@given(
    first=st.integers(0, 33_000),
    n=st.integers(1, 300),
    name=st.sampled_from(["clinic", "chronic"]),
)
def test_a_person_is_the_same_in_every_draw(first: int, n: int, name: str) -> None:
    whole = _long(name)
    part = draw_covariates(n, 5, Setting(name), first=first)
    for column in COVARIATES:
        assert (getattr(part, column) == getattr(whole, column)[first : first + n]).all()


@lru_cache(maxsize=2)
def _long(name: str) -> Covariates:
    return draw_covariates(33_400, 5, Setting(name))


def test_another_seed_gives_other_people() -> None:
    assert not (draw_covariates(50, 1).extent == draw_covariates(50, 2).extent).any()


def test_select_takes_some() -> None:
    group = people()
    some = select(group, np.array([3, 1]))
    assert len(some) == 2
    assert some.extent[0] == group.extent[3]


@pytest.mark.parametrize(
    ("n", "seed", "first", "places"),
    [
        (0, 1, 0, ["n"]),
        (-5, 1, 0, ["n"]),
        (200_000_000, 1, 0, ["n"]),
        (2.5, 1, 0, ["n"]),
        (True, 1, 0, ["n"]),
        (math.nan, -1, -1, ["n", "seed", "first"]),
        (10, 1.0, 0, ["seed"]),
        (10, 2**70, 0, ["seed"]),
        ("10", "1", 0, ["n", "seed"]),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(
    n: Any, seed: Any, first: Any, places: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        draw_covariates(n, seed, first=first)
    assert [problem.place for problem in caught.value.problems] == places


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        (Setting("clinics"), "setting.name"),
        (Setting(patch_count="both"), "setting.patch_count"),
        (Setting(extent=(0.0, 25.0)), "setting.extent"),
        (Setting(extent=(0.5, 0.1)), "setting.extent"),
        (Setting(extent=(math.nan, 0.1)), "setting.extent"),
        (Setting(extent=(0.0, 0.0)), "setting.extent"),
        (Setting(age_years=(18, 600)), "setting.age_years"),
        (Setting(age_years=(100, 110)), "setting.age_years"),
        (Setting(episode_days=(0, 3)), "setting.episode_days"),
        (Setting(patches=(0, 3)), "setting.patches"),
        (Setting(patches=(1, 2, 3)), "setting.patches"),  # type: ignore[arg-type]
        (Setting(ancestry=(("martian", 1.0),)), "setting.ancestry"),
        (Setting(ancestry=(("asian", -1.0),)), "setting.ancestry"),
        (Setting(ancestry=(("asian", 0.0),)), "setting.ancestry"),
        (Setting(ancestry=3), "setting.ancestry"),  # type: ignore[arg-type]
        (Setting(onset_extent=0.9), "setting.onset_extent"),
        ("clinic", "setting"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(setting: Any, place: str) -> None:
    with pytest.raises(InputError) as caught:
        draw_covariates(10, 1, setting)
    assert [problem.place for problem in caught.value.problems] == [place]
    assert caught.value.problems[0].remedy


def test_all_problems_of_a_setting_are_listed() -> None:
    setting = Setting("nowhere", age_years=(50, 20), extent=(0.0, 7.0), patches=(0, 99))
    with pytest.raises(InputError) as caught:
        draw_covariates(0, 1, setting)
    assert len(caught.value.problems) == 5


def test_limits_that_hardly_anyone_meets_are_refused() -> None:
    setting = Setting(age_years=(85, 86), episode_days=(20_000, 20_001), extent=(0.899, 0.9))
    with pytest.raises(InputError, match="Widen"):
        draw_covariates(1, 1, setting)
