"""How published evidence looks: a table, or a list of lines where the terminal is narrow."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anagen._commands.shown import _console, _grid, _line, _print, _table

if TYPE_CHECKING:
    from anagen._commands.evidence import StudyRecord
    from anagen.evidence.published import Arm, CourseResult, Harm
    from anagen.evidence.references import Reference

NARROW_COLUMNS = 130
"""Width of a terminal below which a table would break its words."""

_STATUS_COLOURS = {"verified": "green", "memory": "yellow", "design_only": "dim"}


def print_evidence(kind: str, rows: Sequence[Any]) -> None:
    """Print rows of one table of published evidence, with their number."""
    figures = _FIGURES[kind]
    shown = [figures(row) for row in rows]
    if not shown:
        _print(_line("Nothing matches."))
        return
    if _console().width < NARROW_COLUMNS:
        for row in shown:
            print_stacked(row)
    else:
        headings = list(shown[0])
        table = _table(*headings)
        table.columns[0].no_wrap = True
        for row in shown:
            table.add_row(*(_line(words, _colour(name, words)) for name, words in row.items()))
        _print(table)
    count = "1 row" if len(shown) == 1 else f"{len(shown)} rows"
    _print(_line(f"{count}. One study in full: anagen evidence show STUDY_ID", "dim"))


def print_study(record: "StudyRecord") -> None:
    """Print everything known about one study."""
    _print(_line(record.study_id, "bold"))
    _print_fields({
        "reference": f"{record.reference} [{record.reference.key}]",
        "address": record.reference.url,
        "note": record.reference.note,
    })  # fmt: skip
    parts = (("Arms", record.arms), ("Harms", record.harms), ("Course", record.course))
    for title, rows in parts:
        _print_section(title, [_in_full(row) for row in rows])
    if not any(rows for _, rows in parts):
        _print(_line("No results in the tables; numbers of the model or rules cite it."))


def arm_figures(arm: "Arm") -> dict[str, str]:
    """One outcome of an arm in a few words."""
    people = arm.n_total if arm.n_total is not None else arm.n_patients
    return {
        "study": arm.study_id,
        "arm": arm.arm,
        "drug": arm.drug,
        "mg/mL": arm.concentration_mg_per_mL.text if arm.concentration_mg_per_mL else "",
        "regimen": _regimen(arm),
        "week": _figure(arm.time_weeks),
        "outcome": outcome(arm),
        "n": _figure(people),
        "result": arm_result(arm),
        "status": arm.quote_status,
    }


def outcome(arm: "Arm") -> str:
    """Outcome of an arm: its endpoint with the threshold, else its definition.

    Examples
    --------
    >>> from anagen.evidence.published import load_arms
    >>> outcome(load_arms()[0])
    'regrowth at least 0.5'
    """
    if not arm.endpoint:
        return arm.outcome_definition
    return f"{arm.endpoint.replace('_', ' ')} {arm.threshold.text if arm.threshold else ''}".strip()


def arm_result(arm: "Arm") -> str:
    """Say what an arm reached, with its interval; empty where no figure was published.

    Examples
    --------
    >>> from anagen.evidence.published import load_arms
    >>> arm_result(load_arms()[0])
    '71.06 % (59.72 to 81.2)'
    """
    interval = _interval(arm.ci_low, arm.ci_high)
    if arm.success_percent is not None:
        counts = f"{arm.n_success} of {arm.n_total}, " if arm.n_success is not None else ""
        return f"{counts}{arm.success_percent:.4g} %{interval}"
    if arm.mean is not None:
        deviation = f" (SD {arm.sd:g})" if arm.sd is not None else ""
        return f"{arm.mean:g}{deviation}{interval}"
    return "" if arm.n_success is None else str(arm.n_success)


def _harm_figures(harm: "Harm") -> dict[str, str]:
    return {
        "study": harm.study_id,
        "arm": harm.arm,
        "drug": harm.drug,
        "dose": harm.concentration.text if harm.concentration else "",
        "harm": harm.harm,
        "result": _events(harm),
        "weeks": harm.onset_weeks.text if harm.onset_weeks else "",
        "status": harm.quote_status,
    }


def _course_figures(result: "CourseResult") -> dict[str, str]:
    interval = _interval(result.ci_low, result.ci_high)
    return {
        "study": result.study_id,
        "population": result.population,
        "measure": result.measure,
        "time": result.time,
        "result": "; ".join(part for part in (_events(result), result.value) if part) + interval,
        "status": result.quote_status,
    }


def _reference_figures(reference: "Reference") -> dict[str, str]:
    return {
        "study": reference.key,
        "source": str(reference),
        "address": reference.url,
    }


_FIGURES: Mapping[str, Callable[[Any], dict[str, str]]] = {
    "arms": arm_figures,
    "harms": _harm_figures,
    "course": _course_figures,
    "references": _reference_figures,
}


def _in_full(row: Any) -> dict[str, str]:
    """Fields of a row that are known, in words."""
    known = {}
    for name, value in vars(row).items():
        text = getattr(value, "text", value)
        if text not in (None, "") and name not in ("study_id", "reference"):
            known[name.replace("_", " ")] = _figure(text)
    return known


def _print_section(title: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Print the rows of one table: first what they share, then what tells them apart."""
    if not rows:
        return
    shared = {
        name: words
        for name, words in rows[0].items()
        if len(rows) > 1 and all(row.get(name) == words for row in rows)
    }
    count = f", {len(rows)} rows" if len(rows) > 1 else ""
    _print(_line(f"{title}{count}", "bold"))
    if shared:
        _print_fields(shared)
    for row in rows:
        own = {name: words for name, words in row.items() if name not in shared}
        _print_fields(own or row)


def print_stacked(row: Mapping[str, str]) -> None:
    """Print one row as a heading and one line of what else is known."""
    names = list(row)
    heading = [row[name] for name in names[:2] if row[name]]
    _print(_line(", ".join(heading), "bold"))
    rest = [f"{name} {row[name]}" for name in names[2:] if row[name]]
    grid = _grid()
    grid.add_row("", _line("; ".join(rest)))
    _print(grid)


def _print_fields(fields: Mapping[str, str]) -> None:
    grid = _grid()
    for name, words in fields.items():
        if words:
            grid.add_row(name, _line(words, _colour(name, words)))
    _print(grid, "")


def _regimen(arm: "Arm") -> str:
    sessions = arm.n_sessions.text if arm.n_sessions else ""
    times = f"{sessions} x" if sessions.isdigit() else sessions
    every = "" if arm.interval_weeks is None else f"every {arm.interval_weeks:g} wk"
    return ", ".join(part for part in (times, every) if part)


def _events(row: "Harm | CourseResult") -> str:
    counts = "" if row.n_events is None else f"{row.n_events}"
    if counts and row.n_total is not None:
        counts += f" of {row.n_total}"
    percent = "" if row.percent is None else f"{row.percent:g} %"
    return ", ".join(part for part in (counts, percent) if part)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:g} to {high:g})"


def _figure(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _colour(name: str, words: str) -> str:
    return _STATUS_COLOURS.get(words, "") if name in ("status", "quote status") else ""
