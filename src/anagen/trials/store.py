"""Results of a run on disk: a Zarr store in which one chunk of people is one file of every array.

The arrays of a chunk are written first and its digest last, each file whole or not at all: a chunk
without its digest does not count, and a chunk written twice is the same bytes. Nothing in a store
tells when, on how many workers or in what order it was made.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anagen.errors import InputError, Problem
from anagen.trials.extras import extra
from anagen.trials.protocol import Protocol
from anagen.trials.run_plan import (
    Chunk,
    RunPlan,
    chunks_of,
    identity,
    units_of,
    units_per_person,
)
from anagen.trials.store_identity import ABOUT, about, check_same, is_free, read_plan_of

if TYPE_CHECKING:
    import xarray as xr
    import zarr

DIGESTS = "chunk_digest"
"""Array (chunk, byte) of the digest of every chunk that is complete."""

_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, eq=False)
class Results:
    """Results of a virtual trial.

    Parameters
    ----------
    protocol : that was run.
    dataset : of `anagen.trials.run_chunk`, over all units that are there; values are read from
        the disk where they are used, so pick the variables that are needed before loading.
    replicates, seed : of the run.
    missing : chunks without results; their units are left out of the dataset.
    damaged : those of the missing whose files are not what was written.
    plan : of the run.
    """

    protocol: Protocol
    dataset: "xr.Dataset"
    replicates: int
    seed: int
    missing: tuple[Chunk, ...]
    damaged: tuple[Chunk, ...]
    plan: RunPlan


@dataclass(frozen=True)
class Kept:
    """Numbers of the chunks that a store has, and of those whose files were changed since."""

    done: frozenset[int]
    damaged: frozenset[int]


def open_results(path: str | os.PathLike[str], *, check: bool = True) -> Results:
    """Open the results of a run, complete or not.

    Parameters
    ----------
    path : of the store.
    check : whether to read every file once and hold it against its digest.

    Raises
    ------
    InputError
        When it is no store of results, or one that this version cannot read.
    """
    import xarray as xr

    extra("zarr")
    place = Path(path).absolute()
    plan = read_plan_of(place)
    kept = look(plan, place, check=check)
    chunks = chunks_of(plan)
    try:
        dataset = xr.open_zarr(place, consolidated=False, chunks=None, decode_cf=False,
                               drop_variables=[DIGESTS])  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise InputError(_damaged_store(place, error)) from error
    del dataset.attrs[ABOUT]
    dataset = dataset[sorted(map(str, dataset.data_vars))]  # not as the disk lists them
    missing = tuple(chunk for chunk in chunks if chunk.number not in kept.done)
    if missing:
        units = [np.r_[units_of(plan, chunk)] for chunk in chunks if chunk.number in kept.done]
        dataset = dataset.isel(unit=np.concatenate([np.zeros(0, np.int64), *units]))
    damaged = tuple(chunk for chunk in chunks if chunk.number in kept.damaged)
    return Results(plan.protocol, dataset, plan.replicates, plan.seed, missing, damaged, plan)


def find_store(plan: RunPlan, path: Path) -> bool:
    """Whether results of this very plan are at a place already; nothing is touched.

    Raises
    ------
    InputError
        When something else stands there, with every difference, or nothing can be written there.
    """
    folder = path.parent
    if not folder.is_dir():
        raise InputError(
            Problem(f"output {path}", f"an existing folder {folder}", "no such folder",
                    f"Make it first: mkdir -p {folder}")
        )  # fmt: skip
    free = is_free(path)
    if not free:
        check_same(plan, path)
    target = folder if free else path
    if not os.access(target, os.W_OK | os.X_OK):
        raise InputError(
            Problem(f"output {path}", "a folder that can be written", "no permission",
                    "Choose another folder or mend its permissions.")
        )  # fmt: skip
    return not free


def create_store(plan: RunPlan, path: Path, pattern: "xr.Dataset") -> None:
    """Make an empty store in which every chunk of a run has its place.

    It comes into being as a whole: a store that is half made is never seen.

    Parameters
    ----------
    plan : of the run; path : of the store, where nothing or an empty folder stands.
    pattern : dataset of any of its units; only its names, types and dimensions count.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".anagen-", dir=path.parent) as folder:
            making = Path(folder) / path.name
            _lay_out(plan, making, pattern)
            os.replace(making, path)
    except OSError as error:
        if not is_free(path):  # somebody else was quicker
            return check_same(plan, path)
        raise InputError(
            Problem(f"output {path}", "a place where results can be written",
                    error.strerror or str(error), "Free some space or choose another place.")
        ) from error  # fmt: skip


def write_chunk(plan: RunPlan, path: Path, chunk: Chunk, dataset: "xr.Dataset") -> None:
    """Write the results of a chunk, and when all are there its digest.

    A chunk that is there already is left as it is.

    Raises
    ------
    OSError
        When the disk is full or cannot be written.
    ValueError
        When the dataset is not that of the chunk.
    """
    if digest_of(path, chunk) is not None:
        return
    units = units_of(plan, chunk)
    if dataset.sizes["unit"] != units.stop - units.start:
        raise ValueError(
            f"chunk {chunk.number}: {dataset.sizes['unit']} units instead of "
            f"{units.stop - units.start}"
        )
    group = _group(path, "r+")
    shapes = _shapes(path)
    for name, shape in shapes.items():
        if prod(shape):
            _array(group, name)[units] = dataset[name].values
    content = _digest(plan, path, shapes, chunk)
    _array(group, DIGESTS)[chunk.number] = np.frombuffer(content, np.uint8)


