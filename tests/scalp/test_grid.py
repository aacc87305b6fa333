"""The grid of equal cells: area, symmetry, regions, metric, density, refusals."""

import numpy as np
import pytest

from anagen.errors import InputError
from anagen.scalp import (
    ANCESTRIES,
    REGIONS,
    Scalp,
    area_cm2,
    build_scalp,
    follicle_count,
    on_scalp,
    region_cells,
)


def on_chart(scalp: Scalp, values: np.ndarray) -> np.ndarray:
    """Values per cell on the chart, NaN off the scalp."""
    chart = np.full((*scalp.chart_shape, *values.shape[1:]), np.nan)
    chart[scalp.row, scalp.column] = values
    return chart


@pytest.mark.parametrize(
    ("circumference", "cell_mm"), [(None, 2.0), (None, 1.5), (520.0, 2.0), (600.0, 3.0)]
)
def test_cells_have_the_area_of_the_scalp(circumference: float | None, cell_mm: float) -> None:
    scalp = build_scalp(circumference, cell_mm)
    count = len(scalp.position)
    assert count % 50 == 0
    assert scalp.cell_area_mm2 == pytest.approx(cell_mm**2)
    assert count * scalp.cell_area_mm2 == pytest.approx(
        scalp.head.area_mm2, abs=25.0 * scalp.cell_area_mm2
    )


def test_mean_adult_has_775_square_centimetres() -> None:
    scalp = build_scalp()
    assert area_cm2(scalp, np.ones(len(scalp.position))) == pytest.approx(775.0, rel=0.002)


def test_cells_are_equal_in_area_on_the_curved_surface() -> None:
    """det g = 1: area spanned by the steps to the four neighbours in space, per cell."""
    scalp = build_scalp()
    grid = on_chart(scalp, scalp.position)
    across = (grid[1:-1, 2:] - grid[1:-1, :-2]) / (2.0 * scalp.cell_mm)
    down = (grid[2:, 1:-1] - grid[:-2, 1:-1]) / (2.0 * scalp.cell_mm)
    area = np.linalg.norm(np.cross(across, down), axis=-1)
    area = area[np.isfinite(area)]
    assert len(area) > 18000
    assert area == pytest.approx(1.0, abs=1e-3)


def test_rows_run_to_the_back_and_columns_to_the_right() -> None:
    scalp = build_scalp()
    middle_row = scalp.row == scalp.row[np.argmax(scalp.position[:, 2])]
    middle_row &= np.abs(scalp.position[:, 0]) < 60.0
    assert np.all(np.diff(scalp.position[middle_row][np.argsort(scalp.column[middle_row]), 0]) > 0)
    column = scalp.column == scalp.chart_shape[1] // 2
    ordered = scalp.position[column][np.argsort(scalp.row[column])]
    assert ordered[0, 1] > 80.0
    assert ordered[-1, 2] < -80.0


def test_chart_has_an_empty_border_and_one_cell_a_place() -> None:
    scalp = build_scalp()
    place = scalp.row.astype(int) * scalp.chart_shape[1] + scalp.column
    assert len(np.unique(place)) == len(scalp.position)
    assert scalp.row.min() == scalp.column.min() == 1
    assert scalp.row.max() == scalp.chart_shape[0] - 2
    assert scalp.column.max() == scalp.chart_shape[1] - 2


def test_scalp_is_one_piece() -> None:
    from scipy.ndimage import label

    scalp = build_scalp()
    inside = np.zeros(scalp.chart_shape, bool)
    inside[scalp.row, scalp.column] = True
    assert label(inside)[1] == 1
    assert label(~inside)[1] == 1


def test_left_and_right_are_mirror_images() -> None:
    scalp = build_scalp()
    mirror = np.full(scalp.chart_shape, -1)
    mirror[scalp.row, scalp.column] = np.arange(len(scalp.position))
    partner = mirror[scalp.row, scalp.chart_shape[1] - 1 - scalp.column]
    assert (partner >= 0).all()
    assert scalp.position[partner] * [-1.0, 1.0, 1.0] == pytest.approx(scalp.position, abs=1e-9)
    swapped = np.array([REGIONS.index(name) for name in ("top", "back", "right", "left")])
    assert np.array_equal(swapped[scalp.region[partner]], scalp.region)


@pytest.mark.parametrize("cell_mm", [1.5, 2.0, 4.0])
def test_salt_regions_have_exactly_their_shares(cell_mm: float) -> None:
    scalp = build_scalp(cell_mm=cell_mm)
    count = len(scalp.position)
    for name, percent in (("top", 40), ("back", 24), ("left", 18), ("right", 18)):
        assert 100 * int(region_cells(scalp, name).sum()) == percent * count


