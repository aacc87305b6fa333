"""``anagen verify``, ``backup``, ``restore`` and ``erase`` from the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from anagen._commands import keeping_cli
from anagen._commands.failures import explain
from anagen.clinic.documents import Identity, Note, Person
from anagen.clinic.people import enrol, keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.places import find_places
from anagen.clinic.store import close_store, open_store
from anagen.errors import AnagenError

Run = Callable[..., tuple[int, str]]
app = typer.Typer()
for command in (keeping_cli.verify, keeping_cli.backup, keeping_cli.restore, keeping_cli.erase):
    app.command(command.__name__)(command)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = open_store(find_places(tmp_path / "clinic", environment={}))
    enrol(store, CONSOLE, Person(), Identity(name="Ada Example"), number="P-1")
    keep(store, CONSOLE, "P-1", "note", Note(on="2025-03-01", text="first"))
    close_store(store)
    return tmp_path / "clinic"


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("ANAGEN_DATA", "ANAGEN_DATABASE", "ANAGEN_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str, send: str = "", data: Path = folder) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words, "--data", str(data)], input=send)
        if isinstance(done.exception, AnagenError):
            return explain(done.exception, debug=False, as_json=False), str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return call


def tamper(folder: Path) -> None:
    store = open_store(find_places(folder, environment={}))
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE entries SET author = 'somebody' WHERE seq = 3"))
    close_store(store)


def anchor_of(output: str) -> str:
    return output.split("Anchor: ")[1].split(maxsplit=1)[0]


def test_verify_tells_sound_from_changed(run: Run, folder: Path) -> None:
    code, output = run("verify")
    assert code == 0
    assert "3 entries of 1 people" in output
    assert "sound" in output
    assert run("verify", "--anchor", anchor_of(output))[0] == 0
    assert run("verify", "--anchor", "nonsense")[0] == 2
    tamper(folder)
    code, output = run("verify")
    assert code == 1
    assert "entry 3" in output
    code, output = run("verify", "--json")
    assert code == 1
    assert [one["place"] for one in json.loads(output)["problems"]] == ["entry 3"]


def test_backup_and_restore(run: Run, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "record.backup"
    code, output = run("backup", str(target))
    assert code == 0
    assert "1 people" in output
    assert "Keep the key file" in output
    assert run("backup", str(target))[0] == 2
    code, words = run("restore", str(target))
    assert code == 3
    assert "--force" in words
    code, words = run("restore", str(target), "--force")
    assert code == 0, words
    assert "before-restore" in words
    assert anchor_of(words) == anchor_of(output)
    new = tmp_path / "new"
    assert run("restore", str(target), data=new)[0] == 3, "the key is not there yet"
    new.mkdir(exist_ok=True)
    shutil.copy(folder / "clinic.key", new)
    assert run("restore", str(target), data=new)[0] == 0
    assert run("verify", "--anchor", anchor_of(output), data=new)[0] == 0


def test_erase_asks_for_the_number_again(run: Run) -> None:
    code, words = run("erase", "P-1", "--basis", "request", send="P-2\n")
    assert code == 2
    assert "Nothing was erased" in words
    assert run("erase", "P-1", "--basis", "request", send="")[0] != 0
    code, words = run("erase", "P-1", "--basis", "request", send="P-1\n")
    assert code == 0
    assert "Erased: 3 texts and 0 photographs" in words
    assert run("verify")[0] == 0
    assert run("erase", "P-1", "--basis", "request", "--yes")[0] == 3


def test_erase_with_yes_does_not_ask(run: Run) -> None:
    assert run("erase", "P-1", "--basis", "", "--yes")[0] == 2
    assert run("erase", "P-1", "--basis", "request", "--yes")[0] == 0


def test_where_no_record_is_none_is_made(run: Run, tmp_path: Path) -> None:
    for words in (["verify"], ["backup", str(tmp_path / "x")], ["erase", "P", "--basis", "b"]):
        assert run(*words, data=tmp_path / "none")[0] == 3
    assert not (tmp_path / "none").exists()
