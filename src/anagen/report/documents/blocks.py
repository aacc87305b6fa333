"""The parts that printed documents are made of: plain data that Typst and the browser both set."""

from collections.abc import Mapping, Sequence
from typing import Any

from anagen.report.documents.wording import BOLD, RAISED

Block = dict[str, Any]
Cell = str | Mapping[str, Any]


def runs(text: str) -> list[dict[str, Any]]:
    """Split a text where its type changes.

    Examples
    --------
    >>> runs(f"a {BOLD}b{BOLD}")
    [{'t': 'a ', 'b': False, 'r': False}, {'t': 'b', 'b': True, 'r': False}]
    """
    found: list[dict[str, Any]] = []
    bold = raised = False
    part = ""
    for character in text + BOLD:
        if character not in (BOLD, RAISED):
            part += character
            continue
        if part:
            found.append({"t": part, "b": bold, "r": raised})
        part = ""
        bold ^= character == BOLD
        raised ^= character == RAISED
    return found


def heading(text: str, level: int = 2, *, new_page: bool = False) -> Block:
    """Heading of a section; ``new_page`` begins a page with it."""
    return {"kind": "heading", "text": text, "level": level, "new_page": new_page}


def paragraph(text: str, size: str = "normal") -> Block:
    """Paragraph; ``size`` is small, normal or large."""
    return {"kind": "paragraph", "runs": runs(text), "size": size}


def callout(text: str, tone: str = "note", title: str = "") -> Block:
    """Framed words; ``tone`` is note, good, warn or stop."""
    return {"kind": "callout", "runs": runs(text), "tone": tone, "title": title}


def bullets(items: Sequence[str], *, numbered: bool = False, small: bool = False) -> Block:
    """List of sentences."""
    return {"kind": "list", "items": [runs(item) for item in items], "numbered": numbered,
            "small": small}  # fmt: skip


def checks(items: Sequence[str], *, columns: int = 1, small: bool = False) -> Block:
    """Sentences, each with a box to tick."""
    return {"kind": "checks", "items": [runs(item) for item in items], "columns": columns,
            "small": small}  # fmt: skip


def choices(rows: Sequence[str], answers: Sequence[str]) -> Block:
    """Questions, each with a box for every answer."""
    return {"kind": "choices", "rows": [runs(row) for row in rows], "answers": list(answers)}


def facts(pairs: Sequence[tuple[str, str]], columns: int = 3) -> Block:
    """Short labels with their values, in a grid."""
    rows = [{"label": runs(label), "runs": runs(value)} for label, value in pairs]
    return {"kind": "facts", "columns": columns, "pairs": rows}


def column(title: str, width: float = 0, align: str = "left") -> dict[str, Any]:
    """Head of a column; ``width`` is a share of the line, 0 as narrow as its words allow."""
    return {"title": title, "width": width, "align": align}


def table(
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    total: Sequence[str] = (),
    dense: bool = False,
) -> Block:
    """Table; a cell of ``BOX`` is an empty box to tick."""
    return {
        "kind": "table",
        "title": title,
        "columns": list(columns),
        "rows": [[runs(cell) for cell in row] for row in rows],
        "total": [runs(cell) for cell in total],
        "dense": dense,
    }


def figures(items: Sequence[Mapping[str, str]], columns: int, width: int = 100) -> Block:
    """Drawings side by side, each with ``paths`` and ``words`` (its SVG), ``caption``, ``alt``.

    Parameters
    ----------
    columns : how many stand in a row.
    width : of the row, in hundredths of the line.
    """
    return {"kind": "figures", "items": list(items), "columns": columns, "width": width}


def signatures(labels: Sequence[str]) -> Block:
    """Lines to sign on, each with room for place and date."""
    return {"kind": "signatures", "labels": list(labels)}


def blank(label: str, lines: int = 1) -> Block:
    """Room to write by hand."""
    return {"kind": "blank", "label": label, "lines": lines}


def beside(*columns: Sequence[Block], widths: Sequence[int] = ()) -> Block:
    """Blocks side by side; ``widths`` in parts of the line, alike when not given."""
    return {"kind": "beside", "columns": [list(blocks) for blocks in columns],
            "widths": list(widths) or [1] * len(columns)}  # fmt: skip


def together(*parts: Block) -> Block:
    """Blocks that no end of a page may part."""
    return {"kind": "together", "blocks": list(parts)}


def sources(title: str, entries: Sequence[str]) -> Block:
    """Small print at the end: what every number rests on."""
    return {"kind": "sources", "title": title, "entries": list(entries)}


BOX = "\ue002"
"""Character that stands for an empty box in a cell."""

LINE = "\ue003"
"""Character that stands for a line to write on among facts."""


def legend(items: Sequence[tuple[str, str]]) -> Block:
    """Key to the colours of a drawing: name of a colour, and words."""
    rows = [{"colour": colour, "runs": runs(text)} for colour, text in items]
    return {"kind": "legend", "items": rows}
