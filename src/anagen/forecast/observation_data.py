"""How far readings of a record may lie from the truth, and the bins in which they are written."""

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from anagen.evidence.rows import Quantity, check_fields, parse_quantity, read_table
from anagen.evidence.scales import Scale
from anagen.population.condition_data import load_condition_data

FILE = "forecast/observation.toml"

_AREAS = 60  # bins of an outline beyond its own size: at 5 % each up to 18 times


@lru_cache(maxsize=1)
def observation_numbers() -> Mapping[str, Quantity]:
    """Load every number of ``forecast/observation.toml``.

    Raises
    ------
    EvidenceError
        When a row lacks unit, origin or source.
    """
    tables = check_fields(FILE, read_table(FILE), frozenset({"number"}))
    rows = tables["number"].items()
    return MappingProxyType({key: parse_quantity(f"{FILE}: {key}", row) for key, row in rows})


def observation_number(name: str) -> float:
    """One number of ``forecast/observation.toml`` in the unit of its row.

    Examples
    --------
    >>> observation_number("percent_step")
    0.05
    """
    return observation_numbers()[name].value


def cover_as_read(written: float) -> float:
    """Cover that a written share of regrowth stands for.

    Readers write the cover that they see, but call a patch complete that is full of short hair:
    from the knee on the written share runs ahead of the cover.

    Parameters
    ----------
    written : share [1], 0 to 1.

    Returns
    -------
    float
        Cover [1] relative to normal.

    Examples
    --------
    >>> cover_as_read(0.5), round(cover_as_read(0.975), 3)
    (0.5, 0.85)
    """
    knee, top = observation_number("knee"), 1.0 - observation_number("percent_step") / 2.0
    complete = load_condition_data().value("complete")
    return min(written, knee + (written - knee) * (complete - knee) / (top - knee))


def share_edges(share: float, step: float) -> tuple[tuple[float, ...], int]:
    """Bins of a share that is written in steps, one of them centred on what was written.

    Parameters
    ----------
    share : as written [1]; step : width of the bins [1].

    Returns
    -------
    tuple of float, int
        Inner edges, ascending; number of the bin of the reading, the first is 0.

    Examples
    --------
    >>> share_edges(0.5, 0.25)
    ((0.125, 0.375, 0.625, 0.875), 2)
    """
    below = math.ceil((share + step / 2.0) / step) + 1
    above = math.ceil((1.0 - share + step / 2.0) / step) + 1
    edges = [round(share + (k + 0.5) * step, 9) for k in range(-below, above)]
    inner = tuple(edge for edge in edges if 0.0 < edge < 1.0)
    return inner, sum(edge < share for edge in inner)


def grade_edges(scale: Scale, label: str) -> tuple[tuple[float, ...], int]:
    """Bins of a share that is written as a grade.

    A grade of exactly nothing or exactly everything takes in half a step of a percentage.

    Parameters
    ----------
    scale : of regrowth; label : of one of its grades.

    Returns
    -------
    tuple of float, int
        Inner edges [1], ascending; number of the bin of the grade.

    Examples
    --------
    >>> from anagen.evidence.scales import load_scales
    >>> grade_edges(load_scales().regrowth["olsen"], "A1")
    ((0.025, 0.25, 0.5, 0.75, 0.975), 1)
    """
    half = observation_number("percent_step") / 2.0
    uppers = [grade.upper for grade in scale.grades[:-1]]
    inner = tuple(min(max(upper, half), 1.0 - half) for upper in uppers)
    return inner, [grade.label for grade in scale.grades].index(label)


def missing_edges(
    written: tuple[tuple[float, ...], int], outline: float
) -> tuple[tuple[float, ...], int]:
    """Bins of the bald area left in an outline drawn anew.

    Parameters
    ----------
    written : inner edges of the regrowth [1] as a reader writes it, and the bin of the reading.
    outline : area of the outline relative to the patch's first one [1].

    Returns
    -------
    tuple of float, int
        Inner edges relative to the first outline [1], ascending; the bin of the reading.

    Examples
    --------
    >>> missing_edges(((0.25, 0.5, 0.75), 3), 2.0)[0][:3]
    (0.5, 1.0, 1.5)
    """
    edges, place = written
    left = [outline * (1.0 - cover_as_read(edge)) for edge in reversed(edges)]
    step = observation_number("area_step")
    beyond = [outline * (1.0 + step / 2.0) * (1.0 + step) ** k for k in range(_AREAS)]
    return (*left, *beyond), len(edges) - place
