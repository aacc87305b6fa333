"""Simulations of claims on what can be seen of patches: regrowth, spread, terminal hair."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from anagen.errors import EvidenceError
from anagen.evidence.claims import Published
from anagen.evidence.published import Arm
from anagen.population.bank import Read, Row
from anagen.population.benefit import regrown
from anagen.population.claim_world import (
    Arguments,
    Figure,
    Simulation,
    World,
    regimen_of,
    regimen_words,
    setting_of,
)
from anagen.population.cohort import Regimen
from anagen.population.conditions import ArmCase, Condition
from anagen.population.endpoints import regrowth
from anagen.population.fit_data import on_logit
from anagen.population.model import case_mean
from anagen.population.person import Outcome
from anagen.population.predict import predict_case
from anagen.population.published_intervals import case_interval

_PERCENT = 100.0
_RESPONDED = 0.5  # of the missing cover; half of it lost again is a relapse


def _row(what: str, arguments: Arguments, read: Read, *, prefix: str = "", week: int = 0) -> Row:
    regimen = regimen_of(arguments, prefix)
    at = week or int(arguments["week"])
    key = f"{what}, {arguments.get('people', 'usual')}, {regimen_words(regimen)}, week {at}"
    return Row(key, setting_of(arguments), (Condition(regimen, at, 1.0),), read)


# ------------------------------------------------------------------------------ published arms


def find_case(cases: list[ArmCase] | tuple[ArmCase, ...], arguments: Arguments) -> int:
    """Find the number of the one case that a claim names."""
    found = [number for number, case in enumerate(cases) if names(case.arm, arguments)]
    if len(found) != 1:
        raise EvidenceError(f"claims: {len(found)} arms match {dict(arguments)}")
    return found[0]


def names(arm: Arm, arguments: Arguments) -> bool:
    """Whether a claim names this arm."""
    own = (arm.study_id, arm.endpoint, arm.arm, arm.time_weeks)
    wanted = (arguments["study"], arguments["endpoint"], arguments.get("arm", arm.arm),
              arguments.get("week", arm.time_weeks))  # fmt: skip
    return own == wanted


def _arm(world: World, arguments: Arguments) -> Figure:
    number = find_case(tuple(world.cases), arguments)
    case = world.cases[number]
    prediction = predict_case(number, world.found.asked, world.posterior, world.seed)
    draws = _expected(world, number)
    if case.against:
        draws = _odds(draws) / _odds(_expected(world, number, against=True))
    elif prediction.unit == "%":
        draws = _PERCENT * draws
    low, high = prediction.low[95], prediction.high[95]
    study = np.array([low, prediction.predicted, high])
    low_end, high_end = case_interval(case, prediction.unit)
    published = Published(_arm_text(case), prediction.published, low_end, high_end)
    return Figure(draws, study, published, _arm_note(case, world))


def _expected(world: World, number: int, *, against: bool = False) -> np.ndarray:
    """Mean (draw,) of an arm's people, its words read as the posterior takes them."""
    asked, case = world.found.asked, world.cases[number]
    meaning = world.draws("meaning")
    return np.array(
        [float(case_mean(case, number, dict(zip(asked.keys, means, strict=True)), meaning[draw],
                         against=against))
         for draw, means in enumerate(asked.means)]
    )  # fmt: skip


def _odds(share: np.ndarray) -> np.ndarray:
    return np.asarray(share / (1.0 - share))


def _arm_text(case: ArmCase) -> str:
    arm = case.arm
    if arm.n_success is not None and arm.n_total:
        return f"{arm.n_success} of {arm.n_total}"
    if arm.percent is not None:
        text = f"{arm.percent:g} %"
    else:
        text = f"{arm.mean:g}" + (f" (SD {arm.sd:g})" if arm.sd is not None else "")
    if arm.ci_low is not None and arm.ci_high is not None:
        text += f" ({arm.ci_low:g} to {arm.ci_high:g})"
    return text


def _arm_note(case: ArmCase, world: World) -> str:
    ways = len({condition.regimen for condition in case.conditions})
    parts = [f"averaged over {ways} regimens it may have been"] if ways > 1 else []
    if [case.arm.study_id, case.arm.arm] in world.posterior.about.get("arms", []):
        parts.append("calibrated to it")
    return "; ".join(parts)


def _arm_difference(world: World, arguments: Arguments) -> Figure:
    first, second = (
        find_case(tuple(world.cases), {**arguments, "arm": arguments[name]})
        for name in ("arm", "other_arm")
    )
    if not all(on_logit(world.cases[number]) or world.cases[number].likelihood == "binomial"
               for number in (first, second)):  # fmt: skip
        raise EvidenceError("claims: a difference of arms needs two shares")
    one, other = (_PERCENT * _expected(world, number) for number in (first, second))
    return Figure(one - other, note=f"{np.median(one):.0f} % and {np.median(other):.0f} %")


# ------------------------------------------------------------------------------------ regrowth


def _regrown_row(arguments: Arguments, prefix: str = "", strength: float | None = None) -> Row:
    level = float(arguments["threshold"])
    own = arguments if strength is None else {**arguments, "strength": strength}
    return _row(f"{level:g} regrown", own, partial(regrown, level=level), prefix=prefix)


def _regrown_rows(arguments: Arguments) -> list[Row]:
    return [_regrown_row(arguments)]


def _regrown(world: World, arguments: Arguments) -> Figure:
    return Figure(_PERCENT * world.mean(_regrown_row(arguments).key))


def _both_rows(arguments: Arguments) -> list[Row]:
    return [_regrown_row(arguments), _regrown_row(arguments, "other_")]


def _regrown_difference(world: World, arguments: Arguments) -> Figure:
    first, second = (world.mean(row.key) for row in _both_rows(arguments))
    return Figure(_PERCENT * (first - second))


