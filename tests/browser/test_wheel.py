"""The wheel: everything the console needs is in it, and it is the one that is served."""

import sys
from pathlib import Path

from installed import SOURCE, Installed


def test_every_file_of_the_package_is_in_the_wheel(installed: Installed) -> None:
    held = {name for name in installed.names() if name.startswith("anagen/")}
    assert held >= {"anagen/web/templates/base.html", "anagen/web/static/anagen.css"}
    assert installed.expected - held == set()
    assert len(installed.expected) > 100


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
