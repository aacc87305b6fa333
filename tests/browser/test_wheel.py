"""The wheel: everything the console needs is in it, and it is the one that is served."""

import subprocess
import sys
from pathlib import Path

from installed import ROOT, Installed

SOURCE = ROOT / "src"


def kept_files() -> set[str]:
    """Files of the package that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/anagen"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0 and listed.stdout:
        names = {Path(line).relative_to("src") for line in listed.stdout.splitlines()}
        return {name.as_posix() for name in names if (SOURCE / name).is_file()}
    found = (path for path in (SOURCE / "anagen").rglob("*") if path.is_file())
    return {
        path.relative_to(SOURCE).as_posix() for path in found if "__pycache__" not in path.parts
    }


def test_every_file_of_the_package_is_in_the_wheel(installed: Installed) -> None:
    held = {name for name in installed.names() if name.startswith("anagen/")}
    assert held >= {"anagen/web/templates/base.html", "anagen/web/static/anagen.css"}
    assert kept_files() - held == set()


def test_the_wheel_holds_nothing_else(installed: Installed) -> None:
    strange = {name for name in installed.names()
               if not name.startswith("anagen/") and ".dist-info/" not in name}  # fmt: skip
    assert strange == set()
    assert not any("__pycache__" in name for name in installed.names())


def test_the_wheel_is_what_runs(installed: Installed) -> None:
    where = installed.run("-c", "import anagen; print(anagen.__file__)").strip()
    assert Path(where).is_relative_to(installed.folder)
    assert not Path(where).is_relative_to(SOURCE)
    # What it needs comes from the environment of the tests.
    assert sys.prefix in installed.run("-c", "import jax; print(jax.__file__)")
