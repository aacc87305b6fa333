"""The page of a person and its small forms, as a doctor, an assistant and a reader see them."""

import html
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest

from anagen.clinic import jobs
from anagen.clinic.documents import (
    AdverseEvent,
    Appointment,
    Identity,
    Note,
    PlanKept,
    SessionKept,
    VisitKept,
)
from anagen.clinic.people import documents_of, keep, patient_from
from anagen.patient import OtherSteroid, PatchSeen, Visit
from anagen.scalp import Outline, PatchShape, circle_outline
from anagen.web.api.job_models import ForecastResult
from anagen.web.console.patient_forecast import ahead, request_for

NUMBER = "A-1"
TODAY = date.today()
FIRST = TODAY - timedelta(days=84)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture
def look(sqlite_server: Any) -> Any:
    """Open a page as somebody."""

    def opened(path: str, who: str = "clinician", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {sqlite_server.tokens[who]}", **more}
        return sqlite_server.client.get(path, headers=headers)

    return opened


@pytest.fixture
def send(sqlite_server: Any) -> Any:
    """Send a form as somebody."""

    def sent(path: str, fields: dict[str, str], who: str = "clinician", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {sqlite_server.tokens[who]}"}
        return sqlite_server.client.post(path, data=fields, headers=headers, **more)

    return sent


@pytest.fixture
def write(sqlite_server: Any, actors: Any) -> Any:
    """Keep a document of the person."""

    def kept(kind: str, document: Any, **more: Any) -> Any:
        return keep(sqlite_server.store, actors("clinician"), NUMBER, kind, document, **more).entry

    return kept


@pytest.fixture
def treated(write: Any) -> Any:
    """Somebody with two visits and a session."""
    shape = PatchShape(outlines=(circle_outline("top", 80.0, 120.0, 30.0),))
    again = TODAY - timedelta(days=7)
    write(
        "visit",
        VisitKept(
            seen=Visit(date=FIRST, salt_percent=9.0, patches=(PatchSeen(id="crown", shape=shape),))
        ),
    )
    write(
        "session",
        SessionKept(
            stage="given",
            signed_by="Dr A",
            session={
                "date": FIRST,
                "injections": [
                    {
                        "number": 1,
                        "location": {"view": "top", "x": 80.0, "y": 120.0},
                        "patch": "crown",
                        "product": "ta10",
                        "strength_mg_per_mL": 5.0,
                        "volume_mL": 0.1,
                        "depth_mm": 3.0,
                        "needle_gauge": 30,
                        "status": "given",
                    }
                ],
            },
        ),
    )
    write(
        "visit",
        VisitKept(
            seen=Visit(
                date=again,
                salt_percent=4.0,
                patches=(PatchSeen(id="crown", regrowth_percent=60.0),),
            )
        ),
    )
    return write


def words_of(answer: Any) -> str:
    """Text of a page without its tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def finished_forecast(server: Any, actor: Any, *, withheld: bool) -> str:
    """A forecast of the record as it stands, as if a worker had made it."""
    entries = documents_of(server.store, actor, NUMBER)
    patient = patient_from(NUMBER, [(e.kind, e.document) for e in entries], TODAY)
    asked = request_for(NUMBER, ahead(entries, patient))
    job = server.app.state.compute().submit(actor, asked)
    jobs.start(server.store, job.id)
    jobs.finish(server.store, job.id, json.dumps(_result(withheld)))
    return str(job.id)


def _result(withheld: bool) -> dict[str, Any]:
    weeks = tuple(range(53))

    def fan(middle: float, width: float) -> dict[str, Any]:
        level = {"50": 0.4, "80": 0.8, "95": 1.0}
        made = {f"low_{k}": [middle - width * v] * 53 for k, v in level.items()}
        made |= {f"high_{k}": [middle + width * v] * 53 for k, v in level.items()}
        return {"median": [middle] * 53, **made}

    def curve(value: float) -> dict[str, Any]:
        return {"value": [value] * 53, "low": [value / 2] * 53, "high": [value] * 53}

    def plan(name: str, cover: float) -> dict[str, Any]:
        people = {one: curve(0.2) for one in ("untreated", "either", "only_treated",
                                              "only_untreated")}  # fmt: skip
        return {
            "name": name, "salt_percent": fan(3.0, 1.0), "regrowth": fan(cover, 0.1),
            "chance": {"50": curve(0.83), "75": curve(0.61)}, "people": {"50": people},
            "relapse": curve(0.1), "cortisol_morning": fan(1.0, 0.1),
            "cortisol_suppression": fan(0.0, 0.0), "cumulative_mg": [1.0] * 53, "pain": None,
            "planned": {"sessions": 3.0, "sites": 9.0, "mL": 0.9, "mg": 4.5},
            "patches": [{
                "patch": "crown", "cover": fan(cover, 0.2), "area_cm2": fan(1.0, 0.5),
                "thinning": fan(0.0, 0.0), "chance": {"50": curve(0.83)},
                "first_hair": [1.0] * 53, "atrophy": curve(0.12),
                "telangiectasia": curve(0.1), "colour": curve(0.1)}],
        }  # fmt: skip

    flag = {"key": "far", "severity": "stop", "message": "Nobody like this was ever followed.",
            "reason": "Age 3.", "source": "assumed"}  # fmt: skip
    plans = [] if withheld else [plan("scalp-standard-5", 0.75), plan("untreated", 0.65)]
    result = {
        "patient": NUMBER, "origin": (TODAY - timedelta(days=7)).isoformat(), "weeks": weeks,
        "seed": 0, "model_version": "9.8.7", "parameter_version": "1", "posterior_version": "1",
        "readings": 4, "effective": 200.0, "check_p": 0.5, "withheld": withheld,
        "flags": [flag] if withheld else [], "plans": plans, "past": [], "made": {},
    }  # fmt: skip
    return ForecastResult.model_validate(result).model_dump(mode="json")


def test_an_empty_record_says_what_to_do_first(look: Any) -> None:
    answer = look(f"/people/{NUMBER}")
    words = words_of(answer)
    assert answer.status_code == 200
    assert "Wilhelmina Ebersbach" in words
    assert "No visit with a patch yet" in words
    assert "Record the first visit" in words
    assert "The rules also need" in words
    assert "allergies" in words
    assert "style=" not in answer.text
    assert look("/people/NOBODY").status_code == 404


def test_it_tells_the_story_so_far(look: Any, treated: Any) -> None:
    treated("adverse_event", AdverseEvent(event="dent", grade=2, start=FIRST, patch="crown"))
    soon = TODAY + timedelta(days=9)
    treated("appointment", Appointment(on=soon, purpose="review"))
    answer = look(f"/people/{NUMBER}")
    words = words_of(answer)
    for expected in ("SALT now ? 4 from 9", "1 session given", "0.5 mg", "dent · crown",
                     "grade 2 · ongoing", "crown 60 %", "Forecast now"):  # fmt: skip
        assert expected in words, expected
    assert answer.text.count('class="head-view"') == 4
    assert answer.text.count('role="img"') >= 6
    assert f'datetime="{soon.isoformat()}"' in answer.text


def test_the_slider_works_by_links(look: Any, treated: Any) -> None:
    first = look(f"/people/{NUMBER}?week=-11&case=likely").text
    last = look(f"/people/{NUMBER}").text
    assert 'data-drawing="d0"' in first
    shown = [re.findall(r'data-patch="crown"[^>]*fill-opacity="([\d.]+)"', one)[0]
             for one in (first, last)]  # fmt: skip
    assert float(shown[0]) > float(shown[1]), "less of the patch is bald at the last visit"
    assert look(f"/people/{NUMBER}?week=soon").status_code == 422
    assert look(f"/people/{NUMBER}?case=hopeless").status_code == 422


def test_a_patch_drawn_smaller_counts_as_regrown(look: Any, treated: Any) -> None:
    smaller = PatchShape(outlines=(circle_outline("top", 80.0, 120.0, 15.0),))
    seen = PatchSeen(id="crown", shape=smaller, regrowth_percent=0.0)
    treated("visit", VisitKept(seen=Visit(date=TODAY, patches=(seen,))))
    assert "crown 75 %" in words_of(look(f"/people/{NUMBER}"))


@pytest.mark.parametrize("view", ["top", "back", "left", "right"])
def test_an_outline_is_seen_where_it_lies(look: Any, write: Any, view: Any) -> None:
    shape = PatchShape(
        outlines=(
            Outline(
                view=view,
                unit="fraction",
                points=((0.4, 0.3), (0.55, 0.3), (0.55, 0.45), (0.4, 0.45)),
            ),
        )
    )
    write("visit", VisitKept(seen=Visit(date=TODAY, patches=(PatchSeen(id="p", shape=shape),))))
    text = look(f"/people/{NUMBER}").text
    pictures = re.findall(r'data-view="(\w+)".*?</svg>', text, re.S)
    parts = dict(zip(pictures, re.findall(r'<svg class="head-view".*?</svg>', text, re.S),
                     strict=True))  # fmt: skip
    assert 'data-patch="p"' in parts[view]
    assert 'data-label="p"' in parts[view]


def test_hostile_words_stay_words(look: Any, treated: Any) -> None:
    treated("note", Note(on=TODAY, text=HOSTILE))
    treated("identity", Identity(name=HOSTILE), expected=1, reason=HOSTILE)
    treated("adverse_event", AdverseEvent(event=HOSTILE, grade=1, start=FIRST, note=HOSTILE))
    treated("other_steroid", OtherSteroid(drug=HOSTILE, route="oral", start=FIRST))
    for page in ("", "/notes", "/events", "/steroids", "/history", "/identity"):
        answer = look(f"/people/{NUMBER}{page}")
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.text, page
        assert "<img src=x" not in answer.text, page
    assert html.escape(HOSTILE, quote=False)[:20] in look(f"/people/{NUMBER}/notes").text


def test_a_forecast_of_this_record_is_shown(
    look: Any, treated: Any, sqlite_server: Any, actors: Any
) -> None:
    key = finished_forecast(sqlite_server, actors("clinician"), withheld=False)
    answer = look(f"/people/{NUMBER}?week=8")
    words = words_of(answer)
    assert "forecast for week 8" in words
    assert "75 % (59–91)" in words
    assert "83 % (42–83)" in words
    assert "model 9.8.7" in words
    assert 'class="band treated band-95"' in answer.text
    assert f"/api/v1/jobs/{key}" in answer.text
    unlucky = words_of(look(f"/people/{NUMBER}?week=8&case=unlucky"))
    assert "crown 59 %" in unlucky
    frames = re.search(r"data-frames>(.*?)</script>", answer.text, re.S)
    assert frames is not None
    rows = json.loads(frames[1])
    assert {row["kind"] for row in rows} == {"seen", "forecast"}
    assert set(rows[-1]["patches"]["crown"]) == {"likely", "lucky", "unlucky"}


def test_a_forecast_of_an_older_record_is_not(
    look: Any, treated: Any, sqlite_server: Any, actors: Any
) -> None:
    finished_forecast(sqlite_server, actors("clinician"), withheld=False)
    seen = PatchSeen(id="crown", regrowth_percent=70.0)
    treated("visit", VisitKept(seen=Visit(date=TODAY, patches=(seen,))))
    words = words_of(look(f"/people/{NUMBER}"))
    assert "model 9.8.7" not in words
    assert "Forecast now" in words


def test_a_withheld_forecast_says_why_and_the_page_stays(
    look: Any, treated: Any, sqlite_server: Any, actors: Any
) -> None:
    finished_forecast(sqlite_server, actors("clinician"), withheld=True)
    words = words_of(look(f"/people/{NUMBER}"))
    assert "The forecast is withheld Nobody like this was ever followed. Age 3." in words
    assert "crown 60 %" in words
    assert "with the plan" not in words


def test_the_forecast_is_asked_for_once_and_kept(
    look: Any, send: Any, treated: Any, sqlite_server: Any, actors: Any
) -> None:
    path = f"/people/{NUMBER}/forecast"
    for _ in range(2):
        assert send(path, {}).headers["location"].startswith(f"/people/{NUMBER}")
    mine = [one for one in jobs.jobs(sqlite_server.store, actors("clinician"))
            if one.kind == "forecast"]  # fmt: skip
    assert len(mine) == 1
    assert "is being computed" in words_of(look(f"/people/{NUMBER}"))
    jobs.start(sqlite_server.store, mine[0].id)
    jobs.finish(sqlite_server.store, mine[0].id, json.dumps(_result(withheld=False)))
    part = look(path, **{"X-Fragment": "1"})
    assert "<html" not in part.text
    assert "What to expect" in words_of(part)
    assert "Wilhelmina" not in part.text
    assert send(f"{path}/keep", {"job": mine[0].id}).status_code == 303
    assert "kept in the record" in words_of(look(f"/people/{NUMBER}", "reader"))


def test_a_failed_forecast_says_why(
    look: Any, treated: Any, sqlite_server: Any, actors: Any
) -> None:
    key = finished_forecast(sqlite_server, actors("clinician"), withheld=True)
    entries = documents_of(sqlite_server.store, actors("clinician"), NUMBER)
    patient = patient_from(NUMBER, [(e.kind, e.document) for e in entries], TODAY)
    asked = request_for(NUMBER, ahead(entries, patient))
    job = sqlite_server.app.state.compute().submit(actors("clinician"), asked)
    assert job.id != key
    problem = {"cause": "memory", "detail": "It needs more memory than it may."}
    jobs.fail(sqlite_server.store, job.id, json.dumps(problem))
    words = words_of(look(f"/people/{NUMBER}"))
    assert "could not be made It needs more memory than it may." in words
    assert "crown 60 %" in words


def test_a_reader_sees_and_cannot_change(look: Any, send: Any, treated: Any) -> None:
    answer = look(f"/people/{NUMBER}", "reader")
    assert answer.status_code == 200
    for part in ("visit", "treat", "plan", "background", "identity", "notes", "consents",
                 "events", "photographs", "appointments"):  # fmt: skip
        assert f'href="/people/{NUMBER}/{part}"' not in answer.text, part
    assert "<form" not in re.sub(r"<header.*?</header>", "", answer.text, flags=re.S)
    assert "Forecast now" not in words_of(answer)
    assert "<textarea" not in look(f"/people/{NUMBER}/notes", "reader").text
    assert send(f"/people/{NUMBER}/notes", {"text": "x"}, "reader").status_code == 403
    assert send(f"/people/{NUMBER}/forecast", {}, "reader").status_code == 403
    assert look(f"/people/{NUMBER}/background", "reader").status_code == 403
    assert look(f"/people/{NUMBER}", "researcher").status_code == 403


def test_an_assistant_asks_for_a_forecast_and_does_not_keep_it(
    look: Any, send: Any, treated: Any, sqlite_server: Any, actors: Any
) -> None:
    key = finished_forecast(sqlite_server, actors("assistant"), withheld=False)
    assert "Keep this forecast" not in words_of(look(f"/people/{NUMBER}", "assistant"))
    kept = send(f"/people/{NUMBER}/forecast/keep", {"job": key}, "assistant")
    assert kept.status_code == 403


GOOD = {
    "consents": {"about": "research", "state": "given", "on": "2026-01-05", "by": "person"},
    "events": {"event": "headache", "grade:number": "1", "start": "2026-01-05",
               "course": "ongoing"},
    "steroids": {"drug": "prednisolone", "route": "oral", "total_mg:number": "20,5",
                 "start": "2026-01-05"},
    "notes": {"on": "2026-01-05", "text": "calm and well"},
    "appointments": {"on": "2026-01-05", "at": "10:20", "purpose": "visit", "state": "booked"},
}  # fmt: skip
BAD = {
    "consents": ("on", {"about": "research", "state": "given", "on": "1700-01-05", "form": "F 3"}),
    "events": ("end", {"event": "itch and scale", "grade:number": "1", "start": "2026-01-05",
                       "end": "yesterday"}),
    "steroids": ("total_mg", {"drug": "dexamethasone", "route": "oral",
                              "total_mg:number": "many", "start": "2026-01-05"}),
    "notes": ("on", {"on": "", "text": "something long to keep"}),
    "appointments": ("at", {"on": "2026-01-05", "at": "noonish", "note": "bring the letter"}),
}  # fmt: skip


@pytest.mark.parametrize("part", sorted(GOOD))
def test_a_form_adds_changes_and_keeps_all_versions(look: Any, send: Any, part: str) -> None:
    path = f"/people/{NUMBER}/{part}"
    assert send(path, GOOD[part]).headers["location"] == f"{path}?saved=true"
    page = look(path).text
    key = re.search(r"\?edit=([0-9a-f]+)", page)
    assert key is not None
    form = look(f"{path}?edit={key[1]}").text
    assert 'name="version" value="1"' in form
    again = {**GOOD[part], "id": key[1], "version": "1"}
    refused = send(path, again)
    assert refused.status_code == 422
    assert 'id="reason-about"' in refused.text
    assert send(path, {**again, "reason": "typed too fast"}).status_code == 303
    stale = send(path, {**again, "reason": "somebody else"})
    assert stale.status_code == 412
    assert 'name="version" value="2"' in stale.text
    history = words_of(look(f"/people/{NUMBER}/history"))
    assert "typed too fast" in history
    assert "clinician" in history


@pytest.mark.parametrize("part", sorted(BAD))
def test_a_form_says_what_is_wrong_and_keeps_what_was_typed(
    look: Any, send: Any, part: str
) -> None:
    field, fields = BAD[part]
    answer = send(f"/people/{NUMBER}/{part}", fields)
    assert answer.status_code == 422
    assert f'id="{field}-about"' in answer.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', answer.text)
    for name, value in fields.items():
        if value:
            assert html.escape(value) in answer.text, name
    before = look(f"/people/{NUMBER}/{part}").text
    assert "?edit=" not in before, "nothing was kept"


def test_the_background_is_changed_and_keeps_what_the_form_hides(
    look: Any, send: Any, write: Any
) -> None:
    from anagen.clinic.documents import Medicine, Person

    old = Person(sex="female", weight_kg=62.0, bone_density_on=date(2025, 5, 5),
                 medicines=(Medicine(name="aspirin", dose="100 mg daily"),))  # fmt: skip
    write("person", old, expected=1, reason="asked")
    path = f"/people/{NUMBER}/background"
    form = look(path).text
    assert 'name="version" value="2"' in form
    fields = {"version": "2", "reason": "weighed", "person.weight_kg:number": "64,5",
              "person.medicines:words": "Aspirin, warfarin", "person.allergies:words": "none",
              "person.sex": "female", "person.pregnant:flag": "no"}  # fmt: skip
    wrong = send(path, {**fields, "person.weight_kg:number": "6450"})
    assert wrong.status_code == 422
    assert 'id="person.weight_kg-about"' in wrong.text
    assert 'value="6450"' in wrong.text
    assert send(path, fields).status_code == 303
    assert send(path, fields).status_code == 412
    answer = look(f"/api/v1/people/{NUMBER}")
    person = answer.json()["document"]
    assert person["weight_kg"] == 64.5
    assert person["bone_density_on"] == "2025-05-05"
    assert person["medicines"][0] == {"name": "aspirin", "dose": "100 mg daily"}
    assert person["medicines"][1] == {"name": "warfarin"}
    assert person["allergies"] == []
    assert person["pregnant"] is False


def test_the_name_is_changed_with_a_reason(look: Any, send: Any) -> None:
    path = f"/people/{NUMBER}/identity"
    fields = {"version": "1", "name": "Wilma Ebersbach", "born": "1987-06-05"}
    refused = send(path, fields)
    assert refused.status_code == 422
    assert 'value="Wilma Ebersbach"' in refused.text
    assert send(path, {**fields, "reason": "married"}).status_code == 303
    assert "Wilma Ebersbach" in words_of(look(f"/people/{NUMBER}"))


def test_a_photograph_is_added_and_shown(look: Any, send: Any, picture: Any) -> None:
    path = f"/people/{NUMBER}/photographs"
    fields = {"taken_on": "2026-01-05", "view": "back", "note": "after shampoo"}
    none = send(path, fields, files={"other": ("x.png", b"", "image/png")})
    assert none.status_code == 422
    assert 'id="file-about"' in none.text
    assert "after shampoo" in none.text
    broken = send(path, fields, files={"file": ("x.png", b"no picture", "image/png")})
    assert broken.status_code == 422
    added = send(path, fields, files={"file": ("x.png", picture(), "image/png")})
    assert added.status_code == 303
    found = re.search(r'src="(/api/v1/people/A-1/photographs/\w+/picture\?size=320)"',
                      look(f"/people/{NUMBER}").text)  # fmt: skip
    assert found is not None
    assert look(found[1]).headers["content-type"] == "image/jpeg"


def test_a_note_is_taken_back_with_a_reason(look: Any, send: Any, write: Any) -> None:
    entry = write("note", Note(on=TODAY, text="of another person"))
    page = f"/people/{NUMBER}/history?kind=note&id={entry.id}"
    assert "of another person" in look(page).text
    back = f"/people/{NUMBER}/history/note/{entry.id}/retract"
    assert send(back, {"version": "1", "reason": " "}).status_code == 422
    assert send(back, {"version": "7", "reason": "wrong person"}).status_code == 412
    assert send(back, {"version": "1", "reason": "wrong person"}).status_code == 303
    assert "of another person" not in words_of(look(f"/people/{NUMBER}"))
    after = words_of(look(page))
    assert "taken back" in after
    assert "wrong person" in after
    assert "of another person" in after
    assert send(f"/people/{NUMBER}/history/account/{entry.id}/retract",
                {"version": "1", "reason": "x"}).status_code == 404  # fmt: skip
    assert send(f"/people/B-2/history/note/{entry.id}/retract",
                {"version": "2", "reason": "x"}).status_code == 404  # fmt: skip


def test_a_form_from_a_browser_needs_its_token(sqlite_server: Any) -> None:
    sent = sqlite_server.sign_in("clinician")
    cookie = {"Cookie": sent["Cookie"]}
    page = sqlite_server.client.get(f"/people/{NUMBER}/notes", headers=cookie).text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    fields = {"on": "2026-01-05", "text": "calm"}
    bare = sqlite_server.client.post(f"/people/{NUMBER}/notes", data=fields, headers=cookie)
    assert bare.status_code == 403
    whole = {**fields, "csrf": token[1]}
    kept = sqlite_server.client.post(f"/people/{NUMBER}/notes", data=whole, headers=cookie)
    assert kept.status_code == 303


def test_the_accepted_plan_is_forecast_and_its_findings_are_alerts(
    look: Any, send: Any, treated: Any, sqlite_server: Any, actors: Any
) -> None:
    site = {"number": 1, "location": {"view": "top", "x": 80.0, "y": 120.0}, "patch": "crown",
            "product": "ta10", "strength_mg_per_mL": 5.0, "volume_mL": 0.1, "depth_mm": 3.0,
            "needle_gauge": 30}  # fmt: skip
    day = (TODAY + timedelta(days=3)).isoformat()
    kept = PlanKept.model_validate({
        "state": "accepted",
        "plan": {"patient": NUMBER, "protocol": "custom",
                 "sessions": [{"date": day, "injections": [site]}]}})  # fmt: skip
    entry = treated("plan", kept)
    send(f"/people/{NUMBER}/forecast", {})
    [one] = jobs.jobs(sqlite_server.store, actors("clinician"))
    asked = json.loads(jobs.job(sqlite_server.store, actors("clinician"), one.id).request)
    assert list(asked["plans"]) == ["custom"]
    text = look(f"/people/{NUMBER}").text
    assert f"/people/{NUMBER}/plan?plan={entry.id}" in text
    for finding in entry.document.plan.findings:
        assert html.escape(finding.message) in text
