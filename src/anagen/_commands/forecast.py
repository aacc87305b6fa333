"""What ``anagen forecast``, ``compare`` and ``review`` do, without a word of how it is shown."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._commands.work import PlanRequest, plan_patient, read
from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from anagen.forecast.choose import Comparison
    from anagen.forecast.predict import Forecast
    from anagen.forecast.review import Review
    from anagen.patient import Patient, PatientFile
    from anagen.report.forecast_figures import Range
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


def plans_or_default(
    patient: "Patient", plans: Mapping[str, "Plan"], on: date | None
) -> dict[str, "Plan"]:
    """Return the plans given, else the plan of the default protocol under its name."""
    if plans:
        return dict(plans)
    until = patient if on is None else _known_by(patient, on)
    if not until.visits:
        when = "" if on is None else f" by {on}"
        raise InputError(
            Problem("visits", f"at least one visit{when}", "none",
                    "Record a visit with the patches seen, or choose a later day.")
        )  # fmt: skip
    plan = plan_patient(until, PlanRequest())
    return {plan.protocol: plan}


def _known_by(patient: "Patient", on: date) -> "Patient":
    """Give the record without what came after a day."""
    return patient.model_copy(
        update={
            "visits": tuple(visit for visit in patient.visits if visit.date <= on),
            "sessions": tuple(session for session in patient.sessions if session.date <= on),
            "session_summaries": tuple(s for s in patient.session_summaries if s.date <= on),
        }
    )


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
    from anagen.forecast import review as room

    chosen = dict(plans) or dict(room.review_plans(patient, on, profile))
    made = make_forecast(patient, chosen, ForecastRequest(on=on, seed=seed)) if chosen else None
    return room.review(patient, on=on, profile=profile, forecast=made), made


def forecast_data(made: "Forecast") -> dict[str, Any]:
    """Give a forecast as plain data: figures at the weeks usually looked at, with intervals."""
    from anagen.report import forecast_figures as figures

    data = made.dataset
    names = [*figures.plan_names(data), figures.UNTREATED_PLAN]
    stopped = figures.withheld(made.flags)
    return {
        "patient": data.attrs.get("patient", ""),
        "origin": data.attrs.get("origin", ""),
        "weeks": figures.last_week(data),
        "model_version": data.attrs.get("model_version", ""),
        "posterior_version": data.attrs.get("posterior_version", ""),
        "effective": _number(data.attrs.get("effective")),
        "check_p": _number(data.attrs.get("check_p")),
        "withheld": stopped,
        "flags": [flag_data(flag) for flag in made.flags],
        "plans": {} if stopped else {name: _plan_data(data, name) for name in names},
    }


def flag_data(flag: Any) -> dict[str, str]:
    """Give a flag as plain data."""
    return {key: str(getattr(flag, key))
            for key in ("key", "severity", "message", "reason", "source")}  # fmt: skip


def _plan_data(data: "xr.Dataset", plan: str) -> dict[str, Any]:
    from anagen.report import forecast_figures as figures

    last = figures.last_week(data)
    harms = ("atrophy_chance", "telangiectasia_chance", "colour_chance")
    cortisol = figures.lowest(data, "cortisol_morning", plan)
    return {
        "weeks": [_week_data(data, plan, week) for week in (0, *figures.weeks_shown(data))],
        "harms": {
            patch: {
                name: _range(figures.chance(data, name, plan=plan, week=last, patch=patch))
                for name in harms
            }
            for patch in figures.patch_names(data)
        },
        "relapse": _range(figures.chance(data, "relapse_chance", plan=plan, week=last)),
        "pain": _range(figures.spread(data, "pain", plan=plan)),
        "lowest_morning_cortisol": _range(cortisol[1] if cortisol else None),
        "planned": {
            name: _number(data[f"planned_{name}"].sel(plan=plan))
            for name in ("sessions", "sites", "mL", "mg") if f"planned_{name}" in data
        },
    }  # fmt: skip


def _week_data(data: "xr.Dataset", plan: str, week: int) -> dict[str, Any]:
    from anagen.report import forecast_figures as figures

    place: dict[str, Any] = {"plan": plan, "week": week}

    def reach(name: str, **more: Any) -> dict[str, Any]:
        return {f"{100 * float(at):g}": _range(
                    figures.chance(data, name, **place, **more, threshold=float(at)))
                for at in data["threshold"].values}  # fmt: skip

    people = {
        name: reach(f"regrown_{name}")
        for name in ("untreated", "either", "only_treated", "only_untreated")
    }
    return {
        "week": week,
        "salt_percent": _range(figures.spread(data, "salt", **place)),
        "regrowth": _range(figures.spread(data, "scalp_regrowth", **place)),
        "chance": reach("scalp_chance"),
        "regrown": people,
        "patches": {
            patch: {
                "cover": _range(figures.spread(data, "patch_cover", **place, patch=patch)),
                "area_cm2": _range(figures.spread(data, "patch_area", **place, patch=patch)),
                "chance": reach("patch_chance", patch=patch),
            }
            for patch in figures.patch_names(data)
        },
    }


def comparison_data(found: "Comparison") -> dict[str, Any]:
    """Give a comparison as plain data, all plans best first."""
    rows = [{"name": str(name), **{str(key): _plain(value) for key, value in row.items()}}
            for name, row in found.table.iterrows()]  # fmt: skip
    return {
        "weights": {str(name): float(weight) for name, weight in found.weights.items()},
        "picks": [dict(vars(pick)) for pick in found.picks],
        "trade": [dict(vars(step)) for step in found.trade],
        "ties": list(found.ties),
        "notes": list(found.notes),
        "plans": rows,
    }


def review_data(found: "Review", made: "Forecast | None") -> dict[str, Any]:
    """Give a review as plain data."""
    from dataclasses import asdict

    flags = [] if made is None else [flag_data(flag) for flag in made.flags]
    return {**_jsonable(asdict(found)), "flags": flags}


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    return value.isoformat() if isinstance(value, date) else _plain(value)


def _plain(value: Any) -> Any:
    """Return a value that JSON holds: Python's own types, None for what is no number."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _range(found: "Range | None") -> dict[str, float] | None:
    if found is None:
        return None
    return {"value": _rounded(found.middle), "low": _rounded(found.low),
            "high": _rounded(found.high)}  # fmt: skip


def _number(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return _rounded(number) if math.isfinite(number) else None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
