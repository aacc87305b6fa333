"""What an attacker tries: odd strings, headers, bodies, forged pages, guessed passwords."""

import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from sqlalchemy import select

from anagen.clinic import passwords
from anagen.clinic.store import Store, reading
from anagen.clinic.tables import entries
from anagen.errors import InputError
from anagen.web.console.forms import tree
from anagen.web.middleware import MAX_JSON_BYTES, MAX_UPLOAD_BYTES
from anagen.web.settings import ServerSettings, check_settings

NOTES = "/people/A-1/notes"
PHOTOGRAPHS = "/people/A-1/photographs"
DAY = "2026-03-02"
NAME, BORN = "Wilhelmina Ebersbach", "1987-06-05"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
HOSTILE = {
    "quote": "' OR '1'='1",
    "drop": "'; DROP TABLE entries; --",
    "union": "x' UNION SELECT password FROM accounts --",
    "percent": "%' AND 1=1 AND '%'='",
    "script": "<script>alert(1)</script>",
    "template": "{{7*7}}${7*7}",
    "nul": "a\0b",
    "controls": "a\r\nSet-Cookie: x=y\x1b[31m\x7f",
    "bidi": "\u202egnp.exe\u2066",
    "marks": "e" + "\u0301" * 150,
    "astral": "\U0001f9d1\u200d\U0001f52c" * 20,
    "long": "A" * 5000,
    "traversal": "../../../../etc/passwd",
    "encoded": "..%2f..%2fetc%2fpasswd",
    "formula": "=cmd|' /C calc'!A0",
}
DETAILS_FIELDS = {"type", "title", "status", "detail", "request", "errors"}


