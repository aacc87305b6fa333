"""Review, what-if, evidence, administration and the own account, as a browser uses them."""

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from web_server import NUMBER, PASSWORD, Still

from anagen.clinic import jobs
from anagen.clinic.files import import_patient
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.settings import change_setting, setting
from anagen.clinic.store import reading
from anagen.clinic.tables import entries
from anagen.errors import BusyError, EvidenceError, ThrottledError
from anagen.evidence.claim_results import COLUMNS, load_claim_results, parse_claim_results
from anagen.evidence.parameters import load_parameters
from anagen.patient import load_patient
from anagen.report.claims_data import claims_csv
from anagen.web import tasks
from anagen.web.api.job_models import TASK_REQUEST
from anagen.web.console import evidence_tables, explore_forms
from anagen.web.console.pace import MOST_OWN, MOST_WAITING, WINDOW_SECONDS, Pace

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '"><script>alert(1)</script>'
WEEKS = 5


class Computing(Still):
    """Workers that compute while one waits; a kind of answer once for all tests."""

    def __init__(self, store: Any, known: dict[str, str]) -> None:
        super().__init__(store)
        self.known = known

    def wait(self, actor: Any, key: str, seconds: float) -> jobs.Job:
        job = jobs.job(self.store, actor, key)
        if job.state == "queued":
            jobs.start(self.store, key)
            if job.kind not in self.known:
                asked = TASK_REQUEST.validate_json(job.request)
                made = tasks.answer(asked, lambda done, total: None)
                self.known[job.kind] = made.model_dump_json()
            jobs.finish(self.store, key, self.known[job.kind])
        return jobs.job(self.store, actor, key)


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """Answers computed so far, by kind."""
    return {}


class Browser:
    """Somebody with a browser: cookies, forms with their hidden fields, no scripts."""

    def __init__(self, server: Any, name: str | None, password: str = PASSWORD) -> None:
        self.server = server
        self.headers = {}
        if name is not None:
            self.headers = {"Cookie": server.sign_in(name, password)["Cookie"]}

    def get(self, address: str, **headers: str) -> Any:
        return self.server.page(None, "GET", address, headers={**self.headers, **headers})

    def post(self, address: str, data: dict[str, Any]) -> Any:
        """Send a form of a page, with the word that the page holds."""
        page = self.get(address).text
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        version = re.search(r'name="version" value="(\d+)"', page)
        hidden = {"csrf": found[1] if found else ""}
        if version and "version" not in data and not address.endswith("settings"):
            hidden["version"] = version[1]
        sent = {**hidden, **data}
        return self.server.page(None, "POST", address, headers=self.headers, data=sent)


@pytest.fixture
def browse(sqlite_server: Any) -> Callable[..., Browser]:
    """Let somebody browse."""

    def begin(name: str | None, password: str = PASSWORD) -> Browser:
        return Browser(sqlite_server, name, password)

    return begin


