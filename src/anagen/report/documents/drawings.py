"""Drawings of a document: patches and sites, chances, one hundred people, a line of time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.report.documents.wording import Wording, clean
from anagen.report.style import (
    INK,
    MUTED,
    RULE,
    TREATED,
    UNTREATED,
    inline,
    new_figure,
    svg,
)

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.figure import Figure

    from anagen.patient import Patient
    from anagen.treatment import Plan, Session

_LEVEL = 0.5
_SECOND_TINT = "#8fb9d3"
_EMPTY = "#dfe4e8"


def drawn(figure: "Figure", key: str, caption: str, alt: str) -> dict[str, str]:
    """Drawing for print, letters as outlines, and for the browser, letters as words."""
    from io import StringIO

    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    from anagen.report.style import _RC, _any_script

    buffer = StringIO()
    with rc_context({**_RC, "svg.fonttype": "path"}), _any_script():
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    return {"paths": buffer.getvalue(), "words": inline(svg(figure), key, alt),
            "caption": caption, "alt": alt}  # fmt: skip


def maps(
    patient: "Patient", session: "Session", on: "date", wording: Wording
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Draw the sites of a session: the four views, and each patch enlarged.

    Parameters
    ----------
    patient : for the patches, as last drawn by a day.
    session : its sites.
    on : that day.
    """
    from anagen.report.plan_picture import plan_drawings
    from anagen.treatment import Plan

    named = [site if site.patch else site.model_copy(update={"patch": wording.say("map.none")})
             for site in session.injections]  # fmt: skip
    only = session.model_copy(update={"injections": tuple(named)})
    plan = Plan(protocol="custom", patient=patient.id, sessions=(only,))
    scalp, shares = _shares(patient, on)
    for site in named:
        shares.setdefault(str(site.patch), np.zeros(len(scalp.position)))
    drawings = plan_drawings(scalp, plan, shares, _blocked(patient, on))
    views = [_view(drawing, len(named), wording) for drawing in drawings
             if drawing.key.startswith("plan-")]  # fmt: skip
    insets = [d for d in drawings if d.key.startswith("inset-")]
    return views, [_inset(drawing, list(shares), insets, wording) for drawing in insets]


def head_views(
    patient: "Patient", on: "date", wording: Wording, most: int = 4
) -> list[dict[str, str]]:
    """Draw the patches as last seen in the views that show one; empty when none was drawn."""
    from anagen.report.plan_picture import plan_drawings
    from anagen.treatment import Plan

    scalp, shares = _shares(patient, on)
    plan = Plan(protocol="custom", patient=patient.id)
    drawings = plan_drawings(scalp, plan, shares, _blocked(patient, on)) if shares else []
    seen = [drawing for drawing in drawings if "no patch" not in drawing.description]
    return [_view(drawing, 0, wording) for drawing in seen[:most]]


def _shares(patient: "Patient", on: "date") -> tuple[Any, dict[str, Any]]:
    from anagen.patient import patch_shapes, patient_scalp
    from anagen.scalp import patch_cells

    scalp = patient_scalp(patient)
    shapes = patch_shapes(patient, on)
    return scalp, {name: np.asarray(patch_cells(scalp, shape, f"patch {name}"), dtype=float)
                   for name, shape in shapes.items()}  # fmt: skip


def patch_areas(patient: "Patient", on: "date") -> dict[str, float]:
    """Area of each patch as last drawn by a day [cm2]."""
    from anagen.scalp import area_cm2

    scalp, shares = _shares(patient, on)
    return {name: float(area_cm2(scalp, share)) for name, share in shares.items()}


def _blocked(patient: "Patient", on: "date") -> Mapping[str, str]:
    from anagen.report.content import blocked_patches

    return blocked_patches(patient, on)


def _view(drawing: Any, sites: int, wording: Wording) -> dict[str, str]:
    view = drawing.key.removeprefix("plan-")
    title = wording.say(f"map.{view}")
    key = "map.view_sites" if sites else "map.view_patches"
    return drawn(drawing.figure, drawing.key, title, wording.say(key, view=title, count=sites))


def _inset(
    drawing: Any, patches: Sequence[str], insets: Iterable[Any], wording: Wording
) -> dict[str, str]:
    _translate(drawing.figure, wording)
    parts = drawing.key.split("-")
    patch = clean(patches[int(parts[2]) - 1])
    whole = f"{parts[0]}-{parts[1]}-{parts[2]}-"
    count = sum(other.key.startswith(whole) for other in insets)
    title = wording.say("map.close", patch=patch)
    if len(parts) > 3:
        title = wording.say("map.close_part", patch=patch, part=parts[3], parts=count)
    return drawn(drawing.figure, drawing.key, title, wording.say("map.close_alt", title=title))


def _translate(figure: "Figure", wording: Wording) -> None:
    from matplotlib.text import Text

    ways = {"↑ front": wording.say("map.front"), "↑ crown": wording.say("map.crown")}
    for text in figure.findobj(Text):
        if isinstance(text, Text) and text.get_text() in ways:
            text.set_text(f"↑ {ways[text.get_text()]}")


