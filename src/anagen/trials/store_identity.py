"""Whose results a store holds: those of another plan are refused, with every difference."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from anagen.errors import InputError, Problem
from anagen.patient.quantities import shorten
from anagen.trials.protocol import Protocol
from anagen.trials.run_plan import RunPlan, identity

FORMAT = 1
"""Version of how a store is laid out."""

ABOUT = "anagen_trial"
"""Attribute of the store that says what it holds."""

_OTHER = "Name another output with -o; results are never mixed."
_MOST_SHOWN = 20  # differences of two protocols; more cannot be read
_GO_ON = {
    "people": "Add --people {} to go on with it, or name another output with -o.",
    "seed": "Add --seed {} to go on with it, or name another output with -o.",
    "replicates": "Add --replicates {} to go on with it, or name another output with -o.",
    "anagen_version": "Go on with Anagen {}, or name another output with -o.",
    "parameter_set": "Go on with parameter set {}, or name another output with -o.",
    "posterior": "Go on with calibration {}, or name another output with -o.",
}


def about(plan: RunPlan) -> dict[str, Any]:
    """Tell what a store says of the plan whose results it holds, as plain data."""
    kept = plan.protocol.model_dump(mode="json")
    return {"format": FORMAT, **identity(plan), "protocol": kept}


def is_free(path: Path) -> bool:
    """Whether nothing stands at a place, or an empty folder."""
    return not path.exists() or (path.is_dir() and next(path.iterdir(), None) is None)


def read_plan_of(path: Path) -> RunPlan:
    """Read the plan whose results a store holds.

    Raises
    ------
    InputError
        When it is no store of results, of another format, or damaged.
    """
    kept = _read_about(path)
    try:
        protocol = Protocol.model_validate_json(json.dumps(kept["protocol"]))
        names = ("replicates", "chunk_people", "anagen_version", "parameter_set", "posterior")
        plan = RunPlan(protocol, seed=int(kept["seed"]), **{name: kept[name] for name in names})
        sound = kept == about(plan)
    except (KeyError, TypeError, ValueError, ValidationError):
        sound = False
    if not sound:
        version = shorten(str(kept.get("anagen_version", "unknown")))
        raise InputError(
            Problem(str(path), "the protocol that was run, as it was",
                    f"one that this version cannot read, or that was changed; made by {version}",
                    f"Read it with Anagen {version}, or run the trial again.")
        )  # fmt: skip
    return plan


def check_same(plan: RunPlan, path: Path) -> None:
    """Refuse a store that holds the results of another plan; nothing is touched.

    Raises
    ------
    InputError
        Everything that differs, with what to do.
    """
    kept, asked = _read_about(path), about(plan)
    if kept == asked:
        return
    problems = list(_differences(path, kept, asked))
    if not problems:
        problems = [Problem(str(path), "the results of this run", "those of another", _OTHER)]
    raise InputError(problems)


def _read_about(path: Path) -> dict[str, Any]:
    wanted = "results of 'anagen trial run'"
    if not path.exists():
        raise InputError(Problem(str(path), wanted, "nothing", "Check the path."))
    if not path.is_dir():
        raise InputError(Problem(str(path), f"{wanted}, a folder", "a file",
                                 "Name another place."))  # fmt: skip
    try:
        root = json.loads((path / "zarr.json").read_bytes())
        kept = root["attributes"][ABOUT]
        number = kept["format"]
    except (OSError, ValueError, KeyError, TypeError):
        found = "another folder, or damaged results"
        raise InputError(Problem(str(path), wanted, found, "Name another place.")) from None
    if number != FORMAT:
        raise InputError(
            Problem(str(path), f"a store of format {FORMAT}", shorten(f"format {number}"),
                    f"Read it with Anagen {shorten(str(kept.get('anagen_version')))}.")
        )  # fmt: skip
    return dict(kept)


def _differences(
    path: Path, kept: Mapping[str, Any], asked: Mapping[str, Any]
) -> Iterator[Problem]:
    derived = {"protocol", "fingerprint", "people_per_replicate", "units_per_person", "format"}
    same = kept.get("fingerprint") == asked["fingerprint"]
    if not same:
        shown = list(_unlike(kept.get("protocol"), asked["protocol"], "protocol"))
        for place, was, now in shown[:_MOST_SHOWN]:
            people = place == "protocol.people" and len(shown) == 1
            remedy = _GO_ON["people"].format(was) if people else _OTHER
            yield Problem(f"{path}: {place}", f"{now}, as asked", was, remedy)
        if len(shown) > _MOST_SHOWN:
            yield Problem(f"{path}: protocol", "the protocol that is asked for",
                          f"{len(shown) - _MOST_SHOWN} more differences", _OTHER)  # fmt: skip
    for name in sorted(set(asked) - derived - (set() if same else {"chunk_people"})):
        old, new = kept.get(name), asked[name]
        if old != new:
            found = _words(old)
            remedy = _GO_ON.get(name, _OTHER).format(found)
            yield Problem(f"{path}: {name.replace('_', ' ')}", f"{new}, as asked", found, remedy)


def _unlike(kept: Any, asked: Any, place: str) -> Iterator[tuple[str, str, str]]:
    """Places at which two trees of plain data differ, with what stands there."""
    if isinstance(kept, dict) and isinstance(asked, dict):
        for name in sorted({*kept, *asked}):
            yield from _unlike(kept.get(name), asked.get(name), f"{place}.{name}")
    elif isinstance(kept, list) and isinstance(asked, list) and len(kept) == len(asked):
        for number, (old, new) in enumerate(zip(kept, asked, strict=True)):
            yield from _unlike(old, new, f"{place}[{number}]")
    elif kept != asked:
        yield place, _words(kept), _words(asked)


def _words(value: Any) -> str:
    if isinstance(value, list) and value:
        return f"{len(value)} entries"
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 and text.isprintable() else shorten(text)
