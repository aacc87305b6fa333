"""The record of a person: enrolling, keeping, taking back, and the patient that the models read."""

import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from anagen.clinic.changes import JUDGED, check_same_file, judged
from anagen.clinic.documents import PERSON_KINDS, Identity, Person, PhotographKept, VisitKept
from anagen.clinic.entries import (
    Entry,
    head,
    new_id,
    of_person,
    person_exists,
    put,
)
from anagen.clinic.erase import erased
from anagen.clinic.patches import check_changes
from anagen.clinic.permissions import Actor, may_write, require
from anagen.clinic.settings import setting
from anagen.clinic.store import Store, reading, writing
from anagen.errors import InputError, NotFoundError, Problem, StaleError
from anagen.patient import Patient
from anagen.patient.record import OtherSteroid, SessionSummary, Visit
from anagen.treatment.injections import Session

if TYPE_CHECKING:
    from anagen.patient import Issue

# Kinds of document that the patient of the models is made of.
PATIENT_KINDS = (
    "person", "identity", "visit", "session", "session_summary", "other_steroid",
)  # fmt: skip
_LISTS = {
    "visit": "visits", "session": "sessions", "session_summary": "session_summaries",
    "other_steroid": "other_steroids",
}  # fmt: skip

# One check of drawings at a time: the first one of a head makes its grid, which all others share.
_DRAWINGS = threading.Lock()

# Letters and digits that nobody confuses when they are read aloud.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Kept:
    """What was written, and what is odd about it.

    Parameters
    ----------
    entry : the version written.
    warnings : what is possible but odd.
    """

    entry: Entry
    warnings: tuple[Problem, ...] = ()


def new_number() -> str:
    """Draw a pseudonymous number such as ``K7Q-4FNB``; it says nothing about the person."""
    letters = [secrets.choice(_ALPHABET) for _ in range(7)]
    return "".join(letters[:3]) + "-" + "".join(letters[3:])


def enrol(
    store: Store,
    actor: Actor,
    person: Person,
    identity: Identity | None = None,
    *,
    number: str | None = None,
) -> tuple[Kept, ...]:
    """Take a new person into the record.

    Parameters
    ----------
    store : open store.
    actor : who does it.
    person : the background.
    identity : name and birth date, if the clinic keeps them.
    number : pseudonymous number; drawn when None.

    Raises
    ------
    StaleError
        When the number is taken.
    InputError
        When something is impossible.
    """
    require(actor, may_write("person"))
    chosen = number or new_number()
    documents: list[tuple[str, BaseModel]] = [("person", person)]
    if identity is not None:
        documents.append(("identity", identity))
    warnings = _checked(chosen, [], documents[-1][0], "", documents[-1][1], documents)
    with writing(store) as connection:
        if person_exists(connection, chosen):
            raise StaleError(f"person {chosen}: expected a free number, found one in use", 1)
        if erased(connection, chosen) is not None:
            raise InputError(
                Problem("number", "a number that nobody has or had", f"{chosen!r}, erased",
                        "Give another number.")
            )  # fmt: skip
        return tuple(
            Kept(
                put(store, connection, kind, chosen, document, person=chosen,
                    author=actor.account),
                warnings,
            )
            for kind, document in documents
        )  # fmt: skip


