"""Patches of virtual people: their areas, places and ages on the real surface."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.population.covariate_data import load_covariates
from anagen.population.covariates import Covariates, draw_covariates, scalp_area_cm2
from anagen.population.patch_sizes import Patches, draw_patches, reference_scalp
from anagen.population.settings import Setting
from anagen.scalp import REGIONS, VIEWS, ViewPoint, area_cm2, disc, locate, nearest_cell, overlaps

FIELDS = ("diameter_mm", "region", "view", "x", "y", "age_days")


@lru_cache(maxsize=8)
def drawn(name: str, n: int) -> tuple[Covariates, Patches]:
    people = draw_covariates(n, 21, Setting(name))
    return people, draw_patches(people, 21)


def middle(patches: Patches, index: int) -> ViewPoint:
    return ViewPoint(view=VIEWS[patches.view[index]], x=float(patches.x[index]),
                     y=float(patches.y[index]), unit="fraction")  # fmt: skip


def test_discs_of_every_person_cover_the_extent_without_overlap() -> None:
    people, patches = drawn("clinic", 250)
    scalp = reference_scalp()
    covers = {
        str(index): disc(scalp, middle(patches, index), float(patches.diameter_mm[index]))
        for index in range(len(patches))
    }
    for person in range(len(people)):
        own = {str(i): covers[str(i)] for i in np.flatnonzero(patches.person == person)}
        area = sum(area_cm2(scalp, cover) for cover in own.values())
        assert area == pytest.approx(people.extent[person] * scalp_area_cm2(), rel=0.03)
        assert overlaps(scalp, own) == {}


def test_wide_patches_are_cut_off_at_the_hairline_and_keep_their_area() -> None:
    people, patches = drawn("extensive", 60)
    scalp = reference_scalp()
    for person in range(len(people)):
        area = sum(
            area_cm2(scalp, disc(scalp, middle(patches, index), float(patches.diameter_mm[index])))
            for index in np.flatnonzero(patches.person == person)
        )
        assert area == pytest.approx(people.extent[person] * scalp_area_cm2(), rel=0.03)


def test_the_region_is_that_of_the_middle() -> None:
    _, patches = drawn("clinic", 250)
    scalp = reference_scalp()
    right = [
        scalp.region[nearest_cell(scalp, locate(scalp, middle(patches, index)))]
        == patches.region[index]
        for index in range(len(patches))
    ]
    assert np.mean(right) > 0.95  # a middle may step over the border within its cell


def test_counts_diameters_and_order() -> None:
    people, patches = drawn("clinic", 20_000)
    counts = np.bincount(patches.person, minlength=len(people))
    assert (counts + patches.merged == people.patches).all()
    assert (counts >= 1).all()
    assert patches.diameter_mm.min() >= 5.0 - 1e-9
    assert patches.diameter_mm.max() < 562.0
    assert (np.diff(patches.person) >= 0).all()
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    assert (patches.age_days[firsts] == people.episode_days).all()
    assert (patches.age_days <= people.episode_days[patches.person]).all()
    assert (patches.age_days >= 14.0).all()


def test_few_patches_are_merged_and_only_where_much_is_bald() -> None:
    people, patches = drawn("clinic", 20_000)
    assert 0.0 < (patches.merged > 0).mean() < 0.08
    assert people.extent[patches.merged > 0].min() > 0.25
    assert not drawn("localized", 5000)[1].merged.any()


def test_regions_have_their_published_shares() -> None:
    _, patches = drawn("presentation", 20_000)
    found = np.bincount(patches.region, minlength=4) / len(patches)
    for index, region in enumerate(REGIONS):
        expected = load_covariates().value(f"place.{region}", "1")
        assert found[index] == pytest.approx(expected, abs=0.015)
    assert found[REGIONS.index("back")] == found.max()  # the occiput is most frequent


def test_a_first_patch_measures_two_to_three_centimetres() -> None:
    people, patches = drawn("presentation", 20_000)
    single = patches.diameter_mm[people.patches[patches.person] == 1]
    low, median, high = np.quantile(single, (0.25, 0.5, 0.75))
    assert 20.0 < median < 30.0
    assert low == pytest.approx(20.0, abs=2.0)  # people with several patches have the larger extent
    assert high == pytest.approx(30.0, abs=3.0)


def test_patches_of_a_person_are_unequal() -> None:
    people, patches = drawn("localized", 5000)
    two = np.flatnonzero((people.patches == 2) & (people.extent > 0.01))
    areas = np.array([np.sort(patches.diameter_mm[patches.person == i] ** 2) for i in two[:300]])
    assert np.median(areas[:, 1] / areas.sum(axis=1)) == pytest.approx(0.67, abs=0.05)


@pytest.mark.parametrize(("first", "n"), [(0, 1), (41, 33), (1900, 100)])
def test_patches_belong_to_the_person_not_to_the_draw(first: int, n: int) -> None:
    whole, patches = drawn("extensive", 2000)
    part = draw_covariates(n, 21, Setting("extensive"), first=first)
    own = draw_patches(part, 21, first=first)
    those = (patches.person >= first) & (patches.person < first + n)
    assert (own.person + first == patches.person[those]).all()
    assert (own.merged == patches.merged[first : first + n]).all()
    for name in FIELDS:
        assert (getattr(own, name) == getattr(patches, name)[those]).all(), name
    assert len(whole) == 2000


def test_another_seed_lays_them_elsewhere() -> None:
    people, patches = drawn("localized", 5000)
    other = draw_patches(people, 22)
    assert not (other.x[:100] == patches.x[:100]).any()


def test_impossible_people_are_refused() -> None:
    people, _ = drawn("localized", 5000)
    none = replace(people, extent=np.where(np.arange(5000) == 7, np.nan, people.extent))
    with pytest.raises(InputError, match="1 others, the first nan"):
        draw_patches(none, 21)
    many = replace(people, patches=np.full(5000, 99, dtype=np.int8))
    with pytest.raises(InputError, match="99 patches"):
        draw_patches(many, 21)
    with pytest.raises(InputError, match="seed"):
        draw_patches(people, -1)