def sound(answer: Any) -> None:
    """An answer that is neither a fault nor something that the schema does not know."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert set(answer.json()) == DETAILS_FIELDS


def kept(store: Store) -> int:
    with reading(store) as connection:
        return len(connection.execute(select(entries.c.seq)).all())


# Odd strings


def test_a_hostile_string_is_text_or_refused_wherever_it_stands(server: Any) -> None:
    for hostile in HOSTILE.values():
        _ask_everywhere(server, hostile)


def _ask_everywhere(server: Any, hostile: str) -> None:
    before, wrapped = kept(server.store), quote(hostile, safe="")
    for who, method, path in (
        ("reader", "GET", f"/people/{wrapped}"),
        ("reader", "GET", f"/people/{wrapped}/record"),
        ("reader", "GET", f"/people/{wrapped}/notes"),
        ("reader", "GET", f"{NOTES}/{wrapped}"),
        ("reader", "GET", f"{NOTES}?cursor={wrapped}"),
        ("reader", "GET", f"{NOTES}?first_day={wrapped}"),
        ("reader", "GET", f"{NOTES}?{wrapped}=1"),
        ("reader", "GET", f"/search?text={wrapped}"),
        ("reader", "GET", f"/today?on={wrapped}"),
        ("reader", "GET", f"{PHOTOGRAPHS}/{wrapped}/picture"),
        ("researcher", "GET", f"/research/people?cursor={wrapped}"),
        ("clinician", "GET", f"/jobs/{wrapped}"),
        ("clinician", "GET", f"/jobs?cursor={wrapped}"),
        ("admin", "GET", f"/audit?person={wrapped}"),
        ("admin", "GET", f"/audit?account={wrapped}"),
        ("admin", "GET", f"/audit?cursor={wrapped}"),
        ("admin", "GET", f"/settings/{wrapped}"),
        ("admin", "GET", f"/accounts/{wrapped}/sign-ins"),
        ("admin", "GET", f"/tokens?account={wrapped}"),
        ("admin", "DELETE", f"/tokens/{wrapped}"),
        ("admin", "DELETE", f"/sign-ins/{wrapped}"),
        ("admin", "PATCH", f"/accounts/{wrapped}"),
    ):
        answer = server.ask(who, method, path, json={} if method == "PATCH" else None)
        sound(answer)
        assert "set-cookie" not in answer.headers
        assert "passwd:" not in answer.text
    assert kept(server.store) == before
    assert server.ask("reader", "GET", "/people").json()["items"], "the table was dropped"


def test_a_hostile_string_in_a_body_is_kept_as_it_is_or_refused(server: Any) -> None:
    for hostile in HOSTILE.values():
        _send_everywhere(server, hostile)


def _send_everywhere(server: Any, hostile: str) -> None:
    answer = server.ask("clinician", "POST", NOTES, json={"on": DAY, "text": hostile})
    sound(answer)
    if answer.status_code == 201:
        here = server.ask("reader", "GET", answer.headers["location"])
        assert here.json()["document"]["text"] == hostile
    for who, method, path, body in (
        ("clinician", "POST", "/people", {"number": hostile}),
        ("clinician", "POST", "/people", {"identity": {"name": hostile}}),
        ("admin", "POST", "/accounts", {"name": hostile, "display_name": "x", "roles": ["reader"],
                                        "password": "four brown hens"}),
        ("admin", "POST", "/accounts", {"name": "newcomer", "display_name": hostile,
                                        "roles": ["reader"], "password": "four brown hens"}),
        ("admin", "PATCH", "/accounts/reader", {"display_name": hostile}),
        ("admin", "PUT", "/accounts/reader/password", {"new": hostile}),
        ("clinician", "PUT", "/accounts/clinician/second-factor", {"code": hostile}),
        ("clinician", "POST", "/jobs", {"kind": "plan", "person": hostile}),
        ("clinician", "POST", "/people/A-1/forecasts", {"job": hostile}),
        (None, "POST", "/session", {"name": hostile, "password": hostile, "code": hostile[:10]}),
        (None, "POST", "/setup", {"code": hostile, "name": "x1", "display_name": hostile,
                                  "password": hostile}),
    ):  # fmt: skip
        sound(server.ask(who, method, path, json=body))
    listed = server.ask("reader", "GET", "/search", params={"text": hostile[:200]})
    sound(listed)
    sound(server.ask("admin", "GET", "/accounts"))
    sound(server.ask("admin", "GET", "/audit"))


def test_a_lone_surrogate_is_refused_or_kept_but_never_a_fault(server: Any) -> None:
    for body in (rb'{"on": "2026-03-02", "text": "\ud800"}', rb'{"on": "2026-03-02", "\ud800": 1}'):
        answer = server.ask("clinician", "POST", NOTES, content=body,
                            headers={"Content-Type": "application/json"})  # fmt: skip
        assert answer.status_code == 422, answer.text
        sound(answer)
    for path in ("/session", "/setup"):
        raw = rb'{"name": "ab", "display_name": "\ud800", "password": "\udfff", "code": "\ud800"}'
        answer = server.ask(None, "POST", path, content=raw,
                            headers={"Content-Type": "application/json"})  # fmt: skip
        sound(answer)


# Headers


ODD_HEADERS = (
        ("If-Match", "W/\"1\", \"2\""), ("If-Match", "*"), ("If-Match", '"99999999999999999999"'),
        ("If-Match", '"-1"'), ("If-Match", "1 OR 1=1"), ("If-None-Match", "\x7f" * 60),
        ("Idempotency-Key", "short"), ("Idempotency-Key", "a b c d e f g h"),
        ("Idempotency-Key", "k" * 129), ("Idempotency-Key", "'; DROP TABLE x;--"),
        ("Authorization", "Bearer " + "x" * 8000), ("Authorization", "Bearer \xff\xfe"),
        ("Authorization", "Basic YWRtaW46YWRtaW4="), ("Authorization", "Bearer"),
        ("Cookie", "anagen_sign_in=" + "A" * 3000), ("Cookie", "anagen_sign_in=; a=b;;=;\""),
        ("Content-Type", "application/xml"), ("Content-Type", "text/plain"),
        ("Content-Type", "multipart/form-data"), ("Content-Type", "multipart/form-data; boundary="),
        ("Content-Type", "application/json; charset=utf-7"), ("Content-Length", "abc"),
    ("Content-Length", "9" * 5000),
        ("X-Forwarded-For", "127.0.0.1"), ("X-HTTP-Method-Override", "DELETE"),
        ("Prefer", "wait=999999999999"), ("Range", "bytes=0-"), ("Expect", "something"),
)  # fmt: skip


def test_an_odd_header_is_never_a_fault(sqlite_server: Any) -> None:
    for name, value in ODD_HEADERS:
        _send_header(sqlite_server, name, value)


def _send_header(sqlite_server: Any, name: str, value: str) -> None:
    body = json.dumps({"on": DAY, "text": "x"}).encode()
    sent = {"Content-Type": "application/json", name: value.encode("latin-1")}
    for method, path in (
        ("POST", NOTES), ("PUT", f"{NOTES}/0123456789abcdef"), ("POST", "/session"),
        ("POST", PHOTOGRAPHS), ("GET", "/people"),
    ):  # fmt: skip
        who = None if name in ("Authorization", "Cookie") else "clinician"
        answer = sqlite_server.ask(who, method, path, content=body, headers=sent)
        sound(answer)
        if who is None and path != "/session":
            assert answer.status_code == 401


def test_another_host_is_refused(sqlite_server: Any) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "169.254.169.254", ""):
        answer = sqlite_server.ask("reader", "GET", "/people", headers={"Host": host})
        assert answer.status_code == 400
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value


def test_line_breaks_never_reach_a_header(sqlite_server: Any) -> None:
    for number in ("A-1%0d%0aSet-Cookie:%20a=b", "A-1%0aX-Evil:1"):
        for method, path in (("GET", f"/people/{number}"), ("POST", f"/people/{number}/notes")):
            answer = sqlite_server.ask("clinician", method, path, json={"on": DAY, "text": "x"})
            sound(answer)
            assert "set-cookie" not in answer.headers
            assert "x-evil" not in answer.headers
    answer = sqlite_server.ask("clinician", "POST", "/people", json={"number": "C-3\r\nX-Evil: 1"})
    assert answer.status_code == 422


def test_a_number_of_other_letters_travels_in_an_address(sqlite_server: Any) -> None:
    made = sqlite_server.ask("clinician", "POST", "/people", json={"number": "Ä-ß 7"})
    assert made.status_code == 201, made.text
    here = made.headers["location"]
    assert here.isascii()
    assert " " not in here
    assert sqlite_server.ask("reader", "GET", here).json()["id"] == "Ä-ß 7"


def test_other_methods_are_refused_in_the_same_words(sqlite_server: Any) -> None:
    paths = ("/people/A-1", "/session", "/no/such/address", "/healthz")
    methods = ("TRACE", "CONNECT", "PROPFIND", "BREW", "OPTIONS", "HEAD")
    for method, path in product(methods, paths):
        answer = sqlite_server.ask("reader", method, path)
        assert answer.status_code in (404, 405), (path, answer.status_code)
        assert "access-control-allow-origin" not in answer.headers
        if answer.status_code == 405:
            assert "GET" in answer.headers["allow"]


def test_every_answer_carries_the_headers_of_safety(sqlite_server: Any, picture: Any) -> None:
    for who, method, path, body in (
        (None, "GET", "/healthz", None), (None, "GET", "/api/v1/openapi.json", None),
        ("reader", "GET", "/people", None), (None, "GET", "/people", None),
        ("reader", "POST", "/people", {}), ("reader", "GET", "/nowhere", None),
        ("reader", "PATCH", "/people", {}), ("clinician", "POST", "/people", {"number": ""}),
        ("clinician", "POST", "/people", {"number": "A" * (MAX_JSON_BYTES + 1)}),
    ):  # fmt: skip
        answer = sqlite_server.ask(who, method, path, json=body)
        for name, value in SECURITY_HEADERS.items():
            assert value in answer.headers[name], (path, answer.status_code)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers["x-request-id"]) == 16
        assert "server" not in answer.headers


def test_pages_run_no_script_of_others_and_none_inside_the_page(sqlite_server: Any) -> None:
    cookie = {"Cookie": sqlite_server.sign_in("clinician")["Cookie"]}
    for path in ("/sign-in", "/", "/people", "/no/such/page"):
        answer = sqlite_server.page(None, "GET", path, headers=cookie)
        policy = answer.headers["content-security-policy"]
        assert "'none'" in policy, path
        assert "'unsafe-inline'" not in policy.partition("style-src")[0], path
        assert "'unsafe-eval'" not in policy, path
        assert "http" not in policy, path
        assert "<script>" not in answer.text, path
        assert " onclick=" not in answer.text, path
        for name in ("x-content-type-options", "x-frame-options", "referrer-policy"):
            assert answer.headers[name] == SECURITY_HEADERS[name], path


# Bodies


def test_a_body_that_is_too_large_is_refused(sqlite_server: Any) -> None:
    before = kept(sqlite_server.store)
    text = b'{"on": "2026-03-02", "text": "' + b"A" * (MAX_JSON_BYTES + 1) + b'"}'
    sent = {"Content-Type": "application/json"}
    declared = sqlite_server.ask("clinician", "POST", NOTES, content=text, headers=sent)
    assert declared.status_code == 413
    sound(declared)

    def chunks() -> Iterator[bytes]:
        for at in range(0, len(text), 64 * 1024):
            yield text[at : at + 64 * 1024]

    chunked = sqlite_server.ask("clinician", "POST", NOTES, content=chunks(), headers=sent)
    assert chunked.status_code == 413
    lied = sqlite_server.ask("clinician", "POST", NOTES, content=chunks(),
                      headers={**sent, "Content-Length": "10"})  # fmt: skip
    assert lied.status_code in (400, 413, 422)
    assert kept(sqlite_server.store) == before


def test_an_upload_that_is_too_large_is_refused(sqlite_server: Any, picture: Any) -> None:
    large = picture() + b"\0" * MAX_UPLOAD_BYTES
    answer = sqlite_server.ask("clinician", "POST", PHOTOGRAPHS, data={"taken_on": DAY},
                        files={"file": ("a.png", large, "image/png")})  # fmt: skip
    assert answer.status_code == 413
    assert not list(sqlite_server.store.places.photographs.rglob("*.png"))


def test_nobody_unknown_makes_the_server_read_a_body(sqlite_server: Any) -> None:
    answer = sqlite_server.ask(None, "POST", NOTES, content=b"{not json",
                        headers={"Content-Type": "application/json"})  # fmt: skip
    assert answer.status_code == 401


MALFORMED = (
        b"[" * 100_000, b'{"a":' * 50_000, b'{"on": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b"", b"null", b"[]", b'"text"', b"NaN", b'{"on": NaN}', b"1e999999", b"9" * 10_000,
        b'{"on": ' + b"9" * 6000 + b"}", b"\xff\xfe\x00", b"{'on': 1}", b'{"on": 1,}',
        b'{"on": "2026-03-02", "text": "a", "text": "b"}',
)  # fmt: skip


def test_a_malformed_body_is_never_a_fault(sqlite_server: Any) -> None:
    for text in MALFORMED:
        _send_malformed(sqlite_server, text)


def _send_malformed(sqlite_server: Any, text: bytes) -> None:
    sent = {"Content-Type": "application/json", "If-Match": '"1"'}
    for who, method, path in (
        ("clinician", "POST", NOTES), ("clinician", "PUT", "/people/A-1"),
        ("clinician", "POST", "/people"), ("clinician", "POST", "/jobs"),
        ("admin", "POST", "/accounts"), (None, "POST", "/session"), (None, "POST", "/setup"),
    ):  # fmt: skip
        answer = sqlite_server.ask(who, method, path, content=text, headers=sent)
        sound(answer)
        if b'"text": "b"' not in text:
            assert answer.status_code in (413, 422, 400), (path, answer.status_code)


def test_a_body_without_its_type_does_not_come_back_with_its_password(sqlite_server: Any) -> None:
    body = b'{"name": "clinician", "password": "four brown hens"}'
    for sent in ({"Content-Type": "text/plain"}, {"Content-Type": "application/json"}):
        raw = body if sent["Content-Type"] == "text/plain" else b'["four brown hens"]'
        answer = sqlite_server.ask(None, "POST", "/session", content=raw, headers=sent)
        assert answer.status_code == 422
        assert "hens" not in answer.text


def bomb() -> bytes:
    """PNG of a few kilobytes that says it has a thousand megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))  # fmt: skip

    header = struct.pack(">IIBBBBB", 32_000, 32_000, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + chunk(b"IEND", b""))  # fmt: skip


