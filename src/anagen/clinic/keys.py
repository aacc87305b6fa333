"""The key file: one secret outside the database, from which every other key is derived.

Names and birth dates are encrypted with it (AES-256-GCM) and the chain of changes is sealed with
it (HMAC-SHA256), so that neither can be read or forged with the database alone.
"""

import base64
import hmac
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from anagen.errors import StoreError

_BYTES = 32
_NONCE_BYTES = 12
_FIRST_LINE = "anagen-clinic-key-1"


@dataclass(frozen=True, repr=False)
class Keys:
    """The secret of one clinic; never shown.

    Parameters
    ----------
    secret : 32 random bytes.
    """

    secret: bytes

    def derived(self, purpose: str) -> bytes:
        """Key for one purpose, 32 bytes; different for every purpose."""
        return hmac.digest(self.secret, b"anagen:" + purpose.encode(), "sha256")

    @property
    def fingerprint(self) -> str:
        """What tells keys apart without giving them away: 16 hexadecimal digits."""
        return sha256(self.derived("fingerprint")).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Keys({self.fingerprint})"


def make_keys() -> Keys:
    """Draw a new secret."""
    return Keys(secrets.token_bytes(_BYTES))


def load_keys(path: Path) -> Keys:
    """Read the key file.

    Raises
    ------
    StoreError
        When it is missing, not a key file, or others may read it.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise StoreError(
            f"key file {path}: expected the key of this record, found no file. "
            "Name it with --key-file, or bring it back from where it is kept"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"key file {path}: cannot be read ({error}). Mend its permissions"
        ) from None
    if os.name == "posix" and mode & 0o077:
        raise StoreError(
            f"key file {path}: expected a file that only its owner reads, found mode "
            f"{mode & 0o777:o}. Run: chmod 600 {path}"
        )
    first, _, rest = text.partition("\n")
    try:
        secret = base64.b64decode(rest.strip(), validate=True)
    except ValueError:
        secret = b""
    if first != _FIRST_LINE or len(secret) != _BYTES:
        raise StoreError(f"key file {path}: expected a key of Anagen, found something else")
    return Keys(secret)


def save_keys(keys: Keys, path: Path) -> None:
    """Write a new key file, readable by its owner alone; never over another one.

    Raises
    ------
    StoreError
        When a file is there already or none can be written.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{_FIRST_LINE}\n{base64.b64encode(keys.secret).decode()}\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise StoreError(f"key file {path}: expected none yet, found one. Move it away") from None
    except OSError as error:
        raise StoreError(
            f"key file {path}: cannot be written ({error.strerror}). Choose another place"
        ) from None


def encrypt(keys: Keys, purpose: str, place: str, text: str) -> str:
    """Encrypt a text for one place, such as ``identity/P001``; elsewhere it does not decrypt.

    Examples
    --------
    >>> keys = make_keys()
    >>> sealed = encrypt(keys, "identity", "identity/P1", "Ada")
    >>> decrypt(keys, "identity", "identity/P1", sealed)
    'Ada'
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(keys.derived(purpose)).encrypt(nonce, text.encode(), place.encode())
    return base64.b64encode(nonce + sealed).decode()


def decrypt(keys: Keys, purpose: str, place: str, sealed: str) -> str:
    """Decrypt what `encrypt` made.

    Raises
    ------
    StoreError
        When the key is another one, or the text was changed or moved to another place.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.b64decode(sealed, validate=True)
        cipher = AESGCM(keys.derived(purpose))
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
    except (ValueError, InvalidTag):
        raise StoreError(
            f"{place}: cannot be decrypted: the key is another one, or the text was changed"
        ) from None
