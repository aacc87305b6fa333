"""The commands below ``anagen user``: accounts of the clinic, for whoever can read its key file.

A password is asked for without showing it, or read from standard input; never an argument, which
other users of the machine could see.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from anagen._commands.clinic_options import DatabaseOption, DataOption, KeyOption, opened

if TYPE_CHECKING:
    from anagen.clinic.accounts import AccountSeen

user_app = typer.Typer(
    name="user",
    help="The accounts of the clinic: who may sign in, and what they may do.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]
StdinOption = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input, one line."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
_ROLES = "administrator, clinician, assistant, researcher or reader"


@user_app.command("add")
def add_user(
    name: NameArgument,
    *,
    display_name: Annotated[
        str | None, typer.Option("--display-name", help="Name of the person; else NAME.")
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help=f"{_ROLES}; may be given several times."),
    ] = None,
    password_stdin: StdinOption = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """Make an account; asks for its password."""
    from anagen.clinic.accounts import make_account
    from anagen.clinic.permissions import CONSOLE

    with opened(data, database, key_file) as store:
        password = _password(password_stdin)
        made = make_account(store, CONSOLE, name, display_name or name, roles or (), password)
    _answer(made, f"Account {made.name} made: {', '.join(made.roles)}.", as_json=as_json)


@user_app.command("list")
def list_users(
    *,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """List the accounts."""
    from anagen._commands import shown
    from anagen.clinic.accounts import accounts
    from anagen.clinic.permissions import CONSOLE

    with opened(data, database, key_file) as store:
        found = accounts(store, CONSOLE)
    if as_json:
        shown.print_json([_plain(one) for one in found])
        return
    if not found:
        shown._print(shown._line("No account yet. Make one with: anagen user add NAME"))
        return
    table = shown._table("name", "person", "roles", "second factor", "state", "since")
    for one in found:
        cells = (one.name, one.display_name, ", ".join(one.roles),
                 "yes" if one.has_second_factor else "no",
                 "disabled" if one.disabled else "enabled", one.created[:10])  # fmt: skip
        table.add_row(*(shown._line(cell) for cell in cells))
    shown._print(table)


@user_app.command("password")
def set_user_password(
    name: NameArgument,
    *,
    password_stdin: StdinOption = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """Set a new password and sign the account out everywhere."""
    from anagen.clinic.accounts import account, set_password
    from anagen.clinic.permissions import CONSOLE

    with opened(data, database, key_file) as store:
        account(store, name)
        set_password(store, CONSOLE, name, _password(password_stdin))
        seen = account(store, name)
    _answer(seen, f"Password of {name} set; it is signed out everywhere.", as_json=as_json)


@user_app.command("disable")
def disable_user(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """Close an account at once, with its sign-ins and API tokens; its record stays."""
    from anagen.clinic.accounts import change_account
    from anagen.clinic.permissions import CONSOLE

    with opened(data, database, key_file) as store:
        seen = change_account(store, CONSOLE, name, disabled=True)
    _answer(seen, f"Account {name} disabled and signed out everywhere.", as_json=as_json)


@user_app.command("enable")
def enable_user(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """Open a disabled account again; its earlier sign-ins and API tokens stay ended."""
    from anagen.clinic.accounts import change_account
    from anagen.clinic.permissions import CONSOLE

    with opened(data, database, key_file) as store:
        seen = change_account(store, CONSOLE, name, disabled=False)
    _answer(seen, f"Account {name} enabled.", as_json=as_json)


@user_app.command("roles")
def set_user_roles(
    name: NameArgument,
    roles: Annotated[list[str], typer.Argument(metavar="ROLE...", help=f"{_ROLES}.")],
    *,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """Give an account these roles in place of those it had."""
    from anagen.clinic.accounts import change_account
    from anagen.clinic.permissions import CONSOLE

    with opened(data, database, key_file) as store:
        seen = change_account(store, CONSOLE, name, roles=roles)
    _answer(seen, f"Roles of {name}: {', '.join(seen.roles)}.", as_json=as_json)


@user_app.command("second-factor-reset")
def reset_second_factor(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """Remove the second factor of an account, for somebody who has lost the phone."""
    from anagen.clinic.accounts import account
    from anagen.clinic.permissions import CONSOLE
    from anagen.clinic.second_factor import remove_second_factor

    with opened(data, database, key_file) as store:
        remove_second_factor(store, CONSOLE, name)
        seen = account(store, name)
    _answer(seen, f"{name} signs in without a second factor now.", as_json=as_json)


@user_app.command("sign-out")
def sign_user_out(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    key_file: KeyOption = None,
) -> None:
    """End every sign-in of an account; its API tokens stay."""
    from anagen.clinic.accounts import account
    from anagen.clinic.permissions import CONSOLE
    from anagen.clinic.sign_in import revoke_sign_ins

    with opened(data, database, key_file) as store:
        ended = revoke_sign_ins(store, CONSOLE, name)
        seen = account(store, name)
    count = "1 sign-in" if ended == 1 else f"{ended} sign-ins"
    _answer(seen, f"{name}: {count} ended.", as_json=as_json, ended=ended)


def _password(from_stdin: bool) -> str:
    import sys

    from anagen.errors import InputError, Problem

    if from_stdin:
        # A surrogate stands for a byte that is no UTF-8; the check of passwords refuses it.
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InputError(
            Problem("password", "a terminal to type it in", "none",
                    "Send it to standard input with --password-stdin.")
        )  # fmt: skip
    typed = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return str(typed)


def _answer(seen: "AccountSeen", words: str, *, as_json: bool, **more: Any) -> None:
    from anagen._commands import shown

    if as_json:
        shown.print_json({**_plain(seen), **more})
    else:
        shown._print(shown._line(words, "green"))


def _plain(seen: "AccountSeen") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(seen)