def text_bomb(picture: bytes) -> bytes:
    """PNG with a compressed comment that grows a thousandfold."""
    data = b"comment\0\0" + zlib.compress(b"A" * 50_000_000, 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + data))
    return picture[:33] + chunk + picture[33:]


def test_pictures_that_are_none_are_refused(sqlite_server: Any, picture: Any) -> None:
    wrong = {
        "bomb": bomb(),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "html": b"<html><script>alert(1)</script></html>",
        "gif": picture("GIF"),
        "cut": picture()[:40],
        "empty": b"",
        "text bomb": text_bomb(picture()),
    }
    for name, raw in wrong.items():
        answer = sqlite_server.ask("clinician", "POST", PHOTOGRAPHS, data={"taken_on": DAY},
                            files={"file": ("a.png", raw, "image/png")})  # fmt: skip
        sound(answer)
        assert answer.status_code in ((201, 422) if name == "text bomb" else (422,)), name


def test_what_hangs_on_a_picture_does_not_come_back(sqlite_server: Any) -> None:
    kept_as = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = NAME
    Image.new("RGB", (32, 32)).save(kept_as, "JPEG", exif=exif)
    raw = kept_as.getvalue() + b"<script>alert('polyglot')</script>PK\x03\x04"
    made = sqlite_server.ask("clinician", "POST", PHOTOGRAPHS, data={"taken_on": DAY},
                      files={"file": ("x.html", raw, "text/html")})  # fmt: skip
    assert made.status_code in (201, 422), made.text
    if made.status_code == 201:
        shown = sqlite_server.ask("reader", "GET", f"{made.headers['location']}/picture")
        assert shown.headers["content-type"] == "image/jpeg"
        assert b"script" not in shown.content
        assert NAME.encode() not in shown.content


