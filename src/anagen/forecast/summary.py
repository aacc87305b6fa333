"""From the futures of possible people to quantiles and chances, named and with units."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anagen.forecast.case import WEEK, Case, day_of
from anagen.forecast.outlook import (
    UNTREATED,
    Arm,
    Outlook,
    People,
    missing_area,
)
from anagen.forecast.pain import pain_quantiles
from anagen.forecast.past import at
from anagen.forecast.prior import Values
from anagen.forecast.relapses import relapse_chances
from anagen.forecast.skin import visible, visible_odds
from anagen.patient.timeline import cumulative_steroid_mg, product_triamcinolone_mg
from anagen.population.condition_data import load_condition_data

if TYPE_CHECKING:
    import xarray as xr

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
THRESHOLDS = (0.25, 0.5, 0.75, 0.95)

Variable = tuple[tuple[str, ...], Any, dict[str, str]]
_ENDS = (0.025, 0.975)
_LEAST_SIZE = 0.2  # of the beta distribution of a chance of which nearly nothing is known
_TINY = 1e-9
_RESPONSES = ("patch_chance", "scalp_chance", "regrown_")


def summarise(outlook: Outlook) -> "xr.Dataset":
    """Make the forecast of an outlook; its variables are listed in ``docs/architecture.md``."""
    import xarray as xr

    case = outlook.people.learnt.case
    each = [_arm(outlook, arm) for arm in outlook.arms.values()]
    variables: dict[str, Variable] = {
        name: (("plan", *dims), np.stack([one[name][1] for one in each]), attributes)
        for name, (dims, _, attributes) in each[0].items()
    }
    variables |= _natural(outlook)
    variables |= _past(outlook.people)
    days = sorted({one.day for one in case.observations if one.kind in ("cover", "missing")})
    return xr.Dataset(
        variables,
        {
            "plan": np.array(list(outlook.arms), dtype=object),
            "patch": np.array([patch.id for patch in case.patches], dtype=object),
            "week": ("week", np.arange(outlook.weeks + 1), {"units": "week",
                                                           "long_name": "since the origin"}),
            "quantile": list(QUANTILES),
            "threshold": list(THRESHOLDS),
            "visit_day": ("visit", np.array([day_of(case, day) for day in days], int),
                          {"units": "day", "long_name": "of past readings, since the origin"}),
        },
    )  # fmt: skip


def _quantiles(values: Values) -> Values:
    """Quantiles (..., quantile) over the first axis; NaN where anybody lacks a value."""
    return np.moveaxis(np.quantile(np.asarray(values, float), QUANTILES, axis=0), 0, -1)


def chance_of(
    people: People, happened: Values, *, response: bool = False
) -> tuple[Values, Values, Values]:
    """Chance that something happens, with its 95 % interval.

    The interval counts what calibration leaves open (the spread of the chance between draws of the
    population), the Monte Carlo error (Agresti and Coull 1998), and for a response how far one
    clinic's results lie from another's beyond their known conditions; it is that of the beta
    distribution with their sum as variance.

    Parameters
    ----------
    people : who fit.
    happened : (person, ...) 0 or 1, or a chance of each; NaN of whom it does not concern.
    response : whether it is a response to treatment, in which studies differ.

    Returns
    -------
    three of (...)
        The chance, and the ends of its interval.
    """
    from scipy.stats import beta

    learnt = people.learnt
    share = learnt.share[people.number]
    there = np.isfinite(happened)
    value = np.where(there, happened, 0.0)
    count = there.sum(0)
    middle = value.sum(0) / np.maximum(count, 1)
    effective = max(min(learnt.effective, float(len(people.number))), 2.0)
    centre = (middle * effective + 2.0) / (effective + 4.0)
    whole = centre * (1.0 - centre)
    heavy = np.tensordot(share.T, there, 1)
    each = np.tensordot(share.T, value, 1) / np.maximum(heavy, _TINY)
    between = (heavy * (each - middle) ** 2).sum(0) / np.maximum(heavy.sum(0), _TINY)
    clinics = float(np.mean(learnt.posterior.draws["tau"] ** 2)) if response else 0.0
    variance = between + whole / (effective + 4.0) + clinics * whole**2
    size = np.maximum(whole / variance - 1.0, _LEAST_SIZE)
    low, high = (beta.ppf(end, centre * size, (1.0 - centre) * size) for end in _ENDS)
    nobody = count == 0
    parts = (middle, np.minimum(low, middle), np.maximum(high, middle))
    found = [np.where(nobody, np.nan, part) for part in parts]
    return found[0], found[1], found[2]


def _chances(people: People, name: str, dims: tuple[str, ...], happened: Values, words: str
             ) -> dict[str, Variable]:  # fmt: skip
    """Chance and its interval as three variables."""
    parts = chance_of(people, happened, response=name.startswith(_RESPONSES))
    names = (name, f"{name}_low", f"{name}_high")
    more = ("", ", low end of 95 %", ", high end of 95 %")
    return {
        one: (dims, part, {"units": "1", "long_name": words + extra})
        for one, part, extra in zip(names, parts, more, strict=True)
    }


def _arm(outlook: Outlook, arm: Arm) -> dict[str, Variable]:
    people = outlook.people
    case = people.learnt.case
    found = _by_patch(people, arm)
    area, _ = missing_area(case, arm.seen)
    first = sum(patch.area for patch in case.patches)
    regrown = np.maximum(1.0 - area / first, 0.0)
    week = ("week", "quantile")
    found |= {
        "salt": (week, _quantiles(100.0 * np.minimum(area / case.scalp_area + case.undrawn, 1.0)),
                 {"units": "%", "long_name": "SALT; loss beyond the drawn patches stays"}),
        "scalp_regrowth": (week, _quantiles(regrown), {
            "units": "1", "long_name": "share of the first bald area that is covered"}),
    }  # fmt: skip
    passed = regrown[..., None] >= np.array(THRESHOLDS)
    found |= _chances(people, "scalp_chance", ("week", "threshold"), passed.astype(float),
                      "chance that so much of the first bald area is covered")  # fmt: skip
    words = "chance of relapse after the last session, among those of whom half had regrown"
    again = relapse_chances(people, arm, regrown)
    found |= _chances(people, "relapse_chance", ("week",), again, words)
    return found | _blood(arm, outlook.weeks) | _amounts(case, arm, outlook.weeks)


def _by_patch(people: People, arm: Arm) -> dict[str, Variable]:
    case = people.learnt.case
    density = float(case.scalp.density_per_cm2.mean())
    _, area = missing_area(case, arm.seen)
    seen = [arm.seen[patch.id] for patch in case.patches]

    def every(read: Callable[[Any], Any]) -> Values:
        return np.stack([np.asarray(read(one), float) for one in seen], axis=1)

    # Regrown hair is in step for a while, and then covers a little more than hair that is not.
    cover = every(lambda one: np.clip(one.outcome.cover, 0.0, 1.0))
    named = {
        "cover": (cover, "1", "visible cover relative to normal"),
        "density": (density * every(lambda one: one.outcome.hair_share), "1/cm2", "visible hairs"),
        "calibre": (every(lambda one: one.calibre), "um", "mean calibre of visible hairs"),
        "terminal_share": (every(lambda one: one.outcome.terminal_share), "1",
                           "terminal share of visible hairs"),
        "area": (np.moveaxis(area, 0, 1) / 100.0, "cm2", "bald area, its spread included"),
        "thinning": (every(lambda one: 1.0 - one.outcome.thinnest), "1",
                     "thinning of the thinnest tenth"),
    }  # fmt: skip
    dims = ("patch", "week")
    found: dict[str, Variable] = {
        f"patch_{name}": ((*dims, "quantile"), _quantiles(values),
                          {"units": unit, "long_name": words})
        for name, (values, unit, words) in named.items()
    }  # fmt: skip
    found["patch_mean_cover"] = (dims, cover.mean(0), {"units": "1", "long_name": "mean cover"})
    passed = (cover[..., None] >= np.array(THRESHOLDS)).astype(float)
    found |= _chances(people, "patch_chance", (*dims, "threshold"), passed,
                      "chance that regrowth is at least the threshold")  # fmt: skip
    found |= _first_hair(people, cover)
    return found | _skin(people, arm)


def _first_hair(people: People, cover: Values) -> dict[str, Variable]:
    """Week of the first visible gain of cover since each patch was first drawn."""
    case = people.learnt.case
    gain = load_condition_data().value("onset")
    begun = np.stack(
        [people.learnt.past.seen[patch.id].outcome.cover[people.number, 0]
         for patch in case.patches], axis=1
    )  # fmt: skip
    reached = np.maximum.accumulate(cover >= begun[..., None] + gain, axis=-1)
    week = np.where(reached.any(-1), reached.argmax(-1), np.inf)
    ends = np.quantile(week, QUANTILES, axis=0, method="inverted_cdf")
    chance = reached.mean(0)
    return {
        "first_hair_week": (("patch", "quantile"),
                            np.moveaxis(np.where(np.isfinite(ends), ends, np.nan), 0, -1),
                            {"units": "week", "long_name": "first visible gain of cover"}),
        "first_hair_chance": (("patch", "week"), chance,
                              {"units": "1", "long_name": "chance of a visible gain by then"}),
    }  # fmt: skip


def _skin(people: People, arm: Arm) -> dict[str, Variable]:
    """Chances of visible atrophy, telangiectasia and change of colour by then."""
    learnt = people.learnt
    case, draws = learnt.case, learnt.posterior.draws
    half = draws["atrophy_half"][people.draw][:, None]
    width = np.exp(draws["log_atrophy_width"][people.draw])[:, None]
    ratios = {
        "atrophy_chance": 1.0,
        "telangiectasia_chance": case.parameters.value("skin.telangiectasia_ratio", "1"),
        "colour_chance": case.parameters.value("skin.pigment_ratio", "1"),
    }
    odds = []
    for patch in case.patches:
        past = learnt.past.seen[patch.id].outcome.thinnest[people.number].min(1)
        future = np.minimum.accumulate(arm.seen[patch.id].outcome.thinnest, axis=1)
        worst = 1.0 - np.minimum(past[:, None], future)
        odds.append(visible_odds(worst, half, width))
    every = np.stack(odds, axis=1)
    found: dict[str, Variable] = {}
    for name, ratio in ratios.items():
        chance = visible(every, ratio)
        words = f"chance of visible {name.removesuffix('_chance')} by then"
        found |= _chances(people, name, ("patch", "week"), chance, words)
    return found


def _blood(arm: Arm, weeks: int) -> dict[str, Variable]:
    dims = ("week", "quantile")
    if arm.blood is None:
        empty = np.full((weeks + 1, len(QUANTILES)), np.nan)
        morning, held = empty, empty
    else:
        days = np.minimum(np.arange(weeks + 1) * WEEK, arm.blood.morning.shape[1] - 1)
        morning = _quantiles(arm.blood.morning[:, days])
        held = _quantiles(arm.blood.suppression[:, days])
    return {
        "cortisol_morning": (dims, morning, {"units": "1",
                             "long_name": "morning cortisol relative to own baseline"}),
        "cortisol_suppression": (dims, held, {"units": "1",
                                 "long_name": "share of cortisol release held back"}),
    }  # fmt: skip


def _amounts(case: Case, arm: Arm, weeks: int) -> dict[str, Variable]:
    """Steroid in all, and what the plan still holds."""
    before = cumulative_steroid_mg(case.patient, case.origin)
    days = WEEK * np.arange(weeks + 1)
    total = np.full(weeks + 1, before)
    for session in arm.sessions:
        day = (session.date - case.origin) / timedelta(days=1)
        dose = sum(product_triamcinolone_mg(i.product, i.dose_mg) or 0.0
                   for i in session.injections)  # fmt: skip
        total = total + np.where(days >= day, dose, 0.0)
    sessions: Sequence[Any] = arm.sessions
    planned = {
        "planned_mg": (sum(one.total_mg for one in sessions), "mg", "steroid still planned"),
        "planned_mL": (sum(one.total_mL for one in sessions), "mL", "volume still planned"),
        "planned_sites": (sum(one.sites for one in sessions), "1", "injections still planned"),
        "planned_sessions": (len(sessions), "1", "sessions still planned"),
    }
    found: dict[str, Variable] = {
        name: ((), np.asarray(float(value)), {"units": unit, "long_name": words})
        for name, (value, unit, words) in planned.items()
    }
    words = "steroid by all routes as triamcinolone, history included"
    found["cumulative_mg"] = (("week",), total, {"units": "mg", "long_name": words})
    pain = pain_quantiles(case, sessions, QUANTILES)
    words = "worst pain of a session, 0-10"
    found["pain"] = (("quantile",), pain, {"units": "1", "long_name": words})
    return found


def _natural(outlook: Outlook) -> dict[str, Variable]:
    """Of people like this one: regrown untreated, with the plan, and only because of it."""
    case, people = outlook.people.learnt.case, outlook.people
    first = sum(patch.area for patch in case.patches)

    def passed(arm: Arm) -> NDArray[np.bool_]:
        regrown = 1.0 - missing_area(case, arm.seen)[0] / first
        return regrown[..., None] >= np.array(THRESHOLDS)

    without = passed(outlook.arms[UNTREATED])
    parts: dict[str, list[NDArray[np.bool_]]] = {
        "either": [],
        "only_treated": [],
        "only_untreated": [],
    }
    for arm in outlook.arms.values():
        treated = passed(arm)
        parts["either"].append(without & treated)
        parts["only_treated"].append(treated & ~without)
        parts["only_untreated"].append(without & ~treated)
    words = {
        "either": "regrown with and without further treatment",
        "only_treated": "regrown only with it",
        "only_untreated": "regrown only without it",
    }
    dims = ("plan", "week", "threshold")
    found: dict[str, Variable] = {}
    for name, arms in parts.items():
        happened = np.stack(arms, axis=1).astype(float)
        found |= _chances(people, f"regrown_{name}", dims, happened, words[name])
    return found | _chances(people, "regrown_untreated", dims[1:], without.astype(float),
                            "regrown without further treatment")  # fmt: skip


def _past(people: People) -> dict[str, Variable]:
    """Put what the model says about past readings of regrowth beside what was read."""
    case = people.learnt.case
    readings = [one for one in case.observations if one.kind in ("cover", "missing")]
    days = sorted({one.day for one in readings})
    shape = (len(case.patches), len(days))
    fit = np.full((*shape, len(QUANTILES)), np.nan)
    read = np.full(shape, np.nan)
    for row, patch in enumerate(case.patches):
        cover = people.learnt.past.seen[patch.id].outcome.cover[people.number]
        for column, day in enumerate(days):
            if day_of(case, day) >= patch.start:
                fit[row, column] = _quantiles(at(patch, cover, day_of(case, day)))
            mine = [one for one in readings if one.patch == patch.id and one.day == day]
            if mine:
                read[row, column] = np.mean([_middle(one) for one in mine])
    return {
        "seen_cover": (("patch", "visit", "quantile"), fit, {
            "units": "1", "long_name": "cover at past readings by the model"}),
        "observed_cover": (("patch", "visit"), read, {
            "units": "1", "long_name": "cover as read at past visits"}),
    }  # fmt: skip


def _middle(one: Any) -> float:
    low, high = np.clip([one.low, one.high], 0.0, 1.0)
    middle = float(0.5 * (low + high))
    return 1.0 - middle if one.kind == "missing" else middle


def variables_of(dataset: "xr.Dataset") -> Mapping[str, str]:
    """Long name and unit of every variable, for documents."""
    return {
        str(name): f"{one.attrs.get('long_name', '')} [{one.attrs.get('units', '')}]"
        for name, one in dataset.data_vars.items()
    }
