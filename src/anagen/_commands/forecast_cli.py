"""The commands about one patient: ``anagen forecast``, ``anagen compare``, ``anagen review``.

Like ``anagen.cli`` it imports only typer, so that help answers at once.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

PatientArgument = Annotated[Path, typer.Argument(metavar="PATIENT", help="Patient, JSON or TOML.")]
PlansArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PLAN]...", help="Plans, made by 'anagen plan'; named by their file."),
]
OnOption = Annotated[
    datetime | None,
    typer.Option(
        "--on", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD",
        help="Last day of the record that counts; else all of it.",
    ),
]  # fmt: skip
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="Which rules hold, such as us-label or bad.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of the random numbers.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]


def forecast(
    patient: PatientArgument,
    plans: PlansArgument = None,
    *,
    weeks: Annotated[int, typer.Option("--weeks", help="How far to look ahead.")] = 52,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the forecast to this .nc file.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write pages for doctor and patient to this .html file."),
    ] = None,
    on: OnOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Forecast this patient with intervals, treated and untreated; flags what is not known.

    Without PLAN the plan of the default protocol is made and forecast.
    """
    from anagen._commands import files, forecast_shown, shown, work
    from anagen._commands import forecast as room
    from anagen.patient.plans import plans_or_default
    from anagen.report.forecast_data import forecast_data

    inputs = [patient, *(plans or ())]
    if output is not None:
        files.check_output(output, ".nc", inputs)
    if report is not None:
        files.check_output(report, ".html", inputs)
    record, given = room.read_plans(patient, plans)
    with work.progress_bar("Forecasting", quiet=as_json) as progress:
        chosen = plans_or_default(record.patient, given, _day(on))
        made = room.make_forecast(
            record.patient, chosen, room.ForecastRequest(weeks, _day(on), seed)
        )
        progress(1, 2)
        if output is not None:
            with files.replacing(output) as temporary:
                work.save_course(made.dataset, temporary)
        if report is not None:
            with files.replacing(report) as temporary:
                room.write_report(made, record.patient, chosen, temporary)
    written = [(name, path) for name, path in (("Forecast", output), ("Report", report)) if path]
    if as_json:
        paths = {name.lower(): str(path) for name, path in written}
        shown.print_json({**forecast_data(made), "written": paths})
        return
    shown.print_warnings(record.warnings)
    forecast_shown.print_forecast(made)
    shown.print_written(*written)


def compare(
    patient: PatientArgument,
    *,
    weeks: Annotated[int, typer.Option("--weeks", help="When regrowth is compared.")] = 24,
    profile: ProfileOption = None,
    prefer: Annotated[
        str | None,
        typer.Option("--prefer", metavar="NAME=WEIGHT,...",
                     help="What counts, such as regrowth=3,atrophy=1; else a balance."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=0, help="How many plans to list.")] = 10,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write all plans to this .csv file.")
    ] = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Compare many plans: regrowth against thinning of the skin, drug, pain and visits."""
    from anagen._commands import files, forecast_shown, shown, work
    from anagen._commands import forecast as room
    from anagen.report.forecast_data import comparison_data

    if output is not None:
        files.check_output(output, ".csv", [patient])
    preference = room.read_preference(prefer)
    record, _ = work.read(patient, None)
    with work.progress_bar("Comparing plans", quiet=as_json) as progress:
        found = room.compare(
            record.patient, weeks=weeks, profile=profile, preference=preference, on=_day(on),
            progress=progress,
        )  # fmt: skip
    if output is not None:
        with files.replacing(output) as temporary:
            found.table.to_csv(temporary, index_label="name")
    if as_json:
        shown.print_json({**comparison_data(found), "output": str(output) if output else None})
        return
    shown.print_warnings(record.warnings)
    forecast_shown.print_comparison(found, top)
    if output is not None:
        shown.print_written(("Comparison", output))


def review(
    patient: PatientArgument,
    plans: PlansArgument = None,
    *,
    profile: ProfileOption = None,
    on: OnOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Review the course at the gates of a profile: go on, step up, watch, stop or refer.

    Without PLAN it weighs going on as now, one strength more, and no further session.
    """
    from anagen._commands import forecast as room
    from anagen._commands import forecast_shown, shown, work
    from anagen.report.forecast_data import review_data

    record, given = room.read_plans(patient, plans)
    with work.progress_bar("Reviewing", quiet=as_json):
        found, made = room.review(record.patient, given, profile=profile, on=_day(on), seed=seed)
    if as_json:
        shown.print_json(review_data(found, made))
        return
    shown.print_warnings(record.warnings)
    forecast_shown.print_review(found, made.flags if made is not None else ())


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
