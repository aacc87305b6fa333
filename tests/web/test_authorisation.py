"""Who may use which route: every route of the application, for everybody there is.

What is expected stands here, written out, and not where the server reads it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from anagen.clinic import tokens as token_room
from anagen.clinic.credentials import later
from anagen.clinic.documents import KINDS
from anagen.clinic.jobs import add_job
from anagen.clinic.store import Store, now, reading
from anagen.clinic.tables import chains
from anagen.clinic.tokens import make_token, revoke_token
from anagen.web.guard import Allowed, Anyone, Explorer, SignedIn, guard_of

ID = "0123456789abcdef"
ANYONE, SIGNED_IN = "anyone", "signed in"

# Which roles hold a permission.
HOLDERS = {
    "record:read": {"clinician", "assistant", "reader"},
    "record:write": {"clinician", "assistant"},
    "plan:write": {"clinician"},
    "compute": {"clinician", "assistant", "researcher"},
    "research:read": {"researcher"},
    "accounts:manage": {"administrator"},
    "audit:read": {"administrator"},
    "settings:read": {"administrator", "clinician", "assistant", "researcher", "reader"},
    "settings:write": {"administrator"},
}

# What each route asks for; a route without a line here fails.
ROUTES = {
    "GET /healthz": ANYONE,
    "GET /metrics": "settings:read",
    "GET /setup": ANYONE,
    "POST /setup": ANYONE,
    "POST /session": ANYONE,
    "GET /session": SIGNED_IN,
    "DELETE /session": SIGNED_IN,
    "GET /accounts": "accounts:manage",
    "POST /accounts": "accounts:manage",
    "PATCH /accounts/{name}": "accounts:manage",
    "PUT /accounts/{name}/password": SIGNED_IN,
    "GET /accounts/{name}/sign-ins": SIGNED_IN,
    "DELETE /sign-ins/{id}": SIGNED_IN,
    "POST /accounts/{name}/second-factor": SIGNED_IN,
    "PUT /accounts/{name}/second-factor": SIGNED_IN,
    "DELETE /accounts/{name}/second-factor": SIGNED_IN,
    "POST /accounts/{name}/second-factor/removal": SIGNED_IN,
    "GET /tokens": SIGNED_IN,
    "POST /tokens": SIGNED_IN,
    "DELETE /tokens/{id}": SIGNED_IN,
    "GET /settings": "settings:read",
    "GET /settings/{name}": "settings:read",
    "PUT /settings/{name}": "settings:write",
    "GET /audit": "audit:read",
    "POST /people": "record:write",
    "GET /people": "record:read",
    "GET /people/{number}": "record:read",
    "PUT /people/{number}": "record:write",
    "GET /people/{number}/versions": "record:read",
    "GET /people/{number}/record": "record:read",
    "GET /people/{number}/patient": "record:read",
    "GET /people/{number}/ledger": "record:read",
    "GET /people/{number}/patches": "record:read",
    "GET /people/{number}/identity": "record:read",
    "PUT /people/{number}/identity": "record:write",
    "GET /people/{number}/identity/versions": "record:read",
    "GET /people/{number}/photographs/{key}/picture": "record:read",
    "GET /today": "record:read",
    "GET /search": "record:read",
    "GET /scalp": "record:read",
    "POST /scalp/measure": "record:read",
    "GET /research/people": "research:read",
    "POST /jobs": "compute",
    "GET /jobs": "compute",
    "GET /jobs/{id}": "compute",
    "GET /jobs/{id}/document": "compute",
    "POST /jobs/{id}/cancel": "compute",
}
for many in ("consents", "visits", "plans", "sessions", "session-summaries", "other-steroids",
             "adverse-events", "photographs", "notes", "appointments", "forecasts"):  # fmt: skip
    writes = "plan:write" if many in ("plans", "forecasts") else "record:write"
    ROUTES |= {
        f"GET /people/{{number}}/{many}": "record:read",
        f"POST /people/{{number}}/{many}": writes,
        f"GET /people/{{number}}/{many}/{{key}}": "record:read",
        f"PUT /people/{{number}}/{many}/{{key}}": writes,
        f"GET /people/{{number}}/{many}/{{key}}/versions": "record:read",
        f"POST /people/{{number}}/{many}/{{key}}/retract": writes,
    }
# A forecast is kept as it was shown.
del ROUTES["PUT /people/{number}/forecasts/{key}"]

# Pages that nobody needs to be signed in for; every other page needs a permission or an account.
OPEN_PAGES = {
    "GET /sign-in", "POST /sign-in", "POST /sign-out", "GET /setup", "POST /setup",
    "POST /preferences",
}  # fmt: skip

# Served by FastAPI itself: says how the interface looks, and nothing else.
WITHOUT_GUARD = {"/api/v1/openapi.json"}
# The API only grows by lines above; those that another release may lack.
OPTIONAL = {
    "DELETE /accounts/{name}/second-factor",
    "POST /accounts/{name}/second-factor/removal",
}

WHO = {
    "nobody": (), "admin": ("administrator",), "clinician": ("clinician",),
    "assistant": ("assistant",), "researcher": ("researcher",), "reader": ("reader",),
    "former": (), "expired": (), "revoked": (), "invented": (),
}  # fmt: skip


def routes_of(app: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, address and route of everything that the application answers."""
    for context in iter_route_contexts(app.routes):
        for method in sorted(context.methods or ()):
            yield method, str(context.path), context.original_route


