"""The command ``anagen trial power``: how many people a trial needs."""

from pathlib import Path
from typing import Annotated

import typer

TrialArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROTOCOL|RESULTS",
        help="A .toml file, a key of 'anagen trial list', or results of 'anagen trial run'.",
    ),
]


def power_trial(
    trial: TrialArgument,
    *,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="KEY", help="Endpoint; else the primary one."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="ARM", help="Arm that the others are compared with."),
    ] = None,
    power: Annotated[
        list[float] | None,
        typer.Option("--power", help="Power that is wanted, such as 0.8; may be repeated."),
    ] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Level of the two-sided test.")] = 0.05,
    size: Annotated[
        list[int] | None,
        typer.Option("--size", help="Size to show the power of: people in an arm of ratio 1, "
                     "within people in all; may be repeated."),
    ] = None,
    pool: Annotated[
        int | None,
        typer.Option("--pool", help="People to simulate from a protocol: in an arm of ratio 1, "
                     "within people in all; else 20000, 5000 within, 256 if forecasts guide."),
    ] = None,
    draws: Annotated[
        int, typer.Option("--draws", help="Trials drawn for every size.")
    ] = 2000,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of the random numbers; else the protocol's.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the figures to this .csv or .json file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")] = False,
) -> None:  # fmt: skip
    """Tell how likely a trial finds what it looks for, and how many people 80 and 90 % take.

    Trials of every size are drawn from simulated people, and each is tested as its report would.
    """
    from anagen._commands import shown, trial_power, work

    asked = trial_power.Asked(endpoint, against, tuple(power or trial_power.TARGETS), alpha,
                              tuple(size or ()), pool, draws, seed)  # fmt: skip
    if output is not None:
        trial_power.check_output(output, trial)
    with work.progress_bar("Simulating people", quiet=as_json) as progress:
        found = trial_power.find_power(trial, asked, progress)
    if output is not None:
        trial_power.write(found, output)
    if as_json:
        shown.print_json({**trial_power.as_data(found), "output": str(output) if output else None})
        return
    trial_power.print_power(found)
    if output is not None:
        shown.print_written(("Power", output))
