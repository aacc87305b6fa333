"""Everything Anagen raises on purpose.

AnagenError
├── InputError        what a person gave is wrong: place, expected, found, remedy
├── EvidenceError     a shipped data file breaks its own rules
├── SimulationError   the numbers of a simulation are not usable
└── ClinicError       the clinic's record
    ├── StoreError       cannot be read or written: no space, no permission, wrong key
    ├── NotFoundError    holds no such thing
    ├── StaleError       somebody else has changed it in the meantime
    ├── BusyError        has no room for more work now
    └── AccessError      nobody is signed in, or not one who may do this
        ├── SecondFactorError  the password is right; the code of the second factor is not
        └── ThrottledError     too many attempts to sign in
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


class ClinicError(AnagenError):
    """Base of what can go wrong with the clinic's record."""


class StoreError(ClinicError):
    """The store cannot be read or written; the message says why and what to do."""


class NotFoundError(ClinicError):
    """The record holds no such thing."""


class StaleError(ClinicError):
    """A change was based on an older version than the one that stands.

    Parameters
    ----------
    message : what was expected and found.
    current : version that stands now.
    """

    def __init__(self, message: str, current: int) -> None:
        self.current = current
        super().__init__(message)


class AccessError(ClinicError):
    """Nobody is signed in, or somebody who may not do this.

    Parameters
    ----------
    message : what is needed.
    signed_in : whether it is known who asks.
    """

    def __init__(self, message: str, *, signed_in: bool = True) -> None:
        self.signed_in = signed_in
        super().__init__(message)


class SecondFactorError(AccessError):
    """The password is right, and the code of the second factor is missing or wrong.

    Parameters
    ----------
    message : what is needed.
    missing : whether no code was given yet.
    """

    def __init__(self, message: str, *, missing: bool) -> None:
        self.missing = missing
        super().__init__(message, signed_in=False)


class ThrottledError(AccessError):
    """Too many attempts to sign in.

    Parameters
    ----------
    message : what is needed.
    seconds : how long to wait.
    """

    def __init__(self, message: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(message, signed_in=False)


class BusyError(ClinicError):
    """There is no room for more work now.

    Parameters
    ----------
    message : what is full.
    seconds : after how long to try again.
    """

    def __init__(self, message: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(message)
