"""Documents to be printed: the page that offers them, the job that sets them, and the file."""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import date
from html import unescape
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from web_server import NAME, NUMBER, Server, Still, actor_named

from anagen.clinic import jobs
from anagen.clinic.accounts import change_account
from anagen.clinic.documents import Identity, PlanKept
from anagen.clinic.files import import_patient
from anagen.clinic.people import Kept, keep
from anagen.clinic.permissions import CONSOLE
from anagen.clinic.settings import change_setting
from anagen.errors import InputError
from anagen.patient import Patient, load_patient
from anagen.patient.plans import PlanRequest, plan_patient
from anagen.treatment import Plan
from anagen.web import tasks
from anagen.web.api.job_models import TASK_REQUEST, DocumentRequested, JobProblem
from anagen.web.document_task import styled
from anagen.web.printing import page_policy
from anagen.web.workers import Workers

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "patient.json"
read_pdf = run_path(str(EXAMPLE.parents[1] / "tests" / "report" / "pdf_reading.py"))["read_pdf"]

PERSON = "AA-0001"
NOBODYS = "0123456789abcdef"
PATIENCE = 120.0


class Setting(Still):
    """Workers that compute while one waits, in this process."""

    def wait(self, actor: Any, key: str, seconds: float) -> jobs.Job:
        job = jobs.job(self.store, actor, key)
        if job.state == "queued":
            jobs.start(self.store, key)
            asked = TASK_REQUEST.validate_json(job.request)
            try:
                made = tasks.answer(asked, lambda done, total: None)
            except InputError as error:
                jobs.fail(self.store, key, _problem(error))
            else:
                jobs.finish(self.store, key, made.model_dump_json())
        return jobs.job(self.store, actor, key)


def _problem(error: InputError) -> str:
    told = JobProblem(cause="input", detail="It cannot be made.", problems=tuple(error.problems))
    return told.model_dump_json()


class Desk:
    """Somebody at the page of documents of a person, without scripts."""

    def __init__(self, server: Server, account: str, number: str) -> None:
        self.server, self.address = server, f"/people/{number}/documents"
        self.headers = {"Cookie": server.sign_in(account)["Cookie"]}

    def get(self, address: str | None = None, **headers: str) -> Any:
        return self.server.page(
            None, "GET", address or self.address, headers={**self.headers, **headers}
        )

    def ask(self, make: str, **fields: str) -> Any:
        """Press one of the buttons."""
        page = self.get().text
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        assert token
        sent = {"csrf": token[1], "make": make, "named": "yes", **fields}
        return self.server.page(None, "POST", self.address, headers=self.headers, data=sent)

    def open(self, make: str, **fields: str) -> Any:
        """Press a button and follow it to the file."""
        asked = self.ask(make, **fields)
        assert asked.status_code == 303, words(asked)
        ready = self.get(asked.headers["location"])
        assert ready.status_code == 303, words(ready)
        return self.get(ready.headers["location"])


