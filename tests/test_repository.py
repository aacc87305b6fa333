"""What the repository holds: no machine paths, no registries, nothing large, one version."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from anagen._version import __version__

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 1_000_000

# Spelled in pieces, so that this file does not contain what it looks for.
MACHINE_PATH = re.compile(
    r"(?:^|[^A-Za-z.\w])/(?:" + "|".join(("work", "farm", "root", "home")) + ")/"
)
REGISTRY = re.compile(
    r"(?:index-url|find-links|trusted-host)\s*[=:\s]\s*\S|"
    + "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs"))
)


def _tracked() -> list[Path]:
    """Files that git tracks or would track; every file of an unpacked archive without git."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    paths = (ROOT / name for name in names.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def _texts() -> list[tuple[Path, str]]:
    texts = []
    for path in _tracked():
        raw = path.read_bytes()
        if b"\0" not in raw:
            texts.append((path, raw.decode("utf-8", errors="replace")))
    return texts


def test_no_file_is_large() -> None:
    large = {path.name: path.stat().st_size for path in _tracked() if path.stat().st_size > LARGEST}
    assert not large


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["machine path", "registry"])
def test_no_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path, text in _texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE_PATH, "open('" + "/wo" + "rk/data.csv')"),
        (MACHINE_PATH, "/ro" + "ot/x"),
        (REGISTRY, "--index" + "-url https://example.com"),
        (REGISTRY, "https://files.python" + "hosted.org/a"),
    ],
)
def test_the_patterns_find_what_they_look_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_changelog_and_citation_name_the_current_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    date = re.search(rf"^## \[{re.escape(__version__)}\] - (\d{{4}}-\d\d-\d\d)$", changelog, re.M)
    assert date is not None
    assert f"\nversion: {__version__}\n" in citation
    assert f'\ndate-released: "{date[1]}"\n' in citation


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~;\s\[]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def test_every_dependency_is_pinned_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.]*", pin) for pin in pins)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(row for rows in project["project"]["optional-dependencies"].values() for row in rows),
    ]
    # An extra may ask for another one of the project itself.
    assert {_name(row) for row in wanted} - {"anagen"} <= {_name(pin) for pin in pins}


def test_every_make_command_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony is not None
    unexplained = [
        name for name in phony[1].split() if not re.search(rf"^{name}:.*## \w", makefile, re.M)
    ]
    assert not unexplained


@pytest.mark.parametrize("name", [".ci/run", "scripts/create-venv", "scripts/setup-test-system"])
def test_scripts_can_be_run(name: str) -> None:
    path = ROOT / name
    assert path.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
