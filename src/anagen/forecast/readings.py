r"""One reading of a record against the state of a patient: chance, likelihood, and others like it.

A reading is a bin of a latent scale: the number read, before it is rounded or graded. The latent
reading is normal about what the model says, with the error of its kind,

.. math:: P(y < e) = \Phi\!\left(\frac{e - m(x)}{k\,\sigma(x)}\right)

with :math:`k` the multiplier of the rater; signs of harm are there or not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anagen.evidence.parameters import load_parameters
from anagen.forecast.observation_data import observation_number
from anagen.forecast.skin import visible, visible_odds
from anagen.patient.record import Rater
from anagen.population.condition_data import load_condition_data

Values = NDArray[np.float64]
Predicted = Mapping[str, Any]
Kind = Literal[
    "cover",
    "missing",
    "terminal",
    "salt",
    "trichoscopy",
    "pull",
    "atrophy",
    "telangiectasia",
    "colour",
    "cortisol",
]

_TINY = 1e-9
_RATIOS = {"telangiectasia": "skin.telangiectasia_ratio", "colour": "skin.pigment_ratio"}


@dataclass(frozen=True)
class Observation:
    """One reading.

    Parameters
    ----------
    kind : what was read.
    day : of the visit; patch : its id, None for the whole person.
    low, high : the reading as an interval of the latent scale: cover [1], bald area relative to the
        first outline [1], terminal share [1], SALT as a share of the scalp [1], attack [1], grade
        of harm, or logarithm of cortisol relative to the baseline [1].
    edges : of the bins in which such a reading is written, ascending, from -inf to inf.
    rater : who read it.
    scale : multiplier of the error [1], above 1 for a weaker witness.
    value, unit : the reading as written; label : what it is, in words.
    outline : area drawn relative to the patch's first outline [1], for ``missing``.
    """

    kind: Kind
    day: date
    patch: str | None
    low: float
    high: float
    edges: tuple[float, ...]
    rater: Rater
    scale: float
    value: str
    unit: str
    label: str
    outline: float = 1.0


def below(observation: Observation, edge: Any, predicted: Predicted) -> Values:
    """Chance that the reading, were it not a slip, lies below an edge.

    Parameters
    ----------
    observation : the reading.
    edge : () or any shape that broadcasts against (person,), on the latent scale.
    predicted : (person,) values of the model by name.

    Returns
    -------
    (..., person)
        [1]; NaN where the model has no value.

    Examples
    --------
    >>> from datetime import date
    >>> half = Observation("cover", date(2026, 1, 1), "A", 0.475, 0.525, (-np.inf, 0.475, 0.525,
    ...                    np.inf), "clinician", 1.0, "50", "%", "regrowth")
    >>> below(half, 0.5, {"cover": np.array([0.0, 0.5, 1.0])}).round(3)
    array([1. , 0.5, 0. ])
    """
    at = np.asarray(edge, float)
    if observation.kind in _HARMS:
        inner = 1.0 - _visible(observation.kind, predicted)
        return np.where(
            at == -np.inf, 0.0 * inner, np.where(at == np.inf, 1.0 + 0.0 * inner, inner)
        )
    from scipy.special import ndtr

    mean, error = _LATENT[observation.kind](observation, predicted)
    return np.asarray(ndtr((at - mean) / (observation.scale * error)))


def log_likelihood(
    observation: Observation, predicted: Predicted, low: Any = None, high: Any = None
) -> Values:
    r"""Logarithm of the chance of a reading, slips included.

    .. math:: \ln\left[(1 - b)\,(P(y < h) - P(y < l)) + b / n\right]

    with :math:`b` the chance of a slip and :math:`n` the number of bins.

    Parameters
    ----------
    observation : the reading.
    predicted : (person,) values of the model by name.
    low, high : other bins in place of the reading's, of any shape that broadcasts against
        (person,), such as (replicate, 1).

    Returns
    -------
    (..., person)
        NaN where the model has no value.
    """
    least = observation.low if low is None else low
    most = observation.high if high is None else high
    inside = below(observation, most, predicted) - below(observation, least, predicted)
    slip = observation_number("slip")
    floor = slip / (len(observation.edges) - 1)
    return np.asarray(np.log((1.0 - slip) * np.maximum(inside, 0.0) + floor))


def replicate(
    observation: Observation, predicted: Predicted, random: np.random.Generator
) -> tuple[Values, Values]:
    """Draw for every person a reading like this one, slips included.

    Parameters
    ----------
    observation : the reading whose kind, bins and rater are taken.
    predicted : (person,) values of the model by name.
    random : its state moves on.

    Returns
    -------
    (person,), (person,)
        Lower and upper edge of the bin read; NaN where the model has no value.
    """
    edges = np.array(observation.edges)
    reached = below(observation, edges[1:-1, None], predicted)
    count = reached.shape[1]
    number = (reached < random.uniform(size=count)).sum(0)
    slipped = random.uniform(size=count) < observation_number("slip")
    number = np.where(slipped, random.integers(len(edges) - 1, size=count), number)
    unknown = np.isnan(reached).any(0)
    low, high = edges[number], edges[number + 1]
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def rater_scale(by: Rater) -> float:
    """Multiplier of the error [1] by who reads.

    Examples
    --------
    >>> rater_scale("clinician")
    1.0
    """
    return 1.0 if by == "clinician" else observation_number(f"{by}_scale")


# ---- what the model says, and how far a reading lies from it -------------------------------------

Latent = tuple[Values, Any]


def reader_error(share: Any) -> Values:
    """Error [1] of a share of regrowth as read, standard deviation; see `population.endpoints`."""
    data = load_condition_data()
    return _share_error(share, data.value("reader"), data.value("reader_least"))


def _share_error(share: Any, half: float, least: float) -> Values:
    inside = np.clip(np.asarray(share, float), 0.0, 1.0)
    return np.asarray(np.maximum(least, 2.0 * half * np.sqrt(inside * (1.0 - inside))))


def _cover(_: Observation, predicted: Predicted) -> Latent:
    cover = np.asarray(predicted["cover"], float)
    return cover, reader_error(cover)


def _missing(observation: Observation, predicted: Predicted) -> Latent:
    """Error of this outline and of the first one, and of the regrowth within it."""
    left = np.asarray(predicted["missing"], float)
    inside = reader_error(1.0 - left / max(observation.outline, _TINY))
    drawn = np.sqrt(2.0) * observation_number("drawing") * left
    return left, np.hypot(drawn, observation.outline * inside)


def _terminal(_: Observation, predicted: Predicted) -> Latent:
    return np.asarray(predicted["terminal_share"], float), observation_number("terminal")


def _salt(_: Observation, predicted: Predicted) -> Latent:
    share = np.asarray(predicted["salt"], float) / 100.0
    half, least = observation_number("salt_reader"), observation_number("salt_least")
    return share, _share_error(share, half, least)


def _attack(name: str) -> Callable[[Observation, Predicted], Latent]:
    def latent(_: Observation, predicted: Predicted) -> Latent:
        return np.asarray(predicted["attack"], float), observation_number(name)

    return latent


def _cortisol(_: Observation, predicted: Predicted) -> Latent:
    """Logarithm relative to the baseline."""
    left = np.maximum(np.asarray(predicted["cortisol"], float), _TINY)
    return np.asarray(np.log(left)), baseline_error()


@lru_cache(maxsize=1)
def baseline_error() -> float:
    """Error of the logarithm of cortisol when the own baseline is not known."""
    return float(np.hypot(observation_number("cortisol_between"), day_error()))


@lru_cache(maxsize=1)
def day_error() -> float:
    """Error of the logarithm of cortisol between days of one person."""
    within, assay = (observation_number(f"cortisol_{name}") for name in ("within", "assay"))
    return float(np.hypot(within, assay))


def _visible(kind: str, predicted: Predicted) -> Values:
    """Chance that harm is visible: that of `population.model`, its odds times a ratio."""
    thinning = np.maximum(np.asarray(predicted["thinning"], float), 0.0)
    half, width = (np.asarray(predicted[f"atrophy_{name}"], float) for name in ("half", "width"))
    return visible(visible_odds(thinning, half, width), _ratio(kind))


@lru_cache(maxsize=4)
def _ratio(kind: str) -> float:
    return load_parameters().value(_RATIOS[kind], "1") if kind in _RATIOS else 1.0


_HARMS = ("atrophy", *_RATIOS)
_LATENT: Mapping[str, Callable[[Observation, Predicted], Latent]] = {
    "cover": _cover,
    "missing": _missing,
    "terminal": _terminal,
    "salt": _salt,
    "trichoscopy": _attack("sign_error"),
    "pull": _attack("pull_error"),
    "cortisol": _cortisol,
}
