from dataclasses import replace

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.population.cohort import (
    NATURAL,
    PatchPeople,
    Regimen,
    failed,
    follow_blood,
    follow_chunks,
    follow_people,
    nearest_size,
    new_patches,
)

WEEKS = 12
STANDARD = Regimen(5.0, 4.0, 3)


def people(count: int, seed: int = 1) -> PatchPeople:
    rng = np.random.default_rng(seed)
    traits = {
        "immunity.half_effect": 0.1 * np.exp(0.6 * rng.normal(size=count)),
        "immunity.activation": 0.4 * np.exp(0.1 * rng.normal(size=count)),
        "depot.radius": 2.0 * np.exp(0.2 * rng.normal(size=count)),
    }
    return new_patches(traits, rng.choice([16.0, 28.0, 40.0], count), np.full(count, 60.0))


def some(all_of_them: PatchPeople, members: np.ndarray) -> PatchPeople:
    traits = {key: values[members] for key, values in all_of_them.traits.items()}
    rest = {name: getattr(all_of_them, name)[members]
            for name in ("diameter", "age", "regrown", "terminal", "thickness")}  # fmt: skip
    return PatchPeople(traits, **rest)


def changed(base: PatchPeople, key: str, member: int, value: float) -> PatchPeople:
    values = np.array(base.traits[key])
    values[member] = value
    return replace(base, traits={**base.traits, key: values})


def test_a_person_is_the_same_alone_and_among_a_thousand() -> None:
    everybody = people(1000)
    together = follow_people(everybody, STANDARD, WEEKS)
    members = np.array([0, 1, 7, 500, 999])
    for member in members:
        alone = follow_people(some(everybody, np.array([member])), STANDARD, WEEKS)
        for field, own in zip(together, alone, strict=True):
            np.testing.assert_allclose(field[member], own[0], rtol=1e-5, atol=1e-6)
    few = follow_people(some(everybody, members), STANDARD, WEEKS)
    np.testing.assert_allclose(together.cover[members], few.cover, atol=1e-6)


def test_the_same_people_give_the_same_bytes() -> None:
    one, other = (follow_people(people(300), STANDARD, WEEKS) for _ in range(2))
    for field, again in zip(one, other, strict=True):
        assert field.tobytes() == again.tobytes()


def test_chunks_hold_every_person_once() -> None:
    everybody = people(700)
    parts = list(follow_chunks(everybody, STANDARD, WEEKS))
    assert len(parts) > 3
    members = np.concatenate([members for members, _ in parts])
    assert sorted(members) == list(range(700))
    whole = follow_people(everybody, STANDARD, WEEKS)
    for members, outcome in parts:
        np.testing.assert_array_equal(outcome.cover, whole.cover[members])
        assert outcome.cover.shape == (len(members), WEEKS + 1)


def test_outcomes_have_one_row_a_person_and_one_column_a_week() -> None:
    outcome = follow_people(people(5), STANDARD, WEEKS)
    for field in outcome:
        assert field.shape == (5, WEEKS + 1)
        assert field.dtype == np.float32
        assert np.isfinite(field).all()
    assert not failed(outcome).any()
    np.testing.assert_allclose(outcome.cover[:, 0], 0.0, atol=1e-5)
    np.testing.assert_allclose(outcome.thickness[:, 0], 1.0, atol=1e-5)


def test_drug_helps_and_thins() -> None:
    everybody = people(60)
    treated, natural = (follow_people(everybody, regimen, WEEKS) for regimen in (STANDARD, NATURAL))
    assert treated.cover[:, -1].mean() > natural.cover[:, -1].mean() + 0.2
    assert treated.thickness.min() < 0.9
    np.testing.assert_allclose(natural.thickness, 1.0, atol=1e-5)


def test_no_drug_is_the_natural_course() -> None:
    everybody = people(20)
    saline, natural = (
        follow_people(everybody, regimen, WEEKS) for regimen in (Regimen(0.0, 4.0, 3), NATURAL)
    )
    for field, expected in zip(saline, natural, strict=True):
        np.testing.assert_array_equal(field, expected)


@pytest.mark.parametrize(
    ("key", "value"),
    [("immunity.activation", 1e30), ("immunity.activation", -0.4), ("depot.radius", -2.0),
     ("immunity.half_effect", 0.0)],
)  # fmt: skip
def test_a_failure_concerns_one_person_only(key: str, value: float) -> None:
    everybody = people(40)
    fine = follow_people(everybody, STANDARD, WEEKS)
    outcome = follow_people(changed(everybody, key, 17, value), STANDARD, WEEKS)
    assert np.flatnonzero(failed(outcome)).tolist() == [17]
    for field, expected in zip(outcome, fine, strict=True):
        assert np.isnan(field[17]).all()
        others = np.arange(40) != 17
        np.testing.assert_allclose(field[others], expected[others], atol=1e-6)


