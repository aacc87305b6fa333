"""Where a course begins: from what was seen on a patch to the state of its tissue."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from anagen.biology.engine import STEP, State, Tissue, on_square
from anagen.biology.follicle import INDEX, Follicle, HairState, healthy_length, healthy_shares
from anagen.biology.immunity import ImmuneState, Immunity, privilege_at, tolerance_at
from anagen.biology.skin import Skin, SkinState
from anagen.evidence.parameters import ParameterSet
from anagen.scalp import Scalp

Cells = np.ndarray | jax.Array
NEVER = 1e6  # day; a tolerance time so long that nothing resolves by itself


@dataclass(frozen=True)
class PatchStart:
    """A patch as it is at the start of a course.

    Parameters
    ----------
    share : (cell,) share of each cell inside its outline [1].
    regrown : share of its hair that has already come back [1].
    terminal : share of that hair that is terminal, the rest vellus [1].
    thickness : of the dermis relative to normal [1].
    age : [day] since the patch appeared.
    attack, privilege, tolerance : [1] within the patch, where more is known of them than what hair
        and age tell; None takes them from those.
    hair : state of its follicles, a number for each field, where more is known than the shares
        above; None takes it from those.
    """

    share: np.ndarray
    regrown: float = 0.0
    terminal: float = 0.0
    thickness: float = 1.0
    age: float = 0.0
    attack: float | None = None
    privilege: float | None = None
    tolerance: float | None = None
    hair: HairState | None = None


@dataclass(frozen=True)
class Person:
    """Covariates that change the model's parameters.

    Parameters
    ----------
    weight_kg : body weight.
    age_years : age.
    strong_inhibitor : whether a strong CYP3A4 inhibitor slows the clearance from blood.
    episode_days : [day] since the episode began, at the start; None when unknown.
    growth_mm_per_day : growth of the shaft, by ancestry; None for the parameter set's own.
    """

    weight_kg: float | None = None
    age_years: float | None = None
    strong_inhibitor: bool = False
    episode_days: float | None = None
    growth_mm_per_day: float | None = None


def tissue_of(parameters: ParameterSet, person: Person) -> Tissue:
    """Take the parameters of one person's tissue.

    A patch of a young episode ends by itself after the typical time; in an episode that has lasted
    longer than most, the typical patch does not (`immunity.young_duration`).
    """
    immunity = Immunity.from_parameters(parameters)
    follicle = Follicle.from_parameters(parameters)
    young = parameters.value("immunity.young_duration", "day")
    if person.episode_days is not None and person.episode_days > young:
        immunity = replace(immunity, tolerance_time=jnp.asarray(NEVER))
    if person.growth_mm_per_day is not None:
        follicle = replace(follicle, growth=jnp.asarray(person.growth_mm_per_day))
    return Tissue(immunity, follicle, Skin.from_parameters(parameters))


def starting_state(scalp: Scalp, tissue: Tissue, patches: Mapping[str, PatchStart]) -> State:
    """State of the whole scalp: healthy but for the patches (over the chart's square)."""
    cells = len(scalp.position)
    attack, tolerance, thin = np.zeros(cells), np.zeros(cells), np.ones(cells)
    privilege = np.ones(cells)
    bald, fine, coarse = (np.zeros(cells) for _ in range(3))
    for patch in patches.values():
        share = np.minimum(patch.share, 1.0 - bald - fine - coarse)
        active = 1.0 - patch.regrown if patch.attack is None else patch.attack
        attack = np.maximum(attack, share * active)
        kept = privilege_at(tissue.immunity, jnp.asarray(share * active))
        known = None if patch.privilege is None else 1.0 - share * (1.0 - patch.privilege)
        privilege = np.minimum(privilege, kept if known is None else known)
        reached = patch.tolerance
        if reached is None:
            reached = float(tolerance_at(tissue.immunity, jnp.asarray(patch.age)))
        tolerance = np.maximum(tolerance, share * reached)
        thin = np.where(share > 0, np.minimum(thin, 1.0 - share * (1.0 - patch.thickness)), thin)
        if patch.hair is None:
            bald += share * (1.0 - patch.regrown)
            fine += share * patch.regrown * (1.0 - patch.terminal)
            coarse += share * patch.regrown * patch.terminal
    fast = float(tissue.skin.fast_share)
    seen = state_of(
        tissue,
        (attack, privilege, tolerance),
        (bald, fine, coarse),
        (thin - fast) / (1.0 - fast),
    )
    for patch in patches.values():
        if patch.hair is not None:
            seen = seen._replace(hair=_known_hair(seen.hair, patch.share, patch.hair))
    none = np.zeros(cells)
    healthy = state_of(tissue, (none, none + 1.0, none), (none, none, none), none + 1.0)
    square: State = jax.tree.map(
        lambda field, rest: jnp.asarray(on_square(scalp, np.asarray(field), float(rest[0]))),
        seen,
        healthy,
    )
    return square


def _known_hair(hair: HairState, share: np.ndarray, known: HairState) -> HairState:
    """Hair of all cells, with what is known of a patch in its share of each cell."""
    mixed: HairState = jax.tree.map(
        lambda leaf, own: leaf * (1.0 - share) + share * own, hair, known
    )
    return mixed


def state_of(
    tissue: Tissue,
    immune: tuple[Cells, Cells, Cells],
    hair: tuple[Cells, Cells, Cells],
    slow: Cells,
) -> State:
    """State of cells from what is known of them; differentiable.

    Parameters
    ----------
    tissue : its healthy hair is that of the rest of each cell.
    immune : attack, privilege, tolerance, each (cell,) [1].
    hair : share of each cell's follicles that are arrested, regrown vellus, regrown terminal [1].
    slow : (cell,) slow pool of the dermis relative to normal [1].
    """
    normal = jnp.ones(len(slow))
    return State(
        ImmuneState(*map(jnp.asarray, immune)),
        _hair(tissue.follicle, *map(jnp.asarray, hair)),
        SkinState(normal, normal, jnp.asarray(slow)),
    )


def _hair(follicle: Follicle, bald: jax.Array, fine: jax.Array, coarse: jax.Array) -> HairState:
    normal = 1.0 - bald - fine - coarse
    shares = [value * normal for value in healthy_shares(follicle)]
    shares[INDEX["arrested"]] = shares[INDEX["arrested"]] + bald
    shares[INDEX["vellus"]] = shares[INDEX["vellus"]] + fine
    shares[INDEX["terminal"]] = shares[INDEX["terminal"]] + coarse
    # A regrowing hair is on average half way to the length that matters.
    half_way = 0.5 * follicle.shade_length
    terminal = healthy_length(follicle, STEP) * normal + half_way * coarse
    lengths = (half_way * fine, 0.0 * fine, terminal)
    return HairState(tuple(shares), lengths)