def test_the_name_of_a_file_is_not_used(sqlite_server: Any, picture: Any) -> None:
    server = sqlite_server
    for name in ("../../evil.png", "C:\\evil.png", "a\0b.png", "con", "x" * 300):
        answer = server.ask("clinician", "POST", PHOTOGRAPHS, data={"taken_on": DAY},
                            files={"file": (name, picture(), "image/png")})  # fmt: skip
        assert answer.status_code == 201, answer.text
    files = [path for path in server.store.places.folder.parent.rglob("*") if path.is_file()]
    assert not [path for path in files if "evil" in path.name]


# Forged pages, sign-ins


def test_a_change_by_cookie_needs_the_word_against_forgery(sqlite_server: Any) -> None:
    mine, other = sqlite_server.sign_in("clinician"), sqlite_server.sign_in("colleague")
    body, cookie = {"on": DAY, "text": "forged"}, {"Cookie": mine["Cookie"]}
    for headers in (
        cookie,
        {**cookie, "X-CSRF-Token": ""},
        {**cookie, "X-CSRF-Token": other["X-CSRF-Token"]},
        {**cookie, "X-CSRF-Token": mine["X-CSRF-Token"][:-1]},
        {**cookie, "X-CSRF-Token": mine["Cookie"].partition("=")[2]},
        {**cookie, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    ):
        assert sqlite_server.ask(None, "POST", NOTES, json=body, headers=headers).status_code == 403
    assert sqlite_server.ask(None, "GET", NOTES, headers=cookie).json()["items"] == []
    assert sqlite_server.ask(None, "POST", NOTES, json=body, headers=mine).status_code == 201


def test_a_page_of_another_site_signs_nobody_in(sqlite_server: Any) -> None:
    """A form of another site can send neither JSON nor the cookie."""
    form = {"name": "clinician", "password": "four brown hens"}
    for headers in ({"Content-Type": "text/plain"},
                    {"Content-Type": "application/x-www-form-urlencoded"}):  # fmt: skip
        raw = json.dumps(form).encode()
        answer = sqlite_server.ask(None, "POST", "/session", content=raw, headers=headers)
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers


def test_a_change_that_another_site_sends_is_refused_even_where_anyone_may(
    sqlite_server: Any,
) -> None:
    form = {"name": "clinician", "password": "four brown hens"}
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 201)):
        sent = {"Sec-Fetch-Site": site}
        answer = sqlite_server.ask(None, "POST", "/session", json=form, headers=sent)
        assert answer.status_code == status, site
        assert ("set-cookie" in answer.headers) == (status == 201)
    forged = {"Sec-Fetch-Site": "cross-site"}
    answer = sqlite_server.page(None, "POST", "/sign-in", data=form, headers=forged)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    answer = sqlite_server.ask("reader", "GET", "/people", headers=forged)
    assert answer.status_code == 200, "a link from elsewhere leads here"


