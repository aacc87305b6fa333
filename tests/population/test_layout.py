import numpy as np
import pytest
from scipy.special import j0, j1

from anagen.population import layout as module
from anagen.population.layout import CLASSES, QUANTILES, Layout, build_layout, layout_of
from anagen.scalp import ViewPoint, build_scalp, disc
from anagen.treatment import SiteLayout, place_sites

INFINITE = float("inf")
SIZES = (5.0, 16.0, 30.0, 75.0, 300.0)
SPACINGS = (5.0, 10.0, INFINITE)
EVERY = [(size, spacing) for size in SIZES for spacing in SPACINGS]


def used(layout: Layout) -> np.ndarray:
    return layout.area > 0


def spread(layout: Layout, field: np.ndarray, moved: float) -> np.ndarray:
    """Field after mobility times time of `moved` mm2, as the fast person spreads it."""
    return np.asarray(layout.back @ (np.exp(layout.rate * moved) * (layout.forward @ field)))


@pytest.mark.parametrize(("diameter", "spacing"), EVERY)
def test_areas_sum_to_the_disc_and_to_all_within_reach(diameter: float, spacing: float) -> None:
    layout = build_layout(diameter, spacing)
    outside = module._UNTREATED_OUTSIDE if np.isinf(spacing) else module._OUTSIDE
    reach = diameter / 2.0 + outside[-1]
    assert layout.area @ layout.inside == pytest.approx(np.pi * diameter**2 / 4.0, rel=0.01)
    assert layout.area.sum() == pytest.approx(np.pi * reach**2, rel=0.002)
    assert set(np.unique(layout.inside)) == {0.0, 1.0}


@pytest.mark.parametrize(("diameter", "spacing"), EVERY)
def test_every_layout_has_the_same_shapes_and_finite_numbers(
    diameter: float, spacing: float
) -> None:
    layout = build_layout(diameter, spacing)
    assert layout.area.shape == layout.inside.shape == layout.rate.shape == (CLASSES,)
    assert layout.forward.shape == layout.back.shape == (CLASSES, CLASSES)
    assert layout.lateral.shape == (CLASSES, QUANTILES, module.NEAREST)
    for part in (layout.area, layout.rate, layout.forward, layout.back, layout.lateral):
        assert np.isfinite(part).all()
    assert 2 < used(layout).sum() <= CLASSES
    assert (layout.sites == 0) == np.isinf(spacing)


@pytest.mark.parametrize(("diameter", "spacing"), EVERY)
def test_spread_conserves_and_stays_positive(diameter: float, spacing: float) -> None:
    layout = build_layout(diameter, spacing)
    field = np.random.default_rng(1).uniform(size=CLASSES) * used(layout)
    assert (layout.rate <= 0.0).all()
    for moved in (0.01, 0.8, 30.0):
        after = spread(layout, field, moved)
        assert layout.area @ after == pytest.approx(layout.area @ field, rel=1e-9)
        assert after.min() > -1e-9
        assert after.max() < field.max() + 1e-9


@pytest.mark.parametrize(("diameter", "spacing"), EVERY)
def test_a_constant_field_does_not_change(diameter: float, spacing: float) -> None:
    layout = build_layout(diameter, spacing)
    here = used(layout)
    after = spread(layout, here.astype(float), 100.0)
    np.testing.assert_allclose(after[here], 1.0, atol=1e-9)


@pytest.mark.parametrize("spacing", [10.0, INFINITE])
def test_spread_is_symmetric(spacing: float) -> None:
    """What a class passes to another it would get back from it: flow, not share, is symmetric."""
    layout = build_layout(30.0, spacing)
    flow = layout.area[:, None] * (layout.back @ (layout.rate[:, None] * layout.forward))
    np.testing.assert_allclose(flow, flow.T, atol=1e-9 * np.abs(flow).max())
    here = used(layout)
    off_diagonal = flow[np.ix_(here, here)] - np.diag(np.diag(flow)[here])
    assert off_diagonal.min() > -1e-9


@pytest.mark.parametrize(("diameter", "spacing"), [(5.0, INFINITE), (16.0, 8.0), (30.0, 10.0)])
def test_unused_classes_are_inert(diameter: float, spacing: float) -> None:
    layout = build_layout(diameter, spacing)
    spare = ~used(layout)
    assert spare.any()
    assert not layout.inside[spare].any()
    changed = np.full(CLASSES, 0.5)
    changed[spare] = 7.0
    same = np.full(CLASSES, 0.5) * ~spare
    np.testing.assert_array_equal(spread(layout, changed, 5.0), spread(layout, same, 5.0))
    assert not spread(layout, changed, 5.0)[spare].any()
    assert (layout.lateral[spare] > 100.0).all()


