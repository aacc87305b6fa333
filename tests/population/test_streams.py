"""Random numbers of a person: the published generator, and independence of the draw's size."""

import numpy as np
import pytest
from scipy import stats

from anagen.population.streams import philox, stream_key, uniforms


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_published_known_answers(
    counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    a, b, c, d = (np.array([word], dtype=np.uint64) for word in counter)
    assert tuple(int(word[0]) for word in philox((a, b, c, d), key)) == words


def test_numbers_are_uniform_and_unrelated() -> None:
    numbers = uniforms(stream_key(3, 1), np.arange(50_000), 0, 6)
    assert numbers.min() > 0.0
    assert numbers.max() < 1.0
    for column in numbers.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    apart = np.corrcoef(numbers.T) - np.eye(6)
    assert np.abs(apart).max() < 4.0 / np.sqrt(50_000)
    assert abs(np.corrcoef(numbers[1:, 0], numbers[:-1, 0])[0, 1]) < 4.0 / np.sqrt(50_000)


def test_seed_purpose_person_attempt_and_slot_all_matter() -> None:
    people = np.array([7, 2**32 + 7])
    draws = [
        uniforms(stream_key(1, 1), people, 0, 4),
        uniforms(stream_key(2, 1), people, 0, 4),
        uniforms(stream_key(1, 2), people, 0, 4),
        uniforms(stream_key(1, 1), people, 1, 4),
        uniforms(stream_key(1, 1), people, 0, 4, start=1),
    ]
    assert len(np.unique(np.concatenate(draws))) == 5 * 2 * 4


def test_later_slots_continue_where_earlier_ones_end() -> None:
    key, people = stream_key(1, 1), np.arange(5)
    whole = uniforms(key, people, 0, 8)
    assert (whole[:, 4:] == uniforms(key, people, 0, 4, start=1)).all()
    assert (whole[:, :3] == uniforms(key, people, 0, 3)).all()
