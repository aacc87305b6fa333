"""What ``anagen trial power`` does, and how it is shown."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anagen._commands import files
from anagen._commands.shown import _line, _print, _table
from anagen.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from anagen.trials.pool import Pool
    from anagen.trials.power import PowerRequest, SampleSize
    from anagen.trials.protocol import Endpoint, Protocol

TARGETS = (0.8, 0.9)
"""Power that is looked for unless another is named."""

_MOST_SIZES = 100  # that can be asked for; more cannot be read
_PARTS = (0.25, 0.4, 0.6, 0.8, 1.0, 1.25)  # sizes that are shown, beside those that are sought
_FEWEST = 2  # people of a trial
_APART = 0.1  # of a size, by which the next one differs
_DIGITS = 2  # that a size is rounded to


@dataclass(frozen=True)
class Asked:
    """What the command line asks for; see `anagen._commands.trial_power_cli.power_trial`."""

    endpoint: str | None
    against: str | None
    targets: tuple[float, ...]
    alpha: float
    sizes: tuple[int, ...]
    pool: int | None
    draws: int
    seed: int | None


@dataclass(frozen=True, eq=False)
class PowerFound:
    """Power of a trial by size, and the sizes that reach what was wanted.

    Parameters
    ----------
    protocol, endpoint : of what; test : in words; unit_words : what is compared.
    alpha : level; limit : people of the pool, in an arm of ratio 1; missing : people whose results
        are missing.
    curve : see `anagen.trials.power.power_curve`; sizes : see `sample_size` there.
    """

    protocol: "Protocol"
    endpoint: "Endpoint"
    test: str
    unit_words: str
    alpha: float
    limit: int
    missing: int
    curve: "pd.DataFrame"
    sizes: "tuple[SampleSize, ...]"


def check_output(path: Path, trial: str) -> None:
    """Refuse an output file that cannot be meant."""
    suffix = ".json" if path.suffix.lower() == ".json" else ".csv"
    given = Path(trial) if len(trial) < 4096 else None
    try:
        files.check_output(path, suffix, [given])
    except InputError as error:
        if path.suffix.lower() in (".json", ".csv"):
            raise
        problem = error.problems[0]
        raise InputError(
            Problem(problem.place, "a file name that ends in .csv or .json", problem.found,
                    problem.remedy)
        ) from None  # fmt: skip


def find_power(
    trial: str, asked: Asked, progress: Callable[[int, int], None] | None = None
) -> PowerFound:
    """Find the power of a protocol, or of stored results.

    Raises
    ------
    InputError
        When protocol, results or what is asked cannot be used.
    """
    from anagen.trials.compare_arms import METHODS
    from anagen.trials.pool import size_limit
    from anagen.trials.power import PowerRequest, power_curve, sample_size

    protocol, endpoint, pool, missing = _pool(trial, asked, progress)
    seed = protocol.seed if asked.seed is None else asked.seed
    request = PowerRequest(asked.against, asked.alpha, asked.draws, seed)
    found = sample_size(pool, asked.targets, request)
    chosen = asked.sizes or _usual_sizes(found, protocol.people, size_limit(pool))
    return PowerFound(
        protocol,
        endpoint,
        METHODS[pool.values.kind, pool.values.paired].split(";")[0],
        pool.values.unit_words,
        asked.alpha,
        size_limit(pool),
        missing,
        power_curve(pool, chosen, request),
        found,
    )


def _pool(
    trial: str, asked: Asked, progress: Callable[[int, int], None] | None
) -> "tuple[Protocol, Endpoint, Pool, int]":
    """Read people from a store of results, or simulate them."""
    from anagen.trials.pool import pool_of, simulate_pool, usual_people
    from anagen.trials.run_plan import read_plan

    _check(asked)
    if _is_store(trial):
        from anagen.trials.store import open_results

        if asked.pool is not None:
            raise InputError(
                Problem("--pool", "nothing, with results that are there", f"{asked.pool}",
                        "Leave it out, or name the protocol instead of its results.")
            )  # fmt: skip
        results = open_results(trial)
        endpoint = _endpoint(results.protocol, asked.endpoint)
        _check_arm(results.protocol, asked.against)
        missing = sum(chunk.count for chunk in results.missing)
        pool = pool_of(results.protocol, results.dataset, endpoint)
        return results.protocol, endpoint, pool, missing
    protocol = read_plan(trial, people=asked.pool, seed=asked.seed).protocol
    endpoint = _endpoint(protocol, asked.endpoint)
    _check_arm(protocol, asked.against)
    _check_sizes(asked.sizes, usual_people(protocol) if asked.pool is None else asked.pool)
    pool = simulate_pool(protocol, endpoint, asked.pool, seed=asked.seed, progress=progress)
    own = protocol if asked.pool is None else read_plan(trial).protocol
    return own, endpoint, pool, 0


def _is_store(trial: str) -> bool:
    return trial.rstrip("/\\").lower().endswith(".zarr") or Path(trial).is_dir()


def _endpoint(protocol: "Protocol", key: str | None) -> "Endpoint":
    from anagen.patient.vocabulary import nearest
    from anagen.trials.flow import primary_endpoint

    if key is None:
        return primary_endpoint(protocol)
    keys = [endpoint.key for endpoint in protocol.endpoints]
    if key not in keys:
        meant = nearest(key, keys)
        raise InputError(
            Problem("--endpoint", f"one of {', '.join(keys)}", repr(key)[:80],
                    f"Did you mean '{meant}'?" if meant else "Name one of them.")
        )  # fmt: skip
    return protocol.endpoints[keys.index(key)]


def _check(asked: Asked) -> None:
    """Refuse, before anybody is simulated, what cannot be meant."""
    from anagen.trials.power import check_request

    problems = check_request(_request(asked), asked.targets)
    if len(asked.sizes) > _MOST_SIZES:
        problems.append(Problem("--size", f"up to {_MOST_SIZES} sizes", f"{len(asked.sizes)}",
                                "Name fewer."))  # fmt: skip
    if asked.seed is not None and asked.seed < 0:
        problems.append(Problem("--seed", "0 or more", f"{asked.seed}", "Correct it."))
    if problems:
        raise InputError(problems)


def _request(asked: Asked) -> "PowerRequest":
    from anagen.trials.power import PowerRequest

    return PowerRequest(asked.against, asked.alpha, asked.draws, max(asked.seed or 0, 0))


def _check_arm(protocol: "Protocol", key: str | None) -> None:
    arms = [arm.key for arm in protocol.arms]
    if key is not None and key not in arms:
        raise InputError(Problem("--against", f"one of {', '.join(arms)}", repr(key)[:80],
                                 "Name one of them."))  # fmt: skip


def _check_sizes(sizes: tuple[int, ...], most: int) -> None:
    wrong = [size for size in sizes if not _FEWEST <= size <= most]
    if wrong:
        raise InputError(
            Problem("--size", f"from {_FEWEST} to {most}, the people that are simulated",
                    ", ".join(map(str, wrong[:5])), f"Simulate more: --pool {max(wrong)}")
        )  # fmt: skip


def _usual_sizes(sizes: "tuple[SampleSize, ...]", own: int, limit: int) -> tuple[int, ...]:
    """Sizes around those that were sought, with that of the protocol itself."""
    known = [one.size for one in sizes if one.size is not None]
    top = max(known, default=limit)
    chosen = {own, *known}
    if len(known) < len(sizes):
        chosen.add(limit)
    for size in (_round(part * top) for part in _PARTS):
        if all(abs(size - other) > _APART * size for other in chosen):
            chosen.add(size)
    return tuple(sorted(size for size in chosen if _FEWEST <= size <= limit))


def _round(size: float) -> int:
    places = _DIGITS - 1 - math.floor(math.log10(max(size, 1.0)))
    return max(int(round(size, min(places, 0))), _FEWEST)


def as_data(found: PowerFound) -> dict[str, Any]:
    """Everything as plain data; None for what is not known."""
    return {
        "protocol": found.protocol.key,
        "endpoint": found.endpoint.key,
        "test": found.test,
        "compared": found.unit_words,
        "alpha": found.alpha,
        "pool": found.limit,
        "missing_people": found.missing,
        "size_is": size_words(found.protocol),
        "sample_sizes": [_plain(asdict(one)) for one in found.sizes],
        "curve": [_plain(row) for row in found.curve.to_dict("records")],
    }


def write(found: PowerFound, path: Path) -> None:
    """Write the figures whole, or leave what was there.

    The .csv file has a row for every size of the curve, and one for every size that was sought,
    with the power that was wanted as ``target`` and the interval of the size.
    """
    from anagen._files import write_whole

    if path.suffix.lower() == ".json":
        write_whole(path, json.dumps(as_data(found), ensure_ascii=False, indent=1) + "\n")
        return
    import pandas as pd

    curve = found.curve.assign(row="curve")
    wanted = pd.DataFrame([
        {"row": "sample size", "target": one.target, "size": one.size, "size_low": one.low,
         "size_high": one.high if math.isfinite(one.high) else None, "people": one.people,
         "arm": one.arm, "reference": one.reference, "power": one.power}
        for one in found.sizes
    ])  # fmt: skip
    table = pd.concat([wanted, curve], ignore_index=True).convert_dtypes()
    write_whole(path, table.to_csv(index=False, lineterminator="\n"))


def size_words(protocol: "Protocol") -> str:
    """Say what a size of a trial counts."""
    if protocol.design == "within":
        return "people, each of whom has all arms"
    return "people in an arm of ratio 1"


def print_power(found: PowerFound) -> None:
    """Print the sizes that were sought, and the power of others."""
    protocol = found.protocol
    test = f"{found.unit_words}; {found.test}, at {found.alpha:g}."
    lines = [_line(f"{protocol.title}: power for '{found.endpoint.key}'", "bold"),
             _line(f"Compared: {test}")]  # fmt: skip
    if found.missing:
        lines.append(_line(f"Results of {found.missing} people are missing.", "yellow"))
    _print(*lines)
    several = len(protocol.arms) > 2
    wanted = _table("power", *(["arm"] if several else []), "size", "95 % interval", "people")
    for one in found.sizes:
        reached = one.size is not None
        high = f"{one.high:.0f}" if math.isfinite(one.high) else "?"
        wanted.add_row(
            f"{100 * one.target:g} %", *([f"{one.arm} / {one.reference}"] if several else []),
            str(one.size) if reached else f"over {one.limit}",
            f"{one.low:.0f} to {high}" if reached else "", str(one.people) if reached else "",
        )  # fmt: skip
    curve = _table("size", "people", *(["arm"] if several else []), "power", "95 % interval")
    for row in found.curve.to_dict("records"):
        mark = " (protocol)" if row["size"] == protocol.people else ""
        curve.add_row(
            f"{row['size']}{mark}", str(row["people"]),
            *([f"{row['arm']} / {row['reference']}"] if several else []),
            f"{100 * row['power']:.1f} %",
            f"{100 * row['low_all']:.0f} to {100 * row['high_all']:.0f} %",
        )  # fmt: skip
    _print(wanted, curve)
    words = (
        f"Size: {size_words(protocol)}. Trials were drawn from {found.limit} such people; "
        "intervals hold the error of the draws and of that number."
    )
    _print(_line(words, "dim"))
    if any(one.size is None for one in found.sizes):
        words = "What is 'over' needs more people than were simulated: name more with --pool."
        _print(_line(words, "yellow"))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()}  # fmt: skip
