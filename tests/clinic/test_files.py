"""Patient files into the record and out of it: the same patient, whole, or every problem named."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anagen.clinic.documents import Identity
from anagen.clinic.entries import of_person
from anagen.clinic.erase import erase
from anagen.clinic.files import export_patient, import_files, import_patient
from anagen.clinic.people import new_number, patient_of
from anagen.clinic.permissions import CONSOLE, Actor
from anagen.clinic.store import Store, reading
from anagen.errors import AccessError, InputError, NotFoundError, StoreError
from anagen.patient import (
    OtherSteroid,
    PatchSeen,
    Patient,
    SessionSummary,
    Visit,
    load_patient,
    save_patient,
)
from anagen.patient.record import PatchDose
from anagen.treatment.injections import Injection, Session

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = ("patient.json", "child.toml", "ophiasis.toml")
STRANGER = Actor("stranger", frozenset(("settings:read",)))


def everything(store: Store, number: str) -> list[tuple[str, str | None]]:
    with reading(store) as connection:
        return [(e.kind, e.text) for e in of_person(store, connection, number)]


@pytest.mark.parametrize("name", FILES)
def test_an_example_comes_back_as_it_went_in(store: Store, name: str) -> None:
    patient = load_patient(EXAMPLES / name)
    number = import_patient(store, CONSOLE, patient)
    assert number == patient.id
    assert export_patient(store, CONSOLE, number, identified=True) == patient


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    first = date(2019, 1, 1)
    gaps = draw(st.lists(st.integers(1, 90), min_size=1, max_size=5))
    days = [first + timedelta(days=sum(gaps[: at + 1])) for at in range(len(gaps))]
    percent = st.none() | st.floats(0, 100, allow_nan=False)
    words = st.none() | st.lists(st.sampled_from(("asthma", "hay fever", "vitiligo")), unique=True)
    visits = tuple(
        Visit(
            date=day,
            patches=(PatchSeen(id="one", regrowth_percent=draw(percent)),),
            salt_percent=draw(percent),
            note=draw(st.text("abc ä\"'\\{}%_;<", max_size=12)),
        )
        for day in days
    )
    doses = draw(st.lists(st.floats(0.5, 4), max_size=2))
    summaries = tuple(
        SessionSummary(
            date=day, product="ta10", strength_mg_per_mL=5.0,
            patches=(PatchDose(patch="one", sites=8, dose_mg=dose),),
        )
        for day, dose in zip(days, doses, strict=False)
    )  # fmt: skip
    steroids = tuple(
        OtherSteroid(drug="prednisolone", route="oral", total_mg=mg, start=days[0])
        for mg in draw(st.lists(st.floats(1, 500), max_size=3))
    )
    conditions = draw(words)
    return Patient(
        id=new_number(), born=draw(st.none() | st.dates(date(1950, 1, 1), date(2000, 1, 1))),
        smoker=draw(st.none() | st.booleans()), visits=visits, session_summaries=summaries,
        conditions=None if conditions is None else tuple(conditions), other_steroids=steroids,
    )  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patient=patients())
def test_any_visits_come_back_as_they_went_in(store: Store, patient: Patient) -> None:
    number = import_patient(store, CONSOLE, patient)
    assert export_patient(store, CONSOLE, number, identified=True) == patient


def test_the_file_exported_can_be_read_and_imported_elsewhere(
    sqlite_store: Store, tmp_path: Path
) -> None:
    number = import_patient(sqlite_store, CONSOLE, load_patient(EXAMPLES / "patient.json"))
    out = export_patient(sqlite_store, CONSOLE, number)
    save_patient(out, tmp_path / "out.json")
    assert load_patient(tmp_path / "out.json") == out


def test_without_identity_the_age_stands_for_the_birth_date(store: Store) -> None:
    patient = load_patient(EXAMPLES / "patient.json")
    identity = Identity(name="Ada Byron", born=patient.born)
    number = import_patient(store, CONSOLE, patient, identity=identity)
    out = export_patient(store, CONSOLE, number)
    assert out.born is None
    assert out.age_years == 34.0  # born 1990-06-18, first seen 2025-01-14
    assert "Byron" not in out.model_dump_json()
    assert patient_of(store, number).born == patient.born


def test_what_is_still_planned_in_a_file_was_given(store: Store) -> None:
    patient = load_patient(EXAMPLES / "patient.json")
    session = patient.sessions[-1]
    planned = [site.model_copy(update={"status": "planned"}) for site in session.injections[:-1]]
    injections = (*planned, session.injections[-1])
    before = session.model_copy(update={"injections": injections, "operator": None})
    changed = patient.model_copy(update={"sessions": (*patient.sessions[:-1], before)})
    number = import_patient(store, CONSOLE, changed)
    sites = export_patient(store, CONSOLE, number).sessions[-1].injections
    assert [site.status for site in sites] == [s.status for s in session.injections]
    with reading(store) as connection:
        kept = [e.document for e in of_person(store, connection, number, ("session",))]
    assert {one.stage for one in kept} == {"given"}
    assert kept[-1].signed_by == "imported"


def test_a_number_in_use_is_refused_and_nothing_changes(store: Store) -> None:
    number = import_patient(store, CONSOLE, load_patient(EXAMPLES / "child.toml"))
    before = everything(store, number)
    with pytest.raises(InputError, match="in use"):
        import_patient(store, CONSOLE, load_patient(EXAMPLES / "child.toml"))
    assert everything(store, number) == before


def test_the_number_of_somebody_erased_is_not_given_again(store: Store) -> None:
    number = import_patient(store, CONSOLE, load_patient(EXAMPLES / "child.toml"))
    erase(store, CONSOLE, number, "the person asked for it")
    with pytest.raises(InputError, match="in use"):
        import_patient(store, CONSOLE, load_patient(EXAMPLES / "child.toml"))
    with pytest.raises(NotFoundError):
        export_patient(store, CONSOLE, number)


def test_every_problem_is_named_and_nothing_goes_in(store: Store) -> None:
    early = OtherSteroid(
        drug="prednisolone", route="oral", total_mg=5, start=date(2020, 5, 2), end=date(2020, 5, 1)
    )
    wrong = Patient(
        id="P1", born=date(2020, 1, 1), onset=date(1700, 1, 1),
        visits=(Visit(date=date(2019, 1, 1)),), other_steroids=(early,),
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        import_patient(store, CONSOLE, wrong, identity=Identity(born=date(2011, 1, 1)))
    places = " ".join(problem.place for problem in caught.value.problems)
    for place in ("onset", "visits[0]", "other_steroids[0].end", "born"):
        assert place in places
    assert not everything(store, "P1")
    assert not any("2011" in str(problem) for problem in caught.value.problems)


def test_who_may_not_write_or_read_is_refused(store: Store) -> None:
    patient = load_patient(EXAMPLES / "child.toml")
    with pytest.raises(AccessError):
        import_patient(store, STRANGER, patient)
    import_patient(store, CONSOLE, patient)
    with pytest.raises(AccessError):
        export_patient(store, STRANGER, patient.id)
    with pytest.raises(NotFoundError):
        export_patient(store, CONSOLE, "nobody")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.json"
    path.write_text(json.dumps({"id": "P9", "visits": [{"date": "2025-02-30"}], "sex": "x"}))
    return path


def test_a_wrong_file_is_refused_and_the_others_go_in(store: Store, broken: Path) -> None:
    good = EXAMPLES / "child.toml"
    found = import_files(store, CONSOLE, [broken, good])
    assert found.numbers == ("AA-0002",)
    assert list(found.problems) == [str(broken)]
    assert len(found.problems[str(broken)]) == 2
    assert not everything(store, "P9")


def test_all_or_none_takes_nothing_in_with_one_wrong_file(store: Store, broken: Path) -> None:
    found = import_files(store, CONSOLE, [EXAMPLES / "child.toml", broken], all_or_none=True)
    assert found.numbers == ()
    assert not everything(store, "AA-0002")
    whole = import_files(store, CONSOLE, [EXAMPLES / name for name in FILES], all_or_none=True)
    assert len(whole.numbers) == 3
    assert not whole.problems


def test_one_number_in_two_files_is_taken_once(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy.toml"
    copy.write_text((EXAMPLES / "child.toml").read_text())
    found = import_files(store, CONSOLE, [EXAMPLES / "child.toml", copy, tmp_path / "none.json"])
    assert found.numbers == ("AA-0002",)
    assert set(found.problems) == {str(copy), str(tmp_path / "none.json")}
    again = import_files(store, CONSOLE, [copy])
    assert "in use" in str(again.problems[str(copy)][0])


def test_a_failure_half_way_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from anagen.clinic import files

    wrote = []

    def failing(*args: object, **kwargs: object) -> None:
        wrote.append(args)
        if len(wrote) == 4:
            raise OSError(28, "No space left on device")
        files_put(*args, **kwargs)

    files_put = files.put
    monkeypatch.setattr(files, "put", failing)
    with pytest.raises(StoreError):
        import_patient(store, CONSOLE, load_patient(EXAMPLES / "patient.json"))
    assert not everything(store, "AA-0001")


def test_sites_of_an_operator_are_signed_by_him(store: Store) -> None:
    site = Injection(
        number=1, location={"view": "top", "x": 0.5, "y": 0.5, "unit": "fraction"},
        product="ta10", strength_mg_per_mL=5.0, volume_mL=0.1, depth_mm=3.0, needle_gauge=30,
        status="given",
    )  # fmt: skip
    session = Session(date=date(2024, 3, 1), injections=(site,), operator="KB")
    import_patient(store, CONSOLE, Patient(id="P5", sessions=(session,)))
    with reading(store) as connection:
        (kept,) = of_person(store, connection, "P5", ("session",))
    assert kept.document.signed_by == "KB"
    assert kept.day == "2024-03-01"
    assert kept.author == "console"
