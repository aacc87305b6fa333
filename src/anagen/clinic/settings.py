"""Settings of the clinic: few, each checked, each change in the chain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from anagen.clinic.documents import Setting
from anagen.clinic.entries import Entry, head, put
from anagen.clinic.permissions import Actor, require
from anagen.clinic.store import Store, reading, writing
from anagen.errors import InputError, NotFoundError, Problem


@dataclass(frozen=True)
class SettingKind:
    """One setting.

    Parameters
    ----------
    name : of it.
    meaning : in words.
    default : value where none was chosen.
    allowed : gives the words allowed; None where any text is.
    """

    name: str
    meaning: str
    default: str
    allowed: Callable[[], tuple[str, ...]] | None = None


def _profiles() -> tuple[str, ...]:
    from anagen.treatment.profiles import profile_names

    return profile_names()


SETTINGS: Mapping[str, SettingKind] = {
    one.name: one
    for one in (
        SettingKind("clinic_name", "name of the clinic, as letters show it", ""),
        SettingKind("rules_profile", "which rules hold", "anagen-default", _profiles),
        SettingKind("explore", "whether what-if without a patient needs no sign-in", "off",
                    lambda: ("on", "off")),
        SettingKind("paper", "size of printed pages", "A4", lambda: ("A4", "Letter")),
    )
}  # fmt: skip


@dataclass(frozen=True)
class SettingSeen:
    """A setting as it stands.

    Parameters
    ----------
    name, meaning : of it.
    value : chosen, else the default.
    version : 0 while it is the default.
    allowed : the words allowed; empty where any text is.
    """

    name: str
    meaning: str
    value: str
    version: int
    allowed: tuple[str, ...]


def setting(store: Store, name: str) -> SettingSeen:
    """Read one setting.

    Raises
    ------
    NotFoundError
        When there is no such setting.
    """
    kind = _kind(name)
    allowed = kind.allowed() if kind.allowed else ()
    try:
        with reading(store) as connection:
            entry = head(store, connection, "setting", name)
    except NotFoundError:
        return SettingSeen(name, kind.meaning, kind.default, 0, allowed)
    return SettingSeen(name, kind.meaning, entry.document.value, entry.version, allowed)


def settings(store: Store) -> tuple[SettingSeen, ...]:
    """Read all settings."""
    return tuple(setting(store, name) for name in SETTINGS)


def change_setting(
    store: Store, actor: Actor, name: str, value: str, *, expected: int, reason: str
) -> Entry:
    """Choose another value.

    Raises
    ------
    AccessError, NotFoundError, StaleError, InputError
        When nothing was changed; each says why.
    """
    require(actor, "settings:write")
    kind = _kind(name)
    allowed = kind.allowed() if kind.allowed else ()
    if allowed and value not in allowed:
        raise InputError(
            Problem("value", f"one of {', '.join(allowed)}", repr(value[:80]),
                    "Choose one of them.")
        )  # fmt: skip
    with writing(store) as connection:
        return put(
            store, connection, "setting", name, Setting(value=value), person=None,
            author=actor.account, reason=reason, expected=expected,
        )  # fmt: skip


def _kind(name: str) -> SettingKind:
    if name not in SETTINGS:
        raise NotFoundError(f"setting {name[:80]!r}: there is no such setting")
    return SETTINGS[name]
