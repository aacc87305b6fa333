"""Names of drugs: those in print are known, combinations and routes are told apart."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anagen.errors import EvidenceError
from anagen.evidence.drug_names import (
    drug_of,
    drug_suggestions,
    load_drug_names,
    parse_drug_names,
)
from anagen.evidence.products import load_drugs, load_products
from anagen.evidence.published import load_arms
from anagen.evidence.rows import read_table

TABLES = read_table("drug_names.toml")


@pytest.mark.parametrize("drug", sorted({arm.drug for arm in load_arms()}))
def test_every_drug_of_the_published_arms_is_known(drug):
    assert drug_of(drug) is not None


@pytest.mark.parametrize("drug", load_drugs().values(), ids=lambda drug: drug.key)
def test_every_drug_of_the_products_is_a_steroid_of_that_name(drug):
    assert (drug_of(drug.name).name, drug_of(drug.name).kind) == (drug.name, "steroid_depot")


@pytest.mark.parametrize("key", load_products())
def test_every_product_is_known_by_key_and_by_name(key):
    product = load_products()[key]
    for text in (key, product.name):
        known = drug_of(text)
        assert known.kind == ("steroid_depot" if product.drug else "natural")
        assert not product.drug or known.name.startswith(product.drug)


def test_the_product_of_a_steroid_holds_that_steroid():
    for drug in load_drug_names().spellings.values():
        if drug.product and drug.kind == "steroid_depot":
            assert drug.name.startswith(load_products()[drug.product].drug)


@pytest.mark.parametrize(
    ("text", "key", "kind"),
    [
        ("Kenalog", "triamcinolone_acetonide", "steroid_depot"),
        ("ILTA 5 mg/mL", "triamcinolone_acetonide", "steroid_depot"),
        ("TA10", "triamcinolone_acetonide", "steroid_depot"),
        ("IL 2.5 mg/ml TAC (Kenacort-A)", "triamcinolone_acetonide", "steroid_depot"),
        ("Acetónido de triamcinolona", "triamcinolone_acetonide", "steroid_depot"),
        ("triamcinolone in normal saline", "triamcinolone_acetonide", "steroid_depot"),
        ("TA with 2% lidocaine", "triamcinolone_acetonide", "steroid_depot"),
        ("intralesional TA after topical lidocaine", "triamcinolone_acetonide", "steroid_depot"),
        ("triamcinolone acetonide (control group)", "triamcinolone_acetonide", "steroid_depot"),
        ("intralesional steroid (TA)", "triamcinolone_acetonide", "steroid_depot"),
        ("ILS", "steroid", "steroid_unspecified"),
        ("Intralesional Corticosteroids", "steroid", "steroid_unspecified"),
        ("0.9% saline", "saline", "natural"),
        ("PLACEBO", "placebo", "natural"),
        ("vehicle foam", "vehicle", "natural"),
        ("no treatment", "none", "natural"),
        ("control", "control", "natural"),
        ("no steroid", "none", "natural"),
        ("oral dexamethasone", "systemic_dexamethasone", "other_treatment"),
        ("IM triamcinolone", "systemic_triamcinolone_acetonide", "other_treatment"),
        ("triamcinolone 0.1% cream", "topical_triamcinolone_acetonide", "other_treatment"),
        ("topical moonlight", "topical", "other_treatment"),
        ("Candida albicans antigen 0.1 mL monthly", "candida_antigen", "other_treatment"),
        ("clobetasol 0.05% foam", "clobetasol", "other_treatment"),
        ("TA + PRP", "triamcinolone_acetonide_with_prp", "other_treatment"),
        ("PRP vs TA", "prp_vs_triamcinolone_acetonide", "comparison"),
        ("untreated half (other half TA)", "triamcinolone_acetonide_vs_none", "comparison"),
    ],
)
def test_what_was_given_is_read(text, key, kind):
    known = drug_of(text)
    assert (known.key, known.kind) == (key, kind)


@pytest.mark.parametrize("text", ["", " ", "moonlight", "fluocinalone acetonide", "?", "10 mg"])
def test_what_nobody_knows_is_not_guessed(text):
    assert drug_of(text) is None


@pytest.mark.parametrize(
    ("slip", "name"),
    [
        ("triamcinalone acetonide", "triamcinolone acetonide"),
        ("Kenolog 10", "triamcinolone acetonide"),
        ("betametasone dipropionat", "betamethasone dipropionate"),
        ("salin", "saline"),
    ],
)
def test_a_slip_of_spelling_gets_advice(slip, name):
    assert drug_of(slip) is None
    assert name in drug_suggestions(slip)


@given(st.text(max_size=60))
def test_any_text_has_an_answer_that_case_does_not_change(text):
    known = drug_of(text)
    assert known == drug_of(f"  {text.casefold()}. ")
    assert len(drug_suggestions(text)) <= 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tables: tables["natural"]["saline"].append("kenalog"), "stands twice"),
        (lambda tables: tables["natural"].update(saline=[]), "expected spellings"),
        (lambda tables: tables["natural"].update(saline=["%"]), "expected spellings"),
        (lambda tables: tables["product"].update(saline="brine"), "unknown product"),
        (lambda tables: tables["product"].update(brine="saline"), "unknown drug"),
        (lambda tables: tables["beside"]["names"].append("brine"), "unknown drug"),
        (lambda tables: tables["provenance"].pop("source"), "source"),
    ],
)
def test_a_vocabulary_that_contradicts_itself_is_refused(change, message):
    tables = copy.deepcopy(TABLES)
    change(tables)
    with pytest.raises(EvidenceError, match=message):
        parse_drug_names(tables)
