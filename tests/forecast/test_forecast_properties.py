"""What must hold of every forecast of a patient."""

from datetime import date, timedelta

import numpy as np
import pytest
import xarray as xr

from anagen.errors import InputError
from anagen.forecast.case import make_case
from anagen.forecast.check import Check, VisitCheck, check
from anagen.forecast.outlook import UNTREATED
from anagen.forecast.predict import change_plan, forecast_from, forecast_patient
from anagen.forecast.update import update
from anagen.patient import PatchSeen, Patient, Visit
from anagen.scalp import PatchShape, build_scalp, circle_outline, frame

LEDGER = {"cumulative_mg", "planned_mg", "planned_mL", "planned_sites", "planned_sessions",
          "observed_cover"}  # fmt: skip
DAY = date(2026, 3, 2)


def changed(patient, *extra):
    visits = sorted((*patient.visits, *extra), key=lambda one: one.date)
    return patient.model_copy(update={"visits": tuple(visits)})


def read_again(patient, percent):
    """Read another regrowth of the vertex at the last visit."""
    first, last = patient.visits
    seen = tuple(one.model_copy(update={"regrowth_percent": percent}) if one.id == "vertex" else one
                 for one in last.patches)  # fmt: skip
    last = last.model_copy(update={"patches": seen})
    return patient.model_copy(update={"visits": (first, last)})


def test_a_forecast_says_what_it_is_of(told, case):
    attributes = told.dataset.attrs
    assert attributes["patient"] == case.patient.id
    assert attributes["origin"] == case.origin.isoformat()
    assert attributes["weeks"] == told.dataset.sizes["week"] - 1
    assert attributes["readings"] == told.diagnostics.readings == len(case.observations)
    assert attributes["check_p"] == told.diagnostics.check.p
    assert attributes["effective"] == told.diagnostics.effective > 0.0
    assert attributes["model_version"]
    assert attributes["posterior_version"]
    assert not told.withheld


def test_the_same_question_has_the_same_answer(patient, plan, told):
    once = plan.model_copy(update={"sessions": plan.sessions[:1]})
    plans = {"go on": plan, "once": once}
    origin = date.fromisoformat(told.dataset.attrs["origin"])
    again = forecast_patient(patient, plans, weeks=told.outlook.weeks, on=origin)
    assert again.dataset.identical(told.dataset)
    assert again.flags == told.flags


@pytest.mark.parametrize("extra", [
    Visit(date=date(2025, 2, 3)),
    Visit(date=date(2025, 4, 1)),
    Visit(date=date(2025, 4, 1), patches=(PatchSeen(id="vertex"),)),
])  # fmt: skip
def test_a_visit_that_says_nothing_changes_nothing(patient, plan, told, extra):
    once = plan.model_copy(update={"sessions": plan.sessions[:1]})
    plans = {"go on": plan, "once": once}
    again = forecast_patient(changed(patient, extra), plans, weeks=told.outlook.weeks)
    assert again.dataset.identical(told.dataset)


def test_a_changed_plan_is_the_plan_forecast_afresh(learnt, plan, plan_of, told):
    other = plan_of(sessions=2, interval=42)
    moved = change_plan(told, "go on", other)
    once = plan.model_copy(update={"sessions": plan.sessions[:1]})
    fresh = forecast_from(learnt, {"go on": other, "once": once}, weeks=told.outlook.weeks)
    assert moved.dataset.identical(fresh.dataset)
    assert moved.flags == fresh.flags
    more = change_plan(told, "other", other)
    assert more.dataset.plan.values.tolist() == [UNTREATED, "go on", "once", "other"]
    xr.testing.assert_allclose(more.dataset.sel(plan=["go on"]), told.dataset.sel(plan=["go on"]))


def test_what_happens_untreated_is_no_matter_of_the_plans(learnt, told):
    alone = forecast_from(learnt, weeks=told.outlook.weeks).dataset
    assert alone.plan.values.tolist() == [UNTREATED]
    xr.testing.assert_allclose(alone, told.dataset.sel(plan=[UNTREATED]), rtol=1e-12)


def test_the_horizon_changes_no_week(learnt, told):
    short = forecast_from(learnt, weeks=8).dataset
    long = told.dataset.sel(plan=[UNTREATED]).isel(week=slice(0, 9))
    np.testing.assert_allclose(short.patch_cover, long.patch_cover, atol=1e-5)
    np.testing.assert_allclose(short.cortisol_morning, long.cortisol_morning, atol=1e-5)


