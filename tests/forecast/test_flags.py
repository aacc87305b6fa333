"""Flags: each is raised by what it is about, at the number of its row, and by nothing else."""

import math
from copy import deepcopy
from datetime import date, timedelta

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table
from anagen.evidence.rules import load_rules
from anagen.forecast.flag_rows import limit_of, load_flag_rows, parse_flags
from anagen.forecast.flags import (
    Flag,
    check_flags,
    is_withheld,
    order_flags,
    record_flags,
)
from anagen.patient import (
    History,
    OtherSteroid,
    PatchDose,
    PatchSeen,
    Patient,
    SessionSummary,
    Visit,
)
from anagen.scalp import Mask, PatchShape, ViewPoint, circle_outline
from anagen.treatment import Injection, Plan, Session

DAY = date(2026, 3, 30)
ROUND = PatchShape(outlines=(circle_outline("top", 80, 90, 30),))


def seen(name="a", **fields):
    return PatchSeen(**{"id": name, "shape": ROUND, **fields})


def visit(weeks=0.0, *patches, **fields):
    return Visit(date=DAY - timedelta(weeks=weeks), patches=patches or (seen(),), **fields)


def read(weeks, percent, name="a"):
    return visit(weeks, seen(name, regrowth_percent=percent))


USUAL = (visit(8), read(4, 20.0), read(0, 40.0))


def usual(**fields):
    """Patient about whom nothing is unusual."""
    return Patient(**{"id": "P1", "age_years": 34, "weight_kg": 70, "visits": USUAL, **fields})


def session(strength=5.0, product="ta10", weeks=8.0):
    point = ViewPoint(view="top", x=80, y=90)
    site = Injection(number=1, location=point, patch="a", product=product, volume_mL=0.1,
                     strength_mg_per_mL=strength, depth_mm=3.0, needle_gauge=30)  # fmt: skip
    return Session(date=DAY - timedelta(weeks=weeks), injections=(site,))


def summary(strength=5.0, product="ta10"):
    dose = PatchDose(patch="a", sites=4, dose_mg=2.0)
    return SessionSummary(date=DAY - timedelta(weeks=8), product=product, patches=(dose,),
                          strength_mg_per_mL=strength)  # fmt: skip


def keys(patient, **options):
    return [flag.key for flag in record_flags(patient, DAY, **options)]


def flag_of(key, patient, **options):
    return next(flag for flag in record_flags(patient, DAY, **options) if flag.key == key)


