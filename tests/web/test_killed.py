"""What was acknowledged survives: the server, and its database, killed while people write."""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from killing import Trial
from processes import Postgres, Server, make_clinic_token, own_postgres

from anagen.clinic.places import find_places

# `make kill-test` asks for more.
KILLS = int(os.environ.get("ANAGEN_KILLS", "3"))
CHECK_EVERY = 10
# How long a record that was being written may take to open; the quickest start of several counts,
# because a busy machine is slow now and then.
SECONDS = 5
SEED = 20261123


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with own_postgres() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Trial]:
    database = None
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").new_database()
    places = find_places(tmp_path / "clinic", database, environment={})
    token = make_clinic_token(places)
    server = Server(places, tmp_path / "log")
    try:
        yield Trial(server, token, SEED)
    finally:
        server.kill()


def killed_once(trial: Trial, database: Postgres | None, chance: random.Random) -> None:
    """Kill the server, or its database under it, and start that again."""
    killed = database or trial.server
    trial.one_kill(chance.uniform(0.2, 1.5), killed.kill)
    seconds = killed.start()
    if database is None:
        trial.figures.seconds.append(seconds)
    trial.recover()


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    trial: Trial, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(SEED)
    first = trial.server.start()
    is_sqlite = trial.server.places.database.startswith("sqlite")
    for number in range(1, KILLS + 1):
        killed_once(trial, None, chance)
        if KILLS < CHECK_EVERY or number % CHECK_EVERY == 0:
            assert trial.problems() == []
            print(trial.figures.shown(), flush=True)
    if not is_sqlite:
        killed_once(trial, request.getfixturevalue("postgres"), chance)
    assert trial.problems() == []
    assert trial.figures.acknowledged > 3 * KILLS
    assert min(trial.figures.seconds) < max(SECONDS, 2 * first)


def test_an_orderly_end_answers_what_was_begun(trial: Trial) -> None:
    trial.server.start()
    process = trial.server.process
    assert process is not None
    stopped = threading.Event()

    def end() -> None:
        process.terminate()
        stopped.set()
        process.wait(timeout=20)

    trial.one_kill(0.5, end)
    assert stopped.is_set()
    assert process.returncode in (0, -15)
    trial.server.start()
    trial.recover()
    assert trial.problems() == []
