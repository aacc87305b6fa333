"""Scores: published definitions, their bounds, and input that cannot be meant."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import InputError
from anagen.scalp.scores import (
    ScaleModifiers,
    aa_iga,
    aa_scale,
    hair_pull,
    regrowth_grade,
    regrowth_interval,
    regrowth_scales,
    s_class,
    salt,
    salt_improvement,
    salt_partial,
    trichoscopy_activity,
    trichoscopy_signs,
)

CHECK = settings(deadline=None, derandomize=True, max_examples=80)
REGIONS = ("top", "back", "left", "right")
NONE = dict.fromkeys(REGIONS, 0.0)
FULL = dict.fromkeys(REGIONS, 1.0)
SHARES = st.fixed_dictionaries({region: st.floats(0.0, 1.0) for region in REGIONS})
SALT = st.floats(0.0, 100.0)
SCALE_KEYS = tuple(regrowth_scales())

S_ORDER = ("S0", "S1", "S2", "S3", "S4a", "S4b", "S5")
IGA_ORDER = ("none", "limited", "moderate", "severe", "very severe")
LEVELS = ("mild", "moderate", "severe")


# --- SALT -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (NONE, 0.0),
        (FULL, 100.0),
        (NONE | {"right": 0.2}, 3.6),
        (NONE | {"top": 1.0}, 40.0),
        (NONE | {"back": 1.0}, 24.0),
        ({"top": 0.95, "back": 0.95, "left": 0.95, "right": 0.95}, 95.0),
        (NONE | {"top": np.float32(0.5), "left": np.int64(1)}, 38.0),
    ],
)
def test_salt(loss, expected):
    assert salt(loss) == pytest.approx(expected, abs=1e-8)
    assert isinstance(salt(loss), float)


@CHECK
@given(SHARES)
def test_salt_is_between_its_bounds_and_reaches_total_loss_exactly(loss):
    assert 0.0 <= salt(loss) <= 100.0
    assert s_class(salt(FULL)) == "S5"


@CHECK
@given(SHARES, st.sampled_from(REGIONS), st.floats(0.0, 1.0))
def test_salt_rises_with_every_region(loss, region, more):
    worse = loss | {region: max(loss[region], more)}
    assert salt(worse) >= salt(loss)


@pytest.mark.parametrize(
    ("loss", "place"),
    [
        ({}, "loss.top"),
        (NONE | {"top": 40.0}, "loss.top"),
        (NONE | {"top": -0.1}, "loss.top"),
        (NONE | {"top": math.nan}, "loss.top"),
        (NONE | {"top": math.inf}, "loss.top"),
        (NONE | {"top": "all"}, "loss.top"),
        (NONE | {"top": True}, "loss.top"),
        (NONE | {"top": None}, "loss.top"),
        (NONE | {"vertex": 0.1}, "loss.vertex"),
    ],
)
def test_salt_refuses(loss, place):
    with pytest.raises(InputError) as caught:
        salt(loss)
    assert caught.value.problems[0].place == place


def test_salt_names_all_problems_and_suggests_the_share_meant():
    with pytest.raises(InputError) as caught:
        salt({"top": 40.0, "back": -1.0, "left": 0.0})
    assert len(caught.value.problems) == 3
    assert "0.4" in str(caught.value)


@pytest.mark.parametrize(
    ("bald", "partial", "weight", "expected"),
    [
        (NONE | {"top": 0.1}, NONE | {"top": 0.2}, None, 8.0),
        (NONE, FULL, None, 50.0),
        (NONE, FULL, 0.0, 0.0),
        (NONE, FULL, 1.0, 100.0),
        (FULL, NONE, None, 100.0),
    ],
)
def test_salt_partial(bald, partial, weight, expected):
    assert salt_partial(bald, partial, weight) == pytest.approx(expected, abs=1e-8)


@CHECK
@given(SHARES, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_salt_partial_lies_between_bald_alone_and_all_not_healed(bald, part, weight):
    partial = {region: part * (1.0 - share) for region, share in bald.items()}
    both = {region: min(bald[region] + partial[region], 1.0) for region in bald}
    value = salt_partial(bald, partial, weight)
    assert salt(bald) - 1e-8 <= value <= salt(both) + 1e-8


@pytest.mark.parametrize(
    ("bald", "partial", "weight"),
    [
        (FULL, NONE | {"top": 0.2}, None),
        (NONE, NONE, 1.5),
        (NONE, NONE, math.nan),
        (NONE, {}, None),
        (NONE | {"back": 2.0}, NONE, None),
    ],
)
def test_salt_partial_refuses(bald, partial, weight):
    with pytest.raises(InputError):
        salt_partial(bald, partial, weight)


# --- Classes of severity ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0, "S0"), (0.1, "S1"), (1, "S1"), (24, "S1"), (24.9, "S1"), (25, "S2"), (49, "S2"),
        (50, "S3"), (74, "S3"), (75, "S4a"), (95, "S4a"), (96, "S4b"), (99, "S4b"), (100, "S5"),
        (99.9999999999, "S5"),
    ],
)  # fmt: skip
def test_s_class(value, label):
    assert s_class(value) == label


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0, "none"), (1, "limited"), (20, "limited"), (20.5, "moderate"), (21, "moderate"),
        (49, "moderate"), (50, "severe"), (94, "severe"), (95, "very severe"), (100, "very severe"),
    ],
)  # fmt: skip
def test_aa_iga(value, label):
    assert aa_iga(value) == label


@CHECK
@given(SALT, SALT)
def test_classes_never_fall_when_salt_rises(one, two):
    low, high = sorted((one, two))
    assert S_ORDER.index(s_class(low)) <= S_ORDER.index(s_class(high))
    assert IGA_ORDER.index(aa_iga(low)) <= IGA_ORDER.index(aa_iga(high))
    assert LEVELS.index(aa_scale(low).level) <= LEVELS.index(aa_scale(high).level)


@CHECK
@given(SALT)
def test_success_and_the_limited_grade_agree(value):
    assert (aa_iga(value) in ("none", "limited")) == salt_improvement(50.0, value).salt_20


@pytest.mark.parametrize("value", [-1, 101, math.nan, math.inf, "20", None, True, [1, 2]])
@pytest.mark.parametrize("score", [s_class, aa_iga, aa_scale, lambda x: salt_improvement(x, 1.0)])
def test_classes_refuse_what_is_no_salt(score, value):
    with pytest.raises(InputError, match="from 0 to 100"):
        score(value)


@pytest.mark.parametrize(
    ("modifiers", "raised"),
    [
        (ScaleModifiers(), False),
        (ScaleModifiers(psychosocial_impact=6), True),
        (ScaleModifiers(psychosocial_impact=5.5), False),
        (ScaleModifiers(brow_or_lash_loss=True), True),
        (ScaleModifiers(months_without_adequate_response=6), True),
        (ScaleModifiers(months_without_adequate_response=5), False),
        (ScaleModifiers(diffuse_positive_pull_test=True), True),
        (ScaleModifiers(psychosocial_impact=9, brow_or_lash_loss=True), True),
    ],
)
def test_aa_scale_rises_by_one_level_and_no_more(modifiers, raised):
    mild, moderate, severe = (aa_scale(value, modifiers) for value in (10.0, 30.0, 60.0))
    assert mild.level == ("moderate" if raised else "mild")
    assert moderate.level == ("severe" if raised else "moderate")
    assert severe.level == "severe"
    assert mild.raised is raised
    assert bool(mild.modifiers) is raised
    assert not severe.raised


@pytest.mark.parametrize(
    "modifiers",
    [
        ScaleModifiers(psychosocial_impact=11),
        ScaleModifiers(psychosocial_impact=-1),
        ScaleModifiers(psychosocial_impact=math.nan),
        ScaleModifiers(months_without_adequate_response=-2),
    ],
)
def test_aa_scale_refuses(modifiers):
    with pytest.raises(InputError):
        aa_scale(10.0, modifiers)


# --- Improvement ------------------------------------------------------------------------------


def test_improvement_of_a_large_baseline():
    change = salt_improvement(80.0, 20.0)
    assert change.percent == 75.0
    assert change.reached == {"SALT30": True, "SALT50": True, "SALT75": True, "SALT90": False}
    assert change.salt_20
    assert change.relative_is_meaningful
    assert change.absolute_is_meaningful
    assert "75 %" in change.statement
    assert "too low" not in change.statement


def test_improvement_of_a_small_baseline_says_that_it_means_little():
    change = salt_improvement(4.0, 1.0)
    assert change.percent == 75.0
    assert not change.relative_is_meaningful
    assert not change.absolute_is_meaningful
    assert "too low" in change.statement
    assert "says nothing" in change.statement


def test_improvement_from_nothing_has_no_relative_change():
    change = salt_improvement(0.0, 5.0)
    assert change.percent is None
    assert set(change.reached.values()) == {None}
    assert "no relative change" in change.statement


def test_worsening_is_negative_and_reaches_nothing():
    change = salt_improvement(30.0, 45.0)
    assert change.percent == -50.0
    assert not any(change.reached.values())
    assert "rose by 50 %" in change.statement


@CHECK
@given(st.floats(1.0, 100.0), SALT, SALT)
def test_a_larger_fall_reaches_every_step_that_a_smaller_one_reaches(baseline, one, two):
    less, more = (
        salt_improvement(baseline, max(one, two)),
        salt_improvement(baseline, min(one, two)),
    )
    assert all(more.reached[step] or not reached for step, reached in less.reached.items())
    steps = [less.reached[f"SALT{step}"] for step in (30, 50, 75, 90)]
    assert steps == sorted(steps, reverse=True)


# --- Regrowth of a patch ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "share", "grade"),
    [
        ("rgs", 0.0, "0"), ("rgs", 0.75, "3"), ("rgs", 0.76, "4"), ("rgs", 1.0, "4"),
        ("hrg", 0.0, "I"), ("hrg", 0.8, "IV"), ("olsen", 0.99, "A4"), ("olsen", 1.0, "A5"),
        ("macdonald_hull_norris", 0.9, "3"), ("percent_bands", 0.25, "25-49 %"), ("hrs", 0.75, "4"),
    ],
)  # fmt: skip
def test_regrowth_grade(scale, share, grade):
    assert regrowth_grade(share, scale) == grade


def inside(scale, label):
    """A share that has this grade for certain: the middle of its interval."""
    low, high = regrowth_interval(label, scale)
    return (low + high) / 2


@pytest.mark.parametrize("key", SCALE_KEYS)
def test_grade_to_interval_to_grade(key):
    for grade in regrowth_scales()[key].grades:
        assert regrowth_grade(inside(key, grade.label), key) == grade.label


@CHECK
@given(st.sampled_from(SCALE_KEYS), st.floats(0.0, 1.0))
def test_the_interval_of_a_grade_holds_the_share_it_came_from(key, share):
    low, high = regrowth_interval(regrowth_grade(share, key), key)
    assert low - 1e-9 <= share <= high + 1e-9


@CHECK
@given(st.sampled_from(SCALE_KEYS), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_regrowth_is_never_a_lower_grade(key, one, two):
    labels = [grade.label for grade in regrowth_scales()[key].grades]
    low, high = sorted((one, two))
    assert labels.index(regrowth_grade(low, key)) <= labels.index(regrowth_grade(high, key))


def test_a_grade_written_as_a_number_is_read():
    assert regrowth_interval(4, "rgs") == regrowth_interval(" 4 ", "rgs") == (0.75, 1.0)


@pytest.mark.parametrize("share", [-0.1, 1.1, 75, math.nan, "half", None])
def test_regrowth_grade_refuses_what_is_no_share(share):
    with pytest.raises(InputError):
        regrowth_grade(share, "rgs")


@pytest.mark.parametrize(
    ("grade", "scale"), [("5", "rgs"), (True, "rgs"), (None, "rgs"), ("IV", "rgs"), ("4", "nobody")]
)
def test_regrowth_interval_refuses_and_lists_the_choices(grade, scale):
    with pytest.raises(InputError, match="one of"):
        regrowth_interval(grade, scale)


# --- Hair pull ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pulled", "grasped", "criterion", "abnormal"),
    [
        (2, 60, "more_than_two", False),
        (3, 60, "more_than_two", True),
        (3, None, "more_than_two", True),
        (6, 60, "one_in_ten", False),
        (7, 60, "one_in_ten", True),
        (3, 30, "one_in_ten", False),
        (4, 30, "one_in_ten", True),
    ],
)
def test_hair_pull(pulled, grasped, criterion, abnormal):
    result = hair_pull(pulled, grasped, criterion)
    assert result.abnormal is abnormal
    assert ("abnormal (" in result.statement) is abnormal


@CHECK
@given(st.integers(0, 50), st.integers(0, 50), st.integers(50, 60))
def test_more_hairs_pulled_are_never_less_abnormal(one, two, grasped):
    for criterion in ("more_than_two", "one_in_ten"):
        low, high = (hair_pull(n, grasped, criterion).abnormal for n in sorted((one, two)))
        assert high or not low


@pytest.mark.parametrize(
    ("pulled", "grasped", "criterion"),
    [
        (-1, 60, "more_than_two"),
        (2.5, 60, "more_than_two"),
        (math.nan, 60, "more_than_two"),
        (3, 10, "more_than_two"),
        (3, 600, "more_than_two"),
        (55, 50, "more_than_two"),
        (500, None, "more_than_two"),
        (3, None, "one_in_ten"),
        (3, 60, "by feel"),
    ],
)
def test_hair_pull_refuses(pulled, grasped, criterion):
    with pytest.raises(InputError):
        hair_pull(pulled, grasped, criterion)


# --- Trichoscopy ----------------------------------------------------------------------------------

GRADES = st.dictionaries(st.sampled_from(trichoscopy_signs()), st.integers(0, 3) | st.none())


def test_trichoscopy_of_an_active_and_of_a_recovering_patch():
    active = trichoscopy_activity(
        {"yellow_dots": 3, "black_dots": 3, "tapering_hairs": 3, "broken_hairs": 3,
         "short_vellus_hairs": 0}
    )  # fmt: skip
    assert (active.activity, active.recovery, active.missing) == (1.0, 0.0, ())
    recovering = trichoscopy_activity({"black_dots": 0, "short_vellus_hairs": 3})
    assert (recovering.activity, recovering.recovery) == (0.0, 1.0)
    assert "yellow_dots" in recovering.missing


def test_nothing_recorded_is_not_nothing_seen():
    index = trichoscopy_activity({"black_dots": None})
    assert (index.activity, index.recovery, index.recorded) == (None, None, ())
    assert trichoscopy_activity({"black_dots": 0}).activity == 0.0


@CHECK
@given(GRADES, st.sampled_from(trichoscopy_signs()))
def test_a_stronger_sign_never_lowers_its_part(grades, sign):
    index = trichoscopy_activity(grades)
    for part in (index.activity, index.recovery):
        assert part is None or 0.0 <= part <= 1.0
    grade = grades.get(sign)
    if grade is not None and grade < 3:
        more = trichoscopy_activity(grades | {sign: grade + 1})
        part = "recovery" if sign == "short_vellus_hairs" else "activity"
        assert getattr(more, part) > getattr(index, part)


@pytest.mark.parametrize("grade", [-1, 4, 1.5, math.nan, "many", True])
def test_trichoscopy_refuses_a_grade(grade):
    with pytest.raises(InputError, match="black_dots"):
        trichoscopy_activity({"black_dots": grade})


def test_trichoscopy_refuses_an_unknown_sign_and_names_all_problems():
    with pytest.raises(InputError) as caught:
        trichoscopy_activity({"red_dots": 1, "black_dots": 9})
    assert len(caught.value.problems) == 2
