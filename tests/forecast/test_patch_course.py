"""The course of one patch under any sessions, held against the whole scalp."""

from datetime import date, timedelta

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anagen import PatchStart, build_scalp, load_parameters, make_plan, simulate
from anagen.forecast.course import SETS, begin_many, follow_many, ground_of, pad_rows
from anagen.forecast.doses import patch_doses, rows_of, sets_of
from anagen.population.cohort import PatchPeople, Regimen, follow_people
from anagen.population.person import Start, typical_body
from anagen.scalp import area_cm2, disc
from anagen.treatment import change_session

START = date(2026, 1, 5)
PEOPLE = 8


@pytest.fixture(scope="module")
def scalp():
    return build_scalp(cell_mm=2.0)


def body():
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float32), typical_body(load_parameters())
    )


def follow(scalp, cover, sessions, weeks, age=60.0, split=None):
    """Follow the typical adult; in two parts when split at a week."""
    doses = patch_doses(sessions, scalp, {"A": cover})["A"]
    diameter = float(round(2.0 * np.sqrt(100.0 * area_cm2(scalp, cover) / np.pi)))
    sets = sets_of(doses[0].sites, doses)
    ground = ground_of(diameter, sets)
    both = (ground.classes, ground.lattices)
    traits = {"immunity.half_effect": jnp.full(PEOPLE, 0.1, jnp.float32)}
    start = Start(*(jnp.full(PEOPLE, value, jnp.float32) for value in (0.0, 0.0, 1.0, age)))
    state = begin_many(body(), traits, ground.classes, start)

    def part(first, state, count):
        rows = pad_rows(rows_of(doses, sets, START + timedelta(weeks=first), 7 * count))
        return follow_many(body(), traits, both, rows, state, jnp.asarray(count), 52)

    if split is None:
        seen, _ = part(0, state, weeks)
        return seen
    _, state = part(0, state, split)
    seen, _ = part(split, state, weeks - split)
    return seen


@pytest.mark.parametrize("diameter", [20.0, 30.0, 45.0])
def test_moving_lattices_follow_the_whole_scalp(scalp, diameter):
    crown = scalp.position[:, 2].argmax()
    cover = disc(scalp, scalp.position[crown], diameter)
    plan = make_plan(scalp, {"A": cover}, "scalp-standard-5", START, patient_id="P", sessions=4,
                     interval_days=28)  # fmt: skip
    course = simulate(
        scalp, {"A": PatchStart(cover, age=60.0)}, plan.sessions, start=START, weeks=52
    )
    seen = follow(scalp, cover, plan.sessions, 52)
    whole = course.patch_cover.values[:, 0]
    # The whole scalp's cells share the border with healthy skin, which counts at the start.
    later = np.array([8, 12, 16, 20, 24, 36, 52])
    assert np.abs(whole - np.asarray(seen.outcome.cover)[0])[later].max() < 0.06
    thinning = 1.0 - np.asarray(seen.outcome.thinnest)[0]
    assert np.abs(course.patch_thinning.values[:, 0] - thinning)[:53].max() < 0.03


def test_fixed_lattice_is_the_fast_person(scalp):
    crown = scalp.position[:, 2].argmax()
    cover = disc(scalp, scalp.position[crown], 28.3)
    plan = make_plan(scalp, {"A": cover}, "scalp-standard-5", START, patient_id="P", sessions=1)
    sessions = [plan.sessions[0].model_copy(update={"date": START + timedelta(days=day)})
                for day in (0, 28, 56)]  # fmt: skip
    seen = follow(scalp, cover, sessions, 52)
    one = np.ones(1)
    person = PatchPeople({}, 28.3 * one, 60.0 * one, 0 * one, 0 * one, one)
    fast = follow_people(person, Regimen(5.0, 4.0, 3), 52)
    assert np.abs(np.asarray(seen.outcome.cover)[0] - fast.cover[0]).max() < 0.04


def test_a_course_goes_on_where_it_stopped(scalp):
    crown = scalp.position[:, 2].argmax()
    cover = disc(scalp, scalp.position[crown], 30.0)
    plan = make_plan(scalp, {"A": cover}, "scalp-standard-5", START, patient_id="P", sessions=3,
                     interval_days=28)  # fmt: skip
    plan = change_session(plan, 1, strength_mg_per_mL=2.5)
    whole, parts = (follow(scalp, cover, plan.sessions, 30, split=split) for split in (None, 9))
    ahead = np.asarray(whole.outcome.cover)[:, 9:31]
    np.testing.assert_allclose(np.asarray(parts.outcome.cover)[:, :22], ahead, atol=2e-4)


def test_weaker_session_gives_less_drug(scalp):
    crown = scalp.position[:, 2].argmax()
    cover = disc(scalp, scalp.position[crown], 30.0)
    plan = make_plan(scalp, {"A": cover}, "scalp-standard-5", START, patient_id="P", sessions=3,
                     interval_days=28)  # fmt: skip
    weaker = change_session(plan, 2, strength_mg_per_mL=1.0)
    strong, weak = (follow(scalp, cover, one.sessions, 30) for one in (plan, weaker))
    assert np.nanmin(weak.outcome.thinnest[0]) > np.nanmin(strong.outcome.thinnest[0])


def test_many_different_sets_are_joined(scalp):
    crown = scalp.position[:, 2].argmax()
    cover = disc(scalp, scalp.position[crown], 40.0)
    plans = [make_plan(scalp, {"A": cover}, "scalp-standard-5", START + timedelta(days=40 * number),
                       patient_id="P", sessions=1, spacing_mm=8.0 + number)
             for number in range(9)]  # fmt: skip
    doses = patch_doses([plan.sessions[0] for plan in plans], scalp, {"A": cover})["A"]
    sets = sets_of(doses[0].sites, doses)
    assert len(sets) <= SETS
    rows = rows_of(doses, sets, START, 400)
    assert len(rows.start) == 9
    assert rows.set.max() < len(sets)


def test_site_without_patch_goes_to_the_nearest(scalp):
    crown = scalp.position[:, 2].argmax()
    cover = disc(scalp, scalp.position[crown], 30.0)
    plan = make_plan(scalp, {"A": cover}, "scalp-standard-5", START, patient_id="P", sessions=1)
    session = plan.sessions[0]
    unnamed = session.model_copy(
        update={"injections": tuple(one.model_copy(update={"patch": None})
                                    for one in session.injections)}
    )  # fmt: skip
    named, nearest = (patch_doses([one], scalp, {"A": cover})["A"] for one in (session, unnamed))
    assert named == nearest


def test_skipped_sites_count_nothing(scalp):
    crown = scalp.position[:, 2].argmax()
    cover = disc(scalp, scalp.position[crown], 30.0)
    plan = make_plan(scalp, {"A": cover}, "scalp-standard-5", START, patient_id="P", sessions=1)
    first, *rest = plan.sessions[0].injections
    skipped = first.model_copy(update={"status": "skipped", "skipped_reason": "sore"})
    session = plan.sessions[0].model_copy(update={"injections": (skipped, *rest)})
    doses = patch_doses([session], scalp, {"A": cover})["A"]
    assert doses[0].count == len(rest)
