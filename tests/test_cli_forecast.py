"""Commands about one patient: what they ask of the forecast room, and how they answer."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import xarray as xr

from anagen._commands import forecast as room
from anagen.cli import main

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = str(ROOT / "examples" / "patient.json")
MADE = run_path(str(ROOT / "tests" / "report" / "forecast_made.py"))
make_flag, make_forecast = MADE["make_flag"], MADE["make_forecast"]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "80")

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return call


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "two.json"
    with pytest.raises(SystemExit):
        main(["plan", EXAMPLE, "--sessions", "2", "-o", str(path)])
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the commands forecast by formulae, and keep what they asked for."""
    seen: dict[str, Any] = {"flags": [make_flag()]}

    def forecast(patient: Any, plans: Mapping[str, Any], request: room.ForecastRequest) -> Any:
        seen.update(patient=patient, plans=dict(plans), request=request)
        return make_forecast(
            seen["flags"], plans=tuple(plans), patches=("vertex", "right parietal"),
            weeks=request.weeks,
        )  # fmt: skip

    monkeypatch.setattr(room, "make_forecast", forecast)
    return seen


# --- forecast ---


def test_forecast_shows_flags_first_and_intervals_always(run: Run, asked: dict[str, Any]) -> None:
    code, output, errors = run("forecast", EXAMPLE, "--weeks", 24)
    assert (code, errors) == (0, "")
    assert asked["request"] == room.ForecastRequest(24)
    assert list(asked["plans"]) == ["scalp-standard-5"]
    assert output.index("warn: few-data") < output.index("SALT %")
    assert max(map(len, output.splitlines())) <= 80
    words = " ".join(output.split())
    for part in ("vertex", "untreated", "Relapse", "Worst pain", "Lowest morning cortisol"):
        assert part in words


