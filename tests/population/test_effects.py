"""Published effects of covariates: arithmetic that can be redone, sources that exist, errors."""

import copy
import math

import pytest

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table
from anagen.population.effects import load_effects, parse_effects, pooled

EFFECTS = {effect.covariate: effect for effect in load_effects()}
TABLE = read_table("population/effects.toml")

WANTED = {
    "duration_over_6_months",
    "duration_over_24_months",
    "extent_s2_or_more",
    "extent_s4b_or_more",
    "several_patches",
    "nail_change",
    "family_history",
    "recurrent",
    "childhood_onset",
    "late_onset",
    "ancestry",
}


def altered(covariate, **changes):
    table = copy.deepcopy(TABLE)
    row = table["effect"][covariate]
    for field, value in changes.items():
        if value is None:
            row.pop(field)
        else:
            row[field] = value
    return table


def log_odds_ratio(with_it, without_it, added=0.0):
    (a, n), (b, m) = with_it, without_it
    cells = [a + added, n - a + added, b + added, m - b + added]
    value = math.log(cells[0] / cells[1]) - math.log(cells[2] / cells[3])
    return value, math.sqrt(sum(1 / cell for cell in cells))


def contrast(covariate, source):
    return next(item for item in EFFECTS[covariate].contrasts if item.source == source)


def test_every_covariate_of_the_issue_has_an_effect():
    assert set(EFFECTS) == WANTED


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
def test_every_effect_has_sources_a_unit_and_says_its_conflict(effect):
    assert set(effect.sources) <= reference_keys()
    assert effect.unit == "1"
    assert len(effect.conflict) > 20
    assert effect.sd > 0


@pytest.mark.parametrize(
    "effect", [effect for effect in EFFECTS.values() if effect.contrasts], ids=lambda e: e.covariate
)
def test_the_prior_is_the_pooled_contrast_and_no_surer(effect):
    mean, error = pooled(effect)
    assert effect.mean == pytest.approx(mean, abs=0.025)
    assert effect.sd >= error - 0.01


@pytest.mark.parametrize(
    ("covariate", "source", "with_it", "without_it", "added"),
    [
        ("extent_s2_or_more", "Tosti2006", (22, 68), (41, 60), 0.0),
        ("extent_s2_or_more", "Jang2019Children", (15, 28), (17, 27), 0.0),
        ("childhood_onset", "Jo2020", (16, 24), (74, 83), 0.0),
        ("childhood_onset", "Lyakhovitsky2019", (23, 31), (59, 63), 0.0),
        ("late_onset", "Jo2020", (14, 14), (74, 83), 0.5),
        ("late_onset", "Lyakhovitsky2019", (10, 10), (59, 63), 0.5),
    ],
)
def test_contrasts_follow_from_the_printed_counts(covariate, source, with_it, without_it, added):
    value, error = log_odds_ratio(with_it, without_it, added)
    row = contrast(covariate, source)
    assert row.log_odds_ratio == pytest.approx(value, abs=0.002)
    assert row.standard_error == pytest.approx(error, abs=0.002)


def test_extent_of_95_lies_between_the_observed_and_the_carried_forward():
    carried, error = log_odds_ratio((37, 125), (40, 66))
    observed = math.log(0.343 / 0.657) - math.log(0.644 / 0.356)
    row = contrast("extent_s4b_or_more", "ALLEGROSeverity")
    assert row.log_odds_ratio == pytest.approx((carried + observed) / 2, abs=0.01)
    assert row.standard_error == pytest.approx(error, abs=0.002)


@pytest.mark.parametrize(
    ("covariate", "share", "z"),
    [("nail_change", 0.142, 3.39), ("family_history", 0.188, 3.89), ("recurrent", 0.598, 2.44)],
)
def test_p_values_of_ganjoo_become_odds_ratios(covariate, share, z):
    error = (60 * 0.467 * 0.533 * share * (1 - share)) ** -0.5
    row = contrast(covariate, "Ganjoo2013")
    assert row.standard_error == pytest.approx(error, abs=0.002)
    assert row.log_odds_ratio == pytest.approx(-z * error, abs=0.01)


def test_conflicting_studies_widen_the_prior():
    family = EFFECTS["family_history"]
    alone = contrast("family_history", "Ganjoo2013")
    assert family.sd > alone.standard_error
    assert abs(family.mean) < family.sd * 1.5


def test_worse_covariates_lower_the_odds():
    for name in WANTED - {"late_onset", "ancestry"}:
        assert EFFECTS[name].mean < 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit": "percent"}, "unit"),
        ({"sd": 0.0}, "sd"),
        ({"sd": float("nan")}, "finite"),
        ({"mean": "large"}, "finite number"),
        ({"source": "Nobody1900"}, "references.bib"),
        ({"origin": "guessed"}, "origin"),
        ({"locator": None}, "locator"),
        ({"conflict": None}, "conflict"),
        ({"contrast": []}, "from no contrast"),
        ({"contrast": 3}, "list of tables"),
        ({"sceptical_sd": -1.0}, "sceptical_sd"),
        ({"colour": "red"}, "unknown"),
        ({"contrast": [{"source": "Jo2020"}]}, "lacks"),
    ],
)
def test_a_broken_row_is_named(changes, message):
    with pytest.raises(EvidenceError, match=message) as caught:
        parse_effects(altered("recurrent", **changes))
    assert "effect recurrent" in str(caught.value)


@pytest.mark.parametrize("changes", [{"standard_error": 0.0}, {"source": "Nobody1900"}])
def test_a_broken_contrast_is_refused(changes):
    table = copy.deepcopy(TABLE)
    table["effect"]["recurrent"]["contrast"][0].update(changes)
    with pytest.raises(EvidenceError, match="effect recurrent contrast"):
        parse_effects(table)


def test_all_broken_rows_are_named_at_once():
    table = altered("recurrent", unit="mm")
    table["effect"]["ancestry"]["sd"] = -1.0
    with pytest.raises(EvidenceError) as caught:
        parse_effects(table)
    assert "recurrent" in str(caught.value)
    assert "ancestry" in str(caught.value)


@pytest.mark.parametrize("table", [{}, {"effect": {}}, {"effect": 3}])
def test_an_empty_file_is_refused(table):
    with pytest.raises(EvidenceError, match="expected tables"):
        parse_effects(table)


def test_what_has_no_contrast_cannot_be_pooled():
    with pytest.raises(EvidenceError, match="no contrast"):
        pooled(EFFECTS["ancestry"])
