"""Simulations of claims on harms and relapse: skin, pain, cortisol, the whole body, new attacks."""

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import NormalDist
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from anagen.biology.pain import session_pain
from anagen.biology.systemic import prednisolone_equivalent
from anagen.errors import EvidenceError
from anagen.evidence.claims import Published
from anagen.population.bank import Row
from anagen.population.claim_world import (
    USUAL,
    Arguments,
    Figure,
    Simulation,
    World,
    regimen_of,
    regimen_words,
)
from anagen.population.cohort import Blood, Regimen
from anagen.population.conditions import Condition
from anagen.population.person import Outcome
from anagen.population.published_intervals import target_interval

if TYPE_CHECKING:
    from anagen.population.relapse import Relapse

_PERCENT = 100.0
_TAIL_90 = NormalDist().inv_cdf(0.95)
_RATIOS = {"telangiectasia": "skin.telangiectasia_ratio", "pigment": "skin.pigment_ratio"}

# ------------------------------------------------------------------------------------ local harms


def _worst(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(1.0 - outcome.thinnest[:, : week + 1].min(1))


def _worst_week(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(np.argmin(outcome.thinnest[:, : week + 1], axis=1), float)


def _left(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(1.0 - outcome.thinnest[:, week])


_READS = {"worst": _worst, "worst_week": _worst_week, "left": _left}


def _skin_row(arguments: Arguments, what: str, prefix: str = "") -> Row:
    regimen, week = regimen_of(arguments, prefix), int(arguments["week"])
    key = f"thinning, {what}, {regimen_words(regimen)}, week {week}"
    return Row(key, USUAL, (Condition(regimen, week, 1.0),), _READS[what])


def _skin_rows(arguments: Arguments, *, what: str) -> list[Row]:
    return [_skin_row(arguments, what)]


def _skin(world: World, arguments: Arguments, *, what: str, scale: float) -> Figure:
    return Figure(scale * world.mean(_skin_row(arguments, what).key))


def harm_chance(world: World, effect: str, thinning: np.ndarray) -> np.ndarray:
    """Chance (draw, person) [1] of a local harm at the worst thinning (person,).

    Logistic in the thinning; the odds at no thinning are taken off. Telangiectasia and pigment loss
    have odds in a fixed ratio to those of atrophy, any local effect in one that was calibrated.
    """
    half, width = world.draws("atrophy_half"), np.exp(world.draws("log_atrophy_width"))
    odds = np.exp((thinning[None] - half[:, None]) / width[:, None])
    odds = np.maximum(odds - np.exp(-half / width)[:, None], 0.0)
    if effect in _RATIOS:
        odds = odds * world.parameters.value(_RATIOS[effect], "1")
    elif effect not in ("atrophy", "any"):
        raise EvidenceError(f"claims: unknown local harm {effect!r}")
    return np.asarray(odds / (1.0 + odds))


def _harm_share(world: World, arguments: Arguments, prefix: str = "") -> np.ndarray:
    effect = str(arguments["effect"])
    key = _skin_row(arguments, "worst", prefix).key
    share = world.usual(harm_chance(world, effect, world.found.values(key)))
    if effect == "any":  # calibrated on the odds of the share, not of each person
        odds = np.exp(world.draws("log_any_odds")) * share / (1.0 - share)
        share = odds / (1.0 + odds)
    return _PERCENT * share


def _harm(world: World, arguments: Arguments) -> Figure:
    return Figure(_harm_share(world, arguments))


def _harm_rows(arguments: Arguments) -> list[Row]:
    return [_skin_row(arguments, "worst")]


def _harm_both_rows(arguments: Arguments) -> list[Row]:
    return [_skin_row(arguments, "worst"), _skin_row(arguments, "worst", "other_")]


def _harm_difference(world: World, arguments: Arguments) -> Figure:
    first, second = (_harm_share(world, arguments, prefix) for prefix in ("", "other_"))
    note = f"{np.median(first):.0f} % and {np.median(second):.0f} %"
    return Figure(first - second, note=note)


# -------------------------------------------------------------------------------------------- pain


def _pain(world: World, arguments: Arguments) -> Figure:
    return Figure(_pain_draws(world, arguments, str(arguments["comfort"])),
                  note="interval: people, and doubt about comfort measures")  # fmt: skip


def _pain_difference(world: World, arguments: Arguments) -> Figure:
    without = _pain_draws(world, arguments, "")
    eased = _pain_draws(world, arguments, str(arguments["comfort"]))
    note = f"{np.median(without):.1f} without, {np.median(eased):.1f} with"
    return Figure(without - eased, note=note)


def _pain_order(world: World, arguments: Arguments) -> Figure:
    many = _pain_draws(world, arguments, "")
    one = _pain_draws(world, {**arguments, "sites": 1}, "")
    return Figure(many - one, note=f"{np.median(one):.1f} at the first site")


def _pain_draws(world: World, arguments: Arguments, comfort: str) -> np.ndarray:
    """Scores between the low and the high end that nine people in ten have, spread evenly."""
    sites = int(arguments["sites"])
    volume, gauge, depth = (
        np.full(sites, float(arguments[name])) for name in ("volume", "gauge", "depth")
    )
    comforts = [comfort] if comfort else []
    felt = session_pain(world.parameters, volume, gauge, depth, comforts)
    level = np.linspace(0.025, 0.975, 39)
    score = np.array([NormalDist().inv_cdf(at) for at in level]) / _TAIL_90
    side = np.where(score < 0.0, felt.score - felt.low, felt.high - felt.score)
    return np.clip(felt.score + score * side, 0.0, 10.0)


# ------------------------------------------------------------------------------ blood and body


def _blood(world: World, arguments: Arguments, prefix: str = "") -> Blood:
    return world.blood(regimen_of(arguments), float(arguments[f"{prefix}dose"]))


def _suppression(world: World, arguments: Arguments) -> Figure:
    days = round(float(arguments["interval"]) * 7.0)
    return Figure(_PERCENT * world.usual(_blood(world, arguments).suppression[:, :days].max(1)))


def _suppressed_days(world: World, arguments: Arguments) -> Figure:
    days = round(float(arguments["interval"]) * 7.0)
    held = _blood(world, arguments).suppression[:, :days] > float(arguments["level"])
    return Figure(world.usual(held.sum(1).astype(float)))


def _morning(world: World, arguments: Arguments) -> Figure:
    """Fall of morning cortisol on a day."""
    fall = 1.0 - _blood(world, arguments).morning[:, int(arguments["day"]) - 1]
    return Figure(_PERCENT * world.usual(fall))


def _over(world: World, arguments: Arguments, prefix: str = "") -> np.ndarray:
    """Share (draw,) of people whose worst mean exposure reaches the threshold of a risk."""
    parameters = world.parameters
    level = jnp.asarray(_blood(world, arguments, prefix).concentration)
    daily = np.asarray(jax.vmap(partial(prednisolone_equivalent, parameters))(level))
    window = round(parameters.value("systemic.short_window", "day"))
    total = np.cumsum(np.pad(daily, ((0, 0), (1, 0))), axis=1)
    worst = (total[:, window:] - total[:, :-window]).max(1) / window
    limit = parameters.value(f"systemic.{arguments['risk']}_threshold", "mg/day")
    return _PERCENT * world.usual((worst >= limit).astype(float))


def _systemic(world: World, arguments: Arguments) -> Figure:
    return Figure(_over(world, arguments))


def _systemic_difference(world: World, arguments: Arguments) -> Figure:
    first, second = _over(world, arguments), _over(world, arguments, "other_")
    note = f"{np.median(first):.0f} % and {np.median(second):.0f} %"
    return Figure(first - second, note=note)


# ----------------------------------------------------------------------------------------- relapse


def _relapse_of(world: World) -> "Relapse":
    from anagen.population.relapse import Relapse

    return Relapse(
        **{name: jnp.asarray(world.draws(f"relapse_{name}"), jnp.float32)
           for name in Relapse._fields}
    )  # fmt: skip


def _early(world: World, days: np.ndarray) -> np.ndarray:
    """Early loss at days since remission, as calibration saw it."""
    from anagen.population.calibrate import early_loss

    early: Sequence[float] = world.posterior.about["early_loss"]
    return early_loss(days, early)


def _relapse_target(world: World, arguments: Arguments) -> Figure:
    from anagen.population.relapse import load_relapse_targets, target_days, target_shares
    from anagen.population.relapse_fit import predict_targets

    chosen = [one for one in load_relapse_targets() if one.key == arguments["target"]]
    if not chosen:
        raise EvidenceError(f"claims: no relapse target {arguments['target']!r}")
    relapse, early = _relapse_of(world), _early(world, target_days(chosen))
    prediction = predict_targets(relapse, chosen, early, seed=world.seed)[0]
    target = chosen[0]
    shares = [
        float(np.mean(target_shares(_one(relapse, draw), chosen, early)))
        for draw in range(len(relapse.h0))
    ]
    low, _, middle, _, high = prediction.quantiles
    text = f"{target.percent:.3g} % of {target.people:.0f}"
    used = "calibrated to it" if target.use == "fit" else "not calibrated to it"
    return Figure(_PERCENT * np.array(shares), np.array([low, middle, high]),
                  Published(text, target.percent, *target_interval(target)), used)  # fmt: skip


def _one(relapse: "Relapse", draw: int) -> "Relapse":
    return type(relapse)(*(leaf[draw] for leaf in relapse))


def _relapse_ratio(world: World, arguments: Arguments) -> Figure:
    from anagen.population.relapse import COVARIATES

    column = COVARIATES.index(str(arguments["covariate"]))
    return Figure(np.exp(world.draws("relapse_log_hazard_ratios")[:, column]))


def _relapse_classes(world: World, arguments: Arguments) -> Figure:
    """Relapsed by a day since remission: longest class of duration less the shortest."""
    from anagen.population.relapse import COVARIATES, relapse_free

    relapse, day = _relapse_of(world), float(arguments["day"])
    early = float(_early(world, np.array(day)))
    classes = {"short": (), "long": ("duration_over_6_months",),
               "longest": ("duration_over_6_months", "duration_over_24_months")}  # fmt: skip
    gone = {}
    for name, present in classes.items():
        shown = jnp.asarray([float(covariate in present) for covariate in COVARIATES])
        free = np.array([float(relapse_free(_one(relapse, draw), day, shown))
                         for draw in range(len(relapse.h0))])  # fmt: skip
        gone[name] = _PERCENT * (1.0 - (1.0 - early) * free)
    words = ", ".join(f"{np.median(values):.0f} %" for values in gone.values())
    return Figure(gone["longest"] - gone["short"],
                  note=f"{words} for an episode below 6, of 6-24 and over 24 months")  # fmt: skip


HARM_SIMULATIONS: Mapping[str, Simulation] = {
    "local_harm": Simulation(
        "{given}: chance of {effect} at each person's worst thinning up to week {week}",
        _harm, _harm_rows),
    "local_harm_difference": Simulation(
        "the same people under {given}, and under {other}: difference in the "
        "chance of {effect}",
        _harm_difference, _harm_both_rows),
    "thinning": Simulation(
        "{given}: greatest thinning of the thinnest tenth of the patch up to week {week}",
        partial(_skin, what="worst", scale=_PERCENT), partial(_skin_rows, what="worst")),
    "thinnest_week": Simulation(
        "{given}: week at which the skin is thinnest",
        partial(_skin, what="worst_week", scale=1.0), partial(_skin_rows, what="worst_week")),
    "thinning_left": Simulation(
        "{given}: thinning of the thinnest tenth of the patch left at week {week}",
        partial(_skin, what="left", scale=_PERCENT), partial(_skin_rows, what="left")),
    "pain": Simulation(
        "worst injection of {sites} of {volume:g} mL, {gauge:g} gauge, {depth:g} mm deep; "
        "comfort: '{comfort}'", _pain),
    "pain_eased": Simulation(
        "worst injection of {sites} of {volume:g} mL, {gauge:g} gauge: without less with {comfort}",
        _pain_difference),
    "pain_order": Simulation(
        "worst injection of {sites} of {volume:g} mL, {gauge:g} gauge, less that of the first",
        _pain_order),
    "cortisol": Simulation(
        "{given}, {dose:g} mg a session: share of cortisol release held back at its worst",
        _suppression),
    "cortisol_days": Simulation(
        "{given}, {dose:g} mg a session: days with over {level:.0%} of cortisol release held "
        "back, up to the second session",
        _suppressed_days),
    "cortisol_morning": Simulation(
        "{given}, {dose:g} mg a session: fall of morning cortisol on day {day}", _morning),
    "systemic": Simulation(
        "{given}, {dose:g} mg a session: people whose worst four weeks reach the exposure at "
        "which {risk} was counted on tablets", _systemic),
    "systemic_difference": Simulation(
        "{given}, {dose:g} mg a session, and {other_dose:g} mg: difference in people whose worst "
        "four weeks reach the exposure at which {risk} was counted on tablets",
        _systemic_difference),
    "relapse_target": Simulation(
        "the relapse model for the people of {target}, and a study of its size", _relapse_target),
    "relapse_ratio": Simulation(
        "hazard ratio of a new attack, {covariate}", _relapse_ratio),
    "relapse_classes": Simulation(
        "relapsed by day {day:g} after remission: episode of over 24 months less one below 6",
        _relapse_classes),
}  # fmt: skip
