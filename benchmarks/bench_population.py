"""Many people at once, against a person at a time in SciPy's LSODA and libRoadRunner.

Targets: 10,000 people for 12 months in 3 s on two cores and under 2 GB, time linear in people and
months, memory flat when streamed; 1,000 times LSODA and 100 times libRoadRunner on the same
equations at the same accuracy (0.1 %).
"""

import json
import sys
import time
from typing import Any

import numpy as np
from _measure import against, fresh, interleaved, peak_mb, seconds, show
from _person_ode import FIELDS, Patch, outcome, patch_of, sbml, solve_scipy

PEOPLE = 10_000
COUNTS = (1_000, 2_500, 5_000, 10_000, 20_000)
MONTHS = (3, 6, 12, 24)
STREAMED = (10_000, 100_000)
WEEKS = 52
SESSIONS = (0, 28, 56)
STRENGTH = 5.0
DIAMETER = 12.0  # few classes, which is kind to the others: ours always computes all 40
ACCURACY = 1e-3
TIGHT = 1e-7
TOLERANCES = (1e-3, 1e-4)
SUBSTEPS = (1, 2, 4, 8, 16, 32, 64)
TRAITS = ({"immunity.activation": 0.40}, {"immunity.activation": 0.44, "immunity.half_effect": 0.2})
TARGET_SECONDS, TARGET_MB = 3.0, 2000.0
TARGET_LSODA, TARGET_ROADRUNNER = 1000.0, 100.0
READ = ("cover", "hair_share", "thickness", "attack")


def people(count: int) -> Any:
    from anagen.population.cohort import new_patches

    rng = np.random.default_rng(0)
    typical = {
        "depot.radius": (2.0, 0.2),
        "immunity.half_effect": (0.1, 0.6),
        "immunity.activation": (0.4, 0.15),
        "immunity.tolerance_time": (210.0, 1.5),
        "immunity.rebuild_time": (35.0, 0.4),
        "follicle.maturing_time": (60.0, 0.2),
    }
    traits = {key: median * np.exp(spread * rng.normal(size=count))
              for key, (median, spread) in typical.items()}  # fmt: skip
    diameter = np.exp(rng.normal(np.log(30.0), 0.45, count))
    return new_patches(traits, diameter, np.full(count, 60.0))


def regimen() -> Any:
    from anagen.population.cohort import Regimen

    return Regimen(STRENGTH, 4.0, len(SESSIONS))


def first_cohort() -> None:
    """In a fresh process: the first and the second time, and memory."""
    from anagen.population.cohort import follow_people

    times = []
    for _ in range(3):
        begin = time.perf_counter()
        follow_people(people(PEOPLE), regimen())
        times.append(time.perf_counter() - begin)
    print(json.dumps({"first": times[0], "second": min(times[1:]), "memory": peak_mb()}))


def streamed(count: int) -> None:
    """In a fresh process: sums over many people, chunk by chunk."""
    from anagen.population.cohort import follow_chunks

    everybody, before = people(count), peak_mb()
    begin, total = time.perf_counter(), 0.0
    for _, part in follow_chunks(everybody, regimen()):
        total += float(np.nansum(part.cover[:, -1]))
    wall = time.perf_counter() - begin
    print(json.dumps({"memory": peak_mb(), "people": before, "time": wall, "mean": total / count}))


def line(sizes: tuple[int, ...], times: np.ndarray) -> float:
    """R2 of the straight line through the times."""
    slope, intercept = np.polyfit(sizes, times, 1)
    residue = times - slope * np.array(sizes) - intercept
    return 1.0 - float((residue**2).sum() / ((times - times.mean()) ** 2).sum())


