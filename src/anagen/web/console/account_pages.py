"""The own account: password, second factor, sign-ins, API tokens, and one's own last accesses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from anagen.clinic import accounts, second_factor, sign_in, tokens
from anagen.clinic.accesses import latest_accesses
from anagen.clinic.permissions import PERMISSIONS, Actor
from anagen.clinic.store import Store
from anagen.errors import AccessError, AnagenError, InputError, Problem
from anagen.web.console.access_lines import browser_words, by_request
from anagen.web.console.forms import typed
from anagen.web.console.pages import PageRoute, problems_by_field
from anagen.web.console.render import page
from anagen.web.console.ticked import ticked
from anagen.web.guard import CurrentActor, SignedIn
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_SIGNED_IN = [Depends(SignedIn())]
# Lines that are read, and requests that are shown of them.
_LINES, _ACCESSES = 200, 10
# Choices of how long a token holds [day], and the one first chosen.
DAYS = (7, 30, 90, 180, 366)
_FIRST_DAYS = 30
_GROUP = 4  # letters of the key between two spaces, as apps show it

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Shown:
    """What is shown this once.

    Parameters
    ----------
    token : secret of a new API token; label : what it is for.
    key : of a second factor that is begun, as one types it; code : the same as a QR code.
    """

    token: str = ""
    label: str = ""
    key: str = ""
    code: Markup | None = None


@router.get("/account", dependencies=_SIGNED_IN)
def show_account(request: Request, actor: CurrentActor, done: str = "") -> Response:
    """Show the own account."""
    return _page(request, actor, 200, {}, {}, done=done)


@router.post("/account", dependencies=_SIGNED_IN)
async def change_own(request: Request, actor: CurrentActor) -> Response:
    """Change something of the own account, as the button pressed says."""
    fields, scopes = await typed(request), await ticked(request, "scopes")
    what = fields.get("do", "")
    try:
        change = _CHANGES.get(what)
        if change is None:
            raise InputError(
                Problem("", "a button of this page", "none", "Load the page again and press one.")
            )
        shown = await run_in_threadpool(change, request.app.state.store, actor, fields, scopes)
    except (AnagenError, InputError) as error:
        status = refusal_of(error).status
        errors = dict(problems_by_field(error))
        if isinstance(error, AccessError) and _FIELD_OF_REFUSAL.get(what):
            errors = {_FIELD_OF_REFUSAL[what]: errors.get("", "")}
        kept = {key: fields.get(key, "") for key in ("do", "label", "days")} | {
            f"scope {scope}": "yes" for scope in scopes
        }
        return await run_in_threadpool(_page, request, actor, status, kept, errors, done="")
    if shown is not None:
        return await run_in_threadpool(
            _page, request, actor, 200, {"do": what}, {}, done="", shown=shown
        )
    return RedirectResponse(f"/account?done={what}", 303)


def _page(
    request: Request, actor: Actor, status: int, fields: Fields, errors: Mapping[str, Any], *,
    done: str, shown: Shown | None = None,
) -> Response:  # fmt: skip
    store = request.app.state.store
    return page(
        request, "account.html", status, account=accounts.account(store, actor.account),
        sign_ins=sign_in.sign_ins(store, actor, actor.account),
        tokens=tokens.tokens(store, actor), fields=fields, errors=errors, done=done,
        shown=shown or Shown(), days=DAYS, first_days=str(_FIRST_DAYS),
        scopes=[one for one in PERMISSIONS if one in actor.permissions],
        browser=browser_words,
        lines=by_request(
            latest_accesses(store, actor, account=actor.account, limit=_LINES)
        )[:_ACCESSES],
    )  # fmt: skip


def qr_code(text: str) -> Markup:
    """QR code as SVG with a quiet border, black on white in every theme.

    Examples
    --------
    >>> "<svg" in qr_code("otpauth://totp/x") and "style" not in qr_code("otpauth://totp/x")
    True
    """
    import segno

    made = segno.make(text, error="m", micro=False)
    drawn = made.svg_inline(scale=4, border=4, dark="#000", light="#fff", omitsize=True,
                            svgclass="qr", lineclass=None)  # fmt: skip
    return Markup(drawn)


def _password(store: Store, actor: Actor, fields: Fields, _: tuple[str, ...]) -> None:
    if fields.get("new", "") != fields.get("again", ""):
        raise InputError(
            Problem("again", "the new password once more", "another one", "Type both again.")
        )
    try:
        accounts.set_password(store, actor, actor.account, fields.get("new", ""),
                              old=fields.get("old", ""))  # fmt: skip
    except InputError as error:
        raise InputError([_renamed(one, "password", "new") for one in error.problems]) from None


def _renamed(problem: Problem, before: str, after: str) -> Problem:
    if problem.place != before:
        return problem
    return Problem(after, problem.expected, problem.found, problem.remedy)


def _begin_factor(store: Store, actor: Actor, _: Fields, __: tuple[str, ...]) -> Shown:
    return _of_uri(second_factor.begin_second_factor(store, actor, actor.account))


def _of_uri(uri: str) -> Shown:
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    groups = (secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP))
    return Shown(key=" ".join(groups), code=qr_code(uri))


def _confirm_factor(store: Store, actor: Actor, fields: Fields, _: tuple[str, ...]) -> None:
    code = "".join(fields.get("code", "").split())
    second_factor.confirm_second_factor(store, actor, actor.account, code)


def _remove_factor(store: Store, actor: Actor, fields: Fields, _: tuple[str, ...]) -> None:
    code = "".join(fields.get("remove_code", "").split())
    second_factor.remove_second_factor(store, actor, actor.account, code=code)


def _end_one(store: Store, actor: Actor, fields: Fields, _: tuple[str, ...]) -> None:
    sign_in.revoke_sign_in(store, actor, fields.get("id", ""))


def _end_others(store: Store, actor: Actor, _: Fields, __: tuple[str, ...]) -> None:
    sign_in.revoke_sign_ins(store, actor, actor.account)


def _make_token(store: Store, actor: Actor, fields: Fields, scopes: tuple[str, ...]) -> Shown:
    days = fields.get("days", "")
    made = tokens.make_token(
        store, actor, fields.get("label", ""), scopes, int(days[:4]) if days.isdigit() else 0
    )
    return Shown(token=made.secret, label=made.token.label)


def _revoke_token(store: Store, actor: Actor, fields: Fields, _: tuple[str, ...]) -> None:
    tokens.revoke_token(store, actor, fields.get("id", ""))


# Which field a refusal without a field belongs to, such as a wrong old password.
_FIELD_OF_REFUSAL = {"password": "old", "remove-factor": "remove_code"}
_CHANGES: Mapping[str, Callable[[Store, Actor, Fields, tuple[str, ...]], Shown | None]] = {
    "password": _password, "begin-factor": _begin_factor, "confirm-factor": _confirm_factor,
    "remove-factor": _remove_factor, "sign-in": _end_one, "sign-ins": _end_others,
    "token": _make_token, "revoke-token": _revoke_token,
}  # fmt: skip
