"""A person without what tells who it is: another number, shifted dates, known terms for text.

Dates of one person all move by the same number of days, so that intervals stay as they are.
"""

import hmac
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from anagen.clinic.documents import Consent
from anagen.clinic.entries import Entry, of_person, person_exists
from anagen.clinic.files import patient_in_order, without_birth
from anagen.clinic.keys import Keys
from anagen.clinic.people import PATIENT_KINDS
from anagen.clinic.research_rules import NEVER, RULES, Disguise, Rule
from anagen.clinic.store import Store, reading
from anagen.errors import NotFoundError
from anagen.patient import Patient

# Dates move by up to half a year either way, so that the season is lost too [day].
MOST_SHIFT_DAYS = 182
_ID_DIGITS = 16

Row = TypeVar("Row", bound=BaseModel)


def research_id(keys: Keys, number: str) -> str:
    """Id of a person in research: always the same, and without the key file nobody's.

    Examples
    --------
    >>> research_id(Keys(bytes(32)), "P001") == research_id(Keys(bytes(32)), "P001")
    True
    """
    digest = hmac.digest(keys.derived("research id"), number.encode(), "sha256").hex()
    return f"R{digest[:_ID_DIGITS]}"


def date_shift(keys: Keys, number: str) -> timedelta:
    """Days by which all dates of a person move: up to half a year either way, never none.

    Examples
    --------
    >>> 0 < abs(date_shift(Keys(bytes(32)), "P001").days) <= MOST_SHIFT_DAYS
    True
    """
    digest = hmac.digest(keys.derived("research date shift"), number.encode(), "sha256")
    drawn = int.from_bytes(digest, "big") % (2 * MOST_SHIFT_DAYS) - MOST_SHIFT_DAYS
    return timedelta(days=drawn if drawn < 0 else drawn + 1)


def disguise_of(
    keys: Keys, patient: Patient, session_ids: Iterable[str] = (), more_patches: Iterable[str] = ()
) -> Disguise:
    """Draw up how a person is made unrecognisable.

    Parameters
    ----------
    keys : of the clinic.
    patient : as the record has it; patches are numbered as they first appear.
    session_ids : of the sessions of the patient, in their order.
    more_patches : patches named elsewhere.
    """
    named = [seen.id for visit in patient.visits for seen in visit.patches]
    named += [site.patch for s in patient.sessions for site in s.injections if site.patch]
    named += [dose.patch for s in patient.session_summaries for dose in s.patches if dose.patch]
    patches = dict.fromkeys((*named, *more_patches))
    return Disguise(
        id=research_id(keys, patient.id),
        shift=date_shift(keys, patient.id),
        patches={name: f"P{at}" for at, name in enumerate(patches, start=1)},
        sessions={key: str(at) for at, key in enumerate(session_ids, start=1)},
    )


def deidentified(store: Store, number: str, *, consented_only: bool = True) -> Patient:
    """Give a person as research may see it; the caller answers for who asks.

    Ids and dates are those of `anagen.clinic.research.export_research`. A shifted date can lie in
    the future.

    Parameters
    ----------
    store : open store.
    number : of the person, not the research id.
    consented_only : whether a consent to research must stand as given.

    Raises
    ------
    NotFoundError
        When there is no such person, or the person has not agreed to research.
    """
    with reading(store) as connection:
        known = person_exists(connection, number)
        standing = of_person(store, connection, number, (*PATIENT_KINDS, "consent"))
    if not known or (consented_only and not agrees(standing)):
        raise NotFoundError(f"person {number}: nobody of this number has agreed to research")
    patient = patient_in_order(number, (entry for entry in standing if entry.kind != "consent"))
    return disguised_patient(patient, disguise_of(store.keys, patient))


def agrees(standing: Iterable[Entry]) -> bool:
    """Whether a consent to research stands as given: the latest about research says so."""
    consents: list[tuple[Consent, int]] = [
        (entry.document, entry.seq)
        for entry in standing
        if entry.kind == "consent" and entry.text is not None
    ]
    about = [(one, seq) for one, seq in consents if one.about == "research"]
    if not about:
        return False
    last, _ = max(about, key=lambda pair: (pair[0].on, pair[1]))
    return last.state == "given" and last.on <= date.today()


def disguised_patient(patient: Patient, disguise: Disguise) -> Patient:
    """Give a patient without what tells who it is; see `disguised`.

    Examples
    --------
    >>> disguise = Disguise("R1", timedelta(days=10))
    >>> patient = Patient(id="P1", age_years=93.5, onset=date(2020, 1, 1), note="my neighbour")
    >>> seen = disguised_patient(patient, disguise)
    >>> seen.id, seen.age_years, str(seen.onset), seen.note
    ('R1', 89.0, '2020-01-11', '')
    """
    return disguised(without_birth(patient), disguise)


def disguised(row: Row, disguise: Disguise) -> Row:
    """Give a document without what tells who it is.

    Every date moves, every number and choice stays, every text stays behind unless a rule of
    `anagen.clinic.research_rules` says what may leave: a field that is new is safe before anybody
    has thought of it.
    """
    ruled, hidden, others = _treatment(type(row))
    changes: dict[str, Any] = dict(hidden)
    for name, rule in ruled:
        value = getattr(row, name)
        changes[name] = None if value is None else rule.shown(value, disguise)
    for name in others:
        changes[name] = _moved(getattr(row, name), disguise)
    return row.model_copy(update=changes)


@lru_cache(maxsize=64)
def _treatment(
    model: type[BaseModel],
) -> tuple[tuple[tuple[str, Rule], ...], dict[str, Any], tuple[str, ...]]:
    """Fields of a model with a rule, those hidden with what stands for them, and all others."""
    ruled, hidden, others = [], {}, []
    for name, definition in model.model_fields.items():
        place = (model.__name__, name)
        if place in RULES:
            ruled.append((name, RULES[place]))
        elif place in NEVER or is_text(definition.annotation):
            default = definition.get_default(call_default_factory=True)
            hidden[name] = None if default is PydanticUndefined else default
        else:
            others.append(name)
    return tuple(ruled), hidden, tuple(others)


def is_text(annotation: Any) -> bool:
    """Whether a field may hold words that somebody typed, alone or in a list.

    Examples
    --------
    >>> is_text(str | None), is_text(tuple[str, ...]), is_text(int), is_text(dict[str, int])
    (True, True, False, True)
    """
    if isinstance(annotation, type) and not get_origin(annotation):
        return issubclass(annotation, str | dict) or annotation is object
    if annotation is Any or get_origin(annotation) is dict:
        return True
    if get_origin(annotation) is Literal:
        return False
    return any(is_text(part) for part in get_args(annotation))


def _moved(value: Any, disguise: Disguise) -> Any:
    if isinstance(value, BaseModel):
        return disguised(value, disguise)
    if isinstance(value, tuple):
        return tuple(_moved(one, disguise) for one in value)
    return value + disguise.shift if isinstance(value, date) else value
