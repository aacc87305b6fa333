"""Limits on a syringe sheet in the middle of a course: what was given is counted once."""

import json
from datetime import date
from pathlib import Path

import pytest

from anagen.patient import Patient, load_patient
from anagen.patient.plans import PlanRequest, plan_patient
from anagen.report.documents import document_data
from anagen.treatment import Plan

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "patient.json"
START = date(2025, 3, 3)


@pytest.fixture(scope="module")
def begun() -> tuple[Patient, Plan]:
    """A person whose first session of a plan was given."""
    patient = load_patient(EXAMPLE)
    plan = plan_patient(patient, PlanRequest(start=START))
    first = plan.sessions[0]
    given = tuple(site.model_copy(update={"status": "given"}) for site in first.injections)
    session = first.model_copy(update={"injections": given})
    return patient.model_copy(update={"sessions": (*patient.sessions, session)}), plan


def _sheet(patient: Patient, plan: Plan, session: int) -> str:
    data = document_data("injections", patient=patient, plan=plan, session=session)
    return json.dumps(data["blocks"], ensure_ascii=False)


def test_a_session_given_is_not_counted_as_planned_too(begun: tuple[Patient, Plan]) -> None:
    patient, plan = begun
    left = plan.model_copy(update={"sessions": plan.sessions[1:]})
    sheet, alone = _sheet(patient, plan, 2), _sheet(patient, left, 1)
    marker = "How much of each limit"
    assert sheet[sheet.index(marker):].split("Site by site")[0] == (
        alone[alone.index(marker):].split("Site by site")[0]
    )  # fmt: skip


def test_a_limit_passed_without_measure_is_told_as_passed(begun: tuple[Patient, Plan]) -> None:
    patient, plan = begun
    again = patient.sessions[-1].model_copy(update={"date": plan.sessions[1].date})
    twice = patient.model_copy(update={"sessions": (*patient.sessions, again)})
    sheet = _sheet(twice, plan, 2)
    assert "over 100" in sheet
    assert "inf" not in sheet[sheet.index("How much of each limit") :].split("Site by site")[0]
