"""The page of a plan, as a browser without scripts and one with them use it."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from web_server import NUMBER, PASSWORD, Still

from anagen.clinic import jobs
from anagen.clinic.documents import PlanKept, VisitKept
from anagen.clinic.people import documents_of, keep
from anagen.clinic.permissions import CONSOLE
from anagen.web import tasks
from anagen.web.api.job_models import (
    TASK_REQUEST,
    ChanceCurve,
    CompareResult,
    Fan,
    ForecastResult,
    Interval,
    PatchForecast,
    People,
    PlanForecast,
    Planned,
    PlanRow,
)
from anagen.web.console.plan_forms import fields_of, moved_sites, read_typed
from anagen.web.console.plan_view import outlook_of

ADDRESS = f"/people/{NUMBER}/plan"
HOSTILE = '"><script>alert(1)</script>'
WEEKS = (0, 1, 2)
Browse = Callable[[str], "Browser"]


def fan(*values: float) -> Fan:
    """A fan as narrow as can be."""
    return Fan(median=values, low_50=values, high_50=values, low_80=values, high_80=values,
               low_95=values, high_95=values)  # fmt: skip


def plan_forecast(name: str, regrowth: float) -> PlanForecast:
    """Forecast of one plan with round figures."""
    chance = ChanceCurve(value=(0.0, 0.1, regrowth), low=(0.0,) * 3, high=(1.0,) * 3)
    people = People(untreated=chance, either=chance, only_treated=chance, only_untreated=chance)
    patch = PatchForecast(
        patch="p1", cover=fan(0, 0.1, 0.2), area_cm2=fan(5, 4, 3), thinning=fan(0, 0, 0),
        chance={"50": chance}, first_hair=(0.0, 0.1, 0.2), atrophy=chance,
        telangiectasia=chance, colour=chance,
    )  # fmt: skip
    return PlanForecast(
        name=name, salt_percent=fan(9, 8, 7), regrowth=fan(0, 0.1, regrowth),
        chance={"50": chance, "75": chance}, people={"50": people}, relapse=chance,
        cortisol_morning=fan(1, 0.61, 0.8), cortisol_suppression=fan(0, 0, 0),
        cumulative_mg=(0.0, 1.0, 2.0), pain=Interval(value=3.3, low=2.2, high=4.4),
        planned=Planned(sessions=6, sites=12, mL=1.2, mg=6), patches=(patch,),
    )  # fmt: skip


FORECAST = ForecastResult(
    patient=NUMBER, origin=date(2026, 1, 5), weeks=WEEKS, seed=0, model_version="1",
    parameter_version="1", posterior_version="1", readings=1, effective=1.0, check_p=0.5,
    withheld=False, flags=(), past=(), made={},
    plans=(plan_forecast("planned", 0.57), plan_forecast("untreated", 0.13)),
)  # fmt: skip


def row(name: str, mg: float, regrowth: float, *, blocked: bool = False) -> PlanRow:
    """A plan of a comparison."""
    known = {"name": name, "kind": "variation", "blocked": blocked, "pareto": not blocked,
             "mg": mg, "regrowth": regrowth}  # fmt: skip
    return PlanRow.model_validate(dict.fromkeys(PlanRow.model_fields) | known)


class Computing(Still):
    """Workers that place sites and check in truth, and know a forecast without thinking."""

    def __init__(self, store: Any, known: dict[str, str]) -> None:
        super().__init__(store)
        self.known, self.asleep = known, set[str]()

    def wait(self, actor: Any, key: str, seconds: float) -> jobs.Job:
        job = jobs.job(self.store, actor, key)
        if job.state == "queued" and job.kind not in self.asleep:
            jobs.start(self.store, key)
            jobs.finish(self.store, key, self.answered(job))
        return jobs.job(self.store, actor, key)

    def answered(self, job: jobs.Job) -> str:
        if job.kind == "forecast":
            return FORECAST.model_dump_json()
        if job.request not in self.known:
            asked = TASK_REQUEST.validate_json(job.request)
            if job.kind == "compare":
                self.known[job.request] = compared(self, job).model_dump_json()
            else:
                made = tasks.answer(asked, lambda done, total: None)
                self.known[job.request] = made.model_dump_json()
        return self.known[job.request]


def compared(workers: Computing, job: jobs.Job) -> CompareResult:
    """A comparison of three plans, one of them with a hostile name."""
    whole = json.loads(job.request)
    patient = {key: whole[key] for key in ("person", "patient")}
    placed = TASK_REQUEST.validate_python(
        {**patient, "kind": "plan", "start": date.today(), "changes": {"spacing_mm": 14.0}}
    )
    plan: Any = tasks.answer(placed, lambda done, total: None)
    words = {"benefit": "b", "harm": "h", "limit": "l", "note": "n", "source": "assumed"}
    return CompareResult.model_validate({
        "compared": 3, "weights": {}, "trade": [], "ties": [], "notes": [HOSTILE],
        "picks": [{"role": "balanced", "name": HOSTILE, **words}],
        "rows": [row(HOSTILE, 20, 0.5), row("none", 0, 0.1), row("much", 90, 0.6, blocked=True)],
        "plans": {HOSTILE: plan.plan},
    })  # fmt: skip


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """Answers computed so far, by request."""
    return {}


class Browser:
    """Somebody at the page of a plan."""

    def __init__(self, server: Any, name: str) -> None:
        self.server = server
        self.headers = {"Cookie": server.sign_in(name, PASSWORD)["Cookie"]}

    def get(self, query: str = "") -> Any:
        return self.server.page(None, "GET", ADDRESS + query, headers=self.headers)

    def post(self, data: dict[str, str], *, to: str = "preview", fragment: str = "") -> Any:
        """Send the form, with its hidden fields where the data name no other."""
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.get().text))
        sent = {name: unescape(value) for name, value in hidden.items()} | data
        headers = self.headers | ({"X-Fragment": fragment} if fragment else {})
        return self.server.page(None, "POST", f"{ADDRESS}/{to}", headers=headers, data=sent)


def plain(answer: Any) -> str:
    """Text of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture
