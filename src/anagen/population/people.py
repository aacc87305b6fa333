"""Virtual people in a Parquet file: one row a person, their patches as a list in the row."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anagen._version import __version__
from anagen.errors import InputError, Problem
from anagen.evidence.parameters import load_parameters
from anagen.population.covariates import COVARIATES, Covariates, draw_covariates
from anagen.population.patch_sizes import Patches, draw_patches
from anagen.population.settings import CLINIC, Setting, check_draw
from anagen.scalp import ANCESTRIES, REGIONS, VIEWS

if TYPE_CHECKING:
    import pyarrow as pa

Traits = Callable[[Covariates, int, int], Mapping[str, NDArray[np.float64]]]

CHUNK = 16_384
_MOST_CHUNK = 1_000_000
SEXES = ("female", "male")

_UNITS = {"age_years": "year", "weight_kg": "kg", "onset_age_years": "year", "episode_days": "day",
          "patches": "1", "extent": "1"}  # fmt: skip
_WORDS = {"sex": SEXES, "ancestry": ANCESTRIES}
_PATCH_UNITS = {"diameter_mm": "mm", "region": "", "view": "", "x": "fraction", "y": "fraction",
                "age_days": "day"}  # fmt: skip
_PATCH_WORDS = {"region": REGIONS, "view": VIEWS}
_TRAIT = "trait_"


def write_people(
    path: Path | str,
    n: int,
    seed: int,
    setting: Setting = CLINIC,
    traits: Traits | None = None,
    *,
    trait_units: Mapping[str, str] | None = None,
    posterior: str = "",
    chunk: int = CHUNK,
) -> None:
    """Draw virtual people into a Parquet file, a chunk at a time, whole or not at all.

    The same arguments give the same file, byte for byte; memory does not grow with ``n``.

    Parameters
    ----------
    path : file to write; its name ends in ``.parquet``.
    n : number of people.
    seed : fixes everything about them.
    setting : which kind of people.
    traits : takes covariates, seed and index of the first person, and returns arrays (person,) of
        their own parameters by name; each becomes a column ``trait_<name>``.
    trait_units : unit of each trait; ``1`` where none is given.
    posterior : version of the posterior that ``traits`` draw from, noted in the file.
    chunk : people in a row group.

    Raises
    ------
    InputError
        When the arguments cannot be meant, traits are not usable numbers, or the file cannot be
        written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_people(Path(folder) / "people.parquet", 50, seed=1)
    ...     covariates, patches, _ = read_people(Path(folder) / "people.parquet")
    >>> len(covariates)
    50
    """
    import pyarrow.parquet as pq

    path = Path(path)
    _check_target(path)
    check_draw(n, seed, setting)
    _check_chunk(chunk)
    about = _about(n, seed, setting, posterior)
    with _replacing(path) as temporary:
        writer = None
        try:
            for first in range(0, n, chunk):
                covariates = draw_covariates(min(chunk, n - first), seed, setting, first)
                patches = draw_patches(covariates, seed, first)
                found = _checked(traits, covariates, seed, first)
                table = people_table(covariates, patches, found, trait_units or {}, about)
                if writer is None:
                    writer = pq.ParquetWriter(temporary, table.schema, compression="zstd")
                _same_columns(writer.schema, table.schema)
                writer.write_table(table, row_group_size=chunk)
        finally:
            if writer is not None:
                writer.close()


def read_people(path: Path | str) -> tuple[Covariates, Patches, dict[str, NDArray[np.float64]]]:
    """Read virtual people back.

    Parameters
    ----------
    path : a file that `write_people` wrote.

    Returns
    -------
    covariates : Covariates
    patches : Patches
    traits : dict of (person,) by name

    Raises
    ------
    InputError
        When the file is not there, is no Parquet file, or lacks a column.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_people(Path(folder) / "people.parquet", 50, seed=1)
    ...     _, patches, traits = read_people(Path(folder) / "people.parquet")
    >>> traits
    {}
    """
    table = _read(Path(path))
    own = {name: _numbers(table.column(name), _WORDS.get(name)) for name in COVARIATES}
    covariates = Covariates(**{name: own[name].astype(_dtype(name)) for name in COVARIATES})
    lists = table.column("patch_list").combine_chunks()
    counts = np.diff(lists.offsets.to_numpy())
    parts = {
        name: _numbers(lists.flatten().field(name), _PATCH_WORDS.get(name)) for name in _PATCH_UNITS
    }
    patches = Patches(
        person=np.repeat(np.arange(len(covariates)), counts),
        diameter_mm=parts["diameter_mm"],
        region=parts["region"].astype(np.int8),
        view=parts["view"].astype(np.int8),
        x=parts["x"],
        y=parts["y"],
        age_days=parts["age_days"],
        merged=(covariates.patches - counts).astype(np.int8),
    )
    names = [name for name in table.column_names if name.startswith(_TRAIT)]
    traits = {name.removeprefix(_TRAIT): _numbers(table.column(name), None) for name in names}
    return covariates, patches, traits


def people_about(path: Path | str) -> dict[str, Any]:
    """Read who made a file of people, and how: versions, setting, seed.

    Raises
    ------
    InputError
        As `read_people`.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_people(Path(folder) / "people.parquet", 5, seed=7)
    ...     people_about(Path(folder) / "people.parquet")["seed"]
    7
    """
    return dict(json.loads(_read(Path(path), columns=["patch_list"]).schema.metadata[b"anagen"]))


def people_table(
    covariates: Covariates,
    patches: Patches,
    traits: Mapping[str, NDArray[np.float64]],
    trait_units: Mapping[str, str],
    about: Mapping[str, Any],
) -> "pa.Table":
    """Put people into a table, one row each, with the unit of every column.

    Parameters
    ----------
    covariates : Covariates
    patches : Patches of the same people.
    traits : (person,) by name.
    trait_units : unit of each trait; ``1`` where none is given.
    about : what made them, noted as JSON in the table's metadata.

    Returns
    -------
    pyarrow.Table
    """
    import pyarrow as pa

    columns = {
        name: (_column(getattr(covariates, name), _WORDS.get(name)), _UNITS.get(name, ""))
        for name in COVARIATES
    }
    fields = [_column(getattr(patches, name), _PATCH_WORDS.get(name)) for name in _PATCH_UNITS]
    struct = pa.StructArray.from_arrays(
        fields,
        fields=[
            pa.field(name, column.type, nullable=False, metadata={"unit": unit})
            for column, (name, unit) in zip(fields, _PATCH_UNITS.items(), strict=True)
        ],
    )
    counts = np.bincount(patches.person, minlength=len(covariates))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    kind = pa.list_(pa.field("element", struct.type, nullable=False))
    columns["patch_list"] = (pa.ListArray.from_arrays(offsets, struct, type=kind), "")
    for name, values in traits.items():
        columns[_TRAIT + name] = (pa.array(values, pa.float64()), trait_units.get(name, "1"))
    schema = pa.schema(
        [
            pa.field(name, column.type, nullable=False, metadata={"unit": unit} if unit else None)
            for name, (column, unit) in columns.items()
        ],
        metadata={"anagen": json.dumps(about, sort_keys=True)},
    )
    return pa.table([column for column, _ in columns.values()], schema=schema)


def _column(values: NDArray[Any], words: tuple[str, ...] | None) -> "pa.Array":
    """Arrow array of numbers, or of words that small numbers stand for."""
    import pyarrow as pa

    if words is None:
        return pa.array(values)
    return pa.array(np.array(words, dtype=object)[values], pa.string())


def _numbers(column: "pa.ChunkedArray | pa.Array", words: tuple[str, ...] | None) -> NDArray[Any]:
    """Numbers of a column; words become their index again."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if words is not None:
        column = pc.index_in(column, value_set=pa.array(words))
    return np.array(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array)
                    else column.to_numpy())  # fmt: skip


