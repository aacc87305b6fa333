"""Units, attached and detached here and nowhere else.

Inside Anagen numbers are floats in the units their docstrings state (mm, day, ug, ug/mL;
ng/mL in plasma). This module is the only one that imports pint, and only when it is used.
"""

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    import pint

_NUMBER_AND_UNIT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)\s*")


@lru_cache(maxsize=4096)
def convert(value: float, unit: str, to: str) -> float:
    """Convert a number from one unit to another.

    Parameters
    ----------
    value : the number.
    unit : its unit, for example ``ug/mL``; ``1`` means dimensionless.
    to : the unit wanted.

    Returns
    -------
    float
        The number in the wanted unit.

    Raises
    ------
    InputError
        When a unit is unknown or the two do not measure the same thing.

    Examples
    --------
    >>> convert(13.0, "ug/mL", "ng/mL")
    13000.0
    """
    if unit == to and is_unit(unit):
        return value
    try:
        number = _registry().Quantity(value, _parse(unit)).to(_parse(to)).magnitude
        return float(f"{number:.15g}")  # 13 ug/mL are 13000 ng/mL, not 12999.999999999998
    except Exception as error:  # pint raises whatever Python's tokenizer and parser raise
        raise InputError(
            Problem("unit", f"a unit that converts to {to!r}", repr(unit), f"Write {to}.")
        ) from error


def quantity(text: str, to: str, place: str = "value") -> float:
    """Read a number with its unit, such as ``"5 mg/mL"``, in the unit wanted.

    Parameters
    ----------
    text : number, space (not required) and unit.
    to : the unit wanted.
    place : where the text stands, for messages.

    Returns
    -------
    float
        The number in the wanted unit.

    Raises
    ------
    InputError
        When the number or the unit is missing, unknown, not finite or of another kind.

    Examples
    --------
    >>> quantity("0.5 cm", "mm")
    5.0
    """
    match = _NUMBER_AND_UNIT.fullmatch(text) if isinstance(text, str) else None
    problem = Problem(
        place,
        f"a number and a unit such as '1 {to}'",
        repr(text),
        f"Write for example '1 {to}', with a decimal point.",
    )
    if match is None:
        raise InputError(problem)
    try:
        value = convert(float(match[1]), match[2], to)
    except InputError as error:
        found = error.problems[0]
        raise InputError(Problem(place, found.expected, repr(text), found.remedy)) from error
    if not math.isfinite(value):
        raise InputError(problem)
    return value


def is_unit(unit: object) -> bool:
    """Whether a value is a text that names a unit.

    Examples
    --------
    >>> is_unit("ug/mL"), is_unit("furlongs per fortnite"), is_unit("")
    (True, False, False)
    """
    try:
        _parse(unit)
    except Exception:  # pint raises whatever Python's tokenizer and parser raise
        return False
    return True


@lru_cache(maxsize=1)
def _registry() -> "pint.UnitRegistry":
    import pint

    return pint.UnitRegistry()


@lru_cache(maxsize=1024)
def _parse(unit: object) -> "pint.Unit":
    if not isinstance(unit, str) or not unit.strip():
        raise ValueError("a unit is a text; 1 stands for a pure number")
    return _registry().Unit("dimensionless" if unit == "1" else unit)
