"""Scales: grades cover their range without gap or overlap, and every definition has a source."""

import copy

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table
from anagen.evidence.scales import load_scales, parse_scales

ALL = {**load_scales().classes, **load_scales().regrowth}


@pytest.mark.parametrize("key", list(ALL))
def test_every_scale_has_a_source_and_covers_its_range(key):
    scale = ALL[key]
    assert scale.provenance.source in reference_keys()
    assert scale.provenance.locator
    top = 100.0 if key in load_scales().classes else 1.0
    assert (scale.lower, scale.upper) == (0.0, top)
    for step in range(2001):
        assert sum(grade.holds(top * step / 2000) for grade in scale.grades) == 1


def test_what_is_known_only_from_memory_says_so():
    for key in ("rgs", "hrg", "hrs", "macdonald_hull_norris", "olsen"):
        assert load_scales().regrowth[key].provenance.origin == "assumed"
    assert load_scales().salt_provenance.origin == "literature"


def test_weights_of_salt():
    assert dict(load_scales().salt_weights) == {
        "top": 0.4,
        "back": 0.24,
        "left": 0.18,
        "right": 0.18,
    }


def grades(tables, key="rgs"):
    return tables["regrowth"][key]["grades"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("pull"), "pull"),
        (lambda t: t["salt"]["weights"].update(top=0.41), "sum to 1"),
        (lambda t: t["salt"].pop("source"), "source"),
        (lambda t: t["salt"].update(source="Nobody1999"), "not in references"),
        (lambda t: t["regrowth"]["rgs"].pop("source"), "source"),
        (lambda t: t["regrowth"]["rgs"].pop("unit"), "unit"),
        (lambda t: t["regrowth"]["rgs"].update(remark="x"), "unknown"),
        (lambda t: grades(t)[1].update(interval="(0, 0.2]"), "gap"),
        (lambda t: grades(t)[1].update(interval="(0, 0.25)"), "gap"),
        (lambda t: grades(t)[2].update(interval="[0.25, 0.5]"), "overlap"),
        (lambda t: grades(t)[1].update(interval="0..0.25"), "interval"),
        (lambda t: grades(t)[1].update(interval="(0.25, 0]"), "interval"),
        (lambda t: grades(t)[0].update(interval="(0, 0]"), "interval"),
        (lambda t: grades(t)[1].update(label="0"), "share a label"),
        (lambda t: grades(t)[4].update(interval="(0.75, 1)"), "ends"),
        (lambda t: grades(t)[1].pop("meaning"), "meaning"),
        (lambda t: t["pull"]["one_in_ten"].update(measure="weight"), "measure"),
        (lambda t: t["pull"]["one_in_ten"].update(limit="ten"), "finite number"),
        (lambda t: t["trichoscopy"]["black_dots"].update(part="mood"), "part"),
        (lambda t: t["trichoscopy"]["black_dots"].update(weight=0), "positive"),
        (lambda t: t["limits"]["salt50"].pop("unit"), "unit"),
        (lambda t: t["limits"]["salt50"].update(unit="wobble"), "unknown unit"),
    ],
)
def test_a_broken_definition_does_not_load(change, message):
    tables = copy.deepcopy(read_table("scales.toml"))
    change(tables)
    with pytest.raises(EvidenceError, match=message):
        parse_scales(tables)


def test_a_missing_file_is_an_evidence_error():
    with pytest.raises(EvidenceError, match=r"nothing\.toml"):
        read_table("nothing.toml")