def words(answer: Any) -> str:
    """Text of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture(scope="module")
def patient() -> Patient:
    return load_patient(EXAMPLE)


@pytest.fixture(scope="module")
def made(patient: Patient) -> Plan:
    return plan_patient(patient, PlanRequest(start=date(2025, 3, 3)))


@pytest.fixture
def plan(sqlite_server: Server, patient: Patient, made: Plan) -> Kept:
    """A person of the record with visits, and a plan that stands accepted."""
    store = sqlite_server.store
    identity = Identity(name=NAME, born=patient.born)
    import_patient(store, CONSOLE, patient, identity=identity)
    accepted = PlanKept(plan=made, state="accepted")
    return keep(store, actor_named("clinician"), PERSON, "plan", accepted)


@pytest.fixture
def desk(sqlite_server: Server) -> Callable[..., Desk]:
    """Let somebody print."""
    sqlite_server.app.state.compute = Setting(sqlite_server.store)

    def begin(account: str = "clinician", number: str = PERSON) -> Desk:
        return Desk(sqlite_server, account, number)

    return begin


# The page


def test_the_page_offers_five_documents_by_date(desk: Any, plan: Kept) -> None:
    shown = desk().get()
    text = words(shown)
    for title in ("Injection map and syringe sheet", "Visit letter", "Consent form",
                  "Patient leaflet", "Review sheet"):  # fmt: skip
        assert f">{title}</h2>" in shown.text
    first = plan.entry.document.plan.sessions[0]
    assert f'value="{plan.entry.id}.1" selected' in shown.text
    assert f"Mar 3, 2025 · 1 of {len(plan.entry.document.plan.sessions)}" in text
    assert f"{first.sites} sites" in text
    assert '<option value="2025-02-25">Feb 25, 2025</option>' in shown.text
    assert shown.text.count('value="A4" selected') == 1
    assert f'href="/people/{PERSON}/documents"' in desk().get(f"/people/{PERSON}").text


def test_a_card_says_why_it_cannot_be_made_and_what_to_do(desk: Any) -> None:
    shown = desk(number=NUMBER).get()
    assert "No plan is accepted yet" in words(shown)
    assert f'href="/people/{NUMBER}/plan"' in shown.text
    assert words(shown).count("No visit is recorded yet.") == 3
    assert f'href="/people/{NUMBER}/visit"' in shown.text
    assert re.findall(r'name="make" value="(\w+)\.pdf"', shown.text) == ["consent"]


def test_a_reader_may_look_and_is_told_who_makes_documents(desk: Any, plan: Kept) -> None:
    shown = desk("reader").get()
    assert shown.status_code == 200
    assert "made by clinicians and assistants" in words(shown)
    assert 'name="make"' not in shown.text
    assert desk("reader").ask("consent.pdf").status_code == 403


def test_a_session_chosen_by_the_address_is_chosen(desk: Any, plan: Kept) -> None:
    address = f"/people/{PERSON}/documents?plan={plan.entry.id}&session=2"
    assert f'value="{plan.entry.id}.2" selected' in desk().get(address).text


# Making them


def test_a_letter_is_set_as_a_page_under_a_strict_policy(desk: Any, plan: Kept) -> None:
    answer = desk().open("letter.html", visit="2025-02-25")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert PERSON in answer.text
    assert NAME in words(answer)
    assert "25 February 2025" in words(answer)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert policy.endswith("; sandbox")
    assert " style=" not in answer.text
    assert "<script" not in answer.text
    for style in re.findall(r"<style[^>]*>(.*?)</style>", answer.text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_a_file_name_holds_the_number_and_no_name(desk: Any, plan: Kept) -> None:
    answer = desk().open("letter.pdf", visit="2025-01-14")
    assert answer.content.startswith(b"%PDF")
    assert answer.headers["content-type"] == "application/pdf"
    told = answer.headers["content-disposition"]
    assert told == f'inline; filename="{PERSON}-letter-after-a-visit-2025-01-14.pdf"'
    assert not [part for part in NAME.split() if part.lower() in told.lower()]
    assert "default-src" not in answer.headers["content-security-policy"]
    assert "script-src 'none'" in answer.headers["content-security-policy"]


def test_without_name_and_birth_date_a_document_carries_number_and_age(
    desk: Any, plan: Kept, patient: Patient
) -> None:
    answer = desk().open("letter.html", visit="2025-02-25", named="")
    assert NAME not in words(answer)
    assert str(patient.born.year if patient.born else "") not in words(answer)
    assert PERSON in words(answer)
    assert "34 years" in words(answer)


def test_the_clinic_says_name_and_paper(desk: Any, plan: Kept, sqlite_server: Server) -> None:
    for name, value in (("clinic_name", "Hair <clinic>"), ("paper", "Letter")):
        change_setting(sqlite_server.store, CONSOLE, name, value, expected=0, reason="new")
    assert 'value="Letter" selected' in desk().get().text
    answer = desk().open("consent.html")
    assert "size: letter" in answer.text
    assert "Hair &lt;clinic&gt;" in answer.text
    assert "size: A4" in desk().open("consent.html", paper="A4").text


def test_a_document_is_set_in_the_language_chosen(desk: Any, plan: Kept) -> None:
    answer = desk().open("injections.html", language="de", session=f"{plan.entry.id}.2")
    assert '<html lang="de">' in answer.text
    assert "Injektionskarte" in words(answer)
    assert "(2 von" in words(answer)
    assert "injektionskarte-und-spritzenblatt" in answer.headers["content-disposition"]
    german = desk().get(**{"Accept-Language": "de"})
    assert 'value="de" selected' in german.text


def test_a_leaflet_and_a_review_are_computed_first(desk: Any, plan: Kept) -> None:
    leaflet = desk().open("leaflet.html", leaflet_plan=plan.entry.id)
    assert "Your hair and your injections" in words(leaflet)
    assert "people like you" in words(leaflet)
    review = desk().open("review.html", as_of="2025-02-25")
    assert "Review of the treatment" in words(review)
    assert "25 February 2025" in words(review)


def test_the_same_document_of_one_day_is_made_once(desk: Any, plan: Kept) -> None:
    clinician = desk()
    one, again = clinician.ask("consent.pdf"), clinician.ask("consent.pdf")
    assert one.headers["location"] == again.headers["location"]
    assert clinician.ask("consent.html").headers["location"] != one.headers["location"]


def test_while_it_is_made_the_page_looks_again_with_and_without_scripts(
    desk: Any, plan: Kept, sqlite_server: Server
) -> None:
    clinician = desk()
    sqlite_server.app.state.compute = Still(sqlite_server.store)
    address = clinician.ask("consent.pdf").headers["location"]
    waiting = clinician.get(address)
    assert f'data-job="{address}"' in waiting.text
    assert f'content="1; url={address}?wait=true"' in waiting.text
    assert clinician.get(f"{address}/file").status_code == 404
    sqlite_server.app.state.compute = Setting(sqlite_server.store)
    fragment = clinician.get(address, **{"X-Fragment": "1"})
    assert f'data-open href="{address}/file"' in fragment.text
    assert "<html" not in fragment.text


def test_a_document_that_fails_says_why(desk: Any, plan: Kept) -> None:
    clinician = desk()
    address = clinician.ask("letter.pdf", visit="2020-01-01").headers["location"]
    failed = clinician.get(address)
    assert failed.status_code == 200
    assert "a visit on or before the day of the letter" in words(failed)
    assert f'href="/people/{PERSON}/documents"' in failed.text
    assert clinician.get(f"{address}/file").status_code == 404


# What is refused


@pytest.mark.parametrize(
    ("make", "fields", "said"),
    [
        ("prescription.pdf", {}, "one of the documents of this page"),
        ("letter.docx", {}, "one of the documents of this page"),
        ("", {}, "one of the documents of this page"),
        ("consent.pdf", {"paper": "A3"}, "A4"),
        ("consent.pdf", {"language": "xx"}, "de"),
        ("letter.pdf", {"visit": "the 30th of February"}, "No document was made"),
        ("injections.pdf", {"session": "{plan}.61"}, "No document was made"),
        ("injections.pdf", {"session": "{plan}.59"}, "a number from 1 to"),
        ("injections.pdf", {"session": "{plan}.first"}, "No document was made"),
    ],
)
def test_what_cannot_be_used_comes_back_with_the_page(
    desk: Any, plan: Kept, make: str, fields: dict[str, str], said: str
) -> None:
    sent = {name: value.format(plan=plan.entry.id) for name, value in fields.items()}
    answer = desk().ask(make, **sent)
    assert answer.status_code == 422
    assert said in words(answer)
    assert ">Visit letter</h2>" in answer.text


def test_plans_of_others_and_plans_that_are_not_there_are_not_found(
    desk: Any, plan: Kept, sqlite_server: Server, made: Plan
) -> None:
    foreign = made.model_copy(update={"patient": NUMBER})
    theirs = keep(sqlite_server.store, actor_named("clinician"), NUMBER, "plan",
                  PlanKept(plan=foreign, state="accepted"))  # fmt: skip
    for key in (theirs.entry.id, NOBODYS):
        assert desk().ask("injections.pdf", session=f"{key}.1").status_code == 404
        assert desk().ask("consent.pdf", consent_plan=key).status_code == 404
    assert desk().get("/people/NO-1/documents").status_code == 404


def test_nobody_injects_from_a_draft(
    desk: Any, plan: Kept, sqlite_server: Server, made: Plan
) -> None:
    draft = keep(sqlite_server.store, actor_named("clinician"), PERSON, "plan", PlanKept(plan=made))
    assert f'value="{draft.entry.id}.1"' not in desk().get().text
    answer = desk().ask("injections.pdf", session=f"{draft.entry.id}.1")
    assert answer.status_code == 422
    assert "an accepted plan" in words(answer)


def test_a_document_is_seen_by_who_asked_and_under_its_person(desk: Any, plan: Kept) -> None:
    address = desk().ask("consent.pdf").headers["location"]
    key = address.rpartition("/")[2]
    assert desk().get(f"{address}/file").status_code == 404  # not made yet
    assert desk().get(address).status_code == 303
    assert desk().get(f"{address}/file").status_code == 200
    assert desk("colleague").get(f"{address}/file").status_code == 404
    assert desk("colleague").get(address).status_code == 404
    assert desk().get(f"/people/{NUMBER}/documents/{key}/file").status_code == 404
    for who in ("reader", "researcher", "admin"):
        assert desk(who, NUMBER).get(f"{address}/file").status_code == 403


# The API


def test_a_researcher_gets_no_document_of_a_person(
    desk: Any, plan: Kept, patient: Patient, sqlite_server: Server
) -> None:
    desk()
    asked = {"kind": "document", "document": "consent", "person": PERSON}
    assert sqlite_server.ask("researcher", "POST", "/jobs", json=asked).status_code == 403
    whole = {"kind": "document", "document": "consent", "format": "html",
             "patient": patient.model_dump(mode="json"), "on": "2025-03-01"}  # fmt: skip
    job = sqlite_server.ask("researcher", "POST", "/jobs", json=whole,
                            headers={"Prefer": "wait=1"}).json()  # fmt: skip
    page = sqlite_server.ask("researcher", "GET", f"/jobs/{job['id']}/document")
    assert page.status_code == 200
    assert NAME not in page.text


def test_the_api_gives_the_file_by_an_address_of_its_own_and_notes_who_looked(
    desk: Any, plan: Kept, sqlite_server: Server
) -> None:
    desk()
    asked = {"kind": "document", "document": "injections", "person": PERSON}
    job = sqlite_server.ask("clinician", "POST", "/jobs", json=asked,
                            headers={"Prefer": "wait=1"}).json()  # fmt: skip
    assert job["state"] == "done", job
    assert job["result"]["data"] == ""
    answer = sqlite_server.ask("clinician", "GET", f"/jobs/{job['id']}/document")
    assert answer.content.startswith(b"%PDF")
    assert len(answer.content) == job["result"]["size"]
    assert job["result"]["file_name"] in answer.headers["content-disposition"]
    lines = sqlite_server.ask("admin", "GET", f"/audit?person={PERSON}").json()["items"]
    assert any(line["request"] == answer.headers["x-request-id"] for line in lines)
    assert sqlite_server.ask("colleague", "GET", f"/jobs/{job['id']}/document").status_code == 404


def test_who_may_no_longer_read_the_record_gets_no_document_of_it(
    desk: Any, plan: Kept, sqlite_server: Server
) -> None:
    desk()
    asked = {"kind": "document", "document": "consent", "person": PERSON}
    job = sqlite_server.ask("assistant", "POST", "/jobs", json=asked,
                            headers={"Prefer": "wait=1"}).json()  # fmt: skip
    change_account(sqlite_server.store, CONSOLE, "assistant", roles=("researcher",))
    assert sqlite_server.ask("assistant", "GET", f"/jobs/{job['id']}/document").status_code == 403


def test_a_job_of_another_kind_is_no_document(desk: Any, plan: Kept, sqlite_server: Server) -> None:
    desk()
    job = sqlite_server.ask("clinician", "POST", "/jobs",
                            json={"kind": "check", "person": PERSON}).json()  # fmt: skip
    assert sqlite_server.ask("clinician", "GET", f"/jobs/{job['id']}/document").status_code == 404
    assert desk().get(f"/people/{PERSON}/documents/{job['id']}").status_code == 404


# Workers, and what a page is made of


def test_a_worker_sets_pdf_and_page_of_a_person(sqlite_server: Server, plan: Kept) -> None:
    workers = Workers(sqlite_server.store, count=1, warm=False)
    try:
        answers = {}
        for form in ("pdf", "html"):
            asked = DocumentRequested(person=PERSON, document="injections", format=form)
            job = workers.submit(actor_named("clinician"), asked)
            done = workers.wait(actor_named("clinician"), job.id, PATIENCE)
            assert done.state == "done", done.problem
            answers[form] = sqlite_server.ask("clinician", "GET", f"/jobs/{job.id}/document")
    finally:
        workers.close()
    assert answers["pdf"].content.startswith(b"%PDF")
    assert PERSON in read_pdf(answers["pdf"].content).text
    assert PERSON in words(answers["html"])
    assert NAME in words(answers["html"])


def test_styles_of_elements_move_into_the_style_sheet() -> None:
    page = (b'<style>p {}</style><svg style="max-width:3px"><path class="a" style="fill: none"/>'
            b'<path style="fill: none" d="M0"/></svg><p>a style=b</p>')  # fmt: skip
    text = styled(page).decode()
    assert ' style="' not in text
    assert text.count("fill: none") == 1
    assert '<svg class="st1">' in text
    assert '<path class="a st2"/><path class="st2" d="M0"/>' in text
    assert "<p>a style=b</p>" in text
    assert page_policy(text.encode()).count("sha256-") == 1
