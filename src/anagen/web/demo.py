"""A made clinic: virtual patients over two years, so that every page has something to show.

Nobody in it exists. Courses and readings come from the model (`anagen.forecast.stories`), names
from a short list, pictures from the pictured scalp.
"""

import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, time, timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from anagen.clinic.documents import (
    AdverseEvent,
    Appointment,
    Consent,
    Identity,
    Note,
    PlanKept,
)
from anagen.clinic.entries import new_id
from anagen.clinic.files import import_patient
from anagen.clinic.people import keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.pictures import PictureNote, add_photograph
from anagen.clinic.settings import change_setting, setting
from anagen.clinic.store import Store, reading
from anagen.errors import InputError

if TYPE_CHECKING:
    from anagen.forecast.stories import Story
    from anagen.patient import Patient

PEOPLE = 40
_WITH_PICTURES = 8
_PICTURED_VISITS = 2
_GATE_DAYS = 7
_DAYS_AGO = (0, 0, 3, 8, 13, 20, 26, 33, 41)

_GIVEN = {
    "female": ("Ada", "Amina", "Chiara", "Elena", "Fatou", "Grace", "Hanna", "Ingrid", "Joana",
               "Leila", "Mei", "Nadia", "Olga", "Priya", "Rosa", "Sofia", "Tamar", "Yuki"),
    "male": ("Alan", "Bilal", "Carlos", "Dev", "Emre", "Femi", "Georg", "Hugo", "Ivan", "Jonas",
             "Kofi", "Liam", "Marek", "Niko", "Omar", "Pedro", "Ravi", "Sami"),
}  # fmt: skip
_FAMILY = (
    "Abara", "Bergman", "Castell", "Demir", "Eriksen", "Farrow", "Gruber", "Halonen", "Iversen",
    "Jansen", "Kowal", "Lindqvist", "Moreau", "Novak", "Okafor", "Pereira", "Quist", "Rossi",
    "Sharma", "Tanaka", "Ueda", "Vesely", "Weber", "Yilmaz", "Zeller",
)  # fmt: skip
_TIMES = tuple(time(hour, minute) for hour in (9, 10, 11, 14, 15) for minute in (0, 20, 40))

# How adverse events of the record are worded in detail; grades as a clinic would give them.
_GRADES = {"headache": 1, "faint": 2, "pain": 1, "infection": 2}


@dataclass(frozen=True)
class DemoMade:
    """What the demonstration clinic holds.

    Parameters
    ----------
    numbers : of the people.
    photographs : number of pictures.
    """

    numbers: tuple[str, ...]
    photographs: int


