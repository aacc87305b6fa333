"""Published results: typed on load, counted right, each study with a reference."""

import csv
import io
from dataclasses import fields
from importlib import resources

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.published import (
    load_arms,
    load_course,
    load_harms,
    parse_arms,
    parse_course,
    parse_harms,
    reference_of,
    span,
)
from anagen.evidence.references import reference_keys

DATA = resources.files("anagen.evidence") / "data"
PARSERS = {"arms.csv": parse_arms, "harms.csv": parse_harms, "course.csv": parse_course}
LOADERS = {"arms.csv": load_arms, "harms.csv": load_harms, "course.csv": load_course}


def table(name):
    return list(csv.DictReader(io.StringIO((DATA / name).read_text(encoding="utf-8"))))


def altered(name, index, **changes):
    rows = table(name)
    rows[index].update(changes)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def index_of(name, **values):
    return next(
        number
        for number, row in enumerate(table(name))
        if all(row[key] == value for key, value in values.items())
    )


@pytest.mark.parametrize("name", list(LOADERS))
def test_every_row_loads_and_keeps_what_was_printed(name):
    rows = LOADERS[name]()
    assert len(rows) == len(table(name))
    for typed, raw in zip(rows, table(name), strict=True):
        for field in fields(typed):
            value = getattr(typed, field.name)
            if isinstance(value, str) and field.name != "reference":
                assert value == raw[field.name].strip()
            elif value is None:
                assert raw[field.name] == ""


@pytest.mark.parametrize("name", list(LOADERS))
def test_every_study_has_a_reference(name):
    for row in LOADERS[name]():
        assert row.reference in reference_keys()


def test_the_dose_response_of_the_first_meta_analysis():
    percent = {
        arm.concentration_mg_per_mL.text: arm.percent
        for arm in load_arms()
        if arm.study_id == "Su2022_MA" and arm.endpoint == "regrowth_at_least"
    }
    assert percent == {"10": 71.06, "5": 74.82, "2.5-3.33": 38.64}


def test_atrophy_rises_with_strength():
    atrophy = [harm for harm in load_harms() if harm.reference == "Su2022"]
    ordered = sorted(atrophy, key=lambda harm: harm.concentration.low)
    assert [harm.percent for harm in ordered] == sorted(harm.percent for harm in atrophy)


def test_counts_and_percentages_of_a_trial_agree():
    (arm,) = (a for a in load_arms() if a.study_id == "Ganjoo2013" and a.n_success == 28)
    assert (arm.n_total, arm.time_weeks, arm.threshold.exact) == (60, 12.0, 0.75)
    assert arm.ci_low < arm.percent < arm.ci_high


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("5", 5.0, 5.0),
        ("2.5-3.33", 2.5, 3.33),
        ("5 and 10", 5.0, 10.0),
        ("10 vs 5", 5.0, 10.0),
        ("<5", None, 5.0),
        ("max 6", None, 6.0),
        ("mixed", None, None),
        ("1/4 dilution", None, None),
    ],
)
def test_span(text, low, high):
    read = span(text)
    assert (read.text, read.low, read.high) == (text, low, high)
    assert read.exact == (low if low == high else None)


@pytest.mark.parametrize(
    ("name", "which", "change", "message"),
    [
        ("arms.csv", {}, {"quote_status": "rumour"}, "status"),
        ("arms.csv", {}, {"study_id": "Nobody1999"}, "no entry in references"),
        ("arms.csv", {}, {"percent": "171"}, "between 0 and 100"),
        ("arms.csv", {}, {"percent": "nan"}, "finite"),
        ("arms.csv", {}, {"percent": "seventy"}, "seventy"),
        ("arms.csv", {}, {"ci_low": "90"}, "outside its interval"),
        ("arms.csv", {}, {"ci_low": ""}, "one end"),
        ("arms.csv", {}, {"threshold": ""}, "without threshold"),
        ("arms.csv", {}, {"threshold": "75"}, "no share"),
        ("arms.csv", {}, {"endpoint": "better"}, "endpoint"),
        ("arms.csv", {}, {"url": "file:///tmp/x"}, "address"),
        ("arms.csv", {"n_success": "28"}, {"n_success": "61"}, "61 of 60"),
        ("arms.csv", {"n_success": "28"}, {"n_success": "30"}, "50.0 %"),
        ("arms.csv", {"n_success": "28"}, {"n_success": "2.5"}, "whole number"),
        ("arms.csv", {"mean": "3.74"}, {"mean": ""}, "deviation"),
        ("arms.csv", {}, {"interval_weeks": "-4"}, "negative"),
        ("harms.csv", {"n_events": "3"}, {"n_events": "11"}, "11 of 10"),
        ("harms.csv", {}, {"quote_status": ""}, "status"),
        ("course.csv", {"n_events": "10"}, {"percent": "52"}, "25.0 %"),
        ("course.csv", {}, {"year": "MMXX"}, "MMXX"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(name, which, change, message):
    index = index_of(name, **which)
    with pytest.raises(EvidenceError, match=message) as caught:
        PARSERS[name](altered(name, index, **change))
    assert f"row {index + 2}" in str(caught.value)


@pytest.mark.parametrize("name", list(PARSERS))
def test_other_columns_are_refused(name):
    with pytest.raises(EvidenceError, match="columns"):
        PARSERS[name]("study_id,percent\nSu2022_MA,75\n")
    with pytest.raises(EvidenceError):
        PARSERS[name]("")


def test_a_row_cut_short_is_refused():
    text = (DATA / "harms.csv").read_text(encoding="utf-8")
    with pytest.raises(EvidenceError, match="fields"):
        parse_harms(text + "Su2022_MA,cut")


def test_an_unknown_study_has_no_reference():
    with pytest.raises(EvidenceError, match="Nobody1999"):
        reference_of("Nobody1999")
