"""Passwords: what is accepted, and what is kept of them (Argon2id)."""

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from anagen.clinic.credentials import encoded
from anagen.errors import InputError, Problem

SHORTEST, LONGEST = 12, 256

# Argon2id with 19 MiB, 2 passes and 1 lane: the first choice of the OWASP Password Storage Cheat
# Sheet, of the kind that RFC 9106 recommends. Hashes of other settings are renewed at sign-in.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)

# Each hash takes 19 MiB, so that a flood of sign-ins must wait and not fill the memory.
_AT_ONCE = threading.BoundedSemaphore(4)

# The commonest passwords that are long enough, without letter case and signs between words.
_COMMON = frozenset(
    [
        "password1234",
        "password12345",
        "password123456",
        "passwordpassword",
        "password123!",
        "passw0rd1234",
        "mypassword123",
        "thisispassword",
        "thisismypassword",
        "changemenow123",
        "changeme1234",
        "changemechangeme",
        "letmeinletmein",
        "letmein12345",
        "welcome12345",
        "welcomewelcome",
        "administrator",
        "administrator1",
        "admin1234567",
        "adminadmin123",
        "adminadminadmin",
        "administrador",
        "iloveyou1234",
        "iloveyou12345",
        "iloveyouiloveyou",
        "iloveyousomuch",
        "iloveyouforever",
        "qwertyqwerty",
        "qwerty123456",
        "qwerty1234567",
        "qwerty12345678",
        "qwertyuiop123",
        "qwertyuiop12",
        "qwertyuiopasdf",
        "qwertyuiopasdfghjkl",
        "1q2w3e4r5t6y",
        "1q2w3e4r5t6y7u",
        "1q2w3e4r5t6y7u8i",
        "1qaz2wsx3edc",
        "1qaz2wsx3edc4rfv",
        "qazwsxedcrfv",
        "zaq12wsxcde3",
        "abc123abc123",
        "abcd1234abcd",
        "a1b2c3d4e5f6",
        "asdfghjkl123",
        "zxcvbnm12345",
        "q1w2e3r4t5y6",
        "123qweasdzxc",
        "correcthorsebatterystaple",
        "trustno1trustno1",
        "superman1234",
        "footballfootball",
        "liverpoolfc1",
        "manchesterunited",
        "chelseafootball",
        "sunshine1234",
        "princess1234",
        "dragondragon",
        "monkeymonkey",
        "michael12345",
        "jordan123456",
        "unknown12345",
        "default12345",
        "secretsecret",
        "secret123456",
        "test12345678",
        "testtesttest",
        "testpassword",
        "temporary123",
        "summer202512",
        "winter202512",
        "hospital1234",
        "doctordoctor",
        "alopeciaareata",
        "dermatology1",
        "dermatology123",
        "anagenanagen",
        "anagen123456",
    ]
)
_ROWS = (
    "12345678901234567890123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
)
# A password made of one piece of up to so many characters, over and over.
_PIECE = 4


def check_password(name: str, password: str) -> None:
    """Refuse a password that is too short, too long or among the first that somebody would try.

    Parameters
    ----------
    name : of the account.
    password : the new one.

    Raises
    ------
    InputError
        Says what is wrong, and never repeats the password.

    Examples
    --------
    >>> check_password("anna", "four brown hens")
    """
    problems = password_problems(name, password)
    if problems:
        raise InputError(problems)


def password_problems(name: str, password: str) -> list[Problem]:
    """Everything wrong with a new password; see `check_password`."""
    expected = f"{SHORTEST} to {LONGEST} characters"
    if len(password) > 2 * LONGEST:
        return [_problem(expected, "many more", "Choose a shorter one.")]
    plain = normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        found = "none" if not plain else f"{len(plain)} characters"
        return [_problem(expected, found, "Several words in a row are easy to remember.")]
    if any(unicodedata.category(mark) in ("Cc", "Cs") for mark in plain):
        return [_problem("characters that a keyboard gives", "control characters",
                         "Type it again.")]  # fmt: skip
    if _is_guessed(name, plain):
        return [_problem("a password that nobody guesses", "one of the first to be tried",
                         "Choose several words that do not belong together.")]  # fmt: skip
    return []


def hash_password(password: str) -> str:
    """Hash a password, with salt and settings, as the table keeps it."""
    with _AT_ONCE:
        return HASHER.hash(encoded(normal(password)))


def verify_password(kept: str | None, password: str) -> bool:
    """Whether a password fits; without an account it takes just as long.

    Parameters
    ----------
    kept : what `hash_password` gave; None when there is no account.
    password : the one that was typed.
    """
    stand_in = _stand_in(HASHER)
    typed = normal(password[: 4 * LONGEST])
    with _AT_ONCE:
        try:
            fits: bool = HASHER.verify(kept or stand_in, encoded(typed))
        except (VerificationError, InvalidHashError):
            fits = False
    return fits and kept is not None and len(typed) <= LONGEST


def needs_rehash(kept: str) -> bool:
    """Whether a hash was made with other settings than those of today."""
    return HASHER.check_needs_rehash(kept)


def normal(password: str) -> str:
    """Password as every keyboard and system would give it (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", password)


@lru_cache(maxsize=4)
def _stand_in(hasher: PasswordHasher) -> str:
    """Hash that stands in where there is no account, made with the same settings."""
    return hasher.hash(b"nobody's password")


def _is_guessed(name: str, password: str) -> bool:
    small = password.casefold()
    bare = "".join(mark for mark in small if mark.isalnum())
    own = "".join(mark for mark in name.casefold() if mark.isalnum())
    if small in _COMMON or bare in _COMMON or (own and bare and not bare.replace(own, "")):
        return True
    if any(_repeats(small, size) for size in range(1, _PIECE + 1)):
        return True
    return any(small in row or small in row[::-1] for row in _ROWS)


def _repeats(text: str, size: int) -> bool:
    piece = text[:size]
    return (piece * (len(text) // size + 1))[: len(text)] == text


def _problem(expected: str, found: str, remedy: str) -> Problem:
    return Problem("password", expected, found, remedy)