def chance_bars(
    rows: Sequence[tuple[str, Mapping[str, float], Mapping[str, float]]], wording: Wording
) -> dict[str, str]:
    """Draw the chance with and without treatment at some times, each with its interval.

    Parameters
    ----------
    rows : when, in words, then the chance [1] with treatment and without, with ``low``, ``high``.
    """
    height = 0.35 + 0.58 * len(rows)
    figure = new_figure(6.4, height)
    axes = figure.add_axes((0.13, 0.28 / height, 0.56, 1.0 - 0.30 / height))
    for index, (label, treated, idle) in enumerate(rows):
        for found, shift, colour in ((treated, -0.19, TREATED), (idle, 0.19, UNTREATED)):
            y = index + shift
            middle = 100.0 * found["value"]
            axes.barh(y, middle, 0.32, color=colour, linewidth=0)
            ends = [100.0 * found["low"], 100.0 * found["high"]]
            axes.plot(ends, [y, y], color=INK, linewidth=1.1, solid_capstyle="butt")
            for end in ends:
                axes.plot([end, end], [y - 0.07, y + 0.07], color=INK, linewidth=1.1)
            words = wording.percent(found["value"])
            axes.text(103, y, words, ha="left", va="center", fontsize=10.5, fontweight="bold",
                      color=colour)  # fmt: skip
            words = wording.say("format.range", low=wording.number(ends[0], 0),
                                high=wording.number(ends[1], 0))  # fmt: skip
            axes.text(154, y, words, ha="right", va="center", fontsize=8.5, color=MUTED)
        axes.text(-2.0, index, label, ha="right", va="center", fontsize=10, color=INK)
    axes.set_xlim(0, 100)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _quiet(axes)
    axes.set_xticks([0, 20, 40, 60, 80, 100])
    axes.tick_params(axis="x", labelsize=9, colors=MUTED, length=0)
    axes.set_axisbelow(True)
    axes.grid(True, axis="x", color=RULE, linewidth=0.7)
    spoken = "; ".join(
        wording.say("leaflet.chance_alt", when=label, treated=wording.percent(treated["value"]),
                    untreated=wording.percent(idle["value"]))
        for label, treated, idle in rows)  # fmt: skip
    return drawn(figure, "chances", "", f"{wording.say('leaflet.chances_alt')} {spoken}.")


def hundred(people: Sequence[tuple[int, str]], alt: str) -> dict[str, str]:
    """Draw one hundred people, ten in a row, in the colours of their fate."""
    from matplotlib.patches import Circle, FancyBboxPatch

    fates = [colour for count, colour in people for _ in range(count)]
    figure = new_figure(2.5, 2.5)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    for index, colour in enumerate(fates):
        x, y = index % 10, index // 10
        axes.add_patch(Circle((x, y - 0.24), 0.15, facecolor=colour, linewidth=0))
        axes.add_patch(FancyBboxPatch((x - 0.17, y), 0.34, 0.30, facecolor=colour, linewidth=0,
                                      boxstyle="round,pad=0.05,rounding_size=0.14"))  # fmt: skip
    axes.set_xlim(-0.6, 9.6)
    axes.set_ylim(9.6, -0.6)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return drawn(figure, "hundred", "", alt)


PEOPLE_COLOURS = {"either": _SECOND_TINT, "added": TREATED, "lost": UNTREATED, "neither": _EMPTY}
"""Colours of one hundred people by what becomes of them."""


def time_line(
    marks: Sequence[tuple[float, str, bool]], last_week: float, wording: Wording
) -> dict[str, str]:
    """Draw sessions and looks on a line of weeks.

    Parameters
    ----------
    marks : week, words and whether it is a day of injections.
    last_week : where the line ends.
    """
    figure = new_figure(6.4, 0.8)
    axes = figure.add_axes((0.03, 0.0, 0.94, 1.0))
    axes.plot([0, max(week for week, _, _ in marks)], [0, 0], color=MUTED, linewidth=1.4, zorder=1)
    for week, words, needle in marks:
        axes.plot(week, 0, "o" if needle else "D", markersize=9 if needle else 8, zorder=3,
                  color=TREATED if needle else UNTREATED)  # fmt: skip
        if words:
            side = "left" if not week else "right" if week > 0.9 * last_week else "center"
            above = not needle or not week
            axes.text(week, 0.33 if above else -0.33, words, ha=side,
                      va="bottom" if above else "top", fontsize=8.5, color=INK)  # fmt: skip
    axes.set_xlim(-0.02 * last_week, 1.02 * last_week)
    axes.set_ylim(-1.1, 1.1)
    axes.set_axis_off()
    return drawn(figure, "time", "", wording.say("leaflet.time_alt"))


def _quiet(axes: Any) -> None:
    axes.set_facecolor("none")
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color(MUTED)
    axes.set_yticks([])


def plan_weeks(plan: "Plan", start: "date") -> list[float]:
    """Weeks of the sessions of a plan after a day."""
    return [(session.date - start).days / 7.0 for session in plan.sessions]
