"""Imports point one way and heavy libraries stay in their rooms, without exception."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "anagen"

FLOOR = ("_version", "_runtime", "_files", "errors", "units")
ROOMS = (
    "evidence",
    "scalp",
    "treatment",
    "patient",
    "biology",
    "population",
    "forecast",
    "trials",
    "clinic",
    "imaging",
    "exchange",
    "report",
    "web",
    "_commands",
    "cli",
    "__main__",
)
RANK = {**dict.fromkeys(FLOOR, 0), **{room: rank for rank, room in enumerate(ROOMS, start=1)}}

ONLY_IN = {"pint": ("units",), "matplotlib": ("report",), "pybtex": ("evidence",)}
BANNED = ("diffrax", "pde", "beartype", "hypothesis", "pytest", "plotly", "playwright")


def _room(module: str) -> str:
    return module.split(".")[1]


def _modules() -> Iterator[tuple[str, str]]:
    """Name and source of every module except the facade ``anagen`` itself."""
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name != "anagen":
            yield name, path.read_text(encoding="utf-8")


def _imports(source: str) -> Iterator[tuple[str, int]]:
    """Every module imported anywhere in the source, with the level of relative imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "anagen":
                yield from ((f"anagen.{alias.name}", 0) for alias in node.names)
            else:
                yield module, node.level


def violations(module: str, source: str) -> list[str]:
    """What in one module breaks the direction of imports or the homes of libraries."""
    room, found = _room(module), []
    if room not in RANK:
        found.append(f"{module}: room {room!r} is not in the list of rooms")
    for imported, level in _imports(source):
        top = imported.split(".")[0]
        if level:
            found.append(f"{module}: relative import of {imported!r}")
        elif top == "anagen":
            target = imported.split(".")[1] if "." in imported else ""
            if RANK.get(target, len(ROOMS) + 1) > RANK.get(room, 0):
                found.append(f"{module}: imports {imported!r}, which stands below it")
        elif top in BANNED:
            found.append(f"{module}: imports {top!r}, which a user's installation may lack")
        elif room not in ONLY_IN.get(top, (room,)):
            found.append(f"{module}: imports {top!r}, whose home is {ONLY_IN[top]}")
    return found


def test_no_module_breaks_the_architecture() -> None:
    found = [line for name, source in _modules() for line in violations(name, source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("anagen.scalp.grid", "from anagen.biology import simulate"),
        ("anagen.scalp.grid", "def late():\n    import anagen.cli"),
        ("anagen.scalp.grid", "import anagen"),
        ("anagen.scalp.grid", "from anagen import simulate"),
        ("anagen.scalp.grid", "from anagen import report"),
        ("anagen.scalp.grid", "from .views import frame"),
        ("anagen.scalp.grid", "from . import views"),
        ("anagen.scalp.grid", "import pint.errors"),
        ("anagen.cli", "from matplotlib import pyplot"),
        ("anagen.biology.course", "import diffrax"),
        ("anagen.errors", "from anagen.evidence import parameters"),
        ("anagen.attic.old", "import math"),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str) -> None:
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("anagen.biology.course", "from anagen.biology.skin import Skin\nimport anagen.scalp"),
        ("anagen.units", "import pint\nfrom anagen.errors import InputError"),
        ("anagen.report.curves", "def draw():\n    from matplotlib.figure import Figure"),
        ("anagen.cli", "from anagen._version import __version__\nimport typer"),
    ],
)
def test_a_lawful_import_passes(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_every_room_of_the_package_is_looked_at() -> None:
    rooms = {_room(name) for name, _ in _modules()}
    assert {"errors", "units", "evidence", "scalp", "treatment", "patient", "biology"} <= rooms


def test_the_command_line_imports_only_typer_at_the_top() -> None:
    tree = ast.parse((SOURCE / "cli.py").read_text(encoding="utf-8"))
    top = ast.Module(
        [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))], []
    )
    allowed = {"typer", "pathlib", "typing", "collections", "datetime", "sys", "contextlib", "enum"}
    homes = {name if name.startswith("anagen") else name.split(".")[0]
             for name, _ in _imports(ast.unparse(top))}  # fmt: skip
    light = {name for name in homes if name.startswith(("anagen._", "anagen.errors"))}
    assert homes - light <= allowed
