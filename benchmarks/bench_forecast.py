"""The forecast of one patient: from record to intervals, a changed plan, candidates, cold start.

Targets: 6 visits and 3 patches in 2 s once compiled, a changed plan in 300 ms, 200 candidates in
10 s. How possible people are found is measured against the ways not taken: plain weighing of people
from the population, and the gradient of one course, of which a Markov chain needs many thousands.
"""

import json
import sys
import time
from typing import Any

from _measure import fresh, interleaved, peak_mb, seconds, show

SEED = 4  # a virtual patient with three patches
VISITS = 5  # follow-ups, beside the first look
WEEKS = 52
DRAWS, LEAPS = 1_000, 30  # of a chain of NUTS, and gradients that each draw takes
PLAIN = 16_384  # people of plain weighing
TARGETS = {"record to intervals": 2.0, "changed plan": 0.3, "candidates": 10.0}


def virtual() -> Any:
    """Virtual patient of three patches, treated monthly for three months."""
    from anagen.forecast.virtual import virtual_patient

    return virtual_patient(SEED)


def go_on(case: Any, plan: Any) -> Any:
    """The same plan, begun anew after the latest visit."""
    from anagen.treatment import shift

    return shift(plan, (case.origin - plan.sessions[0].date).days)


def answer(person: Any) -> Any:
    """From record to intervals; the readings are those of the virtual patient."""
    from anagen.forecast.predict import forecast_from
    from anagen.forecast.update import update

    case = person.seen_by(VISITS)
    return forecast_from(update(case), {"plan": go_on(case, person.plan)}, weeks=WEEKS)


def warm() -> None:
    from anagen.forecast.candidates import candidate_plans
    from anagen.forecast.compare import futures
    from anagen.forecast.predict import change_plan
    from anagen.treatment import change_session

    person = virtual()
    first = answer(person)
    learnt = first.outlook.people.learnt
    other = change_session(go_on(learnt.case, person.plan), 1, strength_mg_per_mL=10.0)
    plans = candidate_plans(person.patient)
    calls = {
        "record to intervals": lambda: answer(person),
        "changed plan": lambda: change_plan(first, "plan", other),
        "candidates": lambda: futures(learnt, candidate_plans(person.patient)),
    }
    times = interleaved(calls, repeats=3)
    rows = [[f"{name} ({len(plans)})" if name == "candidates" else name, seconds(median),
             seconds(least), seconds(TARGETS[name]), "met" if median <= TARGETS[name] else "MISSED"]
            for name, (median, least) in times.items()]  # fmt: skip
    case = learnt.case
    days = {one.day for one in case.observations}
    title = (f"One patient: {len(days) + 1} visits, {len(case.patches)} patches, "
             f"{len(case.observations)} readings, {WEEKS} weeks ahead")  # fmt: skip
    show(title, ["", "median", "least", "target", ""], rows)
    print(f"effective people {learnt.effective:.0f} of {len(learnt.x)} in {learnt.rounds} rounds; "
          f"peak memory {peak_mb():.0f} MB")  # fmt: skip


def ways() -> None:
    """How many effective people a second each way finds."""
    from anagen.forecast import update as room

    rows = []
    for visits in (1, 2, VISITS):
        case = virtual().seen_by(visits)
        for name, rounds in (("plain", 1), ("adaptive", room.ROUNDS)):
            kept = room._FIRST
            room._FIRST = PLAIN if rounds == 1 else kept
            begin = time.perf_counter()
            learnt = room.update(case, rounds=rounds)
            took = time.perf_counter() - begin
            room._FIRST = kept
            rows.append([f"{visits} follow-ups, {name}", f"{len(learnt.x):,}", seconds(took),
                         f"{learnt.effective:.0f}", f"{learnt.effective / took:.0f}"])  # fmt: skip
    show("Ways to find people who fit", ["", "people", "time", "effective", "a second"], rows)
    gradient = one_gradient()
    minutes = DRAWS * LEAPS * 3 * gradient / 60.0
    print(f"one gradient of half a year of one patch: {seconds(gradient)}; a chain of {DRAWS:,} "
          f"draws of {LEAPS} gradients over three patches: about {minutes:.0f} min")  # fmt: skip


def one_gradient() -> float:
    """Time of the gradient of one course, compiled."""
    import jax
    import jax.numpy as jnp

    from anagen.evidence.parameters import load_parameters
    from anagen.population.cohort import person_outcome
    from anagen.population.layout import build_layout
    from anagen.population.person import (
        Start,
        classes_of,
        product_of,
        typical_body,
        with_traits,
    )

    body = typical_body(load_parameters())
    classes, product = classes_of(build_layout(28.3)), product_of("ta10")
    start = Start(*(jnp.asarray(value) for value in (0.0, 0.0, 1.0, 60.0)))

    def last(log_half: Any) -> Any:
        person = with_traits(body, {"immunity.half_effect": jnp.exp(log_half)})
        found = person_outcome(person, classes, start, product, (5.0, 0.1, 3.0),
                               jnp.asarray([0, 28, 56]), 26)  # fmt: skip
        return found.cover[-1]

    slope = jax.jit(jax.grad(last))
    times = interleaved({"gradient": lambda: jax.block_until_ready(slope(jnp.log(0.1)))})
    return times["gradient"][0]


def cold() -> None:
    """A first forecast in a fresh process, with an empty and a kept cache of compiled code."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        runs = [fresh(__file__, "--once", environment={"XDG_CACHE_HOME": folder}) for _ in range(2)]
    rows = [[name, seconds(run["import"]), seconds(run["first"]), seconds(run["wall"])]
            for name, run in zip(("empty cache", "kept cache"), runs, strict=True)]  # fmt: skip
    show("Cold start", ["", "import", "first forecast", "whole process"], rows)


def once() -> None:
    begin = time.perf_counter()
    from anagen.forecast.predict import forecast_patient
    from anagen.forecast.virtual import virtual_patient

    imported = time.perf_counter()
    record = virtual_patient(SEED).patient
    made = time.perf_counter()
    forecast_patient(record.model_copy(update={"visits": record.visits[:1]}), weeks=WEEKS)
    print(json.dumps({"import": imported - begin, "first": time.perf_counter() - made}))


if __name__ == "__main__":
    if "--once" in sys.argv:
        once()
    else:
        warm()
        ways()
        cold()
