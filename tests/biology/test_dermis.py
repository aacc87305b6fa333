"""The closed form against converged solutions of the full diffusion equation."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse import diags, identity, kron
from scipy.sparse.linalg import spsolve

from anagen.biology.depot import Depot, saturated_release
from anagen.biology.dermis import Dermis, kernel, kernel_in_skin

RADIUS = 2.0


def radial_steady(dermis: Dermis, radius: float, h: float) -> tuple[np.ndarray, np.ndarray]:
    """Finite volumes in r outside a saturated ball, far boundary at 12 lengths."""
    diffusivity, clearance = float(dermis.diffusivity), float(dermis.clearance)
    faces = np.arange(radius, radius + 12.0 * float(dermis.length), h)
    centres = 0.5 * (faces[1:] + faces[:-1])
    volume = (faces[1:] ** 3 - faces[:-1] ** 3) / 3.0
    conductance = diffusivity * faces**2 / h
    conductance[0] *= 2.0
    main = conductance[:-1] + conductance[1:] + clearance * volume
    matrix = diags([-conductance[1:-1], main, -conductance[1:-1]], [-1, 0, 1]).tocsc()
    source = np.zeros(len(centres))
    source[0] = conductance[0]
    return centres, spsolve(matrix, source)


def test_one_site_equals_the_radial_equation(dermis: Dermis) -> None:
    r, numeric = radial_steady(dermis, RADIUS, 0.005)
    near = r < RADIUS + 6.0 * float(dermis.length)
    closed = np.asarray(kernel(dermis, jnp.asarray(r), jnp.asarray(RADIUS)))
    np.testing.assert_allclose(closed[near], numeric[near], rtol=0.01)


def test_the_radial_solution_converges_with_second_order(dermis: Dermis) -> None:
    errors = []
    for h in (0.1, 0.05, 0.025):
        r, numeric = radial_steady(dermis, RADIUS, h)
        closed = np.asarray(kernel(dermis, jnp.asarray(r), jnp.asarray(RADIUS)))
        errors.append(np.abs(closed - numeric)[r < 3.5].max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert (orders > 1.8).all()


def axisymmetric(
    dermis: Dermis, depths: list[float], rates: list[float], h: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steady field below a skin surface that lets nothing out, for balls on the axis.

    Sources as the closed form has them: clearance inside each ball and the flux out of its surface.
    """
    diffusivity, clearance = float(dermis.diffusivity), float(dermis.clearance)
    columns, rows = round(6.0 / h), round(14.0 / h)
    r, z = (np.arange(columns) + 0.5) * h, (np.arange(rows) + 0.5) * h
    outer = (np.arange(1, columns) * h) / h**2
    radial = diags([-outer / r[1:], np.r_[outer, 0.0] / r + np.r_[0.0, outer] / r, -outer / r[:-1]],
                   [-1, 0, 1])  # fmt: skip
    ends = np.full(rows, 2.0)
    ends[[0, -1]] = 1.0
    vertical = diags([-np.ones(rows - 1), ends, -np.ones(rows - 1)], [-1, 0, 1]) / h**2
    matrix = diffusivity * (kron(identity(rows), radial) + kron(vertical, identity(columns)))
    matrix = (matrix + clearance * identity(rows * columns)).tocsc()
    volume = 2.0 * np.pi * r * h * h
    source = np.zeros((rows, columns))
    for depth, rate in zip(depths, rates, strict=True):
        distance = np.hypot(r[None, :], z[:, None] - depth)
        inside = np.clip((RADIUS - distance) / h + 0.5, 0.0, 1.0)
        shell = np.clip(1.0 - np.abs(distance - RADIUS) / h, 0.0, None)
        length = float(dermis.length)
        flux = 4.0 * np.pi * RADIUS**2 * diffusivity / length * (1.0 + length / RADIUS)
        source += rate * clearance * inside + rate * flux * shell / (shell * volume).sum()
    return r, z, spsolve(matrix, source.ravel()).reshape(rows, columns)


def superposed(dermis: Dermis, depths: list[float], rates: list[float], z: np.ndarray,
               lateral: float) -> np.ndarray:  # fmt: skip
    return sum(
        rate * np.asarray(kernel_in_skin(dermis, jnp.full(z.shape, lateral), jnp.asarray(z),
                                         jnp.asarray(depth), jnp.asarray(RADIUS)))
        for depth, rate in zip(depths, rates, strict=True)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("depths", "rates"),
    [([3.0], [1.0]), ([2.6, 7.4], [1.0, 1.0]), ([3.0, 8.5], [1.0, 0.4])],
    ids=["under the skin surface", "overlapping", "overlapping, unequal"],
)
def test_sites_under_the_skin_equal_the_axisymmetric_equation(
    dermis: Dermis, depths: list[float], rates: list[float]
) -> None:
    r, z, numeric = axisymmetric(dermis, depths, rates, 0.05)
    checked = 0
    for column in (1, 20, 50, 70):
        closed = superposed(dermis, depths, rates, z, r[column])
        gap = np.min([np.abs(np.hypot(r[column], z - d) - RADIUS) for d in depths], axis=0)
        compare = (gap > 0.15) & (closed > 1e-3) & (z < 12.0)
        np.testing.assert_allclose(numeric[compare, column], closed[compare], rtol=0.01)
        checked += compare.sum()
    assert checked > 300


def test_what_leaves_the_ball_is_what_the_tissue_clears(depot: Depot, dermis: Dermis) -> None:
    r = np.linspace(0.0, RADIUS + 15.0 * float(dermis.length), 200_001)
    field = np.asarray(kernel(dermis, jnp.asarray(r), jnp.asarray(RADIUS)))
    cleared = float(dermis.clearance) * np.trapezoid(4.0 * np.pi * r**2 * field, r)
    rate = saturated_release(depot, dermis, jnp.asarray([0.1]), jnp.asarray([13.0]))
    expected = 13.0e-3 * float(dermis.partition) * cleared
    assert float(rate[0]) == pytest.approx(expected, rel=1e-4)


def test_steady_state_is_reached_within_a_day(dermis: Dermis) -> None:
    """Transient radial equation by implicit steps: within 1 % of the closed form after 24 h."""
    diffusivity, clearance, h = float(dermis.diffusivity), float(dermis.clearance), 0.02
    faces = np.arange(RADIUS, RADIUS + 10.0 * float(dermis.length), h)
    centres = 0.5 * (faces[1:] + faces[:-1])
    volume = (faces[1:] ** 3 - faces[:-1] ** 3) / 3.0
    conductance = diffusivity * faces**2 / h
    conductance[0] *= 2.0
    step = 1.0 / 240.0
    main = volume / step + conductance[:-1] + conductance[1:] + clearance * volume
    matrix = diags([-conductance[1:-1], main, -conductance[1:-1]], [-1, 0, 1]).tocsc()
    field = np.zeros(len(centres))
    for _ in range(240):
        source = volume / step * field
        source[0] += conductance[0]
        field = spsolve(matrix, source)
    near = centres < RADIUS + 4.0 * float(dermis.length)
    closed = np.asarray(kernel(dermis, jnp.asarray(centres), jnp.asarray(RADIUS)))
    np.testing.assert_allclose(field[near], closed[near], rtol=0.01)
