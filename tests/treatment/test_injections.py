"""Injection, session and plan: sums, order, and what they refuse."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.scalp.views import ViewPoint
from anagen.treatment.injections import Injection, Plan, Session, SiteLayout
from anagen.treatment.validation import input_errors

POINT = {"view": "top", "x": 80.0, "y": 90.0}
GOOD = {
    "number": 1,
    "location": POINT,
    "patch": "P1",
    "product": "ta10",
    "strength_mg_per_mL": 5.0,
    "volume_mL": 0.1,
    "depth_mm": 3.0,
    "needle_gauge": 30,
}


def injection(**fields: object) -> Injection:
    return Injection.model_validate({**GOOD, **fields})


def problems(model: type, data: object, place: str = "plan.json") -> dict[str, object]:
    with pytest.raises(InputError) as caught, input_errors(place):
        model.model_validate(data)
    return {problem.place: problem for problem in caught.value.problems}


def test_dose_is_strength_times_volume() -> None:
    assert injection().dose_mg == pytest.approx(0.5)
    assert injection(strength_mg_per_mL=2.5, volume_mL=0.05).dose_mg == pytest.approx(0.125)


def test_skipped_injection_gives_nothing_and_says_why() -> None:
    skipped = injection(status="skipped", skipped_reason="atrophy")
    assert skipped.dose_mg == 0.0
    session = Session(date=date(2026, 3, 2), injections=(injection(number=2), skipped))
    assert session.total_mg == pytest.approx(0.5)
    assert session.total_mL == pytest.approx(0.1)
    assert session.sites == 1
    found = problems(Injection, {**GOOD, "status": "skipped"})
    assert "skipped_reason" in found["plan.json"].expected  # type: ignore[attr-defined]
    assert problems(Injection, {**GOOD, "skipped_reason": "pain"})


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("strength_mg_per_mL", 50.0, "5 mg/mL"),
        ("volume_mL", 10.0, "0.1 mL"),
        ("depth_mm", 30.0, "3 mm"),
        ("needle_gauge", 300, "30"),
    ],
)
def test_decimal_slips_are_refused_with_the_number_meant(
    field: str, value: float, meant: str
) -> None:
    found = problems(Injection, {**GOOD, field: value})[f"plan.json: {field}"]
    assert f"was {meant} meant?" in found.remedy  # type: ignore[attr-defined]
    assert "between" in found.expected  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1", True, None, 1e300, 0.0])
def test_volumes_that_are_no_volumes_are_refused(value: object) -> None:
    assert "plan.json: volume_mL" in problems(Injection, {**GOOD, "volume_mL": value})


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": 1.5},
        {"product": ""},
        {"location": {"view": "front", "x": 1.0, "y": 1.0}},
        {"location": {"view": "top", "x": float("nan"), "y": 1.0}},
        {"needle_gauge": 12},
        {"status": "done"},
        {"strengh": 5.0},
        {"expiry": "2026-02-30"},
    ],
)
def test_every_bad_field_is_refused(change: dict[str, object]) -> None:
    assert problems(Injection, {**GOOD, **change})


def test_all_problems_come_together_each_with_its_place() -> None:
    bad = {**GOOD, "volume_mL": 10.0, "strength_mg_per_mL": -1.0}
    data = {"date": "2026-03-02", "injections": [GOOD, {**bad, "number": 2}]}
    found = problems(Session, data, "session")
    assert set(found) == {
        "session: injections[1].volume_mL",
        "session: injections[1].strength_mg_per_mL",
    }


def test_numbers_stand_once_in_a_session() -> None:
    found = problems(Session, {"date": "2026-03-02", "injections": [GOOD, GOOD]}, "s")
    assert set(found) == {"s: injections[1].number"}


@pytest.mark.parametrize(
    ("second", "word"),
    [("2026-03-02", "after"), ("2026-02-01", "after"), ("2028-03-02", "days between")],
)
def test_dates_out_of_order_are_refused_with_their_place(second: str, word: str) -> None:
    data = {
        "protocol": "custom",
        "patient": "P1",
        "sessions": [{"date": "2026-03-02"}, {"date": second}],
    }
    found = problems(Plan, data)["plan.json: sessions[1].date"]
    assert word in found.expected  # type: ignore[attr-defined]


@pytest.mark.parametrize("day", ["0026-03-02", "3026-03-02", "2026-13-01", "tomorrow", 5, None])
def test_impossible_dates_are_refused(day: object) -> None:
    assert "s: date" in problems(Session, {"date": day}, "s")


def test_layout_bounds() -> None:
    assert SiteLayout().spacing_mm == 10.0
    assert problems(SiteLayout, {"spacing_mm": 1.0})
    assert problems(SiteLayout, {"margin_mm": float("nan")})
    assert problems(SiteLayout, {"pattern": "random"})


def test_values_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        injection().volume_mL = 1.0  # type: ignore[misc]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    doses=st.lists(st.tuples(st.floats(0.0, 40.0), st.floats(0.005, 1.0)), min_size=0, max_size=12),
    gaps=st.lists(st.integers(1, 60), min_size=0, max_size=5),
)
def test_a_plan_holds_the_sum_of_its_sessions(
    doses: list[tuple[float, float]], gaps: list[int]
) -> None:
    sites = tuple(
        injection(number=n, strength_mg_per_mL=s, volume_mL=v)
        for n, (s, v) in enumerate(doses, start=1)
    )
    day, sessions = date(2026, 1, 1), []
    for gap in [0, *gaps]:
        day += timedelta(days=gap)
        sessions.append(Session(date=day, injections=sites))
    plan = Plan(protocol="custom", patient="P1", sessions=tuple(sessions))
    each = sum(s * v for s, v in doses)
    assert plan.total_mg == pytest.approx(len(sessions) * each)
    assert plan.total_mL == pytest.approx(len(sessions) * sum(v for _, v in doses))
    assert plan.days[-1] == sum(gaps)
    assert sessions[0].strengths == tuple(sorted({s for s, _ in doses}))


def test_location_is_a_view_point() -> None:
    assert injection().location == ViewPoint(view="top", x=80.0, y=90.0)
