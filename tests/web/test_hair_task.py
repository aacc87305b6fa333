"""The job that pictures the scalp hair by hair."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from anagen.errors import InputError
from anagen.report.hair_view import WEEKS, decode
from anagen.web.api import job_models
from anagen.web.tasks import run_task

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "patient.json"


@pytest.fixture(scope="module")
def patient() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return found


def test_the_same_three_people_are_pictured_with_the_plan_and_without(
    patient: dict[str, Any],
) -> None:
    steps: list[tuple[int, int]] = []
    answer = run_task(
        "hair", {"patient": patient, "weeks": 24, "hairs": 2000}, lambda *step: steps.append(step)
    )
    assert steps[-1] == (3, 3)
    assert steps == sorted(steps)
    assert not answer["withheld"]
    assert answer["courses"] == ["likely", "lucky", "unlucky"] == list(answer["labels"])
    assert tuple(answer["weeks"]) == WEEKS
    assert answer["plan"]["patient"] == patient["id"]
    view = decode(gzip.decompress(base64.b64decode(answer["data"])))
    assert len(view.root) == 2000
    np.testing.assert_array_equal(view.margin[:, 0, 0], view.margin[:, 1, 0])
    assert (view.margin[:, 0] != view.margin[:, 1]).any()
    missing = 1.0 - view.there[:, 0].mean(axis=-1).mean(axis=-1)
    names = dict(zip(view.courses, missing, strict=True))
    assert names["lucky"] < names["unlucky"]
    assert job_models.TASK_RESULT.validate_python(answer).kind == "hair"


def test_a_withheld_forecast_has_no_picture() -> None:
    outline = {"view": "top", "points": [[60, 90], [90, 90], [90, 120], [60, 120]]}
    visits = [
        {"date": day, "patches": [
            {"id": "A", "shape": {"outlines": [outline]}, "regrowth_percent": percent}]}
        for day, percent in (("2025-01-06", 0), ("2025-01-09", 95), ("2025-01-13", 0),
                             ("2025-01-17", 95), ("2025-01-21", 0))
    ]  # fmt: skip
    asked = {"patient": {"id": "P1", "visits": visits}, "weeks": 5}
    answer = run_task("hair", asked, lambda done, total: None)
    assert answer["withheld"]
    assert (answer["data"], answer["courses"]) == ("", [])


def test_somebody_elses_plan_is_refused(patient: dict[str, Any]) -> None:
    plan = run_task("plan", {"patient": patient}, lambda done, total: None)["plan"]
    with pytest.raises(InputError) as refused:
        run_task(
            "hair",
            {"patient": patient, "plan": {**plan, "patient": "P9"}},
            lambda done, total: None,
        )
    assert refused.value.problems[0].place == "plan"


@pytest.mark.parametrize("change", [{"hairs": 10}, {"hairs": 10**6}, {"weeks": 0}, {"arms": 3}])
def test_requests_are_bounded(patient: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        job_models.TASK_REQUEST.validate_python({"kind": "hair", "patient": patient, **change})