def keep(
    store: Store,
    actor: Actor,
    number: str,
    kind: str,
    document: BaseModel,
    *,
    key: str | None = None,
    expected: int | None = 0,
    reason: str = "",
) -> Kept:
    """Write a new document about a person, or a new version of one.

    Parameters
    ----------
    store : open store.
    actor : who does it.
    number : of the person.
    kind : of the document.
    document : what it is now.
    key : id of the document; drawn for a new one when None.
    expected : version that the change is based on, 0 for a new document, None for any.
    reason : why; needed from the second version on.

    Raises
    ------
    AccessError, NotFoundError, StaleError, InputError
        When nothing was written; each says why.
    """
    require(actor, may_write(kind))
    chosen = number if kind in ("person", "identity") else key or new_id()
    with reading(store) as connection:
        _require_person(connection, number)
        checked = kind in PATIENT_KINDS or kind in JUDGED
        standing = of_person(store, connection, number, PATIENT_KINDS) if checked else ()
        before = None
        if kind == "photograph" and expected != 0:
            before = head(store, connection, kind, chosen, number).document
    if isinstance(before, PhotographKept) and isinstance(document, PhotographKept):
        check_same_file(before, document)
    warnings = _checked(number, standing, kind, chosen, document)
    if kind in JUDGED:
        others = [(e.kind, e.document) for e in standing if (e.kind, e.id) != (kind, chosen)]
        patient = patient_from(number, others, date.today())
        document = judged(document, patient, setting(store, "rules_profile").value)
    with writing(store) as connection:
        _require_person(connection, number)
        entry = put(
            store, connection, kind, chosen, document, person=number, author=actor.account,
            reason=reason, expected=expected,
        )  # fmt: skip
    return Kept(entry, warnings)


def retract(
    store: Store, actor: Actor, number: str, kind: str, key: str, *, expected: int, reason: str
) -> Entry:
    """Take a document back as entered in error; all its versions stay to be read.

    Raises
    ------
    AccessError, NotFoundError, StaleError, InputError
        When nothing was written; each says why.
    """
    require(actor, may_write(kind))
    if kind == "person":
        raise InputError(
            Problem("kind", "a document of the person", "the person",
                    "A person leaves the record by: anagen erase")
        )  # fmt: skip
    with writing(store) as connection:
        standing = head(store, connection, kind, key, number)
        return put(
            store, connection, kind, key, standing.document, person=number, author=actor.account,
            reason=reason, expected=expected, retracted=True,
        )  # fmt: skip


def documents_of(
    store: Store, actor: Actor, number: str, kinds: Sequence[str] | None = None
) -> tuple[Entry, ...]:
    """Everything that stands about a person.

    Raises
    ------
    AccessError, NotFoundError
        When this one may not read, or there is no such person.
    """
    require(actor, "record:read")
    with reading(store) as connection:
        found = of_person(store, connection, number, kinds or PERSON_KINDS)
        if not found:  # whoever is not in the record, or somebody without such documents
            _require_person(connection, number)
        return found


def patient_of(store: Store, number: str, on: date | None = None) -> Patient:
    """Give the patient that the models read, from what stands about a person.

    Sessions count once they are given. Conditions and medicines are those of the day.

    Parameters
    ----------
    store : open store.
    number : of the person.
    on : the day; today when None.

    Raises
    ------
    NotFoundError
        When there is no such person.
    """
    with reading(store) as connection:
        _require_person(connection, number)
        standing = of_person(store, connection, number, PATIENT_KINDS)
    documents = [(entry.kind, entry.document) for entry in standing]
    return patient_from(number, documents, on or date.today())


def patient_from(number: str, documents: Iterable[tuple[str, Any]], on: date) -> Patient:
    """Put a patient together from documents; see `patient_of`."""
    person, identity = Person(), Identity()
    visits: list[Visit] = []
    sessions: list[Session] = []
    summaries: list[SessionSummary] = []
    others: list[OtherSteroid] = []
    for kind, document in documents:
        if kind == "person":
            person = document
        elif kind == "identity":
            identity = document
        elif kind == "visit":
            visits.append(document.seen)
        elif kind == "session" and document.stage == "given":
            sessions.append(document.session)
        elif kind == "session_summary":
            summaries.append(document)
        elif kind == "other_steroid":
            others.append(document)
    return Patient.model_construct(
        schema_version=1,
        id=number,
        born=identity.born,
        **_background(person, identity, on),
        visits=tuple(sorted(visits, key=lambda one: one.date)),
        sessions=tuple(sorted(sessions, key=lambda one: one.date)),
        session_summaries=tuple(sorted(summaries, key=lambda one: one.date)),
        other_steroids=tuple(sorted(others, key=lambda one: one.start)),
    )


