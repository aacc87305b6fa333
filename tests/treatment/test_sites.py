"""Editing sites by hand keeps the guarantees, and says what is wrong when it cannot."""

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.scalp import build_scalp, disc, geodesic_distance
from anagen.scalp.views import ViewPoint, locate
from anagen.treatment.injections import SiteLayout
from anagen.treatment.placement import place_sites
from anagen.treatment.sites import Site, add_site, check_sites, move_site, positions, remove_site
from anagen.treatment.tours import renumber

SCALP = build_scalp(cell_mm=4.0)
LAYOUT = SiteLayout()
CENTRE = ViewPoint(view="top", x=60.0, y=90.0)
PATCHES = {
    "A": np.asarray(disc(SCALP, CENTRE, 30.0), float),
    "B": np.asarray(disc(SCALP, ViewPoint(view="top", x=110.0, y=90.0), 20.0), float),
}
SITES = place_sites(SCALP, PATCHES, LAYOUT)


def test_a_site_far_from_all_others_can_be_added() -> None:
    more = add_site(SCALP, SITES, ViewPoint(view="top", x=85.0, y=150.0), LAYOUT)
    assert len(more) == len(SITES) + 1
    assert more[-1].number == len(SITES) + 1
    assert more[-1].patch is None
    assert more[:-1] == SITES


def test_a_site_too_near_names_the_other_and_the_distance() -> None:
    near = np.add(SITES[0].position, [2.0, 0.0, 0.0])
    with pytest.raises(InputError) as caught:
        add_site(SCALP, SITES, near, LAYOUT)
    (problem, *_) = caught.value.problems
    assert "at least 10 mm" in problem.expected
    assert f"from site {SITES[0].number}" in problem.found
    assert problem.remedy


def test_a_site_off_the_scalp_is_refused() -> None:
    with pytest.raises(InputError, match="on the scalp"):
        add_site(SCALP, SITES, ViewPoint(view="top", x=-30.0, y=90.0), LAYOUT)
    with pytest.raises(InputError, match="beyond the hairline"):
        add_site(SCALP, SITES, (0.0, SCALP.head.semi_axes[1], 0.0), LAYOUT)
    with pytest.raises(InputError, match="off the skin"):
        add_site(SCALP, SITES, (0.0, 0.0, 30.0), LAYOUT)
    with pytest.raises(InputError, match="finite"):
        add_site(SCALP, SITES, (0.0, float("nan"), 30.0), LAYOUT)
    with pytest.raises(InputError, match="three finite numbers"):
        add_site(SCALP, SITES, "crown", LAYOUT)  # type: ignore[arg-type]


def test_a_site_on_a_blocked_patch_or_outside_its_own_is_refused() -> None:
    sites = place_sites(SCALP, PATCHES, LAYOUT, blocked=["B"])
    on_b = ViewPoint(view="top", x=110.0, y=90.0)
    with pytest.raises(InputError, match="a blocked patch"):
        add_site(SCALP, sites, on_b, LAYOUT, patches=PATCHES, blocked=["B"])
    with pytest.raises(InputError, match="outside it"):
        add_site(SCALP, sites, on_b, LAYOUT, patch="A", patches=PATCHES)
    with pytest.raises(InputError, match="'C'"):
        add_site(SCALP, sites, on_b, LAYOUT, patch="C", patches=PATCHES)
    assert add_site(SCALP, sites, on_b, LAYOUT, patch="B", patches=PATCHES)[-1].patch == "B"


def test_a_moved_site_keeps_number_and_patch() -> None:
    lonely = max(SITES, key=lambda site: site.position[0])
    target = np.add(lonely.position, [1.5, 0.0, 0.0])
    least = SiteLayout(spacing_mm=7.0)
    moved = move_site(SCALP, SITES, lonely.number, target, least)
    changed = next(site for site in moved if site.number == lonely.number)
    assert changed.patch == lonely.patch
    assert changed.position != lonely.position
    with pytest.raises(InputError, match="from site"):
        move_site(SCALP, SITES, 1, SITES[1].position, LAYOUT)
    with pytest.raises(InputError, match="no such site"):
        move_site(SCALP, SITES, 999, target, LAYOUT)


def test_removal_keeps_numbers_and_renumbering_closes_the_gap() -> None:
    fewer = remove_site(SITES, 2)
    assert [site.number for site in fewer] == [1, *range(3, len(SITES) + 1)]
    assert [site.number for site in renumber(fewer)] == list(range(1, len(SITES)))
    with pytest.raises(InputError, match="no such site"):
        remove_site(fewer, 2)


def test_check_lists_everything_wrong_at_once() -> None:
    bad = (
        *SITES,
        Site(1, SITES[0].position, "A"),
        Site(99, (0.0, SCALP.head.semi_axes[1], 0.0)),
        Site(100, (float("inf"), 0.0, 0.0)),
    )
    places = [problem.place for problem in check_sites(SCALP, bad[:-1], LAYOUT, PATCHES)]
    assert places.count("site 1") >= 2
    assert "site 99" in places
    assert any(p.place == "site 100" for p in check_sites(SCALP, bad, LAYOUT, PATCHES))
    assert check_sites(SCALP, SITES, LAYOUT, PATCHES) == []
    assert check_sites(SCALP, SITES, SiteLayout(spacing_mm=14.0), PATCHES)


def test_a_view_point_is_where_it_was_drawn() -> None:
    (site,) = add_site(SCALP, (), CENTRE, LAYOUT)
    gap = geodesic_distance(SCALP, positions([site])[0], locate(SCALP, CENTRE))
    assert float(gap) < 0.01
