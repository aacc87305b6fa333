"""``anagen trial power``: answers for people and machines, files, and what is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from anagen.cli import main

Run = Callable[..., tuple[int, str, str]]
SMALL = ("five-against-ten", "--pool", 60, "--draws", 200, "--endpoint", "satisfactory")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["trial", "power", *(str(word) for word in words)])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return call


def test_machines_get_every_figure(run: Run) -> None:
    code, output, errors = run(*SMALL, "--json", "--size", 20, "--size", 46, "--power", 0.8)
    assert (code, errors) == (0, "")
    found = json.loads(output)
    assert (found["protocol"], found["endpoint"]) == ("five-against-ten", "satisfactory")
    assert [row["size"] for row in found["curve"]] == [20, 46]
    assert [row["people"] for row in found["curve"]] == [37, 85]
    for row in found["curve"]:
        assert 0 <= row["low_all"] <= row["low"] <= row["power"] <= row["high"] <= row["high_all"]
    (wanted,) = found["sample_sizes"]
    assert (wanted["target"], wanted["size"], wanted["high"]) == (0.8, None, None)


def test_people_get_tables_and_files_hold_the_same(run: Run, tmp_path: Path) -> None:
    table, data = tmp_path / "power.csv", tmp_path / "power.json"
    code, output, _ = run(*SMALL, "-o", table)
    assert code == 0
    assert "over " in output  # no size of so few people is enough
    assert "46 (protocol)" in output
    assert "--pool" in output
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["target"] for row in rows if row["row"] == "sample size"] == ["0.8", "0.9"]
    assert run(*SMALL, "-o", data, "--json")[0] == 0
    curve = json.loads(data.read_text(encoding="utf-8"))["curve"]
    shown = [row for row in rows if row["row"] == "curve"]
    assert [int(row["size"]) for row in shown] == [row["size"] for row in curve]
    assert [float(row["power"]) for row in shown] == [row["power"] for row in curve]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("no-such-protocol",), "no-such-protocol"),
        (("five-against-ten", "--endpoint", "complet"), "Did you mean 'complete'?"),
        (("five-against-ten", "--against", "ta7"), "one of ta5, ta10"),
        (("five-against-ten", "--alpha", "5"), "a level between 0 and 1"),
        (("five-against-ten", "--power", "80"), "Write for example 0.8."),
        (("five-against-ten", "--draws", "1"), "from 200"),
        (("five-against-ten", "--seed", "-1"), "0 or more"),
        (("five-against-ten", "--pool", "0"), "people"),
        (("five-against-ten", "-o", "power.xlsx"), "ends in .csv or .json"),
        (("five-against-ten", "-o", "no/such/folder/power.csv"), "existing folder"),
        (("five-against-ten", "--pool", "50", "--size", "51"), "from 2 to 50"),
        (("missing.zarr",), "results of 'anagen trial run'"),
        (("missing.zarr", "--pool", "10"), "results that are there"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anybody_is_simulated(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("people were simulated")

    monkeypatch.setattr("anagen.trials.pool.run_chunk", never)
    monkeypatch.chdir(tmp_path)
    code, output, errors = run(*words)
    assert code == 2
    assert output == ""
    assert told in " ".join(errors.split())
    assert not list(tmp_path.iterdir())


def test_a_size_beyond_the_people_leaves_an_old_file_alone(run: Run, tmp_path: Path) -> None:
    old = tmp_path / "power.csv"
    old.write_text("mine", encoding="utf-8")
    code, _, errors = run(*SMALL, "--size", 5000, "-o", old)
    assert code == 2
    assert "--pool" in errors
    assert old.read_text(encoding="utf-8") == "mine"


def test_results_of_a_run_are_people_to_draw_from(run: Run, tmp_path: Path) -> None:
    from anagen.trials.protocol_file import load_protocol_file
    from anagen.trials.run_chunk import run_chunk
    from anagen.trials.run_plan import chunks_of, plan_run
    from anagen.trials.store import create_store, write_chunk

    protocol = load_protocol_file("five-against-ten")
    plan = plan_run(protocol, replicates=3, chunk_people=128)
    path = tmp_path / "five.zarr"
    first = chunks_of(plan)[0]
    chunk = run_chunk(protocol, 0, first.first, first.count, plan.seed)
    create_store(plan, path, chunk)
    write_chunk(plan, path, first, chunk)
    code, output, errors = run(path, "--draws", 200, "--size", 10, "--json", "--power", 0.8)
    assert (code, errors) == (0, "")
    found = json.loads(output)
    assert found["missing_people"] == 3 * 85 - 128
    assert found["pool"] < 128
    assert [row["size"] for row in found["curve"]] == [10]