def _three_rows(arguments: Arguments) -> list[Row]:
    return [
        _regrown_row(arguments, strength=float(arguments[name]))
        for name in ("weak", "middle", "strong")
    ]


def _saturation(world: World, arguments: Arguments) -> Figure:
    weak, middle, strong = (world.mean(row.key) for row in _three_rows(arguments))
    return Figure(_PERCENT * ((middle - weak) - (strong - middle)))


def _apart_rows(arguments: Arguments) -> list[Row]:
    return [
        _regrown_row({**arguments, "threshold": arguments[name]})
        for name in ("low_threshold", "high_threshold")
    ]


def _apart(world: World, arguments: Arguments) -> Figure:
    low, high = (_PERCENT * world.mean(row.key) for row in _apart_rows(arguments))
    note = f"{np.median(low):.0f} % and {np.median(high):.0f} % of the same people"
    return Figure(low - high, note=note)


def _cover(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(regrowth(outcome)[:, week])


def _cover_rows(arguments: Arguments) -> list[Row]:
    return [_row("regrowth", arguments, _cover)]


def _range_of_people(world: World, arguments: Arguments) -> Figure:
    key = _cover_rows(arguments)[0].key
    values, setting = world.found.values(key), world.found.setting(key)
    low, high = (
        _PERCENT * world.found.quantile(values, setting, float(arguments[name]))
        for name in ("lower", "upper")
    )
    note = f"from {np.median(low):.0f} % to {np.median(high):.0f} % regrown"
    return Figure(high - low, note=note)


# ---------------------------------------------------------------------- spread, terminal, lasting


def _grown(outcome: Outcome, regimen: Regimen, week: int, *, by: float) -> np.ndarray:
    return np.asarray(outcome.bald_area[:, week] > (1.0 + by) * outcome.bald_area[:, 0], float)


def _grown_rows(arguments: Arguments) -> list[Row]:
    by = float(arguments["growth"])
    return [
        _row(f"bald area grown by {by:g}", arguments, partial(_grown, by=by), prefix=prefix)
        for prefix in ("", "other_")
    ]


def _grown_difference(world: World, arguments: Arguments) -> Figure:
    first, second = (_PERCENT * world.mean(row.key) for row in _grown_rows(arguments))
    note = f"{np.median(second):.0f} % without, {np.median(first):.0f} % with"
    return Figure(first - second, note=note)


def _terminal(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(outcome.hair_share[:, week] * outcome.terminal_share[:, week])


def _terminal_rows(arguments: Arguments) -> list[Row]:
    return [
        _row("terminal hair", arguments, _terminal, week=int(arguments[name]))
        for name in ("week", "early_week")
    ]


def _terminal_gain(world: World, arguments: Arguments) -> Figure:
    later, early = (_PERCENT * world.mean(row.key) for row in _terminal_rows(arguments))
    note = f"from {np.median(early):.0f} % to {np.median(later):.0f} % of follicles"
    return Figure(later - early, note=note)


def _kept(outcome: Outcome, regimen: Regimen, week: int, *, since: int) -> np.ndarray:
    """Whether a responder still has half of what had regrown; NaN of one who did not respond."""
    regrowing = regrowth(outcome)
    best = regrowing[:, : since + 1].max(1)
    kept = regrowing[:, since : week + 1].min(1) >= _RESPONDED * best
    return np.where(best >= _RESPONDED, kept.astype(float), np.nan)


def _kept_rows(arguments: Arguments) -> list[Row]:
    since = int(arguments["since"])
    return [_row(f"kept since week {since}", arguments, partial(_kept, since=since))]


def _stays_well(world: World, arguments: Arguments) -> Figure:
    return Figure(_PERCENT * world.mean(_kept_rows(arguments)[0].key))


PEOPLE_SIMULATIONS: Mapping[str, Simulation] = {
    "arm": Simulation(
        "the published arm of {study} as it was or may have been treated, and a study of its size",
        _arm, cases=True),
    "arm_difference": Simulation(
        "the same people as '{arm}' and as '{other_arm}' of {study}: difference of {endpoint}",
        _arm_difference, cases=True),
    "regrown": Simulation(
        "{people} people, {given}: share with {threshold:.0%} regrown at week {week}",
        _regrown, _regrown_rows),
    "regrown_difference": Simulation(
        "the same people under {given}, and under {other}: "
        "difference in {threshold:.0%} regrown at week {week}",
        _regrown_difference, _both_rows),
    "saturation": Simulation(
        "the same people at {weak:g}, {middle:g} and {strong:g} mg/mL, {sessions} sessions every "
        "{interval:g} weeks: gain of the first step less gain of the second, {threshold:.0%} "
        "regrown at week {week}",
        _saturation, _three_rows),
    "thresholds_apart": Simulation(
        "{given}: share with {low_threshold:.0%} less share with {high_threshold:.0%} "
        "regrown at week {week}, the same people",
        _apart, _apart_rows),
    "range_of_people": Simulation(
        "{given}: regrowth at week {week}, from the {lower:.0%} to the {upper:.0%} "
        "quantile of people",
        _range_of_people, _cover_rows),
    "bald_area_grown": Simulation(
        "the same people under {given}, and untreated: difference in those whose bald area is "
        "over {growth:.0%} larger at week {week}",
        _grown_difference, _grown_rows),
    "terminal_gain": Simulation(
        "{given}: follicles with terminal hair at week {week} less at week {early_week}",
        _terminal_gain, _terminal_rows),
    "stays_well": Simulation(
        "{given}: of those with half regrown at week {since}, share who keep half of it up to "
        "week {week}, no new trigger",
        _stays_well, _kept_rows),
}  # fmt: skip
