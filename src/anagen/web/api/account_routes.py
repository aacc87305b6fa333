"""Accounts, signing in and out, second factor, API tokens, and the first start."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field, SecretStr

from anagen.clinic import accounts, second_factor, sign_in, tokens
from anagen.clinic.permissions import PERMISSIONS, Permission, Role
from anagen.clinic.setup import first_account, needs_setup
from anagen.errors import AccessError
from anagen.patient.quantities import Word
from anagen.web.api.shapes import Body, json_answer, refusals
from anagen.web.guard import (
    COOKIE,
    SECURE_COOKIE,
    Allowed,
    Anyone,
    CurrentActor,
    SignedIn,
    address_of,
    cookie_of,
)
from anagen.web.routes import RecordedRoute

router = APIRouter(route_class=RecordedRoute, tags=["accounts"])

AccountName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9._-]{1,63}$")]
NewName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{1,63}$")]
Password = Annotated[SecretStr, Field(max_length=1024)]
Roles = Annotated[tuple[Role, ...], Field(min_length=1, max_length=5)]
ItemId = Annotated[str, Path(pattern=r"^[0-9a-z]{8,40}$")]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class SetUp(Body):
    """The first account."""

    code: Annotated[SecretStr, Field(max_length=100, description="as the server printed it")]
    name: NewName
    display_name: Word
    password: Password


class Credentials(Body):
    """Who signs in."""

    name: Annotated[str, Field(max_length=64)]
    password: Password
    code: Annotated[str | None, Field(max_length=10, description="of the second factor")] = None


class Me(BaseModel):
    """Who is signed in, and what they may do."""

    account: str
    roles: list[Role]
    permissions: list[Permission]
    csrf: str | None = Field(None, description="to be sent as X-CSRF-Token with every change")


class AccountOut(BaseModel):
    """An account."""

    name: str
    display_name: str
    roles: list[Role]
    disabled: bool
    created: str
    has_second_factor: bool


class NewAccount(Body):
    """An account to be made."""

    name: NewName
    display_name: Word
    roles: Roles
    password: Password


class AccountChange(Body):
    """What is to be changed of an account; what is missing stays."""

    display_name: Word | None = None
    roles: Roles | None = None
    disabled: Annotated[bool, Field(strict=True)] | None = None


class NewPassword(Body):
    """Another password; one's own needs the old one."""

    new: Password
    old: Password | None = None


class SignInOut(BaseModel):
    """A sign-in that is open."""

    id: str
    account: str
    created: str
    seen: str
    expires: str
    address: str
    agent: str


class Enrolment(BaseModel):
    """Secret of a second factor, shown once."""

    uri: str = Field(description="otpauth address, for the code that the telephone reads")


class Confirmation(Body):
    """A code of the second factor."""

    code: Code


class NewToken(Body):
    """An API token to be made."""

    label: Word
    scopes: Annotated[tuple[Permission, ...], Field(min_length=1, max_length=len(PERMISSIONS))]
    days: Annotated[int, Field(ge=1, le=366, strict=True)]


class TokenOut(BaseModel):
    """An API token, without its secret."""

    id: str
    account: str
    label: str
    scopes: list[Permission]
    created: str
    expires: str
    seen: str | None
    revoked: bool


class MadeToken(BaseModel):
    """An API token just made."""

    secret: str = Field(description="shown this once")
    token: TokenOut


@router.get("/setup", operation_id="setup_state", dependencies=[Depends(Anyone())],
            response_model=dict[str, bool], responses=refusals())  # fmt: skip
def setup_state(request: Request) -> Response:
    """Tell whether the first account is still to be made."""
    return json_answer({"needed": needs_setup(request.app.state.store)})


@router.post("/setup", operation_id="set_up", dependencies=[Depends(Anyone())], status_code=201,
             response_model=AccountOut, responses=refusals(409))  # fmt: skip
def set_up(request: Request, body: SetUp) -> Response:
    """Make the first account with the code that the server printed at its first start."""
    made = first_account(
        request.app.state.store, body.code.get_secret_value(), body.name, body.display_name,
        body.password.get_secret_value(),
    )  # fmt: skip
    return json_answer(_account(made), 201)


