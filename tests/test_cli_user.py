"""``anagen user``: accounts from the command line, without a password ever being shown."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from argon2 import PasswordHasher
from typer.testing import CliRunner

from anagen._commands.failures import explain
from anagen._commands.user_cli import user_app
from anagen.clinic import passwords
from anagen.clinic.accounts import account
from anagen.clinic.places import find_places
from anagen.clinic.sign_in import actor_of_sign_in, sign_in
from anagen.clinic.store import close_store, open_store
from anagen.errors import AccessError, AnagenError, StoreError

PASSWORD = "four brown hens"
Run = Callable[..., tuple[int, str]]


class Input(io.StringIO):
    """What is sent to standard input; not a terminal unless told."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", cheap)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    close_store(open_store(find_places(tmp_path / "clinic", environment={})))
    return tmp_path / "clinic"


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give exit code and everything printed; fails when a password is among it."""

    def call(*words: str, send: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", Input(send))
        for name in ("ANAGEN_DATABASE", "ANAGEN_KEY_FILE"):
            monkeypatch.delenv(name, raising=False)
        code = 0
        try:
            user_app([*words, "--data", str(folder)], standalone_mode=False)
        except AnagenError as error:
            code = explain(error, debug=False, as_json="--json" in words)
        output, errors = capsys.readouterr()
        assert PASSWORD not in output + errors
        return code, output + errors

    return call


def add(run: Run, name: str, *roles: str) -> tuple[int, str]:
    words = [word for role in roles for word in ("--role", role)]
    return run("add", name, "--display-name", f"Dr {name}", *words, "--password-stdin",
               send=f"{PASSWORD}\n")  # fmt: skip


def test_an_account_is_made_listed_and_used(run: Run, folder: Path) -> None:
    assert "No account yet" in run("list")[1]
    assert add(run, "anna", "clinician", "administrator")[0] == 0
    code, shown = run("list")
    assert code == 0
    assert "Dr anna" in shown
    assert "administrator, clinician" in shown
    (row,) = json.loads(run("list", "--json")[1])
    assert row["roles"] == ["administrator", "clinician"]
    assert "password" not in row
    store = open_store(find_places(folder, environment={}))
    assert sign_in(store, "anna", PASSWORD, address="", agent="").actor.account == "anna"
    close_store(store)


def test_bad_input_is_told_and_makes_nothing(run: Run) -> None:
    code, shown = run("add", "Anna", "--role", "king", "--password-stdin", send="short\n")
    assert code == 2
    for place in ("name", "roles", "password"):
        assert place in shown
    assert run("add", "anna", "--role", "reader")[0] == 2
    assert "--password-stdin" in run("add", "anna", "--role", "reader")[1]
    assert json.loads(run("list", "--json")[1]) == []


def test_the_password_is_asked_for_twice_without_showing_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def prompt(_: str, **options: object) -> str:
        asked.append(options)
        return PASSWORD

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(Input, "terminal", True)
    assert run("add", "anna", "--role", "reader")[0] == 0
    assert asked == [{"hide_input": True, "confirmation_prompt": True, "err": True}]


def test_no_command_takes_a_password_as_an_argument() -> None:
    for name in ("add", "password"):
        shown = CliRunner().invoke(user_app, [name, "--help"]).output
        assert "--password-stdin" in shown
        assert "--password " not in shown


def test_closing_and_opening_and_roles(run: Run, folder: Path) -> None:
    add(run, "anna", "administrator")
    add(run, "ben", "clinician")
    code, shown = run("disable", "anna")
    assert code == 2
    assert "administrator" in shown
    assert run("disable", "ben")[0] == 0
    assert "disabled" in run("list")[1]
    assert run("enable", "ben")[0] == 0
    assert run("roles", "ben", "reader", "assistant")[0] == 0
    store = open_store(find_places(folder, environment={}))
    seen = account(store, "ben")
    close_store(store)
    assert (seen.disabled, seen.roles) == (False, ("assistant", "reader"))


def test_a_new_password_and_signing_out_end_sign_ins(run: Run, folder: Path) -> None:
    add(run, "anna", "administrator")
    store = open_store(find_places(folder, environment={}))
    for words, send in ((("password", "anna", "--password-stdin"), f"{PASSWORD}\n"),
                        (("sign-out", "anna"), "")):  # fmt: skip
        entered = sign_in(store, "anna", PASSWORD, address="", agent="")
        assert run(*words, send=send)[0] == 0
        with pytest.raises(AccessError):
            actor_of_sign_in(store, entered.secret)
    close_store(store)


def test_a_lost_phone_is_helped(run: Run, folder: Path) -> None:
    import pyotp

    from anagen.clinic.second_factor import begin_second_factor, confirm_second_factor

    add(run, "anna", "administrator")
    store = open_store(find_places(folder, environment={}))
    actor = sign_in(store, "anna", PASSWORD, address="", agent="").actor
    app = pyotp.parse_uri(begin_second_factor(store, actor, "anna"))
    assert isinstance(app, pyotp.TOTP)
    confirm_second_factor(store, actor, "anna", app.now())
    assert json.loads(run("list", "--json")[1])[0]["has_second_factor"]
    assert run("second-factor-reset", "anna")[0] == 0
    assert not account(store, "anna").has_second_factor
    close_store(store)


@pytest.mark.parametrize(
    "words", [("disable",), ("password", "--password-stdin"), ("sign-out",), ("roles", "reader"),
              ("second-factor-reset",)],
)  # fmt: skip
def test_an_unknown_account_is_told(run: Run, words: tuple[str, ...]) -> None:
    code, shown = run(words[0], "nobody", *words[1:], send=f"{PASSWORD}\n")
    assert code == 3
    assert "nobody" in shown


def test_no_record_is_founded_by_a_mistyped_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="found none"):
        user_app(["list", "--data", str(tmp_path / "other")], standalone_mode=False)
    assert not (tmp_path / "other").exists()
