"""The pictures: sizes, what differs, what stays, and that they follow the course."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anagen.report import save_pictures
from anagen.report.curves import chart_groups
from anagen.report.head import VIEWS
from anagen.report.pictures import Pictures
from anagen.report.plan_picture import layouts, number_words
from anagen.report.scalp_picture import (
    CLOSE_PIXELS,
    HEAD_PIXELS,
    Strip,
    bare_picture,
    encode,
    tones_of,
    views_worth_showing,
)
from anagen.report.strands import CUT_MM, Ellipsoid, combed, follicles
from anagen.scalp import build_scalp


def frame(strip: Strip, week: int, treated: bool) -> np.ndarray:
    found = [f.pixels for f in strip.frames if f.week == week and f.treated is treated]
    return found[0].astype(float)


def close_up(pictures: Pictures) -> Strip:
    return next(strip for strip in pictures.strips if strip.close and "A" in strip.title)


def test_every_week_is_drawn_in_both_arms(pictures: Pictures) -> None:
    for strip in pictures.strips:
        shown = [(f.week, f.treated) for f in strip.frames]
        assert shown == [(week, arm) for week in (0, 4, 8, 12, 24) for arm in (True, False)]
        size = CLOSE_PIXELS if strip.close else HEAD_PIXELS
        for picture in strip.frames:
            assert picture.pixels.shape == (size, size, 3)
            assert Image.open(BytesIO(picture.png)).size == (size, size)


def test_no_picture_is_blank(pictures: Pictures) -> None:
    for strip in pictures.strips:
        for picture in strip.frames:
            assert picture.pixels.std() > 10.0


def test_arms_are_equal_at_first_and_differ_later(pictures: Pictures) -> None:
    for strip in pictures.strips:
        assert np.array_equal(frame(strip, 0, True), frame(strip, 0, False))
    strip = close_up(pictures)
    assert np.abs(frame(strip, 24, True) - frame(strip, 24, False)).mean() > 12.0


def test_a_healed_patch_darkens_and_a_bald_one_shows_skin(pictures: Pictures) -> None:
    strip = close_up(pictures)
    middle = slice(CLOSE_PIXELS * 2 // 5, CLOSE_PIXELS * 3 // 5)
    light = [frame(strip, week, True)[middle, middle].mean() for week in (0, 4, 8, 12)]
    assert all(later < earlier for earlier, later in pairwise(light))
    skin = 255.0 * np.mean(tones_of(None).skin)
    assert light[0] > 0.8 * skin
    assert light[-1] < 0.5 * skin


def test_hair_outside_patches_is_the_same_person(pictures: Pictures) -> None:
    strip = close_up(pictures)
    corner = slice(0, CLOSE_PIXELS // 12)
    before, after = frame(strip, 0, True)[corner, corner], frame(strip, 24, False)[corner, corner]
    assert np.array_equal(before, after)


def test_blocked_patch_has_no_sites_and_is_hatched(pictures: Pictures) -> None:
    assert set(pictures.blocked) == {"B"}
    assert all("Patch A" in drawing.title for drawing in pictures.insets)
    assert len(pictures.views) == len(VIEWS)


def test_views_follow_the_patches(case: Any) -> None:
    position = np.asarray(case.scalp.position)
    for view, axis in (("left", (-1, 0, 0)), ("right", (1, 0, 0)), ("back", (0, -1, 0))):
        spot = (position @ np.array(axis, float)).argmax()
        near = np.linalg.norm(position - position[spot], axis=1) < 15.0
        assert views_worth_showing(case.scalp, near.astype(float))[0] == view


def test_mannequins_of_left_and_right_are_mirror_images_in_outline(case: Any) -> None:
    left, right = (bare_picture(view, case.scalp).astype(int) for view in ("left", "right"))
    backdrop = left[0, 0]
    outline = [np.abs(p - backdrop).sum(axis=2) > 12 for p in (left, right[:, ::-1])]
    assert (outline[0] != outline[1]).mean() < 0.01


def test_skin_type_sets_the_tone_and_nonsense_a_middle_one() -> None:
    light, dark = (sum(tones_of(kind).skin) for kind in (1, 6))
    assert dark < light
    assert tones_of("VI") == tones_of(6) == tones_of("type VI")
    assert tones_of("?") == tones_of(None) == tones_of(99)


def test_combed_directions_lie_on_the_surface() -> None:
    scalp = build_scalp(cell_mm=4.0)
    ellipsoid = Ellipsoid(np.asarray(scalp.head.semi_axes))
    flow = combed(ellipsoid, np.asarray(scalp.position))
    assert np.allclose(np.linalg.norm(flow, axis=1), 1.0)
    assert np.abs(np.sum(flow * scalp.normal, axis=1)).max() < 1e-9
    side = np.abs(scalp.normal[:, 0]) > 0.95
    assert flow[side, 2].mean() < -0.5


def test_follicles_stand_at_the_density_asked_for() -> None:
    scalp = build_scalp(cell_mm=4.0)
    grown = follicles(scalp, 200.0)
    assert len(grown.rank) == round(grown.pool_per_cm2 * len(scalp.position) * 0.16)
    there = grown.rank * grown.pool_per_cm2 < 100.0
    assert there.sum() / (len(scalp.position) * 0.16) == pytest.approx(100.0, rel=0.01)
    assert grown.cut_mm.min() >= 0.0
    assert grown.cut_mm.max() == CUT_MM


def test_charts_leave_out_what_is_missing(case: Any) -> None:
    groups = chart_groups(case.course, case.untreated)
    assert list(groups) == ["Patch A", "Patch B", "Whole scalp and body"]
    assert len(groups["Patch A"]) == 9
    fewer = chart_groups(case.course[["salt"]], case.untreated[["salt"]])
    assert [len(group) for group in fewer.values()] == [1]


def test_charts_describe_themselves(case: Any) -> None:
    groups = chart_groups(case.course, case.untreated)
    (salt,) = (d for d in groups["Whole scalp and body"] if d.key == "curve-salt")
    assert "SALT treated: 5 at the start, 1 at the end" in salt.description


def test_layouts_group_sessions_with_equal_sites(case: Any) -> None:
    numbers = sorted(number for layout in layouts(case.plan) for number in layout.sessions)
    assert numbers == [1, 2, 3]
    assert number_words([1, 2, 4]) == "1, 2 and 4"


def test_saved_pictures_are_files_that_open(
    short: Any, pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anagen.report.pictures.draw", lambda *_, **__: pictures)
    folder = tmp_path / "new" / "pictures"
    files = save_pictures(
        short.patient, short.plan, short.course, short.untreated, folder, scalp=short.scalp
    )
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in files)
    names = {path.name for path in files}
    assert {"plan-top.svg", "plan-top.png", "curve-salt.svg", "scalp-top.png"} <= names
    for path in files:
        if path.suffix == ".png":
            assert np.asarray(Image.open(path).convert("L")).std() > 5.0
        else:
            assert path.read_text(encoding="utf-8").rstrip().endswith("</svg>")


def test_few_colours_and_a_bar() -> None:
    pixels = np.full((60, 60, 3), 120, dtype=np.uint8)
    plain, marked = (Image.open(BytesIO(encode(pixels, bar))) for bar in (0.0, 0.3))
    assert np.asarray(plain.convert("RGB")).max() == 120
    assert (np.asarray(marked.convert("L")) == 255).sum() > 30
