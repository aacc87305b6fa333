"""One reading against the state of a patient: chances, likelihood, and readings like it."""

from datetime import date

import numpy as np
import pytest

from anagen.evidence.parameters import load_parameters
from anagen.evidence.scales import load_scales
from anagen.forecast.observation_data import (
    cover_as_read,
    grade_edges,
    missing_edges,
    observation_number,
    observation_numbers,
    share_edges,
)
from anagen.forecast.observations import Observation, below, log_likelihood, replicate
from anagen.forecast.readings import rater_scale, reader_error
from anagen.population.condition_data import load_condition_data
from anagen.population.model import visible

DAY = date(2026, 3, 2)
SKIN = {"atrophy_half": 0.45, "atrophy_width": 0.08}


def reading(kind, bins, rater="clinician", outline=1.0):
    inner, place = bins
    edges = (-np.inf, *inner, np.inf)
    return Observation(kind, DAY, "A", edges[place], edges[place + 1], edges, rater,
                       rater_scale(rater), "", "", kind, outline)  # fmt: skip


def cover(percent, rater="clinician"):
    inner, place = share_edges(percent / 100.0, observation_number("percent_step"))
    return reading("cover", (tuple(map(cover_as_read, inner)), place), rater)


def missing(percent, outline):
    written = share_edges(percent / 100.0, observation_number("percent_step"))
    return reading("missing", missing_edges(written, outline), outline=outline)


def graded(scale, label):
    inner, place = grade_edges(load_scales().regrowth[scale], label)
    return reading("cover", (tuple(map(cover_as_read, inner)), place))


READINGS = {
    "cover": cover(37.0),
    "nothing": cover(0.0),
    "complete": cover(100.0),
    "by the patient": cover(50.0, "patient"),
    "grade": graded("macdonald_hull_norris", "3"),
    "resolved": reading("cover", ((0.9,), 1)),
    "drawn anew": missing(20.0, 1.6),
    "terminal": reading("terminal", share_edges(0.3, 0.1)),
    "salt": reading("salt", share_edges(0.04, 0.01)),
    "signs": reading("trichoscopy", ((0.2, 0.45, 0.7), 2)),
    "pull": reading("pull", ((0.35, 0.65), 1)),
    "atrophy": reading("atrophy", ((0.5,), 1)),
    "telangiectasia": reading("telangiectasia", ((0.5,), 0)),
    "colour": reading("colour", ((0.5,), 0)),
    "cortisol": reading("cortisol", (tuple(np.linspace(-3.0, 3.0, 31)), 12)),
}


def people(count=400, seed=0):
    """Values of the model for possible people, the extremes among them."""
    draw = np.random.default_rng(seed)
    share = np.concatenate([[0.0, 1.0], draw.uniform(size=count - 2)])
    return {
        "cover": share,
        "missing": 3.0 * share,
        "terminal_share": share,
        "salt": 100.0 * share**2,
        "attack": share,
        "thinning": 0.8 * share,
        "cortisol": np.maximum(share, 1e-3),
        **{name: np.full(count, value) for name, value in SKIN.items()},
    }


def chances(one, predicted):
    """Chance (bin, person) of every bin."""
    edges = np.array(one.edges)
    return np.exp(log_likelihood(one, predicted, edges[:-1, None], edges[1:, None]))


@pytest.mark.parametrize("name", READINGS)
def test_chances_of_all_bins_sum_to_one(name):
    one, predicted = READINGS[name], people()
    found = chances(one, predicted)
    np.testing.assert_allclose(found.sum(0), 1.0, atol=1e-12)
    assert found.min() > 0.0
    place = one.edges.index(one.low)
    np.testing.assert_allclose(np.log(found[place]), log_likelihood(one, predicted), atol=1e-12)


@pytest.mark.parametrize("name", READINGS)
def test_chance_below_an_edge_rises_from_nothing_to_all(name):
    reached = below(READINGS[name], np.array(READINGS[name].edges)[:, None], people())
    assert np.all(reached[0] == 0.0)
    assert np.all(reached[-1] == 1.0)
    assert np.all(np.diff(reached, axis=0) >= 0.0)


@pytest.mark.parametrize("name", READINGS)
def test_replicates_have_the_distribution_that_the_chances_say(name):
    one, count = READINGS[name], 20_000
    for at in (0.05, 0.4, 0.8):
        values = {key: rows[:1] for key, rows in people().items()}
        values |= {"cover": [at], "missing": [2.0 * at], "terminal_share": [at], "salt": [20 * at],
                   "attack": [at], "thinning": [at], "cortisol": [at]}  # fmt: skip
        expected = chances(one, {key: np.array(row) for key, row in values.items()})[:, 0]
        many = {key: np.repeat(row, count) for key, row in values.items()}
        low, high = replicate(one, many, np.random.default_rng(5))
        number = np.searchsorted(one.edges, high) - 1
        np.testing.assert_array_equal(np.array(one.edges)[number], low)
        seen = np.bincount(number, minlength=len(expected)) / count
        error = np.sqrt(expected * (1.0 - expected) / count)
        assert np.all(np.abs(seen - expected) < 4.5 * error + 1e-4)


