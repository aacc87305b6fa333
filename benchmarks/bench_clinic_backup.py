"""Backup, restore and check of a large record: 10,000 people with ten visits each.

Run it: .venv/bin/python benchmarks/bench_clinic_backup.py [PEOPLE] [VISITS EACH]
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from anagen.clinic import chain
from anagen.clinic.backup import backup
from anagen.clinic.copying import content_hash
from anagen.clinic.documents import KINDS, Identity, Person, VisitKept
from anagen.clinic.entries import document_text
from anagen.clinic.keys import encrypt
from anagen.clinic.places import find_places
from anagen.clinic.restore import restore
from anagen.clinic.store import Store, close_store, now, open_store, writing
from anagen.clinic.tables import chains, entries, heads
from anagen.clinic.verify import verify
from anagen.patient.record import PatchSeen, Visit

_CHUNK = 5000


def documents(people: int, visits: int) -> Iterator[tuple[str, str, str, str | None, str]]:
    """Kind, id, person, day and text, in the order of writing."""
    days = [date(2024, 1, 1) + timedelta(days=28 * n) for n in range(visits)]
    texts = [
        document_text(VisitKept(seen=Visit(
            date=day, note="seen as usual; photographs taken",
            patches=tuple(PatchSeen(id=name, regrowth_percent=10.0 * k) for k, name in
                          enumerate("ABC")),
        )))
        for day in days
    ]  # fmt: skip
    person = document_text(Person(weight_kg=70, sex="female"))
    for number in range(people):
        name = f"P{number:06}"
        yield "person", name, name, None, person
        yield "identity", name, name, None, document_text(Identity(name=f"Person {number}"))
        for at, (day, text) in enumerate(zip(days, texts, strict=True)):
            yield "visit", f"{number:06}x{at:09}", name, day.isoformat(), text


def fill(store: Store, people: int, visits: int) -> None:
    seq, digest = 0, chain.FIRST
    rows = documents(people, visits)
    with writing(store) as connection:
        while part := list(islice(rows, _CHUNK)):
            kept: list[dict[str, Any]] = []
            for kind, key, person, day, text in part:
                seq += 1
                body = text
                if KINDS[kind].sealed:
                    place = f"{kind}/{key}"
                    body = json.dumps({"sealed": encrypt(store.keys, kind, place, text)})
                row = {
                    "seq": seq, "kind": kind, "id": key, "version": 1, "person": person,
                    "at": now(), "author": "bench", "reason": "", "retracted": False, "day": day,
                    "body_digest": chain.text_seal(store.keys, body),
                }  # fmt: skip
                digest = chain.entry_seal(store.keys, digest, row)
                kept.append({**row, "body": body, "digest": digest})
            connection.execute(insert(entries), kept)
            names = [column.name for column in heads.c]
            connection.execute(insert(heads), [{n: row[n] for n in names} for row in kept])
        end = update(chains).where(chains.c.name == chain.ENTRIES)
        connection.execute(end.values(seq=seq, digest=digest))


def timed(name: str, results: dict[str, Any], work: Any) -> Any:
    start = time.perf_counter()
    made = work()
    results[f"{name} [s]"] = round(time.perf_counter() - start, 2)
    return made


def main() -> None:
    people, visits = (int(one) for one in (sys.argv[1:3] or ("10000", "10")))
    results: dict[str, Any] = {"people": people, "visits": people * visits}
    with tempfile.TemporaryDirectory() as folder:
        places = find_places(Path(folder) / "clinic", environment={})
        store = open_store(places)
        timed("fill", results, lambda: fill(store, people, visits))
        made = timed("backup", results, lambda: backup(store, Path(folder) / "record.backup"))
        verdict = timed("verify", results, lambda: verify(store, anchor=made.anchor))
        results["sound"] = verdict.sound
        results["database [MB]"] = round(
            Path(places.folder / "clinic.sqlite3").stat().st_size / 1e6
        )
        results["backup [MB]"] = round(made.bytes / 1e6, 1)
        new = find_places(Path(folder) / "new", environment={})
        new.folder.mkdir()
        shutil.copy(places.key_file, new.key_file)
        done = timed("restore and verify", results, lambda: restore(made.file, new))
        other = open_store(new, create=False)
        results["equal"] = content_hash(store) == content_hash(other) and done.verdict.sound
        close_store(store)
        close_store(other)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
