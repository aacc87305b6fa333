"""Units at the border: what converts, what is refused, and how the refusal reads."""

import math
import pickle
import string
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.errors import AnagenError, InputError, Problem
from anagen.units import convert, is_unit, quantity

EXACT = settings(deadline=None, derandomize=True, max_examples=60)


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (13.0, "ug/mL", "ng/mL", 13000.0),
        (0.57, "L/hour", "mL/hour", 570.0),
        (6.6e-7, "cm^2/s", "mm^2/day", 6.6e-7 * 100 * 86400),
        (50.0, "percent", "1", 0.5),
        (2.0, "week", "day", 14.0),
        (5.0, "1", "1", 5.0),
    ],
)
def test_convert(value, unit, to, expected):
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("unit", ["mg", "furlongs per fortnite", "", "mg/", "((", "5 mg", 7, None])
def test_convert_refuses_what_is_no_concentration(unit):
    with pytest.raises(InputError) as caught:
        convert(1.0, unit, "mg/mL")
    assert "mg/mL" in str(caught.value)


def test_the_same_unknown_unit_on_both_sides_is_refused():
    with pytest.raises(InputError):
        convert(1.0, "wobble", "wobble")


@EXACT
@given(
    st.floats(1e-6, 1e6),
    st.sampled_from([("mm", "cm"), ("day", "hour"), ("ug/mL", "mg/L"), ("g/mol", "kg/mol")]),
)
def test_convert_there_and_back(value, units):
    there, back = units
    assert convert(convert(value, there, back), back, there) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "to", "expected"),
    [
        ("5 mg/mL", "mg/mL", 5.0),
        ("5mg/mL", "ug/uL", 5.0),
        (" 1e3 mg ", "g", 1.0),
        (".5 cm", "mm", 5.0),
    ],
)
def test_quantity(text, to, expected):
    assert quantity(text, to) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "mg",
        "",
        "nan mg",
        "inf mg",
        "1e999 mg",
        "0,5 mL",
        "5 mg",
        "5 mL/mL",
        "five mL",
        None,
        5,
    ],
)
def test_quantity_refuses_with_place_and_remedy(text):
    with pytest.raises(InputError) as caught:
        quantity(text, "mL", "plan: volume")
    (problem,) = caught.value.problems
    assert problem.place == "plan: volume"
    assert "mL" in problem.remedy


@EXACT
@given(st.text(alphabet=string.printable, max_size=24))
def test_any_text_is_a_quantity_or_an_input_error(text):
    assert isinstance(is_unit(text), bool)
    try:
        value = quantity(text, "mL")
    except InputError:
        return
    assert math.isfinite(value)


def test_pint_is_not_loaded_before_it_is_used():
    code = "import anagen.units, anagen.evidence.parameters, sys; sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_input_error_carries_all_problems_and_survives_pickling():
    problems = [Problem("a", "b", "c", "d."), Problem("e", "f", "g", "h.")]
    error = InputError(problems)
    assert isinstance(error, AnagenError)
    assert str(error).splitlines() == ["a: expected b, found c. d.", "e: expected f, found g. h."]
    assert pickle.loads(pickle.dumps(error)).problems == tuple(problems)