def disc_after(radius: float, distance: np.ndarray, moved: float) -> np.ndarray:
    """Field of a disc of one after `moved` mm2 in the plane, by its Hankel transform."""
    k = np.linspace(0.0, 12.0 / np.sqrt(moved), 40_001)[1:]
    weight = radius * j1(k * radius) * np.exp(-k * k * moved) * (k[1] - k[0])
    return np.asarray(j0(k[None] * distance[:, None]) @ weight)


def kept(radius: float, moved: float) -> float:
    """Share of a disc that is still in it after `moved` mm2, exactly."""
    r = np.linspace(0.0, radius, 401)
    return float(np.trapezoid(disc_after(radius, r, moved) * r, r) / (radius**2 / 2.0))


def kept_by(layout: Layout, moved: float) -> float:
    share = layout.area * layout.inside / (layout.area @ layout.inside)
    return float(share @ spread(layout, layout.inside, moved))


@pytest.mark.parametrize("moved", [12.0, 50.0, 200.0])
@pytest.mark.parametrize(("spacing", "tolerance"), [(INFINITE, 0.05), (10.0, 0.15)])
def test_a_disc_spreads_as_the_diffusion_equation_says(
    spacing: float, tolerance: float, moved: float
) -> None:
    """The share that has left the disc; classes that share a distance to injections slow it."""
    layout = build_layout(40.0, spacing)
    exact = 1.0 - kept(20.0, moved)
    assert exact > 0.15
    assert 1.0 - kept_by(layout, moved) == pytest.approx(exact, rel=tolerance)


def test_finer_classes_converge_to_the_diffusion_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    def error(step: float) -> float:
        monkeypatch.setattr(module, "_INSIDE", tuple(np.arange(step, 19.0, step)))
        monkeypatch.setattr(module, "_UNTREATED_OUTSIDE", (*np.arange(step, 29.0, step), 30.0))
        monkeypatch.setattr(module, "CLASSES", 200)
        layout = layout_of(20.0, np.empty((0, 2)), INFINITE)
        return abs(kept_by(layout, 12.0) - kept(20.0, 12.0))

    fine = error(1.0)
    assert fine < 0.004
    assert fine < 0.5 * error(4.0)


@pytest.mark.parametrize(("spacing", "sizes"), [
    (10.0, {10.0: 1, 15.0: 3, 20.0: 4, 25.0: 7, 30.0: 7, 35.0: 12}),
    (12.0, {10.0: 1, 15.0: 3, 20.0: 3, 30.0: 7, 35.0: 7, 50.0: 19}),
])  # fmt: skip
def test_as_many_injections_as_placing_them_on_the_head(
    spacing: float, sizes: dict[float, int]
) -> None:
    scalp = build_scalp()
    middle = ViewPoint(view="top", x=0.5, y=0.5, unit="fraction")
    for diameter, expected in sizes.items():
        patch = {"a": disc(scalp, middle, diameter)}
        placed = len(place_sites(scalp, patch, SiteLayout(spacing_mm=spacing)))
        assert build_layout(diameter, spacing).sites == expected == placed


def test_large_patches_get_injections_in_proportion_to_their_area() -> None:
    for diameter in (100.0, 200.0, 300.0):
        whole = np.pi * diameter**2 / 4.0 / (10.0**2 * np.sqrt(0.75))
        assert build_layout(diameter, 10.0).sites == pytest.approx(whole, rel=0.03)


@pytest.mark.parametrize("spacing", [8.0, 10.0, 12.0])
def test_distances_to_injections_are_those_of_the_disc(spacing: float) -> None:
    """Mean distance to the nearest injection over the patch, against points thrown at random."""
    diameter = 40.0
    layout = build_layout(diameter, spacing)
    sites = module.lattice_sites(diameter / 2.0, spacing)
    rng = np.random.default_rng(0)
    points = rng.uniform(-20.0, 20.0, (40_000, 2))
    points = points[np.hypot(*points.T) < 20.0]
    gaps = points[:, None] - sites[None]
    exact = np.hypot(gaps[..., 0], gaps[..., 1]).min(1).mean()
    share = layout.area * layout.inside / (layout.area @ layout.inside)
    assert share @ layout.lateral[..., 0].mean(1) == pytest.approx(exact, rel=0.02)


def test_injections_keep_their_spacing_and_lie_in_the_patch() -> None:
    for spacing in (5.0, 10.0, 20.0):
        sites = module.lattice_sites(25.0, spacing)
        gaps = np.hypot(*(sites[:, None] - sites[None]).transpose(2, 0, 1))
        np.fill_diagonal(gaps, np.inf)
        assert gaps.min() == pytest.approx(spacing, rel=1e-9)
        assert np.hypot(*sites.T).max() <= 25.0


def test_a_layout_is_the_same_each_time() -> None:
    again = build_layout.__wrapped__(30.0, 10.0)
    np.testing.assert_array_equal(again.forward, build_layout(30.0, 10.0).forward)
    np.testing.assert_array_equal(again.lateral, build_layout(30.0, 10.0).lateral)
