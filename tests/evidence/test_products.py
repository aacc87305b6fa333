"""Products: what the vial says, what it is made of, and what contradicts itself."""

import copy
import math
import pickle

import pytest

from anagen.errors import EvidenceError, InputError
from anagen.evidence.products import load_drugs, load_product, load_products, parse_products
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table

KEYS = ("ta10", "ta40", "th5", "th20", "bd5", "bd5p2", "hca25", "bsp4", "saline", "lidocaine")


@pytest.mark.parametrize("key", KEYS)
def test_the_products_of_the_house_are_there(key):
    assert load_product(key).key == key


@pytest.mark.parametrize("key", list(load_products()))
def test_every_number_of_a_product_has_unit_and_source(key):
    product = load_products()[key]
    assert product.source in reference_keys()
    for quantity in product.quantities.values():
        assert quantity.unit
        assert quantity.provenance.source in reference_keys()
        assert quantity.provenance.locator
        assert quantity.low <= quantity.value <= quantity.high


def test_strengths_are_those_of_the_labels():
    strengths = {key: load_product(key).strength_mg_per_mL for key in KEYS}
    assert strengths == {
        "ta10": 10, "ta40": 40, "th5": 5, "th20": 20, "bd5": 5, "bd5p2": 7, "hca25": 25, "bsp4": 4,
        "saline": 0, "lidocaine": 0,
    }  # fmt: skip


def test_the_strong_stock_is_not_for_the_skin_in_its_us_label():
    assert "intradermal" in load_product("ta40").forbidden_routes
    assert "intradermal" in load_product("ta10").routes


def test_hexacetonide_dissolves_more_slowly_and_acts_as_the_acetonide():
    acetonide, hexacetonide = load_product("ta10"), load_product("th5")
    assert hexacetonide.solubility_ug_per_mL < acetonide.solubility_ug_per_mL / 3
    assert hexacetonide.prodrug
    assert not acetonide.prodrug
    assert hexacetonide.active == acetonide.drug
    assert hexacetonide.relative_affinity == acetonide.relative_affinity
    assert hexacetonide.active_fraction == pytest.approx(434.5 / 532.65)
    assert acetonide.active_fraction == 1.0


def test_a_strength_counted_as_the_active_substance_is_not_reduced_again():
    assert load_product("bd5").active_fraction == 1.0
    assert load_product("bd5p2").soluble_share == pytest.approx(2 / 7)


def test_a_solution_leaves_no_depot():
    product = load_product("bsp4")
    assert product.soluble
    assert product.solubility_ug_per_mL == math.inf
    assert (product.crystal_diameter_um, product.soluble_share) == (0.0, 1.0)
    assert product.relative_affinity == load_product("bd5").relative_affinity


def test_the_control_holds_no_drug():
    saline = load_product("saline")
    assert (saline.drug, saline.active, saline.strength_mg_per_mL) == ("", "", 0.0)
    assert (saline.relative_affinity, saline.benzyl_alcohol_mg_per_mL) == (0.0, 0.0)
    assert saline.vial_volume_mL is None
    assert saline.use_after_mixing_hours is None
    assert {"control", "diluent"} <= set(saline.roles)


def test_benzyl_alcohol_is_an_excipient_wherever_its_amount_is_known():
    for product in load_products().values():
        known = product.benzyl_alcohol_mg_per_mL > 0
        assert known == ("benzyl alcohol" in product.excipients)


def test_order_of_receptor_affinity_follows_the_whole_blood_order():
    affinity = {key: drug.quantities["relative_affinity"].value
                for key, drug in load_drugs().items() if not drug.prodrug}  # fmt: skip
    order = sorted(affinity, key=affinity.__getitem__)
    assert order == ["hydrocortisone", "betamethasone", "triamcinolone_acetonide"]


def test_products_can_be_hashed_copied_and_sent():
    product = load_product("ta10")
    assert hash(product) == hash(copy.deepcopy(product))
    assert pickle.loads(pickle.dumps(product)) == product


@pytest.mark.parametrize("key", ["ta11", "", "TA10", "triamcinolone"])
def test_an_unknown_product_is_an_input_error_that_lists_the_known_ones(key):
    with pytest.raises(InputError, match="ta10") as caught:
        load_product(key, "plan.json: sessions[0]")
    assert caught.value.problems[0].place == "plan.json: sessions[0]"


def without(name):
    return lambda row: row.pop(name)


def to(name, **changes):
    return lambda row: row[name].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("strength"), "strength"),
        (without("crystal_diameter"), "crystal_diameter"),
        (without("source"), "source"),
        (without("routes"), "routes"),
        (to("strength", unit="wobble"), "unknown unit"),
        (to("strength", unit="mg"), "mg/mL"),
        (to("strength", source="Nobody1999"), "not in references"),
        (to("strength", value=-1), "outside|negative"),
        (to("strength", value=float("nan")), "finite"),
        (to("strength", value="ten"), "finite number"),
        (lambda row: row.update(source="Nobody1999"), "not in references"),
        (lambda row: row.update(drug="aspirin"), "unknown drug"),
        (lambda row: row.update(form="gel"), "form"),
        (lambda row: row.update(roles=["control"]), "steroid"),
        (lambda row: row.update(roles=["toy"]), "roles"),
        (lambda row: row.update(strength_basis="salt"), "strength_basis"),
        (lambda row: row.update(forbidden_routes=["intradermal"]), "forbidden"),
        (lambda row: row.update(colour="white"), "unknown"),
    ],
)
def test_a_product_that_contradicts_itself_does_not_load(change, message):
    tables = copy.deepcopy(read_table("products.toml"))
    change(tables["products"]["ta10"])
    with pytest.raises(EvidenceError, match=message):
        parse_products(tables)


def test_a_prodrug_of_an_unknown_substance_does_not_load():
    tables = copy.deepcopy(read_table("products.toml"))
    tables["drugs"]["triamcinolone_hexacetonide"]["active"] = "unheard_of"
    with pytest.raises(EvidenceError, match="unheard_of"):
        parse_products(tables)


def test_an_active_substance_without_affinity_does_not_load():
    tables = copy.deepcopy(read_table("products.toml"))
    del tables["drugs"]["betamethasone"]["relative_affinity"]
    with pytest.raises(EvidenceError, match="affinity"):
        parse_products(tables)