def test_no_percentage_is_shown_without_interval(
    run: Run, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    shown = run("forecast", EXAMPLE)[1].split("In brackets 95 % intervals.")[1]
    kept = re.sub(r"chance \d+ %|\d+ % or more", "", shown)
    figures = re.findall(r"\d %( \(\d+–\d+\))?", kept)
    assert len(figures) > 50
    assert all(figures)


def test_plans_are_named_by_their_files(
    run: Run, asked: dict[str, Any], plan_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "two.json").write_bytes(plan_file.read_bytes())
    (tmp_path / "untreated.json").write_bytes(plan_file.read_bytes())
    words = ("forecast", EXAMPLE, plan_file, tmp_path / "two.json", tmp_path / "untreated.json",
             "--on", "2025-02-01", "--seed", 7, "--json")  # fmt: skip
    code, output, _ = run(*words)
    assert code == 0
    assert list(asked["plans"]) == ["two", "two 2", "untreated 2"]
    assert asked["request"] == room.ForecastRequest(52, date(2025, 2, 1), 7)
    answer = json.loads(output)
    assert list(answer["plans"]) == ["two", "two 2", "untreated 2", "untreated"]


def test_without_a_plan_one_is_made_of_what_was_known(run: Run, asked: dict[str, Any]) -> None:
    run("forecast", EXAMPLE, "--json")
    latest = asked["plans"]["scalp-standard-5"].sessions[0].date
    run("forecast", EXAMPLE, "--on", "2025-01-20", "--json")
    earlier = asked["plans"]["scalp-standard-5"].sessions[0].date
    assert earlier < latest


def test_forecast_as_json_has_value_and_interval(run: Run, asked: dict[str, Any]) -> None:
    answer = json.loads(run("forecast", EXAMPLE, "--weeks", 24, "--json")[1])
    plan = answer["plans"]["scalp-standard-5"]
    assert [row["week"] for row in plan["weeks"]] == [0, 4, 8, 12, 24]
    last = plan["weeks"][-1]
    for figure in (last["salt_percent"], last["regrowth"], last["chance"]["75"], plan["relapse"],
                   last["patches"]["vertex"]["cover"], plan["harms"]["vertex"]["atrophy_chance"],
                   last["regrown"]["untreated"]["75"], plan["pain"]):  # fmt: skip
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert answer["plans"]["untreated"]["pain"] is None
    assert answer["flags"][0]["severity"] == "warn"
    assert not answer["withheld"]


def test_a_withheld_forecast_shows_no_number(run: Run, asked: dict[str, Any]) -> None:
    asked["flags"] = [make_flag("stop", message="The visits contradict the model.")]
    code, output, _ = run("forecast", EXAMPLE)
    assert code == 0
    assert "The visits contradict the model." in output
    assert "withheld" in output
    assert "%" not in output.split("withheld")[1]
    answer = json.loads(run("forecast", EXAMPLE, "--json")[1])
    assert answer["withheld"]
    assert answer["plans"] == {}


def test_forecast_writes_dataset_and_pages(
    run: Run, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def write(made: Any, patient: Any, plans: Mapping[str, Any], path: Path) -> None:
        path.write_text(f"{patient.id} {list(plans)}")

    monkeypatch.setattr(room, "write_report", write)
    target, page = tmp_path / "f.nc", tmp_path / "f.html"
    code, output, _ = run("forecast", EXAMPLE, "-o", target, "--report", page)
    assert code == 0
    assert "Forecast written to" in output
    assert "Report written to" in output
    assert page.read_text() == "AA-0001 ['scalp-standard-5']"
    with xr.open_dataset(target, engine="h5netcdf") as data:
        assert data["patch_cover"].dims == ("plan", "patch", "week", "quantile")
        assert data.attrs["origin"] == "2026-01-05"
    assert {path.name for path in tmp_path.iterdir()} == {"f.nc", "f.html"}


@pytest.mark.parametrize(
    "words",
    [
        ("forecast", EXAMPLE, "-o", "forecast.txt"),
        ("forecast", EXAMPLE, "--report", "missing/page.html"),
        ("forecast", EXAMPLE, "nobody.json"),
        ("forecast", EXAMPLE, EXAMPLE),
        ("forecast", EXAMPLE, "--seed", "-1"),
        ("forecast", EXAMPLE, "--on", "soon"),
        ("forecast", EXAMPLE, "--on", "1999-01-01"),
        ("forecast", EXAMPLE, "--weeks", "0"),
        ("forecast", EXAMPLE, "--weeks", "99999"),
        ("compare", EXAMPLE, "--prefer", "regrowth"),
        ("compare", EXAMPLE, "--prefer", "regrowth=1,regrowth=2"),
        ("compare", EXAMPLE, "--prefer", "regrowth=nan"),
        ("compare", EXAMPLE, "--profile", "martian"),
        ("compare", EXAMPLE, "-o", "plans.xlsx"),
        ("compare", EXAMPLE, "--top", "-1"),
        ("review", EXAMPLE, "--profile", "martian"),
        ("review", EXAMPLE, "--on", "1999-01-01"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_2(run: Run, words: tuple[str, ...]) -> None:
    code, output, errors = run(*words)
    assert (code, output) == (2, "")
    assert "Traceback" not in errors
    assert len(errors.strip()) > 20


def test_a_plan_for_somebody_else_is_refused(run: Run, plan_file: Path) -> None:
    child = ROOT / "examples" / "child.toml"
    code, _, errors = run("forecast", child, plan_file, "--json")
    assert code == 2
    assert "AA-0001" in json.loads(errors)["problems"][0]["found"]


# --- compare ---


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the command compare three plans that are written here."""
    from anagen.forecast.choose import Comparison, Pick, Trade

    asked: dict[str, Any] = {}
    row = {"regrowth": 0.6, "regrowth_low": 0.4, "regrowth_high": 0.8, "chance_75": 0.5,
           "atrophy": 0.1, "atrophy_low": 0.05, "atrophy_high": 0.2, "mg": 12.0, "pain": 4.0,
           "pain_sessions": 12.0, "visits": 3.0, "relapse": 0.2, "kind": "variation",
           "blocked": False, "reason": "", "pareto": True, "dominated_by": "", "utility": 0.7,
           "balance": 0.7, "rank": 1}  # fmt: skip
    barred = {**row, "blocked": True, "reason": "Too much.", "pareto": False,
              "regrowth": float("nan"), "utility": float("nan")}  # fmt: skip
    table = pd.DataFrame([row, {**row, "pareto": False, "dominated_by": "best plan"}, barred],
                         index=["best plan", "worse plan", "barred plan"])  # fmt: skip
    pick = Pick("balanced", "best plan", "Regrows 60 % (40–80).", "Atrophy 10 % (5–20).",
                "Binds: mg in a session.", "", "USHairExperts2025")  # fmt: skip
    trade = Trade("worse plan", "best plan", 6.0, 10.0, 2.0, "6 mg more buy 10 points.")
    found = Comparison(table, (pick,), (trade,), ("Both look alike.",), ("One is blocked.",),
                       {"regrowth": 0.75, "atrophy": 0.25})  # fmt: skip

    def compare(patient: Any, **options: Any) -> Comparison:
        asked.update(options, patient=patient)
        return found

    monkeypatch.setattr(room, "compare", compare)
    return asked


def test_compare_explains_itself(run: Run, compared: dict[str, Any]) -> None:
    words = ("compare", EXAMPLE, "--prefer", "regrowth=3,atrophy=1", "--profile", "bad",
             "--weeks", 12)  # fmt: skip
    code, output, _ = run(*words)
    assert code == 0
    assert compared["preference"] == {"regrowth": 3.0, "atrophy": 1.0}
    assert (compared["profile"], compared["weeks"]) == ("bad", 12)
    assert max(map(len, output.splitlines())) <= 80
    for part in ("balanced: best plan", "Regrows 60 %", "Atrophy 10 %", "Binds:", "USHairExperts",
                 "6 mg more buy", "Both look alike", "One is blocked", "dominated", "blocked",
                 "60 (40–80)"):  # fmt: skip
        assert part in output


def test_top_says_how_many_are_listed(run: Run, compared: dict[str, Any]) -> None:
    output = run("compare", EXAMPLE, "--top", 1)[1]
    assert "The first 1 of 3" in output
    assert "worse plan" not in output.split("The first 1 of 3")[1]


def test_compare_as_json_and_csv_holds_every_plan(
    run: Run, compared: dict[str, Any], tmp_path: Path
) -> None:
    target = tmp_path / "plans.csv"
    answer = json.loads(run("compare", EXAMPLE, "--json", "-o", target)[1])
    assert [row["name"] for row in answer["plans"]] == ["best plan", "worse plan", "barred plan"]
    assert answer["plans"][2]["regrowth"] is None
    assert answer["plans"][2]["blocked"] is True
    assert answer["picks"][0]["harm"] == "Atrophy 10 % (5–20)."
    assert answer["output"] == str(target)
    assert list(pd.read_csv(target)["name"]) == ["best plan", "worse plan", "barred plan"]


# --- review ---


@pytest.fixture
def reviewed(monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]) -> dict[str, Any]:
    """Let the command review without forecasting; the review itself is the real one."""

    def no_chances(patient: Any, plans: Any, request: room.ForecastRequest) -> Any:
        asked.update(plans=dict(plans), request=request)
        made = make_forecast([make_flag("stop")], plans=tuple(plans))
        made.dataset.attrs["patient"] = patient.id
        return made

    monkeypatch.setattr(room, "make_forecast", no_chances)
    return asked


def test_review_names_gate_rule_and_more_than_one_way(run: Run, reviewed: dict[str, Any]) -> None:
    code, output, _ = run("review", EXAMPLE, "--profile", "japan")
    assert code == 0
    assert "profile japan" in output
    assert "stop: few-data" in output
    assert re.search(r"Week 12, .*(passed|missed|open|no data)", output)
    assert re.search(r"^Suggested: (go on|step up|watch|stop|refer)$", output, re.MULTILINE)
    assert re.search(r"^Or: ", output, re.MULTILINE)
    assert set(reviewed["plans"]) >= {"go on", "stop"}


def test_review_as_json_is_whole(run: Run, reviewed: dict[str, Any], plan_file: Path) -> None:
    answer = json.loads(run("review", EXAMPLE, plan_file, "--on", "2025-02-25", "--json")[1])
    assert answer["on"] == "2025-02-25"
    assert list(reviewed["plans"]) == ["two"]
    assert answer["suggestion"]["action"]
    assert answer["alternatives"]
    assert all(gate["rules"] for gate in answer["gates"])
    assert answer["flags"][0]["severity"] == "stop"


def test_review_as_json_tells_the_findings(run: Run, reviewed: dict[str, Any]) -> None:
    code, output, _ = run("review", EXAMPLE, "--on", "2025-01-20", "--json")
    assert code == 0
    findings = json.loads(output)["findings"]
    assert findings
    assert all(finding["rule"] and finding["message"] for finding in findings)


def test_gates_show_what_was_seen_and_what_is_likely(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from anagen._commands.forecast_shown import print_review

    monkeypatch.setenv("COLUMNS", "80")
    chances = tuple(
        SimpleNamespace(plan=plan, chance=share, low=share - 0.1, high=share + 0.1)
        for plan, share in (("untreated", 0.2), ("go on", 0.6), ("stop", 0.2))
    )
    gate = SimpleNamespace(
        week=12.0, title="Response at 12 weeks", due=date(2026, 3, 30), reached="missed",
        observed=(SimpleNamespace(patch="A", percent=15.0),), whole=14.0, date=date(2026, 3, 30),
        rules=("response-12-weeks",), source="JapanJDA2024", forecast=chances,
    )  # fmt: skip
    first = SimpleNamespace(action="step up", why=("Gate missed.",), rules=("r",), forecast="F.")
    other = SimpleNamespace(
        action="stop", why=("Gate missed.", "No gain."), rules=(), forecast="F."
    )
    patch = SimpleNamespace(patch="A", percent=15.0, date=date(2026, 3, 30), action="watch",
                            why=("Skin is thin.",))  # fmt: skip
    print_review(
        SimpleNamespace(on=date(2026, 4, 1), profile="japan", first_session=date(2026, 1, 5),
                        week=12.3, gates=(gate,), patches=(patch,), suggestion=first,
                        alternatives=(other,), note="Note."),
        (),
    )  # fmt: skip
    output = " ".join(capsys.readouterr().out.split())
    assert "A 15 %; 14 % of the bald area in all" in output
    assert "go on 60 % (50–70); stop 20 % (10–30)" in output
    assert "untreated 20 %" not in output
    assert output.count("Gate missed.") == 1
    assert "No gain." in output
    assert "Skin is thin." in output
