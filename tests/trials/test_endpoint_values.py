"""What counts for an endpoint: readings and truth, who was not seen, scales, times."""

import numpy as np
import pytest
from trials.analysis_cases import REGROWTH, results, two_arms

from anagen.errors import InputError
from anagen.evidence.scales import load_scales
from anagen.trials.endpoint_values import endpoint_values, grades, usual_reference, variables_of
from anagen.trials.protocol import Endpoint, Measure
from anagen.trials.protocol_file import load_protocol_file, shipped
from anagen.trials.run_chunk import run_chunk

NAN = np.nan
PROTOCOL = two_arms()


def same(found: np.ndarray, wanted: list[float]) -> bool:
    return np.array_equal(np.asarray(found, float), np.array(wanted, float), equal_nan=True)


def grown(*last: float) -> np.ndarray:
    return np.stack([np.zeros(len(last)), np.zeros(len(last)), last], axis=1).astype(np.float32)


def test_who_was_not_seen_is_no_responder_unless_only_the_seen_count() -> None:
    came = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1], [1, 1, 0]], bool)
    data = results(4, regrowth=grown(0.5, 0.9, 0.4, 0.1), attended=came)
    assert same(endpoint_values(PROTOCOL, data, REGROWTH).value, [1, 0, 0, 0])
    seen = endpoint_values(PROTOCOL, data, REGROWTH, missing="observed")
    assert same(seen.value, [1, NAN, 0, NAN])
    assert same(seen.seen, [1, 0, 1, 0])
    assert same(endpoint_values(PROTOCOL, data, REGROWTH, truth=True).value, [1, 1, 0, 0])


def test_who_was_lost_by_the_model_or_has_no_arm_never_counts() -> None:
    data = results(4, regrowth=grown(0.9, 0.9, 0.9, 0.9), failed=[True, False, False, False])
    data["arm"][1] = -1
    for truth in (False, True):
        found = endpoint_values(PROTOCOL, data, REGROWTH, truth=truth)
        assert same(found.value, [NAN, NAN, 1, 1])
        assert same(found.failed, [1, 0, 0, 0])


def test_means_are_of_those_seen_and_what_nobody_reads_is_true() -> None:
    came = np.array([[1, 1, 1], [1, 1, 0]], bool)
    reading = np.zeros((2, 3, 2))
    reading[:, 2] = [0.3, 0.5]
    data = results(2, regrowth=grown(0.7, 0.2), hair_share=grown(0.6, 0.8), attended=came,
                   reading=reading)  # fmt: skip
    mean = Endpoint(key="mean", measure="regrowth", week=8)
    hair = Endpoint(key="hair", measure="hair_share", week=8)
    assert endpoint_values(PROTOCOL, data, mean).value == pytest.approx([0.4, NAN], nan_ok=True)
    assert endpoint_values(PROTOCOL, data, mean, truth=True).value == pytest.approx([0.7, 0.2])
    assert endpoint_values(PROTOCOL, data, hair).value == pytest.approx([0.6, NAN], nan_ok=True)
    assert endpoint_values(PROTOCOL, data, hair).unit_words.startswith("share of follicles")


@pytest.mark.parametrize("kind", ["regrowth", "classes"])
def test_grades_are_those_of_the_scale_at_and_beside_every_bound(kind: str) -> None:
    for scale in getattr(load_scales(), kind).values():
        ends = [end for grade in scale.grades for end in (grade.lower, grade.upper)]
        near = np.unique([value for end in ends for value in (end - 1e-6, end, end + 1e-6)])
        near = near[(near >= scale.lower) & (near <= scale.upper)]
        wanted = [next(number for number, grade in enumerate(scale.grades) if grade.holds(value))
                  for value in near]  # fmt: skip
        assert same(grades(scale, near), [float(number) for number in wanted]), scale.key


def test_on_a_scale_the_mean_of_the_raters_grades_counts() -> None:
    reading = np.zeros((2, 3, 2))
    reading[0, 2], reading[1, 2] = [0.2, 0.8], [0.5, 0.5]  # grades 1 and 4; 3 and 3
    score = Endpoint(key="score", measure="regrowth", scale="hrs", week=8)
    found = endpoint_values(PROTOCOL, results(2, reading=reading), score)
    assert found.value == pytest.approx([2.5, 3.0])
    assert found.kind == "mean"
    assert "counted from 0" in found.unit_words


