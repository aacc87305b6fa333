"""Published figures beside simulated ones: rows exist, figures are those of the evidence."""

import numpy as np
import pytest
import xarray as xr

from anagen.evidence.published import Arm, load_arms, load_harms
from anagen.population.posterior import load_posterior
from anagen.trials.protocol import Protocol
from anagen.trials.protocol_file import read_protocol_file, shipped
from anagen.trials.published import beside_published, load_published, published_design
from anagen.trials.run_chunk import run_chunk


@pytest.fixture(scope="module")
def trial() -> tuple[Protocol, xr.Dataset]:
    protocol = read_protocol_file("five-against-ten").protocol
    return protocol, run_chunk(protocol, count=60)


def test_every_shipped_design_says_what_was_published() -> None:
    assert set(load_published()) == set(shipped())
    for key, design in load_published().items():
        assert design.words, key


def test_rows_are_rows_of_the_evidence_of_the_design() -> None:
    for key, design in load_published().items():
        source = read_protocol_file(key).protocol.source
        for row in design.rows:
            assert row.evidence in (*load_arms(), *load_harms())
            assert row.evidence.reference == source
            assert isinstance(row.evidence, Arm) or not row.comparable


def test_figures_are_those_that_were_published(trial: tuple[Protocol, xr.Dataset]) -> None:
    table = beside_published(*trial).set_index(["measure", "arms"])
    row = table.loc[("Complete regrowth at 12 weeks", "ta5")]
    assert (row["published"], row["published_n"], row["published_count"]) == (43.5, 46, 20)
    assert row["published_low"] < row["published"] < row["published_high"]
    assert row["source"] == "Muhaidat2020"
    assert row["calibrated"]
    dataset = trial[1]
    own = dataset["arm"].values == 0
    read = dataset["regrowth_reading"].values[own, -1] >= np.float32(0.85)
    assert row["simulated"] == pytest.approx(100.0 * read.mean())
    assert row["predicted_low"] <= row["simulated"] <= row["predicted_high"]


def test_a_harm_of_another_meaning_is_shown_and_not_judged(
    trial: tuple[Protocol, xr.Dataset],
) -> None:
    table = beside_published(*trial)
    harms = table[table["measure"].str.startswith("Harm")]
    assert list(harms["published"]) == [17.0, 25.0]
    assert harms["inside"].isna().all()
    assert harms["note"].str.len().min() > 0


def test_what_lies_inside_hangs_on_the_figure(trial: tuple[Protocol, xr.Dataset]) -> None:
    protocol, dataset = trial
    none = dataset.copy()
    none["regrowth_reading"] = 0.0 * dataset["regrowth_reading"]
    table = beside_published(protocol, none)
    judged = table[table["inside"].notna()]
    assert not judged["inside"].any()
    steady = beside_published(protocol, none)
    assert list(steady["predicted_high"][:3]) == list(table["predicted_high"][:3])


def test_doubt_between_studies_widens_the_interval(trial: tuple[Protocol, xr.Dataset]) -> None:
    protocol, dataset = trial
    posterior = load_posterior()
    alike = type(posterior)({**posterior.draws, "tau": 0.0 * posterior.draws["tau"]},
                            posterior.about)  # fmt: skip
    wide, narrow = (beside_published(protocol, dataset, one) for one in (posterior, alike))
    width = [(one["predicted_high"] - one["predicted_low"]).iloc[0] for one in (wide, narrow)]
    assert width[0] > width[1] > 20.0


def test_a_changed_protocol_is_not_held_against_the_study() -> None:
    protocol = read_protocol_file("five-against-ten").protocol
    assert published_design(protocol.model_copy(update={"people": 500, "seed": 9})).rows
    other = protocol.model_copy(update={"follow_up_weeks": 40.0})
    assert not published_design(other).rows
    assert "differs from the shipped" in published_design(other).words
    assert not published_design(protocol.model_copy(update={"key": "my-own"})).rows
