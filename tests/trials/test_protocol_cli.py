"""``anagen trial list``, ``check`` and ``show``: answers, exit codes, a file to copy and change."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anagen._commands.trial_cli import trial_app
from anagen.cli import main
from anagen.trials.protocol_file import load_protocol_file, read_protocol_file, shipped

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["trial", *(str(word) for word in words)])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return call


def test_every_command_explains_itself_and_has_json(run: Run) -> None:
    names = [command.name for command in trial_app.registered_commands]
    assert {"list", "check", "show"} <= set(names)
    for name in names:
        code, output, _ = run(name, "--help")
        assert code == 0
        assert "--json" in output
    assert "anagen trial" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_list_names_every_protocol_with_its_question_and_source(run: Run) -> None:
    code, output, _ = run("list", "--json")
    rows = json.loads(output)
    assert code == 0
    assert [row["key"] for row in rows] == list(shipped())
    assert all(row["question"].endswith("?") and row["source"] for row in rows)
    five = next(row for row in rows if row["key"] == "five-against-ten")
    assert (five["people"], five["weeks"], five["arms"]) == (85, 12.0, ["ta5", "ta10"])
    code, output, _ = run("list")
    assert code == 0
    assert all(key in output for key in shipped())


def test_show_prints_the_file_to_copy(run: Run, tmp_path: Path) -> None:
    code, output, errors = run("show", "interval-head-to-head")
    assert (code, errors) == (0, "")
    assert output == read_protocol_file("interval-head-to-head").text
    copy = tmp_path / "mine.toml"
    copy.write_text(output, encoding="utf-8")
    assert load_protocol_file(copy) == load_protocol_file("interval-head-to-head")
    assert run("show", copy)[1] == output
    shown = json.loads(run("show", copy, "--json")[1])
    assert shown["arms"][0]["treatment"]["interval_weeks"] == 2.0


def test_check_says_that_a_protocol_is_sound(run: Run) -> None:
    code, output, errors = run("check", "step-up-against-fixed")
    assert (code, errors) == (0, "")
    assert "sound" in output
    verdict = json.loads(run("check", "step-up-against-fixed", "--json")[1])
    assert verdict["sound"]
    assert len(verdict["fingerprint"]) == 64
    assert {row["severity"] for row in verdict["findings"]} <= {"warn", "inform"}


def test_check_refuses_a_contradiction_with_its_line(run: Run, tmp_path: Path) -> None:
    text = read_protocol_file("five-against-ten").text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("dropout_per_week = 0.0", "dropout_per_week = 3"))
    code, output, _ = run("check", path, "--json")
    (found,) = [row for row in json.loads(output)["findings"] if row["severity"] == "error"]
    assert code == 2
    assert text.split("\n")[found["line"] - 1].startswith("dropout_per_week")
    code, output, _ = run("check", path)
    assert code == 2
    assert "it is refused" in output
    assert "conduct.dropout_per_week" in "".join(output.split())


@pytest.mark.parametrize("words", [("nobody",), ("five-against-ten", "--profile", "moon")])
@pytest.mark.parametrize("command", ["check", "show"])
def test_what_is_not_known_is_bad_input(run: Run, command: str, words: tuple[str, ...]) -> None:
    code, _, errors = run(command, *words)
    assert code == 2
    assert "Traceback" not in errors


def test_a_hostile_file_does_not_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('key = "\\u001b[2J"\n', encoding="utf-8")
    code, output, errors = run("check", path)
    assert code == 2
    assert "\x1b[2J" not in output + errors


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys\nfrom anagen.cli import main\n"
        "try: main(['trial', '--help'])\nexcept SystemExit: pass\n"
        "print('heavy:', sorted({'jax', 'numpy', 'xarray'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("heavy: []\n")
