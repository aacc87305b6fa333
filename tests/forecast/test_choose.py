"""Comparing plans: the Pareto set, preferences, what is shown, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import EvidenceError, InputError
from anagen.evidence.rows import read_table
from anagen.forecast.candidates import Candidate, Design
from anagen.forecast.choices import CRITERIA, load_weights, parse_choices
from anagen.forecast.choose import Comparison, compare
from anagen.forecast.comparison_table import COLUMNS
from anagen.forecast.designs import STOP, Kind
from anagen.forecast.ranking import dominance, gains
from anagen.treatment import Finding, Plan

PLAN = Plan(protocol="custom", patient="P1")
BLOCK = Finding(
    rule="mg-per-session", severity="block", message="51 mg in one session; the limit is 30 mg.",
    place="sessions[0]", remedy="Inject fewer sites.",
)  # fmt: skip
PROPERTY = settings(deadline=None, derandomize=True, max_examples=40)


def candidate(name: str, kind: Kind = "variation", *, blocked: bool = False) -> Candidate:
    findings = (BLOCK,) if blocked else ()
    return Candidate(name, PLAN, kind, findings, blocked, None, Design())


def rows(values: Sequence[Sequence[float]], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Table of (regrowth, atrophy, mg, pain, visits), each with an interval of a tenth."""
    index = list(names or [f"p{number}" for number in range(len(values))])
    table = pd.DataFrame(np.asarray(values, float), index=index, columns=list(CRITERIA))
    for name in ("regrowth", "atrophy"):
        middle = table[name]
        table[f"{name}_low"], table[f"{name}_high"] = (middle - 0.05).clip(0.0), middle + 0.05
    table["chance_75"], table["relapse"] = 0.5 * table["regrowth"], 0.3
    table["pain_sessions"] = table["pain"] * table["visits"]
    return table[list(COLUMNS)]


def plans(table: pd.DataFrame) -> list[Candidate]:
    return [candidate(str(name)) for name in table.index]


def picked(comparison: Comparison) -> dict[str, str]:
    return {pick.role: pick.name for pick in comparison.picks if pick.role != "named protocol"}


def random_rows(seed: int, n: int = 40) -> pd.DataFrame:
    """Figures on a coarse grid, so that ties and equal plans occur."""
    draw = np.random.default_rng(seed)
    steps = draw.integers(0, 4, (n, 5)) + 1.0
    return rows(steps * np.array([0.2, 0.05, 10.0, 1.5, 1.0]))


def brute_force(table: pd.DataFrame) -> set[str]:
    better = {"regrowth": 1.0}
    points = {
        name: [better.get(column, -1.0) * row[column] for column in CRITERIA]
        for name, row in table.iterrows()
    }
    return {
        str(name)
        for name, own in points.items()
        if not any(
            all(a >= b for a, b in zip(other, own, strict=True)) and other != own
            for other in points.values()
        )
    }


@pytest.mark.parametrize("seed", range(8))
def test_the_pareto_set_is_that_of_brute_force(seed: int) -> None:
    table = random_rows(seed)
    compared = compare(table, plans(table)).table
    assert set(compared.index[compared["pareto"]]) == brute_force(table)


@pytest.mark.parametrize("seed", range(4))
def test_every_dominated_plan_names_one_of_the_front_that_dominates_it(seed: int) -> None:
    table = random_rows(seed)
    compared = compare(table, plans(table)).table
    beats = pd.DataFrame(dominance(gains(compared)), compared.index, compared.index)
    dominated = compared[~compared["pareto"]]
    assert len(dominated) > 5
    for name, better in dominated["dominated_by"].items():
        assert compared.loc[better, "pareto"]
        assert beats.loc[better, name]
    assert (compared.loc[compared["pareto"], "dominated_by"] == "").all()


@PROPERTY
@given(seed=st.integers(0, 10_000), worse=st.lists(st.floats(0.0, 5.0), min_size=5, max_size=5))
def test_a_dominated_plan_more_changes_no_pick(seed: int, worse: list[float]) -> None:
    table = random_rows(seed, 15)
    parent = table.iloc[seed % len(table)][list(CRITERIA)].to_numpy(float)
    sign = np.array([-1.0, 1.0, 1.0, 1.0, 1.0])
    added = parent + sign * np.asarray(worse) + 0.001 * sign
    more = pd.concat([table, rows([added], ["added"])])
    before, after = compare(table, plans(table)), compare(more, plans(more))
    assert before.picks == after.picks
    assert before.trade == after.trade
    assert not after.table.loc["added", "pareto"]
    kept = after.table["utility"].drop("added")
    pd.testing.assert_series_equal(kept, before.table["utility"][kept.index])


