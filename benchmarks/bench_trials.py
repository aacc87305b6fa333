"""A two-arm trial of 200 people replicated 500 times: 26 weeks, three sessions.

Targets: 60 s on two cores, under 3 GB; a person 100 times quicker than in libRoadRunner and 1,000
times than in SciPy's LSODA on the same equations, as accurate to 0.1 %. Time per 1,000 people and
memory are also shown for chunks of several sizes, and with decisions, missed visits and drop-out.
``bench_trials.py 50`` runs 50 replicates and says what 500 would take.
"""

import json
import os
import sys
import time

from _measure import against, fresh, peak_mb, seconds, show
from bench_population import solvers

REPLICATES, PEOPLE, WEEKS = 500, 200, 26
TARGET_SECONDS, TARGET_MB = 60.0, 3000.0
CHUNKS = (2048, 8192, 16384)


def protocol(rules: bool = False) -> object:
    from anagen.trials.protocol import Arm, Conduct, Endpoint, Protocol, Step, Treatment, Visit

    steps = (Step(week=8, if_regrowth_below=0.25, strength_mg_per_mL=10),) if rules else ()
    conduct = Conduct(missed_visit=0.1, dropout_per_week=0.01, dropout_if_poor=3.0)
    return Protocol(
        key="bench", title="Bench", question="How long?", source="assumed", design="parallel",
        unit="patient", people=PEOPLE // 2, follow_up_weeks=18,
        arms=tuple(
            Arm(key=f"ta{mg}", name=f"{mg} mg/mL",
                treatment=Treatment(strength_mg_per_mL=mg, interval_weeks=4, sessions=3,
                                    steps=steps if mg < 10 else ()))
            for mg in (5, 10)
        ),
        visits=tuple(Visit(week=week) for week in (0, 4, 8, 12, WEEKS)),
        endpoints=(
            Endpoint(key="half", measure="regrowth", threshold=0.5, week=WEEKS, primary=True),
        ),
        conduct=conduct if rules else Conduct(),
    )  # fmt: skip


def run(replicates: int, chunk: int, rules: bool) -> None:
    """In a fresh process: all people in chunks, the first one (layouts, compilation) apart."""
    begin = time.perf_counter()
    from anagen.trials.run_chunk import run_chunk

    design = protocol(rules)
    total, kept, first = replicates * PEOPLE, 0, 0.0
    for place in range(0, total, chunk):
        found = run_chunk(design, 0, place, min(chunk, total - place))
        kept += int(found.sizes["unit"])
        first = first or time.perf_counter() - begin
    wall = time.perf_counter() - begin
    print(json.dumps({"all": wall, "first": first, "memory": peak_mb(), "units": kept}))


def main() -> None:
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATES
    rows, least = [], None
    for rules in (False, True):
        for chunk in CHUNKS if not rules else CHUNKS[1:2]:
            before = os.getloadavg()[0]
            row = fresh(__file__, "run", str(replicates), str(chunk), str(int(rules)))
            chunked = min(chunk, replicates * PEOPLE)
            rest = max(row["units"] - chunked, 1)
            each = (row["all"] - row["first"]) / rest if rest > 1 else row["all"] / row["units"]
            whole = row["first"] + each * (REPLICATES * PEOPLE - chunked)
            if not rules:
                least = min(filter(None, (least, (whole, row["memory"]))))
            rows.append([
                f"{chunk} a chunk{', with rules' if rules else ''}", seconds(row["all"]),
                seconds(row["first"]), seconds(1e3 * each), seconds(whole),
                f"{row['memory']:.0f} MB", f"{before:.1f}",
            ])  # fmt: skip
    show(f"Trial of {PEOPLE} people, {replicates} of {REPLICATES} replicates run",
         ["", "all", "first chunk", "1,000 people more", f"{REPLICATES} replicates", "memory",
          "load before"], rows)  # fmt: skip
    assert least is not None
    print(f"60 s: {against(least[0], TARGET_SECONDS, least=False)}; "
          f"3 GB: {against(least[1], TARGET_MB, least=False)}")  # fmt: skip
    solvers(WEEKS, least[0] / (REPLICATES * PEOPLE))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "run":
        run(int(sys.argv[2]), int(sys.argv[3]), bool(int(sys.argv[4])))
    else:
        main()
