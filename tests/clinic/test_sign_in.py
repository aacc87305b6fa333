"""Signing in: nothing tells who has an account, guessing is slow, and an end is an end."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import event

from anagen.clinic import passwords, second_factor, throttling
from anagen.clinic import sign_in as room
from anagen.clinic.accounts import account, change_account, make_account
from anagen.clinic.credentials import later
from anagen.clinic.permissions import CONSOLE, Actor, permissions_of
from anagen.clinic.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    remove_second_factor,
)
from anagen.clinic.sign_in import (
    SignedIn,
    actor_of_sign_in,
    check_csrf,
    csrf_token,
    revoke_sign_in,
    revoke_sign_ins,
    sign_in,
    sign_ins,
    sign_out,
)
from anagen.clinic.store import Store, close_store, open_store, reading
from anagen.clinic.store import now as real_now
from anagen.clinic.tables import throttles
from anagen.errors import (
    AccessError,
    InputError,
    NotFoundError,
    SecondFactorError,
    StoreError,
    ThrottledError,
)

PASSWORD = "four brown hens"
WRONG = "five grey geese"
HERE = "192.0.2.1"


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.start, self.passed = real_now(), 0.0

    def __call__(self) -> str:
        return later(self.start, self.passed)


class CountingHasher(PasswordHasher):
    """Cheap settings; counts what costs time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checked = self.made = 0

    def verify(self, *given: Any) -> Any:
        self.checked += 1
        return super().verify(*given)

    def hash(self, *given: Any, **more: Any) -> str:
        self.made += 1
        return super().hash(*given, **more)


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    cheap = CountingHasher()
    monkeypatch.setattr(passwords, "HASHER", cheap)
    return cheap


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (room, throttling, second_factor):
        monkeypatch.setattr(module, "now", made)
    return made


@pytest.fixture(autouse=True)
def known(store: Store) -> None:
    make_account(store, CONSOLE, "anna", "Anna Berg", ["clinician", "administrator"], PASSWORD)


def enter(store: Store, password: str = PASSWORD, code: str | None = None, **more: str) -> SignedIn:
    given = {"name": "anna", "address": HERE, "agent": "test", **more}
    return sign_in(store, given["name"], password, code, address=given["address"],
                   agent=given["agent"])  # fmt: skip


def fail(store: Store, times: int, **more: str) -> None:
    for _ in range(times):
        with pytest.raises(AccessError, match="name or password is wrong"):
            enter(store, WRONG, **more)


# In and out


def test_a_sign_in_is_known_again(store: Store) -> None:
    entered = enter(store, name=" Anna ")
    actor = actor_of_sign_in(store, entered.secret)
    assert actor == entered.actor
    assert (actor.account, actor.sign_in, actor.address) == ("anna", entered.id, HERE)
    assert actor.permissions == permissions_of(("administrator", "clinician"))


def test_every_sign_in_has_a_secret_of_its_own(store: Store) -> None:
    made = {enter(store).secret for _ in range(3)}
    assert len(made) == 3
    assert min(map(len, made)) >= 43


def test_signing_out_ends_one_sign_in(store: Store) -> None:
    first, second = enter(store), enter(store)
    sign_out(store, first.secret)
    sign_out(store, first.secret)
    sign_out(store, "unknown")
    with pytest.raises(AccessError) as caught:
        actor_of_sign_in(store, first.secret)
    assert not caught.value.signed_in
    actor_of_sign_in(store, second.secret)


@pytest.mark.parametrize("secret", ["", "x", "\0", "\ud800", "é" * 10_000])
def test_a_secret_that_is_none_is_refused(store: Store, secret: str) -> None:
    with pytest.raises(AccessError):
        actor_of_sign_in(store, secret)


