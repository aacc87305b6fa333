"""The numbers of the covariates: sourced, consistent, and refused when they are not."""

import copy
from typing import Any

import numpy as np
import pytest

from anagen.errors import EvidenceError
from anagen.evidence.references import reference_keys
from anagen.evidence.rows import read_table
from anagen.population.covariate_data import FILE, load_covariates, parse_covariates
from anagen.population.covariates import correlation_root
from anagen.scalp import ANCESTRIES, REGIONS


def test_every_number_has_a_source() -> None:
    data = load_covariates()
    rows = [*data.quantities.values(), *data.curves.values(), *data.settings.values()]
    assert len(rows) > 60
    for row in rows:
        assert row.provenance.source in reference_keys()
        assert row.provenance.locator


def test_shares_sum_to_one_and_lie_between_zero_and_one() -> None:
    data = load_covariates()
    for group, names in (("place", REGIONS), ("ancestry", ANCESTRIES)):
        assert sum(data.value(f"{group}.{name}", "1") for name in names) == pytest.approx(1.0)
    for name, quantity in data.quantities.items():
        if name.endswith((".share", ".one", ".two")):
            assert 0.0 <= quantity.low <= quantity.high <= 1.0, name


def test_conflicting_sources_both_stand() -> None:
    data = load_covariates()
    assert data.value("count.photographs.one", "1") == 0.59
    assert data.value("count.presentation.one", "1") == 0.80
    assert data.settings["clinic"].count == "photographs"


def test_curves_pass_through_their_points_and_rise_in_between() -> None:
    curve = load_covariates().curve("extent.quantiles")
    assert np.allclose(curve(np.array(curve.at)), curve.values)
    assert (np.diff(curve(np.linspace(0, 1, 1000))) > 0.0).all()


@pytest.mark.parametrize("setting", [None, -0.57, 0.0])
def test_correlations_are_possible(setting: float | None) -> None:
    root = correlation_root(setting)
    assert np.allclose(np.diag(root @ root.T), 1.0)


def _drop_source(table: dict[str, Any]) -> None:
    del table["sex"]["female"]["source"]


def _unknown_unit(table: dict[str, Any]) -> None:
    table["onset"]["median"]["unit"] = "fortnights of hair"


def _outside_range(table: dict[str, Any]) -> None:
    table["nail"]["share"]["value"] = 0.9


def _falling_curve(table: dict[str, Any]) -> None:
    table["extent"]["quantiles"]["at"] = [0.0, 0.5, 0.25, 0.75, 0.9, 1.0]


def _change_of_nothing(table: dict[str, Any]) -> None:
    changes = table["setting"]["localized"]["change"]
    changes["episode"]["share_shrt"] = changes["episode"].pop("share_short")


def _unknown_count(table: dict[str, Any]) -> None:
    table["setting"]["clinic"]["count"] = "guesses"


def _stray_words(table: dict[str, Any]) -> None:
    table["sex"]["origin"] = "literature"


@pytest.mark.parametrize(
    "spoil",
    [_drop_source, _unknown_unit, _outside_range, _falling_curve, _change_of_nothing,
     _unknown_count, _stray_words],
)  # fmt: skip
def test_a_spoiled_file_is_refused(spoil: Any) -> None:
    table = copy.deepcopy(read_table(FILE))
    parse_covariates(table)
    spoil(table)
    with pytest.raises(EvidenceError):
        parse_covariates(table)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"sex\.neither"):
        load_covariates().value("sex.neither", "1")
    with pytest.raises(EvidenceError, match="weight"):
        load_covariates().curve("weight.neither")
