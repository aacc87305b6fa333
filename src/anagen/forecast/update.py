"""From the population to this patient: people who would have shown what was seen.

Adaptive importance sampling. People are drawn from the prior and weighed by the likelihood of all
readings; a Student-t proposal is fitted to those that fit, more are drawn from it, and all are
weighed together with the mixture that they come from (the deterministic-mixture, or balance,
heuristic of Veach and Guibas 1995; Cornuet and others 2012, adaptive multiple importance sampling).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from anagen.forecast.case import Case, bald_ages
from anagen.forecast.observations import log_likelihood
from anagen.forecast.past import CHUNK, Past, follow_past
from anagen.forecast.prior import Prior, Values, draw, log_prior, log_proposal, make_prior
from anagen.population.posterior import Posterior, load_posterior

ROUNDS = 10  # at most
ENOUGH = 150.0  # effective people, with which adaptation ends
_FIRST = 2 * CHUNK
_NEXT = 2 * CHUNK
_FREEDOM = 20.0  # of the Student t
_ADAPT = 40.0  # effective people to which weights are tempered before a proposal is fitted
_RIDGE = 0.1  # share of the covariances of a proposal that is dropped
_INFLATE = 1.15  # of its variances
_SHIFT, _NARROWER = 0.3, 0.75  # of an unknown, relative to the prior, from which it is informed
_LEAST, _JITTER = 0.05, 0.01  # spread in any direction, relative to the prior


@dataclass(frozen=True)
class Learnt:
    """Possible people for one patient, with weights.

    Parameters
    ----------
    case : the patient; prior : before the visits; posterior : the population.
    x : (person, unknown); weight : (person,) summing to one.
    share : (person, draw) how much each draw of the population stands behind each person.
    log_each : (person, observation) log likelihood of each reading.
    base : (person,) weights before any reading, summing to one.
    past : what these people's patches did.
    effective : effective number of people; rounds : of the adaptation.
    evidence : logarithm of the mean likelihood.
    """

    case: Case
    prior: Prior
    posterior: Posterior
    x: Values
    weight: Values
    share: Values
    log_each: Values
    base: Values
    past: Past
    effective: float
    rounds: int
    evidence: float


def update(
    case: Case, *, posterior: Posterior | None = None, seed: int = 0, rounds: int = ROUNDS
) -> Learnt:
    """Learn from everything that was seen.

    Parameters
    ----------
    case : the patient; without readings the answer is the population of their covariates.
    posterior : of the population; the package's own when None.
    seed : of the random numbers.
    rounds : of the adaptation at most; one is plain importance sampling from the prior.
    """
    chosen = posterior or load_posterior()
    prior = make_prior(chosen, case.shown, case.known, bald_ages(case))
    people = _Round.from_prior(case, prior, chosen, (seed, 0))
    last = rounds if case.observations else 1
    number = 1
    while number < last and people.effective() < ENOUGH:
        people = people.next(case, prior, chosen, np.random.default_rng([seed, number]))
        number += 1
    mixture = people.log_mixture()
    weight, evidence = _normalised(people.target + people.log_each.sum(1) - mixture)
    base, _ = _normalised(people.target - mixture)
    _, each = log_prior(prior, people.x)
    share = np.exp(each - np.logaddexp.reduce(each, axis=1)[:, None])
    return Learnt(case, prior, chosen, people.x, weight, share, people.log_each, base, people.past,
                  float(1.0 / np.sum(weight**2)), number, evidence)  # fmt: skip


def first_evidence(
    case: Case, prior: Prior, posterior: Posterior, seed: Sequence[int], count: int = CHUNK
) -> float:
    """Logarithm of the mean likelihood of the readings over people of the prior.

    Parameters
    ----------
    case, prior, posterior : as in `Learnt`.
    seed : of the random numbers; count : of people, a power of two and of `CHUNK` a multiple.
    """
    people = _Round.from_prior(case, prior, posterior, seed, count)
    return _normalised(people.log_weight())[1]


@dataclass(frozen=True)
class _Round:
    """People drawn so far, from which proposals, and how likely each makes what was seen.

    Parameters
    ----------
    target : (person,) logarithm of the prior, none for whom steps of a day cannot follow.
    log_q : (person, proposal) logarithm of the density of each proposal; counts : drawn from each.
    before : mean and covariance of the prior.
    """

    x: Values
    log_each: Values
    past: Past
    proposals: tuple[Any, ...]
    counts: tuple[int, ...]
    log_q: Values
    target: Values
    before: tuple[Values, Values]

    @classmethod
    def from_prior(
        cls,
        case: Case,
        prior: Prior,
        posterior: Posterior,
        seed: Sequence[int],
        count: int = _FIRST,
    ) -> "_Round":
        """Draw the first people."""
        from scipy.stats import qmc

        random = np.random.default_rng(seed)
        sampler = qmc.Sobol(prior.size, scramble=True, rng=random)
        # In another order, or the low bits of a row would tie its numbers to its draw.
        x, log_q = draw(prior, random.permutation(sampler.random(count)))
        past, log_each = _weigh(case, prior, posterior, x, random)
        target, _ = log_prior(prior, x)
        before = _moments(x, _normalised(target - log_q)[0])
        target = np.where(_followed(past), target, -np.inf)
        return cls(x, log_each, past, (None,), (count,), log_q[:, None], target, before)

    def log_mixture(self) -> Values:
        """Logarithm of the density (person,) of the mixture that all were drawn from."""
        share = np.log(np.array(self.counts) / sum(self.counts))
        return np.asarray(np.logaddexp.reduce(self.log_q + share, axis=1))

    def log_weight(self) -> Values:
        """Logarithm of the weights (person,), but for a constant."""
        return np.asarray(self.target + self.log_each.sum(1) - self.log_mixture())

    def effective(self) -> float:
        """Effective number of people."""
        weight, _ = _normalised(self.log_weight())
        return float(1.0 / np.sum(weight**2))

    def next(
        self, case: Case, prior: Prior, posterior: Posterior, random: np.random.Generator
    ) -> "_Round":
        """Draw more people from a proposal fitted to those who fit."""
        proposal = _fit(self.x, self.log_weight(), self.before)
        x = proposal.draw(_NEXT, random)
        past, log_each = _weigh(case, prior, posterior, x, random)
        target = np.where(_followed(past), log_prior(prior, x)[0], -np.inf)
        # Only what is new is told: new people by all proposals, and all people by the new one.
        rows = [log_proposal(prior, x) if one is None else one.log_density(x)
                for one in self.proposals]  # fmt: skip
        both = np.concatenate([self.x, x])
        log_q = np.concatenate([self.log_q, np.stack(rows, axis=1)])
        log_q = np.concatenate([log_q, proposal.log_density(both)[:, None]], axis=1)
        return _Round(both, np.concatenate([self.log_each, log_each]), _joined(self.past, past),
                      (*self.proposals, proposal), (*self.counts, _NEXT), log_q,
                      np.concatenate([self.target, target]), self.before)  # fmt: skip


def _followed(past: Past) -> NDArray[np.bool_]:
    """Whether steps of a day could follow each person (person,)."""
    each = [np.isfinite(seen.outcome.cover).all(1) for seen in past.seen.values()]
    return np.asarray(np.all(each, axis=0))


def _weigh(
    case: Case, prior: Prior, posterior: Posterior, x: Values, random: np.random.Generator
) -> tuple[Past, Values]:
    """Follow people and tell how likely (person, observation) they make each reading."""
    past = follow_past(case, x, random.normal(size=(len(x), len(case.patches))))
    skin = skin_of(prior, posterior, x, random)
    columns = [
        log_likelihood(one, {**row, **skin})
        for one, row in zip(case.observations, past.predicted, strict=True)
    ]
    found = np.stack(columns, axis=1) if columns else np.zeros((len(x), 0))
    # A person whom steps of a day cannot follow fits nothing.
    return past, np.where(np.isfinite(found), found, -1e3)


def skin_of(
    prior: Prior, posterior: Posterior, x: Values, random: np.random.Generator
) -> Mapping[str, Values]:
    """Thinning that shows (person,): half point and width, from each person's own population."""
    number = draw_numbers(prior, x, random)
    return {
        "atrophy_half": posterior.draws["atrophy_half"][number],
        "atrophy_width": np.exp(posterior.draws["log_atrophy_width"][number]),
    }


