"""Small runs for tests: a trial of a few people in tiny chunks, stores as bytes."""

from pathlib import Path
from typing import Any

from trials.engine_cases import UNTREATED, arm, treatment, trial

from anagen.trials.protocol import Conduct, Protocol
from anagen.trials.run_plan import RunPlan, chunks_of, plan_run
from anagen.trials.store import DIGESTS, create_store, write_chunk


def small(people: int = 6, **more: Any) -> Protocol:
    conduct = Conduct(missed_visit=0.1, dropout_per_week=0.02)
    return trial(arm("treated", treatment(5.0, 2)), arm("natural", UNTREATED), people=people,
                 weeks=8, **{"conduct": conduct, **more})  # fmt: skip


def small_plan(replicates: int = 2, chunk_people: int = 5, seed: int = 3, **more: Any) -> RunPlan:
    """Plan of 24 people in chunks of 5: the last one is not full, and replicates are cut."""
    return plan_run(small(**more), replicates, seed, chunk_people)


def content(path: Path) -> dict[str, bytes]:
    """Every file of a store by its path."""
    return {str(file.relative_to(path)): file.read_bytes()
            for file in sorted(path.rglob("*")) if file.is_file()}  # fmt: skip


def kept(path: Path) -> set[int]:
    """Numbers of the chunks that are complete."""
    return {int(file.parent.name) for file in (path / DIGESTS / "c").glob("*/0")}


def by_hand(plan: RunPlan, path: Path, numbers: Any = None) -> None:
    """Write a store, or some of its chunks, without any cluster."""
    from anagen.trials.run_chunk import run_chunk

    create_store(plan, path, run_chunk(plan.protocol, 0, 0, 1, plan.seed))
    for chunk in chunks_of(plan):
        if numbers is None or chunk.number in numbers:
            found = run_chunk(plan.protocol, 0, chunk.first, chunk.count, plan.seed, threads=1)
            write_chunk(plan, path, chunk, found)
