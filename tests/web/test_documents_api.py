"""Documents over the API: every kind in the same way, nothing overwritten, nothing lost."""

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from anagen.clinic import entries
from anagen.clinic.documents import KINDS, PERSON_KINDS

MADE_HERE = {"photograph", "forecast"}
MANY = [name for name in PERSON_KINDS if not KINDS[name].one_per_person]
SENT = [name for name in MANY if name not in MADE_HERE]
DAY = "2026-03-02"
WHO = "clinician"


def address(kind: str, number: str = "A-1") -> str:
    return f"/people/{number}/{KINDS[kind].path}"


@pytest.fixture
def create(examples: Any) -> Callable[..., Any]:
    """Make a document of a kind, and give the answer."""

    def made(server: Any, kind: str, day: str = DAY, note: str = "", **more: Any) -> Any:
        body = examples[kind](day, note)
        answer = server.ask(WHO, "POST", address(kind), json=body, **more)
        assert answer.status_code == 201, (kind, answer.text)
        return answer

    return made


def test_every_kind_has_an_example(examples: Any) -> None:
    assert set(examples) == set(PERSON_KINDS) - MADE_HERE


def test_a_document_of_every_kind_lives_its_life(
    server: Any, examples: Any, create: Callable[..., Any]
) -> None:
    for kind in SENT:
        made = create(server, kind)
        here = made.headers["location"]
        assert made.headers["etag"] == '"1"'
        kept = server.ask("reader", "GET", here)
        assert kept.json() == {**made.json(), "warnings": []}
        assert kept.headers["etag"] == '"1"'
        same = server.ask("reader", "GET", here, headers={"If-None-Match": '"1"'})
        assert (same.status_code, same.content) == (304, b"")

        change = {"document": examples[kind](DAY, "again"), "reason": "entered too early"}
        missing = server.ask(WHO, "PUT", here, json=change)
        assert missing.status_code == 428, kind
        odd = server.ask(WHO, "PUT", here, json=change, headers={"If-Match": "latest"})
        assert odd.status_code == 400, kind
        changed = server.ask(WHO, "PUT", here, json=change, headers={"If-Match": '"1"'})
        assert (changed.status_code, changed.headers["etag"]) == (200, '"2"'), changed.text
        other = {**change, "reason": "somebody else's"}
        stale = server.ask("colleague", "PUT", here, json=other, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.headers["etag"]) == (412, '"2"'), kind
        fresh = server.ask("reader", "GET", here, headers={"If-None-Match": '"1"'})
        assert fresh.status_code == 200
        assert fresh.json()["reason"] == "entered too early"

        gone = {"reason": "another person"}
        assert server.ask(WHO, "POST", f"{here}/retract", json=gone).status_code == 428
        back = server.ask(WHO, "POST", f"{here}/retract", json=gone, headers={"If-Match": '"2"'})
        assert (back.status_code, back.json()["retracted"]) == (200, True), back.text
        rows = server.ask("reader", "GET", f"{here}/versions").json()
        assert [row["version"] for row in rows] == [1, 2, 3]
        assert [row["reason"] for row in rows] == ["", "entered too early", "another person"]
        assert rows[0]["document"] == made.json()["document"]
        listed = server.ask("reader", "GET", address(kind)).json()["items"]
        assert listed == []
        listed = server.ask("reader", "GET", f"{address(kind)}?retracted=true").json()["items"]
        assert [row["version"] for row in listed] == [3]


def test_what_is_one_per_person_is_changed_alike(server: Any, examples: Any) -> None:
    for kind, here in (("person", "/people/A-1"), ("identity", "/people/A-1/identity")):
        change = {"document": examples[kind](DAY, "two"), "reason": "a better word"}
        assert server.ask(WHO, "PUT", here, json=change).status_code == 428
        done = server.ask(WHO, "PUT", here, json=change, headers={"If-Match": '"1"'})
        assert done.status_code == 200, done.text
        assert server.ask("reader", "GET", here).json()["version"] == 2
        kept = server.ask("reader", "GET", here, headers={"If-None-Match": '"2"'})
        assert kept.status_code == 304
        rows = server.ask("reader", "GET", f"{here}/versions").json()
        assert [row["version"] for row in rows] == [1, 2]
        taken = server.ask(WHO, "PUT", here, json=change, headers={"If-None-Match": "*"})
        assert taken.status_code == 412


def test_an_identity_can_be_added_later(sqlite_server: Any) -> None:
    made = sqlite_server.ask(WHO, "POST", "/people", json={"number": "C-3"})
    assert made.status_code == 201, made.text
    here = "/people/C-3/identity"
    assert sqlite_server.ask("reader", "GET", here).status_code == 404
    change = {"document": {"name": "Somebody"}, "reason": "asked for"}
    done = sqlite_server.ask(WHO, "PUT", here, json=change, headers={"If-None-Match": "*"})
    assert done.status_code == 200, done.text
    assert sqlite_server.ask("reader", "GET", here).json()["document"] == {"name": "Somebody"}


