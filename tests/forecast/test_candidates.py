"""Plans to choose between: which are made, that they are plans as always, and what rules say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from anagen.errors import InputError
from anagen.forecast.candidates import MOST, Candidate, candidate_plans
from anagen.forecast.choices import load_grid
from anagen.forecast.designs import STOP
from anagen.patient import (
    PatchSeen,
    Patient,
    Visit,
    facts,
    load_patient,
    patch_shapes,
    patient_scalp,
)
from anagen.scalp import PatchShape, circle_outline, patch_cells
from anagen.treatment import blocked, load_protocol, load_protocols, make_plan
from anagen.treatment.binding import which_limit_binds_first
from anagen.treatment.injections import Plan
from anagen.treatment.rules import check

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FIRST = date(2026, 3, 2)
SMALL = replace(
    load_grid(), strengths_mg_per_mL=(2.5, 5.0), volumes_mL=(0.1,), spacings_mm=(10.0,),
    intervals_weeks=(4.0,), sessions=(3,), waits_weeks=(4.0,),
)  # fmt: skip


def disc(name: str, x: float, diameter: float, **seen: object) -> PatchSeen:
    outline = circle_outline("top", x, 90.0, diameter)
    return PatchSeen(id=name, shape=PatchShape(outlines=(outline,)), **seen)  # type: ignore[arg-type]


def person(*patches: PatchSeen, **fields: object) -> Patient:
    visit = Visit(date=FIRST, patches=patches)
    return Patient(id="P1", age_years=34, allergies=(), visits=(visit,), **fields)  # type: ignore[arg-type]


TWO = person(disc("A", 60.0, 40.0), disc("B", 120.0, 22.0))


@pytest.fixture(scope="module")
def example() -> Patient:
    return load_patient(EXAMPLES / "patient.json")


@pytest.fixture(scope="module")
def made(example: Patient) -> tuple[Candidate, ...]:
    return candidate_plans(example)


def by_kind(candidates: Sequence[Candidate], kind: str) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.kind == kind]


def skin(plan: Plan) -> tuple[object, ...]:
    """What of a plan reaches the skin, and when."""
    return tuple((row.date, row.injections, row.diluent, row.comfort) for row in plan.sessions)


def test_names_and_plans_stand_once_and_are_not_too_many(made: tuple[Candidate, ...]) -> None:
    assert 100 < len(made) <= MOST
    assert len({candidate.name for candidate in made}) == len(made)
    assert len({skin(candidate.plan) for candidate in made}) == len(made)


def test_every_kind_of_choice_is_there(made: tuple[Candidate, ...]) -> None:
    kinds = {candidate.kind for candidate in made}
    assert kinds == {"named protocol", "variation", "wait", "stop", "step down"}
    assert any(also.startswith("Step up: 10 mg/mL") for row in made for also in row.also)
    scalp = {row.name for row in load_protocols().values()
             if row.body_site == "scalp" and row.jurisdiction != "research"}  # fmt: skip
    assert {candidate.name for candidate in by_kind(made, "named protocol")} == scalp


@pytest.mark.parametrize("key", ["scalp-standard-5", "start-low-step-up", "us-experts"])
def test_a_named_protocol_is_the_plan_that_is_always_made(
    key: str, example: Patient, made: tuple[Candidate, ...]
) -> None:
    protocol = load_protocol(key)
    found = next(candidate for candidate in made if candidate.name == protocol.name)
    scalp, shapes = patient_scalp(example), patch_shapes(example)
    covers = {name: patch_cells(scalp, shape, "") for name, shape in shapes.items()}
    start = found.plan.sessions[0].date
    expected = make_plan(scalp, covers, protocol, start, patient_id=example.id)
    assert skin(found.plan) == skin(expected)
    assert found.plan.gates == expected.gates
    assert found.plan.created_from == expected.created_from
    assert bool(found.plan.limits) == bool(expected.limits)
    assert found.sources


def test_findings_and_binding_limit_are_those_of_the_rules(
    example: Patient, made: tuple[Candidate, ...]
) -> None:
    for candidate in made[::19]:
        if candidate.kind == "stop":
            continue
        known = facts(example, candidate.plan.sessions[0].date)
        expected = check(candidate.plan, known)
        assert [(f.rule, f.place) for f in candidate.findings] == [
            (f.rule, f.place) for f in expected
        ]
        assert candidate.plan.findings == candidate.findings
        assert candidate.binding == which_limit_binds_first(candidate.plan, known)[0]


def test_a_candidate_is_inside_the_profile_unless_marked() -> None:
    patient = load_patient(EXAMPLES / "ophiasis.toml")
    grid = replace(SMALL, strengths_mg_per_mL=(10.0,), volumes_mL=(0.05,))
    made = candidate_plans(patient, protocols=["bad-2012", "us-experts"], grid=grid)
    limit = 30.0
    over = {
        row.name for row in made if max((s.total_mg for s in row.plan.sessions), default=0) > limit
    }
    assert "BAD 2012" in over
    assert {row.name for row in made if row.blocked} == over
    assert all(row.blocked == blocked(row.findings) for row in made)
    free = candidate_plans(patient, protocols=["bad-2012"], grid=grid, profile="us-label")
    assert not any(row.blocked for row in free)


def test_an_allergy_blocks_every_injection_but_not_leaving_it_out() -> None:
    allergic = TWO.model_copy(update={"allergies": ("triamcinolone",)})
    made = candidate_plans(allergic, protocols=["us-experts"], grid=SMALL)
    assert {row.kind for row in made if not row.blocked} == {"stop"}
    assert by_kind(made, "stop")[0].name == STOP
    assert by_kind(made, "stop")[0].plan.sessions == ()


def test_no_session_falls_within_its_interval_of_the_last_one(
    example: Patient, made: tuple[Candidate, ...]
) -> None:
    last = max(session.date for session in example.sessions)
    for candidate in made:
        if candidate.plan.sessions:
            gap = candidate.plan.sessions[0].date - last
            assert gap >= timedelta(weeks=candidate.design.interval_weeks)


def test_waiting_is_the_same_plan_later() -> None:
    made = candidate_plans(TWO, protocols=["scalp-standard-5"], grid=SMALL)
    now, later = made[0].plan, by_kind(made, "wait")[0].plan
    assert len(now.sessions) == len(later.sessions)
    for first, second in zip(now.sessions, later.sessions, strict=True):
        assert second.date - first.date == timedelta(weeks=4)
        assert second.injections == first.injections


def test_without_a_session_there_is_no_step() -> None:
    made = candidate_plans(TWO, protocols=[], grid=SMALL)
    assert not by_kind(made, "step up") + by_kind(made, "step down")
    assert not any(row.also for row in made)


def test_the_worst_patch_is_the_one_with_most_bald_skin_left() -> None:
    made = candidate_plans(TWO, protocols=[], grid=SMALL)
    parts = {row.design.patches for row in by_kind(made, "variation")}
    assert parts == {("A", "B"), ("A",)}
    regrown = person(disc("A", 60.0, 40.0, regrowth_percent=95, activity="regrowing"),
                     disc("B", 120.0, 22.0))  # fmt: skip
    made = candidate_plans(regrown, protocols=[], grid=SMALL)
    only = [row for row in by_kind(made, "variation") if row.design.patches == ("B",)]
    assert [row.name.rpartition(", ")[2] for row in only] == ["only B", "only B"]
    assert all(
        site.patch == "B" for row in only for s in row.plan.sessions for site in s.injections
    )


def test_a_blocked_patch_gets_no_site_and_all_blocked_leaves_only_stopping() -> None:
    closed = person(disc("A", 60.0, 40.0, blocked="dent"), disc("B", 120.0, 22.0))
    made = candidate_plans(closed, protocols=["us-experts"], grid=SMALL)
    sites = {site.patch for row in made for s in row.plan.sessions for site in s.injections}
    assert sites == {"B"}
    assert any("patch A is blocked" in words for words in made[0].plan.limits)
    nowhere = person(disc("A", 60.0, 40.0, blocked="dent"))
    assert [row.kind for row in candidate_plans(nowhere, grid=SMALL)] == ["stop"]


def test_a_large_grid_keeps_what_differs_least_from_usual_practice() -> None:
    grid = replace(
        SMALL, strengths_mg_per_mL=(2.5, 3.3, 5.0, 7.5, 10.0), volumes_mL=(0.05, 0.08, 0.1),
        sessions=(2, 3, 4, 5, 6), intervals_weeks=(4.0, 5.0, 6.0, 8.0), waits_weeks=(),
    )  # fmt: skip
    made = candidate_plans(person(disc("B", 120.0, 15.0)), protocols=[], grid=grid)
    assert len(made) == MOST
    names = {row.name for row in made}
    assert {"5 mg/mL, 0.1 mL, 10 mm, every 4 weeks x6", "5 mg/mL, 0.08 mL, 10 mm, every 4 weeks x6",
            "3.3 mg/mL, 0.1 mL, 10 mm, every 6 weeks x6"} <= names  # fmt: skip
    assert "3.3 mg/mL, 0.08 mL, 10 mm, every 8 weeks x5" not in names


def test_a_plan_does_not_start_before_the_day_asked_for() -> None:
    on = date(2026, 5, 4)
    made = candidate_plans(TWO, on=on, protocols=[], grid=SMALL)
    assert {row.plan.sessions[0].date for row in by_kind(made, "variation")} == {on}


def test_everything_wrong_with_a_grid_is_told_at_once() -> None:
    grid = replace(SMALL, strengths_mg_per_mL=(500.0,), volumes_mL=(), spacings_mm=(-1.0,),
                   intervals_weeks=(0.0,), protocol="nobody", patches=())  # fmt: skip
    with pytest.raises(InputError) as raised:
        candidate_plans(TWO, grid=grid)
    places = {problem.place for problem in raised.value.problems}
    assert places == {"grid.strengths_mg_per_mL", "grid.volumes_mL", "grid.spacings_mm",
                      "grid.intervals_weeks", "grid.patches", "grid.protocol"}  # fmt: skip


def test_what_cannot_be_planned_is_refused() -> None:
    with pytest.raises(InputError, match="a patch with an outline"):
        candidate_plans(person(PatchSeen(id="A")), grid=SMALL)
    with pytest.raises(InputError, match="at least one visit"):
        candidate_plans(Patient(id="P1"), grid=SMALL)
    with pytest.raises(InputError, match=r"protocols\[0\]"):
        candidate_plans(TWO, protocols=["nobody"], grid=SMALL)
    with pytest.raises(InputError, match="profile"):
        candidate_plans(TWO, profile="nobody", grid=SMALL)
