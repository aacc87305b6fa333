"""Checks that all scores share: a number in its range, a count, the grade that holds a value."""

import math
from numbers import Real
from typing import TypeGuard

from anagen.errors import Problem
from anagen.evidence.scales import Grade, Scale


def grade_of(scale: Scale, value: float) -> Grade:
    """Return the grade that holds a value already known to lie within the scale."""
    return next(grade for grade in scale.grades if grade.holds(value))


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite real number (NumPy scalars are; texts and booleans are not)."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def range_problems(place: str, value: float, low: float, high: float) -> list[Problem]:
    """Return the problem of a value that is no number from low to high, else nothing."""
    if is_number(value) and low <= value <= high:
        return []
    return [
        Problem(
            place, f"a number from {low:g} to {high:g}", repr(value), "Correct or leave it out."
        )
    ]


def count_problems(place: str, value: float, low: float, high: float) -> list[Problem]:
    """Return the problem of a value that is no whole number from low to high, else nothing."""
    if not range_problems(place, value, low, high) and float(value).is_integer():
        return []
    return [
        Problem(
            place,
            f"a whole number from {low:g} to {high:g}",
            repr(value),
            "Correct it; use another criterion or scale if that is what was seen.",
        )
    ]
