"""The record of every release, with every kind of document, opens in this one and is sound."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import MetaData, text

from anagen.clinic import photographs
from anagen.clinic.documents import PERSON_KINDS
from anagen.clinic.keys import save_keys
from anagen.clinic.migrate import revisions, upgrade
from anagen.clinic.people import documents_of, patient_of
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.places import Places
from anagen.clinic.store import (
    Store,
    close_store,
    current_revision,
    make_engine,
    open_store,
    reading,
)
from anagen.clinic.tables import REVISION, entries, metadata
from anagen.clinic.verify import verify
from anagen.errors import StoreError

RELEASED = Path(__file__).parent / "released"


@pytest.fixture(params=revisions())
def of_release(
    request: pytest.FixtureRequest, empty_places: Places, released: ModuleType
) -> Iterator[Store]:
    """The record of a release, opened with this one."""
    file = RELEASED / f"{request.param}.json"
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    empty_places.folder.mkdir(parents=True)
    save_keys(released.KEYS, empty_places.key_file)
    engine = make_engine(empty_places.database)
    upgrade(engine, request.param)
    then = MetaData()
    then.reflect(engine)
    with engine.begin() as connection:
        for table in then.sorted_tables:
            if data["tables"].get(table.name):
                connection.execute(table.insert(), data["tables"][table.name])
    engine.dispose()
    files = PhotographStore(empty_places.photographs)
    for content in data["photographs"]:
        photographs.keep(files, photographs.take_in(base64.b64decode(content)))
    store = open_store(empty_places, create=False)
    yield store
    close_store(store)


def test_the_record_of_a_release_is_sound(of_release: Store, released: ModuleType) -> None:
    assert current_revision(of_release.engine) == REVISION
    assert verify(of_release).problems == ()
    standing = documents_of(of_release, CONSOLE, released.NUMBER)
    kinds = {entry.kind for entry in standing if entry.document}
    assert kinds == set(PERSON_KINDS) - {"appointment"}, "that one was taken back"
    patient = patient_of(of_release, released.NUMBER)
    assert len(patient.visits) == 1
    assert patient.born is not None
    with reading(of_release) as connection:
        found = connection.execute(text("SELECT DISTINCT kind FROM entries")).scalars().all()
    assert {"account", "setting", "erasure", "appointment"} <= set(found)


def test_every_revision_has_its_record() -> None:
    assert {path.stem for path in RELEASED.glob("*.json")} == set(revisions())
    assert revisions()[-1] == REVISION


def test_migrated_tables_are_those_of_the_code(of_release: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with of_release.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_a_later_release_is_refused(places: Places) -> None:
    engine = make_engine(places.database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="another release"):
        open_store(places)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM chains")).scalar() == 3
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": REVISION})
    engine.dispose()


def test_a_migration_that_fails_changes_nothing(
    empty_places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    made: list[str] = []
    create = op.create_table

    def fail(name: str, *given: Any, **named: Any) -> Any:
        made.append(name)
        if len(made) == 4:
            raise OSError(28, "No space left on device")
        return create(name, *given, **named)

    monkeypatch.setattr(op, "create_table", fail)
    with pytest.raises(StoreError):
        open_store(empty_places)
    monkeypatch.undo()
    engine = make_engine(empty_places.database)
    assert current_revision(engine) is None
    engine.dispose()
    store = open_store(empty_places)
    assert verify(store).problems == ()
    assert entries.name in metadata.tables
    close_store(store)
