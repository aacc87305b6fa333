"""What a drawing measures: figures that agree with the scalp room, and problems told by patch."""

import math

import pytest

from anagen.errors import InputError
from anagen.patient.measures import measure_drawing
from anagen.scalp import (
    Mask,
    Outline,
    PatchShape,
    area_cm2,
    build_scalp,
    circle_outline,
    diameter_mm,
    patch_cells,
    region_cells,
)


def drawn(view: str, x: float, y: float, diameter: float) -> PatchShape:
    return PatchShape(outlines=(circle_outline(view, x, y, diameter),))  # type: ignore[arg-type]


def test_measures_are_those_of_the_scalp() -> None:
    scalp = build_scalp()
    shape = drawn("back", 80, 70, 40)
    found = measure_drawing(scalp, {"A": shape}).patches["A"]
    cover = patch_cells(scalp, shape)
    assert found.area_cm2 == area_cm2(scalp, cover)
    assert found.diameter_mm == diameter_mm(scalp, cover)
    assert found.share_percent == pytest.approx(100 * found.area_cm2 / 776, rel=1e-3)
    assert sum(found.regions.values()) == pytest.approx(100)
    assert math.hypot(found.centroid.x - 80, found.centroid.y - 70) < 8


def test_a_patch_across_the_parting_line_counts_in_both_regions() -> None:
    found = measure_drawing(build_scalp(), {"A": drawn("top", 20, 94, 40)})
    assert found.loss_percent["left"] > 0
    assert found.loss_percent["top"] > 0
    assert found.loss_percent["right"] == 0
    assert set(found.patches["A"].regions) == {"top", "left"}


def test_regrowth_is_taken_off_and_shared_ground_counts_once() -> None:
    scalp = build_scalp()
    shape = drawn("top", 80, 90, 40)
    bald = measure_drawing(scalp, {"A": shape})
    twice = measure_drawing(scalp, {"A": shape, "B": shape}, {"A": 100, "B": None})
    half = measure_drawing(scalp, {"A": shape}, {"A": 50})
    assert half.salt_percent == pytest.approx(bald.salt_percent / 2, rel=1e-6)
    assert twice.salt_percent == bald.salt_percent
    assert twice.area_cm2 == pytest.approx(bald.area_cm2)
    (overlap,) = twice.overlaps
    assert (overlap.first, overlap.second) == ("A", "B")


def test_the_whole_top_is_forty_percent() -> None:
    scalp = build_scalp()
    rows = tuple("1" * 100 for _ in range(100))
    whole = PatchShape(masks=tuple(Mask(view=view, rows=rows)
                                   for view in ("top", "back", "left", "right")))  # fmt: skip
    found = measure_drawing(scalp, {"A": whole})
    assert found.salt_percent == pytest.approx(100, abs=0.01)
    assert found.patches["A"].regions["top"] == pytest.approx(
        100 * region_cells(scalp, "top").mean(), abs=0.1
    )


def test_one_bad_shape_does_not_hide_the_others() -> None:
    line = PatchShape(outlines=(Outline(view="top", points=((60, 60), (90, 60))),))
    far = drawn("top", 500, 500, 20)
    found = measure_drawing(
        build_scalp(), {"good": drawn("top", 80, 90, 20), "line": line, "far": far,
                        "empty": PatchShape()},
    )  # fmt: skip
    assert set(found.patches) == {"good"}
    assert set(found.problems) == {"line", "far", "empty"}
    assert found.problems["line"][0].place == "shape.outlines[0]"


def test_impossible_regrowth_is_refused_all_at_once() -> None:
    with pytest.raises(InputError) as raised:
        measure_drawing(build_scalp(), {"A": drawn("top", 80, 90, 20)}, {"A": 120, "B": 3})
    assert [problem.place for problem in raised.value.problems] == ["regrowth.A", "regrowth.B"]


def test_drawings_too_fine_to_be_measured_soon_are_refused() -> None:
    mask = Mask(view="top", rows=tuple("1" * 1000 for _ in range(300)))
    many = tuple((80 + math.cos(i / 4000), 90 + math.sin(i / 4000)) for i in range(21_000))
    shapes = {
        "mask": PatchShape(masks=(mask,)),
        "many": PatchShape(outlines=(Outline(view="top", points=many),)),
    }
    found = measure_drawing(build_scalp(), shapes)
    assert found.problems["mask"][0].found == "300000 pixels"
    assert found.problems["many"][0].found == "21000 points"