@pytest.mark.parametrize("seed", range(6))
def test_weight_on_regrowth_alone_prefers_most_regrowth(seed: int) -> None:
    table = random_rows(seed)
    roles = picked(compare(table, plans(table), preference={"regrowth": 7.0, "mg": 0.0}))
    assert roles["preferred"] == roles["most regrowth"]
    assert table.loc[roles["preferred"], "regrowth"] == table["regrowth"].max()


@PROPERTY
@given(seed=st.integers(0, 10_000), order=st.randoms(use_true_random=False))
def test_the_order_of_the_plans_does_not_matter(seed: int, order: object) -> None:
    table = random_rows(seed, 12)
    names = list(table.index)
    order.shuffle(names)  # type: ignore[attr-defined]
    weights = {"regrowth": 2.0, "visits": 1.0}
    first = compare(table, plans(table), preference=weights)
    second = compare(table.loc[names], plans(table.loc[names])[::-1], preference=weights)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.picks == second.picks
    assert first.trade == second.trade
    assert first.ties == second.ties


def test_utility_is_the_weighted_place_between_worst_and_best_of_the_front() -> None:
    table = rows([[0.2, 0.0, 0.0, 0.0, 0.0], [0.4, 0.1, 5.0, 2.0, 3.0], [0.6, 0.2, 20.0, 4.0, 6.0]])
    compared = compare(table, plans(table), preference={"regrowth": 3.0, "mg": 1.0}).table
    assert compared.loc["p1", "utility"] == pytest.approx(0.75 * 0.5 + 0.25 * 0.75)
    assert compared["rank"].tolist() == [1, 2, 3]
    assert compared["utility"].is_monotonic_decreasing


def test_more_weight_on_a_criterion_never_chooses_worse_in_it() -> None:
    dose = np.linspace(0.0, 1.0, 21)
    table = rows([[1 - np.exp(-3 * x), 0.3 * x**2, 0.0, 0.0, 0.0] for x in dose])
    chosen = []
    for weight in (0.0, 0.3, 1.0, 3.0, 10.0):
        preference = {"regrowth": 1.0, "atrophy": weight}
        name = picked(compare(table, plans(table), preference=preference))["preferred"]
        chosen.append(table.loc[name, "atrophy"])
    assert chosen == sorted(chosen, reverse=True)
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize("seed", range(6))
def test_a_blocked_plan_is_shown_and_never_offered(seed: int) -> None:
    table = random_rows(seed, 12)
    best = rows([[0.99, 0.0, 0.0, 0.0, 0.0], [0.98, 0.0, 0.0, 0.0, 0.0]], ["best", "named"])
    full = pd.concat([table, best])
    blocked = [candidate("best", blocked=True), candidate("named", "named protocol", blocked=True)]
    compared = compare(full, [*blocked, *plans(table)])
    free = compare(table, plans(table))
    assert compared.picks == free.picks
    assert compared.trade == free.trade
    shown = compared.table.loc["best"]
    assert shown["blocked"]
    assert not shown["pareto"]
    assert pd.isna(shown["rank"])
    assert pd.isna(shown["utility"])
    assert shown["reason"] == f"{BLOCK.message} {BLOCK.remedy}"
    assert not compared.table["dominated_by"].isin(["best", "named"]).any()
    assert any(note.startswith("named is blocked: 51 mg") for note in compared.notes)


def test_a_blocked_plan_needs_no_forecast() -> None:
    table = random_rows(1, 5)
    compared = compare(table, [candidate("gone", blocked=True), *plans(table)])
    assert compared.table.index[-1] == "gone"


