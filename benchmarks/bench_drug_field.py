"""The drug field around seven sites: the closed form against py-pde, both against a finer one.

py-pde follows the whole block of skin (Cartesian, 3-D, mirror at the surface) to its steady state
with the compiled backend. The reference is one site in cylindrical symmetry on a fine grid, whose
seven copies add up: they stand twenty diffusion lengths apart. Target: 100 times faster.
"""

import time

import numpy as np
from _measure import against, interleaved, seconds, show

DEPTH = 3.0  # mm, of the sites
SPACING = 10.0  # mm
HALF = 14.0  # mm, half the width of the block
BOTTOM = 9.0  # mm, its depth
SETTLED = 0.4  # day; eight and a half clearance times
PITCHES = (0.5, 0.25)  # mm, of py-pde's grid
REFERENCE = (0.025, 0.0125)  # mm

SITES = np.array(
    [(0.0, 0.0)] + [(SPACING * np.cos(a), SPACING * np.sin(a)) for a in np.arange(6) * np.pi / 3]
)


def tissue() -> tuple:
    """Our dermis, and the ball's radius [mm]."""
    from anagen.biology.dermis import Dermis
    from anagen.evidence.parameters import load_parameters

    parameters = load_parameters()
    return Dermis.from_parameters(parameters), parameters.value("depot.radius", "mm")


def planes(dermis) -> tuple[float, float]:
    return float(dermis.bulb_depth), float(dermis.dermis_depth)


def in_ball(distance: np.ndarray, radius: float, pitch: float) -> np.ndarray:
    """Share of each cell inside the ball, linear across a cell's width."""
    return np.clip((radius - distance) / pitch + 0.5, 0.0, 1.0)


class ClosedForm:
    """Our kernels of seven sites on many cells, both planes, compiled."""

    def __init__(self, dermis, radius: float) -> None:
        import jax
        import jax.numpy as jnp

        from anagen.biology.dermis import kernel_in_skin

        def field(lateral):
            def plane(depth):
                return kernel_in_skin(dermis, lateral, depth, DEPTH, radius).sum(0)

            return jnp.stack([plane(dermis.bulb_depth), plane(dermis.dermis_depth)])

        self.field = jax.jit(field)

    def at(self, points: np.ndarray) -> np.ndarray:
        """(plane, point) relative to saturation."""
        lateral = np.linalg.norm(points - SITES[:, None], axis=-1).astype(np.float32)
        return np.asarray(self.field(lateral))


class Theirs:
    """py-pde: clearance, diffusion, and balls held at saturation."""

    def __init__(self, dermis, radius: float, pitch: float) -> None:
        from pde import PDE, CartesianGrid, EulerSolver, ScalarField

        size = [round(2 * HALF / pitch)] * 2 + [round(BOTTOM / pitch)]
        grid = CartesianGrid([[-HALF, HALF], [-HALF, HALF], [0.0, BOTTOM]], size)
        spots = grid.cell_coords
        distance = np.min(
            [np.linalg.norm(spots - [x, y, DEPTH], axis=-1) for x, y in SITES], axis=0
        )
        diffusivity, clearance = float(dermis.diffusivity), float(dermis.clearance)
        self.step = 0.8 / (6 * diffusivity / pitch**2 + clearance)
        share = ScalarField(grid, in_ball(distance, radius, pitch))
        equation = PDE(
            {"c": "diffusivity * laplace(c) * (1 - s) - clearance * c * (1 - s) "
                  "+ hold * s * (1 - c)"},
            bc={"derivative": 0},
            consts={"diffusivity": diffusivity, "clearance": clearance, "s": share,
                    "hold": 0.5 / self.step},
        )  # fmt: skip
        self.start, self.cells = ScalarField(grid, 0.0), int(np.prod(size))
        self.end = np.ceil(SETTLED / self.step) * self.step
        self.stepper = EulerSolver(equation, backend="numba").make_stepper(self.start, self.step)

    def solve(self):
        state = self.start.copy()
        self.stepper(state, 0.0, self.end)
        return state

    def at(self, points: np.ndarray, depths: tuple[float, float]) -> np.ndarray:
        state = self.solve()
        full = [np.column_stack([points, np.full(len(points), depth)]) for depth in depths]
        return np.stack([state.interpolate(row) for row in full])


