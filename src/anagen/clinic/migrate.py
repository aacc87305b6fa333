"""Bringing a database of an earlier release up to this one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from anagen.clinic.tables import REVISION
from anagen.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config


def upgrade(engine: Engine, revision: str = REVISION) -> None:
    """Bring the tables up to a revision, in one transaction where the database can.

    Raises
    ------
    StoreError
        When the database was made by a later release.
    """
    with engine.connect() as plain:
        connection = plain.execution_options(anagen_write=True)
        with connection.begin():
            upgrade_within(connection, revision)


def upgrade_within(connection: Connection, revision: str = REVISION) -> None:
    """Bring the tables up to a revision, in a transaction of the caller; see `upgrade`."""
    from alembic import command
    from alembic.util import CommandError

    config = make_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise StoreError(
            f"the database was made by another release of Anagen ({error}). "
            "Install that release or a later one"
        ) from error


def revisions() -> tuple[str, ...]:
    """All revisions, the first one first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(make_config()).walk_revisions()
    return tuple(script.revision for script in reversed(list(scripts)))


def make_config() -> "Config":
    """Alembic's settings: where the scripts lie."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config
