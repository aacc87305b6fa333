"""What each command does, without a word of how it is shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from anagen.biology.course import Progress
    from anagen.evidence.parameters import Parameter
    from anagen.patient import Patient, PatientFile
    from anagen.treatment import Finding, Plan
    from anagen.treatment.binding import BindingLimit

DEFAULT_PROTOCOL = "scalp-standard-5"
WEEKS_SHOWN = (0, 4, 8, 12, 24, 36, 52, 78, 104)


@dataclass(frozen=True)
class PlanRequest:
    """What the user asks of a plan; None leaves the choice to protocol and record."""

    protocol: str = DEFAULT_PROTOCOL
    start: date | None = None
    sessions: int | None = None


def plan_patient(patient: "Patient", request: PlanRequest) -> "Plan":
    """Make a plan for one patient and judge it by the rules.

    It starts on the day asked for, else at the latest visit, or one interval of the protocol after
    the latest session when that is later.
    """
    from anagen.patient import latest_patches, patch_shapes, patient_scalp
    from anagen.scalp import patch_cells
    from anagen.treatment import load_protocol, make_plan

    protocol = load_protocol(request.protocol)
    start = request.start or _first_day(patient, protocol.interval_days)
    scalp = patient_scalp(patient)
    shapes = patch_shapes(patient, start)
    if not shapes:
        raise InputError(
            Problem("visits", f"a patch with an outline, seen by {start}", "none",
                    "Draw the outline of a patch in one of the four views.")
        )  # fmt: skip
    changes: dict[str, Any] = {} if request.sessions is None else {"sessions": request.sessions}
    plan = make_plan(
        scalp,
        {name: patch_cells(scalp, shape, f"patch {name}") for name, shape in shapes.items()},
        protocol,
        start,
        patient_id=patient.id,
        blocked=[name for name, seen in latest_patches(patient, start).items() if seen.blocked],
        **changes,
    )
    verdict = judge(patient, plan, None, None)
    return plan.model_copy(update={"findings": verdict.findings})


def _first_day(patient: "Patient", interval_days: float) -> date:
    from anagen.patient import start_date

    start = start_date(patient)
    if start is None:
        raise InputError(
            Problem("visits", "at least one visit", "none",
                    "Record a visit with the patches seen, or give --start.")
        )  # fmt: skip
    given = [session.date for session in patient.sessions]
    given += [summary.date for summary in patient.session_summaries]
    return max([start, *(day + timedelta(days=round(interval_days)) for day in given)])


@dataclass(frozen=True)
class Verdict:
    """What the rules of a profile say.

    Parameters
    ----------
    findings : gravest first.
    blocked : whether a blocking rule stands that nobody has overridden.
    limits : of the plan, the one that binds first stands first; empty without a plan.
    """

    findings: tuple["Finding", ...]
    blocked: bool
    limits: tuple["BindingLimit", ...] = ()


def judge(patient: "Patient", plan: "Plan | None", profile: str | None, on: date | None) -> Verdict:
    """Hold a patient and a plan against the rules of a profile, as of a day.

    The day is that asked for, else the first planned session, else today.
    """
    from anagen.patient import facts
    from anagen.treatment.binding import which_limit_binds_first
    from anagen.treatment.findings import apply_overrides, blocked
    from anagen.treatment.rules import check

    planned = plan if plan is not None and plan.sessions else None
    known = facts(patient, on or (planned.sessions[0].date if planned else date.today()))
    found = check(planned or [], known, profile)
    found = apply_overrides(found, plan.overrides if plan else ())
    limits = which_limit_binds_first(planned, known, profile) if planned else []
    return Verdict(tuple(found), blocked(found), tuple(limits))


def verdict_data(verdict: Verdict, warnings: Sequence[Problem]) -> dict[str, Any]:
    """Return a verdict as plain data."""
    return {
        "blocked": verdict.blocked,
        "findings": [finding.model_dump(mode="json") for finding in verdict.findings],
        "limits": [vars(limit) for limit in verdict.limits],
        "warnings": [vars(warning) for warning in warnings],
    }


def read(patient: Path, plan: Path | None) -> tuple["PatientFile", "Plan | None"]:
    """Read the patient and the plan, and refuse a plan made for somebody else."""
    from anagen.patient import read_patient
    from anagen.treatment import load_plan

    record = read_patient(patient)
    chosen = None if plan is None else load_plan(plan)
    if chosen is not None and chosen.patient != record.patient.id:
        raise InputError(
            Problem(f"{plan}: patient", f"the patient of {patient}, {record.patient.id!r}",
                    repr(chosen.patient), "Give the plan that was made for this patient.")
        )  # fmt: skip
    return record, chosen


def report_patient(
    patient: "Patient",
    plan: "Plan | None",
    path: Path,
    *,
    pictures: Path | None,
    weeks: int,
    progress: "Progress",
) -> list[Path]:
    """Simulate with and without treatment and write the report; returns the pictures written.

    Without a plan the one of the default protocol is made and shown.
    """
    from anagen.report import save_pictures, write_report

    chosen = plan or plan_patient(patient, PlanRequest())
    progress(1, 4)
    treated = simulate(patient, chosen, weeks=weeks)
    progress(2, 4)
    untreated = simulate(patient, chosen, weeks=weeks, treated=False)
    progress(3, 4)
    write_report(patient, chosen, treated, untreated, path)
    return save_pictures(patient, chosen, treated, untreated, pictures) if pictures else []


def save_course(course: "xr.Dataset", path: Path) -> None:
    """Write a course as a compressed NetCDF file."""
    packed = {"zlib": True, "complevel": 1, "shuffle": True}
    encoding = {str(name): packed for name, variable in course.data_vars.items()
                if variable.ndim > 1 and variable.dtype.kind == "f"}  # fmt: skip
    course.to_netcdf(path, engine="h5netcdf", encoding=encoding)


def summarise(course: "xr.Dataset") -> dict[str, Any]:
    """Figures of a course that fit on one screen, as plain data.

    Returns
    -------
    dict
        ``weeks`` with SALT and regrowth per patch at the weeks usually looked at, and the extremes
        of what may harm.
    """
    days = [int(day) for day in course["time"].values]
    shown = [index for index, day in enumerate(days) if day / 7 in WEEKS_SHOWN or day == days[-1]]
    patches = [str(name) for name in course["patch"].values]
    rows = [
        {
            "week": days[index] // 7,
            "salt_percent": _figure(course["salt"][index]),
            "patch_regrowth": {
                name: _figure(course["patch_regrowth"][index, number])
                for number, name in enumerate(patches)
            },
        }
        for index in shown
    ]
    return {
        "patient": course.attrs.get("patient", ""),
        "protocol": course.attrs.get("protocol", ""),
        "start_date": course.attrs.get("start_date", ""),
        "parameter_set": course.attrs.get("parameter_set", ""),
        "mode": course.attrs.get("mode", ""),
        "weeks": rows,
        "injected_mg": _figure(course["cumulative_dose"][-1]),
        "lowest_morning_cortisol": _figure(course["cortisol_morning"].min()),
        "thinnest_dermis": _figure(1.0 - course["patch_thinning"].max()),
        "highest_pain": _figure(course["pain"].max()) if course.sizes.get("session") else None,
        "notes": course.attrs.get("notes", ""),
    }


def _figure(value: Any) -> float:
    return float(f"{float(value):.4g}")


def simulate(
    patient: "Patient",
    plan: "Plan | None",
    *,
    weeks: int,
    treated: bool = True,
    follicles_seed: int | None = None,
    progress: "Progress | None" = None,
) -> "xr.Dataset":
    """Simulate one patient; with a seed, every follicle by itself."""
    from anagen.biology import Follicles, simulate_patient

    return simulate_patient(
        patient,
        plan,
        weeks=weeks,
        treated=treated,
        follicles=None if follicles_seed is None else Follicles(seed=follicles_seed),
        progress=progress,
    )


def find_parameters(name: str | None) -> list["Parameter"]:
    """Find parameters by key, by module, or by a pattern such as ``*.radius``.

    Raises
    ------
    InputError
        When nothing matches; the remedy names what comes near.
    """
    from difflib import get_close_matches
    from fnmatch import fnmatchcase

    from anagen.evidence.parameters import load_parameters

    everything = load_parameters().parameters
    if name is None:
        return list(everything.values())
    wanted = name.strip().lower()
    found = [parameter for key, parameter in everything.items()
             if fnmatchcase(key, wanted) or key.split(".")[0] == wanted]  # fmt: skip
    if not found:
        tails = {key.split(".")[1]: key for key in everything}
        near = get_close_matches(wanted, list(everything), n=3) or [
            tails[tail] for tail in get_close_matches(wanted, list(tails), n=3)
        ]
        advice = f"Did you mean {' or '.join(near)}?" if near else "List all: anagen parameters"
        raise InputError(Problem("NAME", "a parameter, a module or a pattern", repr(name), advice))
    return found


@contextmanager
def progress_bar(label: str, *, quiet: bool) -> Iterator["Progress"]:
    """Show a bar on standard error while long work runs; nothing when nobody would see it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal,
                  transient=True) as bar:  # fmt: skip
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
