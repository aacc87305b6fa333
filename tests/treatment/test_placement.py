"""Placement: spacing along the skin, nothing off the scalp or on a blocked patch, good coverage."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.scalp import build_scalp, disc, edge_distance, geodesic_distance, nearest_cell
from anagen.scalp.surface import beyond_hairline, onto_surface, surface_to_sphere
from anagen.treatment import placement
from anagen.treatment.injections import SiteLayout
from anagen.treatment.lattice import first_apart, turned, walk_from
from anagen.treatment.placement import coverage, place_sites, prioritise
from anagen.treatment.sites import check_sites, positions
from anagen.treatment.tours import renumber

SCALP = build_scalp(cell_mm=4.0)
TOP = np.array([0.0, 0.0, SCALP.head.semi_axes[2]])


def at(x: float, y: float) -> np.ndarray:
    """Point of the upper scalp above (x, y)."""
    a, b, c = SCALP.head.semi_axes
    return np.array([x, y, c * np.sqrt(1.0 - (x / a) ** 2 - (y / b) ** 2)])


def patch(x: float, y: float, diameter: float) -> np.ndarray:
    return np.asarray(disc(SCALP, at(x, y), diameter), float)


def band() -> np.ndarray:
    """Ophiasis: a band along the hairline from ear to ear around the back, 2.5 cm wide."""
    _, azimuth = surface_to_sphere(SCALP.head, SCALP.position)
    edge = edge_distance(SCALP, SCALP.position)
    return ((edge > 3) & (edge < 28) & (np.abs(azimuth) > 1.5)).astype(float)


def closest(sites: object) -> float:
    points = positions(sites)  # type: ignore[arg-type]
    gaps = geodesic_distance(SCALP, points[:, None], points[None])
    gaps[np.diag_indices(len(gaps))] = np.inf
    return float(gaps.min())


def assert_sound(sites, patches, layout, blocked=()) -> None:
    assert check_sites(SCALP, sites, layout, patches, blocked) == []
    assert [site.number for site in sites] == list(range(1, len(sites) + 1))
    if len(sites) > 1:
        assert closest(sites) >= 0.99 * layout.spacing_mm
    assert np.all(beyond_hairline(SCALP.head, positions(sites)) <= 0.05)


@pytest.mark.parametrize("pattern", ["hexagonal", "square"])
@pytest.mark.parametrize("diameter", [4.0, 12.0, 20.0, 35.0, 60.0, 90.0])
def test_round_patches_of_any_size(pattern: str, diameter: float) -> None:
    patches = {"A": patch(10.0, 5.0, diameter)}
    layout = SiteLayout(pattern=pattern)
    sites = place_sites(SCALP, patches, layout)
    assert_sound(sites, patches, layout)
    (report,) = coverage(SCALP, sites, patches)
    assert report.biggest_gap_mm <= 10.0 + SCALP.cell_mm
    per_site = report.area_cm2 / len(sites)
    if diameter >= 35.0:
        assert 0.75 <= per_site <= 1.25
        assert report.covered_share > (0.82 if pattern == "hexagonal" else 0.75)


def test_spacing_holds_in_the_middle_of_a_large_patch() -> None:
    sites = place_sites(SCALP, {"A": patch(0.0, 0.0, 80.0)})
    points = positions(sites)
    inner = np.linalg.norm(points - TOP, axis=1) < 25.0
    gaps = np.sort(geodesic_distance(SCALP, points[inner][:, None], points[None]), axis=1)
    assert gaps[:, 1:7].mean() == pytest.approx(10.0, rel=0.06)


def test_a_tiny_patch_gets_one_site_at_its_centre() -> None:
    cover = np.zeros(len(SCALP.position))
    cell = nearest_cell(SCALP, at(30.0, -20.0))
    cover[cell] = 0.3
    (site,) = place_sites(SCALP, {"dot": cover})
    assert np.allclose(site.position, SCALP.position[cell], atol=0.01)
    (inside,) = place_sites(SCALP, {"dot": patch(30.0, -20.0, 8.0)}, SiteLayout(margin_mm=-15.0))
    assert geodesic_distance(SCALP, np.array(inside.position), at(30.0, -20.0)) < 2 * SCALP.cell_mm


def test_a_curved_band_around_the_head() -> None:
    patches = {"ophiasis": band()}
    for pattern, share in (("hexagonal", 0.87), ("square", 0.78)):
        layout = SiteLayout(pattern=pattern)
        sites = place_sites(SCALP, patches, layout)
        assert_sound(sites, patches, layout)
        (report,) = coverage(SCALP, sites, patches)
        assert report.covered_share > share
        assert report.biggest_gap_mm < 10.0 + SCALP.cell_mm
        points = positions(sites)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert np.median(steps) < 14.0
        assert steps.max() < 60.0


def test_neighbouring_patches_keep_the_spacing_between_them() -> None:
    patches = {
        "A": patch(-12.0, 0.0, 24.0),
        "B": patch(13.0, 0.0, 24.0),
        "c": patch(0.5, 14.0, 6.0),
    }
    sites = place_sites(SCALP, patches)
    assert_sound(sites, patches, SiteLayout())
    assert {site.patch for site in sites} >= {"A", "B"}
    assert any(site.patch == "c" for site in sites)


def test_no_site_on_a_blocked_patch() -> None:
    patches = {"A": patch(0.0, 0.0, 50.0), "B": patch(20.0, 0.0, 20.0)}
    sites = place_sites(SCALP, patches, SiteLayout(margin_mm=5.0), blocked=["B"])
    assert sites
    assert {site.patch for site in sites} == {"A"}
    assert all(patches["B"][nearest_cell(SCALP, np.array(s.position))] == 0 for s in sites)
    assert place_sites(SCALP, patches, blocked=["A", "B"]) == ()


@pytest.mark.parametrize("margin", [-4.0, 0.0, 4.0])
def test_the_margin_bounds_the_reach(margin: float) -> None:
    patches = {"A": patch(0.0, 0.0, 40.0)}
    sites = place_sites(SCALP, patches, SiteLayout(margin_mm=margin))
    reach = geodesic_distance(SCALP, positions(sites), at(0.0, 0.0))
    assert reach.max() <= 20.0 + margin + 0.6 * SCALP.cell_mm
    assert reach.max() >= 20.0 + margin - 8.0


def test_the_mirror_image_gets_as_many_sites() -> None:
    for x, y, diameter in [(25.0, 10.0, 30.0), (30.0, -30.0, 22.0)]:
        right = place_sites(SCALP, {"A": patch(x, y, diameter)})
        left = place_sites(SCALP, {"A": patch(-x, y, diameter)})
        assert abs(len(left) - len(right)) <= 1


def test_the_same_input_gives_the_same_sites_in_any_order_of_patches() -> None:
    patches = {"A": patch(-25.0, 0.0, 30.0), "B": patch(25.0, 0.0, 20.0)}
    first = place_sites(SCALP, patches)
    assert place_sites(SCALP, patches) == first
    assert place_sites(SCALP, dict(reversed(patches.items()))) == first


def test_sites_move_into_the_gaps_of_the_session_before() -> None:
    patches = {"A": patch(0.0, 0.0, 40.0)}
    first = place_sites(SCALP, patches)
    second = place_sites(SCALP, patches, previous=first)
    assert_sound(second, patches, SiteLayout())
    one = coverage(SCALP, first, patches, effect_radius_mm=4.0)[0].covered_share
    both = coverage(SCALP, (*first, *second), patches, effect_radius_mm=4.0)[0].covered_share
    again = coverage(SCALP, (*first, *first), patches, effect_radius_mm=4.0)[0].covered_share
    assert again == one
    assert both > 1.2 * one


def test_an_offset_moves_the_lattice() -> None:
    patches = {"A": patch(0.0, 0.0, 40.0)}
    still = place_sites(SCALP, patches, SiteLayout(offset=(0.0, 0.0)))
    moved = place_sites(SCALP, patches, SiteLayout(offset=(0.5, 0.0)))
    assert_sound(moved, patches, SiteLayout())
    gaps = geodesic_distance(SCALP, positions(still)[:, None], positions(moved)[None]).min(axis=1)
    assert np.median(gaps) > 3.0


def test_priority_shares_the_sites_and_alternates() -> None:
    patches = {"A": patch(-25.0, 0.0, 40.0), "B": patch(28.0, 0.0, 26.0)}
    sites = place_sites(SCALP, patches)
    half = len(sites) // 2
    first = prioritise(SCALP, sites, patches, half)
    second = prioritise(SCALP, sites, patches, half, previous=first)
    assert len(first) == len(second) == half
    assert {site.patch for site in first} == {"A", "B"}
    assert [site.number for site in first] == list(range(1, half + 1))
    assert prioritise(SCALP, sites, patches, 10**6) == sites
    shared = set(positions(first).round(3).sum(axis=1)) & set(
        positions(second).round(3).sum(axis=1)
    )
    assert len(shared) <= 0.35 * half


def test_coverage_of_nothing_and_of_everything() -> None:
    patches = {"A": patch(0.0, 0.0, 20.0)}
    (none,) = coverage(SCALP, (), patches)
    assert none.covered_share == 0.0
    assert none.biggest_gap_mm == np.inf
    (full,) = coverage(SCALP, place_sites(SCALP, patches), patches, effect_radius_mm=50.0)
    assert full.covered_share == 1.0


@pytest.mark.parametrize(
    ("cover", "word"),
    [
        (np.ones(7), "one share for each"),
        (np.full(len(SCALP.position), np.nan), "between 0 and 1"),
        (np.full(len(SCALP.position), -1.0), "between 0 and 1"),
        (np.zeros(len(SCALP.position)), "a patch on the scalp"),
        ("bald", "one share for each"),
    ],
)
def test_covers_that_do_not_fit_are_refused(cover: object, word: str) -> None:
    with pytest.raises(InputError, match=word):
        place_sites(SCALP, {"A": cover})  # type: ignore[dict-item]


def test_an_unknown_blocked_patch_is_refused() -> None:
    with pytest.raises(InputError, match="'Z'"):
        place_sites(SCALP, {"A": patch(0.0, 0.0, 20.0)}, blocked=["Z"])


@settings(deadline=None, derandomize=True, max_examples=6)
@given(
    centre=st.tuples(st.floats(-55.0, 55.0), st.floats(-60.0, 50.0)),
    diameter=st.floats(3.0, 55.0),
    spacing=st.floats(5.0, 20.0),
    margin=st.floats(-3.0, 5.0),
    pattern=st.sampled_from(["hexagonal", "square"]),
)
def test_the_guarantees_hold_anywhere(
    centre: tuple[float, float], diameter: float, spacing: float, margin: float, pattern: str
) -> None:
    x, y = centre
    patches = {"A": patch(x, y, diameter), "B": patch(-x, -y, 10.0)}
    layout = SiteLayout(spacing_mm=spacing, margin_mm=margin, pattern=pattern)
    sites = place_sites(SCALP, patches, layout)
    assert sites
    assert_sound(sites, patches, layout)


def test_a_finer_grid_gives_nearly_the_same_number() -> None:
    fine = build_scalp(cell_mm=2.0)
    centre, counts = at(10.0, 5.0), []
    for scalp in (fine, SCALP):
        counts.append(len(place_sites(scalp, {"A": np.asarray(disc(scalp, centre, 45.0), float)})))
    assert abs(counts[0] - counts[1]) <= 2


def test_a_walk_is_as_long_as_asked_and_stays_on_the_surface() -> None:
    angles = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    for start in (TOP, at(40.0, -30.0), at(-50.0, 40.0)):
        ahead = np.array([0.0, 1.0, 0.0])
        normal = start / np.square(SCALP.head.semi_axes)
        normal /= np.linalg.norm(normal)
        ahead -= (ahead @ normal) * normal
        ahead /= np.linalg.norm(ahead)
        for length in (5.0, 10.0, 50.0):
            ends = walk_from(SCALP, start, turned(SCALP, start, ahead, angles), length)
            assert np.allclose(onto_surface(SCALP.head, ends), ends, atol=1e-9)
            assert np.allclose(geodesic_distance(SCALP, start, ends), length, rtol=1e-3)


def test_first_apart_keeps_order() -> None:
    apart = np.abs(np.subtract.outer([0, 1, 2, 3], [0, 1, 2, 3])) >= 2
    assert first_apart(apart).tolist() == [0, 2]
    assert first_apart(np.zeros((0, 0), bool)).tolist() == []


def test_the_hand_takes_a_short_path_patch_by_patch() -> None:
    patches = {"A": patch(-30.0, 10.0, 34.0), "B": patch(30.0, -10.0, 34.0)}
    sites = place_sites(SCALP, patches)
    order = [site.patch for site in sites]
    assert len(list(itertools.groupby(order))) == 2
    points = positions(sites)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.sum(steps > 20.0) <= 1
    shuffled = [sites[i] for i in np.random.default_rng(3).permutation(len(sites))]
    assert [s.position for s in renumber(shuffled)] == [s.position for s in sites]


def test_no_exchange_shortens_the_path() -> None:
    sites = place_sites(SCALP, {"A": patch(0.0, 0.0, 40.0)})
    points = positions(sites)

    def length(order: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(points[order], axis=0), axis=1).sum())

    order = np.arange(len(points))
    best = length(order)
    for i, j in itertools.combinations(range(1, len(points)), 2):
        swapped = np.concatenate([order[:i], order[i : j + 1][::-1], order[j + 1 :]])
        assert length(swapped) >= best - 1e-6


def test_what_was_placed_lately_is_not_searched_again(monkeypatch):
    searched, search = [], placement._best_on

    def counted(*asked):
        searched.append(asked)
        return search(*asked)

    monkeypatch.setattr(placement, "_PLACED", {})
    monkeypatch.setattr(placement, "_best_on", counted)
    first = place_sites(SCALP, {"A": patch(10, 20, 40)})
    assert place_sites(SCALP, {"A": patch(10, 20, 40)}) == first
    assert len(searched) == 1
    closer = place_sites(SCALP, {"A": patch(10, 20, 40)}, SiteLayout(spacing_mm=8.0))
    assert len(closer) > len(first)
    place_sites(SCALP, {"A": patch(10, 20, 48)})
    place_sites(SCALP, {"A": patch(10, 20, 40)}, previous=first)
    place_sites(SCALP, {"A": patch(10, 20, 40), "B": patch(40, 20, 40)}, blocked=["B"])
    assert len(searched) == 5
