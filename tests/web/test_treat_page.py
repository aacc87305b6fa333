"""The page of a session, as a browser without scripts uses it, and what it keeps."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from web_server import NUMBER, PASSWORD

from anagen.clinic.documents import PlanKept, SessionKept, VisitKept
from anagen.clinic.entries import page as page_of
from anagen.clinic.people import documents_of, keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.store import reading

ADDRESS = f"/people/{NUMBER}/treat"
HOSTILE = '"><script>alert(1)</script>'
TODAY = date.today()
Browse = Callable[[str], "Browser"]


def site(number: int, x: float) -> dict[str, Any]:
    """One planned site on the crown."""
    point = {"view": "top", "x": x, "y": 0.5, "unit": "fraction"}
    return {"number": number, "location": point, "patch": "p1", "product": "ta10",
            "strength_mg_per_mL": 5.0, "volume_mL": 0.1, "depth_mm": 3.0,
            "needle_gauge": 30}  # fmt: skip


def plan_kept(state: str = "accepted", sessions: int = 2) -> dict[str, Any]:
    """A plan of three sites a session."""
    days = [(TODAY + timedelta(days=28 * at)).isoformat() for at in range(sessions)]
    sites = [site(1, 0.45), site(2, 0.5), site(3, 0.55)]
    rows = [{"date": day, "comfort": ["cooling"], "injections": sites} for day in days]
    plan = {"patient": NUMBER, "protocol": "custom", "sessions": rows}
    return {"plan": plan, "state": state}


GIVEN = {
    "site.1.status": "given", "site.2.status": "given", "site.2.reflux": "yes",
    "site.3.status": "skipped", "site.3.reason": "too painful", "lot": "AB123",
    "expiry": (TODAY + timedelta(days=90)).isoformat(), "pain": "4", "signed_by": "FB",
    "comfort.1": "cooling", "comfort.4": "lying_flat", "needle": "30 G",
}  # fmt: skip


class Browser:
    """Somebody at the page of a session."""

    def __init__(self, server: Any, name: str) -> None:
        self.server = server
        self.headers = {"Cookie": server.sign_in(name, PASSWORD)["Cookie"]}

    def get(self, query: str = "") -> Any:
        return self.server.page(None, "GET", ADDRESS + query, headers=self.headers)

    def hidden(self) -> dict[str, str]:
        """Hidden fields of the page, drawn anew each time it is opened."""
        found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.get().text)
        return {name: unescape(value) for name, value in found}

    def post(self, data: dict[str, str]) -> Any:
        """Send the form."""
        sent = self.hidden() | {"date": TODAY.isoformat()} | data
        return self.server.page(None, "POST", ADDRESS, headers=self.headers, data=sent)


@pytest.fixture
def plan(sqlite_server: Any) -> str:
    """Key of an accepted plan for the patch seen today."""
    corners = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
    outline = {"view": "top", "unit": "fraction", "points": corners}
    seen = {"date": TODAY.isoformat(), "patches": [{"id": "p1", "shape": {"outlines": [outline]}}]}
    write(sqlite_server, "visit", VisitKept, {"seen": seen})
    return write(sqlite_server, "plan", PlanKept, plan_kept())


def write(server: Any, kind: str, model: Any, data: dict[str, Any]) -> str:
    """Keep a document; gives its key."""
    import json

    document = model.model_validate_json(json.dumps(data))
    return str(keep(server.store, CONSOLE, NUMBER, kind, document).entry.id)


@pytest.fixture
def browse(sqlite_server: Any, plan: str) -> Browse:
    """Let somebody browse."""
    assert plan
    return lambda name: Browser(sqlite_server, name)


def sessions(server: Any) -> list[SessionKept]:
    """Sessions kept, oldest first."""
    found = documents_of(server.store, CONSOLE, NUMBER, ("session",))
    return [one.document for one in sorted(found, key=lambda one: one.seq)]


def plain(answer: Any) -> str:
    """Text of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_the_page_lists_every_site_in_the_order_of_the_hand(browse: Browse) -> None:
    text = browse("assistant").get().text
    assert re.findall(r'data-row="(\d+)"', text) == ["1", "2", "3"]
    assert text.count('class="dot"') == 3
    assert "Syringe 1" in text
    assert re.search(r'value="cooling" checked', text)


def test_a_session_is_kept_as_it_was_given(browse: Browse, sqlite_server: Any, plan: str) -> None:
    nurse = browse("assistant")
    answer = nurse.post(GIVEN)
    assert answer.status_code == 303, plain(answer)
    [kept] = sessions(sqlite_server)
    first, second, third = kept.session.injections
    assert (kept.stage, kept.plan, kept.pain, kept.signed_by) == ("given", plan, 4, "FB")
    assert (first.status, first.lot, first.reflux) == ("given", "AB123", False)
    assert second.reflux
    assert (third.status, third.skipped_reason) == ("skipped", "too painful")
    assert kept.session.comfort == ("cooling", "lying_flat")
    assert kept.session.total_mg == pytest.approx(1.0)
    done = nurse.get(answer.headers["location"].removeprefix(ADDRESS))
    assert "The session is kept" in done.text
    assert f'data-kept="{NUMBER}/{plan}"' in done.text
    assert "Session 2" in plain(nurse.get())


