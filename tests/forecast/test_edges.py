"""Edges of the forecast: many sessions, people lost, what is not known yet, relapse so far."""

from datetime import date

import numpy as np

from anagen.forecast import update as room
from anagen.forecast.case import make_case
from anagen.forecast.outlook import look_ahead, sessions_to_come
from anagen.forecast.pain import pain_quantiles
from anagen.forecast.predict import forecast_from
from anagen.forecast.summary import summarise
from anagen.forecast.update import update
from anagen.forecast.virtual import future_of, virtual_patient

QUARTERS = (0.25, 0.5, 0.75)


def test_sessions_after_the_day_are_still_to_come():
    virtual = virtual_patient(1)
    for visits, left in ((0, 2), (1, 1), (2, 0)):
        case, plan, _ = future_of(virtual, visits)
        assert len(sessions_to_come(case, plan)) == left


def test_later_sessions_change_nothing_before_them(learnt, plan_of):
    few, many = plan_of(sessions=20, interval=14), plan_of(sessions=40, interval=14)
    found = summarise(look_ahead(learnt, {"few": few, "many": many}, 24))
    for name in ("patch_mean_cover", "cortisol_morning"):
        one, other = (found[name].sel(plan=plan) for plan in ("few", "many"))
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_score_remembered_after_the_day_is_not_known_yet(patient, plan):
    day = date(2025, 1, 20)
    unsaid = patient.model_copy(update={"visits": patient.visits[:1]})
    found = [
        pain_quantiles(make_case(one, day), plan.sessions, QUARTERS) for one in (patient, unsaid)
    ]
    np.testing.assert_array_equal(*found)


def test_every_draw_of_the_population_meets_every_quantile(patient):
    unread = patient.model_copy(update={"visits": patient.visits[:1], "sessions": ()})
    learnt = update(make_case(unread))
    prior = learnt.prior
    number = np.arange(len(learnt.x)) % len(prior.draws)
    score = (learnt.x[:, : prior.traits] - prior.centre[number]) / prior.spread[number]
    for trait in score.T:
        between = np.var([trait[number == k].mean() for k in range(len(prior.draws))])
        assert between < 0.3 * np.var(trait)


def test_people_who_cannot_be_followed_weigh_nothing(case, monkeypatch):
    lost = 40

    def all_but_some(past):
        count = len(next(iter(past.seen.values())).outcome.cover)
        return np.arange(count) >= lost

    monkeypatch.setattr(room, "_followed", all_but_some)
    learnt = update(case, rounds=1)
    assert np.all(learnt.weight[:lost] == 0.0)
    assert learnt.weight[lost:].sum() > 0.999


def test_no_relapse_has_been_seen_at_the_origin():
    case, plan, _ = future_of(virtual_patient(1), 4)
    told = forecast_from(update(case), {"plan": plan}, weeks=8)
    chance = told.dataset["relapse_chance"].sel(plan="plan").values
    assert chance[0] < 0.01
    assert np.all(np.diff(chance) > -0.02)


def test_a_better_reading_raises_what_comes_untreated_too(patient):
    first, last = patient.visits
    means = []
    for percent in (20.0, 30.0, 40.0):
        seen = tuple(one.model_copy(update={"regrowth_percent": percent})
                     if one.id == "vertex" else one for one in last.patches)  # fmt: skip
        visits = (first, last.model_copy(update={"patches": seen}))
        learnt = update(make_case(patient.model_copy(update={"visits": visits})))
        told = forecast_from(learnt, weeks=24).dataset
        cover = told["patch_mean_cover"].sel(plan="untreated", patch="vertex")
        means.append(cover.sel(week=[12, 24]).values)
    assert np.diff(means, axis=0).min() > -0.02
