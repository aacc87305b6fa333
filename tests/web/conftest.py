"""Servers over each database, for the tests of the API."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from web_server import CHEAP, EXAMPLES, Server, actor_named, picture_bytes, populate, served

from anagen.clinic import passwords
from anagen.clinic.permissions import Actor
from anagen.clinic.store import Store


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords that cost nothing to check."""
    monkeypatch.setattr(passwords, "HASHER", CHEAP)


@pytest.fixture
def actors() -> Callable[[str], Actor]:
    """Give an account, acting as if signed in."""
    return actor_named


@pytest.fixture
def server(store: Store) -> Iterator[Server]:
    """A server over each database, with accounts and two people."""
    with served(store) as made:
        made.tokens.update(populate(store))
        yield made


@pytest.fixture
def sqlite_server(sqlite_store: Store) -> Iterator[Server]:
    """A server over SQLite alone, with accounts and two people."""
    with served(sqlite_store) as made:
        made.tokens.update(populate(sqlite_store))
        yield made


@pytest.fixture
def examples() -> Mapping[str, Callable[[str, str], dict[str, Any]]]:
    """One small document of every kind that is sent, by day and note."""
    return EXAMPLES


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Make a small photograph."""
    return picture_bytes


@pytest.fixture
def serve() -> Callable[..., Any]:
    """Serve a record in another way."""
    return served
