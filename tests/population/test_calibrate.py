"""Calibration from end to end, small: stages, resuming, and refusing to mix work folders."""

from pathlib import Path

import numpy as np
import pytest

from anagen.population import calibrate as module
from anagen.population.bank import proposals
from anagen.population.calibrate import (
    Settings,
    build_data,
    calibration_cases,
    early_loss,
    run_chain,
    wide_prior,
)
from anagen.population.left_out import case_name


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    few = calibration_cases()[4:6]
    monkeypatch.setattr(module, "calibration_cases", lambda: few)
    monkeypatch.setattr(module, "_BLOCK", 10)
    return Settings(tmp_path, seed=3, people=96, warmup=10, draws=20)


def test_a_chain_goes_on_where_it_was_interrupted(settings: Settings) -> None:
    said: list[str] = []
    data = build_data(settings, "first", proposals([wide_prior()], 1.0), 96, said.append)
    assert len(data.cases) == 2
    assert any("mg/mL" in line for line in said)
    path = settings.folder / "one.chain"
    run_chain(data, 1, 10, 10, path=path)
    resumed = run_chain(data, 1, 10, 20, path=path)
    whole = run_chain(data, 1, 10, 20)
    assert resumed["tau"].shape == (20,)
    assert np.allclose(resumed["median"], whole["median"], rtol=1e-4, atol=1e-5)


def test_a_work_folder_of_other_settings_is_refused(settings: Settings) -> None:
    module._check_folder(settings)
    module._check_folder(settings)
    with pytest.raises(SystemExit, match="another calibration"):
        module._check_folder(Settings(settings.folder, seed=4, people=96))


def test_calibration_uses_only_what_it_may() -> None:
    cases = calibration_cases()
    assert len(cases) > 25
    assert all(case.arm.quote_status == "verified" for case in cases)
    assert len({tuple(case_name(case)) for case in cases}) == len(cases)


def test_early_loss_is_read_between_its_weeks() -> None:
    days = np.array([0.0, 28.0, 7.0 * 17, 7.0 * 1000])
    found = early_loss(days, [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    assert found[0] == found[1] == 0.0
    assert found[2] == pytest.approx(0.02)
    assert found[3] == pytest.approx(0.06)