def test_sending_twice_keeps_one(browse: Browse, sqlite_server: Any) -> None:
    nurse = browse("assistant")
    hidden = nurse.hidden()
    answers = [nurse.post(hidden | GIVEN) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len(sessions(sqlite_server)) == 1


def test_one_page_never_keeps_two_sessions(browse: Browse, sqlite_server: Any) -> None:
    nurse = browse("assistant")
    hidden = nurse.hidden()
    nurse.post(hidden | GIVEN)
    answer = nurse.post(hidden | GIVEN | {"pain": "9"})
    assert answer.status_code == 422
    assert "This page was sent before" in answer.text
    assert [one.pain for one in sessions(sqlite_server)] == [4]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"site.2.status": ""}, "site.2", "given or skipped"),
        ({"site.3.reason": ""}, "site.3", "why it was skipped"),
        ({"lot": " "}, "lot", "the lot printed on the vial"),
        ({"expiry": "soon"}, "expiry", "a day"),
        ({"expiry": "2020-01-31"}, "expiry", "stock that lasts"),
        ({"signed_by": ""}, "signed_by", "who signs"),
        ({"date": (TODAY + timedelta(days=2)).isoformat()}, "date", "today or a day before"),
        ({"date": "1066-10-14"}, "date", ""),
    ],
)
def test_what_is_missing_is_said_and_what_was_tapped_stays(
    browse: Browse, sqlite_server: Any, changes: dict[str, str], field: str, words: str
) -> None:
    answer = browse("assistant").post(GIVEN | changes)
    assert answer.status_code == 422
    assert words in unescape(answer.text)
    assert f'href="#{field}"' in answer.text
    assert re.search(r'name="site.1.status" value="given" checked', answer.text)
    assert re.search(r'name="pain" value="4" checked', answer.text)
    assert sessions(sqlite_server) == []


def test_everything_missing_is_said_at_once(browse: Browse) -> None:
    answer = browse("assistant").post({})
    for field in ("site.1", "site.2", "site.3", "signed_by"):
        assert f'href="#{field}"' in answer.text


def test_expired_stock_that_was_used_is_kept_when_said(browse: Browse, sqlite_server: Any) -> None:
    nurse = browse("assistant")
    old = {"expiry": "2020-01-31"}
    assert 'name="expired_ok"' in nurse.post(GIVEN | old).text
    assert nurse.post(GIVEN | old | {"expired_ok": "yes"}).status_code == 303
    assert sessions(sqlite_server)[0].session.injections[0].expiry == date(2020, 1, 31)


def test_all_sites_skipped_need_no_lot(browse: Browse, sqlite_server: Any) -> None:
    skipped = {f"site.{at}.status": "skipped" for at in (1, 2, 3)}
    reasons = {f"site.{at}.other": "fainted" for at in (1, 2, 3)}
    answer = browse("assistant").post({**skipped, **reasons, "signed_by": "FB"})
    assert answer.status_code == 303, plain(answer)
    assert sessions(sqlite_server)[0].session.total_mg == 0.0


def test_a_draft_is_not_treated(browse: Browse, sqlite_server: Any) -> None:
    draft = write(sqlite_server, "plan", PlanKept, plan_kept("draft"))
    nurse = browse("assistant")
    assert "not accepted" in nurse.get(f"?plan={draft}").text
    assert nurse.post(GIVEN | {"plan": draft, "session": "1"}).status_code == 422
    assert sessions(sqlite_server) == []


def test_when_all_were_given_there_is_nothing_left(browse: Browse, sqlite_server: Any) -> None:
    write(sqlite_server, "plan", PlanKept, plan_kept(sessions=1))
    nurse = browse("assistant")
    assert nurse.post(GIVEN).status_code == 303
    assert "All sessions of this plan were given" in nurse.get().text


def test_who_only_reads_keeps_nothing(browse: Browse, sqlite_server: Any) -> None:
    reader = browse("reader")
    assert "may look, but not keep" in reader.get().text
    assert reader.post(GIVEN).status_code == 403
    assert sessions(sqlite_server) == []


def test_hostile_words_stay_words(browse: Browse, sqlite_server: Any) -> None:
    nurse = browse("assistant")
    words = {"lot": HOSTILE, "site.3.other": HOSTILE, "note": HOSTILE, "signed_by": HOSTILE}
    wrong = nurse.post(GIVEN | words | {"site.1.status": "", "plan": nurse.hidden()["plan"]})
    assert "<script>alert" not in wrong.text
    answer = nurse.post(GIVEN | words)
    assert answer.status_code == 303
    assert "<script>alert" not in nurse.get(answer.headers["location"].removeprefix(ADDRESS)).text
    assert sessions(sqlite_server)[0].session.injections[2].skipped_reason == HOSTILE


def test_nobody_else_and_no_other_plan(browse: Browse, sqlite_server: Any) -> None:
    nurse = browse("assistant")
    assert nurse.get("?plan=0000000000").status_code == 404
    other = sqlite_server.page(None, "GET", "/people/B-2/treat", headers=nurse.headers)
    assert "No plan is accepted yet" in other.text
    with reading(sqlite_server.store) as connection:
        assert page_of(sqlite_server.store, connection, "session", limit=5, after=None).items == ()
