"""``anagen evidence claims``: a table for people, JSON and a file for machines."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from anagen.cli import main
from anagen.evidence.claims import load_claims
from anagen.population import claims as module
from anagen.population.claims import ClaimResult, Verdict

Run = Callable[..., tuple[int, str, str]]
KEYS = ("acts_where_injected", "atrophy_10", "spread_stops", "stronger_is_better")
FIGURES: Sequence[tuple[float, float, float, Verdict]] = (
    (12345.6, 10000.0, 15000.0, "shown"),
    (19.0, 6.0, 32.0, "shown"),
    (-68.0, -81.0, -42.0, "shown"),
    (5.0, 2.0, 14.0, "not shown"),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Calls of the simulation, which is replaced by four results."""
    calls: list[dict[str, Any]] = []
    known = {claim.key: claim for claim in load_claims()}

    def check(**given: Any) -> tuple[ClaimResult, ...]:
        calls.append(given)
        given["report"]("5 mg/mL x3 every 4 weeks (1 of 2)")
        return tuple(
            ClaimResult(known[key], value, low, high, low, high, None, known[key].published,
                        verdict, "the same people", "a [note]")
            for key, (value, low, high, verdict) in zip(KEYS, FIGURES, strict=True)
        )  # fmt: skip

    monkeypatch.setattr(module, "check_claims", check)
    return calls


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["evidence", "claims", *(str(word) for word in words)])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return call


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_the_table_says_everything(
    run: Run, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    code, output, errors = run("--people", 64, "--seed", 3)
    assert (code, errors) == (0, "")
    assert max(map(len, output.splitlines())) <= columns
    text = " ".join(output.split())
    for words in ("12,300", "19 %", "not shown", "Su2022", "Popular claims", "Skin",
                  "4 statements: 3 shown, 1 not shown, 0 contradicted."):  # fmt: skip
        assert words in text
    assert (asked[0]["people"], asked[0]["seed"]) == (64, 3)


def test_json_is_data_and_nothing_else(run: Run, asked: list[dict[str, Any]]) -> None:
    code, output, errors = run("--json")
    assert (code, errors) == (0, "")
    found = json.loads(output)
    assert [row["key"] for row in found["claims"]] == list(KEYS)
    assert found["verdicts"] == {"shown": 3, "not shown": 1, "contradicted": 0}
    assert found["claims"][1]["published_high"] == 27.38
    assert {"version", "seed", "command"} == set(found["posterior"])


def test_the_file_has_a_line_a_claim(run: Run, asked: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    code, output, _ = run("-o", path)
    assert code == 0
    assert "Claims written to" in " ".join(output.split())
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == list(KEYS)
    assert rows[3]["sources"] == "Su2022 Rajan2020"
    assert rows[3]["popular"] == "True"


@pytest.mark.parametrize(
    "words",
    [("--people", "3"), ("--people", "many"), ("--seed", "-1"), ("-o", "claims.xlsx"),
     ("-o", "nowhere/claims.csv"), ("extra",)],
)  # fmt: skip
def test_what_cannot_be_meant_ends_with_code_2(
    run: Run, asked: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    code, output, errors = run(*words)
    assert (code, output) == (2, "")
    assert errors
    assert "Traceback" not in errors
    assert not asked


def test_the_command_explains_itself(run: Run) -> None:
    code, output, _ = run("--help")
    assert code == 0
    assert "verdict" in output