def _background(person: Person, identity: Identity, on: date) -> dict[str, Any]:
    fields = {name: getattr(person, name) for name in Person.model_fields}
    if identity.born is not None:
        fields["age_years"] = None
    fields["conditions"] = _names(person.conditions, on, lambda one: (one.since, one.resolved))
    fields["medicines"] = _names(person.medicines, on, lambda one: (one.start, one.end))
    allergies = person.allergies
    fields["allergies"] = None if allergies is None else tuple(one.substance for one in allergies)
    return fields


def _names(rows: tuple[Any, ...] | None, on: date, span: Any) -> tuple[str, ...] | None:
    if rows is None:
        return None
    spans = ((one, span(one)) for one in rows)
    return tuple(
        one.name for one, (start, end) in spans
        if (start is None or start <= on) and (end is None or end >= on)
    )  # fmt: skip


def _require_person(connection: Any, number: str) -> None:
    if not person_exists(connection, number):
        raise NotFoundError(f"person {number}: the record holds nobody of this number")


def _checked(
    number: str,
    standing: Sequence[Entry],
    kind: str,
    key: str,
    document: BaseModel,
    given: Sequence[tuple[str, BaseModel]] = (),
) -> tuple[Problem, ...]:
    """Check a document within the record of its person; raise its errors, return its warnings."""
    if kind not in PATIENT_KINDS:
        return ()
    today = date.today()
    others = [(e.kind, e.document) for e in standing if (e.kind, e.id) != (kind, key)]
    patient = patient_from(number, given or [*others, (kind, document)], today)
    place = _place(patient, kind, document)
    found = [issue for issue in _issues(patient, kind, document, place, today)
             if issue.path[: len(place)] == place]  # fmt: skip
    problems = [(issue.severity, _renamed(issue, kind, place)) for issue in found]
    errors = [problem for severity, problem in problems if severity == "error"]
    if isinstance(document, VisitKept):
        visits = (e for e in standing if (e.kind, e.id) != (kind, key) and e.kind == "visit")
        errors += check_changes([visit.document for visit in visits], document)
    if errors:
        raise InputError(errors)
    return tuple(problem for _, problem in problems)


def _place(patient: Patient, kind: str, document: BaseModel) -> tuple[str | int, ...]:
    """Where in the patient a document stands."""
    name = _LISTS.get(kind)
    if name is None:
        return ()
    part = getattr(document, {"visit": "seen", "session": "session"}.get(kind, ""), document)
    rows = getattr(patient, name)
    return next(((name, at) for at, row in enumerate(rows) if row is part), ("not there",))


def _issues(
    patient: Patient, kind: str, document: BaseModel, place: tuple[str | int, ...], today: date
) -> list["Issue"]:
    from anagen.patient.checks import check_record
    from anagen.patient.drawings import check_drawings
    from anagen.patient.session_checks import check_sessions

    issues = [*check_record(patient, today), *check_sessions(patient, today)]
    if len(place) == 2 and kind in ("visit", "session"):
        # Drawings are costly to check, so of all those of the record only the new ones are.
        name, at = str(place[0]), int(place[1])
        alone = patient.model_copy(
            update={"visits": (), "sessions": (), name: (getattr(patient, name)[at],)}
        )
        with _DRAWINGS:
            issues += [_moved(issue, (name, 0), place) for issue in check_drawings(alone)]
    return issues


def _moved(issue: "Issue", old: tuple[str | int, ...], new: tuple[str | int, ...]) -> "Issue":
    from dataclasses import replace

    if issue.path[: len(old)] != old:
        return issue
    return replace(issue, path=(*new, *issue.path[len(old) :]))


def _renamed(issue: "Issue", kind: str, place: tuple[str | int, ...]) -> Problem:
    from dataclasses import replace

    inside = {"visit": ("seen",), "session": ("session",)}.get(kind, ())
    return replace(issue, path=(*inside, *issue.path[len(place) :])).problem()
