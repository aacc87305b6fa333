"""The four pictures of the one surface and the way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.scalp import (
    VIEWS,
    ViewPoint,
    best_view,
    build_scalp,
    facing,
    frame,
    locate,
    locate_points,
    on_scalp,
    project,
    view_point,
    visible_cells,
)

SCALP = build_scalp()


@pytest.mark.parametrize("view", VIEWS)
def test_frame_bounds_the_scalp(view: str) -> None:
    picture = project(SCALP, SCALP.position, view)
    size = np.array(frame(SCALP, view))
    assert np.all(picture > -1.0)
    assert np.all(picture < size + 1.0)
    # Cells stretch at the hairline, so the outermost centre is up to 3 mm inside.
    assert np.all(picture.min(axis=0) < 3.0)
    assert np.all(picture.max(axis=0) > size - 3.0)


def test_frame_does_not_depend_on_the_grid() -> None:
    for view in VIEWS:
        assert frame(build_scalp(cell_mm=4.0), view) == frame(SCALP, view)


def test_views_look_from_their_sides() -> None:
    """Nose up in the top view, to the left in the left view; the patient's left on the left."""
    nose, left, crown = np.array([[0.0, 99.0, 0.0], [-79.0, 0.0, 0.0], [0.0, 0.0, 129.0]])
    middle = np.zeros(3)
    top, back, at_left, at_right = (
        lambda p, v=v: project(SCALP, p, v) - project(SCALP, middle, v) for v in VIEWS
    )
    assert top(nose) == pytest.approx([0.0, -99.0])
    assert top(left) == pytest.approx([-79.0, 0.0])
    assert back(left) == pytest.approx([-79.0, 0.0])
    assert back(crown) == pytest.approx([0.0, -129.0])
    assert at_left(nose) == pytest.approx([-99.0, 0.0])
    assert at_left(crown) == pytest.approx([0.0, -129.0])
    assert at_right(nose) == pytest.approx([99.0, 0.0])
    assert at_right(crown) == pytest.approx([0.0, -129.0])


@pytest.mark.parametrize("view", VIEWS)
def test_near_side_there_and_back(view: str) -> None:
    seen = SCALP.position[visible_cells(SCALP, view) & on_scalp(SCALP, SCALP.position)]
    assert locate_points(SCALP, view, project(SCALP, seen, view)) == pytest.approx(seen, abs=1e-6)


@pytest.mark.parametrize("view", VIEWS)
def test_far_side_is_hidden_by_the_near_side(view: str) -> None:
    away = np.flatnonzero(facing(SCALP, SCALP.position, view) < -0.3)[::50]
    picture = project(SCALP, SCALP.position[away], view)
    for index, point in zip(away, picture, strict=True):
        try:
            near = locate_points(SCALP, view, [point])[0]
        except InputError:
            continue  # The hairline ends higher on the near side.
        assert facing(SCALP, near, view) >= 0.0
        assert np.linalg.norm(near - SCALP.position[index]) > 5.0


def test_fractions_are_of_the_frame() -> None:
    width, height = frame(SCALP, "back")
    by_fraction = locate(SCALP, ViewPoint(view="back", x=0.4, y=0.3, unit="fraction"))
    by_length = locate(SCALP, ViewPoint(view="back", x=0.4 * width, y=0.3 * height))
    assert by_fraction == pytest.approx(by_length)


def test_every_cell_is_seen_and_comes_back_from_its_best_view() -> None:
    seen = np.any([visible_cells(SCALP, view) for view in VIEWS], axis=0)
    # What only a view from the front or from below would show.
    assert seen.mean() > 0.97
    for index in np.flatnonzero(seen & on_scalp(SCALP, SCALP.position))[::97]:
        for unit in ("mm", "fraction"):
            point = view_point(SCALP, SCALP.position[index], unit=unit)
            assert locate(SCALP, point) == pytest.approx(SCALP.position[index], abs=1e-6)


def test_best_view_is_the_squarest() -> None:
    assert best_view(SCALP, np.array([0.0, 0.0, 129.0])) == "top"
    assert best_view(SCALP, np.array([79.0, 0.0, 5.0])) == "right"
    assert best_view(SCALP, np.array([-79.0, 0.0, 5.0])) == "left"
    assert best_view(SCALP, np.array([0.0, -99.0, 0.0])) == "back"


@pytest.mark.parametrize(
    ("point", "found"),
    [
        (ViewPoint(view="top", x=-5.0, y=90.0), "one at (-5, 90)"),
        (ViewPoint(view="top", x=1.0, y=1.0), "one at (1, 1)"),
        (ViewPoint(view="left", x=10.0, y=200.0), "one at (10, 200)"),
        (ViewPoint(view="back", x=50.0, y=50.0, unit="fraction"), "one at (50, 50)"),
        (ViewPoint(view="back", x=float("nan"), y=50.0), "1 of 1 points not a number"),
        (ViewPoint(view="back", x=1e308, y=50.0), "one at (1e+308, 50)"),
    ],
)
def test_points_off_the_scalp_are_refused(point: ViewPoint, found: str) -> None:
    with pytest.raises(InputError) as caught:
        locate(SCALP, point, "plan.json: sessions[0]")
    problem = caught.value.problems[0]
    assert problem.place == "plan.json: sessions[0]"
    assert problem.found == found
    assert problem.remedy


def test_message_counts_the_points_off_the_scalp() -> None:
    with pytest.raises(InputError, match=r"2 of 3 points off it, the first at \(-20, 90\)"):
        locate_points(SCALP, "top", [[80, 90], [-20, 90], [500, 90]])


def test_a_point_just_off_the_edge_is_meant_for_it() -> None:
    _, height = frame(SCALP, "back")
    below = locate(SCALP, ViewPoint(view="back", x=79.0, y=height + 1.0))
    assert on_scalp(SCALP, below)
    assert project(SCALP, below, "back") == pytest.approx([79.0, height], abs=0.2)
    rim = locate(SCALP, ViewPoint(view="top", x=-1.5, y=94.0))
    assert on_scalp(SCALP, rim)
    assert project(SCALP, rim, "top") == pytest.approx([0.0, 94.0], abs=0.2)
    with pytest.raises(InputError):
        locate(SCALP, ViewPoint(view="back", x=79.0, y=height + 4.0))


@pytest.mark.parametrize("points", [[["a", 1]], [[1, 2, 3]], "ab", [[1], [2, 3]]])
def test_points_that_are_no_pairs_are_refused(points: object) -> None:
    with pytest.raises(InputError, match="pairs of numbers"):
        locate_points(SCALP, "top", points)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="one of top, back, left, right"):
        project(SCALP, SCALP.position, "front")
    with pytest.raises(InputError, match="one of top, back, left, right"):
        visible_cells(SCALP, "front")
    with pytest.raises(InputError, match="'mm' or 'fraction'"):
        locate_points(SCALP, "top", [[0.5, 0.5]], unit="inch")


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.sampled_from(VIEWS), st.floats(), st.floats(), st.sampled_from(["mm", "fraction"]))
def test_any_point_is_located_or_refused(view: str, x: float, y: float, unit: str) -> None:
    try:
        position = locate(SCALP, ViewPoint(view=view, x=x, y=y, unit=unit))
    except InputError:
        return
    assert np.sum((position / SCALP.head.semi_axes) ** 2) == pytest.approx(1.0)
    assert on_scalp(SCALP, position)
    assert facing(SCALP, position, view) >= -1e-9