def test_after_the_sign_in_one_stays_on_this_server(sqlite_server: Any) -> None:
    form = {"name": "clinician", "password": "four brown hens"}
    for then in ("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example",
                 "/\t/evil.example", "javascript:alert(1)", "/people\r\nX-Evil: 1"):  # fmt: skip
        answer = sqlite_server.page(None, "POST", "/sign-in", data={**form, "then": then})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/"), then
        assert not answer.headers["location"].startswith(("//", "/\\")), then
        assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "fields",
    [
        {"a:number": "nan"}, {"a:number": "inf"}, {"a:number": "1e999"}, {"\u00b2": "x", "1": "y"},
        {".".join("a" * 19): "x"}, {"a.": "x", ".": "y", "": "z"},
    ],
)  # fmt: skip
def test_an_odd_form_becomes_data(fields: dict[str, str]) -> None:
    json.dumps(tree(fields), allow_nan=False)


def test_a_form_that_is_too_deep_is_refused() -> None:
    with pytest.raises(InputError):
        tree({"a." * 5000: "x"})
    with pytest.raises(InputError):
        tree({"a": "x", "a.b": "y"})


def test_a_given_cookie_is_never_adopted(sqlite_server: Any) -> None:
    given = "anagen_sign_in=" + "A" * 43
    credentials = {"name": "clinician", "password": "four brown hens"}
    secrets = set()
    for _ in range(2):
        answer = sqlite_server.ask(
            None, "POST", "/session", json=credentials, headers={"Cookie": given}
        )
        secrets.add(answer.headers["set-cookie"].partition(";")[0])
    assert len(secrets) == 2
    assert given not in secrets
    assert sqlite_server.ask(None, "GET", "/session", headers={"Cookie": given}).status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    sqlite_server: Any, sqlite_store: Store, serve: Callable[..., Any]
) -> None:
    credentials = {"name": "clinician", "password": "four brown hens"}
    plain = (
        sqlite_server.ask(None, "POST", "/session", json=credentials).headers["set-cookie"].lower()
    )
    assert "httponly" in plain
    assert "samesite=strict" in plain
    assert "path=/" in plain
    assert "domain" not in plain
    assert "secure" not in plain
    with serve(sqlite_store, ServerSettings(proxy="127.0.0.1", workers=1)) as behind:
        answer = behind.ask(None, "POST", "/session", json=credentials)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-anagen_sign_in=")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= {
            part.strip().lower() for part in cookie.split(";")
        }
        assert "max-age" in answer.headers["strict-transport-security"]