def test_a_usual_patient_raises_no_flag():
    assert keys(usual()) == []
    assert keys(usual(sessions=(session(),))) == []


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("age-unknown", {"age_years": None}),
        ("child", {"age_years": 12}),
        ("young-child", {"age_years": 7}),
        ("weight-unknown", {"weight_kg": None}),
        ("pregnancy", {"pregnant": True}),
        ("breast-feeding", {"breast_feeding": True}),
        ("totalis-words", {"conditions": ("alopecia universalis",)}),
        ("totalis", {"visits": (*USUAL[:2], visit(0, seen(regrowth_percent=10), salt_percent=97))}),
        ("extent", {"visits": (*USUAL[:2], visit(0, seen(regrowth_percent=10), salt_percent=60))}),
        ("ophiasis", {"history": History(ophiasis=True)}),
        ("ophiasis", {"conditions": ("ophiasis since 2024",)}),
        ("rapid", {"conditions": ("rapidly progressing loss",)}),
        ("patch-old", {"visits": (visit(8, seen(first_seen=date(2023, 1, 1))), *USUAL[1:])}),
        ("patch-older-than-any",
         {"visits": (visit(8, seen(first_seen=date(2016, 1, 1))), *USUAL[1:])}),
        ("other-skin", {"visits": (*USUAL[:2], visit(0, seen(regrowth_percent=40),
                                                     PatchSeen(id="brow", site="brow")))}),
        ("no-visit", {"visits": ()}),
        ("no-reading", {"visits": (visit(8), visit(0))}),
        ("few-readings", {"visits": (visit(8), read(0, 40.0))}),
        ("patch-unread", {"visits": (*USUAL[:2], visit(0, seen(regrowth_percent=40), seen("b")))}),
        ("old-data", {"visits": (visit(60), read(50, 20.0), read(40, 40.0))}),
        ("sums-only", {"session_summaries": (summary(),)}),
        ("strength-unknown", {"session_summaries": (summary(None),)}),
        ("too-strong", {"sessions": (session(20.0),)}),
        ("too-weak", {"sessions": (session(1.0),)}),
        ("other-drug", {"sessions": (session(5.0, "bd5"),)}),
        ("other-drug", {"session_summaries": (summary(5.0, "some other steroid"),)}),
        ("systemic-treatment", {"medicines": ("Baricitinib 4 mg",)}),
        ("systemic-steroid", {"other_steroids": (OtherSteroid(
            drug="prednisolone", route="oral", total_mg=300, start=date(2026, 2, 1)),)}),
        ("local-treatment", {"medicines": ("minoxidil 5 % foam",)}),
        ("local-treatment", {"other_steroids": (OtherSteroid(
            drug="clobetasol", route="topical", start=date(2026, 2, 1)),)}),
    ],
)  # fmt: skip
def test_each_flag_is_raised_by_its_own_cause(key, fields):
    found = keys(usual(**fields))
    related = {"strength-unknown": {"sums-only"}, "other-drug": {"sums-only"}}
    assert key in found
    assert set(found) - {key} <= related.get(key, set())
    assert found.count(key) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"medicines": ("levothyroxine", "denies tofacitinib")},
        {"sessions": (session(10.0), session(2.5, weeks=4))},
        {"sessions": (session(0.0, "saline"),)},
        {"other_steroids": (OtherSteroid(drug="prednisolone", route="oral", total_mg=300,
                                         start=date(2024, 1, 1), end=date(2024, 2, 1)),)},
        {"other_steroids": (OtherSteroid(drug="triamcinolone", route="joint", total_mg=40,
                                         start=date(2026, 2, 1)),)},
        {"pregnant": False, "history": History(ophiasis=False)},
        {"age_years": 18},
    ],
)  # fmt: skip
def test_what_lies_within_the_evidence_is_not_flagged(fields):
    assert keys(usual(**fields)) == []


@pytest.mark.parametrize(
    ("views", "expected"),
    [((), []), (("top", "left"), ["extent"]), (("top", "back", "left", "right"), ["totalis"])],
)
def test_extent_without_salt_is_taken_from_what_is_drawn(views, expected):
    masks = tuple(Mask(view=view, rows=("1",)) for view in views)
    shape = PatchShape(masks=masks) if masks else ROUND
    visits = (visit(8, seen(shape=shape)), read(4, 10), read(0, 20))
    drawn = tuple(
        one.model_copy(update={"patches": (one.patches[0].model_copy(update={"shape": shape}),)})
        for one in visits
    )
    flags = record_flags(usual(visits=drawn), DAY)
    assert [flag.key for flag in flags] == expected
    assert all("area drawn" in flag.reason for flag in flags)


def test_horizon_counts_from_the_first_session_given_or_planned():
    limit = limit_of("horizon", "week")
    assert keys(usual(), weeks=limit - 1) == []
    assert keys(usual(), weeks=limit + 1) == ["horizon"]
    treated = usual(sessions=(session(weeks=8.0),))
    assert keys(treated, weeks=limit - 4) == ["horizon"]
    planned = {"later": Plan(protocol="custom", patient="P1", sessions=(session(weeks=-8.0),))}
    assert keys(usual(), weeks=limit + 4, plans=planned) == []


def test_planned_sessions_beyond_the_trials_are_flagged():
    plans = {"strong": Plan(protocol="custom", patient="P1", sessions=(session(40.0, "ta40", -1),))}
    assert keys(usual(), plans=plans) == ["too-strong"]
    assert "plan strong" in flag_of("too-strong", usual(), plans=plans).reason


def test_observations_stand_in_for_the_record():
    class Reading:
        def __init__(self, kind, day, patch="a"):
            self.kind, self.day, self.patch, self.label = kind, day, patch, kind

    patient = usual(visits=(visit(8), visit(0)))
    redrawn = [Reading("missing", DAY), Reading("cover", DAY - timedelta(weeks=4))]
    assert keys(patient) == ["no-reading"]
    assert keys(patient, observations=redrawn) == []
    assert keys(patient, observations=[Reading("salt", DAY, None)]) == ["no-reading"]


