"""The bank: weighing people drawn from a proposal is as good as drawing them anew."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from anagen.errors import InputError
from anagen.population import bank
from anagen.population.bank import (
    Row,
    arrays,
    draw_people,
    effective,
    fill_group,
    normal_scores,
    proposals,
    weights,
)
from anagen.population.cohort import NATURAL, Regimen
from anagen.population.conditions import Condition
from anagen.population.person import Outcome
from anagen.population.settings import Setting
from anagen.population.variability import prior_population

USUAL = Setting("localized")
SHORT = Condition(Regimen(5.0, 4.0, 1), 4, 1.0)


def _hair(outcome: Outcome, regimen: Regimen, week: int) -> np.ndarray:
    return np.asarray(outcome.hair_share[:, week])


def _rows() -> list[Row]:
    return [
        Row("hair", USUAL, (SHORT,), _hair),
        Row("natural", USUAL, (Condition(NATURAL, 4, 1.0),), _hair),
        Row("half", USUAL, (Condition(SHORT.regimen, 4, 0.5), Condition(NATURAL, 4, 0.5)), _hair),
        Row("never", USUAL, (SHORT,), lambda outcome, regimen, week: np.full(len(outcome.cover),
                                                                             np.nan)),
    ]  # fmt: skip


def test_reweighting_agrees_with_drawing_anew() -> None:
    target = prior_population()
    off = target._replace(median=target.median + 0.1, spread=target.spread * 1.2)
    far = draw_people(1024, 1, USUAL, proposals([off, target], 1.2))
    near = draw_people(1024, 2, USUAL, proposals([target], 1.0))
    weight = np.asarray(weights(target, arrays(far)))
    assert weight.sum() == pytest.approx(1.0, abs=1e-4)
    assert np.asarray(weights(target, arrays(near))).std() * 1024 < 1e-2
    here, there = fill_group(_rows(), far), fill_group(_rows(), near)
    weighed, drawn = here.values[0] @ weight, there.values[0].mean()
    assert abs(weighed - drawn) < 4.0 * there.values[0].std() / np.sqrt(float(effective(weight)))
    assert here.keys == ("hair", "natural", "half", "never")


def test_conditions_are_averaged_and_what_is_undefined_counts_nothing() -> None:
    people = draw_people(64, 3, USUAL, proposals([prior_population()], 1.0))
    group = fill_group(_rows(), people)
    assert np.allclose(group.values[2], 0.5 * (group.values[0] + group.values[1]), atol=1e-6)
    assert (group.defined[:3] == 1.0).all()
    assert (group.defined[3] == 0.0).all()
    assert (group.values[3] == 0.0).all()


def test_an_interrupted_bank_goes_on_from_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = draw_people(64, 3, USUAL, proposals([prior_population()], 1.0))
    once = fill_group(_rows(), people, cache=tmp_path)

    def never(*_: object) -> Outcome:
        raise AssertionError("simulated again")

    monkeypatch.setattr(bank, "follow_people", never)
    again = fill_group(_rows(), people, cache=tmp_path)
    assert (again.values == once.values).all()
    assert not list(tmp_path.glob("*.tmp*"))


def test_people_that_fail_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    people = draw_people(64, 3, USUAL, proposals([prior_population()], 1.0))

    def broken(patches: object, regimen: Regimen, weeks: int) -> Outcome:
        return Outcome(*(np.full((64, weeks + 1), np.nan) for _ in Outcome._fields))

    monkeypatch.setattr(bank, "follow_people", broken)
    with pytest.raises(InputError, match="64 of 64"):
        fill_group(_rows(), people)


def test_scores_are_even_and_reproducible() -> None:
    scores = normal_scores(2048, 7)
    assert np.abs(scores.mean(0)).max() < 0.01
    assert np.abs(scores.std(0) - 1.0).max() < 0.02
    assert (scores == normal_scores(2048, 7)).all()
    assert jnp.isfinite(scores).all()