def test_signing_out_counts_at_once_and_for_all_copies(sqlite_server: Any) -> None:
    signed_in, second = sqlite_server.sign_in("clinician"), sqlite_server.sign_in("clinician")
    out = sqlite_server.ask(None, "DELETE", "/session", headers=signed_in)
    assert out.status_code == 204
    assert "anagen_sign_in=" in out.headers["set-cookie"]
    assert sqlite_server.ask(None, "GET", "/people", headers=signed_in).status_code == 401
    assert sqlite_server.ask(None, "GET", "/people", headers=second).status_code == 200


def test_a_new_password_ends_every_other_sign_in(sqlite_server: Any) -> None:
    mine, stolen = sqlite_server.sign_in("clinician"), sqlite_server.sign_in("clinician")
    change = {"old": "four brown hens", "new": "seven red foxes run"}
    done = sqlite_server.ask(None, "PUT", "/accounts/clinician/password", json=change, headers=mine)
    assert done.status_code == 204, done.text
    assert sqlite_server.ask(None, "GET", "/session", headers=stolen).status_code == 401
    assert sqlite_server.ask(None, "GET", "/session", headers=mine).status_code == 200


def test_guessing_is_slowed_down(server: Any) -> None:
    wrong = {"name": "clinician", "password": "not this one at all"}
    answers = [server.ask(None, "POST", "/session", json=wrong) for _ in range(7)]
    statuses = [one.status_code for one in answers]
    assert statuses[0] == 401
    assert 429 in statuses
    refused = answers[statuses.index(429)]
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"
    right = {"name": "clinician", "password": "four brown hens"}
    assert server.ask(None, "POST", "/session", json=right).status_code == 429


