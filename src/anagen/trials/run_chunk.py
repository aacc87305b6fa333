"""Some people of a virtual trial from screening to the last visit, as one dataset.

A run of a trial is many such chunks. Nothing in a chunk depends on where it begins or ends: the
same people come out bit by bit however a trial is cut into chunks.
"""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.population.cohort import new_patches
from anagen.population.person import Outcome
from anagen.population.posterior import Posterior, load_posterior
from anagen.trials.arm_rules import (
    Course,
    Rules,
    gives_drug,
    rules_of,
    technique_of,
    techniques_of,
)
from anagen.trials.chunk_dataset import Followed, dataset_of
from anagen.trials.conduct import Held
from anagen.trials.draw import Drawn, counts_salt, draw_trial, enrolled_some
from anagen.trials.protocol import Protocol, is_untreated
from anagen.trials.quadrants import QUADRANTS
from anagen.trials.randomise import trial_size
from anagen.trials.stepped import Technique, follow_stepped, sites_of

if TYPE_CHECKING:
    import xarray as xr

Index = NDArray[np.int64]

PEOPLE = 8192
"""People in a chunk that are quick together: more cost memory, fewer leave groups half empty."""

_MOST_PEOPLE = 50_000  # about 1 GB for half a year; quadrants take four times as much
_PER_PERSON = 16  # numbers kept for the units of one person


def run_chunk(
    protocol: Protocol,
    replicate: int = 0,
    first: int = 0,
    count: int | None = None,
    seed: int | None = None,
    posterior: Posterior | None = None,
    *,
    isolated: bool = False,
    threads: int | None = None,
) -> "xr.Dataset":
    """Run some people of a trial.

    Parameters
    ----------
    protocol : of the trial; sound as `anagen.trials.lint.check_protocol` has it.
    replicate : in which people are counted from 0.
    first : place of the first person; count : how many people, all of one replicate when None.
        Beyond the last person of a replicate the next replicate begins, so that many small
        replicates go through together.
    seed : the protocol's own when None.
    posterior : the package's own when None.
    isolated : follow every quadrant as though its whole patch had its arm, the same people with the
        same luck; against the trial itself this shows what spills over between quadrants.
    threads : that compute at once; one a core when None.

    Returns
    -------
    xarray.Dataset
        One entry of ``unit`` for every patch (or quadrant) that was randomised; see
        `anagen.trials.chunk_dataset`. Units that the model cannot follow are flagged ``failed``.

    Raises
    ------
    InputError
        When the protocol asks for what the engine cannot do, hardly anyone is eligible, or a
        number cannot be meant.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> chunk = run_chunk(load_protocol_file("five-against-ten"), count=4)
    >>> chunk.sizes["unit"], chunk.sizes["visit"]
    (4, 4)
    """
    rules = rules_of(protocol)
    seed = protocol.seed if seed is None else seed
    count = trial_size(protocol) - first if count is None else count
    if count > _MOST_PEOPLE:
        raise InputError(Problem("count", f"up to {_MOST_PEOPLE} people in a chunk", str(count),
                                 f"Run chunks of about {PEOPLE}."))  # fmt: skip
    chosen = posterior or load_posterior()
    drawn = draw_trial(protocol, replicate, first, count, seed, chosen)
    if isolated and protocol.unit == "quadrant":
        drawn = _isolated(drawn)
    held = Held(protocol.conduct, seed)
    parts = [
        _follow(protocol, rules, held, _people(drawn, own), technique, chosen, threads)
        for technique, own in _techniques(protocol, drawn)
    ]
    return dataset_of(protocol, rules, held, parts, chosen)


def _techniques(protocol: Protocol, drawn: Drawn) -> list[tuple[Technique, Index]]:
    """People (person,) who are injected alike; those without the drug join the first of them."""
    used = techniques_of(protocol)
    kinds = used or [Technique()]
    if len(kinds) == 1:
        return [(kinds[0], np.arange(len(drawn.people.place)))]
    own = np.array([
        kinds.index(technique_of(arm)) if gives_drug(arm) else 0
        for arm in protocol.arms
    ])  # fmt: skip
    each = own[drawn.arm]
    return [(kind, np.flatnonzero(each == number)) for number, kind in enumerate(kinds)
            if (each == number).any()]  # fmt: skip


