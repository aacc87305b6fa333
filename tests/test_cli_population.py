"""`anagen evidence compare` and `anagen people`, as a user calls them."""

import csv
import json
from pathlib import Path

import pytest

from anagen.cli import main
from anagen.population.people import read_people
from anagen.population.variability import load_traits

ARMS = """study_id,arm,drug,concentration_mg_per_mL,interval_weeks,n_sessions,n_patients,\
time_weeks,endpoint,threshold,n_total,percent
N1,TA 5,triamcinolone acetonide,5,4,3,50,12,regrowth_at_least,0.5,50,78
N1,saline,normal saline,,4,3,50,12,regrowth_at_least,0.5,50,22
N2,quality,triamcinolone acetonide,10,4,3,64,12,DLQI,,64,60
"""
BROKEN = ARMS.replace("0.5,50,78", "50,50,130").replace("normal saline", "magic water")


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code or 0


def test_arms_never_seen_are_compared_and_none_is_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms, output = tmp_path / "arms.csv", tmp_path / "out.csv"
    arms.write_text(ARMS)
    assert (
        _run("evidence", "compare", "--arms", str(arms), "--people", "64", "-o", str(output)) == 0
    )
    shown = capsys.readouterr().out
    assert "2 of 3 rows are comparable" in shown
    assert "DLQI" in shown
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["comparable"] for row in rows] == ["True", "True", "False"]
    treated, saline = (float(row["predicted"]) for row in rows[:2])
    assert treated > saline
    assert float(rows[0]["low_95"]) <= treated <= float(rows[0]["high_95"])


def test_comparison_as_data_says_which_population_made_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = tmp_path / "arms.csv"
    arms.write_text(ARMS)
    assert _run("evidence", "compare", "--arms", str(arms), "--people", "64", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["unseen"]["n"] == 2
    assert "make calibrate" in found["posterior"]["command"]


def test_a_broken_file_of_arms_is_refused_with_every_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms, output = tmp_path / "arms.csv", tmp_path / "out.csv"
    arms.write_text(BROKEN)
    assert _run("evidence", "compare", "--arms", str(arms), "-o", str(output)) == 2
    said = capsys.readouterr().err
    for words in ("130", "percentage", "magic water", "row 2", "row 3"):
        assert words in said
    assert not output.exists()


def test_people_are_written_with_their_traits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    for path in (one, two):
        assert _run("people", "--n", "300", "--seed", "7", "-o", str(path)) == 0
    assert "300 people" in capsys.readouterr().out
    assert one.read_bytes() == two.read_bytes()
    covariates, patches, traits = read_people(one)
    assert len(covariates) == 300
    assert len(patches) >= 300
    assert set(traits) == {trait.key for trait in load_traits()}


@pytest.mark.parametrize("words", [("--n", "0"), ("--n", "5", "--setting", "moon")])
def test_people_that_cannot_be_are_refused(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "people.parquet"
    assert _run("people", *words, "-o", str(path)) == 2
    assert "expected" in capsys.readouterr().err
    assert not path.exists()