def cohort() -> None:
    # Fresh processes first: a child's peak memory begins at that of its parent.
    run = fresh(__file__, "cohort")
    streams = {count: fresh(__file__, "streamed", str(count)) for count in STREAMED}

    from anagen.population.cohort import follow_people

    crowds = {str(count): people(count) for count in COUNTS}
    by_people = interleaved(
        {n: (lambda who=who: follow_people(who, regimen())) for n, who in crowds.items()}, 3
    )
    some, spans = people(2_000), {str(m): round(m * WEEKS / 12) for m in MONTHS}
    by_months = interleaved(
        {
            m: (lambda weeks=weeks: follow_people(some, regimen(), weeks))
            for m, weeks in spans.items()
        },
        3,
    )
    best = min(by_people[str(PEOPLE)][1], run["second"])
    rows = [
        (f"{PEOPLE:,} people, 12 months", seconds(best), f"{TARGET_SECONDS:g} s",
         against(best, TARGET_SECONDS, least=False)),
        ("the same, first time in a process (compile or load)", seconds(run["first"]), "", ""),
        ("peak memory of that process", f"{run['memory']:.0f} MB", f"{TARGET_MB:.0f} MB",
         against(run["memory"], TARGET_MB, least=False)),
    ]  # fmt: skip
    for count, row in streams.items():
        rows.append((f"streamed: {count:,} people, peak memory (before the first chunk)",
                     f"{row['memory']:.0f} ({row['people']:.0f}) MB", "flat", ""))  # fmt: skip
    for name, sizes, times in (("people", COUNTS, by_people), ("months", MONTHS, by_months)):
        least = np.array([times[str(size)][1] for size in sizes])
        text = ", ".join(f"{size:,}: {seconds(t)}" for size, t in zip(sizes, least, strict=True))
        rows.append((f"time against {name}: {text}", f"R2 {line(sizes, least):.4f}", "linear", ""))
    show("Many people", ("", "measured", "target", ""), rows)


def error(found: dict, exact: dict) -> float:
    """Greatest difference of any read-out at any week, all being shares of one."""
    return max(float(np.abs(found[name] - exact[name]).max()) for name in READ)


def ours(traits: dict, substeps: int, weeks: int) -> dict[str, np.ndarray]:
    """Read-outs of the fast person, single precision as in use."""
    import jax
    import jax.numpy as jnp

    from anagen.evidence.parameters import load_parameters
    from anagen.population import person as fast
    from anagen.population.cohort import summed
    from anagen.population.layout import build_layout

    body = fast.with_traits(
        fast.typical_body(load_parameters()), {k: jnp.asarray(v) for k, v in traits.items()}
    )
    classes = fast.classes_of(build_layout(DIAMETER, 10.0))
    product = fast.product_of("ta10")
    profile = fast.release_profile(body, product, STRENGTH, 0.1, weeks * 7, substeps)
    full = fast.concentrations(body, classes, product, 0.1, 3.0)
    state = fast.starting(body, classes, fast.Start(*map(jnp.asarray, (0.0, 0.0, 1.0, 0.0))))
    run = jax.jit(fast.follow, static_argnums=5)
    share = summed(profile, substeps * jnp.asarray(SESSIONS))
    result, _ = run(body, classes, state, share, full, substeps)
    return {name: np.asarray(getattr(result, name)) for name in READ}


def our_time(substeps: int, weeks: int) -> float:
    """Seconds a person with this many steps a day, many people at once on all cores."""
    import os
    from concurrent.futures import ThreadPoolExecutor

    import jax
    import jax.numpy as jnp

    from anagen.evidence.parameters import load_parameters
    from anagen.population import person as fast
    from anagen.population.cohort import summed
    from anagen.population.layout import build_layout

    chunk, chunks = 256, 4
    body = fast.typical_body(load_parameters())
    classes = fast.classes_of(build_layout(DIAMETER, 10.0))
    product = fast.product_of("ta10")

    @jax.jit
    @jax.vmap
    def run(traits: dict[str, jax.Array]) -> jax.Array:
        one = fast.with_traits(body, traits)
        profile = fast.release_profile(one, product, STRENGTH, 0.1, weeks * 7, substeps)
        full = fast.concentrations(one, classes, product, 0.1, 3.0)
        state = fast.starting(one, classes, fast.Start(*map(jnp.asarray, (0.0, 0.0, 1.0, 0.0))))
        share = summed(profile, substeps * jnp.asarray(SESSIONS))
        return fast.follow(one, classes, state, share, full, substeps)[0]

    # People who differ in everything that people differ in: what they share is computed once.
    given = {key: jnp.asarray(values) for key, values in people(chunk).traits.items()}
    jax.block_until_ready(run(given))
    least = np.inf
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in range(3):
            begin = time.perf_counter()
            list(pool.map(lambda _: jax.block_until_ready(run(given)), range(chunks)))
            least = min(least, time.perf_counter() - begin)
    return least / (chunk * chunks)


def lsoda(patches: list[Patch], exact: list[dict], weeks: int) -> tuple[float, float, float]:
    """Seconds a person, error and tolerance of the quickest LSODA that is accurate enough."""
    found = []
    for rtol in TOLERANCES:
        begin = time.perf_counter()
        read = [outcome(patch, solve_scipy(patch, weeks, rtol)) for patch in patches]
        spent = (time.perf_counter() - begin) / len(patches)
        worst = max(map(error, read, exact))
        if worst < ACCURACY:
            found.append((spent, worst, rtol))
    return min(found)