@pytest.mark.parametrize(
    ("key", "unit", "make"),
    [
        ("child", "year", lambda x: usual(age_years=x - 0.5)),
        ("extent", "%",
         lambda x: usual(visits=(*USUAL[:2], visit(0, seen(regrowth_percent=9), salt_percent=x)))),
        ("too-strong", "mg/mL", lambda x: usual(sessions=(session(x * 1.1),))),
        ("old-data", "week",
         lambda x: usual(visits=(visit(x + 9), read(x + 5, 9), read(x + 1, 9)))),
    ],
)  # fmt: skip
def test_a_reason_shows_the_number_of_its_row(key, unit, make):
    limit = limit_of(key, unit)
    flag = flag_of(key, make(limit))
    assert f"{limit:g}" in flag.reason
    assert flag.source == load_flag_rows()[key].source


def test_numbers_of_rules_are_not_copied():
    rules, rows = load_rules(), load_flag_rows()
    pairs = {
        "extent": "extent-half",
        "too-strong": "strength-on-scalp",
        "old-data": "review-6-months",
    }
    for key, rule in pairs.items():
        assert (rows[key].limit, rows[key].source) == (rules[rule].number, rules[rule].source)
    assert rows["rapid"].terms == rules["rapid-progression"].terms


@pytest.mark.parametrize(
    ("p_value", "effective", "expected"),
    [
        (0.5, 500.0, []),
        (0.049, 500.0, ["check-doubt"]),
        (0.0009, 500.0, ["check-fail"]),
        (0.0, 20.0, ["check-fail", "few-effective"]),
        (0.5, 99.0, ["few-effective"]),
        (0.5, math.nan, ["few-effective"]),
        (math.nan, 500.0, ["check-missing"]),
    ],
)
def test_the_check_doubts_and_fails_at_the_numbers_of_the_data(p_value, effective, expected):
    flags = check_flags(p_value, "regrowth of a", effective)
    assert [flag.key for flag in flags] == expected
    assert is_withheld(flags) == any(key in ("check-fail", "check-missing") for key in expected)


def test_the_check_names_the_reading_that_deviates_most():
    class Reading:
        kind, day, patch, label = "cover", DAY, "vertex", "regrowth"

    assert "regrowth, patch vertex, 2026-03-30" in check_flags(0.01, Reading(), 900.0)[0].reason
    assert "SALT on Monday" in check_flags(0.01, "SALT on Monday", 900.0)[0].reason
    assert "no single reading" in check_flags(0.01, None, 900.0)[0].reason


def test_gravest_flags_come_first():
    flags = record_flags(usual(weight_kg=None, pregnant=True, age_years=12), DAY)
    assert [flag.severity for flag in flags] == ["warn", "warn", "inform"]
    stop = Flag("x", "stop", "m", "r", "assumed")
    assert order_flags((*flags, stop))[0] is stop


def test_what_lies_after_the_day_is_not_looked_at():
    later = Visit(date=DAY + timedelta(weeks=4), patches=(seen(),), salt_percent=99)
    assert keys(usual(visits=(*USUAL, later))) == []


def test_every_row_says_what_to_do_and_where_it_comes_from():
    for row in load_flag_rows().values():
        assert row.source in reference_keys()
        assert len(row.message) > 40
        assert row.locator
        assert row.message.endswith(".")
        assert row.reason.endswith(".")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"severity": "grave"}, "severity"),
        ({"reason": "{somebody} is old."}, "somebody"),
        ({"source": "Nobody1900"}, "Nobody1900"),
        ({"unit": "furlongs per moon"}, "unit"),
        ({"message": ""}, "message"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_broken_row_is_refused(change, words):
    tables = deepcopy(read_table("forecast/flags.toml"))
    tables["child"].update(change)
    with pytest.raises(EvidenceError, match=words):
        parse_flags(tables)


def test_a_row_of_an_unknown_rule_is_refused():
    tables = deepcopy(read_table("forecast/flags.toml"))
    tables["extent"]["rule"] = "no-such-rule"
    with pytest.raises(EvidenceError, match="no-such-rule"):
        parse_flags(tables)
