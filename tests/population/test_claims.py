"""Claims: every one is tested, verdicts follow their criteria, figures come from simulations."""

import dataclasses

import numpy as np
import pytest

from anagen.errors import EvidenceError
from anagen.evidence.claims import Claim, Criterion, Published
from anagen.evidence.published import load_arms
from anagen.population import claims as module
from anagen.population.claim_people import names
from anagen.population.claim_world import fill, regimen_of, regimen_words, setting_of
from anagen.population.claims import (
    SIMULATIONS,
    VERDICTS,
    ClaimResult,
    check_claims,
    criterion_words,
    judge,
    load_claims,
    number_words,
    table,
)
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.conditions import ArmCase, case_of
from anagen.population.mechanism import Inside
from anagen.population.posterior import Posterior
from anagen.population.relapse import COVARIATES, load_relapse_targets

KNOWN = {claim.key: claim for claim in load_claims()}
CHOSEN = (
    "acts_where_injected", "blood_does_not_treat", "attack_suppressed", "inflammation_falls",
    "balance_returns", "spread_stops", "growth_lasts_longer", "vellus_to_terminal", "gaps_fill",
    "gaps_fill_by_exchange", "hair_by_week_4", "drug_less_saline", "natural_26_weeks",
    "drug_benefit_24_weeks", "stays_well", "relapse_6_months", "relapse_by_duration",
    "relapse_ratio_6_months", "atrophy_5", "any_effect_10", "telangiectasia_rises", "pigment_late",
    "thinning_recovers", "pain_occurs", "pain_vibration", "pain_adds_up", "cortisol_20_mg",
    "cortisol_20_mg_days", "cortisol_recovers", "weight_rare", "weight_rises_with_dose",
    "people_differ", "thresholds_matter", "dose_response_saturates", "steroid_stimulates_growth",
    "steroid_boosts_immunity", "oftener_costs_skin",
)  # fmt: skip


@pytest.fixture(scope="module")
def results(prior_posterior: Posterior) -> dict[str, ClaimResult]:
    said: list[str] = []
    found = check_claims(prior_posterior, people=96, draws=10, report=said.append,
                         claims=[KNOWN[key] for key in CHOSEN])  # fmt: skip
    assert all(" of " in words for words in said)
    return {result.claim.key: result for result in found}


def claim(kind: str, *, limit: float | None = None, published: Published | None = None) -> Claim:
    example = KNOWN["natural_26_weeks"]
    return dataclasses.replace(
        example,
        criterion=Criterion(kind, limit, why="a test"),  # type: ignore[arg-type]
        published=published or Published("text", 50.0, 40.0, 60.0),
    )


# ------------------------------------------------------------ the table against the simulations


@pytest.mark.parametrize("one", load_claims(), ids=lambda one: one.key)
def test_every_claim_can_be_simulated(one: Claim) -> None:
    simulation = SIMULATIONS[one.simulation]
    words = fill(simulation.words, one.arguments)
    assert "{" not in words
    for row in simulation.rows(one.arguments):
        assert row.conditions
    if simulation.cases:
        arms = [arm for arm in load_arms()
                for key in ("arm", "other_arm")
                if key in one.arguments and names(arm, {**one.arguments,
                                                        "arm": one.arguments[key]})]  # fmt: skip
        assert len(arms) == ("arm" in one.arguments) + ("other_arm" in one.arguments)
        assert all(isinstance(case_of(arm), ArmCase) for arm in arms)
    if "field" in one.arguments:
        assert one.arguments["field"] in Inside._fields
    if "target" in one.arguments:
        assert one.arguments["target"] in {target.key for target in load_relapse_targets()}
    if "covariate" in one.arguments:
        assert one.arguments["covariate"] in COVARIATES
    assert criterion_words(one)


def test_every_simulation_tests_something() -> None:
    assert {one.simulation for one in load_claims()} == set(SIMULATIONS)


def test_every_simulation_is_run_here() -> None:
    assert {KNOWN[key].simulation for key in CHOSEN} >= set(SIMULATIONS) - {
        "regrown_difference", "thinning", "thinnest_week", "arm"}  # fmt: skip


def test_an_arm_says_what_was_published() -> None:
    """The words of a claim on an arm agree with the row that it names."""
    for one in load_claims():
        if one.simulation != "arm":
            continue
        (arm,) = (arm for arm in load_arms() if names(arm, one.arguments))
        figure = arm.n_success if arm.n_success is not None else arm.percent or arm.mean
        assert figure is not None
        assert f"{figure:.3g}" in one.published.text


# -------------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("chance", "verdict"),
    [(1.0, "shown"), (0.95, "shown"), (0.94, "not shown"), (0.06, "not shown"),
     (0.05, "contradicted"), (0.0, "contradicted")],
)  # fmt: skip
def test_a_limit_is_judged_by_its_probability(chance: float, verdict: str) -> None:
    one = claim("above", limit=10.0)
    assert judge(one, 12.0, (8.0, 16.0), chance, one.published) == verdict


@pytest.mark.parametrize(
    ("kind", "value", "span", "verdict"),
    [
        ("published_inside", 45.0, (30.0, 55.0), "shown"),
        ("published_inside", 30.0, (20.0, 45.0), "not shown"),
        ("published_inside", 20.0, (10.0, 39.0), "contradicted"),
        ("published_inside", 90.0, (61.0, 99.0), "contradicted"),
        ("inside_published", 45.0, (30.0, 55.0), "shown"),
        ("inside_published", 65.0, (55.0, 75.0), "not shown"),
        ("inside_published", 70.0, (61.0, 75.0), "contradicted"),
    ],
)
def test_a_figure_is_judged_by_its_interval(
    kind: str, value: float, span: tuple[float, float], verdict: str
) -> None:
    one = claim(kind)
    assert judge(one, value, span, None, one.published) == verdict