def reference(dermis, radius: float, pitch: float, points: np.ndarray) -> np.ndarray:
    """One site in cylindrical symmetry by finite volumes, added up for the seven (plane, point)."""
    from scipy.interpolate import RegularGridInterpolator
    from scipy.sparse import diags, identity, kron
    from scipy.sparse.linalg import spsolve

    wide, deep = round(9.0 / pitch), round(BOTTOM / pitch)
    r, z = (np.arange(wide) + 0.5) * pitch, (np.arange(deep) + 0.5) * pitch
    edge = np.arange(1, wide) * pitch / pitch**2
    onward, back = edge / r[:-1], edge / r[1:]
    radial = diags([back, -np.append(onward, 0.0) - np.insert(back, 0, 0.0), onward], [-1, 0, 1])
    ones = np.ones(deep - 1) / pitch**2
    axial = diags([ones, -np.append(ones, 0.0) - np.insert(ones, 0, 0.0), ones], [-1, 0, 1])
    length = float(dermis.length)
    operator = kron(radial, identity(deep)) + kron(identity(wide), axial)
    distance = np.hypot(r[:, None], z[None] - DEPTH).ravel()
    free = 1.0 - in_ball(distance, radius, pitch)
    system = diags(free) @ (operator - identity(len(free)) / length**2) - diags(1.0 - free) * 1e4
    field = spsolve(system.tocsc(), -1e4 * (1.0 - free)).reshape(wide, deep)
    look = RegularGridInterpolator((r, z), field, bounds_error=False, fill_value=None)
    lateral = np.clip(np.linalg.norm(points - SITES[:, None], axis=-1), r[0], r[-1])
    return np.stack([look((lateral, np.full_like(lateral, depth))).sum(0)
                     for depth in planes(dermis)])  # fmt: skip


def main() -> None:
    from anagen._runtime import prepare_jax

    prepare_jax()
    dermis, radius = tissue()
    ours = ClosedForm(dermis, radius)
    spread = np.random.default_rng(0).uniform(
        -150.0, 150.0, (19_400, 2)
    )  # as many as the scalp has
    probes = np.stack(np.meshgrid(*[np.linspace(-13.0, 13.0, 60)] * 2), axis=-1).reshape(-1, 2)
    coarse, fine = (reference(dermis, radius, pitch, probes) for pitch in REFERENCE)

    def errors(field: np.ndarray) -> tuple[str, str]:
        """Largest and root mean square error, in percent of saturation."""
        difference = 100 * (field - fine)
        return f"{np.abs(difference).max():.2f} %", f"{np.sqrt((difference**2).mean()):.3f} %"

    calls, rows = {"closed form": lambda: ours.at(spread)}, []
    ready = time.perf_counter()
    ours.at(spread)
    first = {"closed form": time.perf_counter() - ready}
    accuracy = {"closed form": errors(ours.at(probes))}
    cells = {"closed form": len(spread)}
    for pitch in PITCHES:
        name = f"py-pde, {pitch} mm"
        ready = time.perf_counter()
        solver = Theirs(dermis, radius, pitch)
        solver.solve()
        first[name] = time.perf_counter() - ready
        calls[name], cells[name] = solver.solve, solver.cells
        accuracy[name] = errors(solver.at(probes, planes(dermis)))
    times = interleaved(calls, 5)
    for name, (middle, _) in times.items():
        ratio = middle / times["closed form"][0]
        rows.append((name, f"{cells[name]}", seconds(first[name]), seconds(middle), f"{ratio:.0f}",
                     "" if name == "closed form" else against(ratio, 100.0, least=True),
                     *accuracy[name]))  # fmt: skip
    rows.append((f"reference, {REFERENCE[0]} mm", "", "", "", "", "", *errors(coarse)))
    show("Steady field of seven sites; errors in percent of saturation",
         ("", "cells", "first", "median", "times ours", "target 100",
          "largest", "rms"), rows)  # fmt: skip


if __name__ == "__main__":
    main()
