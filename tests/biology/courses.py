"""Typical courses that several tests look at; each is simulated once."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import xarray as xr

from anagen.biology import Follicles, PatchStart, Person, simulate
from anagen.scalp import Scalp, ViewPoint, build_scalp, disc, frame
from anagen.treatment import Injection, Session

START = date(2026, 1, 5)
MIDDLE = ViewPoint(view="top", x=0.5, y=0.5, unit="fraction")
NEW = Person(weight_kg=70.0, episode_days=60.0)
MONTHLY = (0, 28, 56)


def hexagon(scalp: Scalp, spacing: float, reach: float) -> list[ViewPoint]:
    width, height = frame(scalp, "top")
    points = []
    for row in range(-20, 21):
        for column in range(-20, 21):
            x, y = (column + 0.5 * (row % 2)) * spacing, row * spacing * np.sqrt(3.0) / 2.0
            if np.hypot(x, y) <= reach:
                points.append(ViewPoint(view="top", x=width / 2 + x, y=height / 2 + y))
    return points


def session(
    day: int,
    points: Iterable[ViewPoint],
    strength: float,
    *,
    volume: float = 0.1,
    depth: float = 3.0,
    product: str = "ta10",
) -> Session:
    injections = tuple(
        Injection(number=number, location=point, patch="a", product=product,
                  strength_mg_per_mL=strength, volume_mL=volume, depth_mm=depth, needle_gauge=30)
        for number, point in enumerate(points, start=1)
    )  # fmt: skip
    return Session(date=START + timedelta(days=day), injections=injections)


@lru_cache(maxsize=32)
def course(
    strength: float = 0.0,
    days: tuple[int, ...] = MONTHLY,
    *,
    spacing: float = 10.0,
    diameter: float = 30.0,
    weeks: int = 52,
    cell: float = 2.0,
    age: float = 0.0,
    follicles: Follicles | None = None,
) -> xr.Dataset:
    """Course of a round patch on top of the head, injected on a hexagonal grid."""
    scalp = build_scalp(cell_mm=cell)
    patch = PatchStart(disc(scalp, MIDDLE, diameter), age=age)
    points = hexagon(scalp, spacing, diameter / 2.0 + 1.0)
    sessions = [session(day, points, strength) for day in days] if strength else []
    return simulate(scalp, {"a": patch}, sessions, start=START, weeks=weeks, person=NEW,
                    follicles=follicles)  # fmt: skip


@lru_cache(maxsize=8)
def one_injection(strength: float, cell: float = 2.0) -> xr.Dataset:
    """Course of one injection in the middle of a large patch."""
    scalp = build_scalp(cell_mm=cell)
    patch = PatchStart(disc(scalp, MIDDLE, 60.0))
    return simulate(scalp, {"a": patch}, [session(0, [MIDDLE], strength)], start=START, person=NEW)


def first_week(values: xr.DataArray, level: float) -> int:
    """First week at which a series reaches a level; 999 when never."""
    reached = np.flatnonzero(values.values >= level)
    return int(reached[0]) if len(reached) else 999
