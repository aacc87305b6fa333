"""The server and PostgreSQL as processes of a test, to be killed and started again."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from databases import find_program, free_port, server_user

from anagen.clinic.accounts import make_account
from anagen.clinic.permissions import CONSOLE, Actor, Role, permissions_of
from anagen.clinic.places import Places
from anagen.clinic.store import close_store, open_store
from anagen.clinic.tokens import make_token

SECONDS_TO_START = 60
# As `anagen serve`, without the processes that compute, which have tests of their own.
PROGRAM = """
import sys
from anagen.clinic.places import find_places
from anagen.web.server import serve
from anagen.web.settings import ServerSettings
folder, database, key_file, port = sys.argv[1:]
serve(find_places(folder, database, key_file), ServerSettings(port=int(port)), ahead=False)
"""


def is_healthy(url: str) -> bool:
    """Ask a server how it is."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    return False


def started(
    command: Sequence[str | Path], url: str, log: Path, **more: Any
) -> "subprocess.Popen[bytes]":
    """Start a server and wait until it answers."""
    began = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, **more,
        )  # fmt: skip
    try:
        while not is_healthy(url):
            assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
            assert time.monotonic() - began < SECONDS_TO_START, "the server did not start"
            time.sleep(0.02)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def child_environment() -> dict[str, str]:
    """Environment of a user's process: compiled modules are kept, no proxy, no other record."""
    gone = {"PYTHONDONTWRITEBYTECODE", "ANAGEN_DATA", "ANAGEN_DATABASE", "ANAGEN_KEY_FILE"}
    return {name: value for name, value in os.environ.items() if name not in gone}


def make_clinic_token(places: Places, *scopes: str) -> str:
    """Found the record, with one account and a token of it."""
    store = open_store(places)
    try:
        roles: tuple[Role, ...] = ("clinician", "administrator")
        make_account(store, CONSOLE, "anna", "Anna Berg", roles, secrets.token_urlsafe(16))
        wanted = scopes or ("record:read", "record:write", "audit:read")
        anna = Actor("anna", permissions_of(roles), roles)
        return make_token(store, anna, "tests", wanted, 2).secret
    finally:
        close_store(store)


@dataclass
class Server:
    """The server as a process.

    Parameters
    ----------
    places : of its record.
    log : file for what it says.
    port : on this machine.
    process : once started.
    """

    places: Places
    log: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, **more: Any) -> float:
        """Start it and wait until it is healthy; gives how long that took [s]."""
        command = [sys.executable, "-c", PROGRAM, str(self.places.folder), self.places.database,
                   str(self.places.key_file), str(self.port)]  # fmt: skip
        began = time.monotonic()
        self.process = started(command, self.url, self.log, env=child_environment(), **more)
        return time.monotonic() - began

    def is_healthy(self) -> bool:
        """Ask it how it is."""
        return is_healthy(self.url)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def client(self, token: str, seconds: float = 30) -> httpx.Client:
        """Client that asks with a token."""
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"},
            trust_env=False, timeout=seconds,
        )  # fmt: skip


@dataclass
class Postgres:
    """A PostgreSQL of a test's own, that may be killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"postgresql://anagen:{self.password}@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        """Make an empty database; gives its address."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self.url.removesuffix('/postgres')}/{name}"

    def make(self) -> None:
        """Make its files."""
        words = self.folder / "password"
        words.write_text(self.password)
        user = server_user()
        if user is not None:
            for path in (self.folder, words):
                os.chown(path, user.pw_uid, user.pw_gid)
        subprocess.run(
            [find_program("initdb"), "-D", self.folder / "data", "-U", "anagen", "-N",
             "--pwfile", words, "--auth=scram-sha-256", "--locale=C", "--encoding=UTF8"],
            capture_output=True, check=True, cwd=self.folder, **_demoted(),
        )  # fmt: skip

    def start(self) -> None:
        """Start it; after a kill as often as it takes until the rest of the old one is gone."""
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                   "shared_buffers": "64MB"}  # fmt: skip
        command = [find_program("postgres"), "-D", self.folder / "data", "-p", str(self.port)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        until = time.monotonic() + SECONDS_TO_START
        while True:
            if self.process is None or self.process.poll() is not None:
                with (self.folder / "log").open("ab") as output:
                    self.process = subprocess.Popen(
                        command, stdout=output, stderr=output, cwd=self.folder,
                        start_new_session=True, **_demoted(),
                    )  # fmt: skip
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                assert time.monotonic() < until, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it in order; connections are closed."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=SECONDS_TO_START)


def _demoted() -> dict[str, Any]:
    user = server_user()
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}


@contextlib.contextmanager
def own_postgres() -> Iterator[Postgres]:
    """Give a running PostgreSQL."""
    # Not below a folder of pytest, which the user of the server may not enter.
    folder = Path(tempfile.mkdtemp(prefix="anagen-postgres-"))
    one = Postgres(folder)
    try:
        one.make()
        one.start()
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)
