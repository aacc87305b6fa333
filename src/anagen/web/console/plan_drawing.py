"""Patches of a plan enlarged, with numbered sites that can be moved; as SVG."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from anagen.scalp.rings import _lifted, outline_ring, scalp_ring
from anagen.scalp.shapes import PatchShape
from anagen.scalp.surface import Array, Head, beyond_hairline
from anagen.scalp.views import _AXES, ViewPoint, _bounds
from anagen.treatment.injections import Injection
from anagen.web.console.texts import Texts

if TYPE_CHECKING:
    from anagen.scalp import Scalp

# Room around what is drawn, least width of a picture, and size of a dot [mm] on the picture.
_MARGIN_MM, _LEAST_SPAN_MM, _LEAST_DOT_MM, _MOST_DOT_MM = 9.0, 44.0, 1.3, 3.3
# Sites turned farther from the viewer than this (cosine) get a picture of their own.
_LEAST_FACING = 0.3
# Off the hairline by less than this is where the hand drew it [mm].
_HAND_MM = 1.0
_BAR_MM = 10.0


@dataclass(frozen=True)
class CloseUp:
    """One patch, enlarged.

    Parameters
    ----------
    title : in words; count : sites on it.
    svg : the picture; wide : whether it needs the whole width.
    """

    title: str
    count: int
    svg: Markup
    wide: bool


def close_ups(
    head: Head, shapes: Mapping[str, PatchShape], sites: Sequence[Injection], texts: Texts, *,
    movable: bool, scalp: "Scalp | None" = None,
) -> tuple[CloseUp, ...]:  # fmt: skip
    """Draw every patch that has sites, enlarged.

    Parameters
    ----------
    head : of the person; shapes : outlines by id of the patch.
    sites : of one session; texts : in the reader's language.
    movable : whether sites can be taken by mouse, finger or arrow keys.
    scalp : its grid, needed for masks only.
    """
    placed = _placed(head, sites)
    return tuple(
        _close_up(head, view, patch, group, shapes, texts, movable, scalp)
        for (patch, view), group in placed.items()
    )


def is_on_scalp(head: Head, point: ViewPoint) -> bool:
    """Whether a point drawn in a view lies on hair-bearing skin, to the accuracy of a hand."""
    place = _space(head, [point])
    flat = place[0] @ _AXES[point.view][:2].T - _bounds(head, point.view)[0]
    own = np.array((point.x, point.y))
    beside = float(np.linalg.norm(flat - own))
    return beside < _HAND_MM and float(beyond_hairline(head, place)[0]) < _HAND_MM


def seen_in(head: Head, view: str, sites: Sequence[Injection]) -> bool:
    """Whether a view shows any of the sites."""
    if not sites:
        return False
    return bool((_facing(head, _space(head, [s.location for s in sites]), view)
                 > _LEAST_FACING).any())  # fmt: skip


def _space(head: Head, points: Sequence[ViewPoint]) -> Array:
    """Places (point, 3) [mm] behind points drawn in views."""
    found = []
    for point in points:
        size = _bounds(head, point.view)[1] if point.unit == "fraction" else 1.0
        found.append(_lifted(head, point.view, np.array([[point.x, point.y]]) * size)[0])
    return np.array(found).reshape(-1, 3)


def _facing(head: Head, space: Array, view: str) -> Array:
    gradient = space / np.array(head.semi_axes) ** 2
    cosine: Array = gradient @ _AXES[view][2] / np.linalg.norm(gradient, axis=-1)
    return cosine


def _placed(
    head: Head, sites: Sequence[Injection]
) -> dict[tuple[str, str], list[tuple[Injection, Array]]]:
    """Sites by patch and the view they are drawn in, with their places in it."""
    placed: dict[tuple[str, str], list[tuple[Injection, Array]]] = {}
    patches = dict.fromkeys(site.patch or "" for site in sites)
    for patch in patches:
        own = [site for site in sites if (site.patch or "") == patch]
        space = _space(head, [site.location for site in own])
        main = Counter(site.location.view for site in own).most_common(1)[0][0]
        good = _facing(head, space, main) > _LEAST_FACING
        for site, place, fits in zip(own, space, good, strict=True):
            view = main if fits else site.location.view
            flat = place @ _AXES[view][:2].T - _bounds(head, view)[0]
            placed.setdefault((patch, view), []).append((site, flat))
    return placed


def _close_up(
    head: Head, view: str, patch: str, group: Sequence[tuple[Injection, Array]],
    shapes: Mapping[str, PatchShape], texts: Texts, movable: bool, scalp: "Scalp | None",
) -> CloseUp:  # fmt: skip
    rings = {name: _rings(head, view, shape, scalp) for name, shape in shapes.items()}
    spots = np.array([flat for _, flat in group])
    low, size = _box(spots, rings.get(patch, []))
    title = texts.text("Patch %(patch)s", patch=patch) if patch else texts.text("Free sites")
    radius = _dot(spots)
    inside = (
        f'<rect class="skin" x="{low[0]:.1f}" y="{low[1]:.1f}" width="{size[0]:.1f}" '
        f'height="{size[1]:.1f}"/><path class="scalp" d="{_path([scalp_ring(head, view)])}"/>'
        + "".join(
            f'<path class="patch{"" if name == patch else " other"}" fill-rule="evenodd" '
            f'd="{_path(ring)}"/>'
            for name, ring in rings.items() if len(ring)
        )
        + _bar(low, size, texts.text("front") if view == "top" else texts.text("crown"))
        + "".join(_site(site, flat, view, radius, texts, movable) for site, flat in group)
    )  # fmt: skip
    svg = Markup(
        '<svg class="close-up" viewBox="{box}" role="group" aria-label="{title}" '
        'data-view="{view}">{inside}</svg>'
    ).format(
        box=f"{low[0]:.1f} {low[1]:.1f} {size[0]:.1f} {size[1]:.1f}",
        title=title,
        view=view,
        inside=Markup(inside),
    )
    return CloseUp(title, len(group), svg, wide=bool(size.max() > 2.2 * _LEAST_SPAN_MM))


def _rings(head: Head, view: str, shape: PatchShape, scalp: "Scalp | None") -> list[Array]:
    if shape.masks and scalp is not None:
        from anagen.scalp import cover_outlines, patch_cells

        found = cover_outlines(scalp, patch_cells(scalp, shape), view)  # type: ignore[arg-type]
        return [np.asarray(one.points) for one in found]
    rings = [outline_ring(head, outline, view) for outline in shape.outlines]
    return [ring for ring in rings if len(ring)]


def _box(spots: Array, rings: Sequence[Array]) -> tuple[Array, Array]:
    """Top-left corner and size [mm] of a picture, no narrower or flatter than pleases the eye."""
    points = np.concatenate([spots, *rings]) if len(rings) else spots
    low, high = points.min(axis=0) - _MARGIN_MM, points.max(axis=0) + _MARGIN_MM
    size = np.maximum(high - low, _LEAST_SPAN_MM)
    size = np.maximum(size, np.array([0.75 * size[1], 0.62 * size[0]]))
    return (low + high) / 2 - size / 2, size


def _dot(spots: Array) -> float:
    if len(spots) < 2:
        return _MOST_DOT_MM
    gaps = np.linalg.norm(spots[:, None] - spots[None], axis=-1)
    np.fill_diagonal(gaps, np.inf)
    return float(np.clip(0.4 * gaps.min(), _LEAST_DOT_MM, _MOST_DOT_MM))


def _site(
    site: Injection, flat: Array, view: str, radius: float, texts: Texts, movable: bool
) -> str:  # fmt: skip
    number, x, y = site.number, float(flat[0]), float(flat[1])
    name = texts.text("Site %(number)s, patch %(patch)s", number=number, patch=site.patch or "–")
    extra = ' tabindex="0" role="button" data-movable' if movable else ' role="img"'
    return (
        f'<g class="site {site.status}" data-site="{number}" data-view="{view}"{extra} '
        f'aria-label="{escape(name)}" transform="translate({x:.2f} {y:.2f})">'
        f'<circle class="reach" r="{max(radius, 2.6):.2f}"/>'
        f'<circle class="dot" r="{radius:.2f}"/>'
        f'<text font-size="{radius * (1.25 if number < 100 else 0.95):.2f}" '
        f'text-anchor="middle" dy="0.36em">{number}</text></g>'
    )


def _bar(low: Array, size: Array, up: str) -> str:
    x, y = low[0] + size[0] - 3.0 - _BAR_MM, low[1] + size[1] - 3.0
    letter = max(size[0] / 22.0, 2.2)
    return (
        f'<path class="bar" d="M{x:.1f} {y:.1f}h{_BAR_MM:g}"/>'
        f'<text class="bar-word" font-size="{letter:.1f}" text-anchor="middle" '
        f'x="{x + _BAR_MM / 2:.1f}" y="{y - 1.4:.1f}">1 cm</text>'
        f'<text class="bar-word" font-size="{letter:.1f}" x="{low[0] + 2:.1f}" '
        f'y="{low[1] + 1.0 + letter:.1f}">↑ {escape(up)}</text>'
    )


def _path(rings: Iterable[Array]) -> str:
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in rings if len(ring)
    )
