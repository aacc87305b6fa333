"""What the study of the forecast aimed at, and whether its figures reach it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_WIDE = 1.96  # standard deviations of a 95 % interval
_PATIENTS, _RANK_P, _INSIDE = 200, 0.01, (0.85, 0.95)
_FOUND, _FALSE = 0.80, 0.10
_COVER = "cover"


@dataclass(frozen=True)
class Aim:
    """One aim.

    Parameters
    ----------
    text : what was aimed at; met : whether the figures reach it; found : the figures, in words.
    """

    text: str
    met: bool
    found: str


def aims_of(study: Mapping[str, Any]) -> tuple[Aim, ...]:
    """Hold the figures of a study against everything that was aimed at.

    Parameters
    ----------
    study : as `anagen.forecast.studies` writes it.
    """
    patients = patients_of(study)
    return (
        Aim(f"at least {_PATIENTS} virtual patients", patients >= _PATIENTS, str(patients)),
        _ranks(study), _inside(study), _width(study),
        _error(study, "the population mean", "population_mean"),
        _error(study, "the last reading carried forward", "carried"),
        _crps(study), _false_alarms(study),
        *(_misfit(name, row) for name, row in study["misfit"].items()),
    )  # fmt: skip


def visits_of(study: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """Figures of the calibration by number of visits, in order."""
    rows = study["calibration"]["visits"]
    return {int(visits): rows[visits] for visits in sorted(rows, key=int)}


def patients_of(study: Mapping[str, Any]) -> int:
    """Tell how many virtual patients stand behind the calibration."""
    return int(study["calibration"]["patients"])


def rank_p(row: Mapping[str, Any]) -> dict[str, float]:
    """P values of the ranks being uniform: of the cover, and of every trait."""
    return {_COVER: row["rank_cover_p"], **row["ranks_p"]}


def _ranks(study: Mapping[str, Any]) -> Aim:
    every = {(name, visits): p for visits, row in visits_of(study).items()
             for name, p in rank_p(row).items()}  # fmt: skip
    (name, visits), least = min(every.items(), key=lambda item: item[1])
    below = sum(p <= _RANK_P for p in every.values())
    found = (
        f"least p {least:.3g} ({name}, {visit_words(visits)}); {below} of {len(every)} at or below "
        f"{_RANK_P}, chance alone leaves about {_RANK_P * len(every):.1f}"
    )
    return Aim(f"ranks uniform, every p > {_RANK_P}", below == 0, found)


def _inside(study: Mapping[str, Any]) -> Aim:
    low, high = _INSIDE
    met = all(low <= row["inside"] <= high for row in visits_of(study).values())
    return Aim(f"90 % intervals of week 24 hold {100 * low:.0f} to {100 * high:.0f} % of truths, "
               "whatever was seen", met, _percents(study, "inside"))  # fmt: skip


def _width(study: Mapping[str, Any]) -> Aim:
    widths = [row["width"] for row in visits_of(study).values()]
    met = all(later < earlier for earlier, later in pairwise(widths))
    return Aim("mean width shrinks with visits", met, ", ".join(f"{one:.2f}" for one in widths))


def _error(study: Mapping[str, Any], words: str, rival: str) -> Aim:
    rows = visits_of(study)
    lost = [visits for visits, row in rows.items() if row["error"] >= row[rival]]
    shown = ", ".join(f"{row['error']:.3f} to {row[rival]:.3f}" for row in rows.values())
    more = f"; not better {_listed(lost)}" if lost else ""
    return Aim(f"error of the median below that of {words}", not lost, shown + more)


def _crps(study: Mapping[str, Any]) -> Aim:
    rows = visits_of(study)
    rivals = {visits: min(row["population_mean"], row["carried"]) for visits, row in rows.items()}
    lost = [visits for visits, row in rows.items() if row["crps"] >= rivals[visits]]
    shown = ", ".join(f"{row['crps']:.3f} to {rivals[visits]:.3f}" for visits, row in rows.items())
    more = f"; not better {_listed(lost)}" if lost else ""
    return Aim("CRPS below that of the better of both", not lost, shown + more)


def _false_alarms(study: Mapping[str, Any]) -> Aim:
    met = all(row["flagged"] <= _FALSE for row in visits_of(study).values())
    return Aim(f"well-described patients flagged at most {100 * _FALSE:.0f} %", met,
               _percents(study, "flagged"))  # fmt: skip


def is_found(row: Mapping[str, Any]) -> bool:
    """Whether patients of a misfit are flagged as often as was aimed at."""
    return bool(row["flagged"] >= _FOUND)


def _misfit(name: str, row: Mapping[str, Any]) -> Aim:
    found = (
        f"{100 * row['flagged']:.0f} % of {row['patients']}" if row["patients"] else "nobody tried"
    )
    return Aim(f"{name}: flagged at least {100 * _FOUND:.0f} %", is_found(row), found)


def _percents(study: Mapping[str, Any], name: str) -> str:
    shares = [f"{100 * row[name]:.1f}" for row in visits_of(study).values()]
    return f"{', '.join(shares)} %"


def visit_words(visits: int) -> str:
    """Say how many visits.

    Examples
    --------
    >>> visit_words(1)
    '1 visit'
    """
    return f"{visits} visit" if visits == 1 else f"{visits} visits"


def _listed(visits: list[int]) -> str:
    return f"with {', '.join(visit_words(one) for one in visits)}"


def share_interval(study: Mapping[str, Any], visits: int) -> tuple[float, float, float]:
    """Share of truths inside their interval with its 95 % interval, patients being the units.

    Parameters
    ----------
    study : as `anagen.forecast.studies` writes it; visits : seen.

    Returns
    -------
    tuple of float
        Share [1], low end, high end.
    """
    inside, total = [], []
    for stage in study["stages"]:
        if stage["visits"] == visits:
            rows = zip(stage["low"], stage["truth"], stage["high"], strict=True)
            inside.append(sum(low <= true <= high for low, true, high in rows))
            total.append(len(stage["truth"]))
    count = sum(total)
    share = sum(inside) / count
    squares = sum((one - share * many) ** 2 for one, many in zip(inside, total, strict=True))
    # Patches of one person go together: Wilson's interval of as many as would be as uncertain.
    independent = share * (1 - share) * count**2 / squares if squares else float(len(total))
    return (share, *wilson(share, independent))


def share_words(study: Mapping[str, Any], visits: int) -> str:
    """Share inside with its interval, for a table."""
    share, low, high = (100 * one for one in share_interval(study, visits))
    return f"{share:.1f} % ({low:.0f} to {high:.0f})"


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    Parameters
    ----------
    share : [1]; count : of how many.

    Examples
    --------
    >>> [round(end, 2) for end in wilson(0.9, 60)]
    [0.8, 0.95]
    """
    square = _WIDE**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half *= _WIDE / (1 + square / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)
