"""Tables in CSV files of any maker: separators, byte order marks and quoted line breaks."""

import codecs
import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from anagen.errors import InputError, Problem

LARGEST_BYTES = 20_000_000
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}

_EXAMPLE = "Start from a header line such as study_id,arm,drug,..."


@dataclass(frozen=True)
class CsvRow:
    """One record of a table.

    Parameters
    ----------
    number : as a spreadsheet counts: the header is row 1.
    cells : text by column, stripped; columns that the file lacks are not in it.
    """

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class CsvTable:
    """A table as it stands in a file.

    Parameters
    ----------
    name : of the file, as given.
    separator : comma, semicolon or tab.
    columns : wanted columns that the file has.
    rows : records that could be read, without blank ones.
    problems : what is wrong with the header and with the records that could not be read.
    """

    name: str
    separator: str
    columns: frozenset[str]
    rows: tuple[CsvRow, ...]
    problems: tuple[Problem, ...]


def read_csv_file(
    path: str | os.PathLike[str], columns: Sequence[str], required: Sequence[str] = ()
) -> CsvTable:
    """Read the wanted columns of a CSV file, in any order and case, and pass over all others.

    Parameters
    ----------
    path : a UTF-8 file, with or without byte order mark.
    columns : names of the columns that are wanted.
    required : those of them that must be there.

    Raises
    ------
    InputError
        When the file cannot be read, is no text, or has no rows.

    Examples
    --------
    >>> read_csv_file("nobody.csv", ["arm"])
    Traceback (most recent call last):
        ...
    anagen.errors.InputError: nobody.csv: expected a file, found nothing. Check the path.
    """
    name = ascii(os.fspath(path))[1:-1]
    return parse_csv(_decode(_read_bytes(Path(path), name), name), name, columns, required)


def parse_csv(
    text: str, name: str, columns: Sequence[str], required: Sequence[str] = ()
) -> CsvTable:
    """Parse the text of a CSV file; see `read_csv_file`."""
    text = text.removeprefix("\ufeff")
    separator = _separator(text, columns)
    problems: list[Problem] = []
    records = _records(text, separator, name, problems)
    number, header = next(records, (0, []))
    if problems or not number:
        raise InputError(problems or Problem(name, "a table", "an empty file", _EXAMPLE))
    wanted = {column.lower(): column for column in columns}
    names = [wanted.get(cell.lower(), cell) for cell in header]
    problems += _header_problems(names, columns, required, f"{name}: row {number}, header")
    rows = []
    body = list(records)
    # Some programs end every row with a separator; in one row only it is a cell out of place.
    padded = len({len(record) for _, record in body}) == 1
    for row, record in body:
        extra = record[len(names) :]
        if len(record) < len(names) or any(extra) or (extra and not padded):
            problems.append(_ragged(f"{name}: row {row}", len(names), len(record)))
        else:
            cells = zip(names, record, strict=False)
            rows.append(CsvRow(row, {key: cell for key, cell in cells if key in columns}))
    if not rows and not problems:
        raise InputError(
            Problem(name, "at least one row below the header", "none", "Add the rows.")
        )
    return CsvTable(name, separator, frozenset(names) & set(columns), tuple(rows), tuple(problems))


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        size = path.stat().st_size
        if path.is_file() and size <= LARGEST_BYTES:
            return path.read_bytes()
    except FileNotFoundError:
        raise InputError(Problem(name, "a file", "nothing", "Check the path.")) from None
    except (OSError, ValueError) as error:
        why = str(getattr(error, "strerror", None) or error).lower()
        remedy = "Check the path and the permissions."
        raise InputError(Problem(name[:200], "a file that can be read", why, remedy)) from None
    if path.is_dir():
        raise InputError(Problem(name, "a file", "a folder", "Name the file in it."))
    if not path.is_file():
        raise InputError(Problem(name, "a file", "a device", "Name a file."))
    limit, found = f"at most {LARGEST_BYTES // 1_000_000} MB", f"{size / 1e6:.0f} MB"
    raise InputError(Problem(name, limit, found, "Is it a table of arms? Split it."))


def _decode(content: bytes, name: str) -> str:
    remedy = "Save it from the spreadsheet as CSV UTF-8."
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(Problem(name, "text in UTF-8", "text in UTF-16", remedy))
    if b"\0" in content:
        raise InputError(Problem(name, "a CSV file", "a binary file", remedy))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{content[error.start]:02x} in line {line}"
        raise InputError(Problem(name, "text in UTF-8", found, remedy)) from None


def _separator(text: str, columns: Sequence[str]) -> str:
    """Separator under which the first line holds most of the wanted columns; comma when none."""
    wanted = {column.lower() for column in columns}
    first = next(iter(text.lstrip().splitlines()), "")

    def known(separator: str) -> int:
        return len({cell.strip(' "').lower() for cell in first.split(separator)} & wanted)

    return max(SEPARATORS, key=known)


def _records(
    text: str, separator: str, name: str, problems: list[Problem]
) -> Iterator[tuple[int, list[str]]]:
    """Yield records that are not blank with their row numbers; add those that do not parse."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            place = f"{name}: row {number}"
            problems.append(_unreadable(place, reader.line_num, str(error)))
            continue
        cells = [cell.strip() for cell in record]
        if any(cells):
            yield number, cells


def _unreadable(place: str, line: int, message: str) -> Problem:
    if "limit" in message:
        remedy = "Look for a quotation mark that is not closed."
        return Problem(place, "cells of ordinary length", f"more up to line {line}", remedy)
    ended = "unexpected end of data" in message
    found = "a quotation mark that is never closed" if ended else f"{message}, in line {line}"
    remedy = 'Close it, and write a quotation mark within a quoted cell twice: "".'
    return Problem(place, "quoted cells that end with their quotation mark", found, remedy)


def _ragged(place: str, wanted: int, found: int) -> Problem:
    remedy = "Put quotation marks around cells with separators in them, and keep empty cells."
    return Problem(place, f"{wanted} cells, as in the header", f"{found}", remedy)


def _header_problems(
    names: Sequence[str], columns: Sequence[str], required: Sequence[str], place: str
) -> Iterator[Problem]:
    for column, count in Counter(column for column in names if column).items():
        if count > 1:
            found = f"{count} of that name"
            yield Problem(place, f"one column {column}", found, "Keep one of them.")
    strangers = {name.lower(): name for name in names if name and name not in columns}
    for column in required:
        if column not in names:
            near = get_close_matches(column.lower(), strangers, n=1)
            advice = f"Is {strangers[near[0]]!r} meant? Rename it." if near else "Add it."
            yield Problem(place, f"a column {column}", "none", f"{advice} Its cells may be empty.")