def test_lists_go_on_where_they_stopped(server: Any, create: Callable[..., Any]) -> None:
    days = [f"2026-03-{day:02}" for day in (9, 2, 5, 2, 7)]
    made = [create(server, "note", day, f"on {day}").json() for day in days]
    seen, cursor = [], None
    for _ in range(3):
        more = f"&cursor={cursor}" if cursor else ""
        part = server.ask("reader", "GET", f"{address('note')}?limit=2{more}").json()
        seen += part["items"]
        cursor = part["next"]
    assert cursor is None
    wanted = sorted(made, key=lambda one: (one["document"]["on"], one["id"]))
    assert [one["id"] for one in seen] == [one["id"] for one in wanted]
    bounds = "first_day=2026-03-05&last_day=2026-03-07"
    within = server.ask("reader", "GET", f"{address('note')}?{bounds}").json()["items"]
    assert [one["document"]["on"] for one in within] == ["2026-03-05", "2026-03-07"]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense", "cursor=WzFd", "limit=0", "limit=201", "limit=many", "page=2",
        "first_day=yesterday", "cursor=%00", "cursor=bnVsbA",
    ],
)  # fmt: skip
def test_a_list_refuses_what_it_does_not_know(sqlite_server: Any, query: str) -> None:
    answer = sqlite_server.ask("reader", "GET", f"{address('note')}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith("query")


def test_documents_of_another_person_are_out_of_reach(
    server: Any, examples: Any, create: Callable[..., Any]
) -> None:
    for kind in SENT:
        key = create(server, kind).json()["id"]
        there = f"{address(kind, 'B-2')}/{key}"
        change = {"document": examples[kind](DAY, "x"), "reason": "mistaken"}
        match = {"If-Match": '"1"'}
        for method, path, body in (
            ("GET", there, None), ("GET", f"{there}/versions", None), ("PUT", there, change),
            ("POST", f"{there}/retract", {"reason": "mistaken"}),
        ):  # fmt: skip
            answer = server.ask(WHO, method, path, json=body, headers=match)
            # A plan names its person, so that one is refused before it is looked for.
            assert answer.status_code in ((404, 422) if kind == "plan" else (404,)), (kind, method)
        assert server.ask("reader", "GET", f"{address(kind)}/{key}").json()["version"] == 1
        nobody = f"{address(kind, 'Z-9')}"
        assert server.ask(WHO, "GET", nobody).status_code == 404
        answer = server.ask(WHO, "POST", nobody, json=examples[kind](DAY, ""))
        assert answer.status_code == 404, (kind, answer.text)


def test_an_id_of_another_kind_is_not_there(server: Any, create: Callable[..., Any]) -> None:
    key = create(server, "note").json()["id"]
    assert server.ask(WHO, "GET", f"{address('visit')}/{key}").status_code == 404


def test_an_unknown_field_is_named_and_nothing_is_kept(server: Any, examples: Any) -> None:
    for kind in SENT:
        body = {**examples[kind](DAY, ""), "nickname": "not a field"}
        answer = server.ask(WHO, "POST", address(kind), json=body)
        assert answer.status_code == 422, kind
        assert [one["field"] for one in answer.json()["errors"]] == ["nickname"], answer.text
        assert "not a field" not in answer.text
        assert server.ask(WHO, "GET", address(kind)).json()["items"] == []


def test_all_problems_are_told_at_once(sqlite_server: Any) -> None:
    body = {"event": "", "grade": 9, "start": "soon", "course": "away"}
    answer = sqlite_server.ask(WHO, "POST", address("adverse_event"), json=body)
    problems = answer.json()["errors"]
    assert {one["field"] for one in problems} == set(body)
    assert all(one["expected"] and one["found"] and one["remedy"] for one in problems)


def test_the_same_write_sent_twice_is_done_once(
    server: Any, examples: Any, create: Callable[..., Any]
) -> None:
    for kind in SENT:
        drawn = {"Idempotency-Key": str(uuid.uuid4())}
        first = create(server, kind, headers=drawn)
        again = create(server, kind, headers=drawn)
        assert again.json()["id"] == first.json()["id"], kind
        assert again.json()["document"] == first.json()["document"], kind
        assert len(server.ask(WHO, "GET", address(kind)).json()["items"]) == 1
        other = examples[kind]("2026-03-03", "something else")
        refused = server.ask(WHO, "POST", address(kind), json=other, headers=drawn)
        assert refused.status_code == 422, kind
        assert refused.json()["errors"][0]["field"] == "header: Idempotency-Key"
        theirs = server.ask("colleague", "POST", address(kind), json=other, headers=drawn)
        assert theirs.status_code == 201, (kind, theirs.text)


def test_a_write_whose_answer_was_lost_is_found_again(
    server: Any, create: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document is kept, the answer is not sent: the client sends it again."""
    drawn = {"Idempotency-Key": "0123456789"}
    refuse = server.app.state.accesses

    class Lost:
        def submit(self, access: Any) -> None:
            raise ConnectionResetError

    server.app.state.accesses = Lost()
    answer = server.ask(WHO, "POST", address("note"), json={"on": DAY, "text": "kept"},
                        headers=drawn)  # fmt: skip
    assert answer.status_code == 500
    server.app.state.accesses = refuse
    again = server.ask(WHO, "POST", address("note"), json={"on": DAY, "text": "kept"},
                       headers=drawn)  # fmt: skip
    assert (again.status_code, again.json()["version"]) == (201, 1)
    assert len(server.ask(WHO, "GET", address("note")).json()["items"]) == 1


def test_a_change_sent_twice_is_made_once(
    server: Any, examples: Any, create: Callable[..., Any]
) -> None:
    here = create(server, "visit").headers["location"]
    change = {"document": examples["visit"](DAY, "two"), "reason": "measured again"}
    answers = [
        server.ask(WHO, "PUT", here, json=change, headers={"If-Match": '"1"'}) for _ in range(2)
    ]
    assert [(one.status_code, one.headers["etag"]) for one in answers] == [(200, '"2"')] * 2
    assert len(server.ask(WHO, "GET", f"{here}/versions").json()) == 2


def test_people_are_enrolled_once_with_one_key(server: Any) -> None:
    drawn = {"Idempotency-Key": "abcdefgh-1"}
    body = {"person": {"sex": "male"}, "identity": {"name": "Somebody"}}
    first, again = (server.ask(WHO, "POST", "/people", json=body, headers=drawn) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert first.json()["id"] == again.json()["id"]
    taken = server.ask(WHO, "POST", "/people", json={"number": first.json()["id"]})
    assert taken.status_code == 409


def test_twenty_who_edit_one_visit_lose_nothing(
    server: Any, examples: Any, create: Callable[..., Any]
) -> None:
    here = create(server, "visit").headers["location"]
    headers = {"Authorization": f"Bearer {server.tokens[WHO]}"}
    together = Barrier(20)

    def edit(number: int) -> tuple[int, int, dict[str, Any]]:
        """Write until it is kept; gives refusals, version, and what was sent."""
        etag, refused = '"1"', 0
        sent = {"document": examples["visit"](DAY, f"by {number}"), "reason": f"edit {number}"}
        together.wait()
        while True:
            answer = server.client.put(here, json=sent, headers={**headers, "If-Match": etag})
            if answer.status_code == 200:
                return refused, answer.json()["version"], sent
            assert answer.status_code == 412, answer.text
            now, etag = etag, answer.headers["etag"]
            assert int(etag.strip('"')) > int(now.strip('"'))
            refused += 1

    server.client.cookies.clear()
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(edit, range(20)))
    assert sorted(version for _, version, _ in done) == list(range(2, 22))
    assert sum(refused for refused, _, _ in done) >= 19
    rows = {row["version"]: row for row in server.ask("reader", "GET", f"{here}/versions").json()}
    for _, version, sent in done:
        assert rows[version]["document"]["seen"]["note"] == sent["document"]["seen"]["note"]
        assert rows[version]["reason"] == sent["reason"]


def test_a_failure_while_writing_leaves_nothing(
    server: Any, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(entries, "_move_head", fail)
        answer = server.ask(WHO, "POST", address("visit"), json=examples["visit"](DAY, ""))
        assert answer.status_code == 507, answer.text
        assert "Nothing" in answer.text or "nothing" in answer.text
    assert server.ask(WHO, "GET", address("visit")).json()["items"] == []
    answer = server.ask(WHO, "POST", address("visit"), json=examples["visit"](DAY, ""))
    assert answer.status_code == 201


def test_photographs_come_and_go_like_documents(server: Any, picture: Any) -> None:
    sent = {"file": ("../../etc/passwd.png", picture(), "image/png")}
    made = server.ask(WHO, "POST", address("photograph"), files=sent, data={"taken_on": DAY})
    assert made.status_code == 201, made.text
    here = made.headers["location"]
    shown = server.ask("reader", "GET", f"{here}/picture")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert "passwd" not in shown.headers["content-disposition"]
    assert "sandbox" in shown.headers["content-security-policy"]
    small = server.ask("reader", "GET", f"{here}/picture?size=16")
    assert small.headers["content-type"] == "image/jpeg"
    elsewhere = here.replace("A-1", "B-2")
    assert server.ask("reader", "GET", f"{elsewhere}/picture").status_code == 404
    moved = {**made.json()["document"], "sha256": "0" * 64}
    answer = server.ask(
        WHO, "PUT", here, json={"document": moved, "reason": "another file"},
        headers={"If-Match": '"1"'},
    )  # fmt: skip
    assert answer.status_code == 422
    back = server.ask(WHO, "POST", f"{here}/retract", json={"reason": "not this one"},
                      headers={"If-Match": '"1"'})  # fmt: skip
    assert back.status_code == 200


def test_the_record_of_a_person_holds_all_that_stands(
    server: Any, create: Callable[..., Any]
) -> None:
    made = {kind: create(server, kind).json()["id"] for kind in SENT}
    record = server.ask("reader", "GET", "/people/A-1/record").json()
    for kind, key in made.items():
        assert [one["id"] for one in record[KINDS[kind].path]] == [key]
    patient = server.ask("reader", "GET", "/people/A-1/patient").json()
    assert patient["visits"][0]["date"] == DAY
    assert "Wilhelmina" not in json.dumps(patient)
