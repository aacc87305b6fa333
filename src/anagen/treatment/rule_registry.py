"""The register of what rules can measure, and how words of a record are matched."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from anagen.treatment.facts import PatchFacts
from anagen.treatment.rule_case import Case

Gives = Literal["number", "words", "presence"]
Gather = Literal["session", "patch", "place", "plan"]


class Query(Protocol):
    """What a measure reads of a rule or of one of its conditions."""

    @property
    def after_weeks(self) -> float | None:
        """Only what was seen this long after the first session [week]."""

    @property
    def window_days(self) -> float | None:
        """Only what was given in so many days [day]."""


@dataclass(frozen=True)
class Measured:
    """One value or text found at a place."""

    place: str
    value: float | None = None
    found: str | None = None
    patch: str | None = None


Function = Callable[[Case, Query], Iterable[Measured]]


@dataclass(frozen=True)
class Measure:
    """A measure: what it is called, what it gives, in which unit, and how its hits are gathered.

    ``gather`` is what hits must share to become one finding: the session, the session and the
    patch, the place itself, or nothing (the first place stands for the plan).
    """

    name: str
    gives: Gives
    unit: str
    gather: Gather
    function: Function


MEASURES: dict[str, Measure] = {}


def measure(
    gives: Gives = "presence",
    unit: str = "1",
    gather: Gather = "place",
) -> Callable[[Function], Function]:
    """Register the function that follows as a measure, under its own name."""

    def register(function: Function) -> Function:
        name = function.__name__
        MEASURES[name] = Measure(name, gives, unit, gather, function)
        return function

    return register


def mentions(entry: str, terms: tuple[str, ...]) -> bool:
    """Whether an entry of a record mentions one of the terms and does not deny it.

    Examples
    --------
    >>> mentions("Ritonavir 100 mg", ("ritonavir",))
    True
    >>> mentions("No known allergy to benzyl alcohol", ("benzyl alcohol",))
    False
    """
    text = " ".join(entry.casefold().replace("_", " ").split())
    return bool(_pattern(terms).search(text)) and not _denied(text)


@lru_cache(maxsize=256)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, terms)) + ")")


def _denied(text: str) -> bool:
    from anagen.evidence.rules import load_words

    words = load_words()
    return text.startswith(words["negations"]) and not any(w in text for w in words["exceptions"])


def latest_regrowth(patch: PatchFacts, query: Query) -> float | None:
    """Regrowth seen last, not before the weeks a rule asks for [%]; None when none was."""
    seen = [view for view in patch.regrowth if view.weeks >= (query.after_weeks or 0)]
    return max(seen, key=lambda view: view.weeks).percent if seen else None