def words(answer: Any) -> str:
    """Text of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def problem(answer: Any, field: str) -> str:
    """What stands beside a field."""
    found = re.search(rf'<p class="problem" id="{field}-about">(.*?)</p>', answer.text, re.DOTALL)
    assert found, f"nothing is said beside {field}"
    return unescape(found[1])


# Administration


def test_an_account_is_added_changed_and_closed(browse: Any, sqlite_server: Any) -> None:
    admin = browse("admin")
    made = admin.post("/admin", {"name": "anna.berg", "display_name": "Anna Berg",
                                 "roles": ["clinician", "reader"],
                                 "password": "seven quiet rivers"})  # fmt: skip
    assert made.headers["location"] == "/admin/accounts/anna.berg?done=made"
    anna = browse("anna.berg", "seven quiet rivers")
    assert anna.get("/people").status_code == 200
    address = "/admin/accounts/anna.berg"
    changed = admin.post(address, {"do": "change", "display_name": "Anna B", "roles": ["reader"]})
    assert changed.status_code == 303
    assert "Anna B" in admin.get("/admin").text
    assert anna.get("/people/new").status_code == 403
    assert admin.post(address, {"do": "disable"}).status_code == 303
    assert anna.get("/people").headers["location"].startswith("/sign-in")
    assert "disabled" in words(admin.get(address))
    assert admin.post(address, {"do": "enable"}).status_code == 303


def test_a_refused_account_keeps_what_was_typed_but_no_password(browse: Any) -> None:
    answer = browse("admin").post(
        "/admin", {"name": "Anna!", "display_name": HOSTILE, "roles": "reader", "password": "short"}
    )
    assert answer.status_code == 422
    assert "lower case" in problem(answer, "name")
    assert "characters" in problem(answer, "password")
    assert 'value="Anna!"' in answer.text
    assert 'value="reader" checked' in answer.text
    assert HOSTILE not in answer.text
    assert "short" not in answer.text


def test_a_change_of_an_account_names_the_version_it_is_based_on(browse: Any) -> None:
    admin, address = browse("admin"), "/admin/accounts/reader"
    before = re.search(r'name="version" value="(\d+)"', admin.get(address).text)
    assert before
    assert admin.post(address, {"do": "change", "display_name": "One", "roles": "reader"})
    late = admin.post(address, {"do": "disable", "version": before[1]})
    assert late.status_code == 412
    assert "changed by somebody else" in words(late)
    assert browse("reader").get("/people").status_code == 200


def test_the_last_administrator_stays(browse: Any) -> None:
    answer = browse("admin").post(
        "/admin/accounts/admin", {"do": "change", "display_name": "A", "roles": "reader"}
    )
    assert answer.status_code == 422
    assert "administrator" in words(answer)


def test_a_reset_password_ends_the_sign_ins_and_tokens_are_revoked(
    browse: Any, sqlite_server: Any
) -> None:
    admin, reader, address = browse("admin"), browse("reader"), "/admin/accounts/reader"
    assert admin.post(address, {"do": "password", "password": "x"}).status_code == 422
    assert admin.post(address, {"do": "password", "password": "nine calm lakes"}).status_code == 303
    assert reader.get("/people").status_code == 303
    again = browse("reader", "nine calm lakes")
    assert again.get("/people").status_code == 200
    assert admin.post(address, {"do": "sign-ins"}).status_code == 303
    assert again.get("/people").status_code == 303
    token = re.search(r'name="id" value="([0-9a-z]+)"', admin.get(address).text)
    assert token
    assert sqlite_server.ask("reader", "GET", "/people").status_code == 200
    assert admin.post(address, {"do": "token", "id": token[1]}).status_code == 303
    assert sqlite_server.ask("reader", "GET", "/people").status_code == 401
    assert admin.post(address, {"do": "nothing"}).status_code == 422


@pytest.mark.parametrize("who", ["clinician", "reader", "researcher"])
def test_administration_is_for_administrators(browse: Any, who: str) -> None:
    somebody = browse(who)
    for part in ("", "/accounts/admin", "/audit", "/settings", "/health"):
        assert somebody.get(f"/admin{part}").status_code == 403
    assert 'href="/admin"' not in somebody.get("/account").text


def test_a_setting_needs_a_reason_and_the_version_that_was_shown(
    browse: Any, sqlite_server: Any
) -> None:
    admin, store = browse("admin"), sqlite_server.store
    sent = {"name": "clinic_name", "value": HOSTILE, "version": "0", "reason": ""}
    bare = admin.post("/admin/settings", sent)
    assert bare.status_code == 422
    assert "nothing" in problem(bare, "reason-clinic_name")
    assert HOSTILE not in bare.text
    assert unescape(bare.text).count(f'value="{HOSTILE}"') == 1
    assert setting(store, "clinic_name").version == 0
    kept = admin.post("/admin/settings", {**sent, "reason": "a new sign at the door"})
    assert kept.status_code == 303
    assert setting(store, "clinic_name").value == HOSTILE
    late = admin.post("/admin/settings", {**sent, "value": "Other", "reason": "too late"})
    assert late.status_code == 412
    assert setting(store, "clinic_name").value == HOSTILE
    assert HOSTILE not in admin.get("/admin/settings").text
    wrong = {"name": "paper", "value": "A3", "version": "0", "reason": "larger"}
    assert admin.post("/admin/settings", wrong).status_code == 422
    assert admin.post("/admin/settings", {**wrong, "name": "no"}).status_code == 404
    with reading(store) as connection:
        reasons = connection.execute(entries.select().where(entries.c.kind == "setting")).all()
    assert [row.reason for row in reasons] == ["a new sign at the door"]


def test_the_rules_are_described_with_their_sources(browse: Any) -> None:
    text = words(browse("admin").get("/admin/settings"))
    assert "Anagen default" in text
    assert "KenalogLabel" in text


def test_the_access_log_is_read_newest_first_by_person_and_account(
    browse: Any, sqlite_server: Any
) -> None:
    reader, admin = browse("reader"), browse("admin")
    for _ in range(3):
        sqlite_server.ask("clinician", "GET", f"/people/{NUMBER}")
    reader.get("/people")
    mine = words(admin.get(f"/admin/audit?person={NUMBER}&account=clinician"))
    assert mine.count(f"GET /people/{{number}} {NUMBER} 200") == 3
    assert "reader" not in mine
    every = words(admin.get("/admin/audit"))
    assert every.index(" reader GET /people ") < every.index(" clinician token GET /people/")
    hostile = admin.get("/admin/audit?account=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in hostile.text
    assert "No line fits." in words(hostile)


def test_the_access_log_goes_on_page_by_page(browse: Any, sqlite_server: Any) -> None:
    for _ in range(101):
        sqlite_server.ask("reader", "GET", f"/people/{NUMBER}")
    admin = browse("admin")
    first = admin.get(f"/admin/audit?person={NUMBER}")
    more = re.search(r'href="(/admin/audit\?[^"]*before=\d+)"', first.text)
    assert more
    second = words(admin.get(unescape(more[1])))
    line = f"token GET /people/{{number}} {NUMBER} 200"
    total = words(first).count(line) + second.count(line)
    assert total == 101


def test_health_says_how_much_there_is_and_names_the_commands(browse: Any) -> None:
    text = words(browse("admin").get("/admin/health"))
    assert "People 2 " in text
    assert "anagen verify" in text
    assert "anagen backup FILE" in text
    assert "SQLite" in text


# The own account


def test_the_own_password_is_changed_with_the_old_one(browse: Any) -> None:
    reader, other = browse("reader"), browse("reader")
    new = {"do": "password", "new": "nine calm lakes", "again": "nine calm lakes"}
    wrong = reader.post("/account", {**new, "old": "not it"})
    assert wrong.status_code == 403
    assert "password that holds now" in problem(wrong, "old")
    unlike = reader.post("/account", {**new, "old": PASSWORD, "again": "nine calm seas"})
    assert "once more" in problem(unlike, "again")
    weak = reader.post("/account", {**new, "old": PASSWORD, "new": "abc", "again": "abc"})
    assert "characters" in problem(weak, "new")
    assert reader.post("/account", {**new, "old": PASSWORD}).status_code == 303
    assert reader.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_a_second_factor_is_set_up_from_the_page_and_asked_for(
    browse: Any, sqlite_server: Any
) -> None:
    reader = browse("reader")
    begun = reader.post("/account", {"do": "begin-factor"})
    assert begun.status_code == 200
    assert begun.headers["cache-control"] == "no-store"
    assert 'class="qr"' in begun.text
    assert "style=" not in begun.text
    key = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', begun.text)
    assert key
    wrong = reader.post("/account", {"do": "confirm-factor", "code": "000000"})
    assert "six digits" in problem(wrong, "code")
    totp = pyotp.TOTP(key[1].replace(" ", ""))
    right = reader.post("/account", {"do": "confirm-factor", "code": totp.now()})
    assert right.status_code == 303
    asked = sqlite_server.page(
        None, "POST", "/sign-in", data={"name": "reader", "password": PASSWORD}
    )
    assert asked.status_code == 401
    refused = reader.post("/account", {"do": "remove-factor", "remove_code": "000000"})
    assert "six digits" in problem(refused, "remove_code")
    assert browse("admin").post("/admin/accounts/reader", {"do": "factor"}).status_code == 303
    assert browse("reader").get("/account").status_code == 200


def test_a_token_is_shown_once_works_and_is_revoked(browse: Any, sqlite_server: Any) -> None:
    reader = browse("reader")
    none = reader.post("/account", {"do": "token", "label": HOSTILE, "days": "30"})
    assert none.status_code == 422
    assert HOSTILE not in none.text
    assert f'value="{HOSTILE}"' in unescape(none.text)
    more = {"do": "token", "label": "export", "days": "30", "scopes": ["record:write"]}
    assert reader.post("/account", more).status_code == 422
    made = reader.post("/account", {**more, "scopes": ["record:read"]})
    secret = re.search(r'<code class="secret">(anagen_[\w-]+)</code>', made.text)
    assert secret
    sqlite_server.tokens["made"] = secret[1]
    assert sqlite_server.ask("made", "GET", "/people").status_code == 200
    page = reader.get("/account").text
    assert secret[1] not in page
    listed = re.search(r'name="id" value="([0-9a-z]+)"><button aria-label="Revoke export"', page)
    assert listed
    reader.post("/account", {"do": "revoke-token", "id": listed[1]})
    assert sqlite_server.ask("made", "GET", "/people").status_code == 401


def test_one_sees_ones_own_sign_ins_and_accesses_and_ends_the_others(browse: Any) -> None:
    reader, other = browse("reader"), browse("reader")
    other.get("/people?text=a")
    assert "Open sign-ins 2" in words(reader.get("/account"))
    assert reader.post("/account", {"do": "sign-ins"}).status_code == 303
    assert other.get("/account").status_code == 303
    assert reader.get("/account").status_code == 200
    assert "GET /people" in words(reader.get("/account"))


# Evidence


def test_the_figures_of_the_claims_are_those_of_the_page_in_the_documentation() -> None:
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    file = ROOT / "src" / "anagen" / "evidence" / "data" / "claim_results.csv"
    assert claims_csv(page) == file.read_text(encoding="utf-8"), (
        "run python -m anagen.report.claims_data"
    )


@pytest.mark.parametrize(
    "row",
    ["none,1,1,1,1,,,,,shown,,", "atrophy_10,1,x,1,1,,,,,shown,,",
     "atrophy_10,1,,1,1,,,,,shown,,", "atrophy_10,1,1,1,1,,,,,perhaps,,"],
)  # fmt: skip
def test_a_broken_table_of_figures_is_refused(row: str) -> None:
    with pytest.raises(EvidenceError):
        parse_claim_results(",".join(COLUMNS) + "\n" + row + "\n")
    with pytest.raises(EvidenceError):
        parse_claim_results("key\n")


def test_statements_show_criterion_and_verdict_and_are_found_by_words(browse: Any) -> None:
    reader = browse("reader")
    text = words(reader.get("/evidence"))
    counts = {name: sum(one.verdict == name for one in load_claim_results().values())
              for name in ("shown", "contradicted")}  # fmt: skip
    assert f"contradicted {counts['contradicted']} " in text
    found = reader.get("/evidence?text=atrophy+18")
    assert "Visible atrophy in about 18 % at 10 mg/mL" in words(found)
    assert "boost the immune system" not in words(found)
    contradicted = words(reader.get("/evidence?verdict=contradicted"))
    assert "boost the immune system" in contradicted
    assert "Shown when" in contradicted


def test_every_number_of_the_model_has_unit_origin_and_source(browse: Any) -> None:
    reader = browse("reader")
    page = reader.get("/evidence?part=parameters")
    for key, one in load_parameters().parameters.items():
        assert key in page.text
        row = next(row for row in evidence_tables.parameter_rows() if row.key == key)
        assert (row.origin, row.source) == (one.origin, one.source)
        assert bool(row.unit) == (one.unit != "1")
    depot = words(reader.get("/evidence?part=parameters&module=depot&origin=derived"))
    assert "depot.radius" in depot
    assert "depot.reference_volume" not in depot


def test_published_figures_stand_beside_the_models(browse: Any) -> None:
    page = browse("reader").get("/evidence?part=published")
    assert page.text.count("<circle") == len(evidence_tables.compared_rows())
    assert "46.7\xa0%" in page.text


def test_references_are_listed_and_what_is_searched_for_is_harmless(browse: Any) -> None:
    reader = browse("reader")
    assert "Su et al. (2022)" in words(reader.get("/evidence?part=references&text=Su2022"))
    nothing = reader.get(f"/evidence?part=references&text={HOSTILE}")
    assert "Nothing fits these words." in words(nothing)
    assert HOSTILE not in nothing.text
    assert reader.get("/evidence?part=other").status_code == 422


# What-if


def test_exploring_is_open_only_where_the_clinic_says_so(browse: Any, sqlite_server: Any) -> None:
    nobody, reader = browse(None), browse("reader")
    assert nobody.get("/explore").headers["location"].startswith("/sign-in")
    assert reader.get("/explore").status_code == 403
    assert browse("researcher").get("/explore").status_code == 200
    change_setting(sqlite_server.store, CONSOLE, "explore", "on", expected=0, reason="teaching")
    assert nobody.get("/explore").status_code == 200
    assert reader.get("/explore").status_code == 200
    assert "/people" not in nobody.get("/explore").text
    for address in ("/", "/people", "/admin", f"/people/{NUMBER}/review"):
        assert nobody.get(address).headers["location"].startswith("/sign-in")


def test_what_was_typed_comes_back_with_what_is_wrong(browse: Any) -> None:
    sent = {**explore_forms.defaults(), "diameter_cm:number": "three", "patches:number": "9",
            "strength:number": HOSTILE}  # fmt: skip
    answer = browse("clinician").post("/explore", sent)
    assert answer.status_code == 422
    assert "found" in problem(answer, "diameter_cm")
    assert "4" in problem(answer, "patches")
    assert 'value="three"' in answer.text
    assert HOSTILE not in answer.text


@pytest.fixture
def computing(
    sqlite_server: Any, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A server that computes for a few weeks."""
    monkeypatch.setattr(explore_forms, "WEEKS", WEEKS)
    monkeypatch.setattr(tasks, "_REVIEW_WEEKS", WEEKS)
    sqlite_server.app.state.compute = Computing(sqlite_server.store, known)
    return


