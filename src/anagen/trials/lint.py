"""What in a protocol contradicts itself, cannot be done, or passes a limit of treatment.

Every check is one function of the protocol that yields what it found; all of them run, so that
one reading tells everything. Errors refuse the protocol, warnings and information are shown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from anagen.errors import Problem
from anagen.patient.positions import Path, nearest_line, words
from anagen.trials import lint_doses, lint_reading, lint_shape, lint_times
from anagen.trials.lint_found import SEVERITIES, Lint
from anagen.trials.protocol import Protocol

if TYPE_CHECKING:
    from anagen.evidence.rules import Profile

__all__ = ["Lint", "check_protocol", "problems_of"]

_CHECKS: tuple[Callable[[Protocol], Iterable[Lint]], ...] = (
    lint_shape.arms,
    lint_shape.keys,
    lint_shape.units,
    lint_shape.people,
    lint_shape.eligibility,
    lint_shape.stratification,
    lint_shape.sources,
    lint_times.visits,
    lint_times.courses,
    lint_times.steps_and_stops,
    lint_times.rescues,
    lint_times.follow_up,
    lint_reading.endpoints,
    lint_reading.endpoint_times,
    lint_reading.conduct,
    lint_doses.products,
    lint_doses.techniques,
    lint_doses.numbers,
    lint_doses.guided,
)


def check_protocol(
    protocol: Protocol,
    profile: "Profile | str | None" = None,
    *,
    name: str = "",
    lines: Mapping[Path, int] | None = None,
) -> tuple[Lint, ...]:
    """Find everything wrong or odd in a protocol.

    Parameters
    ----------
    protocol : the protocol.
    profile : rules of treatment that hold, or their name; None for the default.
    name, lines : file and line of every value, where they are known.

    Returns
    -------
    tuple of Lint
        Gravest first, then in the order of the file.

    Raises
    ------
    InputError
        When the profile is unknown.

    Examples
    --------
    >>> from anagen.trials.protocol_file import read_protocol_file
    >>> file = read_protocol_file("five-against-ten")
    >>> [lint.severity for lint in check_protocol(file.protocol) if lint.severity == "error"]
    []
    """
    found = [lint for check in _CHECKS for lint in check(protocol)]
    found += lint_doses.limits(protocol, profile)
    placed = [_placed(lint, name, lines) for lint in dict.fromkeys(found)]
    return tuple(sorted(placed, key=_order))


def problems_of(lints: Iterable[Lint]) -> list[Problem]:
    """Errors among the findings, as problems of the input."""
    return [
        Problem(lint.place, lint.expected, lint.found, lint.remedy)
        for lint in lints
        if lint.severity == "error"
    ]


def _placed(lint: Lint, name: str, lines: Mapping[Path, int] | None) -> Lint:
    line = nearest_line(lines, lint.path) if lines else None
    file = name if line is None else f"{name}:{line}"
    place = ": ".join(part for part in (file, words(lint.path)) if part)
    return replace(lint, place=place or "protocol", line=line)


def _order(lint: Lint) -> tuple[int, int]:
    return SEVERITIES.index(lint.severity), lint.line or 0
