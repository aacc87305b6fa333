"""Writers against a server that is killed, and what must hold after each kill."""

import io
import json
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx
from PIL import Image
from processes import Server
from sqlalchemy import select

from anagen.clinic import photographs
from anagen.clinic.documents import KINDS
from anagen.clinic.entries import document_text, opened_text
from anagen.clinic.pictures import files_of
from anagen.clinic.places import Places
from anagen.clinic.store import close_store, open_store, reading
from anagen.clinic.tables import accesses, entries
from anagen.clinic.verify import verify

WRITERS = 4
_FIRST_DAY = date(2015, 1, 1)
_RETRY_SECONDS = 30


@dataclass
class Write:
    """One write as sent, and what was answered.

    Parameters
    ----------
    method, path, more : of the request; more is what httpx takes.
    documents : what it must leave in the record, by kind.
    person : number; drawn by the server for an enrolment, so known only after it.
    picture : hash of the photograph that it must leave.
    id, version : as acknowledged; None before.
    """

    method: str
    path: str
    more: dict[str, Any]
    documents: dict[str, Any]
    person: str | None = None
    picture: str | None = None
    id: str | None = None
    version: int | None = None

    @property
    def kind(self) -> str:
        return next(iter(self.documents))


@dataclass
class Writer:
    """One client: it enrols, adds, changes, sends photographs and reads, until the server dies."""

    server: Server
    token: str
    number: int
    chance: random.Random
    done: list[Write] = field(default_factory=list)
    unknown: list[Write] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    visits: list[Write] = field(default_factory=list)
    sent: int = 0

    def run(self, stop: threading.Event) -> None:
        """Write and read until told to stop, or until the server does not answer."""
        with self.server.client(self.token) as client:
            while not stop.is_set():
                if self.people and self.chance.random() < 0.2:
                    if not self._read(client):
                        return
                    continue
                write = self._next()
                if not self._send(client, write):
                    self.unknown.append(write)
                    return

    def send_again(self) -> None:
        """Send again, twice, what was not acknowledged: it must be there once, and the same."""
        again, self.unknown = self.unknown, []
        with self.server.client(self.token) as client:
            for write in again:
                until = time.monotonic() + _RETRY_SECONDS
                while not self._send(client, write):
                    assert time.monotonic() < until, f"{write.method} {write.path} never succeeds"
                    time.sleep(0.1)
                first = write.id, write.version
                assert self._send(client, write, keep=False)
                assert (write.id, write.version) == first, "sent twice, and done twice"

    def _read(self, client: httpx.Client) -> bool:
        number = self.chance.choice(self.people)
        try:
            answer = client.get(f"/people/{number}/record")
        except httpx.TransportError:
            return False
        if answer.status_code == 503:
            return False
        self._note(answer, number)
        return True

    def _send(self, client: httpx.Client, write: Write, *, keep: bool = True) -> bool:
        try:
            answer = client.request(write.method, write.path, **write.more)
        except httpx.TransportError:
            return False
        if answer.status_code == 503:
            return False
        if not answer.is_success:
            self.refused.append(f"{write.method} {answer.status_code} {answer.text[:400]}")
            return True
        made = answer.json()
        write.id, write.version = made["id"], made["version"]
        write.person = made["person"]
        self._note(answer, made["person"])
        if keep:
            self._keep(write)
        return True

    def _keep(self, write: Write) -> None:
        self.done.append(write)
        if write.kind == "person":
            self.people.append(write.person or "")
        elif write.kind == "visit":
            self.visits = [one for one in self.visits if one.id != write.id] + [write]

    def _note(self, answer: httpx.Response, person: str) -> None:
        if answer.is_success:
            self.requests.append((answer.headers["X-Request-ID"], person))
        else:
            self.refused.append(f"{answer.request.method} {answer.status_code} {answer.text[:400]}")

    def _next(self) -> Write:
        self.sent += 1
        mark = f"{self.number}-{self.sent}"
        key = {"Idempotency-Key": f"writer-{mark}"}
        if not self.people or self.chance.random() < 0.3:
            return self._enrolment(mark, key)
        number, luck = self.chance.choice(self.people), self.chance.random()
        if luck < 0.25:
            return _photograph(number, self.chance, mark, key)
        if luck < 0.55 and self.visits:
            return self._change(mark)
        seen = {"seen": {"date": self._day(), "salt_percent": 10.0, "note": f"visit {mark}"}}
        more = {"json": seen, "headers": key}
        return Write("POST", f"/people/{number}/visits", more, {"visit": seen}, number)

    def _enrolment(self, mark: str, key: dict[str, str]) -> Write:
        person = {"sex": "female", "note": f"person {mark}"}
        identity = {"name": f"Ada {mark}", "born": "1990-06-18"}
        body = {"person": person, "identity": identity}
        return Write("POST", "/people", {"json": body, "headers": key},
                     {"person": person, "identity": identity})  # fmt: skip

    def _change(self, mark: str) -> Write:
        before = self.chance.choice(self.visits)
        seen = {"seen": {**before.documents["visit"]["seen"], "note": f"changed {mark}"}}
        more = {"json": {"document": seen, "reason": f"mended {mark}"},
                "headers": {"If-Match": f'"{before.version}"'}}  # fmt: skip
        path = f"/people/{before.person}/visits/{before.id}"
        return Write("PUT", path, more, {"visit": seen}, before.person)

    def _day(self) -> str:
        return (_FIRST_DAY + timedelta(days=self.sent % 3000)).isoformat()


