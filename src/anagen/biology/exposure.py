"""From injections to what every cell of the scalp is exposed to, and when.

Injections of one session with the same product, strength and volume release alike, so they form one
group: a map of what the whole group does at full release, times one course of release over time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

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
from anagen.scalp.distance import cell_tree

if TYPE_CHECKING:
    from anagen.treatment import Injection, Session

_REFERENCE = "triamcinolone_acetonide"  # potency is counted in its equivalents
_REACH_IN_LENGTHS = 14.0  # beyond this many diffusion lengths a kernel is below 1e-6


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
        and mid-dermis below each cell's centre, in triamcinolone acetonide equivalents.
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
        release, left = map(np.asarray, _follow(depot, dermis, sites, jnp.asarray(edges)))
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
    rows = [
        site_of(g.product, g.strength * g.share, g.volume, g.start, g.dissolved) for g in groups
    ]
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
    scalp: Scalp, group: _Group, depot: Depot, dermis: Dermis, reference_affinity: float
) -> np.ndarray:
    """(2, cell) [ug/mL] at bulb and mid-dermis at full release."""
    radius = depot_radius(depot, jnp.asarray([group.volume]))[0]
    reach = float(radius) + _REACH_IN_LENGTHS * float(dermis.length)
    potency = group.product.relative_affinity / reference_affinity
    sites = np.array([locate(scalp, item.location) for item in group.injections])
    near = cell_tree(scalp).query_ball_point(sites, reach)
    site = np.repeat(np.arange(len(sites)), [len(cells) for cells in near])
    cell = np.concatenate([np.asarray(cells, int) for cells in near])
    lateral = np.linalg.norm(scalp.position[cell] - sites[site], axis=-1)
    depth = np.array([item.depth_mm for item in group.injections])[site]
    # Far-off padding keeps array sizes to powers of two, so that few of them need compiling.
    spare = (1 << max(10, int(np.ceil(np.log2(max(len(cell), 1)))))) - len(cell)
    maps = _sum_of_kernels(
        dermis,
        jnp.asarray(np.pad(lateral, (0, spare), constant_values=1e6)),
        jnp.asarray(np.pad(depth, (0, spare))),
        jnp.asarray(np.pad(cell, (0, spare))),
        radius,
        len(scalp.position),
    )
    return np.asarray(maps) * _saturation(group) * float(dermis.partition) * potency


@eqx.filter_jit
def _sum_of_kernels(
    dermis: Dermis,
    lateral: Float[Array, " pair"],
    depth: Float[Array, " pair"],
    cell: Int[Array, " pair"],
    radius: Float[Array, ""],
    cells: int,
) -> Float[Array, "plane cell"]:
    """Sum the kernels of all sites at the centre of every cell, at bulb and mid-dermis."""

    def plane(target: Float[Array, ""]) -> Float[Array, " cell"]:
        each = kernel_in_skin(dermis, lateral, target, depth, radius)
        return jax.ops.segment_sum(each, cell, cells)

    return jnp.stack([plane(dermis.bulb_depth), plane(dermis.dermis_depth)])


@eqx.filter_jit
def _follow(
    depot: Depot, dermis: Dermis, sites: Sites, edges: Float[Array, " edge"]
) -> tuple[Float[Array, "step site"], Float[Array, "edge site"]]:
    return release_rate(depot, dermis, sites, edges), amount_left(depot, dermis, sites, edges)