def test_named_protocols_and_no_treatment_stand_beside_the_balanced_choice() -> None:
    table = rows(
        [[0.5, 0.1, 30.0, 4.0, 6.0], [0.5, 0.2, 60.0, 4.0, 6.0], [0.3, 0.01, 0.0, np.nan, 0.0],
         [0.45, 0.05, 10.0, 4.0, 3.0]],
        ["good", "UK", STOP, "gentle"],
    )  # fmt: skip
    given = [candidate("good"), candidate("UK", "named protocol"), candidate(STOP, "stop"),
             replace(candidate("gentle"), also=("Step down: 2.5 mg/mL",))]  # fmt: skip
    compared = compare(table, given)
    roles = picked(compared)
    assert roles["most regrowth"] == "good"
    assert roles["gentlest on skin"] == roles["least drug"] == roles["fewest visits"] == "gentle"
    assert roles["no injections"] == STOP
    named = next(pick for pick in compared.picks if pick.role == "named protocol")
    assert named.name == "UK"
    assert named.note == "Dominated: good is nowhere worse and somewhere better."
    for pick in compared.picks:
        assert pick.benefit.startswith("Regrowth ")
        assert "80 % interval" in pick.benefit
        assert "Visible atrophy in " in pick.harm
        assert pick.limit
        assert pick.source
    gentle = next(pick for pick in compared.picks if pick.name == "gentle")
    assert "Step down" in gentle.note
    stop = next(pick for pick in compared.picks if pick.name == STOP)
    assert "no further steroid" in stop.harm


def test_the_next_milligram_is_priced_along_the_front() -> None:
    table = rows(
        [[0.2, 0.01, 0.0, 0.0, 0.0], [0.4, 0.06, 10.0, 2.0, 3.0], [0.38, 0.05, 15.0, 1.0, 3.0],
         [0.5, 0.16, 30.0, 2.0, 3.0]]
    )  # fmt: skip
    trade = compare(table, plans(table)).trade
    assert [(step.from_name, step.to_name) for step in trade] == [("p0", "p1"), ("p1", "p3")]
    assert [step.extra_mg for step in trade] == [10.0, 20.0]
    assert trade[0].regrowth_per_mg == pytest.approx(2.0)
    assert trade[1].regrowth_per_mg == pytest.approx(0.5)
    assert trade[1].atrophy_per_mg == pytest.approx(0.5)
    assert "20 mg more bring +10.0 points of regrowth and +10.0 of atrophy" in trade[1].sentence
    assert "cannot be told apart" not in trade[0].sentence


def test_overlapping_intervals_are_said_not_to_be_told_apart() -> None:
    near = rows([[0.50, 0.10, 10.0, 2.0, 3.0], [0.55, 0.12, 20.0, 2.0, 3.0]])
    far = rows([[0.20, 0.10, 10.0, 2.0, 3.0], [0.55, 0.12, 20.0, 2.0, 3.0]])
    alike, apart = compare(near, plans(near)), compare(far, plans(far))
    assert len(alike.ties) == 1
    assert "cannot be told apart" in alike.trade[0].sentence
    assert apart.ties == ()
    assert "cannot be told apart" not in apart.trade[0].sentence


