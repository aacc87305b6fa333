"""Patients, and what the forecast learnt of them, shared by the tests of its core."""

from pathlib import Path

import numpy as np
import pytest

from anagen.forecast.case import make_case
from anagen.forecast.predict import forecast_from
from anagen.forecast.update import update
from anagen.forecast.virtual import future_of, virtual_patient
from anagen.patient import load_patient
from anagen.population.posterior import load_posterior
from anagen.treatment import load_protocol, make_plan

WEEKS = 24
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def posterior():
    return load_posterior()


@pytest.fixture(scope="session")
def patient():
    """Two patches, one session, one visit after it."""
    return load_patient(EXAMPLES / "patient.json")


@pytest.fixture(scope="session")
def case(patient):
    return make_case(patient)


@pytest.fixture(scope="session")
def plan_of(case):
    """Make a plan for the patient of the examples; the first session on the day of the origin."""

    def made(sessions=3, interval=28, **changes):
        return make_plan(case.scalp, case.covers, load_protocol("scalp-standard-5"), case.origin,
                         patient_id=case.patient.id, sessions=sessions, interval_days=interval,
                         **changes)  # fmt: skip

    return made


@pytest.fixture(scope="session")
def plan(plan_of):
    return plan_of()


@pytest.fixture(scope="session")
def learnt(case):
    return update(case)


@pytest.fixture(scope="session")
def told(learnt, plan):
    """Forecast of the patient of the examples: untreated, going on, and once more."""
    once = plan.model_copy(update={"sessions": plan.sessions[:1]})
    return forecast_from(learnt, {"go on": plan, "once": once}, weeks=WEEKS)


@pytest.fixture(scope="session")
def virtual():
    """A virtual patient with two old patches, that respond."""
    return virtual_patient(1)


@pytest.fixture(scope="session")
def stages(virtual):
    """What is learnt of the virtual patient after no, two and four follow-up visits."""
    return {visits: update(future_of(virtual, visits)[0], seed=1) for visits in (0, 2, 4)}


@pytest.fixture(scope="session")
def bare(virtual):
    """First look at the virtual patient, before any session, as if the patches were new."""
    patches = tuple(
        seen.model_copy(update={"first_seen": None}) for seen in virtual.patient.visits[0].patches
    )
    visit = virtual.patient.visits[0].model_copy(update={"patches": patches})
    changes = {"visits": (visit,), "sessions": (), "onset": visit.date}
    return virtual.patient.model_copy(update=changes)


@pytest.fixture
def random():
    return np.random.default_rng(20)
