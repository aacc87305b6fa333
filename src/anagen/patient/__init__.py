"""Who is treated: the record as plain data, and the readable patient file."""

from anagen.patient.drawings import patient_scalp
from anagen.patient.facts import course_start, facts
from anagen.patient.files import (
    PatientFile,
    check_patient,
    load_patient,
    patient_json,
    patient_schema,
    patient_schema_json,
    read_patient,
    save_patient,
)
from anagen.patient.given import given_sessions
from anagen.patient.issues import Issue
from anagen.patient.record import (
    History,
    LossByView,
    OtherSteroid,
    PatchDose,
    PatchSeen,
    Patient,
    Reading,
    SessionSummary,
    Trichoscopy,
    Visit,
)
from anagen.patient.timeline import (
    RegrowthSeen,
    SteroidEntry,
    age_on,
    cumulative_steroid_mg,
    latest_patches,
    latest_visit,
    patch_age_days,
    patch_shapes,
    regrowth_history,
    start_date,
    steroid_ledger,
)

__all__ = [
    "History",
    "Issue",
    "LossByView",
    "OtherSteroid",
    "PatchDose",
    "PatchSeen",
    "Patient",
    "PatientFile",
    "Reading",
    "RegrowthSeen",
    "SessionSummary",
    "SteroidEntry",
    "Trichoscopy",
    "Visit",
    "age_on",
    "check_patient",
    "course_start",
    "cumulative_steroid_mg",
    "facts",
    "given_sessions",
    "latest_patches",
    "latest_visit",
    "load_patient",
    "patch_age_days",
    "patch_shapes",
    "patient_json",
    "patient_scalp",
    "patient_schema",
    "patient_schema_json",
    "read_patient",
    "regrowth_history",
    "save_patient",
    "start_date",
    "steroid_ledger",
]
