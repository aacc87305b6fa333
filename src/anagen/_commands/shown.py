"""How answers look: tables for people, JSON for machines."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from anagen._commands.failures import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from anagen.errors import Problem
    from anagen.evidence.parameters import Parameter
    from anagen.patient.plans import Verdict
    from anagen.treatment import Finding, Plan, Protocol

_COLOURS = {"block": "bold red", "warn": "yellow", "inform": "cyan"}


def print_json(data: object) -> None:
    """Print data as JSON, and nothing else, to standard output."""
    print(json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False))


def print_plan(plan: "Plan") -> None:
    """Print what a plan does: its sessions, what bound it, what the rules say."""
    table = _table("session", "date", "sites", "mg/mL", "mL", "mg")
    for number, session in enumerate(plan.sessions, start=1):
        strengths = sorted({injection.strength_mg_per_mL for injection in session.injections})
        table.add_row(str(number), str(session.date), str(len(session.injections)),
                      ", ".join(f"{strength:g}" for strength in strengths),
                      f"{session.total_mL:.3g}", f"{session.total_mg:.3g}")  # fmt: skip
    _print(_line(f"Plan for {plan.patient}, protocol {plan.protocol}", "bold"), table)
    _print(*(_line(f"- {words}") for words in (*plan.limits, *plan.notes)))
    print_findings(plan.findings)


def print_verdict(verdict: "Verdict") -> None:
    """Print what the rules say and whether they block."""
    print_findings(verdict.findings)
    if verdict.limits:
        first = verdict.limits[0]
        used = f"{100 * first.fraction:.0f} % of {first.limit:g} {first.unit}".removesuffix(" 1")
        _print(_line(f"The limit that binds first: {first.title} ({used} used, {first.source})."))
    words = (
        "Blocked: change the plan, or override with a reason." if verdict.blocked else "Allowed."
    )
    _print(_line(words, "bold red" if verdict.blocked else "bold green"))


def print_findings(findings: Sequence["Finding"]) -> None:
    """Print what the rules say, gravest first, a rule that speaks often only once."""
    if not findings:
        _print(_line("Rules: nothing to report."))
        return
    groups: dict[tuple[str, str, str | None], list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: list(_COLOURS).index(finding.severity)):
        key = (finding.severity, finding.rule, finding.overridden_by)
        groups.setdefault(key, []).append(finding)
    for (severity, rule, reason), group in groups.items():
        worst = group[0]
        often = f" (and {len(group) - 1} more like it)" if len(group) > 1 else ""
        source = ", ".join(part for part in (worst.source, worst.jurisdiction) if part)
        grid = _grid()
        grid.add_row("", _line(f"{worst.message} {worst.remedy}".strip()))
        grid.add_row("", _line(f"{worst.place}{often}; {source}", "dim"))
        if reason:
            grid.add_row("", _line(f"Overridden: {reason}", "green"))
        _print(_line(f"{severity}: {rule}", _COLOURS[severity]), grid)


def print_course(summary: dict[str, Any]) -> None:
    """Print the figures of a course that fit on one screen."""
    patches = list(summary["weeks"][0]["patch_regrowth"])
    table = _table("week", "SALT %", *(f"regrowth {name} %" for name in patches))
    for row in summary["weeks"]:
        regrowth = row["patch_regrowth"].values()
        table.add_row(str(row["week"]), f"{row['salt_percent']:.1f}",
                      *(f"{100 * share:.0f}" for share in regrowth))  # fmt: skip
    title = f"Course of {summary['patient']} from {summary['start_date']}, {summary['protocol']}"
    harms = (
        f"Steroid injected {summary['injected_mg']:.3g} mg; lowest morning cortisol "
        f"{100 * summary['lowest_morning_cortisol']:.0f} % of the own normal; "
        f"dermis of the thinnest tenth of a patch {100 * summary['thinnest_dermis']:.0f} %."
    )
    notes = [_line(f"- {summary['notes']}")] if summary["notes"] else []
    _print(_line(title, "bold"), table, _line(harms), *notes)
    _print(_line(f"Parameter set {summary['parameter_set']}, mode {summary['mode']}."))


def parameter_row(parameter: "Parameter") -> dict[str, Any]:
    """One parameter with its source in full, as plain data."""
    from anagen.evidence.references import load_references

    reference = load_references().get(parameter.source)
    return {**vars(parameter), "reference": str(reference) if reference else parameter.source,
            "url": reference.url if reference else ""}  # fmt: skip


def print_parameters(parameters: Sequence["Parameter"]) -> None:
    """Print one parameter in full, or several as a table."""
    if len(parameters) == 1:
        grid = _grid()
        for name, value in parameter_row(parameters[0]).items():
            if value not in ("", None):
                words = f"{value:g}" if isinstance(value, float) else str(value)
                grid.add_row(name, _line(words))
        _print(grid)
        return
    table = _table("parameter", "value", "unit", "range", "origin", "source")
    for parameter in parameters:
        fixed = parameter.low == parameter.high
        table.add_row(_line(parameter.key), f"{parameter.value:g}", _line(parameter.unit),
                      "" if fixed else f"{parameter.low:g} to {parameter.high:g}",
                      parameter.origin, _line(parameter.source))  # fmt: skip
    _print(table)


def protocol_row(protocol: "Protocol") -> dict[str, Any]:
    """One protocol, as plain data."""
    return {
        "key": protocol.key,
        "name": protocol.name,
        "summary": protocol.summary,
        "jurisdiction": protocol.jurisdiction,
        "body_site": protocol.body_site,
        "product": protocol.product,
        "strengths_mg_per_mL": list(protocol.strengths_mg_per_mL),
        "volume_mL": protocol.volume_mL,
        "spacing_mm": protocol.layout.spacing_mm,
        "interval_days": protocol.interval_days,
        "sessions": protocol.sessions,
        "sources": sorted({cited.source for cited in protocol.cited}),
    }


def print_protocols(protocols: Sequence["Protocol"]) -> None:
    """Print the named protocols: key, what it is, its figures."""
    for protocol in protocols:
        row = protocol_row(protocol)
        strengths = ", ".join(f"{value:g}" for value in row["strengths_mg_per_mL"])
        figures = (
            f"{row['product']}, {strengths} mg/mL, {row['volume_mL']:g} mL a site, "
            f"{row['spacing_mm']:g} mm apart, {row['sessions']} sessions, "
            f"every {row['interval_days']:g} days ({', '.join(row['sources'])})"
        )
        grid = _grid()
        grid.add_row("", _line(f"{row['name']}. {row['summary']}"))
        grid.add_row("", _line(figures, "dim"))
        _print(_line(row["key"], "bold"), grid)


def print_warnings(warnings: Sequence["Problem"]) -> None:
    """Print what is odd but possible in a record to standard error."""
    from rich.console import Console

    console = Console(stderr=True)
    for warning in warnings:
        console.print(_line(f"Odd but possible: {warning}", "yellow"))


def print_written(*files: tuple[str, object]) -> None:
    """Print which files were written."""
    for name, path in files:
        _print(_line(f"{name} written to {path}", "green"))


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False)


def _print(*parts: "RenderableType") -> None:
    console = _console()
    for part in parts:
        console.print(part)


def _line(words: str, style: str = "") -> "RenderableType":
    """Text of which nothing is taken for markup, because some of it comes from files."""
    from rich.text import Text

    return Text(printable(words), style=style)


def _table(*headings: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        first = heading in ("protocol", "parameter")
        table.add_column(_line(heading), overflow="fold", no_wrap=first)
    return table


def _grid() -> "Table":
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid
