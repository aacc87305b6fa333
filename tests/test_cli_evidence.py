"""``anagen evidence list`` and ``show``: tables, JSON, filters, and errors with close matches."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from anagen._commands import evidence_shown
from anagen.cli import main
from anagen.evidence.published import load_arms, load_course, load_harms
from anagen.evidence.references import load_references

Run = Callable[..., tuple[int, str, str]]
TABLES = {
    "arms": load_arms,
    "harms": load_harms,
    "course": load_course,
    "references": load_references,
}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["evidence", *(str(word) for word in words)])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return call


@pytest.fixture(params=[50, 200], ids=["narrow", "wide"])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def rows(run: Run, *words: object) -> list[dict[str, Any]]:
    code, output, errors = run("list", *words, "--json")
    assert (code, errors) == (0, "")
    found: list[dict[str, Any]] = json.loads(output)
    return found


def problem(run: Run, *words: object) -> dict[str, str]:
    code, output, errors = run(*words, "--json")
    assert (code, output) == (2, "")
    (found,) = json.loads(errors)["problems"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("words", [("-h",), ("list", "--help"), ("show", "--help")])
def test_every_command_explains_itself(run: Run, words: tuple[str, ...]) -> None:
    code, output, _ = run(*words)
    assert code == 0
    assert ("--json" in output) == (len(words) == 2)


def test_without_a_command_the_commands_are_shown(run: Run) -> None:
    _, output, errors = run()
    assert "list" in output + errors
    assert "show" in output + errors


def test_help_imports_no_heavy_library() -> None:
    # Typer itself loads pydantic, where there is one, for the help of any single command.
    code = (
        "import sys\nfrom anagen.cli import main\n"
        "try: main(['evidence', 'list', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'jax', 'numpy', 'scipy', 'pint', 'xarray', 'pybtex'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("heavy: []\n")


# --- list ---


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_listed_whole(run: Run, kind: str) -> None:
    listed = rows(run, "--kind", kind)
    assert len(listed) == len(TABLES[kind]())
    keys = [row.get("study_id", row.get("key")) for row in listed]
    known = TABLES[kind]()
    assert keys == (list(known) if isinstance(known, dict) else [row.study_id for row in known])


def test_arms_are_listed_by_default(run: Run) -> None:
    assert rows(run) == rows(run, "--kind", "arms")
    arm = next(row for row in rows(run) if row["arm"] == "2.5/3.33 mg/mL pooled")
    assert arm["concentration_mg_per_mL"] == {"text": "2.5-3.33", "low": 2.5, "high": 3.33}


@pytest.mark.usefixtures("width")
@pytest.mark.parametrize("kind", TABLES)
def test_every_row_is_shown_at_any_width(run: Run, kind: str, width: int) -> None:
    code, output, errors = run("list", "--kind", kind)
    assert (code, errors) == (0, "")
    assert max(map(len, output.splitlines())) <= width
    flat = "".join(output.split())
    for row in rows(run, "--kind", kind):
        assert row.get("study_id", row.get("key")) in flat
    assert f"{len(TABLES[kind]())} rows" in output


def test_an_arm_is_shown_with_its_figures(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in ("60", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        shown = " ".join(run("list", "--study", "ganjoo")[1].split())
        assert "28 of 60, 46.7 % (34.6 to 59.1)" in shown
        assert "regrowth at least 0.75" in shown
        assert "every 4 wk" in shown


def test_a_figure_is_a_percentage_counts_or_a_mean() -> None:
    results = {evidence_shown.arm_result(arm) for arm in load_arms()}
    assert {"71.06 % (59.72 to 81.2)", "3.74 (SD 0.99)", "1.64 (1.05 to 2.58)", ""} <= results


@pytest.mark.parametrize(
    ("words", "field", "values"),
    [
        (("--study", "KULDEEP"), "study_id", {"Kuldeep2011"}),
        (("--study", "su2022"), "reference", {"Su2022"}),
        (("--endpoint", "odds_ratio"), "endpoint", {"odds_ratio"}),
        (("--endpoint", "Regrowth at least"), "endpoint", {"regrowth_at_least"}),
        (("--endpoint", "none"), "endpoint", {""}),
        (("--status", "memory"), "quote_status", {"memory"}),
        (("--kind", "harms", "--status", "design_only"), "quote_status", {"design_only"}),
        (("--kind", "references", "--study", "kenalog"), "key", None),
    ],
)
def test_filters(run: Run, words: tuple[str, ...], field: str, values: set[str] | None) -> None:
    found = rows(run, *words)
    assert found
    if values is not None:
        assert {row[field] for row in found} == values
    for row in found:
        assert values is not None or "kenalog" in (row["key"] + row["title"]).lower()


def test_filters_add_up(run: Run) -> None:
    both = rows(run, "--study", "amirnia", "--endpoint", "complete")
    assert len(both) == 2
    assert all(row in rows(run, "--study", "amirnia") for row in both)


def test_nothing_found_is_said_and_is_no_error(run: Run) -> None:
    assert run("list", "--study", "nobody")[:2] == (0, "Nothing matches.\n")
    assert rows(run, "--study", "nobody") == []


@pytest.mark.parametrize(
    ("words", "place", "remedy"),
    [
        (("--endpoint", "compleet"), "--endpoint", "Did you mean complete?"),
        (("--endpoint", "x"), "--endpoint", "Leave it out"),
        (("--endpoint", "complete", "--kind", "harms"), "--endpoint", "Leave --endpoint out"),
        (("--status", "memory", "--kind", "references"), "--status", "Leave --status out"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(
    run: Run, words: tuple[str, ...], place: str, remedy: str
) -> None:
    found = problem(run, "list", *words)
    assert found["place"] == place
    assert remedy in found["remedy"]


@pytest.mark.parametrize("words", [("--kind", "trials"), ("--status", "rumour"), ("--colour",)])
def test_an_unknown_choice_is_exit_code_2(run: Run, words: tuple[str, ...]) -> None:
    code, output, errors = run("list", *words)
    assert (code, output) == (2, "")
    assert "Traceback" not in errors


# --- show ---


@pytest.mark.parametrize(
    "study_id", sorted({row.study_id for load in (load_arms, load_harms, load_course)
                        for row in load()})
)  # fmt: skip
def test_every_study_can_be_shown(run: Run, study_id: str) -> None:
    code, output, errors = run("show", study_id, "--json")
    assert (code, errors) == (0, "")
    record = json.loads(output)
    assert record["reference"]["key"]
    for table, load in (("arms", load_arms), ("harms", load_harms), ("course", load_course)):
        assert len(record[table]) == sum(row.study_id == study_id for row in load())


def test_a_study_is_shown_with_all_that_is_known(run: Run) -> None:
    code, output, _ = run("show", "su2022_MA")
    flat = " ".join(output.split())
    assert code == 0
    for words in ("Su et al. (2022)", "[Su2022]", "Arms, 4 rows", "Harms, 3 rows", "2.5-3.33",
                  "38.64", "18.05", "abstract prints unit mg/dl", "verified"):  # fmt: skip
        assert words in flat
    assert flat.count("mean column holds the odds ratio") == 1


def test_a_reference_shows_all_its_studies(run: Run) -> None:
    record = json.loads(run("show", "Kubeyinje1994", "--json")[1])
    assert {arm["study_id"] for arm in record["arms"]} == {"Kubeyinje1994a", "Kubeyinje1994b"}


def test_a_reference_without_results_says_so(run: Run) -> None:
    code, output, _ = run("show", "KenalogLabel")
    assert code == 0
    assert "Kenalog-10" in output
    assert "No results in the tables" in output


@pytest.mark.usefixtures("width")
def test_a_study_fits_the_terminal(run: Run, width: int) -> None:
    _, output, _ = run("show", "Amirnia2015")
    assert max(map(len, output.splitlines())) <= width


@pytest.mark.parametrize(
    ("slip", "name"),
    [("kuldep2011", "Kuldeep2011"), ("Su2022MA", "Su2022_MA"), ("ganjoo", "Ganjoo2013")],
)
def test_a_slip_in_a_name_gets_advice(run: Run, slip: str, name: str) -> None:
    found = problem(run, "show", slip)
    assert found["place"] == "STUDY_ID"
    assert found["remedy"].startswith("Did you mean ")
    assert name in found["remedy"]


@pytest.mark.parametrize("name", ["", " ", "zzzzzzzz", "\x1b[2J"])
def test_a_name_like_no_other_is_refused(run: Run, name: str) -> None:
    assert "anagen evidence list" in problem(run, "show", name)["remedy"]
    _, _, errors = run("show", name)
    assert "\x1b[2J" not in errors
