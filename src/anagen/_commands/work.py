"""What each command does, without a word of how it is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from anagen.errors import InputError, Problem
from anagen.evidence import defaults

if TYPE_CHECKING:
    import xarray as xr

    from anagen.biology.course import Progress
    from anagen.evidence.parameters import Parameter
    from anagen.patient import Patient, PatientFile
    from anagen.treatment import Plan

DEFAULT_PROTOCOL = defaults.DEFAULT_PROTOCOL


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
    from anagen.patient.plans import PlanRequest, plan_patient
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
