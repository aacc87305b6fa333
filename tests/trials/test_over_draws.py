"""Arms compared in several populations that calibration leaves possible."""

import numpy as np
import pandas as pd
import pytest

from anagen.errors import InputError
from anagen.trials.over_draws import beyond_chance, over_draws
from anagen.trials.protocol import Protocol
from anagen.trials.protocol_file import load_protocol_file


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load_protocol_file("five-against-ten")


@pytest.fixture(scope="module")
def table(protocol: Protocol) -> pd.DataFrame:
    regrowth = protocol.endpoints[0].model_copy(update={"key": "mean", "threshold": None})
    return over_draws(protocol, [regrowth, protocol.endpoints[2]], draws=3, people=60)


def test_the_same_people_are_in_every_arm(table: pd.DataFrame) -> None:
    means = table[table["endpoint"] == "mean"]
    assert means["draw"].is_unique
    assert len(means) == 3
    # Between the same people chance is small: half as wide as between strangers or less.
    own = (means["high"] - means["low"]) / 2.0
    strangers = np.sqrt(own**2 + ((means["high_reference"] - means["low_reference"]) / 2.0) ** 2)
    between = (means["difference_high"] - means["difference_low"]) / 2.0
    assert (between < 0.5 * strangers).all()
    assert (means["difference"] > 0).all()  # ten against five, in each of them


def test_harm_goes_with_the_dose_in_every_population(table: pd.DataFrame) -> None:
    harm = table[table["endpoint"] == "atrophy"]
    assert (harm["difference"] >= 0).all()
    assert harm["difference"].max() > 0


def test_only_what_exceeds_chance_counts_as_a_difference_of_populations() -> None:
    rng = np.random.default_rng(3)
    error, apart = 0.02, 0.05

    def made(between: float) -> pd.DataFrame:
        middle = 0.1 + rng.normal(0.0, np.hypot(error, between), 400)
        return pd.DataFrame({"endpoint": "e", "arm": "a", "reference": "b", "difference": middle,
                             "difference_low": middle - 1.96 * error,
                             "difference_high": middle + 1.96 * error})  # fmt: skip

    same, differing = (beyond_chance(made(between)).iloc[0] for between in (0.0, apart))
    assert same["between"] < 0.01
    assert differing["between"] == pytest.approx(apart, rel=0.15)
    assert differing["low"] == pytest.approx(0.1 - 1.96 * apart, abs=0.015)


def test_everybody_has_all_arms_within() -> None:
    protocol = load_protocol_file("quadrant-strengths")
    found = over_draws(protocol, protocol.endpoints[1:2], draws=2, people=8)
    assert set(found["arm"]) == {"ta10", "ta5", "ta2-5"}
    assert set(found["reference"]) == {"saline"}


def test_what_cannot_be_meant_is_told_at_once(protocol: Protocol) -> None:
    waiting = protocol.endpoints[0].model_copy(update={"measure": "time_to_regrowth"})
    with pytest.raises(InputError) as refused:
        over_draws(protocol, [waiting], draws=1)
    assert len(refused.value.problems) == 2