def workers(sqlite_server: Any, known: dict[str, str]) -> Computing:
    """Workers of the server, quick ones."""
    made = Computing(sqlite_server.store, known)
    sqlite_server.app.state.compute = made
    return made


@pytest.fixture
def browse(sqlite_server: Any, workers: Computing) -> Browse:
    """Let somebody browse the plan of a person with a patch of two centimetres."""
    corners = [[0.45, 0.45], [0.57, 0.45], [0.57, 0.55], [0.45, 0.55]]
    outline = {"view": "top", "unit": "fraction", "points": corners}
    seen = {"date": date.today().isoformat(),
            "patches": [{"id": "p1", "shape": {"outlines": [outline]}}]}  # fmt: skip
    document = VisitKept.model_validate_json(json.dumps({"seen": seen}))
    keep(sqlite_server.store, CONSOLE, NUMBER, "visit", document)
    return lambda name: Browser(sqlite_server, name)


def plans(server: Any) -> list[Any]:
    """Plans of the person, oldest first."""
    found = documents_of(server.store, CONSOLE, NUMBER, ("plan",))
    return [entry.document for entry in sorted(found, key=lambda one: one.seq)]


def test_the_page_opens_with_the_usual_protocol_and_everything_about_it(browse: Browse) -> None:
    text = browse("clinician").get().text
    for words in ("No rule forbids this plan", "Which limit binds first", "Syringe 1",
                  "What it brings", "57 %", "13 %", "3.3", "61 %"):  # fmt: skip
        assert words in text.replace("\N{NO-BREAK SPACE}", " "), words
    sites = re.findall(r'<g class="site planned" data-site="(\d+)" data-view="top" tabindex', text)
    assert len(sites) > 2
    assert sorted(map(int, sites)) == list(range(1, len(sites) + 1))


def test_changed_numbers_change_the_plan_with_a_comma_too(browse: Browse) -> None:
    doctor = browse("clinician")
    many = doctor.post({"spacing_mm": "6"}).text
    few = doctor.post({"spacing_mm": "12,5", "volume_mL": "0,05", "sessions": "2"})
    assert many.count('class="dot"') > few.text.count('class="dot"')
    assert "Sessions 6 every 28 days" in plain(doctor.post({"spacing_mm": "6"}))
    assert few.text.count('<option value="') == few.text.count("</option>")
    assert 'value="12,5"' in few.text


def test_a_fragment_holds_the_results_alone(browse: Browse) -> None:
    answer = browse("clinician").post({"sessions": "3"}, fragment="1")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'id="verdict"' in answer.text
    assert "data-working" not in answer.text


