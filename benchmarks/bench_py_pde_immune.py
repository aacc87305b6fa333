"""The immune field against py-pde: per step, from cold start to the first answer, and the answer.

The same grid, rates, start and step of one day. Targets: 3 times a step, 20 times from a cold
start, and the same answer to 1 %.
"""

import json
import sys
import tempfile

from _immune import DAYS, Ours, Theirs, summary
from _measure import against, fresh, interleaved, medians, seconds, show

FRESH_RUNS = 3
FINE = 0.05  # day, of the reference
KINDS = {"ours": Ours, "py-pde": Theirs}


def cold() -> None:
    """Fresh processes: ours with an empty and with a kept cache, and py-pde, which keeps none."""
    runs: dict[str, list[dict]] = {"ours, empty cache": [], "ours, kept cache": [], "py-pde": []}
    for _ in range(FRESH_RUNS):
        with tempfile.TemporaryDirectory() as folder:
            where = {"XDG_CACHE_HOME": folder}
            for name, row in runs.items():
                kind = name.split(",")[0]
                row.append(fresh(__file__, kind, environment=where))
    walls = {name: medians(rows)["wall"] for name, rows in runs.items()}
    rows = []
    for name, wall in walls.items():
        ratio = walls["py-pde"] / wall
        verdict = "" if name == "py-pde" else against(ratio, 20.0, least=True)
        rows.append((name, seconds(wall), f"{ratio:.1f}", verdict))
    show(f"Cold start to the first answer ({DAYS} days), whole process, median of 3",
         ("", "wall", "py-pde / this", "target 20"), rows)  # fmt: skip


def steps() -> None:
    ours, theirs = Ours(), Theirs()
    times = interleaved({"ours": ours.run, "py-pde": theirs.run}, 15)
    ratio = times["py-pde"][0] / times["ours"][0]
    least = times["py-pde"][1] / times["ours"][1]
    rows = [
        (name, f"{1e6 * middle / DAYS:.0f} us", f"{1e6 * lowest / DAYS:.0f} us")
        for name, (middle, lowest) in times.items()
    ]
    rows.append(("ratio", f"{ratio:.1f}", f"{least:.1f}"))
    rows.append(("target 3", against(ratio, 3.0, least=True), against(least, 3.0, least=True)))
    show("Per step of one day (140 x 140 cells)", ("", "median", "least"), rows)


def answers() -> None:
    runs = {
        "ours, 1 day": Ours(),
        "py-pde, 1 day": Theirs(),
        f"ours, {FINE} day": Ours(FINE),
        f"py-pde, {FINE} day (reference)": Theirs(FINE),
    }
    results = {name: summary(case.run()) for name, case in runs.items()}
    names = list(results)
    same, reference = results["py-pde, 1 day"], results[names[-1]]
    rows = []
    for name, (mean, front) in results.items():
        rows.append((
            name, f"{mean:.6f}", f"{front:.3f}",
            f"{100 * (mean / same[0] - 1):+.3f} %", f"{100 * (front / same[1] - 1):+.3f} %",
            f"{100 * (mean / reference[0] - 1):+.3f} %",
            f"{100 * (front / reference[1] - 1):+.3f} %",
        ))  # fmt: skip
    show(f"Answer after {DAYS} days", ("", "mean attack", "front mm", "mean/py-pde", "front/py-pde",
         "mean/ref", "front/ref"), rows)  # fmt: skip


def main() -> None:
    cold()
    steps()
    answers()


if __name__ == "__main__":
    if sys.argv[1:]:
        mean, front = summary(KINDS[sys.argv[1]]().run())
        print(json.dumps({"mean": mean, "front": front}))
    else:
        main()
