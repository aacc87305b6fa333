"""Many simulated people of a trial, from whom trials of any size are drawn.

People are independent, so that a trial of n people is n of them drawn with replacement. What a pool
does not know of its own effect, as it is finite, belongs to every figure drawn from it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.population.posterior import Posterior
from anagen.population.settings import MOST_PEOPLE
from anagen.trials.endpoint_values import EndpointValues, Missing, endpoint_values, variables_of
from anagen.trials.protocol import Endpoint, Protocol
from anagen.trials.randomise import trial_size
from anagen.trials.run_chunk import run_chunk
from anagen.trials.run_plan import usual_chunk, with_people

if TYPE_CHECKING:
    import xarray as xr

Index = NDArray[np.int64]

USUAL_PEOPLE, USUAL_WITHIN, USUAL_GUIDED = 20_000, 5_000, 256
"""People of a pool: of an arm of ratio 1; in all where people are their own control; where each
needs forecasts of its own, which take a second or so."""


@dataclass(frozen=True, eq=False)
class Pool:
    """People to draw from.

    Parameters
    ----------
    values : of one endpoint, of all units.
    members : of each group from which people are drawn (an arm, or all people within), the units
        (person, unit) of everybody; people with a unit that the model lost are left out.
    ratios : people of each group in a trial of size 1.
    """

    values: EndpointValues
    members: tuple[Index, ...]
    ratios: tuple[float, ...]


def pool_of(
    protocol: Protocol, dataset: "xr.Dataset", endpoint: Endpoint, missing: Missing = "failure"
) -> Pool:
    """Make a pool of results.

    Parameters
    ----------
    protocol : of the trial; dataset : its results, all replicates together.
    endpoint : what is tested; missing : as in `anagen.trials.endpoint_values.endpoint_values`.

    Raises
    ------
    InputError
        When an arm has nobody.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> protocol = load_protocol_file("five-against-ten")
    >>> pool = pool_of(protocol, run_chunk(protocol), protocol.endpoints[0])
    >>> people_of(pool, protocol.people)  # in each arm of a trial as large as the protocol's own
    (46, 39)
    """
    small = dataset[list(variables_of(protocol, endpoint))]
    return _pool(protocol, [endpoint_values(protocol, small, endpoint, missing=missing)])


def simulate_pool(
    protocol: Protocol,
    endpoint: Endpoint,
    people: int | None = None,
    *,
    seed: int | None = None,
    missing: Missing = "failure",
    posterior: Posterior | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pool:
    """Simulate people of a trial in this process.

    Parameters
    ----------
    protocol : of the trial, sound.
    endpoint : what is tested.
    people : of an arm of ratio 1, within people in all; `usual_people` when None.
    seed : the protocol's own when None; posterior : the package's own when None.
    missing : as in `anagen.trials.endpoint_values.endpoint_values`.
    progress : called with people done and all.

    Raises
    ------
    InputError
        When there are too many people or too few, or the protocol cannot be run.
    """
    wanted = usual_people(protocol) if people is None else people
    if not 1 < wanted <= MOST_PEOPLE:
        raise InputError(Problem("people of the pool", f"from 2 to {MOST_PEOPLE}", f"{wanted}",
                                 "Name another number."))  # fmt: skip
    large = with_people(protocol, wanted)
    total, step = trial_size(large), usual_chunk(large)
    parts = []
    for first in range(0, total, step):
        dataset = run_chunk(large, 0, first, min(step, total - first), seed, posterior)
        parts.append(endpoint_values(large, dataset, endpoint, missing=missing))
        if progress is not None:
            progress(min(first + step, total), total)
    return _pool(large, parts)


def usual_people(protocol: Protocol) -> int:
    """How many people a pool has unless another number is named.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> usual_people(load_protocol_file("five-against-ten"))
    20000
    """
    if any(arm.treatment.guided for arm in protocol.arms):
        return USUAL_GUIDED
    return USUAL_WITHIN if protocol.design == "within" else USUAL_PEOPLE


def size_limit(pool: Pool) -> int:
    """Largest size of a trial that a pool can tell something of: its own."""
    return min(int(len(own) / ratio) for own, ratio in zip(pool.members, pool.ratios, strict=True))


def people_of(pool: Pool, size: int) -> tuple[int, ...]:
    """People of each group in a trial of a size, as the protocol's ``people`` is one."""
    return tuple(max(round(size * ratio), 0) for ratio in pool.ratios)


def draw_trials(pool: Pool, size: int, trials: int, random: np.random.Generator) -> EndpointValues:
    """Draw trials from a pool.

    Parameters
    ----------
    size : people in an arm of ratio 1, within people in all.
    trials : how many; random : where luck comes from.

    Returns
    -------
    EndpointValues
        Each trial as a replicate.
    """
    units, replicate, person, before = [], [], [], 0
    for own, people in zip(pool.members, people_of(pool, size), strict=True):
        chosen = own[random.integers(0, len(own), (trials, people))]
        width = own.shape[1]
        units.append(chosen.ravel())
        replicate.append(np.repeat(np.arange(trials), people * width))
        each = before + np.repeat(np.arange(people), width)
        person.append(np.tile(each, trials))
        before += people
    rows = np.concatenate(units)
    base = pool.values
    return replace(
        base,
        value=base.value[rows],
        event=base.event[rows],
        seen=base.seen[rows],
        failed=base.failed[rows],
        arm=base.arm[rows],
        replicate=np.concatenate(replicate),
        person=np.concatenate(person),
    )


def _pool(protocol: Protocol, parts: list[EndpointValues]) -> Pool:
    values = _together(parts)
    groups = _people(values) if values.paired else _arms(values)
    empty = [key for key, own in zip(values.arms, groups, strict=False) if not len(own)]
    if empty:
        raise InputError(
            Problem("results", "people in every arm", f"nobody in {', '.join(empty)}",
                    "Take results of more people.")
        )  # fmt: skip
    ratios = (1.0,) if values.paired else tuple(arm.ratio for arm in protocol.arms)
    return Pool(values, groups, ratios)


def _together(parts: Iterable[EndpointValues]) -> EndpointValues:
    parts = list(parts)
    names = ("value", "event", "seen", "failed", "arm", "replicate", "person")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in names
    }
    return replace(parts[0], **joined)


def _arms(values: EndpointValues) -> tuple[Index, ...]:
    return tuple(np.flatnonzero((values.arm == arm) & ~values.failed)[:, None]
                 for arm in range(len(values.arms)))  # fmt: skip


def _people(values: EndpointValues) -> tuple[Index, ...]:
    """All people with all of their units; who lacks one, or has one that was lost, is left out."""
    width = int(values.person.max(initial=0)) + 1
    number, person = np.unique(values.replicate * width + values.person, return_inverse=True)
    count = np.bincount(person, minlength=len(number))
    lost = np.bincount(person, values.failed, minlength=len(number)) > 0
    whole = (count == count.max(initial=1)) & ~lost
    order = np.argsort(person, kind="stable")
    kept = order[whole[person[order]]]
    return (kept.reshape(-1, int(count.max(initial=1))),)
