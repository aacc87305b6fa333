from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anagen.biology.follicle import STATES
from anagen.evidence.parameters import load_parameters
from anagen.population.cohort import person_outcome, summed
from anagen.population.layout import CLASSES, build_layout
from anagen.population.person import (
    Body,
    Classes,
    Outcome,
    Start,
    classes_of,
    concentrations,
    follow,
    followable,
    product_of,
    release_profile,
    starting,
    typical_body,
    with_traits,
)
from anagen.population.variability import load_traits

NEVER = 10**6
WEEKS = 12
BALD = (0.0, 0.0, 1.0, 0.0)  # regrown, terminal, thickness, age
MONTHLY = (0, 28, 56)


def classes() -> Classes:
    return classes_of(build_layout(30.0, 10.0))


def course(
    traits: dict,
    strength: float | jax.Array = 5.0,
    days: tuple[int, ...] = MONTHLY,
    weeks: int = WEEKS,
    start: tuple[float, ...] = BALD,
    on: Classes | None = None,
) -> Outcome:
    """Outcome of the typical adult but for these traits; compiled once for each length."""
    held = jnp.asarray(days + (NEVER,) * (6 - len(days)))
    numbers = tuple(jnp.asarray(number) for number in (strength, 0.1, 3.0))
    given = {key: jnp.asarray(value) for key, value in traits.items()}
    seen = Start(*(jnp.asarray(number) for number in start))
    return _course(given, seen, numbers, held, weeks, classes() if on is None else on)


@jax.jit(static_argnums=4)
def _course(traits, start, numbers, days, weeks, on):  # type: ignore[no-untyped-def]
    person = with_traits(typical_body(load_parameters()), traits)
    return person_outcome(person, on, start, product_of("ta10"), numbers, days, weeks)


def typical_traits() -> dict[str, float]:
    return {trait.key: load_parameters().value(trait.key, trait.unit) for trait in load_traits()}


@pytest.fixture
def double():  # type: ignore[no-untyped-def]
    with jax.enable_x64(True):
        yield


def read(logs: jax.Array, strength: jax.Array, age: jax.Array) -> jax.Array:
    """Cover and thinnest tenth in week 12, from the logarithms of traits over typical ones."""
    base = typical_traits()
    traits = {key: base[key] * jnp.exp(log) for key, log in zip(sorted(base), logs, strict=True)}
    result = course(traits, strength, start=(0.0, 0.0, 1.0, age))
    return jnp.stack([result.cover[-1], result.thinnest[-1]])


@pytest.fixture(scope="module")
def derivatives():  # type: ignore[no-untyped-def]
    """Values and the Jacobian, compiled once."""
    return jax.jit(read), jax.jit(jax.jacrev(read))


@pytest.mark.parametrize(("strength", "age"), [(5.0, 0.0), (2.5, 90.0), (0.0, 0.0)])
def test_gradients_agree_with_finite_differences(
    double: None, derivatives: tuple, strength: float, age: float
) -> None:
    """Of cover and of the thinnest tenth in week 12, by the logarithm of every trait."""
    keys = sorted(typical_traits())
    values, jacobian = derivatives
    there = (jnp.asarray(strength), jnp.asarray(age))
    here = jnp.asarray(0.05 * np.random.default_rng(0).normal(size=len(keys)))
    found = np.asarray(jacobian(here, *there))
    steps = 1e-5 * np.eye(len(keys))
    expected = np.stack(
        [(values(here + step, *there) - values(here - step, *there)) / 2e-5 for step in steps], -1
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-7)
    moving = set(np.array(keys)[np.abs(expected[0]) > 1e-4])
    assert "immunity.activation" in moving
    if strength:
        assert {
            "follicle.maturing_time",
            "depot.radius",
            "immunity.half_effect",
            "immunity.rebuild_time",
        } <= moving
        thinning = dict(zip(keys, expected[1], strict=True))
        assert thinning["skin.half_effect"] > 1e-3
        assert thinning["depot.radius"] != 0.0


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    keys = ("immunity.half_effect", "depot.radius", "immunity.activation")
    base = typical_traits()
    many = {key: jnp.asarray(base[key] * np.exp(0.2 * rng.normal(size=4)), jnp.float32)
            for key in keys}  # fmt: skip
    together = jax.vmap(course)(many)
    for number in range(4):
        alone = course({key: value[number] for key, value in many.items()})
        for all_of_them, own in zip(together, alone, strict=True):
            np.testing.assert_allclose(all_of_them[number], own, rtol=2e-5, atol=2e-6)


