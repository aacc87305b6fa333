"""Published arms from a file of anybody: the columns of ``arms.csv``, read with every problem."""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from anagen.errors import EvidenceError, InputError, Problem
from anagen.evidence.arm_cells import (
    Cells,
    amount,
    count,
    limits,
    number,
    printed,
    share,
)
from anagen.evidence.csv_files import CsvRow, CsvTable, parse_csv, read_csv_file
from anagen.evidence.drug_names import drug_of, drug_suggestions
from anagen.evidence.published import (
    ENDPOINTS,
    Arm,
    Status,
    contradicts,
    reference_of,
)

ARM_COLUMNS = tuple(column for column in Arm.__annotations__ if column != "reference")
"""Columns of a file of arms, in the order of the package's own."""

REQUIRED_COLUMNS = (
    "study_id",
    "arm",
    "drug",
    "concentration_mg_per_mL",
    "interval_weeks",
    "n_sessions",
    "n_patients",
    "time_weeks",
    "endpoint",
    "threshold",
    "n_total",
)
"""Columns that a file of arms must have, beside ``percent``, ``mean`` or ``n_success``."""

_STRENGTH = "concentration_mg_per_mL"
_PRINTED = (("volume_per_site_mL", "mL"), ("site_spacing_cm", "cm"), ("n_sessions", ""))
_AMOUNTS = (("dose_per_cm2_mg", "mg"), ("interval_weeks", "weeks"), ("time_weeks", "weeks"))
_FIGURES = ("percent", "mean", "n_success")
_PERCENT_MEANS = ("mean_regrowth", "mean_salt_reduction")
_POSITIVE_MEANS = ("onset_week", "sessions_to_complete", "tuft_diameter_cm", "odds_ratio")

# More problems than anybody reads are not listed.
_MOST_PROBLEMS = 500


def read_arms_file(path: str | os.PathLike[str]) -> tuple[Arm, ...]:
    """Read published arms from a CSV file with the columns of ``arms.csv``.

    Columns stand in any order and case, separated by comma, semicolon or tab; others are passed
    over and those not required may be missing. A number may be a range or a limit where a paper
    gives one. Endpoints, studies and states of reading that the package does not know are kept:
    whether an arm can be compared is not decided here. An arm without a percentage, a mean or
    counts is kept too.

    Parameters
    ----------
    path : a UTF-8 file; see `REQUIRED_COLUMNS`.

    Returns
    -------
    tuple of Arm
        In the order of the file.

    Raises
    ------
    InputError
        When the file cannot be read or any cell cannot be true; every problem, by row and column.

    Examples
    --------
    >>> read_arms_file("nobody.csv")
    Traceback (most recent call last):
        ...
    anagen.errors.InputError: nobody.csv: expected a file, found nothing. Check the path.
    """
    return _arms(read_csv_file(path, ARM_COLUMNS, REQUIRED_COLUMNS))


def parse_arms_file(text: str, name: str = "arms") -> tuple[Arm, ...]:
    """Parse the text of a file of arms; see `read_arms_file`.

    Parameters
    ----------
    text : of a CSV table.
    name : what to call it in problems.
    """
    return _arms(parse_csv(text, name, ARM_COLUMNS, REQUIRED_COLUMNS))


def _arms(table: CsvTable) -> tuple[Arm, ...]:
    problems = list(table.problems)
    if not table.columns & set(_FIGURES):
        expected, remedy = f"a column {' or '.join(_FIGURES)}", "Add the published figures."
        problems.append(Problem(f"{table.name}: header", expected, "none", remedy))
    arms = [_arm(row, table, problems) for row in table.rows]
    if problems:
        problems.sort(key=lambda problem: _row(problem, table.name))
        raise InputError(_at_most(problems, table.name))
    return tuple(arms)


def _arm(row: CsvRow, table: CsvTable, problems: list[Problem]) -> Arm:
    """Read one row; what cannot be true is added to the problems and left out of the arm."""
    cells = Cells(
        f"{table.name}: row {row.number}", row.cells, table.separator != ",", problems, []
    )
    fields: dict[str, Any] = {column: row.cells.get(column, "") for column in ARM_COLUMNS}
    if cells.texts.get("study_id") == "":
        cells.refuse("study_id", "a name of the study", "none", "Write for example Su2022.")
    fields[_STRENGTH] = printed(cells, _STRENGTH, limits(_strength_limits(_drug(cells))), "mg/mL")
    for column, unit in _PRINTED:
        fields[column] = printed(cells, column, limits(column), unit)
    for column, unit in _AMOUNTS:
        fields[column] = amount(cells, column, unit)
    for column in ("n_patients", "n_patches", "n_success", "n_total"):
        fields[column] = count(cells, column, limits("count"))
    fields["year"] = count(cells, "year", limits("year"))
    fields["percent"] = number(cells, "percent", (0.0, 100.0))
    for column in ("ci_low", "ci_high", "mean"):
        fields[column] = number(cells, column)
    fields["sd"] = number(cells, "sd", (0.0, None))
    fields["threshold"] = share(cells, "threshold")
    fields["endpoint"] = _endpoint(fields["endpoint"])
    fields["quote_status"] = _status(fields["quote_status"])
    fields["reference"] = _reference(fields["study_id"])
    _check_together(cells, fields)
    fields["note"] = "; ".join(part for part in (fields["note"], *cells.notes) if part)
    return Arm(**fields)


