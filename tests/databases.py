"""The clinic's record on both databases: a fresh one for every test, copied from a template."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anagen.clinic.places import DATABASE_FILE, KEY_FILE, Places, find_places
from anagen.clinic.store import Store, close_store, open_store
from anagen.clinic.tables import metadata

MISSING = (
    "PostgreSQL's server is missing, and the record is tested on it too: install the package "
    "'postgresql' (as root: scripts/setup-test-system)"
)
SECONDS_TO_START = 60

# All columns, indices, constraints and triggers of the record.
SHAPE = """
SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT conname, contype::text, conrelid::regclass::text, '', convalidated
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT tgname, 'trigger', tgrelid::regclass::text, '', NULL
FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1, 2, 3
"""
OTHERS_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def find_program(name: str) -> str:
    """Path of a program of PostgreSQL; Debian keeps them outside the search path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    search = os.pathsep.join([*map(str, reversed(folders)), os.environ.get("PATH", "")])
    found = shutil.which(name, path=search)
    if found is None:
        pytest.fail(MISSING, pytrace=False)
    return found


def server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: itself refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return pytest.fail(MISSING, pytrace=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of our own on this machine; address without the name of a database."""
    folder = Path(tempfile.mkdtemp(prefix="anagen-postgres-"))
    try:
        yield from _served(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _served(folder: Path) -> Iterator[str]:
    data, password_file, log = folder / "data", folder / "password", folder / "log"
    password, port, user = secrets.token_hex(16), free_port(), server_user()
    password_file.write_text(password)
    demoted: dict[str, Any] = {}
    if user is not None:
        demoted = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
        for path in (folder, password_file):
            os.chown(path, user.pw_uid, user.pw_gid)
    # The password is drawn for this run; it keeps other users of the machine out.
    made = subprocess.run(
        [find_program("initdb"), "-D", data, "-U", "anagen", "--pwfile", password_file, "-N",
         "--auth=scram-sha-256", "--locale=C", "--encoding=UTF8"],
        capture_output=True, text=True, check=False, cwd=folder, **demoted,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "on",
               "max_connections": "300", "shared_buffers": "64MB"}  # fmt: skip
    command = [find_program("postgres"), "-D", data, "-p", str(port)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=folder, start_new_session=True, **demoted
        )
    url = f"postgresql://anagen:{password}@127.0.0.1:{port}"
    try:
        _wait(url, server, log)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # closes all connections, then ends in order
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(url: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            psycopg.connect(f"{url}/postgres", connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"PostgreSQL did not start: {log.read_text()}") from error
            time.sleep(0.05)
        else:
            return


def _run(url: str, statement: str) -> None:
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a founded, empty record in SQLite."""
    folder = tmp_path_factory.mktemp("sqlite") / "clinic"
    close_store(open_store(find_places(folder, environment={})))
    return folder


class Databases:
    """Databases with a founded, empty record in PostgreSQL, used again and again.

    Making and dropping one costs a third of a second, emptying one a tenth of that.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.name = url, folder, "anagen_template"
        _run(url, f"CREATE DATABASE {self.name}")
        close_store(open_store(find_places(folder, f"{url}/{self.name}", environment={})))
        with psycopg.connect(f"{url}/{self.name}") as connection:
            self.chains = connection.execute("SELECT name, seq, digest FROM chains").fetchall()
            self.shape = connection.execute(SHAPE).fetchall()
        self.spare: list[str] = []

    def take(self) -> str:
        if self.spare:
            return self.spare.pop()
        name = f"test_{secrets.token_hex(6)}"
        _run(self.url, f"CREATE DATABASE {name} TEMPLATE {self.name}")
        return name

    def give_back(self, name: str) -> None:
        """Empty it; one whose tables were changed is dropped."""
        with psycopg.connect(f"{self.url}/{name}") as connection:
            connection.execute(OTHERS_OFF)
            whole = connection.execute(SHAPE).fetchall() == self.shape
            for table in reversed(metadata.sorted_tables) if whole else ():
                connection.execute(f"DELETE FROM {table.name}")
            for row in self.chains if whole else ():
                connection.execute("INSERT INTO chains VALUES (%s, %s, %s)", row)
        if whole:
            self.spare.append(name)
        else:
            _run(self.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_databases(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Where tests take a database of PostgreSQL from."""
    return Databases(postgres_url, tmp_path_factory.mktemp("postgresql") / "clinic")


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Make a database without tables in PostgreSQL, dropped after the test; gives its URL."""
    made: list[tuple[str, str]] = []

    def make() -> str:
        url = request.getfixturevalue("postgres_url")
        name = f"test_{secrets.token_hex(6)}"
        _run(url, f"CREATE DATABASE {name}")
        made.append((url, name))
        return f"{url}/{name}"

    yield make
    for url, name in made:
        _run(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_places(tmp_path: Path, sqlite_template: Path) -> Places:
    """Places of a founded, empty record in SQLite."""
    folder = tmp_path / "clinic"
    (folder / "photographs").mkdir(parents=True, mode=0o700)
    for name in (DATABASE_FILE, KEY_FILE):
        shutil.copy(sqlite_template / name, folder / name)
    return find_places(folder, environment={})


@pytest.fixture
def postgres_places(tmp_path: Path, postgres_databases: Databases) -> Iterator[Places]:
    """Places of a founded, empty record in PostgreSQL."""
    folder = tmp_path / "clinic-postgresql"
    (folder / "photographs").mkdir(parents=True, mode=0o700)
    shutil.copy(postgres_databases.folder / KEY_FILE, folder / KEY_FILE)
    name = postgres_databases.take()
    yield find_places(folder, f"{postgres_databases.url}/{name}", environment={})
    postgres_databases.give_back(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest) -> Places:
    """Places of a founded, empty record, in each database."""
    found = request.getfixturevalue(
        "sqlite_places" if request.param == "sqlite" else "postgres_places"
    )
    assert isinstance(found, Places)
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    """Places where nothing was founded yet, in each database."""
    database = None
    if request.param == "postgresql":
        database = request.getfixturevalue("new_database")()
    return find_places(tmp_path / "empty", database, environment={})


@pytest.fixture
def store(places: Places) -> Iterator[Store]:
    """An open, empty record, in each database."""
    with contextlib.closing(_Open(places)) as one:
        yield one.store


@pytest.fixture
def sqlite_store(sqlite_places: Places) -> Iterator[Store]:
    """An open, empty record in SQLite alone."""
    with contextlib.closing(_Open(sqlite_places)) as one:
        yield one.store


class _Open:
    def __init__(self, places: Places) -> None:
        self.store = open_store(places, create=False)

    def close(self) -> None:
        close_store(self.store)
