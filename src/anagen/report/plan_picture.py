"""The injection plan: patches and numbered sites on the four views, and each patch enlarged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.report.head import View, close_camera, silhouette
from anagen.report.raster import Camera
from anagen.report.strands import Array, Ellipsoid
from anagen.report.style import (
    BLOCKED,
    INK,
    MUTED,
    PAPER,
    PATCH,
    SCALP,
    SKIN,
    TREATED,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from anagen.scalp import Scalp
    from anagen.treatment.injections import Injection, Plan

_SHORT_BAR_MM, _LONG_BAR_MM = 10.0, 50.0
_DOT_MM = 3.1
_MARGIN_MM, _LEAST_SPAN_MM, _MOST_REACH_MM = 11.0, 44.0, 62.0
_VIEW_TITLE = {
    "top": "Top (nose up)", "back": "Back", "left": "Left side", "right": "Right side",
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """A figure with a name, a title and a description in words."""

    key: str
    title: str
    description: str
    figure: "Figure"


@dataclass(frozen=True)
class Layout:
    """Sessions that share the same sites.

    Parameters
    ----------
    sessions : their numbers, from 1.
    injections : the sites of each of them.
    """

    sessions: tuple[int, ...]
    injections: tuple["Injection", ...]

    @property
    def title(self) -> str:
        """Which sessions, in words."""
        return f"session{'s' if len(self.sessions) > 1 else ''} {number_words(self.sessions)}"


def number_words(numbers: Sequence[int]) -> str:
    """Numbers in words, runs shortened.

    Examples
    --------
    >>> number_words([1, 2, 3, 5])
    '1–3 and 5'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [
        part
        for run in runs
        for part in ([f"{run[0]}–{run[-1]}"] if len(run) > 2 else [str(n) for n in run])
    ]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def layouts(plan: "Plan") -> list[Layout]:
    """Group the sessions of a plan by where their sites lie."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, session in enumerate(plan.sessions, start=1):
        key = tuple((site.number, site.location, site.patch) for site in session.injections)
        groups.setdefault(key, []).append(number)
    return [
        Layout(tuple(numbers), plan.sessions[numbers[0] - 1].injections)
        for key, numbers in groups.items()
        if key
    ]


def plan_drawings(
    scalp: "Scalp",
    plan: "Plan",
    patches: Mapping[str, Array],
    blocked: Mapping[str, str],
) -> list[Drawing]:
    """Draw the four views, then each patch with its sites, layout by layout.

    Parameters
    ----------
    scalp : the surface.
    plan : whose sites.
    patches : (cell,) share of each cell inside the patch, by patch.
    blocked : why a patch must not be injected, by patch.
    """
    patches = {name: _smooth(scalp, share) for name, share in patches.items()}
    groups = layouts(plan)
    first = groups[0].injections if groups else ()
    views: tuple[View, ...] = ("top", "back", "left", "right")
    drawings = [_view(scalp, view, first, patches, blocked) for view in views]
    for layout in groups:
        for patch in patches:
            sites = [site for site in layout.injections if site.patch == patch]
            parts = _parts(scalp, sites)
            drawings += [
                _inset(scalp, layout, patch, part, patches=patches, part=number if parts[1:] else 0)
                for number, part in enumerate(parts, start=1)
            ]
    return drawings


def _parts(scalp: "Scalp", sites: Sequence["Injection"]) -> list[list["Injection"]]:
    """Split the sites of a patch, in the order of the hand, into parts that fit one drawing."""
    from anagen.scalp import locate

    parts: list[list[Injection]] = []
    positions: list[Array] = []
    for site in sites:
        position = np.asarray(locate(scalp, site.location), dtype=float)
        reach = [float(np.linalg.norm(position - other)) for other in positions]
        if not parts or max(reach) > _MOST_REACH_MM:
            parts.append([])
            positions = []
        parts[-1].append(site)
        positions.append(position)
    return parts


def _smooth(scalp: "Scalp", share: Array) -> Array:
    """Share (cell,) of a patch averaged over the nearest cells, for a calm outline."""
    from scipy.spatial import cKDTree

    position = np.asarray(scalp.position, dtype=float)
    near = np.flatnonzero(share > 0.0)
    smooth = np.zeros(len(share))
    if not len(near):
        return smooth
    around = np.unique(np.concatenate(cKDTree(position).query_ball_point(
        position[near], 2.0 * scalp.cell_mm)).astype(int))  # fmt: skip
    gap, index = cKDTree(position).query(position[around], k=25)
    weight = np.exp(-0.5 * (gap / (0.9 * scalp.cell_mm)) ** 2)
    smooth[around] = np.sum(weight * share[index], axis=1) / weight.sum(axis=1)
    return smooth


def _view(
    scalp: "Scalp",
    view: View,
    injections: Sequence["Injection"],
    patches: Mapping[str, Array],
    blocked: Mapping[str, str],
) -> Drawing:
    from anagen.scalp import locate, project

    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes, dtype=float))
    figure, axes = _canvas(3.3, 3.3)
    centre = project(scalp, np.zeros((1, 3)), view)[0]
    _mannequin(axes, scalp, view, ellipsoid, centre)
    names = []
    for name, share in patches.items():
        if _outline_patch(axes, scalp, view, share, name in blocked):
            names.append(name)
            _name_patch(axes, scalp, view, name, share)
    near = [
        (site, project(scalp, position[None], view)[0])
        for site in injections
        for position in [np.asarray(locate(scalp, site.location), dtype=float)]
        if _faces(scalp, position, view)
    ]
    _small_dots(axes, near)
    low, high = _limits(view, ellipsoid, centre)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(high[1], low[1])
    _bar(axes, _LONG_BAR_MM, at_left=view == "right")
    seen = f"patches {', '.join(names)}" if names else "no patch"
    description = f"{_VIEW_TITLE[view]} of the head: {seen}, {len(near)} injection sites in sight."
    return Drawing(f"plan-{view}", _VIEW_TITLE[view], description, figure)


def _canvas(width: float, height: float) -> tuple["Figure", "Axes"]:
    figure = new_figure(width, height)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure, axes


def _mannequin(
    axes: "Axes", scalp: "Scalp", view: View, ellipsoid: Ellipsoid, centre: Array
) -> None:
    from anagen.scalp import cover_outlines

    shapes, lines = silhouette(view, ellipsoid)
    for shape in shapes:
        axes.fill(*(shape + centre).T, facecolor=SKIN, edgecolor=MUTED, linewidth=1.0)
    for shape in shapes:
        axes.fill(*(shape + centre).T, facecolor=SKIN, linewidth=0)
    ear_on_top = view in ("left", "right")
    for ring in cover_outlines(scalp, np.ones(len(scalp.position)), view):
        axes.fill(*np.array(ring.points).T, facecolor=SCALP, edgecolor=MUTED, linewidth=0.6)
    for index in range(4):
        inside = (np.asarray(scalp.region) == index).astype(float)
        for ring in cover_outlines(scalp, inside, view):
            corner = np.array([*ring.points, ring.points[0]])
            axes.plot(*corner.T, color=MUTED, linewidth=0.45, linestyle=(0, (2, 3)))
    if ear_on_top:
        ear = shapes[-1] + centre
        axes.fill(*ear.T, facecolor=SKIN, edgecolor=MUTED, linewidth=0.9, zorder=2.2)
    for line in lines:
        axes.plot(*(line + centre).T, color=MUTED, linewidth=0.9, zorder=2.3)


def _outline_patch(
    axes: "Axes", scalp: "Scalp", view: View, share: Array, is_blocked: bool
) -> bool:
    from anagen.scalp import cover_outlines

    rings = cover_outlines(scalp, share, view)
    for ring in rings:
        corner = np.array(ring.points)
        if is_blocked:
            axes.fill(*corner.T, facecolor="none", edgecolor=BLOCKED, linewidth=1.2,
                      hatch="////", zorder=3)  # fmt: skip
        else:
            axes.fill(*corner.T, facecolor=PAPER, alpha=0.85, linewidth=0, zorder=3)
            axes.fill(*corner.T, facecolor="none", edgecolor=PATCH, linewidth=1.6, zorder=3)
    return bool(rings)


def _faces(scalp: "Scalp", position: Array, view: View) -> bool:
    from anagen.scalp import facing

    return bool(np.ravel(facing(scalp, position[None], view))[0] > 0.12)


def _name_patch(axes: "Axes", scalp: "Scalp", view: View, name: str, share: Array) -> None:
    from anagen.scalp import project, visible_cells

    seen = (share > 0.5) & visible_cells(scalp, view)
    if not seen.any():
        return
    points = project(scalp, np.asarray(scalp.position)[seen], view)
    highest = points[points[:, 1] < points[:, 1].min() + 3.0]
    x, y = float(highest[:, 0].mean()), float(points[:, 1].min()) - 3.0
    axes.text(x, y, _short(name), ha="center", va="bottom", fontsize=10, fontweight="bold",
              color=PATCH, zorder=6, parse_math=False)  # fmt: skip


def _short(name: str, limit: int = 14) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"


def _small_dots(axes: "Axes", near: Sequence[tuple["Injection", Array]]) -> None:
    for site, point in near:
        axes.plot(point[0], point[1], "o", markersize=3.4, color=TREATED, zorder=5,
                  markerfacecolor="none" if site.status == "skipped" else TREATED)  # fmt: skip


def _limits(view: View, ellipsoid: Ellipsoid, centre: Array) -> tuple[Array, Array]:
    from anagen.report.head import head_camera

    camera = head_camera(view, ellipsoid, 1, 1.0)
    low = np.array([camera.left_mm, camera.top_mm]) + centre
    return low, low + np.array([camera.width_mm, camera.height_mm])


def _bar(axes: "Axes", length_mm: float, at_left: bool = False) -> None:
    (left, right), (foot, top) = axes.get_xlim(), axes.get_ylim()
    span = right - left
    x = left + 0.04 * span if at_left else right - 0.04 * span - length_mm
    y = foot + 0.045 * (top - foot)
    axes.plot([x, x + length_mm], [y, y], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=9)
    axes.text(x + length_mm / 2, y + 0.018 * (top - foot), f"{length_mm / 10:g} cm", ha="center",
              va="bottom", fontsize=8.5, color=INK, zorder=9)  # fmt: skip


def _inset(
    scalp: "Scalp",
    layout: Layout,
    patch: str,
    sites: Sequence["Injection"],
    *,
    patches: Mapping[str, Array],
    part: int,
) -> Drawing:
    from anagen.scalp import locate

    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes, dtype=float))
    position = np.asarray(scalp.position, dtype=float)
    at = np.array([locate(scalp, site.location) for site in sites], dtype=float)
    whole = position[patches[patch] > 0.5]
    core = at if part else np.concatenate((whole, at))
    middle = core.mean(axis=0)
    middle = middle / np.sqrt(np.sum((middle / ellipsoid.semi_axes) ** 2))
    camera = close_camera(ellipsoid, middle, 1.0, 1)
    axis = np.stack((camera.right, camera.down), axis=1)
    spots, extent = at @ axis, core @ axis
    low, high = extent.min(axis=0) - _MARGIN_MM, extent.max(axis=0) + _MARGIN_MM
    half = max(float((high - low).max()), _LEAST_SPAN_MM) / 2.0
    centre = (low + high) / 2.0
    figure, axes = _canvas(3.3, 3.3)
    _patches_flat(axes, position, camera, patches=patches, main=patch, centre=centre, half=half)
    _numbers(axes, sites, spots, half)
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[1] + half, centre[1] - half)
    _bar(axes, _SHORT_BAR_MM)
    up = "front" if camera.toward[2] > 0.75 else "crown"
    axes.text(centre[0] - 0.94 * half, centre[1] - 0.94 * half, f"↑ {up}", fontsize=8.5,
              color=MUTED, ha="left", va="top", zorder=9)  # fmt: skip
    numbers = number_words([site.number for site in sites])
    title = f"Patch {patch}, {layout.title}" + (f", sites {numbers}" if part else "")
    key = f"inset-{layout.sessions[0]}-{list(patches).index(patch) + 1}"
    key += f"-{part}" if part else ""
    return Drawing(key, title, f"{title}: sites {numbers}.", figure)


def _patches_flat(
    axes: "Axes",
    position: Array,
    camera: Camera,
    *,
    patches: Mapping[str, Array],
    main: str,
    centre: Array,
    half: float,
) -> None:
    """Outline the patches near one, flattened into the plane that touches the scalp there."""
    from matplotlib.tri import Triangulation

    flat = position @ np.stack((camera.right, camera.down), axis=1)
    near = np.all(np.abs(flat - centre) < 1.3 * half, axis=1) & (position @ camera.toward > 0)
    axes.set_facecolor(SCALP)
    axes.fill([centre[0] - half, centre[0] + half, centre[0] + half, centre[0] - half],
              [centre[1] - half, centre[1] - half, centre[1] + half, centre[1] + half],
              facecolor=SCALP, linewidth=0)  # fmt: skip
    if near.sum() < 3:
        return
    grid = Triangulation(*flat[near].T)
    for name, share in patches.items():
        value = share[near]
        if value.max(initial=0.0) > 0.5 and value.min() < 0.5:
            colour = PATCH if name == main else MUTED
            axes.tricontourf(grid, value, levels=[0.5, 2.0], colors=[PAPER])
            axes.tricontour(grid, value, levels=[0.5], colors=[colour], linewidths=1.6)


def _numbers(axes: "Axes", sites: Sequence["Injection"], spots: Array, half: float) -> None:
    from matplotlib.patches import Circle

    radius = _DOT_MM
    if len(spots) > 1:
        gaps = np.linalg.norm(spots[:, None] - spots[None], axis=-1)
        np.fill_diagonal(gaps, np.inf)
        radius = float(np.clip(0.42 * gaps.min(), 0.02 * half, max(_DOT_MM, 0.045 * half)))
    size = float(np.clip(radius / half * 108.0, 6.0, 11.0))
    for site, (x, y) in zip(sites, spots, strict=True):
        skipped = site.status == "skipped"
        axes.add_patch(Circle((x, y), radius, facecolor=PAPER if skipped else TREATED,
                              edgecolor=TREATED, linewidth=1.0, zorder=5))  # fmt: skip
        axes.text(x, y, str(site.number), ha="center", va="center_baseline", fontsize=size,
                  fontweight="bold", color=TREATED if skipped else PAPER, zorder=6)  # fmt: skip
