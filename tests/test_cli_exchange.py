"""Commands that bring patient files into the record and out of it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from anagen._commands.exchange_cli import export, import_
from anagen.clinic.documents import Consent
from anagen.clinic.people import keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.places import find_places
from anagen.clinic.store import close_store, open_store
from anagen.errors import InputError, StoreError
from anagen.patient import load_patient

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

app = typer.Typer(pretty_exceptions_enable=False)
app.command("import")(import_)
app.command("export")(export)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ANAGEN_DATA", "ANAGEN_DATABASE", "ANAGEN_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "clinic"
    close_store(open_store(find_places(folder, environment={})))
    return folder


def run(data: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--data", str(data)])


def test_a_file_in_and_out_again(data: Path, tmp_path: Path) -> None:
    done = run(data, "import", EXAMPLES / "patient.json", EXAMPLES / "child.toml")
    assert done.exit_code == 0, done.output
    assert "2 people" in done.output
    out = tmp_path / "out.json"
    done = run(data, "export", "AA-0001", "-o", out, "--identified")
    assert done.exit_code == 0, done.output
    assert load_patient(out) == load_patient(EXAMPLES / "patient.json")
    run(data, "export", "AA-0001", "-o", out)
    assert load_patient(out).born is None


def test_a_wrong_file_gives_its_problems_and_the_others_go_in(data: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"id": "P9", "sex": "x", "weight_kg": 7000}')
    done = run(data, "import", broken, EXAMPLES / "child.toml")
    assert isinstance(done.exception, InputError)
    assert len(done.exception.problems) == 2
    assert "1 person taken" in done.output
    done = run(data, "import", broken, EXAMPLES / "patient.json", "--all-or-none", "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == 2
    assert answer["numbers"] == []
    assert len(answer["problems"][str(broken)]) == 2


def test_tables_for_research(data: Path, tmp_path: Path) -> None:
    run(data, "import", EXAMPLES / "patient.json", EXAMPLES / "child.toml")
    store = open_store(find_places(data, environment={}))
    consent = Consent(about="research", state="given", on="2025-01-14")
    keep(store, CONSOLE, "AA-0001", "consent", consent)
    close_store(store)
    done = run(data, "export", "--research", tmp_path / "one", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["people"], answer["left_out"]) == (1, 1)
    assert all(Path(path).is_file() for path in answer["files"])
    done = run(data, "export", "--research", tmp_path / "all", "--all")
    assert "2 people, 0 left out" in done.output


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        ((), 1),
        (("P1",), 1),
        (("P1", "-o", "x.json", "--all"), 1),
        (("--research", "x", "--identified", "-o", "y.json"), 2),
        (("P1", "-o", "x.json", "--research", "x"), 1),
        (("P1", "-o", "x.toml"), 1),
    ],
)
def test_what_does_not_belong_together_is_refused(
    data: Path, words: tuple[str, ...], problems: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    before = sorted(data.iterdir())
    done = run(data, "export", *words)
    assert isinstance(done.exception, InputError)
    assert len(done.exception.problems) == problems
    assert sorted(data.iterdir()) == before


def test_without_a_record_nothing_is_founded(tmp_path: Path) -> None:
    done = run(tmp_path / "none", "import", EXAMPLES / "child.toml")
    assert isinstance(done.exception, StoreError)
    assert not (tmp_path / "none" / "clinic.key").exists()
