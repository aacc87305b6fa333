"""How the body answers: one module per mechanism, joined by ``simulate``."""

from anagen.biology.course import Follicles, simulate
from anagen.biology.patient_course import (
    patch_starts,
    person_of,
    simulate_patient,
    starting_day,
)
from anagen.biology.start import PatchStart, Person

__all__ = [
    "Follicles",
    "PatchStart",
    "Person",
    "patch_starts",
    "person_of",
    "simulate",
    "simulate_patient",
    "starting_day",
]