def test_regions_are_where_their_names_say() -> None:
    scalp = build_scalp()
    middle = {name: scalp.position[region_cells(scalp, name)].mean(axis=0) for name in REGIONS}
    assert middle["top"][2] > 60.0
    assert middle["back"][1] < -60.0
    assert middle["left"][0] < -50.0
    assert middle["right"][0] > 50.0
    assert scalp.region[np.argmax(scalp.position[:, 1])] == REGIONS.index("top")
    assert scalp.region[np.argmin(scalp.position[:, 2])] == REGIONS.index("back")


def test_regions_are_in_one_piece() -> None:
    from scipy.ndimage import label

    scalp = build_scalp()
    for name in REGIONS:
        inside = np.zeros(scalp.chart_shape, bool)
        inside[scalp.row, scalp.column] = region_cells(scalp, name)
        assert label(inside, np.ones((3, 3)))[1] == 1


def test_metric_gives_the_distances_between_neighbours() -> None:
    scalp = build_scalp()
    inverse = scalp.metric_inverse
    assert inverse.shape == (3, *scalp.chart_shape)
    gxx, gxy, gyy = inverse[2], -inverse[1], inverse[0]
    grid = on_chart(scalp, scalp.position)
    for rows, columns in ((0, 1), (1, 0), (1, 1)):
        ends = grid[rows:, columns:], grid[: grid.shape[0] - rows, : grid.shape[1] - columns]
        true = np.linalg.norm(ends[0] - ends[1], axis=-1)
        square = gxx * columns**2 + 2.0 * gxy * rows * columns + gyy * rows**2
        here = square[rows:, columns:], square[: grid.shape[0] - rows, : grid.shape[1] - columns]
        metric = scalp.cell_mm * np.sqrt(0.5 * (here[0] + here[1]))
        known = np.isfinite(true)
        assert metric[known] == pytest.approx(true[known], rel=0.01)


def test_metric_has_determinant_one_and_is_identity_off_the_scalp() -> None:
    scalp = build_scalp()
    gxx, gxy, gyy = scalp.metric_inverse
    assert gxx * gyy - gxy**2 == pytest.approx(1.0, rel=1e-6)
    outside = np.ones(scalp.chart_shape, bool)
    outside[scalp.row, scalp.column] = False
    assert np.all(scalp.metric_inverse[:, outside] == np.array([[1.0], [0.0], [1.0]]))


def test_density_differs_by_region_and_ancestry() -> None:
    scalp = build_scalp()
    top, back, left, right = (
        np.unique(scalp.density_per_cm2[region_cells(scalp, n)]) for n in REGIONS
    )
    assert len(top) == len(back) == len(left) == 1
    assert top > back > left == right
    assert scalp.density_per_cm2.mean() == pytest.approx(223.0)
    means = [build_scalp(ancestry=name).density_per_cm2.mean() for name in ANCESTRIES]
    assert means == pytest.approx([161.0, 226.0, 175.0])


@pytest.mark.parametrize("ancestry", [None, *ANCESTRIES])
def test_mean_adult_has_100_to_176_thousand_follicles(ancestry: str | None) -> None:
    assert 100_000 < follicle_count(build_scalp(ancestry=ancestry)) < 176_000


def test_same_arguments_give_the_same_object_and_arrays_are_read_only() -> None:
    scalp = build_scalp()
    assert build_scalp(562.0, 2.0) is scalp
    assert build_scalp(ancestry=" Asian ") is build_scalp(ancestry="asian")
    with pytest.raises(ValueError, match="read-only"):
        scalp.position[0, 0] = 0.0


def test_cells_lie_on_the_scalp() -> None:
    scalp = build_scalp()
    inside = on_scalp(scalp, scalp.position)
    assert inside.mean() > 0.998


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"circumference_mm": 57.0}, "head circumference"),
        ({"circumference_mm": 5620.0}, "head circumference"),
        ({"circumference_mm": float("nan")}, "head circumference"),
        ({"circumference_mm": "wide"}, "head circumference"),
        ({"cell_mm": 0.0}, "cell size"),
        ({"cell_mm": -2.0}, "cell size"),
        ({"cell_mm": float("inf")}, "cell size"),
        ({"cell_mm": None}, "cell size"),
        ({"ancestry": "martian"}, "ancestry"),
        ({"ancestry": ""}, "ancestry"),
    ],
)
def test_impossible_heads_are_refused(arguments: dict, place: str) -> None:
    with pytest.raises(InputError) as caught:
        build_scalp(**arguments)
    assert [problem.place for problem in caught.value.problems] == [place]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        build_scalp(57.0, 200.0, "martian")
    assert len(caught.value.problems) == 3


def test_unknown_region_is_refused() -> None:
    with pytest.raises(InputError, match="one of top, back, left, right"):
        region_cells(build_scalp(), "front")
