"""The course: everything joined, from injections to a labelled dataset."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from anagen._runtime import prepare_jax
from anagen.biology import dataset
from anagen.biology.engine import STEPS_PER_SAVE, Readout, on_square, run, surface_of
from anagen.biology.exposure import Exposure, expose
from anagen.biology.follicles import follow, run_follicles
from anagen.biology.start import PatchStart, Person, starting_state, tissue_of
from anagen.errors import InputError, Problem, SimulationError
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.scalp import Scalp

if TYPE_CHECKING:
    import xarray as xr

    from anagen.treatment import Session

Progress = Callable[[int, int], None]

_GROUP_BLOCK = (
    4  # groups are padded to a multiple, so that plans of different length share a compilation
)
MAX_WEEKS = 520
_BLOCK_WEEKS = 13  # between two reports of progress


@dataclass(frozen=True)
class Follicles:
    """Follow single follicles instead of shares.

    Parameters
    ----------
    count : how many follicles to follow over the whole scalp.
    seed : of the random numbers; the same seed gives the same course.
    """

    count: int = 100_000
    seed: int = 0


def simulate(
    scalp: Scalp,
    patches: Mapping[str, PatchStart],
    sessions: Sequence["Session"],
    *,
    start: date,
    weeks: int = 52,
    person: Person | None = None,
    parameters: ParameterSet | None = None,
    follicles: Follicles | None = None,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Simulate the treatment of one scalp.

    Parameters
    ----------
    scalp : the surface, from `build_scalp`.
    patches : by identity, what each patch is like at the start.
    sessions : given and planned; those before the start still act.
    start : date of day 0.
    weeks : how long, 1 to 520.
    person : covariates; an adult of typical weight when None.
    parameters : the latest parameter set when None.
    follicles : follow single follicles (random, in the mean the same) instead of shares.
    progress : called with (weeks done, weeks in all).

    Returns
    -------
    xarray.Dataset
        The course; variables, dimensions and units are listed in ``docs/architecture.md``.

    Raises
    ------
    InputError
        When weeks is out of range or a patch does not fit the scalp.
    SimulationError
        When a field is not finite.

    Examples
    --------
    >>> from datetime import date
    >>> from anagen.scalp import ViewPoint, build_scalp, disc
    >>> scalp = build_scalp(cell_mm=4.0)
    >>> patch = PatchStart(disc(scalp, ViewPoint(view="top", x=0.5, y=0.5, unit="fraction"), 30.0))
    >>> course = simulate(scalp, {"a": patch}, [], start=date(2026, 1, 5), weeks=4)
    >>> course.sizes["time"]
    5
    """
    _check(scalp, patches, weeks)
    prepare_jax()
    parameters = parameters or load_parameters()
    person = person or Person()
    tissue = tissue_of(parameters, person)
    exposure = expose(scalp, sessions, start, _edges(sessions, start, weeks), parameters)
    weights = np.stack([*(patch.share for patch in patches.values()), np.ones(len(scalp.position))])
    surface = surface_of(scalp, weights, float(tissue.immunity.mobility))
    state = starting_state(scalp, tissue, patches)
    bulb, dermal, share = _loop_inputs(scalp, exposure, weeks)
    followed = None
    if follicles is not None:
        followed = follow(surface, state, follicles.count, follicles.seed)
    rows, losses = [], []
    block = _BLOCK_WEEKS if progress else weeks
    for first in range(0, weeks, block):
        inputs = (tissue, surface, state, bulb, dermal, share[first : first + block])
        if followed is None:
            moments, shed, state = run(*inputs)
        else:
            moments, shed, state, followed = run_follicles(*inputs, followed)
        done = min(first + block, weeks)
        keep = slice(None) if done == weeks else slice(-1)
        rows.append([np.asarray(values)[keep] for values in moments])
        losses.append(np.asarray(shed))
        if progress:
            progress(done, weeks)
    readout = Readout(*map(np.concatenate, zip(*rows, strict=True)))
    _check_finite(readout)
    variables = dataset.fields(scalp, tissue, readout, np.concatenate(losses), parameters)
    variables |= dataset.patches(scalp, patches, readout, parameters)
    variables |= dataset.blood(sessions, exposure, person, parameters)
    variables |= dataset.pains(sessions, parameters)
    attributes = {
        "parameter_set": parameters.version,
        "mode": "typical" if follicles is None else "follicles",
        "seed": -1 if follicles is None else follicles.seed,
        "follicles": 0 if follicles is None else follicles.count,
        "strong_inhibitor": int(person.strong_inhibitor),
    }
    return dataset.label(variables, scalp, patches, sessions, start, exposure.edges, attributes)


def _check(scalp: Scalp, patches: Mapping[str, PatchStart], weeks: int) -> None:
    problems = []
    if not 1 <= weeks <= MAX_WEEKS:
        problems.append(Problem("weeks", f"1 to {MAX_WEEKS}", str(weeks), "Choose fewer weeks."))
    for name, patch in patches.items():
        if patch.share.shape != (len(scalp.position),) or not np.isfinite(patch.share).all():
            problems.append(Problem(f"patches[{name!r}].share",
                                    f"{len(scalp.position)} finite values, one a cell",
                                    f"shape {patch.share.shape}",
                                    "Make it with patch_cells() on the same scalp."))  # fmt: skip
    if problems:
        raise InputError(problems)


def _edges(sessions: Sequence["Session"], start: date, weeks: int) -> np.ndarray:
    """Daily edges from the first session (or the start) to the end, in days from the start."""
    first = min([0, *((session.date - start).days for session in sessions)])
    return np.arange(first, weeks * STEPS_PER_SAVE + 1, dtype=float)


def _loop_inputs(
    scalp: Scalp, exposure: Exposure, weeks: int
) -> tuple[jnp.ndarray, jnp.ndarray, jnp.ndarray]:
    groups = len(exposure.count)
    padded = max(_GROUP_BLOCK, -(-groups // _GROUP_BLOCK) * _GROUP_BLOCK)
    cells = len(scalp.position)
    maps = np.zeros((2, padded, cells), np.float32)
    maps[0, :groups], maps[1, :groups] = exposure.bulb, exposure.dermis
    square = on_square(scalp, maps)
    share = np.zeros((weeks * STEPS_PER_SAVE, padded), np.float32)
    share[:, :groups] = exposure.share[-weeks * STEPS_PER_SAVE :]
    return (
        jnp.asarray(square[0]),
        jnp.asarray(square[1]),
        jnp.asarray(share.reshape(weeks, STEPS_PER_SAVE, padded)),
    )


def _check_finite(readout: Readout) -> None:
    for name, values in readout._asdict().items():
        if not np.isfinite(values).all():
            raise SimulationError(
                f"the field {name!r} is not finite; the parameters drive the solver out of range"
            )
