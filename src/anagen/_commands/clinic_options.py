"""Options that all commands of the clinic share, and opening its record for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from anagen.clinic.store import Store

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER",
                 help="Data folder of the clinic; else ANAGEN_DATA, else the user's own."),
]  # fmt: skip
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL",
                 help="postgresql://... or sqlite:///...; else ANAGEN_DATABASE, else a file."),
]  # fmt: skip
KeyOption = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE",
                 help="Key of the record; else ANAGEN_KEY_FILE, else in the data folder."),
]  # fmt: skip


@contextmanager
def opened(
    data: Path | None, database: str | None, key_file: Path | None, *, create: bool = False
) -> Iterator["Store"]:
    """Open the clinic's record for one command.

    Raises
    ------
    StoreError
        When there is none (and none is to be founded), or it cannot be used.
    """
    from anagen.clinic.places import find_places
    from anagen.clinic.store import close_store, open_store

    store = open_store(find_places(data, database, key_file), create=create)
    try:
        yield store
    finally:
        close_store(store)
