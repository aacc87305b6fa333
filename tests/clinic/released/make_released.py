"""Writes the record of a release with every kind of document, for the tests of migrations.

Run it once per revision of the tables, before a release, and keep what it writes:
    .venv/bin/python tests/clinic/released/make_released.py
"""

import base64
import json
import tempfile
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import insert, select

from anagen.clinic import documents, photographs
from anagen.clinic.accesses import Access, AccessLog
from anagen.clinic.accounts import make_account
from anagen.clinic.entries import put
from anagen.clinic.erase import erase
from anagen.clinic.keys import Keys, save_keys
from anagen.clinic.people import enrol, keep, retract
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.places import find_places
from anagen.clinic.store import Store, close_store, open_store, reading, writing
from anagen.clinic.tables import REVISION, jobs, metadata, tokens
from anagen.patient.record import OtherSteroid, PatchDose, SessionSummary, Visit
from anagen.scalp.views import ViewPoint
from anagen.treatment.injections import Injection, Plan, Session

# Known to everybody: it opens nothing but this record of nobody.
KEYS = Keys(sha256(b"the key of the released records").digest())
NUMBER, ERASED = "KEEP-0001", "GONE-0001"
NAME, GONE_NAME, GONE_NOTE = "Ada Example", "Zzyzx Vanished", "a note that must vanish wholly"
DAY = date(2025, 3, 1)


def picture(shade: int) -> photographs.Photograph:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (8, 6), (shade, shade, 40)).save(file, "PNG")
    return photographs.take_in(file.getvalue())


def examples(number: str, shade: int = 90) -> list[tuple[str, BaseModel]]:
    """One document of every kind that a person may have, but person and identity."""
    site = Injection(
        number=1, location=ViewPoint(view="top", x=0.5, y=0.4, unit="fraction"),
        product="ta10", strength_mg_per_mL=5.0, volume_mL=0.1, depth_mm=4.0,
        needle_gauge=30,
    )  # fmt: skip
    session = Session(date=DAY, injections=(site,))
    taken = picture(shade)
    return [
        ("consent", documents.Consent(about="treatment", state="given", on=DAY)),
        ("visit", documents.VisitKept(seen=Visit(date=DAY, note="two patches"))),
        ("plan", documents.PlanKept(plan=Plan(protocol="standard", patient=number,
                                              sessions=(session,)))),
        ("session", documents.SessionKept(session=session, stage="planned")),
        ("session_summary", SessionSummary(
            date=date(2024, 6, 1), product="ta10", patches=(PatchDose(sites=4, dose_mg=2.0),))),
        ("other_steroid", OtherSteroid(start=date(2024, 1, 1), drug="prednisolone",
                                       route="oral", total_mg=50.0)),
        ("adverse_event", documents.AdverseEvent(event="headache", grade=1, start=DAY)),
        ("photograph", documents.PhotographKept(
            sha256=taken.sha256, media_type="image/png", width=8, height=6, taken_on=DAY)),
        ("note", documents.Note(on=DAY, text="Ä note with 🦱 and \"quotes\"")),
        ("appointment", documents.Appointment(on=DAY)),
        ("forecast", documents.ForecastKept(
            origin=DAY, weeks=12, model_version="1", parameter_version="1",
            posterior_version="1", shown={"plan": {"salt": [1.5, None]}})),
    ]  # fmt: skip


def fill(store: Store) -> None:
    """Write every kind of document, changes, a retraction, an erasure, accounts and accesses."""
    make_account(store, CONSOLE, "ada", "Ada", ("administrator", "clinician"), "four brown hens")
    for number, name, shade in ((NUMBER, NAME, 90), (ERASED, GONE_NAME, 30)):
        enrol(store, CONSOLE, documents.Person(weight_kg=70),
              documents.Identity(name=name, born=date(1980, 5, 4)), number=number)  # fmt: skip
        photographs.keep(photographs.PhotographStore(store.places.photographs), picture(shade))
        for kind, document in examples(number, shade):
            if kind == "note" and number == ERASED:
                document = documents.Note(on=DAY, text=GONE_NOTE)  # noqa: PLW2901
            kept = keep(store, CONSOLE, number, kind, document)
            if kind == "consent":
                keep(store, CONSOLE, number, kind, document, key=kept.entry.id, expected=1,
                     reason="mistyped")  # fmt: skip
            if kind == "appointment":
                retract(store, CONSOLE, number, kind, kept.entry.id, expected=1,
                        reason="wrong person")  # fmt: skip
    with writing(store) as connection:
        put(store, connection, "setting", "profile", documents.Setting(value="us-label"),
            person=None, author="ada")  # fmt: skip
        connection.execute(insert(jobs), [_job(NUMBER), _job(ERASED)])
        connection.execute(insert(tokens).values(
            digest="d" * 64, id="token1", account="ada", label="import", scopes="record:read",
            created="2025-03-01T00:00:00.000000+00:00",
            expires="2026-03-01T00:00:00.000000+00:00", seen=None, revoked=False,
        ))  # fmt: skip
    log = AccessLog(store)
    for number in (NUMBER, ERASED, None):
        log.record(Access("ada", None, "GET /people", number, 200, "request", "127.0.0.1"))
    log.close()


def _job(number: str) -> dict[str, Any]:
    row: dict[str, Any] = {column.name: None for column in jobs.c}
    integers = {c.name: 0 for c in jobs.c if c.type.python_type is int and not c.nullable}
    return {
        **row, **integers, "id": f"job-{number}", "kind": "forecast", "person": number,
        "account": "ada", "state": "done", "created": "2025-03-01T00:00:00.000000+00:00",
        "request": "{}", "result": f'{{"of": "{number}"}}',
    }  # fmt: skip


def main() -> None:
    """Write the record of the tables as they are now."""
    with tempfile.TemporaryDirectory() as folder:
        places = find_places(folder, environment={})
        save_keys(KEYS, places.key_file)
        store = open_store(places)
        fill(store)
        erase(store, CONSOLE, ERASED, "request of the person")
        released: dict[str, Any] = {"revision": REVISION, "tables": {}, "photographs": []}
        with reading(store) as connection:
            for table in metadata.sorted_tables:
                rows = connection.execute(select(table)).mappings()
                released["tables"][table.name] = [dict(row) for row in rows]
        files = photographs.PhotographStore(places.photographs)
        for name in photographs.every(files):
            content = base64.b64encode(photographs.content(files, name)).decode()
            released["photographs"].append(content)
        close_store(store)
    target = Path(__file__).with_name(f"{REVISION}.json")
    target.write_text(json.dumps(released, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
