"""What leaves for research says nothing of who anybody is, and keeps the intervals."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from anagen.clinic.deidentify import (
    MOST_SHIFT_DAYS,
    date_shift,
    deidentified,
    is_text,
    research_id,
)
from anagen.clinic.documents import AdverseEvent, Appointment, Consent, Identity, SessionKept
from anagen.clinic.documents import Note as ClinicNote
from anagen.clinic.files import import_patient
from anagen.clinic.keys import make_keys
from anagen.clinic.people import keep
from anagen.clinic.permissions import CONSOLE, Actor
from anagen.clinic.research import export_research
from anagen.clinic.research_rules import NEVER, RULES
from anagen.clinic.research_tables import _MEANINGS, codebook, columns_of, research_tables
from anagen.clinic.store import Store
from anagen.errors import AccessError, InputError, NotFoundError
from anagen.patient import Patient
from anagen.patient.record import (
    History,
    LossByView,
    OtherSteroid,
    PatchDose,
    PatchSeen,
    Reading,
    SessionSummary,
    Trichoscopy,
    Visit,
)
from anagen.scalp.views import ViewPoint
from anagen.treatment.injections import Injection, Session

RESEARCHER = Actor("r", frozenset(("research:read",)), ("researcher",))
DAYS = (date(2024, 3, 4), date(2024, 4, 1), date(2024, 4, 29))
# Whatever of it turns up in a file could tell who somebody is.
SECRETS = (
    "Quagmire", "Glenn", "K7Q-4FNB", "spooner street", "operator-zz", "LOT4711", "signed-qq",
    "crown jewel", "nurse-yy", "needle-ww", "form-vv", "because-uu", "neighbour", "dentist",
    "1961", "console",
)  # fmt: skip
NUMBER = "K7Q-4FNB"


def consent(store: Store, number: str, state: str, on: date) -> None:
    document = Consent(about="research", state=state, on=on, form="form-vv")
    keep(store, CONSOLE, number, "consent", document)


def secretive() -> Patient:
    site = Injection(
        number=1, location=ViewPoint(view="top", x=0.5, y=0.5, unit="fraction"),
        patch="crown jewel", product="ta10", strength_mg_per_mL=5.0, volume_mL=0.1, depth_mm=3.0,
        needle_gauge=30, status="given", lot="LOT4711", expiry=date(2026, 7, 9),
    )  # fmt: skip
    skipped = site.model_copy(
        update={"number": 2, "status": "skipped", "skipped_reason": "because-uu", "lot": None}
    )
    patches = [
        PatchSeen(
            id="crown jewel", first_seen=DAYS[0] - timedelta(days=40), note="spooner street",
            regrowth_percent=10.0 * at, infection="impetigo after the dentist",
            readings=(Reading(rater="nurse-yy", regrowth_percent=10.0 * at),),
        )
        for at, _ in enumerate(DAYS)
    ]  # fmt: skip
    visits = [
        Visit(date=day, patches=(patch,), note="spooner street", signs=("Glenn looks pale",))
        for day, patch in zip(DAYS, patches, strict=True)
    ]
    session = Session(
        date=DAYS[1], injections=(site, skipped), operator="operator-zz", note="spooner street"
    )
    summary = SessionSummary(
        date=DAYS[0], product="ta10", operator="operator-zz", note="spooner street",
        patches=(PatchDose(patch="crown jewel", sites=4, dose_mg=2.0),),
    )  # fmt: skip
    pills = OtherSteroid(
        drug="Prednisolone of a neighbour", route="oral", total_mg=100.0, start=date(2023, 11, 6),
        end=date(2023, 11, 26), note="spooner street",
    )  # fmt: skip
    return Patient(
        id=NUMBER, born=date(1961, 3, 5), sex="male", onset=DAYS[0] - timedelta(days=40),
        conditions=("severe depression since Quagmire left", "neighbour trouble"),
        medicines=(), allergies=("no known allergies",), note="spooner street",
        visits=tuple(visits), sessions=(session,), session_summaries=(summary,),
        other_steroids=(pills,),
    )  # fmt: skip


@pytest.fixture
def kept(store: Store) -> Store:
    """A record of three: one who agrees, one who took it back, one who was never asked."""
    identity = Identity(name="Glenn Quagmire", born=date(1961, 3, 5))
    import_patient(store, CONSOLE, secretive(), identity=identity)
    consent(store, NUMBER, "given", date(2024, 3, 4))
    event = AdverseEvent(
        event="atrophy, noted by Quagmire", grade=1, start=date(2024, 5, 7), patch="crown jewel",
        action="spooner street", note="spooner street",
    )  # fmt: skip
    keep(store, CONSOLE, NUMBER, "adverse_event", event)
    keep(store, CONSOLE, NUMBER, "note", ClinicNote(on=DAYS[0], text="spooner street"))
    keep(store, CONSOLE, NUMBER, "appointment", Appointment(on=date(2031, 8, 13), note="dentist"))
    import_patient(store, CONSOLE, Patient(id="P-WITHDRAWN", age_years=93.5))
    consent(store, "P-WITHDRAWN", "given", date(2024, 3, 4))
    consent(store, "P-WITHDRAWN", "withdrawn", date(2024, 6, 4))
    import_patient(store, CONSOLE, Patient(id="P-UNASKED"))
    return store


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / f"{table}.parquet").to_pylist()
    return found


def cells(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_nothing_in_any_file_tells_who_it_is(kept: Store, tmp_path: Path) -> None:
    found = export_research(kept, RESEARCHER, tmp_path / "out")
    assert (found.people, found.left_out) == (1, 2)
    texts = []
    for path in found.files:
        texts.append(path.read_bytes())
        if path.suffix == ".parquet":
            # Columns are compressed in the file, so they are looked at in the open too.
            table = pq.read_table(path)
            texts.append(repr((table.to_pylist(), table.schema.metadata)).encode())
    dates = [*DAYS, date(2023, 11, 6), date(2023, 11, 26), date(2026, 7, 9), date(2024, 5, 7),
             date(2031, 8, 13), DAYS[0] - timedelta(days=40)]  # fmt: skip
    # A date that was moved may fall on another true one by chance, which tells nothing.
    shift = date_shift(kept.keys, NUMBER)
    moved = {day + shift for day in dates}
    dates = [day for day in dates if day not in moved]
    words = [*SECRETS, *map(str, dates), *map(repr, dates)]
    for text in texts:
        assert not [word for word in words if word.lower().encode() in text.lower()]


def test_intervals_are_kept_and_no_date_stays(kept: Store, tmp_path: Path) -> None:
    export_research(kept, RESEARCHER, tmp_path / "out")
    seen = [row["date"] for row in rows(tmp_path / "out", "visits")]
    assert [day - seen[0] for day in seen] == [day - DAYS[0] for day in DAYS]
    shift = seen[0] - DAYS[0]
    assert 0 < abs(shift.days) <= MOST_SHIFT_DAYS
    (session,) = rows(tmp_path / "out", "sessions")
    (steroid,) = rows(tmp_path / "out", "other_steroids")
    (event,) = rows(tmp_path / "out", "adverse_events")
    (person,) = rows(tmp_path / "out", "people")
    assert session["date"] == DAYS[1] + shift
    assert steroid["end"] == date(2023, 11, 26) + shift
    assert event["start"] == date(2024, 5, 7) + shift
    assert person["onset"] == DAYS[0] - timedelta(days=40) + shift


def test_the_figures_and_known_terms_leave(kept: Store, tmp_path: Path) -> None:
    export_research(kept, RESEARCHER, tmp_path / "out")
    (person,) = rows(tmp_path / "out", "people")
    assert person["age_years"] == 62  # born 1961-03-05, first seen 2024-03-04
    assert person["conditions"] == ["other", "severe depression"]
    assert person["medicines"] == person["allergies"] == []
    patches = rows(tmp_path / "out", "patches")
    assert [row["patch"] for row in patches] == ["P1"] * 3
    assert [row["regrowth_percent"] for row in patches] == [0.0, 10.0, 20.0]
    assert patches[0]["infection"] == "impetigo"
    sites = rows(tmp_path / "out", "injections")
    assert [(row["status"], row["product"]) for row in sites] == [
        ("given", "ta10"), ("skipped", "ta10")
    ]  # fmt: skip
    (event,) = rows(tmp_path / "out", "adverse_events")
    assert (event["event"], event["patch"]) == ("atrophy", "P1")
    assert len(rows(tmp_path / "out", "readings")) == 3
    (summary,) = rows(tmp_path / "out", "session_summaries")
    assert (summary["dose_mg"], summary["patch"]) == (2.0, "P1")


def test_csv_and_parquet_hold_the_same_and_the_codebook_explains_it(
    kept: Store, tmp_path: Path
) -> None:
    export_research(kept, CONSOLE, tmp_path / "out", consented_only=False)
    words = {(row["table"], row["column"]) for row in codebook()}
    written = cells(tmp_path / "out" / "codebook.csv")
    assert {(row["table"], row["column"]) for row in written} == words
    for name in research_tables():
        table = rows(tmp_path / "out", name)
        plain = cells(tmp_path / "out" / f"{name}.csv")
        assert len(table) == len(plain)
        schema = pq.read_schema(tmp_path / "out" / f"{name}.parquet")
        assert {(name, column) for column in schema.names} <= words
        assert all(b"meaning" in field.metadata for field in schema)
    ages = {row["age_years"] for row in cells(tmp_path / "out" / "people.csv")}
    assert ages == {"62", "89", ""}  # 93.5 years stand as 89
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["people"], manifest["left_out"]) == (3, 0)
    assert "never 0" in manifest["dates"]


MODELS: tuple[type[BaseModel], ...] = (
    Patient, History, Visit, LossByView, PatchSeen, Trichoscopy, Reading, SessionKept, Session,
    Injection, ViewPoint, SessionSummary, PatchDose, OtherSteroid, AdverseEvent,
)  # fmt: skip


def test_every_text_field_is_decided_and_every_column_explained() -> None:
    fields = {(m.__name__, name): f for m in MODELS for name, f in m.model_fields.items()}
    undecided = [
        place
        for place, field in fields.items()
        if is_text(field.annotation) and place not in RULES and place not in NEVER
    ]
    assert not undecided, "say in research_rules.py what may leave of these fields"
    shapes = {("Mask", "rows")}
    assert (set(RULES) | NEVER | set(_MEANINGS)) - shapes <= set(fields)
    for row in codebook():
        meaning = row["meaning"].partition(":")[0].removesuffix(", shifted").strip()
        assert len(meaning) > 2, f"no meaning for {row['table']}.{row['column']}"
    assert not {"note", "born", "lot", "operator"} & {row["column"] for row in codebook()}


def test_a_new_figure_becomes_a_column_and_a_new_text_does_not() -> None:
    class Wider(Visit):
        itch_percent: float | None = None
        diary: str | None = None

    names = {column.name for column in columns_of(Wider)}
    assert "itch_percent" in names
    assert "diary" not in names


def test_shifts_and_ids_differ_between_people_and_clinics() -> None:
    keys, others = make_keys(), make_keys()
    numbers = [f"P{at}" for at in range(400)]
    shifts = [date_shift(keys, number).days for number in numbers]
    assert 0 not in shifts
    assert max(map(abs, shifts)) <= MOST_SHIFT_DAYS
    assert len(set(shifts)) > 150
    assert min(shifts) < 0 < max(shifts)
    assert len({research_id(keys, number) for number in numbers}) == 400
    assert research_id(keys, "P1") != research_id(others, "P1")


def test_one_person_is_the_same_as_in_the_export(kept: Store, tmp_path: Path) -> None:
    export_research(kept, RESEARCHER, tmp_path / "out")
    patient = deidentified(kept, NUMBER)
    (person,) = rows(tmp_path / "out", "people")
    assert patient.id == person["person"]
    assert [visit.date for visit in patient.visits] == [
        row["date"] for row in rows(tmp_path / "out", "visits")
    ]
    text = patient.model_dump_json().lower()
    assert not [word for word in SECRETS if word.lower() in text]
    with pytest.raises(NotFoundError):
        deidentified(kept, "P-WITHDRAWN")
    assert deidentified(kept, "P-WITHDRAWN", consented_only=False).age_years == 89.0


def test_who_may_not_is_refused(kept: Store, tmp_path: Path) -> None:
    reader = Actor("x", frozenset(("record:read",)))
    with pytest.raises(AccessError):
        export_research(kept, reader, tmp_path / "out")
    with pytest.raises(AccessError):
        export_research(kept, RESEARCHER, tmp_path / "out", consented_only=False)
    assert not list(tmp_path.glob("*out*"))


def test_all_files_or_none(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_patient(sqlite_store, CONSOLE, secretive())
    target = tmp_path / "there" / "out"
    target.parent.mkdir()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pyarrow.parquet.ParquetWriter.write_table", full)
        with pytest.raises(InputError, match="No space left"):
            export_research(sqlite_store, CONSOLE, target, consented_only=False)
    assert not list(target.parent.iterdir())
    target.mkdir()
    assert export_research(sqlite_store, CONSOLE, target, consented_only=False).people == 1
    with pytest.raises(InputError, match="new or empty"):
        export_research(sqlite_store, CONSOLE, target)
