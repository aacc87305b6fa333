"""The ellipsoid, its hairline and the equal-area chart, against independent integration."""

import numpy as np
import pytest
from scipy.integrate import quad

from anagen.evidence.parameters import load_parameters
from anagen.scalp import surface

HEAD = surface.make_head(562.0)


def points(count: int = 500) -> np.ndarray:
    random = np.random.default_rng(5)
    angle = np.arccos(random.uniform(np.cos(2.0), 1.0, count))
    return surface.sphere_to_surface(HEAD, angle, random.uniform(-np.pi, np.pi, count))


def test_horizontal_circumference_is_the_head_circumference() -> None:
    x, y, _ = HEAD.semi_axes
    perimeter, _ = quad(lambda t: np.hypot(x * np.sin(t), y * np.cos(t)), 0.0, 2.0 * np.pi)
    assert perimeter == pytest.approx(562.0, rel=1e-8)


@pytest.mark.parametrize("circumference", [480.0, 562.0, 610.0])
def test_area_scales_with_the_square_of_circumference(circumference: float) -> None:
    expected = 77500.0 * (circumference / 562.0) ** 2
    assert surface.make_head(circumference).area_mm2 == pytest.approx(expected)


def test_area_inside_the_hairline_by_triangles() -> None:
    """Sum of flat triangles over the cap: an area that shares nothing with the chart."""
    azimuth = np.linspace(0.0, 2.0 * np.pi, 721)
    edge, _ = surface.hairline(HEAD, azimuth)
    part = np.linspace(0.0, 1.0, 401)[:, None]
    grid = surface.sphere_to_surface(HEAD, part * edge, np.broadcast_to(azimuth, (401, 721)))
    down, across = grid[1:] - grid[:-1], grid[:, 1:] - grid[:, :-1]
    lower = np.linalg.norm(np.cross(down[:, :-1], across[:-1]), axis=-1).sum()
    upper = np.linalg.norm(np.cross(down[:, 1:], across[1:]), axis=-1).sum()
    assert 0.5 * (lower + upper) == pytest.approx(77500.0, rel=1e-4)


def test_positions_lie_on_the_ellipsoid_and_normals_stand_on_it() -> None:
    position = points()
    assert np.sum((position / HEAD.semi_axes) ** 2, axis=-1) == pytest.approx(1.0)
    normal = surface.surface_normal(HEAD, position)
    assert np.linalg.norm(normal, axis=-1) == pytest.approx(1.0)
    angle, azimuth = surface.surface_to_sphere(HEAD, position)
    moved = surface.sphere_to_surface(HEAD, angle + 1e-6, azimuth) - position
    assert np.abs(np.sum(moved * normal, axis=-1)).max() < 1e-9
    assert np.all(np.sum(position * normal, axis=-1) > 0.0)


def test_chart_there_and_back() -> None:
    position = points()
    chart = surface.surface_to_chart(HEAD, position)
    back = surface.sphere_to_surface(HEAD, *surface.chart_to_sphere(HEAD, chart))
    assert np.abs(back - position).max() < 1e-7


def test_chart_beyond_the_head_stays_finite() -> None:
    angle, azimuth = surface.chart_to_sphere(HEAD, np.array([[400.0, 0.0], [0.0, -1e4]]))
    assert np.isfinite(angle).all()
    assert np.isfinite(azimuth).all()
    assert angle.max() <= 3.0


def test_chart_tangents_are_the_derivatives_and_keep_area() -> None:
    position = points(200)
    chart = surface.surface_to_chart(HEAD, position)
    tangent = surface.chart_tangents(HEAD, *surface.chart_to_sphere(HEAD, chart))
    for axis in (0, 1):
        step = np.zeros(2)
        step[axis] = 1e-3
        ends = [
            surface.sphere_to_surface(HEAD, *surface.chart_to_sphere(HEAD, chart + sign * step))
            for sign in (1.0, -1.0)
        ]
        assert np.abs((ends[0] - ends[1]) / 2e-3 - tangent[:, axis]).max() < 1e-5
    area = np.linalg.norm(np.cross(tangent[:, 0], tangent[:, 1]), axis=-1)
    assert area == pytest.approx(1.0, rel=1e-6)


def test_quadrature_of_a_sector_has_converged() -> None:
    """The sector's area from the adaptive rule of scipy."""
    angle, azimuth = np.array([1.9]), np.array([0.7])
    expected, _ = quad(
        lambda t: float(np.sin(t) * surface._stretch(HEAD, np.array([t]), azimuth)[0]), 0.0, 1.9,
        epsabs=0.0, epsrel=1e-12,
    )  # fmt: skip
    assert surface._sector(HEAD, angle, azimuth)[0] == pytest.approx(expected, rel=1e-11)


def test_hairline_is_where_a_face_begins() -> None:
    """Forehead in front and above, nape behind and below, drawn in at the ears, mirror images."""
    azimuth = np.radians([0.0, 60.0, 92.0, 130.0, 180.0])
    edge = surface.sphere_to_surface(HEAD, surface.hairline(HEAD, azimuth)[0], azimuth)
    forehead, _, ear, behind_ear, nape = edge
    assert forehead[1] > 80.0
    assert 45.0 < forehead[2] < 75.0
    assert nape[1] < -40.0
    assert -110.0 < nape[2] < -75.0
    assert -15.0 < ear[2] < 15.0
    assert behind_ear[2] < ear[2] - 40.0
    mirrored = surface.sphere_to_surface(HEAD, surface.hairline(HEAD, -azimuth)[0], -azimuth)
    assert mirrored * [-1.0, 1.0, 1.0] == pytest.approx(edge)


def test_hairline_slope_is_its_derivative() -> None:
    azimuth = np.linspace(-np.pi, np.pi, 101)
    ahead, behind = (surface.hairline(HEAD, azimuth + step)[0] for step in (1e-6, -1e-6))
    assert (ahead - behind) / 2e-6 == pytest.approx(surface.hairline(HEAD, azimuth)[1], abs=1e-7)


def test_distance_beyond_the_hairline_near_it() -> None:
    """Compared with the least distance to a finely sampled hairline."""
    azimuth = np.linspace(-np.pi, np.pi, 20001)
    border = surface.sphere_to_surface(HEAD, surface.hairline(HEAD, azimuth)[0], azimuth)
    some = azimuth[::997]
    for shift, sign in ((0.01, 1.0), (-0.01, -1.0)):
        place = surface.sphere_to_surface(HEAD, surface.hairline(HEAD, some)[0] + shift, some)
        least = np.linalg.norm(place[:, None] - border[None], axis=-1).min(axis=1)
        assert sign * surface.beyond_hairline(HEAD, place) == pytest.approx(least, rel=0.08)


def test_shape_comes_from_the_parameters() -> None:
    x, y, z = HEAD.semi_axes
    parameters = load_parameters()
    breadth, length, height = (
        parameters.value(f"scalp.head_{name}", "mm") for name in ("breadth", "length", "height")
    )
    assert x / y == pytest.approx(breadth / length)
    assert z / y == pytest.approx(height / length)
