"""The command line: answers, exit codes, files whole or not at all, never a traceback."""

import errno
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anagen import biology
from anagen._commands import work
from anagen.cli import app, main

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
EXAMPLE = str(EXAMPLES / "patient.json")
COMMANDS = (
    "plan", "simulate", "report", "check", "people", "parameters", "protocols", "schema",
    "forecast", "compare", "review", "document", "serve", "demo", "import", "export", "backup",
    "restore", "verify", "erase",
)  # fmt: skip

Run = Callable[..., tuple[int, str, str]]
COARSE_MM = 6.0
_simulate_finely = biology.simulate_patient


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return call


@pytest.fixture(scope="session")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    with pytest.raises(SystemExit) as end:
        main(["plan", EXAMPLE, "--sessions", "2", "-o", str(path)])
    assert not end.value.code
    return path


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands simulate on a coarse grid: the command is tested, not the course."""

    def simulate(*given: Any, **options: Any) -> xr.Dataset:
        return _simulate_finely(*given, **options, cell_mm=COARSE_MM)

    monkeypatch.setattr(biology, "simulate_patient", simulate)


def leftovers(folder: Path, *expected: str) -> set[str]:
    return {path.name for path in folder.iterdir()} - set(expected)


def test_version_and_help_answer(run: Run) -> None:
    from anagen._version import __version__

    assert run("--version") == (0, f"anagen {__version__}\n", "")
    code, output, _ = run("--help")
    assert code == 0
    assert all(command in output for command in COMMANDS)
    assert "not a medical" in output


def test_every_command_is_in_the_list_and_in_the_readme() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert names == set(COMMANDS)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"anagen {name}" in readme for name in names)


# A server has no answer; its log is JSON always.
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "serve"])
def test_every_command_explains_itself_and_has_json(run: Run, command: str) -> None:
    code, output, _ = run(command, "--help")
    assert code == 0
    assert "--json" in output


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys\nfrom anagen.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'jax', 'numpy', 'scipy', 'pydantic', 'pint', 'xarray', 'shapely', 'matplotlib'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("heavy: []\n")


# --- plan and check ---


def test_plan_writes_the_same_file_again(run: Run, plan_file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    code, output, errors = run("plan", EXAMPLE, "--sessions", 2, "-o", again, "--json")
    assert (code, errors) == (0, "")
    assert again.read_bytes() == plan_file.read_bytes()
    assert output == plan_file.read_text(encoding="utf-8")
    assert leftovers(tmp_path, "again.json") == set()


def test_plan_obeys_start_and_sessions(run: Run, plan_file: Path) -> None:
    code, output, _ = run("plan", EXAMPLE, "--sessions", 1, "--start", "2025-06-02", "--json")
    assert code == 0
    assert [session["date"] for session in json.loads(output)["sessions"]] == ["2025-06-02"]
    dates = [session["date"] for session in json.loads(plan_file.read_text())["sessions"]]
    assert len(dates) == 2
    record = json.loads(Path(EXAMPLE).read_text(encoding="utf-8"))
    assert min(dates) >= max(visit["date"] for visit in record["visits"])


def test_plan_shows_sessions_and_where_it_went(run: Run, tmp_path: Path) -> None:
    code, output, _ = run("plan", EXAMPLE, "--sessions", 2, "-o", tmp_path / "p.json")
    assert code == 0
    assert re.search(r"^ 2 +\d{4}-\d\d-\d\d +\d+ ", output, re.MULTILINE)
    assert "Plan written to" in output


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.[jt]*")))
def test_every_example_can_be_planned_and_checked(run: Run, tmp_path: Path, name: str) -> None:
    plan = tmp_path / "plan.json"
    assert run("plan", EXAMPLES / name, "--sessions", 2, "-o", plan)[0] == 0
    code, output, _ = run("check", EXAMPLES / name, plan, "--json")
    verdict = json.loads(output)
    standing = [
        finding
        for finding in verdict["findings"]
        if finding["severity"] == "block" and not finding["overridden_by"]
    ]
    assert verdict["blocked"] == bool(standing)
    assert code == int(verdict["blocked"])
    assert verdict["limits"]


def test_a_blocking_rule_is_exit_code_1(run: Run) -> None:
    code, output, _ = run("check", EXAMPLES / "dose_limits.json", "--on", "2025-06-01", "--json")
    assert json.loads(output)["blocked"]
    assert code == 1
    code, output, _ = run("check", EXAMPLES / "dose_limits.json", "--on", "2025-06-01")
    assert code == 1
    assert "Blocked" in output


def test_check_says_which_limit_binds_first(run: Run, plan_file: Path) -> None:
    code, output, _ = run("check", EXAMPLE, plan_file)
    assert code == 0
    assert "The limit that binds first" in output


@pytest.mark.parametrize(
    "words",
    [
        ("check", EXAMPLE, "--profile", "martian"),
        ("plan", EXAMPLE, "--protocol", "leeches"),
        ("plan", EXAMPLE, "--sessions", "-3"),
        ("plan", EXAMPLE, "--sessions", "1000"),
        ("plan", EXAMPLE, "--start", "1066-10-14"),
        ("plan", EXAMPLE, "--start", "tomorrow"),
        ("simulate", EXAMPLE, "--weeks", "0"),
        ("simulate", EXAMPLE, "--weeks", "99999"),
        ("simulate", EXAMPLE, "--seed", "-1"),
        ("check", "nobody.json"),
        ("check", str(ROOT)),
        ("check", EXAMPLE, EXAMPLE),
        ("parameters", "depot.radus"),
        ("schema", "hospital"),
        ("comb",),
    ],
)
def test_bad_input_is_exit_code_2(run: Run, words: tuple[str, ...]) -> None:
    code, output, errors = run(*words)
    assert code == 2
    assert output == ""
    assert "Traceback" not in errors
    assert len(errors.strip()) > 20


def test_a_plan_for_somebody_else_is_refused(run: Run, plan_file: Path) -> None:
    code, _, errors = run("check", EXAMPLES / "child.toml", plan_file, "--json")
    assert code == 2
    (problem,) = json.loads(errors)["problems"]
    assert set(problem) == {"place", "expected", "found", "remedy"}
    assert "AA-0001" in problem["found"]


# --- output files ---


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("missing/plan.json", "mkdir -p"),
        ("a_folder.json", "plain file"),
        ("plan.txt", "ends in .json"),
        ("patient.json", "never overwritten"),
    ],
)
def test_an_output_that_cannot_be_meant_is_refused(
    run: Run, tmp_path: Path, output: str, words: str
) -> None:
    patient = tmp_path / "patient.json"
    original = Path(EXAMPLE).read_bytes()
    patient.write_bytes(original)
    (tmp_path / "a_folder.json").mkdir()
    code, _, errors = run("plan", patient, "-o", tmp_path / output)
    assert code == 2
    assert words in " ".join(errors.split())
    assert patient.read_bytes() == original
    assert leftovers(tmp_path, "patient.json", "a_folder.json") == set()


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 2),
        (RuntimeError("the unexpected"), 3),
        (KeyboardInterrupt(), 130),
    ],
    ids=["full disk", "fault", "interrupt"],
)
def test_nothing_half_written_is_left(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: BaseException, code: int
) -> None:
    target = tmp_path / "course.nc"
    target.write_text("the older course")

    def half(course: xr.Dataset, path: Path) -> None:
        path.write_text("half of")
        raise failure

    monkeypatch.setattr(work, "save_course", half)
    monkeypatch.setattr(work, "simulate", lambda *given, **options: xr.Dataset())
    ended, output, errors = run("simulate", EXAMPLE, "-o", target)
    assert (ended, output) == (code, "")
    assert "Traceback" not in errors
    assert target.read_text() == "the older course"
    assert leftovers(tmp_path, "course.nc") == set()


def test_a_fault_is_one_line_and_debug_shows_more(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str | None) -> None:
        raise ZeroDivisionError("dividing\nhairs")

    monkeypatch.setattr(work, "find_parameters", fail)
    code, _, errors = run("parameters")
    assert code == 3
    assert errors.count("\n") == 1
    assert "--debug" in errors
    for words in (("--debug", "parameters"), ("parameters", "--debug")):
        code, _, errors = run(*words)
        assert code == 3
        assert "Traceback" in errors


# --- simulate and report ---


@pytest.mark.usefixtures("coarse")
def test_simulate_writes_a_labelled_course(run: Run, plan_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "course.nc"
    code, output, errors = run("simulate", EXAMPLE, plan_file, "--weeks", 4, "-o", target, "--json")
    assert (code, errors) == (0, "")
    summary = json.loads(output)
    assert [row["week"] for row in summary["weeks"]] == [0, 4]
    assert summary["patient"] == "AA-0001"
    with xr.open_dataset(target, engine="h5netcdf", decode_timedelta=False) as course:
        assert course.sizes["time"] == 5
        assert all(variable.attrs["units"] for variable in course.data_vars.values())
        assert float(course["salt"][-1]) == pytest.approx(
            summary["weeks"][-1]["salt_percent"], rel=1e-3
        )


@pytest.mark.usefixtures("coarse")
def test_simulate_shows_the_course(run: Run, plan_file: Path) -> None:
    code, output, _ = run("simulate", EXAMPLE, plan_file, "--weeks", 4)
    assert code == 0
    assert "SALT %" in output
    assert re.search(r"^ 4 +\d", output, re.MULTILINE)


@pytest.mark.usefixtures("coarse")
def test_the_same_seed_follows_the_same_follicles(run: Run) -> None:
    words = ("simulate", EXAMPLE, "--weeks", 4, "--follicles", "--json", "--seed")
    first, same, other = (run(*words, seed)[1] for seed in (1, 1, 2))
    assert json.loads(first)["mode"] == "follicles"
    assert first == same
    assert first != other


@pytest.mark.usefixtures("coarse")
def test_report_writes_one_page(
    run: Run, monkeypatch: pytest.MonkeyPatch, plan_file: Path, tmp_path: Path
) -> None:
    from anagen import report

    seen: dict[str, float] = {}

    def write(
        patient: Any, plan: Any, course: xr.Dataset, untreated: xr.Dataset, path: Path
    ) -> None:
        seen["treated"] = float(course["cumulative_dose"][-1])
        seen["untreated"] = float(untreated["cumulative_dose"][-1])
        Path(path).write_text(f"<html>{patient.id} {plan.protocol}</html>")

    monkeypatch.setattr(report, "write_report", write)
    target = tmp_path / "report.html"
    code, output, _ = run("report", EXAMPLE, plan_file, "-o", target, "--weeks", 4)
    assert code == 0
    assert "Report written to" in output
    assert target.read_text() == "<html>AA-0001 scalp-standard-5</html>"
    assert seen["treated"] > seen["untreated"]
    assert leftovers(tmp_path, "report.html") == set()


# --- parameters, protocols, schema ---


def test_parameters_come_with_unit_range_and_source(run: Run) -> None:
    code, output, _ = run("parameters", "depot.radius", "--json")
    assert code == 0
    (row,) = json.loads(output)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["unit"] == "mm"
    assert row["source"]
    assert row["reference"]
    _, shown, _ = run("parameters", "depot.radius")
    assert row["source"] in shown


def test_parameters_are_found_by_module_and_pattern(run: Run) -> None:
    def keys(*words: str) -> set[str]:
        return {row["key"] for row in json.loads(run("parameters", *words, "--json")[1])}

    everything = keys()
    assert keys("depot") == keys("depot.*") == {key for key in everything if key[:6] == "depot."}
    assert keys("*.radius") == {key for key in everything if key.endswith(".radius")}
    assert "depot.radius" in run("parameters", "depot")[1]


@pytest.mark.parametrize("slip", ["depot.radus", "radus", "Depot.Radiuss"])
def test_a_slip_in_a_name_gets_advice(run: Run, slip: str) -> None:
    _, _, errors = run("parameters", slip)
    assert "Did you mean" in errors
    assert "depot.radius" in errors


def test_protocols_are_those_that_plan_takes(run: Run) -> None:
    rows = json.loads(run("protocols", "--json")[1])
    assert work.DEFAULT_PROTOCOL in {row["key"] for row in rows}
    assert all(row["sources"] for row in rows)
    shown = run("protocols")[1]
    assert all(row["key"] in shown for row in rows)


@pytest.mark.parametrize(("name", "field"), [("patient", "visits"), ("plan", "sessions")])
def test_schema_is_json_schema(run: Run, name: str, field: str) -> None:
    code, output, _ = run("schema", name)
    assert code == 0
    assert field in json.loads(output)["properties"]


# --- hostile input ---


def test_control_characters_do_not_reach_the_terminal(run: Run, tmp_path: Path) -> None:
    patient = tmp_path / "patient.json"
    patient.write_text(json.dumps({"id": "A1", "sex": "\x1b[2J\x07[bold]x[/bold] :smile:"}))
    code, output, errors = run("check", patient)
    assert code == 2
    assert "\x1b[2J" not in output + errors
    assert "\x07" not in output + errors
    assert ":smile:" in errors


def test_a_closed_pipe_is_no_fault() -> None:
    command = [sys.executable, "-c", "from anagen.cli import main; main(['schema', 'patient'])"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert b"Traceback" not in errors
    assert b"fault of Anagen" not in errors


_hostile = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the fixtures hold nothing from one example to the next


def _survives(run: Run, path: Path) -> None:
    code, _, errors = run("check", path)
    assert code in (0, 1, 2)
    assert "Traceback" not in errors
    assert "fault of Anagen" not in errors


@_hostile
@given(content=st.binary(max_size=200), suffix=st.sampled_from([".json", ".toml", ".txt"]))
@example(content=b"", suffix=".json")
@example(content=b"\xff\xfe\x00", suffix=".json")
@example(content=b"[" * 5000, suffix=".json")
@example(content=b'{"id": NaN}', suffix=".json")
def test_no_bytes_bring_a_traceback(run: Run, tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"patient{suffix}"
    path.write_bytes(content)
    _survives(run, path)


@_hostile
@given(share=st.floats(0.0, 0.999))
def test_no_truncated_file_brings_a_traceback(run: Run, tmp_path: Path, share: float) -> None:
    path = tmp_path / "patient.json"
    content = Path(EXAMPLE).read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    code, _, errors = run("check", path)
    assert code == 2
    assert "Traceback" not in errors


def _leaves(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    return [
        leaf
        for key, value in items
        for leaf in (
            _leaves(value, (*path, key)) if isinstance(value, (dict, list)) else [(*path, key)]
        )
    ]


_LEAVES = _leaves(json.loads(Path(EXAMPLE).read_text(encoding="utf-8")))
_JUNK = st.sampled_from(
    [None, True, -1, 0, 1e9, -1e-9, 10**400, float("nan"), float("inf"), "", "x", "5 mg/mL", "\x00",
     "9999-12-31", "0001-01-01", [], {}, [[]], "\ud800"]
)  # fmt: skip


@_hostile
@given(leaf=st.sampled_from(_LEAVES), junk=_JUNK)
def test_no_value_brings_a_traceback(
    run: Run, tmp_path: Path, leaf: tuple[Any, ...], junk: Any
) -> None:
    record = json.loads(Path(EXAMPLE).read_text(encoding="utf-8"))
    node = record
    for key in leaf[:-1]:
        node = node[key]
    node[leaf[-1]] = junk
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(record))
    _survives(run, path)


# Commands that found or change the record of a clinic are not for playing with.
_CLINIC = {"serve", "demo", "import", "export", "backup", "restore", "verify", "erase"}
_PLAYED = [name for name in COMMANDS if name not in _CLINIC]
_WORDS = st.sampled_from([*_PLAYED, "--json", "--debugs", "", "-o", "\x00", "é", "-"])


@_hostile
@given(words=st.lists(_WORDS, max_size=4))
def test_no_words_bring_a_traceback(run: Run, words: list[str]) -> None:
    code, _, errors = run(*words)
    assert code in (0, 2)
    assert "Traceback" not in errors
