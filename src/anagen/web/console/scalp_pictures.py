"""The head in four views as SVG: mannequin, scalp, parting lines, patches and injected sites."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from anagen.scalp.rings import (
    outline_ring,
    scalp_ring,
    seen_lines,
    seen_points,
    view_corner,
)
from anagen.scalp.shapes import PatchShape
from anagen.scalp.surface import Array, Head, make_head
from anagen.scalp.views import VIEWS, ViewPoint

if TYPE_CHECKING:
    from anagen.scalp import Scalp

# Cells of the grid [mm] from which the parting lines are taken; they are lines on a picture.
_BORDER_CELL_MM = 4.0
# Sites turned farther from the viewer than this (cosine) are drawn in another view.
_LEAST_FACING = 0.25
_SITE_RADIUS_MM = 1.5
# Points of a drawn line stand at least about so far apart.
_POINT_MM = 1.5
# How far below a patch its name stands.
_LABEL_MM = 11.5
# Room that words take: a letter, two lines, and a share with its interval.
_LETTER_MM, _TWO_LINES_MM, _FIGURE_LETTERS = 5.6, 23.0, 10


@dataclass(frozen=True)
class Drawn:
    """Patches as drawn at one time.

    Parameters
    ----------
    key : name of the drawing on the page.
    shapes : by id of the patch.
    sites : places injected on that day.
    """

    key: str
    shapes: Mapping[str, PatchShape]
    sites: tuple[ViewPoint, ...] = ()


@dataclass(frozen=True)
class Look:
    """How one patch looks at the moment shown.

    Parameters
    ----------
    bald : share without hair [1]; None when nobody judged it.
    spread : width of the forecast's 80 % interval [1]; 0 for what was seen.
    label : words beside it.
    """

    bald: float | None
    spread: float = 0.0
    label: str = ""


def head_of(circumference_mm: float | None) -> Head:
    """Head of a circumference [mm]; the mean adult's when it is not known."""
    return make_head(circumference_mm or _mean_circumference_mm())


def to_mean_head(circumference_mm: float | None) -> float:
    """Factor from lengths on a head to those on the mean head [1]: heads are similar."""
    return 1.0 if circumference_mm is None else _mean_circumference_mm() / circumference_mm


def _mean_circumference_mm() -> float:
    from anagen.evidence.parameters import load_parameters

    return load_parameters().value("scalp.head_circumference", "mm")


def scaled(drawn: Drawn, factor: float) -> Drawn:
    """Drawing with its lengths scaled; shares of a view stay as they are."""
    if factor == 1.0:
        return drawn

    def shape(one: PatchShape) -> PatchShape:
        outlines = tuple(
            line if line.unit == "fraction" else line.model_copy(
                update={"points": tuple((factor * x, factor * y) for x, y in line.points)})
            for line in one.outlines
        )  # fmt: skip
        return one.model_copy(update={"outlines": outlines})

    sites = tuple(
        one if one.unit == "fraction" else one.model_copy(
            update={"x": factor * one.x, "y": factor * one.y})
        for one in drawn.sites
    )  # fmt: skip
    return Drawn(drawn.key, {name: shape(one) for name, one in drawn.shapes.items()}, sites)


def view_picture(
    head: Head, view: str, title: str, drawings: Sequence[Drawn], shown: str,
    looks: Mapping[str, Look], scalp: "Scalp | None" = None,
) -> Markup:  # fmt: skip
    """Draw one view.

    Parameters
    ----------
    head : of the person.
    view : which of the four.
    title : name of the picture in words, for screen readers too.
    drawings : every drawing that the slider may show; shown : key of the one that is shown.
    looks : of the patches at the moment shown.
    scalp : its grid, needed for masks only.
    """
    box, mannequin = _mannequin(head, view)
    clip = f"clip-{view}"
    groups = "".join(
        _drawing(head, view, one, looks, scalp, hidden=one.key != shown) for one in drawings
    )
    words = ", ".join(f"{name} {look.label}" for name, look in looks.items() if look.label)
    return Markup(
        f'<svg class="head-view" viewBox="{box}" role="img" data-view="{view}" '
        f'aria-labelledby="{view}-title"><title id="{view}-title">{escape(title)}</title>'
        f"<desc>{escape(words)}</desc>{mannequin}"
        f'<clipPath id="{clip}"><path d="{_path([scalp_ring(head, view)])}"/></clipPath>'
        f'<g clip-path="url(#{clip})">{groups}</g>{_labels(head, view, drawings, shown, looks)}'
        "</svg>"
    )


