"""De-identified export for research: tables as Parquet and CSV, a codebook and a manifest."""

import contextlib
import csv
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from anagen._version import __version__
from anagen.clinic.deidentify import (
    MOST_SHIFT_DAYS,
    agrees,
    disguise_of,
    disguised,
    disguised_patient,
    research_id,
)
from anagen.clinic.documents import AdverseEvent, SessionKept
from anagen.clinic.entries import Entry, of_person
from anagen.clinic.files import patient_in_order
from anagen.clinic.people import PATIENT_KINDS
from anagen.clinic.permissions import Actor, require
from anagen.clinic.research_rules import OLDEST_YEARS
from anagen.clinic.research_tables import (
    Column,
    ResearchTable,
    Row,
    codebook,
    codebook_markdown,
    research_tables,
)
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import heads
from anagen.errors import InputError, Problem
from anagen.patient import Patient

if TYPE_CHECKING:
    import pyarrow as pa

# People whose rows are held in memory before they are written.
_PEOPLE_AT_ONCE = 200
_KINDS = (*PATIENT_KINDS, "consent", "adverse_event")


@dataclass(frozen=True)
class ResearchExport:
    """What was written.

    Parameters
    ----------
    files : all of them.
    people : number of people in it.
    left_out : number of people left out, as no consent to research stands.
    """

    files: tuple[Path, ...]
    people: int
    left_out: int


def export_research(
    store: Store, actor: Actor, folder: Path | str, *, consented_only: bool = True
) -> ResearchExport:
    """Write the record without what tells who anybody is; all files or none.

    Names, numbers, birth dates, photographs, appointments and free text stay behind; dates of a
    person all move by the same number of days. Whether few people share what is left is for the
    reader to judge.

    Parameters
    ----------
    store : open store.
    actor : who asks; without ``consented_only`` one who may read the record too.
    folder : a new or empty folder.
    consented_only : leave out who has no standing consent to research.

    Raises
    ------
    AccessError
        When this one may not have it.
    InputError
        When something stands in the folder, or it cannot be written.
    """
    require(actor, "research:read")
    if not consented_only:
        require(actor, "record:read")
    target = Path(folder)
    _check_target(target)
    with _whole(target) as temporary:
        writers = _Writers(temporary, target)
        try:
            people, left_out = _write_people(store, writers, consented_only)
            writers.flush()
        finally:
            writers.close()
        _write_words(temporary, people, left_out, consented_only, writers.counts)
        names = sorted(path.name for path in temporary.iterdir())
    return ResearchExport(tuple(target / name for name in names), people, left_out)


def research_rows(keys: Any, number: str, standing: tuple[Entry, ...]) -> dict[str, list[Row]]:
    """Rows of one person by table, disguised.

    Parameters
    ----------
    keys : of the clinic.
    number : of the person.
    standing : what stands about the person.
    """
    known = [entry for entry in standing if entry.text is not None]
    patient = patient_in_order(number, (e for e in known if e.kind in PATIENT_KINDS))
    given = sorted((e for e in known if e.kind == "session"), key=lambda e: e.seq)
    kept = [(e.id, e.document) for e in given]
    sessions = sorted(
        (pair for pair in kept if pair[1].stage == "given"), key=lambda pair: pair[1].session.date
    )
    events = sorted((e.document for e in known if e.kind == "adverse_event"), key=lambda e: e.start)
    disguise = disguise_of(
        keys, patient, (key for key, _ in sessions), (e.patch for e in events if e.patch)
    )
    shown = disguised_patient(patient, disguise)
    return {
        **_seen_rows(shown),
        **_given_rows(shown, [disguised(session, disguise) for _, session in sessions]),
        "adverse_events": _event_rows(shown.id, [disguised(event, disguise) for event in events]),
    }


def _seen_rows(patient: Patient) -> dict[str, list[Row]]:
    tables, person = research_tables(), patient.id
    rows: dict[str, list[Row]] = {
        "people": [tables["people"].row(patient)], "visits": [], "patches": [], "readings": [],
    }  # fmt: skip
    for visit_number, visit in enumerate(patient.visits, start=1):
        keys = {"person": person, "visit": visit_number}
        rows["visits"].append(tables["visits"].row(visit, **keys))
        for seen in visit.patches:
            rows["patches"].append(tables["patches"].row(seen, **keys))
            for at, one in enumerate(seen.readings, start=1):
                row = tables["readings"].row(one, **keys, patch=seen.id, reading=at)
                rows["readings"].append(row)
    return rows


def _given_rows(patient: Patient, sessions: list[SessionKept]) -> dict[str, list[Row]]:
    tables, person = research_tables(), patient.id
    rows: dict[str, list[Row]] = {"sessions": [], "injections": [], "session_summaries": []}
    for at, kept in enumerate(sessions, start=1):
        keys = {"person": person, "session": at}
        rows["sessions"].append(tables["sessions"].row(kept, **keys))
        rows["injections"] += [
            tables["injections"].row(site, **keys) for site in kept.session.injections
        ]
    for at, summary in enumerate(patient.session_summaries, start=1):
        rows["session_summaries"] += [
            tables["session_summaries"].row(summary, dose, person=person, summary=at)
            for dose in summary.patches
        ]
    rows["other_steroids"] = [
        tables["other_steroids"].row(steroid, person=person, number=at)
        for at, steroid in enumerate(patient.other_steroids, start=1)
    ]
    return rows


