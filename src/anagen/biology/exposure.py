"""From injections to what every cell of the scalp is exposed to, and when.

Injections of one session with the same product, strength and volume release alike, so they form one
group: a map of what the whole group does at full release, times one course of release over time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from anagen.biology.depot import (
    Depot,
    Sites,
    amount_left,
    depot_radius,
    release_rate,
    saturated_release,
    site_of,
)
from anagen.biology.dermis import Dermis, kernel_in_skin
from anagen.evidence.parameters import ParameterSet
from anagen.evidence.products import Product, load_drugs, load_product
from anagen.scalp import Scalp, locate

if TYPE_CHECKING:
    from anagen.treatment import Injection, Session

_REFERENCE = "triamcinolone_acetonide"  # potency is counted in its equivalents
_REACH_IN_LENGTHS = 14.0  # beyond this many diffusion lengths a kernel is below 1e-6
_FLOOR = 1e-12  # ug/mL
_QUADRATURE = ((0.0, 0.25), *((angle, 0.125) for angle in np.arange(6) * np.pi / 3.0))


@dataclass(frozen=True)
class Exposure:
    """What was injected and what it does.

    Parameters
    ----------
    count : (group,) injections in each group of equal ones.
    session : (group,) number of the session.
    dose : (group,) [ug] of the whole group.
    start : (group,) [day] of injection.
    bulb, dermis : (group, cell) [ug/mL] tissue concentration at full release at the depths of bulb
        and mid-dermis, geometric mean of the cell, in triamcinolone acetonide equivalents.
    left : (day + 1, group) [ug] solid left at each day edge, of the whole group.
    release : (day, group) [ug/day] mean release rate of each day, of the whole group.
    share : (day, group) [1] the same relative to full release.
    edges : (day + 1,) [day] relative to the start.
    """

    count: np.ndarray
    session: np.ndarray
    dose: np.ndarray
    start: np.ndarray
    bulb: np.ndarray
    dermis: np.ndarray
    left: np.ndarray
    release: np.ndarray
    share: np.ndarray
    edges: np.ndarray


@dataclass(frozen=True)
class _Group:
    session: int
    product: Product
    strength: float
    volume: float
    start: float
    dissolved: bool
    share: float
    injections: tuple["Injection", ...]


def given(session: "Session") -> tuple["Injection", ...]:
    """Injections of a session that deliver drug or fluid: all but the skipped ones."""
    return tuple(item for item in session.injections if item.status != "skipped")


def expose(
    scalp: Scalp,
    sessions: Sequence["Session"],
    start: date,
    edges: np.ndarray,
    parameters: ParameterSet,
) -> Exposure:
    """Work out the exposure of every cell by all sessions.

    Parameters
    ----------
    scalp : the surface.
    sessions : given and planned, any order; dates before the start still act.
    start : date of day 0.
    edges : (day + 1,) [day] daily edges over which release is followed.
    parameters : depot, dermis and the two half-effect concentrations are taken from it.
    """
    groups = [
        group for number, item in enumerate(sessions) for group in _groups(number, item, start)
    ]
    affinity = load_drugs()[_REFERENCE].quantities["relative_affinity"].value
    maps = np.zeros((2, len(groups), len(scalp.position)), np.float32)
    with jax.enable_x64(True):
        depot, dermis = Depot.from_parameters(parameters), Dermis.from_parameters(parameters)
        sites = _sites(groups)
        release = np.asarray(release_rate(depot, dermis, sites, jnp.asarray(edges)))
        left = np.asarray(amount_left(depot, dermis, sites, jnp.asarray(edges)))
        full = _full_release(depot, dermis, groups)
        for number, group in enumerate(groups):
            maps[:, number] = _effect_maps(scalp, group, depot, dermis, affinity)
    count = np.array([len(group.injections) for group in groups], int)
    session = np.array([group.session for group in groups], int)
    dose = count * np.asarray(sites.dose)
    return Exposure(
        count,
        session,
        dose,
        np.asarray(sites.start),
        maps[0],
        maps[1],
        count * left,
        count * release,
        release / full,
        edges,
    )


def _groups(number: int, session: "Session", start: date) -> list[_Group]:
    day = float((session.date - start).days)
    keys = sorted({(i.product, i.strength_mg_per_mL, i.volume_mL) for i in given(session)})
    groups = []
    for key, strength, volume in keys:
        product = load_product(key)
        same = tuple(
            item for item in given(session)
            if (item.product, item.strength_mg_per_mL, item.volume_mL) == (key, strength, volume)
        )  # fmt: skip
        if not product.drug or strength == 0:
            continue
        for dissolved, share in ((True, product.soluble_share), (False, 1 - product.soluble_share)):
            if share > 0:
                groups.append(
                    _Group(number, product, strength, volume, day, dissolved, share, same)
                )
    return groups


def _sites(groups: Sequence[_Group]) -> Sites:
    rows = [site_of(g.product, g.strength * g.share, g.volume, g.start, g.dissolved) for g in groups]
    return Sites(*(jnp.asarray(column) for column in np.array(rows, float).reshape(-1, 6).T))


def _saturation(group: _Group) -> float:
    """Free concentration [ug/mL] in a fresh ball: solubility, or the strength of a solution."""
    strength = 1e3 * group.strength * group.share
    return strength if group.dissolved else group.product.solubility_ug_per_mL


def _full_release(depot: Depot, dermis: Dermis, groups: Sequence[_Group]) -> np.ndarray:
    """Release rate [ug/day] of one site at which the tissue in the ball is saturated."""
    volumes = jnp.asarray([group.volume for group in groups], float)
    saturation = jnp.asarray([_saturation(group) for group in groups], float)
    return np.asarray(saturated_release(depot, dermis, volumes, saturation))


def _effect_maps(
    scalp: Scalp,
    group: _Group,
    depot: Depot,
    dermis: Dermis,
    reference_affinity: float,
) -> np.ndarray:
    """(2, cell) [ug/mL] at bulb and mid-dermis at full release."""
    from scipy.spatial import cKDTree

    radius = depot_radius(depot, jnp.asarray([group.volume]))[0]
    reach = float(radius) + _REACH_IN_LENGTHS * float(dermis.length)
    potency = group.product.relative_affinity / reference_affinity
    saturated = _saturation(group) * float(dermis.partition) * potency
    points, weights = _quadrature_points(scalp)
    tree = cKDTree(scalp.position)
    total = np.zeros((2, len(points), len(scalp.position)))
    for injection in group.injections:
        position = locate(scalp, injection.location)
        near = np.array(tree.query_ball_point(position, reach), int)
        lateral = jnp.asarray(np.linalg.norm(points[:, near] - position, axis=-1))
        tip = jnp.asarray(injection.depth_mm)
        for plane, depth in enumerate((dermis.bulb_depth, dermis.dermis_depth)):
            total[plane][:, near] += saturated * np.asarray(
                kernel_in_skin(dermis, lateral, depth, tip, radius)
            )
    result = np.zeros((2, len(scalp.position)))
    for plane in range(2):
        # The logarithm falls nearly linearly over a cell, so its mean keeps areas above any threshold.
        result[plane] = np.exp(np.tensordot(weights, np.log(np.maximum(total[plane], _FLOOR)), 1))
    return result


def _quadrature_points(scalp: Scalp) -> tuple[np.ndarray, np.ndarray]:
    """Seven points (point, cell, 3) in each cell's tangent plane and their weights (point,).

    The rule integrates cubic polynomials over the disc of the cell's area exactly.
    """
    radius = np.sqrt(2.0 / 3.0 * scalp.cell_area_mm2 / np.pi)
    helper = np.where(np.abs(scalp.normal[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(scalp.normal, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(scalp.normal, first)
    points = [scalp.position]
    for angle, _ in _QUADRATURE[1:]:
        points.append(scalp.position + radius * (np.cos(angle) * first + np.sin(angle) * second))
    return np.stack(points), np.array([weight for _, weight in _QUADRATURE])
