"""Published figures on relapse: each found in its file, none left out in silence, errors named."""

import copy

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.published import load_course
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table
from anagen.population.relapse_targets import (
    COVARIATES,
    load_left_out,
    load_relapse_priors,
    load_relapse_targets,
    parse_priors,
    parse_targets,
)

TABLE = read_table("population/relapse.toml")
TARGETS = {target.key: target for target in load_relapse_targets()}


def altered(key, **changes):
    table = copy.deepcopy(TABLE)
    row = table["target"][key]
    for field, value in changes.items():
        if value is None:
            row.pop(field)
        else:
            row[field] = value
    return table


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_study_exists_and_its_numbers_are_possible(target):
    assert target.reference in reference_keys()
    assert 0 <= target.events <= target.people
    assert len(target.shares) == len(COVARIATES)
    assert all(0 <= share <= 1 for share in target.shares)


def test_numbers_come_from_the_published_rows():
    assert (TARGETS["Albalat2019"].events, TARGETS["Albalat2019"].people) == (10, 40)
    assert TARGETS["Chanprapaph2022"].events == pytest.approx(48)
    assert TARGETS["Jo2020"].events == pytest.approx(57, abs=0.1)
    assert TARGETS["JEMDS88"].events == pytest.approx(5, abs=0.1)
    assert TARGETS["Muhaidat2020"].days == (365.25, 1095.75)
    long = TARGETS["Trink2013_12_months"].shares[:2]
    assert long == (1.0, 1.0)


def test_second_hand_and_contradicted_figures_are_shown_not_fitted():
    shown = {key for key, target in TARGETS.items() if target.use == "shown"}
    assert {"eMedicine", "Tosti2006_S1", "Tosti2006_S2", "Yan2025", "ATAU_419"} == shown
    assert all(TARGETS[key].note for key in shown)
    assert "contradicted" in TARGETS["eMedicine"].note


def test_no_published_row_on_relapse_is_left_out_in_silence():
    spoken = ("relapse", "recurrence", "disease-free", "duration of ", "duration after", "persist")
    known = {(row.study_id, row.measure) for row in load_left_out()}
    for key, target in TARGETS.items():
        known.add((target.study_id, TABLE["target"][key].get("row", {}).get("measure")))
    rows = [row for row in load_course() if any(word in row.measure for word in spoken)]
    silent = {(row.study_id, row.measure) for row in rows} - known
    assert len(rows) > 15
    assert not silent


def test_a_row_left_out_exists_and_says_why():
    published = {(row.study_id, row.measure) for row in load_course()}
    for row in load_left_out():
        assert (row.study_id, row.measure) in published
        assert len(row.reason) > 15


def test_no_row_recalled_from_memory_is_fitted():
    status = {row.study_id: row.quote_status for row in load_course()}
    for target in TARGETS.values():
        if target.use == "fit":
            assert status[target.study_id] == "verified"


def test_priors_have_units_and_say_where_studies_disagree():
    priors = load_relapse_priors()
    assert priors["h0"].unit == "1/day"
    assert all(prior.unit == "1" for key, prior in priors.items() if key != "h0")
    for key in ("duration_over_6_months", "extent_s2_or_more", "family_history"):
        assert "Conflict" in priors[key].provenance.note
        assert priors[key].sd >= 0.4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": "speed"}, "quantity"),
        ({"use": "perhaps"}, "use"),
        ({"window": "open"}, "window"),
        ({"window": "individual"}, "window"),
        ({"row": {"measure": "baldness"}}, "0 rows"),
        ({"row": {}}, "2 rows"),
        ({"row": {"colour": "red"}}, "unknown"),
        ({"row": None}, "percent stands neither"),
        ({"quantity": "share"}, "first_time"),
        ({"study_id": "Nobody1900"}, "0 rows"),
        ({"time": None}, "lacks"),
        ({"time": 26}, "expected a table"),
        ({"colour": "red"}, "unknown"),
        ({"shares": {"height": {}}}, "height"),
    ],
)
def test_a_broken_target_is_named(changes, message):
    with pytest.raises(EvidenceError, match=message) as caught:
        parse_targets(altered("Albalat2019", **changes), load_course())
    assert "Albalat2019" in str(caught.value)


def amount(value, unit="1"):
    return {
        "value": value,
        "unit": unit,
        "origin": "assumed",
        "source": "assumed",
        "locator": "a test",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"people": amount(0)}, "positive"),
        ({"people": amount(10, "mm")}, "does not convert"),
        ({"percent": amount(120, "%")}, "between 0 and 100"),
        ({"time": amount(26, "mm")}, "does not convert"),
        ({"time": amount(0, "week")}, "positive"),
        ({"quantity": "share", "first_time": amount(40, "week")}, "after time"),
        ({"shares": {"nail_change": amount(1.2)}}, "no share"),
        ({"shares": {"duration_over_24_months": amount(0.9)}}, "over 24 months than over 6"),
    ],
)
def test_an_impossible_number_is_refused(changes, message):
    with pytest.raises(EvidenceError, match=message):
        parse_targets(altered("Albalat2019", **changes), load_course())


def test_all_broken_targets_are_named_at_once():
    table = altered("Albalat2019", use="perhaps")
    table["target"]["Jo2020"]["window"] = "open"
    with pytest.raises(EvidenceError) as caught:
        parse_targets(table, load_course())
    assert "Albalat2019" in str(caught.value)
    assert "Jo2020" in str(caught.value)


def test_defaults_of_who_was_in_a_study_must_be_complete():
    table = copy.deepcopy(TABLE)
    table["shares"].pop("recurrent")
    with pytest.raises(EvidenceError, match="recurrent"):
        parse_targets(table, load_course())
    with pytest.raises(EvidenceError, match="no targets"):
        parse_targets({**TABLE, "target": {}}, load_course())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sd": 0.0}, "positive"),
        ({"value": -1.0}, "positive"),
        ({"distribution": "cauchy"}, "distribution"),
        ({"unit": "1/week"}, "unit"),
        ({"unit": "parsnips"}, "unit"),
        ({"source": "Nobody1900"}, "references.bib"),
    ],
)
def test_a_broken_prior_is_named(changes, message):
    table = copy.deepcopy(TABLE)
    table["prior"]["h0"].update(changes)
    with pytest.raises(EvidenceError, match=message):
        parse_priors(table)


def test_a_missing_or_unknown_prior_is_named():
    table = copy.deepcopy(TABLE)
    table["prior"]["height"] = table["prior"].pop("kappa")
    with pytest.raises(EvidenceError, match=r"height.*kappa"):
        parse_priors(table)
