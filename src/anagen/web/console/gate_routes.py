"""The way in and out: first start, sign-in, sign-out; language and theme."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from anagen.clinic import sign_in as room
from anagen.clinic.setup import first_account, needs_setup
from anagen.errors import AnagenError, SecondFactorError
from anagen.web.console.forms import typed
from anagen.web.console.pages import PageRoute, problems_by_field, safe_address
from anagen.web.console.render import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, page
from anagen.web.console.texts import LANGUAGES
from anagen.web.guard import COOKIE, SECURE_COOKIE, Anyone, address_of, cookie_of
from anagen.web.problems import refusal_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_OPEN = [Depends(Anyone())]
_YEAR_SECONDS = 365 * 24 * 3600


@router.get("/sign-in", dependencies=_OPEN)
def show_sign_in(request: Request, then: str = "/") -> Response:
    """Show the form that signs in; the very first time, the one that makes the first account."""
    if needs_setup(request.app.state.store):
        return RedirectResponse("/setup", 303)
    return page(request, "sign_in.html", then=safe_address(then), name="", errors={}, factor=False)


@router.post("/sign-in", dependencies=_OPEN)
async def do_sign_in(request: Request) -> Response:
    """Sign in and go on to where one was."""
    fields = await typed(request)
    then, name = safe_address(fields.get("then")), fields.get("name", "").strip()
    store = request.app.state.store
    try:
        made = await run_in_threadpool(
            room.sign_in, store, name, fields.get("password", ""), fields.get("code") or None,
            address=address_of(request), agent=request.headers.get("User-Agent", "")[:200],
        )  # fmt: skip
    except AnagenError as error:
        refusal = refusal_of(error)
        factor = isinstance(error, SecondFactorError)
        return page(
            request, "sign_in.html", refusal.status, then=then, name=name, factor=factor,
            errors=problems_by_field(error),
        )  # fmt: skip
    request.state.actor = made.actor
    answer = RedirectResponse(then, 303)
    secure = request.app.state.settings.secure
    answer.set_cookie(
        SECURE_COOKIE if secure else COOKIE, made.secret, path="/", httponly=True, secure=secure,
        samesite="strict",
    )  # fmt: skip
    return answer


@router.post("/sign-out", dependencies=_OPEN)
def do_sign_out(request: Request) -> Response:
    """Sign out; safe without a token, as the cookie is sent only from this site."""
    secret = cookie_of(request)
    if secret is not None:
        room.sign_out(request.app.state.store, secret)
    answer = RedirectResponse("/sign-in", 303)
    for name in (COOKIE, SECURE_COOKIE):
        answer.delete_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True)
    return answer


@router.get("/setup", dependencies=_OPEN)
def show_setup(request: Request) -> Response:
    """Show the form that makes the first account."""
    if not needs_setup(request.app.state.store):
        return RedirectResponse("/sign-in", 303)
    return page(request, "setup.html", fields={}, errors={})


@router.post("/setup", dependencies=_OPEN)
async def do_setup(request: Request) -> Response:
    """Make the first account."""
    fields = await typed(request)
    try:
        await run_in_threadpool(
            first_account, request.app.state.store, fields.get("code", ""),
            fields.get("name", "").strip(), fields.get("display_name", "").strip(),
            fields.get("password", ""),
        )  # fmt: skip
    except AnagenError as error:
        shown = {name: fields.get(name, "") for name in ("name", "display_name")}
        return page(
            request, "setup.html", refusal_of(error).status, fields=shown,
            errors=problems_by_field(error),
        )  # fmt: skip
    return RedirectResponse("/sign-in", 303)


@router.post("/preferences", dependencies=_OPEN)
async def choose(request: Request) -> Response:
    """Choose language or theme, for this browser."""
    fields = await typed(request)
    answer = RedirectResponse(safe_address(fields.get("then")), 303)
    secure = request.app.state.settings.secure
    for field, cookie, allowed in (("language", LANGUAGE_COOKIE, tuple(LANGUAGES)),
                                   ("theme", THEME_COOKIE, THEMES)):  # fmt: skip
        if fields.get(field) in allowed:
            answer.set_cookie(cookie, fields[field], max_age=_YEAR_SECONDS, path="/",
                              samesite="lax", secure=secure)  # fmt: skip
    return answer
