"""The API over a clinic of 10,000 people: how fast it answers, and how much it bears.

The server is a process of its own, the clients are threads of this one, all on this machine.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from _measure import against, peak_mb, seconds, show
from clinic_made import Made, make_clinic, name_of, patch_at

from anagen.clinic.places import Places, find_places
from anagen.clinic.store import close_store, open_store

# The tests know how to run a server and PostgreSQL as processes.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from processes import Server, child_environment, make_clinic_token, own_postgres

READS, WRITES, CLIENTS = 200, 50, 20  # a second, all clients together; clients
PAGE_TARGET, SEARCH_TARGET, START_TARGET = 0.05, 0.05, 2.0  # [s]
_AFTER = date(2025, 1, 1)  # after all visits made


@dataclass
class Client(threading.Thread):
    """One client: reads and writes at its own even rate, and notes how long each took."""

    server: Server
    token: str
    made: Made
    number: int
    rate: float
    until: float
    took: dict[str, list[float]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    late: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.chance = random.Random(self.number)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Ask until the time is over."""
        due = time.perf_counter() + self.chance.random() / self.rate
        while max(due, time.perf_counter()) < self.until:
            time.sleep(max(0.0, due - time.perf_counter()))
            self.late = max(self.late, time.perf_counter() - due)
            kind, method, path, body = self.request()
            began = time.perf_counter()
            status = self.ask(method, path, body)
            self.took.setdefault(kind, []).append(time.perf_counter() - began)
            self.answers[f"{kind} {status}"] += 1
            due += 1 / self.rate

    def request(self) -> tuple[str, str, str, Any]:
        """Draw what is asked next: three page reads in five, a search, a note and a visit."""
        index, luck = self.chance.randrange(len(self.made.numbers)), self.chance.random()
        number, writes = self.made.numbers[index], WRITES / (READS + WRITES)
        if luck < writes / 2:
            day = _AFTER + timedelta(days=self.chance.randrange(600))
            patch = patch_at(self.chance.uniform(70, 90), self.chance.uniform(100, 130))
            seen = {"seen": {"date": day.isoformat(), "patches": [patch]}}
            return "write a visit", "POST", f"/people/{number}/visits", seen
        if luck < writes:
            note = {"on": "2025-01-14", "text": f"note {luck}"}
            return "write a note", "POST", f"/people/{number}/notes", note
        if luck < writes + 0.2:
            first, last = name_of(index).split()
            return "search", "GET", f"/search?text={last[:5]}%20{first[:2]}", None
        return "page", "GET", f"/people/{number}/record", None

    def ask(self, method: str, path: str, body: Any = None) -> int:
        """Send one request; gives the status."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(8)}
        sent = None if body is None else json.dumps(body)
        self.connection.request(method, f"/api/v1{path}", sent, headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


@contextlib.contextmanager
def clinic(database: str, people: int, visits: int) -> Iterator[tuple[Places, Made, str, float]]:
    """Make a clinic in a database: its places, what is in it, a token, and the seconds it took."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="anagen-bench-"))
        url = None
        if database == "PostgreSQL":
            url = stack.enter_context(own_postgres()).new_database()
        places = find_places(Path(folder) / "clinic", url, environment={})
        began = time.perf_counter()
        store = open_store(places)
        made = make_clinic(store, people, visits)
        close_store(store)
        took = time.perf_counter() - began
        yield places, made, make_clinic_token(places), took


def start_seconds(server: Server) -> float:
    """Time of `anagen serve` to its first healthy answer."""
    command = [str(Path(sys.executable).with_name("anagen")), "serve", "--data",
               str(server.places.folder), "--database", server.places.database,
               "--port", str(server.port)]  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=child_environment())
    try:
        while not server.is_healthy():
            time.sleep(0.01)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def alone(server: Server, token: str, made: Made) -> dict[str, list[float]]:
    """Time reads of one client alone."""
    one = Client(server, token, made, 0, 1.0, 0.0)
    took: dict[str, list[float]] = {"page": [], "search": []}
    one.ask("GET", "/search?text=ada")
    prepare(one)
    for index in range(300):
        first, last = name_of(index).split()
        number = made.numbers[7 * index % len(made.numbers)]
        words = f"{last[:5]}%20{first[:2]}"
        paths = {"page": f"/people/{number}/record", "search": f"/search?text={words}"}
        for kind, path in paths.items():
            began = time.perf_counter()
            assert one.ask("GET", path) == 200
            took[kind].append(time.perf_counter() - began)
    return took


