"""The published figure of an arm: what was observed, how surely, and how clearly it was defined."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from anagen.evidence.published import Arm
from anagen.population.arm_regimens import CannotSimulate, Drug
from anagen.population.condition_data import load_condition_data
from anagen.population.endpoints import MEANS, SHARES, Endpoint, endpoint_of

Likelihood = Literal["binomial", "normal", "log_odds_ratio"]

_UNUSABLE = 1.0  # a wholly unclear endpoint says nothing about the population
_NORMAL_95 = 1.959964
_NEAREST = 0.005  # to 0 and 1 that a pooled proportion comes
_POOLED = re.compile(r"meta-?\s?analy|pooled", re.IGNORECASE)
_PATCHES = re.compile(r"\bpatch(es)?\b|\bsites\b", re.IGNORECASE)
_PERCENT_MEANS = ("mean_regrowth", "mean_salt_reduction")


@dataclass(frozen=True)
class Figure:
    """What was published, in the model's units.

    Parameters
    ----------
    likelihood : how it scatters about what is true.
    observed : share, mean, or logarithm of an odds ratio.
    standard_error : of ``observed``; of a share on the logit; None for counts.
    count, total : successes and people (or patches); None where not the matter.
    total_known : whether the total is published, and not inferred or assumed.
    """

    likelihood: Likelihood
    observed: float
    standard_error: float | None = None
    count: int | None = None
    total: int | None = None
    total_known: bool = False


def endpoint_of_arm(arm: Arm, notes: list[str]) -> Endpoint:
    """Endpoint of an arm, with the threshold it states or its words mean.

    Parameters
    ----------
    arm : as published.
    notes : what was assumed, in words; grows.

    Raises
    ------
    CannotSimulate
        When the model has nothing like it.
    """
    kind = arm.endpoint
    if kind not in (*SHARES, *MEANS):
        words = arm.outcome_definition or "an outcome without a definition"
        raise CannotSimulate(
            f"endpoint {kind!r} is not simulated" if kind else f"no endpoint is named: {words}"
        )
    low = None if arm.threshold is None else arm.threshold.low
    high = None if arm.threshold is None else arm.threshold.high
    if kind == "regrowth_between":
        if low is None or high is None or low >= high:
            raise CannotSimulate("regrowth between limits that are not stated")
        return endpoint_of(kind, low or None, high)
    stated = high if low is None else low
    if stated is not None and stated <= 0.0:
        raise CannotSimulate("a threshold of 0, which everybody reaches")
    if stated is None:
        for rule in load_condition_data().meanings:
            if rule.holds(arm) and kind in ("regrowth_at_least", "sessions_to_complete"):
                stated = rule.amount
                notes.append(rule.reason)
                break
    endpoint = endpoint_of(kind, stated)
    if stated is None and endpoint.least > 0.0:
        notes.append(f"{kind} read as {endpoint.least:g} within {endpoint.reach:g}")
    return endpoint


def figure_of(arm: Arm, drug: Drug, endpoint: Endpoint, notes: list[str]) -> Figure:
    """Read what an arm published.

    Parameters
    ----------
    arm : as published.
    drug : that it was given.
    endpoint : of `endpoint_of_arm`.
    notes : what was assumed, in words; grows.

    Raises
    ------
    CannotSimulate
        When it published no figure, or one that cannot be read.
    """
    if endpoint.kind == "odds_ratio":
        return _odds_ratio(arm, notes)
    if endpoint.kind in MEANS and endpoint.kind != "terminal_fraction":
        return _mean(arm, drug, endpoint, notes)
    return _share(arm, drug, notes)


def unclearness(arm: Arm, drug: Drug, notes: list[str]) -> float:
    """How unclear an outcome is, from 0 (clear) to 1.

    Parameters
    ----------
    arm : as published; drug : that it was given.
    notes : the reasons, in words; grows.
    """
    data = load_condition_data()
    amounts = [(data.unclear_endpoint[arm.endpoint], "")]
    amounts += [(rule.amount, rule.reason) for rule in data.unclear if rule.holds(arm)]
    if drug.key == "steroid":
        amounts.append((data.unclear_steroid, "steroid not named: read as triamcinolone acetonide"))
    if arm.threshold is None and arm.endpoint in ("regrowth_at_least", "odds_ratio"):
        amounts.append((data.unclear_threshold, "threshold not stated"))
    notes += [reason for _, reason in amounts if reason]
    return 1.0 - math.prod(1.0 - amount for amount, _ in amounts)


def setting_of(arm: Arm, notes: list[str]) -> str:
    """Kind of people of an arm, from the words of its population.

    Parameters
    ----------
    arm : as published.
    notes : why, in words; grows.
    """
    data = load_condition_data()
    for rule in data.settings:
        if rule.holds(arm):
            notes.append(f"people: {rule.name} ({rule.reason})")
            return rule.name
    return data.default_setting


def reason_not_to_calibrate(arm: Arm, drug: Drug) -> str:
    """Why a row is shown but not used to calibrate; empty when it is used.

    Parameters
    ----------
    arm : as published; drug : that it was given.
    """
    if arm.quote_status in ("memory", "design_only"):
        return f"not used to calibrate: {arm.quote_status.replace('_', ' ')}"
    if drug.product not in ("", "ta10"):
        return "not used to calibrate: another steroid"
    data = load_condition_data()
    if data.unclear_endpoint.get(arm.endpoint, 0.0) >= _UNUSABLE:
        return "not used to calibrate: what was counted is not defined"
    rows = data.duplicates
    again = next((row.reason for row in rows if row.holds(arm, drug.key)), "")
    return f"not used to calibrate: {again}" if again else ""


def _share(arm: Arm, drug: Drug, notes: list[str]) -> Figure:
    """Read a share of people: counts where they are known, else a pooled proportion."""
    percent = arm.success_percent
    if percent is None:
        raise CannotSimulate("no published figure")
    share = percent / 100.0
    if arm.n_success is not None and arm.n_total:
        return Figure("binomial", share, None, arm.n_success, arm.n_total, True)
    pooled = _POOLED.search(arm.design) is not None
    total, known = _total(arm, drug, [] if pooled else notes)
    interval = arm.ci_low is not None and arm.ci_high is not None
    if interval and (pooled or not known):
        low, high = (_logit(end / 100.0) for end in (arm.ci_low or 0.0, arm.ci_high or 0.0))
        error = (high - low) / (2.0 * _NORMAL_95)
        if error > 0.0:
            return Figure("normal", _inner(share), error)
    if pooled:
        error = load_condition_data().value("pooled_error")
        notes.append(f"no interval: standard error {error:g} on the logit")
        return Figure("normal", _inner(share), error)
    return Figure("binomial", share, None, round(share * total), total, known)


def _mean(arm: Arm, drug: Drug, endpoint: Endpoint, notes: list[str]) -> Figure:
    data = load_condition_data()
    percent = endpoint.kind in _PERCENT_MEANS
    value = arm.mean if arm.mean is not None or not percent else arm.percent
    if value is None:
        raise CannotSimulate("no published figure")
    scale = 1.0
    if percent:
        fraction = arm.mean is not None and 0.0 < abs(value) <= 1.0
        scale = 1.0 if fraction else 0.01
        if fraction:
            notes.append(f"a mean of {value:g} read as a share, not as a percentage")
        if value * scale > 1.0:
            raise CannotSimulate(f"a mean of {value:g} % of what was lost")
    elif value <= 0.0:
        raise CannotSimulate(f"a mean of {value:g} {endpoint.kind.replace('_', ' ')}")
    if arm.ci_low is not None and arm.ci_high is not None and arm.ci_high > arm.ci_low:
        error = scale * (arm.ci_high - arm.ci_low) / (2.0 * _NORMAL_95)
        return Figure("normal", scale * value, error)
    total, known = _total(arm, drug, notes)
    if arm.sd:
        deviation = scale * arm.sd
    else:
        deviation = data.value(f"deviation_{endpoint.kind}")
        notes.append(f"no deviation stated: {deviation:g} between people")
    return Figure("normal", scale * value, deviation / math.sqrt(total), None, total, known)


def _odds_ratio(arm: Arm, notes: list[str]) -> Figure:
    if arm.mean is None:
        raise CannotSimulate("no published figure")
    if arm.mean <= 0.0:
        raise CannotSimulate(f"an odds ratio of {arm.mean:g}")
    observed = math.log(arm.mean)
    if arm.ci_low and arm.ci_high and 0.0 < arm.ci_low < arm.ci_high:
        error = math.log(arm.ci_high / arm.ci_low) / (2.0 * _NORMAL_95)
    else:
        error = load_condition_data().value("odds_error")
        notes.append(f"no interval: standard error {error:g} of the logarithm")
    return Figure("log_odds_ratio", observed, error)


def _total(arm: Arm, drug: Drug, notes: list[str]) -> tuple[int, bool]:
    """People or patches of an arm, and whether the number is published."""
    patches = _PATCHES.search(arm.outcome_definition) is not None
    order = (arm.n_patches, arm.n_patients) if patches else (arm.n_patients, arm.n_patches)
    stated = next((number for number in (arm.n_total, *order) if number), None)
    if stated is not None:
        return stated, True
    data = load_condition_data()
    for row in data.totals:
        if row.total is not None and row.holds(arm, drug.key):
            notes.append(f"{row.total} people inferred: {row.reason}")
            return row.total, False
    total = round(data.value("total"))
    notes.append(f"number of people not stated: {total} assumed")
    return total, False


def _inner(share: float) -> float:
    return min(max(share, _NEAREST), 1.0 - _NEAREST)


def _logit(share: float) -> float:
    inner = _inner(share)
    return math.log(inner / (1.0 - inner))
