"""What happens inside the patches of many people: attack, privilege, follicles, drug and skin.

`anagen.population.cohort` keeps what can be seen of a patch; this keeps what is behind it, as means
over each person's patch, week by week.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anagen._runtime import prepare_jax
from anagen.biology.dataset import pigment
from anagen.biology.dermis import effect
from anagen.biology.engine import STEP, State, healthy_shadow
from anagen.biology.follicle import INDEX, STATES, cover_of, hazards, shadow, visible_share
from anagen.biology.immunity import inflammation
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.population.cohort import PatchPeople, Regimen, nearest_size, summed
from anagen.population.cohort_checks import MAX_SESSIONS
from anagen.population.layout import build_layout
from anagen.population.person import (
    WEEK,
    Body,
    Classes,
    Product,
    Start,
    classes_of,
    concentrations,
    follow,
    product_of,
    release_profile,
    starting,
    typical_body,
    with_traits,
)

_CHUNK = 128  # people followed at once
_NEVER = 10**6  # day of a session that is not held
_TINY = 1e-9

GAP = 4.0
"""Distance [mm] from the nearest injection beyond which skin counts as lying between injections."""

GROWING = ("early_1", "early_2", "recovering_1", "recovering_2", "recovering_3", "vellus",
           "intermediate", "terminal")  # fmt: skip
RESTING = ("telogen_1", "telogen_2", "telogen_3", "telogen_4", "kenogen", "arrested")


class Inside(NamedTuple):
    """Means over the starting outline of each person's patch, (person, week + 1) each.

    Parameters
    ----------
    attack, privilege, inflammation, tolerance : [1] of the bulb.
    growing, resting : share of follicles in growth, and at rest or arrested [1].
    terminal : share of follicles that bear a terminal hair in growth or rest [1].
    growth_days : [day] mean time that a terminal hair still grows at the moment's rates.
    calm_growth_days : [day] the same without any attack, the drug alone acting on it.
    drug : share of the steroid's maximal effect on the attack [1].
    concentration : [ug/mL] in tissue at the bulb, in triamcinolone acetonide equivalents.
    near, gap : regrowth [1] of the skin nearer to an injection and farther from it than the gap.
    pigment : relative to normal [1].
    """

    attack: Any
    privilege: Any
    inflammation: Any
    tolerance: Any
    growing: Any
    resting: Any
    terminal: Any
    growth_days: Any
    calm_growth_days: Any
    drug: Any
    concentration: Any
    near: Any
    gap: Any
    pigment: Any


def follow_inside(
    people: PatchPeople,
    regimen: Regimen,
    weeks: int,
    *,
    gap: float = GAP,
    parameters: ParameterSet | None = None,
) -> Inside:
    """Follow what happens inside the patches of many people.

    Parameters
    ----------
    people, regimen, weeks, parameters : as in `anagen.population.cohort.follow_people`.
    gap : [mm] from the nearest injection beyond which skin counts as lying between injections.

    Returns
    -------
    Inside
        NumPy arrays (person, week + 1); NaN where a patch has no skin of a kind, or for a person
        whom the model cannot follow.

    Examples
    --------
    >>> from anagen.population.cohort import new_patches
    >>> one = new_patches({}, np.array([30.0]), np.array([60.0]))
    >>> inside = follow_inside(one, Regimen(5.0, 4.0, 3), 4)
    >>> bool(inside.attack[0, 4] < inside.attack[0, 0])
    True
    """
    prepare_jax()
    parameters = parameters or load_parameters()
    body = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), typical_body(parameters))
    product = Product(*(jnp.float32(number) for number in product_of(regimen.product)))
    days = jnp.asarray((*regimen.days, *(_NEVER,) * (MAX_SESSIONS - len(regimen.days))))
    numbers = tuple(
        jnp.float32(value) for value in (regimen.strength, regimen.volume, regimen.depth, gap)
    )
    table = np.full((len(Inside._fields), len(people), weeks + 1), np.nan, np.float32)
    for members, classes in _groups(people, regimen):
        index = np.resize(members, _CHUNK)
        traits = {key: jnp.asarray(v[index], jnp.float32) for key, v in people.traits.items()}
        start = Start(
            *(jnp.asarray(v[index], jnp.float32)
              for v in (people.regrown, people.terminal, people.thickness, people.age))
        )  # fmt: skip
        found = _many(body, traits, classes, start, product, numbers, days, weeks)
        for row, values in enumerate(found):
            table[row, members] = np.asarray(values)[: len(members)]
    inside = Inside(*table)
    tone = pigment(inside.pigment.T, parameters).T
    return inside._replace(pigment=tone)


def _groups(people: PatchPeople, regimen: Regimen) -> Iterator[tuple[np.ndarray, Classes]]:
    """People with patches of like size together, in chunks."""
    size = nearest_size(people.diameter)
    spacing = regimen.spacing if regimen.days else float("inf")
    for diameter in np.unique(size):
        classes = classes_of(build_layout(float(diameter), spacing))
        members = np.flatnonzero(size == diameter)
        for first in range(0, len(members), _CHUNK):
            yield members[first : first + _CHUNK], classes


@eqx.filter_jit
def _many(
    body: Body,
    traits: dict[str, Array],
    classes: Classes,
    start: Start,
    product: Product,
    numbers: tuple[Array, ...],
    days: Array,
    weeks: int,
) -> Inside:
    def one(traits: dict[str, Array], start: Start) -> Inside:
        person = with_traits(body, traits)
        return _course(person, classes, start, product, numbers, days, weeks)

    return jax.vmap(one)(traits, start)


def _course(
    body: Body,
    classes: Classes,
    start: Start,
    product: Product,
    numbers: tuple[Array, ...],
    days: Array,
    weeks: int,
) -> Inside:
    strength, volume, depth, gap = numbers
    profile = release_profile(body, product, strength, volume, weeks * WEEK)
    share = summed(profile, days)
    full = concentrations(body, classes, product, volume, depth)
    between = (classes.lateral[..., 0].mean(-1) > gap).astype(share.dtype)
    first = starting(body, classes, start)

    def week(state: State, released: Array) -> tuple[State, Inside]:
        _, after = follow(body, classes, state, released, full)
        return after, _look(body, classes, after, released[-1] * full[0], between)

    state = jax.tree.map(lambda leaf: leaf + 0.0 * share[0], first)
    _, rows = jax.lax.scan(week, state, share.reshape(-1, WEEK))
    begin = _look(body, classes, state, 0.0 * full[0], between)
    every: Inside = jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), begin, rows)
    return every._replace(near=_regrown(every.near), gap=_regrown(every.gap))


def _look(
    body: Body,
    classes: Classes,
    state: State,
    tissue: Float[Array, "class point"],
    between: Float[Array, " class"],
) -> Inside:
    """Read a moment with this tissue concentration [ug/mL]; ``between`` marks the gaps."""
    follicle = body.tissue.follicle
    drug = effect(tissue, body.tissue.immunity.half_effect).mean(-1)
    inflamed = inflammation(state.immune, drug)
    chance = hazards(follicle, inflamed, drug, STEP)
    calm = hazards(follicle, 0.0 * inflamed, drug, STEP)
    shares = dict(zip(STATES, state.hair.shares, strict=True))
    cover = cover_of(shadow(follicle, state.hair), body.density, healthy_shadow(follicle))
    young = shares["vellus"] + shares["intermediate"]

    def mean(values: Array) -> Array:
        return classes.share @ values

    def of(kind: Array) -> Array:
        weight = classes.share * kind
        total = weight.sum()
        return jnp.where(total > 0.0, weight @ cover / jnp.maximum(total, _TINY), jnp.nan)

    return Inside(
        attack=mean(state.immune.attack),
        privilege=mean(state.immune.privilege),
        inflammation=mean(inflamed),
        tolerance=mean(state.immune.tolerance),
        growing=mean(sum((shares[name] for name in GROWING), 0.0 * cover)),
        resting=mean(sum((shares[name] for name in RESTING), 0.0 * cover)),
        terminal=mean(visible_share(state.hair) - young - state.hair.shares[INDEX["dystrophic"]]),
        growth_days=STEP / mean(chance.attacked + chance.regress),
        calm_growth_days=STEP / mean(calm.attacked + calm.regress),
        drug=mean(drug),
        concentration=mean(tissue.mean(-1)),
        near=of(1.0 - between),
        gap=of(between),
        pigment=mean(state.skin.synthesis),
    )


def _regrown(cover: Float[Array, " week"]) -> Float[Array, " week"]:
    return jnp.clip((cover - cover[0]) / jnp.maximum(1.0 - cover[0], _TINY), 0.0, 1.0)
