"""Each check across fields: a sound record made wrong in one way is found wrong there."""

import copy
import json
from datetime import date
from pathlib import Path

import pytest

from anagen.patient.files import check_document

EXAMPLE = json.loads(
    (Path(__file__).parents[2] / "examples/patient.json").read_text(encoding="utf-8")
)
TODAY = date(2026, 1, 1)
FIRST, SECOND = ("visits", 0), ("visits", 1)
SITE = ("sessions", 0, "injections", 0)
SQUARE = [[60, 60], [90, 60], [90, 90], [60, 90]]


def changed(*changes):
    """The example with the values at some paths replaced (None removes, a function maps)."""
    data = copy.deepcopy(EXAMPLE)
    for path, value in changes:
        inner = data
        for part in path[:-1]:
            inner = inner[part] if not isinstance(inner, dict) else inner.setdefault(part, {})
        if value is None:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value(inner[path[-1]]) if callable(value) else value
    return data


def issues(*changes, today=TODAY):
    return check_document(changed(*changes), today=today)[1]


def outline(points, view="top", unit="mm"):
    return {"outlines": [{"view": view, "points": points, "unit": unit}]}


def summary(**fields):
    dose = {"patch": "vertex", "sites": 10, "dose_mg": 5}
    row = {"date": "2025-02-25", "product": "ta10", "strength_mg_per_mL": 5.0, "patches": [dose]}
    return {**row, **fields}


def test_the_example_has_no_issue():
    assert issues() == []