def test_a_plan_of_somebody_else_is_refused(patient, plan, told):
    other = plan.model_copy(update={"patient": "AA-0002"})
    with pytest.raises(InputError, match="AA-0002") as caught:
        forecast_patient(patient, {"a": other, "b": plan, "c": other})
    assert [one.place for one in caught.value.problems] == ["plan a", "plan c"]
    with pytest.raises(InputError, match="AA-0002"):
        change_plan(told, "a", other)


@pytest.mark.parametrize("weeks", [0, 261, 2.5])
def test_weeks_that_cannot_be_meant_are_refused(patient, weeks):
    with pytest.raises(InputError, match="weeks"):
        forecast_patient(patient, weeks=weeks)


def test_untreated_is_no_plans_name(patient, plan):
    with pytest.raises(InputError, match=UNTREATED):
        forecast_patient(patient, {UNTREATED: plan}, weeks=4)


def test_nobody_is_forecast_without_a_patch():
    with pytest.raises(InputError, match="outline"):
        forecast_patient(Patient(id="P1"))


def test_a_forecast_that_fails_its_check_holds_no_number(told, learnt, monkeypatch):
    observation = learnt.case.observations[0]
    failing = Check(1e-6, (VisitCheck(observation.day, 1, 1e-6, observation),))
    monkeypatch.setattr("anagen.forecast.predict.check", lambda *_: failing)
    failed = forecast_from(learnt, told.outlook.plans, weeks=told.outlook.weeks)
    assert failed.withheld
    assert failed.flags[0].severity == "stop"
    for name, one in failed.dataset.data_vars.items():
        if name in LEDGER:
            np.testing.assert_array_equal(one, told.dataset[name])
        else:
            assert np.all(np.isnan(one)), name
        assert one.attrs == told.dataset[name].attrs
    assert failed.dataset.attrs["check_p"] == 1e-6


def test_flags_come_gravest_first(told):
    order = [("stop", "warn", "inform").index(flag.severity) for flag in told.flags]
    assert order == sorted(order)
    assert "few-readings" in [flag.key for flag in told.flags]


def test_like_patches_have_like_courses():
    width, _ = frame(build_scalp(), "top")
    seen = tuple(
        PatchSeen(id=name, shape=PatchShape(outlines=(circle_outline("top", x, 90.0, 30.0),)),
                  first_seen=DAY - timedelta(days=60))
        for name, x in (("A", 60.0), ("B", width - 60.0))
    )  # fmt: skip
    read = tuple(PatchSeen(id=name, regrowth_percent=30.0) for name in ("A", "B"))
    visits = (Visit(date=DAY, patches=seen), Visit(date=DAY + timedelta(weeks=6), patches=read))
    found = forecast_patient(Patient(id="P1", visits=visits), weeks=8).dataset
    for name, one in found.data_vars.items():
        if "patch" in one.dims:
            np.testing.assert_array_equal(one.sel(patch="A"), one.sel(patch="B"), err_msg=name)


def test_a_better_response_never_lowers_the_forecast(patient, plan):
    """Read the vertex better and better: going on must not look worse for it."""
    weeks, halves, means = [4, 12, 24], [], []
    for percent in (20.0, 30.0, 40.0):
        found = forecast_patient(read_again(patient, percent), {"go on": plan}, weeks=24).dataset
        found = found.sel(plan="go on")
        halves.append(found.scalp_regrowth.sel(quantile=0.5, week=weeks).values)
        means.append(found.patch_mean_cover.sel(patch="vertex", week=weeks).values)
    assert np.diff(halves, axis=0).min() > -0.01
    assert np.diff(means, axis=0).min() > -0.01
    assert halves[-1][0] - halves[0][0] > 0.02


def test_more_is_known_of_the_patch_after_visits(stages):
    """After four visits the 80 % interval of the cover at the origin and after is narrower."""
    width = []
    for visits in (0, 4):
        found = forecast_from(stages[visits], weeks=8, seed=1).dataset
        ends = found.patch_cover.sel(plan=UNTREATED, week=8)
        width.append(float((ends.sel(quantile=0.9) - ends.sel(quantile=0.1)).mean()))
    assert width[1] < 0.6 * width[0]


def test_days_before_the_first_reading_know_only_the_population(patient):
    early = make_case(patient, date(2025, 1, 20))
    found = forecast_from(update(early), weeks=6)
    assert found.diagnostics.readings == 0
    assert found.diagnostics.check.p == 1.0
    assert check(found.outlook.people.learnt).worst is None
    assert found.dataset.sizes["visit"] == 0
    assert found.dataset.attrs["origin"] == "2025-01-14"