def _photograph(number: str, chance: random.Random, mark: str, key: dict[str, str]) -> Write:
    file = io.BytesIO()
    Image.frombytes("RGB", (64, 48), chance.randbytes(64 * 48 * 3)).save(file, "PNG")
    taken = photographs.take_in(file.getvalue())
    form = {"taken_on": "2025-01-14", "view": "top", "note": f"photograph {mark}"}
    more = {"files": {"file": ("head.png", file.getvalue(), "image/png")}, "data": form,
            "headers": key}  # fmt: skip
    document = {**form, "sha256": taken.sha256, "media_type": taken.media_type,
                "width": taken.width, "height": taken.height}  # fmt: skip
    return Write("POST", f"/people/{number}/photographs", more, {"photograph": document}, number,
                 taken.sha256)  # fmt: skip


@dataclass
class Figures:
    """What a run of kills gave."""

    kills: int = 0
    acknowledged: int = 0
    unknown: int = 0
    reads_and_writes: int = 0
    seconds: list[float] = field(default_factory=list)

    def shown(self) -> str:
        return (
            f"{self.kills} kills, {self.acknowledged} writes acknowledged, {self.unknown} cut off "
            f"and sent again, {self.reads_and_writes} lines of the access log looked for; "
            f"started again in {statistics.median(self.seconds):.1f} s (median), "
            f"{max(self.seconds):.1f} s (longest)"
        )


@dataclass
class Trial:
    """A server with its writers, killed again and again."""

    server: Server
    token: str
    seed: int
    figures: Figures = field(default_factory=Figures)
    writers: list[Writer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writers = [
            Writer(self.server, self.token, number, random.Random(1000 * self.seed + number))
            for number in range(WRITERS)
        ]

    def one_kill(self, after: float, kill: Callable[[], None]) -> None:
        """Let all write, kill something after a time, and wait for the writers to notice."""
        stop = threading.Event()
        threads = [threading.Thread(target=one.run, args=(stop,)) for one in self.writers]
        for thread in threads:
            thread.start()
        time.sleep(after)
        kill()
        stop.set()
        for thread in threads:
            thread.join()
        self.figures.kills += 1
        self.figures.unknown += sum(len(one.unknown) for one in self.writers)

    def recover(self) -> None:
        """Send again what nobody acknowledged."""
        for one in self.writers:
            one.send_again()
        self.figures.acknowledged = sum(len(one.done) for one in self.writers)
        self.figures.reads_and_writes = sum(len(one.requests) for one in self.writers)

    def problems(self) -> list[str]:
        """Compare what was acknowledged with the record; nothing is well only when empty."""
        found = [line for one in self.writers for line in one.refused]
        writes = [write for one in self.writers for write in one.done]
        asked = {request for one in self.writers for request in one.requests}
        return [*found, *_problems(self.server.places, writes, asked)]


def _problems(places: Places, writes: list[Write], asked: set[tuple[str, str]]) -> list[str]:
    store = open_store(places, create=False)
    try:
        with reading(store) as connection:
            rows = connection.execute(
                select(entries).where(entries.c.person.is_not(None)).order_by(entries.c.seq)
            ).all()
            lines = {(row.request, row.person) for row in connection.execute(select(accesses))}
        kept = {
            (row.kind, row.id, row.version): opened_text(store, row.kind, row.id, row.body)
            for row in rows
        }
        numbered = {(row.kind, row.id, row.version): row.seq for row in rows}
        found = list(_lost(writes, kept, numbered))
        files = files_of(store)
        for write in writes:
            if write.picture is not None:
                photographs.content(files, write.picture)
        found += [f"no line of the access log for {one}" for one in sorted(asked - lines)]
        found += [str(problem) for problem in verify(store).problems]
    finally:
        close_store(store)
    return found


def _lost(
    writes: list[Write], kept: dict[Any, str | None], numbered: dict[Any, int]
) -> Iterator[str]:
    """Tell what is missing, different, half there, or there twice."""
    expected: Counter[Any] = Counter()
    for write in writes:
        places = [(kind, write.id, write.version) for kind in write.documents]
        expected.update(places)
        for place, document in zip(places, write.documents.values(), strict=True):
            if place not in kept:
                yield f"acknowledged, and lost: {place}"
            elif json.loads(kept[place] or "null") != _normal(place[0], document):
                yield f"other than acknowledged: {place}"
        found = [numbered[place] for place in places if place in numbered]
        if len(found) == 2 and found[1] != found[0] + 1:
            yield f"enrolled in two steps: {write.id}"
    yield from (f"acknowledged twice: {place}" for place, count in expected.items() if count > 1)
    yield from (f"nobody knows of: {place}" for place in kept if place not in expected)


def _normal(kind: str, document: Any) -> Any:
    return json.loads(document_text(KINDS[kind].model.model_validate(document)))
