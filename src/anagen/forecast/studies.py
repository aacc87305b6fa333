"""Does the forecast know how much it knows? Virtual patients whose truth is known.

- *Calibration*: the truth is drawn from the prior, its record is read with the errors of the
  observation model, and after 0, 1, 2 and 4 follow-up visits the rank of the truth among the
  posterior's people is noted (simulation-based calibration, Talts and others 2018), with the
  interval of the cover at week 24 and its error.
- *Misfit*: patients whose biology is changed; how many of them does the check flag?
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from anagen._files import write_whole
from anagen.forecast.case import Case
from anagen.forecast.check import check
from anagen.forecast.flag_rows import limit_of
from anagen.forecast.observations import Observation
from anagen.forecast.outlook import look_ahead
from anagen.forecast.prior import Values
from anagen.forecast.update import Learnt, resample, update
from anagen.forecast.virtual import (
    FOLLOW_UPS,
    Change,
    Truth,
    Virtual,
    future_of,
    virtual_patient,
)
from anagen.population.posterior import Posterior
from anagen.population.variability import calibrated_traits, load_traits

VISITS = (0, 1, 2, 4)
LEVEL = 0.9
RANKED = tuple(trait.key for trait in calibrated_traits())

_RANKS = 63  # people among whom the truth is ranked, so that 64 ranks fall into even bins
_FLAT = ("truth", "low", "middle", "high", "crps", "carried")
_CHUNK = 5  # patients of a part
_TRIGGER_WEEK = 9
_SECOND_WEEK = 6

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """One virtual patient after some visits.

    Parameters
    ----------
    seed : of the patient; visits : follow-ups seen.
    ranks : by trait, rank of the truth among `_RANKS` people; rank_cover : that of the cover.
    truth, low, middle, high : of the cover at week 24 in every patch, with the 90 % interval.
    crps : (patch,) of the forecast; carried : (patch,) last reading; effective : people behind it.
    p : of the check; flagged : whether a flag was raised, by the check or for want of absorption.
    """

    seed: int
    visits: int
    ranks: Mapping[str, int]
    rank_cover: Sequence[int]
    truth: Sequence[float]
    low: Sequence[float]
    middle: Sequence[float]
    high: Sequence[float]
    crps: Sequence[float]
    carried: Sequence[float]
    effective: float
    p: float
    flagged: bool


def calibration(
    seeds: Sequence[int], *, posterior: Posterior | None = None, say: Say | None = None
) -> list[Stage]:
    """Forecast virtual patients of the prior after every number of visits.

    Parameters
    ----------
    seeds : of the patients; posterior : population; say : told about progress.
    """
    found = []
    for place, seed in enumerate(seeds):
        virtual = virtual_patient(seed, posterior=posterior)
        found += [stage_of(virtual, seed, visits, posterior) for visits in VISITS]
        if say and (place + 1) % 10 == 0:
            say(f"{place + 1} of {len(seeds)} virtual patients")
    return found


def stage_of(virtual: Virtual, seed: int, visits: int, posterior: Posterior | None = None) -> Stage:
    """Forecast one virtual patient after some visits, and hold it against the truth."""
    case, plan, weeks = future_of(virtual, visits)
    learnt = update(case, posterior=posterior, seed=seed)
    outlook = look_ahead(learnt, {"planned": plan}, weeks, seed=seed, blood=False)
    checked = check(learnt, seed)
    random = np.random.default_rng([seed, visits, 3])
    people = resample(learnt, _RANKS, seed + 1)
    true = virtual.truth.x[0]
    ranks = {
        trait.key: _rank(learnt.x[people, number], true[number], random)
        for number, trait in enumerate(load_traits())
        if trait.key in RANKED
    }
    cover = [np.asarray(outlook.arms["planned"].seen[patch.id].outcome.cover[:, weeks], float)
             for patch in case.patches]  # fmt: skip
    truth = list(virtual.cover(FOLLOW_UPS[-1] + 8).values())
    ends = np.quantile(cover, (0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2), axis=1)
    few = random.choice(len(cover[0]), _RANKS, replace=False)
    return Stage(
        seed, visits, ranks,
        [_rank(values[few], true, random) for values, true in zip(cover, truth, strict=True)],
        truth, ends[0].tolist(), ends[1].tolist(), ends[2].tolist(),
        [crps(values, true) for values, true in zip(cover, truth, strict=True)],
        _carried(case), learnt.effective, checked.p, checked.flagged,
    )  # fmt: skip


def _rank(values: Values, truth: float, random: np.random.Generator) -> int:
    """Rank of the truth among values; equal ones in random order."""
    below, same = int(np.sum(values < truth)), int(np.sum(values == truth))
    return below + int(random.integers(0, same + 1))


def crps(values: Values, truth: float) -> float:
    """Continuous ranked probability score of a sample; the absolute error of a single point.

    Examples
    --------
    >>> crps(np.array([0.4]), 0.6)
    0.2
    """
    ordered = np.sort(values)
    count = len(ordered)
    place = 2.0 * np.arange(1, count + 1) - count - 1.0
    spread = float((place * ordered).sum()) / count**2
    return round(float(np.abs(ordered - truth).mean()) - spread, 12)


def _carried(case: Case) -> list[float]:
    """Last reading of regrowth of every patch, as cover [1]; the first look without any."""
    found = []
    for patch in case.patches:
        read = [one for one in case.observations if one.patch == patch.id and one.kind == "cover"]
        last = max(read, key=lambda one: one.day, default=None)
        if last is None:
            found.append(patch.regrown)
        else:
            low, high = np.clip([last.low, last.high], 0.0, 1.0)
            found.append(float(0.5 * (low + high)))
    return found


def relapse_trigger(truth: Truth) -> Truth:
    """Let a new trigger bring the attack back in week 9, stronger and resisting the drug."""
    harder = {"immunity.activation": 1.5, "immunity.half_effect": 10.0}

    def struck(state: Any) -> Any:
        immune = state.immune
        ones = np.ones_like(immune.attack)
        return state._replace(immune=immune._replace(
            attack=np.maximum(immune.attack, 0.9 * ones), privilege=0.1 * ones,
            tolerance=0.0 * ones))  # fmt: skip

    traits = {
        name: (*parts, (_TRIGGER_WEEK, {
            key: values * harder.get(key, 1.0) for key, values in parts[-1][1].items()}))
        for name, parts in truth.traits.items()
    }  # fmt: skip
    return replace(
        truth, traits=traits, states={name: {_TRIGGER_WEEK: struck} for name in truth.traits}
    )


def silent_depot(truth: Truth) -> Truth:
    """Nothing of any depot is ever absorbed."""
    return replace(truth, doses=dict.fromkeys(truth.doses, ()))


def depot_that_fails(truth: Truth) -> Truth:
    """Only the first session's depots are absorbed."""
    return replace(truth, doses={name: doses[:1] for name, doses in truth.doses.items()})


