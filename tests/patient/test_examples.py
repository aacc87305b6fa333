"""The shipped examples: sound, believable on the head, and different from each other."""

import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from anagen.patient import (
    cumulative_steroid_mg,
    facts,
    latest_patches,
    load_patient,
    patch_shapes,
    patient_scalp,
    read_patient,
    start_date,
)
from anagen.scalp import REGIONS, area_cm2, diameter_mm, patch_cells

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("patient.json", "child.toml", "ophiasis.toml", "dose_limits.json")


@pytest.fixture(scope="module")
def covers():
    found = {}
    for name in NAMES:
        patient = load_patient(EXAMPLES / name)
        scalp = patient_scalp(patient)
        shapes = patch_shapes(patient)
        found[name] = scalp, {patch: patch_cells(scalp, shapes[patch]) for patch in shapes}
    return found


def region_area(scalp, cover):
    return {
        name: float(cover[scalp.region == index].sum() * scalp.cell_area_mm2 / 100)
        for index, name in enumerate(REGIONS)
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_no_problem_and_no_warning(name):
    assert read_patient(EXAMPLES / name, today=date(2026, 1, 1)).warnings == ()


def test_every_example_is_in_the_table_of_the_readme():
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    shipped = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".json", ".toml")}
    assert shipped == set(NAMES)
    assert all(f"`{name}`" in text for name in NAMES)


def test_the_main_example(covers):
    patient = load_patient(EXAMPLES / "patient.json")
    assert len(patient.sessions) == 1
    assert len(patient.visits) == 2
    assert start_date(patient) == patient.visits[-1].date > patient.sessions[0].date
    assert {site.status for site in patient.sessions[0].injections} == {"given", "skipped"}
    assert any(site.reflux for site in patient.sessions[0].injections)
    scalp, patches = covers["patient.json"]
    for cover in patches.values():
        assert 25 < diameter_mm(scalp, cover) < 36
    areas = region_area(scalp, patches["right parietal"])
    assert areas["top"] > 1
    assert areas["right"] > 1
    shape = patch_shapes(patient)["right parietal"]
    alone = [
        area_cm2(scalp, patch_cells(scalp, shape.model_copy(update={"outlines": (outline,)})))
        for outline in shape.outlines
    ]
    assert max(alone) < area_cm2(scalp, patches["right parietal"]) < 1.2 * min(alone)


def test_the_child(covers):
    patient = load_patient(EXAMPLES / "child.toml")
    scalp, patches = covers["child.toml"]
    assert facts(patient, start_date(patient)).age_years < 10
    assert scalp.circumference_mm == 520
    (cover,) = patches.values()
    assert 1 < area_cm2(scalp, cover) < 4


def test_the_ophiasis_is_one_band_in_three_regions(covers):
    scalp, patches = covers["ophiasis.toml"]
    (cover,) = patches.values()
    areas = region_area(scalp, cover)
    assert areas["top"] == 0
    assert min(areas[name] for name in ("back", "left", "right")) > 15
    assert 8 < 100 * area_cm2(scalp, cover) / (len(cover) * scalp.cell_area_mm2 / 100) < 20
    pieces = connected_pieces(scalp, cover > 0.5)
    assert pieces == 1
    nape = scalp.position[cover > 0.5][:, 2].min()
    assert nape < np.quantile(scalp.position[:, 2], 0.01)


def connected_pieces(scalp, inside):
    from scipy.ndimage import label

    chart = np.zeros(scalp.chart_shape, dtype=bool)
    chart[scalp.row, scalp.column] = inside
    return label(chart)[1]


def test_the_patient_at_the_dose_limits(covers):
    patient = load_patient(EXAMPLES / "dose_limits.json")
    on = start_date(patient)
    assert cumulative_steroid_mg(patient, on) == pytest.approx(480)
    known = facts(patient, on)
    assert "ritonavir" in known.medicines
    assert known.patch("left temple").blocked
    assert known.patch("left temple").atrophy_grade == 2
    assert known.salt_start is not None
    assert set(latest_patches(patient)) == {"crown", "occiput", "left temple"}
    scalp, patches = covers["dose_limits.json"]
    assert sum(area_cm2(scalp, cover) for cover in patches.values()) > 50


@pytest.mark.parametrize("name", ["child.toml", "ophiasis.toml"])
def test_toml_examples_are_plain_toml(name):
    data = tomllib.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    assert data["schema_version"] == 1
