"""Photographs of a person: the file in its store first, then the document that names it."""

import datetime
from dataclasses import dataclass
from typing import Any

from anagen.clinic import photographs
from anagen.clinic.documents import PhotographKept
from anagen.clinic.entries import Entry, head, person_exists
from anagen.clinic.people import Kept, keep
from anagen.clinic.permissions import Actor, require
from anagen.clinic.photographs import PhotographStore
from anagen.clinic.repeats import created_once
from anagen.clinic.store import Store, reading
from anagen.errors import InputError, NotFoundError, Problem


@dataclass(frozen=True)
class PictureNote:
    """What is said about a photograph.

    Parameters
    ----------
    taken_on : day.
    view : which view of the head.
    patch : id of the patch shown.
    visit : id of the visit at which it was taken.
    note : free text.
    """

    taken_on: datetime.date
    view: Any = "other"
    patch: str | None = None
    visit: str | None = None
    note: str = ""


def files_of(store: Store) -> PhotographStore:
    """Store of the files."""
    return PhotographStore(store.places.photographs)


def add_photograph(
    store: Store, actor: Actor, number: str, raw: bytes, note: PictureNote, *, key: str
) -> Kept:
    """Take in a photograph of a person: checked, stripped of its metadata, kept under its hash.

    The same photograph sent twice under one key is kept once.

    Raises
    ------
    AccessError, NotFoundError, InputError, StoreError
        When nothing was kept; each says why.
    """
    require(actor, "record:write")
    with reading(store) as connection:
        if not person_exists(connection, number):
            raise NotFoundError(f"person {number}: the record holds nobody of this number")
        if note.visit is not None:
            _check_visit(store, connection, number, note.visit)
    taken = photographs.take_in(raw)
    document = PhotographKept(
        sha256=taken.sha256, media_type=taken.media_type, width=taken.width, height=taken.height,
        taken_on=note.taken_on, view=note.view, patch=note.patch, visit=note.visit,
        note=note.note,
    )  # fmt: skip
    # The file is there before the document that names it, so that no document lacks its file.
    photographs.keep(files_of(store), taken)

    def write() -> Kept:
        return keep(store, actor, number, "photograph", document, key=key)

    return created_once(store, actor, "photograph", key, document, write)


def picture(
    store: Store, actor: Actor, number: str, key: str, size: int | None = None
) -> tuple[bytes, str]:
    """Read a photograph: its bytes and media type; with a size, a smaller one as JPEG.

    Raises
    ------
    AccessError, NotFoundError, StoreError
        The last one when the file is missing or was changed.
    """
    require(actor, "record:read")
    with reading(store) as connection:
        entry: Entry = head(store, connection, "photograph", key, number)
    document: PhotographKept = entry.document
    content = photographs.content(files_of(store), document.sha256)
    if size is None:
        return content, document.media_type
    return photographs.thumbnail(content, size), "image/jpeg"


def _check_visit(store: Store, connection: Any, number: str, visit: str) -> None:
    try:
        head(store, connection, "visit", visit, number)
    except NotFoundError:
        raise InputError(
            Problem("visit", "id of a visit of this person", "another id",
                    "Leave it out, or choose one of their visits.")
        ) from None  # fmt: skip
