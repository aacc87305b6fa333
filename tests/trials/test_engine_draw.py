import numpy as np
import pytest
from trials.engine_cases import ONE_SIZE, UNTREATED, arm, treatment, trial

from anagen.errors import InputError
from anagen.population.posterior import load_posterior
from anagen.population.variability import calibrated_traits
from anagen.population.virtual import traits_of
from anagen.trials.draw import Drawn, _draw_number, draw_trial
from anagen.trials.protocol import Eligibility, Endpoint, Protocol, Range
from anagen.trials.randomise import trial_size

TWO = (arm("a", treatment()), arm("b", treatment(10.0)))


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other))


def assert_cut(protocol: Protocol, total: int, cut: int) -> None:
    whole = draw_trial(protocol, 0, 0, total)
    parts = [draw_trial(protocol, 0, 0, cut), draw_trial(protocol, 0, cut, total - cut)]

    def joined(read: object) -> np.ndarray:
        return np.concatenate([read(part) for part in parts])  # type: ignore[operator]

    for name in ("arm", "part", "diameter", "age", "stratum", "rank"):
        assert same(getattr(whole, name), joined(lambda part, name=name: getattr(part, name)))
    for name in ("place", "replicate", "number", "screened", "draw"):
        assert same(getattr(whole.people, name),
                    joined(lambda part, name=name: getattr(part.people, name)))  # fmt: skip
    for key, values in whole.people.traits.items():
        assert same(values, joined(lambda part, key=key: part.people.traits[key]))


def test_a_person_is_the_same_in_whatever_chunk() -> None:
    assert_cut(trial(*TWO, people=700), 1400, 1023)


def test_strata_do_not_hang_on_the_chunk() -> None:
    assert_cut(trial(*TWO, people=40, stratify=("nail_change", "episode_days")), 160, 53)


def test_replicates_go_on_where_one_ends() -> None:
    protocol = trial(*TWO, people=10)
    together = draw_trial(protocol, 0, 0, 60)
    second = draw_trial(protocol, 1, 0, 20)
    assert same(together.people.covariates.extent[20:40], second.people.covariates.extent)
    assert together.people.replicate.tolist() == [0] * 20 + [1] * 20 + [2] * 20
    assert len(np.unique(together.people.covariates.extent)) == 60


@pytest.mark.parametrize(
    ("ratio", "people", "expected"),
    [(1.0, 25, (25, 25)), (0.848, 46, (46, 39)), (2.0, 7, (7, 14))],
)
def test_every_replicate_has_the_planned_numbers(
    ratio: float, people: int, expected: tuple[int, int]
) -> None:
    protocol = trial(TWO[0], arm("b", treatment(10.0), ratio), people=people)
    size = trial_size(protocol)
    found = draw_trial(protocol, 0, 0, 3 * size).arm.reshape(3, size)
    for row in found:
        assert tuple(np.bincount(row)) == expected
    assert not same(found[0], found[1])


def test_arms_are_even_within_strata() -> None:
    protocol = trial(*TWO, people=100, stratify=("nail_change", "sex"))
    drawn = draw_trial(protocol, 0, 0, 200)
    for stratum in np.unique(drawn.stratum):
        first, second = np.bincount(drawn.arm[drawn.stratum == stratum], minlength=2)
        assert abs(first - second) <= 2


def test_only_the_eligible_are_enrolled() -> None:
    wanted = Eligibility(
        age=Range(low=30.0, high=40.0), duration_weeks=Range(high=26.0), salt=Range(high=10.0),
        patch_diameter_mm=Range(low=20.0, high=40.0), patches=Range(low=2.0),
    )  # fmt: skip
    drawn = draw_trial(trial(*TWO, eligibility=wanted), 0, 0, 40)
    covariates = drawn.people.covariates
    assert ((covariates.age_years >= 30.0) & (covariates.age_years <= 40.0)).all()
    assert (covariates.episode_days <= 26 * 7).all()
    assert (covariates.extent <= 0.1).all()
    assert ((drawn.diameter >= 20.0) & (drawn.diameter <= 40.0)).all()
    assert (np.bincount(drawn.people.patches.person) >= 2).all()
    assert drawn.people.screened.mean() > 1.5


def test_all_patches_are_followed_where_salt_counts() -> None:
    salt = (Endpoint(key="salt", measure="salt", week=12, primary=True),)
    drawn = draw_trial(trial(*TWO, endpoints=salt), 0, 0, 30)
    assert len(drawn.diameter) == len(drawn.people.patches) > 30
    assert same(drawn.row_person[drawn.row], np.arange(30))


def quadrants(*arms: object) -> Drawn:
    wide = Eligibility(patch_diameter_mm=Range(low=36.0, high=44.0))
    protocol = trial(*arms, design="within", unit="quadrant", people=12, eligibility=wide)
    return draw_trial(protocol, 0, 0, 12)


def test_quadrants_hold_the_arms_in_random_order() -> None:
    drawn = quadrants(*TWO, arm("c", treatment(2.5)), arm("d", treatment(0.0)))
    own = drawn.arm.reshape(12, 4)
    assert (np.sort(own, axis=1) == np.arange(4)).all()
    assert len({tuple(row) for row in own}) > 6
    assert same(drawn.row_units, np.arange(48).reshape(12, 4))
    halves = quadrants(*TWO).arm.reshape(12, 4)
    assert (halves.sum(1) == 2).all()
    three = quadrants(*TWO, arm("c", UNTREATED)).arm.reshape(12, 4)
    assert (np.sort(three, axis=1) == np.array([-1, 0, 1, 2])).all()


def test_arms_lie_on_patches_of_one_person() -> None:
    drawn = draw_trial(trial(*TWO, design="within", unit="patch", people=10,
                             eligibility=Eligibility()), 0, 0, 10)  # fmt: skip
    assert (drawn.arm.reshape(10, 2).sum(1) == 1).all()
    assert same(drawn.row_person, np.repeat(np.arange(10), 2))
    assert (np.diff(drawn.rank.reshape(10, 2)) > 0).all()


def test_the_draw_of_the_posterior_is_the_one_of_the_traits() -> None:
    posterior = load_posterior()
    marked = type(posterior)(
        {**posterior.draws,
         "median": np.log(1.0 + np.arange(len(posterior)))[:, None]
         * np.ones(len(calibrated_traits())),
         "log_spread": np.full_like(posterior.draws["log_spread"], -30.0),
         "log_gain": np.full_like(posterior.draws["log_gain"], -30.0)},
        posterior.about,
    )  # fmt: skip
    drawn = draw_trial(trial(*TWO), 0, 0, 20)
    person = np.arange(5, 25)
    found = traits_of(marked)(drawn.people.covariates, 3, 5)
    number = _draw_number(marked, 3, person)
    key = next(trait.key for trait in calibrated_traits() if trait.key != "immunity.tolerance_time")
    trait = next(trait for trait in calibrated_traits() if trait.key == key)
    np.testing.assert_allclose(found[key], np.clip(1.0 + number, trait.low, trait.high), rtol=1e-6)


def test_hardly_anyone_eligible_is_refused() -> None:
    nobody = Eligibility(patch_diameter_mm=Range(low=30.0, high=30.0001))
    with pytest.raises(InputError, match="eligible"):
        draw_trial(trial(*TWO, eligibility=nobody), 0, 0, 5)


def test_numbers_that_cannot_be_meant_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        draw_trial(trial(*TWO, eligibility=ONE_SIZE, stratify=("shoe_size",)), -1, 0, 0)
    assert {problem.place for problem in caught.value.problems} == {
        "replicate",
        "count",
        "stratify",
    }
