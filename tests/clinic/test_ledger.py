"""The steroid ledger: by product, route and patch, over any window, and what the rules say."""

from datetime import date, timedelta

import pytest

from anagen.clinic.files import import_patient
from anagen.clinic.ledger import ledger, patient_ledger
from anagen.clinic.permissions import CONSOLE, Actor
from anagen.clinic.store import Store
from anagen.errors import AccessError, InputError, NotFoundError
from anagen.evidence.rules import load_rules
from anagen.patient import OtherSteroid, Patient, SessionSummary, cumulative_steroid_mg
from anagen.patient.record import PatchDose, PatchSeen, Visit
from anagen.scalp.views import ViewPoint
from anagen.treatment.injections import Injection, Session

FIRST = date(2023, 1, 9)


def site(number: int, patch: str | None, product: str = "ta10", **more: object) -> Injection:
    point = ViewPoint(view="top", x=0.5, y=0.5, unit="fraction")
    fields = {"status": "given", **more}
    return Injection(
        number=number, location=point, patch=patch, product=product, strength_mg_per_mL=5.0,
        volume_mL=0.1, depth_mm=3.0, needle_gauge=30, **fields,
    )  # fmt: skip


def treated() -> Patient:
    injections = (
        site(1, "a"), site(2, "a"), site(3, "b"), site(4, None),
        site(5, "b", status="skipped", skipped_reason="pause"), site(6, "a", "bd5"),
    )  # fmt: skip
    summary = SessionSummary(
        date=FIRST + timedelta(days=400), product="ta10",
        patches=(PatchDose(patch="a", sites=8, dose_mg=4.0), PatchDose(sites=2, dose_mg=1.0)),
    )  # fmt: skip
    pills = OtherSteroid(
        drug="prednisolone", route="oral", total_mg=100.0, start=FIRST + timedelta(days=100),
        end=FIRST + timedelta(days=109),
    )  # fmt: skip
    herbs = OtherSteroid(drug="somebody's cream", route="topical", start=FIRST)
    seen = tuple(PatchSeen(id=name) for name in ("a", "b"))
    return Patient(
        id="P1", age_years=40, visits=(Visit(date=FIRST, patches=seen),),
        sessions=(Session(date=FIRST, injections=injections),),
        session_summaries=(summary,), other_steroids=(pills, herbs),
    )  # fmt: skip


def test_sums_by_product_route_and_patch(store: Store) -> None:
    import_patient(store, CONSOLE, treated())
    found = ledger(store, CONSOLE, "P1", on=date(2025, 1, 1))
    # 0.5 mg of betamethasone count as 2.67 mg of triamcinolone, 100 mg of prednisolone as 80.
    beta = 0.5 * 4.0 / 0.75
    assert found.by_product == pytest.approx(
        {"prednisolone": 80.0, "ta10": 7.0, "bd5": beta, "somebody's cream": 0.0}
    )
    assert found.by_route == pytest.approx(
        {"oral": 80.0, "intralesional scalp": 7.0 + beta, "topical": 0.0}
    )
    assert found.by_patch == pytest.approx({"": 81.5, "a": 5.0 + beta, "b": 0.5})
    assert found.lifetime_mg == pytest.approx(87.0 + beta)
    assert found.unknown == 1
    lines = [(line.what, line.patch, line.sites) for line in found.lines if line.date == FIRST]
    assert set(lines) == {
        ("ta10", "a", 2), ("ta10", "b", 1), ("ta10", None, 1), ("bd5", "a", 1),
        ("somebody's cream", None, None),
    }  # fmt: skip
    assert list(found.lines) == sorted(found.lines, key=lambda line: line.date)
    assert found.lines[-1].total_mg == pytest.approx(found.lifetime_mg)


def test_totals_agree_with_those_of_the_patient() -> None:
    patient = treated()
    for on in (FIRST, FIRST + timedelta(days=104), date(2025, 1, 1)):
        found = patient_ledger(patient, on)
        assert found.lifetime_mg == pytest.approx(cumulative_steroid_mg(patient, on))


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [(104, 5, 40.0), (104, 3, 24.0), (109, 10, 80.0), (120, 11, 0.0), (120, 12, 8.0)],
)
def test_a_course_counts_by_its_days_inside_the_window(
    day: int, days: int, expected: float
) -> None:
    found = patient_ledger(treated(), FIRST + timedelta(days=day), days=days)
    assert found.window_mg == pytest.approx(expected)
    assert sum(found.by_route.values()) == pytest.approx(expected)


def test_the_running_year_forgets_what_is_older() -> None:
    last = patient_ledger(treated(), FIRST + timedelta(days=400)).lines[-1]
    assert last.total_mg - last.year_mg == pytest.approx(2.0 + 0.5 * 4.0 / 0.75)


def test_what_comes_after_the_day_does_not_count() -> None:
    found = patient_ledger(treated(), FIRST)
    assert found.lifetime_mg == pytest.approx(2.0 + 0.5 * 4.0 / 0.75)
    assert all(line.date <= FIRST for line in found.lines)


def test_alerts_come_from_the_rules_on_steroid_in_total() -> None:
    limit = load_rules()["cumulative-lifetime"].number
    assert limit is not None
    much = OtherSteroid(
        drug="triamcinolone", route="joint", total_mg=limit + 1, start=date(2024, 6, 1)
    )
    patient = Patient(id="P1", age_years=70, allergies=("benzyl alcohol",), other_steroids=(much,))
    alerts = patient_ledger(patient, date(2024, 7, 1)).alerts
    found = {alert.rule: alert for alert in alerts}
    assert found["cumulative-lifetime"].limit == limit
    assert {"bone-scan", "cumulative-12-months", "other-steroid-routes"} <= set(found)
    assert "allergy" not in found  # a rule about something else
    assert not patient_ledger(Patient(id="P2"), date(2024, 7, 1)).alerts


def test_bad_questions_are_refused(store: Store) -> None:
    import_patient(store, CONSOLE, Patient(id="P1"))
    with pytest.raises(InputError, match="at least 1"):
        ledger(store, CONSOLE, "P1", on=FIRST, days=0)
    with pytest.raises(InputError, match="profile"):
        ledger(store, CONSOLE, "P1", on=FIRST, profile="nobody's")
    with pytest.raises(NotFoundError):
        ledger(store, CONSOLE, "P2", on=FIRST)
    with pytest.raises(AccessError):
        ledger(store, Actor("x", frozenset()), "P1", on=FIRST)
    assert ledger(store, CONSOLE, "P1", on=FIRST).lines == ()
