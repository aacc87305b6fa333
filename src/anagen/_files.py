"""Files that are written in full or not at all."""

import os
import secrets
from pathlib import Path

from anagen.errors import InputError, Problem


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in full, or leave what was there untouched.

    Parameters
    ----------
    path : file to write; a file that is there keeps its permissions.
    content : text, written as UTF-8, or bytes.

    Raises
    ------
    InputError
        When the file cannot be written there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "note.txt", "whole")
    ...     (Path(folder) / "note.txt").read_text()
    'whole'
    """
    temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                os.chmod(temporary, path.stat().st_mode & 0o777)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(
            Problem(ascii(str(path))[1:-1][:80], "a place where a file can be written",
                    why[:1].lower() + why[1:],
                    "Choose another folder or file.")
        ) from None  # fmt: skip
