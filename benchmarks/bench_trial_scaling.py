"""A trial on processes: time per 1,000 people, memory, speed-up, and what 1,000 workers would do.

Targets: 1,000 people more cost the same (within 25 %) from 10,000 people on, where each worker has
had a chunk; two workers are at least 1.8 times as quick as one; memory is bounded (client under
1 GB, a worker under 3 GB).
``bench_trial_scaling.py 1000 10000`` takes other sizes; 1,000,000 people are the default's last.
"""

import json
import os
import pickle
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from _measure import against, fresh, peak_mb, seconds, show
from bench_trials import protocol

SIZES = (1_000, 10_000, 100_000, 1_000_000)
FIRST, SPEED_PEOPLE = 10_000, 147_400  # of the speed-up: 18 chunks
SPEED_UP, CLIENT_MB, WORKER_MB, FLAT = 1.8, 1000.0, 3000.0, 1.25
EMPTY_TASKS, BARE_CHUNKS = 500, 4
MANY_WORKERS = (1, 2, 10, 100, 1_000)
MANY_PEOPLE = (1_000_000, 100_000_000)


def plan_of(people: int) -> object:
    from anagen.trials.run_plan import plan_run

    return plan_run(protocol(), replicates=max(people // 200, 1))


def resident_mb(process: int) -> float:
    """Memory that a process holds now [MB]; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children() -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            found.append(int(stat.parent.name))
    return found


class Watch(threading.Thread):
    """Look at the memory of the workers twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worker_mb, self.going = 0.0, True

    def run(self) -> None:
        while self.going:
            self.worker_mb = max([self.worker_mb, *map(resident_mb, children())])
            time.sleep(0.5)


def run(people: int, workers: int) -> None:
    """In a fresh process: one run from nothing to a whole store."""
    from anagen.trials.run import run_trial

    times: list[tuple[float, int]] = []
    watch = Watch()
    watch.start()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.zarr"
        outcome = run_trial(
            plan_of(people), path, progress=lambda now: times.append((now.seconds, now.people)),
            workers=workers,
        )  # fmt: skip
        stored = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    watch.going = False
    assert outcome.complete
    chunk = 8192 * workers  # by then every worker has loaded and compiled
    first = next((one for one in times if one[1] >= chunk), times[-1])
    rest = outcome.people_now - first[1]
    steady = (times[-1][0] - first[0]) / rest if rest else times[-1][0] / outcome.people_now
    print(json.dumps({
        "seconds": outcome.seconds, "start": outcome.seconds - times[-1][0], "steady": steady,
        "computing": outcome.computing, "writing": outcome.writing, "chunks": outcome.now,
        "client": peak_mb(), "worker": watch.worker_mb, "bytes": stored,
    }))  # fmt: skip


def overheads() -> None:
    """In a fresh process: what a chunk costs beside its computing."""
    from anagen.trials import cluster, store
    from anagen.trials.chunk_task import Answer, Task
    from anagen.trials.run_chunk import run_chunk
    from anagen.trials.run_plan import chunks_of

    plan = plan_of(8192)
    chunk = chunks_of(plan)[0]
    begin = time.perf_counter()
    link = cluster.open_link("local", 1)
    opened = time.perf_counter() - begin
    begin = time.perf_counter()
    cluster.check_workers(link, plan)
    loaded = time.perf_counter() - begin
    task = Task(plan, chunk, Path("results.zarr"), Path("results.zarr"))
    list(link.client.map(len, [[]] * 10, pure=False))
    begin = time.perf_counter()
    link.client.gather(link.client.map(pickle.dumps, [task] * EMPTY_TASKS, pure=False))
    scheduled = (time.perf_counter() - begin) / EMPTY_TASKS
    cluster.close_link(link)
    begin = time.perf_counter()
    for _ in range(100):
        pickle.loads(pickle.dumps(task))
    task_pickled = (time.perf_counter() - begin) / 100
    begin = time.perf_counter()
    found = run_chunk(plan.protocol, 0, chunk.first, chunk.count, plan.seed, threads=1)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    found = run_chunk(plan.protocol, 0, chunk.first, chunk.count, plan.seed, threads=1)
    computed = time.perf_counter() - begin
    begin = time.perf_counter()
    sent = pickle.dumps(Answer(found))
    pickle.loads(sent)
    answer_pickled = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.zarr"
        store.create_store(plan, path, found)
        begin = time.perf_counter()
        store.write_chunk(plan, path, chunk, found)
        written = time.perf_counter() - begin
        begin = time.perf_counter()
        store.look(plan, path)
        checked = time.perf_counter() - begin
    print(json.dumps({
        "opened": opened, "loaded": loaded, "scheduled": scheduled, "task_pickled": task_pickled,
        "task_bytes": len(pickle.dumps(task)), "first": first, "computed": computed,
        "answer_pickled": answer_pickled, "answer_bytes": len(sent), "written": written,
        "checked": checked, "people": chunk.count,
    }))  # fmt: skip


def scaling(sizes: tuple[int, ...]) -> None:
    rows, memory = [], [0.0, 0.0]
    spent: dict[int, float] = {}
    for people in sizes:
        before = os.getloadavg()[0]
        row = fresh(__file__, "run", str(people), "2")
        spent[people] = row["seconds"]
        memory = [max(memory[0], row["client"]), max(memory[1], row["worker"])]
        rows.append([f"{people:,}", seconds(row["seconds"]),
                     seconds(1e3 * row["seconds"] / people), seconds(1e3 * row["steady"]),
                     f"{row['client']:.0f} MB", f"{row['worker']:.0f} MB",
                     f"{row['bytes'] / people:.0f} B", f"{before:.1f}"])  # fmt: skip
    show("Two workers", ["people", "all", "per 1,000", "per 1,000, after the first chunk", "client",
                         "worker", "kept a person", "load before"], rows)  # fmt: skip
    # Between one size and the next the start of the processes drops out.
    known = [people for people in sizes if people >= FIRST]
    more = [(spent[big] - spent[small]) / (big - small) for small, big in pairwise(known)]
    print("1,000 people more: " + ", ".join(seconds(1e3 * each) for each in more))
    if len(more) > 1:
        spread = max(more) / min(more)
        print(f"flat ({spread:.2f}): {against(spread, FLAT, least=False)}; "
              f"client: {against(memory[0], CLIENT_MB, least=False)}; "
              f"worker: {against(memory[1], WORKER_MB, least=False)}")  # fmt: skip


def speed_up(people: int) -> None:
    """One worker and two in turn, beside what two bare processes reach on this machine."""
    found: dict[int, list[float]] = {1: [], 2: []}
    alone: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(2):
        for workers in (1, 2):
            found[workers].append(fresh(__file__, "run", str(people), str(workers))["steady"])
            with ThreadPoolExecutor(workers) as pool:
                rows = list(pool.map(lambda _: fresh(__file__, "bare"), range(workers)))
            alone[workers].append(sum(row["each"] for row in rows) / workers**2)
    table, gains = [], {}
    for name, times in (("workers", found), ("bare processes", alone)):
        one, two = min(times[1]), min(times[2])
        gains[name] = one / two
        table.append([name, seconds(1e3 * one), seconds(1e3 * two), f"{one / two:.2f}"])
    show(f"1,000 of {people:,} people, once every process has had a chunk",
         ["", "one", "two", "speed-up"], table)  # fmt: skip
    met = against(gains["workers"], SPEED_UP, least=True)
    share = gains["workers"] / gains["bare processes"]
    print(f"near-linear: {met}; {share:.0%} of what the machine gives to two processes")


def bare() -> None:
    """In a process: seconds a person without Dask and store, after a first chunk."""
    from anagen.trials.run_chunk import PEOPLE, run_chunk

    run_chunk(protocol(), 0, 0, PEOPLE, threads=1)
    begin = time.perf_counter()
    for place in range(1, 1 + BARE_CHUNKS):
        run_chunk(protocol(), 0, place * PEOPLE, PEOPLE, threads=1)
    print(json.dumps({"each": (time.perf_counter() - begin) / BARE_CHUNKS / PEOPLE}))


def many_workers() -> None:
    """From what a chunk costs: the client and the scheduler serve all, a worker serves itself."""
    cost = fresh(__file__, "overheads")
    show(f"A chunk of {cost['people']} people", ["what", "time", "bytes"], [
        ["compute", seconds(cost["computed"]), ""],
        ["compute, the first in a process", seconds(cost["first"]), ""],
        ["write 40 arrays and the digest (worker)", seconds(cost["written"]), ""],
        ["check its digest when opened", seconds(cost["checked"]), ""],
        ["pack and unpack the task", seconds(cost["task_pickled"]), f"{cost['task_bytes']:,}"],
        ["scheduler and network, a task", seconds(cost["scheduled"]), ""],
        ["send results when disks differ", seconds(cost["answer_pickled"]),
         f"{cost['answer_bytes']:,}"],
        ["start a process", seconds(cost["opened"]), ""],
        ["load Anagen in it", seconds(cost["loaded"]), ""],
    ])  # fmt: skip
    rows = []
    for people in MANY_PEOPLE:
        chunks = -(-people // cost["people"])
        for workers in MANY_WORKERS:
            rounds = -(-chunks // workers)
            own = rounds * (cost["computed"] + cost["written"])
            begin = cost["opened"] + cost["loaded"] + cost["first"] - cost["computed"]
            served = chunks * (cost["scheduled"] + cost["task_pickled"])
            whole = begin + max(own, served)
            alone = chunks * (cost["computed"] + cost["written"])
            rows.append([f"{people:,}", f"{workers:,}", f"{rounds:,}", seconds(own),
                         seconds(served), seconds(whole),
                         f"{alone / whole / workers:.0%}"])  # fmt: skip
    show("Estimate, every worker with a core of its own and a common disk that keeps up",
         ["people", "workers", "chunks each", "worker", "scheduler", "all with start", "of ideal"],
         rows)  # fmt: skip


def main() -> None:
    sizes = tuple(int(word) for word in sys.argv[1:]) or SIZES
    scaling(sizes)
    speed_up(min(max(sizes), SPEED_PEOPLE))
    many_workers()


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(int(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["bare"]:
        bare()
    elif sys.argv[1:2] == ["overheads"]:
        overheads()
    else:
        main()
