"""Everything Anagen raises on purpose.

AnagenError
├── InputError        what a person gave is wrong: place, expected, found, remedy
├── EvidenceError     a shipped data file breaks its own rules
└── SimulationError   the numbers of a simulation are not usable
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input.

    Parameters
    ----------
    place : where it stands, for example ``patient.json: visits[1].patches[0].outlines[0]``.
    expected : what would have been right.
    found : what came instead.
    remedy : what to do about it.
    """

    place: str
    expected: str
    found: str
    remedy: str

    def __str__(self) -> str:
        """One line for a terminal."""
        return f"{self.place}: expected {self.expected}, found {self.found}. {self.remedy}"


class AnagenError(Exception):
    """Base of all errors that Anagen raises on purpose."""


class InputError(AnagenError):
    """Input that cannot be used; carries every problem found, not just the first."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[Problem, ...]]]:
        """Rebuild from the problems, so that the error survives the way between processes."""
        return InputError, (self.problems,)


class EvidenceError(AnagenError):
    """A shipped data file lacks a unit, a source, or contradicts another file."""


class SimulationError(AnagenError):
    """A simulation whose result is not finite or does not conserve what it must."""
