"""The scalp hair by hair: honest about how much hair there is, and the same every time."""

import base64
import gzip
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from anagen.errors import InputError
from anagen.report.hair_view import HairView, decode, encode, hair_view, packed
from anagen.report.scalp_picture import tones_of
from anagen.report.strands import CUT_MM

WEEKS = (0, 4, 8, 12)


def made(case, **options):
    courses = {"likely": (case.course, case.untreated)}
    return hair_view(case.scalp, courses, WEEKS, **{"skin_type": 3, "most": 6000, **options})


@pytest.fixture(scope="module")
def view(case) -> HairView:
    return made(case)


def density(case, course: xr.Dataset, week: int) -> np.ndarray:
    return np.asarray(course["hair_density"].values[week])


def test_as_many_hairs_are_there_as_the_simulation_has(case, view):
    area_cm2 = case.scalp.cell_area_mm2 / 100.0
    for arm, course in enumerate((case.course, case.untreated)):
        for at, week in enumerate(WEEKS):
            expected = density(case, course, week).sum() * area_cm2
            drawn = view.there[0, arm, at].sum() * view.hairs_each
            assert drawn == pytest.approx(expected, rel=0.015)


def test_each_hair_is_there_exactly_when_density_reaches_its_rank(case, view):
    for arm, course in enumerate((case.course, case.untreated)):
        for at, week in enumerate(WEEKS):
            cell = density(case, course, week)[view.cell]
            expected = view.rank * view.pool_per_cm2 < cell
            np.testing.assert_array_equal(view.there[0, arm, at], expected)


def test_both_arms_begin_with_the_same_hairs_and_part_later(view):
    for packed_state in (view.margin, view.shape, view.calibre):
        np.testing.assert_array_equal(packed_state[0, 0, 0], packed_state[0, 1, 0])
    assert (view.there[0, 0, -1] & ~view.there[0, 1, -1]).sum() > 20


def test_no_hair_is_lost_that_the_simulation_keeps(view):
    treated = view.there[0, 0]
    assert not (treated[:-1] & ~treated[1:]).any()


def test_what_is_drawn_lies_on_the_scalp_and_within_its_cut(case, view):
    unit = view.root / np.array(case.scalp.head.semi_axes)
    assert np.abs(np.linalg.norm(unit, axis=1) - 1.0).max() < 0.01
    assert view.length_mm.max() <= CUT_MM
    assert np.linalg.norm(view.tip, axis=1).max() < 1.5 * CUT_MM


def test_regrowing_hair_is_fine_before_it_is_terminal(view):
    regrown = view.there[0, 0, -1] & ~view.there[0, 0, 0]
    share = [
        view.terminal[0, 0, at][regrown & view.there[0, 0, at]].mean()
        for at in range(1, len(WEEKS))
    ]
    assert share == sorted(share)
    assert share[0] < 0.5 < share[-1]
    early = regrown & view.there[0, 0, 1]
    assert view.calibre_um[0, 0, 1][early].mean() < 50 < view.calibre_um[0, 0, -1][early].mean()


def test_any_beginning_of_the_hairs_covers_the_scalp_evenly(view):
    part = slice(0, len(view.root) // 4)
    for axis in range(3):
        whole = np.quantile(view.root[:, axis], (0.1, 0.5, 0.9))
        np.testing.assert_allclose(np.quantile(view.root[part, axis], (0.1, 0.5, 0.9)), whole,
                                   atol=6.0)  # fmt: skip


def test_it_survives_the_way_to_the_browser(view):
    sent = gzip.decompress(base64.b64decode(packed(view)))
    assert sent == encode(view)
    back = decode(sent)
    for name in ("margin", "shape", "calibre"):
        np.testing.assert_array_equal(getattr(back, name), getattr(view, name))
    np.testing.assert_allclose(back.root, view.root, atol=0.01)
    np.testing.assert_allclose(back.tip, view.tip, atol=0.08)
    np.testing.assert_allclose(back.rank, view.rank, atol=0.003)
    assert (back.courses, back.weeks, back.tones) == (view.courses, view.weeks, view.tones)
    assert back.head == view.head
    assert back.hairs_each == view.hairs_each


def test_the_same_courses_give_the_same_bytes(case, view):
    assert encode(made(case)) == encode(view)
    assert packed(made(case)) == packed(view)


def test_twenty_thousand_hairs_of_three_courses_and_seven_weeks_stay_small(view):
    wide = replace(
        view,
        **{name: np.resize(getattr(view, name), (20_000, 3)) for name in ("root", "middle", "tip")},
        **{name: np.resize(getattr(view, name), 20_000) for name in ("rank", "trait", "cell")},
        **{name: np.resize(getattr(view, name), (3, 2, 7, 20_000))
           for name in ("margin", "shape", "calibre")},
    )  # fmt: skip
    assert len(encode(wide)) < 3_000_000


def test_a_scalp_with_few_follicles_is_drawn_whole(case):
    whole = made(case, most=10**7)
    assert whole.hairs_each == 1.0
    assert whole.there[0, 0, 0].sum() == pytest.approx(
        density(case, case.course, 0).sum() * case.scalp.cell_area_mm2 / 100.0, rel=0.01
    )


def test_weeks_that_a_course_does_not_reach_are_left_out(case):
    short = case.untreated.isel(time=slice(0, 9))
    view = hair_view(case.scalp, {"likely": (case.course, short)}, WEEKS, most=2000)
    assert view.weeks == (0, 4, 8)


def test_colours_follow_the_skin_type(case):
    assert made(case, skin_type="VI", most=1000).tones == tones_of(6) != tones_of(2)


@pytest.mark.parametrize(
    ("courses", "most", "place"),
    [
        ({}, 100, "courses"),
        ("short", 100, "weeks"),
        ("other", 100, "courses, likely, untreated"),
        ("good", 0, "most"),
    ],
)
def test_what_cannot_be_pictured_is_told(case, courses, most, place):
    pairs = {
        "good": (case.course, case.untreated),
        "short": (case.course, case.untreated.isel(time=slice(0, 2))),
        "other": (case.course, case.untreated.isel(cell=slice(0, 9))),
    }
    asked = {"likely": pairs[courses]} if courses else {}
    with pytest.raises(InputError) as refused:
        hair_view(case.scalp, asked, WEEKS, most=most)
    assert refused.value.problems[0].place == place


@pytest.mark.parametrize(
    "spoil",
    [lambda data: b"", lambda data: data[:-9], lambda data: b"x" + data, lambda data: data[:40]],
)
def test_bytes_that_are_something_else_are_refused(view, spoil):
    with pytest.raises(InputError):
        decode(spoil(encode(view)))
