"""A whole course: import, compile, run, memory, and how cost grows with cells and months.

Two patches on the whole scalp, six sessions. Targets: the compiled loop 100 ms on two cores, and
less than 1 GB.
"""

import json
import sys
import tempfile
import time

import numpy as np
from _measure import (
    START,
    against,
    fresh,
    interleaved,
    loop_inputs,
    medians,
    peak_mb,
    seconds,
    show,
)

FRESH_RUNS = 3
CELL_MM = (4.0, 2.83, 2.0, 1.41)
MONTHS = (3, 6, 12, 24)
TARGET_RUN = 0.1
TARGET_MB = 1000.0


def first_course() -> None:
    """In a fresh process: what a user waits for, step by step."""
    begin = time.perf_counter()
    from _measure import two_patches

    from anagen.biology import Person, simulate
    from anagen.scalp import build_scalp

    imported = time.perf_counter()
    scalp = build_scalp()
    patches, sessions = two_patches(scalp)
    built = time.perf_counter()
    times = []
    for _ in range(2):
        start = time.perf_counter()
        simulate(scalp, patches, sessions, start=START, weeks=52, person=Person())
        times.append(time.perf_counter() - start)
    result = {"import": imported - begin, "scalp": built - imported, "first": times[0],
              "second": times[1], "compile": times[0] - times[1], "memory": peak_mb()}  # fmt: skip
    print(json.dumps(result))


def processes() -> None:
    cold, warm = [], []
    for _ in range(FRESH_RUNS):
        with tempfile.TemporaryDirectory() as folder:
            where = {"XDG_CACHE_HOME": folder}
            cold.append(fresh(__file__, "first", environment=where))
            warm.append(fresh(__file__, "first", environment=where))
    before, after = medians(cold), medians(warm)
    names = {"import": "import", "scalp": "scalp and case", "first": "first course",
             "second": "second course", "compile": "first less second (compile or load)",
             "wall": "whole process, two courses"}  # fmt: skip
    rows = [
        (text, seconds(before[key]), seconds(after[key]), f"{before[key] / after[key]:.2f}")
        for key, text in names.items()
    ]
    memory = max(row["memory"] for row in (*cold, *warm))
    rows.append(("peak memory", f"{before['memory']:.0f} MB", f"{after['memory']:.0f} MB",
                 against(memory, TARGET_MB, least=False)))  # fmt: skip
    show(
        "Fresh processes, 12 months, median of 3", ("", "empty cache", "kept cache", "ratio"), rows
    )


def line(sizes: np.ndarray, times: np.ndarray) -> tuple[float, float, float]:
    """Slope, intercept and R2 of the straight line through the times."""
    slope, intercept = np.polyfit(sizes, times, 1)
    residue = times - slope * sizes - intercept
    return slope, intercept, 1.0 - float((residue**2).sum() / ((times - times.mean()) ** 2).sum())


def growth(title: str, sizes: list[float], cases: dict) -> None:
    import jax

    from anagen.biology.engine import run

    calls = {
        name: (lambda case=case: jax.block_until_ready(run(*case))) for name, case in cases.items()
    }
    times = interleaved(calls)
    least = np.array([times[name][1] for name in cases])
    _, intercept, fit = line(np.array(sizes), least)
    rows = [
        (name, f"{size:g}", seconds(times[name][0]), seconds(times[name][1]),
         f"{1e6 * times[name][1] / size:.3g} us")
        for name, size in zip(cases, sizes, strict=True)
    ]  # fmt: skip
    show(f"{title}: R2 of a line {fit:.4f}, intercept {seconds(max(intercept, 0.0))}",
         ("case", "size", "median", "least", "each"), rows)  # fmt: skip


def main() -> None:
    import jax

    from anagen.biology import Person, simulate
    from anagen.biology.engine import run
    from anagen.scalp import build_scalp

    from _measure import two_patches  # isort: skip

    processes()
    typical = loop_inputs()
    scalp = build_scalp()
    patches, sessions = two_patches(scalp)

    def engine() -> None:
        jax.block_until_ready(run(*typical))

    def whole() -> None:
        simulate(scalp, patches, sessions, start=START, weeks=52, person=Person())

    times = interleaved({"engine": engine, "whole": whole}, 9)
    rows = [
        ("compiled loop", seconds(times["engine"][0]), seconds(times["engine"][1]),
         f"{times['engine'][1] / TARGET_RUN:.2f}"),
        ("simulate()", seconds(times["whole"][0]), seconds(times["whole"][1]), ""),
    ]  # fmt: skip
    show(f"{len(scalp.position)} cells, 12 months, 6 sessions, in one process",
         ("", "median", "least", "least / target of 100 ms"), rows)  # fmt: skip
    cells = {f"{pitch} mm": loop_inputs(cell_mm=pitch, weeks=26) for pitch in CELL_MM}
    growth("Cost against cells (6 months)", [case[1].index.size for case in cells.values()], cells)
    lengths = {f"{months} months": loop_inputs(weeks=round(months * 52 / 12)) for months in MONTHS}
    growth("Cost against weeks", [case[5].shape[0] for case in lengths.values()], lengths)


if __name__ == "__main__":
    if sys.argv[1:] == ["first"]:
        first_course()
    else:
        main()
