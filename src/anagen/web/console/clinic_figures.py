"""Figures about the database of the clinic, for its health."""

from dataclasses import dataclass

from sqlalchemy import func, select, text

from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import accesses, entries, heads, jobs


@dataclass(frozen=True)
class ClinicFigures:
    """How much there is.

    Parameters
    ----------
    database : its kind; size : of it [byte]; None where it does not say.
    people, entries, accesses, jobs : how many.
    photographs : files; photograph_size : of all of them [byte].
    last_change : when the record last changed (ISO 8601, UTC); None when never.
    """

    database: str
    size: int | None
    people: int
    entries: int
    accesses: int
    jobs: int
    photographs: int
    photograph_size: int
    last_change: str | None


def clinic_figures(store: Store, actor: Actor) -> ClinicFigures:
    """Count what the database holds.

    Raises
    ------
    AccessError
        When the actor may not see the settings.
    """
    require(actor, "settings:read")
    counted = (select(func.count()).select_from(table) for table in (entries, accesses, jobs))
    with reading(store) as connection:
        many = [int(connection.execute(query).scalar_one()) for query in counted]
        people = connection.execute(
            select(func.count()).select_from(heads).where(heads.c.kind == "person")
        ).scalar_one()
        last = connection.execute(
            select(entries.c.at).order_by(entries.c.seq.desc()).limit(1)
        ).scalar_one_or_none()
        pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        whole = "SELECT pg_database_size(current_database())"
        size = connection.execute(text(pages if store.is_sqlite else whole)).scalar()
    files = [one.stat().st_size for one in store.places.photographs.rglob("*") if one.is_file()]
    return ClinicFigures(
        database="SQLite" if store.is_sqlite else "PostgreSQL",
        size=None if size is None else int(size),
        people=int(people),
        entries=many[0],
        accesses=many[1],
        jobs=many[2],
        photographs=len(files),
        photograph_size=sum(files),
        last_change=last,
    )
