"""Runs in which something breaks: the same numbers, or an exact report of what is missing."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from trials.run_cases import by_hand, content, kept, small, small_plan

from anagen._commands.trial_run_cli import outcome_data
from anagen.errors import InputError, SimulationError
from anagen.trials import run, store
from anagen.trials.run import RunProgress, run_trial
from anagen.trials.run_plan import chunks_of, describe_chunk, plan_run
from anagen.trials.store import open_results

PLAN = small_plan()
ENGINE = "__import__('anagen.trials.run_chunk', fromlist=['x'])"
BREAK = f"""
m = {ENGINE}
m.old = m.run_chunk
def broken(protocol, replicate=0, first=0, count=None, *rest, **named):
    if first == FIRST and count == 5:
        raise FloatingPointError("overflow in the dermis")
    return m.old(protocol, replicate, first, count, *rest, **named)
m.run_chunk = broken
"""
MEND = f"m = {ENGINE}; m.run_chunk = m.old"
FULL = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (16, r.getrlimit(r.RLIMIT_FSIZE)[1]))"
FREE = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (r.getrlimit(r.RLIMIT_FSIZE)[1],) * 2)"


@contextmanager
def fault(address: str, begin: str, end: str, workers: int = 2) -> Iterator[list[str]]:
    """Change some workers of a cluster for a while."""
    with Client(address, set_as_default=False) as client:
        chosen = sorted(client.nthreads())[:workers]
        client.run(exec, begin, {}, workers=chosen)
        try:
            yield chosen
        finally:
            client.run(exec, end, {}, workers=chosen)


class Once:
    """Do something when the first people are kept."""

    def __init__(self, act: Any, people: int = 1) -> None:
        self.act, self.people, self.done = act, people, False

    def __call__(self, now: RunProgress) -> None:
        if now.people >= self.people and not self.done:
            self.done = True
            self.act()


def test_a_chunk_that_fails_is_told_exactly_and_can_be_made_up_for(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "results.zarr"
    with fault(address, BREAK.replace("FIRST", "10"), MEND):
        outcome = run_trial(PLAN, path, address)
    assert not outcome.complete
    assert (outcome.now, outcome.people_now) == (4, 19)
    assert kept(path) == {0, 1, 3, 4}
    (line,) = outcome.report
    assert line == (
        "chunk 2: 5 people, from person 10 of replicate 0 to person 2 of replicate 1: "
        "FloatingPointError: overflow in the dermis"
    )
    answer = outcome_data(outcome)
    assert answer["people"] == 19
    assert answer["chunks"]["failed"] == 1
    assert answer["missing"][0]["first_person"] == 10
    assert sum("tried again" in note for note in outcome.notes) == 1
    results = open_results(path)
    assert [chunk.number for chunk in results.missing] == [2]
    assert results.dataset.sizes["unit"] == 19
    assert run_trial(PLAN, path, address).complete
    assert content(path) == expected


def test_a_chunk_that_fails_on_one_worker_is_computed_by_another(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    everyone = BREAK.replace("first == FIRST and ", "")
    with fault(address, everyone, MEND, workers=1):
        outcome = run_trial(PLAN, tmp_path / "results.zarr", address)
    assert outcome.complete
    assert any("overflow in the dermis" in note for note in outcome.notes)
    assert content(tmp_path / "results.zarr") == expected


def test_the_full_disk_of_one_worker_loses_nothing(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    with fault(address, FULL, FREE, workers=1):
        outcome = run_trial(PLAN, tmp_path / "results.zarr", address)
    assert outcome.complete
    assert any("could not write" in note for note in outcome.notes)
    assert content(tmp_path / "results.zarr") == expected


def test_a_disk_full_for_all_stops_the_run_which_goes_on_later(
    address: str,
    expected: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "results.zarr"

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with fault(address, FULL, FREE), monkeypatch.context() as patch:
        patch.setattr(store, "write_chunk", full)
        outcome = run_trial(PLAN, path, address)
    assert len(outcome.missing) == 5
    assert all("No space left on device" in line for line in outcome.report)
    assert not kept(path)
    assert not list(path.rglob(".sight-*"))
    assert run_trial(PLAN, path, address).complete
    assert content(path) == expected


def test_numbers_that_fail_in_the_model_are_counted(address: str, tmp_path: Path) -> None:
    lose = f"""
m = {ENGINE}
m.old = m.run_chunk
def broken(*given, **named):
    found = m.old(*given, **named)
    found.failed.values[0] = True
    return found
