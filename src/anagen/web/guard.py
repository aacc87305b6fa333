"""Who asks, and may they: the dependencies that every route has one of.

`Allowed` names the permission a route needs, `SignedIn` any account, `Anyone` nobody, `Explorer`
nobody where the clinic lets everybody explore; a test walks all routes and demands one of them on
each.
"""

import contextlib
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from anagen.clinic.permissions import Actor, Permission, require
from anagen.clinic.settings import setting
from anagen.clinic.sign_in import actor_of_sign_in, check_csrf
from anagen.clinic.tokens import actor_of_token
from anagen.errors import AccessError

COOKIE = "anagen_sign_in"
SECURE_COOKIE = f"__Host-{COOKIE}"
CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


def cookie_of(request: Request) -> str | None:
    """Secret of the sign-in that the browser sent, if any."""
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)


def address_of(request: Request) -> str:
    """Address of the client."""
    return request.client.host[:64] if request.client else ""


async def current_actor(request: Request) -> Actor:
    """Account that asks: by API token, else by sign-in cookie with the token against forgery.

    Raises
    ------
    AccessError
        When nobody is signed in, or a change comes with a cookie but without the token against
        forgery.
    """
    known: Actor | None = getattr(request.state, "actor", None)
    if known is None:
        known = await run_in_threadpool(_find_actor, request)
        request.state.actor = known
    return known


def _find_actor(request: Request) -> Actor:
    store = request.app.state.store
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return actor_of_token(store, token.strip())
    secret = cookie_of(request)
    if secret is None:
        raise AccessError("expected a sign-in or an API token, found neither", signed_in=False)
    actor = actor_of_sign_in(store, secret)
    if request.method not in _SAFE:
        given = str(request.headers.get(CSRF_HEADER) or getattr(request.state, "csrf", ""))
        check_csrf(store, secret, given)
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]


class Guard:
    """What a route asks of the one who calls it."""


class Allowed(Guard):
    """A permission is needed.

    Parameters
    ----------
    permission : which.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    # Not a plain function, which would wait for a thread at every request.
    async def __call__(self, actor: CurrentActor) -> None:
        """Refuse an actor who may not."""
        require(actor, self.permission)


class SignedIn(Guard):
    """Any account will do."""

    async def __call__(self, actor: CurrentActor) -> None:
        """Refuse nobody who is signed in."""


class Anyone(Guard):
    """No account is needed."""

    async def __call__(self) -> None:
        """Refuse nobody."""


# Who explores without an account: may compute, and holds no record. No account can have its name.
EXPLORER = Actor("(explore)", frozenset(("compute",)))


class Explorer(Guard):
    """No account is needed while the setting ``explore`` is on; else the permission ``compute``."""

    permission: Permission = "compute"

    async def __call__(self, request: Request) -> None:
        """Note as ``request.state.explorer`` who computes, and refuse whoever may not."""
        if getattr(request.state, "explorer", None) is not None:
            return
        is_open = await run_in_threadpool(_explore_is_open, request)
        try:
            actor = await current_actor(request)
            if not is_open or self.permission in actor.permissions:
                require(actor, self.permission)
            else:
                actor = EXPLORER
        except AccessError as error:
            if error.signed_in or not is_open:
                raise
            actor = EXPLORER
        request.state.explorer = actor


def _explore_is_open(request: Request) -> bool:
    return setting(request.app.state.store, "explore").value == "on"


async def admit(request: Request, guard: Guard) -> None:
    """Refuse whoever may not use a route.

    Raises
    ------
    AccessError
        When nobody is signed in where somebody must be, or the permission is missing, or a page
        of another site sends a change (as all browsers of today tell by ``Sec-Fetch-Site``).
    """
    elsewhere = request.headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site")
    if elsewhere and request.method not in _SAFE:
        raise AccessError("expected a form of this page, found one of another site")
    if isinstance(guard, Anyone):
        return
    if isinstance(guard, Explorer):
        await guard(request)
        return
    actor = await current_actor(request)
    if isinstance(guard, Allowed):
        await guard(actor)


def guard_of(route: Any) -> Guard | None:
    """Find what a route asks of the one who calls it; None when somebody forgot."""
    with contextlib.suppress(AttributeError):
        for dependency in route.dependant.dependencies:
            if isinstance(dependency.call, Guard):
                return dependency.call
    return None