def _event_rows(person: str, events: list[AdverseEvent]) -> list[Row]:
    table = research_tables()["adverse_events"]
    return [table.row(event, person=person, number=at) for at, event in enumerate(events, start=1)]


def _write_people(store: Store, writers: "_Writers", consented_only: bool) -> tuple[int, int]:
    people = left_out = 0
    with reading(store) as connection:
        for number in _numbers(store, connection):
            standing = of_person(store, connection, number, _KINDS)
            if consented_only and not agrees(standing):
                left_out += 1
                continue
            writers.add(research_rows(store.keys, number, standing))
            people += 1
            if people % _PEOPLE_AT_ONCE == 0:
                writers.flush()
    return people, left_out


def _numbers(store: Store, connection: Connection) -> list[str]:
    """Numbers of all people in the order of their research ids, which says nothing of them."""
    query = select(heads.c.id).where(heads.c.kind == "person", heads.c.retracted.is_(False))
    found = [str(row.id) for row in connection.execute(query)]
    return sorted(found, key=lambda number: research_id(store.keys, number))


class _Writers:
    """Files of all tables while they grow."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.target = target
        self.rows: dict[str, list[Row]] = {name: [] for name in research_tables()}
        self.counts = dict.fromkeys(research_tables(), 0)
        self.files = {name: _open_table(folder, t) for name, t in research_tables().items()}

    def add(self, rows: Mapping[str, list[Row]]) -> None:
        for name, more in rows.items():
            self.rows[name] += more
            self.counts[name] += len(more)

    def flush(self) -> None:
        try:
            self._flush()
        except OSError as error:
            # Raised here, where it is known not to come from the store.
            raise InputError(_unwritable(self.target, error)) from error

    def _flush(self) -> None:
        import pyarrow as pa

        for name, rows in self.rows.items():
            parquet, text, schema = self.files[name]
            parquet.write_table(pa.Table.from_pylist(rows, schema=schema))
            csv.writer(text, lineterminator="\n").writerows(
                [_cell(row[column]) for column in schema.names] for row in rows
            )
            rows.clear()

    def close(self) -> None:
        for parquet, text, _ in self.files.values():
            parquet.close()
            text.close()


def _open_table(folder: Path, table: ResearchTable) -> tuple[Any, io.TextIOBase, "pa.Schema"]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([_field(column) for column in table.all])
    parquet = pq.ParquetWriter(folder / f"{table.name}.parquet", schema, compression="zstd")
    text = (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="")
    csv.writer(text, lineterminator="\n").writerow(schema.names)
    return parquet, text, schema


def _field(column: Column) -> "pa.Field":
    import pyarrow as pa

    kinds = {
        "text": pa.string(), "JSON text": pa.string(), "integer": pa.int64(),
        "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
        "list of text": pa.list_(pa.string()),
    }  # fmt: skip
    words = {"meaning": column.meaning, "unit": column.unit}
    return pa.field(column.name, kinds[column.type], metadata={k: v for k, v in words.items() if v})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def _write_words(
    folder: Path, people: int, left_out: int, consented_only: bool, counts: Mapping[str, int]
) -> None:
    """Write codebook and manifest."""
    rows = codebook()
    with (folder / "codebook.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "codebook.md").write_text(codebook_markdown(), encoding="utf-8")
    manifest = {
        "anagen": __version__,
        "people": people,
        "left_out": left_out,
        "who": "people with a standing consent to research" if consented_only else "everybody",
        "ids": "drawn with a key that stays in the clinic; the same in every export",
        "dates": "all dates of a person are moved by the same number of days, between "
        f"-{MOST_SHIFT_DAYS} and {MOST_SHIFT_DAYS} and never 0; intervals are as they were",
        "ages": f"in whole years at the first visit; {OLDEST_YEARS} stands for all above",
        "text": "only as terms that Anagen knows; the rest as 'other'",
        "rows": dict(counts),
        "sha256": {
            path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())
        },
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def _check_target(folder: Path) -> None:
    found = None
    if folder.exists() and not folder.is_dir():
        found = "something that is not a folder"
    elif folder.is_dir() and any(folder.iterdir()):
        found = "one with files in it"
    elif not folder.absolute().parent.is_dir():
        found = "no folder above it"
    if found:
        raise InputError(
            Problem(f"output {folder}", "a new or empty folder", found, "Choose another name.")
        )


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Give a folder beside the target to write to, and put it in its place when all went well."""
    target = target.absolute()
    temporary = target.with_name(f".{target.name[:64]}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir(mode=0o700)
        try:
            yield temporary
            if target.is_dir():
                target.rmdir()
            os.replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise InputError(_unwritable(target, error)) from error


def _unwritable(target: Path, error: OSError) -> Problem:
    return Problem(
        f"output {target}", "a folder that can be written", error.strerror or str(error),
        "Free some space or choose another place.",
    )  # fmt: skip
