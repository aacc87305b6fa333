"""A round patch in quadrants, each injected with a strength of its own.

Injections lie on a square lattice whose lines are the borders of the quadrants, half a spacing from
it, so that all quadrants are alike and no injection belongs to two. Every class of skin of the
whole patch is cut into its four quadrants: the drug of all injections adds up in each, and the
attack spreads over the borders.
"""

from functools import lru_cache
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen.biology.dermis import effect
from anagen.biology.engine import STEP, State, healthy_shadow
from anagen.population.layout import Layout, Mesh, assemble, mesh_of, near_sites
from anagen.population.person import (
    WEEK,
    Body,
    Classes,
    Outcome,
    Product,
    concentrations,
    read,
    step_classes,
)

QUADRANTS = 4  # by the signs of x and y: ++, -+, +-, --
_NEAR_HALVES, _BORDER_PARTS = 2, 3  # points of a class: by distance to a site, then to a border
_FAR = 1e3  # mm
_LEAST_SITES = 1


class Quartered(eqx.Module):
    """A quartered patch as arrays of the loop; classes are those of one quadrant, four times.

    Parameters
    ----------
    whole : the patch; its lateral distances are not used.
    share : (quadrant, class) of the quadrant's part of the patch; area : (quadrant, class) [mm2].
    lateral : (quadrant, class, point, near) [mm] to the nearest injections of each quadrant.
    """

    whole: Classes
    share: Float[Array, "quadrant class"]
    area: Float[Array, "quadrant class"]
    lateral: Float[Array, "quadrant class point near"]


class QuarteredPatch(NamedTuple):
    """A quartered patch and the number of injections in one quadrant."""

    classes: Quartered
    sites: int


def least_diameter(spacing: float) -> float:
    """Smallest patch [mm] whose quadrants all have an injection well within.

    Examples
    --------
    >>> round(least_diameter(10.0), 1)
    20.0
    """
    return 2.0 * spacing


@lru_cache(maxsize=128)
def quartered(diameter: float, spacing: float) -> QuarteredPatch:
    """Lay out a round patch in quadrants.

    Parameters
    ----------
    diameter : of the patch [mm]; spacing : of the injections [mm].

    Examples
    --------
    >>> quartered(40.0, 10.0).sites
    3
    """
    radius = diameter / 2.0
    corner = _corner(radius, spacing)
    signs = np.array([(1, 1), (-1, 1), (1, -1), (-1, -1)])
    mesh = mesh_of(radius, np.concatenate([corner * sign for sign in signs]))
    quarter = _quarter(mesh)
    layout = assemble(quarter, radius, spacing, len(corner))
    rate, forward, back = _modes(layout, _across(quarter, len(layout.area)))
    points = quarter.place[_points(quarter)]
    each = np.full((QUADRANTS, len(layout.area), points.shape[1], layout.lateral.shape[2]), _FAR)
    for number, sign in enumerate(signs):
        near = near_sites(points.reshape(-1, 2), corner * sign)
        each[number, : len(points)] = near.reshape(*points.shape[:2], -1)
    # Seen from quadrant q, quadrant r lies where q xor r lies seen from the first.
    lateral = np.stack([
        np.concatenate([each[seen ^ site] for seen in range(QUADRANTS)])
        for site in range(QUADRANTS)
    ])  # fmt: skip
    own = np.eye(QUADRANTS)[:, :, None] * np.ones(len(layout.area))
    area = (own * layout.area).reshape(QUADRANTS, -1)
    inside = (own * layout.area * layout.inside).reshape(QUADRANTS, -1)
    every = (inside.sum(0) / inside.sum(), area.sum(0), rate, forward, back, lateral[0],
             np.asarray(QUADRANTS * len(corner)))  # fmt: skip
    parts = (inside / inside.sum(1, keepdims=True), area, lateral)
    whole = Classes(*(jnp.asarray(part, jnp.float32) for part in every))
    classes = Quartered(whole, *(jnp.asarray(part, jnp.float32) for part in parts))
    return QuarteredPatch(classes, len(corner))


def concentrations_of(
    body: Body,
    patch: Quartered,
    product: Product,
    volume: Float[Array, ""],
    depth: Float[Array, ""],
) -> tuple[Float[Array, "quadrant class point"], Float[Array, "quadrant class point"]]:
    """Tissue concentration [ug/mL] everywhere, at full release in each quadrant alone."""

    def alone(lateral: Array) -> tuple[Array, Array]:
        return concentrations(body, patch.whole._replace(lateral=lateral), product, volume, depth)

    return jax.vmap(alone)(patch.lateral)


