"""Dilution arithmetic and the syringe sheet."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.evidence.products import load_product
from anagen.scalp.views import ViewPoint
from anagen.treatment.dilution import dilute, syringe_sheet
from anagen.treatment.injections import Injection, Session


def session(*doses: tuple[str, float, float], **fields: object) -> Session:
    sites = tuple(
        Injection(
            number=number,
            location=ViewPoint(view="top", x=80.0, y=90.0),
            product=product,
            strength_mg_per_mL=strength,
            volume_mL=volume,
            depth_mm=3.0,
            needle_gauge=30,
        )
        for number, (product, strength, volume) in enumerate(doses, start=1)
    )
    return Session.model_validate({"date": date(2026, 3, 2), "injections": sites, **fields})


@settings(deadline=None, derandomize=True, max_examples=60)
@given(target=st.floats(0.1, 10.0), final=st.floats(0.05, 50.0))
def test_dilution_round_trip(target: float, final: float) -> None:
    mix = dilute("ta10", target, final)
    assert mix.stock_mL + mix.diluent_mL == pytest.approx(final)
    assert mix.stock_mL * mix.stock_mg_per_mL / mix.final_mL == pytest.approx(target)
    assert mix.diluent_mL >= 0.0
    assert mix.content_mg == pytest.approx(mix.stock_mL * 10.0)


def test_textbook_dilutions() -> None:
    assert dilute("ta10", 5.0, 2.0).stock_mL == pytest.approx(1.0)
    assert dilute("ta10", 2.5, 1.0).diluent_mL == pytest.approx(0.75)
    assert dilute("ta40", 5.0, 4.0).stock_mL == pytest.approx(0.5)
    undiluted = dilute("ta10", 10.0, 3.0)
    assert undiluted.diluent_mL == 0.0
    assert "undiluted" in undiluted.label
    assert not any("Add" in step for step in undiluted.steps)


def test_saline_needs_no_dilution() -> None:
    mix = dilute("saline", 0.0, 2.0)
    assert (mix.stock_mL, mix.diluent_mL) == (2.0, 0.0)
    assert "no drug" in mix.label


@pytest.mark.parametrize(
    ("product", "target", "final", "diluent", "place"),
    [
        ("ta10", 11.0, 1.0, "saline", "target_mg_per_mL"),
        ("ta10", 0.0, 1.0, "saline", "target_mg_per_mL"),
        ("ta10", float("nan"), 1.0, "saline", "target_mg_per_mL"),
        ("ta10", -5.0, 1.0, "saline", "target_mg_per_mL"),
        ("ta10", 5.0, 0.0, "saline", "final_mL"),
        ("ta10", 5.0, float("inf"), "saline", "final_mL"),
        ("ta10", 5.0, 1.0, "ta40", "diluent"),
        ("ta11", 5.0, 1.0, "saline", "product"),
        ("ta10", 5.0, 1.0, "water", "diluent"),
        ("ta10", "five", 1.0, "saline", "target_mg_per_mL"),
    ],
)
def test_impossible_dilutions_are_refused(
    product: str, target: float, final: float, diluent: str, place: str
) -> None:
    with pytest.raises(InputError) as caught:
        dilute(product, target, final, diluent)
    assert caught.value.problems[0].place == place
    assert caught.value.problems[0].remedy


def test_a_target_above_the_stock_names_both() -> None:
    with pytest.raises(InputError, match="at most 10 mg/mL"):
        dilute("ta10", 20.0, 1.0)


def test_vials_by_the_volume_of_the_vial() -> None:
    vial = load_product("ta10").vial_volume_mL
    assert vial is not None
    assert dilute("ta10", 10.0, vial).vials == 1
    assert dilute("ta10", 10.0, vial * 1.01).vials == 2
    assert dilute("ta10", 5.0, vial * 2).vials == 1


def test_fifteen_sites_need_two_syringes_and_their_dead_volume() -> None:
    sheet = syringe_sheet(session(*[("ta10", 5.0, 0.1)] * 15))
    (mix,) = sheet.mixes
    assert [len(syringe.injections) for syringe in mix.syringes] == [10, 5]
    assert mix.syringes[0].injections == tuple(range(1, 11))
    assert mix.deliver_mL == pytest.approx(1.5)
    assert mix.deliver_mg == pytest.approx(7.5)
    assert mix.dilution.final_mL == pytest.approx(1.7)
    assert mix.spare_mL == pytest.approx(0.2)
    assert mix.dilution.final_mL >= sum(syringe.fill_mL for syringe in mix.syringes)
    insulin = syringe_sheet(session(*[("ta10", 5.0, 0.1)] * 15), "insulin").mixes[0]
    assert insulin.dilution.final_mL == pytest.approx(1.6)


def test_several_strengths_give_several_mixes() -> None:
    sheet = syringe_sheet(session(("ta10", 2.5, 0.05), ("ta10", 5.0, 0.1), ("ta10", 2.5, 0.05)))
    assert [mix.dilution.target_mg_per_mL for mix in sheet.mixes] == [5.0, 2.5]
    assert sheet.mixes[1].syringes[0].injections == (1, 3)
    assert sheet.total_mg == pytest.approx(0.75)
    assert sheet.total_mL == pytest.approx(0.2)


def test_skipped_sites_need_no_drug() -> None:
    full = session(("ta10", 5.0, 0.1), ("ta10", 5.0, 0.1))
    skipped = full.injections[1].model_copy(update={"status": "skipped", "skipped_reason": "pain"})
    part = full.model_copy(update={"injections": (full.injections[0], skipped)})
    assert syringe_sheet(part).total_mL == pytest.approx(0.1)
    assert syringe_sheet(session()).mixes == ()


def test_the_sheet_lists_all_impossible_strengths() -> None:
    with pytest.raises(InputError) as caught:
        syringe_sheet(session(("ta10", 20.0, 0.1), ("hca25", 30.0, 0.1)))
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="luer_lock or insulin"):
        syringe_sheet(session(), "glass")  # type: ignore[arg-type]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(volumes=st.lists(st.floats(0.005, 1.0), min_size=1, max_size=40))
def test_no_syringe_overflows_and_no_site_is_lost(volumes: list[float]) -> None:
    (mix,) = syringe_sheet(session(*[("ta10", 5.0, volume) for volume in volumes])).mixes
    served = [number for syringe in mix.syringes for number in syringe.injections]
    assert served == list(range(1, len(volumes) + 1))
    assert all(syringe.deliver_mL <= 1.0 + 1e-6 for syringe in mix.syringes)
    assert mix.deliver_mL == pytest.approx(sum(volumes))
    assert mix.spare_mL >= 0.0
