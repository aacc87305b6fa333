"""The commands that keep the record: ``anagen verify``, ``backup``, ``restore``, ``erase``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from anagen._commands.clinic_options import DatabaseOption, DataOption, KeyOption, opened

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, one file.")]


def verify(
    *,
    anchor: Annotated[
        str | None,
        typer.Option("--anchor", metavar="NUMBER:SEAL",
                     help="End of the chain that an earlier check or backup told."),
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:  # fmt: skip
    """Check that nothing in the record was changed behind its back; exit code 1 if it was."""
    from anagen.clinic.verify import verify as check

    with opened(data, database, key_file) as store:
        verdict = check(store, anchor=anchor)
    if as_json:
        _say_json(asdict(verdict), failed=not verdict.sound)
        return
    _say_verdict(verdict)
    if not verdict.sound:
        raise typer.Exit(1)


def backup(
    file: FileArgument,
    *,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole record to one file, while it is in use. The key file is not in it."""
    from anagen.clinic.backup import backup as make

    with opened(data, database, key_file) as store:
        made = make(store, file)
        key = store.places.key_file
    if as_json:
        _say_json({**asdict(made), "key_file": str(key)}, failed=bool(made.missing))
        return
    typer.echo(
        f"Backup of {made.people} people, {made.entries} entries and {made.photographs} "
        f"photographs written to {made.file} ({made.bytes / 1e6:.1f} MB)."
    )
    typer.echo(f"Anchor: {made.anchor}")
    typer.echo(f"Keep the key file {key} elsewhere too: without it the backup is of no use.")
    for sha256 in made.missing:
        typer.echo(f"photograph {sha256}: missing or damaged, so it is not in the backup", err=True)
    if made.missing:
        raise typer.Exit(1)


def restore(
    file: FileArgument,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Move a record that stands there aside.")
    ] = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the record back from a backup and check it. Stop the server first."""
    from anagen.clinic.places import find_places
    from anagen.clinic.restore import restore as bring_back

    done = bring_back(file, find_places(data, database, key_file), force=force)
    if as_json:
        _say_json(asdict(done), failed=not done.verdict.sound)
        return
    typer.echo(f"Record of {done.made[:19]} UTC brought back.")
    for place in done.aside:
        typer.echo(f"What stood there before is now {place}")
    _say_verdict(done.verdict)
    if not done.verdict.sound:
        raise typer.Exit(1)


def erase(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Number of the person.")],
    *,
    basis: Annotated[
        str, typer.Option("--basis", metavar="TEXT", help="Legal basis or request, in words.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase all texts and photographs of a person, for good, as the law may ask."""
    from anagen.clinic.erase import erase as make_gone
    from anagen.clinic.permissions import CONSOLE
    from anagen.errors import InputError, Problem

    with opened(data, database, key_file) as store:
        if not yes:
            typer.echo(f"This erases all texts and photographs of {number} for good.", err=True)
            answer = typer.prompt("Type the number again", default="", show_default=False, err=True)
            if answer.strip() != number:
                raise InputError(
                    Problem("number", f"{number!r} typed again", repr(answer.strip()[:40]),
                            "Nothing was erased.")
                )  # fmt: skip
        done = make_gone(store, CONSOLE, number, basis).document
    if as_json:
        _say_json({"number": number, "texts": done.texts, "photographs": done.photographs})
        return
    typer.echo(f"Erased: {done.texts} texts and {done.photographs} photographs of {number}.")
    typer.echo("Backups made before still hold them: clear those too.")


def _say_json(data: dict[str, Any], *, failed: bool = False) -> None:
    """Answer in JSON; exit code 1 when something is amiss."""
    typer.echo(json.dumps(data, default=str, ensure_ascii=False, indent=1))
    if failed:
        raise typer.Exit(1)


def _say_verdict(verdict: object) -> None:
    from anagen.clinic.verify import Verdict

    assert isinstance(verdict, Verdict)
    for problem in verdict.problems:
        typer.echo(str(problem), err=True)
    checked = (
        f"{verdict.entries} entries of {verdict.people} people, {verdict.photographs} photographs "
        f"and {verdict.accesses} lines of the access log"
    )
    count = len(verdict.problems)
    found = "sound" if verdict.sound else f"{count} problem{'s' if count > 1 else ''} found"
    typer.echo(f"Checked {checked}: {found}.")
    typer.echo(f"Anchor: {verdict.end}")