def test_success_lies_on_the_side_that_the_direction_says() -> None:
    salt = np.array([[30, 30, 20], [30, 30, 20.5]], np.float32)
    came = np.ones((2, 3), bool)
    data = results(2, salt=salt, salt_reading=salt, attended=came)
    low = Endpoint(key="salt-20", measure="salt", threshold=20, week=8)
    found = endpoint_values(PROTOCOL, data, low)
    assert same(found.value, [1, 0])
    assert found.better == "higher"  # the share of successes
    assert endpoint_values(
        PROTOCOL, data, Endpoint(key="s", measure="salt", week=8)).better == "lower"  # fmt: skip


def test_time_is_the_first_visit_somebody_came_to_that_shows_the_threshold() -> None:
    share = np.array([[0, 0.6, 0.6], [0, 0.6, 0.6], [0, 0.1, 0.2], [0, 0.1, 0.9]], np.float32)
    came = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 0]], bool)
    data = results(4, regrowth=share, attended=came)
    time = Endpoint(key="time", measure="time_to_regrowth", threshold=0.5, week=8)
    found = endpoint_values(PROTOCOL, data, time)
    assert same(found.value, [4, 8, 4, 4])
    assert same(found.event, [1, 1, 0, 0])
    assert (found.kind, found.better) == ("time", "higher")
    true = endpoint_values(PROTOCOL, data, time, truth=True)
    assert same(true.value, [4, 4, 8, 8])
    assert same(true.event, [1, 1, 0, 1])


def test_harms_count_when_seen_by_the_visit_and_relapse_of_responders_only() -> None:
    until = np.array([[0, 1, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0]], bool)
    came = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]], bool)
    day = np.array([30, np.inf, 30, NAN], np.float32)
    data = results(4, atrophy_seen=until & came, relapse=until | until[:, [0, 0, 1]],
                   attended=came, relapse_day=day)  # fmt: skip
    atrophy = Endpoint(key="atrophy", measure="atrophy", week=8)
    relapse = Endpoint(key="relapse", measure="relapse", week=8)
    assert same(endpoint_values(PROTOCOL, data, atrophy).value, [1, 0, 1, 0])
    observed = endpoint_values(PROTOCOL, data, atrophy, missing="observed")
    assert same(observed.value, [1, NAN, 1, 0])
    found = endpoint_values(PROTOCOL, data, relapse)
    assert same(found.value, [1, 0, 1, NAN])
    assert found.better == "lower"


def test_a_reading_at_the_threshold_has_reached_it_in_single_precision() -> None:
    share = grown(0.85, 0.7)
    for threshold, wanted in ((0.85, [1, 0]), (0.7, [1, 1])):
        endpoint = Endpoint(key="x", measure="regrowth", threshold=threshold, week=8)
        assert same(endpoint_values(PROTOCOL, results(2, regrowth=share), endpoint).value, wanted)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (Endpoint(key="x", measure="regrowth", week=5), "the week of a visit, one of 0, 4, 8"),
        (Endpoint(key="x", measure="regrowth", week=8, scale="hsr"), "a scale of regrowth"),
        (Endpoint(key="x", measure="salt", week=8), "results with 'salt"),
        (Endpoint(key="x", measure="time_to_regrowth", week=8), "a threshold to wait for"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(endpoint: Endpoint, words: str) -> None:
    with pytest.raises(InputError, match=words):
        endpoint_values(PROTOCOL, results(2), endpoint)


def test_the_reference_is_untreated_or_saline_or_the_first() -> None:
    assert usual_reference(PROTOCOL) == 1
    named = {key: load_protocol_file(key) for key in shipped()}
    found = {key: one.arms[usual_reference(one)].key for key, one in named.items()}
    assert found["quadrant-strengths"] == found["injected-against-saline"] == "saline"
    assert found["five-against-ten"] == "ta5"


@pytest.mark.parametrize("key", ["five-against-ten", "injected-against-saline"])
def test_an_endpoint_reads_no_other_variables_than_it_names(key: str) -> None:
    protocol = load_protocol_file(key)
    chunk = run_chunk(protocol, count=12)
    measures: tuple[Measure, ...] = ("regrowth", "hair_share", "atrophy", "relapse")
    week = protocol.visits[-1].week
    more = [Endpoint(key="more", measure=name, week=week) for name in measures]
    for endpoint in (*protocol.endpoints, *more):
        small = chunk[list(variables_of(protocol, endpoint))]
        for truth in (False, True):
            whole = endpoint_values(protocol, chunk, endpoint, truth=truth)
            assert same(endpoint_values(protocol, small, endpoint, truth=truth).value,
                        list(whole.value))  # fmt: skip
            assert len(whole.value) == chunk.sizes["unit"]