def test_hostile_texts_are_refused_or_kept_as_one_line(store: Store) -> None:
    for bad in ("a\0b", "\ud800", "x" * 1_000_000, "' OR 1=1 --"):
        with pytest.raises(AccessError, match="name or password"):
            enter(store, name=bad, address=bad[:9])
        with pytest.raises(AccessError, match="name or password"):
            enter(store, bad, address=f"{bad[:9]}!")
        throttle_free(store)
    entered = enter(store, address="9" * 99, agent="Mozilla\r\n\0\ud800" + "x" * 999)
    seen = sign_ins(store, entered.actor, "anna")[0]
    assert (len(seen.address), len(seen.agent)) == (64, 200)
    assert seen.agent.startswith("Mozilla????x")


def throttle_free(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(throttles.delete())


# What a stranger learns


def test_wrong_name_wrong_password_and_disabled_look_alike_and_cost_the_same(
    store: Store, hasher: CountingHasher
) -> None:
    make_account(store, CONSOLE, "ben", "Ben", ["reader"], PASSWORD)
    change_account(store, CONSOLE, "ben", disabled=True)
    enter(store)
    seen = set()
    for name, password in (("nobody", WRONG), ("anna", WRONG), ("ben", PASSWORD), ("ben", WRONG),
                           ("Not a name", PASSWORD)):  # fmt: skip
        checked, made = hasher.checked, hasher.made
        with pytest.raises(AccessError) as caught:
            enter(store, password, name=name, address=f"192.0.2.{len(name)}{len(password)}")
        seen.add((str(caught.value), caught.value.signed_in, hasher.checked - checked,
                  hasher.made - made, type(caught.value)))  # fmt: skip
    assert len(seen) == 1
    assert next(iter(seen))[2:4] == (1, 0)


def test_unknown_names_are_slowed_down_like_known_ones(store: Store) -> None:
    for name in ("nobody", "anna"):
        for number in range(5):
            fail(store, 1, name=name, address=f"198.51.100.{number}")
            throttle_free_addresses(store, [f"198.51.100.{number}"])
        with pytest.raises(ThrottledError) as caught:
            enter(store, name=name, address="203.0.113.1")
        assert caught.value.seconds == 1


def throttle_free_addresses(store: Store, addresses: list[str]) -> None:
    keys = [throttling.address_key(store, address) for address in addresses]
    with store.engine.begin() as connection:
        connection.execute(throttles.delete().where(throttles.c.key.in_(keys)))


def test_errors_never_repeat_what_was_typed(store: Store) -> None:
    with pytest.raises(AccessError) as caught:
        enter(store, "my secret words", name="secretname")
    assert "secret" not in str(caught.value)


# Guessing


def test_each_failure_beyond_the_fourth_doubles_the_wait(store: Store, clock: Clock) -> None:
    waits = []
    for _ in range(18):
        fail(store, 1)
        try:
            enter(store, WRONG)
        except ThrottledError as error:
            waits.append(error.seconds)
            clock.passed += error.seconds
        except AccessError:
            pass
    # The second attempt of each round counts too as long as nothing is refused.
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == 900


def test_while_it_waits_even_the_right_password_is_refused_and_untried(
    store: Store, clock: Clock, hasher: CountingHasher
) -> None:
    fail(store, 5)
    checked = hasher.checked
    with pytest.raises(ThrottledError):
        enter(store)
    assert hasher.checked == checked
    clock.passed += 2
    enter(store)


def test_the_wait_survives_a_restart(store: Store, clock: Clock) -> None:
    for _ in range(8):
        fail(store, 1)
        clock.passed += 10
    fail(store, 1)
    again = open_store(store.places, create=False)
    try:
        with pytest.raises(ThrottledError) as caught:
            enter(again)
    finally:
        close_store(again)
    assert caught.value.seconds == 16


def test_one_address_that_tries_many_names_is_slowed_down(store: Store) -> None:
    for number in range(5):
        fail(store, 1, name=f"user{number}", address="2001:db8::1")
    with pytest.raises(ThrottledError):
        enter(store, address="2001:db8::ffff:1")
    enter(store, address="2001:db8:0:1::1")


def test_success_forgives_the_own_failures_alone(store: Store, clock: Clock) -> None:
    """Or else an account of one's own would help to guess at another."""
    make_account(store, CONSOLE, "mallory", "M", ["reader"], PASSWORD)
    for _ in range(12):
        fail(store, 1, name="victim")
        throttle_free_account(store, "victim")
        clock.passed += 301
        enter(store, name="mallory")
    fail(store, 1, name="victim")
    with pytest.raises(ThrottledError) as caught:
        enter(store, name="mallory")
    assert caught.value.seconds == 256


def throttle_free_account(store: Store, name: str) -> None:
    key = throttling.account_key(store, name)
    with store.engine.begin() as connection:
        connection.execute(throttles.delete().where(throttles.c.key == key))


def test_people_who_mistype_now_and_then_never_wait(store: Store) -> None:
    for _ in range(6):
        fail(store, 3)
        enter(store)


def test_signing_in_makes_nobody_else_at_the_address_wait(store: Store, clock: Clock) -> None:
    make_account(store, CONSOLE, "ben", "Ben", ["reader"], PASSWORD)
    for number in range(8):
        fail(store, 1, name=f"user{number}")
        clock.passed += 20
    for name in ("anna", "ben", "anna"):
        enter(store, name=name)


def test_failures_are_forgotten_in_time(store: Store, clock: Clock) -> None:
    fail(store, 5)
    clock.passed += 2 * 3600
    fail(store, 1)
    fail(store, 3, name="another of the same address")
    with pytest.raises(ThrottledError):
        enter(store)
    clock.passed += 25 * 3600
    fail(store, 4)
    enter(store)


def test_many_guesses_at_once_do_not_slip_through(store: Store, hasher: CountingHasher) -> None:
    start = threading.Barrier(20)

    def guess(_: int) -> bool:
        start.wait()
        try:
            enter(store, WRONG)
        except ThrottledError:
            return False
        except AccessError:
            return True
        return True

    checked = hasher.checked
    with ThreadPoolExecutor(20) as pool:
        tried = sum(pool.map(guess, range(20)))
    assert tried == hasher.checked - checked
    assert 5 <= tried <= 8  # a second may pass meanwhile on a busy machine


def test_throttles_keep_neither_names_nor_addresses(store: Store) -> None:
    fail(store, 1)
    with reading(store) as connection:
        rows = connection.execute(throttles.select()).all()
    assert len(rows) == 2
    assert all(len(row.key) == 64 for row in rows)
    assert "anna" not in repr(rows)
    assert HERE not in repr(rows)


# Ends


def test_it_ends_after_half_an_hour_without_use(store: Store, clock: Clock) -> None:
    entered = enter(store)
    for _ in range(3):
        clock.passed += 29 * 60
        actor_of_sign_in(store, entered.secret)
    clock.passed += 31 * 60
    with pytest.raises(AccessError):
        actor_of_sign_in(store, entered.secret)
    assert sign_ins(store, CONSOLE, "anna") == ()


def test_it_ends_after_twelve_hours_in_use(store: Store, clock: Clock) -> None:
    entered = enter(store)
    assert entered.expires == later(clock.start, 12 * 3600)
    for _ in range(47):
        clock.passed += 15 * 60
        actor_of_sign_in(store, entered.secret)
    clock.passed += 16 * 60
    with pytest.raises(AccessError):
        actor_of_sign_in(store, entered.secret)


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    sent: list[str] = []

    def keep(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", keep)
    yield sent
    event.remove(store.engine, "before_cursor_execute", keep)


def test_reading_is_one_query_and_writes_once_a_minute(
    store: Store, clock: Clock, statements: list[str]
) -> None:
    entered = enter(store)
    statements.clear()
    for _ in range(5):
        clock.passed += 10
        actor_of_sign_in(store, entered.secret)
    assert sum(one.startswith("SELECT") for one in statements) == 5
    assert not [one for one in statements if one.startswith("UPDATE")]
    clock.passed += 11
    for _ in range(5):
        actor_of_sign_in(store, entered.secret)
    assert sum(one.startswith("UPDATE") for one in statements) == 1


def test_reading_goes_on_when_the_disk_is_full(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = enter(store)
    clock.passed += 120

    def full(_: Store) -> Any:
        raise StoreError("the disk is full")

    monkeypatch.setattr(room, "writing", full)
    assert actor_of_sign_in(store, entered.secret).account == "anna"


def test_revoking_in_one_process_holds_in_all(store: Store) -> None:
    entered = enter(store)
    other = open_store(store.places, create=False)
    try:
        actor_of_sign_in(store, entered.secret)
        revoke_sign_in(other, CONSOLE, entered.id)
        with pytest.raises(AccessError):
            actor_of_sign_in(store, entered.secret)
    finally:
        close_store(other)


def test_sign_ins_are_listed_and_ended_by_their_owner_or_an_administrator(store: Store) -> None:
    make_account(store, CONSOLE, "ben", "Ben", ["reader"], PASSWORD)
    first, second = enter(store), enter(store, agent="phone")
    ben = enter(store, name="ben").actor
    shown = sign_ins(store, second.actor, "anna")
    assert [(one.agent, one.current) for one in shown] == [("phone", True), ("test", False)]
    with pytest.raises(AccessError):
        sign_ins(store, ben, "anna")
    for unknown in (first.id, "nothing", "a\0b"):
        with pytest.raises(NotFoundError):
            revoke_sign_in(store, ben, unknown)
    revoke_sign_in(store, first.actor, second.id)
    revoke_sign_in(store, first.actor, str(ben.sign_in))
    assert [one.id for one in sign_ins(store, CONSOLE, "anna")] == [first.id]
    assert sign_ins(store, CONSOLE, "ben") == ()
    enter(store)
    assert revoke_sign_ins(store, first.actor, "anna") == 1
    assert revoke_sign_ins(store, CONSOLE, "anna") == 1
    with pytest.raises(NotFoundError):
        revoke_sign_ins(store, CONSOLE, "nobody")


def test_a_password_changed_while_signing_in_lets_nobody_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anagen.clinic.accounts import set_password

    def meanwhile(kept: str | None, password: str) -> bool:
        fits = passwords.verify_password(kept, password)
        set_password(store, CONSOLE, "anna", WRONG)
        return fits

    monkeypatch.setattr(room, "verify_password", meanwhile)
    with pytest.raises(AccessError, match="name or password"):
        enter(store)
    assert sign_ins(store, CONSOLE, "anna") == ()


def test_a_hash_of_old_settings_is_renewed_at_sign_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", stronger)
    enter(store)
    with reading(store) as connection:
        kept = connection.exec_driver_sql("SELECT password FROM accounts").scalar()
    assert "m=16,t=2" in str(kept)
    enter(store)


# Forms


def test_a_form_needs_the_word_of_its_own_sign_in(store: Store) -> None:
    first, second = enter(store), enter(store)
    check_csrf(store, first.secret, csrf_token(store, first.secret))
    assert first.secret not in csrf_token(store, first.secret)
    for wrong in ("", csrf_token(store, second.secret), "\ud800", "é", "x" * 100_000):
        with pytest.raises(AccessError):
            check_csrf(store, first.secret, wrong)


# The second factor


@pytest.fixture
def app(store: Store, clock: Clock) -> "App":
    address = begin_second_factor(store, enter(store).actor, "anna")
    assert address.startswith("otpauth://totp/Anagen:anna?")
    made = App(address, clock)
    confirm_second_factor(store, enter(store).actor, "anna", made.code())
    clock.passed += 30
    return made


class App:
    """The app on the phone."""

    def __init__(self, address: str, clock: Clock) -> None:
        self.clock, self.totp = clock, pyotp.parse_uri(address)

    def code(self, seconds: float = 0) -> str:
        from datetime import datetime

        moment = datetime.fromisoformat(later(self.clock(), seconds))
        assert isinstance(self.totp, pyotp.TOTP)
        return self.totp.at(moment)


def test_with_a_second_factor_the_password_is_not_enough(
    store: Store, app: App, clock: Clock
) -> None:
    assert account(store, "anna").has_second_factor
    with pytest.raises(SecondFactorError) as caught:
        enter(store)
    assert caught.value.missing
    assert not caught.value.signed_in
    with pytest.raises(SecondFactorError) as caught:
        enter(store, code="000000")
    assert not caught.value.missing
    code = app.code()
    assert enter(store, code=f"{code[:3]} {code[3:]}").actor.account == "anna"


def test_a_code_lets_in_once(store: Store, app: App, clock: Clock) -> None:
    code = app.code()
    enter(store, code=code)
    with pytest.raises(SecondFactorError):
        enter(store, code=code)
    with pytest.raises(SecondFactorError):
        enter(store, code=app.code(-30))
    clock.passed += 30
    enter(store, code=app.code())


def test_a_code_used_by_many_at_once_lets_one_in(store: Store, app: App) -> None:
    code, start = app.code(), threading.Barrier(4)

    def use(_: int) -> bool:
        start.wait()
        try:
            enter(store, code=code)
        except SecondFactorError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1


def test_a_clock_may_be_half_a_minute_wrong_and_not_more(
    store: Store, app: App, clock: Clock
) -> None:
    for wrong in (-60, 60):
        with pytest.raises(SecondFactorError):
            enter(store, code=app.code(wrong))
    enter(store, code=app.code(30))


def test_guessing_codes_is_slowed_down_and_asking_for_one_is_not(store: Store, app: App) -> None:
    for _ in range(10):
        with pytest.raises(SecondFactorError):
            enter(store)
    for _ in range(5):
        with pytest.raises(SecondFactorError):
            enter(store, code="000000")
    with pytest.raises(ThrottledError):
        enter(store, code=app.code())


def test_a_wrong_password_tells_nothing_of_the_second_factor(store: Store, app: App) -> None:
    for code in (None, app.code()):
        with pytest.raises(AccessError, match="name or password") as caught:
            enter(store, WRONG, code=code)
        assert not isinstance(caught.value, SecondFactorError)


def test_it_is_not_asked_for_until_confirmed(store: Store, clock: Clock) -> None:
    actor = enter(store).actor
    with pytest.raises(InputError, match="Begin"):
        confirm_second_factor(store, actor, "anna", "000000")
    begin_second_factor(store, actor, "anna")
    made = App(begin_second_factor(store, actor, "anna"), clock)
    with pytest.raises(InputError, match="six digits"):
        confirm_second_factor(store, actor, "anna", "12345é")
    assert not account(store, "anna").has_second_factor
    enter(store)
    confirm_second_factor(store, actor, "anna", made.code())
    assert account(store, "anna").has_second_factor
    with pytest.raises(InputError, match="Remove"):
        begin_second_factor(store, actor, "anna")


def test_only_the_account_itself_sets_it_up(store: Store) -> None:
    ben = Actor("ben", permissions_of(("administrator",)), ("administrator",))
    token = Actor("anna", permissions_of(("administrator",)), token="t")
    for actor in (ben, token, CONSOLE):
        with pytest.raises(AccessError):
            begin_second_factor(store, actor, "anna")
        with pytest.raises(AccessError):
            confirm_second_factor(store, actor, "anna", "000000")


def test_the_own_is_removed_with_a_code_and_anothers_by_an_administrator(
    store: Store, app: App, clock: Clock
) -> None:
    actor = enter(store, code=app.code()).actor
    with pytest.raises(AccessError, match="six digits"):
        remove_second_factor(store, actor, "anna")
    clock.passed += 30
    remove_second_factor(store, actor, "anna", code=app.code())
    enter(store)
    made = App(begin_second_factor(store, actor, "anna"), clock)
    confirm_second_factor(store, actor, "anna", made.code())
    with pytest.raises(AccessError, match="accounts:manage"):
        remove_second_factor(store, Actor("ben", frozenset()), "anna")
    remove_second_factor(store, CONSOLE, "anna")
    assert not account(store, "anna").has_second_factor
