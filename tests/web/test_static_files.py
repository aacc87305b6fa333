"""Static files: packed, kept by browsers as long as they may be, and nothing else beside them."""

from typing import Any

from anagen.web.console.render import asset


def ask(server: Any, path: str, **headers: str) -> Any:
    return server.page(None, "GET", path, headers=headers)


def test_marked_files_are_kept_and_packed(sqlite_server: Any) -> None:
    answer = ask(sqlite_server, asset("anagen.css"), **{"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert "--paper" in answer.text
    plain = ask(sqlite_server, asset("anagen.css"), **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text


def test_files_without_a_mark_are_asked_for_again(sqlite_server: Any) -> None:
    first = ask(sqlite_server, "/static/editor/words.js")
    assert first.headers["cache-control"] == "no-cache"
    again = ask(
        sqlite_server, "/static/editor/words.js", **{"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


def test_what_is_not_there_is_not_kept(sqlite_server: Any) -> None:
    for path in ("/static/none.js?v=1", "/static/../app.py", "/static/%2e%2e/app.py"):
        answer = ask(sqlite_server, path)
        assert answer.status_code == 404
        assert "immutable" not in answer.headers.get("cache-control", "")


def test_pages_are_neither_packed_nor_kept(sqlite_server: Any) -> None:
    # A page holds secrets beside what somebody else may make it show.
    page = ask(sqlite_server, "/sign-in", **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in page.headers
    assert page.headers["cache-control"] == "no-store"
