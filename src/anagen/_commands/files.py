"""Output files: refused early when they cannot be written, and written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anagen.errors import InputError, Problem


def check_output(path: Path, suffix: str, inputs: Sequence[Path | None] = ()) -> None:
    """Refuse an output file that cannot be meant, before any work is done.

    Parameters
    ----------
    path : file to be written.
    suffix : how its name must end, for example ``.json``.
    inputs : files that must not be overwritten.

    Raises
    ------
    InputError
        When the name ends otherwise, the folder is missing or not writable, or something other
        than a plain file, or an input, stands there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_output(Path(folder) / "plan.json", ".json")
    """
    place, folder = f"output {path}", path.parent
    problem = None
    if path.suffix.lower() != suffix:
        problem = Problem(place, f"a file name that ends in {suffix}", repr(path.name),
                          f"Write for example {path.stem or 'output'}{suffix}.")  # fmt: skip
    elif not folder.is_dir():
        there = "something that is not a folder" if folder.exists() else "no such folder"
        problem = Problem(place, f"an existing folder {folder}", there,
                          f"Make it first: mkdir -p {folder}")  # fmt: skip
    elif path.exists() and not path.is_file():
        problem = Problem(place, "a plain file or nothing", "something else that stands there",
                          "Choose another name.")  # fmt: skip
    elif any(given is not None and _same(path, given) for given in inputs):
        problem = Problem(place, "a new file", "one of the files that are read",
                          "Choose another name; inputs are never overwritten.")  # fmt: skip
    elif not os.access(folder, os.W_OK | os.X_OK):
        problem = Problem(place, f"a folder that can be written, {folder}", "no permission",
                          "Choose another folder or mend its permissions.")  # fmt: skip
    if problem:
        raise InputError(problem)


def check_folder(path: Path) -> None:
    """Refuse a folder for output that is something else or cannot be made."""
    if path.exists() and not path.is_dir():
        raise InputError(
            Problem(f"output {path}", "a folder", "something else that stands there",
                    "Choose another name.")
        )  # fmt: skip
    if not path.parent.is_dir():
        raise InputError(
            Problem(f"output {path}", f"an existing folder {path.parent}", "no such folder",
                    f"Make it first: mkdir -p {path.parent}")
        )  # fmt: skip


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary place to write to, and move the file into its place when all went well.

    Whatever happens before (an error, an interruption), the old file stays as it was and nothing
    half-written is left.

    Raises
    ------
    InputError
        When the system refuses to write, for example because the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "plan.json") as temporary:
    ...         _ = temporary.write_text("{}")
    ...     (Path(folder) / "plan.json").read_text()
    '{}'
    """
    try:
        # Beside the target, because os.replace cannot cross file systems.
        with tempfile.TemporaryDirectory(prefix=".anagen-", dir=path.parent) as folder:
            temporary = Path(folder) / path.name
            yield temporary
            os.replace(temporary, path)
    except OSError as error:
        raise InputError(
            Problem(f"output {path}", "a file that can be written", error.strerror or str(error),
                    "Free some space or choose another place.")
        ) from error  # fmt: skip


def _same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)
