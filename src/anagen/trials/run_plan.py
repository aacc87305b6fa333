"""What a run of a virtual trial computes, cut into chunks of people.

The cut hangs on the protocol alone, never on how many compute, so that a run may be stopped and
taken up again on any number of workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from anagen._version import __version__
from anagen.errors import InputError, Problem
from anagen.evidence.parameters import load_parameters
from anagen.population.posterior import load_posterior
from anagen.population.settings import MOST_PEOPLE
from anagen.trials.lint import check_protocol, problems_of
from anagen.trials.protocol import Protocol, fingerprint
from anagen.trials.protocol_file import read_protocol_file
from anagen.trials.quadrants import QUADRANTS
from anagen.trials.randomise import arm_order, trial_size
from anagen.trials.run_chunk import PEOPLE

GUIDED_PEOPLE = 64
"""People in a chunk when a forecast is made for each of them at every visit: a minute or so."""

_MOST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Chunk:
    """Some people who are computed and kept together.

    Parameters
    ----------
    number : from 0.
    first : place of the first person in all replicates together; count : how many.
    """

    number: int
    first: int
    count: int


@dataclass(frozen=True)
class RunPlan:
    """A run of a trial; two equal plans have the same results bit by bit.

    Parameters
    ----------
    protocol : of the trial, sound.
    replicates : how often the whole trial is held.
    seed : of the random numbers.
    chunk_people : people who are computed together.
    anagen_version, parameter_set, posterior : of what computes.

    Examples
    --------
    >>> plan = read_plan("five-against-ten", replicates=100)
    >>> plan.people, len(chunks_of(plan))
    (8500, 2)
    """

    protocol: Protocol
    replicates: int
    seed: int
    chunk_people: int
    anagen_version: str = __version__
    parameter_set: str = field(default_factory=lambda: load_parameters().version)
    posterior: str = field(default_factory=lambda: str(load_posterior().about["version"]))

    @property
    def people(self) -> int:
        """People of all replicates together."""
        return trial_size(self.protocol) * self.replicates

    @property
    def units(self) -> int:
        """Patches, quadrants or persons that are randomised in all replicates together."""
        return self.people * units_per_person(self.protocol)


def read_plan(
    path_or_key: str,
    *,
    people: int | None = None,
    replicates: int = 1,
    seed: int | None = None,
) -> RunPlan:
    """Plan a run of a protocol file.

    Parameters
    ----------
    path_or_key : a ``.toml`` file, or the key of a protocol that the package carries.
    people : instead of the protocol's own number.
    replicates : how often the whole trial is held.
    seed : instead of the protocol's own.

    Raises
    ------
    InputError
        Everything that is wrong with the protocol, by file and line, and with the numbers.
    """
    file = read_protocol_file(path_or_key)
    protocol = file.protocol if people is None else with_people(file.protocol, people)
    problems = problems_of(check_protocol(protocol, name=file.name, lines=file.lines))
    if problems:
        raise InputError(problems)
    return _checked(protocol, replicates, seed, None)


def plan_run(
    protocol: Protocol,
    replicates: int = 1,
    seed: int | None = None,
    chunk_people: int | None = None,
) -> RunPlan:
    """Plan a run of a protocol at hand.

    Parameters
    ----------
    protocol : of the trial.
    replicates : how often the whole trial is held.
    seed : the protocol's own when None.
    chunk_people : people computed together; those of `usual_chunk` when None. Results of another
        cut are the same, but are not kept in one store.

    Raises
    ------
    InputError
        When the protocol contradicts itself or a number cannot be meant.
    """
    problems = problems_of(check_protocol(protocol))
    if problems:
        raise InputError(problems)
    return _checked(protocol, replicates, seed, chunk_people)


def with_people(protocol: Protocol, people: int) -> Protocol:
    """Give a protocol another number of people: in an arm of ratio 1, within people in all.

    Raises
    ------
    InputError
        When it cannot be the number of people of a trial.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> with_people(load_protocol_file("quadrant-strengths"), 12).people
    12
    """
    try:
        return Protocol.model_validate({**protocol.model_dump(), "people": people})
    except ValidationError:
        raise InputError(
            Problem("people", f"a whole number from 1 to {MOST_PEOPLE}", str(people)[:40],
                    "Correct it.")
        ) from None  # fmt: skip


@lru_cache(maxsize=64)
def usual_chunk(protocol: Protocol) -> int:
    """People who are quick together; fewer where each has many units or a forecast of its own.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> usual_chunk(load_protocol_file("five-against-ten")) == PEOPLE
    True
    """
    if any(arm.treatment.guided for arm in protocol.arms):
        return GUIDED_PEOPLE
    return max(PEOPLE // units_per_person(protocol), 1)


@lru_cache(maxsize=64)
def units_per_person(protocol: Protocol) -> int:
    """How many patches or quadrants of a person are randomised; 1 in parallel.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> units_per_person(load_protocol_file("quadrant-strengths"))
    4
    """
    if protocol.design == "parallel":
        return 1
    return QUADRANTS if protocol.unit == "quadrant" else len(arm_order(protocol))


def chunks_of(plan: RunPlan) -> tuple[Chunk, ...]:
    """Cut a run into chunks; the last one has the people who are left."""
    size, people = plan.chunk_people, plan.people
    return tuple(
        Chunk(number, first, min(size, people - first))
        for number, first in enumerate(range(0, people, size))
    )


def units_of(plan: RunPlan, chunk: Chunk) -> slice:
    """Where the units of a chunk stand among all units of the run."""
    each = units_per_person(plan.protocol)
    return slice(chunk.first * each, (chunk.first + chunk.count) * each)


def identity(plan: RunPlan) -> dict[str, Any]:
    """List what tells the results of one plan from those of another, as plain data."""
    return {
        "fingerprint": fingerprint(plan.protocol),
        "seed": str(plan.seed),
        "replicates": plan.replicates,
        "people_per_replicate": trial_size(plan.protocol),
        "units_per_person": units_per_person(plan.protocol),
        "chunk_people": plan.chunk_people,
        "anagen_version": plan.anagen_version,
        "parameter_set": plan.parameter_set,
        "posterior": plan.posterior,
    }


def describe_chunk(plan: RunPlan, chunk: Chunk) -> str:
    """Who is in a chunk, in words; people and replicates are counted from 0 as in the results.

    Examples
    --------
    >>> plan = read_plan("five-against-ten", replicates=100)
    >>> describe_chunk(plan, chunks_of(plan)[1])
    'chunk 1: 308 people, from person 32 of replicate 96 to person 84 of replicate 99'
    """
    size = trial_size(plan.protocol)
    last = chunk.first + chunk.count - 1
    return (
        f"chunk {chunk.number}: {chunk.count} people, from person {chunk.first % size} of "
        f"replicate {chunk.first // size} to person {last % size} of replicate {last // size}"
    )


def _checked(
    protocol: Protocol, replicates: int, seed: int | None, chunk_people: int | None
) -> RunPlan:
    seed = protocol.seed if seed is None else seed
    chunk = usual_chunk(protocol) if chunk_people is None else chunk_people
    problems = [
        *_whole("replicates", replicates, 1, MOST_PEOPLE),
        *_whole("seed", seed, 0, _MOST_SEED),
        *_whole("chunk_people", chunk, 1, PEOPLE),
    ]
    people = trial_size(protocol) * replicates
    if not problems and people > MOST_PEOPLE:
        problems.append(
            Problem("people", f"up to {MOST_PEOPLE} in all replicates together", str(people),
                    "Ask for fewer people or replicates.")
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    return RunPlan(protocol, replicates, seed, min(chunk, people))


def _whole(name: str, value: object, least: int, most: int) -> Sequence[Problem]:
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    wanted = f"a whole number from {least} to {most}"
    return () if fits else (Problem(name, wanted, repr(value)[:40], "Correct it."),)