def _people(drawn: Drawn, own: Index) -> Drawn:
    """Take some people of a parallel trial, where a person is a unit."""
    if len(own) == len(drawn.people.place):
        return drawn
    number = np.full(len(drawn.people.place), -1)
    number[own] = np.arange(len(own))
    rows = np.flatnonzero(number[drawn.row_person] >= 0)
    place = np.full(len(drawn.row_person), -1)
    place[rows] = np.arange(len(rows))
    return replace(
        drawn,
        people=enrolled_some(drawn.people, own),
        stratum=drawn.stratum[own],
        row_person=number[drawn.row_person[rows]],
        rank=drawn.rank[rows],
        diameter=drawn.diameter[rows],
        age=drawn.age[rows],
        person=np.arange(len(own)),
        row=place[drawn.row[own]],
        part=drawn.part[own],
        arm=drawn.arm[own],
        row_units=number[drawn.row_units[rows]],
    )


def _isolated(drawn: Drawn) -> Drawn:
    """Give every quadrant a patch of its own, all of whose quadrants have its arm."""
    unit = np.arange(len(drawn.arm))
    columns = ("row_person", "rank", "diameter", "age")
    return replace(
        drawn,
        **{name: getattr(drawn, name)[drawn.row] for name in columns},
        row=unit,
        row_units=np.repeat(unit[:, None], QUADRANTS, axis=1),
    )


def _follow(
    protocol: Protocol,
    rules: Rules,
    held: Held,
    drawn: Drawn,
    technique: Technique,
    posterior: Posterior,
    threads: int | None,
) -> Followed:
    names = drawn.people.place[drawn.person] * _PER_PERSON + _within_person(drawn)
    course = Course(protocol, rules, held, drawn, names, posterior, threads or os.cpu_count() or 1)
    traits = {key: values[drawn.row_person] for key, values in drawn.people.traits.items()}
    treated = np.array([not is_untreated(arm.treatment) for arm in protocol.arms])
    outcome = follow_stepped(
        new_patches(traits, drawn.diameter, drawn.age),
        rules.strengths,
        course.row_plan(),
        rules.weeks,
        technique=technique,
        injected=np.any(treated[np.maximum(drawn.arm, 0)][drawn.row_units], axis=1),
        decisions=rules.checks,
        decide=course.decide,
        threads=threads,
    )
    regrown = course.regrown(outcome)
    course.leave(rules.weeks, regrown)
    sites = sites_of(drawn.diameter, technique, drawn.parts)
    if drawn.parts == 1:
        ruled = drawn.row_units[:, 0]
        sites = np.asarray(np.bincount(ruled, sites, minlength=len(drawn.arm)), float)
    else:
        sites = sites[drawn.row]
    units = Outcome(*(field[drawn.row, drawn.part] for field in outcome))
    return Followed(drawn, course, units, regrown, _bald(protocol, drawn, outcome), sites,
                    technique.volume)  # fmt: skip


def _within_person(drawn: Drawn) -> Index:
    """Count units (unit,) within their person, where they stand together."""
    begin = np.searchsorted(drawn.person, np.arange(len(drawn.people.place)))
    return np.asarray(np.arange(len(drawn.person)) - begin[drawn.person])


def _bald(protocol: Protocol, drawn: Drawn, outcome: Outcome) -> NDArray[np.float64] | None:
    """Bald share (unit, week) [1] of each person's scalp, where all patches were followed."""
    if not counts_salt(protocol):
        return None
    # A patch was laid out with a rounded diameter; its bald area is taken in parts of the first.
    area = np.asarray(outcome.bald_area[:, 0], np.float64)
    share = area / np.maximum(area[:, :1], np.finfo(np.float32).tiny)
    weight = drawn.diameter**2
    whole = np.bincount(drawn.row_person, weight)
    own = np.stack([np.bincount(drawn.row_person, weight * column) for column in share.T], axis=1)
    extent = drawn.people.covariates.extent
    return np.asarray((own / whole[:, None] * extent[:, None])[drawn.person])
