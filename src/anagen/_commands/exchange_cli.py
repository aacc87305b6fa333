"""Patient files into the clinic's record, out of it, and tables for research."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anagen._commands.clinic_options import DatabaseOption, DataOption, KeyOption, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anagen.clinic.store import Store
    from anagen.errors import Problem

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Patient files, JSON or TOML.")
    ],
    *,
    all_or_none: Annotated[
        bool,
        typer.Option("--all-or-none", help="Take nothing in when one of the files is refused."),
    ] = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take patient files into the clinic's record.

    A file with a problem is refused as a whole; the others go in. Exit code 2 when one was refused.
    """
    from anagen._commands import shown
    from anagen.clinic.files import import_files
    from anagen.clinic.permissions import CONSOLE
    from anagen.errors import InputError

    with opened(data, database, key_file) as store:
        found = import_files(store, CONSOLE, files, all_or_none=all_or_none)
    refused = [problem for problems in found.problems.values() for problem in problems]
    if as_json:
        shown.print_json(
            {"numbers": list(found.numbers), "problems": _listed(found.problems),
             "warnings": _listed(found.warnings)}
        )  # fmt: skip
        if refused:
            raise typer.Exit(2)
        return
    shown.print_warnings([one for warnings in found.warnings.values() for one in warnings])
    count = len(found.numbers)
    typer.echo(f"{count} {'person' if count == 1 else 'people'} taken into the record.")
    if refused:
        count = len(found.problems)
        typer.echo(f"{count} {'file' if count == 1 else 'files'} refused.", err=True)
        raise InputError(refused)


def export(
    number: Annotated[
        str | None, typer.Argument(metavar="[NUMBER]", help="Number of the person.")
    ] = None,
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Patient file to write, .json.")
    ] = None,
    identified: Annotated[
        bool, typer.Option("--identified", help="With the birth date instead of the age.")
    ] = False,
    research: Annotated[
        Path | None,
        typer.Option("--research", metavar="FOLDER",
                     help="Write the whole record, de-identified, into this new folder."),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Also people without a standing consent to research.")
    ] = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write one person as a patient file, or everybody de-identified for research.

    A patient file holds the notes as they were written. Tables for research hold no free text.
    """
    _check(number, output, research, identified=identified, everybody=everybody)
    if output is not None:
        from anagen._commands import files

        files.check_output(output, ".json")
    with opened(data, database, key_file) as store:
        if research is not None:
            _research(store, research, everybody, as_json)
        elif number is not None and output is not None:
            _person(store, number, output, identified, as_json)


def _person(store: "Store", number: str, output: Path, identified: bool, as_json: bool) -> None:
    from anagen._commands import shown
    from anagen.clinic.files import export_patient
    from anagen.clinic.permissions import CONSOLE
    from anagen.patient import save_patient

    save_patient(export_patient(store, CONSOLE, number, identified=identified), output)
    if as_json:
        shown.print_json({"number": number, "output": str(output), "identified": identified})
        return
    shown.print_written(("Patient", output))


def _research(store: "Store", folder: Path, everybody: bool, as_json: bool) -> None:
    from anagen._commands import shown
    from anagen.clinic.permissions import CONSOLE
    from anagen.clinic.research import export_research

    found = export_research(store, CONSOLE, folder, consented_only=not everybody)
    if as_json:
        shown.print_json({"people": found.people, "left_out": found.left_out,
                          "files": [str(path) for path in found.files]})  # fmt: skip
        return
    typer.echo(f"{found.people} people, {found.left_out} left out without consent to research.")
    shown.print_written(("Research tables", folder))


def _check(
    number: str | None,
    output: Path | None,
    research: Path | None,
    *,
    identified: bool,
    everybody: bool,
) -> None:
    """Refuse options that do not belong together, all at once."""
    from anagen.errors import InputError, Problem

    problems = []
    if (number is None) == (research is None):
        problems.append(
            Problem("export", "either a NUMBER or --research FOLDER",
                    "neither" if number is None else "both", "Give one of the two.")
        )  # fmt: skip
    if number is not None and output is None:
        problems.append(Problem("--output", "a file to write", "none", "Add: -o patient.json"))
    for given, name, fits, remedy in (
        (output is not None, "--output", number is not None, "It goes with a NUMBER."),
        (identified, "--identified", number is not None, "It goes with a NUMBER."),
        (everybody, "--all", research is not None, "It goes with --research."),
    ):
        if given and not fits:
            problems.append(Problem(name, "no such option here", name, remedy))
    if problems:
        raise InputError(problems)


def _listed(
    problems: "Mapping[str, tuple[Problem, ...]]",
) -> dict[str, list[dict[str, str]]]:
    return {name: [vars(one) for one in found] for name, found in problems.items()}
