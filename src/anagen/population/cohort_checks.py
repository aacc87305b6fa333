"""What a cohort must be like to be followed; every problem found is listed."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from anagen.biology.cortisol import Cortisol
from anagen.biology.depot import Depot
from anagen.biology.dermis import Dermis
from anagen.biology.follicle import Follicle
from anagen.biology.immunity import Immunity
from anagen.biology.plasma import Plasma
from anagen.biology.skin import Skin
from anagen.errors import Problem
from anagen.evidence.products import load_products

if TYPE_CHECKING:
    from anagen.population.cohort import PatchPeople, Regimen

MAX_SESSIONS = 14
MAX_WEEKS = 520
_MODULES = {"depot": Depot, "dermis": Dermis, "immunity": Immunity, "follicle": Follicle,
            "skin": Skin, "plasma": Plasma, "cortisol": Cortisol}  # fmt: skip
_WHOLE = ("weight", "density")  # traits that belong to no module
_TWICE = 2.0
_MOST_SITES = 10_000
_WIDEST = 1000.0  # mm; more than the way over any head
_LONGEST = 120.0 * 365.25  # day


def people_problems(people: "PatchPeople") -> list[Problem]:
    """List what is wrong with people and their patches.

    Parameters
    ----------
    people : one patch of each.

    Returns
    -------
    list of Problem
        Empty when they can be followed. Traits are checked for what can be no number of a person;
        whether the model can follow them is found out by following them.
    """
    count = len(people)
    problems = []
    if not count:
        problems.append(
            Problem("people", "at least one person", "none", "Draw at least one person.")
        )
    ranges = {
        "diameter": (0.0, _WIDEST, "mm"),
        "age": (0.0, _LONGEST, "day"),
        "regrown": (0.0, 1.0, "1"),
        "terminal": (0.0, 1.0, "1"),
        "thickness": (0.0, _TWICE, "1"),
    }
    for name, (low, high, unit) in ranges.items():
        problems += _array_problems(name, getattr(people, name), count, (low, high), unit)
    if count and np.shape(people.diameter) == (count,) and np.any(people.diameter == 0.0):
        problems.append(Problem("diameter", "patches with an area", "0 mm", "Leave them out."))
    return problems + trait_problems(people.traits, count)


def trait_problems(traits: Mapping[str, np.ndarray], count: int) -> list[Problem]:
    """List unknown traits and traits that are not one finite number a person."""
    problems = []
    for key, values in traits.items():
        place = f"traits[{key!r}]"
        if not _known(key):
            problems.append(Problem(place, "a parameter of the model, as immunity.half_effect",
                                    repr(key), "Correct its name."))  # fmt: skip
        problems += _array_problems(place, values, count, (-np.inf, np.inf), "")
    return problems


def site_problems(sites: np.ndarray) -> list[Problem]:
    """List what is wrong with numbers of injections a session (person,)."""
    return list(_array_problems("sites", sites, len(sites), (0.0, _MOST_SITES), ""))


def regimen_problems(regimen: "Regimen", weeks: int) -> list[Problem]:
    """List what is wrong with a regimen and with the time it is to be followed."""
    whole = isinstance(weeks, int | np.integer) and 1 <= weeks <= MAX_WEEKS
    sessions = isinstance(regimen.sessions, int | np.integer) and regimen.sessions >= 0
    problems = [
        Problem(place, expected, repr(found), "Correct it.")
        for fine, place, expected, found in (
            (whole, "weeks", f"a whole number from 1 to {MAX_WEEKS}", weeks),
            (sessions and regimen.sessions <= MAX_SESSIONS, "sessions",
             f"a whole number up to {MAX_SESSIONS}", regimen.sessions),
            (_inside(regimen.strength, 0.0, 40.0), "strength", "0 to 40 mg/mL", regimen.strength),
            (_inside(regimen.interval, 0.0, MAX_WEEKS) and regimen.interval > 0.0, "interval",
             "a positive number of weeks", regimen.interval),
            (_inside(regimen.volume, 0.0, 3.0) and regimen.volume > 0.0, "volume",
             "a positive number up to 3 mL a site", regimen.volume),
            (_inside(regimen.spacing, 1.0, _WIDEST), "spacing", "1 mm to 1 m", regimen.spacing),
            (_inside(regimen.depth, 0.0, 20.0), "depth", "0 to 20 mm", regimen.depth),
        )
        if not fine
    ]  # fmt: skip
    depots = [key for key, product in load_products().items() if product.drug]
    if regimen.product not in depots:
        problems.append(Problem("product", f"one of {', '.join(depots)}", repr(regimen.product),
                                "Use the key of a product that contains a steroid."))  # fmt: skip
    return problems


def _known(key: object) -> bool:
    if key in _WHOLE:
        return True
    module, _, name = str(key).partition(".")
    if module not in _MODULES:
        return False
    names = {field.name for field in fields(cast(Any, _MODULES[module]))}
    return name in names


def _inside(value: Any, low: float, high: float) -> bool:
    numeric = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return numeric and bool(low <= value <= high)


def _array_problems(
    place: str, values: Any, count: int, bounds: tuple[float, float], unit: str
) -> Iterable[Problem]:
    array = np.asarray(values)
    if array.shape != (count,) or array.dtype.kind not in "fiu":
        yield Problem(place, f"{count} numbers", f"{array.dtype} of shape {array.shape}",
                      "Give one number a person.")  # fmt: skip
        return
    if missing := int((~np.isfinite(array)).sum()):
        yield Problem(place, "finite numbers", f"{missing} that are not", "Correct them.")
    low, high = bounds
    outside = array[np.isfinite(array) & ((array < low) | (array > high))]
    if len(outside):
        yield Problem(place, f"{low:g} to {high:g} {unit}",
                      f"{len(outside)} outside, for example {outside[0]:g}",
                      "Correct them; mind the unit.")  # fmt: skip
