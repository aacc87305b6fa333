import jax.numpy as jnp
import numpy as np
import pytest

from anagen.biology.spread import SurfaceLaplacian, laplacian
from anagen.scalp import build_scalp


def flat(cells: int, pitch: float) -> tuple[SurfaceLaplacian, np.ndarray, np.ndarray]:
    size = cells + 2
    inside = np.zeros((size, size), bool)
    inside[1:-1, 1:-1] = True
    metric = np.stack([np.ones((size, size)), np.zeros((size, size)), np.ones((size, size))])
    line = (np.arange(size) - 0.5) * pitch
    x, y = np.meshgrid(line, line)
    return SurfaceLaplacian.on_chart(inside, metric, pitch), np.stack([x, y]), inside


def test_cosine_modes_of_a_square_are_eigenfunctions_with_second_order() -> None:
    errors = []
    for cells in (20, 40, 80):
        pitch = 40.0 / cells
        stencil, (x, y), inside = flat(cells, pitch)
        k = np.pi / 40.0
        field = np.where(inside, np.cos(2 * k * x) * np.cos(k * y), 0.0)
        found = np.asarray(laplacian(stencil, jnp.asarray(field.ravel(), jnp.float32)))
        error = found.reshape(inside.shape) + 5.0 * k**2 * field
        errors.append(np.abs(error[inside]).max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert (orders > 1.7).all()


def sphere(cells: int) -> tuple[SurfaceLaplacian, np.ndarray, np.ndarray]:
    """Cap of a unit sphere out to 100 degrees in Lambert's equal-area chart."""
    reach = 2.0 * np.sin(np.deg2rad(50.0))
    pitch = 2.0 * reach / cells
    line = (np.arange(cells + 2) - (cells + 1) / 2.0) * pitch
    x, y = np.meshgrid(line, line)
    radius = np.hypot(x, y)
    inside = radius < reach - pitch / 2.0
    safe = np.clip(radius, 1e-9, 1.99)
    half = np.sqrt(1.0 - safe**2 / 4.0)
    radial, tangential = half**2, 1.0 / half**2  # inverse metric along and across the radius
    c, s = x / safe, y / safe
    metric = np.stack([
        radial * c**2 + tangential * s**2, (radial - tangential) * c * s,
        radial * s**2 + tangential * c**2,
    ])  # fmt: skip
    metric[:, radius < 1e-6] = np.array([[1.0], [0.0], [1.0]])
    height = 1.0 - radius**2 / 2.0
    return SurfaceLaplacian.on_chart(inside, metric, pitch), height, inside & (radius < reach * 0.9)


def test_height_is_a_spherical_harmonic() -> None:
    errors = []
    for cells in (40, 80, 160):
        stencil, height, interior = sphere(cells)
        found = np.asarray(laplacian(stencil, jnp.asarray(height.ravel(), jnp.float32)))
        error = found.reshape(height.shape) + 2.0 * height
        errors.append(np.sqrt((error[interior] ** 2).mean()))
    assert errors[-1] < 0.02
    assert errors[0] > 3.0 * errors[1]


def test_nothing_is_lost_on_the_scalp() -> None:
    scalp = build_scalp()
    stencil = SurfaceLaplacian.on(scalp)
    rng = np.random.default_rng(5)
    field = np.zeros(scalp.chart_shape)
    field[scalp.row, scalp.column] = rng.random(len(scalp.position))
    found = np.asarray(laplacian(stencil, jnp.asarray(field.ravel(), jnp.float32)), float)
    assert abs(found.sum()) < 1e-6 * np.abs(found).sum()
    outside = np.ones(scalp.chart_shape, bool)
    outside[scalp.row, scalp.column] = False
    assert np.abs(found.reshape(scalp.chart_shape)[outside]).max() == 0.0


def test_a_spot_spreads_as_a_round_gaussian_anywhere_on_the_scalp() -> None:
    """The second moment of a spot grows by 4 D t, at the crown and where the chart is stretched."""
    scalp = build_scalp()
    stencil = SurfaceLaplacian.on(scalp)
    index = scalp.row.astype(int) * scalp.chart_shape[1] + scalp.column
    for region in range(4):
        cells = np.flatnonzero(scalp.region == region)
        middle = scalp.position[cells].mean(0)
        home = cells[np.linalg.norm(scalp.position[cells] - middle, axis=1).argmin()]
        squares = ((scalp.position - scalp.position[home]) ** 2).sum(1)
        field = np.zeros(scalp.chart_shape[0] * scalp.chart_shape[1])
        field[index] = np.exp(-squares / (2.0 * 6.0**2))
        state = jnp.asarray(field, jnp.float32)
        before = float((field[index] * squares).sum() / field.sum())
        for _ in range(60):
            state = state + 0.4 * laplacian(stencil, state)
        after = np.asarray(state)[index]
        growth = float((after * squares).sum() / after.sum()) - before
        assert growth == pytest.approx(4.0 * 0.4 * 60.0, rel=0.05)


def test_a_chart_without_border_is_refused() -> None:
    with pytest.raises(ValueError, match="empty border"):
        SurfaceLaplacian.on_chart(np.ones((4, 4), bool), np.ones((3, 4, 4)), 1.0)