def roadrunner(
    patches: list[Patch], exact: list[dict], weeks: int
) -> tuple[float, float, float, float]:
    """Seconds a person, error, tolerance, and seconds to load the model once (not counted).

    CVODE's Adams method, which is seven times quicker here than its stiff one.
    """
    from roadrunner import Config, RoadRunner

    Config.setValue(Config.LLJIT_OPTIMIZATION_LEVEL, Config.LESS)  # loads in half the time
    begin = time.perf_counter()
    model = RoadRunner(sbml(patches[0]))
    loading = time.perf_counter() - begin
    count = patches[0].classes
    model.timeCourseSelections = [f"{field}_{index}" for field in FIELDS for index in range(count)]
    found = []
    for rtol in TOLERANCES:
        spent, worst = 0.0, 0.0
        for patch, right in zip(patches, exact, strict=True):
            model.resetAll()
            for name, value in patch.number.items():
                model.setValue(f"p_{name}", value)
            settings = {
                "stiff": False,
                "relative_tolerance": rtol,
                "absolute_tolerance": 1e-2 * rtol,
                "maximum_num_steps": 1_000_000,
            }
            for name, value in settings.items():
                model.integrator.setValue(name, value)
            begin = time.perf_counter()
            states = np.asarray(model.simulate(0, 7 * weeks, weeks + 1))
            spent += time.perf_counter() - begin
            worst = max(worst, error(outcome(patch, states), right))
        if worst < ACCURACY:
            found.append((spent / len(patches), worst, rtol))
    return (*min(found), loading)


def solvers(weeks: int = WEEKS, trial: float | None = None) -> None:
    """One person by ours and by others; ``trial`` [s] is what a person costs in a whole trial."""
    patches = [patch_of(traits, DIAMETER, STRENGTH, SESSIONS) for traits in TRAITS]
    exact = [outcome(patch, solve_scipy(patch, weeks, TIGHT)) for patch in patches]
    errors = {}
    for substeps in SUBSTEPS:
        errors[substeps] = max(
            error(ours(t, substeps, weeks), e) for t, e in zip(TRAITS, exact, strict=True)
        )
        if errors[substeps] < ACCURACY:
            break
    spent = {substeps: our_time(substeps, weeks) for substeps in {1, max(errors)}}
    slow, slow_error, rtol = lsoda(patches, exact, weeks)
    rows = [(f"LSODA (odeint), rtol {rtol:g}", seconds(slow), f"{slow_error:.2%}", "", "")]
    others = [("LSODA", slow, TARGET_LSODA)]
    try:
        quick, quick_error, rtol, loading = roadrunner(patches, exact, weeks)
    except ImportError:
        rows.append(("libRoadRunner", "not installed", "", "", ""))
    else:
        rows.append((f"libRoadRunner, rtol {rtol:g}; {seconds(loading)} to load",
                     seconds(quick), f"{quick_error:.2%}", "", ""))  # fmt: skip
        others.append(("libRoadRunner", quick, TARGET_ROADRUNNER))

    def compared(name: str, each: float, wrong: float) -> tuple[str, ...]:
        ratios = [
            f"{other} {spent_there / each:,.0f}"
            f" ({against(spent_there / each, target, least=True)}, {target:g})"
            for other, spent_there, target in others
        ]
        return (name, f"{1e6 * each:.0f} us", f"{wrong:.2%}", *ratios, *[""] * (2 - len(ratios)))

    rows += [compared(f"ours, {n} a day", each, errors[n]) for n, each in sorted(spent.items())]
    if trial is not None:
        rows.append(compared("a whole trial, a person, 1 a day", trial, errors[1]))
    text = ", ".join(f"{n} a day {e:.2%}" for n, e in errors.items())
    title = (
        f"One person, {weeks} weeks, {patches[0].classes} classes of {len(FIELDS)} fields. "
        f"Greatest error of a share at any week against LSODA at {TIGHT:g}: {text}"
    )
    show(title, ("", "a person", "error", "times quicker than", "and than"), rows)


def main() -> None:
    cohort()
    solvers()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cohort"]:
            first_cohort()
        case ["streamed", count]:
            streamed(int(count))
        case ["solvers"]:
            solvers()
        case _:
            main()
