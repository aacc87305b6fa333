from datetime import date
from pathlib import Path

import numpy as np
import pytest

from anagen.patient import (
    PatchDose,
    Patient,
    SessionSummary,
    cumulative_steroid_mg,
    given_sessions,
    load_patient,
    patch_shapes,
    patient_scalp,
)
from anagen.scalp import distance_matrix, locate, nearest_cell, patch_cells

EXAMPLES = Path(__file__).parents[2] / "examples"


def one(sites=10, dose=5.0, strength=5.0, product="ta10"):
    summary = SessionSummary(
        date=date(2025, 1, 7),
        product=product,
        strength_mg_per_mL=strength,
        patches=(PatchDose(sites=sites, dose_mg=dose),),
    )
    patient = Patient(id="P", session_summaries=(summary,))
    return given_sessions(patient, patient_scalp(patient))[0]


def test_sessions_written_site_by_site_stay_as_they_are():
    patient = load_patient(EXAMPLES / "patient.json")
    assert given_sessions(patient, patient_scalp(patient)) == patient.sessions


@pytest.mark.parametrize("name", ["ophiasis.toml", "dose_limits.json"])
def test_sums_become_sites_on_their_patches(name):
    patient = load_patient(EXAMPLES / name)
    scalp = patient_scalp(patient)
    covers = {patch: patch_cells(scalp, shape) for patch, shape in patch_shapes(patient).items()}
    sessions = given_sessions(patient, scalp)
    assert len(sessions) == len(patient.session_summaries)
    for session, summary in zip(sessions, patient.session_summaries, strict=True):
        assert session.total_mg == pytest.approx(summary.total_mg)
        assert session.sites == summary.sites
        for dose in summary.patches:
            sites = [site for site in session.injections if site.patch == dose.patch]
            places = np.array([locate(scalp, site.location) for site in sites])
            assert len(sites) == dose.sites
            assert sum(site.dose_mg for site in sites) == pytest.approx(dose.dose_mg)
            assert all(covers[dose.patch][nearest_cell(scalp, place)] > 0.4 for place in places)
            gaps = distance_matrix(scalp, places, places) + 1e6 * np.eye(len(places))
            assert gaps.min() > 8


def test_the_sum_of_all_sessions_is_the_ledgers():
    patient = load_patient(EXAMPLES / "dose_limits.json")
    total = sum(session.total_mg for session in given_sessions(patient, patient_scalp(patient)))
    elsewhere = sum(steroid.total_mg for steroid in patient.other_steroids)
    assert total + elsewhere == pytest.approx(cumulative_steroid_mg(patient, date(2025, 3, 4)))


@pytest.mark.parametrize(
    ("sites", "dose", "strength"),
    [(10, 5.0, None), (1, 20.0, None), (1, 40.0, None), (300, 1.0, 5.0), (500, 0.001, None)],
)
def test_a_strange_sum_still_gives_its_dose_at_volumes_that_exist(sites, dose, strength):
    session = one(sites, dose, strength)
    assert session.total_mg == pytest.approx(dose)
    volumes = {site.volume_mL for site in session.injections}
    assert max(volumes) <= 1.0
    assert session.injections[0].strength_mg_per_mL <= 10


def test_nothing_given_is_nothing():
    assert one(dose=0.0).injections == ()
    assert one(dose=5.0, strength=None, product="saline").injections == ()
