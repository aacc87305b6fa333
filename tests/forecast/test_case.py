"""A record in the terms of the forecast."""

from datetime import date, timedelta

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.forecast.case import bald_ages, day_of, make_case
from anagen.patient import PatchSeen, Patient, Visit
from anagen.patient.record import History
from anagen.population.variability import effects, usual
from anagen.scalp import PatchShape, build_scalp, circle_outline, frame

DAY = date(2026, 3, 2)


def patch(name, x=90.0, y=90.0, diameter=30.0, **changes):
    shape = PatchShape(outlines=(circle_outline("top", x, y, diameter),))
    return PatchSeen(id=name, shape=shape, **changes)


def visit(weeks, *patches, **changes):
    return Visit(date=DAY + timedelta(weeks=weeks), patches=patches, **changes)


def person(*visits, **changes):
    return Patient(id="P1", visits=visits, **changes)


def changed(patient, *extra):
    visits = sorted((*patient.visits, *extra), key=lambda one: one.date)
    return patient.model_copy(update={"visits": tuple(visits)})


def test_origin_is_the_latest_informative_day(patient, case):
    assert case.origin == date(2025, 2, 25)
    first = make_case(patient, date(2025, 2, 24))
    assert first.origin == date(2025, 1, 14)
    assert first.observations == ()
    assert [one.date for one in first.given] == [date(2025, 1, 14)]
    assert day_of(case, date(2025, 1, 14)) == -42
    assert {one.weeks for one in case.patches} == {6}


def test_sessions_move_the_origin_and_those_after_the_day_do_not_count(virtual):
    patient = virtual.patient.model_copy(update={"visits": virtual.patient.visits[:1]})
    days = [one.date for one in patient.sessions]
    assert make_case(patient).origin == days[-1]
    before = make_case(patient, days[1] - timedelta(days=1))
    assert before.origin == days[0]
    assert len(before.given) == 1
    assert all(len(one.doses) == 1 for one in before.patches)


def test_visits_that_say_nothing_change_nothing(patient, case):
    extra = (
        Visit(date=date(2025, 2, 3)),
        Visit(date=date(2025, 4, 1), patches=(PatchSeen(id="vertex"),)),
    )
    same = make_case(changed(patient, *extra))
    assert same.origin == case.origin
    assert same.patches == case.patches
    assert same.observations == case.observations
    np.testing.assert_array_equal(same.shown, case.shown)
    np.testing.assert_array_equal(same.known, case.known)


def test_a_course_begins_whole_weeks_before_the_origin():
    first = visit(0, patch("A", first_seen=DAY - timedelta(days=30)))
    later = Visit(date=DAY + timedelta(days=10),
                  patches=(PatchSeen(id="A", regrowth_percent=20.0),))  # fmt: skip
    found = make_case(person(first, later)).patches[0]
    assert (found.start, found.weeks, found.age) == (-14, 2, 30.0)
    assert not found.regrown_known


def test_the_first_look_is_a_start_and_no_test():
    found = make_case(person(visit(0, patch("A", regrowth_percent=40.0, terminal_percent=25.0))))
    assert found.observations == ()
    assert (found.patches[0].regrown, found.patches[0].terminal) == (0.4, 0.25)
    assert found.patches[0].regrown_known


def test_loss_that_no_patch_shows_is_kept_as_it_is():
    case = make_case(person(visit(0, patch("A"), salt_percent=10.0)))
    drawn = case.patches[0].area / case.scalp_area
    assert case.undrawn == pytest.approx(0.1 - drawn)
    assert case.patches[0].area == pytest.approx(np.pi / 4.0 * 30.0**2, rel=0.1)
    assert make_case(person(visit(0, patch("A")))).undrawn == 0.0


def test_a_later_score_that_leaves_no_room_for_it_takes_the_loss_beside_the_patches_away():
    first = visit(0, patch("A"), salt_percent=10.0)
    later = Visit(date=DAY + timedelta(days=56), salt_percent=1.0,
                  patches=(PatchSeen(id="A", regrowth_percent=80.0),))  # fmt: skip
    case = make_case(person(first, later))
    drawn = 0.2 * case.patches[0].area / case.scalp_area
    assert case.undrawn == pytest.approx(0.01 - drawn)
    assert make_case(person(first, later), on=first.date).undrawn > case.undrawn


def test_patches_that_nothing_tells_apart_share_a_deviation():
    width, _ = frame(build_scalp(), "top")
    twins = (patch("A", x=60.0), patch("B", x=width - 60.0))
    same = make_case(person(visit(0, *twins)))
    assert same.same == (0, 0)
    assert len(bald_ages(same)) == 1
    read = (PatchSeen(id="A", regrowth_percent=30.0), PatchSeen(id="B", regrowth_percent=30.0))
    assert make_case(person(visit(0, *twins), visit(4, *read))).same == (0, 0)
    one = (read[0], PatchSeen(id="B", regrowth_percent=60.0))
    assert make_case(person(visit(0, *twins), visit(4, *one))).same == (0, 1)
    smaller = (twins[0], patch("B", x=width - 60.0, diameter=20.0))
    assert make_case(person(visit(0, *smaller))).same == (0, 1)


def test_only_bald_patches_have_lasted():
    seen = (
        patch("A", x=70.0, first_seen=DAY - timedelta(days=200)),
        patch("B", x=110.0, first_seen=DAY - timedelta(days=300), regrowth_percent=80.0),
    )
    np.testing.assert_array_equal(bald_ages(make_case(person(visit(0, *seen)))), [200.0, 0.0])


def test_brows_are_left_out():
    brow = PatchSeen(id="brow", site="brow", regrowth_percent=10.0)
    both = make_case(person(visit(0, patch("A"), brow)))
    assert [one.id for one in both.patches] == ["A"]
    assert both.observations == ()


@pytest.mark.parametrize("on", [None, DAY])
def test_without_a_drawn_patch_there_is_no_case(on):
    for visits in ((), (visit(0, PatchSeen(id="A", regrowth_percent=10.0)),)):
        with pytest.raises(InputError, match="outline") as caught:
            make_case(person(*visits), on)
        assert caught.value.problems[0].remedy
    with pytest.raises(InputError, match="by 2026"):
        make_case(person(visit(1, patch("A"))), DAY)


def test_covariates_that_nobody_wrote_down_are_the_usual_patients():
    unknown = make_case(person(visit(0, patch("A"))))
    names = [one.covariate for one in effects()]
    told = dict(zip(names, unknown.known, strict=True))
    assert not told["nail_change"]
    assert not told["family_history"]
    assert told["several_patches"]
    assert unknown.effect("nail_change") == usual()[names.index("nail_change")]
    assert unknown.effect("several_patches") == 0.0
    history = History(nail_changes=True, family_history=False)
    known = make_case(person(visit(0, patch("A")), history=history))
    assert known.effect("nail_change") == 1.0
    assert known.effect("family_history") == 0.0


def test_duration_counts_from_the_onset():
    long = make_case(person(visit(0, patch("A")), onset=DAY - timedelta(days=800)))
    short = make_case(person(visit(0, patch("A")), onset=DAY - timedelta(days=30)))
    assert long.effect("duration_over_24_months") == 1.0
    assert short.effect("duration_over_6_months") == 0.0
    assert long.patches[0].age == 800.0