def short(path: str) -> str:
    return path.removeprefix("/api/v1")


def is_page(path: str) -> bool:
    return not path.startswith(("/api/", "/healthz", "/metrics"))


def pages_of(app: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, address and guard of every page."""
    for method, path, route in routes_of(app):
        if is_page(path):
            yield method, path, guard_of(route)


def api_of(app: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, address and route of everything but pages."""
    for method, path, route in routes_of(app):
        if not is_page(path) and path not in WITHOUT_GUARD:
            yield method, path, route


def concrete(path: str, name: str) -> str:
    """Address with a person that is there, a document that is not, and the account itself."""
    values = {"number": "A-1", "key": ID, "id": ID, "name": name, "kind": "note", "what": "name"}
    if path.startswith("/api/v1/settings/"):
        values["name"] = "paper"
    return re.sub(r"{(\w+)}", lambda found: values[found[1]], path)


def body_of(method: str, path: str) -> dict[str, Any]:
    """Body that is never accepted, so that whoever may write changes nothing."""
    if method in ("POST", "PUT", "PATCH") and not path.endswith("/second-factor"):
        return {"json": {"not": "a field"}}
    return {}


def chain_ends(store: Store) -> dict[str, int]:
    with reading(store) as connection:
        rows = connection.execute(chains.select()).all()
    return {row.name: row.seq for row in rows}


def token_for(server: Any, account: str, scopes: list[str]) -> str:
    signed_in = server.sign_in(account)
    sent = {"label": "test", "scopes": scopes, "days": 1}
    answer = server.client.post("/api/v1/tokens", json=sent, headers=signed_in)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


def test_every_route_has_a_guard_and_a_line_here(sqlite_server: Any) -> None:
    seen, wrong = set(), []
    for method, path, route in api_of(sqlite_server.app):
        name = f"{method} {short(path)}"
        seen.add(name)
        guard, wanted = guard_of(route), ROUTES.get(name)
        if isinstance(guard, Allowed):
            found: str | None = guard.permission
        else:
            found = {Anyone: ANYONE, SignedIn: SIGNED_IN}.get(type(guard))  # type: ignore[arg-type]
        if wanted is None or found != wanted:
            wrong.append(f"{name}: expected {wanted}, found {found}")
    assert not wrong, "\n".join(wrong)
    gone = set(ROUTES) - seen - OPTIONAL
    assert not gone, f"no such route any more: {gone}"


def test_every_kind_of_document_has_its_routes(sqlite_server: Any) -> None:
    paths = {short(path) for _, path, _ in routes_of(sqlite_server.app)}
    for kind in KINDS.values():
        if kind.name in ("account", "setting", "erasure"):
            continue
        suffix = "" if kind.name == "person" else f"/{kind.path}"
        assert f"/people/{{number}}{suffix}" in paths, kind.name


@pytest.fixture
def full(sqlite_server: Any, actors: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server with tokens that do not hold beside those that do."""
    store, clinician = sqlite_server.store, actors("clinician")
    with monkeypatch.context() as patched:
        patched.setattr(token_room, "now", lambda: later(now(), -3 * 86_400))
        old = make_token(store, clinician, "old", ["record:read", "record:write"], 1)
    gone = make_token(store, clinician, "gone", ["record:read", "record:write"], 1)
    revoke_token(store, clinician, gone.token.id)
    sqlite_server.tokens.update(
        expired=old.secret, revoked=gone.secret, invented="anagen_" + "A" * 43
    )
    return sqlite_server


def test_a_token_opens_what_its_role_may_and_nothing_else(full: Any) -> None:
    before = chain_ends(full.store)["entries"]
    wrong = [f"{who}: {line}" for who in WHO for line in _wrong_for(full, who)]
    assert not wrong, "\n".join(wrong)
    assert chain_ends(full.store)["entries"] == before


def _wrong_for(full: Any, who: str) -> list[str]:
    known, roles = bool(WHO[who]), set(WHO[who])
    wrong = []
    for method, path, _ in api_of(full.app):
        needed = ROUTES.get(f"{method} {short(path)}")
        if needed is None:
            continue
        answer = full.ask(
            None if who == "nobody" else who,
            method,
            concrete(path, "clinician" if not known else who),
            **body_of(method, path),
        )
        status = answer.status_code
        if needed == ANYONE:
            right = status not in (401, 403)
        elif not known:
            right = status == 401
        elif needed == SIGNED_IN:
            right = status != 401
        else:
            right = status not in (401, 403) if roles & HOLDERS[needed] else status == 403
        if not right:
            wrong.append(f"{method} {path} ({needed}): {status} {answer.text[:200]}")
        if status in (401, 403) and answer.headers["content-type"] != "application/problem+json":
            wrong.append(f"{method} {path}: refused without problem details")
        if status == 401 and "bearer" not in answer.headers.get("www-authenticate", "").lower():
            wrong.append(f"{method} {path}: 401 without WWW-Authenticate")
        if status >= 500:
            wrong.append(f"{method} {path}: {status}")
    return wrong


SOME = ("record:read", "plan:write", "accounts:manage")


def test_a_token_with_one_scope_opens_what_needs_that_scope_alone(sqlite_server: Any) -> None:
    wrong = [line for scope in SOME for line in _wrong_with(sqlite_server, scope)]
    assert not wrong, "\n".join(wrong)


def _wrong_with(sqlite_server: Any, scope: str) -> list[str]:
    account = {"administrator": "admin"}.get(role := sorted(HOLDERS[scope])[0], role)
    sqlite_server.tokens["narrow"] = token_for(sqlite_server, account, [scope])
    wrong = []
    for method, path, _ in api_of(sqlite_server.app):
        needed = ROUTES.get(f"{method} {short(path)}", ANYONE)
        if needed in (ANYONE, SIGNED_IN):
            continue
        answer = sqlite_server.ask(
            "narrow", method, concrete(path, account), **body_of(method, path)
        )
        if (answer.status_code == 403) != (needed != scope):
            wrong.append(f"{scope}: {method} {path} ({needed}): {answer.status_code}")
    return wrong


def test_a_cookie_opens_what_its_role_may_and_nothing_else(sqlite_server: Any) -> None:
    signed_in = sqlite_server.sign_in("reader")
    wrong = []
    for method, path, _ in api_of(sqlite_server.app):
        needed = ROUTES.get(f"{method} {short(path)}", ANYONE)
        if needed in (ANYONE, SIGNED_IN):
            continue
        answer = sqlite_server.ask(
            None, method, concrete(path, "reader"), headers=signed_in, **body_of(method, path)
        )
        allowed = "reader" in HOLDERS[needed]
        if (answer.status_code in (401, 403)) == allowed:
            wrong.append(f"{method} {path} ({needed}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_every_page_needs_a_permission_unless_it_is_listed_as_open(sqlite_server: Any) -> None:
    wrong = []
    for method, path, guard in pages_of(sqlite_server.app):
        name = f"{method} {path}"
        if isinstance(guard, Anyone) != (name in OPEN_PAGES) or guard is None:
            wrong.append(f"{name}: {guard}")
        if method != "GET" and isinstance(guard, Allowed) and guard.permission in (
            "record:read", "settings:read", "audit:read",
        ):  # fmt: skip
            wrong.append(f"{name} changes something and asks only for {guard.permission}")
    assert not wrong, "\n".join(wrong)


def test_a_page_is_shown_to_whom_it_is_for_and_leads_others_to_the_sign_in(full: Any) -> None:
    before, wrong = chain_ends(full.store)["entries"], []
    for method, path, guard in pages_of(full.app):
        if isinstance(guard, Anyone):
            continue
        for who, roles in WHO.items():
            needy = isinstance(guard, Allowed | Explorer)
            holders = HOLDERS[guard.permission] if needy else set(roles)
            allowed = bool(set(roles) & holders)
            if allowed and method != "GET":
                continue  # would change something; the API's own tests do that
            answer = full.page(None if who == "nobody" else who, method, concrete(path, who))
            led = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
            right = (not led and answer.status_code not in (401, 403) if allowed
                     else led if not roles else answer.status_code == 403)  # fmt: skip
            if not right or answer.status_code >= 500:
                wrong.append(f"{who}: {method} {path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert chain_ends(full.store)["entries"] == before


def test_a_form_without_the_word_against_forgery_changes_nothing(sqlite_server: Any) -> None:
    signed_in = {role: sqlite_server.sign_in(role)["Cookie"] for role in ("clinician", "admin")}
    before, seen = chain_ends(sqlite_server.store)["entries"], 0
    for method, path, guard in pages_of(sqlite_server.app):
        if method == "GET" or isinstance(guard, Anyone):
            continue
        for who, cookie in signed_in.items():
            answer = sqlite_server.page(
                None, method, concrete(path, who), headers={"Cookie": cookie},
                data={"csrf": "0" * 64, "reason": "forged"},
            )  # fmt: skip
            assert answer.status_code == 403, (method, path, answer.status_code)
            seen += 1
    assert seen
    assert chain_ends(sqlite_server.store)["entries"] == before


def test_a_token_cannot_have_more_than_its_account(server: Any) -> None:
    signed_in = server.sign_in("reader")
    sent = {"label": "more", "scopes": ["record:write"], "days": 1}
    answer = server.client.post("/api/v1/tokens", json=sent, headers=signed_in)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "scopes"


def test_a_token_makes_no_token_and_changes_no_password(server: Any) -> None:
    sent = {"label": "child", "scopes": ["record:read"], "days": 300}
    assert server.ask("clinician", "POST", "/tokens", json=sent).status_code == 403
    change = {"new": "seven red foxes run", "old": "four brown hens"}
    answer = server.ask("clinician", "PUT", "/accounts/clinician/password", json=change)
    assert answer.status_code == 403


def test_a_role_taken_away_counts_at_once(server: Any) -> None:
    assert server.ask("assistant", "GET", "/people").status_code == 200
    change = {"roles": ["researcher"]}
    answer = server.ask("admin", "PATCH", "/accounts/assistant", json=change)
    assert answer.status_code == 200, answer.text
    assert server.ask("assistant", "GET", "/people").status_code == 403


def test_a_job_of_another_is_not_there(server: Any, actors: Callable[[str], Any]) -> None:
    job = add_job(server.store, actors("clinician"), "plan", "A-1", "{}")
    own = server.ask("clinician", "GET", f"/jobs/{job.id}")
    assert own.status_code == 200, own.text
    for who in ("colleague", "assistant", "researcher"):
        assert server.ask(who, "GET", f"/jobs/{job.id}").status_code == 404
        assert server.ask(who, "POST", f"/jobs/{job.id}/cancel").status_code == 404
        assert server.ask(who, "GET", "/jobs").json()["items"] == []
    assert server.ask("clinician", "GET", f"/jobs/{job.id}").json()["state"] == "queued"


def test_tokens_and_sign_ins_of_another_are_out_of_reach(server: Any) -> None:
    signed_in = server.sign_in("clinician")
    listed = server.ask(None, "GET", "/accounts/clinician/sign-ins", headers=signed_in).json()
    tokens = server.ask("clinician", "GET", "/tokens").json()
    sign_in, token = listed[0]["id"], tokens[0]["id"]
    for who in ("colleague", "reader", "researcher"):
        assert server.ask(who, "GET", "/accounts/clinician/sign-ins").status_code == 403
        assert server.ask(who, "GET", "/tokens?account=clinician").status_code == 403
        assert server.ask(who, "DELETE", f"/sign-ins/{sign_in}").status_code == 404
        assert server.ask(who, "DELETE", f"/tokens/{token}").status_code == 404
    assert server.ask(None, "GET", "/session", headers=signed_in).status_code == 200
    assert server.ask("clinician", "GET", "/session").status_code == 200
    assert server.ask("admin", "DELETE", f"/sign-ins/{sign_in}").status_code == 204
    assert server.ask(None, "GET", "/session", headers=signed_in).status_code == 401
    assert server.ask("admin", "DELETE", f"/tokens/{token}").status_code == 204
    assert server.ask("clinician", "GET", "/session").status_code == 401


def test_passwords_and_second_factors_of_another_are_out_of_reach(server: Any) -> None:
    signed_in = server.sign_in("colleague")
    for method, path, body in (
        ("PUT", "/accounts/clinician/password", {"new": "seven red foxes run"}),
        ("POST", "/accounts/clinician/second-factor", None),
        ("PUT", "/accounts/clinician/second-factor", {"code": "123456"}),
    ):
        answer = server.ask(None, method, path, headers=signed_in, json=body)
        assert answer.status_code == 403, (path, answer.text)
    assert server.sign_in("clinician")


def test_somebody_disabled_is_out_at_once(server: Any) -> None:
    signed_in = server.sign_in("colleague")
    assert server.ask(None, "GET", "/people", headers=signed_in).status_code == 200
    server.ask("admin", "PATCH", "/accounts/colleague", json={"disabled": True})
    assert server.ask(None, "GET", "/people", headers=signed_in).status_code == 401
    assert server.ask("colleague", "GET", "/people").status_code == 401


def test_the_person_looked_at_is_in_the_audit_log(server: Any) -> None:
    answer = server.ask("reader", "GET", "/people/A-1/identity")
    refused = server.ask("researcher", "GET", "/people/A-1/identity")
    lines = server.ask("admin", "GET", "/audit?person=A-1").json()["items"]
    found = {(one["account"], one["outcome"], one["request"]) for one in lines}
    assert ("reader", 200, answer.headers["x-request-id"]) in found
    assert ("researcher", 403, refused.headers["x-request-id"]) in found