def test_sizes_are_rounded_by_less_than_a_tenth() -> None:
    sizes = np.geomspace(5.0, 300.0, 500)
    rounded = nearest_size(sizes)
    assert np.abs(rounded / sizes - 1.0).max() < 0.1
    assert len(np.unique(rounded)) < 30
    np.testing.assert_array_equal(
        nearest_size(np.array([0.1, 900.0])), nearest_size(sizes[[0, -1]])
    )


def problems(call, *arguments) -> set[str]:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return {problem.place for problem in caught.value.problems}


def test_all_problems_of_people_and_regimen_are_listed() -> None:
    base = people(3)
    wrong = PatchPeople(
        {
            "immunity.half_effect": np.array([0.1, np.nan, 0.2]),
            "immunity.haste": np.ones(3),
            "depot.radius": np.ones(2),
            "thinnest_share": np.ones(3),
        },
        np.array([30.0, -3.0, 0.0]),
        np.array([1.0, -5.0, 1.0]),
        np.array([0.0, 1.5, 0.0]),
        np.array([0.0, 0.0, np.inf]),
        np.array([1.0, 9.0, 1.0]),
    )
    regimen = Regimen(500.0, -1.0, 99, volume=0.0, spacing=0.1, depth=-3.0, product="milk")
    assert problems(follow_people, wrong, regimen, 0) == {
        "traits['immunity.half_effect']", "traits['immunity.haste']", "traits['depot.radius']",
        "traits['thinnest_share']", "diameter", "age", "regrown", "terminal", "thickness",
        "weeks", "strength", "interval", "sessions", "volume", "spacing", "depth", "product",
    }  # fmt: skip
    assert len(base) == 3


@pytest.mark.parametrize(
    ("regimen", "weeks", "place"),
    [
        (Regimen(float("nan")), 4, "strength"),
        (Regimen(-1.0), 4, "strength"),
        (Regimen(5.0, float("inf")), 4, "interval"),
        (Regimen(5.0, 4.0, -1), 4, "sessions"),
        (Regimen(5.0, 4.0, 15), 4, "sessions"),
        (Regimen(5.0, product="nacl"), 4, "product"),
        (STANDARD, 521, "weeks"),
        (STANDARD, 4.5, "weeks"),
    ],
)
def test_an_impossible_regimen_is_refused(regimen: Regimen, weeks: int, place: str) -> None:
    assert problems(follow_people, people(2), regimen, weeks) == {place}
    traits = {"weight": np.full(2, 70.0)}
    assert problems(follow_blood, traits, np.array([7, 7]), regimen, weeks) == {place}


def test_nobody_is_refused() -> None:
    assert problems(follow_people, people(0), STANDARD) == {"people"}


def test_chunks_refuse_before_they_begin() -> None:
    with pytest.raises(InputError):
        next(follow_chunks(people(2), Regimen(-1.0)))


def test_blood_follows_dose_and_weight() -> None:
    weights = {"weight": np.array([50.0, 100.0, 70.0])}
    blood = follow_blood(weights, np.array([20, 20, 0]), Regimen(10.0, 4.0, 3), WEEKS)
    assert blood.concentration.shape == (3, WEEKS * 7)
    np.testing.assert_allclose(blood.concentration[0], 2.0 * blood.concentration[1], rtol=1e-5)
    np.testing.assert_array_equal(blood.concentration[2], 0.0)
    np.testing.assert_allclose(blood.morning[2], 1.0, atol=1e-6)
    assert blood.morning[0].min() < blood.morning[1].min() < 0.9
    expected = (1.0 - blood.suppression) * blood.capacity
    np.testing.assert_allclose(blood.morning, expected, rtol=1e-5)


def test_blood_refuses_impossible_numbers_of_injections() -> None:
    traits = {"weight": np.full(2, 70.0), "liver.size": np.ones(2)}
    places = problems(follow_blood, traits, np.array([-1.0, 3.0]), STANDARD)
    assert places == {"sites", "traits['liver.size']"}


def test_days_of_sessions() -> None:
    assert Regimen(5.0, 4.0, 3).days == (0, 28, 56)
    assert Regimen(5.0, 2.5, 2).days == (0, 18)
    assert NATURAL.days == Regimen(0.0, 4.0, 6).days == ()
