"""Runs over processes: the same bytes however many compute and however often it is stopped."""

import json
import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from trials.run_cases import by_hand, content, kept, small, small_plan

from anagen.cli import main
from anagen.errors import InputError
from anagen.population.settings import MOST_PEOPLE
from anagen.trials.protocol_file import load_protocol_file
from anagen.trials.run import RunProgress, run_trial
from anagen.trials.run_chunk import PEOPLE
from anagen.trials.run_plan import chunks_of, plan_run, read_plan, units_of, usual_chunk
from anagen.trials.store import open_results

PLAN = small_plan()
TASK = "__import__('anagen.trials.chunk_task', fromlist=['x'])"
"""Module of a worker, to be changed there as a fault would."""


class Stopping:
    """Ask for a stop, as Ctrl-C would, once some people are kept."""

    def __init__(self, people: int) -> None:
        self.people = people

    def __call__(self, now: RunProgress) -> None:
        if now.people >= self.people:
            raise KeyboardInterrupt


def test_two_workers_write_what_one_process_computes(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    told: list[RunProgress] = []
    outcome = run_trial(PLAN, tmp_path / "results.zarr", address, told.append)
    assert outcome.complete
    assert (outcome.before, outcome.now, outcome.people_now, outcome.report) == (0, 5, 24, ())
    assert content(tmp_path / "results.zarr") == expected
    assert told[-1].people == told[-1].total == 24
    assert [now.people for now in told] == sorted(now.people for now in told)
    assert {now.workers for now in told} == {2}


def test_one_process_of_its_own_writes_the_same(expected: dict[str, bytes], tmp_path: Path) -> None:
    outcome = run_trial(PLAN, tmp_path / "results.zarr", workers=1)
    assert outcome.complete
    assert content(tmp_path / "results.zarr") == expected


def test_a_run_that_was_stopped_goes_on_and_computes_nothing_twice(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "results.zarr"
    with pytest.raises(KeyboardInterrupt):
        run_trial(PLAN, path, address, Stopping(10))
    time.sleep(0.5)  # workers may still write what they had begun
    before = kept(path)
    assert len(before) >= 2
    outcome = run_trial(PLAN, path, address)
    assert (outcome.before, outcome.now) == (len(before), 5 - len(before))
    assert outcome.complete
    assert content(path) == expected
    # What is all there needs no cluster at all.
    again = run_trial(PLAN, path, "tcp://127.0.0.1:1")
    assert (again.before, again.now, again.complete) == (5, 0, True)
    assert content(path) == expected


def test_what_was_damaged_is_computed_again(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "results.zarr"
    by_hand(PLAN, path)
    (path / "regrowth" / "c" / "4" / "0").write_bytes(b"\x28\xb5 no longer what it was")
    (path / "chunk_digest" / ".sight-of-a-run-that-was-killed").touch()
    outcome = run_trial(PLAN, path, address)
    assert (outcome.before, outcome.now, outcome.repaired) == (4, 1, 1)
    assert content(path) == expected


def test_workers_on_another_disk_send_their_results(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    with Client(address, set_as_default=False) as client:
        client.run(exec, f"m = {TASK}; m.kept = m.sees_store; m.sees_store = lambda task: False")
        try:
            outcome = run_trial(PLAN, tmp_path / "results.zarr", address)
        finally:
            client.run(exec, f"m = {TASK}; m.sees_store = m.kept")
    assert outcome.complete
    assert content(tmp_path / "results.zarr") == expected


def test_a_store_of_another_run_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "results.zarr"
    by_hand(PLAN, path, {0})
    before = content(path)
    for other in (small_plan(seed=4), replace(PLAN, anagen_version="0.0.1")):
        with pytest.raises(InputError, match="as asked"):
            run_trial(other, path, "tcp://127.0.0.1:1")
    assert content(path) == before


@pytest.mark.parametrize(
    ("change", "restore", "words"),
    [
        ("m.old, m.__version__ = m.__version__, '9.9'", "m.__version__ = m.old", "Anagen 9.9"),
        ("import sys; sys.modules['anagen.trials.chunk_task'] = None",
         "sys.modules['anagen.trials.chunk_task'] = m", "anagen.trials.chunk_task"),
    ],
    ids=["another version", "without Anagen"],
)  # fmt: skip
def test_a_worker_that_differs_is_named(
    change: str, restore: str, words: str, address: str, tmp_path: Path
) -> None:
    with Client(address, set_as_default=False) as client:
        worker = sorted(client.nthreads())[0]
        client.run(exec, f"import sys; m = {TASK}; sys.tested = m; {change}", workers=[worker])
        try:
            with pytest.raises(InputError) as raised:
                run_trial(PLAN, tmp_path / "results.zarr", address)
        finally:
            client.run(exec, f"import sys; m = sys.tested; {restore}", workers=[worker])
    (problem,) = raised.value.problems
    assert problem.place == f"worker {worker}"
    assert words in problem.found
    assert not (tmp_path / "results.zarr").exists()


class _Page(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.mark.parametrize("what", ["nobody", "silent", "page", "no address"])
def test_a_cluster_that_cannot_be_reached_says_so_soon(what: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadingHTTPServer(
        ("127.0.0.1", 0), _Page
    ) as page:  # fmt: skip
        threading.Thread(target=page.serve_forever, daemon=True).start()
        address = {
            "nobody": "tcp://127.0.0.1:1",
            "silent": f"tcp://127.0.0.1:{silent.getsockname()[1]}",
            "page": f"tcp://127.0.0.1:{page.server_port}",
            "no address": "the big machine",
        }[what]
        begin = time.monotonic()
        with pytest.raises(InputError) as raised:
            run_trial(PLAN, tmp_path / "results.zarr", address)
        page.shutdown()
    assert time.monotonic() - begin < 30  # 4 s of waiting; the rest is for a machine that is busy
    (problem,) = raised.value.problems
    assert problem.place == f"--cluster {address}"
    assert "dask scheduler" in problem.remedy
    assert not list(tmp_path.iterdir())


def test_a_worker_is_no_scheduler(address: str, tmp_path: Path) -> None:
    with Client(address, set_as_default=False) as client:
        worker = sorted(client.nthreads())[0]
    with pytest.raises(InputError, match="a worker of Dask"):
        run_trial(PLAN, tmp_path / "results.zarr", worker)


def test_a_cut_hangs_on_the_protocol_alone() -> None:
    plan = read_plan("quadrant-strengths", people=100, replicates=50)
    assert plan.people == 5000
    assert plan.chunk_people == usual_chunk(plan.protocol) == PEOPLE // 4
    chunks = chunks_of(plan)
    assert [chunk.first for chunk in chunks] == [0, 2048, 4096]
    assert sum(chunk.count for chunk in chunks) == 5000
    assert units_of(plan, chunks[-1]) == slice(4 * 4096, 4 * 5000)
    assert usual_chunk(load_protocol_file("forecast-guided-against-guideline")) < 500


def test_numbers_that_cannot_be_meant_are_refused_together() -> None:
    with pytest.raises(InputError) as raised:
        plan_run(small(), replicates=0, seed=-1, chunk_people=0)
    assert [one.place for one in raised.value.problems] == ["replicates", "seed", "chunk_people"]
    with pytest.raises(InputError, match="in all replicates"):
        plan_run(small(), replicates=MOST_PEOPLE // 2)
    for people in (0, -4):
        with pytest.raises(InputError):
            read_plan("five-against-ten", people=people)


def command(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main(["trial", "run", *(str(word) for word in words)])
    return int(end.value.code or 0)


def test_the_command_runs_goes_on_and_answers(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("five-against-ten", "--people", 4, "--replicates", 2, "--seed", 5,
             "--cluster", address)  # fmt: skip
    assert command(*words, "--json") == 0
    output, errors = capfd.readouterr()
    answer = json.loads(output)
    assert errors == ""
    assert answer["complete"]
    assert answer["people"] == answer["people_planned"] == answer["units"]
    assert answer["chunks"] == {"done_now": 1, "before": 0, "failed": 0, "repaired": 0}
    results = open_results(tmp_path / "five-against-ten.zarr")
    assert (results.protocol.people, results.replicates, results.seed) == (4, 2, 5)
    assert command(*words) == 0
    assert "nothing was computed" in capfd.readouterr().out
    assert command(*words[:-2], "--seed", 6) == 2
    assert "Add --seed 5" in " ".join(capfd.readouterr().err.split())


def test_the_command_refuses_a_protocol_by_line_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from anagen.trials.protocol_file import read_protocol_file

    monkeypatch.chdir(tmp_path)
    file = Path("mine.toml")
    text = read_protocol_file("five-against-ten").text.replace("sessions = 3", "sessions = -3")
    file.write_text(text, encoding="utf-8")
    output = tmp_path / "mine.zarr"
    assert command(file, "--cluster", "tcp://127.0.0.1:1", "-o", output) == 2
    assert "mine.toml:" in capsys.readouterr().err
    assert not output.exists()
    assert command("five-against-ten", "--cluster", "tcp://127.0.0.1:1", "--workers", 2) == 2
    assert "--workers" in capsys.readouterr().err


def test_an_interrupted_command_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from anagen.trials import run

    def stopped(plan: Any, path: Any, cluster: Any, progress: Any, *, workers: Any) -> None:
        progress(RunProgress(40, 100, 0, 8.0, 2, "a worker was lost"))
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_trial", stopped)
    path = tmp_path / "out.zarr"
    words = ("five-against-ten", "--people", 4, "-o", path)
    assert command(*words) == 130
    errors = capsys.readouterr().err
    assert "12 s left" in errors
    assert "a worker was lost" in errors
    assert "Nothing was kept yet. The same command goes on" in errors
    by_hand(read_plan("five-against-ten", people=4), path)
    assert command(*words) == 130
    assert f"7 of 7 people are kept in {path}" in capsys.readouterr().err
