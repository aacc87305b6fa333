"""What a worker computes: the same numbers as the command line, typed from end to end."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from anagen.cli import main
from anagen.errors import InputError
from anagen.forecast import candidates
from anagen.forecast.choices import load_grid
from anagen.forecast.predict import Forecast, forecast_patient
from anagen.forecast.review_patient import review_patient
from anagen.patient import Patient, load_patient
from anagen.report.forecast_data import review_data
from anagen.treatment import Plan
from anagen.web import tasks, worker_process
from anagen.web.api import job_models
from anagen.web.tasks import run_task

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "patient.json"
WEEKS = 5
DAY = date(2025, 1, 20)


def quiet(done: int, total: int) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def patient() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def forecast(patient: dict[str, Any]) -> dict[str, Any]:
    return run_task("forecast", {"patient": patient, "weeks": WEEKS}, quiet)


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main([*words, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def plan_of(patient: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(run_task("plan", {"patient": patient, **more}, quiet)["plan"])


def test_a_forecast_has_the_numbers_of_the_command_line(
    forecast: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    expected = told(["forecast", str(EXAMPLE), "--weeks", str(WEEKS)], capsys)
    assert [one["name"] for one in forecast["plans"]] == list(expected["plans"])
    for name in ("patient", "origin", "model_version", "posterior_version", "effective"):
        assert forecast[name] == expected[name]
    assert forecast["flags"] == expected["flags"]
    for mine in forecast["plans"]:
        theirs = expected["plans"][mine["name"]]
        for row in theirs["weeks"]:
            at = forecast["weeks"].index(row["week"])
            assert mine["salt_percent"]["median"][at] == row["salt_percent"]["value"]
            assert mine["salt_percent"]["high_95"][at] == row["salt_percent"]["high"]
            for patch in mine["patches"]:
                found = row["patches"][patch["patch"]]
                assert patch["cover"]["low_95"][at] == found["cover"]["low"]
                for key, chance in found["chance"].items():
                    assert patch["chance"][key]["value"][at] == chance["value"]
            for one, by_threshold in row["regrown"].items():
                for key, share in by_threshold.items():
                    assert mine["people"][key][one]["value"][at] == share["value"]
        for patch in mine["patches"]:
            harm = theirs["harms"][patch["patch"]]["atrophy_chance"]
            assert patch["atrophy"]["high"][-1] == harm["high"]
        assert mine["relapse"]["low"][-1] == theirs["relapse"]["low"]
        assert mine["pain"] == theirs["pain"]
        assert mine["planned"] == theirs["planned"]


def test_every_series_of_a_forecast_reaches_to_its_end(forecast: dict[str, Any]) -> None:
    assert forecast["weeks"] == list(range(WEEKS + 1))

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            for one in value.values():
                look(one)
        elif isinstance(value, list) and value and not isinstance(value[0], dict):
            assert len(value) == WEEKS + 1

    for plan in forecast["plans"]:
        look({key: one for key, one in plan.items() if key != "patches"})
        for patch in plan["patches"]:
            look(patch)


def test_a_changed_plan_is_forecast_as_if_it_were_the_first(
    patient: dict[str, Any], forecast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"patient": patient, "weeks": WEEKS, "plans": {"less": plan_of(patient, sessions=1)}}
    steps: list[tuple[int, int]] = []
    quickly = run_task("forecast", request, lambda *step: steps.append(step))
    monkeypatch.setattr(tasks, "_recent", tasks._Recent())
    assert run_task("forecast", request, quiet) == quickly
    assert [one["name"] for one in quickly["plans"]] == ["less", "untreated"]
    assert steps[-1] == (2, 2)
    assert quickly["made"] == {}
    assert quickly["plans"][-1] == forecast["plans"][-1]


def test_a_withheld_forecast_has_no_numbers() -> None:
    visits = [
        {"date": day, "patches": [
            {"id": "A", "shape": {"outlines": [
                {"view": "top", "points": [[60, 90], [90, 90], [90, 120], [60, 120]]}]},
             "regrowth_percent": percent}]}
        for day, percent in (("2025-01-06", 0), ("2025-01-09", 95), ("2025-01-13", 0),
                             ("2025-01-17", 95), ("2025-01-21", 0))
    ]  # fmt: skip
    asked = {"patient": {"id": "P1", "visits": visits}, "weeks": WEEKS}
    answer = run_task("forecast", asked, quiet)
    assert answer["withheld"]
    assert answer["plans"] == []
    assert any(flag["severity"] == "stop" for flag in answer["flags"])


def test_simulation_and_check_answer_as_the_command_line_does(
    patient: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    course = run_task("simulate", {"patient": patient, "weeks": 4}, quiet)
    expected = told(["simulate", str(EXAMPLE), "--weeks", "4"], capsys)
    assert course["weeks"] == [0, 1, 2, 3, 4]
    assert course["salt_percent"][-1] == expected["weeks"][-1]["salt_percent"]
    assert course["lowest_morning_cortisol"] == expected["lowest_morning_cortisol"]
    check = run_task("check", {"patient": patient, "profile": "us-label"}, quiet)
    told_check = told(["check", str(EXAMPLE), "--profile", "us-label"], capsys)
    assert check["findings"] == told_check["findings"]
    assert check["blocked"] == told_check["blocked"]


def test_a_plan_from_the_day_of_a_session_given_can_be_sent(patient: dict[str, Any]) -> None:
    plan = run_task("plan", {"patient": patient, "sessions": 1}, quiet)["plan"]
    given = [*patient.get("sessions", []), *plan["sessions"]]
    check = run_task("check", {"patient": patient | {"sessions": given}, "plan": plan}, quiet)
    text = json.dumps(check, allow_nan=False)
    assert max(one["fraction"] for one in json.loads(text)["limits"]) > 1


def test_a_review_is_that_of_the_forecast_room(
    patient: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forecast(one: Patient, plans: Mapping[str, Plan]) -> Forecast:
        return forecast_patient(one, plans, weeks=WEEKS, on=DAY)

    monkeypatch.setattr(tasks, "_REVIEW_WEEKS", WEEKS)
    found = run_task("review", {"patient": patient, "on": DAY.isoformat()}, quiet)
    expected, made = review_patient(load_patient(EXAMPLE), {}, on=DAY, forecast=forecast)
    data = review_data(expected, made)
    assert found["flags"] == data.pop("flags")
    assert json.loads(json.dumps(found["review"])) == json.loads(json.dumps(data))
    assert data["findings"]


def test_a_comparison_lists_as_many_plans_as_asked_and_all_picks(
    patient: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = replace(load_grid(), strengths_mg_per_mL=(5.0,), volumes_mL=(0.1,),
                   spacings_mm=(10.0,), waits_weeks=())  # fmt: skip
    few = partial(candidates.candidate_plans, grid=grid)
    monkeypatch.setattr(candidates, "candidate_plans", few)
    steps: list[tuple[int, int]] = []
    asked = {"patient": patient, "weeks": 4, "rows": 1, "preference": {"regrowth": 1}}
    found = run_task("compare", asked, lambda *step: steps.append(step))
    picks = {one["name"] for one in found["picks"]}
    names = {row["name"] for row in found["rows"]}
    assert picks <= names
    assert len(names) <= len(picks) + 1 < found["compared"]
    assert set(found["plans"]) == picks
    assert found["weights"]["regrowth"] == 1
    assert steps[-1] == (found["compared"], found["compared"])


@pytest.mark.parametrize(
    ("kind", "change", "place"),
    [
        ("plan", {"protocol": "no-such"}, "protocol"),
        ("check", {"plan": "of another"}, "plan"),
        ("forecast", {"plans": "of another"}, "plans.first"),
        ("forecast", {"on": "1999-01-01"}, "visits"),
        ("plan", {"patient": None, "person": "P1"}, "patient"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(
    patient: dict[str, Any], kind: str, change: dict[str, Any], place: str
) -> None:
    asked = {"patient": patient, **change}
    if "of another" in change.values():
        other = {**plan_of(patient, sessions=1), "patient": "somebody else"}
        asked.update({"plan": other} if "plan" in change else {"plans": {"first": other}})
    with pytest.raises(InputError) as refused:
        run_task(kind, asked, quiet)
    assert place in refused.value.problems[0].place


def test_an_impossible_record_is_refused(patient: dict[str, Any]) -> None:
    visits = [{**patient["visits"][0], "date": "2148-01-01"}]
    with pytest.raises(InputError) as refused:
        run_task("check", {"patient": {**patient, "visits": visits, "sessions": []}}, quiet)
    assert refused.value.problems[0].place.startswith("patient.visits[0]")


@pytest.mark.parametrize(
    "change",
    [{"weeks": 0}, {"weeks": 261}, {"seed": -1}, {"unknown": 1}, {"kind": "dance"},
     {"patient": None}, {"plans": {"": {}}}],
)  # fmt: skip
def test_requests_are_bounded(patient: dict[str, Any], change: dict[str, Any]) -> None:
    asked = {"kind": "forecast", "patient": patient, **change}
    with pytest.raises(ValidationError):
        job_models.TASK_REQUEST.validate_python(asked)


def test_answers_survive_the_way_through_text(forecast: dict[str, Any]) -> None:
    read = job_models.TASK_RESULT.validate_json(json.dumps(forecast))
    assert isinstance(read, job_models.ForecastResult)
    assert read.model_dump(mode="json") == forecast


def test_a_fault_is_told_by_type_and_place_never_by_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def burst(*_words: Any) -> dict[str, Any]:
        raise ValueError("Ada Lovelace, born 1815")

    monkeypatch.setattr(worker_process, "_shared", [0] * worker_process.PLACES)
    monkeypatch.setattr(tasks, "run_task", burst)
    outcome = worker_process.work(1, "plan", "{}")
    assert outcome.state == "fault"
    assert "ValueError" in outcome.where
    assert "burst" in outcome.where
    assert "Ada" not in repr(outcome)


def test_a_task_that_is_unwanted_ends_at_its_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = [0] * worker_process.PLACES
    shared[worker_process.STOP] = 7

    def endless(_kind: str, _request: Any, progress: tasks.Progress) -> dict[str, Any]:
        for step in range(1_000_000):
            progress(step, 1_000_000)
        return {}

    monkeypatch.setattr(worker_process, "_shared", shared)
    monkeypatch.setattr(tasks, "run_task", endless)
    assert worker_process.work(7, "plan", "{}").state == "stopped"
    assert shared[worker_process.DONE] == 0
