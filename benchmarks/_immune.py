"""The immune field on a flat square, in our engine's pieces and in py-pde."""

import numpy as np

SIZE = 140  # cells a side
PITCH = 2.0  # mm
DAYS = 180
RADIUS = 20.0  # mm, of the patch at the start


def constants() -> dict[str, float]:
    """The rates of the default parameter set, with the crowding that they imply."""
    from anagen.biology.immunity import Immunity, crowding
    from anagen.evidence.parameters import load_parameters

    rates = Immunity.from_parameters(load_parameters())
    names = ("activation", "loss", "residue", "collapse_threshold", "collapse_time", "rebuild_time",
             "tolerance_time", "forget_time", "mobility")  # fmt: skip
    return {name: float(getattr(rates, name)) for name in names} | {
        "crowding": float(crowding(rates))
    }


def disc() -> np.ndarray:
    """Share of each cell in the patch, with a soft edge of a cell (row, column)."""
    axis = (np.arange(SIZE) + 0.5 - SIZE / 2) * PITCH
    distance = np.hypot(*np.meshgrid(axis, axis))
    return np.clip((RADIUS - distance) / PITCH + 0.5, 0.0, 1.0)


def summary(attack: np.ndarray) -> tuple[float, float]:
    """Mean attack, and distance [mm] from the middle at which it is half of its most."""
    middle = 0.5 * (attack[SIZE // 2 - 1, SIZE // 2 :] + attack[SIZE // 2, SIZE // 2 :])
    below = int(np.argmax(middle < 0.5 * attack.max()))
    high, low = middle[below - 1], middle[below]
    return float(attack.mean()), PITCH * (
        below - 0.5 + float((high - 0.5 * attack.max()) / (high - low))
    )


class Ours:
    """Our stencil and step in a compiled scan."""

    def __init__(self, dt: float = 1.0) -> None:
        import jax
        import jax.numpy as jnp

        from anagen._runtime import prepare_jax
        from anagen.biology.immunity import Immunity, established, step_immunity
        from anagen.biology.spread import SurfaceLaplacian, laplacian
        from anagen.evidence.parameters import load_parameters

        prepare_jax()
        inside = np.pad(np.ones((SIZE, SIZE), bool), 1)
        flat = np.stack([np.ones(inside.shape), np.zeros(inside.shape), np.ones(inside.shape)])
        stencil = SurfaceLaplacian.on_chart(inside, flat, PITCH)
        rates = Immunity.from_parameters(load_parameters())
        drug = jnp.zeros(inside.size, jnp.float32)
        share = jnp.asarray(np.pad(disc(), 1).ravel(), jnp.float32)
        self.start = established(rates, share)

        def step(state, _):
            spread = rates.mobility * laplacian(stencil, state.attack)
            return step_immunity(rates, state, spread, drug, dt), None

        steps = round(DAYS / dt)
        self.loop = jax.jit(lambda state: jax.lax.scan(step, state, None, length=steps)[0])

    def run(self) -> np.ndarray:
        attack = np.asarray(self.loop(self.start).attack)
        return attack.reshape(SIZE + 2, SIZE + 2)[1:-1, 1:-1]


class Theirs:
    """py-pde with its numba backend, explicit Euler."""

    def __init__(self, dt: float = 1.0) -> None:
        from pde import PDE, CartesianGrid, EulerSolver, FieldCollection, ScalarField

        values = constants()
        gain = "activation * (1 - p) / (1 + r**4) - loss - crowding * a"
        target = f"1 / (1 + (a / {values['collapse_threshold']!r})**2)"
        slow, fast = 1.0 / values["rebuild_time"], 1.0 / values["collapse_time"]
        equation = PDE(
            {
                "a": f"mobility * laplace(a) + a * ({gain}) + residue * (1 - p)",
                "p": f"({target} - p) * ({slow!r} + {fast - slow!r} * heaviside(p - {target}, 0))",
                "r": "a / tolerance_time - r / forget_time",
            },
            bc={"derivative": 0},
            consts={name: value for name, value in values.items() if not name.startswith("colla")},
        )
        side = SIZE * PITCH
        grid = CartesianGrid([[0, side], [0, side]], [SIZE, SIZE])
        attack = disc()
        ratio = attack / values["collapse_threshold"]
        fields = (attack, 1.0 / (1.0 + ratio**2), 0.0 * attack)
        self.start = FieldCollection([ScalarField(grid, field) for field in fields])
        solver = EulerSolver(equation, backend="numba")
        self.stepper = solver.make_stepper(self.start, dt)

    def run(self) -> np.ndarray:
        state = self.start.copy()
        self.stepper(state, 0.0, float(DAYS))
        return state[0].data
