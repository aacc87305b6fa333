"""Which arm a person is given: permuted blocks, within strata where there are any.

Without strata an arm hangs on nothing but seed, replicate and place. With strata it hangs on those
who came before in the same list of 1,000 people, after whom randomisation begins anew, as it does
at another centre of a trial.
"""

from fractions import Fraction
from functools import lru_cache
from math import lcm

import numpy as np
from numpy.typing import NDArray

from anagen.population.covariates import Covariates, draw_covariates
from anagen.population.settings import Setting
from anagen.population.streams import stream_key, uniforms
from anagen.scalp import ANCESTRIES
from anagen.trials.protocol import Protocol

Index = NDArray[np.int64]

STRATA_LIST = 1000
"""People after whom stratified randomisation begins anew."""

_TYPICAL = 4096  # people whose median parts strata of a number
_MOST_RATIO = 20  # denominator of an allocation ratio within strata or people
_LEAST_BLOCK = 4  # people among whom arms are permuted
_MOST_STRATA = 1 << 14
_ALLOCATION = 31  # purpose of random numbers; population uses 1 to 4


def trial_size(protocol: Protocol) -> int:
    """People of one replicate, all arms together.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> trial_size(load_protocol_file("quadrant-strengths")) > 0
    True
    """
    if protocol.design == "within":
        return protocol.people
    return sum(max(round(protocol.people * arm.ratio), 0) for arm in protocol.arms)


def strata(protocol: Protocol, covariates: Covariates, setting: Setting) -> Index:
    """Stratum (person,): a number is parted at its median among people of the setting."""
    stratum = np.zeros(len(covariates), np.int64)
    for name in protocol.stratify:
        values = getattr(covariates, name)
        if values.dtype.kind == "f" or name == "patches":
            values = values > _median(setting, name)
        kinds = len(ANCESTRIES) if name == "ancestry" else 2
        stratum = kinds * stratum + values.astype(np.int64)
    return stratum


@lru_cache(maxsize=64)
def _median(setting: Setting, name: str) -> float:
    return float(np.median(getattr(draw_covariates(_TYPICAL, 0, setting), name)))


def arm_order(protocol: Protocol) -> Index:
    """Arms (entry,) of the smallest block in which every arm has its share."""
    ratios = [Fraction(arm.ratio).limit_denominator(_MOST_RATIO) for arm in protocol.arms]
    whole = lcm(*(ratio.denominator for ratio in ratios))
    return np.repeat(np.arange(len(ratios)), [int(ratio * whole) for ratio in ratios])


def allocate(
    protocol: Protocol, replicate: Index, number: Index, stratum: Index, seed: int
) -> Index:
    """Arm (person,) by permuted blocks, within strata where there are any.

    Parameters
    ----------
    replicate, number : (person,) where each stands; with strata from the first of a list on.
    stratum : (person,) from `strata`; seed : of the trial.
    """
    size = trial_size(protocol)
    if protocol.stratify:
        order = arm_order(protocol)
        lists = -(-size // STRATA_LIST)
        list_number = replicate * lists + number // STRATA_LIST
        place, width = _place_within(list_number, stratum), 2 * len(order)
        who = list_number * _MOST_STRATA + stratum
        sequence, left = np.tile(order, 2), np.full(len(place), width)
        begin = np.zeros(len(place), np.int64)
    else:
        place, who, sequence = number, replicate, _sequence(protocol)
        width = max(2 * len(protocol.arms), _LEAST_BLOCK)
        begin = place // width * width
        left = np.minimum(size - begin, width)
    random = uniforms(stream_key(seed, _ALLOCATION), who, place // width, width)
    random[np.arange(width) >= left[:, None]] = 2.0  # places beyond the last person stay last
    chosen = np.argsort(random, axis=1, kind="stable")[np.arange(len(place)), place % width]
    return np.asarray(sequence[begin + chosen])


@lru_cache(maxsize=8)
def _sequence(protocol: Protocol) -> Index:
    """Arms (person,) of a replicate before blocks are permuted: in the planned numbers, mixed."""
    counts = [max(round(protocol.people * arm.ratio), 0) for arm in protocol.arms]
    due = np.concatenate([(np.arange(count) + 0.5) / max(count, 1) for count in counts])
    return np.asarray(np.repeat(np.arange(len(counts)), counts)[np.argsort(due, kind="stable")])


def _place_within(list_number: Index, stratum: Index) -> Index:
    """How many of the same list and stratum come before each."""
    order = np.lexsort((np.arange(len(stratum)), stratum, list_number))
    together = np.stack([list_number, stratum])[:, order]
    new = np.r_[True, (np.diff(together) != 0).any(axis=0)]
    begin = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - begin
    return place
