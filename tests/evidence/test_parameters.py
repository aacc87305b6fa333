"""Parameters: a value without unit, origin and source does not load."""

import pytest

from anagen.errors import EvidenceError, InputError
from anagen.evidence.parameters import (
    LATEST,
    load_parameters,
    parameter_versions,
    parse_parameters,
)

ROW = {
    "symbol": "a",
    "name": "radius of the depot",
    "value": 2.0,
    "unit": "mm",
    "low": 1.5,
    "high": 3.0,
    "origin": "assumed",
    "source": "assumed",
    "locator": "for this test",
}


def text(**changes):
    row = {**ROW, **changes}
    lines = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {str(value).lower()}"
        for key, value in row.items()
        if value is not None
    ]
    return "[depot.radius]\n" + "\n".join(lines)


def test_a_complete_row_loads():
    parameter = parse_parameters(text(), "test")["depot.radius"]
    assert (parameter.value, parameter.unit, parameter.low, parameter.high) == (2.0, "mm", 1.5, 3.0)
    assert parameter.distribution == "uniform"
    assert parameter.to("um") == pytest.approx(2000.0)


def test_a_row_without_range_is_fixed():
    parameter = parse_parameters(text(low=None, high=None), "test")["depot.radius"]
    assert (parameter.low, parameter.high, parameter.distribution) == (2.0, 2.0, "fixed")


@pytest.mark.parametrize(
    "field", ["symbol", "name", "value", "unit", "origin", "source", "locator"]
)
@pytest.mark.parametrize("empty", [None, ""])
def test_a_row_lacking_a_field_does_not_load(field, empty):
    with pytest.raises(EvidenceError, match=field):
        parse_parameters(text(**{field: empty}), "test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "NobodyEver1999"}, "not in references"),
        ({"unit": "wobbles"}, "unknown unit"),
        ({"origin": "guessed"}, "origin"),
        ({"distribution": "cauchy"}, "distribution"),
        ({"value": 9.0}, "outside"),
        ({"low": 2.5}, "outside"),
        ({"value": float("nan")}, "finite|outside"),
        ({"high": float("inf")}, "not finite"),
        ({"value": "two"}, "numbers"),
        ({"value": True}, "numbers"),
        ({"low": -1.0, "distribution": "lognormal"}, "low > 0"),
        ({"distribution": "beta"}, "between 0 and 1"),
        ({"remark": "stray"}, "unknown"),
        ({"origin": "literature"}, "assumption"),
    ],
)
def test_a_wrong_row_does_not_load(changes, message):
    with pytest.raises(EvidenceError, match=message):
        parse_parameters(text(**changes), "test")


def test_all_broken_rows_are_named_at_once():
    broken = text(unit=None) + "\n" + text(source="Nobody").replace("depot.radius", "skin.rate")
    with pytest.raises(EvidenceError) as caught:
        parse_parameters(broken, "test")
    assert "depot.radius" in str(caught.value)
    assert "skin.rate" in str(caught.value)


@pytest.mark.parametrize("broken", ["[depot", "depot = 3", "[depot]\nradius = 3"])
def test_a_file_of_another_shape_is_refused(broken):
    with pytest.raises(EvidenceError):
        parse_parameters(broken, "test")


def test_value_converts_to_the_callers_unit_and_refuses_another_kind():
    parameters = parse_parameters(text(), "test")
    assert parameters.value("depot.radius", "cm") == pytest.approx(0.2)
    with pytest.raises(InputError):
        parameters.value("depot.radius", "mg")


def test_an_unknown_key_names_its_neighbours():
    with pytest.raises(EvidenceError, match=r"depot\.radius"):
        parse_parameters(text(), "test")["depot.radios"]


def test_replace_returns_a_new_version_and_leaves_the_old_one_alone():
    old = parse_parameters(text(), "test")
    new = old.replace(depot__radius=1.8)
    assert (old.value("depot.radius", "mm"), new.value("depot.radius", "mm")) == (2.0, 1.8)
    assert (old.version, new.version) == ("test", "test+depot.radius=1.8")
    assert hash(old) != hash(new)
    assert new["depot.radius"].source == old["depot.radius"].source


def test_replace_widens_the_range_and_refuses_nonsense():
    old = parse_parameters(text(), "test")
    wide = old.replace(depot__radius=5.0)["depot.radius"]
    assert (wide.low, wide.high) == (1.5, 5.0)
    with pytest.raises(InputError, match=r"depot\.radius"):
        old.replace(depot__radius=float("nan"))
    with pytest.raises(EvidenceError):
        old.replace(depot__radios=1.0)
    assert old.replace().version == "test"


def test_every_version_the_package_carries_loads():
    assert LATEST in parameter_versions()
    for version in parameter_versions():
        loaded = load_parameters(version)
        assert loaded.version == version
        assert loaded.parameters


@pytest.mark.parametrize("version", ["1999.01", "", "../references", "2026.11.toml"])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(EvidenceError, match=LATEST):
        load_parameters(version)