def states_after(strength: float) -> tuple[Body, Classes, object]:
    body, on = typical_body(load_parameters()), classes()
    product = product_of("ta10")
    share = summed(release_profile(body, product, strength, 0.1, 52 * 7), jnp.asarray(MONTHLY))
    full = concentrations(body, on, product, 0.1, 3.0)
    start = starting(body, on, Start(*map(jnp.asarray, BALD)))
    return body, on, jax.jit(follow)(body, on, start, share, full)[1]


def test_shares_of_follicles_sum_to_one_after_a_year() -> None:
    _, _, state = states_after(5.0)
    shares = np.stack(state.hair.shares)  # type: ignore[attr-defined]
    assert shares.shape == (len(STATES), CLASSES)
    np.testing.assert_allclose(shares.sum(0), 1.0, atol=1e-5)
    assert shares.min() > -1e-6


def test_attack_stays_within_its_bounds() -> None:
    _, on, state = states_after(2.5)
    immune = state.immune  # type: ignore[attr-defined]
    here = np.asarray(on.area) > 0
    for field in (immune.attack, immune.privilege):
        assert np.asarray(field)[here].min() >= 0.0
        assert np.asarray(field)[here].max() <= 1.05


def test_sessions_without_drug_are_no_sessions() -> None:
    for found, expected in zip(course({}, 0.0, MONTHLY), course({}, 0.0, ()), strict=True):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(course({}, 5.0, ()), course({}, 0.0, ()), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_nothing_happens_before_the_first_session_and_something_after() -> None:
    late, none = course({}, 5.0, (42,), 24), course({}, 0.0, (), 24)
    for name in ("cover", "thickness", "attack"):
        found, expected = np.asarray(getattr(late, name)), np.asarray(getattr(none, name))
        np.testing.assert_allclose(found[:7], expected[:7], atol=1e-6)
        assert np.abs(found[8:] - expected[8:]).max() > 0.02


def test_a_session_on_the_first_day_acts_from_the_first_day() -> None:
    first, second = course({}, 5.0, (0,)), course({}, 5.0, (7,))
    assert float(first.thickness[1]) < float(second.thickness[1]) - 1e-3
    skin = np.asarray(first.thickness)
    np.testing.assert_allclose(np.asarray(second.thickness)[1:], skin[:-1], atol=1e-4)


def test_release_of_sessions_adds_up() -> None:
    profile = jnp.asarray([3.0, 2.0, 1.0, 0.0, 0.0])
    np.testing.assert_array_equal(summed(profile, jnp.asarray([0])), profile)
    np.testing.assert_array_equal(summed(profile, jnp.asarray([1, 3, NEVER])), [0, 3, 2, 4, 2])


def test_release_gives_back_the_dose() -> None:
    body, product = typical_body(load_parameters()), product_of("ta10")
    profile = np.asarray(release_profile(body, product, 5.0, 0.1, 364))
    full = 24.0  # ug a day of a saturated ball of 2 mm, as the depot's own documentation says
    assert profile.sum() * full == pytest.approx(500.0 * product.active_fraction, rel=0.05)
    assert (profile >= 0.0).all()
    assert profile[0] > 0.9


def test_more_drug_nearer_to_injections() -> None:
    body = typical_body(load_parameters())
    on = classes()
    bulb, dermal = concentrations(body, on, product_of("ta10"), 0.1, 3.0)
    nearest = np.asarray(on.lateral)[:, 0, 0]
    order = np.argsort(nearest)
    assert np.asarray(bulb)[order[0], 0] > 20.0 * np.asarray(bulb)[order[CLASSES // 2], 0]
    assert (np.asarray(dermal) >= 0.0).all()


def test_a_regrown_patch_starts_with_hair_and_a_thin_one_thin() -> None:
    grown = course({}, 0.0, (), start=(1.0, 1.0, 1.0, 0.0))
    assert float(grown.hair_share[0]) > 0.95
    assert float(grown.terminal_share[0]) > 0.95
    thin = course({}, 0.0, (), start=(0.0, 0.0, 0.7, 0.0))
    assert float(thin.thickness[0]) == pytest.approx(0.7, abs=1e-5)
    assert float(thin.thickness[-1]) > 0.75


def test_an_old_patch_heals_sooner_by_itself() -> None:
    young = course({}, 0.0, (), 52).cover
    old = course({}, 0.0, (), 52, start=(0.0, 0.0, 1.0, 180.0)).cover
    assert float(old[26]) > float(young[26]) + 0.1


def test_the_thinnest_tenth_is_thinner_than_the_mean() -> None:
    result = course({}, 10.0)
    thinnest, mean = np.asarray(result.thinnest), np.asarray(result.thickness)
    assert (thinnest <= mean + 1e-6).all()
    assert thinnest.min() < 0.6


def test_the_step_of_a_day_is_fine_enough() -> None:
    """Against sixteen steps a day: three points at the worst week, for shares of hair."""
    body, on = typical_body(load_parameters()), classes()
    product = product_of("ta10")
    full = concentrations(body, on, product, 0.1, 3.0)
    start = starting(body, on, Start(*map(jnp.asarray, BALD)))

    def with_steps(substeps: int) -> Outcome:
        profile = release_profile(body, product, 5.0, 0.1, 168, substeps)
        share = summed(profile, substeps * jnp.asarray(MONTHLY))
        return follow(body, on, start, share, full, substeps)[0]

    usual, fine = with_steps(1), with_steps(16)
    for name in ("cover", "hair_share", "thickness", "attack"):
        difference = np.abs(getattr(usual, name) - getattr(fine, name))
        assert 1e-4 < difference.max() < 0.03
        assert difference.mean() < 0.01


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("immunity.activation", 1e30),
        ("immunity.activation", 2.0),
        ("immunity.activation", 0.01),
        ("immunity.rebuild_time", -35.0),
        ("immunity.tolerance_time", -1.0),
        ("immunity.mobility", -0.8),
        ("immunity.half_effect", 0.0),
        ("follicle.maturing_time", 1e-3),
        ("follicle.recovering_time", -18.0),
        ("skin.half_effect", -0.1),
        ("skin.slow_rate", -0.01),
        ("depot.radius", 0.0),
        ("dermis.diffusivity", -5.0),
        ("density", -1.0),
    ],
)
def test_a_person_whom_the_model_cannot_follow_is_nan_throughout(key: str, value: float) -> None:
    typical = typical_body(load_parameters())
    assert bool(followable(typical))
    assert not bool(followable(with_traits(typical, {key: jnp.asarray(value)})))
    for field in course({key: value}):
        assert np.isnan(field).all()


def test_traits_replace_what_they_name() -> None:
    typical = typical_body(load_parameters())
    new = {"weight": 55.0, "immunity.loss": 0.25, "plasma.volume": 2.0}
    changed = with_traits(typical, {key: jnp.asarray(value) for key, value in new.items()})
    found = (changed.weight, changed.tissue.immunity.loss, changed.plasma.volume)
    assert tuple(map(float, found)) == (55.0, 0.25, 2.0)
    assert changed.tissue.skin is typical.tissue.skin
    with pytest.raises(TypeError):
        with_traits(typical, {"immunity.nothing": jnp.ones(())})


def test_smaller_classes_far_away_change_nothing() -> None:
    """Spare classes, without area, may hold anything."""
    on = classes()
    spare = np.asarray(on.area) == 0
    assert spare.any()
    lateral = np.array(on.lateral)
    lateral[spare] = 0.0
    for found, expected in zip(
        course({}, on=on._replace(lateral=jnp.asarray(lateral))), course({}), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_body_is_data() -> None:
    typical = typical_body(load_parameters())
    heavier = replace(typical, weight=jnp.asarray(120.0))
    assert float(heavier.weight) == 120.0
    assert len(jax.tree.leaves(typical)) == len(jax.tree.leaves(heavier))