def _strength_limits(kind: str | None) -> str:
    steroid = kind in ("steroid_depot", "steroid_unspecified")
    return _STRENGTH if steroid else f"other_{_STRENGTH}"


def _drug(cells: Cells) -> str | None:
    """Kind of the drug given; None when nobody knows it."""
    text = cells.texts.get("drug")
    if text is None:
        return None
    known = drug_of(text)
    if known is not None:
        return known.kind
    if not text:
        cells.refuse("drug", "what was given", "none", "Write none where nothing was given.")
        return None
    near = drug_suggestions(text)
    remedy = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else "Write its usual name, such as triamcinolone acetonide, saline, none or topical ..."
    )
    cells.refuse("drug", "a drug that Anagen knows", repr(text[:80]), remedy)
    return None


def _check_together(cells: Cells, fields: Mapping[str, Any]) -> None:
    """Find cells of one row that contradict each other."""
    number_of, total, percent = fields["n_success"], fields["n_total"], fields["percent"]
    if total == 0:
        cells.refuse("n_total", "at least 1", "0", "Leave it empty when it is not known.")
    elif number_of is not None and total is not None:
        if number_of > total:
            found = f"{number_of} of {total}"
            cells.refuse("n_success", "at most n_total", found, "Were the columns exchanged?")
        elif percent is not None and contradicts(number_of, total, percent):
            exact = 100.0 * number_of / total
            is_share = not contradicts(number_of, total, 100.0 * percent)
            remedy = (
                f"A share? Write {100.0 * percent:g}."
                if is_share
                else "Correct the counts or the percentage."
            )
            expected = f"{exact:.1f}, as {number_of} of {total} are"
            cells.refuse("percent", expected, f"{percent:g}", remedy)
    _check_interval(cells, fields, fields["mean"] if percent is None else percent)
    _check_mean(cells, fields["endpoint"], fields["mean"])


def _check_interval(cells: Cells, fields: Mapping[str, Any], estimate: float | None) -> None:
    low, high = fields["ci_low"], fields["ci_high"]
    if low is None or high is None:
        return
    if low > high:
        cells.refuse("ci_low", "at most ci_high", f"{low:g} to {high:g}", "Exchange the two.")
    elif estimate is not None and not low <= estimate <= high:
        expected = f"an interval that holds {estimate:g}"
        cells.refuse("ci_low", expected, f"{low:g} to {high:g}", "Check the three numbers.")


def _check_mean(cells: Cells, endpoint: str, mean: float | None) -> None:
    if mean is None:
        return
    if endpoint in _PERCENT_MEANS and mean > 100.0:
        expected = "a mean in percent, at most 100"
        cells.refuse("mean", expected, f"{mean:g}", "Check the decimal point.")
    if endpoint in _POSITIVE_MEANS and mean <= 0.0:
        cells.refuse("mean", f"a mean above 0 of {endpoint}", f"{mean:g}", "Check the sign.")


def _endpoint(text: str) -> str:
    """Return an endpoint as the package spells it; text of its own where it knows none."""
    spelled = "_".join(text.lower().replace("-", " ").replace("_", " ").split())
    return spelled if spelled in ENDPOINTS else text


def _status(text: str) -> str:
    known = text.lower().replace(" ", "_")
    return known if known in get_args(Status) else ""


@lru_cache(maxsize=1024)
def _reference(study_id: str) -> str:
    try:
        return reference_of(study_id)
    except EvidenceError:
        return ""


def _row(problem: Problem, name: str) -> int:
    """Row that a problem names; 0 for one of the whole file."""
    match = re.match(r": row (\d+)", problem.place.removeprefix(name))
    return int(match[1]) if match else 0


def _at_most(problems: list[Problem], name: str) -> list[Problem]:
    if len(problems) <= _MOST_PROBLEMS:
        return problems
    found = f"{len(problems) - _MOST_PROBLEMS} problems more"
    more = Problem(name, "a table without problems", found, "Correct these first.")
    return [*problems[:_MOST_PROBLEMS], more]
