"""Who may do what: roles, permissions, and the one who acts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from anagen.errors import AccessError

Role = Literal["administrator", "clinician", "assistant", "researcher", "reader"]
Permission = Literal[
    "record:read",
    "record:write",
    "plan:write",
    "compute",
    "research:read",
    "accounts:manage",
    "audit:read",
    "settings:read",
    "settings:write",
]
ROLES: tuple[Role, ...] = get_args(Role)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

# An administrator keeps the accounts and sees no patient; who does both has both roles.
ALLOWED: Mapping[Role, frozenset[Permission]] = {
    "administrator": frozenset(
        ("accounts:manage", "audit:read", "settings:read", "settings:write")
    ),
    "clinician": frozenset(
        ("record:read", "record:write", "plan:write", "compute", "settings:read")
    ),
    "assistant": frozenset(("record:read", "record:write", "compute", "settings:read")),
    "researcher": frozenset(("research:read", "compute", "settings:read")),
    "reader": frozenset(("record:read", "settings:read")),
}

# What is decided, not noted: an assistant may read it and not write it.
_DECISIONS = frozenset(("plan", "forecast"))


@dataclass(frozen=True)
class Actor:
    """Who acts, and what they may do.

    Parameters
    ----------
    account : name of the account.
    permissions : what it may do now; with a token what the token may do of that.
    roles : of the account.
    sign_in : id of the sign-in, when there is one.
    token : id of the API token, when there is one.
    address : where the request came from.
    """

    account: str
    permissions: frozenset[Permission]
    roles: tuple[Role, ...] = ()
    sign_in: str | None = None
    token: str | None = None
    address: str = field(default="", compare=False)


# The command line acts for whoever can read the key file.
CONSOLE = Actor("console", frozenset(PERMISSIONS), ROLES)


def permissions_of(roles: tuple[Role, ...]) -> frozenset[Permission]:
    """Everything that the roles together may do.

    Examples
    --------
    >>> sorted(permissions_of(("reader",)))
    ['record:read', 'settings:read']
    """
    return frozenset().union(*(ALLOWED[role] for role in roles))


def may_write(kind: str) -> Permission:
    """Permission that writing a kind of document needs.

    Examples
    --------
    >>> may_write("visit"), may_write("plan")
    ('record:write', 'plan:write')
    """
    return "plan:write" if kind in _DECISIONS else "record:write"


def require(actor: Actor, permission: Permission) -> None:
    """Refuse somebody who may not do this.

    Raises
    ------
    AccessError
        When the permission is missing.
    """
    if permission not in actor.permissions:
        raise AccessError(
            f"expected an account with the permission '{permission}', found {actor.account!r} "
            "without it. Ask an administrator"
        )