IMPOSSIBLE = {
    "visit in the future": ([((*SECOND, "date"), "2035-02-25")], (*SECOND, "date")),
    "born in the future": ([(("born",), "2027-01-01")], ("born",)),
    "visit before birth": ([((*FIRST, "date"), "1969-01-14")], (*FIRST, "date")),
    "first seen before birth": (
        [((*FIRST, "patches", 0, "first_seen"), "1924-11-20")],
        (*FIRST, "patches", 0, "first_seen"),
    ),
    "visits out of order": ([(("visits",), lambda v: v[::-1])], (*SECOND, "date")),
    "two visits a day": ([((*SECOND, "date"), "2025-01-14")], (*SECOND, "date")),
    "session before birth": ([(("sessions", 0, "date"), "1980-01-14")], ("sessions", 0, "date")),
    "session twice": ([(("sessions",), lambda s: s + s)], ("sessions", 1)),
    "session in both forms": (
        [(("session_summaries",), [summary(date="2025-01-14")])],
        ("session_summaries", 0),
    ),
    "summaries out of order": (
        [(("session_summaries",), [summary(), summary(date="2025-01-30")])],
        ("session_summaries", 1, "date"),
    ),
    "onset in the future": ([(("onset",), "2026-11-20")], ("onset",)),
    "patches before onset": ([(("onset",), "2025-02-01")], (*FIRST, "date")),
    "session before onset": ([(("onset",), "2025-01-15")], ("sessions", 0, "date")),
    "patch first seen later": (
        [((*FIRST, "patches", 0, "first_seen"), "2025-01-20")],
        (*FIRST, "patches", 0, "first_seen"),
    ),
    "patch twice at a visit": (
        [((*FIRST, "patches", 1, "id"), "vertex")],
        (*FIRST, "patches", 1, "id"),
    ),
    "drawing of a brow": (
        [((*FIRST, "patches", 0, "site"), "brow")],
        (*FIRST, "patches", 0, "shape"),
    ),
    "grade without scale": (
        [((*SECOND, "patches", 1, "regrowth_scale"), None)],
        (*SECOND, "patches", 1),
    ),
    "unknown scale": (
        [((*SECOND, "patches", 1, "regrowth_scale"), "rsg")],
        (*SECOND, "patches", 1, "regrowth_scale"),
    ),
    "grade not on the scale": (
        [((*SECOND, "patches", 1, "regrowth_grade"), "7")],
        (*SECOND, "patches", 1, "regrowth_grade"),
    ),
    "age against birth": ([(("age_years",), 43)], ("age_years",)),
    "impossible age": ([(("age_years",), 230)], ("age_years",)),
    "born two centuries ago": ([(("born",), "1800-01-01")], ("born",)),
    "onset at a later age": (
        [(("history", "age_at_first_onset_years"), 60)],
        ("history", "age_at_first_onset_years"),
    ),
    "weight in grams": ([(("weight_kg",), 64000)], ("weight_kg",)),
    "weight 700": ([(("weight_kg",), 700)], ("weight_kg",)),
    "height in metres": ([(("height_cm",), 1.68)], ("height_cm",)),
    "head in centimetres": ([(("head_circumference_mm",), 55.6)], ("head_circumference_mm",)),
    "course ends before it starts": (
        [(("other_steroids",), [{"drug": "prednisolone", "route": "oral", "total_mg": 100,
                                 "start": "2024-05-01", "end": "2024-04-01"}])],
        ("other_steroids", 0, "end"),
    ),
    "course in the future": (
        [(("other_steroids",), [{"drug": "prednisolone", "route": "oral", "total_mg": 100,
                                 "start": "2029-05-01"}])],
        ("other_steroids", 0, "start"),
    ),
    "unknown patch": ([((*SITE, "patch"), "vertx")], (*SITE, "patch")),
    "unknown product": ([((*SITE, "product"), "ta1O")], (*SITE, "product")),
    "50 mg/mL": ([((*SITE, "strength_mg_per_mL"), 50.0)], (*SITE, "strength_mg_per_mL")),
    "stronger than the stock": (
        [((*SITE, "strength_mg_per_mL"), 25.0)],
        (*SITE, "strength_mg_per_mL"),
    ),
    "10 mL in one site": ([((*SITE, "volume_mL"), 10.0)], (*SITE, "volume_mL")),
    "negative volume": ([((*SITE, "volume_mL"), -0.1)], (*SITE, "volume_mL")),
    "summary of 10 mL a site": (
        [(("session_summaries",), [summary(patches=[{"sites": 1, "dose_mg": 50}])])],
        ("session_summaries", 0, "patches", 0),
    ),
    "summary of a thousand sites": (
        [(("session_summaries",), [summary(patches=[{"sites": 300, "dose_mg": 100}] * 3)])],
        ("session_summaries", 0, "patches"),
    ),
    "summary of an unknown patch": (
        [(("session_summaries",), [summary(patches=[{"patch": "x", "sites": 1, "dose_mg": 0.5}])])],
        ("session_summaries", 0, "patches", 0, "patch"),
    ),
    "injection off the scalp": (
        [((*SITE, "location"), {"view": "top", "x": 2, "y": 2})],
        (*SITE, "location"),
    ),
    "outline crosses itself": (
        [((*FIRST, "patches", 0, "shape"), outline([[60, 60], [90, 90], [90, 60], [60, 90]]))],
        (*FIRST, "patches", 0, "shape", "outlines", 0),
    ),
    "outline off the scalp": (
        [((*FIRST, "patches", 0, "shape"), outline([[300, 60], [330, 60], [330, 90]]))],
        (*FIRST, "patches", 0, "shape", "outlines", 0),
    ),
    "outline of two points": (
        [((*FIRST, "patches", 0, "shape"), outline([[60, 60], [90, 60], [60, 60]]))],
        (*FIRST, "patches", 0, "shape", "outlines", 0),
    ),
    "nothing drawn": (
        [((*FIRST, "patches", 0, "shape"), {"outlines": []})],
        (*FIRST, "patches", 0, "shape"),
    ),
    "ragged mask": (
        [((*FIRST, "patches", 0, "shape"), {"masks": [{"view": "top", "rows": ["01", "1"]}]})],
        (*FIRST, "patches", 0, "shape", "masks", 0),
    ),
    "mask of a million pixels": (
        [((*FIRST, "patches", 0, "shape"),
          {"masks": [{"view": "top", "rows": ["1" * 1000] * 1000}]})],
        (*FIRST, "patches", 0, "shape", "masks", 0),
    ),
    "patches overlap": (
        [((*FIRST, "patches", 0, "shape"), outline(SQUARE)),
         ((*FIRST, "patches", 1, "shape"), outline([[x + 10, y] for x, y in SQUARE]))],
        (*FIRST, "patches", 1, "shape"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_the_impossible_is_refused_at_its_place(case):
    changes, path = IMPOSSIBLE[case]
    errors = [issue for issue in issues(*changes) if issue.severity == "error"]
    assert path in [issue.path for issue in errors], errors
    for issue in errors:
        assert all((issue.expected, issue.found, issue.remedy))


ODD = {
    "sessions on one day": (
        [(("sessions",), lambda s: [*s, {**s[0], "injections": s[0]["injections"][:1]}])],
        ("sessions", 1),
    ),
    "earlier episode": (
        [(("onset",), "2025-02-01"), (("history", "recurrent"), True)],
        (*FIRST, "date"),
    ),
    "visit without patches before onset": (
        [(("onset",), "2025-01-20"), ((*FIRST, "patches"), None), (("sessions",), [])],
        (*FIRST, "date"),
    ),
    "another day first seen": (
        [((*SECOND, "patches", 0, "first_seen"), "2024-11-01")],
        (*SECOND, "patches", 0, "first_seen"),
    ),
    "regrowth of a new patch": (
        [((*FIRST, "patches", 0, "first_seen"), "2025-01-14"),
         ((*FIRST, "patches", 0, "regrowth_percent"), 30)],
        (*FIRST, "patches", 0, "first_seen"),
    ),
    "session before the patch was seen": (
        [(("sessions", 0, "date"), "2024-12-01")],
        ("sessions", 0, "injections", 8, "patch"),
    ),
    "planned in the past": ([((*SITE, "status"), "planned")], (*SITE, "status")),
    "expired vial": ([((*SITE, "expiry"), "2024-12-31")], (*SITE, "expiry")),
    "nothing injected": ([(("sessions", 0, "injections"), [])], ("sessions", 0, "injections")),
    "0.9 mL in one site": ([((*SITE, "volume_mL"), 0.9)], (*SITE, "volume_mL")),
    "injection far from its patch": (
        [((*SITE, "location"), {"view": "back", "x": 80, "y": 150})],
        (*SITE, "location"),
    ),
    "thin": ([(("weight_kg",), 30), (("height_cm",), 168)], ("weight_kg",)),
    "pregnant man": ([(("sex",), "male"), (("pregnant",), True)], ("pregnant",)),
    "pregnant after the menopause": (
        [(("post_menopausal",), True), (("pregnant",), True)],
        ("pregnant",),
    ),
    "misspelt medicine": ([(("medicines",), ["ritonivir"])], ("medicines", 0)),
    "cortisol in ug/dL": (
        [((*SECOND, "morning_cortisol_nmol_per_L"), 12)],
        (*SECOND, "morning_cortisol_nmol_per_L"),
    ),
    "steroid without a dose": (
        [(("other_steroids",), [{"drug": "prednisone", "route": "oral", "start": "2024-01-01"}])],
        ("other_steroids", 0),
    ),
    "unknown steroid": (
        [(("other_steroids",), [{"drug": "wonder", "route": "oral", "start": "2024-01-01",
                                 "total_mg": 5}])],
        ("other_steroids", 0, "drug"),
    ),
    "score against losses": (
        [((*FIRST, "loss_percent"), {"top": 90, "back": 0, "left": 0, "right": 0})],
        (*FIRST, "salt_percent"),
    ),
    "score against drawings": ([((*FIRST, "salt_percent"), 60)], (*FIRST, "salt_percent")),
    "patch grown by a hand": (
        [((*SECOND, "date"), "2025-01-21"),
         ((*SECOND, "patches", 0, "shape"), outline([[20, 60], [140, 60], [140, 140], [20, 140]])),
         ((*SECOND, "salt_percent"), None)],
        (*SECOND, "patches", 0, "shape"),
    ),
    "patches overlap a little": (
        [((*FIRST, "patches", 0, "shape"), outline(SQUARE)),
         ((*FIRST, "patches", 1, "shape"), outline([[x + 28, y] for x, y in SQUARE]))],
        (*FIRST, "patches", 1, "shape"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_the_odd_is_pointed_out_and_kept(case):
    changes, path = ODD[case]
    patient, found = check_document(changed(*changes), today=TODAY)
    assert [issue for issue in found if issue.severity == "error"] == []
    assert path in [issue.path for issue in found], found
    assert patient is not None


def test_touching_patches_do_not_overlap():
    beside = [[x + 30, y] for x, y in SQUARE]
    found = issues(
        ((*FIRST, "patches", 0, "shape"), outline(SQUARE)),
        ((*FIRST, "patches", 1, "shape"), outline(beside)),
        ((*FIRST, "salt_percent"), None),
    )
    assert [issue for issue in found if issue.path[:2] == FIRST] == []


def test_one_patch_may_overlap_itself_in_two_views():
    assert len(EXAMPLE["visits"][0]["patches"][1]["shape"]["outlines"]) == 2
    assert issues() == []


def test_a_remedy_names_what_was_probably_meant():
    def remedies(*changes):
        return " ".join(issue.remedy for issue in issues(*changes))

    assert "Did you mean 'vertex'?" in remedies(((*SITE, "patch"), "vertx"))
    assert "'ta10'" in remedies(((*SITE, "product"), "ta1O"))
    assert "2.5 meant?" in remedies(((*SITE, "strength_mg_per_mL"), 25.0))
    assert "5 mg/mL meant?" in remedies(((*SITE, "strength_mg_per_mL"), 50.0))
    assert "Was 70 meant?" in remedies((("weight_kg",), 700))


def test_a_clock_in_another_time_zone_is_not_the_future():
    visit = ((*SECOND, "date"), "2025-02-25")
    assert issues(visit, today=date(2025, 2, 24)) == []
    assert issues(visit, today=date(2025, 2, 23)) != []


def test_errors_come_before_warnings():
    found = issues((("medicines",), ["ritonivir"]), ((*SITE, "patch"), "nowhere"))
    assert [issue.severity for issue in found] == ["error", "warning"]
