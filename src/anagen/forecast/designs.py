"""Which plans to put beside each other, before any site is placed: protocols, variations, steps."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from anagen.errors import InputError, Problem
from anagen.forecast.choices import Grid, PatchChoice
from anagen.treatment.protocols import Protocol, change_protocol, load_protocol, load_protocols
from anagen.treatment.validation import plausible

Kind = Literal["named protocol", "variation", "wait", "stop", "step up", "step down"]

STOP = "No injections"
_RESEARCH = "research"
_ROUNDING = 1e-9  # mg/mL
_WEEK = timedelta(weeks=1) / timedelta(days=1)
_CHECKS = {
    "strengths_mg_per_mL": "injection.strength",
    "volumes_mL": "injection.volume",
    "spacings_mm": "placement.spacing",
    "sessions": "plan.sessions",
}


@dataclass(frozen=True)
class Proposal:
    """A plan in outline.

    Parameters
    ----------
    name, kind : as in `anagen.forecast.candidates.Candidate`.
    protocol : its numbers; None for no injection at all.
    patches : ids of the patches injected.
    wait_days : how much later than possible it starts [day].
    sources : references that support it.
    """

    name: str
    kind: Kind
    protocol: Protocol | None
    patches: tuple[str, ...] = ()
    wait_days: int = 0
    sources: tuple[str, ...] = ()


def propose(
    grid: Grid,
    protocols: Sequence[str] | None,
    patches: Mapping[PatchChoice, tuple[str, ...]],
    last_strength: float | None,
) -> Iterator[Proposal]:
    """Propose named protocols, stop, wait, steps and variations, in this order.

    Parameters
    ----------
    grid : what is varied.
    protocols : keys of the named ones; None for all of the scalp that are not for research.
    patches : ids by choice of patches; the first choice is that of all but variations.
    last_strength : strength of the last session given [mg/mL]; None without one.

    Yields
    ------
    Proposal
        Variations that differ from the base in the fewest numbers come first.
    """
    everywhere = next(iter(patches.values()))
    for protocol in _named(protocols):
        cited = sorted({row.source for row in protocol.cited} - {"assumed"})
        yield Proposal(protocol.name, "named protocol", protocol, everywhere, sources=tuple(cited))
    yield Proposal(STOP, "stop", None, sources=(grid.sources["stop"],))
    base = load_protocol(grid.protocol)
    going_on = change_protocol(base, strength_mg_per_mL=last_strength) if last_strength else base
    for kind, strength in _steps(grid, last_strength):
        stepped = change_protocol(base, strength_mg_per_mL=strength)
        name = f"{kind.capitalize()}: {design_words(stepped)}"
        yield Proposal(name, kind, stepped, everywhere, sources=(grid.sources["step"],))
    for weeks in grid.waits_weeks:
        yield Proposal(
            f"Wait {weeks:g} weeks, then {design_words(going_on)}", "wait", going_on, everywhere,
            wait_days=round(weeks * _WEEK), sources=(grid.sources["wait"],),
        )  # fmt: skip
    yield from _variations(grid, base, patches)


def _named(protocols: Sequence[str] | None) -> list[Protocol]:
    if protocols is not None:
        problems: list[Problem] = []
        found = []
        for index, key in enumerate(dict.fromkeys(protocols)):
            try:
                found.append(load_protocol(key, f"protocols[{index}]"))
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError(problems)
        return found
    return [
        protocol
        for protocol in load_protocols().values()
        if protocol.body_site == "scalp" and protocol.jurisdiction != _RESEARCH
    ]


def _steps(
    grid: Grid, last: float | None
) -> Iterator[tuple[Literal["step up", "step down"], float]]:
    """Next strength above and below the last one given; none before the first session."""
    ladder = load_protocol(grid.steps).strengths_mg_per_mL
    above = [strength for strength in ladder if last is not None and strength > last + _ROUNDING]
    below = [strength for strength in ladder if last is not None and strength < last - _ROUNDING]
    if above:
        yield "step up", min(above)
    if below:
        yield "step down", max(below)


def _variations(
    grid: Grid, base: Protocol, patches: Mapping[PatchChoice, tuple[str, ...]]
) -> Iterator[Proposal]:
    rows = itertools.product(
        patches.items(), grid.sessions, grid.intervals_weeks, grid.spacings_mm,
        grid.volumes_mL, grid.strengths_mg_per_mL,
    )  # fmt: skip
    everywhere = next(iter(patches))
    made: list[tuple[int, Proposal]] = []
    for (choice, ids), sessions, weeks, spacing, volume, strength in rows:
        wanted: dict[str, Any] = {
            "strength_mg_per_mL": strength,
            "volume_mL": volume,
            "spacing_mm": spacing,
            "interval_days": round(weeks * _WEEK),
            "sessions": sessions,
        }
        changes = {name: value for name, value in wanted.items() if _now(base, name) != value}
        varied = change_protocol(base, **changes) if changes else base
        part = "" if choice == everywhere else f", {_patch_words(choice, ids)}"
        sources = {grid.sources[_ROWS[name]] for name in changes} or {grid.sources["base"]}
        proposal = Proposal(
            design_words(varied) + part, "variation", varied, ids,
            sources=tuple(sorted(sources - {"assumed"})),
        )  # fmt: skip
        made.append((len(changes) + bool(part), proposal))
    yield from (proposal for _, proposal in sorted(made, key=lambda row: row[0]))


_ROWS = {"strength_mg_per_mL": "strength", "volume_mL": "volume", "spacing_mm": "spacing",
         "interval_days": "interval", "sessions": "sessions"}  # fmt: skip


def _now(base: Protocol, name: str) -> float | None:
    if name == "strength_mg_per_mL":
        return base.strengths_mg_per_mL[0] if len(base.strengths_mg_per_mL) == 1 else None
    return base.layout.spacing_mm if name == "spacing_mm" else float(getattr(base, name))


def design_words(protocol: Protocol) -> str:
    """Numbers of a protocol in a few words.

    Examples
    --------
    >>> design_words(load_protocol("scalp-standard-5"))
    '5 mg/mL, 0.1 mL, 10 mm, every 4 weeks x6'
    """
    strengths = "-".join(f"{strength:g}" for strength in protocol.strengths_mg_per_mL)
    days = timedelta(days=protocol.interval_days)
    times = f"every {days / timedelta(weeks=1):g} weeks x{protocol.sessions}"
    often = times if protocol.sessions > 1 else "once"
    return (
        f"{strengths} mg/mL, {protocol.volume_mL:g} mL, {protocol.layout.spacing_mm:g} mm, {often}"
    )


def _patch_words(choice: PatchChoice, ids: tuple[str, ...]) -> str:
    return f"only {ids[0]}" if len(ids) == 1 else f"only the {choice} patches"


def signature(proposal: Proposal) -> tuple[Any, ...]:
    """Tell whether two proposals are one plan: all that reaches the skin, and when."""
    protocol = proposal.protocol
    if protocol is None:
        return ()
    last = max(protocol.sessions, 1)
    strengths = protocol.strengths_mg_per_mL
    return (
        proposal.patches,
        proposal.wait_days,
        tuple(strengths[min(index, len(strengths) - 1)] for index in range(last)),
        protocol.interval_days,
        protocol.product,
        protocol.diluent,
        protocol.volume_mL,
        protocol.layout,
        protocol.depth_mm,
        protocol.needle_gauge,
        protocol.session_volume_mL,
        protocol.comfort,
    )


def check_grid(grid: Grid) -> None:
    """Refuse a grid that cannot be meant.

    Raises
    ------
    InputError
        Every problem: an empty row, numbers beyond what can be meant, unknown protocols.
    """
    problems: list[Problem] = []
    for name in (*_CHECKS, "intervals_weeks"):
        problems += _row_problems(name, getattr(grid, name))
    if not grid.patches:
        problems.append(Problem("grid.patches", "one of all, active, worst", "none", "Name one."))
    for weeks in grid.waits_weeks:
        problems += _bounded("grid.waits_weeks", weeks * _WEEK, "plan.interval")
    for name in ("protocol", "steps"):
        try:
            load_protocol(getattr(grid, name), f"grid.{name}")
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)


def _row_problems(name: str, values: Sequence[float]) -> list[Problem]:
    place = f"grid.{name}"
    if not values:
        return [Problem(place, "at least one value", "none", "Give the values to compare.")]
    if name == "intervals_weeks":
        return [found for value in values
                for found in _bounded(place, round(value * _WEEK), "plan.interval")]  # fmt: skip
    return [found for value in values for found in _bounded(place, value, _CHECKS[name])]


def _bounded(place: str, value: float, key: str) -> list[Problem]:
    try:
        plausible(value, key, place)
    except InputError as error:
        return list(error.problems)
    return []
