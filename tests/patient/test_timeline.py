from datetime import date, timedelta

import pytest

from anagen.patient import (
    OtherSteroid,
    PatchDose,
    PatchSeen,
    Patient,
    SessionSummary,
    Visit,
    age_on,
    course_start,
    cumulative_steroid_mg,
    facts,
    latest_patches,
    latest_visit,
    patch_age_days,
    patch_shapes,
    regrowth_history,
    start_date,
    steroid_ledger,
)
from anagen.scalp import PatchShape, ViewPoint, circle_outline
from anagen.treatment.injections import Injection, Session

DAY = date(2025, 3, 3)
ROUND = PatchShape(outlines=(circle_outline("top", 80, 90, 30),))
LARGER = PatchShape(outlines=(circle_outline("top", 80, 90, 36),))


def weeks(count):
    return DAY + timedelta(weeks=count)


def visit(day, **fields):
    return Visit(date=day, patches=(PatchSeen(id="a", **fields),))


def injection(number=1, *, volume=0.1, status="given", product="ta10", strength=5.0, patch="a"):
    point = ViewPoint(view="top", x=80.0, y=90.0)
    return Injection(
        number=number, location=point, patch=patch, product=product, strength_mg_per_mL=strength,
        volume_mL=volume, depth_mm=3.0, needle_gauge=30, status=status,
        skipped_reason="pain" if status == "skipped" else None,
    )  # fmt: skip


def summary(day, mg, sites=10, product="ta10"):
    return SessionSummary(
        date=day, product=product, strength_mg_per_mL=5.0,
        patches=(PatchDose(patch="a", sites=sites, dose_mg=mg),),
    )  # fmt: skip


def test_age_from_birth_and_from_an_age_at_the_first_visit():
    born = Patient(id="P", born=date(1990, 3, 3))
    assert age_on(born, DAY) == pytest.approx(35, abs=0.01)
    told = Patient(id="P", age_years=35, visits=(Visit(date=DAY), Visit(date=weeks(52))))
    assert age_on(told, DAY) == 35
    assert age_on(told, weeks(52)) == pytest.approx(36, abs=0.01)
    assert age_on(Patient(id="P"), DAY) is None


def test_a_patch_not_drawn_again_keeps_its_shape():
    patient = Patient(
        id="P",
        visits=(visit(DAY, shape=ROUND), visit(weeks(6)), visit(weeks(12), shape=LARGER)),
    )
    assert patch_shapes(patient, weeks(-1)) == {}
    assert patch_shapes(patient, DAY) == {"a": ROUND}
    assert patch_shapes(patient, weeks(6)) == {"a": ROUND}
    assert patch_shapes(patient) == {"a": LARGER}


def test_a_dent_not_mentioned_has_not_healed():
    patient = Patient(
        id="P",
        visits=(
            visit(DAY, atrophy_grade=2, blocked="dent", regrowth_percent=20),
            visit(weeks(6)),
            visit(weeks(12), atrophy_grade=0),
        ),
    )
    seen = [latest_patches(patient, weeks(count))["a"] for count in (0, 6, 12)]
    assert [patch.atrophy_grade for patch in seen] == [2, 2, 0]
    assert [patch.blocked for patch in seen] == ["dent", None, None]
    assert [patch.regrowth_percent for patch in seen] == [20, None, None]


def test_visits_are_taken_in_order_of_date_and_up_to_the_day():
    patient = Patient(id="P", visits=(Visit(date=weeks(6)), Visit(date=DAY)))
    assert latest_visit(patient).date == weeks(6)
    assert latest_visit(patient, weeks(5)).date == DAY
    assert latest_visit(patient, weeks(-1)) is None
    assert start_date(patient) == weeks(6)


def test_a_start_without_visits():
    assert start_date(Patient(id="P")) is None
    assert start_date(Patient(id="P", session_summaries=(summary(DAY, 5),))) == DAY


def test_age_of_a_patch():
    noticed = Patient(id="P", visits=(visit(DAY, first_seen=weeks(-4)), visit(weeks(6))))
    assert patch_age_days(noticed, "a", weeks(6)) == 70
    assert patch_age_days(Patient(id="P", visits=(visit(DAY),)), "a", weeks(1)) == 7
    assert patch_age_days(noticed, "b", DAY) is None


def test_regrowth_from_percent_and_from_grades():
    patient = Patient(
        id="P",
        visits=(
            visit(DAY),
            visit(weeks(6), regrowth_percent=30),
            visit(weeks(12), regrowth_grade="IV", regrowth_scale="hrg"),
        ),
    )
    rows = regrowth_history(patient, "a")
    assert [(row.date, row.percent, row.from_grade) for row in rows] == [
        (weeks(6), 30, False),
        (weeks(12), 87.5, True),
    ]
    assert regrowth_history(patient, "b") == []


def test_the_ledger_sums_what_went_in_by_all_routes():
    sites = (injection(1), injection(2, volume=0.05), injection(3, status="skipped"))
    patient = Patient(
        id="P",
        sessions=(Session(date=DAY, injections=sites),),
        session_summaries=(summary(weeks(6), 5.0),),
        other_steroids=(
            OtherSteroid(drug="prednisolone", route="oral", total_mg=50, start=weeks(1)),
            OtherSteroid(drug="wonder", route="oral", total_mg=9, start=weeks(1)),
            OtherSteroid(drug="prednisolone", route="oral", start=weeks(1)),
        ),
    )
    entries = steroid_ledger(patient)
    assert [entry.date for entry in entries] == [DAY, weeks(1), weeks(1), weeks(1), weeks(6)]
    assert entries[0].dose_mg == pytest.approx(0.75)
    assert [entry.triamcinolone_mg for entry in entries[1:]] == [40, None, None, 5]
    assert cumulative_steroid_mg(patient, DAY) == pytest.approx(0.75)
    assert cumulative_steroid_mg(patient, weeks(6)) == pytest.approx(45.75)
    assert cumulative_steroid_mg(patient, weeks(6), days=7) == pytest.approx(5)
    assert cumulative_steroid_mg(patient, weeks(-1)) == 0


