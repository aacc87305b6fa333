"""What ``anagen trial report`` writes and prints."""

import json
import math
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from anagen._commands import files
from anagen._commands.failures import printable
from anagen._commands.shown import _line, _print, _table
from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    from anagen.report.trial_words import Shown
    from anagen.trials.trial_summary import TrialSummary

Kind = Literal["html", "nc", "json", "csv"]

_FILES: dict[str, Kind] = {".html": "html", ".nc": "nc", ".json": "json"}


def output_kind(path: Path, inputs: Sequence[Path | None] = ()) -> Kind:
    """Tell what is to be written from its name, and refuse what cannot be meant.

    Raises
    ------
    InputError
        When the name ends in something else, or the place cannot be written to.

    Examples
    --------
    >>> output_kind(Path("tables-of-no-trial"))
    'csv'
    """
    kind = _FILES.get(path.suffix.lower())
    if kind is not None:
        files.check_output(path, path.suffix.lower(), inputs)
        return kind
    if path.suffix and not path.is_dir():
        raise InputError(
            Problem(f"output {path}", "a name that ends in .html, .nc or .json, or a folder",
                    repr(path.suffix), f"Write for example {path.stem}.html.")
        )  # fmt: skip
    files.check_folder(path)
    if any(given is not None and given.exists() and path.exists() and path.samefile(given)
           for given in inputs):  # fmt: skip
        raise InputError(Problem(f"output {path}", "a new folder", "the results themselves",
                                 "Choose another name."))  # fmt: skip
    strange = [] if not path.is_dir() else sorted(
        one.name for one in path.iterdir() if one.name not in _table_files())  # fmt: skip
    if strange:
        raise InputError(
            Problem(f"output {path}", "a new folder, or one with nothing but tables of a report",
                    printable(strange[0]), "Choose another name.")
        )  # fmt: skip
    return "csv"


def _table_files() -> set[str]:
    from anagen.trials.trial_summary import TABLES

    return {f"{name}.csv" for name in TABLES} | {"about.json"}


def summarise(results: Path, prices: Path | None, against: str | None) -> "TrialSummary":
    """Read results and prices, and put the tables together."""
    from anagen.trials.prices import read_prices
    from anagen.trials.store import open_results
    from anagen.trials.trial_summary import summarise_trial

    paid = None if prices is None else read_prices(prices)
    opened = open_results(results)
    return summarise_trial(opened.protocol, opened.dataset, paid, against, opened.missing)


def write(summary: "TrialSummary", path: Path, kind: Kind) -> None:
    """Write a report, whole or not at all."""
    if kind == "csv":
        _write_folder(summary, path)
        return
    with files.replacing(path) as temporary:
        if kind == "html":
            from anagen.report.trial_page import write_trial_report

            write_trial_report(summary, temporary)
        elif kind == "nc":
            summary.to_xarray().to_netcdf(temporary, engine="h5netcdf")
        else:
            text = json.dumps(as_data(summary), ensure_ascii=False, indent=1, allow_nan=False)
            temporary.write_text(text + "\n", encoding="utf-8")


def _write_folder(summary: "TrialSummary", path: Path) -> None:
    """Write tables beside their place and then put the whole folder there."""
    token = secrets.token_hex(4)
    new, old = (path.with_name(f".anagen-{token}-{name}") for name in ("new", "old"))
    try:
        new.mkdir()
        for name, table in summary.tables.items():
            if len(table.columns):
                table.to_csv(new / f"{name}.csv", index=False)
        about = {**_about(summary), "tables": [name for name, table in summary.tables.items()
                                               if len(table.columns)]}  # fmt: skip
        (new / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        if path.exists():
            os.replace(path, old)
        os.replace(new, path)
    except OSError as error:
        if old.exists() and not path.exists():
            os.replace(old, path)
        raise InputError(
            Problem(f"output {path}", "a folder that can be written", error.strerror or str(error),
                    "Free some space or choose another place.")
        ) from error  # fmt: skip
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)


def _about(summary: "TrialSummary") -> dict[str, Any]:
    about = {key: _plain(value) for key, value in summary.about.items()}
    return {"protocol": summary.protocol.key, **about, "missing_people": summary.missing_people}


def as_data(summary: "TrialSummary") -> dict[str, Any]:
    """All tables as plain data: a list of rows each, nothing for what is not known."""
    tables = {
        name: [{column: _plain(value) for column, value in row.items()}
               for row in table.to_dict("records")]
        for name, table in summary.tables.items()
    }  # fmt: skip
    return {**_about(summary), "published_words": summary.published.attrs.get("words", ""),
            "tables": tables}  # fmt: skip


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def print_summary(summary: "TrialSummary") -> None:
    """Print the main tables."""
    from anagen.report import trial_tables as tables
    from anagen.report.trial_page import missing_words

    protocol, about = summary.protocol, summary.about
    # Keys of the arms keep tables narrow enough for a terminal.
    short = tuple(arm.model_copy(update={"name": arm.key}) for arm in protocol.arms)
    missing = missing_words(summary)
    if missing:
        _print(_line(f"Results are missing. {missing}", "bold red"))
    _print(
        _line(protocol.title, "bold"), _line(protocol.question),
        _line(f"{about['people']:,} simulated people, {about['units']:,} randomised, "
              f"{about['replicates']:,} trial{'s' if about['replicates'] != 1 else ''} of "
              f"{about['people_per_replicate']:,}; seed {about['seed']}", "dim"),
        *(_line(f"{arm.key}: {arm.name}", "dim") for arm in protocol.arms),
    )  # fmt: skip
    protocol = protocol.model_copy(update={"arms": short})
    for found in (
        tables.endpoint_table(protocol, summary.endpoints, "Endpoints by arm"),
        tables.comparison_table(protocol, summary.comparisons, "Differences between arms"),
        tables.across_table(protocol, summary.across_replicates, "What trials of this size find")
        if len(summary.across_replicates) else None,
        tables.dose_table(protocol, summary.dose_response, _dose_words(summary)),
        tables.cost_table(protocol, summary.cost),
        tables.published_table(protocol, summary.published),
    ):  # fmt: skip
        if found is not None and found.rows:
            _print_table(found)
    words = str(summary.published.attrs.get("words", ""))
    _print(_line(words), _line("Simulated people are no evidence of their own.", "dim"))


def _dose_words(summary: "TrialSummary") -> dict[str, str]:
    table = summary.dose_response
    return {"each": "a unit", "effect": str(table["effect_words"].iloc[0]) if len(table) else "",
            "atrophy": "Atrophy seen, %", "thinning": "Loss of thickness, %"}  # fmt: skip


def _print_table(found: "Shown") -> None:
    table = _table(*found.heads)
    for number, column in enumerate(table.columns):
        column.justify = "left" if number < found.words else "right"
    for number, row in enumerate(found.rows):
        if number in found.groups:
            table.add_row(_line(found.groups[number], "bold"))
        table.add_row(*(_line(cell) for cell in row))
    _print(_line(found.caption, "bold"), table)
    if found.note:
        _print(_line(found.note, "dim"))
