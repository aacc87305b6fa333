"""Calibration: `python -m anagen.population.calibrate`, or `make calibrate`.

Stages, each kept in the work folder so that an interrupted run goes on where it stopped:

1. a first bank of people, drawn from the priors, and a short pilot of the sampler;
2. a second bank, drawn around what the pilot found and, not to miss anything, from the priors;
3. four chains of NUTS on the second bank, block by block, two at a time;
4. relapse, given the early loss that the second stage predicts;
5. leave one study out, by weighing the draws.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from anagen._version import __version__
from anagen.evidence.published import load_arms
from anagen.population.bank import Group, draw_people, fill_group, proposals
from anagen.population.conditions import ArmCase, cases_of
from anagen.population.fit_data import (
    LOSS_WEEKS,
    WORDS,
    FitData,
    fit_rows,
    loss_key,
    setting_name,
)
from anagen.population.left_out import leave_out
from anagen.population.posterior import LATEST_POSTERIOR, Posterior, save_posterior
from anagen.population.variability import (
    Population,
    calibrated_traits,
    effects,
    prior_population,
)

Say = Callable[[str], None]

_PILOT = (200, 250)  # warm-up and draws
_BLOCK = 250
_EXTRA = ("diverging", "num_steps")
_CHAINS = 4
_KEPT = 1000  # draws in the posterior file
_WIDEN = 1.25
_POINTS = 8  # of the pilot from which the second bank is drawn
_PRIOR_POINTS = 2
_SHARE = {"localized": 1.0}
_REST = 0.5  # people of other settings relative to the localized


@dataclass(frozen=True)
class Settings:
    """How calibration is run.

    Parameters
    ----------
    folder : work folder; seed : of everything.
    people : of the localized setting, in the bank; others have fewer.
    warmup, draws : of each chain; workers : processes.
    """

    folder: Path
    seed: int = 20261123
    people: int = 8_000
    warmup: int = 300
    draws: int = 500
    workers: int = 2


def calibration_cases() -> tuple[ArmCase, ...]:
    """List the published arms that calibration uses."""
    cases, _ = cases_of(load_arms())
    return tuple(case for case in cases if case.calibrate)


def build_data(
    settings: Settings, stage: str, proposal: Population, people: int, say: Say
) -> FitData:
    """Bank of a stage and the figures beside it."""
    cases = calibration_cases()
    groups: dict[str, Group] = {}
    by_setting: dict[str, list[Any]] = {}
    for row in fit_rows(cases):
        by_setting.setdefault(setting_name(row.setting), []).append(row)
    for number, (name, rows) in enumerate(sorted(by_setting.items())):
        count = int(people * _SHARE.get(name, _REST))
        cast = draw_people(count, settings.seed + number, rows[0].setting, proposal)
        where = settings.folder / stage / name

        def report(text: str, name: str = name, count: int = count) -> None:
            say(f"{stage}: {count} people, {name}: {text}")

        groups[name] = fill_group(rows, cast, cache=where, report=report)
    return FitData.of(cases, groups)


def wide_prior() -> Population:
    """Prior of a person: spread between people and doubt about the median together."""
    point = prior_population()
    doubt = np.array([trait.median_sd for trait in calibrated_traits()])
    return point._replace(spread=np.sqrt(np.asarray(point.spread) ** 2 + doubt**2))


def run_chain(
    data: FitData,
    seed: int,
    warmup: int,
    draws: int,
    *,
    path: Path | None = None,
    say: Say | None = None,
) -> dict[str, np.ndarray]:
    """One chain of NUTS, kept after every block.

    Parameters
    ----------
    data : what it is held against.
    seed : of the chain; warmup, draws : how many.
    path : file that holds the finished draws and the sampler's state.
    say : told about progress.

    Returns
    -------
    dict
        (draw, ...) by site, and ``diverging`` (draw,).
    """
    import pickle
    from functools import partial

    import jax
    from numpyro.infer import MCMC, NUTS, init_to_median

    from anagen.population.model import model

    kernel = NUTS(partial(model, data), target_accept_prob=0.95,
                  init_strategy=init_to_median(num_samples=5), max_tree_depth=7)  # fmt: skip
    sampler = MCMC(kernel, num_warmup=warmup, num_samples=_BLOCK, progress_bar=False)
    blocks: list[dict[str, np.ndarray]] = []
    state = None
    if path and path.exists():
        with path.open("rb") as file:
            blocks, state = pickle.load(file)
    started = time.monotonic()
    if state is None:
        sampler.warmup(jax.random.key(seed), extra_fields=_EXTRA)
        state = sampler.post_warmup_state
        if say:
            say(f"warmed up in {time.monotonic() - started:.0f} s")
    while sum(len(block["tau"]) for block in blocks) < draws:
        sampler.post_warmup_state = state
        sampler.run(state.rng_key, extra_fields=_EXTRA)
        state = sampler.last_state
        found = {name: np.asarray(value) for name, value in sampler.get_samples().items()}
        extra = sampler.get_extra_fields()
        blocks.append({**found, "diverging": np.asarray(extra["diverging"])})
        if path:
            temporary = path.with_suffix(".tmp")
            temporary.write_bytes(pickle.dumps((blocks, jax.device_get(state))))
            temporary.replace(path)
        if say:
            done = sum(len(block["tau"]) for block in blocks)
            say(f"{done} of {draws} draws, {np.mean(extra['num_steps']):.0f} steps a draw, "
                f"{time.monotonic() - started:.0f} s")  # fmt: skip
    return {name: np.concatenate([block[name] for block in blocks])[:draws] for name in blocks[0]}


def run_chains(
    settings: Settings, jobs: Sequence[tuple[str, int, tuple[int, int]]], say: Say
) -> dict[str, dict[str, np.ndarray]]:
    """Run chains in processes of their own; a job is (name, seed, (warm-up, draws))."""
    found = {}
    context = get_context("spawn")
    with ProcessPoolExecutor(settings.workers, mp_context=context) as pool:
        futures = {
            name: pool.submit(_chain_job, settings, name, seed, length)
            for name, seed, length in jobs
        }
        for name, future in futures.items():
            found[name] = future.result()
            say(f"{name}: done")
    return found


def _chain_job(
    settings: Settings, name: str, seed: int, length: tuple[int, int]
) -> dict[str, np.ndarray]:
    import pickle

    with (settings.folder / "second.pickle").open("rb") as file:
        data = pickle.load(file)
    path = settings.folder / f"{name}.chain"

    def say(text: str) -> None:
        print(f"  {name}: {text}", flush=True)

    return run_chain(data, seed, *length, path=path, say=say)


def calibrate(settings: Settings, say: Say = print) -> Posterior:
    """Run all stages that are not done yet.

    Parameters
    ----------
    settings : how.
    say : told about progress.
    """
    import pickle

    settings.folder.mkdir(parents=True, exist_ok=True)
    _check_folder(settings)
    kept = settings.folder / "second.pickle"
    if not kept.exists():
        first = build_data(settings, "first", proposals([wide_prior()], 1.0),
                           settings.people // 4, say)  # fmt: skip
        say("pilot chain")
        pilot = run_chain(first, settings.seed, *_PILOT, path=settings.folder / "pilot.chain",
                          say=say)  # fmt: skip
        proposal = proposals([*_pilot_points(pilot), *(wide_prior(),) * _PRIOR_POINTS], _WIDEN)
        second = build_data(settings, "second", proposal, settings.people, say)
        kept.write_bytes(pickle.dumps(second))
    with kept.open("rb") as file:
        data = pickle.load(file)
    length = (settings.warmup, settings.draws)
    chains = run_chains(
        settings,
        [(f"chain-{number}", settings.seed + number, length) for number in range(_CHAINS)],
        say,
    )
    stacked = {
        name: np.stack([chain[name] for chain in chains.values()])
        for name in next(iter(chains.values()))
    }
    relapse, early = _relapse(settings, data, stacked, say)
    whole = assemble(settings, data, stacked, relapse, early)
    say("leave one study out")
    return Posterior(
        whole.draws, {**whole.about, "left_out": leave_out(data, whole, settings.seed)}
    )


def _pilot_points(pilot: Mapping[str, np.ndarray]) -> list[Population]:
    rows = np.linspace(0, len(pilot["tau"]) - 1, _POINTS).round().astype(int)
    return [
        Population(pilot["median"][row], np.exp(pilot["log_spread"][row]), pilot["effect"][row],
                   np.exp(pilot["log_gain"][row]))
        for row in rows
    ]  # fmt: skip


def _check_folder(settings: Settings) -> None:
    """Refuse a work folder of other settings, which would mix two calibrations."""
    mine = {"seed": settings.seed, "people": settings.people, "version": __version__}
    path = settings.folder / "settings.json"
    if path.exists() and json.loads(path.read_text()) != mine:
        raise SystemExit(f"{settings.folder} holds another calibration; remove it or name another")
    path.write_text(json.dumps(mine))


def _relapse(
    settings: Settings, data: FitData, chains: Mapping[str, np.ndarray], say: Say
) -> tuple[dict[str, np.ndarray], list[float]]:
    """Relapse by new triggers, given the early loss at the posterior mean."""
    import pickle

    from anagen.population.model import answers
    from anagen.population.relapse import target_days
    from anagen.population.relapse_fit import fit_relapse
    from anagen.population.relapse_targets import load_relapse_targets

    path = settings.folder / "relapse.pickle"
    if path.exists():
        draws, early = pickle.loads(path.read_bytes())
        return draws, early
    mean = {name: values.reshape(-1, *values.shape[2:]).mean(0) for name, values in chains.items()}
    point = Population(mean["median"], np.exp(mean["log_spread"]), mean["effect"],
                       np.exp(mean["log_gain"]))  # fmt: skip
    found = answers(point, data)
    early = [float(found.means[loss_key(week)]) for week in LOSS_WEEKS]
    targets = tuple(target for target in load_relapse_targets() if target.use == "fit")
    loss = early_loss(target_days(targets), early)
    say(f"relapse, given an early loss of {early[3]:.1%} by week {LOSS_WEEKS[3]}")
    fit = fit_relapse(settings.seed, targets=targets, early_loss=loss)
    draws = {f"relapse_{name}": values for name, values in fit.draws.items()}
    path.write_bytes(pickle.dumps((draws, early)))
    return draws, early


def early_loss(days: np.ndarray, early: Sequence[float]) -> np.ndarray:
    """Early loss [1] at days after the last session, from that at `LOSS_WEEKS`."""
    weeks = [0.0, *(7.0 * week for week in LOSS_WEEKS)]
    return np.asarray(np.interp(days, weeks, [0.0, *early]))


def assemble(
    settings: Settings,
    data: FitData,
    chains: Mapping[str, np.ndarray],
    relapse: Mapping[str, np.ndarray],
    early: Sequence[float],
) -> Posterior:
    """Posterior with its diagnostics, thinned to what the package carries."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    nuisance = {"study", "blur", "natural_blur", "diverging"}
    mine = {name: values for name, values in chains.items() if name not in nuisance}
    diagnostics = {}
    for name, values in {**mine, **relapse}.items():
        r_hat, size = split_gelman_rubin(values), effective_sample_size(values)
        diagnostics[name] = {
            "r_hat": np.round(np.ravel(r_hat), 4).tolist(),
            "effective": np.round(np.ravel(size)).tolist(),
        }
    draws = {}
    for name, values in {**mine, **relapse}.items():
        flat = values.reshape(-1, *values.shape[2:])
        draws[name] = flat[np.linspace(0, len(flat) - 1, _KEPT).round().astype(int)]
    about = {
        "version": LATEST_POSTERIOR,
        "anagen": __version__,
        "seed": settings.seed,
        "command": f"make calibrate SEED={settings.seed} PEOPLE={settings.people}",
        "traits": [trait.key for trait in calibrated_traits()],
        "effects": [effect.covariate for effect in effects()],
        "words": list(WORDS),
        "early_loss": list(early),
        "chains": _CHAINS,
        "draws_a_chain": settings.draws,
        "divergences": int(chains["diverging"].sum()),
        "diagnostics": diagnostics,
        "arms": [[case.arm.study_id, case.arm.arm] for case in data.cases],
    }
    return Posterior(draws, about)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run calibration from the command line."""
    parser = argparse.ArgumentParser(prog="calibrate", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("out/calibration"))
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--people", type=int, default=Settings.people)
    parser.add_argument("--warmup", type=int, default=Settings.warmup)
    parser.add_argument("--draws", type=int, default=Settings.draws)
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, _CHAINS))
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    settings = Settings(given.folder, given.seed, given.people, given.warmup, given.draws,
                        given.workers)  # fmt: skip
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.0f} s] {text}", flush=True)

    posterior = calibrate(settings, say)
    save_posterior(posterior, given.output)
    worst = max(max(row["r_hat"]) for row in posterior.about["diagnostics"].values())
    least = min(min(row["effective"]) for row in posterior.about["diagnostics"].values())
    say(f"{given.output}: {len(posterior)} draws")
    say(f"worst R-hat {worst:.3f}, least effective sample {least:.0f}")


if __name__ == "__main__":
    main()
