"""The commands below ``anagen evidence``: thin, no logic of their own."""

from pathlib import Path
from typing import Annotated

import typer

from anagen._commands.evidence import Kind, StatusName

evidence_app = typer.Typer(
    name="evidence",
    help="What has been published: arms of trials, harms, the course of the disease, references.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]


@evidence_app.command("list")
def list_evidence(
    *,
    kind: Annotated[
        Kind,
        typer.Option("--kind", help="Which table: what arms of trials reached, harms, the course "
                     "of the disease without a trial, or the references."),
    ] = "arms",
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="TEXT", help="Only studies whose name, author or reference "
                     "holds this text."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="E", help="Only arms with this outcome, such as "
                     "complete or regrowth_at_least; 'none' for outcomes in words only."),
    ] = None,
    status: Annotated[
        StatusName | None,
        typer.Option("--status", help="Only rows read in the source (verified), recalled "
                     "(memory), or with a design but no result (design_only)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """List published results, one row per outcome of an arm at one time."""
    from anagen._commands import evidence, evidence_shown, shown

    found = evidence.find_evidence(evidence.EvidenceQuery(kind, study, endpoint, status))
    if as_json:
        shown.print_json([evidence.plain(row) for row in found])
    else:
        evidence_shown.print_evidence(kind, found)


@evidence_app.command("show")
def show_study(
    study_id: Annotated[
        str,
        typer.Argument(metavar="STUDY_ID", help="Name of a study or of its reference, as 'anagen "
                       "evidence list' shows it."),
    ],
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show everything known about one study: reference, arms, harms, course, notes and status."""
    from anagen._commands import evidence, evidence_shown, shown

    record = evidence.find_study(study_id)
    if as_json:
        shown.print_json(evidence.plain(record))
    else:
        evidence_shown.print_study(record)


@evidence_app.command("compare")
def compare_arms(
    *,
    arms: Annotated[
        Path | None,
        typer.Option("--arms", metavar="FILE.csv", help="Arms to compare, a file with the columns "
                     "of the package's arms.csv; else the package's own."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT.csv", help="Write all rows to this file."),
    ] = None,
    people: Annotated[
        int, typer.Option("--people", min=64, max=100_000, help="Virtual people of each setting.")
    ] = 2048,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of the virtual people.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Hold published arms against the model: predicted value, intervals, inside or not."""
    from anagen._commands import compare, files, shown

    if output is not None:
        files.check_output(output, ".csv", [arms])
    request = compare.CompareRequest(arms, people, seed)
    found = compare.compare_arms(request, quiet=as_json)
    if output is not None:
        with files.replacing(output) as temporary:
            compare.write_rows(found, temporary)
    if as_json:
        shown.print_json(compare.as_data(found))
        return
    compare.print_compared(found)
    if output is not None:
        shown.print_written(("Comparison", output))


@evidence_app.command("claims")
def check_claims(
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT.csv", help="Write all rows to this file."),
    ] = None,
    people: Annotated[
        int, typer.Option("--people", min=64, max=100_000, help="Virtual people of each setting.")
    ] = 1024,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of the virtual people.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Test every statement about the treatment: model's figure, published figure, verdict."""
    from anagen._commands import claims, files, shown

    if output is not None:
        files.check_output(output, ".csv")
    found = claims.check(claims.ClaimsRequest(people, seed), quiet=as_json)
    if output is not None:
        with files.replacing(output) as temporary:
            claims.write_rows(found, temporary)
    if as_json:
        shown.print_json(claims.as_data(found))
        return
    claims.print_claims(found)
    if output is not None:
        shown.print_written(("Claims", output))