@router.post("/session", operation_id="sign_in", dependencies=[Depends(Anyone())],
             response_model=Me, status_code=201, responses=refusals())  # fmt: skip
def begin_session(request: Request, body: Credentials) -> Response:
    """Sign in; the answer sets the cookie."""
    app = request.app
    made = sign_in.sign_in(
        app.state.store, body.name, body.password.get_secret_value(), body.code,
        address=address_of(request), agent=request.headers.get("User-Agent", "")[:200],
    )  # fmt: skip
    request.state.actor = made.actor
    answer = json_answer(_me(made.actor, sign_in.csrf_token(app.state.store, made.secret)), 201)
    secure = app.state.settings.secure
    answer.set_cookie(
        SECURE_COOKIE if secure else COOKIE, made.secret, path="/", httponly=True, secure=secure,
        samesite="strict",
    )  # fmt: skip
    return answer


@router.get("/session", operation_id="who_am_i", dependencies=[Depends(SignedIn())],
            response_model=Me, responses=refusals())  # fmt: skip
def read_session(request: Request, actor: CurrentActor) -> Response:
    """Tell who is signed in, and the token against forgery for changes with the cookie."""
    secret = cookie_of(request) if actor.sign_in else None
    csrf = sign_in.csrf_token(request.app.state.store, secret) if secret else None
    return json_answer(_me(actor, csrf))


@router.delete("/session", operation_id="sign_out", dependencies=[Depends(SignedIn())],
               status_code=204, responses=refusals())  # fmt: skip
def end_session(request: Request, actor: CurrentActor) -> Response:
    """Sign out."""
    secret = cookie_of(request)
    if actor.sign_in is None or secret is None:
        raise AccessError("expected a sign-in by cookie, found an API token; revoke the token")
    sign_in.sign_out(request.app.state.store, secret)
    answer = Response(status_code=204)
    for name in (COOKIE, SECURE_COOKIE):
        answer.delete_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True)
    return answer


@router.get("/accounts", operation_id="list_accounts",
            dependencies=[Depends(Allowed("accounts:manage"))], response_model=list[AccountOut],
            responses=refusals())  # fmt: skip
def list_accounts(request: Request, actor: CurrentActor) -> Response:
    """List all accounts."""
    found = accounts.accounts(request.app.state.store, actor)
    return json_answer([_account(one) for one in found])


@router.post("/accounts", operation_id="create_account", status_code=201,
             dependencies=[Depends(Allowed("accounts:manage"))], response_model=AccountOut,
             responses=refusals(409, 412))  # fmt: skip
def create_account(request: Request, body: NewAccount, actor: CurrentActor) -> Response:
    """Make an account."""
    made = accounts.make_account(
        request.app.state.store, actor, body.name, body.display_name, body.roles,
        body.password.get_secret_value(),
    )  # fmt: skip
    return json_answer(_account(made), 201, {"Location": f"/api/v1/accounts/{made.name}"})


@router.patch("/accounts/{name}", operation_id="change_account",
              dependencies=[Depends(Allowed("accounts:manage"))], response_model=AccountOut,
              responses=refusals(404))  # fmt: skip
def change_account(
    request: Request, name: AccountName, body: AccountChange, actor: CurrentActor
) -> Response:
    """Change name, roles or state of an account."""
    made = accounts.change_account(
        request.app.state.store, actor, name, display_name=body.display_name, roles=body.roles,
        disabled=body.disabled,
    )  # fmt: skip
    return json_answer(_account(made))


@router.put("/accounts/{name}/password", operation_id="change_password", status_code=204,
            dependencies=[Depends(SignedIn())], responses=refusals(404))  # fmt: skip
def change_password(
    request: Request, name: AccountName, body: NewPassword, actor: CurrentActor
) -> Response:
    """Choose another password, one's own or, as administrator, another's."""
    accounts.set_password(
        request.app.state.store, actor, name, body.new.get_secret_value(),
        old=body.old.get_secret_value() if body.old else None,
    )  # fmt: skip
    return Response(status_code=204)


@router.get("/accounts/{name}/sign-ins", operation_id="list_sign_ins",
            dependencies=[Depends(SignedIn())], response_model=list[SignInOut],
            responses=refusals(404))  # fmt: skip