def look(plan: RunPlan, path: Path, *, check: bool = True) -> Kept:
    """See which chunks a store has.

    Parameters
    ----------
    plan : of the run; path : of the store.
    check : whether to hold every file against its digest.
    """
    shapes = _shapes(path)
    done: set[int] = set()
    damaged: set[int] = set()
    for chunk in chunks_of(plan):
        kept = digest_of(path, chunk)
        if kept is None:
            continue
        try:
            fine = len(kept) == _BYTES and (not check or kept == _digest(plan, path, shapes, chunk))
        except OSError:
            fine = False
        (done if fine else damaged).add(chunk.number)
    return Kept(frozenset(done), frozenset(damaged))


def forget(path: Path, chunks: Iterable[Chunk]) -> None:
    """Remove what there is of chunks that are not complete, the digest first."""
    dims = {DIGESTS: 2, **{name: len(shape) for name, shape in _shapes(path).items()}}
    for chunk in chunks:
        for name, number in dims.items():
            _file(path, name, number, chunk).unlink(missing_ok=True)


def digest_of(path: Path, chunk: Chunk) -> bytes | None:
    """Digest that stands in a store for a chunk; None when it is not complete."""
    try:
        return _file(path, DIGESTS, 2, chunk).read_bytes()
    except OSError:
        return None


def failed_units(plan: RunPlan, path: Path, done: Collection[int]) -> int:
    """How many units of the chunks that are there the model could not follow."""
    array = _array(_group(path, "r"), "failed")
    chunks = (chunk for chunk in chunks_of(plan) if chunk.number in done)
    return sum(int(np.count_nonzero(array[units_of(plan, chunk)])) for chunk in chunks)


def _lay_out(plan: RunPlan, path: Path, pattern: "xr.Dataset") -> None:
    zarr, codecs = extra("zarr"), extra("zarr.codecs")
    each = units_per_person(plan.protocol)
    group = zarr.create_group(store=path, zarr_format=3,
                              attributes={**pattern.attrs, ABOUT: about(plan)})  # fmt: skip
    for name in sorted(map(str, pattern.variables)):
        values = pattern[name]
        whole = "unit" not in values.dims
        size = values.shape if whole else (plan.units, *values.shape[1:])
        cut = size if whole else (plan.chunk_people * each, *size[1:])
        array = group.create_array(
            name, shape=size, chunks=tuple(max(length, 1) for length in cut), dtype=values.dtype,
            fill_value=_nothing(name, values.dtype), dimension_names=values.dims,
            compressors=codecs.ZstdCodec(level=1), attributes=dict(values.attrs),
        )  # fmt: skip
        if whole and values.size:
            array[...] = values.values
    group.create_array(
        DIGESTS, shape=(len(chunks_of(plan)), _BYTES), chunks=(1, _BYTES), dtype="uint8",
        fill_value=0, dimension_names=("chunk", "byte"), compressors=None,
        attributes={"long_name": "SHA-256 of a chunk that is complete", "units": ""},
    )  # fmt: skip


def _nothing(name: str, dtype: np.dtype) -> Any:
    """Give what a reader that does not know of missing chunks sees: never a plausible value."""
    if dtype.kind == "f":
        return np.nan
    return name == "failed" if dtype.kind == "b" else -1


def _group(path: Path, mode: str) -> "zarr.Group":
    group: zarr.Group = extra("zarr").open_group(path, mode=mode, use_consolidated=False)
    return group


def _array(group: "zarr.Group", name: str) -> "zarr.Array":
    array: Any = group[name]
    # Without this a chunk of nothing but "no value" would have no file to hold against a digest.
    kept: zarr.Array = array.with_config({"write_empty_chunks": True})
    return kept


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every array over units, by name, in a fixed order."""
    found = {}
    for file in sorted(path.glob("*/zarr.json")):
        array = json.loads(file.read_bytes())
        if tuple(array.get("dimension_names") or ())[:1] == ("unit",):
            found[file.parent.name] = tuple(array["shape"])
    return found


def _file(path: Path, name: str, dims: int, chunk: Chunk) -> Path:
    """File of a chunk of an array; Zarr names it by its place along every dimension."""
    return path.joinpath(name, "c", str(chunk.number), *["0"] * (dims - 1))


def _digest(
    plan: RunPlan, path: Path, shapes: Mapping[str, tuple[int, ...]], chunk: Chunk
) -> bytes:
    """SHA-256 over who the chunk is and all its files, as they are on the disk."""
    whose = json.dumps([identity(plan), chunk.number], sort_keys=True)
    content = hashlib.sha256(whose.encode())
    for name, shape in shapes.items():
        if prod(shape):
            data = _file(path, name, len(shape), chunk).read_bytes()
            content.update(f"\n{name} {len(data)}\n".encode())
            content.update(data)
    return content.digest()


def _damaged_store(path: Path, error: Exception) -> Problem:
    why = " ".join(str(error).split())[:200] or type(error).__name__
    return Problem(str(path), "results that can be read", why,
                   "Run the trial again with another output.")  # fmt: skip
