"""One thing that the lint of protocols found."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from anagen.patient.positions import Path

LintSeverity = Literal["error", "warn", "inform"]
SEVERITIES: tuple[LintSeverity, ...] = ("error", "warn", "inform")


@dataclass(frozen=True)
class Lint:
    """One thing wrong (error), odd (warn) or worth knowing (inform) in a protocol.

    Parameters
    ----------
    severity : an error refuses the protocol.
    path : where in the protocol, for example ``("arms", 0, "treatment", "volume_mL")``.
    expected, found, remedy : as in `anagen.errors.Problem`.
    place : file, line and path in one text.
    line : of the file, from 1; None when there is no file.
    """

    severity: LintSeverity
    path: Path
    expected: str
    found: str
    remedy: str
    place: str = ""
    line: int | None = None

    @property
    def message(self) -> str:
        """What is wrong, in one sentence."""
        return f"expected {self.expected}, found {self.found}"


Finder = Callable[[Path, str, str, str], Lint]

error: Finder = partial(Lint, "error")
warn: Finder = partial(Lint, "warn")
inform: Finder = partial(Lint, "inform")


def share_problem(path: Path, value: float | None, what: str) -> list[Lint]:
    """Return the error of a share outside 0 to 1; none for a share or nothing."""
    if value is None or 0.0 <= value <= 1.0:
        return []
    hint = f" Was {value / 100:g} meant?" if 1.0 < value <= 100.0 else ""
    return [
        error(path, f"{what} from 0 to 1", f"{value:g}", f"Write a share, 0.25 for 25 %.{hint}")
    ]
