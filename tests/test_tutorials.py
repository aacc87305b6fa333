"""The tutorial notebooks, executed from the first cell to the last, with fewer people."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "docs" / "tutorials"
FEWER = {"REPLICATES": "2", "DRAWS, PEOPLE": "2, 20"}
"""Settings of the notebook that only say how many people are simulated."""


def test_each_notebook_is_tested_here() -> None:
    assert [path.name for path in FOLDER.glob("*.ipynb")] == ["which-interval.ipynb"]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> nbformat.NotebookNode:
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    found = nbformat.read(FOLDER / "which-interval.ipynb", as_version=4)
    settings = found.cells[1]
    for name, value in FEWER.items():
        settings.source, count = re.subn(rf"^{name} = [\d, ]+", f"{name} = {value}  ",
                                         settings.source, flags=re.MULTILINE)  # fmt: skip
        assert count == 1, f"the notebook no longer sets {name}"
    return found


def test_the_question_of_the_interval_is_answered(notebook: nbformat.NotebookNode) -> None:
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2
    answer = "".join(output.text for output in outputs if output.get("name") == "stdout")
    for arm in ("two-weekly", "three-weekly", "six-weekly"):
        assert re.search(rf"{arm} +against four-weekly: +[+-]\d+\.\d of 100 people more", answer)


def test_what_stands_in_the_notebook_was_computed(notebook: nbformat.NotebookNode) -> None:
    kept = nbformat.read(FOLDER / "which-interval.ipynb", as_version=4)
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    text = nbformat.writes(kept)
    assert "Traceback" not in text
    assert not re.search(r"/(work|root|home|tmp)/", text)
