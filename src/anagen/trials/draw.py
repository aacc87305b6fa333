"""The people of a virtual trial: screened in order, the eligible ones enrolled and randomised.

Everything about a person is a function of protocol, seed and place in the trial, so that people are
the same in whatever chunk and by whichever worker they are drawn. Candidates come in lists of 1,024
places; the first eligible candidate of a list takes its first place, and so on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anagen.errors import InputError, Problem
from anagen.population.covariates import COVARIATES, Covariates, draw_covariates, select
from anagen.population.patch_sizes import Patches, draw_patches
from anagen.population.posterior import Posterior, load_posterior
from anagen.population.settings import Setting, setting_limits
from anagen.population.streams import stream_key, uniforms
from anagen.population.variability import load_traits
from anagen.population.virtual import traits_of
from anagen.trials.protocol import Eligibility, Protocol, Range
from anagen.trials.quadrants import QUADRANTS, least_diameter
from anagen.trials.randomise import STRATA_LIST, allocate, arm_order, strata, trial_size

Array = NDArray[np.float64]
Index = NDArray[np.int64]

NO_ARM = -1
"""Arm of a quadrant that no arm needs."""

_WITHIN = 32  # purpose of random numbers; population uses 1 to 4, randomisation 31
_TRAITS = 4  # purpose by which `traits_of` chooses a person's draw of the posterior
_LIST = 1024  # places for which candidates are screened in order
_CANDIDATES = 1 << 32  # numbers kept for the candidates of one list
_MOST_SCREENED = 500  # candidates for one place before hardly anyone is called eligible
_MARGIN = 32  # candidates drawn beyond those expected to be needed
_WEEK = 7.0


@dataclass(frozen=True, eq=False)
class Enrolled:
    """People of a trial, before they are given an arm.

    Parameters
    ----------
    place : (person,) in all replicates together; replicate, number : in which one, and where.
    screened : (person,) candidates seen for this place, the person included.
    covariates : of the people; traits : (person,) by key; draw : (person,) of the posterior.
    patches : of the people, largest first; eligible : (patch,) whether it may be studied.
    """

    place: Index
    replicate: Index
    number: Index
    screened: Index
    covariates: Covariates
    traits: Mapping[str, Array]
    draw: Index
    patches: Patches
    eligible: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Drawn:
    """People of a trial, the patches that are followed, and the units that were randomised.

    Parameters
    ----------
    people : who.
    stratum : (person,).
    row_person : (row,) whose patch it is; rank : (row,) 0 for the person's largest patch.
    diameter : (row,) [mm]; age : (row,) [day].
    person, row, part, arm : (unit,) whose it is, in which patch, which quadrant of it (0 when
        whole), and what it was randomised to.
    row_units : (row, part) unit that rules each patch or quadrant.
    """

    people: Enrolled
    stratum: Index
    row_person: Index
    rank: Index
    diameter: Array
    age: Array
    person: Index
    row: Index
    part: Index
    arm: Index
    row_units: Index

    @property
    def parts(self) -> int:
        """Parts of each patch: 1, or 4 quadrants."""
        return int(self.row_units.shape[1])


def counts_salt(protocol: Protocol) -> bool:
    """Whether SALT is read, so that all patches of a person are followed."""
    return any(endpoint.measure == "salt" for endpoint in protocol.endpoints)


def draw_trial(
    protocol: Protocol,
    replicate: int,
    first: int,
    count: int,
    seed: int | None = None,
    posterior: Posterior | None = None,
) -> Drawn:
    """Draw people of a trial, their patches and what they were randomised to.

    Parameters
    ----------
    protocol : of the trial.
    replicate : in which people are counted from 0.
    first : place of the first person; count : how many. Beyond the last person of a replicate the
        next replicate begins.
    seed : the protocol's own when None.
    posterior : the package's own when None.

    Returns
    -------
    Drawn

    Raises
    ------
    InputError
        When numbers cannot be meant or hardly anyone is eligible.

    Examples
    --------
    >>> from anagen.trials.protocol_file import load_protocol_file
    >>> drawn = draw_trial(load_protocol_file("five-against-ten"), 0, 0, 20)
    >>> len(drawn.arm), sorted(set(drawn.arm.tolist()))
    (20, [0, 1])
    """
    _check(protocol, replicate, first, count)
    seed = protocol.seed if seed is None else seed
    start = replicate * trial_size(protocol) + first
    back = start % trial_size(protocol) % STRATA_LIST if protocol.stratify else 0
    people = enrol(protocol, start - back, count + back, seed, posterior or load_posterior())
    stratum = strata(protocol, people.covariates, setting_of(protocol.eligibility))
    arm = None
    if protocol.design == "parallel":
        arm = allocate(protocol, people.replicate, people.number, stratum, seed)
    kept = np.arange(back, back + count)
    people = enrolled_some(people, kept)
    if arm is not None:
        return _parallel(protocol, people, stratum[kept], arm[kept])
    return _within(protocol, people, stratum[kept], seed)


def enrol(protocol: Protocol, start: int, count: int, seed: int, posterior: Posterior) -> Enrolled:
    """Screen candidates until so many places from ``start`` on are taken."""
    parts = []
    for block in range(start // _LIST, (start + count - 1) // _LIST + 1):
        low, high = max(start - block * _LIST, 0), min(start + count - block * _LIST, _LIST)
        parts.append(
            enrolled_some(_screen(protocol, block, high, seed, posterior), np.arange(low, high))
        )
    return _joined(parts)


def _screen(
    protocol: Protocol, block: int, count: int, seed: int, posterior: Posterior
) -> Enrolled:
    """Fill the first places of a list of candidates."""
    setting = setting_of(protocol.eligibility)
    parts: list[Enrolled] = []
    found = seen = since = 0
    share = 1.0
    while found < count:
        wanted = int(min((count - found) / max(share, 1e-3) * 1.1 + _MARGIN, 8 * _LIST))
        first = block * _CANDIDATES + seen
        covariates = draw_covariates(wanted, seed, setting, first)
        patches = draw_patches(covariates, seed, first)
        eligible = _eligible_patches(protocol, patches)
        taken = np.flatnonzero(_eligible_people(protocol, patches, eligible, wanted))
        taken = taken[: count - found]
        if len(taken):
            seen_for = np.diff(taken, prepend=-1 - since)
            traits = traits_of(posterior)(covariates, seed, first)
            place = block * _LIST + found + np.arange(len(taken))
            chosen = _draw_number(posterior, seed, first + taken)
            parts.append(_taken(protocol, place, seen_for, covariates, traits, chosen,
                                (patches, eligible, taken)))  # fmt: skip
            since = wanted - 1 - int(taken[-1])
        else:
            since += wanted
        found, seen = found + len(taken), seen + wanted
        share = max(found, 1) / seen
        if seen > _MOST_SCREENED * max(found, 1) + 8 * _LIST:
            raise InputError(
                Problem("eligibility", f"at least one eligible person in {_MOST_SCREENED}",
                        f"{found} among {seen} of the setting", "Widen who is taken.")
            )  # fmt: skip
    return _joined(parts)


def _taken(
    protocol: Protocol,
    place: Index,
    screened: Index,
    covariates: Covariates,
    traits: Mapping[str, Array],
    draw: Index,
    rows: tuple[Patches, NDArray[np.bool_], Index],
) -> Enrolled:
    patches, eligible, taken = rows
    size = trial_size(protocol)
    number = np.full(len(covariates), -1)
    number[taken] = np.arange(len(taken))
    own = number[patches.person] >= 0
    return Enrolled(
        place, place // size, place % size, screened, select(covariates, taken),
        {key: values[taken] for key, values in traits.items()}, draw,
        _patches(patches, own, number[patches.person[own]], taken), eligible[own],
    )  # fmt: skip


def setting_of(eligibility: Eligibility) -> Setting:
    """Kind of people that a protocol takes, with its limits.

    Examples
    --------
    >>> setting_of(Eligibility(age=Range(low=18, high=60))).age_years
    (18.0, 60.0)
    """
    limits = setting_limits(Setting(eligibility.setting))

    def bounds(
        given: Range | None, usual: tuple[float, float], scale: float
    ) -> tuple[float, float] | None:
        if given is None:
            return None
        low = usual[0] if given.low is None else given.low * scale
        high = usual[1] if given.high is None else given.high * scale
        return (low, high)

    return Setting(
        eligibility.setting,
        bounds(eligibility.age, limits.age, 1.0),
        bounds(eligibility.duration_weeks, limits.episode, _WEEK),
        bounds(eligibility.salt, limits.extent, 0.01),
    )


def _eligible_patches(protocol: Protocol, patches: Patches) -> NDArray[np.bool_]:
    eligible = _between(patches.diameter_mm, protocol.eligibility.patch_diameter_mm)
    if protocol.unit == "quadrant":
        widest = max(arm.treatment.spacing_mm for arm in protocol.arms)
        eligible &= patches.diameter_mm >= least_diameter(widest)
    return eligible


def _eligible_people(
    protocol: Protocol, patches: Patches, eligible: NDArray[np.bool_], count: int
) -> NDArray[np.bool_]:
    needed = len(arm_order(protocol)) if protocol.unit == "patch" else 1
    studied = np.bincount(patches.person[eligible], minlength=count) >= needed
    number = np.bincount(patches.person, minlength=count).astype(float)
    return np.asarray(studied & _between(number, protocol.eligibility.patches))


def _between(values: Array, given: Range | None) -> NDArray[np.bool_]:
    inside = np.ones(len(values), bool)
    if given is not None and given.low is not None:
        inside &= values >= given.low
    if given is not None and given.high is not None:
        inside &= values <= given.high
    return inside


def _draw_number(posterior: Posterior, seed: int, person: Index) -> Index:
    """Draw of the posterior (person,) that `traits_of` gives each."""
    count = len(load_traits()) + 1
    random = uniforms(stream_key(seed, _TRAITS), person.astype(np.uint64), 0, count)
    return (random[:, -1] * len(posterior)).astype(np.int64)


# --------------------------------------------------------------------------------------- units


def _parallel(protocol: Protocol, people: Enrolled, stratum: Index, arm: Index) -> Drawn:
    """Every person a unit; all patches are followed where SALT counts, else the studied one."""
    patches, count = people.patches, len(people.place)
    studied = _first_eligible(people, 1)[:, 0]
    if counts_salt(protocol):
        rows = np.arange(len(patches))
        own = studied
    else:
        rows, own = studied, np.arange(count)
    person = patches.person[rows]
    return _drawn(people, stratum, rows, (np.arange(count), own, np.zeros(count, np.int64), arm),
                  person[:, None])  # fmt: skip


def _within(protocol: Protocol, people: Enrolled, stratum: Index, seed: int) -> Drawn:
    """Arms side by side on patches or quadrants of each person, in random order."""
    count, order = len(people.place), arm_order(protocol)
    quarters = protocol.unit == "quadrant"
    if quarters:
        order = np.resize(order, QUADRANTS) if QUADRANTS % len(order) == 0 else np.concatenate(
            [order, np.full(QUADRANTS - len(order), NO_ARM)])  # fmt: skip
    random = uniforms(stream_key(seed, _WITHIN), people.place, 0, len(order))
    arm = order[np.argsort(random, axis=1, kind="stable")]
    person = np.repeat(np.arange(count), len(order))
    unit = np.arange(len(person))
    if quarters:
        rows = _first_eligible(people, 1)[:, 0]
        parts = (person, person, unit % QUADRANTS, arm.ravel())
        return _drawn(people, stratum, rows, parts, unit.reshape(-1, QUADRANTS))
    rows = _first_eligible(people, len(order)).ravel()
    parts = (person, unit, np.zeros(len(unit), np.int64), arm.ravel())
    return _drawn(people, stratum, rows, parts, unit[:, None])


def _drawn(
    people: Enrolled,
    stratum: Index,
    rows: Index,
    units: tuple[Index, Index, Index, Index],
    row_units: Index,
) -> Drawn:
    patches = people.patches
    begin = np.searchsorted(patches.person, np.arange(len(people.place)))
    person = patches.person[rows]
    return Drawn(people, stratum, person, rows - begin[person], patches.diameter_mm[rows],
                 patches.age_days[rows], *units, row_units)  # fmt: skip


def _first_eligible(people: Enrolled, count: int) -> Index:
    """Patches (person, count) that are studied: the largest that are eligible."""
    index = np.flatnonzero(people.eligible)
    owner = people.patches.person[index]
    begin = np.searchsorted(owner, np.arange(len(people.place)))
    return np.asarray(index[begin[:, None] + np.arange(count)])


# ------------------------------------------------------------------------------------- together


def enrolled_some(people: Enrolled, kept: Index) -> Enrolled:
    """Take some of the people and their patches."""
    number = np.full(len(people.place), -1)
    number[kept] = np.arange(len(kept))
    own = number[people.patches.person] >= 0
    return replace(
        people,
        **{name: getattr(people, name)[kept]
           for name in ("place", "replicate", "number", "screened", "draw")},
        covariates=select(people.covariates, kept),
        traits={key: values[kept] for key, values in people.traits.items()},
        patches=_patches(people.patches, own, number[people.patches.person[own]], kept),
        eligible=people.eligible[own],
    )  # fmt: skip


def _patches(patches: Patches, own: NDArray[np.bool_], person: Index, kept: Index) -> Patches:
    columns = ("diameter_mm", "region", "view", "x", "y", "age_days")
    chosen = {name: getattr(patches, name)[own] for name in columns}
    return Patches(person=person, **chosen, merged=patches.merged[kept])


def _joined(parts: list[Enrolled]) -> Enrolled:
    if len(parts) == 1:
        return parts[0]
    begin = np.cumsum([0, *(len(part.place) for part in parts)])
    columns = ("diameter_mm", "region", "view", "x", "y", "age_days", "merged")
    patches = Patches(
        person=np.concatenate([part.patches.person + base for part, base in
                               zip(parts, begin, strict=False)]),
        **{name: np.concatenate([getattr(part.patches, name) for part in parts])
           for name in columns},
    )  # fmt: skip
    covariates = Covariates(**{
        name: np.concatenate([getattr(part.covariates, name) for part in parts])
        for name in COVARIATES
    })  # fmt: skip
    traits = {key: np.concatenate([part.traits[key] for part in parts]) for key in parts[0].traits}
    names = ("place", "replicate", "number", "screened", "draw", "eligible")
    rest = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Enrolled(covariates=covariates, traits=traits, patches=patches, **rest)


def _check(protocol: Protocol, replicate: int, first: int, count: int) -> None:
    problems = [
        Problem(name, f"a whole number, {least} or more", repr(value), "Correct it.")
        for name, value, least in (("replicate", replicate, 0), ("first", first, 0),
                                   ("count", count, 1))
        if not isinstance(value, int | np.integer) or value < least
    ]  # fmt: skip
    if not trial_size(protocol) > 0:
        problems.append(Problem("people", "at least one person in an arm", "none", "Add some."))
    unknown = [name for name in protocol.stratify if name not in COVARIATES]
    if unknown:
        problems.append(Problem("stratify", f"some of {', '.join(COVARIATES)}",
                                ", ".join(unknown), "Name covariates."))  # fmt: skip
    if problems:
        raise InputError(problems)