def list_sign_ins(request: Request, name: AccountName, actor: CurrentActor) -> Response:
    """List the open sign-ins of an account."""
    found = sign_in.sign_ins(request.app.state.store, actor, name)
    return json_answer([_fields(one, SignInOut) for one in found])


@router.delete("/sign-ins/{id}", operation_id="revoke_sign_in", status_code=204,
               dependencies=[Depends(SignedIn())], responses=refusals(404))  # fmt: skip
def revoke_sign_in(request: Request, id: ItemId, actor: CurrentActor) -> Response:  # noqa: A002 - name in the address
    """End a sign-in, one's own or, as administrator, another's."""
    sign_in.revoke_sign_in(request.app.state.store, actor, id)
    return Response(status_code=204)


@router.post("/accounts/{name}/second-factor", operation_id="begin_second_factor", status_code=201,
             dependencies=[Depends(SignedIn())], response_model=Enrolment,
             responses=refusals(404))  # fmt: skip
def begin_second_factor(request: Request, name: AccountName, actor: CurrentActor) -> Response:
    """Begin a second factor; it counts once a code has confirmed it."""
    uri = second_factor.begin_second_factor(request.app.state.store, actor, name)
    return json_answer({"uri": uri}, 201)


@router.put("/accounts/{name}/second-factor", operation_id="confirm_second_factor",
            status_code=204, dependencies=[Depends(SignedIn())],
            responses=refusals(404))  # fmt: skip
def confirm_second_factor(
    request: Request, name: AccountName, body: Confirmation, actor: CurrentActor
) -> Response:
    """Confirm the second factor with a code from it."""
    second_factor.confirm_second_factor(request.app.state.store, actor, name, body.code)
    return Response(status_code=204)


@router.delete("/accounts/{name}/second-factor", operation_id="remove_second_factor",
               status_code=204, dependencies=[Depends(SignedIn())],
               responses=refusals(404))  # fmt: skip
def remove_second_factor(request: Request, name: AccountName, actor: CurrentActor) -> Response:
    """Remove the second factor."""
    second_factor.remove_second_factor(request.app.state.store, actor, name)
    return Response(status_code=204)


@router.get("/tokens", operation_id="list_tokens", dependencies=[Depends(SignedIn())],
            response_model=list[TokenOut], responses=refusals(404))  # fmt: skip
def list_tokens(
    request: Request, actor: CurrentActor,
    account: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9._-]{1,63}$")] = None,
) -> Response:  # fmt: skip
    """List API tokens: one's own, or as administrator those of another account."""
    found = tokens.tokens(request.app.state.store, actor, account)
    return json_answer([_fields(one, TokenOut) for one in found])


@router.post("/tokens", operation_id="create_token", status_code=201,
             dependencies=[Depends(SignedIn())], response_model=MadeToken,
             responses=refusals())  # fmt: skip
def create_token(request: Request, body: NewToken, actor: CurrentActor) -> Response:
    """Make an API token; its secret is shown this once."""
    made = tokens.make_token(request.app.state.store, actor, body.label, body.scopes, body.days)
    return json_answer({"secret": made.secret, "token": _fields(made.token, TokenOut)}, 201)


@router.delete("/tokens/{id}", operation_id="revoke_token", status_code=204,
               dependencies=[Depends(SignedIn())], responses=refusals(404))  # fmt: skip
def revoke_token(request: Request, id: ItemId, actor: CurrentActor) -> Response:  # noqa: A002 - name in the address
    """Revoke an API token."""
    tokens.revoke_token(request.app.state.store, actor, id)
    return Response(status_code=204)


def _me(actor: Any, csrf: str | None) -> dict[str, Any]:
    return {"account": actor.account, "roles": list(actor.roles),
            "permissions": sorted(actor.permissions), "csrf": csrf}  # fmt: skip


def _account(one: Any) -> dict[str, Any]:
    return _fields(one, AccountOut)


def _fields(one: Any, model: type[BaseModel]) -> dict[str, Any]:
    """Fields of a noun of the clinic that the API gives."""
    data = asdict(one)
    return {name: data[name] for name in model.model_fields}
