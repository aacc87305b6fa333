"""What every benchmark shares: the case, the clock, fresh processes and the table."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

START = date(2026, 1, 5)
SESSION_DAYS = (0, 28, 56, 84, 112, 140)
CENTRES = ((0.42, 0.45), (0.62, 0.6))  # of the two patches, as fractions of the view from the top
PATCH_MM = 30.0


def interleaved(
    calls: Mapping[str, Callable[[], Any]], repeats: int = 7
) -> dict[str, tuple[float, float]]:
    """Median and least time [s] of each call, taken in turn (A B A B), after one call apart."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return {name: (float(np.median(row)), min(row)) for name, row in times.items()}


def fresh(script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> dict:
    """Run a script of ours in a new process; its last printed line is JSON.

    ``wall`` [s] is added: the whole life of the process, interpreter and imports included.
    """
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)} failed:\n{done.stderr}")
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}


def medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Median of each number over several runs."""
    return {name: float(np.median([row[name] for row in rows])) for name in rows[0]}


def peak_mb() -> float:
    """Most memory this process has held so far [MB]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that needs no colour."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=100).print(table)


def seconds(value: float) -> str:
    """A time for people to read."""
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def against(value: float, target: float, *, least: bool) -> str:
    """How a measured value stands to its target; noise is for the reader to judge."""
    met = value >= target if least else value <= target
    return "met" if met else "missed"


def two_patches(scalp: Any) -> tuple[dict, list]:
    """Two patches of 30 mm, each injected with 0.1 mL of 5 mg/mL every 10 mm, six times."""
    from anagen.biology import PatchStart
    from anagen.scalp import ViewPoint, disc, frame
    from anagen.treatment import Injection, Session

    width, height = frame(scalp, "top")
    patches, points = {}, []
    for name, (x, y) in zip("ab", CENTRES, strict=True):
        middle = ViewPoint(view="top", x=x * width, y=y * height)
        patches[name] = PatchStart(disc(scalp, middle, PATCH_MM))
        points += [(name, x * width + dx, y * height + dy) for dx, dy in _hexagon()]
    injections = tuple(
        Injection(number=number, location=ViewPoint(view="top", x=x, y=y), patch=name,
                  product="ta10", strength_mg_per_mL=5.0, volume_mL=0.1, depth_mm=3.0,
                  needle_gauge=30)
        for number, (name, x, y) in enumerate(points, start=1)
    )  # fmt: skip
    return patches, [Session(date=START + timedelta(days=d), injections=injections)
                     for d in SESSION_DAYS]  # fmt: skip


def _hexagon() -> list[tuple[float, float]]:
    places = [
        ((column + 0.5 * (row % 2)) * 10.0, row * 10.0 * np.sqrt(0.75))
        for row in range(-3, 4)
        for column in range(-3, 4)
    ]
    return [place for place in places if np.hypot(*place) <= PATCH_MM / 2.0 + 1.0]


def loop_inputs(cell_mm: float = 2.0, weeks: int = 52) -> tuple:
    """What `anagen.biology.engine.run` is called with for the case."""
    import jax

    from anagen.biology import Person, course
    from anagen.biology.engine import surface_of
    from anagen.biology.exposure import expose
    from anagen.biology.start import starting_state, tissue_of
    from anagen.evidence.parameters import load_parameters
    from anagen.scalp import build_scalp

    scalp = build_scalp(cell_mm=cell_mm)
    patches, sessions = two_patches(scalp)
    parameters = load_parameters()
    tissue = tissue_of(parameters, Person())
    days = np.arange(weeks * 7 + 1, dtype=float)
    exposure = expose(scalp, sessions, START, days, parameters)
    weights = np.stack([*(p.share for p in patches.values()), np.ones(len(scalp.position))])
    surface = surface_of(scalp, weights, float(tissue.immunity.mobility))
    state = starting_state(scalp, tissue, patches)
    inputs = (tissue, surface, state, *course._loop_inputs(scalp, exposure, weeks))
    jax.block_until_ready(jax.tree.leaves(inputs[1:]))
    return inputs
