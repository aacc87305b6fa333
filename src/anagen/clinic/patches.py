"""Patches over all visits: each keeps its identity while it splits, merges, goes and comes back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from anagen.clinic.documents import PatchChange, VisitKept
from anagen.clinic.entries import Entry
from anagen.errors import Problem
from anagen.patient.timeline import regrowth_percent
from anagen.scalp.shapes import PatchShape

Day = date
PatchState = Literal["present", "gone", "split", "merged", "returned"]


@dataclass(frozen=True)
class PatchMoment:
    """One patch at one visit.

    Parameters
    ----------
    date : day of the visit.
    visit : id of the visit.
    shape : as drawn at this visit; None when it was not drawn.
    regrowth_percent : share covered again [%]; None when not judged.
    activity : judgement of the examiner.
    """

    date: Day
    visit: str
    shape: PatchShape | None = None
    regrowth_percent: float | None = None
    activity: str | None = None


@dataclass(frozen=True)
class PatchLine:
    """One patch over all visits.

    Parameters
    ----------
    id : lasting name.
    first_seen : day on which it was first noticed, else first recorded.
    state : present, gone, split (into others), merged (into another) or returned (present again).
    since : day from which it is so.
    ancestors : patches it came from, by a split or a merger.
    into : patches it became.
    seen : what was seen of it, in order of date.
    """

    id: str
    first_seen: Day
    state: PatchState
    since: Day
    ancestors: tuple[str, ...] = ()
    into: tuple[str, ...] = ()
    seen: tuple[PatchMoment, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether it is there as of the last visit."""
        return self.state in ("present", "returned")


@dataclass
class _Line:
    """A line while it is drawn."""

    first_seen: Day
    state: PatchState
    since: Day
    ancestors: list[str] = field(default_factory=list)
    into: list[str] = field(default_factory=list)
    seen: list[PatchMoment] = field(default_factory=list)


def patch_history(entries: Iterable[Entry]) -> tuple[PatchLine, ...]:
    """Follow every patch over the visits of one person.

    Parameters
    ----------
    entries : what stands of the person; all but visits is passed over.

    Returns
    -------
    tuple of PatchLine
        In the order in which they first appear.
    """
    standing = [e for e in entries if e.kind == "visit" and not e.retracted and e.text is not None]
    visits = [(entry.id, entry.document) for entry in standing]
    lines: dict[str, _Line] = {}
    for key, visit in sorted(visits, key=lambda pair: pair[1].seen.date):
        _follow(lines, key, visit)
    return tuple(
        PatchLine(
            name, line.first_seen, line.state, line.since, tuple(dict.fromkeys(line.ancestors)),
            tuple(dict.fromkeys(line.into)), tuple(line.seen),
        )
        for name, line in lines.items()
    )  # fmt: skip


def check_changes(visits: Sequence[VisitKept], new: VisitKept) -> list[Problem]:
    """Find what cannot have become of patches at a visit.

    Parameters
    ----------
    visits : the other visits of the person; later ones are not looked at.
    new : the visit with the changes.

    Returns
    -------
    list of Problem
        Empty when the changes fit what was there before.

    Examples
    --------
    >>> from anagen.patient import Visit
    >>> gone = PatchChange(kind="gone", before=("a",))
    >>> visit = VisitKept(seen=Visit(date=date(2025, 5, 1)), patch_changes=(gone,))
    >>> check_changes([], visit)[0].place
    'patch_changes[0].before[0]'
    """
    before: dict[str, _Line] = {}
    for visit in sorted(visits, key=lambda one: one.seen.date):
        if visit.seen.date < new.seen.date:
            _follow(before, "", visit)
    there = {name for name, line in before.items() if line.state in ("present", "returned")}
    return [
        *_ended_were_there(new.patch_changes, there, before),
        *_begun_fit(new.patch_changes, before),
        *_named_once(new.patch_changes),
    ]


def _follow(lines: dict[str, _Line], key: str, visit: VisitKept) -> None:
    day = visit.seen.date
    for change in visit.patch_changes:
        _apply(lines, change, day)
    for patch in visit.seen.patches:
        line = lines.setdefault(patch.id, _Line(patch.first_seen or day, "present", day))
        line.first_seen = min(line.first_seen, patch.first_seen or day)
        line.seen.append(
            PatchMoment(day, key, patch.shape, regrowth_percent(patch), patch.activity)
        )


def _apply(lines: dict[str, _Line], change: PatchChange, day: Day) -> None:
    for name in change.before:
        line = lines.setdefault(name, _Line(day, "present", day))
        line.into += [other for other in change.after if other != name]
        if name not in change.after:
            ended: dict[str, PatchState] = {"gone": "gone", "split": "split", "merged": "merged"}
            line.state, line.since = ended[change.kind], day
    for name in change.after:
        line = lines.setdefault(name, _Line(day, "present", day))
        line.ancestors += [other for other in change.before if other != name]
        if change.kind == "returned":
            line.state, line.since = "returned", day


def _ended_were_there(
    changes: Sequence[PatchChange], there: set[str], before: dict[str, _Line]
) -> Iterator[Problem]:
    for index, change in enumerate(changes):
        for at, name in enumerate(change.before):
            if name not in there:
                found = f"{name!r}, {before[name].state}" if name in before else f"{name!r}, unseen"
                yield Problem(
                    f"patch_changes[{index}].before[{at}]",
                    "a patch that was there at the visits before", found,
                    f"Known and there: {', '.join(sorted(there)) or 'none'}.",
                )  # fmt: skip


def _begun_fit(changes: Sequence[PatchChange], before: dict[str, _Line]) -> Iterator[Problem]:
    for index, change in enumerate(changes):
        for at, name in enumerate(change.after):
            place = f"patch_changes[{index}].after[{at}]"
            known = before.get(name)
            if change.kind == "returned":
                if known is None or known.state != "gone":
                    state = "never seen" if known is None else known.state
                    yield Problem(place, "a patch that was gone", f"{name!r}, {state}",
                                  "Only what was gone comes back; else call it new.")  # fmt: skip
            elif known is not None and name not in change.before:
                yield Problem(
                    place, "a name that no patch has had", f"{name!r}, used before",
                    "Give it a name of its own, so that the two are not taken for one.",
                )  # fmt: skip


def _named_once(changes: Sequence[PatchChange]) -> Iterator[Problem]:
    for side in ("before", "after"):
        seen: set[str] = set()
        for index, change in enumerate(changes):
            for at, name in enumerate(getattr(change, side)):
                if name in seen:
                    yield Problem(f"patch_changes[{index}].{side}[{at}]", "each patch once",
                                  f"{name!r} again", "Remove one of the two.")  # fmt: skip
                seen.add(name)