def hatching() -> Markup:
    """Pattern that the spread of a forecast is drawn with; once on a page."""
    return Markup(
        '<svg class="unseen" width="0" height="0" aria-hidden="true"><defs>'
        '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="5"/>'
        "</pattern></defs></svg>"
    )


def area_ratio(scalp: "Scalp", first: PatchShape, last: PatchShape) -> float:
    """Area of a shape drawn later, relative to the one drawn first [1]."""
    return _area(scalp, last) / max(_area(scalp, first), 1e-9)


@lru_cache(maxsize=256)
def _area(scalp: "Scalp", shape: PatchShape) -> float:
    from anagen.scalp.patches import area_cm2, patch_cells

    return area_cm2(scalp, patch_cells(scalp, shape))


@lru_cache(maxsize=64)
def _mannequin(head: Head, view: str) -> tuple[str, str]:
    """View box, and everything behind the patches."""
    from anagen.report.head import head_camera, silhouette
    from anagen.report.strands import Ellipsoid

    ellipsoid = Ellipsoid(np.asarray(head.semi_axes))
    camera = head_camera(view, ellipsoid, 1, 1.0)  # type: ignore[arg-type]
    origin = view_corner(head, view)
    shapes, lines = silhouette(view, ellipsoid)  # type: ignore[arg-type]
    left, top = np.array([camera.left_mm, camera.top_mm]) - origin
    box = f"{left:.1f} {top:.1f} {camera.width_mm:.1f} {camera.height_mm:.1f}"
    skin = "".join(f'<path class="skin" d="{_path([shape - origin])}"/>' for shape in shapes)
    scalp = f'<path class="scalp" d="{_path([scalp_ring(head, view)])}"/>'
    drawn = "".join(
        f'<path class="line" d="{_path([line - origin], closed=False)}"/>' for line in lines
    )
    return box, f"{skin}{scalp}{drawn}{_borders(head, view)}"


def _borders(head: Head, view: str) -> str:
    """Parting lines between the regions of the SALT score."""
    ratio = head.semi_axes[0] / head_of(None).semi_axes[0]
    parts = seen_lines(head, [ratio * line for line in _mean_borders()], view)
    return f'<path class="border" d="{_path(parts, closed=False)}"/>'


@lru_cache(maxsize=1)
def _mean_borders() -> tuple[Array, ...]:
    from anagen.scalp.grid import build_scalp
    from anagen.scalp.lines import region_borders

    return region_borders(build_scalp(None, _BORDER_CELL_MM))


def _drawing(
    head: Head, view: str, drawn: Drawn, looks: Mapping[str, Look], scalp: "Scalp | None",
    *, hidden: bool,
) -> str:  # fmt: skip
    parts = []
    for name, shape in drawn.shapes.items():
        path, rule = _shape(head, view, shape, scalp)
        if not path:
            continue
        look = looks.get(name, Look(None))
        bald = 1.0 if look.bald is None else look.bald
        mark = escape(name)
        parts.append(
            f'<path class="patch" data-patch="{mark}" d="{path}" fill-rule="{rule}" '
            f'fill-opacity="{strength(bald):.2f}"/>'
            f'<path class="spread" data-patch="{mark}" d="{path}" fill-rule="{rule}" '
            f'opacity="{hatch(look.spread):.2f}"/>'
        )
    parts += [f'<circle class="site" cx="{x:.1f}" cy="{y:.1f}" r="{_SITE_RADIUS_MM}"/>'
              for x, y in seen_points(head, drawn.sites, view, _LEAST_FACING)]  # fmt: skip
    off = ' display="none"' if hidden else ""
    return f'<g data-drawing="{escape(drawn.key)}"{off}>{"".join(parts)}</g>'


def strength(bald: float) -> float:
    """Opacity of a patch: a trace where all has regrown, so that it can still be found."""
    return 0.08 + 0.82 * min(max(bald, 0.0), 1.0)


