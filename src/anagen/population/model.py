"""The statistical model: population, differences between studies, and the published figures."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float

from anagen.population.bank import weights
from anagen.population.conditions import ArmCase
from anagen.population.fit_data import (
    REFERENCE,
    WORDS,
    FitData,
    case_key,
    fit_priors,
    harm_key,
    harm_targets,
    movable,
    natural_targets,
    on_logit,
    word_of,
)
from anagen.population.variability import (
    Population,
    calibrated_traits,
    effects,
    gain_spread,
    severity_numbers,
)

_EDGE = 1e-4  # nearest a share comes to 0 and 1
_TIE_PEOPLE = 2000  # of the bank, enough for so rough a figure
_TIE = 0.1  # how nearly one unit of log odds is to cost one
_REACHES = 1.5  # how many reaches a threshold may move
SLOPE = 0.25  # change of a share with its logit, where it is steepest


class Answers(NamedTuple):
    """What a population answers to every row.

    Parameters
    ----------
    means : by key, weighted mean of the row.
    weight : by setting, (person,) weights.
    """

    means: Mapping[str, Float[Array, ""]]
    weight: Mapping[str, Float[Array, " person"]]


def answers(population: Population, data: FitData) -> Answers:
    """Weigh every group and average every row."""
    single = Population(*(jnp.asarray(leaf, jnp.float32) for leaf in population))
    weight = {name: weights(single, people) for name, people in data.people.items()}
    top = {name: data.values[name] @ weight[name] for name in weight}
    bottom = {name: data.defined[name] @ weight[name] for name in weight}
    means = {
        key: top[name][number] / jnp.maximum(bottom[name][number], _EDGE)
        for key, (name, number) in data.row.items()
    }
    return Answers(means, weight)


class Figures(NamedTuple):
    """Figures to fit to, in place of the published ones.

    Parameters
    ----------
    arms : (case,) counts, means, or log odds; natural : (target,) counts; harms : (target,) log
        odds.
    """

    arms: Any
    natural: Any
    harms: Any


def published(data: FitData) -> Figures:
    """Take the figures as published."""
    return Figures(
        np.array([_figure(case) for case in data.cases]),
        np.array([target.share * target.people for target in natural_targets()]),
        np.array([log_odds(target.share) for target in harm_targets()]),
    )


def _figure(case: ArmCase) -> float:
    if case.likelihood == "binomial":
        assert case.count is not None
        return case.count
    if case.likelihood == "normal" and on_logit(case):
        return log_odds(case.observed)
    return case.observed


def model(
    data: FitData,
    figures: Figures | None = None,
    *,
    tied: bool = True,
) -> None:
    """NumPyro model of the published arms.

    Parameters
    ----------
    data : people and published figures.
    figures : others in place of the published ones.
    tied : whether severity is scaled by the reference response.
    """
    given = figures or published(data)
    population = sample_population()
    priors = fit_priors()
    tau = numpyro.sample("tau", dist.HalfNormal(priors["heterogeneity"].value))
    definition = numpyro.sample("definition_sd", dist.HalfNormal(priors["definition"].value))
    vague = data.vague
    with numpyro.plate("studies", len(data.studies)):
        study = numpyro.sample("study", dist.Normal(0.0, 1.0))
    with numpyro.plate("vague", len(vague)):
        blur = numpyro.sample("blur", dist.Normal(0.0, 1.0))
    with numpyro.plate("words", len(WORDS)):
        meaning = numpyro.sample("meaning", dist.Normal(0.0, 1.0))
    found = answers(population, data)
    shift = tau * study[data.study]
    unclear = jnp.zeros(len(data.cases)).at[vague].set(blur)
    shift = shift + definition * unclear * np.array([case.unclear for case in data.cases])
    for number in range(len(data.cases)):
        _observe(number, data, found, (shift[number], meaning), given.arms[number])
    _observe_natural(found, definition, given.natural)
    if tied:
        _tie_severity(population, data)
    _observe_harms(data, found, given.harms)


def sample_population() -> Population:
    """Sample a point of the population from its priors."""
    traits = calibrated_traits()

    def column(name: str) -> np.ndarray:
        return np.array([getattr(trait, name) for trait in traits])

    median = numpyro.sample(
        "median", dist.Normal(np.log(column("median")), column("median_sd")).to_event(1)
    )
    log_spread = numpyro.sample(
        "log_spread", dist.Normal(np.log(column("spread")), column("spread_sd")).to_event(1)
    )
    effect = numpyro.sample(
        "effect",
        dist.Normal(
            np.array([e.mean for e in effects()]), np.array([e.sd for e in effects()])
        ).to_event(1),
    )
    gain = severity_numbers()["gain"].value
    log_gain = numpyro.sample("log_gain", dist.Normal(np.log(gain), gain_spread()))
    return Population(median, jnp.exp(log_spread), effect, jnp.exp(log_gain))


def logit(share: Any) -> Any:
    """Log odds of a share, kept off 0 and 1."""
    inside = jnp.clip(share, _EDGE, 1.0 - _EDGE)
    return jnp.log(inside) - jnp.log1p(-inside)


def log_odds(share: float) -> float:
    """Log odds of a published share, kept off 0 and 1."""
    inside = min(max(share, _EDGE), 1.0 - _EDGE)
    return math.log(inside / (1.0 - inside))


def case_mean(
    case: ArmCase, number: int, means: Mapping[str, Any], meaning: Any, *, against: bool = False
) -> Any:
    """Mean of a case; where its endpoint is a word, at the threshold that the word means.

    Parameters
    ----------
    case, number : the arm.
    means : of the rows, by key.
    meaning : (word,) thresholds in units of their reach, in the order of `WORDS`.
    against : of the arm that it is held against, which the same readers judged.
    """
    middle = means[case_key(number, against=against)]
    if not movable(case):
        return middle
    lower, higher = (means[case_key(number, against=against, moved=side)] for side in (-1, 1))
    moved = jnp.tanh(meaning[word_of(case)] / _REACHES) * _REACHES
    # The parabola through the three, which tanh keeps near the range they span.
    bend = 0.5 * (higher + lower) - middle
    return middle + 0.5 * (higher - lower) * moved + bend * moved * moved


def _observe(
    number: int, data: FitData, found: Answers, study: tuple[Any, Any], figure: Any
) -> None:
    """Likelihood of one arm: shift of study and definition on the logit, meaning of words."""
    shift, meaning = study
    case, name = data.cases[number], f"arm_{number}"
    mean = case_mean(case, number, found.means, meaning)
    if case.likelihood == "log_odds_ratio":
        other = case_mean(case, number, found.means, meaning, against=True)
        chance: Any = dist.Normal(logit(mean) - logit(other), case.standard_error)
    elif case.likelihood == "binomial":
        chance = dist.Binomial(case.total, logits=logit(mean) + shift)
    elif on_logit(case):
        chance = dist.Normal(logit(mean) + shift, case.standard_error)
    else:
        chance = dist.Normal(mean + SLOPE * scale_of(case) * shift, case.standard_error)
    numpyro.sample(name, chance, obs=figure)


def scale_of(case: ArmCase) -> float:
    """Scale of a mean: shares as they are, weeks and sessions by their size."""
    share = case.endpoint.kind in ("mean_regrowth", "mean_salt_reduction", "terminal_fraction")
    return 1.0 if share else abs(case.observed)


def _observe_natural(found: Answers, definition: Any, counts: Any) -> None:
    blur = numpyro.sample("natural_blur", dist.Normal(0.0, 1.0))
    for target, count in zip(natural_targets(), counts, strict=True):
        shift = definition * target.unclear * blur
        logits = logit(found.means[target.key]) + shift
        # A rounded percentage has no whole count, so the likelihood is written out.
        share = 1.0 / (1.0 + jnp.exp(-logits))
        numpyro.factor(
            target.key,
            count * jnp.log(share) + (target.people - count) * jnp.log1p(-share),
        )


def _tie_severity(population: Population, data: FitData) -> None:
    """One unit of log odds is to cost one, at the reference response of the usual patient."""
    name, number = data.row[REFERENCE]
    people = {key: part[:_TIE_PEOPLE] for key, part in data.people[name].items()}
    none = jnp.zeros_like(people["least"])
    single = Population(*(jnp.asarray(leaf, jnp.float32) for leaf in population))
    flat = single._replace(effect=jnp.zeros_like(single.effect))
    loading = jnp.asarray([trait.loading for trait in calibrated_traits()], jnp.float32)
    ill = flat._replace(median=flat.median + single.gain * loading)
    values = data.values[name][number][:_TIE_PEOPLE]
    one, other = (values @ weights(point, {**people, "least": none}) for point in (ill, flat))
    numpyro.sample("severity", dist.Normal(logit(one) - logit(other), _TIE), obs=-1.0)


def visible(thinning: Any, half: Any, width: Any) -> Any:
    """Chance of visible atrophy at a thinning; none where the skin is not thinned."""
    odds = jnp.exp((thinning - half) / width) - jnp.exp(-half / width)
    return odds / (1.0 + odds)


def _observe_harms(data: FitData, found: Answers, figures: Any) -> None:
    priors = fit_priors()
    half = numpyro.sample(
        "atrophy_half", dist.Normal(priors["atrophy_half"].value, priors["atrophy_half"].sd)
    )
    log_width = numpyro.sample(
        "log_atrophy_width",
        dist.Normal(np.log(priors["atrophy_width"].value), priors["atrophy_width"].sd),
    )
    log_any = numpyro.sample(
        "log_any_odds", dist.Normal(np.log(priors["any_odds"].value), priors["any_odds"].sd)
    )
    for target, figure in zip(harm_targets(), figures, strict=True):
        share = atrophy_share(data, found, target.strengths, half, jnp.exp(log_width))
        extra = log_any if target.effect == "any" else 0.0
        chance = dist.Normal(logit(share) + extra, target.logit_sd)
        numpyro.sample(target.key, chance, obs=figure)


def atrophy_share(
    data: FitData, found: Answers, strengths: tuple[float, ...], half: Any, width: Any
) -> Any:
    """Share of people with visible atrophy after four sessions, averaged over strengths."""
    shares = []
    for strength in strengths:
        name, number = data.row[harm_key(strength)]
        shares.append(visible(data.values[name][number], half, width) @ found.weight[name])
    return sum(shares) / len(shares)
