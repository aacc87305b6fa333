"""Where the clinic's record lives: folder, database and key file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anagen.errors import InputError, Problem

DATABASE_FILE = "clinic.sqlite3"
KEY_FILE = "clinic.key"
PHOTOGRAPHS = "photographs"


@dataclass(frozen=True)
class Places:
    """Where things are.

    Parameters
    ----------
    folder : data folder, with the photographs and, unless told otherwise, database and key.
    database : URL of the database as SQLAlchemy writes it.
    key_file : file with the key, outside the database.
    """

    folder: Path
    database: str
    key_file: Path

    @property
    def photographs(self) -> Path:
        """Folder of the photographs."""
        return self.folder / PHOTOGRAPHS


def find_places(
    folder: Path | str | None = None,
    database: str | None = None,
    key_file: Path | str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Places:
    """Find the places: from the arguments, else the environment, else the user's data folder.

    Parameters
    ----------
    folder : data folder; else ``ANAGEN_DATA``, else the user's own.
    database : URL; else ``ANAGEN_DATABASE``, else an SQLite file in the data folder.
    key_file : else ``ANAGEN_KEY_FILE``, else a file in the data folder.
    environment : of the process.

    Raises
    ------
    InputError
        When the URL is of a database that Anagen does not speak.

    Examples
    --------
    >>> find_places("/data", environment={}).database
    'sqlite:////data/clinic.sqlite3'
    >>> find_places("/data", "postgresql://localhost/clinic", environment={}).database
    'postgresql+psycopg://localhost/clinic'
    """
    chosen = Path(folder or environment.get("ANAGEN_DATA") or _user_folder())
    url = database or environment.get("ANAGEN_DATABASE") or f"sqlite:///{chosen / DATABASE_FILE}"
    key = key_file or environment.get("ANAGEN_KEY_FILE") or chosen / KEY_FILE
    return Places(chosen, _with_driver(url), Path(key))


def _user_folder() -> Path:
    import platformdirs

    return platformdirs.user_data_path("anagen", appauthor=False) / "clinic"


def _with_driver(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if separator and scheme == "sqlite":
        return url
    raise InputError(
        Problem("database", "a URL that begins with sqlite:// or postgresql://",
                repr(scheme[:40]) if separator else "something else",
                "Write for example postgresql://user@localhost/clinic")
    )  # fmt: skip
