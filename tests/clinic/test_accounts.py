"""Accounts: who gets one, what of it is kept, and that the clinic never locks itself out."""

import json
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from anagen.clinic import passwords
from anagen.clinic.accounts import (
    account,
    accounts,
    change_account,
    make_account,
    set_password,
)
from anagen.clinic.entries import versions
from anagen.clinic.permissions import CONSOLE, Actor, permissions_of
from anagen.clinic.second_factor import begin_second_factor
from anagen.clinic.setup import first_account, needs_setup, setup_code
from anagen.clinic.sign_in import actor_of_sign_in, sign_in
from anagen.clinic.store import Store, close_store, open_store, reading
from anagen.clinic.tables import metadata
from anagen.clinic.tokens import actor_of_token, make_token
from anagen.errors import AccessError, InputError, NotFoundError, StoreError, ThrottledError

PASSWORD = "four brown hens"
OTHER = "five grey geese"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", cheap)


@pytest.fixture
def anna(store: Store) -> Actor:
    make_account(store, CONSOLE, "anna", "Anna Berg", ["clinician", "administrator"], PASSWORD)
    return sign_in(store, "anna", PASSWORD, address="192.0.2.1", agent="test").actor


def _everything(store: Store) -> str:
    with reading(store) as connection:
        return "\n".join(
            repr(tuple(row))
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        )


# Passwords


@pytest.mark.parametrize(
    "password",
    ["four brown hens", "Zwölf Boxkämpfer", "p" * 11 + "q", "!@#$%^&*()_+", "x9" * 127 + "yz"],
)
def test_long_passwords_of_any_characters_are_accepted(password: str) -> None:
    passwords.check_password("anna", password)


@pytest.mark.parametrize(
    "password",
    ["", "elevenchars", "x y" * 100, "a" * 14, "abcabcabcabc", "Anna-Anna-Anna", "password1234",
     "Correct Horse Battery Staple", "123456789012", "qwertyuiopas", "four\0brown hens",
     "four \ud800 brown hens", "y" * 10_000_000],
)  # fmt: skip
def test_passwords_that_are_guessed_first_are_refused_without_repeating_them(
    password: str,
) -> None:
    with pytest.raises(InputError) as caught:
        passwords.check_password("anna", password)
    assert caught.value.problems[0].place == "password"
    assert not password or password not in str(caught.value)


def test_length_counts_after_normalisation() -> None:
    with pytest.raises(InputError, match="found 11 characters"):
        passwords.check_password("anna", "elevencha" + "e\u0301" + "s")


def test_the_same_password_from_another_keyboard_fits() -> None:
    kept = passwords.hash_password("Zwo\u0308lf Boxka\u0308mpfer")
    assert passwords.verify_password(kept, "Zw\u00f6lf Boxk\u00e4mpfer")
    assert not passwords.verify_password(kept, "Zwolf Boxkampfer")
    assert "Box" not in kept