def draw_numbers(prior: Prior, x: Values, random: np.random.Generator) -> np.ndarray:
    """Draws (person,) of the population to which people belong."""
    _, each = log_prior(prior, x)
    chance = np.exp(each - np.logaddexp.reduce(each, axis=1)[:, None])
    reached = np.cumsum(chance, axis=1)
    place = (reached < random.uniform(size=len(x))[:, None]).sum(1)
    return np.asarray(np.array(prior.draws)[np.minimum(place, len(prior.draws) - 1)])


@dataclass(frozen=True)
class _Student:
    """Multivariate Student t: middle and lower root of its scale."""

    middle: Values
    root: Values

    def draw(self, count: int, random: np.random.Generator) -> Values:
        normal = random.normal(size=(count, len(self.middle))) @ self.root.T
        wide = np.sqrt(_FREEDOM / random.chisquare(_FREEDOM, size=count))
        return np.asarray(self.middle + normal * wide[:, None])

    def log_density(self, x: Values) -> Values:
        """Logarithm of its density (person,), but for the powers of 2 pi of a normal density."""
        from scipy.linalg import solve_triangular
        from scipy.special import gammaln

        size = len(self.middle)
        z = solve_triangular(self.root, (x - self.middle).T, lower=True)
        square = np.sum(z * z, axis=0)
        constant = gammaln((_FREEDOM + size) / 2.0) - gammaln(_FREEDOM / 2.0)
        constant += 0.5 * size * np.log(2.0 / _FREEDOM) - np.log(np.diag(self.root)).sum()
        return np.asarray(constant - 0.5 * (_FREEDOM + size) * np.log1p(square / _FREEDOM))


