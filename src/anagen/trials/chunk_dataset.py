"""What a trial knows of some of its people: truth, readings, treatment, harms, in one dataset.

Dimensions: ``unit`` (a patch or quadrant that was randomised, its coordinate unique in the whole
trial), ``visit`` (planned week), ``session``, ``rater``. A reading is NaN where nobody came; what
is true of the patch stands beside it, also of those who left (``dropout_week``), whose sessions
stop then. Where the forecast doses an arm, ``chosen_week``, ``chosen_chance`` and
``chosen_interval`` tell of every session what it chose and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anagen._version import __version__
from anagen.evidence.parameters import load_parameters
from anagen.population.condition_data import load_condition_data
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior
from anagen.population.relapse import COVARIATES
from anagen.population.streams import stream_key, uniforms
from anagen.population.variability import effects, present
from anagen.trials.arm_rules import NEVER, Course, Rules
from anagen.trials.conduct import WEEK, Held, at_days, readings
from anagen.trials.draw import Drawn
from anagen.trials.guided_arms import any_guided
from anagen.trials.protocol import Protocol, fingerprint
from anagen.trials.randomise import trial_size

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Variables = dict[str, tuple[tuple[str, ...], np.ndarray, str, str]]

SESSION = {"none": 0, "given": 1, "missed": 2, "not given": 3}
"""Codes of ``session_status``: not given means stopped, left, or a rescue that was not needed."""

_HARM, _RELAPSE = 37, 38  # purposes of random numbers
_HALF = 0.5  # of what had regrown; its loss counts as relapse, as in the studies
_LEAST_RATE = 1e-30


@dataclass(frozen=True, eq=False)
class Followed:
    """People of one technique after the last day.

    Parameters
    ----------
    drawn : who; course : what was decided.
    outcome, regrown : (unit, week + 1).
    bald : (unit, week + 1) bald share of the person's scalp; None when not all patches count.
    sites : (unit,) injections of a session, in all patches that are treated; volume : [mL] each.
    """

    drawn: Drawn
    course: Course
    outcome: Outcome
    regrown: Array
    bald: Array | None
    sites: Array
    volume: float


def dataset_of(
    protocol: Protocol,
    rules: Rules,
    held: Held,
    parts: Sequence[Followed],
    posterior: Posterior,
) -> "xr.Dataset":
    """Put what is known of some people together, in the order in which they were enrolled.

    Returns
    -------
    xarray.Dataset
        Every variable has ``units`` and ``long_name``; attributes name versions, protocol and
        seed.
    """
    import xarray as xr

    tables = [_variables(protocol, rules, held, part, posterior) for part in parts]
    names = np.concatenate([part.course.names for part in parts])
    order = np.argsort(names, kind="stable")
    variables = {}
    for name, (dims, _, unit, words) in tables[0].items():
        values = np.concatenate([table[name][1] for table in tables])[order]
        variables[name] = (dims, values, {"units": unit, "long_name": words})
    raters = max(protocol.conduct.raters, 1)
    coordinates = {
        "unit": ("unit", names[order], {"long_name": "number of the unit in the trial"}),
        "visit": ("visit", np.array([visit.week for visit in protocol.visits], float),
                  {"units": "week", "long_name": "planned week of the visit"}),
        "session": ("session", np.arange(rules.days.shape[1])),
        "rater": ("rater", np.arange(raters)),
    }  # fmt: skip
    return xr.Dataset(variables, coordinates, _about(protocol, held, posterior))


def _about(protocol: Protocol, held: Held, posterior: Posterior) -> dict[str, Any]:
    return {
        "anagen_version": __version__,
        "parameter_set": load_parameters().version,
        "posterior": str(posterior.about["version"]),
        "protocol": protocol.key,
        "protocol_fingerprint": fingerprint(protocol),
        "arms": [arm.key for arm in protocol.arms],
        "seed": str(held.seed),
        "people_per_replicate": trial_size(protocol),
    }


def _variables(
    protocol: Protocol, rules: Rules, held: Held, part: Followed, posterior: Posterior
) -> Variables:
    visits = _visits(protocol, part)
    worst = np.minimum.accumulate(np.asarray(part.outcome.thinnest, np.float64), axis=1)
    chance = _harm_chance(part, posterior, 1.0 - worst)
    relapse = _relapse_day(part, held, posterior)
    seen = _uniform(held, _HARM, part)[:, None] < chance
    found = {**_who(part), **_given(part, rules), **_measured(part, visits)}
    found["atrophy"] = (("unit", "visit"), at_days(1.0 - part.outcome.thinnest, visits.day), "1",
                        "loss of dermal thickness in the thinnest tenth of the patch")  # fmt: skip
    by_week = np.minimum(visits.day // WEEK, rules.weeks)
    now = np.take_along_axis(seen, by_week, axis=1)
    found["atrophy_seen"] = (("unit", "visit"), now & visits.attended, "",
                             "whether atrophy has been seen by the visit")  # fmt: skip
    found["relapse"] = (("unit", "visit"), relapse[:, None] <= visits.day, "",
                        "whether a relapse has come by the visit")  # fmt: skip
    found["relapse_day"] = (("unit",), _single(relapse), "day",
                            "day of the relapse, infinite for none")  # fmt: skip
    found["reading"] = (("unit", "visit", "rater"), _single(visits.read), "1",
                        "regrowth as each rater read it")  # fmt: skip
    if part.bald is not None:
        found.update(_salt(held, part, visits))
    return {**found, **_chosen(part)} if any_guided(protocol) else found


@dataclass(frozen=True, eq=False)
class _Visits:
    """When units were seen and what was read: day, attended (unit, visit), read (.., rater)."""

    planned: list[int]
    day: Index
    attended: Flags
    read: Array


def _visits(protocol: Protocol, part: Followed) -> _Visits:
    course = part.course
    planned = [round(WEEK * visit.week) for visit in protocol.visits]
    days, come, read = [], [], []
    for visit in protocol.visits:
        held_on, attended, values = course.visit(visit, part.regrown)
        days.append(held_on)
        come.append(attended)
        read.append(values)
    return _Visits(planned, np.stack(days, 1), np.stack(come, 1), np.stack(read, 1))


def _measured(part: Followed, visits: _Visits) -> Variables:
    """Truth at the visits and the mean of the raters."""
    outcome, dims = part.outcome, ("unit", "visit")
    courses: Mapping[str, tuple[np.ndarray, str]] = {
        "regrowth": (part.regrown, "share of the missing cover that has come back"),
        "cover": (outcome.cover, "visible cover relative to normal"),
        "hair_share": (outcome.hair_share, "share of follicles with a visible hair"),
        "terminal_share": (outcome.terminal_share, "share of visible hairs that are terminal"),
    }
    found: Variables = {
        name: (dims, _single(at_days(course, visits.day)), "1", words)
        for name, (course, words) in courses.items()
    }
    found["visit_day"] = (dims, visits.day.astype(np.int16), "day", "day of the visit")
    found["attended"] = (dims, visits.attended, "", "whether the person came")
    found["regrowth_reading"] = (dims, _single(visits.read.mean(2)), "1",
                                 "regrowth as read, mean of the raters")  # fmt: skip
    return found


def _salt(held: Held, part: Followed, visits: _Visits) -> Variables:
    """SALT, true and as read, from all patches of the person."""
    assert part.bald is not None
    share = at_days(part.bald, visits.day)
    read = np.stack([
        readings(held, part.course.names, day, share[:, visit], kind=1).mean(1)
        for visit, day in enumerate(visits.planned)
    ], axis=1)  # fmt: skip
    dims = ("unit", "visit")
    return {
        "salt": (dims, _single(100.0 * share), "%", "SALT"),
        "salt_reading": (dims, _single(np.where(visits.attended, 100.0 * read, np.nan)), "%",
                         "SALT as read, mean of the raters"),
    }  # fmt: skip


def _given(part: Followed, rules: Rules) -> Variables:
    """List what was given, and why not."""
    course, plan = part.course, part.course.plan
    mine = rules.days[np.maximum(part.drawn.arm, 0)] < NEVER
    mine &= (part.drawn.arm >= 0)[:, None]
    held = plan.choice >= 0
    strength = np.where(held, np.asarray(rules.strengths)[np.maximum(plan.choice, 0)], np.nan)
    status = np.full(mine.shape, SESSION["none"], np.int8)
    status[mine] = SESSION["not given"]
    usual = np.arange(mine.shape[1]) < rules.rescue_first
    due = usual | ~np.isnan(course.rescued)[:, None]
    reached = plan.days < WEEK * course.left[part.drawn.person][:, None]
    stopped = WEEK * np.where(np.isnan(course.stopped), np.inf, course.stopped)[:, None]
    status[mine & course.missed & due & reached & (plan.days < stopped)] = SESSION["missed"]
    status[held] = SESSION["given"]
    mg = np.nansum(strength, axis=1) * part.sites * part.volume
    day = np.where(held, plan.days, -1).astype(np.int16)
    return {
        "session_day": (("unit", "session"), day, "day", "day of the session, -1 for none"),
        "session_status": (("unit", "session"), status, "", str(SESSION)),
        "strength": (("unit", "session"), _single(strength), "mg/mL", "strength that was given"),
        "mg": (("unit",), _single(mg), "mg", "steroid given in all sessions"),
        "injections": (("unit",), (held.sum(1) * part.sites).astype(np.int32), "",
                       "injections in all sessions"),
        "stopped_week": (("unit",), _single(course.stopped), "week", "week of a gate that closed"),
        "stepped_week": (("unit",), _single(course.stepped), "week",
                         "week in which the strength was last changed"),
        "rescued_week": (("unit",), _single(course.rescued), "week", "week of a rescue"),
        "dropout_week": (("unit",), _single(course.left[part.drawn.person]), "week",
                         "week in which the person left, infinite for none"),
    }  # fmt: skip


def _chosen(part: Followed) -> Variables:
    """List what the forecast chose; NaN where it did not choose."""
    chosen, dims = part.course.chosen, ("unit", "session")
    return {
        "chosen_week": (dims, _single(chosen.week), "week",
                        "week in which the forecast chose strength and interval"),
        "chosen_chance": (dims, _single(chosen.chance), "1",
                          "chance to reach the target, by the forecast, with what was chosen"),
        "chosen_interval": (dims, _single(chosen.interval), "week",
                            "interval to the next session that was chosen"),
    }  # fmt: skip


def _who(part: Followed) -> Variables:
    """Who the units are, and whether the model could follow them."""
    drawn, person = part.drawn, part.drawn.person
    people, covariates = drawn.people, drawn.people.covariates
    lost = np.isnan(part.outcome.cover).any(1)
    quadrant = drawn.part if drawn.parts > 1 else np.full(len(person), -1)
    small: Mapping[str, tuple[np.ndarray, Any, str, str]] = {
        "replicate": (people.replicate[person], np.int32, "", "replicate of the trial"),
        "person": (people.number[person], np.int32, "", "number of the person in the replicate"),
        "arm": (drawn.arm, np.int8, "", "number of the arm, -1 for none; names in the attributes"),
        "patch": (drawn.rank[drawn.row], np.int8, "", "patch, 0 for the person's largest"),
        "quadrant": (quadrant, np.int8, "", "quadrant of the patch, -1 for all of it"),
        "stratum": (drawn.stratum[person], np.int16, "", "stratum of randomisation"),
        "screened": (people.screened[person], np.int32, "", "candidates seen for this person"),
        "failed": (lost, np.bool_, "", "whether the model could not follow the unit"),
        "diameter": (drawn.diameter[drawn.row], np.float32, "mm", "diameter of the patch"),
        "patch_age": (drawn.age[drawn.row], np.float32, "day", "age of the patch"),
        "age": (covariates.age_years[person], np.float32, "year", "age of the person"),
        "male": (covariates.sex[person] > 0, np.bool_, "", "whether the person is male"),
        "weight": (covariates.weight_kg[person], np.float32, "kg", "weight"),
        "ancestry": (covariates.ancestry[person], np.int8, "", "index of the ancestry"),
        "episode": (covariates.episode_days[person], np.float32, "day", "present episode"),
        "extent": (covariates.extent[person], np.float32, "1", "bald share of the scalp"),
        "patches": (covariates.patches[person], np.int8, "", "number of patches"),
        "recurrent": (covariates.recurrent[person], np.bool_, "", "earlier episode"),
        "nail_change": (covariates.nail_change[person], np.bool_, "", "nails changed"),
        "family_history": (covariates.family_history[person], np.bool_, "", "in the family"),
        "atopy": (covariates.atopy[person], np.bool_, "", "atopy"),
    }
    return {name: (("unit",), values.astype(dtype), unit, words)
            for name, (values, dtype, unit, words) in small.items()}  # fmt: skip


def _harm_chance(part: Followed, posterior: Posterior, worst: Array) -> Array:
    """Chance (unit, week) that atrophy has been seen; logistic in the worst thinning by then."""
    number = part.drawn.people.draw[part.drawn.person]
    half = posterior.draws["atrophy_half"][number][:, None]
    width = np.exp(posterior.draws["log_atrophy_width"][number])[:, None]
    odds = np.maximum(np.exp((worst - half) / width) - np.exp(-half / width), 0.0)
    return np.asarray(odds / (1.0 + odds))


def _relapse_day(part: Followed, held: Held, posterior: Posterior) -> Array:
    """Day (unit,) of the relapse: half of what had regrown is lost again, or a new trigger.

    Both count from the last session, or the response if that is later; infinite for none within
    the course, NaN for who has not responded.
    """
    regrown, plan = part.regrown, part.course.plan
    weeks = WEEK * np.arange(regrown.shape[1])
    responded = np.nan_to_num(regrown) >= load_condition_data().value("response")
    first = np.where(responded.any(1), weeks[np.argmax(responded, axis=1)], np.inf)
    last = np.where(plan.choice >= 0, plan.days, 0).max(1)
    origin = np.maximum(first, last)
    best = np.maximum.accumulate(np.nan_to_num(regrown), axis=1)
    lost = (regrown < _HALF * best) & (weeks >= origin[:, None])
    lost_day = np.where(lost.any(1), weeks[np.argmax(lost, axis=1)], np.inf)
    day = np.minimum(lost_day, origin + _trigger_days(part, held, posterior))
    day = np.where(day <= weeks[-1], day, np.inf)
    return np.where(np.isfinite(first), day, np.nan)


def _trigger_days(part: Followed, held: Held, posterior: Posterior) -> Array:
    """Days (unit,) until a new trigger; the person's draw of the population has its hazard.

    As `anagen.population.relapse.draw_times`, in double precision, which does not depend on how
    many are drawn together.
    """
    people, draws = part.drawn.people, posterior.draws
    shown, names = present(people.covariates), [effect.covariate for effect in effects()]
    columns = shown[:, [names.index(name) for name in COVARIATES]]
    ratios = draws["relapse_log_hazard_ratios"][people.draw]
    predictor = np.zeros(len(people.draw))
    for column, ratio in zip(columns.T, ratios.T, strict=True):
        predictor += column * ratio
    rate = np.maximum(draws["relapse_h0"][people.draw] * np.exp(predictor), _LEAST_RATE)
    kappa = draws["relapse_kappa"][people.draw]
    random = uniforms(stream_key(held.seed, _RELAPSE), people.place, 0, 1)[:, 0]
    days = kappa / rate * np.expm1(-np.log(random) / kappa)
    return np.asarray(days[part.drawn.person])


def _uniform(held: Held, purpose: int, part: Followed) -> Array:
    return uniforms(stream_key(held.seed, purpose), part.course.names, 0, 1)[:, 0]


def _single(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)