def _dtype(name: str) -> Any:
    flags = ("recurrent", "nail_change", "family_history", "atopy")
    whole = ("sex", "ancestry", "patches")
    return np.bool_ if name in flags else np.int8 if name in whole else np.float64


def _about(n: int, seed: int, setting: Setting, posterior: str) -> dict[str, Any]:
    return {
        "anagen_version": __version__,
        "parameter_set": load_parameters().version,
        "posterior": posterior,
        "people": int(n),
        "seed": int(seed),
        "setting": asdict(setting),
    }


def _checked(
    traits: Traits | None, covariates: Covariates, seed: int, first: int
) -> dict[str, NDArray[np.float64]]:
    """Traits of people, refused when they are not one finite number a person."""
    if traits is None:
        return {}
    found = {
        name: np.asarray(values, float) for name, values in traits(covariates, seed, first).items()
    }
    problems = [
        Problem(f"traits[{name!r}]", f"{len(covariates)} finite numbers",
                f"shape {values.shape}, {np.count_nonzero(~np.isfinite(values))} not finite",
                "Return one number a person.")
        for name, values in found.items()
        if values.shape != (len(covariates),) or not np.isfinite(values).all()
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return found


def _same_columns(one: "pa.Schema", other: "pa.Schema") -> None:
    if not one.equals(other):
        raise InputError(
            Problem("traits", f"the same names in every chunk: {', '.join(one.names)}",
                    ", ".join(other.names), "Return the same traits for all people.")
        )  # fmt: skip


def _check_chunk(chunk: object) -> None:
    whole = isinstance(chunk, int) and not isinstance(chunk, bool)
    if not (whole and isinstance(chunk, int) and 1 <= chunk <= _MOST_CHUNK):
        raise InputError(
            Problem("chunk", f"a whole number from 1 to {_MOST_CHUNK}", repr(chunk)[:60],
                    f"Leave it out, or give about {CHUNK}.")
        )  # fmt: skip


def _check_target(path: Path) -> None:
    place, folder, problem = f"output {path}", path.parent, None
    if path.suffix.lower() != ".parquet":
        problem = Problem(place, "a file name that ends in .parquet", repr(path.name),
                          f"Write for example {path.stem or 'people'}.parquet.")  # fmt: skip
    elif not folder.is_dir():
        problem = Problem(place, f"an existing folder {folder}", "no such folder",
                          f"Make it first: mkdir -p {folder}")  # fmt: skip
    elif path.exists() and not path.is_file():
        problem = Problem(place, "a plain file or nothing", "something else that stands there",
                          "Choose another name.")  # fmt: skip
    if problem:
        raise InputError(problem)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary place beside the file, and move it into its place when all went well."""
    try:
        with tempfile.TemporaryDirectory(prefix=".anagen-", dir=path.parent) as folder:
            temporary = Path(folder) / path.name
            yield temporary
            os.replace(temporary, path)
    except OSError as error:
        raise InputError(
            Problem(f"output {path}", "a file that can be written", error.strerror or str(error),
                    "Free some space or choose another place.")
        ) from error  # fmt: skip


def _read(path: Path, columns: list[str] | None = None) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    place, remedy = (
        f"people file {path}",
        "Write one with: anagen people --n 1000 -o people.parquet",
    )
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            missing = sorted({*COVARIATES, "patch_list"} - set(schema.names))
            if missing or b"anagen" not in (schema.metadata or {}):
                found = f"no {', '.join(missing)}" if missing else "no note of who made it"
                raise InputError(Problem(place, "virtual people", found, remedy))
            groups = range(file.num_row_groups)
            return pa.concat_tables(file.read_row_group(group, columns) for group in groups)
    except (OSError, pa.ArrowException) as error:
        words = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(Problem(place, "a Parquet file of people", words, remedy)) from error
