"""Several raters, and records that contradict themselves: what is wrong, where, and what to do."""

import copy
import json
from datetime import date
from pathlib import Path

import pytest

from anagen.patient import PatchSeen, Patient, Reading, Visit, patient_json
from anagen.patient.files import check_document

EXAMPLE = json.loads(
    (Path(__file__).parents[2] / "examples/patient.json").read_text(encoding="utf-8")
)
TODAY = date(2026, 1, 1)
PATCH = ("visits", 1, "patches", 0)


def checked(change, today=TODAY):
    data = copy.deepcopy(EXAMPLE)
    change(data)
    patient, issues = check_document(data, today=today)
    for issue in issues:
        assert all((issue.expected, issue.found, issue.remedy))
    return patient, {(issue.severity, issue.path) for issue in issues}


def patch(data):
    return data["visits"][1]["patches"][0]


def read(*readings, **own):
    def change(data):
        kept = {k: v for k, v in patch(data).items() if not k.startswith("regrowth")}
        data["visits"][1]["patches"][0] = {**kept, **own, "readings": list(readings)}

    return checked(change)


def test_readings_of_several_raters_are_kept():
    patient, found = read(
        {"rater": "AB", "regrowth_percent": 40},
        {"by": "patient", "regrowth_grade": "2", "regrowth_scale": "rgs"},
        regrowth_percent=35,
    )
    assert found == set()
    first, second = patient.visits[1].patches[0].readings
    assert (first.rater, first.by, first.regrowth_percent) == ("AB", "clinician", 40.0)
    assert (second.by, second.regrowth_grade) == ("patient", "2")


def test_a_record_with_readings_survives_its_json():
    seen = PatchSeen(id="A", readings=(Reading(by="photo", terminal_percent=20.0),))
    patient = Patient(id="P1", visits=(Visit(date=date(2025, 1, 1), patches=(seen,)),))
    assert check_document(json.loads(patient_json(patient)), today=TODAY) == (patient, [])


@pytest.mark.parametrize(
    ("reading", "field"),
    [
        ({"regrowth_grade": "2"}, ()),
        ({"regrowth_scale": "rgs"}, ()),
        ({"regrowth_grade": "2", "regrowth_scale": "rsg"}, ("regrowth_scale",)),
        ({"regrowth_grade": "9", "regrowth_scale": "rgs"}, ("regrowth_grade",)),
        ({"by": "neighbour", "regrowth_percent": 20}, ("by",)),
        ({"regrowth_percent": 250}, ("regrowth_percent",)),
    ],
)
def test_a_reading_that_cannot_be_is_refused(reading, field):
    _, found = read({"regrowth_percent": 30}, reading)
    assert ("error", (*PATCH, "readings", 1, *field)) in found


def test_a_reading_of_nothing_is_pointed_out():
    patient, found = read({"rater": "AB"})
    assert found == {("warning", (*PATCH, "readings", 0))}
    assert patient is not None


@pytest.mark.parametrize(("own", "other", "odd"), [(20, 70, False), (20, 71, True), (90, 5, True)])
def test_raters_far_apart_are_asked_about_and_kept(own, other, odd):
    patient, found = read({"regrowth_percent": other}, regrowth_percent=own)
    assert found == ({("warning", (*PATCH, "readings", 0))} if odd else set())
    assert patient.visits[1].patches[0].readings[0].regrowth_percent == other


def test_readings_far_apart_without_one_of_the_examiner():
    _, found = read({"regrowth_percent": 90}, {"regrowth_percent": 5})
    assert found == {("warning", (*PATCH, "readings", 1))}


# ---- contradictions ------------------------------------------------------------------------------


def square(side, x=60.0, y=60.0, unit="mm"):
    points = [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]
    return {"outlines": [{"view": "top", "points": points, "unit": unit}]}


def alone(first, second, days=("2025-01-14", "2025-12-16")):
    """One patch with two outlines."""

    def change(data):
        data["sessions"] = []
        data["visits"] = [
            {"date": day, "patches": [{"id": "A", "shape": shape}]}
            for day, shape in zip(days, (first, second), strict=True)
        ]

    return checked(change)


