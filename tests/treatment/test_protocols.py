"""Named protocols: every number cited, changes marked, slips refused."""

import pytest

from anagen.errors import EvidenceError, InputError
from anagen.evidence.products import load_products
from anagen.evidence.references import reference_keys
from anagen.treatment.protocols import (
    change_protocol,
    load_protocol,
    load_protocols,
    parse_protocols,
    strength_at,
)
from anagen.treatment.technique import load_technique

ALL = sorted(load_protocols())


def test_the_named_protocols_exist() -> None:
    assert {
        "scalp-standard-5", "start-low-step-up", "us-experts", "bad-2012", "brow-or-beard-2.5",
        "ten-monthly", "saline-control", "japan-limited-s1",
    } <= set(ALL)  # fmt: skip


@pytest.mark.parametrize("key", ALL)
def test_every_number_has_a_source_and_every_product_exists(key: str) -> None:
    protocol = load_protocol(key)
    assert protocol.product in load_products()
    assert protocol.diluent in load_products()
    assert {cited.field for cited in protocol.cited} >= {
        "strength", "volume", "spacing", "margin", "depth", "needle", "interval", "sessions",
    }  # fmt: skip
    for cited in protocol.cited:
        assert cited.source in reference_keys()
        assert cited.locator
        assert (cited.source == "assumed") <= (cited.origin == "assumed")
    assert all(gate.source in reference_keys() for gate in protocol.gates)
    stock = load_products()[protocol.product].strength_mg_per_mL
    assert max(protocol.strengths_mg_per_mL) <= stock
    low, high = protocol.interval_range_days
    assert low <= protocol.interval_days <= high


def test_published_numbers() -> None:
    experts = load_protocol("us-experts")
    assert (experts.strengths_mg_per_mL, experts.interval_days, experts.sessions) == ((5.0,), 42, 6)
    assert experts.session_volume_mL == 1.5
    assert experts.layout.spacing_mm == 10.0
    steps = load_protocol("start-low-step-up")
    assert [strength_at(steps, i) for i in (0, 1, 2, 9)] == [2.5, 5.0, 10.0, 10.0]
    assert steps.steps == "by response"
    assert load_protocol("japan-limited-s1").gates[0].at_least == 25.0


def test_units_are_converted() -> None:
    assert load_protocol("bad-2012").interval_days == 28


def test_an_unknown_protocol_names_the_nearest() -> None:
    with pytest.raises(InputError, match="'us-experts'"):
        load_protocol("us-expert")


def test_changes_are_marked_and_leave_the_original() -> None:
    original = load_protocol("us-experts")
    changed = change_protocol(original, spacing_mm=8.0, sessions=2, margin_mm=None)
    assert changed.layout.spacing_mm == 8.0
    assert changed.sessions == 2
    assert changed.changed == ("spacing_mm", "sessions")
    assert original.layout.spacing_mm == 10.0
    assert original.changed == ()
    assert change_protocol(load_protocol("start-low-step-up"), strength_mg_per_mL=5.0).steps == (
        "fixed"
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"volume_mL": 10.0}, "volume_mL"),
        ({"strength_mg_per_mL": 50.0}, "strength_mg_per_mL"),
        ({"spacing_mm": float("nan")}, "spacing_mm"),
        ({"interval_days": 0}, "interval_days"),
        ({"sessions": -1}, "sessions"),
        ({"session_volume_mL": 1e9}, "session_volume_mL"),
        ({"strenght": 5.0}, "strenght"),
        ({"pattern": "spiral"}, "pattern"),
        ({"comfort": ("whisky",)}, "comfort"),
    ],
)
def test_absurd_changes_are_refused_with_their_place(change: dict, place: str) -> None:
    with pytest.raises(InputError) as caught:
        change_protocol(load_protocol("us-experts"), **change)
    assert place in caught.value.problems[0].place


def test_all_absurd_changes_come_together() -> None:
    with pytest.raises(InputError) as caught:
        change_protocol(load_protocol("us-experts"), volume_mL=10.0, depth_mm=-1.0)
    assert len(caught.value.problems) == 2


ROW = '{value=1, unit="mm", origin="assumed", source="assumed", locator="x"}'


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nname='x'",
        "[a]\nnonsense=1",
        "[a]\nname='x'\nsummary='x'\njurisdiction='x'\nbody_site='scalp'\nproduct='ta10'\n"
        "diluent='saline'\npattern='square'\nsteps='fixed'\ncomfort=[]\n"
        + "".join(
            f"{field}={ROW}\n"
            for field in ("strength", "volume", "spacing", "margin", "depth", "needle",
                          "interval", "sessions")
        ),
    ],
)  # fmt: skip
def test_a_protocol_without_a_number_unit_or_source_does_not_load(text: str) -> None:
    with pytest.raises(EvidenceError):
        parse_protocols(text)


def test_technique_rows_load_with_units_and_sources() -> None:
    rows = load_technique()
    assert rows["syringe_luer_lock.dead_volume"].unit == "mL"
    assert rows["placement.tolerance"].value == 0.01