def _moments(x: Values, weight: Values) -> tuple[Values, Values]:
    """Weighted mean (unknown,) and covariance (unknown, unknown)."""
    middle = weight @ x
    centred = x - middle
    return middle, (centred * weight[:, None]).T @ centred


def _fit(x: Values, log_weight: Values, before: tuple[Values, Values]) -> _Student:
    """Fit a proposal to weighted people.

    Only unknowns that the readings inform get a mean and covariance of their own; the others follow
    them by their regression in the prior, which many more people tell. When few fit, weights are
    tempered first, which spreads the proposal out.

    Parameters
    ----------
    x, log_weight : people; before : mean and covariance of the prior.
    """
    weight = _tempered(log_weight)
    few = 1.0 / np.sum(weight**2)
    middle, covariance = _moments(x, weight)
    mean, prior = before
    scale = np.sqrt(np.diag(prior))
    shifted = np.abs(middle - mean) / scale > np.maximum(_SHIFT, 2.0 / np.sqrt(few))
    informed = shifted | (np.diag(covariance) < _NARROWER * np.diag(prior))
    rest = ~informed
    own = covariance[np.ix_(informed, informed)] * _INFLATE
    own = (1.0 - _RIDGE) * own + _RIDGE * np.diag(np.diag(own))
    own += np.diag((_LEAST * scale[informed]) ** 2)
    slope = np.linalg.solve(prior[np.ix_(informed, informed)], prior[np.ix_(informed, rest)]).T
    new_middle, new = mean.copy(), np.empty_like(prior)
    new_middle[informed] = middle[informed]
    new_middle[rest] += slope @ (middle - mean)[informed]
    across = slope @ own
    left = prior[np.ix_(rest, rest)] - slope @ prior[np.ix_(informed, rest)]
    new[np.ix_(informed, informed)] = own
    new[np.ix_(rest, informed)] = across
    new[np.ix_(informed, rest)] = across.T
    new[np.ix_(rest, rest)] = across @ slope.T + left
    root = np.linalg.cholesky(new + np.diag((_JITTER * scale) ** 2))
    return _Student(np.asarray(new_middle, float), np.asarray(root, float))


def _tempered(log_weight: Values) -> Values:
    """Weights to the power at which enough people count."""
    low, high = 0.0, 1.0
    weight, _ = _normalised(log_weight)
    if 1.0 / np.sum(weight**2) >= _ADAPT:
        return weight
    for _ in range(30):
        middle = 0.5 * (low + high)
        weight, _ = _normalised(np.where(np.isfinite(log_weight), middle * log_weight, -np.inf))
        if 1.0 / np.sum(weight**2) >= _ADAPT:
            low = middle
        else:
            high = middle
    return weight


def _normalised(log_weight: Values) -> tuple[Values, float]:
    """Weights that sum to one, and the logarithm of their mean."""
    top = float(log_weight.max())
    raw = np.exp(log_weight - top)
    return raw / raw.sum(), top + float(np.log(raw.mean()))


def _joined(one: Past, other: Past) -> Past:
    def both(a: Any, b: Any) -> Any:
        return np.concatenate([a, b])

    predicted = tuple(
        {name: np.concatenate([first[name], second[name]]) for name in first}
        for first, second in zip(one.predicted, other.predicted, strict=True)
    )
    return Past(
        {name: jax.tree.map(both, one.seen[name], other.seen[name]) for name in one.seen},
        {name: jax.tree.map(both, one.state[name], other.state[name]) for name in one.state},
        predicted,
    )


def resample(learnt: Learnt, count: int, seed: int) -> np.ndarray:
    """Numbers (count,) of people, each as often as its weight says.

    Systematic resampling in the order of what is bald at the origin, so that the chosen ones stand
    for all of that at once.
    """
    random = np.random.default_rng([seed, 99])
    place = (np.arange(count) + random.uniform()) / count
    bald = sum(
        patch.area / patch.laid_out * learnt.past.seen[patch.id].outcome.bald_area[:, -1]
        for patch in learnt.case.patches
    )
    order = np.argsort(bald, kind="stable")
    reached = np.cumsum(learnt.weight[order])
    return np.asarray(order[np.minimum(np.searchsorted(reached, place), len(order) - 1)])
