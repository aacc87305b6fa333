"""Kinds of stories that the demonstration clinic tells, and the words they are told in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from anagen.evidence.rows import (
    Quantity,
    check_fields,
    parse_provenance,
    parse_quantity,
    read_table,
)

_FILE = "forecast/stories.toml"
_FIELDS = frozenset({"setting", "patches", "weeks", "interval", "protocol", "regrowth", "often"})


@dataclass(frozen=True)
class Kind:
    """A kind of story.

    Parameters
    ----------
    name : for people; setting : of `anagen.population.settings` from which the person is drawn.
    patches : least and most at the first visit; weeks : least and most up to today.
    interval : between visits while sessions are given [day]; protocol : key.
    regrowth : cover [1] at weeks 12 and 24 that the person comes nearest to; empty for anybody.
    often : how many stories of a round are of this kind.
    strength : [mg/mL] in place of the protocol's; 0 for the protocol's.
    """

    name: str
    setting: str
    patches: tuple[int, int]
    weeks: tuple[int, int]
    interval: int
    protocol: str
    regrowth: tuple[float, ...]
    often: int
    strength: float = 0.0


@dataclass(frozen=True)
class StoryRows:
    """What ``forecast/stories.toml`` holds: kinds, numbers with their units, words."""

    kinds: Mapping[str, Kind]
    numbers: Mapping[str, Quantity]
    words: Mapping[str, Any]

    def number(self, name: str) -> float:
        """One number in the unit of its row."""
        return self.numbers[name].value

    def rounds(self) -> tuple[str, ...]:
        """Names of the kinds, each as often as it occurs in one round, well mixed."""
        left = {name: kind.often for name, kind in self.kinds.items()}
        found: list[str] = []
        while any(left.values()):
            turn = [name for name, count in left.items() if count]
            found += turn
            left = {name: count - (name in turn) for name, count in left.items()}
        return tuple(found)


@lru_cache(maxsize=1)
def load_story_rows() -> StoryRows:
    """Load the kinds of stories.

    Raises
    ------
    EvidenceError
        When a row lacks a field or a source.

    Examples
    --------
    >>> load_story_rows().kinds["child"].protocol
    'child-primer'
    """
    tables = check_fields(_FILE, read_table(_FILE),
                          frozenset({"origin", "kind", "number", "words"}))  # fmt: skip
    parse_provenance(f"{_FILE}: origin", tables["origin"])
    parse_provenance(f"{_FILE}: words", tables["words"])
    return StoryRows(
        {name: _kind(name, row) for name, row in tables["kind"].items()},
        {name: parse_quantity(f"{_FILE}: {name}", row) for name, row in tables["number"].items()},
        tables["words"],
    )


def _kind(name: str, row: Mapping[str, Any]) -> Kind:
    check_fields(f"{_FILE}: {name}", row, _FIELDS, frozenset({"strength"}))
    return Kind(
        name=name,
        setting=row["setting"],
        patches=_pair(row["patches"]),
        weeks=_pair(row["weeks"]),
        interval=int(row["interval"]),
        protocol=row["protocol"],
        regrowth=tuple(map(float, row["regrowth"])),
        often=int(row["often"]),
        strength=float(row.get("strength", 0.0)),
    )


def _pair(values: Sequence[Any]) -> tuple[int, int]:
    least, most = values
    return int(least), int(most)
