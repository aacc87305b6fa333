"""The commands below ``anagen trial``: thin, no logic of their own."""

from typing import Annotated

import typer

from anagen._commands.failures import BAD_INPUT
from anagen._commands.trial_power_cli import power_trial
from anagen._commands.trial_report_cli import report_trial
from anagen._commands.trial_run_cli import run_trial

trial_app = typer.Typer(
    name="trial",
    help="Virtual trials: a protocol, run on the calibrated population.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ProtocolArgument = Annotated[
    str, typer.Argument(metavar="PROTOCOL", help="A .toml file, or a key of 'anagen trial list'.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]


@trial_app.command("list")
def list_protocols(as_json: JsonOption = False) -> None:
    """List the protocols that the package carries, with question and source."""
    from anagen._commands import shown, trial_protocols

    known = trial_protocols.shipped_protocols()
    if as_json:
        shown.print_json([trial_protocols.protocol_row(protocol) for protocol in known])
    else:
        trial_protocols.print_protocols(known)


@trial_app.command("check")
def check_protocol(
    protocol: ProtocolArgument,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="Which rules of treatment hold, such as us-label or bad."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say everything that is wrong or odd in a protocol; exit code 2 when it cannot be run."""
    from anagen._commands import shown, trial_protocols
    from anagen.trials.protocol_file import check_protocol_file

    file, lints = check_protocol_file(protocol, profile)
    if as_json:
        shown.print_json(trial_protocols.verdict(file, lints))
    else:
        trial_protocols.print_verdict(file, lints)
    raise typer.Exit(0 if trial_protocols.is_sound(lints) else BAD_INPUT)


@trial_app.command("show")
def show_protocol(protocol: ProtocolArgument, as_json: JsonOption = False) -> None:
    """Print a protocol as it stands in its file, to copy and change: ... > mine.toml."""
    from anagen._commands import shown
    from anagen.trials.protocol_file import read_protocol_file

    file = read_protocol_file(protocol)
    if as_json:
        shown.print_json(file.protocol.model_dump(mode="json"))
    else:
        typer.echo(file.text, nl=not file.text.endswith("\n"))


trial_app.command("run")(run_trial)
trial_app.command("report")(report_trial)
trial_app.command("power")(power_trial)
