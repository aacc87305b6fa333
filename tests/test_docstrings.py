"""Every example in a docstring runs and answers what it says."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import anagen

SOURCE = Path(anagen.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module: str) -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testmod(import_module(module), optionflags=flags)
    assert not found.failed


def test_a_wrong_example_is_found() -> None:
    parsed = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert doctest.DocTestRunner(verbose=False).run(parsed, out=lambda text: None).failed == 1
