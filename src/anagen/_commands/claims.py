"""What ``anagen evidence claims`` does: statements about the treatment against the model."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._commands.evidence_shown import NARROW_COLUMNS
from anagen._commands.shown import _console, _grid, _line, _print, _table
from anagen._commands.work import progress_bar

if TYPE_CHECKING:
    from anagen.population.claims import ClaimResult

_COLOURS = {"shown": "green", "not shown": "yellow", "contradicted": "red"}


@dataclass(frozen=True)
class ClaimsRequest:
    """How many virtual people test the statements, and the seed that draws them."""

    people: int
    seed: int = 0


def check(request: ClaimsRequest, *, quiet: bool) -> tuple["ClaimResult", ...]:
    """Simulate what tests each statement, with a bar on standard error."""
    from anagen.population.claims import check_claims

    with progress_bar("Testing the claims", quiet=quiet) as progress:

        def report(text: str) -> None:
            done, _, total = text.rpartition("(")[2].rstrip(")").partition(" of ")
            progress(int(done), int(total))

        return check_claims(people=request.people, seed=request.seed, report=report)


def write_rows(results: Sequence["ClaimResult"], path: Path) -> None:
    """Write one line for every statement."""
    from anagen.population.claims import table

    rows = [{**row, "sources": " ".join(row["sources"])} for row in table(results)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def as_data(results: Sequence["ClaimResult"]) -> dict[str, Any]:
    """Give statements and verdicts as plain data."""
    from anagen.population.claims import table
    from anagen.population.posterior import load_posterior

    about = load_posterior().about
    return {
        "posterior": {key: about.get(key) for key in ("version", "seed", "command")},
        "verdicts": _counts(results),
        "claims": table(results),
    }


def print_claims(results: Sequence["ClaimResult"]) -> None:
    """Print the statements by subject, each with both figures and the verdict."""
    groups: dict[str, list[ClaimResult]] = {}
    for result in results:
        groups.setdefault(result.claim.group, []).append(result)
    narrow = _console().width < NARROW_COLUMNS
    for group, members in groups.items():
        _print(_line(group, "bold"))
        if narrow:
            for result in members:
                _print_stacked(result)
        else:
            _print_table(members)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in _counts(results).items())
    _print(_line(f"{len(results)} statements: {counts}.", "bold"))
    _print(
        _line(
            "Model: median and 95 % interval; where a published figure is tested, the "
            "interval is that of a study of its size. All about each: --json",
            "dim",
        )
    )


def _print_table(results: Sequence["ClaimResult"]) -> None:
    from anagen.population.claims import figure_words

    table = _table("statement", "model", "published", "verdict", "source")
    for column, width in zip(table.columns, (52, 26, 34, 12, 14), strict=True):
        column.width = width
    for result in results:
        table.add_row(
            _line(result.claim.statement),
            _line(figure_words(result)),
            _line(result.published.text),
            _line(result.verdict, _COLOURS[result.verdict]),
            _line(", ".join(result.claim.sources[:2])),
        )
    _print(table)


def _print_stacked(result: "ClaimResult") -> None:
    from anagen.population.claims import figure_words

    grid = _grid()
    grid.add_row("", _line(result.claim.statement))
    grid.add_row(
        "", _line(f"model {figure_words(result)}; published {result.published.text}", "dim")
    )
    words = f"{result.verdict} ({', '.join(result.claim.sources[:2])})"
    grid.add_row("", _line(words, _COLOURS[result.verdict]))
    _print(grid)


def _counts(results: Sequence["ClaimResult"]) -> dict[str, int]:
    from anagen.population.claims import VERDICTS

    return {verdict: sum(result.verdict == verdict for result in results) for verdict in VERDICTS}