def test_without_a_published_interval_outside_is_contradicted() -> None:
    one = claim("published_inside", published=Published("50 %", 50.0))
    assert judge(one, 30.0, (20.0, 40.0), None, one.published) == "contradicted"


# ----------------------------------------------------------------------------------- simulations


def test_every_result_is_whole(results: dict[str, ClaimResult]) -> None:
    for key, result in results.items():
        numbers = (result.value, result.low, result.high, result.study_low, result.study_high)
        assert np.isfinite(numbers).all(), key
        assert result.low <= result.high, key
        assert result.study_low <= result.study_high, key
        assert result.verdict in VERDICTS
        assert result.claim.key == key
        limited = result.claim.criterion.limit is not None
        assert (result.probability is not None) == limited


def test_what_is_built_in_is_shown(results: dict[str, ClaimResult]) -> None:
    shown = ("acts_where_injected", "inflammation_falls", "growth_lasts_longer", "spread_stops",
             "drug_benefit_24_weeks", "pain_adds_up", "weight_rare")  # fmt: skip
    for key in shown:
        assert results[key].verdict == "shown", key


def test_popular_claims_are_contradicted(results: dict[str, ClaimResult]) -> None:
    for key in ("steroid_stimulates_growth", "steroid_boosts_immunity"):
        assert results[key].verdict == "contradicted"
        assert results[key].probability == 0.0
    assert 0.8 < results["steroid_stimulates_growth"].value < 1.0


def test_signs_and_sizes_are_sensible(results: dict[str, ClaimResult]) -> None:
    assert 0.0 < results["attack_suppressed"].value < 0.5
    assert results["gaps_fill_by_exchange"].value > 0.0
    assert 0.0 < results["gaps_fill"].value <= 1.0
    assert results["any_effect_10"].value > results["atrophy_5"].value
    assert 0.0 < results["telangiectasia_rises"].value < results["any_effect_10"].value
    assert 20.0 < results["cortisol_20_mg"].value < 70.0
    assert 4.0 < results["pigment_late"].value < 30.0
    assert results["relapse_ratio_6_months"].study_low > 0.0
    assert results["relapse_6_months"].published.high is not None


def test_a_study_adds_doubt_to_the_population(results: dict[str, ClaimResult]) -> None:
    for key in ("atrophy_5", "natural_26_weeks", "relapse_ratio_6_months"):
        result = results[key]
        assert result.study_high - result.study_low > result.high - result.low, key


def test_sums_are_those_of_their_rows(
    prior_posterior: Posterior, results: dict[str, ClaimResult]
) -> None:
    """The drug's benefit is the difference that `drug_benefit` finds in the same people."""
    from anagen.population.benefit import drug_benefit

    found = drug_benefit(thresholds=(0.75,), weeks=(24,), posterior=prior_posterior, people=96,
                         draws=10)  # fmt: skip
    expected = 100.0 * found.estimate("difference", 0.75, 24).value
    assert results["drug_benefit_24_weeks"].value == pytest.approx(expected, abs=0.1)


def test_rows_are_plain_data(results: dict[str, ClaimResult]) -> None:
    import json

    rows = table(results.values())
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert rows[0]["sources"] == list(results[CHOSEN[0]].claim.sources)


def test_the_same_seed_gives_the_same_figures(prior_posterior: Posterior) -> None:
    asked = {"people": 32, "draws": 4, "claims": [KNOWN["atrophy_5"]]}
    first, again = (table(check_claims(prior_posterior, seed=5, **asked)) for _ in range(2))
    other = table(check_claims(prior_posterior, seed=6, **asked))
    assert first == again
    assert first != other


# ------------------------------------------------------------------------------------- bad input


def test_what_does_not_exist_is_named(prior_posterior: Posterior) -> None:
    wrong = [
        (dataclasses.replace(KNOWN["stays_well"], simulation="magic"), "magic"),
        (dataclasses.replace(KNOWN["natural_26_weeks"],
                             arguments={**KNOWN["natural_26_weeks"].arguments,
                                        "people": "gnomes"}), "gnomes"),
    ]  # fmt: skip
    for one, words in wrong:
        with pytest.raises(EvidenceError, match=words):
            check_claims(prior_posterior, people=32, draws=2, claims=[one])


def test_a_template_without_its_argument_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="lacks"):
        fill("{week} weeks", {})


def test_words_and_regimens() -> None:
    given = {"strength": 5.0, "sessions": 3, "interval": 4.0, "other_strength": 0.0}
    assert regimen_of(given) == Regimen(5.0, 4.0, 3)
    assert regimen_of(given, "other_") == NATURAL
    assert regimen_of({**given, "other_strength": 10.0}, "other_").sessions == 3
    assert regimen_words(NATURAL) == "no treatment"
    assert regimen_words(Regimen(10.0, 4.0, 1)) == "one session of 10 mg/mL"
    assert setting_of({"people": "new"}).episode_days is not None
    assert number_words(-68.0) == "-68"


def test_the_package_claims_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def stop(claims: tuple[Claim, ...]) -> None:
        asked.append(len(claims))
        raise EvidenceError("far enough")

    monkeypatch.setattr(module, "_check", stop)
    with pytest.raises(EvidenceError, match="far enough"):
        check_claims()
    assert asked == [len(load_claims())]
