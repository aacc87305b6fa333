"""Distance along the surface, against geodesics integrated as an equation of motion."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from anagen.errors import InputError
from anagen.scalp import (
    build_scalp,
    distance_matrix,
    edge_distance,
    geodesic_distance,
    nearest_cell,
    nearest_cells,
)

SCALP = build_scalp()


def geodesics(start: np.ndarray, direction: np.ndarray, length: float) -> np.ndarray:
    """Ends (line, 3) of geodesics of the ellipsoid: a particle without forces on the surface."""
    weight = 1.0 / np.square(SCALP.head.semi_axes)

    def motion(_: float, state: np.ndarray) -> np.ndarray:
        position, velocity = state.reshape(2, -1, 3)
        pull = np.sum(weight * velocity**2, -1) / np.sum((weight * position) ** 2, -1)
        return np.concatenate([velocity, -pull[:, None] * weight * position]).ravel()

    state = np.concatenate([start, direction]).ravel()
    solution = solve_ivp(motion, (0.0, length), state, rtol=1e-9, atol=1e-9)
    return solution.y[:, -1].reshape(2, -1, 3)[0]


def lines(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(11)
    cells = random.integers(0, len(SCALP.position), count)
    aim = np.cross(SCALP.normal[cells], random.normal(size=(count, 3)))
    return SCALP.position[cells], aim / np.linalg.norm(aim, axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("length", "tolerance"), [(5.0, 1e-4), (20.0, 1e-3), (50.0, 0.003), (100.0, 0.025)]
)
def test_closed_form_against_integrated_geodesics(length: float, tolerance: float) -> None:
    """2 % within 5 cm is asked; measured 0.21 % over 2,000 lines."""
    start, aim = lines(400)
    end = geodesics(start, aim, length)
    assert np.sum((end / SCALP.head.semi_axes) ** 2, axis=-1) == pytest.approx(1.0, abs=1e-6)
    error = geodesic_distance(SCALP, start, end) / length - 1.0
    assert np.abs(error).max() < tolerance


def test_error_vanishes_with_the_square_of_length_or_faster() -> None:
    start, aim = lines(100)
    errors = [
        np.abs(geodesic_distance(SCALP, start, geodesics(start, aim, s)) / s - 1.0).max()
        for s in (25.0, 50.0)
    ]
    assert errors[1] / errors[0] > 3.0


def test_it_is_a_distance() -> None:
    a, b = SCALP.position[::400], SCALP.position[::700]
    there = geodesic_distance(SCALP, a[:, None], b[None])
    back = geodesic_distance(SCALP, b[:, None], a[None])
    assert there == pytest.approx(back.T)
    assert np.all(there >= np.linalg.norm(a[:, None] - b[None], axis=-1) - 1e-12)
    assert np.all(geodesic_distance(SCALP, a, a) == 0.0)
    near = geodesic_distance(SCALP, a, a + 1e-9)
    assert np.isfinite(near).all()


def test_matrix_agrees_with_broadcast() -> None:
    a, b = SCALP.position[::300], SCALP.position[::500]
    expected = geodesic_distance(SCALP, a[:, None], b[None])
    assert distance_matrix(SCALP, a, b) == pytest.approx(expected, abs=1e-6)


def test_nearest_cell() -> None:
    cells = np.arange(0, len(SCALP.position), 501)
    nudged = SCALP.position[cells] + 0.2 * SCALP.tangent[cells, 0]
    assert np.array_equal(nearest_cells(SCALP, nudged), cells)
    assert nearest_cell(SCALP, SCALP.position[42]) == 42


@pytest.mark.parametrize("position", [[np.nan, 0.0, 0.0], [np.inf, 0.0, 0.0], [1.0, 2.0]])
def test_nearest_cell_refuses_what_is_no_position(position: list[float]) -> None:
    with pytest.raises(InputError, match="three finite coordinates"):
        nearest_cell(SCALP, np.array(position))


def test_edge_distance_grows_inward() -> None:
    middle = np.argmax(SCALP.position[:, 2])
    assert edge_distance(SCALP, SCALP.position[middle]) > 80.0
    assert np.median(edge_distance(SCALP, SCALP.position)) > 30.0
    assert edge_distance(SCALP, np.array([0.0, 99.0, 0.0])) < -30.0