def make_demo(
    store: Store,
    *,
    today: date,
    people: int = PEOPLE,
    seed: int = 1,
    processes: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DemoMade:
    """Fill an empty record with a made clinic.

    Parameters
    ----------
    store : open store; must hold nobody yet.
    today : the day on which the clinic is looked at.
    people : how many.
    seed : of everything.
    processes : how many compute at a time.
    progress : called with (people done, people in all).

    Raises
    ------
    InputError
        When the record holds people already.
    """
    _refuse_filled(store)
    chance = random.Random(seed)
    names = _names(chance, people)
    # Not everybody was here today: most were seen last some days or weeks ago.
    seen = [today - timedelta(days=chance.choice(_DAYS_AGO)) for _ in range(people)]
    tasks = [(seed * 1000 + at, seen[at], at < _WITH_PICTURES) for at in range(people)]
    numbers, pictures = [], 0
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for at, (told, taken) in enumerate(pool.map(_tell, tasks)):
            number = f"D{at + 1:03d}"
            patient = told.patient.model_copy(update={"id": number})
            _keep_person(store, patient, names[at], chance)
            _keep_plans(store, number, told)
            _keep_around(store, patient, told, today, chance)
            for day, view, picture in taken:
                note = PictureNote(day, view, note="made picture of a virtual patient")
                add_photograph(store, CONSOLE, number, picture, note, key=new_id())
                pictures += 1
            numbers.append(number)
            progress(at + 1, people)
    _name_clinic(store)
    return DemoMade(tuple(numbers), pictures)


def _refuse_filled(store: Store) -> None:
    from sqlalchemy import func, select

    from anagen.clinic.tables import heads
    from anagen.errors import Problem

    with reading(store) as connection:
        query = select(func.count()).select_from(heads).where(heads.c.kind == "person")
        found = connection.execute(query).scalar_one()
    if found:
        raise InputError(
            Problem("data", "an empty record for the demonstration", f"{found} people",
                    "Name an empty folder with --data.")
        )  # fmt: skip


def _tell(task: tuple[int, date, bool]) -> "tuple[Story, list[tuple[date, str, bytes]]]":
    """Tell one story, with pictures of some of its visits; runs in a process of its own."""
    from anagen.forecast.stories import story

    seed, today, pictured = task
    told = story(seed, today=today)
    if not pictured:
        return told, []
    visits = [visit.date for visit in told.patient.visits]
    days = [visits[0], visits[-1]][: min(_PICTURED_VISITS, len(visits))]
    return told, [one for day in days for one in _pictures(told.patient, day)]


def _pictures(patient: "Patient", day: date) -> list[tuple[date, str, bytes]]:
    """Draw the head as it was on a day, in the view that shows the patches best."""
    from anagen.biology import simulate_patient
    from anagen.patient import patch_shapes, patient_scalp
    from anagen.patient.plans import known_by
    from anagen.report.scalp_picture import strips
    from anagen.scalp import patch_cells

    known = known_by(patient, day)
    course = simulate_patient(known, weeks=1)
    scalp = patient_scalp(known)
    shapes = patch_shapes(known, day)
    if not shapes:
        return []
    covers = {name: patch_cells(scalp, shape).astype(float) for name, shape in shapes.items()}
    drawn = strips(scalp, course, course, covers, known.skin_type)
    whole = [strip for strip in drawn if not strip.close][:1]
    close = [strip for strip in drawn if strip.close][:1]
    return [
        (day, strip.key if strip.key in ("top", "back", "left", "right") else "close_up",
         strip.frames[0].png)
        for strip in (*whole, *close)
    ]  # fmt: skip


def _names(chance: random.Random, people: int) -> list[tuple[str, str, str]]:
    pairs = [
        (given, family) for family in _FAMILY for given in (*_GIVEN["female"], *_GIVEN["male"])
    ]
    chosen = chance.sample(pairs, len(pairs))
    sexes = {given: sex for sex, names in _GIVEN.items() for given in names}
    female = [(given, family, "female") for given, family in chosen if sexes[given] == "female"]
    male = [(given, family, "male") for given, family in chosen if sexes[given] == "male"]
    return [pair for both in zip(female, male, strict=False) for pair in both][: 2 * people]


def _keep_person(
    store: Store, patient: "Patient", name: tuple[str, str, str], chance: random.Random
) -> None:
    given = (
        name[0]
        if patient.sex in (None, name[2])
        else chance.choice(_GIVEN[str(patient.sex)] if patient.sex in _GIVEN else (name[0],))
    )
    identity = Identity(name=f"{given} {name[1]}", born=patient.born)
    import_patient(store, CONSOLE, patient, identity=identity)
    first = patient.visits[0].date
    for about in ("treatment", "photographs", "research"):
        refused = about == "research" and chance.random() < 0.2
        keep(store, CONSOLE, patient.id, "consent",
             Consent(about=about, state="refused" if refused else "given", on=first,
                     form="Clinic form, edition 3"))  # fmt: skip


def _keep_plans(store: Store, number: str, told: "Story") -> None:
    for at, plan in enumerate(told.plans):
        last = at == len(told.plans) - 1
        accepted = told.accepted[at]
        state: Any = "draft" if not accepted else "accepted" if last else "replaced"
        own = plan.model_copy(update={"patient": number})
        keep(store, CONSOLE, number, "plan", PlanKept(plan=own, state=state))


def _keep_around(
    store: Store, patient: "Patient", told: "Story", today: date, chance: random.Random
) -> None:
    """Keep appointments, harms and notes that fit the story."""
    last = patient.visits[-1].date
    keep(store, CONSOLE, patient.id, "appointment",
         Appointment(on=last, at=chance.choice(_TIMES), purpose="visit", state="came"))  # fmt: skip
    planned = [session.date for plan, accepted in zip(told.plans, told.accepted, strict=True)
               if accepted for session in plan.sessions if session.date > last]  # fmt: skip
    following = min(planned, default=last + timedelta(weeks=6))
    if following >= today - timedelta(days=60):
        coming = today if abs((following - today).days) <= _GATE_DAYS else following
        keep(store, CONSOLE, patient.id, "appointment",
             Appointment(on=coming, at=chance.choice(_TIMES),
                         purpose="session" if planned else "review"))  # fmt: skip
    for visit in patient.visits:
        for words in visit.adverse_events:
            grade = next((g for sign, g in _GRADES.items() if sign in words.lower()), 1)
            keep(store, CONSOLE, patient.id, "adverse_event",
                 AdverseEvent(event=words, grade=grade, start=visit.date, end=visit.date,
                              course="resolved", related="possible"))  # fmt: skip
        for seen in visit.patches:
            if seen.atrophy_grade and visit is patient.visits[-1]:
                keep(store, CONSOLE, patient.id, "adverse_event",
                     AdverseEvent(event="atrophy", grade=min(seen.atrophy_grade, 3),
                                  start=visit.date, patch=seen.id, related="probable",
                                  action="patch left out until it has recovered"))  # fmt: skip
    keep(store, CONSOLE, patient.id, "note",
         Note(on=last, text=f"Virtual patient of the demonstration: {told.kind}."))  # fmt: skip


def _name_clinic(store: Store) -> None:
    found = setting(store, "clinic_name")
    change_setting(store, CONSOLE, "clinic_name", "Demonstration clinic (nobody here exists)",
                   expected=found.version, reason="demonstration")  # fmt: skip
