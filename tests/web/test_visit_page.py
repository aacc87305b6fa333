"""The visit page: what is typed and drawn becomes a visit, and a refused form loses nothing."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from web_server import NUMBER, Server

from anagen.clinic.people import documents_of
from anagen.clinic.permissions import CONSOLE
from anagen.errors import InputError
from anagen.web.console.visit_pages import read_visit

OUTLINE = {"view": "top", "unit": "mm", "points": [[60, 80], [80, 80], [80, 100], [60, 100]]}
DRAWING = {
    "patches": [{"id": "crown", "shape": {"outlines": [OUTLINE]}, "regrowth_percent": 20.0}],
    "patch_changes": [{"kind": "new", "after": ["crown"]}],
}


def fields(**more: str) -> dict[str, str]:
    return {"seen.date": "2026-03-02", "drawing": json.dumps(DRAWING), **more}


def visits(server: Server) -> list[Any]:
    return [one.document for one in documents_of(server.store, CONSOLE, NUMBER, ("visit",))]


def sent(server: Server, data: Mapping[str, str], path: str = "visit") -> Any:
    cookie = {"Cookie": server.sign_in("clinician")["Cookie"]}
    form = server.page(None, "GET", f"/people/{NUMBER}/{path}", headers=cookie)
    hidden = dict(re.findall(r'name="(csrf|once|version)" value="([^"]*)"', form.text))
    return server.page(
        None, "POST", f"/people/{NUMBER}/{path}", headers=cookie, data={**hidden, **data},
        follow_redirects=False,
    )  # fmt: skip


def test_what_is_drawn_and_typed_becomes_a_visit() -> None:
    row = {"seen.patches.0.id": "crown", "seen.patches.0.activity": "active",
           "seen.patches.0.trichoscopy.black_dots:number": "2", "seen.salt_percent:number": "1,5",
           "seen.adverse_events:words": "headache, faint"}  # fmt: skip
    visit = read_visit(fields(**row))
    patch = visit.seen.patches[0]
    assert (patch.id, patch.activity, patch.regrowth_percent) == ("crown", "active", 20.0)
    assert patch.trichoscopy is not None
    assert patch.trichoscopy.black_dots == 2
    assert patch.shape is not None
    assert (visit.seen.salt_percent, visit.seen.adverse_events) == (1.5, ("headache", "faint"))
    assert [one.kind for one in visit.patch_changes] == ["new"]


def test_without_javascript_a_patch_is_a_middle_and_a_diameter() -> None:
    visit = read_visit(
        {"seen.date": "2026-03-02", "new.id": "left one", "new.view": "top", "new.x": "70",
         "new.y": "90", "new.diameter": "22,5"}
    )  # fmt: skip
    assert visit.seen.patches[0].id == "left one"
    assert visit.patch_changes[0].after == ("left one",)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"seen.salt_percent:number": "900"}, "seen.salt_percent"),
        ({"seen.date": "tomorrow"}, "seen.date"),
        ({"new.id": "b", "new.x": "here"}, "new.x"),
        ({"drawing": "{}"}, "drawing"),
        ({"drawing": '{"patches": [{"id": 3}], "patch_changes": []}'}, "drawing"),
        ({"seen.patches.0.id": "crown", "seen.patches.0.atrophy_grade:number": "9"},
         "seen.patches[0].atrophy_grade"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_field(wrong: dict[str, str], place: str) -> None:
    with pytest.raises(InputError) as raised:
        read_visit(fields(**wrong))
    assert place in [problem.place for problem in raised.value.problems]


def test_a_visit_is_kept_once_and_comes_back_to_be_corrected(sqlite_server: Server) -> None:
    before = len(visits(sqlite_server))
    assert sent(sqlite_server, fields()).status_code == 303
    assert len(visits(sqlite_server)) == before + 1
    key = documents_of(sqlite_server.store, CONSOLE, NUMBER, ("visit",))[-1].id
    changed = fields(**{"seen.salt_percent:number": "2", "reason": "measured again"})
    assert sent(sqlite_server, changed, f"visits/{key}").status_code == 303
    assert visits(sqlite_server)[-1].seen.salt_percent == 2.0


def test_a_refused_form_keeps_what_was_typed_and_drawn(sqlite_server: Server) -> None:
    before = len(visits(sqlite_server))
    answer = sent(sqlite_server, fields(**{"seen.salt_percent:number": "900",
                                           "seen.note": "<b>note</b>"}))  # fmt: skip
    assert answer.status_code == 422
    assert "&lt;b&gt;note&lt;/b&gt;" in answer.text
    assert 'value="900"' in answer.text
    assert '"crown"' in answer.text
    assert "Check the decimal point" in answer.text
    assert len(visits(sqlite_server)) == before


def test_a_reader_may_not_write_a_visit(sqlite_server: Server) -> None:
    assert sqlite_server.page("reader", "GET", f"/people/{NUMBER}/visit").status_code == 403