def test_a_slow_forecast_keeps_nobody_from_the_plan(browse: Browse, workers: Computing) -> None:
    workers.asleep.add("forecast")
    answer = browse("clinician").post({"sessions": "4"}, fragment="1")
    assert 'id="verdict"' in answer.text
    assert "data-working" in answer.text
    assert "The forecast is being computed" in answer.text


def test_a_forecast_nobody_waits_for_leaves_the_queue(
    browse: Browse, workers: Computing, sqlite_server: Any
) -> None:
    workers.asleep.add("forecast")
    doctor = browse("clinician")
    first = doctor.post({"sessions": "4"}, fragment="1").text
    key = re.search(r'name="forecast" value="(\w+)"', first)
    assert key
    doctor.post({"sessions": "5", "forecast": key[1]}, fragment="1")
    actor = jobs_actor(sqlite_server)
    assert jobs.job(sqlite_server.store, actor, key[1]).state == "cancelled"


def jobs_actor(_server: Any) -> Any:
    from web_server import actor_named

    return actor_named("clinician")


@pytest.mark.parametrize(
    ("field", "value"),
    [("spacing_mm", "wide"), ("strength_mg_per_mL", "400"), ("volume_mL", "-1"),
     ("start", "soon"), ("sessions", "0.5"), ("protocol", HOSTILE)],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field_and_stays_typed(
    browse: Browse, field: str, value: str
) -> None:
    answer = browse("clinician").post({field: value})
    assert answer.status_code == 422
    assert f'<span data-name="{field}">' in answer.text
    assert "<script>alert" not in answer.text
    if field != "protocol":
        assert f'value="{value}"' in answer.text


def test_a_plan_is_kept_as_draft_and_then_accepted(browse: Browse, sqlite_server: Any) -> None:
    doctor = browse("clinician")
    answer = doctor.post({"state": "draft", "sessions": "2", "note": "n"}, to="keep")
    assert answer.status_code == 303
    where = answer.headers["location"].removeprefix(ADDRESS)
    again = doctor.get(where)
    assert "The draft is kept" in again.text
    hidden = dict(re.findall(r'type="hidden" name="(document|version)" value="(\w+)"', again.text))
    accepted = doctor.post({"state": "accepted", "sessions": "2", "note": "n", **hidden}, to="keep")
    assert accepted.status_code == 303, plain(accepted)
    kept = plans(sqlite_server)
    assert [one.state for one in kept] == ["accepted"]
    assert len(kept[0].plan.sessions) == 2
    assert "/treat?plan=" in doctor.get(where).text


def test_sending_twice_keeps_one(browse: Browse, sqlite_server: Any) -> None:
    doctor = browse("clinician")
    for _ in range(2):
        answer = doctor.post({"state": "draft", "write_key": "a" * 32}, to="keep")
        assert answer.status_code == 303
    assert len(plans(sqlite_server)) == 1


def test_a_forbidden_plan_needs_a_reason_that_says_something(
    browse: Browse, sqlite_server: Any
) -> None:
    doctor = browse("clinician")
    # Five days are nearer than any label or expert lets sessions follow each other.
    wanted = {"interval_days": "5", "sessions": "2"}
    seen = doctor.post(wanted)
    rules = re.findall(r'<input id="(override\.[^"]+)"', seen.text)
    assert "rules forbid this plan" in seen.text
    assert len(rules) == 2
    refused = doctor.post({**wanted, "state": "accepted", rules[0]: "ok"}, to="keep")
    assert refused.status_code == 422
    assert f'id="{rules[0]}-about"' in refused.text
    assert plans(sqlite_server) == []
    reasons = dict.fromkeys(rules, "Discussed with the endocrinologist on Monday.")
    done = doctor.post({**wanted, "state": "accepted", **reasons}, to="keep")
    assert done.status_code == 303, plain(done)
    assert {one.rule for one in plans(sqlite_server)[0].plan.overrides} == {
        rule.removeprefix("override.") for rule in rules
    }


def test_a_moved_site_is_checked_and_kept_where_it_was_put(
    browse: Browse, sqlite_server: Any
) -> None:
    doctor = browse("clinician")
    moved = json.dumps([{"number": 1, "view": "top", "x": 80.0, "y": 95.0}])
    seen = doctor.post({"moves": moved}).text
    assert "translate(80.00 95.00)" in seen
    assert doctor.post({"moves": moved, "state": "draft"}, to="keep").status_code == 303
    first = plans(sqlite_server)[0].plan.sessions[0].injections[0].location
    assert (first.x, first.y) == (80.0, 95.0)
    newest = documents_of(sqlite_server.store, CONSOLE, NUMBER, ("plan",))[0]
    assert "translate(80.00 95.00)" in doctor.get(f"?plan={newest.id}").text


@pytest.mark.parametrize(
    "moves", ["[{}]", "nonsense", '[{"number":1,"view":"top","x":-900,"y":0}]']
)
def test_a_site_cannot_leave_the_scalp(browse: Browse, moves: str) -> None:
    answer = browse("clinician").post({"moves": moves})
    assert answer.status_code == 422
    assert "Put the moved sites back" in answer.text


def test_pinned_plans_stand_side_by_side_and_go_again(browse: Browse) -> None:
    doctor = browse("clinician")
    key = re.search(r'name="pin" value="(\w+)"', doctor.get().text)
    assert key
    pinned = doctor.post({"pin": key[1], "sessions": "2"}).text
    assert "Side by side" in pinned
    assert f'name="pins" value="{key[1]}"' in pinned
    assert "Side by side" not in doctor.post({"pins": key[1], "unpin": key[1]}).text
    assert "Side by side" in doctor.get(f"?pins={key[1]}").text


def test_many_plans_are_compared_and_one_is_taken(browse: Browse) -> None:
    doctor = browse("clinician")
    seen = doctor.post({"compare": "yes"}).text
    assert 'class="trade"' in seen
    assert "<script>alert" not in seen
    key = re.search(r'name="compared" value="(\w+)"', seen)
    assert key
    taken = doctor.post({"compared": key[1], "pick": HOSTILE}).text
    assert re.search(r'id="spacing_mm"[^>]*value="14"', taken)


def test_roles_may_what_they_may(browse: Browse, sqlite_server: Any) -> None:
    assistant = browse("assistant")
    assert "A clinician accepts plans" in assistant.get().text
    assert assistant.post({"state": "draft"}, to="keep").status_code == 403
    reader = browse("reader")
    assert "may read plans, but not compute" in reader.get().text
    assert reader.post({}).status_code == 403
    assert plans(sqlite_server) == []


def test_jobs_of_somebody_else_stay_hidden(browse: Browse) -> None:
    key = re.search(r'name="pin" value="(\w+)"', browse("colleague").get().text)
    assert key
    assert "Side by side" not in browse("clinician").get(f"?pins={key[1]}").text


def test_somebody_unknown_has_no_plan(browse: Browse, sqlite_server: Any) -> None:
    doctor = browse("clinician")
    answer = sqlite_server.page(None, "GET", "/people/nobody/plan", headers=doctor.headers)
    assert answer.status_code == 404


def test_hostile_words_stay_words(browse: Browse, sqlite_server: Any) -> None:
    doctor = browse("clinician")
    answer = doctor.post({"note": HOSTILE, "override.x": HOSTILE, "leave_out.0": HOSTILE,
                          "pins": HOSTILE, "shown": HOSTILE, "write_key": HOSTILE})  # fmt: skip
    assert "<script>alert" not in answer.text


def test_fields_of_a_kept_plan_make_it_again(browse: Browse, sqlite_server: Any) -> None:
    doctor = browse("clinician")
    start = (date.today() + timedelta(days=9)).isoformat()
    wanted = {"spacing_mm": "8", "sessions": "3", "interval_days": "35", "start": start}
    assert doctor.post({**wanted, "state": "draft"}, to="keep").status_code == 303
    kept: PlanKept = plans(sqlite_server)[0]
    assert wanted.items() <= fields_of(kept.plan).items()
    asked = read_typed(NUMBER, fields_of(kept.plan), "anagen-default").asked
    assert asked.changes is not None
    assert (asked.changes.spacing_mm, asked.changes.interval_days) == (8.0, 35)
    assert moved_sites(kept.plan, kept.plan) == {}


def test_a_withheld_forecast_shows_no_figures() -> None:
    assert outlook_of(FORECAST.model_copy(update={"withheld": True, "plans": ()})) is None
    assert outlook_of(None) is None