def test_known_and_unknown_names_are_told_apart_by_nothing(
    sqlite_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = type(passwords.HASHER).verify

    def counted(self: Any, kept_as: str, typed: bytes) -> bool:
        asked.append(kept_as)
        return bool(plain(self, kept_as, typed))

    monkeypatch.setattr(type(passwords.HASHER), "verify", counted)
    told = []
    for name in ("clinician", "nobody.here", "former", "no such name!"):
        answer = sqlite_server.ask(
            None, "POST", "/session", json={"name": name, "password": "x" * 14}
        )
        body = answer.json()
        body.pop("request")
        told.append((answer.status_code, body, sorted(answer.headers)))
    assert all(one == told[0] for one in told)
    assert len(asked) == 4


# What is told to others


def test_the_log_says_nothing_about_people_even_when_something_breaks(
    sqlite_server: Any, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"{NAME} {BORN} A-1 four brown hens")

    signed_in = sqlite_server.sign_in("clinician")
    sqlite_server.ask("reader", "GET", "/people/A-1/identity")
    sqlite_server.ask("reader", "GET", f"/search?text={quote(NAME)}")
    sqlite_server.ask(None, "POST", "/session", json={"name": NAME, "password": "four brown hens"})
    sqlite_server.ask("clinician", "POST", NOTES, json={"on": DAY, "text": NAME, BORN: NAME})
    with monkeypatch.context() as patched:
        patched.setattr("anagen.web.api.document_routes.head", broken)
        answer = sqlite_server.ask("reader", "GET", "/people/A-1/identity")
        assert answer.status_code == 500
        sound_fault(answer)
    with monkeypatch.context() as patched:
        patched.setattr("anagen.web.routes._record", broken)
        answer = sqlite_server.ask("reader", "GET", "/people/A-1/identity")
        assert answer.status_code == 500
        sound_fault(answer)
    text = sqlite_server.log.getvalue()
    faults = [line for line in sqlite_server.lines() if line["event"] == "fault"]
    assert len(faults) == 2
    assert {line["exception"] for line in faults} == {"RuntimeError"}
    assert all(line["where"] for line in faults)
    for secret in (
        NAME, NAME.split(maxsplit=1)[0], quote(NAME), BORN, "A-1", "four brown hens",
        sqlite_server.tokens["reader"], signed_in["X-CSRF-Token"],
        signed_in["Cookie"].partition("=")[2],
    ):  # fmt: skip
        assert secret not in text, secret


def sound_fault(answer: Any) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-frame-options"] == "DENY"
    assert NAME not in answer.text
    assert "Traceback" not in answer.text


def test_the_figures_say_nothing_about_people(sqlite_server: Any) -> None:
    sqlite_server.ask("reader", "GET", "/people/A-1/identity")
    sqlite_server.ask("reader", "GET", "/people/Wilhelmina")
    sqlite_server.ask("reader", "SECRETMETHOD", "/secret/address")
    text = sqlite_server.ask("admin", "GET", "/metrics").text
    assert "anagen_requests" in text
    for word in ("A-1", "Wilhelmina", "SECRETMETHOD", "secret/address", "reader"):
        assert word not in text


def test_names_and_birth_dates_are_unreadable_in_the_files(sqlite_server: Any) -> None:
    assert sqlite_server.ask("reader", "GET", "/people/A-1/identity").json()["document"] == {
        "name": NAME, "born": BORN,
    }  # fmt: skip
    for path in Path(sqlite_server.store.places.folder).rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert NAME.encode() not in raw, path.name
            assert b"four brown hens" not in raw, path.name
            assert sqlite_server.tokens["reader"].encode() not in raw, path.name


def test_without_the_audit_log_nothing_is_shown(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("anagen.clinic.accesses._write", full)
    answer = server.ask("reader", "GET", "/people/A-1/identity")
    assert answer.status_code in (503, 507)
    assert NAME not in answer.text


# Where it may listen


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "clinic.example.org"])
def test_a_public_address_without_encryption_is_refused(host: str) -> None:
    with pytest.raises(InputError, match="host"):
        check_settings(ServerSettings(host=host))
    check_settings(ServerSettings(host=host, proxy="127.0.0.1", names=("clinic.example.org",)))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_an_address_of_this_machine_needs_none(host: str) -> None:
    check_settings(ServerSettings(host=host))


def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text("x")
    with pytest.raises(InputError, match="certificate"):
        check_settings(ServerSettings(certificate=file))
