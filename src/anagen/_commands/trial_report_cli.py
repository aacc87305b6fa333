"""The command ``anagen trial report``: what a trial report holds, from stored results."""

from pathlib import Path
from typing import Annotated

import typer

ResultsArgument = Annotated[
    Path, typer.Argument(metavar="RESULTS", help="Results, made by 'anagen trial run'.")
]


def report_trial(
    results: ResultsArgument,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output",
            help="Write the report: a page (.html), labelled tables (.nc or .json), or a folder of "
            ".csv tables.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="ARM", help="Arm that the others are compared with."),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option("--prices", help="Prices, a .toml file with currency, per_session, source."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")] = False,
) -> None:  # fmt: skip
    """Report a virtual trial: flow, baseline, endpoints, curves, dose, harms, published figures."""
    from anagen._commands import shown, trial_report, work

    kind = None if output is None else trial_report.output_kind(output, [results, prices])
    with work.progress_bar("Reporting", quiet=as_json):
        summary = trial_report.summarise(results, prices, against)
        if output is not None and kind is not None:
            trial_report.write(summary, output, kind)
    if as_json:
        data = trial_report.as_data(summary)
        shown.print_json({**data, "output": str(output) if output else None})
        return
    trial_report.print_summary(summary)
    if output is not None:
        shown.print_written(("Report", output))
