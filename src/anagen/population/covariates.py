"""Covariates of virtual people: who they are, for how long and how much they have lost.

Ranks of the covariates are correlated as the evidence says (a Gaussian copula); each then takes its
own published distribution. Whoever a setting does not take is drawn again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anagen.errors import EvidenceError, InputError, Problem
from anagen.evidence.parameters import load_parameters
from anagen.population.covariate_data import Curve, days, load_covariates
from anagen.population.settings import (
    CLINIC,
    Limits,
    Setting,
    ancestry_shares,
    check_draw,
    setting_limits,
)
from anagen.population.streams import stream_key, uniforms

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEMALE, MALE = 0, 1

_PURPOSE = 1
_SCORES = ("onset", "episode", "extent", "nail", "recurrent", "family", "atopy", "patches")
_OTHERS = ("sex", "ancestry", "weight", "gap")
_PIECE = 32_768  # people at a time, so that what they need stays in the cache
_TRIALS = 20_000  # draws of one person before the limits are called too narrow


@dataclass(frozen=True, eq=False)
class Covariates:
    """Covariates of virtual people, one entry a person.

    Parameters
    ----------
    age_years : (person,) [year] now.
    sex : (person,) int8, 0 female, 1 male.
    weight_kg : (person,) [kg]
    ancestry : (person,) int8, index into `anagen.scalp.ANCESTRIES`.
    onset_age_years : (person,) [year] at the first episode.
    episode_days : (person,) [day] since the present episode began.
    recurrent : (person,) bool, an earlier episode.
    nail_change : (person,) bool
    family_history : (person,) bool
    atopy : (person,) bool, personal.
    patches : (person,) int8, number of patches, as drawn; patches that find no room of their own
        are merged when they are laid on the head.
    extent : (person,) [1] bald share of the scalp.
    """

    age_years: Array
    sex: NDArray[np.int8]
    weight_kg: Array
    ancestry: NDArray[np.int8]
    onset_age_years: Array
    episode_days: Array
    recurrent: Flags
    nail_change: Flags
    family_history: Flags
    atopy: Flags
    patches: NDArray[np.int8]
    extent: Array

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.age_years)


COVARIATES = tuple(field.name for field in fields(Covariates))


def draw_covariates(n: int, seed: int, setting: Setting = CLINIC, first: int = 0) -> Covariates:
    """Draw virtual people.

    Parameters
    ----------
    n : number of people.
    seed : with the index of the person it fixes everything about them.
    setting : which kind of people.
    first : index of the first person; person ``first + i`` is the same in every draw.

    Returns
    -------
    Covariates

    Raises
    ------
    InputError
        When the numbers or the setting cannot be meant, or hardly anyone is like that.

    Examples
    --------
    >>> people = draw_covariates(1000, seed=1)
    >>> later = draw_covariates(10, seed=1, first=990)
    >>> bool((later.extent == people.extent[990:]).all())
    True
    """
    check_draw(n, seed, setting, first)
    limits, key = setting_limits(setting), stream_key(seed, _PURPOSE)
    columns = {name: np.empty(n, dtype) for name, dtype in _dtypes().items()}
    for start in range(0, n, _PIECE):
        stop = min(start + _PIECE, n)
        piece = {name: column[start:stop] for name, column in columns.items()}
        _fill(piece, np.arange(first + start, first + stop), key, setting, limits)
    return Covariates(**columns)


def select(covariates: Covariates, which: ArrayLike) -> Covariates:
    """Return some of the people.

    Parameters
    ----------
    covariates : Covariates
    which : anything that indexes an array (person,).

    Examples
    --------
    >>> people = draw_covariates(100, seed=1)
    >>> len(select(people, people.recurrent)) < 100
    True
    """
    return Covariates(**{name: getattr(covariates, name)[which] for name in COVARIATES})


def scalp_area_cm2() -> float:
    """Area [cm2] of the scalp whose share the extent is: the mean adult's.

    Examples
    --------
    >>> scalp_area_cm2()
    775.0
    """
    return load_parameters().value("scalp.area", "cm^2")


def _dtypes() -> Mapping[str, Any]:
    whole = dict.fromkeys(("sex", "ancestry", "patches"), np.int8)
    flags = dict.fromkeys(("recurrent", "nail_change", "family_history", "atopy"), np.bool_)
    kinds: dict[str, Any] = {**dict.fromkeys(COVARIATES, np.float64), **whole, **flags}
    return {name: kinds[name] for name in COVARIATES}


def _fill(
    columns: Mapping[str, NDArray[Any]], person: NDArray[np.int64], key: tuple[int, int],
    setting: Setting, limits: Limits,
) -> None:  # fmt: skip
    """Write the first draw of each person that the limits take."""
    pending, attempt = np.arange(len(person)), 0
    while len(pending):
        if attempt >= _TRIALS:
            raise InputError(
                Problem("setting", "limits that at least one person in a thousand meets",
                        f"{len(pending)} of {len(person)} people not found in {attempt} draws each",
                        "Widen age, episode, extent or patches, or name a nearer setting.")
            )  # fmt: skip
        width = min(max(1, _PIECE // len(pending)), _TRIALS - attempt)
        tried = _candidates(person[pending, None], attempt + np.arange(width), key, setting)
        taken = _inside(tried, limits)
        which, best = taken.any(axis=1), taken.argmax(axis=1)
        for name, column in columns.items():
            column[pending[which]] = tried[name][which, best[which]]
        pending, attempt = pending[~which], attempt + width


def _inside(tried: Mapping[str, NDArray[Any]], limits: Limits) -> Flags:
    inside = np.ones(tried["extent"].shape, dtype=bool)
    for name, (low, high) in (
        ("age_years", limits.age),
        ("episode_days", limits.episode),
        ("extent", limits.extent),
        ("patches", limits.patches),
    ):
        inside &= (tried[name] >= low) & (tried[name] <= high)
    inside &= tried["onset_age_years"] >= load_covariates().value("onset.least", "year")
    return inside


def _candidates(
    person: NDArray[np.int64], attempt: NDArray[np.int64], key: tuple[int, int], setting: Setting
) -> dict[str, NDArray[Any]]:
    """Draw people (person, attempt) from the whole population of a setting."""
    from scipy.special import ndtri

    random = uniforms(key, person, attempt, len(_SCORES) + len(_OTHERS))
    onset, episode, extent, nail, recurrent, family, atopy, patches = _correlated(
        ndtri(random[..., : len(_SCORES)]), correlation_root(setting.onset_extent)
    )
    sex, ancestry, weight, gap = np.moveaxis(random[..., len(_SCORES) :], -1, 0)
    model, data = _model(setting.name), load_covariates()
    onset_age = np.exp(model["onset"][0] + model["onset"][1] * onset)
    episode_days = model["least"][0] + np.exp(model["episode"][0] + model["episode"][1] * episode)
    again = _above(recurrent, data.value("recurrent.share", "1", setting.name))
    between = np.exp(model["gap"][0] + model["gap"][1] * ndtri(gap)) * again
    age = onset_age + between + episode_days / days(1.0)
    female = sex < np.where(onset_age < model["child"][0], *model["female"])
    share = _extent(extent, data.curve("extent.quantiles", setting.name))
    mix = np.cumsum(ancestry_shares(setting))[:-1]
    return {
        "age_years": age,
        "sex": np.where(female, FEMALE, MALE).astype(np.int8),
        "weight_kg": _weight(age, female, ndtri(weight)),
        "ancestry": np.searchsorted(mix, ancestry, side="right").astype(np.int8),
        "onset_age_years": onset_age,
        "episode_days": episode_days,
        "recurrent": again,
        "nail_change": _above(nail, data.value("nail.share", "1", setting.name)),
        "family_history": _above(family, data.value("family.share", "1", setting.name)),
        "atopy": _above(atopy, data.value("atopy.share", "1", setting.name)),
        "patches": _patches(patches, share, setting),
        "extent": share,
    }


def _correlated(score: Array, root: Array) -> list[Array]:
    """Correlated normal scores from independent ones (..., score).

    Summed one by one: a matrix product rounds differently in a longer draw.
    """
    own = np.ascontiguousarray(np.moveaxis(score, -1, 0))
    mixed = []
    for row in root:
        total = np.zeros(own.shape[1:])
        for weight, part in zip(row, own, strict=True):
            if weight != 0.0:
                total += weight * part
        mixed.append(total)
    return mixed


def _above(score: Array, share: float) -> Flags:
    """Whether a normal score lies in the highest part of a given share."""
    from scipy.special import ndtri

    flags: Flags = score > -ndtri(share)
    return flags


def _extent(score: Array, quantiles: Curve) -> Array:
    from scipy.special import ndtr

    return quantiles(ndtr(score))


def _weight(age: Array, female: Flags, score: Array) -> Array:
    data = load_covariates()
    median = np.where(female, data.curve("weight.female")(age), data.curve("weight.male")(age))
    weight: Array = median * np.exp(data.curve("weight.spread")(age) * score)
    return weight


def _patches(score: Array, extent: Array, setting: Setting) -> NDArray[np.int8]:
    """Count patches; no more than patches of the least size fit into the bald area."""
    from scipy.special import ndtr

    data = load_covariates()
    count = 1 + np.searchsorted(count_shares(setting)[:-1], ndtr(score), side="right")
    least = np.pi / 4.0 * data.value("patch.least_diameter", "cm") ** 2
    room = np.maximum(np.floor(extent * scalp_area_cm2() / least), 1.0)
    return np.minimum(count, room).astype(np.int8)


def count_shares(setting: Setting) -> Array:
    """Cumulated shares (count,) of people with 1, 2, 3 ... patches, before any limits.

    Examples
    --------
    >>> count_shares(Setting("presentation"))[:2].round(3).tolist()
    [0.8, 0.925]
    """
    data = load_covariates()
    count = setting.patch_count or data.settings[setting.name].count
    one, two = (data.value(f"count.{count}.{name}", "1") for name in ("one", "two"))
    rest = data.value("count.ratio", "1") ** np.arange(int(data.value("count.most", "1")) - 2)
    shares = np.concatenate([[one, two], (1.0 - one - two) * rest / rest.sum()])
    cumulated: Array = np.cumsum(shares)
    return cumulated


@lru_cache(maxsize=32)
def _model(setting: str) -> dict[str, tuple[float, float]]:
    """Means and standard deviations of the logarithms, and the shares of women."""
    from scipy.special import ndtri

    data = load_covariates()

    def of(name: str, unit: str = "1") -> float:
        return data.value(name, unit, setting)

    onset = np.log(of("onset.median", "year"))
    onset_spread = (np.log(of("onset.share_before_age", "year")) - onset) / ndtri(
        of("onset.share_before")
    )
    least = of("episode.least", "day")
    short, long = (np.log(of(f"episode.{name}_limit", "day") - least) for name in ("short", "long"))
    low, high = ndtri(of("episode.share_short")), ndtri(1.0 - of("episode.share_long"))
    spread = (long - short) / (high - low)
    child_age = of("sex.child_onset_age", "year")
    child, girls = _child_share(onset, onset_spread, child_age), of("sex.female_child_onset")
    women = (of("sex.female") - child * girls) / (1.0 - child)
    return {
        "onset": (float(onset), float(onset_spread)),
        "episode": (float(short - low * spread), float(spread)),
        "least": (least, 0.0),
        "gap": (float(np.log(of("gap.median", "year"))), of("gap.spread")),
        "child": (child_age, child),
        "female": (girls, float(women)),
    }


def _child_share(mean: float, spread: float, age: float) -> float:
    from scipy.special import ndtr

    return float(ndtr((np.log(age) - mean) / spread))


@lru_cache(maxsize=32)
def correlation_root(onset_extent: float | None = None) -> Array:
    """Matrix (score, score) that gives independent normal scores the evidence's correlations.

    Parameters
    ----------
    onset_extent : correlation of age at onset with extent in place of the default.

    Raises
    ------
    EvidenceError
        When the correlations contradict one another.

    Examples
    --------
    >>> root = correlation_root()
    >>> bool(np.allclose(np.diag(root @ root.T), 1.0))
    True
    """
    matrix = np.eye(len(_SCORES))
    for name, quantity in load_covariates().quantities.items():
        if name.startswith("correlation."):
            pair = name.removeprefix("correlation.").split("_")
            if not set(pair) <= set(_SCORES) or len(set(pair)) != 2:
                raise EvidenceError(f"{name}: not two of {', '.join(_SCORES)}")
            one, other = (_SCORES.index(part) for part in pair)
            chosen = onset_extent if pair == ["onset", "extent"] else None
            matrix[one, other] = quantity.value if chosen is None else chosen
            matrix[other, one] = matrix[one, other]
    try:
        root = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        raise EvidenceError("correlations of the covariates contradict one another") from error
    return np.asarray(root, dtype=np.float64)
