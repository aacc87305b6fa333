"""Patches keep their identity over visits, and what cannot have become of them is refused."""

from datetime import date
from typing import Any

import pytest

from anagen.clinic.documents import PatchChange, VisitKept
from anagen.clinic.files import import_patient
from anagen.clinic.patches import PatchLine, check_changes, patch_history
from anagen.clinic.people import documents_of, keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.store import Store
from anagen.errors import InputError
from anagen.patient import PatchSeen, Patient, Visit
from anagen.scalp.shapes import PatchShape, circle_outline


def visit(month: int, *seen: str, changes: tuple[PatchChange, ...] = (), **more: Any) -> VisitKept:
    patches = tuple(PatchSeen(id=name, **more) for name in seen)
    return VisitKept(seen=Visit(date=date(2025, month, 1), patches=patches), patch_changes=changes)


def change(kind: Any, before: str = "", after: str = "") -> PatchChange:
    return PatchChange(kind=kind, before=tuple(before.split()), after=tuple(after.split()))


def followed(store: Store, *visits: VisitKept) -> dict[str, PatchLine]:
    import_patient(store, CONSOLE, Patient(id="P1"))
    for one in visits:
        keep(store, CONSOLE, "P1", "visit", one)
    return {line.id: line for line in patch_history(documents_of(store, CONSOLE, "P1"))}


def test_a_patch_is_followed_through_everything(store: Store) -> None:
    disc = PatchShape(outlines=(circle_outline("top", 80, 90, 20),))
    lines = followed(
        store,
        visit(1, "a", "b", regrowth_percent=0.0),
        visit(2, "a", shape=disc, regrowth_percent=30.0),
        visit(3, "a1", "a2", changes=(change("split", "a", "a1 a2"),)),
        visit(4, "ab", changes=(change("merged", "a1 b", "ab"), change("new", "", "c"))),
        visit(5, "a2", changes=(change("gone", "a2"),)),
        visit(6, "a2", changes=(change("returned", "", "a2"),)),
    )
    assert {name: line.state for name, line in lines.items()} == {
        "a": "split", "b": "merged", "a1": "merged", "a2": "returned", "ab": "present",
        "c": "present",
    }  # fmt: skip
    assert lines["a"].into == ("a1", "a2")
    assert lines["ab"].ancestors == ("a1", "b")
    assert lines["a2"].ancestors == ("a",)
    assert lines["a2"].since == date(2025, 6, 1)
    assert lines["c"].first_seen == date(2025, 4, 1)
    assert [(m.date.month, m.regrowth_percent) for m in lines["a"].seen] == [(1, 0.0), (2, 30.0)]
    assert [m.shape for m in lines["a"].seen] == [None, disc]
    assert [line.id for line in lines.values() if line.is_there] == ["a2", "ab", "c"]


def test_the_larger_part_may_keep_its_name() -> None:
    visits = [visit(1, "a", "b"), visit(2, changes=(change("split", "a", "a a2"),))]
    assert not check_changes(visits[:1], visits[1])
    merged = visit(3, changes=(change("merged", "a b", "a"),))
    assert not check_changes(visits, merged)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        (change("gone", "z"), "patch_changes[0].before[0]"),
        (change("gone", "went"), "patch_changes[0].before[0]"),
        (change("split", "went", "x y"), "patch_changes[0].before[0]"),
        (change("merged", "a z", "x"), "patch_changes[0].before[1]"),
        (change("new", "", "a"), "patch_changes[0].after[0]"),
        (change("new", "", "went"), "patch_changes[0].after[0]"),
        (change("split", "a", "a1 b"), "patch_changes[0].after[1]"),
        (change("merged", "a b", "went"), "patch_changes[0].after[0]"),
        (change("returned", "", "a"), "patch_changes[0].after[0]"),
        (change("returned", "", "z"), "patch_changes[0].after[0]"),
        (change("split", "a", "x x"), "patch_changes[0].after[1]"),
    ],
)
def test_what_cannot_be_is_named(changes: PatchChange, place: str) -> None:
    visits = [visit(1, "a", "b", "went"), visit(2, changes=(change("gone", "went"),))]
    problems = check_changes(visits, visit(3, changes=(changes,)))
    assert [problem.place for problem in problems] == [place]
    assert all(problem.remedy for problem in problems)


def test_all_problems_come_at_once_and_nothing_is_kept(store: Store) -> None:
    import_patient(store, CONSOLE, Patient(id="P1", visits=(visit(1, "a").seen,)))
    wrong = visit(2, "a", changes=(change("gone", "z"), change("new", "", "a")))
    with pytest.raises(InputError) as caught:
        keep(store, CONSOLE, "P1", "visit", wrong)
    assert len(caught.value.problems) == 2
    assert len(documents_of(store, CONSOLE, "P1", ("visit",))) == 1


def test_a_visit_can_be_corrected_without_standing_in_its_own_way(store: Store) -> None:
    import_patient(store, CONSOLE, Patient(id="P1", visits=(visit(1, "a").seen,)))
    new = visit(2, "b", changes=(change("new", "", "b"),))
    entry = keep(store, CONSOLE, "P1", "visit", new).entry
    again = visit(2, "b", changes=(change("new", "", "b"), change("gone", "a")))
    keep(store, CONSOLE, "P1", "visit", again, key=entry.id, expected=1, reason="one more")
    lines = {line.id: line for line in patch_history(documents_of(store, CONSOLE, "P1"))}
    assert lines["a"].state == "gone"


def test_visits_written_down_late_count_in_order_of_date() -> None:
    late = visit(1, "a")
    gone = visit(3, changes=(change("gone", "a"),))
    assert not check_changes([visit(4, changes=(change("returned", "", "a"),)), late], gone)
    assert check_changes([visit(4, "a")], gone)
