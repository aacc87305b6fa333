"""A disk that is full or read-only, a database that is gone, a key that is not there.

Each is told in plain words; nothing acknowledged is lost; all goes on once it is mended.
"""

import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from processes import Postgres, Server, make_clinic_token, own_postgres
from sqlalchemy import event

from anagen.cli import main
from anagen.clinic import photographs
from anagen.clinic.keys import make_keys, save_keys
from anagen.clinic.pictures import files_of
from anagen.clinic.places import Places, find_places
from anagen.clinic.store import Store, close_store, open_store
from anagen.clinic.verify import verify
from anagen.errors import StoreError

NOTE = "n" * 2000
NUMBER = "A-1"


def limited(store: Store, *pragmas: str) -> Callable[[], None]:
    """Have every connection of SQLite limited; gives what lifts the limits again."""

    def limit(connection: Any, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(store.engine, "connect", limit)
    store.engine.dispose()

    def lift() -> None:
        event.remove(store.engine, "connect", limit)
        store.engine.dispose()

    return lift


def pages_used(store: Store) -> int:
    with store.engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def add_note(server: Any, mark: str) -> Any:
    body = {"on": "2025-01-14", "text": f"{mark} {NOTE}"}
    headers = {"Idempotency-Key": f"fault-{mark}"}
    return server.ask("clinician", "POST", f"/people/{NUMBER}/notes", json=body, headers=headers)


def notes_of(server: Any) -> set[str]:
    found = server.ask("clinician", "GET", f"/people/{NUMBER}/notes?limit=200")
    assert found.status_code == 200, found.text
    return {one["document"]["text"].partition(" ")[0] for one in found.json()["items"]}


def refused(answer: Any, status: int, *words: str) -> None:
    """Expect problem details that say what to do, and nothing of the record."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert told["request"] == answer.headers["X-Request-ID"]
    for word in words:
        assert word in told["detail"]
    assert NOTE not in answer.text


def picture(red: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (red, 150, 120)).save(file, "PNG")
    return file.getvalue()


def send_picture(server: Any, raw: bytes) -> Any:
    return server.ask(
        "clinician", "POST", f"/people/{NUMBER}/photographs", data={"taken_on": "2025-01-14"},
        files={"file": ("head.png", raw, "image/png")}, headers={"Idempotency-Key": "picture-1"},
    )  # fmt: skip


def test_a_full_disk_refuses_new_writes_and_loses_no_old_one(sqlite_server: Any) -> None:
    server = sqlite_server
    assert add_note(server, "before").status_code == 201
    lift = limited(server.store, f"max_page_count={pages_used(server.store) + 8}")
    kept, refusals = {"before"}, []
    for number in range(40):
        answer = add_note(server, f"full-{number}")
        if answer.status_code == 201:
            kept.add(f"full-{number}")
        else:
            refusals.append(answer)
    assert len(refusals) > 20
    for answer in refusals:
        refused(answer, 507, "disk is full", "Free some space")
    # What cannot be written down as seen is not shown; the server itself is well.
    refused(server.ask("clinician", "GET", f"/people/{NUMBER}"), 507, "disk is full")
    assert server.ask(None, "GET", "/healthz").status_code == 200

    lift()
    again = {"full-38", "full-39"}
    for mark in again:
        assert add_note(server, mark).status_code == 201
    # A note whose answer could not leave may have been kept: sent again, it is there once.
    assert kept | again <= notes_of(server) <= kept | {f"full-{n}" for n in range(40)}
    assert verify(server.store).problems == ()


def test_a_read_only_database_refuses_and_recovers(sqlite_server: Any) -> None:
    server = sqlite_server
    lift = limited(server.store, "query_only=ON")
    refused(add_note(server, "never"), 503, "read-only", "nothing was changed", "permissions")
    refused(server.ask("clinician", "GET", f"/people/{NUMBER}"), 503, "read-only")
    assert server.ask(None, "GET", "/healthz").status_code == 200
    lift()
    assert notes_of(server) == set()
    assert add_note(server, "now").status_code == 201
    assert notes_of(server) == {"now"}
    assert verify(server.store).problems == ()


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [(errno.ENOSPC, 507, "full disk"), (errno.EDQUOT, 507, "quota"),
     (errno.EROFS, 503, "read-only"), (errno.EIO, 503, "Check the disk")],
)  # fmt: skip
def test_a_photograph_that_finds_no_place_leaves_nothing(
    sqlite_server: Any, monkeypatch: pytest.MonkeyPatch, code: int, status: int, words: str
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(code, os.strerror(code))

    server = sqlite_server
    with monkeypatch.context() as patched:
        patched.setattr(photographs.os, "fsync", refuse)
        refused(send_picture(server, picture(10)), status, words)
    folder = server.store.places.photographs
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    listed = server.ask("clinician", "GET", f"/people/{NUMBER}/photographs").json()
    assert listed["items"] == []

    made = send_picture(server, picture(10))
    assert made.status_code == 201, made.text
    shown = server.ask("clinician", "GET",
                       f"/people/{NUMBER}/photographs/{made.json()['id']}/picture")  # fmt: skip
    assert photographs.take_in(picture(10)).content == shown.content
    assert verify(server.store).problems == ()


def test_a_photograph_sent_again_is_kept_once(server: Any) -> None:
    first, second = (send_picture(server, picture(20)) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    refused(send_picture(server, picture(30)), 422)
    listed = server.ask("clinician", "GET", f"/people/{NUMBER}/photographs").json()
    assert len(listed["items"]) == 1


def test_a_photograph_whose_document_is_refused_is_kept_once_sent_again(
    sqlite_server: Any,
) -> None:
    server = sqlite_server
    lift = limited(server.store, "query_only=ON")
    refused(send_picture(server, picture(40)), 503, "read-only")
    lift()
    assert send_picture(server, picture(40)).status_code == 201
    assert len(list(photographs.every(files_of(server.store)))) == 1
    assert verify(server.store).problems == ()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with own_postgres() as one:
        yield one


def test_a_database_that_was_gone_is_found_again(postgres: Postgres, tmp_path: Path) -> None:
    places = find_places(tmp_path / "clinic", postgres.new_database(), environment={})
    token = make_clinic_token(places)
    server = Server(places, tmp_path / "log")
    page, notes = f"/people/{NUMBER}/record", f"/people/{NUMBER}/notes"
    body = {"on": "2025-01-14", "text": NOTE}
    try:
        server.start()
        with server.client(token) as client:
            assert client.post("/people", json={"number": NUMBER}).status_code == 201
            assert client.post(notes, json=body).status_code == 201
            postgres.kill()
            healthy = httpx.get(f"{server.url}/healthz", trust_env=False)
            for answer in (client.post(notes, json=body), client.get(page), healthy):
                refused(answer, 503, "cannot be reached", "Check that it runs")
                assert postgres.password not in answer.text
            postgres.start()
            assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
            assert len(client.get(page).json()["notes"]) == 1
            assert client.post(notes, json=body).status_code == 201
            assert len(client.get(page).json()["notes"]) == 2
    finally:
        server.kill()
    store = open_store(places, create=False)
    assert verify(store).problems == ()
    close_store(store)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def serve(places: Places, capsys: pytest.CaptureFixture[str]) -> str:
    """Start the server, which must not start; gives the one line that it says."""
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--data", str(places.folder), "--database", places.database,
              "--key-file", str(places.key_file)])  # fmt: skip
    assert ended.value.code == 3
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("anagen: ")
    assert "fault of Anagen" not in line
    return line


def test_a_missing_key_file_ends_the_start(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places.key_file.unlink()
    before = files_in(places.folder)
    said = serve(places, capsys)
    assert "found no file" in said
    assert "--key-file" in said
    assert files_in(places.folder) == before


def test_the_key_of_another_record_ends_the_start(
    places: Places, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.key"
    shutil.move(places.key_file, kept)
    save_keys(make_keys(), places.key_file)
    before = files_in(places.folder)
    said = serve(places, capsys)
    assert "belongs to another record" in said
    assert files_in(places.folder) == before
    # The right key opens it as if nothing had been.
    places.key_file.unlink()
    shutil.copy(kept, places.key_file)
    close_store(open_store(places, create=False))


def test_a_damaged_key_file_ends_the_start(
    sqlite_places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    sqlite_places.key_file.write_text("anagen-clinic-key-1\nc2hvcnQ=\n")
    before = files_in(sqlite_places.folder)
    assert "something else" in serve(sqlite_places, capsys)
    assert files_in(sqlite_places.folder) == before


def test_a_database_that_does_not_run_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = find_places(tmp_path / "clinic", "postgresql://anagen:hush@127.0.0.1:1/none",
                         environment={})  # fmt: skip
    said = serve(places, capsys)
    assert "cannot be reached" in said
    assert "hush" not in said


def test_a_change_whose_access_cannot_be_noted_is_not_called_undone(
    sqlite_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = sqlite_server

    def refuse(_line: Any) -> None:
        raise StoreError("the disk is full, so nothing was changed. Free some space")

    with monkeypatch.context() as patched:
        patched.setattr(server.app.state.accesses, "submit", refuse)
        answer = add_note(server, "kept")
        refused(answer, 507, "was kept", "read it again")
        assert "nothing was changed" not in answer.text
        refused(server.ask("clinician", "GET", f"/people/{NUMBER}"), 507, "disk is full")
    assert notes_of(server) == {"kept"}
    assert add_note(server, "kept").status_code == 201
    assert notes_of(server) == {"kept"}


def test_every_refusal_names_the_request_it_is_about(sqlite_server: Any) -> None:
    lift = limited(sqlite_server.store, "query_only=ON")
    answer = add_note(sqlite_server, "never")
    lift()
    numbers = {line.get("number") for line in sqlite_server.lines()}
    assert json.loads(answer.text)["request"] in numbers