def hatch(spread: float) -> float:
    """Opacity of the hatching from the width of an interval [1]."""
    return 0.0 if spread < 0.02 else min(0.25 + 1.2 * spread, 1.0)


def _shape(head: Head, view: str, shape: PatchShape, scalp: "Scalp | None") -> tuple[str, str]:
    if shape.masks and scalp is not None:
        return _masked(head, scalp, view, shape), "evenodd"
    rings = [outline_ring(head, outline, view) for outline in shape.outlines]
    return _path([ring for ring in rings if len(ring)]), "nonzero"


@lru_cache(maxsize=128)
def _masked(head: Head, scalp: "Scalp", view: str, shape: PatchShape) -> str:
    from anagen.scalp import cover_outlines, patch_cells

    found = cover_outlines(scalp, patch_cells(scalp, shape), view)  # type: ignore[arg-type]
    ratio = head.semi_axes[0] / scalp.head.semi_axes[0]
    return _path([ratio * np.asarray(one.points) for one in found])


def _labels(
    head: Head, view: str, drawings: Sequence[Drawn], shown: str, looks: Mapping[str, Look]
) -> str:
    """Names of the patches, each in the view where it is largest, beside one another."""
    parts = []
    for drawn in drawings:
        words, taken = [], list[tuple[float, float, float]]()
        for name, shape in drawn.shapes.items():
            place = _place(head, shape)
            if place is None or place[0] != view:
                continue
            x, y = _free(place, 0.5 * _LETTER_MM * max(len(name), _FIGURE_LETTERS), taken)
            mark, look = escape(name), looks.get(name, Look(None))
            words.append(
                f'<text class="patch-name" x="{x:.1f}" y="{y:.1f}">{mark}'
                f'<tspan class="patch-value" x="{x:.1f}" dy="1.15em" data-label="{mark}">'
                f"{escape(look.label)}</tspan></text>"
            )
        off = ' display="none"' if drawn.key != shown else ""
        parts.append(f'<g data-drawing="{escape(drawn.key)}"{off}>{"".join(words)}</g>')
    return "".join(parts)


def _free(
    place: tuple[str, float, float, float], half: float, taken: list[tuple[float, float, float]]
) -> tuple[float, float]:
    """Place of a label below its patch, else above it, else farther below; noted as taken."""
    _, x, top, bottom = place
    tries = (bottom + _LABEL_MM, top - _TWO_LINES_MM + 3.0, bottom + _LABEL_MM + _TWO_LINES_MM)
    y = next(
        (at for at in tries
         if all(abs(at - other) >= _TWO_LINES_MM or abs(x - middle) >= half + width
                for middle, other, width in taken)),
        tries[0],
    )  # fmt: skip
    taken.append((x, y, half))
    return x, y


@lru_cache(maxsize=512)
def _place(head: Head, shape: PatchShape) -> tuple[str, float, float, float] | None:
    """View in which a patch is largest; its middle, upper and lower edge there [mm]."""
    best: tuple[float, str, float, float, float] | None = None
    for view in VIEWS:
        for ring in (outline_ring(head, outline, view) for outline in shape.outlines):
            if len(ring) < 3:
                continue
            (x_low, top), (x_high, bottom) = ring.min(axis=0), ring.max(axis=0)
            area = float((x_high - x_low) * (bottom - top))
            if best is None or area > best[0] * 1.02:
                best = (area, view, float(x_low + x_high) / 2, float(top), float(bottom))
    if best is None and shape.masks:
        return shape.masks[0].view, 80.0, 70.0, 80.0
    return None if best is None else best[1:]


def _path(rings: Iterable[Array], *, closed: bool = True) -> str:
    end = "Z" if closed else ""
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _thinned(ring)) + end
        for ring in rings if len(ring)
    )  # fmt: skip


def _thinned(line: Array) -> Array:
    """Line without points nearer to the one before than a screen shows; its ends stay."""
    gaps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(gaps)])
    kept = np.flatnonzero(np.diff(np.floor(along / _POINT_MM), prepend=-1.0))
    thinned: Array = line[np.union1d(kept, [len(line) - 1])]
    return thinned