def prepare(one: Client) -> None:
    """Write a visit, for what `anagen serve` prepares when it starts and this server does not."""
    seen = {"date": _AFTER.isoformat(), "patches": [patch_at(80, 120)]}
    assert one.ask("POST", f"/people/{one.made.numbers[0]}/visits", {"seen": seen}) == 201


def load(server: Server, token: str, made: Made, duration: float) -> list[Client]:
    """Let all clients ask at once."""
    until = time.perf_counter() + duration
    rate = (READS + WRITES) / CLIENTS
    clients = [Client(server, token, made, n + 1, rate, until) for n in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return clients


def memory_mb(server: Server) -> float:
    """Most memory that the server held [MB]."""
    assert server.process is not None
    text = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(text.partition("VmHWM:")[2].split()[0]) / 1000


def processor_seconds(server: Server) -> float:
    """Time that the server has computed so far [s]."""
    assert server.process is not None
    text = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def share(values: list[float], part: float) -> float:
    """Value below which a part of all lies."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def row(name: str, took: list[float], target: float | None = None) -> list[str]:
    """Row of a table: how many, p50, p95, p99, and p95 against its target."""
    shown = [seconds(share(took, part)) for part in (0.5, 0.95, 0.99)]
    told = "" if target is None else against(share(took, 0.95), target, least=False)
    return [name, str(len(took)), *shown, told]


def measure(database: str, people: int, visits: int, duration: float) -> None:
    """Measure one database and print what was found."""
    with clinic(database, people, visits) as (places, made, token, took):
        server = Server(places, places.folder.parent / "log")
        starts = [start_seconds(server) for _ in range(3)]
        server.start()
        try:
            quiet = alone(server, token, made)
            processor = resource.getrusage(resource.RUSAGE_SELF)
            server_cpu = -processor_seconds(server)
            clients = load(server, token, made, duration)
            spent = resource.getrusage(resource.RUSAGE_SELF)
            server_cpu += processor_seconds(server)
            held = memory_mb(server)
        finally:
            server.kill()
    answers: Counter[str] = sum((one.answers for one in clients), Counter())
    wrong = {kind: n for kind, n in answers.items() if not kind.endswith((" 200", " 201"))}
    reads = sum(n for kind, n in answers.items() if not kind.startswith("write")) / duration
    writes = sum(n for kind, n in answers.items() if kind.startswith("write")) / duration
    loaded = {kind: [t for one in clients for t in one.took.get(kind, [])]
              for kind in ("page", "search", "write a note", "write a visit")}  # fmt: skip
    print(f"\n## {database}: {people} people, {people * visits} visits, made in {seconds(took)}")
    show(
        "One client alone",
        ("", "n", "p50", "p95", "p99", "p95 against"),
        [row("page", quiet["page"], PAGE_TARGET), row("search", quiet["search"], SEARCH_TARGET)],
    )
    show(f"{CLIENTS} clients for {duration:g} s", ("", "n", "p50", "p95", "p99", ""),
         [row(kind, values) for kind, values in loaded.items()])  # fmt: skip
    client_cpu = spent.ru_utime + spent.ru_stime - processor.ru_utime - processor.ru_stime
    met = against(min(starts), START_TARGET, least=False)
    print(f"reads {reads:.0f}/s of {READS}, writes {writes:.0f}/s of {WRITES}")
    print(f"other answers: {wrong or 'none'}")
    print(f"clients: at most {max(one.late for one in clients):.2f} s behind, "
          f"{client_cpu / duration:.0%} of a core, {peak_mb():.0f} MB")  # fmt: skip
    print(f"server: {server_cpu / duration:.0%} of a core, {held:.0f} MB at most; "
          f"started in {', '.join(map(seconds, starts))} ({met})")  # fmt: skip


def main() -> None:
    """Measure both databases."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--people", type=int, default=10_000)
    words.add_argument("--visits", type=int, default=10)
    words.add_argument("--seconds", type=float, default=20.0)
    words.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    asked = words.parse_args()
    for database in ("SQLite", "PostgreSQL"):
        if asked.only in (None, database):
            measure(database, asked.people, asked.visits, asked.seconds)


if __name__ == "__main__":
    main()
