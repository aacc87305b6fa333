"""Simulations of claims on what happens inside the patch: drug, attack, follicles, gaps."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from anagen.biology.dermis import effect
from anagen.population.claim_world import (
    USUAL,
    Arguments,
    Figure,
    Simulation,
    World,
    regimen_of,
)
from anagen.population.cohort import NATURAL

_PERCENT = 100.0
_NG_PER_UG = 1000.0
_WEEK = 7


def _values(world: World, arguments: Arguments, *, treated: bool = True) -> np.ndarray:
    """Values (person, week + 1) of the field that a claim names."""
    regimen = regimen_of(arguments) if treated else NATURAL
    return np.asarray(getattr(world.inside(regimen), str(arguments["field"])))


def _two(world: World, arguments: Arguments) -> tuple[np.ndarray, np.ndarray]:
    """Means (draw,) at the claim's week with and without treatment."""
    week = int(arguments["week"])
    treated, natural = (
        world.usual(_values(world, arguments, treated=side)[:, week]) for side in (True, False)
    )
    return treated, natural


def _ratio(world: World, arguments: Arguments) -> Figure:
    treated, natural = _two(world, arguments)
    note = f"{np.median(treated):.3g} with, {np.median(natural):.3g} without"
    return Figure(treated / natural, note=note)


def _difference(world: World, arguments: Arguments) -> Figure:
    treated, natural = (_PERCENT * part for part in _two(world, arguments))
    note = f"{np.median(treated):.0f} % with, {np.median(natural):.0f} % without"
    return Figure(treated - natural, note=note)


def _direct_effect(world: World, arguments: Arguments) -> Figure:
    """Time in growth of a hair that nothing attacks, with the drug over that without it."""
    inside = world.inside(regimen_of(arguments))
    week = int(arguments["week"])
    both = inside.calm_growth_days[:, [week, 0]]
    return Figure(world.usual(both[:, 0] / both[:, 1]))


def _gaps(world: World, arguments: Arguments) -> Figure:
    week = int(arguments["week"])
    inside = world.inside(regimen_of(arguments))
    gap, near = (_PERCENT * world.usual(part[:, week]) for part in (inside.gap, inside.near))
    note = f"{np.median(gap):.0f} % between injections, {np.median(near):.0f} % at them"
    return Figure(gap / near, note=note)


def _gaps_by_spread(world: World, arguments: Arguments) -> Figure:
    week, regimen = int(arguments["week"]), regimen_of(arguments)
    pulled, still = (
        _PERCENT * world.usual(world.inside(regimen, spreads=spreads).gap[:, week])
        for spreads in (True, False)
    )
    note = f"{np.median(pulled):.0f} % with, {np.median(still):.0f} % without exchange"
    return Figure(pulled - still, note=note)


def _tissue_over_plasma(world: World, arguments: Arguments) -> Figure:
    week, regimen = int(arguments["week"]), regimen_of(arguments)
    tissue = world.inside(regimen).concentration[:, week]
    plasma = world.blood(regimen, float(arguments["dose"])).concentration[:, _WEEK * week - 1]
    tissue, plasma = world.usual(tissue), world.usual(plasma)
    note = f"{np.median(tissue):.2g} ug/mL in tissue, {np.median(plasma):.2g} ng/mL in plasma"
    return Figure(_NG_PER_UG * tissue / plasma, note=note)


def _plasma_effect(world: World, arguments: Arguments) -> Figure:
    """Effect on the attack that the plasma's concentration would have in tissue."""
    blood = world.blood(regimen_of(arguments), float(arguments["dose"]))
    people = world.found.people[USUAL.name].patches
    highest = jnp.asarray(blood.concentration.max(1) / _NG_PER_UG)
    half = jnp.asarray(people.traits["immunity.half_effect"])
    return Figure(_PERCENT * world.usual(np.asarray(jax.vmap(effect)(highest, half))))


def _palest(world: World, arguments: Arguments) -> Figure:
    """Weeks after one session at which the skin is palest."""
    tone = world.inside(regimen_of(arguments)).pigment
    palest = np.where(np.isfinite(tone).all(1), np.argmin(tone, axis=1), np.nan)
    return Figure(world.usual(palest))


INSIDE_SIMULATIONS: Mapping[str, Simulation] = {
    "inside_ratio": Simulation(
        "the same people under {given} and untreated: {field} in the patch at week {week}, "
        "ratio of means", _ratio),
    "inside_difference": Simulation(
        "the same people under {given} and untreated: {field} in the patch at week {week}, "
        "difference", _difference),
    "direct_effect": Simulation(
        "{given}: time in growth of a hair without any attack at the steroid of week {week}, "
        "over that without steroid", _direct_effect),
    "gaps": Simulation(
        "{given}: regrowth at week {week} of skin between injections (more than 4 mm from "
        "the nearest), over that of skin at them", _gaps),
    "gaps_by_spread": Simulation(
        "{given}: regrowth between injections at week {week}, less that in the same people "
        "when the attack does not spread", _gaps_by_spread),
    "tissue_over_plasma": Simulation(
        "{given}, {dose:g} mg a session: mean concentration at the bulbs of the patch over "
        "that in plasma at week {week}", _tissue_over_plasma),
    "plasma_effect": Simulation(
        "{given}, {dose:g} mg a session: share of the maximal effect on the attack that the "
        "highest concentration in plasma would have", _plasma_effect),
    "palest_week": Simulation(
        "{given}: week at which the skin of the patch is palest", _palest),
}  # fmt: skip