def follow_quartered(
    body: Body,
    patch: Quartered,
    state: State,
    share: Float[Array, "quadrant day"],
    full: tuple[Float[Array, "quadrant class point"], Float[Array, "quadrant class point"]],
) -> tuple[Outcome, State]:
    """Follow one quartered patch over whole weeks; as `anagen.population.person.follow`.

    Parameters
    ----------
    share : (quadrant, 7 weeks) [1] release of each quadrant's injections.
    full : from `concentrations_of`.

    Returns
    -------
    Outcome
        (quadrant, week + 1) each.
    State
        The last state.
    """
    tissue, classes = body.tissue, patch.whole
    decay = jnp.exp(classes.rate * tissue.immunity.mobility * STEP)
    normal = healthy_shadow(tissue.follicle)
    # Each quadrant's own injections decide where it is thinnest, others' are far.
    order = jax.vmap(lambda own: jnp.argsort(-own.mean(-1)))(full[1])

    def advance(state: State, released: Array) -> tuple[State, None]:
        bulb, skin = (jnp.einsum("q,qcp->cp", released, part) for part in full)
        drug = effect(bulb, tissue.immunity.half_effect).mean(-1)
        skin_drug = effect(skin, tissue.skin.half_effect).mean(-1)
        return step_classes(tissue, classes, decay, state, (drug, skin_drug)), None

    def read_all(state: State) -> Outcome:
        def one(share: Array, area: Array, order: Array) -> Outcome:
            part = classes._replace(share=share, area=area)
            return read(body, part, state, normal, order)

        return jax.vmap(one)(patch.share, patch.area, order)

    def week(state: State, released: Array) -> tuple[State, Outcome]:
        after, _ = jax.lax.scan(advance, state, released)
        return after, read_all(after)

    state = jax.tree.map(lambda leaf: leaf + 0.0 * share[0, 0], state)
    last, rows = jax.lax.scan(week, state, share.T.reshape(-1, WEEK, QUADRANTS))
    outcome = jax.tree.map(
        lambda one, more: jnp.concatenate([one[None], more]).T, read_all(state), rows
    )
    return outcome, last


def _corner(radius: float, spacing: float) -> np.ndarray:
    """Injections (site, 2) [mm] of the first quadrant; at least one, in its middle."""
    steps = (np.arange(int(radius / spacing) + 1) + 0.5) * spacing
    place = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    inside = place[np.hypot(*place.T) <= radius]
    return inside if len(inside) >= _LEAST_SITES else np.full((1, 2), radius / 2.0)


def _quarter(mesh: Mesh) -> Mesh:
    """Cells of the first quadrant, in the same bands and rings."""
    kept = (mesh.place > 0.0).all(axis=1)
    first = np.concatenate([[0], np.cumsum(kept)])[mesh.first]
    return Mesh(mesh.fine, mesh.levels, mesh.place[kept], mesh.border[kept], mesh.near[kept],
                first, mesh.edges)  # fmt: skip


def _across(quarter: Mesh, classes: int) -> np.ndarray:
    """Conductance (border, class) over the lines x = 0 and y = 0 to the same class beyond them."""
    _, member = np.unique(quarter.labels(), return_inverse=True)
    found = np.zeros((2, classes))
    cells = np.bincount(member)
    for axis in range(2):
        away = quarter.place[:, axis]
        length = quarter.fine * np.bincount(member[away < quarter.fine], minlength=len(cells))
        middle = np.bincount(member, away) / cells
        found[axis, : len(cells)] = length / (2.0 * middle)
    return found


def _modes(layout: Layout, across: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues and both changes of basis of the spread in four quadrants that touch.

    Quadrants are mirror images, so that the modes are those of one quadrant whose borders let
    nothing through or hold the value at zero, for each of the four symmetries of the patch.
    """
    count = len(layout.area)
    used = np.flatnonzero(layout.area > 0.0)
    area = layout.area[used]
    inner = (layout.back @ (layout.rate[:, None] * layout.forward))[np.ix_(used, used)]
    root = np.sqrt(area)
    rate = np.zeros(QUADRANTS * count)
    forward, back = (np.zeros((QUADRANTS * count, QUADRANTS * count)) for _ in range(2))
    for mode in range(QUADRANTS):
        odd = np.array([mode & 1, mode >> 1])
        loss = 2.0 * (odd @ across[:, used]) / area
        flow = root[:, None] * (inner - np.diag(loss)) / root[None]
        value, vectors = np.linalg.eigh((flow + flow.T) / 2.0)
        rows = mode * count + np.arange(len(used))
        rate[rows] = np.minimum(value, 0.0)
        for quadrant in range(QUADRANTS):
            sign = (-1.0) ** (odd @ np.array([quadrant & 1, quadrant >> 1])) / 2.0
            columns = quadrant * count + used
            forward[np.ix_(rows, columns)] = sign * vectors.T * root
            back[np.ix_(columns, rows)] = sign * vectors / root[:, None]
    return rate, forward, back


def _points(quarter: Mesh) -> np.ndarray:
    """Cells (class, point) that stand for a class: by distance to a site, then to a border."""
    _, member = np.unique(quarter.labels(), return_inverse=True)
    line = quarter.place.min(axis=1)
    order = np.lexsort((quarter.near[:, 0], member))
    ends = np.cumsum(np.bincount(member))
    chosen = np.empty((len(ends), _NEAR_HALVES * _BORDER_PARTS), int)
    for number, inside in enumerate(np.split(order, ends[:-1])):
        column = 0
        for half in range(_NEAR_HALVES):
            low, high = (len(inside) * edge // _NEAR_HALVES for edge in (half, half + 1))
            part = inside[low : max(high, low + 1)]
            ranked = part[np.argsort(line[part], kind="stable")]
            for third in range(_BORDER_PARTS):
                place = int((third + 0.5) / _BORDER_PARTS * len(ranked))
                chosen[number, column] = ranked[min(place, len(ranked) - 1)]
                column += 1
    return chosen
