"""From cells back to pictures: pixels and outlines."""

import numpy as np
import pytest

import anagen.scalp
from anagen.errors import InputError
from anagen.scalp import (
    VIEWS,
    PatchShape,
    ViewPoint,
    area_cm2,
    build_scalp,
    circle_outline,
    cover_outlines,
    disc,
    frame,
    patch_cells,
    picture_cells,
    project,
    visible_cells,
)

SCALP = build_scalp()


@pytest.mark.parametrize("view", VIEWS)
def test_pixels_show_the_cells_that_project_there(view: str) -> None:
    cells = picture_cells(SCALP, view, 2.0)
    rows, columns = np.nonzero(cells >= 0)
    shown = cells[rows, columns]
    picture = project(SCALP, SCALP.position[shown], view)
    middle = np.stack([columns + 0.5, rows + 0.5], axis=-1) * 2.0
    assert np.linalg.norm(picture - middle, axis=-1).max() < 4.0
    assert visible_cells(SCALP, view)[shown].mean() > 0.99
    width, height = frame(SCALP, view)
    assert cells.shape == (int(np.ceil(height / 2.0)), int(np.ceil(width / 2.0)))


def test_most_visible_cells_are_shown() -> None:
    shown = np.unique(picture_cells(SCALP, "top", 0.5))
    assert np.isin(np.flatnonzero(SCALP.normal[:, 2] > 0.5), shown).all()


@pytest.mark.parametrize("pixel", [0.0, -1.0, np.nan, 1e6])
def test_absurd_pixels_are_refused(pixel: float) -> None:
    with pytest.raises(InputError, match="pixel_mm"):
        picture_cells(SCALP, "top", pixel)


@pytest.mark.parametrize(
    ("view", "x", "y"), [("top", 80, 100), ("back", 60, 120), ("left", 90, 60)]
)
def test_outline_of_a_cover_draws_the_same_cover(view: str, x: float, y: float) -> None:
    drawn = patch_cells(SCALP, PatchShape(outlines=(circle_outline(view, x, y, 35),)))
    outlines = cover_outlines(SCALP, drawn, view)
    assert len(outlines) == 1
    again = patch_cells(SCALP, PatchShape(outlines=outlines))
    assert area_cm2(SCALP, again) == pytest.approx(area_cm2(SCALP, drawn), rel=0.03)
    assert np.abs(again - drawn).sum() < 0.06 * drawn.sum()
    radius = np.linalg.norm(np.array(outlines[0].points) - [x, y], axis=-1)
    assert radius == pytest.approx(17.5, abs=1.2)


def test_outlines_of_two_patches_and_of_a_hole() -> None:
    two = disc(SCALP, ViewPoint(view="top", x=60, y=100), 20.0) + disc(
        SCALP, ViewPoint(view="top", x=100, y=100), 20.0
    )
    assert len(cover_outlines(SCALP, two, "top")) == 2
    ring = disc(SCALP, ViewPoint(view="top", x=80, y=100), 50.0) - disc(
        SCALP, ViewPoint(view="top", x=80, y=100), 20.0
    )
    assert len(cover_outlines(SCALP, ring, "top")) == 2


def test_outline_at_the_edge_closes_along_it() -> None:
    _, height = frame(SCALP, "back")
    cover = disc(SCALP, ViewPoint(view="back", x=79.0, y=height - 2.0), 40.0)
    (outline,) = cover_outlines(SCALP, cover, "back")
    assert max(y for _, y in outline.points) > height - 2.0


def test_what_a_view_does_not_show_has_no_outline() -> None:
    cover = disc(SCALP, ViewPoint(view="left", x=90, y=60), 30.0)
    assert cover_outlines(SCALP, cover, "right") == ()


@pytest.mark.parametrize("view", VIEWS)
def test_outline_of_the_whole_scalp_fills_the_frame(view: str) -> None:
    (outline,) = cover_outlines(SCALP, np.ones(len(SCALP.position)), view)
    points = np.array(outline.points)
    assert points.min(axis=0) == pytest.approx([0.0, 0.0], abs=1.5)
    assert points.max(axis=0) == pytest.approx(frame(SCALP, view), abs=1.5)


def test_saddles_of_the_contour_stay_closed() -> None:
    """A checkerboard has the case of four crossings everywhere."""
    board = ((SCALP.row // 4 + SCALP.column // 4) % 2).astype(float)
    for outline in cover_outlines(SCALP, board, "top"):
        points = np.array(outline.points)
        step = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=-1)
        assert step.max() < 25.0


def test_names_of_the_room_are_exported_and_documented() -> None:
    for name in anagen.scalp.__all__:
        assert getattr(anagen.scalp, name) is not None
        if callable(getattr(anagen.scalp, name)) and not name.startswith(("View", "Region", "Anc")):
            assert getattr(anagen.scalp, name).__doc__


def test_examples_of_the_docstrings_run() -> None:
    import doctest
    import importlib

    for name in ("distance", "grid", "patches", "pictures", "shapes", "surface", "views"):
        result = doctest.testmod(importlib.import_module(f"anagen.scalp.{name}"))
        assert result.failed == 0
