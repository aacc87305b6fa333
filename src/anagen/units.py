"""Units, attached and detached here and nowhere else.

Inside Anagen numbers are floats in the units their docstrings state (mm, day, ug, ug/mL;
ng/mL in plasma). This module is the only one that imports pint.
"""

from functools import lru_cache

import pint

from anagen.errors import InputError, Problem

_registry: pint.UnitRegistry = pint.UnitRegistry()
_registry.define("percent = 0.01 = %")


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
    if unit == to:
        return value
    try:
        return float(_registry.Quantity(value, _parse(unit)).to(_parse(to)).magnitude)
    except (pint.errors.PintError, AttributeError, AssertionError, TypeError, ValueError) as error:
        raise InputError(
            Problem("unit", f"a unit that converts to {to!r}", repr(unit), f"Write {to}.")
        ) from error


def quantity(text: str, to: str, place: str = "value") -> float:
    """Read a number with its unit, such as ``"5 mg/mL"``, in the unit wanted.

    Raises
    ------
    InputError
        When the unit is missing, unknown or of another kind.

    Examples
    --------
    >>> quantity("0.5 cm", "mm")
    5.0
    """
    number, _, unit = text.strip().partition(" ")
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not unit.strip() or value != value:
        raise InputError(
            Problem(place, f"a number, a space and a unit such as '1 {to}'", repr(text),
                    f"Write for example '1 {to}'.")
        )
    try:
        return convert(value, unit.strip(), to)
    except InputError as error:
        problem = error.problems[0]
        raise InputError(Problem(place, problem.expected, repr(text), problem.remedy)) from error


def is_unit(unit: str) -> bool:
    """Whether a text names a unit."""
    try:
        _parse(unit)
    except (pint.errors.PintError, AttributeError, AssertionError, TypeError, ValueError):
        return False
    return True


def _parse(unit: str) -> pint.Unit:
    return _registry.Unit("dimensionless" if unit == "1" else unit)
