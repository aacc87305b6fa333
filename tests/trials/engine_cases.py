"""Small trials for tests of the engine: patches of one size, so that little is laid out."""

from typing import Any

import numpy as np

from anagen.population.cohort import PatchPeople, new_patches
from anagen.trials.protocol import (
    Arm,
    Conduct,
    Eligibility,
    Endpoint,
    Protocol,
    Range,
    Rescue,
    Treatment,
    Visit,
)

ONE_SIZE = Eligibility(patch_diameter_mm=Range(low=26.0, high=30.0))


def treatment(strength: float = 5.0, sessions: int = 2, **more: Any) -> Treatment:
    return Treatment(strength_mg_per_mL=strength, interval_weeks=4, sessions=sessions, **more)


UNTREATED = treatment(0.0, 0, product="none")


def arm(key: str, given: Treatment, ratio: float = 1.0, rescue: Rescue | None = None) -> Arm:
    return Arm(key=key, name=key, treatment=given, ratio=ratio, rescue=rescue)


def trial(*arms: Arm, people: int = 20, weeks: int = 12, **more: Any) -> Protocol:
    numbers: dict[str, Any] = {
        "design": "parallel", "unit": "patient", "eligibility": ONE_SIZE, "conduct": Conduct(),
        "visits": tuple(Visit(week=week) for week in range(0, weeks + 1, 4)),
        "endpoints": (Endpoint(key="main", measure="regrowth", week=weeks, primary=True),),
        "follow_up_weeks": max(weeks - 4, 0), "seed": 11,
    }  # fmt: skip
    return Protocol(key="case", title="Case", question="?", source="assumed", people=people,
                    arms=arms, **{**numbers, **more})  # fmt: skip


def patches(count: int, seed: int = 1, diameters: tuple[float, ...] = (28.0,)) -> PatchPeople:
    rng = np.random.default_rng(seed)
    traits = {
        "immunity.half_effect": 0.1 * np.exp(0.6 * rng.normal(size=count)),
        "immunity.activation": 0.4 * np.exp(0.1 * rng.normal(size=count)),
        "depot.radius": 2.0 * np.exp(0.2 * rng.normal(size=count)),
    }
    return new_patches(traits, rng.choice(diameters, count), np.full(count, 60.0))


def some(people: PatchPeople, kept: Any) -> PatchPeople:
    names = ("diameter", "age", "regrown", "terminal", "thickness")
    return PatchPeople({key: values[kept] for key, values in people.traits.items()},
                       *(getattr(people, name)[kept] for name in names))  # fmt: skip