@pytest.mark.usefixtures("computing")
def test_a_what_if_is_computed_for_nobody_and_shown(browse: Any, sqlite_server: Any) -> None:
    change_setting(sqlite_server.store, CONSOLE, "explore", "on", expected=0, reason="teaching")
    nobody = browse(None)
    fields = {**explore_forms.defaults(), "age_years:number": "41"}
    asked = nobody.post("/explore", fields)
    assert asked.status_code == 303, words(asked)
    address = asked.headers["location"]
    shown = nobody.get(address)
    assert shown.status_code == 200
    assert shown.text.count("<svg") >= 2
    assert 'value="41"' in shown.text
    assert "Sites a session" in words(shown)
    job = parse_qs(urlsplit(address).query)["job"][0]
    assert browse("clinician").get(f"/explore?job={job}").status_code == 404
    fragment = nobody.get(address, **{"X-Fragment": "1"})
    assert "<html" not in fragment.text


def test_a_what_if_waits_for_its_sites_and_says_what_came_of_them(
    browse: Any, sqlite_server: Any
) -> None:
    somebody = browse("clinician")
    address = somebody.post("/explore", explore_forms.defaults()).headers["location"]
    key = parse_qs(urlsplit(address).query)["placing"][0]
    assert "data-working" in somebody.get(address).text
    assert browse("researcher").get(address).status_code == 404
    jobs.start(sqlite_server.store, key)
    told = {"place": "changes.strength_mg_per_mL", "expected": "less", "found": "more",
            "remedy": HOSTILE}  # fmt: skip
    jobs.fail(sqlite_server.store, key,
              json.dumps({"cause": "input", "detail": "No.", "problems": [told]}))  # fmt: skip
    answer = somebody.get(address)
    assert answer.status_code == 422
    assert "less" in problem(answer, "strength")
    assert HOSTILE not in answer.text


