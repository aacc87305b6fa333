"""What lies ahead: plans, blood, pain and relapse of people who fit."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.forecast.blood import follow_blood, merged_rows
from anagen.forecast.case import make_case
from anagen.forecast.doses import PatchDose
from anagen.forecast.outlook import (
    MOST_WEEKS,
    UNTREATED,
    choose_people,
    future_doses,
    last_day,
    look_ahead,
    missing_area,
    sessions_to_come,
    with_plan,
)
from anagen.forecast.pain import pain_quantiles
from anagen.forecast.past import body_of
from anagen.forecast.relapses import relapse_chances
from anagen.forecast.summary import QUANTILES
from anagen.population import cohort

LEVELS = (0.1, 0.5, 0.9)
PEOPLE = 4
DAYS = 182


def one_dose(case, day, strength=5.0, sites=8, volume=0.1):
    where = case.patches[0].reference
    parts = (("ta10", strength, volume, 1.0),)
    return PatchDose(case.origin + timedelta(days=day), sites, where, parts)


def blood_of(case, doses, first=0, last=DAYS):
    traits = {"depot.radius": np.linspace(0.8, 1.2, PEOPLE)}
    return follow_blood(body_of(case), traits, {"A": doses}, case.origin, first, last)


# ---- plans ---------------------------------------------------------------------------------------


def test_only_sessions_ahead_are_forecast(case, plan):
    assert sessions_to_come(case, None) == ()
    assert sessions_to_come(case, plan) == plan.sessions
    past = plan.sessions[0].model_copy(update={"date": case.origin - timedelta(days=1)})
    given = plan.sessions[1].model_copy(update={"date": case.given[0].date})
    mixed = plan.model_copy(update={"sessions": (given, past, plan.sessions[2])})
    assert sessions_to_come(case, mixed) == (plan.sessions[2],)


def test_what_is_to_come_follows_on_what_was_given(case, plan):
    coming = future_doses(case, plan.sessions)
    assert set(coming) == set(case.covers)
    for name, doses in coming.items():
        assert [one.day for one in doses] == [one.date for one in plan.sessions]
        own = [item for item in plan.sessions[0].injections if item.patch == name]
        assert doses[0].count == len(own)
    assert all(doses == () for doses in future_doses(case, ()).values())


def test_every_plan_has_its_arm_and_starts_from_the_same_state(told, plan):
    outlook = told.outlook
    assert list(outlook.arms) == [UNTREATED, "go on", "once"]
    assert set(outlook.plans) == {"go on", "once"}
    untreated = outlook.arms[UNTREATED]
    assert untreated.sessions == ()
    for arm in outlook.arms.values():
        for name, seen in arm.seen.items():
            assert seen.outcome.cover.shape == (len(outlook.people.number), outlook.weeks + 1)
            first = untreated.seen[name].outcome.cover[:, 0]
            np.testing.assert_allclose(seen.outcome.cover[:, 0], first, atol=1e-5)
    assert outlook.arms["go on"].sessions == plan.sessions


def test_the_future_begins_where_the_past_ends(told):
    people = told.outlook.people
    for name, seen in told.outlook.arms[UNTREATED].seen.items():
        end = people.learnt.past.seen[name].outcome.cover[people.number, -1]
        np.testing.assert_allclose(seen.outcome.cover[:, 0], end, atol=1e-5)


def test_plans_agree_until_they_differ(told):
    """The first session is common: until the second, nobody can tell the plans apart."""
    on, once = (told.outlook.arms[name] for name in ("go on", "once"))
    for name in on.seen:
        both = [np.asarray(arm.seen[name].outcome.cover) for arm in (on, once)]
        np.testing.assert_allclose(both[0][:, :5], both[1][:, :5], atol=2e-3)
        assert np.abs(both[0] - both[1])[:, 8:].max() > 0.05


def test_a_plan_added_later_is_the_plan_asked_for_at_once(learnt, plan):
    at_once = look_ahead(learnt, {"a": plan}, 4, people=256)
    later = with_plan(look_ahead(learnt, {}, 4, people=256), "a", plan)
    np.testing.assert_array_equal(at_once.people.number, later.people.number)
    for name, seen in at_once.arms["a"].seen.items():
        same = later.arms["a"].seen[name].outcome.cover
        np.testing.assert_array_equal(seen.outcome.cover, same)
    np.testing.assert_array_equal(
        at_once.arms["a"].blood.concentration, later.arms["a"].blood.concentration
    )


@pytest.mark.parametrize("weeks", [0, -1, MOST_WEEKS + 1, 4.0, True, "12"])
def test_a_horizon_that_cannot_be_meant_is_refused(learnt, weeks):
    with pytest.raises(InputError, match="whole number"):
        look_ahead(learnt, {}, weeks)


def test_untreated_is_no_name_for_a_plan(learnt, plan, told):
    with pytest.raises(InputError, match="rename"):
        look_ahead(learnt, {UNTREATED: plan}, 4)
    with pytest.raises(InputError, match="rename"):
        with_plan(told.outlook, UNTREATED, plan)
    with pytest.raises(InputError) as caught:
        look_ahead(learnt, {UNTREATED: plan}, 0)
    assert len(caught.value.problems) == 2


def test_missing_area_is_in_the_drawn_patches_measure(told):
    case = told.outlook.people.learnt.case
    arm = told.outlook.arms[UNTREATED]
    total, each = missing_area(case, arm.seen)
    np.testing.assert_allclose(total, each.sum(0))
    for number, patch in enumerate(case.patches):
        cover = np.asarray(arm.seen[patch.id].outcome.cover, float)
        # Spread beyond the outline adds to what is missing within.
        assert np.all(each[number] >= patch.area * (1.0 - cover) - 0.05 * patch.area)


def test_the_last_session_is_of_the_plan_or_else_of_the_record(told):
    case = told.outlook.people.learnt.case
    assert last_day(case, told.outlook.arms[UNTREATED]) == -42
    assert last_day(case, told.outlook.arms["once"]) == 0
    assert last_day(case, told.outlook.arms["go on"]) == 56


# ---- blood ---------------------------------------------------------------------------------------


def test_blood_without_sessions_is_the_untreated_one(case):
    blood = blood_of(case, ())
    assert blood.concentration.shape == (PEOPLE, DAYS)
    assert np.all(blood.concentration == 0.0)
    np.testing.assert_allclose(blood.morning, 1.0, atol=2e-3)
    np.testing.assert_allclose(blood.suppression, 0.0, atol=2e-3)


def test_steroid_in_plasma_adds_up(case):
    first, second = one_dose(case, 0), one_dose(case, 40, strength=2.5, sites=5)
    alone = [blood_of(case, (dose,)).concentration for dose in (first, second)]
    both = blood_of(case, (first, second)).concentration
    assert both.max() > 0.05
    np.testing.assert_allclose(both, alone[0] + alone[1], rtol=1e-4, atol=1e-6)
    assert np.all(alone[1][:, :40] == 0.0)


def test_twice_the_sites_are_twice_the_steroid(case):
    few, many = (blood_of(case, (one_dose(case, 0, sites=n),)).concentration for n in (6, 12))
    np.testing.assert_allclose(many, 2.0 * few, rtol=1e-4)


def test_a_day_later_is_a_day_later(case):
    now, later = (blood_of(case, (one_dose(case, day),)).concentration for day in (0, 9))
    np.testing.assert_allclose(later[:, 9:], now[:, :-9], rtol=1e-4, atol=1e-7)
    shifted = blood_of(case, (one_dose(case, 0),), first=-9, last=DAYS - 9).concentration
    np.testing.assert_allclose(shifted, later, rtol=1e-4, atol=1e-7)


def test_blood_is_that_of_the_fast_person(case):
    sites, regimen = 12, cohort.Regimen(5.0, 4.0, 3)
    doses = tuple(one_dose(case, day, sites=sites) for day in regimen.days)
    mine = blood_of(case, doses)
    traits = {"depot.radius": np.linspace(0.8, 1.2, PEOPLE),
              "weight": np.full(PEOPLE, case.person.weight_kg)}  # fmt: skip
    fast = cohort.follow_blood(traits, np.full(PEOPLE, sites), regimen, DAYS // 7)
    np.testing.assert_allclose(mine.concentration, fast.concentration, rtol=0.02, atol=2e-3)
    np.testing.assert_allclose(mine.morning, fast.morning, atol=0.01)
    np.testing.assert_allclose(mine.suppression, fast.suppression, atol=0.01)


def test_like_injections_of_a_day_are_one_row(case):
    same = {"A": (one_dose(case, 0, sites=4),), "B": (one_dose(case, 0, sites=3),)}
    rows, count = merged_rows(same, case.origin, 28)
    assert count.tolist() == [7.0]
    assert rows.start.tolist() == [0]
    other = {"A": (one_dose(case, 0),), "B": (one_dose(case, 0, strength=2.5),)}
    rows, count = merged_rows(other, case.origin, 28)
    assert len(count) == 2
    assert len(set(rows.kind)) == 2


def test_blood_is_followed_when_asked_for(learnt):
    without = look_ahead(learnt, {}, 4, blood=False)
    assert without.arms[UNTREATED].blood is None


# ---- pain ----------------------------------------------------------------------------------------


def with_score(patient, score):
    first, last = patient.visits
    last = last.model_copy(update={"pain_last_session": score})
    return make_case(patient.model_copy(update={"visits": (first, last)}))


def test_no_session_no_pain(case):
    assert np.all(np.isnan(pain_quantiles(case, (), QUANTILES)))


def test_who_was_hurt_will_be_hurt(patient, plan):
    scores = [None, 0, 2, 5, 8, 10]
    found = {score: pain_quantiles(with_score(patient, score), plan.sessions, LEVELS)
             for score in scores}  # fmt: skip
    middle = [found[score][1] for score in scores[1:]]
    assert middle == sorted(middle)
    assert middle[-1] - middle[0] > 2.0
    assert found[0][1] < found[None][1] < found[10][1]
    for ends in found.values():
        assert np.all(np.diff(ends) > 0.0)
        assert np.all((ends > 0.0) & (ends < 10.0))
    # One score narrows what is expected.
    assert np.ptp(found[5]) < np.ptp(found[None])


def test_the_worst_session_counts(case, plan):
    bare = plan.sessions[0].model_copy(update={"comfort": ()})
    hard, usual, both = (pain_quantiles(case, sessions, LEVELS) for sessions in
                         ((bare,), plan.sessions[:1], (bare, *plan.sessions[:1])))  # fmt: skip
    assert np.all(hard > usual)
    np.testing.assert_array_equal(both, hard)


# ---- relapse -------------------------------------------------------------------------------------


def regrown_of(told, name):
    case = told.outlook.people.learnt.case
    area, _ = missing_area(case, told.outlook.arms[name].seen)
    return np.maximum(1.0 - area / sum(patch.area for patch in case.patches), 0.0)


def test_relapse_only_grows_and_begins_after_the_last_session(told):
    arm = told.outlook.arms["go on"]
    chance = relapse_chances(told.outlook.people, arm, regrown_of(told, "go on"))
    known = np.isfinite(chance)
    assert known.any()
    assert np.all(chance[known] >= 0.0)
    assert np.all(chance[known] <= 1.0)
    for row in chance:
        assert np.all(np.diff(row[np.isfinite(row)]) >= -1e-6)
    assert np.all(chance[:, :9][known[:, :9]] == 0.0)
    assert np.nanmax(chance[:, 12:]) > 0.0


def test_nobody_relapses_who_never_responded(told):
    arm = told.outlook.arms[UNTREATED]
    people = told.outlook.people
    past = {name: seen._replace(outcome=seen.outcome._replace(
        bald_area=1e4 * np.ones_like(seen.outcome.bald_area)))
        for name, seen in people.learnt.past.seen.items()}  # fmt: skip
    learnt = replace(people.learnt, past=replace(people.learnt.past, seen=past))
    none = relapse_chances(replace(people, learnt=learnt), arm, np.zeros((len(people.number), 25)))
    assert np.all(np.isnan(none))


def test_losing_half_again_is_a_relapse(told):
    arm, people = told.outlook.arms[UNTREATED], told.outlook.people
    course = np.full((len(people.number), 25), 0.9)
    kept = relapse_chances(people, arm, course)
    course[:, 10:] = 0.4
    lost = relapse_chances(people, arm, course)
    assert np.all(lost[:, 10:] == 1.0)
    np.testing.assert_array_equal(lost[:, :10], kept[:, :10])
    assert np.all(kept[:, -1] < 1.0)


def test_people_belong_to_draws_that_could_have_made_them(learnt):
    people = choose_people(learnt, 512, 0)
    assert set(people.draw) <= set(learnt.prior.draws)
    assert people.x.shape == (512, learnt.prior.size)
    again = choose_people(learnt, 512, 0)
    np.testing.assert_array_equal(people.number, again.number)
    np.testing.assert_array_equal(people.draw, again.draw)
