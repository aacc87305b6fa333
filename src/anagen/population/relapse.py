"""Relapse after remission: new triggers whose hazard falls because the frail relapse first.

Each person meets triggers at a rate z h, with h = h0 exp(beta . x) and a frailty z that is gamma
distributed with mean 1 and shape kappa. Nobody's rate changes, yet the population's hazard falls:

    S(t) = (1 + h t / kappa)^(-kappa),    h(t) = h / (1 + h t / kappa)

Loss while the drug wears off before immune privilege has been rebuilt is the mechanistic model's
and comes first: free of relapse at t are (1 - early loss by t) S(t).
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from anagen.population.relapse_targets import (
    COVARIATES,
    RelapseTarget,
    load_relapse_priors,
    load_relapse_targets,
)

__all__ = [
    "COVARIATES",
    "Relapse",
    "draw_times",
    "hazard",
    "linear_predictor",
    "load_relapse_targets",
    "log_likelihood",
    "prior_median",
    "relapse_free",
    "relapse_prior",
    "target_days",
    "target_shares",
    "target_weights",
]

_NODES = 8  # Gauss-Legendre over a window of time: exact to 1e-5 for a hazard as steep as these
_EDGE = 1e-6  # keeps a share off 0 and 1, where single precision loses its logarithm


class Relapse(NamedTuple):
    """Hazard of new triggers in a population; every field may have leading axes for draws.

    Parameters
    ----------
    h0 : () [1/day] hazard of the reference person: mean frailty, every covariate 0.
    kappa : () [1] shape of the frailty; large means people are alike.
    log_hazard_ratios : (covariate,) [1] beta, in the order of `COVARIATES`.
    study_precision : () [1] alpha + beta of the beta-binomial scatter between studies.
    """

    h0: Float[Array, "*draw"]
    kappa: Float[Array, "*draw"]
    log_hazard_ratios: Float[Array, "*draw covariate"]
    study_precision: Float[Array, "*draw"]


def linear_predictor(relapse: Relapse, covariates: ArrayLike) -> Float[Array, "*person"]:
    """Log hazard ratio beta . x of people against the reference person.

    Parameters
    ----------
    relapse : hazard of the population.
    covariates : (..., covariate) [1] x, 0 or 1, in the order of `COVARIATES`. Someone whose
        episode is over 24 months old is over 6 months too.

    Returns
    -------
    (...) [1]

    Examples
    --------
    >>> relapse = prior_median()
    >>> float(linear_predictor(relapse, jnp.zeros(len(COVARIATES))))
    0.0
    """
    return jnp.sum(jnp.asarray(covariates) * relapse.log_hazard_ratios, axis=-1)


def relapse_free(
    relapse: Relapse, days: ArrayLike, covariates: ArrayLike | None = None
) -> Float[Array, "..."]:
    """Share of people without a new trigger by a time since remission.

    S(t) = (1 + h t / kappa)^(-kappa), h = h0 exp(beta . x)

    Parameters
    ----------
    relapse : hazard of the population.
    days : (...) [day] t, not negative.
    covariates : (..., covariate) [1] x; leading axes broadcast against ``days``. Without them,
        the reference person.

    Returns
    -------
    (...) [1] 1 at t = 0, falling.

    Examples
    --------
    >>> relapse = prior_median()._replace(h0=jnp.float32(0.002), kappa=jnp.float32(1.0))
    >>> round(float(relapse_free(relapse, 500.0)), 3)
    0.5
    """
    rate = _rate(relapse, covariates)
    return jnp.exp(_log_free(rate, relapse.kappa, jnp.asarray(days)))


def hazard(
    relapse: Relapse, days: ArrayLike, covariates: ArrayLike | None = None
) -> Float[Array, "..."]:
    """Hazard of relapse among those who are still free of it.

    h(t) = h / (1 + h t / kappa) = -d ln S / dt

    Parameters
    ----------
    relapse, days, covariates : as in `relapse_free`.

    Returns
    -------
    (...) [1/day]

    Examples
    --------
    >>> relapse = prior_median()
    >>> bool(hazard(relapse, 365.0) < hazard(relapse, 0.0))
    True
    """
    rate = _rate(relapse, covariates)
    return rate / (1.0 + rate * jnp.asarray(days) / relapse.kappa)


def draw_times(
    relapse: Relapse, log_hazard_ratio: ArrayLike, uniforms: ArrayLike
) -> Float[Array, "..."]:
    """Time of the next relapse since remission, by inversion of S.

    t = (kappa / h) (u^(-1 / kappa) - 1)

    Parameters
    ----------
    relapse : hazard of the population.
    log_hazard_ratio : (...) [1] `linear_predictor` of each person.
    uniforms : (...) [1] u in (0, 1], one for each person; the same u gives the same time.

    Returns
    -------
    (...) [day] infinite for those who never relapse within what a number can hold.

    Examples
    --------
    >>> relapse = prior_median()._replace(h0=jnp.float32(0.002), kappa=jnp.float32(1.0))
    >>> round(float(draw_times(relapse, 0.0, 0.5)))
    500
    """
    rate = relapse.h0 * jnp.exp(jnp.asarray(log_hazard_ratio))
    surplus = jnp.expm1(-jnp.log(jnp.asarray(uniforms)) / relapse.kappa)
    return relapse.kappa / rate * surplus


def relapse_prior() -> Relapse:
    """Sample the hazard from its priors; to be called within a NumPyro model.

    Sites: ``relapse_h0``, ``relapse_kappa``, ``relapse_log_hazard_ratios`` and
    ``relapse_study_precision``. The likelihood joins as a factor.

    Returns
    -------
    Relapse

    Examples
    --------
    >>> from numpyro.handlers import seed, trace
    >>> sites = trace(seed(relapse_prior, 0)).get_trace()
    >>> sites["relapse_log_hazard_ratios"]["value"].shape == (len(COVARIATES),)
    True
    """
    import numpyro
    from numpyro.distributions import LogNormal, Normal

    priors = load_relapse_priors()

    def positive(key: str) -> Array:
        prior = priors[key]
        site = LogNormal(jnp.log(prior.value), prior.sd)
        value: Array = numpyro.sample(f"relapse_{key}", site)
        return value

    centre = jnp.array([priors[name].value for name in COVARIATES])
    width = jnp.array([priors[name].sd for name in COVARIATES])
    effects = Normal(centre, width).to_event(1)
    return Relapse(
        h0=positive("h0"),
        kappa=positive("kappa"),
        log_hazard_ratios=numpyro.sample("relapse_log_hazard_ratios", effects),
        study_precision=positive("study_precision"),
    )


def prior_median() -> Relapse:
    """Hazard at the median of every prior.

    Examples
    --------
    >>> round(float(prior_median().h0), 4)
    0.001
    """
    priors = load_relapse_priors()
    return Relapse(
        h0=jnp.asarray(priors["h0"].value),
        kappa=jnp.asarray(priors["kappa"].value),
        log_hazard_ratios=jnp.array([priors[name].value for name in COVARIATES]),
        study_precision=jnp.asarray(priors["study_precision"].value),
    )


def target_days(targets: Sequence[RelapseTarget]) -> Float[np.ndarray, "2 target node"]:
    """Return the times since remission at which the targets are evaluated.

    Parameters
    ----------
    targets : published figures.

    Returns
    -------
    (2, target, node) [day] the first time (0 unless the figure is a share of relapses) and the
    last. Nodes are those of Gauss-Legendre between low and high: of the time where people were
    followed for different times, of its logarithm where one time is unknown.

    Examples
    --------
    >>> float(target_days(load_relapse_targets()[:1])[1, 0, 0])
    182.0
    """
    place = (np.polynomial.legendre.leggauss(_NODES)[0] + 1.0) / 2.0
    days = np.empty((2, len(targets), _NODES))
    for row, target in enumerate(targets):
        low, high = target.days
        days[0, row] = sum(target.first_days) / 2.0
        if target.window == "unknown":
            days[1, row] = low * (high / low) ** place
        else:
            days[1, row] = low + (high - low) * place
    return days


def target_weights() -> Float[np.ndarray, " node"]:
    """Weights of the nodes of `target_days`; their sum is 1.

    Examples
    --------
    >>> float(round(target_weights().sum(), 9))
    1.0
    """
    return np.polynomial.legendre.leggauss(_NODES)[1] / 2.0


def target_shares(
    relapse: Relapse, targets: Sequence[RelapseTarget], early_loss: ArrayLike = 0.0
) -> Float[Array, "target node"]:
    """Share of people that each target reports, as the model has it.

    The people of a study are a mixture of covariates, taken as independent apart from duration.
    F(t) = 1 - (1 - early loss by t) mean S(t) over them; a ``share`` is F(first) / F(last).

    Parameters
    ----------
    relapse : hazard of the population.
    targets : published figures.
    early_loss : [1] share lost by the mechanistic model, anything that broadcasts to (2, target,
        node) at the times of `target_days`; (target,) means the same at both times.

    Returns
    -------
    (target, node) [1] strictly between 0 and 1; equal along nodes unless one time is unknown.

    Examples
    --------
    >>> target_shares(prior_median(), load_relapse_targets()[:3]).shape
    (3, 8)
    """
    early = jnp.asarray(early_loss, dtype=float)
    early = early[None, :, None] if early.ndim == 1 else early
    classes, weights = _mixture(tuple(targets))
    days = jnp.asarray(target_days(targets))
    rate = _rate(relapse, classes)

    def free(times: Array) -> Array:
        each = jnp.exp(_log_free(rate, relapse.kappa, times[..., None]))
        return jnp.einsum("tnc,tc->tn", each, weights)

    early = jnp.broadcast_to(early, days.shape)
    first = jnp.broadcast_to(free(days[0, :, :1]), days.shape[1:])  # the same at every node
    gone = 1.0 - (1.0 - early) * jnp.stack((first, free(days[1])))
    individual = jnp.array([target.window != "unknown" for target in targets])
    mean = jnp.sum(gone * jnp.asarray(target_weights()), axis=-1, keepdims=True)
    gone = jnp.clip(jnp.where(individual[:, None], mean, gone), _EDGE, 1.0 - _EDGE)
    first, last = gone
    share = jnp.array([target.what == "share" for target in targets])[:, None]
    free_of = jnp.array([target.what == "relapse_free" for target in targets])[:, None]
    value = jnp.where(share, first / last, jnp.where(free_of, 1.0 - last, last))
    return jnp.clip(value, _EDGE, 1.0 - _EDGE)


def log_likelihood(
    relapse: Relapse, targets: Sequence[RelapseTarget], early_loss: ArrayLike = 0.0
) -> Float[Array, " target"]:
    """Log likelihood of each published figure.

    The people with the event are beta-binomial around the model's share p, with the study's
    precision phi: alpha = p phi, beta = (1 - p) phi. An unknown time is integrated over, evenly
    in its logarithm. Targets of one study are taken as independent, given the population.

    Parameters
    ----------
    relapse, targets, early_loss : as in `target_shares`.

    Returns
    -------
    (target,) [1] for ``numpyro.factor("relapse", log_likelihood(...).sum())``.

    Examples
    --------
    >>> targets = load_relapse_targets()
    >>> bool(jnp.isfinite(log_likelihood(prior_median(), targets)).all())
    True
    """
    shares = target_shares(relapse, targets, early_loss)
    people = jnp.array([target.people for target in targets])[:, None]
    events = jnp.array([target.events for target in targets])[:, None]
    each = _beta_binomial(events, people, shares, relapse.study_precision)
    return jax.scipy.special.logsumexp(each, axis=-1, b=jnp.asarray(target_weights()))


def _rate(relapse: Relapse, covariates: ArrayLike | None) -> Array:
    if covariates is None:
        return jnp.asarray(relapse.h0)
    return relapse.h0 * jnp.exp(linear_predictor(relapse, covariates))


def _log_free(rate: Array, kappa: Array, days: Array) -> Array:
    return -kappa * jnp.log1p(rate * days / kappa)


def _beta_binomial(events: Array, people: Array, share: Array, precision: Array) -> Array:
    """Log probability of events among people; neither need be whole."""
    betaln, gammaln = jax.scipy.special.betaln, jax.scipy.special.gammaln
    alpha, beta = share * precision, (1.0 - share) * precision
    ways = gammaln(people + 1.0) - gammaln(events + 1.0) - gammaln(people - events + 1.0)
    return ways + betaln(events + alpha, people - events + beta) - betaln(alpha, beta)


@lru_cache(maxsize=64)
def _mixture(
    targets: tuple[RelapseTarget, ...],
) -> tuple[Float[np.ndarray, "class covariate"], Float[np.ndarray, "target class"]]:
    """Return the combinations of covariates that occur, and their shares in each target."""
    durations = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    rest = product((0.0, 1.0), repeat=len(COVARIATES) - 2)
    classes = np.array([(*first, *others) for others in rest for first in durations])
    shares = np.array([target.shares for target in targets])
    over_6, over_24 = classes[:, 0], classes[:, 1]
    chance = np.where(
        over_24 > 0,
        shares[:, 1:2],
        np.where(over_6 > 0, shares[:, :1] - shares[:, 1:2], 1.0 - shares[:, :1]),
    )
    present, other = classes[None, :, 2:], shares[:, None, 2:]
    chance = chance * np.prod(present * other + (1.0 - present) * (1.0 - other), axis=-1)
    occurs = chance.max(axis=0) > 0.0
    return classes[occurs], chance[:, occurs]
