"""Administration: accounts with their sign-ins and tokens."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic import accounts, second_factor, sign_in, tokens
from anagen.clinic.entries import head
from anagen.clinic.permissions import ALLOWED, ROLES, Actor
from anagen.clinic.store import Store, reading
from anagen.errors import AnagenError, InputError, NotFoundError, Problem, StaleError
from anagen.web.console.access_lines import browser_words
from anagen.web.console.forms import typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.render import page
from anagen.web.console.ticked import ticked
from anagen.web.guard import Allowed, CurrentActor
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MANAGE = [Depends(Allowed("accounts:manage"))]
# What comes back with a form that was refused; never a password.
_SHOWN = ("name", "display_name")

AccountName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9._-]{1,63}$")]
Fields = Mapping[str, str]
Change = Callable[[Store, Actor, str, Fields, tuple[str, ...]], None]


@router.get("/admin", dependencies=_MANAGE)
def show_accounts(request: Request, actor: CurrentActor, done: str = "") -> Response:
    """List the accounts, with the form for a new one."""
    return _list(request, actor, 200, {}, (), {}, done=done)


@router.post("/admin", dependencies=_MANAGE)
async def add_account(request: Request, actor: CurrentActor) -> Response:
    """Make an account."""
    fields, roles = await typed(request), await ticked(request, "roles")
    name = fields.get("name", "").strip()
    try:
        await run_in_threadpool(
            accounts.make_account, request.app.state.store, actor, name,
            fields.get("display_name", ""), roles, fields.get("password", ""),
        )  # fmt: skip
    except (AnagenError, InputError) as error:
        return await run_in_threadpool(
            _list, request, actor, refusal_of(error).status,
            {key: fields.get(key, "") for key in _SHOWN}, roles, problems_by_field(error), done="",
        )  # fmt: skip
    return RedirectResponse(f"/admin/accounts/{name}?done=made", 303)


def _list(
    request: Request, actor: Actor, status: int, fields: Fields, roles: tuple[str, ...],
    errors: Mapping[str, Any], *, done: str,
) -> Response:  # fmt: skip
    found = accounts.accounts(request.app.state.store, actor)
    return page(
        request, "admin.html", status, found=found, fields=fields, chosen=roles, errors=errors,
        roles=ROLES, allowed=ALLOWED, done=done, part="accounts",
    )  # fmt: skip


@router.get("/admin/accounts/{name}", dependencies=_MANAGE)
def show_account(
    request: Request, name: AccountName, actor: CurrentActor, done: str = ""
) -> Response:
    """Show one account."""
    return _one(request, actor, name, 200, None, {}, done=done)


@router.post("/admin/accounts/{name}", dependencies=_MANAGE)
async def change_account(request: Request, name: AccountName, actor: CurrentActor) -> Response:
    """Change an account, as the button pressed says."""
    fields, roles = await typed(request), await ticked(request, "roles")
    what = fields.get("do", "")
    try:
        change = _CHANGES.get(what)
        if change is None:
            raise InputError(
                Problem("", "a button of this page", "none", "Load the page again and press one.")
            )
        store = request.app.state.store
        await run_in_threadpool(_changed, store, actor, name, fields, roles, change)
    except NotFoundError:
        raise
    except (AnagenError, InputError) as error:
        shown = {"display_name": fields.get("display_name", ""), "roles": roles}
        return await run_in_threadpool(
            _one, request, actor, name, refusal_of(error).status,
            shown if what == "change" else None, problems_by_field(error), done="",
        )  # fmt: skip
    return RedirectResponse(f"/admin/accounts/{name}?done={what}", 303)


def _one(
    request: Request, actor: Actor, name: str, status: int, shown: Mapping[str, Any] | None,
    errors: Mapping[str, Any], *, done: str,
) -> Response:  # fmt: skip
    store = request.app.state.store
    seen = accounts.account(store, name)
    return page(
        request, "admin_account.html", status, account=seen, errors=errors, roles=ROLES,
        allowed=ALLOWED, done=done, part="accounts", version=version_of(store, name),
        fields=shown or {"display_name": seen.display_name, "roles": seen.roles},
        browser=browser_words,
        sign_ins=sign_in.sign_ins(store, actor, name), tokens=tokens.tokens(store, actor, name),
    )  # fmt: skip


def version_of(store: Store, name: str) -> int:
    """Version of an account, counted by its changes in the chain; 0 before the first."""
    with reading(store) as connection:
        try:
            return head(store, connection, "account", name).version
        except NotFoundError:
            return 0


def _changed(
    store: Store, actor: Actor, name: str, fields: Fields, roles: tuple[str, ...], change: Change
) -> None:
    """Make a change that is based on the version that was shown."""
    accounts.account(store, name)
    current = version_of(store, name)
    if fields.get("version") != str(current):
        raise StaleError(
            "the account was changed by somebody else meanwhile. What it is now is shown; change "
            "it again where that is still needed", current,
        )  # fmt: skip
    change(store, actor, name, fields, roles)


def _edit(
    store: Store, actor: Actor, name: str, fields: Fields, roles: tuple[str, ...]
) -> None:  # fmt: skip
    accounts.change_account(store, actor, name, display_name=fields.get("display_name", ""),
                            roles=roles)  # fmt: skip


def _disable(store: Store, actor: Actor, name: str, _: Fields, __: tuple[str, ...]) -> None:
    accounts.change_account(store, actor, name, disabled=True)


def _enable(store: Store, actor: Actor, name: str, _: Fields, __: tuple[str, ...]) -> None:
    accounts.change_account(store, actor, name, disabled=False)


def _password(
    store: Store, actor: Actor, name: str, fields: Fields, _: tuple[str, ...]
) -> None:  # fmt: skip
    if accounts.is_own(actor, name):
        raise InputError(
            Problem("password", "another person's account", "your own",
                    "Change your own password under 'Your account'.")
        )  # fmt: skip
    accounts.set_password(store, actor, name, fields.get("password", ""))


def _end_all(store: Store, actor: Actor, name: str, _: Fields, __: tuple[str, ...]) -> None:
    sign_in.revoke_sign_ins(store, actor, name)


def _end_one(store: Store, actor: Actor, _: str, fields: Fields, __: tuple[str, ...]) -> None:
    sign_in.revoke_sign_in(store, actor, fields.get("id", ""))


def _factor(store: Store, actor: Actor, name: str, _: Fields, __: tuple[str, ...]) -> None:
    if accounts.is_own(actor, name):
        raise InputError(
            Problem("factor", "another person's account", "your own",
                    "Remove your own second factor under 'Your account', with a code.")
        )  # fmt: skip
    second_factor.remove_second_factor(store, actor, name)


def _token(store: Store, actor: Actor, _: str, fields: Fields, __: tuple[str, ...]) -> None:
    tokens.revoke_token(store, actor, fields.get("id", ""))


_CHANGES: Mapping[str, Change] = {
    "change": _edit, "disable": _disable, "enable": _enable, "password": _password,
    "sign-ins": _end_all, "sign-in": _end_one, "factor": _factor, "token": _token,
}  # fmt: skip