def test_the_same_seed_draws_the_same_readings():
    one, predicted = READINGS["drawn anew"], people()
    first, again = (replicate(one, predicted, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_the_better_the_reading_the_higher_the_cover_that_it_speaks_for():
    grid = {"cover": np.linspace(0.0, 1.0, 201)}
    means = []
    for percent in range(0, 101, 5):
        chance = np.exp(log_likelihood(cover(percent), grid))
        means.append(np.sum(chance * grid["cover"]) / chance.sum())
    assert np.all(np.diff(means) > 0.0)


def test_more_cover_makes_a_better_reading_ever_more_likely_than_a_worse_one():
    """Monotone likelihood ratio, slips aside: then a better response never lowers a forecast."""
    grid = {"cover": np.linspace(0.0, 1.0, 401)}

    def chance(percent):
        one = cover(percent)
        return below(one, one.high, grid) - below(one, one.low, grid)

    for percent in range(5, 101, 5):
        worse, better = chance(percent - 5), chance(percent)
        told = (worse > 1e-9) & (better > 1e-9)
        assert told.sum() > 20
        assert np.all(np.diff(np.log(better[told] / worse[told])) > -1e-6)


@pytest.mark.parametrize("rater", ["patient", "photo"])
@pytest.mark.parametrize("percent", [20.0, 50.0, 75.0])
def test_the_report_of_a_weaker_witness_is_flatter(rater, percent):
    grid = {"cover": np.linspace(0.0, 1.0, 101)}
    weak, strong = (log_likelihood(cover(percent, by), grid) for by in (rater, "clinician"))
    assert weak.max() < strong.max()
    assert np.ptp(weak) <= np.ptp(strong)
    place = int(np.argmax(strong))
    for aside in (max(place - 20, 0), min(place + 20, 100)):
        assert weak[aside] > strong[aside]


def test_a_wider_grade_says_less_than_a_percentage():
    grid = {"cover": np.linspace(0.0, 1.0, 101)}
    wide, narrow = (np.exp(log_likelihood(one, grid)) for one in (graded("rgs", "3"), cover(62.0)))
    assert (wide / wide.max()).sum() > (narrow / narrow.max()).sum()


def test_a_patch_full_of_hair_is_read_as_complete():
    """Of the cover at which calibration lets readers say complete, half say so."""
    complete = load_condition_data().value("complete")
    chance = 1.0 - below(cover(100.0), cover(100.0).low, {"cover": np.array([complete])})
    np.testing.assert_allclose(chance, 0.5, atol=1e-9)
    assert cover_as_read(0.5) == 0.5


def test_a_reader_errs_as_in_the_published_arms():
    data = load_condition_data()
    assert reader_error(0.5) == data.value("reader")
    assert reader_error(0.0) == reader_error(1.0) == data.value("reader_least")


def test_an_outline_drawn_anew_tells_the_area_left_from_both_sides():
    grid = {"missing": np.linspace(0.0, 4.0, 401)}
    for percent, outline in ((0.0, 2.0), (50.0, 2.0), (0.0, 0.5)):
        best = grid["missing"][np.argmax(log_likelihood(missing(percent, outline), grid))]
        assert best == pytest.approx(outline * (1.0 - percent / 100.0), rel=0.2)


def test_visible_harm_follows_the_formula_of_the_population():
    thinning = np.array([0.0, 0.2, 0.45, 0.7])
    predicted = {"thinning": thinning, **SKIN}
    chance = np.asarray(visible(thinning, SKIN["atrophy_half"], SKIN["atrophy_width"]))
    one = READINGS["atrophy"]
    np.testing.assert_allclose(1.0 - below(one, 0.5, predicted), chance, rtol=1e-5, atol=1e-7)
    ratio = load_parameters().value("skin.telangiectasia_ratio", "1")
    odds = ratio * chance / (1.0 - chance)
    found = 1.0 - below(READINGS["telangiectasia"], 0.5, predicted)
    np.testing.assert_allclose(found, odds / (1.0 + odds), rtol=1e-5, atol=1e-7)


def test_one_slip_does_not_rule_anybody_out():
    bins = len(cover(0.0).edges) - 1
    worst = log_likelihood(cover(100.0), {"cover": np.array([0.0])})
    assert worst[0] == pytest.approx(np.log(observation_number("slip") / bins))


@pytest.mark.parametrize("name", READINGS)
def test_a_person_whom_the_model_cannot_follow_stays_unknown(name):
    predicted = {key: np.where(np.arange(400) == 7, np.nan, v) for key, v in people().items()}
    found = log_likelihood(READINGS[name], predicted)
    low, high = replicate(READINGS[name], predicted, np.random.default_rng(1))
    for values in (found, low, high):
        assert np.flatnonzero(np.isnan(values)).tolist() == [7]


@pytest.mark.parametrize("step", [0.01, 0.05, 0.1])
def test_a_share_lies_in_the_bin_of_its_own(step):
    for share in (0.0, 0.013, 0.05, 0.37, 0.5, 0.98, 1.0):
        inner, place = share_edges(share, step)
        edges = (-np.inf, *inner, np.inf)
        assert edges[place] < share < edges[place + 1]
        assert list(inner) == sorted(set(inner))
        if edges[place] > 0.0 and edges[place + 1] < 1.0:
            assert (edges[place] + edges[place + 1]) / 2.0 == pytest.approx(share)


def test_every_grade_of_every_scale_has_its_own_bin():
    for scale in load_scales().regrowth.values():
        for number, grade in enumerate(scale.grades):
            inner, place = grade_edges(scale, grade.label)
            assert place == number
            assert list(inner) == sorted(set(inner))
            middle = (grade.lower + grade.upper) / 2.0
            edges = (-np.inf, *inner, np.inf)
            assert edges[place] < middle < edges[place + 1]


def test_numbers_of_reading_have_unit_range_and_source():
    for key, row in observation_numbers().items():
        assert row.low <= row.value <= row.high, key
        assert row.provenance.locator, key
