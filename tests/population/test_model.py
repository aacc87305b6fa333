"""The statistical model: shares, thresholds of words, gradients, and recovery of known truths."""

from dataclasses import replace
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import initialize_model

from anagen.evidence.published import load_arms
from anagen.population.bank import draw_people, fill_group, proposals
from anagen.population.conditions import ArmCase, cases_of
from anagen.population.fit_data import (
    WORDS,
    FitData,
    case_key,
    fit_rows,
    harm_targets,
    movable,
    natural_targets,
    setting_name,
)
from anagen.population.model import (
    answers,
    case_mean,
    log_odds,
    logit,
    model,
    published,
    visible,
)
from anagen.population.recovery import RECOVERED, draw_truth, recover, simulate_figures
from anagen.population.variability import Population, prior_population

_STUDIES = ("Muhaidat2020", "Ganjoo2013")


def _cases() -> tuple[ArmCase, ...]:
    cases, _ = cases_of(load_arms())
    return tuple(case for case in cases if case.calibrate and case.arm.study_id in _STUDIES)


@lru_cache(maxsize=1)
def _data() -> FitData:
    cases = _cases()
    rows: dict[str, list] = {}
    for row in fit_rows(cases):
        rows.setdefault(setting_name(row.setting), []).append(row)
    groups = {
        name: fill_group(mine, draw_people(192, 5, mine[0].setting,
                                           proposals([prior_population()], 1.5)))
        for name, mine in rows.items()
    }  # fmt: skip
    return FitData.of(cases, groups)


def test_every_row_has_an_answer_between_zero_and_one() -> None:
    found = answers(prior_population(), _data())
    shares = [float(found.means[case_key(number)]) for number in range(len(_cases()))]
    assert all(0.0 <= share <= 1.0 for share in shares)
    early, late = (float(found.means[target.key]) for target in natural_targets()[:2])
    assert 0.0 < early < late < 1.0
    thin = [float(found.means[f"thinning at {s:g} mg/mL"]) for s in (2.5, 5.0, 10.0)]
    assert thin == sorted(thin)


def test_a_lower_threshold_is_passed_by_more() -> None:
    data = _data()
    found = answers(prior_population(), data)
    number = next(n for n, case in enumerate(data.cases) if case.endpoint.kind == "complete")
    case = data.cases[number]
    assert movable(case)
    means = [
        float(case_mean(case, number, found.means, jnp.full(len(WORDS), side)))
        for side in (-1.0, 0.0, 1.0)
    ]
    assert means[0] > means[1] > means[2]
    assert means[1] == pytest.approx(float(found.means[case_key(number)]))
    fixed = replace(case, endpoint=replace(case.endpoint, reach=0.0))
    assert case_mean(fixed, number, found.means, jnp.ones(len(WORDS))) == means[1]


def test_chance_of_atrophy_rises_from_nothing() -> None:
    thinning = jnp.asarray([0.0, 0.3, 0.6, 0.8, 1.0])
    chance = np.asarray(visible(thinning, 0.8, 0.1))
    assert chance[0] == 0.0
    assert (np.diff(chance) > 0).all()
    assert chance[3] == pytest.approx(0.5, abs=1e-3)


def test_log_odds_of_published_and_predicted_shares_agree() -> None:
    for share in (0.0, 0.3, 1.0):
        assert log_odds(share) == pytest.approx(float(logit(share)), rel=1e-3)


def test_published_figures_are_those_of_the_tables() -> None:
    figures = published(_data())
    assert figures.arms[0] == _data().cases[0].count
    assert len(figures.harms) == len(harm_targets())
    assert figures.natural.tolist() == [t.share * t.people for t in natural_targets()]


def test_potential_and_its_gradient_are_finite() -> None:
    with jax.enable_x64(False):
        start = initialize_model(jax.random.key(1), partial(model, _data()))
        value, slope = jax.value_and_grad(start.potential_fn)(start.param_info.z)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))
    assert float(jnp.abs(slope["median"]).max()) > 0.0


def test_simulated_figures_follow_the_truth() -> None:
    data = _data()
    truth = {**draw_truth(3, data), "tau": np.asarray(1e-6), "definition_sd": np.asarray(1e-6)}
    many = [simulate_figures(data, truth, seed) for seed in range(40)]
    assert np.allclose(many[0].arms, simulate_figures(data, truth, 0).arms)
    found = answers(_population(truth), data)
    for number, case in enumerate(data.cases):
        if case.likelihood == "binomial":
            expected = float(case_mean(case, number, found.means, truth["meaning"]))
            mean = np.mean([figures.arms[number] for figures in many]) / case.total
            error = np.sqrt(max(expected * (1 - expected), 1e-3) / (40 * case.total))
            assert abs(mean - expected) < 4.0 * error + 1e-3


def _population(truth: dict) -> Population:
    return Population(truth["median"], np.exp(truth["log_spread"]), truth["effect"],
                      np.exp(truth["log_gain"]))  # fmt: skip


def test_calibration_recovers_what_made_the_figures() -> None:
    """Small version of benchmarks/bench_recovery.py: one replicate, most truths inside."""
    inside = [
        replicate.inside() for replicate in recover(_data(), iter((1,)), warmup=100, draws=100)
    ]
    assert inside[0].size == 2 * len(prior_population().median) + 5 + len(WORDS)
    assert len(RECOVERED) == 8
    assert np.mean(inside) > 0.7