def depot_of_one_patch(truth: Truth) -> Truth:
    """Nothing is absorbed in the first patch; the others respond as planned."""
    first = next(iter(truth.doses))
    return replace(truth, doses={**truth.doses, first: ()})


def second_disease(truth: Truth) -> Truth:
    """Hair falls out and thins all over from week 6 on, as in a diffuse second disease."""

    def read(one: Observation, week: int, row: Mapping[str, Values]) -> Mapping[str, Values]:
        late = min(max(week - _SECOND_WEEK, 0) / 8.0, 1.0)
        changed = dict(row)
        if "cover" in row:
            changed["cover"] = row["cover"] * (1.0 - 0.5 * late)
            changed["terminal_share"] = row["terminal_share"] * (1.0 - 0.6 * late)
        if "salt" in row:
            changed["salt"] = np.minimum(row["salt"] + 20.0 * late, 100.0)
        return changed

    return replace(truth, readings=read)


MISFITS: Mapping[str, Change] = {
    "relapse trigger": relapse_trigger,
    "second disease": second_disease,
    "depot not absorbed in one patch of several": depot_of_one_patch,
    "depots not absorbed after the first session": depot_that_fails,
    "no depot ever absorbed": silent_depot,
}


def misfit(
    name: str,
    seeds: Sequence[int],
    *,
    posterior: Posterior | None = None,
    say: Say | None = None,
) -> list[tuple[float, bool]]:
    """Check patients whose biology is changed, after all visits: p value, and whether flagged.

    Parameters
    ----------
    name : of the change, one of `MISFITS`; seeds : of the patients.
    posterior : population; say : told about progress.
    """
    found = []
    for seed in seeds:
        virtual = virtual_patient(seed, posterior=posterior, change=MISFITS[name])
        if name.endswith("of several") and len(virtual.truth.doses) < 2:
            continue
        learnt: Learnt = update(virtual.seen_by(len(FOLLOW_UPS)), posterior=posterior, seed=seed)
        checked = check(learnt, seed)
        found.append((checked.p, checked.flagged))
        if say and len(found) % 20 == 0:
            say(f"{name}: {len(found)} patients")
    return found