def test_whoever_asks_too_often_without_an_account_waits() -> None:
    at = [0.0]
    pace = Pace(lambda: at[0])
    for _ in range(MOST_OWN):
        pace.admit("10.0.0.1", 0)
    with pytest.raises(ThrottledError):
        pace.admit("10.0.0.1", 0)
    pace.admit("10.0.0.2", 0)
    at[0] = WINDOW_SECONDS + 1
    pace.admit("10.0.0.1", 0)
    with pytest.raises(BusyError):
        pace.admit("10.0.0.1", MOST_WAITING)


# Review


@pytest.fixture
def course(sqlite_server: Any) -> str:
    """Number of a person with a course."""
    patient = load_patient(ROOT / "examples" / "patient.json")
    return import_patient(sqlite_server.store, CONSOLE, patient)


@pytest.mark.usefixtures("computing")
def test_a_course_is_reviewed_and_the_decision_kept_once(
    browse: Any, sqlite_server: Any, course: str
) -> None:
    clinician, address = browse("clinician"), f"/people/{course}/review"
    shown = clinician.get(address)
    assert shown.status_code == 200
    text = words(shown)
    assert "Response at 12 weeks" in text
    assert "Ways to go on" in text
    assert "Visible atrophy" in text
    job = re.search(r'name="job" value="([0-9a-z]+)"', shown.text)
    assert job
    assert f'value="{job[1]}"' in clinician.get(address).text, "the same question is asked once"
    bare = clinician.post(address, {"job": job[1], "decision": "watch", "reason": ""})
    assert bare.status_code == 422
    assert "nothing" in problem(bare, "reason")
    assert '"watch" selected' in bare.text
    sent = {"job": job[1], "decision": "watch", "reason": f"skin first {HOSTILE}"}
    assert clinician.post(address, sent).status_code == 303
    assert clinician.post(address, sent).status_code == 303
    notes = sqlite_server.ask("clinician", "GET", f"/people/{course}/notes").json()["items"]
    assert len(notes) == 1
    assert "Decided: watch." in json.dumps(notes[0])
    assert HOSTILE not in clinician.get(f"{address}?job={job[1]}&kept=true").text
    sheet = clinician.get(f"{address}?job={job[1]}&sheet=true")
    assert "Date, signature" in words(sheet)
    assert browse("colleague").get(f"{address}?job={job[1]}").status_code == 404
    assert clinician.get(f"/people/{NUMBER}/review?job={job[1]}").status_code == 404


