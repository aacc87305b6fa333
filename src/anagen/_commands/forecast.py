"""What ``anagen forecast``, ``compare`` and ``review`` do, without a word of how it is shown."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._commands.work import read
from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.choose import Comparison
    from anagen.forecast.predict import Forecast
    from anagen.forecast.review import Review
    from anagen.patient import Patient, PatientFile
    from anagen.treatment import Plan

Progress = Callable[[int, int], None]
_RESERVED = "untreated"


@dataclass(frozen=True)
class ForecastRequest:
    """What the user asks of a forecast.

    Parameters
    ----------
    weeks : how far it reaches, from the latest day on which anything was seen or given.
    on : last day of the record that counts; all of it when None.
    seed : of the random numbers.
    """

    weeks: int = 52
    on: date | None = None
    seed: int = 0


def read_plans(
    patient: Path, files: Sequence[Path] | None
) -> tuple["PatientFile", dict[str, "Plan"]]:
    """Read the patient and the plans, by names made from those of the files.

    Raises
    ------
    InputError
        When a file cannot be read or a plan was made for somebody else.
    """
    record, _ = read(patient, None)
    plans: dict[str, Plan] = {}
    for file in files or ():
        _, plan = read(patient, file)
        assert plan is not None
        plans[_free_name(file.stem, plans)] = plan
    return record, plans


def _free_name(stem: str, taken: Mapping[str, Any]) -> str:
    """Name that no other plan has.

    Examples
    --------
    >>> _free_name("plan", {}), _free_name("plan", {"plan": 1}), _free_name("untreated", {})
    ('plan', 'plan 2', 'untreated 2')
    """
    name, number = stem, 1
    while name in taken or name == _RESERVED:
        number += 1
        name = f"{stem} {number}"
    return name


def make_forecast(
    patient: "Patient", plans: Mapping[str, "Plan"], request: ForecastRequest
) -> "Forecast":
    """Forecast one patient under some plans and without further treatment."""
    from anagen.forecast import predict

    return predict.forecast_patient(
        patient, plans, weeks=request.weeks, on=request.on, seed=request.seed
    )


def write_report(
    made: "Forecast", patient: "Patient", plans: Mapping[str, "Plan"], path: Path
) -> None:
    """Write the pages for doctor and patient; pictures are of the first plan."""
    from anagen.report.forecast_figures import withheld
    from anagen.report.forecast_page import write_forecast_report

    pictures: Mapping[str, xr.Dataset] = {}
    if not withheld(made.flags):
        from anagen.forecast import pictured

        first = next(iter(plans), None)
        pictures = pictured.courses(made.outlook, first)
    write_forecast_report(made, patient, path, plans=plans, pictures=pictures)


def compare(
    patient: "Patient",
    *,
    weeks: int,
    profile: str | None,
    preference: Mapping[str, float] | None,
    on: date | None,
    progress: Progress,
) -> "Comparison":
    """Compare the plans that the rules allow."""
    from anagen.forecast import compare as room

    return room.compare_plans(
        patient, weeks=weeks, profile=profile, preference=preference, on=on, progress=progress
    )


def read_preference(text: str | None) -> dict[str, float] | None:
    """Weights from words such as ``regrowth=3,atrophy=1``.

    Raises
    ------
    InputError
        When a part is no name with a number; what weights there are is checked later.

    Examples
    --------
    >>> read_preference("regrowth=3, atrophy=1")
    {'regrowth': 3.0, 'atrophy': 1.0}
    """
    if text is None:
        return None
    weights: dict[str, float] = {}
    problems = []
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not name or not math.isfinite(value) or name in weights:
            problems.append(
                Problem("--prefer", "each criterion once with a weight, such as regrowth=3",
                        repr(part.strip()), "Write for example --prefer regrowth=3,atrophy=1")
            )  # fmt: skip
        weights[name] = value
    if problems:
        raise InputError(problems)
    return weights


def review(
    patient: "Patient",
    plans: Mapping[str, "Plan"],
    *,
    profile: str | None,
    on: date | None,
    seed: int = 0,
) -> tuple["Review", "Forecast | None"]:
    """Hold the course against the gates of a profile, with the forecast of what can be done.

    Returns
    -------
    Review, and the forecast behind it; None when nothing can be forecast from the record.
    """
    from anagen.forecast.review_patient import review_patient

    def forecast(patient: "Patient", plans: Mapping[str, "Plan"]) -> "Forecast":
        return make_forecast(patient, plans, ForecastRequest(on=on, seed=seed))

    return review_patient(patient, plans, profile=profile, on=on, forecast=forecast)
