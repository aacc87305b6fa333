"""Patches: area, overlap, size, margin, and every way a drawing can be wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.scalp import (
    VIEWS,
    Mask,
    Outline,
    PatchShape,
    ViewPoint,
    area_cm2,
    build_scalp,
    centroid,
    circle_outline,
    diameter_mm,
    disc,
    frame,
    geodesic_distance,
    locate,
    margin_cells,
    overlaps,
    patch_cells,
    patch_distance,
    project,
    shape_problems,
    view_point,
    visible_cells,
)

SCALP = build_scalp()
CROWN = ViewPoint(view="top", x=79.0, y=100.0)


def drawn(*outlines: Outline, masks: tuple[Mask, ...] = ()) -> np.ndarray:
    return patch_cells(SCALP, PatchShape(outlines=outlines, masks=masks))


def square(view: str, x: float, y: float, side: float, unit: str = "mm") -> Outline:
    points = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
    return Outline(view=view, points=points, unit=unit)


def box_area(view: str, x: float, y: float, side: float, steps: int = 200) -> float:
    """Area [mm2] of the surface behind a square of the picture: its flat area over the slope."""
    along = (np.arange(steps) + 0.5) / steps * side
    points = np.stack(np.meshgrid(x + along, y + along), axis=-1).reshape(-1, 2)
    position = np.stack([locate(SCALP, ViewPoint(view=view, x=a, y=b)) for a, b in points])
    gradient = position / np.square(SCALP.head.semi_axes)
    axis = {"top": 2, "back": 1, "left": 0, "right": 0}[view]
    slope = np.abs(gradient[:, axis]) / np.linalg.norm(gradient, axis=-1)
    return float(np.mean(1.0 / slope) * side**2)


@pytest.mark.parametrize(
    ("view", "x", "y"), [("top", 60.0, 80.0), ("back", 30.0, 120.0), ("left", 90.0, 60.0)]
)
def test_area_is_that_of_the_surface_behind_the_drawing(view: str, x: float, y: float) -> None:
    expected = box_area(view, x, y, 30.0, steps=40)
    assert expected > 30.0**2
    area = area_cm2(SCALP, drawn(square(view, x, y, 30.0))) * 100.0
    assert area == pytest.approx(expected, rel=0.01)


def test_area_is_smooth_in_the_outline() -> None:
    """A patch growing by a tenth of a millimetre at a time never loses or jumps."""
    sizes = np.arange(20.0, 24.0, 0.1)
    areas = [area_cm2(SCALP, drawn(circle_outline("top", 80, 100, size))) for size in sizes]
    steps = np.diff(areas)
    assert np.all(steps >= 0.0)
    assert steps.max() < 4.0 * np.mean(steps)


@pytest.mark.parametrize("cell_mm", [1.0, 2.0, 3.0])
def test_area_hardly_depends_on_the_grid(cell_mm: float) -> None:
    scalp = build_scalp(cell_mm=cell_mm)
    shape = PatchShape(outlines=(circle_outline("right", 100, 60, 40),))
    fine = area_cm2(build_scalp(cell_mm=1.0), patch_cells(build_scalp(cell_mm=1.0), shape))
    assert area_cm2(scalp, patch_cells(scalp, shape)) == pytest.approx(fine, rel=0.01)


def test_fractions_and_millimetres_draw_the_same() -> None:
    width, height = frame(SCALP, "back")
    outline = circle_outline("back", 70, 110, 30)
    fractions = tuple((x / width, y / height) for x, y in outline.points)
    again = Outline(view="back", points=fractions, unit="fraction")
    assert np.abs(drawn(outline) - drawn(again)).max() <= 0.04 + 1e-6


def test_direction_and_repeated_points_do_not_matter() -> None:
    outline = circle_outline("top", 80, 100, 30)
    backward = Outline(view="top", points=outline.points[::-1])
    closed = Outline(view="top", points=(*outline.points, outline.points[0]))
    doubled = Outline(view="top", points=tuple(p for p in outline.points for _ in range(2)))
    for other in (backward, closed, doubled):
        assert np.array_equal(drawn(outline), drawn(other))


def test_a_patch_across_two_views_is_one_union() -> None:
    """The same disc, drawn as it appears in two views, counts once."""
    centre = SCALP.position[np.argmin(np.abs(SCALP.normal[:, 2] - 0.7) + (SCALP.position[:, 1] > 0)
                                      + np.abs(SCALP.position[:, 0]) / 100)]  # fmt: skip
    both = [project(SCALP, centre, view) for view in ("top", "back")]
    top, back = (
        circle_outline(view, *point, 30.0)
        for view, point in zip(("top", "back"), both, strict=True)
    )
    union = drawn(top, back)
    assert np.all(union >= np.maximum(drawn(top), drawn(back)) - 1e-6)
    assert area_cm2(SCALP, union) < area_cm2(SCALP, drawn(top)) + area_cm2(SCALP, drawn(back))
    assert np.all(union <= 1.0)


def test_only_the_near_side_is_drawn_on() -> None:
    cover = drawn(square("left", 60.0, 40.0, 40.0))
    assert SCALP.position[cover > 0][:, 0].max() < 0.0


def test_half_of_the_back_by_a_mask() -> None:
    left = patch_cells(SCALP, PatchShape(masks=(Mask(view="back", rows=("10",)),)))
    whole = patch_cells(SCALP, PatchShape(masks=(Mask(view="back", rows=("1",)),)))
    assert area_cm2(SCALP, left) == pytest.approx(0.5 * area_cm2(SCALP, whole), rel=1e-3)
    seen = visible_cells(SCALP, "back").sum() * SCALP.cell_area_mm2 / 100.0
    assert area_cm2(SCALP, whole) == pytest.approx(seen, rel=2e-3)
    assert SCALP.position[left > 0][:, 0].max() < 2.5


def test_mask_and_outline_of_one_square_agree() -> None:
    width, height = frame(SCALP, "top")
    rows = ["0" * 20 for _ in range(20)]
    for row in range(8, 12):
        rows[row] = "0" * 8 + "1" * 4 + "0" * 8
    by_mask = patch_cells(SCALP, PatchShape(masks=(Mask(view="top", rows=tuple(rows)),)))
    corners = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6))
    by_outline = drawn(Outline(view="top", points=corners, unit="fraction"))
    assert np.abs(by_mask - by_outline).sum() < 0.5
    flat = 0.2 * width * 0.2 * height / 100.0
    assert area_cm2(SCALP, by_mask) == pytest.approx(flat, rel=0.05)


def test_a_patch_at_the_edge_of_the_scalp() -> None:
    _, height = frame(SCALP, "back")
    outline = Outline(
        view="back", points=((65, height - 20), (95, height - 20), (95, height), (65, height))
    )
    area = area_cm2(SCALP, drawn(outline))
    assert 5.0 < area < 15.0
    assert 0 < margin_cells(SCALP, drawn(outline), 10.0).sum() < 1000
    at_edge = disc(SCALP, ViewPoint(view="back", x=79.0, y=height - 1.0), 30.0)
    assert 2.0 < area_cm2(SCALP, at_edge) < 5.0


@pytest.mark.parametrize("diameter", [5.0, 10.0, 30.0, 60.0])
@pytest.mark.parametrize("view", VIEWS)
def test_disc_has_its_area_and_diameter(view: str, diameter: float) -> None:
    centre = SCALP.position[np.argmax(SCALP.normal @ _toward(view))]
    cover = disc(SCALP, centre, diameter)
    flat = np.pi * diameter**2 / 400.0
    # A disc on a curved surface is smaller than a flat one.
    assert 0.97 * flat < area_cm2(SCALP, cover) < 1.02 * flat
    assert diameter_mm(SCALP, cover) == pytest.approx(diameter, abs=1.0)
    assert np.linalg.norm(centroid(SCALP, cover) - centre) < 1.0


def _toward(view: str) -> np.ndarray:
    return np.array(
        {"top": [0, 0, 1], "back": [0, -1, 0.2], "left": [-1, 0, 0.3], "right": [1, 0, 0.3]}[view]
    )


def test_disc_at_a_point_of_a_view_or_at_its_position() -> None:
    assert np.array_equal(disc(SCALP, CROWN, 20.0), disc(SCALP, locate(SCALP, CROWN), 20.0))


@pytest.mark.parametrize("diameter", [0.0, -3.0, np.nan, np.inf, 3000.0])
def test_disc_refuses_absurd_sizes(diameter: float) -> None:
    with pytest.raises(InputError, match="diameter_mm"):
        disc(SCALP, CROWN, diameter)
    if not 0.0 < diameter < np.inf:
        with pytest.raises(InputError, match="positive diameter"):
            circle_outline("top", 80, 100, diameter)


def test_disc_refuses_a_centre_off_the_scalp() -> None:
    with pytest.raises(InputError, match="on the scalp"):
        disc(SCALP, ViewPoint(view="left", x=10.0, y=200.0), 20.0)
    with pytest.raises(InputError, match="finite"):
        disc(SCALP, np.array([np.nan, 0.0, 0.0]), 20.0)


def test_distance_and_margin_of_a_disc() -> None:
    centre = locate(SCALP, CROWN)
    cover = disc(SCALP, CROWN, 30.0)
    distance = patch_distance(SCALP, cover)
    true = geodesic_distance(SCALP, SCALP.position, centre) - 15.0
    outside = (distance > 0.0) & (true < 50.0)
    assert distance[outside] == pytest.approx(true[outside], abs=1.2)
    assert np.all(distance[cover > 0.9] == 0.0)
    margin = margin_cells(SCALP, cover, 10.0)
    ring = np.pi * (25.0**2 - 15.0**2) / 100.0
    assert margin.sum() * SCALP.cell_area_mm2 / 100.0 == pytest.approx(ring, rel=0.06)
    assert not margin_cells(SCALP, cover, 0.0).any()


@pytest.mark.parametrize("width", [-1.0, np.nan, np.inf])
def test_margin_refuses_absurd_widths(width: float) -> None:
    with pytest.raises(InputError, match="width in mm"):
        margin_cells(SCALP, disc(SCALP, CROWN, 30.0), width)


def test_nothing_has_no_size() -> None:
    nothing = np.zeros(len(SCALP.position))
    assert area_cm2(SCALP, nothing) == diameter_mm(SCALP, nothing) == 0.0
    assert np.all(np.isinf(patch_distance(SCALP, nothing)))
    with pytest.raises(InputError, match="covers something"):
        centroid(SCALP, nothing)


def test_everything_has_the_size_of_the_scalp() -> None:
    whole = np.ones(len(SCALP.position))
    assert 250.0 < diameter_mm(SCALP, whole) < 400.0
    assert not margin_cells(SCALP, whole, 10.0).any()


def test_tiny_patches_still_have_a_place() -> None:
    cover = drawn(circle_outline("top", 80.0, 100.0, 1.5))
    assert 0.0 < area_cm2(SCALP, cover) < 0.05
    assert 0.0 < diameter_mm(SCALP, cover) < 5.0
    assert np.isfinite(patch_distance(SCALP, cover)).all()


@pytest.mark.parametrize(
    "cover", [np.ones(3), np.full(len(SCALP.position), np.nan), np.full(len(SCALP.position), 2.0)]
)
def test_covers_of_another_scalp_are_refused(cover: np.ndarray) -> None:
    with pytest.raises(InputError, match="one a cell"):
        area_cm2(SCALP, cover)


def test_overlaps_are_found_and_touching_is_none() -> None:
    a = drawn(square("top", 60.0, 80.0, 20.0))
    touching = drawn(square("top", 80.0, 80.0, 20.0))
    over = drawn(square("top", 75.0, 80.0, 20.0))
    far = drawn(square("top", 60.0, 130.0, 20.0))
    found = overlaps(SCALP, {"a": a, "touching": touching, "over": over, "far": far})
    assert set(found) == {("a", "over"), ("touching", "over")}
    assert found["a", "over"] == pytest.approx(1.0, rel=0.15)
    assert overlaps(SCALP, {"a": a, "b": a})["a", "b"] == pytest.approx(
        area_cm2(SCALP, a), rel=0.15
    )


BAD = [
    (Outline(view="top", points=()), "0 different points"),
    (Outline(view="top", points=((60, 60), (90, 60))), "2 different points"),
    (Outline(view="top", points=((60, 60), (90, 60), (60, 60), (90, 60))), "2 different points"),
    (Outline(view="top", points=((60, 60), (70, 70), (80, 80))), "all points on a line"),
    (
        Outline(view="top", points=((60, 60), (90, 90), (90, 60), (60, 90))),
        "it crosses itself at (75, 75)",
    ),
    (
        Outline(view="top", points=((60, 60), (90, 60), (float("nan"), 90), (1, float("inf")))),
        "2 of 4 points not a number",
    ),
    (
        Outline(view="top", points=((60, 60), (90, 60), (900, 90), (-60, 90))),
        "2 of 4 points off it, the first at (900, 90)",
    ),
    (
        Outline(view="left", points=((20, 180), (40, 180), (30, 200))),
        "3 of 3 points off it, the first at (20, 180)",
    ),
]


@pytest.mark.parametrize(("outline", "found"), BAD)
def test_bad_outlines_are_refused(outline: Outline, found: str) -> None:
    with pytest.raises(InputError) as caught:
        patch_cells(SCALP, PatchShape(outlines=(outline,)), "visits[0].patches[1].shape")
    problem = caught.value.problems[0]
    assert problem.place == "visits[0].patches[1].shape.outlines[0]"
    assert problem.found == found
    assert problem.expected
    assert problem.remedy


def test_crossing_is_told_in_the_unit_of_the_drawing() -> None:
    points = ((0.4, 0.4), (0.6, 0.6), (0.6, 0.4), (0.4, 0.6))
    outline = Outline(view="top", points=points, unit="fraction")
    problems = shape_problems(SCALP, PatchShape(outlines=(outline,)))
    assert problems[0].found == "it crosses itself at (0.5, 0.5)"


BAD_MASKS = [
    (Mask(view="back", rows=()), "an empty mask"),
    (Mask(view="back", rows=("",)), "an empty mask"),
    (Mask(view="back", rows=("01", "0")), "lengths from 1 to 2"),
    (Mask(view="back", rows=("0x", "01")), "the characters ['x']"),
    (Mask(view="back", rows=("00", "00")), "no '1' at all"),
    (Mask(view="left", rows=("000", "000", "100")), "every '1' beside the scalp"),
]


@pytest.mark.parametrize(("mask", "found"), BAD_MASKS)
def test_bad_masks_are_refused(mask: Mask, found: str) -> None:
    with pytest.raises(InputError) as caught:
        patch_cells(SCALP, PatchShape(masks=(mask,)), "shape")
    problem = caught.value.problems[0]
    assert (problem.place, problem.found) == ("shape.masks[0]", found)


def test_all_problems_of_a_shape_are_told() -> None:
    shape = PatchShape(
        outlines=tuple(outline for outline, _ in BAD), masks=tuple(mask for mask, _ in BAD_MASKS)
    )
    places = {problem.place for problem in shape_problems(SCALP, shape, "s")}
    assert places == {f"s.outlines[{i}]" for i in range(len(BAD))} | {
        f"s.masks[{i}]" for i in range(len(BAD_MASKS))
    }
    assert shape_problems(SCALP, PatchShape(), "s")[0].found == "none"


def test_shapes_survive_json() -> None:
    shape = PatchShape(outlines=(circle_outline("top", 80, 100, 30),),
                       masks=(Mask(view="back", rows=("01", "10")),))  # fmt: skip
    assert PatchShape.model_validate_json(shape.model_dump_json()) == shape


COORDINATE = st.one_of(st.floats(-20.0, 250.0), st.floats(0.0, 1.0), st.floats())


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.sampled_from(VIEWS),
    st.lists(st.tuples(COORDINATE, COORDINATE), max_size=7),
    st.sampled_from(["mm", "fraction"]),
)
def test_any_outline_gives_a_cover_or_a_message(
    view: str, points: list[tuple[float, float]], unit: str
) -> None:
    shape = PatchShape(outlines=(Outline(view=view, points=tuple(points), unit=unit),))
    try:
        cover = patch_cells(SCALP, shape)
    except InputError:
        return
    assert cover.dtype == np.float32
    assert 0.0 <= cover.min() <= cover.max() <= 1.0
    assert cover.any()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.sampled_from(VIEWS),
    st.lists(st.text(alphabet="01x", max_size=4), max_size=4),
)
def test_any_mask_gives_a_cover_or_a_message(view: str, rows: list[str]) -> None:
    try:
        cover = patch_cells(SCALP, PatchShape(masks=(Mask(view=view, rows=tuple(rows)),)))
    except InputError:
        return
    assert cover.any()


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.integers(0, len(SCALP.position) - 1), st.floats(3.0, 60.0))
def test_mirrored_discs_have_equal_areas(cell: int, diameter: float) -> None:
    """Symmetry of the scalp; the samples mirror as well."""
    cover = disc(SCALP, SCALP.position[cell], diameter)
    mirrored = disc(SCALP, SCALP.position[cell] * [-1.0, 1.0, 1.0], diameter)
    assert area_cm2(SCALP, cover) == pytest.approx(area_cm2(SCALP, mirrored), abs=0.01)


def test_view_point_of_a_centroid() -> None:
    cover = disc(SCALP, CROWN, 30.0)
    point = view_point(SCALP, centroid(SCALP, cover), view="top")
    assert (point.x, point.y) == pytest.approx((CROWN.x, CROWN.y), abs=0.5)
