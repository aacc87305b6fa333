"""From the shipped records to courses."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from anagen.biology import person_of, simulate_patient
from anagen.errors import InputError
from anagen.evidence.parameters import load_parameters
from anagen.patient import Patient, Visit, load_patient

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".json", ".toml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_example_has_a_course_without_new_sessions(name: str) -> None:
    patient = load_patient(EXAMPLES / name)
    course = simulate_patient(patient, weeks=12)
    assert course.attrs["patient"] == patient.id
    assert set(course["patch"].values) <= {
        row.id for visit in patient.visits for row in visit.patches
    }
    for variable in course.data_vars.values():
        assert variable.attrs["units"]
        assert variable.attrs["long_name"]
        assert np.isfinite(variable.values).all()
    there = (course["depot"] + course["dissolved"] + course["eliminated"]).values
    np.testing.assert_allclose(there, course["injected"].values, rtol=1e-6, atol=1e-6)


def test_sessions_known_as_sums_act_too() -> None:
    patient = load_patient(EXAMPLES / "dose_limits.json")
    assert patient.session_summaries
    course = simulate_patient(patient, weeks=4)
    given = sum(item.total_mg for item in (*patient.sessions, *patient.session_summaries))
    assert float(course["cumulative_dose"][-1]) == pytest.approx(given, rel=1e-6)
    assert "sums only" in course.attrs["notes"]


def test_covariates_come_from_the_record() -> None:
    parameters = load_parameters()
    on = date(2026, 3, 1)
    patient = Patient(
        id="P1", born=date(1990, 1, 1), weight_kg=70, ancestry="african",
        onset=on - timedelta(days=100), medicines=("Ritonavir 100 mg",),
        visits=(Visit(date=on - timedelta(days=30), weight_kg=82),),
    )  # fmt: skip
    person = person_of(patient, on, parameters)
    assert person.weight_kg == 82
    assert person.strong_inhibitor
    assert person.episode_days == 100
    assert person.growth_mm_per_day == pytest.approx(0.280)
    plain = person_of(Patient(id="P2", medicines=("no known",)), on, parameters)
    assert not plain.strong_inhibitor
    assert plain.growth_mm_per_day is None


def test_a_record_without_a_start_or_a_patch_is_refused() -> None:
    with pytest.raises(InputError, match="at least one visit"):
        simulate_patient(Patient(id="P1"))
    with pytest.raises(InputError, match="patch with an outline"):
        simulate_patient(Patient(id="P1", visits=(Visit(date=date(2026, 1, 5)),)))
