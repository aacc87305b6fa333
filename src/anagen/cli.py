"""The command line: thin, no logic of its own.

Exit codes: 0 fine, 1 a blocking rule stands, 2 bad input, 3 anything else, 130 interrupted.
Only typer is imported here at the top, so that ``anagen --help`` answers at once.
"""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from anagen._commands.demo_cli import demo
from anagen._commands.document_cli import document
from anagen._commands.evidence_cli import evidence_app
from anagen._commands.exchange_cli import export, import_
from anagen._commands.failures import BLOCKED, explain
from anagen._commands.forecast_cli import compare, forecast, review
from anagen._commands.keeping_cli import backup, erase, restore, verify
from anagen._commands.serve_cli import serve
from anagen._commands.trial_cli import trial_app
from anagen._commands.user_cli import user_app
from anagen._commands.work import DEFAULT_PROTOCOL

app = typer.Typer(
    name="anagen",
    help="Plans, simulates and monitors intralesional steroid treatment of alopecia areata. "
    "Decision support for professionals and a research tool, not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(evidence_app)
app.add_typer(trial_app)
app.add_typer(user_app)
for _command in (forecast, compare, review, document, serve, demo, backup, restore, verify, erase):
    app.command()(_command)

app.command("import")(import_)
app.command("export")(export)

PatientArgument = Annotated[Path, typer.Argument(metavar="PATIENT", help="Patient, JSON or TOML.")]
PlanArgument = Annotated[
    Path | None, typer.Argument(metavar="[PLAN]", help="Plan, made by 'anagen plan'.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
WeeksOption = Annotated[int, typer.Option("--weeks", help="How long to simulate.")]
ProtocolOption = Annotated[
    str, typer.Option("--protocol", help="Name of a protocol; see 'anagen protocols'.")
]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where a fault happened; works anywhere.")
    ] = False,
) -> None:
    if version:
        from anagen._version import __version__

        typer.echo(f"anagen {__version__}")
        raise typer.Exit


@app.command()
def plan(
    patient: PatientArgument,
    *,
    protocol: ProtocolOption = DEFAULT_PROTOCOL,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--start",
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="First session; else the latest visit, or when the protocol allows.",
        ),
    ] = None,
    sessions: Annotated[
        int | None, typer.Option("--sessions", help="How many sessions; else the protocol's.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the plan to this .json file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an injection plan and hold it against the rules."""
    from anagen._commands import files, shown, work
    from anagen.patient.plans import PlanRequest, plan_patient
    from anagen.treatment import plan_json

    if output is not None:
        files.check_output(output, ".json", [patient])
    record, _ = work.read(patient, None)
    request = PlanRequest(protocol, start.date() if start else None, sessions)
    with work.progress_bar("Planning", quiet=as_json):
        made = plan_patient(record.patient, request)
    if output is not None:
        with files.replacing(output) as temporary:
            temporary.write_text(plan_json(made), encoding="utf-8")
    if as_json:
        typer.echo(plan_json(made), nl=False)
        return
    shown.print_warnings(record.warnings)
    shown.print_plan(made)
    if output is not None:
        shown.print_written(("Plan", output))


@app.command()
def simulate(
    patient: PatientArgument,
    plan: PlanArgument = None,
    *,
    weeks: WeeksOption = 52,
    follicles: Annotated[
        bool, typer.Option("--follicles", help="Follow every follicle by itself, at random.")
    ] = False,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of the random numbers.")
    ] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the course to this .nc file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate scalp, hair, skin and blood; without PLAN, what comes when no more is injected."""
    from anagen._commands import files, shown, work
    from anagen.report.course_data import course_data

    if output is not None:
        files.check_output(output, ".nc", [patient, plan])
    record, chosen = work.read(patient, plan)
    with work.progress_bar("Simulating", quiet=as_json) as progress:
        course = work.simulate(
            record.patient,
            chosen,
            weeks=weeks,
            follicles_seed=seed if follicles else None,
            progress=progress,
        )
    if output is not None:
        with files.replacing(output) as temporary:
            work.save_course(course, temporary)
    summary = course_data(course)
    if as_json:
        shown.print_json({**summary, "output": str(output) if output else None})
        return
    shown.print_warnings(record.warnings)
    shown.print_course(summary)
    if output is not None:
        shown.print_written(("Course", output))


@app.command()
def report(
    patient: PatientArgument,
    plan: PlanArgument = None,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Write the report to this .html file.")
    ] = Path("report.html"),
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Write its pictures to this folder too.")
    ] = None,
    weeks: WeeksOption = 52,
    as_json: JsonOption = False,
) -> None:
    """Write one HTML file: plan, pictures of the scalp over time, curves, harms and sources."""
    from anagen._commands import files, shown, work

    files.check_output(output, ".html", [patient, plan])
    if pictures is not None:
        files.check_folder(pictures)
    record, chosen = work.read(patient, plan)
    with (
        work.progress_bar("Writing the report", quiet=as_json) as progress,
        files.replacing(output) as temporary,
    ):
        drawn = work.report_patient(
            record.patient, chosen, temporary, pictures=pictures, weeks=weeks, progress=progress
        )
    if as_json:
        names = [str(path) for path in drawn]
        shown.print_json({"output": str(output), "pictures": names})
        return
    shown.print_warnings(record.warnings)
    shown.print_written(("Report", output), *(("Picture", path) for path in drawn))


@app.command()
def check(
    patient: PatientArgument,
    plan: PlanArgument = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Which rules hold, such as us-label or bad.")
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option(
            "--on",
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="As of this day; else the first planned session, else today.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a patient and a plan against the rules; exit code 1 when one of them blocks."""
    from anagen._commands import shown, work
    from anagen.patient.plans import judge, verdict_data

    record, chosen = work.read(patient, plan)
    verdict = judge(record.patient, chosen, profile, on.date() if on else None)
    if as_json:
        shown.print_json(verdict_data(verdict, record.warnings))
    else:
        shown.print_warnings(record.warnings)
        shown.print_verdict(verdict)
    raise typer.Exit(BLOCKED if verdict.blocked else 0)


@app.command()
def parameters(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Key, module or pattern like '*.radius'.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the numbers of the model with unit, range and source."""
    from anagen._commands import shown, work

    found = work.find_parameters(name)
    if as_json:
        shown.print_json([shown.parameter_row(parameter) for parameter in found])
    else:
        shown.print_parameters(found)


@app.command()
def protocols(as_json: JsonOption = False) -> None:
    """List the named protocols."""
    from anagen._commands import shown
    from anagen.treatment import load_protocols

    known = list(load_protocols().values())
    if as_json:
        shown.print_json([shown.protocol_row(protocol) for protocol in known])
    else:
        shown.print_protocols(known)


@app.command()
def people(
    *,
    n: Annotated[int, typer.Option("--n", help="How many.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.parquet", help="Write them here.")
    ],
    seed: Annotated[int, typer.Option("--seed", help="Of the random numbers.")] = 0,
    setting: Annotated[
        str, typer.Option("--setting", help="Kind of people: clinic, localized, chronic, ...")
    ] = "clinic",
    as_json: JsonOption = False,
) -> None:
    """Draw virtual people with covariates, patches and parameters of their own."""
    from anagen._commands import people as work
    from anagen._commands import shown

    summary = work.make_people(work.PeopleRequest(n, seed, setting, output))
    if as_json:
        shown.print_json(summary)
        return
    work.print_people(summary)


@app.command()
def schema(
    name: Annotated[Literal["patient", "plan", "trial"], typer.Argument(help="Which file.")],
    as_json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a patient, plan or trial protocol file (always JSON)."""
    from anagen._commands import shown
    from anagen.patient import patient_schema
    from anagen.treatment import plan_schema
    from anagen.trials.protocol import protocol_schema

    if name == "trial":
        shown.print_json(protocol_schema())
    else:
        shown.print_json(patient_schema() if name == "patient" else plan_schema())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code.

    Parameters
    ----------
    arguments : words after ``anagen``; those of the process when None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in words
    try:
        app([word for word in words if word != "--debug"], prog_name="anagen")
    except Exception as error:
        sys.exit(explain(error, debug=debug, as_json="--json" in words))
