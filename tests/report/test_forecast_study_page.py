"""The page about the forecast: its verdicts follow the figures, whatever they are."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.population.posterior import Posterior, load_posterior
from anagen.report.forecast_study_page import (
    page_text,
    read_study,
    variables_in,
    write_forecast_study_page,
)
from anagen.report.forecast_study_words import silent_shares
from anagen.report.study_aims import aims_of, share_interval

VISITS = (0, 1, 2, 4)
PATIENTS = 64
NEVER = "no depot ever absorbed"
VARIABLES = [
    ("patch_cover", "plan, patch, week, quantile", "visible cover [1]"),
    ("relapse_chance (_low, _high)", "plan, week", "chance of relapse [1]"),
]


def _stage(seed: int, visits: int) -> dict[str, Any]:
    """Every tenth truth lies outside; a fifth of the patients shows no regrowth."""
    half = 0.4 - 0.08 * visits
    middle = 0.5 + (2 * half if seed % 10 == 0 else 0.0)
    return {
        "seed": seed, "visits": visits, "ranks": {"depot.radius": seed}, "rank_cover": [seed, 3],
        "truth": [0.5, 0.5], "low": [middle - half, 0.5 - half],
        "middle": [middle, 0.5], "high": [middle + half, 0.5 + half],
        "crps": [0.1, 0.1], "carried": [0.0 if seed % 5 == 0 else 0.6, 0.0],
        "effective": 200.0, "p": 0.5 if seed else 0.0004,
    }  # fmt: skip


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    """Every aim met."""
    row = {"patches": 2 * PATIENTS, "inside": 0.9, "crps": 0.1, "error": 0.12,
           "population_mean": 0.3, "carried": 0.25, "rank_cover_p": 0.4,
           "ranks_p": {"depot.radius": 0.6}, "flagged": 0.04, "effective": 200.0}  # fmt: skip
    rows = {str(visits): {**row, "width": 0.8 - 0.1 * visits} for visits in VISITS}
    misfit = {name: {"patients": 50, "flagged": 0.9, "withheld": 0.7}
              for name in ("relapse trigger", "second disease", NEVER)}  # fmt: skip
    stages = [_stage(seed, visits) for seed in range(PATIENTS) for visits in VISITS]
    return {"seed": 7, "calibration": {"patients": 240, "visits": rows}, "misfit": misfit,
            "stages": stages}  # fmt: skip


@pytest.fixture(scope="module")
def bad(good: dict[str, Any]) -> dict[str, Any]:
    """Every aim missed."""
    study = deepcopy(good)
    study["calibration"]["patients"] = 40
    for row in study["calibration"]["visits"].values():
        row |= {"inside": 0.99, "width": 0.5, "error": 0.4, "crps": 0.31, "flagged": 0.2}
    study["calibration"]["visits"]["2"]["ranks_p"] = {"depot.radius": 0.002}
    for row in study["misfit"].values():
        row |= {"flagged": 0.04, "withheld": 0.0}
    return study


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return load_posterior()


def test_met_aims_read_as_met(good: dict[str, Any], posterior: Posterior) -> None:
    assert all(aim.met for aim in aims_of(good))
    text = page_text(good, VARIABLES, posterior)
    assert "**11 of 11 aims met.** None is missed." in text
    assert "missed**" not in text
    assert "Not found" not in text
    found = f"Found as often as was aimed at: relapse trigger, second disease, {NEVER}."
    assert found in text


def test_missed_aims_read_as_missed(bad: dict[str, Any], posterior: Posterior) -> None:
    assert not any(aim.met for aim in aims_of(bad))
    text = page_text(bad, VARIABLES, posterior)
    assert "**0 of 11 aims met.** Missed:" in text
    assert text.count("| **missed** |") == 11
    assert "Found as often" not in text
    assert "**Not found as often: relapse trigger** (4 % flagged)" in text
    assert "least p 0.002 (depot.radius, 2 visits); 1 of 8" in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("inside", 0.849, "90 % intervals"),
        ("inside", 0.951, "90 % intervals"),
        ("width", 0.9, "mean width"),
        ("error", 0.28, "last reading"),
        ("crps", 0.25, "CRPS"),
        ("rank_cover_p", 0.01, "ranks uniform"),
        ("flagged", 0.11, "well-described"),
    ],
)
def test_one_bad_figure_misses_its_aim(
    good: dict[str, Any], field: str, value: float, words: str
) -> None:
    study = deepcopy(good)
    study["calibration"]["visits"]["2"][field] = value
    missed = [aim.text for aim in aims_of(study) if not aim.met]
    assert len(missed) == 1
    assert words in missed[0]


def test_a_silent_depot_is_called_a_limit_only_where_many_do_not_respond(
    bad: dict[str, Any], posterior: Posterior
) -> None:
    none, weak, limit = silent_shares(bad)
    assert none == weak == 13 / PATIENTS  # 0, 5, ... 60
    assert limit[0] < limit[1]
    text = page_text(bad, VARIABLES, posterior)
    assert "cannot be told from a patient who does not respond. By the last visit 20 % of" in text
    study = deepcopy(bad)
    for stage in study["stages"]:
        stage["carried"] = [0.6, 0.6]
    other = page_text(study, VARIABLES, posterior)
    assert "cannot be told from" not in other
    assert "a weakness" in other


def test_a_misfit_that_nobody_had_is_neither_found_nor_explained(
    good: dict[str, Any], posterior: Posterior
) -> None:
    study = deepcopy(good)
    study["misfit"]["second disease"] = {"patients": 0, "flagged": float("nan"),
                                         "withheld": float("nan")}  # fmt: skip
    text = page_text(study, VARIABLES, posterior)
    assert "| second disease | 0 | - | - |" in text
    assert "nobody tried" in text
    assert "nan" not in text


def test_coverage_counts_patients_not_patches(good: dict[str, Any]) -> None:
    share, low, high = share_interval(good, 4)
    assert share == pytest.approx(1.0 - 7 / (2 * PATIENTS))  # one patch of 0, 10, ... 60
    assert 0.85 < low < share < high < 1.0
    twice = {"stages": [
        {**one, **{name: one[name] * 2 for name in ("low", "truth", "high")}}
        for one in good["stages"]]}  # fmt: skip
    assert share_interval(twice, 4) == pytest.approx((share, low, high), abs=1e-9)


def test_the_page_names_every_number_variable_and_limit(
    good: dict[str, Any], posterior: Posterior, tmp_path: Path
) -> None:
    from anagen.forecast.observation_data import observation_numbers

    page, picture = write_forecast_study_page(good, VARIABLES, posterior, tmp_path)
    text = page.read_text(encoding="utf-8")
    for name, one in observation_numbers().items():
        assert f"| `{name}` | {one.value:g}" in text
    assert "| `relapse_chance` (_low, _high) | plan, week | chance of relapse [1] |" in text
    tau = float(np.exp(np.median(posterior.draws["tau"])))
    assert f"factor of {tau:.2f}" in text
    assert "`patch_deviation` 0.4" in text
    assert "| none: the model describes them | 240 | 4 % (2 to 7) | 2 % |" in text
    assert "](images/forecast.png)" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    again = tmp_path / "again"
    write_forecast_study_page(good, VARIABLES, posterior, again)
    assert (again / "images" / "forecast.png").read_bytes() == picture.read_bytes()


def test_variables_keep_dimensions_and_units() -> None:
    import xarray as xr

    made = xr.Dataset({"salt": (("plan", "week"), np.zeros((1, 2)),
                                {"long_name": "SALT", "units": "%"})})  # fmt: skip
    assert variables_in(made) == [("salt", "plan, week", "SALT [%]")]


def test_a_study_is_read_whole_or_not_at_all(good: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(good), encoding="utf-8")
    assert read_study(path) == good
    for text in ("{", "[]", '{"seed": 1}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"anagen\.forecast\.studies"):
            read_study(path)
    with pytest.raises(InputError, match="study"):
        read_study(tmp_path / "none.json")
