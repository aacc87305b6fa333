"""The command that prints: ``anagen document``.

Like ``anagen.cli`` it imports only typer, so that help answers at once.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

KindArgument = Annotated[
    str, typer.Argument(metavar="KIND", help="injections, letter, consent, leaflet or review.")
]
PatientArgument = Annotated[Path, typer.Argument(metavar="PATIENT", help="Patient, JSON or TOML.")]
PlanArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[PLAN]", help="Plan, made by 'anagen plan'."),
]


def document(
    kind: KindArgument,
    patient: PatientArgument,
    plan: PlanArgument = None,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Write to this .pdf or .html file.")
    ],
    paper: Annotated[str, typer.Option("--paper", help="A4 or Letter.")] = "A4",
    language: Annotated[str, typer.Option("--language", help="en or de.")] = "en",
    session: Annotated[
        int | None,
        typer.Option("--session", min=1, help="Which session of the plan; else the next."),
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD",
                     help="Day of the document; else that of the last visit or the session."),
    ] = None,
    clinic: Annotated[str, typer.Option("--clinic", help="Name of the clinic, printed.")] = "",
    name: Annotated[
        str, typer.Option("--name", help="Name of the person, printed; else only the pseudonym.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of a forecast.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Answer in JSON, for machines.")
    ] = False,
) -> None:  # fmt: skip
    """Print a document of the clinic: syringe sheet, letter, consent, leaflet or review sheet.

    A leaflet makes the forecast of the plan first (that of the default protocol without PLAN), a
    review sheet the review.
    """
    from anagen._commands import documents, files, shown, work

    suffix = documents.suffix_of(output)
    files.check_output(output, suffix, [patient, plan])
    documents.check_options(kind, paper, language)
    record, chosen = work.read(patient, plan)
    wish = documents.Wish(
        kind=kind, paper=paper, language=language, as_=suffix.removeprefix("."), session=session,
        on=on.date() if on else None, clinic=clinic, name=name, seed=seed,
    )  # fmt: skip
    with work.progress_bar("Making the document", quiet=as_json):
        made = documents.make(record.patient, chosen, wish)
    with files.replacing(output) as temporary:
        temporary.write_bytes(made)
    if as_json:
        shown.print_json({"document": kind, "written": str(output), "bytes": len(made)})
        return
    shown.print_warnings(record.warnings)
    shown.print_written(("Document", output))
