"""API tokens: shown once, never more than their account, ended at once."""

import pytest
from argon2 import PasswordHasher

from anagen.clinic import passwords
from anagen.clinic import tokens as room
from anagen.clinic.accounts import change_account, make_account
from anagen.clinic.credentials import later
from anagen.clinic.entries import versions
from anagen.clinic.permissions import CONSOLE, Actor, permissions_of
from anagen.clinic.sign_in import actor_of_sign_in, sign_in
from anagen.clinic.store import Store, now, reading
from anagen.clinic.tokens import actor_of_token, make_token, revoke_token, tokens
from anagen.errors import AccessError, InputError, NotFoundError

PASSWORD = "four brown hens"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", cheap)


@pytest.fixture
def anna(store: Store) -> Actor:
    make_account(store, CONSOLE, "anna", "Anna Berg", ["clinician", "administrator"], PASSWORD)
    return sign_in(store, "anna", PASSWORD, address="192.0.2.1", agent="test").actor


@pytest.fixture
def ben(store: Store) -> Actor:
    make_account(store, CONSOLE, "ben", "Ben", ["clinician"], PASSWORD)
    return sign_in(store, "ben", PASSWORD, address="192.0.2.2", agent="test").actor


def test_a_token_acts_for_its_account_within_its_scopes(store: Store, ben: Actor) -> None:
    made = make_token(store, ben, " export ", ["compute", "record:read"], 30)
    assert made.secret.startswith("anagen_")
    assert len(made.secret) >= 50
    actor = actor_of_token(store, made.secret)
    assert (actor.account, actor.token, actor.sign_in) == ("ben", made.token.id, None)
    assert actor.permissions == {"record:read", "compute"}
    (shown,) = tokens(store, ben)
    assert (shown.label, shown.scopes) == ("export", ("record:read", "compute"))
    assert shown.expires == later(shown.created, 30 * 86_400)
    assert shown.seen is not None
    assert made.secret not in repr(made)
    assert made.secret[7:] not in repr(shown)


def test_two_tokens_have_two_secrets(store: Store, ben: Actor) -> None:
    first, second = (make_token(store, ben, "same", ["compute"], 1) for _ in range(2))
    assert first.secret != second.secret
    assert [one.id for one in tokens(store, ben)] == [second.token.id, first.token.id]


def test_it_loses_what_its_account_loses(store: Store, ben: Actor) -> None:
    made = make_token(store, ben, "script", ["record:read", "plan:write"], 30)
    change_account(store, CONSOLE, "ben", roles=["reader"])
    assert actor_of_token(store, made.secret).permissions == {"record:read"}
    change_account(store, CONSOLE, "ben", roles=["researcher"])
    assert actor_of_token(store, made.secret).permissions == frozenset()


def test_everything_wrong_is_told_at_once(store: Store, ben: Actor) -> None:
    with pytest.raises(InputError) as caught:
        make_token(store, ben, " ", ["record:read", "accounts:manage"], 367)
    assert [one.place for one in caught.value.problems] == ["label", "scopes", "days"]
    for label, scopes, days in (("a\0", ["compute"], 1), ("a", [], 1), ("a", ["compute"], 0),
                                ("a", ["everything"], 1), ("a", ["compute"], 10**30)):  # fmt: skip
        with pytest.raises(InputError):
            make_token(store, ben, label, scopes, days)
    assert tokens(store, ben) == ()


def test_it_ends_with_its_time(store: Store, ben: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_token(store, ben, "script", ["compute"], 366)
    passed = 0.0
    monkeypatch.setattr(room, "now", lambda: later(now(), passed))
    passed = 365.9 * 86_400
    actor_of_token(store, made.secret)
    passed = 366.1 * 86_400
    with pytest.raises(AccessError) as caught:
        actor_of_token(store, made.secret)
    assert not caught.value.signed_in


@pytest.mark.parametrize("secret", ["", "anagen_", "anagen_x", "\0", "\ud800", "é" * 10_000])
def test_a_secret_that_is_none_is_refused(store: Store, secret: str) -> None:
    with pytest.raises(AccessError):
        actor_of_token(store, secret)


def test_the_secret_of_a_sign_in_is_no_token_and_the_other_way_round(
    store: Store, ben: Actor
) -> None:
    entered = sign_in(store, "ben", PASSWORD, address="192.0.2.2", agent="test")
    made = make_token(store, ben, "script", ["compute"], 1)
    with pytest.raises(AccessError):
        actor_of_token(store, entered.secret)
    with pytest.raises(AccessError):
        actor_of_sign_in(store, made.secret)


def test_a_token_makes_no_tokens(store: Store, anna: Actor) -> None:
    made = make_token(store, anna, "script", ["accounts:manage"], 1)
    with pytest.raises(AccessError, match="sign-in"):
        make_token(store, actor_of_token(store, made.secret), "longer", ["accounts:manage"], 366)


def test_revoking_is_for_the_owner_or_an_administrator(
    store: Store, anna: Actor, ben: Actor
) -> None:
    first = make_token(store, anna, "script", ["record:read"], 1)
    second = make_token(store, ben, "script", ["record:read"], 1)
    for unknown in (first.token.id, "nothing", "a\0b"):
        with pytest.raises(NotFoundError):
            revoke_token(store, ben, unknown)
    actor_of_token(store, first.secret)
    revoke_token(store, anna, second.token.id)
    revoke_token(store, anna, second.token.id)
    with pytest.raises(AccessError):
        actor_of_token(store, second.secret)
    assert [one.revoked for one in tokens(store, ben)] == [True]
    with pytest.raises(AccessError):
        tokens(store, ben, "anna")
    assert [one.id for one in tokens(store, anna, "ben")] == [second.token.id]


def test_an_administrator_makes_one_for_another_account_within_its_permissions(
    store: Store, anna: Actor, ben: Actor
) -> None:
    made = make_token(store, anna, "machine", ["record:read"], 1, account="ben")
    assert actor_of_token(store, made.secret).account == "ben"
    assert make_token(store, CONSOLE, "m", ["compute"], 1, account="ben").token.account == "ben"
    with pytest.raises(InputError, match="scopes"):
        make_token(store, anna, "machine", ["audit:read"], 1, account="ben")
    with pytest.raises(AccessError):
        make_token(store, ben, "machine", ["record:read"], 1, account="anna")
    for name in ("nobody", "console"):
        with pytest.raises(NotFoundError):
            make_token(store, CONSOLE, "machine", ["compute"], 1, account=name)
    change_account(store, anna, "ben", disabled=True)
    with pytest.raises(InputError, match="disabled"):
        make_token(store, anna, "machine", ["record:read"], 1, account="ben")


def test_making_and_revoking_stand_in_the_chain(store: Store, anna: Actor, ben: Actor) -> None:
    made = make_token(store, ben, "script", ["record:read", "compute"], 1)
    revoke_token(store, anna, made.token.id)
    with reading(store) as connection:
        found = versions(store, connection, "account", "ben")
    assert [(one.author, one.reason) for one in found[1:]] == [
        ("ben", f"token {made.token.id} made for record:read, compute"),
        ("anna", f"token {made.token.id} revoked"),
    ]
    assert made.secret not in repr(found)


def test_a_token_of_a_disabled_account_is_refused(store: Store, anna: Actor, ben: Actor) -> None:
    made = make_token(store, ben, "script", ["record:read"], 1)
    assert actor_of_token(store, made.secret).roles == ("clinician",)
    assert "plan:write" in permissions_of(("clinician",))
    change_account(store, anna, "ben", disabled=True)
    with pytest.raises(AccessError):
        actor_of_token(store, made.secret)
