"""Random numbers that belong to a person: the same however many people are drawn, and where.

Every number is a function of (seed, purpose, person, attempt, slot), by the counter-based generator
Philox 4x32-10; no state is carried from one person to the next.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_Words = NDArray[np.uint64]

_MULTIPLY = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)


def philox(counter: tuple[_Words, _Words, _Words, _Words], key: tuple[int, int]) -> list[_Words]:
    """Scramble counters to four random words each.

    Parameters
    ----------
    counter : four arrays of one shape, each below 2^32.
    key : two words below 2^32.

    Returns
    -------
    list of four arrays below 2^32

    References
    ----------
    Salmon, J. K. and others, Parallel random numbers: as easy as 1, 2, 3, SC 2011.

    Examples
    --------
    >>> zero = np.zeros(1, np.uint64)
    >>> [hex(word[0]) for word in philox((zero, zero, zero, zero), (0, 0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    a, b, c, d = counter
    first, second = key
    for _ in range(_ROUNDS):
        left, right = a * _MULTIPLY[0], c * _MULTIPLY[1]
        a, b, c, d = (
            (right >> _WORD) ^ b ^ np.uint64(first),
            right & _LOW,
            (left >> _WORD) ^ d ^ np.uint64(second),
            left & _LOW,
        )
        first, second = (first + _WEYL[0]) & 0xFFFFFFFF, (second + _WEYL[1]) & 0xFFFFFFFF
    return [a, b, c, d]


def stream_key(seed: int, purpose: int) -> tuple[int, int]:
    """Key of the random numbers of one purpose under a seed.

    Parameters
    ----------
    seed : of the whole draw, 0 or more.
    purpose : which of several independent uses.
    """
    words = np.random.SeedSequence([seed, purpose]).generate_state(2, np.uint32)
    return int(words[0]), int(words[1])


def uniforms(
    key: tuple[int, int], person: ArrayLike, attempt: ArrayLike, count: int, start: int = 0
) -> Array:
    """Random numbers between 0 and 1, both excluded, of people at an attempt.

    Parameters
    ----------
    key : from `stream_key`.
    person : (...,) index of each person, 0 or more.
    attempt : (...,) number of the attempt, below 2^32; broadcasts against ``person``.
    count : how many numbers each.
    start : first group of four numbers, so that later calls do not repeat earlier ones.

    Returns
    -------
    (..., count)

    Examples
    --------
    >>> key = stream_key(seed=1, purpose=0)
    >>> many = uniforms(key, np.arange(100), 0, 3)
    >>> bool((uniforms(key, np.array([41]), 0, 3) == many[41]).all())
    True
    """
    who, trial = np.broadcast_arrays(
        np.asarray(person, dtype=np.uint64), np.asarray(attempt, dtype=np.uint64)
    )
    numbers = np.empty((*who.shape, count))
    for group in range(-(-count // 4)):
        slot = np.full(who.shape, start + group, dtype=np.uint64)
        words = philox((who & _LOW, who >> _WORD, trial, slot), key)
        for place, word in enumerate(words[: count - 4 * group]):
            numbers[..., 4 * group + place] = (word + 0.5) * 2.0**-32
    return numbers
