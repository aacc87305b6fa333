"""Setting a document: as PDF with Typst, as one HTML file with Jinja."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

Paper = Literal["A4", "Letter"]
PAPERS: Mapping[str, tuple[str, str]] = {"A4": ("a4", "A4"), "Letter": ("us-letter", "letter")}
"""Sheets of paper: how Typst and how a browser call them."""


_SMALLER = (1.0, 0.96, 0.92)
"""Sizes of type that are tried: a little smaller where that saves a page with but a few lines."""

_COARSE = 8.0
"""Dots per inch of pages that are only counted."""


def set_pdf(data: Mapping[str, Any]) -> bytes:
    """Set a document as PDF; the same data give the same bytes."""
    made = _compile(_snug(data), format="pdf", timestamp=_noon(data["day"]))
    return bytes(made)


def set_png(data: Mapping[str, Any], dots_per_inch: float = 80.0) -> list[bytes]:
    """Set a document as one picture a page, to look at."""
    return _pages(_snug(data), dots_per_inch)


def _snug(data: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the largest size of type that needs the fewest pages of those tried."""
    tried = [{**data, "size": data["size"] * factor} for factor in _SMALLER]
    counts = [len(_pages(one, _COARSE)) for one in tried]
    return tried[counts.index(min(counts))]


def _pages(data: Mapping[str, Any], dots_per_inch: float) -> list[bytes]:
    made: Any = _compile(data, format="png", ppi=dots_per_inch)
    return list(made) if isinstance(made, list) else [made]


def _compile(data: Mapping[str, Any], **options: Any) -> Any:
    import typst

    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(_font_folder())])
    text = json.dumps(data, ensure_ascii=False)
    return typst.compile(_read("document.typ").encode("utf-8"), font_paths=fonts,
                         sys_inputs={"document": text}, **options)  # fmt: skip


def set_html(data: Mapping[str, Any]) -> bytes:
    """Set a document as one HTML file that carries everything it shows and prints as it looks."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("anagen.report.documents", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup
    house = resources.files("anagen.report") / "style.css"
    style = house.read_text(encoding="utf-8") + _read("document.css")
    text = environment.get_template("document.html.j2").render(
        **data, style=Markup(style), sheet=PAPERS[data["paper_name"]][1]
    )
    return re.sub(r"\n\s*\n+", "\n", text).encode("utf-8")


def _read(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _font_folder() -> Path:
    """DejaVu Sans, which matplotlib carries: the letters of the drawings, for headings too."""
    from matplotlib import get_data_path

    return Path(get_data_path()) / "fonts" / "ttf"


def _noon(day: tuple[int, int, int]) -> datetime:
    return datetime.combine(date(*day), datetime.min.time(), UTC).replace(hour=12)
