import json
import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from anagen.errors import EvidenceError
from anagen.patient import (
    LossByView,
    OtherSteroid,
    PatchDose,
    PatchSeen,
    Patient,
    SessionSummary,
    Visit,
    load_patient,
    patient_json,
    patient_schema,
    patient_schema_json,
    save_patient,
)
from anagen.patient.issues import known_fields
from anagen.patient.quantities import parse_plausible, plausible, plausible_ranges, shorten
from anagen.patient.vocabulary import load_vocabulary, misspelt, nearest, triamcinolone_mg
from anagen.scalp import Outline, PatchShape

ROOT = Path(__file__).parents[2]


def message(**fields):
    with pytest.raises(ValidationError) as caught:
        Patient(id="P1", **fields)
    return caught.value.errors()[0]


@pytest.mark.parametrize(
    ("given_value", "kilograms"),
    [(70, 70.0), (70.5, 70.5), ("70 kg", 70.0), ("70000 g", 70.0), ("154.3 pound", 69.989)],
)
def test_a_quantity_is_a_number_in_its_unit_or_text_with_a_unit(given_value, kilograms):
    assert Patient(id="P1", weight_kg=given_value).weight_kg == pytest.approx(kilograms, abs=1e-3)


@pytest.mark.parametrize(
    "value", ["70", "70 cm", "kg", "", "70kg 3", "nan kg", "inf kg", True, None.__class__, [70]]
)
def test_a_bare_text_or_a_wrong_unit_is_refused(value):
    message(weight_kg=value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 0, 700, 1e308, 10**400])
def test_numbers_nobody_can_mean_are_refused(value):
    message(weight_kg=value)


def test_a_decimal_slip_is_named():
    context = message(weight_kg=700)["ctx"]
    assert context["expected"] == "body weight of 0.5 to 400 kg"
    assert context["found"] == "700"
    assert "Was 70 meant?" in context["remedy"]


def test_every_bound_is_an_interval_with_a_known_unit_and_a_source():
    from anagen.units import is_unit

    for key, entry in plausible_ranges().items():
        assert is_unit(entry.unit), key
        assert entry.provenance.locator, key


@pytest.mark.parametrize(
    "change", [{"usual": [0, 9]}, {"source": "nobody"}, {"unit": ""}, {"possible": [1, "x"]}]
)
def test_a_bad_row_of_bounds_is_refused(change):
    row = {
        "name": "n",
        "unit": "kg",
        "possible": [1, 5],
        "usual": [2, 3],
        "origin": "assumed",
        "source": "assumed",
        "locator": "here",
    }
    assert parse_plausible("ok", row).usual == (2.0, 3.0)
    with pytest.raises(EvidenceError):
        parse_plausible("bad", {**row, **change})


def test_an_unknown_quantity_is_an_error_of_evidence():
    with pytest.raises(EvidenceError):
        plausible("beauty")


@pytest.mark.parametrize("name", ["", " a", "a/b", "../x", "a\nb", "x" * 65, "<b>", "-x"])
def test_identifiers_are_safe_as_file_names(name):
    with pytest.raises(ValidationError):
        Patient(id=name)


@pytest.mark.parametrize("name", ["a", "AA-0001", "left parietal", "Scheitel_3", "ä.1", "x" * 64])
def test_identifiers_people_use_are_taken(name):
    assert Patient(id=name).id == name


def test_records_are_frozen_and_refuse_unknown_fields():
    patient = Patient(id="P1")
    with pytest.raises(ValidationError):
        patient.id = "P2"
    with pytest.raises(ValidationError):
        Patient(id="P1", colour="red")


def test_a_visit_may_be_missing_anything_but_its_day():
    assert Visit(date=date(2025, 1, 1)).patches == ()
    with pytest.raises(ValidationError):
        Visit()


def test_sums_of_a_session():
    doses = (PatchDose(patch="a", sites=10, dose_mg=5), PatchDose(sites=4, dose_mg=2))
    summary = SessionSummary(
        date=date(2025, 1, 1), product="ta10", strength_mg_per_mL=5.0, patches=doses
    )
    assert (summary.total_mg, summary.total_mL, summary.sites) == (7.0, 1.4, 14)
    unknown = SessionSummary(date=date(2025, 1, 1), product="ta10", patches=doses)
    assert unknown.total_mL is None


def test_the_published_schema_is_the_one_of_the_code():
    published = (ROOT / "docs/schema/patient.schema.json").read_text(encoding="utf-8")
    assert published == patient_schema_json(), (
        "write anagen.patient.patient_schema_json() to docs/schema/patient.schema.json"
    )


def test_the_schema_bounds_and_describes_every_quantity():
    schema = patient_schema()
    weight = schema["properties"]["weight_kg"]
    number = weight["anyOf"][0]["anyOf"][0]
    assert (number["minimum"], number["maximum"]) == (0.5, 400.0)
    assert "[kg]" in weight["description"]
    units = ("_kg", "_cm", "_mm", "_mg", "_years", "_percent", "_mmHg", "_per_L", "_per_mL")
    for name, table in {"Patient": schema, **schema["$defs"]}.items():
        if name in ("Session", "Injection"):  # of the room before
            continue
        for field, row in table.get("properties", {}).items():
            if field.endswith(units):
                assert "description" in row, f"{name}.{field}"


