"""The rules engine on plans of real sessions: places, order, history, algebra."""

import ast
import math
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anagen.treatment
from anagen.errors import InputError
from anagen.scalp import ViewPoint
from anagen.treatment.facts import (
    Facts,
    OtherSteroidDose,
    PatchFacts,
    Regrowth,
    SessionGiven,
    other_steroid_mg,
)
from anagen.treatment.findings import Finding, blocked, by_rule, severity_rank
from anagen.treatment.injections import Injection, Plan, Session
from anagen.treatment.profiles import profile_names
from anagen.treatment.rule_registry import mentions
from anagen.treatment.rules import check, holds

TODAY = date(2026, 3, 2)
PROPERTY = settings(deadline=None, derandomize=True, max_examples=40)


def facts(**change: object) -> Facts:
    fields: dict[str, object] = {
        "on": TODAY, "age_years": 34, "sex": "male", "allergies": (), "conditions": (),
        "medicines": (), "morning_cortisol_on": TODAY,
    }  # fmt: skip
    return Facts.model_validate(fields | change)


def session(
    sites: int = 4,
    on: date = TODAY,
    *,
    spacing: float = 10.5,
    volume: float = 0.1,
    strength: float = 5.0,
    patch: str = "P1",
    **change: object,
) -> Session:
    injections = tuple(
        Injection(
            number=index + 1,
            location=ViewPoint(
                view="top", x=40 + spacing * (index % 8), y=60 + spacing * (index // 8)
            ),
            patch=patch, product="ta10", strength_mg_per_mL=strength, volume_mL=volume,
            depth_mm=3.0, needle_gauge=30,
        ).model_copy(update=change)
        for index in range(sites)
    )  # fmt: skip
    return Session(date=on, injections=injections)


def rules_of(findings: list[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


def test_ordinary_plan_is_sound() -> None:
    sessions = tuple(session(on=TODAY + timedelta(weeks=6 * k)) for k in range(3))
    plan = Plan(protocol="custom", patient="P", sessions=sessions)
    assert check(plan, facts()) == []
    assert check(sessions, facts()) == []
    assert check(sessions[0], facts()) == []


def test_finding_says_where_and_how_much() -> None:
    injection = session(1).injections[0].model_copy(
        update={"number": 9, "strength_mg_per_mL": 40.0, "volume_mL": 0.15,
                "location": ViewPoint(view="back", x=90, y=90)}
    )  # fmt: skip
    second = session(3, TODAY + timedelta(weeks=5))
    second = second.model_copy(update={"injections": (*second.injections, injection)})
    found = check([session(), second], facts(), "uk-smpc")
    (finding,) = [f for f in found if f.rule == "mg-per-site"]
    assert finding.place == "sessions[1].injections[3]"
    assert finding.measured == pytest.approx(6.0)
    assert (finding.limit, finding.unit, finding.comparison) == (5.0, "mg", ">")
    assert finding.jurisdiction == "UK, Ireland"
    assert finding.source == "SmPCAdcortyl"
    assert finding.message == "6 mg at one site; the SmPC allows 5 mg."
    assert finding.patch == "P1"


def test_gravest_first_and_all_places_of_a_session_together() -> None:
    spoilt = facts(
        allergies=("Benzyl alcohol: hives",), skin_type=5,
        patches=(PatchFacts(id="P1", atrophy_grade=1, infection="herpes"),),
    )  # fmt: skip
    found = check([session(5, volume=0.2)], spoilt)
    ranks = [severity_rank(finding.severity) for finding in found]
    assert ranks == sorted(ranks)
    assert found[0].rule == "allergy"
    assert found[0].absolute
    groups = by_rule(found)
    assert len(groups["mL-per-site"]) == 1
    assert len(groups["mL-per-site"][0].places) == 5
    assert groups["infection-at-site"][0].places[4] == "sessions[0].injections[4]"
    assert blocked(found)


def test_sites_of_other_patches_are_not_blocked() -> None:
    sick = facts(patches=(PatchFacts(id="P2", infection="impetigo", atrophy_grade=2),))
    assert check([session()], sick) == []
    found = check([], sick)
    assert {finding.place for finding in found} == {"patient.patches[P2]"}


def test_skipped_injections_do_not_count() -> None:
    heavy = session(40, volume=0.3)
    skipped = session(40, volume=0.3, status="skipped", skipped_reason="refused")
    assert "mg-per-session" in rules_of(check([heavy], facts()))
    assert check([skipped], facts()) == []


def test_history_counts_for_interval_and_totals_but_never_twice() -> None:
    given_today = facts(sessions_given=(SessionGiven(date=TODAY, dose_mg=499),))
    planned, given = session(), session(status="given")
    found = rules_of(check([planned], given_today))
    assert {"interval-absolute", "cumulative-lifetime"} <= found
    assert not {"interval-absolute", "cumulative-lifetime"} & rules_of(check([given], given_today))
    week_ago = facts(sessions_given=(SessionGiven(date=TODAY - timedelta(days=8), dose_mg=1),))
    intervals = rules_of(check([planned], week_ago))
    assert {"interval-absolute", "interval-usual"} <= intervals
    assert "interval-label" not in intervals


def test_total_is_reported_where_it_is_first_passed() -> None:
    before = facts(sessions_given=(SessionGiven(date=TODAY - timedelta(days=900), dose_mg=497),))
    plan = [session(on=TODAY + timedelta(weeks=6 * k)) for k in range(4)]
    (finding,) = [f for f in check(plan, before) if f.rule == "cumulative-lifetime"]
    assert finding.place == "sessions[1]"
    assert finding.measured == pytest.approx(505)
    assert "cumulative-12-months" not in rules_of(check(plan, before))


def test_twelve_months_are_a_window_over_all_routes() -> None:
    oral = OtherSteroidDose(
        drug="prednisolone", route="oral", date=TODAY - timedelta(days=300),
        until=TODAY - timedelta(days=201), triamcinolone_mg=259,
    )  # fmt: skip
    loaded = facts(other_steroids=(oral,))
    found = {f.rule: f for f in check([session()], loaded)}
    assert found["cumulative-12-months"].measured == pytest.approx(261)
    assert found["other-steroid-routes"].found == "prednisolone, oral"
    late = [session(on=TODAY + timedelta(days=115))]
    assert "cumulative-12-months" not in rules_of(check(late, loaded))


def test_course_of_steroid_counts_by_its_days() -> None:
    dose = OtherSteroidDose(
        drug="prednisolone", route="oral", date=TODAY, until=TODAY + timedelta(days=9),
        triamcinolone_mg=100,
    )  # fmt: skip
    assert other_steroid_mg([dose], TODAY, TODAY) == pytest.approx(10)
    assert other_steroid_mg([dose], TODAY + timedelta(days=5), date.max) == pytest.approx(50)
    assert other_steroid_mg([dose], date.min, date.max) == pytest.approx(100)


def test_other_steroids_count_as_triamcinolone() -> None:
    weak = session(40, volume=0.1, strength=7.0)
    assert "mg-per-session" not in rules_of(check([weak], facts()))
    strong = session(40, volume=0.1, strength=7.0, product="bd5")
    assert "mg-per-session" in rules_of(check([strong], facts()))


def test_spacing_is_measured_on_the_curved_scalp() -> None:
    near = {f.rule: f for f in check([session(spacing=9.0)], facts())}
    assert 9.0 <= (near["spacing-label"].measured or 0) < 9.8
    assert "spacing-never" not in near
    assert {"spacing-label", "spacing-never"} <= rules_of(check([session(spacing=4.0)], facts()))
    # At the edge of the view 10 mm of skin look shorter: 8.5 mm on paper are enough there.
    edge = session(2)
    sites = tuple(
        site.model_copy(update={"location": ViewPoint(view="top", x=12.0, y=78.0 + 8.5 * k)})
        for k, site in enumerate(edge.injections)
    )
    flat = check([edge.model_copy(update={"injections": sites})], facts(), "us-label")
    assert all((f.measured or 0) > 8.4 for f in flat)


def test_allergy_follows_what_the_products_contain() -> None:
    carmellose = facts(allergies=("Carmellose",))
    assert rules_of(check([session()], carmellose)) == {"allergy"}
    assert "allergy" not in rules_of(check([session(product="th5")], carmellose))
    assert "allergy" in rules_of(check([], carmellose))
    lidocaine = facts(allergies=("lidocaine (wheal)",))
    assert check([session()], lidocaine) == []
    numbed = session().model_copy(update={"diluent": "lidocaine"})
    assert rules_of(check([numbed], lidocaine)) == {"allergy"}
    beta = facts(allergies=("betamethasone",))
    assert rules_of(check([session()], beta)) == {"allergy-other-steroid"}
    saline = session(product="saline", strength=0.0)
    assert check([saline], facts(allergies=("triamcinolone", "betamethasone"))) == []
    assert "allergy" in rules_of(check([session(product="brand of 1961")], carmellose))


@pytest.mark.parametrize(
    "entry", ["No known drug allergies", "none", "Denies latex, benzyl alcohol"]
)
def test_denials_are_no_allergies(entry: str) -> None:
    assert check([session()], facts(allergies=(entry,))) == []


def test_exception_inside_a_denial_counts() -> None:
    assert mentions("No known allergies except benzyl_alcohol", ("benzyl alcohol",))
    assert not mentions("phenobenzyl alcohols", ("benzyl alcohol",))


def test_ritonavir_is_a_warning_that_says_so() -> None:
    found = {f.rule: f for f in check([session()], facts(medicines=("Paxlovid 300/100",)))}
    assert found["ritonavir-cobicistat"].severity == "warn"
    assert found["ritonavir-cobicistat"].message.startswith("STRONG WARNING. Paxlovid 300/100")


def test_children_by_age_and_profile() -> None:
    def found(age: float, profile: str) -> dict[str, str]:
        return {
            f.rule: f.severity for f in check([session()], facts(age_years=age), profile)
            if f.kind == "age"
        }  # fmt: skip

    assert found(18, "uk-smpc") == {}
    assert found(17, "uk-smpc") == {"age-under-18": "warn"}
    assert found(9, "uk-smpc") == {"age-under-18": "warn", "age-under-10": "warn"}
    assert found(5, "uk-smpc")["age-under-6"] == "block"
    assert found(5, "anagen-default")["age-under-6"] == "warn"
    newborn = check([session()], facts(age_years=0.05), "us-label")
    assert newborn[0].rule == "neonate"
    assert "neonate" not in rules_of(check([], facts(age_years=0, is_neonate=False)))


def test_gates_read_the_latest_view_after_their_week() -> None:
    def found(*seen: tuple[float, float]) -> set[str]:
        rows = tuple(Regrowth(weeks=weeks, percent=percent) for weeks, percent in seen)
        patches = (PatchFacts(id="P1", regrowth=rows),)
        return rules_of(check([session()], facts(patches=patches)))

    assert found((8, 0)) == set()
    assert found((8, 0), (12, 20)) == {"response-12-weeks"}
    assert found((12, 20), (18, 40)) == set()
    assert found((12, 40), (24, 10)) == {"response-12-weeks", "response-24-weeks"}
    assert found((18, 100)) == {"stop-full-regrowth", "watch-relapse"}


def test_uncounted_patient_is_told_what_is_missing() -> None:
    found = check([session()], Facts(on=TODAY))
    assert {f.rule for f in found} == {
        "record-age", "record-allergies", "record-medicines", "record-conditions"
    }  # fmt: skip


def test_profiles_differ_where_their_countries_do() -> None:
    fifty = [session(50, spacing=10.5)]  # 25 mg in 5 mL
    verdict = {
        name: {f.severity for f in check(fifty, facts(), name) if f.rule == "mg-per-session"}
        for name in profile_names()
    }
    assert verdict["us-label"] == set()
    assert verdict["uk-smpc"] == set()
    assert verdict["australia"] == {"warn"}
    assert verdict["canada-paediatric"] == {"block"}


def bad(**change: float) -> SimpleNamespace:
    fields = {"dose_mg": 0.5, "volume_mL": 0.1, "strength_mg_per_mL": 5.0} | change
    sick = SimpleNamespace(patch=None, product="ta10", location=None, **fields)
    return SimpleNamespace(date=TODAY, injections=[sick])


def test_doses_that_cannot_be_counted_are_all_refused() -> None:
    with pytest.raises(InputError) as caught:
        check([bad(dose_mg=math.nan), bad(volume_mL=-1.0, strength_mg_per_mL=math.inf)], facts())
    assert [problem.place for problem in caught.value.problems] == [
        "sessions[0].injections[0].dose_mg",
        "sessions[1].injections[0].volume_mL",
        "sessions[1].injections[0].strength_mg_per_mL",
    ]


def test_unknown_profile_and_wrong_positions_are_refused() -> None:
    import numpy as np

    with pytest.raises(InputError, match="anagen-default"):
        check([], facts(), "atlantis")
    with pytest.raises(InputError, match=r"positions\[0\]"):
        check([session()], facts(), positions=[np.zeros((2, 3))])
    with pytest.raises(InputError, match="2 sessions"):
        check([session(), session()], facts(), positions=[None])


volumes = st.lists(st.floats(0.01, 0.4), min_size=1, max_size=6)


@PROPERTY
@given(volumes, st.floats(1.0, 10.0), st.floats(1.0, 3.0), st.sampled_from(profile_names()))
def test_more_steroid_never_removes_a_finding(
    amounts: list[float], strength: float, factor: float, profile: str
) -> None:
    def found(scale: float) -> set[str]:
        plan = [
            session(3, TODAY + timedelta(days=20 * k), volume=volume * scale, strength=strength,
                    patch="B").model_copy()
            for k, volume in enumerate(amounts)
        ]  # fmt: skip
        person = facts(conditions=("diabetes",), patches=(PatchFacts(id="B", site="brow"),))
        return rules_of(check(plan, person, profile))

    factor = min(factor, 1.0 / max(amounts))
    assert found(1.0) <= found(factor)


@PROPERTY
@given(st.integers(1, 5), st.randoms(use_true_random=False))
def test_order_of_sessions_does_not_change_the_verdict(count: int, random: object) -> None:
    plan = [session(9 + k, TODAY + timedelta(days=11 * k), volume=0.15) for k in range(count)]
    mixed = list(plan)
    random.shuffle(mixed)  # type: ignore[attr-defined]

    def seen(sessions: list[Session]) -> set[tuple[str, float | None]]:
        return {(f.rule, f.measured) for f in check(sessions, facts())}

    assert seen(mixed) == seen(plan)


@PROPERTY
@given(st.floats(0.1, 5.0), st.floats(0.1, 5.0))
def test_totals_add_up(first: float, second: float) -> None:
    from anagen.treatment.rule_case import make_case

    days = [TODAY, TODAY + timedelta(days=30)]
    history = (SessionGiven(date=TODAY - timedelta(days=20), dose_mg=first),)
    person = facts(sessions_given=history)
    case = make_case([session(2, days[1], strength=second)], person)
    assert case.cumulative_mg(days[0], None) == pytest.approx(first)
    assert case.cumulative_mg(days[1], None) == pytest.approx(first + 0.2 * second)
    assert case.cumulative_mg(days[1], 30) == pytest.approx(0.2 * second)


def test_rounding_does_not_pass_a_limit() -> None:
    tenths = session(3, volume=0.1, strength=10.0)  # 3 * 0.1 * 10 > 3 in floating point
    assert sum(site.volume_mL for site in tenths.injections) * 10 > 3.0
    assert "mg-per-patch-usual" not in rules_of(check([tenths], facts(), "uk-smpc"))
    tenths = session(60, volume=0.1, strength=5.0)
    assert "mg-per-session" not in rules_of(check([tenths], facts()))


def test_no_limit_stands_in_code() -> None:
    """Numbers live in rules.toml; code counts from zero or one and names technical constants."""
    room = Path(anagen.treatment.__file__).parent
    files = [*room.glob("rule*.py"), room / "profiles.py", room / "binding.py"]
    assert len(files) >= 7
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = {
            id(inner)
            for node in tree.body
            if isinstance(node, ast.Assign) and node.targets[0].id in ("_ROUNDING", "_DIGITS")  # type: ignore[attr-defined]
            for inner in ast.walk(node)
        }
        numbers = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, int | float)
            and not isinstance(node.value, bool)
            and id(node) not in named
        ]
        allowed = {0, 1, 256} | ({3} if file.name == "binding.py" else set())  # cache size; pi / 3
        assert set(numbers) <= allowed, (file.name, set(numbers) - allowed)


def test_holds_reads_every_comparison() -> None:
    from anagen.evidence.rules import Condition
    from anagen.treatment.rule_registry import Measured

    table = {">": (0, 0, 1), ">=": (0, 1, 1), "<": (1, 0, 0), "<=": (1, 1, 0)}
    for comparison, wanted in table.items():
        condition = Condition("m", comparison, 2.0)  # type: ignore[arg-type]
        assert tuple(holds(condition, Measured("p", v)) for v in (1.0, 2.0, 3.0)) == wanted
        assert not holds(condition, Measured("p", found="words"))