def test_a_review_that_is_still_computed_loads_itself_again(browse: Any, course: str) -> None:
    clinician = browse("clinician")
    page = clinician.get(f"/people/{course}/review")
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert "data-working" in page.text
    fragment = clinician.get(f"/people/{course}/review", **{"X-Fragment": "1"})
    assert "data-working" in fragment.text
    assert "<html" not in fragment.text


def test_who_may_not_compute_is_told_so_and_who_may_not_read_is_refused(
    browse: Any, course: str
) -> None:
    reader = browse("reader").get(f"/people/{course}/review")
    assert reader.status_code == 200
    assert "reads the record only" in words(reader)
    assert browse("researcher").get(f"/people/{course}/review").status_code == 403
    assert browse("clinician").get("/people/Z-9/review").status_code == 404


def test_a_review_that_failed_says_why(browse: Any, sqlite_server: Any, course: str) -> None:
    clinician = browse("clinician")
    page = clinician.get(f"/people/{course}/review").text
    job = re.search(r'data-job="\?job=([0-9a-z]+)"', page)
    assert job
    jobs.start(sqlite_server.store, job[1])
    jobs.fail(sqlite_server.store, job[1],
              json.dumps({"cause": "input", "detail": HOSTILE, "problems": []}))  # fmt: skip
    shown = clinician.get(f"/people/{course}/review?job={job[1]}")
    assert "Nothing could be computed" in words(shown)
    assert HOSTILE not in shown.text
