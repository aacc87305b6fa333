"""How the server runs, and which addresses it refuses."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from anagen.errors import InputError, Problem

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8765
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")


@dataclass(frozen=True)
class ServerSettings:
    """Where the server listens and whom it trusts.

    Parameters
    ----------
    host, port : where it listens.
    names : names under which browsers reach it, beside those of loopback.
    certificate, private_key : for TLS.
    proxy : address of the proxy that speaks TLS in front of it; its headers are believed.
    workers : processes that compute; None chooses by the number of cores.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    proxy: str | None = None
    workers: int | None = None

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.certificate is not None or self.proxy is not None

    @property
    def allowed_names(self) -> list[str]:
        """Names that a request may be sent to; others are refused (DNS rebinding)."""
        own = () if self.host in ("0.0.0.0", "::") else (self.host,)
        return list(dict.fromkeys((*_LOOPBACK_NAMES, *own, *self.names)))


def check_settings(settings: ServerSettings) -> None:
    """Refuse to serve records to a network without encryption, and half a pair of TLS files.

    Raises
    ------
    InputError
        When the address is public and neither TLS nor a proxy is stated, or a file is missing.

    Examples
    --------
    >>> check_settings(ServerSettings())
    >>> check_settings(ServerSettings(host="0.0.0.0"))
    Traceback (most recent call last):
        ...
    anagen.errors.InputError: host: expected an address of this machine alone, or TLS or a \
stated proxy, found '0.0.0.0' without either. Add --certificate and --private-key, or --proxy \
ADDRESS when a proxy in front of it speaks TLS.
    """
    problems = []
    if not _is_loopback(settings.host) and not settings.secure:
        problems.append(
            Problem("host", "an address of this machine alone, or TLS or a stated proxy",
                    f"{settings.host!r} without either",
                    "Add --certificate and --private-key, or --proxy ADDRESS when a proxy in "
                    "front of it speaks TLS.")
        )  # fmt: skip
    if (settings.certificate is None) != (settings.private_key is None):
        problems.append(
            Problem("certificate", "certificate and private key together", "one of them",
                    "Give both --certificate and --private-key.")
        )  # fmt: skip
    for name, path in (("certificate", settings.certificate),
                       ("private-key", settings.private_key)):  # fmt: skip
        if path is not None and not path.is_file():
            problems.append(Problem(name, "a file in PEM", f"no file {path}", "Check the path."))
    if settings.proxy is not None and not _is_address(settings.proxy):
        problems.append(
            Problem("proxy", "the IP address from which the proxy connects", repr(settings.proxy),
                    "Write for example --proxy 127.0.0.1")
        )  # fmt: skip
    if not settings.names and settings.secure and not _is_loopback(settings.host):
        problems.append(
            Problem("name", "the name under which browsers reach the server", "none",
                    "Add --name clinic.example.org")
        )  # fmt: skip
    if problems:
        raise InputError(problems)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
