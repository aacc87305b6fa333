"""Baseline, exposure, harms and cost against direct computation."""

from pathlib import Path

import numpy as np
import pytest
from trials.report_cases import busy_results, quadrant_results

from anagen.errors import InputError
from anagen.trials.baseline import baseline
from anagen.trials.chunk_dataset import SESSION
from anagen.trials.exposure import exposure, harms
from anagen.trials.flow import ALL
from anagen.trials.prices import Prices, cost, read_prices


def test_the_baseline_is_what_the_people_are() -> None:
    protocol, dataset = busy_results()
    table = baseline(protocol, dataset).set_index(["characteristic", "level", "arm"])
    own = dataset["arm"].values == 1
    age = dataset["age"].values[own].astype(float)
    row = table.loc[("Age", "", "saved")]
    assert row["n"] == own.sum() == 80
    assert row["mean"] == pytest.approx(age.mean())
    assert row["sd"] == pytest.approx(age.std(ddof=1))
    weeks = dataset["episode"].values.astype(float) / 7.0
    assert table.loc[("Duration of the episode", "", ALL)]["median"] == pytest.approx(
        np.median(weeks)
    )
    male = dataset["male"].values[own]
    assert table.loc[("Male", "", "saved")]["count"] == male.sum()
    assert table.loc[("Male", "", "saved")]["percent"] == pytest.approx(100 * male.mean())
    kinds = table.loc["Ancestry"].reset_index()
    assert kinds[kinds["arm"] == ALL]["count"].sum() == 240


def test_people_within_whom_arms_are_compared_are_described_once() -> None:
    protocol, dataset = quadrant_results()
    table = baseline(protocol, dataset)
    assert set(table[table["characteristic"] == "Age"]["arm"]) == {ALL}
    assert table[table["characteristic"] == "Age"]["n"].iloc[0] == 24
    sizes = table[table["characteristic"] == "Diameter of the patch studied"]
    assert set(sizes["arm"]) == {"ta10", "ta5", "saline", ALL}


def test_what_was_given_is_counted() -> None:
    protocol, dataset = busy_results()
    table = exposure(protocol, dataset).set_index(["arm", "amount"])
    own = dataset["arm"].values == 0
    assert table.loc[("adaptive", "mg"), "mean"] == pytest.approx(
        dataset["mg"].values[own].mean(), rel=1e-6
    )
    sessions = (dataset["session_status"].values[own] == SESSION["given"]).sum(1)
    assert table.loc[("adaptive", "sessions"), "most"] == sessions.max()
    assert table.loc[("natural", "mg"), "most"] == 0.0


def test_harms_grow_and_the_untreated_have_none() -> None:
    protocol, dataset = busy_results()
    table = harms(protocol, dataset)
    seen = table[(table["harm"] == "atrophy seen") & (table["arm"] == "saved")]
    assert seen["percent"].is_monotonic_increasing
    assert ((seen["low"] <= seen["percent"]) & (seen["percent"] <= seen["high"])).all()
    untreated = table[(table["arm"] == "natural") & (table["harm"] != "relapse")]
    assert untreated["percent"].max() < 0.01
    back = table[(table["harm"] == "relapse") & (table["week"] == 12)].set_index("arm")
    days = dataset["relapse_day"].values[dataset["arm"].values == 1]
    assert back.loc["saved", "n"] == (~np.isnan(days)).sum()
    assert back.loc["saved", "count"] == (days <= 84).sum()


def test_the_cost_is_what_the_prices_make_it() -> None:
    protocol, dataset = busy_results()
    prices = Prices(currency="EUR", per_session=60.0, per_visit=25.0, per_mg=0.5, source="a list")
    table = cost(protocol, dataset, prices).set_index("arm")
    own = dataset["arm"].values == 1
    sessions = (dataset["session_status"].values[own] == SESSION["given"]).sum(1)
    total = 60 * sessions + 25 * dataset["attended"].values[own].sum(1) + (
        0.5 * dataset["mg"].values[own])  # fmt: skip
    assert table.loc["saved", "total"] == pytest.approx(total.mean(), rel=1e-6)
    assert table.loc["saved", "total_sd"] == pytest.approx(total.std(ddof=1), rel=1e-6)
    assert table.loc["natural", "drug"] == 0.0
    parts = table[["sessions", "visits", "drug"]].sum(axis=1)
    np.testing.assert_allclose(parts, table["total"])


def test_vials_are_opened_whole_and_once_for_all_quadrants() -> None:
    protocol, dataset = quadrant_results()
    huge = Prices(currency="EUR", per_vial=10.0, vial_mg=1e6, source="a list")
    found = cost(protocol, dataset, huge)
    assert list(found["arm"]) == [ALL]
    # A vial that is never used up: one at every session of a person, whatever the quadrants.
    given = dataset["session_status"].values == SESSION["given"]
    held = given.reshape(24, 4, -1).any(axis=1).sum(axis=1)
    assert found["vials"].iloc[0] == pytest.approx(held.mean())
    assert found["drug"].iloc[0] == pytest.approx(10.0 * held.mean())
    small = Prices(currency="EUR", per_vial=10.0, vial_mg=0.25, source="a list")
    mg = dataset["mg"].values.sum() / 24
    assert cost(protocol, dataset, small)["vials"].iloc[0] >= mg / 0.25 - 1e-6


GOOD = 'currency = "EUR"\nper_session = 60.0\nsource = "a list"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["currency", "source"]),
        (GOOD.replace("60.0", "-1"), ["per_session", "greater than or equal to 0"]),
        (GOOD.replace("60.0", "nan"), ["per_session", "finite"]),
        (GOOD.replace("60.0", "true"), ["per_session"]),
        (GOOD.replace("60.0", "'60'"), ["per_session"]),
        (GOOD.replace("60.0", "0"), ["at least one price"]),
        (GOOD + "per_vial = 8", ["vial_mg"]),
        (GOOD + "vial_mg = 8", ["per_vial"]),
        (GOOD + "per_mg = 1\nper_vial = 8\nvial_mg = 4", ["both"]),
        (GOOD + "per_sesion = 1", ["Did you mean 'per_session'"]),
        (GOOD + "per_mg = ", ["valid TOML"]),
    ],
)  # fmt: skip
def test_bad_prices_are_refused_with_the_reason(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(InputError) as raised:
        read_prices(file)
    for word in words:
        assert word in str(raised.value)
    assert "prices.toml" in str(raised.value)


def test_prices_that_are_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'currency = "\xe9"')
    (tmp_path / "long.toml").write_text("#" * 30_000)
    for name in ("none.toml", ".", "latin.toml", "long.toml"):
        with pytest.raises(InputError):
            read_prices(tmp_path / name)
    (tmp_path / "good.toml").write_text(GOOD)
    assert read_prices(tmp_path / "good.toml").per_session == 60.0
