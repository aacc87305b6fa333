"""The page of claims and its forest plot: every arm and every statement is there."""

from pathlib import Path

import numpy as np
import pytest

from anagen.evidence.claims import load_claims
from anagen.evidence.published import load_arms
from anagen.evidence.references import load_references
from anagen.population.benefit import Benefit
from anagen.population.claims import ClaimResult, Verdict
from anagen.population.cohort import Regimen
from anagen.population.conditions import cases_of
from anagen.population.predict import Prediction
from anagen.population.published_intervals import case_interval
from anagen.population.settings import Setting
from anagen.report.claims_page import write_claims_page
from anagen.report.forest import forest_plot, forest_rows

UNITS = {"onset_week": "week", "sessions_to_complete": "session", "odds_ratio": "1"}
VERDICTS: tuple[Verdict, ...] = ("shown", "not shown", "contradicted")


@pytest.fixture(scope="module")
def predictions() -> tuple[Prediction, ...]:
    """All comparable arms, predicted as published with wide intervals."""
    made = []
    for case in cases_of(load_arms())[0]:
        unit = UNITS.get(case.endpoint.kind, "%")
        value = 100.0 * case.observed if unit == "%" else case.observed
        value = float(np.exp(value)) if unit == "1" else value
        low = {level: value * (1.0 - level / 200.0) for level in (50, 90, 95)}
        high = {level: value * (1.0 + level / 200.0) + 0.1 for level in (50, 90, 95)}
        made.append(Prediction(case, unit, value, value, low, high, value, value, 500.0))
    return tuple(made)


@pytest.fixture(scope="module")
def results() -> tuple[ClaimResult, ...]:
    return tuple(
        ClaimResult(claim, 10.0, 5.0, 20.0, 4.0, 22.0, None, claim.published,
                    VERDICTS[number % 3], "a simulation", "a | note")
        for number, claim in enumerate(load_claims())
    )  # fmt: skip


@pytest.fixture(scope="module")
def benefit() -> Benefit:
    shares = np.full((1, 1, 5), 0.2)
    return Benefit(Setting("localized"), Regimen(5.0, 4.0, 3), (0.75,), (24,), shares,
                   shares + 0.5, shares, shares + 0.3, shares * 0.0)  # fmt: skip


@pytest.fixture(scope="module")
def page(
    results: tuple[ClaimResult, ...],
    predictions: tuple[Prediction, ...],
    benefit: Benefit,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, bytes]:
    folder = tmp_path_factory.mktemp("docs")
    text, picture = write_claims_page(
        results, predictions, folder, benefit=benefit, version="2026.11", people=1024
    )
    assert text == folder / "claims.md"
    return text.read_text(encoding="utf-8"), picture.read_bytes()


def test_the_page_has_every_statement_with_its_verdict(
    page: tuple[str, bytes], results: tuple[ClaimResult, ...]
) -> None:
    lines = page[0].splitlines()
    for result in results:
        rows = [line for line in lines if line.startswith(f"| {result.claim.statement} |")]
        assert len(rows) == 2, result.claim.key  # with its figures, and how it was tested
        assert f"**{result.verdict}**" in rows[0]
    assert "2026.11" in page[0]
    assert "1,024" in page[0]


def test_cells_do_not_break_their_table(page: tuple[str, bytes]) -> None:
    width = 0
    for line in page[0].splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = line.replace("\\|", "").count("|")
        assert width in (0, cells), line
        width = cells


def test_the_page_names_its_sources(
    page: tuple[str, bytes], results: tuple[ClaimResult, ...]
) -> None:
    cited = {key for result in results for key in result.claim.sources} - {"assumed"}
    references = load_references()
    for key in cited:
        assert f"- {key}: {references[key]}" in page[0]


def test_the_page_separates_natural_recovery_from_the_drug(page: tuple[str, bytes]) -> None:
    assert "| 75% | 24 | 20 (20 to 20) | 70 (70 to 70) | 50 (50 to 50) |" in page[0]


def test_the_picture_is_one(page: tuple[str, bytes]) -> None:
    assert page[1].startswith(b"\x89PNG")
    assert "images/claims.png" in page[0]


def test_without_arms_there_is_no_picture(results: tuple[ClaimResult, ...], tmp_path: Path) -> None:
    text, picture = write_claims_page(results, (), tmp_path)
    assert not picture.exists()
    assert "Forest plot" not in text.read_text(encoding="utf-8")


def test_every_arm_has_a_row_in_the_plot(predictions: tuple[Prediction, ...]) -> None:
    groups = forest_rows(predictions)
    rows = [row for group in groups.values() for row in group]
    assert len(rows) == len(predictions)
    for group in groups.values():
        assert len({row.label for row in group}) == len(group)
    assert {row.calibrated for row in rows} == {True, False}
    for row in rows:
        centre, low, high = row.published
        assert low <= centre <= high, row.label


def test_labels_do_not_overlap_and_stay_inside(predictions: tuple[Prediction, ...]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = forest_plot(predictions)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    whole = figure.bbox
    labels = [label for axes in figure.axes for label in axes.get_yticklabels()]
    boxes = [label.get_window_extent() for label in (*labels, *figure.texts)]
    for number, box in enumerate(boxes):
        assert box.x0 >= whole.x0
        assert box.y0 >= whole.y0
        assert box.y1 <= whole.y1
        assert not [other for other in boxes[number + 1 :] if box.overlaps(other)]
    spread = [axes.get_window_extent() for axes in figure.axes]
    for number, area in enumerate(spread):
        assert not [other for other in spread[number + 1 :] if area.overlaps(other)]


def test_published_intervals_are_as_printed_or_derived() -> None:
    cases = cases_of(load_arms())[0]
    for case in cases:
        low, high = case_interval(case, UNITS.get(case.endpoint.kind, "%"))
        assert low <= high
        if case.arm.ci_low is not None:
            assert (low, high) == (case.arm.ci_low, case.arm.ci_high)
    known = {(case.arm.study_id, case.endpoint.kind, case.arm.time_weeks): case for case in cases}
    low, high = case_interval(known["Amirnia2015", "onset_week", 12.0], "week")
    assert (round(low, 2), round(high, 2)) == (3.75, 4.51)
