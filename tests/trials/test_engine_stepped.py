from dataclasses import replace

import numpy as np
import pytest
from trials.engine_cases import patches, some

from anagen.errors import InputError
from anagen.population.cohort import NATURAL, Regimen, follow_people
from anagen.population.person import Outcome
from anagen.trials.stepped import (
    NOT_GIVEN,
    Plan,
    Technique,
    follow_stepped,
    merged,
    sites_of,
)

WEEKS = 12
STRENGTHS = (2.5, 5.0, 10.0)


def plan(count: int, days: tuple[int, ...] = (0, 28, 56), choice: int = 1) -> Plan:
    shape = (count, 1, len(days))
    return Plan(np.broadcast_to(np.array(days), shape), np.full(shape, choice))


def assert_alike(stepped: Outcome, expected: Outcome) -> None:
    for name, one, other in zip(Outcome._fields, stepped, expected, strict=True):
        scale = max(float(np.abs(other).max()), 1.0)
        np.testing.assert_allclose(one[:, 0], other, atol=1e-4 * scale, err_msg=name)


def test_the_same_for_all_is_what_the_cohort_follows() -> None:
    everybody = patches(70, diameters=(20.0, 28.0))
    found = follow_stepped(everybody, STRENGTHS, plan(70), WEEKS)
    assert_alike(found, follow_people(everybody, Regimen(5.0, 4.0, 3), WEEKS))


def test_without_sessions_it_is_the_natural_course() -> None:
    everybody = patches(40)
    found = follow_stepped(everybody, STRENGTHS, plan(40, choice=NOT_GIVEN), WEEKS)
    assert_alike(found, follow_people(everybody, NATURAL, WEEKS))


def test_everybody_may_have_another_strength() -> None:
    everybody = patches(60)
    choice = np.arange(60) % 3
    mixed = Plan(plan(60).days, np.broadcast_to(choice[:, None, None], (60, 1, 3)))
    found = follow_stepped(everybody, STRENGTHS, mixed, WEEKS)
    for number, strength in enumerate(STRENGTHS):
        own = choice == number
        expected = follow_people(some(everybody, own), Regimen(strength, 4.0, 3), WEEKS)
        assert_alike(Outcome(*(field[own] for field in found)), expected)


def test_asking_on_the_way_changes_nothing_by_itself() -> None:
    everybody = patches(40)
    asked: list[tuple[int, int]] = []

    def decide(week: int, outcome: Outcome, now: Plan) -> Plan:
        asked.append((week, outcome.cover.shape[2]))
        return now

    whole = follow_stepped(everybody, STRENGTHS, plan(40), WEEKS)
    parts = follow_stepped(everybody, STRENGTHS, plan(40), WEEKS, decisions=(8, 3, 99),
                           decide=decide)  # fmt: skip
    assert asked == [(3, 4), (8, 9)]
    for one, other in zip(whole, parts, strict=True):
        assert one.tobytes() == other.tobytes()


def test_people_are_the_same_bit_by_bit_whoever_else_is_followed() -> None:
    everybody = patches(150, diameters=(20.0, 28.0))
    together = follow_stepped(everybody, STRENGTHS, plan(150), WEEKS)
    parts = [follow_stepped(some(everybody, own), STRENGTHS, plan(own.stop - own.start), WEEKS)
             for own in (slice(0, 61), slice(61, 150))]  # fmt: skip
    for field, one, other in zip(together, *parts, strict=True):
        assert field.tobytes() == np.concatenate([one, other]).tobytes()


def test_a_decision_changes_what_is_to_come_and_not_what_was() -> None:
    everybody = patches(40)

    def stop(week: int, outcome: Outcome, now: Plan) -> Plan:
        return Plan(now.days, np.full_like(now.choice, NOT_GIVEN))

    found = follow_stepped(everybody, STRENGTHS, plan(40), WEEKS, decisions=(4,), decide=stop)
    assert_alike(found, follow_people(everybody, Regimen(5.0, 4.0, 1), WEEKS))


def test_the_past_of_a_plan_stays() -> None:
    old = Plan(np.array([[[0, 28, 56]]]), np.array([[[1, 1, NOT_GIVEN]]]))
    new = Plan(np.array([[[3, 20, 60]]]), np.array([[[2, 2, 2]]]))
    kept = merged(old, new, 4)
    assert kept.days.tolist() == [[[0, 28, 60]]]
    assert kept.choice.tolist() == [[[1, 1, 2]]]


def test_whom_the_model_cannot_follow_has_no_numbers_and_harms_nobody() -> None:
    everybody = patches(40)
    broken = np.array(everybody.traits["depot.radius"])
    broken[7] = -1.0
    odd = replace(everybody, traits={**everybody.traits, "depot.radius": broken})
    found = follow_stepped(odd, STRENGTHS, plan(40), WEEKS)
    fine = follow_stepped(everybody, STRENGTHS, plan(40), WEEKS)
    assert np.isnan(found.cover[7]).all()
    others = np.arange(40) != 7
    np.testing.assert_array_equal(found.cover[others], fine.cover[others])


@pytest.mark.parametrize(
    ("what", "place"),
    [({"plan": plan(3)}, "plan"), ({"plan": plan(4, choice=3)}, "plan"),
     ({"strengths": ()}, "strengths"), ({"strengths": (5.0, 99.0)}, "strength"),
     ({"technique": Technique("saline")}, "product"), ({"weeks": 0}, "weeks")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(what: dict, place: str) -> None:
    arguments = {"people": patches(4), "strengths": (5.0,), "plan": plan(4, choice=0), "weeks": 4}
    with pytest.raises(InputError) as caught:
        follow_stepped(**{**arguments, **what})
    assert place in {problem.place for problem in caught.value.problems}


def test_injections_are_counted() -> None:
    assert sites_of(np.array([30.0, 28.0]), Technique()).tolist() == [7.0, 7.0]
    assert sites_of(np.array([40.0]), Technique(), 4).tolist() == [3.0]
