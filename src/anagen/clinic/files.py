"""Patient files into the record and out of it: each whole, or refused with all its problems."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, select

from anagen.clinic.documents import (
    Allergy,
    Condition,
    Identity,
    Medicine,
    Person,
    SessionKept,
    VisitKept,
)
from anagen.clinic.entries import Entry, new_id, of_person, person_exists, put
from anagen.clinic.people import PATIENT_KINDS, patient_from
from anagen.clinic.permissions import Actor, may_write, require
from anagen.clinic.store import Store, reading, writing
from anagen.clinic.tables import entries
from anagen.errors import InputError, NotFoundError, Problem
from anagen.patient import Patient
from anagen.patient.timeline import first_date
from anagen.treatment.injections import Session

Documents = tuple[tuple[str, str, BaseModel], ...]

# Who signs for a session whose file does not say who gave it.
_IMPORTED = "imported"


@dataclass(frozen=True)
class Imported:
    """What went into the record, and what did not.

    Parameters
    ----------
    numbers : of the people taken in, in the order of the files.
    problems : of each file refused, by its name.
    warnings : of each file taken in that holds something odd, by its name.
    """

    numbers: tuple[str, ...] = ()
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    warnings: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


def import_patient(
    store: Store, actor: Actor, patient: Patient, *, identity: Identity | None = None
) -> str:
    """Take a patient with everything seen and given into the record, whole or not at all.

    Injections still marked as planned become given, as the patient file means them.

    Parameters
    ----------
    store : open store.
    actor : who does it.
    patient : the record as a patient file holds it; its id becomes the number.
    identity : name and birth date; a birth date of the patient is kept even without it.

    Returns
    -------
    str
        Number of the person.

    Raises
    ------
    InputError
        When something is impossible or the number is in use, with every problem.
    AccessError
        When this one may not write.
    """
    require(actor, may_write("person"))
    problems = [issue.problem() for issue in _issues(patient) if issue.severity == "error"]
    documents, more = _documents(patient, identity)
    problems += more
    with writing(store) as connection:
        if not _is_free(connection, patient.id):
            problems.append(_taken(patient.id))
        if problems:
            raise InputError(problems)
        _write(store, connection, actor, patient.id, documents)
    return patient.id


def import_files(
    store: Store,
    actor: Actor,
    paths: Sequence[str | os.PathLike[str]],
    *,
    all_or_none: bool = False,
) -> Imported:
    """Take patient files into the record.

    Parameters
    ----------
    store : open store.
    actor : who does it.
    paths : patient files, JSON or TOML.
    all_or_none : take nothing in when one file is refused; otherwise the others go in.

    Returns
    -------
    Imported
        A file with a problem is refused as a whole.

    Raises
    ------
    AccessError, StoreError
        When this one may not write, or nothing can be written.
    """
    require(actor, may_write("person"))
    ready, problems, warnings = _read(store, [os.fspath(path) for path in paths])
    if all_or_none and problems:
        return Imported(problems=problems, warnings=warnings)
    if all_or_none:
        return _taken_together(store, actor, ready, warnings)
    numbers = []
    for name, patient, documents in ready:
        try:
            with writing(store) as connection:
                _refuse_taken(connection, name, patient.id)
                _write(store, connection, actor, patient.id, documents)
            numbers.append(patient.id)
        except InputError as error:
            problems[name] = error.problems
    return Imported(tuple(numbers), problems, warnings)


def export_patient(store: Store, actor: Actor, number: str, *, identified: bool = False) -> Patient:
    """Give the record of a person as a patient file holds it.

    Notes and other free text go with it; see `anagen.clinic.research` for what may leave the
    clinic. Sessions count once they are given.

    Parameters
    ----------
    store : open store.
    actor : who asks.
    number : of the person.
    identified : whether the birth date is given; otherwise the age in whole years on the day of
        the first visit or session. A name is never given.

    Raises
    ------
    AccessError, NotFoundError
        When this one may not read, or there is no such person.
    """
    require(actor, "record:read")
    with reading(store) as connection:
        if not person_exists(connection, number):
            raise NotFoundError(f"person {number}: the record holds nobody of this number")
        standing = of_person(store, connection, number, PATIENT_KINDS)
    patient = patient_in_order(number, standing)
    if not identified:
        return without_birth(patient)
    person = next((entry.document for entry in standing if entry.kind == "person"), Person())
    return patient.model_copy(update={"age_years": person.age_years})


def patient_in_order(number: str, standing: Iterable[Entry]) -> Patient:
    """Put a patient together with what is of the same day in the order in which it was kept."""
    ordered = sorted((entry for entry in standing if entry.text is not None), key=lambda e: e.seq)
    return patient_from(number, [(e.kind, e.document) for e in ordered], date.today())


def without_birth(patient: Patient) -> Patient:
    """Replace a birth date by the age in whole years when the person was first seen or treated.

    Examples
    --------
    >>> shown = without_birth(Patient(id="P1", born=date(2000, 6, 1)))
    >>> shown.born is None, float(shown.age_years).is_integer()
    (True, True)
    """
    if patient.born is None:
        return patient
    first = first_date(patient) or date.today()
    years = first.year - patient.born.year - (
        (first.month, first.day) < (patient.born.month, patient.born.day)
    )  # fmt: skip
    return patient.model_copy(update={"born": None, "age_years": float(max(years, 0))})


def _issues(patient: Patient) -> list[Any]:
    from anagen.patient import check_patient

    return check_patient(patient)


def _documents(patient: Patient, identity: Identity | None) -> tuple[Documents, list[Problem]]:
    """Documents that the record keeps of a patient file, and what of it they cannot hold."""
    found: list[tuple[str, str, BaseModel]] = []
    problems: list[Problem] = []

    def add(kind: str, key: str, place: str, model: type[BaseModel], data: Any) -> None:
        try:
            found.append((kind, key, model.model_validate(data)))
        except ValidationError as error:
            problems.extend(_problems(place, error))

    add("person", patient.id, "", Person, _background(patient))
    who, unlike = _identity(patient, identity)
    problems += unlike
    if who is not None:
        add("identity", patient.id, "", Identity, who)
    for index, visit in enumerate(patient.visits):
        add("visit", new_id(), f"visits[{index}]", VisitKept, {"seen": visit})
    for index, session in enumerate(patient.sessions):
        signed = session.operator or _IMPORTED
        kept = {"session": _given(session), "stage": "given", "signed_by": signed}
        add("session", new_id(), f"sessions[{index}]", SessionKept, kept)
    found += [("session_summary", new_id(), row) for row in patient.session_summaries]
    found += [("other_steroid", new_id(), row) for row in patient.other_steroids]
    return tuple(found), problems


def _background(patient: Patient) -> dict[str, Any]:
    fields = {name: getattr(patient, name) for name in Person.model_fields}
    for name, model, label in (
        ("conditions", Condition, "name"),
        ("medicines", Medicine, "name"),
        ("allergies", Allergy, "substance"),
    ):
        words = getattr(patient, name)
        fields[name] = None if words is None else tuple(model(**{label: word}) for word in words)
    return fields


def _identity(
    patient: Patient, identity: Identity | None
) -> tuple[dict[str, Any] | None, list[Problem]]:
    if identity is None:
        return (None if patient.born is None else {"born": patient.born}), []
    born = identity.born or patient.born
    if patient.born is not None and born != patient.born:
        problem = Problem("born", "the birth date that the identity holds", "another one",
                          "Correct one of the two.")  # fmt: skip
        return None, [problem]
    return {"name": identity.name, "born": born}, []


def _given(session: Session) -> Session:
    """Session of a file of what was given: a site still marked as planned was given."""
    injections = tuple(
        site.model_copy(update={"status": "given"}) if site.status == "planned" else site
        for site in session.injections
    )
    return session.model_copy(update={"injections": injections})


def _problems(place: str, error: ValidationError) -> list[Problem]:
    """Turn what a model refuses into problems at places of the patient file."""
    from anagen.patient.positions import words
    from anagen.patient.quantities import shorten

    found = []
    for detail in error.errors(include_url=False):
        loc = tuple(detail["loc"])
        inside = words(loc[1:] if loc[:1] in {("seen",), ("session",)} else loc)
        context = detail.get("ctx", {})
        found.append(
            Problem(
                ".".join(part for part in (place, inside) if part) or "record",
                context.get("expected", detail["msg"]),
                context.get("found", shorten(detail["input"])),
                context.get("remedy", "Correct it in the file."),
            )
        )
    return found


def _read(
    store: Store, names: Sequence[str]
) -> tuple[
    list[tuple[str, Patient, Documents]],
    dict[str, tuple[Problem, ...]],
    dict[str, tuple[Problem, ...]],
]:
    """Patients of the files that can go in, problems of the others, and warnings."""
    from anagen.patient import read_patient

    ready: list[tuple[str, Patient, Documents]] = []
    problems: dict[str, tuple[Problem, ...]] = {}
    warnings: dict[str, tuple[Problem, ...]] = {}
    first_with: dict[str, str] = {}
    for name, count in Counter(names).items():
        try:
            file = read_patient(name)
        except InputError as error:
            problems[name] = error.problems
            continue
        documents, found = _documents(file.patient, None)
        found = [replace(one, place=f"{name}: {one.place}") for one in found]
        before = first_with.setdefault(file.patient.id, name)
        if before != name or count > 1:
            found.append(
                Problem(f"{name}: id", "each person once", f"{file.patient.id!r} again",
                        f"It is that of {before}; give each person one file.")
            )  # fmt: skip
        with reading(store) as connection:
            if not _is_free(connection, file.patient.id):
                found.append(_taken(file.patient.id, name))
        if found:
            problems[name] = tuple(found)
            continue
        ready.append((name, file.patient, documents))
        if file.warnings:
            warnings[name] = file.warnings
    return ready, problems, warnings


def _taken_together(
    store: Store,
    actor: Actor,
    ready: Sequence[tuple[str, Patient, Documents]],
    warnings: Mapping[str, tuple[Problem, ...]],
) -> Imported:
    name = ""
    try:
        with writing(store) as connection:
            for name, patient, documents in ready:
                _refuse_taken(connection, name, patient.id)
                _write(store, connection, actor, patient.id, documents)
    except InputError as error:
        return Imported(problems={name: error.problems})
    return Imported(tuple(patient.id for _, patient, _ in ready), {}, warnings)


def _write(
    store: Store, connection: Connection, actor: Actor, number: str, documents: Documents
) -> None:
    for kind, key, document in documents:
        put(store, connection, kind, key, document, person=number, author=actor.account)


def _is_free(connection: Connection, number: str) -> bool:
    """Whether nobody has or, before an erasure, had this number."""
    query = select(entries.c.seq).where(entries.c.kind == "person", entries.c.id == number)
    return connection.execute(query).first() is None


def _refuse_taken(connection: Connection, name: str, number: str) -> None:
    if not _is_free(connection, number):
        raise InputError(_taken(number, name))


def _taken(number: str, name: str = "") -> Problem:
    return Problem(
        f"{name}: id" if name else "id",
        "a number that nobody has",
        f"{number!r}, in use or erased",
        "Is the person in the record already? Otherwise give another number.",
    )
