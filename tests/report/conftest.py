"""A small patient, a plan, and two made-up courses with the variables of the architecture."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from anagen.patient import PatchSeen, Patient, Visit, patch_shapes
from anagen.report import html, write_report
from anagen.report.pictures import Pictures, draw
from anagen.scalp import PatchShape, Scalp, build_scalp, circle_outline, patch_cells
from anagen.treatment import Finding, Plan, make_plan

START = date(2026, 1, 5)
WEEKS = 26


@dataclass(frozen=True)
class Case:
    """Everything that a report is made from."""

    patient: Patient
    plan: Plan
    course: xr.Dataset
    untreated: xr.Dataset
    scalp: Scalp

    def report(self, path: Path) -> str:
        """Write the report and read it back."""
        file = write_report(
            self.patient, self.plan, self.course, self.untreated, path, scalp=self.scalp
        )
        return file.read_text(encoding="utf-8")


def make_patient(patch: str = "A", **fields: object) -> Patient:
    """Patient with one patch on top, one on the right that is blocked."""
    top = PatchShape(outlines=(circle_outline("top", 60.0, 110.0, 30.0),))
    side = PatchShape(outlines=(circle_outline("right", 90.0, 60.0, 24.0),))
    visit = Visit(
        date=START,
        patches=(
            PatchSeen(id=patch, shape=top),
            PatchSeen(id="B", shape=side, blocked="skin thin after the last course"),
        ),
    )
    return Patient(**{"id": "T-001", "age_years": 34.0, "visits": (visit,), **fields})


def make_course(scalp: Scalp, shares: dict[str, np.ndarray], treated: bool) -> xr.Dataset:
    """Course made up from a few formulae: the first patch regrows when treated, else it spreads."""
    time = np.arange(0, 7 * WEEKS + 1, 7)
    day = np.arange(0, 7 * WEEKS + 1)
    names = list(shares)
    gain = np.array([1.0 if treated and name != "B" else 0.0 for name in names])
    healed = np.clip(time / 84.0, 0.0, 1.0)[:, None] * gain
    bald = np.clip(np.stack(list(shares.values())), 0.0, 1.0)
    cover = 1.0 - np.clip((1.0 - healed) @ bald, 0.0, 1.0)
    cell, pair = ("time", "cell"), ("time", "patch")
    plain = np.ones((len(time), len(names)))
    sessions = np.array([0, 28, 56])
    dip = 1.0 - 0.3 * np.exp(-((day[:, None] - sessions) % 400) / 10.0).max(axis=1)
    data = {
        "cover": (cell, cover),
        "hair_density": (cell, cover * scalp.density_per_cm2),
        "terminal_share": (cell, np.clip(2.0 * cover - 1.0, 0.05, 1.0)),
        "calibre": (cell, 25.0 + 45.0 * cover),
        "shaft_length": (cell, 2.0 + 12.0 * cover),
        "patch_cover": (pair, healed),
        "patch_regrowth": (pair, healed - (0.0 if treated else 0.1)),
        "patch_area": (pair, 7.0 * (1.0 - healed)),
        "patch_hair_density": (pair, 220.0 * healed),
        "patch_calibre": (pair, 25.0 + 45.0 * healed),
        "patch_attack": (pair, 0.9 - 0.8 * healed),
        "patch_inflammation": (pair, 0.8 - 0.7 * healed),
        "patch_privilege": (pair, 0.1 + 0.8 * healed),
        "patch_tissue_concentration": (pair, 2.0 * plain * treated),
        "patch_dermal_thickness": (pair, plain - 0.2 * healed),
        "risk_atrophy": (pair, 0.11 * healed),
        "risk_pigment": (pair, 0.03 * healed),
        "risk_telangiectasia": (pair, 0.02 * healed),
        "salt": (("time",), 5.0 - 4.0 * healed[:, 0]),
        "salt_partial": (("time",), 5.0 - 4.5 * healed[:, 0]),
        "shed_hairs": (("time",), np.full(len(time), 90.0)),
        "depot": (("day", "session"), np.exp(-np.abs(day[:, None] - sessions) / 9.0) * 4000.0),
        "plasma_concentration": (("day",), 0.5 * (1.0 - dip)),
        "cortisol_morning": (("day",), dip),
        "cortisol_mean": (("day",), dip**0.8),
        "adrenal_capacity": (("day",), 1.0 - 0.01 * (1.0 - dip)),
        "cumulative_dose": (("day",), 4.0 * (day[:, None] >= sessions).sum(axis=1)),
        "pain": (("session",), np.array([3.1, 3.4, 3.6])),
    }
    return xr.Dataset(
        data,
        {
            "time": time,
            "day": day,
            "patch": np.array(names, dtype=object),
            "session_day": (("session",), sessions),
        },
        {
            "start_date": START.isoformat(),
            "model_version": "0.0.test",
            "parameter_set": "2026.11",
            "circumference_mm": scalp.circumference_mm,
            "cell_mm": scalp.cell_mm,
        },
    )


def make_case(patch: str = "A", **fields: object) -> Case:
    """Put patient, plan and both courses together on a coarse scalp."""
    patient = make_patient(patch, **fields)
    scalp = build_scalp(cell_mm=4.0)
    shapes = patch_shapes(patient, START)
    shares = {name: np.asarray(patch_cells(scalp, shape)) for name, shape in shapes.items()}
    plan = make_plan(
        scalp, shares, "scalp-standard-5", START, patient_id=patient.id, blocked=["B"], sessions=3
    )
    finding = Finding(
        rule="mL-per-session", severity="warn", message="Much fluid in one session.",
        place="sessions[0]", title="mL in a session", measured=1.8, limit=1.5, unit="mL",
        source="USHairExperts2025",
    )  # fmt: skip
    return Case(
        patient,
        plan.model_copy(update={"findings": (finding,)}),
        make_course(scalp, shares, treated=True),
        make_course(scalp, shares, treated=False),
        scalp,
    )


def shortened(case: Case, weeks: int = 4) -> Case:
    """The same with courses that end early, which makes fewer pictures."""
    last = {"time": slice(0, weeks + 1), "day": slice(0, 7 * weeks + 1)}
    return replace(case, course=case.course.isel(last), untreated=case.untreated.isel(last))


@pytest.fixture(scope="session")
def case() -> Case:
    return make_case()


@pytest.fixture(scope="session")
def short(case: Case) -> Case:
    return shortened(case)


@pytest.fixture(scope="session")
def brief(case: Case) -> Case:
    return shortened(case, 1)


@pytest.fixture(scope="session")
def pictures(case: Case) -> Pictures:
    return draw(case.patient, case.plan, case.course, case.untreated, scalp=case.scalp)


@pytest.fixture(scope="session")
def page(case: Case, pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "draw", lambda *_, **__: pictures)
        return case.report(tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def undrawn(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words only: for tests to which pictures and curves do not matter."""
    few = replace(pictures, strips=(), insets=())
    monkeypatch.setattr(html, "draw", lambda *_, **__: few)
    monkeypatch.setattr(html.curves, "chart_groups", lambda *_: {})


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures, for tests that need them drawn but not seen."""
    monkeypatch.setattr("anagen.report.scalp_picture.HEAD_PIXELS", 90)
    monkeypatch.setattr("anagen.report.scalp_picture.CLOSE_PIXELS", 90)
