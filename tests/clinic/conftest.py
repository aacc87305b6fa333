"""A record with every kind of document, for the tests of keeping it."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import delete, insert, select

from anagen.clinic import passwords
from anagen.clinic.keys import save_keys
from anagen.clinic.places import KEY_FILE, Places, find_places
from anagen.clinic.store import Store, close_store, make_engine, open_store, reading
from anagen.clinic.tables import chains, metadata


@pytest.fixture(scope="session")
def released() -> ModuleType:
    """The script that makes the records of releases; it knows a document of every kind."""
    path = Path(__file__).parent / "released" / "make_released.py"
    spec = importlib.util.spec_from_file_location("make_released", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def filled_once(
    released: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, list[dict[str, Any]]], Path]:
    """Rows of a record with two people and every kind of document, and its data folder."""
    found = find_places(tmp_path_factory.mktemp("filled"), environment={})
    save_keys(released.KEYS, found.key_file)
    store = open_store(found)
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "HASHER", quick)
        released.fill(store)
    with reading(store) as connection:
        rows = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }
    close_store(store)
    return rows, found.folder


def _fill(places: Places, once: tuple[dict[str, list[dict[str, Any]]], Path]) -> Iterator[Store]:
    rows, folder = once
    shutil.copytree(folder / "photographs", places.photographs, dirs_exist_ok=True)
    shutil.copy(folder / KEY_FILE, places.key_file)
    engine = make_engine(places.database)
    with engine.begin() as connection:
        connection.execute(delete(chains))
        for table in metadata.sorted_tables:
            if rows[table.name]:
                connection.execute(insert(table), rows[table.name])
    engine.dispose()
    store = open_store(places, create=False)
    yield store
    close_store(store)


@pytest.fixture
def filled(
    places: Places, filled_once: tuple[dict[str, list[dict[str, Any]]], Path]
) -> Iterator[Store]:
    """A record with two people and every kind of document, in each database."""
    yield from _fill(places, filled_once)


@pytest.fixture
def filled_sqlite(
    sqlite_places: Places, filled_once: tuple[dict[str, list[dict[str, Any]]], Path]
) -> Iterator[Store]:
    """A record with two people and every kind of document, in SQLite."""
    yield from _fill(sqlite_places, filled_once)
