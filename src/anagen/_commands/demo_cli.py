"""The command that makes a clinic to look around in: ``anagen demo``."""

from typing import Annotated

import typer

from anagen._commands.clinic_options import DatabaseOption, DataOption, KeyOption, opened

ACCOUNT = "demo"


def demo(
    *,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
    people: Annotated[int, typer.Option("--people", min=1, max=400, help="How many.")] = 40,
    seed: Annotated[int, typer.Option("--seed", min=0, max=10**6, help="Of everything.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Answer in JSON, for machines.")
    ] = False,
) -> None:  # fmt: skip
    """Make a clinic of virtual patients over two years, in an empty record; nobody in it exists."""
    import secrets
    from datetime import date

    from anagen._commands import shown, work
    from anagen.clinic.accounts import make_account
    from anagen.clinic.permissions import CONSOLE, ROLES
    from anagen.clinic.setup import needs_setup
    from anagen.web.demo import make_demo

    with opened(data, database, key_file, create=True) as store:
        with work.progress_bar("Making the clinic", quiet=as_json) as progress:
            made = make_demo(store, today=date.today(), people=people, seed=seed, progress=progress)
        password = None
        if needs_setup(store):
            password = secrets.token_urlsafe(12)
            make_account(store, CONSOLE, ACCOUNT, "Demonstration", ROLES, password)
        folder = store.places.folder
    answer = {
        "people": len(made.numbers), "photographs": made.photographs, "folder": str(folder),
        "account": ACCOUNT if password else None, "password": password,
    }  # fmt: skip
    if as_json:
        shown.print_json(answer)
        return
    typer.echo(f"{len(made.numbers)} virtual patients, {made.photographs} pictures in {folder}")
    if password:
        typer.echo(f"Sign in as '{ACCOUNT}' with the password {password} (shown this once).")
    typer.echo("Look around: anagen serve --data " + str(folder))
