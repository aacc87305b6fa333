"""``anagen trial report``: what it prints and writes, and what it refuses."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from anagen._commands import trial_report
from anagen.cli import main
from anagen.report import html
from anagen.trials.protocol_file import read_protocol_file
from anagen.trials.run_chunk import run_chunk
from anagen.trials.run_plan import chunks_of, plan_run
from anagen.trials.store import create_store, write_chunk

Run = Callable[..., tuple[int, str, str]]
PEOPLE = 60  # of 85: the rest has no results


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return run_chunk(read_protocol_file("five-against-ten").protocol, count=PEOPLE)


@pytest.fixture(scope="module")
def part(whole: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of which the second chunk is missing."""
    plan = plan_run(read_protocol_file("five-against-ten").protocol, chunk_people=PEOPLE)
    path = tmp_path_factory.mktemp("results") / "part.zarr"
    create_store(plan, path, whole)
    write_chunk(plan, path, chunks_of(plan)[0], whole)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    # Figures take seconds, and none of these tests looks at one.
    monkeypatch.setattr(html, "svg", lambda _: '<svg viewBox="0 0 1 1"></svg>')

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["trial", "report", *(str(word) for word in words)])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return call


def test_what_is_missing_is_told_first(run: Run, part: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    code, output, _ = run(part, "-o", page)
    assert code == 0
    first = " ".join(output.split())
    assert first.startswith("Results are missing. 25 of 85 people have no results")
    assert "Regrowth of at least 85 % at week 12" in first
    assert "25 of 85 people have no results" in page.read_text(encoding="utf-8")


def test_every_form_holds_the_same_tables(run: Run, part: Path, tmp_path: Path) -> None:
    for name in ("tables.nc", "tables.json", "tables"):
        assert run(part, "-o", tmp_path / name)[0] == 0
    plain = json.loads((tmp_path / "tables.json").read_text(encoding="utf-8"))
    assert plain["missing_people"] == 25
    assert (plain["people"], plain["seed"]) == (60, "0")
    with xr.open_dataset(tmp_path / "tables.nc") as labelled:
        estimates = labelled["endpoints__estimate"].values
        assert labelled.attrs["missing_people"] == 25
    np.testing.assert_allclose(estimates, [row["estimate"] for row in plain["tables"]["endpoints"]])
    with (tmp_path / "tables" / "flow.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["count"]) for row in rows] == [row["count"] for row in plain["tables"]["flow"]]
    assert json.loads((tmp_path / "tables" / "about.json").read_text())["missing_people"] == 25
    assert sorted(one.name for one in tmp_path.iterdir()) == ["tables", "tables.json", "tables.nc"]


def test_machines_get_json_alone(run: Run, part: Path) -> None:
    code, output, _ = run(part, "--json", "--against", "ta10")
    assert code == 0
    found = json.loads(output)
    assert {row["against"] for row in found["tables"]["comparisons"]} == {"ta10"}
    assert found["output"] is None


def test_prices_are_counted_or_refused(run: Run, part: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('currency = "EUR"\nper_session = 60\nsource = "list"\n')
    code, output, _ = run(part, "--prices", prices)
    assert code == 0
    assert "Cost of a person in EUR" in output
    assert "180" in output  # three sessions
    prices.write_text("per_session = -60\n")
    code, _, errors = run(part, "--prices", prices, "-o", tmp_path / "page.html")
    assert code == 2
    assert "currency" in errors
    assert not (tmp_path / "page.html").exists()


def test_what_cannot_be_meant_is_refused(run: Run, part: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    for words, told in (
        ((part, "-o", tmp_path / "report.pdf"), "ends in .html"),
        ((part, "-o", tmp_path / "no" / "report.html"), "folder"),
        ((part, "-o", tmp_path / "own"), "thesis.txt"),
        ((part, "-o", part), "Choose another name"),
        ((part, "--against", "ta50"), "ta5, ta10"),
        ((tmp_path / "none.zarr",), "Check the path"),
        ((tmp_path / "own",), "results"),
        ((part, "--prices", tmp_path / "none.toml"), "can be read"),
    ):
        code, _, errors = run(*words)
        assert code == 2, words
        assert told in " ".join(errors.split()), words
    assert (tmp_path / "own" / "thesis.txt").read_text() == "mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["own"]


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(
    run: Run, part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tables"
    assert run(part, "-o", folder)[0] == 0
    (folder / "cost.csv").write_text("of an older report")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}

    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("pandas.DataFrame.to_csv", full)
        code, _, errors = run(part, "-o", folder)
    assert code == 2
    assert "No space left" in errors
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert [one.name for one in tmp_path.iterdir()] == ["tables"]
    assert trial_report.output_kind(folder) == "csv"
    assert run(part, "-o", folder)[0] == 0
    assert not (folder / "cost.csv").exists()
