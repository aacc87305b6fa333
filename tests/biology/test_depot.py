import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from anagen.biology.depot import (
    Depot,
    Sites,
    amount_left,
    release_rate,
    saturated_release,
    site_of,
)
from anagen.biology.dermis import Dermis
from anagen.evidence.parameters import ParameterSet, load_parameters
from anagen.evidence.products import load_product


def sites(*rows: tuple[float, ...]) -> Sites:
    return Sites(*(jnp.asarray(column) for column in np.array(rows, float).T))


def one(product: str, strength: float, volume: float = 0.1, start: float = 0.0) -> Sites:
    return sites(site_of(load_product(product), strength, volume, start))


def lifetime(depot: Depot, dermis: Dermis, site: Sites) -> float:
    times = jnp.linspace(0.0, 400.0, 8001)
    left = np.asarray(amount_left(depot, dermis, site, times))[:, 0]
    return float(times[np.argmax(left <= 1e-9 * left[0])])


@pytest.mark.parametrize(("radius", "days"), [(1.5, 42.0), (2.0, 21.0), (3.0, 8.0)])
def test_half_a_milligram_lasts_as_published_for_each_size(
    parameters: ParameterSet, dermis: Dermis, radius: float, days: float
) -> None:
    depot = Depot.from_parameters(parameters.replace(depot__radius=radius))
    assert lifetime(depot, dermis, one("ta10", 5.0)) == pytest.approx(days, rel=0.12)


def test_release_of_the_typical_ball_is_that_of_the_literature(
    depot: Depot, dermis: Dermis
) -> None:
    rate = saturated_release(depot, dermis, jnp.asarray([0.1]), jnp.asarray([13.0]))
    assert float(rate[0]) == pytest.approx(24.0, rel=0.05)


def test_duration_grows_with_dose_and_height_does_not(depot: Depot, dermis: Dermis) -> None:
    weak, strong = one("ta10", 2.5), one("ta10", 10.0)
    assert lifetime(depot, dermis, strong) > 3.5 * lifetime(depot, dermis, weak)
    edges = jnp.arange(3.0)
    first = [float(release_rate(depot, dermis, s, edges)[0, 0]) for s in (weak, strong)]
    assert first[0] == pytest.approx(first[1], rel=0.02)


def test_hexacetonide_is_slower_and_a_solution_has_no_depot(depot: Depot, dermis: Dermis) -> None:
    acetonide = lifetime(depot, dermis, one("ta10", 5.0))
    assert lifetime(depot, dermis, one("th5", 5.0)) > 2.0 * acetonide
    assert lifetime(depot, dermis, one("bsp4", 4.0)) < 2.0


def test_exact_solution_equals_the_integrated_equation(depot: Depot, dermis: Dermis) -> None:
    site = one("ta10", 5.0)
    product = load_product("ta10")
    saturated = float(saturated_release(depot, dermis, site.volume, site.solubility)[0])
    radius = product.crystal_diameter_um / 2000.0
    density = 1000.0 * product.crystal_density_g_per_cm3
    life = (
        density
        * radius**2
        / (2.0 * float(depot.water_diffusivity) * product.solubility_ug_per_mL * 1e-3)
    )
    dose = 500.0

    def loss(_: float, amount: np.ndarray) -> np.ndarray:
        left = max(float(amount[0]), 0.0)
        sink = 1.5 * dose ** (2 / 3) * left ** (1 / 3) / life
        return np.array([-saturated * sink / (saturated + sink)])

    times = np.linspace(0.0, 15.0, 31)
    solution = solve_ivp(loss, (0.0, 15.0), [dose], t_eval=times, rtol=1e-10, atol=1e-10)
    ours = np.asarray(amount_left(depot, dermis, site, jnp.asarray(times)))[:, 0]
    np.testing.assert_allclose(ours, solution.y[0], rtol=1e-7)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    strength=st.floats(0.5, 40.0),
    volume=st.floats(0.01, 0.3),
    start=st.floats(-100.0, 100.0),
    product=st.sampled_from(["ta10", "ta40", "th20", "bsp4", "hca25", "bd5"]),
)
def test_mass_is_conserved(strength: float, volume: float, start: float, product: str) -> None:
    with jax.enable_x64(True):
        parameters = load_parameters()
        depot, dermis = Depot.from_parameters(parameters), Dermis.from_parameters(parameters)
        site = one(product, strength, volume, start)
        edges = jnp.arange(-101.0, 3000.0, 1.0)
        released = np.asarray(release_rate(depot, dermis, site, edges))
        left = np.asarray(amount_left(depot, dermis, site, edges))
    assert (released >= -1e-9).all()
    assert released.sum() + left[-1, 0] == pytest.approx(float(site.dose[0]), rel=1e-9)


def test_amount_falls_with_time_and_the_gradient_is_the_slope(depot: Depot, dermis: Dermis) -> None:
    site = one("ta10", 5.0)

    def left(time: jax.Array) -> jax.Array:
        return amount_left(depot, dermis, site, time[None])[0, 0]

    for day in (2.0, 10.0, 18.0):
        slope = (left(jnp.asarray(day + 1e-4)) - left(jnp.asarray(day - 1e-4))) / 2e-4
        assert float(jax.grad(left)(jnp.asarray(day))) == pytest.approx(float(slope), rel=1e-3)
