"""Which readings a record holds: raters, outlines drawn anew, missing data, what is left out."""

from datetime import date, timedelta

import pytest

from anagen.forecast.observations import observe, pain_seen
from anagen.patient import (
    LossByView,
    OtherSteroid,
    PatchDose,
    PatchSeen,
    Patient,
    Reading,
    SessionSummary,
    Trichoscopy,
    Visit,
)
from anagen.scalp import PatchShape, circle_outline

FIRST = date(2026, 1, 5)


def circle(diameter=30.0, x=90.0):
    return PatchShape(outlines=(circle_outline("top", x, 90.0, diameter),))


def week(number):
    return FIRST + timedelta(weeks=number)


def seen(name="A", **fields):
    return PatchSeen(id=name, **fields)


def patient(*visits, **fields):
    """A patch drawn on the first day, and later visits with what they hold."""
    drawn = Visit(date=FIRST, patches=(seen(shape=circle()),))
    return Patient(id="P1", visits=(drawn, *visits), **fields)


def later(number=6, visit=None, **fields):
    return Visit(date=week(number), patches=(seen(**fields),), **(visit or {}))


def kinds(record, **options):
    return [one.kind for one in observe(record, **options)]


def test_an_empty_record_says_nothing():
    assert observe(Patient(id="P1")) == ()


def test_visits_without_a_reading_say_nothing():
    empty = (Visit(date=week(4)), later(6), later(8, note="looked at", blocked="sunburn"))
    assert observe(patient(*empty)) == ()
    with_reading = later(10, regrowth_percent=40.0)
    assert observe(patient(*empty, with_reading)) == observe(patient(with_reading))


def test_each_field_is_one_reading_and_a_missing_one_is_none():
    fields = {
        "cover": {"regrowth_percent": 40.0},
        "terminal": {"terminal_percent": 40.0},
        "trichoscopy": {"trichoscopy": Trichoscopy(black_dots=2, broken_hairs=1)},
        "pull": {"pull_test_hairs": 4},
        "atrophy": {"atrophy_grade": 0},
        "telangiectasia": {"telangiectasia_grade": 1},
        "colour": {"colour_change_grade": 0},
    }
    for kind, field in fields.items():
        assert kinds(patient(later(**field))) == [kind]
    every = {key: value for field in fields.values() for key, value in field.items()}
    assert sorted(kinds(patient(later(**every)))) == sorted(fields)


def test_signs_that_were_not_looked_for_and_signs_of_recovery_are_no_activity():
    healing = Trichoscopy(short_vellus_hairs=3, yellow_dots=2)
    assert kinds(patient(later(trichoscopy=healing))) == []
    (one,) = observe(patient(later(trichoscopy=Trichoscopy(tapering_hairs=0))))
    assert one.low == -float("inf")


@pytest.mark.parametrize(("hairs", "place"), [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2), (40, 2)])
def test_pulls_are_normal_abnormal_or_many(hairs, place):
    (one,) = observe(patient(later(pull_test_hairs=hairs)))
    assert one.edges.index(one.low) == place


def test_a_pull_anywhere_counts_where_it_can_mean_one_patch_only():
    assert kinds(patient(later(visit={"pull_test_hairs": 5}))) == ["pull"]
    assert len(observe(patient(later(visit={"pull_test_hairs": 5}, pull_test_hairs=1)))) == 1
    two = Visit(date=week(2), patches=(seen("B", shape=circle(x=30.0)),))
    assert kinds(patient(two, later(visit={"pull_test_hairs": 5}))) == []


def test_a_grade_is_read_as_its_interval():
    (one,) = observe(patient(later(regrowth_grade="A2", regrowth_scale="olsen")))
    assert (one.low, one.high, one.value, one.unit) == (0.25, 0.5, "A2", "olsen")


def test_raters_at_one_visit_are_readings_of_their_own():
    others = (
        Reading(rater="AB", regrowth_percent=60.0),
        Reading(by="patient", regrowth_grade="3", regrowth_scale="rgs"),
        Reading(by="photo", terminal_percent=30.0),
        Reading(rater="CD"),
    )
    found = observe(patient(later(regrowth_percent=50.0, readings=others)))
    assert [(one.kind, one.rater) for one in found] == [
        ("cover", "clinician"), ("cover", "clinician"), ("cover", "patient"), ("terminal", "photo"),
    ]  # fmt: skip
    assert found[0].scale == found[1].scale == 1.0 < found[3].scale < found[2].scale


def test_a_reading_by_another_counts_without_one_by_the_examiner():
    home = (Reading(by="patient", regrowth_percent=60.0),)
    assert kinds(patient(later(readings=home))) == ["cover"]


def test_an_outline_drawn_anew_is_held_against_the_bald_area():
    (one,) = observe(patient(later(shape=circle(42.0), regrowth_percent=50.0)))
    assert one.kind == "missing"
    assert one.outline == pytest.approx(42.0**2 / 30.0**2, rel=0.1)
    assert one.low < 0.5 * one.outline < one.high
    after = later(9, regrowth_percent=50.0)
    again = observe(patient(later(shape=circle(42.0)), after))
    assert [each.kind for each in again] == ["missing", "missing"]
    assert again[1].outline == again[0].outline
    assert again[0].low < again[0].outline < again[0].high


def test_the_first_outline_drawn_again_is_not_drawn_anew():
    assert kinds(patient(later(shape=circle()))) == []
    assert kinds(patient(later(shape=circle(), regrowth_percent=50.0))) == ["cover"]