def test_settings_are_those_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kept = passwords.hash_password(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


# Making and changing


def test_an_account_is_made_and_listed(store: Store, anna: Actor) -> None:
    made = make_account(store, anna, "ben.k", "  Ben K. ", ["reader", "assistant"], OTHER)
    assert (made.display_name, made.roles) == ("Ben K.", ("assistant", "reader"))
    assert not made.disabled
    assert not made.has_second_factor
    assert [one.name for one in accounts(store, anna)] == ["anna", "ben.k"]
    assert account(store, "ben.k") == made


def test_everything_wrong_is_told_at_once(store: Store) -> None:
    with pytest.raises(InputError) as caught:
        make_account(store, CONSOLE, "Anna B", "a\0b", ["king"], "short")
    places = [problem.place for problem in caught.value.problems]
    assert places == ["name", "display_name", "roles", "password"]
    assert accounts(store, CONSOLE) == ()


@pytest.mark.parametrize("name", ["a", "A1", "1a", "a b", "ä" * 3, "a" * 65, "console", "a\n", ""])
def test_names_that_are_no_names_are_refused(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        make_account(store, CONSOLE, name, "X", ["reader"], PASSWORD)


def test_a_name_is_given_once(store: Store, anna: Actor) -> None:
    with pytest.raises(InputError, match="no account has"):
        make_account(store, anna, "anna", "Another", ["reader"], OTHER)
    assert account(store, "anna").display_name == "Anna Berg"


def test_only_who_keeps_the_accounts_may(store: Store, anna: Actor) -> None:
    clinician = Actor("ben", permissions_of(("clinician",)), ("clinician",))
    tries: list[Callable[[], object]] = [
        lambda: make_account(store, clinician, "carl", "C", ["administrator"], OTHER),
        lambda: accounts(store, clinician),
        lambda: change_account(store, clinician, "anna", disabled=True),
        lambda: set_password(store, clinician, "anna", OTHER),
    ]
    for attempt in tries:
        with pytest.raises(AccessError, match="accounts:manage"):
            attempt()
    assert [one.name for one in accounts(store, anna)] == ["anna"]


def test_every_change_is_in_the_chain_with_its_author(store: Store, anna: Actor) -> None:
    make_account(store, anna, "ben", "Ben", ["reader"], OTHER)
    change_account(store, anna, "ben", roles=["assistant"], display_name="Ben K")
    change_account(store, anna, "ben", disabled=True)
    change_account(store, anna, "ben", disabled=True)
    set_password(store, CONSOLE, "ben", PASSWORD)
    with reading(store) as connection:
        found = versions(store, connection, "account", "ben")
    assert [(one.author, one.reason) for one in found] == [
        ("anna", "made"),
        ("anna", "display name changed, roles changed"),
        ("anna", "disabled"),
        ("console", "password reset"),
    ]
    assert json.loads(found[1].text or "")["roles"] == ["assistant"]
    assert found[2].document.disabled


def test_an_unknown_account_is_not_found(store: Store, anna: Actor) -> None:
    for name in ("nobody", "Anna", "a\0b", "x" * 5000):
        with pytest.raises(NotFoundError):
            account(store, name)
        with pytest.raises(NotFoundError):
            change_account(store, anna, name, disabled=True)
        with pytest.raises(NotFoundError):
            set_password(store, anna, name, OTHER)


def test_the_last_administrator_stays(store: Store, anna: Actor) -> None:
    make_account(store, anna, "ben", "Ben", ["administrator"], OTHER)
    change_account(store, anna, "ben", disabled=True)
    for change in ({"disabled": True}, {"roles": ["clinician"]}):
        for actor in (anna, CONSOLE):
            with pytest.raises(InputError, match="at least one administrator"):
                change_account(store, actor, "anna", **change)
    change_account(store, anna, "ben", disabled=False)
    assert change_account(store, anna, "anna", roles=["clinician"]).roles == ("clinician",)


def test_two_administrators_cannot_remove_each_other_at_once(store: Store) -> None:
    names = ("anna", "ben")
    for name in names:
        make_account(store, CONSOLE, name, name, ["administrator"], PASSWORD)
    second = open_store(store.places, create=False)
    start = threading.Barrier(2)

    def disable(one: tuple[Store, str]) -> bool:
        start.wait()
        try:
            change_account(one[0], CONSOLE, one[1], disabled=True)
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(disable, zip((store, second), names, strict=True)))
    close_store(second)
    assert sorted(done) == [False, True]
    assert sum(not one.disabled for one in accounts(store, CONSOLE)) == 1


def test_disabling_ends_sign_ins_and_tokens_for_good(store: Store, anna: Actor) -> None:
    make_account(store, anna, "ben", "Ben", ["reader"], OTHER)
    entered = sign_in(store, "ben", OTHER, address="192.0.2.2", agent="test")
    token = make_token(store, entered.actor, "script", ["record:read"], 7)
    change_account(store, anna, "ben", disabled=True)
    change_account(store, anna, "ben", disabled=False)
    with pytest.raises(AccessError):
        actor_of_sign_in(store, entered.secret)
    with pytest.raises(AccessError):
        actor_of_token(store, token.secret)


def test_a_disabled_account_is_refused_even_where_its_sign_ins_were_not_ended(
    store: Store, anna: Actor
) -> None:
    entered = sign_in(store, "anna", PASSWORD, address="192.0.2.2", agent="test")
    with store.engine.begin() as connection:
        connection.execute(update(metadata.tables["accounts"]).values(disabled=True))
    with pytest.raises(AccessError):
        actor_of_sign_in(store, entered.secret)
    with pytest.raises(AccessError, match="or the account is disabled"):
        sign_in(store, "anna", PASSWORD, address="192.0.2.2", agent="test")


def test_new_roles_hold_at_once(store: Store, anna: Actor) -> None:
    make_account(store, anna, "ben", "Ben", ["clinician"], OTHER)
    entered = sign_in(store, "ben", OTHER, address="192.0.2.2", agent="test")
    assert "plan:write" in entered.actor.permissions
    change_account(store, anna, "ben", roles=["reader"])
    actor = actor_of_sign_in(store, entered.secret)
    assert actor.permissions == permissions_of(("reader",))


# Setting passwords


def test_the_own_password_needs_the_old_one(store: Store, anna: Actor) -> None:
    elsewhere = sign_in(store, "anna", PASSWORD, address="192.0.2.9", agent="other")
    here = sign_in(store, "anna", PASSWORD, address="192.0.2.1", agent="test")
    with pytest.raises(InputError, match="old"):
        set_password(store, here.actor, "anna", OTHER)
    with pytest.raises(AccessError, match="holds now") as caught:
        set_password(store, here.actor, "anna", OTHER, old="wrong brown hens")
    assert "brown" not in str(caught.value)
    with pytest.raises(InputError, match="another password"):
        set_password(store, here.actor, "anna", PASSWORD, old=PASSWORD)
    set_password(store, here.actor, "anna", OTHER, old=PASSWORD)
    assert actor_of_sign_in(store, here.secret).account == "anna"
    with pytest.raises(AccessError):
        actor_of_sign_in(store, elsewhere.secret)
    with pytest.raises(AccessError):
        sign_in(store, "anna", PASSWORD, address="192.0.2.1", agent="test")
    sign_in(store, "anna", OTHER, address="192.0.2.1", agent="test")


def test_guessing_the_old_password_is_slowed_down(store: Store, anna: Actor) -> None:
    for _ in range(5):
        with pytest.raises(AccessError, match="holds now"):
            set_password(store, anna, "anna", OTHER, old="wrong")
    with pytest.raises(ThrottledError):
        set_password(store, anna, "anna", OTHER, old=PASSWORD)


def test_an_administrator_resets_a_password_and_ends_all_sign_ins(
    store: Store, anna: Actor
) -> None:
    make_account(store, anna, "ben", "Ben", ["reader"], OTHER)
    entered = sign_in(store, "ben", OTHER, address="192.0.2.2", agent="test")
    set_password(store, anna, "ben", PASSWORD)
    with pytest.raises(AccessError):
        actor_of_sign_in(store, entered.secret)
    sign_in(store, "ben", PASSWORD, address="192.0.2.2", agent="test")


def test_a_token_changes_no_password_of_its_own(store: Store, anna: Actor) -> None:
    token = make_token(store, anna, "script", ["accounts:manage"], 7)
    with pytest.raises(AccessError, match="API token"):
        set_password(store, actor_of_token(store, token.secret), "anna", OTHER, old=PASSWORD)


def test_no_secret_stands_in_any_table(store: Store, anna: Actor) -> None:
    entered = sign_in(store, "anna", PASSWORD, address="192.0.2.1", agent="test")
    token = make_token(store, anna, "script", ["record:read"], 7)
    shown = begin_second_factor(store, anna, "anna")
    shared = shown.partition("secret=")[2].partition("&")[0]
    kept = _everything(store)
    for secret in (PASSWORD, entered.secret, token.secret, token.secret[7:], shared, "192.0.2.77"):
        assert secret not in kept
    assert entered.secret not in repr(entered)
    assert token.secret not in repr(token)


# The first account


def test_the_first_account_is_made_with_the_code_once(store: Store) -> None:
    assert needs_setup(store)
    void = setup_code(store)
    code = setup_code(store)
    with pytest.raises(AccessError, match="setup code"):
        first_account(store, void, "anna", "Anna", PASSWORD)
    with pytest.raises(InputError, match="password"):
        first_account(store, code, "anna", "Anna", "short")
    made = first_account(store, code.lower().replace("-", " "), "anna", "Anna", PASSWORD)
    assert made.roles == ("administrator", "clinician")
    assert not needs_setup(store)
    with pytest.raises(AccessError, match="already"):
        first_account(store, code, "ben", "Ben", OTHER)
    with pytest.raises(AccessError, match="already"):
        setup_code(store)
    assert len(accounts(store, CONSOLE)) == 1


def test_the_code_is_long_and_kept_as_a_digest_for_its_owner_alone(store: Store) -> None:
    code = setup_code(store)
    assert [len(group) for group in code.split("-")] == [4] * 5
    files = [path for path in store.places.folder.rglob("*setup*") if path.is_file()]
    assert files
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        content = path.read_text()
        assert code not in content
        assert code.replace("-", "") not in content
    first_account(store, code, "anna", "Anna", PASSWORD)
    assert not any(path.exists() for path in files)


def test_without_a_code_nobody_makes_the_first_account(store: Store) -> None:
    for code in ("", "0" * 20, "\ud800", "\0", "x" * 100_000):
        with pytest.raises(AccessError, match="setup code"):
            first_account(store, code, "anna", "Anna", PASSWORD)
    with pytest.raises(ThrottledError):
        first_account(store, setup_code(store), "anna", "Anna", PASSWORD)
    assert needs_setup(store)


def test_two_first_accounts_at_once_make_one(store: Store) -> None:
    code = setup_code(store)
    second = open_store(store.places, create=False)
    start = threading.Barrier(4)

    def make(number: int) -> bool:
        start.wait()
        try:
            first_account((store, second)[number % 2], code, f"user{number}", "U", PASSWORD)
        except AccessError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4)))
    close_store(second)
    assert sum(made) == 1
    assert len(accounts(store, CONSOLE)) == 1


def test_a_data_folder_that_cannot_be_written_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(StoreError, match="data folder"):
        setup_code(store)
