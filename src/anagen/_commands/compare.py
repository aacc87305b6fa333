"""What ``anagen evidence compare`` does: published arms against the model."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._commands.evidence_shown import NARROW_COLUMNS, print_stacked
from anagen._commands.shown import _console, _line, _print, _table
from anagen._commands.work import progress_bar

if TYPE_CHECKING:
    from anagen.population.compare import Compared

_SHOWN_REASON = 90  # characters


@dataclass(frozen=True)
class CompareRequest:
    """What the user asks to compare: a file of arms, or None for the package's own."""

    arms: Path | None = None
    people: int = 2048
    seed: int = 0


def compare_arms(request: CompareRequest, *, quiet: bool) -> tuple["Compared", ...]:
    """Read the arms and predict them, with a bar on standard error.

    Raises
    ------
    InputError
        When the file cannot be read as arms; every problem by row.
    """
    from anagen.evidence.arm_files import read_arms_file
    from anagen.evidence.published import load_arms
    from anagen.population import compare

    arms = load_arms() if request.arms is None else read_arms_file(request.arms)
    with progress_bar("Simulating the arms", quiet=quiet) as progress:

        def report(text: str) -> None:
            done, _, total = text.rpartition("(")[2].rstrip(")").partition(" of ")
            progress(int(done), int(total))

        return compare.compare_arms(arms, people=request.people, seed=request.seed, report=report)


def write_rows(found: Sequence["Compared"], path: Path) -> None:
    """Write one line for every arm, comparable or not."""
    from anagen.population.compare import table

    rows = table(found)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def as_data(found: Sequence["Compared"]) -> dict[str, Any]:
    """Give rows and summary as plain data."""
    from anagen.population.compare import summary, table
    from anagen.population.posterior import load_posterior

    about = load_posterior().about
    return {
        "posterior": {key: about[key] for key in ("version", "seed", "command")},
        "summary": summary(found),
        "arms": table(found),
    }


def print_compared(found: Sequence["Compared"]) -> None:
    """Print a table of the comparable arms, the list of the others, and how many lie inside."""
    from anagen.population.compare import summary

    rows = [_words(entry) for entry in found if entry.prediction]
    if rows and _console().width < NARROW_COLUMNS:
        for row in rows:
            print_stacked(row)
    elif rows:
        table = _table(*rows[0])
        for row in rows:
            table.add_row(*map(_line, row.values()))
        _print(table)
    _print_others([entry for entry in found if not entry.prediction])
    _print_summary(summary(found))


def _words(entry: "Compared") -> dict[str, str]:
    from anagen.population.compare import left_out_inside

    arm, prediction = entry.arm, entry.prediction
    assert prediction is not None
    unit = {"1": "", "%": " %"}.get(prediction.unit, f" {prediction.unit}s")
    threshold = f" {arm.threshold.text}" if arm.threshold else ""
    week = f", week {arm.time_weeks:g}" if arm.time_weeks is not None else ""
    mark = "inside" if prediction.inside(95) else "OUTSIDE"
    without = left_out_inside(entry, 95)
    return {
        "study": arm.study_id,
        "arm": arm.arm,
        "outcome": f"{arm.endpoint}{threshold}{week}",
        "published": f"{prediction.published:.3g}{unit}",
        "predicted": f"{prediction.predicted:.3g}{unit}",
        "95 % interval": f"{prediction.low[95]:.3g} to {prediction.high[95]:.3g}, {mark}",
        "50 % interval": "inside" if prediction.inside(50) else "outside",
        "left out": "never seen" if without is None else "inside" if without else "OUTSIDE",
    }


def _print_others(others: Sequence["Compared"]) -> None:
    if not others:
        return
    _print(_line(f"Not comparable: {len(others)} rows", "bold"))
    for entry in others:
        words = f"{entry.arm.study_id}, {entry.arm.arm}: {entry.reason}"
        _print(_line(words[:_SHOWN_REASON] + ("..." if len(words) > _SHOWN_REASON else ""), "dim"))


def _print_summary(total: dict[str, Any]) -> None:
    _print(_line(f"{total['comparable']} of {total['rows']} rows are comparable.", "bold"))
    names = {"calibrated": "calibrated to", "left_out": "the same, predicted without their study",
             "unseen": "never calibrated to"}  # fmt: skip
    for key, words in names.items():
        part = total[key]
        if part["n"]:
            inside = ", ".join(
                f"{part[f'inside_{level}']:.0%} in the {level} % interval" for level in (50, 90, 95)
            )
            _print(_line(f"{words}: {part['n']} rows; {inside}"))
    if total["wide"]:
        _print(_line(f"{total['wide']} intervals of arms of 40 and more exceed 60 points."))
