"""Which limit binds first, and that it agrees with the rules themselves."""

import math
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from anagen.errors import InputError
from anagen.treatment.binding import BindingLimit, SessionDesign, which_limit_binds_first
from anagen.treatment.facts import Facts, SessionGiven
from anagen.treatment.profiles import load_profile, profile_names
from anagen.treatment.rules import check

TODAY = date(2026, 3, 2)
PERSON = Facts(on=TODAY)
PROPERTY = settings(deadline=None, derandomize=True, max_examples=40)


def design(**change: float) -> SessionDesign:
    fields = {"volume_mL": 0.1, "strength_mg_per_mL": 5.0, "spacing_mm": 10.0}
    return SessionDesign.model_validate(fields | change)


def plan_of(outline: SessionDesign, sites: int, sessions: int = 1) -> list[SimpleNamespace]:
    one = SimpleNamespace(
        dose_mg=outline.dose_mg, volume_mL=outline.volume_mL, patch=None, product="ta10",
        strength_mg_per_mL=outline.strength_mg_per_mL, location=None,
    )  # fmt: skip
    days = (timedelta(days=(outline.interval_days or 0) * k) for k in range(sessions))
    return [SimpleNamespace(date=TODAY + day, injections=[one] * sites) for day in days]


def fired(outline: SessionDesign, sites: int, rule: str, profile: str, sessions: int = 1) -> bool:
    """Whether a rule speaks for so many sites; positions are left out, spacing is not asked."""
    from dataclasses import replace

    chosen = load_profile(profile)
    only = replace(chosen, rules=tuple(r for r in chosen.rules if r.key == rule))
    return bool(check(plan_of(outline, sites, sessions), PERSON, only))


def by_rule(limits: list[BindingLimit]) -> dict[str, BindingLimit]:
    return {limit.rule: limit for limit in limits}


def test_volume_binds_long_before_mg_in_standard_practice() -> None:
    limits = which_limit_binds_first(design(sites=9), PERSON)
    first, found = limits[0], by_rule(limits)
    assert first.rule == "mL-per-session"
    assert (first.sites, first.limit, first.grows_with) == (15, 1.5, "sites")
    assert first.mL == pytest.approx(1.5)
    assert first.mg == pytest.approx(7.5)
    assert first.area_cm2 == pytest.approx(15.0)
    assert first.fraction == pytest.approx(0.6)
    assert found["mL-per-session-ceiling"].sites == 30
    assert found["mg-per-session-usual"].sites == 40
    assert found["mg-per-session"].sites == 60
    assert found["mg-per-session"].source == "SmPCAdcortyl"
    assert "15 sites" in str(first)


def test_lesser_severities_can_be_left_out() -> None:
    warn = which_limit_binds_first(design(), PERSON, at_least="warn")
    assert (warn[0].rule, warn[0].sites) == ("mL-per-session-ceiling", 30)
    block = which_limit_binds_first(design(), PERSON, at_least="block")
    assert (block[0].rule, block[0].sites) == ("mg-per-session", 60)


def test_profiles_bind_differently() -> None:
    assert which_limit_binds_first(design(), PERSON, "us-experts")[0].sites == 15
    assert which_limit_binds_first(design(), PERSON, "uk-smpc")[0].sites == 60
    label = by_rule(which_limit_binds_first(design(), PERSON, "us-label"))
    assert "mg-per-session" not in label
    chosen = load_profile("anagen-default", {"mg-per-session": 15})
    assert by_rule(which_limit_binds_first(design(), PERSON, chosen))["mg-per-session"].sites == 30


def test_passed_limit_stands_first() -> None:
    limits = which_limit_binds_first(design(volume_mL=0.3), PERSON)
    assert limits[0].rule == "mL-per-site"
    assert limits[0].fraction == pytest.approx(3.0)
    close = which_limit_binds_first(design(spacing_mm=4.0, interval_days=7, sessions=2), PERSON)
    assert {limit.rule for limit in close[:4]} == {
        "spacing-never", "spacing-label", "interval-absolute", "interval-usual"
    }  # fmt: skip