def forecast(table: pd.DataFrame) -> SimpleNamespace:
    """Forecast whose last week says what a table says, with worse figures earlier."""
    names, weeks, quantiles = list(table.index), 3, [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
    column = {name: table[name].to_numpy() for name in table.columns}

    def weekly(values: np.ndarray, *axes: int) -> np.ndarray:
        shape = (len(names), weeks, *axes)
        out = np.zeros(shape)
        out[:, -1] = values.reshape(len(names), *(1 for _ in axes))
        return out

    regrowth = weekly(column["regrowth"], len(quantiles))
    regrowth[:, -1, 1], regrowth[:, -1, 5] = column["regrowth_low"], column["regrowth_high"]
    pain = np.full((len(names), len(quantiles)), 9.0)
    pain[:, 3] = column["pain"]
    chance = weekly(column["chance_75"], 3) * np.array([1.0, 1.0, 0.2])
    atrophy = {
        f"atrophy_chance{end}": (
            ("plan", "patch", "week"),
            np.stack([0.5 * weekly(column[f"atrophy{end}"]), weekly(column[f"atrophy{end}"])], 1),
        )
        for end in ("", "_low", "_high")
    }
    return SimpleNamespace(
        dataset=xr.Dataset(
            {
                "scalp_regrowth": (("plan", "week", "quantile"), regrowth),
                "scalp_chance": (("plan", "week", "threshold"), chance),
                "relapse_chance": (("plan", "week"), weekly(column["relapse"])),
                "planned_mg": (("plan",), column["mg"]),
                "planned_sessions": (("plan",), column["visits"]),
                "pain": (("plan", "quantile"), pain),
                **atrophy,
            },
            coords={
                "plan": names,
                "week": range(weeks),
                "quantile": quantiles,
                "threshold": [0.5, 0.75, 0.95],
                "patch": ["A", "B"],
            },
        )
    )


def test_a_forecast_is_compared_by_its_last_week_and_worst_patch() -> None:
    values = [[0.3, 0.01, 0.0, np.nan, 0.0], [0.5, 0.1, 30.0, 4.0, 6.0], [0.6, 0.2, 50.0, 4.0, 6.0]]
    table = rows(values, [STOP, "weak", "strong"])
    given = [candidate(STOP, "stop"), candidate("weak"), candidate("strong")]
    expected = compare(table, given)
    found = compare(forecast(table.rename(index={STOP: "untreated"})), given)
    pd.testing.assert_frame_equal(found.table, expected.table)
    assert found.picks == expected.picks


@pytest.mark.parametrize(
    ("preference", "words"),
    [
        ({"growth": 1.0}, "one of regrowth, atrophy, mg, pain, visits"),
        ({"regrowth": -1.0}, "a weight of 0 or more"),
        ({"regrowth": float("nan")}, "a weight of 0 or more"),
        ({"regrowth": "much"}, "a weight of 0 or more"),
        ({"regrowth": True}, "a weight of 0 or more"),
        ({"regrowth": 0.0, "pain": 0.0}, "a weight above 0"),
        ({}, "a weight above 0"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(preference: dict, words: str) -> None:
    table = random_rows(0, 4)
    with pytest.raises(InputError, match=words):
        compare(table, plans(table), preference=preference)


def test_every_problem_is_told_at_once() -> None:
    table = random_rows(0, 4)
    table.loc["p1", "atrophy"] = np.nan
    given = [candidate("p0"), candidate("p1"), candidate("p2"), candidate("nobody"),
             candidate("p2")]  # fmt: skip
    with pytest.raises(InputError) as raised:
        compare(table, given, preference={"growth": 1.0})
    places = [problem.place for problem in raised.value.problems]
    assert places == [
        "candidates", "table['p3']", "table['p1'].atrophy", "table['nobody']",
        "preference['growth']",
    ]  # fmt: skip


def test_no_candidate_and_a_table_without_a_column_are_refused() -> None:
    table = random_rows(0, 3)
    with pytest.raises(InputError, match="at least one plan"):
        compare(table, [])
    with pytest.raises(InputError, match="a column 'relapse'"):
        compare(table.drop(columns="relapse"), plans(table))
    with pytest.raises(InputError, match="several of 'p0'"):
        compare(pd.concat([table, table.loc[["p0"]]]), plans(table))


def test_everything_blocked_says_which_rule_and_what_lifts_it() -> None:
    table = random_rows(0, 2)
    with pytest.raises(InputError) as raised:
        compare(table, [candidate("p0", blocked=True), candidate("p1", blocked=True)])
    problem = raised.value.problems[0]
    assert "mg-per-session" in problem.found
    assert "Inject fewer sites." in problem.remedy


def test_default_weights_are_marked_assumed_and_sum_to_one() -> None:
    weights = load_weights()
    assert set(weights) == set(CRITERIA)
    assert all(weight.provenance.origin == "assumed" for weight in weights.values())
    table = random_rows(0, 5)
    assert sum(compare(table, plans(table)).weights.values()) == pytest.approx(1.0)
    balanced = next(p for p in compare(table, plans(table)).picks if p.role == "balanced")
    assert "assumed" in balanced.source


@pytest.mark.parametrize(
    ("section", "row", "change"),
    [
        ("weights", "regrowth", {"value": 0.9}),
        ("weights", "regrowth", {"source": "Nobody1900"}),
        ("grid", "strength", {"values": [5.0, 2.5]}),
        ("grid", "strength", {"unit": "furlong"}),
        ("grid", "volume", {"values": []}),
        ("patches", "", {"values": ["every"]}),
        ("step", "", {"protocol": ""}),
    ],
)
def test_choices_that_break_the_rules_of_evidence_are_refused(
    section: str, row: str, change: dict
) -> None:
    tables = read_table("forecast/choices.toml")
    target = tables[section][row] if row else tables[section]
    target.update(change)
    with pytest.raises(EvidenceError):
        parse_choices(tables)
