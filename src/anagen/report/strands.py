"""Hair as geometry: where each hair of a head stands and which way it lies.

Every number here is a convention of drawing, not of biology: how long the hair is cut, how it is
combed, where the whorl sits. Density, calibre and length come from the course.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.scalp.surface import beyond_hairline

if TYPE_CHECKING:
    from anagen.scalp import Scalp

Array = NDArray[np.float64]

CUT_MM = 11.0
"""Length to which the hair is drawn cut, so that patches stay in sight [mm]."""

STEPS = 9
"""Points along a hair, root and tip included."""

_SEED = 20261
_EDGE_CUT_MM, _TAPER = 3.0, 0.4
_WHORL = np.array([0.16, -0.46, 0.87])
_SWIRL = 1.25
_SWIRL_REACH = 0.42
_GRAVITY = 0.75
_WAVES = ((31.0, 0.16), (17.0, 0.10), (53.0, 0.16))
_LIFT = (0.42, -0.02)
_STRAY = 0.17
_LOCK_MM = 5.0
_CLUMP = 0.30


@dataclass(frozen=True)
class Ellipsoid:
    """Ellipsoid on which the scalp lies.

    Parameters
    ----------
    semi_axes : (3,) half lengths along x, y and z [mm].
    """

    semi_axes: Array

    def normal(self, position: Array) -> Array:
        """Outward unit normal (point, 3) of the level surface through each position (point, 3)."""
        gradient = position / self.semi_axes**2
        return _unit(gradient)


@dataclass(frozen=True)
class Follicles:
    """The hairs a head could carry at most, the same in every picture.

    Parameters
    ----------
    root : (hair, 3) where each hair leaves the skin [mm].
    cell : (hair,) cell whose state the hair shows.
    rank : (hair,) in 0..1; the hair is there while rank * pool is below the cell's density.
    kind : (hair,) in 0..1; the hair is terminal while kind is below the cell's terminal share.
    trait : (hair,) in 0..1; its own shade and length.
    cut_mm : (hair,) length to which it is cut, shorter towards the hairline [mm].
    pool_per_cm2 : density when every hair is there [1/cm2].
    """

    root: Array
    cell: NDArray[np.int64]
    rank: Array
    kind: Array
    trait: Array
    cut_mm: Array
    pool_per_cm2: float


@dataclass(frozen=True)
class Strands:
    """Hairs laid out in space.

    Parameters
    ----------
    index : (hair,) which of the follicles.
    points : (step, hair, 3) along each hair from root to tip [mm].
    """

    index: NDArray[np.int64]
    points: Array


def _unit(vector: Array) -> Array:
    unit: Array = vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12)
    return unit


@lru_cache(maxsize=2)
def _grow(key: tuple[bytes, bytes], cells: int, per_cell: int, cell_mm: float) -> Follicles:
    position = np.frombuffer(key[0]).reshape(cells, 3)
    normal = np.frombuffer(key[1]).reshape(cells, 3)
    random = np.random.default_rng(_SEED)
    first = _unit(np.cross(normal, (0.12, 0.31, 0.94)))
    second = np.cross(normal, first)
    units = max(1, round(per_cell / 2.4))
    unit_at = random.uniform(-0.56, 0.56, (cells, units, 2)) * cell_mm
    of_unit = np.arange(per_cell) % units
    offset = unit_at[:, of_unit] + random.normal(0.0, 0.11, (cells, per_cell, 2))
    root = (
        position[:, None]
        + offset[..., :1] * first[:, None]
        + offset[..., 1:] * second[:, None]
    ).reshape(-1, 3)  # fmt: skip
    rank, kind, trait = random.random((3, cells * per_cell))
    return Follicles(
        root, _shown_cell(position, root, cell_mm, random), rank, kind, trait, root[:, 0], 0.0
    )


def _shown_cell(
    position: Array, root: Array, cell_mm: float, random: np.random.Generator
) -> NDArray[np.int64]:
    """Pick for each hair a cell near it, so that the squares of the grid do not show."""
    from scipy.spatial import cKDTree

    blurred = root + random.normal(0.0, 0.42 * cell_mm, root.shape)
    return np.asarray(cKDTree(position).query(blurred)[1], dtype=np.int64)


def follicles(scalp: "Scalp", pool_per_cm2: float) -> Follicles:
    """All hairs that the head could carry, drawn from a fixed seed.

    Parameters
    ----------
    scalp : the surface.
    pool_per_cm2 : highest density that any picture needs [1/cm2].
    """
    area_cm2 = scalp.cell_area_mm2 / 100.0
    per_cell = max(2, int(np.ceil(pool_per_cm2 * area_cm2)))
    position = np.ascontiguousarray(scalp.position, dtype=float)
    normal = np.ascontiguousarray(scalp.normal, dtype=float)
    key = (position.tobytes(), normal.tobytes())
    grown = _grow(key, len(position), per_cell, float(scalp.cell_mm))
    inside = -beyond_hairline(scalp.head, grown.root)
    cut = np.clip(_EDGE_CUT_MM + _TAPER * np.maximum(inside, 0.0), 0.0, CUT_MM)
    return replace(grown, cut_mm=cut, pool_per_cm2=per_cell / area_cm2)


def combed(ellipsoid: Ellipsoid, position: Array) -> Array:
    """Direction in which hair lies (point, 3): out of a whorl at the crown, then down.

    Parameters
    ----------
    ellipsoid : the head.
    position : (point, 3) on or near it [mm].
    """
    on_sphere = _unit(position / ellipsoid.semi_axes)
    whorl = _unit(_WHORL)
    along = on_sphere @ whorl
    away = _unit(along[:, None] * on_sphere - whorl)
    around = np.cross(on_sphere, away)
    angle = _SWIRL * np.exp(-np.arccos(np.clip(along, -1, 1)) / _SWIRL_REACH) + _wave(position)
    flow = np.cos(angle)[:, None] * away + np.sin(angle)[:, None] * around
    normal = ellipsoid.normal(position)
    flow = _unit(flow * ellipsoid.semi_axes)
    steep = np.clip(1.0 - normal[:, 2:], 0.0, 1.0)
    flow = flow + _GRAVITY * steep * np.array([0.0, 0.0, -1.0])
    flow -= np.sum(flow * normal, axis=1, keepdims=True) * normal
    return _unit(flow)


def _wave(position: Array) -> Array:
    total = np.zeros(len(position))
    for number, (length_mm, size) in enumerate(_WAVES):
        direction = np.random.default_rng(_SEED + number).normal(size=3)
        total += size * np.sin(position @ (direction / np.linalg.norm(direction)) / length_mm * 6.3)
    return total


def lay(grown: Follicles, chosen: NDArray[np.int64], ellipsoid: Ellipsoid) -> Strands:
    """Lay the chosen hairs along the comb, rising a little from the skin and falling into locks.

    Parameters
    ----------
    grown : the hairs of the head.
    chosen : (hair,) which of them.
    ellipsoid : the head.
    """
    root = grown.root[chosen]
    stray = (grown.trait[chosen] * 7.13 % 1.0 - 0.5) * 2.0 * _STRAY
    step = CUT_MM / (STEPS - 1)
    points = np.empty((STEPS, len(chosen), 3))
    points[0] = root
    for k in range(1, STEPS):
        here = points[k - 1]
        flow, normal = combed(ellipsoid, here), ellipsoid.normal(here)
        side = np.cross(normal, flow)
        rise = np.interp(k / (STEPS - 1), (0.0, 1.0), _LIFT)
        bend = stray[:, None]
        points[k] = here + step * _unit(flow + bend * side + rise * normal)
    _fall_into_locks(points, grown.rank[chosen])
    return Strands(chosen, points)


def _fall_into_locks(points: Array, rank: Array) -> None:
    from scipy.spatial import cKDTree

    if points.shape[1] < 2:
        return
    share = min(1.0, 1.0 / max(1.0, _per_lock(points[0])))
    guides = np.flatnonzero((rank * 31.7) % 1.0 < share)
    if not len(guides):
        return
    guide = guides[cKDTree(points[0, guides]).query(points[0])[1]]
    pull = _CLUMP * np.linspace(0.0, 1.0, STEPS)[:, None, None] ** 1.6
    points += pull * (points[:, guide] - points)


def _per_lock(root: Array) -> float:
    """Hairs in a lock, from the area that the roots span."""
    span = np.ptp(root, axis=0) + 1.0
    area = float(np.prod(np.sort(span)[1:]))
    return len(root) / area * _LOCK_MM**2
