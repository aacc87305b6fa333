"""The flat public interface: complete, documented, loaded late."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import anagen

SOURCE = Path(anagen.__file__).read_text(encoding="utf-8")


def _for_type_checkers() -> dict[str, str]:
    """Names and their modules as type checkers see them."""
    return {
        alias.asname or alias.name: node.module or ""
        for block in ast.parse(SOURCE).body
        if isinstance(block, ast.If)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_all_equals_the_public_names() -> None:
    assert len(anagen.__all__) == len(set(anagen.__all__))
    assert sorted(anagen.__all__) == sorted([*anagen._HOME, "__version__"])


def test_type_checkers_and_users_see_the_same_names() -> None:
    assert _for_type_checkers() == anagen._HOME


@pytest.mark.parametrize("name", sorted(anagen.__all__))
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    value = getattr(anagen, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        documentation = inspect.getdoc(value) or ""
        assert len(documentation.split()) >= 3
        assert value.__module__.startswith(anagen._HOME[name])


@pytest.mark.parametrize("name", sorted(anagen.__all__))
def test_every_function_says_what_it_does_with_its_parameters(name: str) -> None:
    value = getattr(anagen, name)
    if inspect.isfunction(value):
        documentation = inspect.getdoc(value) or ""
        taken = [p for p in inspect.signature(value).parameters.values() if p.kind != p.VAR_KEYWORD]
        assert len(taken) < 3 or "Parameters\n-----" in documentation


def test_rooms_export_only_what_exists() -> None:
    for module in {home for home in anagen._HOME.values() if home.count(".") == 1}:
        room = __import__(module, fromlist=["*"])
        missing = [name for name in getattr(room, "__all__", ()) if not hasattr(room, name)]
        assert not missing, module


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="hair_dryer"):
        _ = anagen.hair_dryer


def test_importing_the_package_loads_no_library() -> None:
    code = (
        "import sys, anagen; print(sorted({'jax', 'numpy', 'pydantic', 'pint'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_names_complete_before_they_are_loaded() -> None:
    assert set(anagen.__all__) <= set(dir(anagen))