def uniform_p(ranks: Sequence[int], bins: int = 8) -> float:
    """P value of ranks 0 to `_RANKS` being uniform (chi squared).

    Examples
    --------
    >>> uniform_p(list(range(64)) * 4)
    1.0
    """
    from scipy.stats import chisquare

    counts = np.bincount(np.asarray(ranks) * bins // (_RANKS + 1), minlength=bins)
    return float(chisquare(counts).pvalue)


def summary_of(stages: Sequence[Stage]) -> dict[str, Any]:
    """Figures of a calibration: coverage, width, errors and ranks by number of visits."""
    every = [true for stage in stages if stage.visits == 0 for true in stage.truth]
    mean = float(np.mean(every))
    rows = {}
    for visits in VISITS:
        mine = [stage for stage in stages if stage.visits == visits]
        flat = {name: np.concatenate([getattr(stage, name) for stage in mine]) for name in _FLAT}
        inside = (flat["low"] <= flat["truth"]) & (flat["truth"] <= flat["high"])
        rows[visits] = {
            "patches": len(inside),
            "inside": float(inside.mean()),
            "width": float((flat["high"] - flat["low"]).mean()),
            "crps": float(flat["crps"].mean()),
            "error": float(np.abs(flat["middle"] - flat["truth"]).mean()),
            "population_mean": float(np.abs(mean - flat["truth"]).mean()),
            "carried": float(np.abs(flat["carried"] - flat["truth"]).mean()),
            "rank_cover_p": uniform_p(_one_a_patient(mine)),
            "ranks_p": {key: uniform_p([stage.ranks[key] for stage in mine]) for key in RANKED},
            "flagged": float(np.mean([stage.flagged for stage in mine])),
            "effective": float(np.median([stage.effective for stage in mine])),
        }
    return {"patients": len({stage.seed for stage in stages}), "visits": rows}


def _one_a_patient(stages: Sequence[Stage]) -> list[int]:
    """Rank of the cover of one patch of each patient, since patches are not independent."""
    return [stage.rank_cover[0] for stage in stages]


def run(
    patients: int, misfits: int, first: int, workers: int, say: Say
) -> tuple[list[Stage], dict[str, list[tuple[float, bool]]]]:
    """Run both studies in processes of their own, a few patients at a time.

    Parameters
    ----------
    patients, misfits : how many of each kind; first : seed of the first.
    workers : processes; say : told about progress.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    later = first + 10_000
    chunks = [range(k, min(k + _CHUNK, first + patients))
              for k in range(first, first + patients, _CHUNK)]  # fmt: skip
    wrong = [(name, range(k, min(k + _CHUNK, later + misfits)))
             for name in MISFITS for k in range(later, later + misfits, _CHUNK)]  # fmt: skip
    stages: list[Stage] = []
    values: dict[str, list[tuple[float, bool]]] = {name: [] for name in MISFITS}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        right = [pool.submit(calibration, chunk) for chunk in chunks]
        odd = [(name, pool.submit(misfit, name, chunk)) for name, chunk in wrong]
        for number, each in enumerate(right, start=1):
            stages += each.result()
            say(f"calibration: {number} of {len(right)} parts")
        for number, (name, found) in enumerate(odd, start=1):
            values[name] += found.result()
            say(f"misfits: {number} of {len(odd)} parts")
    return stages, values


def figures_of(found: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """Figures of one misfit: patients, share flagged, and share withheld."""
    withheld = [p < limit_of("check-fail") for p, _ in found]
    flagged = [raised for _, raised in found]
    return {"patients": len(found), "flagged": float(np.mean(flagged)),
            "withheld": float(np.mean(withheld))}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Run both studies from the command line and write their figures as JSON."""
    parser = argparse.ArgumentParser(prog="studies", description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--misfits", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, flush=True)

    stages, found = run(given.patients, given.misfits, given.seed, given.workers, say)
    result = {"seed": given.seed, "calibration": summary_of(stages),
              "misfit": {name: figures_of(each) for name, each in found.items() if each},
              "stages": [vars(stage) for stage in stages]}  # fmt: skip
    write_whole(given.output, (json.dumps(result) + "\n").encode())


if __name__ == "__main__":
    main()