def test_a_course_counts_by_its_days():
    tablets = OtherSteroid(
        drug="triamcinolone", route="oral", total_mg=100, start=DAY, end=DAY + timedelta(days=9)
    )
    patient = Patient(id="P", other_steroids=(tablets,))
    assert cumulative_steroid_mg(patient, DAY) == pytest.approx(10)
    assert cumulative_steroid_mg(patient, DAY + timedelta(days=4)) == pytest.approx(50)
    assert cumulative_steroid_mg(patient, weeks(9)) == pytest.approx(100)
    assert cumulative_steroid_mg(patient, DAY + timedelta(days=9), days=1) == pytest.approx(20)


@pytest.mark.parametrize(("product", "factor"), [("ta10", 1.0), ("saline", 0.0), ("hca25", 0.2)])
def test_products_count_by_their_potency(product, factor):
    patient = Patient(id="P", session_summaries=(summary(DAY, 10.0, product=product),))
    assert cumulative_steroid_mg(patient, DAY) == pytest.approx(10 * factor, rel=0.15)


def test_a_betamethasone_vial_counts_more_than_triamcinolone():
    dose = {
        product: cumulative_steroid_mg(
            Patient(id="P", session_summaries=(summary(DAY, 5.0, product=product),)), DAY
        )
        for product in ("ta10", "bd5")
    }
    assert dose["bd5"] > 3 * dose["ta10"]


def test_facts_of_an_empty_record_are_unknown():
    known = facts(Patient(id="P"), DAY)
    assert known.age_years is None
    assert known.allergies is None
    assert known.patches == ()
    assert known.treatment_start is None


def test_asked_and_none_is_not_the_same_as_not_asked():
    assert facts(Patient(id="P", allergies=()), DAY).allergies == ()
    assert facts(Patient(id="P"), DAY).allergies is None


def test_facts_as_of_a_day():
    patient = Patient(
        id="P", born=date(2025, 2, 20), weight_kg=70, medicines=("ritonavir",),
        history={"autoimmune": ("vitiligo",)}, conditions=("diabetes",),
        visits=(
            Visit(date=DAY, salt_percent=10, pull_test_hairs=6, signs=("round face",),
                  patches=(PatchSeen(id="a", shape=ROUND, infection="impetigo"),)),
            Visit(date=weeks(6), weight_kg=73, morning_cortisol_nmol_per_L=300,
                  loss_percent={"top": 10, "back": 0, "left": 0, "right": 0},
                  patches=(PatchSeen(id="a", regrowth_percent=40, pull_test_hairs=2),)),
        ),
        sessions=(Session(date=DAY, injections=(injection(1), injection(2, patch=None))),),
        session_summaries=(summary(weeks(4), 6.0),),
    )  # fmt: skip
    early, late = facts(patient, DAY), facts(patient, weeks(6))
    assert early.is_neonate
    assert not late.is_neonate
    assert (early.weight_kg, late.weight_kg) == (70, 73)
    assert (early.salt_now, late.salt_now, late.salt_start) == (10, 4, 10)
    assert (early.pull_test_positive, late.pull_test_positive) == (True, False)
    assert early.signs == ("round face",)
    assert late.signs == ()
    assert late.conditions == ("diabetes", "vitiligo")
    assert late.medicines == ("ritonavir",)
    assert (early.patch("a").infection, late.patch("a").infection) == ("impetigo", None)
    assert late.treatment_start == DAY
    assert (early.last_review, late.last_review) == (None, weeks(6))
    assert (early.morning_cortisol_on, late.morning_cortisol_on) == (None, weeks(6))
    assert [(row.weeks, row.percent) for row in late.patch("a").regrowth] == [(6, 40)]
    first, second = late.sessions_given
    assert (first.dose_mg, first.volume_mL) == (pytest.approx(1.0), pytest.approx(0.2))
    assert first.patch_mg == {"a": pytest.approx(0.5)}
    assert second.volume_mL == pytest.approx(1.2)
    assert len(early.sessions_given) == 1


def test_nothing_after_the_day_reaches_the_facts():
    patient = Patient(
        id="P",
        visits=(visit(DAY), visit(weeks(6), atrophy_grade=3)),
        session_summaries=(summary(weeks(6), 30.0),),
        other_steroids=(OtherSteroid(drug="prednisone", route="oral", start=weeks(3)),),
    )
    cut = patient.model_copy(
        update={"visits": patient.visits[:1], "session_summaries": (), "other_steroids": ()}
    )
    assert facts(patient, weeks(2)) == facts(cut, weeks(2))


def test_a_year_without_a_session_ends_the_course():
    days = (DAY, weeks(6), weeks(80), weeks(84))
    patient = Patient(id="P", session_summaries=tuple(summary(day, 5) for day in days))
    assert course_start(patient, weeks(-1)) is None
    assert course_start(patient, weeks(7)) == DAY
    assert course_start(patient, weeks(70)) is None
    assert course_start(patient, weeks(84)) == weeks(80)