m.run_chunk = broken
"""
    with fault(address, lose, MEND):
        outcome = run_trial(PLAN, tmp_path / "results.zarr", address)
    assert outcome.complete
    assert outcome.failed_units == 5


def test_a_trial_of_which_nobody_can_be_computed_leaves_nothing(
    address: str, tmp_path: Path
) -> None:
    first = BREAK.replace("first == FIRST and count == 5", "True")
    with fault(address, first, MEND), pytest.raises(SimulationError, match="overflow"):
        run_trial(PLAN, tmp_path / "results.zarr", address)
    assert not list(tmp_path.iterdir())


def test_a_worker_that_joins_with_another_version_ends_the_run(
    address: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "results.zarr"
    task = "__import__('anagen.trials.chunk_task', fromlist=['x'])"
    other = f"m = {task}; m.old, m.__version__ = m.__version__, '9.9'"

    def change() -> None:
        with Client(address, set_as_default=False) as client:
            client.run(exec, other, {}, workers=sorted(client.nthreads())[:1])

    with (
        fault(address, f"m = {task}; m.old = m.__version__", f"m = {task}; m.__version__ = m.old",
              workers=1),
        pytest.raises(InputError, match=r"Anagen 9\.9"),
    ):  # fmt: skip
        run_trial(PLAN, path, address, Once(change))
    assert run_trial(PLAN, path, address).complete
    assert content(path) == expected


def test_a_killed_worker_loses_nothing(address: str, tmp_path: Path) -> None:
    plan = plan_run(small(30), 1, 3, 6)
    with Client(address, set_as_default=False) as client:
        ids = client.run(os.getpid)
    path = tmp_path / "results.zarr"
    outcome = run_trial(
        plan, path, address, Once(lambda: os.kill(min(ids.values()), signal.SIGKILL))
    )
    assert outcome.complete
    assert (outcome.now, outcome.people_now) == (10, 60)
    by_hand(plan, tmp_path / "expected.zarr")
    assert content(path) == content(tmp_path / "expected.zarr")


# ------------------------------------------------------------------------------- processes apart


def scheduler(port: int) -> subprocess.Popen[bytes]:
    words = ("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard",
             "--dashboard-address", "127.0.0.1:0")  # fmt: skip
    return _process(words)


def worker(port: int, folder: Path) -> subprocess.Popen[bytes]:
    words = ("worker", f"tcp://127.0.0.1:{port}", "--host", "127.0.0.1", "--nthreads", "1",
             "--no-nanny", "--no-dashboard", "--local-directory", str(folder))  # fmt: skip
    return _process(words)


def _process(words: tuple[str, ...]) -> subprocess.Popen[bytes]:
    code = "import sys; from distributed.cli import dask_scheduler, dask_worker; " \
           f"sys.exit(dask_{words[0]}.main(sys.argv[1:]))"  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", code, *words[1:]],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    process.wait(timeout=20)


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_a_scheduler_that_is_restarted_and_one_that_stays_away(
    tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, path = free_port(), tmp_path / "results.zarr"
    started = [scheduler(port), worker(port, tmp_path)]

    def restart() -> None:
        for process in started:
            end(process)
        started[:] = [scheduler(port), worker(port, tmp_path)]

    def stop() -> None:
        for process in started:
            end(process)

    def wait() -> str:
        address, until = f"tcp://127.0.0.1:{port}", time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError), Client(address, timeout=2, set_as_default=False):
                break
        return address

    try:
        restarted = Once(restart)
        outcome = run_trial(PLAN, path, wait(), restarted)
        assert restarted.done
        assert outcome.complete
        assert content(path) == expected
        # The same again, with a scheduler that does not come back.
        monkeypatch.setattr(run, "_RECONNECT", 1.0)
        other = tmp_path / "other.zarr"
        outcome = run_trial(PLAN, other, f"tcp://127.0.0.1:{port}", Once(stop, 6))
        assert not outcome.complete
        assert {one.chunk.number for one in outcome.missing} == set(range(5)) - kept(other)
        assert len(kept(other)) >= 2
        assert all("has not come back" in one.reason for one in outcome.missing)
        chunk = chunks_of(PLAN)[4]
        assert outcome.report[-1].startswith(describe_chunk(PLAN, chunk))
    finally:
        stop()
    assert run_trial(PLAN, other, workers=1).complete
    assert content(other) == expected