def test_a_patch_that_grows_back_holds_at_most_its_outline():
    (one,) = observe(patient(later(shape=circle(24.0), activity="regrowing")))
    assert one.kind == "missing"
    assert one.low == -float("inf")
    assert one.high == pytest.approx(one.outline, rel=0.05)


def test_resolved_is_much_cover():
    (one,) = observe(patient(later(activity="resolved")))
    assert (one.kind, one.high, one.value) == ("cover", float("inf"), "resolved")
    assert 0.8 < one.low <= 0.9
    assert kinds(patient(later(activity="resolved", regrowth_percent=95.0))) == ["cover"]
    for word in ("active", "stable", "regrowing"):
        assert kinds(patient(later(activity=word))) == []


def test_other_sites_and_patches_never_drawn_are_left_out():
    brow = seen("brow", site="brow", regrowth_percent=50.0)
    loose = seen("B", regrowth_percent=50.0)
    record = patient(Visit(date=week(4), patches=(brow, loose)))
    assert observe(record) == ()
    assert observe(Patient(id="P1", visits=(later(regrowth_percent=50.0),))) == ()


def test_a_patch_says_nothing_before_it_is_drawn():
    early = Visit(date=week(-4), patches=(seen(regrowth_percent=10.0),), salt_percent=5.0)
    drawn = Visit(date=FIRST, patches=(seen(shape=circle()),))
    assert observe(Patient(id="P1", visits=(early, drawn))) == ()


def test_a_score_counts_when_all_that_is_lost_is_drawn():
    (one,) = observe(patient(later(visit={"salt_percent": 3.0})))
    assert (one.kind, one.patch, one.value) == ("salt", None, "3")
    assert one.low < 0.03 < one.high
    views = LossByView(top=5.0, back=0.0, left=0.0, right=0.0)
    (one,) = observe(patient(later(visit={"loss_percent": views})))
    assert one.low < 0.02 < one.high
    assert kinds(patient(later(visit={"loss_percent": LossByView(top=5.0)}))) == []
    loose = Visit(date=week(2), patches=(seen("B"),))
    assert kinds(patient(loose, later(visit={"salt_percent": 3.0}))) == []


def test_harm_is_read_once():
    def grades(*values):
        visits = [later(4 * k + 4, atrophy_grade=value) for k, value in enumerate(values)]
        return [(one.day, one.value) for one in observe(patient(*visits))]

    assert grades(0, 0, 0) == [(week(12), "0")]
    assert grades(0, 1, 2, 0) == [(week(8), "1")]
    assert observe(patient(later(atrophy_grade=1)), until=week(5)) == ()


def test_harm_from_before_the_first_outline_is_no_harm_of_ours():
    drawn = Visit(date=FIRST, patches=(seen(shape=circle(), atrophy_grade=2),))
    record = Patient(id="P1", visits=(drawn, later(atrophy_grade=2)))
    assert observe(record) == ()


def test_terminal_share_of_nothing_is_nothing():
    assert kinds(patient(later(regrowth_percent=0.0, terminal_percent=0.0))) == ["cover"]


def summary(day):
    return SessionSummary(date=day, product="ta10", patches=(PatchDose(sites=5, dose_mg=2.5),))


def cortisol(number, value):
    return Visit(date=week(number), morning_cortisol_nmol_per_L=value)


def test_cortisol_is_held_against_the_own_baseline_where_it_is_known():
    start = Visit(date=FIRST, patches=(seen(shape=circle()),), morning_cortisol_nmol_per_L=600.0)
    known = Patient(
        id="P1", visits=(start, cortisol(4, 300.0)), session_summaries=(summary(week(1)),)
    )
    (one,) = observe(known)
    assert one.low < -0.693 < one.high
    (typical,) = observe(patient(cortisol(4, 420.0), session_summaries=(summary(FIRST),)))
    assert typical.low < 0.0 < typical.high
    assert one.scale < typical.scale == 1.0


def test_cortisol_under_another_steroid_says_nothing_about_the_injections():
    oral = OtherSteroid(drug="prednisolone", route="oral", start=week(3), end=week(5), total_mg=300)
    session = (summary(week(1)),)
    near = patient(cortisol(6, 100.0), session_summaries=session, other_steroids=(oral,))
    assert observe(near) == ()
    far = patient(cortisol(40, 400.0), session_summaries=session, other_steroids=(oral,))
    assert kinds(far) == ["cortisol"]


def test_readings_stand_in_order_of_day_and_none_is_later_than_asked():
    visits = [later(4 * k, regrowth_percent=10.0 * k, pull_test_hairs=1) for k in range(1, 6)]
    found = observe(patient(*visits))
    days = [one.day for one in found]
    assert days == sorted(days)
    assert len(days) == 10
    early = observe(patient(*visits), until=week(12))
    assert early == found[:6]


def test_pain_is_that_of_the_session_before():
    record = patient(
        Visit(date=week(1), pain_last_session=2),
        Visit(date=week(4), pain_last_session=6),
        Visit(date=week(8), pain_last_session=3),
        session_summaries=(summary(week(1)), summary(week(4))),
    )
    assert pain_seen(record) == [(week(1), 2), (week(1), 6), (week(4), 3)]
    assert pain_seen(record, until=week(4)) == [(week(1), 2), (week(1), 6)]
    assert pain_seen(patient(Visit(date=week(1), pain_last_session=2))) == []