def test_the_schema_knows_the_fields_at_a_path():
    path = ("visits", 0, "patches", 3, "shape", "outlines", 0)
    assert known_fields(patient_schema(), path) == {"view", "points", "unit"}


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DAYS = st.dates(date(2000, 1, 1), date(2025, 1, 1))
MAYBE_PERCENT = st.none() | st.floats(0, 100)
TEXTS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" \n"), max_size=20)
SHAPES = st.builds(
    PatchShape,
    outlines=st.lists(
        st.builds(
            Outline,
            view=st.sampled_from(["top", "back", "left", "right"]),
            points=st.lists(st.tuples(FLOATS, FLOATS), max_size=4).map(tuple),
            unit=st.sampled_from(["mm", "fraction"]),
        ),
        max_size=2,
    ).map(tuple),
)
PATCHES = st.builds(
    PatchSeen,
    id=st.sampled_from(["a", "b c"]),
    shape=st.none() | SHAPES,
    regrowth_percent=MAYBE_PERCENT,
    first_seen=st.none() | DAYS,
    note=TEXTS,
    activity=st.none() | st.sampled_from(["active", "resolved"]),
    atrophy_grade=st.none() | st.integers(0, 4),
    blocked=st.none(),
)
VISITS = st.builds(
    Visit,
    date=DAYS,
    patches=st.lists(PATCHES, max_size=2).map(tuple),
    salt_percent=MAYBE_PERCENT,
    loss_percent=st.none() | st.builds(LossByView, top=MAYBE_PERCENT),
    note=TEXTS,
    pain_last_session=st.none() | st.integers(0, 10),
    signs=st.just(("round face",)),
)
PATIENTS = st.builds(
    Patient,
    id=st.just("P1"),
    born=st.none() | DAYS,
    weight_kg=st.none() | st.floats(0.5, 400),
    visits=st.lists(VISITS, max_size=2).map(tuple),
    allergies=st.sampled_from([None, (), ("x",)]),
    pregnant=st.none() | st.booleans(),
    note=TEXTS,
    other_steroids=st.lists(
        st.builds(
            OtherSteroid,
            drug=st.just("prednisolone"),
            route=st.just("oral"),
            total_mg=st.none() | st.floats(0, 1000),
            start=DAYS,
        ),
        max_size=2,
    ).map(tuple),
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(patient=PATIENTS)
def test_a_record_survives_its_json(patient):
    again = Patient.model_validate_json(patient_json(patient), strict=True)
    assert again == patient
    assert patient_json(again) == patient_json(patient)


@pytest.mark.parametrize(
    "name", ["patient.json", "child.toml", "ophiasis.toml", "dose_limits.json"]
)
def test_a_saved_file_loads_as_the_same_record(name, tmp_path):
    patient = load_patient(ROOT / "examples" / name)
    save_patient(patient, tmp_path / "saved.json")
    assert load_patient(tmp_path / "saved.json") == patient
    first = (tmp_path / "saved.json").read_bytes()
    save_patient(load_patient(tmp_path / "saved.json"), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == first


def test_fields_stand_in_the_order_of_the_schema():
    text = json.loads(patient_json(Patient(note="x", sex="female", id="P1")))
    order = [name for name in patient_schema()["properties"] if name in text]
    assert list(text) == order


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("ritonivir", "ritonavir"),
        ("Darunavir 800 mg", None),
        ("vitamin D", None),
        ("clarithromicin 500 mg", "clarithromycin"),
        ("RITONAVIR", None),
    ],
)
def test_slips_of_spelling_in_medicines(word, meant):
    assert misspelt("medicines", word) == meant


def test_no_known_word_is_taken_for_a_slip_of_another():
    for kind, known in load_vocabulary().words.items():
        assert [word for word in known if misspelt(kind, word)] == []


def test_every_word_of_the_rules_is_known():
    from anagen.evidence.rules import load_rules

    known = load_vocabulary().words
    for rule in load_rules().values():
        if rule.measure in known:
            assert {term.lower() for term in rule.terms} <= known[rule.measure], rule.key


def test_nearest_finds_nothing_where_nothing_is_near():
    assert nearest("zzz", ["vertex", "crown"]) is None
    assert nearest("Vertx", ["vertex", "crown"]) == "vertex"


@pytest.mark.parametrize(
    ("drug", "dose", "expected"),
    [
        ("prednisone", 50, 40),
        ("Kenalog", 10, 10),
        ("dexamethasone", 0.75, 4),
        ("ibuprofen", 5, None),
        ("prednisone", None, None),
    ],
)
def test_steroid_doses_as_triamcinolone(drug, dose, expected):
    assert triamcinolone_mg(drug, dose) == (None if expected is None else pytest.approx(expected))


def test_long_values_are_shortened():
    assert shorten("x" * 500).endswith("...")
    assert shorten(10**1000) == "a whole number of 3322 bits"
    assert shorten([1] * 9) == "a list of 9 items"
    assert shorten({"a": 1}) == "a table of 1 fields"
    assert shorten("a\x00") == "'a\\x00'"
