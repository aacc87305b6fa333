"""One look for every drawing: colours, type, and figures as standalone or inline SVG."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1d2733"
MUTED = "#56636f"
RULE = "#d5dbe0"
PAPER = "#fefefe"
TREATED = "#0a689c"
UNTREATED = "#b0501c"
SECOND = "#6b4fa0"
PATCH = "#c2417a"
BLOCKED = "#8a3b12"
SKIN = "#f4e7de"
SCALP = "#e6d5c8"

_VARIABLES = {
    INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--paper", TREATED: "--treated",
    UNTREATED: "--untreated", SECOND: "--second", PATCH: "--patch", BLOCKED: "--blocked",
    SKIN: "--skin", SCALP: "--scalp",
}  # fmt: skip

_RC: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "anagen",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "hatch.linewidth": 1.0,
    "path.simplify": False,
}


def new_figure(width: float, height: float) -> "Figure":
    """Figure of a size in inches, free of pyplot and of global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, facecolor="none")
    figure.set_layout_engine("none")
    return figure


def tidy(axes: "Axes") -> None:
    """Quiet axes: two spines, light horizontal rules, muted ticks."""
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(MUTED)
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(colors=MUTED, labelsize=9, length=3, labelcolor=INK)
    axes.grid(True, axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)
        label.set_fontsize(9)


@contextmanager
def _any_script() -> Iterator[None]:
    """Draw names in scripts that the font lacks: the reader's own font shows them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def svg(figure: "Figure") -> str:
    """Figure as a standalone SVG; same figure, same text."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = StringIO()
    with rc_context(_RC), _any_script():
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png(figure: "Figure", dpi: int = 160) -> bytes:
    """Figure as a PNG on white."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = BytesIO()
    figure.set_dpi(dpi)
    with rc_context(_RC), _any_script():
        canvas: Any = FigureCanvasAgg(figure)
        figure.set_facecolor("white")
        canvas.print_png(buffer, metadata={"Software": None})
    figure.set_dpi(100)
    figure.set_facecolor("none")
    return buffer.getvalue()


def inline(text: str, key: str, description: str) -> str:
    """SVG to stand inside a page: colours of the page, ids of its own, a description for readers.

    Parameters
    ----------
    text : a standalone SVG, as `svg` writes it.
    key : makes the ids unique within the page.
    description : what the drawing shows, in words.
    """
    from html import escape

    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', body)
    body = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{key}-", body)
    body = body.replace("xlink:href", "href")
    for colour, name in _VARIABLES.items():
        body = body.replace(colour, f"var({name})")
    body = re.sub(r'font: ([\d.]+px) [^;"]+', r"font: \1 var(--sans)", body)
    opening, rest = body.split(">", 1)
    view_box = re.search(r'viewBox="[^"]+"', opening)
    box = view_box.group(0) if view_box else ""
    width = re.search(r'viewBox="0 0 ([\d.]+)', opening)
    limit = f' style="max-width:{float(width.group(1)) * 1.4:.0f}px"' if width else ""
    label = escape(description, quote=True)
    return f'<svg {box} role="img" aria-label="{label}"{limit}>{rest}'
