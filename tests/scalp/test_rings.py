"""Outlines as seen from other sides, held against the grid of cells."""

import numpy as np
import pytest

from anagen.scalp import VIEWS, PatchShape, build_scalp, circle_outline, cover_outlines, patch_cells
from anagen.scalp.rings import outline_ring, scalp_ring, seen_points
from anagen.scalp.views import ViewPoint


def area(points: np.ndarray) -> float:
    x, y = points.T
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)))


@pytest.mark.parametrize("view", VIEWS)
def test_the_ring_of_the_scalp_is_that_of_its_cells(view: str) -> None:
    scalp = build_scalp()
    cells = sum(area(np.array(ring.points))
                for ring in cover_outlines(scalp, np.ones(len(scalp.position)), view))  # type: ignore[arg-type]  # fmt: skip
    assert area(scalp_ring(scalp.head, view)) == pytest.approx(cells, rel=0.01)


@pytest.mark.parametrize(("x", "y"), [(80.0, 90.0), (45.0, 120.0), (80.0, 165.0), (120.0, 60.0)])
@pytest.mark.parametrize("view", VIEWS)
def test_a_patch_drawn_from_above_is_seen_from_all_sides(x: float, y: float, view: str) -> None:
    scalp = build_scalp()
    outline = circle_outline("top", x, y, 30.0)
    cover = patch_cells(scalp, PatchShape(outlines=(outline,)))
    cells = sum(area(np.array(ring.points)) for ring in cover_outlines(scalp, cover, view))  # type: ignore[arg-type]
    ring = outline_ring(scalp.head, outline, view)
    assert (area(ring) if len(ring) else 0.0) == pytest.approx(cells, rel=0.06, abs=12.0)


def test_a_patch_on_the_other_side_is_out_of_sight() -> None:
    head = build_scalp().head
    left = circle_outline("left", 60.0, 50.0, 20.0)
    assert len(outline_ring(head, left, "right")) == 0


def test_marked_points_stay_where_they_are_and_hide_behind_the_head() -> None:
    head = build_scalp().head
    point = ViewPoint(view="left", x=60.0, y=50.0)
    assert seen_points(head, [point], "left").tolist() == [pytest.approx([60.0, 50.0])]
    assert len(seen_points(head, [point], "right")) == 0
    assert len(seen_points(head, [], "top")) == 0
