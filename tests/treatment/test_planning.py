"""Plans: dates, strengths, caps, changes; and the plan file."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError, Problem
from anagen.scalp import build_scalp, disc, geodesic_distance
from anagen.scalp.views import VIEWS, ViewPoint, facing
from anagen.treatment.injections import Plan
from anagen.treatment.placement import place_sites
from anagen.treatment.plan_files import load_plan, plan_json, plan_schema, read_plan, save_plan
from anagen.treatment.planning import (
    PlanOptions,
    change_session,
    make_plan,
    session_at,
    session_sites,
    shift,
)
from anagen.treatment.protocols import load_protocol
from anagen.treatment.sites import check_sites, positions

SCALP = build_scalp(cell_mm=4.0)
PATCHES = {
    "P1": np.asarray(disc(SCALP, ViewPoint(view="top", x=60.0, y=90.0), 32.0), float),
    "P2": np.asarray(disc(SCALP, ViewPoint(view="back", x=80.0, y=60.0), 20.0), float),
}
START = date(2026, 3, 2)
PLAN = make_plan(SCALP, PATCHES, "scalp-standard-5", START, patient_id="P001", sessions=3)


def test_sessions_come_at_the_protocol_s_interval_and_dose() -> None:
    assert PLAN.days == (0, 28, 56)
    for session in PLAN.sessions:
        assert {site.strength_mg_per_mL for site in session.injections} == {5.0}
        assert {site.depth_mm for site in session.injections} == {3.0}
        assert {site.patch for site in session.injections} == {"P1", "P2"}
        assert session.total_mg == pytest.approx(0.5 * session.sites)
    assert PLAN.created_from is not None
    assert PLAN.gates[0].week == 12


def test_every_session_keeps_the_guarantees() -> None:
    for session in PLAN.sessions:
        sites = session_sites(SCALP, session)
        assert check_sites(SCALP, sites, load_protocol("scalp-standard-5").layout, PATCHES) == []


def test_sites_alternate_between_sessions_unless_told_not_to() -> None:
    points = [positions(session_sites(SCALP, session)) for session in PLAN.sessions]
    gaps = geodesic_distance(SCALP, points[0][:, None], points[1][None]).min(axis=1)
    assert np.median(gaps) > 3.0
    assert np.array_equal(points[0], points[2])
    still = make_plan(
        SCALP, PATCHES, "scalp-standard-5", START, patient_id="P001", sessions=2,
        options=PlanOptions(alternate=False),
    )  # fmt: skip
    assert still.sessions[0].injections == still.sessions[1].injections


def test_each_site_is_drawn_in_the_view_that_sees_it_best() -> None:
    for session in PLAN.sessions:
        for site, injection in zip(session_sites(SCALP, session), session.injections, strict=True):
            point = np.array(site.position)
            best = max(float(facing(SCALP, point, view)) for view in VIEWS)
            assert float(facing(SCALP, point, injection.location.view)) == pytest.approx(best)


def test_locations_round_trip_to_positions() -> None:
    sites = place_sites(SCALP, PATCHES)
    session = session_at(SCALP, sites, load_protocol("us-experts"), START)
    back = positions(session_sites(SCALP, session))
    assert np.abs(back - positions(sites)).max() < 0.05
    assert [site.number for site in session.injections] == [site.number for site in sites]


def test_the_session_cap_binds_and_the_plan_says_so() -> None:
    plan = make_plan(
        SCALP, PATCHES, "us-experts", START, patient_id="P001", sessions=2, spacing_mm=7.0
    )
    assert all(session.total_mL <= 1.5 + 1e-9 for session in plan.sessions)
    assert len([words for words in plan.limits if "binds first" in words]) == 2
    assert "15 of" in plan.limits[0]
    assert any("changed" in note for note in plan.notes)


def test_steps_by_response() -> None:
    plan = make_plan(SCALP, PATCHES, "start-low-step-up", START, patient_id="P001", sessions=4)
    assert [session.strengths for session in plan.sessions] == [(2.5,), (5.0,), (10.0,), (10.0,)]
    assert any("2.5 -> 5 -> 10" in note for note in plan.notes)


def test_blocked_patches_get_nothing_and_the_plan_says_so() -> None:
    plan = make_plan(SCALP, PATCHES, "ten-monthly", START, patient_id="P1", blocked=["P2"])
    assert {site.patch for site in plan.sessions[0].injections} == {"P1"}
    assert any("P2 is blocked" in words for words in plan.limits)


def test_a_patch_crowded_out_is_named() -> None:
    tiny = np.zeros(len(SCALP.position))
    near = np.zeros(len(SCALP.position))
    cell = int(np.argmax(PATCHES["P1"]))
    other = int(np.argsort(np.linalg.norm(SCALP.position - SCALP.position[cell], axis=1))[1])
    tiny[cell], near[other] = 1.0, 1.0
    plan = make_plan(SCALP, {"a": tiny, "b": near}, "us-experts", START, patient_id="P1")
    assert any("patch b has no site of its own" in words for words in plan.limits)


def test_saline_control_carries_no_drug() -> None:
    plan = make_plan(SCALP, PATCHES, "saline-control", START, patient_id="P1", sessions=1)
    assert plan.total_mg == 0.0
    assert plan.total_mL > 0.5


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"strength_mg_per_mL": 50.0}, "strength_mg_per_mL"),
        ({"strength_mg_per_mL": 20.0}, "strength_mg_per_mL"),
        ({"volume_mL": 10.0}, "volume_mL"),
        ({"product": "ta11"}, "product"),
        ({"diluent": "ta40"}, "diluent"),
        ({"session_volume_mL": 0.05}, "session_volume_mL"),
        ({"spacing_mm": float("inf")}, "spacing_mm"),
        ({"sessions": 1000}, "sessions"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_absurd_plans_are_refused(change: dict, place: str) -> None:
    with pytest.raises(InputError) as caught:
        make_plan(SCALP, PATCHES, "us-experts", START, patient_id="P1", **change)
    assert place in caught.value.problems[0].place
    assert caught.value.problems[0].remedy


def test_absurd_starts_are_refused() -> None:
    for start in ("2026-03-02", None, date(9999, 12, 1), date(20, 1, 1)):
        with pytest.raises(InputError):
            make_plan(SCALP, PATCHES, "us-experts", start, patient_id="P1")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least one patch"):
        make_plan(SCALP, {}, "us-experts", START, patient_id="P1")
    with pytest.raises(InputError):
        make_plan(SCALP, PATCHES, "no-such", START, patient_id="P1")
    with pytest.raises(InputError):
        make_plan(SCALP, PATCHES, "us-experts", START, patient_id="", sessions=1)


def test_a_session_changes_alone() -> None:
    changed = change_session(PLAN, 1, strength_mg_per_mL=2.5, note="hair is returning")
    assert changed.sessions[1].strengths == (2.5,)
    assert changed.sessions[1].note == "hair is returning"
    assert changed.sessions[0] == PLAN.sessions[0]
    assert changed.sessions[2] == PLAN.sessions[2]
    assert PLAN.sessions[1].strengths == (5.0,)


@pytest.mark.parametrize(
    ("index", "fields"),
    [
        (3, {}),
        (-1, {}),
        (1, {"volume_mL": 10.0}),
        (1, {"date": START}),
        (1, {"date": "soon"}),
        (1, {"colour": 1}),
        (1, {"product": "ta11"}),
        (1, {"injections": 5}),
    ],
)
def test_changes_that_cannot_be_are_refused(index: int, fields: dict) -> None:
    with pytest.raises(InputError) as caught:
        change_session(PLAN, index, **fields)
    assert caught.value.problems[0].remedy


@settings(deadline=None, derandomize=True, max_examples=25)
@given(first=st.integers(-300, 300), second=st.integers(-300, 300))
def test_shifts_compose(first: int, second: int) -> None:
    assert shift(shift(PLAN, first), second) == shift(PLAN, first + second)
    assert shift(PLAN, first).sessions[0].date == START + timedelta(days=first)
    assert shift(PLAN, first).days == PLAN.days


def test_a_partial_shift_keeps_the_order() -> None:
    later = shift(PLAN, 14, first=1)
    assert later.days == (0, 42, 70)
    with pytest.raises(InputError):
        shift(PLAN, -28, first=1)
    for days in (10**9, 1.5, float("nan"), "7", True):
        with pytest.raises(InputError):
            shift(PLAN, days)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        shift(PLAN, 7, first=9)


def test_a_plan_file_round_trips(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    save_plan(PLAN, file)
    assert load_plan(file) == PLAN
    first = file.read_bytes()
    save_plan(load_plan(file), file)
    assert file.read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(b"\xef\xbb\xbf" + plan_json(PLAN).encode())
    assert load_plan(file) == PLAN


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"\xff\xfe{}", "byte 0"),
        (plan_json(PLAN).encode()[:900], "line "),
        (b"", "line 1"),
        (b"[]", "plan.json"),
        (b'{"protocol": "x"}', "patient"),
        (b"[" * 100_000, "plan.json"),
        (plan_json(PLAN).replace('"volume_mL": 0.1', '"volume_mL": NaN', 1).encode(), "volume_mL"),
        (plan_json(PLAN).replace('"ta10"', '"ta11"', 1).encode(), "injections[0].product"),
        (plan_json(PLAN).replace('"schema_version": 1', '"schema_version": 2').encode(),
         "schema_version"),
        (b'{"protocol": "\\ud800", "patient": "P"}', "protocol"),
        (b'{"protocol": "x", "patient": "P", "\\ud800": 1}', "plan.json"),
    ],
)  # fmt: skip
def test_broken_files_are_refused_with_their_place(
    tmp_path: Path, content: bytes, place: str
) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_plan(file)
    assert place in caught.value.problems[0].place
    str(caught.value).encode()


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Check the path"):
        load_plan(tmp_path / "none.json")
    with pytest.raises(InputError):
        save_plan(PLAN, tmp_path / "none" / "plan.json")
    with pytest.raises(InputError):
        save_plan(PLAN, tmp_path)
    assert list(tmp_path.iterdir()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(deadline=None, derandomize=True, max_examples=120)
@given(data=st.data())
def test_no_damaged_plan_escapes_as_a_traceback(data: st.DataObject) -> None:
    document = json.loads(plan_json(PLAN))
    target: object = document
    for _ in range(data.draw(st.integers(0, 5))):
        if isinstance(target, dict) and target:
            key = data.draw(st.sampled_from(sorted(target)))
        elif isinstance(target, list) and target:
            key = data.draw(st.integers(0, len(target) - 1))
        else:
            break
        parent, target = target, target[key]  # type: ignore[index]
        if data.draw(st.booleans()):
            parent[key] = data.draw(JSON)  # type: ignore[index]
            break
    plan, problems = read_or_problems(json.dumps(document))
    assert all(problem.remedy and problem.place for problem in problems)
    assert (plan is None) == bool(problems)
    assert plan is None or read_plan(plan_json(plan)) == plan


def read_or_problems(text: str) -> tuple[Plan | None, tuple[Problem, ...]]:
    try:
        return read_plan(text), ()
    except InputError as error:
        return None, error.problems


def test_the_schema_states_the_bounds() -> None:
    schema = plan_schema()
    volume = schema["$defs"]["Injection"]["properties"]["volume_mL"]
    assert volume["maximum"] == 1.0
    assert "mL" in volume["description"]
    assert json.loads(json.dumps(schema)) == schema