def test_history_leaves_less_room() -> None:
    course = design(sites=40, sessions=6, interval_days=28)
    fresh = by_rule(which_limit_binds_first(course, PERSON))
    assert fresh["cumulative-lifetime"].used == pytest.approx(120)
    assert fresh["cumulative-lifetime"].sessions == 25
    assert fresh["cumulative-12-months"].sessions == 13
    given = SessionGiven(date=TODAY - timedelta(days=30), dose_mg=400)
    spent = Facts(on=TODAY, sessions_given=(given,))
    late = by_rule(which_limit_binds_first(course, spent))
    assert late["cumulative-lifetime"].sessions == 5
    assert late["cumulative-lifetime"].sites == math.floor(100 / 6 / 0.5)
    assert late["cumulative-12-months"].sessions == 0
    assert late["sessions-in-course"].used == 7


def test_course_that_leaves_room_every_year_never_reaches_the_yearly_limit() -> None:
    course = design(sites=9, sessions=2, interval_days=42)
    limits = by_rule(which_limit_binds_first(course, PERSON))
    assert limits["cumulative-12-months"].sessions is None
    assert limits["cumulative-lifetime"].sessions == 111


def test_plan_is_read_by_its_heaviest_session() -> None:
    plan = [*plan_of(design(), 8), *plan_of(design(volume_mL=0.05), 30)]
    plan[1].date = TODAY + timedelta(days=21)
    found = by_rule(which_limit_binds_first(plan, PERSON))
    assert found["mg-per-session"].used == pytest.approx(7.5)
    assert found["mg-per-session"].sites == 120
    assert found["cumulative-lifetime"].used == pytest.approx(11.5)
    assert found["interval-usual"].used == 21
    assert found["interval-usual"].fraction == pytest.approx(28 / 21)
    assert found["mg-per-session"].area_cm2 is None


def test_plan_without_injections_is_refused() -> None:
    with pytest.raises(InputError, match="at least one injection"):
        which_limit_binds_first([], PERSON)


@pytest.mark.parametrize("change", [{"volume_mL": -0.1}, {"spacing_mm": math.nan}, {"sites": 0}])
def test_impossible_design_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        design(**change)


amounts = st.floats(0.02, 0.5).map(lambda v: round(v, 3))
strengths = st.sampled_from([2.5, 3.3, 5.0, 7.5, 10.0])


@PROPERTY
@given(amounts, strengths, st.sampled_from(profile_names()))
def test_limit_agrees_with_the_rule_itself(volume: float, strength: float, profile: str) -> None:
    outline = design(volume_mL=volume, strength_mg_per_mL=strength, sites=3)
    for limit in which_limit_binds_first(outline, PERSON, profile):
        if limit.measure.endswith("_per_session") and limit.sites is not None:
            assert not fired(outline, limit.sites, limit.rule, profile)
            assert fired(outline, limit.sites + 1, limit.rule, profile)


@PROPERTY
@given(strengths, st.integers(5, 60), st.sampled_from([14, 21, 28, 42]))
def test_sessions_within_a_total_agree_with_the_rule(
    strength: float, sites: int, interval: int
) -> None:
    outline = design(strength_mg_per_mL=strength, sites=sites, interval_days=interval)
    limits = by_rule(which_limit_binds_first(outline, PERSON))
    for rule in ("cumulative-12-months", "cumulative-lifetime-early"):
        count = limits[rule].sessions
        if count is None:
            assert not fired(outline, sites, rule, "anagen-default", 40)
        else:
            assert not fired(outline, sites, rule, "anagen-default", count)
            assert fired(outline, sites, rule, "anagen-default", count + 1)


@PROPERTY
@given(amounts, strengths, st.integers(1, 40), st.integers(2, 5))
def test_use_grows_in_proportion(volume: float, strength: float, sites: int, factor: int) -> None:
    small = by_rule(
        which_limit_binds_first(
            design(volume_mL=volume, strength_mg_per_mL=strength, sites=sites), PERSON
        )
    )
    large = by_rule(
        which_limit_binds_first(
            design(volume_mL=volume, strength_mg_per_mL=strength, sites=sites * factor), PERSON
        )
    )
    for rule, limit in small.items():
        grown = large[rule]
        ratio = factor if limit.grows_with == "sites" else 1
        assert grown.fraction == pytest.approx(ratio * limit.fraction)
        assert grown.sites == limit.sites