SHAPE = ("visits", 1, "patches", 0, "shape")


@pytest.mark.parametrize(("before", "after"), [(20, 64), (60, 5)])
def test_a_patch_ten_times_larger_or_hundred_times_smaller_is_asked_about(before, after):
    patient, found = alone(square(before), square(after))
    assert found == {("warning", SHAPE)}
    assert patient is not None


@pytest.mark.parametrize(("before", "after"), [(20, 40), (40, 10), (30, 30)])
def test_patches_that_grow_or_heal_as_patches_do_are_not(before, after):
    assert alone(square(before), square(after))[1] == set()


def test_an_area_larger_than_the_scalp_is_refused():
    _, found = alone(square(20), square(600, x=-200.0, y=-200.0))
    assert ("error", (*SHAPE, "outlines", 0)) in found


def test_the_same_session_under_two_dates_is_asked_about():
    def change(data):
        session = copy.deepcopy(data["sessions"][0])
        session["date"] = "2025-01-15"
        data["sessions"].insert(1, session)

    patient, found = checked(change)
    assert ("warning", ("sessions", 1, "date")) in found
    assert patient is not None


def test_a_session_and_a_summary_a_day_apart_are_asked_about():
    def change(data):
        dose = {"patch": "vertex", "sites": 5, "dose_mg": 2.5}
        row = {"date": "2025-01-16", "product": "ta10", "strength_mg_per_mL": 5.0}
        data["session_summaries"] = [{**row, "patches": [dose]}]

    assert ("warning", ("session_summaries", 0, "date")) in checked(change)[1]


def test_weekly_sessions_are_usual():
    def change(data):
        session = copy.deepcopy(data["sessions"][0])
        session["date"] = "2025-01-21"
        data["sessions"].insert(1, session)

    assert checked(change)[1] == set()


@pytest.mark.parametrize(
    ("place", "value", "severity"),
    [
        (("weight_kg",), 640.0, "error"),
        (("height_cm",), 16.8, "error"),
        (("head_circumference_mm",), 5560.0, "error"),
        (("visits", 0, "morning_cortisol_nmol_per_L"), 4000.0, "warning"),
        (("visits", 0, "morning_cortisol_nmol_per_L"), 15.0, "warning"),
        (("visits", 0, "salt_percent"), 60.0, "warning"),
        (("visits", 0, "salt_percent"), 600.0, "error"),
        (("sessions", 0, "injections", 0, "strength_mg_per_mL"), 50.0, "error"),
        (("sessions", 0, "injections", 0, "volume_mL"), 1.0, "warning"),
    ],
)
def test_slips_of_ten_are_found(place, value, severity):
    def change(data):
        inner = data
        for part in place[:-1]:
            inner = inner[part]
        inner[place[-1]] = value

    assert (severity, place) in checked(change)[1]


def test_a_patch_noticed_before_the_onset_is_asked_about():
    def change(data):
        data["visits"][0]["patches"][0]["first_seen"] = "2024-01-01"

    patient, found = checked(change)
    assert ("warning", ("visits", 0, "patches", 0, "first_seen")) in found
    assert patient is not None


def test_a_record_of_nothing_is_a_record():
    for data in ({"id": "P1"}, {"id": "P1", "visits": [{"date": "2025-01-01"}]}):
        patient, found = check_document(data, today=TODAY)
        assert patient is not None
        assert found == []


def test_every_problem_is_told_at_once():
    def change(data):
        data["visits"][1]["date"] = "2035-02-25"
        data["onset"] = "2025-01-20"
        data["sessions"].append(copy.deepcopy(data["sessions"][0]))
        data["visits"][1]["patches"][0]["readings"] = [{"regrowth_grade": "2"}]

    found = checked(change)[1]
    assert {
        ("error", ("visits", 1, "date")),
        ("error", ("visits", 0, "date")),
        ("error", ("sessions", 1)),
        ("error", (*PATCH, "readings", 0)),
    } <= found
