"""The command ``anagen trial run``: a virtual trial, computed, kept, and taken up again."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anagen._commands.failures import FAILED, INTERRUPTED, printable

if TYPE_CHECKING:
    from anagen.trials.run import Progress, RunOutcome, RunProgress
    from anagen.trials.run_plan import RunPlan

_LINE = 10.0  # s between lines where no bar can be drawn
_MOST_LINES = 20  # of what is missing; all of it is in the JSON answer


def run_trial(
    protocol: Annotated[
        str,
        typer.Argument(metavar="PROTOCOL", help="A .toml file, or a key of 'anagen trial list'."),
    ],
    *,
    people: Annotated[
        int | None,
        typer.Option("--people", help="Instead of the protocol's own number; in parallel arms, "
                     "people in an arm of ratio 1."),
    ] = None,
    replicates: Annotated[
        int, typer.Option("--replicates", help="How often the whole trial is held.")
    ] = 1,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of the random numbers; else the protocol's.")
    ] = None,
    cluster: Annotated[
        str,
        typer.Option("--cluster", metavar="ADDRESS|local",
                     help="Scheduler of a Dask cluster, such as tcp://node1:8786."),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=1024,
                     help="Processes on this machine; else one a core."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="RESULTS.zarr",
                     help="Where results are kept; else the protocol's key with .zarr."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")] = False,
) -> None:  # fmt: skip
    """Run a trial; stopped and started again it goes on, and the results are the same."""
    from anagen.trials.run import run_trial as run
    from anagen.trials.run_plan import read_plan

    _check_workers(cluster, workers)
    plan = read_plan(protocol, people=people, replicates=replicates, seed=seed)
    path = output or Path(f"{plan.protocol.key}.zarr")
    try:
        with _shown(plan, quiet=as_json) as tell:
            outcome = run(plan, path, cluster, tell, workers=workers)
    except KeyboardInterrupt:
        _say_interrupted(plan, path)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        from anagen._commands.shown import print_json

        print_json(outcome_data(outcome))
    else:
        _say(outcome)
    raise typer.Exit(0 if outcome.complete else FAILED)


def outcome_data(outcome: "RunOutcome") -> dict[str, Any]:
    """Tell what a run has come to, as plain data."""
    from anagen.trials.run_plan import describe_chunk

    plan, missing = outcome.plan, outcome.missing
    lost = sum(one.chunk.count for one in missing)
    return {
        "output": str(outcome.path),
        "protocol": plan.protocol.key,
        "complete": outcome.complete,
        "people": plan.people - lost,
        "people_planned": plan.people,
        "replicates": plan.replicates,
        "seed": plan.seed,
        "units": (plan.people - lost) * (plan.units // plan.people),
        "units_failed": outcome.failed_units,
        "seconds": round(outcome.seconds, 3),
        "people_per_second": round(_rate(outcome), 1),
        "chunks": {
            "done_now": outcome.now,
            "before": outcome.before,
            "failed": len(missing),
            "repaired": outcome.repaired,
        },
        "missing": [
            {
                "chunk": one.chunk.number,
                "first_person": one.chunk.first,
                "people": one.chunk.count,
                "who": describe_chunk(plan, one.chunk),
                "reason": one.reason,
            }
            for one in missing
        ],
        "notes": list(outcome.notes),
    }


def _rate(outcome: "RunOutcome") -> float:
    """People per second of what was computed now, start of the workers included."""
    return outcome.people_now / max(outcome.seconds, 1e-9)


def _check_workers(cluster: str, workers: int | None) -> None:
    from anagen.errors import InputError, Problem

    if cluster != "local" and workers is not None:
        raise InputError(
            Problem("--workers", "nothing, as the cluster has workers of its own", str(workers),
                    "Leave out --workers, or --cluster to use this machine.")
        )  # fmt: skip


def _say(outcome: "RunOutcome") -> None:
    data = outcome_data(outcome)
    chunks = data["chunks"]
    typer.echo(
        f"{data['people']} of {data['people_planned']} people ({data['units']} units) in "
        f"{printable(data['output'])}."
    )
    if chunks["done_now"]:
        before = f"; {chunks['before']} chunks were there before" if chunks["before"] else ""
        typer.echo(f"Computed {outcome.people_now} people in {_duration(outcome.seconds)}, "
                   f"{data['people_per_second']:.0f} a second{before}.")  # fmt: skip
    elif outcome.complete:
        typer.echo("All of it was there before; nothing was computed.")
    if chunks["repaired"]:
        typer.echo(f"{chunks['repaired']} damaged chunks were computed again.")
    if data["units_failed"]:
        typer.echo(f"{data['units_failed']} units could not be followed; they are flagged 'failed'"
                   " and left out of the analysis.")  # fmt: skip
    if outcome.missing:
        lines = [f"- {printable(line)}" for line in outcome.report[:_MOST_LINES]]
        if len(outcome.missing) > _MOST_LINES:
            lines.append(f"- and {len(outcome.missing) - _MOST_LINES} more; see --json")
        again = "The same command tries what is missing again; the rest is kept."
        typer.echo("\n".join(["Missing:", *lines, again]), err=True)


def _say_interrupted(plan: "RunPlan", path: Path) -> None:
    from anagen.trials.run_plan import chunks_of
    from anagen.trials.store import look

    done = look(plan, path, check=False).done
    people = sum(chunk.count for chunk in chunks_of(plan) if chunk.number in done)
    kept = "Nothing was kept yet."
    if people:
        kept = f"{people} of {plan.people} people are kept in {printable(str(path))}."
    typer.echo(f"Interrupted. {kept} The same command goes on from there.", err=True)


@contextmanager
def _shown(plan: "RunPlan", *, quiet: bool) -> "Iterator[Progress]":
    """Tell on standard error how far a run is: a bar on a terminal, else a line now and then."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield _lines(quiet=quiet)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(),
               TextColumn("{task.fields[words]}"))  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(plan.protocol.key, total=plan.people, words="starting workers")

        def tell(now: "RunProgress") -> None:
            if now.note:
                console.print(printable(now.note), markup=False, highlight=False)
            bar.update(task, completed=now.people, words=_words(now))

        yield tell


def _lines(*, quiet: bool) -> "Progress":
    told = [-_LINE]

    def tell(now: "RunProgress") -> None:
        if quiet:
            return
        if now.note:
            print(printable(now.note), file=sys.stderr, flush=True)
        if time.monotonic() - told[0] >= _LINE:
            told[0] = time.monotonic()
            print(_words(now), file=sys.stderr, flush=True)

    return tell


def _words(now: "RunProgress") -> str:
    """How far it is, how quick, and how long it will take.

    Examples
    --------
    >>> from anagen.trials.run import RunProgress
    >>> _words(RunProgress(5000, 20000, 1000, 8.0, 2))
    '5000 of 20000 people, 500 a second, 30 s left, 2 workers'
    """
    workers = "1 worker" if now.workers == 1 else f"{now.workers} workers"
    words = f"{now.people} of {now.total} people"
    rate = (now.people - now.before) / now.seconds if now.seconds > 0 else 0.0
    if rate <= 0:
        return f"{words}, {workers}"
    left = _duration((now.total - now.people) / rate)
    return f"{words}, {rate:.3g} a second, {left} left, {workers}"


def _duration(seconds: float) -> str:
    """Say a time in the two units that matter.

    Examples
    --------
    >>> _duration(7.4), _duration(75), _duration(7500)
    ('7 s', '1 min 15 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
